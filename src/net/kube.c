/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube.c - an API server: who we are there, and one request to it.
 *
 * Tokens in files rotate and plugins' tokens expire: a token's file is read anew for each listing,
 * and a 401 has whatever can be had anew fetched, once.
 */
#include <errno.h>
#include <stdio.h>

#include "net/kube.h"

enum { CONFIG_MOST = 4 << 20, FILE_MOST = 1 << 20, NAME_MOST = 120 };

/* --- files --- */

static spotopt_status
read_from_disk(spotopt_kube *kube, const char *path, char **out, spotopt_error *err)
{
    FILE *file = fopen(path, "rbe");
    spotopt_status status = SPOTOPT_OK;
    spotopt__str all;
    char block[4096];
    size_t n;

    *out = NULL;
    if (file == NULL)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s: %s", kube->name, path, strerror(errno));
    spotopt__str_init(&all, kube->context);
    while (all.count <= FILE_MOST && (n = fread(block, 1, sizeof block, file)) > 0)
        spotopt__str_add_n(&all, block, n);
    if (ferror(file) != 0)
        status = spotopt__fail(err, SPOTOPT_E_INPUT, "%s: cannot read %s", kube->name, path);
    else if (all.count > FILE_MOST)
        status =
            spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s: want at most 1 MiB", kube->name, path);
    (void)fclose(file);
    if (status == SPOTOPT_OK) {
        *out = spotopt__str_take(&all, NULL);
        if (*out == NULL)
            status = spotopt__nomem(err, "a file");
    }
    spotopt__str_free(&all);
    return status;
}

/* A file of the config, as a text of its own. */
static spotopt_status
read_file(spotopt_kube *kube, const char *path, char **out, spotopt_error *err)
{
    const char *slash = strrchr(kube->name, '/'), *text = NULL;
    spotopt_status status = SPOTOPT_OK;
    size_t length = 0;
    spotopt__str full;

    *out = NULL;
    spotopt__str_init(&full, kube->context);
    if (*path != '/' && slash != NULL)
        spotopt__str_add_n(&full, kube->name, (size_t)(slash - kube->name) + 1);
    spotopt__str_add(&full, path);
    if (full.failed)
        status = spotopt__nomem(err, "a path");
    else if (kube->params.read == NULL)
        status = read_from_disk(kube, full.at, out, err);
    else {
        status = kube->params.read(kube->params.user, full.at, &text, &length, err);
        if (status == SPOTOPT_OK && (text == NULL || length > FILE_MOST))
            status = spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s: want at most 1 MiB", kube->name,
                                   full.at);
        if (status == SPOTOPT_OK) {
            *out = spotopt__alloc(kube->context, length + 1);
            if (*out == NULL)
                status = spotopt__nomem(err, "a file");
            else {
                memcpy(*out, text, length);
                (*out)[length] = '\0';
            }
        }
    }
    spotopt__str_free(&full);
    return status;
}

/* PEM of a file, for as long as the server is known. */
static spotopt_status
read_pem(spotopt_kube *kube, const char *file, const char *pem, const char **out,
         spotopt_error *err)
{
    spotopt_status status;
    char *text;

    *out = pem; /* data goes before a file, as kubectl has it */
    if (pem != NULL || file == NULL)
        return SPOTOPT_OK;
    status = read_file(kube, file, &text, err);
    if (status < 0)
        return status;
    if (strstr(text, "-----BEGIN ") == NULL)
        status = spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s: want PEM, \"-----BEGIN ...\"",
                               kube->name, file);
    else {
        *out = spotopt__arena_text(&kube->texts, text, strlen(text));
        if (*out == NULL)
            status = spotopt__nomem(err, "a certificate");
    }
    spotopt__free(kube->context, text);
    return status;
}

/* --- credentials --- */

void
spotopt__kube_forget(spotopt_kube *kube)
{
    if (kube->config.token_file != NULL)
        kube->is_known = false;
}

static void
drop_credentials(spotopt_kube *kube)
{
    spotopt__free(kube->context, kube->token);
    spotopt__free(kube->context, kube->exec_client);
    spotopt__free(kube->context, kube->exec_key);
    kube->token = kube->exec_client = kube->exec_key = NULL;
    kube->is_known = false;
}

