/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - the table of instance types and pools: built once, sealed, then read by everybody.
 *
 * Types and pools keep the order in which they were added; maps find them by name. From a type's
 * name come its family and the labels that Karpenter puts on nodes of AWS
 * (karpenter.k8s.aws/instance-...), so that node selectors written for a cluster hold against a
 * catalog. Invariant: ids and names are unique, every pool's type exists.
 */
#include "model/catalog.h"

#include <stdio.h>

#define LABELS_MAX 64 /* derived and given ones of one type */

double
spotopt__catalog_on_demand_price(const spotopt_catalog *catalog, uint32_t type)
{
    return catalog->types.at[type].on_demand_usd_per_h;
}

size_t
spotopt__family_length(const char *type_name)
{
    size_t dot = strcspn(type_name, ".");

    return type_name[dot] == '.' ? dot : strcspn(type_name, "-");
}

const char *
spotopt__purchase_text(int32_t purchase)
{
    return purchase == SPOTOPT__SPOT ? "spot" : "on-demand";
}

spotopt_status
spotopt__catalog_new(spotopt_context *context, spotopt_catalog **out, spotopt_error *err)
{
    spotopt_catalog *catalog = spotopt__alloc(context, sizeof *catalog);

    if (catalog == NULL)
        return spotopt__nomem(err, "a catalog");
    catalog->context = spotopt__context_hold(context);
    spotopt__arena_init(&catalog->arena, context);
    spotopt__resources_init(&catalog->resources);
    spotopt__map_init(&catalog->pool_by_id, context);
    spotopt__map_init(&catalog->type_by_name, context);
    catalog->region = "";
    catalog->currency = "USD";
    catalog->as_of_s = NAN;
    catalog->placement_score_max = 10.0;
    *out = catalog;
    return SPOTOPT_OK;
}

void
spotopt_catalog_free(spotopt_catalog *catalog)
{
    if (catalog == NULL)
        return;
    spotopt_context *context = catalog->context;
    spotopt__map_free(&catalog->pool_by_id);
    spotopt__map_free(&catalog->type_by_name);
    spotopt__vec_free(context, &catalog->types);
    spotopt__vec_free(context, &catalog->pools);
    spotopt__arena_free(&catalog->arena);
    spotopt__free(context, catalog);
    spotopt__context_drop(context);
}

/* Labels of one type while they are gathered: the first of a key stays. */
typedef struct label_list {
    spotopt__label at[LABELS_MAX];
    uint32_t count;
    spotopt__arena *arena;
    bool failed; /* no memory, or too many */
} label_list;

static void
add_label(label_list *list, const char *key, const char *value, size_t length)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (strcmp(list->at[i].key, key) == 0)
            return;
    }
    if (list->failed || list->count == LABELS_MAX) {
        list->failed = true;
        return;
    }
    spotopt__label *label = &list->at[list->count++];
    label->key = spotopt__arena_text(list->arena, key, strlen(key));
    label->value = spotopt__arena_text(list->arena, value, length);
    list->failed = label->key == NULL || label->value == NULL;
    if (list->failed)
        list->count--;
}

static void
add_number_label(label_list *list, const char *key, int64_t value)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)value);

    add_label(list, key, text, (size_t)length);
}

/*
 * Karpenter reads category and generation out of a type's name by
 * "^([a-z]+)(-[0-9]+tb)?([0-9]+).*\.": m5.large is category m of generation 5, u-24tb1.metal is u
 * and 1.
 */
static void
add_name_labels(label_list *list, const char *name)
{
    size_t dot = strcspn(name, "."), letters = strspn(name, "abcdefghijklmnopqrstuvwxyz"),
           at = letters, digits;

    if (name[dot] != '.' || letters == 0)
        return;
    add_label(list, "karpenter.k8s.aws/instance-family", name, dot);
    add_label(list, "karpenter.k8s.aws/instance-size", name + dot + 1, strlen(name + dot + 1));
    if (name[at] == '-') {
        digits = strspn(name + at + 1, "0123456789");
        if (digits == 0 || strncmp(name + at + 1 + digits, "tb", 2) != 0)
            return;
        at += 1 + digits + 2;
    }
    digits = strspn(name + at, "0123456789");
    if (digits == 0)
        return;
    add_label(list, "karpenter.k8s.aws/instance-category", name, letters);
    add_label(list, "karpenter.k8s.aws/instance-generation", name + at, digits);
}

/* Insertion sort by key: a few dozen at most. */
static void
sort_labels(spotopt__label *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        spotopt__label label = at[i];
        uint32_t k = i;
        for (; k > 0 && strcmp(at[k - 1].key, label.key) > 0; k--)
            at[k] = at[k - 1];
        at[k] = label;
    }
}

