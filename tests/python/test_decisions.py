# SPDX-License-Identifier: Apache-2.0
"""What is asked and answered: plans, risks, rankings, packings, drains, funnels."""
import array
import copy
import datetime
import json
import math
import shutil
import subprocess

import pytest

import spotopt


@pytest.fixture(scope="module")
def plan(cluster, data):
    catalog = spotopt.Catalog.parse((data / "catalog.json").read_bytes(), name="catalog.json")
    return spotopt.plan(cluster=cluster, catalog=catalog, now=1793610000.0, work=2000)


def test_a_plan_sums_up_what_its_document_says(plan, cluster):
    summary, document = plan.summary, plan.to_dict()
    assert document["kind"] == "Plan" and document == json.loads(plan.to_json())
    told = document["summary"]
    assert summary.before_nodes == told["before"]["nodes"] == cluster.node_count
    assert summary.after_nodes == told["after"]["nodes"]
    assert summary.after_usd_per_hour == pytest.approx(told["after"]["usd_per_hour"])
    assert summary.moves == told["moves"]
    assert summary.pods_unplaced == told["pods_unplaced"] == len(document["unplaced"])


def test_a_plan_holds_before_an_independent_judge(plan, cluster, catalog):
    for form in (plan, plan.to_json(), plan.to_json().encode(), plan.to_dict()):
        assert spotopt.check_plan(form, cluster=cluster, catalog=catalog) == []


def test_a_plan_tampered_with_does_not_hold(plan, cluster, catalog):
    document = copy.deepcopy(plan.to_dict())
    node = next(n for n in document["nodes"] if n["pods"])
    node["pods"] = node["pods"][1:]
    faults = spotopt.check_plan(document, cluster=cluster, catalog=catalog)
    assert faults and all(isinstance(line, str) for line in faults)


def test_a_plan_of_other_inputs_is_a_mismatch(plan, cluster, catalog):
    prices = catalog.prices()
    prices[0] *= 2
    catalog.set_prices(prices)
    with pytest.raises(spotopt.MismatchError):
        spotopt.check_plan(plan, cluster=cluster, catalog=catalog)


def test_equal_inputs_give_equal_bytes(plan, cluster, catalog, now):
    again = spotopt.plan(cluster=cluster, catalog=catalog, now=now, work=2000)
    assert again.to_json() == plan.to_json()


def test_now_may_be_an_aware_datetime(plan, cluster, catalog):
    moment = datetime.datetime(2026, 11, 2, 9, tzinfo=datetime.timezone.utc)
    assert spotopt.plan(cluster=cluster, catalog=catalog, now=moment, work=2000).to_json() == plan.to_json()
    with pytest.raises(ValueError, match="no time zone"):
        spotopt.plan(cluster=cluster, catalog=catalog, now=datetime.datetime(2026, 11, 2, 9))


def test_options_come_as_an_object_or_as_keywords_which_win(cluster, catalog, now, plan):
    options = spotopt.Options(work=2000, seed=1)
    one = spotopt.plan(cluster=cluster, catalog=catalog, now=now, options=options)
    assert one.to_json() == plan.to_json()
    with pytest.raises(spotopt.ArgumentError, match='the nearest is "work"'):
        spotopt.plan(cluster=cluster, catalog=catalog, now=now, wrok=1)
    with pytest.raises(spotopt.ArgumentError, match="option seed"):
        spotopt.plan(cluster=cluster, catalog=catalog, now=now, options=options, seed=-1)


def test_what_is_missing_or_of_the_wrong_kind_is_refused(cluster, catalog, now):
    with pytest.raises(spotopt.ArgumentError):
        spotopt.plan(cluster=None, catalog=catalog, now=now)
    with pytest.raises(TypeError):
        spotopt.plan(cluster=catalog, catalog=cluster, now=now)
    with pytest.raises(TypeError):
        spotopt.plan(cluster=cluster, catalog=catalog)
    with pytest.raises(spotopt.ArgumentError):
        spotopt.risk(None, now=now)
    with pytest.raises(spotopt.ArgumentError):
        spotopt.rank(None, "cpu=1", now=now)


