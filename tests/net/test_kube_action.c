/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to an API server of our own making: what is sent, what an answer comes to, what is sent
 * twice. */
#include <stdio.h>
#include <string.h>

#include "fail_alloc.h"
#include "spotopt/kube_action.h"
#include "suite.h"

#define STATUS(reason, rest)                                                                       \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"" reason "\"" rest "}"
#define BUDGET                                                                                     \
    STATUS("TooManyRequests", ",\"message\":\"Cannot evict pod\",\"details\":{\"causes\":[{"       \
                              "\"reason\":\"DisruptionBudget\"}]}")

static spotopt_error err = SPOTOPT_ERROR_INIT;

typedef struct answer {
    int32_t code;
    const char *body;
} answer;

/* What the server says, one answer after the other, and the requests it saw, a line each. */
static struct {
    const answer *answers;
    size_t count, seen;
    char log[4096];
} api;

static spotopt_status
serve(void *user, const spotopt_net_request *request, spotopt_net_answer *out, spotopt_error *e)
{
    const answer *now = &api.answers[api.seen < api.count ? api.seen : api.count - 1];
    const size_t used = strlen(api.log);

    (void)user, (void)e;
    api.seen++;
    (void)snprintf(api.log + used, sizeof api.log - used, "%s %s %s %.*s\n",
                   request->method != NULL ? request->method : "GET", strchr(request->url + 8, '/'),
                   request->header_count > 1 ? request->headers[1] + 14 : "-",
                   (int)request->body_length, request->body != NULL ? request->body : "");
    out->code = now->code;
    out->body = (char *)(uintptr_t)now->body;
    out->length = strlen(now->body);
    return SPOTOPT_OK;
}

static void
no_sleep(void *user, double seconds)
{
    (void)user, (void)seconds;
}

