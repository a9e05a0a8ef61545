/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decisions.i - methods of what is asked and answered: rankings, packings, funnels, plans.
 *
 * The calls themselves are in calls.py.
 */
%rename(_plan_of) plan_of;
%thread spotopt_drain::plan_of;
%rename(_blocked_count) blocked_count;
%rename(_lost_count) lost_count;
%rename(_carry_out_of) carry_out_of;
%thread spotopt_simulation::carry_out_of;
%rename(_fault_count) fault_count;
%rename(_plan_count) plan_count;
%rename(_is_drained) is_drained;
%rename(_makespan_s) makespan_s;
%rename(_advisor_predict) spotopt_advisor_predict_of;
%rename(_fit_of) spotopt_lifetime::fit_of;
%rename(_ages_of) ages_of;
%rename(_portfolio_assess) spotopt_portfolio_assess_of;
%rename(_portfolio_learn_shocks) spotopt_portfolio_learn_shocks_of;
%rename(_rank_of) rank_of;
%rename(_solve_with) solve_with;
%rename(_result_from) result_from;
%rename(_make_of) make_of;
%rename(_check_of) check_of;
%thread spotopt_lifetime::fit_of;
%thread spotopt_portfolio_assess_of;
%thread spotopt_portfolio_learn_shocks_of;
%thread spotopt_ranking::rank_of;
%thread spotopt_problem::from_text;
%thread spotopt_problem::solve_with;
%thread spotopt_problem::result_from;
%thread spotopt_plan::make_of;
%thread spotopt_plan::check_of;

%rename(_at) at;
%rename(_count) spotopt_ranking::count;
%rename(_add_pool_of) add_pool_of;
%rename(_add_demand_of) add_demand_of;
%rename(_add_node_of) add_node_of;
%rename(_add_rule_of) add_rule_of;
%rename(_set_pool_label) set_pool_label;
%rename(_set_resident) set_resident;
%rename(_outcome) spotopt_packing::outcome;
%rename(_cost) spotopt_packing::cost;
%rename(_bound) spotopt_packing::bound;
%rename(_gap) spotopt_packing::gap;
%rename(_row_count) row_count;
%rename(_row_at) row_at;
%rename(_why_count) why_count;
%rename(_why_at) why_at;
%rename(_stats_get) stats_get;
%rename(_certificate_get) certificate_get;
%rename(_write_json) write_json;
%rename(_write_openmetrics) write_openmetrics;
%rename(_merge) spotopt_funnel::merge;
%rename(_summarize) summarize;
%rename(_unplaced) spotopt_packing::unplaced;
%rename(_resource_count) spotopt_problem::resource_count;
%rename(_pool_count) spotopt_problem::pool_count;
%rename(_demand_count) spotopt_problem::demand_count;
%rename(_node_count) spotopt_problem::node_count;
%rename(_rule_count) spotopt_problem::rule_count;
%rename(_pool_id) pool_id;
%rename(_demand_id) demand_id;
%rename(_node_id) node_id;

%extend spotopt_lifetime {
%pythoncode %{
    @classmethod
    def fit(cls, age_h, reclaimed, *, start_age_h=None, group=None, block=None):
        """Fit a hazard by age to nodes, columns with one entry a node.

        age_h when last seen, reclaimed 1 where that ended it and 0 where nobody knows (float64, uint32);
        start_age_h where watching began late; group tells kinds of nodes apart, each with a level of its
        own; block those that may be reclaimed together, which intervals then count once.
        """
        return cls._fit_of(_reals(age_h), _indices(reclaimed), _reals(start_age_h), _indices(group),
                           _indices(block))

    def columns(self, age_h, horizon_h, *, group=None):
        """p that nodes of stated ages are reclaimed within horizon_h hours, and its 2.5 % and 97.5 % quantiles.

        Returns three array.array, which numpy.asarray() wraps uncopied.
        """
        age_h = _reals(age_h)
        out = tuple(_column(None, len(age_h)) for _ in range(3))
        self._ages_of(age_h, _indices(group), horizon_h, *out)
        return out
%}
}

