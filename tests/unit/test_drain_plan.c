/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a kubectl list to a DrainPlan document. Each document is read back and replayed by the
 * simulator.
 */
#include "base/base.h"
#include "fail_alloc.h"
#include "model/catalog.h"
#include "sim_drain.h"
#include "spotopt/spotopt.h"
#include "suite.h"

static const char catalog_text[] =
    "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Catalog\",\"region\":\"r\",\"instance_types\":["
    "{\"name\":\"s.small\",\"arch\":\"amd64\",\"capacity\":{\"cpu\":\"2\",\"memory\":\"8Gi\","
    "\"pods\":\"20\"}},"
    "{\"name\":\"s.large\",\"arch\":\"amd64\",\"capacity\":{\"cpu\":\"8\",\"memory\":\"32Gi\","
    "\"pods\":\"60\"}},"
    "{\"name\":\"a.small\",\"arch\":\"arm64\",\"capacity\":{\"cpu\":\"2\",\"memory\":\"8Gi\","
    "\"pods\":\"20\"}}],"
    "\"pools\":["
    "{\"id\":\"s.small/a/"
    "spot\",\"instance_type\":\"s.small\",\"zone\":\"a\",\"purchase\":\"spot\",\"usd_per_hour\":0."
    "03},"
    "{\"id\":\"s.small/a/"
    "on-demand\",\"instance_type\":\"s.small\",\"zone\":\"a\",\"purchase\":\"on-demand\",\"usd_per_"
    "hour\":0.09},"
    "{\"id\":\"s.small/b/"
    "spot\",\"instance_type\":\"s.small\",\"zone\":\"b\",\"purchase\":\"spot\",\"usd_per_hour\":0."
    "031},"
    "{\"id\":\"s.large/b/"
    "spot\",\"instance_type\":\"s.large\",\"zone\":\"b\",\"purchase\":\"spot\",\"usd_per_hour\":0."
    "1},"
    "{\"id\":\"a.small/a/"
    "spot\",\"instance_type\":\"a.small\",\"zone\":\"a\",\"purchase\":\"spot\",\"usd_per_hour\":0."
    "01}]}";

static spotopt__str list; /* the cluster's document while it grows */
static spotopt_cluster *cluster;
static spotopt_catalog *catalog;
static spotopt__json *answer;
static size_t blocked_count, lost_count;

static void
begin(void)
{
    spotopt__str_init(&list, NULL);
    spotopt__str_add(
        &list,
        "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":"
        "\"Namespace\",\"metadata\":{\"name\":\"shop\"}}");
}

static void
add_node(const char *name, const char *zone, int cpu)
{
    spotopt__str_addf(
        &list,
        ",{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\",\"labels\":{"
        "\"kubernetes.io/hostname\":\"%s\",\"kubernetes.io/"
        "arch\":\"amd64\",\"topology.kubernetes.io/"
        "zone\":\"%s\"}},\"status\":{\"allocatable\":{\"cpu\":\"%d\",\"memory\":\"64Gi\",\"pods\":"
        "\"50\"},"
        "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
        name, name, zone, cpu);
}

static void
add_deployment(const char *name, int replicas)
{
    spotopt__str_addf(&list,
                      ",{\"apiVersion\":\"apps/"
                      "v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
                      "\"shop\",\"uid\":\"d-%s\"},\"spec\":{\"replicas\":%d,\"selector\":{"
                      "\"matchLabels\":{\"app\":\"%s\"}},"
                      "\"template\":{\"metadata\":{\"labels\":{\"app\":\"%s\"}},\"spec\":{"
                      "\"containers\":[{\"name\":\"c\"}]}}}}",
                      name, name, replicas, name, name);
    spotopt__str_addf(&list,
                      ",{\"apiVersion\":\"apps/"
                      "v1\",\"kind\":\"ReplicaSet\",\"metadata\":{\"name\":\"%s-1\",\"namespace\":"
                      "\"shop\",\"uid\":\"r-%s\",\"ownerReferences\":[{\"apiVersion\":\"apps/"
                      "v1\",\"kind\":\"Deployment\","
                      "\"name\":\"%s\",\"uid\":\"d-%s\",\"controller\":true}]},\"spec\":{"
                      "\"replicas\":%d,\"selector\":{"
                      "\"matchLabels\":{\"app\":\"%s\"}},\"template\":{\"metadata\":{\"labels\":{"
                      "\"app\":\"%s\"}},\"spec\":{"
                      "\"containers\":[{\"name\":\"c\"}]}}}}",
                      name, name, name, name, replicas, name, name);
}