static spotopt_status
order(spotopt_context *context, const spotopt_kube_action *action, const answer *answers,
      size_t count, spotopt_kube_outcome *out)
{
    static const char config[] =
        "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"c\"}}]"
        ",\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://k\"}}]}";
    spotopt_kube_params params = SPOTOPT_KUBE_PARAMS_INIT;
    spotopt_net_params net_params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_kube *kube = NULL;
    spotopt_net *net = NULL;
    spotopt_status status;

    memset(&api, 0, sizeof api);
    api.answers = answers;
    api.count = count;
    net_params.transport = serve;
    net_params.sleep = no_sleep;
    net_params.seed = 1;
    net_params.max_attempts = 2;
    params.config = config;
    params.config_length = sizeof config - 1;
    status = spotopt_net_new(context, &net_params, &net, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_kube_open(net, &params, &kube, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_kube_act(kube, action, out, &err);
    spotopt_kube_free(kube);
    spotopt_net_free(net);
    return status;
}

static spotopt_kube_action
action_of(int32_t verb)
{
    spotopt_kube_action a = SPOTOPT_KUBE_ACTION_INIT;

    a.verb = verb;
    a.name = "n1";
    a.flags = SPOTOPT_KUBE_APPLY;
    if (verb == SPOTOPT_KUBE_EVICT || verb == SPOTOPT_KUBE_BIND) {
        a.namespace_name = "shop";
        a.name = "web-0";
        a.uid = "u-1";
        a.node = "n2";
    }
    if (verb == SPOTOPT_KUBE_EVENT) {
        a.reason = "Drain";
        a.message = "leaves for \"c5.large\"";
        a.now_s = 1793610000.5;
    }
    return a;
}

static void
test_orders__are_the_requests_that_an_api_server_knows(void)
{
    static const answer yes = {201, "{\"kind\":\"Status\",\"status\":\"Success\"}"},
                        off = {200, "{\"kind\":\"Node\",\"spec\":{\"unschedulable\":true}}"},
                        on = {200, "{\"kind\":\"Node\",\"spec\":{}}"};
    static const struct {
        int32_t verb;
        const answer *says;
        const char *wants, *dry;
    } orders[] = {
        {SPOTOPT_KUBE_EVICT, &yes,
         "POST /api/v1/namespaces/shop/pods/web-0/eviction application/json {\"apiVersion\":"
         "\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{\"name\":\"web-0\",\"namespace\":"
         "\"shop\"},\"deleteOptions\":{\"preconditions\":{\"uid\":\"u-1\"}}}\n",
         "\"dryRun\":[\"All\"]"},
        {SPOTOPT_KUBE_BIND, &yes,
         "POST /api/v1/namespaces/shop/pods/web-0/binding application/json {\"apiVersion\":\"v1\","
         "\"kind\":\"Binding\",\"metadata\":{\"name\":\"web-0\",\"namespace\":\"shop\",\"uid\":"
         "\"u-1\"},\"target\":{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n2\"}}\n",
         "?dryRun=All"},
        {SPOTOPT_KUBE_CORDON, &off,
         "PATCH /api/v1/nodes/n1 application/merge-patch+json "
         "{\"spec\":{\"unschedulable\":true}}\n",
         "?dryRun=All"},
        {SPOTOPT_KUBE_UNCORDON, &on,
         "PATCH /api/v1/nodes/n1 application/merge-patch+json {\"spec\":{\"unschedulable\":false}}"
         "\n",
         "?dryRun=All"},
        {SPOTOPT_KUBE_DELETE_NODE, &yes,
         "DELETE /api/v1/nodes/n1 application/json {\"apiVersion\":\"v1\",\"kind\":"
         "\"DeleteOptions\"}\n",
         "\"dryRun\":[\"All\"]"},
    };
    spotopt_kube_outcome out = SPOTOPT_KUBE_OUTCOME_INIT;

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        spotopt_kube_action a = action_of(orders[i].verb);

        CU_ASSERT_EQUAL(order(NULL, &a, orders[i].says, 1, &out), SPOTOPT_OK);
        CU_ASSERT_EQUAL(out.outcome, SPOTOPT_KUBE_DONE);
        CU_ASSERT_STRING_EQUAL(api.log, orders[i].wants);
        CU_ASSERT_PTR_NULL(strstr(api.log, "dryRun"));
        a.flags = 0;
        CU_ASSERT_EQUAL(order(NULL, &a, orders[i].says, 1, &out), SPOTOPT_OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(api.log, orders[i].dry));
        CU_ASSERT_PTR_NOT_NULL(strstr(api.log, "dryRun=All"));
    }
}

static void
test_an_event__has_a_name_of_its_content(void)
{
    static const answer yes = {201, "{\"kind\":\"Event\"}"},
                        is_there = {409, STATUS("AlreadyExists", "")};
    spotopt_kube_action a = action_of(SPOTOPT_KUBE_EVENT);
    spotopt_kube_outcome out = SPOTOPT_KUBE_OUTCOME_INIT;
    char first[sizeof api.log];

    CU_ASSERT_EQUAL(order(NULL, &a, &yes, 1, &out), SPOTOPT_OK);
    memcpy(first, api.log, sizeof first);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(first, "POST /api/v1/namespaces/default/events application/json "));
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "\"involvedObject\":{\"apiVersion\":\"v1\",\"kind\":"
                                         "\"Node\",\"name\":\"n1\"}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "\"firstTimestamp\":\"2026-11-02T09:00:00Z\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "leaves for \\\"c5.large\\\""));
    CU_ASSERT_EQUAL(order(NULL, &a, &is_there, 1, &out), SPOTOPT_OK);
    CU_ASSERT_EQUAL(out.outcome, SPOTOPT_KUBE_DONE);
    CU_ASSERT_STRING_EQUAL(api.log, first);
    a.message = "other";
    CU_ASSERT_EQUAL(order(NULL, &a, &yes, 1, &out), SPOTOPT_OK);
    CU_ASSERT_STRING_NOT_EQUAL(api.log, first);
}

