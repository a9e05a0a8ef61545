/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "kubernetes.h"

#define WITH_AFFINITY(labels, kind, term)                                                          \
    POD_WITH("p", labels, "{}",                                                                    \
             ",'affinity':{'" kind "':{'requiredDuringSchedulingIgnoredDuringExecution':" term     \
             "}}")
#define NODE_TERMS(terms) WITH_AFFINITY("{}", "nodeAffinity", "{'nodeSelectorTerms':[" terms "]}")
#define EXPRESSION(key, op, values)                                                                \
    "{'matchExpressions':[{'key':'" key "','operator':'" op "'" values "}]}"
#define NEAR(labels, term) WITH_AFFINITY(labels, "podAffinity", "[" term "]")

/* Whether pod p may run on the first node of the list. */
static int
goes(const char *pod, const char *node, const char **why)
{
    char items[4096];
    spotopt_cluster *cluster;
    const spotopt__node *n;
    int is;

    snprintf(items, sizeof items, "%s,%s", pod, node);
    cluster = read_items(items);
    n = &cluster->nodes.at[0];
    is = spotopt__shape_allows(shape_of(cluster, "default/p"), &n->labels, n->name, n->taints,
                               n->taint_count, why);
    spotopt_cluster_free(cluster);
    return is;
}

