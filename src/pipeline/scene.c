/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene.c - what is known before anything is decided.
 *
 * Gathers for every pool its labels, the room that daemon pods and headroom leave, its price, risk
 * and cost (usd_per_h - ln(1 - p_H)/H * interruption cost), and for every running node its pool,
 * price and whether it may be touched. screen.c then sends the pools through the funnel.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/scene.h"
#include "pipeline/screen.h"
#include "risk/risk.h"

static const double horizons_h[SPOTOPT__HORIZONS] = {1.0, 4.0, 24.0};

bool
spotopt__scene_warn(spotopt__scene *scene, const char *format, ...)
{
    char line[512];
    va_list args;
    char *copy;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    copy = spotopt__arena_text(&scene->arena, line, strlen(line));
    return copy != NULL && spotopt__vec_push(scene->context, &scene->warnings, copy);
}

bool
spotopt__pod_counts(const spotopt__pod *pod)
{
    return !pod->is_terminating && !pod->is_mirror && !pod->is_daemon && !pod->is_gated &&
           (pod->phase == SPOTOPT__PENDING || pod->phase == SPOTOPT__RUNNING);
}

bool
spotopt__has_room(const spotopt_cluster *cluster, const spotopt__shape *shape,
                  const spotopt__amounts *room)
{
    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        if (shape->request.of[r] > 0 && shape->request.of[r] > room->of[r])
            return false;
    }
    return true;
}

const char *
spotopt__diversify_value(const spotopt__scene *scene, const char *key, uint32_t index)
{
    const spotopt__pool *pool = &scene->catalog->pools.at[index];
    const spotopt__type *type = &scene->catalog->types.at[pool->type];

    return strcmp(key, "pool") == 0     ? pool->id
           : strcmp(key, "zone") == 0   ? pool->zone
           : strcmp(key, "family") == 0 ? type->family
           : strcmp(key, "type") == 0   ? type->name
           : strcmp(key, "arch") == 0   ? type->arch
                                        : spotopt__labels_get(&scene->pools[index].labels, key);
}

/* --- overrides --- */

static int
scope_width(const char *scope)
{
    return strcmp(scope, "all") == 0       ? 3
           : strcmp(scope, "client") == 0  ? 2
           : strcmp(scope, "cluster") == 0 ? 1
                                           : 0;
}

static bool
override_is_live(const spotopt__override *order, double now_s)
{
    return order->from_s <= now_s && now_s < order->until_s;
}

static bool
override_covers_cluster(const spotopt__override *order, const spotopt_cluster *cluster)
{
    switch (scope_width(order->scope)) {
    case 3:
        return true;
    case 2:
        return strcmp(order->target, cluster->client_id) == 0;
    case 1:
        return strcmp(order->target, cluster->id) == 0;
    default:
        return false;
    }
}

/* Shown is the widest scope, then the latest expiry. */
static void
find_override(spotopt__scene *scene)
{
    for (size_t i = 0; i < scene->policy->overrides.count; i++) {
        const spotopt__override *order = &scene->policy->overrides.at[i];

        if (!override_is_live(order, scene->now_s) ||
            !override_covers_cluster(order, scene->cluster))
            continue;
        if (scene->forced == NULL ||
            scope_width(order->scope) > scope_width(scene->forced->scope) ||
            (scope_width(order->scope) == scope_width(scene->forced->scope) &&
             order->until_s > scene->forced->until_s))
            scene->forced = order;
    }
    scene->on_demand_only = scene->forced != NULL || !scene->policy->spot_enabled;
}

/* An instance is named by its node, or by the id that ends its providerID. */
static bool
instance_is_forced(const spotopt__scene *scene, const spotopt__node *node)
{
    const char *id = strrchr(node->provider_id, '/');

    id = id == NULL ? node->provider_id : id + 1;
    for (size_t i = 0; i < scene->policy->overrides.count; i++) {
        const spotopt__override *order = &scene->policy->overrides.at[i];

        if (scope_width(order->scope) == 0 && override_is_live(order, scene->now_s) &&
            (strcmp(order->target, node->name) == 0 ||
             (id[0] != 0 && strcmp(order->target, id) == 0)))
            return true;
    }
    return false;
}

/* --- pools
 * ------------------------------------------------------------------------------------------------
 */

static int
by_key(const void *a, const void *b)
{
    return strcmp(((const spotopt__label *)a)->key, ((const spotopt__label *)b)->key);
}

