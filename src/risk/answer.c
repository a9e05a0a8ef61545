/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c - what may be asked of forecasts: one pool or all, of a node or of the pool.
 *
 * Layer 3 forecasts drops of a pool. A drop takes a share of the pool's nodes, the model's
 * lost_share s, so that of m = -ln(1 - p_drop) drops expected a node is hit by s m:
 * p_node = 1 - exp(-s m) = 1 - (1 - p_drop)^s. Layers 1 and 2 know rates of both.
 */
#include <stdio.h>

#include "risk/forecast.h"
#include "risk/risk.h"

double
spotopt__node_p(double p_drop, double lost_share)
{
    return lost_share <= 0.0 ? 0.0 : p_drop >= 1.0 ? 1.0 : -expm1(lost_share * log1p(-p_drop));
}

double
spotopt__belief_p(const spotopt__belief *belief, double horizon_h)
{
    return -expm1(-belief->a * log1p(horizon_h / belief->b));
}

double
spotopt__risk_drop(const spotopt_risk *risk, size_t pool, double horizon_h)
{
    const spotopt__risk_pool *of = &risk->pools[pool];
    const size_t features = spotopt__feature_count;
    double p;

    if ((of->flags & SPOTOPT_RISK_NONE) != 0)
        return 0.0;
    if ((of->flags & SPOTOPT_RISK_HAZARD) != 0) {
        const double *x = risk->x + of->row;
        const spotopt__rows rows = {1, risk->rows, x, x + features * risk->rows,
                                    x + (features + 1) * risk->rows};

        if (spotopt__forecast(risk->model, &rows, &horizon_h, 1, &p, NULL, NULL))
            return p;
    }
    return spotopt__belief_p(&of->drop, horizon_h);
}

uint32_t
spotopt__risk_flags(const spotopt_risk *risk, size_t pool)
{
    return risk->pools[pool].flags;
}

void
spotopt__risk_put_flags(uint32_t flags, const char *head, spotopt__jw *jw)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{SPOTOPT_RISK_PRIOR, "prior"},   {SPOTOPT_RISK_EVIDENCE, "evidence"},
                 {SPOTOPT_RISK_HAZARD, "hazard"}, {SPOTOPT_RISK_COLD, "cold"},
                 {SPOTOPT_RISK_STALE, "stale"},   {SPOTOPT_RISK_FALLBACK, "fallback"},
                 {SPOTOPT_RISK_DRIFT, "drift"}};
    char text[40];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((flags & names[i].flag) == 0)
            continue;
        (void)snprintf(text, sizeof text, "%s%s", head, names[i].name);
        spotopt__jw_text(jw, text);
    }
}

void
spotopt_risk_free(spotopt_risk *risk)
{
    if (risk == NULL)
        return;
    spotopt_context *context = risk->context;
    spotopt_model_free((spotopt_model *)(uintptr_t)risk->model);
    spotopt__free(context, risk->x);
    spotopt__free(context, risk->drift);
    spotopt__free(context, risk->pools);
    spotopt__arena_free(&risk->arena);
    spotopt__free(context, risk);
    spotopt__context_drop(context);
}

static spotopt_status
check_horizon(double horizon_h, spotopt_error *err)
{
    char real[SPOTOPT__REAL_SIZE];

    if (horizon_h > 0.0 && horizon_h < INFINITY)
        return SPOTOPT_OK;
    spotopt__write_real(horizon_h, real);
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "horizon_h is %s; want hours > 0", real);
}

/* The mean lies outside a skewed distribution's quantiles now and then; the interval is widened to
 * hold it. */
static void
by_layers(const spotopt__risk_pool *pool, double horizon_h, bool of_node, double out[3])
{
    const spotopt__belief *belief = of_node ? &pool->node : &pool->drop;
    const double shape = of_node ? pool->node_shape : pool->drop_shape,
                 scale_h = belief->a / belief->b / shape;

    if ((pool->flags & SPOTOPT_RISK_NONE) != 0) {
        out[0] = out[1] = out[2] = 0.0;
        return;
    }
    out[0] = spotopt__belief_p(belief, horizon_h);
    out[1] = -expm1(-spotopt__gamma_quantile(shape, SPOTOPT__INTERVAL_LOW) * scale_h * horizon_h);
    out[2] = -expm1(-spotopt__gamma_quantile(shape, SPOTOPT__INTERVAL_HIGH) * scale_h * horizon_h);
    out[1] = out[1] < out[0] ? out[1] : out[0];
    out[2] = out[2] > out[0] ? out[2] : out[0];
}

