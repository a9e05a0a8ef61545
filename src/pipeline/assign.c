/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assign.c - from counts back to pods.
 *
 * A packing says how many replicas of a demand each node holds. Pods that must stay are seated
 * first, then residents up to their node's count, then everybody else in list order: fewest moves,
 * and the same answer each time.
 */
#include <stdio.h>

#include "pipeline/decide.h"

static uint32_t *
find_hold(const spotopt_packing_row *row, uint32_t *left, uint32_t demand)
{
    uint32_t low = 0, high = row->hold_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (row->demands[middle] < demand)
            low = middle + 1;
        else
            high = middle;
    }
    return low < row->hold_count && row->demands[low] == demand ? &left[low] : NULL;
}

static spotopt_status
add_launches(const spotopt__scene *scene, const spotopt__translation *t,
             const spotopt_packing_row *row, spotopt__decision *decision, spotopt_error *err)
{
    uint32_t pool = t->pool_catalog[row->pool];

    for (uint32_t i = 0; i < row->count; i++) {
        spotopt__new_node node = {
            .pool = pool, .usd_per_h = t->pool_usd[row->pool], .room = scene->pools[pool].room};
        char name[32];

        /* A name of the cluster's own would be taken for that node. */
        snprintf(name, sizeof name, "new-%zu", decision->launches.count + 1);
        while (spotopt__map_get(&scene->cluster->node_by_name, name) != SPOTOPT__NONE &&
               strlen(name) + 2 < sizeof name)
            strcat(name, "x");
        node.cost =
            node.usd_per_h + scene->pools[pool].losses_per_h * scene->policy->interruption_usd;
        node.name = spotopt__arena_text(&decision->arena, name, strlen(name));
        if (node.name == NULL || !spotopt__vec_push(decision->context, &decision->launches, node))
            return spotopt__nomem(err, "new nodes");
    }
    return SPOTOPT_OK;
}

/* Seats residents of running nodes; fixed ones in the first pass, the rest in the second. */
static void
seat_residents(const spotopt__scene *scene, const spotopt__translation *t,
               const spotopt_packing_row *rows, uint32_t **left, const uint32_t *row_of_node,
               const unsigned char *fixed, bool only_fixed, spotopt__decision *decision)
{
    for (uint32_t d = 0; d < t->demand_count; d++) {
        for (uint32_t i = t->pod_start[d]; i < t->pod_start[d + 1]; i++) {
            uint32_t pod = t->pods[i], node = scene->cluster->pods.at[pod].node;
            bool must =
                node != SPOTOPT__NONE && (scene->nodes[node].untouched != NULL || fixed[pod]);

            if (node == SPOTOPT__NONE || row_of_node[node] == SPOTOPT__NONE || must != only_fixed ||
                decision->target[pod] != SPOTOPT__NONE)
                continue;
            uint32_t row = row_of_node[node];
            uint32_t *seat = find_hold(&rows[row], left[row], d);

            if (seat != NULL && *seat > 0) {
                --*seat;
                decision->target[pod] = node;
            }
        }
    }
}

static spotopt_status
seat_others(const spotopt__scene *scene, const spotopt__translation *t,
            const spotopt_packing *packing, const spotopt_packing_row *rows, size_t row_count,
            uint32_t **left, const uint32_t *first_launch, spotopt__decision *decision,
            spotopt_error *err)
{
    uint32_t *next =
        spotopt__alloc_array(decision->context, (size_t)t->demand_count + 1, sizeof *next);
    const char **why =
        spotopt__alloc_array(decision->context, (size_t)t->demand_count + 1, sizeof *why);
    spotopt_status status = SPOTOPT_OK;

    if (next == NULL || why == NULL) {
        status = spotopt__nomem(err, "seats");
        goto done;
    }
    for (uint32_t d = 0; d < t->demand_count; d++)
        next[d] = t->pod_start[d];
    for (size_t r = 0; r < row_count; r++) {
        for (uint32_t copy = 0; copy < rows[r].count; copy++) {
            uint32_t node = rows[r].node == SPOTOPT_NO_NODE
                                ? (uint32_t)scene->cluster->nodes.count + first_launch[r] + copy
                                : t->node_cluster[rows[r].node];

            for (uint32_t h = 0; h < rows[r].hold_count; h++) {
                uint32_t d = rows[r].demands[h];
                uint32_t seats_left =
                    rows[r].node == SPOTOPT_NO_NODE ? rows[r].replicas[h] : left[r][h];

                while (seats_left > 0 && next[d] < t->pod_start[d + 1]) {
                    uint32_t pod = t->pods[next[d]++];

                    if (decision->target[pod] == SPOTOPT__NONE) {
                        decision->target[pod] = node;
                        seats_left--;
                    }
                }
            }
        }
    }
    for (size_t i = 0; i < spotopt_packing_why_count(packing); i++) {
        uint32_t d = 0;
        const char *text = spotopt_packing_why_at(packing, i, &d);

        if (text != NULL && d < t->demand_count && why[d] == NULL)
            why[d] = spotopt__arena_text(&decision->arena, text, strlen(text));
    }
    for (uint32_t i = 0; i < t->pod_start[t->demand_count]; i++) {
        uint32_t pod = t->pods[i], d = t->shape_demand[scene->cluster->pods.at[pod].shape];

        if (decision->target[pod] == SPOTOPT__NONE &&
            !spotopt__vec_push(
                decision->context, &decision->unplaced,
                (spotopt__left_out){pod, why[d] != NULL ? why[d] : "no room was found for it"})) {
            status = spotopt__nomem(err, "unplaced pods");
            goto done;
        }
    }
done:
    spotopt__free(decision->context, next);
    spotopt__free(decision->context, why);
    return status;
}

