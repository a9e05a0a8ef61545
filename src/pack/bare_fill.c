/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_fill.c - packings and a bound in one dimension from sizes alone.
 *
 * Bins are filled one after the other: the largest piece left goes in, the rest by a bounded search
 * for the fullest content (minimum bin slack with a fixed first piece: Gupta and Ho 1999; Fleszar
 * and Hindi 2002), in each sort of bin, and the least cost per content wins. A filled bin is
 * repeated as often as pieces last. At last each bin becomes the cheapest sort that holds it.
 *
 * The bound is the cheapest fractional purchase of the volume, and, for one sort of bins, L2 of
 * Martello and Toth (1990): for a threshold k, pieces above capacity - k share a bin with no other
 * piece of at least k, so what pieces of k or more need beyond the space beside those up to half
 * a bin is counted in whole bins.
 */
#include "pack/bare.h"

__extension__ typedef __int128 wide; /* products of sizes and costs */

struct spotopt__filler {
    const spotopt__bare *bare;
    uint32_t *left;               /* by type */
    uint64_t *room;               /* by sort */
    uint32_t *take, *best, *keep; /* by type: content under search, best of a sort, of all sorts */
    int64_t *behind;              /* by type: sum of what is left from here on */
    spotopt__fill *fills;
    spotopt__plan trial;
    int64_t best_sum;
    uint64_t steps, steps_most;
};

spotopt__filler *
spotopt__filler_new(const spotopt__bare *bare)
{
    spotopt_context *context = bare->model->context;
    spotopt__filler *filler = spotopt__alloc(context, sizeof *filler);
    const size_t n = bare->types + 1;

    if (filler == NULL)
        return NULL;
    filler->bare = bare;
    filler->left = spotopt__alloc_array(context, n, sizeof(uint32_t));
    filler->room = spotopt__alloc_array(context, bare->sorts, sizeof(uint64_t));
    filler->take = spotopt__alloc_array(context, n, sizeof(uint32_t));
    filler->best = spotopt__alloc_array(context, n, sizeof(uint32_t));
    filler->keep = spotopt__alloc_array(context, n, sizeof(uint32_t));
    filler->behind = spotopt__alloc_array(context, n, sizeof(int64_t));
    filler->fills = spotopt__alloc_array(context, n, sizeof(spotopt__fill));
    spotopt__plan_init(&filler->trial, context);
    if (filler->left == NULL || filler->room == NULL || filler->take == NULL ||
        filler->best == NULL || filler->keep == NULL || filler->behind == NULL ||
        filler->fills == NULL) {
        spotopt__filler_free(filler);
        return NULL;
    }
    return filler;
}

void
spotopt__filler_free(spotopt__filler *filler)
{
    spotopt_context *context;

    if (filler == NULL)
        return;
    context = filler->bare->model->context;
    spotopt__free(context, filler->left);
    spotopt__free(context, filler->room);
    spotopt__free(context, filler->take);
    spotopt__free(context, filler->best);
    spotopt__free(context, filler->keep);
    spotopt__free(context, filler->behind);
    spotopt__free(context, filler->fills);
    spotopt__plan_free(&filler->trial);
    spotopt__free(context, filler);
}

/* From type t on into what space there is; true: full, or out of steps. */
static bool
search(spotopt__filler *f, uint32_t t, int64_t sum, int64_t space)
{
    const spotopt__bare *bare = f->bare;

    if (sum > f->best_sum) {
        f->best_sum = sum;
        memcpy(f->best, f->take, bare->types * sizeof *f->best);
    }
    if (space == 0 || ++f->steps > f->steps_most)
        return true;
    while (t < bare->types && (f->left[t] == 0 || bare->size[t] > space))
        t++;
    if (t == bare->types || sum + f->behind[t] <= f->best_sum)
        return false;
    for (uint64_t most = (uint64_t)(space / bare->size[t]),
                  n = most < f->left[t] ? most : f->left[t];
         ; n--) {
        f->take[t] = (uint32_t)n;
        bool ended =
            search(f, t + 1, sum + (int64_t)n * bare->size[t], space - (int64_t)n * bare->size[t]);
        f->take[t] = 0;
        if (ended)
            return true;
        if (n == 0)
            return false;
    }
}

