# SPDX-License-Identifier: Apache-2.0
"""The books of a fleet from Python."""
import json
import math

import pytest

import spotopt

NOW = 1793610000000


@pytest.fixture
def events(source):
    return (source / "examples/data/events.jsonl").read_text()


def test_reports_tell_what_the_ledger_holds(events):
    ledger = spotopt.Ledger.parse(events)
    assert len(ledger) == len(events.splitlines()) and ledger.last_ms <= NOW
    for part in ("metrics", "savings", "topology", "history", "health", "activity", "overrides"):
        assert ledger.report(part, now_ms=NOW)["kind"] == "Fleet" + part.capitalize()
    with pytest.raises(spotopt.ArgumentError):
        ledger.report("weather")
    with pytest.raises(spotopt.ArgumentError):
        ledger.report("metrics", cluster="nowhere")


def test_savings_of_columns_are_those_of_the_series(events):
    total = spotopt.Ledger.parse(events).report("savings", now_ms=NOW, from_ms=NOW - 13 * 86400000)["total"]
    column = {key: [point[key] for point in total["series"]] for key in ("paid_usd", "losses_usd", "ode_usd", "bound_usd")}
    saved = spotopt.savings(column["paid_usd"], column["ode_usd"], losses_usd=column["losses_usd"],
                            bound_usd=column["bound_usd"])
    assert saved.gross == pytest.approx(total["gross_saving_frac"], abs=1e-12)
    assert saved.net == pytest.approx(total["net_saving_frac"], abs=1e-12)
    assert saved.optimization_rate == pytest.approx(total["optimization_rate"], abs=1e-12)
    assert math.isnan(spotopt.savings([1.0], [2.0]).optimization_rate)
    with pytest.raises(spotopt.ArgumentError):
        spotopt.savings([1.0], [2.0, 3.0])


def test_a_refused_row_leaves_the_ledger_as_it_was(events):
    ledger = spotopt.Ledger.parse(events)
    before = ledger.report("activity", now_ms=NOW)
    with pytest.raises(spotopt.InputError, match="type"):
        ledger.append('{"time_ms":1}\n')
    assert ledger.report("activity", now_ms=NOW) == before


def test_an_override_is_set_lifted_and_obeyed_by_the_policy():
    ledger = spotopt.Ledger.parse("")
    assert ledger.last_ms is None
    ledger.append(spotopt.override_row("o", "cluster", 1000, "me", "release", target="prod"))
    policy = spotopt.Policy.parse().with_overrides(ledger, 2000, cluster="prod").to_dict()
    assert [o["target"] for o in policy["overrides"]] == ["prod"]
    ledger.append(ledger.lift_override("o", 3000, "me"))
    with pytest.raises(spotopt.StateError):
        ledger.lift_override("o", 4000, "me")
    policy = spotopt.Policy.parse().with_overrides(ledger, 3000 + 900000, cluster="prod").to_dict()
    assert policy["overrides"] == [] and policy["spot"]["on_demand_frac"] == pytest.approx(0.75)
    with pytest.raises(spotopt.ArgumentError):
        spotopt.override_row("o", "planet", 1, "me", "why", target="x")


def test_a_clean_up_goes_from_found_to_approved(source, events):
    inventory = spotopt.Inventory.parse((source / "examples/data/inventory.json").read_text())
    found = spotopt.Cleanup.find(inventory, "storage", NOW)
    assert len(found) == 5
    ledger = spotopt.Ledger.parse(found.step("flagged", NOW, "me"))
    ledger.append(found.step("approved", NOW, "me", "agreed", ids=["vol-0c22"]))
    again = spotopt.Cleanup.find(inventory, "storage", NOW, ledger=ledger)
    assert again.to_dict() == found.to_dict()
    states = {item["id"]: item["state"] for item in json.loads(again.to_json())["items"]}
    assert states["vol-0c22"] == "approved" and states["snap-1"] == "flagged"
    with pytest.raises(spotopt.StateError):
        again.step("approved", NOW, "me", ids=["vol-0c22"])
    assert again.step("flagged", NOW, "me", ids=[]) == ""
    governance = spotopt.Cleanup.find(inventory, "governance", NOW, ledger=spotopt.Ledger.parse(events), allow=["i-lonely*"])
    assert len(governance) == 0