static void
add_base64(spotopt__str *out, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t length = strlen(text);

    for (size_t i = 0; i < length; i += 3) {
        const size_t n = length - i < 3 ? length - i : 3;
        uint32_t bits = 0;
        char four[4];

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (uint32_t)(unsigned char)text[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            four[k] = k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=';
        spotopt__str_add_n(out, four, 4);
    }
}

/* What a plugin is told, as its variable. */
static void
write_exec_info(const spotopt_kube *kube, spotopt__str *out)
{
    spotopt__jw jw;

    spotopt__str_add(out, "KUBERNETES_EXEC_INFO=");
    spotopt__jw_init(&jw, out);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", kube->config.exec_version);
    spotopt__jw_put_text(&jw, "kind", "ExecCredential");
    spotopt__jw_key(&jw, "spec");
    spotopt__jw_object(&jw);
    spotopt__jw_put_bool(&jw, "interactive", false);
    if (kube->config.wants_cluster) {
        spotopt__jw_key(&jw, "cluster");
        spotopt__jw_object(&jw);
        spotopt__jw_put_text(&jw, "server", kube->config.server);
        if (kube->ca_pem != NULL) {
            spotopt__jw_key(&jw, "certificate-authority-data");
            spotopt__jw_raw(&jw, "\"", 1);
            add_base64(out, kube->ca_pem);
            spotopt__str_add(out, "\"");
        }
        spotopt__jw_end_object(&jw);
    }
    spotopt__jw_end_object(&jw);
    spotopt__jw_end_object(&jw);
}

/* A member of a plugin's answer. */
static spotopt_status
take(spotopt_kube *kube, const spotopt__at *answer, const char *key, char **out, spotopt_error *err)
{
    const spotopt__at at = spotopt__at_key(answer, key);
    const char *text;
    spotopt_status status;

    if (!spotopt__at_is_set(&at))
        return SPOTOPT_OK;
    status = spotopt__want_text(&at, &text, err);
    if (status < 0)
        return status;
    *out = spotopt__dup_text(kube->context, text);
    return *out == NULL ? spotopt__nomem(err, "credentials") : SPOTOPT_OK;
}

static spotopt_status
read_exec(spotopt_kube *kube, const char *text, size_t length, spotopt_error *err)
{
    spotopt__json *json = NULL;
    spotopt__at root, answer;
    char name[NAME_MOST + 24];
    spotopt_status status;

    (void)snprintf(name, sizeof name, "what %.*s says", NAME_MOST, kube->config.argv[0]);
    status = spotopt__json_parse(text, length, name, &json, err);
    if (status < 0)
        return status;
    root = spotopt__at_root(json, name);
    answer = spotopt__at_key(&root, "status");
    status = spotopt__want_object(&answer, err);
    if (status == SPOTOPT_OK)
        status = take(kube, &answer, "token", &kube->token, err);
    if (status == SPOTOPT_OK)
        status = take(kube, &answer, "clientCertificateData", &kube->exec_client, err);
    if (status == SPOTOPT_OK)
        status = take(kube, &answer, "clientKeyData", &kube->exec_key, err);
    if (status == SPOTOPT_OK && (kube->exec_client != NULL) != (kube->exec_key != NULL))
        status =
            spotopt__fail_at(&answer, err, "want clientCertificateData and clientKeyData together");
    if (status == SPOTOPT_OK && kube->token == NULL && kube->exec_client == NULL)
        status = spotopt__fail_at(&answer, err, "want a token or a client's certificate");
    spotopt__json_free(json);
    return status;
}

static spotopt_status
run_exec(spotopt_kube *kube, spotopt_error *err)
{
    const char *const *env = kube->config.env;
    spotopt__vec(const char *) all = {0};
    spotopt_status status = SPOTOPT_OK;
    const char *text = NULL;
    size_t length = 0;
    spotopt__str info;
    bool is_kept = true;

    spotopt__str_init(&info, kube->context);
    write_exec_info(kube, &info);
    for (; is_kept && *env != NULL; env++)
        is_kept = spotopt__vec_push(kube->context, &all, *env);
    is_kept = is_kept && !info.failed && spotopt__vec_push(kube->context, &all, info.at) &&
              spotopt__vec_push(kube->context, &all, NULL);
    if (!is_kept)
        status = spotopt__nomem(err, "credentials");
    else
        status =
            kube->params.exec(kube->params.user, kube->config.argv, all.at, &text, &length, err);
    if (status == SPOTOPT_OK && text == NULL)
        status = spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s says nothing", kube->name,
                               kube->config.argv[0]);
    if (status == SPOTOPT_OK)
        status = read_exec(kube, text, length, err);
    spotopt__vec_free(kube->context, &all);
    spotopt__str_free(&info);
    return status;
}

