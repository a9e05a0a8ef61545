# SPDX-License-Identifier: Apache-2.0
# Kept by hand; tests/python/test_stub.py holds it to what the package has.
import array
import datetime
import enum
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

__version__: str

# Typing has no word for "a buffer" before Python 3.12.
_Text = Union[str, bytes, bytearray, memoryview]
_Reals = Any  # a contiguous float64 column: array.array("d"), numpy.ndarray, memoryview, ...
_Indices = Any  # the same of uint32: array.array("I"), ...
_Now = Union[float, datetime.datetime]
_Watch = Optional[Callable[[Progress], object]]
_Value = Union[float, str]

class Error(Exception):
    status: Optional[int]

class NoMemoryError(Error, MemoryError): ...
class ArgumentError(Error, ValueError): ...
class StateError(Error): ...
class InputError(Error, ValueError): ...
class MismatchError(Error, ValueError): ...
class CancelledError(Error): ...
class InternalError(Error): ...

class RiskFlag(enum.IntFlag):
    PRIOR = 1
    EVIDENCE = 2
    HAZARD = 4
    COLD = 16
    STALE = 32
    NONE = 64
    FALLBACK = 128
    DRIFT = 256

class Option(NamedTuple):
    key: str
    type: str
    unit: str
    since: str
    help: str
    default: float
    min: float
    max: float

class Pool(NamedTuple):
    id: str
    instance_type: str
    zone: str
    purchase: str
    arch: str
    usd_per_hour: float
    cpu_cores: float
    memory_mib: float

class Stage(enum.IntEnum):
    SCOPE = 0
    FITS = 1
    ALLOWED = 2
    PRICE_CAP = 3
    RISK_CAP = 4
    OBTAINABLE = 5
    QUOTA = 6

class Drop(enum.IntEnum):
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
    p: float
    low: float
    high: float
    events: float
    hours: float
    flags: RiskFlag

class Explanation(NamedTuple):
    base: float
    total: float
    contributions: Dict[str, float]

class ModelCard(NamedTuple):
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
    metric: str
    horizon_h: float
    value: float
    low: float
    high: float

class ModelFeature(NamedTuple):
    name: str
    group: str
    mean: float
    scale: float
    beta: float
    gamma: float

class Place(NamedTuple):
    pool: int
    score: float

class PortfolioLoss(NamedTuple):
    mean_vcpus: float
    variance_vcpus: float
    mean_nodes: float
    variance_nodes: float
    p_at_least: float
    quantile_vcpus: float
    cvar_vcpus: float
    cvar_error_vcpus: float
    cell_vcpus: float
    mean: array.array[float]
    variance: array.array[float]
    cvar: array.array[float]

class Judgement(NamedTuple):
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

class SkillGain(NamedTuple):
    gain: float
    low: float
    high: float
    brier_gain: float
    better_frac: float

class Savings(NamedTuple):
    gross: float
    net: float
    optimization_rate: float

class PackingRow(NamedTuple):
    pool: int
    node: Optional[int]
    count: int  # type: ignore[assignment]  # not tuple's method
    holds: Dict[int, int]

class PackingCertificate(NamedTuple):
    proof: str
    minimal: bool
    demands: Dict[int, int]
    rules: List[int]
    limits: List[int]

class PackingStats(NamedTuple):
    seconds: float
    lp_seconds: float
    pricing_seconds: float
    work: int
    columns: int
    branch_nodes: int
    cut_short: bool

class PlanSummary(NamedTuple):
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
    stage: str
    done_frac: float
    cost: float
    bound: float
    seconds: float

class Options:
    def __init__(self, **values: _Value) -> None: ...
    @staticmethod
    def table() -> List[Option]: ...
    def __getitem__(self, key: str) -> float: ...
    def __setitem__(self, key: str, value: _Value) -> None: ...
    def update(self, **values: _Value) -> None: ...
    @property
    def given(self) -> Dict[str, _Value]: ...

class Catalog:
    @classmethod
    def parse(
        cls, text: _Text, name: str = "catalog", zones: Optional[str] = None, zone_map: Optional[str] = None
    ) -> Catalog: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Pool: ...
    def __iter__(self) -> Iterator[Pool]: ...
    def prices(self, out: Optional[_Reals] = None) -> Any: ...
    def set_prices(self, usd_per_hour: _Reals) -> None: ...

