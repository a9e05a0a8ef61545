/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated pools of a known hazard: do the intervals of their forecasts hold it? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "spotopt/risk.h"
#include "suite.h"

#define POOLS 24
#define DAY_S 86400.0

static spotopt_error err;
static char history_text[16 << 20];

static double
exponential(spotopt__rng *rng)
{
    return -log(1.0 - spotopt__rng_unit(rng));
}

/* Mean 1, a whole shape. */
static double
gamma_draw(spotopt__rng *rng, int shape)
{
    double sum = 0.0;

    for (int i = 0; i < shape; i++)
        sum += exponential(rng);
    return sum / shape;
}

static const char *const regions[] = {"r0", "r1", "r2"};
static const char *const types[] = {"m5.large", "m5.xlarge", "c5.large", "c5.xlarge"};

/* Pools of one node that is lost at the pool's rate and back five minutes later. Where rates change
 * the pool's is multiplied by a number of mean 1, another one about once a day; the last one is
 * left in rate_h. */
static void
simulate(spotopt__rng *rng, double *rate_h, int days, bool is_changing)
{
    size_t at = (size_t)sprintf(history_text, "pool,region,zone,instance_type,time_s,nodes_up\n");

    for (int i = 0; i < POOLS; i++) {
        const char *region = regions[i % 3], *type = types[i / 3 % 4];
        double t = 0.0, until = is_changing ? 0.0 : INFINITY, now_h = rate_h[i];

        at += (size_t)sprintf(history_text + at, "p%d,%s,%s-z%d,%s,0,1\n", i, region, region, i,
                              type);
        for (;;) {
            double next = t + 3600.0 * exponential(rng) / now_h;

            if (next > until && until + 600.0 < days * DAY_S) {
                t = fmax(t, until);
                until += DAY_S * exponential(rng);
                now_h = rate_h[i] * exponential(rng) + 1e-9;
                continue;
            }
            t = next;
            if (t + 600.0 > days * DAY_S)
                break;
            at += (size_t)sprintf(history_text + at,
                                  "p%d,%s,%s-z%d,%s,%.3f,0\np%d,%s,%s-z%d,%s,%.3f,1\n", i, region,
                                  region, i, type, t, i, region, region, i, type, t + 300.0);
            t += 300.0;
        }
        rate_h[i] = now_h;
        at += (size_t)sprintf(history_text + at, "p%d,%s,%s-z%d,%s,%.3f,\n", i, region, region, i,
                              type, days * DAY_S);
    }
}

static spotopt_history *
history_of(void)
{
    spotopt_history *h = NULL;

    CU_ASSERT_EQUAL_FATAL(
        spotopt_history_parse(NULL, history_text, strlen(history_text), "h", &h, &err), SPOTOPT_OK);
    return h;
}