static spotopt_status
read_token(spotopt_kube *kube, spotopt_error *err)
{
    size_t length;
    spotopt_status status = read_file(kube, kube->config.token_file, &kube->token, err);

    if (status < 0)
        return status;
    length = strlen(kube->token);
    while (length > 0 && strchr(" \t\r\n", kube->token[length - 1]) != NULL)
        kube->token[--length] = '\0';
    if (length == 0 || strpbrk(kube->token, " \t\r\n") != NULL)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s: want a token, one word", kube->name,
                             kube->config.token_file);
    return SPOTOPT_OK;
}

static spotopt_status
get_credentials(spotopt_kube *kube, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    if (kube->is_known)
        return SPOTOPT_OK;
    drop_credentials(kube);
    if (kube->config.token_file != NULL)
        status = read_token(kube, err);
    else if (kube->config.token == NULL && kube->config.argv != NULL)
        status = run_exec(kube, err);
    kube->is_known = status == SPOTOPT_OK;
    return status;
}

/* --- a request --- */

spotopt_status
spotopt__kube_refused(const spotopt_kube *kube, const char *call, const spotopt_net_answer *answer,
                      spotopt_error *err)
{
    const char *advice = "ask again later, or look at the server's log";
    char said[200] = "";
    spotopt__json *json = NULL;

    if (answer->body != NULL && spotopt__json_parse(answer->body, answer->length, "its answer",
                                                    &json, NULL) == SPOTOPT_OK) {
        const char *message = spotopt__json_text(spotopt__json_get(json, "message"));

        if (message != NULL)
            spotopt__clean_line(said, sizeof said, message);
    }
    spotopt__json_free(json);
    if (answer->code == 401)
        advice = "check the user of this context, or log in again";
    else if (answer->code == 403)
        advice = "grant this user what the message names";
    else if (answer->code == 404)
        advice = "check the server's address";
    return spotopt__fail(err, SPOTOPT_E_PEER, "%s: %s: status %d%s%s; %s", kube->peer, call,
                         answer->code, *said != '\0' ? ": " : "", said, advice);
}

static spotopt_status
send_to(spotopt_kube *kube, const char *call, const char *path, const char *type,
        const spotopt_net_request *like, spotopt_net_answer *answer, spotopt_error *err)
{
    const size_t length = strlen(kube->config.server);
    spotopt_net_request request = *like;
    const char *headers[2] = {"Accept: application/json", NULL};
    spotopt_status status;
    spotopt__str url, content;

    spotopt__str_init(&url, kube->context);
    spotopt__str_init(&content, kube->context);
    spotopt__str_add_n(&url, kube->config.server,
                       kube->config.server[length - 1] == '/' ? length - 1 : length);
    spotopt__str_add(&url, path);
    if (type != NULL) {
        spotopt__str_add(&content, "Content-Type: ");
        spotopt__str_add(&content, type);
    }
    headers[1] = content.at;
    request.peer = kube->peer;
    request.call = call;
    request.url = url.at;
    request.headers = headers;
    request.header_count = type != NULL ? 2 : 1;
    request.ca_pem = kube->ca_pem;
    request.client_pem = kube->exec_client != NULL ? kube->exec_client : kube->client_pem;
    request.client_key_pem = kube->exec_client != NULL ? kube->exec_key : kube->key_pem;
    request.bearer = kube->token != NULL ? kube->token : kube->config.token;
    status = url.failed || content.failed ? spotopt__nomem(err, "a request")
                                          : spotopt_net_call(kube->net, &request, answer, err);
    spotopt__str_free(&content);
    spotopt__str_free(&url);
    return status;
}

