/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate.c - a cluster and the pools that came through the funnel, as a packing problem.
 *
 * One demand a shape of pod; one pool a catalog pool; one more pool, with no new nodes, for each
 * kind of running node, since running nodes have labels and taints of their own. Amounts become
 * numbers without loss: millicores, MiB, pieces. Pods that no node could ever take are named here
 * and kept out, so that they cost nobody the bound.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/translate.h"

#define MIB 1048576.0

static bool
counts(const spotopt__scene *scene, const spotopt__ask *ask, uint32_t pod)
{
    return !ask->out[pod] && spotopt__pod_counts(&scene->cluster->pods.at[pod]);
}

static double
to_number(uint32_t resource, int64_t amount)
{
    if (resource == SPOTOPT__MEMORY || resource == SPOTOPT__STORAGE)
        return (double)amount / MIB;
    return (double)amount;
}

/* --- resources --- */

static spotopt_status
start_problem(const spotopt__scene *scene, spotopt__translation *t, spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    const char *names[SPOTOPT__RESOURCES_MAX + 1];
    bool is_used[SPOTOPT__RESOURCES_MAX] = {false};

    for (size_t s = 0; s < cluster->shapes.count; s++) {
        for (uint32_t r = 0; r < cluster->resources.count && t->shape_count[s] > 0; r++)
            is_used[r] = is_used[r] || cluster->shapes.at[s].request.of[r] > 0;
    }
    is_used[SPOTOPT__CPU] = is_used[SPOTOPT__MEMORY] = is_used[SPOTOPT__PODS] = true;
    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        if (!is_used[r])
            continue;
        t->resource_of[t->resource_count] = r;
        names[t->resource_count++] = r == SPOTOPT__CPU       ? "cpu_milli"
                                     : r == SPOTOPT__MEMORY  ? "memory_mib"
                                     : r == SPOTOPT__STORAGE ? "ephemeral_storage_mib"
                                                             : cluster->resources.name[r];
    }
    if (t->counts_vcpu)
        names[t->resource_count] = "vcpu";
    return spotopt_problem_new(scene->context, names, t->resource_count + (t->counts_vcpu ? 1 : 0),
                               &t->problem, err);
}

/* Quantities may be larger than what a problem takes; up there they are all as good as endless. */
void
spotopt__translate_amounts(const spotopt__translation *t, const spotopt__amounts *amounts,
                           double vcpu, double *out)
{
    for (uint32_t i = 0; i < t->resource_count; i++)
        out[i] = fmin(to_number(t->resource_of[i], amounts->of[t->resource_of[i]]), 1e15);
    if (t->counts_vcpu)
        out[t->resource_count] = vcpu;
}

/* --- running nodes --- */

typedef struct resident {
    uint32_t node, demand; /* node of the cluster */
    uint32_t holds, fixed;
} resident;

static int
by_node_and_demand(const void *a, const void *b)
{
    const resident *x = a, *y = b;

    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return x->demand < y->demand ? -1 : x->demand > y->demand;
}

/* Which shapes could be sent to a node that they are not on yet. */
static void
find_allowed(const spotopt__scene *scene, uint32_t node, const uint32_t *used, uint32_t used_count,
             unsigned char *allows)
{
    const spotopt__node *at = &scene->cluster->nodes.at[node];

    for (uint32_t i = 0; i < used_count; i++)
        allows[i] = scene->nodes[node].accepts_new &&
                    spotopt__shape_allows(&scene->cluster->shapes.at[used[i]], &at->labels,
                                          at->name, at->taints, at->taint_count, NULL);
}

/* --- demands --- */

static bool
is_free_to_roam(const spotopt__shape *shape)
{
    return shape->node_selector.count == 0 && shape->group_count == 0;
}

/* For the on-demand equivalent: pods that ask for spot nodes run on on-demand ones of the same
 * kind. */
