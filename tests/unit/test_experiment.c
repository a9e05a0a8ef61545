/* SPDX-License-Identifier: Apache-2.0 */
/* Experiments: what simulated truth says of the tests, and small cases against counting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/special.h"
#include "fail_alloc.h"
#include "fleet/experiment.h"
#include "suite.h"

static double
normal(spotopt__rng *rng)
{
    return spotopt__normal_quantile(spotopt__rng_unit(rng) * (1.0 - 1e-12) + 5e-13);
}

/* Of `rounds` streams of `units` units, looked at after each: how many ever reach alpha. */
static int
alarms(int rounds, int units, double effect, double slope, double alpha)
{
    spotopt__rng rng;
    int count = 0;

    spotopt__rng_seed(&rng, 11);
    for (int i = 0; i < rounds; i++) {
        spotopt__moments m = {{0}, {0}, {0}, {0}, {0}, {0}};
        bool is_alarm = false;

        for (int k = 0; k < units && !is_alarm; k++) {
            uint32_t arm = spotopt__rng_unit(&rng) < 0.5;
            double x = slope != 0.0 ? normal(&rng) : 0.0;
            spotopt__contrast c;

            spotopt__moments_add(&m, arm, 100.0 + slope * x + normal(&rng) + effect * arm, x);
            is_alarm =
                spotopt__moments_contrast(&m, &c) && spotopt__mixture_ratio(&c, 0.2) >= 1.0 / alpha;
        }
        count += is_alarm;
    }
    return count;
}

static void
test_sequential__rarely_alarms_without_effect_however_often_one_looks(void)
{
    /* 5 % and three standard deviations of 10,000 draws. */
    CU_ASSERT(alarms(10000, 400, 0.0, 0.0, 0.05) <= 565);
    CU_ASSERT(alarms(2000, 400, 0.0, 3.0, 0.05) <= 129);
}

static void
test_sequential__finds_a_planted_effect(void)
{
    CU_ASSERT(alarms(300, 2000, 0.3, 0.0, 0.05) >= 295);
    CU_ASSERT(alarms(300, 2000, 0.3, 3.0, 0.05) >= 295); /* the covariate does not cost power */
}

static void
test_sequential__interval_ends_where_the_ratio_reaches_its_limit(void)
{
    spotopt__contrast c = {0.7, 2.0, 35.0, 66.0};

    c.effect = spotopt__mixture_radius(&c, 0.3, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(spotopt__mixture_ratio(&c, 0.3), 20.0, 1e-9);
    c.g = 1.0;
    c.df = 1.0;
    CU_ASSERT(isinf(spotopt__mixture_radius(&c, 0.3, 0.05)));
}

/* A table with `units` in each arm; values by `value(rng, arm)`. */
static spotopt_experiment *
simulate(spotopt__rng *rng, int units, double control, double treatment, double sd)
{
    static char text[400000];
    size_t at = (size_t)snprintf(text, sizeof text, "unit,time_s,arm,metric,value\n");
    spotopt_experiment *made = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    for (int i = 0; i < 2 * units; i++) {
        double value = (i % 2 == 0 ? control : treatment) + sd * normal(rng);

        at += (size_t)snprintf(text + at, sizeof text - at, "u%d,%d,%s,cost,%.9g\n", i, i,
                               i % 2 == 0 ? "control" : "new", value);
    }
    CU_ASSERT_EQUAL(spotopt_experiment_parse(NULL, text, at, "t.csv", &made, &err), 0);
    return made;
}

static void
test_compare__finds_effects_as_often_as_the_power_it_states(void)
{
    enum { ROUNDS = 400 };
    spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
    double power = 0.0, always_power = 0.0;
    int found = 0, always_found = 0, covered = 0;
    spotopt__rng rng;

    params.metric = "cost";
    spotopt__rng_seed(&rng, 3);
    for (int i = 0; i < ROUNDS; i++) {
        spotopt_comparison c = SPOTOPT_COMPARISON_INIT;
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_experiment *e = simulate(&rng, 150, 10.0, 10.5, 1.5);

        CU_ASSERT_EQUAL(spotopt_experiment_compare(e, &params, &c, &err), 0);
        power += c.power / ROUNDS;
        always_power += c.always_power / ROUNDS;
        found += c.p <= 0.05;
        always_found += c.always_p <= 0.05;
        covered += c.effect_low <= 0.5 && 0.5 <= c.effect_high;
        CU_ASSERT(c.always_low <= c.always_high);
        CU_ASSERT(c.always_p > 0.05 || c.verdict == SPOTOPT_VERDICT_WORSE);
        spotopt_experiment_free(e);
    }
    CU_ASSERT_DOUBLE_EQUAL((double)found / ROUNDS, power, 0.07);
    CU_ASSERT((double)always_found / ROUNDS >= always_power - 0.07);
    CU_ASSERT(covered >= 0.92 * ROUNDS);
}

/* Every subset by recursion. */
static void
subsets(const double *values, size_t count, size_t at, size_t left, double sum, double *means,
        size_t *made)
{
    if (left == 0) {
        means[(*made)++] = sum;
        return;
    }
    for (size_t i = at; i + left <= count; i++)
        subsets(values, count, i + 1, left - 1, sum + values[i], means, made);
}

static void
test_permutation__counts_every_assignment(void)
{
    const double values[] = {3.0, 1.5, 7.0, 2.0, 9.5, 4.0, 4.0, 8.0, 0.5};
    double sums[400], total = 0.0, observed = 4.0 + 4.0 + 8.0 + 0.5;
    size_t made = 0, extreme = 0;

    for (size_t i = 0; i < 9; i++)
        total += values[i];
    subsets(values, 9, 0, 4, 0.0, sums, &made);
    CU_ASSERT_EQUAL(made, 126);
    for (size_t i = 0; i < made; i++)
        extreme += fabs(sums[i] - total * 4.0 / 9.0) >= fabs(observed - total * 4.0 / 9.0) - 1e-9;
    CU_ASSERT_DOUBLE_EQUAL(spotopt__permutation_p(values, 5, values + 5, 4),
                           (double)extreme / (double)made, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(spotopt__permutation_p(values, 5, values, 5), 1.0, 1e-15);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
test_ranks__shift_is_the_median_of_all_differences(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 9);
    for (int round = 0; round < 200; round++) {
        double a[12], b[9], all[108], shift, low, high;
        size_t n = 1 + spotopt__rng_below(&rng, 12), m = 1 + spotopt__rng_below(&rng, 9), k = 0;

        for (size_t i = 0; i < n; i++)
            a[i] = floor(20.0 * normal(&rng)) / (round % 3 == 0 ? 20.0 : 7.0);
        for (size_t i = 0; i < m; i++)
            b[i] = floor(20.0 * normal(&rng)) / (round % 3 == 0 ? 20.0 : 7.0);
        qsort(a, n, sizeof *a, by_value);
        qsort(b, m, sizeof *b, by_value);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < m; j++)
                all[k++] = b[j] - a[i];
        }
        qsort(all, k, sizeof *all, by_value);
        spotopt__hodges_lehmann(a, n, b, m, 0.05, &shift, &low, &high);
        CU_ASSERT_DOUBLE_EQUAL(shift, 0.5 * (all[(k - 1) / 2] + all[k / 2]), 1e-12);
        CU_ASSERT(low <= shift && shift <= high);
    }
}

