/* SPDX-License-Identifier: Apache-2.0 */
/* An API server of our own making: kubeconfigs, lists in pages, what is kept of an object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "spotopt/cluster.h"
#include "spotopt/kube.h"
#include "suite.h"

#define HEAD "current-context: shop\ncontexts: [{name: shop, context: {cluster: c, user: u}}]\n"
#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://k:6443/'}}]\n"
#define PEM64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
#define PEM "-----BEGIN CERTIFICATE-----\n"

static spotopt_error err = SPOTOPT_ERROR_INIT;

/* The server, and what it saw. */
static struct {
    int tokens, denied, gone, runs, reads; /* pages still to be refused with 401, 410; calls */
    int pods;                              /* that there are */
    const char *wanted_token, *broken; /* NULL: any; a path that answers with `body` and `code` */
    const char *body;
    int32_t code;
    bool is_old; /* knows no policy/v1 */
    char said_token[64], said_ca[64], said_client[64], said_key[64], path[256];
} api;

static char page[1 << 16];

/* A page of pods from the number behind "continue=p". */
static void
write_pods(const char *url, spotopt_net_answer *answer)
{
    const char *limit = strstr(url, "limit="), *token = strstr(url, "continue=p%2B");
    const int first = token != NULL ? atoi(token + 13) : 0;
    const int most = limit != NULL ? atoi(limit + 6) : api.pods;
    const int last = first + most < api.pods ? first + most : api.pods;
    size_t used = (size_t)snprintf(page, sizeof page, "{\"kind\":\"PodList\",\"items\":[");

    for (int i = first; i < last; i++)
        used += (size_t)snprintf(
            page + used, sizeof page - used,
            "%s{\"metadata\":{\"name\":\"p%d\",\"namespace\":\"shop\",\"managedFields\":[{\"a\":1}]"
            "},"
            "\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\",\"image\":\"x\","
            "\"resources\":{\"requests\":{\"cpu\":\"10m\"}}}]},\"status\":{\"phase\":\"Running\"}}",
            i > first ? "," : "", i);
    (void)snprintf(
        page + used, sizeof page - used,
        last < api.pods ? "],\"metadata\":{\"continue\":\"p+%d\"}}" : "],\"metadata\":{}}", last);
    answer->body = page;
}

static spotopt_status
serve(void *user, const spotopt_net_request *request, spotopt_net_answer *answer, spotopt_error *e)
{
    const char *path = strchr(request->url + 8, '/');

    (void)user, (void)e;
    (void)snprintf(api.path, sizeof api.path, "%s", path);
    (void)snprintf(api.said_token, sizeof api.said_token, "%s",
                   request->bearer != NULL ? request->bearer : "");
    (void)snprintf(api.said_ca, sizeof api.said_ca, "%s",
                   request->ca_pem != NULL ? request->ca_pem : "");
    (void)snprintf(api.said_client, sizeof api.said_client, "%s",
                   request->client_pem != NULL ? request->client_pem : "");
    (void)snprintf(api.said_key, sizeof api.said_key, "%s",
                   request->client_key_pem != NULL ? request->client_key_pem : "");
    answer->code = 200;
    answer->body = (char *)(uintptr_t) "{\"metadata\":{},\"items\":[]}";
    if (api.wanted_token != NULL && strcmp(api.said_token, api.wanted_token) != 0) {
        api.denied++;
        answer->code = 401;
        answer->body = (char *)(uintptr_t) "{\"message\":\"Unauthorized\"}";
    } else if (api.broken != NULL && strncmp(path, api.broken, strlen(api.broken)) == 0) {
        answer->code = api.code;
        answer->body = (char *)(uintptr_t)api.body;
    } else if (strstr(path, "continue=") != NULL && api.gone > 0) {
        api.gone--;
        answer->code = 410;
    } else if (strncmp(path, "/api/v1/pods", 12) == 0) {
        write_pods(path, answer);
    } else if (strcmp(path, "/api/v1/nodes?limit=3") == 0) {
        answer->body = (char *)(uintptr_t) "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":"
                                           "\"n1\"},\"status\":{\"allocatable\":{\"cpu\":\"4\","
                                           "\"memory\":\"8Gi\",\"pods\":\"110\"}}}]}";
    } else if (api.is_old && strncmp(path, "/apis/policy/v1/", 16) == 0) {
        answer->code = 404;
    }
    answer->length = strlen(answer->body);
    return SPOTOPT_OK;
}

