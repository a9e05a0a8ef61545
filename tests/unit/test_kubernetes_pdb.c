/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "kubernetes.h"

#define PDB(version, spec)                                                                         \
    "{'apiVersion':'" version                                                                      \
    "','kind':'PodDisruptionBudget','metadata':{'name':'b'},'spec':" spec "}"
#define V1(spec) PDB("policy/v1", spec)

static void
test_pdb__reads_counts_and_shares(void)
{
    static const struct {
        const char *spec;
        int32_t kind;
        int64_t value;
    } table[] = {
        {"{}", SPOTOPT__BUDGET_NONE, 0},
        {"{'minAvailable':null}", SPOTOPT__BUDGET_NONE, 0},
        {"{'minAvailable':0}", SPOTOPT__BUDGET_MIN_COUNT, 0},
        {"{'minAvailable':3}", SPOTOPT__BUDGET_MIN_COUNT, 3},
        {"{'minAvailable':'50%'}", SPOTOPT__BUDGET_MIN_PERCENT, 50},
        {"{'minAvailable':'100%','maxUnavailable':null}", SPOTOPT__BUDGET_MIN_PERCENT, 100},
        {"{'maxUnavailable':1}", SPOTOPT__BUDGET_MAX_COUNT, 1},
        {"{'maxUnavailable':'0%'}", SPOTOPT__BUDGET_MAX_PERCENT, 0},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char item[512];
        spotopt_cluster *cluster;

        snprintf(item, sizeof item, V1("%s"), table[i].spec);
        cluster = read_items(item);
        CU_ASSERT_EQUAL_FATAL(spotopt_cluster_pdb_count(cluster), 1);
        CU_ASSERT_EQUAL(cluster->pdbs.at[0].kind, table[i].kind);
        CU_ASSERT_EQUAL(cluster->pdbs.at[0].value, table[i].value);
        CU_ASSERT_STRING_EQUAL(cluster->pdbs.at[0].id, "default/b");
        spotopt_cluster_free(cluster);
    }
}

