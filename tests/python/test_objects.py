# SPDX-License-Identifier: Apache-2.0
"""What is said: reading documents, sequences, columns, options, errors."""
import array
import json
import math

import pytest

import spotopt

TWO_POOLS = json.dumps({
    "apiVersion": "spotopt/v1", "kind": "Catalog",
    "instance_types": [{"name": "m", "arch": "amd64", "capacity": {"cpu": "2", "memory": "8Gi", "pods": "29"}}],
    "pools": [{"id": "m/a/spot", "instance_type": "m", "zone": "a", "purchase": "spot", "usd_per_hour": 0.25},
              {"id": "m/a/on-demand", "instance_type": "m", "zone": "a", "purchase": "on-demand",
               "usd_per_hour": 0.5}]})


def two_pools():
    return spotopt.Catalog.parse(TWO_POOLS)


def test_version_is_the_projects(source):
    text = (source / "meson.build").read_text()
    assert "version: '%s'" % spotopt.__version__ in text


@pytest.mark.parametrize("form", [str, str.encode, lambda t: bytearray(t.encode()), lambda t: memoryview(t.encode())])
def test_documents_come_as_str_or_bytes_or_buffers(form):
    assert [pool.id for pool in spotopt.Catalog.parse(form(TWO_POOLS))] == ["m/a/spot", "m/a/on-demand"]


def test_a_document_of_another_type_is_refused():
    with pytest.raises(TypeError, match="text is a int; want str, bytes or another buffer"):
        spotopt.Catalog.parse(7)


def test_text_beyond_ascii_comes_back_as_it_was():
    catalog = spotopt.Catalog.parse(TWO_POOLS.replace("m/a/spot", "größe/ä/spot"))
    assert catalog[0].id == "größe/ä/spot"


def test_a_bad_document_names_the_place_and_is_a_value_error():
    with pytest.raises(ValueError, match="^prices.json: /pools/1/usd_per_hour: ") as caught:
        spotopt.Catalog.parse(TWO_POOLS.replace("0.5", "-1"), name="prices.json")
    assert type(caught.value) is spotopt.InputError
    assert caught.value.status == -30


def test_zones_fill_rows_that_name_none():
    rows = "region,instance_type,vcpu,memory_mib,arch,on_demand_usd_per_hour\nr,m5.large,2,8192,amd64,0.1\n"
    with_zones = spotopt.Catalog.parse(rows, name="c.csv", zones="r-a,r-b")
    assert {pool.zone for pool in with_zones} == {"r-a", "r-b"}


def test_a_catalog_is_a_sequence_of_pools():
    catalog = two_pools()
    assert len(catalog) == 2
    assert catalog[0] == catalog[-2]
    assert catalog[1].purchase == "on-demand"
    assert catalog[1].cpu_cores == 2.0
    for index in (2, -3):
        with pytest.raises(IndexError):
            catalog[index]


def test_prices_go_in_and_out_as_columns():
    catalog = two_pools()
    out = catalog.prices()
    assert list(out) == [0.25, 0.5]
    catalog.set_prices(array.array("d", [1.0, 2.0]))
    assert catalog.prices(out) is out
    assert list(out) == [1.0, 2.0]
    assert catalog[1].usd_per_hour == 2.0


@pytest.mark.parametrize("column, says", [
    ([1.0, 2.0], "is a list; want a buffer of float64"),
    (array.array("f", [1, 2]), 'format "f"; want float64'),
    (array.array("q", [1, 2]), 'format "q"; want float64'),
    (b"0123456789abcdef", 'format "B"; want float64'),
    (memoryview(array.array("d", range(4)))[::2], "not contiguous"),
    (memoryview(bytes(16)).cast("d", (1, 2)), "2 dimensions; want one"),
])
def test_a_column_of_another_type_or_shape_is_refused(column, says):
    catalog = two_pools()
    with pytest.raises(TypeError, match=says):
        catalog.set_prices(column)
    assert list(catalog.prices()) == [0.25, 0.5]


def test_a_read_only_column_is_read_but_not_written():
    catalog = two_pools()
    column = memoryview(bytes(array.array("d", [3.0, 4.0]))).cast("d")
    catalog.set_prices(column)
    with pytest.raises(TypeError, match="out_usd_per_hour is read-only"):
        catalog.prices(column)


def test_a_column_of_another_length_or_with_nan_changes_nothing():
    catalog = two_pools()
    with pytest.raises(spotopt.ArgumentError, match="3 prices for 2 pools"):
        catalog.set_prices(array.array("d", [1, 2, 3]))
    with pytest.raises(spotopt.ArgumentError, match=r"usd_per_hour\[1\] is nan"):
        catalog.set_prices(array.array("d", [1, math.nan]))
    assert list(catalog.prices()) == [0.25, 0.5]


