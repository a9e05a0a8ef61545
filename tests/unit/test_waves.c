/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules small enough to work out by hand; all of them are replayed as well. */
#include "build_cluster.h"
#include "sim_drain.h"
#include "suite.h"

enum { MOST = 16 };

static spotopt_cluster cluster;
static spotopt__drain_job job;
static spotopt__schedule schedule;
static unsigned char leaves[MOST];
static uint32_t target[MOST];
static spotopt__launch launches[2];

static void
start(void)
{
    build_start(&cluster);
    memset(&job, 0, sizeof job);
    memset(leaves, 0, sizeof leaves);
    memset(launches, 0, sizeof launches);
    for (int i = 0; i < MOST; i++)
        target[i] = SPOTOPT__NONE;
    for (int i = 0; i < 2; i++) {
        launches[i].name = i ? "new-1" : "new-0";
        launches[i].pool = "p";
        launches[i].room.of[SPOTOPT__CPU] = 10000;
        launches[i].room.of[SPOTOPT__PODS] = 110;
    }
    job.cluster = &cluster;
    job.leaves = leaves;
    job.target = target;
    job.launches = launches;
    job.launch_s = 60.0;
    job.start_s = 15.0;
}

static void
run(void)
{
    char faults[2000];

    CU_ASSERT_EQUAL_FATAL(spotopt__drain_schedule(&job, &schedule, NULL), SPOTOPT_OK);
    if (sim_check(&job, &schedule, faults, sizeof faults) != 0) {
        printf("\n%s", faults);
        CU_FAIL("the simulator finds faults");
    }
}

static void
end(void)
{
    spotopt__schedule_free(&schedule);
    build_end(&cluster);
}

/* When a pod is evicted; -1: never. */
static double
evicted_at(uint32_t pod)
{
    for (size_t i = 0; i < schedule.steps.count; i++) {
        if (schedule.steps.at[i].kind == SPOTOPT__DO_EVICT && schedule.steps.at[i].pod == pod)
            return schedule.steps.at[i].at_s;
    }
    return -1.0;
}

static double
deleted_at(uint32_t node)
{
    for (size_t i = 0; i < schedule.steps.count; i++) {
        if (schedule.steps.at[i].kind == SPOTOPT__DO_DELETE && schedule.steps.at[i].node == node)
            return schedule.steps.at[i].at_s;
    }
    return -1.0;
}

static int32_t
why_blocked(uint32_t pod)
{
    for (size_t b = 0; b < schedule.blocked.count; b++) {
        if (schedule.blocked.at[b].pod == pod)
            return schedule.blocked.at[b].why;
    }
    return SPOTOPT__MAY_LEAVE;
}

static void
test_waves__replace_ordered_stateful_pods_one_by_one(void)
{
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 1000);
    leaves[0] = 1;
    uint32_t db = build_workload(&cluster, SPOTOPT__STATEFUL_SET, "db", 3);
    for (int i = 0; i < 3; i++)
        target[build_pod(&cluster,
                         i == 0   ? "db-0"
                         : i == 1 ? "db-1"
                                  : "db-2",
                         "db", db, 0, 100)] = 1;
    run();
    /* The name is free after 30 s, the pod ready 15 s later. */
    CU_ASSERT_EQUAL(evicted_at(0) + evicted_at(1) + evicted_at(2), 0.0 + 45.0 + 90.0);
    CU_ASSERT_EQUAL(schedule.makespan_s, 135.0);
    CU_ASSERT_EQUAL(schedule.bound_s, 135.0);
    CU_ASSERT_EQUAL(deleted_at(0), 120.0);
    cluster.workloads.at[db].is_ordered = false; /* podManagementPolicy: Parallel */
    spotopt__schedule_free(&schedule);
    run();
    CU_ASSERT_EQUAL(evicted_at(0) + evicted_at(1) + evicted_at(2), 0.0);
    CU_ASSERT_EQUAL(schedule.makespan_s, 45.0);
    end();
}

