/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations add up, whatever the model; scored pools say which layer they come from. */
#include <string.h>

#include "random_model.h"
#include "risk/drift.h"
#include "risk/forecast.h"
#include "suite.h"

static void
test_explain__adds_up_to_1e_9_on_random_models_and_rows(void)
{
    static const double horizons_h[] = {0.3, 1.0, 2.0, 4.0, 9.0, 24.0, 60.0};
    double worst = 0.0, far = 0.0;

    for (uint64_t seed = 0; seed < 60; seed++) {
        spotopt_model *m =
            random_model(NULL, spotopt__feature_count, seed % 4, seed % 2 == 1, seed);
        uint64_t state = seed;
        double z[64], phi[65], base, total;

        for (int row = 0; row < 3; row++) {
            for (uint32_t f = 0; f < m->feature_count; f++)
                z[f] = 2.0 * random_normal(&state);
            for (size_t h = 0; h < sizeof horizons_h / sizeof *horizons_h; h++) {
                double drops = 3.0 * random_unit(&state), hours = 6.0 * random_unit(&state),
                       sum = 0.0, p;
                double x[64];

                spotopt__explain(m, z, drops, hours, horizons_h[h], phi, &base, &total);
                for (uint32_t f = 0; f <= m->feature_count; f++)
                    sum += phi[f];
                worst = fmax(worst, fabs(sum - (total - base)));
                /* What is explained is the forecast itself. */
                for (uint32_t f = 0; f < m->feature_count; f++)
                    x[f] = m->mean[f] + m->scale[f] * z[f];
                const spotopt__rows rows = {1, 1, x, &drops, &hours};
                CU_ASSERT(spotopt__forecast(m, &rows, &horizons_h[h], 1, &p, NULL, NULL));
                far = fmax(far, fabs(p - 1.0 / (1.0 + exp(-total))));
            }
        }
        spotopt_model_free(m);
    }
    CU_ASSERT(worst < 1e-9);
    CU_ASSERT(far < 1e-11);
    if (!(worst < 1e-9))
        printf("worst %g", worst);
}

static void
test_explain__of_one_feature_alone_is_the_whole_difference(void)
{
    spotopt_model *m = random_model(NULL, 3, 0, false, 4);
    const double z[3] = {0.0, 1.5, 0.0};
    double phi[4], base, total;

    spotopt__explain(m, z, 0.0, 0.0, 4.0, phi, &base, &total);
    CU_ASSERT_EQUAL(phi[0], 0.0);
    CU_ASSERT_EQUAL(phi[2], 0.0);
    CU_ASSERT_EQUAL(phi[3], 0.0);
    CU_ASSERT_DOUBLE_EQUAL(phi[1], total - base, 1e-11);
    CU_ASSERT(fabs(total - base) > 1e-3);
    spotopt_model_free(m);
}

/* Many pools with a drop now and then; the last was not seen for two days, the one before for
 * minutes. */
static spotopt_history *
history_of_many(size_t pools)
{
    char *text = malloc(4096 + pools * 40 * 48);
    size_t at = 0;
    uint64_t state = 9;
    spotopt_history *history = NULL;

    at += (size_t)sprintf(text, "pool,region,zone,instance_type,time_s,nodes_up\n");
    for (size_t p = 0; p < pools; p++) {
        double first = p + 2 == pools ? 863900.0 : 1000.0,
               last = p + 1 == pools ? 600000.0 : 864000.0;

        for (double t = first; t < last; t += 20000.0 * (0.5 + random_unit(&state)))
            at += (size_t)sprintf(text + at, "p%zu,r,za,m5.large,%.0f,%d\n", p, t,
                                  (int)(4.0 * random_unit(&state)));
        if (p + 1 == pools)
            at += (size_t)sprintf(text + at, "p%zu,r,za,m5.large,%.0f,\n", p, last);
    }
    CU_ASSERT_EQUAL(spotopt_history_parse(NULL, text, at, "h", &history, NULL), SPOTOPT_OK);
    free(text);
    return history;
}

