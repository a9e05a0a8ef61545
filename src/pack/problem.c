/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.c - takes a packing problem, piece by piece, and refuses what makes no sense.
 *
 * Everything is checked here, once, so that the solver can rely on it: indices exist, numbers are
 * finite and within [0, SPOTOPT__HUGE], ids are unique; rules are problem_rules.c's. A failed call
 * leaves the problem as it was (texts already copied into the arena stay there unused). Equal lists
 * of pools are kept once.
 */
#include <stdio.h>

#include "base/keyed.h"
#include "pack/problem.h"

static spotopt_status
fail_amount(spotopt_error *err, const char *what, const char *id, const char *field, double value)
{
    char text[SPOTOPT__REAL_SIZE];

    spotopt__write_real(value, text);
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                         "%s \"%.80s\": %s is %s; want a number from 0 to 1e15", what, id, field,
                         text);
}

spotopt_status
spotopt__problem_check_open(const spotopt_problem *problem, spotopt_error *err)
{
    if (atomic_load(&problem->sealed))
        return spotopt__fail(err, SPOTOPT_E_STATE, "the problem is sealed: it was solved already");
    return SPOTOPT_OK;
}

static spotopt_status
check_id(const spotopt__map *map, const char *what, const char *id, spotopt_error *err)
{
    if (id == NULL || id[0] == '\0')
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "a %s has no id", what);
    if (spotopt__map_get(map, id) != SPOTOPT__NONE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "%s \"%.80s\" is there already; want unique ids", what, id);
    return SPOTOPT_OK;
}

/* Interns a text; SPOTOPT__NONE when there is no memory. */
static uint32_t
intern(spotopt_problem *problem, spotopt__map *map, const char ***at, size_t *count, size_t *room,
       const char *text)
{
    uint32_t found = spotopt__map_get(map, text);
    char *copy;

    if (found != SPOTOPT__NONE)
        return found;
    copy = spotopt__arena_text(&problem->arena, text, strlen(text));
    if (copy == NULL)
        return SPOTOPT__NONE;
    if (*count + 1 > *room && !spotopt__vec_reserve_(problem->context, (void **)(void *)at, room,
                                                     *count + 1, sizeof **at))
        return SPOTOPT__NONE;
    if (!spotopt__map_put(map, copy, (uint32_t)*count, &found))
        return SPOTOPT__NONE;
    (*at)[(*count)++] = copy;
    return (uint32_t)(*count - 1);
}

uint32_t
spotopt__problem_key(spotopt_problem *problem, const char *text)
{
    return intern(problem, &problem->key_of, &problem->keys.at, &problem->keys.count,
                  &problem->keys.room, text);
}

uint32_t
spotopt__problem_value(spotopt_problem *problem, const char *text)
{
    return intern(problem, &problem->value_of, &problem->values.at, &problem->values.count,
                  &problem->values.room, text);
}

spotopt_status
spotopt_problem_new(spotopt_context *context, const char *const *resource_names,
                    size_t resource_count, spotopt_problem **out, spotopt_error *err)
{
    spotopt_problem *problem;

    if (resource_names == NULL || resource_count < 1 || resource_count > 64)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%zu resources; want 1 to 64",
                             resource_count);
    for (size_t r = 0; r < resource_count; r++) {
        const char *name = resource_names[r];
        if (name == NULL || name[0] == '\0' || strcmp(name, "nodes") == 0 ||
            strcmp(name, "cost") == 0)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "resource %zu: want a name other than \"nodes\" and \"cost\"", r);
        for (size_t s = 0; s < r; s++) {
            if (strcmp(name, resource_names[s]) == 0)
                return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "resource \"%.80s\" is named twice",
                                     name);
        }
    }
    problem = spotopt__alloc(context, sizeof *problem);
    if (problem == NULL)
        return spotopt__nomem(err, "a packing problem");
    problem->context = spotopt__context_hold(context);
    atomic_init(&problem->holders, 1);
    atomic_init(&problem->sealed, false);
    spotopt__arena_init(&problem->arena, context);
    spotopt__map_init(&problem->pool_of, context);
    spotopt__map_init(&problem->demand_of, context);
    spotopt__map_init(&problem->node_of, context);
    spotopt__map_init(&problem->key_of, context);
    spotopt__map_init(&problem->value_of, context);
    spotopt__map_init(&problem->set_of, context);
    problem->resources = (uint32_t)resource_count;
    problem->resource_names = spotopt__arena_alloc(&problem->arena, resource_count, sizeof(char *));
    if (problem->resource_names == NULL)
        goto nomem;
    for (size_t r = 0; r < resource_count; r++) {
        problem->resource_names[r] =
            spotopt__arena_text(&problem->arena, resource_names[r], strlen(resource_names[r]));
        if (problem->resource_names[r] == NULL)
            goto nomem;
    }
    if (!spotopt__vec_push(context, &problem->pool_sets, (spotopt__pool_set){NULL, 0, 0}))
        goto nomem;
    *out = problem;
    return SPOTOPT_OK;