static void
test_waves__use_all_the_headroom_there_is(void)
{
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 1000);
    leaves[0] = 1;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 7);
    build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MAX_COUNT, 3);
    for (int i = 0; i < 7; i++) {
        char name[10];
        snprintf(name, sizeof name, "web-%d", i);
        target[build_pod(&cluster, name, "web", web, 0, 100)] = 1;
    }
    run();
    /* Three, three, one; head-room counts down within a wave. */
    CU_ASSERT_EQUAL(schedule.steps.at[1].headroom, 3);
    CU_ASSERT_EQUAL(schedule.steps.at[2].headroom, 2);
    CU_ASSERT_EQUAL(schedule.steps.at[3].headroom, 1);
    CU_ASSERT_EQUAL(schedule.steps.at[4].at_s, 15.0);
    CU_ASSERT_EQUAL(schedule.steps.at[7].at_s, 30.0);
    CU_ASSERT_EQUAL(schedule.makespan_s, 60.0); /* 30 + the grace of the last */
    CU_ASSERT_EQUAL(schedule.bound_s, 60.0);
    CU_ASSERT_EQUAL(schedule.waves, 4);
    end();
}

static void
test_waves__launch_first_and_use_what_is_there_meanwhile(void)
{
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 100);
    leaves[0] = 1;
    job.launch_count = 1;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 2);
    build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MAX_COUNT, 1);
    target[build_pod(&cluster, "web-0", "web", web, 0, 100)] = 2;
    target[build_pod(&cluster, "web-1", "web", web, 0, 100)] = 1;
    run();
    CU_ASSERT_EQUAL(schedule.steps.at[0].kind, SPOTOPT__DO_LAUNCH);
    CU_ASSERT_EQUAL(schedule.steps.at[0].node, 2);
    CU_ASSERT_EQUAL(schedule.steps.at[1].kind, SPOTOPT__DO_CORDON);
    CU_ASSERT_EQUAL(evicted_at(1), 0.0);
    CU_ASSERT_EQUAL(evicted_at(0), 60.0);
    CU_ASSERT_EQUAL(schedule.bound_s, 90.0);
    CU_ASSERT_EQUAL(schedule.makespan_s, 90.0);
    end();
}

static void
test_waves__leave_before_the_launch_only_when_a_notice_presses(void)
{
    start();
    build_node(&cluster, "n0", 1000);
    leaves[0] = 1;
    job.launch_count = 1;
    job.notice_s = 120.0;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 2);
    target[build_pod(&cluster, "web-0", "web", web, 0, 100)] = 1;
    target[build_pod(&cluster, "web-1", "web", web, 0, 100)] = 1;
    shape_of(&cluster, 1)->grace_s = 90.0; /* after the launch there are 60 s left */
    run();
    CU_ASSERT_EQUAL(evicted_at(0), 60.0);
    CU_ASSERT_EQUAL(evicted_at(1), 0.0);
    CU_ASSERT_EQUAL(schedule.lost.count, 0);
    CU_ASSERT_EQUAL(deleted_at(0), 90.0);
    CU_ASSERT_EQUAL(schedule.makespan_s, 90.0);
    end();
}

static void
test_waves__wait_for_pods_that_get_a_node(void)
{
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 1000);
    leaves[0] = 1;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 3);
    build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MIN_COUNT, 2);
    target[build_pod(&cluster, "web-0", "web", web, 0, 100)] = 1;
    target[build_pod(&cluster, "web-1", "web", web, 0, 100)] = 1;
    target[build_pod(&cluster, "web-2", "web", web, SPOTOPT__NONE, 100)] = 1;
    run();
    CU_ASSERT_EQUAL(evicted_at(0), 15.0); /* when web-2 is ready */
    CU_ASSERT_EQUAL(evicted_at(1), 30.0);
    CU_ASSERT_EQUAL(schedule.blocked.count, 0);
    end();
}

static void
test_waves__make_room_on_kept_nodes_first(void)
{
    /* n0 leaves. Room for web-0 on n1 comes about only when api-0 has moved on and is gone. */
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 500);
    build_node(&cluster, "n2", 500);
    leaves[0] = 1;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 1);
    uint32_t api = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "api", 1);
    target[build_pod(&cluster, "web-0", "web", web, 0, 400)] = 1;
    target[build_pod(&cluster, "api-0", "api", api, 1, 400)] = 2;
    run();
    CU_ASSERT_EQUAL(evicted_at(1), 0.0);
    CU_ASSERT_EQUAL(evicted_at(0), 30.0);
    end();
}

static void
test_waves__never_overfill_a_node_to_swap_two_pods(void)
{
    start();
    build_node(&cluster, "n0", 500);
    build_node(&cluster, "n1", 500);
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 2);
    target[build_pod(&cluster, "web-0", "web", web, 0, 400)] = 1;
    target[build_pod(&cluster, "web-1", "web", web, 1, 400)] = 0;
    run();
    CU_ASSERT_EQUAL(schedule.steps.count, 0);
    CU_ASSERT_EQUAL(why_blocked(0), SPOTOPT__NO_TARGET);
    CU_ASSERT_EQUAL(why_blocked(1), SPOTOPT__NO_TARGET);
    end();
}

