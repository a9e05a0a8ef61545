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
    double on_demand_usd_per_h; /* cheapest of the catalog; NaN: unknown. Kept by seal and set_prices */
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

#define SPOTOPT__PRICE_MAX 1e9
#define SPOTOPT__PODS_DEFAULT 110 /* pods a node takes where nobody says: the kubelet's own default */

/* Cheapest on-demand price of the same type, any zone of the catalog; NaN when unknown. */
double spotopt__catalog_on_demand_price(const spotopt_catalog *catalog, uint32_t type);

/*
 * Building: new, add, seal. Readers in io/ judge their values; these copy texts and keep ids unique.
 * A draft's texts are borrowed for the call. Labels given win over those derived from name, arch and size.
 */
spotopt_status spotopt__catalog_new(spotopt_context *context, spotopt_catalog **out, spotopt_error *err);
spotopt_status spotopt__catalog_add_type(spotopt_catalog *catalog, const spotopt__type *draft,
                                         const spotopt__label *labels, uint32_t label_count, uint32_t *out_type,
                                         spotopt_error *err);
/* id NULL makes "type/zone/purchase". *out_is_new false: a pool of that id is there, nothing was added. */
spotopt_status spotopt__catalog_add_pool(spotopt_catalog *catalog, const spotopt__pool *draft, uint32_t *out_pool,
                                         bool *out_is_new, spotopt_error *err);
void spotopt__catalog_seal(spotopt_catalog *catalog);

/* How much of "m5.large" names the family: up to the dot; without one up to the first dash; else all. */
size_t spotopt__family_length(const char *type_name);
/* "spot", "on-demand" */
const char *spotopt__purchase_text(int32_t purchase);

/* Readers of one format each (src/io); the catalog is new and not sealed. */
spotopt_status spotopt__catalog_read_csv(spotopt_catalog *catalog, const char *text, size_t length, const char *name,
                                         const char *zones, const char *zone_map, spotopt_error *err);
spotopt_status spotopt__catalog_read_json(spotopt_catalog *catalog, const char *text, size_t length,
                                          const char *name, const char *zone_map, spotopt_error *err);

#endif
