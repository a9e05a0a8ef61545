/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice.c - what EC2 announces, by EventBridge or the instance metadata service (IMDSv2), as rows
 * of type "notice".
 *
 * A row's time comes from the announcement, never from when it was seen: queues deliver twice, and
 * the metadata service is asked again and again. The same words must make the same row.
 */
#include <stdio.h>

#include "net/net.h"
#include "spotopt/aws.h"

#define WARNING_S 120.0 /* from an interruption warning to the interruption */

/* An instance's id, such as "i-0123456789abcdef0". */
static bool
is_instance(const char *text)
{
    const size_t length = strlen(text);

    return length > 2 && length <= 64 && strncmp(text, "i-", 2) == 0 &&
           strspn(text + 2, "0123456789abcdefghijklmnopqrstuvwxyz-") == length - 2;
}

static void
add_row(spotopt__str *out, double time_s, const char *kind, const char *instance,
        const char *source)
{
    spotopt__jw jw;

    spotopt__jw_init(&jw, out);
    spotopt__jw_object(&jw);
    spotopt__jw_put_int(&jw, "time_ms", (int64_t)(time_s * 1000 + 0.5));
    spotopt__jw_put_text(&jw, "type", "notice");
    spotopt__jw_put_text(&jw, "kind", kind);
    spotopt__jw_put_text(&jw, "instance", instance);
    spotopt__jw_put_text(&jw, "source", source);
    spotopt__jw_end_object(&jw);
}

/* A time that a row can have once `before_s` is taken off. */
static spotopt_status
want_time(const spotopt__at *at, double before_s, double *out_s, spotopt_error *err)
{
    const char *text;
    spotopt_status status = spotopt__want_text(at, &text, err);

    if (status < 0)
        return status;
    if (!spotopt__parse_time(text, strlen(text), out_s) || !(*out_s >= before_s))
        return spotopt__fail_at(at, err, "want a time such as 2026-01-01T00:00:00Z");
    *out_s -= before_s;
    return SPOTOPT_OK;
}

static spotopt_status
read_event(const spotopt__at *root, spotopt__str *out, spotopt_error *err)
{
    static const struct {
        const char *type, *kind;
    } known[] = {{"EC2 Spot Instance Interruption Warning", "termination"},
                 {"EC2 Instance Rebalance Recommendation", "rebalance"}};
    const spotopt__at type = spotopt__at_key(root, "detail-type"),
                      time = spotopt__at_key(root, "time"),
                      detail = spotopt__at_key(root, "detail"),
                      instance_at = spotopt__at_key(&detail, "instance-id");
    const char *said, *instance, *kind = NULL;
    double time_s;
    spotopt_status status = spotopt__want_object(root, err);

    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&type, &said, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(said, known[i].type) == 0)
            kind = known[i].kind;
    }
    if (kind == NULL)
        return SPOTOPT_OK;
    status = want_time(&time, 0, &time_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&instance_at, &instance, err);
    if (status < 0)
        return status;
    if (!is_instance(instance))
        return spotopt__fail_at(&instance_at, err, "want an instance's id such as \"i-0123abcd\"");
    add_row(out, time_s, kind, instance, "eventbridge");
    return SPOTOPT_OK;
}

spotopt_status
spotopt_aws_event_row(spotopt_context *context, const char *text, size_t length, const char *name,
                      char **out_row, spotopt_error *err)
{
    spotopt__json *json = NULL;
    spotopt__at root;
    spotopt_status status;
    spotopt__str row;

    if (text == NULL || out_row == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "want text and out_row");
    *out_row = NULL;
    if (name == NULL)
        name = "event";
    status = spotopt__json_parse(text, length, name, &json, err);
    if (status < 0)
        return status;
    spotopt__str_init(&row, context);
    root = spotopt__at_root(json, name);
    status = read_event(&root, &row, err);
    spotopt__json_free(json);
    if (status == SPOTOPT_OK && (row.count > 0 || row.failed)) {
        *out_row = spotopt__str_take(&row, NULL);
        if (*out_row == NULL)
            status = spotopt__nomem(err, "a row");
    }
    spotopt__str_free(&row);
    return status;
}

/* The metadata service, and the header that lets us in. */
typedef struct imds {
    spotopt_net *net;
    spotopt_net_request server; /* as given */
    spotopt__str token;
} imds;

/* One request. *answer is empty where the service has no such thing (404). */
static spotopt_status
ask(imds *m, const char *method, const char *path, const char *header, spotopt_net_answer *answer,
    spotopt_error *err)
{
    spotopt_net_request request = m->server;
    const size_t length = strlen(request.url);
    spotopt_status status;
    spotopt__str url;

    spotopt__str_init(&url, m->net->context);
    spotopt__str_add_n(&url, request.url,
                       length > 0 && request.url[length - 1] == '/' ? length - 1 : length);
    spotopt__str_add(&url, path);
    if (url.failed) {
        spotopt__str_free(&url);
        return spotopt__nomem(err, "a request");
    }
    request.method = method;
    request.url = url.at;
    request.call = path;
    request.headers = &header;
    request.header_count = 1;
    request.body = NULL;
    request.data = NULL;
    request.flags = SPOTOPT_NET_REPEATABLE; /* a token more does no harm */
    status = spotopt_net_call(m->net, &request, answer, err);
    spotopt__str_free(&url);
    if (status < 0 || answer->code == 200)
        return status;
    if (answer->code == 404) {
        spotopt_net_answer_clear(m->net, answer);
        return SPOTOPT_OK;
    }
    status = spotopt__fail(err, SPOTOPT_E_PEER,
                           "%s: %s: status %d; want the metadata service of an EC2 instance, "
                           "IMDSv2 switched on",
                           m->server.peer, path, answer->code);
    spotopt_net_answer_clear(m->net, answer);
    return status;
}

