/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/ledger.h, fleet.h and override.h. What a ledger tells travels as its documents. */

%rename(_savings_of) spotopt_swig_savings;
%rename(_override_row) spotopt_swig_override;
%inline %{
/** Savings from columns: gross, net, optimization rate. */
static spotopt_status
spotopt_swig_savings(const double *paid_usd, size_t paid_count, const double *losses_usd,
                     size_t losses_count, const double *ode_usd, size_t ode_count,
                     const double *bound_usd, size_t bound_count, double *out_gross,
                     double *out_net, double *out_rate, spotopt_error *err)
{
    if (ode_count != paid_count)
        return spotopt_swig_lengths(err, "ode_usd", ode_count, "paid_usd", paid_count);
    if (losses_usd != NULL && losses_count != paid_count)
        return spotopt_swig_lengths(err, "losses_usd", losses_count, "paid_usd", paid_count);
    if (bound_usd != NULL && bound_count != paid_count)
        return spotopt_swig_lengths(err, "bound_usd", bound_count, "paid_usd", paid_count);
    return spotopt_savings_of_columns(paid_usd, losses_usd, ode_usd, bound_usd, paid_count,
                                      out_gross, out_net, out_rate, err);
}

/** The row that sets an order to use on-demand. */
static spotopt_status
spotopt_swig_override(const char *id, const char *scope, const char *target, const char *author,
                      const char *reason, int64_t time_ms, int64_t from_ms, int64_t until_ms,
                      char **out_text, size_t *out_length, spotopt_error *err)
{
    spotopt_override o = SPOTOPT_OVERRIDE_INIT;

    o.id = id;
    o.scope = scope;
    o.target = target;
    o.author = author;
    o.reason = reason;
    o.time_ms = time_ms;
    o.from_ms = from_ms;
    o.until_ms = until_ms;
    return spotopt_override_set_row(NULL, &o, out_text, out_length, err);
}
%}

%rename(Ledger) spotopt_ledger;
%nodefaultctor spotopt_ledger;
%newobject spotopt_ledger::from_text;
typedef struct {} spotopt_ledger;
%extend spotopt_ledger {
    ~spotopt_ledger() { spotopt_ledger_free($self); }
    /** Read an Events file. */
    static spotopt_ledger *from_text(const char *text, size_t length, const char *name,
                                     spotopt_error *err)
    {
        spotopt_ledger *made = NULL;
        return spotopt_ledger_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** The number of rows. */
    size_t count();
    /** The time of the last row. */
    int64_t last_ms();
    /** Add rows. */
    spotopt_status append(const char *text, size_t length, spotopt_error *err);
    /** A part of the books as a document. */
    spotopt_status write_of(int32_t part, int64_t now_ms, int64_t from_ms, const char *cluster,
                            const char *client, const char *instance, double interruption_usd,
                            double return_hours, uint32_t points, uint32_t limit, char **out_text,
                            size_t *out_length, spotopt_error *err)
    {
        spotopt_fleet_params params = SPOTOPT_FLEET_PARAMS_INIT;

        params.now_ms = now_ms;
        params.from_ms = from_ms;
        params.cluster = cluster;
        params.client = client;
        params.instance = instance;
        params.interruption_usd = interruption_usd;
        params.return_hours = return_hours;
        params.points = points;
        params.limit = limit;
        return spotopt_fleet_write($self, part, &params, out_text, out_length, err);
    }
    /** The row that lifts an order. */
    spotopt_status lift_of(const char *id, const char *author, const char *reason, int64_t time_ms,
                           char **out_text, size_t *out_length, spotopt_error *err)
    {
        return spotopt_override_lift_row($self, id, author, reason, time_ms, out_text, out_length,
                                         err);
    }
}

%newobject spotopt_policy::with_overrides_of;
%extend spotopt_policy {
    /** The policy with the ledger's live orders. */
    spotopt_policy *with_overrides_of(const spotopt_ledger *ledger, const char *cluster,
                                      const char *client, int64_t now_ms, double return_hours,
                                      spotopt_error *err)
    {
        spotopt_policy *made = NULL;
        return spotopt_policy_with_overrides($self, ledger, cluster, client, now_ms, return_hours,
                                             &made, err) < 0
                   ? NULL
                   : made;
    }
}
