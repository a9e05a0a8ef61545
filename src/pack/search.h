/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_SEARCH_H
#define SPOTOPT_PACK_SEARCH_H
#include "base/options.h"
#include "pack/bound.h"
#include "pack/construct.h"

/* One solve: what is known so far, and how much longer it may take. */
typedef struct spotopt__search {
    const spotopt__model *model;
    struct spotopt__search *outer;        /* a coarser problem is solved for this one; or NULL */
    const struct spotopt__coarse *coarse; /* while that is solved: how it came about */
    spotopt__sides sides;
    spotopt__builder builder;
    spotopt__state best, work;
    spotopt__score score; /* of best */
    bool has_best;
    double bound;
    double *price; /* by item: prices that proved a good bound, see has_price */
    bool has_price;
    bool infeasible;   /* proved */
    const char *proof; /* by what: "demand", "lp", "search" */
    bool complete;     /* best is optimal, by a complete search */
    double gap_rel;
    spotopt__budget budget;
    uint64_t seed, arounds; /* large neighbourhood searches begun: each draws its own numbers */
    uint32_t without;       /* SPOTOPT__WITHOUT_... */
    uint64_t branch_nodes, columns;
    double lp_seconds, pricing_seconds;
    bool hurried;        /* a part ended by the clock before its own end */
    uint32_t *group_cap; /* room for one set of caps */
    uint32_t turns;      /* of buying */
    bool bought;         /* nodes were bought first, so there is a good packing without columns */
    bool apart;          /* pattern LPs give each item a row of its own */
} spotopt__search;

enum {
    SPOTOPT__WITHOUT_EXACT = 1,
    SPOTOPT__WITHOUT_COLUMNS = 2,
    SPOTOPT__WITHOUT_AROUND = 4,
    SPOTOPT__WITHOUT_TREE = 8,
    SPOTOPT__WITHOUT_COARSE = 16,
    SPOTOPT__COARSE_ANYWAY = 32, /* also where it is not much smaller */
    SPOTOPT__WITHOUT_DIVES = 64, /* the tree alone, without fills and dives that help it */
    SPOTOPT__ANY_PACKING = 128   /* is there one? Within little work; no certificate if not */
};
/* spotopt_problem_solve() with parts of the search left out, for tests that look at the others. */
spotopt_status spotopt__problem_solve(spotopt_problem *problem, const spotopt_options *options,
                                      uint32_t without, spotopt_packing **out, spotopt_error *err);

/* Whether a part of the problem that the search is about has a packing; the search pays for it. */
spotopt_status spotopt__search_part(spotopt__search *search, spotopt_problem *part,
                                    spotopt_packing **out, spotopt_error *err);

/* The proved bound, rounded up to what costs can be. */
double spotopt__search_bound(const spotopt__search *search);
void spotopt__search_raise(spotopt__search *search, double bound);
/* The same, with the prices that proved it: a later solve may begin with them. */
void spotopt__search_raise_by(spotopt__search *search, double bound, const double *price);
/* Close enough to the bound, or the budget is spent. */
bool spotopt__search_done(spotopt__search *search);
bool spotopt__search_over(spotopt__search *search); /* the budget alone */
/* True, and noted, once this share of the time is gone: so that later parts get some. */
bool spotopt__search_late(spotopt__search *search, double share);
/* Keeps the state when it is better than the best. */
bool spotopt__search_offer(spotopt__search *search, const spotopt__state *state);

/*
 * resolve.c: packings that begin with an answer to a similar problem. *whole: everything has its
 * place and every rule is kept.
 */
/* Whether the answer has prices; by item, those of the search for what it does not know. */
bool spotopt__search_prices(const spotopt__search *search, const spotopt_packing *from,
                            double *price);
spotopt_status spotopt__search_from(spotopt__search *search, const spotopt_packing *from,
                                    bool *whole, spotopt_error *err);
/* exact.c: complete search over every packing of a tiny problem; sets complete or infeasible when
 * it went through. */
void spotopt__search_exactly(spotopt__search *search);
/* dive.c: column generation, its bound, and packings from its fractions. */
spotopt_status spotopt__search_columns(spotopt__search *search, spotopt_error *err);
/* buy.c: the nodes first, then what goes in, where that is worth while; so many times, or until
 * this share of the time is gone, a little differently each time. Sets bought. */
spotopt_status spotopt__search_buy(spotopt__search *search, uint32_t turns, double share,
                                   spotopt_error *err);
/* squeeze.c: makes the packing in `work` cheaper, until so many exchanges of nodes in a row failed
 * or this share of the time is gone, and offers it. False: memory ran out. */
bool spotopt__search_squeeze(spotopt__search *search, uint32_t patience, double share);
/* lns.c: takes bins apart and packs them anew, for as long as it helps. */
void spotopt__search_around(spotopt__search *search, uint64_t work_most);

#endif
