/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem_rules.c - takes a rule of a packing problem and refuses what makes no sense.
 *
 * Rules that place replicas (at_most, separate, together, near, spread) name demands and a domain;
 * rules on sums of nodes (share, limit, mean) name what is summed and a limit. Lists are copied,
 * indices checked, and a demand or pool named twice is refused, so that who compiles rules need not
 * look again.
 */
#include "base/keyed.h"
#include "pack/problem.h"

static const char *
rule_name(int32_t kind)
{
    static const char *const names[] = {"",       "at_most", "separate", "together", "near",
                                        "spread", "share",   "limit",    "mean"};

    return kind >= SPOTOPT_RULE_AT_MOST && kind <= SPOTOPT_RULE_MEAN ? names[kind] : "?";
}

static spotopt_status
copy_indices(spotopt_problem *problem, const char *kind, const char *field, const uint32_t *from,
             size_t count, size_t limit, const uint32_t **out, uint32_t *out_count,
             spotopt_error *err)
{
    uint32_t *copy;

    for (size_t i = 0; i < count; i++) {
        if (from[i] >= limit)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: %s[%zu] is %u of %zu", kind,
                                 field, i, (unsigned)from[i], limit);
    }
    copy = spotopt__arena_dup(&problem->arena, from, count, sizeof *copy);
    if (copy == NULL && count > 0)
        return spotopt__nomem(err, "a rule");
    *out = copy;
    *out_count = (uint32_t)count;
    return SPOTOPT_OK;
}

static bool
has_duplicate(spotopt_problem *problem, const uint32_t *list, uint32_t count, bool *out)
{
    uint32_t *sorted = spotopt__dup_array(problem->context, list, count, sizeof *sorted);

    if (sorted == NULL)
        return count == 0;
    spotopt__ids_sort(sorted, count);
    for (uint32_t i = 1; i < count; i++)
        *out |= sorted[i] == sorted[i - 1];
    spotopt__free(problem->context, sorted);
    return true;
}

static spotopt_status
take_placement(spotopt_problem *problem, const spotopt_rule_spec *spec, spotopt__pack_rule *rule,
               spotopt_error *err)
{
    const char *kind = rule_name(spec->kind);
    spotopt_status status;
    bool twice = false;

    if (spec->per == NULL || spec->per[0] == '\0')
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: want per, \"node\" or a label key",
                             kind);
    if (strcmp(spec->per, "node") == 0)
        rule->per = SPOTOPT__PER_NODE;
    else if (strcmp(spec->per, "pool") == 0)
        rule->per = SPOTOPT__PER_POOL;
    else if ((rule->per = spotopt__problem_key(problem, spec->per)) == SPOTOPT__NONE)
        return spotopt__nomem(err, "a rule");
    if (spec->demand_count > 0 && spec->demands == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: demands is NULL", kind);
    status = copy_indices(problem, kind, "demands", spec->demands, spec->demand_count,
                          problem->demands.count, &rule->demands, &rule->demand_count, err);
    if (status != SPOTOPT_OK)
        return status;
    if (spec->others != NULL) {
        status = copy_indices(problem, kind, "others", spec->others, spec->other_count,
                              problem->demands.count, &rule->others, &rule->other_count, err);
        if (status != SPOTOPT_OK)
            return status;
    } else if (spec->kind == SPOTOPT_RULE_SPREAD) {
        rule->others = rule->demands;
        rule->other_count = rule->demand_count;
    } else if (spec->kind == SPOTOPT_RULE_SEPARATE || spec->kind == SPOTOPT_RULE_NEAR) {
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: want a second list of demands",
                             kind);
    }
    if (!has_duplicate(problem, rule->demands, rule->demand_count, &twice) ||
        !has_duplicate(problem, rule->others, rule->other_count, &twice))
        return spotopt__nomem(err, "a rule");
    if (twice)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s names a demand twice", kind);
    if (spec->kind == SPOTOPT_RULE_SEPARATE) {
        uint32_t *both = spotopt__alloc_array(
            problem->context, (size_t)rule->demand_count + rule->other_count + 1, sizeof *both);
        if (both == NULL)
            return spotopt__nomem(err, "a rule");
        for (uint32_t i = 0; i < rule->demand_count; i++)
            both[i] = rule->demands[i];
        for (uint32_t i = 0; i < rule->other_count; i++)
            both[rule->demand_count + i] = rule->others[i];
        if (!has_duplicate(problem, both, rule->demand_count + rule->other_count, &twice)) {
            spotopt__free(problem->context, both);
            return spotopt__nomem(err, "a rule");
        }
        spotopt__free(problem->context, both);
        if (twice)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "rule separate: its lists have a demand in common");
    }
    if (spec->kind == SPOTOPT_RULE_AT_MOST && spec->count == SPOTOPT_NO_LIMIT &&
        !(spec->frac >= 0.0 && spec->frac <= 1e6))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule at_most: want a count, or frac >= 0");
    if (spec->kind == SPOTOPT_RULE_SPREAD && spec->max_skew < 1)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule spread: max_skew is 0; want 1 or more");
    rule->is_hard = isnan(spec->penalty);
    if (!rule->is_hard && !spotopt__is_amount(spec->penalty))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: want a penalty from 0 to 1e15",
                             kind);
    rule->penalty = rule->is_hard ? INFINITY : spec->penalty;
    rule->count = spec->count;
    rule->frac = spec->count == SPOTOPT_NO_LIMIT ? spec->frac : (double)NAN;
    rule->max_skew = spec->max_skew;
    rule->min_domains = spec->min_domains;
    return SPOTOPT_OK;
}

