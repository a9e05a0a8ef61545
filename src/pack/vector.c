/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector.c - bare problems in several dimensions as vectors of small whole numbers, and plans from
 * what fill_vector.c finds.
 */
#include "pack/vector.h"

#define ITEMS_MOST 20000
#define CONTENT_MOST ((uint64_t)1 << 25) /* places in all bins */

struct spotopt__packer {
    const spotopt__bare *bare;
    spotopt__arena arena;
    spotopt__vector vector;
    spotopt__vfill fill;
    uint32_t *type_of; /* by item, ascending */
    uint32_t *first;   /* by type: its first item */
    uint32_t *next;    /* by type: its first item not yet given out */
    uint32_t *bin_of;  /* by item */
    spotopt__fill *fills;
    spotopt__walk *walk; /* or NULL */
    uint32_t walk_bins;  /* how many it wants; 0: not asked yet */
    uint64_t seed;
};

bool
spotopt__vector_suits(const spotopt__bare *bare)
{
    if (bare->pieces > ITEMS_MOST || bare->dims > 60)
        return false;
    for (uint32_t s = 0; s < bare->sorts; s++) {
        for (uint32_t r = 0; r < bare->dims; r++) {
            if (bare->sort[s].capacity[r] > SPOTOPT__VECTOR_MOST)
                return false;
        }
    }
    for (size_t k = 0; k < (size_t)bare->types * bare->dims; k++) {
        if (bare->size[k] > SPOTOPT__VECTOR_MOST)
            return false;
    }
    return true;
}

spotopt__packer *
spotopt__packer_new(const spotopt__bare *bare, spotopt__budget *budget, uint64_t seed,
                    bool *out_nomem)
{
    spotopt_context *context = bare->model->context;
    const uint32_t n = (uint32_t)bare->pieces, lanes = SPOTOPT__VECTOR_LANES(bare->dims);
    spotopt__packer *packer;
    int32_t *size, *capacity;
    uint32_t item = 0;

    *out_nomem = false;
    if (bare->sorts != 1 || bare->sort[0].limit < bare->pieces || !spotopt__vector_suits(bare))
        return NULL;
    for (uint32_t t = 0; t < bare->types; t++) {
        for (uint32_t r = 0; r < bare->dims; r++) {
            if (bare->size[(size_t)t * bare->dims + r] > bare->sort[0].capacity[r])
                return NULL;
        }
    }
    packer = spotopt__alloc(context, sizeof *packer);
    if (packer == NULL) {
        *out_nomem = true;
        return NULL;
    }
    packer->bare = bare;
    packer->seed = seed;
    spotopt__arena_init(&packer->arena, context);
    size = spotopt__arena_alloc(&packer->arena, (size_t)n * lanes, sizeof *size);
    capacity = spotopt__arena_alloc(&packer->arena, lanes, sizeof *capacity);
    packer->type_of = spotopt__arena_alloc(&packer->arena, n, sizeof(uint32_t));
    packer->bin_of = spotopt__arena_alloc(&packer->arena, n, sizeof(uint32_t));
    packer->first = spotopt__arena_alloc(&packer->arena, bare->types + 1, sizeof(uint32_t));
    packer->next = spotopt__arena_alloc(&packer->arena, bare->types + 1, sizeof(uint32_t));
    packer->fills = spotopt__arena_alloc(&packer->arena, bare->types, sizeof(spotopt__fill));
    if (size == NULL || capacity == NULL || packer->type_of == NULL || packer->bin_of == NULL ||
        packer->first == NULL || packer->next == NULL || packer->fills == NULL) {
        *out_nomem = true;
        spotopt__packer_free(packer);
        return NULL;
    }
    for (uint32_t t = 0; t < bare->types; t++) {
        packer->first[t] = item;
        for (uint32_t c = 0; c < bare->count[t]; c++, item++) {
            packer->type_of[item] = t;
            for (uint32_t r = 0; r < bare->dims; r++)
                size[(size_t)item * lanes + r] = (int32_t)bare->size[(size_t)t * bare->dims + r];
        }
    }
    for (uint32_t r = 0; r < bare->dims; r++)
        capacity[r] = (int32_t)bare->sort[0].capacity[r];
    packer->vector = (spotopt__vector){context, n, bare->dims, lanes, size, capacity};
    *out_nomem = !spotopt__vfill_init(&packer->fill, &packer->vector, budget, seed);
    if (*out_nomem || (uint64_t)packer->fill.most * n > CONTENT_MOST) {
        spotopt__packer_free(packer);
        return NULL;
    }
    return packer;
}

void
spotopt__packer_free(spotopt__packer *packer)
{
    if (packer == NULL)
        return;
    spotopt__walk_free(packer->walk);
    spotopt__vfill_free(&packer->fill);
    spotopt__arena_free(&packer->arena);
    spotopt__free(packer->bare->model->context, packer);
}

uint64_t
spotopt__packer_work(const spotopt__packer *packer)
{
    return spotopt__vfill_work(&packer->fill);
}