nomem:
    spotopt_problem_free(problem);
    return spotopt__nomem(err, "a packing problem");
}

spotopt_problem *
spotopt__problem_hold(spotopt_problem *problem)
{
    atomic_fetch_add(&problem->holders, 1);
    return problem;
}

void
spotopt_problem_free(spotopt_problem *problem)
{
    spotopt_context *context;

    if (problem == NULL || atomic_fetch_sub(&problem->holders, 1) > 1)
        return;
    context = problem->context;
    for (size_t p = 0; p < problem->pools.count; p++)
        spotopt__vec_free(context, &problem->pools.at[p].labels);
    for (size_t n = 0; n < problem->nodes.count; n++)
        spotopt__vec_free(context, &problem->nodes.at[n].residents);
    spotopt__vec_free(context, &problem->pools);
    spotopt__vec_free(context, &problem->pool_sets);
    spotopt__vec_free(context, &problem->demands);
    spotopt__vec_free(context, &problem->nodes);
    spotopt__vec_free(context, &problem->rules);
    spotopt__vec_free(context, &problem->keys);
    spotopt__vec_free(context, &problem->values);
    spotopt__map_free(&problem->pool_of);
    spotopt__map_free(&problem->demand_of);
    spotopt__map_free(&problem->node_of);
    spotopt__map_free(&problem->key_of);
    spotopt__map_free(&problem->value_of);
    spotopt__map_free(&problem->set_of);
    spotopt__arena_free(&problem->arena);
    spotopt__free(context, problem);
    spotopt__context_drop(context);
}

