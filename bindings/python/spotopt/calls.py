# SPDX-License-Identifier: Apache-2.0
"""The calls that decide. Each takes every option of Options.table() as a keyword.

All of them may take long: they give up the interpreter's lock, Ctrl-C stops them, and a `progress`
callable is called now and then with a Progress; what is true of what it returns cancels the call,
which then gives its best answer so far (or raises CancelledError when there is none).
"""
import array
import datetime
import json

from .core import Drain, Model, Options, Packing, Plan, Policy, Problem, Ranking, Rehearsal, Replay, Risk
from .core import (_advisor_predict, _assign, _indices, _no_limit, _override_row, _portfolio_assess,
                   _portfolio_learn_shocks, _rank_scores, _rank_top, _reals, _replay_method, _replay_method_help,
                   _savings_of)
from .errors import ArgumentError
from .rows import PortfolioLoss, Progress, Savings
from .use import first_use, in_use


def _options(options, progress, values):
    """Options for one call alone, so that no other thread's call meets this one's callable."""
    call = Options()
    if options is not None:
        call.update(**options.given)
    call.update(**values)
    call._progress = None if progress is None else lambda *row: progress(Progress._make(row))
    call._watch(call._progress)
    return call


def _seconds(now):
    """Seconds since 1970 UTC of a number or of an aware datetime."""
    if isinstance(now, datetime.datetime):
        if now.tzinfo is None:
            raise ValueError("now has no time zone; want an aware datetime, or seconds since 1970 UTC")
        return now.timestamp()
    return float(now)


def plan(*, cluster, catalog, policy=None, history=None, metrics=None, model=None, now, options=None,
         progress=None, **values):
    """Decide: forecast, screen, rank, pack, order the moves. Returns a Plan.

    now is seconds since 1970 UTC (or of the history's epoch), or an aware datetime. A Model makes
    forecasts better where a history shows enough of a pool.
    """
    call = _options(options, progress, values)
    with in_use(cluster, catalog, policy, history, metrics):
        return Plan._make_of(cluster, catalog, policy, history, metrics, model, _seconds(now), call)


def check_plan(plan, *, cluster, catalog, policy=None, history=None, metrics=None, model=None, name="plan"):
    """Judge a plan (a Plan, its document or the document's dict) from the inputs that it was made from.

    Returns the faults found, a line each; an empty list: the plan holds. Raises MismatchError when the
    plan was made from other inputs.
    """
    text = plan.to_json() if isinstance(plan, Plan) else json.dumps(plan) if isinstance(plan, dict) else plan
    with in_use(cluster, catalog, policy, history, metrics):
        report = Plan._check_of(cluster, catalog, policy, history, metrics, model, 0.0, text, name)
    return report.splitlines()


def fit(history, *, from_s, to_s, calibrate_to_s=None, step_s=900.0, ridge=100.0, isotonic=False, free=False,
        availability=False, id=None, catalog=None, options=None, progress=None, **values):
    """Fit a risk model to a history. Returns a Model.

    The hazard is fitted on decisions, step_s apart, in [from_s, to_s), its calibration on those in
    [to_s, calibrate_to_s) (None: it stays where it starts); times are of the history's epoch. ridge
    keeps coefficients of standardised features small; isotonic adds a monotone map for calibration windows
    of weeks; free allows coefficients of any sign; availability says that the history shows launch probes,
    not held nodes. catalog gives vendor signals. Raises ArgumentError where a window is empty and
    InputError where the history has nothing in it.
    """
    call = _options(options, progress, values)
    with in_use(history, catalog):
        return Model._fit_of(history, catalog, from_s, to_s, to_s if calibrate_to_s is None else calibrate_to_s,
                             step_s, ridge, int(bool(isotonic)), int(bool(free)), int(bool(availability)), id, call)


def risk(catalog=None, *, history=None, model=None, now, options=None, progress=None, **values):
    """Forecast every pool of a catalog, or without one of a history, all taken for spot. Returns a Risk.

    History rows after now are not looked at. A Model forecasts the pools of which enough was seen.
    """
    call = _options(options, progress, values)
    with in_use(catalog, history):
        made = Risk._score_of(catalog, history, model, _seconds(now), call)
    made._model = model
    return made


def predict_buckets(instance_types, regions, buckets):
    """The advisor's bucket of every row as though its own were unknown: (median, chances of 0..4) each.

    instance_types and regions are lists of str; buckets 0 (less than 5 % reclaimed in a month) to 4 (more than
    20 %), None or -1 where unknown. Known rows are told without themselves, so they show how good this is.
    """
    known = array.array("I", (_no_limit if one is None or one < 0 else one for one in buckets))
    medians, chances = (array.array("d", bytes(8 * each * len(known))) for each in (1, 5))
    _advisor_predict(list(instance_types), list(regions), known, medians, chances)
    return [(int(median), tuple(chances[5 * i : 5 * i + 5])) for i, median in enumerate(medians)]