/* The best packing as a plan; equal bins stay apart. */
static bool
write_plan(spotopt__packer *packer, spotopt__plan *plan)
{
    const spotopt__vfill *fill = &packer->fill;
    const uint32_t n = packer->vector.items;
    uint32_t *start = packer->fill.order, *list = packer->fill.left; /* free between searches */

    spotopt__plan_clear(plan);
    memset(start, 0, n * sizeof *start);
    for (uint32_t i = 0; i < n; i++)
        start[fill->best[i]]++;
    for (uint32_t b = 0, sum = 0; b < fill->best_bins; b++) {
        sum += start[b];
        start[b] = sum;
    }
    for (uint32_t i = n; i-- > 0;)
        list[--start[fill->best[i]]] = i;
    for (uint32_t b = 0; b < fill->best_bins; b++) {
        uint32_t end = b + 1 < fill->best_bins ? start[b + 1] : n, fills = 0;
        for (uint32_t k = start[b]; k < end; k++) { /* items, hence types, ascend */
            uint32_t type = packer->type_of[list[k]];
            if (fills > 0 && packer->fills[fills - 1].type == type)
                packer->fills[fills - 1].count++;
            else
                packer->fills[fills++] = (spotopt__fill){type, 1};
        }
        if (!spotopt__plan_add(plan, packer->bare, 0, 1, packer->fills, fills))
            return false;
    }
    return true;
}

/* Items to the bins of a plan, as far as it goes; how many bins. NONE: more than most. */
static uint32_t
read_plan(spotopt__packer *packer, const spotopt__plan *plan, int64_t most)
{
    uint32_t bins = 0;

    memcpy(packer->next, packer->first, packer->bare->types * sizeof *packer->next);
    for (uint32_t i = 0; i < packer->vector.items; i++)
        packer->bin_of[i] = SPOTOPT__NONE;
    for (size_t b = 0; b < plan->batches.count; b++) {
        const spotopt__batch *batch = &plan->batches.at[b];
        for (uint32_t time = 0; time < batch->times; time++, bins++) {
            if (bins >= most)
                return SPOTOPT__NONE;
            for (uint32_t f = 0; f < batch->fills; f++) {
                const spotopt__fill *fill = &plan->fills.at[batch->first + f];
                for (uint32_t c = 0; c < fill->count; c++)
                    packer->bin_of[packer->next[fill->type]++] = bins;
            }
        }
    }
    return bins;
}

/* A plan that is better than what was found here; false: it is not. */
static bool
adopt(spotopt__packer *packer, const spotopt__plan *plan)
{
    spotopt__vfill *fill = &packer->fill;
    uint32_t count;

    if (plan->batches.count == 0 || plan->cost >= packer->bare->sort[0].cost * fill->best_bins)
        return false;
    count = read_plan(packer, plan, fill->best_bins);
    if (count != SPOTOPT__NONE) {
        fill->best_bins = count;
        memcpy(fill->best, packer->bin_of, packer->vector.items * sizeof *fill->best);
    }
    return true;
}

bool
spotopt__packer_walk(spotopt__packer *packer, int64_t least, uint64_t work, spotopt__plan *plan)
{
    const int64_t cost = packer->bare->sort[0].cost;
    spotopt__vfill *fill = &packer->fill;
    uint32_t bins;
    bool nomem = false;

    (void)adopt(packer, plan);
    bins = fill->best_bins - 1;
    if (bins == 0 || bins * cost < least)
        return true;
    if (bins != packer->walk_bins) {
        spotopt__walk_free(packer->walk);
        packer->walk_bins = bins;
        packer->walk = spotopt__walk_new(&packer->vector, bins, fill->budget, packer->seed, &nomem);
    }
    if (packer->walk == NULL)
        return !nomem;
    if (!spotopt__walk_run(packer->walk, work, packer->bin_of))
        return true;
    fill->best_bins = bins;
    memcpy(fill->best, packer->bin_of, packer->vector.items * sizeof *fill->best);
    return write_plan(packer, plan);
}

uint32_t
spotopt__packer_share(const spotopt__packer *packer)
{
    return packer->walk == NULL ? 75 : spotopt__walk_share(packer->walk);
}

bool
spotopt__packer_run(spotopt__packer *packer, int64_t least, uint64_t steps, spotopt__plan *plan)
{
    const int64_t cost = packer->bare->sort[0].cost;
    const int64_t bins = (least + cost - 1) / cost;
    const uint32_t stop = bins > 1 ? (uint32_t)(bins < UINT32_MAX ? bins : UINT32_MAX) : 1;
    spotopt__vfill *fill = &packer->fill;

    if (!adopt(packer, plan) && fill->best_bins == packer->vector.items)
        spotopt__vfill_greedily(fill, stop);
    spotopt__vfill_fewer(fill, stop, steps);
    if (plan->batches.count > 0 && plan->cost <= cost * fill->best_bins)
        return true;
    return write_plan(packer, plan);
}

bool
spotopt__packer_finish(spotopt__packer *packer, spotopt__plan *plan, int64_t most, uint64_t steps)
{
    const int64_t bins_most = most / packer->bare->sort[0].cost;

    if (bins_most >= packer->fill.best_bins)
        return false; /* a better one was at hand all the time */
    if (read_plan(packer, plan, bins_most) == SPOTOPT__NONE)
        return false;
    return spotopt__vfill_rest(&packer->fill, packer->bin_of, (uint32_t)bins_most, steps) &&
           write_plan(packer, plan);
}