/* The fullest content found of a bin that holds the first type left; its sum. */
static int64_t
fill(spotopt__filler *f, uint32_t first, int64_t capacity)
{
    const int64_t size = f->bare->size[first];

    f->best_sum = 0;
    f->steps = 0;
    f->left[first]--;
    f->behind[first] -= size;
    (void)search(f, first, size, capacity - size);
    f->left[first]++;
    f->behind[first] += size;
    f->best[first]++; /* the search counts what came on top */
    return f->best_sum;
}

static uint32_t
take_fills(spotopt__filler *f, const uint32_t *content)
{
    uint32_t count = 0;

    for (uint32_t t = 0; t < f->bare->types; t++) {
        if (content[t] > 0)
            f->fills[count++] = (spotopt__fill){t, content[t]};
    }
    return count;
}

/* Each batch in the cheapest sort that holds it and has room. */
static void
resize(spotopt__filler *f)
{
    const spotopt__bare *bare = f->bare;
    spotopt__plan *plan = &f->trial;

    for (size_t b = 0; b < plan->batches.count && bare->sorts > 1; b++) {
        spotopt__batch *batch = &plan->batches.at[b];
        int64_t load = 0;
        uint32_t to = batch->sort;
        for (uint32_t i = 0; i < batch->fills; i++) {
            const spotopt__fill *one = &plan->fills.at[batch->first + i];
            load += bare->size[one->type] * one->count;
        }
        for (uint32_t s = 0; s < bare->sorts; s++) {
            if (bare->sort[s].capacity[0] >= load && bare->sort[s].cost < bare->sort[to].cost &&
                f->room[s] >= batch->times)
                to = s;
        }
        plan->cost -= (bare->sort[batch->sort].cost - bare->sort[to].cost) * batch->times;
        f->room[batch->sort] += batch->times;
        f->room[to] -= batch->times;
        batch->sort = to;
    }
}

bool
spotopt__filler_run(spotopt__filler *f, const uint32_t *left, const uint64_t *room, uint32_t effort,
                    uint64_t *work, spotopt__plan *plan)
{
    const spotopt__bare *bare = f->bare;
    uint32_t first = 0;

    spotopt__plan_clear(&f->trial);
    memcpy(f->left, left != NULL ? left : bare->count, bare->types * sizeof *f->left);
    for (uint32_t s = 0; s < bare->sorts; s++)
        f->room[s] = room != NULL ? room[s] : bare->sort[s].limit;
    f->steps_most = (uint64_t)32 << (2 * effort);
    for (;;) {
        uint32_t at = SPOTOPT__NONE;
        int64_t at_sum = 0;
        uint64_t times = UINT32_MAX;
        while (first < bare->types && f->left[first] == 0)
            first++;
        if (first == bare->types)
            break;
        f->behind[bare->types] = 0;
        for (uint32_t t = bare->types; t-- > first;)
            f->behind[t] = f->behind[t + 1] + (int64_t)f->left[t] * bare->size[t];
        for (uint32_t s = 0; s < bare->sorts; s++) {
            const spotopt__sort *sort = &bare->sort[s];
            int64_t sum;
            if (f->room[s] == 0 || sort->capacity[0] < bare->size[first])
                continue;
            sum = fill(f, first, sort->capacity[0]);
            *work += f->steps + bare->types / 8;
            if (at == SPOTOPT__NONE ||
                (double)sort->cost * (double)at_sum < (double)bare->sort[at].cost * (double)sum) {
                at = s;
                at_sum = sum;
                memcpy(f->keep, f->best, bare->types * sizeof *f->keep);
            }
        }
        if (at == SPOTOPT__NONE)
            return false;
        for (uint32_t t = first; t < bare->types; t++) {
            if (f->keep[t] > 0 && f->left[t] / f->keep[t] < times)
                times = f->left[t] / f->keep[t];
        }
        times = times < f->room[at] ? times : f->room[at];
        for (uint32_t t = first; t < bare->types; t++)
            f->left[t] -= (uint32_t)times * f->keep[t];
        f->room[at] -= times;
        if (!spotopt__plan_add(&f->trial, bare, at, (uint32_t)times, f->fills,
                               take_fills(f, f->keep)))
            return false;
    }
    resize(f);
    if (plan->batches.count == 0 || f->trial.cost < plan->cost)
        return spotopt__plan_copy(plan, &f->trial);
    return true;
}

