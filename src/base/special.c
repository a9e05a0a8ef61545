/* SPDX-License-Identifier: Apache-2.0 */
/*
 * special.c - distribution functions that tests of hypotheses need.
 *
 * The incomplete beta function by Lentz's continued fraction on the side where it converges fast
 * (Press et al., Numerical Recipes, 6.4); Student's t from it. Quantiles are sought by halving a
 * bracket with Newton's steps inside, so that they end for any input. The noncentral t is the
 * series of Lenth (AS 243, 1989) over Poisson weights, begun at the largest weight so that no
 * weight underflows. lgamma_r, because lgamma writes a global.
 */
#include "base/special.h"

#include <math.h>

#define TERMS_MAX 20000
#define STEPS_MAX 200
#define SMALL 1e-300

static double
log_gamma(double a)
{
    int sign;

    return lgamma_r(a, &sign);
}

/* x^a (1 - x)^b / B(a, b) */
static double
beta_weight(double a, double b, double x)
{
    return exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
}

static double
keep_off_zero(double value)
{
    return fabs(value) < SMALL ? SMALL : value;
}

static double
beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 / keep_off_zero(1.0 - (a + b) * x / (a + 1.0)), h = d;

    for (int m = 1; m < TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step;

        d = 1.0 / keep_off_zero(1.0 + even * d);
        c = keep_off_zero(1.0 + even / c);
        h *= d * c;
        d = 1.0 / keep_off_zero(1.0 + odd * d);
        c = keep_off_zero(1.0 + odd / c);
        step = d * c;
        h *= step;
        if (fabs(step - 1.0) < 1e-16)
            break;
    }
    return h;
}

double
spotopt__beta_p(double a, double b, double x)
{
    if (isnan(a) || isnan(b) || isnan(x))
        return NAN;
    if (!(x > 0.0))
        return 0.0;
    if (!(x < 1.0))
        return 1.0;
    if (x < (a + 1.0) / (a + b + 2.0))
        return fmin(1.0, beta_weight(a, b, x) * beta_fraction(a, b, x) / a);
    return fmax(0.0, 1.0 - beta_weight(b, a, 1.0 - x) * beta_fraction(b, a, 1.0 - x) / b);
}

double
spotopt__beta_quantile(double a, double b, double p)
{
    double low = 0.0, high = 1.0, x = a / (a + b);

    if (isnan(p) || isnan(a) || isnan(b))
        return NAN;
    if (!(p > 0.0))
        return 0.0;
    if (!(p < 1.0))
        return 1.0;
    for (int n = 0; n < STEPS_MAX && high - low > 1e-15 * high; n++) {
        double gap = spotopt__beta_p(a, b, x) - p, slope, next;

        if (gap > 0.0)
            high = x;
        else
            low = x;
        slope = beta_weight(a, b, x) / (x * (1.0 - x));
        next = x - gap / slope;
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        if (fabs(next - x) <= 1e-15 * x)
            return next;
        x = next;
    }
    return x;
}

double
spotopt__normal_p(double z)
{
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

/* The derivative is the density; Newton from Hastings' rough value (Abramowitz and Stegun 26.2.23)
 * converges at once. In the upper half by symmetry, where the tail keeps its digits. */
double
spotopt__normal_quantile(double p)
{
    if (isnan(p))
        return NAN;
    if (!(p > 0.0))
        return -INFINITY;
    if (!(p < 1.0))
        return INFINITY;
    double tail = p < 0.5 ? p : 1.0 - p, t = sqrt(-2.0 * log(tail));
    double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));

    for (int n = 0; n < 4; n++) {
        double density = exp(-0.5 * z * z) * 0.39894228040143267794;

        z += (spotopt__normal_p(-z) - tail) / density;
    }
    return p < 0.5 ? -z : z;
}

double
spotopt__student_p(double t, double df)
{
    if (isnan(t) || isnan(df))
        return NAN;
    if (isinf(df))
        return spotopt__normal_p(t);
    double tail = 0.5 * spotopt__beta_p(0.5 * df, 0.5, df / (df + t * t));

    return t > 0.0 ? 1.0 - tail : tail;
}

double
spotopt__student_quantile(double p, double df)
{
    if (isnan(p) || isnan(df))
        return NAN;
    if (isinf(df) || !(p > 0.0 && p < 1.0))
        return spotopt__normal_quantile(p);
    if (p > 0.5)
        return -spotopt__student_quantile(1.0 - p, df);
    double x = spotopt__beta_quantile(0.5 * df, 0.5, 2.0 * p);

    return x > 0.0 ? -sqrt(df * (1.0 - x) / x) : -INFINITY;
}

/* P(T <= t), t >= 0: the normal part below 0, then a sum over j of Poisson weights of shift^2 / 2
 * times incomplete betas. */
static double
noncentral_p(double t, double df, double shift)
{
    double x = t * t / (t * t + df), half = 0.5 * shift * shift, sum = 0.0;
    double mode = floor(half);

    if (!(x > 0.0) || isinf(df))
        return spotopt__normal_p(t - shift);
    for (int way = -1; way <= 1; way += 2) {
        for (double j = way < 0 ? mode : mode + 1.0; j >= 0.0; j += way) {
            double log_p = -half + (half > 0.0 ? j * log(half) : (j > 0.0 ? -INFINITY : 0.0));
            double p = 0.5 * exp(log_p - log_gamma(j + 1.0));
            double q = 0.5 * shift / sqrt(2.0) * exp(log_p - log_gamma(j + 1.5));
            double term = p * spotopt__beta_p(j + 0.5, 0.5 * df, x) +
                          q * spotopt__beta_p(j + 1.0, 0.5 * df, x);

            sum += term;
            if (p + fabs(q) < 1e-17 || fabs(j - mode) > TERMS_MAX)
                break;
        }
    }
    return fmin(1.0, spotopt__normal_p(-shift) + sum);
}

double
spotopt__student_power(double limit, double df, double shift)
{
    if (isnan(limit) || isnan(df) || isnan(shift))
        return NAN;
    if (isinf(limit))
        return 0.0;
    /* Far out the series is long and the normal value is as good. */
    if (fabs(shift) > 37.0)
        return spotopt__normal_p(fabs(shift) - limit);
    /* P(T < -limit) at shift = P(T > limit) at -shift. */
    double power = 2.0 - noncentral_p(limit, df, shift) - noncentral_p(limit, df, -shift);
    return fmax(0.0, fmin(1.0, power));
}
