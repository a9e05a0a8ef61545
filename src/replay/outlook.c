/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlook.c - what could be told of a node's risk at every step of a replay.
 *
 * Features roll forward: spotopt__features_at() walks each series once for a whole stretch of
 * steps, carrying its decayed sums from moment to moment, and looks at no row after a moment. A
 * stretch is as long as memory for it allows. The model's hazard tells of pools that were watched
 * for an hour, as in with_model.c; for the others, and without a model, it is layer 2 on the same
 * decayed sums: p = 1 - (B / (B + H))^A, A = kappa alpha + D, B = kappa alpha / mean + E, where the
 * mean is the model's, or that of all pools so far. A rate is -ln(1 - p) / H. Vendor signals are
 * neutral: the catalog has those of one day, and not of that day.
 */
#include "replay/replay.h"
#include "risk/forecast.h"

#define ROWS_MOST ((size_t)1 << 19) /* of features at once: 63 MB */
#define P_MOST (1.0 - 1e-12)

struct spotopt__outlook {
    spotopt_context *context;
    const spotopt__world *world;
    const spotopt_model *model; /* or NULL */
    spotopt__recent *recent;    /* NULL with a model */
    const double *horizons_h;
    size_t horizon_count;
    double from_s, step_s;
    size_t steps, first, room,
        filled; /* of the stretch: its first step, steps that fit, steps in it */
    size_t series_count, k;
    uint32_t *series; /* of the rows */
    double *time_s;
    double *x, *evidence;
    double *p;    /* of a stretch, horizon after horizon, series by series */
    double *rate; /* of a stretch: horizon after horizon, step by step, by series */
};

void
spotopt__outlook_free(spotopt__outlook *outlook)
{
    if (outlook == NULL)
        return;
    spotopt__recent_free(outlook->recent);
    spotopt__free(outlook->context, outlook->series);
    spotopt__free(outlook->context, outlook->time_s);
    spotopt__free(outlook->context, outlook->x);
    spotopt__free(outlook->context, outlook->evidence);
    spotopt__free(outlook->context, outlook->p);
    spotopt__free(outlook->context, outlook->rate);
    spotopt__free(outlook->context, outlook);
}

spotopt__outlook *
spotopt__outlook_new(spotopt_context *context, const spotopt__world *world,
                     const spotopt_model *model, const double *horizons_h, size_t count,
                     double from_s, double step_s, size_t steps)
{
    spotopt__outlook *o = spotopt__alloc(context, sizeof *o);
    size_t rows;

    if (o == NULL)
        return NULL;
    *o = (spotopt__outlook){.context = context,
                            .world = world,
                            .model = model,
                            .horizons_h = horizons_h,
                            .horizon_count = count,
                            .from_s = from_s,
                            .step_s = step_s,
                            .steps = steps};
    o->series_count = world->history != NULL ? world->history->series.count : 0;
    if (o->series_count == 0)
        return o;
    o->room = ROWS_MOST / o->series_count;
    o->room = o->room < 1 ? 1 : o->room > steps ? steps : o->room;
    rows = o->room * o->series_count;
    o->series = spotopt__alloc_array(context, rows, sizeof *o->series);
    o->time_s = spotopt__alloc_array(context, rows, sizeof *o->time_s);
    o->x = spotopt__alloc_array(context, rows * spotopt__feature_count, sizeof *o->x);
    o->evidence = spotopt__alloc_array(context, 2 * rows, sizeof *o->evidence);
    o->p = spotopt__alloc_array(context, rows * count + 1, sizeof *o->p);
    o->rate = spotopt__alloc_array(context, rows * count + 1, sizeof *o->rate);
    if (model == NULL)
        o->recent = spotopt__recent_new(context, world);
    if (o->series == NULL || o->time_s == NULL || o->x == NULL || o->evidence == NULL ||
        o->p == NULL || o->rate == NULL || (model == NULL && o->recent == NULL)) {
        spotopt__outlook_free(o);
        return NULL;
    }
    return o;
}

/* Layer 2 for every step and series where the model does not tell. */
static void
rates_of_step(spotopt__outlook *o, size_t step)
{
    const spotopt_history *history = o->world->history;
    const size_t rows = o->filled * o->series_count;
    const double now_s = o->from_s + (double)(o->first + step) * o->step_s;
    double kappa = SPOTOPT__RISK_KAPPA, alpha = SPOTOPT__RISK_SHIPPED_ALPHA, mean, share = 1.0;

    if (o->model != NULL) {
        kappa = o->model->evidence_kappa;
        alpha = o->model->evidence_alpha;
        mean = o->model->evidence_mean;
        share = o->model->lost_share;
    } else {
        spotopt__recent_go(o->recent, now_s);
        mean = spotopt__recent_overall(o->recent);
    }
    for (size_t i = 0; i < o->series_count; i++) {
        const spotopt__series *series = &history->series.at[i];
        const size_t row = i * o->filled + step;
        const double a = kappa * alpha + o->evidence[row],
                     b = kappa * alpha / mean + o->evidence[rows + row];
        const bool is_seen =
            series->count > 0 && history->time_s[series->first] <= now_s - SPOTOPT__HOUR_S;

        for (size_t h = 0; h < o->horizon_count; h++) {
            const double horizon_h = o->horizons_h[h];
            double *out = &o->rate[(h * o->filled + step) * o->series_count + i];

            if (o->model != NULL && is_seen)
                *out = share * -log1p(-fmin(o->p[h * rows + row], P_MOST)) / horizon_h;
            else
                *out = share * a * log1p(horizon_h / b) / horizon_h;
        }
    }
}

static bool
fill(spotopt__outlook *o, size_t first)
{
    const double tau_h = o->model != NULL ? o->model->evidence_tau_h : SPOTOPT__RISK_TAU_H;
    size_t rows;

    o->first = first;
    o->filled = o->steps - first < o->room ? o->steps - first : o->room;
    rows = o->filled * o->series_count;
    for (size_t i = 0; i < o->series_count; i++) {
        for (size_t k = 0; k < o->filled; k++) {
            o->series[i * o->filled + k] = (uint32_t)i;
            o->time_s[i * o->filled + k] = o->from_s + (double)(first + k) * o->step_s;
        }
    }
    if (!spotopt__features_at(o->context, o->world->history, NULL, o->series, o->time_s, rows,
                              tau_h, o->x, o->evidence))
        return false;
    if (o->model != NULL) {
        /* Columns stand in the model's table of features, whichever of them it uses. */
        const spotopt__rows at = {rows, rows, o->x, o->evidence, o->evidence + rows};

        if (!spotopt__forecast(o->model, &at, o->horizons_h, o->horizon_count, o->p, NULL, NULL))
            return false;
    }
    for (size_t k = 0; k < o->filled; k++)
        rates_of_step(o, k);
    return true;
}

bool
spotopt__outlook_go(spotopt__outlook *o, size_t k)
{
    o->k = k;
    if (o->series_count == 0 || (o->filled > 0 && k < o->first + o->filled))
        return true;
    return fill(o, k);
}

double
spotopt__outlook_rate(const spotopt__outlook *o, size_t horizon, uint32_t pool)
{
    const uint32_t series = o->world->series[pool];

    if (series == SPOTOPT__NONE)
        return 0.0;
    return o->rate[(horizon * o->filled + (o->k - o->first)) * o->series_count + series];
}
