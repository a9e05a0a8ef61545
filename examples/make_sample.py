#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes examples/data/: a cluster, a catalog, a policy, a history, demand and prices over time and a packing problem, all made up.

The cluster is a fleet as first-fit grows it: pods arrived one by one, each new node was an on-demand machine of
whatever node group the pod belonged to, and later some workloads were scaled down and left holes. It is printed as
`kubectl get nodes,pods,... -A -o json` would print it, without what plays no part.

The catalog holds current EC2 types. vCPU, memory and on-demand prices are public list facts (Linux, us-east-1). Spot
prices, advisor buckets and placement scores are ILLUSTRATIVE: spot = on-demand * (1 - discount), where the discount is
0.62, less 0.02 for each generation after the fifth, plus or minus up to 0.10 by pool. Equal seed, equal bytes.
"""
import argparse, datetime, hashlib, json, os, random

NOW = datetime.datetime(2026, 11, 2, 9, 0, tzinfo=datetime.timezone.utc)
REGION, ZONES = "us-east-1", ["us-east-1a", "us-east-1b", "us-east-1c"]

# family: architecture, GiB per vCPU, USD per hour of the size "large" (2 vCPU)
FAMILIES = {
    "m5": ("amd64", 4, 0.096), "m5a": ("amd64", 4, 0.086), "m6i": ("amd64", 4, 0.096), "m6a": ("amd64", 4, 0.0864),
    "m7i": ("amd64", 4, 0.1008), "m7a": ("amd64", 4, 0.11592), "m7i-flex": ("amd64", 4, 0.09576),
    "m6g": ("arm64", 4, 0.077), "m7g": ("arm64", 4, 0.0816),
    "c5": ("amd64", 2, 0.085), "c5a": ("amd64", 2, 0.077), "c6i": ("amd64", 2, 0.085), "c6a": ("amd64", 2, 0.0765),
    "c7i": ("amd64", 2, 0.08925), "c7g": ("arm64", 2, 0.0725),
    "r5": ("amd64", 8, 0.126), "r5a": ("amd64", 8, 0.113), "r6i": ("amd64", 8, 0.126), "r6a": ("amd64", 8, 0.1134),
    "r7i": ("amd64", 8, 0.1323),
}
SIZES = {"large": (2, 29), "xlarge": (4, 58), "2xlarge": (8, 58), "4xlarge": (16, 234)}  # vCPU, pods
OTHERS = [  # name, vCPU, GiB, pods, USD per hour, (GPU label, GPUs)
    ("t3.large", 2, 8, 35, 0.0832, None), ("t3.xlarge", 4, 16, 58, 0.1664, None),
    ("g4dn.xlarge", 4, 16, 29, 0.526, ("t4", 1)), ("g4dn.2xlarge", 8, 32, 29, 0.752, ("t4", 1)),
    ("g5.xlarge", 4, 16, 58, 1.006, ("a10g", 1)), ("g6.xlarge", 4, 16, 58, 0.8048, ("l4", 1)),
]


def share(*words):
    """A number in 0..1 that depends on the words alone."""
    return int(hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:12], 16) / 16**12


def stamp(hours_ago):
    return (NOW - datetime.timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def instance_types():
    rows = []
    for family, (arch, ratio, price) in FAMILIES.items():
        for size, (cpu, pods) in SIZES.items():
            rows.append((f"{family}.{size}", arch, cpu, cpu * ratio, pods, round(price * cpu / 2, 5), None))
    rows += [(n, "amd64", cpu, gib, pods, price, gpu) for n, cpu, gib, pods, price, gpu in OTHERS]
    types = {}
    for name, arch, cpu, gib, pods, price, gpu in rows:
        reserved = 60 + 10 * (cpu >= 2) + 5 * min(max(cpu - 2, 0), 2) + 2.5 * max(cpu - 4, 0)  # the kubelet's, milli-CPU
        held = 355 + 11 * pods + round(gib * 1024 * 0.03)  # kubelet, eviction threshold, and the hypervisor's 3 %
        types[name] = dict(arch=arch, cpu=cpu, mib=gib * 1024, pods=pods, price=price, gpu=gpu, off_cpu=int(reserved), off_mib=held)
    return types


def spot_price(seed, name, kind, zone):
    generation = next((int(c) for c in name if c.isdigit()), 5)
    discount = 0.62 - 0.02 * max(0, generation - 5) + 0.10 * (2 * share(seed, "price", name, zone) - 1)
    return round(kind["price"] * (1 - discount), 4)


def catalog(seed, types):
    rows, pools = [], []
    for name, k in types.items():
        capacity = {"cpu": str(k["cpu"]), "memory": f"{k['mib']}Mi", "pods": str(k["pods"])}
        labels = {}
        if k["gpu"]:
            capacity["nvidia.com/gpu"] = str(k["gpu"][1])
            labels["karpenter.k8s.aws/instance-gpu-name"] = k["gpu"][0]
        rows.append(dict(name=name, arch=k["arch"], capacity=capacity, labels=labels,
                         overhead={"cpu": f"{k['off_cpu']}m", "memory": f"{k['off_mib']}Mi"}))
        bucket = int(share(seed, "bucket", name) ** 1.6 * 5)
        for zone in ZONES:
            score = 9 - bucket + (share(seed, "score", name, zone) > 0.6) - (share(seed, "low", name, zone) > 0.8)
            pools.append({"id": f"{name}/{zone}/spot", "instance_type": name, "zone": zone, "purchase": "spot",
                          "usd_per_hour": spot_price(seed, name, k, zone), "advisor_bucket": bucket, "placement_score": score})
            pools.append({"id": f"{name}/{zone}/on-demand", "instance_type": name, "zone": zone, "purchase": "on-demand",
                          "usd_per_hour": k["price"]})
    return {"apiVersion": "spotopt/v1", "kind": "Catalog", "region": REGION, "currency": "USD", "as_of": stamp(0),
            "placement_score_max": 10, "note": "spot prices, buckets and scores are illustrative: see make_sample.py",
            "instance_types": rows, "pools": pools}


# --- the cluster ------------------------------------------------------------------------------------------------

ON_DEMAND = {"karpenter.sh/capacity-type": "on-demand"}
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}


def app(ns, name, once, now, cpu, memory, group="general", **more):
    """A workload: `once` replicas when the fleet grew, `now` replicas today."""
    return dict(ns=ns, name=name, once=once, now=now, cpu=cpu, memory=memory, group=group, kind="Deployment", **more)


WORKLOADS = [
    app("platform", "ingress-nginx", 4, 4, "500m", "768Mi", apart=True, priority="business-critical"),
    app("platform", "vault", 3, 3, "500m", "1Gi", select=ON_DEMAND, apart=True, priority="business-critical"),
    app("platform", "argocd", 2, 2, "300m", "1Gi"),
    app("platform", "cert-manager", 1, 1, "100m", "256Mi"),
    app("shop", "web", 30, 18, "750m", "1Gi", zones=1, grace=20),
    app("shop", "cart", 16, 9, "500m", "1536Mi", zones=1),
    app("shop", "catalog", 14, 9, "1", "2Gi"),
    app("shop", "checkout", 12, 8, "1", "1500M", zones=1, priority="business-critical"),
    app("shop", "pricing", 10, 6, "600m", "1Gi"),
    app("shop", "recommend", 12, 8, "1500m", "6Gi", group="memory"),
    app("shop", "images", 10, 6, "1800m", "2Gi", group="compute"),
    app("shop", "session", 8, 6, "250m", "2Gi"),
    app("payments", "api", 9, 6, "1", "2Gi", select=ON_DEMAND, zones=1, priority="business-critical", grace=60),
    app("payments", "ledger", 4, 3, "1500m", "4Gi", select=ON_DEMAND, apart=True, priority="business-critical", grace=60),
    app("payments", "fraud", 8, 5, "2", "6Gi", group="memory"),
    app("payments", "webhooks", 6, 4, "0.25", "512Mi"),
    app("search", "query", 16, 10, "1500m", "5Gi", group="memory", soft_zones=True),
    app("search", "suggest", 8, 5, "500m", "3Gi", group="memory"),
    app("search", "indexer", 8, 5, "3", "5Gi", group="compute"),
    app("mail", "sender", 10, 6, "200m", "256Mi"),
    app("mail", "templates", 4, 3, "200m", "384Mi"),
    app("media", "transcode", 14, 9, "3500m", "5Gi", group="compute", grace=90, priority="batch-low"),
    app("media", "thumbs", 12, 7, "900m", "1Gi", group="compute"),
    app("media", "upload", 6, 4, "500m", "1Gi"),
    app("internal", "wiki", 2, 1, "500m", "1Gi"),
    app("internal", "ci-runner", 12, 7, "2", "4Gi", group="compute", priority="batch-low"),
    app("internal", "grafana", 2, 2, "300m", "768Mi"),
    app("internal", "reports", 6, 4, "400m", "2Gi"),
    app("ml", "inference", 4, 3, "3", "10Gi", group="gpu", gpu=1),
    app("ml", "features", 8, 5, "1", "7Gi", group="memory"),
    app("data", "kafka", 3, 3, "1500m", "6Gi", group="memory", disk=True, apart=True, select=ON_DEMAND, grace=120),
    app("data", "zookeeper", 3, 3, "250m", "1Gi", disk=True, apart=True),
    app("data", "redis", 6, 6, "500m", "4Gi", group="memory", disk=True, soft_apart=True),
    app("data", "postgres", 2, 2, "2", "8Gi", group="memory", disk=True, apart=True, select=ON_DEMAND, grace=120),
    app("data", "elastic", 3, 3, "2", "12Gi", group="memory", disk=True, apart=True, grace=90),
    app("batch", "nightly-report", 8, 6, "1", "2Gi", group="compute", job=True, priority="batch-low"),
    app("ml", "train", 1, 1, "3", "12Gi", group="gpu", gpu=1, job=True, stay=True),
]
WORKLOADS_PENDING = {("shop", "web"): 2}  # an autoscaler asked for them a minute ago
BUDGETS = [  # namespace, name, minAvailable, maxUnavailable
    ("platform", "ingress-nginx", None, 1), ("platform", "vault", 2, None), ("shop", "web", "80%", None), ("shop", "cart", None, "25%"),
    ("shop", "checkout", "75%", None), ("payments", "api", None, 1), ("payments", "ledger", 2, None), ("search", "query", "70%", None),
    ("data", "kafka", None, 1), ("data", "zookeeper", None, 1), ("data", "postgres", 2, None), ("data", "elastic", None, 1),
    ("data", "redis", None, 1), ("media", "transcode", "50%", None),
]
DAEMONS = [("kube-system", "aws-node", "50m", "128Mi", None), ("monitoring", "node-agent", "100m", "192Mi", None),
           ("kube-system", "nvidia-device-plugin", "50m", "64Mi", "gpu")]
GROUPS = {"general": ("m5.2xlarge", "on-demand"), "memory": ("r5.2xlarge", "on-demand"), "compute": ("c5.4xlarge", "on-demand"),
          "gpu": ("g4dn.xlarge", "on-demand"), "tests": ("m5.xlarge", "spot")}
PRIORITIES = {"system-node-critical": 2000001000, "business-critical": 100000, "batch-low": -10}


def milli(text):
    return int(text[:-1]) if text.endswith("m") else round(float(text) * 1000)


def mib(text):
    for suffix, factor in (("Gi", 1024), ("Mi", 1), ("M", 1e6 / 2**20)):
        if text.endswith(suffix):
            return float(text[: -len(suffix)]) * factor
    raise ValueError(text)


def uid(*words):
    h = hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"


def word(*words):
    """The five letters that a controller adds to a pod's name."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(letters[int(share(*words, i) * len(letters))] for i in range(5))


