/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_PACKING_H
#define SPOTOPT_PACK_PACKING_H
#include "pack/state.h"

typedef struct spotopt__row {
    uint32_t pool, node, count, hold_count;
    size_t first; /* in demands and replicas */
} spotopt__row;

typedef struct spotopt__why {
    uint32_t demand;
    char *reason;
} spotopt__why;

/* Why there is no packing; proof NULL: not known, or there is one. */
typedef struct spotopt__certificate {
    const char *proof; /* "demand", "lp" or "search" */
    bool is_minimal;
    spotopt__vec(uint32_t) demands; /* ascending, as all of these */
    spotopt__vec(uint32_t) replicas;
    spotopt__vec(uint32_t) rules;
    spotopt__vec(uint32_t) limits; /* pools */
} spotopt__certificate;

struct spotopt_packing {
    spotopt_context *context;
    spotopt_problem *problem; /* held */
    int32_t outcome;
    double cost, bound, gap;
    spotopt__vec(spotopt__row) rows;
    spotopt__vec(uint32_t) demands;
    spotopt__vec(uint32_t) replicas;
    uint32_t *unplaced; /* by demand */
    spotopt__vec(spotopt__why) why;
    spotopt__certificate certificate;
    double *price; /* by demand: of one replica, as the bound's proof has them; or NULL */
    spotopt_packing_stats stats;
    bool timings; /* documents tell seconds */
};

spotopt_packing *spotopt__packing_new(spotopt_problem *problem);
/* Rows and unplaced counts from a state; false when memory ran out. */
bool spotopt__packing_fill(spotopt_packing *packing, const spotopt__state *state);
/*
 * Recomputes everything from the problem: 1 all kept, 0 not (reason says what), -1 no memory.
 * Unplaced ones cost nothing here when they must be placed; *out_missing counts them. Shares no
 * code with rules.c.
 */
int spotopt__packing_verify(const spotopt_packing *packing, bool partial, double *out_cost,
                            uint64_t *out_missing, char reason[200]);
/* Names each unplaced demand with its reason. */
bool spotopt__packing_explain(spotopt_packing *packing, const spotopt__model *model,
                              const spotopt__state *state);

#endif
