/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_node.c - nodes: labels, taints, what they hold.
 *
 * Legacy labels get their stable spelling beside them, so that selectors, pools and nodes speak of
 * the same keys. A node without allocatable offers its capacity; without either it is refused.
 */
#include "io/kubernetes.h"

enum { PODS_BY_DEFAULT = 110 }; /* the kubelet's own default */

/* The labels, and stable ones for those that are there in a legacy spelling alone. */
static spotopt_status
complete_labels(spotopt__k8s *k8s, spotopt__labels *labels)
{
    const spotopt__labels read = *labels;

    k8s->pairs.count = 0;
    for (uint32_t i = 0; i < read.count; i++) {
        const spotopt__label *label = &read.at[i];
        const char *stable = spotopt__k8s_stable_key(label->key);
        spotopt__label added = {stable, label->value};

        if (!spotopt__vec_push(k8s->context, &k8s->pairs, *label))
            return spotopt__k8s_nomem(k8s);
        if (stable == label->key || *label->value == '\0' ||
            spotopt__labels_get(&read, stable) != NULL)
            continue;
        added.key = spotopt__k8s_intern(k8s, stable, strlen(stable));
        added.value = spotopt__k8s_stable_value(k8s, label->key, label->value);
        if (added.key == NULL || added.value == NULL ||
            !spotopt__vec_push(k8s->context, &k8s->pairs, added))
            return spotopt__k8s_nomem(k8s);
    }
    return spotopt__k8s_label_set(k8s, k8s->pairs.at, (uint32_t)k8s->pairs.count, labels);
}

static spotopt_status
read_taints(spotopt__k8s *k8s, const spotopt__at *at, spotopt__node *node)
{
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};
    spotopt__taint *list;
    uint32_t used = 0;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, at, &node->taint_count));
    if (node->taint_count == 0)
        return SPOTOPT_OK;
    list = spotopt__arena_alloc(&k8s->cluster->arena, node->taint_count, sizeof *list);
    if (list == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        const spotopt__at key = spotopt__at_key(&it, "key"), value = spotopt__at_key(&it, "value"),
                          effect = spotopt__at_key(&it, "effect");
        spotopt__taint *taint = &list[used++];

        SPOTOPT__TRY(spotopt__want_object(&it, k8s->err));
        SPOTOPT__TRY(spotopt__want_text(&key, &taint->key, k8s->err));
        SPOTOPT__TRY(spotopt__k8s_text(k8s, &key, &taint->key));
        taint->value = "";
        SPOTOPT__TRY(spotopt__k8s_text(k8s, &value, &taint->value));
        SPOTOPT__TRY(spotopt__want_text(&effect, &(const char *){NULL}, k8s->err));
        SPOTOPT__TRY(spotopt__k8s_word(k8s, &effect, effects, &taint->effect));
    }
    node->taints = list;
    return SPOTOPT_OK;
}

static spotopt_status
read_amounts(spotopt__k8s *k8s, const spotopt__at *status, spotopt__node *node)
{
    const spotopt__at capacity_at = spotopt__at_key(status, "capacity"),
                      allocatable_at = spotopt__at_key(status, "allocatable");
    spotopt__k8s_amounts capacity, allocatable;

    SPOTOPT__TRY(spotopt__k8s_amounts_at(k8s, &capacity_at, false, &capacity));
    SPOTOPT__TRY(spotopt__k8s_amounts_at(k8s, &allocatable_at, false, &allocatable));
    if (!spotopt__at_is_set(&capacity_at) && !spotopt__at_is_set(&allocatable_at))
        return spotopt__fail_at(&allocatable_at, k8s->err,
                                "is missing, as is capacity; want one of them");
    if (!spotopt__at_is_set(&allocatable_at))
        allocatable = capacity;
    if (!spotopt__at_is_set(&capacity_at))
        capacity = allocatable;
    if ((allocatable.stated >> SPOTOPT__PODS & 1) == 0) {
        allocatable.amounts.of[SPOTOPT__PODS] = PODS_BY_DEFAULT;
        SPOTOPT__TRY(
            spotopt__k8s_warn(k8s, "node %s does not say how many pods it takes; %d are assumed",
                              node->name, PODS_BY_DEFAULT));
    }
    if ((capacity.stated >> SPOTOPT__PODS & 1) == 0)
        capacity.amounts.of[SPOTOPT__PODS] = allocatable.amounts.of[SPOTOPT__PODS];
    node->capacity = capacity.amounts;
    node->allocatable = allocatable.amounts;
    return SPOTOPT_OK;
}

/* Ready as its conditions say; a node stripped of all conditions counts as ready. */
static bool
is_ready(const spotopt__at *status)
{
    const spotopt__json *list = spotopt__json_get(status->value, "conditions");

    for (const spotopt__json *it = spotopt__json_first(list); it != NULL;
         it = spotopt__json_next(it)) {
        const char *type = spotopt__json_text(spotopt__json_get(it, "type")),
                   *is = spotopt__json_text(spotopt__json_get(it, "status"));

        if (type != NULL && strcmp(type, "Ready") == 0)
            return is != NULL && strcmp(is, "True") == 0;
    }
    return spotopt__json_first(list) == NULL;
}

spotopt_status
spotopt__k8s_read_node(spotopt__k8s *k8s, const spotopt__at *at)
{
    const spotopt__at meta_at = spotopt__at_key(at, "metadata"), spec = spotopt__at_key(at, "spec"),
                      status = spotopt__at_key(at, "status"),
                      provider = spotopt__at_key(&spec, "providerID"),
                      taints = spotopt__at_key(&spec, "taints"),
                      unschedulable = spotopt__at_key(&spec, "unschedulable");
    spotopt_cluster *cluster = k8s->cluster;
    const uint32_t index = (uint32_t)cluster->nodes.count;
    spotopt__node node = {.provider_id = ""};
    spotopt__k8s_meta meta;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, false, &meta));
    if (spotopt__at_is_set(&spec))
        SPOTOPT__TRY(spotopt__want_object(&spec, k8s->err));
    if (spotopt__at_is_set(&status))
        SPOTOPT__TRY(spotopt__want_object(&status, k8s->err));
    node.name = meta.name;
    node.labels = meta.labels;
    node.created_s = meta.created_s;
    node.is_terminating = meta.is_terminating;
    node.is_ready = is_ready(&status);
    node.is_do_not_disrupt =
        spotopt__k8s_annotation_is(&meta_at, "karpenter.sh/do-not-disrupt", "true") ||
        spotopt__k8s_annotation_is(&meta_at, "cluster-autoscaler.kubernetes.io/scale-down-disabled",
                                   "true");
    SPOTOPT__TRY(complete_labels(k8s, &node.labels));
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &provider, &node.provider_id));
    SPOTOPT__TRY(spotopt__k8s_bool(k8s, &unschedulable, &node.is_unschedulable));
    SPOTOPT__TRY(read_taints(k8s, &taints, &node));
    SPOTOPT__TRY(read_amounts(k8s, &status, &node));
    if (!spotopt__vec_push(k8s->context, &cluster->nodes, node) ||
        !spotopt__map_put(&cluster->node_by_name, node.name, index, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}
