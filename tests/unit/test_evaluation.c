/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "risk/evaluate.h"
#include "risk/risk.h"
#include "suite.h"

#define HEAD "pool,region,zone,instance_type,time_s,nodes_up\n"
#define DAY 86400.0

static spotopt_error err;
static unsigned state = 3;

static double
unit(void)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) / 16777216.0;
}

/* Pools that lose nodes in bad hours and get them back: 12 days, two regions, two families. */
static spotopt_history *
make_history(spotopt_context *context)
{
    static const char *const places[] = {"r1,r1a,m5.large", "r1,r1b,m5.xlarge", "r2,r2a,c5.large",
                                         "r2,r2b,m5.large"};
    static char text[400000];
    size_t length = (size_t)snprintf(text, sizeof text, "%s", HEAD);
    spotopt_history *h = NULL;

    state = 3;
    for (int pool = 0; pool < 4; pool++) {
        int up = 3, was = -1;
        bool is_bad = false;

        for (int t = 0; t < (int)(12 * DAY); t += 600) {
            is_bad = unit() < (is_bad ? 0.05 : 0.006) ? !is_bad : is_bad;
            if (unit() < (is_bad ? 0.15 : 0.001) && up > 0)
                up--;
            else if (unit() < 0.1 && up < 3)
                up++;
            if (up != was)
                length += (size_t)snprintf(text + length, sizeof text - length, "p%d,%s,%d,%d\n",
                                           pool, places[pool], t, up);
            was = up;
        }
        length += (size_t)snprintf(text + length, sizeof text - length, "p%d,%s,%d,\n", pool,
                                   places[pool], (int)(12 * DAY));
    }
    if (spotopt_history_parse(context, text, length, "h", &h, &err) != SPOTOPT_OK)
        return NULL;
    return h;
}

