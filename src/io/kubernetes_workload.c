/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_workload.c - owners of replicas, and who owns a pod in the end.
 *
 * A list may hold any part of the chain pod -> ReplicaSet -> Deployment. A ReplicaSet that is not
 * in the list is still its Deployment's: its name is the Deployment's and the pod-template-hash its
 * pods carry.
 */
#include <stdio.h>

#include "io/kubernetes.h"

static const struct {
    const char *name;
    int32_t kind;
} kind_names[] = {
    {"Deployment", SPOTOPT__DEPLOYMENT},
    {"ReplicaSet", SPOTOPT__REPLICA_SET},
    {"StatefulSet", SPOTOPT__STATEFUL_SET},
    {"DaemonSet", SPOTOPT__DAEMON_SET},
    {"Job", SPOTOPT__JOB},
};

/* Leaves the key of a workload in k8s->key. */
static bool
write_key(spotopt__k8s *k8s, const char *kind_name, const char *ns, const char *name,
          size_t name_length)
{
    k8s->key.count = 0;
    return spotopt__k8s_key_add(k8s, kind_name, strlen(kind_name)) &&
           spotopt__k8s_key_add(k8s, "/", 1) && spotopt__k8s_key_add(k8s, ns, strlen(ns)) &&
           spotopt__k8s_key_add(k8s, "/", 1) && spotopt__k8s_key_add(k8s, name, name_length);
}

static spotopt_status
find_workload(spotopt__k8s *k8s, const char *kind_name, const char *ns, const char *name,
              size_t name_length, uint32_t *out)
{
    if (!write_key(k8s, kind_name, ns, name, name_length))
        return spotopt__k8s_nomem(k8s);
    *out = spotopt__map_get_n(&k8s->workload_at, (const char *)k8s->key.at, k8s->key.count);
    return SPOTOPT_OK;
}

static spotopt_status
add_workload(spotopt__k8s *k8s, const char *kind_name, const char *ns, const char *name,
             uint32_t *out)
{
    spotopt_cluster *cluster = k8s->cluster;
    const uint32_t next = (uint32_t)cluster->workloads.count;
    spotopt__workload made = {.kind = SPOTOPT__OTHER_WORKLOAD,
                              .kind_name = kind_name,
                              .ns = ns,
                              .name = name,
                              .parent = SPOTOPT__NONE,
                              .shape = SPOTOPT__NONE};
    const spotopt__k8s_workload known = {
        .item = SPOTOPT__NONE, .completions = SPOTOPT__NONE, .bare = SPOTOPT__NONE, .revision = -1};

    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
        if (strcmp(kind_names[i].name, kind_name) == 0)
            made.kind = kind_names[i].kind;
    }
    if (!spotopt__vec_push(k8s->context, &cluster->workloads, made) ||
        !spotopt__vec_push(k8s->context, &k8s->workloads, known))
        return spotopt__k8s_nomem(k8s);
    *out = next;
    return SPOTOPT_OK;
}

