#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Solve public packing instances, judge each result, print a table a class. Standard library only.

Usage: pack_sets.py BENCH_PACK SHARED [--each N | --all] [--set NAME]... [--real NAME]... [--name PART]
                    [--deadline S] [--within S] [--gap G] [--jobs N] [--cpu] [--csv FILE] [--quiet]

BENCH_PACK is the bench_pack program, SHARED the folder with data/packing and tools (to_problem.py, check_packing.py).
All cloud instances are taken, and N (default 5) of every other set, evenly spread; --all takes everything. --real takes
openb, dlrm (4,704 pools), openb-20, dlrm-20 (at most 20 nodes a pool), karpenter-PODS and autoscaler, instead of sets or
beside --set. Proofs need --gap 0. Every answer goes through the checker, with the optimum where the set's best-known.csv
states one; where it states only limits, a bound above the best known or a cost below the lower bound is an error too.

The table: proven of all, and of these in at most --within CPU seconds (of a process, with reading; default: the
deadline), gaps to the bound (mean and worst), seconds as bench_pack states them (all, median, worst), CPU seconds of
its processes (all, worst), instances that took more than the deadline by a fifth and 20 ms, errors, instances refused
because their requests are negative, costs below and above the best known, and instances proven of those that
best-known.csv calls open. With --jobs above 1, and on a machine that does other things, seconds are of little worth:
there the deadline is to be set above the limit that is asked about, and --within to that limit; or, with --cpu, deadline
and seconds are of the process' processor time.
Without the data nothing is run, and the exit status is 77.
"""
import argparse
import concurrent.futures
import csv
import json
import os
import statistics
import sys
import tempfile

from problems import load_tool, real_problem, run_bench

CLOUD = "mcvbp-cloud"
COLUMNS = ["set", "class", "instance", "outcome", "cost", "bound", "gap", "seconds", "cpu_seconds", "status",
           "lower_bound", "best_known", "verdict"]


def read_known(folder):
    path = os.path.join(folder, "best-known.csv")
    if not os.path.exists(path):
        return {}
    with open(path, newline="", encoding="utf-8") as text:
        return {row["instance"]: row for row in csv.DictReader(text)}


def number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def choose(data, args):
    """[(set, file)] in order of name."""
    chosen = []
    for name in sorted(os.listdir(data)):
        folder = os.path.join(data, name)
        left_out = name not in args.set if args.set or args.real else name == "roadef2012"
        if not os.path.isdir(folder) or left_out:
            continue
        files = sorted(f for f in os.listdir(folder) if not f.endswith((".csv", ".md")) and args.name in f)
        if name != CLOUD and not args.all and len(files) > args.each:
            files = [files[i * len(files) // args.each] for i in range(args.each)]
        chosen += [(name, f) for f in files]
    return chosen + [("real", name) for name in args.real]


def against_known(cost, bound, known):
    """What contradicts the table, or None. The table's decimals are rounded."""
    low, best = number(known.get("lower_bound")), number(known.get("best_known"))
    slack = lambda x: 1e-6 * max(1.0, abs(x)) + (1e-4 if x != int(x) else 0.0)
    if best is not None and bound is not None and bound > best + slack(best):
        return f"bound {bound:.6g} above the best known {best:.6g}"
    if low is not None and cost is not None and cost < low - slack(low):
        return f"cost {cost:.6g} below the lower bound {low:.6g}"
    return None


def solve(args, tools, folder, name, file, known):
    """One row of COLUMNS as a dictionary; the verdict is 'ok' or what is wrong."""
    row = dict.fromkeys(COLUMNS, "")
    row.update(set=name, instance=file, status=known.get("status", ""), lower_bound=known.get("lower_bound", ""),
               best_known=known.get("best_known", ""))
    row["class"] = known.get("class", "")
    to_problem, check = tools
    problem = real_problem(file, args.shared) if name == "real" else to_problem.problem(os.path.join(folder, file))
    with tempfile.TemporaryDirectory() as scratch:
        path, results = os.path.join(scratch, "problem.json"), os.path.join(scratch, "results")
        os.mkdir(results)
        with open(path, "w", encoding="utf-8") as out:
            json.dump(problem, out)
        command = [args.bench, "-d", str(args.deadline), "-g", str(args.gap), "-o", results, path]
        command[1:1] = ["-c", "cpu"] if args.cpu else []
        status, out, errors, cpu = run_bench(command, (9 if args.cpu else 3) * args.deadline + 30)
        row["cpu_seconds"] = round(cpu, 4)
        if status == 1 and not out and any(x < 0 for d in problem["demands"] for x in d["request"]):
            row.update(outcome="refused", verdict=errors.strip()[:100] or "refused", seconds=0.0)
            return row
        if status != 0 or not out:
            row.update(outcome="none", verdict=f"exit status {status}: {errors.strip()[:100]}", seconds=args.deadline)
            return row
        with open(os.path.join(results, "problem.json"), encoding="utf-8") as text:
            result = json.load(text)
    infeasible = result["outcome"] == "infeasible" and known.get("status") in (None, "infeasible", "unknown")
    optimum = number(known.get("best_known")) if known.get("status") == "optimal" else None
    verdict = check.judge(problem, result, optimum, infeasible or known.get("status") == "infeasible")
    wrong = verdict["errors"][0] if verdict["errors"] else None
    if wrong is None and result["outcome"] in ("optimal", "feasible"):
        wrong = against_known(verdict["cost"], verdict["bound"], known)
    row.update(outcome=result["outcome"], seconds=float(out.split(" s lp")[0].split()[-1]), verdict=wrong or "ok")
    if result["outcome"] in ("optimal", "feasible"):
        row.update(cost=verdict["cost"], bound=verdict["bound"], gap=verdict["gap"])
    return row