static spotopt_status
read_file(void *user, const char *path, const char **out_text, size_t *out_length, spotopt_error *e)
{
    static char token[32];

    (void)user;
    api.reads++;
    *out_text = token;
    if (strcmp(path, "/etc/kube/ca.crt") == 0)
        (void)snprintf(token, sizeof token, PEM);
    else if (strcmp(path, "/run/token") == 0)
        (void)snprintf(token, sizeof token, "t%d\n", ++api.tokens);
    else {
        (void)snprintf(e->message, sizeof e->message, "%s: there is none", path);
        return e->status = SPOTOPT_E_INPUT;
    }
    *out_length = strlen(token);
    return SPOTOPT_OK;
}

static spotopt_status
run_plugin(void *user, const char *const *argv, const char *const *env, const char **out_text,
           size_t *out_length, spotopt_error *e)
{
    static char said[200];

    (void)user, (void)e;
    CU_ASSERT_STRING_EQUAL(argv[0], "get-token");
    CU_ASSERT_STRING_EQUAL(argv[1], "--now");
    CU_ASSERT_PTR_NULL(argv[2]);
    CU_ASSERT_STRING_EQUAL(env[0], "PROFILE=dev");
    CU_ASSERT_STRING_EQUAL(
        env[1], "KUBERNETES_EXEC_INFO={\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
                "\"ExecCredential\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":"
                "\"https://k:6443/\",\"certificate-authority-data\":\"" PEM64 "\"}}}");
    CU_ASSERT_PTR_NULL(env[2]);
    (void)snprintf(said, sizeof said, "{\"status\":{\"token\":\"x%d\"}}", ++api.runs);
    *out_text = said;
    *out_length = strlen(said);
    return SPOTOPT_OK;
}

static void
fresh(void)
{
    memset(&api, 0, sizeof api);
    api.pods = 7;
}