class Fleet:
    """Places pods first-fit and opens a node of the pod's group when nothing has room."""

    def __init__(self, seed, types):
        self.seed, self.types, self.nodes = seed, types, []

    def open(self, group, zone=None):
        name, purchase = GROUPS[group]
        kind = self.types[name]
        mine = sum(1 for n in self.nodes if n["group"] == group)
        zone = zone or ZONES[mine % len(ZONES)]
        index = len(self.nodes)
        octets = f"10-0-{16 * (1 + ZONES.index(zone)) + index % 16}-{10 + int(share(self.seed, 'ip', index) * 240)}"
        node = dict(name=f"ip-{octets}.ec2.internal", type=name, zone=zone, purchase=purchase, group=group, pods=[],
                    cpu=kind["cpu"] * 1000 - kind["off_cpu"], mib=kind["mib"] - kind["off_mib"], slots=kind["pods"],
                    gpus=kind["gpu"][1] if kind["gpu"] else 0, age=24 * 40 - 21 * index, id="i-0" + uid(self.seed, index).replace("-", "")[:16])
        self.nodes.append(node)
        for ns, ds, cpu, memory, only in DAEMONS:
            if only in (None, group):
                self.bind(node, dict(ns=ns, name=ds, cpu=cpu, memory=memory), f"{ds}-{word(self.seed, ds, index)}", daemon=True)
        return node

    def bind(self, node, w, name, **more):
        node["cpu"] -= milli(w["cpu"])
        node["mib"] -= mib(w["memory"])
        node["gpus"] -= w.get("gpu", 0)
        node["slots"] -= 1
        node["pods"].append(dict(w=w, name=name, **more))

    def unbind(self, node, pod):
        node["pods"].remove(pod)
        node["cpu"] += milli(pod["w"]["cpu"])
        node["mib"] += mib(pod["w"]["memory"])
        node["slots"] += 1

    def fits(self, node, w, zone):
        if (node["group"] == "gpu") != bool(w.get("gpu")) or (zone and node["zone"] != zone):
            return False
        if w.get("select") and node["purchase"] != "on-demand":
            return False
        if w.get("apart") and any(p["w"] is w for p in node["pods"]):
            return False
        if w.get("zones"):
            counts = {z: 0 for z in ZONES}
            for n in self.nodes:
                counts[n["zone"]] += sum(1 for p in n["pods"] if p["w"] is w)
            if counts[node["zone"]] + 1 - min(counts.values()) > w["zones"]:
                return False
        return (node["cpu"] >= milli(w["cpu"]) and node["mib"] >= mib(w["memory"]) and node["slots"] > 0
                and node["gpus"] >= w.get("gpu", 0))

    def place(self, w, name, ordinal):
        zone = ZONES[ordinal % 3] if w.get("disk") else None
        # The autoscaler prefers the pod's own group; a pod takes any node that has room, as the scheduler does.
        for node in sorted(self.nodes, key=lambda n: n["group"] != w["group"]):
            if self.fits(node, w, zone):
                return self.bind(node, w, name, ordinal=ordinal)
        for z in [zone] if zone else [None] + ZONES:
            node = self.open(w["group"], z)
            if self.fits(node, w, zone):
                return self.bind(node, w, name, ordinal=ordinal)
            self.nodes.pop()
        raise SystemExit(f"make_sample.py: no node takes {w['ns']}/{name}")


