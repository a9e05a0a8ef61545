# SPDX-License-Identifier: Apache-2.0
"""Models of risk: fitted, kept, asked, explained; and given to what decides."""
import json
import math
import random

import pytest

import spotopt

DAY = 86400
FIT = dict(from_s=DAY, to_s=15 * DAY, calibrate_to_s=20 * DAY)
NOW = 20 * DAY


def simulated(seed=1, pools=6, days=28, step=1800):
    """Pools that have good hours and bad ones; a node comes back half an hour after it was lost."""
    rng = random.Random(seed)
    rows = ["pool,region,zone,instance_type,time_s,nodes_up"]
    for pool in range(pools):
        where, up, bad = f"p{pool},r{pool % 2},r{pool % 2}{'abc'[pool % 3]},m5.large", 3, False
        rows.append(f"{where},0,3")
        for t in range(step, days * DAY, step):
            bad = rng.random() < (0.95 if bad else 0.03)
            new = max(0, up - 1) if rng.random() < (0.35 if bad else 0.01) else min(3, up + 1)
            if new != up:
                rows.append(f"{where},{t},{new}")
            up = new
        rows.append(f"{where},{days * DAY},")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def seen():
    return spotopt.History.parse(simulated())


@pytest.fixture(scope="module")
def model(seen):
    return spotopt.fit(seen, id="simulated", **FIT)


@pytest.fixture(scope="module")
def risk(seen, model):
    return spotopt.risk(history=seen, model=model, now=NOW)


def test_the_card_says_what_the_model_was_made_of(model):
    card, document = model.card, model.to_dict()
    assert (card.id, card.target) == ("simulated", "drop")
    assert (card.from_s, card.to_s, card.calibrate_to_s, card.step_s) == (DAY, 15 * DAY, 20 * DAY, 900)
    assert card.pools == 6 and 0 < card.events < card.rows <= 6 * 14 * 96
    assert len(card.history_sha256) == 64 and document["kind"] == "Model" and document["id"] == "simulated"
    assert len(model.features) == card.feature_count > 0
    assert all(one.scale > 0 and one.name and one.group for one in model.features)
    assert model.metrics == []
    assert "simulated" in repr(model)


def test_a_document_read_again_is_the_same_model(seen, model, risk):
    text = model.to_json()
    for again in (spotopt.Model.parse(text), spotopt.Model.parse(text.encode(), name="m.json")):
        assert again.to_json() == text
        assert again.card == model.card and again.features == model.features
        assert spotopt.risk(history=seen, model=again, now=NOW).to_json() == risk.to_json()
    # Only what is asked for differs.
    assert spotopt.fit(seen, id="simulated", **FIT).to_json() == text
    plain = spotopt.fit(seen, from_s=DAY, to_s=15 * DAY)
    assert plain.card.calibrate_to_s == plain.card.to_s and plain.card.id == "model"
    assert spotopt.fit(seen, availability=True, **FIT).card.target == "availability"
    # Each choice of a fit reaches it.
    assert spotopt.fit(seen, free=True, **FIT).features != model.features
    assert spotopt.fit(seen, ridge=1e9, **FIT).features[2].beta < model.features[2].beta


def test_metrics_of_a_card_are_told(model):
    document = model.to_dict()
    document["card"]["metrics"] = [
        {"metric": "auc", "horizon_hours": 1, "value": 0.75, "low": 0.7, "high": 0.8}]
    metrics = spotopt.Model.parse(json.dumps(document)).metrics
    assert metrics == [spotopt.ModelMetric("auc", 1.0, 0.75, 0.7, 0.8)]