def test_a_cluster_tells_its_nodes_pods_and_budgets(cluster, data):
    items = json.loads((data / "cluster.json").read_text())["items"]
    assert sorted(cluster.nodes) == sorted(i["metadata"]["name"] for i in items if i["kind"] == "Node")
    assert cluster.pdb_count == sum(i["kind"] == "PodDisruptionBudget" for i in items)
    assert cluster.pod_count == len(cluster.pods) >= sum(i["kind"] == "Pod" for i in items)
    assert cluster.node_count == len(cluster.nodes)
    assert all(isinstance(line, str) for line in cluster.warnings)


def test_a_policy_without_a_document_holds_the_defaults():
    assert spotopt.Policy.parse().to_dict()["weights"] == {
        "cost": 0.4, "stability": 0.3, "performance": 0.15, "capacity": 0.15}


def test_a_policy_written_reads_back_as_the_same(policy):
    assert spotopt.Policy.parse(policy.to_json()).to_dict() == policy.to_dict()


def test_a_client_has_its_own_fields_and_the_fleets_for_the_rest():
    fleet = {"change": {"move_usd": 0.5, "horizon_hours": 8}, "allow": {"families": ["m5"]}}
    whole = spotopt.Policy.parse(json.dumps({**fleet, "clients": {"acme": {"change": {"move_usd": 2}}, "bolt": {}}}))
    acme, bolt = whole.for_client("acme").to_dict(), whole.for_client("bolt").to_dict()
    assert acme["change"]["move_usd"] == 2 and acme["change"]["horizon_hours"] == 8
    assert acme["allow"]["families"] == ["m5"] and acme["clients"] == {}
    assert bolt == spotopt.Policy.parse(json.dumps(fleet)).to_dict()
    assert spotopt.Policy.parse(whole.to_json()).for_client("acme").to_dict() == acme
    with pytest.raises(spotopt.InputError, match="there is no client \"zeta\"; want one of acme, bolt"):
        whole.for_client("zeta")
    with pytest.raises(spotopt.InputError, match="/clients/acme/wieghts: unknown field"):
        spotopt.Policy.parse('{"clients":{"acme":{"wieghts":{}}}}')


def test_history_counts_its_rows(history, data):
    assert len(history) == len((data / "history.csv").read_text().splitlines()) - 1


def test_metrics_are_read_and_refused():
    spotopt.Metrics.parse('{"apiVersion":"spotopt/v1","kind":"Metrics","pools":{"m/a/spot":{"latency_ms":20}}}')
    with pytest.raises(spotopt.InputError, match="^m.json: "):
        spotopt.Metrics.parse('{"apiVersion":"spotopt/v1","kind":"Metrics","pools":3}', name="m.json")


def test_options_hold_defaults_and_what_is_set():
    options = spotopt.Options(gap_rel=0.02, seed=7)
    assert (options["gap_rel"], options["seed"], options.given) == (0.02, 7, {"gap_rel": 0.02, "seed": 7})
    for row in spotopt.Options.table():
        assert row.min <= row.default <= row.max
        if row.key not in options.given:
            assert options[row.key] == row.default
            assert type(options[row.key]) is (int if row.type == "int" else float)
    options["gap_rel"] = "0.5"
    assert options["gap_rel"] == 0.5


@pytest.mark.parametrize("values, says", [
    ({"gap_rle": 0.1}, 'no option "gap_rle"; the nearest is "gap_rel"'),
    ({"gap_rel": 2}, "option gap_rel is 2; want a number from 0 to 1"),
    ({"gap_rel": math.nan}, "option gap_rel is nan"),
    ({"seed": 0.5}, "option seed is 0.5; want a whole number"),
    ({"seed": 10**30}, "option seed is 9007199254740992"),
    ({"gap_rel": "a lot"}, 'option gap_rel is "a lot"; want a number'),
])
def test_an_option_out_of_range_or_unknown_is_refused(values, says):
    with pytest.raises(spotopt.ArgumentError, match=says):
        spotopt.Options(**values)


def test_every_exception_is_an_error_and_what_python_expects():
    for kind, base in [(spotopt.InputError, ValueError), (spotopt.ArgumentError, ValueError),
                       (spotopt.NoMemoryError, MemoryError), (spotopt.MismatchError, ValueError)]:
        assert issubclass(kind, spotopt.Error) and issubclass(kind, base)
    kinds = spotopt.Error.__subclasses__()
    assert len({kind.status for kind in kinds}) == len(kinds) == 7


def test_statuses_are_those_of_the_header(source):
    header = (source / "include/spotopt/status.h").read_text()
    for kind in spotopt.Error.__subclasses__():
        assert " = %d," % kind.status in header or " = %d  /" % kind.status in header


def test_objects_are_made_by_parsing_alone():
    with pytest.raises(AttributeError):
        spotopt.Catalog()


def test_every_status_has_its_exception():
    from spotopt.errors import of_status
    for kind in spotopt.Error.__subclasses__():
        error = of_status(kind.status, "one line")
        assert (type(error), str(error), error.status) == (kind, "one line", kind.status)
    stranger = of_status(-24, "from a newer header")
    assert (type(stranger), stranger.status) == (spotopt.Error, -24)
