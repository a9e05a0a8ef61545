/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_CATALOG_H
#define SPOTOPT_MODEL_CATALOG_H
#include "model/resources.h"
#include "model/selector.h"
#include "spotopt/catalog.h"

enum {
    SPOTOPT__SPOT,
    SPOTOPT__ON_DEMAND
};

typedef struct spotopt__type {
    const char *name;   /* "m5.large" */
    const char *family; /* "m5" */
    const char *arch;   /* "amd64", "arm64" */
    const char *gpu_model; /* NULL: none or unknown */
    spotopt__amounts capacity;    /* the whole machine; SPOTOPT__AMOUNT_UNKNOWN where not stated */
    spotopt__amounts allocatable; /* capacity less system overhead: what pods (daemons included) may use */
    double coremark_per_s;        /* whole machine; NaN: unknown */
    spotopt__labels labels;       /* well-known ones included: arch, instance-type, family */
    bool is_bare_metal, is_burstable, is_current;
} spotopt__type;

typedef struct spotopt__pool {
    const char *id; /* "m5.large/us-east-1a/spot" */
    uint32_t type;
    const char *zone, *region; /* "" where unknown */
    int32_t purchase;          /* SPOTOPT__SPOT or SPOTOPT__ON_DEMAND */
    int32_t advisor_bucket;    /* 0..4; -1: unknown */
    double usd_per_h;          /* NaN: unknown (such a pool never passes the funnel's scope) */
    double placement_score;    /* 1 .. placement_score_max; NaN: unknown */
    uint32_t limit;            /* most nodes that can be had; UINT32_MAX: not stated */
} spotopt__pool;

struct spotopt_catalog {
    spotopt_context *context;
    spotopt__arena arena; /* all texts */
    spotopt__resources resources;
    spotopt__vec(spotopt__type) types;
    spotopt__vec(spotopt__pool) pools;
    spotopt__map pool_by_id;
    spotopt__map type_by_name;
    const char *region, *currency;
    double as_of_s; /* NaN: not stated */
    double placement_score_max;
    char sha256[65]; /* of the document read; "" when built by hand */
    bool is_sealed;
};

/* Cheapest on-demand price of the same type, any zone of the catalog; NaN when unknown. */
double spotopt__catalog_on_demand_price(const spotopt_catalog *catalog, uint32_t type);

#endif
