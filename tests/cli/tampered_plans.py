#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tampers with a good plan in some 70 ways; `spotopt plan --check` must reject each: tampered_plans.py SPOTOPT DATA."""
import copy
import json
import subprocess
import sys
import tempfile

spotopt, data = sys.argv[1], sys.argv[2]
inputs = ["--cluster", f"{data}/cluster.json", "--catalog", f"{data}/catalog.json", "--policy", f"{data}/policy.json"]
now = ["--now", "2026-11-02T09:00:00Z"]
good = json.loads(subprocess.run([spotopt, "plan", *inputs, *now, "-o", "json"], capture_output=True, check=True).stdout)


def nodes(plan, action):
    return [n for n in plan["nodes"] if n["action"] == action]


def steps(plan, what):
    return [(w, s) for w in plan["waves"] for s in w["steps"] if s["do"] == what]


def busiest(plan, action):
    return max(nodes(plan, action), key=lambda n: len(n["pods"]))


def move_pod(plan):
    busiest(plan, "launch")["pods"].append(busiest(plan, "keep")["pods"].pop(0)) if nodes(plan, "keep") else None


def first_budget(plan):
    return next((w, s) for w, s in steps(plan, "evict") if s["relies_on"])


def evict_all_of_a_budget_at_once(plan):
    """Every eviction that relies on one budget goes into its first wave."""
    wave, step = first_budget(plan)
    name = step["relies_on"][0]["pdb"]
    for other in plan["waves"]:
        for s in list(other["steps"]):
            if s["do"] == "evict" and any(r["pdb"] == name for r in s["relies_on"]) and other is not wave:
                other["steps"].remove(s)
                wave["steps"].append(s)


def drop_step(what):
    def tamper(plan):
        wave, step = steps(plan, what)[0]
        wave["steps"].remove(step)
    return tamper


def double_step(what):
    def tamper(plan):
        wave, step = steps(plan, what)[-1]
        wave["steps"].append(copy.deepcopy(step))
    return tamper


def scale(*path, by=0.9, plus=0.0):
    def tamper(plan):
        at = plan
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = at[path[-1]] * by + plus
    return tamper


def put(value, *path):
    def tamper(plan):
        at = plan
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
    return tamper


def a_drop(plan):
    stage = next(s for s in plan["funnel"]["stages"] if s["drops"])
    reason = next(iter(stage["drops"]))
    stage["drops"][reason] += 1
    stage["in"] += 1


def crowd(plan):
    """All pods of three new nodes onto one of them."""
    some = sorted(nodes(plan, "launch"), key=lambda n: -len(n["pods"]))[:3]
    for n in some[1:]:
        some[0]["pods"] += n["pods"]
        n["pods"] = []


def pair_apart(plan, prefix):
    """Two pods of one workload that keep apart, onto the roomiest node of one of them."""
    homes = [n for n in plan["nodes"] if any(p.startswith(prefix) for p in n["pods"])]
    pod = next(p for p in homes[1]["pods"] if p.startswith(prefix))
    homes[1]["pods"].remove(pod)
    homes[0]["pods"].append(pod)


def swap_pool(plan):
    node = nodes(plan, "launch")[0]
    node["pool"] = next(p["pool"] for p in plan["pools"] if p["pool"] != node["pool"])


def cheap_pool(plan):
    """The node's pool in another zone: same price or not, its pods' zone rules and the sums know."""
    node = busiest(plan, "launch")
    node["pool"] = next(p["pool"] for p in plan["pools"] if p["chosen"] == 0)


def a_risky_pool(plan):
    return next(p for p in plan["pools"] if p["p"]["24"][0] > 0.0)


def an_alternate(plan):
    return next(iter(plan["alternates"].values()))


def swap_waves(plan):
    plan["waves"].reverse()


def all_at_once(plan):
    for wave in plan["waves"]:
        wave["at_s"] = 0


def shift_launches(plan):
    for wave in plan["waves"]:
        late = [s for s in wave["steps"] if s["do"] == "launch"]
        for s in late:
            wave["steps"].remove(s)
            plan["waves"][-1]["steps"].append(s)


