# SPDX-License-Identifier: Apache-2.0
"""numpy's arrays go in and come out uncopied."""
import pytest

import spotopt
from test_objects import two_pools

numpy = pytest.importorskip("numpy")


def test_prices_are_read_from_an_array_and_written_into_one():
    catalog = two_pools()
    catalog.set_prices(numpy.array([1.5, 2.5]))
    out = numpy.zeros(2)
    assert catalog.prices(out) is out
    assert out.tolist() == [1.5, 2.5]


def test_a_new_column_is_wrapped_uncopied():
    column = two_pools().prices()
    wrapped = numpy.asarray(column)
    wrapped[0] = 42.0
    assert wrapped.dtype == numpy.float64 and column[0] == 42.0


def test_part_of_an_array_will_do_when_it_has_no_gaps():
    table = numpy.zeros((3, 2))
    two_pools().prices(table[1])
    assert table.tolist() == [[0.0, 0.0], [0.25, 0.5], [0.0, 0.0]]
    spotopt.risk(two_pools(), now=0).columns(4, table[0], table[1], table[2])
    assert (table[1] <= table[0]).all() and (table[0] <= table[2]).all()


@pytest.mark.parametrize("array", [
    numpy.zeros(2, dtype="f4"), numpy.zeros(2, dtype="i8"), numpy.zeros(2, dtype=">f8"), numpy.zeros((1, 2)),
    numpy.zeros(4)[::2], numpy.zeros((2, 2))[:, 0], numpy.zeros(2)[::-1], numpy.zeros(()),
], ids=["float32", "int64", "swapped", "matrix", "strided", "column", "backwards", "scalar"])
def test_another_type_or_shape_is_refused(array):
    with pytest.raises(TypeError, match="usd_per_hour"):
        two_pools().set_prices(array)


def test_numpy_numbers_are_options():
    options = spotopt.Options(seed=numpy.int64(3), gap_rel=numpy.float64(0.5))
    assert (options["seed"], options["gap_rel"]) == (3, 0.5)


def test_profiles_score_as_numpy_does():
    rng = numpy.random.default_rng(3)
    factors, weights = rng.uniform(0.01, 1.0, (4, 1500)), rng.uniform(0.0, 1.0, (6, 4))
    for score, values in (("geometric", numpy.log(factors)), ("arithmetic", factors)):
        want = weights @ values
        out = numpy.empty((6, 1500))
        assert spotopt.rank_scores(factors, weights, score=score, out=out) is out
        numpy.testing.assert_allclose(out, want, atol=1e-12)
        top = spotopt.rank_top(factors, weights[2], 20, score=score, reference=7)
        assert [pool for pool, _, _ in top] == list(numpy.argsort(-want[2], kind="stable")[:20])
        for pool, value, parts in top:
            assert value == out[2, pool] and abs(sum(parts) - (value - want[2, 7])) < 1e-9
    with pytest.raises(spotopt.ArgumentError, match="factors"):
        spotopt.rank_scores(numpy.zeros((4, 3)), weights)