static bool
would_run_as_spot(const spotopt__shape *shape, const spotopt__labels *labels)
{
    spotopt__label copy[128];
    spotopt__labels as_spot = {copy, labels->count};

    if (labels->count > sizeof copy / sizeof *copy)
        return false;
    memcpy(copy, labels->at, labels->count * sizeof *copy);
    for (uint32_t i = 0; i < labels->count; i++) {
        if (strcmp(copy[i].key, "karpenter.sh/capacity-type") == 0)
            copy[i].value = "spot";
        else if (strcmp(copy[i].key, "eks.amazonaws.com/capacityType") == 0)
            copy[i].value = "SPOT";
    }
    return spotopt__shape_allows(shape, &as_spot, "", NULL, 0, NULL);
}

/* A pool without nodes, for those that no other pool takes: an empty list would mean something
 * else. */
static spotopt_status
add_nowhere(spotopt__translation *t, uint32_t *out, spotopt_error *err)
{
    spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
    spotopt_status status;

    memset(t->capacity, 0, (SPOTOPT__RESOURCES_MAX + 1) * sizeof *t->capacity);
    spec.id = "nowhere";
    spec.capacity = t->capacity;
    spec.max = 0;
    if ((status = spotopt_problem_add_pool(t->problem, &spec, out, err)) == SPOTOPT_OK) {
        t->pool_catalog[*out] = SPOTOPT__NONE;
        t->pool_usd[*out] = 0.0;
        t->pool_count = *out + 1;
    }
    return status;
}

/* A shape's pools: those of the catalog first, then kinds of running nodes. Rows of allows are
 * nodes', columns used shapes. */
static spotopt_status
add_demands(spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t,
            const uint32_t *used, uint32_t used_count, uint32_t catalog_pools,
            const unsigned char *group_allows, const unsigned char *has_resident,
            spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    uint32_t *pools = spotopt__alloc_array(t->context, t->pool_count + 1, sizeof *pools);
    uint32_t kinds_end = t->pool_count, nowhere = SPOTOPT__NONE;
    spotopt_status status = SPOTOPT_OK;

    if (pools == NULL)
        return spotopt__nomem(err, "pools of a demand");
    for (uint32_t i = 0; i < used_count && status == SPOTOPT_OK; i++) {
        const spotopt__shape *shape = &cluster->shapes.at[used[i]];
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        bool fits = has_resident[i] != 0;
        size_t count = 0;
        char id[32];

        for (uint32_t p = 0; p < catalog_pools; p++) {
            const spotopt__scene_pool *pool = &scene->pools[t->pool_catalog[p]];

            if (is_free_to_roam(shape) ||
                spotopt__shape_allows(shape, &pool->labels, "", NULL, 0, NULL) ||
                (ask->on_demand_only && would_run_as_spot(shape, &pool->labels))) {
                pools[count++] = p;
                fits = fits || spotopt__has_room(cluster, shape, &pool->room);
            }
        }
        for (uint32_t p = catalog_pools; p < kinds_end; p++) {
            if (group_allows[(size_t)(p - catalog_pools) * used_count + i] & 1)
                pools[count++] = p;
            /* Bit 2: some node of the kind has the room when empty. */
            fits = fits || (group_allows[(size_t)(p - catalog_pools) * used_count + i] & 2) != 0;
        }
        if (!fits) { /* only where on-demand machines alone are asked about */
            t->missing += t->shape_count[used[i]];
            continue;
        }
        if (count == 0) { /* it may only stay where it is */
            if (nowhere == SPOTOPT__NONE && (status = add_nowhere(t, &nowhere, err)) != SPOTOPT_OK)
                break;
            pools[count++] = nowhere;
        }
        spotopt__translate_amounts(t, &shape->request, 0.0, t->request);
        snprintf(id, sizeof id, "s%u", used[i]);
        spec.id = id;
        spec.request = t->request;
        spec.count = t->shape_count[used[i]];
        spec.pools = pools;
        spec.pool_count = count;
        spec.move_cost = ask->on_demand_only || ask->money_only
                             ? 0.0
                             : scene->policy->move_usd / scene->policy->change_horizon_h;
        spec.unplaced_cost = ask->unplaced_cost;
        status = spotopt_problem_add_demand(t->problem, &spec, &t->shape_demand[used[i]], err);
        t->demand_shape[t->demand_count++] = used[i];
    }
    spotopt__free(t->context, pools);
    return status;
}