class Cluster:
    @classmethod
    def parse(
        cls, text: _Text, name: str = "cluster", cluster_id: Optional[str] = None, client_id: Optional[str] = None
    ) -> Cluster: ...
    @property
    def nodes(self) -> List[str]: ...
    @property
    def pods(self) -> List[str]: ...
    @property
    def node_count(self) -> int: ...
    @property
    def pod_count(self) -> int: ...
    @property
    def pdb_count(self) -> int: ...
    @property
    def warnings(self) -> List[str]: ...

class Policy:
    @classmethod
    def parse(cls, text: Optional[_Text] = None, name: str = "policy") -> Policy: ...
    def for_client(self, client: str) -> Policy: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...
    def with_overrides(
        self,
        ledger: Ledger,
        now_ms: int,
        *,
        cluster: Optional[str] = None,
        client: Optional[str] = None,
        return_hours: float = 1.0,
    ) -> Policy: ...

class History:
    @classmethod
    def parse(cls, text: _Text, name: str = "history") -> History: ...
    def __len__(self) -> int: ...

class PriceHistory:
    @classmethod
    def parse(cls, text: _Text, name: str = "prices") -> PriceHistory: ...
    def __len__(self) -> int: ...

class DemandHistory:
    @classmethod
    def parse(cls, text: _Text, name: str = "demand") -> DemandHistory: ...
    def __len__(self) -> int: ...

class Replay:
    def __len__(self) -> int: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...

class Lifetime:
    @classmethod
    def fit(
        cls,
        age_h: Union[_Reals, Iterable[float]],
        reclaimed: Union[_Indices, Iterable[int]],
        *,
        start_age_h: Union[_Reals, Iterable[float], None] = None,
        group: Union[_Indices, Iterable[int], None] = None,
        block: Union[_Indices, Iterable[int], None] = None,
    ) -> Lifetime: ...
    def columns(
        self,
        age_h: Union[_Reals, Iterable[float]],
        horizon_h: float,
        *,
        group: Union[_Indices, Iterable[int], None] = None,
    ) -> Tuple[array.array[float], array.array[float], array.array[float]]: ...

class Metrics:
    @classmethod
    def parse(cls, text: _Text, name: str = "metrics") -> Metrics: ...

class Model:
    @classmethod
    def parse(cls, text: _Text, name: str = "model") -> Model: ...
    @property
    def card(self) -> ModelCard: ...
    @property
    def features(self) -> List[ModelFeature]: ...
    @property
    def metrics(self) -> List[ModelMetric]: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...

class Risk:
    def __len__(self) -> int: ...
    @property
    def pools(self) -> List[str]: ...
    def at(self, pool: int, horizon_h: float) -> Forecast: ...
    def columns(
        self,
        horizon_h: float,
        p: Optional[_Reals] = None,
        low: Optional[_Reals] = None,
        high: Optional[_Reals] = None,
    ) -> Tuple[Any, Any, Any]: ...
    def drop_columns(
        self,
        horizon_h: float,
        p: Optional[_Reals] = None,
        low: Optional[_Reals] = None,
        high: Optional[_Reals] = None,
    ) -> Tuple[Any, Any, Any]: ...
    def explain(self, pool: int, horizon_h: float) -> Explanation: ...
    def to_json(self, horizons_h: Union[_Reals, Iterable[float]] = (1.0, 4.0, 24.0)) -> str: ...
    def to_dict(self, horizons_h: Union[_Reals, Iterable[float]] = (1.0, 4.0, 24.0)) -> Dict[str, Any]: ...

class Evaluation:
    @classmethod
    def of_columns(
        cls,
        time_s: Union[_Reals, Iterable[float]],
        label: Any,
        forecasts: Dict[str, Any],
        horizons_h: Union[_Reals, Iterable[float]],
        *,
        pool: Union[_Indices, Iterable[int], None] = None,
        reference: Union[_Reals, Iterable[float], None] = None,
        draws: int = 400,
        seed: int = 7,
    ) -> Evaluation: ...
    @classmethod
    def judge(
        cls,
        history: History,
        from_s: float,
        to_s: float,
        *,
        model: Union[Model, _Text, None] = None,
        against: Union[Model, _Text, None] = None,
        catalog: Optional[Catalog] = None,
        horizons_h: Union[_Reals, Iterable[float]] = (1.0, 4.0, 24.0),
        step_s: float = 900.0,
        reference: Union[_Reals, Iterable[float], None] = None,
        fit_from_s: Optional[float] = None,
        fit_to_s: Optional[float] = None,
        pool: Optional[str] = None,
        draws: int = 400,
        seed: int = 7,
    ) -> Evaluation: ...
    def __len__(self) -> int: ...
    @property
    def forecasts(self) -> List[str]: ...
    @property
    def horizons_h(self) -> List[float]: ...
    def at(self, forecast: int = 0, horizon: int = 0) -> Judgement: ...
    def curve(
        self, forecast: int = 0, horizon: int = 0
    ) -> Tuple[array.array[float], array.array[float], array.array[float]]: ...
    def rows(
        self, forecast: int = 0, horizon: int = 0
    ) -> Tuple[array.array[float], array.array[float], array.array[float]]: ...
    def compare(self, forecast: int, other: int, horizon: int = 0) -> SkillGain: ...
    def gate(self, forecast: int, other: int) -> Dict[str, Any]: ...
    def predictions(self, forecast: int = 0) -> str: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...

