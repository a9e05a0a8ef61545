/* SPDX-License-Identifier: Apache-2.0 */
/* Pods and nodes as they stand, and pods as shapes. */
#include "suite.h"

#include "kubernetes.h"

#define STATUS_POD(meta, status)                                                                   \
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'" meta                                  \
    "},'spec':{'containers':[{'name':'c'}]},'status':" status "}"
#define FULL_NODE(meta, spec, status)                                                              \
    "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'" meta "},'spec':{" spec               \
    "},'status':{" status "}}"

static void
test_pod__has_the_phase_and_readiness_of_its_status(void)
{
    static const struct {
        const char *status;
        int32_t phase;
        bool is_ready;
    } table[] = {
        {"{}", SPOTOPT__PENDING, false},
        {"null", SPOTOPT__PENDING, false},
        {"{'phase':'Running'}", SPOTOPT__RUNNING, false},
        {"{'phase':'Running','conditions':[{'type':'Initialized','status':'True'},{'type':'Ready','"
         "status':"
         "'True'}]}",
         SPOTOPT__RUNNING, true},
        {"{'phase':'Running','conditions':[{'type':'Ready','status':'False'},{'type':'"
         "ContainersReady',"
         "'status':'True'}]}",
         SPOTOPT__RUNNING, false},
        {"{'phase':'Succeeded'}", SPOTOPT__SUCCEEDED, false},
        {"{'phase':'Failed'}", SPOTOPT__FAILED, false},
        {"{'phase':'Unknown'}", SPOTOPT__RUNNING, false}, /* it still holds its node */
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char item[1024];
        spotopt_cluster *cluster;

        snprintf(item, sizeof item, STATUS_POD("", "%s"), table[i].status);
        cluster = read_items(item);
        CU_ASSERT_EQUAL(pod_named(cluster, "default/p")->phase, table[i].phase);
        CU_ASSERT_EQUAL(pod_named(cluster, "default/p")->is_ready, table[i].is_ready);
        spotopt_cluster_free(cluster);
    }
    CU_ASSERT_TRUE(
        is_refused(STATUS_POD("", "{'phase':'Dancing'}"), "/status/phase: is \"Dancing\""));
}

static void
test_pod__has_the_marks_of_its_metadata(void)
{
    spotopt_cluster *cluster = read_items(STATUS_POD(
        ",'creationTimestamp':'1970-01-01T00:01:40Z','deletionTimestamp':'2026-01-01T00:00:00Z',"
        "'annotations':{'kubernetes.io/config.mirror':'abc','karpenter.sh/do-not-disrupt':'true'},"
        "'ownerReferences':[{'kind':'DaemonSet','name':'x','controller':false},{'kind':'Node','"
        "name':'n',"
        "'controller':true}]",
        "{}"));
    const spotopt__pod *pod = pod_named(cluster, "default/p");

    CU_ASSERT_TRUE(pod->is_mirror);
    CU_ASSERT_TRUE(pod->is_terminating);
    CU_ASSERT_FALSE(pod->is_daemon); /* an owner, but not the controller */
    CU_ASSERT_TRUE(pod->has_controller);
    CU_ASSERT_FALSE(pod->is_replica);
    CU_ASSERT_DOUBLE_EQUAL(pod->created_s, 100.0, 0.0);
    CU_ASSERT_TRUE(shape_of(cluster, "default/p")->is_do_not_disrupt);
    spotopt_cluster_free(cluster);
    CU_ASSERT_TRUE(is_refused(STATUS_POD(",'creationTimestamp':'yesterday'", "{}"),
                              "/metadata/creationTimestamp: want a time"));
}