/* --- the whole --- */

static bool
is_offered(const spotopt__scene *scene, uint32_t node, uint32_t pods, uint32_t fixed)
{
    const spotopt__scene_node *found = &scene->nodes[node];

    if (found->untouched != NULL || found->must_go)
        return fixed > 0 || (pods > 0 && found->untouched != NULL) ||
               (found->untouched != NULL && found->accepts_new);
    return true;
}

typedef struct work {
    uint32_t *used, used_count;
    uint32_t *pods_on, *fixed_on; /* per cluster node */
    uint32_t *node_pool;          /* problem pool of a cluster node, or SPOTOPT__NONE */
    unsigned char *allows;        /* one row */
    unsigned char *group_allows;  /* rows of kinds */
    unsigned char *has_resident;  /* per used shape */
    uint32_t *used_of_shape;
    resident *residents;
    spotopt__map groups;
} work;

static void
free_work(spotopt_context *context, work *w)
{
    spotopt__free(context, w->used);
    spotopt__free(context, w->pods_on);
    spotopt__free(context, w->fixed_on);
    spotopt__free(context, w->node_pool);
    spotopt__free(context, w->allows);
    spotopt__free(context, w->group_allows);
    spotopt__free(context, w->has_resident);
    spotopt__free(context, w->used_of_shape);
    spotopt__free(context, w->residents);
    spotopt__map_free(&w->groups);
}

static bool
pod_is_fixed(const spotopt__scene *scene, const spotopt__ask *ask, uint32_t pod)
{
    const spotopt__pod *at = &scene->cluster->pods.at[pod];

    return at->node != SPOTOPT__NONE &&
           (scene->nodes[at->node].untouched != NULL || ask->fixed[pod]);
}

static spotopt_status
start_work(const spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t, work *w,
           spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    size_t nodes = cluster->nodes.count + 1, shapes = cluster->shapes.count + 1;

    spotopt__map_init(&w->groups, t->context);
    w->used = spotopt__alloc_array(t->context, shapes, sizeof(uint32_t));
    w->used_of_shape = spotopt__alloc_array(t->context, shapes, sizeof(uint32_t));
    w->pods_on = spotopt__alloc_array(t->context, nodes, sizeof(uint32_t));
    w->fixed_on = spotopt__alloc_array(t->context, nodes, sizeof(uint32_t));
    w->node_pool = spotopt__alloc_array(t->context, nodes, sizeof(uint32_t));
    t->shape_count = spotopt__arena_alloc(&t->arena, shapes, sizeof(uint32_t));
    t->shape_demand = spotopt__arena_alloc(&t->arena, shapes, sizeof(uint32_t));
    t->demand_shape = spotopt__arena_alloc(&t->arena, shapes, sizeof(uint32_t));
    t->node_cluster = spotopt__arena_alloc(&t->arena, nodes, sizeof(uint32_t));
    t->request = spotopt__arena_alloc(&t->arena, SPOTOPT__RESOURCES_MAX + 1, sizeof(double));
    t->capacity = spotopt__arena_alloc(&t->arena, SPOTOPT__RESOURCES_MAX + 1, sizeof(double));
    size_t pools = scene->catalog->pools.count * (1 + scene->policy->commitments.count) + nodes + 2;
    t->pool_catalog = spotopt__arena_alloc(&t->arena, pools, sizeof(uint32_t));
    t->pool_usd = spotopt__arena_alloc(&t->arena, pools, sizeof(double));
    if (w->used == NULL || w->used_of_shape == NULL || w->pods_on == NULL || w->fixed_on == NULL ||
        w->node_pool == NULL || t->shape_count == NULL || t->shape_demand == NULL ||
        t->demand_shape == NULL || t->node_cluster == NULL || t->request == NULL ||
        t->capacity == NULL || t->pool_catalog == NULL || t->pool_usd == NULL)
        return spotopt__nomem(err, "a packing problem");
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (!counts(scene, ask, i))
            continue;
        t->shape_count[pod->shape]++;
        if (pod->node != SPOTOPT__NONE) {
            w->pods_on[pod->node]++;
            w->fixed_on[pod->node] += pod_is_fixed(scene, ask, i);
        }
    }
    for (uint32_t s = 0; s < cluster->shapes.count; s++) {
        t->shape_demand[s] = SPOTOPT__NONE;
        w->used_of_shape[s] = w->used_count;
        if (t->shape_count[s] > 0)
            w->used[w->used_count++] = s;
    }
    w->allows = spotopt__alloc_array(t->context, w->used_count + 1, 1);
    w->has_resident = spotopt__alloc_array(t->context, w->used_count + 1, 1);
    if (w->allows == NULL || w->has_resident == NULL)
        return spotopt__nomem(err, "a packing problem");
    return SPOTOPT_OK;
}

