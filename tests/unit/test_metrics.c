/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scores against slow ones written from their definitions: all pairs for the area, all rows of
 * every drawn day copied for the bootstrap.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pcg64.h"
#include "fail_alloc.h"
#include "risk/metrics.h"
#include "suite.h"

#define MOST 600

typedef struct table {
    size_t count;
    double p[MOST], other[MOST], time_s[MOST];
    uint8_t y[MOST];
    uint32_t pool[MOST];
} table;

static unsigned state = 5;

static double
unit(void)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) / 16777216.0;
}

/* levels: how many different forecasts there are; few make many ties. */
static void
make_table(table *t, size_t count, unsigned levels, unsigned days)
{
    t->count = count;
    for (size_t i = 0; i < count; i++) {
        double p = floor(unit() * levels) / (levels - 1.0);

        t->p[i] = fmin(p, 1.0);
        t->other[i] = unit();
        t->y[i] = unit() < 0.2 + 0.5 * t->p[i];
        t->time_s[i] = floor(unit() * days) * 86400.0 * 3.0 - 86400.0 * 5.0 + 3600.0 * unit();
        t->pool[i] = (uint32_t)(unit() * 4);
    }
}

static spotopt__sorted
rows_of(const table *t)
{
    spotopt__sorted rows = {0};

    CU_ASSERT_TRUE_FATAL(
        spotopt__sorted_make(NULL, t->p, t->y, t->time_s, t->pool, t->count, &rows));
    return rows;
}

static double
slow_auc(const double *p, const uint8_t *y, const uint32_t *pool, size_t count, long only,
         double *out_pairs)
{
    double won = 0.0, pairs = 0.0;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (!y[i] || y[k] || (only >= 0 && (pool[i] != only || pool[k] != only)))
                continue;
            pairs += 1.0;
            won += p[i] > p[k] ? 1.0 : p[i] == p[k] ? 0.5 : 0.0;
        }
    }
    *out_pairs = pairs;
    return won / pairs;
}

