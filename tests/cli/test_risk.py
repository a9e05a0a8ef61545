#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""risk evaluate and risk models as their users meet them. Run: test_risk.py SPOTOPT MODEL_DOCUMENT SHARED

Where SHARED/tools/check_risk.py and a Python with numpy are at hand, the same predictions go to that judge too: scores
must agree to 1e-6, intervals to 0.02.
"""
import json, os, random, shutil, subprocess, sys, tempfile, unittest

SPOTOPT, MODEL, SHARED = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
SHARED = os.environ.get("SPOTOPT_SHARED", SHARED)
DAY = 86400


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
            out.write('{"time_ms":1,"type":"model","id":"x","sta')
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
