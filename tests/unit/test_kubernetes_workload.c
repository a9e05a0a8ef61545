/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a pod is, and how many more its owner wants. */
#include "suite.h"

#include "kubernetes.h"

#define OWNED(name, kind, owner, labels, tail)                                                     \
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name "','labels':" labels               \
    ",'ownerReferences':[{'kind':'" kind "','name':'" owner "','controller':true}]" tail           \
    "},'spec':{'containers':[{'name':'c'}]}}"
#define LIVE(name, kind, owner) OWNED(name, kind, owner, "{}", "")
#define PHASE(name, kind, owner, phase)                                                            \
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name                                    \
    "','ownerReferences':[{'kind':'" kind "','name':'" owner                                       \
    "','controller':true}]},'spec':{'containers':[{'name':'c'}]},'status':{"                       \
    "'phase':'" phase "'}}"
#define WORKLOAD(version, kind, name, spec)                                                        \
    "{'apiVersion':'" version "','kind':'" kind "','metadata':{'name':'" name "'},'spec':{" spec   \
    "'template':{'metadata':{'labels':{'app':'" name "'}},'spec':{'containers':[{'name':'c'}]}}}}"
#define DEPLOYMENT(name, spec) WORKLOAD("apps/v1", "Deployment", name, spec)
#define STATEFUL_SET(name, spec) WORKLOAD("apps/v1", "StatefulSet", name, spec)
#define JOB(spec) WORKLOAD("batch/v1", "Job", "j", spec)
#define REPLICA_SET(name, replicas, owner)                                                         \
    "{'apiVersion':'apps/v1','kind':'ReplicaSet','metadata':{'name':'" name                        \
    "','ownerReferences':[{'kind':'Deployment','name':'" owner                                     \
    "','controller':true}]},'spec':{'replicas':" replicas                                          \
    ",'template':{'spec':{'containers':[{'name':'c'}]}}}}"

static size_t
missing(const char *items)
{
    spotopt_cluster *cluster = read_items(items);
    const size_t count = count_replicas(cluster);

    spotopt_cluster_free(cluster);
    return count;
}

static void
test_replicas__are_wanted_less_live(void)
{
    CU_ASSERT_EQUAL(missing(DEPLOYMENT("web", "'replicas':3,")), 3);
    CU_ASSERT_EQUAL(missing(DEPLOYMENT("web", "")), 1); /* absent means one */
    CU_ASSERT_EQUAL(missing(DEPLOYMENT("web", "'replicas':null,")), 1);
    CU_ASSERT_EQUAL(missing(DEPLOYMENT("web", "'replicas':0,")), 0);
    CU_ASSERT_EQUAL(missing(DEPLOYMENT("web", "'replicas':3,") "," REPLICA_SET(
                        "web-1", "3", "web") "," LIVE("a", "ReplicaSet", "web-1")),
                    2);
    CU_ASSERT_EQUAL(missing(WORKLOAD("apps/v1", "ReplicaSet", "rs",
                                     "'replicas':2,") "," LIVE("a", "ReplicaSet", "rs")),
                    1);
    CU_ASSERT_EQUAL(missing(WORKLOAD("v1", "ReplicationController", "rc",
                                     "'replicas':2,") "," LIVE("a", "ReplicationController", "rc")),
                    1);
    CU_ASSERT_EQUAL(missing(WORKLOAD("extensions/v1beta1", "Deployment", "old", "'replicas':2,")),
                    2);
}

static void
test_replicas__of_a_rollout_are_counted_at_the_deployment(void)
{
    /* old and new ReplicaSets together have more pods than are wanted */
    CU_ASSERT_EQUAL(
        missing(
            DEPLOYMENT("web", "'replicas':2,") "," REPLICA_SET("web-1", "2", "web") "," REPLICA_SET(
                "web-2", "1", "web") "," LIVE("a", "ReplicaSet",
                                              "web-1") "," LIVE("b", "ReplicaSet",
                                                                "web-1") "," LIVE("c", "ReplicaSet",
                                                                                  "web-2")),
        0);
    CU_ASSERT_EQUAL(
        missing(
            DEPLOYMENT("web", "'replicas':4,") "," REPLICA_SET("web-1", "3", "web") "," REPLICA_SET(
                "web-2", "1", "web") "," LIVE("a", "ReplicaSet",
                                              "web-1") "," LIVE("c", "ReplicaSet", "web-2")),
        2);
}