static void
test_pod__may_ask_not_to_be_disturbed(void)
{
    static const struct {
        const char *note;
        bool is;
    } table[] = {{"'karpenter.sh/do-not-disrupt':'true'", true},
                 {"'karpenter.sh/do-not-evict':'true'", true},
                 {"'cluster-autoscaler.kubernetes.io/safe-to-evict':'false'", true},
                 {"'karpenter.sh/do-not-disrupt':'false'", false},
                 {"'cluster-autoscaler.kubernetes.io/safe-to-evict':'true'", false},
                 {"'other':'true'", false}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char item[512];
        spotopt_cluster *cluster;

        snprintf(item, sizeof item, STATUS_POD(",'annotations':{%s}", "{}"), table[i].note);
        cluster = read_items(item);
        CU_ASSERT_EQUAL(shape_of(cluster, "default/p")->is_do_not_disrupt, table[i].is);
        spotopt_cluster_free(cluster);
    }
}

static void
test_pod__has_the_defaults_of_the_api(void)
{
    spotopt_cluster *cluster =
        read_items(SPEC_POD("a", "{'containers':[{'name':'c'}]}") "," SPEC_POD(
            "b",
            "{'containers':[{'name':'c'}],'schedulerName':'mine','terminationGracePeriodSeconds':0,"
            "'schedulingGates':[{'name':'g'}],'priority':5}") "," SPEC_POD("c",
                                                                           "{'containers':[{'name':"
                                                                           "'c'}],'"
                                                                           "terminationGracePeriodS"
                                                                           "econds':-5}"));
    const spotopt__shape *shape = shape_of(cluster, "default/a");

    CU_ASSERT_PTR_NULL(shape->scheduler);
    CU_ASSERT_DOUBLE_EQUAL(shape->grace_s, 30.0, 0.0);
    CU_ASSERT_EQUAL(shape->priority, 0);
    CU_ASSERT_FALSE(pod_named(cluster, "default/a")->is_gated);
    CU_ASSERT_STRING_EQUAL(pod_named(cluster, "default/a")->node_name, "");
    shape = shape_of(cluster, "default/b");
    CU_ASSERT_STRING_EQUAL(shape->scheduler, "mine");
    CU_ASSERT_DOUBLE_EQUAL(shape->grace_s, 0.0, 0.0);
    CU_ASSERT_EQUAL(shape->priority, 5);
    CU_ASSERT_TRUE(pod_named(cluster, "default/b")->is_gated);
    CU_ASSERT_DOUBLE_EQUAL(shape_of(cluster, "default/c")->grace_s, 1.0, 0.0);
    spotopt_cluster_free(cluster);
}

static void
test_pod__has_a_priority_by_class(void)
{
    static const char classes[] = ",{'apiVersion':'scheduling.k8s.io/"
                                  "v1','kind':'PriorityClass','metadata':{'name':'high'},'value':"
                                  "1000},{'apiVersion':'scheduling.k8s.io/"
                                  "v1','kind':'PriorityClass','metadata':{'name':'normal'},"
                                  "'value':-3,'globalDefault':true}";
    static const struct {
        const char *spec;
        int32_t priority;
    } table[] = {{"'priorityClassName':'high'", 1000},
                 {"'priorityClassName':'high','priority':12", 12},
                 {"'priorityClassName':'system-node-critical'", 2000001000},
                 {"'priorityClassName':'system-cluster-critical'", 2000000000},
                 {"'priorityClassName':''", -3},
                 {"'nodeName':''", -3},
                 {"'priorityClassName':'gone'", 0}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char items[1024];
        spotopt_cluster *cluster;

        snprintf(items, sizeof items, SPEC_POD("p", "{'containers':[{'name':'c'}],%s}") "%s",
                 table[i].spec, classes);
        cluster = read_items(items);
        CU_ASSERT_EQUAL(shape_of(cluster, "default/p")->priority, table[i].priority);
        CU_ASSERT_EQUAL(has_warning(cluster, "PriorityClass \"gone\" is not in the list"), i == 6);
        spotopt_cluster_free(cluster);
    }
}

