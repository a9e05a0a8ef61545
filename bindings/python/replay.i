/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.i - policies tried on the past, at home in Python.
 */
%rename(_make_of) spotopt_replay::make_of;
%rename(_run_of) run_of;
%rename(_add) spotopt_replay::add;
%rename(_count) spotopt_replay::count;
%rename(_count) spotopt_price_history::count;
%rename(_count) spotopt_demand_history::count;
%thread spotopt_price_history::from_text;
%thread spotopt_demand_history::from_text;
%thread spotopt_replay::run_of;

%extend spotopt_price_history {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="prices"):
        """Read a Prices table, CSV `pool,time_s,usd_per_hour`, from str or bytes."""
        return cls._from_text(text, name)

    def __len__(self):
        """The number of rows."""
        return self._count()
%}
}

%extend spotopt_demand_history {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="demand"):
        """Read a Demand table, CSV `time_s,demand,count,cpu_milli,memory_mib[,gpu]`, from str or bytes."""
        return cls._from_text(text, name)

    def __len__(self):
        """The number of demands."""
        return self._count()
%}
}

%extend spotopt_replay {
%pythoncode %{
    def __len__(self):
        """The number of policies."""
        return self._count()

    def to_json(self):
        """The Replay document."""
        return self._write()

    def to_dict(self):
        """The Replay document as a dict."""
        return json.loads(self._write())

    def __repr__(self):
        return "<spotopt.Replay of %d policies>" % len(self)
%}
}
