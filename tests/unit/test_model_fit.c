/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model from a history: what is refused, what a further drop does to a forecast, what is found
 * where the truth is known, and how it does on a real trace (read at run time, skipped where
 * absent).
 */
#include <math.h>

#include "fail_alloc.h"
#include "random_history.h"
#include "risk/forecast.h"
#include "spotopt/evaluation.h"
#include "suite.h"

#ifndef SPOTOPT_TEST_DATA
#define SPOTOPT_TEST_DATA "../shared/data"
#endif
#define DAY_S 86400.0

static const double horizons[] = {1.0, 4.0, 24.0};

static spotopt_model_fit_params
windows(double from_s, double to_s, double calibrate_to_s)
{
    spotopt_model_fit_params params = SPOTOPT_MODEL_FIT_PARAMS_INIT;

    params.from_s = from_s;
    params.to_s = to_s;
    params.calibrate_to_s = calibrate_to_s;
    return params;
}

static spotopt_model *
model_of(const spotopt_history *history, const spotopt_model_fit_params *params)
{
    spotopt_model *model = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    if (spotopt_model_fit(NULL, history, params, NULL, &model, &err) != SPOTOPT_OK)
        printf("%s\n", err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    return model;
}

/* p_drop_H of one series at moments; horizon h of moment i in out[h * count + i]. */
static void
forecast(const spotopt_model *model, const spotopt_history *history, const double *time_s,
         size_t count, const double *horizons_h, size_t horizon_count, double *out)
{
    uint32_t *series = calloc(count, sizeof *series);
    double *x = calloc((spotopt__feature_count + 2) * count, sizeof *x),
           *sums = x + spotopt__feature_count * count;
    spotopt__rows rows = {count, count, x, sums, sums + count};

    CU_ASSERT_TRUE_FATAL(spotopt__features_at(NULL, history, NULL, series, time_s, count,
                                              model->evidence_tau_h, x, sums));
    CU_ASSERT_TRUE_FATAL(
        spotopt__forecast(model, &rows, horizons_h, horizon_count, out, NULL, NULL));
    free(series);
    free(x);
}

/* Pools that are quiet and pools that are not, each now this, now that: a rate that lasts some
 * hours. */
static spotopt_history *
restless(uint64_t seed, unsigned pools, double days)
{
    size_t room = 20000, count = 0;
    history_row *rows = calloc(room, sizeof *rows);
    spotopt__rng rng;

    spotopt__rng_seed(&rng, seed);
    for (unsigned pool = 0; pool < pools; pool++) {
        double t = 0.0, rate = 0.05, until = 0.0; /* per hour */

        while (t < days * DAY_S && count + 4 < room) {
            rows[count++] = (history_row){pool, t, 1.0};
            for (bool is_up = true; is_up;) {
                double next = t + 1.0 + floor(-3600.0 * log(1.0 - spotopt__rng_unit(&rng)) / rate);

                if (t >= until) {
                    rate = spotopt__rng_below(&rng, 2) == 0 ? 0.02 * (pool + 1) : 0.6;
                    until = t + 3600.0 * (4.0 + 20.0 * spotopt__rng_unit(&rng));
                } else if (next > until) {
                    t = until;
                } else {
                    t = next;
                    is_up = false;
                }
                if (t > days * DAY_S)
                    break;
            }
            rows[count++] = (history_row){pool, t, 0.0};
            t += 600.0 + floor(3600.0 * spotopt__rng_unit(&rng));
        }
    }
    spotopt_history *history = history_of_rows(rows, count, 2);
    free(rows);
    return history;
}

static void
test_fit__one_more_drop_never_lowers_a_forecast(void)
{
    double before[3 * 24], after[3 * 24], time_s[24];
    size_t cases = 0, raised = 0;

    for (uint64_t seed = 1; seed <= 6; seed++) {
        spotopt_history *past = restless(seed, 5, 20.0);
        spotopt_model_fit_params params = windows(DAY_S, 14.0 * DAY_S, 18.0 * DAY_S);

        params.is_isotonic = seed % 3 == 0;
        params.ridge = seed % 2 == 0 ? 1.0 : 50.0;
        spotopt_model *model = model_of(past, &params);
        for (uint64_t other = 1; other <= 25; other++) {
            size_t count;
            history_row *rows = random_rows(100 * seed + other, 1, 40, 8.0, other % 2 == 0 ? 1 : 6,
                                            &count),
                        more[64];
            spotopt_history *was = history_of_rows(rows, count, 1);

            for (size_t i = 0; i < 24; i++)
                time_s[i] = 3600.0 * (double)(8 * i + other % 7);
            forecast(model, was, time_s, 24, horizons, 3, before);
            for (size_t r = 0; r + 1 < count; r++) {
                double length = rows[r + 1].time_s - rows[r].time_s;

                if (!(rows[r].nodes > 0.0) || length < 10.0)
                    continue;
                memcpy(more, rows, (r + 1) * sizeof *rows);
                more[r + 1] =
                    (history_row){0, rows[r].time_s + floor(length / 2.0), rows[r].nodes - 1.0};
                more[r + 2] = (history_row){
                    0, more[r + 1].time_s + (other % 5 == 0 ? floor(length / 4.0) : 1.0),
                    rows[r].nodes};
                memcpy(more + r + 3, rows + r + 1, (count - r - 1) * sizeof *rows);
                spotopt_history *is = history_of_rows(more, count + 2, 1);
                forecast(model, is, time_s, 24, horizons, 3, after);
                for (size_t i = 0; i < 3 * 24; i++) {
                    double t = time_s[i % 24];

                    if (t >= more[r + 1].time_s && t < more[r + 2].time_s)
                        continue; /* nothing is asked while it lasts */
                    CU_ASSERT_TRUE(after[i] >= before[i] - 1e-12);
                    raised += after[i] > before[i] + 1e-6;
                    cases++;
                }
                spotopt_history_free(is);
            }
            spotopt_history_free(was);
            free(rows);
        }
        spotopt_model_free(model);
        spotopt_history_free(past);
    }
    CU_ASSERT_TRUE(cases > 50000);
    CU_ASSERT_TRUE(raised > cases / 20);
}

static void
test_fit__risk_never_falls_with_the_horizon(void)
{
    double at[40], p[40 * 60], time_s[60];
    spotopt_history *past = restless(9, 5, 20.0);
    spotopt_model_fit_params params = windows(DAY_S, 14.0 * DAY_S, 18.0 * DAY_S);
    spotopt_model *model = model_of(past, &params);

    for (size_t h = 0; h < 40; h++)
        at[h] = 0.1 * pow(1.2, (double)h);
    for (size_t i = 0; i < 60; i++)
        time_s[i] = 20000.0 * (double)i;
    forecast(model, past, time_s, 60, at, 40, p);
    for (size_t i = 0; i < 60; i++) {
        for (size_t h = 0; h < 40; h++) {
            CU_ASSERT_TRUE(p[h * 60 + i] >= 0.0 && p[h * 60 + i] <= 1.0);
            if (h > 0)
                CU_ASSERT_TRUE(p[h * 60 + i] >= p[(h - 1) * 60 + i]);
        }
    }
    spotopt_model_free(model);
    spotopt_history_free(past);
}

/* Drops of every pool at one constant rate: whatever a pool's past looks like, the forecast is
 * nearly 1 - e^(-rate H). */
static void
test_fit__finds_a_constant_rate(void)
{
    enum { POOLS = 12 };
    const double rate = 0.08, days = 60.0;
    size_t count = 0;
    history_row *rows = calloc(40000, sizeof *rows);
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 3);
    for (unsigned pool = 0; pool < POOLS; pool++) {
        double t = 0.0;

        rows[count++] = (history_row){pool, 0.0, 20.0};
        while ((t += 2.0 + floor(-3600.0 * log(1.0 - spotopt__rng_unit(&rng)) / rate)) <
               days * DAY_S) {
            rows[count++] = (history_row){pool, t, 19.0};
            rows[count++] = (history_row){pool, t + 1.0, 20.0}; /* replaced at once */
        }
        rows[count++] = (history_row){pool, days * DAY_S + 1000.0, NAN};
    }
    spotopt_history *history = history_of_rows(rows, count, 3);
    spotopt_model_fit_params params = windows(5.0 * DAY_S, 50.0 * DAY_S, 59.0 * DAY_S);
    spotopt_model *model = model_of(history, &params);
    double time_s[100], p[300], sum[3] = {0.0, 0.0, 0.0};

    for (size_t i = 0; i < 100; i++)
        time_s[i] = 10.0 * DAY_S + 36000.0 * (double)i;
    forecast(model, history, time_s, 100, horizons, 3, p);
    for (size_t h = 0; h < 3; h++) {
        double want = 1.0 - exp(-rate * horizons[h]);

        for (size_t i = 0; i < 100; i++)
            sum[h] += p[h * 100 + i] / 100.0;
        CU_ASSERT_DOUBLE_EQUAL(sum[h], want, 0.15 * want);
    }
    CU_ASSERT_DOUBLE_EQUAL(model->lost_share, 0.05, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(model->evidence_mean, rate, 0.01);
    spotopt_model_free(model);
    spotopt_history_free(history);
    free(rows);
}

static void
test_fit__later_rows_change_nothing_of_the_hazard(void)
{
    spotopt_history *past = restless(4, 4, 20.0), *longer = restless(4, 4, 26.0);
    spotopt_model_fit_params params = windows(DAY_S, 10.0 * DAY_S, 10.0 * DAY_S);
    spotopt_model *a = model_of(past, &params), *b;

    params.calibrate_to_s = 19.0 * DAY_S;
    b = model_of(past, &params);
    CU_ASSERT_EQUAL_FATAL(a->feature_count, b->feature_count);
    for (uint32_t f = 0; f < a->feature_count; f++)
        CU_ASSERT_EQUAL(a->beta[f], b->beta[f]);
    CU_ASSERT_EQUAL(a->evidence_alpha, b->evidence_alpha);
    /* Without a window of their own, calibrators stay where they start: 1 h leans on the hazard
     * alone. */
    CU_ASSERT_EQUAL(a->calibrators[0].slope, 1.0);
    CU_ASSERT_EQUAL(a->calibrators[0].bias, 0.0);
    CU_ASSERT_EQUAL(a->calibrators[0].evidence, 0.0);
    CU_ASSERT_TRUE(b->calibrators[0].bias != 0.0);
    CU_ASSERT_TRUE(a->calibrators[2].evidence > 0.3);
    spotopt_model_free(a);
    spotopt_model_free(b);
    spotopt_history_free(past);
    spotopt_history_free(longer);
}

static void
expect_refusal(const spotopt_history *history, const spotopt_model_fit_params *params,
               spotopt_status want, const char *words)
{
    spotopt_model *model = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    CU_ASSERT_EQUAL(spotopt_model_fit(NULL, history, params, NULL, &model, &err), want);
    CU_ASSERT_PTR_NULL(model);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, words));
    if (strstr(err.message, words) == NULL)
        printf("%s\n", err.message);
}

