/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.c - tells a bare problem from others and writes it in whole numbers.
 *
 * Bare: everything must be packed into new bins, any piece into any bin that holds it, no rules. An
 * amount is taken as the decimal it was meant to be: x * 10^k is used where it is whole and gives x
 * back. In one dimension capacities then fall to the largest sum of pieces below them and sizes
 * lose their common divisor, which leaves the set of packings as it is.
 */
#include <stdlib.h>

#include "pack/bare.h"

#define WHOLE_MOST 4503599627370496.0 /* 2^52 */
#define TABLE_MOST 800000000.0        /* capacity * types, of a reachable-sums table in bits */

/* The smallest power of ten that makes all amounts of a resource whole; 0: none. */
static double
find_scale(const spotopt__model *model, uint32_t r)
{
    for (double scale = 1.0; scale <= 1e6; scale *= 10.0) {
        bool good = true;
        for (uint32_t i = 0; i < model->items && good; i++) {
            double x = model->item[i].request[r], whole = nearbyint(x * scale);
            good = whole < WHOLE_MOST && whole / scale == x;
        }
        for (uint32_t c = 0; c < model->classes && good; c++) {
            double x = model->class_at[c].capacity[r], whole = nearbyint(x * scale);
            /* What the tolerance of loads grants must not add up to a unit. */
            good = whole < WHOLE_MOST && whole / scale == x &&
                   (spotopt__ceiling(model, r, x) - x) * scale < 0.25;
        }
        if (good)
            return scale;
    }
    return 0.0;
}

static bool
looks_bare(const spotopt__model *model)
{
    uint32_t set = SPOTOPT__NONE;

    if (model->nodes > 0 || model->prules > 0 || model->trules > 0 || model->min_pool_count > 0 ||
        model->cost_step <= 0.0 || model->pools == 0)
        return false;
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        if (item->count == 0)
            continue;
        if (!isinf(item->unplaced_cost) || item->residents > 0 || item->use_count > 0 ||
            item->fits_nowhere || (set != SPOTOPT__NONE && item->allowed_set != set))
            return false;
        set = item->allowed_set;
    }
    return set != SPOTOPT__NONE;
}

typedef struct key {
    double size;
    uint32_t item;
} key;

static int
compare_keys(const void *a, const void *b)
{
    const key *x = a, *y = b;

    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static bool
take_pieces(spotopt__bare *bare, const uint32_t *resource, const double *scale, key *keys)
{
    const spotopt__model *model = bare->model;

    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        double size = 0.0;
        if (item->count == 0)
            continue;
        for (uint32_t d = 0; d < bare->dims; d++) {
            uint32_t r = resource[d];
            size += bare->dims == 1 ? item->request[r]
                                    : item->request[r] / fmax(model->typical[r], 1e-300);
        }
        keys[bare->types++] = (key){size, i};
    }
    qsort(keys, bare->types, sizeof *keys, compare_keys);
    bare->size = spotopt__arena_alloc(&bare->arena, (size_t)bare->types * bare->dims, 8);
    bare->count = spotopt__arena_alloc(&bare->arena, bare->types, sizeof *bare->count);
    bare->item = spotopt__arena_alloc(&bare->arena, bare->types, sizeof *bare->item);
    bare->total = spotopt__arena_alloc(&bare->arena, bare->dims, sizeof *bare->total);
    if (bare->size == NULL || bare->count == NULL || bare->item == NULL || bare->total == NULL)
        return false;
    for (uint32_t t = 0; t < bare->types; t++) {
        const spotopt__item *item = &model->item[keys[t].item];
        bare->item[t] = keys[t].item;
        bare->count[t] = item->count;
        bare->pieces += item->count;
        for (uint32_t d = 0; d < bare->dims; d++)
            bare->size[(size_t)t * bare->dims + d] =
                (int64_t)nearbyint(item->request[resource[d]] * scale[resource[d]]);
    }
    return true;
}

