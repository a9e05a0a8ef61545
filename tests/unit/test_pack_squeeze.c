/* SPDX-License-Identifier: Apache-2.0 */
/* Capacities trimmed to what can be used; leftovers squeezed in by ejections; cheaper trades. */
#include <stdio.h>

#include "base/base.h"
#include "base/rng.h"
#include "fail_alloc.h"
#include "pack/eject.h"
#include "suite.h"

enum { RESOURCES = 2, POOLS = 4, DEMANDS = 12 };

/* Small demands in steps of `grain`, at most a few of each; nodes limited now and then. */
static spotopt_problem *
small_pods_of(spotopt_context *context, uint64_t seed, double grain, uint32_t count)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt_problem *problem = NULL;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, seed);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(context, resources, RESOURCES, &problem, NULL),
                          SPOTOPT_OK);
    for (uint32_t p = 0; p < POOLS; p++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        double capacity[RESOURCES] = {3000.0 * (p + 1) + (double)spotopt__rng_below(&rng, 100),
                                      6000.0 * (p + 1) + (double)spotopt__rng_below(&rng, 4000)};
        char id[16];
        (void)snprintf(id, sizeof id, "pool-%u", p);
        spec.id = id;
        spec.capacity = capacity;
        spec.cost = 0.1 * (p + 1) - 0.005 * (double)spotopt__rng_below(&rng, 5);
        spec.max = p == 3 ? SPOTOPT_NO_LIMIT : 3 + (uint32_t)spotopt__rng_below(&rng, 9);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t d = 0; d < DEMANDS; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        double request[RESOURCES] = {grain * (double)(1 + spotopt__rng_below(&rng, 12)),
                                     (double)(100 + spotopt__rng_below(&rng, 1500))};
        char id[16];
        (void)snprintf(id, sizeof id, "pod-%u", d);
        spec.id = id;
        spec.request = request;
        spec.count = count;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    return problem;
}

static spotopt_problem *
small_pods(uint64_t seed, double grain, uint32_t count)
{
    return small_pods_of(NULL, seed, grain, count);
}

/* The largest sum of requests, any number of each, that is at most so much: by trying all. */
static double
largest_sum(const spotopt_problem *problem, uint32_t r, size_t d, double most)
{
    double best = 0.0, each;

    if (d == problem->demands.count)
        return 0.0;
    each = problem->demands.at[d].request[r];
    for (double part = 0.0; part <= most && best < most; part += each) {
        best = fmax(best, part + largest_sum(problem, r, d + 1, most - part));
        if (!(each > 0.0))
            break;
    }
    return best;
}

static void
test_pack_squeeze__capacities_fall_to_the_largest_sum_of_requests(void)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        static const char *const resources[] = {"cpu", "nothing"};
        spotopt_problem *problem = NULL;
        spotopt__model model;
        spotopt__rng rng;

        spotopt__rng_seed(&rng, seed);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, resources, 2, &problem, NULL), SPOTOPT_OK);
        for (uint32_t p = 0; p < 12; p++) {
            spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
            double capacity[2] = {(double)spotopt__rng_below(&rng, 2000), 7.0};
            char id[16];
            (void)snprintf(id, sizeof id, "%u", p);
            spec.id = id;
            spec.capacity = capacity;
            CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
        }
        for (uint32_t d = 0; d < 3; d++) {
            spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
            double request[2] = {30.0 * (double)(2 + spotopt__rng_below(&rng, 9)), 0.0};
            char id[16];
            (void)snprintf(id, sizeof id, "%u", d);
            spec.id = id;
            spec.request = request;
            spec.count = 5;
            CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL),
                                  SPOTOPT_OK);
        }
        CU_ASSERT_EQUAL_FATAL(spotopt__model_build(&model, problem, NULL), SPOTOPT_OK);
        for (uint32_t p = 0; p < 12; p++) {
            CU_ASSERT_EQUAL(model.kind[p].capacity[0],
                            largest_sum(problem, 0, 0, problem->pools.at[p].capacity[0]));
            CU_ASSERT_EQUAL(model.kind[p].capacity[1], 7.0); /* nobody asks for it */
        }
        spotopt__model_free(&model);
        spotopt_problem_free(problem);
    }
}

static void
test_pack_squeeze__bounds_gain_what_no_pod_can_use(void)
{
    spotopt_problem *problem = small_pods(3, 1000.0, 40);
    spotopt_packing *packing = NULL;
    double cores = 0.0, least = (double)INFINITY;

    for (uint32_t d = 0; d < DEMANDS; d++)
        cores += problem->demands.at[d].request[0] / 1000.0 * 40.0;
    for (uint32_t p = 0; p < POOLS; p++)
        least = fmin(least,
                     problem->pools.at[p].cost / floor(problem->pools.at[p].capacity[0] / 1000.0));
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, NULL, &packing, NULL), SPOTOPT_OK);
    CU_ASSERT_TRUE(spotopt_packing_bound(packing) >= cores * least * (1.0 - 1e-9));
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
}

