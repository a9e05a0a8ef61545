/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_TREE_H
#define SPOTOPT_PACK_TREE_H
#include "pack/bare.h"
#include "pack/simplex.h"

/*
 * Branch and cut and price for bare problems. The tree asks one question again and again: is there
 * a packing of cost <= target? A node of the tree is a *view*: pieces of the problem, some of them
 * merged for good ("together"), some pairs kept apart, bins of a sort between lower and upper. The
 * oracle sees a view and prices, never the tree.
 *
 *     master of a view:   min  Σ cost x    Σ_patterns a_p x_p >= count (every part),
 *                         lower <= Σ_patterns of a sort x <= upper,  Σ f_c(p) x_p <= right (cuts)
 *
 * All prices are whole numbers: `unit` of them make one step of cost. Kept in floats and doubles as
 * long as they stay below 2^24 and 2^53, sums of them are exact, so a bound computed with them is
 * proved, whatever the LP said.
 */

typedef struct spotopt__part { /* pieces or merged pieces that a view does not tell apart */
    uint32_t count;            /* to pack */
    uint32_t most;             /* in one bin: by capacity, count and apart-from-its-like */
    uint32_t first, fills;     /* its pieces by type: fill[first ...] of the view */
} spotopt__part;

typedef struct spotopt__view {
    const spotopt__bare *bare;
    uint32_t parts, words;
    spotopt__part *part; /* by falling size in the problem's order of types */
    int64_t *size;       /* part * dims + r */
    spotopt__fill *fill;
    uint64_t *apart; /* part * words: bits over parts it may share no bin with; NULL: none */
    int64_t *least;  /* by sort: dim 0 of a bin is filled at least so much in any packing of
                      * cost <= target (waste bound); 0: unknown */
} spotopt__view;

/* Rank-1 cut over three rows of types with multipliers 1/2: a pattern counts floor(pieces of the
 * three / 2). The price is charged each time. */
typedef struct spotopt__cut {
    uint32_t type[3];
    uint32_t right;
} spotopt__cut;

typedef struct spotopt__prices {
    double unit;        /* prices for one step of cost */
    const double *part; /* >= 0, whole */
    uint32_t cuts;
    const spotopt__cut *cut;
    const double *cut_price; /* >= 0, whole: charged */
    bool (*stop)(void *);    /* true: out of time; give what bounds there are. Ask sparingly */
    void *stop_data;
} spotopt__prices;

/* A pattern: fills by *part* of the view. */
typedef struct spotopt__pattern {
    uint32_t sort;
    double worth; /* exact: prices of parts less cuts charged */
    uint32_t first, fills;
} spotopt__pattern;
typedef struct spotopt__patterns {
    spotopt_context *context;
    spotopt__vec(spotopt__pattern) list;
    spotopt__vec(spotopt__fill) fills;
    bool failed;
} spotopt__patterns;
bool spotopt__patterns_add(spotopt__patterns *to, uint32_t sort, double worth,
                           const spotopt__fill *fills, uint32_t count);
void spotopt__patterns_clear(spotopt__patterns *to);
void spotopt__patterns_free(spotopt__patterns *to);

/*
 * Pricing. enter() is told of a new view (it stays where it is until the next enter), price() of
 * prices for it. price() appends patterns with worth > threshold[sort], several and
 * different ones, the best among them where it can, at most `most`; and writes bound[sort], an
 * upper bound on the worth of every pattern of the view (least fill included) that is proved in
 * exact arithmetic, or INFINITY. Patterns that bring no new bin of the sort (upper 0) need no
 * bound: skip[sort]. effort 0: quick patterns only, no bound needed (INFINITY); 1: bound, exact if
 * it can be had at ordinary cost; 2: exact. *work grows by the effort made.
 * False: memory ran out.
 */
typedef struct spotopt__oracle {
    void *self;
    bool (*enter)(void *self, const spotopt__view *view);
    bool (*price)(void *self, const spotopt__prices *prices, const double *threshold,
                  const unsigned char *skip, int effort, uint32_t most, spotopt__patterns *out,
                  double *bound, uint64_t *work);
    void (*free)(void *self);
} spotopt__oracle;

/* One dimension: knapsack tables and depth first search. NULL self when memory ran out. */
spotopt__oracle spotopt__knap_oracle(const spotopt__bare *bare);

/*
 * Goes on from `best` (a right plan, or empty with has_best false) and `bound` until they meet, the
 * budget of the search is over, or the tree is done. *bound is raised to what is proved, in steps;
 * INT64_MAX: proved that there is no packing at all. packer: completes partial packings; or NULL.
 * Better plans are offered to the search as they come. Stats of the search grow.
 */
spotopt_status spotopt__tree_run(const spotopt__bare *bare, spotopt__oracle *oracle,
                                 spotopt__packer *packer, spotopt__search *search,
                                 spotopt__plan *best, bool has_best, int64_t *bound,
                                 spotopt_error *err);

/* The whole: recognises a bare problem, fills, bounds, grows the tree. True in *out_done when the
 * search needs nothing more. */
spotopt_status spotopt__search_bare(spotopt__search *search, bool *out_done, spotopt_error *err);

#endif
