/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod takes, by the rules of the Kubernetes documentation: "Pod overhead", "Sidecar
 * containers: resource sharing within containers", "Assign pod-level CPU and memory resources",
 * "Resize CPU and memory resources".
 */
#include "suite.h"

#include "kubernetes.h"

/* A container, or an init container with more behind its requests. */
#define C(cpu) "{'name':'c','resources':{'requests':{'cpu':'" cpu "'}}}"
#define INIT(cpu) "{'name':'i','resources':{'requests':{'cpu':'" cpu "'}}}"
#define SIDECAR(cpu)                                                                               \
    "{'name':'s','restartPolicy':'Always','resources':{'requests':{'cpu':'" cpu "'}}}"
#define MIB(n) (INT64_C(n) << 20)

typedef struct request_case {
    const char *spec;
    int64_t cpu, memory;
} request_case;

static void
check(const request_case *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char item[2048];
        spotopt_cluster *cluster;
        const spotopt__amounts *request;

        snprintf(item, sizeof item, SPEC_POD("p", "%s"), table[i].spec);
        cluster = read_items(item);
        request = &shape_of(cluster, "default/p")->request;
        if (request->of[SPOTOPT__CPU] != table[i].cpu ||
            request->of[SPOTOPT__MEMORY] != table[i].memory)
            fprintf(stderr, "\n  %s: cpu %lld memory %lld\n", table[i].spec,
                    (long long)request->of[SPOTOPT__CPU], (long long)request->of[SPOTOPT__MEMORY]);
        CU_ASSERT_EQUAL(request->of[SPOTOPT__CPU], table[i].cpu);
        CU_ASSERT_EQUAL(request->of[SPOTOPT__MEMORY], table[i].memory);
        CU_ASSERT_EQUAL(request->of[SPOTOPT__PODS], 1);
        spotopt_cluster_free(cluster);
    }
}

static void
test_requests__take_the_larger_of_containers_and_init_containers(void)
{
    static const request_case table[] = {
        {"{'containers':[" C("1") "," C("500m") "]}", 1500, 0},
        {"{'initContainers':[" INIT("2") "],'containers':[" C("1") "," C("500m") "]}", 2000, 0},
        {"{'initContainers':[" INIT("1") "," INIT("1") "],'containers':[" C("1500m") "]}", 1500, 0},
        /* each resource by itself */
        {"{'initContainers':[{'name':'i','resources':{'requests':{'cpu':'2','memory':'1Mi'}}}],"
         "'containers':[{'name':'c','resources':{'requests':{'cpu':'1','memory':'5Mi'}}}]}",
         2000, MIB(5)},
        {"{'containers':[{'name':'c'}]}", 0, 0},
        {"{'containers':[{'name':'c','resources':{}}]}", 0, 0},
        {"{'containers':[{'name':'c','resources':{'requests':null,'limits':null}}]}", 0, 0},
    };

    check(table, sizeof table / sizeof *table);
}

static void
test_requests__add_sidecars_in_the_order_they_start(void)
{
    static const request_case table[] = {
        /* sidecars run on beside the containers */
        {"{'initContainers':[" SIDECAR("1") "],'containers':[" C("1") "]}", 2000, 0},
        /* an init container runs beside the sidecars before it, not those behind it */
        {"{'initContainers':[" SIDECAR("1") "," INIT("5") "],'containers':[" C("1") "]}", 6000, 0},
        {"{'initContainers':[" INIT("5") "," SIDECAR("1") "],'containers':[" C("1") "]}", 5000, 0},
        {"{'initContainers':[" SIDECAR("1") "," INIT("3") "," SIDECAR("2") "," INIT(
             "2") "],'containers':[" C("1") "]}",
         5000, 0}, /* 1+3, 1+2+2, 1+2+1: the second moment */
        {"{'initContainers':[" SIDECAR("1") "," SIDECAR("2") "],'containers':[" C("4") "]}", 7000,
         0},
        {"{'initContainers':[{'name':'i','restartPolicy':'Never','resources':{'requests':{'cpu':'1'"
         "}}}],"
         "'containers':[" C("1") "]}",
         1000, 0},
    };

    check(table, sizeof table / sizeof *table);
}

