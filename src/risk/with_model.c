/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with_model.c - a forecast for every pool, each by the best layer that what is seen of it allows.
 *
 * Layers 1 and 2 are computed for all (score.c). A model, when there is one, forecasts the pools
 * that were seen for an hour at least and within the last day: before, its features say nothing of
 * the pool; after, they are those of another time. The others stay where they are and are flagged.
 * Features of all pools are taken in one pass over the history.
 */
#include "risk/drift.h"
#include "risk/forecast.h"
#include "risk/risk.h"

#define HOUR_S 3600.0

/* The pools of a history as a catalog, in its order. */
static spotopt_status
catalog_of(spotopt_context *context, const spotopt_history *history, spotopt_catalog **out,
           spotopt_error *err)
{
    spotopt_catalog *catalog = NULL;
    spotopt_status status = spotopt__catalog_new(context, &catalog, err);

    for (size_t i = 0; status == SPOTOPT_OK && i < history->series.count; i++) {
        const spotopt__series *series = &history->series.at[i];
        spotopt__type type = {.name =
                                  series->instance_type[0] != '\0' ? series->instance_type : "?",
                              .arch = "amd64"};
        spotopt__pool pool = {.id = series->pool,
                              .zone = series->zone,
                              .region = series->region,
                              .purchase = SPOTOPT__SPOT,
                              .advisor_bucket = -1,
                              .usd_per_h = NAN,
                              .placement_score = NAN,
                              .limit = UINT32_MAX};
        uint32_t index;
        bool is_new;

        pool.type = spotopt__map_get(&catalog->type_by_name, type.name);
        if (pool.type == SPOTOPT__NONE)
            status = spotopt__catalog_add_type(catalog, &type, NULL, 0, &pool.type, err);
        if (status == SPOTOPT_OK)
            status = spotopt__catalog_add_pool(catalog, &pool, &index, &is_new, err);
    }
    if (status != SPOTOPT_OK) {
        spotopt_catalog_free(catalog);
        return status;
    }
    spotopt__catalog_seal(catalog);
    *out = catalog;
    return SPOTOPT_OK;
}

static bool
keep_ids(spotopt_risk *risk, const spotopt_catalog *catalog)
{
    risk->ids = spotopt__arena_alloc(&risk->arena, risk->count + 1, sizeof *risk->ids);
    if (risk->ids == NULL)
        return false;
    for (size_t i = 0; i < risk->count; i++) {
        const char *id = catalog->pools.at[i].id;

        risk->ids[i] = spotopt__arena_text(&risk->arena, id, strlen(id));
        if (risk->ids[i] == NULL)
            return false;
    }
    return true;
}

static bool
does_for_a_model(const spotopt_risk *risk, const spotopt__risk_pool *pool,
                 const spotopt_history *history)
{
    if (pool->series == SPOTOPT__NONE || (pool->flags & (SPOTOPT_RISK_NONE | SPOTOPT_RISK_STALE)))
        return false;
    const spotopt__series *series = &history->series.at[pool->series];
    return series->count > 0 && history->time_s[series->first] <= risk->now_s - HOUR_S;
}

static void
flag_all(spotopt_risk *risk, uint32_t flag)
{
    for (size_t i = 0; i < risk->count; i++) {
        if ((risk->pools[i].flags & SPOTOPT_RISK_HAZARD) != 0)
            risk->pools[i].flags |= flag;
    }
}

/* Rows of layer 3: one a series, in the order of series. */
static uint32_t
choose_rows(spotopt_risk *risk, const spotopt_history *history, uint32_t *row_of)
{
    uint32_t rows = 0;

    for (size_t i = 0; i < history->series.count; i++)
        row_of[i] = SPOTOPT__NONE;
    for (size_t i = 0; i < risk->count; i++) {
        if (does_for_a_model(risk, &risk->pools[i], history))
            row_of[risk->pools[i].series] = 0;
    }
    for (size_t i = 0; i < history->series.count; i++) {
        if (row_of[i] != SPOTOPT__NONE)
            row_of[i] = rows++;
    }
    return rows;
}