/* L2 for one sort of bins. */
static int64_t
count_bins(const spotopt__bare *bare)
{
    const int64_t capacity = bare->sort[0].capacity[0];
    int64_t best = (bare->total[0] + capacity - 1) / capacity;

    /* Thresholds k: sizes up to half a bin, and 0 (pieces over half a bin each need their own). */
    for (uint32_t k = 0; k <= bare->types; k++) {
        const int64_t least = k < bare->types ? bare->size[k] : 0;
        int64_t alone = 0, large = 0, space = 0, rest = 0, need;
        if (least > capacity / 2)
            continue;
        for (uint32_t t = 0; t < bare->types && bare->size[t] >= least; t++) {
            const int64_t size = bare->size[t], n = bare->count[t];
            if (size > capacity - least) {
                alone += n;
            } else if (2 * size > capacity) {
                large += n;
                space += n * (capacity - size);
            } else {
                rest += n * size;
            }
        }
        need = alone + large;
        if (rest > space)
            need += (rest - space + capacity - 1) / capacity;
        best = need > best ? need : best;
    }
    return best;
}

/* Whether a unit of capacity is cheaper in a; ties by index. */
static bool
is_cheaper(const spotopt__bare *bare, uint32_t d, uint32_t a, uint32_t b)
{
    const wide left = (wide)bare->sort[a].cost * bare->sort[b].capacity[d],
               right = (wide)bare->sort[b].cost * bare->sort[a].capacity[d];

    return left < right || (left == right && a < b);
}

int64_t
spotopt__bare_bound(const spotopt__bare *bare)
{
    int64_t best = 0;

    for (uint32_t d = 0; d < bare->dims; d++) { /* cheapest capacity first */
        int64_t left = bare->total[d];
        wide cost = 0;
        uint32_t last = SPOTOPT__NONE;
        while (left > 0) {
            uint32_t at = SPOTOPT__NONE;
            for (uint32_t s = 0; s < bare->sorts; s++) {
                if (bare->sort[s].capacity[d] > 0 &&
                    (last == SPOTOPT__NONE || is_cheaper(bare, d, last, s)) &&
                    (at == SPOTOPT__NONE || is_cheaper(bare, d, s, at)))
                    at = s;
            }
            if (at == SPOTOPT__NONE)
                return INT64_MAX; /* all bins together are too small */
            const spotopt__sort *sort = &bare->sort[at];
            if ((wide)sort->limit * sort->capacity[d] >= left) {
                cost += ((wide)left * sort->cost + sort->capacity[d] - 1) / sort->capacity[d];
                left = 0;
            } else {
                cost += (wide)sort->limit * sort->cost;
                left -= (int64_t)sort->limit * sort->capacity[d];
            }
            last = at;
        }
        best = cost > best ? (int64_t)cost : best;
    }
    if (bare->dims == 1 && bare->sorts == 1) {
        int64_t bins = count_bins(bare);
        if (bins > (int64_t)bare->sort[0].limit && bare->sort[0].limit < bare->pieces)
            return INT64_MAX;
        best = bins * bare->sort[0].cost > best ? bins * bare->sort[0].cost : best;
    }
    return best;
}
