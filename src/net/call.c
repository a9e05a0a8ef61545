/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - one call: what a request must look like, and when it may be sent once more.
 *
 * A request that changes something is repeated only where the peer cannot have seen it. Between
 * attempts stands exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter",
 * 2015), so that many clients of one peer do not come back together.
 */
#include <stdio.h>

#include "net/net.h"

#define FIRST_WAIT_S 0.2
#define MOST_WAIT_S 20.0

static bool
is_one_line(const char *text)
{
    return strpbrk(text, "\r\n") == NULL;
}

static const char *
method_of(const spotopt_net_request *request)
{
    if (request->method != NULL)
        return request->method;
    return request->body != NULL ? "POST" : "GET";
}

/* The part of an absolute URL behind "//", or NULL. */
static const char *
host_of(const char *url)
{
    if (strncmp(url, "https://", 8) == 0)
        return url + 8;
    return strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
}

static spotopt_status
check_signature(const spotopt_net_request *request, spotopt_error *err)
{
    const char *path = strchr(host_of(request->url), '/');

    if (request->access_key == NULL)
        return SPOTOPT_OK;
    if (request->secret_key == NULL || request->sign_region == NULL ||
        request->sign_service == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "a signed request: want secret_key, sign_region and sign_service");
    /* libcurl 7.88 signs queries wrongly unless they are sorted and escaped already. */
    if (strcmp(method_of(request), "POST") != 0 || (path != NULL && strcmp(path, "/") != 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "a signed request: want POST to the path \"/\"");
    return SPOTOPT_OK;
}

static spotopt_status
check(const spotopt_net_request *request, spotopt_error *err)
{
    const char *host;

    if (request->url == NULL || (host = host_of(request->url)) == NULL || *host == '\0' ||
        *host == '/' || !is_one_line(request->url))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "url: want http://HOST/... or https://HOST/...");
    if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "url: has a user in it; want bearer or a header");
    for (const char *c = method_of(request); *c != '\0' || c == method_of(request); c++) {
        if (*c < 'A' || *c > 'Z')
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "method: want capital letters");
    }
    if (!(request->timeout_s >= 0 && request->timeout_s <= 86400))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "timeout_s: want 0 to 86400 seconds");
    for (size_t i = 0; i < request->header_count; i++) {
        if (request->headers == NULL || request->headers[i] == NULL ||
            !is_one_line(request->headers[i]) || strchr(request->headers[i], ':') == NULL)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "headers[%zu]: want \"Name: value\" in one line", i);
    }
    if ((request->bearer != NULL && !is_one_line(request->bearer)) ||
        (request->session_token != NULL && !is_one_line(request->session_token)))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "a token has more than one line");
    if ((request->flags & ~(uint32_t)SPOTOPT_NET_REPEATABLE) != 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "flags: %u is not known", request->flags);
    return check_signature(request, err);
}

/* Fills in what messages say; peer and call point into the buffers. The query may be secret: it is
 * left out. */
static void
name_parts(spotopt_net_request *request, char peer[128], char call[192])
{
    const char *host = host_of(request->url);
    const size_t host_length = strcspn(host, "/?#");
    const char *path = host + host_length;

    if (request->peer == NULL) {
        (void)snprintf(peer, 128, "%.*s", (int)(host_length < 100 ? host_length : 100), host);
        request->peer = peer;
    }
    if (request->call == NULL) {
        const size_t length = strcspn(path, "?#");

        (void)snprintf(call, 192, "%.16s %.*s", method_of(request),
                       (int)(length < 160 ? length : 160), length == 0 ? "/" : path);
        request->call = call;
    }
}

static spotopt_status
fail_stopped(const spotopt_net_request *request, spotopt_error *err)
{
    return spotopt__fail(err, SPOTOPT_E_CANCELLED, "%s: %s: stopped as asked", request->peer,
                         request->call);
}

/* One attempt over the host's transport, its body copied. */
static spotopt_status
send_by_host(spotopt_net *net, const spotopt_net_request *request, spotopt_net_answer *answer,
             spotopt_error *err)
{
    const uint64_t most = request->max_bytes;
    spotopt_net_answer theirs = SPOTOPT_NET_ANSWER_INIT;
    const spotopt_status status = net->params.transport(net->params.user, request, &theirs, err);

    if (status < 0)
        return status;
    if (theirs.length > most)
        return spotopt__fail(err, SPOTOPT_E_PEER, "%s: %s: the answer is larger than %llu bytes",
                             request->peer, request->call, (unsigned long long)most);
    answer->code = theirs.code;
    answer->retry_after_s = theirs.retry_after_s;
    if (request->data != NULL && theirs.code / 100 == 2)
        return request->data(request->data_user, theirs.body, theirs.length) == 0
                   ? SPOTOPT_OK
                   : fail_stopped(request, err);
    answer->body = spotopt__alloc(net->context, theirs.length + 1);
    if (answer->body == NULL)
        return spotopt__nomem(err, "an answer");
    if (theirs.length > 0)
        memcpy(answer->body, theirs.body, theirs.length);
    answer->length = theirs.length;
    return SPOTOPT_OK;
}

