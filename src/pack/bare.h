/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_BARE_H
#define SPOTOPT_PACK_BARE_H
#include "pack/search.h"

/*
 * A bare problem: bins of a few sorts, each with a cost and perhaps a limit, and pieces that must
 * all be packed; no rules, no running nodes, no minimums. Cutting stock and (vector, variable
 * sized) bin packing. Everything is a whole number here, so that proofs need no tolerance: sizes
 * are scaled by powers of ten where that is exact, costs are multiples of the model's cost step.
 */

typedef struct spotopt__sort { /* of bins: pools of equal capacity and cost */
    const int64_t *capacity;   /* by dim */
    int64_t cost;              /* in steps, > 0 */
    uint64_t limit;            /* of all its pools together; at most what could ever be used */
    const uint32_t *kinds;     /* of the model, in the order to use them */
    uint32_t kind_count;
} spotopt__sort;

typedef struct spotopt__bare {
    const spotopt__model *model;
    spotopt__arena arena;
    uint32_t dims;   /* resources that somebody asks for */
    uint32_t types;  /* of pieces, by falling size (dims > 1: by the sum of shares) */
    int64_t *size;   /* type * dims + r; no piece is nothing in all dims */
    uint32_t *count; /* by type: pieces, >= 1 */
    uint32_t *item;  /* by type: the model's */
    uint64_t pieces; /* in all */
    int64_t *total;  /* by dim: size * count, summed */
    uint32_t sorts;  /* of bins, by falling capacity in dim 0, then by cost */
    spotopt__sort *sort;
    double step; /* the value of one step of cost */
} spotopt__bare;

/* False: it is no bare problem, or memory ran out (*nomem). Freed by spotopt__bare_free() always.
 */
bool spotopt__bare_build(spotopt__bare *bare, const spotopt__model *model, bool *nomem);
void spotopt__bare_free(spotopt__bare *bare);

/*
 * In one dimension: capacities fall to what pieces can sum up to, and sizes lose their common
 * divisor. Every packing stays what it was. Asks for the work of one reachable-sums table.
 */
bool spotopt__bare_tighten(spotopt__bare *bare);

/* A packing as patterns: times bins of a sort, each with the same content. */
typedef struct spotopt__fill {
    uint32_t type, count;
} spotopt__fill;
typedef struct spotopt__batch {
    uint32_t sort, times, first, fills; /* fills from `first` on in a packing's list */
} spotopt__batch;
typedef struct spotopt__plan {
    spotopt_context *context;
    spotopt__vec(spotopt__batch) batches;
    spotopt__vec(spotopt__fill) fills;
    int64_t cost; /* of batches, in steps */
    bool failed;  /* memory ran out; sticks */
} spotopt__plan;

void spotopt__plan_init(spotopt__plan *plan, spotopt_context *context);
void spotopt__plan_free(spotopt__plan *plan);
void spotopt__plan_clear(spotopt__plan *plan);
/* A bin more (`times` of them); fills are copied. */
bool spotopt__plan_add(spotopt__plan *plan, const spotopt__bare *bare, uint32_t sort,
                       uint32_t times, const spotopt__fill *fills, uint32_t count);
bool spotopt__plan_copy(spotopt__plan *to, const spotopt__plan *from);
/* Whether all pieces are packed, no more than once, all bins hold what is in them and limits are
 * kept. Of every plan before it is offered. */
bool spotopt__plan_is_right(const spotopt__plan *plan, const spotopt__bare *bare);
/* Offers a right plan to the search. */
void spotopt__plan_offer(const spotopt__plan *plan, const spotopt__bare *bare,
                         spotopt__search *search);

/*
 * bare_fill.c: one dimension, from sizes alone. Best fit decreasing and subset-sum fills, cheapest
 * sort by sort; the better of `plan` and what they find stays in plan. `left` (by type: pieces to
 * pack) and `room` (by sort: bins that may be used) describe a residual; NULL: the whole problem.
 * False when some piece finds no bin.
 */
typedef struct spotopt__filler spotopt__filler;
typedef struct spotopt__packer spotopt__packer; /* several dimensions: vector.h */
spotopt__filler *spotopt__filler_new(const spotopt__bare *bare);
void spotopt__filler_free(spotopt__filler *filler);
bool spotopt__filler_run(spotopt__filler *filler, const uint32_t *left, const uint64_t *room,
                         uint32_t effort, uint64_t *work, spotopt__plan *plan);

/* A lower bound in steps of cost from sizes alone: dual feasible functions in one dimension, the
 * cheapest way to buy the volume in each dimension under the limits else. INT64_MAX: proved that
 * limits leave no room. */
int64_t spotopt__bare_bound(const spotopt__bare *bare);

#endif
