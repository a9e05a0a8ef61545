# SPDX-License-Identifier: Apache-2.0
"""Policies tried on the past, from Python."""
import json

import pytest
import spotopt

CATALOG = """region,az_id,instance_type,arch,alloc_cpu_milli,alloc_memory_mib,max_pods,on_demand_usd_per_hour,spot_usd_per_hour
r,a,m5.large,amd64,1000,4096,10,1.0,0.25
r,b,m5.large,amd64,1000,4096,10,1.0,0.30
"""
HISTORY = """pool,region,zone,instance_type,time_s,nodes_up
pa,r,a,m5.large,0,1
pa,r,a,m5.large,7200,0
pa,r,a,m5.large,10800,1
pa,r,a,m5.large,172800,
pb,r,b,m5.large,0,1
pb,r,b,m5.large,172800,
"""
DEMAND = "time_s,demand,count,cpu_milli,memory_mib\n0,web,2,1000,1024\n"


def inputs():
    return dict(catalog=spotopt.Catalog.parse(CATALOG), history=spotopt.History.parse(HISTORY),
                demands=spotopt.DemandHistory.parse(DEMAND))


def test_all_methods_run_and_the_oracle_is_best():
    seen = []
    made = spotopt.replay(**inputs(), step_s=3600, progress=lambda now: seen.append(now) and None)
    got = made.to_dict()
    by = {p["policy"]: p for p in got["policies"]}
    assert list(by) == list(spotopt.replay_methods()) and len(made) == len(by)
    assert got["kind"] == "Replay" and got["steps"] == 48
    # Two nodes for two hours in a, then in b till the end; both lost once.
    assert by["cheapest"]["cost_usd"] == pytest.approx(2 * (2 * 0.25 + 46 * 0.30))
    assert by["cheapest"]["interruptions"] == 2
    # In b for the second and third hour: no loss, one move each way would cost 0.01 and two minutes more.
    assert by["oracle"]["objective_usd"] == pytest.approx(by["oracle"]["bound_usd"])
    assert all(p["objective_usd"] >= by["oracle"]["bound_usd"] - 1e-9 for p in got["policies"])
    assert json.loads(made.to_json()) == got


def test_policies_by_name_with_documents():
    calm = spotopt.Policy.parse(json.dumps({"kind": "Policy", "spot": {"enabled": False}}))
    got = spotopt.replay(**inputs(), policies={"mine": calm, "also": ("cheapest", calm), "plain": "cheapest"}).to_dict()
    by = {p["policy"]: p for p in got["policies"]}
    assert by["mine"]["method"] == "hazard" and by["also"]["method"] == "cheapest"
    assert by["mine"]["on_demand_frac"] == by["also"]["on_demand_frac"] == 1.0
    assert by["plain"]["on_demand_frac"] == 0.0
    assert {(c["policy"], c["against"]) for c in got["comparisons"]} == {
        ("also", "mine"), ("plain", "mine"), ("plain", "also")}


def test_prices_over_time_and_terms():
    prices = spotopt.PriceHistory.parse("pool,time_s,usd_per_hour\nm5.large/a/spot,0,0.5\nm5.large/a/spot,3600,0.1\n")
    assert len(prices) == 2
    terms = spotopt.Policy.parse(json.dumps({"kind": "Policy", "interruption": {"cost_usd": 7.0}}))
    got = spotopt.replay(**inputs(), prices=prices, terms=terms, policies=["cheapest"], step_s=3600, to_s=14400).to_dict()
    one = got["policies"][0]
    assert one["cost_usd"] == pytest.approx(2 * 4 * 0.30)  # b is cheaper at first, and nobody moves
    assert one["losses_usd"] == 0.0 and got["terms"]["interruption_usd"] == 7.0


def test_refusals_are_exceptions():
    with pytest.raises(spotopt.InputError, match="d.csv:2"):
        spotopt.DemandHistory.parse("time_s,demand,count,cpu_milli,memory_mib\n0,a,-1,1,1\n", name="d.csv")
    with pytest.raises(spotopt.ArgumentError, match="method"):
        spotopt.replay(**inputs(), policies=["best"])
    with pytest.raises(spotopt.CancelledError):
        spotopt.replay(**inputs(), step_s=1, startup_s=0, progress=lambda now: True)
    with pytest.raises(spotopt.InputError, match="window"):
        spotopt.replay(**inputs(), to_s=0.0)
