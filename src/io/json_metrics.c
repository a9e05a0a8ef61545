/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_metrics.c - a Metrics document: what was measured, by pool id, node name and instance id.
 */
#include "io/maybe.h"
#include "model/history.h"

#define NAMES_MAX 1000000 /* of one kind */

typedef struct reader {
    spotopt_metrics *metrics;
    bool warned;
} reader;

static spotopt_status
read_metric(reader *r, const spotopt__at *item, spotopt__metric *out, spotopt_error *err)
{
    static const char *const known[] = {"latency_ms",    "throughput_rps",   "error_frac",
                                        "cpu_free_frac", "memory_free_frac", NULL};
    spotopt_status status = spotopt__want_object(item, err);

    if (status != SPOTOPT_OK)
        return status;
    *out = (spotopt__metric){NULL, NAN, NAN, NAN, NAN, NAN};
    spotopt__warn_unknown(r->metrics->context, item, known, &r->warned);
    status = spotopt__maybe_real(item, "latency_ms", 0.0, 1e12, &out->latency_ms, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(item, "throughput_rps", 0.0, 1e15, &out->throughput_rps, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(item, "error_frac", 0.0, 1.0, &out->error_frac, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(item, "cpu_free_frac", 0.0, 1.0, &out->cpu_free_frac, err);
    if (status == SPOTOPT_OK)
        status =
            spotopt__maybe_real(item, "memory_free_frac", 0.0, 1.0, &out->memory_free_frac, err);
    return status;
}

/* One of the three maps. Names are unique within it: the scan refused repeated keys. */
static spotopt_status
read_map(reader *r, const spotopt__at *root, const char *key, spotopt__metric **at, size_t *count,
         size_t *room, spotopt__map *by_name, spotopt_error *err)
{
    spotopt_metrics *metrics = r->metrics;
    spotopt__at map = spotopt__at_key(root, key);
    bool is_set;
    spotopt_status status = spotopt__maybe_object(&map, &is_set, err);

    if (status != SPOTOPT_OK || !is_set)
        return status;
    for (spotopt__at it = spotopt__at_first(&map); it.value != NULL; spotopt__at_step(&it)) {
        spotopt__metric metric;

        if (it.index == NAMES_MAX)
            return spotopt__fail_at(&map, err, "want at most %d names", NAMES_MAX);
        status = read_metric(r, &it, &metric, err);
        if (status != SPOTOPT_OK)
            return status;
        metric.name = spotopt__arena_text(&metrics->arena, it.key, strlen(it.key));
        if (metric.name == NULL ||
            (*count == *room && !spotopt__vec_reserve_(metrics->context, (void **)(void *)at, room,
                                                       *count + 1, sizeof **at)) ||
            !spotopt__map_put(by_name, metric.name, (uint32_t)*count, NULL))
            return spotopt__nomem(err, "metrics");
        (*at)[(*count)++] = metric;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_metrics_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      spotopt_metrics **out, spotopt_error *err)
{
    static const char *const known[] = {"apiVersion", "kind", "pools", "nodes", "instances", NULL};
    spotopt_metrics *m;
    spotopt__json *json = NULL;
    reader r = {NULL, false};
    spotopt_status status;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    m = r.metrics = spotopt__alloc(context, sizeof *m);
    if (m == NULL)
        return spotopt__nomem(err, "metrics");
    m->context = spotopt__context_hold(context);
    spotopt__arena_init(&m->arena, context);
    spotopt__map_init(&m->pool_by_id, context);
    spotopt__map_init(&m->node_by_name, context);
    spotopt__map_init(&m->instance_by_id, context);
    if (name == NULL)
        name = "metrics";

    status = spotopt__json_parse(text, length, name, &json, err);
    if (status == SPOTOPT_OK) {
        spotopt__at root = spotopt__at_root(json, name);

        status = spotopt__want_kind(&root, "Metrics", err);
        if (status == SPOTOPT_OK) {
            spotopt__warn_unknown(context, &root, known, &r.warned);
            status = read_map(&r, &root, "pools", &m->pools.at, &m->pools.count, &m->pools.room,
                              &m->pool_by_id, err);
        }
        if (status == SPOTOPT_OK)
            status = read_map(&r, &root, "nodes", &m->nodes.at, &m->nodes.count, &m->nodes.room,
                              &m->node_by_name, err);
        if (status == SPOTOPT_OK)
            status = read_map(&r, &root, "instances", &m->instances.at, &m->instances.count,
                              &m->instances.room, &m->instance_by_id, err);
    }
    spotopt__json_free(json);
    if (status != SPOTOPT_OK) {
        spotopt_metrics_free(m);
        return status;
    }
    spotopt__sha256_hex(text, length, m->sha256);
    *out = m;
    return SPOTOPT_OK;
}