static spotopt_status
get_token(imds *m, spotopt_error *err)
{
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt_status status = ask(m, "PUT", "/latest/api/token",
                                "X-aws-ec2-metadata-token-ttl-seconds: 60", &answer, err);

    if (status == SPOTOPT_OK &&
        (answer.length == 0 || answer.length > 1024 || strlen(answer.body) != answer.length ||
         strpbrk(answer.body, "\r\n") != NULL))
        status = spotopt__fail(err, SPOTOPT_E_INPUT,
                               "%s: /latest/api/token: want a token in one line", m->server.peer);
    if (status == SPOTOPT_OK) {
        spotopt__str_add(&m->token, "X-aws-ec2-metadata-token: ");
        spotopt__str_add(&m->token, answer.body);
        if (m->token.failed)
            status = spotopt__nomem(err, "a token");
    }
    spotopt_net_answer_clear(m->net, &answer);
    return status;
}

static spotopt_status
get_instance(imds *m, char instance[65], spotopt_error *err)
{
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt_status status =
        ask(m, "GET", "/latest/meta-data/instance-id", m->token.at, &answer, err);

    if (status == SPOTOPT_OK &&
        (answer.body == NULL || strlen(answer.body) != answer.length || !is_instance(answer.body)))
        status = spotopt__fail(
            err, SPOTOPT_E_INPUT,
            "%s: /latest/meta-data/instance-id: want an id such as \"i-0123abcd\"", m->server.peer);
    if (status == SPOTOPT_OK)
        (void)snprintf(instance, 65, "%s", answer.body);
    spotopt_net_answer_clear(m->net, &answer);
    return status;
}

/* A document with a time in it, where there is one. */
static spotopt_status
get_notice(imds *m, const char *path, const char *key, double before_s, const char *kind,
           const char *instance, spotopt__str *rows, spotopt_error *err)
{
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt__json *json = NULL;
    spotopt_status status = ask(m, "GET", path, m->token.at, &answer, err);
    double time_s = 0;

    if (status == SPOTOPT_OK && answer.body != NULL) {
        status = spotopt__json_parse(answer.body, answer.length, path, &json, err);
        if (status == SPOTOPT_OK) {
            const spotopt__at root = spotopt__at_root(json, path), at = spotopt__at_key(&root, key);

            status = want_time(&at, before_s, &time_s, err);
        }
        if (status == SPOTOPT_OK) {
            add_row(rows, time_s, kind, instance, "imds");
            spotopt__str_add(rows, "\n");
        }
        spotopt__json_free(json);
    }
    spotopt_net_answer_clear(m->net, &answer);
    return status;
}

spotopt_status
spotopt_aws_imds_rows(spotopt_net *net, const spotopt_net_request *server, char **out_rows,
                      size_t *out_length, spotopt_error *err)
{
    imds m = {.net = net, .server = SPOTOPT_NET_REQUEST_INIT};
    spotopt_status status = SPOTOPT_OK;
    char instance[65];
    spotopt__str rows;

    if (net == NULL || out_rows == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "want a client and out_rows");
    *out_rows = NULL;
    if (server != NULL)
        status = spotopt__copy_in(&m.server, sizeof m.server, server, "spotopt_net_request", err);
    if (status < 0)
        return status;
    if (m.server.url == NULL)
        m.server.url = SPOTOPT_AWS_IMDS;
    if (m.server.peer == NULL)
        m.server.peer = "the metadata service";
    if (m.server.timeout_s == 0)
        m.server.timeout_s = 2;
    spotopt__str_init(&m.token, net->context);
    spotopt__str_init(&rows, net->context);
    status = get_token(&m, err);
    if (status == SPOTOPT_OK)
        status = get_instance(&m, instance, err);
    if (status == SPOTOPT_OK)
        status = get_notice(&m, "/latest/meta-data/events/recommendations/rebalance", "noticeTime",
                            0, "rebalance", instance, &rows, err);
    if (status == SPOTOPT_OK)
        status = get_notice(&m, "/latest/meta-data/spot/instance-action", "time", WARNING_S,
                            "termination", instance, &rows, err);
    if (status == SPOTOPT_OK) {
        *out_rows = spotopt__str_take(&rows, out_length);
        if (*out_rows == NULL)
            status = spotopt__nomem(err, "rows");
    }
    spotopt__str_free(&rows);
    spotopt__str_free(&m.token);
    return status;
}
