/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_CONSTRUCT_H
#define SPOTOPT_PACK_CONSTRUCT_H
#include "base/options.h"
#include "pack/state.h"

/* Kinds of one class and the same domains of every label that a hard rule looks at, cheapest first.
 */
typedef struct spotopt__group {
    uint32_t class_id;
    uint32_t count;
    const uint32_t *kinds;
} spotopt__group;

/* Workspace and tables for building packings; made once a solve. */
typedef struct spotopt__builder {
    const spotopt__model *model;
    spotopt__budget *budget; /* once it is over, building goes on with less care; or NULL */
    spotopt__arena arena;
    spotopt__group *group;
    uint32_t groups;
    uint32_t *by_cost; /* groups by their cheapest kind's cost */
    uint32_t *tier;    /* by item: lower ones are placed first (near: the ones to be near to) */
    uint32_t tiers;
    double *price;   /* by item: what placing one replica is worth */
    double *weight;  /* by resource: what one unit is worth */
    uint32_t *order; /* items by size, largest first */
    uint32_t *todo;  /* items not fully placed, in that order */
    uint32_t todo_count;
    uint32_t *cursor;    /* by group: kinds before it are used up */
    double *ratio;       /* by group */
    double *need;        /* by resource: what is not placed yet */
    uint32_t *pick;      /* groups worth a closer look */
    spotopt__hold *best; /* pattern */
    uint32_t best_count;
    /* Whose leaving costs something, by item: running nodes' kinds from stay_first[i] on. */
    uint32_t *stay_first, *stay_kind, *stay_holds; /* NULL: nobody's */
    double *saved;                                 /* by running node, all 0 between uses */
    uint32_t *touched;
} spotopt__builder;

typedef struct spotopt__recipe {
    bool keep_residents; /* start from what runs; else only fixed replicas stay */
    bool soft_is_hard;   /* keep to soft rules while there is another way */
    uint32_t fill;       /* 0: largest first, 1: dot product, 2: by worth per scarce resource */
    uint32_t looks;      /* groups filled for real at each step */
    uint32_t shift;      /* turns choices among equal domains */
    const uint32_t *group_cap; /* see state; or NULL */
} spotopt__recipe;

spotopt_status spotopt__builder_init(spotopt__builder *builder, const spotopt__model *model,
                                     spotopt_error *err);
void spotopt__builder_free(spotopt__builder *builder);
/* The budget is over. */
bool spotopt__builder_hurries(const spotopt__builder *builder);
/* Prices follow the weights: price = weight . request, at most the cost of leaving the item out. */
void spotopt__builder_weigh(spotopt__builder *builder, const double *weight);

/* Prices of their own, item by item; the weights stay. */
void spotopt__builder_price(spotopt__builder *builder, const double *price);
/* Opens the pattern in builder->best on a kind as often as demands and rules allow, at most so
 * often; how often. */
uint32_t spotopt__open_pattern(spotopt__builder *builder, spotopt__state *state, uint32_t kind,
                               uint32_t most);
/* Replicas of an item that have no place yet. */
static inline uint32_t
spotopt__left_of(const spotopt__state *state, uint32_t item)
{
    return (uint32_t)(state->model->item[item].count - state->placed[item]);
}

/* construct_plan.c: what is settled before bins are opened. */
/* Running nodes with their fixed replicas, or with all residents that are still wanted. */
void spotopt__place_residents(spotopt__state *state, bool all);
/* Everything of a hard `together` per node goes onto one node, the cheapest that takes it all. */
void spotopt__place_together(spotopt__state *state);
/* Caps that make spreads and togethers come out right; false: no memory. */
bool spotopt__plan_caps(spotopt__state *state, const spotopt__recipe *recipe);

/* What comes before bins are filled: residents, the domains that labels' rules leave; and after:
 * the rest, bins of the right size, sums mended. */
void spotopt__construct_begin(spotopt__state *state, const spotopt__recipe *recipe);
void spotopt__construct_end(spotopt__builder *builder, spotopt__state *state,
                            const spotopt__recipe *recipe);
/* A packing from nothing. */
void spotopt__construct(spotopt__builder *builder, spotopt__state *state,
                        const spotopt__recipe *recipe);
/* Places what is left: open bins first, then new ones. */
void spotopt__construct_rest(spotopt__builder *builder, spotopt__state *state,
                             const spotopt__recipe *recipe);
/* Puts what fits into one bin, by the recipe's order; the worth of what came in. */
double spotopt__fill_bin(spotopt__builder *builder, spotopt__state *state, uint32_t bin,
                         uint32_t fill, uint32_t last_tier);
/* Exchanges each bin for the cheapest kind that holds its content; drops what is not worth its
 * cost. */
void spotopt__right_size(spotopt__builder *builder, spotopt__state *state);
/* The same for one bin; *now is the state's score before and after. */
void spotopt__right_size_bin(spotopt__builder *builder, spotopt__state *state, uint32_t bin,
                             spotopt__score *now);
/* Re-pools bins and adds empty nodes until shares, means, limits and minimums hold, or nothing
 * helps. */
void spotopt__repair_tallies(spotopt__builder *builder, spotopt__state *state);
/* The same bins with another kind; false, and nothing changed, when it cannot be. */
bool spotopt__rekind(spotopt__state *state, uint32_t bin, uint32_t kind);

#endif
