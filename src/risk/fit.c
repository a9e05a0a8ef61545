/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit.c - a model from a history: rows, hazard, calibrators, card.
 *
 * Every moment of the first window is a row: its features, and in which lead bin the pool dropped,
 * as far as the window and the observation let one see. The hazard is fitted to these (hazard.c);
 * layer 2's prior of drops is fitted to the days up to the window's end and frozen. Then both
 * forecast the moments of the later window, and one calibrator a horizon is fitted to what came
 * true there (calibrate.c). Nothing of the later window reaches the hazard, and nothing after it
 * reaches anything.
 */
#include "risk/calibrate.h"
#include "risk/decisions.h"
#include "risk/forecast.h"
#include "risk/hazard.h"
#include "risk/risk.h"
#include <stdio.h>
#include <stdlib.h>

#define HOUR_S 3600.0
#define DAY_S 86400.0
#define ROWS_MAX 2000000.0 /* of a window; beyond, every second moment, every third ... */
#define FLAT 1e-9          /* a feature with less deviation tells nothing */
#define KNOTS 32

static const double horizons_h[] = {1.0, 4.0, 24.0};
#define HORIZONS (sizeof horizons_h / sizeof *horizons_h)

typedef struct fitting {
    spotopt_context *context;
    const spotopt_history *history;
    spotopt_model_fit_params params;
    spotopt__budget budget;
    double step_s;              /* between moments of the window at hand */
    spotopt__decisions moments; /* of the window at hand */
    double *values;             /* its features, by columns; then layer 2's sums */
    double *z;                  /* standardised, row by row */
    spotopt_model *model;
} fitting;

