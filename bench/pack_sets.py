#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Solve public packing instances, judge each result, print one table. Standard library only.

Usage: pack_sets.py BENCH_PACK SHARED [--each N] [--deadline S] [--gap G] [--set NAME]

BENCH_PACK is the bench_pack program, SHARED the folder with data/packing and tools. All cloud instances are taken, and
N (default 5) of every other set, evenly spread. Where the data is absent nothing is run.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("bench")
    ap.add_argument("shared")
    ap.add_argument("--each", type=int, default=5)
    ap.add_argument("--deadline", default="10")
    ap.add_argument("--gap", default="0.01")
    ap.add_argument("--set")
    args = ap.parse_args()
    data, tools = os.path.join(args.shared, "data", "packing"), os.path.join(args.shared, "tools")
    if not os.path.isdir(data):
        print(f"skipped: {data} is absent")
        return 77
    failed = 0
    print(f"{'set':<18}{'instance':<40}{'outcome':<11}{'cost':>14}{'bound':>14}{'gap':>9}{'s':>8}  verdict")
    for name in sorted(os.listdir(data)):
        folder = os.path.join(data, name)
        if not os.path.isdir(folder) or name == "roadef2012" or (args.set and args.set != name):
            continue
        files = sorted(f for f in os.listdir(folder) if not f.endswith((".csv", ".md")))
        if name != "mcvbp-cloud" and len(files) > args.each:
            files = [files[i * len(files) // args.each] for i in range(args.each)]
        gaps, seconds, errors, proven = [], 0.0, 0, 0
        for file in files:
            with tempfile.TemporaryDirectory() as scratch:
                problem = os.path.join(scratch, "problem.json")
                with open(problem, "w") as out:
                    subprocess.run([sys.executable, os.path.join(tools, "to_problem.py"), os.path.join(folder, file)],
                                   stdout=out, check=True)
                results = os.path.join(scratch, "results")
                os.mkdir(results)
                run = subprocess.run([args.bench, "-d", args.deadline, "-g", args.gap, "-o", results, problem],
                                     capture_output=True, text=True)
                line = run.stdout
                if not line:
                    print(f"{name:<18}{file[:39]:<40}refused: {run.stderr.strip()[:100]}", flush=True)
                    continue
                result = os.path.join(results, "problem.json")
                outcome = json.load(open(result))["outcome"]
                extra = ["--expect-infeasible"] if outcome == "infeasible" else []
                verdict = json.loads(subprocess.run([sys.executable, os.path.join(tools, "check_packing.py"), problem, result]
                                                    + extra, capture_output=True, text=True).stdout)
                took = float(line.split(" s lp")[0].split()[-1])
            good = verdict["ok"]
            errors += not good
            seconds += took
            proven += outcome in ("optimal", "infeasible")
            if verdict["gap"] is not None:
                gaps.append(verdict["gap"])
            number = lambda x: f"{x:14.5f}" if x is not None else f"{'-':>14}"
            print(f"{name:<18}{file[:39]:<40}{outcome:<11}{number(verdict['cost'])}{number(verdict['bound'])}"
                  f"{(verdict['gap'] or 0.0):9.5f}{took:8.3f}  {'ok' if good else verdict['errors'][0][:60]}", flush=True)
        mean = sum(gaps) / len(gaps) if gaps else 0.0
        print(f"= {name}: {len(files)} instances, {errors} errors, mean gap {mean:.4f}, {proven} proven, {seconds:.1f} s",
              flush=True)
        failed += errors
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
