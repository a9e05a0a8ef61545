# SPDX-License-Identifier: Apache-2.0
"""02_rank_and_funnel.py - a controller's round from Python; prints what 02_rank_and_funnel.c prints.

Introduces rank(), Ranking.switch(), Funnel.merge(), Recorder and Funnel.to_openmetrics().

    python3 02_rank_and_funnel.py data
"""
import pathlib
import sys

import spotopt

NOW = 1793610000  # 2026-11-02T09:00:00Z
OWN_CAP = 0.5  # our own rule, USD an hour: it is counted beside the engine's
WORKLOADS = [
    ("web", "cpu=2,memory=4Gi", "m5.xlarge/us-east-1b/spot", 45, 6),
    ("api", "cpu=4,memory=16Gi", "m5.2xlarge/us-east-1b/spot", 12, 3),
    ("batch", "cpu=8,memory=16Gi", None, 0, 10),
]

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "data")
catalog = spotopt.Catalog.parse((folder / "catalog.json").read_text(), name="catalog.json")
history = spotopt.History.parse((folder / "history.csv").read_text(), name="history.csv")
whole, recorder = spotopt.Funnel(), spotopt.Recorder(NOW)

for name, request, current, since_min, count in WORKLOADS:
    ranking = spotopt.rank(catalog, request, history=history, now=NOW, count=count, current=current,
                           since=NOW - 60 * since_min if current else None)
    first, advice = ranking[0], ranking.switch()
    line = f"{name}: {catalog[first.pool].id} scores {first.score:.2f}, first of {len(ranking)}"
    if advice and advice["why"] == "worth-it":
        line += f"; move {advice['replicas_now']} replicas there, each saves {advice['net_usd']:.4f} USD over 4 h"
    elif advice and advice["replicas_now"] > 0:  # a notice, or its pool may not be used any more
        line += f"; move {advice['replicas_now']} replicas there now"
    elif advice:
        line += "; stay" + (" for now, it moved just before" if advice["why"] == "dwell" else "")
    print(line)
    whole.merge(ranking.funnel())

for pool in catalog:  # what we refuse ourselves, from as many threads as we like
    recorder.add(spotopt.Drop.PRICE_CAP if pool.usd_per_hour > OWN_CAP else None)
whole.merge(recorder.funnel())
print(whole.to_openmetrics(), end="")
