/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.c - how sure one may be that one policy did better than another.
 *
 * Both lived through the same days, so what is compared is their difference day by day. Steps of
 * one day hang together, days hardly do: whole days are drawn with replacement, as many as there
 * are (block bootstrap; Kuensch 1989), and the sum of a draw's differences is one draw of the
 * total. The interval are the 2.5 and 97.5 percentiles, linear between draws; the draws are
 * numpy's. A draw that ties counts one half for each.
 */
#include "base/pcg64.h"
#include "replay/replay.h"
#include <stdlib.h>

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
percentile(const double *sorted, size_t count, double frac)
{
    const double place = frac * (double)(count - 1);
    const size_t below = (size_t)place;

    return below + 1 < count
               ? sorted[below] + (sorted[below + 1] - sorted[below]) * (place - (double)below)
               : sorted[count - 1];
}

static bool
draw(const spotopt_replay *replay, const double *difference, spotopt_replay_comparison *io)
{
    double *sums = spotopt__alloc_array(replay->context, replay->draws + 1, sizeof *sums);
    double better = 0.0;
    spotopt__pcg64 rng;

    if (sums == NULL)
        return false;
    spotopt__pcg64_seed(&rng, replay->seed);
    for (uint32_t i = 0; i < replay->draws; i++) {
        for (size_t day = 0; day < replay->day_count; day++)
            sums[i] += difference[spotopt__pcg64_below(&rng, (uint32_t)replay->day_count)];
        better += sums[i] < 0.0 ? 1.0 : sums[i] == 0.0 ? 0.5 : 0.0;
    }
    qsort(sums, replay->draws, sizeof *sums, by_value);
    io->low = percentile(sums, replay->draws, 0.025);
    io->high = percentile(sums, replay->draws, 0.975);
    io->better_frac = better / replay->draws;
    spotopt__free(replay->context, sums);
    return true;
}

spotopt_status
spotopt_replay_compare(const spotopt_replay *replay, size_t policy, size_t other, int32_t measure,
                       spotopt_replay_comparison *out, spotopt_error *err)
{
    spotopt_replay_comparison made = SPOTOPT_REPLAY_COMPARISON_INIT;
    double *difference;
    bool is_fine = true;

    if (replay == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "replay is NULL; want it set");
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out's size is not set");
    if (!replay->was_run)
        return spotopt__fail(err, SPOTOPT_E_STATE, "the replay was not run yet");
    if (policy >= replay->tried.count || other >= replay->tried.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "policies are %zu and %zu; want them below %zu", policy, other,
                             replay->tried.count);
    if (measure < 0 || measure >= SPOTOPT__MEASURES)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "measure is %d; want it from 0 to %d",
                             (int)measure, SPOTOPT__MEASURES - 1);
    difference = spotopt__alloc_array(replay->context, replay->day_count + 1, sizeof *difference);
    if (difference == NULL)
        return spotopt__nomem(err, "a comparison");
    for (size_t day = 0; day < replay->day_count; day++) {
        const size_t at = day * SPOTOPT__MEASURES + (size_t)measure;

        difference[day] = replay->tried.at[policy].days[at] - replay->tried.at[other].days[at];
        made.difference += difference[day];
    }
    made.days = replay->day_count;
    made.low = made.high = made.better_frac = NAN;
    if (replay->day_count >= 2 && replay->draws > 0)
        is_fine = draw(replay, difference, &made);
    spotopt__free(replay->context, difference);
    if (!is_fine)
        return spotopt__nomem(err, "a comparison");
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}