%extend spotopt_ranking {
%pythoncode %{
    def __len__(self):
        """The number of pools that were ranked."""
        return self._count()

    def __getitem__(self, place):
        """The Place (pool index and score) at a place, best first."""
        at = operator.index(place)
        at += len(self) if at < 0 else 0
        if not 0 <= at < len(self):
            raise IndexError("ranking[%d]; there are %d places" % (place, len(self)))
        return Place._make(self._at(at))

    def __iter__(self):
        for place in range(len(self)):
            yield self[place]

    def switch(self):
        """Whether what runs should stay or move, and why: a dict; None when rank() was not told where it runs."""
        return self.to_dict().get("switch")

    def to_json(self):
        """The Ranking document."""
        return self._write()

    def to_dict(self):
        """The Ranking document as a dict."""
        return json.loads(self._write())

    def funnel(self):
        """How many pools fell at which stage, and why."""
        return Funnel.parse(self._write(), name="ranking")

    def __repr__(self):
        return "<spotopt.Ranking of %d pools>" % len(self)
%}
}

%extend spotopt_problem {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="problem"):
        """Read a PackingProblem document from str or bytes."""
        return cls._from_text(text, name)

    def add_pool(self, id, capacity, cost, min=0, max=None, rank=0, labels=None):
        """Add a pool that new nodes can be bought from; returns its index.

        capacity has a number a resource; max None is no limit; rank breaks ties in cost.
        """
        with not_in_use(self):
            index = self._add_pool_of(id, _reals(capacity), cost, min, _or_no_limit(max), rank)
            for key, value in (labels or {}).items():
                self._set_pool_label(index, key, value)
        return index

    def add_demand(self, id, request, count=1, pools=None, move_cost=0.0, unplaced_cost=None):
        """Add identical replicas, counted once; returns the index.

        pools are the indices of those it may use, None for all; unplaced_cost None: it must be placed.
        """
        with not_in_use(self):
            return self._add_demand_of(id, _reals(request), count, _indices(pools), move_cost,
                                       _or_nan(unplaced_cost))

    def add_node(self, id, pool, capacity=None, cost=None, holds=None, fixed=None):
        """Add a running node; returns its index.

        capacity and cost None are its pool's. holds and fixed count replicas by demand index.
        """
        with not_in_use(self):
            index = self._add_node_of(id, pool, _reals(capacity), _or_nan(cost))
            for demand, replicas in (holds or {}).items():
                self._set_resident(index, demand, replicas, (fixed or {}).get(demand, 0))
        return index

    def add_rule(self, rule, *, demands=None, others=None, per=None, count=None, frac=None,
                 penalty=None, max_skew=1, min_domains=0, key=None, value=None, of=None, min=None,
                 max=None, min_frac=None, max_frac=None, pools=None, values=None):
        """Add a rule, by the name and the fields that a PackingProblem document has.

        others stands for from, to or for; demands, others and pools are indices; values are those
        of a mean, one for each of pools.
        """
        if rule not in rules:
            raise ArgumentError("rule is %r; want one of %s" % (rule, ", ".join(rules)))
        with not_in_use(self):
            self._add_rule_of(rules[rule], _or_no_limit(count), _or_nan(frac), per, _indices(demands),
                              _indices(others), _or_nan(penalty), max_skew, min_domains, key, value,
                              of, _or_nan(min), _or_nan(max), _or_nan(min_frac), _or_nan(max_frac),
                              _indices(pools), _reals(values))

    @property
    def pools(self):
        """The pools' ids."""
        return [self._pool_id(i) for i in range(self._pool_count())]

    @property
    def demands(self):
        """The demands' ids."""
        return [self._demand_id(i) for i in range(self._demand_count())]

    @property
    def nodes(self):
        """The running nodes' ids."""
        return [self._node_id(i) for i in range(self._node_count())]

    @property
    def resource_count(self):
        """The number of resources."""
        return self._resource_count()

    @property
    def rule_count(self):
        """The number of rules."""
        return self._rule_count()

    def __repr__(self):
        return "<spotopt.Problem of %d pools, %d demands, %d nodes>" % (
            self._pool_count(), self._demand_count(), self._node_count())
