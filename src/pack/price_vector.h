/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_PRICE_VECTOR_H
#define SPOTOPT_PACK_PRICE_VECTOR_H
#include "pack/vector.h"

/* What the parts of the oracle for several dimensions share: price_vector.c hands patterns out,
 * price_dig.c searches, price_bound.c says how much a room can hold at most. */

#define SPOTOPT__PRICE_SHIFT 14        /* bits of lambda after the point */
#define SPOTOPT__PRICE_TABLES 2        /* knapsack tables */
#define SPOTOPT__PRICE_CELLS_MOST 1024 /* of a row of one: else units are coarser */

/* Row k, space c: the most that parts from k on can gain in c units. */
typedef struct spotopt__price_table {
    uint32_t dim, width;
    int32_t unit;
    int drop; /* bits of gains dropped, upwards */
    int32_t *cell;
} spotopt__price_table;

typedef struct spotopt__price_touch { /* of a part with a cut */
    uint32_t cut, pieces;
} spotopt__price_touch;

typedef struct spotopt__price_found { /* the best content of one first part */
    int64_t worth;
    uint32_t first, count; /* in contents */
} spotopt__price_found;

typedef struct spotopt__pricer {
    const spotopt__bare *bare;
    const spotopt__view *view;
    spotopt_context *context;
    spotopt__arena arena; /* of the view */
    uint32_t lanes, deepest;
    int32_t *view_size; /* part * lanes + r */
    int32_t *top;       /* sort * lanes + r */
    /* of a call, parts renumbered by falling price */
    uint32_t parts;
    uint32_t *part; /* the view's */
    uint32_t *most;
    int64_t *price;
    int64_t *gain;      /* scaled price less room taken at lambda, none below 0; all copies */
    int64_t *base_gain; /* at the lambda of all first parts */
    int32_t *size;
    double *lambda; /* by sort and lane, of shares of the capacity; start of the next call */
    double *share;  /* by lane: one over the capacity */
    int64_t *whole; /* by lane: lambda in whole numbers, for one unit of size */
    int64_t *base;  /* by lane: the same for the tables */
    spotopt__price_table table[SPOTOPT__PRICE_TABLES];
    uint32_t tables;
    double *slope;               /* by lane */
    uint32_t *list;              /* level * parts */
    uint32_t *taken;             /* by level: part in the content */
    int32_t *room;               /* level * lanes */
    spotopt__price_found *found; /* by first part */
    int64_t *limit;              /* by first part: bound on worth */
    uint32_t *content;
    uint32_t *pick;
    unsigned char *covered;
    spotopt__fill *fills;
    /* cuts */
    uint32_t cuts;
    uint32_t *touch_first; /* by part, one more at the end */
    spotopt__price_touch *touch;
    size_t touch_room, cut_room;
    uint32_t *cut_count;
    const spotopt__prices *prices;
    /* the search under way */
    int64_t target, best;
    uint32_t best_count;
    uint64_t steps, steps_most;
    uint64_t asked; /* steps when the budget was last asked */
    bool cut_off, late;
} spotopt__pricer;

/* Gains of a list at lambda: none below 0, all copies. */
void spotopt__price_gains(spotopt__pricer *p, const uint32_t *list, uint32_t count,
                          const double *lambda);
/* Subgradient steps on lambda for what a room can take of a list; the best stays. */
void spotopt__price_tune(spotopt__pricer *p, const uint32_t *list, uint32_t count,
                         const int32_t *room, double target, uint32_t turns, double *lambda);
/* Tables over the dimensions that matter most at lambda, from parts of the list (all of them). */
void spotopt__price_tables(spotopt__pricer *p, const uint32_t *list, uint32_t count,
                           const int32_t *top);
/* How many of the list could fit by the smallest of each dimension; at least 1. */
uint32_t spotopt__price_number(const spotopt__pricer *p, const uint32_t *list, uint32_t count,
                               const int32_t *room);
/*
 * The contents with the dearest part all[c], within so many steps; a bound on their worth when they
 * were not gone through, else the best worth.
 */
int64_t spotopt__price_first(spotopt__pricer *p, uint32_t c, uint32_t count, const int32_t *top,
                             int64_t threshold, bool tunes, const double *lambda,
                             uint64_t steps_most);

#endif
