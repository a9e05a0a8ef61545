# SPDX-License-Identifier: Apache-2.0
"""General solvers behind one call, solve(model, limit_s, threads, gap) -> Answer. Each is imported when asked for."""
import dataclasses
import math
import os
import tempfile
import time

import numpy as np

SCALE = 1_000_000  # for solvers of whole numbers


@dataclasses.dataclass
class Answer:
    status: str           # "optimal", "feasible", "infeasible", "none"
    x: list               # or None
    bound: float          # 0 where the solver states none
    seconds: float        # of the solver, without building its input


def highs_solve(h, limit_s, threads, gap):
    import highspy
    for key, value in {"output_flag": False, "time_limit": float(limit_s), "threads": threads, "mip_rel_gap": gap,
                       "mip_abs_gap": 1e-6, "random_seed": 1}.items():
        h.setOptionValue(key, value)
    begin = time.monotonic()
    h.run()
    seconds = time.monotonic() - begin
    info, status = h.getInfo(), h.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Answer("infeasible", None, 0.0, seconds)
    has = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    bound = info.mip_dual_bound if math.isfinite(info.mip_dual_bound) else 0.0
    proved = has and status == highspy.HighsModelStatus.kOptimal
    return Answer("optimal" if proved else "feasible" if has else "none",
                  list(h.getSolution().col_value) if has else None, max(0.0, bound), seconds)


def highs(model, limit_s, threads, gap):
    import highspy
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    lp = highspy.HighsLp()
    n, rows = len(model.cost), len(model.low)
    starts, cols, values = model.by_row()
    lp.num_col_, lp.num_row_ = n, rows
    lp.col_cost_ = np.asarray(model.cost, dtype=float)
    lp.col_lower_, lp.col_upper_ = np.zeros(n), np.asarray(model.upper, dtype=float)
    lp.row_lower_ = np.where(np.isneginf(model.low), -highspy.kHighsInf, model.low).astype(float)
    lp.row_upper_ = np.where(np.isposinf(model.high), highspy.kHighsInf, model.high).astype(float)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, cols, values
    lp.integrality_ = [highspy.HighsVarType.kInteger] * n
    h.passModel(lp)
    return highs_solve(h, limit_s, threads, gap)


def whole(values, upper_only):
    """Coefficients in whole numbers, never kinder than they are where the row is a capacity; and their scale."""
    if all(v == int(v) for v in values):
        return [int(v) for v in values], 1
    turn = math.ceil if upper_only else round
    return [turn(round(v * SCALE, 3)) for v in values], SCALE


def cpsat(model, limit_s, threads, gap):
    from ortools.sat.python import cp_model
    m = cp_model.CpModel()
    x = [m.new_int_var(0, int(u), "") for u in model.upper]
    starts, cols, values = model.by_row()
    for k, (low, high) in enumerate(zip(model.low, model.high)):
        part = slice(starts[k], starts[k + 1])
        coefficients, scale = whole(values[part].tolist(), low == -math.inf)
        row = cp_model.LinearExpr.weighted_sum([x[c] for c in cols[part]], coefficients)
        if low == high:
            m.add(row == int(low) * scale)
        else:
            if low != -math.inf:
                m.add(row >= int(low) * scale)
            if high != math.inf:
                m.add(row <= int(high) * scale)
    costs, scale = whole(list(model.cost), False)
    priced = [k for k, c in enumerate(costs) if c]
    m.minimize(cp_model.LinearExpr.weighted_sum([x[k] for k in priced], [costs[k] for k in priced]))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = float(limit_s)
    solver.parameters.num_workers = threads
    solver.parameters.relative_gap_limit = gap
    solver.parameters.random_seed = 1
    begin = time.monotonic()
    status = solver.solve(m)
    seconds = time.monotonic() - begin
    if status == cp_model.INFEASIBLE:
        return Answer("infeasible", None, 0.0, seconds)
    has = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    # Rounded costs: half a unit of the scale for each node may be missing in the bound.
    slack = 0.0 if scale == 1 else 0.5 / scale * sum(solver.value(x[k]) for k in priced) if has else math.inf
    bound = max(0.0, solver.best_objective_bound / scale - slack)
    return Answer("optimal" if status == cp_model.OPTIMAL else "feasible" if has else "none",
                  [solver.value(v) for v in x] if has else None, bound, seconds)


def scip(model, limit_s, threads, gap):
    """OR-Tools' mixed integer programming with SCIP, which it ships; one thread."""
    from ortools.linear_solver import pywraplp
    s = pywraplp.Solver.CreateSolver("SCIP")
    x = [s.IntVar(0, float(u), "") for u in model.upper]
    starts, cols, values = model.by_row()
    for k, (low, high) in enumerate(zip(model.low, model.high)):
        row = s.Constraint(-s.infinity() if low == -math.inf else float(low),
                           s.infinity() if high == math.inf else float(high))
        for at in range(starts[k], starts[k + 1]):
            row.SetCoefficient(x[cols[at]], float(values[at]))
    objective = s.Objective()
    for v, c in zip(x, model.cost):
        if c:
            objective.SetCoefficient(v, float(c))
    objective.SetMinimization()
    parameters = pywraplp.MPSolverParameters()
    parameters.SetDoubleParam(parameters.RELATIVE_MIP_GAP, gap)
    s.SetTimeLimit(int(limit_s * 1000))
    begin = time.monotonic()
    status = s.Solve(parameters)
    seconds = time.monotonic() - begin
    if status == s.INFEASIBLE:
        return Answer("infeasible", None, 0.0, seconds)
    has = status in (s.OPTIMAL, s.FEASIBLE)
    bound = objective.BestBound() if has else 0.0
    return Answer("optimal" if status == s.OPTIMAL else "feasible" if has else "none",
                  [v.solution_value() for v in x] if has else None, max(0.0, bound), seconds)


