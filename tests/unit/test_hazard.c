/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fit of the hazard against another one: rows times bins written out, derivatives in (a, beta,
 * gamma), and Gaussian elimination, none of it shared with the library. With signs, the conditions
 * of Karush, Kuhn and Tucker.
 */
#include <math.h>

#include "fail_alloc.h"
#include "risk/calibrate.h"
#include "risk/hazard.h"
#include "suite.h"

#define LEADS SPOTOPT__LEADS
#define MOST 8 /* features */
#define ORDER_MAX (LEADS + 2 * MOST)

typedef struct made_up {
    size_t count;
    uint32_t features;
    double *z;
    uint8_t *bins, *is_hit;
    uint32_t *cluster;
    int sign[MOST];
    bool is_fading[MOST];
} made_up;

static double
normal(spotopt__rng *rng)
{
    return sqrt(-2.0 * log(1.0 - spotopt__rng_unit(rng))) *
           cos(6.283185307179586 * spotopt__rng_unit(rng));
}

/* Rows whose hazard is known; two thirds are watched to the end, the rest for less. */
static made_up
make_up(uint64_t seed, size_t count, uint32_t features, const double *a, const double *beta,
        const double *gamma)
{
    made_up m = {.count = count, .features = features};
    spotopt__rng rng;

    spotopt__rng_seed(&rng, seed);
    m.z = calloc(count * features + 1, sizeof *m.z);
    m.bins = calloc(count, 1);
    m.is_hit = calloc(count, 1);
    m.cluster = calloc(count, sizeof *m.cluster);
    for (size_t i = 0; i < count; i++) {
        size_t watched =
            spotopt__rng_below(&rng, 3) == 0 ? spotopt__rng_below(&rng, LEADS + 1) : LEADS;
        double level = 0.0, tilt = 0.0;

        m.cluster[i] = (uint32_t)(i / 7);
        for (uint32_t f = 0; f < features; f++) {
            double z = m.z[i * features + f] =
                normal(&rng) + (f > 0 ? 0.5 * m.z[i * features] : 0.0);

            level += beta[f] * z;
            tilt += gamma[f] * z;
        }
        for (size_t k = 0; k < watched && !m.is_hit[i]; k++) {
            double logit = a[k] + level + tilt * log(spotopt__lead_h[k]) / 2.0;

            m.bins[i] = (uint8_t)(k + 1);
            m.is_hit[i] = spotopt__rng_unit(&rng) < 1.0 / (1.0 + exp(-logit));
        }
    }
    return m;
}

static void
free_made_up(made_up *m)
{
    free(m->z);
    free(m->bins);
    free(m->is_hit);
    free(m->cluster);
}

static spotopt__hazard_rows
rows_of(const made_up *m, double ridge)
{
    return (spotopt__hazard_rows){m->count,   m->features, m->z,         m->bins, m->is_hit,
                                  m->cluster, m->sign,     m->is_fading, ridge};
}

