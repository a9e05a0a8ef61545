/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_FILL_TIGHT_H
#define SPOTOPT_PACK_FILL_TIGHT_H
#include "base/base.h"
#include "pack/vector.h"

/* A walk among packings of bins that must be almost full, shared by fill_tight.c, which exchanges
 * contents, and fill_tight_end.c, which searches the last bins. */

#define SPOTOPT__WALK_DEEP 12   /* items in a content, at most */
#define SPOTOPT__WALK_END 10    /* where no fewer can be left: those are searched, too */
#define SPOTOPT__WALK_TIGHTS 10 /* dimensions in the potential */
#define SPOTOPT__WALK_TABLE 1024

typedef struct spotopt__content {
    uint32_t count, item[SPOTOPT__WALK_DEEP];
} spotopt__content;

struct spotopt__walk {
    const spotopt__vector *vector;
    spotopt__budget *budget;
    spotopt__arena arena;
    spotopt__rng rng;
    uint32_t tights, tight[SPOTOPT__WALK_TIGHTS]; /* lanes with little to spare; the pool's order is
                                                     the first's */
    uint32_t full;                                /* contents: bins that are filled */
    spotopt__content *bin;
    uint32_t *pool, items, bins; /* what is not in them, by falling size in the first tight lane;
                                  * bins left for it */
    int64_t *slack;              /* by lane: of the pool's bins, beyond its items */
    double moment[SPOTOPT__WALK_TIGHTS *
                  SPOTOPT__WALK_TIGHTS];   /* of the pool: sum of w w' in shares of capacity */
    double *weight;                        /* item * SPOTOPT__WALK_TIGHTS: w in shares */
    double factorial[SPOTOPT__WALK_TABLE]; /* logarithms */
    double heat;                           /* the temperature */
    uint64_t cycle, cycle_start;
    double potential;
    uint64_t turns, looked, finished; /* steps */
    /* a look */
    uint32_t *list, listed, cap, taken[SPOTOPT__WALK_DEEP];
    int32_t *box;         /* by lane: waste at most */
    int32_t *room;        /* by items taken, lane */
    int32_t *listed_size; /* by place in the list, lane */
    int32_t *largest;     /* the same: of this one and those behind it */
    double best;
    spotopt__content choice;
    uint64_t steps, steps_most;
    /* the end: by bins left */
    uint32_t *rest, *rest_count;
    int64_t *rest_slack, *behind, *rest_room;
    spotopt__content ended[SPOTOPT__WALK_END + 1];
};

static inline const int32_t *
spotopt__walk_size(const spotopt__walk *walk, uint32_t item)
{
    return walk->vector->size + (size_t)item * walk->vector->lanes;
}

/* Searches the pool to the end, within a number of steps: true when walk->ended holds a packing. */
bool spotopt__walk_end(spotopt__walk *walk);

#endif
