/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random drains carried out in the simulated cluster: tight and overlapping budgets, refusals, slow
 * pods, lost nodes. The simulated cluster judges every step; here it is only asked for its verdict.
 *
 * SPOTOPT_CASES, or 10,000 drains; a million with SPOTOPT_SLOW set.
 */
#include "build_cluster.h"
#include "fail_alloc.h"
#include "model/policy.h"
#include "spotopt/spotopt.h"
#include "suite.h"

static const char catalog_text[] =
    "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Catalog\",\"region\":\"r\",\"instance_types\":["
    "{\"name\":\"s.small\",\"arch\":\"amd64\",\"capacity\":{\"cpu\":\"1\",\"memory\":\"64Gi\","
    "\"pods\":\"20\"}},{\"name\":\"s.large\",\"arch\":\"amd64\",\"capacity\":{\"cpu\":\"4\","
    "\"memory\":\"64Gi\",\"pods\":\"60\"}}],\"pools\":["
    "{\"id\":\"small\",\"instance_type\":\"s.small\",\"zone\":\"a\",\"purchase\":\"spot\","
    "\"usd_per_hour\":0.03},{\"id\":\"large\",\"instance_type\":\"s.large\",\"zone\":\"a\","
    "\"purchase\":\"spot\",\"usd_per_hour\":0.1}]}";

static const char *const policies[] = {
    "{\"drain\":{\"max_evictions_per_hour\":7}}",
    "{\"drain\":{\"start_times\":[{\"workload\":\"shop/w1\",\"seconds\":70}],\"detach_s\":25,"
    "\"node_budgets\":[{\"label\":\"pool\",\"nodes\":\"30%\"}]}}",
    "{\"drain\":{\"node_budgets\":[{\"label\":\"pool\",\"nodes\":1},{\"label\":\"pool\","
    "\"value\":\"a\",\"nodes\":0,\"schedule\":\"*/5 * * * *\",\"duration\":\"2m\"}]}}",
};

typedef struct sample {
    spotopt_cluster cluster;
    const char *leaving[200];
    size_t leaving_count;
    spotopt_drain_params params;
    spotopt_simulation_params chaos;
} sample;

static spotopt_catalog *catalog;
static spotopt_policy *policy[3];

static uint32_t
roll(spotopt__rng *rng, uint32_t sides)
{
    return (uint32_t)spotopt__rng_below(rng, sides);
}

static void
make_pods(sample *x, spotopt__rng *rng, uint32_t pods, uint32_t workloads)
{
    spotopt_cluster *c = &x->cluster;
    char name[20], app[20];

    for (uint32_t i = 0; i < pods; i++) {
        uint32_t w = roll(rng, workloads), node = roll(rng, (uint32_t)c->nodes.count), pod;
        snprintf(name, sizeof name, "p%u", i);
        snprintf(app, sizeof app, "a%u", w);
        pod = build_pod(c, name, app, roll(rng, 60) ? w : SPOTOPT__NONE, node,
                        100 * (1 + roll(rng, 4)));
        shape_of(c, pod)->grace_s = 10.0 * roll(rng, 5);
        shape_of(c, pod)->priority = (int32_t)roll(rng, 3);
        shape_of(c, pod)->is_do_not_disrupt = roll(rng, 100) == 0;
        shape_of(c, pod)->has_exclusive_claim = roll(rng, 40) == 0;
        shape_of(c, pod)->has_attached_claim = roll(rng, 20) == 0;
        c->nodes.at[node].allocatable.of[SPOTOPT__CPU] +=
            shape_of(c, pod)->request.of[SPOTOPT__CPU];
        c->pods.at[pod].is_ready = roll(rng, 10) != 0;
        c->pods.at[pod].is_terminating = roll(rng, 25) == 0;
        if (roll(rng, 30) == 0)
            c->pods.at[pod].is_daemon = true;
        else if (roll(rng, 60) == 0)
            c->pods.at[pod].phase = SPOTOPT__SUCCEEDED;
        else if (roll(rng, 60) == 0)
            c->pods.at[pod].is_mirror = true;
        if (c->pods.at[pod].phase == SPOTOPT__SUCCEEDED)
            c->pods.at[pod].is_ready = false;
    }
}

static void
make_pdbs(sample *x, spotopt__rng *rng, uint32_t workloads)
{
    char name[20], app[20];
    uint32_t count = 1 + roll(rng, workloads + 2);

    for (uint32_t p = 0; p < count; p++) {
        int32_t kind = SPOTOPT__BUDGET_MIN_COUNT + (int32_t)roll(rng, 4);
        bool is_percent =
            kind == SPOTOPT__BUDGET_MIN_PERCENT || kind == SPOTOPT__BUDGET_MAX_PERCENT;
        uint32_t pdb, of = roll(rng, 5) ? p % workloads : roll(rng, workloads);
        snprintf(name, sizeof name, "b%u", p);
        snprintf(app, sizeof app, "a%u", of);
        pdb = build_pdb(&x->cluster, name, roll(rng, 30) ? app : "", kind,
                        is_percent ? roll(rng, 101) : roll(rng, 4));
        x->cluster.pdbs.at[pdb].always_allows_unhealthy = roll(rng, 3) == 0;
        x->cluster.pdbs.at[pdb].is_lagging = roll(rng, 40) == 0;
    }
}

