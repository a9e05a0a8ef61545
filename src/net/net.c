/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.c - a client: its limits, and the one libcurl handle whose connections it keeps alive.
 */
#include <time.h>
#include <unistd.h>

#include "net/net.h"
#include "spotopt/version.h"

#define MEBIBYTE (UINT64_C(1) << 20)

static void
sleep_here(void *user, double seconds)
{
    const struct timespec wait = {(time_t)seconds,
                                  (long)((seconds - (double)(time_t)seconds) * 1e9)};

    (void)user;
    (void)nanosleep(&wait, NULL);
}

/* A number of seconds with its default for 0. */
static spotopt_status
fill_seconds(double *seconds, double usual, const char *name, spotopt_error *err)
{
    if (!(*seconds >= 0 && *seconds <= 86400))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "%s of a network client: want 0 to 86400 seconds", name);
    if (*seconds == 0)
        *seconds = usual;
    return SPOTOPT_OK;
}

static spotopt_status
fill(spotopt_net_params *params, spotopt_error *err)
{
    spotopt_status status = fill_seconds(&params->connect_s, 5, "connect_s", err);

    if (status == SPOTOPT_OK)
        status = fill_seconds(&params->timeout_s, 30, "timeout_s", err);
    if (status == SPOTOPT_OK)
        status = fill_seconds(&params->retry_s, 60, "retry_s", err);
    if (status < 0)
        return status;
    if (params->max_bytes == 0)
        params->max_bytes = 256 * MEBIBYTE;
    if (params->max_attempts == 0)
        params->max_attempts = 5;
    if (params->sleep == NULL)
        params->sleep = sleep_here;
    if (params->user_agent == NULL)
        params->user_agent = "libspotopt/" SPOTOPT_VERSION;
    return SPOTOPT_OK;
}

/* Texts of our own, and libcurl. */
static spotopt_status
set_up(spotopt_net *net, const spotopt_net_params *params, spotopt_error *err)
{
    spotopt_context *context = net->context;

    net->params = *params;
    net->params.user_agent = spotopt__dup_text(context, params->user_agent);
    net->params.proxy = params->proxy == NULL ? NULL : spotopt__dup_text(context, params->proxy);
    if (net->params.user_agent == NULL || (params->proxy != NULL && net->params.proxy == NULL))
        return spotopt__nomem(err, "a network client");
    spotopt__rng_seed(&net->rng,
                      params->seed != 0 ? params->seed : (uint64_t)getpid() ^ (uint64_t)time(NULL));
    if (params->transport != NULL)
        return SPOTOPT_OK;
    /* Counted, and safe between threads from libcurl 7.84 on. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return spotopt__fail(err, SPOTOPT_E_INTERNAL, "libcurl does not start");
    net->is_curl_up = true;
    net->easy = curl_easy_init();
    return net->easy == NULL ? spotopt__nomem(err, "a network client") : SPOTOPT_OK;
}

spotopt_status
spotopt_net_new(spotopt_context *context, const spotopt_net_params *params, spotopt_net **out,
                spotopt_error *err)
{
    spotopt_net_params ours = SPOTOPT_NET_PARAMS_INIT;
    spotopt_status status = SPOTOPT_OK;
    spotopt_net *net;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL");
    *out = NULL;
    if (params != NULL)
        status = spotopt__copy_in(&ours, sizeof ours, params, "spotopt_net_params", err);
    if (status == SPOTOPT_OK)
        status = fill(&ours, err);
    if (status < 0)
        return status;
    net = spotopt__alloc(context, sizeof *net);
    if (net == NULL)
        return spotopt__nomem(err, "a network client");
    net->context = spotopt__context_hold(context);
    status = set_up(net, &ours, err);
    if (status < 0) {
        spotopt_net_free(net);
        return status;
    }
    *out = net;
    return SPOTOPT_OK;
}

void
spotopt_net_free(spotopt_net *net)
{
    spotopt_context *context;

    if (net == NULL)
        return;
    context = net->context;
    if (net->easy != NULL)
        curl_easy_cleanup(net->easy);
    if (net->is_curl_up)
        curl_global_cleanup();
    spotopt__free(context, (void *)(uintptr_t)net->params.user_agent);
    spotopt__free(context, (void *)(uintptr_t)net->params.proxy);
    spotopt__free(context, net);
    spotopt__context_drop(context);
}

bool
spotopt__net_is_cancelled(const spotopt_net *net)
{
    return net->params.cancel != NULL && net->params.cancel(net->params.user) != 0;
}

bool
spotopt__net_has_secret(const spotopt_net_request *request)
{
    return request->bearer != NULL || request->access_key != NULL || request->client_pem != NULL ||
           request->header_count > 0 || request->body != NULL;
}