static void
test_fit__refuses_what_it_cannot_use_and_says_why(void)
{
    const history_row calm[] = {{0, 0.0, 3.0}, {0, 100000.0, 4.0}, {0, 200000.0, NAN}};
    spotopt_history *history = restless(2, 3, 10.0), *quiet = history_of_rows(calm, 3, 1);
    spotopt_model_fit_params params = windows(DAY_S, DAY_S, DAY_S);

    expect_refusal(history, &params, SPOTOPT_E_ARGUMENT, "from_s < to_s");
    params = windows(DAY_S, NAN, DAY_S);
    expect_refusal(history, &params, SPOTOPT_E_ARGUMENT, "from_s < to_s");
    params = windows(DAY_S, 2.0 * DAY_S, DAY_S);
    expect_refusal(history, &params, SPOTOPT_E_ARGUMENT, "calibrate_to_s");
    params = windows(DAY_S, 5.0 * DAY_S, 6.0 * DAY_S);
    params.step_s = 0.0;
    expect_refusal(history, &params, SPOTOPT_E_ARGUMENT, "step_s");
    params = windows(DAY_S, 5.0 * DAY_S, 6.0 * DAY_S);
    params.ridge = -1.0;
    expect_refusal(history, &params, SPOTOPT_E_ARGUMENT, "ridge");
    params = windows(DAY_S, 5.0 * DAY_S, 6.0 * DAY_S);
    params.id = "no spaces, please";
    expect_refusal(history, &params, SPOTOPT_E_ARGUMENT, "id is");
    params = windows(100.0 * DAY_S, 120.0 * DAY_S, 121.0 * DAY_S);
    expect_refusal(history, &params, SPOTOPT_E_INPUT, "fit window");
    params = windows(0.0, 180000.0, 190000.0);
    expect_refusal(quiet, &params, SPOTOPT_E_INPUT, "at least one drop");
    params = windows(DAY_S, 9.0 * DAY_S, 9.0 * DAY_S + 1.0);
    params.calibrate_to_s = nextafter(9.0 * DAY_S, INFINITY);
    params.to_s = 30.0 * DAY_S;
    params.calibrate_to_s = 31.0 * DAY_S;
    expect_refusal(history, &params, SPOTOPT_E_INPUT, "calibration window");
    expect_refusal(NULL, &params, SPOTOPT_E_ARGUMENT, "history is NULL");
    spotopt_history_free(history);
    spotopt_history_free(quiet);
}

