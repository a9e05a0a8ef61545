/* SPDX-License-Identifier: Apache-2.0 */
/*
 * savings.c - shares of savings from sums of money, and the FleetSavings document.
 *
 * Every share is a ratio of sums. The optimization rate counts only time for which the bound is
 * known beside the ODE. A month is 730 hours at the rate of the trailing 30 days, over those of its
 * hours for which some ODE is known.
 */
#include <stdlib.h>

#include "fleet/books.h"

#define HOURS_A_MONTH 730.0
#define POINTS_MAX 10000
#define TIME_MAX_MS INT64_C(253402300799000) /* the end of the year 9999 */

static double
ratio(double part, double whole)
{
    return whole > 0.0 ? part / whole : (double)NAN;
}

spotopt_status
spotopt_savings_of_columns(const double *paid_usd, const double *losses_usd, const double *ode_usd,
                           const double *bound_usd, size_t count, double *out_gross,
                           double *out_net, double *out_rate, spotopt_error *err)
{
    double paid = 0.0, losses = 0.0, ode = 0.0, saved = 0.0, most = 0.0;

    if (((paid_usd == NULL || ode_usd == NULL) && count > 0) || out_gross == NULL ||
        out_net == NULL || out_rate == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "a column is NULL; want paid_usd, ode_usd, "
                             "out_gross, out_net and out_rate");
    for (size_t i = 0; i < count; i++) {
        const double lost = losses_usd != NULL ? losses_usd[i] : 0.0;
        const double bound = bound_usd != NULL ? bound_usd[i] : (double)NAN;

        if (!isfinite(paid_usd[i]) || !isfinite(lost) || !isfinite(ode_usd[i]) || isinf(bound))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "row %zu is not finite; want USD", i);
        paid += paid_usd[i];
        losses += lost;
        ode += ode_usd[i];
        if (!isnan(bound)) {
            saved += ode_usd[i] - paid_usd[i];
            most += ode_usd[i] - bound;
        }
    }
    *out_gross = ode > 0.0 ? 1.0 - paid / ode : (double)NAN;
    *out_net = ode > 0.0 ? 1.0 - (paid + losses) / ode : (double)NAN;
    *out_rate = ratio(saved, most);
    return SPOTOPT_OK;
}

/* --- what is asked --- */

static spotopt_status
look_up(const spotopt_ledger *ledger, const char *what, const char *text, uint32_t *out,
        spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE];

    *out = SPOTOPT__NONE;
    if (text == NULL)
        return SPOTOPT_OK;
    *out = text[0] == '\0' ? 0 : spotopt__map_get(&ledger->name_of, text);
    if (*out == SPOTOPT__NONE || *out >= ledger->known_names)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s %s is not in the ledger", what,
                             spotopt__quote(text, quoted));
    return SPOTOPT_OK;
}

spotopt_status
spotopt__view_init(spotopt__view *view, const spotopt_ledger *ledger,
                   const spotopt_fleet_params *params, spotopt_error *err)
{
    spotopt_fleet_params p = SPOTOPT_FLEET_PARAMS_INIT;
    spotopt_status status = SPOTOPT_OK;
    bool has_cluster = false, has_client = false;

    if (ledger == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "ledger is NULL; want it set");
    if (params != NULL)
        status = spotopt__copy_in(&p, sizeof p, params, "params", err);
    if (status != SPOTOPT_OK)
        return status;
    *view = (spotopt__view){.ledger = ledger, .params = p};
    view->now_ms = p.now_ms >= 0 ? p.now_ms : ledger->last_ms >= 0 ? ledger->last_ms : 0;
    view->from_ms = p.from_ms >= 0                     ? p.from_ms
                    : view->now_ms > SPOTOPT__MONTH_MS ? view->now_ms - SPOTOPT__MONTH_MS
                                                       : 0;
    if (view->now_ms > TIME_MAX_MS)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "now_ms is beyond the year 9999");
    if (p.from_ms >= 0 && view->from_ms >= view->now_ms)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "from_ms is not before now_ms");
    if (!(p.interruption_usd >= 0.0 && p.interruption_usd < INFINITY))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "interruption_usd is %g; want it >= 0",
                             p.interruption_usd);
    if (!(p.return_hours >= 0.0 && p.return_hours <= 8760.0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "return_hours is %g; want 0 .. 8760",
                             p.return_hours);
    if (p.points < 1 || p.points > POINTS_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "points is %u; want 1 .. %d", p.points,
                             POINTS_MAX);
    status = look_up(ledger, "cluster", p.cluster, &view->cluster, err);
    if (status == SPOTOPT_OK)
        status = look_up(ledger, "client", p.client, &view->client, err);
    if (status == SPOTOPT_OK)
        status = look_up(ledger, "instance", p.instance, &view->instance, err);
    for (size_t i = 0; i < ledger->clusters.count; i++) {
        has_cluster |= ledger->clusters.at[i].name == view->cluster;
        has_client |= ledger->clusters.at[i].client == view->client;
    }
    if (status == SPOTOPT_OK && view->cluster != SPOTOPT__NONE && !has_cluster)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "cluster \"%.60s\" is not in the ledger",
                             p.cluster);
    if (status == SPOTOPT_OK && view->client != SPOTOPT__NONE && !has_client)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "client \"%.60s\" is not in the ledger",
                             p.client);
    return status;
}