static spotopt_status
ask(spotopt_context *context, const char *config, const char *name, char **out)
{
    spotopt_kube_params params = SPOTOPT_KUBE_PARAMS_INIT;
    spotopt_net_params net_params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_kube *kube = NULL;
    spotopt_net *net = NULL;
    spotopt_status status;

    *out = NULL;
    net_params.transport = serve;
    params.config = config;
    params.config_length = strlen(config);
    params.config_name = "/etc/kube/config";
    params.context_name = name;
    params.read = read_file;
    params.exec = run_plugin;
    params.page_items = 3;
    status = spotopt_net_new(context, &net_params, &net, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_kube_open(net, &params, &kube, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_kube_list(kube, out, NULL, &err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, *out != NULL);
    spotopt_kube_free(kube);
    spotopt_net_free(net);
    return status;
}

static int
count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

/* Every pod once, one node, and what the cluster's own reader takes. */
static void
check_list(const char *text)
{
    spotopt_cluster *cluster = NULL;
    char name[32];

    for (int i = 0; i < api.pods; i++) {
        (void)snprintf(name, sizeof name, "\"name\":\"p%d\"", i);
        CU_ASSERT_EQUAL(count(text, name), 1);
    }
    CU_ASSERT_EQUAL(count(text, "\"kind\":\"Pod\""), api.pods);
    CU_ASSERT_EQUAL(count(text, "\"kind\":\"Node\""), 1);
    CU_ASSERT_PTR_NULL(strstr(text, "managedFields"));
    CU_ASSERT_PTR_NULL(strstr(text, "\"image\""));
    CU_ASSERT_EQUAL(spotopt_cluster_parse(NULL, text, strlen(text), "list", NULL, &cluster, &err),
                    SPOTOPT_OK);
    spotopt_cluster_free(cluster);
}

static void
test_lists_in_pages__have_each_object_once(void)
{
    char *text;

    for (int gone = 0; gone <= 5; gone++) {
        for (int pods = 0; pods <= 10; pods++) {
            fresh();
            api.gone = gone; /* after three the list comes whole */
            api.pods = pods;
            CU_ASSERT_EQUAL_FATAL(
                ask(NULL, HEAD CLUSTER "users: [{name: u, user: {}}]", NULL, &text), SPOTOPT_OK);
            check_list(text);
            spotopt_text_free(NULL, text);
        }
    }
}

static void
test_budgets_of_old_servers__are_v1beta1(void)
{
    char *text;

    fresh();
    CU_ASSERT_EQUAL_FATAL(ask(NULL, HEAD CLUSTER "users: [{name: u, user: {}}]", "shop", &text),
                          SPOTOPT_OK);
    spotopt_text_free(NULL, text);
    api.is_old = true;
    api.broken = "/apis/policy/v1beta1/";
    api.code = 200;
    api.body = "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"b\",\"namespace\":\"shop\"},"
               "\"spec\":{\"minAvailable\":1,\"selector\":{}}}]}";
    CU_ASSERT_EQUAL_FATAL(ask(NULL, HEAD CLUSTER "users: [{name: u, user: {}}]", "shop", &text),
                          SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "{\"apiVersion\":\"policy/v1beta1\",\"kind\":"
                                        "\"PodDisruptionBudget\",\"metadata\""));
    check_list(text);
    spotopt_text_free(NULL, text);
}

static void
test_what_no_decision_looks_at__is_left_out(void)
{
    char *text;

    fresh();
    api.pods = 0;
    api.broken = "/api/v1/pods";
    api.code = 200;
    api.body =
        "{\"metadata\":{},\"items\":[ {\"kind\":\"Pod\",\"apiVersion\":\"v9\", \"metadata\":{"
        "\"name\":\"a\",\"managedFields\":[],\"resourceVersion\":\"7\",\"annotations\":{\"k\":"
        "\"v\","
        "\"kubectl.kubernetes.io/last-applied-configuration\":\"{}\"}},\"spec\":{\"containers\":[{"
        "\"name\":\"c\",\"env\":[{\"name\":\"containers\"}],\"ports\":[{\"containerPort\":1}]},{}],"
        "\"ephemeralContainers\":[{}],\"volumes\":[{\"name\":\"v\",\"secret\":{}}],\"affinity\":{"
        "\"env\":1}},\"status\":{\"podIP\":\"1\",\"phase\":\"Running\",\"containerStatuses\":[{"
        "\"name\":\"c\",\"image\":\"i\"}],\"conditions\":[{\"type\":\"Ready\",\"lastProbeTime\":"
        "null}]}}]}";
    CU_ASSERT_EQUAL_FATAL(ask(NULL, HEAD CLUSTER "users: [{name: u, user: {}}]", NULL, &text),
                          SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"annotations\":{"
        "\"k\":\"v\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"ports\":[{\"containerPort\":1}]}"
        ","
        "{}],\"volumes\":[{\"name\":\"v\"}],\"affinity\":{\"env\":1}},\"status\":{\"phase\":"
        "\"Running\",\"containerStatuses\":[{\"name\":\"c\"}],\"conditions\":[{\"type\":\"Ready\"}]"
        "}},\n"));
    spotopt_text_free(NULL, text);
}

