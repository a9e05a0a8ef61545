/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siblings.c - what pools of one region show together, at every moment asked for.
 *
 * Decayed sums are linear, and so is what one row adds to them: a change at s adds to the total at
 * a later moment t what it would add alone. So every row is put, decayed, into the first moment at
 * or after it, in any order, and one pass over the moments of each region carries the sums on.
 * Nothing is merged or sorted but the moments themselves. One pool's siblings are the total less
 * its own.
 */
#include "risk/siblings.h"
#include <stdlib.h>

#define HOUR_S 3600.0
#define FORGOTTEN 45.0 /* time constants after which less is left than a rounding error */

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

size_t
spotopt__siblings_moment(const spotopt__siblings *siblings, double time_s)
{
    size_t low = 0, high = siblings->moments;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (siblings->time_s[middle] < time_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
name_regions(spotopt_context *context, const spotopt_history *history, spotopt__siblings *out)
{
    spotopt__map regions;
    bool is_fine = true;

    spotopt__map_init(&regions, context);
    for (size_t i = 0; is_fine && i < history->series.count; i++) {
        uint32_t found = 0;

        is_fine = spotopt__map_put(&regions, history->series.at[i].region, (uint32_t)out->regions,
                                   &found);
        out->region_of[i] = found;
        out->regions += is_fine && found == out->regions;
    }
    spotopt__map_free(&regions);
    return is_fine;
}

static void
meet(spotopt__herd *herd, spotopt__last_drop drop)
{
    if (drop.series == herd->last.series) {
        herd->last.time_s = fmax(herd->last.time_s, drop.time_s);
    } else if (drop.time_s > herd->last.time_s) {
        herd->second = herd->last;
        herd->last = drop;
    } else if (drop.time_s > herd->second.time_s)
        herd->second = drop;
}

/* What each row of a series adds by itself, put down at the first moment that knows of it. */
static void
put_rows(const spotopt_history *history, uint32_t index, double tau_h, const spotopt__siblings *out,
         spotopt__herd *herds)
{
    const spotopt__series *series = &history->series.at[index];
    const double *time_s = history->time_s + series->first,
                 *nodes = history->nodes_up + series->first;
    double before = NAN;

    for (size_t row = 0; row < series->count; before = nodes[row++]) {
        size_t at = spotopt__siblings_moment(out, time_s[row]);
        double now = nodes[row];

        if (at == out->moments)
            return;
        double seen = (isnan(now) ? 0.0 : 1.0) - (isnan(before) ? 0.0 : 1.0);
        double up = (now > 0.0 ? 1.0 : 0.0) - (before > 0.0 ? 1.0 : 0.0); /* NaN is not up */
        double age = (out->time_s[at] - time_s[row]) / HOUR_S / tau_h;
        double left = age < FORGOTTEN ? exp(-age) : 0.0, hours = tau_h * (1.0 - left);

        if (now < before) { /* false where either is NaN */
            herds[at].drops += left;
            meet(&herds[at], (spotopt__last_drop){time_s[row], index});
        }
        herds[at].known += row == 0;
        herds[at].seen_h += seen * hours;
        herds[at].up_h += up * hours;
        herds[at].seen += seen;
        herds[at].up += up;
    }
}

static void
carry_on(const spotopt__siblings *out, double tau_h, spotopt__herd *herds)
{
    for (size_t at = 1; at < out->moments; at++) {
        const spotopt__herd *last = &herds[at - 1];
        double left = exp((out->time_s[at - 1] - out->time_s[at]) / HOUR_S / tau_h);
        double hours = tau_h * (1.0 - left);

        herds[at].drops += last->drops * left;
        herds[at].seen_h += last->seen_h * left + last->seen * hours;
        herds[at].up_h += last->up_h * left + last->up * hours;
        herds[at].seen += last->seen;
        herds[at].up += last->up;
        herds[at].known += last->known;
        meet(&herds[at], last->last);
        meet(&herds[at], last->second);
    }
}

bool
spotopt__siblings_make(spotopt_context *context, const spotopt_history *history,
                       const double *time_s, size_t count, double tau_h, spotopt__siblings *out)
{
    *out = (spotopt__siblings){0};
    out->time_s = spotopt__dup_array(context, time_s, count, sizeof *time_s);
    out->region_of = spotopt__alloc_array(context, history->series.count, sizeof *out->region_of);
    if (out->time_s == NULL || out->region_of == NULL || !name_regions(context, history, out))
        return false;
    qsort(out->time_s, count, sizeof *out->time_s, by_value);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || out->time_s[i] > out->time_s[out->moments - 1])
            out->time_s[out->moments++] = out->time_s[i];
    }
    out->herds =
        spotopt__alloc_array(context, (out->regions + 1) * out->moments, sizeof *out->herds);
    if (out->herds == NULL)
        return false;
    for (size_t i = 0; i < out->regions * out->moments; i++)
        out->herds[i].last = out->herds[i].second = (spotopt__last_drop){-INFINITY, SPOTOPT__NONE};
    for (size_t i = 0; i < history->series.count; i++)
        put_rows(history, (uint32_t)i, tau_h, out, out->herds + out->region_of[i] * out->moments);
    spotopt__herd *all = out->herds + out->regions * out->moments;
    for (size_t region = 0; region < out->regions; region++) {
        spotopt__herd *herds = out->herds + region * out->moments;

        carry_on(out, tau_h, herds);
        for (size_t at = 0; at < out->moments; at++) {
            all[at].drops += herds[at].drops;
            all[at].seen_h += herds[at].seen_h;
            all[at].up_h += herds[at].up_h;
            all[at].seen += herds[at].seen;
            all[at].up += herds[at].up;
        }
    }
    return true;
}

void
spotopt__siblings_free(spotopt_context *context, spotopt__siblings *siblings)
{
    spotopt__free(context, siblings->time_s);
    spotopt__free(context, siblings->region_of);
    spotopt__free(context, siblings->herds);
    *siblings = (spotopt__siblings){0};
}
