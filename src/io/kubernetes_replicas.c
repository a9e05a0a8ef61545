/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_replicas.c - pods that their owners still want.
 *
 * Pending replicas = max(0, wanted - live pods), counted at the topmost owner, so that a rollout
 * with two ReplicaSets counts once and a manifest without pods counts whole. Names are those the
 * pods will have where that is known (StatefulSets), else made up; no two pods share one.
 */
#include <stdio.h>

#include "io/kubernetes.h"

/* Pods that should be live. Jobs: as the job controller decides how many may run. */
static uint32_t
count_wanted(const spotopt__workload *workload, const spotopt__k8s_workload *known)
{
    uint32_t done, left;

    if (workload->kind != SPOTOPT__JOB)
        return workload->wanted;
    done = known->done > known->succeeded ? known->done : known->succeeded;
    if (known->completions == SPOTOPT__NONE) /* a work queue: one success ends it */
        return done > 0 ? 0 : known->parallelism;
    left = known->completions > done ? known->completions - done : 0;
    return left < known->parallelism ? left : known->parallelism;
}

static spotopt_status
add_label(spotopt__k8s *k8s, const char *key, const char *value)
{
    const spotopt__label pair = {spotopt__k8s_intern(k8s, key, strlen(key)),
                                 value == NULL ? NULL
                                               : spotopt__k8s_intern(k8s, value, strlen(value))};

    if (pair.key == NULL || pair.value == NULL ||
        !spotopt__vec_push(k8s->context, &k8s->pairs, pair))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

/* The template's labels and what the controller will add. */
static spotopt_status
make_labels(spotopt__k8s *k8s, uint32_t index, const char *name, const char *ordinal,
            spotopt__labels *out)
{
    const spotopt__workload *workload = &k8s->cluster->workloads.at[index];
    const spotopt__k8s_workload *known = &k8s->workloads.at[index];

    *out = workload->template_labels;
    k8s->pairs.count = 0;
    if (workload->kind == SPOTOPT__STATEFUL_SET && ordinal != NULL) {
        SPOTOPT__TRY(add_label(k8s, "statefulset.kubernetes.io/pod-name", name));
        SPOTOPT__TRY(add_label(k8s, "apps.kubernetes.io/pod-index", ordinal));
    }
    if (workload->kind == SPOTOPT__DEPLOYMENT && known->hash != NULL)
        SPOTOPT__TRY(add_label(k8s, "pod-template-hash", known->hash));
    if (k8s->pairs.count == 0)
        return SPOTOPT_OK;
    for (uint32_t i = 0; i < out->count; i++) {
        bool is_given = false;

        for (size_t j = 0; j < k8s->pairs.count && j < 2; j++)
            is_given = is_given || k8s->pairs.at[j].key == out->at[i].key;
        if (!is_given && !spotopt__vec_push(k8s->context, &k8s->pairs, out->at[i]))
            return spotopt__k8s_nomem(k8s);
    }
    return spotopt__k8s_label_set(k8s, k8s->pairs.at, (uint32_t)k8s->pairs.count, out);
}

/* A StatefulSet's replica gets its claims by name, which may be there from an earlier life, in some
 * zone. */
static spotopt_status
place_claims(spotopt__k8s *k8s, uint32_t index, const char *ns, const char *name, uint32_t *core)
{
    const spotopt__k8s_workload *known = &k8s->workloads.at[index];
    spotopt__k8s_groups groups = {0};
    spotopt_status status = SPOTOPT_OK;
    const spotopt__shape *bare;
    unsigned char holds = 0;

    if (known->claim_count == 0 || known->bare == SPOTOPT__NONE)
        return SPOTOPT_OK;
    bare = &k8s->cores.at[known->bare];
    for (uint32_t i = 0; i < bare->group_count && status == SPOTOPT_OK; i++) {
        if (!spotopt__vec_push(k8s->context, &groups, bare->groups[i]))
            status = spotopt__k8s_nomem(k8s);
    }
    for (uint32_t i = 0; i < known->claim_count && status == SPOTOPT_OK; i++) {
        const char *claim = spotopt__k8s_join(k8s, known->claims[i].name, "-", name);

        status = claim == NULL ? spotopt__k8s_nomem(k8s)
                               : spotopt__k8s_claim_groups(k8s, ns, claim, &known->claims[i],
                                                           &groups, &holds);
    }
    if (status == SPOTOPT_OK)
        status = spotopt__k8s_core_with(k8s, known->bare, &groups, holds, core);
    spotopt__vec_free(k8s->context, &groups);
    return status;
}

static spotopt_status
add_replica(spotopt__k8s *k8s, uint32_t index, const char *id, const char *ordinal)
{
    spotopt_cluster *cluster = k8s->cluster;
    const spotopt__workload *workload = &cluster->workloads.at[index];
    const uint32_t next = (uint32_t)cluster->pods.count;
    spotopt__pod pod = {.ns = workload->ns,
                        .id = id,
                        .name = id + strlen(workload->ns) + 1,
                        .node_name = "",
                        .node = SPOTOPT__NONE,
                        .shape = workload->shape,
                        .workload = index,
                        .phase = SPOTOPT__PENDING,
                        .has_controller = true,
                        .is_replica = true,
                        .created_s = NAN};

    SPOTOPT__TRY(make_labels(k8s, index, pod.name, ordinal, &pod.labels));
    if (ordinal != NULL)
        SPOTOPT__TRY(place_claims(k8s, index, pod.ns, pod.name, &pod.shape));
    if (!spotopt__vec_push(k8s->context, &cluster->pods, pod) ||
        !spotopt__map_put(&cluster->pod_by_id, id, next, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

static bool
is_live(const spotopt__pod *pod)
{
    return !pod->is_terminating && pod->phase != SPOTOPT__SUCCEEDED &&
           pod->phase != SPOTOPT__FAILED;
}

/* The missing ordinals of a StatefulSet, lowest first; *missing is what is left when they are used
 * up. */
static spotopt_status
add_ordinals(spotopt__k8s *k8s, uint32_t index, uint32_t wanted, uint32_t *missing)
{
    spotopt_cluster *cluster = k8s->cluster;
    const spotopt__workload *workload = &cluster->workloads.at[index];
    const char *base = spotopt__k8s_join(k8s, workload->ns, "/", workload->name);
    const int64_t first = k8s->workloads.at[index].first_ordinal;

    if (base == NULL)
        return spotopt__k8s_nomem(k8s);
    for (int64_t i = first; i<first + wanted && * missing> 0; i++) {
        char ordinal[24];
        const char *id;
        uint32_t taken;

        (void)snprintf(ordinal, sizeof ordinal, "%lld", (long long)i);
        id = spotopt__k8s_join(k8s, base, "-", ordinal);
        if (id == NULL)
            return spotopt__k8s_nomem(k8s);
        taken = spotopt__map_get(&cluster->pod_by_id, id);
        if (taken != SPOTOPT__NONE && is_live(&cluster->pods.at[taken]))
            continue;
        if (taken != SPOTOPT__NONE) { /* the one that goes still has the name */
            id = spotopt__k8s_join(k8s, id, "-", "pending");
            if (id == NULL)
                return spotopt__k8s_nomem(k8s);
            if (spotopt__map_get(&cluster->pod_by_id, id) != SPOTOPT__NONE)
                continue;
        }
        SPOTOPT__TRY(add_replica(k8s, index, id, ordinal));
        (*missing)--;
    }
    return SPOTOPT_OK;
}

static spotopt_status
add_numbered(spotopt__k8s *k8s, uint32_t index, uint32_t missing)
{
    const spotopt__workload *workload = &k8s->cluster->workloads.at[index];
    const char *base = spotopt__k8s_join(k8s, workload->ns, "/", workload->name);

    if (base == NULL)
        return spotopt__k8s_nomem(k8s);
    for (uint32_t n = 1; missing > 0; n++) {
        char number[16];
        const char *id;

        (void)snprintf(number, sizeof number, "%u", n);
        id = spotopt__k8s_join(k8s, base, "-pending-", number);
        if (id == NULL)
            return spotopt__k8s_nomem(k8s);
        if (spotopt__map_get(&k8s->cluster->pod_by_id, id) != SPOTOPT__NONE)
            continue;
        SPOTOPT__TRY(add_replica(k8s, index, id, NULL));
        missing--;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_make_replicas(spotopt__k8s *k8s)
{
    static const char *const place[] = {"spec", NULL};
    const uint32_t count = (uint32_t)k8s->cluster->workloads.count;

    for (uint32_t i = 0; i < count; i++) {
        spotopt__workload *workload = &k8s->cluster->workloads.at[i];
        const spotopt__k8s_workload *known = &k8s->workloads.at[i];
        const uint32_t wanted = count_wanted(workload, known);
        uint32_t missing = wanted > known->live ? wanted - known->live : 0;

        if (workload->kind == SPOTOPT__JOB)
            workload->wanted = wanted;
        if (!known->has_wanted || workload->parent != SPOTOPT__NONE || missing == 0)
            continue;
        if (workload->shape == SPOTOPT__NONE) {
            SPOTOPT__TRY(spotopt__k8s_warn(
                k8s, "%s %s/%s has no pod template; %u missing replicas are not counted",
                workload->kind_name, workload->ns, workload->name, missing));
            continue;
        }
        if (missing > SPOTOPT__REPLICAS_MAX - k8s->replicas)
            return spotopt__k8s_fail_item(
                k8s, known->item, place,
                "wants %u more replicas; want at most %d pending ones in all", missing,
                SPOTOPT__REPLICAS_MAX);
        k8s->replicas += missing;
        if (workload->kind == SPOTOPT__STATEFUL_SET)
            SPOTOPT__TRY(add_ordinals(k8s, i, wanted, &missing));
        SPOTOPT__TRY(add_numbered(k8s, i, missing));
    }
    return SPOTOPT_OK;
}
