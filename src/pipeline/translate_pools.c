/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_pools.c - pools of a packing problem: what can be bought, and kinds of running nodes.
 *
 * A catalog pool that came through the funnel, once more for each commitment that covers it; and a
 * pool without new nodes for each kind of running node. Their labels are those that placement rules
 * ask for, and those that the policy's rules count by.
 */
#include <stdio.h>

#include "pipeline/translate.h"

static spotopt_status
label(spotopt__translation *t, uint32_t pool, const char *key, const char *value,
      spotopt_error *err)
{
    return value == NULL || value[0] == 0
               ? SPOTOPT_OK
               : spotopt_problem_set_pool_label(t->problem, pool, key, value, err);
}

/* Labels for placement rules from what the node carries; labels for the policy's rules from what
 * the pool is. */
static spotopt_status
label_problem_pool(const spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t,
                   uint32_t index, const spotopt__labels *labels, const char *node_name,
                   uint32_t catalog_pool, uint32_t commitment, spotopt_error *err)
{
    const spotopt_policy *policy = scene->policy;
    spotopt_status status = SPOTOPT_OK;
    char key[96];

    for (uint32_t k = 0; k < t->key_count && status == SPOTOPT_OK; k++)
        status = label(t, index, t->keys[k].name,
                       spotopt__translate_value(scene, t, k, labels, node_name), err);
    if (catalog_pool == SPOTOPT__NONE || ask->on_demand_only || status != SPOTOPT_OK)
        return status;
    const spotopt__pool *pool = &scene->catalog->pools.at[catalog_pool];
    const spotopt__type *type = &scene->catalog->types.at[pool->type];
    bool is_spot = pool->purchase == SPOTOPT__SPOT;
    status = label(t, index, "spotopt/purchase", is_spot ? "spot" : "on-demand", err);
    for (size_t i = 0; i < policy->diversify.count && is_spot && status == SPOTOPT_OK; i++) {
        snprintf(key, sizeof key, "spotopt/diversify-%zu", i);
        status =
            label(t, index, key,
                  spotopt__diversify_value(scene, policy->diversify.at[i].key, catalog_pool), err);
    }
    for (size_t i = 0; i < policy->quotas.count && status == SPOTOPT_OK; i++) {
        if (!spotopt__quota_covers(&policy->quotas.at[i], type->family,
                                   is_spot ? "spot" : "on-demand"))
            continue;
        snprintf(key, sizeof key, "spotopt/quota-%zu", i);
        status = label(t, index, key, "yes", err);
    }
    if (commitment != SPOTOPT__NONE && status == SPOTOPT_OK) {
        snprintf(key, sizeof key, "spotopt/commitment-%u", commitment);
        status = label(t, index, key, "yes", err);
    }
    return status;
}

static spotopt_status
add_pool(const spotopt__scene *scene, const spotopt__ask *ask, spotopt__translation *t,
         const char *id, uint32_t catalog_pool, uint32_t commitment, double usd, uint32_t max,
         spotopt_error *err)
{
    const spotopt__scene_pool *pool = &scene->pools[catalog_pool];
    spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
    spotopt_status status;
    uint32_t index;

    spotopt__translate_amounts(t, &pool->room, pool->vcpu, t->capacity);
    spec.id = id;
    spec.capacity = t->capacity;
    spec.cost = ask->on_demand_only || ask->money_only
                    ? usd
                    : usd + pool->losses_per_h * scene->policy->interruption_usd;
    spec.max = max;
    spec.rank = pool->place == SPOTOPT__NONE ? 0 : pool->place;
    if ((status = spotopt_problem_add_pool(t->problem, &spec, &index, err)) != SPOTOPT_OK)
        return status;
    t->pool_catalog[index] = catalog_pool;
    t->pool_usd[index] = usd;
    t->pool_count = index + 1;
    /* A pool and its copy at a commitment's price have one limit between them. */
    if (scene->policy->commitments.count > 0 &&
        (status = label(t, index, "spotopt/new-of", scene->catalog->pools.at[catalog_pool].id,
                        err)) != SPOTOPT_OK)
        return status;
    return label_problem_pool(scene, ask, t, index, &pool->labels, "", catalog_pool, commitment,
                              err);
}

