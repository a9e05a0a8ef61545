/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap.c - how far a score could be off: whole days drawn with replacement.
 *
 * Rows of one day are not independent of each other (one shortage is many rows), days nearly are: a
 * draw takes as many days as there are, some twice, some never (block bootstrap; Kuensch 1989, with
 * days as blocks). Rows are never sorted again: Brier scores are sums by day, and the pairs that
 * the area under the ROC curve counts are tallied once by the day of the yes and the day of the no,
 * so a draw costs days^2. With very many days, a draw is one weighted pass over the sorted rows
 * instead. Intervals are the 2.5 and 97.5 percentiles of the draws (linear between them); the draws
 * are those of numpy's default generator.
 */
#include "base/pcg64.h"
#include "risk/metrics.h"
#include <math.h>
#include <stdlib.h>

#define TALLY_DAYS 1024 /* 8 MiB of tally at most */

typedef struct sample {
    spotopt_context *context;
    uint32_t days, draws;
    spotopt__pcg64 rng;
    double *times; /* by day: how often it was drawn */
    double *one, *two;
} sample;

static void
sample_free(sample *s)
{
    spotopt__free(s->context, s->times);
    spotopt__free(s->context, s->one);
    spotopt__free(s->context, s->two);
}

static bool
sample_init(sample *s, spotopt_context *context, uint32_t days, uint32_t draws, uint64_t seed)
{
    *s = (sample){.context = context, .days = days, .draws = draws};
    spotopt__pcg64_seed(&s->rng, seed);
    s->times = spotopt__alloc_array(context, (size_t)days + 1, sizeof *s->times);
    s->one = spotopt__alloc_array(context, (size_t)draws + 1, sizeof *s->one);
    s->two = spotopt__alloc_array(context, (size_t)draws + 1, sizeof *s->two);
    return s->times != NULL && s->one != NULL && s->two != NULL;
}

static void
draw_days(sample *s)
{
    memset(s->times, 0, s->days * sizeof *s->times);
    for (uint32_t i = 0; i < s->days; i++)
        s->times[spotopt__pcg64_below(&s->rng, s->days)] += 1.0;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
percentile(const double *sorted, size_t count, double frac)
{
    double place = frac * (double)(count - 1);
    size_t below = (size_t)place;

    return below + 1 < count
               ? sorted[below] + (sorted[below + 1] - sorted[below]) * (place - (double)below)
               : sorted[count - 1];
}

/* Of the draws that have a value at all. */
static void
interval(double *values, size_t count, double *low, double *high)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i]))
            values[kept++] = values[i];
    }
    *low = *high = NAN;
    if (kept == 0)
        return;
    qsort(values, kept, sizeof *values, by_value);
    *low = percentile(values, kept, 0.025);
    *high = percentile(values, kept, 0.975);
}

/* won[d * days + e]: pairs of a yes of day d and a no of day e that the yes wins, ties one half. */
static bool
tally_pairs(spotopt_context *context, const spotopt__sorted *rows, double *won)
{
    const uint32_t days = rows->days;
    double *below = spotopt__alloc_array(context, days, sizeof *below); /* a no so far, by day */
    bool is_fine = below != NULL;

    for (size_t i = 0; is_fine && i < rows->count;) {
        size_t to = i;

        /* What is equal counts one half: the no of this forecast are added in two halves. */
        for (; to < rows->count && rows->p[to] == rows->p[i]; to++)
            below[rows->day[to]] += rows->y[to] ? 0.0 : 0.5;
        for (size_t k = i; k < to; k++) {
            double *of = won + (size_t)rows->day[k] * days;

            if (!rows->y[k])
                continue;
            for (uint32_t e = 0; e < days; e++)
                of[e] += below[e];
        }
        for (; i < to; i++)
            below[rows->day[i]] += rows->y[i] ? 0.0 : 0.5;
    }
    spotopt__free(context, below);
    return is_fine;
}

static double
auc_of_tally(const double *won, const double *times, uint32_t days)
{
    double sum = 0.0;

    for (uint32_t d = 0; d < days; d++) {
        double of_day = 0.0;

        for (uint32_t e = 0; times[d] > 0.0 && e < days; e++)
            of_day += times[e] * won[(size_t)d * days + e];
        sum += times[d] * of_day;
    }
    return sum;
}

static double
auc_of_pass(const spotopt__sorted *rows, const double *times)
{
    double no = 0.0, won = 0.0;

    for (size_t i = 0; i < rows->count;) {
        const double at = rows->p[i];
        double yes_here = 0.0, no_here = 0.0;

        for (; i < rows->count && rows->p[i] == at; i++) {
            double weight = times[rows->day[i]];

            yes_here += rows->y[i] ? weight : 0.0;
            no_here += rows->y[i] ? 0.0 : weight;
        }
        won += yes_here * (no + 0.5 * no_here);
        no += no_here;
    }
    return won;
}