static void
fit(const made_up *m, double ridge, spotopt__hazard *out)
{
    spotopt__hazard_rows rows = rows_of(m, ridge);
    spotopt__budget budget;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    spotopt__budget_start(&budget, NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(spotopt__hazard_fit(NULL, &rows, &budget, out, &err), SPOTOPT_OK);
}

/* --- the other fit: one design row per row and bin, parameters (a, beta, gamma) --- */

static void
design_row(const made_up *m, size_t row, size_t k, double *x)
{
    memset(x, 0, ORDER_MAX * sizeof *x);
    x[k] = 1.0;
    for (uint32_t f = 0; f < m->features; f++) {
        x[LEADS + f] = m->z[row * m->features + f];
        x[LEADS + m->features + f] = m->z[row * m->features + f] * log(spotopt__lead_h[k]) / 2.0;
    }
}

static void
derivatives(const made_up *m, double ridge, const double *at, double *g, double *h, double *meat)
{
    size_t order = LEADS + 2 * (size_t)m->features, clusters = 0;
    double s[ORDER_MAX] = {0}, x[ORDER_MAX];

    memset(g, 0, order * sizeof *g);
    memset(h, 0, order * order * sizeof *h);
    memset(meat, 0, order * order * sizeof *meat);
    for (size_t i = 0; i < m->count; i++) {
        for (size_t k = 0; k < m->bins[i]; k++) {
            double eta = 0.0, p, y = m->is_hit[i] && k + 1 == m->bins[i];

            design_row(m, i, k, x);
            for (size_t c = 0; c < order; c++)
                eta += x[c] * at[c];
            p = 1.0 / (1.0 + exp(-eta));
            for (size_t c = 0; c < order; c++) {
                g[c] += (p - y) * x[c];
                s[c] += (p - y) * x[c];
                for (size_t d = 0; d < order; d++)
                    h[c * order + d] += p * (1.0 - p) * x[c] * x[d];
            }
        }
        if (i + 1 == m->count || m->cluster[i + 1] != m->cluster[i]) {
            clusters++;
            for (size_t c = 0; c < order * order; c++)
                meat[c] += s[c / order] * s[c % order];
            memset(s, 0, sizeof s);
        }
    }
    for (size_t c = LEADS; c < order; c++) {
        g[c] += ridge * at[c];
        h[c * order + c] += ridge;
    }
    for (size_t c = 0; c < order * order; c++)
        meat[c] *= (double)clusters / (double)(clusters - 1);
}

/* Solves h x = b by elimination with pivots; columns of b. h is spoilt. */
static void
eliminate(size_t n, double *h, double *b, size_t columns)
{
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;

        for (size_t r = c; r < n; r++)
            pivot = fabs(h[r * n + c]) > fabs(h[pivot * n + c]) ? r : pivot;
        for (size_t k = 0; k < n; k++) {
            double kept = h[c * n + k];
            h[c * n + k] = h[pivot * n + k];
            h[pivot * n + k] = kept;
        }
        for (size_t k = 0; k < columns; k++) {
            double kept = b[c * columns + k];
            b[c * columns + k] = b[pivot * columns + k];
            b[pivot * columns + k] = kept;
        }
        for (size_t r = 0; r < n; r++) {
            double by = h[r * n + c] / h[c * n + c];

            if (r == c)
                continue;
            for (size_t k = 0; k < n; k++)
                h[r * n + k] -= by * h[c * n + k];
            for (size_t k = 0; k < columns; k++)
                b[r * columns + k] -= by * b[c * columns + k];
        }
    }
    for (size_t c = 0; c < n; c++) {
        for (size_t k = 0; k < columns; k++)
            b[c * columns + k] /= h[c * n + c];
    }
}

static const double true_a[LEADS] = {-3.0, -3.1, -2.6, -2.2, -1.8, -1.2, -0.9, -0.8};
static const double true_beta[MOST] = {0.7, -0.4, 0.0, 0.25, -0.6, 0.1, 0.3, -0.2};
static const double true_gamma[MOST] = {0.2, 0.3, 0.0, -0.3, 0.1, 0.0, -0.1, 0.2};

static void
test_hazard__equals_an_independent_newton(void)
{
    for (uint32_t features = 0; features <= 6; features += 2) {
        made_up m = make_up(features + 1, 1500, features, true_a, true_beta, true_gamma);
        size_t order = LEADS + 2 * (size_t)features;
        double beta[MOST], gamma[MOST], covariance[ORDER_MAX * ORDER_MAX], x[ORDER_MAX] = {0},
                                                                           g[ORDER_MAX];
        double h[ORDER_MAX * ORDER_MAX], meat[ORDER_MAX * ORDER_MAX], ridge = 3.0;
        spotopt__hazard made = {.beta = beta, .gamma = gamma, .covariance = covariance};

        fit(&m, ridge, &made);
        for (int round = 0; round < 40; round++) {
            derivatives(&m, ridge, x, g, h, meat);
            eliminate(order, h, g, 1);
            for (size_t c = 0; c < order; c++)
                x[c] -= g[c];
        }
        for (size_t k = 0; k < LEADS; k++)
            CU_ASSERT_DOUBLE_EQUAL(made.a[k], x[k], 1e-6);
        for (uint32_t f = 0; f < features; f++) {
            CU_ASSERT_DOUBLE_EQUAL(beta[f], x[LEADS + f], 1e-6);
            CU_ASSERT_DOUBLE_EQUAL(gamma[f], x[LEADS + features + f], 1e-6);
        }
        /* The sandwich: H^-1 M H^-1 by two eliminations. */
        double copy[ORDER_MAX * ORDER_MAX], turned[ORDER_MAX * ORDER_MAX];
        derivatives(&m, ridge, x, g, h, meat);
        memcpy(copy, h, sizeof copy);
        eliminate(order, copy, meat, order);
        for (size_t c = 0; c < order * order; c++)
            turned[c] = meat[c % order * order + c / order];
        eliminate(order, h, turned, order);
        for (size_t c = 0; c < order * order; c++)
            CU_ASSERT_DOUBLE_EQUAL(covariance[c], turned[c], 1e-7);
        free_made_up(&m);
    }
}