static void
make_sample(sample *x, uint64_t seed)
{
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_simulation_params chaos = SPOTOPT_SIMULATION_PARAMS_INIT;
    uint32_t nodes, workloads;
    spotopt__rng rng;
    char name[20];

    memset(x, 0, sizeof *x);
    spotopt__rng_seed(&rng, seed);
    build_start(&x->cluster);
    /* Most are small; one in 500 has up to 200 nodes. */
    nodes = roll(&rng, 500) == 0  ? 3 + roll(&rng, 198)
            : roll(&rng, 20) == 0 ? 3 + roll(&rng, 30)
                                  : 3 + roll(&rng, 6);
    workloads = 1 + roll(&rng, 1 + nodes / 2);
    for (uint32_t n = 0; n < nodes; n++) {
        snprintf(name, sizeof name, "n%u", n);
        build_node(&x->cluster, name, roll(&rng, 3) ? 500 : 100 * roll(&rng, 8));
        x->cluster.nodes.at[n].labels =
            build_labels(&x->cluster, "pool", roll(&rng, 2) ? "a" : "b");
        x->cluster.nodes.at[n].is_unschedulable = roll(&rng, 30) == 0;
        x->cluster.nodes.at[n].is_ready = roll(&rng, 60) != 0;
    }
    for (uint32_t w = 0; w < workloads; w++) {
        static const int32_t kinds[] = {SPOTOPT__DEPLOYMENT, SPOTOPT__DEPLOYMENT,
                                        SPOTOPT__STATEFUL_SET, SPOTOPT__JOB};
        snprintf(name, sizeof name, "w%u", w);
        build_workload(&x->cluster, kinds[roll(&rng, 4)], name, 1 + roll(&rng, 6));
        x->cluster.workloads.at[w].has_scale = roll(&rng, 15) != 0;
    }
    make_pods(x, &rng, nodes + roll(&rng, 4 * nodes), workloads);
    make_pdbs(x, &rng, workloads);
    for (uint32_t n = 0; n < nodes; n++) {
        if (n == 0 || roll(&rng, 4) == 0)
            x->leaving[x->leaving_count++] = x->cluster.nodes.at[n].name;
    }
    x->params = params;
    x->params.cluster = &x->cluster;
    x->params.nodes = x->leaving;
    x->params.node_count = x->leaving_count;
    x->params.catalog = roll(&rng, 2) ? catalog : NULL;
    x->params.policy = roll(&rng, 3) == 0 ? policy[roll(&rng, 3)] : NULL;
    x->params.now_s = roll(&rng, 2) ? 1.7e9 + 60.0 * roll(&rng, 100) + 7.0 : -1.0;
    x->params.notice_s = roll(&rng, 5) == 0 ? 20.0 * (1 + roll(&rng, 6)) : 0.0;
    x->params.launch_s = 20.0 * roll(&rng, 4);
    x->params.start_s = 5.0 * (1 + roll(&rng, 4));
    x->chaos = chaos;
    x->chaos.seed = seed;
    if (roll(&rng, 3) == 0)
        x->chaos.stuck_frac = 0.03;
    if (roll(&rng, 4) == 0)
        x->chaos.node_lost_frac = 0.2;
    if (roll(&rng, 4) == 0)
        x->chaos.refused_frac = 0.3;
}

static void
show(uint64_t seed, const spotopt_simulation *simulation)
{
    char *text = NULL;

    if (spotopt_simulation_write(simulation, &text, NULL, NULL) == SPOTOPT_OK)
        printf("\n  sample %llu: %.3000s\n", (unsigned long long)seed, text);
    spotopt_text_free(NULL, text);
}

static size_t
case_count(void)
{
    const char *stated = getenv("SPOTOPT_CASES");

    if (stated != NULL)
        return strtoul(stated, NULL, 10);
    return getenv("SPOTOPT_SLOW") != NULL ? 1000000 : 10000;
}

static void
test_simulate__no_step_ever_breaks_a_budget(void)
{
    size_t faults = 0, plans = 0, drained = 0, cases = case_count(), shown = 0, most = 0;
    const char *from = getenv("SPOTOPT_FIRST_SEED");
    uint64_t first = from == NULL ? 0 : strtoull(from, NULL, 10);

    for (uint64_t seed = first; seed < first + cases; seed++) {
        spotopt_simulation *simulation = NULL;
        size_t wrong;
        sample x;

        make_sample(&x, seed);
        CU_ASSERT_EQUAL_FATAL(
            spotopt_drain_simulate(NULL, &x.params, &x.chaos, NULL, &simulation, NULL), SPOTOPT_OK);
        wrong = spotopt_simulation_fault_count(simulation);
        faults += wrong;
        if ((wrong > 0 || spotopt_simulation_plan_count(simulation) > 200) && shown++ < 3)
            show(seed, simulation);
        plans += spotopt_simulation_plan_count(simulation);
        if (spotopt_simulation_plan_count(simulation) > most)
            most = spotopt_simulation_plan_count(simulation);
        drained += spotopt_simulation_is_drained(simulation);
        spotopt_simulation_free(simulation);
        build_end(&x.cluster);
    }
    printf("\n  %zu drains, %zu plans (at most %zu for one), %zu emptied all nodes, %zu steps "
           "against a rule\n  ",
           cases, plans, most, drained, faults);
    CU_ASSERT_EQUAL(faults, 0);
    CU_ASSERT_TRUE(most < 2000);
    CU_ASSERT_TRUE(drained > cases / 4);
    CU_ASSERT_TRUE(plans > cases);
}

