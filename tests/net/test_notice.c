/* SPDX-License-Identifier: Apache-2.0 */
/* EC2's announcements as rows: events of EventBridge, and a metadata service of our own making. */
#include <stdio.h>
#include <string.h>

#include "fail_alloc.h"
#include "spotopt/aws.h"
#include "spotopt/ledger.h"
#include "suite.h"

static spotopt_error err = SPOTOPT_ERROR_INIT;

/* What the metadata service has; NULL: 404. */
static struct {
    const char *token, *instance, *rebalance, *action;
    int32_t token_code;
} imds;

static bool
ends(const char *text, const char *end)
{
    const size_t length = strlen(text), n = strlen(end);

    return length >= n && strcmp(text + length - n, end) == 0;
}

static spotopt_status
serve(void *user, const spotopt_net_request *request, spotopt_net_answer *answer, spotopt_error *e)
{
    const char *body = NULL;

    (void)user, (void)e;
    CU_ASSERT_EQUAL_FATAL(request->header_count, 1);
    CU_ASSERT(strncmp(request->url, SPOTOPT_AWS_IMDS "/latest/",
                      sizeof SPOTOPT_AWS_IMDS "/latest/" - 1) == 0);
    if (ends(request->url, "/api/token")) {
        CU_ASSERT_STRING_EQUAL(request->method, "PUT");
        answer->code = imds.token_code;
        answer->body = (char *)(uintptr_t)imds.token;
        answer->length = strlen(imds.token);
        return SPOTOPT_OK;
    }
    CU_ASSERT_STRING_EQUAL(request->headers[0], "X-aws-ec2-metadata-token: secret");
    if (ends(request->url, "/meta-data/instance-id"))
        body = imds.instance;
    else if (ends(request->url, "/meta-data/events/recommendations/rebalance"))
        body = imds.rebalance;
    else if (ends(request->url, "/meta-data/spot/instance-action"))
        body = imds.action;
    answer->code = body == NULL ? 404 : 200;
    answer->body = (char *)(uintptr_t)(body == NULL ? "<html>" : body);
    answer->length = strlen(answer->body);
    return SPOTOPT_OK;
}

static spotopt_status
ask(spotopt_context *context, char **out_rows)
{
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net *net = NULL;
    spotopt_status status;

    *out_rows = NULL;
    params.transport = serve;
    status = spotopt_net_new(context, &params, &net, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_aws_imds_rows(net, NULL, out_rows, NULL, &err);
    spotopt_net_free(net);
    return status;
}

static void
quiet(void)
{
    imds.token = "secret";
    imds.token_code = 200;
    imds.instance = "i-0123abcd";
    imds.rebalance = imds.action = NULL;
}

static void
test_nothing_announced__is_an_empty_text(void)
{
    char *rows;

    quiet();
    CU_ASSERT_EQUAL_FATAL(ask(NULL, &rows), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(rows, "");
    spotopt_text_free(NULL, rows);
}

static void
test_announcements__are_rows_that_a_ledger_takes(void)
{
    spotopt_ledger *ledger = NULL;
    char *rows, *again;

    quiet();
    imds.rebalance = "{\"noticeTime\":\"2026-01-01T00:00:00Z\"}";
    imds.action = "{\"action\":\"terminate\",\"time\":\"2026-01-01T00:05:00Z\"}";
    CU_ASSERT_EQUAL_FATAL(ask(NULL, &rows), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(
        rows, "{\"time_ms\":1767225600000,\"type\":\"notice\",\"kind\":\"rebalance\","
              "\"instance\":\"i-0123abcd\",\"source\":\"imds\"}\n"
              "{\"time_ms\":1767225780000,\"type\":\"notice\",\"kind\":\"termination\","
              "\"instance\":\"i-0123abcd\",\"source\":\"imds\"}\n");
    CU_ASSERT_EQUAL_FATAL(ask(NULL, &again), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(again, rows);
    CU_ASSERT_EQUAL(spotopt_ledger_parse(NULL, rows, strlen(rows), "imds", &ledger, &err),
                    SPOTOPT_OK);
    spotopt_ledger_free(ledger);
    spotopt_text_free(NULL, rows);
    spotopt_text_free(NULL, again);
}

static void
test_what_is_no_metadata_service__is_named(void)
{
    char *rows;

    quiet();
    imds.token_code = 403;
    CU_ASSERT_EQUAL(ask(NULL, &rows), SPOTOPT_E_PEER);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.message, "the metadata service: /latest/api/token: status 403"));
    quiet();
    imds.token = "a\nb";
    CU_ASSERT_EQUAL(ask(NULL, &rows), SPOTOPT_E_INPUT);
    quiet();
    imds.instance = "<html>";
    CU_ASSERT_EQUAL(ask(NULL, &rows), SPOTOPT_E_INPUT);
    imds.instance = NULL;
    CU_ASSERT_EQUAL(ask(NULL, &rows), SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "instance-id"));
    quiet();
    imds.action = "{\"action\":\"terminate\",\"time\":\"soon\"}";
    CU_ASSERT_EQUAL(ask(NULL, &rows), SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "/time: want a time"));
    CU_ASSERT_PTR_NULL(rows);
}