/* Type labels and what its pool adds; a type's own value of the same key gives way. */
static bool
label_pool(spotopt__scene *scene, uint32_t index)
{
    const spotopt__pool *pool = &scene->catalog->pools.at[index];
    const spotopt__type *type = &scene->catalog->types.at[pool->type];
    bool is_spot = pool->purchase == SPOTOPT__SPOT;
    const spotopt__label extra[] = {
        {"beta.kubernetes.io/arch", type->arch},
        {"beta.kubernetes.io/instance-type", type->name},
        {"beta.kubernetes.io/os", "linux"},
        {"eks.amazonaws.com/capacityType", is_spot ? "SPOT" : "ON_DEMAND"},
        {"failure-domain.beta.kubernetes.io/region", pool->region},
        {"failure-domain.beta.kubernetes.io/zone", pool->zone},
        {"karpenter.sh/capacity-type", is_spot ? "spot" : "on-demand"},
        {"kubernetes.io/arch", type->arch},
        {"kubernetes.io/os", "linux"},
        {"node.kubernetes.io/instance-type", type->name},
        {"topology.kubernetes.io/region", pool->region},
        {"topology.kubernetes.io/zone", pool->zone},
    };
    size_t extras = sizeof extra / sizeof *extra, count = 0;
    spotopt__label *labels =
        spotopt__arena_alloc(&scene->arena, type->labels.count + extras, sizeof *labels);

    if (labels == NULL)
        return false;
    for (uint32_t i = 0; i < type->labels.count; i++) {
        if (bsearch(&type->labels.at[i], extra, extras, sizeof *extra, by_key) == NULL)
            labels[count++] = type->labels.at[i];
    }
    for (size_t i = 0; i < extras; i++) {
        if (extra[i].value != NULL && extra[i].value[0] != 0)
            labels[count++] = extra[i];
    }
    qsort(labels, count, sizeof *labels, by_key);
    scene->pools[index].labels.at = labels;
    scene->pools[index].labels.count = (uint32_t)count;
    return true;
}

/* A daemon pod's own affinity pins it to one node by name; what counts for a new node is the rest.
 */
static bool
daemon_runs_on(const spotopt__shape *shape, const spotopt__labels *labels)
{
    for (uint32_t i = 0; i < shape->node_selector.count; i++) {
        const char *value = spotopt__labels_get(labels, shape->node_selector.at[i].key);

        if (value == NULL || strcmp(value, shape->node_selector.at[i].value) != 0)
            return false;
    }
    for (uint32_t g = 0; g < shape->group_count; g++) {
        bool any = false;

        for (uint32_t t = 0; t < shape->groups[g].count && !any; t++) {
            const spotopt__node_term *term = &shape->groups[g].terms[t];
            bool all = term->label_count + term->field_count > 0;

            for (uint32_t i = 0; i < term->label_count && all; i++)
                all = spotopt__requirement_matches(&term->labels[i], labels);
            any = all;
        }
        if (!any)
            return false;
    }
    return true;
}

/* One shape a daemon set: its template, or else that of its first pod. */
static spotopt_status
find_daemons(spotopt__scene *scene, uint32_t **out, size_t *out_count, spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    uint32_t *shape_of =
        spotopt__alloc_array(scene->context, cluster->workloads.count + 1, sizeof *shape_of);
    size_t count = 0;

    if (shape_of == NULL)
        return spotopt__nomem(err, "daemon sets");
    for (size_t i = 0; i < cluster->workloads.count; i++) {
        const spotopt__workload *workload = &cluster->workloads.at[i];

        shape_of[i] = workload->kind == SPOTOPT__DAEMON_SET ? workload->shape : SPOTOPT__NONE;
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (pod->is_daemon && pod->workload != SPOTOPT__NONE &&
            shape_of[pod->workload] == SPOTOPT__NONE)
            shape_of[pod->workload] = pod->shape;
    }
    for (size_t i = 0; i < cluster->workloads.count; i++) {
        if (shape_of[i] != SPOTOPT__NONE)
            shape_of[count++] = shape_of[i];
    }
    *out = shape_of;
    *out_count = count;
    return SPOTOPT_OK;
}

static int64_t
less_share(int64_t amount, double frac)
{
    return frac > 0.0 ? (int64_t)floor((double)amount * (1.0 - frac)) : amount;
}

