/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price_vector.c - the contents of a bin that are worth most, in several dimensions: the oracle.
 *
 * Parts are numbered by falling price. Each first part (the dearest of its content) has a best
 * content of its own, found by price_dig.c with the bounds of price_bound.c: one search yields many
 * and different patterns. Every first part is looked at a little, then those where something is
 * left to see. Whole numbers throughout, lambda included, so a bound is proved.
 */
#include <stdlib.h>

#include "pack/price_vector.h"

#define LISTS_MOST ((size_t)1 << 21) /* entries of all levels' lists */
#define NEAR 18         /* bits: worth this close above the threshold counts as at it */
#define SHARE (1 << 20) /* a whole capacity, in sums of shares */

static void
pricer_free(void *self)
{
    spotopt__pricer *p = self;

    if (p == NULL)
        return;
    spotopt__arena_free(&p->arena);
    spotopt__free(p->context, p->touch);
    spotopt__free(p->context, p->cut_count);
    spotopt__free(p->context, p->top);
    spotopt__free(p->context, p->lambda);
    spotopt__free(p->context, p);
}

static bool
pricer_enter(void *self, const spotopt__view *view)
{
    spotopt__pricer *p = self;
    spotopt__arena *arena = &p->arena;
    const size_t n = view->parts + 1, lanes = p->lanes;
    uint32_t dims = view->bare->dims;

    spotopt__arena_free(arena);
    spotopt__arena_init(arena, p->context);
    p->view = view;
    p->deepest = 0;
    for (uint32_t s = 0; s < view->bare->sorts; s++) { /* by number, in the smallest sizes */
        uint64_t least = UINT64_MAX;
        for (uint32_t r = 0; r < dims; r++) {
            int64_t small = INT64_MAX;
            for (uint32_t i = 0; i < view->parts; i++) {
                int64_t size = view->size[(size_t)i * dims + r];
                small = size < small ? size : small;
            }
            if (small > 0 && small < INT64_MAX &&
                (uint64_t)(view->bare->sort[s].capacity[r] / small) < least)
                least = (uint64_t)(view->bare->sort[s].capacity[r] / small);
        }
        uint64_t pieces = 0;
        for (uint32_t i = 0; i < view->parts; i++)
            pieces += view->part[i].most;
        least = least < pieces ? least : pieces;
        p->deepest = least > p->deepest ? (uint32_t)least : p->deepest;
    }
    if ((size_t)(p->deepest + 2) * n > LISTS_MOST)
        p->deepest = (uint32_t)(LISTS_MOST / n) - 2; /* deeper ones are bounded, not searched */
    const size_t levels = p->deepest + 2;
    p->view_size = spotopt__arena_alloc(arena, n * lanes, sizeof(int32_t));
    p->part = spotopt__arena_alloc(arena, n, sizeof(uint32_t));
    p->most = spotopt__arena_alloc(arena, n, sizeof(uint32_t));
    p->price = spotopt__arena_alloc(arena, n, sizeof(int64_t));
    p->gain = spotopt__arena_alloc(arena, n, sizeof(int64_t));
    p->base_gain = spotopt__arena_alloc(arena, n, sizeof(int64_t));
    p->size = spotopt__arena_alloc(arena, n * lanes, sizeof(int32_t));
    p->share = spotopt__arena_alloc(arena, lanes, sizeof(double));
    p->whole = spotopt__arena_alloc(arena, lanes, sizeof(int64_t));
    p->base = spotopt__arena_alloc(arena, lanes, sizeof(int64_t));
    for (uint32_t t = 0; t < SPOTOPT__PRICE_TABLES && t < dims; t++) {
        p->table[t].cell =
            spotopt__arena_alloc(arena, n * (SPOTOPT__PRICE_CELLS_MOST + 1), sizeof(int32_t));
        if (p->table[t].cell == NULL)
            return false;
    }
    p->list = spotopt__arena_alloc(arena, n * levels, sizeof(uint32_t));
    p->taken = spotopt__arena_alloc(arena, levels, sizeof(uint32_t));
    p->room = spotopt__arena_alloc(arena, levels * lanes, sizeof(int32_t));
    p->found = spotopt__arena_alloc(arena, n, sizeof(spotopt__price_found));
    p->limit = spotopt__arena_alloc(arena, n, sizeof(int64_t));
    p->content = spotopt__arena_alloc(arena, n * levels, sizeof(uint32_t));
    p->pick = spotopt__arena_alloc(arena, n, sizeof(uint32_t));
    p->covered = spotopt__arena_alloc(arena, n, 1);
    p->fills = spotopt__arena_alloc(arena, levels, sizeof(spotopt__fill));
    p->touch_first = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    if (p->view_size == NULL || p->part == NULL || p->most == NULL || p->price == NULL ||
        p->gain == NULL || p->base_gain == NULL || p->size == NULL || p->share == NULL ||
        p->whole == NULL || p->base == NULL || p->list == NULL || p->taken == NULL ||
        p->room == NULL || p->found == NULL || p->limit == NULL || p->content == NULL ||
        p->pick == NULL || p->covered == NULL || p->fills == NULL || p->touch_first == NULL)
        return false;
    for (uint32_t i = 0; i < view->parts; i++) {
        for (uint32_t r = 0; r < dims; r++)
            p->view_size[i * lanes + r] = (int32_t)view->size[(size_t)i * dims + r];
    }
    return true;
}

