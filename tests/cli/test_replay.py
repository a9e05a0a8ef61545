#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""replay as its users meet it. Run: test_replay.py SPOTOPT EXAMPLES SHARED

Where SHARED/data has prices of real months, savings are computed again here, from the same files and by nothing of the
library, and must agree to a cent.
"""
import csv, datetime, gzip, json, os, pathlib, subprocess, sys, tempfile, unittest

SPOTOPT, DATA = os.path.abspath(sys.argv[1]), pathlib.Path(os.path.abspath(sys.argv[2])) / "data"
SHARED = pathlib.Path(os.environ.get("SPOTOPT_SHARED", os.path.abspath(sys.argv[3])))
DAY = 86400


def run(*args):
    return subprocess.run([SPOTOPT, *map(str, args)], capture_output=True, text=True, timeout=120)


class Sample(unittest.TestCase):
    base = ("replay", "--catalog", DATA / "catalog.json", "--history", DATA / "history.csv", "--demand", DATA / "demand.csv")

    def document(self, *more):
        done = run(*self.base, "-o", "json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_all_methods_by_default_and_the_same_bytes_on_any_number_of_threads(self):
        first, again = (run(*self.base, "-o", "json", "--threads", n) for n in (1, 4))
        self.assertEqual(first.stdout, again.stdout)
        names = [p["policy"] for p in json.loads(first.stdout)["policies"]]
        self.assertEqual(names, ["on-demand", "cheapest", "one-per-zone", "last-day", "hazard", "oracle"])

    def test_documents_and_names_may_be_mixed(self):
        doc = self.document("--policy", DATA / "policy.json", "--policy", "cheapest=%s" % (DATA / "policy.json"), "--policy", "oracle")
        self.assertEqual([(p["policy"], p["method"]) for p in doc["policies"]],
                         [("policy", "hazard"), ("cheapest:policy", "cheapest"), ("oracle", "oracle")])
        self.assertEqual(len(doc["comparisons"]), 3)

    def test_totals_add_up(self):
        for p in self.document()["policies"]:
            for key in ("cost_usd", "losses_usd", "on_demand_usd", "interruptions", "moves", "lost_replica_hours"):
                self.assertAlmostEqual(p[key], sum(d[key] for d in p["demands"]), places=6)
            self.assertAlmostEqual(p["net_saving_frac"], 1 - (p["cost_usd"] + p["losses_usd"]) / p["on_demand_usd"])

    def test_table_and_page(self):
        done = run(*self.base, "-o", "table")
        self.assertIn("did best", done.stdout)
        done = run(*self.base, "-o", "html")
        self.assertIn("Above the oracle", done.stdout)
        self.assertNotIn("nan", done.stdout)
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "r.json")
            self.assertEqual(run(*self.base, "--output-file", file).returncode, 0)
            self.assertEqual(run("show", file, "-o", "html").stdout, done.stdout)

    def test_exit_statuses(self):
        self.assertEqual(run("replay", "--catalog", DATA / "catalog.json").returncode, 2)
        self.assertEqual(run(*self.base, "--policy", "cheapst").returncode, 2)
        self.assertIn("did you mean cheapest", run(*self.base, "--policy", "cheapst").stderr)
        self.assertEqual(run(*self.base, "--step", "soon").returncode, 2)
        self.assertEqual(run(*self.base, "--step", "0").returncode, 2)
        self.assertEqual(run(*self.base, "--startup", "901").returncode, 2)
        self.assertEqual(run(*self.base, "--policy", "cheapest", "--policy", "cheapest").returncode, 2)
        self.assertEqual(run(*self.base, "--policy", "no-such.json").returncode, 3)
        self.assertEqual(run(*self.base, "--to", "0").returncode, 3)
        with tempfile.TemporaryDirectory() as folder:
            bad = os.path.join(folder, "demand.csv")
            pathlib.Path(bad).write_text("time_s,demand,count,cpu_milli,memory_mib\n0,a,1,1,1\n0,a,2,1,1\n")
            done = run("replay", "--catalog", DATA / "catalog.json", "--demand", bad)
            self.assertEqual((done.returncode, "demand.csv:3: time_s" in done.stderr), (3, True))


class RealMonths(unittest.TestCase):
    """Daily spot prices of public data against on-demand prices: what `cheapest` paid, hour by hour."""

    TYPES = {"m5.large": (2000, 8192), "m5a.large": (2000, 8192), "m6i.large": (2000, 8192), "c5.xlarge": (4000, 8192)}

    def months(self, region, first, days):
        spot = SHARED / "data" / "spot" / ("spot_price_daily_%s_2024-02_2025-06.csv.gz" % region)
        on_demand = SHARED / "data" / "catalog" / ("ondemand_%s_2024-01_2025-06.csv" % region)
        if not spot.exists() or not on_demand.exists():
            self.skipTest("no prices in %s" % spot)
        with gzip.open(spot, "rt") as stream:
            rows = [r for r in csv.DictReader(stream) if r["instance_type"] in self.TYPES]
        by_day = {(r["date"], r["instance_type"]): float(r["usd_per_hour_mean"]) for r in rows}
        with open(on_demand) as stream:
            listed = {}
            for r in csv.DictReader(stream):
                if r["instance_type"] in self.TYPES and r["date"] <= first:
                    listed[r["instance_type"]] = float(r["usd_per_hour"])
        start = datetime.date.fromisoformat(first)
        return [{t: by_day[(start + datetime.timedelta(d)).isoformat(), t] for t in self.TYPES} for d in range(days)], listed

    def check(self, region, first, days):
        spot, listed = self.months(region, first, days)
        day, night, cpu, memory = 9, 4, 900, 3000
        # Two replicas on a large or an xlarge by memory and CPU: 8192 MiB less nothing holds two of 3000.
        per_node = {t: min(c // cpu, m // memory) for t, (c, m) in self.TYPES.items()}
        with tempfile.TemporaryDirectory() as folder:
            files = {name: os.path.join(folder, name + ".csv") for name in ("catalog", "prices", "demand")}
            with open(files["catalog"], "w") as out:
                print("region,az_id,instance_type,arch,alloc_cpu_milli,alloc_memory_mib,max_pods,on_demand_usd_per_hour,"
                      "spot_usd_per_hour", file=out)
                for t, (c, m) in self.TYPES.items():
                    print(f"{region},z,{t},amd64,{c},{m},29,{listed[t]},{spot[0][t]}", file=out)
            with open(files["prices"], "w") as out:
                print("pool,time_s,usd_per_hour", file=out)
                for d, prices in enumerate(spot):
                    for t in self.TYPES:
                        print(f"{t}/z/spot,{d * DAY},{prices[t]}", file=out)
            with open(files["demand"], "w") as out:
                print("time_s,demand,count,cpu_milli,memory_mib", file=out)
                for d in range(days):
                    print(f"{d * DAY},web,{night},{cpu},{memory}\n{d * DAY + 8 * 3600},web,{day},,\n"
                          f"{d * DAY + 20 * 3600},web,{night},,", file=out)
            done = run("replay", "--catalog", files["catalog"], "--prices", files["prices"], "--demand", files["demand"],
                       "--policy", "cheapest", "--policy", "on-demand", "--to", days * DAY, "--step", 3600, "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        by = {p["policy"]: p for p in json.loads(done.stdout)["policies"]}

        # By hand: each hour the day's price; new replicas go where they cost least; the dearest replicas leave first.
        nodes = lambda n, t: -(-n // per_node[t])
        held, paid, ode = {}, 0.0, 0.0
        for hour in range(24 * days):
            price, want = spot[hour // 24], day if 8 <= hour % 24 < 20 else night
            have = sum(held.values())
            if want > have:
                n = want - have
                best = min(self.TYPES, key=lambda t: price[t] * nodes(n, t))
                held[best] = held.get(best, 0) + n
            while sum(held.values()) > want:
                dearest = max((t for t in held if held[t]), key=lambda t: price[t] / per_node[t])
                held[dearest] -= min(held[dearest], sum(held.values()) - want)
            paid += sum(price[t] * nodes(n, t) for t, n in held.items() if n)
            ode += min(listed[t] * nodes(want, t) for t in self.TYPES)
        self.assertAlmostEqual(by["cheapest"]["cost_usd"], paid, delta=0.01)
        self.assertAlmostEqual(by["cheapest"]["on_demand_usd"], ode, delta=0.01)
        self.assertAlmostEqual(by["cheapest"]["gross_saving_frac"], 1 - paid / ode, places=6)
        self.assertGreaterEqual(by["on-demand"]["cost_usd"], ode - 0.01)
        return paid, ode

    def test_savings_are_those_of_the_files_in_us_east_1(self):
        self.check("us-east-1", "2024-05-01", 92)

    def test_savings_are_those_of_the_files_in_us_west_2(self):
        print("us-west-2, three months of %d types: paid %.2f of %.2f on-demand" % (
            len(self.TYPES), *self.check("us-west-2", "2025-01-01", 90)), file=sys.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
