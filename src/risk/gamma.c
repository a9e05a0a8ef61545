/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gamma.c - the regularised incomplete gamma function and its inverse.
 *
 * P(a, x) by its power series below x = a + 1 and by Lentz's continued fraction above. The quantile
 * is sought in y = ln x, where small shapes are harmless: Wilson and Hilferty's cube (1931) or the
 * first term of the series begins, Halley's iteration goes on within a bracket that halves whenever
 * a step leaves it. Loops are bounded; lgamma_r, because lgamma writes a global.
 */
#include "risk/risk.h"

#define TERMS_MAX 2000
#define STEPS_MAX 200
#define SMALL 1e-300
#define LOG_LEAST (-745.0) /* exp() below this is 0 */

static double
log_gamma(double a)
{
    int sign;

    return lgamma_r(a, &sign);
}

/* exp(a ln x - x - ln Gamma(a)): x times the density. */
static double
log_weight(double a, double log_gamma_a, double x)
{
    return a * log(x) - x - log_gamma_a;
}

/* P(a, x), 0 < x < infinity, with x times the density there. */
static double
p_with_weight(double a, double x, double weight)
{
    if (x < a + 1.0) {
        double term = 1.0 / a, sum = term;

        for (int n = 1; n < TERMS_MAX && term > sum * 1e-17; n++) {
            term *= x / (a + n);
            sum += term;
        }
        double p = sum * weight;
        return p < 1.0 ? p : 1.0;
    }

    double b = x + 1.0 - a, c = 1.0 / SMALL, d = 1.0 / b, h = d;
    for (int n = 1; n < TERMS_MAX; n++) {
        double an = -(double)n * ((double)n - a), step;

        b += 2.0;
        d = an * d + b;
        d = fabs(d) < SMALL ? SMALL : d;
        c = b + an / c;
        c = fabs(c) < SMALL ? SMALL : c;
        d = 1.0 / d;
        step = d * c;
        h *= step;
        if (fabs(step - 1.0) < 1e-16)
            break;
    }
    double q = h * weight;
    return q < 1.0 ? 1.0 - q : 0.0;
}

double
spotopt__gamma_p(double a, double x)
{
    if (!(x > 0.0))
        return 0.0;
    if (!(x < INFINITY))
        return 1.0;
    return p_with_weight(a, x, exp(log_weight(a, log_gamma(a), x)));
}

/* The normal quantile to 4.5e-4 (Hastings 1955; Abramowitz and Stegun 26.2.23): enough to begin
 * with. */
static double
rough_normal_quantile(double p)
{
    double tail = p < 0.5 ? p : 1.0 - p, t = sqrt(-2.0 * log(tail));
    double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));

    return p < 0.5 ? -z : z;
}

static double
first_guess(double a, double p)
{
    double by_series = (log(p) + log_gamma(a + 1.0)) / a; /* P(a, x) ~ x^a / Gamma(a + 1) near 0 */

    if (a >= 0.5) {
        double cube = 1.0 - 1.0 / (9.0 * a) + rough_normal_quantile(p) / (3.0 * sqrt(a));
        double x = a * cube * cube * cube;

        if (cube > 0.0 && x > 0.1 * a)
            return log(x);
    }
    return by_series;
}

double
spotopt__gamma_quantile(double a, double p)
{
    double low = -1e9, high = log(a + 800.0 + 40.0 * sqrt(a)), log_gamma_a, y;

    if (!(p > 0.0))
        return 0.0;
    y = first_guess(a, p);
    if (y < LOG_LEAST - 5.0)
        return 0.0; /* below the least number there is; small shapes put most of their weight there
                     */
    if (!(y < high))
        y = high - 1.0;
    log_gamma_a = log_gamma(a);
    for (int n = 0; n < STEPS_MAX; n++) {
        double x = exp(y), slope = x > 0.0 ? exp(log_weight(a, log_gamma_a, x)) : 0.0;
        double gap = (x > 0.0 ? p_with_weight(a, x, slope) : 0.0) - p;
        double newton = slope > 0.0 ? -gap / slope : 0.0, bend = 1.0 + 0.5 * newton * (a - x);
        double step = bend > 0.5 && bend < 2.0 ? newton / bend : newton, next = y + step;

        if (gap > 0.0)
            high = y;
        else
            low = y;
        if (!(next > low && next < high) || !(slope > 0.0)) {
            next = low > -1e8 ? 0.5 * (low + high) : high - 2.0;
            step = INFINITY;
        }
        /* The error left goes with the cube of the step. */
        if (fabs(step) < 1e-5 / (1.0 + a) || fabs(next - y) <= 1e-13 * (1.0 + fabs(y)))
            return exp(next);
        y = next;
    }
    return exp(y);
}
