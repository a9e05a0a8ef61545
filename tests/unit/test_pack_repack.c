/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fleets that run: the answer is never dearer than leaving everything where it is, and the moves
 * that pay are found, one node's pods to many and many nodes' to few. SPOTOPT_FLEETS=n makes n
 * random fleets of up to 1,000 nodes.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "fail_alloc.h"
#include "spotopt/pack.h"
#include "suite.h"

enum { RESOURCES = 2, DEMANDS_MOST = 40, POOLS_MOST = 12, NODES_MOST = 1000 };

/* Kept beside the problem, so that the judge needs nothing of the solver. */
typedef struct fleet {
    uint32_t pools, demands, nodes;
    double capacity[POOLS_MOST][RESOURCES], cost[POOLS_MOST];
    double request[DEMANDS_MOST][RESOURCES], move[DEMANDS_MOST];
    uint32_t count[DEMANDS_MOST];
    uint32_t pool_of[NODES_MOST];
    uint32_t holds[NODES_MOST][DEMANDS_MOST], fixed[NODES_MOST][DEMANDS_MOST];
    double keep; /* what it costs as it stands */
} fleet;

static spotopt_problem *
build_in(const fleet *f, spotopt_context *context)
{
    static const char *const names[] = {"cpu", "memory"};
    spotopt_problem *problem = NULL;
    char id[24];

    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(context, names, RESOURCES, &problem, NULL),
                          SPOTOPT_OK);
    for (uint32_t p = 0; p < f->pools; p++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;

        snprintf(id, sizeof id, "p%u", (unsigned)p);
        spec.id = id;
        spec.capacity = f->capacity[p];
        spec.cost = f->cost[p];
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t d = 0; d < f->demands; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;

        snprintf(id, sizeof id, "d%u", (unsigned)d);
        spec.id = id;
        spec.request = f->request[d];
        spec.count = f->count[d];
        spec.move_cost = f->move[d];
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t n = 0; n < f->nodes; n++) {
        spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;

        snprintf(id, sizeof id, "n%u", (unsigned)n);
        spec.id = id;
        spec.pool = f->pool_of[n];
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_node(problem, &spec, NULL, NULL), SPOTOPT_OK);
        for (uint32_t d = 0; d < f->demands; d++) {
            if (f->holds[n][d] > 0)
                CU_ASSERT_EQUAL_FATAL(spotopt_problem_set_resident(problem, n, d, f->holds[n][d],
                                                                   f->fixed[n][d], NULL),
                                      SPOTOPT_OK);
        }
    }
    return problem;
}

static spotopt_problem *
build(const fleet *f)
{
    return build_in(f, NULL);
}

/* The cost of an answer from its rows alone; -1, with a word, when it is none. */
static double
judge(const fleet *f, const spotopt_packing *packing)
{
    static bool is_kept[NODES_MOST];
    uint64_t placed[DEMANDS_MOST] = {0};
    double cost = 0.0;
    const char *wrong = NULL;

    memset(is_kept, 0, sizeof is_kept);
    for (size_t i = 0; i < spotopt_packing_row_count(packing); i++) {
        spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;
        double load[RESOURCES] = {0};
        uint32_t here[DEMANDS_MOST] = {0};

        CU_ASSERT_EQUAL_FATAL(spotopt_packing_row_at(packing, i, &row, NULL), SPOTOPT_OK);
        cost += row.count * f->cost[row.pool];
        for (uint32_t h = 0; h < row.hold_count; h++) {
            here[row.demands[h]] = row.replicas[h];
            placed[row.demands[h]] += (uint64_t)row.replicas[h] * row.count;
            for (int r = 0; r < RESOURCES; r++)
                load[r] += row.replicas[h] * f->request[row.demands[h]][r];
        }
        for (int r = 0; r < RESOURCES; r++) {
            if (load[r] > f->capacity[row.pool][r] + 1e-6)
                wrong = "too much on a node";
        }
        if (row.node == SPOTOPT_NO_NODE)
            continue;
        if (row.pool != f->pool_of[row.node] || row.count != 1 || is_kept[row.node])
            wrong = "a running node is not itself";
        is_kept[row.node] = true;
        for (uint32_t d = 0; d < f->demands; d++) {
            if (here[d] < f->fixed[row.node][d])
                wrong = "a fixed replica left";
            if (f->holds[row.node][d] > here[d])
                cost += f->move[d] * (f->holds[row.node][d] - here[d]);
        }
    }
    for (uint32_t n = 0; n < f->nodes; n++) {
        for (uint32_t d = 0; d < f->demands && !is_kept[n]; d++) {
            cost += f->move[d] * f->holds[n][d];
            if (f->fixed[n][d] > 0)
                wrong = "a fixed replica left";
        }
    }
    for (uint32_t d = 0; d < f->demands; d++) {
        if (placed[d] != f->count[d])
            wrong = "not all replicas are placed";
    }
    if (wrong != NULL)
        fprintf(stderr, "%s\n", wrong);
    CU_ASSERT_PTR_NULL(wrong);
    return wrong == NULL ? cost : -1.0;
}

