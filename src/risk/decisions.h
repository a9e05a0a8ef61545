/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_DECISIONS_H
#define SPOTOPT_RISK_DECISIONS_H
#include "model/history.h"

/*
 * Moments at which a forecast is asked for: multiples of a step in [from_s, to_s) at which a pool is observed with nodes
 * up. Ordered by series, then time. A label within H hours is next_drop_s <= 3600 H, and is known where ahead_s >= 3600 H
 * (and the moment's horizon ends before the window does).
 */
typedef struct spotopt__decisions {
    size_t count;
    uint32_t *series;    /* of the history */
    double *time_s;
    double *next_drop_s; /* seconds until the count falls next, within this observation; INFINITY: it does not */
    double *ahead_s;     /* seconds until this observation ends */
} spotopt__decisions;

/* False: out of memory. One pass over each series. */
bool spotopt__decisions_make(spotopt_context *context, const spotopt_history *history, double from_s, double to_s,
                             double step_s, spotopt__decisions *out);
void spotopt__decisions_free(spotopt_context *context, spotopt__decisions *decisions);

#endif