typedef struct ranked {
    int64_t price;
    uint32_t part;
} ranked;

static int
compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->price != y->price)
        return x->price < y->price ? 1 : -1;
    return (x->part > y->part) - (x->part < y->part);
}

/* Parts by falling price, those of no price left out; false: memory ran out. */
static bool
rank_parts(spotopt__pricer *p, bool *too_large)
{
    const spotopt__view *view = p->view;
    const uint32_t lanes = p->lanes;
    ranked *order = spotopt__alloc_array(p->context, view->parts + 1, sizeof *order);
    double sum = 0.0;

    if (order == NULL)
        return false;
    p->parts = 0;
    for (uint32_t i = 0; i < view->parts; i++) {
        double price = p->prices->part[i];
        sum += price * view->part[i].most;
        if (price >= 1.0 && view->part[i].most > 0)
            order[p->parts++] = (ranked){(int64_t)fmin(price, 0x1p52), i};
    }
    *too_large = !(sum < 0x1p40);
    qsort(order, p->parts, sizeof *order, compare_ranked);
    for (uint32_t k = 0; k < p->parts; k++) {
        p->part[k] = order[k].part;
        p->price[k] = order[k].price;
        p->most[k] = view->part[order[k].part].most;
        memcpy(p->size + (size_t)k * lanes, p->view_size + (size_t)order[k].part * lanes,
               lanes * sizeof *p->size);
    }
    spotopt__free(p->context, order);
    return true;
}

/* Which cuts each part touches, with how many pieces. */
static bool
gather_cuts(spotopt__pricer *p)
{
    const spotopt__view *view = p->view;
    uint32_t count = 0;

    p->cuts = p->prices->cuts;
    for (uint32_t k = 0; k <= p->parts; k++)
        p->touch_first[k] = 0;
    if (p->cuts == 0)
        return true;
    if (p->cuts > p->cut_room) {
        uint32_t *more =
            spotopt__resize_array(p->context, p->cut_count, p->cuts, sizeof *p->cut_count);
        if (more == NULL)
            return false;
        p->cut_count = more;
        p->cut_room = p->cuts;
    }
    memset(p->cut_count, 0, p->cuts * sizeof *p->cut_count);
    for (uint32_t k = 0; k < p->parts; k++) {
        const spotopt__part *part = &view->part[p->part[k]];
        p->touch_first[k] = count;
        for (uint32_t c = 0; c < p->cuts; c++) {
            const spotopt__cut *cut = &p->prices->cut[c];
            uint32_t pieces = 0;
            for (uint32_t f = part->first; f < part->first + part->fills; f++) {
                uint32_t type = view->fill[f].type;
                if (type == cut->type[0] || type == cut->type[1] || type == cut->type[2])
                    pieces += view->fill[f].count;
            }
            if (pieces == 0)
                continue;
            if (count == p->touch_room) {
                size_t room = 2 * p->touch_room + 64;
                spotopt__price_touch *more =
                    spotopt__resize_array(p->context, p->touch, room, sizeof *more);
                if (more == NULL)
                    return false;
                p->touch = more;
                p->touch_room = room;
            }
            p->touch[count++] = (spotopt__price_touch){c, pieces};
        }
    }
    p->touch_first[p->parts] = count;
    return true;
}

