#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The steps of fleet that write the books, as operators meet them. Run: test_fleet_steps.py SPOTOPT EXAMPLES [KEEP_ROWS]

On a file of JSON lines; with KEEP_ROWS, the program that puts rows into a store, on SQLite, and where SPOTOPT_STORE_URL names
one, on PostgreSQL. Rows are counted in the file or the database itself, not by the command.
"""
import fcntl, gzip, json, os, pathlib, pwd, random, resource, signal, sqlite3, subprocess, sys, tempfile, time, unittest

SPOTOPT, EXAMPLES = (os.path.abspath(a) for a in sys.argv[1:3])
KEEP = [os.path.abspath(a) for a in sys.argv[3:4]]
SERVER = os.environ.get("SPOTOPT_STORE_URL")
DATA = pathlib.Path(EXAMPLES) / "data"
SLOW = bool(os.environ.get("SPOTOPT_SLOW"))
NOW = 1793610000
ENV = dict(os.environ, USER="tester", LC_ALL="C.UTF-8")
HOUR = 3600_000


def run(*args, text=None, env=ENV, **more):
    return subprocess.run([SPOTOPT, "fleet", *args], capture_output=True, text=True, timeout=120, input=text, env=env, **more)


def volumes(count):
    return {"kind": "Inventory", "volumes": [
        {"VolumeId": "vol-%05d" % i, "VolumeType": "gp3", "Size": 10 + i % 90, "State": "available",
         "CreateTime": "2026-01-01T00:00:00Z", "Attachments": []} for i in range(count)]}


class File:
    """Books in a file of JSON lines."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "books.jsonl"
        self.url = str(self.path)

    def rows(self):
        """The whole rows; a last one that was cut off is none."""
        text = self.path.read_bytes() if self.path.exists() else b""
        return [json.loads(line) for line in text.split(b"\n")[:-1] if line.strip()]

    def exists(self):
        return self.path.exists()


