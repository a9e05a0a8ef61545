/* SPDX-License-Identifier: Apache-2.0 */
/* A packing starts the next solve; a written one is read again; what changed meanwhile is honoured.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "spotopt/pack.h"
#include "suite.h"

enum { POOLS = 8, DEMANDS = 9, NONE = -1 };

/* Random demands and pools; what changes does so without touching the numbers drawn. */
typedef struct change {
    int withdrawn; /* pool; NONE */
    int first;     /* pools are added from this one on: indices change, ids do not */
    uint32_t more; /* replicas of each demand */
    int ruled; /* at most 2 of the first three demands a node; demands 3 and 4 spread over zones */
} change;

static spotopt_problem *
make_problem(spotopt_context *context, unsigned seed, const change *c)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt_problem *problem = NULL;
    spotopt_status status = spotopt_problem_new(context, resources, 2, &problem, NULL);

    for (int j = 0; status == SPOTOPT_OK && j < POOLS; j++) {
        const int p = (j + c->first) % POOLS;
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        const double size = (double)(2 << (p % 3));
        const double capacity[] = {size, size * (p < 4 ? 2 : 4)};
        char id[16], zone[4];
        uint32_t index;

        snprintf(id, sizeof id, "pool%d", p);
        snprintf(zone, sizeof zone, "z%d", p % 2);
        spec.id = id;
        spec.capacity = capacity;
        spec.cost =
            size * (0.09 + 0.01 * ((seed * 7 + (unsigned)p * 5) % 4)) + (p < 4 ? 0.0 : 0.03);
        spec.max = p == c->withdrawn ? 0 : p % 3 == 1 ? 6 : SPOTOPT_NO_LIMIT;
        status = spotopt_problem_add_pool(problem, &spec, &index, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_problem_set_pool_label(problem, index, "zone", zone, NULL);
    }
    for (int d = 0; status == SPOTOPT_OK && d < DEMANDS; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        const double request[] = {0.25 * (1 + (seed + (unsigned)d * 3) % 5),
                                  0.5 * (1 + (seed * 3 + (unsigned)d * 7) % 6)};
        char id[16];

        snprintf(id, sizeof id, "demand%d", d);
        spec.id = id;
        spec.request = request;
        spec.count = 2 + (seed + (unsigned)d * 5) % 9 + c->more;
        status = spotopt_problem_add_demand(problem, &spec, NULL, NULL);
    }
    if (status == SPOTOPT_OK && c->ruled) {
        static const uint32_t first[] = {0, 1, 2}, spread[] = {3, 4};
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

        rule.kind = SPOTOPT_RULE_AT_MOST;
        rule.per = "node";
        rule.count = 2;
        rule.demands = first;
        rule.demand_count = 3;
        status = spotopt_problem_add_rule(problem, &rule, NULL);
        rule = (spotopt_rule_spec)SPOTOPT_RULE_SPEC_INIT;
        rule.kind = SPOTOPT_RULE_SPREAD;
        rule.per = "zone";
        rule.demands = spread;
        rule.demand_count = 2;
        if (status == SPOTOPT_OK)
            status = spotopt_problem_add_rule(problem, &rule, NULL);
    }
    if (status == SPOTOPT_OK)
        return problem;
    spotopt_problem_free(problem);
    return NULL;
}

static spotopt_packing *
solve(spotopt_problem *problem, const spotopt_packing *previous)
{
    spotopt_packing *packing = NULL;
    spotopt_options *options = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap_rel", 0.001, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", 200000, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve_from(problem, options, previous, &packing, NULL),
                          SPOTOPT_OK);
    spotopt_options_free(options);
    return packing;
}

static bool
uses_pool(const spotopt_packing *packing, const spotopt_problem *problem, const char *id)
{
    for (size_t i = 0; i < spotopt_packing_row_count(packing); i++) {
        spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;

        CU_ASSERT_EQUAL_FATAL(spotopt_packing_row_at(packing, i, &row, NULL), SPOTOPT_OK);
        if (row.node == SPOTOPT_NO_NODE &&
            strcmp(spotopt_problem_pool_id(problem, row.pool), id) == 0)
            return true;
    }
    return false;
}