/* The exact test against all ways to place the second sample's ranks. */
static void
test_ranks__small_samples_have_the_exact_distribution(void)
{
    const double pool[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    for (uint32_t pick = 0; pick < 512; pick++) {
        double a[9], b[9], u = 0.0;
        size_t n = 0, m = 0;
        int all = 0, extreme = 0;

        for (size_t i = 0; i < 9; i++) {
            if ((pick >> i & 1U) != 0)
                b[m++] = pool[i];
            else
                a[n++] = pool[i];
        }
        if (m != 4)
            continue;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < m; j++)
                u += b[j] > a[i];
        }
        for (uint32_t other = 0; other < 512; other++) {
            double v = 0.0;

            if (__builtin_popcount(other) != 4)
                continue;
            for (size_t i = 0; i < 9; i++) {
                for (size_t j = 0; j < i; j++)
                    v += (other >> i & 1U) != 0 && (other >> j & 1U) == 0;
            }
            all++;
            extreme += fabs(v - 10.0) >= fabs(u - 10.0);
        }
        CU_ASSERT_DOUBLE_EQUAL(spotopt__mann_whitney_p(a, n, b, m), (double)extreme / all, 1e-12);
    }
}

static void
test_assign__keeps_shares_and_units(void)
{
    const double weights[] = {1.0, 0.0, 3.0};
    int seen[3] = {0, 0, 0}, moved = 0;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    for (int i = 0; i < 20000; i++) {
        char unit[16];
        uint32_t arm = 9, again = 9, other = 9;

        (void)snprintf(unit, sizeof unit, "node-%d", i);
        CU_ASSERT_EQUAL(spotopt_experiment_assign("s", unit, weights, 3, &arm, &err), 0);
        CU_ASSERT_EQUAL(spotopt_experiment_assign("s", unit, weights, 3, &again, &err), 0);
        CU_ASSERT_EQUAL(spotopt_experiment_assign("t", unit, weights, 3, &other, &err), 0);
        CU_ASSERT_EQUAL(arm, again);
        moved += other != arm;
        seen[arm]++;
    }
    CU_ASSERT_EQUAL(seen[1], 0);
    CU_ASSERT_DOUBLE_EQUAL(seen[0] / 20000.0, 0.25, 0.01);
    CU_ASSERT_DOUBLE_EQUAL(moved / 20000.0, 2 * 0.25 * 0.75, 0.012); /* salts are independent */
    uint32_t arm;
    CU_ASSERT_EQUAL(spotopt_experiment_assign("s", "u", weights + 1, 1, &arm, &err),
                    SPOTOPT_E_ARGUMENT);
}