static spotopt_evaluation *
evaluate(const spotopt_history *h)
{
    spotopt_evaluation_params params = SPOTOPT_EVALUATION_PARAMS_INIT;
    spotopt_evaluation *made = NULL;

    params.history = h;
    params.from_s = 6 * DAY;
    params.to_s = 12 * DAY;
    CU_ASSERT_EQUAL(spotopt_evaluate(NULL, &params, NULL, &made, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static void
test_evaluation__of_its_own_rows_is_the_same(void)
{
    spotopt_history *h = make_history(NULL);
    spotopt_evaluation *e = evaluate(h), *again = NULL;
    size_t count = spotopt_evaluation_count(e);
    double *time_s = malloc(count * sizeof *time_s), *p = malloc(6 * count * sizeof *p),
           *label = malloc(3 * count * sizeof *label), reference[3];
    uint32_t *pool = malloc(count * sizeof *pool);
    spotopt_evaluation_columns columns = SPOTOPT_EVALUATION_COLUMNS_INIT;
    static const double horizons[] = {1.0, 4.0, 24.0};

    CU_ASSERT_EQUAL(spotopt_evaluation_forecast_count(e), 3);
    CU_ASSERT_STRING_EQUAL(spotopt_evaluation_forecast_name(e, 0), "evidence");
    CU_ASSERT_PTR_NULL(spotopt_evaluation_forecast_name(e, 3));
    CU_ASSERT_EQUAL(spotopt_evaluation_horizon_count(e), 3);
    CU_ASSERT_EQUAL(spotopt_evaluation_horizon_at(e, 2), 24.0);
    CU_ASSERT_STRING_EQUAL(spotopt_evaluation_pool_name(e, 3), "p3");
    for (uint32_t f = 0; f < 2; f++) {
        for (uint32_t k = 0; k < 3; k++) {
            spotopt_judgement j = SPOTOPT_JUDGEMENT_INIT;

            CU_ASSERT_EQUAL(spotopt_evaluation_rows(e, f, k, pool, time_s, p + (f * 3 + k) * count,
                                                    label + k * count, count, &err),
                            SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_evaluation_at(e, f, k, &j, &err), SPOTOPT_OK);
            reference[k] = j.reference;
        }
    }
    columns.count = count;
    columns.time_s = time_s;
    columns.pool = pool;
    columns.horizons_h = horizons;
    columns.horizon_count = 3;
    columns.label = label;
    columns.forecast = p;
    columns.forecast_count = 2;
    columns.reference = reference;
    CU_ASSERT_EQUAL_FATAL(spotopt_evaluation_of_columns(NULL, &columns, &again, &err), SPOTOPT_OK);
    for (uint32_t f = 0; f < 2; f++) {
        for (uint32_t k = 0; k < 3; k++) {
            spotopt_judgement a = SPOTOPT_JUDGEMENT_INIT, b = SPOTOPT_JUDGEMENT_INIT;

            CU_ASSERT_EQUAL(spotopt_evaluation_at(e, f, k, &a, &err), SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_evaluation_at(again, f, k, &b, &err), SPOTOPT_OK);
            CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof a), 0);
            CU_ASSERT(a.count > 0 && a.days >= 5);
            CU_ASSERT(a.auc_low <= a.auc && a.auc <= a.auc_high);
        }
    }
    spotopt_skill_gain one = SPOTOPT_SKILL_GAIN_INIT, two = SPOTOPT_SKILL_GAIN_INIT;
    CU_ASSERT_EQUAL(spotopt_evaluation_compare(e, 0, 1, 1, &one, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_evaluation_compare(e, 1, 0, 1, &two, &err), SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(one.gain, -two.gain, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(one.low, -two.high, 1e-12);
    spotopt_evaluation_free(again);
    spotopt_evaluation_free(e);
    spotopt_history_free(h);
    free(time_s);
    free(p);
    free(label);
    free(pool);
}

static void
test_evaluation__labels_nothing_that_ends_past_the_window(void)
{
    spotopt_history *h = make_history(NULL);
    spotopt_evaluation *e = evaluate(h);
    size_t count = spotopt_evaluation_count(e), judged = 0;

    for (uint32_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < count; i++) {
            bool ends_in_time = e->time_s[i] + 3600.0 * e->horizon_h[k] < 12 * DAY;

            CU_ASSERT_EQUAL(e->label[k][i] != SPOTOPT__UNLABELLED, ends_in_time);
            judged += ends_in_time;
        }
    }
    CU_ASSERT(judged > 0 && judged < 3 * count);
    spotopt_evaluation_free(e);
    spotopt_history_free(h);
}

static spotopt_model *
fit(const spotopt_history *h, double to_s, double calibrate_to_s, const char *id)
{
    spotopt_model_fit_params params = SPOTOPT_MODEL_FIT_PARAMS_INIT;
    spotopt_model *made = NULL;

    params.to_s = to_s;
    params.calibrate_to_s = calibrate_to_s;
    params.id = id;
    CU_ASSERT_EQUAL(spotopt_model_fit(NULL, h, &params, NULL, &made, &err), SPOTOPT_OK);

    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static void
test_evaluation__scores_a_model_and_its_shadow_at_the_same_moments(void)
{
    spotopt_history *h = make_history(NULL);
    spotopt_model *first = fit(h, 4 * DAY, 6 * DAY, "first"),
                  *second = fit(h, 5 * DAY, 7 * DAY, "second");
    const spotopt_model *both[] = {first, second}, *swapped[] = {second, first};
    spotopt_evaluation_params params = SPOTOPT_EVALUATION_PARAMS_INIT;
    spotopt_evaluation *one = NULL, *two = NULL;
    int32_t passed;
    char *text = NULL;
    size_t length;

    params.history = h;
    params.from_s = 6 * DAY;
    params.to_s = 12 * DAY;
    params.models = both;
    params.model_count = 2;
    CU_ASSERT_EQUAL_FATAL(spotopt_evaluate(NULL, &params, NULL, &one, &err), SPOTOPT_OK);
    params.models = swapped;
    params.has_baselines = 0;
    params.fit_from_s = 0.0;
    params.fit_to_s = 4 * DAY; /* of the one that was first before */
    CU_ASSERT_EQUAL_FATAL(spotopt_evaluate(NULL, &params, NULL, &two, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_evaluation_forecast_count(one), 5);
    CU_ASSERT_EQUAL(spotopt_evaluation_forecast_count(two), 2);
    CU_ASSERT_STRING_EQUAL(spotopt_evaluation_forecast_name(one, 1), "second");
    for (uint32_t k = 0; k < 3; k++) {
        spotopt_judgement a = SPOTOPT_JUDGEMENT_INIT, b = SPOTOPT_JUDGEMENT_INIT;

        CU_ASSERT_EQUAL(spotopt_evaluation_at(one, 1, k, &a, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_evaluation_at(two, 0, k, &b, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof a), 0);
        CU_ASSERT(k > 0 || a.auc > 0.55); /* bad hours follow one another */
    }
    /* Forecasts never fall with the horizon. */
    for (size_t i = 0; i < one->count; i++) {
        CU_ASSERT(one->p[0][i] <= one->p[0][one->count + i]);
        CU_ASSERT(one->p[0][one->count + i] <= one->p[0][2 * one->count + i]);
    }
    /* The second was calibrated on a day of the window: no fair test of it. */
    CU_ASSERT_EQUAL(spotopt_evaluation_gate(one, 1, 0, &passed, &text, &length, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(passed, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"condition\":\"learned_until_s\",\"value\":604800,"
                                        "\"at_most\":518400,\"holds\":false"));
    spotopt_text_free(NULL, text);
    CU_ASSERT_EQUAL(spotopt_evaluation_write(two, &text, &length, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"held_out\":false"));
    spotopt_text_free(NULL, text);
    spotopt_evaluation_free(one);
    spotopt_evaluation_free(two);
    spotopt_model_free(first);
    spotopt_model_free(second);
    spotopt_history_free(h);
}

/* Layer 2 carried from row to row against the sums over all rows, at every moment. */
static void
test_baselines__equal_sums_over_all_rows(void)
{
    spotopt_history *h = make_history(NULL);
    spotopt_evaluation *e = evaluate(h);
    const spotopt__prior shipped = {0.5, spotopt__bucket_rate(-1)};
    spotopt__cells all = {0};
    double drops = 0.0, hours = 0.0;

    for (size_t s = 0; s < h->series.count; s++)
        CU_ASSERT_TRUE(spotopt__evidence_cells(NULL, h, s, 6 * DAY, 1.0, true, &all));
    spotopt__prior overall = spotopt__prior_fit(all.at, all.count, &shipped, 0.25, 1.5);
    for (size_t s = 0; s < h->series.count; s++) {
        const spotopt__series *of = &h->series.at[s];

        for (size_t row = of->first; row + 1 < of->first + of->count; row++) {
            double to = fmin(h->time_s[row + 1], 6 * DAY);

            hours += h->nodes_up[row] > 0.0 ? fmax(to - h->time_s[row], 0.0) / 3600.0 : 0.0;
            drops += h->nodes_up[row + 1] < h->nodes_up[row] && h->time_s[row + 1] <= 6 * DAY;
        }
    }
    for (size_t i = 0; i < e->count; i += 7) {
        size_t s = e->pool[i];
        const spotopt__series *of = &h->series.at[s];
        double t = e->time_s[i], recent = 0.0, up_h = 0.0;
        spotopt__cells own = {0};

        /* Groups: p0 and p1 (m5, r1), p2 (c5, r2), p3 (m5, r2). */
        for (size_t k = 0; k < 4; k++) {
            if (k == s || (k < 2 && s < 2))
                CU_ASSERT_TRUE(spotopt__evidence_cells(NULL, h, k, 6 * DAY, 1.0, true, &own));
        }
        spotopt__prior prior = spotopt__prior_fit(own.at, own.count, &overall, 2.0, 0.7);
        spotopt__evidence seen = spotopt__evidence_at(h, s, t, 6.0);
        spotopt__belief belief = {0.5 * prior.alpha + seen.drop_events,
                                  0.5 * prior.alpha / prior.mean + seen.drop_hours};
        CU_ASSERT_DOUBLE_EQUAL(e->p[0][e->count + i], spotopt__belief_p(&belief, 4.0), 1e-9);
        for (size_t row = of->first; row + 1 < of->first + of->count; row++) {
            double from = fmax(h->time_s[row], t - DAY), to = fmin(h->time_s[row + 1], t);

            if (h->nodes_up[row] > 0.0 && to > from)
                up_h += (to - from) / 3600.0;
            if (h->time_s[row + 1] > t - DAY && h->time_s[row + 1] <= t)
                recent += h->nodes_up[row + 1] < h->nodes_up[row];
        }
        double rate = up_h > 0.0 ? recent / up_h : drops / hours;
        CU_ASSERT_DOUBLE_EQUAL(e->p[1][e->count + i], 1.0 - exp(-rate * 4.0), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(e->p[2][e->count + i], 1.0 - exp(-drops / hours * 4.0), 1e-9);
        spotopt__vec_free(NULL, &own);
    }
    spotopt__vec_free(NULL, &all);
    spotopt_evaluation_free(e);
    spotopt_history_free(h);
}

/* Two forecasts of one world: p is the truth bent by `bend`, as columns for 1, 4 and 24 h. */
static spotopt_evaluation *
world(double bend, double other_bend)
{
    enum { ROWS = 3000 };
    static double time_s[ROWS], p[6 * ROWS], label[3 * ROWS];
    static const double horizons[] = {1.0, 4.0, 24.0};
    spotopt_evaluation_columns columns = SPOTOPT_EVALUATION_COLUMNS_INIT;
    spotopt_evaluation *made = NULL;

    state = 17;
    for (size_t i = 0; i < ROWS; i++) {
        time_s[i] = 900.0 * (double)i;
        for (size_t k = 0; k < 3; k++) {
            double truth = 0.05 + 0.9 * unit();

            label[k * ROWS + i] = unit() < truth;
            p[k * ROWS + i] = fmin(fmax(truth + bend, 0.0), 1.0);
            p[(3 + k) * ROWS + i] = fmin(fmax(truth + other_bend, 0.0), 1.0);
        }
    }
    columns.count = ROWS;
    columns.time_s = time_s;
    columns.horizons_h = horizons;
    columns.horizon_count = 3;
    columns.label = label;
    columns.forecast = p;
    columns.forecast_count = 2;
    CU_ASSERT_EQUAL(spotopt_evaluation_of_columns(NULL, &columns, &made, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static bool
passes(double bend, double other_bend, const char *why)
{
    spotopt_evaluation *e = world(bend, other_bend);
    int32_t passed = -1;
    char *text = NULL;
    size_t length = 0;

    CU_ASSERT_EQUAL(spotopt_evaluation_gate(e, 0, 1, &passed, &text, &length, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT(why == NULL || strstr(text, why) != NULL);
    spotopt_text_free(NULL, text);
    spotopt_evaluation_free(e);
    return passed == 1;
}

static void
test_gate__lets_through_what_is_better_and_calibrated(void)
{
    CU_ASSERT_TRUE(passes(0.0, 0.2, NULL));
    CU_ASSERT_FALSE(passes(0.2, 0.0, "\"why\":\"skill_gain_low at 1h is -"));
    CU_ASSERT_FALSE(passes(0.0, 0.0, "\"why\":\"skill_gain_low at 1h is 0"));
    /* Better than something bad is not enough. */
    CU_ASSERT_FALSE(passes(0.15, 0.3, "\"why\":\"calibration_error at 1h is 0.1"));
    /* A little less skill is forgiven where calibration is better. */
    CU_ASSERT_FALSE(passes(0.02, 0.0, NULL));
    CU_ASSERT_TRUE(passes(0.0, -0.025, "\"above\":-0.01"));
}

static void
test_evaluation__refuses_what_makes_no_sense(void)
{
    spotopt_history *h = make_history(NULL);
    spotopt_evaluation_params params = SPOTOPT_EVALUATION_PARAMS_INIT;
    spotopt_evaluation_columns columns = SPOTOPT_EVALUATION_COLUMNS_INIT;
    spotopt_evaluation *made = NULL;
    static const double far[] = {1.0, 400.0}, back[] = {4.0, 1.0}, one[] = {1.0};
    double bad_p[] = {0.5, NAN}, label[] = {1.0, 0.0}, time_s[] = {0.0, 900.0};

    params.history = h;
    params.to_s = 12 * DAY;
    params.horizons_h = far;
    params.horizon_count = 2;
    CU_ASSERT_EQUAL(spotopt_evaluate(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "400h"));
    params.horizons_h = back;
    CU_ASSERT_EQUAL(spotopt_evaluate(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "horizons_h[1]"));
    params.horizon_count = 0;
    params.step_s = 0.0;
    CU_ASSERT_EQUAL(spotopt_evaluate(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    params.step_s = 900.0;
    params.from_s = NAN;
    CU_ASSERT_EQUAL(spotopt_evaluate(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    params.from_s = 0.0;
    params.pool = "nowhere";
    CU_ASSERT_EQUAL(spotopt_evaluate(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "nowhere"));

    columns.count = 2;
    columns.time_s = time_s;
    columns.label = label;
    columns.forecast = bad_p;
    columns.horizons_h = one;
    columns.horizon_count = 1;
    CU_ASSERT_EQUAL(spotopt_evaluation_of_columns(NULL, &columns, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "forecast[1]"));
    bad_p[1] = 1.0;
    label[0] = 0.5;
    CU_ASSERT_EQUAL(spotopt_evaluation_of_columns(NULL, &columns, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "label[0]"));
    label[0] = 0.0; /* no drop at all: scores that need one are unknown */
    CU_ASSERT_EQUAL_FATAL(spotopt_evaluation_of_columns(NULL, &columns, &made, &err), SPOTOPT_OK);
    spotopt_judgement j = SPOTOPT_JUDGEMENT_INIT;
    CU_ASSERT_EQUAL(spotopt_evaluation_at(made, 0, 0, &j, &err), SPOTOPT_OK);
    CU_ASSERT(isnan(j.auc) && isnan(j.bss) && isnan(j.auc_low) && isnan(j.within_pool_auc));
    CU_ASSERT_EQUAL(spotopt_evaluation_at(made, 1, 0, &j, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_evaluation_at(made, 0, 1, &j, &err), SPOTOPT_E_ARGUMENT);
    spotopt_evaluation_free(made);
    spotopt_history_free(h);
}

static void
test_evaluation__survives_every_failing_allocation(void)
{
    spotopt_history *h = make_history(NULL);
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_evaluation_params params = SPOTOPT_EVALUATION_PARAMS_INIT;
    spotopt_status status = SPOTOPT_E_NOMEM;

    params.history = h;
    params.from_s = 6 * DAY;
    params.to_s = 12 * DAY;
    params.step_s = 7200.0;
    params.draws = 5;
    spotopt_model *model = fit(h, 4 * DAY, 6 * DAY, "first");
    const spotopt_model *const models[] = {model};
    params.models = models;
    params.model_count = 1;
    for (size_t n = 0; status == SPOTOPT_E_NOMEM && n < 10000; n++) {
        spotopt_evaluation *made = NULL;
        char *json = NULL, *csv = NULL, *gate = NULL;
        size_t length;
        int32_t passed;

        fail_after(&allocator, n);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL ? SPOTOPT_E_NOMEM
                                 : spotopt_evaluate(context, &params, NULL, &made, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_evaluation_write(made, &json, &length, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_evaluation_write_predictions(made, 0, &csv, &length, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_evaluation_gate(made, 0, 1, &passed, &gate, &length, NULL);
        spotopt_text_free(context, json);
        spotopt_text_free(context, csv);
        spotopt_text_free(context, gate);
        spotopt_evaluation_free(made);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    }
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    spotopt_model_free(model);
    spotopt_history_free(h);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_evaluation__of_its_own_rows_is_the_same),
        TEST(test_evaluation__labels_nothing_that_ends_past_the_window),
        TEST(test_evaluation__scores_a_model_and_its_shadow_at_the_same_moments),
        TEST(test_baselines__equal_sums_over_all_rows),
        TEST(test_gate__lets_through_what_is_better_and_calibrated),
        TEST(test_evaluation__refuses_what_makes_no_sense),
        TEST(test_evaluation__survives_every_failing_allocation),
    };
    return suite_run("evaluation", tests, sizeof tests / sizeof *tests);
}
