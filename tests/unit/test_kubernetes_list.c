/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "io/csv.h"

#include "data.h"
#include "fail_alloc.h"
#include "kubernetes.h"

static void
test_list__takes_items_of_any_kind_in_any_order(void)
{
    /* the pod stands before the class, the claim and the node that it refers to */
    spotopt_cluster *cluster =
        read_items("{'kind':'Pod','apiVersion':'v1','metadata':{'name':'a','namespace':'x'},'spec':"
                   "{'nodeName':'n',"
                   "'priorityClassName':'high','containers':[{'name':'c'}]}},"
                   "{'kind':'Service','apiVersion':'v1','metadata':{'name':'s'}},"
                   "{'kind':'PriorityClass','apiVersion':'scheduling.k8s.io/"
                   "v1','metadata':{'name':'high'},'value':7}," NODE("n", "{}"));

    CU_ASSERT_EQUAL(spotopt_cluster_node_count(cluster), 1);
    CU_ASSERT_EQUAL(spotopt_cluster_pod_count(cluster), 1);
    CU_ASSERT_EQUAL(spotopt_cluster_pdb_count(cluster), 0);
    CU_ASSERT_STRING_EQUAL(spotopt_cluster_node_name(cluster, 0), "n");
    CU_ASSERT_STRING_EQUAL(spotopt_cluster_pod_id(cluster, 0), "x/a");
    CU_ASSERT_PTR_NULL(spotopt_cluster_node_name(cluster, 1));
    CU_ASSERT_PTR_NULL(spotopt_cluster_pod_id(cluster, 1));
    CU_ASSERT_EQUAL(pod_named(cluster, "x/a")->node, 0);
    CU_ASSERT_EQUAL(shape_of(cluster, "x/a")->priority, 7);
    CU_ASSERT_EQUAL(spotopt_cluster_warning_count(cluster), 0);
    CU_ASSERT_EQUAL(strlen(cluster->sha256), 64);
    spotopt_cluster_free(cluster);
}

static size_t
count_pods(const char *document)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_cluster *cluster = NULL;
    size_t count;

    if (try_document(NULL, document, &cluster, &err) < 0) {
        fprintf(stderr, "\n  %s\n", err.message);
        return SIZE_MAX;
    }
    count = spotopt_cluster_pod_count(cluster);
    spotopt_cluster_free(cluster);
    return count;
}

static void
test_list__may_be_of_one_kind_or_a_single_object(void)
{
    CU_ASSERT_EQUAL(count_pods("{'kind':'List','items':[]}"), 0);
    CU_ASSERT_EQUAL(count_pods("{'kind':'PodList','apiVersion':'v1','items':null}"), 0);
    CU_ASSERT_EQUAL(
        count_pods("{'kind':'PodList','apiVersion':'v1','items':[{'metadata':{'name':'a'},"
                   "'spec':{'containers':[{'name':'c'}]}}]}"),
        1);
    CU_ASSERT_EQUAL(count_pods(POD("a", "{}")), 1);
    CU_ASSERT_EQUAL(
        count_pods("{'kind':'Deployment','apiVersion':'apps/v1','metadata':{'name':'d'},"
                   "'spec':{'replicas':3,'template':{'spec':{'containers':[{'name':'c'}]}}}}"),
        3);
    CU_ASSERT_EQUAL(count_pods(NODE("n", "{}")), 0);
}

static spotopt_status
try_plain(const char *document, spotopt_error *err)
{
    spotopt_cluster *cluster = NULL;
    const spotopt_status status = try_document(NULL, document, &cluster, err);

    spotopt_cluster_free(cluster);
    return status;
}

