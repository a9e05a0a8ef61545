/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_REPLAY_WORLD_H
#define SPOTOPT_REPLAY_WORLD_H
#include "model/catalog.h"
#include "model/history.h"
#include "model/over_time.h"

/* A pool's count fell: of `before` nodes that were seen there `after` are left. */
typedef struct spotopt__fall {
    uint32_t pool;
    double at_s, before, after;
} spotopt__fall;

typedef struct spotopt__change {
    double time_s, value;
    uint32_t pool;
} spotopt__change;

/* The past as it goes by: what is known at now_s, and what happens until the next step. */
typedef struct spotopt__world {
    spotopt_context *context;
    const spotopt_catalog *catalog;
    const spotopt_history *history; /* or NULL */
    size_t pools;
    uint32_t *series; /* by pool: of the history; SPOTOPT__NONE: on-demand, or no history at all */
    bool *is_known;   /* by pool: false where a history is given and nobody watched this spot pool */
    double *price;    /* by pool, USD/h now; NaN: not known */
    bool *is_up;      /* by pool: a node can be launched now */
    uint64_t price_version; /* grows whenever a price changes */
    double now_s;
    spotopt__vec(spotopt__fall) falls; /* of the step, by pool and then time; see spotopt__world_ahead() */
    /* What follows is world.c's own. */
    double *nodes, *last_nodes, *peek; /* by pool: now (NaN: not observed); last that was observed; scratch */
    spotopt__vec(spotopt__change) capacity, prices; /* ascending by time, then pool */
    size_t next_capacity, next_price;
} spotopt__world;

/* Inputs are borrowed until _free(). False: out of memory; free it all the same. */
bool spotopt__world_init(spotopt__world *world, spotopt_context *context, const spotopt_catalog *catalog,
                         const spotopt_history *history, const spotopt_price_history *prices);
void spotopt__world_free(spotopt__world *world);
/* Back to before everything. */
void spotopt__world_rewind(spotopt__world *world);
/* Makes known what happened up to and including time_s, which never falls. */
void spotopt__world_go(spotopt__world *world, double time_s);
/* Fills `falls` with what happens in (now_s, until_s], without making it known. False: out of memory. */
bool spotopt__world_ahead(spotopt__world *world, double until_s);
/* Where history, prices end; NaN without any row. */
double spotopt__world_end(const spotopt__world *world);

#endif