/* more: further members of the pod's spec, each with a comma in front. */
static void
add_pod(const char *name, const char *app, const char *node, int cpu_milli, bool is_ready,
        const char *more)
{
    spotopt__str_addf(
        &list,
        ",{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
        "\"shop\","
        "\"labels\":{\"app\":\"%s\"},\"ownerReferences\":[{\"apiVersion\":\"apps/"
        "v1\",\"kind\":\"ReplicaSet\","
        "\"name\":\"%s-1\",\"uid\":\"r-%s\",\"controller\":true}]},\"spec\":{\"nodeName\":\"%s\","
        "\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"%dm\",\"memory\":"
        "\"64Mi\"}}}]%s},"
        "\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}]}"
        "}",
        name, app, app, app, node, cpu_milli, more, is_ready ? "True" : "False");
}

static void
add_pdb(const char *name, const char *app, const char *rule)
{
    spotopt__str_addf(
        &list,
        ",{\"apiVersion\":\"policy/"
        "v1\",\"kind\":\"PodDisruptionBudget\",\"metadata\":{\"name\":\"%s\","
        "\"namespace\":\"shop\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"%s\"}},%s}}",
        name, app, rule);
}

static void
end_list(void)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;

    spotopt__str_add(&list, "]}");
    CU_ASSERT_FALSE_FATAL(list.failed);
    if (spotopt_cluster_parse(NULL, list.at, list.count, "cluster.json", NULL, &cluster, &err) !=
        SPOTOPT_OK)
        CU_FAIL_FATAL(err.message);
    CU_ASSERT_EQUAL_FATAL(spotopt_catalog_parse(NULL, catalog_text, strlen(catalog_text),
                                                "catalog.json", NULL, &catalog, NULL),
                          SPOTOPT_OK);
    spotopt__str_free(&list);
}

static void
end(void)
{
    spotopt__json_free(answer);
    spotopt_cluster_free(cluster);
    spotopt_catalog_free(catalog);
    answer = NULL;
    cluster = NULL;
    catalog = NULL;
}

static size_t parse_and_replay(const spotopt_drain_params *params);

