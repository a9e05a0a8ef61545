/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics out of Prometheus: a real one, whose history with_prometheus.sh made, and answers that no
 * sound server would give.
 */
#include <stdio.h>
#include <string.h>

#include "fail_alloc.h"
#include "spotopt/history.h"
#include "spotopt/prometheus.h"
#include "suite.h"

#define TEN_PAST 1767226200.0 /* 2026-01-01T00:10:00Z */

static const char *url; /* NULL: no server */
static spotopt_error err = SPOTOPT_ERROR_INIT;

/* What the recorded server says, and what it was asked. */
static struct {
    const char *body;
    char asked[512];
    int32_t code;
} said;

static spotopt_status
recorded(void *user, const spotopt_net_request *request, spotopt_net_answer *answer,
         spotopt_error *e)
{
    (void)user, (void)e;
    CU_ASSERT_STRING_EQUAL(request->url, "http://prometheus:9090/api/v1/query");
    (void)snprintf(said.asked, sizeof said.asked, "%s", request->body);
    answer->code = said.code;
    answer->body = (char *)(uintptr_t)said.body;
    answer->length = strlen(said.body);
    return SPOTOPT_OK;
}

static spotopt_net *
client(spotopt_context *context, spotopt_net_transport_fn transport)
{
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net *net = NULL;

    params.transport = transport;
    params.proxy = "";
    if (spotopt_net_new(context, &params, &net, &err) != SPOTOPT_OK)
        return NULL;
    return net;
}

static spotopt_prometheus_query
measure(const char *of, const char *what, const char *promql, const char *label)
{
    spotopt_prometheus_query query = SPOTOPT_PROMETHEUS_QUERY_INIT;

    query.of = of;
    query.measure = what;
    query.promql = promql;
    query.label = label;
    return query;
}

/* One latency query, answered by body. The status, with the text where it is OK. */
static spotopt_status
answered(int32_t code, const char *body, char out[512])
{
    const spotopt_prometheus_query query = measure("pools", "latency_ms", "x", "pool");
    spotopt_net_request server = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net *net = client(NULL, recorded);
    char *text = NULL;
    spotopt_status status;

    said.code = code;
    said.body = body;
    server.url = "http://prometheus:9090/";
    status = spotopt_prometheus_pull(net, &server, &query, 1, 1.5, &text, NULL, &err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
    if (text != NULL && out != NULL)
        (void)snprintf(out, 512, "%s", text);
    spotopt_text_free(NULL, text);
    spotopt_net_free(net);
    return status;
}

static void
test_a_real_server__answers_for_pools_and_nodes(void)
{
    spotopt_prometheus_query queries[] = {
        measure("pools", "latency_ms", "avg by (pool) (latency_seconds)", "pool"),
        measure("nodes", "throughput_rps", "sum by (node) (rate(requests_total[5m]))", "node"),
        measure("pools", "error_frac", "0 * max by (pool) (latency_seconds)", "pool"),
    };
    spotopt_net_request server = SPOTOPT_NET_REQUEST_INIT;
    spotopt_metrics *metrics = NULL;
    spotopt_net *net;
    size_t length = 0;
    char *text = NULL;

    if (url == NULL) {
        printf("skipped: no server ");
        return;
    }
    net = client(NULL, NULL);
    server.url = url;
    server.peer = "Prometheus";
    queries[0].scale = 1000;
    CU_ASSERT_EQUAL_FATAL(
        spotopt_prometheus_pull(net, &server, queries, 3, TEN_PAST, &text, &length, &err),
        SPOTOPT_OK);
    CU_ASSERT_EQUAL(length, strlen(text));
    CU_ASSERT_STRING_EQUAL(text,
                           "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Metrics\",\"pools\":{"
                           "\"c5.large/z-b/on-demand\":{\"latency_ms\":50,\"error_frac\":0},"
                           "\"m5.large/z-a/spot\":{\"latency_ms\":100,\"error_frac\":0}},"
                           "\"nodes\":{\"node-1\":{\"throughput_rps\":10}},\"instances\":{}}");
    CU_ASSERT_EQUAL(spotopt_metrics_parse(NULL, text, length, "pulled", &metrics, &err),
                    SPOTOPT_OK);
    spotopt_metrics_free(metrics);
    spotopt_text_free(NULL, text);

    queries[0].promql = "avg by (pool (latency_seconds)";
    CU_ASSERT_EQUAL(spotopt_prometheus_pull(net, &server, queries, 1, TEN_PAST, &text, NULL, &err),
                    SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "queries[0]: refused: "));
    queries[0].promql = "latency_seconds"; /* two pods on one pool */
    CU_ASSERT_EQUAL(spotopt_prometheus_pull(net, &server, queries, 1, TEN_PAST, &text, NULL, &err),
                    SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "by (pool)"));
    queries[0].promql = "1";
    CU_ASSERT_EQUAL(spotopt_prometheus_pull(net, &server, queries, 1, TEN_PAST, &text, NULL, &err),
                    SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "want a query that answers one number"));
    spotopt_net_free(net);
}

