/* SPDX-License-Identifier: Apache-2.0 */
#include "build_cluster.h"
#include "drain/budget.h"
#include "drain/drain.h"
#include "suite.h"

typedef struct desired_row {
    int32_t kind;
    int64_t value, expected, desired;
} desired_row;

static void
check_desired(const desired_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t got = spotopt__pdb_desired(rows[i].kind, rows[i].value, rows[i].expected);
        if (got != rows[i].desired)
            printf("  row %zu: %lld\n", i, (long long)got);
        CU_ASSERT_EQUAL(got, rows[i].desired);
    }
}

static void
test_budget__rounds_percentages_up(void)
{
    static const desired_row rows[] = {
        {SPOTOPT__BUDGET_MIN_PERCENT, 80, 1, 1},   {SPOTOPT__BUDGET_MIN_PERCENT, 50, 3, 2},
        {SPOTOPT__BUDGET_MIN_PERCENT, 50, 4, 2},   {SPOTOPT__BUDGET_MIN_PERCENT, 1, 100, 1},
        {SPOTOPT__BUDGET_MIN_PERCENT, 1, 101, 2},  {SPOTOPT__BUDGET_MIN_PERCENT, 0, 5, 0},
        {SPOTOPT__BUDGET_MIN_PERCENT, 100, 7, 7},  {SPOTOPT__BUDGET_MAX_PERCENT, 30, 3, 2},
        {SPOTOPT__BUDGET_MAX_PERCENT, 34, 3, 1},   {SPOTOPT__BUDGET_MAX_PERCENT, 1, 3, 2},
        {SPOTOPT__BUDGET_MAX_PERCENT, 0, 3, 3},    {SPOTOPT__BUDGET_MAX_PERCENT, 100, 3, 0},
        {SPOTOPT__BUDGET_MIN_PERCENT, 66, 3, 2},   {SPOTOPT__BUDGET_MIN_PERCENT, 67, 3, 3},
        {SPOTOPT__BUDGET_MAX_PERCENT, 150, 10, 0}, {SPOTOPT__BUDGET_MIN_PERCENT, 150, 10, 15},
    };
    check_desired(rows, sizeof rows / sizeof *rows);
}

static void
test_budget__counts_whole_pods(void)
{
    static const desired_row rows[] = {
        {SPOTOPT__BUDGET_MIN_COUNT, 2, 5, 2}, {SPOTOPT__BUDGET_MIN_COUNT, 9, 5, 9},
        {SPOTOPT__BUDGET_MIN_COUNT, 0, 5, 0}, {SPOTOPT__BUDGET_MAX_COUNT, 1, 5, 4},
        {SPOTOPT__BUDGET_MAX_COUNT, 0, 5, 5}, {SPOTOPT__BUDGET_MAX_COUNT, 7, 5, 0},
        {SPOTOPT__BUDGET_NONE, 0, 5, 0},      {SPOTOPT__BUDGET_MIN_COUNT, INT64_MAX, 5, INT64_MAX},
    };
    check_desired(rows, sizeof rows / sizeof *rows);
    /* Absurd sizes neither overflow nor turn negative. */
    CU_ASSERT_TRUE(spotopt__pdb_desired(SPOTOPT__BUDGET_MIN_PERCENT, INT64_MAX, INT64_MAX) > 0);
    CU_ASSERT_EQUAL(spotopt__pdb_desired(SPOTOPT__BUDGET_MAX_COUNT, INT64_MAX, INT64_MAX), 0);
}

