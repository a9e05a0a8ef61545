# SPDX-License-Identifier: Apache-2.0
"""The quickstarts of all languages print the same, to the byte."""
import os
import subprocess
import sys

import pytest

import spotopt


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@pytest.fixture(scope="module")
def printed(source, data):
    return run(sys.executable, source / "examples/quickstart.py", data)


@pytest.fixture
def same(cluster, catalog, now):
    """Equality, unless the wall clock cut the plan short: only then may two runs differ."""
    def compare(one, other):
        if one != other and spotopt.plan(cluster=cluster, catalog=catalog, now=now).to_dict()["stats"]["cut_short"]:
            pytest.skip("the wall clock cut the plan short")
        assert one == other
    return compare


@pytest.mark.skipif("SPOTOPT_QUICKSTART" not in os.environ, reason="needs the quickstart in C")
def test_python_prints_what_c_prints(printed, data, same):
    same(printed, run(os.environ["SPOTOPT_QUICKSTART"], data))


def test_python_prints_what_is_expected(printed, source, same):
    expected = source / "examples/expected/quickstart.txt"
    if not expected.exists():
        pytest.skip("nothing is expected")
    same(printed, expected.read_bytes())