static void
test_pod__takes_host_ports(void)
{
    spotopt_cluster *cluster = read_items(SPEC_POD(
        "a",
        "{'containers':[{'name':'c','ports':[{'containerPort':80},{'containerPort':1,'hostPort':"
        "443,'protocol':'UDP','hostIP':'10.0.0.1'},{'containerPort':2,'hostPort':53},{"
        "'containerPort':2,'hostPort':53,'hostIP':'0.0.0.0'}]}],'initContainers':[{'name':'s',"
        "'restartPolicy':'Always','ports':[{'containerPort':9,'hostPort':9,'protocol':'SCTP'}]},"
        "{'name':'i','ports':[{'containerPort':7,'hostPort':7}]}]}") "," SPEC_POD("b",
                                                                                  "{'hostNetwork':"
                                                                                  "true,'"
                                                                                  "containers':[{'"
                                                                                  "name':'c','"
                                                                                  "ports':[{'"
                                                                                  "containerPort':"
                                                                                  "80}]}]}"));
    const spotopt__shape *shape = shape_of(cluster, "default/a");

    CU_ASSERT_EQUAL_FATAL(shape->host_port_count, 3); /* the init container has ended */
    CU_ASSERT_EQUAL(shape->host_ports[0].port, 9);
    CU_ASSERT_EQUAL(shape->host_ports[0].protocol, 2);
    CU_ASSERT_EQUAL(shape->host_ports[1].port, 53);
    CU_ASSERT_EQUAL(shape->host_ports[1].protocol, 0);
    CU_ASSERT_STRING_EQUAL(shape->host_ports[1].ip, "");
    CU_ASSERT_EQUAL(shape->host_ports[2].port, 443);
    CU_ASSERT_EQUAL(shape->host_ports[2].protocol, 1);
    CU_ASSERT_STRING_EQUAL(shape->host_ports[2].ip, "10.0.0.1");
    shape = shape_of(cluster, "default/b");
    CU_ASSERT_EQUAL_FATAL(shape->host_port_count, 1);
    CU_ASSERT_EQUAL(shape->host_ports[0].port, 80);
    spotopt_cluster_free(cluster);
    CU_ASSERT_TRUE(is_refused(
        SPEC_POD("p",
                 "{'containers':[{'name':'c','ports':[{'containerPort':1,'hostPort':70000}]}]}"),
        "ports/0/hostPort: want a whole number from 0 to 65535"));
}

static void
test_pod__finds_its_node(void)
{
    spotopt_cluster *cluster =
        read_items(SPEC_POD("a", "{'nodeName':'n2','containers':[{'name':'c'}]}") "," SPEC_POD(
            "b", "{'nodeName':'gone','containers':[{'name':'c'}]}") "," NODE("n1",
                                                                             "{}") "," NODE("n2",
                                                                                            "{}"));

    CU_ASSERT_EQUAL(pod_named(cluster, "default/a")->node, 1);
    CU_ASSERT_EQUAL(pod_named(cluster, "default/b")->node, SPOTOPT__NONE);
    CU_ASSERT_STRING_EQUAL(pod_named(cluster, "default/b")->node_name, "gone");
    CU_ASSERT_TRUE(has_warning(
        cluster, "1 pods run on nodes that are not in the list, such as default/b on gone"));
    spotopt_cluster_free(cluster);
}

/* Order of keys, of terms' values and of tolerations does not tell shapes apart; what matters does.
 */