/* Kinds of running nodes as pools; what they allow; who lives there. */
static spotopt_status
find_kinds(const spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t, work *w,
           uint32_t catalog_pools, spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    size_t rows = 0;
    spotopt_status status;

    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        w->node_pool[n] = SPOTOPT__NONE;
        if (ask->on_demand_only || !is_offered(scene, n, w->pods_on[n], w->fixed_on[n]))
            continue;
        find_allowed(scene, n, w->used, w->used_count, w->allows);
        status = spotopt__translate_node_pool(scene, ask, t, n, w->allows, w->used_count,
                                              &w->groups, &w->node_pool[n], err);
        if (status != SPOTOPT_OK)
            return status;
        size_t row = w->node_pool[n] - catalog_pools;
        if (row >= rows) {
            size_t more = rows * 2 > row ? rows * 2 : row + 8;
            unsigned char *grown =
                spotopt__resize_array(t->context, w->group_allows, more * (w->used_count + 1), 1);

            if (grown == NULL)
                return spotopt__nomem(err, "kinds of nodes");
            memset(grown + rows * (w->used_count + 1), 0, (more - rows) * (w->used_count + 1));
            w->group_allows = grown;
            rows = more;
        }
        for (uint32_t i = 0; i < w->used_count; i++) {
            const spotopt__shape *shape = &cluster->shapes.at[w->used[i]];
            unsigned char bits = w->allows[i];

            if (bits && spotopt__has_room(cluster, shape, &scene->nodes[n].room))
                bits |= 2;
            w->group_allows[row * w->used_count + i] |= bits;
        }
    }
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (counts(scene, ask, i) && pod->node != SPOTOPT__NONE &&
            w->node_pool[pod->node] != SPOTOPT__NONE)
            w->has_resident[w->used_of_shape[pod->shape]] = 1;
    }
    return SPOTOPT_OK;
}