/* Costs and bounds of both ways agree: each is an answer to the same problem. */
static void
expect_consistent(const spotopt_packing *quick, const spotopt_packing *fresh)
{
    CU_ASSERT(spotopt_packing_outcome(quick) <= SPOTOPT_OUTCOME_FEASIBLE);
    CU_ASSERT(spotopt_packing_bound(quick) <= spotopt_packing_cost(fresh) + 1e-9);
    CU_ASSERT(spotopt_packing_bound(fresh) <= spotopt_packing_cost(quick) + 1e-9);
}

static void
test_solve_from__never_ends_above_an_answer_that_still_holds(void)
{
    for (unsigned seed = 0; seed < 12; seed++) {
        const change c = {NONE, 0, 0, (int)seed % 2}, turned = {NONE, 3, 0, (int)seed % 2};
        spotopt_problem *before = make_problem(NULL, seed, &c),
                        *now = make_problem(NULL, seed, &turned);
        spotopt_packing *first = solve(before, NULL), *again;

        spotopt_problem_free(before); /* the packing holds what it needs */
        again = solve(now, first);
        CU_ASSERT(spotopt_packing_cost(again) <= spotopt_packing_cost(first) + 1e-9);
        CU_ASSERT(spotopt_packing_bound(again) <= spotopt_packing_cost(first) + 1e-9);
        spotopt_packing_free(first);
        spotopt_packing_free(again);
        spotopt_problem_free(now);
    }
}

static void
test_solve_from__leaves_a_withdrawn_pool_and_places_all(void)
{
    for (unsigned seed = 0; seed < 24; seed++) {
        const change c = {NONE, 0, 0, (int)seed % 2};
        change after = {(int)(seed % POOLS), (int)(seed % 3), 0, (int)seed % 2};
        spotopt_problem *before = make_problem(NULL, seed, &c),
                        *now = make_problem(NULL, seed, &after);
        spotopt_packing *first = solve(before, NULL), *quick = solve(now, first),
                        *fresh = solve(now, NULL);
        char id[16];

        snprintf(id, sizeof id, "pool%d", after.withdrawn);
        CU_ASSERT_FALSE(uses_pool(quick, now, id));
        expect_consistent(quick, fresh);
        for (uint32_t d = 0; d < DEMANDS; d++)
            CU_ASSERT_EQUAL(spotopt_packing_unplaced(quick, d), 0);
        spotopt_packing_free(first);
        spotopt_packing_free(quick);
        spotopt_packing_free(fresh);
        spotopt_problem_free(before);
        spotopt_problem_free(now);
    }
}

static void
test_solve_from__places_replicas_that_came(void)
{
    for (unsigned seed = 0; seed < 12; seed++) {
        const change c = {NONE, 0, 3, (int)seed % 2}, more = {NONE, 1, 5, (int)seed % 2},
                     fewer = {NONE, 1, 0, (int)seed % 2};
        spotopt_problem *before = make_problem(NULL, seed, &c);
        spotopt_packing *first = solve(before, NULL);

        for (int way = 0; way < 2; way++) {
            spotopt_problem *now = make_problem(NULL, seed, way == 0 ? &more : &fewer);
            spotopt_packing *quick = solve(now, first), *fresh = solve(now, NULL);

            expect_consistent(quick, fresh);
            spotopt_packing_free(quick);
            spotopt_packing_free(fresh);
            spotopt_problem_free(now);
        }
        spotopt_packing_free(first);
        spotopt_problem_free(before);
    }
}

