# SPDX-License-Identifier: Apache-2.0
"""The sample inputs, and a problem that takes a while."""
import os
import pathlib
import random

import pytest

import spotopt

SOURCE = pathlib.Path(os.environ.get("SPOTOPT_SOURCE", pathlib.Path(__file__).parents[2]))
DATA = SOURCE / "examples" / "data"
NOW = 1793610000.0  # 2026-11-02T09:00:00Z


@pytest.fixture(scope="session")
def source():
    return SOURCE


@pytest.fixture(scope="session")
def data():
    return DATA


@pytest.fixture(scope="session")
def cluster():
    return spotopt.Cluster.parse((DATA / "cluster.json").read_bytes(), name="cluster.json")


@pytest.fixture
def catalog():
    return spotopt.Catalog.parse((DATA / "catalog.json").read_bytes(), name="catalog.json")


@pytest.fixture(scope="session")
def policy():
    return spotopt.Policy.parse((DATA / "policy.json").read_text(), name="policy.json")


@pytest.fixture(scope="session")
def history():
    return spotopt.History.parse((DATA / "history.csv").read_text(), name="history.csv")


@pytest.fixture(scope="session")
def now():
    return NOW


@pytest.fixture
def long_problem():
    """Too much to finish within seconds, once a gap of 0 is asked for."""
    rng = random.Random(1)
    problem = spotopt.Problem(["cpu", "memory", "network"])
    for i in range(60):
        capacity = [rng.randint(2000, 64000), rng.randint(4000, 256000), rng.randint(100, 10000)]
        cost = sum(has / per for has, per in zip(capacity, (40000, 160000, 30000))) * rng.uniform(0.8, 1.2)
        problem.add_pool("p%d" % i, capacity, cost, labels={"zone": "abc"[i % 3]})
    for i in range(300):
        request = [rng.randint(100, 1900), rng.randint(100, 3900), rng.randint(1, 99)]
        problem.add_demand("d%d" % i, request, count=rng.randint(1, 30))
    problem.add_rule("share", key="zone", max_frac=0.5)
    return problem
