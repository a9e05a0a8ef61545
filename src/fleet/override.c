/* SPDX-License-Identifier: Apache-2.0 */
/*
 * override.c - orders to use on-demand: which are live, how far they are met, and the way back.
 *
 * The last row that sets an id says what the order is; a later lift ends it early. For return_hours
 * after the end the share of spot allowed grows from 0 to 1 in a line, so that the work does not
 * come back all at once; of several orders the least share counts.
 */
#include "fleet/books.h"
#include "model/policy.h"
#include "spotopt/override.h"

#define TIME_MAX_MS INT64_C(253402300799000)

typedef struct order {
    const spotopt__order *row;
    int64_t end_ms;    /* when it ends or ended; SPOTOPT__FOREVER: open */
    int64_t lifted_ms; /* -1: not lifted */
} order;
typedef struct orders {
    spotopt__vec(order) list; /* in order of first appearance */
} orders;

/* What is ordered by a moment. */
static spotopt_status
gather(const spotopt_ledger *ledger, int64_t now_ms, orders *out, spotopt_error *err)
{
    uint32_t *place = spotopt__alloc_array(ledger->context, ledger->known_names + 1, sizeof *place);
    bool is_ok = place != NULL;

    for (size_t i = 0; is_ok && i < ledger->known_names; i++)
        place[i] = SPOTOPT__NONE;
    for (size_t i = 0; is_ok && i < ledger->orders.count; i++) {
        const spotopt__order *row = &ledger->orders.at[i];
        order made = {row, row->until_ms, -1};

        if (row->time_ms > now_ms)
            break;
        if (place[row->id] != SPOTOPT__NONE) {
            order *known = &out->list.at[place[row->id]];

            if (!row->is_lift)
                *known = made;
            else if (known->lifted_ms < 0 && row->time_ms < known->end_ms)
                known->lifted_ms = known->end_ms = row->time_ms;
        } else if (!row->is_lift) {
            place[row->id] = (uint32_t)out->list.count;
            is_ok = spotopt__vec_push(ledger->context, &out->list, made);
        }
    }
    spotopt__free(ledger->context, place);
    if (is_ok)
        return SPOTOPT_OK;
    spotopt__vec_free(ledger->context, &out->list);
    return spotopt__nomem(err, "overrides");
}

static bool
is_live(const order *o, int64_t now_ms)
{
    return o->row->from_ms <= now_ms && now_ms < o->end_ms;
}

/* 0 while live, 1 where it says nothing. */
static double
spot_frac_of(const order *o, int64_t now_ms, double return_hours)
{
    const double since = (double)(now_ms - o->end_ms) / (double)SPOTOPT__HOUR_MS;

    if (is_live(o, now_ms))
        return 0.0;
    if (now_ms < o->end_ms || o->end_ms <= o->row->from_ms || since >= return_hours)
        return 1.0; /* not begun, or never came to anything, or long over */
    return since / return_hours;
}

static bool
covers(const spotopt_ledger *ledger, const order *o, const char *instance, const char *cluster,
       const char *client)
{
    const char *of = o->row->scope == SPOTOPT__SCOPE_INSTANCE  ? instance
                     : o->row->scope == SPOTOPT__SCOPE_CLUSTER ? cluster
                                                               : client;

    return o->row->scope == SPOTOPT__SCOPE_ALL ||
           (of != NULL && strcmp(of, spotopt__name(ledger, o->row->target)) == 0);
}

/* The order that is shown among those that cover: the widest, then the one that ends last. */
static const order *
shown_of(const spotopt_ledger *ledger, const orders *all, const char *instance, const char *cluster,
         const char *client, int64_t now_ms, double return_hours, double *out_spot_frac)
{
    const order *shown = NULL;

    *out_spot_frac = 1.0;
    for (size_t i = 0; i < all->list.count; i++) {
        const order *o = &all->list.at[i];

        if (!covers(ledger, o, instance, cluster, client))
            continue;
        *out_spot_frac = fmin(*out_spot_frac, spot_frac_of(o, now_ms, return_hours));
        if (is_live(o, now_ms) &&
            (shown == NULL || o->row->scope > shown->row->scope ||
             (o->row->scope == shown->row->scope && o->end_ms > shown->end_ms)))
            shown = o;
    }
    return shown;
}

static spotopt_status
check_return(double return_hours, spotopt_error *err)
{
    return return_hours >= 0.0 && return_hours <= 8760.0
               ? SPOTOPT_OK
               : spotopt__fail(err, SPOTOPT_E_ARGUMENT, "return_hours is %g; want 0 .. 8760",
                               return_hours);
}