static void
test_requests__fall_back_to_limits(void)
{
    static const request_case table[] = {
        {"{'containers':[{'name':'c','resources':{'limits':{'cpu':'2','memory':'64Mi'}}}]}", 2000,
         MIB(64)},
        {"{'containers':[{'name':'c','resources':{'requests':{'cpu':'1'},'limits':{'cpu':'2','"
         "memory':"
         "'64Mi'}}}]}",
         1000, MIB(64)},
        {"{'containers':[{'name':'c','resources':{'requests':{'cpu':'0'},'limits':{'cpu':'2'}}}]}",
         0, 0}, /* stated, if only as nothing */
        {"{'initContainers':[{'name':'i','resources':{'limits':{'cpu':'3'}}}],'containers':[" C(
             "1") "]}",
         3000, 0},
    };

    check(table, sizeof table / sizeof *table);
}

static void
test_requests__of_the_pod_as_a_whole_replace_the_sum(void)
{
    static const request_case table[] = {
        {"{'resources':{'requests':{'cpu':'3','memory':'8Mi'}},'containers':[" C("1") "," C(
             "1") "]}",
         3000, MIB(8)},
        {"{'resources':{'requests':{'memory':'8Mi'}},'containers':[" C("1") "," C("1") "]}", 2000,
         MIB(8)},
        /* a pod-level limit stands in only where no container requests anything */
        {"{'resources':{'limits':{'cpu':'3','memory':'8Mi'}},'containers':[" C("1") "]}", 1000,
         MIB(8)},
        /* and the overhead comes on top */
        {"{'resources':{'requests':{'cpu':'3'}},'overhead':{'cpu':'250m','memory':'1Mi'},'"
         "containers':[" C("1") "]}",
         3250, MIB(1)},
    };

    check(table, sizeof table / sizeof *table);
}

static void
test_requests__at_pod_level_know_cpu_memory_and_hugepages_alone(void)
{
    spotopt_cluster *cluster = read_items(SPEC_POD(
        "p", "{'resources':{'requests':{'cpu':'1','hugepages-2Mi':'6Mi','ephemeral-storage':"
             "'9Gi'}},'containers':[{'name':'c','resources':{'requests':{'hugepages-2Mi':"
             "'4Mi','ephemeral-storage':'1Gi'}}}]}"));
    const spotopt__amounts *request = &shape_of(cluster, "default/p")->request;
    const uint32_t pages = spotopt__resources_find(&cluster->resources, "hugepages-2Mi");

    CU_ASSERT_EQUAL_FATAL(pages, SPOTOPT__RESOURCES_FIXED);
    CU_ASSERT_EQUAL(request->of[pages], MIB(6));
    CU_ASSERT_EQUAL(request->of[SPOTOPT__STORAGE], MIB(1024));
    spotopt_cluster_free(cluster);
}

static void
test_requests__count_overhead(void)
{
    static const request_case table[] = {
        {"{'overhead':{'cpu':'250m','memory':'120Mi'},'containers':[" C("1") "]}", 1250, MIB(120)},
        {"{'overhead':{'cpu':'250m'},'initContainers':[" INIT("2") "],'containers':[" C("1") "]}",
         2250, 0},
    };

    check(table, sizeof table / sizeof *table);
}

