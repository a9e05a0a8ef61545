/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_BUILD_CLUSTER_H
#define TESTS_SUPPORT_BUILD_CLUSTER_H
/*
 * Clusters built by hand, one line an object, for tests of what stands above the model. Each pod
 * has a shape of its own, so that a test may change it. Texts are copied. Memory that runs out here
 * ends the test program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "model/cluster.h"

static inline void
built(bool ok)
{
    if (!ok) {
        fputs("no memory for a test's cluster\n", stderr);
        exit(2);
    }
}

static inline const char *
build_text(spotopt_cluster *c, const char *text)
{
    char *copy = spotopt__arena_text(&c->arena, text, strlen(text));
    built(copy != NULL);
    return copy;
}

static inline void
build_start(spotopt_cluster *c)
{
    memset(c, 0, sizeof *c);
    spotopt__arena_init(&c->arena, NULL);
    spotopt__resources_init(&c->resources);
    spotopt__map_init(&c->node_by_name, NULL);
    spotopt__map_init(&c->pod_by_id, NULL);
    c->id = c->client_id = "";
}

static inline void
build_end(spotopt_cluster *c)
{
    spotopt__vec_free(NULL, &c->nodes);
    spotopt__vec_free(NULL, &c->shapes);
    spotopt__vec_free(NULL, &c->pods);
    spotopt__vec_free(NULL, &c->workloads);
    spotopt__vec_free(NULL, &c->pdbs);
    spotopt__vec_free(NULL, &c->namespaces);
    spotopt__map_free(&c->node_by_name);
    spotopt__map_free(&c->pod_by_id);
    spotopt__arena_free(&c->arena);
}

static inline spotopt__labels
build_labels(spotopt_cluster *c, const char *key, const char *value)
{
    spotopt__labels labels = {NULL, 1};
    spotopt__label *label = spotopt__arena_alloc(&c->arena, 1, sizeof *label);

    built(label != NULL);
    label->key = build_text(c, key);
    label->value = build_text(c, value);
    labels.at = label;
    return labels;
}

/* A ready node that takes 110 pods; labelled kubernetes.io/hostname. */
static inline uint32_t
build_node(spotopt_cluster *c, const char *name, int64_t cpu_milli)
{
    spotopt__node node;
    uint32_t index = (uint32_t)c->nodes.count, found;

    memset(&node, 0, sizeof node);
    node.name = build_text(c, name);
    node.provider_id = "";
    node.labels = build_labels(c, "kubernetes.io/hostname", name);
    node.allocatable.of[SPOTOPT__CPU] = cpu_milli;
    node.allocatable.of[SPOTOPT__MEMORY] = INT64_C(1) << 36;
    node.allocatable.of[SPOTOPT__PODS] = 110;
    node.capacity = node.allocatable;
    node.is_ready = true;
    node.created_s = NAN;
    built(spotopt__vec_push(NULL, &c->nodes, node));
    built(spotopt__map_put(&c->node_by_name, node.name, index, &found));
    return index;
}

/* A workload with a scale. */
static inline uint32_t
build_workload(spotopt_cluster *c, int32_t kind, const char *name, uint32_t wanted)
{
    static const char *const kinds[] = {"Deployment", "ReplicaSet", "StatefulSet",
                                        "DaemonSet",  "Job",        "Other"};
    spotopt__workload workload;

    memset(&workload, 0, sizeof workload);
    workload.kind = kind;
    workload.kind_name = kinds[kind];
    workload.ns = "shop";
    workload.name = build_text(c, name);
    workload.parent = SPOTOPT__NONE;
    workload.wanted = wanted;
    workload.has_scale = true;
    workload.is_ordered = kind == SPOTOPT__STATEFUL_SET;
    workload.shape = SPOTOPT__NONE;
    built(spotopt__vec_push(NULL, &c->workloads, workload));
    return (uint32_t)c->workloads.count - 1;
}

/* A running, ready pod of namespace shop, labelled app=APP, asking for that much CPU; grace 30 s.
 */
static inline uint32_t
build_pod(spotopt_cluster *c, const char *name, const char *app, uint32_t workload, uint32_t node,
          int64_t cpu_milli)
{
    spotopt__shape shape;
    spotopt__pod pod;
    char id[300];
    uint32_t index = (uint32_t)c->pods.count, found;

    memset(&shape, 0, sizeof shape);
    memset(&pod, 0, sizeof pod);
    snprintf(id, sizeof id, "shop/%s", name);
    shape.ns = pod.ns = "shop";
    shape.labels = pod.labels = build_labels(c, "app", app);
    shape.request.of[SPOTOPT__CPU] = cpu_milli;
    shape.request.of[SPOTOPT__PODS] = 1;
    shape.grace_s = 30.0;
    pod.name = build_text(c, name);
    pod.id = build_text(c, id);
    pod.node = node;
    pod.node_name = node == SPOTOPT__NONE ? "" : c->nodes.at[node].name;
    pod.shape = (uint32_t)c->shapes.count;
    pod.workload = workload;
    pod.phase = node == SPOTOPT__NONE ? SPOTOPT__PENDING : SPOTOPT__RUNNING;
    pod.is_ready = node != SPOTOPT__NONE;
    pod.has_controller = workload != SPOTOPT__NONE;
    pod.created_s = NAN;
    built(spotopt__vec_push(NULL, &c->shapes, shape));
    built(spotopt__vec_push(NULL, &c->pods, pod));
    built(spotopt__map_put(&c->pod_by_id, pod.id, index, &found));
    return index;
}

static inline spotopt__shape *
shape_of(spotopt_cluster *c, uint32_t pod)
{
    return &c->shapes.at[c->pods.at[pod].shape];
}

/* A budget of namespace shop over app=APP; APP "" selects all of the namespace. */
static inline uint32_t
build_pdb(spotopt_cluster *c, const char *name, const char *app, int32_t kind, int64_t value)
{
    spotopt__pdb pdb;
    char id[300];

    memset(&pdb, 0, sizeof pdb);
    snprintf(id, sizeof id, "shop/%s", name);
    pdb.ns = "shop";
    pdb.name = build_text(c, name);
    pdb.id = build_text(c, id);
    pdb.kind = kind;
    pdb.value = value;
    if (app[0] != '\0') {
        spotopt__requirement *need = spotopt__arena_alloc(&c->arena, 1, sizeof *need);
        const char **values = spotopt__arena_alloc(&c->arena, 1, sizeof *values);
        built(need != NULL && values != NULL);
        values[0] = build_text(c, app);
        need->key = "app";
        need->values = values;
        need->value_count = 1;
        need->op = SPOTOPT__OP_IN;
        pdb.selector.at = need;
        pdb.selector.count = 1;
    }
    built(spotopt__vec_push(NULL, &c->pdbs, pdb));
    return (uint32_t)c->pdbs.count - 1;
}

#endif