spotopt_status
spotopt_override_find(const spotopt_ledger *ledger, const char *instance, const char *cluster,
                      const char *client, int64_t now_ms, double return_hours, const char **out_id,
                      double *out_spot_frac, spotopt_error *err)
{
    orders all = {{NULL, 0, 0}};
    const order *shown;
    double frac;
    spotopt_status status = check_return(return_hours, err);

    if (status == SPOTOPT_OK)
        status = gather(ledger, now_ms, &all, err);
    if (status != SPOTOPT_OK)
        return status;
    shown = shown_of(ledger, &all, instance, cluster, client, now_ms, return_hours, &frac);
    if (out_id != NULL)
        *out_id = shown != NULL ? spotopt__name(ledger, shown->row->id) : NULL;
    if (out_spot_frac != NULL)
        *out_spot_frac = frac;
    spotopt__vec_free(ledger->context, &all.list);
    return SPOTOPT_OK;
}

/* --- rows --- */

static spotopt_status
want_text(const char *key, const char *text, spotopt_error *err)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= 4096
               ? SPOTOPT_OK
               : spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is %s; want 1 .. 4096 bytes", key,
                               text == NULL || text[0] == '\0' ? "empty" : "long");
}

static void
begin_row(spotopt__jw *jw, spotopt__str *str, int64_t time_ms, const char *id)
{
    spotopt__jw_init(jw, str);
    spotopt__jw_object(jw);
    spotopt__jw_put_int(jw, "time_ms", time_ms);
    spotopt__jw_put_text(jw, "type", "override");
    spotopt__jw_put_text(jw, "id", id);
}

static spotopt_status
end_row(spotopt__jw *jw, spotopt__str *str, const char *state, const char *author,
        const char *reason, char **out_row, size_t *out_length, spotopt_error *err)
{
    char *row;

    spotopt__jw_put_text(jw, "author", author);
    spotopt__jw_put_text(jw, "reason", reason);
    spotopt__jw_put_text(jw, "state", state);
    spotopt__jw_end_object(jw);
    spotopt__str_add(str, "\n");
    row = spotopt__str_take(str, out_length);
    if (row == NULL)
        return spotopt__nomem(err, "a row");
    *out_row = row;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_override_set_row(spotopt_context *context, const spotopt_override *override, char **out_row,
                         size_t *out_length, spotopt_error *err)
{
    spotopt_override o = SPOTOPT_OVERRIDE_INIT;
    spotopt__str str;
    spotopt__jw jw;
    int scope = 0;
    spotopt_status status;

    if (out_row == NULL || override == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out_row == NULL ? "out_row" : "override");
    status = spotopt__copy_in(&o, sizeof o, override, "override", err);
    if (status == SPOTOPT_OK)
        status = want_text("id", o.id, err);
    if (status == SPOTOPT_OK)
        status = want_text("author", o.author, err);
    if (status == SPOTOPT_OK)
        status = want_text("reason", o.reason, err);
    if (status == SPOTOPT_OK)
        status = want_text("scope", o.scope, err);
    if (status != SPOTOPT_OK)
        return status;
    while (scope <= SPOTOPT__SCOPE_ALL && strcmp(o.scope, spotopt__scope(scope)) != 0)
        scope++;
    if (scope > SPOTOPT__SCOPE_ALL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "scope is \"%.40s\"; want instance, cluster, client or all", o.scope);
    if (scope == SPOTOPT__SCOPE_ALL ? o.target != NULL && o.target[0] != '\0'
                                    : want_text("target", o.target, err) != SPOTOPT_OK)
        return scope == SPOTOPT__SCOPE_ALL
                   ? spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                   "target is \"%.40s\"; want none with all", o.target)
                   : SPOTOPT_E_ARGUMENT;
    if (o.from_ms < 0)
        o.from_ms = o.time_ms;
    if (o.time_ms < 0 || o.time_ms > TIME_MAX_MS || o.from_ms > TIME_MAX_MS ||
        o.until_ms > TIME_MAX_MS || (o.until_ms >= 0 && o.until_ms <= o.from_ms))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "times are off; want time_ms >= 0 and from_ms before until_ms");
    spotopt__str_init(&str, context);
    begin_row(&jw, &str, o.time_ms, o.id);
    spotopt__jw_put_text(&jw, "scope", o.scope);
    if (scope != SPOTOPT__SCOPE_ALL)
        spotopt__jw_put_text(&jw, "target", o.target);
    spotopt__jw_put_int(&jw, "from_ms", o.from_ms);
    if (o.until_ms >= 0)
        spotopt__jw_put_int(&jw, "until_ms", o.until_ms);
    return end_row(&jw, &str, "set", o.author, o.reason, out_row, out_length, err);
}