/* The workload of that kind and name, made when it is not there yet. The texts are interned. */
static spotopt_status
want_workload(spotopt__k8s *k8s, const char *kind_name, const char *ns, const char *name,
              uint32_t *out)
{
    const char *key;

    SPOTOPT__TRY(find_workload(k8s, kind_name, ns, name, strlen(name), out));
    if (*out != SPOTOPT__NONE)
        return SPOTOPT_OK;
    key = spotopt__arena_text(&k8s->keys, (const char *)k8s->key.at, k8s->key.count);
    if (key == NULL)
        return spotopt__k8s_nomem(k8s);
    SPOTOPT__TRY(add_workload(k8s, kind_name, ns, name, out));
    if (!spotopt__map_put_n(&k8s->workload_at, key, k8s->key.count, *out, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_owner(spotopt__k8s *k8s, const spotopt__k8s_meta *pod, uint32_t *out)
{
    const char *hash = spotopt__labels_get(&pod->labels, "pod-template-hash");
    spotopt__workload *workload;
    uint32_t index, parent;
    size_t length, tail;

    *out = SPOTOPT__NONE;
    if (pod->owner_kind == NULL || strcmp(pod->owner_kind, "Node") == 0)
        return SPOTOPT_OK;
    SPOTOPT__TRY(want_workload(k8s, pod->owner_kind, pod->ns, pod->owner_name, &index));
    workload = &k8s->cluster->workloads.at[index];
    if (workload->kind == SPOTOPT__REPLICA_SET && workload->parent == SPOTOPT__NONE &&
        k8s->workloads.at[index].item == SPOTOPT__NONE && hash != NULL) {
        length = strlen(workload->name);
        tail = strlen(hash) + 1;
        if (length > tail && workload->name[length - tail] == '-' &&
            strcmp(workload->name + length - tail + 1, hash) == 0) {
            SPOTOPT__TRY(
                find_workload(k8s, "Deployment", pod->ns, workload->name, length - tail, &parent));
            workload->parent = parent;
        }
    }
    *out = workload->parent == SPOTOPT__NONE ? index : workload->parent;
    return SPOTOPT_OK;
}

static spotopt_status
read_template(spotopt__k8s *k8s, const spotopt__at *spec, const spotopt__k8s_meta *meta,
              uint32_t index)
{
    const spotopt__at template_at = spotopt__at_key(spec, "template"),
                      meta_at = spotopt__at_key(&template_at, "metadata"),
                      labels_at = spotopt__at_key(&meta_at, "labels"),
                      pod_spec = spotopt__at_key(&template_at, "spec");
    spotopt__workload *workload = &k8s->cluster->workloads.at[index];
    spotopt__k8s_workload *known = &k8s->workloads.at[index];
    spotopt__k8s_pod pod = {.meta = &meta_at,
                            .spec = &pod_spec,
                            .ns = meta->ns,
                            .is_daemon = workload->kind == SPOTOPT__DAEMON_SET,
                            .claims = known->claims,
                            .claim_count = known->claim_count};

    if (!spotopt__at_is_set(&template_at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(&template_at, k8s->err));
    if (spotopt__at_is_set(&meta_at))
        SPOTOPT__TRY(spotopt__want_object(&meta_at, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_labels(k8s, &labels_at, &pod.labels));
    workload->template_labels = pod.labels;
    SPOTOPT__TRY(spotopt__k8s_core(k8s, &pod, &workload->shape));
    if (known->claim_count == 0)
        return SPOTOPT_OK;
    pod.claim_count = 0;
    return spotopt__k8s_core(k8s, &pod, &known->bare);
}

static spotopt_status
read_stateful_set(spotopt__k8s *k8s, const spotopt__at *spec, uint32_t index)
{
    static const char *const policies[] = {"OrderedReady", "Parallel", NULL};
    const spotopt__at policy_at = spotopt__at_key(spec, "podManagementPolicy"),
                      ordinals = spotopt__at_key(spec, "ordinals"),
                      start = spotopt__at_key(&ordinals, "start"),
                      claims = spotopt__at_key(spec, "volumeClaimTemplates");
    spotopt__k8s_workload *known = &k8s->workloads.at[index];
    spotopt__k8s_claim_template *list;
    int32_t policy = 0;
    uint32_t used = 0;

    SPOTOPT__TRY(spotopt__k8s_word(k8s, &policy_at, policies, &policy));
    k8s->cluster->workloads.at[index].is_ordered = policy == 0;
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &start, 0, INT32_MAX, &known->first_ordinal));
    SPOTOPT__TRY(spotopt__k8s_list(k8s, &claims, &known->claim_count));
    if (known->claim_count == 0)
        return SPOTOPT_OK;
    list = spotopt__arena_alloc(&k8s->keys, known->claim_count, sizeof *list);
    if (list == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(&claims); it.value != NULL; spotopt__at_step(&it))
        SPOTOPT__TRY(spotopt__k8s_claim_template_at(k8s, &it, &list[used++]));
    known->claims = list;
    return SPOTOPT_OK;
}

static bool
has_condition(const spotopt__at *status, const char *const *types)
{
    const spotopt__json *list = spotopt__json_get(status->value, "conditions");

    for (const spotopt__json *it = spotopt__json_first(list); it != NULL;
         it = spotopt__json_next(it)) {
        const char *type = spotopt__json_text(spotopt__json_get(it, "type")),
                   *is = spotopt__json_text(spotopt__json_get(it, "status"));

        for (size_t i = 0; type != NULL && is != NULL && types[i] != NULL; i++) {
            if (strcmp(type, types[i]) == 0 && strcmp(is, "True") == 0)
                return true;
        }
    }
    return false;
}

static spotopt_status
read_job(spotopt__k8s *k8s, const spotopt__at *at, const spotopt__at *spec, uint32_t index)
{
    static const char *const ended[] = {"Complete", "Failed", "SuccessCriteriaMet", "FailureTarget",
                                        NULL};
    const spotopt__at status = spotopt__at_key(at, "status"),
                      completions_at = spotopt__at_key(spec, "completions"),
                      parallelism_at = spotopt__at_key(spec, "parallelism"),
                      suspend_at = spotopt__at_key(spec, "suspend"),
                      succeeded_at = spotopt__at_key(&status, "succeeded");
    spotopt__k8s_workload *known = &k8s->workloads.at[index];
    int64_t completions = -1, parallelism = 1, succeeded = 0;
    bool is_suspended = false;

    SPOTOPT__TRY(spotopt__k8s_int(k8s, &completions_at, 0, INT32_MAX, &completions));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &parallelism_at, 0, INT32_MAX, &parallelism));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &succeeded_at, 0, INT32_MAX, &succeeded));
    SPOTOPT__TRY(spotopt__k8s_bool(k8s, &suspend_at, &is_suspended));
    if (completions < 0 && !spotopt__at_is_set(&parallelism_at))
        completions = 1; /* neither stated: one pod, once */
    if (completions >= 0)
        known->completions = (uint32_t)completions;
    known->succeeded = (uint32_t)succeeded;
    if (is_suspended || has_condition(&status, ended))
        parallelism = 0;
    known->parallelism = (uint32_t)parallelism;
    return SPOTOPT_OK;
}