/* The same cost and packing twice, never dearer than without, and near the bound. */
static void
test_pack_squeeze__comes_near_the_bound_the_same_each_time(void)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        spotopt_problem *problem = small_pods(seed, 50.0, 40);
        spotopt_options *options = NULL;
        double cost[2];

        CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt_options_set_int(options, "work", 3000000, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 600.0, NULL),
                              SPOTOPT_OK);
        for (int turn = 0; turn < 2; turn++) {
            spotopt_packing *packing = NULL;
            CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, options, 0, &packing, NULL),
                                  SPOTOPT_OK);
            cost[turn] = spotopt_packing_cost(packing);
            CU_ASSERT_TRUE(spotopt_packing_gap(packing) < 0.03);
            spotopt_packing_free(packing);
        }
        CU_ASSERT_EQUAL(cost[0], cost[1]);
        spotopt_options_free(options);
        spotopt_problem_free(problem);
    }
}

/* All of a packing's replicas taken out of its last nodes find their way back or stay out. */
static void
test_pack_squeeze__what_is_missing_is_placed_or_still_missing(void)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        spotopt_problem *problem = small_pods(seed, 50.0, 20);
        spotopt__model model;
        spotopt__search search = {0};
        spotopt__recipe recipe = {.looks = 12};
        spotopt__score before, after;

        CU_ASSERT_EQUAL_FATAL(spotopt__model_build(&model, problem, NULL), SPOTOPT_OK);
        search.model = &model;
        CU_ASSERT_EQUAL_FATAL(spotopt__builder_init(&search.builder, &model, NULL), SPOTOPT_OK);
        CU_ASSERT_TRUE_FATAL(spotopt__state_init(&search.work, &model));
        spotopt__budget_start(&search.budget, model.context, NULL);
        search.seed = seed;
        spotopt__construct(&search.builder, &search.work, &recipe);
        CU_ASSERT_TRUE(spotopt__eject_split_all(&search.work));
        for (size_t b = 0; b < search.work.bins.count; b++) {
            if (b % 5 == 0 && search.work.bins.at[b].count > 0 &&
                search.work.bins.at[b].holds.count > 0)
                spotopt__state_take(&search.work, (uint32_t)b,
                                    search.work.bins.at[b].holds.at[0].item, 1);
        }
        before = spotopt__state_score(&search.work);
        CU_ASSERT_TRUE(before.missing > 0);
        CU_ASSERT_TRUE(spotopt__eject_missing(&search, &search.work));
        after = spotopt__state_score(&search.work);
        CU_ASSERT_EQUAL(after.missing, 0); /* where each came from there still is room */
        for (size_t b = 0; b < search.work.bins.count; b++) {
            const spotopt__bin *bin = &search.work.bins.at[b];
            for (uint32_t r = 0; r < RESOURCES && bin->count > 0; r++) {
                double load = 0.0;
                for (size_t h = 0; h < bin->holds.count; h++)
                    load += bin->holds.at[h].count * model.item[bin->holds.at[h].item].request[r];
                CU_ASSERT_TRUE(load <= problem->pools.at[model.kind[bin->kind].pool].capacity[r]);
            }
        }
        for (uint32_t i = 0; i < model.items; i++) {
            uint64_t placed = 0;
            for (size_t b = 0; b < search.work.bins.count; b++) {
                if (search.work.bins.at[b].count > 0)
                    placed += spotopt__bin_holds(&search.work.bins.at[b], i);
            }
            CU_ASSERT_EQUAL(placed, model.item[i].count);
        }
        spotopt__state_free(&search.work);
        spotopt__builder_free(&search.builder);
        spotopt__model_free(&model);
        spotopt_problem_free(problem);
    }
}

/* Each allocation in its turn, up to some hundred; nothing leaks, and the status says it. */
static void
test_pack_squeeze__allocations_may_fail(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context;
    spotopt_problem *problem;
    spotopt_options *options = NULL;
    size_t live;
    bool failed = true;

    fail_never(&allocator);
    context = fail_alloc_context(&allocator);
    problem = small_pods_of(context, 5, 50.0, 25);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 600.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_int(options, "work", 30000, NULL), SPOTOPT_OK);
    live = allocator.live;
    for (size_t n = 0; failed && n < 100000; n += 1 + n / 40) {
        spotopt_packing *packing = NULL;
        spotopt_status status;
        fail_after(&allocator, n);
        status = spotopt__problem_solve(problem, options, SPOTOPT__WITHOUT_TREE, &packing, NULL);
        failed = allocator.failed > 0;
        CU_ASSERT(status == SPOTOPT_OK || (failed && status == SPOTOPT_E_NOMEM));
        spotopt_packing_free(packing);
        CU_ASSERT_EQUAL(allocator.live, live);
    }
    fail_never(&allocator);
    spotopt_options_free(options);
    spotopt_problem_free(problem);
    spotopt_context_free(context);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_pack_squeeze__capacities_fall_to_the_largest_sum_of_requests),
        TEST(test_pack_squeeze__bounds_gain_what_no_pod_can_use),
        TEST(test_pack_squeeze__comes_near_the_bound_the_same_each_time),
        TEST(test_pack_squeeze__allocations_may_fail),
        TEST(test_pack_squeeze__what_is_missing_is_placed_or_still_missing),
    };

    return suite_run("pack_squeeze", tests, sizeof tests / sizeof *tests);
}
