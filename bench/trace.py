#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cost and bound over time, as a picture: trace.py BENCH_PACK SHARED [--deadline S] [--steps] [--csv FILE] [--svg FILE]

Solves one problem of each kind (see PANELS) with deadlines from 50 ms up to --deadline, a run each, judges the answers
with the checker, and draws what a caller with that much time gets, in an SVG that follows the reader's light or dark
setting. With --steps there is one run, and what bench_pack -t heard of it is drawn. Drawn is the distance to the best
bound of all, in per cent; the gap in the end stands beside the name. With --from CSV (as --csv wrote it) nothing is
solved. Standard library only; without the data nothing is run, and the exit status is 77.
"""
import argparse
import csv
import json
import math
import os
import sys
import tempfile

from problems import load_tool, real_problem, run_bench

# What is drawn: title, set and file, or "real" and its name.
PANELS = [
    ("5,000 pods, 200 shapes, 400 pools", "mcvbp-cloud", "cloud_p5000_s200_t400_d3_17.mvp"),
    ("the same with GPUs, 800 pools", "mcvbp-cloud", "cloud_p5000_s200_t800_d4_19.mvp"),
    ("5,000 pods, 1,000 shapes, 800 pools", "mcvbp-cloud", "cloud_p5000_s1000_t800_d3_21.mvp"),
    ("openb's pods, 4,704 AWS pools", "real", "openb"),
    ("DLRM's pods, 4,704 AWS pools", "real", "dlrm"),
    ("Karpenter's benchmark, 5,000 pods", "real", "karpenter-5000"),
]
DEADLINES = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
COLUMNS = ["panel", "seconds", "cost", "bound"]

WIDTH, HEIGHT, ACROSS = 380, 216, 2       # of a panel; panels in a row
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 38, 30  # margins inside a panel
FIRST_S = 0.05                             # the shortest deadline; the callback speaks as often at most
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 13px } .small { font-size: 11px; fill: #57606a }
  .grid { stroke: #d0d7de; stroke-width: 1; fill: none } .zero { stroke: #8c959f; stroke-width: 1 }
  .cost { stroke: #b35900; fill: none; stroke-width: 2 } .bound { stroke: #0969da; fill: none; stroke-width: 2 }
  .cost-key { fill: #b35900 } .bound-key { fill: #0969da }
  .paper { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #30363d } .zero { stroke: #6e7681 }
    .cost { stroke: #f0883e } .bound { stroke: #58a6ff } .cost-key { fill: #f0883e } .bound-key { fill: #58a6ff }
    .paper { fill: #0d1117 }
  }"""


def solve(args, tools, title, folder, name):
    """Rows of COLUMNS for one panel, and what the checker says."""
    to_problem, check = tools
    if folder == "real":
        problem = real_problem(name, args.shared)
    else:
        problem = to_problem.problem(os.path.join(args.shared, "data", "packing", folder, name))
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        path, trace = os.path.join(scratch, "problem.json"), os.path.join(scratch, "trace.csv")
        results = os.path.join(scratch, "results")
        os.mkdir(results)
        with open(path, "w", encoding="utf-8") as out:
            json.dump(problem, out)
        shorter = [] if args.steps else [d for d in DEADLINES if d < args.deadline]
        for deadline in [*shorter, args.deadline]:
            command = [args.bench, "-d", str(deadline), "-g", "0", "-t", trace, "-o", results, path]
            status, _, errors, _ = run_bench(command, 3 * deadline + 30)
            if status != 0:
                return rows, f"exit status {status}: {errors.strip()[:80]}"
            with open(trace, newline="", encoding="utf-8") as text:
                told = [dict(row, panel=title) for row in csv.DictReader(text)]
            rows += told if args.steps else told[-1:]
            with open(os.path.join(results, "problem.json"), encoding="utf-8") as text:
                result = json.load(text)
            verdict = check.judge(problem, result)
            if not verdict["ok"]:
                return rows, verdict["errors"][0]
            if result["outcome"] == "optimal":
                break
    return rows, "ok"