def test_a_forecast_and_its_columns_agree(catalog, history):
    risk = spotopt.risk(catalog, history=history, now=1e9)
    p, low, high = risk.columns(4.0)
    assert len(p) == len(low) == len(high) == len(catalog)
    for pool in (0, len(catalog) // 2, len(catalog) - 1):
        one = risk.at(pool, 4.0)
        assert (one.p, one.low, one.high) == (p[pool], low[pool], high[pool])
        assert 0.0 <= one.low <= one.p <= one.high <= 1.0
    on_demand = next(i for i, pool in enumerate(catalog) if pool.purchase == "on-demand")
    assert risk.at(on_demand, 24.0).flags & spotopt.RiskFlag.NONE
    assert risk.at(on_demand, 24.0).p == 0.0


def test_risk_columns_go_where_they_are_told(catalog):
    risk = spotopt.risk(catalog, now=0)
    mine = array.array("d", bytes(8 * len(catalog)))
    p, low, _ = risk.columns(24, low=mine)
    assert low is mine and p is not mine
    with pytest.raises(spotopt.ArgumentError, match="out_low has 1 items"):
        risk.columns(24, low=array.array("d", [0.0]))
    with pytest.raises(spotopt.ArgumentError):
        risk.columns(24, p=array.array("d"), low=array.array("d"), high=array.array("d"))
    with pytest.raises(spotopt.ArgumentError):
        risk.at(len(catalog), 24)
    with pytest.raises(spotopt.ArgumentError):
        risk.at(0, -1)


def test_a_ranking_is_a_sequence_best_first(catalog, policy, now):
    ranking = spotopt.rank(catalog, {"cpu": 4, "memory": "16Gi"}, policy=policy, now=now)
    scores = [place.score for place in ranking]
    assert len(ranking) == len(scores) > 10
    assert scores == sorted(scores, reverse=True)
    document = ranking.to_dict()
    assert document["kind"] == "Ranking"
    assert document["pools"][0]["pool"] == catalog[ranking[0].pool].id
    assert ranking.switch() is None
    last = catalog[ranking[len(ranking) - 1].pool].id
    advice = spotopt.rank(catalog, "cpu=4,memory=16Gi", policy=policy, now=now, current=last, since=now, noticed=True).switch()
    assert advice["verdict"] == "move" and advice["why"] == "notice" and advice["to"] == document["pools"][0]["pool"]
    assert ranking.to_json() == spotopt.rank(catalog, "cpu=4,memory=16Gi", policy=policy, now=now).to_json()
    with pytest.raises(IndexError):
        ranking[len(ranking)]
    with pytest.raises(spotopt.ArgumentError):
        spotopt.rank(catalog, "cpu=lots", now=now)


def test_funnels_merge_in_any_order_to_the_same_bytes(plan, catalog, now):
    one, two = plan.funnel(), spotopt.rank(catalog, "cpu=1", now=now).funnel()
    texts = []
    for order in ((one, two), (two, one)):
        total = spotopt.Funnel()
        for funnel in order:
            total.merge(funnel)
        texts.append((total.to_json(), total.to_openmetrics()))
    assert texts[0] == texts[1]
    assert total.to_dict()["kind"] == "Funnel"
    assert texts[0][1].endswith("# EOF\n")
    with pytest.raises(TypeError):
        total.merge(None)
    with pytest.raises(spotopt.InputError):
        spotopt.Funnel.parse("{}")


def small_problem():
    problem = spotopt.Problem(["cpu", "memory"])
    a = problem.add_pool("A", [4, 8], 1.0, labels={"zone": "a"})
    b = problem.add_pool("B", [2, 4], 0.75, max=3, labels={"zone": "b"})
    web = problem.add_demand("web", [1, 1], count=4)
    return problem, a, b, web


def test_a_problem_built_by_hand_is_packed():
    problem, a, _, web = small_problem()
    packing = spotopt.pack(problem, gap_rel=0)
    assert (packing.outcome, packing.cost, packing.bound, packing.gap) == ("optimal", 1.0, 1.0, 0.0)
    assert packing.rows == [spotopt.PackingRow(pool=a, node=None, count=1, holds={web: 4})]
    assert packing.why == [] and packing.unplaced(web) == 0
    assert packing.stats.seconds >= 0.0
    assert packing.to_dict()["nodes"] == [{"pool": "A", "count": 1, "holds": {"web": 4}}]


def test_a_document_and_the_problem_built_by_hand_pack_alike():
    problem, _, _, _ = small_problem()
    document = {
        "apiVersion": "spotopt/v1", "kind": "PackingProblem", "resources": ["cpu", "memory"],
        "pools": [{"id": "A", "capacity": [4, 8], "cost": 1.0, "labels": {"zone": "a"}},
                  {"id": "B", "capacity": [2, 4], "cost": 0.75, "max": 3, "labels": {"zone": "b"}}],
        "demands": [{"id": "web", "request": [1, 1], "count": 4}]}
    by_hand = spotopt.pack(problem).to_json()
    for form in (document, json.dumps(document), json.dumps(document).encode()):
        assert spotopt.pack(form).to_json() == by_hand


def test_rules_and_running_nodes_count():
    problem, a, b, web = small_problem()
    node = problem.add_node("n1", b, cost=0.5, holds={web: 2}, fixed={web: 1})
    problem.add_rule("at_most", demands=[web], per="node", count=2)
    problem.add_rule("mean", pools=[a, b], values=[0.5, 0.1], of="nodes", max=0.2)
    assert (problem.pools, problem.demands, problem.nodes, problem.rule_count) == (["A", "B"], ["web"], ["n1"], 2)
    packing = spotopt.pack(problem, gap_rel=0)
    assert packing.cost == 1.25
    assert [(row.pool, row.node, row.holds) for row in packing.rows if row.node is not None] == [(b, node, {web: 2})]
    assert all(max(row.holds.values()) <= 2 for row in packing.rows)


def test_what_cannot_be_placed_is_an_answer_with_a_reason():
    problem, _, _, _ = small_problem()
    big = problem.add_demand("big", [99, 1])
    packing = spotopt.pack(problem)
    assert packing.outcome == "infeasible"
    assert math.isnan(packing.cost)
    assert packing.unplaced(big) == 1
    assert any(demand == big and "cpu" in text for demand, text in packing.why)
    assert packing.certificate == spotopt.PackingCertificate("demand", True, {big: 1}, [], [])
    assert packing.to_dict()["certificate"]["demands"] == {"big": 1}


@pytest.mark.parametrize("add, says", [
    (lambda p: p.add_pool("C", [1], 1), "capacity has 1 items; want 2"),
    (lambda p: p.add_demand("api", [1, 2, 3]), "request has 3 items; want 2"),
    (lambda p: p.add_node("n", 0, capacity=[1]), "capacity has 1 items; want 2"),
    (lambda p: p.add_rule("mean", pools=[0, 1], values=[1.0]), "values has 1 items; want 2"),
    (lambda p: p.add_rule("never"), "rule is 'never'; want one of at_most"),
    (lambda p: p.add_pool("A", [1, 1], 1), "A"),
])
def test_a_problem_refuses_what_does_not_fit(add, says):
    problem, _, _, _ = small_problem()
    with pytest.raises(spotopt.ArgumentError, match=says):
        add(problem)


def test_a_solved_problem_is_sealed():
    problem, _, _, _ = small_problem()
    spotopt.pack(problem)
    with pytest.raises(spotopt.StateError):
        problem.add_pool("C", [1, 1], 1)
    assert spotopt.pack(problem).outcome == "optimal"


def test_resource_names_are_a_list_of_str():
    for names in ("cpu", [1], 7):
        with pytest.raises(TypeError):
            spotopt.Problem(names)


def test_a_drain_is_planned_for_nodes_by_name(cluster, catalog):
    drain = spotopt.drain(cluster, cluster.nodes[:2], catalog=catalog)
    document = drain.to_dict()
    assert document["kind"] == "DrainPlan"
    assert drain.blocked_count == len(document["blocked"])
    assert drain.lost_count == len(document["lost"]) == 0
    assert drain.makespan_s == document["makespan_s"] > 0
    with pytest.raises(spotopt.ArgumentError, match='"nowhere"'):
        spotopt.drain(cluster, ["nowhere"])
    with pytest.raises(TypeError):
        spotopt.drain(cluster, cluster.nodes[0])


def test_a_drain_goes_to_the_fleet_of_a_plan(cluster, catalog):
    plan = spotopt.plan(cluster=cluster, catalog=catalog, now=1793610000)
    wanted = {pod: node["name"] for node in plan.to_dict()["nodes"] for pod in node["pods"]}
    drain = spotopt.drain(cluster, plan=plan).to_dict()
    moved = {step["pod"]: step["to"] for wave in drain["waves"] for step in wave["steps"] if step["do"] == "evict"}
    assert moved and drain["blocked"] == []
    assert all(wanted[pod] == to for pod, to in moved.items())
    assert spotopt.drain(cluster, plan=plan.to_dict(), now=1793610000).to_dict() == drain
    with pytest.raises(TypeError, match="nodes"):
        spotopt.drain(cluster)
    with pytest.raises(spotopt.InputError, match="Plan"):
        spotopt.drain(cluster, plan={"apiVersion": "spotopt/v1", "kind": "Ranking"})


def test_a_rehearsal_breaks_no_budget(cluster, catalog):
    nodes = cluster.nodes[3:7]
    smooth = spotopt.rehearse(cluster, nodes, catalog=catalog, refused=0.0, slow=0.0, elsewhere=0.0, node_lost=0.0,
                              launch_failed=0.0, jitter=False)
    assert smooth.plan_count == 1 and smooth.fault_count == 0
    assert smooth.makespan_s == spotopt.drain(cluster, nodes, catalog=catalog).makespan_s
    for seed in range(10):
        rough = spotopt.rehearse(cluster, nodes, catalog=catalog, seed=seed, refused=0.3)
        document = rough.to_dict()
        assert document["kind"] == "DrainSimulation" and document["plans"] == rough.plan_count
        assert rough.fault_count == 0 and rough.is_drained == (document["outcome"] == "drained")
    with pytest.raises(spotopt.ArgumentError, match="0 .. 1"):
        spotopt.rehearse(cluster, nodes, refused=2.0)


def test_constants_are_those_of_the_header():
    from spotopt import core, rows
    for flag in spotopt.RiskFlag:
        assert getattr(core, "RISK_" + flag.name) == flag
    for number, name in rows.outcomes.items():
        assert getattr(core, "OUTCOME_" + name.upper()) == number
    for name, number in rows.rules.items():
        assert getattr(core, "RULE_" + name.upper()) == number


def test_a_packing_begins_with_an_earlier_one():
    def problem(withdrawn):
        made = spotopt.Problem(["cpu"])
        for name in "AB":
            made.add_pool(name, [4], 1.0 if name == "A" else 1.25, max=0 if name == withdrawn else None)
        made.add_demand("web", [1], count=8)
        return made
    first = spotopt.pack(problem(None))
    assert first.cost == 2.0
    for previous in (first, first.to_json(), first.to_json().encode(), first.to_dict()):
        again = spotopt.pack(problem("A"), previous=previous)
        assert again.cost == 2.5 and {row.pool for row in again.rows} == {1}
    with pytest.raises(spotopt.Error, match="/outcome"):
        spotopt.pack(problem(None), previous={"kind": "PackingResult"})


def test_explaining_counts_more_and_drops_the_same(cluster, catalog, now):
    policy = spotopt.Policy.parse('{"allow":{"families":["m5"],"max_usd_per_hour":0.1}}')
    plain = spotopt.plan(cluster=cluster, catalog=catalog, policy=policy, now=now, work=1).to_dict()
    explained = spotopt.plan(cluster=cluster, catalog=catalog, policy=policy, now=now, work=1, explain=1).to_dict()
    for one, other in zip(plain["funnel"]["stages"], explained["funnel"]["stages"]):
        also = other.pop("also", {})
        assert one == other
        assert all(also[reason] >= count for reason, count in other["drops"].items())


def test_a_recorder_counts_windows():
    recorder = spotopt.Recorder(now=100.0)
    for second in range(1, 7201):
        recorder.add(None if second % 2 else spotopt.Drop.QUOTA, against=[spotopt.Drop.QUOTA, spotopt.Drop.FAMILY])
        recorder.took(spotopt.Stage.FITS, 0.002)
        recorder.tick(100.0 + second)
    recorder.decided(3, 5)
    everything, hour = recorder.funnel().to_dict()["funnel"], recorder.funnel(3600.0).to_dict()["funnel"]
    assert everything["in"] == 7200 and 3600 <= hour["in"] <= 3660
    assert everything["chosen"] == 3 and everything["stages"][6]["drops"] == {"quota_too_small": 3600}
    assert everything["stages"][2]["also"] == {"family_not_allowed": 7200}
    assert everything["stages"][1]["latency"]["p99_s"] == pytest.approx(0.002, rel=0.01)


def test_metrics_suit_prometheus(plan):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool")
    recorder = spotopt.Recorder()
    recorder.add(spotopt.Drop.PRICE_CAP)
    recorder.took(spotopt.Stage.SCOPE, 0.5)
    for funnel in (plan.funnel(), recorder.funnel()):
        told = subprocess.run([promtool, "check", "metrics"], input=funnel.to_openmetrics(), text=True, capture_output=True)
        assert (told.returncode, told.stdout + told.stderr) == (0, "")