static int
compare_sorts(const void *a, const void *b)
{
    const spotopt__sort *x = a, *y = b;

    if (x->capacity[0] != y->capacity[0])
        return x->capacity[0] > y->capacity[0] ? -1 : 1;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return x->kinds[0] < y->kinds[0] ? -1 : x->kinds[0] > y->kinds[0];
}

/* Pools of one class and equal cost become one sort; kinds of a class come by cost. */
static bool
take_sorts(spotopt__bare *bare, const uint32_t *resource, const double *scale)
{
    const spotopt__model *model = bare->model;
    const spotopt__item *any = &model->item[bare->item[0]];

    bare->sort = spotopt__arena_alloc(&bare->arena, model->pools, sizeof *bare->sort);
    if (bare->sort == NULL)
        return false;
    for (uint32_t c = 0; c < model->classes; c++) {
        const spotopt__class *class = &model->class_at[c];
        int64_t *capacity = spotopt__arena_alloc(&bare->arena, bare->dims, sizeof *capacity);
        spotopt__sort *sort = NULL;
        bool holds = false;
        if (capacity == NULL)
            return false;
        for (uint32_t d = 0; d < bare->dims; d++)
            capacity[d] = (int64_t)nearbyint(class->capacity[resource[d]] * scale[resource[d]]);
        for (uint32_t t = 0; t < bare->types && !holds; t++) {
            holds = true;
            for (uint32_t d = 0; d < bare->dims; d++)
                holds = holds && bare->size[(size_t)t * bare->dims + d] <= capacity[d];
        }
        for (uint32_t j = 0; j < class->new_count && holds; j++) {
            const spotopt__kind *kind = &model->kind[class->kinds[j]];
            const uint32_t max = model->problem->pools.at[kind->pool].max;
            const int64_t cost = (int64_t)nearbyint(kind->cost / bare->step);
            if (max == 0 || !spotopt__allows(any, kind->pool)) {
                sort = NULL;
                continue;
            }
            if (sort == NULL || sort->cost != cost) {
                sort = &bare->sort[bare->sorts++];
                *sort = (spotopt__sort){capacity, cost, 0, &class->kinds[j], 0};
            }
            sort->kind_count++;
            sort->limit += max;
        }
    }
    for (uint32_t s = 0; s < bare->sorts; s++) {
        if (bare->sort[s].limit > bare->pieces)
            bare->sort[s].limit = bare->pieces;
    }
    qsort(bare->sort, bare->sorts, sizeof *bare->sort, compare_sorts);
    return true;
}

bool
spotopt__bare_build(spotopt__bare *bare, const spotopt__model *model, bool *nomem)
{
    uint32_t *resource = NULL;
    double *scale = NULL;
    key *keys = NULL;
    bool good = false;

    *bare = (spotopt__bare){.model = model, .step = model->cost_step};
    spotopt__arena_init(&bare->arena, model->context);
    *nomem = false;
    if (!looks_bare(model))
        return false;
    resource = spotopt__arena_alloc(&bare->arena, model->resources + 1, sizeof *resource);
    scale = spotopt__arena_alloc(&bare->arena, model->resources + 1, sizeof *scale);
    keys = spotopt__arena_alloc(&bare->arena, model->items, sizeof *keys);
    *nomem = true;
    if (resource == NULL || scale == NULL || keys == NULL)
        return false;
    for (uint32_t r = 0; r < model->resources; r++) {
        bool asked = false;
        for (uint32_t i = 0; i < model->items; i++)
            asked = asked || (model->item[i].count > 0 && model->item[i].request[r] > 0.0);
        if (!asked)
            continue;
        scale[r] = find_scale(model, r);
        *nomem = *nomem && scale[r] > 0.0;
        resource[bare->dims++] = r;
    }
    *nomem = *nomem && bare->dims > 0;
    if (!*nomem || !take_pieces(bare, resource, scale, keys) || !take_sorts(bare, resource, scale))
        return false;
    *nomem = false;
    good = bare->sorts > 0;
    for (uint32_t t = 0; t < bare->types; t++) {
        bool is_nothing = true;
        for (uint32_t d = 0; d < bare->dims; d++) {
            int64_t size = bare->size[(size_t)t * bare->dims + d];
            is_nothing = is_nothing && size == 0;
            good = good && (double)size * bare->count[t] < WHOLE_MOST &&
                   (double)bare->total[d] < WHOLE_MOST;
            bare->total[d] += good ? size * bare->count[t] : 0;
        }
        good = good && !is_nothing;
    }
    for (uint32_t s = 0; s < bare->sorts; s++)
        good = good && bare->sort[s].cost > 0 &&
               (double)bare->sort[s].cost * (double)bare->pieces < WHOLE_MOST;
    return good;
}