def grow(seed, types):
    rng, fleet = random.Random(seed), Fleet(seed, types)
    for _ in range(3):
        fleet.open("tests")
    arrivals = [(w, i) for w in WORKLOADS for i in range(w["once"])]
    early = {id(w) for w in WORKLOADS if w.get("disk") or w.get("apart")}
    arrivals.sort(key=lambda a: (id(a[0]) not in early, rng.random() + 0.02 * a[1]))
    for w, i in sorted(arrivals, key=lambda a: id(a[0]) not in early):
        fleet.place(w, pod_name(seed, w, i), i)
    # Later: replicas went away, evenly by zone where the workload asks for it, wherever they were otherwise.
    for w in WORKLOADS:
        while sum(p["w"] is w for n in fleet.nodes for p in n["pods"]) > w["now"]:
            held = [(n, p) for n in fleet.nodes for p in n["pods"] if p["w"] is w]
            zones = {z: sum(n["zone"] == z for n, _ in held) for z in ZONES}
            most = max(zones.values())
            fleet.unbind(*rng.choice([h for h in held if not w.get("zones") or zones[h[0]["zone"]] == most]))
    # A node with daemon pods alone was scaled in long ago.
    fleet.nodes = [n for n in fleet.nodes if any(not p.get("daemon") for p in n["pods"])]
    return fleet


