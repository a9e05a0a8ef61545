/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.c - what a pool's own past says, recent hours most.
 *
 * An event of age s counts exp(-s / tau), an hour held s ago as well, so that D / E is a rate of
 * the recent past. A node lost counts against the node-hours held (the rate of one node), a change
 * downwards against the hours with any node up (the rate of the pool). An observation runs from row
 * to row; the last row holds until now unless an empty one ends it. What lies after now is not
 * looked at.
 */
#include "risk/risk.h"

#define HOUR_S 3600.0
#define DAY_S 86400.0

/* One stretch of constant count, [from_s, to_s), and how many nodes were lost at its beginning. */
typedef struct stretch {
    double from_s, to_s, nodes, lost;
} stretch;

/* The stretch that begins at a row; false where nothing is observed from there, or it lies ahead.
 */
static bool
stretch_at(const spotopt_history *history, const spotopt__series *series, size_t row, double now_s,
           stretch *out)
{
    const double *time_s = history->time_s + series->first,
                 *nodes = history->nodes_up + series->first;

    if (isnan(nodes[row]) || !(time_s[row] <= now_s))
        return false;
    out->from_s = time_s[row];
    out->to_s = row + 1 < series->count && time_s[row + 1] < now_s ? time_s[row + 1] : now_s;
    out->nodes = nodes[row];
    out->lost = row > 0 && nodes[row - 1] > nodes[row] ? nodes[row - 1] - nodes[row]
                                                       : 0.0; /* false for NaN */
    return true;
}

spotopt__evidence
spotopt__evidence_at(const spotopt_history *history, size_t series, double now_s, double tau_h)
{
    const spotopt__series *of = &history->series.at[series];
    const double *time_s = history->time_s + of->first;
    spotopt__evidence e = {0.0, 0.0, 0.0, 0.0, NAN, NAN};

    for (size_t row = 0; row < of->count && time_s[row] <= now_s; row++) {
        stretch s;

        e.nodes_up = history->nodes_up[of->first + row];
        e.seen_s = time_s[row];
        if (!stretch_at(history, of, row, now_s, &s))
            continue;
        double old = exp(-(now_s - s.from_s) / HOUR_S / tau_h),
               young = exp(-(now_s - s.to_s) / HOUR_S / tau_h);
        double hours = tau_h * (young - old);

        e.node_hours += s.nodes * hours;
        e.drop_hours += s.nodes > 0.0 ? hours : 0.0;
        e.node_events += s.lost * old;
        e.drop_events += s.lost > 0.0 ? old : 0.0;
        e.seen_s = s.to_s;
    }
    return e;
}

static bool
flush(spotopt_context *context, spotopt__cell *cell, spotopt__cells *cells)
{
    spotopt__cell whole = *cell;

    *cell = (spotopt__cell){0.0, 0.0, 1.0};
    if (!(whole.hours > 0.0) && !(whole.events > 0.0))
        return true;
    /* A drop at midnight leaves its hours in the day before; an event needs some time to happen in.
     */
    if (whole.hours < whole.events / 60.0)
        whole.hours = whole.events / 60.0;
    return spotopt__vec_push(context, cells, whole);
}

bool
spotopt__evidence_cells(spotopt_context *context, const spotopt_history *history, size_t series,
                        double now_s, double scale, bool by_drops, spotopt__cells *cells)
{
    const spotopt__series *of = &history->series.at[series];
    spotopt__cell cell = {0.0, 0.0, 1.0};
    double day = NAN; /* of cell */

    for (size_t row = 0; row < of->count && history->time_s[of->first + row] <= now_s; row++) {
        stretch s;

        if (!stretch_at(history, of, row, now_s, &s))
            continue;
        double first = floor(s.from_s / DAY_S), last = floor(s.to_s / DAY_S);
        double rate =
            by_drops ? (s.nodes > 0.0 ? 1.0 : 0.0) : s.nodes; /* hours that count in an hour */

        if (first != day && !flush(context, &cell, cells))
            return false;
        day = first;
        cell.events += by_drops ? (s.lost > 0.0 ? 1.0 : 0.0) : s.lost;
        cell.hours +=
            scale * rate * ((last > first ? (first + 1.0) * DAY_S : s.to_s) - s.from_s) / HOUR_S;
        if (!(last > first))
            continue;
        if (!flush(context, &cell, cells))
            return false;
        if (last - first > 1.0) { /* whole days in between are alike */
            spotopt__cell between = {0.0, scale * rate * 24.0, last - first - 1.0};
            if (between.hours > 0.0 && !spotopt__vec_push(context, cells, between))
                return false;
        }
        day = last;
        cell.hours = scale * rate * (s.to_s - last * DAY_S) / HOUR_S;
    }
    return flush(context, &cell, cells);
}