%}
}

%extend spotopt_packing {
%pythoncode %{
    @property
    def outcome(self):
        """"optimal", "feasible", "infeasible" or "stopped"."""
        return outcomes[self._outcome()]

    @property
    def cost(self):
        """The objective; NaN when not everything that must be placed is."""
        return self._cost()

    @property
    def bound(self):
        """No packing costs less than this; NaN when infeasible."""
        return self._bound()

    @property
    def gap(self):
        """(cost - bound) / max(cost, 1e-9); NaN without a cost."""
        return self._gap()

    @property
    def rows(self):
        """Equal nodes of the answer, as PackingRow; running nodes not among them are dropped."""
        rows = (self._row_at(i) for i in range(self._row_count()))
        return [PackingRow(pool, None if node == _no_limit else node, count, holds)
                for pool, node, count, holds in rows]

    def unplaced(self, demand):
        """Replicas of a demand, by its index, that are not placed."""
        return self._unplaced(demand)

    @property
    def why(self):
        """Reasons for what is not placed, as (demand index, text)."""
        return [tuple(reversed(self._why_at(i))) for i in range(self._why_count())]

    @property
    def certificate(self):
        """Why there is no packing, as PackingCertificate; None where there is one or none was found."""
        proof, *rest = self._certificate_get()
        return None if proof is None else PackingCertificate(proof, *rest)

    @property
    def stats(self):
        """What the solve took, as PackingStats."""
        return PackingStats._make(self._stats_get())

    def to_json(self):
        """The PackingResult document."""
        return self._write_json()

    def to_dict(self):
        """The PackingResult document as a dict."""
        return json.loads(self._write_json())

    def __repr__(self):
        return "<spotopt.Packing: %s, cost %g, gap %g>" % (self.outcome, self.cost, self.gap)
%}
}

%extend spotopt_funnel {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="funnel"):
        """Read the funnel of a Plan, Ranking or Funnel document, from str or bytes."""
        return cls._from_text(text, name)

    def merge(self, other):
        """Add another's counts, stage by stage; in any order the result is the same."""
        self._merge(other)

    def to_json(self):
        """The Funnel document."""
        return self._write()

    def to_dict(self):
        """The Funnel document as a dict."""
        return json.loads(self._write())

    def to_openmetrics(self):
        """The counts as OpenMetrics text."""
        return self._write_openmetrics()
%}
}

%rename(_add) spotopt_recorder::add;
%rename(_add_explained) add_explained;
%rename(_funnel_of) funnel_of;
%feature("shadow") spotopt_recorder::spotopt_recorder %{
    def __init__(self, now=0.0):
        _spotopt.Recorder_swiginit(self, _spotopt.new_Recorder(now))
%}
%extend spotopt_recorder {
%pythoncode %{
    def add(self, reason=None, against=()):
        """Count one candidate: it left for a reason, a Drop, or came through (None).

        against holds every reason that spoke against it, where all filters were tried.
        """
        reason = DROP_NONE if reason is None else reason
        if against:
            self._add_explained(reason, sum({1 << one for one in against}))
        else:
            self._add(reason)

    def funnel(self, window_s=0.0):
        """A Funnel of the trailing window before the last tick, and since it; 0: of everything."""
        return self._funnel_of(window_s)
%}
}