def pod_name(seed, w, i):
    if w.get("disk"):
        return f"{w['name']}-{i}"
    if w.get("job"):
        return f"{w['name']}-{word(seed, w['ns'], w['name'], i)}"
    return f"{w['name']}-{template_hash(seed, w)}-{word(seed, w['ns'], w['name'], i)}"


def template_hash(seed, w):
    return uid(seed, "template", w["ns"], w["name"]).replace("-", "")[:10]


def pod_spec(w):
    """The part that a template and its pods share."""
    amounts = {"cpu": w["cpu"], "memory": w["memory"]}
    resources = {"requests": amounts}
    if w.get("gpu"):
        resources = {"requests": dict(amounts, **{"nvidia.com/gpu": str(w["gpu"])}), "limits": {"nvidia.com/gpu": str(w["gpu"])}}
    spec = {"containers": [{"name": "main", "image": f"registry.example.com/{w['ns']}/{w['name']}:1.0", "resources": resources}],
            "terminationGracePeriodSeconds": w.get("grace", 30)}
    own = {"matchLabels": {"app": w["name"]}}
    if w.get("select"):
        spec["nodeSelector"] = w["select"]
    if w.get("gpu"):
        spec["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    term = {"labelSelector": own, "topologyKey": "kubernetes.io/hostname"}
    if w.get("apart"):
        spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    if w.get("soft_apart"):
        spec["affinity"] = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}}
    if w.get("zones") or w.get("soft_zones"):
        spec["topologySpreadConstraints"] = [{"maxSkew": w.get("zones", 1), "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule" if w.get("zones") else "ScheduleAnyway", "labelSelector": own}]
    if w.get("priority"):
        spec["priorityClassName"] = w["priority"]
    return spec


