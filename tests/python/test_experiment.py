# SPDX-License-Identifier: Apache-2.0
"""Experiments give the numbers that scipy gives."""
import hashlib
import itertools
import json
import math
import random

import pytest

import spotopt


def table(rows):
    return "unit,time_s,arm,metric,value,pre_value\n" + "".join(
        "%s,%r,%s,%s,%r,%s\n" % (unit, time_s, arm, metric, value, "" if pre is None else repr(pre))
        for unit, time_s, arm, metric, value, pre in rows
    )


def draw(seed, units, with_pre):
    rng = random.Random(seed)
    rows = []
    for i in range(units):
        arm = "control" if rng.random() < 0.5 else "new"
        before = rng.gauss(10.0, 2.0)
        value = before + rng.gauss(0.0, 1.0 if arm == "control" else 1.6) + (0.4 if arm == "new" else 0.0)
        rows.append(("u%d" % i, float(i), arm, "cost", value, before if with_pre else None))
    return rows


def arms(rows):
    return [[row for row in rows if row[2] == arm] for arm in ("control", "new")]


@pytest.mark.parametrize("with_pre", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_one_look_is_welch_on_adjusted_values(seed, with_pre):
    stats = pytest.importorskip("scipy.stats")
    np = pytest.importorskip("numpy")
    rows = draw(seed, 120, with_pre)
    got = spotopt.Experiment.parse(table(rows)).report("cost")["metrics"][0]
    y = [np.array([row[4] for row in arm]) for arm in arms(rows)]
    theta = 0.0
    if with_pre:
        x = [np.array([row[5] for row in arm]) for arm in arms(rows)]
        centred = [(a - a.mean(), b - b.mean()) for a, b in zip(x, y)]
        theta = sum((a * b).sum() for a, b in centred) / sum((a * a).sum() for a, _ in centred)
        mean = np.concatenate(x).mean()
        y = [b - theta * (a - mean) for a, b in zip(x, y)]
    want = stats.ttest_ind(y[1], y[0], equal_var=False)
    assert got["theta"] == pytest.approx(theta, abs=1e-8)
    assert got["effect"] == pytest.approx(y[1].mean() - y[0].mean(), abs=1e-8)
    assert got["at_end"]["t"] == pytest.approx(want.statistic, abs=1e-8)
    assert got["at_end"]["p"] == pytest.approx(want.pvalue, abs=1e-8)
    errors = [v.var(ddof=1) / len(v) for v in y]
    df = sum(errors) ** 2 / sum(e * e / (len(v) - 1) for e, v in zip(errors, y))
    half = stats.t.ppf(0.975, df) * math.sqrt(sum(errors))
    effect = y[1].mean() - y[0].mean()
    assert got["at_end"]["interval"] == pytest.approx([effect - half, effect + half], abs=1e-8)
    shift = 0.05 * abs(np.mean([row[4] for row in arms(rows)[0]])) / math.sqrt(sum(errors))
    limit = stats.t.ppf(0.975, df)
    power = stats.nct.sf(limit, df, shift) + stats.nct.cdf(-limit, df, shift)
    assert got["at_end"]["power"] == pytest.approx(power, abs=1e-8)
    counts = [len(v) for v in y]
    assert got["sample_ratio_p"] == pytest.approx(stats.chisquare(counts).pvalue, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_many_looks_are_the_mixture_of_noncentral_t(seed):
    """The closed form against the integral over effects it stands for."""
    stats = pytest.importorskip("scipy.stats")
    integrate = pytest.importorskip("scipy.integrate")
    np = pytest.importorskip("numpy")
    rows = draw(seed, 40, False)
    got = spotopt.Experiment.parse(table(rows)).report("cost")["metrics"][0]
    largest = 1.0
    for n in range(3, 41):
        y = [np.array([row[4] for row in arm]) for arm in arms(rows[:n])]
        if min(map(len, y)) == 0:
            continue
        df, pairs = n - 2, 1.0 / (1.0 / len(y[0]) + 1.0 / len(y[1]))
        spread = sum(((v - v.mean()) ** 2).sum() for v in y) / df
        t = (y[1].mean() - y[0].mean()) * math.sqrt(pairs / spread)
        ratio = integrate.quad(
            lambda d: stats.nct.pdf(t, df, d * math.sqrt(pairs)) * stats.norm.pdf(d, 0.0, 0.2), -1.6, 1.6
        )[0] / stats.t.pdf(t, df)
        largest = max(largest, ratio)
    assert got["always"]["p"] == pytest.approx(1.0 / largest, rel=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_few_units_are_permuted(seed):
    rows = draw(seed, 11, False)
    got = spotopt.Experiment.parse(table(rows)).report("cost")["metrics"][0]
    values, treated = [row[4] for row in rows], sum(row[2] == "new" for row in rows)

    def difference(picked):
        inside = [values[i] for i in picked]
        return abs(sum(inside) / treated - (sum(values) - sum(inside)) / (len(values) - treated))

    seen = difference([i for i, row in enumerate(rows) if row[2] == "new"])
    every = [difference(picked) for picked in itertools.combinations(range(11), treated)]
    want = sum(one >= seen - 1e-12 for one in every) / len(every)
    assert got["permutation_p"] == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("events", [(30, 12), (0, 7), (5, 5), (3, 40)])
def test_rates_are_the_binomial_test(events):
    stats = pytest.importorskip("scipy.stats")
    hours = (210.5, 190.25)
    rows = []
    for k, arm in enumerate(("control", "new")):
        rows.append((arm, 1.0, arm, "interruptions", float(events[k]), None))
        rows.append((arm, 1.0, arm, "node_hours", hours[k], None))
    experiment = spotopt.Experiment.parse(table(rows))
    got = experiment.report("interruptions", exposure="node_hours")["rates"][0]
    share = hours[1] / sum(hours)
    want = stats.binomtest(events[1], sum(events), share)
    assert got["p"] == pytest.approx(want.pvalue, abs=1e-8)
    low, high = want.proportion_ci(0.95, "exact")
    odds = hours[0] / hours[1]
    assert got["interval"][0] == pytest.approx(odds * low / (1 - low), abs=1e-8)
    if high < 1.0:
        assert got["interval"][1] == pytest.approx(odds * high / (1 - high), rel=1e-8)
    else:
        assert got["interval"][1] is None


@pytest.mark.parametrize("sizes,ties", [((5, 7), False), ((40, 30), False), ((40, 30), True)])
def test_a_canary_is_judged_by_mann_and_whitney(sizes, ties):
    stats = pytest.importorskip("scipy.stats")
    np = pytest.importorskip("numpy")
    rng = random.Random(2)
    samples = [[rng.gauss(100 + 4 * k, 8) for _ in range(n)] for k, n in enumerate(sizes)]
    if ties:
        samples = [[round(v / 4) * 4.0 for v in sample] for sample in samples]
    rows = [
        ("%s%d" % (arm, i), float(i), arm, "latency_ms", v, None)
        for arm, sample in zip(("control", "new"), samples)
        for i, v in enumerate(sample)
    ]
    got = spotopt.Experiment.parse(table(rows)).canary({"latency_ms": {"direction": "increase"}})
    found = got["metrics"][0]
    want = stats.mannwhitneyu(samples[1], samples[0], alternative="two-sided")
    assert found["p"] == pytest.approx(want.pvalue, abs=1e-8)
    every = np.subtract.outer(np.array(samples[1]), np.array(samples[0])).ravel()
    assert found["shift"] == pytest.approx(np.median(every), abs=1e-9)


def test_arms_can_be_told_elsewhere():
    for i in range(200):
        unit = "node-%d" % i
        digest = hashlib.sha256(("salt:" + unit).encode()).digest()
        part = int.from_bytes(digest[:8], "big") / 2**64
        assert spotopt.assign("salt", unit, (1.0, 3.0)) == (0 if part < 0.25 else 1)


def test_errors_name_what_was_wanted():
    with pytest.raises(spotopt.InputError, match=r"t.csv:3: arm is \"b\""):
        spotopt.Experiment.parse("unit,time_s,arm,metric,value\nu,1,a,m,1\nu,2,b,m,1\n", name="t.csv")
    experiment = spotopt.Experiment.parse(table(draw(1, 30, False)))
    assert experiment.metrics == ["cost"]
    with pytest.raises(spotopt.ArgumentError, match="no such metric"):
        experiment.report("latency")
    with pytest.raises(spotopt.ArgumentError, match="no such arm"):
        experiment.report(control="old")
    with pytest.raises(spotopt.ArgumentError, match="alpha"):
        experiment.report(alpha=2.0)
    with pytest.raises(spotopt.ArgumentError, match="direction"):
        experiment.canary({"cost": {"direction": "up"}})
    with pytest.raises(spotopt.ArgumentError, match="lower"):
        experiment.report(better="more")
    assert json.dumps(experiment.report())
