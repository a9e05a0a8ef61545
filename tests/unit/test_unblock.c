/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to unblock a pod must do so, and one step less must not: every budget of a grid is
 * changed as the text says and judged again.
 */
#include "build_cluster.h"
#include "drain/budget.h"
#include "drain/drain.h"
#include "suite.h"

static spotopt_cluster cluster;
static uint32_t web, pdb;

/* A deployment of `wanted` replicas, of which the last `sick` are not ready, under one budget. */
static void
start(uint32_t wanted, uint32_t sick, int32_t kind, int64_t value)
{
    char name[20];

    build_start(&cluster);
    build_node(&cluster, "n0", 64000);
    web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", wanted);
    for (uint32_t i = 0; i < wanted; i++) {
        snprintf(name, sizeof name, "web-%u", i);
        uint32_t pod = build_pod(&cluster, name, "web", web, 0, 100);
        cluster.pods.at[pod].is_ready = i + sick < wanted;
    }
    pdb = build_pdb(&cluster, "web", "web", kind, value);
}

static int32_t
reason_of(uint32_t pod)
{
    int32_t reasons[64];
    uint32_t pdbs[64];

    CU_ASSERT_TRUE_FATAL(cluster.pods.count < 64);
    CU_ASSERT_EQUAL_FATAL(spotopt__drain_evictable(&cluster, reasons, pdbs, NULL), SPOTOPT_OK);
    return reasons[pod];
}

static void
text_of(uint32_t pod, int32_t why, char *out, size_t size)
{
    spotopt__drain_blocked blocked = {pod, 0, why == SPOTOPT__NO_HEADROOM ? pdb : SPOTOPT__NONE,
                                      why};
    spotopt__pdb_book book;
    spotopt__str text;

    CU_ASSERT_EQUAL_FATAL(spotopt__pdb_book_make(&cluster, &book, NULL), SPOTOPT_OK);
    spotopt__str_init(&text, NULL);
    spotopt__drain_unblock(&cluster, &book, &blocked, NULL, &text);
    snprintf(out, size, "%s", text.at == NULL ? "" : text.at);
    spotopt__str_free(&text);
    spotopt__pdb_book_free(&book);
}

static bool
read_number(const char *text, const char *before, long long *out)
{
    const char *at = strstr(text, before);

    return at != NULL && sscanf(at + strlen(before), "%lld", out) == 1;
}

/* The reason after the deployment has grown to `wanted` by ready pods. */
static int32_t
reason_with(uint32_t wanted, uint32_t sick, int32_t kind, int64_t value, uint32_t more,
            uint32_t pod)
{
    int32_t reason;

    build_end(&cluster);
    start(wanted, sick, kind, value);
    cluster.workloads.at[web].wanted += more;
    for (uint32_t i = 0; i < more; i++) {
        char name[20];
        snprintf(name, sizeof name, "more-%u", i);
        build_pod(&cluster, name, "web", web, 0, 100);
    }
    reason = reason_of(pod);
    return reason;
}

static void
check_budget(uint32_t wanted, uint32_t sick, int32_t kind, int64_t value, uint32_t pod,
             size_t *judged)
{
    static const char *const before[] = {
        NULL, "lower minAvailable of shop/web to ", "lower minAvailable of shop/web to ",
        "raise maxUnavailable of shop/web to ", "raise maxUnavailable of shop/web to "};
    bool is_min = kind == SPOTOPT__BUDGET_MIN_COUNT || kind == SPOTOPT__BUDGET_MIN_PERCENT;
    char text[500];
    long long number, replicas;

    start(wanted, sick, kind, value);
    if (reason_of(pod) == SPOTOPT__NO_HEADROOM) {
        text_of(pod, SPOTOPT__NO_HEADROOM, text, sizeof text);
        CU_ASSERT_TRUE(text[0] != '\0');
        if (read_number(text, before[kind], &number)) {
            CU_ASSERT_EQUAL(reason_with(wanted, sick, kind, number, 0, pod), SPOTOPT__MAY_LEAVE);
            CU_ASSERT_EQUAL(reason_with(wanted, sick, kind, number + (is_min ? 1 : -1), 0, pod),
                            SPOTOPT__NO_HEADROOM);
            ++*judged;
        }
        if (read_number(text, "raise replicas of Deployment shop/web to ", &replicas) &&
            replicas < 50) {
            uint32_t more = (uint32_t)replicas - wanted;
            CU_ASSERT_EQUAL(reason_with(wanted, sick, kind, value, more, pod), SPOTOPT__MAY_LEAVE);
            if (more > 1)
                CU_ASSERT_EQUAL(reason_with(wanted, sick, kind, value, more - 1, pod),
                                SPOTOPT__NO_HEADROOM);
        }
        if (strstr(text, "AlwaysAllow") != NULL) {
            reason_with(wanted, sick, kind, value, 0, pod);
            cluster.pdbs.at[pdb].always_allows_unhealthy = true;
            CU_ASSERT_EQUAL(reason_of(pod), SPOTOPT__MAY_LEAVE);
        }
    }
    build_end(&cluster);
}