/* A handful of rows, any of them: there is a model with finite numbers, or a window with nothing in
 * it. */
static void
test_fit__copes_with_histories_of_a_few_rows(void)
{
    size_t made = 0;

    for (uint64_t seed = 1; seed <= 400; seed++) {
        size_t count;
        double days = 0.5 + 5.0 * (double)(seed % 4);
        history_row *rows = random_rows(seed, 1 + (unsigned)(seed % 3), 3 + seed % 13, days,
                                        1 + (unsigned)(seed % 7), &count);
        spotopt_history *history = history_of_rows(rows, count, 1 + (unsigned)(seed % 2));
        spotopt_model_fit_params params =
            windows(0.0, 0.6 * days * DAY_S, (seed % 5 == 0 ? 0.6 : 0.9) * days * DAY_S);
        spotopt_model *model = NULL;
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_status status;

        params.is_free = seed % 3 == 0;
        params.is_isotonic = seed % 4 == 0;
        params.ridge = seed % 2 == 0 ? 0.01 : 50.0;
        status = spotopt_model_fit(NULL, history, &params, NULL, &model, &err);
        CU_ASSERT_TRUE(status == SPOTOPT_OK || status == SPOTOPT_E_INPUT);
        if (status == SPOTOPT_OK) {
            double p[3], time_s = 0.95 * days * DAY_S;

            forecast(model, history, &time_s, 1, horizons, 3, p);
            CU_ASSERT_TRUE(p[0] >= 0.0 && p[1] >= p[0] && p[2] >= p[1] && p[2] <= 1.0);
            for (size_t i = 0; i < spotopt__model_order(model) * spotopt__model_order(model); i++)
                CU_ASSERT_TRUE(isfinite(model->covariance[i]));
            made++;
        } else if (status != SPOTOPT_E_INPUT) {
            printf("%s\n", err.message);
        }
        spotopt_model_free(model);
        spotopt_history_free(history);
        free(rows);
    }
    CU_ASSERT_TRUE(made > 100);
}