static spotopt_status
copy_amounts(spotopt_problem *problem, const char *what, const char *id, const char *field,
             const double *from, const double **out, spotopt_error *err)
{
    char place[64];

    if (from == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s \"%.80s\" has no %s", what, id, field);
    for (uint32_t r = 0; r < problem->resources; r++) {
        if (!spotopt__is_amount(from[r])) {
            snprintf(place, sizeof place, "%s[%u]", field, (unsigned)r);
            return fail_amount(err, what, id, place, from[r]);
        }
    }
    *out = spotopt__arena_dup(&problem->arena, from, problem->resources, sizeof *from);
    if (*out == NULL)
        return spotopt__nomem(err, what);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_problem_add_pool(spotopt_problem *problem, const spotopt_pool_spec *given,
                         uint32_t *out_index, spotopt_error *err)
{
    spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
    spotopt__pack_pool pool = {0};
    uint32_t found;
    spotopt_status status = spotopt__copy_in(&spec, sizeof spec, given, "spotopt_pool_spec", err);

    if (status == SPOTOPT_OK)
        status = spotopt__problem_check_open(problem, err);
    if (status == SPOTOPT_OK)
        status = check_id(&problem->pool_of, "pool", spec.id, err);
    if (status != SPOTOPT_OK)
        return status;
    if (!spotopt__is_amount(spec.cost))
        return fail_amount(err, "pool", spec.id, "cost", spec.cost);
    if (spec.min > spec.max)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "pool \"%.80s\": min %u is above max %u",
                             spec.id, (unsigned)spec.min, (unsigned)spec.max);
    if (problem->pools.count >= 1u << 24)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "more than 2^24 pools");
    status = copy_amounts(problem, "pool", spec.id, "capacity", spec.capacity, &pool.capacity, err);
    if (status != SPOTOPT_OK)
        return status;
    pool.id = spotopt__arena_text(&problem->arena, spec.id, strlen(spec.id));
    if (pool.id == NULL || !spotopt__vec_reserve(problem->context, &problem->pools, 1))
        return spotopt__nomem(err, "a pool");
    pool.cost = spec.cost;
    pool.min = spec.min;
    pool.max = spec.max;
    pool.rank = spec.rank;
    if (!spotopt__map_put(&problem->pool_of, pool.id, (uint32_t)problem->pools.count, &found))
        return spotopt__nomem(err, "a pool");
    problem->pools.at[problem->pools.count++] = pool;
    if (out_index != NULL)
        *out_index = (uint32_t)problem->pools.count - 1;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_problem_set_pool_label(spotopt_problem *problem, uint32_t pool, const char *key,
                               const char *value, spotopt_error *err)
{
    spotopt__pack_label label;
    spotopt_status status = spotopt__problem_check_open(problem, err);

    if (status != SPOTOPT_OK)
        return status;
    if (pool >= problem->pools.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "pool %u of %zu", (unsigned)pool,
                             problem->pools.count);
    if (key == NULL || value == NULL || key[0] == '\0' || strcmp(key, "pool") == 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "pool \"%.80s\": a label needs a value and a key other than \"pool\"",
                             problem->pools.at[pool].id);
    label.key = spotopt__problem_key(problem, key);
    label.value = spotopt__problem_value(problem, value);
    if (label.key == SPOTOPT__NONE || label.value == SPOTOPT__NONE)
        return spotopt__nomem(err, "a label");
    if (spotopt__pool_label(problem, pool, label.key) != SPOTOPT__NONE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "pool \"%.80s\" has a label \"%.80s\" already",
                             problem->pools.at[pool].id, key);
    if (!spotopt__vec_push(problem->context, &problem->pools.at[pool].labels, label))
        return spotopt__nomem(err, "a label");
    return SPOTOPT_OK;
}