def portfolio(nodes, vcpus, p_drop, p_node, *, region=None, region_frac=0.30, global_frac=0.14, level=0.95,
              at_least=1, cells=1024):
    """What a fleet may lose within a horizon, pools falling together. Returns a PortfolioLoss.

    Columns with one entry a pool: its nodes (uint32), the vcpus of one node, p_drop that the pool loses any
    node and p_node that a given node is lost (float64), and numbers that tell regions apart (uint32; None:
    all in one). region_frac and global_frac are the shares of a pool's hazard that it has in common with
    its region and with all; level is that of quantile and CVaR, which is exact where vCPUs fit into cells.
    """
    nodes, region = _indices(nodes), _indices(region)
    parts = [array.array("d", bytes(8 * len(nodes))) for _ in range(3)]
    row = _portfolio_assess(nodes, _reals(vcpus), _reals(p_drop), _reals(p_node), region, region_frac, global_frac,
                            level, at_least, cells, *parts)
    return PortfolioLoss(*row, *parts)


def learn_shocks(history, from_s, to_s, *, horizon_h=4.0, region_frac=0.30, global_frac=0.14):
    """How much of a pool's hazard is shared with its region and with all: (region_frac, global_frac).

    From pools of a history that fall in the same windows of horizon_h hours between two times; the shares
    given are what few data are drawn towards.
    """
    fracs = array.array("d", (region_frac, global_frac))
    with in_use(history):
        _portfolio_learn_shocks(history, from_s, to_s, horizon_h, fracs)
    return tuple(fracs)


def rank(catalog, request, *, history=None, metrics=None, policy=None, model=None, now, count=1, top=0,
         current=None, since=None, moves=0, noticed=False, options=None, progress=None, **values):
    """Rank every pool of a catalog for count replicas of a request. Returns a Ranking.

    request is "cpu=4,memory=16Gi" or a dict such as {"cpu": 4, "memory": "16Gi"}. With current, the id of the pool that
    they run in since a time, Ranking.switch() tells whether they should move; moves were made within the last hour, and
    noticed says that the current pool is about to be taken away.
    """
    if isinstance(request, dict):
        request = ",".join("%s=%s" % item for item in request.items())
    call = _options(options, progress, values)
    with in_use(catalog, history, metrics, policy):
        return Ranking._rank_of(catalog, history, metrics, policy, model, request, _seconds(now), count, top, current,
                                -float("inf") if since is None else _seconds(since), moves, int(noticed), call)


def _flat(values):
    """One row of float64 of what may be a matrix, uncopied where it is one of float64."""
    try:
        view = memoryview(values)
    except TypeError:
        view = memoryview(array.array("d", values))
    return view if view.ndim == 1 else view.cast("B").cast("d")


def _score(score):
    kinds = {"geometric": 0, "arithmetic": 1}
    if score not in kinds:
        raise ArgumentError('score is %r; want "geometric" or "arithmetic"' % (score,))
    return kinds[score]