def pod_item(seed, w, name, node, owner, ordinal=0, age=100, pending=False):
    spec = pod_spec(w)
    labels = {"app": w["name"]}
    if owner["kind"] == "ReplicaSet":
        labels["pod-template-hash"] = template_hash(seed, w)
    if w.get("priority"):
        spec["priority"] = PRIORITIES[w["priority"]]
    if w.get("disk"):
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-{name}"}}]
        labels["apps.kubernetes.io/pod-index"] = str(ordinal)
    if owner["kind"] == "DaemonSet":
        spec["tolerations"] = [{"operator": "Exists"}]
    meta = {"name": name, "namespace": w["ns"], "uid": uid(seed, "pod", w["ns"], name), "labels": labels,
            "creationTimestamp": stamp(age), "ownerReferences": [dict(owner, controller=True, blockOwnerDeletion=True)]}
    if w.get("stay"):
        meta["annotations"] = {"karpenter.sh/do-not-disrupt": "true"}
    if pending:
        status = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    else:
        spec["nodeName"] = node
        status = {"phase": "Running", "startTime": stamp(age), "conditions": [{"type": t, "status": "True"} for t in
                  ("PodScheduled", "Initialized", "ContainersReady", "Ready")]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status}


def node_item(types, n):
    k = types[n["type"]]
    labels = {"kubernetes.io/hostname": n["name"], "kubernetes.io/arch": k["arch"], "kubernetes.io/os": "linux",
              "node.kubernetes.io/instance-type": n["type"], "topology.kubernetes.io/region": REGION,
              "topology.kubernetes.io/zone": n["zone"], "karpenter.sh/capacity-type": n["purchase"], "example.com/node-group": n["group"]}
    spec = {"providerID": f"aws:///{n['zone']}/{n['id']}"}
    capacity = {"cpu": str(k["cpu"]), "memory": f"{k['mib'] * 1024}Ki", "pods": str(k["pods"])}
    room = {"cpu": f"{k['cpu'] * 1000 - k['off_cpu']}m", "memory": f"{(k['mib'] - k['off_mib']) * 1024}Ki", "pods": str(k["pods"])}
    if k["gpu"]:
        labels["karpenter.k8s.aws/instance-gpu-name"] = k["gpu"][0]
        capacity["nvidia.com/gpu"] = room["nvidia.com/gpu"] = str(k["gpu"][1])
        spec["taints"] = [GPU_TAINT]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": n["name"], "creationTimestamp": stamp(n["age"]), "labels": labels},
            "spec": spec, "status": {"capacity": capacity, "allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]}}


def owner_of(seed, w):
    kind = "Job" if w.get("job") else "StatefulSet" if w.get("disk") else "ReplicaSet"
    name = w["name"] if kind != "ReplicaSet" else f"{w['name']}-{template_hash(seed, w)}"
    return {"apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind, "name": name, "uid": uid(seed, kind, w["ns"], name)}


def owner_items(seed, w):
    wanted = w["now"] + WORKLOADS_PENDING.get((w["ns"], w["name"]), 0)
    owner = owner_of(seed, w)
    template = {"metadata": {"labels": {"app": w["name"]}}, "spec": pod_spec(w)}
    base = {"namespace": w["ns"], "labels": {"app": w["name"]}, "creationTimestamp": stamp(24 * 60), "generation": 3}
    select = {"matchLabels": {"app": w["name"]}}
    if owner["kind"] == "Job":
        spec = {"parallelism": wanted, "completions": wanted, "selector": select, "template": template}
        return [{"apiVersion": "batch/v1", "kind": "Job", "metadata": dict(base, name=w["name"], uid=owner["uid"]), "spec": spec,
                 "status": {"active": w["now"]}}]
    spec = {"replicas": wanted, "selector": select, "template": template}
    status = {"replicas": wanted, "readyReplicas": w["now"], "observedGeneration": 3}
    if owner["kind"] == "StatefulSet":
        return [{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": dict(base, name=w["name"], uid=owner["uid"]),
                 "spec": dict(spec, serviceName=w["name"]), "status": status}]
    top = {"apiVersion": "apps/v1", "kind": "Deployment", "name": w["name"], "uid": uid(seed, "Deployment", w["ns"], w["name"])}
    labelled = dict(template, metadata={"labels": {"app": w["name"], "pod-template-hash": template_hash(seed, w)}})
    return [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": dict(base, name=w["name"], uid=top["uid"]), "spec": spec, "status": status},
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": dict(base, name=owner["name"], uid=owner["uid"],
             ownerReferences=[dict(top, controller=True, blockOwnerDeletion=True)]), "spec": dict(spec, template=labelled), "status": status}]