bool
spotopt__view_has_cluster(const spotopt__view *view, const spotopt__cluster_books *books)
{
    return (view->cluster == SPOTOPT__NONE || books->name == view->cluster) &&
           (view->client == SPOTOPT__NONE || books->client == view->client);
}

bool
spotopt__view_has_life(const spotopt__view *view, const spotopt__life *life)
{
    return (view->cluster == SPOTOPT__NONE || life->start.cluster == view->cluster) &&
           (view->client == SPOTOPT__NONE ||
            spotopt__client_of(view->ledger, life->start.cluster) == view->client) &&
           (view->instance == SPOTOPT__NONE || life->start.instance == view->instance);
}

/* --- sums --- */

void
spotopt__savings_of(const spotopt__sums *sums, spotopt_savings *out)
{
    const double spot = sums->misses_vcpu ? sums->spot_h : sums->spot_vh;
    const double lost = sums->misses_vcpu ? sums->lost_h : sums->lost_vh;

    out->billed_usd = sums->billed;
    out->paid_usd = sums->paid;
    out->losses_usd = sums->losses;
    out->ode_usd = sums->ode;
    out->bound_usd = sums->ode_bounded > 0.0 || sums->bound > 0.0 ? sums->bound : (double)NAN;
    out->gross_frac = sums->ode > 0.0 ? 1.0 - sums->paid / sums->ode : (double)NAN;
    out->net_frac = sums->ode > 0.0 ? 1.0 - (sums->paid + sums->losses) / sums->ode : (double)NAN;
    out->optimization_rate =
        ratio(sums->ode_bounded - sums->paid_bounded, sums->ode_bounded - sums->bound);
    out->idle_usd = sums->idle_billed > 0.0 ? sums->idle : (double)NAN;
    out->overlap_usd = sums->overlap;
    out->node_hours = sums->node_h;
    out->coverage_frac = ratio(spot, sums->misses_vcpu ? sums->eligible_h : sums->eligible_vh);
    out->effective_coverage_frac =
        out->coverage_frac * (1.0 - (spot > 0.0 ? fmin(1.0, lost / spot) : 0.0));
}

typedef struct stretch {
    int64_t from_ms, to_ms;
} stretch;

static int
by_begin(const void *a, const void *b)
{
    const stretch *x = a, *y = b;

    return x->from_ms < y->from_ms ? -1 : x->from_ms > y->from_ms;
}