def rank_scores(factors, weights, *, score="geometric", out=None):
    """Score many pools under many profiles in one pass.

    factors are 4 columns of pools (cost, stability, performance, capacity; 0.01..1), weights rows of 4: contiguous
    float64 buffers, such as numpy arrays of shape (4, pools) and (profiles, 4), read uncopied. Returns, in out or in
    a new array.array, profiles times pools numbers: ln(S / 100) of the geometric score, S / 100 of the arithmetic one.
    """
    factors, weights = _flat(factors), _flat(weights)
    made = array.array("d", bytes(8 * (len(factors) // 4) * (len(weights) // 4))) if out is None else out
    _rank_scores(factors, weights, _score(score), _flat(made))
    return made


def rank_top(factors, weights, top, *, score="geometric", reference=0):
    """The best pools under one profile: a list of (pool, score, contributions), best first.

    As rank_scores() takes and gives them; the four contributions add up to the score less that of the reference.
    """
    pools, scores, phi = (array.array("d", bytes(8 * top * n)) for n in (1, 1, 4))
    _rank_top(_flat(factors), _flat(weights), _score(score), reference, pools, scores, phi)
    return [(int(pools[k]), scores[k], tuple(phi[4 * k : 4 * k + 4])) for k in range(top)]


def pack(problem, *, previous=None, options=None, progress=None, **values):
    """Pack demands at least cost. Returns a Packing.

    problem is a Problem, which this seals, or a PackingProblem document: str, bytes or a dict. previous
    is the answer to a similar problem, a Packing or a PackingResult document: what can still be had of it
    stays, the rest is placed anew, in milliseconds.
    """
    if isinstance(problem, dict):
        problem = json.dumps(problem)
    if not isinstance(problem, Problem):
        problem = Problem.parse(problem)
    call = _options(options, progress, values)
    if isinstance(previous, dict):
        previous = json.dumps(previous)
    with first_use(problem), in_use(problem):
        if previous is not None and not isinstance(previous, Packing):
            previous = problem._result_from(previous, "previous")
        return problem._solve_with(call, previous)


def _drain_of(cluster, nodes, catalog, policy, plan, notice_s, launch_s, start_s, now):
    """What a drain is asked, in the order in which the core takes it."""
    if nodes is None and plan is None:
        raise TypeError("want nodes, or a plan that knows them")
    text = "" if plan is None else plan.to_json() if isinstance(plan, Plan) else json.dumps(plan) if isinstance(
        plan, dict) else plan
    return (cluster, catalog, policy, [] if nodes is None else nodes, text, notice_s, launch_s, start_s,
            -1.0 if now is None else _seconds(now))


def drain(cluster, nodes=None, *, catalog=None, policy=None, plan=None, notice_s=0.0, launch_s=60.0, start_s=15.0,
          now=None, options=None, progress=None, **values):
    """Plan how to leave nodes, by name, without breaking a disruption budget. Returns a Drain.

    plan (a Plan, its document or the document's dict) says where every pod is to run in the end; without nodes, those
    that it lets go are left. Nodes to launch come from catalog (None: from nowhere but the plan). notice_s are the
    seconds until the nodes are gone (0: no deadline); launch_s those from a launch to a ready node; start_s from binding
    to a ready pod. now tells which of the policy's disruption budgets run (None: all of them).
    """
    call = _options(options, progress, values)
    with in_use(cluster, catalog, policy):
        return Drain._plan_of(*_drain_of(cluster, nodes, catalog, policy, plan, notice_s, launch_s, start_s, now), call)


def rehearse(cluster, nodes=None, *, catalog=None, policy=None, plan=None, notice_s=0.0, launch_s=60.0, start_s=15.0,
             now=None, seed=1, refused=0.05, slow=0.05, stuck=0.0, elsewhere=0.05, node_lost=0.02, launch_failed=0.02,
             jitter=True, options=None, progress=None, **values):
    """Carry a drain out in a simulated cluster, planning anew when it goes otherwise. Returns a Rehearsal.

    As drain(), and how unlike its plan it goes, as fractions: evictions refused, pods slow or never ready, pods put
    elsewhere, nodes lost, launches failed; with jitter other times differ too. Equal seeds, equal rehearsals.
    """
    call = _options(options, progress, values)
    with in_use(cluster, catalog, policy):
        return Rehearsal._carry_out_of(
            *_drain_of(cluster, nodes, catalog, policy, plan, notice_s, launch_s, start_s, now), seed, refused, slow, stuck,
            elsewhere, node_lost, launch_failed, jitter, call)


def savings(paid_usd, ode_usd, *, losses_usd=None, bound_usd=None):
    """Shares of savings from columns of USD, as ratios of sums: hours, clusters, replayed steps.

    Where bound_usd is NaN, a row stands out of the optimization rate.
    """
    (gross, net), rate = _savings_of(_reals(paid_usd), _reals(losses_usd), _reals(ode_usd), _reals(bound_usd))
    return Savings(gross, net, rate)


def override_row(id, scope, time_ms, author, reason, *, target=None, from_ms=None, until_ms=None):
    """The row that orders on-demand for an "instance", "cluster", "client" or "all", to be appended to a ledger."""
    return _override_row(id, scope, target, author, reason, time_ms, -1 if from_ms is None else from_ms,
                         -1 if until_ms is None else until_ms)


def assign(salt, unit, weights=(1.0, 1.0)):
    """The arm of a unit, as an index into weights: by a hash of salt and unit, the same on every machine."""
    return _assign(salt, unit, array.array("d", weights))


def replay_methods():
    """The ways to decide that replay() knows, as a dict of name: what it does."""
    methods = {}
    while _replay_method(len(methods)) is not None:
        methods[_replay_method(len(methods))] = _replay_method_help(len(methods))
    return methods


def replay(*, catalog, demands, policies=None, history=None, prices=None, model=None, terms=None, from_s=None,
           to_s=None, step_s=900.0, startup_s=120.0, points=240, draws=2000, seed=1, options=None, progress=None,
           **values):
    """Try policies on the past. Returns a Replay, whose to_dict() holds what became of each.

    demands is a DemandHistory, what had to run; history decides what could be launched and what was lost (None:
    all, and nothing), prices is a PriceHistory (None: the catalog's all the time). policies is a list of methods
    (see replay_methods(); None: all of them) or a dict of name: method, Policy (decided as "hazard" does) or
    (method, Policy). terms is the Policy whose interruption.cost_usd and change.move_usd price losses for all.
    A Model must end before from_s (None: the first demand); to_s None is where the history or the prices end.
    Decisions are step_s apart, a node serves startup_s after its launch. Raises InputError where a demand fits no
    pool or the model would know the future.
    """
    if policies is None:
        policies = list(replay_methods())
    if not isinstance(policies, dict):
        policies = {name: name for name in policies}
    call = _options(options, progress, values)
    made = Replay._make_of()
    for name, policy in policies.items():
        method, document = policy if isinstance(policy, tuple) else (None, policy) if isinstance(policy, Policy) else (
            policy, None)
        made._add(name, method, document)
    nan = float("nan")
    with in_use(catalog, demands, history, prices, terms):
        made._run_of(catalog, demands, history, prices, model, terms, nan if from_s is None else from_s,
                     nan if to_s is None else to_s, step_s, startup_s, points, draws, seed, call)
    return made
