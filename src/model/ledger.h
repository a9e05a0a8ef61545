/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_LEDGER_H
#define SPOTOPT_MODEL_LEDGER_H
#include "base/base.h"
#include "spotopt/ledger.h"

/*
 * Rows by type. Each begins with its time and the line it came from, by which it is sorted. Texts
 * are numbers of names, 0 is "".
 */
#define SPOTOPT__ROW int64_t time_ms; uint64_t line

#define SPOTOPT__FOREVER INT64_MAX
#define SPOTOPT__HOUR_MS INT64_C(3600000)

typedef struct spotopt__row { SPOTOPT__ROW; } spotopt__row;
typedef struct spotopt__notice {
    SPOTOPT__ROW;
    uint32_t instance, pool, cluster, source;
    bool is_termination;
} spotopt__notice;
enum { SPOTOPT__PROPOSED, SPOTOPT__ACCEPTED, SPOTOPT__EXECUTED, SPOTOPT__FAILED };
#define SPOTOPT__ALTERNATES 5
typedef struct spotopt__switch {
    SPOTOPT__ROW;
    uint32_t id, instance, from_pool, to_pool, cluster, reason;
    uint32_t alternates[SPOTOPT__ALTERNATES], alternate_count;
    int32_t state;
} spotopt__switch;
typedef struct spotopt__start {
    SPOTOPT__ROW;
    uint32_t instance, pool, cluster, client, replaces, type, zone;
    double usd_per_h, on_demand_usd_per_h, vcpu; /* NaN: not said, but usd_per_h */
    bool is_spot, is_eligible;
} spotopt__start;
typedef struct spotopt__stop {
    SPOTOPT__ROW;
    uint32_t instance, cause;
    double lost_usd, lost_hours; /* NaN: not said */
} spotopt__stop;
typedef struct spotopt__price {
    SPOTOPT__ROW;
    uint32_t pool;
    double usd_per_h;
} spotopt__price;
typedef struct spotopt__demand_row {
    SPOTOPT__ROW;
    uint32_t cluster;
    double ode_usd_per_h, bound_usd_per_h; /* NaN: unknown from then on */
} spotopt__demand_row;
enum { SPOTOPT__LATENCY, SPOTOPT__THROUGHPUT, SPOTOPT__ERRORS, SPOTOPT__CPU_FREE, SPOTOPT__MEMORY_FREE, SPOTOPT__MEASURES };
typedef struct spotopt__measured {
    SPOTOPT__ROW;
    uint32_t instance;
    double value[SPOTOPT__MEASURES]; /* NaN: not measured */
} spotopt__measured;
enum { SPOTOPT__SCOPE_INSTANCE, SPOTOPT__SCOPE_CLUSTER, SPOTOPT__SCOPE_CLIENT, SPOTOPT__SCOPE_ALL };
typedef struct spotopt__order {
    SPOTOPT__ROW;
    uint32_t id, target, author, reason;
    int64_t from_ms, until_ms; /* SPOTOPT__FOREVER: open */
    int32_t scope;
    bool is_lift;
} spotopt__order;
enum { SPOTOPT__UP, SPOTOPT__DEGRADED, SPOTOPT__DOWN };
typedef struct spotopt__health {
    SPOTOPT__ROW;
    uint32_t component;
    int32_t state;
    double latency_ms; /* NaN: not said */
} spotopt__health;
typedef struct spotopt__log_line {
    SPOTOPT__ROW;
    uint32_t component, level, text;
} spotopt__log_line;
typedef struct spotopt__batch {
    SPOTOPT__ROW;
    uint32_t id, state, reason;
    double done, total;
} spotopt__batch;
/* A step in the life of something to be cleaned up; src/fleet/cleanup.c gives it its meaning. */
enum { SPOTOPT__FLAGGED, SPOTOPT__APPROVED, SPOTOPT__APPLYING, SPOTOPT__APPLIED, SPOTOPT__NOT_APPLIED, SPOTOPT__DISMISSED, SPOTOPT__CLEANUP_STATES };
typedef struct spotopt__cleanup_row {
    SPOTOPT__ROW;
    uint32_t item, author, reason;
    int32_t state;
} spotopt__cleanup_row;