spotopt_status
spotopt__known_hours(const spotopt__view *view, int64_t from_ms, int64_t to_ms, double *out_hours,
                     spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    stretch *known =
        spotopt__alloc_array(ledger->context, ledger->demands.count + 1, sizeof *known);
    size_t count = 0;
    int64_t reached = from_ms, sum = 0;

    if (known == NULL)
        return spotopt__nomem(err, "savings");
    for (size_t c = 0; c < ledger->clusters.count; c++) {
        const spotopt__cluster_books *books = &ledger->clusters.at[c];

        for (size_t i = 0; i < books->demand_count && spotopt__view_has_cluster(view, books); i++) {
            const spotopt__demand_row *row = &ledger->demands.at[books->first_demand + i];
            const int64_t end = i + 1 < books->demand_count ? row[1].time_ms : to_ms;

            if (!isnan(row->ode_usd_per_h) && row->time_ms < end)
                known[count++] = (stretch){row->time_ms, end};
        }
    }
    if (count > 1)
        qsort(known, count, sizeof *known, by_begin);
    for (size_t i = 0; i < count; i++) {
        const int64_t begin = known[i].from_ms > reached ? known[i].from_ms : reached;
        const int64_t end = known[i].to_ms < to_ms ? known[i].to_ms : to_ms;

        if (end > begin) {
            sum += end - begin;
            reached = end;
        }
    }
    spotopt__free(ledger->context, known);
    *out_hours = (double)sum / (double)SPOTOPT__HOUR_MS;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__view_savings(const spotopt__view *view, const spotopt__cluster_books *only,
                      spotopt_savings *out, spotopt__point *points, size_t point_count,
                      spotopt_error *err)
{
    const int64_t month = view->now_ms > SPOTOPT__MONTH_MS ? view->now_ms - SPOTOPT__MONTH_MS : 0;
    spotopt__sums window = {0}, trailing = {0};
    double window_h = 0.0, month_h = 0.0;
    spotopt_status status = SPOTOPT_OK;

    for (size_t i = 0; status == SPOTOPT_OK && i < view->ledger->clusters.count; i++) {
        const spotopt__cluster_books *books = &view->ledger->clusters.at[i];

        if (only != NULL ? only != books : !spotopt__view_has_cluster(view, books))
            continue;
        status = spotopt__add_cluster(view, books, view->from_ms, view->now_ms, &window, points,
                                      point_count, err);
        if (status == SPOTOPT_OK)
            status =
                spotopt__add_cluster(view, books, month, view->now_ms, &trailing, NULL, 0, err);
    }
    /* One cluster's month is taken over the view's hours too, so that clusters add up. */
    if (status == SPOTOPT_OK)
        status = spotopt__known_hours(view, view->from_ms, view->now_ms, &window_h, err);
    if (status == SPOTOPT_OK)
        status = spotopt__known_hours(view, month, view->now_ms, &month_h, err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__savings_of(&window, out);
    out->known_frac = ratio(only != NULL ? window.known_h : window_h,
                            (double)(view->now_ms - view->from_ms) / (double)SPOTOPT__HOUR_MS);
    out->monthly_gross_usd = ratio(trailing.ode - trailing.paid, month_h) * HOURS_A_MONTH;
    out->monthly_net_usd =
        ratio(trailing.ode - trailing.paid - trailing.losses, month_h) * HOURS_A_MONTH;
    out->monthly_known_frac = (only != NULL ? trailing.known_h : month_h) / 720.0;
    return SPOTOPT_OK;
}

/* A versioned struct of numbers, given out in the size the caller knows. */
static spotopt_status
check_size(size_t size, const char *what, spotopt_error *err)
{
    return size >= sizeof size
               ? SPOTOPT_OK
               : spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out.size is not set; want %s", what);
}

spotopt_status
spotopt_fleet_savings(const spotopt_ledger *ledger, const spotopt_fleet_params *params,
                      spotopt_savings *out, spotopt_error *err)
{
    spotopt_savings made = SPOTOPT_SAVINGS_INIT;
    spotopt__view view;
    spotopt_status status;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want it set");
    status = check_size(out->size, "SPOTOPT_SAVINGS_INIT", err);
    if (status == SPOTOPT_OK)
        status = spotopt__view_init(&view, ledger, params, err);
    if (status == SPOTOPT_OK)
        status = spotopt__view_savings(&view, NULL, &made, NULL, 0, err);
    if (status != SPOTOPT_OK)
        return status;
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_fleet_numbers_get(const spotopt_ledger *ledger, const spotopt_fleet_params *params,
                          spotopt_fleet_numbers *out, spotopt_error *err)
{
    spotopt_fleet_numbers made = SPOTOPT_FLEET_NUMBERS_INIT;
    spotopt__view view;
    spotopt_status status;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want it set");
    status = check_size(out->size, "SPOTOPT_FLEET_NUMBERS_INIT", err);
    if (status == SPOTOPT_OK)
        status = spotopt__view_init(&view, ledger, params, err);
    if (status == SPOTOPT_OK)
        status = spotopt__view_numbers(&view, &made, err);
    if (status != SPOTOPT_OK)
        return status;
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_fleet_series(const spotopt_ledger *ledger, const spotopt_fleet_params *params,
                     double *out_paid_usd, double *out_losses_usd, double *out_ode_usd,
                     double *out_bound_usd, size_t count, spotopt_error *err)
{
    spotopt_savings made = SPOTOPT_SAVINGS_INIT;
    spotopt__point *points;
    spotopt__view view;
    spotopt_status status = spotopt__view_init(&view, ledger, params, err);

    if (status != SPOTOPT_OK)
        return status;
    if (count < 1 || count > POINTS_MAX || out_paid_usd == NULL || out_losses_usd == NULL ||
        out_ode_usd == NULL || out_bound_usd == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "count is %zu; want 1 .. %d and four columns of that length", count,
                             POINTS_MAX);
    points = spotopt__alloc_array(ledger->context, count, sizeof *points);
    if (points == NULL)
        return spotopt__nomem(err, "savings");
    status = spotopt__view_savings(&view, NULL, &made, points, count, err);
    for (size_t i = 0; status == SPOTOPT_OK && i < count; i++) {
        out_paid_usd[i] = points[i].paid;
        out_losses_usd[i] = points[i].losses;
        out_ode_usd[i] = points[i].ode;
        out_bound_usd[i] = points[i].bound_h > 0.0 ? points[i].bound : (double)NAN;
    }
    spotopt__free(ledger->context, points);
    return status;
}

/* --- the document --- */

static void
put_savings(spotopt__jw *jw, const spotopt_savings *s)
{
    spotopt__jw_put_real(jw, "billed_usd", s->billed_usd);
    spotopt__jw_put_real(jw, "paid_usd", s->paid_usd);
    spotopt__jw_put_real(jw, "losses_usd", s->losses_usd);
    spotopt__jw_put_real(jw, "ode_usd", s->ode_usd);
    spotopt__jw_put_real(jw, "bound_usd", s->bound_usd);
    spotopt__jw_put_real(jw, "gross_saving_frac", s->gross_frac);
    spotopt__jw_put_real(jw, "net_saving_frac", s->net_frac);
    spotopt__jw_put_real(jw, "optimization_rate", s->optimization_rate);
    spotopt__jw_put_real(jw, "idle_usd", s->idle_usd);
    spotopt__jw_put_real(jw, "overlap_usd", s->overlap_usd);
    spotopt__jw_put_real(jw, "node_hours", s->node_hours);
    spotopt__jw_put_real(jw, "coverage_frac", s->coverage_frac);
    spotopt__jw_put_real(jw, "effective_coverage_frac", s->effective_coverage_frac);
    spotopt__jw_put_real(jw, "known_frac", s->known_frac);
    spotopt__jw_put_real(jw, "monthly_gross_usd", s->monthly_gross_usd);
    spotopt__jw_put_real(jw, "monthly_net_usd", s->monthly_net_usd);
    spotopt__jw_put_real(jw, "monthly_known_frac", s->monthly_known_frac);
}

static void
put_points(const spotopt__view *view, spotopt__jw *jw, const spotopt__point *points)
{
    const size_t count = view->params.points;

    spotopt__jw_key(jw, "series");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < count; i++) {
        spotopt__jw_object(jw);
        spotopt__put_time(jw, "from",
                          view->from_ms + (int64_t)((double)(view->now_ms - view->from_ms) *
                                                    (double)i / (double)count));
        spotopt__jw_put_real(jw, "paid_usd", points[i].known_h > 0.0 ? points[i].paid : NAN);
        spotopt__jw_put_real(jw, "losses_usd", points[i].known_h > 0.0 ? points[i].losses : NAN);
        spotopt__jw_put_real(jw, "ode_usd", points[i].known_h > 0.0 ? points[i].ode : NAN);
        spotopt__jw_put_real(jw, "bound_usd", points[i].bound_h > 0.0 ? points[i].bound : NAN);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

/* One entry with its series. */
static spotopt_status
put_entry(const spotopt__view *view, spotopt__jw *jw, const spotopt__cluster_books *only,
          spotopt__point *points, spotopt_error *err)
{
    spotopt_savings s = SPOTOPT_SAVINGS_INIT;
    spotopt_status status;

    memset(points, 0, view->params.points * sizeof *points);
    status = spotopt__view_savings(view, only, &s, points, view->params.points, err);
    put_savings(jw, &s);
    put_points(view, jw, points);
    return status;
}

static spotopt_status
put_clients(const spotopt__view *view, spotopt__jw *jw, spotopt__point *points, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    bool *seen = spotopt__alloc_array(ledger->context, ledger->known_names + 1, sizeof *seen);
    spotopt_status status = SPOTOPT_OK;

    if (seen == NULL)
        return spotopt__nomem(err, "savings");
    for (size_t i = 0; status == SPOTOPT_OK && i < ledger->clusters.count; i++) {
        const spotopt__cluster_books *books = &ledger->clusters.at[i];
        spotopt__view of_client = *view;

        if (!spotopt__view_has_cluster(view, books) || seen[books->client])
            continue;
        seen[books->client] = true;
        of_client.client = books->client;
        spotopt__jw_object(jw);
        spotopt__put_name(view, jw, "client", books->client);
        status = put_entry(&of_client, jw, NULL, points, err);
        spotopt__jw_end_object(jw);
    }
    spotopt__free(ledger->context, seen);
    return status;
}

static void
put_instances(const spotopt__view *view, spotopt__jw *jw)
{
    const spotopt_ledger *ledger = view->ledger;

    spotopt__jw_key(jw, "instances");
    spotopt__jw_array(jw);
    for (size_t c = 0; c < ledger->clusters.count; c++) {
        const spotopt__cluster_books *books = &ledger->clusters.at[c];

        for (size_t i = 0; i < books->life_count && spotopt__view_has_cluster(view, books); i++) {
            const spotopt__life *life = &ledger->lives.at[books->first_life + i];
            const double h = spotopt__life_hours(life, view->from_ms, view->now_ms);

            if (!(h > 0.0))
                continue;
            const double paid = spotopt__life_paid(ledger, life, view->from_ms, view->now_ms,
                                                   view->now_ms),
                         ode = spotopt__life_ode(ledger, life, view->from_ms, view->now_ms);
            spotopt__jw_object(jw);
            spotopt__put_name(view, jw, "instance", life->start.instance);
            spotopt__put_name(view, jw, "cluster", books->name);
            spotopt__put_name(view, jw, "pool", life->start.pool);
            spotopt__jw_put_real(jw, "node_hours", h);
            spotopt__jw_put_real(jw, "billed_usd", paid);
            spotopt__jw_put_real(jw, "ode_usd", ode);
            spotopt__jw_put_real(jw, "gross_saving_frac", ode > 0.0 ? 1.0 - paid / ode : NAN);
            spotopt__jw_end_object(jw);
        }
    }
    spotopt__jw_end_array(jw);
}

spotopt_status
spotopt__write_savings(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    spotopt__point *points =
        spotopt__alloc_array(ledger->context, view->params.points, sizeof *points);
    spotopt_status status;

    if (points == NULL)
        return spotopt__nomem(err, "savings");
    spotopt__put_time(jw, "from", view->from_ms);
    spotopt__jw_key(jw, "total");
    spotopt__jw_object(jw);
    status = put_entry(view, jw, NULL, points, err);
    spotopt__jw_end_object(jw);
    spotopt__jw_key(jw, "clients");
    spotopt__jw_array(jw);
    if (status == SPOTOPT_OK)
        status = put_clients(view, jw, points, err);
    spotopt__jw_end_array(jw);
    spotopt__jw_key(jw, "clusters");
    spotopt__jw_array(jw);
    for (size_t i = 0; status == SPOTOPT_OK && i < ledger->clusters.count; i++) {
        const spotopt__cluster_books *books = &ledger->clusters.at[i];

        if (!spotopt__view_has_cluster(view, books))
            continue;
        spotopt__jw_object(jw);
        spotopt__put_name(view, jw, "cluster", books->name);
        spotopt__put_name(view, jw, "client", books->client);
        status = put_entry(view, jw, books, points, err);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    if (status == SPOTOPT_OK)
        put_instances(view, jw);
    spotopt__free(ledger->context, points);
    return status;
}