/* Solves and judges; the cost. */
static double
repack(const fleet *f, int64_t work, double gap)
{
    spotopt_problem *problem = build(f);
    spotopt_packing *packing = NULL;
    spotopt_options *options = NULL;
    double cost;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", work, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap_rel", gap, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "deadline_s", 60.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, options, &packing, NULL), SPOTOPT_OK);
    CU_ASSERT(spotopt_packing_outcome(packing) <= SPOTOPT_OUTCOME_FEASIBLE);
    cost = judge(f, packing);
    CU_ASSERT_DOUBLE_EQUAL(cost, spotopt_packing_cost(packing), 1e-6 * (1.0 + cost));
    CU_ASSERT(spotopt_packing_bound(packing) <= cost + 1e-6);
    CU_ASSERT(cost <= f->keep + 1e-6 * (1.0 + f->keep));
    spotopt_options_free(options);
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
    return cost;
}

static void
random_fleet(fleet *f, uint64_t seed, uint32_t nodes)
{
    spotopt__rng rng;
    double fullest;

    memset(f, 0, sizeof *f);
    spotopt__rng_seed(&rng, seed);
    f->pools = 4 + (uint32_t)spotopt__rng_below(&rng, POOLS_MOST - 3);
    f->demands = 5 + (uint32_t)spotopt__rng_below(&rng, DEMANDS_MOST - 4);
    f->nodes = nodes;
    fullest = 0.2 + 0.7 * spotopt__rng_unit(&rng);
    for (uint32_t p = 0; p < f->pools; p++) {
        f->capacity[p][0] = 1000.0 * (double)(2 << spotopt__rng_below(&rng, 4));
        f->capacity[p][1] = f->capacity[p][0] * (double)(1 + spotopt__rng_below(&rng, 4));
        f->cost[p] = f->capacity[p][0] * (2.0 + spotopt__rng_unit(&rng)) * 1e-5 +
                     f->capacity[p][1] * (2.0 + spotopt__rng_unit(&rng)) * 1e-6;
    }
    for (uint32_t d = 0; d < f->demands; d++) {
        f->request[d][0] = 50.0 * (double)(1 + spotopt__rng_below(&rng, 30));
        f->request[d][1] = 64.0 * (double)(1 + spotopt__rng_below(&rng, 40));
        f->move[d] = 1e-4 * (double)spotopt__rng_below(&rng, 40);
    }
    for (uint32_t n = 0; n < nodes; n++) {
        double load[RESOURCES] = {0};
        const uint32_t p = f->pool_of[n] = (uint32_t)spotopt__rng_below(&rng, f->pools);
        const double most = fullest * (0.5 + spotopt__rng_unit(&rng));

        f->keep += f->cost[p];
        for (int tries = 0; tries < 40; tries++) {
            const uint32_t d = (uint32_t)spotopt__rng_below(&rng, f->demands);
            bool fits = true;

            for (int r = 0; r < RESOURCES; r++)
                fits = fits && load[r] + f->request[d][r] <= f->capacity[p][r] * fmin(most, 1.0);
            if (!fits)
                continue;
            for (int r = 0; r < RESOURCES; r++)
                load[r] += f->request[d][r];
            f->holds[n][d]++;
            f->count[d]++;
            if (spotopt__rng_below(&rng, 60) == 0)
                f->fixed[n][d]++;
        }
    }
}

static void
test_repack__is_never_dearer_than_leaving_all_in_place(void)
{
    static fleet f;
    const char *cases = getenv("SPOTOPT_FLEETS");
    const uint64_t fleets = cases != NULL ? strtoull(cases, NULL, 10) : 6;
    double saved = 0.0;

    for (uint64_t seed = 1; seed <= fleets; seed++) {
        const uint32_t nodes =
            cases != NULL ? 200 + (uint32_t)(seed * 97 % 801) : 30 + 34 * (uint32_t)seed;

        random_fleet(&f, seed, nodes);
        saved += 1.0 - repack(&f, cases != NULL ? 4000000 : 100000, 0.001) / f.keep;
    }
    printf(" %.1f %% saved ", 100.0 * saved / (double)fleets);
    CU_ASSERT(saved > 0.0); /* half empty fleets: there is something to save */
}

/*
 * Groups of five nodes with one pod of 8 and room for one of 2, and a node with five of 2. All load
 * together fills five nodes a group to the brim, and small pods are the cheapest to move: the sixth
 * node's go to the five others.
 */