static void
test_hazard__keeps_signs_at_every_lead_and_is_optimal_under_them(void)
{
    const double low = log(spotopt__lead_h[0]) / 2.0, high = log(spotopt__lead_h[LEADS - 1]) / 2.0;
    size_t held = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        made_up m = make_up(seed, 900, 6, true_a, true_beta, true_gamma);
        double beta[MOST], gamma[MOST], x[ORDER_MAX] = {0}, g[ORDER_MAX];
        double h[ORDER_MAX * ORDER_MAX], meat[ORDER_MAX * ORDER_MAX];
        spotopt__hazard made = {.beta = beta, .gamma = gamma};

        for (uint32_t f = 0; f < 6; f++) {
            m.sign[f] = (int)((seed + f) % 3) - 1; /* as often against the truth as with it */
            m.is_fading[f] = (seed + f) % 4 == 0;
        }
        fit(&m, 2.0, &made);
        memcpy(x, made.a, sizeof made.a);
        memcpy(x + LEADS, beta, 6 * sizeof *x);
        memcpy(x + LEADS + 6, gamma, 6 * sizeof *x);
        derivatives(&m, 2.0, x, g, h, meat);
        for (size_t k = 0; k < LEADS; k++)
            CU_ASSERT_DOUBLE_EQUAL(g[k], 0.0, 1e-5);
        for (uint32_t f = 0; f < 6; f++) {
            /* Slopes along the effects at the shortest and the longest lead. */
            double u = beta[f] + gamma[f] * low, v = beta[f] + gamma[f] * high;
            double du = (g[LEADS + f] * high - g[LEADS + 6 + f]) / (high - low),
                   dv = (-g[LEADS + f] * low + g[LEADS + 6 + f]) / (high - low);

            for (size_t k = 0; k < LEADS; k++)
                CU_ASSERT_TRUE(m.sign[f] * (beta[f] + gamma[f] * log(spotopt__lead_h[k]) / 2.0) >=
                               -1e-12);
            CU_ASSERT_TRUE(fabs(u) > 1e-12 || m.sign[f] != 0);
            held += fabs(u) <= 1e-12;
            CU_ASSERT_TRUE(fabs(u) > 1e-12 ? fabs(du) < 1e-5 : m.sign[f] * du >= -1e-5);
            CU_ASSERT_TRUE(m.is_fading[f]    ? fabs(v) < 1e-12
                           : fabs(v) > 1e-12 ? fabs(dv) < 1e-5
                                             : m.sign[f] * dv >= -1e-5);
        }
        free_made_up(&m);
    }
    CU_ASSERT_TRUE(held > 10);
}