/* Plans and reads the answer; every answer is replayed. */
static void
drain(const char *const *nodes, size_t count, bool buys, double notice_s)
{
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_drain *made;
    char *text;
    size_t length;

    params.cluster = cluster;
    params.catalog = buys ? catalog : NULL;
    params.nodes = nodes;
    params.node_count = count;
    params.notice_s = notice_s;
    if (spotopt_drain_plan(NULL, &params, NULL, &made, &err) != SPOTOPT_OK)
        CU_FAIL_FATAL(err.message);
    blocked_count = spotopt_drain_blocked_count(made);
    lost_count = spotopt_drain_lost_count(made);
    CU_ASSERT_EQUAL_FATAL(spotopt_drain_write(made, &text, &length, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(strlen(text), length);
    spotopt__json_free(answer);
    answer = NULL;
    CU_ASSERT_EQUAL_FATAL(spotopt__json_parse(text, length, "plan.json", &answer, NULL),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__json_real(spotopt__json_get(answer, "makespan_s")),
                    spotopt_drain_makespan_s(made));
    spotopt_text_free(NULL, text);
    spotopt_drain_free(made);
    CU_ASSERT_EQUAL(parse_and_replay(&params), 0);
}

/* The step that evicts a pod ("shop/x") or launches a node, or NULL. */
static const spotopt__json *
find_step(const char *what, const char *key, const char *value, double *at_s)
{
    const spotopt__json *wave = spotopt__json_first(spotopt__json_get(answer, "waves"));

    for (; wave != NULL; wave = spotopt__json_next(wave)) {
        const spotopt__json *step = spotopt__json_first(spotopt__json_get(wave, "steps"));
        for (; step != NULL; step = spotopt__json_next(step)) {
            const char *text = spotopt__json_text(spotopt__json_get(step, key));
            if (strcmp(spotopt__json_text(spotopt__json_get(step, "do")), what) == 0 &&
                text != NULL && strcmp(text, value) == 0) {
                if (at_s != NULL)
                    *at_s = spotopt__json_real(spotopt__json_get(wave, "at_s"));
                return step;
            }
        }
    }
    return NULL;
}

static const char *
target_of(const char *pod)
{
    const spotopt__json *step = find_step("evict", "pod", pod, NULL);

    return step == NULL ? "" : spotopt__json_text(spotopt__json_get(step, "to"));
}

static const char *
blocked_text(const char *pod, const char *key)
{
    const spotopt__json *one = spotopt__json_first(spotopt__json_get(answer, "blocked"));

    for (; one != NULL; one = spotopt__json_next(one)) {
        if (strcmp(spotopt__json_text(spotopt__json_get(one, "pod")), pod) == 0)
            return spotopt__json_text(spotopt__json_get(one, key));
    }
    return "";
}

/* What a launched node of a pool offers, as the simulator shall believe it. */
static spotopt__amounts
room_of(const char *pool)
{
    uint32_t p = spotopt__map_get(&catalog->pool_by_id, pool);
    spotopt__amounts room;

    memset(&room, 0, sizeof room);
    CU_ASSERT_NOT_EQUAL_FATAL(p, SPOTOPT__NONE);
    room = catalog->types.at[catalog->pools.at[p].type].allocatable;
    for (uint32_t r = 0; r < SPOTOPT__RESOURCES_MAX; r++) {
        if (room.of[r] == SPOTOPT__AMOUNT_UNKNOWN)
            room.of[r] = SPOTOPT__AMOUNT_MAX;
    }
    return room;
}

static size_t
parse_and_replay(const spotopt_drain_params *params)
{
    static unsigned char leaves[64];
    static uint32_t target[256];
    static spotopt__launch launches[64];
    const spotopt__json *item;
    spotopt__drain_job job = {
        .cluster = cluster, .leaves = leaves, .target = target, .launches = launches};
    spotopt__schedule schedule;
    spotopt__map new_nodes;
    char faults[2000];
    size_t count;

    memset(&schedule, 0, sizeof schedule);
    memset(leaves, 0, sizeof leaves);
    spotopt__map_init(&new_nodes, NULL);
    job.notice_s = params->notice_s;
    job.launch_s = params->launch_s;
    job.start_s = params->start_s;
    for (size_t i = 0; i < params->node_count; i++)
        leaves[spotopt__map_get(&cluster->node_by_name, params->nodes[i])] = 1;
    for (size_t i = 0; i < cluster->pods.count; i++)
        target[i] = SPOTOPT__NONE;
    for (item = spotopt__json_first(spotopt__json_get(answer, "blocked")); item;
         item = spotopt__json_next(item)) {
        spotopt__drain_blocked blocked = {0};
        blocked.pod = spotopt__map_get(&cluster->pod_by_id,
                                       spotopt__json_text(spotopt__json_get(item, "pod")));
        CU_ASSERT_TRUE(spotopt__vec_push(NULL, &schedule.blocked, blocked));
    }
    for (item = spotopt__json_first(spotopt__json_get(answer, "lost")); item;
         item = spotopt__json_next(item)) {
        uint32_t pod = spotopt__map_get(&cluster->pod_by_id, spotopt__json_text(item));
        CU_ASSERT_TRUE(spotopt__vec_push(NULL, &schedule.lost, pod));
    }
    for (item = spotopt__json_first(spotopt__json_get(answer, "waves")); item;
         item = spotopt__json_next(item)) {
        const spotopt__json *one = spotopt__json_first(spotopt__json_get(item, "steps"));
        for (; one != NULL; one = spotopt__json_next(one)) {
            static const char *const words[] = {"launch", "cordon", "evict", "delete"};
            const char *node = spotopt__json_text(spotopt__json_get(one, "node"));
            const char *pod = spotopt__json_text(spotopt__json_get(one, "pod"));
            const spotopt__json *relied = spotopt__json_first(spotopt__json_get(one, "relies_on"));
            spotopt__drain_step step = {
                .pdb = SPOTOPT__NONE, .pod = SPOTOPT__NONE, .wave = schedule.waves};
            uint32_t found;
            while (step.kind < 4 &&
                   strcmp(words[step.kind], spotopt__json_text(spotopt__json_get(one, "do"))) != 0)
                step.kind++;
            step.at_s = spotopt__json_real(spotopt__json_get(item, "at_s"));
            step.node = spotopt__map_get(&cluster->node_by_name, node);
            if (step.kind == SPOTOPT__DO_LAUNCH) {
                CU_ASSERT_EQUAL(step.node, SPOTOPT__NONE);
                step.node = (uint32_t)(cluster->nodes.count + job.launch_count);
                CU_ASSERT_TRUE(spotopt__map_put(&new_nodes, node, step.node, &found));
                CU_ASSERT_EQUAL(found, step.node);
                launches[job.launch_count++].room =
                    room_of(spotopt__json_text(spotopt__json_get(one, "pool")));
            }
            if (step.kind == SPOTOPT__DO_EVICT) {
                const char *to = spotopt__json_text(spotopt__json_get(one, "to"));
                step.pod = spotopt__map_get(&cluster->pod_by_id, pod);
                target[step.pod] = spotopt__map_get(&cluster->node_by_name, to);
                if (target[step.pod] == SPOTOPT__NONE)
                    target[step.pod] = spotopt__map_get(&new_nodes, to);
            }
            for (uint32_t p = 0; p < cluster->pdbs.count && relied != NULL; p++) {
                if (strcmp(cluster->pdbs.at[p].id,
                           spotopt__json_text(spotopt__json_get(relied, "pdb"))) == 0)
                    step.pdb = p;
            }
            if (relied != NULL)
                step.headroom = (uint32_t)spotopt__json_real(spotopt__json_get(relied, "headroom"));
            CU_ASSERT_TRUE(spotopt__vec_push(NULL, &schedule.steps, step));
        }
        schedule.waves++;
    }
    schedule.makespan_s = spotopt__json_real(spotopt__json_get(answer, "makespan_s"));
    schedule.bound_s = spotopt__json_real(spotopt__json_get(answer, "bound_s"));
    /* Pods that are never evicted had a home nonetheless; that they are named is judged all the
     * same. */
    count = sim_check(&job, &schedule, faults, sizeof faults);
    if (count > 0)
        printf("\n%s", faults);
    spotopt__map_free(&new_nodes);
    spotopt__schedule_free(&schedule);
    return count;
}

/* Two nodes of zone a, one of zone b, three pods of web on n1. */
static void
begin_shop(int web_cpu, const char *more)
{
    begin();
    add_node("n1", "a", 8);
    add_node("n2", "a", 2);
    add_node("n3", "b", 2);
    add_deployment("web", 3);
    add_pod("web-0", "web", "n1", web_cpu, true, more);
    add_pod("web-1", "web", "n1", web_cpu, true, more);
    add_pod("web-2", "web", "n1", web_cpu, true, more);
}

static const char *const n1[] = {"n1"};

static void
test_plan__moves_one_at_a_time_where_the_budget_says_so(void)
{
    double at_s;

    begin_shop(500, "");
    add_pdb("web", "web", "\"maxUnavailable\":1");
    end_list();
    drain(n1, 1, false, 0.0);
    CU_ASSERT_EQUAL(blocked_count + lost_count, 0);
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-0"), "n2");
    CU_ASSERT_STRING_EQUAL(spotopt__json_text(spotopt__json_get(answer, "kind")), "DrainPlan");
    /* Each waits for the one before: 15 s to start; the last has 30 s to leave. */
    CU_ASSERT_PTR_NOT_NULL(find_step("evict", "pod", "shop/web-2", &at_s));
    CU_ASSERT_EQUAL(at_s, 30.0);
    CU_ASSERT_PTR_NOT_NULL(find_step("delete", "node", "n1", &at_s));
    CU_ASSERT_EQUAL(at_s, 60.0);
    CU_ASSERT_EQUAL(spotopt__json_real(spotopt__json_get(answer, "makespan_s")), 60.0);
    CU_ASSERT_EQUAL(spotopt__json_real(spotopt__json_get(answer, "bound_s")), 60.0);
    end();
}

static void
test_plan__launches_the_cheapest_pool_that_fits(void)
{
    double at_s;

    begin_shop(1500, ""); /* one fits on n2, one on n3, the last on neither */
    end_list();
    drain(n1, 1, true, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 0);
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-2"), "launch-1");
    /* arm64 is cheaper still, but nothing says that the image exists for it */
    CU_ASSERT_PTR_NOT_NULL(find_step("launch", "pool", "s.small/a/spot", &at_s));
    CU_ASSERT_EQUAL(at_s, 0.0);
    CU_ASSERT_PTR_NOT_NULL(find_step("evict", "pod", "shop/web-2", &at_s));
    CU_ASSERT_EQUAL(at_s, 60.0);
    drain(n1, 1, false, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 1);
    CU_ASSERT_STRING_EQUAL(blocked_text("shop/web-2", "why"), "no-target");
    CU_ASSERT_STRING_EQUAL(blocked_text("shop/web-2", "node"), "n1");
    CU_ASSERT_PTR_NOT_NULL(strstr(blocked_text("shop/web-2", "unblock"), "cpu 1500m"));
    CU_ASSERT_PTR_NULL(find_step("delete", "node", "n1", NULL));
    end();
}

static void
test_plan__buys_one_large_node_where_that_is_cheaper(void)
{
    char name[20];

    begin();
    add_node("n1", "a", 8);
    add_deployment("web", 8);
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "web-%d", i);
        add_pod(name, "web", "n1", 1000, true, "");
    }
    end_list();
    drain(n1, 1, true, 0.0); /* 4 x 0.03 against 0.10 */
    CU_ASSERT_PTR_NOT_NULL(find_step("launch", "pool", "s.large/b/spot", NULL));
    CU_ASSERT_PTR_NULL(find_step("launch", "pool", "s.small/a/spot", NULL));
    end();
}

