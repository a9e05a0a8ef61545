/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_SIBLINGS_H
#define SPOTOPT_RISK_SIBLINGS_H
#include "model/history.h"

/* The last drop of a series; before any: -INFINITY and SPOTOPT__NONE. */
typedef struct spotopt__last_drop {
    double time_s;
    uint32_t series;
} spotopt__last_drop;

/* What the pools of a region show together at a moment; decayed by exp(-age / tau). */
typedef struct spotopt__herd {
    double drops, seen_h, up_h; /* changes downwards; pool-hours observed; pool-hours with nodes up */
    double seen, up;            /* pools observed at that moment; of them with nodes up */
    /* Of a region alone: its last drop and the last one of another series; pools that were ever observed. */
    spotopt__last_drop last, second;
    uint32_t known;
} spotopt__herd;

/* Totals of every region at every distinct moment, and of all regions. */
typedef struct spotopt__siblings {
    size_t moments, regions;
    double *time_s;       /* distinct, ascending */
    uint32_t *region_of;  /* by series */
    spotopt__herd *herds; /* regions x moments, region by region; the last one is all of them */
} spotopt__siblings;

/*
 * Linear in the history's rows (times the logarithm of moments) plus regions times distinct moments.
 * False: out of memory; free it all the same.
 */
bool spotopt__siblings_make(spotopt_context *context, const spotopt_history *history, const double *time_s,
                            size_t count, double tau_h, spotopt__siblings *out);
void spotopt__siblings_free(spotopt_context *context, spotopt__siblings *siblings);
/* The first distinct moment >= time_s; moments where there is none. */
size_t spotopt__siblings_moment(const spotopt__siblings *siblings, double time_s);

#endif
