/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ordinal.c - chances of ordered classes by a cumulative logit (McCullagh 1980).
 *
 * Fisher scoring on thresholds and slopes with step halving; a step that would cross thresholds is
 * halved too. Slopes are drawn towards 0 a little, and every class is taken as half seen at the
 * mean covariates, so that an unseen class has a chance and its thresholds stay apart.
 */
#include "risk/ordinal.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define K SPOTOPT__CLASSES
#define C SPOTOPT__COVARIATES
#define PARAMETERS (K - 1 + C)
#define RIDGE 1e-3 /* of a slope per row */
#define HALF_SEEN 0.5
#define ROUNDS 60

static double
logistic(double x)
{
    return x >= 0.0 ? 1.0 / (1.0 + exp(-x)) : exp(x) / (1.0 + exp(x));
}

static void
cumulative(const spotopt__ordinal *m, const double *z, double out[K + 1])
{
    double eta = 0.0;

    for (int j = 0; j < m->covariates; j++)
        eta += m->beta[j] * z[j];
    out[0] = 0.0;
    for (int k = 0; k < K - 1; k++)
        out[k + 1] = logistic(m->threshold[k] - eta);
    out[K] = 1.0;
}

static void
standardise(const spotopt__ordinal *m, const double *x, double *z)
{
    for (int j = 0; j < m->covariates; j++)
        z[j] = (x[j] - m->mean[j]) / m->scale[j];
}

void
spotopt__ordinal_chances(const spotopt__ordinal *model, const double *x, double out[K])
{
    double z[C], upto[K + 1];

    standardise(model, x, z);
    cumulative(model, z, upto);
    for (int k = 0; k < K; k++)
        out[k] = fmax(upto[k + 1] - upto[k], 0.0);
}

/* One row's part of the likelihood, and of its slope and information. */
static double
add_row(const spotopt__ordinal *m, const double *z, int of, double weight, double *slope,
        double information[PARAMETERS][PARAMETERS])
{
    double upto[K + 1], d[K + 1], chance = 0.0;
    int n = K - 1 + m->covariates;

    cumulative(m, z, upto);
    chance = fmax(upto[of + 1] - upto[of], 1e-12);
    if (slope == NULL)
        return weight * log(chance);
    for (int k = 0; k <= K; k++)
        d[k] = upto[k] * (1.0 - upto[k]);
    for (int k = 0; k < K; k++) {
        double by[PARAMETERS] = {0.0}, p = fmax(upto[k + 1] - upto[k], 1e-12);

        if (k < K - 1)
            by[k] = d[k + 1];
        if (k > 0)
            by[k - 1] = -d[k];
        for (int j = 0; j < m->covariates; j++)
            by[K - 1 + j] = -(d[k + 1] - d[k]) * z[j];
        for (int a = 0; a < n; a++) {
            if (k == of)
                slope[a] += weight * by[a] / p;
            for (int b = 0; b <= a; b++)
                information[a][b] += weight * by[a] * by[b] / p;
        }
    }
    return weight * log(chance);
}

static double
add_rows(const spotopt__ordinal *m, const double (*x)[C], const int32_t *classes, size_t count,
         double *slope, double information[PARAMETERS][PARAMETERS])
{
    const double origin[C] = {0.0};
    double sum = 0.0, rows = 1.0, z[C];

    for (int k = 0; k < K; k++)
        sum += add_row(m, origin, k, HALF_SEEN, slope, information);
    for (size_t i = 0; i < count; i++) {
        if (classes[i] < 0)
            continue;
        standardise(m, x[i], z);
        sum += add_row(m, z, classes[i], 1.0, slope, information);
        rows += 1.0;
    }
    for (int j = 0; j < m->covariates; j++) {
        sum -= 0.5 * RIDGE * rows * m->beta[j] * m->beta[j];
        if (slope != NULL) {
            slope[K - 1 + j] -= RIDGE * rows * m->beta[j];
            information[K - 1 + j][K - 1 + j] += RIDGE * rows;
        }
    }
    return sum;
}

/* Solves information * out = slope by Cholesky; slope becomes the step. */
static void
solve(double m[PARAMETERS][PARAMETERS], double *x, int n)
{
    for (int j = 0; j < n; j++) {
        for (int k = 0; k < j; k++)
            for (int i = j; i < n; i++)
                m[i][j] -= m[i][k] * m[j][k];
        double root = sqrt(fmax(m[j][j], 1e-12));
        for (int i = j; i < n; i++)
            m[i][j] /= root;
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            x[i] -= m[i][k] * x[k];
        x[i] /= m[i][i];
    }
    for (int i = n; i-- > 0;) {
        for (int k = i + 1; k < n; k++)
            x[i] -= m[k][i] * x[k];
        x[i] /= m[i][i];
    }
}

static bool
stepped(const spotopt__ordinal *from, const double *step, double by, spotopt__ordinal *to)
{
    *to = *from;
    for (int k = 0; k < K - 1; k++)
        to->threshold[k] += by * step[k];
    for (int j = 0; j < from->covariates; j++)
        to->beta[j] += by * step[K - 1 + j];
    for (int k = 1; k < K - 1; k++)
        if (!(to->threshold[k] > to->threshold[k - 1]))
            return false;
    return true;
}

void
spotopt__ordinal_fit(const double (*x)[C], const int32_t *classes, size_t count, int covariates,
                     spotopt__ordinal *out)
{
    double seen[K] = {0.0}, rows = 0.0, below = 0.0, at;

    memset(out, 0, sizeof *out);
    out->covariates = covariates;
    for (size_t i = 0; i < count; i++) {
        if (classes[i] < 0)
            continue;
        rows += 1.0;
        seen[classes[i]] += 1.0;
        for (int j = 0; j < covariates; j++)
            out->mean[j] += x[i][j];
    }
    for (int j = 0; j < covariates; j++)
        out->mean[j] /= fmax(rows, 1.0);
    for (size_t i = 0; i < count; i++)
        for (int j = 0; classes[i] >= 0 && j < covariates; j++)
            out->scale[j] += (x[i][j] - out->mean[j]) * (x[i][j] - out->mean[j]);
    for (int j = 0; j < covariates; j++)
        out->scale[j] = sqrt(out->scale[j] / fmax(rows, 1.0)) + 1e-9;
    for (int k = 0; k < K - 1; k++) {
        below += seen[k] + HALF_SEEN;
        double p = below / (rows + K * HALF_SEEN);
        out->threshold[k] = log(p / (1.0 - p));
    }
    at = add_rows(out, x, classes, count, NULL, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        double step[PARAMETERS] = {0.0}, information[PARAMETERS][PARAMETERS] = {{0.0}}, gain = 0.0;
        spotopt__ordinal next;

        (void)add_rows(out, x, classes, count, step, information);
        solve(information, step, K - 1 + covariates);
        for (double by = 1.0; by > 1e-4; by *= 0.5) {
            if (!stepped(out, step, by, &next))
                continue;
            double value = add_rows(&next, x, classes, count, NULL, NULL);
            if (value >= at) {
                gain = value - at;
                *out = next;
                at = value;
                break;
            }
        }
        if (gain < 1e-9 * (1.0 + fabs(at)))
            break;
    }
}
