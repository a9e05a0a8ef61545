/* SPDX-License-Identifier: Apache-2.0 */
/*
 * risk.i - methods of models and of the forecasts made with them.
 */
%rename(_fit_of) spotopt_model::fit_of;
%rename(_card_get) card_get;
%rename(_metric_at) metric_at;
%rename(_feature_at) feature_at;
%rename(_score_of) score_of;
%rename(_columns_of) columns_of;
%rename(_drop_columns_of) drop_columns_of;
%rename(_explain) spotopt_risk::explain;
%rename(_count) spotopt_risk::count;
%thread spotopt_model::from_text;
%thread spotopt_model::fit_of;
%thread spotopt_risk::score_of;

%extend spotopt_model {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="model"):
        """Read a Model document from str or bytes. Raises InputError, which names the place."""
        return cls._from_text(text, name)

    @property
    def card(self):
        """What the model was made of, as ModelCard."""
        return ModelCard._make(self._card_get())

    @property
    def features(self):
        """What it looks at, as a list of ModelFeature."""
        return [ModelFeature._make(self._feature_at(i)) for i in range(self.card.feature_count)]

    @property
    def metrics(self):
        """The numbers of its card, as a list of ModelMetric; empty until an evaluation fills them."""
        return [ModelMetric._make(self._metric_at(i)) for i in range(self.card.metric_count)]

    def to_json(self):
        """The Model document."""
        return self._write()

    def to_dict(self):
        """The Model document as a dict."""
        return json.loads(self._write())

    def __repr__(self):
        return "<spotopt.Model %s>" % self.card.id
%}
}

%extend spotopt_risk {
%pythoncode %{
    def __len__(self):
        """The number of pools."""
        return self._count()

    @property
    def pools(self):
        """The pools' ids."""
        return [self._pool_id(i) for i in range(len(self))]

    def at(self, pool, horizon_h):
        """One pool's Forecast, by its index, for the next horizon_h hours."""
        row = self._at(pool, horizon_h)
        return Forecast._make(row[:5] + (RiskFlag(row[5]),))

    def columns(self, horizon_h, p=None, low=None, high=None):
        """p of a node, low and high of every pool, as a tuple of three float64 buffers.

        Each is written into what was given, or into a new array.array, which numpy.asarray() wraps
        uncopied.
        """
        out = tuple(_column(one, len(self)) for one in (p, low, high))
        self._columns_of(horizon_h, *out)
        return out

    def drop_columns(self, horizon_h, p=None, low=None, high=None):
        """p that a pool loses at least one node within horizon_h hours, low and high, as columns() gives them."""
        out = tuple(_column(one, len(self)) for one in (p, low, high))
        self._drop_columns_of(horizon_h, *out)
        return out

    def explain(self, pool, horizon_h):
        """Why the p that a pool, by its index, loses a node is what it is. Returns an Explanation.

        Raises StateError where no model forecasts the pool.
        """
        model = self.__dict__.get("_model")
        names = [one.name for one in model.features] if model is not None else []
        parts = _column(None, len(names) + 1)
        base, total = self._explain(pool, horizon_h, parts)
        return Explanation(base, total, dict(zip(names + ["evidence"], parts)))

    def to_json(self, horizons_h=(1.0, 4.0, 24.0)):
        """The RiskForecast document, at some horizons in hours."""
        return self._write(_reals(horizons_h))

    def to_dict(self, horizons_h=(1.0, 4.0, 24.0)):
        """The RiskForecast document as a dict."""
        return json.loads(self.to_json(horizons_h))

    def __repr__(self):
        return "<spotopt.Risk of %d pools>" % len(self)
%}
}
