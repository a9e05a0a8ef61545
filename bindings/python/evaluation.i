/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluation.i - judging forecasts, and the life of models, at home in Python.
 */
%rename(_of_columns_of) of_columns_of;
%rename(_judge_of) judge_of;
%rename(_count) spotopt_evaluation::count;
%rename(_forecast_count) forecast_count;
%rename(_forecast_name) forecast_name;
%rename(_horizon_count) horizon_count;
%rename(_horizon_at) horizon_at;
%rename(_curve_of) curve_of;
%rename(_rows_of) rows_of;
%rename(_compare) spotopt_evaluation::compare;
%rename(_gate_of) gate_of;
%rename(_write_predictions) write_predictions;
%rename(_count) spotopt_registry::count;
%rename(_upload_of) upload_of;
%rename(_graduate_of) graduate_of;
%rename(_set_current_of) set_current_of;
%rename(_retire_of) retire_of;
%thread spotopt_evaluation::of_columns_of;
%thread spotopt_evaluation::judge_of;

%extend spotopt_evaluation {
%pythoncode %{
    @classmethod
    def of_columns(cls, time_s, label, forecasts, horizons_h, *, pool=None, reference=None,
                   draws=400, seed=7):
        """Judge forecasts made elsewhere.

        time_s has a moment a row; label, horizon after horizon, a row each: 1 a drop, 0 none, NaN not
        known; forecasts is a dict of columns like label, 0..1, by name. All float64, flat or numpy
        arrays of shape (horizons, rows); pool numbers the rows' pools (uint32).
        """
        flat = array.array("d")
        for column in forecasts.values():
            flat.extend(_flat(column))
        return cls._of_columns_of(_reals(time_s), _indices(pool), _reals(horizons_h), _flat(label), flat,
                                  _reals(reference), list(forecasts), draws, seed)

    @classmethod
    def judge(cls, history, from_s, to_s, *, model=None, against=None, catalog=None,
              horizons_h=(1.0, 4.0, 24.0), step_s=900.0, reference=None, fit_from_s=None,
              fit_to_s=None, pool=None, draws=400, seed=7):
        """Judge models on a window of a history, with baselines beside them.

        model and against are Models, or their documents (str or bytes); against is scored at the same
        moments. Without a model the built-in layers are judged.
        """
        model, against = (m.to_json() if hasattr(m, "to_json") else m for m in (model, against))
        return cls._judge_of(history, catalog, model, against, from_s, to_s, step_s,
                             _or_nan(fit_from_s), _or_nan(fit_to_s), _reals(horizons_h),
                             _reals(reference), pool, draws, seed)

    def __len__(self):
        """The number of moments, whether they can be judged or not."""
        return self._count()

    @property
    def forecasts(self):
        """Names of the forecasts: models, then baselines."""
        return [self._forecast_name(i) for i in range(self._forecast_count())]

    @property
    def horizons_h(self):
        """Hours of the horizons."""
        return [self._horizon_at(i) for i in range(self._horizon_count())]

    def at(self, forecast=0, horizon=0):
        """How good a forecast was at a horizon, both by index, as Judgement."""
        return Judgement._make(self._at(forecast, horizon))

    def curve(self, forecast=0, horizon=0):
        """The reliability curve: moments in each bin, their mean forecast, their share of drops."""
        count = self.at(forecast, horizon).bin_count
        out = tuple(_column(None, count) for _ in range(3))
        self._curve_of(forecast, horizon, *out)
        return out

    def rows(self, forecast=0, horizon=0):
        """Times, forecasts and labels (NaN: not judged) of all moments, as three array.array."""
        out = tuple(_column(None, len(self)) for _ in range(3))
        self._rows_of(forecast, horizon, *out)
        return out

    def compare(self, forecast, other, horizon=0):
        """One forecast against another at a horizon, all by index, as SkillGain."""
        return SkillGain._make(self._compare(forecast, other, horizon))

    def gate(self, forecast, other):
        """Whether a forecast may take the place of another, with every condition, as a dict."""
        return json.loads(self._gate_of(forecast, other))

    def predictions(self, forecast=0):
        """All of one forecast as CSV, `pool,time_s,p_1h,...`."""
        return self._write_predictions(forecast)

    def to_json(self):
        """The RiskEvaluation document."""
        return self._write()

    def to_dict(self):
        """The RiskEvaluation document as a dict."""
        return json.loads(self._write())

    def __repr__(self):
        return "<spotopt.Evaluation of %s at %d moments>" % (", ".join(self.forecasts), len(self))
%}
}

%extend spotopt_registry {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="ledger"):
        """Read the rows of models of a ledger (JSON lines), from str or bytes."""
        return cls._from_text(text, name)

    def __len__(self):
        """The number of models, retired ones too."""
        return self._count()

    def upload(self, document, time_ms, author=None, reason=None):
        """The row of a new model, to be appended to the ledger."""
        return self._upload_of(document, author, reason, time_ms)

    def graduate(self, id, evaluation, time_ms, author=None, reason=None):
        """The row with which a model passes the gate; StateError says why it does not."""
        return self._graduate_of(evaluation, id, author, reason, time_ms)

    def set_current(self, id, time_ms, author=None, reason=None):
        """The row with which a canary, or one that was current, becomes the current model."""
        return self._set_current_of(id, author, reason, time_ms)

    def retire(self, id, time_ms, author=None, reason=None):
        """The row with which a model is retired."""
        return self._retire_of(id, author, reason, time_ms)

    def to_json(self):
        """The ModelRegistry document."""
        return self._write()

    def to_dict(self):
        """The ModelRegistry document as a dict."""
        return json.loads(self._write())
%}
}
