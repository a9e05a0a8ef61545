/* SPDX-License-Identifier: Apache-2.0 */
/*
 * experiment_write.c - what a comparison or a canary came to, as documents.
 */
#include "fleet/experiment.h"

static const char *
verdict_text(int32_t verdict)
{
    switch (verdict) {
    case SPOTOPT_VERDICT_BETTER:
        return "better";
    case SPOTOPT_VERDICT_WORSE:
        return "worse";
    case SPOTOPT_VERDICT_SAME:
        return "same";
    case SPOTOPT_VERDICT_INVALID:
        return "invalid";
    default:
        return "inconclusive";
    }
}

static const char *
found_text(int32_t found)
{
    switch (found) {
    case SPOTOPT_CANARY_PASS:
        return "pass";
    case SPOTOPT_CANARY_HIGH:
        return "high";
    case SPOTOPT_CANARY_LOW:
        return "low";
    default:
        return "nodata";
    }
}

static void
put_interval(spotopt__jw *jw, const char *key, double low, double high)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_array(jw);
    spotopt__jw_real(jw, low);
    spotopt__jw_real(jw, high);
    spotopt__jw_end_array(jw);
}

static void
put_arm(spotopt__jw *jw, const char *key, uint64_t units, double mean)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_object(jw);
    spotopt__jw_put_int(jw, "units", (int64_t)units);
    spotopt__jw_put_real(jw, "mean", mean);
    spotopt__jw_end_object(jw);
}

static void
put_comparison(spotopt__jw *jw, const char *metric, const spotopt_comparison *c)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "metric", metric);
    spotopt__jw_put_text(jw, "verdict", verdict_text(c->verdict));
    put_arm(jw, "control", c->control_units, c->control_mean);
    put_arm(jw, "treatment", c->treatment_units, c->treatment_mean);
    spotopt__jw_put_real(jw, "effect", c->effect);
    spotopt__jw_put_real(jw, "effect_frac", c->effect / fabs(c->control_mean));
    spotopt__jw_key(jw, "always");
    spotopt__jw_object(jw);
    spotopt__jw_put_real(jw, "p", c->always_p);
    put_interval(jw, "interval", c->always_low, c->always_high);
    spotopt__jw_put_real(jw, "decided_at_s", c->decided_at_s);
    spotopt__jw_put_real(jw, "power", c->always_power);
    spotopt__jw_end_object(jw);
    spotopt__jw_key(jw, "at_end");
    spotopt__jw_object(jw);
    spotopt__jw_put_real(jw, "p", c->p);
    put_interval(jw, "interval", c->effect_low, c->effect_high);
    spotopt__jw_put_real(jw, "t", c->t);
    spotopt__jw_put_real(jw, "df", c->df);
    spotopt__jw_put_real(jw, "power", c->power);
    spotopt__jw_put_real(jw, "detectable_frac", c->detectable_frac);
    spotopt__jw_end_object(jw);
    spotopt__jw_put_real(jw, "permutation_p", c->permutation_p);
    spotopt__jw_put_real(jw, "sample_ratio_p", c->sample_ratio_p);
    spotopt__jw_put_real(jw, "theta", c->theta);
    spotopt__jw_put_real(jw, "variance_removed_frac", c->variance_removed_frac);
    spotopt__jw_end_object(jw);
}

static void
put_rate(spotopt__jw *jw, const spotopt_compare_params *p, const spotopt_rate_comparison *c)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "metric", p->metric);
    spotopt__jw_put_text(jw, "exposure", p->exposure);
    spotopt__jw_put_text(jw, "verdict", verdict_text(c->verdict));
    for (int k = 0; k < 2; k++) {
        spotopt__jw_key(jw, k == 0 ? "control" : "treatment");
        spotopt__jw_object(jw);
        spotopt__jw_put_real(jw, "events", k == 0 ? c->control_events : c->treatment_events);
        spotopt__jw_put_real(jw, "exposure", k == 0 ? c->control_exposure : c->treatment_exposure);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_put_real(jw, "ratio", c->ratio);
    spotopt__jw_put_real(jw, "p", c->p);
    put_interval(jw, "interval", c->ratio_low, c->ratio_high);
    spotopt__jw_put_real(jw, "dispersion", c->dispersion);
    spotopt__jw_put_real(jw, "robust_p", c->robust_p);
    put_interval(jw, "robust_interval", c->robust_low, c->robust_high);
    spotopt__jw_put_real(jw, "sample_ratio_p", c->sample_ratio_p);
    spotopt__jw_put_real(jw, "power", c->power);
    spotopt__jw_end_object(jw);
}

static void
put_head(spotopt__jw *jw, const char *kind, const spotopt_experiment *e, const spotopt__pair *pair)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(jw, "kind", kind);
    spotopt__jw_put_text(jw, "control", e->arms.at[pair->arm[0]]);
    spotopt__jw_put_text(jw, "treatment", e->arms.at[pair->arm[1]]);
    spotopt__jw_put_real(jw, "alpha", pair->params.alpha);
}