static void
test_list__refuses_what_is_none(void)
{
    static const struct {
        const char *document, *words;
    } table[] = {
        {"", "c.json:1:1:"},
        {"[]", "want what kubectl get -o json prints"},
        {"7", "want what kubectl get -o json prints"},
        {"{}", "/kind: want \"List\""},
        {"{'kind':'Config'}", "/kind: want \"List\""},
        {"{'kind':'List'}", "/items: want an array"},
        {"{'kind':'List','items':{}}", "/items: want an array"},
        {"{'kind':'List','items':[7]}", "/items/0: want an object"},
        {"{'kind':'List','items':[{}]}", "/items/0/kind: want a kind"},
        {"{'kind':'List','items':[],'items':[]}", "\"items\" stands twice"},
        {"{'kind':'List','items':[{'kind':'List','items':[]}]}", "/items/0/kind: is \"List\""},
        {"{'kind':'Pod','metadata':{'name':'a'}}", "c.json: /spec: want an object"},
        {"{'kind':'Pod','metadata':{'name':''}}", "c.json: /metadata/name: is empty"},
        {"{'kind':'Pod','spec':{}}", "c.json: /metadata: want an object"},
        {"{'kind':'Pod','metadata':{'name':'a','name':'b'}}", "stands twice"},
        {"{'kind':'List','items':[]", "c.json:1:"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        spotopt_error err = SPOTOPT_ERROR_INIT;

        CU_ASSERT_EQUAL(try_plain(table[i].document, &err), SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, table[i].words));
    }
}

static void
test_list__names_both_places_of_an_object_that_stands_twice(void)
{
    CU_ASSERT_TRUE(is_refused(POD("a", "{}") "," NODE("n", "{}") "," POD("a", "{}"),
                              "/items/2: Pod \"a\" stands at /items/0 already"));
    CU_ASSERT_TRUE(is_refused(NODE("n", "{}") "," NODE("n", "{}"), "/items/1: Node \"n\""));
    /* another namespace or kind is another object */
    spotopt_cluster_free(read_items(POD("a", "{}") "," NODE(
        "a", "{}") ",{'kind':'Pod','apiVersion':'v1','metadata':{'name':'a',"
                   "'namespace':'x'},'spec':{'containers':[{'name':'c'}]}}"));
    /* no namespace is the default one */
    CU_ASSERT_TRUE(is_refused(
        POD("a",
            "{}") ",{'kind':'Pod','apiVersion':'v1','metadata':{'name':'a','namespace':'default'},"
                  "'spec':{'containers':[{'name':'c'}]}}",
        "/items/1: Pod \"a\""));
}

#define MANIFEST(meta, replicas)                                                                   \
    "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'d'" meta                     \
    "},'spec':{'replicas':" replicas ",'template':{'spec':{'containers':[{'name':'c'}]}}}}"

/* Manifests of several authors in one list: no pod may be lost. What an API server tells has a uid.
 */
static void
test_list__counts_manifests_of_one_name_side_by_side(void)
{
    spotopt_cluster *cluster =
        read_items(MANIFEST("", "2") "," MANIFEST("", "3") "," POD("d-1", "{}"));

    CU_ASSERT_EQUAL(cluster->workloads.count, 2);
    CU_ASSERT_EQUAL(count_replicas(cluster), 5);
    CU_ASSERT_EQUAL(cluster->pod_by_id.count, cluster->pods.count); /* names of their own */
    CU_ASSERT_TRUE(has_warning(cluster, "/items/1 that of /items/0"));
    spotopt_cluster_free(cluster);
    CU_ASSERT_TRUE(is_refused(MANIFEST(",'uid':'1'", "2") "," MANIFEST(",'uid':'2'", "3"),
                              "/items/1: StatefulSet \"d\" stands at /items/0 already"));
    cluster =
        read_items("{'kind':'Namespace','apiVersion':'v1','metadata':{'name':'x','labels':{'a':"
                   "'1'}}},{'kind':'Namespace','apiVersion':'v1','metadata':{'name':'x'}}");
    CU_ASSERT_EQUAL_FATAL(cluster->namespaces.count, 1);
    CU_ASSERT_PTR_NOT_NULL(spotopt__labels_get(&cluster->namespaces.at[0].labels, "a"));
    spotopt_cluster_free(cluster);
}

