/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl.c - one attempt over libcurl.
 *
 * Every limit is set here: certificates verified, http and https alone, seconds for the connection
 * and for the whole, bytes of the body, no signals, no redirect that could carry a secret
 * elsewhere.
 */
#include <stdio.h>

#include "net/net.h"

typedef struct transfer {
    spotopt_net *net;
    const spotopt_net_request *request;
    spotopt__vec(char) body;
    struct curl_slist *headers;
    uint64_t received;
    bool is_nomem, is_too_large, is_stopped;
    char detail[CURL_ERROR_SIZE];
} transfer;

static size_t
take_data(char *data, size_t size, size_t count, void *user)
{
    transfer *t = user;
    const size_t length = size * count; /* size is 1 */
    long code = 0;

    t->received += length;
    if (t->received > t->request->max_bytes) {
        t->is_too_large = true;
        return length + 1;
    }
    (void)curl_easy_getinfo(t->net->easy, CURLINFO_RESPONSE_CODE, &code);
    if (t->request->data != NULL && code / 100 == 2) {
        t->is_stopped = t->request->data(t->request->data_user, data, length) != 0;
        return t->is_stopped ? length + 1 : length;
    }
    if (!spotopt__vec_reserve(t->net->context, &t->body, length + 1)) {
        t->is_nomem = true;
        return length + 1;
    }
    memcpy(t->body.at + t->body.count, data, length);
    t->body.count += length;
    return length;
}

static int
on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    transfer *t = user;

    (void)a, (void)b, (void)c, (void)d;
    t->is_stopped = t->is_stopped || spotopt__net_is_cancelled(t->net);
    return t->is_stopped ? 1 : 0;
}

static bool
add_header(transfer *t, const char *header)
{
    struct curl_slist *longer = curl_slist_append(t->headers, header);

    if (longer == NULL)
        return false;
    t->headers = longer;
    return true;
}

/* "Name: value" with a value of any length. */
static bool
add_secret(transfer *t, const char *name, const char *value)
{
    spotopt__str line;
    bool ok;

    spotopt__str_init(&line, t->net->context);
    spotopt__str_add(&line, name);
    spotopt__str_add(&line, value);
    ok = !line.failed && add_header(t, line.at);
    if (line.at != NULL)
        memset(line.at, 0, line.count);
    spotopt__str_free(&line);
    return ok;
}

static bool
add_headers(transfer *t)
{
    const spotopt_net_request *request = t->request;

    for (size_t i = 0; i < request->header_count; i++) {
        if (!add_header(t, request->headers[i]))
            return false;
    }
    if (request->bearer != NULL && !add_secret(t, "Authorization: Bearer ", request->bearer))
        return false;
    if (request->session_token != NULL &&
        !add_secret(t, "X-Amz-Security-Token: ", request->session_token))
        return false;
    /* Waiting for "100 Continue" costs a second where a peer does not know it. */
    return add_header(t, "Expect:");
}

static void
set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = {(void *)(uintptr_t)pem, strlen(pem), CURL_BLOB_NOCOPY};

    (void)curl_easy_setopt(easy, option, &blob);
}

static void
set_tls(CURL *easy, const spotopt_net_request *request)
{
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (request->ca_pem != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        set_blob(easy, CURLOPT_CAINFO_BLOB, request->ca_pem);
    }
    if (request->client_pem != NULL) {
        set_blob(easy, CURLOPT_SSLCERT_BLOB, request->client_pem);
        set_blob(easy, CURLOPT_SSLKEY_BLOB,
                 request->client_key_pem != NULL ? request->client_key_pem : request->client_pem);
    }
}

static void
set_signature(CURL *easy, const spotopt_net_request *request)
{
    char provider[128];

    if (request->access_key == NULL)
        return;
    (void)snprintf(provider, sizeof provider, "aws:amz:%.50s:%.50s", request->sign_region,
                   request->sign_service);
    (void)curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, provider);
    (void)curl_easy_setopt(easy, CURLOPT_USERNAME, request->access_key);
    (void)curl_easy_setopt(easy, CURLOPT_PASSWORD, request->secret_key);
}

static void
set_redirects(CURL *easy, const spotopt_net_request *request)
{
    const bool is_https = strncmp(request->url, "https:", 6) == 0;

    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION,
                           spotopt__net_has_secret(request) ? 0L : 1L);
    (void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 5L);
}