static void
test_plan__follows_the_policy_when_it_buys(void)
{
    static const char text[] = "{\"kind\":\"Policy\",\"spot\":{\"enabled\":false}}";
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_policy *policy;
    spotopt_drain *made;
    char *written;

    begin_shop(1500, "");
    end_list();
    CU_ASSERT_EQUAL_FATAL(
        spotopt_policy_parse(NULL, text, strlen(text), "policy.json", &policy, NULL), SPOTOPT_OK);
    params.cluster = cluster;
    params.catalog = catalog;
    params.policy = policy;
    params.nodes = n1;
    params.node_count = 1;
    CU_ASSERT_EQUAL_FATAL(spotopt_drain_plan(NULL, &params, NULL, &made, NULL), SPOTOPT_OK);
    spotopt_policy_free(policy);
    end(); /* the drain needs none of its inputs */
    CU_ASSERT_EQUAL_FATAL(spotopt_drain_write(made, &written, NULL, NULL), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(written, "s.small/a/on-demand"));
    CU_ASSERT_PTR_NULL(strstr(written, "/spot"));
    spotopt_text_free(NULL, written);
    spotopt_drain_free(made);
}

static void
test_plan__keeps_apart_what_wants_to_be_apart(void)
{
    static const char apart[] =
        ",\"affinity\":{\"podAntiAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"
        "\"labelSelector\":{"
        "\"matchLabels\":{\"app\":\"web\"}},\"topologyKey\":\"kubernetes.io/hostname\"}]}}";

    begin_shop(100, apart);
    end_list();
    drain(n1, 1, true, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 0);
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-0"), "n2");
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-1"), "n3");
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-2"), "launch-1");
    end();
}

