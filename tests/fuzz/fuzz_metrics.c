/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as metrics. Shares are shares, nothing measured is negative, every name is found again.
 */
#include <stdlib.h>
#include <string.h>

#include "model/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static void
check(const spotopt__metric *at, size_t count, const spotopt__map *by_name)
{
    for (size_t i = 0; i < count; i++) {
        NEED(spotopt__map_get(by_name, at[i].name) == i);
        NEED(!(at[i].latency_ms < 0.0) && !(at[i].throughput_rps < 0.0));
        NEED(!(at[i].error_frac < 0.0) && !(at[i].error_frac > 1.0));
        NEED(!(at[i].cpu_free_frac < 0.0) && !(at[i].cpu_free_frac > 1.0));
        NEED(!(at[i].memory_free_frac < 0.0) && !(at[i].memory_free_frac > 1.0));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_metrics *metrics = NULL;
    const spotopt_status status =
        spotopt_metrics_parse(NULL, (const char *)data, size, "f", &metrics, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && metrics == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    check(metrics->pools.at, metrics->pools.count, &metrics->pool_by_id);
    check(metrics->nodes.at, metrics->nodes.count, &metrics->node_by_name);
    check(metrics->instances.at, metrics->instances.count, &metrics->instance_by_id);
    spotopt_metrics_free(metrics);
    return 0;
}
