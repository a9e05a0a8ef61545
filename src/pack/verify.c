/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - judges an answer from the problem alone, before anybody sees it.
 *
 * Everything is recomputed from the rows: capacities, counts, limits, every rule, the objective. It
 * uses nothing of the model, the state or rules.c, so that a slip there cannot hide itself. O(rules
 * * rows).
 */
#include <stdio.h>

#include "pack/packing.h"

typedef struct judge {
    const spotopt_packing *packing;
    const spotopt_problem *problem;
    double cost;
    uint64_t nodes;
    double node_cost;
    uint64_t domains; /* size of the domain tables */
    uint64_t *a, *b, *a0, *b0;
    unsigned char *in_a, *in_b;
    unsigned char *is_domain;
    uint32_t *row_of_node; /* row + 1 of each running node */
    char *reason;
} judge;

static bool
wrong(judge *j, const char *what, const char *who)
{
    if (j->reason[0] == '\0')
        snprintf(j->reason, 200, "%s %.120s", what, who);
    return false;
}

static uint32_t
domain_of(const judge *j, const spotopt__pack_rule *rule, uint32_t pool)
{
    uint32_t value;

    if (rule->per == SPOTOPT__PER_POOL)
        return pool;
    value = spotopt__pool_label(j->problem, pool, rule->per);
    return value != SPOTOPT__NONE ? value : (uint32_t)j->problem->values.count + pool;
}

static bool
has_label(const judge *j, const spotopt__pack_rule *rule, uint64_t domain)
{
    return rule->per == SPOTOPT__PER_POOL || domain < j->problem->values.count;
}

static double
node_cost_of(const judge *j, const spotopt__row *row)
{
    return row->node == SPOTOPT_NO_NODE ? j->problem->pools.at[row->pool].cost
                                        : j->problem->nodes.at[row->node].cost;
}

static uint64_t
held_before(const judge *j, uint32_t node, const unsigned char *in_list)
{
    const spotopt__pack_node *at = &j->problem->nodes.at[node];
    uint64_t total = 0;

    for (size_t s = 0; s < at->residents.count; s++)
        total += in_list[at->residents.at[s].demand] ? at->residents.at[s].holds : 0;
    return total;
}

static uint64_t
held_now(const judge *j, const spotopt__row *row, const unsigned char *in_list)
{
    uint64_t total = 0;

    for (uint32_t h = 0; h < row->hold_count; h++)
        total += in_list[j->packing->demands.at[row->first + h]]
                     ? j->packing->replicas.at[row->first + h]
                     : 0;
    return total;
}

static uint64_t
larger(uint64_t x, uint64_t y)
{
    return x > y ? x : y;
}

static uint64_t
smaller(uint64_t x, uint64_t y)
{
    return x < y ? x : y;
}

static uint64_t
beyond(uint64_t x, uint64_t limit)
{
    return x > limit ? x - limit : 0;
}

static bool
judge_rows(judge *j)
{
    const spotopt_packing *packing = j->packing;
    const spotopt_problem *problem = j->problem;

    for (size_t i = 0; i < packing->rows.count; i++) {
        const spotopt__row *row = &packing->rows.at[i];
        const spotopt__pack_node *node =
            row->node == SPOTOPT_NO_NODE ? NULL : &problem->nodes.at[row->node];
        const double *capacity =
            node == NULL ? problem->pools.at[row->pool].capacity : node->capacity;
        if (node != NULL) {
            if (j->row_of_node[row->node] != 0 || row->count != 1 || node->pool != row->pool)
                return wrong(j, "misused node", node->id);
            j->row_of_node[row->node] = (uint32_t)i + 1;
        }
        j->nodes += row->count;
        j->node_cost += row->count * node_cost_of(j, row);
        for (uint32_t h = 0; h < row->hold_count; h++) {
            uint32_t d = packing->demands.at[row->first + h], resident = 0;
            for (size_t s = 0; node != NULL && s < node->residents.count; s++)
                resident += node->residents.at[s].demand == d ? node->residents.at[s].holds : 0;
            if (!spotopt__pool_set_has(problem, problem->demands.at[d].pool_set, row->pool) &&
                packing->replicas.at[row->first + h] > resident)
                return wrong(j, "pool not allowed for", problem->demands.at[d].id);
        }
        for (uint32_t r = 0; r < problem->resources; r++) {
            double load = 0.0, slack = 0.0;
            bool whole = capacity[r] == floor(capacity[r]);
            for (uint32_t h = 0; h < row->hold_count; h++) {
                double request =
                    problem->demands.at[packing->demands.at[row->first + h]].request[r];
                load += request * packing->replicas.at[row->first + h];
                whole = whole && request == floor(request);
            }
            if (!whole)
                slack = SPOTOPT__TOL_LOAD * 1.05 * (capacity[r] > 1.0 ? capacity[r] : 1.0);
            if (load > capacity[r] + slack)
                return wrong(j, "overfull", problem->pools.at[row->pool].id);
        }
    }
    j->cost = j->node_cost;
    return true;
}

