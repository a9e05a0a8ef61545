/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prior.c - what is believed of a pool before anything was seen of it.
 *
 * Losses of a pool-day are Poisson with a rate that differs from day to day, gamma distributed:
 * together negative binomial. Pool-days of one family in one region share alpha and mean. The mean
 * is the ratio of events to hours, alpha maximises the likelihood by a grid and golden section in
 * ln alpha, which needs no derivative and cannot run away. Both are drawn towards something
 * coarser, so that three days of one pool do not outweigh a year of the rest.
 *
 * Without history the vendor's word is taken: AWS's advisor states which share q of a pool's
 * instances was reclaimed in the trailing month, in classes. Were the rate constant, q = 1 -
 * exp(-720 rate); the class's middle stands for q, 30 % for the open class above 20 %, the mean of
 * all rates where the class is unknown. With history only the order of the classes is believed, to
 * a power that is learned. Assumptions, not measurements: docs/algorithms.md, "Risk".
 */
#include "risk/risk.h"

#define BUCKETS 5
#define MONTH_H 720.0
#define ALPHA_MIN 0.02
#define ALPHA_MAX 20.0
#define GRID 25
#define TRUST_MEAN 0.5
#define TRUST_SD 0.5
#define TRUST_MAX 2.0

double
spotopt__bucket_rate(int32_t bucket)
{
    static const double share[BUCKETS] = {0.025, 0.075, 0.125, 0.175, 0.30};
    double sum = 0.0;

    if (bucket >= 0 && bucket < BUCKETS)
        return -log1p(-share[bucket]) / MONTH_H;
    for (int i = 0; i < BUCKETS; i++)
        sum += -log1p(-share[i]) / MONTH_H;
    return sum / BUCKETS;
}

/* ln (Gamma(k + a) / Gamma(a)) for a whole k >= 0. */
static double
log_rising(double a, double k)
{
    int sign;

    if (k <= 16.0) {
        double sum = 0.0;
        for (double j = 0.0; j < k; j += 1.0)
            sum += log(a + j);
        return sum;
    }
    return lgamma_r(k + a, &sign) - lgamma_r(a, &sign);
}

/* Without what does not depend on alpha. */
static double
log_likelihood(const spotopt__cell *cells, size_t count, double mean, double alpha)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        double me = mean * cells[i].hours, k = cells[i].events;
        double one = -alpha * log1p(me / alpha);

        if (k > 0.0)
            one += log_rising(alpha, k) - k * log(alpha + me);
        sum += cells[i].weight * one;
    }
    return sum;
}

static double
clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

typedef struct target {
    const spotopt__cell *cells;
    size_t count;
    double mean, towards, sd; /* towards: ln alpha */
    double most;              /* alpha */
} target;

static double
judge(const target *t, double log_alpha)
{
    double off = (log_alpha - t->towards) / t->sd;

    return log_likelihood(t->cells, t->count, t->mean, exp(log_alpha)) - 0.5 * off * off;
}

static double
best_log_alpha(const target *t)
{
    const double least = log(ALPHA_MIN), most = log(t->most), step = (most - least) / (GRID - 1);
    const double ratio = 0.6180339887498949;
    double best = -INFINITY, low, high, x[2], f[2];
    int at = 0;

    for (int i = 0; i < GRID; i++) {
        double value = judge(t, least + i * step);
        if (value > best) {
            best = value;
            at = i;
        }
    }
    low = least + (at > 0 ? at - 1 : 0) * step;
    high = least + (at < GRID - 1 ? at + 1 : GRID - 1) * step;
    x[0] = high - ratio * (high - low);
    x[1] = low + ratio * (high - low);
    f[0] = judge(t, x[0]);
    f[1] = judge(t, x[1]);
    for (int i = 0; i < 24; i++) {
        if (f[0] >= f[1]) {
            high = x[1];
            x[1] = x[0];
            f[1] = f[0];
            x[0] = high - ratio * (high - low);
            f[0] = judge(t, x[0]);
        } else {
            low = x[0];
            x[0] = x[1];
            f[0] = f[1];
            x[1] = low + ratio * (high - low);
            f[1] = judge(t, x[1]);
        }
    }
    return 0.5 * (low + high);
}

double
spotopt__alpha_fit(const spotopt__cell *cells, size_t count, double mean, double towards,
                   double alpha_sd, double most)
{
    target t = {cells, count, mean, log(clamp(towards, ALPHA_MIN, most)), alpha_sd, most};

    return count > 0 ? exp(best_log_alpha(&t)) : exp(t.towards);
}

spotopt__prior
spotopt__prior_fit(const spotopt__cell *cells, size_t count, const spotopt__prior *towards,
                   double pull_events, double alpha_sd)
{
    double events = pull_events, hours = pull_events / towards->mean;

    for (size_t i = 0; i < count; i++) {
        events += cells[i].weight * cells[i].events;
        hours += cells[i].weight * cells[i].hours;
    }
    double mean = clamp(events / hours, SPOTOPT__RATE_MIN, SPOTOPT__RATE_MAX);
    return (spotopt__prior){
        spotopt__alpha_fit(cells, count, mean, towards->alpha, alpha_sd, ALPHA_MAX), mean};
}

double
spotopt__bucket_trust(const double *events, const double *hours, const double *x, size_t count)
{
    double g = TRUST_MEAN;

    /*
     * Newton on the Poisson likelihood with the common level profiled out: the score is sum k (x -
     * mean of x under hours * exp(g x)), its slope minus the variance times the events. Halved,
     * since days of one pool are alike.
     */
    for (int n = 0; n < 50; n++) {
        double k = 0.0, kx = 0.0, w0 = 0.0, w1 = 0.0, w2 = 0.0;

        for (size_t i = 0; i < count; i++) {
            double w = hours[i] * exp(g * x[i]);
            k += events[i];
            kx += events[i] * x[i];
            w0 += w;
            w1 += w * x[i];
            w2 += w * x[i] * x[i];
        }
        if (!(w0 > 0.0))
            return g;
        double mean = w1 / w0, variance = w2 / w0 - mean * mean;
        double score = 0.5 * (kx - k * mean) - (g - TRUST_MEAN) / (TRUST_SD * TRUST_SD);
        double slope = 0.5 * k * (variance > 0.0 ? variance : 0.0) + 1.0 / (TRUST_SD * TRUST_SD);
        double next = clamp(g + clamp(score / slope, -0.5, 0.5), 0.0, TRUST_MAX);

        if (fabs(next - g) < 1e-12)
            return next;
        g = next;
    }
    return g;
}
