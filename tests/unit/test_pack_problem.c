/* SPDX-License-Identifier: Apache-2.0 */
/* Problems said wrongly are refused with their place; solves stop when told, repeat themselves, and
 * survive a full heap. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "fail_alloc.h"
#include "spotopt/pack.h"
#include "suite.h"

#define HEAD "{\"kind\":\"PackingProblem\",\"resources\":[\"cpu\",\"memory\"],"
#define POOL "\"pools\":[{\"id\":\"a\",\"capacity\":[4,8],\"cost\":1,\"labels\":{\"zone\":\"z\"}}],"
#define DEMAND "\"demands\":[{\"id\":\"web\",\"request\":[1,1],\"count\":5}]"

static void
expect_refusal(const char *text, const char *place)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_problem *problem = NULL;

    CU_ASSERT_EQUAL(spotopt_problem_parse(NULL, text, strlen(text), "p.json", &problem, &err),
                    SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NULL(problem);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, place));
    if (strstr(err.message, place) == NULL)
        fprintf(stderr, "wanted \"%s\" in \"%s\"\n", place, err.message);
    spotopt_problem_free(problem);
}

static void
test_problem__refuses_wrong_values_and_names_the_place(void)
{
    expect_refusal(HEAD "\"pools\":[{\"id\":\"a\",\"capacity\":[4,-8],\"cost\":1}]," DEMAND "}",
                   "/pools/0/capacity/1");
    expect_refusal(HEAD "\"pools\":[{\"id\":\"a\",\"capacity\":[4],\"cost\":1}]," DEMAND "}",
                   "/pools/0/capacity");
    expect_refusal(HEAD "\"pools\":[{\"id\":\"a\",\"capacity\":[4,1e16],\"cost\":1}]," DEMAND "}",
                   "/pools/0/capacity/1");
    expect_refusal(HEAD "\"pools\":[{\"id\":\"a\",\"capacity\":[4,8],\"cost\":\"1\"}]," DEMAND "}",
                   "/pools/0/cost");
    expect_refusal(
        HEAD "\"pools\":[{\"id\":\"a\",\"capacity\":[4,8],\"cost\":1,\"min\":2,\"max\":1}]," DEMAND
             "}",
        "/pools/0");
    expect_refusal(HEAD POOL "\"demands\":[{\"id\":\"web\",\"request\":[1,1],\"count\":1.5}]}",
                   "/demands/0/count");
    expect_refusal(HEAD POOL
                   "\"demands\":[{\"id\":\"web\",\"request\":[1,1],\"count\":1,\"pools\":[]}]}",
                   "/demands/0/pools");
    expect_refusal(
        HEAD POOL "\"demands\":[{\"id\":\"web\",\"request\":[1,1],\"count\":1,\"pools\":[\"b\"]}]}",
        "/demands/0/pools/0");
    expect_refusal(HEAD POOL DEMAND ",\"rules\":[{\"rule\":\"at_mots\"}]}", "/rules/0/rule");
    expect_refusal(
        HEAD POOL DEMAND
        ",\"rules\":[{\"rule\":\"at_most\",\"demands\":[\"api\"],\"per\":\"node\",\"count\":1}]}",
        "/rules/0/demands/0");
    expect_refusal(HEAD POOL DEMAND
                   ",\"rules\":[{\"rule\":\"share\",\"key\":\"zone\",\"max_frac\":1.5}]}",
                   "/rules/0/max_frac");
    expect_refusal(HEAD POOL DEMAND ",\"rules\":[{\"rule\":\"limit\",\"of\":\"disk\",\"max\":1}]}",
                   "/rules/0");
    expect_refusal(
        HEAD POOL DEMAND
        ",\"nodes\":[{\"id\":\"n\",\"pool\":\"a\",\"holds\":{\"web\":1},\"fixed\":{\"web\":2}}]}",
        "/nodes/0/fixed/web");
    expect_refusal(HEAD POOL DEMAND ",\"nodes\":[{\"id\":\"n\",\"pool\":\"b\"}]}", "/nodes/0/pool");
    expect_refusal("{\"kind\":\"Plan\"}", "kind");
}

static void
test_problem__refuses_the_same_id_twice(void)
{
    expect_refusal(HEAD POOL "\"demands\":[{\"id\":\"web\",\"request\":[1,1],\"count\":1},{\"id\":"
                             "\"web\",\"request\":[1,1],\"count\":1}]}",
                   "/demands/1");
}

static spotopt_problem *
make(spotopt_context *context, uint32_t shapes)
{
    static const char *const resources[] = {"cpu", "memory"};
    spotopt_problem *problem = NULL;
    char id[16];

    CU_ASSERT_EQUAL_FATAL(spotopt_problem_new(context, resources, 2, &problem, NULL), SPOTOPT_OK);
    for (uint32_t p = 0; p < 12; p++) {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        double capacity[2] = {2000.0 * (1 + p % 4), 3000.0 * (1 + p % 5)};
        snprintf(id, sizeof id, "p%u", (unsigned)p);
        spec.id = id;
        spec.capacity = capacity;
        spec.cost = 0.1 * (1 + p % 4) + 0.013 * p;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    for (uint32_t d = 0; d < shapes; d++) {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        double request[2] = {90.0 + (d * 37) % 700, 110.0 + (d * 61) % 900};
        snprintf(id, sizeof id, "d%u", (unsigned)d);
        spec.id = id;
        spec.request = request;
        spec.count = 1 + d % 17;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_add_demand(problem, &spec, NULL, NULL), SPOTOPT_OK);
    }
    return problem;
}

static int32_t
stop_at_once(void *user, const spotopt_progress *progress)
{
    (void)progress;
    ++*(int *)user;
    return 1;
}

static void
test_solve__returns_its_best_answer_when_cancelled(void)
{
    spotopt_problem *problem = make(NULL, 40);
    spotopt_options *options = NULL;
    spotopt_packing *packing = NULL;
    int calls = 0;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    spotopt_options_set_progress(options, stop_at_once, &calls);
    CU_ASSERT_EQUAL(spotopt_problem_solve(problem, options, &packing, NULL), SPOTOPT_OK);
    CU_ASSERT(calls >= 1);
    CU_ASSERT_EQUAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_FEASIBLE);
    CU_ASSERT(spotopt_packing_bound(packing) <= spotopt_packing_cost(packing));
    spotopt_packing_free(packing);
    spotopt_options_free(options);
    spotopt_problem_free(problem);
}

static void
test_solve__keeps_its_deadline(void)
{
    static const double deadlines[] = {0.1, 0.4};
    spotopt_problem *problem = make(NULL, 150);
    spotopt_options *options = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    for (size_t i = 0; i < 2; i++) {
        spotopt_packing_stats stats = SPOTOPT_PACKING_STATS_INIT;
        spotopt_packing *packing = NULL;
        CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", deadlines[i], NULL),
                              SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, options, &packing, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_packing_stats_get(packing, &stats, NULL), SPOTOPT_OK);
        /* Machines that run tests are busy: twice the deadline stands for a loop that forgot to
         * look. */
        CU_ASSERT(stats.seconds < 2.0 * deadlines[i] + 0.3);
        spotopt_packing_free(packing);
    }
    spotopt_options_free(options);
    spotopt_problem_free(problem);
}

