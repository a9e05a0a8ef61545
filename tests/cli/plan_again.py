#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No churn: a plan is carried out on the cluster's document by hand and the outcome planned again: plan_again.py SPOTOPT DATA.

Knows plans only as documents. On the sample cluster and on 20 random ones: the second plan moves nothing, the first is not
dearer than keeping all, and every change of it pays back within the policy's horizon, by money added up here.
"""
import copy
import json
import os
import random
import subprocess
import sys
import tempfile

spotopt, data = sys.argv[1], sys.argv[2]
catalog = json.load(open(f"{data}/catalog.json"))
types = {t["name"]: t for t in catalog["instance_types"]}
pools = {p["id"]: p for p in catalog["pools"]}
HORIZON_H, MOVE_USD = 4.0, 0.01
TYPE, ZONE, BUYS = "node.kubernetes.io/instance-type", "topology.kubernetes.io/zone", "karpenter.sh/capacity-type"


def amount(text):
    for unit, size in (("Ki", 2**10), ("Mi", 2**20), ("Gi", 2**30), ("m", 1e-3)):
        if text.endswith(unit):
            return float(text[:-len(unit)]) * size
    return float(text)


def machine(name, pool):
    """A node of a pool as it would register: capacity less overhead."""
    kind = types[pool["instance_type"]]
    room = {key: amount(value) - amount(kind.get("overhead", {}).get(key, "0")) for key, value in kind["capacity"].items()}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/arch": kind["arch"], "kubernetes.io/os": "linux",
              TYPE: kind["name"], ZONE: pool["zone"], BUYS: pool["purchase"], **kind.get("labels", {}),
              **pool.get("labels", {})}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
            "spec": {"providerID": f"aws:///{pool['zone']}/i-{name}"},
            "status": {"allocatable": {key: f"{round(1000 * value)}m" for key, value in room.items()},
                       "conditions": [{"type": "Ready", "status": "True"}]}}


def owner(pod):
    owners = pod["metadata"].get("ownerReferences", [])
    return (owners[0]["kind"], pod["metadata"]["namespace"], owners[0]["name"]) if owners else (None, None, None)


def tolerates_all(spec):
    return any(t.get("operator") == "Exists" and "key" not in t for t in spec.get("tolerations", []))


def carry_out(cluster, plan):
    """The cluster as it is when every wave of the plan is done."""
    gone = {n["name"] for n in plan["nodes"] if n["action"] == "drain"}
    fresh = [n for n in plan["nodes"] if n["action"] == "launch"]
    home = {pod: n["name"] for n in plan["nodes"] for pod in n["pods"]}
    items = []
    for item in copy.deepcopy(cluster["items"]):
        if item["kind"] == "Node" and item["metadata"]["name"] in gone:
            continue
        if item["kind"] == "Pod":
            name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
            if name in home:
                item["spec"]["nodeName"] = home[name]
                item["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            elif item["spec"].get("nodeName") in gone:
                continue  # of a daemon set, or finished
        items.append(item)
    for node in fresh:
        items.append(machine(node["name"], pools[node["pool"]]))
    labels = {i["metadata"]["name"]: i["metadata"]["labels"] for i in items if i["kind"] == "Node"}
    for daemon in [i for i in items if i["kind"] == "DaemonSet"]:
        template = daemon["spec"]["template"]
        for node in fresh:
            wanted = template["spec"].get("nodeSelector", {})
            if all(labels[node["name"]].get(key) == value for key, value in wanted.items()):
                assert tolerates_all(template["spec"])
                items.append({"apiVersion": "v1", "kind": "Pod", "metadata": {
                    "name": f"{daemon['metadata']['name']}-{node['name']}", "namespace": daemon["metadata"]["namespace"],
                    "labels": template["metadata"]["labels"], "ownerReferences": [{
                        "apiVersion": "apps/v1", "kind": "DaemonSet", "name": daemon["metadata"]["name"],
                        "uid": daemon["metadata"].get("uid", "d"), "controller": True}]},
                    "spec": {**copy.deepcopy(template["spec"]), "nodeName": node["name"]},
                    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
    return {**cluster, "items": items}


def random_cluster(seed):
    """A fleet half as full as it could be: workloads with holes, budgets and pods that keep apart."""
    dice = random.Random(seed)
    offers = [p for p in pools.values() if types[p["instance_type"]]["arch"] == "amd64" and p.get("usd_per_hour")
              and not types[p["instance_type"]].get("labels") and 4 <= amount(types[p["instance_type"]]["capacity"]["cpu"]) <= 16]
    items, room = [], {}
    for n in range(dice.randrange(4, 30)):
        items.append(machine(f"n{n}", dice.choice(offers)))
        free = {key: amount(value) for key, value in items[-1]["status"]["allocatable"].items()}
        room[f"n{n}"] = {key: value * dice.choice((0.3, 0.5, 0.9)) for key, value in free.items()}
    for w in range(dice.randrange(3, 15)):
        spec = {"containers": [{"name": "c", "resources": {"requests": {
            "cpu": f"{dice.choice((100, 250, 500, 900, 1500))}m", "memory": f"{dice.choice((256, 700, 1500, 4000))}Mi"}}}]}
        asked, apart, used = spec["containers"][0]["resources"]["requests"], dice.random() < 0.2, set()
        if apart:
            spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": f"a{w}"}}}]}}
        pods = []
        for r in range(dice.randrange(1, 12)):
            fits = [n for n, free in room.items() if free["pods"] >= 1 and not (apart and n in used) and
                    all(free[key] >= amount(asked[key]) for key in asked)]
            if not fits:
                break
            node = dice.choice(fits)
            used.add(node)
            for key in asked:
                room[node][key] -= amount(asked[key])
            room[node]["pods"] -= 1
            pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": f"w{w}-{r}", "namespace": "d", "labels": {"app": f"a{w}"}, "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"w{w}", "uid": f"u{w}", "controller": True}]},
                "spec": {**copy.deepcopy(spec), "nodeName": node},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
        items.append({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
            "name": f"w{w}", "namespace": "d", "uid": f"u{w}"}, "spec": {
                "replicas": len(pods), "selector": {"matchLabels": {"app": f"a{w}"}},
                "template": {"metadata": {"labels": {"app": f"a{w}"}}, "spec": spec}}})
        items += pods
        if len(pods) > 1 and dice.random() < 0.5:
            items.append({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {
                "name": f"b{w}", "namespace": "d"}, "spec": {
                    "selector": {"matchLabels": {"app": f"a{w}"}}, "maxUnavailable": 1}})
    return {"apiVersion": "v1", "kind": "List", "items": items}


def make_plan(folder, cluster, options):
    path = os.path.join(folder, "cluster.json")
    with open(path, "w") as file:
        json.dump(cluster, file)
    inputs = ["--cluster", path, "--catalog", f"{data}/catalog.json", *options]
    made = subprocess.run([spotopt, "plan", *inputs, "--now", "2026-11-02T09:00:00Z", "-o", "json", "--set",
                           "deadline_s=1e6"], capture_output=True, text=True)
    assert made.returncode in (0, 1), made.stderr
    with open(os.path.join(folder, "plan.json"), "w") as file:
        file.write(made.stdout)
    found = subprocess.run([spotopt, "plan", *inputs, "--check", file.name], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    return json.loads(made.stdout)


def check_changes(cluster, plan):
    """Every pod that moves and every node that comes or goes is in one change; each pays back."""
    at = {f"{i['metadata']['namespace']}/{i['metadata']['name']}": i["spec"].get("nodeName")
          for i in cluster["items"] if i["kind"] == "Pod"}
    cost = {n["name"]: n["usd_per_hour"] for n in plan["nodes"]}
    action = {n["name"]: n["action"] for n in plan["nodes"]}
    moved = {pod for n in plan["nodes"] for pod in n["pods"] if at.get(pod) not in (None, n["name"])}
    pods = [pod for change in plan["changes"] for pod in change["pods"]]
    nodes = [node for change in plan["changes"] for node in change["nodes"]]
    assert sorted(pods) == sorted(moved), "moves without a change"
    assert len(set(nodes)) == len(nodes) and {n for n in action if action[n] != "keep"} <= set(nodes), nodes
    for change in plan["changes"]:
        if change["needed"]:  # no node has to go here: it places a pod that waits
            assert any(at.get(pod) is None for n in plan["nodes"] if n["name"] in change["nodes"] for pod in n["pods"])
        sign = {"drain": 1.0, "keep": 0.0, "launch": -1.0}
        saved = sum(sign[action[name]] * (cost[name] or 0.0) for name in change["nodes"])
        assert abs(change["move_usd"] - MOVE_USD * len(change["pods"])) < 1e-6, change
        assert change["needed"] or 0 <= change["pay_back_hours"] <= HORIZON_H + 1e-6, change
        assert abs(saved - change["risk_usd_per_hour"] - change["saves_usd_per_hour"]) < 1e-6, (change, saved)
        if change["pods"]:
            assert abs(change["move_usd"] / change["saves_usd_per_hour"] - change["pay_back_hours"]) < 1e-4, change


def once_and_again(name, cluster, options):
    with tempfile.TemporaryDirectory() as folder:
        first = make_plan(folder, cluster, options)
        second = make_plan(folder, carry_out(cluster, first), options)
    before, after = first["summary"], second["summary"]
    print(f"{name}: {before['moves']} moves, {before['before']['usd_per_hour']:.3f} -> {before['after']['usd_per_hour']:.3f} "
          f"USD an hour, gap {100 * before['gap']:.1f} %, then {after['moves']}; {len(first.get('changes', ()))} changes", flush=True)
    assert before["pods_unplaced"] == 0
    assert after["moves"] == 0 and all(n["action"] == "keep" for n in second["nodes"]), "moves after a plan was carried out"
    assert before["objective"] <= before["keep_objective"] + 1e-9, "dearer than keeping"
    check_changes(cluster, first)
    assert second["changes"] == []
    return before["moves"]


sample = json.load(open(f"{data}/cluster.json"))
moves = once_and_again("sample", sample, ["--policy", f"{data}/policy.json", "--history", f"{data}/history.csv"])
moves += once_and_again("sample, no policy", sample, [])
for seed in range(20):
    moves += once_and_again(f"random {seed}", random_cluster(seed), [])
assert moves > 200, "hardly anything moved"