#define VECTOR(series)                                                                             \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" series "]}}"
#define EMPTY "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Metrics\",\"pools\":{"
#define REST "},\"nodes\":{},\"instances\":{}}"

static void
test_what_is_no_number_or_has_no_name__is_left_out(void)
{
    char text[512];

    CU_ASSERT_EQUAL(
        answered(200,
                 VECTOR("{\"metric\":{\"pool\":\"a\"},\"value\":[1,\"NaN\"]},"
                        "{\"metric\":{\"pool\":\"b\"},\"value\":[1,\"+Inf\"]},"
                        "{\"metric\":{\"other\":\"c\"},\"value\":[1,\"3\"]},"
                        "{\"metric\":{\"pool\":\"d \\\"q\\\"\"},\"value\":[1,\"2.5e-1\"]}"),
                 text),
        SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(text, EMPTY "\"d \\\"q\\\"\":{\"latency_ms\":0.25}" REST);
    CU_ASSERT_STRING_EQUAL(said.asked, "query=x&time=1.5");
    CU_ASSERT_EQUAL(answered(200, VECTOR(""), text), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(text, EMPTY REST);
}

static void
test_a_query__is_escaped_and_fractions_are_kept_in_range(void)
{
    const spotopt_prometheus_query query =
        measure("nodes", "cpu_free_frac", "1 - a{b=~\"x|y\"} + 2%3", "node");
    spotopt_net_request server = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net *net = client(NULL, recorded);
    char *text = NULL;

    said.code = 200;
    said.body = VECTOR("{\"metric\":{\"node\":\"n\"},\"value\":[1,\"1.0000001\"]},"
                       "{\"metric\":{\"node\":\"m\"},\"value\":[1,\"-0.01\"]}");
    server.url = "http://prometheus:9090";
    CU_ASSERT_EQUAL_FATAL(spotopt_prometheus_pull(net, &server, &query, 1, 0, &text, NULL, &err),
                          SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(said.asked,
                           "query=1%20-%20a%7Bb%3D~%22x%7Cy%22%7D%20%2B%202%253&time=0");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "\"nodes\":{\"m\":{\"cpu_free_frac\":0},\"n\":{\"cpu_free_frac\":1}}"));
    spotopt_text_free(NULL, text);
    spotopt_net_free(net);
}

static void
test_an_answer_of_another_kind__is_refused_with_its_place(void)
{
    static const struct {
        const char *body, *message;
        spotopt_status status;
        int32_t code;
    } bad[] = {
        {"<html>", "queries[0]", SPOTOPT_E_INPUT, 200},
        {"", "queries[0]", SPOTOPT_E_INPUT, 200},
        {"[]", "/status", SPOTOPT_E_INPUT, 200},
        {"{\"status\":\"success\"}", "/data/resultType", SPOTOPT_E_INPUT, 200},
        {"{\"status\":\"error\",\"error\":\"no such thing\"}", "no such thing", SPOTOPT_E_INPUT,
         422},
        {"no", "status 401", SPOTOPT_E_PEER, 401},
        {VECTOR("7"), "/data/result/0", SPOTOPT_E_INPUT, 200},
        {VECTOR("{\"metric\":{\"pool\":\"a\"}}"), "/data/result/0/value", SPOTOPT_E_INPUT, 200},
        {VECTOR("{\"metric\":{\"pool\":\"a\"},\"value\":[]}"), "/value", SPOTOPT_E_INPUT, 200},
        {VECTOR("{\"metric\":{\"pool\":\"a\"},\"value\":[1,2]}"), "/value/1", SPOTOPT_E_INPUT, 200},
        {VECTOR("{\"metric\":{\"pool\":\"a\"},\"value\":[1,\"x\"]}"), "/value/1", SPOTOPT_E_INPUT,
         200},
        {VECTOR("{\"metric\":{\"pool\":\"a\"},\"value\":[1,\"-3\"]}"),
         "want a query that answers 0 to 1e12", SPOTOPT_E_INPUT, 200},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(answered(bad[i].code, bad[i].body, NULL), bad[i].status);
        if (strstr(err.message, bad[i].message) == NULL)
            printf("\n    %s\n", err.message);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, bad[i].message));
    }
}