#define EVENT(type, detail)                                                                        \
    "{\"version\":\"0\",\"id\":\"1\",\"detail-type\":\"" type "\",\"source\":\"aws.ec2\","         \
    "\"time\":\"2026-01-01T00:00:01Z\",\"region\":\"eu-west-1\",\"detail\":" detail "}"

static void
test_events__are_rows_or_nothing(void)
{
    static const struct {
        const char *text, *row;
    } events[] = {
        {EVENT("EC2 Spot Instance Interruption Warning",
               "{\"instance-id\":\"i-1a\",\"instance-action\":\"terminate\"}"),
         "{\"time_ms\":1767225601000,\"type\":\"notice\",\"kind\":\"termination\",\"instance\":"
         "\"i-1a\",\"source\":\"eventbridge\"}"},
        {EVENT("EC2 Instance Rebalance Recommendation", "{\"instance-id\":\"i-1a\"}"),
         "{\"time_ms\":1767225601000,\"type\":\"notice\",\"kind\":\"rebalance\",\"instance\":"
         "\"i-1a\",\"source\":\"eventbridge\"}"},
        {EVENT("EC2 Instance State-change Notification",
               "{\"instance-id\":\"i-1a\",\"state\":\"terminated\"}"),
         NULL},
    };

    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        char *row = NULL;

        CU_ASSERT_EQUAL_FATAL(
            spotopt_aws_event_row(NULL, events[i].text, strlen(events[i].text), NULL, &row, &err),
            SPOTOPT_OK);
        if (events[i].row == NULL) {
            CU_ASSERT_PTR_NULL(row);
        } else {
            CU_ASSERT_PTR_NOT_NULL_FATAL(row);
            CU_ASSERT_STRING_EQUAL(row, events[i].row);
        }
        spotopt_text_free(NULL, row);
    }
}

static void
test_a_bad_event__is_refused_with_its_place(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "event"},
        {"[]", "event"},
        {"{}", "/detail-type"},
        {EVENT("EC2 Instance Rebalance Recommendation", "{}"), "/detail/instance-id"},
        {EVENT("EC2 Instance Rebalance Recommendation", "{\"instance-id\":\"i-\"}"),
         "want an instance"},
        {EVENT("EC2 Instance Rebalance Recommendation", "{\"instance-id\":\"i-a b\"}"),
         "want an instance"},
        {"{\"detail-type\":\"EC2 Instance Rebalance Recommendation\",\"time\":7}", "/time"},
    };
    char *row;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        row = (char *)(uintptr_t) "x";
        CU_ASSERT_EQUAL(
            spotopt_aws_event_row(NULL, bad[i].text, strlen(bad[i].text), NULL, &row, &err),
            SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(row);
        if (strstr(err.message, bad[i].message) == NULL)
            printf("\n    %s\n", err.message);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, bad[i].message));
    }
    CU_ASSERT_EQUAL(spotopt_aws_event_row(NULL, NULL, 0, NULL, &row, &err), SPOTOPT_E_ARGUMENT);
}

static void
test_each_allocation_that_fails__is_reported_and_leaks_nothing(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    quiet();
    imds.rebalance = "{\"noticeTime\":\"2026-01-01T00:00:00Z\"}";
    do {
        spotopt_context *context;
        char *rows = NULL;

        status = SPOTOPT_E_NOMEM;
        fail_after(&allocator, n++);
        context = fail_alloc_context(&allocator);
        if (context != NULL)
            status = ask(context, &rows);
        CU_ASSERT_EQUAL(status == SPOTOPT_OK, rows != NULL);
        spotopt_text_free(context, rows);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 10);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_nothing_announced__is_an_empty_text),
        TEST(test_announcements__are_rows_that_a_ledger_takes),
        TEST(test_what_is_no_metadata_service__is_named),
        TEST(test_events__are_rows_or_nothing),
        TEST(test_a_bad_event__is_refused_with_its_place),
        TEST(test_each_allocation_that_fails__is_reported_and_leaks_nothing),
    };

    return suite_run("notice", tests, sizeof tests / sizeof *tests);
}