bool
spotopt__scores_bootstrap(spotopt_context *context, const spotopt__sorted *rows, uint32_t draws,
                          uint64_t seed, spotopt__scores *io)
{
    const uint32_t days = rows->days;
    const bool has_tally = days <= TALLY_DAYS;
    double *won = spotopt__alloc_array(context, has_tally ? (size_t)days * days : 1, sizeof *won);
    double *sums = spotopt__alloc_array(context, 4 * (size_t)days, sizeof *sums);
    double *squares = sums, *flat = sums != NULL ? sums + days : NULL,
           *yes = sums != NULL ? sums + 2 * (size_t)days : NULL,
           *no = sums != NULL ? sums + 3 * (size_t)days : NULL;
    sample s;
    bool is_fine = sample_init(&s, context, days, draws, seed) && won != NULL && sums != NULL &&
                   (!has_tally || tally_pairs(context, rows, won));

    for (size_t i = 0; is_fine && i < rows->count; i++) {
        double off = rows->p[i] - rows->y[i], flat_off = io->reference - rows->y[i];

        squares[rows->day[i]] += off * off;
        flat[rows->day[i]] += flat_off * flat_off;
        (rows->y[i] ? yes : no)[rows->day[i]] += 1.0;
    }
    for (uint32_t k = 0; is_fine && k < draws; k++) {
        double off = 0.0, flat_off = 0.0, yes_all = 0.0, no_all = 0.0;

        draw_days(&s);
        for (uint32_t d = 0; d < days; d++) {
            off += s.times[d] * squares[d];
            flat_off += s.times[d] * flat[d];
            yes_all += s.times[d] * yes[d];
            no_all += s.times[d] * no[d];
        }
        s.two[k] = flat_off > 0.0 ? 1.0 - off / flat_off : NAN;
        s.one[k] = NAN;
        if (yes_all > 0.0 && no_all > 0.0)
            s.one[k] = (has_tally ? auc_of_tally(won, s.times, days) : auc_of_pass(rows, s.times)) /
                       (yes_all * no_all);
    }
    if (is_fine) {
        interval(s.one, draws, &io->auc_low, &io->auc_high);
        interval(s.two, draws, &io->bss_low, &io->bss_high);
    }
    sample_free(&s);
    spotopt__free(context, won);
    spotopt__free(context, sums);
    return is_fine;
}

bool
spotopt__gain_make(spotopt_context *context, const double *p, const double *other, const uint8_t *y,
                   const double *time_s, size_t count, double reference, uint32_t draws,
                   uint64_t seed, spotopt__gain *out)
{
    uint32_t *day = spotopt__alloc_array(context, count + 1, sizeof *day), days = 0;
    double *sums = NULL, *gains = NULL, *flat = NULL;
    double gain = 0.0, flat_all = 0.0, better = 0.0;
    sample s = {.context = context};
    bool is_fine = day != NULL && spotopt__days_of(context, time_s, count, day, &days) &&
                   sample_init(&s, context, days, draws, seed);

    if (is_fine)
        sums = spotopt__alloc_array(context, 2 * (size_t)days + 1, sizeof *sums);
    is_fine = is_fine && sums != NULL;
    if (is_fine) {
        gains = sums;
        flat = sums + days;
    }
    for (size_t i = 0; is_fine && i < count; i++) {
        double seen = y[i] != 0, off = p[i] - seen, other_off = other[i] - seen,
               flat_off = reference - seen;

        gains[day[i]] += other_off * other_off - off * off;
        flat[day[i]] += flat_off * flat_off;
    }
    for (uint32_t d = 0; is_fine && d < days; d++) {
        gain += gains[d];
        flat_all += flat[d];
    }
    for (uint32_t k = 0; is_fine && k < draws; k++) {
        double sum = 0.0, flat_sum = 0.0;

        draw_days(&s);
        for (uint32_t d = 0; d < days; d++) {
            sum += s.times[d] * gains[d];
            flat_sum += s.times[d] * flat[d];
        }
        s.one[k] = flat_sum > 0.0 ? sum / flat_sum : NAN;
        better += s.one[k] > 0.0;
    }
    if (is_fine) {
        *out = (spotopt__gain){flat_all > 0.0 ? gain / flat_all : NAN, NAN, NAN,
                               gain / (double)count, draws > 0 ? better / draws : NAN};
        interval(s.one, draws, &out->low, &out->high);
    }
    sample_free(&s);
    spotopt__free(context, sums);
    spotopt__free(context, day);
    return is_fine;
}
