/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_BUILD_TOY_H
#define TESTS_SUPPORT_BUILD_TOY_H
/* A tiny problem in plain arrays as the library's. Pools are p0 .., demands d0 .., nodes n0 .. */
#include <stdio.h>

#include "spotopt/spotopt.h"
#include "suite.h"
#include "toy_pack.h"

static const char *const toy_values[] = {"v0", "v1", "v2", "v3"};
static const char *const toy_keys[] = {"zone", "type"};

static inline const char *
toy_per_text(int per)
{
    return per == TOY_NODE ? "node" : per == TOY_POOL ? "pool" : toy_keys[per];
}

static inline void
toy_add_rule(spotopt_problem *problem, const toy_problem *toy, const toy_rule *rule)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt_rule_spec spec = SPOTOPT_RULE_SPEC_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    uint32_t a[TOY_DEMANDS], b[TOY_DEMANDS], pools[TOY_POOLS];
    double means[TOY_POOLS];
    spotopt_status status;

    spec.kind = rule->kind;
    if (rule->kind <= TOY_SPREAD) {
        for (int d = 0; d < toy->demands; d++) {
            if (rule->a[d])
                a[spec.demand_count++] = (uint32_t)d;
            if (rule->b[d])
                b[spec.other_count++] = (uint32_t)d;
        }
        spec.per = toy_per_text(rule->per);
        spec.demands = a;
        if (rule->kind == TOY_SEPARATE || rule->kind == TOY_NEAR ||
            (rule->kind == TOY_SPREAD && rule->has_b))
            spec.others = b;
        else
            spec.other_count = 0;
        if (rule->kind == TOY_AT_MOST && rule->count >= 0)
            spec.count = (uint32_t)rule->count;
        else if (rule->kind == TOY_AT_MOST)
            spec.frac = rule->frac;
        spec.max_skew = (uint32_t)rule->max_skew;
        spec.min_domains = (uint32_t)rule->min_domains;
        if (rule->penalty >= 0.0)
            spec.penalty = rule->penalty;
    } else {
        if (rule->kind != TOY_MEAN)
            spec.key = toy_per_text(rule->per);
        if (rule->kind != TOY_MEAN && rule->value != TOY_NONE)
            spec.value = toy_values[rule->value];
        spec.of = rule->of == TOY_OF_NODES  ? "nodes"
                  : rule->of == TOY_OF_COST ? "cost"
                                            : resources[rule->of];
        if (rule->min >= 0.0)
            spec.min = rule->min;
        if (rule->max >= 0.0)
            spec.max = rule->max;
        if (rule->min_frac >= 0.0)
            spec.min_frac = rule->min_frac;
        if (rule->max_frac >= 0.0)
            spec.max_frac = rule->max_frac;
        if (rule->kind == TOY_MEAN) {
            for (int k = 0; k < toy->pools; k++) {
                pools[k] = (uint32_t)k;
                means[k] = rule->values[k];
            }
            spec.pools = pools;
            spec.values = means;
            spec.pool_count = (size_t)toy->pools;
        }
    }
    status = spotopt_problem_add_rule(problem, &spec, &err);
    if (status != SPOTOPT_OK)
        fprintf(stderr, "%s\n", err.message);
    CU_ASSERT_EQUAL_FATAL(status, SPOTOPT_OK);
}

static inline spotopt_problem *
build_toy(const toy_problem *toy)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt_problem *problem = NULL;
    char id[16];

    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, resources, 2, &problem, NULL), SPOTOPT_OK);
    for (int k = 0; k < toy->pools; k++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        snprintf(id, sizeof id, "p%d", k);
        spec.id = id;
        spec.capacity = toy->capacity[k];
        spec.cost = toy->cost[k];
        spec.min = (uint32_t)toy->min[k];
        spec.max = toy->max[k] < 0 ? SPOTOPT_NO_LIMIT : (uint32_t)toy->max[k];
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
        for (int l = 0; l < 2; l++) {
            if (toy->label[k][l] != TOY_NONE)
                CU_ASSERT_EQUAL_FATAL(
                    spotopt_problem_set_pool_label(problem, (uint32_t)k, toy_keys[l],
                                                   toy_values[toy->label[k][l]], NULL),
                    SPOTOPT_OK);
        }
    }
    for (int d = 0; d < toy->demands; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        uint32_t pools[TOY_POOLS];
        snprintf(id, sizeof id, "d%d", d);
        spec.id = id;
        spec.request = toy->request[d];
        spec.count = (uint32_t)toy->count[d];
        spec.move_cost = toy->move_cost[d];
        if (toy->unplaced_cost[d] >= 0.0)
            spec.unplaced_cost = toy->unplaced_cost[d];
        for (int k = 0; k < toy->pools; k++) {
            if (toy->allowed[d][k])
                pools[spec.pool_count++] = (uint32_t)k;
        }
        spec.pools = pools;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (int n = 0; n < toy->nodes; n++) {
        spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;
        snprintf(id, sizeof id, "n%d", n);
        spec.id = id;
        spec.pool = (uint32_t)toy->node_pool[n];
        spec.cost = toy->node_cost[n];
        spec.capacity = toy->node_capacity[n];
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_node(problem, &spec, NULL, NULL), SPOTOPT_OK);
        for (int d = 0; d < toy->demands; d++) {
            if (toy->holds[n][d] > 0)
                CU_ASSERT_EQUAL_FATAL(
                    spotopt_problem_set_resident(problem, (uint32_t)n, (uint32_t)d,
                                                 (uint32_t)toy->holds[n][d],
                                                 (uint32_t)toy->fixed[n][d], NULL),
                    SPOTOPT_OK);
        }
    }
    for (int r = 0; r < toy->rules; r++)
        toy_add_rule(problem, toy, &toy->rule[r]);
    return problem;
}

#endif
