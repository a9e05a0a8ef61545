/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shock_fit.c - how much of a pool's hazard it shares, from who fell in the same hours.
 *
 * Time is cut into windows. Pools of hazards x >= y that share a fraction c both stand with
 * probability exp(-x - y + c y) (shocks.c), so c y is the logarithm of P(both stand) over the
 * product of the two: a moment of each pair, halves added so that it is finite. Pairs of one region
 * tell region_frac + global_frac, pairs across tell global_frac, each weighed by the falls of the
 * stabler pool and divided among a pool's partners, who repeat each other.
 */
#include "risk/decisions.h"
#include "spotopt/portfolio.h"

#define PULL_FALLS 20.0 /* falls that speak for what is believed beforehand */
#define WINDOWS_MAX 1e7

typedef struct pair_sums {
    double shared, falls;
} pair_sums;

static uint32_t
bits(uint64_t word)
{
    return (uint32_t)__builtin_popcountll(word);
}

static void
add_pair(const uint64_t *known_a, const uint64_t *fell_a, const uint64_t *known_b,
         const uint64_t *fell_b, size_t words, double partners, pair_sums *sums)
{
    double n = 0.0, a = 0.0, b = 0.0, either = 0.0;

    for (size_t w = 0; w < words; w++) {
        uint64_t both = known_a[w] & known_b[w];
        n += bits(both);
        a += bits(both & fell_a[w]);
        b += bits(both & fell_b[w]);
        either += bits(both & (fell_a[w] | fell_b[w]));
    }
    if (a == 0.0 || b == 0.0)
        return;
    double stabler = log((n + 1.0) / (n - fmin(a, b) + 0.5));
    sums->shared +=
        n / partners * log((n - either + 0.5) * (n + 1.0) / ((n - a + 0.5) * (n - b + 0.5)));
    sums->falls += n / partners * stabler;
}

static double
learned(const pair_sums *sums, double believed)
{
    double frac = (sums->shared + PULL_FALLS * believed) / (sums->falls + PULL_FALLS);

    return frac < 0.0 ? 0.0 : frac < 1.0 ? frac : 1.0;
}

static double
partners_of(const spotopt_history *history, size_t series)
{
    double n = 0.0;

    for (size_t i = 0; i < history->series.count; i++)
        n += strcmp(history->series.at[i].region, history->series.at[series].region) == 0;
    return n - 1.0;
}

/* Bits of windows, by series: known, then fell. */
static uint64_t *
windows_of(const spotopt_history *history, double from_s, double to_s, double step_s, size_t words)
{
    spotopt__decisions decisions = {0};
    uint64_t *bit =
        spotopt__alloc_array(history->context, 2 * words * history->series.count + 1, sizeof *bit);

    if (bit == NULL ||
        !spotopt__decisions_make(history->context, history, from_s, to_s, step_s, &decisions)) {
        spotopt__free(history->context, bit);
        return NULL;
    }
    double first = ceil(from_s / step_s);
    for (size_t i = 0; i < decisions.count; i++) {
        double at = floor(decisions.time_s[i] / step_s + 0.5) - first;
        uint64_t *row = bit + 2 * words * decisions.series[i];
        if (decisions.ahead_s[i] < step_s || !(decisions.time_s[i] + step_s <= to_s))
            continue;
        size_t window = (size_t)at;
        row[window / 64] |= UINT64_C(1) << window % 64;
        if (decisions.next_drop_s[i] <= step_s)
            row[words + window / 64] |= UINT64_C(1) << window % 64;
    }
    spotopt__decisions_free(history->context, &decisions);
    return bit;
}

spotopt_status
spotopt_portfolio_learn_shocks(const spotopt_history *history, double from_s, double to_s,
                               double horizon_h, double *region_frac, double *global_frac,
                               spotopt_error *err)
{
    pair_sums within = {0.0, 0.0}, across = {0.0, 0.0};
    double windows = (to_s - from_s) / (3600.0 * horizon_h);

    if (history == NULL || region_frac == NULL || global_frac == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             history == NULL       ? "history"
                             : region_frac == NULL ? "region_frac"
                                                   : "global_frac");
    if (!(horizon_h > 0.0 && horizon_h < INFINITY))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "horizon_h is %g; want hours > 0", horizon_h);
    if (!isfinite(from_s) || !(to_s > from_s) || !(windows <= WINDOWS_MAX))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "from_s is %g, to_s %g; want at most %g windows", from_s, to_s,
                             WINDOWS_MAX);
    if (!(*region_frac >= 0.0 && *global_frac >= 0.0 && *region_frac + *global_frac <= 1.0 + 1e-12))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "region_frac is %g, global_frac %g; want 0..1, together too",
                             *region_frac, *global_frac);

    size_t count = history->series.count, words = (size_t)windows / 64 + 1;
    uint64_t *bit = windows_of(history, from_s, to_s, 3600.0 * horizon_h, words);
    if (bit == NULL)
        return spotopt__nomem(err, "windows of a history");
    for (size_t i = 0; i < count; i++) {
        double partners = partners_of(history, i);
        for (size_t k = i + 1; k < count; k++) {
            bool is_near = strcmp(history->series.at[i].region, history->series.at[k].region) == 0;
            const uint64_t *a = bit + 2 * words * i, *b = bit + 2 * words * k;
            add_pair(a, a + words, b, b + words, words,
                     is_near ? partners : (double)count - 1.0 - partners,
                     is_near ? &within : &across);
        }
    }
    spotopt__free(history->context, bit);

    double both = learned(&within, *region_frac + *global_frac);
    *global_frac = learned(&across, *global_frac);
    *region_frac = both > *global_frac ? both - *global_frac : 0.0;
    return SPOTOPT_OK;
}
