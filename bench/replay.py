#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Policies tried on the past, and how long a year of it takes: replay.py SPOTOPT SHARED [--year] [--days N]

Without flags, on a public capacity trace (SHARED/data/traces, six zones, p3.2xlarge, constant prices of 0.918 USD/h spot and
3.06 on-demand, six replicas of one GPU each): a risk model is fitted on days 1 to 17 and calibrated to day 22; every built-in
policy is replayed on the days after, with the shipped policy's terms and several costs of an interruption. "closed" is the
part of the gap between the best simple policy (on-demand, cheapest, one-per-zone, last-day) and the oracle that the hazard
policy closes in cost + C_int * interruptions + moves. Without the data nothing is run, and the exit status is 77.

--year times a year at 15-minute steps over 900 pools and 20 demands, all six policies with a model, on a made-up past
(equal seed, equal bytes): processor seconds of one run, run twice, and whether the two documents are the same.
"""
import argparse
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile

DAY = 86400
SIMPLE = ("on-demand", "cheapest", "one-per-zone", "last-day")
ZONES = ("us-east-1a", "us-east-1c", "us-east-1d", "us-east-2a", "us-west-2a", "us-west-2b")


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("%s: exit status %d\n%s" % (" ".join(map(str, command[:3])), done.returncode, done.stderr))
    return done.stdout


def write(path, text):
    with open(path, "w") as out:
        out.write(text)
    return path


def on_trace(spotopt, shared, folder):
    data = os.path.join(shared, "data", "traces")
    tool = os.path.join(shared, "tools", "risk_history.py")
    if not os.path.exists(os.path.join(data, "trace_runs.csv.gz")) or not os.path.exists(tool):
        print("skipped: no trace in " + data)
        sys.exit(77)
    history = write(os.path.join(folder, "history.csv"), run(sys.executable, tool, data, "avail-aws-02-15-2023"))
    catalog = write(os.path.join(folder, "catalog.csv"), "region,az_id,instance_type,arch,vcpu,memory_mib,gpu_count,"
                    "alloc_cpu_milli,alloc_memory_mib,max_pods,on_demand_usd_per_hour,spot_usd_per_hour\n" +
                    "".join("%s,%s,p3.2xlarge,amd64,8,62464,1,7910,58000,58,3.06,0.918\n" % (z[:-1], z) for z in ZONES))
    demand = write(os.path.join(folder, "demand.csv"), "time_s,demand,count,cpu_milli,memory_mib,gpu\n0,train,6,4000,30000,1\n")
    for fit, to in (((0, 8, 11), 22), ((0, 17, 22), None)):
        model = os.path.join(folder, "model.json")
        run(spotopt, "risk", "fit", "--history", history, "--from", 0, "--to", fit[1] * DAY, "--calibrate-to", fit[2] * DAY,
            "--availability", "-o", "json", "--output-file", model)
        print("\nDays %d to %s, model fitted on days 0-%d, calibrated to day %d" % (fit[2], to or "30.3", fit[1], fit[2]))
        print("| C_int | policy | paid | interruptions | lost h | moves | together | against last-day, 95 % |\n|" + " --- |" * 8)
        for cost in (0.25, 0.5, 1, 2, 5, 10):
            terms = write(os.path.join(folder, "terms.json"), json.dumps({"kind": "Policy", "interruption": {"cost_usd": cost}}))
            doc = json.loads(run(spotopt, "replay", "--catalog", catalog, "--history", history, "--demand", demand, "--terms",
                                 terms, "--model", model, "--step", 195, "--from", fit[2] * DAY, "-o", "json",
                                 *(("--to", to * DAY) if to else ())))
            by = {p["policy"]: p for p in doc["policies"]}
            for name, p in by.items():
                c = [c for c in doc["comparisons"] if (c["policy"], c["against"]) == (name, "last-day")]
                interval = "%+.2f (%+.2f to %+.2f)" % (c[0]["objective_usd"]["difference"],
                                                       *c[0]["objective_usd"]["interval"]) if c else ""
                print("| %g | %s | %.2f | %d | %.2f | %d | %.2f | %s |" % (
                    cost, name, p["cost_usd"], p["interruptions"], p["lost_replica_hours"], p["moves"], p["objective_usd"],
                    interval))
            best = min(SIMPLE, key=lambda name: by[name]["objective_usd"])
            gap = by[best]["objective_usd"] - by["oracle"]["objective_usd"]
            closed = (by[best]["objective_usd"] - by["hazard"]["objective_usd"]) / gap
            print("| %g | | | | | | best simple: %s | **closed %.0f %%** of %.2f; oracle optimal: %s |" % (
                cost, best, 100 * closed, gap, by["oracle"]["is_optimal"]))


def make_year(folder, days, pools, demands, seed=1):
    """Types of two to sixteen cores in sixty zones; spells of calm and of trouble; prices that drift; counts by the hour."""
    rng = random.Random(seed)
    sizes = (("large", 2), ("xlarge", 4), ("2xlarge", 8), ("4xlarge", 16))
    catalog, history, prices = [], [], []
    for pool in range(pools):
        size, cores = sizes[pool % 4]
        family = "mcr"[pool // 4 % 3] + str(5 + pool // 12 % 3)
        zone = "r%d-z%d" % (pool // 36 % 5, pool // 180)
        price, spot = 0.048 * cores, 0.048 * cores * rng.uniform(0.25, 0.5)
        name = "%s.%s" % (family, size)
        catalog.append("%s,%s,%s,amd64,%d,%d,58,%.4f,%.5f" % (zone.split("-")[0], zone, name, 950 * cores, 3600 * cores,
                                                             price, spot))
        t = 0.0
        while t < days * DAY:
            prices.append("%s/%s/spot,%d,%.5f" % (name, zone, t, spot))
            spot = min(price, max(0.1 * price, spot * rng.uniform(0.96, 1.04)))
            t += rng.expovariate(1 / (2.0 * DAY)) + 60
        t, up, trouble = 0.0, 1, rng.random() < 0.2
        while t < days * DAY:
            history.append("h%d,%s,%s,%s,%d,%d" % (pool, zone.split("-")[0], zone, name, t, up))
            trouble = trouble ^ (rng.random() < 0.2)
            hours = rng.expovariate(1 / (2.0 if trouble else 60.0)) if up else rng.expovariate(1 / (1.0 if trouble else 0.3))
            t, up = t + 60 + 3600 * hours, 1 - up
        history.append("h%d,%s,%s,%s,%d," % (pool, zone.split("-")[0], zone, name, days * DAY))
    demand = []
    for d in range(demands):
        base = rng.randrange(4, 60)
        for hour in range(0, 24 * days, 3):
            count = max(1, round(base * (1 + 0.3 * ((hour % 24) in range(8, 20)) + rng.uniform(-0.05, 0.05))))
            demand.append("%d,d%d,%d,%d,%d" % (hour * 3600, d, count, 250 + 250 * (d % 8), 512 + 512 * (d % 6)))
    return (write(os.path.join(folder, "c.csv"), "region,az_id,instance_type,arch,alloc_cpu_milli,alloc_memory_mib,max_pods,"
                  "on_demand_usd_per_hour,spot_usd_per_hour\n" + "\n".join(catalog) + "\n"),
            write(os.path.join(folder, "h.csv"), "pool,region,zone,instance_type,time_s,nodes_up\n" + "\n".join(history) + "\n"),
            write(os.path.join(folder, "p.csv"), "pool,time_s,usd_per_hour\n" + "\n".join(prices) + "\n"),
            write(os.path.join(folder, "d.csv"), "time_s,demand,count,cpu_milli,memory_mib\n" + "\n".join(demand) + "\n"))


def year(spotopt, folder, days):
    catalog, history, prices, demand = make_year(folder, days + 40, 900, 20)
    model = os.path.join(folder, "model.json")
    run(spotopt, "risk", "fit", "--history", history, "--from", 0, "--to", 30 * DAY, "--calibrate-to", 40 * DAY, "-o", "json",
        "--output-file", model)
    hashes, times = [], []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = run(spotopt, "replay", "--catalog", catalog, "--history", history, "--prices", prices, "--demand", demand,
                   "--model", model, "--from", 40 * DAY, "-o", "json")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        hashes.append(hashlib.sha256(text.encode()).hexdigest())
    doc = json.loads(text)
    print("%d steps, %d pools, %d demands, %d policies: %s s of processor time, at most %.0f MiB, %s bytes" % (
        doc["steps"], doc["pools"]["watched"], len(doc["policies"][0]["demands"]), len(doc["policies"]),
        " and ".join("%.1f" % t for t in times), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "the same" if hashes[0] == hashes[1] else "OTHER"))
    for p in doc["policies"]:
        print("  %-13s paid %12.2f  together %12.2f  interruptions %7d  moves %7d  lost h %9.1f" % (
            p["policy"], p["cost_usd"], p["objective_usd"], p["interruptions"], p["moves"], p["lost_replica_hours"]))
    return 0 if hashes[0] == hashes[1] else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spotopt")
    parser.add_argument("shared")
    parser.add_argument("--year", action="store_true")
    parser.add_argument("--days", type=int, default=365, help="of --year")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.year:
            return year(args.spotopt, folder, args.days)
        on_trace(args.spotopt, args.shared, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