static void
test_hazard__recovers_the_truth_and_covers_it(void)
{
    size_t inside = 0, all = 0;

    for (uint64_t seed = 100; seed < 120; seed++) {
        made_up m = make_up(seed, 12000, 4, true_a, true_beta, true_gamma);
        double beta[MOST], gamma[MOST], covariance[ORDER_MAX * ORDER_MAX];
        spotopt__hazard made = {.beta = beta, .gamma = gamma, .covariance = covariance};
        size_t order = LEADS + 2 * 4;

        fit(&m, 1e-3, &made);
        for (size_t c = 0; c < order; c++) {
            double got = c < LEADS       ? made.a[c]
                         : c < LEADS + 4 ? beta[c - LEADS]
                                         : gamma[c - LEADS - 4];
            double want = c < LEADS       ? true_a[c]
                          : c < LEADS + 4 ? true_beta[c - LEADS]
                                          : true_gamma[c - LEADS - 4];

            CU_ASSERT_DOUBLE_EQUAL(got, want, 0.25);
            inside += fabs(got - want) <= 1.96 * sqrt(covariance[c * order + c]);
            all++;
        }
        free_made_up(&m);
    }
    /* 320 intervals of 95 %: about 304 inside. */
    CU_ASSERT_TRUE(inside >= all * 91 / 100 && inside <= all * 99 / 100);
}

/* Bins that nobody entered, in which all dropped, or none: their level is finite and near that of a
 * common rate. */
static void
test_hazard__copes_with_bins_that_are_all_or_nothing(void)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        made_up m = make_up(seed, 400, 3, true_a, true_beta, true_gamma);
        double beta[MOST], gamma[MOST];
        spotopt__hazard made = {.beta = beta, .gamma = gamma};

        for (size_t i = 0; i < m.count; i++) {
            if (m.bins[i] > 5) { /* none is watched beyond the sixth bin, in which all drop */
                m.bins[i] = 6;
                m.is_hit[i] = 1;
            } else if (m.bins[i] == 2) {
                m.is_hit[i] = 0; /* nobody drops in the second */
            }
        }
        fit(&m, 50.0, &made);
        for (size_t k = 0; k < LEADS; k++)
            CU_ASSERT_TRUE(fabs(made.a[k]) < 12.0);
        CU_ASSERT_TRUE(made.a[5] > made.a[4] && made.a[1] < made.a[0]);
        free_made_up(&m);
    }
}

static void
test_hazard__bins_follow_the_drop_and_the_watch(void)
{
    bool hit;

    CU_ASSERT_EQUAL(spotopt__hazard_bins(900.0, 1e9, &hit), 1);
    CU_ASSERT_TRUE(hit);
    CU_ASSERT_EQUAL(spotopt__hazard_bins(900.5, 1e9, &hit), 2);
    CU_ASSERT_TRUE(hit);
    CU_ASSERT_EQUAL(spotopt__hazard_bins(86400.0, 1e9, &hit), 8);
    CU_ASSERT_TRUE(hit);
    CU_ASSERT_EQUAL(spotopt__hazard_bins(86401.0, 1e9, &hit), 8);
    CU_ASSERT_FALSE(hit);
    CU_ASSERT_EQUAL(spotopt__hazard_bins(INFINITY, 3600.0, &hit), 3);
    CU_ASSERT_FALSE(hit);
    CU_ASSERT_EQUAL(spotopt__hazard_bins(INFINITY, 899.0, &hit), 0);
    /* A bin that is not watched to its end tells nothing, even where a drop was seen in it. */
    CU_ASSERT_EQUAL(spotopt__hazard_bins(4000.0, 5000.0, &hit), 3);
    CU_ASSERT_FALSE(hit);
}

/* --- calibrators --- */

