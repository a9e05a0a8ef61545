/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster.c - items that share a row of the pattern LP.
 *
 * With many shapes the program, not the packing, takes the time. Items of similar proportions then
 * share a row: so much of them together, each measured by its worth at the resource LP's prices,
 * must be placed. That is the sum of their own rows, weighted, so the program is a relaxation, its
 * prices are prices of each item (the row's times the item's measure) and prove what any prices
 * prove. Ranges of items are halved, the one with the most worth spread widest first, until there
 * are enough. Items that may be left out, run now or have other pools stay apart.
 */
#include "base/keyed.h"
#include "pack/master.h"

#define PER_SIZE 0.15 /* how much a size e times as large counts beside proportions */

typedef struct range {
    uint32_t first, count, feature;
    double spread; /* of the widest feature, times the worth of all */
} range;

/* At the resource LP's weights, which no lack of patterns has spoilt. */
static double
size_of(const spotopt__columns *m, uint32_t i)
{
    double all = 1e-12;

    for (uint32_t r = 0; r < m->model->resources; r++)
        all += m->search->builder.weight[r] * m->model->item[i].request[r];
    return all;
}

/* Feature 0 is the size, the others the resources' shares in it. */
static double
feature_of(const spotopt__columns *m, uint32_t i, uint32_t feature)
{
    if (feature == 0)
        return PER_SIZE * log(size_of(m, i));
    return m->search->builder.weight[feature - 1] * m->model->item[i].request[feature - 1] /
           size_of(m, i);
}

static void
measure(const spotopt__columns *m, const spotopt__keyed *list, range *at)
{
    double worth = 0.0;

    at->spread = 0.0;
    at->feature = 0;
    for (uint32_t j = 0; j < at->count; j++)
        worth += size_of(m, list[at->first + j].id) * m->left[list[at->first + j].id];
    for (uint32_t f = 0; f <= m->model->resources; f++) {
        double least = (double)INFINITY, most = (double)-INFINITY;
        for (uint32_t j = 0; j < at->count; j++) {
            double value = feature_of(m, list[at->first + j].id, f);
            least = fmin(least, value);
            most = fmax(most, value);
        }
        if (at->count > 1 && (most - least) * worth > at->spread) {
            at->spread = (most - least) * worth;
            at->feature = f;
        }
    }
}

static bool
stays_apart(const spotopt__columns *m, uint32_t i)
{
    return isfinite(m->model->item[i].unplaced_cost) || m->model->item[i].residents > 0;
}

/* Halves the most spread range, so that each half has as much worth; false when none is spread. */
static bool
halve(const spotopt__columns *m, spotopt__keyed *list, range *ranges, uint32_t *count)
{
    uint32_t widest = 0, cut = 0;
    double worth = 0.0, sum = 0.0;
    range *at;

    for (uint32_t g = 1; g < *count; g++)
        widest = ranges[g].spread > ranges[widest].spread ? g : widest;
    at = &ranges[widest];
    if (!(at->spread > 0.0))
        return false;
    for (uint32_t j = 0; j < at->count; j++) {
        spotopt__keyed *one = &list[at->first + j];
        one->key = feature_of(m, one->id, at->feature);
        worth += size_of(m, one->id) * m->left[one->id];
    }
    spotopt__keyed_descending(list + at->first, at->count);
    while (cut + 1 < at->count && (cut == 0 || sum < 0.5 * worth)) {
        uint32_t i = list[at->first + cut++].id;
        sum += size_of(m, i) * m->left[i];
    }
    ranges[*count] = (range){at->first + cut, at->count - cut, 0, 0.0};
    at->count = cut;
    measure(m, list, at);
    measure(m, list, &ranges[(*count)++]);
    return true;
}

bool
spotopt__columns_cluster(spotopt__columns *m, uint32_t most)
{
    const spotopt__model *model = m->model;
    spotopt__keyed *list =
        spotopt__alloc_array(m->context, (size_t)m->listed_count + 1, sizeof *list);
    range *ranges = spotopt__alloc_array(m->context, (size_t)m->listed_count + 1, sizeof *ranges);
    uint32_t count = 0, listed = 0;
    bool ok = list != NULL && ranges != NULL;

    for (uint32_t j = 0; j < m->listed_count && ok; j++) /* equal sets of pools together */
        list[j] = (spotopt__keyed){m->model->item[m->listed[j]].allowed_set, m->listed[j]};
    if (ok)
        spotopt__keyed_descending(list, m->listed_count);
    while (ok && listed < m->listed_count) {
        range made = {listed, 1, 0, 0.0};
        uint32_t set = model->item[list[listed].id].allowed_set;
        while (!stays_apart(m, list[listed].id) && listed + made.count < m->listed_count &&
               model->item[list[listed + made.count].id].allowed_set == set &&
               !stays_apart(m, list[listed + made.count].id))
            made.count++;
        listed += made.count;
        measure(m, list, &made);
        ranges[count++] = made;
    }
    while (ok && count < most && halve(m, list, ranges, &count))
        ;
    for (uint32_t g = 0; g < count && ok; g++) {
        double mean = 0.0, left = 0.0;
        for (uint32_t j = ranges[g].first; j < ranges[g].first + ranges[g].count; j++) {
            mean += size_of(m, list[j].id) * m->left[list[j].id];
            left += m->left[list[j].id];
        }
        for (uint32_t j = ranges[g].first; j < ranges[g].first + ranges[g].count; j++) {
            m->item_row[list[j].id] = g;
            m->measure[list[j].id] =
                ranges[g].count == 1 ? 1.0 : size_of(m, list[j].id) * left / mean;
        }
    }
    m->items = count;
    spotopt__free(m->context, list);
    spotopt__free(m->context, ranges);
    return ok;
}