/* Finds or keeps a list of pools. */
static spotopt_status
find_pool_set(spotopt_problem *problem, const spotopt_demand_spec *spec, uint32_t *out,
              spotopt_error *err)
{
    uint32_t *sorted, count = 0, found;
    uint64_t hash;
    char name[24];

    if (spec->pools == NULL) {
        *out = SPOTOPT__ALL_POOLS;
        return SPOTOPT_OK;
    }
    if (spec->pool_count == 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "demand \"%.80s\": no pool is allowed; want at least one", spec->id);
    for (size_t i = 0; i < spec->pool_count; i++) {
        if (spec->pools[i] >= problem->pools.count)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "demand \"%.80s\": pools[%zu] is %u of %zu", spec->id, i,
                                 (unsigned)spec->pools[i], problem->pools.count);
    }
    sorted = spotopt__dup_array(problem->context, spec->pools, spec->pool_count, sizeof *sorted);
    if (sorted == NULL)
        return spotopt__nomem(err, "a list of pools");
    spotopt__ids_sort(sorted, spec->pool_count);
    for (size_t i = 0; i < spec->pool_count; i++) {
        if (count == 0 || sorted[count - 1] != sorted[i])
            sorted[count++] = sorted[i];
    }
    hash = spotopt__hash_bytes(sorted, count * sizeof *sorted, 0);
    for (;; hash++) { /* another list with this hash: try the next number */
        const spotopt__pool_set *set;
        snprintf(name, sizeof name, "%016llx", (unsigned long long)hash);
        found = spotopt__map_get(&problem->set_of, name);
        if (found == SPOTOPT__NONE)
            break;
        set = &problem->pool_sets.at[found];
        if (set->count == count && memcmp(set->list, sorted, count * sizeof *sorted) == 0) {
            spotopt__free(problem->context, sorted);
            *out = found;
            return SPOTOPT_OK;
        }
    }
    {
        spotopt__pool_set set = {spotopt__arena_dup(&problem->arena, sorted, count, sizeof *sorted),
                                 count, hash};
        char *key = spotopt__arena_text(&problem->arena, name, strlen(name));
        spotopt__free(problem->context, sorted);
        if (set.list == NULL || key == NULL ||
            !spotopt__vec_reserve(problem->context, &problem->pool_sets, 1) ||
            !spotopt__map_put(&problem->set_of, key, (uint32_t)problem->pool_sets.count, &found))
            return spotopt__nomem(err, "a list of pools");
        *out = (uint32_t)problem->pool_sets.count;
        problem->pool_sets.at[problem->pool_sets.count++] = set;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_problem_add_demand(spotopt_problem *problem, const spotopt_demand_spec *given,
                           uint32_t *out_index, spotopt_error *err)
{
    spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
    spotopt__pack_demand demand = {0};
    uint32_t found;
    spotopt_status status = spotopt__copy_in(&spec, sizeof spec, given, "spotopt_demand_spec", err);

    if (status == SPOTOPT_OK)
        status = spotopt__problem_check_open(problem, err);
    if (status == SPOTOPT_OK)
        status = check_id(&problem->demand_of, "demand", spec.id, err);
    if (status != SPOTOPT_OK)
        return status;
    if (spec.count > 1000000000u)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "demand \"%.80s\": count is %u; want at most 1e9", spec.id,
                             (unsigned)spec.count);
    if (!spotopt__is_amount(spec.move_cost))
        return fail_amount(err, "demand", spec.id, "move_cost", spec.move_cost);
    if (!isnan(spec.unplaced_cost) && !spotopt__is_amount(spec.unplaced_cost))
        return fail_amount(err, "demand", spec.id, "unplaced_cost", spec.unplaced_cost);
    if (problem->demands.count >= 1u << 24)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "more than 2^24 demands");
    status =
        copy_amounts(problem, "demand", spec.id, "request", spec.request, &demand.request, err);
    if (status == SPOTOPT_OK)
        status = find_pool_set(problem, &spec, &demand.pool_set, err);
    if (status != SPOTOPT_OK)
        return status;
    demand.id = spotopt__arena_text(&problem->arena, spec.id, strlen(spec.id));
    if (demand.id == NULL || !spotopt__vec_reserve(problem->context, &problem->demands, 1))
        return spotopt__nomem(err, "a demand");
    demand.count = spec.count;
    demand.move_cost = spec.move_cost;
    demand.unplaced_cost = spec.unplaced_cost;
    if (!spotopt__map_put(&problem->demand_of, demand.id, (uint32_t)problem->demands.count, &found))
        return spotopt__nomem(err, "a demand");
    problem->demands.at[problem->demands.count++] = demand;
    if (out_index != NULL)
        *out_index = (uint32_t)problem->demands.count - 1;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_problem_add_node(spotopt_problem *problem, const spotopt_node_spec *given,
                         uint32_t *out_index, spotopt_error *err)
{
    spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;
    spotopt__pack_node node = {0};
    uint32_t found;
    spotopt_status status = spotopt__copy_in(&spec, sizeof spec, given, "spotopt_node_spec", err);

    if (status == SPOTOPT_OK)
        status = spotopt__problem_check_open(problem, err);
    if (status == SPOTOPT_OK)
        status = check_id(&problem->node_of, "node", spec.id, err);
    if (status != SPOTOPT_OK)
        return status;
    if (spec.pool >= problem->pools.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "node \"%.80s\": pool %u of %zu", spec.id,
                             (unsigned)spec.pool, problem->pools.count);
    if (!isnan(spec.cost) && !spotopt__is_amount(spec.cost))
        return fail_amount(err, "node", spec.id, "cost", spec.cost);
    if (problem->nodes.count >= 1u << 24)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "more than 2^24 nodes");
    node.capacity = problem->pools.at[spec.pool].capacity;
    if (spec.capacity != NULL) {
        status =
            copy_amounts(problem, "node", spec.id, "capacity", spec.capacity, &node.capacity, err);
        if (status != SPOTOPT_OK)
            return status;
    }
    node.id = spotopt__arena_text(&problem->arena, spec.id, strlen(spec.id));
    if (node.id == NULL || !spotopt__vec_reserve(problem->context, &problem->nodes, 1))
        return spotopt__nomem(err, "a node");
    node.pool = spec.pool;
    node.has_own_cost = !isnan(spec.cost);
    node.cost = node.has_own_cost ? spec.cost : problem->pools.at[spec.pool].cost;
    if (!spotopt__map_put(&problem->node_of, node.id, (uint32_t)problem->nodes.count, &found))
        return spotopt__nomem(err, "a node");
    problem->nodes.at[problem->nodes.count++] = node;
    if (out_index != NULL)
        *out_index = (uint32_t)problem->nodes.count - 1;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_problem_set_resident(spotopt_problem *problem, uint32_t node, uint32_t demand,
                             uint32_t holds, uint32_t fixed, spotopt_error *err)
{
    spotopt__pack_node *at;
    spotopt_status status = spotopt__problem_check_open(problem, err);

    if (status != SPOTOPT_OK)
        return status;
    if (node >= problem->nodes.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "node %u of %zu", (unsigned)node,
                             problem->nodes.count);
    at = &problem->nodes.at[node];
    if (demand >= problem->demands.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "node \"%.80s\": demand %u of %zu", at->id,
                             (unsigned)demand, problem->demands.count);
    if (holds < 1 || holds > 1000000000u || fixed > holds)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "node \"%.80s\" holds %u of \"%.80s\" and %u are fixed; want 1 to "
                             "1e9, and no more fixed",
                             at->id, (unsigned)holds, problem->demands.at[demand].id,
                             (unsigned)fixed);
    for (size_t i = 0; i < at->residents.count; i++) {
        if (at->residents.at[i].demand == demand)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "node \"%.80s\" holds \"%.80s\" twice",
                                 at->id, problem->demands.at[demand].id);
    }
    if (!spotopt__vec_push(problem->context, &at->residents,
                           (spotopt__pack_resident){demand, holds, fixed}))
        return spotopt__nomem(err, "a resident");
    return SPOTOPT_OK;
}