def disk_items(seed, w, ordinal):
    claim, volume = f"data-{w['name']}-{ordinal}", f"pvc-{uid(seed, 'pv', w['ns'], w['name'], ordinal)}"
    zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [ZONES[ordinal % 3]]}
    size = {"storage": "100Gi"}
    return [{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": {"capacity": size,
             "accessModes": ["ReadWriteOnce"], "storageClassName": "gp3", "claimRef": {"namespace": w["ns"], "name": claim},
             "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}}}, "status": {"phase": "Bound"}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim, "namespace": w["ns"]},
             "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3", "volumeName": volume, "resources": {"requests": size}},
             "status": {"phase": "Bound"}}]


def budget_item(w, ns, name, least, most):
    def count(value):  # percentages round up, as the disruption controller does
        return -(-w["now"] * int(value[:-1]) // 100) if isinstance(value, str) else value

    wanted = w["now"] + WORKLOADS_PENDING.get((ns, name), 0)
    desired = count(least) if least is not None else wanted - count(most)
    spec = {"selector": {"matchLabels": {"app": name}}}
    spec.update({"minAvailable": least} if least is not None else {"maxUnavailable": most})
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": ns, "generation": 1}, "spec": spec,
            "status": {"observedGeneration": 1, "expectedPods": wanted, "currentHealthy": w["now"], "desiredHealthy": desired,
                       "disruptionsAllowed": max(0, w["now"] - desired)}}