TAMPER = {
    "a pod moved": move_pod,
    "a pod lost": lambda p: busiest(p, "launch")["pods"].pop(),
    "a pod twice": lambda p: nodes(p, "launch")[0]["pods"].append(nodes(p, "launch")[1]["pods"][0]),
    "a pod made up": lambda p: nodes(p, "launch")[0]["pods"].append("shop/nobody-1"),
    "a pod left out though placed": lambda p: p["unplaced"].append(
        {"pod": nodes(p, "launch")[0]["pods"][0], "reason": "no room"}),
    "a pod silently unplaced": lambda p: p["unplaced"].append(
        {"pod": nodes(p, "launch")[0]["pods"].pop(), "reason": "no room"}),
    "a pod left out without a reason": lambda p: p["unplaced"].append(
        {"pod": nodes(p, "launch")[0]["pods"].pop(), "reason": ""}),
    "a pod on a drained node": lambda p: nodes(p, "drain")[0]["pods"].append(nodes(p, "launch")[0]["pods"].pop()),
    "three nodes' pods on one": crowd,
    "a node dropped": lambda p: p["nodes"].remove(nodes(p, "drain")[0]),
    "a new node dropped": lambda p: p["nodes"].remove(nodes(p, "launch")[0]),
    "a node twice": lambda p: p["nodes"].append(copy.deepcopy(nodes(p, "drain")[0])),
    "a node made up": lambda p: p["nodes"].append({**nodes(p, "drain")[0], "name": "ghost"}),
    "a new node with an old name": lambda p: nodes(p, "launch")[0].update(name=nodes(p, "drain")[0]["name"]),
    "a drained node kept": lambda p: nodes(p, "drain")[0].update(action="keep"),
    "a new node of another pool": swap_pool,
    "a new node of a pool not chosen": cheap_pool,
    "a new node of no pool": lambda p: nodes(p, "launch")[0].update(pool="z9.huge/us-east-1a/spot"),
    "a node's price lowered": lambda p: nodes(p, "launch")[0].update(usd_per_hour=0.001),
    "a running node's price lowered": lambda p: nodes(p, "drain")[0].update(usd_per_hour=0.001),
    "the cost after lowered": scale("summary", "after", "usd_per_hour"),
    "the cost before raised": scale("summary", "before", "usd_per_hour", by=1.2),
    "nodes after miscounted": scale("summary", "after", "nodes", by=1, plus=-1),
    "nodes before miscounted": scale("summary", "before", "nodes", by=1, plus=1),
    "interruptions talked down": scale("summary", "after", "interruptions_per_day", by=0.5),
    "gross saving talked up": scale("summary", "gross_saving_frac", by=1.1),
    "net saving talked up": scale("summary", "net_saving_frac", by=1.1),
    "the on-demand price raised": scale("summary", "on_demand_usd_per_hour", by=1.5),
    "the objective lowered": scale("summary", "objective"),
    "the bound raised": scale("summary", "bound", by=1.001),
    "the bound above the cost": scale("summary", "bound", by=2.0),
    "the gap closed": put(0.0, "summary", "gap"),
    "the money bound above the cost": scale("summary", "bound_usd_per_hour", by=3.0),
    "moves miscounted": scale("summary", "moves", by=1, plus=-1),
    "unplaced pods hidden": scale("summary", "pods_unplaced", by=1, plus=1),
    "pods miscounted": scale("summary", "pods", by=1, plus=-1),
    "a budget ignored": evict_all_of_a_budget_at_once,
    "a budget not named": lambda p: first_budget(p)[1].update(relies_on=[]),
    "another budget named": lambda p: first_budget(p)[1]["relies_on"][0].update(pdb="shop/none"),
    "head-room talked up": lambda p: first_budget(p)[1]["relies_on"][0].update(headroom=99),
    "an eviction forgotten": drop_step("evict"),
    "an eviction twice": double_step("evict"),
    "a launch forgotten": drop_step("launch"),
    "a launch twice": double_step("launch"),
    "a delete forgotten": drop_step("delete"),
    "a delete twice": double_step("delete"),
    "a cordon forgotten": drop_step("cordon"),
    "an eviction on another node": lambda p: steps(p, "evict")[0][1].update(node=steps(p, "evict")[-1][1]["node"]),
    "an eviction of a pod that stays": lambda p: steps(p, "evict")[0][1].update(pod="shop/nobody-1"),
    "an eviction to another node": lambda p: steps(p, "evict")[0][1].update(to=nodes(p, "drain")[0]["name"]),
    "a launch from another pool": lambda p: steps(p, "launch")[0][1].update(pool=steps(p, "launch")[-1][1]["pool"]),
    "waves in reverse": swap_waves,
    "everything at once": all_at_once,
    "launches last": shift_launches,
    "a risk lowered": lambda p: a_risky_pool(p)["p"].update({"24": [0.0, 0.0, 0.0]}),
    "a risk lowered by a little": lambda p: a_risky_pool(p)["p"]["4"].__setitem__(0, a_risky_pool(p)["p"]["4"][0] * 0.9),
    "an interval talked narrow": lambda p: a_risky_pool(p)["p"]["24"].__setitem__(2, a_risky_pool(p)["p"]["24"][0]),
    "an expected cost lowered": lambda p: a_risky_pool(p).update(expected_usd_per_hour=0.0),
    "a score raised": lambda p: p["pools"][0].update(score=100.0),
    "a factor raised": lambda p: p["pools"][0]["factors"].update(cost=1.0, stability=0.5),
    "a contribution changed": lambda p: p["pools"][0]["contributions"].update(cost=0.7),
    "a place talked up": lambda p: p["pools"][-1].update(place=1),
    "a pool listed twice for another": lambda p: p["pools"].__setitem__(0, p["pools"][1]),
    "an alternate changed": lambda p: an_alternate(p).__setitem__(0, an_alternate(p)[-1]),
    "an alternate left out": lambda p: an_alternate(p).pop(),
    "the funnel's alternates miscounted": lambda p: p["funnel"].update(alternates=9),
    "a node's fill talked up": lambda p: nodes(p, "launch")[0]["fill"].update(cpu=1.0),
    "a wave earlier": lambda p: p["waves"][-1].update(at_s=p["waves"][-2]["at_s"]),
    "a pool's price lowered": lambda p: p["pools"][0].update(usd_per_hour=0.0001),
    "chosen nodes of a pool miscounted": lambda p: p["pools"][0].update(chosen=p["pools"][0]["chosen"] + 1),
    "a chosen pool not listed": lambda p: p["pools"].pop(0),
    "a drop added to the funnel": a_drop,
    "a stage that does not add up": lambda p: p["funnel"]["stages"][1].update(out=p["funnel"]["stages"][1]["out"] + 1),
    "a stage taken out": lambda p: p["funnel"]["stages"].pop(2),
    "the funnel's choice miscounted": lambda p: p["funnel"].update(chosen=p["funnel"]["chosen"] + 1),
    "another cluster's hash": put("sha256:" + "0" * 64, "inputs", "cluster"),
    "another catalog's hash": put("sha256:" + "0" * 64, "inputs", "catalog"),
    "no policy's hash": lambda p: p["inputs"].pop("policy"),
}


def check(plan):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as out:
        json.dump(plan, out)
        out.flush()
        return subprocess.run([spotopt, "plan", "--check", out.name, *inputs], capture_output=True, text=True)


run = check(good)
if run.returncode != 0:
    sys.exit(f"the good plan is rejected: {run.stdout}{run.stderr}")
failed = 0
for name, tamper in TAMPER.items():
    plan = copy.deepcopy(good)
    tamper(plan)
    if plan == good:
        print(f"FAIL {name}: nothing was changed")
        failed += 1
        continue
    run = check(plan)
    wanted = 3 if "hash" in name else 1
    if run.returncode != wanted or not (run.stdout + run.stderr).strip():
        print(f"FAIL {name}: exit status {run.returncode}, want {wanted}: {run.stdout[:200]}{run.stderr[:200]}")
        failed += 1
print(f"{len(TAMPER) - failed} tampered plans rejected as they must be, {failed} not")
sys.exit(1 if failed else 0)
