/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - the documents of the books: their common head, and FleetMetrics.
 */
#include <stdlib.h>

#include "fleet/books.h"

enum { SHARES_SHOWN = 50 };

void
spotopt__put_time(spotopt__jw *jw, const char *key, int64_t time_ms)
{
    char text[32];

    if (time_ms >= 0 && time_ms != SPOTOPT__FOREVER)
        spotopt__write_time((double)time_ms / 1000.0, text);
    spotopt__jw_put_text(jw, key, time_ms >= 0 && time_ms != SPOTOPT__FOREVER ? text : NULL);
}

void
spotopt__put_name(const spotopt__view *view, spotopt__jw *jw, const char *key, uint32_t name)
{
    spotopt__jw_put_text(jw, key, name != 0 ? spotopt__name(view->ledger, name) : NULL);
}

/* --- distribution --- */

typedef struct group {
    const char *name;
    uint64_t nodes;
    double vcpu, usd_per_h;
} group;

static int
most_nodes_first(const void *a, const void *b)
{
    const group *x = a, *y = b;

    if (x->nodes != y->nodes)
        return x->nodes > y->nodes ? -1 : 1;
    return strcmp(x->name, y->name);
}

enum { BY_CLUSTER, BY_POOL, BY_TYPE, BY_ZONE, BY_PURCHASE, GROUPINGS };

static spotopt_status
put_groups(const spotopt__view *view, spotopt__jw *jw, int by, spotopt_error *err)
{
    static const char *const keys[] = {"clusters", "pools", "instance_types", "zones", "purchases"};
    const spotopt_ledger *ledger = view->ledger;
    uint32_t *place = spotopt__alloc_array(ledger->context, ledger->known_names + 2, sizeof *place);
    spotopt__vec(group) groups = {NULL, 0, 0};
    bool is_ok = place != NULL;

    for (size_t i = 0; is_ok && i < ledger->known_names + 2; i++)
        place[i] = SPOTOPT__NONE;
    for (size_t i = 0; is_ok && i < ledger->lives.count; i++) {
        const spotopt__life *life = &ledger->lives.at[i];
        const spotopt__start *start = &life->start;
        const uint32_t name = by == BY_CLUSTER ? start->cluster
                              : by == BY_POOL  ? start->pool
                              : by == BY_TYPE  ? start->type
                              : by == BY_ZONE  ? start->zone
                                               : (uint32_t)start->is_spot;

        if (!spotopt__life_runs(life, view->now_ms) || !spotopt__view_has_life(view, life))
            continue;
        if (place[name] == SPOTOPT__NONE) {
            const char *text = by == BY_PURCHASE ? (start->is_spot ? "spot" : "on-demand")
                                                 : spotopt__name(ledger, name);

            place[name] = (uint32_t)groups.count;
            is_ok = spotopt__vec_push(ledger->context, &groups, (group){.name = text});
        }
        if (is_ok) {
            groups.at[place[name]].nodes++;
            groups.at[place[name]].vcpu += start->vcpu; /* NaN where any is unknown */
            groups.at[place[name]].usd_per_h += spotopt__life_usd_per_h(ledger, life, view->now_ms);
        }
    }
    spotopt__free(ledger->context, place);
    if (!is_ok) {
        spotopt__vec_free(ledger->context, &groups);
        return spotopt__nomem(err, "a distribution");
    }
    if (groups.count > 1)
        qsort(groups.at, groups.count, sizeof *groups.at, most_nodes_first);
    spotopt__jw_key(jw, keys[by]);
    spotopt__jw_array(jw);
    for (size_t i = 0; i < groups.count && i < SHARES_SHOWN; i++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "name", groups.at[i].name);
        spotopt__jw_put_int(jw, "nodes", (int64_t)groups.at[i].nodes);
        spotopt__jw_put_real(jw, "vcpu", groups.at[i].vcpu);
        spotopt__jw_put_real(jw, "usd_per_hour", groups.at[i].usd_per_h);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__vec_free(ledger->context, &groups);
    return SPOTOPT_OK;
}

/* --- performance --- */