static const char rates[] = "unit,time_s,arm,metric,value\n"
                            "a,1,control,interruptions,9\na,1,control,node_hours,100\n"
                            "b,2,control,interruptions,7\nb,2,control,node_hours,90\n"
                            "c,3,new,interruptions,3\nc,3,new,node_hours,110\n"
                            "d,4,new,interruptions,2\nd,4,new,node_hours,100\n";

/* 5 of 21 events with 210 of 400 hours: P(X <= 5 or X >= 17) summed by hand. */
static void
test_rate__is_the_binomial_test_given_the_events(void)
{
    spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
    spotopt_rate_comparison c = SPOTOPT_RATE_COMPARISON_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_experiment *e = NULL;
    double p[22], want = 0.0, choose = 1.0, limit;

    params.metric = "interruptions";
    params.exposure = "node_hours";
    CU_ASSERT_EQUAL(spotopt_experiment_parse(NULL, rates, strlen(rates), "r.csv", &e, &err), 0);
    CU_ASSERT_EQUAL(spotopt_experiment_compare_rate(e, &params, &c, &err), 0);
    for (int k = 0; k <= 21; k++) {
        p[k] = choose * pow(0.525, k) * pow(0.475, 21 - k);
        choose = choose * (21 - k) / (k + 1);
    }
    limit = p[5] * (1.0 + 1e-7);
    for (int k = 0; k <= 21; k++)
        want += p[k] <= limit ? p[k] : 0.0;
    CU_ASSERT_DOUBLE_EQUAL(c.p, want, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.ratio, (5.0 / 210.0) / (16.0 / 190.0), 1e-12);
    CU_ASSERT(c.ratio_low < c.ratio && c.ratio < c.ratio_high && c.ratio_high < 1.0);
    CU_ASSERT_EQUAL(c.verdict, SPOTOPT_VERDICT_BETTER);
    spotopt_experiment_free(e);
}

static void
test_compare__lost_units_make_the_comparison_invalid(void)
{
    static char text[40000];
    size_t at = (size_t)snprintf(text, sizeof text, "unit,time_s,arm,metric,value\n");
    spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
    spotopt_comparison c = SPOTOPT_COMPARISON_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_experiment *e = NULL;

    for (int i = 0; i < 900; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "u%d,%d,%s,m,%d\n", i, i,
                               i < 500 ? "control" : "new", i % 7);
    params.metric = "m";
    CU_ASSERT_EQUAL(spotopt_experiment_parse(NULL, text, at, "t.csv", &e, &err), 0);
    CU_ASSERT_EQUAL(spotopt_experiment_compare(e, &params, &c, &err), 0);
    CU_ASSERT_EQUAL(c.verdict, SPOTOPT_VERDICT_INVALID);
    params.share = 400.0 / 900.0;
    CU_ASSERT_EQUAL(spotopt_experiment_compare(e, &params, &c, &err), 0);
    CU_ASSERT_NOT_EQUAL(c.verdict, SPOTOPT_VERDICT_INVALID);
    spotopt_experiment_free(e);
}

static void
test_canary__fails_on_shifts_beyond_tolerance_alone(void)
{
    static char text[60000];
    size_t at = (size_t)snprintf(text, sizeof text, "unit,time_s,arm,metric,value\n");
    spotopt_canary_metric metrics[3] = {SPOTOPT_CANARY_METRIC_INIT, SPOTOPT_CANARY_METRIC_INIT,
                                        SPOTOPT_CANARY_METRIC_INIT};
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_experiment *e = NULL;
    double score = -1.0;
    int32_t pass = -1;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 4);
    for (int i = 0; i < 400; i++) {
        bool is_new = i % 2 != 0;

        at += (size_t)snprintf(text + at, sizeof text - at, "u%d,%d,%s,latency_ms,%.6f\n", i % 2, i,
                               is_new ? "new" : "control", (is_new ? 130 : 100) + 8 * normal(&rng));
        at += (size_t)snprintf(text + at, sizeof text - at, "u%d,%d,%s,cost,%.6f\n", i % 2, i,
                               is_new ? "new" : "control", (is_new ? 102 : 100) + normal(&rng));
    }
    metrics[0].metric = "latency_ms";
    metrics[0].direction = SPOTOPT_CANARY_INCREASE;
    metrics[1].metric = "cost";
    metrics[1].weight = 3.0;
    metrics[2].metric = "latency_ms";
    metrics[2].direction = SPOTOPT_CANARY_DECREASE;
    metrics[2].weight = 0.0;
    CU_ASSERT_EQUAL(spotopt_experiment_parse(NULL, text, at, "c.csv", &e, &err), 0);
    CU_ASSERT_EQUAL(spotopt_experiment_canary(e, NULL, metrics, 3, 75.0, &score, &pass, &err), 0);
    CU_ASSERT_EQUAL(metrics[0].found, SPOTOPT_CANARY_HIGH);
    CU_ASSERT_EQUAL(metrics[1].found, SPOTOPT_CANARY_PASS); /* surely higher, harmlessly so */
    CU_ASSERT(metrics[1].p < 1e-6);
    CU_ASSERT_EQUAL(metrics[2].found, SPOTOPT_CANARY_PASS);
    CU_ASSERT_DOUBLE_EQUAL(score, 75.0, 1e-12);
    CU_ASSERT_EQUAL(pass, 1);
    metrics[0].is_critical = 1;
    CU_ASSERT_EQUAL(spotopt_experiment_canary(e, NULL, metrics, 3, 75.0, &score, &pass, &err), 0);
    CU_ASSERT_EQUAL(pass, 0);
    spotopt_experiment_free(e);
}

