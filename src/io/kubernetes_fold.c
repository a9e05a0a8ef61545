/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_fold.c - cores and labels become the cluster's shapes.
 *
 * Controllers give each replica, or each revision, labels of its own. They would make every pod a
 * shape, so they are left out unless a placement term of some pod in the cluster asks for that very
 * key; which keys that are is known only when all pods have been read. Budgets look at a pod's own
 * labels, which stay whole.
 */
#include "io/kubernetes.h"

static const char *const replica_keys[] = {
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "batch.kubernetes.io/controller-uid",
    "job-name",
    "controller-uid",
};
enum { REPLICA_KEYS = sizeof replica_keys / sizeof *replica_keys };

/* Keys that are left out, interned; a key in use is NULL. */
typedef const char *dropped_keys[REPLICA_KEYS];

static void
mark_used(const spotopt__selector *selector, dropped_keys dropped)
{
    for (uint32_t i = 0; i < selector->count; i++) {
        for (size_t j = 0; j < REPLICA_KEYS; j++) {
            if (selector->at[i].key == dropped[j])
                dropped[j] = NULL;
        }
    }
}

static void
mark_terms(const spotopt__pod_term *terms, uint32_t count, dropped_keys dropped)
{
    for (uint32_t i = 0; i < count; i++)
        mark_used(&terms[i].selector, dropped);
}

static void
mark_all(const spotopt__k8s *k8s, dropped_keys dropped)
{
    for (size_t i = 0; i < k8s->cores.count; i++) {
        const spotopt__shape *core = &k8s->cores.at[i];

        mark_terms(core->affinity, core->affinity_count, dropped);
        mark_terms(core->anti_affinity, core->anti_affinity_count, dropped);
        mark_terms(core->preferred_affinity, core->preferred_affinity_count, dropped);
        mark_terms(core->preferred_anti_affinity, core->preferred_anti_affinity_count, dropped);
        for (uint32_t j = 0; j < core->spread_count; j++)
            mark_used(&core->spreads[j].selector, dropped);
    }
}

static bool
is_dropped(const char *key, const dropped_keys dropped)
{
    for (size_t i = 0; i < REPLICA_KEYS; i++) {
        if (key == dropped[i])
            return true;
    }
    return false;
}

static spotopt_status
filter(spotopt__k8s *k8s, const spotopt__labels *labels, const dropped_keys dropped,
       spotopt__labels *out)
{
    k8s->pairs.count = 0;
    for (uint32_t i = 0; i < labels->count; i++) {
        if (!is_dropped(labels->at[i].key, dropped) &&
            !spotopt__vec_push(k8s->context, &k8s->pairs, labels->at[i]))
            return spotopt__k8s_nomem(k8s);
    }
    return spotopt__k8s_label_set(k8s, k8s->pairs.at, (uint32_t)k8s->pairs.count, out);
}

/* The shape of a core with labels, in place of the core's index. */
static spotopt_status
fold(spotopt__k8s *k8s, const spotopt__labels *labels, const dropped_keys dropped, uint32_t *shape)
{
    spotopt_cluster *cluster = k8s->cluster;
    const uint32_t core = *shape, next = (uint32_t)cluster->shapes.count;
    spotopt__shape made;
    uint64_t key[2];
    const char *kept;

    if (core == SPOTOPT__NONE)
        return SPOTOPT_OK;
    made = k8s->cores.at[core];
    SPOTOPT__TRY(filter(k8s, labels, dropped, &made.labels));
    key[0] = core;
    key[1] = (uint64_t)(uintptr_t)made.labels.at;
    *shape = spotopt__map_get_n(&k8s->shape_at, (const char *)key, sizeof key);
    if (*shape != SPOTOPT__NONE)
        return SPOTOPT_OK;
    kept = spotopt__arena_dup(&k8s->keys, key, 1, sizeof key);
    if (kept == NULL || !spotopt__vec_push(k8s->context, &cluster->shapes, made) ||
        !spotopt__map_put_n(&k8s->shape_at, kept, sizeof key, next, NULL))
        return spotopt__k8s_nomem(k8s);
    *shape = next;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_finish_shapes(spotopt__k8s *k8s)
{
    spotopt_cluster *cluster = k8s->cluster;
    dropped_keys dropped;

    for (size_t i = 0; i < REPLICA_KEYS; i++) {
        dropped[i] = spotopt__k8s_intern(k8s, replica_keys[i], strlen(replica_keys[i]));
        if (dropped[i] == NULL)
            return spotopt__k8s_nomem(k8s);
    }
    mark_all(k8s, dropped);
    for (size_t i = 0; i < cluster->pods.count; i++) {
        spotopt__pod *pod = &cluster->pods.at[i];

        SPOTOPT__TRY(fold(k8s, &pod->labels, dropped, &pod->shape));
    }
    for (size_t i = 0; i < cluster->workloads.count; i++) {
        spotopt__workload *workload = &cluster->workloads.at[i];

        SPOTOPT__TRY(fold(k8s, &workload->template_labels, dropped, &workload->shape));
    }
    return SPOTOPT_OK;
}