static void
set_method(CURL *easy, const spotopt_net_request *request)
{
    if (request->body != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    } else if (request->method != NULL && strcmp(request->method, "POST") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
    } else if (request->method != NULL && strcmp(request->method, "HEAD") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    if (request->method != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
set_up(transfer *t)
{
    const spotopt_net_params *params = &t->net->params;
    CURL *easy = t->net->easy;

    curl_easy_reset(easy); /* options alone: connections and their TLS sessions stay */
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->detail);
    (void)curl_easy_setopt(easy, CURLOPT_URL, t->request->url);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, params->user_agent);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(params->connect_s * 1000) + 1);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(t->request->timeout_s * 1000) + 1);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_data);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t);
    if (params->proxy != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, params->proxy);
    /* On a kept connection that turns out dead, libcurl would send again by itself. */
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT,
                           spotopt__net_is_repeatable(t->request) ? 0L : 1L);
    set_method(easy, t->request);
    set_redirects(easy, t->request);
    set_tls(easy, t->request);
    set_signature(easy, t->request);
}

/* What to do about it. */
static const char *
advice(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "check the name in its address";
    case CURLE_COULDNT_CONNECT:
        return "check address, port and firewall";
    case CURLE_OPERATION_TIMEDOUT:
        return "try again, or allow more time";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return "its certificate is not to be trusted as things are; give the authority that signed "
               "it";
    case CURLE_SSL_CERTPROBLEM:
        return "check the client certificate and its key";
    case CURLE_TOO_MANY_REDIRECTS:
        return "check its address";
    default:
        return "try again";
    }
}

static bool
is_unsent(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_COULDNT_CONNECT;
}

static bool
is_final(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_TOO_MANY_REDIRECTS ||
           code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

static spotopt_status
judge(const transfer *t, CURLcode code, spotopt__broken *broken, spotopt_error *err)
{
    const spotopt_net_request *request = t->request;
    char detail[160];

    if (code == CURLE_OK)
        return SPOTOPT_OK;
    if (t->is_nomem || code == CURLE_OUT_OF_MEMORY)
        return spotopt__nomem(err, "an answer");
    if (t->is_stopped)
        return spotopt__fail(err, SPOTOPT_E_CANCELLED, "%s: %s: stopped as asked", request->peer,
                             request->call);
    broken->is_unsent = is_unsent(code);
    broken->is_final = is_final(code) || t->is_too_large;
    if (t->is_too_large)
        return spotopt__fail(
            err, SPOTOPT_E_PEER,
            "%s: %s: the answer is larger than %llu bytes; allow more, or ask for less",
            request->peer, request->call, (unsigned long long)request->max_bytes);
    spotopt__clean_line(detail, sizeof detail,
                        *t->detail != '\0' ? t->detail : curl_easy_strerror(code));
    return spotopt__fail(err, SPOTOPT_E_PEER, "%s: %s: %s; %s", request->peer, request->call,
                         detail, advice(code));
}

spotopt_status
spotopt__curl_send(spotopt_net *net, const spotopt_net_request *request, spotopt_net_answer *answer,
                   spotopt__broken *broken, spotopt_error *err)
{
    transfer t = {.net = net, .request = request};
    spotopt_status status;
    curl_off_t retry_after = 0;
    long code = 0;

    if (!add_headers(&t) || !spotopt__vec_reserve(net->context, &t.body, 1)) {
        status = spotopt__nomem(err, "a request");
    } else {
        set_up(&t);
        status = judge(&t, curl_easy_perform(net->easy), broken, err);
    }
    if (status == SPOTOPT_OK) {
        (void)curl_easy_getinfo(net->easy, CURLINFO_RESPONSE_CODE, &code);
        (void)curl_easy_getinfo(net->easy, CURLINFO_RETRY_AFTER, &retry_after);
        answer->code = (int32_t)code;
        answer->retry_after_s = retry_after > 0 ? (double)retry_after : 0;
        t.body.at[t.body.count] = '\0';
        answer->body = t.body.at;
        answer->length = t.body.count;
    } else {
        spotopt__vec_free(net->context, &t.body);
    }
    curl_slist_free_all(t.headers);
    curl_easy_reset(
        net->easy); /* nothing of this request, secrets least of all, stays in the handle */
    return status;
}
