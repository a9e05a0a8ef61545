/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_SPECIAL_H
#define SPOTOPT_BASE_SPECIAL_H

/* Distribution functions of statistics, to about 1e-12; quantiles to about 1e-10. Pure; NaN for NaN. */

/* I_x(a, b), the chance that a beta variable is at most x; a, b > 0, 0 <= x <= 1. */
double spotopt__beta_p(double a, double b, double x);
double spotopt__beta_quantile(double a, double b, double p);
double spotopt__normal_p(double z);
double spotopt__normal_quantile(double p);
/* Student's t with df > 0 degrees of freedom. */
double spotopt__student_p(double t, double df);
double spotopt__student_quantile(double p, double df);
/* The chance that a t variable with noncentrality `shift` lies outside [-limit, limit]; limit >= 0. */
double spotopt__student_power(double limit, double df, double shift);

#endif
