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

/* What is older than this many time constants weighs less than a rounding error of the rest. */
#define FORGOTTEN 45.0

/* The first row that is not forgotten yet, or rather the one before, whose count holds until it. */
static size_t
first_that_counts(const double *time_s, size_t count, double from_s)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (time_s[middle] < from_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

spotopt__evidence
spotopt__evidence_at(const spotopt_history *history, size_t series, double now_s, double tau_h)
{
    const spotopt__series *of = &history->series.at[series];
    const double *time_s = history->time_s + of->first, rate = 1.0 / (HOUR_S * tau_h);
    spotopt__evidence e = {0.0, 0.0, 0.0, 0.0, NAN, NAN};
    double at_s = NAN, left = 0.0; /* what is left of an event at at_s: ends are next beginnings */

    for (size_t row = first_that_counts(time_s, of->count, now_s - FORGOTTEN * HOUR_S * tau_h);
         row < of->count && time_s[row] <= now_s; row++) {
        stretch s;

        e.nodes_up = history->nodes_up[of->first + row];
        e.seen_s = time_s[row];
        if (!stretch_at(history, of, row, now_s, &s))
            continue;
        double old = s.from_s == at_s ? left : exp((s.from_s - now_s) * rate),
               young = exp((s.to_s - now_s) * rate);
        double hours = tau_h * (young - old);

        at_s = s.to_s;
        left = young;
        e.node_hours += s.nodes * hours;
        e.drop_hours += s.nodes > 0.0 ? hours : 0.0;
        e.node_events += s.lost * old;
        e.drop_events += s.lost > 0.0 ? old : 0.0;
        e.seen_s = s.to_s;
    }
    return e;
}

/* One way to count: into cells, where wanted, the day so far in cell. */
typedef struct counting {
    spotopt__cells *cells; /* or NULL */
    spotopt__cell cell;
} counting;

static bool
flush(spotopt_context *context, counting *c)
{
    spotopt__cell whole = c->cell;

    c->cell = (spotopt__cell){0.0, 0.0, 1.0};
    if (c->cells == NULL || (!(whole.hours > 0.0) && !(whole.events > 0.0)))
        return true;
    /* A drop at midnight leaves its hours in the day before; an event needs some time to happen in.
     */
    if (whole.hours < whole.events / 60.0)
        whole.hours = whole.events / 60.0;
    return spotopt__vec_push(context, c->cells, whole);
}

bool
spotopt__evidence_days(spotopt_context *context, const spotopt_history *history, size_t series,
                       double now_s, double scale, spotopt__cells *by_nodes,
                       spotopt__cells *by_drops)
{
    const spotopt__series *of = &history->series.at[series];
    counting ways[2] = {{by_nodes, {0.0, 0.0, 1.0}}, {by_drops, {0.0, 0.0, 1.0}}};
    double day = NAN, day_from_s = NAN, day_to_s = NAN; /* of the cells */

    for (size_t row = 0; row < of->count && history->time_s[of->first + row] <= now_s; row++) {
        stretch s;

        if (!stretch_at(history, of, row, now_s, &s))
            continue;
        if (!(s.from_s >= day_from_s && s.from_s < day_to_s)) { /* true for NaN */
            if (!flush(context, &ways[0]) || !flush(context, &ways[1]))
                return false;
            day = floor(s.from_s / DAY_S);
            day_from_s = day * DAY_S;
            day_to_s = (day + 1.0) * DAY_S;
        }
        const bool goes_on = s.to_s >= day_to_s;
        /* Hours that count in an hour. */
        const double rate[2] = {scale * s.nodes, s.nodes > 0.0 ? scale : 0.0};
        const double hours = ((goes_on ? day_to_s : s.to_s) - s.from_s) / HOUR_S;

        ways[0].cell.events += s.lost;
        ways[1].cell.events += s.lost > 0.0 ? 1.0 : 0.0;
        ways[0].cell.hours += rate[0] * hours;
        ways[1].cell.hours += rate[1] * hours;
        if (!goes_on)
            continue;
        const double last = floor(s.to_s / DAY_S);
        for (int k = 0; k < 2; k++) {
            if (!flush(context, &ways[k]))
                return false;
            if (last - day > 1.0) { /* whole days in between are alike */
                spotopt__cell between = {0.0, rate[k] * 24.0, last - day - 1.0};
                if (ways[k].cells != NULL && between.hours > 0.0 &&
                    !spotopt__vec_push(context, ways[k].cells, between))
                    return false;
            }
            ways[k].cell.hours = rate[k] * (s.to_s - last * DAY_S) / HOUR_S;
        }
        day = last;
        day_from_s = day * DAY_S;
        day_to_s = (day + 1.0) * DAY_S;
    }
    return flush(context, &ways[0]) && flush(context, &ways[1]);
}

bool
spotopt__evidence_cells(spotopt_context *context, const spotopt_history *history, size_t series,
                        double now_s, double scale, bool by_drops, spotopt__cells *cells)
{
    return spotopt__evidence_days(context, history, series, now_s, scale, by_drops ? NULL : cells,
                                  by_drops ? cells : NULL);
}

/* Events, and hours but for the last bits: 1/64 of them at most. */
static uint64_t
key_of(const spotopt__cell *cell)
{
    uint64_t hours, events;

    memcpy(&hours, &cell->hours, sizeof hours);
    memcpy(&events, &cell->events, sizeof events);
    return spotopt__hash_mix(hours >> 46, events);
}

static bool
are_alike(const spotopt__cell *a, const spotopt__cell *b)
{
    uint64_t first, second;

    memcpy(&first, &a->hours, sizeof first);
    memcpy(&second, &b->hours, sizeof second);
    return first >> 46 == second >> 46 && a->events == b->events;
}

bool
spotopt__cells_join(spotopt_context *context, spotopt__cells *cells, size_t from)
{
    size_t count = cells->count - from, room = 16, kept = 0;
    spotopt__cell *at = count > 0 ? cells->at + from : NULL;
    uint32_t *slots;

    while (room < 2 * count)
        room *= 2;
    slots = spotopt__alloc_array(context, room, sizeof *slots); /* index + 1; 0: free */
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t slot = key_of(&at[i]) & (room - 1);

        while (slots[slot] != 0 && !are_alike(&at[slots[slot] - 1], &at[i]))
            slot = (slot + 1) & (room - 1);
        if (slots[slot] == 0) {
            at[kept++] = at[i];
            slots[slot] = (uint32_t)kept;
            continue;
        }
        spotopt__cell *into = &at[slots[slot] - 1];
        double weight = into->weight + at[i].weight;

        into->hours += (at[i].hours - into->hours) * (at[i].weight / weight);
        into->weight = weight;
    }
    cells->count = from + kept;
    spotopt__free(context, slots);
    return true;
}
