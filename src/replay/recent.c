/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recent.c - the rate of loss of the last 24 hours: what everybody looks at first.
 *
 * Losses and hours up are summed along each series once, row by row; two cursors, now and a day
 * ago, give what lies between. A fall from a to b nodes counts (a - b) / a: what a node of the pool
 * sees of it. Only rows up to now are used.
 */
#include "replay/replay.h"
#include "risk/risk.h"

#define PULL 0.25 /* losses that the shipped rate weighs as much as */

typedef struct sums {
    double losses, hours;
} sums;

typedef struct cursor {
    const double *time_s, *nodes;
    const sums *until; /* up to and including the row */
    size_t count, now, old;
    sums last_day;
} cursor;

struct spotopt__recent {
    spotopt_context *context;
    sums *until;     /* as the history's rows */
    cursor *cursors; /* by series */
    size_t count;
    const uint32_t *series; /* by pool */
    sums overall;
};

static void
add_up(const double *time_s, const double *nodes, size_t count, sums *until)
{
    sums s = {0.0, 0.0};

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && nodes[i - 1] > 0.0)
            s.hours += (time_s[i] - time_s[i - 1]) / SPOTOPT__HOUR_S;
        if (i > 0 && nodes[i] < nodes[i - 1])
            s.losses += (nodes[i - 1] - nodes[i]) / nodes[i - 1];
        until[i] = s;
    }
}

spotopt__recent *
spotopt__recent_new(spotopt_context *context, const spotopt__world *world)
{
    const spotopt_history *history = world->history;
    spotopt__recent *recent = spotopt__alloc(context, sizeof *recent);

    if (recent == NULL)
        return NULL;
    recent->context = context;
    recent->series = world->series;
    recent->count = history != NULL ? history->series.count : 0;
    recent->until = spotopt__alloc_array(context, (history != NULL ? history->rows : 0) + 1,
                                         sizeof *recent->until);
    recent->cursors = spotopt__alloc_array(context, recent->count + 1, sizeof *recent->cursors);
    if (recent->until == NULL || recent->cursors == NULL) {
        spotopt__recent_free(recent);
        return NULL;
    }
    for (size_t i = 0; i < recent->count; i++) {
        const spotopt__series *series = &history->series.at[i];

        recent->cursors[i] = (cursor){.time_s = history->time_s + series->first,
                                      .nodes = history->nodes_up + series->first,
                                      .until = recent->until + series->first,
                                      .count = series->count};
        add_up(recent->cursors[i].time_s, recent->cursors[i].nodes, series->count,
               recent->until + series->first);
    }
    return recent;
}

void
spotopt__recent_free(spotopt__recent *recent)
{
    if (recent == NULL)
        return;
    spotopt__free(recent->context, recent->until);
    spotopt__free(recent->context, recent->cursors);
    spotopt__free(recent->context, recent);
}

/* Sums from the beginning to a moment; *row is the number of rows at or before it. */
static sums
sums_at(const cursor *c, double time_s, size_t *row)
{
    sums s;

    while (*row < c->count && c->time_s[*row] <= time_s)
        ++*row;
    if (*row == 0)
        return (sums){0.0, 0.0};
    s = c->until[*row - 1];
    if (c->nodes[*row - 1] > 0.0)
        s.hours += (time_s - c->time_s[*row - 1]) / SPOTOPT__HOUR_S;
    return s;
}

void
spotopt__recent_go(spotopt__recent *recent, double time_s)
{
    recent->overall = (sums){0.0, 0.0};
    for (size_t i = 0; i < recent->count; i++) {
        cursor *c = &recent->cursors[i];
        sums now = sums_at(c, time_s, &c->now), old = sums_at(c, time_s - SPOTOPT__DAY_S, &c->old);

        c->last_day = (sums){now.losses - old.losses, now.hours - old.hours};
        recent->overall.losses += now.losses;
        recent->overall.hours += now.hours;
    }
}

double
spotopt__recent_overall(const spotopt__recent *recent)
{
    const double shipped =
        spotopt__bucket_rate(-1); /* what a spot pool loses, where nothing was seen */

    return (recent->overall.losses + PULL) / (recent->overall.hours + PULL / shipped);
}

double
spotopt__recent_rate(const spotopt__recent *recent, uint32_t pool)
{
    uint32_t series = recent->series[pool];

    if (series == SPOTOPT__NONE)
        return 0.0;
    const sums *day = &recent->cursors[series].last_day;
    return day->hours > 1e-9 ? day->losses / day->hours : spotopt__recent_overall(recent);
}
