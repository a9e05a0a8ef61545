/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alternates.c - what to launch instead, should a chosen pool have nothing to give.
 *
 * The best other pools by rank that could take over any of its planned nodes as it is: every pod on
 * them may run there, and the fullest fits.
 */
#include "pipeline/scene.h"

/* Most of each resource that one node of the pool holds, and which shapes its nodes hold. False: no
 * memory. */
static bool
sum_up(const spotopt__scene *scene, const uint32_t *target, const uint32_t *node_pool,
       size_t node_count, uint32_t pool, spotopt__amounts *most, unsigned char *holds)
{
    const spotopt_cluster *cluster = scene->cluster;
    spotopt__amounts *load = spotopt__alloc_array(scene->context, node_count + 1, sizeof *load);

    if (load == NULL)
        return false;
    memset(most, 0, sizeof *most);
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const uint32_t node = target[i], shape = cluster->pods.at[i].shape;

        if (node == SPOTOPT__NONE || node_pool[node] != pool)
            continue;
        holds[shape] = 1;
        for (uint32_t r = 0; r < cluster->resources.count; r++) {
            load[node].of[r] += cluster->shapes.at[shape].request.of[r];
            if (load[node].of[r] > most->of[r])
                most->of[r] = load[node].of[r];
        }
    }
    spotopt__free(scene->context, load);
    return true;
}

static bool
could_take_over(const spotopt__scene *scene, uint32_t pool, const spotopt__amounts *most,
                const unsigned char *holds)
{
    const spotopt_cluster *cluster = scene->cluster;

    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        if (most->of[r] > scene->pools[pool].room.of[r])
            return false;
    }
    for (size_t s = 0; s < cluster->shapes.count; s++) {
        if (holds[s] && !spotopt__shape_allows(&cluster->shapes.at[s], &scene->pools[pool].labels,
                                               "", NULL, 0, NULL))
            return false;
    }
    return true;
}

bool
spotopt__find_alternates(const spotopt__scene *scene, const uint32_t *target,
                         const uint32_t *node_pool, size_t node_count, uint32_t pool,
                         uint32_t out[SPOTOPT__ALTERNATES], uint32_t *out_count)
{
    unsigned char *holds =
        spotopt__alloc_array(scene->context, scene->cluster->shapes.count + 1, 1);
    spotopt__amounts most;
    bool ok = holds != NULL && sum_up(scene, target, node_pool, node_count, pool, &most, holds);

    *out_count = 0;
    for (uint32_t k = 0; ok && k < scene->place_count && *out_count < SPOTOPT__ALTERNATES; k++) {
        if (scene->by_place[k] != pool && could_take_over(scene, scene->by_place[k], &most, holds))
            out[(*out_count)++] = scene->by_place[k];
    }
    spotopt__free(scene->context, holds);
    return ok;
}
