#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/events.jsonl and data/inventory.json: two weeks of a made-up fleet, the same on every machine.

Two clients, three clusters, two of them mostly on spot. Prices wander, nodes are interrupted and replaced, components of
the pipeline write logs and one of them fails for a while; one cluster is held on on-demand during a release. The account
has a few things that nobody accounts for.
"""
import json
import pathlib
import random

data = pathlib.Path(__file__).parent / "data"
rng = random.Random(20261102)
NOW = 1793610000000  # 2026-11-02T09:00:00Z
HOUR, DAY = 3600_000, 86400_000
BEGIN = NOW - 14 * DAY

TYPES = {"m5.xlarge": (4, 0.192), "c5.2xlarge": (8, 0.34), "r5.xlarge": (4, 0.252)}
ZONES = ["us-east-1a", "us-east-1b"]
CLUSTERS = {"shop": ("acme", 10, 0.9), "search": ("acme", 7, 0.7), "lab": ("globex", 5, 0.4)}
rows, price, running = [], {}, {}
serial = iter(range(1, 100000))


def row(time_ms, type, **fields):
    rows.append({"time_ms": int(time_ms), "type": type, **fields})


def spot_pool():
    return "%s/%s/spot" % (rng.choice(list(TYPES)), rng.choice(ZONES))


def start(time_ms, cluster, pool, **more):
    vcpu, on_demand = TYPES[pool.split("/")[0]]
    instance = "i-%06d" % next(serial)
    paid = price[pool] if pool.endswith("/spot") else on_demand
    row(time_ms, "start", instance=instance, pool=pool, cluster=cluster, client=CLUSTERS[cluster][0],
        usd_per_hour=round(paid, 4), on_demand_usd_per_hour=on_demand, vcpu=vcpu, **more)
    running.setdefault(cluster, {})[instance] = pool
    return instance


def stop(time_ms, cluster, instance, cause, **more):
    row(time_ms, "stop", instance=instance, cause=cause, **more)
    return running[cluster].pop(instance)


def move(time_ms, cluster, instance, to_pool, reason):
    from_pool = running[cluster][instance]
    alternates = [p for p in sorted({spot_pool() for _ in range(9)}) if p != to_pool][:5]
    about = dict(id="s-%d" % next(serial), instance=instance, from_pool=from_pool, to_pool=to_pool, cluster=cluster,
                 reason=reason)
    row(time_ms, "switch", state="proposed", alternates=alternates, **about)
    if reason == "saving" and rng.random() < 0.25:
        return  # nobody accepted it
    row(time_ms + 20_000, "switch", state="accepted", **about)
    if rng.random() < 0.05:
        row(time_ms + 200_000, "switch", state="failed", **about)
        return
    start(time_ms + 60_000, cluster, to_pool, replaces=instance)
    row(time_ms + 300_000, "switch", state="executed", **about)
    if reason == "notice":
        stop(time_ms + 120_000, cluster, instance, "interrupted", lost_usd=round(rng.uniform(0, 0.4), 2), lost_hours=0.2)
    else:
        stop(time_ms + 300_000, cluster, instance, "drained")


for name, (_, on_demand) in TYPES.items():
    for zone in ZONES:
        price["%s/%s/spot" % (name, zone)] = on_demand * rng.uniform(0.28, 0.42)
for cluster, (client, nodes, spot) in CLUSTERS.items():
    for k in range(nodes):
        kind = rng.choice(list(TYPES))
        start(BEGIN, cluster, spot_pool() if k < spot * nodes else "%s/%s/on-demand" % (kind, rng.choice(ZONES)))

for step in range(14 * 24):
    t = BEGIN + step * HOUR
    if step % 12 == 0:
        for pool in sorted(price):
            price[pool] *= rng.uniform(0.96, 1.045)
            row(t + 1000, "price", pool=pool, usd_per_hour=round(price[pool], 4))
    if step % 6 == 0:
        for cluster, (client, nodes, spot) in CLUSTERS.items():
            ode = sum(TYPES[p.split("/")[0]][1] for p in running[cluster].values()) * rng.uniform(0.94, 1.0)
            row(t, "demand", cluster=cluster, ode_usd_per_hour=round(ode, 4), bound_usd_per_hour=round(0.29 * ode, 4))
    for cluster in CLUSTERS:
        for instance, pool in sorted(running[cluster].items()):
            if pool.endswith("/spot") and rng.random() < (0.004 if step < 14 * 24 - 20 else 0.012):
                at = t + rng.randrange(HOUR // 2)
                row(at - 600_000, "notice", kind="rebalance", instance=instance, pool=pool, cluster=cluster, source="sqs")
                row(at, "notice", kind="termination", instance=instance, pool=pool, cluster=cluster, source="imds")
                move(at + 5_000, cluster, instance, spot_pool(), "notice")
        if rng.random() < 0.03:
            move(t + HOUR // 2, cluster, rng.choice(sorted(running[cluster])), spot_pool(), "saving")

for k, instance in enumerate(sorted(i for i, p in running["search"].items() if p.endswith("/spot"))[:4]):
    move(NOW - 100 * 60_000 + k * 60_000, "search", instance, running["search"][instance].replace("/spot", "/on-demand"),
         "override")
row(NOW - 40 * 60_000, "notice", kind="rebalance", instance=sorted(running["shop"])[0],
    pool=running["shop"][sorted(running["shop"])[0]], cluster="shop", source="imds")
for cluster in CLUSTERS:
    for instance in sorted(running[cluster]):
        for k in range(4):
            row(NOW - (4 - k) * HOUR // 4, "metrics", instance=instance, latency_ms=round(rng.uniform(20, 90), 1),
                throughput_rps=rng.randrange(300, 900), error_frac=round(rng.uniform(0, 0.004), 4),
                cpu_free_frac=round(rng.uniform(0.2, 0.6), 2), memory_free_frac=round(rng.uniform(0.2, 0.5), 2))

row(NOW - 3 * DAY, "override", id="o-1", scope="cluster", target="lab", from_ms=NOW - 3 * DAY, until_ms=NOW - 2 * DAY,
    author="mia", reason="quarter end", state="set")
row(NOW - 2 * HOUR, "override", id="o-2", scope="cluster", target="search", from_ms=NOW - 2 * HOUR,
    until_ms=NOW + 4 * HOUR, author="jo", reason="release 4.2", state="set")
row(NOW - 10 * DAY, "override", id="o-3", scope="all", from_ms=NOW - 10 * DAY, author="jo", reason="fire drill",
    state="set")
row(NOW - 10 * DAY + 20 * 60_000, "override", id="o-3", author="jo", reason="drill over", state="lifted")
for name, least, most in (("notices", 2, 9), ("prices", 40, 160), ("planner", 300, 900), ("mover", 20, 60)):
    for k in range(48):
        at = NOW - 24 * HOUR + k * HOUR // 2
        bad = name == "prices" and 30 <= k < 34
        row(at, "health", component=name, state="down" if bad else "degraded" if name == "planner" and k == 47 else "up",
            latency_ms=round(rng.uniform(least, most), 1))
        if k % 4 == 0 or bad:
            row(at + 100, "log", component=name, level="error" if bad else "info",
                text="connection refused, next try in 60 s" if bad else "%d items in %d ms" % (rng.randrange(5, 90), least))
row(NOW - 1800_000, "log", component="planner", level="warning", text="the solver met its deadline, gap 1.8 %")
row(NOW - DAY, "cleanup", item="vol-0b17", state="flagged", author="spotopt", reason="not attached for 90 days")
row(NOW - DAY // 2, "cleanup", item="vol-0b17", state="approved", author="mia")

rows.sort(key=lambda r: r["time_ms"])
(data / "events.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")


def days_ago(days):
    import datetime
    return (datetime.datetime(2026, 11, 2, 9) - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def tags(**pairs):
    return [{"Key": key.replace("__", "/"), "Value": value} for key, value in pairs.items()]


inventory = {
    "apiVersion": "spotopt/v1", "kind": "Inventory",
    "clients": [{"id": "acme"}, {"id": "globex"}],
    "clusters": [{"id": c, "client": CLUSTERS[c][0]} for c in CLUSTERS],
    "instances": [{"InstanceId": i, "InstanceType": p.split("/")[0], "ImageId": "ami-node", "LaunchTime": days_ago(3),
                   "State": {"Name": "running"}, "Tags": tags(**{"kubernetes.io__cluster__" + c: "owned"})}
                  for c in CLUSTERS for i, p in sorted(running[c].items())] + [
        {"InstanceId": "i-lonely1", "InstanceType": "p3.2xlarge", "ImageId": "ami-old", "LaunchTime": days_ago(41),
         "State": {"Name": "running"}, "usd_per_hour": 3.06, "Tags": tags(Name="try-this")},
        {"InstanceId": "i-lonely2", "InstanceType": "m5.large", "ImageId": "ami-node", "LaunchTime": days_ago(90),
         "State": {"Name": "running"}, "usd_per_hour": 0.096, "Tags": tags(**{"eks:cluster-name": "demo-2024"})},
        {"InstanceId": "i-bastion", "InstanceType": "t3.micro", "ImageId": "ami-node", "LaunchTime": days_ago(400),
         "State": {"Name": "running"}, "usd_per_hour": 0.0104, "Tags": tags(Owner="platform")}],
    "volumes": [
        {"VolumeId": "vol-0b17", "VolumeType": "gp3", "Size": 500, "State": "available", "CreateTime": days_ago(200),
         "Attachments": [], "Tags": tags(**{"kubernetes.io__created-for__pvc__name": "data-db-0"})},
        {"VolumeId": "vol-0c22", "VolumeType": "gp2", "Size": 80, "State": "available", "CreateTime": days_ago(35),
         "Attachments": []},
        {"VolumeId": "vol-0d01", "VolumeType": "gp3", "Size": 100, "State": "in-use", "CreateTime": days_ago(60),
         "Attachments": [{"InstanceId": "i-bastion"}]},
        {"VolumeId": "vol-0e99", "VolumeType": "gp3", "Size": 20, "State": "available", "CreateTime": days_ago(2),
         "Attachments": []}],
    "snapshots": [
        {"SnapshotId": "snap-1", "VolumeId": "vol-0b17", "VolumeSize": 500, "StartTime": days_ago(120)},
        {"SnapshotId": "snap-2", "VolumeId": "vol-gone", "VolumeSize": 40, "StartTime": days_ago(300)},
        {"SnapshotId": "snap-3", "VolumeId": "vol-0d01", "VolumeSize": 100, "StartTime": days_ago(20),
         "Tags": tags(**{"aws:backup:source-resource": "vol-0d01"})},
        {"SnapshotId": "snap-node", "VolumeId": "vol-x", "VolumeSize": 20, "StartTime": days_ago(90)},
        {"SnapshotId": "snap-old", "VolumeId": "vol-y", "VolumeSize": 30, "StartTime": days_ago(500)}],
    "images": [
        {"ImageId": "ami-node", "Name": "node-2026-08", "CreationDate": days_ago(90),
         "BlockDeviceMappings": [{"Ebs": {"SnapshotId": "snap-node"}}]},
        {"ImageId": "ami-2025", "Name": "node-2025-06", "CreationDate": days_ago(500),
         "BlockDeviceMappings": [{"Ebs": {"SnapshotId": "snap-old"}}]}],
    "launch_templates": [{"LaunchTemplateId": "lt-1", "LaunchTemplateData": {"ImageId": "ami-node"}}],
}
(data / "inventory.json").write_text(json.dumps(inventory, indent=1) + "\n", encoding="utf-8")
