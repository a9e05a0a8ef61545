#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad inputs of every kind against the command: bad_inputs.py SPOTOPT SMALL

Each must end within a second (a hundred megabytes: five), with the exit status that docs promise, a message that names
the document and the place, nothing on standard output beside an answer, and the output file as it was.
"""
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time

SPOTOPT, SMALL = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SANITIZED = "asan" in SPOTOPT or os.environ.get("SPOTOPT_SLOW_BUILD")
SECONDS = 10.0 if SANITIZED else 1.0
NOW = ["--now", "1793600000"]
BAD = 3


def small(name):
    with open(os.path.join(SMALL, name), encoding="utf-8") as file:
        return file.read()


CLUSTER, CATALOG, POLICY = small("cluster.json"), small("catalog.json"), small("policy.json")
HISTORY, METRICS, PROBLEM = small("history.csv"), small("metrics.json"), small("problem.json")
CSV = ("region,zone,instance_type,arch,vcpu,memory_mib,on_demand_usd_per_hour,spot_usd_per_hour\n"
       "r-1,z-a,m5.large,amd64,2,8192,0.096,0.035\n")
NAMES = {"cluster": "cluster.json", "catalog": "catalog.json", "policy": "policy.json", "history": "history.csv",
         "metrics": "metrics.json"}


def changed(text, *path_and_value):
    """The document with one value put at a path (None at its end takes the key away)."""
    document = json.loads(text)
    at = document
    for key in path_and_value[:-2]:
        at = at[key]
    if path_and_value[-1] is None:
        at.pop(path_and_value[-2])
    else:
        at[path_and_value[-2]] = path_and_value[-1]
    return json.dumps(document)


def swap(text, old, new):
    assert old in text, old
    return text.replace(old, new, 1)


class Case:
    """A document of a verb in place of the good one."""

    def __init__(self, what, name, content, says, status=BAD, file=None, extra=()):
        self.what, self.name, self.content, self.says, self.status = what, name, content, says, status
        self.file, self.extra = file, list(extra)


def document_cases(name, good, file):
    """What is wrong with any JSON document."""
    whole = good.encode()
    return [
        Case("an empty file", name, b"", name),
        Case("cut short", name, whole[:len(whole) // 2], name),
        Case("cut at the last bracket", name, whole.rstrip()[:-1], name),
        Case("text after the end", name, whole + b"{}", name),
        Case("UTF-16", name, good.encode("utf-16"), name),
        Case("invalid UTF-8", name, whole.replace(b'"kind"', b'"ki\xffnd"', 1), name),
        Case("a zero byte", name, whole[:40] + b"\0" + whole[40:], name),
        Case("\\u0000 in a text", name, swap(good, '"kind":"', '"x\\u0000":1,"kind":"').encode(), name),
        Case("a list", name, b"[]", name),
        Case("a number", name, b"7", name),
        Case("another kind", name, b'{"apiVersion":"spotopt/v1","kind":"Nothing"}', name),
        Case("a key twice", name, swap(good, "{", '{"kind":"x",').encode(), name),
        Case("nesting without end", name, b'{"a":' + b"[" * 100000, name),
        Case("a hexadecimal number", name, swap(good, "{", '{"a":0x10,').encode(), name),
        Case("a leading zero", name, swap(good, "{", '{"a":01,').encode(), name),
        Case("NaN", name, swap(good, "{", '{"a":NaN,').encode(), name),
        Case("gzip cut short", name, gzip.compress(whole)[:-20], name, file=file + ".gz"),
        Case("gzip with a bad sum", name, gzip.compress(whole)[:-8] + b"\1\2\3\4" + gzip.compress(whole)[-4:], name,
             file=file + ".gz"),
    ]


CASES = []
for name_, good_ in (("cluster", CLUSTER), ("catalog", CATALOG), ("policy", POLICY), ("metrics", METRICS),
                     ("problem", PROBLEM)):
    CASES += document_cases(name_, good_, name_ + ".json")

item = {c["metadata"]["name"] + "/" + c["kind"]: i for i, c in enumerate(json.loads(CLUSTER)["items"])}
n1, web0, pdb = item["n1/Node"], item["web-0/Pod"], item["web/PodDisruptionBudget"]
CASES += [
    # The cluster.
    Case("items is no list", "cluster", '{"kind":"List","items":7}', "/items"),
    Case("an item is no object", "cluster", '{"kind":"List","items":[7]}', "/items/0"),
    Case("an item without a kind", "cluster", '{"kind":"List","items":[{"metadata":{"name":"x"}}]}', "/items/0"),
    Case("a node without a name", "cluster", changed(CLUSTER, "items", n1, "metadata", "name", None), f"/items/{n1}"),
    Case("a node's memory in words", "cluster",
         changed(CLUSTER, "items", n1, "status", "allocatable", "memory", "a lot"), "memory"),
    Case("a negative CPU", "cluster", changed(CLUSTER, "items", n1, "status", "allocatable", "cpu", "-4"), "cpu"),
    Case("a CPU of 1e400, as much as there is", "cluster",
         changed(CLUSTER, "items", n1, "status", "allocatable", "cpu", "1e400"), "^$", status=0),
    Case("a request of 1e400", "cluster", changed(CLUSTER, "items", item["report-0/Pod"], "spec", "containers", 0,
                                                  "resources", "requests", "memory", "1e400"), "report-0", status=1),
    Case("a CPU that is a list", "cluster", changed(CLUSTER, "items", n1, "status", "allocatable", "cpu", [4]), "cpu"),
    Case("two nodes of one name", "cluster",
         changed(CLUSTER, "items", item["n2/Node"], "metadata", "name", "n1"), "n1"),
    Case("two pods of one name", "cluster",
         changed(CLUSTER, "items", item["web-1/Pod"], "metadata", "name", "web-0"), "web-0"),
    Case("a pod's request in words", "cluster", changed(
        CLUSTER, "items", web0, "spec", "containers", 0, "resources", "requests", "cpu", "some"), f"/items/{web0}"),
    Case("replicas below zero", "cluster",
         changed(CLUSTER, "items", item["web/ReplicaSet"], "spec", "replicas", -1), "replicas"),
    Case("replicas beyond 2^53", "cluster",
         changed(CLUSTER, "items", item["web/ReplicaSet"], "spec", "replicas", 2 ** 60), "replicas"),
    Case("a budget of 150 %", "cluster", changed(CLUSTER, "items", pdb, "spec", "maxUnavailable", "half"),
         "maxUnavailable"),
    Case("an operator that there is not", "cluster", changed(
        CLUSTER, "items", item["api-0/Pod"], "spec", "affinity", "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", 0, "matchExpressions", 0, "operator",
        "Near"), "operator"),
    Case("a pod larger than any node", "cluster", changed(
        CLUSTER, "items", item["report-0/Pod"], "spec", "containers", 0, "resources", "requests", "cpu", "900"),
        "report-0", status=1),
    Case("a pod that wants what nobody has", "cluster", changed(
        CLUSTER, "items", item["report-0/Pod"], "spec", "containers", 0, "resources", "requests", "example.com/fpga",
        "1"), "report-0", status=1),
    # The catalog.
    Case("a price below zero", "catalog", changed(CATALOG, "pools", 0, "usd_per_hour", -1), "/pools/0/usd_per_hour"),
    Case("a price of 1e400", "catalog", swap(CATALOG, '"usd_per_hour": 0.07', '"usd_per_hour":1e400') if
         '"usd_per_hour": 0.07' in CATALOG else swap(CATALOG, '"usd_per_hour":0.07', '"usd_per_hour":1e400'),
         "/pools/0/usd_per_hour"),
    Case("a price in words", "catalog", changed(CATALOG, "pools", 0, "usd_per_hour", "0.07"),
         "/pools/0/usd_per_hour"),
    Case("an id twice", "catalog", changed(CATALOG, "pools", 1, "id", "m5.xlarge/z-a/spot"), "/pools/1"),
    Case("a type that is not listed", "catalog", changed(CATALOG, "pools", 0, "instance_type", "m9.none"), "m9.none"),
    Case("a type twice", "catalog", changed(CATALOG, "instance_types", 1, "name", "m5.xlarge"), "instance_types/1"),
    Case("an unknown purchase", "catalog", changed(CATALOG, "pools", 0, "purchase", "gift"), "/pools/0/purchase"),
    Case("a capacity below zero", "catalog", changed(CATALOG, "instance_types", 0, "capacity", "cpu", "-1"),
         "/instance_types/0/capacity/cpu"),
    Case("a limit below zero", "catalog", changed(CATALOG, "pools", 0, "limit", -3), "/pools/0/limit"),
    Case("a score beyond its most", "catalog", changed(CATALOG, "pools", 0, "placement_score", 99),
         "/pools/0/placement_score"),
    Case("pools is missing", "catalog", changed(CATALOG, "pools", None), "pools"),
    Case("no header", "catalog", "", "catalog", file="catalog.csv"),
    Case("a header alone, of other columns", "catalog", "a,b,c\n1,2,3\n", "catalog.csv:1", file="catalog.csv"),
    Case("a table's price below zero", "catalog", swap(CSV, "0.096", "-1"), "catalog.csv:2", file="catalog.csv"),
    Case("a table's price is NaN", "catalog", swap(CSV, "0.096", "nan"), "catalog.csv:2", file="catalog.csv"),
    Case("a table's price of 1e400", "catalog", swap(CSV, "0.096", "1e400"), "catalog.csv:2", file="catalog.csv"),
    Case("a decimal comma", "catalog", swap(CSV, "0.096", '"0,096"'), "catalog.csv:2", file="catalog.csv"),
    Case("a row too short", "catalog", CSV + "r-1,z-b\n", "catalog.csv:3", file="catalog.csv"),
    Case("a row too long", "catalog", CSV.rstrip() + ",1,2,3\n", "catalog.csv:2", file="catalog.csv"),
    Case("a quote left open", "catalog", CSV + 'r-1,"z-b,m5.large,amd64,2,8192,0.1,0.1\n', "catalog.csv:3",
         file="catalog.csv"),
    Case("a row twice", "catalog", CSV + CSV.splitlines()[1] + "\n", "catalog.csv:3", file="catalog.csv"),
    Case("a table in UTF-16", "catalog", CSV.encode("utf-16"), "catalog.csv", file="catalog.csv"),
    Case("a zone map that makes no sense", "catalog", CSV, "zone", status=2, file="catalog.csv",
         extra=["--zone-map", "use1-az1"]),
    # The policy.
    Case("a share above 1", "policy", changed(POLICY, "diversify", 0, "max_frac", 1.5), "/diversify/0/max_frac"),
    Case("a weight below zero", "policy", changed(POLICY, "weights", {"cost": -1}), "/weights/cost"),
    Case("weights of zero", "policy",
         changed(POLICY, "weights", {"cost": 0, "stability": 0, "performance": 0, "capacity": 0}), "/weights"),
    Case("a horizon of zero", "policy", changed(POLICY, "interruption", "horizon_hours", 0),
         "/interruption/horizon_hours"),
    Case("a score that there is not", "policy", changed(POLICY, "score", "best"), "/score"),
    Case("a scope that there is not", "policy", changed(POLICY, "overrides", 0, "scope", "planet"),
         "/overrides/0/scope"),
    Case("a time that is none", "policy", changed(POLICY, "overrides", 0, "until", "tomorrow"), "/overrides/0/until"),
    Case("a base of half a node", "policy", changed(POLICY, "spot", "on_demand_base", 0.5), "/spot/on_demand_base"),
    Case("a base beyond 2^53", "policy", changed(POLICY, "spot", "on_demand_base", 2 ** 60), "/spot/on_demand_base"),
    Case("a parent's parent's error", "policy", changed(POLICY, "parent", {"parent": {"score": 7}}),
         "/parent/parent/score"),
    Case("a client's field that there is not", "policy", changed(POLICY, "clients", {"acme": {"wieghts": {}}}),
         "/clients/acme/wieghts"),
    Case("a client's limit out of range", "policy",
         changed(POLICY, "clients", {"acme": {"interruption": {"max_probability": 2}}}),
         "/clients/acme/interruption/max_probability"),
    Case("SLO limits of one number", "policy", changed(POLICY, "slo", {"latency_ms": [50]}), "/slo/latency_ms"),
    Case("a solver's deadline in words", "policy", changed(POLICY, "solver", {"deadline_s": "soon"}),
         "/solver/deadline_s"),
    # History and metrics.
    Case("times that go back", "history", swap(HISTORY, ",2\n", ",2\nm5.xlarge/z-a/spot,r-1,z-a,m5.xlarge,5,1\n"),
         r"history.csv:\d", file="history.csv"),
    Case("a time in words", "history", swap(HISTORY, "1793200000", "noon"), "history.csv:2", file="history.csv"),
    Case("nodes below zero", "history", swap(HISTORY, ",3\n", ",-3\n"), "history.csv:2", file="history.csv"),
    Case("half a node", "history", swap(HISTORY, ",3\n", ",1.5\n"), "history.csv:2", file="history.csv"),
    Case("a column missing", "history", swap(HISTORY, ",nodes_up", ",nodes"), "history.csv:1", file="history.csv"),
    Case("an empty table", "history", b"", "history", file="history.csv"),
    Case("a history cut in a row", "history", HISTORY[:HISTORY.rindex(",") - 5], r"history.csv:\d", file="history.csv"),
    Case("a share of errors above 1", "metrics", swap(METRICS, '"error_frac":0.002', '"error_frac":1.2'),
         "error_frac"),
    Case("a latency below zero", "metrics", swap(METRICS, '"latency_ms":80', '"latency_ms":-80'), "latency_ms"),
    Case("pools is a list", "metrics", changed(METRICS, "pools", []), "/pools"),
    # The bare problem.
    Case("no pools", "problem", changed(PROBLEM, "pools", []), "pools|demand", status=(1, BAD)),
    Case("a demand for no pool", "problem", changed(PROBLEM, "demands", 2, "pools", []), "/demands/2/pools"),
    Case("a demand for an unknown pool", "problem", changed(PROBLEM, "demands", 2, "pools", ["none"]),
         "/demands/2/pools/0"),
    Case("a request too short", "problem", changed(PROBLEM, "demands", 0, "request", [1]), "/demands/0/request"),
    Case("a request too long", "problem", changed(PROBLEM, "demands", 0, "request", [1, 2, 3]), "/demands/0/request"),
    Case("a request below zero", "problem", changed(PROBLEM, "demands", 0, "request", [1, -2]),
         "/demands/0/request/1"),
    Case("a count of 1.5", "problem", changed(PROBLEM, "demands", 0, "count", 1.5), "/demands/0/count"),
    Case("a count beyond 2^53", "problem", changed(PROBLEM, "demands", 0, "count", 2 ** 60), "/demands/0/count"),
    Case("two pools of one id", "problem", changed(PROBLEM, "pools", 1, "id", "small/a"), "/pools/1"),
    Case("two demands of one id", "problem", changed(PROBLEM, "demands", 1, "id", "web"), "/demands/1"),
    Case("a capacity in words", "problem", changed(PROBLEM, "pools", 0, "capacity", ["4", 8]), "/pools/0/capacity/0"),
    Case("a cost below zero", "problem", changed(PROBLEM, "pools", 0, "cost", -0.1), "/pools/0/cost"),
    Case("a minimum above the maximum", "problem", changed(PROBLEM, "pools", 2, "min", 9), "/pools/2"),
    Case("a label that is reserved", "problem", changed(PROBLEM, "pools", 0, "labels", {"pool": "x"}), "/pools/0"),
    Case("a rule that there is not", "problem", changed(PROBLEM, "rules", 0, "rule", "never"), "/rules/0/rule"),
    Case("a rule about nobody", "problem", changed(PROBLEM, "rules", 0, "demands", ["nobody"]), "/rules/0/demands/0"),
    Case("a rule apart from itself", "problem", changed(PROBLEM, "rules", 1, "from", ["db"]), "/rules/1"),
    Case("a share above 1 of nodes", "problem", changed(PROBLEM, "rules", 3, "max_frac", 1.5), "/rules/3/max_frac"),
    Case("a share of what is not counted", "problem", changed(PROBLEM, "rules", 3, "of", "luck"), "/rules/3.*of"),
    Case("a skew of zero", "problem", changed(PROBLEM, "rules", 2, "max_skew", 0), "/rules/2/max_skew"),
    Case("a node of an unknown pool", "problem", changed(PROBLEM, "nodes", 0, "pool", "none"), "/nodes/0/pool"),
    Case("more fixed than held", "problem", changed(PROBLEM, "nodes", 0, "fixed", {"web": 5}), "/nodes/0"),
    Case("a node that holds nobody's", "problem", changed(PROBLEM, "nodes", 0, "holds", {"nobody": 1}), "/nodes/0"),
    Case("a resource called nodes", "problem", changed(PROBLEM, "resources", ["nodes", "memory"]), "/resources"),
    Case("no resources", "problem", changed(PROBLEM, "resources", []), "/resources"),
    Case("too many replicas for its pools", "problem", changed(PROBLEM, "demands", 2, "request", [50, 60]), "db",
         status=1),
]

# Flags: the arguments, what the message names, the exit status.
FLAGS = [
    (["plan"], "--cluster", 2),
    (["plan", "--cluster"], "--cluster", 2),
    (["plan", "--cluster", "{cluster}"], "--catalog", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "--now", "noon"], "--now", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "--seed", "-1"], "seed", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "--deadline", "nan"], "deadline", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "--set", "gap_rel=2"], "gap_rel", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "--set", "gap_rell=0"], "gap_rel", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "--threads", "0"], "threads", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "-o", "yaml"], "yaml", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "stray.json"], "stray.json", 2),
    (["plan", "--cluster", "{cluster}", "--catalog", "{catalog}", "--check", "{cluster}"], "/apiVersion", 3),
    (["plan", "--cluster", "{folder}", "--catalog", "{catalog}"], "{folder}", 3),
    (["plan", "--cluster", "{folder}/none.json", "--catalog", "{catalog}"], "none.json", 3),
    (["rank", "--catalog", "{catalog}"], "--request", 2),
    (["rank", "--catalog", "{catalog}", "--request", "cpu=lots"], "cpu", 2),
    (["rank", "--catalog", "{catalog}", "--request", "cpu=-1"], "cpu", 2),
    (["rank", "--catalog", "{catalog}", "--request", ""], "request", 2),
    (["rank", "--catalog", "{catalog}", "--request", "cpu=1", "--count", "0"], "count", 2),
    (["rank", "--catalog", "{catalog}", "--request", "cpu=1", "--top", "some"], "top", 2),
    (["drain", "--cluster", "{cluster}"], "--nodes", 2),
    (["drain", "--cluster", "{cluster}", "--nodes", "nobody"], "nobody", (2, 3)),
    (["drain", "--cluster", "{cluster}", "--nodes", "n1", "--notice", "-5"], "notice", 2),
    (["funnel"], "file|FILE|document", 2),
    (["funnel", "{catalog}"], "catalog.json", 3),
    (["funnel", "{folder}"], "{folder}", 3),
    (["pack"], "problem|PROBLEM|document", 2),
    (["pack", "{folder}/none.json"], "none.json", 3),
    (["pack", "{folder}"], "{folder}", 3),
    (["pack", "{catalog}"], "kind", 3),
    (["pack", "{catalog}", "--from", "{folder}/none.json"], "none.json", 3),
    (["show", "{history}"], "history.csv", 3),
]


def run(arguments, seconds):
    start = time.monotonic()
    try:
        done = subprocess.run([SPOTOPT, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None, f"no end after {time.monotonic() - start:.0f} s"
    took = time.monotonic() - start
    return done, None if took <= seconds else f"took {took:.2f} s"


def judge(done, late, says, status, written):
    faults = [late] if late else []
    if done is None:
        return faults
    err, out = done.stderr.decode("utf-8", "replace"), done.stdout
    wanted = status if isinstance(status, tuple) else (status,)
    if done.returncode not in wanted:
        faults.append(f"exit status {done.returncode}, want {status}")
    if out:
        faults.append(f"printed {out[:60]!r}")
    if not re.search(says, err + (written if done.returncode == 1 else "")):
        faults.append(f"does not name {says}")
    if done.returncode != 0 and (not err.startswith("spotopt: ") or "\n" in err.strip().split("\n", 1)[0]):
        faults.append("no message in the usual form")
    if done.returncode not in (0, 1) and written != "as it was":
        faults.append("wrote its output file")
    if "Sanitizer" in err or "runtime error" in err:
        faults.append("a sanitizer complains")
    return [f"{fault}: {err.strip()[:300]}" for fault in faults]


def main():
    failed = total = 0
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for name, file in NAMES.items():
            paths[name] = os.path.join(folder, file)
            with open(paths[name], "w", encoding="utf-8") as out:
                out.write(small(file))
        kept = os.path.join(folder, "kept")

        def attempt(what, arguments, says, status, seconds=SECONDS):
            nonlocal failed, total
            total += 1
            with open(kept, "w", encoding="utf-8") as out:
                out.write("as it was")
            done, late = run([arguments[0], "--output-file", kept, *arguments[1:]], seconds)
            with open(kept, encoding="utf-8") as file:
                written = file.read()
            for fault in judge(done, late, says, status, written):
                failed += 1
                print(f"FAIL {what}: {fault}")

        for case in CASES:
            path = os.path.join(folder, "bad-" + (case.file or case.name + ".json"))
            content = case.content if isinstance(case.content, bytes) else case.content.encode()
            with open(path, "wb") as out:
                out.write(content)
            if case.name == "problem":
                arguments = ["pack", path, "-o", "json"]
            else:
                use = dict(paths, **{case.name: path})
                arguments = ["plan", *NOW, "-o", "json"]
                for name in NAMES:
                    arguments += [f"--{name}", use[name]]
            attempt(f"{case.name}: {case.what}", [*arguments, *case.extra], case.says, case.status)
        for arguments, says, status in FLAGS:
            words = [word.format(folder=folder, **paths) for word in arguments]
            attempt("spotopt " + " ".join(arguments), words, says.format(folder=re.escape(folder)), status)

        # A hundred megabytes of brackets, as they are and in a few kilobytes of gzip.
        big = os.path.join(folder, "bad-brackets.json")
        with open(big, "wb") as out:
            for _ in range(100):
                out.write(b"[" * (1 << 20))
        attempt("100 MB of brackets", ["pack", big], "brackets", BAD, 5 * SECONDS)
        os.remove(big)
        with gzip.open(big + ".gz", "wb", compresslevel=1) as out:
            for _ in range(100):
                out.write(b"[" * (1 << 20))
        attempt("100 MB of brackets in gzip", ["pack", big + ".gz"], "brackets", BAD, 5 * SECONDS)
        # A budget over everything is no bad input: the plan holds, and nothing that it forbids is evicted.
        everything = json.loads(CLUSTER)
        everything["items"].append({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                                    "metadata": {"name": "all", "namespace": "shop"},
                                    "spec": {"selector": {}, "maxUnavailable": 0}})
        with open(os.path.join(folder, "all.json"), "w", encoding="utf-8") as out:
            json.dump(everything, out)
        done, late = run(["drain", "--cluster", os.path.join(folder, "all.json"), "--catalog", paths["catalog"],
                          "--nodes", "n2", "-o", "json"], SECONDS)
        total += 1
        blocked = json.loads(done.stdout)["blocked"] if done is not None and done.returncode == 1 else []
        if late or not blocked or not all(b.get("why") for b in blocked):
            failed += 1
            print(f"FAIL a budget over everything: {late or done}")
    print(f"{total - failed} bad inputs refused as they must be, {failed} not")
    sys.exit(1 if failed else 0)


main()