/* Prices prove a bound whatever they are; a document may say anything of them. */
static void
test_solve_from__believes_no_price(void)
{
    static const double factors[] = {0.0, 0.5, 1.5, 40.0, 1e200};

    for (unsigned seed = 0; seed < 10; seed++) {
        const change c = {NONE, 0, 0, (int)seed % 2};
        spotopt_problem *problem = make_problem(NULL, seed, &c);
        spotopt_packing *fresh = solve(problem, NULL);

        for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
            spotopt_packing *read = NULL, *quick;
            char text[1024];
            int used = snprintf(text, sizeof text,
                                "{\"kind\":\"PackingResult\",\"outcome\":\"feasible\",\"cost\":1,"
                                "\"bound\":1e9,\"nodes\":[],\"prices\":{");

            for (int d = 0; d < DEMANDS; d++)
                used +=
                    snprintf(text + used, sizeof text - (size_t)used, "%s\"demand%d\":%g",
                             d > 0 ? "," : "", d, 0.05 * factors[f] * (1 + (d + (int)seed) % 4));
            used += snprintf(text + used, sizeof text - (size_t)used, "}}");
            CU_ASSERT_EQUAL_FATAL(
                spotopt_packing_parse(problem, text, (size_t)used, "r.json", &read, NULL),
                SPOTOPT_OK);
            quick = solve(problem, read);
            expect_consistent(quick, fresh);
            spotopt_packing_free(read);
            spotopt_packing_free(quick);
        }
        spotopt_packing_free(fresh);
        spotopt_problem_free(problem);
    }
}

/* One of each fits a node, not two: the resource LP, which counts what is used, is far off. The
 * rule binds nothing; it keeps other searches away. */
static spotopt_problem *
make_coarse_pieces(uint32_t count)
{
    static const char *const resources[] = {"cpu", "memory"};
    static const double capacity[] = {10.0, 10.0}, first[] = {6.0, 1.0}, second[] = {1.0, 6.0};
    spotopt_pool_spec pool = SPOTOPT_POOL_SPEC_INIT;
    spotopt_demand_spec demand = SPOTOPT_DEMAND_SPEC_INIT;
    spotopt_problem *problem = NULL;
    const uint32_t both[] = {0, 1};
    spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(NULL, resources, 2, &problem, NULL), SPOTOPT_OK);
    pool.capacity = capacity;
    for (int p = 0; p < 2; p++) {
        pool.id = p == 0 ? "a" : "b";
        pool.cost = 1.0 + 0.5 * p;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &pool, NULL, NULL), SPOTOPT_OK);
    }
    demand.id = "x";
    demand.request = first;
    demand.count = count;
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &demand, NULL, NULL), SPOTOPT_OK);
    demand.id = "y";
    demand.request = second;
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &demand, NULL, NULL), SPOTOPT_OK);
    rule.kind = SPOTOPT_RULE_AT_MOST;
    rule.per = "node";
    rule.count = 100;
    rule.demands = both;
    rule.demand_count = 2;
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_rule(problem, &rule, NULL), SPOTOPT_OK);
    return problem;
}

static void
test_solve_from__has_the_bound_of_the_earlier_prices_at_once(void)
{
    spotopt_problem *before = make_coarse_pieces(40), *now = make_coarse_pieces(44);
    spotopt_packing *first = solve(before, NULL), *quick = solve(now, first);

    CU_ASSERT_EQUAL(spotopt_packing_outcome(quick), SPOTOPT_OUTCOME_OPTIMAL);
    CU_ASSERT_DOUBLE_EQUAL(spotopt_packing_cost(quick), 44.0, 1e-9);
    spotopt_packing_free(first);
    spotopt_packing_free(quick);
    spotopt_problem_free(before);
    spotopt_problem_free(now);
}