static int32_t
stop_at_once(void *user, const spotopt_progress *progress)
{
    (void)progress;
    ++*(int *)user;
    return 1;
}

/* A second passes with every look, so that the callback is asked at each. */
static double
hasty_clock(void *user)
{
    return *(double *)user += 1.0;
}

static void
test_fit__stops_when_asked_to(void)
{
    double seconds = 0.0;
    spotopt_context_params clock = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;
    spotopt_history *history = restless(5, 4, 15.0);
    spotopt_model_fit_params params = windows(DAY_S, 10.0 * DAY_S, 14.0 * DAY_S);
    spotopt_options *options = NULL;
    spotopt_model *model = NULL;
    int asked = 0;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    spotopt_options_set_progress(options, stop_at_once, &asked);
    clock.clock = hasty_clock;
    clock.clock_user = &seconds;
    CU_ASSERT_EQUAL_FATAL(spotopt_context_new(&clock, &context, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_model_fit(context, history, &params, options, &model, NULL),
                    SPOTOPT_E_CANCELLED);
    CU_ASSERT_PTR_NULL(model);
    CU_ASSERT_EQUAL(asked, 1);
    spotopt_context_free(context);
    spotopt_options_free(options);
    spotopt_history_free(history);
}

static void
test_fit__gives_everything_back_when_memory_ends(void)
{
    spotopt_history *history = restless(6, 3, 8.0);
    spotopt_model_fit_params params = windows(DAY_S, 5.0 * DAY_S, 7.0 * DAY_S);
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    params.step_s = 3600.0;
    params.is_isotonic = 1;
    do {
        spotopt_context *context = NULL;
        spotopt_model *model = NULL;

        fail_never(&allocator);
        context = fail_alloc_context(&allocator);
        fail_after(&allocator, n++);
        status = spotopt_model_fit(context, history, &params, NULL, &model, NULL);
        CU_ASSERT_EQUAL((model != NULL), (status == SPOTOPT_OK));
        spotopt_model_free(model);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT_TRUE(n > 20);
    spotopt_history_free(history);
}

/* The trace of six pools of 2023, as the tool beside it writes it. Fitted on days 1 to 18,
 * calibrated to 22. */
static void
test_fit__forecasts_the_last_week_of_a_real_trace(void)
{
    static const struct {
        double auc, bss, ece;
    } wanted[] = {{0.83, 0.25, 0.035}, {0.81, 0.31, 0.07}, {0.76, 0.25, 0.14}};
    const char *folder = getenv("SPOTOPT_DATA");
    char command[2200];
    history_text csv = {0};
    char part[4096];

    folder = folder != NULL ? folder : SPOTOPT_TEST_DATA;
    snprintf(command, sizeof command,
             "python3 '%s/../tools/risk_history.py' '%s/traces' avail-aws-02-15-2023 2>/dev/null",
             folder, folder);
    FILE *pipe = popen(command, "r");
    while (pipe != NULL && fgets(part, sizeof part, pipe) != NULL)
        history_put(&csv, part);
    if (pipe != NULL)
        pclose(pipe);
    if (csv.length == 0) {
        printf(" (skipped: no traces in %s) ", folder);
        return;
    }
    spotopt_history *history = NULL;
    spotopt_model_fit_params params = windows(86400.0, 1555200.0, 1900800.0);
    spotopt_evaluation_params judge = SPOTOPT_EVALUATION_PARAMS_INIT;
    spotopt_evaluation *evaluation = NULL;

    CU_ASSERT_EQUAL_FATAL(
        spotopt_history_parse(NULL, csv.text, csv.length, "trace", &history, NULL), SPOTOPT_OK);
    spotopt_model *model = model_of(history, &params);
    const spotopt_model *models[] = {model};
    judge.history = history;
    judge.models = models;
    judge.model_count = 1;
    judge.from_s = 1900800.0;
    judge.to_s = 2534400.0;
    judge.fit_from_s = 86400.0;
    judge.fit_to_s = 1555200.0;
    judge.draws = 10;
    CU_ASSERT_EQUAL_FATAL(spotopt_evaluate(NULL, &judge, NULL, &evaluation, NULL), SPOTOPT_OK);
    for (uint32_t h = 0; h < 3; h++) {
        spotopt_judgement got = {.size = sizeof got};

        CU_ASSERT_EQUAL(spotopt_evaluation_at(evaluation, 0, h, &got, NULL), SPOTOPT_OK);
        printf("\n    %2g h: auc %.4f bss %.4f ece %.4f", horizons[h], got.auc, got.bss, got.ece);
        CU_ASSERT_TRUE(got.auc >= wanted[h].auc);
        CU_ASSERT_TRUE(got.bss >= wanted[h].bss);
        CU_ASSERT_TRUE(got.ece <= wanted[h].ece);
    }
    spotopt_evaluation_free(evaluation);
    spotopt_model_free(model);
    spotopt_history_free(history);
    free(csv.text);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_fit__one_more_drop_never_lowers_a_forecast),
        TEST(test_fit__risk_never_falls_with_the_horizon),
        TEST(test_fit__finds_a_constant_rate),
        TEST(test_fit__later_rows_change_nothing_of_the_hazard),
        TEST(test_fit__refuses_what_it_cannot_use_and_says_why),
        TEST(test_fit__copes_with_histories_of_a_few_rows),
        TEST(test_fit__stops_when_asked_to),
        TEST(test_fit__gives_everything_back_when_memory_ends),
        TEST(test_fit__forecasts_the_last_week_of_a_real_trace),
    };

    return suite_run("model_fit", tests, sizeof tests / sizeof *tests);
}
