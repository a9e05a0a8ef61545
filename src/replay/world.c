/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.c - the past as it goes by: prices and capacity of every pool at a moment, and what falls
 * until the next one.
 *
 * A pool's capacity is the History series of its id, else the spot series of its type and zone. A
 * count of nodes that falls from a to b takes back (a - b) / a of whatever is held in the pool; at
 * 0 nothing can be launched there. While a series is not observed nothing is launched and nothing
 * is lost; what the next row shows to be less is lost then. A spot pool that no series watches is
 * left out once there is a history: nobody knows what would have become of a node there. On-demand
 * pools are always to be had.
 *
 * A price holds from its row on. Before its first row a pool with rows has no price and cannot be
 * bought; a pool without rows keeps the catalog's price. Rows of all pools are sorted by time once
 * and then only walked.
 */
#include "replay/world.h"
#include <stdlib.h>

static int
by_time(const void *a, const void *b)
{
    const spotopt__change *x = a, *y = b;

    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    if (x->pool != y->pool)
        return x->pool < y->pool ? -1 : 1;
    /* An observation may begin where the last one ended. */
    return isnan(x->value) && !isnan(y->value) ? -1 : !isnan(x->value) && isnan(y->value) ? 1 : 0;
}

static int
by_pool(const void *a, const void *b)
{
    const spotopt__fall *x = a, *y = b;

    if (x->pool != y->pool)
        return x->pool < y->pool ? -1 : 1;
    return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

static const char *
place_text(spotopt__arena *arena, const char *type, const char *zone)
{
    size_t a = strlen(type), b = strlen(zone);
    char *text = spotopt__arena_alloc(arena, a + b + 2, 1);

    if (text == NULL)
        return NULL;
    memcpy(text, type, a);
    text[a] = '\n';
    memcpy(text + a + 1, zone, b + 1);
    return text;
}

/* Which series tells of which pool. */
static bool
join(spotopt__world *world)
{
    spotopt__arena arena;
    spotopt__map by_place;
    bool is_fine = true;

    spotopt__arena_init(&arena, world->context);
    spotopt__map_init(&by_place, world->context);
    for (size_t i = 0; is_fine && i < world->history->series.count; i++) {
        const spotopt__series *series = &world->history->series.at[i];
        const char *place = place_text(&arena, series->instance_type, series->zone);

        is_fine = place != NULL && spotopt__map_put(&by_place, place, (uint32_t)i, NULL);
    }
    for (size_t p = 0; is_fine && p < world->pools; p++) {
        const spotopt__pool *pool = &world->catalog->pools.at[p];
        const char *place;

        if (pool->purchase != SPOTOPT__SPOT)
            continue;
        world->series[p] = spotopt__map_get(&world->history->series_by_pool, pool->id);
        if (world->series[p] == SPOTOPT__NONE) {
            place = place_text(&arena, world->catalog->types.at[pool->type].name, pool->zone);
            is_fine = place != NULL;
            world->series[p] = is_fine ? spotopt__map_get(&by_place, place) : SPOTOPT__NONE;
        }
        world->is_known[p] = world->series[p] != SPOTOPT__NONE;
    }
    spotopt__map_free(&by_place);
    spotopt__arena_free(&arena);
    return is_fine;
}

static bool
list_capacity(spotopt__world *world)
{
    for (size_t p = 0; p < world->pools; p++) {
        const spotopt__series *series;

        if (world->series[p] == SPOTOPT__NONE)
            continue;
        series = &world->history->series.at[world->series[p]];
        if (!spotopt__vec_reserve(world->context, &world->capacity, series->count))
            return false;
        for (size_t i = series->first; i < series->first + series->count; i++)
            world->capacity.at[world->capacity.count++] = (spotopt__change){
                world->history->time_s[i], world->history->nodes_up[i], (uint32_t)p};
    }
    if (world->capacity.count > 0)
        qsort(world->capacity.at, world->capacity.count, sizeof *world->capacity.at, by_time);
    return true;
}

static bool
list_prices(spotopt__world *world, const spotopt_price_history *prices)
{
    for (size_t i = 0; i < prices->tracks.count; i++) {
        const spotopt__track *track = &prices->tracks.at[i];
        uint32_t pool = spotopt__map_get(&world->catalog->pool_by_id, track->key);

        if (pool == SPOTOPT__NONE)
            continue;
        if (!spotopt__vec_reserve(world->context, &world->prices, track->count))
            return false;
        for (size_t k = track->first; k < track->first + track->count; k++)
            world->prices.at[world->prices.count++] =
                (spotopt__change){prices->time_s[k], prices->usd_per_h[k], pool};
    }
    if (world->prices.count > 0)
        qsort(world->prices.at, world->prices.count, sizeof *world->prices.at, by_time);
    return true;
}

void
spotopt__world_rewind(spotopt__world *world)
{
    world->next_capacity = world->next_price = 0;
    world->now_s = -INFINITY;
    world->price_version = 0;
    world->falls.count = 0;
    for (size_t p = 0; p < world->pools; p++) {
        world->price[p] = world->catalog->pools.at[p].usd_per_h;
        world->nodes[p] = world->last_nodes[p] = NAN;
        world->is_up[p] = world->series[p] == SPOTOPT__NONE && world->is_known[p];
    }
    for (size_t i = 0; i < world->prices.count; i++)
        world->price[world->prices.at[i].pool] = NAN;
}

bool
spotopt__world_init(spotopt__world *world, spotopt_context *context, const spotopt_catalog *catalog,
                    const spotopt_history *history, const spotopt_price_history *prices)
{
    const size_t pools = catalog->pools.count;

    *world = (spotopt__world){
        .context = context, .catalog = catalog, .history = history, .pools = pools};
    world->series = spotopt__alloc_array(context, pools + 1, sizeof *world->series);
    world->is_known = spotopt__alloc_array(context, pools + 1, sizeof *world->is_known);
    world->is_up = spotopt__alloc_array(context, pools + 1, sizeof *world->is_up);
    world->price = spotopt__alloc_array(context, pools + 1, sizeof *world->price);
    world->nodes = spotopt__alloc_array(context, pools + 1, sizeof *world->nodes);
    world->last_nodes = spotopt__alloc_array(context, pools + 1, sizeof *world->last_nodes);
    world->peek = spotopt__alloc_array(context, pools + 1, sizeof *world->peek);
    if (world->series == NULL || world->is_known == NULL || world->is_up == NULL ||
        world->price == NULL || world->nodes == NULL || world->last_nodes == NULL ||
        world->peek == NULL)
        return false;
    for (size_t p = 0; p < pools; p++) {
        world->series[p] = SPOTOPT__NONE;
        world->is_known[p] = true;
    }
    if (history != NULL && (!join(world) || !list_capacity(world)))
        return false;
    if (prices != NULL && !list_prices(world, prices))
        return false;
    spotopt__world_rewind(world);
    return true;
}

void
spotopt__world_free(spotopt__world *world)
{
    spotopt__free(world->context, world->series);
    spotopt__free(world->context, world->is_known);
    spotopt__free(world->context, world->is_up);
    spotopt__free(world->context, world->price);
    spotopt__free(world->context, world->nodes);
    spotopt__free(world->context, world->last_nodes);
    spotopt__free(world->context, world->peek);
    spotopt__vec_free(world->context, &world->falls);
    spotopt__vec_free(world->context, &world->capacity);
    spotopt__vec_free(world->context, &world->prices);
}

void
spotopt__world_go(spotopt__world *world, double time_s)
{
    for (; world->next_capacity < world->capacity.count; world->next_capacity++) {
        const spotopt__change *change = &world->capacity.at[world->next_capacity];

        if (change->time_s > time_s)
            break;
        world->nodes[change->pool] = change->value;
        world->is_up[change->pool] = change->value > 0.0; /* false for NaN */
        if (!isnan(change->value))
            world->last_nodes[change->pool] = change->value;
    }
    for (; world->next_price < world->prices.count; world->next_price++) {
        const spotopt__change *change = &world->prices.at[world->next_price];

        if (change->time_s > time_s)
            break;
        world->price[change->pool] = change->value;
        world->price_version++;
    }
    world->now_s = time_s;
}

bool
spotopt__world_ahead(spotopt__world *world, double until_s)
{
    world->falls.count = 0;
    for (size_t i = world->next_capacity; i < world->capacity.count; i++) {
        const spotopt__change *change = &world->capacity.at[i];

        if (change->time_s > until_s)
            break;
        world->peek[change->pool] = world->last_nodes[change->pool];
    }
    for (size_t i = world->next_capacity; i < world->capacity.count; i++) {
        const spotopt__change *change = &world->capacity.at[i];
        double *before = &world->peek[change->pool];

        if (change->time_s > until_s)
            break;
        if (isnan(change->value))
            continue;
        if (change->value < *before && /* false where nothing was known before */
            !spotopt__vec_push(
                world->context, &world->falls,
                (spotopt__fall){change->pool, change->time_s, *before, change->value}))
            return false;
        *before = change->value;
    }
    if (world->falls.count > 1)
        qsort(world->falls.at, world->falls.count, sizeof *world->falls.at, by_pool);
    return true;
}

double
spotopt__world_end(const spotopt__world *world)
{
    if (world->history != NULL && world->capacity.count > 0)
        return world->capacity.at[world->capacity.count - 1].time_s;
    return world->prices.count > 0 ? world->prices.at[world->prices.count - 1].time_s : NAN;
}
