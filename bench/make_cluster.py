#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a large cluster and catalog of our own making: make_cluster.py NODES PODS POOLS FOLDER [SEED].

FOLDER gets cluster.json (a kubectl List: nodes, pods, deployments, budgets) and catalog.json. Pods come in one
deployment for every 20 of them, in the sizes that services have; a tenth spreads over zones, a tenth keeps apart by
host, half the deployments have a budget. Nodes are filled first-fit, as a fleet that grew.
"""
import json
import os
import random
import sys

ZONES = ["zone-a", "zone-b", "zone-c"]
FAMILIES = [("c", 2, 0.0425), ("m", 4, 0.048), ("r", 8, 0.063)]  # letter, GiB a core, USD a core and hour
CORES = [2, 4, 8, 16, 32, 48, 64, 96]


def types(count):
    made = []
    generation = 0
    while len(made) < count:
        for letter, gib, rate in FAMILIES:
            for cores in CORES:
                if len(made) < count:
                    factor = 1.0 + 0.013 * generation
                    made.append((f"{letter}{generation + 4}.{cores}x", cores, cores * gib, cores * rate * factor))
        generation += 1
    return made


def main():
    nodes, pods, pools, folder = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    rng = random.Random(int(sys.argv[5]) if len(sys.argv) > 5 else 1)
    kinds = types(pools // 6 + 1)
    catalog = {"apiVersion": "spotopt/v1", "kind": "Catalog", "region": "zone", "currency": "USD", "instance_types": [],
               "pools": []}
    for name, cores, gib, usd in kinds:
        catalog["instance_types"].append({
            "name": name, "arch": "amd64", "capacity": {"cpu": str(cores), "memory": f"{gib}Gi", "pods": "110"},
            "overhead": {"cpu": f"{60 + 10 * cores}m", "memory": f"{600 + 16 * gib}Mi"}})
        for zone in ZONES:
            for purchase, factor in (("spot", rng.uniform(0.25, 0.6)), ("on-demand", 1.0)):
                catalog["pools"].append({"id": f"{name}/{zone}/{purchase}", "instance_type": name, "zone": zone,
                                         "purchase": purchase, "usd_per_hour": round(usd * factor, 4),
                                         "advisor_bucket": rng.randrange(5) if purchase == "spot" else None})
    catalog["pools"] = catalog["pools"][:pools]

    items, free = [], []
    usable = [k for k in kinds[:24] if 8 <= k[1] <= 16]
    for n in range(nodes):
        name, cores, gib, _ = rng.choice(usable)
        zone = ZONES[n % 3]
        cpu, memory = cores * 1000 - 60 - 10 * cores, gib * 1024 - 600 - 16 * gib
        labels = {"kubernetes.io/hostname": f"node-{n}", "node.kubernetes.io/instance-type": name,
                  "topology.kubernetes.io/zone": zone, "karpenter.sh/capacity-type": "on-demand",
                  "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}
        items.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{n}", "labels": labels},
                      "spec": {"providerID": f"aws:///{zone}/i-{n:08x}"},
                      "status": {"allocatable": {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "pods": "110"},
                                 "conditions": [{"type": "Ready", "status": "True"}]}})
        free.append([cpu, memory, 100, f"node-{n}"])
    cpus, ratios = [100, 250, 500, 750, 1000, 1500, 2000, 4000], [1, 2, 4, 8]
    left, app, start = pods, 0, 0
    while left > 0:
        count = min(left, rng.randint(5, 35))
        cpu = rng.choice(cpus)
        memory = cpu * rng.choice(ratios) * 1024 // 1000
        labels = {"app": f"app-{app}"}
        spec = {"containers": [{"name": "main", "resources": {"requests": {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}}}]}
        match = {"labelSelector": {"matchLabels": labels}}
        if app % 10 == 0:
            spec["topologySpreadConstraints"] = [{**match, "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
                                                  "whenUnsatisfiable": "ScheduleAnyway" if app % 20 else "DoNotSchedule"}]
        if app % 10 == 5:
            spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {**match, "topologyKey": "kubernetes.io/hostname"}]}}
        meta = {"name": f"app-{app}", "namespace": f"team-{app % 20}"}
        items.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
                      "spec": {"replicas": count, "selector": {"matchLabels": labels},
                               "template": {"metadata": {"labels": labels}, "spec": spec}}})
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"app-{app}-r", "controller": True,
                 "uid": f"r{app}"}
        items.append({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
            "name": f"app-{app}-r", "namespace": meta["namespace"],
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": f"app-{app}", "controller": True,
                                 "uid": f"d{app}"}]},
            "spec": {"replicas": count, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": spec}}})
        zone_count, used = {}, set()
        for i in range(count):
            place = None
            for k in range(len(free)):
                at = free[(start + k) % len(free)]
                if app % 10 == 0 and zone_count.get((start + k) % len(free) % 3, 0) > min(
                        zone_count.get(z, 0) for z in range(3)):
                    continue
                if app % 10 == 5 and at[3] in used:
                    continue
                if at[0] >= cpu and at[1] >= memory and at[2] > 0:
                    place = (start + k) % len(free)
                    break
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": f"app-{app}-r-{i}", "namespace": meta["namespace"], "labels": labels, "ownerReferences": [owner]},
                "spec": dict(spec), "status": {"phase": "Pending"}}
            if place is not None:
                zone_count[place % 3] = zone_count.get(place % 3, 0) + 1
                at = free[place]
                at[0], at[1], at[2] = at[0] - cpu, at[1] - memory, at[2] - 1
                used.add(at[3])
                pod["spec"]["nodeName"] = at[3]
                pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            items.append(pod)
        start = (start + 7) % max(1, len(free))
        if app % 2 == 0:
            items.append({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": {
                "selector": {"matchLabels": labels}, "maxUnavailable": "25%" if app % 4 else 1}})
        left -= count
        app += 1
    os.makedirs(folder, exist_ok=True)
    for name, document in (("cluster.json", {"apiVersion": "v1", "kind": "List", "items": items}),
                           ("catalog.json", catalog)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            json.dump(document, out, separators=(",", ":"))


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main()