static void
test_plan__keeps_away_from_those_who_want_to_be_alone(void)
{
    static const char alone[] =
        ",\"affinity\":{\"podAntiAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"
        "\"labelSelector\":{"
        "\"matchLabels\":{\"app\":\"web\"}},\"topologyKey\":\"topology.kubernetes.io/zone\"}]}}";

    begin_shop(100, "");
    add_deployment("db", 1);
    add_pod("db-0", "db", "n2", 100, true, alone);
    end_list();
    drain(n1, 1, true, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 0);
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-0"), "n3"); /* n2 is in db's zone */
    end();
}

static void
test_plan__keeps_near_what_wants_to_be_near(void)
{
    static const char near[] =
        ",\"affinity\":{\"podAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"
        "\"labelSelector\":{"
        "\"matchLabels\":{\"app\":\"cache\"}},\"topologyKey\":\"topology.kubernetes.io/zone\"}]}}";

    begin_shop(1000, near);
    add_deployment("cache", 1);
    add_pod("cache-0", "cache", "n3", 100, true, "");
    end_list();
    drain(n1, 1, true, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 0);
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-0"), "n3");
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-1"),
                           "launch-1"); /* zone b, though zone a is cheaper */
    CU_ASSERT_PTR_NOT_NULL(find_step("launch", "pool", "s.small/b/spot", NULL));
    end();
}