static void
test_list__names_the_item_of_a_repeated_key(void)
{
    CU_ASSERT_TRUE(
        is_refused(NODE("n", "{}") ",{'kind':'Pod','metadata':{'name':'a','labels':{'x':'1',"
                                   "'x':'2'}},'spec':{'containers':[{'name':'c'}]}}",
                   "/items/1"));
}

static void
test_list__passes_over_what_operators_manage_with_one_warning(void)
{
    spotopt_cluster *cluster = read_items(
        "{'apiVersion':'monitoring.coreos.com/v1','kind':'Prometheus','metadata':{'name':'k8s'}},"
        "{'apiVersion':'monitoring.coreos.com/"
        "v1','kind':'Alertmanager','metadata':{'name':'main'}},"
        "{'apiVersion':'monitoring.coreos.com/v1','kind':'Prometheus','metadata':{'name':'other'}},"
        "{'apiVersion':'batch.volcano.sh/v1alpha1','kind':'Job','metadata':{'name':'v'},'spec':{}},"
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'c'}},"
        "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'i'}},"
        "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'nightly'}}");

    CU_ASSERT_EQUAL(spotopt_cluster_warning_count(cluster), 1);
    CU_ASSERT_TRUE(has_warning(cluster, "passed over: Prometheus, Alertmanager, Job, CronJob;"));
    CU_ASSERT_EQUAL(cluster->workloads.count, 0);
    CU_ASSERT_PTR_NULL(spotopt_cluster_warning_at(cluster, 1));
    spotopt_cluster_free(cluster);
}

