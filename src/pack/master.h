/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_MASTER_H
#define SPOTOPT_PACK_MASTER_H
#include "base/lp.h"
#include "pack/pricing.h"
#include "pack/search.h"
#include "pack/simplex.h"

#define SPOTOPT__COLUMNS_ROWS_MOST 3000
#define SPOTOPT__SPOTS_MOST 160

/*
 * The pattern LP of what a packing still misses (of the whole problem, when it is empty): one row
 * an item, one a class whose nodes are limited or watched by rules on sums. Patterns come and go;
 * what else is bought or left out stands before them.
 */
typedef struct spotopt__column {
    uint32_t class_id, first, count; /* of holds */
    uint32_t node;                   /* a running one's alone; NONE: any node of the class */
    bool banned;                     /* holds more than is left, or its node is used up */
    uint64_t hash;
} spotopt__column;

/*
 * A running node as the pattern LP sees it: with patterns of its own, since what stays there saves
 * moves, and a row that lets it have one. Dropped unless a pattern keeps it; or open already with
 * what is fixed there, and patterns say what else comes.
 */
typedef struct spotopt__spot {
    uint32_t node;
    bool is_open;
    double moves; /* of its residents, but for those that are fixed */
} spotopt__spot;

typedef struct spotopt__columns {
    spotopt__search *search;
    const spotopt__model *model;
    spotopt_context *context;
    spotopt__simplex *lp;
    spotopt__lp *mirror;  /* while set, rows and columns go there instead */
    uint32_t rows, items; /* all rows; those of items, which come first */
    uint32_t *item_row;   /* by item; NONE: nothing of it is left */
    double *measure;      /* by item: how much of its row one replica is; 1 where it is alone */
    uint32_t *listed;     /* items with a row, ascending */
    uint32_t listed_count;
    uint32_t *left;      /* by item: replicas still to be placed */
    uint32_t *class_row; /* NONE: no row; its nodes cost class_cost */
    bool *class_open;    /* a node of it may still be had */
    double *class_cost;
    uint32_t side_row, spot_row;
    spotopt__spot *spot;
    uint32_t spots;
    uint32_t *spot_of; /* by running node; NONE; where spots is 0 nodes are kinds like others */
    bool by_spots;
    uint32_t *held;         /* by item: fixed on running nodes, which are open from the start */
    double *spot_room;      /* by resource: of the one being looked at */
    uint32_t *kind_column;  /* by kind; NONE */
    uint32_t left_out;      /* column of the first row's item left out; then the next one's */
    uint32_t surplus;       /* of the first row's item in excess */
    uint32_t fixed_columns; /* before the patterns */
    spotopt__vec(spotopt__column) columns;
    spotopt__vec(spotopt__hold) holds;
    double *dual;                                /* by row */
    double *price, *center;                      /* by item */
    double *row_need, *row_penalty, *row_center; /* by row of items */
    double *penalty;                             /* by item: for leaving out what must be placed */
    double *side, *row_value;
    uint32_t *row_index, *avail; /* avail by item: not yet covered by this batch */
    double objective;            /* of the LP as it stands, all residents' moves included */
    double moves; /* what those cost together: the program counts what is saved of it */
    uint32_t start, spot_start; /* class and running node at which pricing begins */
    double *class_lambda;       /* class * resources: prices of its last knapsack */
    void *ranked;               /* workspace of generate.c, 16 bytes an item */
    spotopt__extras extras;
    spotopt__knapsack sack;
    bool hurries; /* see spotopt__columns_dive() */
    bool nomem;
} spotopt__columns;

/* For what `state` misses, or for everything where state is NULL; false when memory is short. Freed
 * in any case. */
bool spotopt__columns_init(spotopt__columns *m, spotopt__search *search,
                           const spotopt__state *state);
void spotopt__columns_free(spotopt__columns *m);
/* Rows and all columns that are no patterns; again into m->mirror, where that is set. */
bool spotopt__columns_frame(spotopt__columns *m, const spotopt__state *state);
/* Rows, limits and patterns follow the state, which has grown. */
void spotopt__columns_follow(spotopt__columns *m, const spotopt__state *state);