static void
test_plan__spreads_what_must_be_spread(void)
{
    static const char spread[] = ",\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":"
                                 "\"topology.kubernetes.io/zone\","
                                 "\"whenUnsatisfiable\":\"DoNotSchedule\",\"labelSelector\":{"
                                 "\"matchLabels\":{\"app\":\"web\"}}}]";

    begin_shop(100, spread);
    end_list();
    drain(n1, 1, false, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 0);
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-0"), "n2");
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-1"), "n3");
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-2"), "n2");
    end();
}

static void
test_plan__gives_each_host_port_once_a_node(void)
{
    begin();
    add_node("n1", "a", 8);
    add_node("n2", "a", 8);
    add_deployment("web", 2);
    spotopt__str_add(&list, ""); /* the port belongs to a container of its own */
    for (int i = 0; i < 2; i++) {
        spotopt__str_addf(&list,
                          ",{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web-%"
                          "d\",\"namespace\":\"shop\","
                          "\"labels\":{\"app\":\"web\"},\"ownerReferences\":[{\"kind\":"
                          "\"ReplicaSet\",\"name\":\"web-1\","
                          "\"uid\":\"r-web\",\"controller\":true}]},\"spec\":{\"nodeName\":\"%s\","
                          "\"containers\":[{\"name\":"
                          "\"c\",\"ports\":[{\"containerPort\":80,\"hostPort\":80}]}]},\"status\":{"
                          "\"phase\":\"Running\","
                          "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
                          i, i ? "n2" : "n1");
    }
    end_list();
    drain(n1, 1, false, 0.0);
    CU_ASSERT_STRING_EQUAL(blocked_text("shop/web-0", "why"), "no-target");
    CU_ASSERT_PTR_NOT_NULL(strstr(blocked_text("shop/web-0", "unblock"), "host ports"));
    end();
}

static void
test_plan__proves_what_is_blocked_and_says_how_to_go_on(void)
{
    begin_shop(100, "");
    add_deployment("db", 1);
    add_pod("db-0", "db", "n1", 100, true, "");
    add_pdb("web", "web", "\"minAvailable\":3");
    add_pdb("db-a", "db", "\"minAvailable\":0");
    add_pdb("db-b", "db", "\"maxUnavailable\":1");
    end_list();
    drain(n1, 1, true, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 4);
    CU_ASSERT_STRING_EQUAL(blocked_text("shop/web-1", "why"), "no-headroom");
    CU_ASSERT_STRING_EQUAL(blocked_text("shop/web-1", "pdb"), "shop/web");
    CU_ASSERT_STRING_EQUAL(
        blocked_text("shop/web-1", "unblock"),
        "lower minAvailable of shop/web to 2 or raise replicas of Deployment shop/web to 4");
    CU_ASSERT_STRING_EQUAL(blocked_text("shop/db-0", "why"), "multiple-budgets");
    CU_ASSERT_STRING_EQUAL(blocked_text("shop/db-0", "unblock"),
                           "remove one of the budgets shop/db-a, shop/db-b");
    CU_ASSERT_PTR_NULL(
        find_step("launch", "node", "launch-1", NULL)); /* nothing is bought for pods that stay */
    end();
}