class Registry:
    @classmethod
    def parse(cls, text: _Text, name: str = "ledger") -> Registry: ...
    def __len__(self) -> int: ...
    def upload(
        self, document: _Text, time_ms: int, author: Optional[str] = None, reason: Optional[str] = None
    ) -> str: ...
    def graduate(
        self, id: str, evaluation: Evaluation, time_ms: int, author: Optional[str] = None, reason: Optional[str] = None
    ) -> str: ...
    def set_current(
        self, id: str, time_ms: int, author: Optional[str] = None, reason: Optional[str] = None
    ) -> str: ...
    def retire(
        self, id: str, time_ms: int, author: Optional[str] = None, reason: Optional[str] = None
    ) -> str: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...

class Ledger:
    @classmethod
    def parse(cls, text: _Text, name: str = "ledger") -> Ledger: ...
    def __len__(self) -> int: ...
    @property
    def last_ms(self) -> Optional[int]: ...
    def append(self, rows: _Text) -> None: ...
    def report(
        self,
        part: str,
        *,
        now_ms: Optional[int] = None,
        from_ms: Optional[int] = None,
        cluster: Optional[str] = None,
        client: Optional[str] = None,
        instance: Optional[str] = None,
        interruption_usd: float = 0.0,
        return_hours: float = 1.0,
        points: int = 60,
        limit: int = 100,
    ) -> Dict[str, Any]: ...
    def lift_override(self, id: str, time_ms: int, author: str, reason: str = "") -> str: ...

class Inventory:
    @classmethod
    def parse(cls, text: _Text, name: str = "inventory") -> Inventory: ...

class Cleanup:
    @classmethod
    def find(
        cls,
        inventory: Inventory,
        part: str,
        now_ms: int,
        *,
        ledger: Optional[Ledger] = None,
        min_age_days: float = 7.0,
        allow: Iterable[str] = (),
        owner_tags: Optional[Iterable[str]] = None,
    ) -> Cleanup: ...
    def __len__(self) -> int: ...
    def step(
        self, state: str, time_ms: int, author: str, reason: str = "", ids: Optional[Iterable[str]] = None
    ) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...
    def to_json(self) -> str: ...

class Ranking:
    def __len__(self) -> int: ...
    def __getitem__(self, place: int) -> Place: ...
    def __iter__(self) -> Iterator[Place]: ...
    def switch(self) -> Optional[Dict[str, Any]]: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...
    def funnel(self) -> Funnel: ...

class Problem:
    def __init__(self, resource_names: Iterable[str]) -> None: ...
    @classmethod
    def parse(cls, text: _Text, name: str = "problem") -> Problem: ...
    def add_pool(
        self,
        id: str,
        capacity: Iterable[float],
        cost: float,
        min: int = 0,
        max: Optional[int] = None,
        rank: int = 0,
        labels: Optional[Mapping[str, str]] = None,
    ) -> int: ...
    def add_demand(
        self,
        id: str,
        request: Iterable[float],
        count: int = 1,
        pools: Optional[Iterable[int]] = None,
        move_cost: float = 0.0,
        unplaced_cost: Optional[float] = None,
    ) -> int: ...
    def add_node(
        self,
        id: str,
        pool: int,
        capacity: Optional[Iterable[float]] = None,
        cost: Optional[float] = None,
        holds: Optional[Mapping[int, int]] = None,
        fixed: Optional[Mapping[int, int]] = None,
    ) -> int: ...
    def add_rule(
        self,
        rule: str,
        *,
        demands: Optional[Iterable[int]] = None,
        others: Optional[Iterable[int]] = None,
        per: Optional[str] = None,
        count: Optional[int] = None,
        frac: Optional[float] = None,
        penalty: Optional[float] = None,
        max_skew: int = 1,
        min_domains: int = 0,
        key: Optional[str] = None,
        value: Optional[str] = None,
        of: Optional[str] = None,
        min: Optional[float] = None,
        max: Optional[float] = None,
        min_frac: Optional[float] = None,
        max_frac: Optional[float] = None,
        pools: Optional[Iterable[int]] = None,
        values: Optional[Iterable[float]] = None,
    ) -> None: ...
    @property
    def pools(self) -> List[str]: ...
    @property
    def demands(self) -> List[str]: ...
    @property
    def nodes(self) -> List[str]: ...
    @property
    def resource_count(self) -> int: ...
    @property
    def rule_count(self) -> int: ...