static spotopt_status
finish(spotopt__str *str, char **out_text, size_t *out_length, spotopt_error *err)
{
    char *text;

    spotopt__str_add(str, "\n");
    text = spotopt__str_take(str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "an experiment's report");
    *out_text = text;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_experiment_write(const spotopt_experiment *experiment, const spotopt_compare_params *params,
                         char **out_text, size_t *out_length, spotopt_error *err)
{
    spotopt__pair pair;
    spotopt__str str;
    spotopt__jw jw;
    spotopt_status status;

    if (experiment == NULL || out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             experiment == NULL ? "experiment" : "out_text");
    if ((status = spotopt__pair_make(experiment, params, params != NULL && params->exposure != NULL,
                                     &pair, err)) != SPOTOPT_OK)
        return status;
    spotopt__str_init(&str, experiment->context);
    spotopt__jw_init(&jw, &str);
    put_head(&jw, "ExperimentReport", experiment, &pair);
    spotopt__jw_put_real(&jw, "effect_frac_wanted", pair.params.effect_frac);
    spotopt__jw_put_text(&jw, "better", pair.params.higher_is_better != 0 ? "higher" : "lower");
    if (pair.exposure != SPOTOPT__NONE) {
        spotopt_rate_comparison c = SPOTOPT_RATE_COMPARISON_INIT;

        status = spotopt_experiment_compare_rate(experiment, &pair.params, &c, err);
        spotopt__jw_key(&jw, "rates");
        spotopt__jw_array(&jw);
        put_rate(&jw, &pair.params, &c);
        spotopt__jw_end_array(&jw);
    } else {
        const char *asked = pair.params.metric;

        spotopt__jw_key(&jw, "metrics");
        spotopt__jw_array(&jw);
        for (size_t i = 0; status == SPOTOPT_OK && i < experiment->metrics.count; i++) {
            spotopt_comparison c = SPOTOPT_COMPARISON_INIT;

            if (asked != NULL && i != pair.metric)
                continue;
            pair.params.metric = experiment->metrics.at[i];
            status = spotopt_experiment_compare(experiment, &pair.params, &c, err);
            put_comparison(&jw, pair.params.metric, &c);
        }
        spotopt__jw_end_array(&jw);
    }
    spotopt__jw_end_object(&jw);
    if (status == SPOTOPT_OK)
        return finish(&str, out_text, out_length, err);
    spotopt__str_free(&str);
    return status;
}

spotopt_status
spotopt_experiment_write_canary(const spotopt_experiment *experiment,
                                const spotopt_compare_params *params,
                                spotopt_canary_metric *metrics, size_t count, double pass_score,
                                char **out_text, size_t *out_length, spotopt_error *err)
{
    double score;
    int32_t pass;
    spotopt__pair pair;
    spotopt__str str;
    spotopt__jw jw;
    spotopt_status status;

    if (out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out_text is NULL; want it set");
    status = spotopt_experiment_canary(experiment, params, metrics, count, pass_score, &score,
                                       &pass, err);
    if (status != SPOTOPT_OK ||
        (status = spotopt__pair_make(experiment, params, false, &pair, err)) != SPOTOPT_OK)
        return status;
    spotopt__str_init(&str, experiment->context);
    spotopt__jw_init(&jw, &str);
    put_head(&jw, "CanaryReport", experiment, &pair);
    spotopt__jw_put_text(&jw, "verdict", pass != 0 ? "pass" : "fail");
    spotopt__jw_put_real(&jw, "score", score);
    spotopt__jw_put_real(&jw, "pass_score", pass_score);
    spotopt__jw_key(&jw, "metrics");
    spotopt__jw_array(&jw);
    for (size_t i = 0; i < count; i++) {
        const spotopt_canary_metric *m = &metrics[i];

        spotopt__jw_object(&jw);
        spotopt__jw_put_text(&jw, "metric", m->metric);
        spotopt__jw_put_text(&jw, "found", found_text(m->found));
        spotopt__jw_put_real(&jw, "weight", m->weight);
        spotopt__jw_put_bool(&jw, "critical", m->is_critical != 0);
        spotopt__jw_put_int(&jw, "control_values", (int64_t)m->control_values);
        spotopt__jw_put_int(&jw, "canary_values", (int64_t)m->canary_values);
        spotopt__jw_put_real(&jw, "control_median", m->control_median);
        spotopt__jw_put_real(&jw, "shift", m->shift);
        put_interval(&jw, "interval", m->shift_low, m->shift_high);
        spotopt__jw_put_real(&jw, "p", m->p);
        spotopt__jw_put_real(&jw, "power", m->power);
        spotopt__jw_end_object(&jw);
    }
    spotopt__jw_end_array(&jw);
    spotopt__jw_end_object(&jw);
    return finish(&str, out_text, out_length, err);
}