static void
test_unblock__names_the_least_change_that_does(void)
{
    static const int64_t percents[] = {0, 1, 10, 25, 33, 34, 50, 66, 67, 75, 80, 90, 99, 100};
    size_t judged = 0;

    for (uint32_t wanted = 1; wanted <= 9; wanted++) {
        for (uint32_t sick = 0; sick < 3 && sick < wanted; sick++) {
            for (uint32_t pod = 0; pod<wanted; pod += wanted> 1 ? wanted - 1 : 1) {
                for (int64_t value = 0; value <= wanted + 1; value++) {
                    check_budget(wanted, sick, SPOTOPT__BUDGET_MIN_COUNT, value, pod, &judged);
                    check_budget(wanted, sick, SPOTOPT__BUDGET_MAX_COUNT, value, pod, &judged);
                }
                for (size_t k = 0; k < sizeof percents / sizeof *percents; k++) {
                    check_budget(wanted, sick, SPOTOPT__BUDGET_MIN_PERCENT, percents[k], pod,
                                 &judged);
                    check_budget(wanted, sick, SPOTOPT__BUDGET_MAX_PERCENT, percents[k], pod,
                                 &judged);
                }
            }
        }
    }
    CU_ASSERT_TRUE(judged > 300);
}

static void
test_unblock__speaks_plainly(void)
{
    char text[500];

    start(3, 0, SPOTOPT__BUDGET_MIN_COUNT, 3);
    text_of(0, SPOTOPT__NO_HEADROOM, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(
        text, "lower minAvailable of shop/web to 2 or raise replicas of Deployment shop/web to 4");
    build_end(&cluster);
    start(1, 0, SPOTOPT__BUDGET_MIN_PERCENT, 80);
    text_of(0, SPOTOPT__NO_HEADROOM, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(
        text, "lower minAvailable of shop/web to 0% or raise replicas of Deployment shop/web to 5");
    build_end(&cluster);
    start(3, 0, SPOTOPT__BUDGET_MAX_COUNT, 0);
    text_of(0, SPOTOPT__NO_HEADROOM, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "raise maxUnavailable of shop/web to 1");
    build_end(&cluster);
    start(3, 0, SPOTOPT__BUDGET_MAX_PERCENT, 0);
    text_of(0, SPOTOPT__NO_HEADROOM, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "raise maxUnavailable of shop/web to 1%");
    cluster.workloads.at[web].has_scale = false;
    text_of(0, SPOTOPT__NO_HEADROOM, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "state minAvailable of shop/web as a number, at most 2"));
    build_pdb(&cluster, "all", "", SPOTOPT__BUDGET_MIN_COUNT, 0);
    text_of(0, SPOTOPT__MULTIPLE_BUDGETS, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "remove one of the budgets shop/web, shop/all");
    build_pdb(&cluster, "any", "", SPOTOPT__BUDGET_MIN_COUNT, 0);
    text_of(0, SPOTOPT__MULTIPLE_BUDGETS, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "keep only one of the budgets shop/web, shop/all, shop/any");
    cluster.nodes.at[0].is_do_not_disrupt = true;
    text_of(0, SPOTOPT__DO_NOT_DISRUPT, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "remove the do-not-disrupt annotation of node n0");
    shape_of(&cluster, 0)->is_do_not_disrupt = true;
    text_of(0, SPOTOPT__DO_NOT_DISRUPT, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "remove the do-not-disrupt annotation of shop/web-0");
    text_of(0, SPOTOPT__NO_TARGET, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "cpu 100m"));
    build_end(&cluster);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_unblock__names_the_least_change_that_does),
        TEST(test_unblock__speaks_plainly),
    };
    return suite_run("unblock", tests, sizeof tests / sizeof *tests);
}