static void
test_replicas__that_end_or_have_ended_do_not_count_as_live(void)
{
    CU_ASSERT_EQUAL(
        missing(STATEFUL_SET("db", "'replicas':4,") "," PHASE(
            "db-0", "StatefulSet", "db",
            "Running") "," PHASE("db-1", "StatefulSet", "db",
                                 "Failed") "," PHASE("db-2", "StatefulSet", "db",
                                                     "Succeeded") "," OWNED("db-3", "StatefulSet",
                                                                            "db", "{}",
                                                                            ",'deletionTimestamp':'"
                                                                            "2026-01-01T00:00:"
                                                                            "00Z'")),
        3);
}

static void
test_replicas__of_a_listed_deployment_without_its_replica_sets(void)
{
    spotopt_cluster *cluster = read_items(DEPLOYMENT("web", "'replicas':2,") "," OWNED(
        "a", "ReplicaSet", "web-5d8f", "{'pod-template-hash':'5d8f'}",
        "") "," OWNED("b", "ReplicaSet", "web-77", "{'pod-template-hash':'5d8f'}", ""));

    /* the name of the first says whose it is; the second's does not fit its hash */
    CU_ASSERT_EQUAL(count_replicas(cluster), 1);
    CU_ASSERT_STRING_EQUAL(cluster->workloads.at[pod_named(cluster, "default/a")->workload].name,
                           "web");
    CU_ASSERT_STRING_EQUAL(
        cluster->workloads.at[pod_named(cluster, "default/b")->workload].kind_name, "ReplicaSet");
    CU_ASSERT_FALSE(cluster->workloads.at[pod_named(cluster, "default/b")->workload].has_scale);
    spotopt_cluster_free(cluster);
}

static void
test_replicas__of_jobs_follow_the_job_controller(void)
{
    CU_ASSERT_EQUAL(missing(JOB("")), 1);
    CU_ASSERT_EQUAL(missing(JOB("'parallelism':3,'completions':9,")), 3);
    CU_ASSERT_EQUAL(missing(JOB("'parallelism':3,'completions':2,")), 2);
    CU_ASSERT_EQUAL(missing(JOB("'completions':5,")), 1);
    CU_ASSERT_EQUAL(missing(JOB("'parallelism':3,'completions':9,'suspend':true,")), 0);
    CU_ASSERT_EQUAL(missing(JOB("'parallelism':0,'completions':9,")), 0);
    CU_ASSERT_EQUAL(missing(JOB("'parallelism':4,")), 4); /* a work queue */
    CU_ASSERT_EQUAL(missing(JOB("'parallelism':4,") "," PHASE("a", "Job", "j", "Succeeded")), 0);
    CU_ASSERT_EQUAL(missing(JOB("'parallelism':3,'completions':4,") "," PHASE(
                        "a", "Job", "j",
                        "Succeeded") "," PHASE("b", "Job", "j",
                                               "Succeeded") "," PHASE("c", "Job", "j", "Running")),
                    1);
    CU_ASSERT_EQUAL(
        missing(JOB("'parallelism':3,'completions':4,") "," PHASE("a", "Job", "j", "Failed")), 3);
    CU_ASSERT_EQUAL(
        missing(
            "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'j'},'spec':{'parallelism':2,"
            "'completions':5,'template':{'spec':{'containers':[{'name':'c'}]}}},'status':{'"
            "succeeded':4}"
            "}"),
        1);
    CU_ASSERT_EQUAL(missing("{'apiVersion':'batch/"
                            "v1','kind':'Job','metadata':{'name':'j'},'spec':{'template':{'spec':{"
                            "'containers':[{'name':'c'}]}}},'status':{'conditions':[{'type':'"
                            "Failed','status':'True'}]}"
                            "}"),
                    0);
    CU_ASSERT_EQUAL(
        missing(
            "{'apiVersion':'batch/"
            "v1','kind':'Job','metadata':{'name':'j'},'spec':{'template':{'spec':{"
            "'containers':[{'name':'c'}]}}},'status':{'conditions':[{'type':'Complete','status':"
            "'False'}]}}"),
        1);
}

static void
test_replicas__of_a_workload_that_is_deleted_are_not_wanted(void)
{
    CU_ASSERT_EQUAL(missing("{'apiVersion':'apps/"
                            "v1','kind':'Deployment','metadata':{'name':'d','deletionTimestamp':"
                            "'2026-01-01T00:00:00Z'},'spec':{'replicas':3,'template':{'spec':{'"
                            "containers':[{'name':"
                            "'c'}]}}}}"),
                    0);
}