static void
test_who_we_are__is_told_as_the_config_says(void)
{
    char *text;

    fresh();
    CU_ASSERT_EQUAL_FATAL(
        ask(NULL,
            HEAD "clusters: [{name: c, cluster: {server: 'https://k', certificate-authority: "
                 "ca.crt}}]\nusers: [{name: u, user: {client-certificate-data: " PEM64
                 ", client-key-data: " PEM64 ", token: tt}}]",
            NULL, &text),
        SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(api.said_ca, PEM);
    CU_ASSERT_STRING_EQUAL(api.said_client, PEM);
    CU_ASSERT_STRING_EQUAL(api.said_key, PEM);
    CU_ASSERT_STRING_EQUAL(api.said_token, "tt");
    CU_ASSERT_EQUAL(api.reads, 1);
    spotopt_text_free(NULL, text);
}

static void
test_a_token_that_is_stale__is_fetched_anew_once(void)
{
    static const char *const users[] = {
        "users: [{name: u, user: {tokenFile: /run/token}}]",
        "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: "
        "get-token, args: [--now], env: [{name: PROFILE, value: dev}], provideClusterInfo: true, "
        "interactiveMode: Never}}}]"};
    char config[600], *text;

    for (int i = 0; i < 2; i++) {
        (void)snprintf(config, sizeof config,
                       HEAD "clusters: [{name: c, cluster: {server: 'https://k:6443/', "
                            "certificate-authority-data: " PEM64 "}}]\n%s",
                       users[i]);
        fresh();
        api.wanted_token = i == 0 ? "t2" : "x2";
        CU_ASSERT_EQUAL_FATAL(ask(NULL, config, NULL, &text), SPOTOPT_OK);
        check_list(text);
        CU_ASSERT_EQUAL(api.denied, 1);
        spotopt_text_free(NULL, text);
        fresh();
        api.wanted_token = "never";
        CU_ASSERT_EQUAL(ask(NULL, config, NULL, &text), SPOTOPT_E_PEER);
        CU_ASSERT_EQUAL(api.denied, 2);
        CU_ASSERT_PTR_NOT_NULL(strstr(
            err.message, "Kubernetes (shop): list pods: status 401: Unauthorized; check the user"));
        CU_ASSERT_PTR_NULL(strstr(err.message, i == 0 ? "t2" : "x2"));
    }
}

static void
test_a_bad_config__is_refused_with_its_place(void)
{
    static const struct {
        const char *config, *name, *message;
    } bad[] = {
        {"", NULL, "want a kubeconfig"},
        {"[1]", NULL, "want a kubeconfig"},
        {"a: [", NULL, "/etc/kube/config:2:1: want YAML"},
        {"a: &x [*x, *y]", NULL, "want YAML"},
        {"contexts: []", NULL, "no current-context"},
        {HEAD, "nix", "context \"nix\" is not in its contexts; want one of: shop"},
        {HEAD, NULL,
         "cluster \"c\" of its context is not in its clusters; want one of: (it has none)"},
        {HEAD CLUSTER, NULL, "user \"u\" of its context is not in its users"},
        {"current-context: a\ncontexts: {a: b}", NULL, "/etc/kube/config:2: contexts: want a list"},
        {"current-context: a\ncontexts: [{name: a, context: {user: u}}]", NULL,
         "context \"a\": cluster: want the name"},
        {HEAD "clusters: [{name: c, cluster: {}}]", NULL, "server: want a URL"},
        {HEAD "clusters: [{name: c, cluster: {server: k}}]", NULL, "server: want a URL"},
        {HEAD "clusters: [{name: c, cluster: {server: [k]}}]", NULL, "server: want a text"},
        {HEAD
         "clusters: [{name: c, cluster: {server: 'https://k', insecure-skip-tls-verify: true}}]",
         NULL, "insecure-skip-tls-verify: is not done"},
        {HEAD "clusters: [{name: c, cluster: {server: 'https://k', tls-server-name: x}}]", NULL,
         "tls-server-name: is not supported"},
        {HEAD "clusters: [{name: c, cluster: {server: 'https://k', proxy-url: x}}]", NULL,
         "proxy-url: is not supported"},
        {HEAD "clusters: [{name: c, cluster: {server: 'https://k', certificate-authority: no.crt}}]"
              "\nusers: [{name: u, user: {}}]",
         NULL, "/etc/kube/no.crt: there is none"},
        {HEAD "clusters: [{name: c, cluster: {server: 'https://k', certificate-authority: "
              "/run/token}}]\nusers: [{name: u, user: {}}]",
         NULL, "/run/token: want PEM"},
        {HEAD "clusters: [{name: c, cluster: {server: 'https://k', certificate-authority-data: "
              "'!'}}]",
         NULL, "certificate-authority-data: want base64"},
        {HEAD "clusters: [{name: c, cluster: {server: 'https://k', certificate-authority-data: "
              "abcd}}]",
         NULL, "want base64 of PEM"},
        {HEAD CLUSTER "users: [{name: u, user: {username: a}}]", NULL,
         "username: is not supported"},
        {HEAD CLUSTER "users: [{name: u, user: {auth-provider: {name: gcp}}}]", NULL, "want exec"},
        {HEAD CLUSTER "users: [{name: u, user: {as: root}}]", NULL, "as: is not supported"},
        {HEAD CLUSTER "users: [{name: u, user: {token: 'a b'}}]", NULL, "token: want one word"},
        {HEAD CLUSTER "users: [{name: u, user: {client-key-data: " PEM64 "}}]", NULL,
         "want client-certificate and client-key together"},
        {HEAD CLUSTER "users: [{name: u, user: {exec: {command: x}}}]", NULL,
         "apiVersion: want client.authentication.k8s.io/v1"},
        {HEAD CLUSTER "users: [{name: u, user: {exec: {apiVersion: "
                      "client.authentication.k8s.io/v1}}}]",
         NULL, "command: want a credential plugin"},
        {HEAD CLUSTER "users: [{name: u, user: {exec: {apiVersion: "
                      "client.authentication.k8s.io/v1, command: x, args: y}}}]",
         NULL, "args: want a list"},
        {HEAD CLUSTER "users: [{name: u, user: {exec: {apiVersion: "
                      "client.authentication.k8s.io/v1, command: x, env: [{value: y}]}}}]",
         NULL, "name: want a variable's name"},
    };
    char *text;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fresh();
        CU_ASSERT_EQUAL(ask(NULL, bad[i].config, bad[i].name, &text), SPOTOPT_E_INPUT);
        if (strstr(err.message, bad[i].message) == NULL)
            printf("\n    %zu: %s\n", i, err.message);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, bad[i].message));
    }
}