void
spotopt__bare_free(spotopt__bare *bare)
{
    spotopt__arena_free(&bare->arena);
}

/* Bit c of sums: some pieces sum up to c. Copies by doubling: count 5 is 1 + 2 + 2. */
static void
reach(const spotopt__bare *bare, uint64_t *sums, size_t words)
{
    sums[0] = 1;
    for (uint32_t t = 0; t < bare->types; t++) {
        for (uint64_t left = bare->count[t], chunk = 1; left > 0; left -= chunk, chunk *= 2) {
            if (chunk > left)
                chunk = left;
            if ((uint64_t)bare->size[t] > words * 64 / chunk)
                break;
            const size_t shift = (size_t)bare->size[t] * chunk, by = shift / 64, bits = shift % 64;
            for (size_t w = words; w-- > by;) {
                uint64_t moved = sums[w - by] << bits;
                if (bits > 0 && w > by)
                    moved |= sums[w - by - 1] >> (64 - bits);
                sums[w] |= moved;
            }
        }
    }
}

bool
spotopt__bare_tighten(spotopt__bare *bare)
{
    int64_t divisor = 0, *capacity;
    size_t words;

    if (bare->dims != 1)
        return true;
    capacity = spotopt__arena_alloc(&bare->arena, bare->sorts, sizeof *capacity);
    if (capacity == NULL)
        return false;
    for (uint32_t t = 0; t < bare->types; t++) {
        for (int64_t a = bare->size[t]; a != 0;) {
            int64_t b = divisor % a;
            divisor = a;
            a = b;
        }
    }
    for (uint32_t s = 0; s < bare->sorts; s++)
        capacity[s] = bare->sort[s].capacity[0] / divisor;
    for (uint32_t t = 0; t < bare->types; t++)
        bare->size[t] /= divisor;
    bare->total[0] /= divisor;
    words = (size_t)capacity[0] / 64 + 1;
    if ((double)words * 64.0 * bare->types < TABLE_MOST) {
        uint64_t *sums = spotopt__alloc_array(bare->model->context, words, sizeof *sums);
        if (sums == NULL)
            return false;
        reach(bare, sums, words);
        for (uint32_t s = 0; s < bare->sorts; s++) {
            while (!((sums[capacity[s] / 64] >> (capacity[s] % 64)) & 1))
                capacity[s]--;
        }
        spotopt__free(bare->model->context, sums);
    }
    for (uint32_t s = 0; s < bare->sorts; s++)
        bare->sort[s].capacity = &capacity[s];
    return true;
}

void
spotopt__plan_init(spotopt__plan *plan, spotopt_context *context)
{
    *plan = (spotopt__plan){.context = context};
}

void
spotopt__plan_free(spotopt__plan *plan)
{
    spotopt__vec_free(plan->context, &plan->batches);
    spotopt__vec_free(plan->context, &plan->fills);
}

void
spotopt__plan_clear(spotopt__plan *plan)
{
    plan->batches.count = plan->fills.count = 0;
    plan->cost = 0;
}

