/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_PRICING_H
#define SPOTOPT_PACK_PRICING_H
#include "pack/model.h"

/* One sort of thing that may go into a node, with its worth. */
typedef struct spotopt__piece {
    uint32_t item, most; /* at most so many */
    double worth;        /* of one, > 0 */
} spotopt__piece;

enum {
    SPOTOPT__EXTRA_DIMS = 8, /* limits per node that knapsacks treat like resources */
    SPOTOPT__EXTRA_ROWS = 24 /* and that the resource program knows */
};

/*
 * Hard limits per node: at most so many replicas of some items. Those that force the most nodes are
 * like resources of which a node has so many. Each item counts in one of them or in one group,
 * which only relaxes.
 */
typedef struct spotopt__extras {
    uint32_t count;
    uint32_t *limit;     /* by group (rule) */
    uint32_t *group_of;  /* by item; SPOTOPT__NONE, also where dim_of says more */
    uint32_t *dim_of;    /* by item: the dimension it takes 1 of; SPOTOPT__NONE */
    uint32_t *node_most; /* by item: the tightest limit on it alone */
    uint32_t dims, rows, limits; /* limits: rules that are such, listed or not */
    uint32_t dim[SPOTOPT__EXTRA_DIMS]; /* rules */
    uint32_t row[SPOTOPT__EXTRA_ROWS]; /* rules */
    spotopt__arena arena;
} spotopt__extras;

/* Whether replicas of the item count towards a rule's limit per node, where the rule is such. */
bool spotopt__is_limited(const spotopt__model *model, const spotopt__use *use);
/* Residents of a running node that count in a rule: so many may stay, whatever the rule says. */
uint32_t spotopt__old_of(const spotopt__model *model, const spotopt__kind *kind, uint32_t rule);
bool spotopt__extras_init(spotopt__extras *extras, const spotopt__model *model);
void spotopt__extras_free(spotopt__extras *extras);

typedef struct spotopt__knapsack {
    const spotopt__model *model;
    const spotopt__extras *extras;
    spotopt__arena arena;
    spotopt__piece *piece;
    uint32_t pieces;
    uint32_t dims;                            /* resources, then limits */
    bool limited;                             /* per-node limits hold */
    double *need;                             /* piece * dims + r */
    double *top;                              /* by dim: capacity */
    bool is_needed[64 + SPOTOPT__EXTRA_DIMS]; /* by dim: it could run short */
    double *lambda;     /* by dim: prices of the relaxation; kept between calls as a start */
    const double *hint; /* by dim: where to start as well; or NULL */
    double *weight;     /* by piece, surrogate */
    uint32_t *order;    /* pieces by worth per weight */
    uint32_t *count;    /* by piece: chosen */
    uint32_t *best;     /* by piece: the best found */
    double best_worth;
    double target; /* less is of no interest: bounds may then say this much; 0: all is */
    bool thorough; /* look longer for good lambda */
    uint64_t steps, limit;
    double left_over;  /* largest bound of what was not searched */
    uint32_t *left;    /* by group: how many more, while filling */
    uint32_t *grouped; /* pieces of groups, group after group */
    uint32_t grouped_count;
    double *gain; /* by piece: worth above its need's price */
    double *room; /* by dim, while searching */
    void *sorted; /* workspace */
    void *labels; /* of label.c, once it was wanted */
    double *slot; /* of stride.c, likewise */
} spotopt__knapsack;

bool spotopt__knapsack_init(spotopt__knapsack *sack, const spotopt__model *model,
                            const spotopt__extras *extras);
void spotopt__knapsack_free(spotopt__knapsack *sack);
/* Start with a capacity; add pieces; solve. use_extras: whether per-node limits hold for this node.
 */
void spotopt__knapsack_start(spotopt__knapsack *sack, const double *capacity, bool use_extras);
void spotopt__knapsack_add(spotopt__knapsack *sack, uint32_t item, double worth, uint32_t most);
/*
 * An upper bound on the worth of what fits. With steps > 0 also searches; best[] (by piece) and
 * best_worth are then what was found, and the bound is exact unless the steps ran out.
 */
double spotopt__knapsack_solve(spotopt__knapsack *sack, uint64_t steps);
/*
 * label.c: an upper bound as well, never below `least`, by dynamic programming with the prices of the
 * last solve; best[] when it finds something better. INFINITY when labels are too many or
 * memory is short. Good where
 * pieces are large or alike.
 */
double spotopt__knapsack_label(spotopt__knapsack *sack, double least);

/*
 * stride.c: an upper bound as well, exact in the dimension that the prices of the last solve make
 * the dearest. INFINITY where its amounts have no unit, or memory is short.
 */
double spotopt__knapsack_stride(spotopt__knapsack *sack);

#endif
