/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part.c - a part of a problem as a problem of its own.
 *
 * Some replicas of some demands, some rules, some limits of pools. A packing of the whole, without
 * the replicas that the part leaves out and with all its nodes (empty ones may stay), is a packing
 * of the part: limits on replicas only get fewer, a share of a total (at_most with frac) stays that
 * of the whole, sums look at nodes alone, and near and spread over labels, which fewer replicas
 * could break, count only with all that they speak of. So a part that has no packing proves that
 * the whole has none.
 */
#include "pack/part.h"

spotopt_status
spotopt__copy_pools(spotopt_problem *to, const spotopt_problem *from, const unsigned char *lifted,
                    spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    for (uint32_t p = 0; p < from->pools.count && status == SPOTOPT_OK; p++) {
        const spotopt__pack_pool *pool = &from->pools.at[p];
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;

        spec.id = pool->id;
        spec.capacity = pool->capacity;
        spec.cost = pool->cost;
        spec.min = pool->min;
        spec.max = lifted != NULL && lifted[p] ? SPOTOPT_NO_LIMIT : pool->max;
        spec.rank = pool->rank;
        status = spotopt_problem_add_pool(to, &spec, NULL, err);
        for (size_t l = 0; l < pool->labels.count && status == SPOTOPT_OK; l++)
            status = spotopt_problem_set_pool_label(to, p, from->keys.at[pool->labels.at[l].key],
                                                    from->values.at[pool->labels.at[l].value], err);
    }
    return status;
}

void
spotopt__rule_spec_of(const spotopt_problem *problem, uint32_t index, spotopt_rule_spec *out)
{
    const spotopt__pack_rule *rule = &problem->rules.at[index];
    const char *key = rule->per == SPOTOPT__PER_POOL   ? "pool"
                      : rule->per == SPOTOPT__PER_NODE ? NULL
                                                       : problem->keys.at[rule->per];
    *out = (spotopt_rule_spec)SPOTOPT_RULE_SPEC_INIT;
    out->kind = rule->kind;
    if (rule->kind <= SPOTOPT_RULE_SPREAD) {
        out->per = key != NULL ? key : "node";
        out->demands = rule->demands;
        out->demand_count = rule->demand_count;
        if (rule->kind == SPOTOPT_RULE_SEPARATE || rule->kind >= SPOTOPT_RULE_NEAR) {
            out->others = rule->others;
            out->other_count = rule->other_count;
        }
        out->count = rule->count;
        out->frac = rule->frac;
        out->penalty = rule->is_hard ? (double)NAN : rule->penalty;
        out->max_skew = rule->max_skew;
        out->min_domains = rule->min_domains;
        return;
    }
    out->key = key; /* PER_NODE and NONE are one number */
    out->value = rule->has_value ? rule->value_text : NULL;
    out->of = rule->of == SPOTOPT__OF_NODES  ? "nodes"
              : rule->of == SPOTOPT__OF_COST ? "cost"
                                             : problem->resource_names[rule->of];
    out->min = rule->min;
    out->max = rule->max;
    out->min_frac = rule->min_frac;
    out->max_frac = rule->max_frac;
    out->pools = rule->pools;
    out->values = rule->values;
    out->pool_count = rule->pool_count;
}

static bool
has_all(const spotopt_problem *problem, const spotopt__part *part, const uint32_t *list,
        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (part->count[list[i]] < problem->demands.at[list[i]].count)
            return false;
    }
    return true;
}

bool
spotopt__part_has_rule(const spotopt_problem *problem, const spotopt__part *part, uint32_t index)
{
    const spotopt__pack_rule *rule = &problem->rules.at[index];

    if (!part->rule[index] || !rule->is_hard)
        return false;
    if (rule->kind == SPOTOPT_RULE_NEAR)
        return has_all(problem, part, rule->others, rule->other_count);
    if (rule->kind == SPOTOPT_RULE_SPREAD && rule->per != SPOTOPT__PER_NODE)
        return has_all(problem, part, rule->demands, rule->demand_count) &&
               has_all(problem, part, rule->others, rule->other_count);
    return true;
}

typedef struct copy {
    const spotopt_problem *from;
    const spotopt__part *part;
    spotopt_problem *to;
    uint32_t *index;           /* by demand: the part's; SPOTOPT__NONE: left out */
    uint64_t *fixed;           /* by demand: replicas that must stay */
    uint32_t *list_a, *list_b; /* of a rule */
} copy;