def cluster(seed, types, fleet):
    by_id = {(w["ns"], w["name"]): w for w in WORKLOADS}
    items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns, "labels": {"kubernetes.io/metadata.name": ns}}}
             for ns in sorted({w["ns"] for w in WORKLOADS} | {d[0] for d in DAEMONS})]
    items += [{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": n}, "value": v} for n, v in PRIORITIES.items()]
    items.append({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com",
                  "volumeBindingMode": "WaitForFirstConsumer"})
    items += [node_item(types, n) for n in fleet.nodes]
    for ns, name, cpu, memory, only in DAEMONS:
        w = dict(ns=ns, name=name, cpu=cpu, memory=memory, priority="system-node-critical")
        spec = dict(pod_spec(w), tolerations=[{"operator": "Exists"}])
        if only:
            spec["nodeSelector"] = {"example.com/node-group": only}
        items.append({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name, "namespace": ns, "uid": uid(seed, "DaemonSet", ns, name)},
                      "spec": {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": spec}}})
    for w in WORKLOADS:
        items += owner_items(seed, w)
        if w.get("disk"):
            items += [i for k in range(w["now"]) for i in disk_items(seed, w, k)]
    items += [budget_item(by_id[ns, name], ns, name, least, most) for ns, name, least, most in BUDGETS]
    for n in fleet.nodes:
        for p in n["pods"]:
            w, daemon = p["w"], p.get("daemon")
            owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": w["name"], "uid": uid(seed, "DaemonSet", w["ns"], w["name"])} if daemon else owner_of(seed, w)
            w = dict(w, priority="system-node-critical") if daemon else w
            age = round(min(n["age"], 4 + 200 * share(seed, "age", p["name"])), 2)
            items.append(pod_item(seed, w, p["name"], n["name"], owner, p.get("ordinal", 0), age))
    for (ns, name), count in WORKLOADS_PENDING.items():
        w = by_id[ns, name]
        items += [pod_item(seed, w, pod_name(seed, w, 900 + i), None, owner_of(seed, w), age=0.02, pending=True) for i in range(count)]
    return {"apiVersion": "v1", "kind": "List", "items": items}


# --- the rest ---------------------------------------------------------------------------------------------------


def policy():
    return {"apiVersion": "spotopt/v1", "kind": "Policy",
            "interruption": {"cost_usd": 0.5, "horizon_hours": 24},
            "spot": {"enabled": True, "on_demand_base": 0, "on_demand_frac": 0.0},
            "diversify": [{"key": "pool", "max_frac": 0.4}, {"key": "zone", "max_frac": 0.6}],
            "allow": {"arch": ["amd64"], "exclude": ["t3.*"]},
            "quotas": [{"family": "standard", "purchase": "spot", "max_vcpu": 640}],
            "change": {"move_usd": 0.01, "horizon_hours": 4},
            "solver": {"gap_rel": 0.01, "deadline_s": 10, "seed": 1}}


def history(seed, types):
    """Three days of four nodes held in a few spot pools: most are quiet, one type is not."""
    rows, now = ["pool,region,zone,instance_type,time_s,nodes_up"], int(NOW.timestamp())
    for name in ("m5.xlarge", "m5.2xlarge", "m6i.2xlarge", "c5.4xlarge", "c6i.4xlarge", "r5.2xlarge"):
        for zone in ZONES:
            rng, at, up = random.Random(f"{seed}/{name}/{zone}"), now - 72 * 3600, 4
            quiet = 60000 if name == "m5.xlarge" else 500000  # seconds between losses
            while at < now:
                rows.append(f"{name}/{zone}/spot,{REGION},{zone},{name},{at},{up}")
                at += int(rng.expovariate(1 / (quiet if up == 4 else 5000))) + 300
                up = 4 if up < 4 else rng.choice([3, 3, 2])
    return "\n".join(rows) + "\n"


def month(seed):
    """Four weeks of one node held in six pools, made up: a zone is short of capacity for hours at a time, and losses come in runs then."""
    rows, now, days = ["pool,region,zone,instance_type,time_s,nodes_up"], int(NOW.timestamp()), 28
    for z, zone in enumerate(ZONES):
        rng, at, short = random.Random(f"{seed}/short/{zone}"), now - days * 86400, []
        while at < now:
            at += int(rng.expovariate(1 / (86400 * (1 + z)))) + 3600
            short.append((at, at + int(rng.expovariate(1 / 28800)) + 3600))
            at = short[-1][1]
        for name, often in (("m5.xlarge", 2.0), ("r5.2xlarge", 0.6)):
            rng, at, up = random.Random(f"{seed}/month/{name}/{zone}"), now - days * 86400, 1
            rows.append(f"{name}/{zone}/spot,{REGION},{zone},{name},{at},{up}")
            while at + 900 < now:
                at += 900
                rate = often * (0.12 if any(a <= at < b for a, b in short) else 0.004)
                turn = rng.random() < (rate if up else 0.7)
                if turn:
                    up = 1 - up
                if turn or at % 21600 == 0:  # still there: seen every six hours
                    rows.append(f"{name}/{zone}/spot,{REGION},{zone},{name},{at},{up}")
    return "\n".join(rows) + "\n"


def problem(types):
    pools = []
    for name in ("m5.xlarge", "c5.2xlarge", "r5.xlarge"):
        k = types[name]
        for zone in "abc":
            for purchase, price in (("spot", round(k["price"] * 0.38, 4)), ("on-demand", k["price"])):
                pools.append({"id": f"{name}/{zone}/{purchase}", "capacity": [k["cpu"] * 1000 - k["off_cpu"], k["mib"] - k["off_mib"]],
                              "cost": price, "labels": {"zone": zone, "purchase": purchase, "family": name.split(".")[0]}})
    steady = [p["id"] for p in pools if p["id"].endswith("on-demand")]
    return {"apiVersion": "spotopt/v1", "kind": "PackingProblem", "resources": ["cpu_milli", "memory_mib"], "pools": pools,
            "demands": [{"id": "web", "request": [750, 1024], "count": 18}, {"id": "api", "request": [1000, 2048], "count": 9},
                        {"id": "cache", "request": [500, 6144], "count": 6}, {"id": "worker", "request": [1800, 2048], "count": 10},
                        {"id": "db", "request": [2000, 8192], "count": 2, "pools": steady}],
            "rules": [{"rule": "spread", "demands": ["web"], "per": "zone", "max_skew": 1},
                      {"rule": "at_most", "demands": ["db"], "per": "node", "count": 1},
                      {"rule": "separate", "demands": ["worker"], "from": ["db"], "per": "node"},
                      {"rule": "share", "key": "zone", "of": "nodes", "max_frac": 0.6}]}


def write(folder, name, data):
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as out:
        out.write(data)


def lines(document, *lists):
    """JSON with one list item a line, so that differences stay readable."""
    head = {k: v for k, v in document.items() if k not in lists}
    text = json.dumps(head, separators=(",", ":"))[:-1]
    for key in lists:
        text += f',\n"{key}":[\n' + ",\n".join(json.dumps(i, separators=(",", ":")) for i in document[key]) + "\n]"
    return text + "}\n"


def demand():
    """Replicas of three workloads over the days of the history, more by day than by night: a row where a count changes."""
    rows = ["time_s,demand,count,cpu_milli,memory_mib"]
    shapes = {"web": (750, 1024, 12, 30), "recommend": (1500, 6144, 8, 12), "transcode": (3500, 5120, 4, 9)}
    start, last = int(NOW.timestamp()) - 72 * 3600, {}
    for hour in range(72):
        for name, (cpu, memory, night, day) in shapes.items():
            # Noon is 9 hours after the history begins; transcoding is done at night.
            light = max(0.0, 1 - abs((hour + 9) % 24 - 14) / 8)
            count = round(night + (day - night) * (1 - light if name == "transcode" else light))
            if last.get(name) != count:
                rows.append(f"{start + 3600 * hour},{name},{count},{cpu},{memory}")
                last[name] = count
    return "\n".join(rows) + "\n"


def prices(seed, types, seen):
    """Spot prices of the history's pools every eight hours, around the catalog's, which they end at. ILLUSTRATIVE."""
    rows, now = ["pool,time_s,usd_per_hour"], int(NOW.timestamp())
    for pool in dict.fromkeys(line.split(",")[0] for line in seen.splitlines()[1:]):
        name, zone, _ = pool.split("/")
        price = spot_price(seed, name, types[name], zone)
        for ago in range(72, -1, -8):
            drift = 0 if ago == 0 else 0.2 * (2 * share(seed, "drift", pool, ago) - 1)
            rows.append(f"{pool},{now - 3600 * ago},{price * (1 + drift):.4f}")
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    types = instance_types()
    fleet = grow(args.seed, types)
    write(args.out, "cluster.json", lines(cluster(args.seed, types, fleet), "items"))
    write(args.out, "catalog.json", lines(catalog(args.seed, types), "instance_types", "pools"))
    write(args.out, "policy.json", json.dumps(policy(), indent=2) + "\n")
    seen = history(args.seed, types)
    write(args.out, "history.csv", seen)
    write(args.out, "history_month.csv", month(args.seed))
    write(args.out, "demand.csv", demand())
    write(args.out, "prices.csv", prices(args.seed, types, seen))
    write(args.out, "problem.json", lines(problem(types), "pools", "demands", "rules"))


if __name__ == "__main__":
    main()