static void
test_repack__spreads_one_nodes_pods_over_free_room(void)
{
    static fleet f;
    const uint32_t groups = 34;

    memset(&f, 0, sizeof f);
    f.pools = 1;
    f.demands = 2;
    f.nodes = 6 * groups;
    f.cost[0] = 1.0;
    f.capacity[0][0] = f.capacity[0][1] = 10.0;
    f.request[0][0] = f.request[0][1] = 8.0;
    f.request[1][0] = f.request[1][1] = 2.0;
    f.move[0] = 0.05;
    f.move[1] = 0.01;
    f.count[0] = f.count[1] = 5 * groups;
    for (uint32_t n = 0; n < f.nodes; n++) {
        f.holds[n][0] = n % 6 != 5;
        f.holds[n][1] = n % 6 == 5 ? 5 : 0;
    }
    f.keep = f.nodes;
    CU_ASSERT_DOUBLE_EQUAL(repack(&f, 5000000, 0.0), groups * (5.0 + 5 * 0.01), 1e-6);
}

/* A large node with little on it is exchanged for two small new ones. */
static void
test_repack__exchanges_a_large_node_for_small_ones(void)
{
    static fleet f;

    memset(&f, 0, sizeof f);
    f.pools = 3;
    f.demands = 2;
    f.nodes = 200;
    for (int r = 0; r < RESOURCES; r++) {
        f.capacity[0][r] = 16.0;
        f.capacity[1][r] = 2.0;
        f.capacity[2][r] = 1.0;
        f.request[0][r] = 2.0;
        f.request[1][r] = 1.0;
    }
    f.cost[0] = 1.7; /* full, it would be dearer than small ones as well */
    f.cost[1] = 0.2;
    f.cost[2] = 0.1;
    f.move[0] = f.move[1] = 0.02;
    f.count[0] = f.count[1] = f.nodes;
    for (uint32_t n = 0; n < f.nodes; n++)
        f.holds[n][0] = f.holds[n][1] = 1;
    f.keep = 1.7 * f.nodes;
    /* A node kept and filled: 16 units for 1.7 plus moves; new ones: a unit for 0.1. */
    CU_ASSERT_DOUBLE_EQUAL(repack(&f, 5000000, 0.0), f.nodes * (0.3 + 2 * 0.02), 1e-6);
}

/* Three full nodes become one larger, cheaper by a third, as long as moving is cheap. */
static void
test_repack__replaces_many_nodes_by_few(void)
{
    static fleet f;
    const uint32_t groups = 70;

    memset(&f, 0, sizeof f);
    f.pools = 2;
    f.demands = 1;
    f.nodes = 3 * groups;
    for (int r = 0; r < RESOURCES; r++) {
        f.capacity[0][r] = 10.0;
        f.capacity[1][r] = 30.0;
        f.request[0][r] = 2.0;
    }
    f.cost[0] = 1.0;
    f.cost[1] = 2.0;
    f.move[0] = 0.01;
    f.count[0] = 5 * f.nodes;
    for (uint32_t n = 0; n < f.nodes; n++)
        f.holds[n][0] = 5;
    f.keep = f.nodes;
    CU_ASSERT_DOUBLE_EQUAL(repack(&f, 5000000, 0.0), groups * (2.0 + 15 * 0.01), 1e-6);
    f.move[0] = 0.07; /* 15 moves cost more than the node saves */
    CU_ASSERT_DOUBLE_EQUAL(repack(&f, 1000000, 0.0), f.keep, 1e-6);
}

/* Half empty nodes of one kind: as many are left as the load needs, and nothing moves twice. */
static void
test_repack__drops_nodes_that_are_not_needed(void)
{
    static fleet f;
    const uint32_t groups = 60;

    memset(&f, 0, sizeof f);
    f.pools = 1;
    f.demands = 1;
    f.nodes = 3 * groups;
    f.cost[0] = 1.0;
    f.capacity[0][0] = f.capacity[0][1] = 6.0;
    f.request[0][0] = f.request[0][1] = 1.0;
    f.move[0] = 0.01;
    f.count[0] = 4 * f.nodes; /* two thirds full: every third node goes */
    for (uint32_t n = 0; n < f.nodes; n++)
        f.holds[n][0] = 4;
    f.keep = f.nodes;
    CU_ASSERT_DOUBLE_EQUAL(repack(&f, 5000000, 0.0), groups * (2.0 + 4 * 0.01), 1e-6);
}

/*
 * Each node stays for one fixed pod, and what runs beside it elsewhere, on dear nodes, fits exactly
 * into the rooms that are left: in pairs of unequal pods that largest first does not find.
 */