static void
test_solve__writes_the_same_bytes_for_the_same_work(void)
{
    char *texts[2] = {NULL, NULL};
    spotopt_options *options = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 1000.0, NULL),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_int(options, "work", 20000, NULL), SPOTOPT_OK);
    for (int i = 0; i < 2; i++) {
        spotopt_problem *problem = make(NULL, 30);
        spotopt_packing *packing = NULL;
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, options, &packing, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_packing_write_json(packing, &texts[i], NULL, NULL), SPOTOPT_OK);
        spotopt_packing_free(packing);
        spotopt_problem_free(problem);
    }
    CU_ASSERT_STRING_EQUAL(texts[0], texts[1]);
    spotopt_text_free(NULL, texts[0]);
    spotopt_text_free(NULL, texts[1]);
    spotopt_options_free(options);
}

static void
test_solve__seals_the_problem(void)
{
    spotopt_problem *problem = make(NULL, 3);
    spotopt_packing *packing = NULL;
    spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
    double capacity[2] = {1.0, 1.0};

    spec.id = "late";
    spec.capacity = capacity;
    CU_ASSERT_EQUAL(spotopt_problem_solve(problem, NULL, &packing, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_problem_add_pool(problem, &spec, NULL, NULL), SPOTOPT_E_STATE);
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
}

/* Zero capacities once broke a pruning rule and made a bound too high. */
static void
test_solve__bounds_stay_valid_with_resources_nobody_has(void)
{
    static const char text[] = "{\"kind\":\"PackingProblem\",\"resources\":[\"cpu\",\"gpu\"],"
                               "\"pools\":[{\"id\":\"plain\",\"capacity\":[4,0],"
                               "\"cost\":1},{\"id\":\"gpu\",\"capacity\":[4,1],\"cost\":5}],"
                               "\"demands\":[{\"id\":\"web\",\"request\":[1,0],"
                               "\"count\":16},{\"id\":\"train\",\"request\":[1,1],\"count\":1}]}";
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_problem_parse(NULL, text, sizeof text - 1, "p", &problem, NULL),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, NULL, &packing, NULL), SPOTOPT_OK);
    /* One GPU node takes 3 web; 13 more need 4 plain nodes: 5 + 4. */
    CU_ASSERT_DOUBLE_EQUAL(spotopt_packing_cost(packing), 9.0, 1e-9);
    CU_ASSERT(spotopt_packing_bound(packing) <= 9.0 + 1e-9);
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
}