static spotopt_status
check_window(const spotopt_model_fit_params *p, spotopt_error *err)
{
    if (!isfinite(p->from_s) || !(p->to_s > p->from_s) || !isfinite(p->to_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "the fit window is [%.15g, %.15g); want from_s < to_s", p->from_s,
                             p->to_s);
    if (!(p->calibrate_to_s >= p->to_s) || !isfinite(p->calibrate_to_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "calibrate_to_s is %.15g; want at least to_s, %.15g",
                             p->calibrate_to_s, p->to_s);
    if (!(p->step_s >= 1.0) || !isfinite(p->step_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "step_s is %.15g; want at least 1",
                             p->step_s);
    if (!(p->ridge >= 1e-6) || !isfinite(p->ridge))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "ridge is %.15g; want at least 1e-6",
                             p->ridge);
    return SPOTOPT_OK;
}

static spotopt_status
check_params(const spotopt_model_fit_params *p, spotopt_error *err)
{
    spotopt_status status = check_window(p, err);
    char quote[SPOTOPT__QUOTE_SIZE];

    if (status != SPOTOPT_OK)
        return status;
    if (p->id != NULL && !spotopt__is_model_id(p->id))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "id is %s; want 1 to 64 of A-Z a-z 0-9 . _ -",
                             spotopt__quote(p->id, quote));
    return SPOTOPT_OK;
}

static spotopt_status
go_on(fitting *w, const char *stage, spotopt_error *err)
{
    (void)spotopt__budget_over(&w->budget, stage, INFINITY, 0.0);
    return w->budget.cancelled ? spotopt__fail(err, SPOTOPT_E_CANCELLED, "the fit was cancelled")
                               : SPOTOPT_OK;
}

/* A multiple of the step at which a window has no more rows than can be held. */
static double
choose_step(const fitting *w, double from_s, double to_s)
{
    double hold_s = 0.0;

    for (size_t i = 0; i < w->history->series.count; i++) {
        const spotopt__series *of = &w->history->series.at[i];
        double first = w->history->time_s[of->first],
               last = w->history->time_s[of->first + of->count - 1];

        first = first > from_s ? first : from_s;
        last = last < to_s ? last : to_s;
        hold_s += last > first ? last - first : 0.0;
    }
    return w->params.step_s * ceil(fmax(hold_s / w->params.step_s / ROWS_MAX, 1e-9));
}

/* Moments of a window with their features. */
static spotopt_status
take_window(fitting *w, double from_s, double to_s, spotopt_error *err)
{
    size_t features = spotopt__feature_count;
    bool is_fine;

    spotopt__decisions_free(w->context, &w->moments);
    spotopt__free(w->context, w->values);
    w->values = NULL;
    w->step_s = choose_step(w, from_s, to_s);
    is_fine = spotopt__decisions_make(w->context, w->history, from_s, to_s, w->step_s, &w->moments);
    if (is_fine) {
        w->values = spotopt__alloc_array(w->context, (features + 2) * w->moments.count + 1,
                                         sizeof *w->values);
        is_fine = w->values != NULL &&
                  spotopt__features_at(w->context, w->history, w->params.catalog, w->moments.series,
                                       w->moments.time_s, w->moments.count, SPOTOPT__RISK_TAU_H,
                                       w->values, w->values + features * w->moments.count);
    }
    return is_fine ? go_on(w, "features", err) : spotopt__nomem(err, "rows of a fit");
}

static void
measure(const double *x, size_t count, double *out_mean, double *out_scale)
{
    double sum = 0.0, square = 0.0;

    for (size_t i = 0; i < count; i++)
        sum += x[i];
    sum /= (double)count;
    for (size_t i = 0; i < count; i++)
        square += (x[i] - sum) * (x[i] - sum);
    *out_mean = sum;
    *out_scale = sqrt(square / (double)count);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The model with the features that vary in the window, their scaling and deciles. `spare`: count
 * numbers. */
static bool
choose_features(fitting *w, double *spare)
{
    uint32_t chosen[64], count = 0;
    double mean[64], scale[64];
    size_t rows = w->moments.count;

    for (uint32_t f = 0; f < spotopt__feature_count && count < 64; f++) {
        measure(w->values + f * rows, rows, &mean[count], &scale[count]);
        if (scale[count] > FLAT && !spotopt__features[f].is_retired)
            chosen[count++] = f;
    }
    w->model = spotopt__model_new(w->context, count, HORIZONS);
    if (w->model == NULL)
        return false;
    for (uint32_t f = 0; f < count; f++) {
        w->model->feature[f] = chosen[f];
        w->model->mean[f] = mean[f];
        w->model->scale[f] = scale[f];
        memcpy(spare, w->values + chosen[f] * rows, rows * sizeof *spare);
        qsort(spare, rows, sizeof *spare, by_value);
        for (size_t e = 0; e < SPOTOPT__EDGES; e++)
            w->model->edges[f * SPOTOPT__EDGES + e] = spare[(e + 1) * rows / (SPOTOPT__EDGES + 1)];
    }
    return true;
}

/* z of the rows at hand, row by row. */
static bool
standardise(fitting *w)
{
    const spotopt_model *m = w->model;
    size_t rows = w->moments.count, features = m->feature_count;

    spotopt__free(w->context, w->z);
    w->z = spotopt__alloc_array(w->context, rows * features + 1, sizeof *w->z);
    for (size_t f = 0; w->z != NULL && f < features; f++) {
        const double *x = w->values + m->feature[f] * rows;

        for (size_t i = 0; i < rows; i++)
            w->z[i * features + f] = (x[i] - m->mean[f]) / m->scale[f];
    }
    return w->z != NULL;
}

/* Fills bins, hits and clusters, and the card's counts. */
static void
label_rows(fitting *w, uint8_t *bins, uint8_t *is_hit, uint32_t *cluster)
{
    const spotopt__decisions *m = &w->moments;
    uint32_t clusters = 0;

    for (size_t i = 0; i < m->count; i++) {
        /* Strictly within the window, as labels of an evaluation are. */
        double left_s = nextafter(w->params.to_s - m->time_s[i], 0.0);
        bool hit, is_new = i == 0 || m->series[i] != m->series[i - 1];

        bins[i] = spotopt__hazard_bins(m->next_drop_s[i],
                                       m->ahead_s[i] < left_s ? m->ahead_s[i] : left_s, &hit);
        is_hit[i] = hit;
        w->model->events += hit;
        w->model->pools += is_new;
        clusters +=
            i > 0 && (is_new || floor(m->time_s[i] / DAY_S) != floor(m->time_s[i - 1] / DAY_S));
        cluster[i] = clusters;
    }
    w->model->rows = m->count;
}

static spotopt_status
fit_hazard(fitting *w, spotopt_error *err)
{
    size_t rows = w->moments.count;
    spotopt__hazard made = {0};
    spotopt__hazard_rows of = {.count = rows, .ridge = w->params.ridge};
    int *sign = spotopt__alloc_array(w->context, spotopt__feature_count, sizeof *sign);
    bool *is_fading = spotopt__alloc_array(w->context, spotopt__feature_count, sizeof *is_fading);
    uint8_t *bins = spotopt__alloc_array(w->context, 2 * rows, sizeof *bins);
    uint32_t *cluster = spotopt__alloc_array(w->context, rows, sizeof *cluster);
    double *spare = spotopt__alloc_array(w->context, rows, sizeof *spare);
    spotopt_status status = SPOTOPT_E_NOMEM;

    if (sign == NULL || is_fading == NULL || bins == NULL || cluster == NULL || spare == NULL ||
        !choose_features(w, spare) || !standardise(w)) {
        (void)spotopt__nomem(err, "a fit");
        goto done;
    }
    label_rows(w, bins, bins + rows, cluster);
    if (w->model->events == 0) {
        status = spotopt__fail(
            err, SPOTOPT_E_INPUT,
            "no pool loses a node in the fit window [%.15g, %.15g); want at least one drop",
            w->params.from_s, w->params.to_s);
        goto done;
    }
    of.features = w->model->feature_count;
    for (uint32_t f = 0; f < of.features; f++) {
        sign[f] = w->params.is_free != 0 ? 0 : spotopt__features[w->model->feature[f]].sign;
        is_fading[f] = w->params.is_free == 0 && spotopt__features[w->model->feature[f]].fades;
    }
    of.z = w->z;
    of.bins = bins;
    of.is_hit = bins + rows;
    of.cluster = cluster;
    of.sign = sign;
    of.is_fading = is_fading;
    made.beta = w->model->beta;
    made.gamma = w->model->gamma;
    made.covariance = w->model->covariance;
    status = spotopt__hazard_fit(w->context, &of, &w->budget, &made, err);
    memcpy(w->model->a, made.a, sizeof made.a);
done:
    spotopt__free(w->context, sign);
    spotopt__free(w->context, is_fading);
    spotopt__free(w->context, bins);
    spotopt__free(w->context, cluster);
    spotopt__free(w->context, spare);
    return status;
}

/* Layer 2's prior of a pool's drops, by all days up to the end of the fit window; and what one drop
 * takes. */
static bool
fit_evidence(fitting *w)
{
    spotopt__cells cells = {0};
    double drops = 0.0, share = 0.0, events = 0.25,
           hours = 24.0; /* of nobody: a mean in any case */
    bool is_fine = true;

    for (size_t i = 0; is_fine && i < w->history->series.count; i++) {
        const spotopt__series *of = &w->history->series.at[i];
        const double *time_s = w->history->time_s + of->first,
                     *nodes = w->history->nodes_up + of->first;

        is_fine =
            spotopt__evidence_cells(w->context, w->history, i, w->params.to_s, 1.0, true, &cells);
        for (size_t row = 1; row < of->count && time_s[row] < w->params.to_s; row++) {
            if (time_s[row] < w->params.from_s || !(nodes[row] < nodes[row - 1]))
                continue;
            drops += 1.0;
            share += (nodes[row - 1] - nodes[row]) / nodes[row - 1];
        }
    }
    if (is_fine) {
        for (size_t c = 0; c < cells.count; c++) {
            events += cells.at[c].weight * cells.at[c].events;
            hours += cells.at[c].weight * cells.at[c].hours;
        }
        const spotopt__prior around = {0.5, events / hours};
        spotopt__prior prior = spotopt__prior_fit(cells.at, cells.count, &around, 0.25, 1.5);

        w->model->evidence_tau_h = SPOTOPT__RISK_TAU_H;
        w->model->evidence_kappa = SPOTOPT__RISK_KAPPA;
        w->model->evidence_alpha = prior.alpha;
        w->model->evidence_mean = prior.mean;
        w->model->lost_share = drops > 0.0 ? share / drops : 1.0;
    }
    spotopt__vec_free(w->context, &cells);
    return is_fine;
}

static double
hazard_odds(const spotopt_model *m, const double *z, double horizon_h)
{
    double level = 0.0, tilt = 0.0;

    for (size_t f = 0; f < m->feature_count; f++) {
        level += m->beta[f] * z[f];
        tilt += m->gamma[f] * z[f];
    }
    return spotopt__hazard_logit(m, level, tilt, horizon_h, NULL, NULL, NULL);
}

static bool
fit_horizon(fitting *w, size_t h, double *spare)
{
    const spotopt__decisions *m = &w->moments;
    spotopt_model *model = w->model;
    double horizon_h = horizons_h[h], ahead_s = HOUR_S * horizon_h, *hazard = spare,
           *evidence = hazard + m->count, *label = evidence + m->count, step_h = w->step_s / HOUR_S,
           sum = 0.0;
    const double *sums = w->values + (size_t)spotopt__feature_count * m->count;
    spotopt__matured rows = {.hazard = hazard, .evidence = evidence, .label = label};
    spotopt__calibrator *to = &model->calibrators[h];

    for (size_t i = 0; i < m->count; i++) {
        if (!(m->time_s[i] + ahead_s < w->params.calibrate_to_s) || m->ahead_s[i] < ahead_s)
            continue;
        hazard[rows.count] = hazard_odds(model, w->z + i * model->feature_count, horizon_h);
        evidence[rows.count] =
            spotopt__evidence_logit(model, sums[i], sums[m->count + i], horizon_h);
        sum += 1.0 / (1.0 + exp(-hazard[rows.count]));
        label[rows.count++] = m->next_drop_s[i] <= ahead_s ? 1.0 : 0.0;
    }
    rows.weight = step_h < horizon_h ? step_h / horizon_h : 1.0;
    if (rows.count == 0)
        return true;
    sum /= (double)rows.count;
    *to = spotopt__calibrator_start(horizon_h, log(sum / (1.0 - sum)));
    (void)spotopt__calibrate(&rows, to); /* where it cannot, it stays where it starts */
    if (w->params.is_isotonic == 0)
        return true;
    if (!spotopt__model_set_knots(model, h, KNOTS))
        return false;
    for (size_t i = 0; i < rows.count; i++)
        hazard[i] = 1.0 / (1.0 + exp(-spotopt__calibrated(to, hazard[i], evidence[i])));
    return spotopt__isotonic(w->context, hazard, label, rows.count, KNOTS, to->x, to->y,
                             &to->knots);
}

static spotopt_status
fit_calibrators(fitting *w, spotopt_error *err)
{
    spotopt_status status;
    double *spare;
    bool is_fine;

    for (size_t h = 0; h < HORIZONS; h++)
        w->model->calibrators[h] = spotopt__calibrator_start(horizons_h[h], NAN);
    if (!(w->params.calibrate_to_s > w->params.to_s))
        return SPOTOPT_OK;
    status = take_window(w, w->params.to_s, w->params.calibrate_to_s, err);
    if (status != SPOTOPT_OK)
        return status;
    if (w->moments.count == 0)
        return spotopt__fail(
            err, SPOTOPT_E_INPUT,
            "no pool has nodes up in the calibration window [%.15g, %.15g); want one, or an empty "
            "window",
            w->params.to_s, w->params.calibrate_to_s);
    spare = spotopt__alloc_array(w->context, 3 * w->moments.count, sizeof *spare);
    is_fine = spare != NULL && standardise(w);
    for (size_t h = 0; is_fine && h < HORIZONS; h++)
        is_fine = fit_horizon(w, h, spare);
    spotopt__free(w->context, spare);
    return is_fine ? go_on(w, "calibrate", err) : spotopt__nomem(err, "calibrators");
}

static bool
fill_card(fitting *w)
{
    spotopt_model *m = w->model;
    char limits[320];

    m->is_availability = w->params.is_availability != 0;
    m->from_s = w->params.from_s;
    m->to_s = w->params.to_s;
    m->calibrate_to_s = w->params.calibrate_to_s;
    m->step_s = w->params.step_s;
    memcpy(m->history_sha256, w->history->sha256, sizeof m->history_sha256);
    (void)snprintf(
        limits, sizeof limits,
        "knows %llu pool%s over %.0f days: other seasons, instance types and regions were not "
        "seen; %s; "
        "within a quarter of an hour and beyond a day it extrapolates",
        (unsigned long long)m->pools, m->pools == 1 ? "" : "s", (m->to_s - m->from_s) / DAY_S,
        m->is_availability ? "an event is a launch that fails, not a node that is taken"
                           : "an event is any fall of a pool's count, whatever its cause");
    return spotopt__model_set_limits(m, limits) &&
           spotopt__model_set_id(m, w->params.id != NULL ? w->params.id : "model");
}

static spotopt_status
make(fitting *w, spotopt_error *err)
{
    spotopt_status status = take_window(w, w->params.from_s, w->params.to_s, err);

    if (status != SPOTOPT_OK)
        return status;
    if (w->moments.count == 0)
        return spotopt__fail(err, SPOTOPT_E_INPUT,
                             "no pool has nodes up in the fit window [%.15g, %.15g); want one",
                             w->params.from_s, w->params.to_s);
    status = fit_hazard(w, err);
    if (status != SPOTOPT_OK)
        return status;
    if (!fit_evidence(w) || !fill_card(w))
        return spotopt__nomem(err, "a model");
    return fit_calibrators(w, err);
}

spotopt_status
spotopt_model_fit(spotopt_context *context, const spotopt_history *history,
                  const spotopt_model_fit_params *params, const spotopt_options *options,
                  spotopt_model **out, spotopt_error *err)
{
    fitting w = {.context = context, .history = history, .params = SPOTOPT_MODEL_FIT_PARAMS_INIT};
    spotopt_status status;

    if (history == NULL || params == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             history == NULL  ? "history"
                             : params == NULL ? "params"
                                              : "out");
    status = spotopt__copy_in(&w.params, sizeof w.params, params, "params", err);
    if (status == SPOTOPT_OK)
        status = check_params(&w.params, err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__budget_start(&w.budget, context, options);
    w.budget.deadline_s = INFINITY; /* half a model is of no use: only the callback ends a fit */
    w.budget.work_limit = 0;
    status = make(&w, err);
    if (status == SPOTOPT_OK)
        *out = w.model;
    else
        spotopt_model_free(w.model);
    spotopt__decisions_free(context, &w.moments);
    spotopt__free(context, w.values);
    spotopt__free(context, w.z);
    return status;
}
