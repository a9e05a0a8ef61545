/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.c - capacity and performance that were seen: their lives. The readers are
 * src/io/csv_history.c and src/io/json_metrics.c.
 */
#include "model/history.h"

void
spotopt_history_free(spotopt_history *history)
{
    if (history == NULL)
        return;
    spotopt_context *context = history->context;
    spotopt__vec_free(context, &history->series);
    spotopt__free(context, history->time_s);
    spotopt__free(context, history->nodes_up);
    spotopt__map_free(&history->series_by_pool);
    spotopt__arena_free(&history->arena);
    spotopt__free(context, history);
    spotopt__context_drop(context);
}

size_t
spotopt_history_count(const spotopt_history *history)
{
    return history->rows;
}

void
spotopt_metrics_free(spotopt_metrics *metrics)
{
    if (metrics == NULL)
        return;
    spotopt_context *context = metrics->context;
    spotopt__vec_free(context, &metrics->pools);
    spotopt__vec_free(context, &metrics->nodes);
    spotopt__vec_free(context, &metrics->instances);
    spotopt__map_free(&metrics->pool_by_id);
    spotopt__map_free(&metrics->node_by_name);
    spotopt__map_free(&metrics->instance_by_id);
    spotopt__arena_free(&metrics->arena);
    spotopt__free(context, metrics);
    spotopt__context_drop(context);
}
