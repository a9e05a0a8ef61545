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

/* Pools of one node that is lost at the pool's rate and back five minutes later. */
static void
simulate(spotopt__rng *rng, const double *rate_h, int days)
{
    size_t at = (size_t)sprintf(history_text, "pool,region,zone,instance_type,time_s,nodes_up\n");

    for (int i = 0; i < POOLS; i++) {
        const char *region = regions[i % 3], *type = types[i / 3 % 4];
        double t = 0.0;

        at += (size_t)sprintf(history_text + at, "p%d,%s,%s-z%d,%s,0,1\n", i, region, region, i,
                              type);
        for (;;) {
            t += 3600.0 * exponential(rng) / rate_h[i];
            if (t + 600.0 > days * DAY_S)
                break;
            at += (size_t)sprintf(history_text + at,
                                  "p%d,%s,%s-z%d,%s,%.3f,0\np%d,%s,%s-z%d,%s,%.3f,1\n", i, region,
                                  region, i, type, t, i, region, region, i, type, t + 300.0);
            t += 300.0;
        }
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

static void
test_evidence__intervals_hold_the_rate_of_pools_that_differ(void)
{
    spotopt__rng rng;
    int inside = 0, all = 0;
    double error = 0;

    spotopt__rng_seed(&rng, 3);
    for (int run = 0; run < 25; run++) {
        double rate[POOLS], region[3], type[4];
        for (int k = 0; k < 3; k++)
            region[k] = gamma_draw(&rng, 4);
        for (int k = 0; k < 4; k++)
            type[k] = gamma_draw(&rng, 4);
        for (int i = 0; i < POOLS; i++)
            rate[i] = 0.05 * region[i % 3] * type[i / 3 % 4] * gamma_draw(&rng, 3);
        simulate(&rng, rate, 20);
        spotopt_history *h = history_of();
        inside += held(NULL, h, rate, 20 * DAY_S - 1.0, &error);
        all += 3 * POOLS;
        spotopt_history_free(h);
    }
    printf(" (%.3f, mean error %.3f) ", inside / (double)all, error / all);
    /* Wider than it need be here: the evidence forgets within hours, since real rates change. */
    CU_ASSERT(inside >= 0.90 * all);
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
        simulate(&rng, rate, 24);
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
        TEST(test_evidence__intervals_hold_the_rate_of_pools_that_differ),
        TEST(test_hazard__intervals_hold_the_rate_of_pools_alike),
    };

    return suite_run("risk_truth", tests, sizeof tests / sizeof *tests);
}