class Packing:
    @property
    def outcome(self) -> str: ...
    @property
    def cost(self) -> float: ...
    @property
    def bound(self) -> float: ...
    @property
    def gap(self) -> float: ...
    @property
    def rows(self) -> List[PackingRow]: ...
    def unplaced(self, demand: int) -> int: ...
    @property
    def why(self) -> List[Tuple[int, str]]: ...
    @property
    def certificate(self) -> Optional[PackingCertificate]: ...
    @property
    def stats(self) -> PackingStats: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...

class Drain:
    @property
    def blocked_count(self) -> int: ...
    @property
    def lost_count(self) -> int: ...
    @property
    def makespan_s(self) -> float: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...

class Rehearsal:
    @property
    def fault_count(self) -> int: ...
    @property
    def plan_count(self) -> int: ...
    @property
    def is_drained(self) -> bool: ...
    @property
    def makespan_s(self) -> float: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...

class Funnel:
    def __init__(self) -> None: ...
    @classmethod
    def parse(cls, text: _Text, name: str = "funnel") -> Funnel: ...
    def merge(self, other: Funnel) -> None: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...
    def to_openmetrics(self) -> str: ...

class Recorder:
    def __init__(self, now: float = 0.0) -> None: ...
    def add(self, reason: Optional[int] = None, against: Iterable[int] = ()) -> None: ...
    def decided(self, chosen: int, alternates: int) -> None: ...
    def took(self, stage: int, seconds: float) -> None: ...
    def tick(self, now_s: float) -> None: ...
    def funnel(self, window_s: float = 0.0) -> Funnel: ...

class Experiment:
    @classmethod
    def parse(cls, text: _Text, name: str = "experiment") -> Experiment: ...
    @property
    def metrics(self) -> List[str]: ...
    def report(
        self,
        metric: Optional[str] = None,
        *,
        exposure: Optional[str] = None,
        control: str = "control",
        treatment: Optional[str] = None,
        alpha: float = 0.05,
        share: float = 0.5,
        effect_frac: float = 0.05,
        mixture: float = 0.2,
        better: str = "lower",
    ) -> Dict[str, Any]: ...
    def canary(
        self,
        metrics: Mapping[str, Mapping[str, Any]],
        *,
        control: str = "control",
        treatment: Optional[str] = None,
        alpha: float = 0.05,
        pass_score: float = 95.0,
    ) -> Dict[str, Any]: ...

class Plan:
    @property
    def summary(self) -> PlanSummary: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> Dict[str, Any]: ...
    def funnel(self) -> Funnel: ...