static void
test_plan__empties_several_nodes_at_once(void)
{
    static const char *const two[] = {"n1", "n2", "n1"};

    begin();
    add_node("n1", "a", 8);
    add_node("n2", "a", 2);
    add_node("n3", "b", 8);
    add_deployment("web", 4);
    add_pod("web-0", "web", "n1", 500, true, "");
    add_pod("web-1", "web", "n2", 500, true, "");
    add_pod("web-2", "web", "n2", 500, true, "");
    add_pod("web-3", "web", "n3", 500, true, "");
    add_pdb("web", "web", "\"minAvailable\":\"50%\"");
    end_list();
    drain(two, 3, false, 0.0);
    CU_ASSERT_EQUAL(blocked_count, 0);
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-0"), "n3");
    CU_ASSERT_STRING_EQUAL(target_of("shop/web-2"), "n3");
    CU_ASSERT_PTR_NOT_NULL(find_step("delete", "node", "n1", NULL));
    CU_ASSERT_PTR_NOT_NULL(find_step("delete", "node", "n2", NULL));
    /* Two may be away: 15 s, then the third, 30 s to leave. */
    CU_ASSERT_EQUAL(spotopt__json_real(spotopt__json_get(answer, "makespan_s")), 45.0);
    end();
}

static void
test_plan__saves_what_matters_most_within_a_notice(void)
{
    static const char urgent[] = ",\"priority\":1000";
    static const char slow[] = ",\"terminationGracePeriodSeconds\":300";

    begin();
    add_node("n1", "a", 8);
    add_node("n2", "a", 8);
    add_deployment("web", 3);
    add_deployment("job", 1);
    add_pod("web-0", "web", "n1", 100, true, "");
    add_pod("web-1", "web", "n1", 100, true, "");
    add_pod("web-2", "web", "n1", 100, true, urgent);
    add_pod("job-0", "job", "n1", 100, true, slow);
    add_pdb("web", "web", "\"maxUnavailable\":1");
    end_list();
    drain(n1, 1, false,
          45.0); /* time for two after each other: at 0 and 15 s, each 30 s to leave */
    CU_ASSERT_EQUAL(blocked_count, 0);
    CU_ASSERT_EQUAL(lost_count, 2);
    double at_s = -1.0;
    CU_ASSERT_PTR_NOT_NULL(find_step("evict", "pod", "shop/web-2", &at_s));
    CU_ASSERT_EQUAL(at_s, 0.0);
    CU_ASSERT_PTR_NOT_NULL(find_step("evict", "pod", "shop/web-0", &at_s));
    CU_ASSERT_EQUAL(at_s, 15.0);
    /* The third cannot finish its grace, the job neither; both are evicted all the same, for what
     * it is worth. */
    CU_ASSERT_PTR_NOT_NULL(find_step("evict", "pod", "shop/job-0", &at_s));
    CU_ASSERT_EQUAL(at_s, 0.0);
    CU_ASSERT_PTR_NOT_NULL(find_step("evict", "pod", "shop/web-1", &at_s));
    CU_ASSERT_EQUAL(at_s, 30.0);
    end();
}

