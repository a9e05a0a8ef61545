/* SPDX-License-Identifier: Apache-2.0 */
/* What labels say of one node against all its contents. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "pack/pricing.h"
#include "suite.h"

enum { ITEMS = 6, ROUNDS = 400 };

typedef struct toy {
    spotopt_problem *problem;
    spotopt__model model;
    spotopt__extras extras;
    spotopt__knapsack sack;
    double worth[ITEMS];
    uint32_t limit; /* per node, of the first two demands together; 0: none */
} toy;

static void
make_toy(toy *t, uint64_t seed, bool limited)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt_pool_spec pool = SPOTOPT_POOL_SPEC_INIT;
    double capacity[2];
    spotopt__rng rng;

    memset(t, 0, sizeof *t);
    spotopt__rng_seed(&rng, seed);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, resources, 2, &t->problem, NULL), SPOTOPT_OK);
    capacity[0] = 8.0 + (double)spotopt__rng_below(&rng, 9);
    capacity[1] = 8.0 + (double)spotopt__rng_below(&rng, 9);
    pool.id = "pool";
    pool.capacity = capacity;
    pool.cost = 1.0;
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(t->problem, &pool, NULL, NULL), SPOTOPT_OK);
    for (uint32_t d = 0; d < ITEMS; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        char id[16];
        /* Few sizes: equal needs are what labels merge. */
        const double request[] = {2.0 + (double)spotopt__rng_below(&rng, 3),
                                  2.0 + (double)spotopt__rng_below(&rng, 3) + (d == 5 ? 0.5 : 0.0)};
        snprintf(id, sizeof id, "d%u", d);
        spec.id = id;
        spec.request = request;
        spec.count = 1 + (uint32_t)spotopt__rng_below(&rng, 4);
        spec.move_cost = d; /* keeps demands of equal request apart */
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(t->problem, &spec, NULL, NULL),
                              SPOTOPT_OK);
        t->worth[d] = 1.0 + spotopt__rng_unit(&rng);
    }
    if (limited) {
        static const uint32_t both[] = {0, 1};
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;
        rule.kind = SPOTOPT_RULE_AT_MOST;
        rule.per = "node";
        rule.demands = both;
        rule.demand_count = 2;
        rule.count = t->limit = 1;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_rule(t->problem, &rule, NULL), SPOTOPT_OK);
    }
    CU_ASSERT_EQUAL_FATAL(spotopt__model_build(&t->model, t->problem, NULL), SPOTOPT_OK);
    CU_ASSERT_TRUE_FATAL(spotopt__extras_init(&t->extras, &t->model));
    CU_ASSERT_TRUE_FATAL(spotopt__knapsack_init(&t->sack, &t->model, &t->extras));
    spotopt__knapsack_start(&t->sack, t->model.class_at[0].capacity, true);
    for (uint32_t i = 0; i < t->model.items; i++)
        spotopt__knapsack_add(&t->sack, i, t->worth[t->model.item[i].members[0]],
                              t->model.item[i].count);
}

static void
free_toy(toy *t)
{
    spotopt__knapsack_free(&t->sack);
    spotopt__extras_free(&t->extras);
    spotopt__model_free(&t->model);
    spotopt_problem_free(t->problem);
}

static double
best_of_all(const toy *t, uint32_t piece, double cpu, double memory, uint32_t limit)
{
    double best = 0.0;

    if (piece == t->sack.pieces)
        return 0.0;
    const spotopt__piece *at = &t->sack.piece[piece];
    const spotopt__item *item = &t->model.item[at->item];
    bool counts = t->limit > 0 && item->members[0] < 2;
    for (uint32_t n = 0; n <= item->count; n++) {
        if (n * item->request[0] > cpu || n * item->request[1] > memory || (counts && n > limit))
            break;
        best = fmax(best, n * at->worth + best_of_all(t, piece + 1, cpu - n * item->request[0],
                                                      memory - n * item->request[1],
                                                      counts ? limit - n : limit));
    }
    return best;
}

static double
worth_of_best(const toy *t)
{
    double worth = 0.0, use[2] = {0.0, 0.0};
    uint32_t limited = 0;

    for (uint32_t p = 0; p < t->sack.pieces; p++) {
        const spotopt__item *item = &t->model.item[t->sack.piece[p].item];
        CU_ASSERT(t->sack.best[p] <= item->count);
        worth += t->sack.best[p] * t->sack.piece[p].worth;
        for (int r = 0; r < 2; r++)
            use[r] += t->sack.best[p] * item->request[r];
        limited += item->members[0] < 2 ? t->sack.best[p] : 0;
    }
    for (int r = 0; r < 2; r++)
        CU_ASSERT(use[r] <= t->model.class_at[0].capacity[r]);
    CU_ASSERT(t->limit == 0 || limited <= t->limit);
    return worth;
}

static void
test_label__finds_the_best_content_and_says_so(void)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        toy t;
        double bound, truth;

        make_toy(&t, seed, false);
        truth =
            best_of_all(&t, 0, t.model.class_at[0].capacity[0], t.model.class_at[0].capacity[1], 0);
        (void)spotopt__knapsack_solve(&t.sack, 0); /* for its prices */
        bound = spotopt__knapsack_label(&t.sack, 0.0);
        CU_ASSERT_DOUBLE_EQUAL(bound, truth, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(worth_of_best(&t), truth, 1e-9);
        /* Nothing above what is asked for: the bound is that, and no content takes its place. */
        CU_ASSERT_DOUBLE_EQUAL(spotopt__knapsack_label(&t.sack, truth + 1.0), truth + 1.0, 1e-9);
        free_toy(&t);
    }
}

static void
test_label__never_says_less_than_limits_per_node_allow(void)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        toy t;
        double bound, truth;

        make_toy(&t, seed, true);
        truth = best_of_all(&t, 0, t.model.class_at[0].capacity[0], t.model.class_at[0].capacity[1],
                            t.limit);
        (void)spotopt__knapsack_solve(&t.sack, 0);
        bound = spotopt__knapsack_label(&t.sack, 0.0);
        CU_ASSERT(bound >= truth - 1e-9);
        CU_ASSERT(worth_of_best(&t) <= truth + 1e-9);
        free_toy(&t);
    }
}

static void
test_stride__never_says_less_than_the_best_content_earns(void)
{
    uint32_t said = 0;

    for (uint64_t seed = 1; seed <= 2 * ROUNDS; seed++) {
        toy t;
        double bound, truth, relaxed;

        make_toy(&t, seed, seed % 2 == 0);
        truth = best_of_all(&t, 0, t.model.class_at[0].capacity[0], t.model.class_at[0].capacity[1],
                            t.limit);
        relaxed = spotopt__knapsack_solve(&t.sack, 0);
        bound = spotopt__knapsack_stride(&t.sack);
        said += bound <= relaxed * (1.0 + 1e-9) + 1e-9;
        CU_ASSERT(bound >= truth - 1e-9);
        free_toy(&t);
    }
    CU_ASSERT(said > ROUNDS); /* and mostly no more than prices alone */
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_label__finds_the_best_content_and_says_so),
        TEST(test_label__never_says_less_than_limits_per_node_allow),
        TEST(test_stride__never_says_less_than_the_best_content_earns),
    };

    return suite_run("pack_label", tests, sizeof tests / sizeof *tests);
}
