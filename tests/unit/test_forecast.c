/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasts of many rows at once: against one row computed plainly, and what must hold of any. */
#include <float.h>
#include <string.h>

#include "random_model.h"
#include "risk/forecast.h"
#include "base/vmath.h"
#include "suite.h"

enum { ROWS = 333 };

typedef struct sample {
    double *x, *drops, *hours;
    spotopt__rows rows;
} sample;

static sample
sample_make(uint64_t seed)
{
    const size_t features = spotopt__feature_count;
    uint64_t state = seed + 77;
    sample s;

    s.x = malloc(features * (ROWS + 3) * sizeof *s.x);
    s.drops = malloc(ROWS * sizeof *s.drops);
    s.hours = malloc(ROWS * sizeof *s.hours);
    if (s.x == NULL || s.drops == NULL || s.hours == NULL)
        abort();
    for (size_t i = 0; i < features * (ROWS + 3); i++)
        s.x[i] = 2.0 * random_normal(&state);
    for (size_t i = 0; i < ROWS; i++) {
        s.drops[i] = 5.0 * random_unit(&state);
        s.hours[i] = 6.0 * random_unit(&state);
    }
    s.rows = (spotopt__rows){ROWS, ROWS + 3, s.x, s.drops, s.hours};
    return s;
}

static void
sample_free(sample *s)
{
    free(s->x);
    free(s->drops);
    free(s->hours);
}

/* --- the plain way, from the formulas of the design alone --- */

static double
plain_hazard(const spotopt_model *m, const double *a, const double *beta, const double *gamma,
             const double *z, double horizon_h)
{
    double survival_log = 0.0;

    for (size_t k = 0; k < SPOTOPT__LEADS; k++) {
        double from = k > 0 ? spotopt__lead_h[k - 1] : 0.0, to = spotopt__lead_h[k], eta = a[k];
        double share = (fmin(horizon_h, to) - from) / (to - from);

        if (k == SPOTOPT__LEADS - 1)
            share = (horizon_h - from) / (to - from);
        for (uint32_t f = 0; f < m->feature_count; f++)
            eta += z[f] * (beta[f] + gamma[f] * log(to) / 2.0);
        if (share > 0.0)
            survival_log += fmax(share, 0.0) * -log1p(exp(eta));
    }
    return log(-expm1(survival_log)) - survival_log;
}

static double
bend(const spotopt__calibrator *c, double p)
{
    if (c->knots == 0)
        return p;
    if (p <= c->x[0])
        return c->y[0];
    for (size_t k = 1; k < c->knots; k++) {
        if (p <= c->x[k])
            return c->y[k - 1] +
                   (c->y[k] - c->y[k - 1]) * (p - c->x[k - 1]) / (c->x[k] - c->x[k - 1]);
    }
    return c->y[c->knots - 1];
}

static double
logit(double p)
{
    return log(p / (1.0 - p));
}

static double
plain_calibrated(const spotopt_model *m, const spotopt__calibrator *c, double hazard, double drops,
                 double hours, double horizon_h)
{
    double a = m->evidence_kappa * m->evidence_alpha + drops,
           b = m->evidence_kappa * m->evidence_alpha / m->evidence_mean + hours;
    double evidence = logit(1.0 - pow(b / (b + horizon_h), a));

    return logit(
        bend(c, 1.0 / (1.0 + exp(-(c->bias + c->slope * hazard + c->evidence * evidence)))));
}

/* Log-odds of p_H with `move` standard intervals added to the hazard's. */
static double
plain(const spotopt_model *m, const double *z, double drops, double hours, double horizon_h,
      const double *move, size_t index)
{
    double best = -INFINITY, before_h = NAN;
    const spotopt__calibrator none = {1.0, 0.0, 1.0, 0.0, 0, NULL, NULL};
    const size_t count = m->calibrator_count;

    (void)index;
    for (size_t c = 0; c < count && m->calibrators[c].horizon_h <= horizon_h; c++) {
        const spotopt__calibrator *is = &m->calibrators[c];
        double hazard = plain_hazard(m, m->a, m->beta, m->gamma, z, is->horizon_h) +
                        (move != NULL ? move[c] : 0.0);

        best = fmax(best, plain_calibrated(m, is, hazard, drops, hours, is->horizon_h));
        before_h = is->horizon_h;
    }
    if (count > 0 && before_h == horizon_h)
        return best;
    if (count > 0 && !isnan(before_h) && before_h < m->calibrators[count - 1].horizon_h) {
        size_t next = 0;
        while (m->calibrators[next].horizon_h <= horizon_h)
            next++;
        const spotopt__calibrator *is = &m->calibrators[next];
        double hazard = plain_hazard(m, m->a, m->beta, m->gamma, z, is->horizon_h) +
                        (move != NULL ? move[next] : 0.0),
               above = fmax(best, plain_calibrated(m, is, hazard, drops, hours, is->horizon_h));
        return best + (above - best) * log(horizon_h / before_h) / log(is->horizon_h / before_h);
    }
    const spotopt__calibrator *is = count == 0        ? &none
                                    : isnan(before_h) ? &m->calibrators[0]
                                                      : &m->calibrators[count - 1];
    double hazard =
        plain_hazard(m, m->a, m->beta, m->gamma, z, horizon_h) + (move != NULL ? move[count] : 0.0);
    return fmax(best, plain_calibrated(m, is, hazard, drops, hours, horizon_h));
}

