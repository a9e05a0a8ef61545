/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_EJECT_H
#define SPOTOPT_PACK_EJECT_H
#include "base/base.h"
#include "base/rng.h"
#include "pack/search.h"

#define SPOTOPT__EJECT_DIMS 64

/* Replicas without a place in a packing, and what is needed to find them one. */
typedef struct spotopt__ejector {
    spotopt__search *search;
    spotopt__state *state;
    const spotopt__model *model;
    double *weight;              /* by resource: what is scarce counts more */
    double *size;                /* by item: worth of its request at the weights */
    double *top;                 /* by kind * resources + r: what may be carried */
    spotopt__vec(uint32_t) outs; /* items, one a replica; spotopt__eject_place() empties it */
    spotopt__rng rng;
} spotopt__ejector;

/* False when memory is short; freed in any case. */
bool spotopt__eject_init(spotopt__ejector *e, spotopt__search *search, spotopt__state *state);
void spotopt__eject_free(spotopt__ejector *e);
/* Weights are those of the resource LP, or others. */
void spotopt__eject_weigh(spotopt__ejector *e, const double *weight);
double spotopt__eject_worth(const spotopt__ejector *e, const double *amount);
/* Only nodes in bins of their own are changed; running ones keep what is fixed there. */
bool spotopt__eject_may_touch(const spotopt__ejector *e, uint32_t slot);
bool spotopt__eject_split_all(spotopt__state *state);
/* What all residents' leaving a bin's node would cost in moves; 0 for new nodes. */
double spotopt__eject_moves(const spotopt__ejector *e, uint32_t slot);
/* One replica leaves its bin and is left over. */
void spotopt__eject_take(spotopt__ejector *e, uint32_t slot, uint32_t item);
/* Seeks places for all that is left over; whether everything has one. */
bool spotopt__eject_place(spotopt__ejector *e);

/* All that the state misses, as far as places are found; false when memory ran out. */
bool spotopt__eject_missing(spotopt__search *search, spotopt__state *state);

#endif
