/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer of a Prometheus server. What is taken makes a Metrics document that its
 * own reader takes.
 */
#include <stdlib.h>
#include <string.h>

#include "spotopt/history.h"
#include "spotopt/prometheus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static spotopt_net_answer given = SPOTOPT_NET_ANSWER_INIT;

static spotopt_status
give(void *user, const spotopt_net_request *request, spotopt_net_answer *answer, spotopt_error *err)
{
    (void)user, (void)request, (void)err;
    *answer = given;
    return SPOTOPT_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const measures[] = {"latency_ms", "throughput_rps", "cpu_free_frac"};
    spotopt_prometheus_query query = SPOTOPT_PROMETHEUS_QUERY_INIT;
    spotopt_net_request server = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_metrics *metrics = NULL;
    spotopt_net *net = NULL;
    spotopt_status status;
    size_t length = 0;
    char *text = NULL;

    params.transport = give;
    NEED(spotopt_net_new(NULL, &params, &net, NULL) == SPOTOPT_OK);
    given.code = 200;
    given.body = (char *)(uintptr_t)data;
    given.length = size;
    server.url = "http://p";
    query.of = "pools";
    query.measure = measures[size % 3];
    query.promql = "x";
    query.label = "pool";
    status = spotopt_prometheus_pull(net, &server, &query, 1, 0, &text, &length, &err);
    if (status == SPOTOPT_OK) {
        NEED(spotopt_metrics_parse(NULL, text, length, "f", &metrics, NULL) == SPOTOPT_OK);
    } else {
        NEED(status == SPOTOPT_E_INPUT && text == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
    }
    spotopt_metrics_free(metrics);
    spotopt_text_free(NULL, text);
    spotopt_net_free(net);
    return 0;
}