static void
test_pdb__refuses_what_the_api_server_would(void)
{
    static const struct {
        const char *spec, *words;
    } table[] = {
        {"{'minAvailable':1,'maxUnavailable':1}",
         "/items/0/spec: has minAvailable and maxUnavailable; want one of them"},
        {"{'minAvailable':-1}", "/items/0/spec/minAvailable: want a whole number"},
        {"{'minAvailable':1.5}", "minAvailable: want a whole number"},
        {"{'minAvailable':'101%'}", "minAvailable: is \"101%\"; want a count or a share"},
        {"{'maxUnavailable':'5'}", "maxUnavailable: is \"5\"; want a count or a share"},
        {"{'maxUnavailable':'%'}", "is \"%\""},
        {"{'maxUnavailable':'-1%'}", "is \"-1%\""},
        {"{'maxUnavailable':'1.5%'}", "is \"1.5%\""},
        {"{'maxUnavailable':'50 %'}", "is \"50 %\""},
        {"{'maxUnavailable':true}", "maxUnavailable: want a whole number"},
        {"{'unhealthyPodEvictionPolicy':'Never'}", "want IfHealthyBudget or AlwaysAllow"},
        {"{'selector':[]}", "selector: want an object"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char item[512];

        snprintf(item, sizeof item, V1("%s"), table[i].spec);
        CU_ASSERT_TRUE(is_refused(item, table[i].words));
    }
}

static int
covers(const char *version, const char *spec, const char *ns)
{
    char items[2048];
    spotopt_cluster *cluster;
    int is;

    snprintf(
        items, sizeof items,
        PDB("%s", "%s") ",{'kind':'Pod','apiVersion':'v1','metadata':{'name':'p','namespace':'%s',"
                        "'labels':{'app':'web'}},'spec':{'containers':[{'name':'c'}]}}",
        version, spec, ns);
    cluster = read_items(items);
    is = spotopt__pdb_matches(&cluster->pdbs.at[0], &cluster->pods.at[0]);
    spotopt_cluster_free(cluster);
    return is;
}

static void
test_pdb__covers_by_namespace_and_selector(void)
{
    CU_ASSERT_TRUE(covers("policy/v1", "{'selector':{'matchLabels':{'app':'web'}}}", "default"));
    CU_ASSERT_FALSE(covers("policy/v1", "{'selector':{'matchLabels':{'app':'web'}}}", "other"));
    CU_ASSERT_FALSE(covers("policy/v1", "{'selector':{'matchLabels':{'app':'db'}}}", "default"));
    CU_ASSERT_TRUE(covers("policy/v1beta1",
                          "{'selector':{'matchExpressions':[{'key':'app','operator':'Exists'}]}}",
                          "default"));
}

/* "In policy/v1, an empty selector selects every pod in the namespace; in v1beta1 it matches none."
 */
static void
test_pdb__reads_an_empty_selector_by_its_version(void)
{
    CU_ASSERT_TRUE(covers("policy/v1", "{'selector':{}}", "default"));
    CU_ASSERT_TRUE(covers("policy/v1", "{'selector':{'matchLabels':{}}}", "default"));
    CU_ASSERT_FALSE(covers("policy/v1beta1", "{'selector':{}}", "default"));
    CU_ASSERT_FALSE(covers("policy/v1beta1", "{'selector':{'matchLabels':null}}", "default"));
    CU_ASSERT_FALSE(covers("policy/v1", "{'selector':null}", "default"));
    CU_ASSERT_FALSE(covers("policy/v1", "{}", "default"));
    CU_ASSERT_FALSE(covers("policy/v1beta1", "{}", "default"));
}

static void
test_pdb__tells_whether_its_controller_lags(void)
{
    static const struct {
        const char *tail;
        bool lags;
    } table[] = {
        {"'generation':3},'spec':{},'status':{'observedGeneration':2}", true},
        {"'generation':3},'spec':{},'status':{'observedGeneration':3}", false},
        {"'generation':3},'spec':{},'status':{}", true},
        {"'generation':3},'spec':{}", false}, /* a manifest */
        {"'labels':{}},'spec':{},'status':{'observedGeneration':1}", false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char item[512];
        spotopt_cluster *cluster;

        snprintf(
            item, sizeof item,
            "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'b',%s}",
            table[i].tail);
        cluster = read_items(item);
        CU_ASSERT_EQUAL(cluster->pdbs.at[0].is_lagging, table[i].lags);
        spotopt_cluster_free(cluster);
    }
}

static void
test_pdb__keeps_disrupted_pods_and_the_policy_for_unhealthy_ones(void)
{
    spotopt_cluster *cluster = read_items(
        "{'apiVersion':'policy/"
        "v1','kind':'PodDisruptionBudget','metadata':{'name':'b','namespace':'x'},"
        "'spec':{'unhealthyPodEvictionPolicy':'AlwaysAllow'},'status':{'disruptedPods':{'web-1':"
        "'2026-01-01T00:00:00Z','web-2':'2026-01-01T00:00:00Z'}}}," V1(
            "{'unhealthyPodEvictionPolicy':'IfHealthyBudget'}"));

    CU_ASSERT_EQUAL_FATAL(cluster->pdbs.at[0].disrupted_count, 2);
    CU_ASSERT_STRING_EQUAL(cluster->pdbs.at[0].disrupted[0], "web-1");
    CU_ASSERT_STRING_EQUAL(cluster->pdbs.at[0].disrupted[1], "web-2");
    CU_ASSERT_TRUE(cluster->pdbs.at[0].always_allows_unhealthy);
    CU_ASSERT_FALSE(cluster->pdbs.at[1].always_allows_unhealthy);
    spotopt_cluster_free(cluster);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_pdb__reads_counts_and_shares),
        TEST(test_pdb__refuses_what_the_api_server_would),
        TEST(test_pdb__covers_by_namespace_and_selector),
        TEST(test_pdb__reads_an_empty_selector_by_its_version),
        TEST(test_pdb__tells_whether_its_controller_lags),
        TEST(test_pdb__keeps_disrupted_pods_and_the_policy_for_unhealthy_ones),
    };

    return suite_run("kubernetes pdb", tests, sizeof tests / sizeof *tests);
}