spotopt_status
spotopt__kube_call(spotopt_kube *kube, const char *call, const char *path, const char *type,
                   const spotopt_net_request *like, spotopt_net_answer *answer, spotopt_error *err)
{
    const bool can_renew = kube->config.token_file != NULL || kube->config.argv != NULL;

    for (int turn = 0;; turn++) {
        spotopt_status status = get_credentials(kube, err);

        if (status == SPOTOPT_OK)
            status = send_to(kube, call, path, type, like, answer, err);
        if (status < 0 || answer->code != 401 || turn > 0 || !can_renew)
            return status;
        spotopt_net_answer_clear(kube->net, answer);
        kube->is_known = false;
    }
}

/* --- a server --- */

static spotopt_status
set_up(spotopt_kube *kube, const spotopt_kube_params *params, spotopt_error *err)
{
    const char *name = params->config_name != NULL ? params->config_name : "kubeconfig";
    char line[NAME_MOST + 1], peer[NAME_MOST + 24];
    spotopt_status status;

    kube->name = spotopt__arena_text(&kube->texts, name, strlen(name));
    if (kube->name == NULL)
        return spotopt__nomem(err, "a server");
    status = spotopt__kubeconfig_read(&kube->texts, params->config, params->config_length,
                                      kube->name, params->context_name, &kube->config, err);
    if (status == SPOTOPT_OK && kube->config.argv != NULL && params->exec == NULL)
        status = spotopt__fail(err, SPOTOPT_E_INPUT,
                               "%s: context %s: its user needs the plugin %s, which this program "
                               "does not run",
                               kube->name, kube->config.context, kube->config.argv[0]);
    if (status == SPOTOPT_OK)
        status = read_pem(kube, kube->config.ca_file, kube->config.ca_pem, &kube->ca_pem, err);
    if (status == SPOTOPT_OK)
        status = read_pem(kube, kube->config.client_file, kube->config.client_pem,
                          &kube->client_pem, err);
    if (status == SPOTOPT_OK)
        status = read_pem(kube, kube->config.key_file, kube->config.key_pem, &kube->key_pem, err);
    if (status < 0)
        return status;
    spotopt__clean_line(line, sizeof line, kube->config.context);
    (void)snprintf(peer, sizeof peer, "Kubernetes (%s)", line);
    kube->peer = spotopt__arena_text(&kube->texts, peer, strlen(peer));
    return kube->peer == NULL ? spotopt__nomem(err, "a server") : SPOTOPT_OK;
}

spotopt_status
spotopt_kube_open(spotopt_net *net, const spotopt_kube_params *params, spotopt_kube **out,
                  spotopt_error *err)
{
    spotopt_kube_params ours = SPOTOPT_KUBE_PARAMS_INIT;
    spotopt_status status;
    spotopt_kube *kube;

    if (net == NULL || params == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "want a client, params and out");
    *out = NULL;
    status = spotopt__copy_in(&ours, sizeof ours, params, "spotopt_kube_params", err);
    if (status < 0)
        return status;
    if (ours.config == NULL || ours.config_length > CONFIG_MOST)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "config: want a kubeconfig up to 4 MiB");
    if (ours.page_items > 100000)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "page_items: want 1 to 100000");
    if (ours.page_items == 0)
        ours.page_items = 500;
    kube = spotopt__alloc(net->context, sizeof *kube);
    if (kube == NULL)
        return spotopt__nomem(err, "a server");
    kube->context = net->context;
    kube->net = net;
    kube->params = ours;
    spotopt__arena_init(&kube->texts, kube->context);
    status = set_up(kube, &ours, err);
    kube->params.config = kube->params.config_name = kube->params.context_name = NULL;
    if (status < 0) {
        spotopt_kube_free(kube);
        return status;
    }
    *out = kube;
    return SPOTOPT_OK;
}

void
spotopt_kube_free(spotopt_kube *kube)
{
    if (kube == NULL)
        return;
    drop_credentials(kube);
    spotopt__arena_free(&kube->texts);
    spotopt__free(kube->context, kube);
}