static void
find_room(spotopt__scene *scene, uint32_t index, const uint32_t *daemons, size_t daemon_count)
{
    const spotopt_cluster *cluster = scene->cluster;
    spotopt__scene_pool *pool = &scene->pools[index];
    const spotopt__type *type = &scene->catalog->types.at[scene->catalog->pools.at[index].type];
    int64_t vcpu = type->capacity.of[SPOTOPT__CPU];

    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        uint32_t from = scene->to_catalog[r];
        int64_t amount = from == SPOTOPT__NONE ? 0 : type->allocatable.of[from];

        /* Root volumes are the buyer's choice: no catalog states them. */
        if (r == SPOTOPT__STORAGE && amount <= 0)
            amount = SPOTOPT__AMOUNT_MAX;
        pool->room.of[r] = amount == SPOTOPT__AMOUNT_UNKNOWN ? 0 : amount;
    }
    for (size_t i = 0; i < daemon_count; i++) {
        const spotopt__shape *shape = &cluster->shapes.at[daemons[i]];

        if (!daemon_runs_on(shape, &pool->labels))
            continue;
        for (uint32_t r = 0; r < cluster->resources.count; r++)
            pool->room.of[r] -= shape->request.of[r];
    }
    pool->room.of[SPOTOPT__CPU] =
        less_share(pool->room.of[SPOTOPT__CPU], scene->policy->headroom_cpu_frac);
    pool->room.of[SPOTOPT__MEMORY] =
        less_share(pool->room.of[SPOTOPT__MEMORY], scene->policy->headroom_memory_frac);
    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        if (pool->room.of[r] < 0)
            pool->room.of[r] = 0;
    }
    if (vcpu == SPOTOPT__AMOUNT_UNKNOWN)
        vcpu = type->allocatable.of[SPOTOPT__CPU];
    pool->vcpu = ceil((double)vcpu / 1000.0);
}

static double
losses_per_h(double p, double horizon_h)
{
    /* A certain loss within H would cost infinitely much per hour; 1 - 1e-9 is certain enough. */
    return -log1p(-fmin(p, 1.0 - 1e-9)) / horizon_h;
}

/* p, low and high of every pool over H. */
static spotopt_status
take_risk(const spotopt__scene *scene, const spotopt_risk *risk, double horizon_h, double *three,
          spotopt_error *err)
{
    size_t count = scene->catalog->pools.count;

    return spotopt_risk_columns(risk, horizon_h, three, three + count, three + 2 * count, count,
                                err);
}

static spotopt_status
find_risk(spotopt__scene *scene, spotopt_error *err)
{
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    size_t count = scene->catalog->pools.count;
    spotopt_risk *risk = NULL;
    double *three = spotopt__alloc_array(scene->context, 3 * count + 1, sizeof *three);
    spotopt_status status;

    if (three == NULL)
        return spotopt__nomem(err, "forecasts");
    params.catalog = scene->catalog;
    params.history = scene->history;
    params.model = scene->model;
    params.now_s = scene->now_s;
    status = spotopt_risk_score_with(scene->context, &params, NULL, &risk, err);
    for (int h = 0; h < SPOTOPT__HORIZONS && status == SPOTOPT_OK; h++) {
        status = take_risk(scene, risk, horizons_h[h], three, err);
        for (size_t i = 0; i < count && status == SPOTOPT_OK; i++) {
            scene->pools[i].p[h] = three[i];
            scene->pools[i].low[h] = three[count + i];
            scene->pools[i].high[h] = three[2 * count + i];
        }
    }
    if (status == SPOTOPT_OK)
        status = take_risk(scene, risk, scene->policy->horizon_h, three, err);
    for (size_t i = 0; i < count && status == SPOTOPT_OK; i++) {
        spotopt__scene_pool *pool = &scene->pools[i];

        pool->p_horizon = three[i];
        pool->p_horizon_sd =
            (three[2 * count + i] - three[count + i]) / (2.0 * SPOTOPT__INTERVAL_Z);
        pool->risk_flags = spotopt__risk_flags(risk, i);
        pool->losses_per_h = losses_per_h(three[i], scene->policy->horizon_h);
        pool->cost = scene->catalog->pools.at[i].usd_per_h +
                     pool->losses_per_h * scene->policy->interruption_usd;
    }
    spotopt__free(scene->context, three);
    scene->risk = risk;
    return status;
}

/* --- nodes
 * ------------------------------------------------------------------------------------------------
 */

static bool
node_is_spot(const spotopt__node *node)
{
    const char *karpenter = spotopt__labels_get(&node->labels, "karpenter.sh/capacity-type");
    const char *eks = spotopt__labels_get(&node->labels, "eks.amazonaws.com/capacityType");

    return (karpenter != NULL && strcmp(karpenter, "spot") == 0) ||
           (eks != NULL && strcmp(eks, "SPOT") == 0);
}