bool
spotopt__net_is_repeatable(const spotopt_net_request *request)
{
    const char *method = method_of(request);

    if (request->data != NULL)
        return false;
    return (request->flags & SPOTOPT_NET_REPEATABLE) != 0 || strcmp(method, "GET") == 0 ||
           strcmp(method, "HEAD") == 0;
}

static bool
is_passing(int32_t code)
{
    return code == 429 || code == 500 || code == 502 || code == 503 || code == 504;
}

/* Seconds before attempt `next`, 2 or more. */
static double
wait_before(spotopt_net *net, uint32_t next, double asked_s)
{
    double most = FIRST_WAIT_S;

    for (uint32_t i = 2; i < next && most < MOST_WAIT_S; i++)
        most *= 2;
    if (most > MOST_WAIT_S)
        most = MOST_WAIT_S;
    most *= spotopt__rng_unit(&net->rng);
    return asked_s > most ? asked_s : most;
}

/* In slices, so that a wish to stop is heard: then false. */
static bool
wait(const spotopt_net *net, double seconds)
{
    while (seconds > 0) {
        const double slice = seconds > 0.1 && net->params.cancel != NULL ? 0.1 : seconds;

        if (spotopt__net_is_cancelled(net))
            return false;
        net->params.sleep(net->params.user, slice);
        seconds -= slice;
    }
    return !spotopt__net_is_cancelled(net);
}

static spotopt_status
call(spotopt_net *net, const spotopt_net_request *request, spotopt_net_answer *answer,
     spotopt_error *err)
{
    const double start = spotopt__clock(net->context);
    const bool repeatable = spotopt__net_is_repeatable(request);
    double waited = 0;

    if (spotopt__net_is_cancelled(net))
        return fail_stopped(request, err);
    for (;;) {
        spotopt__broken broken = {0};
        spotopt_status status;
        bool again;
        double pause, passed;

        spotopt_net_answer_clear(net, answer);
        answer->attempts++;
        status = net->params.transport != NULL
                     ? send_by_host(net, request, answer, err)
                     : spotopt__curl_send(net, request, answer, &broken, err);
        if (status != SPOTOPT_OK && status != SPOTOPT_E_PEER)
            return status;
        if (status == SPOTOPT_OK)
            again = repeatable && is_passing(answer->code);
        else
            again = !broken.is_final && (repeatable || (broken.is_unsent && request->data == NULL));
        pause = wait_before(net, answer->attempts + 1, answer->retry_after_s);
        passed = spotopt__clock(net->context) - start;
        if (passed < waited) /* a test's sleep moves no clock */
            passed = waited;
        if (!again || answer->attempts >= net->params.max_attempts ||
            passed + pause > net->params.retry_s)
            return status;
        spotopt__log(net->context, SPOTOPT_LOG_INFO,
                     "%s: %s: attempt %u failed (%s %d); again in %d ms", request->peer,
                     request->call, answer->attempts, status == SPOTOPT_OK ? "status" : "no answer",
                     answer->code, (int)(pause * 1000));
        if (!wait(net, pause))
            return fail_stopped(request, err);
        waited += pause;
    }
}

spotopt_status
spotopt_net_call(spotopt_net *net, const spotopt_net_request *request, spotopt_net_answer *answer,
                 spotopt_error *err)
{
    spotopt_net_request ours = SPOTOPT_NET_REQUEST_INIT;
    char peer[128], what[192];
    spotopt_status status;

    if (net == NULL || request == NULL || answer == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "want a client, a request and an answer");
    if (answer->size < sizeof *answer)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "answer: want SPOTOPT_NET_ANSWER_INIT");
    status = spotopt__copy_in(&ours, sizeof ours, request, "spotopt_net_request", err);
    if (status == SPOTOPT_OK)
        status = check(&ours, err);
    if (status < 0)
        return status;
    name_parts(&ours, peer, what);
    if (ours.timeout_s == 0)
        ours.timeout_s = net->params.timeout_s;
    if (ours.max_bytes == 0)
        ours.max_bytes = net->params.max_bytes;
    spotopt_net_answer_clear(net, answer);
    answer->attempts = 0;
    status = call(net, &ours, answer, err);
    if (status < 0)
        spotopt_net_answer_clear(net, answer);
    return status;
}

void
spotopt_net_answer_clear(spotopt_net *net, spotopt_net_answer *answer)
{
    if (net == NULL || answer == NULL)
        return;
    spotopt__free(net->context, answer->body);
    answer->body = NULL;
    answer->length = 0;
    answer->code = 0;
    answer->retry_after_s = 0;
}
