/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domains.c - rules onto numbered domains.
 *
 * The values of a label key become the domains of an axis, in the order in which pools show them;
 * a pool without the label is a domain of its own, behind the labelled ones. Rules that place
 * replicas get an axis, their limit and what residents hold already; rules on sums of nodes get a
 * group for each pool. What a spread counts over is settled here, since it depends on what was
 * said alone.
 */
#include "pack/model.h"

static bool
make_axis(spotopt__model *model, uint32_t key, uint32_t *out)
{
    const spotopt_problem *problem = model->problem;
    spotopt__axis *axis;
    uint32_t *domain_of, *first;

    for (uint32_t a = 0; a < model->axes; a++) {
        if (model->axis[a].key == key) {
            *out = a;
            return true;
        }
    }
    domain_of = spotopt__arena_alloc(&model->arena, model->pools + 1, sizeof *domain_of);
    first = spotopt__alloc_array(model->context, problem->values.count + 1, sizeof *first);
    if (domain_of == NULL || first == NULL) {
        spotopt__free(model->context, first);
        return false;
    }
    axis = &model->axis[model->axes];
    axis->key = key;
    axis->domain_of = domain_of;
    for (uint32_t p = 0; p < model->pools; p++) {
        uint32_t value = key == SPOTOPT__PER_POOL ? p : spotopt__pool_label(problem, p, key);
        if (key == SPOTOPT__PER_POOL) {
            domain_of[p] = axis->domains++;
        } else if (value != SPOTOPT__NONE) {
            if (first[value] == 0)
                first[value] = ++axis->domains; /* domain + 1 */
            domain_of[p] = first[value] - 1;
        }
    }
    axis->labelled = axis->domains;
    for (uint32_t p = 0; p < model->pools && key != SPOTOPT__PER_POOL; p++) {
        if (spotopt__pool_label(problem, p, key) == SPOTOPT__NONE)
            domain_of[p] = axis->domains++;
    }
    spotopt__free(model->context, first);
    *out = model->axes++;
    return true;
}

static bool
demand_fits(const spotopt_problem *problem, const spotopt__pack_demand *demand,
            const double *capacity)
{
    for (uint32_t r = 0; r < problem->resources; r++) {
        if (!(demand->request[r] <= capacity[r]))
            return false;
    }
    return true;
}

/* The domains that a spread counts over. */
static bool
mark_domains(spotopt__model *model, const spotopt__pack_rule *rule, spotopt__prule *out)
{
    const spotopt_problem *problem = model->problem;
    const spotopt__axis *axis = &model->axis[out->axis];
    unsigned char *is_domain = spotopt__arena_alloc(&model->arena, axis->domains + 1, 1);
    uint32_t count = 0;

    if (is_domain == NULL)
        return false;
    out->is_domain = is_domain;
    for (size_t n = 0; n < problem->nodes.count; n++) {
        uint32_t domain = axis->domain_of[problem->nodes.at[n].pool];
        if (domain < axis->labelled)
            is_domain[domain] = 1;
    }
    for (uint32_t i = 0; i < rule->other_count; i++) {
        const spotopt__pack_demand *demand = &problem->demands.at[rule->others[i]];
        const spotopt__pool_set *set = &problem->pool_sets.at[demand->pool_set];
        uint32_t span = demand->pool_set == SPOTOPT__ALL_POOLS ? model->pools : set->count;
        for (uint32_t j = 0; j < span; j++) {
            uint32_t p = demand->pool_set == SPOTOPT__ALL_POOLS ? j : set->list[j];
            uint32_t domain = axis->domain_of[p];
            if (domain < axis->labelled && !is_domain[domain] && problem->pools.at[p].max != 0 &&
                demand_fits(problem, demand, problem->pools.at[p].capacity))
                is_domain[domain] = 1;
        }
    }
    for (uint32_t d = 0; d < axis->labelled; d++)
        count += is_domain[d];
    out->few_domains = count < rule->min_domains;
    return true;
}

/* What residents hold of a list, by domain. */
static const uint32_t *
tally_residents(spotopt__model *model, const uint32_t *list, uint32_t count,
                const spotopt__axis *axis)
{
    const spotopt_problem *problem = model->problem;
    unsigned char *in_list = spotopt__alloc_array(model->context, problem->demands.count + 1, 1);
    uint32_t *tally = spotopt__arena_alloc(&model->arena, axis->domains + 1, sizeof *tally);

    if (in_list != NULL && tally != NULL) {
        for (uint32_t i = 0; i < count; i++)
            in_list[list[i]] = 1;
        for (size_t n = 0; n < problem->nodes.count; n++) {
            const spotopt__pack_node *node = &problem->nodes.at[n];
            for (size_t s = 0; s < node->residents.count; s++) {
                if (in_list[node->residents.at[s].demand])
                    tally[axis->domain_of[node->pool]] += node->residents.at[s].holds;
            }
        }
    } else {
        tally = NULL;
    }
    spotopt__free(model->context, in_list);
    return tally;
}

