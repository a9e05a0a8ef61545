# SPDX-License-Identifier: Apache-2.0
"""03_risk.py - a model of risk from four weeks of history, in Python; prints what 03_risk.c prints.

Introduces fit(), Evaluation.judge(), Evaluation.compare(), risk() and Risk.explain().

    python3 03_risk.py data
"""
import math
import pathlib
import sys

import spotopt

NOW = 1793610000  # 2026-11-02T09:00:00Z
DAY = 86400
FIT, CALIBRATE, TEST = NOW - 27 * DAY, NOW - 13 * DAY, NOW - 8 * DAY  # nothing is learned from TEST on
HORIZONS = [1.0, 4.0]

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "data")
history = spotopt.History.parse((folder / "history_month.csv").read_text(), name="history_month.csv")
model = spotopt.fit(history, from_s=FIT, to_s=CALIBRATE, calibrate_to_s=TEST, id="october")

# How well it did on the last days, beside layers 1-2 at the same moments.
judged = spotopt.Evaluation.judge(history, TEST, NOW, model=model, horizons_h=HORIZONS)
for h, hours in enumerate(HORIZONS):
    at, gain = judged.at(0, h), judged.compare(0, 1, h)
    print(f"{hours:.0f} h: {judged.forecasts[0]} has AUC {at.auc:.2f}, skill {at.bss:.2f} ({at.bss_low:.2f} to {at.bss_high:.2f}); "
          f"{gain.gain:.2f} over {judged.forecasts[1]}")

risk = spotopt.risk(history=history, model=model, now=NOW)  # without a catalog: the history's pools
p, low, high = risk.drop_columns(4.0)
for i, pool in enumerate(risk.pools):
    line = f"{pool}: {100 * p[i]:.0f} % ({100 * low[i]:.0f} to {100 * high[i]:.0f}) within 4 h"
    if spotopt.RiskFlag.HAZARD in risk.at(i, 4.0).flags:  # else seen too little, or too long ago, for the model
        why = risk.explain(i, 4.0).contributions
        most = max(why, key=lambda name: abs(why[name]))
        line += f"; odds times {math.exp(why[most]):.1f} for {most}"
    print(line)