class Sqlite:
    """Books in SQLite."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "books.db"
        self.url = "sqlite:%s" % self.path

    def rows(self):
        if not self.path.exists():
            return []
        with sqlite3.connect(self.path) as db:
            rows = [{"time_ms": t, "type": "cleanup", "item": i, "state": s} for t, i, s in
                    db.execute("SELECT time_ms, item, state FROM cleanups")]
            rows += [{"time_ms": t, "type": "override", "id": i, "state": s} for t, i, s in
                     db.execute("SELECT time_ms, id, state FROM overrides")]
            rows += [{"time_ms": t, "type": "batch", "state": s} for t, s in db.execute("SELECT time_ms, state FROM batches")]
            self.check = db.execute("PRAGMA integrity_check").fetchone()[0]
        db.close()
        assert self.check == "ok", self.check
        return rows

    def exists(self):
        return self.path.exists()


class Postgres:
    """Books on a server; its schema is dropped first."""

    def __init__(self, folder):
        self.url = SERVER
        self.ask("DROP SCHEMA IF EXISTS spotopt CASCADE")

    def ask(self, sql):
        done = subprocess.run(["psql", "-q", "-At", "-F", "\t", SERVER, "-c", sql], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def rows(self):
        if not self.exists():
            return []
        rows = [{"time_ms": int(t), "type": "cleanup", "item": i, "state": s} for t, i, s in
                self.ask("SELECT time_ms, item, state FROM spotopt.cleanups")]
        rows += [{"time_ms": int(t), "type": "override", "id": i, "state": s} for t, i, s in
                 self.ask("SELECT time_ms, id, state FROM spotopt.overrides")]
        return rows + [{"time_ms": int(t), "type": "batch", "state": s} for t, s in
                       self.ask("SELECT time_ms, state FROM spotopt.batches")]

    def exists(self):
        return bool(self.ask("SELECT 1 FROM pg_namespace WHERE nspname = 'spotopt'"))


class Folder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def inventory(self, count, name="inventory.json"):
        path = self.folder / name
        path.write_text(json.dumps(volumes(count)))
        return str(path)


class Steps:
    """Tests of the steps, on books of the class's kind."""

    def setUp(self):
        super().setUp()
        self.books = self.kind(self.folder)
        self.now = NOW

    def line(self, part, step, *args, inventory=None, **more):
        self.now += 1
        inventory = ["--inventory", inventory or self.file] if part in ("governance", "storage") else []
        return [part, step, *args, *inventory, "--ledger", self.books.url, "--now", str(self.now), "-o", more.pop("how", "json")]

    def step(self, part, step, *args, status=0, **more):
        done = run(*self.line(part, step, *args, **more))
        self.assertEqual(done.returncode, status, (part, step, args, done.stdout, done.stderr))
        return json.loads(done.stdout) if done.stdout else done.stderr

    def states(self, part="storage"):
        return {i["id"]: i["state"] for i in self.step(part, "list")["items"]}

    def counts(self, state):
        """How often each item has a row of that state, in the books themselves."""
        found = {}
        for row in self.books.rows():
            if row["type"] == "cleanup" and row["state"] == state:
                found[row["item"]] = found.get(row["item"], 0) + 1
        return found

    def approved(self, count):
        self.file = self.inventory(count)
        self.step("storage", "flag", "--all", "--apply")
        self.step("storage", "approve", "--all", "--apply")

    def test_a_step_writes_nothing_without_apply(self):
        self.file = self.inventory(5)
        self.begin_books()
        doc = self.step("storage", "flag", "--all")
        self.assertEqual(doc["step"]["dry_run"], True)
        self.assertEqual((doc["step"]["total"], doc["step"]["done"]), (5, 0))
        self.assertEqual({i["state"] for i in doc["items"]}, {"flagged"})  # as it would be
        self.assertEqual(self.books.rows(), [])
        self.step("storage", "flag", "--all", "--apply")
        for step in (["approve", "--all"], ["approve", "vol-00001"], ["dismiss", "vol-00002"], ["apply"]):
            before = self.books.rows()
            self.step("storage", *step)
            self.assertEqual(self.books.rows(), before)
            self.assertEqual(set(self.states().values()), {"flagged"})
        self.step("storage", "approve", "--all", "--apply")
        before = self.books.rows()
        doc = self.step("storage", "apply")
        self.assertEqual((doc["step"]["total"], doc["step"]["done"]), (5, 0))
        self.assertEqual({i["state"] for i in doc["items"]}, {"approved"})
        self.assertEqual(self.books.rows(), before)

    def test_the_life_of_items_in_both_parts_and_every_step_twice(self):
        self.file = str(DATA / "inventory.json")
        self.seed([{"time_ms": 1, "type": "log", "component": "c"}])
        for part in ("governance", "storage"):
            ids = sorted(i["id"] for i in self.step(part, "list")["items"])
            first, rest = ids[0], ids[1:]
            for _ in range(2):
                self.step(part, "flag", *ids, "--apply", "--reason", "who owns this?")
                self.assertEqual(self.states(part), {i: "flagged" for i in ids})
            for _ in range(2):
                self.step(part, "dismiss", first, "--apply", "--reason", "mine")
            for _ in range(2):
                doc = self.step(part, "approve", *rest, "--apply", "--author", "boss")
                self.assertEqual(self.states(part), dict({i: "approved" for i in rest}, **{first: "dismissed"}))
            self.assertEqual((doc["step"]["total"], doc["step"]["already"]), (0, len(rest)))
            doc = self.step(part, "apply", "--apply")
            self.assertEqual(doc["step"], {"do": "apply", "dry_run": False, "ids": doc["step"]["ids"], "total": len(rest),
                                           "done": len(rest), "failed": 0, "left": 0, "unknown": 0, "cancelled": False,
                                           "actor": "ledger"})
            self.assertEqual(sorted(doc["step"]["ids"]), rest)
            before = self.books.rows()
            self.assertEqual(self.step(part, "apply", "--apply")["step"]["total"], 0)
            self.assertEqual(self.step(part, "flag", *rest, "--apply")["step"]["already"], len(rest))
            self.assertEqual(self.step(part, "approve", *rest, "--apply")["step"]["already"], len(rest))
            self.step(part, "dismiss", rest[0], "--apply", status=1)
            self.step(part, "approve", first, "--apply", status=1)
            self.assertEqual(self.books.rows(), before)
            for state in ("flagged", "approved", "applying", "applied"):
                counts = self.counts(state)
                self.assertEqual({i: counts.get(i, 0) for i in rest}, {i: 1 for i in rest}, state)

    def test_batches_go_on_one_behind_the_other_dearest_first(self):
        self.approved(25)
        seen = []
        for done, left in ((10, 15), (10, 5), (5, 0), (0, 0)):
            doc = self.step("storage", "apply", "--batch", "10", "--apply")
            self.assertEqual((doc["step"]["done"], doc["step"]["left"]), (done, left))
            seen += doc["step"]["ids"]
        self.assertEqual(seen, [i["id"] for i in doc["items"]])
        self.assertEqual(set(self.counts("applying").values()), {1})
        self.assertEqual(len(self.counts("applied")), 25)

    def begin(self, *more, stdout=subprocess.PIPE, **how):
        return subprocess.Popen([SPOTOPT, "fleet", *self.line("storage", "apply", "--apply", *more)], env=ENV,
                                stdout=stdout, stderr=subprocess.PIPE, text=True, **how)

    def wait_for(self, child, count):
        for _ in range(3000):
            if child.poll() is not None or len(self.counts("applied")) >= count:
                return
            time.sleep(0.01)
        child.kill()
        self.fail("apply does not go on")

    def many(self, count):
        """Approved items in books of their own, ten times as many until the test says that they last long enough."""
        for k in range(3):
            folder = self.folder / str(k)
            folder.mkdir()
            self.books = self.kind(folder)
            self.approved(count * 10 ** k)
            yield count * 10 ** k
        self.skipTest("applying is over before it can be disturbed")

    def test_cancelled_half_way_and_resumed(self):
        for count in self.many(250):
            child = self.begin()
            self.wait_for(child, 20)
            child.send_signal(signal.SIGINT)
            out, said = child.communicate(timeout=60)
            if child.returncode != 0:
                break
        self.assertEqual(child.returncode, 1, said)
        step = json.loads(out)["step"]
        self.assertTrue(step["cancelled"])
        self.assertTrue(0 < step["done"] < count)
        self.assertEqual(step["done"] + step["left"], count)
        # It stopped between two items: what was handed out has ended, in the books too.
        self.assertEqual(step["unknown"], 0)
        self.assertEqual(self.counts("applying"), self.counts("applied"))
        self.assertEqual(len(self.counts("applied")), step["done"])
        self.assertIn("cancelled", {r["state"] for r in self.books.rows() if r["type"] == "batch"})
        again = self.step("storage", "apply", "--apply")["step"]
        self.assertEqual((again["done"], again["left"], again["unknown"]), (step["left"], 0, 0))
        for state in ("applying", "applied"):
            self.assertEqual(self.counts(state), {"vol-%05d" % i: 1 for i in range(count)})

    def test_killed_at_random_and_run_again(self):
        size, rounds, rng = (3000, 100, random.Random(5)) if SLOW else (180, 6, random.Random(5))
        for count in self.many(size):
            kills, batch = 0, count // rounds
            began = time.monotonic()
            self.step("storage", "apply", "--batch", "1", "--apply")
            least = time.monotonic() - began
            self.step("storage", "apply", "--batch", str(batch), "--apply")
            whole = time.monotonic() - began - least
            for _ in range(rounds - 1):
                child = self.begin("--batch", str(batch), stdout=subprocess.DEVNULL)  # nobody reads it before the end
                time.sleep(max(0.0, least + rng.random() * (whole - least)) * 0.9)
                child.kill()
                child.communicate()
                kills += child.returncode == -signal.SIGKILL
                self.assertLessEqual(max(self.counts("applying").values()), 1)
            if kills >= rounds / 3 and len(self.counts("applied")) > batch + 1:
                break
        last = self.step("storage", "apply", "--apply")["step"]
        self.assertEqual(last["left"], 0)
        states = self.states()
        self.assertEqual(set(self.counts("applying").values()), {1})
        self.assertEqual(len(self.counts("applying")), count)
        # One item a kill at most has an end that nobody knows; it is said, and not handed out again.
        lost = [i for i, s in states.items() if s == "applying"]
        self.assertEqual(last["unknown"], len(lost))
        self.assertLessEqual(len(lost), kills)
        self.assertEqual({s for i, s in states.items() if i not in lost}, {"applied"})
        self.assertEqual(set(self.counts("applied").values()), {1})
        self.assertEqual(self.step("storage", "apply", "--apply")["step"]["total"], 0)

    def test_two_at_once_take_turns(self):
        self.approved(60)
        children = [self.begin() for _ in range(3)]
        done = 0
        for child in children:
            out, said = child.communicate(timeout=120)
            self.assertEqual(child.returncode, 0, said)
            done += json.loads(out)["step"]["done"]
        self.assertEqual(done, 60)
        self.assertEqual(self.counts("applying"), {"vol-%05d" % i: 1 for i in range(60)})

    def test_refusals_name_what_was_wrong_and_write_nothing(self):
        self.file = self.inventory(3)
        self.step("storage", "approve", "vol-00001", "--apply", status=3)  # there are no books to approve in
        self.assertFalse(self.books.exists())
        self.step("storage", "flag", "vol-00000", "--apply")
        before = self.books.rows()
        self.assertIn('"vol-00001" is found; it cannot be approved', self.step("storage", "approve", "vol-00001", "--apply", status=1))
        self.assertIn('"vol-9" was not found', self.step("storage", "flag", "vol-00001", "vol-9", "--apply", status=1))
        # A clock that is behind would put the step before the one that it follows.
        self.now -= 1000
        self.assertIn("want a later --now", self.step("storage", "approve", "vol-00000", "--apply", status=1))
        self.assertEqual(self.books.rows(), before)

    def test_orders_are_set_and_lifted_once(self):
        order = ["set", "rel", "--scope", "cluster", "--target", "shop", "--reason", "release", "--until", str(NOW + 7200)]
        self.begin_books()
        doc = self.step("overrides", *order)
        self.assertEqual([(o["id"], o["state"]) for o in doc["overrides"]], [("rel", "live")])
        self.assertEqual(self.books.rows(), [])
        for already in (0, 1):
            doc = self.step("overrides", *order, "--apply")
            self.assertEqual((doc["step"]["done"], doc["step"]["already"]), (1 - already, already))
        self.assertEqual(len(self.books.rows()), 1)
        self.step("overrides", *order[:-1], str(NOW + 9000), "--apply")  # another end: another order of that name
        self.assertEqual(len(self.books.rows()), 2)
        self.step("overrides", "lift", "rel")
        self.assertEqual(len(self.books.rows()), 2)
        for already in (0, 1):
            doc = self.step("overrides", "lift", "rel", "--apply", "--reason", "done")
            self.assertEqual((doc["step"]["done"], doc["step"]["already"]), (1 - already, already))
        self.assertEqual(doc["overrides"][0]["state"], "returning")
        self.assertEqual(len(self.books.rows()), 3)
        self.assertIn('"nix" is not there', self.step("overrides", "lift", "nix", "--apply", status=1))
        self.assertEqual(len(self.books.rows()), 3)
        # After its end it may be set anew.
        self.now += 3600 * 5
        self.step("overrides", *order[:-1], str(self.now + 7200), "--apply")
        self.assertEqual(self.step("overrides", "list")["overrides"][0]["state"], "live")

    def test_a_cluster_is_forced_while_any_order_that_covers_it_is_live(self):
        rng = random.Random(11)
        covering = {"a": ("cluster", "shop"), "b": ("client", "acme"), "c": ("all", None), "d": ("cluster", "lab"),
                    "e": ("client", "other")}
        fleet = [{"time_ms": 1000, "type": "start", "instance": "i-%d" % i, "pool": "m5.large/z/spot", "cluster": c, "client": "acme",
                  "usd_per_hour": 0.1} for i, c in enumerate(("shop", "shop", "lab"))]
        self.seed(fleet)
        live = set()
        for _ in range(24):
            id = rng.choice(sorted(covering))
            scope, target = covering[id]
            if id in live:
                self.step("overrides", "lift", id, "--apply")
                live.discard(id)
            else:
                self.step("overrides", "set", id, "--scope", scope, *(["--target", target] if target else []), "--reason",
                          "drill %d" % self.now, "--apply")
                live.add(id)
            doc = self.step("overrides", "list")
            self.assertEqual({o["id"] for o in doc["overrides"] if o["state"] == "live"}, live)
            for cluster in doc["clusters"]:
                forced = live & ({"a", "b", "c"} if cluster["cluster"] == "shop" else {"b", "c", "d"})
                self.assertEqual(cluster["forced_by"] in forced if forced else cluster["forced_by"] is None, True, (cluster, live))
                if forced:
                    self.assertEqual(cluster["spot_frac"], 0)

    def test_progress_goes_from_0_to_100_as_nodes_leave_spot(self):
        rows = [{"time_ms": 1000, "type": "start", "instance": "i-%d" % i, "pool": "m5.large/z/spot", "cluster": "shop", "client": "acme",
                 "usd_per_hour": 0.1} for i in range(4)]
        self.seed(rows)
        doc = self.step("overrides", "set", "rel", "--scope", "cluster", "--target", "shop", "--reason", "r", "--apply")
        self.assertEqual(doc["overrides"][0]["progress_percent"], 0)
        for i in range(4):
            self.now += 60
            ms = self.now * 1000
            self.seed([{"time_ms": ms, "type": "stop", "instance": "i-%d" % i, "cause": "drained"},
                       {"time_ms": ms, "type": "start", "instance": "o-%d" % i, "pool": "m5.large/z/on-demand", "cluster": "shop",
                        "client": "acme", "usd_per_hour": 0.3}])
            self.assertEqual(self.step("overrides", "list")["overrides"][0]["progress_percent"], 25 * (i + 1))

    def begin_books(self):
        """A dry run on books that are not there reads them as empty and makes none; those of a server must be there."""
        if self.kind is Postgres:
            self.seed([{"time_ms": 1, "type": "log", "component": "c"}])
        else:
            self.step("storage", "flag", "--all", inventory=self.inventory(1, "one.json"))
            self.assertFalse(self.books.exists())

    def seed(self, rows):
        """Rows of the fleet, as a daemon adds them."""
        text = "".join(json.dumps(r) + "\n" for r in rows)
        if isinstance(self.books, File):
            with self.books.path.open("a") as file:
                file.write(text)
        else:
            path = self.folder / "rows.jsonl"
            path.write_text(text)
            subprocess.run([*KEEP, self.books.url, str(path)], check=True, capture_output=True)


