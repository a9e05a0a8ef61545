/* SPDX-License-Identifier: Apache-2.0 */
/* Calls against a peer that fails as its path says (peer.py), and against a transport that records.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "spotopt/net.h"
#include "suite.h"

static const char *plain, *secure, *ca_file;
static spotopt_error err = SPOTOPT_ERROR_INIT;

/* Sleeping costs a test nothing; it is written down. */
static struct {
    double slept[16], total;
    int count, stop_after; /* stop_after > 0: cancel says stop at that question */
} host;

static void
no_sleep(void *user, double seconds)
{
    (void)user;
    if (host.count < 16)
        host.slept[host.count] = seconds;
    host.count++;
    host.total += seconds;
}

static int32_t
stop(void *user)
{
    (void)user;
    return host.stop_after > 0 && --host.stop_after == 0;
}

static spotopt_net *
client(const spotopt_net_params *more)
{
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net *net = NULL;

    if (more != NULL)
        params = *more;
    memset(&host, 0, sizeof host);
    params.sleep = no_sleep;
    params.proxy = "";
    params.seed = 1;
    CU_ASSERT_EQUAL_FATAL(spotopt_net_new(NULL, &params, &net, &err), SPOTOPT_OK);
    return net;
}

static spotopt_net_request
ask(const char *path)
{
    static char url[256];
    spotopt_net_request request = SPOTOPT_NET_REQUEST_INIT;

    (void)snprintf(url, sizeof url, "%s%s", plain, path);
    request.url = url;
    request.peer = "the peer";
    return request;
}

static long
hits(spotopt_net *net, const char *path)
{
    char question[256];
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt_net_request request;
    long count;

    (void)snprintf(question, sizeof question, "/hits?%s", path);
    request = ask(question);
    CU_ASSERT_EQUAL_FATAL(spotopt_net_call(net, &request, &answer, &err), SPOTOPT_OK);
    count = strtol(answer.body, NULL, 10);
    spotopt_net_answer_clear(net, &answer);
    return count;
}

/* Asks, and wants this status; the answer's code, or 0. */
static int32_t
call(spotopt_net *net, const spotopt_net_request *request, spotopt_status wanted, const char *body)
{
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    const spotopt_status status = spotopt_net_call(net, request, &answer, &err);
    const int32_t code = answer.code;

    if (status != wanted)
        printf("\n    %s: %d %s\n", request->url, status, err.message);
    CU_ASSERT_EQUAL(status, wanted);
    if (body != NULL && status == SPOTOPT_OK)
        CU_ASSERT_STRING_EQUAL(answer.body, body);
    if (status < 0)
        CU_ASSERT_PTR_NULL(answer.body);
    spotopt_net_answer_clear(net, &answer);
    return code;
}

static void
test_a_call__brings_the_body(void)
{
    spotopt_net *net = client(NULL);
    spotopt_net_request request = ask("/echo");

    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "GET "), 200);
    request.body = "hello";
    request.body_length = 5;
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "POST hello"), 200);
    request.method = "PUT";
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "PUT hello"), 200);
    request = ask("/nothing-here");
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "no such thing"), 404);
    request = ask("/echo");
    request.method = "DELETE"; /* no method or body of an earlier request stays */
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "DELETE "), 200);
    request.method = "HEAD";
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, ""), 200);
    spotopt_net_free(net);
}

static void
test_a_passing_failure__is_asked_again_with_back_off(void)
{
    spotopt_net *net = client(NULL);
    spotopt_net_request request = ask("/flaky?3-get");

    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "at last"), 200);
    CU_ASSERT_EQUAL(host.count, 3);
    for (int i = 0; i < 3; i++)
        CU_ASSERT(host.slept[i] >= 0 && host.slept[i] <= 0.2 * (1 << i));
    request = ask("/reset-once?get");
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "back"), 200);
    request = ask("/flaky?9-get");
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, NULL), 503);
    CU_ASSERT_EQUAL(hits(net, "/flaky?9-get"), 5);
    spotopt_net_free(net);
}

static void
test_what_changes_something__is_never_sent_twice(void)
{
    spotopt_net *net = client(NULL);
    spotopt_net_request request = ask("/flaky?1-post");

    request.body = "order";
    request.body_length = 5;
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, NULL), 503);
    CU_ASSERT_EQUAL(hits(net, "/flaky?1-post"), 1);
    request = ask("/reset?post");
    request.method = "POST";
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_E_PEER, NULL), 0);
    CU_ASSERT_EQUAL(hits(net, "/reset?post"), 1);
    request = ask("/flaky?1-again");
    request.body = "order";
    request.body_length = 5;
    request.flags = SPOTOPT_NET_REPEATABLE;
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "at last"), 200);
    /* Nobody listens: nothing can have been done, so another attempt is safe. */
    request.url = "http://127.0.0.1:1/";
    request.flags = 0;
    host.count = 0;
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_E_PEER, NULL), 0);
    CU_ASSERT_EQUAL(host.count, 4);
    spotopt_net_free(net);
}