static void
test_list__keeps_the_names_it_is_given(void)
{
    spotopt_cluster_params params = SPOTOPT_CLUSTER_PARAMS_INIT;
    const char text[] = "{\"kind\":\"List\",\"items\":[]}";
    spotopt_cluster *cluster = NULL;
    char hex[65];

    params.cluster_id = "prod";
    CU_ASSERT_EQUAL(spotopt_cluster_parse(NULL, text, strlen(text), NULL, &params, &cluster, NULL),
                    SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(cluster->id, "prod");
    CU_ASSERT_STRING_EQUAL(cluster->client_id, "");
    spotopt__sha256_hex(text, strlen(text), hex);
    CU_ASSERT_STRING_EQUAL(cluster->sha256, hex);
    spotopt_cluster_free(cluster);
    CU_ASSERT_EQUAL(spotopt_cluster_parse(NULL, NULL, 0, NULL, NULL, &cluster, NULL),
                    SPOTOPT_E_ARGUMENT);
}

static void
test_list__gives_every_namespace_its_labels(void)
{
    spotopt_cluster *cluster = read_items(
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'z','labels':{'team':'a',"
        "'kubernetes.io/metadata.name':'liar'}}},"
        "{'kind':'Pod','apiVersion':'v1','metadata':{'name':'p','namespace':'m'},'spec':{'"
        "containers':["
        "{'name':'c'}]}}");

    CU_ASSERT_EQUAL_FATAL(cluster->namespaces.count, 2);
    CU_ASSERT_STRING_EQUAL(cluster->namespaces.at[0].name, "m"); /* ascending */
    CU_ASSERT_STRING_EQUAL(cluster->namespaces.at[1].name, "z");
    for (size_t i = 0; i < 2; i++)
        CU_ASSERT_STRING_EQUAL(
            spotopt__labels_get(&cluster->namespaces.at[i].labels, "kubernetes.io/metadata.name"),
            cluster->namespaces.at[i].name);
    CU_ASSERT_STRING_EQUAL(spotopt__labels_get(&cluster->namespaces.at[1].labels, "team"), "a");
    spotopt_cluster_free(cluster);
}

static void
test_list__survives_every_cut_of_a_document(void)
{
    char *whole = wrap_items(POD("a", "{'cpu':'1'}") "," NODE("n", "{'zone':'a'}"));
    char *text = requote(whole);
    const size_t length = strlen(text);

    for (size_t cut = 0; cut < length; cut++) {
        char *part = malloc(cut + 1); /* its own block, so that a read beyond the end shows */
        spotopt_cluster *cluster = NULL;

        memcpy(part, text, cut);
        CU_ASSERT_EQUAL(spotopt_cluster_parse(NULL, part, cut, "cut", NULL, &cluster, NULL),
                        SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(cluster);
        free(part);
    }
    free(text);
    free(whole);
}

/* Everything at once: all kinds, terms, volumes, replicas, warnings. */
static const char rich_owners[] =
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'default','labels':{'team':'a'}}},"
    "{'apiVersion':'scheduling.k8s.io/"
    "v1','kind':'PriorityClass','metadata':{'name':'high'},'value':7,"
    "'globalDefault':true},"
    "{'apiVersion':'node.k8s.io/v1','kind':'RuntimeClass','metadata':{'name':'kata'},'overhead':{"
    "'podFixed':{'cpu':'1'}},'scheduling':{'nodeSelector':{'k':'v'},'tolerations':[{'key':'k','"
    "operator':"
    "'Exists'}]}},"
    "{'apiVersion':'storage.k8s.io/"
    "v1','kind':'StorageClass','metadata':{'name':'gp3','annotations':{"
    "'storageclass.kubernetes.io/is-default-class':'true'}},'allowedTopologies':[{"
    "'matchLabelExpressions':[{'key':'topology.ebs.csi.aws.com/zone','values':['a','b']}]}]},"
    "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'pv1','labels':{"
    "'failure-domain.beta.kubernetes.io/zone':'a__b'}},'spec':{}},"
    "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'pv2'},'spec':{'nodeAffinity':"
    "{"
    "'required':{'nodeSelectorTerms':[{'matchExpressions':[{'key':'topology.ebs.csi.aws.com/zone',"
    "'operator':'In','values':['a']}]}]}}}},"
    "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'c1'},'spec':{'"
    "volumeName':"
    "'pv1','accessModes':['ReadWriteOncePod']}},"
    "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'data-db-1'},'spec':{"
    "'volumeName':'pv2'}},"
    "{'apiVersion':'apps/"
    "v1','kind':'Deployment','metadata':{'name':'web'},'spec':{'replicas':4,'template'"
    ":{'metadata':{'labels':{'app':'web'}},'spec':{'runtimeClassName':'kata','containers':[{'name':"
    "'c',"
    "'ports':[{'hostPort':80}]}]}}}},"
    "{'apiVersion':'apps/v1','kind':'ReplicaSet','metadata':{'name':'web-1','annotations':{"
    "'deployment.kubernetes.io/"
    "revision':'1'},'labels':{'pod-template-hash':'1'},'ownerReferences':[{"
    "'kind':'Deployment','name':'web','controller':true}]},'spec':{'replicas':1}},"
    "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db'},'spec':{'replicas':2,"
    "'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{}}],'template':{'metadata':{'"
    "labels':{"
    "'app':'db'}},'spec':{'containers':[{'name':'c'}]}}}},"
    "{'apiVersion':'apps/"
    "v1','kind':'DaemonSet','metadata':{'name':'ds'},'spec':{'template':{'spec':{"
    "'containers':[{'name':'c'}]}}}},"
    "{'apiVersion':'batch/"
    "v1','kind':'Job','metadata':{'name':'job'},'spec':{'completions':2,'parallelism'"
    ":2,'template':{'spec':{'containers':[{'name':'c'}]}}}},";
static const char rich_pods[] =
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'web-1-a','labels':{'app':'web',"
    "'pod-template-hash':'1'},'ownerReferences':[{'kind':'ReplicaSet','name':'web-1','controller':"
    "true}]},"
    "'spec':{'nodeName':'n','containers':[{'name':'c','resources':{'requests':{'cpu':'1'}}}],"
    "'initContainers':[{'name':'i','restartPolicy':'Always','ports':[{'hostPort':1}]}],'affinity':{"
    "'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{"
    "'matchExpressions':[{'key':'beta.kubernetes.io/"
    "arch','operator':'In','values':['amd64','arm64']}],"
    "'matchFields':[{'key':'metadata.name','operator':'NotIn','values':['m']}]}]},"
    "'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':1,'preference':{'"
    "matchExpressions':[{"
    "'key':'x','operator':'Exists'}]}}]},'podAffinity':{"
    "'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'z','labelSelector':{'"
    "matchLabels':{"
    "'app':'web'}},'matchLabelKeys':['pod-template-hash'],'namespaces':['default','x'],"
    "'namespaceSelector':{'matchLabels':{'team':'a'}}}]},'podAntiAffinity':{"
    "'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':2,'podAffinityTerm':{'"
    "topologyKey':'z',"
    "'labelSelector':{'matchExpressions':[{'key':'app','operator':'NotIn','values':['db']}]},"
    "'mismatchLabelKeys':['app']}}]}},'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'z',"
    "'whenUnsatisfiable':'DoNotSchedule','labelSelector':{'matchLabels':{'app':'web'}},'"
    "matchLabelKeys':["
    "'app']}],'tolerations':[{'operator':'Exists'}],'nodeSelector':{'beta.kubernetes.io/"
    "os':'linux'},"
    "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c1'}},{'name':'w','ephemeral':{"
    "'volumeClaimTemplate':{'spec':{}}}},{'name':'e','emptyDir':{}},{'name':'g','"
    "persistentVolumeClaim':{"
    "'claimName':'gone'}}]},'status':{'phase':'Running','conditions':[{'type':'Ready','status':'"
    "True'}],"
    "'containerStatuses':[{'name':'c','allocatedResources':{'cpu':'2','example.com/x':'1'}}]}},"
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'custom','ownerReferences':[{'kind':'"
    "Rollout',"
    "'name':'r','controller':true}]},'spec':{'nodeName':'lost','priorityClassName':'none','"
    "containers':[{"
    "'name':'c'}]}},"
    "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','labels':{'beta.kubernetes.io/"
    "arch':'amd64',"
    "'eks.amazonaws.com/"
    "capacityType':'SPOT'}},'spec':{'taints':[{'key':'t','effect':'NoSchedule'}]},"
    "'status':{'capacity':{'cpu':'4','memory':'1Gi','example.com/x':'1'}}},"
    "{'apiVersion':'policy/"
    "v1','kind':'PodDisruptionBudget','metadata':{'name':'web','generation':2},"
    "'spec':{'minAvailable':'50%','selector':{'matchLabels':{'app':'web'}}},'status':{"
    "'observedGeneration':1,'disruptedPods':{'web-1-a':'2026-01-01T00:00:00Z'}}},"
    "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w'}}";

static void
test_list__leaks_nothing_whichever_allocation_fails(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    char items[sizeof rich_owners + sizeof rich_pods], *text;
    spotopt_status status;
    size_t n = 0;

    strcpy(items, rich_owners);
    strcat(items, rich_pods);
    text = wrap_items(items);
    do {
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_cluster *cluster = NULL;
        spotopt_context *context;

        fail_after(&allocator, n++);
        context = fail_alloc_context(&allocator);
        status = SPOTOPT_E_NOMEM;
        if (context != NULL)
            status = try_document(context, text, &cluster, &err);
        if (status != SPOTOPT_OK && status != SPOTOPT_E_NOMEM)
            fprintf(stderr, "\n  %zu: %s\n", n, err.message);
        CU_ASSERT_TRUE_FATAL(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
        CU_ASSERT_EQUAL(cluster == NULL, status != SPOTOPT_OK);
        spotopt_cluster_free(cluster);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 100000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT_TRUE(n > 50);
    free(text);
}

/* How often word stands in text. */
static size_t
count_word(const char *text, const char *word)
{
    size_t count = 0;

    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        count++;
    return count;
}

/* What stands behind "replicas": of each object that owns pods, 1 where nothing does. No reader is
 * asked. */
static size_t
sum_replicas(const char *text)
{
    static const char *const owners[] = {"\"kind\":\"Deployment\"", "\"kind\":\"StatefulSet\""};
    size_t sum = 0;

    for (size_t i = 0; i < 2; i++) {
        for (const char *at = text; (at = strstr(at, owners[i])) != NULL; at++) {
            const char *replicas = strstr(at, "\"replicas\":"),
                       *next = strstr(at, "\"apiVersion\":");
            const bool is_own = replicas != NULL && (next == NULL || replicas < next);

            sum += is_own ? (size_t)atoi(replicas + 11) : 1;
        }
    }
    return sum;
}

/* A copy without blanks, zero-ended. */
static char *
squeeze(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        if (strchr(" \n\t\r", text[i]) == NULL)
            copy[used++] = text[i];
    }
    copy[used] = '\0';
    return copy;
}

static void
test_list__counts_real_manifests_as_a_plain_search_does(void)
{
    static const char *const files[] = {"argo-cd-ha", "bank-of-anthos", "kops-many-addons",
                                        "kube-prometheus", "online-boutique"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_cluster *cluster = NULL;
        size_t length, owners;
        char *text, *plain;

        snprintf(path, sizeof path, "workloads/k8s/%s.json", files[i]);
        text = data_read(path, &length);
        if (text == NULL)
            continue;
        plain = squeeze(text, length);
        CU_ASSERT_EQUAL_FATAL(spotopt_cluster_parse(NULL, text, length, path, NULL, &cluster, &err),
                              SPOTOPT_OK);
        owners = count_word(plain, "\"kind\":\"Deployment\"") +
                 count_word(plain, "\"kind\":\"StatefulSet\"") +
                 count_word(plain, "\"kind\":\"DaemonSet\"");
        CU_ASSERT_EQUAL(cluster->workloads.count, owners);
        CU_ASSERT_EQUAL(cluster->pdbs.count, count_word(plain, "\"kind\":\"PodDisruptionBudget\""));
        CU_ASSERT_EQUAL(cluster->nodes.count, 0);
        CU_ASSERT_EQUAL(cluster->pods.count, sum_replicas(plain));
        CU_ASSERT_EQUAL(count_replicas(cluster), cluster->pods.count);
        CU_ASSERT_EQUAL(spotopt_cluster_warning_count(cluster),
                        strstr(plain, "monitoring.coreos.com") != NULL);
        spotopt_cluster_free(cluster);
        free(plain);
        free(text);
    }
}

static const spotopt__workload *
find_owner(const spotopt_cluster *cluster, const char *kind, const char *name)
{
    for (size_t i = 0; i < cluster->workloads.count; i++) {
        const spotopt__workload *workload = &cluster->workloads.at[i];

        if (strcmp(workload->kind_name, kind) == 0 && strcmp(workload->name, name) == 0)
            return workload;
    }
    return NULL;
}

/* One row of the table against the cluster of its manifests. */
static void
compare_row(const spotopt__csv *csv, const spotopt_cluster *cluster)
{
#define FIELD(name) spotopt__csv_text(csv, spotopt__csv_column(csv, name))
    const spotopt__workload *workload = find_owner(cluster, FIELD("kind"), FIELD("name"));
    const spotopt__shape *shape;
    double spare;

    if (strcmp(FIELD("kind"), "Alertmanager") == 0 || strcmp(FIELD("kind"), "Prometheus") == 0) {
        CU_ASSERT_PTR_NULL(workload);
        return;
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(workload);
    if (*FIELD("replicas") != '\0')
        CU_ASSERT_EQUAL(workload->wanted, (uint32_t)atoi(FIELD("replicas")));
    CU_ASSERT_EQUAL(workload->has_scale, *FIELD("replicas") != '\0');
    shape = &cluster->shapes.at[workload->shape];
    /* the table adds up containers alone; an init container may need more */
    CU_ASSERT_TRUE(shape->request.of[SPOTOPT__CPU] >= atoi(FIELD("cpu_request_milli")));
    spare =
        (double)shape->request.of[SPOTOPT__MEMORY] / 1048576.0 - atof(FIELD("memory_request_mib"));
    CU_ASSERT_TRUE(spare > -1.0 && spare < 1.0);
    CU_ASSERT_EQUAL(shape->group_count, (uint32_t)atoi(FIELD("has_node_affinity")));
    CU_ASSERT_EQUAL(shape->spread_count, (uint32_t)atoi(FIELD("topology_spread")));
    CU_ASSERT_EQUAL(shape->node_selector.count, (uint32_t)atoi(FIELD("node_selector")));
    CU_ASSERT_EQUAL(shape->anti_affinity_count + shape->preferred_anti_affinity_count > 0,
                    atoi(FIELD("has_pod_anti_affinity")) > 0);
    if (*FIELD("termination_grace_s") != '\0')
        CU_ASSERT_EQUAL(shape->grace_s, (double)atoi(FIELD("termination_grace_s")));
    CU_ASSERT_EQUAL(shape->priority > 0, *FIELD("priority_class") != '\0');
#undef FIELD
}

/* Somebody else flattened the same manifests. */
static void
test_list__agrees_with_the_table_of_real_workloads(void)
{
    spotopt_cluster *cluster = NULL;
    char app[64] = "";
    spotopt__csv csv = {0};
    size_t length, rows = 0;
    char *table = data_read("workloads/k8s_workloads.csv", &length);
    bool has = false;

    if (table == NULL)
        return;
    CU_ASSERT_EQUAL_FATAL(spotopt__csv_open(&csv, NULL, table, length, "table", NULL), SPOTOPT_OK);
    while (spotopt__csv_next(&csv, &has, NULL) == SPOTOPT_OK && has) {
        const char *its_app = spotopt__csv_text(&csv, spotopt__csv_column(&csv, "app"));

        if (strcmp(its_app, app) != 0) {
            char path[128];
            size_t size = 0;
            char *text;

            snprintf(app, sizeof app, "%s", its_app);
            snprintf(path, sizeof path, "workloads/k8s/%s.json", app);
            text = data_read(path, &size);
            CU_ASSERT_PTR_NOT_NULL_FATAL(text);
            spotopt_cluster_free(cluster);
            cluster = NULL;
            CU_ASSERT_EQUAL_FATAL(
                spotopt_cluster_parse(NULL, text, size, path, NULL, &cluster, NULL), SPOTOPT_OK);
            free(text);
        }
        compare_row(&csv, cluster);
        rows++;
    }
    CU_ASSERT_TRUE(rows > 0);
    spotopt_cluster_free(cluster);
    spotopt__csv_close(&csv);
    free(table);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_list__takes_items_of_any_kind_in_any_order),
        TEST(test_list__may_be_of_one_kind_or_a_single_object),
        TEST(test_list__refuses_what_is_none),
        TEST(test_list__names_both_places_of_an_object_that_stands_twice),
        TEST(test_list__counts_manifests_of_one_name_side_by_side),
        TEST(test_list__names_the_item_of_a_repeated_key),
        TEST(test_list__passes_over_what_operators_manage_with_one_warning),
        TEST(test_list__keeps_the_names_it_is_given),
        TEST(test_list__gives_every_namespace_its_labels),
        TEST(test_list__survives_every_cut_of_a_document),
        TEST(test_list__leaks_nothing_whichever_allocation_fails),
        TEST(test_list__counts_real_manifests_as_a_plain_search_does),
        TEST(test_list__agrees_with_the_table_of_real_workloads),
    };

    return suite_run("kubernetes list", tests, sizeof tests / sizeof *tests);
}