def test_chances_are_within_their_intervals_and_grow_with_the_horizon(risk):
    assert len(risk) == 6 and risk.pools == ["p%d" % i for i in range(6)]
    for columns in (risk.columns, risk.drop_columns):
        before = [0.0] * 6
        for horizon_h in (0.25, 0.5, 1, 2, 4, 7.5, 24, 48):
            p, low, high = columns(horizon_h)
            assert all(0 <= a <= b <= c <= 1 for a, b, c in zip(low, p, high))
            assert all(a <= b for a, b in zip(before, p)), horizon_h
            before = p
    # A pool is lost a node at least as often as one of its nodes is lost.
    assert all(node <= drop for node, drop in zip(risk.columns(4)[0], risk.drop_columns(4)[0]))
    for pool in range(6):
        one = risk.at(pool, 4)
        assert one.p == risk.columns(4)[0][pool]
        assert spotopt.RiskFlag.HAZARD in one.flags and spotopt.RiskFlag.FALLBACK not in one.flags


def test_the_past_alone_counts(seen, model, risk):
    rows = simulated().splitlines()
    known = [row for row in rows[1:] if float(row.split(",")[4]) <= NOW]
    early = spotopt.History.parse("\n".join(rows[:1] + known) + "\n")
    assert list(spotopt.risk(history=early, model=model, now=NOW).drop_columns(4)[0]) == list(risk.drop_columns(4)[0])


def test_columns_are_numpy_arrays_uncopied(risk):
    np = pytest.importorskip("numpy")
    for columns in (risk.columns, risk.drop_columns):
        held = np.full((3, 6), np.nan)
        out = columns(4, *held)
        assert np.shares_memory(np.asarray(out[0]), held) and np.isfinite(held).all()
        assert np.array_equal(held, np.asarray(columns(4)))
        for wrong in (np.zeros(5), np.zeros(6, dtype=np.float32), np.zeros(12)[::2]):
            with pytest.raises((spotopt.ArgumentError, TypeError, ValueError, BufferError)):
                columns(4, wrong)
        with pytest.raises(spotopt.ArgumentError):
            columns(4, np.zeros(6), np.zeros(5))


def test_contributions_add_up_to_log_odds(risk, model):
    names = [one.name for one in model.features] + ["evidence"]
    bases = set()
    for pool in range(6):
        for horizon_h in (1, 4, 10, 24):
            told = risk.explain(pool, horizon_h)
            p = risk.drop_columns(horizon_h)[0][pool]
            assert list(told.contributions) == names
            assert told.total == pytest.approx(math.log(p / (1 - p)), abs=1e-9)
            assert told.base + math.fsum(told.contributions.values()) == pytest.approx(told.total, abs=1e-9)
            bases.add((horizon_h, told.base))
    assert len(bases) == 4  # the mean pool is one and the same


def test_forecasts_are_written_as_a_document(risk):
    document = risk.to_dict()
    assert (document["kind"], document["now_s"]) == ("RiskForecast", NOW)
    assert document["horizons_hours"] == [1, 4, 24]
    assert json.loads(risk.to_json([2.0]))["horizons_hours"] == [2]
    for pool, row in enumerate(document["pools"]):
        assert row["pool"] == risk.pools[pool] and row["flags"] == ["hazard"]
        assert row["p_drop"]["4"] == [column[pool] for column in risk.drop_columns(4)]
        assert row["p"]["24"] == [column[pool] for column in risk.columns(24)]
        told, parts = risk.explain(pool, 1), row["explanation"]
        assert (parts["base_log_odds"], parts["log_odds"]) == pytest.approx((told.base, told.total))
        assert sum(parts["groups"].values()) == pytest.approx(told.total - told.base, abs=1e-9)


def test_without_enough_seen_or_without_a_model_layers_below_forecast(seen, model):
    late = spotopt.risk(history=seen, model=model, now=40 * DAY)
    assert spotopt.RiskFlag.FALLBACK in late.at(0, 1).flags and spotopt.RiskFlag.HAZARD not in late.at(0, 1).flags
    plain = spotopt.risk(history=seen, now=NOW)
    assert plain.at(0, 1).flags == spotopt.RiskFlag.EVIDENCE
    for none in (late, plain):
        with pytest.raises(spotopt.StateError, match="no model forecasts pool 0"):
            none.explain(0, 1)