static void
test_score__each_pool_takes_the_best_layer_it_can(void)
{
    enum { POOLS = 40 };
    spotopt_history *history = history_of_many(POOLS);
    spotopt_model *model = random_model(NULL, spotopt__feature_count, 3, false, 2);
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_risk *risk = NULL;
    double p[POOLS], low[POOLS], high[POOLS], drop[POOLS], phi[64], base, total;
    char *text = NULL;
    size_t length = 0;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    params.history = history;
    params.model = model;
    params.now_s = 864000.0;
    CU_ASSERT_EQUAL_FATAL(spotopt_risk_score_with(NULL, &params, NULL, &risk, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_risk_count(risk), POOLS);
    CU_ASSERT_STRING_EQUAL(spotopt_risk_pool_id(risk, 3), "p3");
    CU_ASSERT_EQUAL(spotopt_risk_columns(risk, 4.0, p, low, high, POOLS, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_risk_drop_columns(risk, 4.0, drop, NULL, NULL, POOLS, &err),
                    SPOTOPT_OK);
    for (size_t i = 0; i < POOLS; i++) {
        spotopt_forecast f = SPOTOPT_FORECAST_INIT;
        bool is_hazard = i < POOLS - 2;

        CU_ASSERT_EQUAL(spotopt_risk_at(risk, i, 4.0, &f, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL((f.flags & SPOTOPT_RISK_HAZARD) != 0, is_hazard);
        CU_ASSERT_EQUAL((f.flags & SPOTOPT_RISK_FALLBACK) != 0, !is_hazard);
        CU_ASSERT_EQUAL((f.flags & (SPOTOPT_RISK_PRIOR | SPOTOPT_RISK_EVIDENCE)) != 0, !is_hazard);
        CU_ASSERT(f.p == p[i] && f.low == low[i] && f.high == high[i]);
        CU_ASSERT(f.low <= f.p && f.p <= f.high);
        CU_ASSERT_DOUBLE_EQUAL(drop[i], spotopt__risk_drop(risk, i, 4.0), 0.0);
        if (is_hazard) {
            CU_ASSERT_DOUBLE_EQUAL(p[i], 1.0 - pow(1.0 - drop[i], model->lost_share), 1e-12);
            CU_ASSERT_EQUAL(spotopt_risk_explain(risk, i, 4.0, phi, model->feature_count + 1, &base,
                                                 &total, &err),
                            SPOTOPT_OK);
            CU_ASSERT_DOUBLE_EQUAL(1.0 / (1.0 + exp(-total)), drop[i], 1e-12);
        } else
            CU_ASSERT_EQUAL(spotopt_risk_explain(risk, i, 4.0, phi, model->feature_count + 1, &base,
                                                 &total, &err),
                            SPOTOPT_E_STATE);
    }
    /* The model is a random one: what it meets is not what its edges say. */
    spotopt_forecast first = SPOTOPT_FORECAST_INIT;
    CU_ASSERT_EQUAL(spotopt_risk_at(risk, 0, 1.0, &first, &err), SPOTOPT_OK);
    CU_ASSERT((first.flags & SPOTOPT_RISK_DRIFT) != 0);
    CU_ASSERT_EQUAL(spotopt_risk_write(risk, (const double[]){1.0, 4.0}, 2, &text, &length, &err),
                    SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"explanation\""));
    spotopt_text_free(NULL, text);
    /* In any order: the risk holds its model. */
    spotopt_model_free(model);
    spotopt_history_free(history);
    CU_ASSERT_EQUAL(spotopt_risk_at(risk, 0, 1.0, &first, &err), SPOTOPT_OK);
    spotopt_risk_free(risk);
}

static int32_t
stop(void *user, const spotopt_progress *progress)
{
    (void)user;
    (void)progress;
    return 1;
}

/* Each look at the clock takes a second. */
static double
hurry(void *user)
{
    return *(double *)user += 1.0;
}

static void
test_score__can_be_cancelled(void)
{
    double clock_s = 0.0;
    spotopt_context_params with = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;

    spotopt_history *history = history_of_many(50);
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_options *options = NULL;
    spotopt_risk *risk = NULL;

    params.history = history;
    params.now_s = 864000.0;
    with.clock = hurry;
    with.clock_user = &clock_s;
    CU_ASSERT_EQUAL(spotopt_context_new(&with, &context, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    spotopt_options_set_progress(options, stop, NULL);
    CU_ASSERT_EQUAL(spotopt_risk_score_with(context, &params, options, &risk, NULL),
                    SPOTOPT_E_CANCELLED);
    CU_ASSERT_PTR_NULL(risk);
    spotopt_options_free(options);
    spotopt_context_free(context);
    spotopt_history_free(history);
}

static void
test_psi__is_nought_for_the_same_and_large_for_another_population(void)
{
    enum { MANY = 5000 };
    static double x[MANY];
    double edges[SPOTOPT__EDGES];
    uint64_t state = 4;

    for (size_t e = 0; e < SPOTOPT__EDGES; e++)
        edges[e] = (double)(e + 1) / 10.0;
    for (size_t i = 0; i < MANY; i++)
        x[i] = random_unit(&state);
    CU_ASSERT(spotopt__psi(edges, x, MANY) < 0.01);
    for (size_t i = 0; i < MANY; i++)
        x[i] *= 0.5;
    CU_ASSERT(spotopt__psi(edges, x, MANY) > 1.0);
    /* Half of the values are one: edges 0, 0, 0, 0, 0, .2, .4, .6, .8. */
    for (size_t e = 0; e < SPOTOPT__EDGES; e++)
        edges[e] = e < 5 ? 0.0 : 0.2 * (double)(e - 4);
    for (size_t i = 0; i < MANY; i++)
        x[i] = i % 2 == 0 ? 0.0 : random_unit(&state);
    CU_ASSERT(spotopt__psi(edges, x, MANY) < 0.01);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_explain__adds_up_to_1e_9_on_random_models_and_rows),
        TEST(test_explain__of_one_feature_alone_is_the_whole_difference),
        TEST(test_score__each_pool_takes_the_best_layer_it_can),
        TEST(test_score__can_be_cancelled),
        TEST(test_psi__is_nought_for_the_same_and_large_for_another_population),
    };

    return suite_run("explain", tests, sizeof tests / sizeof *tests);
}