/* The LP's price of one replica. */
double spotopt__columns_dual(const spotopt__columns *m, uint32_t item);
/* cluster.c: rows for the items listed, at most so many where they can be shared. */
bool spotopt__columns_cluster(spotopt__columns *m, uint32_t most);

/* spot.c: which running nodes have patterns of their own; their rows' limits as the state grows. */
bool spotopt__spots_list(spotopt__columns *m, const spotopt__state *state);
void spotopt__spots_follow(spotopt__columns *m, const spotopt__state *state);
/* What a pattern costs there: the node, less the moves that are saved. */
double spotopt__spot_cost(const spotopt__columns *m, const spotopt__column *at);
/* Whether the node is as the spot says: dropped, or with what is fixed alone. */
bool spotopt__spot_is_free(const spotopt__columns *m, const spotopt__state *state, uint32_t node);
/* The pattern that pays best at the LP's prices; whether it was new and pays. */
bool spotopt__spot_price(spotopt__columns *m, uint32_t spot, uint64_t steps);
/* Puts a pattern there for real, as far as rules let it; whether anything came of it. */
bool spotopt__spot_open(spotopt__columns *m, spotopt__state *state, uint32_t column);
/* The bin's content as a pattern of its node. */
void spotopt__spot_add_bin(spotopt__columns *m, const spotopt__bin *bin);

/* Adds a pattern unless the class, or the running node, has it; whether it did. */
bool spotopt__columns_add(spotopt__columns *m, uint32_t class_id, uint32_t node,
                          const spotopt__hold *holds, uint32_t count);
/* Writes a pattern into m->mirror. */
bool spotopt__columns_mirror(spotopt__columns *m, uint32_t column);
/* Patterns of another program that fit what is left here, and its prices. */
void spotopt__columns_borrow(spotopt__columns *m, const spotopt__columns *pool);
void spotopt__columns_add_bins(spotopt__columns *m, const spotopt__state *state);
/* Forgets the patterns that are furthest from paying, down to so many. */
void spotopt__columns_purge(spotopt__columns *m, uint32_t keep);
/* Solves warm; false when there is no optimum (also: no time). */
bool spotopt__columns_solve(spotopt__columns *m);
double spotopt__columns_x(const spotopt__columns *m, uint32_t column);
/* Keeps the prices within a box around the centre, or, with width 0, lets them free. */
void spotopt__columns_box(spotopt__columns *m, double width);
/* The Lagrangean bound at the LP's prices; they become the centre when it is the best so far. */
void spotopt__columns_bound(spotopt__columns *m, uint32_t effort);

/*
 * generate.c: a batch of patterns that pay at the LP's prices; how many were added. steps: of the
 * search in each knapsack.
 */
uint32_t spotopt__columns_price(spotopt__columns *m, uint64_t steps, uint32_t want);
/*
 * Rounds of solving and pricing until nothing pays, the rounds are spent, or, where tail > 0, a few
 * rounds in a row brought less than tail of the objective. Knapsacks get up to steps_most, more
 * each time nothing pays.
 */
void spotopt__columns_generate(spotopt__columns *m, uint32_t rounds, double tail,
                               uint64_t steps_most);

/* dive.c: packings from fractions, offered to the search. */
void spotopt__columns_round(spotopt__columns *m, const double *value, double threshold);
/* Completes the state, which may hold something already; `pool` is only read. hurries: rather
 * roughly than not at all, once most of the time is gone. */
bool spotopt__columns_dive(const spotopt__columns *pool, spotopt__state *state, bool hurries);
/* reopen.c: takes nodes of the best packing apart and packs them anew, for as long as it helps. */
void spotopt__columns_reopen(spotopt__columns *pool);
/* The patterns at hand in whole numbers, by branch and cut; for few rows only. */
void spotopt__columns_whole(spotopt__columns *m);
/* fleet.c: a bound from whole numbers of nodes, for few kinds of them; the LP is as before. */
void spotopt__columns_fleet(spotopt__columns *m);

#endif