def test_what_is_off_is_told_with_its_place(seen, model, risk):
    with pytest.raises(spotopt.InputError, match="bad.json"):
        spotopt.Model.parse("{}", name="bad.json")
    broken = model.to_dict()
    broken["hazard"]["features"][1]["name"] = "phase_of_the_moon"
    with pytest.raises(spotopt.InputError, match=r"model.*features.*1.*phase_of_the_moon"):
        spotopt.Model.parse(json.dumps(broken))
    with pytest.raises(spotopt.ArgumentError, match="fit window"):
        spotopt.fit(seen, from_s=15 * DAY, to_s=DAY)
    with pytest.raises(spotopt.ArgumentError, match="calibrate_to_s"):
        spotopt.fit(seen, from_s=DAY, to_s=15 * DAY, calibrate_to_s=DAY)
    for key, value in (("step_s", 0.0), ("ridge", 0.0), ("id", "not an id"), ("to_s", math.nan)):
        with pytest.raises(spotopt.ArgumentError, match=key.replace("to_s", "window")):
            spotopt.fit(seen, **dict(FIT, **{key: value}))
    with pytest.raises(spotopt.InputError):
        spotopt.fit(seen, from_s=100 * DAY, to_s=110 * DAY)
    with pytest.raises(spotopt.ArgumentError):
        spotopt.fit(None, **FIT)
    with pytest.raises(spotopt.ArgumentError):
        spotopt.risk(model=model, now=NOW)
    with pytest.raises(spotopt.ArgumentError, match="pool is 6"):
        risk.explain(6, 1)
    for wrong in (0.0, -1.0, math.nan):
        for ask in (risk.columns, risk.drop_columns, lambda h: risk.explain(0, h), lambda h: risk.to_json([h])):
            with pytest.raises(spotopt.ArgumentError):
                ask(wrong)


def test_a_fit_tells_how_far_it_is_and_can_be_stopped(seen):
    rows = []
    spotopt.fit(seen, progress=rows.append, **FIT)
    assert all(isinstance(row, spotopt.Progress) for row in rows)
    if rows:
        with pytest.raises(spotopt.CancelledError):
            spotopt.fit(seen, progress=lambda row: True, **FIT)


def test_models_are_judged_as_they_are_and_as_documents(seen, model):
    window = dict(from_s=20 * DAY, to_s=28 * DAY, step_s=3600)
    is_ = spotopt.Evaluation.judge(seen, model=model, **window)
    assert is_.forecasts[0] == "simulated"
    assert is_.to_json() == spotopt.Evaluation.judge(seen, model=model.to_json(), **window).to_json()
    assert is_.at(0, 0).auc > 0.65  # bad hours last, so that a drop tells of the next
    other = spotopt.fit(seen, id="other", ridge=1e6, **FIT)
    assert spotopt.Evaluation.judge(seen, model=model, against=other, **window).forecasts[:2] == ["simulated", "other"]
    peeked = spotopt.Evaluation.judge(seen, 10 * DAY, 20 * DAY, model=model, step_s=3600)
    assert peeked.gate(0, 1)["passed"] is False  # it was fitted to what it is judged on


def test_plans_and_rankings_take_a_model(cluster, catalog, history, now):
    held = spotopt.fit(history, from_s=now - 3 * DAY, to_s=now - DAY, calibrate_to_s=now, id="sample")
    given = dict(cluster=cluster, catalog=catalog, history=history)
    plan = spotopt.plan(now=now, model=held, **given)
    assert spotopt.check_plan(plan, model=held, **given) == []
    with pytest.raises(spotopt.MismatchError):
        spotopt.check_plan(plan, **given)
    plain, ranked = (spotopt.rank(catalog, "cpu=4,memory=16Gi", history=history, now=now, model=one)
                     for one in (None, held))
    assert len(plain) == len(ranked) and plain.to_json() != ranked.to_json()
