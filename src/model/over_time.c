/* SPDX-License-Identifier: Apache-2.0 */
/*
 * over_time.c - prices and demands over time: their lives. The reader is src/io/csv_over_time.c.
 */
#include "model/over_time.h"

void
spotopt_price_history_free(spotopt_price_history *prices)
{
    if (prices == NULL)
        return;
    spotopt_context *context = prices->context;
    spotopt__vec_free(context, &prices->tracks);
    spotopt__map_free(&prices->by_pool);
    spotopt__free(context, prices->time_s);
    spotopt__free(context, prices->usd_per_h);
    spotopt__arena_free(&prices->arena);
    spotopt__free(context, prices);
    spotopt__context_drop(context);
}

size_t
spotopt_price_history_count(const spotopt_price_history *prices)
{
    return prices->rows;
}

void
spotopt_demand_history_free(spotopt_demand_history *demands)
{
    if (demands == NULL)
        return;
    spotopt_context *context = demands->context;
    spotopt__vec_free(context, &demands->tracks);
    spotopt__vec_free(context, &demands->asks);
    spotopt__map_free(&demands->by_name);
    spotopt__free(context, demands->time_s);
    spotopt__free(context, demands->count);
    spotopt__arena_free(&demands->arena);
    spotopt__free(context, demands);
    spotopt__context_drop(context);
}

size_t
spotopt_demand_history_count(const spotopt_demand_history *demands)
{
    return demands->tracks.count;
}