def glpk(model, limit_s, threads, gap):
    """GLPK's simplex and branch and cut with all its cuts; one thread. Its bound is the linear program's."""
    import swiglpk as g
    g.glp_term_out(g.GLP_OFF)
    p = g.glp_create_prob()
    g.glp_add_cols(p, len(model.cost))
    for k, (c, u) in enumerate(zip(model.cost, model.upper), 1):
        g.glp_set_obj_coef(p, k, float(c))
        g.glp_set_col_kind(p, k, g.GLP_IV)
        g.glp_set_col_bnds(p, k, g.GLP_DB if u > 0 else g.GLP_FX, 0.0, float(u))
    g.glp_add_rows(p, len(model.low))
    for k, (low, high) in enumerate(zip(model.low, model.high), 1):
        kind = g.GLP_FX if low == high else g.GLP_UP if low == -math.inf else g.GLP_LO if high == math.inf else g.GLP_DB
        g.glp_set_row_bnds(p, k, kind, max(-1e300, float(low)), min(1e300, float(high)))
    count = len(model.value)
    ia, ja, ar = g.intArray(count + 1), g.intArray(count + 1), g.doubleArray(count + 1)
    for k in range(count):
        ia[k + 1], ja[k + 1], ar[k + 1] = model.row[k] + 1, model.col[k] + 1, float(model.value[k])
    g.glp_load_matrix(p, count, ia, ja, ar)
    begin = time.monotonic()
    simplex = g.glp_smcp()
    g.glp_init_smcp(simplex)
    simplex.tm_lim = int(limit_s * 1000)
    g.glp_simplex(p, simplex)
    status = g.glp_get_status(p)
    if status == g.GLP_NOFEAS:
        return Answer("infeasible", None, 0.0, time.monotonic() - begin)
    if status != g.GLP_OPT:
        return Answer("none", None, 0.0, time.monotonic() - begin)
    bound = g.glp_get_obj_val(p)
    cut = g.glp_iocp()
    g.glp_init_iocp(cut)
    cut.gmi_cuts = cut.mir_cuts = cut.cov_cuts = cut.clq_cuts = g.GLP_ON
    cut.mip_gap = gap
    cut.tm_lim = max(1, int((limit_s - (time.monotonic() - begin)) * 1000))
    g.glp_intopt(p, cut)
    seconds, status = time.monotonic() - begin, g.glp_mip_status(p)
    has = status in (g.GLP_OPT, g.GLP_FEAS)
    return Answer("optimal" if status == g.GLP_OPT else "feasible" if has else "infeasible" if status == g.GLP_NOFEAS
                  else "none", [g.glp_mip_col_val(p, k + 1) for k in range(len(model.cost))] if has else None,
                  max(0.0, bound), seconds)


def vpsolver(problem, programs, limit_s, threads, gap):
    """VPSolver's compressed arc-flow graph of the whole problem (Brandao 2016), the integer program solved by HiGHS.

    Building the graph counts, as its own programs do it. Returns an Answer whose x is the result's nodes.
    """
    import ast
    import subprocess

    import highspy

    pools, demands = problem["pools"], problem["demands"]
    if any(v != int(v) for row in pools for v in row["capacity"]) or any(
            v != int(v) for row in demands for v in row["request"]):
        raise ValueError("sizes are not whole numbers")
    begin = time.monotonic()
    costs, scale = whole([p["cost"] for p in pools], False)
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "p")
        with open(name + ".mvp", "w", encoding="ascii") as out:
            lines = [str(len(problem["resources"])), str(len(pools))]
            lines += [" ".join(str(int(v)) for v in p["capacity"]) + f" {c} {-1 if p.get('max') is None else p['max']}"
                      for p, c in zip(pools, costs)]
            lines.append(str(len(demands)))
            for d in demands:
                lines += [f"1 {d['count']}", " ".join(str(int(v)) for v in d["request"])]
            out.write("\n".join([*lines, "BINARY{0};", "VTYPE{I};", ""]))
        try:
            for program, source, target in (("vbp2afg", ".mvp", ".afg"), ("afg2mps", ".afg", ".mps")):
                subprocess.run([os.path.join(programs, program), name + source, name + target], check=True,
                               capture_output=True, timeout=max(1.0, limit_s - (time.monotonic() - begin)))
        except subprocess.TimeoutExpired:
            return Answer("none", None, 0.0, float(limit_s))
        h = highspy.Highs()
        h.setOptionValue("output_flag", False)
        h.readModel(name + ".mps")
        left = limit_s - (time.monotonic() - begin)
        answer = highs_solve(h, max(0.1, left), threads, gap)
        if answer.x is not None:
            with open(name + ".sol", "w", encoding="ascii") as out:
                out.writelines(f"{n} {round(v)}\n" for n, v in zip(h.getLp().col_names_, answer.x) if round(v))
            text = subprocess.run([os.path.join(programs, "vbpsol"), name + ".afg", name + ".sol", "0", "1"],
                                  check=True, capture_output=True, text=True).stdout
            _, found = ast.literal_eval(text.split("PYSOL=")[1].split("\n")[0].replace(",]", "]").replace(",)", ")"))
            answer.x = []
            for pool, patterns in zip(pools, found):
                for times, pattern in patterns:
                    holds = {}
                    for i, _ in pattern:
                        holds[demands[i]["id"]] = holds.get(demands[i]["id"], 0) + 1
                    answer.x.append({"pool": pool["id"], "count": times, "holds": holds})
        answer.bound /= scale
        answer.seconds = time.monotonic() - begin
    return answer


ENGINES = {"highs": highs, "cpsat": cpsat, "scip": scip, "glpk": glpk}
