# SPDX-License-Identifier: Apache-2.0
"""Nothing leaks, and the order in which things are let go does not matter."""
import array
import gc
import sys

import pytest

import spotopt
from test_decisions import small_problem
from test_objects import TWO_POOLS, two_pools

with open("/proc/self/maps") as maps:
    ASAN = "libasan" in maps.read()


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4


def grows(work, rounds):
    """KiB and objects that each of the rounds adds, after as many to warm up."""
    for _ in range(rounds):
        work()
    gc.collect()
    before, objects = resident_kib(), len(gc.get_objects())
    for _ in range(rounds):
        work()
    gc.collect()
    return (resident_kib() - before) / rounds, (len(gc.get_objects()) - objects) / rounds


def failing(call, kind):
    def once():
        with pytest.raises(kind):
            call()
    return once


def pack_small():
    packing = spotopt.pack(small_problem()[0], seed=3, progress=lambda progress: False)
    return packing.rows, packing.why, packing.stats, packing.to_json()


def score_two():
    return spotopt.risk(two_pools(), now=0).columns(4)


@pytest.mark.parametrize("work, rounds", [
    (two_pools, 2000),
    (lambda: two_pools().prices(), 2000),
    (lambda: list(two_pools()), 2000),
    (lambda: spotopt.Catalog.parse(bytearray(TWO_POOLS.encode())), 2000),
    (lambda: spotopt.Policy.parse().to_json(), 1000),
    (lambda: spotopt.Options(seed=3, gap_rel=0.5)["seed"], 500),
    (pack_small, 300),
    (score_two, 1000),
    (failing(lambda: spotopt.Catalog.parse("{"), spotopt.InputError), 2000),
    (failing(lambda: spotopt.Options(sede=1), spotopt.ArgumentError), 2000),
    (failing(lambda: two_pools().set_prices(array.array("d", [1])), spotopt.ArgumentError), 1000),
    (failing(lambda: two_pools().set_prices(array.array("f", [1])), TypeError), 1000),
    (failing(lambda: spotopt.Problem(["a", 1]), TypeError), 2000),
    (failing(lambda: small_problem()[0].add_pool("A", [1, 1], 1), spotopt.ArgumentError), 500),
])
def test_many_rounds_take_no_more_memory_than_few(work, rounds):
    # A leak shows every time; the allocator's own moods do not.
    tries = [grows(work, rounds) for _ in range(3)]
    assert min(objects for _, objects in tries) < 0.01
    if not ASAN:  # which keeps what was freed for a while
        assert min(kib for kib, _ in tries) < 0.2, "%.3f KiB a round" % tries[0][0]


def test_arguments_keep_their_reference_counts(data):
    text = (data / "policy.json").read_bytes()
    column = array.array("d", [1.0, 2.0])
    names = ["cpu", "memory"]
    catalog = two_pools()

    def progress(state):
        return False
    watched = (text, column, names, names[0], progress, catalog, None)
    counts = [sys.getrefcount(one) for one in watched[:-1]]
    for _ in range(100):
        spotopt.Policy.parse(text)
        catalog.set_prices(column)
        catalog.prices(column)
        spotopt.Problem(names)
        spotopt.risk(catalog, now=0, progress=progress)
        with pytest.raises(spotopt.Error):
            spotopt.rank(catalog, "cpu=?", now=0, progress=progress)
    gc.collect()
    assert [sys.getrefcount(one) for one in watched[:-1]] == counts


def test_a_failed_call_gives_its_buffer_back():
    column = bytearray(8)
    with pytest.raises(TypeError):
        two_pools().set_prices(column)
    column.extend(b"more")  # a BufferError while somebody holds it


def test_answers_outlive_what_they_were_made_from(data):
    texts = [(data / name).read_text() for name in ("cluster.json", "catalog.json", "history.csv")]

    def make():
        cluster, catalog = spotopt.Cluster.parse(texts[0]), spotopt.Catalog.parse(texts[1])
        history = spotopt.History.parse(texts[2])
        problem = small_problem()[0]
        return [spotopt.plan(cluster=cluster, catalog=catalog, history=history, now=1793610000.0, work=200),
                spotopt.rank(catalog, "cpu=1", history=history, now=1793610000.0),
                spotopt.drain(cluster, cluster.nodes[:1], catalog=catalog),
                spotopt.pack(problem)]
    answers = make()
    gc.collect()
    before = [answer.to_json() for answer in answers]
    while answers:
        assert answers[-1].to_json() == before.pop()
        answers.pop()
    risk = spotopt.risk(two_pools(), now=0)
    gc.collect()
    assert len(risk.columns(1)[0]) == 2
    info = two_pools()[0]
    gc.collect()
    assert info.id == "m/a/spot"
