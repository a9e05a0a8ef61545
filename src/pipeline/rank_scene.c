/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank_scene.c - the pools that came through the funnel, best first.
 *
 * Cost alone for the time being: price per request that fits, ties by price and id.
 */
#include <stdlib.h>

#include "pipeline/screen.h"

typedef struct ranked {
    double need;
    double usd;
    const char *id;
    uint32_t pool;
} ranked;

static int
by_need(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->need != y->need)
        return x->need < y->need ? -1 : 1;
    if (x->usd != y->usd)
        return x->usd < y->usd ? -1 : 1;
    return strcmp(x->id, y->id);
}

spotopt_status
spotopt__rank_scene(spotopt__scene *scene, const spotopt__amounts *request, spotopt_error *err)
{
    ranked *rows = spotopt__alloc_array(scene->context, scene->place_count + 1u, sizeof *rows);

    if (rows == NULL)
        return spotopt__nomem(err, "a ranking");
    for (uint32_t i = 0; i < scene->place_count; i++) {
        uint32_t pool = scene->by_place[i];
        double fits = INFINITY;

        for (uint32_t r = 0; r < scene->cluster->resources.count; r++) {
            if (request->of[r] > 0)
                fits = fmin(fits,
                            floor((double)scene->pools[pool].room.of[r] / (double)request->of[r]));
        }
        rows[i] = (ranked){scene->catalog->pools.at[pool].usd_per_h / fmax(fits, 0.5),
                           scene->catalog->pools.at[pool].usd_per_h,
                           scene->catalog->pools.at[pool].id, pool};
    }
    qsort(rows, scene->place_count, sizeof *rows, by_need);
    for (uint32_t i = 0; i < scene->place_count; i++) {
        scene->by_place[i] = rows[i].pool;
        scene->pools[rows[i].pool].place = i;
        scene->pools[rows[i].pool].expected_usd_per_h = scene->pools[rows[i].pool].cost;
    }
    spotopt__free(scene->context, rows);
    return SPOTOPT_OK;
}

void
spotopt__rank_put_flags(uint32_t flags, spotopt__jw *jw)
{
    (void)flags;
    (void)jw;
}