static void
test_plan__names_a_node_it_does_not_know(void)
{
    static const char *const names[] = {"n1", "n9"};
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_drain *made = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    begin_shop(100, "");
    end_list();
    params.cluster = cluster;
    params.nodes = names;
    params.node_count = 2;
    CU_ASSERT_EQUAL(spotopt_drain_plan(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(err.message, "node \"n9\" is not in the cluster");
    CU_ASSERT_PTR_NULL(made);
    params.node_count = 0;
    CU_ASSERT_EQUAL(spotopt_drain_plan(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    params.node_count = 1;
    params.start_s = NAN;
    CU_ASSERT_EQUAL(spotopt_drain_plan(NULL, &params, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "start_s"));
    CU_ASSERT_EQUAL(spotopt_drain_plan(NULL, NULL, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    spotopt_drain_free(NULL);
    end();
}

static void
random_list(spotopt__rng *rng)
{
    static const char *const apps[] = {"web", "api", "db"};
    static const char *const rules[] = {"\"maxUnavailable\":1",     "\"minAvailable\":1",
                                        "\"minAvailable\":\"50%\"", "\"maxUnavailable\":\"30%\"",
                                        "\"minAvailable\":\"90%\"", "\"minAvailable\":2"};
    static const char *const extras[] = {
        "", "", "",
        ",\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"topology.kubernetes.io/"
        "zone\",\"whenUnsatisfiable\":"
        "\"DoNotSchedule\",\"labelSelector\":{\"matchLabels\":{\"app\":\"web\"}}}]",
        ",\"affinity\":{\"podAntiAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"
        "\"labelSelector\":{"
        "\"matchLabels\":{\"app\":\"web\"}},\"topologyKey\":\"kubernetes.io/hostname\"}]}}"};
    uint32_t pods = 3 + (uint32_t)spotopt__rng_below(rng, 12), counts[3] = {0, 0, 0};
    char name[20], node[20];

    begin();
    for (uint32_t n = 0; n < 4; n++) {
        snprintf(name, sizeof name, "n%u", n);
        add_node(name, n & 1 ? "a" : "b", 1 + (int)spotopt__rng_below(rng, 3));
    }
    for (uint32_t i = 0; i < pods; i++) {
        uint32_t app = (uint32_t)spotopt__rng_below(rng, 3);
        snprintf(name, sizeof name, "%s-%u", apps[app], counts[app]++);
        snprintf(node, sizeof node, "n%u", (uint32_t)spotopt__rng_below(rng, 4));
        add_pod(name, apps[app], node, 100 * (1 + (int)spotopt__rng_below(rng, 9)),
                spotopt__rng_below(rng, 8) != 0, extras[spotopt__rng_below(rng, 5)]);
    }
    for (uint32_t a = 0; a < 3; a++) {
        add_deployment(apps[a], (int)counts[a]);
        if (spotopt__rng_below(rng, 4) != 0)
            add_pdb(apps[a], apps[a], rules[spotopt__rng_below(rng, 6)]);
    }
    end_list();
}

static void
test_plan__is_sound_on_random_clusters(void)
{
    static const char *const two[] = {"n0", "n2"};

    for (uint64_t seed = 1; seed <= 500; seed++) {
        spotopt__rng rng;
        spotopt__rng_seed(&rng, seed);
        random_list(&rng);
        drain(two, 1 + (seed & 1), true, 0.0);
        drain(two, 2, seed & 1, 120.0);
        end();
    }
}

static void
test_plan__survives_every_allocation_failing(void)
{
    static const char *const two[] = {"n0", "n2"};
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    size_t n = 0, live = allocator.live;
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_status status;
    spotopt__rng rng;

    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    spotopt__rng_seed(&rng, 11);
    random_list(&rng);
    cluster->context = context;
    params.cluster = cluster;
    params.catalog = catalog;
    params.nodes = two;
    params.node_count = 2;
    do {
        spotopt_drain *made = NULL;
        char *text = NULL;
        fail_after(&allocator, n++);
        status = spotopt_drain_plan(context, &params, NULL, &made, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_drain_write(made, &text, NULL, NULL);
        spotopt_text_free(context, text);
        spotopt_drain_free(made);
        CU_ASSERT_EQUAL(allocator.live, live);
        CU_ASSERT_TRUE(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
    } while (status == SPOTOPT_E_NOMEM && n < 5000);
    CU_ASSERT_TRUE(n > 50 && n < 5000);
    cluster->context = NULL;
    fail_never(&allocator);
    end();
    spotopt_context_free(context);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_plan__moves_one_at_a_time_where_the_budget_says_so),
        TEST(test_plan__launches_the_cheapest_pool_that_fits),
        TEST(test_plan__buys_one_large_node_where_that_is_cheaper),
        TEST(test_plan__follows_the_policy_when_it_buys),
        TEST(test_plan__keeps_apart_what_wants_to_be_apart),
        TEST(test_plan__keeps_away_from_those_who_want_to_be_alone),
        TEST(test_plan__keeps_near_what_wants_to_be_near),
        TEST(test_plan__spreads_what_must_be_spread),
        TEST(test_plan__gives_each_host_port_once_a_node),
        TEST(test_plan__proves_what_is_blocked_and_says_how_to_go_on),
        TEST(test_plan__empties_several_nodes_at_once),
        TEST(test_plan__saves_what_matters_most_within_a_notice),
        TEST(test_plan__names_a_node_it_does_not_know),
        TEST(test_plan__is_sound_on_random_clusters),
        TEST(test_plan__survives_every_allocation_failing),
    };
    return suite_run("drain plan", tests, sizeof tests / sizeof *tests);
}