static const char small[] =
    "{\"kind\":\"PackingProblem\",\"resources\":[\"cpu\",\"memory\"],\"pools\":[{\"id\":\"a\","
    "\"capacity\":[4,8],\"cost\":1,"
    "\"labels\":{\"zone\":\"x\"}},{\"id\":\"b\",\"capacity\":[8,8],\"cost\":1.7,\"max\":3,"
    "\"labels\":{\"zone\":\"y\"}}],"
    "\"nodes\":[{\"id\":\"n\",\"pool\":\"a\",\"holds\":{\"web\":2},\"fixed\":{\"web\":1}}],"
    "\"demands\":[{\"id\":\"web\",\"request\":[1,2],\"count\":14,\"move_cost\":0.1},{\"id\":"
    "\"api\",\"request\":[2,1],\"count\":6,"
    "\"pools\":[\"b\"]},{\"id\":\"opt\",\"request\":[3,3],\"count\":2,\"unplaced_cost\":0.3},{"
    "\"id\":\"big\",\"request\":[9,1],\"count\":1}],"
    "\"rules\":[{\"rule\":\"at_most\",\"demands\":[\"web\"],\"per\":\"node\",\"count\":3},"
    "{\"rule\":\"spread\",\"demands\":[\"web\"],\"per\":\"zone\",\"max_skew\":2,\"penalty\":0.2},"
    "{\"rule\":\"share\",\"key\":\"zone\",\"max_frac\":0.8},{\"rule\":\"limit\",\"of\":\"nodes\","
    "\"max\":20}]}";

static spotopt_status
parse_solve_write(fail_alloc *allocator, bool feasible)
{
    char input[sizeof small];
    spotopt_context *context = fail_alloc_context(allocator);
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL;
    spotopt_options *options = NULL;
    char *text = NULL;
    spotopt_status status;

    memcpy(input, small, sizeof small);
    if (feasible) /* big is not so big, and there are patterns to find */
        strstr(input, "[9,1]")[1] = '3';
    if (context == NULL)
        return SPOTOPT_E_NOMEM;
    status = spotopt_options_new(context, &options, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_int(options, "work", 1500, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_real(options, "gap_rel", 0.0, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_parse(context, input, sizeof small - 1, "small", &problem, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve(problem, options, &packing, NULL);
    if (status == SPOTOPT_OK && feasible) {
        CU_ASSERT_EQUAL(spotopt_packing_unplaced(packing, 3), 0);
        CU_ASSERT(spotopt_packing_gap(packing) < 0.5);
    } else if (status == SPOTOPT_OK) {
        CU_ASSERT_EQUAL(spotopt_packing_outcome(packing),
                        SPOTOPT_OUTCOME_INFEASIBLE); /* big fits nowhere */
        CU_ASSERT_EQUAL(spotopt_packing_unplaced(packing, 3), 1);
        CU_ASSERT(spotopt_packing_why_count(packing) >= 1);
    }
    if (status == SPOTOPT_OK)
        status = spotopt_packing_write_json(packing, &text, NULL, NULL);
    spotopt_text_free(context, text);
    spotopt_problem_free(problem);
    spotopt_packing_free(packing);
    spotopt_options_free(options);
    spotopt_context_free(context);
    return status;
}

static void
fail_each(bool feasible)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    size_t n = 0, calls;
    spotopt_status status;

    fail_never(&allocator);
    CU_ASSERT_EQUAL(parse_solve_write(&allocator, feasible), SPOTOPT_OK);
    calls = allocator.calls;
    CU_ASSERT_EQUAL(allocator.live, 0);
    do { /* every one at first, then in steps: later ones come from the same loops */
        fail_after(&allocator, n);
        status = parse_solve_write(&allocator, feasible);
        CU_ASSERT_EQUAL(allocator.live, 0);
        CU_ASSERT(status == SPOTOPT_E_NOMEM || status == SPOTOPT_OK);
        n += n < 1000 ? 1 : 1 + calls / 200;
    } while (n <= calls + 2);
    fail_never(&allocator);
    CU_ASSERT_EQUAL(parse_solve_write(&allocator, feasible), SPOTOPT_OK);
}

static void
test_solve__survives_each_allocation_failing(void)
{
    fail_each(false);
    fail_each(true);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_problem__refuses_wrong_values_and_names_the_place),
        TEST(test_problem__refuses_the_same_id_twice),
        TEST(test_solve__returns_its_best_answer_when_cancelled),
        TEST(test_solve__keeps_its_deadline),
        TEST(test_solve__writes_the_same_bytes_for_the_same_work),
        TEST(test_solve__seals_the_problem),
        TEST(test_solve__bounds_stay_valid_with_resources_nobody_has),
        TEST(test_solve__survives_each_allocation_failing),
    };

    return suite_run("pack_problem", tests, sizeof tests / sizeof *tests);
}