static uint32_t
find_pool(const spotopt__scene *scene, const spotopt__node *node, bool is_spot)
{
    const char *type = spotopt__labels_get(&node->labels, "node.kubernetes.io/instance-type");
    const char *zone = spotopt__labels_get(&node->labels, "topology.kubernetes.io/zone");
    char id[256];

    if (type == NULL || zone == NULL)
        return SPOTOPT__NONE;
    if (snprintf(id, sizeof id, "%s/%s/%s", type, zone, is_spot ? "spot" : "on-demand") >=
        (int)sizeof id)
        return SPOTOPT__NONE;
    return spotopt__map_get(&scene->catalog->pool_by_id, id);
}

static const char *
why_untouched(const spotopt__scene *scene, const spotopt__node *node,
              const spotopt__scene_node *found)
{
    if (spotopt__labels_get(&node->labels, "node-role.kubernetes.io/control-plane") != NULL ||
        spotopt__labels_get(&node->labels, "node-role.kubernetes.io/master") != NULL)
        return "is part of the control plane";
    if (found->pool == SPOTOPT__NONE)
        return "is of no pool in the catalog";
    if (!(found->usd_per_h >= 0.0))
        return "has no price in the catalog";
    if (node->is_do_not_disrupt)
        return "is marked do-not-disrupt";
    if (scene->now_s - node->created_s < scene->policy->min_dwell_min * 60.0 &&
        scene->now_s >= node->created_s)
        return "is younger than min_dwell_minutes";
    return NULL;
}

static void
find_node(spotopt__scene *scene, uint32_t index, uint32_t *committed)
{
    const spotopt__node *node = &scene->cluster->nodes.at[index];
    spotopt__scene_node *found = &scene->nodes[index];
    const spotopt_policy *policy = scene->policy;
    bool is_spot = node_is_spot(node);

    found->pool = find_pool(scene, node, is_spot);
    found->usd_per_h = found->pool == SPOTOPT__NONE
                           ? (double)NAN
                           : scene->catalog->pools.at[found->pool].usd_per_h;
    found->commitment = SPOTOPT__NONE;
    for (size_t i = 0; i < policy->commitments.count && found->pool != SPOTOPT__NONE; i++) {
        if (committed[i] < policy->commitments.at[i].count &&
            spotopt__glob(policy->commitments.at[i].pool,
                          scene->catalog->pools.at[found->pool].id)) {
            committed[i]++;
            found->commitment = (uint32_t)i;
            found->usd_per_h = policy->commitments.at[i].usd_per_h;
            break;
        }
    }
    found->untouched = why_untouched(scene, node, found);
    found->cost = 0.0;
    if (found->pool != SPOTOPT__NONE && found->usd_per_h >= 0.0)
        found->cost =
            found->usd_per_h + scene->pools[found->pool].losses_per_h * policy->interruption_usd;
    found->must_go = node->is_terminating ||
                     (is_spot && (scene->on_demand_only || instance_is_forced(scene, node)));
    found->accepts_new = !node->is_unschedulable && node->is_ready && !found->must_go;
    found->room = node->allocatable;
}

static spotopt_status
find_nodes(spotopt__scene *scene, spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    uint32_t *committed = spotopt__alloc_array(scene->context, scene->policy->commitments.count + 1,
                                               sizeof *committed);
    spotopt__amounts *used =
        spotopt__alloc_array(scene->context, cluster->nodes.count + 1, sizeof *used);
    spotopt_status status = SPOTOPT_OK;

    if (committed == NULL || used == NULL) {
        status = spotopt__nomem(err, "nodes");
        goto done;
    }
    for (uint32_t i = 0; i < cluster->nodes.count; i++) {
        find_node(scene, i, committed);
        if (scene->nodes[i].untouched != NULL && scene->nodes[i].pool == SPOTOPT__NONE &&
            !spotopt__scene_warn(scene, "node %.80s %s; it stays, and so do its pods",
                                 cluster->nodes.at[i].name, scene->nodes[i].untouched)) {
            status = spotopt__nomem(err, "warnings");
            goto done;
        }
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        const int64_t *request = cluster->shapes.at[pod->shape].request.of;

        if (pod->node == SPOTOPT__NONE || pod->phase == SPOTOPT__SUCCEEDED ||
            pod->phase == SPOTOPT__FAILED)
            continue;
        for (uint32_t r = 0; r < cluster->resources.count; r++) {
            if (spotopt__pod_counts(pod))
                used[pod->node].of[r] += request[r];
            else
                scene->nodes[pod->node].room.of[r] -= request[r];
        }
    }
    for (size_t i = 0; i < cluster->nodes.count; i++) {
        int64_t *room = scene->nodes[i].room.of;

        room[SPOTOPT__CPU] = less_share(room[SPOTOPT__CPU], scene->policy->headroom_cpu_frac);
        room[SPOTOPT__MEMORY] =
            less_share(room[SPOTOPT__MEMORY], scene->policy->headroom_memory_frac);
        /* What runs may go on running, also where requests grew past the node. */
        for (uint32_t r = 0; r < cluster->resources.count; r++) {
            if (room[r] < used[i].of[r])
                room[r] = used[i].of[r];
        }
    }
done:
    spotopt__free(scene->context, committed);
    spotopt__free(scene->context, used);
    return status;
}