static void
row_z(const spotopt_model *m, const sample *s, size_t i, double *z)
{
    for (uint32_t f = 0; f < m->feature_count; f++)
        z[f] = (s->x[m->feature[f] * s->rows.stride + i] - m->mean[f]) / m->scale[f];
}

static const double horizons_h[] = {24.0, 1.0, 4.0, 0.1, 0.5, 3.0, 10.0, 100.0};
enum { HORIZONS = sizeof horizons_h / sizeof *horizons_h };

static void
test_forecast__equals_one_row_computed_plainly(void)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        spotopt_model *m =
            random_model(NULL, seed % 2 == 0 ? spotopt__feature_count : (uint32_t)seed, seed % 4,
                         seed % 3 == 1, seed);
        sample s = sample_make(seed);
        double p[HORIZONS * ROWS], z[64];

        CU_ASSERT_FATAL(spotopt__forecast(m, &s.rows, horizons_h, HORIZONS, p, NULL, NULL));
        for (size_t i = 0; i < ROWS; i++) {
            row_z(m, &s, i, z);
            for (size_t h = 0; h < HORIZONS; h++) {
                double want = plain(m, z, s.drops[i], s.hours[i], horizons_h[h], NULL, i);
                double is = p[h * ROWS + i];

                CU_ASSERT_DOUBLE_EQUAL(is, 1.0 / (1.0 + exp(-want)), 1e-12);
            }
        }
        spotopt_model_free(m);
        sample_free(&s);
    }
}

/* sqrt(g'Sg) of the hazard's log-odds by differences over every coefficient. */
static double
plain_deviation(const spotopt_model *m, const double *z, double horizon_h)
{
    const size_t order = spotopt__model_order(m), features = m->feature_count;
    double at[SPOTOPT__LEADS + 128], gradient[SPOTOPT__LEADS + 128], variance = 0.0;

    memcpy(at, m->a, sizeof m->a);
    memcpy(at + SPOTOPT__LEADS, m->beta, features * sizeof *m->beta);
    memcpy(at + SPOTOPT__LEADS + features, m->gamma, features * sizeof *m->gamma);
    for (size_t i = 0; i < order; i++) {
        double was = at[i], side[2];

        for (int k = 0; k < 2; k++) {
            at[i] = was + (k == 0 ? -1e-5 : 1e-5);
            side[k] = plain_hazard(m, at, at + SPOTOPT__LEADS, at + SPOTOPT__LEADS + features, z,
                                   horizon_h);
        }
        at[i] = was;
        gradient[i] = (side[1] - side[0]) / 2e-5;
    }
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < order; j++)
            variance += gradient[i] * m->covariance[i * order + j] * gradient[j];
    }
    return sqrt(variance);
}