def plan(
    *,
    cluster: Cluster,
    catalog: Catalog,
    policy: Optional[Policy] = None,
    history: Optional[History] = None,
    metrics: Optional[Metrics] = None,
    model: Optional[Model] = None,
    now: _Now,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Plan: ...
def check_plan(
    plan: Union[Plan, _Text, Dict[str, Any]],
    *,
    cluster: Cluster,
    catalog: Catalog,
    policy: Optional[Policy] = None,
    history: Optional[History] = None,
    metrics: Optional[Metrics] = None,
    model: Optional[Model] = None,
    name: str = "plan",
) -> List[str]: ...
def fit(
    history: History,
    *,
    from_s: float,
    to_s: float,
    calibrate_to_s: Optional[float] = None,
    step_s: float = 900.0,
    ridge: float = 100.0,
    isotonic: bool = False,
    free: bool = False,
    availability: bool = False,
    id: Optional[str] = None,
    catalog: Optional[Catalog] = None,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Model: ...
def replay_methods() -> Dict[str, str]: ...
def replay(
    *,
    catalog: Catalog,
    demands: DemandHistory,
    policies: Union[Iterable[str], Mapping[str, Union[str, Policy, Tuple[str, Policy]]], None] = None,
    history: Optional[History] = None,
    prices: Optional[PriceHistory] = None,
    model: Optional[Model] = None,
    terms: Optional[Policy] = None,
    from_s: Optional[float] = None,
    to_s: Optional[float] = None,
    step_s: float = 900.0,
    startup_s: float = 120.0,
    points: int = 240,
    draws: int = 2000,
    seed: int = 1,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Replay: ...
def risk(
    catalog: Optional[Catalog] = None,
    *,
    history: Optional[History] = None,
    model: Optional[Model] = None,
    now: _Now,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Risk: ...
def predict_buckets(
    instance_types: Iterable[str], regions: Iterable[str], buckets: Iterable[Optional[int]]
) -> List[Tuple[int, Tuple[float, ...]]]: ...
def portfolio(
    nodes: Union[_Indices, Iterable[int]],
    vcpus: Union[_Reals, Iterable[float]],
    p_drop: Union[_Reals, Iterable[float]],
    p_node: Union[_Reals, Iterable[float]],
    *,
    region: Union[_Indices, Iterable[int], None] = None,
    region_frac: float = 0.30,
    global_frac: float = 0.14,
    level: float = 0.95,
    at_least: int = 1,
    cells: int = 1024,
) -> PortfolioLoss: ...
def learn_shocks(
    history: History,
    from_s: float,
    to_s: float,
    *,
    horizon_h: float = 4.0,
    region_frac: float = 0.30,
    global_frac: float = 0.14,
) -> Tuple[float, float]: ...
def rank(
    catalog: Catalog,
    request: Union[str, Mapping[str, object]],
    *,
    history: Optional[History] = None,
    metrics: Optional[Metrics] = None,
    policy: Optional[Policy] = None,
    model: Optional[Model] = None,
    now: _Now,
    count: int = 1,
    top: int = 0,
    current: Optional[str] = None,
    since: Optional[_Now] = None,
    moves: int = 0,
    noticed: bool = False,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Ranking: ...
def pack(
    problem: Union[Problem, _Text, Dict[str, Any]],
    *,
    previous: Union[Packing, _Text, Dict[str, Any], None] = None,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Packing: ...
def drain(
    cluster: Cluster,
    nodes: Optional[Iterable[str]] = None,
    *,
    catalog: Optional[Catalog] = None,
    policy: Optional[Policy] = None,
    plan: Union[Plan, _Text, Dict[str, Any], None] = None,
    notice_s: float = 0.0,
    launch_s: float = 60.0,
    start_s: float = 15.0,
    now: Optional[_Now] = None,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Drain: ...
def rehearse(
    cluster: Cluster,
    nodes: Optional[Iterable[str]] = None,
    *,
    catalog: Optional[Catalog] = None,
    policy: Optional[Policy] = None,
    plan: Union[Plan, _Text, Dict[str, Any], None] = None,
    notice_s: float = 0.0,
    launch_s: float = 60.0,
    start_s: float = 15.0,
    now: Optional[_Now] = None,
    seed: int = 1,
    refused: float = 0.05,
    slow: float = 0.05,
    stuck: float = 0.0,
    elsewhere: float = 0.05,
    node_lost: float = 0.02,
    launch_failed: float = 0.02,
    jitter: bool = True,
    options: Optional[Options] = None,
    progress: _Watch = None,
    **values: _Value,
) -> Rehearsal: ...
def assign(salt: str, unit: str, weights: Sequence[float] = (1.0, 1.0)) -> int: ...
def savings(
    paid_usd: _Reals, ode_usd: _Reals, *, losses_usd: Optional[_Reals] = None, bound_usd: Optional[_Reals] = None
) -> Savings: ...
def override_row(
    id: str,
    scope: str,
    time_ms: int,
    author: str,
    reason: str,
    *,
    target: Optional[str] = None,
    from_ms: Optional[int] = None,
    until_ms: Optional[int] = None,
) -> str: ...
def rank_scores(
    factors: _Reals, weights: _Reals, *, score: str = "geometric", out: Optional[_Reals] = None
) -> Any: ...
def rank_top(
    factors: _Reals, weights: _Reals, top: int, *, score: str = "geometric", reference: int = 0
) -> List[Tuple[int, float, Tuple[float, ...]]]: ...