static spotopt_status
copy_demands(copy *c, spotopt_error *err)
{
    const spotopt_problem *from = c->from;
    spotopt_status status = SPOTOPT_OK;

    for (uint32_t d = 0; d < from->demands.count; d++)
        c->index[d] = c->part->count[d] > 0 ? 0 : SPOTOPT__NONE;
    for (size_t n = 0; n < from->nodes.count; n++) {
        const spotopt__pack_node *node = &from->nodes.at[n];

        for (size_t s = 0; s < node->residents.count; s++) {
            c->index[node->residents.at[s].demand] = 0;
            c->fixed[node->residents.at[s].demand] += node->residents.at[s].fixed;
        }
    }
    for (uint32_t d = 0; d < from->demands.count && status == SPOTOPT_OK; d++) {
        const spotopt__pack_demand *demand = &from->demands.at[d];
        const spotopt__pool_set *set = &from->pool_sets.at[demand->pool_set];
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;

        if (c->index[d] == SPOTOPT__NONE)
            continue;
        spec.id = demand->id;
        spec.request = demand->request;
        spec.count = c->part->count[d];
        spec.pools = set->list;
        spec.pool_count = set->list == NULL ? 0 : set->count;
        spec.move_cost = demand->move_cost;
        spec.unplaced_cost = demand->unplaced_cost;
        status = spotopt_problem_add_demand(c->to, &spec, &c->index[d], err);
    }
    return status;
}

static spotopt_status
copy_nodes(copy *c, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    for (uint32_t n = 0; n < c->from->nodes.count && status == SPOTOPT_OK; n++) {
        const spotopt__pack_node *node = &c->from->nodes.at[n];
        spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;

        spec.id = node->id;
        spec.pool = node->pool;
        spec.capacity = node->capacity;
        if (node->has_own_cost)
            spec.cost = node->cost;
        status = spotopt_problem_add_node(c->to, &spec, NULL, err);
        for (size_t s = 0; s < node->residents.count && status == SPOTOPT_OK; s++) {
            const spotopt__pack_resident *at = &node->residents.at[s];
            const uint32_t count = c->part->count[at->demand];
            const bool stays = count >= c->fixed[at->demand] ||
                               count >= c->from->demands.at[at->demand].count;

            status = spotopt_problem_set_resident(c->to, n, c->index[at->demand], at->holds,
                                                  stays ? at->fixed : 0, err);
        }
    }
    return status;
}

static uint32_t
copy_list(const copy *c, const uint32_t *list, uint32_t count, uint32_t *out)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (c->index[list[i]] != SPOTOPT__NONE)
            out[kept++] = c->index[list[i]];
    }
    return kept;
}

static spotopt_status
copy_rules(copy *c, spotopt_error *err)
{
    const spotopt_problem *from = c->from;
    spotopt_status status = SPOTOPT_OK;

    for (uint32_t r = 0; r < from->rules.count && status == SPOTOPT_OK; r++) {
        const spotopt__pack_rule *rule = &from->rules.at[r];
        spotopt_rule_spec spec;

        if (!spotopt__part_has_rule(from, c->part, r))
            continue;
        spotopt__rule_spec_of(from, r, &spec);
        if (rule->kind <= SPOTOPT_RULE_SPREAD) {
            spec.demand_count = copy_list(c, rule->demands, rule->demand_count, c->list_a);
            spec.demands = c->list_a;
            if (spec.others != NULL) {
                spec.other_count = copy_list(c, rule->others, rule->other_count, c->list_b);
                spec.others = c->list_b;
            }
            if (spec.demand_count == 0)
                continue;
        }
        if (rule->kind == SPOTOPT_RULE_AT_MOST && !isnan(rule->frac)) {
            double total = 0.0;

            for (uint32_t i = 0; i < rule->demand_count; i++)
                total += from->demands.at[rule->demands[i]].count;
            total = floor(rule->frac * total + 1e-9);
            if (total >= 4e9)
                continue;
            spec.count = (uint32_t)total;
        }
        status = spotopt_problem_add_rule(c->to, &spec, err);
    }
    return status;
}

spotopt_status
spotopt__part_problem(const spotopt_problem *problem, const spotopt__part *part,
                      spotopt_problem **out, spotopt_error *err)
{
    spotopt_context *context = problem->context;
    const size_t demands = problem->demands.count + 1;
    copy c = {.from = problem, .part = part};
    spotopt_status status = SPOTOPT_OK;

    c.index = spotopt__alloc_array(context, demands, sizeof *c.index);
    c.fixed = spotopt__alloc_array(context, demands, sizeof *c.fixed);
    c.list_a = spotopt__alloc_array(context, demands, sizeof *c.list_a);
    c.list_b = spotopt__alloc_array(context, demands, sizeof *c.list_b);
    if (c.index == NULL || c.fixed == NULL || c.list_a == NULL || c.list_b == NULL)
        status = spotopt__nomem(err, "a part of a problem");
    if (status == SPOTOPT_OK)
        status =
            spotopt_problem_new(context, problem->resource_names, problem->resources, &c.to, err);
    if (status == SPOTOPT_OK)
        status = spotopt__copy_pools(c.to, problem, part->lifted, err);
    if (status == SPOTOPT_OK)
        status = copy_demands(&c, err);
    if (status == SPOTOPT_OK)
        status = copy_nodes(&c, err);
    if (status == SPOTOPT_OK)
        status = copy_rules(&c, err);
    spotopt__free(context, c.index);
    spotopt__free(context, c.fixed);
    spotopt__free(context, c.list_a);
    spotopt__free(context, c.list_b);
    if (status != SPOTOPT_OK) {
        spotopt_problem_free(c.to);
        return status;
    }
    *out = c.to;
    return SPOTOPT_OK;
}