static void
test_simulate__without_chaos_the_first_plan_is_carried_out_to_the_second(void)
{
    size_t drained = 0, waits = 0;

    for (uint64_t seed = 5000000; seed < 5002000; seed++) {
        spotopt_simulation *simulation = NULL;
        spotopt_drain *drain = NULL;
        sample x;

        make_sample(&x, seed);
        x.params.notice_s = 0.0;
        x.chaos.refused_frac = x.chaos.slow_frac = x.chaos.stuck_frac = 0.0;
        x.chaos.elsewhere_frac = x.chaos.node_lost_frac = x.chaos.launch_failed_frac = 0.0;
        x.chaos.jitter = 0;
        CU_ASSERT_EQUAL_FATAL(spotopt_drain_plan(NULL, &x.params, NULL, &drain, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(
            spotopt_drain_simulate(NULL, &x.params, &x.chaos, NULL, &simulation, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_simulation_fault_count(simulation), 0);
        CU_ASSERT_EQUAL(spotopt_simulation_plan_count(simulation), 1);
        if (spotopt_simulation_fault_count(simulation) > 0 ||
            spotopt_simulation_plan_count(simulation) != 1)
            show(seed, simulation);
        if (spotopt_drain_blocked_count(drain) == 0) {
            CU_ASSERT_TRUE(spotopt_simulation_is_drained(simulation));
            drained++;
        }
        waits += spotopt_drain_makespan_s(drain) > 1000.0;
        spotopt_drain_free(drain);
        spotopt_simulation_free(simulation);
        build_end(&x.cluster);
    }
    printf("\n  %zu drained, %zu of them over hours\n  ", drained, waits);
    CU_ASSERT_TRUE(drained > 300);
}

static void
test_simulate__same_seed_same_document(void)
{
    for (uint64_t seed = 40; seed < 80; seed++) {
        char *a = NULL, *b = NULL;
        sample x;

        make_sample(&x, seed);
        for (int k = 0; k < 2; k++) {
            spotopt_simulation *simulation = NULL;
            CU_ASSERT_EQUAL_FATAL(
                spotopt_drain_simulate(NULL, &x.params, &x.chaos, NULL, &simulation, NULL),
                SPOTOPT_OK);
            CU_ASSERT_EQUAL_FATAL(spotopt_simulation_write(simulation, k ? &b : &a, NULL, NULL),
                                  SPOTOPT_OK);
            spotopt_simulation_free(simulation);
        }
        CU_ASSERT_STRING_EQUAL(a, b);
        spotopt_text_free(NULL, a);
        spotopt_text_free(NULL, b);
        build_end(&x.cluster);
    }
}

static void
test_simulate__survives_every_allocation_failing(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt_status status;
    size_t n = 0, live;
    sample x;

    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    make_sample(&x, 11);
    x.params.catalog = catalog;
    x.params.policy = policy[1];
    x.chaos.refused_frac = 0.3;
    x.cluster.context = context;
    live = allocator.live;
    do {
        spotopt_simulation *simulation = NULL;
        fail_after(&allocator, n++);
        status = spotopt_drain_simulate(context, &x.params, &x.chaos, NULL, &simulation, NULL);
        spotopt_simulation_free(simulation);
        CU_ASSERT_EQUAL(allocator.live, live);
        CU_ASSERT_TRUE(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
    } while (status == SPOTOPT_E_NOMEM && n < 20000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    fail_never(&allocator);
    x.cluster.context = NULL;
    build_end(&x.cluster);
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_simulate__without_chaos_the_first_plan_is_carried_out_to_the_second),
        TEST(test_simulate__no_step_ever_breaks_a_budget),
        TEST(test_simulate__same_seed_same_document),
        TEST(test_simulate__survives_every_allocation_failing),
    };
    int status;

    if (spotopt_catalog_parse(NULL, catalog_text, sizeof catalog_text - 1, "catalog", NULL,
                              &catalog, NULL) != SPOTOPT_OK)
        return 2;
    for (int k = 0; k < 3; k++) {
        if (spotopt_policy_parse(NULL, policies[k], strlen(policies[k]), "policy", &policy[k],
                                 NULL) != SPOTOPT_OK)
            return 2;
    }
    status = suite_run("drain in a simulated cluster", tests, sizeof tests / sizeof *tests);
    for (int k = 0; k < 3; k++)
        spotopt_policy_free(policy[k]);
    spotopt_catalog_free(catalog);
    return status;
}
