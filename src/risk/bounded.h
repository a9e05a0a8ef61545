/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_BOUNDED_H
#define SPOTOPT_RISK_BOUNDED_H
#include <stdbool.h>
#include <stddef.h>

/*
 * Newton's step where coordinates may have a sign: the d that minimises g'd + d'Hd / 2 with x + d on its side of 0.
 * H is symmetric and positive definite, n x n, full. sign[i] is 1 (x_i >= 0), -1 (x_i <= 0) or 0 (free), and x keeps
 * it already. is_free[i] tells which coordinates are not held at 0 in the end. work: n (n + 3) doubles.
 * False: H is not positive definite in numbers.
 */
bool spotopt__bounded_step(size_t n, const double *h, const double *g, const double *x, const int *sign, double *d,
                           bool *is_free, double *work);
/* Factors the part of H whose coordinates are free into `work` (m x m, lower by columns); m, or 0: it cannot. */
size_t spotopt__bounded_factor(size_t n, const double *h, const bool *is_free, double *work);
/* Solves with that factor, in place: m numbers. */
void spotopt__bounded_solve(size_t m, const double *factor, double *b);

#endif
