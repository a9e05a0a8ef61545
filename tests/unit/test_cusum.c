/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated worlds that stay as they are, and such whose rate changes: does the CUSUM tell them
 * apart? */
#include <string.h>

#include "random_model.h"
#include "risk/drift.h"
#include "suite.h"

#define DAY_S 86400.0
#define POOLS 30
#define RATE_H 0.02

static char text[8 << 20];

/* Pools of a node lost at a rate per hour, times `factor` from change_day on; back after 5 minutes.
 */
static spotopt_history *
world(uint64_t seed, int days, double factor, int change_day)
{
    spotopt_history *history = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    uint64_t state = seed;
    size_t at = (size_t)sprintf(text, "pool,region,zone,instance_type,time_s,nodes_up\n");

    for (int i = 0; i < POOLS; i++) {
        double t = 0.0;

        at += (size_t)sprintf(text + at, "p%d,r,z,m5.large,0,1\n", i);
        for (;;) {
            /* Thinning: candidates at the highest rate. */
            t += -3600.0 * log(1.0 - random_unit(&state)) / (RATE_H * fmax(factor, 1.0));
            if (t + 400.0 > days * DAY_S)
                break;
            if (random_unit(&state) * fmax(factor, 1.0) >= (t >= change_day * DAY_S ? factor : 1.0))
                continue;
            at += (size_t)sprintf(text + at, "p%d,r,z,m5.large,%.3f,0\np%d,r,z,m5.large,%.3f,1\n",
                                  i, t, i, t + 300.0);
            t += 300.0;
        }
        at += (size_t)sprintf(text + at, "p%d,r,z,m5.large,%.0f,1\n", i, days * DAY_S);
    }
    CU_ASSERT_EQUAL_FATAL(spotopt_history_parse(NULL, text, at, "h", &history, &err), SPOTOPT_OK);
    return history;
}

/* The model that knows the rate before the change, and nothing else. */
static spotopt_model *
model_of_the_rate(void)
{
    spotopt_model *model = spotopt__model_new(NULL, 1, 0);
    double from_h = 0.0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    for (size_t k = 0; k < SPOTOPT__LEADS; k++) {
        const double h = 1.0 - exp(-RATE_H * (spotopt__lead_h[k] - from_h));

        model->a[k] = log(h / (1.0 - h));
        from_h = spotopt__lead_h[k];
    }
    model->edges[0] = NAN; /* unknown */
    return model;
}

static spotopt_risk *
score(const spotopt_history *history, const spotopt_model *model, double now_s, double drift_days)
{
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_risk *risk = NULL;

    params.history = history;
    params.model = model;
    params.now_s = now_s;
    params.drift_days = drift_days;
    CU_ASSERT_EQUAL_FATAL(spotopt_risk_score_with(NULL, &params, NULL, &risk, &err), SPOTOPT_OK);
    return risk;
}

