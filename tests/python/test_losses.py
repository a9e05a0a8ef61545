# SPDX-License-Identifier: Apache-2.0
"""What a fleet may lose: portfolios, lifetimes, buckets."""
import array
import itertools
import math

import pytest

import spotopt

NODES, VCPUS = [3, 2, 4], [8.0, 16.0, 4.0]
P_DROP, P_NODE = [0.2, 0.4, 0.1], [0.1, 0.4, 0.05]


def test_a_portfolio_without_common_shocks_is_a_product():
    loss = spotopt.portfolio(NODES, VCPUS, P_DROP, P_NODE, region_frac=0.0, global_frac=0.0, level=0.9, at_least=2)
    chance = {}
    for lost in itertools.product(*(range(n + 1) for n in NODES)):
        p = 1.0
        for k, n, drop, node in zip(lost, NODES, P_DROP, P_NODE):
            share = node / drop
            p *= drop * math.comb(n, k) * share**k * (1 - share) ** (n - k) + (1 - drop if k == 0 else 0)
        chance[lost] = p
    vcpus = {lost: sum(k * v for k, v in zip(lost, VCPUS)) for lost in chance}
    assert loss.mean_vcpus == pytest.approx(sum(p * vcpus[lost] for lost, p in chance.items()))
    assert loss.p_at_least == pytest.approx(sum(p for lost, p in chance.items() if sum(lost) >= 2), abs=1e-8)
    left, cvar = 0.1, 0.0
    for lost in sorted(chance, key=vcpus.get, reverse=True):
        take = min(left, chance[lost])
        left, cvar = left - take, cvar + take * vcpus[lost] / 0.1
    assert loss.cvar_vcpus == pytest.approx(cvar) and loss.cvar_error_vcpus == 0
    assert sum(loss.mean) == pytest.approx(loss.mean_vcpus)
    assert sum(loss.variance) == pytest.approx(loss.variance_vcpus)
    assert sum(loss.cvar) == pytest.approx(loss.cvar_vcpus)


def test_a_portfolio_that_falls_together_loses_more_at_worst():
    apart = spotopt.portfolio(NODES, VCPUS, P_DROP, P_NODE, region=[0, 1, 2])
    together = spotopt.portfolio(array.array("I", NODES), array.array("d", VCPUS), P_DROP, P_NODE)
    assert together.cvar_vcpus > apart.cvar_vcpus and together.mean_vcpus == pytest.approx(apart.mean_vcpus)


def test_columns_of_a_portfolio_have_one_length():
    with pytest.raises(spotopt.ArgumentError, match="p_drop has 2 items; want 3"):
        spotopt.portfolio(NODES, VCPUS, P_DROP[:2], P_NODE)
    with pytest.raises(spotopt.ArgumentError, match="level"):
        spotopt.portfolio(NODES, VCPUS, P_DROP, P_NODE, level=1.0)


def test_shocks_are_learned_from_pools_that_fall_together():
    rows = ["pool,region,zone,instance_type,time_s,nodes_up"]
    for pool in "ab":
        for day in range(60):
            rows += ["%s,r,z%s,m5.large,%d,9" % (pool, pool, 86400 * day),
                     "%s,r,z%s,m5.large,%d,8" % (pool, pool, 86400 * day + 40000)]
        rows.append("%s,r,z%s,m5.large,%d," % (pool, pool, 86400 * 60))
    history = spotopt.History.parse("\n".join(rows) + "\n")
    region, world = spotopt.learn_shocks(history, 0, 60 * 86400)
    assert region > 0.6 and world == pytest.approx(0.14)
    with pytest.raises(spotopt.ArgumentError, match="horizon_h"):
        spotopt.learn_shocks(history, 0, 86400, horizon_h=0)


def test_young_nodes_are_reclaimed_sooner_where_they_were():
    ages = [0.1 * (i % 10 + 1) for i in range(60)] + [20.0] * 60
    life = spotopt.Lifetime.fit(ages, [1] * 60 + [0] * 60)
    p, low, high = life.columns([0.0, 2.0, 10.0], 1.0)
    assert p[0] > 0.3 > p[1] >= p[2] and all(a <= b <= c for a, b, c in zip(low, p, high))
    assert low[0] > high[2]


def test_lifetimes_of_groups_have_levels_of_their_own():
    ages, reclaimed, group = [1.0] * 200, [1] * 80 + [0] * 20 + [1] * 5 + [0] * 95, [3] * 100 + [9] * 100
    life = spotopt.Lifetime.fit(ages, reclaimed, group=group, block=range(200))
    p = life.columns([0.0, 0.0, 0.0], 1.0, group=[3, 9, 77])[0]
    assert p[0] > p[2] > p[1]
    with pytest.raises(spotopt.ArgumentError, match="group has 1 items; want 3"):
        life.columns([0.0, 0.0, 0.0], 1.0, group=[3])
    with pytest.raises(spotopt.ArgumentError, match=r"reclaimed\[0\] is 2"):
        spotopt.Lifetime.fit([1.0], [2])


def test_buckets_follow_the_type_and_the_region():
    rows = [("f%d.s%d" % (f, s), "r%d" % g, min(4, max(0, f + g - 2))) for f in range(5) for s in range(4) for g in range(5)]
    types, regions, buckets = zip(*rows)
    told = spotopt.predict_buckets(types, regions, [None if i % 7 == 0 else b for i, b in enumerate(buckets)])
    assert sum(abs(median - b) for (median, _), b in zip(told, buckets)) < 0.3 * len(rows)
    assert all(sum(chances) == pytest.approx(1.0) and len(chances) == 5 for _, chances in told)
    with pytest.raises(spotopt.ArgumentError, match=r"buckets\[1\] is 9"):
        spotopt.predict_buckets(["a.b", "a.c"], ["r", "r"], [1, 9])
    with pytest.raises(spotopt.ArgumentError, match="regions has 1 items; want 2"):
        spotopt.predict_buckets(["a.b", "a.c"], ["r"], [1, 2])