static void
test_forecast__intervals_are_the_delta_methods_by_differences(void)
{
    for (uint64_t seed = 0; seed < 6; seed++) {
        spotopt_model *m =
            random_model(NULL, spotopt__feature_count, seed % 4, seed % 3 == 1, seed);
        sample s = sample_make(seed);
        double p[HORIZONS * ROWS], low[HORIZONS * ROWS], high[HORIZONS * ROWS], z[64], worst = 0.0;

        CU_ASSERT_FATAL(spotopt__forecast(m, &s.rows, horizons_h, HORIZONS, p, low, high));
        for (size_t i = 0; i < ROWS; i += 7) {
            row_z(m, &s, i, z);
            for (size_t h = 0; h < HORIZONS; h++) {
                double move[8];

                for (size_t c = 0; c <= m->calibrator_count; c++)
                    move[c] = 1.959963984540054 * plain_deviation(m, z,
                                                                  c < m->calibrator_count
                                                                      ? m->calibrators[c].horizon_h
                                                                      : horizons_h[h]);
                /* Layer 2 is as unsure; the level is that of the shorter window, half of it all. */
                double ratio = (m->to_s - m->from_s) / (m->calibrate_to_s - m->to_s);
                for (size_t c = 0; m->calibrator_count > 0 && c <= m->calibrator_count; c++) {
                    /* Before the first and after the last calibrator those are held. */
                    const spotopt__calibrator *of =
                        &m->calibrators[c < m->calibrator_count ? c
                                        : horizons_h[h] <= m->calibrators[0].horizon_h
                                            ? 0
                                            : m->calibrator_count - 1];
                    move[c] *= (of->slope + of->evidence) / of->slope *
                               sqrt(ratio > 1.0 && ratio < INFINITY ? 0.5 + 0.5 * fmin(ratio, 100.0)
                                                                    : 1.0);
                }
                double want = plain(m, z, s.drops[i], s.hours[i], horizons_h[h], move, i);
                worst = fmax(worst, fabs(high[h * ROWS + i] - 1.0 / (1.0 + exp(-want))));
                for (size_t c = 0; c <= m->calibrator_count; c++)
                    move[c] = -move[c];
                want = plain(m, z, s.drops[i], s.hours[i], horizons_h[h], move, i);
                worst = fmax(worst, fabs(low[h * ROWS + i] - 1.0 / (1.0 + exp(-want))));
            }
        }
        CU_ASSERT(worst < 1e-7);
        spotopt_model_free(m);
        sample_free(&s);
    }
}

static void
test_forecast__never_falls_with_the_horizon_and_lies_in_its_interval(void)
{
    enum { MANY = 60 };
    double at_h[MANY], *p = malloc(3 * MANY * ROWS * sizeof *p);

    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    for (size_t h = 0; h < MANY; h++)
        at_h[h] = 0.01 * pow(1.2, (double)h);
    for (uint64_t seed = 0; seed < 12; seed++) {
        spotopt_model *m =
            random_model(NULL, spotopt__feature_count, seed % 4, seed % 3 == 1, 100 + seed);
        sample s = sample_make(seed);
        double *low = p + MANY * ROWS, *high = low + MANY * ROWS;
        size_t falls = 0, outside = 0;

        CU_ASSERT_FATAL(spotopt__forecast(m, &s.rows, at_h, MANY, p, low, high));
        for (size_t i = 0; i < MANY * ROWS; i++) {
            outside += !(low[i] >= 0.0 && low[i] <= p[i] && p[i] <= high[i] && high[i] <= 1.0);
            if (i >= ROWS)
                falls += !(p[i] >= p[i - ROWS] - 1e-15);
        }
        CU_ASSERT_EQUAL(falls, 0);
        CU_ASSERT_EQUAL(outside, 0);
        spotopt_model_free(m);
        sample_free(&s);
    }
    free(p);
}

static void
test_forecast__does_not_depend_on_what_else_is_asked(void)
{
    spotopt_model *m = random_model(NULL, spotopt__feature_count, 3, true, 5);
    sample s = sample_make(5);
    double all[3 * HORIZONS * ROWS], one[ROWS], single;

    CU_ASSERT(spotopt__forecast(m, &s.rows, horizons_h, HORIZONS, all, all + HORIZONS * ROWS,
                                all + 2 * HORIZONS * ROWS));
    for (size_t h = 0; h < HORIZONS; h++) {
        CU_ASSERT(spotopt__forecast(m, &s.rows, horizons_h + h, 1, one, NULL, NULL));
        CU_ASSERT_EQUAL(memcmp(one, all + h * ROWS, sizeof one), 0);
        for (size_t i = 0; i < ROWS; i += 50) {
            spotopt__rows row = {1, s.rows.stride, s.x + i, s.drops + i, s.hours + i};

            CU_ASSERT(spotopt__forecast(m, &row, horizons_h + h, 1, &single, NULL, NULL));
            CU_ASSERT_EQUAL(single, one[i]);
        }
    }
    spotopt_model_free(m);
    sample_free(&s);
}

