/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prior.c - what is believed of a pool before anything was seen of it.
 *
 * Losses of a pool-day are Poisson with a rate that differs from day to day, gamma distributed:
 * together negative binomial. Pool-days of one family in one region share alpha and mean. The mean
 * is the ratio of events to hours, alpha maximises the likelihood by ever finer grids in ln alpha,
 * which need no derivative, cannot run away, and are one walk over the cells each. Both are drawn
 * towards something coarser, so that three days of one pool do not outweigh a year of the rest.
 *
 * Without history the vendor's word is taken: AWS's advisor states which share q of a pool's
 * instances was reclaimed in the trailing month, in classes. Were the rate constant, q = 1 -
 * exp(-720 rate); the class's middle stands for q, 30 % for the open class above 20 %, the mean of
 * all rates where the class is unknown. With history only the order of the classes is believed, to
 * a power that is learned. Assumptions, not measurements: docs/algorithms.md, "Risk".
 */
#include "base/vmath.h"
#include "risk/risk.h"

#define BUCKETS 5
#define MONTH_H 720.0
#define ALPHA_MIN 0.02
#define ALPHA_MAX 20.0
#define EVENTS_MAX 16
#define TRUST_MEAN 0.5
#define TRUST_SD 0.5
#define TRUST_MAX 2.0

enum { LANES = 8, GRID = 3 * LANES, ROUNDS = 4 };

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

static double
clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

typedef struct target {
    const spotopt__cell *cells;
    size_t count;
    double mean, towards, sd; /* towards: ln alpha */
    /* Weight of cells with so many events, as long as those are few; and whether others have more.
     */
    double events[EVENTS_MAX + 1];
    bool has_more;
} target;

static bool
has_few(const spotopt__cell *cell)
{
    return cell->events <= EVENTS_MAX && cell->events == (double)(int)cell->events;
}

/* Sum of the weighted (alpha + k) log2(1 + mean hours / alpha) over cells, for LANES alphas at
 * once. */
SPOTOPT__CLONES static void
sum_logs(const target *t, const double alpha[LANES], double out[LANES])
{
    double sum[LANES] = {0.0};

    for (size_t i = 0; i < t->count; i++) {
        const double weight = t->cells[i].weight, k = t->cells[i].events,
                     all = t->mean * t->cells[i].hours, expected = all < 1e290 ? all : 1e290;

#pragma omp simd
        for (int j = 0; j < LANES; j++)
            sum[j] += weight * (alpha[j] + k) * spotopt__vlog2_1p(expected, alpha[j]);
    }
    memcpy(out, sum, sizeof sum);
}

/*
 * The log-likelihood without what does not depend on alpha, and the pull towards what is coarser.
 * Of a cell with k events it is ln (Gamma(k + a) / Gamma(a)) - k ln a - (a + k) ln(1 + mean hours /
 * a), of which the first two are the same for all cells with k events.
 */
static void
judge(const target *t, const double log_alpha[LANES], double out[LANES])
{
    double alpha[LANES], logs[LANES], gamma[LANES];
    int sign;

    for (int j = 0; j < LANES; j++)
        alpha[j] = exp(log_alpha[j]);
    sum_logs(t, alpha, logs);
    for (int j = 0; j < LANES; j++) {
        double off = (log_alpha[j] - t->towards) / t->sd, rising = 0.0;

        out[j] = -SPOTOPT__LN2 * logs[j] - 0.5 * off * off;
        for (int k = 1; k <= EVENTS_MAX; k++) {
            rising += log1p((k - 1) / alpha[j]);
            out[j] += t->events[k] > 0.0 ? t->events[k] * rising : 0.0;
        }
        gamma[j] = lgamma_r(alpha[j], &sign);
    }
    for (size_t i = 0; t->has_more && i < t->count; i++) {
        const spotopt__cell *cell = &t->cells[i];

        for (int j = 0; j < LANES && !has_few(cell); j++)
            out[j] += cell->weight * (lgamma_r(cell->events + alpha[j], &sign) - gamma[j] -
                                      cell->events * log_alpha[j]);
    }
}

/*
 * A grid over the whole range, since there may be several hills, then ever finer ones around its
 * best, each one walk over the cells; at last the top of a parabola.
 */
static double
best_log_alpha(const target *t, double most_alpha)
{
    const double least = log(ALPHA_MIN), most = log(most_alpha);
    double from = least, step = (most - least) / (GRID - 1), x[GRID], f[GRID];
    size_t points = GRID, at = 0;

    for (int round = 0; round <= ROUNDS; round++) {
        for (size_t i = 0; i < points; i++)
            x[i] = from + (double)i * step;
        for (size_t i = 0; i < points; i += LANES)
            judge(t, x + i, f + i);
        at = 0;
        for (size_t i = 1; i < points; i++)
            at = f[i] > f[at] ? i : at;
        if (round == ROUNDS)
            break;
        /* All points between the neighbours of the best, but those themselves. */
        double low = x[at] - step > least ? x[at] - step : least,
               high = x[at] + step < most ? x[at] + step : most;
        points = LANES;
        step = (high - low) / (LANES + 1);
        from = low + step;
    }
    if (at > 0 && at + 1 < points) {
        double bend = f[at - 1] - 2.0 * f[at] + f[at + 1];
        if (bend < 0.0)
            return x[at] + clamp(0.5 * (f[at - 1] - f[at + 1]) / bend, -1.0, 1.0) * step;
    }
    return x[at];
}

double
spotopt__alpha_fit(const spotopt__cell *cells, size_t count, double mean, double towards,
                   double alpha_sd, double most)
{
    target t = {cells, count, mean, log(clamp(towards, ALPHA_MIN, most)), alpha_sd, {0.0}, false};

    if (count == 0)
        return exp(t.towards);
    for (size_t i = 0; i < count; i++) {
        if (has_few(&cells[i]))
            t.events[(size_t)cells[i].events] += cells[i].weight;
        else
            t.has_more = true;
    }
    return exp(best_log_alpha(&t, most));
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