static bool
judge_counts(judge *j, bool partial, uint64_t *missing)
{
    const spotopt_packing *packing = j->packing;
    const spotopt_problem *problem = j->problem;
    uint64_t *placed = j->a, *gone = j->b, *was = j->a0,
             *bought = j->b0; /* large enough, and free as yet */

    for (size_t i = 0; i < packing->rows.count; i++) {
        const spotopt__row *row = &packing->rows.at[i];
        if (row->node == SPOTOPT_NO_NODE)
            bought[row->pool] += row->count;
        for (uint32_t h = 0; h < row->hold_count; h++)
            placed[packing->demands.at[row->first + h]] +=
                (uint64_t)packing->replicas.at[row->first + h] * row->count;
    }
    for (size_t n = 0; n < problem->nodes.count; n++) {
        const spotopt__pack_node *node = &problem->nodes.at[n];
        for (size_t s = 0; s < node->residents.count; s++) {
            const spotopt__pack_resident *resident = &node->residents.at[s];
            uint64_t stays = 0;
            if (j->row_of_node[n] != 0) {
                const spotopt__row *row = &packing->rows.at[j->row_of_node[n] - 1];
                for (uint32_t h = 0; h < row->hold_count; h++) {
                    if (packing->demands.at[row->first + h] == resident->demand)
                        stays = packing->replicas.at[row->first + h];
                }
            }
            if (stays < resident->fixed)
                return wrong(j, "lost fixed replicas:", node->id);
            gone[resident->demand] += beyond(resident->holds, stays);
            was[resident->demand] += resident->holds;
        }
    }
    for (size_t d = 0; d < problem->demands.count; d++) {
        const spotopt__pack_demand *demand = &problem->demands.at[d];
        if (placed[d] + packing->unplaced[d] != demand->count)
            return wrong(j, "miscounted", demand->id);
        if (isnan(demand->unplaced_cost))
            *missing += packing->unplaced[d];
        else
            j->cost += packing->unplaced[d] * demand->unplaced_cost;
        j->cost += demand->move_cost * (double)beyond(gone[d], beyond(was[d], demand->count));
    }
    for (size_t p = 0; p < problem->pools.count; p++) {
        const spotopt__pack_pool *pool = &problem->pools.at[p];
        if (pool->max != SPOTOPT_NO_LIMIT && bought[p] > pool->max)
            return wrong(j, "too many nodes of", pool->id);
        if (!partial && bought[p] < pool->min)
            return wrong(j, "too few nodes of", pool->id);
    }
    return true;
}

