#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One peer on one problem: peer.py ENGINE:MODEL PROBLEM RESULT --limit S [--threads N] [--gap G]

ENGINE:MODEL is first-fit, vpsolver, or one of highs, cpsat, scip, glpk with arcflow or assignment. Run by run.py with
the Python of the folder that setup.sh made. The result is a PackingResult whose stats say what the peer was given. Exit
status 77 with a line on standard error when the model cannot say the problem or grows too large.
"""
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("peer")
    ap.add_argument("problem")
    ap.add_argument("result")
    ap.add_argument("--limit", type=float, default=60.0)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--gap", type=float, default=0.0)
    args = ap.parse_args()
    begin = time.monotonic()
    with open(args.problem, encoding="utf-8") as text:
        problem = json.load(text)
    import engines
    import first_fit

    import model as models

    name, _, form = args.peer.partition(":")
    stats = {}
    try:
        limits = models.node_limits(problem) if form != "arcflow" else []
        pools = models.reduce_pools(problem)
        if name == "first-fit":
            begin = time.monotonic()
            nodes, left = first_fit.pack(problem, pools, limits)
            answer = engines.Answer("none" if left else "feasible", None, 0.0, time.monotonic() - begin)
        elif name == "vpsolver":
            if limits:
                raise models.Unsupported("rules are not in this model")
            answer = engines.vpsolver(dict(problem, pools=pools), os.path.dirname(sys.executable), args.limit,
                                      args.threads, args.gap)
            nodes = answer.x or []
        else:
            if form == "arcflow":
                made = models.ArcFlow(problem)
            else:
                made = models.Assignment(problem, first_fit.pack(problem, pools, limits)[0])
            stats.update(columns=len(made.model.cost), rows=len(made.model.low), build_seconds=time.monotonic() - begin)
            answer = engines.ENGINES[name](made.model, args.limit, args.threads, args.gap)
            nodes = made.nodes(answer.x) if answer.x is not None else []
    except (models.Unsupported, models.TooLarge, ValueError, ImportError) as why:
        print(f"{type(why).__name__}: {why}", file=sys.stderr)
        return 77
    cost_of = {p["id"]: p["cost"] for p in problem["pools"]}
    cost = sum(cost_of[row["pool"]] * row["count"] for row in nodes)
    outcome = "stopped" if answer.status == "none" else answer.status
    # A solver's own "optimal" is taken at its word: its bound is its cost when no gap was allowed.
    bound = cost if outcome == "optimal" and args.gap == 0 else min(answer.bound, cost)
    if outcome == "optimal" and bound < cost:
        outcome = "feasible"
    stats.update(seconds=answer.seconds, said=answer.status)
    known = outcome in ("optimal", "feasible")
    if not known:
        nodes = []
    with open(args.result, "w", encoding="utf-8") as out:
        json.dump({"apiVersion": "spotopt/v1", "kind": "PackingResult", "outcome": outcome,
                   "cost": cost if known else None, "bound": bound if known else None,
                   "gap": (cost - bound) / max(cost, 1e-9) if known else None, "nodes": nodes, "unplaced": {},
                   "stats": stats}, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
