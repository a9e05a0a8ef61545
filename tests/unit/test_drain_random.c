/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random small clusters, tight on purpose: every schedule is replayed by the simulator, and where
 * few pods move, every order of evictions is tried to see whether what is called blocked really is.
 */
#include "build_cluster.h"
#include "fail_alloc.h"
#include "sim_drain.h"
#include "suite.h"

enum { NODES_MAX = 5, PODS_MAX = 12, LAUNCHES_MAX = 2, BRUTE_MAX = 6 };

typedef struct sample {
    spotopt_cluster cluster;
    spotopt__drain_job job;
    unsigned char leaves[NODES_MAX + 1];
    uint32_t target[PODS_MAX + 1];
    spotopt__launch launches[LAUNCHES_MAX];
    bool is_roomy; /* no node is short of anything, so budgets alone decide */
} sample;

static uint32_t
roll(spotopt__rng *rng, uint32_t sides)
{
    return (uint32_t)spotopt__rng_below(rng, sides);
}

static void
make_pods(sample *x, spotopt__rng *rng, uint32_t pods, const uint32_t *workloads,
          uint32_t workload_count)
{
    static const char *const apps[] = {"web", "api", "db"};
    spotopt_cluster *c = &x->cluster;
    char name[20];

    for (uint32_t i = 0; i < pods; i++) {
        uint32_t w = roll(rng, workload_count), node = roll(rng, (uint32_t)c->nodes.count), pod;
        snprintf(name, sizeof name, "p%u", i);
        pod = build_pod(c, name, apps[w], roll(rng, 25) ? workloads[w] : SPOTOPT__NONE,
                        roll(rng, 10) ? node : SPOTOPT__NONE, 100 * (1 + roll(rng, 3)));
        shape_of(c, pod)->grace_s = 10.0 * roll(rng, 5);
        shape_of(c, pod)->priority = (int32_t)roll(rng, 3);
        shape_of(c, pod)->is_do_not_disrupt = roll(rng, 40) == 0;
        shape_of(c, pod)->has_exclusive_claim = roll(rng, 30) == 0;
        if (c->pods.at[pod].node == SPOTOPT__NONE)
            continue;
        c->pods.at[pod].is_ready = roll(rng, 6) != 0;
        c->pods.at[pod].is_terminating = roll(rng, 12) == 0;
        switch (roll(rng, 30)) {
        case 0:
            c->pods.at[pod].phase = SPOTOPT__PENDING;
            c->pods.at[pod].is_ready = false;
            break;
        case 1:
            c->pods.at[pod].phase = SPOTOPT__SUCCEEDED;
            c->pods.at[pod].is_ready = false;
            break;
        case 2:
            c->pods.at[pod].is_mirror = true;
            break;
        case 3:
            c->pods.at[pod].is_daemon = true;
            break;
        default:
            break;
        }
    }
}

static void
make_pdbs(sample *x, spotopt__rng *rng)
{
    static const char *const selected[] = {"web", "api", "db", "web", "api", "db", "web", ""};
    static const char *const disrupted[] = {"p1", "p4"};
    uint32_t count = 1 + roll(rng, 4);
    char name[20];

    for (uint32_t p = 0; p < count; p++) {
        int32_t kind = SPOTOPT__BUDGET_MIN_COUNT + (int32_t)roll(rng, 4);
        bool is_percent =
            kind == SPOTOPT__BUDGET_MIN_PERCENT || kind == SPOTOPT__BUDGET_MAX_PERCENT;
        uint32_t pdb;
        snprintf(name, sizeof name, "b%u", p);
        pdb = build_pdb(&x->cluster, name, selected[p < 3 && roll(rng, 4) ? p : roll(rng, 8)], kind,
                        is_percent ? roll(rng, 101) : roll(rng, 4));
        x->cluster.pdbs.at[pdb].always_allows_unhealthy = roll(rng, 3) == 0;
        x->cluster.pdbs.at[pdb].is_lagging = roll(rng, 15) == 0;
        if (roll(rng, 8) == 0) {
            x->cluster.pdbs.at[pdb].disrupted = disrupted;
            x->cluster.pdbs.at[pdb].disrupted_count = 1 + roll(rng, 2);
        }
    }
}

static uint32_t
staying_node(sample *x, spotopt__rng *rng)
{
    uint32_t all = (uint32_t)(x->cluster.nodes.count + x->job.launch_count);

    for (int tries = 0; tries < 20; tries++) {
        uint32_t n = roll(rng, all);
        if (n >= x->cluster.nodes.count || !x->leaves[n])
            return n;
    }
    return SPOTOPT__NONE;
}

