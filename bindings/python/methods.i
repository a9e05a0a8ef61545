/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods.i - what makes the classes feel at home in Python: defaults, names for tuples, sequences.
 *
 * The flat methods of common/ become private; those here call them.
 */
%rename(_from_text) from_text;
%rename(_for_client_of) for_client_of;
%thread spotopt_catalog::from_text;
%thread spotopt_cluster::from_text;
%thread spotopt_policy::from_text;
%thread spotopt_history::from_text;
%thread spotopt_metrics::from_text;

%rename(_set_real) spotopt_options::set_real;
%rename(_set_int) spotopt_options::set_int;
%rename(_set_text) spotopt_options::set_text;
%rename(_get_real) spotopt_options::get_real;
%rename(_count) spotopt_catalog::count;
%rename(_pool_at) spotopt_catalog::pool_at;
%rename(_prices) spotopt_catalog::prices;
%rename(_set_prices) spotopt_catalog::set_prices;
%rename(_node_name) spotopt_cluster::node_name;
%rename(_pod_id) spotopt_cluster::pod_id;
%rename(_warning_count) spotopt_cluster::warning_count;
%rename(_warning_at) spotopt_cluster::warning_at;
%rename(_node_count) spotopt_cluster::node_count;
%rename(_pod_count) spotopt_cluster::pod_count;
%rename(_pdb_count) spotopt_cluster::pdb_count;
%rename(_write) write;
%rename(_count) spotopt_history::count;

%pythoncode %{
import array
import json
import operator
from .errors import ArgumentError
from .rows import (Explanation, Forecast, Judgement, ModelCard, ModelFeature, ModelMetric, Option, PackingCertificate,
                   PackingRow, PackingStats, Place, PlanSummary, Pool, RiskFlag, SkillGain, outcomes, rules)
from .use import not_in_use

_nan = float("nan")
_no_limit = 2**32 - 1


def _column(out, count):
    return array.array("d", bytes(8 * count)) if out is None else out


def _reals(values):
    """A float64 buffer of what may be one already."""
    return values if values is None or hasattr(values, "typecode") else array.array("d", values)


def _flat(values):
    """A new float64 array of numbers in any number of dimensions, the last one fastest."""
    try:
        view = memoryview(values)
    except TypeError:
        return array.array("d", values)
    if view.format != "d" or not view.c_contiguous:
        return array.array("d", getattr(values, "ravel", lambda: values)())
    return array.array("d", view.cast("B").cast("d"))


def _indices(values):
    """A uint32 buffer of what may be one already."""
    return values if values is None or hasattr(values, "typecode") else array.array("I", values)


def _or_nan(value):
    return _nan if value is None else value


def _or_no_limit(value):
    return _no_limit if value is None else value
%}

%feature("shadow") spotopt_options::spotopt_options %{
    def __init__(self, **values):
        _spotopt.Options_swiginit(self, _spotopt.new_Options())
        self.update(**values)
%}

%extend spotopt_options {
%pythoncode %{
    @staticmethod
    def table():
        """Every option there is, as a list of Option."""
        return [Option._make(option_at(i)) for i in range(option_count())]

    def __getitem__(self, key):
        """The value of an option, int or float as its type is."""
        value = self._get_real(key)
        kinds = {option.key: option.type for option in self.table()}
        return int(value) if kinds[key] == "int" else value

    def __setitem__(self, key, value):
        """Set an option, from a number or from text."""
        if isinstance(value, str):
            self._set_text(key, value)
        else:
            try:
                whole = operator.index(value)
            except TypeError:
                self._set_real(key, float(value))
            else:
                # Further than any range goes; the refusal is the library's.
                self._set_int(key, max(-(2**63), min(2**63 - 1, whole)))
        self.__dict__.setdefault("_given", {})[key] = value

    def update(self, **values):
        """Set several options."""
        for key, value in values.items():
            self[key] = value

    @property
    def given(self):
        """The options that were set, as a dict."""
        return dict(self.__dict__.get("_given", {}))

    def __repr__(self):
        return "Options(%s)" % ", ".join("%s=%r" % item for item in self.given.items())
%}
}

