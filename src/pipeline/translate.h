/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PIPELINE_TRANSLATE_H
#define SPOTOPT_PIPELINE_TRANSLATE_H
#include "pipeline/scene.h"
#include "spotopt/pack.h"

/* What the packing is asked for. */
typedef struct spotopt__ask {
    bool on_demand_only; /* the on-demand equivalent: no running nodes, no spot, no rules of the
                            policy */
    bool money_only;     /* bare prices: no interruption costs, moves for nothing */
    const unsigned char *fixed; /* a pod: 1 when it must stay on its node */
    const unsigned char *out;   /* a pod: 1 when it is left out */
    double unplaced_cost;       /* per hour and pod left out; NaN: all must be placed */
    uint32_t on_demand_min;     /* nodes; beyond what the policy says itself */
    double diversify_scale;     /* on the policy's diversify fractions, 0..1 */
} spotopt__ask;

typedef struct spotopt__left_out {
    uint32_t pod;
    const char *reason; /* in the scene's arena */
} spotopt__left_out;

typedef spotopt__vec(spotopt__left_out) spotopt__left_outs;

/* A cluster as a packing problem, and the way back. Indices of the problem's things lead to ours.
 */
typedef struct spotopt__translation {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt_problem *problem;
    uint32_t *shape_demand; /* a cluster shape's demand, or SPOTOPT__NONE */
    uint32_t *demand_shape; /* and back */
    uint32_t demand_count;
    uint32_t *pool_catalog; /* a problem pool's catalog pool, or SPOTOPT__NONE */
    double *pool_usd;       /* what a new node of it costs per hour */
    uint32_t *node_cluster; /* a problem node's cluster node */
    uint32_t pool_count, node_count;
    uint32_t *pods; /* pods of demand d: pods[pod_start[d]] .. pods[pod_start[d+1]-1], ascending */
    uint32_t *pod_start;
    uint32_t missing;      /* pods that none of the pools asked about takes */
    uint32_t *shape_count; /* pods of each shape that count */
    /* Label keys that rules use; with a shape, only nodes that it may use have a value. */
    struct {
        const char *name, *label;
        uint32_t shape;
    } keys[64];
    uint32_t key_count;
    double *request, *capacity; /* of one thing, resource by resource */
    uint32_t resource_of[SPOTOPT__RESOURCES_MAX + 1];
    uint32_t resource_count;
    bool counts_vcpu;
} spotopt__translation;

spotopt_status spotopt__translate(spotopt__scene *scene, const spotopt__ask *ask,
                                  spotopt__translation *translation, spotopt_error *err);
void spotopt__translation_free(spotopt__translation *translation);

/* What a key says of a node with these labels; NULL: nothing. */
const char *spotopt__translate_value(const spotopt__scene *scene,
                                     const spotopt__translation *translation, uint32_t key,
                                     const spotopt__labels *labels, const char *node_name);

/* Amounts resource by resource, as the problem counts them. */
void spotopt__translate_amounts(const spotopt__translation *translation,
                                const spotopt__amounts *amounts, double vcpu, double *out);

/* translate_pools.c: pools of the catalog; then, for a running node, the pool of its kind: a row of
 * `allows` (by shape in use) and the node's labels decide which. */
spotopt_status spotopt__translate_pools(const spotopt__scene *scene, const spotopt__ask *ask,
                                        spotopt__translation *translation, spotopt_error *err);
spotopt_status spotopt__translate_node_pool(const spotopt__scene *scene, const spotopt__ask *ask,
                                            spotopt__translation *translation, uint32_t node,
                                            const unsigned char *allows, uint32_t used_count,
                                            spotopt__map *groups, uint32_t *out,
                                            spotopt_error *err);

/* translate_rules.c: placement rules of pods, then rules of the policy. */
bool spotopt__translate_keys(const spotopt__scene *scene, spotopt__translation *translation);
spotopt_status spotopt__translate_rules(const spotopt__scene *scene, const spotopt__ask *ask,
                                        spotopt__translation *translation, spotopt_error *err);

#endif