static spotopt_status
add_nodes(const spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t, work *w,
          spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    size_t count = 0;
    spotopt_status status = SPOTOPT_OK;

    w->residents = spotopt__alloc_array(t->context, cluster->pods.count + 1, sizeof *w->residents);
    uint32_t *problem_node =
        spotopt__alloc_array(t->context, cluster->nodes.count + 1, sizeof *problem_node);
    if (w->residents == NULL || problem_node == NULL) {
        status = spotopt__nomem(err, "residents");
        goto done;
    }
    for (uint32_t n = 0; n < cluster->nodes.count && status == SPOTOPT_OK; n++) {
        const spotopt__scene_node *found = &scene->nodes[n];
        spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;
        spotopt__amounts room = found->room;

        problem_node[n] = SPOTOPT__NONE;
        if (w->node_pool[n] == SPOTOPT__NONE)
            continue;
        spotopt__translate_amounts(
            t, &room, found->pool == SPOTOPT__NONE ? 0.0 : scene->pools[found->pool].vcpu,
            t->capacity);
        spec.id = cluster->nodes.at[n].name;
        spec.pool = w->node_pool[n];
        spec.capacity = t->capacity;
        spec.cost = found->untouched != NULL ? 0.0
                    : ask->money_only        ? found->usd_per_h
                                             : found->cost; /* stays anyway: no choice, no cost */
        status = spotopt_problem_add_node(t->problem, &spec, &problem_node[n], err);
        if (status == SPOTOPT_OK)
            t->node_cluster[t->node_count++] = n;
    }
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (counts(scene, ask, i) && pod->node != SPOTOPT__NONE &&
            problem_node[pod->node] != SPOTOPT__NONE &&
            t->shape_demand[pod->shape] != SPOTOPT__NONE)
            w->residents[count++] =
                (resident){pod->node, t->shape_demand[pod->shape], 1, pod_is_fixed(scene, ask, i)};
    }
    qsort(w->residents, count, sizeof *w->residents, by_node_and_demand);
    for (size_t i = 0; i < count && status == SPOTOPT_OK;) {
        size_t end = i;
        uint32_t fixed = 0;

        for (; end < count && by_node_and_demand(&w->residents[i], &w->residents[end]) == 0; end++)
            fixed += w->residents[end].fixed;
        status =
            spotopt_problem_set_resident(t->problem, problem_node[w->residents[i].node],
                                         w->residents[i].demand, (uint32_t)(end - i), fixed, err);
        i = end;
    }
done:
    spotopt__free(t->context, problem_node);
    return status;
}

static spotopt_status
list_pods(const spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t,
          spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    uint32_t *next;

    t->pods = spotopt__arena_alloc(&t->arena, cluster->pods.count + 1, sizeof *t->pods);
    t->pod_start = spotopt__arena_alloc(&t->arena, t->demand_count + 2, sizeof *t->pod_start);
    next = spotopt__arena_alloc(&t->arena, t->demand_count + 2, sizeof *next);
    if (t->pods == NULL || t->pod_start == NULL || next == NULL)
        return spotopt__nomem(err, "pods of demands");
    for (uint32_t d = 0; d < t->demand_count; d++)
        t->pod_start[d + 1] = next[d + 1] = t->pod_start[d] + t->shape_count[t->demand_shape[d]];
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (counts(scene, ask, i) && t->shape_demand[pod->shape] != SPOTOPT__NONE)
            t->pods[next[t->shape_demand[pod->shape]]++] = i;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__translate(spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t,
                   spotopt_error *err)
{
    work w = {0};
    spotopt_status status;
    uint32_t catalog_pools;

    memset(t, 0, sizeof *t);
    t->context = scene->context;
    spotopt__arena_init(&t->arena, scene->context);
    t->counts_vcpu = scene->policy->quotas.count > 0 && !ask->on_demand_only;
    if ((status = start_work(scene, ask, t, &w, err)) != SPOTOPT_OK)
        goto done;
    if (!spotopt__translate_keys(scene, t)) {
        status = spotopt__fail(err, SPOTOPT_E_INPUT, "the pods use more than %d topology keys",
                               (int)(sizeof t->keys / sizeof *t->keys));
        goto done;
    }
    if ((status = start_problem(scene, t, err)) != SPOTOPT_OK ||
        (status = spotopt__translate_pools(scene, ask, t, err)) != SPOTOPT_OK)
        goto done;
    catalog_pools = t->pool_count;
    if ((status = find_kinds(scene, ask, t, &w, catalog_pools, err)) != SPOTOPT_OK ||
        (status = add_demands(scene, ask, t, w.used, w.used_count, catalog_pools, w.group_allows,
                              w.has_resident, err)) != SPOTOPT_OK ||
        (status = add_nodes(scene, ask, t, &w, err)) != SPOTOPT_OK ||
        (status = list_pods(scene, ask, t, err)) != SPOTOPT_OK)
        goto done;
    status = spotopt__translate_rules(scene, ask, t, err);
done:
    free_work(t->context, &w);
    return status;
}

void
spotopt__translation_free(spotopt__translation *t)
{
    spotopt_problem_free(t->problem);
    if (t->arena.head != NULL)
        spotopt__arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}
