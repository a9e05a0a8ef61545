/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluate_get.c - reading an evaluation: scores, curves, rows, comparisons.
 */
#include "risk/evaluate.h"
#include <math.h>

static spotopt_status
check_place(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon,
            spotopt_error *err)
{
    if (forecast >= evaluation->forecast_count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "forecast is %u; want less than %u",
                             (unsigned)forecast, (unsigned)evaluation->forecast_count);
    if (horizon >= evaluation->horizon_count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "horizon is %u; want less than %u",
                             (unsigned)horizon, (unsigned)evaluation->horizon_count);
    return SPOTOPT_OK;
}

size_t
spotopt_evaluation_count(const spotopt_evaluation *evaluation)
{
    return evaluation->count;
}

uint32_t
spotopt_evaluation_forecast_count(const spotopt_evaluation *evaluation)
{
    return evaluation->forecast_count;
}

const char *
spotopt_evaluation_forecast_name(const spotopt_evaluation *evaluation, uint32_t forecast)
{
    return forecast < evaluation->forecast_count ? evaluation->name[forecast] : NULL;
}

uint32_t
spotopt_evaluation_horizon_count(const spotopt_evaluation *evaluation)
{
    return evaluation->horizon_count;
}

double
spotopt_evaluation_horizon_at(const spotopt_evaluation *evaluation, uint32_t horizon)
{
    return horizon < evaluation->horizon_count ? evaluation->horizon_h[horizon] : NAN;
}

const char *
spotopt_evaluation_pool_name(const spotopt_evaluation *evaluation, uint32_t pool)
{
    return pool < evaluation->pool_count ? evaluation->pools[pool].name : NULL;
}

spotopt_status
spotopt_evaluation_at(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon,
                      spotopt_judgement *out, spotopt_error *err)
{
    spotopt_judgement made = SPOTOPT_JUDGEMENT_INIT;
    spotopt_status status = check_place(evaluation, forecast, horizon, err);

    if (status != SPOTOPT_OK)
        return status;
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_JUDGEMENT_INIT");
    const spotopt__scores *s = spotopt__evaluation_scores(evaluation, forecast, horizon);
    made.size = out->size;
    made.count = s->count;
    made.base_rate = s->base_rate;
    made.reference = s->reference;
    made.auc = s->auc;
    made.auc_low = s->auc_low;
    made.auc_high = s->auc_high;
    made.within_pool_auc = s->within_pool_auc;
    made.brier = s->brier;
    made.bss = s->bss;
    made.bss_low = s->bss_low;
    made.bss_high = s->bss_high;
    made.ece = s->ece;
    made.log_loss = s->log_loss;
    made.reliability = s->reliability;
    made.resolution = s->resolution;
    made.uncertainty = s->uncertainty;
    made.within_bin = s->within_bin;
    made.days = s->days;
    made.bin_count = s->bin_count;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_evaluation_curve(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon,
                         double *out_rows, double *out_forecast, double *out_seen, size_t count,
                         spotopt_error *err)
{
    spotopt_status status = check_place(evaluation, forecast, horizon, err);

    if (status != SPOTOPT_OK)
        return status;
    const spotopt__scores *s = spotopt__evaluation_scores(evaluation, forecast, horizon);
    if (count != s->bin_count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "count is %zu; want %u", count,
                             (unsigned)s->bin_count);
    for (size_t k = 0; k < count; k++) {
        if (out_rows != NULL)
            out_rows[k] = (double)s->bins[k].count;
        if (out_forecast != NULL)
            out_forecast[k] = s->bins[k].forecast;
        if (out_seen != NULL)
            out_seen[k] = s->bins[k].seen;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_evaluation_rows(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon,
                        uint32_t *out_pool, double *out_time_s, double *out_p, double *out_label,
                        size_t count, spotopt_error *err)
{
    spotopt_status status = check_place(evaluation, forecast, horizon, err);

    if (status != SPOTOPT_OK)
        return status;
    if (count != evaluation->count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "count is %zu; want %zu", count,
                             evaluation->count);
    for (size_t i = 0; i < count; i++) {
        uint8_t label = evaluation->label[horizon][i];

        if (out_pool != NULL)
            out_pool[i] = evaluation->pool[i];
        if (out_time_s != NULL)
            out_time_s[i] = evaluation->time_s[i];
        if (out_p != NULL)
            out_p[i] = evaluation->p[forecast][(size_t)horizon * count + i];
        if (out_label != NULL)
            out_label[i] = label == SPOTOPT__UNLABELLED ? NAN : label;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_evaluation_compare(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other,
                           uint32_t horizon, spotopt_skill_gain *out, spotopt_error *err)
{
    spotopt_skill_gain made = SPOTOPT_SKILL_GAIN_INIT;
    spotopt_status status = check_place(evaluation, forecast, horizon, err);
    spotopt__picked picked;
    spotopt__gain gain;

    if (status == SPOTOPT_OK)
        status = check_place(evaluation, other, horizon, err);
    if (status != SPOTOPT_OK)
        return status;
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_SKILL_GAIN_INIT");
    bool is_fine = spotopt__picked_init(&picked, evaluation);
    if (is_fine) {
        spotopt__pick(evaluation, forecast, other, horizon, NULL, 0, &picked);
        is_fine = spotopt__gain_make(evaluation->context, picked.p, picked.other, picked.y,
                                     picked.time_s, picked.count, evaluation->reference[horizon],
                                     evaluation->draws, evaluation->seed, &gain);
    }
    spotopt__picked_free(&picked, evaluation);
    if (!is_fine)
        return spotopt__nomem(err, "a comparison");
    made.size = out->size;
    made.gain = gain.gain;
    made.low = gain.low;
    made.high = gain.high;
    made.brier_gain = gain.brier_gain;
    made.better_frac = gain.better_frac;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}
