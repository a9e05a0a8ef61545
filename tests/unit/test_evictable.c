/* SPDX-License-Identifier: Apache-2.0 */
#include "build_cluster.h"
#include "drain/drain.h"
#include "suite.h"

static spotopt_cluster cluster;
static uint32_t web;
static int32_t reasons[16];
static uint32_t pdbs[16];

/* A deployment of three on two nodes. */
static void
start(void)
{
    build_start(&cluster);
    build_node(&cluster, "n0", 8000);
    build_node(&cluster, "n1", 8000);
    web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 3);
    build_pod(&cluster, "web-0", "web", web, 0, 100);
    build_pod(&cluster, "web-1", "web", web, 0, 100);
    build_pod(&cluster, "web-2", "web", web, 1, 100);
}

static int32_t
reason_of(uint32_t pod)
{
    CU_ASSERT_EQUAL_FATAL(spotopt__drain_evictable(&cluster, reasons, pdbs, NULL), SPOTOPT_OK);
    return reasons[pod];
}

static void
test_evictable__is_everything_without_budgets(void)
{
    start();
    for (uint32_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(reason_of(i), SPOTOPT__MAY_LEAVE);
        CU_ASSERT_EQUAL(pdbs[i], SPOTOPT__NONE);
    }
    build_end(&cluster);
}

static void
test_evictable__knows_budgets_without_headroom_for_good(void)
{
    static const struct {
        int32_t kind;
        int64_t value;
        int32_t reason;
    } rows[] = {
        {SPOTOPT__BUDGET_MIN_COUNT, 3, SPOTOPT__NO_HEADROOM},
        {SPOTOPT__BUDGET_MIN_COUNT, 2, SPOTOPT__MAY_LEAVE},
        {SPOTOPT__BUDGET_MAX_COUNT, 0, SPOTOPT__NO_HEADROOM},
        {SPOTOPT__BUDGET_MAX_COUNT, 1, SPOTOPT__MAY_LEAVE},
        {SPOTOPT__BUDGET_MIN_PERCENT, 67, SPOTOPT__NO_HEADROOM},
        {SPOTOPT__BUDGET_MIN_PERCENT, 66, SPOTOPT__MAY_LEAVE},
        {SPOTOPT__BUDGET_MAX_PERCENT, 0, SPOTOPT__NO_HEADROOM},
        {SPOTOPT__BUDGET_MAX_PERCENT, 1, SPOTOPT__MAY_LEAVE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start();
        uint32_t pdb = build_pdb(&cluster, "web", "web", rows[i].kind, rows[i].value);
        CU_ASSERT_EQUAL(reason_of(0), rows[i].reason);
        CU_ASSERT_EQUAL(pdbs[0], rows[i].reason == SPOTOPT__NO_HEADROOM ? pdb : SPOTOPT__NONE);
        build_end(&cluster);
    }
}

static void
test_evictable__hopes_for_pods_that_wait_but_not_for_sick_ones(void)
{
    start();
    build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MIN_COUNT, 2);
    cluster.pods.at[2].is_ready = false;
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__NO_HEADROOM); /* nothing says that web-2 will recover */
    CU_ASSERT_EQUAL(reason_of(2), SPOTOPT__MAY_LEAVE);   /* it costs the budget nothing */
    build_pod(&cluster, "web-3", "web", web, SPOTOPT__NONE, 100);
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__MAY_LEAVE); /* once web-3 has a node */
    cluster.pods.at[3].is_gated = true;
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__NO_HEADROOM);
    build_end(&cluster);
}

static void
test_evictable__tells_what_no_waiting_helps(void)
{
    start();
    cluster.pods.at[0].has_controller = false;
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__NO_CONTROLLER);
    cluster.pods.at[0].phase = SPOTOPT__SUCCEEDED;
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__MAY_LEAVE);
    cluster.pods.at[0].is_mirror = true;
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__MIRROR_POD);
    cluster.pods.at[1].is_daemon = true;
    CU_ASSERT_EQUAL(reason_of(1), SPOTOPT__DAEMON_POD);
    shape_of(&cluster, 2)->is_do_not_disrupt = true;
    CU_ASSERT_EQUAL(reason_of(2), SPOTOPT__DO_NOT_DISRUPT);
    shape_of(&cluster, 2)->is_do_not_disrupt = false;
    cluster.nodes.at[1].is_do_not_disrupt = true;
    CU_ASSERT_EQUAL(reason_of(2), SPOTOPT__DO_NOT_DISRUPT);
    build_end(&cluster);
}

static void
test_evictable__refuses_two_budgets_on_one_pod(void)
{
    start();
    uint32_t first = build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MIN_COUNT, 0);
    build_pdb(&cluster, "all", "", SPOTOPT__BUDGET_MIN_COUNT, 0);
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__MULTIPLE_BUDGETS);
    CU_ASSERT_EQUAL(pdbs[0], first);
    cluster.pods.at[0].phase = SPOTOPT__PENDING; /* no budget is asked */
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__MAY_LEAVE);
    cluster.pods.at[1].is_terminating = true;
    CU_ASSERT_EQUAL(reason_of(1), SPOTOPT__MAY_LEAVE);
    build_end(&cluster);
}

static void
test_evictable__says_when_a_budget_lags(void)
{
    start();
    uint32_t pdb = build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MIN_COUNT, 2);
    cluster.pdbs.at[pdb].is_lagging = true;
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__BUDGET_LAGGING);
    CU_ASSERT_EQUAL(pdbs[0], pdb);
    cluster.pdbs.at[pdb].value = 3;
    CU_ASSERT_EQUAL(reason_of(0), SPOTOPT__NO_HEADROOM);
    build_end(&cluster);
}

static void
test_evictable__has_a_word_for_every_reason(void)
{
    CU_ASSERT_STRING_EQUAL(spotopt__stay_reason_text(SPOTOPT__NO_HEADROOM), "no-headroom");
    CU_ASSERT_STRING_EQUAL(spotopt__stay_reason_text(SPOTOPT__MULTIPLE_BUDGETS),
                           "multiple-budgets");
    CU_ASSERT_STRING_EQUAL(spotopt__stay_reason_text(SPOTOPT__DO_NOT_DISRUPT), "do-not-disrupt");
    for (int32_t r = 0; r < SPOTOPT__STAY_REASONS; r++)
        CU_ASSERT_PTR_NOT_NULL(spotopt__stay_reason_text(r));
    CU_ASSERT_STRING_EQUAL(spotopt__stay_reason_text(-1), "unknown");
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_evictable__is_everything_without_budgets),
        TEST(test_evictable__knows_budgets_without_headroom_for_good),
        TEST(test_evictable__hopes_for_pods_that_wait_but_not_for_sick_ones),
        TEST(test_evictable__tells_what_no_waiting_helps),
        TEST(test_evictable__refuses_two_budgets_on_one_pod),
        TEST(test_evictable__says_when_a_budget_lags),
        TEST(test_evictable__has_a_word_for_every_reason),
    };
    return suite_run("evictable", tests, sizeof tests / sizeof *tests);
}