bool
spotopt__plan_add(spotopt__plan *plan, const spotopt__bare *bare, uint32_t sort, uint32_t times,
                  const spotopt__fill *fills, uint32_t count)
{
    spotopt__batch batch = {sort, times, (uint32_t)plan->fills.count, count};

    if (times == 0)
        return true;
    if (!spotopt__vec_reserve(plan->context, &plan->fills, count) ||
        !spotopt__vec_push(plan->context, &plan->batches, batch)) {
        plan->failed = true;
        return false;
    }
    memcpy(plan->fills.at + plan->fills.count, fills, count * sizeof *fills);
    plan->fills.count += count;
    plan->cost += bare->sort[sort].cost * times;
    return true;
}

bool
spotopt__plan_copy(spotopt__plan *to, const spotopt__plan *from)
{
    spotopt__plan_clear(to);
    if (!spotopt__vec_reserve(to->context, &to->fills, from->fills.count) ||
        !spotopt__vec_reserve(to->context, &to->batches, from->batches.count)) {
        to->failed = true;
        return false;
    }
    if (from->batches.count > 0) {
        memcpy(to->fills.at, from->fills.at, from->fills.count * sizeof *from->fills.at);
        memcpy(to->batches.at, from->batches.at, from->batches.count * sizeof *from->batches.at);
    }
    to->fills.count = from->fills.count;
    to->batches.count = from->batches.count;
    to->cost = from->cost;
    return true;
}

bool
spotopt__plan_is_right(const spotopt__plan *plan, const spotopt__bare *bare)
{
    uint64_t *placed = spotopt__alloc_array(plan->context, bare->types + bare->sorts, 8);
    int64_t cost = 0;
    bool right = placed != NULL && !plan->failed;

    for (size_t b = 0; right && b < plan->batches.count; b++) {
        const spotopt__batch *batch = &plan->batches.at[b];
        const spotopt__sort *sort = &bare->sort[batch->sort];
        const spotopt__fill *fill = plan->fills.at + batch->first;
        cost += sort->cost * batch->times;
        placed[bare->types + batch->sort] += batch->times;
        right = placed[bare->types + batch->sort] <= sort->limit;
        for (uint32_t d = 0; d < bare->dims; d++) {
            int64_t load = 0;
            for (uint32_t f = 0; f < batch->fills; f++)
                load += bare->size[(size_t)fill[f].type * bare->dims + d] * fill[f].count;
            right = right && load <= sort->capacity[d];
        }
        for (uint32_t f = 0; f < batch->fills; f++)
            placed[fill[f].type] += (uint64_t)batch->times * fill[f].count;
    }
    for (uint32_t t = 0; right && t < bare->types; t++)
        right = placed[t] == bare->count[t];
    spotopt__free(plan->context, placed);
    return right && cost == plan->cost;
}

void
spotopt__plan_offer(const spotopt__plan *plan, const spotopt__bare *bare, spotopt__search *search)
{
    spotopt__state *state = &search->work;

    spotopt__state_clear(state);
    for (size_t b = 0; b < plan->batches.count && !state->failed; b++) {
        const spotopt__batch *batch = &plan->batches.at[b];
        const spotopt__sort *sort = &bare->sort[batch->sort];
        uint32_t left = batch->times;
        for (uint32_t k = 0; k < sort->kind_count && left > 0; k++) {
            uint32_t n = spotopt__state_openings(state, sort->kinds[k], left), bin;
            if (n == 0)
                continue;
            bin = spotopt__state_open(state, sort->kinds[k], n);
            for (uint32_t f = 0; bin != SPOTOPT__NONE && f < batch->fills; f++) {
                const spotopt__fill *fill = &plan->fills.at[batch->first + f];
                spotopt__state_put(state, bin, bare->item[fill->type], fill->count);
            }
            left -= n;
        }
    }
    (void)spotopt__search_offer(search, state);
}