static void
test_answers__are_told_apart(void)
{
    static const struct {
        int32_t verb;
        answer says;
        spotopt_status status;
        int32_t outcome;
        const char *said; /* of the outcome or the error */
        size_t seen;
    } cases[] = {
        {SPOTOPT_KUBE_EVICT,
         {429, BUDGET},
         SPOTOPT_OK,
         SPOTOPT_KUBE_BLOCKED,
         "Cannot evict pod",
         1},
        {SPOTOPT_KUBE_EVICT,
         {429, STATUS("TooManyRequests", "")},
         SPOTOPT_OK,
         SPOTOPT_KUBE_BUSY,
         "",
         1},
        {SPOTOPT_KUBE_CORDON, {429, "busy"}, SPOTOPT_OK, SPOTOPT_KUBE_BUSY, "", 2},
        {SPOTOPT_KUBE_EVICT,
         {404, STATUS("NotFound", ",\"details\":{\"name\":\"web-0\",\"kind\":\"pods\"}")},
         SPOTOPT_OK,
         SPOTOPT_KUBE_GONE,
         "",
         1},
        {SPOTOPT_KUBE_EVICT,
         {404, STATUS("NotFound", ",\"details\":{}")},
         SPOTOPT_E_PEER,
         0,
         "evict pod shop/web-0: status 404",
         1},
        {SPOTOPT_KUBE_EVICT, {404, "<html>"}, SPOTOPT_E_PEER, 0, "status 404; check the server", 1},
        {SPOTOPT_KUBE_EVICT,
         {409, STATUS("Conflict", "")},
         SPOTOPT_OK,
         SPOTOPT_KUBE_CHANGED,
         "",
         1},
        {SPOTOPT_KUBE_EVICT, {200, "<html>"}, SPOTOPT_E_PEER, 0, "not an API server's answer", 1},
        {SPOTOPT_KUBE_EVICT, {500, "{}"}, SPOTOPT_E_PEER, 0, "status 500", 1},
        {SPOTOPT_KUBE_CORDON,
         {200, "{\"kind\":\"Node\",\"spec\":{}}"},
         SPOTOPT_E_PEER,
         0,
         "cordon node n1: status 200",
         1},
        {SPOTOPT_KUBE_DELETE_NODE,
         {404, STATUS("NotFound", ",\"details\":{\"name\":\"n1\",\"kind\":\"nodes\"}")},
         SPOTOPT_OK,
         SPOTOPT_KUBE_GONE,
         "",
         1},
        {SPOTOPT_KUBE_CORDON,
         {403, "{\"message\":\"no rights\"}"},
         SPOTOPT_E_PEER,
         0,
         "cordon node n1: status 403: no rights; grant this user",
         1},
    };
    spotopt_kube_outcome out = SPOTOPT_KUBE_OUTCOME_INIT;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const spotopt_kube_action a = action_of(cases[i].verb);
        const spotopt_status status = order(NULL, &a, &cases[i].says, 1, &out);
        const char *said = status == SPOTOPT_OK ? out.said : err.message;

        if (status != cases[i].status || strstr(said, cases[i].said) == NULL ||
            api.seen != cases[i].seen)
            printf("\n    %zu: %d, %zu requests, %s\n", i, (int)status, api.seen, said);
        CU_ASSERT_EQUAL(status, cases[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(said, cases[i].said));
        CU_ASSERT_EQUAL(api.seen, cases[i].seen);
        CU_ASSERT(status != SPOTOPT_OK || out.outcome == cases[i].outcome);
    }
}

static void
test_an_eviction_on_an_old_server__is_v1beta1(void)
{
    static const answer old[] = {{400, STATUS("BadRequest", "")},
                                 {201, "{\"kind\":\"Status\",\"status\":\"Success\"}"}},
                        blocked[] = {{400, STATUS("BadRequest", "")}, {429, BUDGET}},
                        bad[] = {{400, STATUS("BadRequest", ",\"message\":\"first\"")},
                                 {400, STATUS("BadRequest", ",\"message\":\"second\"")}};
    const spotopt_kube_action a = action_of(SPOTOPT_KUBE_EVICT);
    spotopt_kube_outcome out = SPOTOPT_KUBE_OUTCOME_INIT;

    CU_ASSERT_EQUAL(order(NULL, &a, old, 2, &out), SPOTOPT_OK);
    CU_ASSERT_EQUAL(out.outcome, SPOTOPT_KUBE_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(api.log, "\"policy/v1beta1\""));
    CU_ASSERT_EQUAL(order(NULL, &a, blocked, 2, &out), SPOTOPT_OK);
    CU_ASSERT_EQUAL(out.outcome, SPOTOPT_KUBE_BLOCKED);
    CU_ASSERT_EQUAL(order(NULL, &a, bad, 2, &out), SPOTOPT_E_PEER);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "status 400: first"));
    CU_ASSERT_EQUAL(api.seen, 2);
}