def ticks(low, high):
    """About four round numbers from low to high."""
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step = next(step * m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 5)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def panel(title, rows, at_x, at_y, last_s, steps_only):
    """The SVG of one panel."""
    steps = [(max(FIRST_S, float(r["seconds"])), float(r["cost"]) if r["cost"] else None, float(r["bound"]))
             for r in rows]
    best = max(bound for _, _, bound in steps)
    percent = lambda value: 100 * (value / best - 1)
    costs = [(s, percent(c)) for s, c, _ in steps if c is not None]
    bounds = [(s, percent(b)) for s, _, b in steps if b > 0]
    # A first answer or bound far off must not flatten the rest.
    top = max(0.2, min(costs[0][1], 4 * costs[-1][1] + 1)) * 1.06
    low = min(-0.06 * top, max(min(y for _, y in bounds), -top))
    x = lambda s: at_x + LEFT + (WIDTH - LEFT - RIGHT) * math.log(s / FIRST_S) / math.log(last_s / FIRST_S)
    y = lambda v: at_y + TOP + (HEIGHT - TOP - BOTTOM) * (top - min(top, max(low, v))) / (top - low)

    def line(points):
        """Stairs where one run was watched, else from run to run."""
        text = f"M{x(points[0][0]):.1f} {y(points[0][1]):.1f}"
        for s, v in points[1:]:
            where = x(min(s, last_s))
            text += f"H{where:.1f}V{y(v):.1f}" if steps_only else f"L{where:.1f} {y(v):.1f}"
        return text

    out = [f'<text class="title" x="{at_x + 8}" y="{at_y + 18}">{title}</text>']
    for v in ticks(low, top):
        kind, label = ("grid", f"{v:+.3g}") if abs(v) > 1e-12 else ("zero", "0")
        out.append(f'<path class="{kind}" d="M{at_x + LEFT} {y(v):.1f}H{at_x + WIDTH - RIGHT}"/><text class="small" '
                   f'text-anchor="end" x="{at_x + LEFT - 5}" y="{y(v) + 4:.1f}">{label}</text>')
    for s in (0.1, 0.3, 1, 3, 10, 30, 100, 300):
        if FIRST_S < s <= last_s:
            out.append(f'<path class="grid" d="M{x(s):.1f} {at_y + TOP}V{at_y + HEIGHT - BOTTOM}"/><text class="small" '
                       f'text-anchor="middle" x="{x(s):.1f}" y="{at_y + HEIGHT - BOTTOM + 16}">{s:g} s</text>')
    for points, name in ((bounds, "bound"), (costs, "cost")):
        out.append(f'<path class="{name}" d="{line(points)}"/>')
        if not steps_only:
            out += [f'<circle class="{name}-key" cx="{x(min(s, last_s)):.1f}" cy="{y(v):.1f}" r="3"/>'
                    for s, v in points]
    gap = 100 * (steps[-1][1] - steps[-1][2]) / steps[-1][1]
    out.append(f'<text text-anchor="end" x="{at_x + WIDTH - RIGHT}" y="{at_y + 18}">gap {gap:.2g} %</text>'
               .replace("gap 0 %", "optimal"))
    return "\n".join(out)


def draw(rows, deadline, steps_only):
    groups = {}
    for row in rows:
        groups.setdefault(row["panel"], []).append(row)
    lines = -(-len(groups) // ACROSS)
    wide, high = ACROSS * WIDTH + 16, lines * HEIGHT + 50
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
           f'role="img" aria-label="Cost and bound of packings over time">', f"<style>{STYLE}\n</style>",
           f'<rect class="paper" width="{wide}" height="{high}" rx="6"/>',
           '<rect class="cost-key" x="16" y="16" width="14" height="4"/><text x="36" y="22">cost of the packing'
           '</text><rect class="bound-key" x="176" y="16" width="14" height="4"/><text x="196" y="22">proven lower bound'
           '</text>'
           '<text class="small" x="336" y="22">per cent above the best bound; gap after '
           f'{deadline:g} s; time is logarithmic</text>']
    for k, (title, group) in enumerate(groups.items()):
        out.append(panel(title, group, 8 + k % ACROSS * WIDTH, 38 + k // ACROSS * HEIGHT, deadline, steps_only))
    return "\n".join([*out, "</svg>", ""])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("bench")
    ap.add_argument("shared")
    ap.add_argument("--deadline", type=float, default=30.0)
    ap.add_argument("--steps", action="store_true", help="watch one run instead of one for each deadline")
    ap.add_argument("--csv")
    ap.add_argument("--svg", default="pack_over_time.svg")
    ap.add_argument("--from", dest="source", help="draw this CSV, solve nothing")
    args = ap.parse_args()
    rows, good = [], True
    if args.source:
        with open(args.source, newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
    elif not os.path.isdir(os.path.join(args.shared, "data", "packing")):
        print(f"skipped: {os.path.join(args.shared, 'data', 'packing')} is absent")
        return 77
    else:
        tools = [load_tool(os.path.join(args.shared, "tools"), name) for name in ("to_problem", "check_packing")]
        for title, folder, name in PANELS:
            made, verdict = solve(args, tools, title, folder, name)
            good &= verdict == "ok"
            rows += made
            last = made[-1] if made else {"cost": "-", "bound": "-"}
            print(f"{title:<40}{last['cost']:>16}{last['bound']:>16}  {verdict}", flush=True)
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    if rows:
        with open(args.svg, "w", encoding="utf-8") as out:
            out.write(draw(rows, args.deadline, args.steps))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
