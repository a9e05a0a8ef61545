/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_catalog.c - a Catalog document: instance types with capacity and overhead, pools with
 * prices.
 *
 * Quantities are spelled as Kubernetes spells them, or are plain numbers. What pods may use is
 * capacity less overhead; an overhead that is not stated is none. A pool without a price is kept:
 * what holds its nodes may still be priced later.
 */
#include "io/maybe.h"
#include "io/zones.h"
#include "model/catalog.h"

#define LIST_MAX 1000000 /* instance types, pools */
#define LABELS_TYPE 32

typedef struct reader {
    spotopt_catalog *catalog;
    spotopt__zones zones;
    bool warned;
} reader;

static void
warn_unknown(reader *r, const spotopt__at *at, const char *const *known)
{
    spotopt__warn_unknown(r->catalog->context, at, known, &r->warned);
}

static spotopt_status
want_quantity(const spotopt__at *at, bool milli, int64_t *out, spotopt_error *err)
{
    char number[SPOTOPT__REAL_SIZE];
    const char *text = spotopt__json_text(at->value);

    if (spotopt__json_type(at->value) == SPOTOPT__JSON_NUMBER &&
        isfinite(spotopt__json_real(at->value))) {
        spotopt__write_real(spotopt__json_real(at->value), number);
        text = number;
    }
    if (text == NULL || !spotopt__parse_quantity(text, milli, out) || *out < 0)
        return spotopt__fail_at(at, err, "want a quantity >= 0, such as \"500m\" or \"8Gi\"");
    return SPOTOPT_OK;
}