/* A ReplicaSet's place under its Deployment, and what tells the newest of them. */
static spotopt_status
read_revision(spotopt__k8s *k8s, const spotopt__at *at, const spotopt__k8s_meta *meta,
              uint32_t index)
{
    const spotopt__at meta_at = spotopt__at_key(at, "metadata"),
                      notes = spotopt__at_key(&meta_at, "annotations"),
                      note = spotopt__at_key(&notes, "deployment.kubernetes.io/revision");
    const char *text = spotopt__json_text(note.value);
    uint32_t parent;
    int64_t revision;

    if (meta->owner_kind == NULL)
        return SPOTOPT_OK;
    SPOTOPT__TRY(find_workload(k8s, meta->owner_kind, meta->ns, meta->owner_name,
                               strlen(meta->owner_name), &parent));
    if (parent == SPOTOPT__NONE || k8s->cluster->workloads.at[parent].kind != SPOTOPT__DEPLOYMENT)
        return SPOTOPT_OK;
    k8s->cluster->workloads.at[index].parent = parent;
    if (text == NULL || !spotopt__parse_int(text, strlen(text), &revision) ||
        revision <= k8s->workloads.at[parent].revision)
        return SPOTOPT_OK;
    k8s->workloads.at[parent].revision = revision;
    k8s->workloads.at[parent].hash = spotopt__labels_get(&meta->labels, "pod-template-hash");
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_read_workload(spotopt__k8s *k8s, const spotopt__at *at, int kind, uint32_t item)
{
    static const char *const names[SPOTOPT__K8S_KINDS] = {
        [SPOTOPT__K8S_DEPLOYMENT] = "Deployment",
        [SPOTOPT__K8S_REPLICATION_CONTROLLER] = "ReplicationController",
        [SPOTOPT__K8S_REPLICA_SET] = "ReplicaSet",
        [SPOTOPT__K8S_STATEFUL_SET] = "StatefulSet",
        [SPOTOPT__K8S_DAEMON_SET] = "DaemonSet",
        [SPOTOPT__K8S_JOB] = "Job",
    };
    const spotopt__at spec = spotopt__at_key(at, "spec"),
                      replicas_at = spotopt__at_key(&spec, "replicas");
    const char *name = spotopt__k8s_intern(k8s, names[kind], strlen(names[kind]));
    spotopt__k8s_workload *known;
    spotopt__workload *workload;
    spotopt__k8s_meta meta;
    int64_t replicas = 1;
    uint32_t index;

    if (name == NULL)
        return spotopt__k8s_nomem(k8s);
    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, true, &meta));
    SPOTOPT__TRY(spotopt__want_object(&spec, k8s->err));
    SPOTOPT__TRY(want_workload(k8s, name, meta.ns, meta.name, &index));
    if (k8s->workloads.at[index].item != SPOTOPT__NONE) /* a second manifest of that name */
        SPOTOPT__TRY(add_workload(k8s, name, meta.ns, meta.name, &index));
    workload = &k8s->cluster->workloads.at[index];
    known = &k8s->workloads.at[index];
    known->item = item;
    if (kind == SPOTOPT__K8S_JOB) {
        SPOTOPT__TRY(read_job(k8s, at, &spec, index));
    } else if (kind != SPOTOPT__K8S_DAEMON_SET) {
        SPOTOPT__TRY(spotopt__k8s_int(k8s, &replicas_at, 0, INT32_MAX, &replicas));
        workload->wanted = (uint32_t)replicas;
        workload->has_scale = true;
    }
    if (kind == SPOTOPT__K8S_STATEFUL_SET)
        SPOTOPT__TRY(read_stateful_set(k8s, &spec, index));
    if (kind == SPOTOPT__K8S_REPLICA_SET)
        SPOTOPT__TRY(read_revision(k8s, at, &meta, index));
    known->has_wanted = kind != SPOTOPT__K8S_DAEMON_SET && !meta.is_terminating;
    return read_template(k8s, &spec, &meta, index);
}