static void
test_waves__keep_nodes_whose_daemon_pods_hold_up_a_budget(void)
{
    /* The budget counts the daemon pod of n0; gone with its node, it would leave no head-room for
     * web-1. */
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 1000);
    build_node(&cluster, "n2", 1000);
    leaves[0] = leaves[1] = 1;
    job.launch_count = 1;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 1);
    build_pdb(&cluster, "all", "", SPOTOPT__BUDGET_MIN_COUNT, 1);
    uint32_t agent = build_pod(&cluster, "agent-0", "agent", web, 0, 100);
    cluster.pods.at[agent].is_daemon = true;
    uint32_t late = build_pod(&cluster, "web-1", "web", web, 1, 100);
    target[late] = 3; /* not before the launch */
    run();
    CU_ASSERT_EQUAL(evicted_at(late), 60.0);
    CU_ASSERT_TRUE(deleted_at(0) >= 60.0);
    CU_ASSERT_EQUAL(schedule.blocked.count, 0);
    end();
}

static void
test_waves__let_sick_pods_go_before_ready_ones(void)
{
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 1000);
    leaves[0] = 1;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 3);
    build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MIN_COUNT, 2);
    for (int i = 0; i < 3; i++)
        target[build_pod(&cluster,
                         i == 0   ? "web-0"
                         : i == 1 ? "web-1"
                                  : "web-2",
                         "web", web, 0, 100)] = 1;
    cluster.pods.at[2].is_ready = false;
    run();
    CU_ASSERT_EQUAL(evicted_at(2), 0.0);
    CU_ASSERT_EQUAL(evicted_at(0), 15.0); /* on the strength of web-2's replacement */
    CU_ASSERT_EQUAL(evicted_at(1), 30.0);
    end();
}

static void
test_waves__blame_the_budget_only_for_what_it_does(void)
{
    start();
    build_node(&cluster, "n0", 1000);
    build_node(&cluster, "n1", 1000);
    leaves[0] = 1;
    uint32_t web = build_workload(&cluster, SPOTOPT__DEPLOYMENT, "web", 2);
    uint32_t pdb = build_pdb(&cluster, "web", "web", SPOTOPT__BUDGET_MIN_COUNT, 2);
    target[build_pod(&cluster, "web-0", "web", web, 0, 100)] = 1;
    build_pod(&cluster, "web-1", "web", web, 0, 100); /* no target */
    run();
    CU_ASSERT_EQUAL(why_blocked(0), SPOTOPT__NO_HEADROOM);
    CU_ASSERT_EQUAL(schedule.blocked.at[0].pdb, pdb);
    CU_ASSERT_EQUAL(schedule.blocked.at[0].node, 0);
    CU_ASSERT_EQUAL(why_blocked(1), SPOTOPT__NO_TARGET);
    CU_ASSERT_EQUAL(deleted_at(0), -1.0);
    end();
}

static void
test_waves__take_nothing_from_an_empty_job(void)
{
    start();
    run();
    CU_ASSERT_EQUAL(schedule.steps.count, 0);
    CU_ASSERT_EQUAL(schedule.waves, 0);
    CU_ASSERT_EQUAL(schedule.makespan_s, 0.0);
    end();
    start();
    build_node(&cluster, "n0", 1000);
    leaves[0] = 1;
    run();
    CU_ASSERT_EQUAL(deleted_at(0), 0.0);
    end();
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_waves__replace_ordered_stateful_pods_one_by_one),
        TEST(test_waves__use_all_the_headroom_there_is),
        TEST(test_waves__launch_first_and_use_what_is_there_meanwhile),
        TEST(test_waves__leave_before_the_launch_only_when_a_notice_presses),
        TEST(test_waves__wait_for_pods_that_get_a_node),
        TEST(test_waves__make_room_on_kept_nodes_first),
        TEST(test_waves__never_overfill_a_node_to_swap_two_pods),
        TEST(test_waves__keep_nodes_whose_daemon_pods_hold_up_a_budget),
        TEST(test_waves__let_sick_pods_go_before_ready_ones),
        TEST(test_waves__blame_the_budget_only_for_what_it_does),
        TEST(test_waves__take_nothing_from_an_empty_job),
    };
    return suite_run("waves", tests, sizeof tests / sizeof *tests);
}