/* What five lost nodes held is bought again as it was, not scattered over others' patterns. */
static void
test_solve_from__buys_lost_nodes_again_as_they_were(void)
{
    int as_good = 0;

    for (unsigned seed = 0; seed < 12; seed++) {
        const change c = {NONE, 0, 20, 0};
        spotopt_problem *before = make_problem(NULL, seed, &c), *now = make_problem(NULL, seed, &c);
        spotopt_packing *first = solve(before, NULL), *again;
        uint32_t nodes = 0;

        for (size_t i = 0; i < spotopt_packing_row_count(first); i++) {
            spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;

            CU_ASSERT_EQUAL_FATAL(spotopt_packing_row_at(first, i, &row, NULL), SPOTOPT_OK);
            for (uint32_t k = 0; k < row.count; k++, nodes++) {
                spotopt_node_spec node = SPOTOPT_NODE_SPEC_INIT;
                uint32_t index = 0;
                char id[16];

                /* Pools with a limit stay as they are: what runs there does not count in it. */
                if (nodes % 7 == 3)
                    continue;
                snprintf(id, sizeof id, "n%u", (unsigned)nodes);
                node.id = id;
                node.pool = row.pool;
                CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_node(now, &node, &index, NULL),
                                      SPOTOPT_OK);
                for (uint32_t h = 0; h < row.hold_count; h++)
                    CU_ASSERT_EQUAL_FATAL(spotopt_problem_set_resident(now, index, row.demands[h],
                                                                       row.replicas[h], 0, NULL),
                                          SPOTOPT_OK);
            }
        }
        again = solve(now, first);
        /* Other nodes' contents may be wanted in full as well, and come first. */
        CU_ASSERT(spotopt_packing_cost(again) <= 1.03 * spotopt_packing_cost(first));
        as_good += spotopt_packing_cost(again) <= spotopt_packing_cost(first) + 1e-9;
        CU_ASSERT(spotopt_packing_bound(again) <= spotopt_packing_cost(first) + 1e-9);
        spotopt_packing_free(first);
        spotopt_packing_free(again);
        spotopt_problem_free(before);
        spotopt_problem_free(now);
    }
    CU_ASSERT(as_good >= 9);
}