static void
test_experiment__refuses_bad_tables_and_names_the_line(void)
{
    static const char *const bad[][2] = {
        {"unit,time_s,arm,metric\n", "value"},
        {"unit,time_s,arm,metric,value\nu,1,a,m,1\nu,2,b,m,1\n", "t.csv:3: arm is \"b\""},
        {"unit,time_s,arm,metric,value\nu,1,a,m,x\n", "t.csv:2: value is \"x\""},
        {"unit,time_s,arm,metric,value\nu,,a,m,1\n", "t.csv:2: time_s"},
        {"unit,time_s,arm,metric,value\n,1,a,m,1\n", "t.csv:2: unit"},
        {"unit,time_s,arm,metric,value\nu,1,a,m,nan\n", "t.csv:2: value is \"nan\""},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spotopt_experiment *e = NULL;
        spotopt_error err = SPOTOPT_ERROR_INIT;

        CU_ASSERT_EQUAL(
            spotopt_experiment_parse(NULL, bad[i][0], strlen(bad[i][0]), "t.csv", &e, &err),
            SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, bad[i][1]));
        CU_ASSERT_PTR_NULL(e);
    }
}

static void
test_experiment__survives_every_failing_allocation(void)
{
    spotopt_status status = SPOTOPT_E_NOMEM;

    for (size_t n = 0; status == SPOTOPT_E_NOMEM && n < 500; n++) {
        fail_alloc allocator = FAIL_ALLOC_INIT;
        spotopt_context *context = fail_alloc_context(&allocator);
        spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
        spotopt_canary_metric metric = SPOTOPT_CANARY_METRIC_INIT;
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_experiment *e = NULL;
        char *text = NULL;
        size_t length;

        fail_after(&allocator, n);
        status = spotopt_experiment_parse(context, rates, strlen(rates), "r.csv", &e, &err);
        if (status == SPOTOPT_OK) {
            status = spotopt_experiment_write(e, &params, &text, &length, &err);
            spotopt_text_free(context, text);
            text = NULL;
        }
        params.metric = metric.metric = "interruptions";
        params.exposure = "node_hours";
        if (status == SPOTOPT_OK) {
            status = spotopt_experiment_write(e, &params, &text, &length, &err);
            spotopt_text_free(context, text);
            text = NULL;
        }
        if (status == SPOTOPT_OK) {
            status =
                spotopt_experiment_write_canary(e, &params, &metric, 1, 80.0, &text, &length, &err);
            spotopt_text_free(context, text);
        }
        spotopt_experiment_free(e);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    }
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_sequential__rarely_alarms_without_effect_however_often_one_looks),
        TEST(test_sequential__finds_a_planted_effect),
        TEST(test_sequential__interval_ends_where_the_ratio_reaches_its_limit),
        TEST(test_compare__finds_effects_as_often_as_the_power_it_states),
        TEST(test_permutation__counts_every_assignment),
        TEST(test_ranks__shift_is_the_median_of_all_differences),
        TEST(test_ranks__small_samples_have_the_exact_distribution),
        TEST(test_assign__keeps_shares_and_units),
        TEST(test_rate__is_the_binomial_test_given_the_events),
        TEST(test_compare__lost_units_make_the_comparison_invalid),
        TEST(test_canary__fails_on_shifts_beyond_tolerance_alone),
        TEST(test_experiment__refuses_bad_tables_and_names_the_line),
        TEST(test_experiment__survives_every_failing_allocation),
    };
    return suite_run("experiment", tests, sizeof tests / sizeof *tests);
}