static void
test_budget__allows_nothing_when_nothing_is_expected(void)
{
    static const struct {
        spotopt__pdb_count count;
        int64_t allowed;
    } rows[] = {
        {{3, 2, 3, false}, 1}, {{3, 2, 2, false}, 0}, {{3, 2, 0, false}, 0},
        {{0, 0, 3, false}, 0}, {{3, 0, 3, true}, 0},  {{3, 0, 3, false}, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CU_ASSERT_EQUAL(spotopt__pdb_allowed(&rows[i].count), rows[i].allowed);
}

/* Three pods of one deployment that wants four; a fourth is terminating, a fifth not ready. */
static spotopt_cluster cluster;
static uint32_t web, node;

static void
start(void)
{
    build_start(&cluster);
    node = build_node(&cluster, "n1", 8000);
    web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 4);
    build_pod(&cluster, "web-0", "web", web, node, 100);
    build_pod(&cluster, "web-1", "web", web, node, 100);
    build_pod(&cluster, "web-2", "web", web, node, 100);
    build_pod(&cluster, "web-3", "web", web, node, 100);
    build_pod(&cluster, "web-4", "web", web, node, 100);
    cluster.pods.at[3].is_terminating = true;
    cluster.pods.at[4].is_ready = false;
}

static spotopt__pdb_count
count_one(uint32_t pdb)
{
    spotopt__pdb_book book;
    spotopt__pdb_count count;

    CU_ASSERT_EQUAL_FATAL(spotopt__pdb_book_make(&cluster, &book, NULL), SPOTOPT_OK);
    count = book.of[pdb];
    spotopt__pdb_book_free(&book);
    return count;
}

static void
test_budget__counts_ready_pods_that_nobody_is_deleting(void)
{
    static const char *const disrupted[] = {"web-1", "long-gone"};
    spotopt__pdb_count count;

    start();
    uint32_t pdb = build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MAX_COUNT, 1);
    count = count_one(pdb);
    CU_ASSERT_EQUAL(count.healthy, 3);
    CU_ASSERT_EQUAL(count.expected, 4); /* what the deployment wants, not what is there */
    CU_ASSERT_EQUAL(count.desired, 3);
    cluster.pdbs.at[pdb].disrupted = disrupted;
    cluster.pdbs.at[pdb].disrupted_count = 2;
    CU_ASSERT_EQUAL(count_one(pdb).healthy, 2);
    build_end(&cluster);
}

static void
test_budget__expects_each_controller_once(void)
{
    start();
    uint32_t api = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "api", 10);
    build_pod(&cluster, "api-0", "api", api, node, 100);
    build_pod(&cluster, "api-1", "api", api, node, 100);
    uint32_t all = build_pdb(&cluster, "all", "", SPOTOPT__BUDGET_MIN_PERCENT, 50);
    CU_ASSERT_EQUAL(count_one(all).expected, 14);
    CU_ASSERT_EQUAL(count_one(all).desired, 7);
    CU_ASSERT_EQUAL(count_one(all).healthy, 5);
    build_end(&cluster);
}

static void
test_budget__without_a_scale_allows_percentages_nothing(void)
{
    static const int32_t kinds[] = {SPOTOPT__BUDGET_MIN_PERCENT, SPOTOPT__BUDGET_MAX_COUNT,
                                    SPOTOPT__BUDGET_MAX_PERCENT};

    for (int what = 0; what < 3; what++) {
        start();
        if (what == 0)
            cluster.workloads.at[web].has_scale = false; /* a job, or an operator's own kind */
        else if (what == 1)
            cluster.pods.at[0].workload = SPOTOPT__NONE; /* a controller that is not in the list */
        else
            cluster.pods.at[0].has_controller = false;
        for (int k = 0; k < 3; k++) {
            uint32_t pdb = build_pdb(&cluster, "x", "web", kinds[k], 1);
            spotopt__pdb_count count = count_one(pdb);
            CU_ASSERT_TRUE(count.allows_none);
            CU_ASSERT_EQUAL(spotopt__pdb_allowed(&count), 0);
        }
        /* A plain number needs no scale. */
        spotopt__pdb_count count =
            count_one(build_pdb(&cluster, "y", "web", SPOTOPT__BUDGET_MIN_COUNT, 1));
        CU_ASSERT_EQUAL(spotopt__pdb_allowed(&count), 2);
        build_end(&cluster);
    }
}

static void
test_budget__that_states_nothing_allows_nothing(void)
{
    start();
    spotopt__pdb_count count = count_one(build_pdb(&cluster, "x", "web", SPOTOPT__BUDGET_NONE, 0));
    CU_ASSERT_EQUAL(spotopt__pdb_allowed(&count), 0);
    build_end(&cluster);
}