static void
test_calibrate__finds_a_known_map_and_stays_at_its_start_without_rows(void)
{
    enum { ROWS = 60000 };
    double *hazard = calloc(3 * ROWS, sizeof *hazard), *evidence = hazard + ROWS,
           *label = evidence + ROWS;
    spotopt__matured rows = {ROWS, hazard, evidence, label, 1.0};
    spotopt__calibrator c = spotopt__calibrator_start(24.0, 0.5), start = c;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 5);
    for (size_t i = 0; i < ROWS; i++) {
        hazard[i] = 1.5 * normal(&rng);
        evidence[i] = 0.5 * hazard[i] + normal(&rng);
        label[i] = spotopt__rng_unit(&rng) <
                   1.0 / (1.0 + exp(-(0.3 + 0.8 * hazard[i] + 0.15 * evidence[i])));
    }
    CU_ASSERT_TRUE(spotopt__calibrate(&rows, &c));
    CU_ASSERT_DOUBLE_EQUAL(c.bias, 0.3, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(c.slope, 0.8, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(c.evidence, 0.15, 0.05);
    c = start;
    rows.count = 0;
    CU_ASSERT_TRUE(spotopt__calibrate(&rows, &c));
    CU_ASSERT_DOUBLE_EQUAL(c.slope, start.slope, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.evidence, start.evidence, 1e-12);
    /* Labels that go the other way round flatten a forecast, and never turn it. */
    rows.count = ROWS;
    for (size_t i = 0; i < ROWS; i++)
        label[i] = spotopt__rng_unit(&rng) < 1.0 / (1.0 + exp(2.0 * hazard[i] + evidence[i]));
    CU_ASSERT_TRUE(spotopt__calibrate(&rows, &c));
    CU_ASSERT_EQUAL(c.slope, 0.0);
    CU_ASSERT_EQUAL(c.evidence, 0.0);
    free(hazard);
}

static void
test_calibrate__isotonic_is_the_best_map_that_does_not_fall(void)
{
    for (uint64_t seed = 1; seed < 60; seed++) {
        enum { ROWS = 60 };
        double p[ROWS], label[ROWS], x[ROWS], y[ROWS];
        size_t count = 0;
        spotopt__rng rng;

        spotopt__rng_seed(&rng, seed);
        for (size_t i = 0; i < ROWS; i++) {
            p[i] = (double)spotopt__rng_below(&rng, 40) / 40.0; /* some are equal */
            label[i] = spotopt__rng_unit(&rng) < p[i] ? 1.0 : 0.0;
        }
        CU_ASSERT_TRUE_FATAL(spotopt__isotonic(NULL, p, label, ROWS, ROWS, x, y, &count));
        for (size_t k = 1; k < count; k++)
            CU_ASSERT_TRUE(x[k] > x[k - 1] && y[k] >= y[k - 1]);
        /* At each p: the largest over lower ends of the least mean over upper ends (Robertson et
         * al. 1988). */
        size_t knot = 0;
        for (size_t i = 0; i < ROWS; i++) {
            double best = -1.0;

            for (size_t a = 0; a < ROWS; a++) {
                double least = 2.0;

                for (size_t b = 0; p[a] <= p[i] && b < ROWS; b++) {
                    double sum = 0.0, n = 0.0;

                    for (size_t j = 0; p[b] >= p[i] && j < ROWS; j++) {
                        if (p[j] >= p[a] && p[j] <= p[b]) {
                            sum += label[j];
                            n += 1.0;
                        }
                    }
                    least = n > 0.0 && sum / n < least ? sum / n : least;
                }
                best = least < 2.0 && least > best ? least : best;
            }
            /* The knot of the block that holds p[i] has this value. */
            best = best < 1e-4 ? 1e-4 : best > 1.0 - 1e-4 ? 1.0 - 1e-4 : best;
            for (knot = 0; knot < count && fabs(y[knot] - best) > 1e-12; knot++)
                ;
            CU_ASSERT_TRUE(knot < count);
        }
        CU_ASSERT_TRUE_FATAL(spotopt__isotonic(NULL, p, label, ROWS, 3, x, y, &count));
        CU_ASSERT_TRUE(count >= 1 && count <= 3);
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_hazard__equals_an_independent_newton),
        TEST(test_hazard__keeps_signs_at_every_lead_and_is_optimal_under_them),
        TEST(test_hazard__recovers_the_truth_and_covers_it),
        TEST(test_hazard__copes_with_bins_that_are_all_or_nothing),
        TEST(test_hazard__bins_follow_the_drop_and_the_watch),
        TEST(test_calibrate__finds_a_known_map_and_stays_at_its_start_without_rows),
        TEST(test_calibrate__isotonic_is_the_best_map_that_does_not_fall),
    };

    return suite_run("hazard", tests, sizeof tests / sizeof *tests);
}
