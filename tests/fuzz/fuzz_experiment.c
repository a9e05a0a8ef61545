/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an experiment's table. What is read can be compared: chances lie in 0..1, intervals
 * hold their estimate, and a report can be written.
 */
#include <stdlib.h>
#include <string.h>

#include "fleet/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static bool
is_chance(double p)
{
    return isnan(p) || (p >= 0.0 && p <= 1.0);
}

static void
compare(const spotopt_experiment *e, spotopt_compare_params *params)
{
    spotopt_comparison c = SPOTOPT_COMPARISON_INIT;
    spotopt_rate_comparison r = SPOTOPT_RATE_COMPARISON_INIT;
    spotopt_canary_metric m = SPOTOPT_CANARY_METRIC_INIT;
    double score;
    int32_t pass;

    NEED(spotopt_experiment_compare(e, params, &c, NULL) == SPOTOPT_OK);
    NEED(is_chance(c.p) && is_chance(c.always_p) && is_chance(c.permutation_p) &&
         is_chance(c.power) && is_chance(c.always_power) && is_chance(c.sample_ratio_p));
    NEED(!(c.always_low > c.always_high) && !(c.effect_low > c.effect_high));
    params->exposure = spotopt_experiment_metric(e, 0);
    if (spotopt_experiment_compare_rate(e, params, &r, NULL) == SPOTOPT_OK)
        NEED(is_chance(r.p) && is_chance(r.power) && is_chance(r.robust_p) &&
             !(r.ratio_low > r.ratio_high));
    params->exposure = NULL;
    m.metric = params->metric;
    NEED(spotopt_experiment_canary(e, params, &m, 1, 50.0, &score, &pass, NULL) == SPOTOPT_OK);
    NEED(is_chance(m.p) && is_chance(m.power) && !(m.shift_low > m.shift_high));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_experiment *e = NULL;
    char *text = NULL;
    size_t length;
    const spotopt_status status =
        spotopt_experiment_parse(NULL, (const char *)data, size, "f", &e, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && e == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    for (size_t i = 1; i < e->rows.count; i++)
        NEED(e->rows.at[i - 1].time_s <= e->rows.at[i].time_s);
    if (e->arms.count >= 2) {
        params.control = e->arms.at[0];
        params.treatment = e->arms.at[1];
        for (size_t i = 0; i < e->metrics.count && i < 4; i++) {
            params.metric = e->metrics.at[i];
            compare(e, &params);
        }
        params.metric = NULL;
        NEED(spotopt_experiment_write(e, &params, &text, &length, NULL) == SPOTOPT_OK);
        spotopt_text_free(NULL, text);
    }
    spotopt_experiment_free(e);
    return 0;
}