uint32_t
spotopt_problem_resource_count(const spotopt_problem *problem)
{
    return problem->resources;
}

uint32_t
spotopt_problem_pool_count(const spotopt_problem *problem)
{
    return (uint32_t)problem->pools.count;
}

uint32_t
spotopt_problem_demand_count(const spotopt_problem *problem)
{
    return (uint32_t)problem->demands.count;
}

uint32_t
spotopt_problem_node_count(const spotopt_problem *problem)
{
    return (uint32_t)problem->nodes.count;
}

uint32_t
spotopt_problem_rule_count(const spotopt_problem *problem)
{
    return (uint32_t)problem->rules.count;
}

const char *
spotopt_problem_pool_id(const spotopt_problem *problem, uint32_t pool)
{
    return pool < problem->pools.count ? problem->pools.at[pool].id : NULL;
}

const char *
spotopt_problem_demand_id(const spotopt_problem *problem, uint32_t demand)
{
    return demand < problem->demands.count ? problem->demands.at[demand].id : NULL;
}

const char *
spotopt_problem_node_id(const spotopt_problem *problem, uint32_t node)
{
    return node < problem->nodes.count ? problem->nodes.at[node].id : NULL;
}

uint32_t
spotopt__problem_find_pool(const spotopt_problem *problem, const char *id)
{
    return spotopt__map_get(&problem->pool_of, id);
}

uint32_t
spotopt__problem_find_demand(const spotopt_problem *problem, const char *id)
{
    return spotopt__map_get(&problem->demand_of, id);
}

uint32_t
spotopt__problem_find_node(const spotopt_problem *problem, const char *id)
{
    return spotopt__map_get(&problem->node_of, id);
}

uint32_t
spotopt__pool_label(const spotopt_problem *problem, uint32_t pool, uint32_t key)
{
    const spotopt__pack_pool *at = &problem->pools.at[pool];

    for (size_t i = 0; i < at->labels.count; i++) {
        if (at->labels.at[i].key == key)
            return at->labels.at[i].value;
    }
    return SPOTOPT__NONE;
}

bool
spotopt__pool_set_has(const spotopt_problem *problem, uint32_t set, uint32_t pool)
{
    const spotopt__pool_set *at = &problem->pool_sets.at[set];
    uint32_t low = 0, high = at->count;

    if (set == SPOTOPT__ALL_POOLS)
        return true;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (at->list[middle] < pool)
            low = middle + 1;
        else
            high = middle;
    }
    return low < at->count && at->list[low] == pool;
}