spotopt_status
spotopt__translate_pools(const spotopt__scene *scene, const spotopt__ask *ask,
                         spotopt__translation *t, spotopt_error *err)
{
    const spotopt_policy *policy = scene->policy;
    spotopt_status status = SPOTOPT_OK;
    char id[300];

    for (uint32_t i = 0; i < scene->catalog->pools.count && status == SPOTOPT_OK; i++) {
        const spotopt__pool *pool = &scene->catalog->pools.at[i];

        if (ask->on_demand_only
                ? pool->purchase != SPOTOPT__ON_DEMAND || !(pool->usd_per_h >= 0.0) ||
                      pool->limit == 0 || scene->pools[i].stage == SPOTOPT__STAGE_SCOPE
                : scene->pools[i].stage >= 0)
            continue;
        status =
            add_pool(scene, ask, t, pool->id, i, SPOTOPT__NONE, pool->usd_per_h, pool->limit, err);
        for (uint32_t c = 0;
             c < policy->commitments.count && status == SPOTOPT_OK && !ask->on_demand_only; c++) {
            if (!spotopt__glob(policy->commitments.at[c].pool, pool->id))
                continue;
            snprintf(id, sizeof id, "%.200s~commitment-%u", pool->id, c);
            status = add_pool(scene, ask, t, id, i, c, policy->commitments.at[c].usd_per_h,
                              policy->commitments.at[c].count, err);
        }
    }
    return status;
}

/* A pool with no new nodes for each kind of running node: same catalog pool, commitment, labels and
 * taints that matter. */
spotopt_status
spotopt__translate_node_pool(const spotopt__scene *scene, const spotopt__ask *ask,
                             spotopt__translation *t, uint32_t node, const unsigned char *allows,
                             uint32_t used_count, spotopt__map *groups, uint32_t *out,
                             spotopt_error *err)
{
    const spotopt__scene_node *found = &scene->nodes[node];
    const spotopt__labels *labels = &scene->cluster->nodes.at[node].labels;
    const char *node_name = scene->cluster->nodes.at[node].name;
    spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
    spotopt_status status = SPOTOPT_OK;
    spotopt__str key;
    char id[300];
    uint32_t index = SPOTOPT__NONE;

    spotopt__str_init(&key, scene->context);
    spotopt__str_addf(&key, "%u %u ", found->pool, found->commitment);
    for (uint32_t k = 0; k < t->key_count; k++) {
        const char *value = spotopt__translate_value(scene, t, k, labels, node_name);

        spotopt__str_addf(&key, "%s\n", value == NULL ? "\t" : value);
    }
    for (uint32_t i = 0; i < used_count; i += 4) {
        unsigned bits = 0;

        for (uint32_t j = i; j < i + 4 && j < used_count; j++)
            bits = bits * 2 + allows[j];
        spotopt__str_addf(&key, "%x", bits);
    }
    char *kept = key.failed ? NULL : spotopt__arena_text(&t->arena, key.at, key.count);
    spotopt__str_free(&key);
    if (kept == NULL)
        return spotopt__nomem(err, "kinds of nodes");
    *out = spotopt__map_get(groups, kept);
    if (*out != SPOTOPT__NONE)
        return SPOTOPT_OK;

    if (found->pool != SPOTOPT__NONE)
        spotopt__translate_amounts(t, &scene->pools[found->pool].room,
                                   scene->pools[found->pool].vcpu, t->capacity);
    else
        spotopt__translate_amounts(t, &found->room, 0.0, t->capacity);
    snprintf(id, sizeof id, "%.200s~running-%u",
             found->pool == SPOTOPT__NONE ? "unknown" : scene->catalog->pools.at[found->pool].id,
             t->pool_count);
    spec.id = id;
    spec.capacity = t->capacity;
    spec.cost = found->cost;
    spec.max = 0;
    if ((status = spotopt_problem_add_pool(t->problem, &spec, &index, err)) != SPOTOPT_OK)
        return status;
    t->pool_catalog[index] = found->pool;
    t->pool_usd[index] = found->usd_per_h;
    t->pool_count = index + 1;
    if (!spotopt__map_put(groups, kept, index, NULL))
        return spotopt__nomem(err, "kinds of nodes");
    *out = index;
    return label_problem_pool(scene, ask, t, index, labels, node_name, found->pool,
                              found->commitment, err);
}
