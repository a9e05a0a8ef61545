/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_BOUND_H
#define SPOTOPT_PACK_BOUND_H
#include "base/lp.h"
#include "base/options.h"
#include "pack/pricing.h"

/* A rule on sums as a linear row over nodes: lower <= sum of coefficient * nodes <= upper, in every
 * answer. */
typedef struct spotopt__side {
    double lower, upper;
    double *coefficient; /* by kind */
} spotopt__side;

enum { SPOTOPT__SIDES_MOST = 64 };

typedef struct spotopt__sides {
    spotopt__arena arena;
    spotopt__side *row;
    uint32_t count;
    uint32_t active; /* the first of them had a price in the resource LP; the rest have slack */
    double hint[64 + SPOTOPT__EXTRA_DIMS]; /* where relaxations of knapsacks start */
} spotopt__sides;

/* So many nodes of a kind there must and may be. */
void spotopt__kind_bounds(const spotopt__model *model, uint32_t kind, double *lower, double *upper);
/* Puts the rows with a price first, prices along with them. */
void spotopt__sides_sort(spotopt__sides *sides, double *price);
bool spotopt__sides_init(spotopt__sides *sides, const spotopt__model *model);
void spotopt__sides_free(spotopt__sides *sides);

typedef struct spotopt__relaxed {
    bool infeasible; /* proved: not everything that must be placed can be */
    bool solved;
    double objective; /* of the resource LP, as the engine says */
    double seconds;
    double *weight; /* by resource: its price */
    double *side;   /* by side row: its price */
    double *bonus;  /* by item: what its limits per node add to its price */
} spotopt__relaxed;

/*
 * One row a resource, a limit per node or a rule on sums, one column a pool or running node.
 * weight, side and bonus are the caller's; sides' hint is set.
 */
spotopt_status spotopt__resource_lp(const spotopt__model *model, spotopt__sides *sides,
                                    spotopt__budget *budget, spotopt__relaxed *out,
                                    spotopt_error *err);

/*
 * A lower bound on every answer's cost from any prices: item[i] >= 0 for placing a replica, side[s]
 * of either sign. Never wrong, whatever the prices; good with good ones. -INFINITY when memory ran
 * out. `effort` is the number of branching steps a knapsack may take; 0 uses relaxations alone.
 */
double spotopt__lagrange(const spotopt__model *model, const spotopt__sides *sides,
                         const double *item, const double *side, uint32_t effort,
                         spotopt__budget *budget);

#endif