static void
make_targets(sample *x, spotopt__rng *rng, bool moves_kept)
{
    for (uint32_t i = 0; i < x->cluster.pods.count; i++) {
        uint32_t node = x->cluster.pods.at[i].node;
        bool must = node == SPOTOPT__NONE || x->leaves[node];
        x->target[i] = SPOTOPT__NONE;
        if (must ? roll(rng, 30) != 0 : moves_kept && roll(rng, 4) == 0)
            x->target[i] = staying_node(x, rng);
    }
}

/* Gives each target just the room that the end needs (with a little slack now and then), or plenty.
 */
static void
size_nodes(sample *x, spotopt__rng *rng)
{
    spotopt_cluster *c = &x->cluster;
    size_t all = c->nodes.count + x->job.launch_count;

    for (size_t n = 0; n < all; n++) {
        int64_t first = 0, last = 0,
                *cpu = n < c->nodes.count ? &c->nodes.at[n].allocatable.of[SPOTOPT__CPU]
                                          : &x->launches[n - c->nodes.count].room.of[SPOTOPT__CPU];
        for (uint32_t i = 0; i < c->pods.count; i++) {
            const spotopt__pod *pod = &c->pods.at[i];
            int64_t want = shape_of(c, i)->request.of[SPOTOPT__CPU];
            if (pod->phase == SPOTOPT__SUCCEEDED)
                continue;
            first += pod->node == n ? want : 0;
            if (x->target[i] == n ? !pod->is_daemon && !pod->is_mirror && !pod->is_terminating
                                  : pod->node == n && x->target[i] == SPOTOPT__NONE)
                last += want;
            else if (pod->node == n && (pod->is_daemon || pod->is_mirror))
                last += want;
        }
        *cpu = first > last ? first : last;
        *cpu += x->is_roomy ? 10000 : 100 * roll(rng, 2);
        if (!x->is_roomy && roll(rng, 20) == 0 && *cpu >= 100)
            *cpu -= 100; /* overfull already, or too small for what is to come */
    }
}

static void
make_sample(sample *x, spotopt__rng *rng, uint32_t pods_max, bool is_roomy, bool moves_kept,
            bool has_notice)
{
    uint32_t workloads[3], nodes = 2 + roll(rng, NODES_MAX - 1), count = 1 + roll(rng, 3);
    char name[20];

    memset(x, 0, sizeof *x);
    build_start(&x->cluster);
    for (uint32_t n = 0; n < nodes; n++) {
        snprintf(name, sizeof name, "n%u", n);
        build_node(&x->cluster, name, 0);
        x->leaves[n] = n == 0 || roll(rng, 3) == 0;
        x->cluster.nodes.at[n].is_unschedulable = roll(rng, 20) == 0;
        x->cluster.nodes.at[n].is_do_not_disrupt = roll(rng, 60) == 0;
    }
    for (uint32_t w = 0; w < count; w++) {
        static const int32_t kinds[] = {SPOTOPT__DEPLOYMENT, SPOTOPT__DEPLOYMENT,
                                        SPOTOPT__STATEFUL_SET, SPOTOPT__JOB};
        snprintf(name, sizeof name, "w%u", w);
        workloads[w] = build_workload(&x->cluster, kinds[roll(rng, 4)], name, 1 + roll(rng, 5));
        x->cluster.workloads.at[workloads[w]].has_scale = roll(rng, 12) != 0;
    }
    make_pods(x, rng, 1 + roll(rng, pods_max), workloads, count);
    make_pdbs(x, rng);
    x->is_roomy = is_roomy;
    x->job.cluster = &x->cluster;
    x->job.leaves = x->leaves;
    x->job.target = x->target;
    x->job.launches = x->launches;
    x->job.launch_count = roll(rng, LAUNCHES_MAX + 1);
    for (size_t l = 0; l < x->job.launch_count; l++) {
        x->launches[l].name = l ? "new-1" : "new-0";
        x->launches[l].pool = "m5.large/a/spot";
        x->launches[l].room.of[SPOTOPT__PODS] = 110;
    }
    x->job.launch_s = 20.0 * roll(rng, 4);
    x->job.start_s = 5.0 * (1 + roll(rng, 4));
    x->job.notice_s = has_notice ? 20.0 * (1 + roll(rng, 6)) : 0.0;
    make_targets(x, rng, moves_kept);
    size_nodes(x, rng);
}