%extend spotopt_catalog {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="catalog", zones=None, zone_map=None):
        """Read a catalog, CSV or JSON, from str or bytes.

        name stands in messages. zones ("a,b,c") are those of rows that name none; zone_map
        ("use1-az2=us-east-1a,...") turns ids into names. Raises InputError, which names the place.
        """
        return cls._from_text(text, name, zones, zone_map)

    def __len__(self):
        """The number of pools."""
        return self._count()

    def __getitem__(self, index):
        """One Pool, by its index."""
        count = len(self)
        place = operator.index(index)
        place += count if place < 0 else 0
        if not 0 <= place < count:
            raise IndexError("catalog[%d]; there are %d pools" % (index, count))
        return Pool._make(self._pool_at(place))

    def __iter__(self):
        for index in range(len(self)):
            yield self[index]

    def prices(self, out=None):
        """USD per hour of every pool, NaN where unknown.

        Written into out, a contiguous float64 buffer of len(self), or into a new array.array, which
        numpy.asarray() wraps uncopied. Returns the buffer.
        """
        out = _column(out, len(self))
        self._prices(out)
        return out

    def set_prices(self, usd_per_hour):
        """Set the price of every pool from a contiguous float64 buffer, read uncopied.

        Raises ArgumentError, which names the row, and StateError while another thread plans with
        this catalog; nothing was changed then.
        """
        with not_in_use(self):
            self._set_prices(usd_per_hour)

    def __repr__(self):
        return "<spotopt.Catalog of %d pools>" % len(self)
%}
}

%extend spotopt_cluster {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="cluster", cluster_id=None, client_id=None):
        """Read what `kubectl get nodes,pods,pdb,... -A -o json` prints, from str or bytes."""
        return cls._from_text(text, name, cluster_id, client_id)

    @property
    def nodes(self):
        """The nodes' names."""
        return [self._node_name(i) for i in range(self._node_count())]

    @property
    def pods(self):
        """The pods as "namespace/name", replicas that are still wanted included."""
        return [self._pod_id(i) for i in range(self._pod_count())]

    @property
    def node_count(self):
        """The number of nodes."""
        return self._node_count()

    @property
    def pod_count(self):
        """The number of pods, replicas that are still wanted included."""
        return self._pod_count()

    @property
    def pdb_count(self):
        """The number of disruption budgets."""
        return self._pdb_count()

    @property
    def warnings(self):
        """What reading found odd, a line each."""
        return [self._warning_at(i) for i in range(self._warning_count())]

    def __repr__(self):
        return "<spotopt.Cluster of %d nodes, %d pods>" % (self.node_count, self.pod_count)
%}
}

%extend spotopt_policy {
%pythoncode %{
    @classmethod
    def parse(cls, text=None, name="policy"):
        """Read a Policy document from str or bytes; without one, every field holds its default."""
        return cls._from_text(text, name)

    def for_client(self, client):
        """The policy that holds for one client: its own fields, and this policy's for the rest."""
        return self._for_client_of(client)

    def to_json(self):
        """The whole policy, defaults filled in, as a Policy document."""
        return self._write()

    def to_dict(self):
        """The same as a dict."""
        return json.loads(self._write())
%}
}

%extend spotopt_history {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="history"):
        """Read a History table (CSV) from str or bytes."""
        return cls._from_text(text, name)

    def __len__(self):
        """The number of rows."""
        return self._count()

    def __repr__(self):
        return "<spotopt.History of %d rows>" % len(self)
%}
}

%extend spotopt_metrics {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="metrics"):
        """Read a Metrics document from str or bytes."""
        return cls._from_text(text, name)
%}
}

%include "python/risk.i"
%include "python/decisions.i"
%include "python/evaluation.i"
%include "python/replay.i"
%include "python/ledger.i"