static uint64_t
excess_of_nodes(judge *j, const spotopt__pack_rule *rule, uint64_t limit)
{
    const spotopt_packing *packing = j->packing;
    uint64_t broken = 0, total = 0, most = 0, domains = 0;

    for (size_t i = 0; i < packing->rows.count; i++) {
        const spotopt__row *row = &packing->rows.at[i];
        uint64_t a = held_now(j, row, j->in_a), b = held_now(j, row, j->in_b), a0 = 0, b0 = 0,
                 over = 0;
        if (row->node != SPOTOPT_NO_NODE) {
            a0 = held_before(j, row->node, j->in_a);
            b0 = held_before(j, row->node, j->in_b);
        }
        if (rule->kind == SPOTOPT_RULE_AT_MOST)
            over = beyond(a, larger(limit, a0));
        else if (rule->kind == SPOTOPT_RULE_SEPARATE)
            over = beyond(smaller(a, b), smaller(a0, b0));
        else if (rule->kind == SPOTOPT_RULE_NEAR)
            over = a > 0 && b == 0 ? a : 0;
        else if (rule->kind == SPOTOPT_RULE_SPREAD)
            over = b > 0 ? beyond(a, larger(rule->max_skew, a0)) : 0;
        broken += over * row->count;
        if (a > 0) {
            total += a * row->count;
            domains += row->count;
            most = larger(most, a);
        }
    }
    return rule->kind == SPOTOPT_RULE_TOGETHER ? (domains > 1 ? total - most : 0) : broken;
}

static bool
mark_spread(judge *j, const spotopt__pack_rule *rule, uint64_t *least)
{
    const spotopt_problem *problem = j->problem;
    uint64_t count = 0;

    memset(j->is_domain, 0, j->domains);
    for (size_t p = 0; p < problem->pools.count; p++) {
        const spotopt__pack_pool *pool = &problem->pools.at[p];
        uint32_t domain = domain_of(j, rule, (uint32_t)p);
        for (uint32_t i = 0; i < rule->other_count && pool->max != 0 && has_label(j, rule, domain);
             i++) {
            const spotopt__pack_demand *demand = &problem->demands.at[rule->others[i]];
            bool fits = spotopt__pool_set_has(problem, demand->pool_set, (uint32_t)p);
            for (uint32_t r = 0; r < problem->resources; r++)
                fits = fits && demand->request[r] <= pool->capacity[r];
            if (fits) {
                j->is_domain[domain] = 1;
                break;
            }
        }
    }
    for (size_t n = 0; n < problem->nodes.count; n++) {
        uint32_t domain = domain_of(j, rule, problem->nodes.at[n].pool);
        if (has_label(j, rule, domain))
            j->is_domain[domain] = 1;
    }
    *least = UINT64_MAX;
    for (uint64_t d = 0; d < j->domains; d++) {
        if (j->is_domain[d]) {
            *least = smaller(*least, j->a[d]);
            count++;
        }
    }
    if (count == 0 || count < rule->min_domains)
        *least = 0;
    return true;
}

static bool
excess_of_domains(judge *j, const spotopt__pack_rule *rule, uint64_t limit, uint64_t *out)
{
    const spotopt_packing *packing = j->packing;
    uint64_t broken = 0, total = 0, most = 0, least = 0;

    memset(j->a, 0, j->domains * sizeof *j->a);
    memset(j->b, 0, j->domains * sizeof *j->b);
    memset(j->a0, 0, j->domains * sizeof *j->a0);
    memset(j->b0, 0, j->domains * sizeof *j->b0);
    for (size_t i = 0; i < packing->rows.count; i++) {
        const spotopt__row *row = &packing->rows.at[i];
        uint32_t domain = domain_of(j, rule, row->pool);
        j->a[domain] += held_now(j, row, j->in_a) * row->count;
        j->b[domain] += held_now(j, row, j->in_b) * row->count;
    }
    for (uint32_t n = 0; n < j->problem->nodes.count; n++) {
        uint32_t domain = domain_of(j, rule, j->problem->nodes.at[n].pool);
        j->a0[domain] += held_before(j, n, j->in_a);
        j->b0[domain] += held_before(j, n, j->in_b);
    }
    if (rule->kind == SPOTOPT_RULE_SPREAD)
        (void)mark_spread(j, rule, &least);
    for (uint64_t d = 0; d < j->domains; d++) {
        uint64_t a = j->a[d], b = j->b[d];
        if (a == 0)
            continue;
        switch (rule->kind) {
        case SPOTOPT_RULE_AT_MOST:
            broken += beyond(a, larger(limit, j->a0[d]));
            break;
        case SPOTOPT_RULE_SEPARATE:
            broken += beyond(smaller(a, b), smaller(j->a0[d], j->b0[d]));
            break;
        case SPOTOPT_RULE_NEAR:
            if (!has_label(j, rule, d))
                return wrong(j, "near: no label",
                             rule->demand_count > 0 ? j->problem->demands.at[rule->demands[0]].id
                                                    : "");
            broken += b == 0 ? a : 0;
            break;
        case SPOTOPT_RULE_TOGETHER:
            if (!has_label(j, rule, d))
                return wrong(j, "together: no label", j->problem->demands.at[rule->demands[0]].id);
            total += a;
            most = larger(most, a);
            break;
        default:
            broken += b > 0 ? beyond(a, larger(least + rule->max_skew, j->a0[d])) : 0;
            break;
        }
    }
    for (uint64_t d = 0; rule->kind == SPOTOPT_RULE_SPREAD && d < j->domains; d++) {
        if (j->b[d] > 0 && !j->is_domain[d])
            return wrong(j, "spread: no domain for", j->problem->demands.at[rule->others[0]].id);
    }
    *out = rule->kind == SPOTOPT_RULE_TOGETHER ? total - most : broken;
    return true;
}