static void
test_a_bad_query__is_refused_before_the_wire(void)
{
    const spotopt_prometheus_query good = measure("pools", "latency_ms", "x", "pool");
    spotopt_net_request server = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net *net = client(NULL, recorded);
    spotopt_prometheus_query bad[6];
    char *text = NULL;

    for (int i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].of = "pods";
    bad[1].measure = "latency";
    bad[2].promql = "";
    bad[3].label = NULL;
    bad[4].scale = -1;
    bad[5].size = 1;
    server.url = "http://prometheus:9090";
    for (int i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(spotopt_prometheus_pull(net, &server, &bad[i], 1, 0, &text, NULL, &err),
                        i == 5 ? SPOTOPT_E_VERSION : SPOTOPT_E_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "queries[0]."));
        CU_ASSERT_PTR_NULL(text);
    }
    CU_ASSERT_EQUAL(spotopt_prometheus_pull(net, &server, &good, 1, -1, &text, NULL, &err),
                    SPOTOPT_E_ARGUMENT);
    spotopt_net_free(net);
}

static void
test_each_allocation_that_fails__is_reported_and_leaks_nothing(void)
{
    const spotopt_prometheus_query query = measure("pools", "latency_ms", "x", "pool");
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_net_request server = SPOTOPT_NET_REQUEST_INIT;
    spotopt_status status;
    size_t n = 0;

    said.code = 200;
    said.body = VECTOR("{\"metric\":{\"pool\":\"a\"},\"value\":[1,\"1\"]},"
                       "{\"metric\":{\"pool\":\"b\"},\"value\":[1,\"2\"]}");
    server.url = "http://prometheus:9090";
    do {
        spotopt_context *context;
        spotopt_net *net = NULL;
        char *text = NULL;

        status = SPOTOPT_E_NOMEM;
        fail_after(&allocator, n++);
        context = fail_alloc_context(&allocator);
        if (context != NULL)
            net = client(context, recorded);
        if (net != NULL)
            status = spotopt_prometheus_pull(net, &server, &query, 1, 0, &text, NULL, &err);
        CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
        spotopt_text_free(context, text);
        spotopt_net_free(net);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 10);
}

int
main(int argc, char **argv)
{
    static const suite_test tests[] = {
        TEST(test_a_real_server__answers_for_pools_and_nodes),
        TEST(test_what_is_no_number_or_has_no_name__is_left_out),
        TEST(test_a_query__is_escaped_and_fractions_are_kept_in_range),
        TEST(test_an_answer_of_another_kind__is_refused_with_its_place),
        TEST(test_a_bad_query__is_refused_before_the_wire),
        TEST(test_each_allocation_that_fails__is_reported_and_leaks_nothing),
    };

    url = argc > 1 ? argv[1] : NULL;
    return suite_run("prometheus", tests, sizeof tests / sizeof *tests);
}
