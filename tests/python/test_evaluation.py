# SPDX-License-Identifier: Apache-2.0
"""Forecasts judged, and ledgers of models."""
import array
import json
import math
import random

import pytest

import spotopt

DAY = 86400


def history(seed=1):
    rng = random.Random(seed)
    rows = ["pool,region,zone,instance_type,time_s,nodes_up"]
    for pool in range(3):
        up = 2
        for t in range(0, 12 * DAY, 1800):
            new = up - 1 if up and rng.random() < 0.15 else min(2, up + 1)
            if new != up or t == 0:
                rows.append(f"p{pool},r,r{pool},m5.large,{t},{new}")
            up = new
        rows.append(f"p{pool},r,r{pool},m5.large,{12 * DAY},")
    return spotopt.History.parse("\n".join(rows) + "\n")


def slow_auc(p, y):
    pairs = [(a > b) + 0.5 * (a == b) for a, u in zip(p, y) if u == 1 for b, v in zip(p, y) if v == 0]
    return sum(pairs) / len(pairs)


def test_judges_a_history_and_its_own_rows_alike():
    e = spotopt.Evaluation.judge(history(), 6 * DAY, 12 * DAY, step_s=3600)
    assert e.forecasts == ["evidence", "recent", "constant"]
    assert e.horizons_h == [1.0, 4.0, 24.0]
    times, p, label = e.rows(1, 1)
    assert len(times) == len(p) == len(label) == len(e)
    again = spotopt.Evaluation.of_columns(times, label, {"recent": p}, [4.0], reference=[e.at(1, 1).reference])
    one, two = e.at(1, 1), again.at(0, 0)
    # Pools are not told here: all the rest agrees.
    assert one._replace(within_pool_auc=0) == two._replace(within_pool_auc=0)
    judged = [(a, b) for a, b in zip(p, label) if not math.isnan(b)]
    assert one.count == len(judged)
    assert one.auc == pytest.approx(slow_auc(*zip(*judged)), abs=1e-12)
    assert one.brier == pytest.approx(sum((a - b) ** 2 for a, b in judged) / len(judged), abs=1e-12)
    rows, forecast, seen = e.curve(1, 1)
    assert sum(rows) == one.count
    assert sum(n * abs(f - s) for n, f, s in zip(rows, forecast, seen)) / one.count == pytest.approx(one.ece)
    assert e.compare(0, 1).gain == pytest.approx(e.at(0).bss - e.at(1).bss)
    assert e.to_dict()["horizons"]["4h"]["n"] == one.count
    assert e.predictions().splitlines()[0] == "pool,time_s,p_1h,p_4h,p_24h"
    assert len(e.predictions().splitlines()) == len(e) + 1


def test_takes_numpy_arrays():
    np = pytest.importorskip("numpy")
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.05, 0.95, (3, 4000))
    label = (rng.uniform(size=truth.shape) < truth).astype(float)
    time_s = np.arange(4000) * 900.0
    e = spotopt.Evaluation.of_columns(
        time_s, label, {"truth": truth, "flat": np.full(truth.shape, 0.3)}, [1.0, 4.0, 24.0],
        pool=(np.arange(4000) % 5).astype(np.uint32),
    )
    assert e.gate(0, 1)["passed"] is True
    refused = e.gate(1, 0)
    assert refused["passed"] is False
    assert "skill_gain_low at 1h" in refused["why"]
    assert np.asarray(e.rows(0, 2)[1]).tolist() == truth[2].tolist()
    # Draws are numpy's own, so that its bootstrap gives the same interval.
    draws, days, boot = np.random.default_rng(7), np.floor(time_s / DAY), []
    where = {d: np.flatnonzero(days == d) for d in np.unique(days)}
    for _ in range(400):
        pick = np.concatenate([where[d] for d in draws.choice(np.unique(days), len(where))])
        y, p = label[0][pick], truth[0][pick]
        boot.append(1 - np.mean((p - y) ** 2) / np.mean((label[0].mean() - y) ** 2))
    assert (e.at().bss_low, e.at().bss_high) == pytest.approx(tuple(np.percentile(boot, [2.5, 97.5])), abs=1e-9)


def test_refuses_columns_that_do_not_fit():
    good = dict(time_s=[0.0, 900.0], label=[1.0, 0.0], forecasts={"a": [0.5, 0.5]}, horizons_h=[1.0])
    spotopt.Evaluation.of_columns(**good)
    for key, value in (("label", [1.0]), ("label", [0.5, 0.0]), ("forecasts", {"a": [0.5]}), ("forecasts", {"a": [2.0, 0.5]}),
                       ("horizons_h", [0.0]), ("forecasts", {})):
        with pytest.raises(spotopt.ArgumentError):
            spotopt.Evaluation.of_columns(**dict(good, **{key: value}))
    with pytest.raises(spotopt.ArgumentError):
        spotopt.Evaluation.of_columns(**good, pool=array.array("I", [1]))
    with pytest.raises(spotopt.InputError):
        spotopt.Evaluation.judge(history(), 6 * DAY, 12 * DAY, model="{}")
    with pytest.raises(spotopt.ArgumentError):
        spotopt.Evaluation.judge(None, 0, 1)


def test_models_live_in_a_ledger(source):
    document = (source / "tests/fuzz/corpus/model/random-0.json").read_text()
    id = json.loads(document)["id"]
    registry = spotopt.Registry.parse("")
    assert len(registry) == 0 and registry.to_dict()["current"] is None
    ledger = registry.upload(document, 1700000000000, author="ann", reason="first")
    registry = spotopt.Registry.parse(ledger)
    assert [(m["id"], m["state"], m["author"]) for m in registry.to_dict()["models"]] == [(id, "uploaded", "ann")]
    e = spotopt.Evaluation.judge(history(), 6 * DAY, 12 * DAY, model=document)
    assert e.forecasts[0] == id
    with pytest.raises(spotopt.StateError, match="does not graduate"):
        registry.graduate(id, e, 1700000000001)
    with pytest.raises(spotopt.StateError):
        registry.set_current(id, 1700000000001)
    with pytest.raises(spotopt.StateError):
        registry.upload(document, 1700000000001)
    ledger += registry.retire(id, 1700000000002, reason="bad")
    assert spotopt.Registry.parse(ledger).to_dict()["models"][0]["state"] == "retired"
    with pytest.raises(spotopt.InputError, match="led:1"):
        spotopt.Registry.parse("nonsense", name="led")
