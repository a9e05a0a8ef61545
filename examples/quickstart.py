# SPDX-License-Identifier: Apache-2.0
"""quickstart.py - plans the sample cluster from Python; prints what quickstart.c prints.

Introduces Cluster.parse(), Catalog.parse() and plan().

    python3 quickstart.py data
"""
import pathlib
import sys

import spotopt

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "data")
cluster = spotopt.Cluster.parse((folder / "cluster.json").read_text(), name="cluster.json")
catalog = spotopt.Catalog.parse((folder / "catalog.json").read_text(), name="catalog.json")
# 2026-11-02T09:00:00Z: never read from a clock, so that a plan can be replayed
plan = spotopt.plan(cluster=cluster, catalog=catalog, now=1793610000)
s = plan.summary
print(
    f"{s.before_nodes} nodes for ${s.before_usd_per_hour:.2f} an hour become {s.after_nodes} for "
    f"${s.after_usd_per_hour:.2f}, proven within {100 * s.gap:.1f} % of the best; {s.moves} pods move"
)