/* Patterns that bring parts not yet covered first, by worth; then the rest. */
static bool
hand_out(spotopt__pricer *p, uint32_t sort, uint32_t count, uint32_t most, spotopt__patterns *out)
{
    uint32_t given = 0;

    memset(p->covered, 0, p->parts);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t f = 0; f < count && given < most; f++) {
            spotopt__price_found *one = &p->found[f];
            uint32_t fills = 0;
            bool news = false;
            if (one->count == 0)
                continue;
            for (uint32_t c = 0; c < one->count; c++) {
                uint32_t k = p->content[one->first + c];
                news = news || !p->covered[k];
            }
            if (pass == 0 && !news)
                continue;
            for (uint32_t c = 0; c < one->count; c++) {
                uint32_t k = p->content[one->first + c];
                p->covered[k] = 1;
                if (fills > 0 && p->fills[fills - 1].type == p->part[k])
                    p->fills[fills - 1].count++;
                else
                    p->fills[fills++] = (spotopt__fill){p->part[k], 1};
            }
            if (!spotopt__patterns_add(out, sort, (double)one->worth, p->fills, fills))
                return false;
            one->count = 0;
            given++;
        }
    }
    return true;
}

static int
compare_found(const void *a, const void *b)
{
    const spotopt__price_found *x = a, *y = b;

    if (x->worth != y->worth)
        return x->worth < y->worth ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

/*
 * One dimension more: the sum of all shares of the capacity. No content is lost by it, and it
 * limits numbers where each other dimension has parts that need nothing of it.
 */
static void
sum_shares(spotopt__pricer *p, int32_t *top)
{
    const uint32_t lanes = p->lanes, dims = p->bare->dims;

    top[dims] = 0;
    for (uint32_t r = 0; r < dims; r++)
        top[dims] += top[r] > 0 ? SHARE : 0;
    for (uint32_t k = 0; k < p->parts; k++) {
        int32_t *size = p->size + (size_t)k * lanes;
        int64_t sum = 0;
        for (uint32_t r = 0; r < dims; r++) {
            int64_t need = size[r] > top[r] ? (int64_t)top[r] + 1 : size[r];
            sum += top[r] > 0 ? need * SHARE / top[r] : 0;
        }
        size[dims] = (int32_t)sum;
    }
}

/* The parts that fit a sort's bin. */
static uint32_t
list_parts(const spotopt__pricer *p, const int32_t *top, uint32_t *list)
{
    uint32_t count = 0;

    for (uint32_t k = 0; k < p->parts; k++) {
        const int32_t *size = p->size + (size_t)k * p->lanes;
        int32_t below = 0;
        for (uint32_t r = 0; r < p->lanes; r++)
            below |= top[r] - size[r];
        if (below >= 0)
            list[count++] = k;
    }
    return count;
}

/* Steps that a search may take: in all; below one first part, to begin with. */
typedef struct reach {
    uint64_t all, root;
} reach;

static reach
reach_of(const spotopt__pricer *p, int effort)
{
    const uint64_t n = p->parts;
    const reach reaches[] = {{1000 * n, 20 + n / 2}, {20000000, 20 + n}, {1000000000, 20 + n}};

    return reaches[effort];
}

/*
 * All contents of one sort, a little below each first part, then more where something is left to
 * see; the bound, as far as it was asked for and could be had.
 */
static bool
price_sort(spotopt__pricer *p, uint32_t sort, int64_t threshold, int effort, uint32_t most,
           spotopt__patterns *out, double *bound, uint64_t *work)
{
    const uint32_t lanes = p->lanes;
    int32_t *top = p->top + (size_t)sort * lanes;
    const reach far = reach_of(p, effort);
    double *lambda = p->lambda + (size_t)sort * lanes;
    uint32_t used = 0, open, firsts, number, count;
    int64_t top_worth;
    uint64_t steps, root = far.root;

    sum_shares(p, top);
    count = list_parts(p, top, p->list);
    steps = 30u * (uint64_t)count;
    threshold += threshold >> NEAR; /* what is this close is of no interest */
    top_worth = threshold;
    *bound = (double)threshold;
    if (count == 0)
        return true;
    for (uint32_t r = 0; r < lanes; r++)
        p->share[r] = top[r] > 0 ? 1.0 / top[r] : 0.0;
    memcpy(p->room, top, lanes * sizeof *top);
    spotopt__price_tune(p, p->list, count, top, (double)threshold, effort > 0 ? 30 : 10, lambda);
    spotopt__price_gains(p, p->list, count, lambda);
    memcpy(p->base, p->whole, lanes * sizeof *p->base);
    memcpy(p->base_gain, p->gain, p->parts * sizeof *p->gain);
    spotopt__price_tables(p, p->list, count, top);
    steps += p->tables * (uint64_t)count * SPOTOPT__PRICE_CELLS_MOST / 16;
    number = spotopt__price_number(p, p->list, count, top);
    open = count;
    while (open > 0 && number < p->parts && p->price[p->list[open - 1]] * number <= threshold)
        open--;
    for (uint32_t c = 0; c < open; c++) {
        p->found[c] = (spotopt__price_found){threshold, 0, 0};
        p->limit[c] = INT64_MAX;
    }
    firsts = open;
    for (uint32_t turn = 0; open > 0; turn++, root *= 8) {
        open = 0;
        for (uint32_t c = 0; c < firsts; c++) {
            const uint64_t left = steps < far.all ? far.all - steps : 0;
            const bool had = p->found[c].count > 0;
            if (p->limit[c] <= p->found[c].worth)
                continue;
            p->limit[c] = spotopt__price_first(p, c, count, top, threshold, effort > 0, lambda,
                                               left < root ? left : root);
            steps += p->steps;
            used += !had && p->found[c].count > 0;
            open += p->limit[c] > p->found[c].worth;
        }
        if (steps >= far.all || p->late || (effort < 2 && used > most >> (turn + 1)))
            break;
    }
    used = 0;
    for (uint32_t c = 0; c < firsts; c++) {
        top_worth = p->limit[c] > top_worth ? p->limit[c] : top_worth;
        if (p->found[c].count > 0)
            p->found[used++] = p->found[c];
    }
    qsort(p->found, used, sizeof *p->found, compare_found);
    *work += steps / 16 + 1;
    *bound = effort > 0 ? (double)top_worth : INFINITY;
    return hand_out(p, sort, used, most, out);
}

static bool
pricer_price(void *self, const spotopt__prices *prices, const double *threshold,
             const unsigned char *skip, int effort, uint32_t most, spotopt__patterns *out,
             double *bound, uint64_t *work)
{
    spotopt__pricer *p = self;
    bool too_large = false;

    p->prices = prices;
    if (!rank_parts(p, &too_large) || !gather_cuts(p))
        return false;
    for (uint32_t s = 0; s < p->bare->sorts; s++) {
        bound[s] = INFINITY;
        if (skip[s] || too_large)
            continue;
        if (!price_sort(p, s, (int64_t)floor(threshold[s]), effort, most, out, &bound[s], work))
            return false;
    }
    return true;
}

spotopt__oracle
spotopt__vector_oracle(const spotopt__bare *bare)
{
    spotopt__oracle oracle = {NULL, pricer_enter, pricer_price, pricer_free};
    spotopt_context *context = bare->model->context;
    spotopt__pricer *p = spotopt__alloc(context, sizeof *p);

    if (p == NULL)
        return oracle;
    p->bare = bare;
    p->context = context;
    p->lanes = SPOTOPT__VECTOR_LANES(bare->dims + 1);
    spotopt__arena_init(&p->arena, context);
    p->top = spotopt__alloc_array(context, (size_t)bare->sorts * p->lanes + 1, sizeof(int32_t));
    p->lambda = spotopt__alloc_array(context, (size_t)bare->sorts * p->lanes + 1, sizeof(double));
    if (p->top == NULL || p->lambda == NULL) {
        pricer_free(p);
        return oracle;
    }
    for (uint32_t s = 0; s < bare->sorts; s++) {
        for (uint32_t r = 0; r < bare->dims; r++)
            p->top[s * p->lanes + r] = (int32_t)bare->sort[s].capacity[r];
    }
    oracle.self = p;
    return oracle;
}