static void
test_packing__reads_what_it_wrote(void)
{
    const change c = {NONE, 0, 0, 1};
    spotopt_problem *problem = make_problem(NULL, 5, &c);
    spotopt_packing *made = solve(problem, NULL), *read = NULL;
    char *text = NULL, *again = NULL;
    size_t length = 0;

    CU_ASSERT_EQUAL_FATAL(spotopt_packing_write_json(made, &text, &length, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_packing_parse(problem, text, length, "r.json", &read, NULL),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_packing_write_json(read, &again, NULL, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(strstr(text, "\"stats\"") - text, strstr(again, "\"stats\"") - again);
    CU_ASSERT_EQUAL(strncmp(text, again, (size_t)(strstr(text, "\"stats\"") - text)), 0);
    spotopt_text_free(NULL, text);
    spotopt_text_free(NULL, again);
    spotopt_packing_free(made);
    spotopt_packing_free(read);
    spotopt_problem_free(problem);
}

static void
expect_refusal(const char *text, const char *place)
{
    const change c = {NONE, 0, 0, 0};
    spotopt_problem *problem = make_problem(NULL, 1, &c);
    spotopt_packing *packing = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    CU_ASSERT_EQUAL(spotopt_packing_parse(problem, text, strlen(text), "r.json", &packing, &err),
                    SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NULL(packing);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, place));
    spotopt_problem_free(problem);
}

#define RESULT                                                                                     \
    "{\"kind\":\"PackingResult\",\"outcome\":\"feasible\",\"cost\":1,\"bound\":1,\"nodes\":"

static void
test_packing__refuses_wrong_documents_and_names_the_place(void)
{
    expect_refusal("{\"kind\":\"PackingProblem\"}", "/kind");
    expect_refusal("{\"kind\":\"PackingResult\",\"outcome\":\"good\"}", "/outcome");
    expect_refusal("{\"kind\":\"PackingResult\",\"outcome\":\"feasible\",\"cost\":-1}", "/cost");
    expect_refusal(RESULT "{}}", "/nodes");
    expect_refusal(RESULT "[{\"pool\":1}]}", "/nodes/0/pool");
    expect_refusal(RESULT "[{\"pool\":\"pool1\",\"count\":0,\"holds\":{}}]}", "/nodes/0/count");
    expect_refusal(RESULT "[{\"pool\":\"pool1\",\"node\":\"n\",\"count\":2,\"holds\":{}}]}",
                   "/nodes/0/count");
    expect_refusal(RESULT "[{\"pool\":\"pool1\",\"count\":1,\"holds\":{\"demand1\":-2}}]}",
                   "/nodes/0/holds/demand1");
    expect_refusal(RESULT "[],\"unplaced\":{\"demand1\":\"x\"}}", "/unplaced/demand1");
}

static void
test_packing__leaves_out_what_the_problem_does_not_have(void)
{
    static const char text[] = RESULT
        "[{\"pool\":\"gone\",\"count\":3,\"holds\":{\"demand1\":1}},"
        "{\"node\":\"gone\",\"pool\":\"pool1\",\"count\":1,\"holds\":{\"demand1\":1}},"
        "{\"pool\":\"pool1\",\"count\":2,\"holds\":{\"gone\":4,\"demand2\":1,\"demand0\":1}}]}";
    const change c = {NONE, 0, 0, 0};
    spotopt_problem *problem = make_problem(NULL, 1, &c);
    spotopt_packing *packing = NULL, *solved;
    spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;

    CU_ASSERT_EQUAL_FATAL(
        spotopt_packing_parse(problem, text, sizeof text - 1, "r.json", &packing, NULL),
        SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_packing_row_count(packing), 1);
    CU_ASSERT_EQUAL_FATAL(spotopt_packing_row_at(packing, 0, &row, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(row.hold_count, 2);
    CU_ASSERT_EQUAL(row.demands[0], 0);
    CU_ASSERT_EQUAL(row.demands[1], 2);
    solved = solve(problem, packing);
    CU_ASSERT(spotopt_packing_outcome(solved) <= SPOTOPT_OUTCOME_FEASIBLE);
    spotopt_packing_free(packing);
    spotopt_packing_free(solved);
    spotopt_problem_free(problem);
}

static spotopt_status
resolve_with(fail_alloc *allocator)
{
    const change c = {NONE, 0, 0, 1}, after = {2, 1, 1, 1};
    spotopt_context *context = fail_alloc_context(allocator);
    spotopt_problem *before, *now;
    spotopt_packing *first = NULL, *read = NULL, *quick = NULL;
    spotopt_options *options = NULL;
    char *text = NULL;
    size_t length = 0;
    spotopt_status status = SPOTOPT_E_NOMEM;

    if (context == NULL)
        return status;
    before = make_problem(context, 4, &c);
    now = make_problem(context, 4, &after);
    if (before != NULL && now != NULL)
        status = spotopt_options_new(context, &options, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_int(options, "work", 300, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve(before, options, &first, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_packing_write_json(first, &text, &length, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_packing_parse(now, text, length, "r.json", &read, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve_from(now, options, read, &quick, NULL);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, quick != NULL);
    spotopt_text_free(context, text);
    spotopt_options_free(options);
    spotopt_packing_free(first);
    spotopt_packing_free(read);
    spotopt_packing_free(quick);
    spotopt_problem_free(before);
    spotopt_problem_free(now);
    spotopt_context_free(context);
    return status;
}

static void
test_solve_from__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    size_t n = 0;
    spotopt_status status;

    do {
        fail_after(&allocator, n);
        status = resolve_with(&allocator);
        CU_ASSERT_EQUAL(allocator.live, 0);
        CU_ASSERT(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
        n += n < 400 ? 1 : 1 + n / 40;
    } while (status == SPOTOPT_E_NOMEM && n < 1000000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_solve_from__never_ends_above_an_answer_that_still_holds),
        TEST(test_solve_from__leaves_a_withdrawn_pool_and_places_all),
        TEST(test_solve_from__places_replicas_that_came),
        TEST(test_solve_from__believes_no_price),
        TEST(test_solve_from__has_the_bound_of_the_earlier_prices_at_once),
        TEST(test_solve_from__buys_lost_nodes_again_as_they_were),
        TEST(test_packing__reads_what_it_wrote),
        TEST(test_packing__refuses_wrong_documents_and_names_the_place),
        TEST(test_packing__leaves_out_what_the_problem_does_not_have),
        TEST(test_solve_from__survives_every_failing_allocation),
    };

    return suite_run("pack_resolve", tests, sizeof tests / sizeof *tests);
}