static void
test_a_server_that_misbehaves__is_named(void)
{
    static const struct {
        const char *path;
        int32_t code;
        const char *body;
        spotopt_status status;
        const char *message;
    } bad[] = {
        {"/api/v1/nodes", 403, "{\"message\":\"nodes is forbidden\"}", SPOTOPT_E_PEER,
         "list nodes: status 403: nodes is forbidden; grant this user"},
        {"/api/v1/pods", 404, "{}", SPOTOPT_E_PEER, "it has no such list"},
        {"/api/v1/pods", 400, "<html>", SPOTOPT_E_PEER, "status 400; ask again later"},
        {"/apis/apps/v1/jobs", 500, "", SPOTOPT_OK, NULL},
        {"/apis/batch/v1/jobs", 410, "{}", SPOTOPT_E_PEER, "list jobs: status 410"},
        {"/api/v1/pods", 200, "<html>", SPOTOPT_E_INPUT, "Kubernetes (shop): list pods:1:1"},
        {"/api/v1/pods", 200, "[]", SPOTOPT_E_INPUT, "want a list"},
        {"/api/v1/pods", 200, "{\"items\":[]}", SPOTOPT_E_INPUT, "want a list"},
        {"/api/v1/pods", 200, "{\"items\":{},\"metadata\":{}}", SPOTOPT_E_INPUT, "want an array"},
        {"/api/v1/pods", 200, "{\"items\":[1],\"metadata\":{}}", SPOTOPT_E_INPUT, "want objects"},
        {"/api/v1/pods", 200, "{\"items\":[],\"metadata\":{\"continue\":\"p\"}}", SPOTOPT_E_INPUT,
         "want a page other than this one"},
    };
    char *text;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fresh();
        api.broken = bad[i].path;
        api.code = bad[i].code;
        api.body = bad[i].body;
        CU_ASSERT_EQUAL(ask(NULL, HEAD CLUSTER "users: [{name: u, user: {}}]", NULL, &text),
                        bad[i].status);
        if (bad[i].message != NULL && strstr(err.message, bad[i].message) == NULL)
            printf("\n    %zu: %s\n", i, err.message);
        CU_ASSERT(bad[i].message == NULL || strstr(err.message, bad[i].message) != NULL);
        spotopt_text_free(NULL, text);
    }
}