/* Everything about a sample that went wrong. */
static void
explain(uint64_t seed, const sample *x, const spotopt__schedule *schedule, const char *faults)
{
    static const char *const does[] = {"launch", "cordon", "evict", "delete"};
    const spotopt_cluster *c = &x->cluster;

    printf("\n  sample %llu: launch %g s, start %g s, notice %g s\n", (unsigned long long)seed,
           x->job.launch_s, x->job.start_s, x->job.notice_s);
    for (size_t n = 0; n < c->nodes.count; n++)
        printf("  node %zu: cpu %lld%s%s\n", n,
               (long long)c->nodes.at[n].allocatable.of[SPOTOPT__CPU],
               x->leaves[n] ? " leaves" : "", c->nodes.at[n].is_unschedulable ? " cordoned" : "");
    for (size_t i = 0; i < c->pods.count; i++) {
        const spotopt__pod *pod = &c->pods.at[i];
        const spotopt__shape *shape = &c->shapes.at[pod->shape];
        printf("  %s %s: %d -> %d, workload %d, cpu %lld, grace %g, phase %d%s%s%s%s\n", pod->name,
               pod->labels.at[0].value, (int)pod->node, (int)x->target[i], (int)pod->workload,
               (long long)shape->request.of[SPOTOPT__CPU], shape->grace_s, pod->phase,
               pod->is_ready ? " ready" : "", pod->is_terminating ? " terminating" : "",
               pod->is_daemon || pod->is_mirror ? " daemon" : "",
               shape->has_exclusive_claim ? " exclusive" : "");
    }
    for (size_t p = 0; p < c->pdbs.count; p++)
        printf("  %s: %s kind %d value %lld%s%s, %u disrupted\n", c->pdbs.at[p].name,
               c->pdbs.at[p].selector.count ? c->pdbs.at[p].selector.at[0].values[0] : "all",
               c->pdbs.at[p].kind, (long long)c->pdbs.at[p].value,
               c->pdbs.at[p].always_allows_unhealthy ? " always" : "",
               c->pdbs.at[p].is_lagging ? " lags" : "", c->pdbs.at[p].disrupted_count);
    for (size_t i = 0; i < schedule->steps.count; i++) {
        const spotopt__drain_step *step = &schedule->steps.at[i];
        printf("  %g s: %s node %u pod %d headroom %u\n", step->at_s, does[step->kind], step->node,
               (int)step->pod, step->headroom);
    }
    for (size_t b = 0; b < schedule->blocked.count; b++)
        printf("  blocked: pod %u %s\n", schedule->blocked.at[b].pod,
               spotopt__stay_reason_text(schedule->blocked.at[b].why));
    for (size_t l = 0; l < schedule->lost.count; l++)
        printf("  lost: pod %u\n", schedule->lost.at[l]);
    printf("%s", faults);
}

static size_t
replay_many(uint32_t samples, bool is_roomy, bool moves_kept, bool has_notice, uint64_t seed)
{
    size_t evictions = 0, shown = 0;

    for (uint32_t k = 0; k < samples; k++) {
        sample x;
        spotopt__rng rng;
        spotopt__schedule schedule;
        char faults[4096];

        spotopt__rng_seed(&rng, seed + k);
        make_sample(&x, &rng, PODS_MAX, is_roomy, moves_kept, has_notice);
        CU_ASSERT_EQUAL_FATAL(spotopt__drain_schedule(&x.job, &schedule, NULL), SPOTOPT_OK);
        size_t count = sim_check(&x.job, &schedule, faults, sizeof faults);
        if (count > 0 && shown++ < 3)
            explain(seed + k, &x, &schedule, faults);
        CU_ASSERT_EQUAL(count, 0);
        for (size_t i = 0; i < schedule.steps.count; i++)
            evictions += schedule.steps.at[i].kind == SPOTOPT__DO_EVICT;
        spotopt__schedule_free(&schedule);
        build_end(&x.cluster);
    }
    return evictions;
}

static void
test_drain__breaks_no_budget_in_twenty_thousand_tight_clusters(void)
{
    CU_ASSERT_TRUE(replay_many(20000, false, false, false, 1000000) > 10000);
}

static void
test_drain__breaks_no_budget_when_kept_nodes_shuffle_too(void)
{
    CU_ASSERT_TRUE(replay_many(20000, false, true, false, 2000000) > 15000);
}

static void
test_drain__names_all_that_a_short_notice_costs(void)
{
    CU_ASSERT_TRUE(replay_many(20000, false, true, true, 3000000) > 10000);
    CU_ASSERT_TRUE(replay_many(10000, true, false, true, 4000000) > 5000);
}

/*
 * Every order of evictions, each waited for until all is still: what can be reached at all. Room is
 * plenty. The bits of the answer are pods.
 */
