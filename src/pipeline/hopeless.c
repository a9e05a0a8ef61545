/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hopeless.c - pods that no plan can help, named before anything is packed.
 *
 * A pod that waits and fits nowhere is left out with its reason, so that it costs nobody the bound.
 * One that runs where no new one of its kind could go (its node's labels changed, its companion is
 * gone) stays where it is: a plan never evicts what it cannot place again.
 */
#include <stdio.h>

#include "pipeline/decide.h"

/* A required pod affinity that selects no pod at all, itself included, holds a pod back for ever.
 */
static bool
waits_for_nobody(const spotopt_cluster *cluster, const spotopt__shape *shape,
                 const unsigned char *is_used)
{
    for (uint32_t i = 0; i < shape->affinity_count; i++) {
        bool any = false;

        for (size_t s = 0; s < cluster->shapes.count && !any; s++)
            any = is_used[s] &&
                  spotopt__pod_term_matches(cluster, &shape->affinity[i], cluster->shapes.at[s].ns,
                                            &cluster->shapes.at[s].labels);
        if (!any)
            return true;
    }
    return false;
}

static bool
fits_a_node(const spotopt__scene *scene, const spotopt__shape *shape)
{
    for (size_t n = 0; n < scene->cluster->nodes.count; n++) {
        const spotopt__node *node = &scene->cluster->nodes.at[n];

        if (scene->nodes[n].accepts_new &&
            spotopt__has_room(scene->cluster, shape, &scene->nodes[n].room) &&
            spotopt__shape_allows(shape, &node->labels, node->name, node->taints, node->taint_count,
                                  NULL))
            return true;
    }
    return false;
}

/* The resource that is short in every pool that the shape may use, or that no single pool has them
 * all. */
static const char *
explain_size(spotopt__scene *scene, const spotopt__shape *shape)
{
    const spotopt_cluster *cluster = scene->cluster;
    char text[400], amount[SPOTOPT__REAL_SIZE], most[SPOTOPT__REAL_SIZE];

    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        const bool is_bytes = r == SPOTOPT__MEMORY || r == SPOTOPT__STORAGE;
        const double unit = is_bytes ? 1048576.0 : 1.0;
        int64_t largest = -1;
        const char *id = "";

        for (uint32_t i = 0; i < scene->place_count; i++) {
            const spotopt__scene_pool *pool = &scene->pools[scene->by_place[i]];

            if (pool->room.of[r] > largest &&
                spotopt__shape_allows(shape, &pool->labels, "", NULL, 0, NULL)) {
                largest = pool->room.of[r];
                id = scene->catalog->pools.at[scene->by_place[i]].id;
            }
        }
        if (shape->request.of[r] <= largest)
            continue;
        spotopt__write_real((double)shape->request.of[r] / unit, amount);
        spotopt__write_real((double)largest / unit, most);
        (void)snprintf(text, sizeof text,
                       "no pool that it may use offers %.60s %s%s; the largest is %.120s with %s",
                       cluster->resources.name[r], amount,
                       r == SPOTOPT__CPU ? " millicores"
                       : is_bytes        ? " MiB"
                                         : "",
                       id, most);
        return spotopt__arena_text(&scene->arena, text, strlen(text));
    }
    return "no single pool that it may use offers all that it requests at once";
}

/* Why no new pod of the shape can be placed anywhere; NULL: it can. */
static const char *
why_hopeless(spotopt__scene *scene, const spotopt__shape *shape, const unsigned char *is_used)
{
    char text[400];
    const char *why = NULL;
    bool is_allowed = false;

    if (waits_for_nobody(scene->cluster, shape, is_used))
        return "its required pod affinity selects no pod";
    for (uint32_t i = 0; i < scene->place_count; i++) {
        const spotopt__scene_pool *pool = &scene->pools[scene->by_place[i]];
        const char *refusal = NULL;

        if (spotopt__shape_allows(shape, &pool->labels, "", NULL, 0, &refusal)) {
            if (spotopt__has_room(scene->cluster, shape, &pool->room))
                return NULL;
            is_allowed = true;
        } else if (why == NULL) {
            why = refusal;
        }
    }
    if (fits_a_node(scene, shape))
        return NULL;
    if (is_allowed)
        return explain_size(scene, shape);
    (void)snprintf(text, sizeof text, "no pool and no running node satisfies its %.100s",
                   why != NULL              ? why
                   : scene->place_count > 0 ? "constraints"
                                            : "requests: no pool came through the funnel");
    return spotopt__arena_text(&scene->arena, text, strlen(text));
}

/* One round: new pods out, or -1 without memory. */
static int64_t
mark_hopeless(spotopt__scene *scene, unsigned char *is_used, const char **why, unsigned char *fixed,
              unsigned char *out, spotopt__left_outs *left_out)
{
    const spotopt_cluster *cluster = scene->cluster;
    int64_t news = 0;

    memset(is_used, 0, cluster->shapes.count);
    for (size_t i = 0; i < cluster->pods.count; i++)
        is_used[cluster->pods.at[i].shape] |= !out[i] && spotopt__pod_counts(&cluster->pods.at[i]);
    for (size_t s = 0; s < cluster->shapes.count; s++)
        why[s] = is_used[s] ? why_hopeless(scene, &cluster->shapes.at[s], is_used) : NULL;
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (why[pod->shape] == NULL || out[i] || !spotopt__pod_counts(pod))
            continue;
        if (pod->node != SPOTOPT__NONE) {
            fixed[i] = 1;
            continue;
        }
        out[i] = 1;
        news++;
        if (!spotopt__vec_push(scene->context, left_out, (spotopt__left_out){i, why[pod->shape]}))
            return -1;
    }
    return news;
}

spotopt_status
spotopt__find_hopeless(spotopt__scene *scene, unsigned char *fixed, unsigned char *out,
                       spotopt__left_outs *left_out, spotopt_error *err)
{
    size_t shapes = scene->cluster->shapes.count + 1;
    unsigned char *is_used = spotopt__alloc_array(scene->context, shapes, 1);
    const char **why = spotopt__alloc_array(scene->context, shapes, sizeof *why);
    int64_t news = is_used == NULL || why == NULL ? -1 : 1;

    /* Who waits for company that stays out stays out as well. */
    while (news > 0)
        news = mark_hopeless(scene, is_used, why, fixed, out, left_out);
    spotopt__free(scene->context, is_used);
    spotopt__free(scene->context, why);
    return news < 0 ? spotopt__nomem(err, "pods that fit nowhere") : SPOTOPT_OK;
}
