/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate.c - are events rarer in the treatment, per hour of exposure?
 *
 * Given all events of both arms, those of the treatment are binomial with the exposures' odds times
 * the ratio of rates, whatever the rate itself (Przyborowski and Wilenski 1940); so test and
 * interval (Clopper and Pearson 1934) are exact for independent events. Interruptions come in
 * groups, so the spread between units gives a second test of the ln ratio, by linearisation
 * (ratio estimator; Cochran 1977, 6.3), and where units spread more than independent events would,
 * both must agree before the verdict says so.
 */
#include "base/special.h"
#include "fleet/experiment.h"

#define SAMPLE_RATIO_ALPHA 0.001
#define POWER_WANTED 0.8
#define DISPERSION_MAX 1.5

typedef struct arm_sums {
    double units, events, exposure;
    double residual2; /* sum of (events - rate exposure)^2 */
    double pearson;   /* sum of (events - rate exposure)^2 / (rate exposure) */
} arm_sums;

static double
log_choose(double n, double k)
{
    int sign;

    return lgamma_r(n + 1.0, &sign) - lgamma_r(k + 1.0, &sign) - lgamma_r(n - k + 1.0, &sign);
}

static double
binomial_log(double n, double k, double p)
{
    return log_choose(n, k) + (k > 0.0 ? k * log(p) : 0.0) + (n > k ? (n - k) * log1p(-p) : 0.0);
}

/* P(X <= k). */
static double
binomial_p(double n, double k, double p)
{
    return k < 0.0 ? 0.0 : k >= n ? 1.0 : spotopt__beta_p(n - k, k + 1.0, 1.0 - p);
}

/* All outcomes no likelier than k, as R's and scipy's binomial tests do. The density falls on both
 * sides of its mode, so the other side's are found by halving. */
static double
binomial_two_sided(double n, double k, double p)
{
    double limit = binomial_log(n, k, p) + 1e-7, mode = floor((n + 1.0) * p), low, high;

    if (k == mode || n == 0.0)
        return 1.0;
    if (k < mode) { /* the least j > mode that is no likelier */
        low = mode;
        high = n + 1.0;
        while (high - low > 1.0) {
            double j = floor(0.5 * (low + high));

            if (binomial_log(n, j, p) <= limit)
                high = j;
            else
                low = j;
        }
        return fmin(1.0, binomial_p(n, k, p) + 1.0 - binomial_p(n, high - 1.0, p));
    }
    low = -1.0; /* the largest j < mode that is no likelier */
    high = mode;
    while (high - low > 1.0) {
        double j = floor(0.5 * (low + high));

        if (binomial_log(n, j, p) <= limit)
            low = j;
        else
            high = j;
    }
    return fmin(1.0, binomial_p(n, low, p) + 1.0 - binomial_p(n, k - 1.0, p));
}

static double
odds(double p)
{
    return p < 1.0 ? p / (1.0 - p) : INFINITY;
}

static void
test_exact(const arm_sums *arms, const spotopt_compare_params *p, spotopt_rate_comparison *out)
{
    double k = arms[1].events, n = k + arms[0].events;
    double scale = arms[0].exposure / arms[1].exposure; /* odds -> ratio of rates */

    if (!(n > 0.0))
        return;
    out->ratio = arms[0].events > 0.0 ? scale * k / arms[0].events : (double)INFINITY;
    out->p = binomial_two_sided(n, k, arms[1].exposure / (arms[0].exposure + arms[1].exposure));
    out->ratio_low =
        k > 0.0 ? scale * odds(spotopt__beta_quantile(k, n - k + 1.0, 0.5 * p->alpha)) : 0.0;
    out->ratio_high =
        k < n ? scale * odds(spotopt__beta_quantile(k + 1.0, n - k, 1.0 - 0.5 * p->alpha))
              : (double)INFINITY;
}

static void
test_robust(const arm_sums *arms, const spotopt_compare_params *p, spotopt_rate_comparison *out)
{
    double variance = 0.0, df = arms[0].units + arms[1].units - 2.0, error, limit;

    if (df > 0.0)
        out->dispersion = (arms[0].pearson + arms[1].pearson) / df;
    if (!(arms[0].events > 0.0 && arms[1].events > 0.0) || arms[0].units < 2.0 ||
        arms[1].units < 2.0)
        return;
    for (int k = 0; k < 2; k++)
        variance += arms[k].units / (arms[k].units - 1.0) * arms[k].residual2 /
                    (arms[k].events * arms[k].events);
    error = sqrt(variance);
    limit = spotopt__student_quantile(1.0 - 0.5 * p->alpha, df);
    out->robust_low = out->ratio * exp(-limit * error);
    out->robust_high = out->ratio * exp(limit * error);
    out->robust_p = error > 0.0 ? 2.0 * spotopt__student_p(-fabs(log(out->ratio)) / error, df)
                                : (out->ratio == 1.0 ? 1.0 : 0.0);
}

/* Normal, on the ln ratio, from the events that control's rate and the ratio looked for make. */
static double
rate_power(const arm_sums *arms, const spotopt_compare_params *p, double dispersion)
{
    double rate = arms[0].events / arms[0].exposure;
    double ratio = p->higher_is_better != 0 ? 1.0 + p->effect_frac : 1.0 - p->effect_frac;
    double expected = rate * ratio * arms[1].exposure;

    if (!(expected > 0.0))
        return NAN;
    double error = sqrt(fmax(1.0, isnan(dispersion) ? 1.0 : dispersion) *
                        (1.0 / arms[0].events + 1.0 / expected));
    return spotopt__student_power(spotopt__normal_quantile(1.0 - 0.5 * p->alpha), INFINITY,
                                  log(ratio) / error);
}

