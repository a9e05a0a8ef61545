# SPDX-License-Identifier: Apache-2.0
"""Does formats.md have a word for every member that the command writes? fields.py FORMATS SPOTOPT DATA

Makes one document of each kind from the sample data and looks for each member's name in the kind's section. Members whose
names are data (pools, stages' reasons, resources) are looked for by their parent alone.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

formats, spotopt, data = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
by_name = {"alternates", "holds", "unplaced", "drops", "p", "inputs", "prices", "horizons"}
everywhere = {"apiVersion", "kind"}


def section(text, title):
    return re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.M | re.S).group(1)


def members(value, found):
    if isinstance(value, list):
        for one in value:
            members(one, found)
    elif isinstance(value, dict):
        for key, one in value.items():
            found.add(key)
            if key not in by_name or isinstance(one, list):
                members(one, found)
    return found


def run(*args):
    done = subprocess.run([spotopt, *args], capture_output=True, text=True, cwd=data)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def history_window():
    """The middle of what the sample's history covers, judged two hours ahead."""
    times = [float(line.split(",")[4]) for line in (data / "history.csv").read_text(encoding="utf-8").split()[1:]]
    first, last = min(times), max(times)
    return ["--from", str(first + (last - first) / 4), "--to", str(last), "--horizons", "0.5,2"]


def documents(folder):
    catalog = ["--catalog", "catalog.json", "--policy", "policy.json"]
    now = ["--now", "2026-11-02T09:00:00Z"]
    plan = run("plan", "--cluster", "cluster.json", *catalog, "--history", "history.csv", *now, "--deadline", "2")
    node = [n["name"] for n in json.loads(plan)["nodes"] if n["action"] != "launch"]
    (folder / "plan.json").write_text(plan, encoding="utf-8")
    yield "Plan", plan
    yield "Ranking", run("rank", *catalog, "--history", "history.csv", "--request", "cpu=4,memory=16Gi", *now)
    yield "DrainPlan", run("drain", "--cluster", "cluster.json", *catalog, "--nodes", ",".join(node[:6]), *now)
    yield "PackingResult", run("pack", "problem.json", "--deadline", "2")
    yield "Funnel", run("funnel", str(folder / "plan.json"))
    yield "RiskEvaluation", run("risk", "evaluate", "--history", "history.csv", *history_window())
    yield "RiskForecast", run("risk", "score", "--history", "history.csv", "--catalog", "catalog.json", *now)
    yield "Replay", run("replay", "--catalog", "catalog.json", "--history", "history.csv", "--demand", "demand.csv")
    yield "Policy", run("help", "policy")
    for part in ("metrics", "savings", "topology", "history", "health", "activity", "overrides"):
        document = run("fleet", part, "--ledger", "events.jsonl", "--cluster-id", "shop", *now)
        yield json.loads(document)["kind"], document
    for part in ("governance", "storage"):
        yield "CleanupReport", run("fleet", part, "--inventory", "inventory.json", *now)


text = formats.read_text(encoding="utf-8")
missing = []
with tempfile.TemporaryDirectory() as scratch:
    for kind, document in documents(pathlib.Path(scratch)):
        words = set(re.findall(r"\w+", section(text, kind)))
        if kind.startswith("Fleet"):
            words |= {"of_cluster", "of_client", "now", "from"}
        if kind in ("Plan", "Ranking"):  # their funnel has a section of its own
            words |= set(re.findall(r"\w+", section(text, "Funnel")))
        found = members(json.loads(document), set()) - everywhere
        missing += [f"{kind}: {name}" for name in sorted(found) if name not in words]
if missing:
    sys.exit("formats.md has no word for: " + ", ".join(missing))
