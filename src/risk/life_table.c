/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life_table.c - a smooth hazard by age from events and exposure.
 *
 * Events of a bin are Poisson with mean hazard * hours (a piecewise exponential model, Holford
 * 1980). Bins are spaced by ln age, and second differences of ln hazard are drawn towards 0 (Eilers
 * and Marx 1996; Lang and Brezger 2004), so that what data do not tell apart is a straight line in
 * ln age, a Weibull law. Newton with step halving finds the mode; the Laplace approximation around
 * it gives the covariance and the evidence for that smoothness. Several are kept and averaged with
 * their evidence, since one alone would be too sure of itself.
 */
#include "risk/life_table.h"

#include <math.h>
#include <string.h>

#define N SPOTOPT__AGES
#define RIDGE                                                                                      \
    0.02 /* precision of every ln hazard around the overall one: finite without events             \
          */
#define ROUNDS 60
#define LOG_MIN -25.0
#define LOG_MAX 10.0

typedef double matrix[N][N];

/* Of a second difference: deviations from 1.4 down to 0.006. */
static double
precision_of(int smooth)
{
    return 0.5 * pow(4.0, smooth);
}

/* Ridge and second differences. */
static void
prior_precision(int smooth, matrix out)
{
    double by = precision_of(smooth);

    memset(out, 0, sizeof(matrix));
    for (int i = 0; i < N; i++)
        out[i][i] = RIDGE;
    for (int i = 1; i + 1 < N; i++) {
        const double d[] = {1.0, -2.0, 1.0};
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                out[i - 1 + a][i - 1 + b] += by * d[a] * d[b];
    }
}

/* Lower Cholesky factor in place; ln of the determinant. */
static double
factor(matrix m)
{
    double log_det = 0.0;

    for (int j = 0; j < N; j++) {
        for (int k = 0; k < j; k++)
            for (int i = j; i < N; i++)
                m[i][j] -= m[i][k] * m[j][k];
        double root = sqrt(m[j][j] > 1e-300 ? m[j][j] : 1e-300);
        log_det += 2.0 * log(root);
        for (int i = j; i < N; i++)
            m[i][j] /= root;
    }
    return log_det;
}

static void
solve(matrix factored, double *x)
{
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < i; k++)
            x[i] -= factored[i][k] * x[k];
        x[i] /= factored[i][i];
    }
    for (int i = N; i-- > 0;) {
        for (int k = i + 1; k < N; k++)
            x[i] -= factored[k][i] * x[k];
        x[i] /= factored[i][i];
    }
}

/* Log posterior without constants. */
static double
judge(const double *events, const double *hours, matrix prior, double level, const double *x)
{
    double sum = 0.0;

    for (int i = 0; i < N; i++) {
        double row = 0.0;
        for (int k = 0; k < N; k++)
            row += prior[i][k] * (x[k] - level);
        sum += events[i] * x[i] - hours[i] * exp(x[i]) - 0.5 * (x[i] - level) * row;
    }
    return sum;
}

static double
log_evidence(int smooth, const double *events, const double *hours, double level,
             spotopt__shape *shape)
{
    matrix prior, curve;
    double *x = shape->log_hazard, at, log_det;

    prior_precision(smooth, prior);
    for (int i = 0; i < N; i++)
        x[i] = level;
    at = judge(events, hours, prior, level, x);
    for (int round = 0; round < ROUNDS; round++) {
        double step[N], moved = 0.0, next[N];

        memcpy(curve, prior, sizeof curve);
        for (int i = 0; i < N; i++) {
            step[i] = events[i] - hours[i] * exp(x[i]);
            for (int k = 0; k < N; k++)
                step[i] -= prior[i][k] * (x[k] - level);
            curve[i][i] += hours[i] * exp(x[i]);
        }
        (void)factor(curve);
        solve(curve, step);
        for (double by = 1.0; by > 1e-6; by *= 0.5) {
            for (int i = 0; i < N; i++) {
                next[i] = x[i] + by * step[i];
                next[i] = next[i] < LOG_MIN ? LOG_MIN : next[i] > LOG_MAX ? LOG_MAX : next[i];
            }
            double value = judge(events, hours, prior, level, next);
            if (value >= at) {
                for (int i = 0; i < N; i++)
                    moved = fmax(moved, fabs(next[i] - x[i]));
                memcpy(x, next, sizeof next);
                at = value;
                break;
            }
        }
        if (moved < 1e-10)
            break;
    }
    memcpy(curve, prior, sizeof curve);
    for (int i = 0; i < N; i++)
        curve[i][i] += hours[i] * exp(x[i]);
    log_det = factor(curve);
    for (int i = 0; i < N; i++) {
        double unit[N] = {0.0};
        unit[i] = 1.0;
        solve(curve, unit);
        memcpy(shape->covariance[i], unit, sizeof unit);
    }
    return at - 0.5 * log_det + 0.5 * factor(prior);
}

void
spotopt__shapes_fit(const double *events, const double *hours,
                    spotopt__shape shapes[SPOTOPT__SMOOTHS])
{
    double d = 0.5, e = 1.0, best = -INFINITY, sum = 0.0, evidence[SPOTOPT__SMOOTHS];

    for (int i = 0; i < N; i++) {
        d += events[i];
        e += hours[i];
    }
    for (int s = 0; s < SPOTOPT__SMOOTHS; s++) {
        evidence[s] =
            log_evidence(s, events, hours, fmin(fmax(log(d / e), LOG_MIN), LOG_MAX), &shapes[s]);
        best = fmax(best, evidence[s]);
    }
    for (int s = 0; s < SPOTOPT__SMOOTHS; s++)
        sum += shapes[s].weight = evidence[s] - best > -14.0 ? exp(evidence[s] - best) : 0.0;
    for (int s = 0; s < SPOTOPT__SMOOTHS; s++)
        shapes[s].weight /= sum;
}

void
spotopt__shape_widen(int smooth, double meat[N][N], spotopt__shape *shape)
{
    matrix middle, half;

    prior_precision(smooth, middle);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            middle[i][k] += meat[i][k];
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++) {
            half[i][k] = 0.0;
            for (int j = 0; j < N; j++)
                half[i][k] += shape->covariance[i][j] * middle[j][k];
        }
    }
    for (int i = 0; i < N; i++) {
        double row[N];
        for (int k = 0; k < N; k++) {
            row[k] = 0.0;
            for (int j = 0; j < N; j++)
                row[k] += half[i][j] * shape->covariance[j][k];
        }
        memcpy(half[i], row, sizeof row);
    }
    memcpy(shape->covariance, half, sizeof half);
}
