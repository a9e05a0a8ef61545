# SPDX-License-Identifier: Apache-2.0
"""First-fit decreasing as autoscalers do it: no solver, standard library only.

As Cluster Autoscaler's estimator with an expander by price: all pods that are left are packed, largest first, into
nodes of one pool; so for each pool; the pool whose nodes cost least for what they take is bought, and the rest is asked
again. What a pod is worth is its share of all requests, summed over resources. Equal pods are handled as counts, which
changes nothing: with one capacity, first-fit decreasing fills one node after the other.
"""


def fill(capacity, order, left, limits):
    """One node: replicas in order while they fit."""
    free, holds = list(capacity), {}
    room = [most for _, most in limits]
    for i, request, groups in order:
        most = left[i]
        if most == 0:
            continue
        for f, r in zip(free, request):
            if r > 0:
                most = min(most, int((f + 1e-9) // r))
        for g in groups:
            most = min(most, room[g])
        if most > 0:
            holds[i] = most
            free = [f - r * most for f, r in zip(free, request)]
            for g in groups:
                room[g] -= most
    return holds


def estimate(capacity, order, left, limits, most_nodes):
    """[(holds, count)] of nodes until nothing more goes in; the counts left are changed."""
    rows, bought = [], 0
    while bought < most_nodes:
        holds = fill(capacity, order, left, limits)
        if not holds:
            break
        times = min(min(left[i] // n for i, n in holds.items()), most_nodes - bought)
        for i, n in holds.items():
            left[i] -= n * times
        rows.append((holds, times))
        bought += times
    return rows


def pack(problem, pools, limits):
    """A result's nodes and how many replicas found no place; limits are [(indices of demands, most on a node)]."""
    demands, dims = problem["demands"], range(len(problem["resources"]))
    total = [sum(d["request"][r] * d["count"] for d in demands) or 1.0 for r in dims]
    size = [sum(d["request"][r] / total[r] for r in dims) for d in demands]
    order = sorted(range(len(demands)), key=lambda i: (-size[i], i))
    groups = [[g for g, (listed, _) in enumerate(limits) if i in set(listed)] for i in range(len(demands))]
    order = [(i, demands[i]["request"], groups[i]) for i in order]
    left, nodes, bought = [d["count"] for d in demands], [], {p["id"]: 0 for p in pools}
    while any(left):
        best = None
        for p in pools:
            most = (p["max"] if p.get("max") is not None else 10**9) - bought[p["id"]]
            rest = list(left)
            rows = estimate(p["capacity"], order, rest, limits, most)
            worth = sum(size[i] * (a - b) for i, (a, b) in enumerate(zip(left, rest)))
            price = p["cost"] * sum(count for _, count in rows)
            if worth > 0 and (best is None or price / worth < best[0] - 1e-12):
                best = (price / worth, p, rows, rest)
        if best is None:
            break
        _, p, rows, left = best
        for holds, count in rows:
            bought[p["id"]] += count
            nodes.append({"pool": p["id"], "count": count, "holds": {demands[i]["id"]: n for i, n in holds.items()}})
    return nodes, sum(left)
