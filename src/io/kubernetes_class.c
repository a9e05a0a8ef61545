/* SPDX-License-Identifier: Apache-2.0 */
/* kubernetes_class.c - what pods refer to by name: PriorityClass, RuntimeClass, Namespace. */
#include <stdlib.h>

#include "io/kubernetes.h"

static const char name_label[] = "kubernetes.io/metadata.name";

spotopt_status
spotopt__k8s_read_priority(spotopt__k8s *k8s, const spotopt__at *at)
{
    const spotopt__at value_at = spotopt__at_key(at, "value"),
                      default_at = spotopt__at_key(at, "globalDefault");
    const uint32_t index = (uint32_t)k8s->priorities.count;
    spotopt__k8s_meta meta;
    bool is_default = false;
    int64_t value = 0;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, false, &meta));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &value_at, INT32_MIN, INT32_MAX, &value));
    SPOTOPT__TRY(spotopt__k8s_bool(k8s, &default_at, &is_default));
    if (is_default)
        k8s->default_priority = (int32_t)value;
    if (!spotopt__vec_push(k8s->context, &k8s->priorities,
                           (spotopt__k8s_priority){meta.name, (int32_t)value}) ||
        !spotopt__map_put(&k8s->priority_at, meta.name, index, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_read_runtime(spotopt__k8s *k8s, const spotopt__at *at)
{
    const spotopt__at overhead = spotopt__at_key(at, "overhead"),
                      fixed = spotopt__at_key(&overhead, "podFixed"),
                      scheduling = spotopt__at_key(at, "scheduling"),
                      selector = spotopt__at_key(&scheduling, "nodeSelector"),
                      tolerations = spotopt__at_key(&scheduling, "tolerations");
    const uint32_t index = (uint32_t)k8s->runtimes.count;
    const spotopt__labels none = {NULL, 0};
    spotopt__k8s_runtime made = {0};
    spotopt__k8s_meta meta;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, false, &meta));
    made.name = meta.name;
    SPOTOPT__TRY(spotopt__k8s_amounts_at(k8s, &fixed, true, &made.overhead));
    SPOTOPT__TRY(spotopt__k8s_node_selector(k8s, &selector, &none, &made.node_selector));
    SPOTOPT__TRY(spotopt__k8s_tolerations(k8s, &tolerations, NULL, 0, &made.tolerations,
                                          &made.toleration_count));
    if (!spotopt__vec_push(k8s->context, &k8s->runtimes, made) ||
        !spotopt__map_put(&k8s->runtime_at, meta.name, index, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

/* name is interned. */
static spotopt_status
add_namespace(spotopt__k8s *k8s, const char *name, const spotopt__labels *labels)
{
    spotopt__namespace made = {.name = name};
    const spotopt__label own = {spotopt__k8s_intern(k8s, name_label, sizeof name_label - 1), name};

    /* The API server sets this label, whatever the manifest says. */
    k8s->pairs.count = 0;
    if (own.key == NULL || !spotopt__vec_push(k8s->context, &k8s->pairs, own))
        return spotopt__k8s_nomem(k8s);
    for (uint32_t i = 0; i < labels->count; i++) {
        if (labels->at[i].key != own.key &&
            !spotopt__vec_push(k8s->context, &k8s->pairs, labels->at[i]))
            return spotopt__k8s_nomem(k8s);
    }
    SPOTOPT__TRY(
        spotopt__k8s_label_set(k8s, k8s->pairs.at, (uint32_t)k8s->pairs.count, &made.labels));
    if (!spotopt__map_put(&k8s->namespace_at, name, 0, NULL) ||
        !spotopt__vec_push(k8s->context, &k8s->cluster->namespaces, made))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_read_namespace(spotopt__k8s *k8s, const spotopt__at *at)
{
    spotopt__k8s_meta meta;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, false, &meta));
    if (spotopt__map_get(&k8s->namespace_at, meta.name) != SPOTOPT__NONE)
        return SPOTOPT_OK; /* of two manifests the first counts: no namespace stands twice */
    return add_namespace(k8s, meta.name, &meta.labels);
}

static int
compare_namespaces(const void *a, const void *b)
{
    const spotopt__namespace *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static spotopt_status
want_namespace(spotopt__k8s *k8s, const char *name)
{
    const spotopt__labels none = {NULL, 0};

    if (spotopt__map_get(&k8s->namespace_at, name) != SPOTOPT__NONE)
        return SPOTOPT_OK;
    return add_namespace(k8s, name, &none);
}

spotopt_status
spotopt__k8s_finish_namespaces(spotopt__k8s *k8s)
{
    spotopt_cluster *cluster = k8s->cluster;

    for (size_t i = 0; i < cluster->pods.count; i++)
        SPOTOPT__TRY(want_namespace(k8s, cluster->pods.at[i].ns));
    for (size_t i = 0; i < cluster->workloads.count; i++)
        SPOTOPT__TRY(want_namespace(k8s, cluster->workloads.at[i].ns));
    for (size_t i = 0; i < cluster->pdbs.count; i++)
        SPOTOPT__TRY(want_namespace(k8s, cluster->pdbs.at[i].ns));
    if (cluster->namespaces.count > 1)
        qsort(cluster->namespaces.at, cluster->namespaces.count, sizeof *cluster->namespaces.at,
              compare_namespaces);
    return SPOTOPT_OK;
}
