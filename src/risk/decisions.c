/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decisions.c - the moments at which a forecast of a pool is asked for, and what came next.
 *
 * An observation is a run of rows up to an empty count (or the series' last row): beyond its last
 * row nothing is known. Its moments are the multiples of the step in it at which nodes are up; a
 * drop counts from the moment on, exclusive. Two cursors walk with the moments, so a series costs
 * its rows plus its moments. The series is walked twice, first to count, so that what is kept is
 * allocated once and exactly.
 */
#include "risk/decisions.h"
#include <math.h>

/* One observation of a series: rows [first, last] of the history, the last may be the empty one. */
typedef struct span {
    size_t first, last;
} span;

/* The next observation from `row` on, empty rows skipped; false: none. */
static bool
next_span(const spotopt_history *history, size_t row, size_t end, span *out)
{
    while (row < end && isnan(history->nodes_up[row]))
        row++;
    if (row == end)
        return false;
    out->first = row;
    while (row + 1 < end && !isnan(history->nodes_up[row]))
        row++;
    out->last = row;
    return true;
}

static bool
is_drop(const spotopt_history *history, size_t row)
{
    return history->nodes_up[row] < history->nodes_up[row - 1]; /* false at the empty row */
}

/* Moments of one observation, written from `at` on where there is room to write; their number. */
static size_t
walk(const spotopt_history *history, uint32_t series, const span *of, double from_s, double to_s,
     double step_s, spotopt__decisions *out, size_t at)
{
    const double *time_s = history->time_s, *up = history->nodes_up;
    double end_s = time_s[of->last], stop_s = end_s < to_s ? end_s : to_s;
    double k = ceil((from_s > time_s[of->first] ? from_s : time_s[of->first]) / step_s);
    size_t row = of->first, drop = of->first + 1, found = 0;

    for (double t = k * step_s; t < stop_s; t = ++k * step_s) {
        while (row < of->last && time_s[row + 1] <= t)
            row++;
        if (!(up[row] > 0.0))
            continue;
        if (out->time_s != NULL) {
            while (drop <= of->last && !(time_s[drop] > t && is_drop(history, drop)))
                drop++;
            out->series[at + found] = series;
            out->time_s[at + found] = t;
            out->next_drop_s[at + found] = drop <= of->last ? time_s[drop] - t : INFINITY;
            out->ahead_s[at + found] = end_s - t;
        }
        found++;
    }
    return found;
}

static size_t
walk_all(const spotopt_history *history, double from_s, double to_s, double step_s,
         spotopt__decisions *out)
{
    size_t count = 0;

    for (size_t i = 0; i < history->series.count; i++) {
        size_t row = history->series.at[i].first, end = row + history->series.at[i].count;

        for (span of; next_span(history, row, end, &of); row = of.last + 1)
            count += walk(history, (uint32_t)i, &of, from_s, to_s, step_s, out, count);
    }
    return count;
}

bool
spotopt__decisions_make(spotopt_context *context, const spotopt_history *history, double from_s,
                        double to_s, double step_s, spotopt__decisions *out)
{
    spotopt__decisions made = {0};

    /* Steps are whole numbers of the step in a double: below that, time would stand still. */
    assert(step_s > 0.0 && fmax(fabs(from_s), fabs(to_s)) / step_s < 0x1p52);
    made.count = walk_all(history, from_s, to_s, step_s, &made);
    made.series = spotopt__alloc_array(context, made.count + 1, sizeof *made.series);
    made.time_s = spotopt__alloc_array(context, made.count + 1, sizeof *made.time_s);
    made.next_drop_s = spotopt__alloc_array(context, made.count + 1, sizeof *made.next_drop_s);
    made.ahead_s = spotopt__alloc_array(context, made.count + 1, sizeof *made.ahead_s);
    if (made.series == NULL || made.time_s == NULL || made.next_drop_s == NULL ||
        made.ahead_s == NULL) {
        spotopt__decisions_free(context, &made);
        return false;
    }
    walk_all(history, from_s, to_s, step_s, &made);
    *out = made;
    return true;
}

void
spotopt__decisions_free(spotopt_context *context, spotopt__decisions *decisions)
{
    spotopt__free(context, decisions->series);
    spotopt__free(context, decisions->time_s);
    spotopt__free(context, decisions->next_drop_s);
    spotopt__free(context, decisions->ahead_s);
    *decisions = (spotopt__decisions){0};
}