static spotopt_cusum
cusum_of(uint64_t seed, int days, double factor, int change_day)
{
    spotopt_history *history = world(seed, days, factor, change_day);
    spotopt_model *model = model_of_the_rate();
    spotopt_risk *risk = score(history, model, days * DAY_S, 60.0);
    spotopt_cusum cusum = SPOTOPT_CUSUM_INIT;
    spotopt_forecast forecast = SPOTOPT_FORECAST_INIT;

    CU_ASSERT_EQUAL(spotopt_risk_cusum(risk, &cusum, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_risk_at(risk, 0, 4.0, &forecast, NULL), SPOTOPT_OK);
    CU_ASSERT((forecast.flags & SPOTOPT_RISK_HAZARD) != 0);
    CU_ASSERT_EQUAL((forecast.flags & SPOTOPT_RISK_DRIFT) != 0, cusum.direction != 0);
    CU_ASSERT_EQUAL(isnan(cusum.crossed_at_s), cusum.direction == 0);
    CU_ASSERT(cusum.dispersion >= 1.0 && cusum.up >= 0.0 && cusum.down >= 0.0);
    spotopt_risk_free(risk);
    spotopt_model_free(model);
    spotopt_history_free(history);
    return cusum;
}

static void
test_cusum__is_silent_in_most_worlds_that_stay_as_they_are(void)
{
    int alarms = 0;

    for (uint64_t seed = 1; seed <= 40; seed++)
        alarms += cusum_of(seed, 60, 1.0, 60).direction != 0;
    /* A run of 930 blocks between alarms on either side gives 6 % of 60 (Siegmund 1985), 2.5 of 40.
     */
    CU_ASSERT(alarms <= 8);
    printf(" %d of 40 stable worlds alarmed ", alarms);
}

static void
test_cusum__tells_a_trebled_rate_within_days_and_in_its_direction(void)
{
    int late = 0, early = 0, wrong = 0;
    double sum_days = 0.0;

    for (uint64_t seed = 101; seed <= 120; seed++) {
        const spotopt_cusum cusum = cusum_of(seed, 60, 3.0, 45);
        const double days = cusum.crossed_at_s / DAY_S - 45.0;

        early += days <= 0.0;
        late += !(days <= 5.0);
        wrong += days > 0.0 && cusum.direction != 1;
        sum_days += days > 0.0 ? days : 0.0;
    }
    CU_ASSERT(early <= 4);
    CU_ASSERT_EQUAL(late, 0);
    CU_ASSERT_EQUAL(wrong, 0);
    printf(" %.1f days on the mean, %d before ", sum_days / (20 - early), early);
}

static void
test_cusum__tells_a_rate_that_fell(void)
{
    int told = 0;

    for (uint64_t seed = 201; seed <= 210; seed++)
        told += cusum_of(seed, 60, 0.2, 40).direction == -1;
    CU_ASSERT(told >= 9);
}

static void
test_cusum__does_not_look_beyond_now(void)
{
    spotopt_history *whole = world(7, 60, 3.0, 35);
    spotopt_history *cut = NULL;
    spotopt_model *model = model_of_the_rate();
    const double now_s = 40.0 * DAY_S + 5000.0;
    char *kept = malloc(sizeof text);
    size_t at = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(kept);
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        double t = 0.0;
        const size_t length = (size_t)(strchr(line, '\n') + 1 - line);

        if (sscanf(line, "p%*d,r,z,m5.large,%lf", &t) == 1 && t > now_s)
            continue;
        memcpy(kept + at, line, length);
        at += length;
    }
    CU_ASSERT_EQUAL_FATAL(spotopt_history_parse(NULL, kept, at, "h", &cut, NULL), SPOTOPT_OK);
    spotopt_risk *one = score(whole, model, now_s, 60.0), *other = score(cut, model, now_s, 60.0);
    CU_ASSERT(one->cusum.blocks >= 30);
    CU_ASSERT_EQUAL(one->cusum.blocks, other->cusum.blocks);
    CU_ASSERT_EQUAL(one->cusum.up, other->cusum.up);
    CU_ASSERT_EQUAL(one->cusum.down, other->cusum.down);
    CU_ASSERT_EQUAL(one->cusum.dispersion, other->cusum.dispersion);
    spotopt_risk_free(one);
    spotopt_risk_free(other);
    spotopt_history_free(cut);
    spotopt_history_free(whole);
    spotopt_model_free(model);
    free(kept);
}

/* Page's sums as they are defined, of standard deviates given: days of variance 4, dispersion 1. */
static void
test_cusum__is_page_s_of_deviates_by_hand(void)
{
    enum { DAYS = 12 };
    static const double z[DAYS] = {0, 0.5, 0, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 2.5, 2.5};
    double residual[DAYS], variance[DAYS], up = 0.0, first = 0.0;

    for (int d = 0; d < DAYS; d++) {
        residual[d] = 2.0 * z[d];
        variance[d] = 4.0;
        up = fmax(0.0, up + z[d] - 0.5);
        if (first == 0.0 && up > 5.0)
            first = DAY_S * (d + 1);
    }
    const spotopt_cusum cusum = spotopt__cusum(residual, variance, DAYS, 10.0 * DAY_S);
    CU_ASSERT_EQUAL(cusum.blocks, DAYS);
    CU_ASSERT_EQUAL(cusum.dispersion, 1.0);
    CU_ASSERT_DOUBLE_EQUAL(cusum.up, up, 1e-12);
    CU_ASSERT_EQUAL(cusum.down, 0.0);
    CU_ASSERT_EQUAL(cusum.direction, 1);
    CU_ASSERT(first > 0.0);
    CU_ASSERT_DOUBLE_EQUAL(cusum.crossed_at_s, 10.0 * DAY_S + first, 1e-6);
}

