#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""spotopt beside other solvers: same problem files, same machine, same run; a table a class. Standard library only.

Usage: run.py BENCH_PACK SHARED PEERS [--set NAME]... [--name PART] [--each N] [--real NAME]... [--peer NAME]...
              [--limit S] [--deadline S] [--gap G] [--threads N] [--csv FILE] [--quiet] [--nice]

BENCH_PACK is the bench_pack program, SHARED the folder with data and tools, PEERS the folder that setup.sh filled.
Problems: N (default 3) of each --set of data/packing, evenly spread, and each --real of openb, dlrm (4,704 pools),
openb-20, dlrm-20 (at most 20 nodes a pool), karpenter-PODS (Karpenter's benchmark) and autoscaler (51,000 small pods).
Peers (--peer, default all that can say the problem): first-fit, vpsolver, karpenter, and highs, cpsat, scip, glpk, each
as ENGINE:arcflow and ENGINE:assignment.

Every answer goes through check_packing.py. Seconds are the solver's own: reading, Python's start and (but for VPSolver,
whose programs do it) building the model are not counted against a peer; CPU seconds are of all of its process. Who did
not prove its answer (within --gap, default 0) counts as having taken its limit, spotopt too; "at limit" says how often.
The limit is --limit (60 s) for peers and --deadline (default the same) for spotopt. Ratio: geometric mean over the
instances that the peer was given of the peer's seconds over spotopt's, none below a millisecond. "best peer" is the
fastest on each instance. first-fit and karpenter prove nothing: their seconds are what they took.
"""
import argparse
import csv
import json
import math
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from problems import load_tool, real_problem, run_bench  # noqa: E402

ENGINES = ("highs", "cpsat", "scip", "glpk")
PEERS = ["first-fit", "karpenter", "vpsolver", *(f"{e}:{m}" for m in ("arcflow", "assignment") for e in ENGINES)]
PACKAGES = {"highs": "highspy", "cpsat": "ortools", "scip": "ortools", "glpk": "swiglpk", "vpsolver": "pyvpsolver",
            "karpenter": "karpenter", "first-fit": "numpy"}
HEURISTICS = ("first-fit", "karpenter")
COLUMNS = ["class", "instance", "peer", "outcome", "cost", "bound", "gap", "seconds", "counted", "at_limit",
           "cpu_seconds", "build_seconds", "note"]


def read_missing(folder):
    """{package: why it is not there}."""
    path = os.path.join(folder, "missing.txt")
    if not os.path.exists(path):
        return {p: "not set up (run setup.sh)" for p in PACKAGES.values()}
    with open(path, encoding="utf-8") as text:
        return dict(line.strip().split(": ", 1) for line in text if ": " in line)


def problems(args):
    """[(class, name, document)]"""
    made = []
    data = os.path.join(args.shared, "data", "packing")
    to_problem = load_tool(os.path.join(args.shared, "tools"), "to_problem")
    for name in args.set:
        folder = os.path.join(data, name)
        files = sorted(f for f in os.listdir(folder) if not f.endswith((".csv", ".md")) and args.name in f)
        if len(files) > args.each:
            files = [files[i * len(files) // args.each] for i in range(args.each)]
        title = f"{name} {args.name}".strip()
        made += [(title, f, to_problem.problem(os.path.join(folder, f))) for f in files]
    for name in args.real:
        source = real_problem(name, args.shared)
        if source is None:
            sys.exit(f"no problem {name}")
        made.append((name, name, source))
    return made


def run_spotopt(args, path, scratch):
    results = os.path.join(scratch, "spotopt")
    os.makedirs(results, exist_ok=True)
    command = [args.bench, "-d", str(args.deadline), "-g", str(args.gap), "-o", results, path]
    status, out, errors, cpu = run_bench(command, 3 * args.deadline + 60)
    if status != 0 or not out:
        return None, args.deadline, cpu, f"exit status {status}: {errors.strip()[:80]}"
    return os.path.join(results, os.path.basename(path)), float(out.split(" s lp")[0].split()[-1]), cpu, ""


def run_peer(args, peer, path, scratch):
    """(path of the result, seconds, CPU seconds, note); no path without an answer, no seconds where not run."""
    result = os.path.join(scratch, "peer.json")
    if os.path.exists(result):
        os.remove(result)
    if peer == "karpenter":
        command = [os.path.join(args.peers, "karpenter"), "-o", result, "-limit", f"{args.limit}s", path]
    else:
        command = [os.path.join(args.peers, "venv", "bin", "python"), os.path.join(HERE, "peer.py"), peer, path, result,
                   "--limit", str(args.limit), "--threads", str(args.threads), "--gap", str(args.gap)]
    status, _, errors, cpu = run_bench(["nice", "-n", "10", *command] if args.nice else command, 2 * args.limit + 60)
    lines = errors.strip().splitlines() or [""]
    if status == 77:
        return None, None, cpu, lines[-1][:80]
    if status != 0 or not os.path.exists(result):
        return None, args.limit, cpu, "ended: out of time" if status < 0 else lines[-1][:80]
    with open(result, encoding="utf-8") as text:
        stats = json.load(text)["stats"]
    return result, stats["seconds"], cpu, ""


def judged(args, check, problem, peer, file, seconds, cpu, note, limit):
    """A row of the table; None when the peer was not given the problem."""
    if seconds is None:
        return None
    row = dict.fromkeys(COLUMNS, "")
    row.update(peer=peer, outcome="none", seconds=seconds, cpu_seconds=round(cpu, 3), note=note)
    if file is not None:
        with open(file, encoding="utf-8") as text:
            result = json.load(text)
        row.update(outcome=result["outcome"], build_seconds=result["stats"].get("build_seconds", ""))
        if result["nodes"] and result["outcome"] != "stopped" or result["outcome"] == "infeasible":
            verdict = check.judge(problem, result, None, result["outcome"] == "infeasible")
        else:
            verdict = {"ok": True, "outcome": "none"}
        if not verdict["ok"]:
            count = f"{len(verdict['errors'])}{'+' if len(verdict['errors']) == 20 else ''}"
            row["note"] = f"{count} faults: {verdict['errors'][0][:60]}"
        if verdict["outcome"] in ("optimal", "feasible"):
            row.update(cost=verdict["cost"], bound=verdict["bound"], gap=verdict["gap"])
    done = row["outcome"] in ("optimal", "infeasible") or row["gap"] not in ("", None) and row["gap"] <= args.gap
    row["at_limit"] = not done and (peer not in HEURISTICS or row["cost"] == "")
    row["counted"] = max(1e-3, limit if row["at_limit"] else min(seconds, limit) if done else seconds)
    return row


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def shown(value, form):
    return "-" if value is None else format(value, form)


def table(rows, order):
    """One table a class."""
    for title in dict.fromkeys(r["class"] for r in rows):
        mine = [r for r in rows if r["class"] == title]
        ours = {r["instance"]: r for r in mine if r["peer"] == "spotopt"}
        print(f"\n**{title}**: {len(ours)} instances\n")
        head = ["solver", "instances", "answers", "proven", "cost / spotopt's", "mean gap %", "all s", "cpu s", "at limit",
                "ratio", "faults"]
        print(f"| {' | '.join(head)} |\n|---|{'--:|' * (len(head) - 1)}")
        exact = [r for r in mine if r["peer"] not in HEURISTICS and r["peer"] != "spotopt"]
        best = {}
        for r in exact:
            if r["instance"] not in best or r["counted"] < best[r["instance"]]["counted"]:
                best[r["instance"]] = r
        parts = [(p, [r for r in mine if r["peer"] == p]) for p in order]
        parts += [("best peer", list(best.values()))] if len({r["peer"] for r in exact}) > 1 else []
        for peer, group in parts:
            if not group:
                continue
            answered = [r for r in group if r["cost"] != ""]
            dearer = [r["cost"] / ours[r["instance"]]["cost"] for r in answered
                      if ours.get(r["instance"], {}).get("cost") not in (None, "", 0)]
            gaps = [r["gap"] for r in answered if peer not in HEURISTICS]
            ratio = mean([r["counted"] / ours[r["instance"]]["counted"] for r in group if r["instance"] in ours])
            proven = sum(not r["at_limit"] for r in group) if peer not in HEURISTICS else "-"
            print(f"| {peer} | {len(group)} | {len(answered)} | {proven} | {shown(mean(dearer), '.4f')} | "
                  f"{shown(100 * sum(gaps) / len(gaps) if gaps else None, '.2f')} | "
                  f"{sum(r['counted'] for r in group):.2f} | {sum(r['cpu_seconds'] for r in group):.1f} | "
                  f"{sum(r['at_limit'] for r in group)} | {shown(ratio, '.3g')} | "
                  f"{sum('faults' in r['note'] for r in group)} |")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("bench")
    ap.add_argument("shared")
    ap.add_argument("peers")
    ap.add_argument("--set", action="append", default=[])
    ap.add_argument("--name", default="", help="only instances whose names hold this")
    ap.add_argument("--each", type=int, default=3)
    ap.add_argument("--real", action="append", default=[])
    ap.add_argument("--peer", action="append")
    ap.add_argument("--limit", type=float, default=60.0)
    ap.add_argument("--deadline", type=float, help="spotopt's; default the peers' limit")
    ap.add_argument("--gap", type=float, default=0.0)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--nice", action="store_true", help="peers at a lower priority, on a busy machine")
    ap.add_argument("--csv")
    ap.add_argument("--quiet", action="store_true")
    args = ap.parse_args()
    args.deadline = args.deadline or args.limit
    if not os.path.isdir(os.path.join(args.shared, "data", "packing")):
        print(f"skipped: {os.path.join(args.shared, 'data', 'packing')} is absent")
        return 77
    if not args.set and not args.real:
        ap.error("want --set or --real")
    if args.peer and (odd := [p for p in args.peer if p not in PEERS]):
        ap.error(f"no peer {odd[0]}; there are {', '.join(PEERS)}")
    missing = read_missing(args.peers)
    order = args.peer or PEERS
    absent = {p: missing[PACKAGES[p.partition(":")[0]]] for p in order if PACKAGES[p.partition(":")[0]] in missing}
    check = load_tool(os.path.join(args.shared, "tools"), "check_packing")
    rows, refused = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        for title, name, problem in problems(args):
            path = os.path.join(scratch, "problem.json")
            with open(path, "w", encoding="utf-8") as out:
                json.dump(problem, out)
            for peer in ["spotopt", *(p for p in order if p not in absent)]:
                if peer == "karpenter" and not {"cpu_milli", "memory_mib"} <= set(problem["resources"]):
                    continue
                begin = time.monotonic()
                got = run_spotopt(args, path, scratch) if peer == "spotopt" else run_peer(args, peer, path, scratch)
                row = judged(args, check, problem, peer, *got, args.deadline if peer == "spotopt" else args.limit)
                if row is None:
                    refused.setdefault((title, peer), got[3])
                    continue
                row.update({"class": title, "instance": name})
                rows.append(row)
                if not args.quiet:
                    cost, gap = (f"{row['cost']:.6g}", f"{row['gap']:.5f}") if row["cost"] != "" else ("-", "-")
                    print(f"{name[:36]:<37}{peer:<17}{row['outcome']:<11}{cost:>12}{gap:>9}{row['seconds']:>9.3f} s "
                          f"({time.monotonic() - begin:.1f} in all)  {row['note']}", flush=True)
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    table(rows, ["spotopt", *order])
    for title, why in dict.fromkeys((title, why) for (title, _), why in refused.items()):
        names = ", ".join(p for (t, p), w in refused.items() if (t, w) == (title, why))
        print(f"\n{title}: not run: {names}: {why}", end="")
    for peer, why in absent.items():
        print(f"\n{peer} could not be installed: {why}", end="")
    print()
    return 1 if any("faults" in r["note"] for r in rows if r["peer"] == "spotopt") else 0


if __name__ == "__main__":
    sys.exit(main())
