/* SPDX-License-Identifier: Apache-2.0 */
/* Packings planted so that their cost is known, of more shapes than the pattern LP has rows for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "pack/search.h"
#include "suite.h"

enum { SIZES = 5, STEPS = 2, MOST = 400, SEEDS = 3 };

typedef struct plantation {
    spotopt_problem *problem;
    double request[MOST][2];
    uint32_t count[MOST], shapes;
    double capacity[SIZES][2],
        cost[SIZES * STEPS]; /* a pool a step, a dearer one after a cheaper */
    uint32_t max[SIZES * STEPS];
    double planted; /* what the nodes cost together that all was cut from */
} plantation;

/* A node's capacity cut into pieces; the last takes what is left. */
static void
cut_node(plantation *p, spotopt__rng *rng, uint32_t size)
{
    double left[2] = {p->capacity[size][0], p->capacity[size][1]};
    uint32_t pieces = 3 + (uint32_t)spotopt__rng_below(rng, 6);

    for (uint32_t j = 0; j < pieces && left[0] >= 1.0 && left[1] >= 1.0 && p->shapes < MOST; j++) {
        double *request = p->request[p->shapes];
        for (int r = 0; r < 2; r++)
            request[r] =
                j + 1 == pieces ? left[r] : 1.0 + floor(left[r] * 0.5 * spotopt__rng_unit(rng));
        if (request[0] > left[0] || request[1] > left[1])
            break;
        left[0] -= request[0];
        left[1] -= request[1];
        p->count[p->shapes++] = 1;
    }
}

static void
plant(plantation *p, uint64_t seed, uint32_t shapes, uint32_t copies)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt__rng rng;

    memset(p, 0, sizeof *p);
    spotopt__rng_seed(&rng, seed);
    for (uint32_t s = 0; s < SIZES; s++) {
        p->capacity[s][0] = 64.0 * (double)(1 + s);
        p->capacity[s][1] = p->capacity[s][0] * (double)(2 << (s % 3));
    }
    for (uint32_t k = 0; k < SIZES * STEPS; k++)
        p->cost[k] = (p->capacity[k / STEPS][0] + 0.2 * p->capacity[k / STEPS][1]) *
                     (1.0 + 0.3 * (double)(k % STEPS) + 0.1 * spotopt__rng_unit(&rng));
    while (p->shapes < shapes) {
        uint32_t k = (uint32_t)spotopt__rng_below(&rng, SIZES * STEPS), first = p->shapes;
        cut_node(p, &rng, k / STEPS);
        for (uint32_t i = first; i < p->shapes; i++)
            p->count[i] = copies;
        p->max[k] += copies;
        p->planted += copies * p->cost[k];
    }
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, resources, 2, &p->problem, NULL), SPOTOPT_OK);
    for (uint32_t k = 0; k < SIZES * STEPS; k++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        char id[16];
        snprintf(id, sizeof id, "pool%u", k);
        spec.id = id;
        spec.capacity = p->capacity[k / STEPS];
        spec.cost = p->cost[k];
        p->max[k] += 2;
        spec.max = p->max[k];
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(p->problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t i = 0; i < p->shapes; i++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        char id[16];
        snprintf(id, sizeof id, "d%u", i);
        spec.id = id;
        spec.request = p->request[i];
        spec.count = p->count[i];
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(p->problem, &spec, NULL, NULL),
                              SPOTOPT_OK);
    }
}

static spotopt_packing *
solve(plantation *p, double work)
{
    spotopt_options *options = NULL;
    spotopt_packing *packing = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "deadline_s", 1e6, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", (int64_t)work, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_problem_solve(p->problem, options, &packing, NULL), SPOTOPT_OK);
    spotopt_options_free(options);
    return packing;
}

/* Everything placed, no node too full, no pool overdrawn, and the cost what it says. */
static void
judge(const plantation *p, const spotopt_packing *packing)
{
    uint32_t opened[SIZES * STEPS] = {0};
    uint64_t placed[MOST] = {0};
    double cost = 0.0;

    for (size_t n = 0; n < spotopt_packing_row_count(packing); n++) {
        spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;
        double use[2] = {0.0, 0.0};
        CU_ASSERT_EQUAL_FATAL(spotopt_packing_row_at(packing, n, &row, NULL), SPOTOPT_OK);
        opened[row.pool] += row.count;
        cost += row.count * p->cost[row.pool];
        for (uint32_t h = 0; h < row.hold_count; h++) {
            placed[row.demands[h]] += (uint64_t)row.count * row.replicas[h];
            for (int r = 0; r < 2; r++)
                use[r] += row.replicas[h] * p->request[row.demands[h]][r];
        }
        for (int r = 0; r < 2; r++)
            CU_ASSERT(use[r] <= p->capacity[row.pool / STEPS][r]);
    }
    for (uint32_t k = 0; k < SIZES * STEPS; k++)
        CU_ASSERT(opened[k] <= p->max[k]);
    for (uint32_t i = 0; i < p->shapes; i++)
        CU_ASSERT_EQUAL(placed[i], p->count[i]);
    CU_ASSERT_DOUBLE_EQUAL(cost, spotopt_packing_cost(packing), 1e-6 * cost);
}

static void
look(uint32_t shapes, uint32_t copies, double worse)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        plantation p;
        spotopt_packing *packing;

        plant(&p, seed, shapes, copies);
        packing = solve(&p, 4e6);
        judge(&p, packing);
        CU_ASSERT(spotopt_packing_bound(packing) <= p.planted * (1.0 + 1e-9));
        CU_ASSERT(spotopt_packing_bound(packing) <= spotopt_packing_cost(packing));
        CU_ASSERT(spotopt_packing_cost(packing) <= p.planted * worse);
        spotopt_packing_free(packing);
        spotopt_problem_free(p.problem);
    }
}

static void
test_columns__come_close_to_a_planted_packing_of_few_shapes(void)
{
    look(30, 4, 1.04);
}

static void
test_columns__come_close_where_shapes_share_rows(void)
{
    look(200, 3, 1.04);
}

static void
test_columns__give_the_same_answer_twice(void)
{
    for (int twice = 0; twice < 2; twice++) {
        plantation p;
        spotopt_packing *packing[2] = {NULL, NULL};
        char *text[2] = {NULL, NULL};
        size_t length[2] = {0, 0};

        plant(&p, 9, 120, 3);
        for (int n = 0; n < 2; n++) {
            packing[n] = solve(&p, 2e6);
            CU_ASSERT_EQUAL_FATAL(
                spotopt_packing_write_json(packing[n], &text[n], &length[n], NULL), SPOTOPT_OK);
        }
        CU_ASSERT_STRING_EQUAL(text[0], text[1]);
        for (int n = 0; n < 2; n++) {
            spotopt_text_free(NULL, text[n]);
            spotopt_packing_free(packing[n]);
        }
        spotopt_problem_free(p.problem);
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_columns__come_close_to_a_planted_packing_of_few_shapes),
        TEST(test_columns__come_close_where_shapes_share_rows),
        TEST(test_columns__give_the_same_answer_twice),
    };

    return suite_run("pack_columns", tests, sizeof tests / sizeof *tests);
}