static void
test_forecast__stays_a_probability_whatever_the_row(void)
{
    static const double extremes[] = {0.0,    -1e300,  1e300,    1e9,  -1e9,
                                      1e-300, DBL_MAX, -DBL_MAX, 50.0, -50.0};
    spotopt_model *m = random_model(NULL, spotopt__feature_count, 3, false, 8);
    uint64_t state = 3;
    sample s = sample_make(8);
    double p[ROWS * HORIZONS], low[ROWS * HORIZONS], high[ROWS * HORIZONS];
    size_t bad = 0;

    for (uint32_t f = 0; f < spotopt__feature_count; f++) {
        for (size_t i = 0; i < ROWS; i++)
            s.x[f * s.rows.stride + i] = extremes[(size_t)(random_unit(&state) * 10.0)];
    }
    for (size_t i = 0; i < ROWS; i++) {
        s.drops[i] = i % 2 == 0 ? 0.0 : 1e9;
        s.hours[i] = i % 3 == 0 ? 0.0 : 1e12;
    }
    CU_ASSERT(spotopt__forecast(m, &s.rows, horizons_h, HORIZONS, p, low, high));
    for (size_t i = 0; i < ROWS * HORIZONS; i++)
        bad += !(0.0 <= low[i] && low[i] <= p[i] && p[i] <= high[i] && high[i] <= 1.0);
    CU_ASSERT_EQUAL(bad, 0);
    spotopt_model_free(m);
    sample_free(&s);
}

/* How far off, as a share of what is wanted. */
static double
off(double is, double want)
{
    return fabs(is - want) / fabs(want);
}

static void
test_vmath__agrees_with_the_c_library(void)
{
    double power = 0.0, less_one = 0.0, log_worst = 0.0, near_one = 0.0, ratio = 0.0;
    uint64_t state = 1;

    for (int i = 0; i < 400000; i++) {
        double x = (random_unit(&state) - 0.5) * (i % 2 == 0 ? 2040.0 : 4.0),
               y = exp(30.0 * random_normal(&state)), z = 0.5 + 1.5 * random_unit(&state),
               parts[2] = {exp(9.0 * random_normal(&state)), exp(9.0 * random_normal(&state))};
        double small = x / 1020.0 * exp(-3.0 * fabs(random_normal(&state)));

        power = fmax(power, off(spotopt__vexp2(x), exp2(x)));
        less_one = fmax(less_one, off(spotopt__vexp2m1(fabs(x)), expm1(M_LN2 * fabs(x))) /
                                      fmax(1.0, fabs(x)));
        less_one = fmax(less_one, off(spotopt__vexp2m1(fabs(small)), expm1(M_LN2 * fabs(small))));
        log_worst = fmax(log_worst, off(spotopt__vlog2(y), log2(y)));
        near_one = fmax(near_one, off(spotopt__vlog2(z), log2(z)));
        ratio = fmax(
            ratio, off(spotopt__vlog2_1p(parts[0], parts[1]), log1p(parts[0] / parts[1]) / M_LN2));
    }
    CU_ASSERT(power < 4e-15);
    CU_ASSERT(less_one < 4e-15);
    CU_ASSERT(log_worst < 4e-15);
    CU_ASSERT(near_one < 4e-15);
    CU_ASSERT(ratio < 4e-15);
    if (getenv("SPOTOPT_VERBOSE") != NULL)
        printf("\n    off: 2^x %.2g, less one %.2g, log2 %.2g, near one %.2g, log2 of ratios %.2g",
               power, less_one, log_worst, near_one, ratio);
    CU_ASSERT_EQUAL(spotopt__vexp2(0.0), 1.0);
    CU_ASSERT_EQUAL(spotopt__vexp2(-3.0), 0.125);
    CU_ASSERT_EQUAL(spotopt__vlog2(1.0), 0.0);
    CU_ASSERT_EQUAL(spotopt__vlog2(8.0), 3.0);
    CU_ASSERT_EQUAL(spotopt__vlog2_1p(7.0, 1.0), 3.0);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_forecast__equals_one_row_computed_plainly),
        TEST(test_forecast__intervals_are_the_delta_methods_by_differences),
        TEST(test_forecast__never_falls_with_the_horizon_and_lies_in_its_interval),
        TEST(test_forecast__does_not_depend_on_what_else_is_asked),
        TEST(test_forecast__stays_a_probability_whatever_the_row),
        TEST(test_vmath__agrees_with_the_c_library),
    };

    return suite_run("forecast", tests, sizeof tests / sizeof *tests);
}