class OnFile(Steps, Folder):
    kind = File

    def test_a_row_that_was_cut_off_is_passed_over_and_taken_off(self):
        self.file = self.inventory(3)
        self.step("storage", "flag", "--all", "--apply")
        whole = self.books.path.read_bytes()
        last = whole.rindex(b"\n", 0, -1) + 1
        for at in range(last + 1, len(whole) - 1):
            self.books.path.write_bytes(whole[:at])
            done = run(*self.line("storage", "list"))
            self.assertEqual(done.returncode, 0, (whole[last:at], done.stderr))
            self.assertIn("was cut off", done.stderr)
            self.assertEqual(sum(i["state"] == "flagged" for i in json.loads(done.stdout)["items"]), 2)
            self.assertEqual(self.books.path.read_bytes(), whole[:at])  # looking changes nothing
        for at in (last + 1, (last + len(whole)) // 2, len(whole) - 2):
            self.books.path.write_bytes(whole[:at])
            self.step("storage", "flag", "--all", "--apply")
            self.assertEqual([r["item"] for r in self.books.rows()], [json.loads(l)["item"] for l in whole.splitlines()])
            self.books.path.write_bytes(whole[:at])
            self.step("overrides", "set", "x", "--scope", "all", "--reason", "r", "--apply")
            self.assertEqual([r["type"] for r in self.books.rows()], ["cleanup", "cleanup", "override"])
        # A last row that is whole counts, with its line feed or without; one that is wrong is not passed over.
        self.books.path.write_bytes(whole[:-1])
        self.step("storage", "approve", "--all", "--apply")
        self.assertEqual([r["state"] for r in self.books.rows()], ["flagged"] * 3 + ["approved"] * 3)
        self.books.path.write_bytes(whole + b'{"time_ms":1,"type":"cleanup"}')
        self.assertIn(":4: ", self.step("storage", "list", status=3))
        self.books.path.write_bytes(whole[:last] + whole[last:-5] + b"\n" + whole)
        self.step("storage", "list", status=3)

    def test_a_full_disk_leaves_whole_rows_and_the_next_run_goes_on(self):
        self.approved(120)
        size = self.books.path.stat().st_size + 10000
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: E731
        child = self.begin(preexec_fn=limit, restore_signals=False)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        out, said = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 4, said)
        self.assertIn("cannot write", said)
        step = json.loads(out)["step"]
        self.assertTrue(step["cancelled"] and 0 < step["done"] < 120)
        self.assertEqual(self.books.path.read_bytes()[-1:], b"\n")
        again = self.step("storage", "apply", "--apply")["step"]
        self.assertEqual(again["left"], 0)
        self.assertLessEqual(max(self.counts("applying").values()), 1)
        self.assertLessEqual(again["unknown"], 1)

    def test_an_order_does_not_wait_for_a_clean_up_but_a_step_does(self):
        self.file = self.inventory(3)
        self.step("storage", "flag", "--all", "--apply")
        with self.books.path.open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            start = time.monotonic()
            self.step("overrides", "set", "brake", "--scope", "all", "--reason", "fire", "--apply")
            self.assertLess(time.monotonic() - start, 10)
            self.assertEqual(self.books.rows()[-1]["id"], "brake")
            before = self.books.path.read_bytes()
            child = subprocess.Popen([SPOTOPT, "fleet", *self.line("storage", "approve", "--all", "--apply")], env=ENV,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertIn("waiting", child.stderr.readline())
            time.sleep(0.2)
            self.assertIsNone(child.poll())
            child.send_signal(signal.SIGINT)
            out, said = child.communicate(timeout=30)
            self.assertEqual((child.returncode, out), (1, ""))
            self.assertIn("nothing was written", said)
            self.assertEqual(self.books.path.read_bytes(), before)

    def test_lines_that_are_wrong(self):
        file = self.inventory(2)
        good = ["--inventory", file, "--ledger", self.books.url]
        self.books.path.write_text("")
        order = ["overrides", "set", "o", "--ledger", self.books.url]
        for args, status, says in (
                (["storage", "flag", *good], 2, "want ids of items, or --all"),
                (["storage", "flag", "vol-00001", "--all", *good], 2, "and not both"),
                (["storage", "apply", "vol-00001", *good], 2, "want no item named"),
                (["storage", "apply", "--batch", "0", *good], 2, "--batch is \"0\""),
                (["storage", "apply", "--batch", "1.5", *good], 2, "--batch is \"1.5\""),
                (["storage", "flag", "--all", "--batch", "3", *good], 2, "takes no --batch"),
                (["storage", "--apply", *good], 2, "takes no --apply"),
                (["storage", "list", "x", *good], 2, "unexpected \"x\""),
                (["storage", "delete", *good], 2, "\"delete\" is no step of it; want one of: list flag approve dismiss apply"),
                (["metrics", "list", "--ledger", self.books.url], 2, "it takes no steps"),
                (["storage", "flag", "--all", "--ledger", self.books.url], 2, "--inventory is needed"),
                (["storage", "flag", "--all", "--inventory", file], 2, "--ledger is needed"),
                (["storage", "flag", "--all", "--apply", "--inventory", file, "--ledger", "-"], 2, "want a file or a database"),
                (["storage", "approve", "--all", "--apply", "--inventory", file, "--ledger", "/nowhere/x"], 3, "/nowhere/x"),
                (["storage", "approve", "--all", "--apply", "--inventory", file, "--ledger", str(self.folder)], 3, "directory"),
                (["overrides", "set", "--ledger", self.books.url], 2, "want one ID"),
                (["overrides", "lift", "a", "b", "--ledger", self.books.url], 2, "want one ID"),
                ([*order, "--reason", "r"], 2, "--scope is needed"),
                ([*order, "--scope", "all"], 2, "--reason is needed"),
                ([*order, "--scope", "zone", "--reason", "r"], 2, "want one of: instance cluster client all"),
                ([*order, "--scope", "cluster", "--reason", "r"], 2, "--target is needed"),
                ([*order, "--scope", "all", "--target", "x", "--reason", "r"], 2, "want none with all"),
                ([*order, "--scope", "all", "--reason", "r", "--until", "tomorrow"], 2, "--until is \"tomorrow\""),
                ([*order, "--scope", "all", "--reason", "r", "--until", "5"], 2, "want --until later"),
                ([*order, "--scope", "all", "--reason", "r", "--hours", "0"], 2, "--hours is \"0\""),
                ([*order, "--scope", "all", "--reason", "r", "--hours", "1", "--until", "1e10"], 2, "and not both"),
                ([*order, "--scope", "all", "--reason", "r", "--from", "9e9", "--until", "8e9"], 2, "from_ms before until_ms"),
                (["overrides", "lift", "o", "--ledger", self.books.url, "--scope", "all"], 2, "takes no --scope")):
            for more in ([], ["--apply"]) if "--apply" not in args else ([],):
                done = run(*args, *more)
                self.assertEqual((done.returncode, done.stdout), (status, ""), (args, more, done.stderr))
                if not (more and "takes no" in says):
                    self.assertIn(says, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(self.books.path.read_text(), "")
        for args in (["storage", "flag", "--all", *good], [*order, "--scope", "all", "--reason", "r"]):
            done = run(*args, "--author", "")
            self.assertEqual(done.returncode, 2)
            self.assertIn("--author is needed", done.stderr)
        unnamed = {k: v for k, v in ENV.items() if k not in ("USER", "LOGNAME")}
        done = run("storage", "flag", "--all", "--apply", *good, env=unnamed)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(pwd.getpwuid(os.geteuid()).pw_name, self.books.path.read_text())
        packed = self.folder / "books.gz"
        packed.write_bytes(gzip.compress(b'{"time_ms":1,"type":"log","component":"c"}\n'))
        done = run("storage", "flag", "--all", "--apply", "--inventory", file, "--ledger", str(packed))
        self.assertEqual(done.returncode, 3)
        self.assertIn("is compressed", done.stderr)

    def test_bad_documents_make_no_books(self):
        bad = self.folder / "bad.json"
        bad.write_text('{"kind":"Inventory","volumes":[{"VolumeId":"v","Size":-1}]}')
        path = self.folder / "new.jsonl"
        done = run("storage", "flag", "--all", "--apply", "--inventory", str(bad), "--ledger", str(path))
        self.assertEqual(done.returncode, 3)
        self.assertIn("bad.json: /volumes/0", done.stderr)
        self.assertFalse(path.exists())
        path.write_text('{"time_ms":1,"type":"cleanup","item":"x","state":"gone"}\n')
        done = run("storage", "flag", "--all", "--apply", "--inventory", self.inventory(1), "--ledger", str(path))
        self.assertEqual(done.returncode, 3)
        self.assertIn("new.jsonl:1: /state", done.stderr)

    def test_a_person_reads_what_happened(self):
        self.file = self.inventory(3)
        said = lambda *args: run(*self.line(*args, how="table"))  # noqa: E731
        self.assertIn("dry run: 3 items, $2.64 a month, would be flagged; nothing was written", said("storage", "flag", "--all").stdout)
        self.assertIn("3 of 3 items flagged", said("storage", "flag", "--all", "--apply").stdout)
        self.assertIn("1 of 1 item approved", said("storage", "approve", "vol-00002", "--apply").stdout)
        self.assertIn("nothing to be approved; 1 already approved", said("storage", "approve", "vol-00002", "--apply").stdout)
        done = said("storage", "apply", "--apply")
        self.assertIn("1 of 1 item applied, in the ledger alone: no cloud was called", done.stdout)
        self.assertNotIn("vol-00001", done.stdout)
        done = said("overrides", "set", "o", "--scope", "cluster", "--target", "shpo", "--reason", "r")
        self.assertIn("dry run: order o would be set", done.stdout)
        self.assertIn("no running node that \"o\" covers", done.stderr)
        done = run(*self.line("storage", "dismiss", "--all", how="json"))
        self.assertIn("dry run: nothing was written", done.stderr)
        page = run(*self.line("storage", "dismiss", "--all", "--apply", how="html")).stdout
        self.assertIn("2 of 2 items dismissed", page)


class OnSqlite(Steps, Folder):
    kind = Sqlite

    def test_says_what_the_file_says(self):
        inventory = str(DATA / "inventory.json")
        clean = ["--inventory", inventory]
        script = [["storage", "flag", "vol-0b17", "snap-1", *clean], ["storage", "flag", "--all", "--apply", *clean],
                  ["governance", "flag", "--all", "--apply", *clean], ["storage", "approve", "snap-2", "vol-0c22", "--apply", *clean],
                  ["storage", "approve", "nix", "--apply", *clean], ["storage", "dismiss", "snap-2", "--apply", *clean],
                  ["governance", "approve", "--all", "--apply", *clean], ["governance", "apply", "--batch", "1", "--apply", *clean],
                  ["governance", "apply", *clean], ["storage", "apply", "--apply", *clean], ["storage", "apply", "--apply", *clean],
                  ["overrides", "set", "a", "--scope", "all", "--reason", "r", "--apply"],
                  ["overrides", "set", "a", "--scope", "all", "--reason", "r", "--apply"],
                  ["overrides", "set", "b", "--scope", "client", "--target", "acme", "--reason", "r", "--hours", "3", "--apply"],
                  ["overrides", "lift", "a", "--apply"], ["overrides", "lift", "a", "--apply"], ["overrides", "lift", "c", "--apply"],
                  ["overrides", "list"], ["storage", "list", *clean], ["governance", "list", *clean], ["activity"]]
        file = File(self.folder)
        for how in ("json", "table", "csv"):
            for books in (file, self.books):
                if books.exists():
                    books.path.unlink()
            for k, args in enumerate(script):
                told = []
                for books in (file, self.books):
                    done = run(*args, "--ledger", books.url, "--now", str(NOW + k), "-o", how)
                    told.append((done.returncode, done.stdout, done.stderr.replace(books.url, "BOOKS")))
                self.assertEqual(told[0], told[1], args)


class OnPostgres(Steps, Folder):
    kind = Postgres


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    unittest.main(argv=[sys.argv[0], "OnFile" if not KEEP else "OnPostgres" if SERVER else "OnSqlite"])