static bool
make_prule(spotopt__model *model, const spotopt__pack_rule *rule, uint32_t source)
{
    spotopt__prule *out = &model->prule[model->prules];
    double total = 0.0;

    out->kind = rule->kind;
    out->is_hard = rule->is_hard;
    out->penalty = rule->is_hard ? 0.0 : rule->penalty;
    out->source = source;
    out->skew = rule->max_skew;
    out->axis = SPOTOPT__NONE;
    out->limit = rule->count;
    if (rule->kind == SPOTOPT_RULE_AT_MOST && !isnan(rule->frac)) {
        for (uint32_t i = 0; i < rule->demand_count; i++)
            total += model->problem->demands.at[rule->demands[i]].count;
        total = floor(rule->frac * total + 1e-9);
        out->limit = total < 4e9 ? (uint32_t)total : 4000000000u;
    }
    if (rule->per != SPOTOPT__PER_NODE) {
        const spotopt__axis *axis;
        if (!make_axis(model, rule->per, &out->axis))
            return false;
        axis = &model->axis[out->axis];
        out->domains = axis->domains;
        out->old_a = tally_residents(model, rule->demands, rule->demand_count, axis);
        out->old_b = tally_residents(model, rule->others, rule->other_count, axis);
        if (out->old_a == NULL || out->old_b == NULL)
            return false;
        if (rule->kind == SPOTOPT_RULE_SPREAD && !mark_domains(model, rule, out))
            return false;
        out->tally = model->ptallies;
        model->ptallies += 2 * (size_t)axis->domains;
        model->has_hard_axis = model->has_hard_axis || rule->is_hard;
    }
    model->prules++;
    return true;
}

static bool
make_trule(spotopt__model *model, const spotopt__pack_rule *rule, uint32_t source)
{
    spotopt__trule *out = &model->trule[model->trules];
    uint32_t *group_of = spotopt__arena_alloc(&model->arena, model->pools + 1, sizeof *group_of);
    double *weight = NULL;

    if (group_of == NULL)
        return false;
    out->kind = rule->kind;
    out->of = rule->of;
    out->source = source;
    out->min = rule->min;
    out->max = rule->max;
    out->min_frac = rule->min_frac;
    out->max_frac = rule->max_frac;
    out->groups = 1;
    out->group_of = group_of;
    out->value = SPOTOPT__NONE;
    if (rule->kind == SPOTOPT_RULE_SHARE) {
        uint32_t a = 0;
        const spotopt__axis *axis;
        if (!make_axis(model, rule->per, &a))
            return false;
        axis = &model->axis[a];
        out->groups = axis->labelled;
        out->has_value = rule->has_value;
        for (uint32_t p = 0; p < model->pools; p++) {
            bool labelled = axis->domain_of[p] < axis->labelled;
            group_of[p] = labelled ? axis->domain_of[p] : SPOTOPT__NONE;
            if (labelled && rule->has_value &&
                (rule->per == SPOTOPT__PER_POOL
                     ? p
                     : spotopt__pool_label(model->problem, p, rule->per)) == rule->value)
                out->value = group_of[p];
        }
    } else if (rule->kind == SPOTOPT_RULE_LIMIT && rule->per != SPOTOPT__NONE) {
        for (uint32_t p = 0; p < model->pools; p++) {
            uint32_t value = rule->per == SPOTOPT__PER_POOL
                                 ? p
                                 : spotopt__pool_label(model->problem, p, rule->per);
            group_of[p] = value != SPOTOPT__NONE && value == rule->value ? 0 : SPOTOPT__NONE;
        }
    } else if (rule->kind == SPOTOPT_RULE_MEAN) {
        weight = spotopt__arena_alloc(&model->arena, model->pools + 1, sizeof *weight);
        if (weight == NULL)
            return false;
        for (uint32_t i = 0; i < rule->pool_count; i++)
            weight[rule->pools[i]] = rule->values[i];
    }
    out->weight = weight;
    out->tally = model->ttallies;
    model->ttallies += 2 * (size_t)out->groups + 2;
    model->trules++;
    return true;
}

bool
spotopt__model_rules(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;
    size_t count = problem->rules.count;

    model->prule = spotopt__arena_alloc(&model->arena, count + 1, sizeof *model->prule);
    model->trule = spotopt__arena_alloc(&model->arena, count + 1, sizeof *model->trule);
    model->axis = spotopt__arena_alloc(&model->arena, problem->keys.count + 2, sizeof *model->axis);
    if (model->prule == NULL || model->trule == NULL || model->axis == NULL)
        return false;
    for (size_t r = 0; r < count; r++) {
        const spotopt__pack_rule *rule = &problem->rules.at[r];
        if (!(rule->kind <= SPOTOPT_RULE_SPREAD ? make_prule(model, rule, (uint32_t)r)
                                                : make_trule(model, rule, (uint32_t)r)))
            return false;
    }
    return true;
}