static void
test_a_binding_whose_answer_was_lost__is_found_done(void)
{
    static const answer ours
        [] = {{409, STATUS("Conflict", "")},
              {200,
               "{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u-1\"},\"spec\":{\"nodeName\":\"n2\"}}"}},
    other_node[] =
        {{409, STATUS("Conflict", "")},
         {200, "{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u-1\"},\"spec\":{\"nodeName\":\"n3\"}}"}},
    other_pod[] =
        {{409, STATUS("Conflict", "")},
         {200, "{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u-2\"},\"spec\":{\"nodeName\":\"n2\"}}"}},
    gone[] = {{409, STATUS("Conflict", "")}, {404, "{}"}};
    const struct {
        const answer *says;
        int32_t outcome;
    } cases[] = {{ours, SPOTOPT_KUBE_DONE},
                 {other_node, SPOTOPT_KUBE_CHANGED},
                 {other_pod, SPOTOPT_KUBE_CHANGED},
                 {gone, SPOTOPT_KUBE_CHANGED}};
    const spotopt_kube_action a = action_of(SPOTOPT_KUBE_BIND);
    spotopt_kube_outcome out = SPOTOPT_KUBE_OUTCOME_INIT;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(order(NULL, &a, cases[i].says, 2, &out), SPOTOPT_OK);
        CU_ASSERT_EQUAL(out.outcome, cases[i].outcome);
    }
}

static void
test_a_bad_order__is_refused_before_anything_is_sent(void)
{
    static const answer never = {500, ""};
    spotopt_kube_outcome out = SPOTOPT_KUBE_OUTCOME_INIT;
    spotopt_kube_action bad[12];
    static const char *const wants[12] = {"verb: want",
                                          "flags: want",
                                          "name: want",
                                          "name: want",
                                          "namespace_name: want that",
                                          "namespace_name: want",
                                          "uid: want",
                                          "node: want",
                                          "grace_s: want",
                                          "reason: want",
                                          "message: want",
                                          "now_s: want"};

    bad[0] = bad[1] = bad[2] = bad[3] = bad[5] = action_of(SPOTOPT_KUBE_CORDON);
    bad[4] = bad[6] = bad[8] = action_of(SPOTOPT_KUBE_EVICT);
    bad[7] = action_of(SPOTOPT_KUBE_BIND);
    bad[9] = bad[10] = bad[11] = action_of(SPOTOPT_KUBE_EVENT);
    bad[0].verb = 7;
    bad[1].flags = 2;
    bad[2].name = "a/../b";
    bad[3].name = NULL;
    bad[4].namespace_name = "a.b";
    bad[5].namespace_name = "shop";
    bad[6].uid = "a\"b";
    bad[7].node = "N";
    bad[8].grace_s = -0.5;
    bad[9].reason = "two words";
    bad[10].message = "";
    bad[11].now_s = -1;
    for (size_t i = 0; i < 12; i++) {
        CU_ASSERT_EQUAL(order(NULL, &bad[i], &never, 1, &out), SPOTOPT_E_ARGUMENT);
        if (strncmp(err.message, wants[i], strlen(wants[i])) != 0)
            printf("\n    %zu: %s\n", i, err.message);
        CU_ASSERT_EQUAL(strncmp(err.message, wants[i], strlen(wants[i])), 0);
        CU_ASSERT_EQUAL(api.seen, 0);
    }
}

static void
test_each_allocation_that_fails__is_reported_and_leaks_nothing(void)
{
    static const answer says[] = {{400, STATUS("BadRequest", "")}, {429, BUDGET}, {429, BUDGET}};
    static const int32_t verbs[] = {SPOTOPT_KUBE_EVICT, SPOTOPT_KUBE_EVENT};
    spotopt_kube_outcome out = SPOTOPT_KUBE_OUTCOME_INIT;
    fail_alloc allocator = FAIL_ALLOC_INIT;

    for (size_t i = 0; i < 2; i++) {
        const spotopt_kube_action a = action_of(verbs[i]);
        spotopt_status status;
        size_t n = 0;

        do {
            spotopt_context *context;

            status = SPOTOPT_E_NOMEM;
            fail_after(&allocator, n++);
            context = fail_alloc_context(&allocator);
            if (context != NULL)
                status = order(context, &a, &says[i], 2, &out);
            spotopt_context_free(context);
            CU_ASSERT_EQUAL(allocator.live, 0);
        } while (status == SPOTOPT_E_NOMEM && n < 1000);
        CU_ASSERT_EQUAL(status, SPOTOPT_OK);
        CU_ASSERT(n > 10);
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_orders__are_the_requests_that_an_api_server_knows),
        TEST(test_an_event__has_a_name_of_its_content),
        TEST(test_answers__are_told_apart),
        TEST(test_an_eviction_on_an_old_server__is_v1beta1),
        TEST(test_a_binding_whose_answer_was_lost__is_found_done),
        TEST(test_a_bad_order__is_refused_before_anything_is_sent),
        TEST(test_each_allocation_that_fails__is_reported_and_leaks_nothing),
    };

    return suite_run("kube_action", tests, sizeof tests / sizeof *tests);
}