static spotopt_status
take_tally(spotopt_problem *problem, const spotopt_rule_spec *spec, spotopt__pack_rule *rule,
           spotopt_error *err)
{
    const char *kind = rule_name(spec->kind);
    bool has_frac = !isnan(spec->min_frac) || !isnan(spec->max_frac);
    bool has_range = !isnan(spec->min) || !isnan(spec->max);
    bool is_share = spec->kind == SPOTOPT_RULE_SHARE, twice = false;

    rule->per = SPOTOPT__NONE;
    rule->of = SPOTOPT__OF_NODES;
    if (!isnan(spec->penalty))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: it takes no penalty", kind);
    rule->is_hard = true;
    rule->penalty = INFINITY;
    if (spec->of != NULL && strcmp(spec->of, "cost") == 0) {
        rule->of = SPOTOPT__OF_COST;
    } else if (spec->of != NULL && strcmp(spec->of, "nodes") != 0) {
        for (uint32_t r = 0; r < problem->resources && rule->of == SPOTOPT__OF_NODES && !is_share;
             r++) {
            if (strcmp(spec->of, problem->resource_names[r]) == 0)
                rule->of = r;
        }
        if (rule->of == SPOTOPT__OF_NODES)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "rule %s: of is \"%.80s\"; want nodes, cost%s", kind, spec->of,
                                 is_share ? "" : " or a resource");
    }
    if (is_share ? !has_frac : !has_range)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: it has no limit", kind);
    if (is_share &&
        ((!isnan(spec->min_frac) && !(spec->min_frac >= 0.0 && spec->min_frac <= 1.0)) ||
         (!isnan(spec->max_frac) && !(spec->max_frac >= 0.0 && spec->max_frac <= 1.0))))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule share: want fractions from 0 to 1");
    if (!is_share && ((!isnan(spec->min) && fabs(spec->min) > SPOTOPT__HUGE) ||
                      (!isnan(spec->max) && fabs(spec->max) > SPOTOPT__HUGE)))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule %s: a limit is above 1e15", kind);
    if (spec->kind != SPOTOPT_RULE_MEAN && spec->key != NULL) {
        if (strcmp(spec->key, "pool") == 0)
            rule->per = SPOTOPT__PER_POOL;
        else if ((rule->per = spotopt__problem_key(problem, spec->key)) == SPOTOPT__NONE)
            return spotopt__nomem(err, "a rule");
    }
    if (is_share && spec->key == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule share: want a key");
    if (spec->kind == SPOTOPT_RULE_LIMIT && (spec->key == NULL) != (spec->value == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule limit: want key and value, or neither");
    rule->value = SPOTOPT__NONE;
    if (spec->kind != SPOTOPT_RULE_MEAN && spec->value != NULL) {
        rule->has_value = true;
        rule->value_text = spotopt__arena_text(&problem->arena, spec->value, strlen(spec->value));
        rule->value = rule->per == SPOTOPT__PER_POOL
                          ? spotopt__map_get(&problem->pool_of, spec->value)
                          : spotopt__problem_value(problem, spec->value);
        if (rule->value_text == NULL ||
            (rule->value == SPOTOPT__NONE && rule->per != SPOTOPT__PER_POOL))
            return spotopt__nomem(err, "a rule");
    }
    if (spec->kind == SPOTOPT_RULE_MEAN) {
        spotopt_status status =
            copy_indices(problem, kind, "pools", spec->pools, spec->pool_count,
                         problem->pools.count, &rule->pools, &rule->pool_count, err);
        if (status != SPOTOPT_OK)
            return status;
        for (size_t i = 0; i < spec->pool_count; i++) {
            if (!(fabs(spec->values[i]) <= SPOTOPT__HUGE))
                return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                     "rule mean: values[%zu] is no number within 1e15", i);
        }
        rule->values = spotopt__arena_dup(&problem->arena, spec->values, spec->pool_count,
                                          sizeof *spec->values);
        if ((rule->values == NULL && spec->pool_count > 0) ||
            !has_duplicate(problem, rule->pools, rule->pool_count, &twice))
            return spotopt__nomem(err, "a rule");
        if (twice)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule mean names a pool twice");
    }
    rule->min = spec->min;
    rule->max = spec->max;
    rule->min_frac = spec->min_frac;
    rule->max_frac = spec->max_frac;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_problem_add_rule(spotopt_problem *problem, const spotopt_rule_spec *given,
                         spotopt_error *err)
{
    spotopt_rule_spec spec = SPOTOPT_RULE_SPEC_INIT;
    spotopt__pack_rule rule = {0};
    spotopt_status status = spotopt__copy_in(&spec, sizeof spec, given, "spotopt_rule_spec", err);

    if (status == SPOTOPT_OK)
        status = spotopt__problem_check_open(problem, err);
    if (status != SPOTOPT_OK)
        return status;
    if (spec.kind < SPOTOPT_RULE_AT_MOST || spec.kind > SPOTOPT_RULE_MEAN)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "rule kind %d is unknown", (int)spec.kind);
    rule.kind = spec.kind;
    rule.frac = rule.min = rule.max = rule.min_frac = rule.max_frac = (double)NAN;
    status = spec.kind <= SPOTOPT_RULE_SPREAD ? take_placement(problem, &spec, &rule, err)
                                              : take_tally(problem, &spec, &rule, err);
    if (status == SPOTOPT_OK && !spotopt__vec_push(problem->context, &problem->rules, rule))
        status = spotopt__nomem(err, "a rule");
    return status;
}