static void
put_performance(const spotopt__view *view, spotopt__jw *jw)
{
    static const char *const keys[] = {"latency_ms", "throughput_rps", "error_frac",
                                       "cpu_free_frac", "memory_free_frac"};
    const spotopt_ledger *ledger = view->ledger;
    uint32_t shown = 0;

    spotopt__jw_key(jw, "performance"); /* of active instances: the last that was measured */
    spotopt__jw_array(jw);
    for (size_t i = 0; i < ledger->lives.count && shown < view->params.limit; i++) {
        const spotopt__life *life = &ledger->lives.at[i];
        double value[SPOTOPT__MEASURES];
        bool is_known = false;

        if (!spotopt__life_runs(life, view->now_ms) || !spotopt__view_has_life(view, life))
            continue;
        for (int m = 0; m < SPOTOPT__MEASURES; m++) {
            value[m] = spotopt__last_measure(ledger, life->start.instance, m, view->now_ms);
            is_known |= !isnan(value[m]);
        }
        if (!is_known)
            continue;
        shown++;
        spotopt__jw_object(jw);
        spotopt__put_name(view, jw, "instance", life->start.instance);
        spotopt__put_name(view, jw, "cluster", life->start.cluster);
        spotopt__put_name(view, jw, "pool", life->start.pool);
        for (int m = 0; m < SPOTOPT__MEASURES; m++)
            spotopt__jw_put_real(jw, keys[m], value[m]);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

spotopt_status
spotopt__write_metrics(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err)
{
    spotopt_fleet_numbers n = SPOTOPT_FLEET_NUMBERS_INIT;
    spotopt_savings s = SPOTOPT_SAVINGS_INIT;
    spotopt_status status = spotopt__view_numbers(view, &n, err);

    if (status == SPOTOPT_OK)
        status = spotopt__view_savings(view, NULL, &s, NULL, 0, err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__put_time(jw, "from", view->from_ms);
    spotopt__jw_put_int(jw, "active", (int64_t)n.active);
    spotopt__jw_put_int(jw, "active_spot", (int64_t)n.active_spot);
    spotopt__jw_put_int(jw, "risk_detected", (int64_t)n.risk_detected);
    spotopt__jw_put_int(jw, "notices", (int64_t)n.notices);
    spotopt__jw_put_int(jw, "interrupted", (int64_t)n.interrupted);
    spotopt__jw_put_real(jw, "episodes_per_1000_node_hours", n.episodes_per_1000_node_hours);
    spotopt__jw_put_int(jw, "optimizations", (int64_t)n.optimizations);
    spotopt__jw_put_int(jw, "proposed", (int64_t)n.proposed);
    spotopt__jw_put_int(jw, "accepted", (int64_t)n.accepted);
    spotopt__jw_put_int(jw, "failed", (int64_t)n.failed);
    spotopt__jw_put_int(jw, "live_switches", (int64_t)n.live);
    spotopt__jw_put_real(jw, "action_rate", n.action_rate);
    spotopt__jw_put_real(jw, "optimization_rate", s.optimization_rate);
    spotopt__jw_put_real(jw, "gross_saving_frac", s.gross_frac);
    spotopt__jw_put_real(jw, "net_saving_frac", s.net_frac);
    spotopt__jw_put_real(jw, "monthly_gross_usd", s.monthly_gross_usd);
    spotopt__jw_put_real(jw, "monthly_net_usd", s.monthly_net_usd);
    spotopt__jw_put_real(jw, "monthly_known_frac", s.monthly_known_frac);
    spotopt__jw_put_real(jw, "coverage_frac", s.coverage_frac);
    spotopt__jw_put_real(jw, "effective_coverage_frac", s.effective_coverage_frac);
    spotopt__jw_put_real(jw, "cpu_load_frac", n.cpu_load_frac);
    spotopt__jw_put_real(jw, "memory_load_frac", n.memory_load_frac);
    spotopt__jw_key(jw, "distribution");
    spotopt__jw_object(jw);
    for (int by = 0; status == SPOTOPT_OK && by < GROUPINGS; by++)
        status = put_groups(view, jw, by, err);
    spotopt__jw_end_object(jw);
    put_performance(view, jw);
    return status;
}

/* --- all of them --- */

spotopt_status
spotopt_fleet_write(const spotopt_ledger *ledger, int32_t part, const spotopt_fleet_params *params,
                    char **out_text, size_t *out_length, spotopt_error *err)
{
    static const struct {
        const char *kind;
        spotopt_status (*write)(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
    } parts[] = {{NULL, NULL},
                 {"FleetMetrics", spotopt__write_metrics},
                 {"FleetSavings", spotopt__write_savings},
                 {"FleetTopology", spotopt__write_topology},
                 {"FleetHistory", spotopt__write_history},
                 {"FleetHealth", spotopt__write_health},
                 {"FleetActivity", spotopt__write_activity},
                 {"FleetOverrides", spotopt__write_overrides}};
    spotopt__view view;
    spotopt__str str;
    spotopt__jw jw;
    spotopt_status status;
    char *text;

    if (out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out_text is NULL; want it set");
    if (part < SPOTOPT_FLEET_METRICS || part > SPOTOPT_FLEET_OVERRIDES)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "part is %d; want SPOTOPT_FLEET_...",
                             (int)part);
    status = spotopt__view_init(&view, ledger, params, err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__str_init(&str, ledger->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", parts[part].kind);
    spotopt__put_time(&jw, "now", view.now_ms);
    if (view.cluster != SPOTOPT__NONE)
        spotopt__put_name(&view, &jw, "of_cluster", view.cluster);
    if (view.client != SPOTOPT__NONE)
        spotopt__put_name(&view, &jw, "of_client", view.client);
    status = parts[part].write(&view, &jw, err);
    spotopt__jw_end_object(&jw);
    spotopt__str_add(&str, "\n");
    if (status != SPOTOPT_OK) {
        spotopt__str_free(&str);
        return status;
    }
    text = spotopt__str_take(&str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "a document");
    *out_text = text;
    return SPOTOPT_OK;
}