static void
test_shape__is_shared_by_equal_pods_alone(void)
{
    static const char base[] =
        "'nodeSelector':{'x':'1','y':'2'},'tolerations':[{'key':'a','operator':'Exists'}"
        ",{'key':'b','value':'c'}],'affinity':{'nodeAffinity':{"
        "'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{"
        "'matchExpressions':[{'key':'k','operator':'In','values':['1','2']},{'key':'l',"
        "'operator':'Exists'}]}]}}},";
    static const char same[] =
        "'tolerations':[{'key':'b','operator':'Equal','value':'c'},{'operator':'Exists',"
        "'key':'a','effect':''},{'key':'b','value':'c'}],'affinity':{'nodeAffinity':{"
        "'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{"
        "'matchExpressions':[{'key':'l','operator':'Exists','values':[]},{'operator':"
        "'In','key':'k','values':['2','1','2']}]}]}}},'nodeSelector':{'y':'2','x':'1'}"
        ",";
    static const char *const others[] = {
        "'nodeSelector':{'x':'1'},",
        "'priority':1,",
        "'terminationGracePeriodSeconds':31,",
        "'schedulerName':'x',",
        "'tolerations':[{'operator':'Exists'}],",
        "'volumes':[{'name':'v','emptyDir':{}}],",
        "'overhead':{'example.com/new':'1'},",
        "'hostNetwork':true,'initContainers':[{'name':'s','restartPolicy':'Always','ports':[{'"
        "hostPort':1}]}],",
        "'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'z','whenUnsatisfiable':'"
        "DoNotSchedule'}],",
        "'topologySpreadConstraints':[{'maxSkew':2,'topologyKey':'z','whenUnsatisfiable':'"
        "DoNotSchedule'}],",
        "'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'"
        "topologyKey':'z'}]}},",
        "'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'"
        "topologyKey':'z'}]}"
        "},",
        "",
    };
    const size_t count = sizeof others / sizeof *others;
    char items[16384];
    size_t used;
    spotopt_cluster *cluster;

    used = (size_t)snprintf(items, sizeof items,
                            SPEC_POD("a", "{%s'containers':[{'name':'c'}]}") "," SPEC_POD(
                                "b", "{%s'containers':[{'name':'d','image':'x'}]}"),
                            base, same);
    for (size_t i = 0; i < count; i++)
        used +=
            (size_t)snprintf(items + used, sizeof items - used,
                             "," SPEC_POD("p%zu", "{%s'containers':[{'name':'c'}]}"), i, others[i]);
    cluster = read_items(items);
    CU_ASSERT_EQUAL(pod_named(cluster, "default/a")->shape, pod_named(cluster, "default/b")->shape);
    CU_ASSERT_EQUAL(cluster->shapes.count, 1 + count);
    spotopt_cluster_free(cluster);
}

static void
test_shape__leaves_out_labels_that_tell_replicas_apart(void)
{
    static const char first[] =
        "{'app':'x','pod-template-hash':'1','apps.kubernetes.io/pod-index':'0'}",
                      second[] =
                          "{'app':'x','pod-template-hash':'2','apps.kubernetes.io/pod-index':'1'}";
    static const char asks[] =
        POD_WITH("z", "{}", "{}",
                 ",'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'"
                 "topologyKey':"
                 "'t','labelSelector':{'matchExpressions':[{'key':'pod-template-hash','operator':'"
                 "In','values'"
                 ":['1']}]}}]}}");
    char items[4096];
    spotopt_cluster *cluster;

    snprintf(items, sizeof items, POD_WITH("a", "%s", "{}", "") "," POD_WITH("b", "%s", "{}", ""),
             first, second);
    cluster = read_items(items);
    CU_ASSERT_EQUAL(cluster->shapes.count, 1);
    CU_ASSERT_EQUAL(cluster->shapes.at[0].labels.count, 1);
    CU_ASSERT_EQUAL(pod_named(cluster, "default/a")->labels.count, 3);
    spotopt_cluster_free(cluster);

    /* somebody's placement asks for one of the keys */
    snprintf(items, sizeof items,
             POD_WITH("a", "%s", "{}", "") "," POD_WITH("b", "%s", "{}", "") ",%s", first, second,
             asks);
    cluster = read_items(items);
    CU_ASSERT_NOT_EQUAL(pod_named(cluster, "default/a")->shape,
                        pod_named(cluster, "default/b")->shape);
    CU_ASSERT_EQUAL(shape_of(cluster, "default/a")->labels.count, 2);
    spotopt_cluster_free(cluster);
}

