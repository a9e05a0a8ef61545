/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an API server's answer. What is taken is a document that is JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "spotopt/kube.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static spotopt_net_answer given = SPOTOPT_NET_ANSWER_INIT;
static unsigned asked;

/* The bytes as they are, then an empty list for whatever else is asked. */
static spotopt_status
give(void *user, const spotopt_net_request *request, spotopt_net_answer *answer, spotopt_error *err)
{
    static const char empty[] = "{\"metadata\":{},\"items\":[]}";

    (void)user, (void)request, (void)err;
    answer->code = asked % 7 == 3 ? 410 : 200;
    answer->body = asked % 2 == 0 ? given.body : (char *)(uintptr_t)empty;
    answer->length = asked % 2 == 0 ? given.length : sizeof empty - 1;
    asked++;
    return SPOTOPT_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char config[] =
        "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"c\"}}]"
        ",\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"http://k\"}}]}";
    spotopt_kube_params params = SPOTOPT_KUBE_PARAMS_INIT;
    spotopt_net_params net_params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_kube *kube = NULL;
    spotopt_net *net = NULL;
    spotopt_status status;
    size_t length = 0;
    char *text = NULL;

    asked = 0;
    given.body = (char *)(uintptr_t)data;
    given.length = size;
    net_params.transport = give;
    NEED(spotopt_net_new(NULL, &net_params, &net, NULL) == SPOTOPT_OK);
    params.config = config;
    params.config_length = sizeof config - 1;
    NEED(spotopt_kube_open(net, &params, &kube, NULL) == SPOTOPT_OK);
    status = spotopt_kube_list(kube, &text, &length, &err);
    if (status == SPOTOPT_OK) {
        NEED(spotopt__json_check(text, length, "list", NULL) == SPOTOPT_OK);
    } else {
        NEED((status == SPOTOPT_E_INPUT || status == SPOTOPT_E_PEER) && text == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
    }
    spotopt_text_free(NULL, text);
    spotopt_kube_free(kube);
    spotopt_net_free(net);
    return 0;
}
