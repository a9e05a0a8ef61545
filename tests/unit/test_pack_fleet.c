/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds from whole numbers of nodes never lie above the optimum, which the complete search knows.
 */
#include <stdio.h>

#include "base/base.h"
#include "base/rng.h"
#include "pack/search.h"
#include "suite.h"

enum { RESOURCES = 2, POOLS = 5, DEMANDS = 6 };

/* Few nodes of several limited sorts. */
static spotopt_problem *
few_nodes(uint64_t seed)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt_problem *problem = NULL;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, seed);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, resources, RESOURCES, &problem, NULL),
                          SPOTOPT_OK);
    for (uint32_t p = 0; p < POOLS; p++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        double capacity[RESOURCES] = {(double)(20 + spotopt__rng_below(&rng, 25)),
                                      (double)(20 + spotopt__rng_below(&rng, 25))};
        char id[16];
        (void)snprintf(id, sizeof id, "pool-%u", p);
        spec.id = id;
        spec.capacity = capacity;
        spec.cost = 0.01 * floor(capacity[0] + capacity[1] + (double)spotopt__rng_below(&rng, 20));
        spec.max = 4 + (uint32_t)spotopt__rng_below(&rng, 3);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t d = 0; d < DEMANDS; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        double request[RESOURCES] = {(double)(5 + spotopt__rng_below(&rng, 15)),
                                     (double)(5 + spotopt__rng_below(&rng, 15))};
        char id[16];
        (void)snprintf(id, sizeof id, "pod-%u", d);
        spec.id = id;
        spec.request = request;
        spec.count = 2;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    return problem;
}

static void
test_pack_fleet__bounds_lie_below_optima_and_cost_above(void)
{
    spotopt_options *options = NULL;
    uint32_t proven = 0;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 60.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_int(options, "work", 20000000, NULL), SPOTOPT_OK);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        spotopt_problem *problem = few_nodes(seed);
        spotopt_packing *exact = NULL, *columns = NULL;
        double optimum;

        CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, options, 0, &exact, NULL),
                              SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, options,
                                                     SPOTOPT__WITHOUT_TREE | SPOTOPT__WITHOUT_EXACT,
                                                     &columns, NULL),
                              SPOTOPT_OK);
        optimum = spotopt_packing_cost(exact);
        if (spotopt_packing_outcome(exact) == SPOTOPT_OUTCOME_OPTIMAL) {
            proven++;
            CU_ASSERT_TRUE(spotopt_packing_bound(columns) <= optimum * (1.0 + 1e-9));
            CU_ASSERT_TRUE(spotopt_packing_cost(columns) >= optimum * (1.0 - 1e-9));
        }
        spotopt_packing_free(exact);
        spotopt_packing_free(columns);
        spotopt_problem_free(problem);
    }
    CU_ASSERT_TRUE(proven > 20);
    spotopt_options_free(options);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_pack_fleet__bounds_lie_below_optima_and_cost_above),
    };

    return suite_run("pack_fleet", tests, sizeof tests / sizeof *tests);
}