/* How many intervals of all pools and horizons hold the truth. */
static int
held(const spotopt_model *model, const spotopt_history *history, const double *rate_h, double now_s,
     double *sum_error)
{
    static const double horizons[] = {1.0, 4.0, 24.0};
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_risk *risk = NULL;
    int inside = 0;

    params.history = history;
    params.model = model;
    params.now_s = now_s;
    CU_ASSERT_EQUAL_FATAL(spotopt_risk_score_with(NULL, &params, NULL, &risk, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_risk_count(risk), POOLS);
    for (size_t i = 0; i < POOLS; i++) {
        for (int h = 0; h < 3; h++) {
            spotopt_forecast f = SPOTOPT_FORECAST_INIT;
            double truth = -expm1(-rate_h[i] * horizons[h]);
            CU_ASSERT_EQUAL(spotopt_risk_at(risk, i, horizons[h], &f, &err), SPOTOPT_OK);
            CU_ASSERT(model == NULL || (f.flags & SPOTOPT_RISK_HAZARD) != 0);
            inside += f.low <= truth && truth <= f.high;
            *sum_error += fabs(f.p - truth);
        }
    }
    spotopt_risk_free(risk);
    return inside;
}

enum { ALIKE, APART, CHANGING };

/* The share of intervals that hold the rate, of pools that are alike, differ by region, type and
 * pool, or also from day to day. */
static double
share_held(uint64_t seed, double rate_h, int world, int days)
{
    static const char *const names[] = {"alike", "apart", "changing"};
    spotopt__rng rng;
    int inside = 0, all = 0;
    double error = 0;

    spotopt__rng_seed(&rng, seed);
    for (int run = 0; run < 12; run++) {
        double rate[POOLS], region[3], type[4];
        for (int k = 0; k < 3; k++)
            region[k] = gamma_draw(&rng, 4);
        for (int k = 0; k < 4; k++)
            type[k] = gamma_draw(&rng, 4);
        for (int i = 0; i < POOLS; i++)
            rate[i] = world == ALIKE
                          ? rate_h
                          : rate_h * region[i % 3] * type[i / 3 % 4] * gamma_draw(&rng, 3);
        simulate(&rng, rate, days, world == CHANGING);
        spotopt_history *h = history_of();
        inside += held(NULL, h, rate, days * DAY_S - 1.0, &error);
        all += 3 * POOLS;
        spotopt_history_free(h);
    }
    printf("\n    %s, rate %g, %d days: %.3f, mean error %.3f ", names[world], rate_h, days,
           inside / (double)all, error / all);
    return inside / (double)all;
}

/* 288 pools in each case, whose share has a deviation of 0.013. */
static void
test_evidence__intervals_hold_the_rate_of_pools_whatever_their_kind(void)
{
    static const double rates[] = {0.005, 0.05, 0.2};
    static const int days[] = {3, 20, 60};
    double sum[3] = {0.0, 0.0, 0.0};

    for (int world = ALIKE; world <= CHANGING; world++) {
        for (int r = 0; r < 3; r++) {
            for (int d = 0; d < 3; d++) {
                double held_here = share_held(3 + (uint64_t)(10 * r + d), rates[r], world, days[d]);

                CU_ASSERT(held_here >= 0.86);
                sum[world] += held_here / 9.0;
            }
        }
    }
    printf("\n    alike %.3f, apart %.3f, changing %.3f ", sum[ALIKE], sum[APART], sum[CHANGING]);
    CU_ASSERT(sum[APART] >= 0.93 && sum[APART] <= 0.98);
    CU_ASSERT(sum[CHANGING] >= 0.90 && sum[CHANGING] <= 0.98);
    /* That days are quite alike can not be known from some weeks. */
    CU_ASSERT(sum[ALIKE] >= 0.95);
}

static void
test_hazard__intervals_hold_the_rate_of_pools_alike(void)
{
    spotopt__rng rng;
    int inside = 0, all = 0;
    double error = 0;

    spotopt__rng_seed(&rng, 5);
    for (int run = 0; run < 25; run++) {
        double rate[POOLS];
        spotopt_model_fit_params params = SPOTOPT_MODEL_FIT_PARAMS_INIT;
        spotopt_model *model = NULL;
        for (int i = 0; i < POOLS; i++)
            rate[i] = 0.06;
        simulate(&rng, rate, 24, false);
        spotopt_history *h = history_of();
        params.from_s = DAY_S;
        params.to_s = 18 * DAY_S;
        params.calibrate_to_s = 24 * DAY_S;
        CU_ASSERT_EQUAL_FATAL(spotopt_model_fit(NULL, h, &params, NULL, &model, &err), SPOTOPT_OK);
        inside += held(model, h, rate, 24 * DAY_S - 1.0, &error);
        all += 3 * POOLS;
        spotopt_model_free(model);
        spotopt_history_free(h);
    }
    printf(" (%.3f, mean error %.3f) ", inside / (double)all, error / all);
    CU_ASSERT(inside >= 0.90 * all && inside <= 0.98 * all);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_evidence__intervals_hold_the_rate_of_pools_whatever_their_kind),
        TEST(test_hazard__intervals_hold_the_rate_of_pools_alike),
    };

    return suite_run("risk_truth", tests, sizeof tests / sizeof *tests);
}