static void
test_a_plugin__is_run_only_where_the_host_runs_it(void)
{
    static const char config[] =
        HEAD CLUSTER "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
                     "command: get-token}}}]";
    spotopt_kube_params params = SPOTOPT_KUBE_PARAMS_INIT;
    spotopt_kube *kube = NULL;
    spotopt_net *net = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_net_new(NULL, NULL, &net, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_kube_open(net, &params, &kube, &err), SPOTOPT_E_ARGUMENT);
    params.config = config;
    params.config_length = sizeof config - 1;
    CU_ASSERT_EQUAL(spotopt_kube_open(net, &params, &kube, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "kubeconfig: context shop: its user needs the plugin"
                                               " get-token"));
    params.page_items = 100001;
    CU_ASSERT_EQUAL(spotopt_kube_open(net, &params, &kube, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(kube);
    spotopt_net_free(net);
}

static void
test_each_allocation_that_fails__is_reported_and_leaks_nothing(void)
{
    static const char *const users[] = {
        "users: [{name: u, user: {tokenFile: /run/token}}]",
        "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: "
        "get-token, args: [--now], env: [{name: PROFILE, value: dev}], provideClusterInfo: "
        "true}}}]"};
    fail_alloc allocator = FAIL_ALLOC_INIT;

    for (int i = 0; i < 2; i++) {
        char config[600];
        spotopt_status status;
        size_t n = 0;

        (void)snprintf(config, sizeof config,
                       HEAD "clusters: [{name: c, cluster: {server: 'https://k:6443/', "
                            "certificate-authority-data: " PEM64 "}}]\n%s",
                       users[i]);
        do {
            spotopt_context *context;
            char *text = NULL;

            fresh();
            api.gone = 1;
            status = SPOTOPT_E_NOMEM;
            fail_after(&allocator, n++);
            context = fail_alloc_context(&allocator);
            if (context != NULL)
                status = ask(context, config, NULL, &text);
            spotopt_text_free(context, text);
            spotopt_context_free(context);
            CU_ASSERT_EQUAL(allocator.live, 0);
        } while (status == SPOTOPT_E_NOMEM && n < 2000);
        CU_ASSERT_EQUAL(status, SPOTOPT_OK);
        CU_ASSERT(n > 20);
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_lists_in_pages__have_each_object_once),
        TEST(test_budgets_of_old_servers__are_v1beta1),
        TEST(test_what_no_decision_looks_at__is_left_out),
        TEST(test_who_we_are__is_told_as_the_config_says),
        TEST(test_a_token_that_is_stale__is_fetched_anew_once),
        TEST(test_a_bad_config__is_refused_with_its_place),
        TEST(test_a_server_that_misbehaves__is_named),
        TEST(test_a_plugin__is_run_only_where_the_host_runs_it),
        TEST(test_each_allocation_that_fails__is_reported_and_leaks_nothing),
    };

    return suite_run("kube", tests, sizeof tests / sizeof *tests);
}
