/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 03_risk.c - a model of risk from four weeks of history: fitted, judged on days that it has not
 * seen, and asked what may be lost now, and why.
 *
 * Introduces spotopt_model_fit(), spotopt_evaluate(), spotopt_evaluation_compare(),
 * spotopt_risk_score_with() and spotopt_risk_explain().
 *
 *     cc 03_risk.c $(pkg-config --cflags --libs spotopt) -lm -o risk && ./risk data
 */
#include <math.h>
#include <spotopt/spotopt.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW_S 1793610000.0 /* 2026-11-02T09:00:00Z */
#define DAY_S 86400.0
#define FIT_S (NOW_S - 27.0 * DAY_S) /* a day after the history begins ... */
#define CALIBRATE_S (NOW_S - 13.0 * DAY_S)
#define TEST_S (NOW_S - 8.0 * DAY_S) /* ... and nothing is learned from here on */

static const double horizons_h[] = {1.0, 4.0};

static void
must(spotopt_status status, const spotopt_error *err)
{
    if (status != SPOTOPT_OK) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

static char *
read_file(const char *folder, const char *name, size_t *length)
{
    char path[4096], *text = NULL;
    long size = -1;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        (text = malloc((size_t)size + 1)) == NULL) {
        perror(path);
        exit(1);
    }
    rewind(file);
    *length = fread(text, 1, (size_t)size, file);
    fclose(file);
    return text;
}

/* How well the model did on the last days, beside layers 1-2 at the same moments. */
static void
judge(const spotopt_history *history, const spotopt_model *model)
{
    spotopt_evaluation_params params = SPOTOPT_EVALUATION_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_evaluation *evaluation = NULL;

    params.history = history;
    params.models = &model;
    params.model_count = 1;
    params.horizons_h = horizons_h;
    params.horizon_count = 2;
    params.from_s = TEST_S;
    params.to_s = NOW_S;
    must(spotopt_evaluate(NULL, &params, NULL, &evaluation, &err), &err);
    for (uint32_t h = 0; h < params.horizon_count; h++) {
        spotopt_judgement at = SPOTOPT_JUDGEMENT_INIT;
        spotopt_skill_gain gain = SPOTOPT_SKILL_GAIN_INIT;

        must(spotopt_evaluation_at(evaluation, 0, h, &at, &err), &err);
        must(spotopt_evaluation_compare(evaluation, 0, 1, h, &gain, &err), &err);
        printf("%.0f h: %s has AUC %.2f, skill %.2f (%.2f to %.2f); %.2f over %s\n", horizons_h[h],
               spotopt_evaluation_forecast_name(evaluation, 0), at.auc, at.bss, at.bss_low,
               at.bss_high, gain.gain, spotopt_evaluation_forecast_name(evaluation, 1));
    }
    spotopt_evaluation_free(evaluation);
}

/* What moves a pool's risk most: the largest contribution, as a factor of its odds. */
static void
explain(const spotopt_risk *risk, size_t pool, const spotopt_model *model)
{
    spotopt_model_card card = SPOTOPT_MODEL_CARD_INIT;
    spotopt_model_feature feature = SPOTOPT_MODEL_FEATURE_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    double base = 0.0, total = 0.0, *adds;
    size_t most = 0, count;

    must(spotopt_model_card_get(model, &card, &err), &err);
    count = (size_t)card.feature_count + 1;
    adds = calloc(count, sizeof *adds);
    if (adds == NULL)
        exit(1);
    must(spotopt_risk_explain(risk, pool, 4.0, adds, count, &base, &total, &err), &err);
    for (size_t i = 1; i < count; i++) {
        if (fabs(adds[i]) > fabs(adds[most]))
            most = i;
    }
    if (most < card.feature_count)
        must(spotopt_model_feature_at(model, most, &feature, &err), &err);
    printf("; odds times %.1f for %s\n", exp(adds[most]),
           most < card.feature_count ? feature.name : "evidence");
    free(adds);
}

int
main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "data";
    spotopt_model_fit_params fit = SPOTOPT_MODEL_FIT_PARAMS_INIT;
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_history *history = NULL;
    spotopt_model *model = NULL;
    spotopt_risk *risk = NULL;
    double *p, *low, *high;
    size_t length, count;
    char *text = read_file(folder, "history_month.csv", &length);

    must(spotopt_history_parse(NULL, text, length, "history_month.csv", &history, &err), &err);
    free(text);
    fit.id = "october";
    fit.from_s = FIT_S;
    fit.to_s = CALIBRATE_S;
    fit.calibrate_to_s = TEST_S;
    must(spotopt_model_fit(NULL, history, &fit, NULL, &model, &err), &err);
    judge(history, model);

    params.history = history; /* without a catalog: the history's pools */
    params.model = model;
    params.now_s = NOW_S;
    must(spotopt_risk_score_with(NULL, &params, NULL, &risk, &err), &err);
    count = spotopt_risk_count(risk);
    p = calloc(count * 3, sizeof *p);
    if (p == NULL)
        return 1;
    low = p + count;
    high = low + count;
    must(spotopt_risk_drop_columns(risk, 4.0, p, low, high, count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        spotopt_forecast forecast = SPOTOPT_FORECAST_INIT;

        printf("%s: %.0f %% (%.0f to %.0f) within 4 h", spotopt_risk_pool_id(risk, i), 100.0 * p[i],
               100.0 * low[i], 100.0 * high[i]);
        must(spotopt_risk_at(risk, i, 4.0, &forecast, &err), &err);
        if (forecast.flags & SPOTOPT_RISK_HAZARD)
            explain(risk, i, model);
        else /* seen too little, or too long ago, for the model */
            printf("\n");
    }
    free(p);
    spotopt_risk_free(risk);
    spotopt_model_free(model);
    spotopt_history_free(history);
    return 0;
}