static void
test_scores__equal_their_definitions_on_random_rows_with_ties(void)
{
    for (int round = 0; round < 60; round++) {
        static table t;
        spotopt__scores s;
        double brier = 0.0, flat = 0.0, loss = 0.0, within = 0.0, weights = 0.0, pairs, yes = 0.0;
        double reference = 0.05 + 0.9 * unit();

        make_table(&t, 1 + (size_t)(unit() * (MOST - 1)), 2 + (unsigned)(unit() * 60), 9);
        spotopt__sorted rows = rows_of(&t);
        CU_ASSERT_TRUE_FATAL(spotopt__scores_make(NULL, &rows, reference, &s));
        for (size_t i = 0; i < t.count; i++) {
            double chance = t.y[i] ? t.p[i] : 1.0 - t.p[i];

            brier += (t.p[i] - t.y[i]) * (t.p[i] - t.y[i]) / (double)t.count;
            flat += (reference - t.y[i]) * (reference - t.y[i]) / (double)t.count;
            loss -= log(fmin(fmax(chance, 1e-6), 1.0 - 1e-6)) / (double)t.count;
            yes += t.y[i];
        }
        CU_ASSERT_DOUBLE_EQUAL(s.brier, brier, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(s.bss, 1.0 - brier / flat, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(s.log_loss, loss, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(s.base_rate, yes / (double)t.count, 1e-12);
        double auc = slow_auc(t.p, t.y, t.pool, t.count, -1, &pairs);
        CU_ASSERT(pairs == 0.0 ? isnan(s.auc) : fabs(s.auc - auc) < 1e-12);
        for (long pool = 0; pool < 4; pool++) {
            double own = slow_auc(t.p, t.y, t.pool, t.count, pool, &pairs);

            within += pairs > 0.0 ? pairs * own : 0.0;
            weights += pairs;
        }
        CU_ASSERT(weights == 0.0 ? isnan(s.within_pool_auc)
                                 : fabs(s.within_pool_auc - within / weights) < 1e-12);
        spotopt__sorted_free(NULL, &rows);
    }
}

static void
test_reliability__adds_up_and_keeps_equal_forecasts_together(void)
{
    for (int round = 0; round < 60; round++) {
        static table t;
        spotopt__scores s;
        size_t count = 0;
        double ece = 0.0;

        make_table(&t, 20 + (size_t)(unit() * (MOST - 20)), 2 + (unsigned)(unit() * 40), 3);
        spotopt__sorted rows = rows_of(&t);
        CU_ASSERT_TRUE_FATAL(spotopt__scores_make(NULL, &rows, NAN, &s));
        CU_ASSERT_DOUBLE_EQUAL(s.brier, s.reliability - s.resolution + s.uncertainty + s.within_bin,
                               1e-12);
        CU_ASSERT_EQUAL(s.reference, s.base_rate);
        for (uint32_t k = 0; k < s.bin_count; k++) {
            double seen = 0.0, forecast = 0.0;
            size_t n = 0;

            for (size_t i = 0; i < t.count; i++) {
                if (t.p[i] < s.bins[k].low || t.p[i] > s.bins[k].high)
                    continue;
                n++;
                seen += t.y[i];
                forecast += t.p[i];
            }
            CU_ASSERT_EQUAL(n, s.bins[k].count);
            CU_ASSERT_DOUBLE_EQUAL(s.bins[k].seen, seen / (double)n, 1e-12);
            CU_ASSERT_DOUBLE_EQUAL(s.bins[k].forecast, forecast / (double)n, 1e-12);
            ece += fabs(seen - forecast) / (double)t.count;
            count += n;
            /* A bin ends no later than the ties at its tenth ask for. */
            CU_ASSERT(k == 0 || s.bins[k].low > s.bins[k - 1].high);
        }
        CU_ASSERT_EQUAL(count, t.count);
        CU_ASSERT_DOUBLE_EQUAL(s.ece, ece, 1e-12);
        spotopt__sorted_free(NULL, &rows);
    }
}

static void
test_reliability__has_no_spread_within_bins_of_one_forecast_each(void)
{
    static table t;
    spotopt__scores s;

    make_table(&t, 500, 5, 3);
    spotopt__sorted rows = rows_of(&t);
    CU_ASSERT_TRUE_FATAL(spotopt__scores_make(NULL, &rows, NAN, &s));
    CU_ASSERT(s.bin_count <= 5);
    CU_ASSERT_DOUBLE_EQUAL(s.within_bin, 0.0, 1e-12); /* Murphy's three terms alone */
    spotopt__sorted_free(NULL, &rows);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
slow_percentile(double *values, size_t count, double frac)
{
    qsort(values, count, sizeof *values, by_value);
    double place = frac * (double)(count - 1), below = floor(place);

    return below + 1.0 < (double)count ? values[(size_t)below] * (1.0 - (place - below)) +
                                             values[(size_t)below + 1] * (place - below)
                                       : values[count - 1];
}

/* Days in order of time; their number. */
static size_t
list_days(const table *t, double days[MOST])
{
    size_t count = 0;

    for (size_t i = 0; i < t->count; i++) {
        double day = floor(t->time_s[i] / 86400.0);
        size_t k = 0;

        while (k < count && days[k] != day)
            k++;
        if (k == count)
            days[count++] = day;
    }
    qsort(days, count, sizeof *days, by_value);
    return count;
}

static void
test_bootstrap__equals_copying_every_row_of_the_drawn_days(void)
{
    enum { DRAWS = 60 };

    for (int round = 0; round < 5; round++) {
        static table t;
        static double p[MOST * 20], days[MOST], aucs[DRAWS], skills[DRAWS], gains[DRAWS];
        static uint8_t y[MOST * 20];
        spotopt__scores s;
        spotopt__gain g;
        spotopt__pcg64 rng;

        make_table(&t, 150, round % 2 == 0 ? 7 : 1000, 2 + 2 * (unsigned)round);
        spotopt__sorted rows = rows_of(&t);
        CU_ASSERT_TRUE_FATAL(spotopt__scores_make(NULL, &rows, 0.4, &s));
        CU_ASSERT_TRUE_FATAL(spotopt__scores_bootstrap(NULL, &rows, DRAWS, 99, &s));
        CU_ASSERT_TRUE_FATAL(
            spotopt__gain_make(NULL, t.p, t.other, t.y, t.time_s, t.count, 0.4, DRAWS, 99, &g));
        size_t day_count = list_days(&t, days);
        CU_ASSERT_EQUAL(day_count, rows.days);
        spotopt__pcg64_seed(&rng, 99);
        for (int k = 0; k < DRAWS; k++) {
            size_t n = 0;
            double own = 0.0, other = 0.0, flat = 0.0, pairs;

            for (size_t d = 0; d < day_count; d++) {
                double day = days[spotopt__pcg64_below(&rng, (uint32_t)day_count)];

                for (size_t i = 0; i < t.count; i++) {
                    if (floor(t.time_s[i] / 86400.0) != day)
                        continue;
                    CU_ASSERT_FATAL(n < sizeof y);
                    own += (t.p[i] - t.y[i]) * (t.p[i] - t.y[i]);
                    other += (t.other[i] - t.y[i]) * (t.other[i] - t.y[i]);
                    flat += (0.4 - t.y[i]) * (0.4 - t.y[i]);
                    p[n] = t.p[i];
                    y[n++] = t.y[i];
                }
            }
            aucs[k] = slow_auc(p, y, NULL, n, -1, &pairs);
            skills[k] = 1.0 - own / flat;
            gains[k] = (1.0 - own / flat) - (1.0 - other / flat);
        }
        CU_ASSERT_DOUBLE_EQUAL(s.auc_low, slow_percentile(aucs, DRAWS, 0.025), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(s.auc_high, slow_percentile(aucs, DRAWS, 0.975), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(s.bss_low, slow_percentile(skills, DRAWS, 0.025), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(s.bss_high, slow_percentile(skills, DRAWS, 0.975), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(g.low, slow_percentile(gains, DRAWS, 0.025), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(g.high, slow_percentile(gains, DRAWS, 0.975), 1e-9);
        spotopt__sorted_free(NULL, &rows);
    }
}

static void
test_bootstrap__is_the_same_by_tally_and_by_passes(void)
{
    /* Above 1024 days a draw is a pass over the rows: the same days, seen through both. */
    enum { DAYS = 1100, EACH = 3 };
    static double p[DAYS * EACH], time_s[DAYS * EACH];
    static uint8_t y[DAYS * EACH];
    double low[2], high[2];

    for (size_t i = 0; i < DAYS * EACH; i++) {
        p[i] = floor(20.0 * unit()) / 20.0;
        y[i] = unit() < p[i];
    }
    for (int k = 0; k < 2; k++) {
        spotopt__sorted rows = {0};
        spotopt__scores s;

        for (size_t i = 0; i < DAYS * EACH; i++)
            time_s[i] = 86400.0 * (double)(i / EACH / (k == 0 ? 1 : 2));
        CU_ASSERT_TRUE_FATAL(spotopt__sorted_make(NULL, p, y, time_s, NULL, DAYS * EACH, &rows));
        CU_ASSERT_EQUAL(rows.days, (uint32_t)(k == 0 ? DAYS : DAYS / 2));
        CU_ASSERT_TRUE_FATAL(spotopt__scores_make(NULL, &rows, NAN, &s));
        CU_ASSERT_TRUE_FATAL(spotopt__scores_bootstrap(NULL, &rows, 400, 3, &s));
        low[k] = s.auc_low;
        high[k] = s.auc_high;
        CU_ASSERT(s.auc_low < s.auc && s.auc < s.auc_high);
        spotopt__sorted_free(NULL, &rows);
    }
    /* Rows are independent here, so that blocks of one day and of two tell the same. */
    CU_ASSERT_DOUBLE_EQUAL(low[0], low[1], 0.004);
    CU_ASSERT_DOUBLE_EQUAL(high[0], high[1], 0.004);
}

/* The middle 95 % of such intervals should hold the truth about 95 times of 100. */
static void
test_bootstrap__covers_the_true_skill(void)
{
    enum { WORLDS = 300, DAYS = 40, EACH = 15 };
    int held = 0;

    for (int world = 0; world < WORLDS; world++) {
        static double p[DAYS * EACH], time_s[DAYS * EACH];
        static uint8_t y[DAYS * EACH];
        spotopt__sorted rows = {0};
        spotopt__scores s;
        /* p is the truth, 0.1 or 0.7 by day, so rows of a day depend on each other through it. */
        for (int d = 0; d < DAYS; d++) {
            double chance = unit() < 0.5 ? 0.1 : 0.7;

            for (int i = 0; i < EACH; i++) {
                p[d * EACH + i] = chance;
                y[d * EACH + i] = unit() < chance;
                time_s[d * EACH + i] = 86400.0 * d + 60.0 * i;
            }
        }
        CU_ASSERT_TRUE_FATAL(spotopt__sorted_make(NULL, p, y, time_s, NULL, DAYS * EACH, &rows));
        CU_ASSERT_TRUE_FATAL(spotopt__scores_make(NULL, &rows, 0.4, &s));
        CU_ASSERT_TRUE_FATAL(spotopt__scores_bootstrap(NULL, &rows, 400, (uint64_t)world, &s));
        /* 1 - E[p(1-p)] / E[(0.4 - y)^2] = 1 - 0.15 / 0.24 */
        held += s.bss_low <= 0.375 && 0.375 <= s.bss_high;
        spotopt__sorted_free(NULL, &rows);
    }
    CU_ASSERT(held >= WORLDS * 89 / 100);
    CU_ASSERT(held <= WORLDS * 99 / 100);
}

/* numpy.random.default_rng(7).choice(7, 7), three times in a row. */
static void
test_pcg64__draws_what_numpy_draws(void)
{
    static const uint32_t want[21] = {6, 4, 4, 6, 4, 5, 5, 1, 0, 2, 1,
                                      6, 6, 0, 3, 5, 0, 5, 0, 3, 5};
    spotopt__pcg64 rng;

    spotopt__pcg64_seed(&rng, 7);
    for (int i = 0; i < 21; i++)
        CU_ASSERT_EQUAL(spotopt__pcg64_below(&rng, 7), want[i]);
}

static void
test_scores__survive_every_failing_allocation(void)
{
    static table t;
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    size_t before = allocator.live;
    bool is_done = false;

    make_table(&t, 100, 9, 4);
    for (size_t n = 0; !is_done && n < 1000; n++) {
        spotopt__sorted rows = {0};
        spotopt__scores s;
        spotopt__gain g;

        fail_after(&allocator, n);
        is_done = spotopt__sorted_make(context, t.p, t.y, t.time_s, t.pool, t.count, &rows) &&
                  spotopt__scores_make(context, &rows, NAN, &s) &&
                  spotopt__scores_bootstrap(context, &rows, 10, 1, &s) &&
                  spotopt__gain_make(context, t.p, t.other, t.y, t.time_s, t.count, 0.5, 10, 1, &g);
        spotopt__sorted_free(context, &rows);
        CU_ASSERT_EQUAL(allocator.live, before);
    }
    CU_ASSERT_TRUE(is_done);
    spotopt_context_free(context);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_scores__equal_their_definitions_on_random_rows_with_ties),
        TEST(test_reliability__adds_up_and_keeps_equal_forecasts_together),
        TEST(test_reliability__has_no_spread_within_bins_of_one_forecast_each),
        TEST(test_bootstrap__equals_copying_every_row_of_the_drawn_days),
        TEST(test_bootstrap__is_the_same_by_tally_and_by_passes),
        TEST(test_bootstrap__covers_the_true_skill),
        TEST(test_pcg64__draws_what_numpy_draws),
        TEST(test_scores__survive_every_failing_allocation),
    };
    return suite_run("metrics", tests, sizeof tests / sizeof *tests);
}