static bool
judge_placement(judge *j, const spotopt__pack_rule *rule)
{
    static const char *const names[] = {"", "at_most", "separate", "together", "near", "spread"};
    uint64_t limit = rule->count, broken = 0;
    double total = 0.0;

    memset(j->in_a, 0, j->problem->demands.count);
    memset(j->in_b, 0, j->problem->demands.count);
    for (uint32_t i = 0; i < rule->demand_count; i++) {
        j->in_a[rule->demands[i]] = 1;
        total += j->problem->demands.at[rule->demands[i]].count;
    }
    for (uint32_t i = 0; i < rule->other_count; i++)
        j->in_b[rule->others[i]] = 1;
    if (rule->kind == SPOTOPT_RULE_AT_MOST && !isnan(rule->frac))
        limit = (uint64_t)floor(rule->frac * total + 1e-9);
    if (rule->per == SPOTOPT__PER_NODE)
        broken = excess_of_nodes(j, rule, limit);
    else if (!excess_of_domains(j, rule, limit, &broken))
        return false;
    if (broken > 0 && rule->is_hard)
        return wrong(j, "broken rule", names[rule->kind]);
    if (broken > 0)
        j->cost += rule->penalty * (double)broken;
    return true;
}

static bool
judge_share(judge *j, const spotopt__pack_rule *rule)
{
    const spotopt_packing *packing = j->packing;
    double *part = (double *)(void *)j->a; /* same size; cleared first */
    uint64_t *number = j->b;
    double whole = rule->of == SPOTOPT__OF_COST ? j->node_cost : (double)j->nodes;

    for (uint64_t d = 0; d < j->domains; d++) {
        part[d] = 0.0;
        number[d] = 0;
    }
    for (size_t i = 0; i < packing->rows.count; i++) {
        const spotopt__row *row = &packing->rows.at[i];
        uint32_t domain = domain_of(j, rule, row->pool);
        if (has_label(j, rule, domain)) {
            part[domain] +=
                row->count * (rule->of == SPOTOPT__OF_COST ? node_cost_of(j, row) : 1.0);
            number[domain] += row->count;
        }
    }
    for (uint64_t d = 0; d < j->domains; d++) {
        double slack = SPOTOPT__TOL_RULE * 1.05 * (whole > 1.0 ? whole : 1.0);
        bool counts = rule->has_value ? d == rule->value : number[d] > 0;
        if (!counts)
            continue;
        if (!isnan(rule->max_frac) && number[d] > 1) {
            double most = rule->max_frac * whole;
            if (rule->of != SPOTOPT__OF_COST && part[d] > fmax(1.0, ceil(most - 1e-9)))
                return wrong(j, "broken rule", "share");
            if (rule->of == SPOTOPT__OF_COST && part[d] > most + slack)
                return wrong(j, "broken rule", "share of cost");
        }
        if (!isnan(rule->min_frac) && whole > 0.0 && part[d] < rule->min_frac * whole - slack)
            return wrong(j, "broken rule", "share");
    }
    if (rule->has_value && rule->value == SPOTOPT__NONE && !isnan(rule->min_frac) &&
        rule->min_frac > 0.0 && whole > 0.0)
        return wrong(j, "broken rule", "share of an unknown value");
    return true;
}