spotopt_status
spotopt_override_lift_row(const spotopt_ledger *ledger, const char *id, const char *author,
                          const char *reason, int64_t time_ms, char **out_row, size_t *out_length,
                          spotopt_error *err)
{
    orders all = {{NULL, 0, 0}};
    bool is_there = false;
    spotopt__str str;
    spotopt__jw jw;
    spotopt_status status = want_text("id", id, err);

    if (status == SPOTOPT_OK)
        status = want_text("author", author, err);
    if (status == SPOTOPT_OK && (time_ms < 0 || time_ms > TIME_MAX_MS))
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "time_ms is off; want it >= 0");
    if (status == SPOTOPT_OK)
        status = gather(ledger, time_ms, &all, err);
    if (status != SPOTOPT_OK)
        return status;
    for (size_t i = 0; i < all.list.count; i++)
        is_there |= strcmp(spotopt__name(ledger, all.list.at[i].row->id), id) == 0 &&
                    time_ms < all.list.at[i].end_ms;
    spotopt__vec_free(ledger->context, &all.list);
    if (!is_there)
        return spotopt__fail(err, SPOTOPT_E_STATE, "override \"%.80s\" is not there or has ended",
                             id);
    spotopt__str_init(&str, ledger->context);
    begin_row(&jw, &str, time_ms, id);
    return end_row(&jw, &str, "lifted", author, reason != NULL ? reason : "", out_row, out_length,
                   err);
}

/* --- a policy that honours the ledger --- */

static void
put_seconds(spotopt__jw *jw, const char *key, double s)
{
    char text[32];

    if (!isfinite(s))
        return;
    spotopt__write_time(s, text);
    spotopt__jw_put_text(jw, key, text);
}

static void
put_order(spotopt__jw *jw, const char *scope, const char *target, double from_s, double until_s,
          const char *author, const char *reason)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "scope", scope);
    if (target[0] != '\0')
        spotopt__jw_put_text(jw, "target", target);
    put_seconds(jw, "from", from_s);
    put_seconds(jw, "until", until_s);
    spotopt__jw_put_text(jw, "author", author);
    spotopt__jw_put_text(jw, "reason", reason);
    spotopt__jw_end_object(jw);
}

