/* SPDX-License-Identifier: Apache-2.0 */
/* Many demands of few shapes, told apart by rules alone: solved through a coarser problem. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "pack/problem.h"
#include "pack/search.h"
#include "suite.h"

enum { APPS = 12, SHAPES = 3, DEMANDS = APPS * SHAPES };

/*
 * Apps of three shapes each: the first third has at most one replica a node of all its apps
 * together, the second spreads each app over zones, the third wants each app in one zone.
 */
static spotopt_problem *
make_problem(spotopt_context *context, uint32_t replicas, double unplaced_cost)
{
    static const char *const resources[] = {"cpu", "memory"};
    static const double request[SHAPES][2] = {{1, 1}, {0.5, 2}, {2, 3}};
    spotopt_problem *problem = NULL;
    spotopt_status status = spotopt_problem_new(context, resources, 2, &problem, NULL);
    uint32_t alone[APPS / 3 * SHAPES], alone_count = 0;

    for (int p = 0; p < 12 && status == SPOTOPT_OK; p++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        const double size = (double)(1 << (1 + p / 3)), capacity[] = {size - 0.1, 2 * size - 0.1};
        char id[16], zone[8];

        snprintf(id, sizeof id, "p%d", p);
        snprintf(zone, sizeof zone, "z%d", p % 3);
        spec.id = id;
        spec.capacity = capacity;
        spec.cost = 0.1 * size;
        status = spotopt_problem_add_pool(problem, &spec, NULL, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_problem_set_pool_label(problem, (uint32_t)p, "zone", zone, NULL);
    }
    for (uint32_t d = 0; d < DEMANDS && status == SPOTOPT_OK; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        char id[16];

        snprintf(id, sizeof id, "d%u", (unsigned)d);
        spec.id = id;
        spec.request = request[d % SHAPES];
        spec.count = replicas + d % 2;
        spec.unplaced_cost = unplaced_cost;
        status = spotopt_problem_add_demand(problem, &spec, NULL, NULL);
        if (d / SHAPES % 3 == 0)
            alone[alone_count++] = d;
    }
    for (uint32_t a = 0; a < APPS && status == SPOTOPT_OK; a++) {
        const uint32_t own[] = {a * SHAPES, a * SHAPES + 1, a * SHAPES + 2};
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

        rule.per = "zone";
        rule.demands = own;
        rule.demand_count = SHAPES;
        rule.kind = a % 3 == 1 ? SPOTOPT_RULE_SPREAD : SPOTOPT_RULE_TOGETHER;
        if (a % 3 == 0 && a > 0)
            continue;
        if (a == 0) {
            rule.kind = SPOTOPT_RULE_AT_MOST;
            rule.per = "node";
            rule.count = 1;
            rule.demands = alone;
            rule.demand_count = alone_count;
        }
        status = spotopt_problem_add_rule(problem, &rule, NULL);
    }
    if (status == SPOTOPT_OK)
        return problem;
    spotopt_problem_free(problem);
    return NULL;
}

static spotopt_packing *
solve(uint32_t replicas, double unplaced_cost, uint32_t without)
{
    spotopt_problem *problem = make_problem(NULL, replicas, unplaced_cost);
    spotopt_packing *packing = NULL;
    spotopt_options *options = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", 300000, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap_rel", 0.001, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, options, without, &packing, NULL),
                          SPOTOPT_OK);
    spotopt_options_free(options);
    spotopt_problem_free(problem);
    return packing;
}

static void
test_coarse__keeps_every_rule_and_a_bound_that_holds(void)
{
    for (int way = 0; way < 4; way++) {
        const uint32_t replicas = way < 2 ? 3 : 17;
        const double unplaced = way % 2 == 0 ? (double)NAN : 0.11;
        spotopt_packing *with = solve(replicas, unplaced, 0),
                        *without = solve(replicas, unplaced, SPOTOPT__WITHOUT_COARSE);

        CU_ASSERT(spotopt_packing_outcome(with) <= SPOTOPT_OUTCOME_FEASIBLE);
        CU_ASSERT(spotopt_packing_outcome(without) <= SPOTOPT_OUTCOME_FEASIBLE);
        CU_ASSERT(spotopt_packing_bound(with) <= spotopt_packing_cost(without) + 1e-9);
        CU_ASSERT(spotopt_packing_bound(without) <= spotopt_packing_cost(with) + 1e-9);
        CU_ASSERT(spotopt_packing_gap(with) < 0.15);
        spotopt_packing_free(with);
        spotopt_packing_free(without);
    }
}