static void
test_replicas__of_daemon_sets_are_a_template_alone(void)
{
    spotopt_cluster *cluster = read_items(WORKLOAD("apps/v1", "DaemonSet", "agent", "") "," NODE(
        "n", "{}") "," LIVE("agent-x", "DaemonSet", "agent"));
    const spotopt__workload *agent = workload_named(cluster, "DaemonSet", "agent");
    const spotopt__taint pressure = {"node.kubernetes.io/disk-pressure", "", SPOTOPT__NO_SCHEDULE},
                         other = {"other", "", SPOTOPT__NO_SCHEDULE};
    const spotopt__shape *shape;

    CU_ASSERT_EQUAL(count_replicas(cluster), 0);
    CU_ASSERT_FALSE(agent->has_scale);
    CU_ASSERT_TRUE(pod_named(cluster, "default/agent-x")->is_daemon);
    CU_ASSERT_NOT_EQUAL_FATAL(agent->shape, SPOTOPT__NONE);
    shape = &cluster->shapes.at[agent->shape];
    /* the controller gives its pods tolerations that the template does not state */
    CU_ASSERT_TRUE(spotopt__tolerates(shape->tolerations, shape->toleration_count, &pressure));
    CU_ASSERT_FALSE(spotopt__tolerates(shape->tolerations, shape->toleration_count, &other));
    spotopt_cluster_free(cluster);
}

static void
test_replicas__are_like_the_pods_that_live(void)
{
    /* as the API server stores it: defaults filled in, labels and tolerations added */
    spotopt_cluster *cluster = read_items(DEPLOYMENT(
        "web", "'replicas':2,") ",{'apiVersion':'v1','kind':'Pod','metadata':{'name':'web-5d8f-x',"
                                "'labels':{'app':'web','pod-template-hash':'5d8f'},"
                                "'ownerReferences':[{'kind':'ReplicaSet','name':'web-5d8f',"
                                "'controller':true}]},'spec':{'containers':[{'name':'c',"
                                "'resources':{}}],'priority':0,'schedulerName':"
                                "'default-scheduler','terminationGracePeriodSeconds':30,"
                                "'volumes':[{'name':'kube-api-access-x','projected':{}}],"
                                "'tolerations':[{'key':'node.kubernetes.io/not-ready','operator':"
                                "'Exists','effect':'NoExecute','tolerationSeconds':300},{'key':"
                                "'node.kubernetes.io/unreachable','operator':'Exists','effect':"
                                "'NoExecute','tolerationSeconds':300}]}}");

    CU_ASSERT_EQUAL_FATAL(count_replicas(cluster), 1);
    CU_ASSERT_EQUAL(pod_named(cluster, "default/web-pending-1")->shape,
                    pod_named(cluster, "default/web-5d8f-x")->shape);
    CU_ASSERT_EQUAL(pod_named(cluster, "default/web-pending-1")->shape,
                    workload_named(cluster, "Deployment", "web")->shape);
    spotopt_cluster_free(cluster);
}

static void
test_replicas__have_names_of_their_own(void)
{
    spotopt_cluster *cluster = read_items(DEPLOYMENT("web", "'replicas':2,") "," WORKLOAD(
        "apps/v1", "ReplicaSet", "web", "'replicas':1,") "," POD("web-pending-2", "{}"));
    const spotopt__pod *pod;

    CU_ASSERT_EQUAL(count_replicas(cluster), 3);
    pod = pod_named(cluster, "default/web-pending-1");
    CU_ASSERT_STRING_EQUAL(pod->name, "web-pending-1");
    CU_ASSERT_STRING_EQUAL(pod->ns, "default");
    CU_ASSERT_TRUE(pod->is_replica);
    CU_ASSERT_TRUE(pod->has_controller);
    CU_ASSERT_EQUAL(pod->phase, SPOTOPT__PENDING);
    CU_ASSERT_EQUAL(pod->node, SPOTOPT__NONE);
    CU_ASSERT_FALSE(pod_named(cluster, "default/web-pending-2")->is_replica); /* was there */
    pod_named(cluster, "default/web-pending-3");
    pod_named(cluster, "default/web-pending-4");
    spotopt_cluster_free(cluster);
}

