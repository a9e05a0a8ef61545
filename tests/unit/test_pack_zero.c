/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources that some pools do not have and some demands do not need, or nobody at all: no bound
 * may be above what another way of solving finds.
 */
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "pack/problem.h"
#include "pack/search.h"
#include "suite.h"

enum { RESOURCES = 4, POOLS = 7, DEMANDS = 26 };

static spotopt_problem *
make_problem(uint64_t seed)
{
    static const char *const names[RESOURCES] = {"cpu", "memory", "gpu", "nobody"};
    spotopt__rng rng;
    spotopt_problem *problem = NULL;
    uint32_t alone[DEMANDS], alone_count = 0;
    char id[16];

    spotopt__rng_seed(&rng, seed);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, names, RESOURCES, &problem, NULL), SPOTOPT_OK);
    for (int p = 0; p < POOLS; p++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        double capacity[RESOURCES] = {0};

        for (int r = 0; r < RESOURCES - 1; r++) /* the first has all that anybody needs */
            capacity[r] = p == 0 ? 8.0
                          : spotopt__rng_below(&rng, 3) == 0
                              ? 0.0
                              : 2.0 + (double)spotopt__rng_below(&rng, 9);
        snprintf(id, sizeof id, "p%d", p);
        spec.id = id;
        spec.capacity = capacity;
        spec.cost = 0.2 + 0.1 * (capacity[0] + 0.5 * capacity[1] + 3 * capacity[2]) *
                              (0.8 + 0.4 * spotopt__rng_unit(&rng));
        spec.max = p > 0 && spotopt__rng_below(&rng, 3) == 0 ? 2 : SPOTOPT_NO_LIMIT;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t d = 0; d < DEMANDS; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        double request[RESOURCES] = {0};

        for (int r = 0; r < RESOURCES - 1; r++)
            request[r] =
                spotopt__rng_below(&rng, 3) == 0 ? 0.0 : 0.5 * (double)spotopt__rng_below(&rng, 7);
        snprintf(id, sizeof id, "d%u", (unsigned)d);
        spec.id = id;
        spec.request = request;
        spec.count = 1 + (uint32_t)spotopt__rng_below(&rng, 9);
        if (spotopt__rng_below(&rng, 6) == 0)
            spec.unplaced_cost = 0.3 * spotopt__rng_unit(&rng);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL), SPOTOPT_OK);
        if (spotopt__rng_below(&rng, 5) == 0)
            alone[alone_count++] = d;
    }
    if (alone_count > 0) {
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

        rule.kind = SPOTOPT_RULE_AT_MOST;
        rule.per = "node";
        rule.count = 1;
        rule.demands = alone;
        rule.demand_count = alone_count;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_rule(problem, &rule, NULL), SPOTOPT_OK);
    }
    return problem;
}

static void
test_zero__no_way_proves_more_than_another_finds(void)
{
    static const uint32_t ways[] = {0, SPOTOPT__COARSE_ANYWAY,
                                    SPOTOPT__WITHOUT_COLUMNS | SPOTOPT__WITHOUT_COARSE,
                                    SPOTOPT__WITHOUT_AROUND | SPOTOPT__WITHOUT_COARSE};
    enum { WAYS = sizeof ways / sizeof *ways };
    spotopt_options *options = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", 60000, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    for (uint64_t seed = 1; seed <= 80; seed++) {
        double least = (double)INFINITY, most = 0.0;

        for (int w = 0; w < WAYS; w++) {
            spotopt_problem *problem = make_problem(seed);
            spotopt_packing *packing = NULL;

            CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, options, ways[w], &packing, NULL),
                                  SPOTOPT_OK);
            CU_ASSERT(spotopt_packing_outcome(packing) <= SPOTOPT_OUTCOME_FEASIBLE);
            if (spotopt_packing_outcome(packing) > SPOTOPT_OUTCOME_FEASIBLE)
                fprintf(stderr, "seed %llu way %d: outcome %d\n", (unsigned long long)seed, w,
                        (int)spotopt_packing_outcome(packing));
            least = fmin(least, spotopt_packing_cost(packing));
            most = fmax(most, spotopt_packing_bound(packing));
            spotopt_packing_free(packing);
            spotopt_problem_free(problem);
        }
        if (most > least + 1e-9 * (1.0 + least))
            fprintf(stderr, "seed %llu: bound %f above cost %f\n", (unsigned long long)seed, most,
                    least);
        CU_ASSERT(most <= least + 1e-9 * (1.0 + least));
    }
    spotopt_options_free(options);
}

int
main(void)
{
    static const suite_test tests[] = {TEST(test_zero__no_way_proves_more_than_another_finds)};

    return suite_run("pack_zero", tests, sizeof tests / sizeof *tests);
}
