# SPDX-License-Identifier: Apache-2.0
"""Rows that the library hands out, as named tuples."""
import array
import enum
from typing import Dict, List, NamedTuple, Optional


class Option(NamedTuple):
    """One row of the option table."""

    key: str
    type: str
    unit: str
    since: str
    help: str
    default: float
    min: float
    max: float


class Pool(NamedTuple):
    """What can be bought: a machine type in a zone under a purchase model."""

    id: str
    instance_type: str
    zone: str
    purchase: str
    arch: str
    usd_per_hour: float
    cpu_cores: float
    memory_mib: float


class RiskFlag(enum.IntFlag):
    """Where a forecast comes from, and what is odd about it."""

    PRIOR = 1
    EVIDENCE = 2
    HAZARD = 4
    COLD = 16
    STALE = 32
    NONE = 64
    FALLBACK = 128
    DRIFT = 256


class Stage(enum.IntEnum):
    """Stages of a decision, in order."""

    SCOPE = 0
    FITS = 1
    ALLOWED = 2
    PRICE_CAP = 3
    RISK_CAP = 4
    OBTAINABLE = 5
    QUOTA = 6


class Drop(enum.IntEnum):
    """Why a candidate left; each reason belongs to one stage."""

    NO_PRICE = 0
    WRONG_ARCH = 1
    TOO_SMALL = 2
    NO_POD_MAY_USE = 3
    SPOT_DISABLED = 4
    FORCED_ON_DEMAND = 5
    FAMILY = 6
    EXCLUDED = 7
    PRICE_CAP = 8
    RISK_CAP = 9
    NO_CAPACITY = 10
    QUOTA = 11


class Forecast(NamedTuple):
    """One pool's forecast for one horizon: p of one node, its 2.5 % and 97.5 % quantiles, the evidence."""

    p: float
    low: float
    high: float
    events: float
    hours: float
    flags: RiskFlag


class Explanation(NamedTuple):
    """Log-odds of a pool's drop: from base, that of a pool at the mean of the fit window, parts add up to total."""

    base: float
    total: float
    contributions: Dict[str, float]


class ModelCard(NamedTuple):
    """What a model was made of; times are seconds of the history's epoch."""

    id: str
    target: str
    history_sha256: str
    limits: str
    from_s: float
    to_s: float
    calibrate_to_s: float
    step_s: float
    lost_share: float
    rows: int
    events: int
    pools: int
    feature_count: int
    calibrator_count: int
    metric_count: int


class ModelMetric(NamedTuple):
    """A number of a model's card, and its 95 % interval; NaN where there is none."""

    metric: str
    horizon_h: float
    value: float
    low: float
    high: float


class ModelFeature(NamedTuple):
    """What a model makes of a feature: z = (x - mean) / scale adds (beta + gamma ln(lead hours) / 2) z."""

    name: str
    group: str
    mean: float
    scale: float
    beta: float
    gamma: float


class Place(NamedTuple):
    """A place in a ranking: the pool's index in the catalog, and its score, 0..100."""

    pool: int
    score: float


class PortfolioLoss(NamedTuple):
    """What a fleet may lose within the horizon; the last three are columns, a part for each pool."""

    mean_vcpus: float
    variance_vcpus: float
    mean_nodes: float
    variance_nodes: float
    p_at_least: float
    quantile_vcpus: float
    cvar_vcpus: float
    cvar_error_vcpus: float
    cell_vcpus: float
    mean: array.array
    variance: array.array
    cvar: array.array


class Judgement(NamedTuple):
    """How good one forecast was at one horizon; NaN where there is no such number."""

    count: int
    base_rate: float
    reference: float
    auc: float
    auc_low: float
    auc_high: float
    within_pool_auc: float
    brier: float
    bss: float
    bss_low: float
    bss_high: float
    ece: float
    log_loss: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bin: float
    days: int
    bin_count: int


class Savings(NamedTuple):
    """Shares of savings from sums; NaN where there is none."""

    gross: float
    net: float
    optimization_rate: float


class SkillGain(NamedTuple):
    """One forecast against another at the same moments."""

    gain: float
    low: float
    high: float
    brier_gain: float
    better_frac: float


class PackingRow(NamedTuple):
    """Equal nodes of a packing; node is None for new ones; holds counts replicas by demand index."""

    pool: int
    node: Optional[int]
    count: int
    holds: Dict[int, int]


class PackingCertificate(NamedTuple):
    """A part of an infeasible problem that is infeasible by itself.

    proof is "demand" (one fits nowhere), "lp" or "search"; minimal: no replica can be spared; demands
    counts replicas by demand index; rules and limits are indices of rules, and of pools by their max.
    """

    proof: str
    minimal: bool
    demands: Dict[int, int]
    rules: List[int]
    limits: List[int]


class PackingStats(NamedTuple):
    """What a solve took."""

    seconds: float
    lp_seconds: float
    pricing_seconds: float
    work: int
    columns: int
    branch_nodes: int
    cut_short: bool


class PlanSummary(NamedTuple):
    """What a plan comes to; USD are per hour; NaN where a number does not exist."""

    before_usd_per_hour: float
    after_usd_per_hour: float
    on_demand_usd_per_hour: float
    gross_saving_frac: float
    gap: float
    before_nodes: int
    after_nodes: int
    moves: int
    pods_unplaced: int


class Progress(NamedTuple):
    """How a long call is getting on; done_frac is -1 where unknown, cost infinite while there is none."""

    stage: str
    done_frac: float
    cost: float
    bound: float
    seconds: float


outcomes = {1: "optimal", 2: "feasible", 3: "infeasible", 4: "stopped"}
rules = {
    "at_most": 1,
    "separate": 2,
    "together": 3,
    "near": 4,
    "spread": 5,
    "share": 6,
    "limit": 7,
    "mean": 8,
}