spotopt_status
spotopt__catalog_add_type(spotopt_catalog *catalog, const spotopt__type *draft,
                          const spotopt__label *labels, uint32_t label_count, uint32_t *out_type,
                          spotopt_error *err)
{
    spotopt__arena *arena = &catalog->arena;
    spotopt__type type = *draft;
    label_list list = {.arena = arena};
    int64_t cpu = draft->capacity.of[SPOTOPT__CPU], memory = draft->capacity.of[SPOTOPT__MEMORY];

    assert(!catalog->is_sealed);
    assert(spotopt__map_get(&catalog->type_by_name, draft->name) == SPOTOPT__NONE);
    if (label_count > LABELS_MAX / 2)
        return spotopt__fail(err, SPOTOPT_E_INPUT,
                             "instance type \"%s\": %u labels; want at most %d", draft->name,
                             label_count, LABELS_MAX / 2);
    type.name = spotopt__arena_text(arena, draft->name, strlen(draft->name));
    type.family = spotopt__arena_text(arena, draft->name, spotopt__family_length(draft->name));
    type.arch = spotopt__arena_text(arena, draft->arch, strlen(draft->arch));
    if (draft->gpu_model != NULL)
        type.gpu_model = spotopt__arena_text(arena, draft->gpu_model, strlen(draft->gpu_model));
    if (type.name == NULL || type.family == NULL || type.arch == NULL ||
        (draft->gpu_model != NULL && type.gpu_model == NULL))
        return spotopt__nomem(err, "an instance type");

    for (uint32_t i = 0; i < label_count; i++)
        add_label(&list, labels[i].key, labels[i].value, strlen(labels[i].value));
    add_label(&list, "kubernetes.io/arch", type.arch, strlen(type.arch));
    add_label(&list, "kubernetes.io/os", "linux", 5);
    add_label(&list, "node.kubernetes.io/instance-type", type.name, strlen(type.name));
    add_name_labels(&list, type.name);
    if (cpu != SPOTOPT__AMOUNT_UNKNOWN)
        add_number_label(&list, "karpenter.k8s.aws/instance-cpu", cpu / 1000);
    if (memory != SPOTOPT__AMOUNT_UNKNOWN)
        add_number_label(&list, "karpenter.k8s.aws/instance-memory", memory >> 20);
    sort_labels(list.at, list.count);
    type.labels.at = spotopt__arena_dup(arena, list.at, list.count, sizeof list.at[0]);
    type.labels.count = list.count;
    type.on_demand_usd_per_h = NAN;

    if (list.failed || type.labels.at == NULL || catalog->types.count >= SPOTOPT__NONE ||
        !spotopt__vec_reserve(catalog->context, &catalog->types, 1) ||
        !spotopt__map_put(&catalog->type_by_name, type.name, (uint32_t)catalog->types.count,
                          out_type))
        return spotopt__nomem(err, "an instance type");
    catalog->types.at[catalog->types.count++] = type;
    return SPOTOPT_OK;
}

/* The same zone and region stand in row after row: the last pool's copy serves. */
static const char *
keep_text(spotopt_catalog *catalog, const char *text, const char *last)
{
    return last != NULL && strcmp(last, text) == 0
               ? last
               : spotopt__arena_text(&catalog->arena, text, strlen(text));
}

spotopt_status
spotopt__catalog_add_pool(spotopt_catalog *catalog, const spotopt__pool *draft, uint32_t *out_pool,
                          bool *out_is_new, spotopt_error *err)
{
    spotopt__pool pool = *draft;
    const spotopt__pool *last =
        catalog->pools.count > 0 ? &catalog->pools.at[catalog->pools.count - 1] : NULL;
    spotopt_status status = SPOTOPT_OK;
    spotopt__str id;

    assert(!catalog->is_sealed && draft->type < catalog->types.count);
    spotopt__str_init(&id, catalog->context);
    if (draft->id != NULL) {
        spotopt__str_add(&id, draft->id);
    } else {
        spotopt__str_add(&id, catalog->types.at[draft->type].name);
        spotopt__str_add_n(&id, "/", 1);
        spotopt__str_add(&id, draft->zone);
        spotopt__str_add_n(&id, "/", 1);
        spotopt__str_add(&id, spotopt__purchase_text(draft->purchase));
    }
    if (id.failed || id.at == NULL) {
        status = spotopt__nomem(err, "a pool");
        goto done;
    }
    *out_pool = spotopt__map_get_n(&catalog->pool_by_id, id.at, id.count);
    *out_is_new = *out_pool == SPOTOPT__NONE;
    if (!*out_is_new)
        goto done;

    pool.id = spotopt__arena_text(&catalog->arena, id.at, id.count);
    pool.zone = keep_text(catalog, draft->zone, last != NULL ? last->zone : NULL);
    pool.region = keep_text(catalog, draft->region, last != NULL ? last->region : NULL);
    if (pool.id == NULL || pool.zone == NULL || pool.region == NULL ||
        catalog->pools.count >= SPOTOPT__NONE ||
        !spotopt__vec_reserve(catalog->context, &catalog->pools, 1) ||
        !spotopt__map_put(&catalog->pool_by_id, pool.id, (uint32_t)catalog->pools.count,
                          out_pool)) {
        status = spotopt__nomem(err, "a pool");
        goto done;
    }
    catalog->pools.at[catalog->pools.count++] = pool;
done:
    spotopt__str_free(&id);
    return status;
}

