# SPDX-License-Identifier: Apache-2.0
"""The quickstarts of all languages print the same, to the byte."""
import os
import subprocess
import sys

import pytest

import spotopt


@pytest.fixture(scope="module")
def printed(source, data):
    """What each language prints; they run side by side."""
    commands = {"python": [sys.executable, source / "examples/quickstart.py"]}
    if "SPOTOPT_QUICKSTART" in os.environ:
        commands["c"] = [os.environ["SPOTOPT_QUICKSTART"]]
    running = {name: subprocess.Popen([str(part) for part in command + [data]], stdout=subprocess.PIPE)
               for name, command in commands.items()}
    texts = {name: process.communicate()[0] for name, process in running.items()}
    assert all(process.returncode == 0 for process in running.values())
    return texts


@pytest.fixture
def same(cluster, catalog, now):
    """Equality, unless the wall clock cut the plan short: only then may two runs differ."""
    def compare(one, other):
        if one != other and spotopt.plan(cluster=cluster, catalog=catalog, now=now).to_dict()["stats"]["cut_short"]:
            pytest.skip("the wall clock cut the plan short")
        assert one == other
    return compare


@pytest.mark.skipif("SPOTOPT_QUICKSTART" not in os.environ, reason="needs the quickstart in C")
def test_python_prints_what_c_prints(printed, same):
    same(printed["python"], printed["c"])


def test_python_prints_what_is_expected(printed, source, same):
    expected = source / "examples/expected/quickstart.txt"
    if not expected.exists():
        pytest.skip("nothing is expected")
    same(printed["python"], expected.read_bytes())


@pytest.mark.parametrize("name, variable", [("02_rank_and_funnel", "SPOTOPT_RANK_EXAMPLE"), ("03_risk", "SPOTOPT_RISK_EXAMPLE")])
def test_an_example_prints_what_is_expected_in_every_language(source, data, name, variable):
    commands = [[sys.executable, source / f"examples/{name}.py"]]
    if variable in os.environ:
        commands.append([os.environ[variable]])
    expected = (source / f"examples/expected/{name}.txt").read_bytes()
    for command in commands:
        assert subprocess.run([str(part) for part in command + [data]], stdout=subprocess.PIPE, check=True).stdout == expected
