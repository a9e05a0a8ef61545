/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_VECTOR_H
#define SPOTOPT_PACK_VECTOR_H
#include "base/rng.h"
#include "pack/tree.h"

/*
 * Bin packing in whole numbers: items, one by one, into as few equal bins as may be. What is proved
 * about it is proved exactly.
 */
typedef struct spotopt__vector {
    spotopt_context *context;
    uint32_t items, dims;
    uint32_t lanes;          /* dims rounded up to whole registers; what is added holds 0 */
    const int32_t *size;     /* item * lanes + r */
    const int32_t *capacity; /* by lane; every item fits alone */
} spotopt__vector;

#define SPOTOPT__VECTOR_LANES(dims) (((dims) + 3u) / 4u * 4u)
#define SPOTOPT__VECTOR_MOST (1 << 28) /* capacities up to here: sums of a few cannot overflow */

/* The most items any bin can hold. */
uint32_t spotopt__vector_most(const spotopt__vector *vector);
/* Bins that any packing needs: by each dimension's volume. */
uint32_t spotopt__vector_volume(const spotopt__vector *vector);

/* A packing, whole or with items left over, and the room to work on it. */
typedef struct spotopt__vfill {
    const spotopt__vector *vector;
    spotopt__arena arena;
    spotopt__budget *budget; /* or NULL */
    uint32_t most;           /* items a bin can hold */
    uint32_t bins;
    uint32_t *bin_of;  /* by item; SPOTOPT__NONE: left over */
    uint32_t *slot_of; /* by item: where in its bin */
    uint32_t *content; /* bin * most + slot */
    uint32_t *count;   /* by bin */
    int32_t *load;     /* bin * lanes + r */
    uint32_t *left;    /* items left over */
    uint32_t left_count;
    uint32_t best_bins; /* of the best whole packing */
    uint32_t *best;     /* by item: its bin there */
    uint32_t *order;
    uint32_t *penalty; /* by item: how often it found no place */
    double *key;       /* by item */
    double *weight;    /* by lane */
    spotopt__rng rng;
} spotopt__vfill;

bool spotopt__vfill_init(spotopt__vfill *fill, const spotopt__vector *vector,
                         spotopt__budget *budget, uint64_t seed);
void spotopt__vfill_free(spotopt__vfill *fill);
/* First fits, best fits and bins filled one after the other, by several measures; keeps the best.
 */
void spotopt__vfill_greedily(spotopt__vfill *fill, uint32_t least);
/* Tries to do with fewer bins, down to `least`, within so many steps. */
void spotopt__vfill_fewer(spotopt__vfill *fill, uint32_t least, uint64_t steps);
/* Work of one step of these two, now. */
uint64_t spotopt__vfill_work(const spotopt__vfill *fill);
/* Bins given, each item's or NONE: places what is left over without any more bins. True, and kept
 * when better than the best, when all found a place. */
bool spotopt__vfill_rest(spotopt__vfill *fill, const uint32_t *bin_of, uint32_t bins,
                         uint64_t steps);

/* Packings into so many bins that hardly anything may be wasted; fill_tight.c. NULL: there is too
 * much to spare, or nothing to be expected, or memory ran out (*out_nomem). */
typedef struct spotopt__walk spotopt__walk;
spotopt__walk *spotopt__walk_new(const spotopt__vector *vector, uint32_t bins,
                                 spotopt__budget *budget, uint64_t seed, bool *out_nomem);
void spotopt__walk_free(spotopt__walk *walk);
/* How much of all work is well spent on it, in hundredths, by how far it came. */
uint32_t spotopt__walk_share(const spotopt__walk *walk);
/* Goes on for about so much work of the budget; true, and each item's bin, when it found one. */
bool spotopt__walk_run(spotopt__walk *walk, uint64_t work, uint32_t *bin_of);

/* Whether sizes and capacities are such small numbers, and pieces few enough. */
bool spotopt__vector_suits(const spotopt__bare *bare);

/*
 * Packings of a bare problem with one sort of bins, without limit. NULL for others, or when memory
 * ran out (*out_nomem).
 */
spotopt__packer *spotopt__packer_new(const spotopt__bare *bare, spotopt__budget *budget,
                                     uint64_t seed, bool *out_nomem);
void spotopt__packer_free(spotopt__packer *packer);
uint64_t spotopt__packer_work(const spotopt__packer *packer); /* of one step */
/* Improves on what was found before, down to cost `least`; the better of it and `plan` stays in
 * plan. False: memory ran out. */
bool spotopt__packer_run(spotopt__packer *packer, int64_t least, uint64_t steps,
                         spotopt__plan *plan);
/* The same where bins must be almost full, for about so much work. Quick where they need not. */
bool spotopt__packer_walk(spotopt__packer *packer, int64_t least, uint64_t work,
                          spotopt__plan *plan);
/* How much of all work is well spent on walks, in hundredths. */
uint32_t spotopt__packer_share(const spotopt__packer *packer);
/* Completes a plan that lacks pieces, moving what is in it, at a cost of at most `most`; true and
 * in plan when it could. */
bool spotopt__packer_finish(spotopt__packer *packer, spotopt__plan *plan, int64_t most,
                            uint64_t steps);

/* The oracle of several dimensions. Only where capacities are at most SPOTOPT__VECTOR_MOST. NULL
 * self when memory ran out. */
spotopt__oracle spotopt__vector_oracle(const spotopt__bare *bare);

#endif