static void
test_shape__of_daemon_pods_forgets_the_node_it_is_bound_to(void)
{
#define DAEMON_ON(name, node)                                                                      \
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name "','ownerReferences':[{'kind':"    \
    "'DaemonSet','name':'ds','controller':true}]},'spec':{'affinity':{'nodeAffinity':{"            \
    "'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{'matchFields':[{'"    \
    "key':"                                                                                        \
    "'metadata.name','operator':'In','values':['" node "']}]}]}}},'containers':[{'name':'c'}]}}"
    spotopt_cluster *cluster = read_items(DAEMON_ON("a", "n1") "," DAEMON_ON("b", "n2"));

    CU_ASSERT_EQUAL(cluster->shapes.count, 1);
    CU_ASSERT_EQUAL(cluster->shapes.at[0].group_count, 0);
    spotopt_cluster_free(cluster);
}

static void
test_node__reads_what_it_holds(void)
{
    spotopt_cluster *cluster = read_items(
        FULL_NODE(",'creationTimestamp':'1970-01-01T00:00:10Z','annotations':{'karpenter.sh/"
                  "do-not-disrupt':'true'}",
                  "'providerID':'aws:///us-east-1a/"
                  "i-1','unschedulable':true,'taints':[{'key':'k','effect':'NoExecute',"
                  "'timeAdded':null},{'key':'l','value':'v','effect':'PreferNoSchedule'}]",
                  "'capacity':{'cpu':'4','memory':'16Gi','pods':'58','nvidia.com/"
                  "gpu':'1','hugepages-1Gi':'0',"
                  "'attachable-volumes-aws-ebs':'25','ephemeral-storage':'20959212Ki'},'"
                  "allocatable':{'cpu':'3920m',"
                  "'memory':'15Gi','pods':'58','nvidia.com/"
                  "gpu':'1'},'conditions':[{'type':'MemoryPressure','status':"
                  "'False'},{'type':'Ready','status':'True'}]"));
    const spotopt__node *node = &cluster->nodes.at[0];
    const uint32_t gpu = spotopt__resources_find(&cluster->resources, "nvidia.com/gpu");

    CU_ASSERT_STRING_EQUAL(node->provider_id, "aws:///us-east-1a/i-1");
    CU_ASSERT_TRUE(node->is_unschedulable);
    CU_ASSERT_TRUE(node->is_do_not_disrupt);
    CU_ASSERT_TRUE(node->is_ready);
    CU_ASSERT_FALSE(node->is_terminating);
    CU_ASSERT_DOUBLE_EQUAL(node->created_s, 10.0, 0.0);
    CU_ASSERT_EQUAL(node->capacity.of[SPOTOPT__CPU], 4000);
    CU_ASSERT_EQUAL(node->allocatable.of[SPOTOPT__CPU], 3920);
    CU_ASSERT_EQUAL(node->allocatable.of[SPOTOPT__MEMORY], INT64_C(15) << 30);
    CU_ASSERT_EQUAL(node->allocatable.of[SPOTOPT__PODS], 58);
    CU_ASSERT_EQUAL(node->allocatable.of[SPOTOPT__STORAGE], 0); /* not stated there */
    CU_ASSERT_EQUAL(node->capacity.of[SPOTOPT__STORAGE], INT64_C(20959212) * 1024);
    CU_ASSERT_NOT_EQUAL_FATAL(gpu, SPOTOPT__NONE);
    CU_ASSERT_EQUAL(node->allocatable.of[gpu], 1);
    CU_ASSERT_EQUAL(cluster->resources.count, SPOTOPT__RESOURCES_FIXED + 1);
    CU_ASSERT_EQUAL_FATAL(node->taint_count, 2);
    CU_ASSERT_EQUAL(node->taints[0].effect, SPOTOPT__NO_EXECUTE);
    CU_ASSERT_STRING_EQUAL(node->taints[0].value, "");
    CU_ASSERT_EQUAL(node->taints[1].effect, SPOTOPT__PREFER_NO_SCHEDULE);
    spotopt_cluster_free(cluster);
}