static void
test_retry_after__is_kept_to(void)
{
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt_net_request request;
    spotopt_net *net;

    params.retry_s = 20; /* two waits of 7 s fit, three do not */
    net = client(&params);
    request = ask("/busy");
    CU_ASSERT_EQUAL(spotopt_net_call(net, &request, &answer, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.code, 429);
    CU_ASSERT_EQUAL(answer.attempts, 3);
    CU_ASSERT_EQUAL(answer.retry_after_s, 7);
    CU_ASSERT_EQUAL(host.slept[0], 7);
    spotopt_net_answer_clear(net, &answer);
    spotopt_net_free(net);
}

static void
test_each_fault__ends_in_time_and_names_peer_and_call(void)
{
    static const char *const faults[] = {"/reset", "/truncated", "/garbage",   "/endless",
                                         "/slow",  "/loop",      "/local-file"};
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net *net;

    params.max_attempts = 2;
    params.timeout_s = 0.5;
    params.max_bytes = 10000000;
    net = client(&params);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        spotopt_net_request request = ask(faults[i]);

        request.call = "do a thing";
        err.message[0] = '\0';
        (void)call(net, &request, SPOTOPT_E_PEER, NULL);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "the peer: do a thing: "));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "; "));
    }
    spotopt_net_free(net);
}

static void
test_a_body_that_is_too_large__is_refused_at_once(void)
{
    spotopt_net *net = client(NULL);
    spotopt_net_request request = ask("/endless?large");

    request.max_bytes = 200000;
    (void)call(net, &request, SPOTOPT_E_PEER, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "200000 bytes"));
    CU_ASSERT_EQUAL(hits(net, "/endless?large"), 1);
    spotopt_net_free(net);
}

static void
test_redirects__never_carry_a_secret(void)
{
    spotopt_net *net = client(NULL);
    spotopt_net_request request = ask("/away");

    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "GET "), 200);
    request.bearer = "very-secret";
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, NULL), 302);
    spotopt_net_free(net);
}

static void
test_secrets__reach_the_peer_and_no_message(void)
{
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net_request request;
    spotopt_net *net;

    params.max_attempts = 1;
    net = client(&params);
    request = ask("/header?Authorization");
    request.bearer = "very-secret";
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "Bearer very-secret"), 200);
    request = ask("/reset?token=very-secret");
    request.bearer = "very-secret";
    request.peer = NULL;
    (void)call(net, &request, SPOTOPT_E_PEER, NULL);
    CU_ASSERT_PTR_NULL(strstr(err.message, "very-secret"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "GET /reset: "));
    request = ask("/header?Authorization"); /* gone with its request */
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "none"), 200);
    spotopt_net_free(net);
}

static void
test_a_signature__has_the_scope_asked_for(void)
{
    spotopt_net *net = client(NULL);
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt_net_request request = ask("/");

    request.access_key = "AKID";
    request.secret_key = "very-secret";
    request.sign_region = "eu-west-1";
    request.sign_service = "ec2";
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL); /* GET */
    request.body = "Action=X";
    request.body_length = 8;
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, NULL), 404);
    request.sign_region = NULL;
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
    spotopt_net_answer_clear(net, &answer);
    spotopt_net_free(net);
}

static char *
read_file(const char *path)
{
    static char text[8192];
    FILE *file = fopen(path, "r");
    size_t length;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    return text;
}

static void
test_a_certificate_of_nobody_we_trust__is_refused(void)
{
    spotopt_net *net;
    spotopt_net_request request = SPOTOPT_NET_REQUEST_INIT;
    char url[256];

    if (*secure == '\0') {
        printf("skipped: no openssl command ");
        return;
    }
    net = client(NULL);
    (void)snprintf(url, sizeof url, "%s/echo", secure);
    request.url = url;
    (void)call(net, &request, SPOTOPT_E_PEER, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "give the authority that signed it"));
    CU_ASSERT_EQUAL(host.count, 0); /* not asked again */
    request.ca_pem = read_file(ca_file);
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "GET "), 200);
    request.ca_pem = NULL; /* the trust went with its request */
    (void)call(net, &request, SPOTOPT_E_PEER, NULL);
    request.ca_pem = "no certificate";
    (void)call(net, &request, SPOTOPT_E_PEER, NULL);
    spotopt_net_free(net);
}

static void
test_a_wish_to_stop__is_heard(void)
{
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net_request request;
    spotopt_net *net;

    params.cancel = stop;
    net = client(&params);
    request = ask("/slow");
    host.stop_after = 4;
    (void)call(net, &request, SPOTOPT_E_CANCELLED, NULL);
    request = ask("/busy?stop");
    host.stop_after = 20; /* amid a wait */
    (void)call(net, &request, SPOTOPT_E_CANCELLED, NULL);
    CU_ASSERT(host.total < 7);
    spotopt_net_free(net);
}

static int32_t
count_data(void *user, const char *data, size_t length)
{
    size_t *left = user;

    (void)data;
    *left = *left > length ? *left - length : 0;
    return *left == 0;
}