static bool
judge_sums(judge *j, const spotopt__pack_rule *rule)
{
    double total = 0.0, weight = 0.0, value;

    for (size_t i = 0; i < j->packing->rows.count; i++) {
        const spotopt__row *row = &j->packing->rows.at[i];
        double unit = rule->of == SPOTOPT__OF_NODES ? 1.0
                      : rule->of == SPOTOPT__OF_COST
                          ? node_cost_of(j, row)
                          : j->problem->pools.at[row->pool].capacity[rule->of];
        double each = 0.0;
        if (rule->kind == SPOTOPT_RULE_LIMIT && rule->has_value) {
            uint32_t label = rule->per == SPOTOPT__PER_POOL
                                 ? row->pool
                                 : spotopt__pool_label(j->problem, row->pool, rule->per);
            if (label == SPOTOPT__NONE || label != rule->value)
                continue;
        }
        for (uint32_t k = 0; k < rule->pool_count; k++)
            each = rule->pools[k] == row->pool ? rule->values[k] : each;
        total += row->count * unit * (rule->kind == SPOTOPT_RULE_MEAN ? each : 1.0);
        weight += row->count * unit;
    }
    value = rule->kind == SPOTOPT_RULE_MEAN && weight > 0.0 ? total / weight : total;
    if (rule->kind == SPOTOPT_RULE_MEAN && !(weight > 0.0))
        return true;
    if ((!isnan(rule->max) && value > rule->max + 1.05 * SPOTOPT__TOL_RULE) ||
        (!isnan(rule->min) && value < rule->min - 1.05 * SPOTOPT__TOL_RULE))
        return wrong(j, "broken rule", rule->kind == SPOTOPT_RULE_MEAN ? "mean" : "limit");
    return true;
}

int
spotopt__packing_verify(const spotopt_packing *packing, bool partial, double *out_cost,
                        uint64_t *out_missing, char reason[200])
{
    const spotopt_problem *problem = packing->problem;
    spotopt_context *context = packing->context;
    size_t demands = problem->demands.count,
           room = problem->values.count + problem->pools.count + 1;
    judge j = {.packing = packing, .problem = problem, .domains = room - 1, .reason = reason};
    int result = -1;

    reason[0] = '\0';
    *out_missing = 0;
    j.row_of_node = spotopt__alloc_array(context, problem->nodes.count + 1, sizeof *j.row_of_node);
    j.a = spotopt__alloc_array(context, room + demands, sizeof *j.a);
    j.b = spotopt__alloc_array(context, room + demands, sizeof *j.b);
    j.a0 = spotopt__alloc_array(context, room + demands, sizeof *j.a0);
    j.b0 = spotopt__alloc_array(context, room + demands, sizeof *j.b0);
    j.in_a = spotopt__alloc_array(context, demands + 1, 1);
    j.in_b = spotopt__alloc_array(context, demands + 1, 1);
    j.is_domain = spotopt__alloc_array(context, room, 1);
    if (j.row_of_node != NULL && j.a != NULL && j.b != NULL && j.a0 != NULL && j.b0 != NULL &&
        j.in_a != NULL && j.in_b != NULL && j.is_domain != NULL) {
        bool ok = judge_rows(&j) && judge_counts(&j, partial, out_missing);
        for (size_t r = 0; ok && r < problem->rules.count; r++) {
            const spotopt__pack_rule *rule = &problem->rules.at[r];
            ok = rule->kind <= SPOTOPT_RULE_SPREAD  ? judge_placement(&j, rule)
                 : rule->kind == SPOTOPT_RULE_SHARE ? judge_share(&j, rule)
                                                    : judge_sums(&j, rule);
        }
        result = ok ? 1 : 0;
        *out_cost = j.cost;
    }
    spotopt__free(context, j.row_of_node);
    spotopt__free(context, j.a);
    spotopt__free(context, j.b);
    spotopt__free(context, j.a0);
    spotopt__free(context, j.b0);
    spotopt__free(context, j.in_a);
    spotopt__free(context, j.in_b);
    spotopt__free(context, j.is_domain);
    return result;
}
