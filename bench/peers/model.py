# SPDX-License-Identifier: Apache-2.0
"""Integer programs for packing that a user of a general solver would write, and their way back to packings.

assignment  Slots k = 1..K for nodes; z[k,p] whether slot k is a node of pool p, x[k,i] replicas of demand i on it:
            sum_i r_i x[k,i] <= sum_p cap_p z[k,p], sum_k x[k,i] = d_i, sum_p z[k,p] <= 1. Aggregated to counts, which
            is the kinder form: with one binary a pod it has a hundred times the columns. K comes from first-fit
            decreasing with some spare. Slots are ordered by cost against symmetry.
arc-flow    Valerio de Carvalho (1999) for one resource: positions 0..capacity, an arc a replica, patterns are paths.
            Items are placed in decreasing order, and only positions that combinations of items in that order reach are
            nodes (Martello and Toth's ordering), which takes out most symmetric paths; losses lead from a node to the
            next. Several capacities share the graph; a pool is an arc back from its end, bounded by the pool's limit.
"""
import numpy as np


class TooLarge(Exception):
    """The model would have more columns than are allowed."""


class Unsupported(Exception):
    """The problem has something that the model cannot say."""


class Model:
    """min cost x, low <= A x <= high, 0 <= x <= upper, all whole. Rows are collected as triplets."""

    def __init__(self):
        self.cost, self.upper = [], []
        self.low, self.high = [], []
        self.row, self.col, self.value = [], [], []

    def column(self, cost, upper):
        self.cost.append(cost)
        self.upper.append(upper)
        return len(self.cost) - 1

    def add_row(self, low, high, cols, values):
        at = len(self.low)
        self.low.append(low)
        self.high.append(high)
        self.row += [at] * len(cols)
        self.col += cols
        self.value += values
        return at

    def by_row(self):
        """starts, columns, values of the rows, as arrays."""
        order = np.lexsort((self.col, self.row))
        counts = np.bincount(np.asarray(self.row, dtype=np.int64), minlength=len(self.low))
        starts = np.concatenate(([0], np.cumsum(counts)))
        return starts, np.asarray(self.col, dtype=np.int64)[order], np.asarray(self.value, dtype=float)[order]


def reduce_pools(problem):
    """Pools that some best packing needs: without rules on labels, one of each capacity, none dearer and smaller."""
    pools = problem["pools"]
    if any(d.get("pools") is not None for d in problem["demands"]) or problem.get("nodes"):
        raise Unsupported("lists of pools or running nodes are not in this model")
    kept = []
    for p in sorted(pools, key=lambda p: (p["cost"], [-c for c in p["capacity"]])):
        if any(p.get(k) for k in ("min",)):
            raise Unsupported("minimums of pools are not in this model")
        free = (q for q in kept if q.get("max") is None)
        if not any(all(a >= b for a, b in zip(q["capacity"], p["capacity"])) for q in free):
            kept.append(p)
    return kept


def node_limits(problem):
    """[(indices of demands, most on a node)]; other rules are refused."""
    at = {d["id"]: i for i, d in enumerate(problem["demands"])}
    limits = []
    for rule in problem.get("rules", []):
        if rule["rule"] != "at_most" or rule["per"] != "node" or "penalty" in rule or "count" not in rule:
            raise Unsupported(f"rule {rule['rule']} per {rule.get('per')} is not in this model")
        limits.append(([at[d] for d in rule["demands"]], rule["count"]))
    return limits


class Assignment:
    def __init__(self, problem, first_fit, most_columns=3_000_000):
        self.problem = problem
        pools, limits, demands = reduce_pools(problem), node_limits(problem), problem["demands"]
        slots = max(1, sum(row["count"] for row in first_fit))
        slots += 1 + slots // 20
        if slots * (len(pools) + len(demands)) > most_columns:
            raise TooLarge(f"{slots * (len(pools) + len(demands))} columns")
        m = self.model = Model()
        self.pools, self.slots = pools, []
        dims = range(len(problem["resources"]))
        for _ in range(slots):
            z = [m.column(p["cost"], 1) for p in pools]
            x = [m.column(0.0, d["count"]) for d in demands]
            self.slots.append((z, x))
            for r in dims:
                cols = [c for c, d in zip(x, demands) if d["request"][r]]
                if cols:
                    m.add_row(-np.inf, 0.0, cols + z, [float(d["request"][r]) for d in demands if d["request"][r]]
                              + [-float(p["capacity"][r]) for p in pools])
            if len(pools) > 1:
                m.add_row(0.0, 1.0, list(z), [1.0] * len(z))
            for listed, most in limits:
                m.add_row(-np.inf, float(most), [x[i] for i in listed], [1.0] * len(listed))
        for i, d in enumerate(demands):
            m.add_row(float(d["count"]), float(d["count"]), [x[i] for _, x in self.slots], [1.0] * slots)
        for j, p in enumerate(pools):
            if p.get("max") is not None and p["max"] < slots:
                m.add_row(-np.inf, float(p["max"]), [z[j] for z, _ in self.slots], [1.0] * slots)
        costs = [float(p["cost"]) for p in pools]
        for (z, _), (after, _) in zip(self.slots, self.slots[1:]):
            m.add_row(0.0, np.inf, z + after, costs + [-c for c in costs])

    def nodes(self, x):
        made = []
        for z, holds in self.slots:
            chosen = [p for p, c in zip(self.pools, z) if round(x[c])]
            if chosen:
                made.append({"pool": chosen[0]["id"], "count": 1, "holds": {
                    d["id"]: round(x[c]) for d, c in zip(self.problem["demands"], holds) if round(x[c])}})
        return made