static void
find_on_demand_prices(spotopt_catalog *catalog)
{
    for (size_t i = 0; i < catalog->types.count; i++)
        catalog->types.at[i].on_demand_usd_per_h = NAN;
    for (size_t i = 0; i < catalog->pools.count; i++) {
        const spotopt__pool *pool = &catalog->pools.at[i];
        double *least = &catalog->types.at[pool->type].on_demand_usd_per_h;

        if (pool->purchase == SPOTOPT__ON_DEMAND && !isnan(pool->usd_per_h) &&
            !(pool->usd_per_h >= *least))
            *least = pool->usd_per_h;
    }
}

void
spotopt__catalog_seal(spotopt_catalog *catalog)
{
    find_on_demand_prices(catalog);
    catalog->is_sealed = true;
}

size_t
spotopt_catalog_count(const spotopt_catalog *catalog)
{
    return catalog->pools.count;
}

spotopt_status
spotopt_catalog_pool_at(const spotopt_catalog *catalog, size_t index, spotopt_pool_info *out,
                        spotopt_error *err)
{
    spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;

    if (index >= catalog->pools.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "index is %zu; want less than %zu", index,
                             catalog->pools.count);
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_POOL_INFO_INIT");
    const spotopt__pool *pool = &catalog->pools.at[index];
    const spotopt__type *type = &catalog->types.at[pool->type];
    info.size = out->size;
    info.id = pool->id;
    info.instance_type = type->name;
    info.zone = pool->zone;
    info.purchase = spotopt__purchase_text(pool->purchase);
    info.arch = type->arch;
    info.usd_per_hour = pool->usd_per_h;
    info.cpu_cores = (double)type->allocatable.of[SPOTOPT__CPU] / 1000.0;
    info.memory_mib = (double)type->allocatable.of[SPOTOPT__MEMORY] / 1048576.0;
    memcpy(out, &info, out->size < sizeof info ? out->size : sizeof info);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_catalog_prices(const spotopt_catalog *catalog, double *out_usd_per_hour, size_t count,
                       spotopt_error *err)
{
    if (count != catalog->pools.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "room for %zu prices of %zu pools", count,
                             catalog->pools.count);
    for (size_t i = 0; i < count; i++)
        out_usd_per_hour[i] = catalog->pools.at[i].usd_per_h;
    return SPOTOPT_OK;
}

/* A catalog whose prices were set is no longer the document it came from; plans record the
 * difference. */
static spotopt_status
rehash(spotopt_catalog *catalog, const double *usd_per_hour, size_t count, spotopt_error *err)
{
    char real[SPOTOPT__REAL_SIZE];
    spotopt__str text;

    spotopt__str_init(&text, catalog->context);
    spotopt__str_add(&text, catalog->sha256);
    for (size_t i = 0; i < count; i++) {
        spotopt__str_add_n(&text, "\n", 1);
        spotopt__str_add_n(&text, real, spotopt__write_real(usd_per_hour[i], real));
    }
    if (text.failed || text.at == NULL) {
        spotopt__str_free(&text);
        return spotopt__nomem(err, "prices");
    }
    spotopt__sha256_hex(text.at, text.count, catalog->sha256);
    spotopt__str_free(&text);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_catalog_set_prices(spotopt_catalog *catalog, const double *usd_per_hour, size_t count,
                           spotopt_error *err)
{
    char real[SPOTOPT__REAL_SIZE];

    if (count != catalog->pools.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%zu prices for %zu pools", count,
                             catalog->pools.count);
    for (size_t i = 0; i < count; i++) {
        if (!(usd_per_hour[i] >= 0.0 &&
              usd_per_hour[i] <= SPOTOPT__PRICE_MAX)) { /* false for NaN as well */
            spotopt__write_real(usd_per_hour[i], real);
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "usd_per_hour[%zu] is %s; want a price >= 0 and <= 1e9", i, real);
        }
    }
    spotopt_status status = count > 0 ? rehash(catalog, usd_per_hour, count, err) : SPOTOPT_OK;
    if (status != SPOTOPT_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        catalog->pools.at[i].usd_per_h = usd_per_hour[i] + 0.0;
    find_on_demand_prices(catalog);
    return SPOTOPT_OK;
}