static void
test_repack__fills_the_room_beside_what_is_fixed(void)
{
    static fleet f;
    const uint32_t pairs = 20;

    memset(&f, 0, sizeof f);
    f.pools = 2;
    f.demands = 4;
    f.nodes = 2 * pairs;
    for (int r = 0; r < RESOURCES; r++) {
        f.capacity[0][r] = 20.0;
        f.capacity[1][r] = 30.0;
        f.request[0][r] = 3.0;
        f.request[1][r] = 7.0; /* beside 3: 7 and 10, or 7 and twice 5 */
        f.request[2][r] = 5.0;
        f.request[3][r] = 10.0;
    }
    f.cost[0] = 1.0;
    f.cost[1] = 3.0;
    for (uint32_t d = 0; d < f.demands; d++)
        f.move[d] = 0.01;
    for (uint32_t n = 0; n < f.nodes; n++) {
        if (n < pairs) {
            f.holds[n][0] = f.fixed[n][0] = 1;
        } else {
            f.pool_of[n] = 1;
            f.holds[n][1] = 1;
            f.holds[n][n % 2 == 0 ? 2 : 3] = n % 2 == 0 ? 2 : 1;
        }
        for (uint32_t d = 0; d < f.demands; d++)
            f.count[d] += f.holds[n][d];
        f.keep += f.cost[f.pool_of[n]];
    }
    CU_ASSERT_DOUBLE_EQUAL(repack(&f, 3000000, 0.0), pairs * (1.0 + 2.5 * 0.01), 1e-6);
}

/* At most four of three demands on a node; what runs may go on breaking it. */
static void
keep_apart(spotopt_problem *problem, uint32_t demand)
{
    const uint32_t demands[] = {demand, demand + 1, demand + 2};
    spotopt_rule_spec spec = SPOTOPT_RULE_SPEC_INIT;

    spec.kind = SPOTOPT_RULE_AT_MOST;
    spec.per = "node";
    spec.demands = demands;
    spec.demand_count = 3;
    spec.count = 4;
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_rule(problem, &spec, NULL), SPOTOPT_OK);
}

/* The same packing twice, near the bound although nodes are of all kinds and half of them full. */
static void
test_repack__comes_near_the_bound_the_same_each_time(void)
{
    static fleet f;

    for (uint64_t seed = 11; seed <= 14; seed++) {
        double cost[2], bound = 0.0;

        random_fleet(&f, seed, 40);
        for (int turn = 0; turn < 2; turn++) {
            spotopt_problem *problem = build(&f);
            spotopt_packing *packing = NULL;
            spotopt_options *options = NULL;

            for (uint32_t d = 0; d + 3 < f.demands && seed % 2 == 0; d++)
                keep_apart(problem, d);
            CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", 3000000, NULL), SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_options_set_int(options, "threads", 1 + turn, NULL),
                            SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_options_set_real(options, "deadline_s", 600.0, NULL),
                            SPOTOPT_OK);
            CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, options, &packing, NULL),
                                  SPOTOPT_OK);
            cost[turn] = judge(&f, packing);
            bound = spotopt_packing_bound(packing);
            spotopt_options_free(options);
            spotopt_packing_free(packing);
            spotopt_problem_free(problem);
        }
        printf(" %.2f%%", 100.0 * (cost[0] - bound) / cost[0]);
        CU_ASSERT(seed % 2 == 0 || cost[0] <= 1.03 * bound);
        CU_ASSERT_DOUBLE_EQUAL(cost[0], cost[1], 0.0);
    }
}

/* Each allocation in its turn; nothing leaks, and the status says it. */
static void
test_repack__allocations_may_fail(void)
{
    static fleet f;
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context;
    spotopt_problem *problem;
    spotopt_options *options = NULL;
    size_t live;
    bool failed = true;

    fail_never(&allocator);
    context = fail_alloc_context(&allocator);
    random_fleet(&f, 21, 12);
    problem = build_in(&f, context);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "deadline_s", 600.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", 150000, NULL), SPOTOPT_OK);
    live = allocator.live;
    for (size_t n = 0; failed && n < 100000; n += 1 + n / 30) {
        spotopt_packing *packing = NULL;
        spotopt_status status;

        fail_after(&allocator, n);
        status = spotopt_problem_solve(problem, options, &packing, NULL);
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
        TEST(test_repack__is_never_dearer_than_leaving_all_in_place),
        TEST(test_repack__spreads_one_nodes_pods_over_free_room),
        TEST(test_repack__exchanges_a_large_node_for_small_ones),
        TEST(test_repack__replaces_many_nodes_by_few),
        TEST(test_repack__drops_nodes_that_are_not_needed),
        TEST(test_repack__fills_the_room_beside_what_is_fixed),
        TEST(test_repack__comes_near_the_bound_the_same_each_time),
        TEST(test_repack__allocations_may_fail),
    };

    return suite_run("pack_repack", tests, sizeof tests / sizeof *tests);
}