static void
test_cusum__of_one_bad_day_or_of_rare_drops_is_no_drift(void)
{
    enum { DAYS = 40 };
    double residual[DAYS] = {0}, variance[DAYS];

    for (int d = 0; d < DAYS; d++)
        variance[d] = 9.0;
    residual[20] = 300.0;
    CU_ASSERT_EQUAL(spotopt__cusum(residual, variance, DAYS, 0.0).direction, 0);
    /* One drop where 0.01 a day are expected: the days are joined, and too few to tell. */
    for (int d = 0; d < DAYS; d++) {
        variance[d] = 0.01;
        residual[d] = d == 20 ? 0.99 : -0.01;
    }
    const spotopt_cusum cusum = spotopt__cusum(residual, variance, DAYS, 0.0);
    CU_ASSERT_EQUAL(cusum.direction, 0);
    CU_ASSERT(cusum.blocks < SPOTOPT__CUSUM_MIN);
}

static void
test_cusum__says_nothing_without_labels_and_refuses_what_is_off(void)
{
    spotopt_history *history = world(3, 20, 1.0, 20);
    spotopt_model *model = model_of_the_rate();
    spotopt_risk *risk = score(history, model, 20.0 * DAY_S, 0.0);
    spotopt_cusum cusum = SPOTOPT_CUSUM_INIT, unset = {0};
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    const char *name = NULL;
    double psi = 0.0;

    CU_ASSERT_EQUAL(spotopt_risk_cusum(risk, &cusum, NULL), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(spotopt_risk_psi_at(risk, 0, &name, &psi, NULL), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(name);
    CU_ASSERT(isnan(psi));
    CU_ASSERT_EQUAL(spotopt_risk_psi_at(risk, 1, &name, &psi, NULL), SPOTOPT_E_ARGUMENT);
    spotopt_risk_free(risk);
    /* All that is there came before the calibration's end. */
    model->calibrate_to_s = 19.0 * DAY_S;
    risk = score(history, model, 20.0 * DAY_S, 60.0);
    CU_ASSERT_EQUAL(spotopt_risk_cusum(risk, &cusum, NULL), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(spotopt_risk_cusum(risk, &unset, NULL), SPOTOPT_E_ARGUMENT);
    spotopt_risk_free(risk);
    risk = score(history, NULL, 20.0 * DAY_S, 60.0);
    CU_ASSERT_EQUAL(spotopt_risk_cusum(risk, &cusum, NULL), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(spotopt_risk_psi_at(risk, 0, &name, &psi, NULL), SPOTOPT_E_STATE);
    spotopt_risk_free(risk);
    params.history = history;
    params.drift_days = -1.0;
    risk = NULL;
    CU_ASSERT_EQUAL(spotopt_risk_score_with(NULL, &params, NULL, &risk, NULL), SPOTOPT_E_ARGUMENT);
    params.drift_days = NAN;
    CU_ASSERT_EQUAL(spotopt_risk_score_with(NULL, &params, NULL, &risk, NULL), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(risk);
    spotopt_model_free(model);
    spotopt_history_free(history);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_cusum__is_silent_in_most_worlds_that_stay_as_they_are),
        TEST(test_cusum__tells_a_trebled_rate_within_days_and_in_its_direction),
        TEST(test_cusum__tells_a_rate_that_fell),
        TEST(test_cusum__does_not_look_beyond_now),
        TEST(test_cusum__is_page_s_of_deviates_by_hand),
        TEST(test_cusum__of_one_bad_day_or_of_rare_drops_is_no_drift),
        TEST(test_cusum__says_nothing_without_labels_and_refuses_what_is_off),
    };

    return suite_run("cusum", tests, sizeof tests / sizeof *tests);
}