static void
test_coarse__gives_the_same_answer_twice(void)
{
    char *text[2];

    for (int i = 0; i < 2; i++) {
        spotopt_packing *packing = solve(7, (double)NAN, 0);

        CU_ASSERT_EQUAL_FATAL(spotopt_packing_write_json(packing, &text[i], NULL, NULL),
                              SPOTOPT_OK);
        spotopt_packing_free(packing);
    }
    CU_ASSERT_STRING_EQUAL(text[0], text[1]);
    spotopt_text_free(NULL, text[0]);
    spotopt_text_free(NULL, text[1]);
}

typedef struct watch {
    double now_s;
    unsigned calls, with_cost;
} watch;

static double
tick(void *user)
{
    watch *w = user;

    return w->now_s += 0.004;
}

static int32_t
count_calls(void *user, const spotopt_progress *progress)
{
    watch *w = user;

    w->calls++;
    w->with_cost += isfinite(progress->cost);
    return 0;
}

/* Half of the time goes to the coarser problem: its first packing is one of the whole already. */
static void
test_coarse__tells_a_cost_while_the_coarser_problem_is_solved(void)
{
    watch w = {0};
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;
    spotopt_options *options = NULL;
    spotopt_packing *packing = NULL;
    spotopt_problem *problem;

    params.clock = tick;
    params.clock_user = &w;
    CU_ASSERT_EQUAL_FATAL(spotopt_context_new(&params, &context, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(context, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 60.0, NULL), SPOTOPT_OK);
    spotopt_options_set_progress(options, count_calls, &w);
    problem = make_problem(context, 20, NAN);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, options, &packing, NULL), SPOTOPT_OK);
    CU_ASSERT(w.calls > 20);
    CU_ASSERT(w.with_cost * 10 >= w.calls * 9);
    if (w.with_cost * 10 < w.calls * 9)
        fprintf(stderr, "%u of %u calls told a cost\n", w.with_cost, w.calls);
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
    spotopt_options_free(options);
    spotopt_context_free(context);
}

static spotopt_status
solve_with(fail_alloc *allocator)
{
    spotopt_context *context = fail_alloc_context(allocator);
    spotopt_problem *problem;
    spotopt_packing *packing = NULL;
    spotopt_options *options = NULL;
    spotopt_status status = SPOTOPT_E_NOMEM;

    if (context == NULL)
        return status;
    problem = make_problem(context, 3, (double)NAN);
    if (problem != NULL)
        status = spotopt_options_new(context, &options, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_int(options, "work", 400, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve(problem, options, &packing, NULL);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, packing != NULL);
    spotopt_options_free(options);
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
    spotopt_context_free(context);
    return status;
}

static void
test_coarse__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    size_t n = 0;
    spotopt_status status;

    do { /* every one at first, then in steps: later ones come from the same loops */
        fail_after(&allocator, n);
        status = solve_with(&allocator);
        CU_ASSERT_EQUAL(allocator.live, 0);
        CU_ASSERT(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
        n += n < 700 ? 1 : 1 + n / 50;
    } while (status == SPOTOPT_E_NOMEM && n < 1000000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_coarse__keeps_every_rule_and_a_bound_that_holds),
        TEST(test_coarse__gives_the_same_answer_twice),
        TEST(test_coarse__tells_a_cost_while_the_coarser_problem_is_solved),
        TEST(test_coarse__survives_every_failing_allocation),
    };

    return suite_run("pack_coarse", tests, sizeof tests / sizeof *tests);
}