%rename(_metric_count) metric_count;
%rename(_metric) metric;
%rename(_report_of) report_of;
%rename(_canary_of) canary_of;
%thread spotopt_experiment::from_text;
%thread spotopt_experiment::report_of;
%thread spotopt_experiment::canary_of;
%extend spotopt_experiment {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="experiment"):
        """Read measurements, CSV `unit,time_s,arm,metric,value[,pre_value]`, from str or bytes."""
        return cls._from_text(text, name)

    @property
    def metrics(self):
        """The metrics' names, in order of first appearance."""
        return [self._metric(i) for i in range(self._metric_count())]

    def report(self, metric=None, *, exposure=None, control="control", treatment=None, alpha=0.05, share=0.5,
               effect_frac=0.05, mixture=0.2, better="lower"):
        """Compare two arms in every metric, or in one, or in the rate metric/exposure. Returns the
        ExperimentReport document as a dict.

        alpha is the chance of a false alarm; share that of a unit to be in the treatment; effect_frac a
        difference worth finding, as a share of control; mixture the spread of effects, in standard
        deviations of a unit, that looking often is tuned to; better is "lower" or "higher".
        """
        higher = {"lower": 0, "higher": 1}.get(better)
        if higher is None:
            raise ArgumentError('better is %r; want "lower" or "higher"' % (better,))
        return json.loads(self._report_of(control, treatment, metric, exposure, alpha, share, effect_frac,
                                          mixture, higher))

    def canary(self, metrics, *, control="control", treatment=None, alpha=0.05, pass_score=95.0):
        """Judge a canary. metrics maps a metric's name to a dict of weight (1), tolerance_frac (0.1),
        direction ("either", "increase", "decrease": the way it must not move) and critical (False).
        Returns the CanaryReport document as a dict.
        """
        ways = {"either": 0, "increase": 1, "decrease": 2}
        known = {"weight", "tolerance_frac", "direction", "critical"}
        for name, asked in metrics.items():
            if not set(asked) <= known or asked.get("direction", "either") not in ways:
                raise ArgumentError("metric %r: %r; want weight, tolerance_frac, critical and direction "
                                    '"either", "increase" or "decrease"' % (name, asked))
        asked = list(metrics.values())
        return json.loads(self._canary_of(
            control, treatment, alpha, list(metrics),
            _reals([float(one.get("weight", 1.0)) for one in asked]),
            _reals([float(one.get("tolerance_frac", 0.1)) for one in asked]),
            _indices([ways[one.get("direction", "either")] for one in asked]),
            _indices([int(bool(one.get("critical", False))) for one in asked]), pass_score))
%}
}

%extend spotopt_plan {
%pythoncode %{
    @property
    def summary(self):
        """What the plan comes to, as PlanSummary."""
        return PlanSummary._make(self._summarize())

    def to_json(self):
        """The Plan document."""
        return self._write()

    def to_dict(self):
        """The Plan document as a dict."""
        return json.loads(self._write())

    def funnel(self):
        """How many pools fell at which stage, and why."""
        return Funnel.parse(self._write(), name="plan")

    def __repr__(self):
        is_now = self.summary
        return "<spotopt.Plan: %d nodes become %d, %d moves>" % (
            is_now.before_nodes, is_now.after_nodes, is_now.moves)
%}
}

%extend spotopt_drain {
%pythoncode %{
    @property
    def blocked_count(self):
        """Pods that no order of steps can move, or that the notice is too short for."""
        return self._blocked_count()

    @property
    def lost_count(self):
        """Pods that are lost because the notice is too short."""
        return self._lost_count()

    @property
    def makespan_s(self):
        """Seconds from the first step to the last pod ready elsewhere."""
        return self._makespan_s()

    def to_json(self):
        """The DrainPlan document."""
        return self._write()

    def to_dict(self):
        """The DrainPlan document as a dict."""
        return json.loads(self._write())
%}
}

%extend spotopt_simulation {
%pythoncode %{
    @property
    def fault_count(self):
        """Steps of the drain that a rule forbade when they were taken: anything but 0 is the planner's error."""
        return self._fault_count()

    @property
    def plan_count(self):
        """How often was planned, the first time included."""
        return self._plan_count()

    @property
    def is_drained(self):
        """Whether every node that was to leave is gone."""
        return bool(self._is_drained())

    @property
    def makespan_s(self):
        """Seconds until the last step, or the last pod that became ready."""
        return self._makespan_s()

    def to_json(self):
        """The DrainSimulation document."""
        return self._write()

    def to_dict(self):
        """The DrainSimulation document as a dict."""
        return json.loads(self._write())
%}
}