static spotopt_status
write_merged(const spotopt_policy *policy, const spotopt_ledger *ledger, const orders *all,
             int64_t now_ms, double spot_frac, spotopt__str *out, spotopt_error *err)
{
    char *parent = NULL;
    size_t length = 0;
    spotopt__jw jw;
    spotopt_status status = spotopt_policy_write(policy, &parent, &length, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__str_add(out, "{\"kind\":\"Policy\",\"parent\":");
    spotopt__str_add_n(out, parent, length);
    spotopt_text_free(policy->context, parent);
    if (1.0 - spot_frac > policy->on_demand_frac) {
        spotopt__str_add(out, ",\"spot\":{\"on_demand_frac\":");
        spotopt__str_add_real(out, 1.0 - spot_frac);
        spotopt__str_add(out, "}");
    }
    /* A client's own fields must not come over the orders afterwards. */
    spotopt__str_add(out, ",\"clients\":null,\"overrides\":");
    spotopt__jw_init(&jw, out);
    spotopt__jw_array(&jw);
    for (size_t i = 0; i < policy->overrides.count; i++) {
        const spotopt__override *o = &policy->overrides.at[i];

        put_order(&jw, o->scope, o->target, o->from_s, o->until_s, o->author, o->reason);
    }
    for (size_t i = 0; i < all->list.count; i++) {
        const order *o = &all->list.at[i];

        if (is_live(o, now_ms))
            put_order(&jw, spotopt__scope(o->row->scope), spotopt__name(ledger, o->row->target),
                      (double)o->row->from_ms / 1000.0,
                      o->end_ms == SPOTOPT__FOREVER ? (double)INFINITY : (double)o->end_ms / 1000.0,
                      spotopt__name(ledger, o->row->author), spotopt__name(ledger, o->row->reason));
    }
    spotopt__jw_end_array(&jw);
    spotopt__str_add(out, "}");
    return out->failed ? spotopt__nomem(err, "a policy") : SPOTOPT_OK;
}

spotopt_status
spotopt_policy_with_overrides(const spotopt_policy *policy, const spotopt_ledger *ledger,
                              const char *cluster, const char *client, int64_t now_ms,
                              double return_hours, spotopt_policy **out, spotopt_error *err)
{
    spotopt_context *context = ledger->context;
    spotopt_policy *defaults = NULL;
    orders all = {{NULL, 0, 0}};
    const order *shown;
    spotopt__str str;
    double frac;
    spotopt_status status = check_return(return_hours, err);

    if (status == SPOTOPT_OK && policy == NULL)
        status = spotopt_policy_parse(context, NULL, 0, NULL, &defaults, err);
    if (status == SPOTOPT_OK)
        status = gather(ledger, now_ms, &all, err);
    if (status != SPOTOPT_OK) {
        spotopt_policy_free(defaults);
        return status;
    }
    /* While it is forced the overrides say so; the share is for the way back. */
    shown = shown_of(ledger, &all, NULL, cluster, client, now_ms, return_hours, &frac);
    spotopt__str_init(&str, context);
    status = write_merged(policy != NULL ? policy : defaults, ledger, &all, now_ms,
                          shown != NULL ? 1.0 : frac, &str, err);
    if (status == SPOTOPT_OK)
        status =
            spotopt_policy_parse(context, str.at, str.count, "policy with overrides", out, err);
    spotopt__str_free(&str);
    spotopt__vec_free(context, &all.list);
    spotopt_policy_free(defaults);
    return status;
}

/* --- the document --- */

static void
put_one(const spotopt__view *view, spotopt__jw *jw, const order *o)
{
    const spotopt_ledger *ledger = view->ledger;
    uint64_t nodes = 0, on_demand = 0;
    const double frac = spot_frac_of(o, view->now_ms, view->params.return_hours);

    for (size_t i = 0; i < ledger->lives.count; i++) {
        const spotopt__life *life = &ledger->lives.at[i];
        const uint32_t client = spotopt__client_of(ledger, life->start.cluster);

        if (!spotopt__life_runs(life, view->now_ms) ||
            !covers(ledger, o, spotopt__name(ledger, life->start.instance),
                    spotopt__name(ledger, life->start.cluster), spotopt__name(ledger, client)))
            continue;
        nodes++;
        on_demand += !life->start.is_spot;
    }
    spotopt__jw_object(jw);
    spotopt__put_name(view, jw, "id", o->row->id);
    spotopt__jw_put_text(jw, "scope", spotopt__scope(o->row->scope));
    spotopt__put_name(view, jw, "target", o->row->target);
    spotopt__jw_put_text(jw, "state",
                         is_live(o, view->now_ms)                             ? "live"
                         : view->now_ms < o->row->from_ms && o->lifted_ms < 0 ? "scheduled"
                         : frac < 1.0                                         ? "returning"
                                                                              : "ended");
    spotopt__put_time(jw, "from", o->row->from_ms);
    spotopt__put_time(jw, "until", o->row->until_ms);
    spotopt__put_time(jw, "lifted_at", o->lifted_ms);
    spotopt__put_name(view, jw, "author", o->row->author);
    spotopt__put_name(view, jw, "reason", o->row->reason);
    spotopt__jw_put_int(jw, "nodes", (int64_t)nodes);
    spotopt__jw_put_int(jw, "on_demand_nodes", (int64_t)on_demand);
    spotopt__jw_put_real(jw, "progress_percent",
                         is_live(o, view->now_ms)
                             ? (nodes > 0 ? 100.0 * (double)on_demand / (double)nodes : 100.0)
                         : frac < 1.0 ? 100.0 * frac
                                      : (double)NAN);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt__write_overrides(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    orders all = {{NULL, 0, 0}};
    spotopt_status status = gather(ledger, view->now_ms, &all, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__jw_key(jw, "overrides"); /* latest first */
    spotopt__jw_array(jw);
    for (size_t i = all.list.count; i-- > 0;)
        put_one(view, jw, &all.list.at[i]);
    spotopt__jw_end_array(jw);
    spotopt__jw_key(jw, "clusters");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < ledger->clusters.count; i++) {
        const spotopt__cluster_books *books = &ledger->clusters.at[i];
        const order *shown;
        double frac;

        if (!spotopt__view_has_cluster(view, books))
            continue;
        shown = shown_of(ledger, &all, NULL, spotopt__name(ledger, books->name),
                         spotopt__name(ledger, books->client), view->now_ms,
                         view->params.return_hours, &frac);
        spotopt__jw_object(jw);
        spotopt__put_name(view, jw, "cluster", books->name);
        spotopt__jw_put_text(jw, "forced_by",
                             shown != NULL ? spotopt__name(ledger, shown->row->id) : NULL);
        spotopt__jw_put_real(jw, "spot_frac", frac);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__vec_free(ledger->context, &all.list);
    return SPOTOPT_OK;
}