static spotopt_status
apply_model(spotopt_risk *risk, const spotopt_risk_params *params, const spotopt_catalog *catalog,
            spotopt__budget *budget, spotopt_error *err)
{
    const spotopt_history *history = params->history;
    const size_t series_count = history != NULL ? history->series.count : 0,
                 features = spotopt__feature_count;
    spotopt_context *context = risk->context;
    uint32_t *row_of = spotopt__alloc_array(context, series_count + 1, sizeof *row_of),
             *series = NULL;
    double *time_s = NULL;
    bool is_fine = row_of != NULL;

    if (is_fine && series_count > 0)
        risk->rows = choose_rows(risk, history, row_of);
    if (is_fine && risk->rows > 0) {
        series = spotopt__alloc_array(context, risk->rows, sizeof *series);
        time_s = spotopt__alloc_array(context, risk->rows, sizeof *time_s);
        risk->x = spotopt__alloc_array(context, (features + 2) * risk->rows, sizeof *risk->x);
        is_fine = series != NULL && time_s != NULL && risk->x != NULL;
        for (size_t i = 0; is_fine && i < series_count; i++) {
            if (row_of[i] == SPOTOPT__NONE)
                continue;
            series[row_of[i]] = (uint32_t)i;
            time_s[row_of[i]] = risk->now_s;
        }
        is_fine = is_fine && spotopt__features_at(context, history, catalog, series, time_s,
                                                  risk->rows, risk->model->evidence_tau_h, risk->x,
                                                  risk->x + features * risk->rows);
    }
    for (size_t i = 0; is_fine && i < risk->count; i++) {
        spotopt__risk_pool *pool = &risk->pools[i];

        pool->row = pool->series != SPOTOPT__NONE ? row_of[pool->series] : SPOTOPT__NONE;
        if (pool->row != SPOTOPT__NONE && (pool->flags & SPOTOPT_RISK_NONE) == 0) {
            pool->flags &= ~(uint32_t)(SPOTOPT_RISK_PRIOR | SPOTOPT_RISK_EVIDENCE);
            pool->flags |= SPOTOPT_RISK_HAZARD;
        } else if ((pool->flags & SPOTOPT_RISK_NONE) == 0)
            pool->flags |= SPOTOPT_RISK_FALLBACK;
    }
    if (is_fine && risk->rows > 0) {
        bool has_drifted = false;

        is_fine = spotopt__drift_features(risk, &has_drifted) &&
                  spotopt__drift_labels(risk, history, catalog, params->drift_days);
        if (is_fine && (has_drifted || risk->cusum.direction != 0))
            flag_all(risk, SPOTOPT_RISK_DRIFT);
    }
    spotopt__free(context, time_s);
    spotopt__free(context, series);
    spotopt__free(context, row_of);
    if (!is_fine)
        return spotopt__nomem(err, "forecasts by the model");
    (void)spotopt__budget_over(budget, "risk", NAN, NAN);
    return budget->cancelled
               ? spotopt__fail(err, SPOTOPT_E_CANCELLED, "cancelled while forecasting")
               : SPOTOPT_OK;
}

spotopt_status
spotopt_risk_score_with(spotopt_context *context, const spotopt_risk_params *given,
                        const spotopt_options *options, spotopt_risk **out, spotopt_error *err)
{
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_catalog *own = NULL;
    spotopt_risk *risk = NULL;
    spotopt__budget budget;
    spotopt_status status;

    if (given == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "params");
    status = spotopt__copy_in(&params, sizeof params, given, "params", err);
    if (status != SPOTOPT_OK)
        return status;
    if (params.catalog == NULL && params.history == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "catalog and history are NULL; want one set");
    if (!isfinite(params.now_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "now_s is not finite; want seconds");
    if (!(params.drift_days >= 0.0 && params.drift_days <= 1000.0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "drift_days is off; want 0..1000");
    spotopt__budget_start(&budget, context, options);
    if (params.catalog == NULL) {
        status = catalog_of(context, params.history, &own, err);
        if (status != SPOTOPT_OK)
            return status;
        params.catalog = own;
    }
    status = spotopt__risk_layers(context, params.catalog, params.history, params.now_s, &budget,
                                  &risk, err);
    if (status == SPOTOPT_OK) {
        risk->now_s = params.now_s;
        if (!keep_ids(risk, params.catalog))
            status = spotopt__nomem(err, "ids of pools");
    }
    if (status == SPOTOPT_OK && params.model != NULL) {
        risk->model = spotopt__model_hold(params.model);
        status = apply_model(risk, &params, own != NULL ? NULL : params.catalog, &budget, err);
    }
    spotopt_catalog_free(own);
    if (status != SPOTOPT_OK) {
        spotopt_risk_free(risk);
        return status;
    }
    *out = risk;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_risk_score(spotopt_context *context, const spotopt_catalog *catalog,
                   const spotopt_history *history, double now_s, const spotopt_options *options,
                   spotopt_risk **out, spotopt_error *err)
{
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;

    if (catalog == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "catalog");
    params.catalog = catalog;
    params.history = history;
    params.now_s = now_s;
    return spotopt_risk_score_with(context, &params, options, out, err);
}
