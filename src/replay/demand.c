/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demand.c - what a demand fits on, how many replicas it wants now, and what it would cost
 * on-demand.
 *
 * A demand has nodes of its own: a pool's node holds as many of its replicas as its allocatable
 * amounts allow, and n replicas in a pool are ceil(n / that) nodes. The on-demand equivalent is the
 * cheapest such fleet of one on-demand pool.
 */
#include "replay/replay.h"

#define MIB 1048576.0
#define PER_NODE_MAX 1000000.0

double
spotopt__nodes_for(double replicas, uint32_t per_node)
{
    return ceil(replicas / per_node);
}

/* How often `ask` goes into what a type offers of a resource. */
static double
times_in(const spotopt__type *type, uint32_t resource, double ask)
{
    int64_t offer = resource == SPOTOPT__NONE ? 0 : type->allocatable.of[resource];

    if (!(ask > 0.0))
        return INFINITY;
    return offer == SPOTOPT__AMOUNT_UNKNOWN ? 0.0 : floor((double)offer / ask);
}

static uint32_t
per_node(const spotopt_catalog *catalog, const spotopt__type *type, const spotopt__ask *ask)
{
    double times = times_in(type, SPOTOPT__CPU, ask->cpu_milli);

    times = fmin(times, times_in(type, SPOTOPT__MEMORY, ask->memory_mib * MIB));
    times =
        fmin(times, times_in(type, spotopt__resources_find(&catalog->resources, "nvidia.com/gpu"),
                             ask->gpu));
    if (type->allocatable.of[SPOTOPT__PODS] != SPOTOPT__AMOUNT_UNKNOWN)
        times = fmin(times, (double)type->allocatable.of[SPOTOPT__PODS]);
    else
        times = fmin(times, SPOTOPT__PODS_DEFAULT);
    return times >= 1.0 ? (uint32_t)fmin(times, PER_NODE_MAX) : 0;
}

spotopt_status
spotopt__wanted_init(spotopt__wanted *wanted, spotopt__arena *arena, const spotopt__world *world,
                     const uint32_t *zone_of, const spotopt_demand_history *history, size_t index,
                     spotopt_error *err)
{
    const spotopt_catalog *catalog = world->catalog;
    const spotopt__track *track = &history->tracks.at[index];
    char quoted[SPOTOPT__QUOTE_SIZE];

    *wanted = (spotopt__wanted){.name = track->key, .history = history, .track = track};
    for (size_t i = track->first; i < track->first + track->count; i++)
        wanted->most = fmax(wanted->most, history->count[i]);
    wanted->fits = spotopt__arena_alloc(arena, world->pools + 1, sizeof *wanted->fits);
    if (wanted->fits == NULL)
        return spotopt__nomem(err, "a replay");
    for (size_t p = 0; p < world->pools; p++) {
        const spotopt__pool *pool = &catalog->pools.at[p];
        uint32_t room;

        if (!world->is_known[p])
            continue;
        room = per_node(catalog, &catalog->types.at[pool->type], &history->asks.at[index]);
        if (room > 0)
            wanted->fits[wanted->fit_count++] = (spotopt__fitting){
                (uint32_t)p, room, zone_of[p], pool->purchase == SPOTOPT__ON_DEMAND};
    }
    if (wanted->fit_count == 0 && wanted->most > 0.0)
        return spotopt__fail(err, SPOTOPT_E_INPUT,
                             "demand %s fits no pool of the catalog that is on-demand or in the "
                             "history",
                             spotopt__quote(wanted->name, quoted));
    return SPOTOPT_OK;
}

void
spotopt__wanted_rewind(spotopt__wanted *wanted)
{
    wanted->next = 0;
    wanted->count = wanted->before = 0.0;
    wanted->has_rate = false;
}

void
spotopt__wanted_go(spotopt__wanted *wanted, const spotopt__world *world)
{
    const double *time_s = wanted->history->time_s + wanted->track->first;
    double dearest = 0.0, cheapest = NAN;

    wanted->before = wanted->count;
    while (wanted->next < wanted->track->count && time_s[wanted->next] <= world->now_s)
        wanted->count = wanted->history->count[wanted->track->first + wanted->next++];
    if (wanted->has_rate && wanted->count == wanted->before &&
        wanted->price_version == world->price_version)
        return;
    for (size_t i = 0; i < wanted->fit_count && wanted->count > 0.0; i++) {
        const spotopt__fitting *fit = &wanted->fits[i];
        double usd = world->price[fit->pool] * spotopt__nodes_for(wanted->count, fit->per_node);

        if (isnan(usd))
            continue;
        dearest = fmax(dearest, usd);
        if (fit->is_on_demand)
            cheapest = fmin(cheapest, usd);
    }
    wanted->on_demand_usd_per_h = wanted->count > 0.0 ? cheapest : 0.0;
    wanted->replica_usd_per_h =
        wanted->count > 0.0 ? (isnan(cheapest) ? dearest : cheapest) / wanted->count : 0.0;
    wanted->price_version = world->price_version;
    wanted->has_rate = true;
}
