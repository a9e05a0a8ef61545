/* SPDX-License-Identifier: Apache-2.0 */
/* Buying first and filling after: near the bound where shapes are many, alone and with limits. */
#include <stdio.h>

#include "base/base.h"
#include "pack/search.h"
#include "suite.h"

#define SHAPES 150

/* Pods of many shapes, cores and memory in any proportion, on nodes of a few. */
static spotopt_problem *
many_shapes(uint64_t seed, uint32_t most)
{
    static const char *const resources[] = {"cpu", "memory", "pods"};
    static const double capacity[][3] = {{4000, 8000, 58}, {8000, 64000, 58}, {16000, 64000, 110}};
    static const double cost[] = {0.1, 0.25, 0.45};
    spotopt_problem *problem = NULL;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, seed);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, resources, 3, &problem, NULL), SPOTOPT_OK);
    for (uint32_t p = 0; p < 3; p++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        char id[16];
        (void)snprintf(id, sizeof id, "pool-%u", p);
        spec.id = id;
        spec.capacity = capacity[p];
        spec.cost = cost[p];
        spec.max = p < 2 ? most : SPOTOPT_NO_LIMIT;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t d = 0; d < SHAPES; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        double cpu = 100.0 + 10.0 * (double)spotopt__rng_below(&rng, 90);
        double request[3] = {cpu, cpu * (1.0 + 0.1 * (double)spotopt__rng_below(&rng, 70)), 1.0};
        char id[16];
        (void)snprintf(id, sizeof id, "pod-%u", d);
        spec.id = id;
        spec.request = request;
        spec.count = 1 + (uint32_t)spotopt__rng_below(&rng, 12);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    return problem;
}

static double
gap_without(spotopt_problem *problem, uint32_t without)
{
    spotopt_packing *packing = NULL;
    double gap;

    CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, NULL, without, &packing, NULL),
                          SPOTOPT_OK);
    CU_ASSERT_TRUE(spotopt_packing_outcome(packing) == SPOTOPT_OUTCOME_FEASIBLE ||
                   spotopt_packing_outcome(packing) == SPOTOPT_OUTCOME_OPTIMAL);
    gap = spotopt_packing_gap(packing);
    spotopt_packing_free(packing);
    return gap;
}

static void
test_pack_buy__comes_near_the_bound_without_columns(void)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        spotopt_problem *problem = many_shapes(seed, seed % 2 == 0 ? 20 : SPOTOPT_NO_LIMIT);
        CU_ASSERT_TRUE(gap_without(problem, SPOTOPT__WITHOUT_COLUMNS | SPOTOPT__WITHOUT_AROUND |
                                                SPOTOPT__WITHOUT_TREE) < 0.08);
        spotopt_problem_free(problem);
    }
}

static void
test_pack_buy__keeps_to_limits_per_node(void)
{
    spotopt_problem *problem = many_shapes(7, SPOTOPT_NO_LIMIT);

    for (uint32_t d = 0; d < SHAPES; d += 3) {
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;
        rule.kind = SPOTOPT_RULE_AT_MOST;
        rule.count = 1;
        rule.per = "node";
        rule.demands = &d;
        rule.demand_count = 1;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_rule(problem, &rule, NULL), SPOTOPT_OK);
    }
    CU_ASSERT_TRUE(gap_without(problem, SPOTOPT__WITHOUT_COLUMNS | SPOTOPT__WITHOUT_AROUND) < 0.2);
    spotopt_problem_free(problem);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_pack_buy__comes_near_the_bound_without_columns),
        TEST(test_pack_buy__keeps_to_limits_per_node),
    };

    return suite_run("pack_buy", tests, sizeof tests / sizeof *tests);
}
