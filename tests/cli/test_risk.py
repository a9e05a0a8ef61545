#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""risk and what takes a model, as their users meet them. Run: test_risk.py SPOTOPT MODEL_DOCUMENT SHARED

Where SHARED/tools/check_risk.py and a Python with numpy are at hand, the same predictions go to that judge too: scores
must agree to 1e-6, intervals to 0.02.
"""
import json, math, os, pathlib, random, shutil, subprocess, sys, tempfile, unittest

SPOTOPT, MODEL, SHARED = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
SHARED = os.environ.get("SPOTOPT_SHARED", SHARED)
DATA = pathlib.Path(__file__).parents[2] / "examples" / "data"
DAY = 86400
NOW = 1793610000


def run(*args):
    return subprocess.run([SPOTOPT, *args], capture_output=True, text=True, timeout=120)


def text_of(path):
    with open(path) as stream:
        return stream.read()


def numpy_python():
    for python in (sys.executable, "/usr/bin/python3", "python3"):
        if shutil.which(python) and subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode == 0:
            return python
    return None


def write_history(path, seed, pools=5, days=20):
    """Pools with good and bad days, holes in what was seen, ties, a pool that is never up."""
    rng = random.Random(seed)
    with open(path, "w") as out:
        print("pool,region,zone,instance_type,time_s,nodes_up", file=out)
        for pool in range(pools):
            where = f"p{pool},r{pool % 2},r{pool % 2}{'abc'[pool % 3]},{'m5' if pool < 3 else 'c5'}.large"
            t, up, bad = rng.randrange(0, 7200), 0 if pool == 4 else 3, 0.02
            print(f"{where},{t},{up}", file=out)
            while pool != 4 and t < days * DAY:
                t += rng.choice((450, 900, 1800, 2700))
                if rng.random() < 0.01:
                    print(f"{where},{t},", file=out)
                    t += rng.randrange(1, 20000)
                    up = rng.randrange(1, 4)
                    print(f"{where},{t},{up}", file=out)
                    continue
                bad = rng.choice((0.01, 0.1, 0.5)) if rng.random() < 0.03 else bad
                new = max(0, up - rng.randrange(1, 3)) if rng.random() < bad else min(4, up + 1)
                if new != up:
                    print(f"{where},{t},{new}", file=out)
                up = new
            print(f"{where},{t + 900},", file=out)


def write_spells(path, pools=12, days=40, step=1800):
    """Long calm spells and short bad ones, which what just happened tells best."""
    rng = random.Random(5)
    with open(path, "w") as out:
        print("pool,region,zone,instance_type,time_s,nodes_up", file=out)
        for pool in range(pools):
            where, up, bad = f"p{pool},r{pool % 2},r{pool % 2}{'abc'[pool % 3]},m5.large", 3, False
            print(f"{where},0,3", file=out)
            for t in range(step, days * DAY, step):
                bad = rng.random() < (0.95 if bad else 0.015)
                new = max(0, up - 1) if rng.random() < (0.4 if bad else 0.002) else min(3, up + 1)
                if new != up:
                    print(f"{where},{t},{new}", file=out)
                up = new
            print(f"{where},{days * DAY},", file=out)


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp()
        cls.history = os.path.join(cls.dir, "history.csv")
        cls.model = os.path.join(cls.dir, "model.json")
        write_spells(cls.history)
        cls.fitted = cls.fit("--id", "spells", "--output-file", cls.model)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    @classmethod
    def fit(cls, *more, begin=DAY, end=20 * DAY, calibrate=28 * DAY):
        return run("risk", "fit", "--history", cls.history, "--from", str(begin), "--to", str(end), "--calibrate-to",
                   str(calibrate), "-o", "json", *more)

    def score(self, *more, now=28 * DAY):
        return run("risk", "score", "--history", self.history, "--now", str(now), "-o", "json", *more)

    def test_fit_writes_a_model_and_the_same_one_again(self):
        self.assertEqual(self.fitted.returncode, 0, self.fitted.stderr)
        doc = json.loads(text_of(self.model))
        self.assertEqual((doc["kind"], doc["id"], doc["target"]), ("Model", "spells", "drop"))
        self.assertEqual([c["horizon_hours"] for c in doc["calibrators"]], [1, 4, 24])
        self.assertEqual((doc["card"]["from_s"], doc["card"]["to_s"], doc["card"]["pools"]), (DAY, 20 * DAY, 12))
        self.assertEqual(self.fit("--id", "spells").stdout.strip(), text_of(self.model).strip())
        other = json.loads(self.fit("--availability", "--step", "1800").stdout)
        self.assertEqual((other["id"], other["target"], other["card"]["step_s"]), ("model", "availability", 1800))
        self.assertLess(other["card"]["rows"], doc["card"]["rows"])

    def test_score_tells_chances_and_why(self):
        r = self.score("--model", self.model, "--horizons", "0.5,1,4,24")
        self.assertEqual(r.returncode, 0, r.stderr)
        doc = json.loads(r.stdout)
        self.assertEqual((doc["kind"], doc["now_s"], len(doc["pools"])), ("RiskForecast", 28 * DAY, 12))
        self.assertEqual(r.stdout, self.score("--model", self.model, "--horizons", "0.5,1,4,24").stdout)
        for pool in doc["pools"]:
            before = 0.0
            for horizon in ("0.5", "1", "4", "24"):
                p, low, high = pool["p_drop"][horizon]
                self.assertTrue(0 <= low <= p <= high <= 1 and p >= before and pool["p"][horizon][0] <= p, pool["pool"])
                before = p
            self.assertEqual(pool["flags"], ["hazard"])
            why = pool["explanation"]
            p = pool["p_drop"]["%g" % why["horizon_hours"]][0]
            self.assertAlmostEqual(why["log_odds"], math.log(p / (1 - p)), delta=1e-9)
            for parts in (why["features"], why["groups"]):
                self.assertAlmostEqual(math.fsum(parts.values()), why["log_odds"] - why["base_log_odds"], delta=1e-9)
        plain = json.loads(self.score().stdout)
        self.assertEqual({flag for pool in plain["pools"] for flag in pool["flags"]} & {"hazard", "fallback"}, set())
        late = json.loads(self.score("--model", self.model, now=60 * DAY).stdout)
        self.assertTrue(all("fallback" in pool["flags"] for pool in late["pools"]))
        self.assertIn("p11", run("risk", "score", "--history", self.history, "--now", str(28 * DAY), "--model", self.model,
                                 "-o", "table").stdout)

    def test_a_better_model_graduates_and_becomes_current(self):
        ledger, window = os.path.join(self.dir, "ledger.jsonl"), ("--from", str(28 * DAY), "--to", str(40 * DAY))
        r = run("risk", "evaluate", "--history", self.history, "--model", self.model, *window, "-o", "json")
        self.assertEqual(r.returncode, 0, r.stderr)
        doc = json.loads(r.stdout)
        self.assertEqual([other["forecast"] for other in doc["others"]], ["evidence", "recent", "constant"])
        ours, evidence = (one["horizons"]["1h"] for one in (doc, doc["others"][0]))
        self.assertGreater(ours["bss"], evidence["bss"])

        def models(*args):
            return run("risk", "models", *args, "--ledger", ledger, "-o", "json", "--author", "ann")

        def state():
            return [(m["id"], m["state"]) for m in json.loads(models("list").stdout)["models"]]

        self.assertEqual(models("upload", self.model).returncode, 0)
        self.assertEqual(models("set-current", "spells").returncode, 1)  # not before it passed
        for history, (begin, end) in ((self.history, (10, 20)), (None, (28, 40))):  # seen in its fit; not there
            r = models("graduate", "spells", *(["--history", history] if history else []), "--from", str(begin * DAY), "--to",
                       str(end * DAY))
            self.assertNotEqual(r.returncode, 0)
            self.assertEqual(state(), [("spells", "uploaded")])
        r = models("graduate", "spells", "--history", self.history, *window)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(state(), [("spells", "shadow")])
        self.assertEqual(models("graduate", "spells", "--history", self.history, *window).returncode, 0)
        self.assertEqual(state(), [("spells", "canary")])
        r = models("set-current", "spells")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(json.loads(models("list").stdout)["current"], "spells")

    def test_a_window_that_a_model_has_learned_from_is_no_fair_test(self):
        for begin, is_fair in ((24, False), (28, True)):
            r = run("risk", "evaluate", "--history", self.history, "--model", self.model, "--from", str(begin * DAY), "--to",
                    str((begin + 4) * DAY), "-o", "json")
            self.assertEqual("not a fair test" in r.stderr, not is_fair, r.stderr)
            self.assertEqual(json.loads(r.stdout)["window"]["held_out"], is_fair)

    def test_fit_and_score_refuse_with_a_reason(self):
        missing = run("risk", "fit", "--history", self.history, "--from", str(DAY))
        self.assertEqual((missing.returncode, missing.stdout), (2, ""))
        self.assertIn("--to", missing.stderr)
        for r, words in ((self.fit(begin=21 * DAY), "from_s < to_s"), (self.fit(calibrate=DAY), "calibrate_to_s"),
                         (self.fit("--step", "0"), "step_s"), (self.fit("--step", "x"), "--step"),
                         (self.fit("--id", "not an id"), "not an id"), (self.fit("operand"), "operand"),
                         (self.score("--horizons", "0"), "horizon"), (self.score("operand"), "operand")):
            self.assertEqual((r.returncode, r.stdout), (2, ""), words)
            self.assertIn(words, r.stderr)
        r = self.fit(begin=100 * DAY, end=110 * DAY, calibrate=110 * DAY)  # nothing was seen then
        self.assertEqual((r.returncode, r.stdout), (3, ""))

    def test_models_with_features_unknown_here_are_refused_by_their_place(self):
        doc = json.loads(text_of(self.model))
        doc["hazard"]["features"][2]["name"] = "phase_of_the_moon"
        path = os.path.join(self.dir, "moon.json")
        with open(path, "w") as out:
            json.dump(doc, out)
        for r in (self.score("--model", path),
                  run("rank", "--catalog", str(DATA / "catalog.json"), "--request", "cpu=4", "--model", path)):
            self.assertEqual((r.returncode, r.stdout), (3, ""))
            self.assertRegex(r.stderr, r"moon\.json: /hazard/features/2.*phase_of_the_moon")

    def check_parts(self, pool):
        """Features add up to their group, groups to the contribution that holds the risk."""
        parts, sum_of_all = pool["parts"], pool["parts"]["from_reference"]
        for group in parts["groups"]:
            self.assertAlmostEqual(sum(group["features"].values()), group["contribution"], delta=1e-12)
            sum_of_all += group["contribution"]
        self.assertAlmostEqual(sum_of_all, pool["contributions"][parts["of"]], delta=1e-9)

    def check_pages(self, history, model):
        """A plan that may buy only pools that the history shows: its page explains them down to features."""
        seen = {line.split(",")[3] for line in text_of(history).split()[1:]}
        policy, plan = os.path.join(self.dir, "only.json"), os.path.join(self.dir, "explained.json")
        with open(policy, "w") as out:
            json.dump({"allow": {"families": sorted({name.split(".")[0] for name in seen})}, "interruption": {"cost_usd": 0}}, out)
        inputs = ("--catalog", str(DATA / "catalog.json"), "--history", history, "--now", str(NOW), "--model", model,
                  "--cluster", str(DATA / "cluster.json"), "--policy", policy)
        r = run("plan", *inputs, "-o", "json", "--output-file", plan, "--set", "explain=1")
        self.assertIn(r.returncode, (0, 1), r.stderr)
        explained = [pool for pool in json.loads(text_of(plan))["pools"] if "parts" in pool]
        self.assertTrue(any(pool["chosen"] > 0 for pool in explained), [(p["pool"], p["chosen"]) for p in explained])
        for pool in explained:
            self.check_parts(pool)
        page = run("show", plan, "-o", "html").stdout
        for group in next(pool for pool in explained if pool["chosen"] > 0)["parts"]["groups"]:
            self.assertIn("<span>%s</span>" % group["group"], page)
        self.assertIn("Every reason, whether or not it was the first", page)

    def check_explanations(self, inputs, ranking):
        explained = [pool for pool in ranking["pools"] if "parts" in pool]
        self.assertTrue(explained)
        self.assertLessEqual(explained[-1]["place"], 10)
        scored = json.loads(run("risk", "score", *inputs, "--horizons", "24", "-o", "json").stdout)
        for score in ("geometric", "arithmetic", "topsis", "lexicographic", "expected-cost", "quantile"):
            policy = os.path.join(self.dir, "policy.json")
            with open(policy, "w") as out:
                json.dump({"score": score, "allow": {"arch": None}}, out)
            r = run("rank", *inputs, "--request", "cpu=1,memory=2Gi", "--policy", policy, "-o", "json", "--set", "explain=1")
            pools = json.loads(r.stdout)["pools"]
            with_parts = [pool for pool in pools if "parts" in pool]
            if score == "quantile":
                self.assertEqual(with_parts, [])
                continue
            self.assertEqual(with_parts, [pool for pool in pools if "risk-hazard" in pool["flags"]])
            self.assertGreater(len(with_parts), 3)
            for pool in with_parts:
                self.check_parts(pool)
                if score != "geometric":
                    continue
                # In proportion to what the forecast itself says of each feature.
                of_risk = next(p for p in scored["pools"] if p["pool"] == pool["pool"])["explanation"]["features"]
                of_rank = {name: x for group in pool["parts"]["groups"] for name, x in group["features"].items()}
                self.assertEqual(set(of_risk), set(of_rank))
                largest = max(of_risk, key=lambda name: abs(of_risk[name]))
                for name, x in of_risk.items():
                    self.assertAlmostEqual(of_rank[name] * of_risk[largest], x * of_rank[largest], delta=1e-9)

    def test_plan_and_rank_decide_with_a_model(self):
        history, model, plan = (str(DATA / "history.csv"), os.path.join(self.dir, "sample.json"),
                                os.path.join(self.dir, "plan.json"))
        r = run("risk", "fit", "--history", history, "--from", str(NOW - 3 * DAY), "--to", str(NOW - DAY), "--calibrate-to",
                str(NOW), "--id", "sample", "-o", "json", "--output-file", model)
        self.assertEqual(r.returncode, 0, r.stderr)
        inputs = ("--catalog", str(DATA / "catalog.json"), "--history", history, "--now", str(NOW), "--model", model)
        ranking = run("rank", *inputs, "--request", "cpu=4,memory=16Gi", "-o", "json")
        self.assertEqual(ranking.returncode, 0, ranking.stderr)
        plain = run("rank", *inputs[:-2], "--request", "cpu=4,memory=16Gi", "-o", "json")
        self.assertNotEqual(ranking.stdout, plain.stdout)
        self.check_explanations(inputs, json.loads(ranking.stdout))
        inputs += ("--cluster", str(DATA / "cluster.json"), "--policy", str(DATA / "policy.json"))
        r = run("plan", *inputs, "-o", "json", "--output-file", plan)
        self.assertIn(r.returncode, (0, 1), r.stderr)
        made = json.loads(text_of(plan))
        self.assertEqual([pool for pool in made["pools"] if "parts" in pool and pool["chosen"] == 0], [])
        self.check_pages(history, model)
        checked = run("plan", *inputs, "--check", plan)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        without = tuple(one for one in inputs if one not in ("--model", model))
        self.assertNotEqual(run("plan", *without, "--check", plan).returncode, 0)  # made from other inputs


class Risk(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.history = os.path.join(self.dir, "history.csv")
        self.ledger = os.path.join(self.dir, "ledger.jsonl")
        write_history(self.history, 1)

    def tearDown(self):
        shutil.rmtree(self.dir)

    def evaluate(self, *more, history=None):
        return run("risk", "evaluate", "--history", history or self.history, "--from", str(12 * DAY), "--to", str(20 * DAY),
                   "-o", "json", *more)

    def models(self, *args):
        return run("risk", "models", *args, "--ledger", self.ledger, "-o", "json", "--author", "ann")

    def test_evaluate_agrees_with_the_judge(self):
        judge, python = os.path.join(SHARED, "tools", "check_risk.py"), numpy_python()
        if not os.path.exists(judge) or python is None:
            self.skipTest("no check_risk.py, or no Python with numpy")
        for seed, step, model in ((2, 900, None), (3, 1800, None), (4, 900, MODEL)):
            predictions = os.path.join(self.dir, "predictions.csv")
            write_history(self.history, seed)
            window = [] if model is None else ["--reference", "0.2,0.4,0.8"]
            ours = self.evaluate("--predictions", predictions, "--step", str(step), *window,
                                 *(["--model", model] if model else []))
            self.assertEqual(ours.returncode, 0, ours.stderr)
            doc = json.loads(ours.stdout)
            first = min(float(line.split(",")[4]) for line in text_of(self.history).split()[1:])
            theirs = subprocess.run([python, judge, self.history, predictions, "--from", str(12 * DAY), "--to", str(20 * DAY),
                                     "--fit", str(first), str(12 * DAY), "--step", str(step)], capture_output=True, text=True)
            self.assertEqual(theirs.returncode, 0, theirs.stderr)
            for horizon, want in json.loads(theirs.stdout).items():
                is_ = doc["horizons"][horizon]
                for key, value in want.items():
                    if model and key in ("reference", "bss", "bss_95"):
                        continue
                    for a, b in zip(*((x if isinstance(x, list) else [x] for x in (is_[key], value)))):
                        self.assertLessEqual(abs(a - b), 0.02 if key.endswith("_95") else 1e-6, f"{seed} {horizon} {key}")

    def test_evaluate_shows_baselines_slices_and_a_pool(self):
        doc = json.loads(self.evaluate("--horizons", "0.5,2", "--pool", "p1").stdout)
        self.assertEqual(list(doc["horizons"]), ["0.5h", "2h"])
        self.assertEqual([other["forecast"] for other in doc["others"]], ["recent", "constant"])
        self.assertEqual(doc["timeline"]["pool"], "p1")
        self.assertEqual(len(doc["timeline"]["time_s"]), len(doc["timeline"]["p"]["2h"]))
        slices = [(s["by"], s["name"]) for s in doc["slices"]]
        self.assertIn(("region", "r1"), slices)
        self.assertIn(("family", "c5"), slices)
        for s in doc["horizons"].values():
            self.assertAlmostEqual(s["brier"], s["reliability"] - s["resolution"] + s["uncertainty"] + s["within_bin"])
            self.assertEqual(sum(b["n"] for b in s["bins"]), s["n"])
        regions = [s["horizons"]["2h"]["n"] for s in doc["slices"] if s["by"] == "region"]
        self.assertEqual(sum(regions), doc["horizons"]["2h"]["n"])

    def test_evaluate_is_the_same_again_and_follows_the_seed(self):
        self.assertEqual(self.evaluate().stdout, self.evaluate().stdout)
        a, b = (json.loads(self.evaluate("--seed", seed).stdout)["horizons"]["1h"] for seed in ("7", "8"))
        self.assertEqual(a["auc"], b["auc"])
        self.assertNotEqual(a["auc_95"], b["auc_95"])

    def test_evaluate_prints_a_table_and_a_page(self):
        table = run("risk", "evaluate", "--history", self.history, "--from", str(12 * DAY), "--to", str(20 * DAY), "-o", "table")
        self.assertIn("evidence  1 h", table.stdout)
        self.assertIn("nothing was learned from them", table.stdout)
        page = run("risk", "evaluate", "--history", self.history, "--from", str(12 * DAY), "--to", str(20 * DAY), "-o", "html")
        for words in ("what was said, what came", "Time since the last drop", "over time", "<svg"):
            self.assertIn(words, page.stdout)
        self.assertNotRegex(page.stdout, r"<script|https?://|\bnan\b|\binf\b")
        saved = os.path.join(self.dir, "e.json")
        with open(saved, "w") as out:
            out.write(self.evaluate().stdout)
        self.assertEqual(run("show", saved, "-o", "html").stdout, page.stdout)

    def test_evaluate_refuses_with_a_reason(self):
        for more, words in ((["--horizons", "4,1"], "ascending"), (["--step", "x"], "--step"), (["--reference", "0.5"], "--reference"),
                            (["--pool", "nowhere"], "nowhere"), (["--against", MODEL], "--model"), (["--horizons", "1,2,999"], "999h")):
            r = self.evaluate(*more)
            self.assertEqual((r.returncode, r.stdout), (2, ""), more)
            self.assertIn(words, r.stderr)
        self.assertEqual(run("risk", "evaluate").returncode, 2)
        self.assertEqual(run("risk").returncode, 2)
        self.assertEqual(self.evaluate("--model", self.history).returncode, 3)

    def test_models_live_in_a_ledger(self):
        id = json.loads(text_of(MODEL))["id"]
        with open(self.ledger, "w") as out:  # other rows are left alone, and a last line may lack its end
            out.write('{"time_ms":1,"type":"log","component":"x","level":"info","text":"y"}')
        r = self.models("upload", MODEL, "--reason", "first")
        self.assertEqual(r.returncode, 0, r.stderr)
        doc = json.loads(r.stdout)
        self.assertEqual([(m["id"], m["state"], m["author"], m["reason"]) for m in doc["models"]], [(id, "uploaded", "ann", "first")])
        before = text_of(self.ledger)
        self.assertEqual(len(before.splitlines()), 2)
        for args, code in ((("upload", MODEL), 1), (("set-current", id), 1), (("retire", "nobody"), 1), (("upload", self.history), 3),
                           (("upload",), 2), (("list", "x"), 2), (("dance",), 2)):
            self.assertEqual(self.models(*args).returncode, code, args)
        r = self.models("graduate", id, "--history", self.history, "--from", str(12 * DAY), "--to", str(20 * DAY))
        self.assertEqual(r.returncode, 1)
        self.assertIn("does not graduate against \"evidence\"", r.stderr)
        self.assertIn("off by", r.stderr)
        self.assertEqual(text_of(self.ledger), before)  # a refusal writes nothing
        self.assertEqual(self.models("retire", id).returncode, 0)
        self.assertTrue(text_of(self.ledger).startswith(before))
        self.assertEqual(json.loads(self.models("list").stdout)["models"][0]["state"], "retired")

    def test_models_refuse_databases_and_broken_ledgers(self):
        for url in ("sqlite:x.db", "postgresql://h/db"):
            r = run("risk", "models", "list", "--ledger", url)
            self.assertEqual(r.returncode, 2)
            self.assertIn("not in this version", r.stderr)
        self.assertEqual(self.models("list").returncode, 3)  # not there
        self.assertEqual(self.models("retire", "x").returncode, 3)
        self.assertFalse(os.path.exists(self.ledger))
        with open(self.ledger, "w") as out:
            out.write('{"time_ms":1,"type":"model","id":"x","sta\n')
        r = self.models("upload", MODEL)
        self.assertEqual(r.returncode, 3)
        self.assertIn("ledger.jsonl:1", r.stderr)

    def test_models_changed_by_many_at_once_follow_one_another(self):
        document, started = json.loads(text_of(MODEL)), []
        for i in range(12):
            path = os.path.join(self.dir, f"m{i}.json")
            with open(path, "w") as out:
                json.dump(dict(document, id=f"m{i // 2}"), out, indent=1)
            started.append(subprocess.Popen([SPOTOPT, "risk", "models", "upload", path, "--ledger", self.ledger], stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE))
        codes = sorted((process.communicate(timeout=60), process.returncode)[1] for process in started)
        self.assertEqual(codes, [0] * 6 + [1] * 6)  # of two with one id, one is refused
        self.assertEqual(sorted(m["id"] for m in json.loads(self.models("list").stdout)["models"]), [f"m{i}" for i in range(6)])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
