/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a kubeconfig. What is refused has a message in one line, and nothing is asked of
 * anybody. */
#include <stdlib.h>
#include <string.h>

#include "spotopt/kube.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static spotopt_status
no_wire(void *user, const spotopt_net_request *request, spotopt_net_answer *answer,
        spotopt_error *err)
{
    (void)user, (void)request, (void)answer, (void)err;
    abort();
}

static spotopt_status
give_pem(void *user, const char *path, const char **out_text, size_t *out_length,
         spotopt_error *err)
{
    (void)user, (void)path, (void)err;
    *out_text = "-----BEGIN CERTIFICATE-----";
    *out_length = strlen(*out_text);
    return SPOTOPT_OK;
}

static spotopt_status
no_plugin(void *user, const char *const *argv, const char *const *env, const char **out_text,
          size_t *out_length, spotopt_error *err)
{
    (void)user, (void)argv, (void)env, (void)out_text, (void)out_length, (void)err;
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_kube_params params = SPOTOPT_KUBE_PARAMS_INIT;
    spotopt_net_params net_params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_kube *kube = NULL;
    spotopt_net *net = NULL;
    spotopt_status status;

    net_params.transport = no_wire;
    NEED(spotopt_net_new(NULL, &net_params, &net, NULL) == SPOTOPT_OK);
    params.config = (const char *)data;
    params.config_length = size;
    params.read = give_pem;
    params.exec = no_plugin;
    status = spotopt_kube_open(net, &params, &kube, &err);
    NEED(status == SPOTOPT_OK || status == SPOTOPT_E_INPUT);
    NEED((status == SPOTOPT_OK) == (kube != NULL));
    NEED(status == SPOTOPT_OK || (err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL));
    spotopt_kube_free(kube);
    spotopt_net_free(net);
    return 0;
}