static void
test_replicas__of_stateful_sets_take_the_free_ordinals(void)
{
    spotopt_cluster *cluster =
        read_items(STATEFUL_SET("db", "'replicas':4,'ordinals':{'start':5},") "," LIVE(
            "db-6", "StatefulSet", "db") "," OWNED("db-7", "StatefulSet", "db", "{}",
                                                   ",'deletionTimestamp':'2026-01-01T00:00:00Z'"));
    const spotopt__pod *pod;

    CU_ASSERT_EQUAL(count_replicas(cluster), 3);
    pod = pod_named(cluster, "default/db-5");
    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(&pod->labels, "statefulset.kubernetes.io/pod-name"),
                           "db-5");
    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(&pod->labels, "apps.kubernetes.io/pod-index"), "5");
    /* budgets see these labels, shapes do not */
    CU_ASSERT_PTR_NULL(spotopt__labels_get(&cluster->shapes.at[pod->shape].labels,
                                           "apps.kubernetes.io/pod-index"));
    pod_named(cluster, "default/db-7-pending"); /* the one that goes still has the name */
    pod_named(cluster, "default/db-8");
    CU_ASSERT_TRUE(workload_named(cluster, "StatefulSet", "db")->is_ordered);
    spotopt_cluster_free(cluster);
}

static void
test_replicas__of_stateful_sets_go_where_their_volumes_are(void)
{
    spotopt_cluster *cluster = read_items(STATEFUL_SET(
        "db",
        "'replicas':3,'podManagementPolicy':'Parallel','volumeClaimTemplates':[{'metadata':"
        "{'name':'data'},'spec':{'storageClassName':'s'}}],") ","
                                                              "{'apiVersion':'storage.k8s.io/"
                                                              "v1','kind':'StorageClass','metadata'"
                                                              ":{'name':'s'},"
                                                              "'allowedTopologies':[{'"
                                                              "matchLabelExpressions':[{'key':'"
                                                              "zone','values':['a','b']}]}]},"
                                                              "{'apiVersion':'v1','kind':'"
                                                              "PersistentVolumeClaim','metadata':{'"
                                                              "name':'data-db-1'},'spec':{"
                                                              "'volumeName':'pv','storageClassName'"
                                                              ":'s'}},"
                                                              "{'apiVersion':'v1','kind':'"
                                                              "PersistentVolume','metadata':{'name'"
                                                              ":'pv'},'spec':{'nodeAffinity':{"
                                                              "'required':{'nodeSelectorTerms':[{'"
                                                              "matchExpressions':[{'key':'zone','"
                                                              "operator':'In','values':["
                                                              "'b']}]}]}}}}");
    const spotopt__label a = {"zone", "a"}, b = {"zone", "b"}, c = {"zone", "c"};
    const spotopt__labels in[] = {{&a, 1}, {&b, 1}, {&c, 1}};
    static const struct {
        const char *id;
        bool goes[3];
    } table[] = {{"default/db-0", {true, true, false}},
                 {"default/db-1", {false, true, false}}, /* its disk is there from before */
                 {"default/db-2", {true, true, false}}};

    for (size_t i = 0; i < 3; i++) {
        for (size_t zone = 0; zone < 3; zone++)
            CU_ASSERT_EQUAL(
                spotopt__shape_allows(shape_of(cluster, table[i].id), &in[zone], "", NULL, 0, NULL),
                table[i].goes[zone]);
    }
    CU_ASSERT_EQUAL(pod_named(cluster, "default/db-0")->shape,
                    pod_named(cluster, "default/db-2")->shape);
    CU_ASSERT_FALSE(workload_named(cluster, "StatefulSet", "db")->is_ordered);
    CU_ASSERT_EQUAL(spotopt_cluster_warning_count(cluster), 0);
    spotopt_cluster_free(cluster);
}

static void
test_replicas__of_the_newest_revision_carry_its_hash(void)
{
#define REVISION(name, number)                                                                     \
    "{'apiVersion':'apps/v1','kind':'ReplicaSet','metadata':{'name':'web-" name                    \
    "','annotations':{'deployment.kubernetes.io/revision':'" number                                \
    "'},'labels':{'pod-template-hash':'" name                                                      \
    "'},'ownerReferences':[{'kind':'Deployment','name':'web','controller':true}]},'spec':{}}"
    spotopt_cluster *cluster = read_items(DEPLOYMENT("web", "") "," REVISION(
        "old", "9") "," REVISION("new", "10") "," REVISION("older", "8"));

    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(&pod_named(cluster, "default/web-pending-1")->labels,
                                               "pod-template-hash"),
                           "new");
    spotopt_cluster_free(cluster);
}