static void
test_requests__of_a_template_get_its_runtime_class(void)
{
    static const char items[] =
        "{'apiVersion':'node.k8s.io/"
        "v1','kind':'RuntimeClass','metadata':{'name':'kata'},'handler':'h',"
        "'overhead':{'podFixed':{'cpu':'250m'}},'scheduling':{'nodeSelector':{'kata':'yes'},"
        "'tolerations':[{'key':'kata','operator':'Exists'}]}},"
        "{'apiVersion':'apps/"
        "v1','kind':'Deployment','metadata':{'name':'web'},'spec':{'replicas':1,"
        "'template':{'metadata':{'labels':{'a':'b'}},'spec':{'runtimeClassName':'kata','containers'"
        ":[" C("1") "]}}}},"
        /* a pod that exists has been through admission: only its own overhead counts */
        SPEC_POD("old", "{'runtimeClassName':'kata','containers':[" C("1") "]}");
    spotopt_cluster *cluster = read_items(items);
    const spotopt__shape *made = shape_of(cluster, "default/web-pending-1");
    const spotopt__taint taint = {"kata", "", SPOTOPT__NO_SCHEDULE};

    CU_ASSERT_EQUAL(made->request.of[SPOTOPT__CPU], 1250);
    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(&made->node_selector, "kata"), "yes");
    CU_ASSERT_TRUE(spotopt__tolerates(made->tolerations, made->toleration_count, &taint));
    CU_ASSERT_EQUAL(shape_of(cluster, "default/old")->request.of[SPOTOPT__CPU], 1000);
    spotopt_cluster_free(cluster);
}

/* Wanted 1 core; the kubelet's word about it in status. */
static int64_t
resized_cpu(const char *status)
{
    char item[2048];
    spotopt_cluster *cluster;
    int64_t cpu;

    snprintf(item, sizeof item,
             "{'kind':'Pod','apiVersion':'v1','metadata':{'name':'p'},'spec':{'containers':[" C(
                 "1") "]},'status':%s}",
             status);
    cluster = read_items(item);
    cpu = shape_of(cluster, "default/p")->request.of[SPOTOPT__CPU];
    spotopt_cluster_free(cluster);
    return cpu;
}

static void
test_requests__under_a_resize_count_the_larger_of_wish_and_holding(void)
{
    /* shrinking: still holds 2 */
    CU_ASSERT_EQUAL(
        resized_cpu("{'containerStatuses':[{'name':'c','allocatedResources':{'cpu':'2'}}]}"), 2000);
    CU_ASSERT_EQUAL(
        resized_cpu("{'containerStatuses':[{'name':'c','resources':{'requests':{'cpu':'3'}},"
                    "'allocatedResources':{'cpu':'2'}}]}"),
        3000);
    /* growing: 500m held, 1 wanted */
    CU_ASSERT_EQUAL(
        resized_cpu("{'containerStatuses':[{'name':'c','allocatedResources':{'cpu':'500m'}}]}"),
        1000);
    /* the wish cannot be met: what is held counts, in either way of saying so */
    CU_ASSERT_EQUAL(resized_cpu("{'resize':'Infeasible','containerStatuses':[{'name':'c',"
                                "'allocatedResources':{'cpu':'500m'}}]}"),
                    500);
    CU_ASSERT_EQUAL(
        resized_cpu(
            "{'conditions':[{'type':'PodResizePending','status':'True','reason':'Infeasible'}],"
            "'containerStatuses':[{'name':'c','resources':{'requests':{'cpu':'500m'}}}]}"),
        500);
    CU_ASSERT_EQUAL(
        resized_cpu(
            "{'conditions':[{'type':'PodResizePending','status':'True','reason':'Deferred'}],"
            "'containerStatuses':[{'name':'c','resources':{'requests':{'cpu':'500m'}}}]}"),
        1000);
    /* a status of another container says nothing */
    CU_ASSERT_EQUAL(
        resized_cpu("{'containerStatuses':[{'name':'x','allocatedResources':{'cpu':'9'}}]}"), 1000);
}

static void
test_requests__name_extended_resources(void)
{
    spotopt_cluster *cluster = read_items(SPEC_POD(
        "p", "{'containers':[{'name':'c','resources':{'limits':{'nvidia.com/gpu':2}}},"
             "{'name':'d','resources':{'limits':{'nvidia.com/gpu':'1','amd.com/gpu':0}}}]}"));
    const uint32_t gpu = spotopt__resources_find(&cluster->resources, "nvidia.com/gpu");

    CU_ASSERT_NOT_EQUAL_FATAL(gpu, SPOTOPT__NONE);
    CU_ASSERT_EQUAL(shape_of(cluster, "default/p")->request.of[gpu], 3);
    /* what nobody needs takes no place in the table */
    CU_ASSERT_EQUAL(spotopt__resources_find(&cluster->resources, "amd.com/gpu"), SPOTOPT__NONE);
    spotopt_cluster_free(cluster);
}