/* What follows from the rows. An instance that was started again lives again. */
typedef struct spotopt__life {
    spotopt__start start;
    int64_t stop_ms; /* SPOTOPT__FOREVER: runs */
    uint32_t cause;
    uint32_t earlier; /* the life before this one of the same instance, or SPOTOPT__NONE */
    double weight;    /* its part of the cluster's on-demand equivalent, > 0 */
    double lost_usd, lost_hours;
    bool is_interrupted; /* once stopped: after a termination notice, or for the provider's reason */
    bool is_taken;       /* for the provider's reason */
} spotopt__life;

typedef struct spotopt__cluster_books {
    uint32_t name, client;
    size_t first_demand, demand_count; /* in demand rows, sorted by cluster */
    size_t first_life, life_count;     /* in lives */
    size_t first_share, share_count;   /* in shares */
} spotopt__cluster_books;
/* On-demand money a unit of weight has earned in a cluster up to a time. */
typedef struct spotopt__share {
    int64_t time_ms;
    double rate, sum; /* USD per hour and weight from here on; USD per weight up to here */
} spotopt__share;

#define SPOTOPT__ROW_TYPES(X)                                                                       \
    X(spotopt__notice, notices)                                                                    \
    X(spotopt__switch, switches)                                                                   \
    X(spotopt__start, starts)                                                                      \
    X(spotopt__stop, stops)                                                                        \
    X(spotopt__price, prices)                                                                      \
    X(spotopt__demand_row, demands)                                                                \
    X(spotopt__measured, measured)                                                                 \
    X(spotopt__order, orders)                                                                      \
    X(spotopt__health, health)                                                                     \
    X(spotopt__log_line, logs)                                                                     \
    X(spotopt__batch, batches)                                                                     \
    X(spotopt__cleanup_row, cleanups)

struct spotopt_ledger {
    spotopt_context *context;
    spotopt__arena arena; /* texts */
    char name[201];
    spotopt__vec(const char *) names;
    spotopt__map name_of;
#define SPOTOPT__ROW_VEC(type, field) spotopt__vec(type) field;
    SPOTOPT__ROW_TYPES(SPOTOPT__ROW_VEC)
#undef SPOTOPT__ROW_VEC
    uint64_t lines;
    size_t rows;
    int64_t first_ms, last_ms; /* -1: no row */
    bool warned;
    spotopt_event_fn told;
    void *user;

    /* Derived; made anew after rows were added. Lives by cluster, start; prices by pool, time;
     * demands by cluster, time; measures by instance, time. All else by time. */
    spotopt__vec(spotopt__life) lives;
    spotopt__vec(spotopt__cluster_books) clusters; /* by name's text */
    spotopt__vec(spotopt__share) shares;
    double *price_sum;   /* a price row's: USD of one node from the pool's first row to this one */
    uint32_t *price_of;  /* a name's: first price row of that pool, or SPOTOPT__NONE */
    uint32_t *life_of;   /* a name's: last life of that instance, or SPOTOPT__NONE */
    size_t known_names;  /* length of the two */
    size_t orphans;     /* stops of what did not run */
};

const char *spotopt__name(const spotopt_ledger *ledger, uint32_t name);
/* The number of a name, added where new; SPOTOPT__NONE: no memory. NULL is "". */
uint32_t spotopt__ledger_intern(spotopt_ledger *ledger, const char *text);
/* Reads a line into the row tables; a blank one is none. */
spotopt_status spotopt__ledger_read_line(spotopt_ledger *ledger, const char *line, size_t length,
                                         spotopt_error *err);
/* Sorts, pairs starts with stops, sums up. The message names a line. */
spotopt_status spotopt__ledger_derive(spotopt_ledger *ledger, spotopt_error *err);
const char *spotopt__switch_state(int32_t state);
const char *spotopt__order_state(int32_t is_lift);
const char *spotopt__scope(int32_t scope);
const char *spotopt__health_state(int32_t state);
const char *spotopt__cleanup_state(int32_t state);

#endif