static void
test_node__has_stable_labels_beside_legacy_ones(void)
{
    spotopt_cluster *cluster = read_items(NODE(
        "n", "{'beta.kubernetes.io/instance-type':'m5.large','failure-domain.beta.kubernetes.io/"
             "zone':'a',"
             "'topology.kubernetes.io/zone':'b','eks.amazonaws.com/capacityType':'ON_DEMAND'}"));
    const spotopt__labels *labels = &cluster->nodes.at[0].labels;

    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(labels, "node.kubernetes.io/instance-type"),
                           "m5.large");
    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(labels, "beta.kubernetes.io/instance-type"),
                           "m5.large");
    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(labels, "topology.kubernetes.io/zone"), "b");
    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(labels, "karpenter.sh/capacity-type"), "on-demand");
    spotopt_cluster_free(cluster);
}

static void
test_node__offers_its_capacity_where_nothing_else_is_said(void)
{
    spotopt_cluster *cluster = read_items(FULL_NODE("", "", "'capacity':{'cpu':'2','pods':'10'}"));

    CU_ASSERT_EQUAL(cluster->nodes.at[0].allocatable.of[SPOTOPT__CPU], 2000);
    CU_ASSERT_TRUE(cluster->nodes.at[0].is_ready); /* stripped of all conditions */
    CU_ASSERT_EQUAL(spotopt_cluster_warning_count(cluster), 0);
    spotopt_cluster_free(cluster);
    cluster =
        read_items(FULL_NODE("", "",
                             "'allocatable':{'cpu':'2'},'conditions':[{'type':'Ready','status':"
                             "'Unknown'}]"));
    CU_ASSERT_EQUAL(cluster->nodes.at[0].capacity.of[SPOTOPT__CPU], 2000);
    CU_ASSERT_EQUAL(cluster->nodes.at[0].allocatable.of[SPOTOPT__PODS], 110);
    CU_ASSERT_FALSE(cluster->nodes.at[0].is_ready);
    CU_ASSERT_TRUE(has_warning(cluster, "node n does not say how many pods it takes"));
    spotopt_cluster_free(cluster);
}

static void
test_node__is_refused_with_its_place(void)
{
    CU_ASSERT_TRUE(is_refused(FULL_NODE("", "", ""),
                              "/items/0/status/allocatable: is missing, as is capacity"));
    CU_ASSERT_TRUE(is_refused("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'}}",
                              "/items/0/status/allocatable: is missing"));
    CU_ASSERT_TRUE(is_refused(FULL_NODE("", "", "'capacity':{'cpu':'-1'}"),
                              "/items/0/status/capacity/cpu: is \"-1\""));
    CU_ASSERT_TRUE(
        is_refused(FULL_NODE("", "'taints':[{'key':'a','effect':'Now'}]", "'capacity':{}"),
                   "/items/0/spec/taints/0/effect: is \"Now\"; want NoSchedule, "
                   "PreferNoSchedule or NoExecute"));
    CU_ASSERT_TRUE(is_refused(FULL_NODE("", "'taints':[{'key':'a'}]", "'capacity':{}"),
                              "taints/0/effect: want a text; it is missing"));
    CU_ASSERT_TRUE(is_refused(FULL_NODE("", "'unschedulable':'yes'", "'capacity':{}"),
                              "/spec/unschedulable: want true or false"));
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_pod__has_the_phase_and_readiness_of_its_status),
        TEST(test_pod__has_the_marks_of_its_metadata),
        TEST(test_pod__may_ask_not_to_be_disturbed),
        TEST(test_pod__has_the_defaults_of_the_api),
        TEST(test_pod__has_a_priority_by_class),
        TEST(test_pod__takes_host_ports),
        TEST(test_pod__finds_its_node),
        TEST(test_shape__is_shared_by_equal_pods_alone),
        TEST(test_shape__leaves_out_labels_that_tell_replicas_apart),
        TEST(test_shape__of_daemon_pods_forgets_the_node_it_is_bound_to),
        TEST(test_node__reads_what_it_holds),
        TEST(test_node__has_stable_labels_beside_legacy_ones),
        TEST(test_node__offers_its_capacity_where_nothing_else_is_said),
        TEST(test_node__is_refused_with_its_place),
    };

    return suite_run("kubernetes pod", tests, sizeof tests / sizeof *tests);
}