spotopt_status
spotopt__assign(const spotopt__scene *scene, const spotopt__translation *t,
                const spotopt_packing *packing, const unsigned char *fixed,
                spotopt__decision *decision, spotopt_error *err)
{
    size_t row_count = spotopt_packing_row_count(packing), nodes = scene->cluster->nodes.count;
    spotopt_packing_row *rows =
        spotopt__alloc_array(decision->context, row_count + 1, sizeof *rows);
    uint32_t **left = spotopt__alloc_array(decision->context, row_count + 1, sizeof *left);
    uint32_t *first_launch =
        spotopt__alloc_array(decision->context, row_count + 1, sizeof *first_launch);
    uint32_t *row_of_node = spotopt__alloc_array(decision->context, nodes + 1, sizeof *row_of_node);
    spotopt_status status = SPOTOPT_OK;

    if (rows == NULL || left == NULL || first_launch == NULL || row_of_node == NULL) {
        status = spotopt__nomem(err, "an assignment");
        goto done;
    }
    decision->launches.count = 0;
    decision->unplaced.count = decision->hopeless;
    for (size_t i = 0; i < scene->cluster->pods.count; i++)
        decision->target[i] = SPOTOPT__NONE;
    for (size_t n = 0; n < nodes; n++) {
        row_of_node[n] = SPOTOPT__NONE;
        /* What took no part stays, unless it is on its way out. */
        decision->keeps[n] = scene->nodes[n].untouched != NULL;
    }
    for (size_t r = 0; r < row_count && status == SPOTOPT_OK; r++) {
        rows[r].size = sizeof rows[r];
        if ((status = spotopt_packing_row_at(packing, r, &rows[r], err)) != SPOTOPT_OK)
            break;
        if (rows[r].node == SPOTOPT_NO_NODE) {
            first_launch[r] = (uint32_t)decision->launches.count;
            status = add_launches(scene, t, &rows[r], decision, err);
            continue;
        }
        row_of_node[t->node_cluster[rows[r].node]] = (uint32_t)r;
        decision->keeps[t->node_cluster[rows[r].node]] = 1;
        left[r] = spotopt__alloc_array(decision->context, rows[r].hold_count + 1u, sizeof **left);
        if (left[r] == NULL)
            status = spotopt__nomem(err, "an assignment");
        else if (rows[r].hold_count > 0)
            memcpy(left[r], rows[r].replicas, rows[r].hold_count * sizeof **left);
    }
    if (status == SPOTOPT_OK) {
        seat_residents(scene, t, rows, left, row_of_node, fixed, true, decision);
        seat_residents(scene, t, rows, left, row_of_node, fixed, false, decision);
        status = seat_others(scene, t, packing, rows, row_count, left, first_launch, decision, err);
    }
done:
    for (size_t r = 0; r < row_count && left != NULL; r++)
        spotopt__free(decision->context, left[r]);
    spotopt__free(decision->context, rows);
    spotopt__free(decision->context, left);
    spotopt__free(decision->context, first_launch);
    spotopt__free(decision->context, row_of_node);
    return status;
}