static void
test_a_stream__is_handed_on_in_pieces(void)
{
    spotopt_net *net = client(NULL);
    spotopt_net_request request = ask("/endless?stream");
    size_t left = 1000000;

    request.data = count_data;
    request.data_user = &left;
    (void)call(net, &request, SPOTOPT_E_CANCELLED, NULL);
    CU_ASSERT_EQUAL(left, 0);
    request = ask("/nothing-here"); /* what is no success comes as a body */
    request.data = count_data;
    request.data_user = &left;
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "no such thing"), 404);
    spotopt_net_free(net);
}

/* Breaks twice, then answers. */
static spotopt_status
recorded(void *user, const spotopt_net_request *request, spotopt_net_answer *answer,
         spotopt_error *e)
{
    static char body[] = "recorded";
    static int calls;

    (void)user;
    CU_ASSERT_STRING_EQUAL(request->peer, "example.com:1");
    CU_ASSERT_STRING_EQUAL(request->call, "GET /a");
    if (calls++ < 2) {
        (void)snprintf(e->message, sizeof e->message, "broken");
        return e->status = SPOTOPT_E_PEER;
    }
    answer->code = 200;
    answer->body = body;
    answer->length = 8;
    return SPOTOPT_OK;
}

static void
test_a_transport_of_the_host__takes_the_place_of_the_wire(void)
{
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net_request request = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net *net;

    params.transport = recorded;
    net = client(&params);
    request.url = "https://example.com:1/a?b=c";
    CU_ASSERT_EQUAL(call(net, &request, SPOTOPT_OK, "recorded"), 200);
    CU_ASSERT_EQUAL(host.count, 2);
    spotopt_net_free(net);
}

static void
test_a_bad_request__is_refused_before_the_wire(void)
{
    static const char *const urls[] = {NULL,
                                       "",
                                       "example.com",
                                       "ftp://x/",
                                       "http://",
                                       "http:///x",
                                       "https://user:word@host/",
                                       "http://a/\r\nHost: b"};
    static const char *const headers[] = {"X: a\r\nY: b"}, *const colons[] = {"X"};
    spotopt_net *net = client(NULL);
    spotopt_net_request request = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net *none = NULL;

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        request.url = urls[i];
        (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
        CU_ASSERT_PTR_NULL(strstr(err.message, "word@"));
    }
    request = ask("/echo");
    request.headers = headers;
    request.header_count = 1;
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
    request.headers = colons;
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
    request = ask("/echo");
    request.method = "GET /x HTTP/1.1\r\n";
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
    request.method = "";
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
    request = ask("/echo");
    request.bearer = "a\nb";
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
    request = ask("/echo");
    request.timeout_s = NAN;
    (void)call(net, &request, SPOTOPT_E_ARGUMENT, NULL);
    spotopt_net_free(net);
    params.connect_s = -1;
    CU_ASSERT_EQUAL(spotopt_net_new(NULL, &params, &none, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(none);
}

static void
test_each_allocation_that_fails__is_reported_and_leaks_nothing(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    do {
        spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
        spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
        spotopt_net_request request = ask("/echo");
        spotopt_context *context;
        spotopt_net *net = NULL;

        params.proxy = "";
        request.bearer = "token";
        request.body = "hello";
        request.body_length = 5;
        status = SPOTOPT_E_NOMEM;
        fail_after(&allocator, n++);
        context = fail_alloc_context(&allocator);
        if (context != NULL && spotopt_net_new(context, &params, &net, &err) == SPOTOPT_OK)
            status = spotopt_net_call(net, &request, &answer, &err);
        CU_ASSERT_EQUAL(status == SPOTOPT_OK, answer.body != NULL);
        spotopt_net_answer_clear(net, &answer);
        spotopt_net_free(net);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 5);
}

int
main(int argc, char **argv)
{
    static const suite_test tests[] = {
        TEST(test_a_call__brings_the_body),
        TEST(test_a_passing_failure__is_asked_again_with_back_off),
        TEST(test_what_changes_something__is_never_sent_twice),
        TEST(test_retry_after__is_kept_to),
        TEST(test_each_fault__ends_in_time_and_names_peer_and_call),
        TEST(test_a_body_that_is_too_large__is_refused_at_once),
        TEST(test_redirects__never_carry_a_secret),
        TEST(test_secrets__reach_the_peer_and_no_message),
        TEST(test_a_signature__has_the_scope_asked_for),
        TEST(test_a_certificate_of_nobody_we_trust__is_refused),
        TEST(test_a_wish_to_stop__is_heard),
        TEST(test_a_stream__is_handed_on_in_pieces),
        TEST(test_a_transport_of_the_host__takes_the_place_of_the_wire),
        TEST(test_a_bad_request__is_refused_before_the_wire),
        TEST(test_each_allocation_that_fails__is_reported_and_leaks_nothing),
    };

    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s HTTP_URL HTTPS_URL CA_FILE (see peer.py)\n", argv[0]);
        return 2;
    }
    plain = argv[1];
    secure = argv[2];
    ca_file = argv[3];
    return suite_run("http", tests, sizeof tests / sizeof *tests);
}