static void
test_replicas__have_a_limit(void)
{
    CU_ASSERT_TRUE(
        is_refused(DEPLOYMENT("a", "'replicas':2,") "," DEPLOYMENT("b", "'replicas':2147483647,"),
                   "/items/1/spec: wants 2147483647 more replicas"));
    CU_ASSERT_TRUE(is_refused(DEPLOYMENT("a", "'replicas':-1,"),
                              "/items/0/spec/replicas: want a whole number"));
    CU_ASSERT_TRUE(
        is_refused(DEPLOYMENT("a", "'replicas':'3',"), "/spec/replicas: want a whole number"));
}

static void
test_replicas__without_a_template_are_worth_a_warning(void)
{
    spotopt_cluster *cluster =
        read_items("{'apiVersion':'apps/"
                   "v1','kind':'Deployment','metadata':{'name':'d'},'spec':{'replicas':3}}");

    CU_ASSERT_EQUAL(cluster->pods.count, 0);
    CU_ASSERT_TRUE(
        has_warning(cluster, "Deployment default/d has no pod template; 3 missing replicas"));
    spotopt_cluster_free(cluster);
}

static void
test_workload__is_the_topmost_owner_that_is_known(void)
{
    spotopt_cluster *cluster =
        read_items(DEPLOYMENT("web", "'replicas':1,") "," REPLICA_SET("web-1", "1", "web") "," LIVE(
            "a", "ReplicaSet",
            "web-1") "," LIVE("b", "Rollout",
                              "r") "," LIVE("c", "Node",
                                            "n") "," POD("d", "{}") "," LIVE("e", "ReplicaSet",
                                                                             "orphan"));
    const spotopt__workload *top;

    top = &cluster->workloads.at[pod_named(cluster, "default/a")->workload];
    CU_ASSERT_EQUAL(top->kind, SPOTOPT__DEPLOYMENT);
    CU_ASSERT_TRUE(top->has_scale);
    CU_ASSERT_EQUAL(top->wanted, 1);
    CU_ASSERT_EQUAL(top->parent, SPOTOPT__NONE);
    CU_ASSERT_PTR_EQUAL(
        &cluster->workloads.at[workload_named(cluster, "ReplicaSet", "web-1")->parent], top);
    top = &cluster->workloads.at[pod_named(cluster, "default/b")->workload];
    CU_ASSERT_EQUAL(top->kind, SPOTOPT__OTHER_WORKLOAD);
    CU_ASSERT_STRING_EQUAL(top->kind_name, "Rollout");
    CU_ASSERT_FALSE(top->has_scale);
    CU_ASSERT_EQUAL(pod_named(cluster, "default/c")->workload, SPOTOPT__NONE); /* static pods */
    CU_ASSERT_TRUE(pod_named(cluster, "default/c")->has_controller);
    CU_ASSERT_EQUAL(pod_named(cluster, "default/d")->workload, SPOTOPT__NONE);
    CU_ASSERT_FALSE(pod_named(cluster, "default/d")->has_controller);
    top = &cluster->workloads.at[pod_named(cluster, "default/e")->workload];
    CU_ASSERT_EQUAL(top->kind, SPOTOPT__REPLICA_SET);
    CU_ASSERT_FALSE(top->has_scale);
    CU_ASSERT_EQUAL(top->shape, SPOTOPT__NONE);
    CU_ASSERT_EQUAL(count_replicas(cluster), 0);
    spotopt_cluster_free(cluster);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_replicas__are_wanted_less_live),
        TEST(test_replicas__of_a_rollout_are_counted_at_the_deployment),
        TEST(test_replicas__that_end_or_have_ended_do_not_count_as_live),
        TEST(test_replicas__of_a_listed_deployment_without_its_replica_sets),
        TEST(test_replicas__of_jobs_follow_the_job_controller),
        TEST(test_replicas__of_a_workload_that_is_deleted_are_not_wanted),
        TEST(test_replicas__of_daemon_sets_are_a_template_alone),
        TEST(test_replicas__are_like_the_pods_that_live),
        TEST(test_replicas__have_names_of_their_own),
        TEST(test_replicas__of_stateful_sets_take_the_free_ordinals),
        TEST(test_replicas__of_stateful_sets_go_where_their_volumes_are),
        TEST(test_replicas__of_the_newest_revision_carry_its_hash),
        TEST(test_replicas__have_a_limit),
        TEST(test_replicas__without_a_template_are_worth_a_warning),
        TEST(test_workload__is_the_topmost_owner_that_is_known),
    };

    return suite_run("kubernetes workload", tests, sizeof tests / sizeof *tests);
}