static void
test_requests__may_be_json_numbers(void)
{
    static const request_case table[] = {
        {"{'containers':[{'name':'c','resources':{'requests':{'cpu':0.5,'memory':1048576}}}]}", 500,
         MIB(1)},
        {"{'containers':[{'name':'c','resources':{'requests':{'cpu':2}}}]}", 2000, 0},
    };

    check(table, sizeof table / sizeof *table);
}

static void
test_requests__are_refused_with_their_place(void)
{
    CU_ASSERT_TRUE(is_refused(
        NODE("n", "{}") "," SPEC_POD(
            "p", "{'containers':[" C("1") ",{'name':'d','resources':{'requests':{'cpu':'abc'}}}]}"),
        "/items/1/spec/containers/1/resources/requests/cpu: is \"abc\"; want a quantity such as "
        "\"250m\""));
    CU_ASSERT_TRUE(
        is_refused(SPEC_POD("p", "{'containers':[" C("-1") "]}"),
                   "/items/0/spec/containers/0/resources/requests/cpu: is \"-1\"; want a "
                   "quantity >= 0"));
    CU_ASSERT_TRUE(is_refused(
        SPEC_POD("p", "{'containers':[{'name':'c','resources':{'requests':{'memory':true}}}]}"),
        "/items/0/spec/containers/0/resources/requests/memory: want a quantity"));
    CU_ASSERT_TRUE(is_refused(
        SPEC_POD("p", "{'containers':[{'name':'c','resources':{'limits':{'nvidia.com/gpu':-1}}}]}"),
        "/resources/limits/nvidia.com~1gpu: is \"-1\""));
    CU_ASSERT_TRUE(is_refused(SPEC_POD("p", "{'containers':[]}"),
                              "/items/0/spec/containers: want at least one container"));
    CU_ASSERT_TRUE(
        is_refused(SPEC_POD("p", "{}"), "/items/0/spec/containers: want at least one container"));
    CU_ASSERT_TRUE(
        is_refused(SPEC_POD("p", "{'containers':{}}"), "/spec/containers: want an array"));
    CU_ASSERT_TRUE(is_refused(SPEC_POD("p", "{'overhead':{'cpu':''},'containers':[" C("1") "]}"),
                              "/spec/overhead/cpu: is \"\""));
}

static void
test_requests__saturate_instead_of_wrapping(void)
{
    spotopt_cluster *cluster = read_items(SPEC_POD(
        "p", "{'containers':[{'name':'a','resources':{'requests':{'memory':'8Ei'}}},{'name':'b',"
             "'resources':{'requests':{'memory':'8Ei'}}},{'name':'c','resources':{'requests':{"
             "'memory':'1e300'}}}]}"));

    CU_ASSERT_EQUAL(shape_of(cluster, "default/p")->request.of[SPOTOPT__MEMORY],
                    SPOTOPT__AMOUNT_MAX);
    spotopt_cluster_free(cluster);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_requests__take_the_larger_of_containers_and_init_containers),
        TEST(test_requests__add_sidecars_in_the_order_they_start),
        TEST(test_requests__fall_back_to_limits),
        TEST(test_requests__of_the_pod_as_a_whole_replace_the_sum),
        TEST(test_requests__at_pod_level_know_cpu_memory_and_hugepages_alone),
        TEST(test_requests__count_overhead),
        TEST(test_requests__of_a_template_get_its_runtime_class),
        TEST(test_requests__under_a_resize_count_the_larger_of_wish_and_holding),
        TEST(test_requests__name_extended_resources),
        TEST(test_requests__may_be_json_numbers),
        TEST(test_requests__are_refused_with_their_place),
        TEST(test_requests__saturate_instead_of_wrapping),
    };

    return suite_run("kubernetes requests", tests, sizeof tests / sizeof *tests);
}