static uint32_t
reachable(const spotopt__drain_job *job)
{
    uint32_t pods = (uint32_t)job->cluster->pods.count, all = 0;
    unsigned char *seen = calloc((size_t)1 << pods, 1);
    uint32_t *stack = calloc((size_t)1 << pods, sizeof *stack);
    size_t count = 1;

    seen[0] = 1;
    while (count > 0) {
        uint32_t set = stack[--count];
        sim_drain sim;
        bool takes_one;

        sim_start(&sim, job);
        sim_launch(&sim);
        while (isfinite(sim_next_event(&sim)))
            sim_advance(&sim, sim_next_event(&sim));
        for (uint32_t i = 0; i < pods;
             i++) { /* the state after a set does not depend on its order */
            if (set >> i & 1) {
                sim.pods[i].is_evicted = sim.pods[i].is_bound = true;
                sim.pods[i].gone_s = sim.pods[i].ready_s = sim.now_s;
            }
        }
        all |= set;
        for (uint32_t i = 0; i < pods; i++) {
            uint32_t next = set | 1u << i;
            if (seen[next] || sim_refusal(&sim, i, &takes_one) != NULL)
                continue;
            seen[next] = 1;
            stack[count++] = next;
        }
        sim_end(&sim);
    }
    free(seen);
    free(stack);
    return all;
}

static void
test_drain__evicts_what_any_order_could_and_blocks_the_rest(void)
{
    size_t blocked = 0, moved = 0;

    for (uint64_t seed = 5000000; seed < 5010000; seed++) {
        sample x;
        spotopt__rng rng;
        spotopt__schedule schedule;
        uint32_t possible, evicted = 0;

        spotopt__rng_seed(&rng, seed);
        make_sample(&x, &rng, BRUTE_MAX, true, true, false);
        CU_ASSERT_EQUAL_FATAL(spotopt__drain_schedule(&x.job, &schedule, NULL), SPOTOPT_OK);
        possible = reachable(&x.job);
        for (size_t i = 0; i < schedule.steps.count; i++)
            evicted |=
                schedule.steps.at[i].kind == SPOTOPT__DO_EVICT ? 1u << schedule.steps.at[i].pod : 0;
        if (evicted != possible)
            explain(seed, &x, &schedule, "  another order moves other pods\n");
        CU_ASSERT_EQUAL(evicted, possible);
        for (size_t b = 0; b < schedule.blocked.count; b++) {
            CU_ASSERT_FALSE(possible >> schedule.blocked.at[b].pod & 1);
            blocked += schedule.blocked.at[b].why == SPOTOPT__NO_HEADROOM;
        }
        moved += (size_t)__builtin_popcount(evicted);
        spotopt__schedule_free(&schedule);
        build_end(&x.cluster);
    }
    CU_ASSERT_TRUE(blocked > 300);
    CU_ASSERT_TRUE(moved > 1000);
}

/* The end of the schedule that tries pods in the given order at every instant. */
static double
end_of_order(const spotopt__drain_job *job, const uint32_t *order, uint32_t count)
{
    sim_drain sim;
    double end_s;
    bool takes_one;

    sim_start(&sim, job);
    sim_launch(&sim);
    sim.end_s = job->launch_count > 0 && job->launch_s > sim.end_s ? job->launch_s : sim.end_s;
    for (;;) {
        for (uint32_t k = 0; k < count; k++) {
            if (sim_refusal(&sim, order[k], &takes_one) == NULL) {
                sim_evict(&sim, order[k]);
                k = UINT32_MAX; /* from the start: a sick pod may have become free to go */
            }
        }
        if (!isfinite(sim_next_event(&sim)))
            break;
        sim_advance(&sim, sim_next_event(&sim));
    }
    end_s = sim.end_s;
    sim_end(&sim);
    return end_s;
}

static double
best_end(const spotopt__drain_job *job, uint32_t *order, uint32_t fixed, uint32_t count)
{
    double best_s = INFINITY;

    if (fixed == count)
        return end_of_order(job, order, count);
    for (uint32_t k = fixed; k < count; k++) {
        uint32_t kept = order[k];
        order[k] = order[fixed];
        order[fixed] = kept;
        best_s = fmin(best_s, best_end(job, order, fixed + 1, count));
        order[fixed] = order[k];
        order[k] = kept;
    }
    return best_s;
}

