/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.i - methods of the books of a fleet: ledgers, inventories, clean-ups.
 */
%rename(_count) spotopt_ledger::count;
%rename(_last_ms) last_ms;
%rename(_append) append;
%rename(_write_of) write_of;
%rename(_lift_of) lift_of;
%rename(_with_overrides_of) with_overrides_of;
%rename(_find_of) find_of;
%rename(_count) spotopt_cleanup::count;
%rename(_step_of) step_of;
%apply double *out { double *out_gross, double *out_net, double *out_rate }
%apply (const double *column, size_t count) {
    (const double *paid_usd, size_t paid_count), (const double *losses_usd, size_t losses_count),
    (const double *ode_usd, size_t ode_count), (const double *bound_usd, size_t bound_count)
}
%apply (const char *const *names, size_t count) {
    (const char *const *allow_names, size_t allow_count),
    (const char *const *tag_names, size_t tag_count), (const char *const *id_names, size_t id_count)
}
%typemap(check) const spotopt_ledger *ledger {
    if ($1 == NULL)
        SWIG_exception_fail(SWIG_TypeError, "ledger is None; want a Ledger");
}
%typemap(check) const spotopt_inventory *inventory {
    if ($1 == NULL)
        SWIG_exception_fail(SWIG_TypeError, "inventory is None; want an Inventory");
}

%extend spotopt_ledger {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="ledger"):
        """Read an Events file (JSON lines) from str or bytes."""
        return cls._from_text(text, name)

    def __len__(self):
        """The number of rows that were understood."""
        return self._count()

    @property
    def last_ms(self):
        """The time of the last row, UTC milliseconds; None in an empty ledger."""
        last = self._last_ms()
        return None if last < 0 else last

    def append(self, rows):
        """Add rows, whole lines as str or bytes. On an InputError the ledger is as it was."""
        with not_in_use(self):
            self._append(rows)

    def report(self, part, *, now_ms=None, from_ms=None, cluster=None, client=None, instance=None,
               interruption_usd=0.0, return_hours=1.0, points=60, limit=100):
        """A part of the books as a dict: "metrics", "savings", "topology", "history", "health",
        "activity" or "overrides".

        Rows after now_ms (None: the last row's time) are as if they were not there; the window
        begins at from_ms, None for 30 days before.
        """
        parts = ("metrics", "savings", "topology", "history", "health", "activity", "overrides")
        if part not in parts:
            raise ArgumentError("part is %r; want one of %s" % (part, ", ".join(parts)))
        return json.loads(self._write_of(parts.index(part) + 1, -1 if now_ms is None else now_ms,
                                         -1 if from_ms is None else from_ms, cluster, client,
                                         instance, interruption_usd, return_hours, points, limit))

    def lift_override(self, id, time_ms, author, reason=""):
        """The row that lifts an order to use on-demand; StateError where there is none."""
        return self._lift_of(id, author, reason, time_ms)

    def __repr__(self):
        return "<spotopt.Ledger of %d rows>" % len(self)
%}
}

%extend spotopt_policy {
%pythoncode %{
    def with_overrides(self, ledger, now_ms, *, cluster=None, client=None, return_hours=1.0):
        """This policy with the ledger's live orders, and the share of spot that may come back."""
        return self._with_overrides_of(ledger, cluster, client, now_ms, return_hours)
%}
}

%extend spotopt_inventory {
%pythoncode %{
    @classmethod
    def parse(cls, text, name="inventory"):
        """Read an Inventory document from str or bytes."""
        return cls._from_text(text, name)
%}
}

%extend spotopt_cleanup {
%pythoncode %{
    @classmethod
    def find(cls, inventory, part, now_ms, *, ledger=None, min_age_days=7.0, allow=(),
             owner_tags=None):
        """Look for what can go: part is "governance" or "storage". Nothing is changed."""
        parts = ("governance", "storage")
        if part not in parts:
            raise ArgumentError("part is %r; want governance or storage" % (part,))
        return cls._find_of(inventory, ledger, parts.index(part) + 1, now_ms, min_age_days,
                            list(allow), ["owner"] if owner_tags is None else list(owner_tags))

    def __len__(self):
        """The number of items."""
        return self._count()

    def step(self, state, time_ms, author, reason="", ids=None):
        """The rows with which items become "flagged", "approved" or "dismissed"; ids None: all that can."""
        states = {"flagged": 1, "approved": 2, "dismissed": 6}
        if state not in states:
            raise ArgumentError("state is %r; want flagged, approved or dismissed" % (state,))
        with not_in_use(self):
            return self._step_of(states[state], ids is None, list(ids or ()), author, reason, time_ms)

    def to_dict(self):
        """The CleanupReport document as a dict."""
        return json.loads(self._write())

    def to_json(self):
        """The CleanupReport document."""
        return self._write()
%}
}
