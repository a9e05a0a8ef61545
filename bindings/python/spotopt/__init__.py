# SPDX-License-Identifier: Apache-2.0
"""libspotopt: decides how Kubernetes fleets use spot capacity.

    import spotopt

    cluster = spotopt.Cluster.parse(text, name="cluster.json")
    catalog = spotopt.Catalog.parse(text, name="catalog.json")
    plan = spotopt.plan(cluster=cluster, catalog=catalog, now=1793610000)
    print(plan.summary)
"""
from .calls import (
    assign,
    check_plan,
    drain,
    fit,
    learn_shocks,
    override_row,
    pack,
    plan,
    portfolio,
    predict_buckets,
    rank,
    rank_scores,
    rank_top,
    rehearse,
    replay,
    replay_methods,
    risk,
    savings,
)
from .core import (
    Catalog,
    Cleanup,
    Cluster,
    DemandHistory,
    Drain,
    Evaluation,
    Experiment,
    Funnel,
    History,
    Inventory,
    Ledger,
    Lifetime,
    Metrics,
    Model,
    Options,
    Packing,
    Plan,
    Policy,
    PriceHistory,
    Problem,
    Ranking,
    Recorder,
    Registry,
    Rehearsal,
    Replay,
    Risk,
)
from .core import version as _version
from .errors import (
    ArgumentError,
    CancelledError,
    Error,
    InputError,
    InternalError,
    MismatchError,
    NoMemoryError,
    StateError,
)
from .rows import (
    Drop,
    Explanation,
    Forecast,
    Judgement,
    ModelCard,
    ModelFeature,
    ModelMetric,
    Option,
    PackingCertificate,
    PackingRow,
    PackingStats,
    Place,
    PlanSummary,
    Pool,
    PortfolioLoss,
    Progress,
    RiskFlag,
    Savings,
    SkillGain,
    Stage,
)

__version__ = _version()

# Where users find a name is where it says it lives.
for _name, _value in list(globals().items()):
    if getattr(_value, "__module__", "").startswith("spotopt."):
        _value.__module__ = "spotopt"
del _name, _value