static int32_t
judge(const spotopt_rate_comparison *c, const spotopt_compare_params *p)
{
    bool is_grouped = c->dispersion > DISPERSION_MAX;

    if (c->sample_ratio_p < SAMPLE_RATIO_ALPHA)
        return SPOTOPT_VERDICT_INVALID;
    if (c->p <= p->alpha && (!is_grouped || c->robust_p <= p->alpha))
        return (c->ratio > 1.0) == (p->higher_is_better != 0) ? SPOTOPT_VERDICT_BETTER
                                                              : SPOTOPT_VERDICT_WORSE;
    return c->power >= POWER_WANTED ? SPOTOPT_VERDICT_SAME : SPOTOPT_VERDICT_INCONCLUSIVE;
}

/* Events and exposure of the units, by unit number. */
static spotopt_status
sum_units(const spotopt_experiment *e, const spotopt__pair *pair, double *events, double *exposure,
          spotopt_error *err)
{
    for (size_t i = 0; i < e->rows.count; i++) {
        const spotopt__measurement *row = &e->rows.at[i];
        uint32_t arm = e->arm_of_unit.at[row->unit];
        char real[SPOTOPT__REAL_SIZE];

        if (arm != pair->arm[0] && arm != pair->arm[1])
            continue;
        if (row->metric == pair->metric) {
            spotopt__write_real(row->value, real);
            if (!(row->value >= 0.0 && row->value <= 1e9 && row->value == floor(row->value)))
                return spotopt__fail(err, SPOTOPT_E_INPUT,
                                     "unit \"%.60s\": %.60s is %s; want a whole number of events",
                                     e->units.at[row->unit], pair->params.metric, real);
            events[row->unit] += row->value;
        } else if (row->metric == pair->exposure) {
            spotopt__write_real(row->value, real);
            if (!(row->value >= 0.0))
                return spotopt__fail(err, SPOTOPT_E_INPUT,
                                     "unit \"%.60s\": %.60s is %s; want an exposure >= 0",
                                     e->units.at[row->unit], pair->params.exposure, real);
            exposure[row->unit] += row->value;
        }
    }
    return SPOTOPT_OK;
}

static spotopt_status
sum_arms(const spotopt_experiment *e, const spotopt__pair *pair, arm_sums *arms, spotopt_error *err)
{
    size_t count = e->units.count;
    double *events = spotopt__alloc_array(e->context, 2 * count + 1, sizeof *events),
           *exposure = events != NULL ? events + count : NULL;
    spotopt_status status;

    if (events == NULL)
        return spotopt__nomem(err, "an experiment's units");
    status = sum_units(e, pair, events, exposure, err);
    for (int pass = 0; status == SPOTOPT_OK && pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            uint32_t arm = e->arm_of_unit.at[i];

            if ((arm != pair->arm[0] && arm != pair->arm[1]) ||
                !(exposure[i] > 0.0 || events[i] > 0.0))
                continue;
            arm_sums *sums = &arms[arm == pair->arm[1]];
            if (pass == 0) {
                sums->units += 1.0;
                sums->events += events[i];
                sums->exposure += exposure[i];
            } else {
                double expected = sums->events / sums->exposure * exposure[i];
                double residual = events[i] - expected;

                sums->residual2 += residual * residual;
                sums->pearson += expected > 0.0 ? residual * residual / expected : 0.0;
            }
        }
        for (int k = 0; status == SPOTOPT_OK && pass == 0 && k < 2; k++) {
            if (!(arms[k].exposure > 0.0))
                status = spotopt__fail(err, SPOTOPT_E_INPUT,
                                       "arm \"%.60s\" has no %.60s; want some in each arm",
                                       e->arms.at[pair->arm[k]], pair->params.exposure);
        }
    }
    spotopt__free(e->context, events);
    return status;
}

spotopt_status
spotopt_experiment_compare_rate(const spotopt_experiment *experiment,
                                const spotopt_compare_params *params, spotopt_rate_comparison *out,
                                spotopt_error *err)
{
    spotopt_rate_comparison c = SPOTOPT_RATE_COMPARISON_INIT;
    arm_sums arms[2] = {{0.0, 0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0, 0.0}};
    spotopt__pair pair;
    spotopt_status status;

    if (experiment == NULL || out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s; want it set",
                             experiment == NULL ? "experiment is NULL"
                                                : "out or its size is not set");
    if ((status = spotopt__pair_make(experiment, params, true, &pair, err)) != SPOTOPT_OK)
        return status;
    if (pair.exposure == SPOTOPT__NONE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "exposure is NULL; want a metric's name");
    if ((status = sum_arms(experiment, &pair, arms, err)) != SPOTOPT_OK)
        return status;
    c.control_events = arms[0].events;
    c.treatment_events = arms[1].events;
    c.control_exposure = arms[0].exposure;
    c.treatment_exposure = arms[1].exposure;
    c.ratio = c.ratio_low = c.ratio_high = c.p = c.dispersion = c.robust_low = c.robust_high =
        c.robust_p = NAN;
    c.sample_ratio_p = spotopt__sample_ratio_p(arms[0].units, arms[1].units, pair.params.share);
    test_exact(arms, &pair.params, &c);
    test_robust(arms, &pair.params, &c);
    c.power = rate_power(arms, &pair.params, c.dispersion);
    c.verdict = judge(&c, &pair.params);
    c.size = out->size;
    memcpy(out, &c, out->size < sizeof c ? out->size : sizeof c);
    return SPOTOPT_OK;
}