class ArcFlow:
    def __init__(self, problem, most_columns=3_000_000):
        if len(problem["resources"]) != 1 or problem.get("rules"):
            raise Unsupported("more than one resource, or rules")
        self.problem, self.pools = problem, reduce_pools(problem)
        demands = sorted((d for d in problem["demands"] if d["request"][0] > 0), key=lambda d: -d["request"][0])
        self.free = [d for d in problem["demands"] if d["request"][0] == 0]
        if any(d["request"][0] != int(d["request"][0]) for d in demands):
            raise Unsupported("sizes are not whole numbers")
        self.demands, sizes = demands, [int(d["request"][0]) for d in demands]
        ends = [int(p["capacity"][0]) for p in self.pools]
        capacity = max(ends)
        arcs, reached = [], {0}
        for i, (size, d) in enumerate(zip(sizes, demands)):
            # most[v]: how many more replicas of i may follow from v. A walk ends where another begins with all of them.
            most = {}
            for v in sorted(reached):
                left = d["count"]
                while left > 0 and v + size <= capacity and most.get(v, 0) < left:
                    most[v] = left
                    v, left = v + size, left - 1
                    if v in reached:
                        break
            arcs += [(v, i) for v in most]
            reached.update(v + size for v in most)
            if len(arcs) > most_columns:
                raise TooLarge(f"more than {most_columns} arcs")
        positions = sorted(reached)
        index = {v: k for k, v in enumerate(positions)}
        m = self.model = Model()
        leave, enter = [[] for _ in positions], [[] for _ in positions]
        cover = [[] for _ in demands]
        self.arcs = []
        total = sum(d["count"] for d in demands)

        def arc(tail, head, cost, upper, what):
            c = m.column(cost, upper)
            leave[tail].append(c)
            enter[head].append(c)
            self.arcs.append((tail, head, what))
            return c

        for v, i in sorted(arcs):
            cover[i].append(arc(index[v], index[v + sizes[i]], 0.0, demands[i]["count"], i))
        for k in range(1, len(positions) - 1):
            arc(k, k + 1, 0.0, total, None)
        for p, end in zip(self.pools, ends):
            last = max(k for k, v in enumerate(positions) if v <= end)
            if last > 0:
                most = total if p.get("max") is None else min(total, p["max"])
                arc(last, 0, float(p["cost"]), most, p)
        for out, into in zip(leave, enter):
            m.add_row(0.0, 0.0, out + into, [1.0] * len(out) + [-1.0] * len(into))
        for i, d in enumerate(demands):
            m.add_row(float(d["count"]), np.inf, cover[i], [1.0] * len(cover[i]))

    def nodes(self, x):
        """Paths are peeled off the flow; what covers a demand twice is left out."""
        flow = {c: round(x[c]) for c in range(len(self.arcs)) if round(x[c]) > 0}
        out = {}
        for c in flow:
            out.setdefault(self.arcs[c][0], []).append(c)
        left = {i: d["count"] for i, d in enumerate(self.demands)}
        made = []
        while out.get(0):
            at, path = 0, []
            while True:
                back = [c for c in out.get(at, ()) if not isinstance(self.arcs[c][2], (int, type(None)))]
                # Loss arcs may run past the end of a smaller pool: an end is taken where there is one.
                c = back[0] if back else out[at][0]
                path.append(c)
                at = self.arcs[c][1]
                if back:
                    break
            times = min(flow[c] for c in path)
            for c in path:
                flow[c] -= times
                if flow[c] == 0:
                    out[self.arcs[c][0]].remove(c)
            pool = self.arcs[path[-1]][2]
            wanted = {}
            for c in path:
                i = self.arcs[c][2]
                if isinstance(i, int):
                    wanted[i] = wanted.get(i, 0) + 1
            for _ in range(times):
                holds = {}
                for i, n in wanted.items():
                    take = min(n, left[i])
                    if take:
                        holds[self.demands[i]["id"]] = take
                        left[i] -= take
                made.append({"pool": pool["id"], "count": 1, "holds": holds})
        if made:
            made[0]["holds"].update({d["id"]: d["count"] for d in self.free})
        return made
