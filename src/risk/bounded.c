/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounded.c - one Newton step of a smooth convex function whose variables may have a sign.
 *
 * The quadratic model is minimised over the orthant by the primal active-set method (Nocedal and
 * Wright, "Numerical Optimization", 2nd edition, algorithm 16.3): from a point within, go to the
 * minimum over the coordinates not held; stop at the first bound on the way and hold it; where
 * there is none, let go of the held coordinate whose multiplier is most of the wrong sign. Every
 * round lowers the model, so no set of held coordinates comes twice. Ties break by index.
 */
#include "risk/bounded.h"
#include <math.h>
#include <string.h>

/* Cholesky factor and solution of LAPACK, as libopenblas has them. */
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a,
                    const int *lda, double *b, const int *ldb, int *info);

#define ROUNDS 1000 /* far more than any set of ours takes */

size_t
spotopt__bounded_factor(size_t n, const double *h, const bool *is_free, double *work)
{
    size_t m = 0, column = 0;
    int size, info = 0;

    for (size_t i = 0; i < n; i++)
        m += is_free[i];
    for (size_t j = 0; j < n; j++) {
        size_t row = 0;

        if (!is_free[j])
            continue;
        for (size_t i = 0; i < n; i++) {
            if (is_free[i])
                work[column * m + row++] = h[j * n + i];
        }
        column++;
    }
    size = (int)m;
    if (m > 0)
        dpotrf_("L", &size, work, &size, &info);
    return info == 0 ? m : 0;
}

void
spotopt__bounded_solve(size_t m, const double *factor, double *b)
{
    int size = (int)m, one = 1, info = 0;

    dpotrs_("L", &size, &one, factor, &size, b, &size, &info);
}

bool
spotopt__bounded_step(size_t n, const double *h, const double *g, const double *x, const int *sign,
                      double *d, bool *is_free, double *work)
{
    double *factor = work, *slope = work + n * n, *step = slope + n;

    memset(d, 0, n * sizeof *d);
    for (size_t i = 0; i < n; i++)
        is_free[i] = sign[i] == 0 || x[i] != 0.0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t m, k = 0, worst = n, blocking = n;
        double reach = 1.0, wrong = 0.0;

        for (size_t i = 0; i < n; i++) { /* of the model, at x + d */
            slope[i] = g[i];
            for (size_t j = 0; j < n; j++)
                slope[i] += h[i * n + j] * d[j];
            if (is_free[i])
                step[k++] = -slope[i];
        }
        m = spotopt__bounded_factor(n, h, is_free, factor);
        if (m != k)
            return false;
        if (m > 0)
            spotopt__bounded_solve(m, factor, step);
        k = 0;
        for (size_t i = 0; i < n; i++) {
            if (!is_free[i])
                continue;
            double at = x[i] + d[i], to = at + step[k];

            if (sign[i] * to < 0.0 && at / (at - to) < reach) {
                reach = at / (at - to);
                blocking = i;
            }
            k++;
        }
        k = 0;
        for (size_t i = 0; i < n; i++) {
            if (is_free[i])
                d[i] += reach * step[k++];
        }
        if (blocking < n) {
            d[blocking] = -x[blocking];
            is_free[blocking] = false;
            continue;
        }
        for (size_t i = 0; i < n;
             i++) { /* held, and better let go? Its slope must point inwards by more than noise */
            double inwards = 0.0, scale = fabs(g[i]);

            if (is_free[i])
                continue;
            slope[i] = g[i];
            for (size_t j = 0; j < n; j++) {
                slope[i] += h[i * n + j] * d[j];
                scale += fabs(h[i * n + j] * d[j]);
            }
            inwards = -sign[i] * slope[i] - 1e-12 * scale;
            if (inwards > wrong) {
                wrong = inwards;
                worst = i;
            }
        }
        if (worst == n)
            return true;
        is_free[worst] = true;
    }
    return true; /* whatever is left: d lowers the model */
}