static void
test_drain__bound_is_below_the_best_of_all_orders(void)
{
    double ours_s = 0.0, best_s = 0.0, bound_s = 0.0;
    size_t optimal = 0, tight = 0, counted = 0;

    for (uint64_t seed = 6000000; seed < 6005000; seed++) {
        sample x;
        spotopt__rng rng;
        spotopt__schedule schedule;
        uint32_t order[PODS_MAX], count = 0;

        spotopt__rng_seed(&rng, seed);
        make_sample(&x, &rng, PODS_MAX, true, false, false);
        CU_ASSERT_EQUAL_FATAL(spotopt__drain_schedule(&x.job, &schedule, NULL), SPOTOPT_OK);
        for (size_t i = 0; i < schedule.steps.count; i++) {
            if (schedule.steps.at[i].kind == SPOTOPT__DO_EVICT && count < PODS_MAX)
                order[count++] = schedule.steps.at[i].pod;
        }
        if (count >= 2 && count <= 5) {
            double end_s = best_end(&x.job, order, 0, count);
            CU_ASSERT_TRUE(schedule.bound_s <= end_s + 1e-9);
            CU_ASSERT_TRUE(end_s <= schedule.makespan_s + 1e-9);
            if (end_s > schedule.makespan_s + 1e-9)
                explain(seed, &x, &schedule, "  no order is that short\n");
            optimal += schedule.makespan_s <= end_s + 1e-9;
            tight += schedule.bound_s >= end_s - 1e-9;
            ours_s += schedule.makespan_s;
            best_s += end_s;
            bound_s += schedule.bound_s;
            counted++;
        }
        spotopt__schedule_free(&schedule);
        build_end(&x.cluster);
    }
    printf("\n  of %zu schedules %zu are the best order, %zu bounds are exact; bound %.4f, "
           "makespan %.4f of the best\n  ",
           counted, optimal, tight, bound_s / best_s, ours_s / best_s);
    CU_ASSERT_TRUE(counted > 300);
    CU_ASSERT_TRUE(ours_s <= 1.02 * best_s);
    CU_ASSERT_TRUE(bound_s >= 0.8 * best_s);
}

static void
test_drain__survives_every_allocation_failing(void)
{
    sample x;
    spotopt__rng rng;
    spotopt__schedule schedule;
    spotopt_status status;
    int32_t reasons[PODS_MAX + 1];
    uint32_t pdbs[PODS_MAX + 1];
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    size_t n = 0, live = allocator.live;

    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    spotopt__rng_seed(&rng, 7);
    make_sample(&x, &rng, PODS_MAX, false, true, true);
    x.cluster.context = context;
    do {
        fail_after(&allocator, n++);
        status = spotopt__drain_schedule(&x.job, &schedule, NULL);
        if (status == SPOTOPT_OK)
            spotopt__schedule_free(&schedule);
        CU_ASSERT_EQUAL(allocator.live, live);
        CU_ASSERT_TRUE(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_TRUE(n > 15 && n < 1000);
    n = 0;
    do {
        fail_after(&allocator, n++);
        status = spotopt__drain_evictable(&x.cluster, reasons, pdbs, NULL);
        CU_ASSERT_EQUAL(allocator.live, live);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    fail_never(&allocator);
    x.cluster.context = NULL;
    build_end(&x.cluster);
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

static void
test_drain__gives_the_same_schedule_twice(void)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        sample x;
        spotopt__rng rng;
        spotopt__schedule a, b;

        spotopt__rng_seed(&rng, seed);
        make_sample(&x, &rng, PODS_MAX, false, true, seed & 1);
        CU_ASSERT_EQUAL_FATAL(spotopt__drain_schedule(&x.job, &a, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt__drain_schedule(&x.job, &b, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(a.steps.count, b.steps.count);
        for (size_t i = 0; i < a.steps.count; i++) {
            CU_ASSERT_EQUAL(a.steps.at[i].kind, b.steps.at[i].kind);
            CU_ASSERT_EQUAL(a.steps.at[i].pod, b.steps.at[i].pod);
            CU_ASSERT_EQUAL(a.steps.at[i].at_s, b.steps.at[i].at_s);
        }
        spotopt__schedule_free(&a);
        spotopt__schedule_free(&b);
        build_end(&x.cluster);
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_drain__breaks_no_budget_in_twenty_thousand_tight_clusters),
        TEST(test_drain__breaks_no_budget_when_kept_nodes_shuffle_too),
        TEST(test_drain__names_all_that_a_short_notice_costs),
        TEST(test_drain__evicts_what_any_order_could_and_blocks_the_rest),
        TEST(test_drain__bound_is_below_the_best_of_all_orders),
        TEST(test_drain__survives_every_allocation_failing),
        TEST(test_drain__gives_the_same_schedule_twice),
    };
    return suite_run("drain on random clusters", tests, sizeof tests / sizeof *tests);
}
