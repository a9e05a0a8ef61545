#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forecasts of drops on real traces, baselines beside the model: risk.py SPOTOPT BENCH_RISK SHARED [GROUP]

Fits on one window of a public capacity trace, calibrates on the next, judges on the last, of which nothing was seen before
(by default days 1 to 18, 18 to 22 and 22 to 29.3 of six GPU pools). Predictions of the model and of the built-in layers are
written by `spotopt risk evaluate --predictions` and judged by SHARED/tools/check_risk.py, which shares nothing with the
library; constant hazard and the count of the last 24 hours are the command's own baselines. Then how long a fit and a
forecast take, processor seconds, the quickest of several. Needs numpy; without it or the data nothing is run, and the exit
status is 77.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

HORIZONS = ("1h", "4h", "24h")


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("%s: exit status %d\n%s" % (command[0], done.returncode, done.stderr))
    return done.stdout


def has_fit(spotopt):
    told = subprocess.run([spotopt, "risk", "--help"], capture_output=True, text=True).stdout
    return "risk [FLAG]... " in told and "fit" in told.split("\n")[0]


def fit(args, history, model):
    """The model's document, by the command where it can fit, and what the fit took."""
    row = next(csv.DictReader(run(args.bench, history, args.fit[0], args.fit[1], args.calibrate_to, model).splitlines()))
    if has_fit(args.spotopt):
        run(args.spotopt, "risk", "fit", "--history", history, "--from", args.fit[0], "--to", args.fit[1], "--calibrate-to",
            args.calibrate_to, "--output-file", model, "-o", "json")
    return row


def evaluate(args, history, predictions, model=None):
    told = run(args.spotopt, "risk", "evaluate", "--history", history, "--from", args.calibrate_to, "--to", args.to,
               "--predictions", predictions, "-o", "json", *(("--model", model) if model else ()))
    return json.loads(told)


def judge(args, history, predictions):
    return json.loads(run(sys.executable, os.path.join(args.shared, "tools", "check_risk.py"), history, predictions, "--from",
                          args.calibrate_to, "--to", args.to, "--fit", *args.fit))


def say(name, horizons):
    cells = []
    for horizon in HORIZONS:
        one = horizons.get(horizon)
        cells.append("| %.3f / %6.3f / %.3f " % (one["auc"], one["bss"], one["ece"]) if one and one["auc"] is not None else "| - ")
    print("| %-22s %s|" % (name, "".join(cells)))


def differ(ours, judged):
    """The largest difference of a number between the command's evaluation and the judge's."""
    return max(abs(ours[h][key] - judged[h][key]) for h in HORIZONS if h in ours and h in judged
               for key in ("auc", "bss", "ece", "brier", "log_loss", "base_rate") if judged[h][key] is not None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spotopt")
    parser.add_argument("bench", help="bench_risk of a release build")
    parser.add_argument("shared", help="folder with data/traces and tools")
    parser.add_argument("group", nargs="?", default="avail-aws-02-15-2023")
    parser.add_argument("--fit", nargs=2, default=["86400", "1555200"], metavar="S")
    parser.add_argument("--calibrate-to", default="1900800", metavar="S")
    parser.add_argument("--to", default="2534400", metavar="S")
    args = parser.parse_args()
    traces = os.path.join(args.shared, "data", "traces")
    if not os.path.exists(os.path.join(traces, "trace_runs.csv.gz")):
        print("skipped: no traces in %s" % traces)
        return 77
    try:
        import numpy  # noqa: F401  the judge needs it
    except ImportError:
        print("skipped: the judge needs numpy")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        history, model = os.path.join(folder, "history.csv"), os.path.join(folder, "model.json")
        with open(history, "w") as stream:
            stream.write(run(sys.executable, os.path.join(args.shared, "tools", "risk_history.py"), traces, args.group))
        took = fit(args, history, model)
        by_model, by_layers = os.path.join(folder, "model.csv"), os.path.join(folder, "layers.csv")
        told = evaluate(args, history, by_model, model)
        evaluate(args, history, by_layers)
        judged, judged_layers = judge(args, history, by_model), judge(args, history, by_layers)
        print("%s, fit [%s, %s), calibrated to %s, judged to %s\n" % (args.group, *args.fit, args.calibrate_to, args.to))
        print("| AUC / BSS / ECE        | 1 h | 4 h | 24 h |\n|---|---|---|---|")
        names = {"constant": "constant hazard", "recent": "last-24 h rate"}
        said = {one["forecast"]: one["horizons"] for one in told["others"] if one["is_baseline"]}
        for key in ("constant", "recent"):
            if key in said:
                say(names[key], said[key])
        say("gamma-Poisson, judged", judged_layers)
        say("model, judged", judged)
        for horizon in HORIZONS:
            if horizon in judged:
                one = judged[horizon]
                print("%4s: %d rows, base rate %.3f, 95 %% of days: AUC %s, BSS %s" % (
                    horizon, one["n"], one["base_rate"], one["auc_95"], one["bss_95"]))
        print("\nthe command's numbers of the model differ from the judge's by at most %.1e" % differ(told["horizons"], judged))
        print("reading %s rows %.1f ms, fit %.1f ms (%.0f times the reading); 1,000 pools' loss %.1f ms, with parts %.1f ms" % (
            took["history_rows"], 1e3 * float(took["read_s"]), 1e3 * float(took["fit_s"]),
            float(took["fit_s"]) / float(took["read_s"]), 1e3 * float(took["portfolio_s"]),
            1e3 * float(took["portfolio_parts_s"])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
