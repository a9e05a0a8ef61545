#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A new answer from the last one, against solving afresh: cost and seconds of both, in one run.

Usage: resolve.py SPOTOPT [--deadline S] [--gap G] [--judge CHECKER] PROBLEM.json ...

Each problem is solved. Then its pool with the most cost is withdrawn, a pool of middling cost is, and
five nodes of the answer are lost while the others run on with their content. Each time `pack --from` and
a fresh solve answer the same changed problem. Seconds are those of the solve, without reading and writing.
"""
import argparse
import copy
import json
import os
import random
import subprocess
import sys
import tempfile

ap = argparse.ArgumentParser()
ap.add_argument("spotopt")
ap.add_argument("problems", nargs="+")
ap.add_argument("--deadline", default="10")
ap.add_argument("--gap", default="0.003")
ap.add_argument("--judge")
args = ap.parse_args()
folder = tempfile.mkdtemp()


def write(name, document):
    path = os.path.join(folder, name)
    with open(path, "w") as out:
        json.dump(document, out)
    return path


def solve(path, *more):
    run = subprocess.run([args.spotopt, "pack", path, "-o", "json", "--set", "timings=1", "--set", "gap_rel=" + args.gap,
                          "--deadline", args.deadline, *more], capture_output=True, text=True)
    if not run.stdout:
        sys.exit(run.stderr)
    if args.judge:
        with open(path + ".result", "w") as out:
            out.write(run.stdout)
        judged = subprocess.run([sys.executable, args.judge, path, path + ".result"], capture_output=True, text=True)
        if judged.returncode != 0:
            print("JUDGE:", judged.stdout, judged.stderr)
    return json.loads(run.stdout)


def withdrawn(problem, pool):
    changed = copy.deepcopy(problem)
    for one in changed["pools"]:
        if one["id"] == pool:
            one["max"], one["min"] = 0, 0
    return changed


def after_loss(problem, result, lost):
    """The answer runs, but for `lost` of its nodes."""
    changed = copy.deepcopy(problem)
    capacity = {pool["id"]: pool for pool in changed["pools"]}
    nodes = [{"id": "n%d-%d" % (r, i), "pool": row["pool"], "holds": row["holds"]}
             for r, row in enumerate(result["nodes"]) for i in range(row["count"])]
    gone = set(random.Random(1).sample(range(len(nodes)), min(lost, len(nodes))))
    changed["nodes"] = [node for i, node in enumerate(nodes) if i not in gone]
    for node in nodes:  # what runs is of what there is
        pool = capacity[node["pool"]]
        if pool.get("max") is not None:
            pool["max"] -= 1
            pool["min"] = 0
    return changed


print("%-28s %-16s %12s %9s %12s %9s %8s %8s" % ("problem", "change", "fresh", "s", "from", "ms", "ratio", "gap"))
for path in args.problems:
    problem = json.load(open(path))
    name = os.path.basename(path).replace(".json", "")
    first = solve(path)
    answer = write("last.json", first)
    cost = {}
    for row in first["nodes"]:
        each = next(pool["cost"] for pool in problem["pools"] if pool["id"] == row["pool"])
        cost[row["pool"]] = cost.get(row["pool"], 0.0) + row["count"] * each
    pools = sorted(cost, key=lambda pool: (-cost[pool], pool))
    changes = [("pool %.0f %%" % (100 * cost[pool] / first["cost"]), withdrawn(problem, pool))
               for pool in (pools[0], pools[len(pools) // 2])]
    changes.append(("5 nodes lost", after_loss(problem, first, 5)))
    for what, changed in changes:
        at = write("changed.json", changed)
        fresh, quick = solve(at), solve(at, "--from", answer)
        print("%-28s %-16s %12.4f %9.3f %12.4f %9.1f %8.4f %8.4f" % (
            name, what, fresh["cost"], fresh["stats"]["seconds"], quick["cost"], 1000 * quick["stats"]["seconds"],
            quick["cost"] / fresh["cost"], quick["gap"]), flush=True)