static void
test_budget__admits_sick_pods_as_its_policy_says(void)
{
    static const struct {
        spotopt__pdb_count count;
        bool always, lags, admits_sick, takes_one;
    } rows[] = {
        {{3, 2, 2, false}, false, false, true, false}, /* healthy enough: no disruption is taken */
        {{3, 2, 1, false}, false, false, false, true},
        {{3, 2, 1, false}, true, false, true, false},
        {{3, 0, 1, false}, false, false, true, true}, /* desired 0: one of those allowed is taken */
        {{3, 0, 0, false}, false, false, false, true}, /* and refused when none is */
        {{3, 0, 0, false}, true, false, true, false},
        {{3, 2, 2, false}, false, true, true, false}, /* lagging matters to those who take one */
        {{3, 0, 1, false}, false, true, false, true},
        {{3, 2, 2, true}, false, false, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spotopt__pdb pdb;
        bool takes_one;
        memset(&pdb, 0, sizeof pdb);
        pdb.always_allows_unhealthy = rows[i].always;
        pdb.is_lagging = rows[i].lags;
        CU_ASSERT_EQUAL(
            spotopt__pdb_admits(&pdb, &rows[i].count, SPOTOPT__EVICT_SICK, 0, &takes_one),
            rows[i].admits_sick);
        CU_ASSERT_EQUAL(takes_one, rows[i].takes_one);
    }
}

static void
test_budget__asks_nothing_of_finished_pending_and_terminating_pods(void)
{
    spotopt__pod pod;

    memset(&pod, 0, sizeof pod);
    pod.is_ready = true;
    pod.phase = SPOTOPT__RUNNING;
    CU_ASSERT_EQUAL(spotopt__eviction_kind(&pod), SPOTOPT__EVICT_READY);
    pod.is_ready = false;
    CU_ASSERT_EQUAL(spotopt__eviction_kind(&pod), SPOTOPT__EVICT_SICK);
    pod.is_terminating = true;
    CU_ASSERT_EQUAL(spotopt__eviction_kind(&pod), SPOTOPT__EVICT_FREELY);
    pod.is_terminating = false;
    for (int32_t phase = SPOTOPT__PENDING; phase <= SPOTOPT__FAILED; phase++) {
        pod.phase = phase;
        CU_ASSERT_EQUAL(spotopt__eviction_kind(&pod) == SPOTOPT__EVICT_FREELY,
                        phase != SPOTOPT__RUNNING);
    }
}

static void
test_budget__finds_every_budget_of_a_pod(void)
{
    spotopt__pdb_book book;

    start();
    uint32_t a = build_pdb(&cluster, "a", "web", SPOTOPT__BUDGET_MIN_COUNT, 1);
    build_pdb(&cluster, "b", "api", SPOTOPT__BUDGET_MIN_COUNT, 1);
    uint32_t c = build_pdb(&cluster, "c", "", SPOTOPT__BUDGET_MIN_COUNT, 1);
    uint32_t d = build_pdb(&cluster, "d", "", SPOTOPT__BUDGET_MIN_COUNT, 1);
    uint32_t e = build_pdb(&cluster, "e", "web", SPOTOPT__BUDGET_MIN_COUNT, 1);
    uint32_t f = build_pdb(&cluster, "f", "web", SPOTOPT__BUDGET_MIN_COUNT, 1);
    cluster.pdbs.at[d].selector.is_nothing = true; /* v1beta1's empty selector */
    cluster.pdbs.at[f].ns = "elsewhere";
    CU_ASSERT_EQUAL_FATAL(spotopt__pdb_book_make(&cluster, &book, NULL), SPOTOPT_OK);
    for (uint32_t i = 0; i < cluster.pods.count; i++) {
        CU_ASSERT_EQUAL_FATAL(book.first[i + 1] - book.first[i], 3);
        CU_ASSERT_EQUAL(book.match[book.first[i]], a);
        CU_ASSERT_EQUAL(book.match[book.first[i] + 1], c);
        CU_ASSERT_EQUAL(book.match[book.first[i] + 2], e);
    }
    spotopt__pdb_book_free(&book);
    build_end(&cluster);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_budget__rounds_percentages_up),
        TEST(test_budget__counts_whole_pods),
        TEST(test_budget__allows_nothing_when_nothing_is_expected),
        TEST(test_budget__counts_ready_pods_that_nobody_is_deleting),
        TEST(test_budget__expects_each_controller_once),
        TEST(test_budget__without_a_scale_allows_percentages_nothing),
        TEST(test_budget__that_states_nothing_allows_nothing),
        TEST(test_budget__admits_sick_pods_as_its_policy_says),
        TEST(test_budget__asks_nothing_of_finished_pending_and_terminating_pods),
        TEST(test_budget__finds_every_budget_of_a_pod),
    };
    return suite_run("budget", tests, sizeof tests / sizeof *tests);
}
