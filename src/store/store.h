/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_STORE_STORE_H
#define SPOTOPT_STORE_STORE_H
/* An open store, for the files of this folder. */
#include "spotopt/store.h"
#include "store/schema.h"

#define SPOTOPT__HOUR_MS INT64_C(3600000)
#define SPOTOPT__TIME_MAX_MS INT64_C(253402300799000) /* the end of the year 9999 */

/* An instance whose number is known, and its sum of this batch that is still growing. */
typedef struct spotopt__instance {
    int64_t id;
    int64_t hour_ms;
    size_t sum; /* SIZE_MAX: none */
} spotopt__instance;

/* What one batch adds to an instance's hour. */
typedef struct spotopt__sum {
    int64_t id, hour_ms, n;
    uint32_t instance;
    spotopt_store_spread of[SPOTOPT_STORE_MEASURES];
} spotopt__sum;

/* Statements that are prepared when they are first needed and kept. */
enum {
    SPOTOPT__DO_EVENT,
    SPOTOPT__DO_METRIC,
    SPOTOPT__DO_HOUR,
    SPOTOPT__DO_INSTANCE,
    SPOTOPT__DO_CLUSTER,
    SPOTOPT__DO_PLACE,
    SPOTOPT__DO_READ,
    SPOTOPT__DO_HOURS,
    SPOTOPT__DO_HOURS_OF,
    SPOTOPT__DO_TYPE, /* and one a type from here */
    SPOTOPT__DO_COUNT = SPOTOPT__DO_TYPE + SPOTOPT__STORE_TYPES
};

struct spotopt_store {
    spotopt_context *context;
    spotopt__db *db;
    spotopt__stmt *kept[SPOTOPT__DO_COUNT];
    bool is_busy; /* a callback of ours runs */
    spotopt__arena arena; /* the instances' names */
    spotopt__map instance_of;
    spotopt__vec(spotopt__instance) instances;
    spotopt__vec(spotopt__sum) sums;
};

/* The statement of a number; sql is what it is made of the first time. */
spotopt_status spotopt__kept(spotopt_store *store, int which, const char *sql, spotopt__stmt **out,
                             spotopt_error *err);
/* Not from within a callback; and for writing, not read-only. */
spotopt_status spotopt__store_free_to(const spotopt_store *store, bool writes, spotopt_error *err);
/* Forget what was learnt of instances: a transaction that told it was rolled back. */
void spotopt__forget_instances(spotopt_store *store);

#endif