static void
test_affinity__to_nodes_wants_one_term_and_all_of_it(void)
{
    static const char node[] = NODE("n", "{'zone':'a','cores':'16'}");
    static const struct {
        const char *pod;
        int goes;
    } table[] = {
        {NODE_TERMS(EXPRESSION("zone", "In", ",'values':['a','b']")), 1},
        {NODE_TERMS(EXPRESSION("zone", "In", ",'values':['b']")), 0},
        {NODE_TERMS(
             EXPRESSION("zone", "In", ",'values':['b']") "," EXPRESSION("cores", "Exists", "")),
         1},
        {NODE_TERMS(
             "{'matchExpressions':[{'key':'zone','operator':'In','values':['a']},{'key':'cores',"
             "'operator':'Lt','values':['16']}]}"),
         0},
        {NODE_TERMS(EXPRESSION("cores", "Gt", ",'values':['8']")), 1},
        {NODE_TERMS(EXPRESSION("gpu", "NotIn", ",'values':['none']")), 1},
        {NODE_TERMS(EXPRESSION("gpu", "DoesNotExist", "")), 1},
        {NODE_TERMS("{'matchFields':[{'key':'metadata.name','operator':'In','values':['n']}]}"), 1},
        {NODE_TERMS("{'matchFields':[{'key':'metadata.name','operator':'NotIn','values':['n']}]}"),
         0},
        {NODE_TERMS("{}"), 0}, /* an empty term matches nothing */
        {NODE_TERMS("{},{'matchExpressions':[],'matchFields':null}"), 0},
        {POD_WITH("p", "{}", "{}", ",'nodeSelector':{'zone':'a'}"), 1},
        {POD_WITH("p", "{}", "{}", ",'nodeSelector':{'zone':'a','cores':'8'}"), 0},
        {POD_WITH("p", "{}", "{}", ",'nodeSelector':{},'affinity':{},'tolerations':[]"), 1},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        CU_ASSERT_EQUAL(goes(table[i].pod, node, NULL), table[i].goes);
}

static void
test_affinity__says_why_a_node_is_refused(void)
{
    static const char tainted[] = "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','labels'"
                                  ":{'zone':'a'}},'spec':{'taints':["
                                  "{'key':'soft','effect':'PreferNoSchedule'},{'key':'hard','value'"
                                  ":'x','effect':'NoSchedule'}]},"
                                  "'status':{'allocatable':{'cpu':'1','pods':'5'}}}";
    const char *why = NULL;

    CU_ASSERT_FALSE(goes(POD("p", "{}"), tainted, &why));
    CU_ASSERT_STRING_EQUAL(why, "taint");
    CU_ASSERT_FALSE(goes(POD_WITH("p", "{}", "{}", ",'nodeSelector':{'zone':'b'}"), tainted, &why));
    CU_ASSERT_STRING_EQUAL(why, "node selector");
    CU_ASSERT_FALSE(goes(NODE_TERMS(EXPRESSION("zone", "DoesNotExist", "")), tainted, &why));
    CU_ASSERT_STRING_EQUAL(why, "node affinity");
    CU_ASSERT_TRUE(goes(POD_WITH("p", "{}", "{}", ",'tolerations':[{'key':'hard','value':'x'}]"),
                        tainted, NULL));
    CU_ASSERT_FALSE(
        goes(POD_WITH("p", "{}", "{}",
                      ",'tolerations':[{'key':'hard','value':'x','effect':'NoExecute'}]"),
             tainted, NULL));
}

/* Legacy spelling in the selector and stable one on the node, and the other way round. */
static void
test_affinity__knows_both_spellings_of_well_known_labels(void)
{
    static const char *const spellings[][2] = {
        {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
        {"beta.kubernetes.io/os", "kubernetes.io/os"},
        {"beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"},
        {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
        {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
    };

    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        for (size_t side = 0; side < 4; side++) {
            char pod[1024], node[1024];

            snprintf(pod, sizeof pod, POD_WITH("p", "{}", "{}", ",'nodeSelector':{'%s':'x'}"),
                     spellings[i][side & 1]);
            snprintf(node, sizeof node, NODE("n", "{'%s':'x'}"), spellings[i][side >> 1]);
            CU_ASSERT_TRUE(goes(pod, node, NULL));
            snprintf(pod, sizeof pod, NODE_TERMS(EXPRESSION("%s", "In", ",'values':['y']")),
                     spellings[i][side & 1]);
            CU_ASSERT_FALSE(goes(pod, node, NULL));
        }
    }
    CU_ASSERT_TRUE(
        goes(POD_WITH("p", "{}", "{}", ",'nodeSelector':{'karpenter.sh/capacity-type':'spot'}"),
             NODE("n", "{'eks.amazonaws.com/capacityType':'SPOT'}"), NULL));
    CU_ASSERT_TRUE(goes(
        POD_WITH("p", "{}", "{}", ",'nodeSelector':{'eks.amazonaws.com/capacityType':'ON_DEMAND'}"),
        NODE("n", "{'karpenter.sh/capacity-type':'on-demand'}"), NULL));
    /* both spellings asked for, with different values: both must hold */
    CU_ASSERT_FALSE(
        goes(POD_WITH("p", "{}", "{}",
                      ",'nodeSelector':{'beta.kubernetes.io/os':'a','kubernetes.io/os':'b'}"),
             NODE("n", "{'kubernetes.io/os':'b'}"), NULL));
}

static void
test_affinity__refuses_what_the_api_server_would(void)
{
    static const struct {
        const char *pod, *words;
    } table[] = {
        {NODE_TERMS(""), "nodeSelectorTerms: want at least one term"},
        {NODE_TERMS(EXPRESSION("a", "In", "")), "want at least one value for operator In"},
        {NODE_TERMS(EXPRESSION("a", "Exists", ",'values':['x']")),
         "want no values for operator Exists"},
        {NODE_TERMS(EXPRESSION("a", "Gt", ",'values':['x']")),
         "want one whole number for operator Gt"},
        {NODE_TERMS(EXPRESSION("a", "Gt", ",'values':['1','2']")), "want one whole number"},
        {NODE_TERMS(EXPRESSION("a", "Near", "")), "operator: is \"Near\"; want In, NotIn"},
        {NODE_TERMS("{'matchFields':[{'key':'metadata.uid','operator':'In','values':['x']}]}"),
         "want only metadata.name"},
        {NEAR("{}", "{'labelSelector':{}}"), "topologyKey: want a text; it is missing"},
        {NEAR("{}", "{'topologyKey':'','labelSelector':{}}"), "topologyKey: is empty"},
        {NEAR("{}",
              "{'topologyKey':'z','labelSelector':{'matchExpressions':[{'key':'a','operator':'Gt',"
              "'values':['1']}]}}"),
         "operator: is \"Gt\"; want In, NotIn, Exists or DoesNotExist"},
        {POD_WITH("p", "{}", "{}", ",'tolerations':[{'effect':'NoSchedule'}]"),
         "tolerations/0: has no key; want operator Exists"},
        {POD_WITH("p", "{}", "{}", ",'tolerations':[{'key':'a','effect':'Sometimes'}]"),
         "tolerations/0/effect: is \"Sometimes\""},
        {POD_WITH("p", "{}", "{}", ",'nodeSelector':['a']"), "nodeSelector: want an object"},
        {POD_WITH("p", "{}", "{}", ",'nodeSelector':{'a':1}"),
         "nodeSelector/a: want a text, not 1"},
        {POD_WITH(
             "p", "{}", "{}",
             ",'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{"
             "'weight':0,'preference':{}}]}}"),
         "weight: want a whole number from 1 to 100, not 0"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        CU_ASSERT_TRUE(is_refused(table[i].pod, table[i].words));
}

/* Whether the first affinity term of pod p selects a pod with app=web in ns. */
static int
selects(const char *term, const char *labels, const char *ns)
{
    static const char spaces[] =
        ",{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'blue','labels':{'team':'b'}}},"
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'red','labels':{'team':'r'}}}";
    const spotopt__label pairs[] = {{"app", "web"}, {"version", "1"}};
    const spotopt__labels other = {pairs, 2};
    char items[4096];
    spotopt_cluster *cluster;
    const spotopt__shape *shape;
    int is;

    snprintf(items, sizeof items, NEAR("%s", "%s") "%s", labels, term, spaces);
    cluster = read_items(items);
    shape = shape_of(cluster, "default/p");
    CU_ASSERT_EQUAL_FATAL(shape->affinity_count, 1);
    is = spotopt__pod_term_matches(cluster, &shape->affinity[0], ns, &other);
    spotopt_cluster_free(cluster);
    return is;
}

static void
test_affinity__to_pods_looks_into_the_right_namespaces(void)
{
    static const char own[] = "{'topologyKey':'z','labelSelector':{'matchLabels':{'app':'web'}}}",
                      named[] = "{'topologyKey':'z','labelSelector':{},'namespaces':['blue']}",
                      by_label[] = "{'topologyKey':'z','labelSelector':{},'namespaceSelector':{"
                                   "'matchLabels':{'team':'b'}}}",
                      by_name[] = "{'topologyKey':'z','labelSelector':{},'namespaceSelector':{"
                                  "'matchLabels':{'kubernetes.io/metadata.name':'red'}}}",
                      either[] = "{'topologyKey':'z','labelSelector':{},'namespaces':['red'],"
                                 "'namespaceSelector':{'matchLabels':{'team':'b'}}}",
                      all[] = "{'topologyKey':'z','labelSelector':{},'namespaceSelector':{}}";

    CU_ASSERT_TRUE(selects(own, "{}", "default"));
    CU_ASSERT_FALSE(selects(own, "{}", "blue"));
    CU_ASSERT_TRUE(selects(named, "{}", "blue"));
    CU_ASSERT_FALSE(selects(named, "{}", "default")); /* named ones alone, not the own */
    CU_ASSERT_TRUE(selects(by_label, "{}", "blue"));
    CU_ASSERT_FALSE(selects(by_label, "{}", "red"));
    CU_ASSERT_FALSE(selects(by_label, "{}", "default"));
    CU_ASSERT_TRUE(selects(by_name, "{}", "red"));
    CU_ASSERT_FALSE(selects(by_name, "{}", "blue"));
    CU_ASSERT_TRUE(selects(either, "{}", "red"));
    CU_ASSERT_TRUE(selects(either, "{}", "blue"));
    CU_ASSERT_FALSE(selects(either, "{}", "default"));
    CU_ASSERT_TRUE(selects(all, "{}", "anything"));
}

static void
test_affinity__to_pods_tells_null_from_empty_selectors(void)
{
    CU_ASSERT_TRUE(selects("{'topologyKey':'z','labelSelector':{}}", "{}", "default"));
    CU_ASSERT_FALSE(selects("{'topologyKey':'z','labelSelector':null}", "{}", "default"));
    CU_ASSERT_FALSE(selects("{'topologyKey':'z'}", "{}", "default"));
}

static void
test_affinity__folds_in_match_label_keys(void)
{
    static const char match[] = "{'topologyKey':'z','labelSelector':{'matchLabels':{'app':'web'}},"
                                "'matchLabelKeys':['version']}",
                      mismatch[] =
                          "{'topologyKey':'z','labelSelector':{'matchLabels':{'app':'web'}},"
                          "'mismatchLabelKeys':['version']}";

    CU_ASSERT_TRUE(selects(match, "{'version':'1'}", "default"));
    CU_ASSERT_FALSE(selects(match, "{'version':'2'}", "default"));
    CU_ASSERT_TRUE(selects(match, "{}", "default")); /* a key that the pod lacks plays no part */
    CU_ASSERT_FALSE(selects(mismatch, "{'version':'1'}", "default"));
    CU_ASSERT_TRUE(selects(mismatch, "{'version':'2'}", "default"));
    CU_ASSERT_TRUE(selects(mismatch, "{}", "default"));
}

static void
test_affinity__keeps_preferred_terms_with_their_weights(void)
{
    spotopt_cluster *cluster = read_items(POD_WITH(
        "p", "{}", "{}",
        ",'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':"
        "9,"
        "'preference':{'matchExpressions':[{'key':'x','operator':'Exists'}]}},{'weight':1,'"
        "preference':{}}"
        "]},'podAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':20,"
        "'podAffinityTerm':{'topologyKey':'z','labelSelector':{}}}]},'podAntiAffinity':{"
        "'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'kubernetes.io/hostname',"
        "'labelSelector':{}}],'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':100,"
        "'podAffinityTerm':{'topologyKey':'failure-domain.beta.kubernetes.io/"
        "zone','labelSelector':{}}}]}"
        "}"));
    const spotopt__shape *shape = shape_of(cluster, "default/p");

    /* an empty preference is met everywhere */
    CU_ASSERT_EQUAL_FATAL(shape->preferred_node_count, 1);
    CU_ASSERT_EQUAL(shape->preferred_nodes[0].weight, 9);
    CU_ASSERT_EQUAL_FATAL(shape->preferred_affinity_count, 1);
    CU_ASSERT_EQUAL(shape->preferred_affinity[0].weight, 20);
    CU_ASSERT_EQUAL_FATAL(shape->anti_affinity_count, 1);
    CU_ASSERT_STRING_EQUAL(shape->anti_affinity[0].topology_key, "kubernetes.io/hostname");
    CU_ASSERT_EQUAL(shape->anti_affinity[0].weight, 0);
    CU_ASSERT_EQUAL_FATAL(shape->preferred_anti_affinity_count, 1);
    CU_ASSERT_STRING_EQUAL(shape->preferred_anti_affinity[0].topology_key,
                           "topology.kubernetes.io/zone");
    CU_ASSERT_EQUAL(shape->affinity_count, 0);
    spotopt_cluster_free(cluster);
}

#define SPREAD(labels, constraint)                                                                 \
    POD_WITH("p", labels, "{}", ",'topologySpreadConstraints':[" constraint "]")

static void
test_spread__has_the_defaults_of_the_api(void)
{
    spotopt_cluster *cluster = read_items(SPREAD(
        "{'app':'web','pod-template-hash':'1'}",
        "{'maxSkew':2,'topologyKey':'topology.kubernetes.io/zone','whenUnsatisfiable':"
        "'DoNotSchedule','labelSelector':{'matchLabels':{'app':'web'}}},"
        "{'maxSkew':1,'topologyKey':'h','whenUnsatisfiable':'ScheduleAnyway','nodeAffinityPolicy':"
        "'Ignore','nodeTaintsPolicy':'Honor'},"
        "{'maxSkew':1,'topologyKey':'z','whenUnsatisfiable':'DoNotSchedule','minDomains':3,"
        "'labelSelector':{'matchLabels':{'app':'web'}},'matchLabelKeys':['pod-template-hash',"
        "'gone']}"));
    const spotopt__shape *shape = shape_of(cluster, "default/p");

    CU_ASSERT_EQUAL_FATAL(shape->spread_count, 3);
    CU_ASSERT_EQUAL(shape->spreads[0].max_skew, 2);
    CU_ASSERT_EQUAL(shape->spreads[0].min_domains, 0);
    CU_ASSERT_TRUE(shape->spreads[0].is_hard);
    CU_ASSERT_TRUE(shape->spreads[0].honors_affinity);
    CU_ASSERT_FALSE(shape->spreads[0].honors_taints);
    CU_ASSERT_EQUAL(shape->spreads[0].selector.count, 1);
    CU_ASSERT_FALSE(shape->spreads[1].is_hard);
    CU_ASSERT_FALSE(shape->spreads[1].honors_affinity);
    CU_ASSERT_TRUE(shape->spreads[1].honors_taints);
    CU_ASSERT_TRUE(shape->spreads[1].selector.is_nothing);
    CU_ASSERT_EQUAL(shape->spreads[2].min_domains, 3);
    CU_ASSERT_EQUAL(shape->spreads[2].selector.count, 2);
    /* the key is asked for, so that the shape keeps the label */
    CU_ASSERT_PTR_NOT_NULL(spotopt__labels_get(&shape->labels, "pod-template-hash"));
    spotopt_cluster_free(cluster);
}

static void
test_spread__refuses_what_the_api_server_would(void)
{
    static const struct {
        const char *constraint, *words;
    } table[] = {
        {"{'topologyKey':'z','whenUnsatisfiable':'DoNotSchedule'}", "maxSkew: want a whole number"},
        {"{'maxSkew':0,'topologyKey':'z','whenUnsatisfiable':'DoNotSchedule'}",
         "topologySpreadConstraints/0/maxSkew: want a whole number from 1"},
        {"{'maxSkew':1,'whenUnsatisfiable':'DoNotSchedule'}", "topologyKey: want a text"},
        {"{'maxSkew':1,'topologyKey':'z'}", "whenUnsatisfiable: want a text"},
        {"{'maxSkew':1,'topologyKey':'z','whenUnsatisfiable':'Never'}",
         "is \"Never\"; want DoNotSchedule or ScheduleAnyway"},
        {"{'maxSkew':1,'topologyKey':'z','whenUnsatisfiable':'ScheduleAnyway','minDomains':2}",
         "minDomains: wants whenUnsatisfiable to be DoNotSchedule"},
        {"{'maxSkew':1,'topologyKey':'z','whenUnsatisfiable':'DoNotSchedule','minDomains':0}",
         "minDomains: want a whole number from 1"},
        {"{'maxSkew':1,'topologyKey':'z','whenUnsatisfiable':'DoNotSchedule','nodeTaintsPolicy':'"
         "Maybe'}",
         "is \"Maybe\"; want Ignore or Honor"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char item[1024];

        snprintf(item, sizeof item, SPREAD("{}", "%s"), table[i].constraint);
        CU_ASSERT_TRUE(is_refused(item, table[i].words));
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_affinity__to_nodes_wants_one_term_and_all_of_it),
        TEST(test_affinity__says_why_a_node_is_refused),
        TEST(test_affinity__knows_both_spellings_of_well_known_labels),
        TEST(test_affinity__refuses_what_the_api_server_would),
        TEST(test_affinity__to_pods_looks_into_the_right_namespaces),
        TEST(test_affinity__to_pods_tells_null_from_empty_selectors),
        TEST(test_affinity__folds_in_match_label_keys),
        TEST(test_affinity__keeps_preferred_terms_with_their_weights),
        TEST(test_spread__has_the_defaults_of_the_api),
        TEST(test_spread__refuses_what_the_api_server_would),
    };

    return suite_run("kubernetes affinity", tests, sizeof tests / sizeof *tests);
}
