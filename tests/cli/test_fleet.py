#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fleet as its users meet it, and its money recomputed. Run: test_fleet.py SPOTOPT EXAMPLES SHARED

The recomputation shares nothing with the library: it cuts time at every row, adds up what runs in each piece, and must
agree to a cent; on generated ledgers always, on real spot prices of SHARED where they are.
"""
import collections, csv, datetime, gzip, json, math, os, pathlib, random, re, subprocess, sys, tempfile, unittest

SPOTOPT, EXAMPLES, SHARED = (os.path.abspath(a) for a in sys.argv[1:4])
SHARED = os.environ.get("SPOTOPT_SHARED", SHARED)
DATA = pathlib.Path(EXAMPLES) / "data"
PRICES = pathlib.Path(SHARED) / "data" / "spot" / "spot_price_events_us-east-1_2021-03_2021-05.csv.gz"
HOUR = 3600_000
NOW = "2026-11-02T09:00:00Z"
CENT = 0.005


def run(*args, text=None):
    return subprocess.run([SPOTOPT, *args], capture_output=True, text=True, timeout=120, input=text)


def fleet(part, rows, now_ms, *more):
    done = run("fleet", part, "--ledger", "-", "--now", repr(now_ms / 1000), "-o", "json", *more,
               text="".join(json.dumps(r) + "\n" for r in rows))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Books:
    """The same money, the slow way."""

    def __init__(self, rows, now, begin, penalty):
        self.now, self.begin, self.penalty = now, begin, penalty
        rows = sorted(rows, key=lambda r: r["time_ms"])
        self.lives, running, self.prices, self.demand = [], {}, collections.defaultdict(list), collections.defaultdict(list)
        self.warned = set()
        for row in rows:
            if row["type"] == "start":
                running[row["instance"]] = dict(row, stop=math.inf, cause=None, lost_usd=None, lost_hours=0.0)
                self.lives.append(running[row["instance"]])
            elif row["type"] == "stop" and row["instance"] in running:
                life = running.pop(row["instance"])
                life.update(stop=row["time_ms"], cause=row.get("cause"), lost_usd=row.get("lost_usd"),
                            lost_hours=row.get("lost_hours") or 0.0)
            elif row["type"] == "price":
                self.prices[row["pool"]].append((row["time_ms"], row["usd_per_hour"]))
            elif row["type"] == "demand":
                self.demand[row["cluster"]].append((row["time_ms"], row["ode_usd_per_hour"], row.get("bound_usd_per_hour")))
            elif row["type"] == "notice" and row["kind"] == "termination":
                self.warned.add((row["instance"], row["time_ms"]))
        self.clusters = sorted({life["cluster"] for life in self.lives} | set(self.demand))

    def rate(self, life, t):
        """USD per hour just after t."""
        price = life["usd_per_hour"]
        for at, usd in self.prices[life["pool"]]:
            if life["time_ms"] <= at <= t:
                price = usd
        return price

    def unbilled(self, life):
        return (life["cause"] == "interrupted" and life["pool"].endswith("/spot") and life["stop"] <= self.now
                and life["stop"] - life["time_ms"] < HOUR)

    def known(self, cluster, t):
        ode = bound = None
        for at, o, b in self.demand[cluster]:
            if at <= t:
                ode, bound = o, b
        return ode, bound

    def loss(self, life):
        if life["lost_usd"] is not None:
            return life["lost_usd"]
        taken = life["cause"] == "interrupted" or any(
            i == life["instance"] and life["time_ms"] <= t <= life["stop"] for i, t in self.warned)
        return self.penalty if taken else 0.0

    def of(self, clusters):
        s = collections.Counter()
        for cluster in clusters:
            lives = [life for life in self.lives if life["cluster"] == cluster]
            cuts = {self.begin, self.now} | {d[0] for d in self.demand[cluster]}
            for life in lives:
                cuts |= {life["time_ms"], min(life["stop"], self.now)} | {p[0] for p in self.prices[life["pool"]]}
            cuts = sorted(c for c in cuts if self.begin <= c <= self.now)
            for a, b in zip(cuts, cuts[1:]):
                hours = (b - a) / HOUR
                ode, bound = self.known(cluster, a)
                up = [life for life in lives if life["time_ms"] <= a < life["stop"]]
                paid = sum(self.rate(life, a) * hours for life in up if not self.unbilled(life))
                s["billed"] += paid
                for life in up:
                    is_spot = life["pool"].endswith("/spot")
                    s["spot"] += hours * life["vcpu"] * is_spot
                    s["eligible"] += hours * life["vcpu"] * (is_spot or life.get("spot_eligible", True))
                if ode is None:
                    continue
                s["paid"] += paid
                s["ode"] += ode * hours
                if bound is not None:
                    s["saved"] += ode * hours - paid
                    s["possible"] += (ode - bound) * hours
            for life in lives:
                if not self.begin < life["stop"] <= self.now:
                    continue
                s["lost"] += life["lost_hours"] * life["vcpu"] * life["pool"].endswith("/spot")
                if self.known(cluster, life["stop"] - 1)[0] is not None:
                    s["losses"] += self.loss(life)
        return s


class Money(unittest.TestCase):
    def agree(self, rows, now, begin, penalty=0.5):
        policy = tempfile.NamedTemporaryFile("w", suffix=".json")
        policy.write(json.dumps({"kind": "Policy", "interruption": {"cost_usd": penalty}}))
        policy.flush()
        doc = fleet("savings", rows, now, "--from", repr(begin / 1000), "--policy", policy.name, "--points", "17")
        books = Books(rows, now, begin, penalty)
        for entry, clusters in [(doc["total"], books.clusters)] + [(c, [c["cluster"] or ""]) for c in doc["clusters"]]:
            s = books.of(clusters)
            for key, want in (("billed_usd", s["billed"]), ("paid_usd", s["paid"]), ("losses_usd", s["losses"]),
                              ("ode_usd", s["ode"])):
                self.assertLess(abs(entry[key] - want), CENT, (clusters, key, entry[key], want))
            for key, part, whole, turn in (("gross_saving_frac", s["paid"], s["ode"], True),
                                           ("net_saving_frac", s["paid"] + s["losses"], s["ode"], True),
                                           ("optimization_rate", s["saved"], s["possible"], False),
                                           ("coverage_frac", s["spot"], s["eligible"], False)):
                if whole > 1e-6:
                    # To a cent of the money below the line.
                    want = 1 - part / whole if turn else part / whole
                    self.assertLess(abs(entry[key] - want), CENT / max(whole, 1), (clusters, key))
                elif whole <= 0:
                    self.assertIsNone(entry[key], (clusters, key))
            if s["spot"] > 1e-9:
                want = s["spot"] / s["eligible"] * (1 - min(1, s["lost"] / s["spot"]))
                self.assertAlmostEqual(entry["effective_coverage_frac"], want, 9)
            for key, column in (("paid_usd", "paid_usd"), ("ode_usd", "ode_usd"), ("losses_usd", "losses_usd")):
                self.assertLess(abs(sum(p[column] or 0 for p in entry["series"]) - entry[key]), CENT, key)
        split = collections.Counter()
        for one in doc["instances"]:
            split[one["cluster"]] += one["billed_usd"]
        self.assertLess(abs(sum(split.values()) - doc["total"]["billed_usd"]), CENT)
        return doc

    def test_on_generated_ledgers(self):
        for seed in range(25):
            rng = random.Random(seed)
            rows, serial = [], 0
            end = 6 * 24 * HOUR
            pools = ["m/%s/%s" % (z, p) for z in "ab" for p in ("spot", "on-demand")]
            for pool in pools:
                for _ in range(rng.randrange(0, 12)):
                    rows.append({"time_ms": rng.randrange(end), "type": "price", "pool": pool,
                                 "usd_per_hour": round(rng.uniform(0, 2), 4)})
            for cluster in ("a", "b", "c"):
                for _ in range(rng.randrange(0, 9)):
                    ode = rng.choice([None, 0, rng.uniform(1, 30)])
                    rows.append({"time_ms": rng.randrange(end), "type": "demand", "cluster": cluster, "ode_usd_per_hour": ode,
                                 "bound_usd_per_hour": rng.choice([None, ode * rng.random()]) if ode is not None else None})
                for _ in range(rng.randrange(0, 20)):
                    serial += 1
                    at = rng.randrange(end)
                    rows.append({"time_ms": at, "type": "start", "instance": "i-%d" % serial, "pool": rng.choice(pools),
                                 "cluster": cluster, "usd_per_hour": round(rng.uniform(0, 2), 4), "vcpu": rng.choice([2, 8]),
                                 "spot_eligible": rng.random() < 0.8})
                    stop = at + rng.choice([rng.randrange(HOUR), HOUR, rng.randrange(1, end)])
                    if rng.random() < 0.3:
                        rows.append({"time_ms": rng.randrange(at, stop + 1), "type": "notice", "kind": "termination",
                                     "instance": "i-%d" % serial})
                    if rng.random() < 0.8:
                        row = {"time_ms": stop, "type": "stop", "instance": "i-%d" % serial,
                               "cause": rng.choice(["interrupted", "drained", "governance"])}
                        if rng.random() < 0.4:
                            row.update(lost_usd=round(rng.uniform(0, 3), 2), lost_hours=rng.random())
                        rows.append(row)
            if not any(r["type"] == "start" for r in rows):
                continue
            # Times of rows must differ: which of two at one moment counts is the file's order, not the test's business.
            seen = set()
            rows = [r for r in rows if not (r["time_ms"] in seen or seen.add(r["time_ms"]))]
            rng.shuffle(rows)
            self.agree(rows, end - rng.choice([0, 12345, 24 * HOUR]), rng.choice([0, 1000, 2 * 24 * HOUR]))

    def test_on_the_sample(self):
        rows = [json.loads(line) for line in (DATA / "events.jsonl").read_text().splitlines()]
        doc = self.agree(rows, 1793610000000, 1793610000000 - 20 * 24 * HOUR, 0.3)
        self.assertEqual([c["cluster"] for c in doc["clusters"]], ["lab", "search", "shop"])

    @unittest.skipUnless(PRICES.exists(), "needs the shared price histories")
    def test_on_real_prices(self):
        rng, by_pool = random.Random(3), collections.defaultdict(list)
        wanted = ("m5.large", "c5.xlarge", "r5.2xlarge", "m5.4xlarge")
        with gzip.open(PRICES, "rt") as stream:
            for row in csv.DictReader(stream):
                if row["instance_type"] in wanted:
                    at = datetime.datetime.strptime(row["timestamp"], "%Y-%m-%dT%H:%M:%SZ")
                    ms = int(at.replace(tzinfo=datetime.timezone.utc).timestamp()) * 1000
                    by_pool["%s/%s/spot" % (row["instance_type"], row["az"])].append((ms, float(row["usd_per_hour"])))
        rows, begin = [], max(min(p)[0] for p in by_pool.values())
        end = begin + 40 * 24 * HOUR
        for pool, prices in sorted(by_pool.items()):
            rows += [{"time_ms": t, "type": "price", "pool": pool, "usd_per_hour": usd} for t, usd in prices if t <= end]
        for k in range(60):
            pool = rng.choice(sorted(by_pool))
            at = rng.randrange(begin, end)
            usd = [p for t, p in sorted(by_pool[pool]) if t <= at][-1]
            rows.append({"time_ms": at, "type": "start", "instance": "i-%d" % k, "pool": pool, "cluster": "ab"[k % 2],
                         "usd_per_hour": usd, "vcpu": 4})
            if rng.random() < 0.8:
                rows.append({"time_ms": at + rng.choice([HOUR // 2, rng.randrange(1, 9 * 24 * HOUR)]), "type": "stop",
                             "instance": "i-%d" % k, "cause": rng.choice(["interrupted", "drained"])})
        for cluster in "ab":
            for day in range(0, 40, 2):
                ode = rng.uniform(1, 9)
                rows.append({"time_ms": begin + day * 24 * HOUR, "type": "demand", "cluster": cluster, "ode_usd_per_hour": ode,
                             "bound_usd_per_hour": ode * 0.25})
        doc = self.agree(rows, end, begin)
        self.assertGreater(doc["total"]["billed_usd"], 50)


class Command(unittest.TestCase):
    PARTS = ("metrics", "savings", "topology", "history", "health", "activity", "overrides")

    def sample(self, part, *more):
        return run("fleet", part, "--ledger", str(DATA / "events.jsonl"), "--now", NOW, *more)

    def test_every_part_in_every_form(self):
        for part in self.PARTS + ("governance", "storage"):
            more = ["--inventory", str(DATA / "inventory.json")] if part in ("governance", "storage") else []
            doc = self.sample(part, "-o", "json", *more)
            self.assertEqual((doc.returncode, doc.stderr), (0, ""), part)
            self.assertEqual(doc.stdout, self.sample(part, "-o", "json", *more).stdout)
            kind = json.loads(doc.stdout)["kind"]
            self.assertRegex(kind, "^(Fleet|Cleanup)")
            table = self.sample(part, "-o", "table", *more)
            self.assertEqual(table.returncode, 0)
            self.assertLess(max(len(line) for line in table.stdout.splitlines()), 121)
            page = self.sample(part, "-o", "html", *more).stdout
            self.assertTrue(page.startswith("<!DOCTYPE html>") and "<script" not in page, part)
            lines = list(csv.reader(self.sample(part, "-o", "csv", *more).stdout.splitlines()))
            self.assertGreater(len(lines), 1, part)
            self.assertEqual(len({len(line) for line in lines}), 1, part)
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(doc.stdout)
                file.flush()
                self.assertEqual(run("show", file.name, "-o", "html").stdout, page, part)

    def test_databases_that_are_not_there_are_said(self):
        for url in ("sqlite:/nowhere/books.db", "postgresql://127.0.0.1:1/books?connect_timeout=2"):
            r = run("fleet", "metrics", "--ledger", url)
            self.assertIn(r.returncode, (2, 3))
            self.assertRegex(r.stderr, "want a file|out of reach|not in this build")

    def test_wrong_lines_and_bad_rows(self):
        for args, status, says in (
                (["fleet"], 2, "want one of metrics"), (["fleet", "metrics"], 2, "--ledger is needed"),
                (["fleet", "storage"], 2, "--inventory is needed"), (["fleet", "savings", "--ledger", "-", "--points", "0"], 2, "--points"),
                (["fleet", "metrics", "--ledger", "-", "--cluster-id", "nix"], 2, "cluster \"nix\" is not in the ledger"),
                (["plan", "--cluster", "x", "--catalog", "y", "-o", "csv"], 2, "-o csv is for")):
            r = run(*args, text="")
            self.assertEqual(r.returncode, status, (args, r.stderr))
            self.assertIn(says, r.stderr)
        r = run("fleet", "metrics", "--ledger", "-", text='\n{"time_ms":1,"type":"stop"}\n')
        self.assertEqual(r.returncode, 3)
        self.assertRegex(r.stderr, r":2: /instance: want .*missing")

    def test_an_empty_ledger_has_no_rates(self):
        doc = fleet("metrics", [], 1000)
        self.assertEqual(doc["active"], 0)
        for key in ("action_rate", "optimization_rate", "gross_saving_frac", "coverage_frac", "episodes_per_1000_node_hours"):
            self.assertIsNone(doc[key], key)

    def test_scopes_add_up(self):
        whole = json.loads(self.sample("metrics", "-o", "json").stdout)
        parts = [json.loads(self.sample("metrics", "-o", "json", "--cluster-id", c).stdout) for c in ("shop", "search", "lab")]
        for key in ("active", "risk_detected", "notices", "interrupted", "optimizations", "proposed", "live_switches"):
            self.assertEqual(whole[key], sum(p[key] for p in parts), key)
        self.assertGreater(whole["risk_detected"], 0)
        money = [p["monthly_net_usd"] for p in parts]
        self.assertAlmostEqual(whole["monthly_net_usd"], sum(money), 6)
        topology = json.loads(self.sample("topology", "-o", "json").stdout)
        nodes = [n for client in topology["clients"] for c in client["clusters"] for p in c["pools"] for n in p["nodes"]]
        self.assertEqual(len(nodes), whole["active"])

    def test_the_history_of_an_instance_names_its_alternates(self):
        every = json.loads(self.sample("history", "-o", "json", "--limit", "1000").stdout)
        one = next(s for s in every["switches"] if s["alternates"])
        mine = json.loads(self.sample("history", "-o", "json", "--instance", one["instance"]).stdout)
        self.assertTrue(mine["switches"] and all(s["instance"] == one["instance"] for s in mine["switches"]))
        self.assertIn(one, mine["switches"])
        self.assertLessEqual(len(one["alternates"]), 5)

    def test_health_shows_five_lines_and_ten_at_a_change(self):
        doc = json.loads(self.sample("health", "-o", "json").stdout)
        prices = next(c for c in doc["components"] if c["component"] == "prices")
        self.assertEqual(len(prices["logs"]), 5)
        self.assertEqual([c["to"] for c in prices["changes"]], ["down", "up"])
        self.assertEqual(len(prices["changes"][1]["logs"]), 10)
        self.assertAlmostEqual(prices["uptime_frac"], 22 / 24, 9)
        self.assertEqual(doc["pipeline"], "degraded")

    def plan(self, rows, now):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write("".join(json.dumps(r) + "\n" for r in rows))
            file.flush()
            inputs = ["--cluster", str(DATA / "cluster.json"), "--catalog", str(DATA / "catalog.json"), "--policy",
                      str(DATA / "policy.json"), "--cluster-id", "prod", "--now", now, "--events", file.name]
            done = run("plan", *inputs, "--work", "20000")
            self.assertIn(done.returncode, (0, 1), done.stderr)
            with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
                plan.write(done.stdout)
                plan.flush()
                checked = run("plan", "--check", plan.name, *inputs)
                self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        nodes = [n for n in json.loads(done.stdout)["nodes"] if n["action"] != "drain"]
        return sum(n["pool"].endswith("/spot") for n in nodes), len(nodes)

    def test_a_plan_honours_the_overrides_of_the_ledger_and_comes_back_in_steps(self):
        now = 1793610000000
        order = {"time_ms": now - 5 * HOUR, "type": "override", "id": "o", "scope": "cluster", "target": "prod", "author": "me",
                 "reason": "test", "state": "set"}
        lift = {"time_ms": now - HOUR // 2, "type": "override", "id": "o", "author": "me", "state": "lifted"}
        free, nodes = self.plan([], NOW)
        self.assertGreater(free, 0)
        self.assertEqual(self.plan([order], NOW)[0], 0)
        half, nodes = self.plan([order, lift], NOW)
        self.assertTrue(0 < half <= nodes / 2, (half, nodes))
        self.assertEqual(self.plan([dict(order, target="other")], NOW)[0], free)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