/* A map from resources to quantities. */
static spotopt_status
read_amounts(reader *r, const spotopt__at *map, spotopt__amounts *amounts, spotopt_error *err)
{
    spotopt_status status = spotopt__want_object(map, err);

    if (status != SPOTOPT_OK)
        return status;
    for (spotopt__at it = spotopt__at_first(map); it.value != NULL; spotopt__at_step(&it)) {
        int64_t amount;
        uint32_t resource;

        status = want_quantity(&it, strcmp(it.key, "cpu") == 0, &amount, err);
        if (status != SPOTOPT_OK)
            return status;
        if (spotopt__resources_find(&r->catalog->resources, it.key) == SPOTOPT__NONE &&
            r->catalog->resources.count == SPOTOPT__RESOURCES_MAX)
            return spotopt__fail_at(&it, err, "want at most %d different resources",
                                    SPOTOPT__RESOURCES_MAX);
        resource = spotopt__resources_add(&r->catalog->resources, &r->catalog->arena, it.key);
        if (resource == SPOTOPT__NONE)
            return spotopt__nomem(err, "a resource");
        amounts->of[resource] = amount;
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_labels(reader *r, const spotopt__at *map, spotopt__label *labels, uint32_t *count,
            spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    (void)r;
    *count = 0;
    if (!spotopt__at_is_set(map))
        return SPOTOPT_OK;
    status = spotopt__want_object(map, err);
    if (status != SPOTOPT_OK)
        return status;
    for (spotopt__at it = spotopt__at_first(map); it.value != NULL; spotopt__at_step(&it)) {
        if (*count == LABELS_TYPE)
            return spotopt__fail_at(&it, err, "want at most %d labels", LABELS_TYPE);
        status = spotopt__want_text(&it, &labels[*count].value, err);
        if (status != SPOTOPT_OK)
            return status;
        labels[(*count)++].key = it.key;
    }
    return SPOTOPT_OK;
}

/* capacity, overhead -> allocatable. */
static spotopt_status
read_size(reader *r, const spotopt__at *item, spotopt__type *type, spotopt_error *err)
{
    spotopt__amounts overhead = {{0}};
    spotopt__at capacity_at = spotopt__at_key(item, "capacity"),
                overhead_at = spotopt__at_key(item, "overhead");
    spotopt_status status;

    type->capacity.of[SPOTOPT__CPU] = type->capacity.of[SPOTOPT__MEMORY] = -1;
    type->capacity.of[SPOTOPT__PODS] = SPOTOPT__PODS_DEFAULT;
    type->capacity.of[SPOTOPT__STORAGE] = SPOTOPT__AMOUNT_UNKNOWN;
    status = read_amounts(r, &capacity_at, &type->capacity, err);
    if (status == SPOTOPT_OK && spotopt__at_is_set(&overhead_at))
        status = read_amounts(r, &overhead_at, &overhead, err);
    if (status != SPOTOPT_OK)
        return status;
    if (type->capacity.of[SPOTOPT__CPU] < 0 || type->capacity.of[SPOTOPT__MEMORY] < 0)
        return spotopt__fail_at(&capacity_at, err, "want cpu and memory in it");
    for (uint32_t i = 0; i < r->catalog->resources.count; i++) {
        if (type->capacity.of[i] == SPOTOPT__AMOUNT_UNKNOWN) {
            type->allocatable.of[i] = SPOTOPT__AMOUNT_UNKNOWN;
        } else if (overhead.of[i] > type->capacity.of[i]) {
            spotopt__at at = spotopt__at_key(&overhead_at, r->catalog->resources.name[i]);
            return spotopt__fail_at(&at, err, "want at most the capacity");
        } else {
            type->allocatable.of[i] = type->capacity.of[i] - overhead.of[i];
        }
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_type(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {
        "name",      "arch",       "capacity",  "overhead",           "performance", "labels",
        "gpu_model", "bare_metal", "burstable", "current_generation", NULL};
    static const char *const known_performance[] = {"coremark", NULL};
    spotopt__type type = {.arch = "amd64", .coremark_per_s = NAN, .is_current = true};
    spotopt__label labels[LABELS_TYPE];
    uint32_t label_count, index;
    spotopt_status status = spotopt__want_object(item, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__at name_at = spotopt__at_key(item, "name"),
                performance = spotopt__at_key(item, "performance"),
                labels_at = spotopt__at_key(item, "labels"),
                arch_at = spotopt__at_key(item, "arch");
    warn_unknown(r, item, known);
    status = spotopt__want_name(&name_at, &type.name, err);
    if (status != SPOTOPT_OK)
        return status;
    if (spotopt__map_get(&r->catalog->type_by_name, type.name) != SPOTOPT__NONE)
        return spotopt__fail_at(&name_at, err, "\"%s\" is there already; want each once",
                                type.name);
    type.is_bare_metal = strstr(type.name, ".metal") != NULL;
    type.is_burstable = type.name[0] == 't' && type.name[1] >= '1' && type.name[1] <= '9';
    if (spotopt__at_is_set(&arch_at))
        status = spotopt__want_name(&arch_at, &type.arch, err);
    if (status == SPOTOPT_OK)
        status = read_size(r, item, &type, err);
    if (status == SPOTOPT_OK && spotopt__at_is_set(&performance)) {
        status = spotopt__want_object(&performance, err);
        if (status == SPOTOPT_OK) {
            warn_unknown(r, &performance, known_performance);
            status =
                spotopt__maybe_real(&performance, "coremark", 0.0, 1e15, &type.coremark_per_s, err);
        }
    }
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "gpu_model", &type.gpu_model, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_bool(item, "bare_metal", &type.is_bare_metal, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_bool(item, "burstable", &type.is_burstable, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_bool(item, "current_generation", &type.is_current, err);
    if (status == SPOTOPT_OK)
        status = read_labels(r, &labels_at, labels, &label_count, err);
    if (status != SPOTOPT_OK)
        return status;
    return spotopt__catalog_add_type(r->catalog, &type, labels, label_count, &index, err);
}

static spotopt_status
read_pool(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {"id",
                                        "instance_type",
                                        "zone",
                                        "region",
                                        "purchase",
                                        "usd_per_hour",
                                        "advisor_bucket",
                                        "placement_score",
                                        "limit",
                                        NULL};
    spotopt__pool pool = {
        .zone = "", .region = r->catalog->region, .usd_per_h = NAN, .placement_score = NAN};
    const char *type_name = NULL, *purchase = NULL;
    int64_t bucket = -1, limit = UINT32_MAX;
    uint32_t index;
    bool is_new;
    spotopt_status status = spotopt__want_object(item, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__at id_at = spotopt__at_key(item, "id"),
                type_at = spotopt__at_key(item, "instance_type"),
                purchase_at = spotopt__at_key(item, "purchase");
    warn_unknown(r, item, known);
    if (spotopt__at_is_set(&id_at))
        status = spotopt__want_name(&id_at, &pool.id, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_name(&type_at, &type_name, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&purchase_at, &purchase, err);
    if (status != SPOTOPT_OK)
        return status;
    pool.type = spotopt__map_get(&r->catalog->type_by_name, type_name);
    if (pool.type == SPOTOPT__NONE)
        return spotopt__fail_at(&type_at, err, "\"%s\" is none of instance_types; want one of them",
                                type_name);
    if (strcmp(purchase, "spot") == 0)
        pool.purchase = SPOTOPT__SPOT;
    else if (strcmp(purchase, "on-demand") == 0)
        pool.purchase = SPOTOPT__ON_DEMAND;
    else
        return spotopt__fail_at(&purchase_at, err, "want \"spot\" or \"on-demand\", not \"%s\"",
                                purchase);
    status = spotopt__maybe_text(item, "zone", &pool.zone, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "region", &pool.region, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(item, "usd_per_hour", 0.0, SPOTOPT__PRICE_MAX, &pool.usd_per_h,
                                     err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_int(item, "advisor_bucket", 0, 4, &bucket, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(item, "placement_score", 1.0, r->catalog->placement_score_max,
                                     &pool.placement_score, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_int(item, "limit", 0, UINT32_MAX - 1, &limit, err);
    if (status != SPOTOPT_OK)
        return status;
    pool.zone = spotopt__zones_name(&r->zones, pool.zone);
    pool.advisor_bucket = (int32_t)bucket;
    pool.limit = (uint32_t)limit;
    status = spotopt__catalog_add_pool(r->catalog, &pool, &index, &is_new, err);
    if (status == SPOTOPT_OK && !is_new)
        return spotopt__fail_at(spotopt__at_is_set(&id_at) ? &id_at : item, err,
                                "\"%s\" is there already; want each once",
                                r->catalog->pools.at[index].id);
    return status;
}

static spotopt_status
read_list(reader *r, const spotopt__at *root, const char *key,
          spotopt_status (*read_item)(reader *, const spotopt__at *, spotopt_error *),
          spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(root, key);
    spotopt_status status = spotopt__want_array(&list, err);

    for (spotopt__at it = spotopt__at_first(&list); status == SPOTOPT_OK && it.value != NULL;
         spotopt__at_step(&it)) {
        if (it.index == LIST_MAX)
            return spotopt__fail_at(&list, err, "want at most %d items", LIST_MAX);
        status = read_item(r, &it, err);
    }
    return status;
}

static spotopt_status
read_head(reader *r, const spotopt__at *root, spotopt_error *err)
{
    static const char *const known[] = {"apiVersion",     "kind",  "region",
                                        "currency",       "as_of", "placement_score_max",
                                        "instance_types", "pools", NULL};
    spotopt_catalog *catalog = r->catalog;
    const char *region = "", *currency = "USD", *as_of = NULL;
    spotopt_status status = spotopt__want_kind(root, "Catalog", err);

    if (status != SPOTOPT_OK)
        return status;
    warn_unknown(r, root, known);
    status = spotopt__maybe_text(root, "region", &region, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(root, "currency", &currency, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(root, "as_of", &as_of, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(root, "placement_score_max", 1.0, 1e6,
                                     &catalog->placement_score_max, err);
    if (status != SPOTOPT_OK)
        return status;
    if (strcmp(currency, "USD") != 0) {
        spotopt__at at = spotopt__at_key(root, "currency");
        return spotopt__fail_at(&at, err, "want \"USD\", not \"%s\"", currency);
    }
    if (as_of != NULL && !spotopt__parse_time(as_of, strlen(as_of), &catalog->as_of_s)) {
        spotopt__at at = spotopt__at_key(root, "as_of");
        return spotopt__fail_at(&at, err,
                                "want a time such as \"2026-01-01T00:00:00Z\", not \"%s\"", as_of);
    }
    catalog->region = spotopt__arena_text(&catalog->arena, region, strlen(region));
    return catalog->region != NULL ? SPOTOPT_OK : spotopt__nomem(err, "a catalog");
}

spotopt_status
spotopt__catalog_read_json(spotopt_catalog *catalog, const char *text, size_t length,
                           const char *name, const char *zone_map, spotopt_error *err)
{
    reader r = {.catalog = catalog};
    spotopt__json *json = NULL;
    spotopt_status status = spotopt__zones_init(&r.zones, catalog->context, NULL, zone_map, err);

    if (status == SPOTOPT_OK)
        status = spotopt__json_parse(text, length, name, &json, err);
    if (status == SPOTOPT_OK) {
        spotopt__at root = spotopt__at_root(json, name);

        status = read_head(&r, &root, err);
        if (status == SPOTOPT_OK)
            status = read_list(&r, &root, "instance_types", read_type, err);
        if (status == SPOTOPT_OK)
            status = read_list(&r, &root, "pools", read_pool, err);
    }
    spotopt__json_free(json);
    spotopt__zones_free(&r.zones);
    return status;
}