def summary(rows, deadline, within):
    """The figures of a class as texts."""
    wrong = sum(r["verdict"] != "ok" and r["outcome"] != "refused" for r in rows)
    proven = [r for r in rows if r["outcome"] in ("optimal", "infeasible") and r["verdict"] == "ok"]
    gaps = [r["gap"] for r in rows if r["gap"] not in ("", None)] or [0.0]
    seconds = [float(r["seconds"]) for r in rows]
    compared = [(r["cost"], number(r["best_known"])) for r in rows if r["cost"] != ""]
    better = sum(best is not None and cost < best * (1 - 1e-6) for cost, best in compared)
    worse = sum(best is not None and cost > best * (1 + 1e-6) for cost, best in compared)
    opened = [r for r in rows if r["status"] in ("open", "unknown")]
    cpu = [r["cpu_seconds"] for r in rows]
    quick = sum(r["cpu_seconds"] <= within for r in proven)
    return [f"{len(proven)}/{len(rows)}", str(quick), f"{statistics.mean(gaps):.5f}", f"{max(gaps):.5f}",
            f"{sum(seconds):.2f}",
            f"{statistics.median(seconds):.3f}", f"{max(seconds):.2f}", f"{sum(cpu):.1f}", f"{max(cpu):.2f}",
            *map(str, (sum(s > 1.2 * deadline + 0.02 for s in seconds), wrong,
                       sum(r["outcome"] == "refused" for r in rows), better, worse)),
            f"{sum(r in proven for r in opened)}/{len(opened)}"]


def table(title, groups, deadline, within):
    head = [title, "proven", f"in {within:g} cpu s", "mean gap", "worst", "all s", "median", "worst s", "cpu s",
            "worst cpu s", "late", "errors", "refused", "better", "worse", "closed"]
    body = [[name, *summary(rows, deadline, within)] for name, rows in groups.items()]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    print("\n| " + " | ".join(cell.ljust(w) for cell, w in zip(head, widths)) + " |")
    print("|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|")
    for line in body:
        print("| " + " | ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(line, widths)))
              + " |")


def group(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("bench")
    ap.add_argument("shared")
    ap.add_argument("--each", type=int, default=5)
    ap.add_argument("--all", action="store_true")
    ap.add_argument("--set", action="append", default=[])
    ap.add_argument("--real", action="append", default=[])
    ap.add_argument("--name", default="", help="only instances whose names hold this")
    ap.add_argument("--deadline", type=float, default=10.0)
    ap.add_argument("--within", type=float, help="CPU seconds; default: the deadline")
    ap.add_argument("--gap", default="0.01")
    ap.add_argument("--jobs", type=int, default=1)
    ap.add_argument("--cpu", action="store_true", help="deadlines by processor time")
    ap.add_argument("--csv")
    ap.add_argument("--quiet", action="store_true", help="no line an instance but those with errors")
    args = ap.parse_args()
    within = args.deadline if args.within is None else args.within
    data, tools = os.path.join(args.shared, "data", "packing"), os.path.join(args.shared, "tools")
    if not os.path.isdir(data):
        print(f"skipped: {data} is absent")
        return 77
    if odd := [s for s in args.set if not os.path.isdir(os.path.join(data, s))]:
        ap.error(f"no set {odd[0]} in {data}")
    tools = load_tool(tools, "to_problem"), load_tool(tools, "check_packing")
    known = {name: read_known(os.path.join(data, name)) for name in os.listdir(data)}
    rows, sheet = [], open(args.csv, "w", newline="", encoding="utf-8") if args.csv else None
    if sheet:
        writer = csv.DictWriter(sheet, COLUMNS)
        writer.writeheader()
    text = lambda x: f"{x:14.8g}" if x != "" else f"{'-':>14}"
    if not args.quiet:
        print(f"{'set':<15}{'instance':<34}{'outcome':<11}{'cost':>14}{'bound':>14}{'gap':>9}{'s':>9}  verdict")
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for row in pool.map(lambda c: solve(args, tools, os.path.join(data, c[0]), *c,
                                                known.get(c[0], {}).get(c[1], {})),
                            choose(data, args)):
            rows.append(row)
            if sheet:
                writer.writerow(row)
                sheet.flush()
            if not args.quiet or row["verdict"] != "ok":
                print(f"{row['set']:<15}{row['instance'][:33]:<34}{row['outcome']:<11}{text(row['cost'])}"
                      f"{text(row['bound'])}{row['gap'] or 0.0:9.5f}{float(row['seconds']):9.3f}"
                      f"  {row['verdict'][:70]}", flush=True)
    if sheet:
        sheet.close()
    if rows:
        table("set", group(rows, lambda r: r["set"]), args.deadline, within)
        parts = {name: part for name, part in group(rows, lambda r: f"{r['set']} {r['class']}").items()}
        if args.all and len(parts) > 1 or args.name:
            table("class", parts, args.deadline, within)
    return 1 if any(r["verdict"] != "ok" and r["outcome"] != "refused" for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