/* --- the whole --- */

static spotopt_status
find_pools(spotopt__scene *scene, spotopt_error *err)
{
    uint32_t *daemons = NULL;
    size_t daemon_count = 0;
    spotopt_status status = find_daemons(scene, &daemons, &daemon_count, err);

    for (uint32_t i = 0; i < scene->catalog->pools.count && status == SPOTOPT_OK; i++) {
        if (!label_pool(scene, i))
            status = spotopt__nomem(err, "labels of pools");
        else
            find_room(scene, i, daemons, daemon_count);
    }
    spotopt__free(scene->context, daemons);
    return status;
}

spotopt_status
spotopt__scene_make(spotopt_context *context, const spotopt_plan_params *given,
                    const spotopt_options *options, spotopt__scene *scene, spotopt_error *err)
{
    spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;
    spotopt_status status;

    memset(scene, 0, sizeof *scene);
    if (given == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params is NULL");
    if ((status = spotopt__copy_in(&params, sizeof params, given, "params", err)) != SPOTOPT_OK)
        return status;
    if (params.cluster == NULL || params.catalog == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params: %s is NULL; it is needed",
                             params.cluster == NULL ? "cluster" : "catalog");
    if (!isfinite(params.now_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params: now_s is not finite");
    scene->context = spotopt__context_hold(context);
    spotopt__arena_init(&scene->arena, context);
    scene->cluster = params.cluster;
    scene->catalog = params.catalog;
    scene->policy = params.policy;
    scene->history = params.history;
    scene->metrics = params.metrics;
    scene->model = params.model;
    scene->now_s = params.now_s;
    if (scene->model != NULL && !spotopt__model_sha256(scene->model, scene->model_sha256))
        return spotopt__nomem(err, "a model document");
    if (scene->policy == NULL) {
        if ((status = spotopt_policy_parse(context, NULL, 0, "policy", &scene->own_policy, err)) !=
            SPOTOPT_OK)
            return status;
        scene->policy = scene->own_policy;
    }
    scene->pools =
        spotopt__arena_alloc(&scene->arena, scene->catalog->pools.count + 1, sizeof *scene->pools);
    scene->nodes =
        spotopt__arena_alloc(&scene->arena, scene->cluster->nodes.count + 1, sizeof *scene->nodes);
    scene->by_place =
        spotopt__arena_alloc(&scene->arena, scene->catalog->pools.count + 1, sizeof(uint32_t));
    scene->to_catalog =
        spotopt__arena_alloc(&scene->arena, SPOTOPT__RESOURCES_MAX, sizeof(uint32_t));
    if (scene->pools == NULL || scene->nodes == NULL || scene->by_place == NULL ||
        scene->to_catalog == NULL)
        return spotopt__nomem(err, "pools and nodes");
    for (uint32_t r = 0; r < scene->cluster->resources.count; r++)
        scene->to_catalog[r] =
            spotopt__resources_find(&scene->catalog->resources, scene->cluster->resources.name[r]);
    find_override(scene);
    if ((status = spotopt_funnel_new(context, &scene->funnel, err)) != SPOTOPT_OK ||
        (status = find_pools(scene, err)) != SPOTOPT_OK ||
        (status = find_risk(scene, err)) != SPOTOPT_OK ||
        (status = find_nodes(scene, err)) != SPOTOPT_OK)
        return status;
    return spotopt__screen(scene, spotopt__option(options, SPOTOPT__OPT_EXPLAIN) > 0.0, err);
}

void
spotopt__scene_free(spotopt__scene *scene)
{
    spotopt_context *context = scene->context;

    spotopt_funnel_free(scene->funnel);
    spotopt_risk_free(scene->risk);
    spotopt_policy_free(scene->own_policy);
    spotopt__vec_free(context, &scene->warnings);
    if (scene->arena.head != NULL)
        spotopt__arena_free(&scene->arena);
    memset(scene, 0, sizeof *scene);
    spotopt__context_drop(context);
}