/* `count` pools from the first, which layer 3 forecasts together. */
static spotopt_status
answer(const spotopt_risk *risk, size_t first, size_t count, double horizon_h, bool of_node,
       double *out_p, double *out_low, double *out_high, spotopt_error *err)
{
    const size_t features = spotopt__feature_count;
    /* One pool is asked for as a row of its own; all of them as all rows. */
    const bool is_one = count == 1;
    size_t rows = risk->model == NULL ? 0 : is_one ? 1 : risk->rows;
    double one[3], *three = one;

    if (rows == 1 && is_one && (risk->pools[first].flags & SPOTOPT_RISK_HAZARD) == 0)
        rows = 0;
    if (rows > 1) {
        three = spotopt__alloc_array(risk->context, 3 * rows, sizeof *three);
        if (three == NULL)
            return spotopt__nomem(err, "forecasts");
    }
    if (rows > 0) {
        const double *x = risk->x + (is_one ? risk->pools[first].row : 0);
        const spotopt__rows of = {rows, risk->rows, x, x + features * risk->rows,
                                  x + (features + 1) * risk->rows};

        if (!spotopt__forecast(risk->model, &of, &horizon_h, 1, three, three + rows,
                               three + 2 * rows)) {
            if (three != one)
                spotopt__free(risk->context, three);
            return spotopt__nomem(err, "forecasts");
        }
    }
    for (size_t i = 0; i < count; i++) {
        const spotopt__risk_pool *pool = &risk->pools[first + i];
        double v[3];

        if ((pool->flags & SPOTOPT_RISK_HAZARD) != 0) {
            for (size_t k = 0; k < 3; k++) {
                v[k] = three[k * rows + (is_one ? 0 : pool->row)];
                v[k] = of_node ? spotopt__node_p(v[k], risk->model->lost_share) : v[k];
            }
        } else
            by_layers(pool, horizon_h, of_node, v);
        out_p[i] = v[0];
        if (out_low != NULL)
            out_low[i] = v[1];
        if (out_high != NULL)
            out_high[i] = v[2];
    }
    if (three != one)
        spotopt__free(risk->context, three);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_risk_at(const spotopt_risk *risk, size_t pool, double horizon_h, spotopt_forecast *out,
                spotopt_error *err)
{
    spotopt_forecast made = SPOTOPT_FORECAST_INIT;
    spotopt_status status = check_horizon(horizon_h, err);

    if (status != SPOTOPT_OK)
        return status;
    if (pool >= risk->count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "pool is %zu; want less than %zu", pool,
                             risk->count);
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_FORECAST_INIT");
    status = answer(risk, pool, 1, horizon_h, true, &made.p, &made.low, &made.high, err);
    if (status != SPOTOPT_OK)
        return status;
    made.size = out->size;
    made.events = risk->pools[pool].events;
    made.hours = risk->pools[pool].hours;
    made.flags = risk->pools[pool].flags;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}

static spotopt_status
columns(const spotopt_risk *risk, double horizon_h, bool of_node, double *out_p, double *out_low,
        double *out_high, size_t count, spotopt_error *err)
{
    spotopt_status status = check_horizon(horizon_h, err);

    if (status != SPOTOPT_OK)
        return status;
    if (count != risk->count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "count is %zu; want %zu", count, risk->count);
    return answer(risk, 0, count, horizon_h, of_node, out_p, out_low, out_high, err);
}

spotopt_status
spotopt_risk_columns(const spotopt_risk *risk, double horizon_h, double *out_p, double *out_low,
                     double *out_high, size_t count, spotopt_error *err)
{
    return columns(risk, horizon_h, true, out_p, out_low, out_high, count, err);
}

spotopt_status
spotopt_risk_drop_columns(const spotopt_risk *risk, double horizon_h, double *out_p,
                          double *out_low, double *out_high, size_t count, spotopt_error *err)
{
    return columns(risk, horizon_h, false, out_p, out_low, out_high, count, err);
}

size_t
spotopt_risk_count(const spotopt_risk *risk)
{
    return risk->count;
}

const char *
spotopt_risk_pool_id(const spotopt_risk *risk, size_t pool)
{
    return pool < risk->count ? risk->ids[pool] : NULL;
}

spotopt_status
spotopt_risk_psi_at(const spotopt_risk *risk, size_t feature, const char **out_name,
                    double *out_psi, spotopt_error *err)
{
    if (risk->drift == NULL)
        return spotopt__fail(err, SPOTOPT_E_STATE, "no model forecasts pools enough to tell");
    if (feature >= risk->model->feature_count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "feature is %zu; want less than %zu", feature,
                             (size_t)risk->model->feature_count);
    if (out_name != NULL)
        *out_name = spotopt__features[risk->model->feature[feature]].name;
    *out_psi = risk->drift[feature];
    return SPOTOPT_OK;
}

spotopt_status
spotopt_risk_cusum(const spotopt_risk *risk, spotopt_cusum *out, spotopt_error *err)
{
    spotopt_cusum made = risk->cusum;

    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_CUSUM_INIT");
    if (made.blocks < SPOTOPT__CUSUM_MIN)
        return spotopt__fail(err, SPOTOPT_E_STATE, "%u blocks of days; want %d to tell drift",
                             (unsigned)made.blocks, SPOTOPT__CUSUM_MIN);
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}
