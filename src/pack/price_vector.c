/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price_vector.c - the contents of a bin that are worth most, in several dimensions.
 *
 * Depth first search over parts by falling price. Below a node only those parts count that fit what
 * room is left and may join what is in already, so lists shrink fast. Three bounds cut: as many of
 * the dearest as could fit by number; each part at its price less what it takes of the room at
 * prices lambda, plus the room's worth (Lagrange; lambda by subgradient steps, anew for each first
 * part); and knapsack tables over one dimension with the others at prices lambda. Whole numbers
 * throughout, lambda included, so a bound is proved. Prices of cuts are charged as they fall due
 * and left out of bounds, which only raises them.
 *
 * Each first part (the dearest of its content) has a best content of its own: one search yields
 * many and different patterns.
 */
#include "pack/vector.h"
#include <stdlib.h>

#define SHIFT 14                     /* bits of lambda after the point */
#define LISTS_MOST ((size_t)1 << 21) /* entries of all levels' lists */
#define NEAR 18         /* bits: worth this close above the threshold counts as at it */
#define SHARE (1 << 20) /* a whole capacity, in sums of shares */
#define TABLES 2        /* knapsack tables */
#define CELLS_MOST 1024 /* of a row of one: else units are coarser */

typedef struct table { /* row k, space c: most that parts from k on can gain in c units */
    uint32_t dim, width;
    int32_t unit;
    int drop; /* bits of gains dropped, upwards */
    int32_t *cell;
} table;

typedef struct touch { /* of a part with a cut */
    uint32_t cut, pieces;
} touch;

typedef struct found { /* the best content of one first part */
    int64_t worth;
    uint32_t first, count; /* in contents */
} found;

typedef struct pricer {
    const spotopt__bare *bare;
    const spotopt__view *view;
    spotopt_context *context;
    spotopt__arena arena; /* of the view */
    uint32_t lanes, deepest;
    int32_t *view_size; /* part * lanes + r */
    int32_t *top;       /* sort * lanes + r */
    /* of a call, parts renumbered by falling price */
    uint32_t parts;
    uint32_t *part; /* the view's */
    uint32_t *most;
    int64_t *price;
    int64_t *gain;      /* price << SHIFT less room taken at lambda, none below 0; all copies */
    int64_t *base_gain; /* at the lambda of all first parts */
    int32_t *size;
    double *lambda; /* by sort and lane, of shares of the capacity; start of the next call */
    double *share;  /* by lane: one over the capacity */
    int64_t *whole; /* by lane: lambda in whole numbers, for one unit of size */
    int64_t *base;  /* by lane: the same for the tables */
    table table[TABLES];
    uint32_t tables;
    double *slope;   /* by lane */
    uint32_t *list;  /* level * parts */
    uint32_t *taken; /* by level: part in the content */
    int32_t *room;   /* level * lanes */
    found *found;    /* by first part */
    int64_t *limit;  /* by first part: bound on worth */
    uint32_t *content;
    uint32_t *pick;
    unsigned char *covered;
    spotopt__fill *fills;
    /* cuts */
    uint32_t cuts;
    uint32_t *touch_first; /* by part, one more at the end */
    touch *touch;
    size_t touch_room, cut_room;
    uint32_t *cut_count;
    const spotopt__prices *prices;
    /* the search under way */
    int64_t target, best;
    uint32_t best_count;
    uint64_t steps, steps_most;
    uint64_t asked; /* steps when the budget was last asked */
    bool cut_off, late;
} pricer;

static void
pricer_free(void *self)
{
    pricer *p = self;

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
    pricer *p = self;
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
    for (uint32_t t = 0; t < TABLES && t < dims; t++) {
        p->table[t].cell = spotopt__arena_alloc(arena, n * (CELLS_MOST + 1), sizeof(int32_t));
        if (p->table[t].cell == NULL)
            return false;
    }
    p->list = spotopt__arena_alloc(arena, n * levels, sizeof(uint32_t));
    p->taken = spotopt__arena_alloc(arena, levels, sizeof(uint32_t));
    p->room = spotopt__arena_alloc(arena, levels * lanes, sizeof(int32_t));
    p->found = spotopt__arena_alloc(arena, n, sizeof(found));
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

/* Parts by falling price, those of no price left out; false when sums could grow too large. */
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

static bool
rank_parts(pricer *p, bool *too_large)
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
gather_cuts(pricer *p)
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
                touch *more = spotopt__resize_array(p->context, p->touch, room, sizeof *more);
                if (more == NULL)
                    return false;
                p->touch = more;
                p->touch_room = room;
            }
            p->touch[count++] = (touch){c, pieces};
        }
    }
    p->touch_first[p->parts] = count;
    return true;
}

/* What cuts charge for one more of the part; entered into their counts. */
static int64_t
charge(pricer *p, uint32_t k)
{
    int64_t sum = 0;

    for (uint32_t t = p->touch_first[k]; t < p->touch_first[k + 1]; t++) {
        uint32_t *count = &p->cut_count[p->touch[t].cut], more = *count + p->touch[t].pieces;
        sum += (int64_t)(more / 2 - *count / 2) * (int64_t)p->prices->cut_price[p->touch[t].cut];
        *count = more;
    }
    return sum;
}

static void
discharge(pricer *p, uint32_t k)
{
    for (uint32_t t = p->touch_first[k]; t < p->touch_first[k + 1]; t++)
        p->cut_count[p->touch[t].cut] -= p->touch[t].pieces;
}

/*
 * The list's parts that fit the room beside the one taken; how many. Ones equal in rank to `from`
 * count as further copies, which the caller limits.
 */
static uint32_t
narrow(const pricer *p, uint32_t taken, const uint32_t *from, uint32_t count, const int32_t *room,
       uint32_t *to)
{
    const uint32_t lanes = p->lanes;
    const spotopt__view *view = p->view;
    const uint64_t *apart =
        view->apart != NULL ? view->apart + (size_t)p->part[taken] * view->words : NULL;
    uint32_t kept = 0;

    for (uint32_t c = 0; c < count; c++) {
        const int32_t *size = p->size + (size_t)from[c] * lanes;
        int32_t below = 0;
        for (uint32_t r = 0; r < lanes; r += 4) {
            below |= room[r] - size[r];
            below |= room[r + 1] - size[r + 1];
            below |= room[r + 2] - size[r + 2];
            below |= room[r + 3] - size[r + 3];
        }
        to[kept] = from[c];
        kept += below >= 0;
    }
    if (apart != NULL) {
        uint32_t all = kept;
        kept = 0;
        for (uint32_t c = 0; c < all; c++) {
            uint32_t part = p->part[to[c]];
            to[kept] = to[c];
            kept += to[c] == taken || !((apart[part >> 6] >> (part & 63)) & 1);
        }
    }
    return kept;
}

/* How many of the list are dearer than this: the first ones. */
static uint32_t
count_above(const pricer *p, const uint32_t *list, uint32_t count, int64_t price)
{
    uint32_t low = 0;

    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if (p->price[list[middle]] > price)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* How many of the list could fit by the smallest of each dimension; at least 1. */
static uint32_t
most_by_number(const pricer *p, const uint32_t *list, uint32_t count, const int32_t *room)
{
    const uint32_t lanes = p->lanes;
    int32_t least[64];
    uint32_t most = UINT32_MAX;

    memcpy(least, p->size + (size_t)list[0] * lanes, lanes * sizeof *least);
    for (uint32_t c = 1; c < count; c++) {
        const int32_t *size = p->size + (size_t)list[c] * lanes;
        for (uint32_t r = 0; r < lanes; r++)
            least[r] = size[r] < least[r] ? size[r] : least[r];
    }
    for (uint32_t r = 0; r < lanes; r++) {
        if (least[r] > 0 && (uint32_t)(room[r] / least[r]) < most)
            most = (uint32_t)(room[r] / least[r]);
    }
    return most;
}

/* Room and gains of a list at lambda, << SHIFT. */
static int64_t
rest_of(const pricer *p, const uint32_t *list, uint32_t count, const int32_t *room)
{
    int64_t sum = 0;

    for (uint32_t r = 0; r < p->lanes; r++)
        sum += p->whole[r] * room[r];
    for (uint32_t c = 0; c < count; c++)
        sum += p->gain[list[c]];
    return sum;
}

/* Gains of a list at lambda: none below 0, all copies. */
static void
set_gains(pricer *p, const uint32_t *list, uint32_t count, const double *lambda)
{
    for (uint32_t r = 0; r < p->lanes; r++)
        p->whole[r] = (int64_t)(lambda[r] * p->share[r] * (1 << SHIFT));
    for (uint32_t c = 0; c < count; c++) {
        const int32_t *size = p->size + (size_t)list[c] * p->lanes;
        int64_t gain = p->price[list[c]] * (1 << SHIFT);
        for (uint32_t r = 0; r < p->lanes; r++)
            gain -= p->whole[r] * size[r];
        p->gain[list[c]] = gain > 0 ? gain * p->most[list[c]] : 0;
    }
}

/* Subgradient steps on lambda for what a room can take of a list; the best stays. */
static void
tune(pricer *p, const uint32_t *list, uint32_t count, const int32_t *room, double target,
     uint32_t turns, double *lambda)
{
    const uint32_t lanes = p->lanes;
    double now[64], best = INFINITY;

    memcpy(now, lambda, lanes * sizeof *now);
    for (uint32_t turn = 0; turn <= turns; turn++) {
        double slope[64], value = 0.0, norm = 0.0, price[64];
        for (uint32_t r = 0; r < lanes; r++) {
            slope[r] = room[r] * p->share[r];
            value += now[r] * slope[r];
            price[r] = now[r] * p->share[r];
        }
        for (uint32_t c = 0; c < count; c++) {
            const int32_t *size = p->size + (size_t)list[c] * lanes;
            double gain = (double)p->price[list[c]];
            for (uint32_t r = 0; r < lanes; r++)
                gain -= price[r] * size[r];
            if (gain <= 0.0)
                continue;
            value += gain * p->most[list[c]];
            for (uint32_t r = 0; r < lanes; r++)
                slope[r] -= p->share[r] * size[r] * p->most[list[c]];
        }
        if (value < best) {
            best = value;
            memcpy(lambda, now, lanes * sizeof *now);
        }
        for (uint32_t r = 0; r < lanes; r++) {
            if (slope[r] > 0.0 && now[r] <= 0.0)
                slope[r] = 0.0;
            norm += slope[r] * slope[r];
        }
        if (norm <= 0.0 || value <= target)
            return;
        for (uint32_t r = 0; r < lanes; r++) {
            now[r] -= 0.7 * (value - 0.97 * target) / norm * slope[r];
            now[r] = now[r] > 0.0 ? fmin(now[r], 0x1p40) : 0.0;
        }
    }
}

/* Tables over the dimensions that matter most at lambda, from parts of the list (all of them). */
static void
fill_tables(pricer *p, const uint32_t *list, uint32_t count, const int32_t *top)
{
    const uint32_t lanes = p->lanes;
    unsigned char used[64] = {0};

    for (p->tables = 0; p->tables < TABLES; p->tables++) {
        table *t = &p->table[p->tables];
        int64_t most = 0, high = 0;
        for (uint32_t k = 0; k < p->parts; k++)
            high += p->price[k] * p->most[k] * (1 << SHIFT);
        for (uint32_t r = 0; r < p->bare->dims; r++) {
            if (!used[r] && p->whole[r] * top[r] > most) {
                most = p->whole[r] * top[r];
                t->dim = r;
            }
        }
        if (most == 0)
            break;
        used[t->dim] = 1;
        t->unit = top[t->dim] / CELLS_MOST + 1;
        t->width = (uint32_t)(top[t->dim] / t->unit) + 1;
        for (t->drop = 0; (high >> t->drop) >= 1 << 28; t->drop++)
            ;
        /* Parts that fit nowhere have rows, too: as those behind them. */
        memset(t->cell + (size_t)p->parts * t->width, 0, t->width * sizeof *t->cell);
        for (uint32_t k = p->parts, c = count; k-- > 0;) {
            int32_t *row = t->cell + (size_t)k * t->width;
            const int32_t *size = p->size + (size_t)k * lanes, *behind = row + t->width;
            int64_t gain = p->price[k] * (1 << SHIFT);
            uint32_t space = (uint32_t)(size[t->dim] / t->unit);
            int32_t step;
            for (uint32_t r = 0; r < lanes; r++)
                gain -= r == t->dim ? 0 : p->whole[r] * size[r];
            if (c == 0 || list[c - 1] != k || gain <= 0) {
                c -= c > 0 && list[c - 1] == k;
                memcpy(row, behind, t->width * sizeof *row);
                continue;
            }
            c--;
            step = (int32_t)(((gain - 1) >> t->drop) + 1);
            if (space == 0) {
                for (uint32_t w = 0; w < t->width; w++)
                    row[w] = behind[w] + step * (int32_t)p->most[k];
                continue;
            }
            memcpy(row, behind, space * sizeof *row);
            for (uint32_t w = space; w < t->width; w++)
                row[w] =
                    behind[w] > behind[w - space] + step ? behind[w] : behind[w - space] + step;
            for (uint32_t copy = 2; copy <= p->most[k] && copy * space < t->width; copy++) {
                for (uint32_t w = t->width; w-- > copy * space;)
                    row[w] = row[w] > behind[w - copy * space] + (int32_t)copy * step
                                 ? row[w]
                                 : behind[w - copy * space] + (int32_t)copy * step;
            }
        }
    }
}

/* By the tables: the most that parts from k on can add in a room, << SHIFT. */
static int64_t
look_up(const pricer *p, uint32_t k, const int32_t *room)
{
    int64_t sum = 0, best = INT64_MAX;

    for (uint32_t r = 0; r < p->lanes; r++)
        sum += p->base[r] * room[r];
    for (uint32_t i = 0; i < p->tables; i++) {
        const table *t = &p->table[i];
        int64_t gain = t->cell[(size_t)k * t->width + (uint32_t)(room[t->dim] / t->unit)];
        int64_t value = sum - p->base[t->dim] * room[t->dim] + gain * ((int64_t)1 << t->drop);
        best = value < best ? value : best;
    }
    return best;
}

static void
record(pricer *p, uint32_t level, int64_t worth)
{
    p->best = worth;
    p->best_count = level;
    memcpy(p->pick, p->taken, level * sizeof *p->pick);
}

/*
 * One more part and no other, from the list (room NULL: all of it fits): the best one is recorded.
 * Dearest first, so that without charges the first that fits is it.
 */
static void
add_last(pricer *p, uint32_t level, const uint32_t *list, uint32_t count, const int32_t *room,
         int64_t worth)
{
    const spotopt__view *view = p->view;
    const uint32_t lanes = p->lanes, taken = p->taken[level - 1];
    const uint64_t *apart = room == NULL || view->apart == NULL
                                ? NULL
                                : view->apart + (size_t)p->part[taken] * view->words;
    uint32_t c;

    for (c = 0; c < count && worth + p->price[list[c]] > p->best; c++) {
        const uint32_t k = list[c], part = p->part[k];
        int64_t with;
        int32_t below = 0;
        for (uint32_t r = 0; room != NULL && r < lanes; r += 4) {
            const int32_t *size = p->size + (size_t)k * lanes;
            below |= room[r] - size[r];
            below |= room[r + 1] - size[r + 1];
            below |= room[r + 2] - size[r + 2];
            below |= room[r + 3] - size[r + 3];
        }
        if (below < 0 || (apart != NULL && k != taken && ((apart[part >> 6] >> (part & 63)) & 1)))
            continue;
        with = worth + p->price[k] - charge(p, k);
        discharge(p, k);
        if (with > p->best) {
            p->taken[level] = k;
            record(p, level + 1, with);
        }
        if (p->cuts == 0)
            break;
    }
    p->steps += room != NULL ? c + 1 : 1;
}

/* What can join what is taken, from the list of this level. */
static void
dig(pricer *p, uint32_t level, uint32_t count, int64_t worth)
{
    const uint32_t *list = p->list + (size_t)level * p->parts, lanes = p->lanes;
    const int32_t *room = p->room + (size_t)level * lanes;
    int32_t *below = p->room + (size_t)(level + 1) * lanes;
    uint32_t number, copies = 1;
    int64_t rest;

    p->steps += count + 1;
    if (worth > p->best)
        record(p, level, worth);
    if (count == 0)
        return;
    if (p->steps - p->asked > 50000 && p->prices->stop != NULL) {
        p->asked = p->steps;
        p->late = p->late || p->prices->stop(p->prices->stop_data);
    }
    if (level > p->deepest || p->steps > p->steps_most || p->late) {
        p->cut_off = true;
        return;
    }
    number = most_by_number(p, list, count, room);
    rest = rest_of(p, list, count, room);
    while (copies < level && p->taken[level - 1 - copies] == p->taken[level - 1])
        copies++;
    for (uint32_t c = 0; c < count; c++, rest -= p->gain[list[c - 1]]) {
        const uint32_t k = list[c];
        const int32_t *size = p->size + (size_t)k * lanes;
        uint32_t *next = p->list + (size_t)(level + 1) * p->parts, held, first, end;
        if ((number < p->parts && worth + p->price[k] * number <= p->best) ||
            worth + (rest >> SHIFT) <= p->best || p->cut_off)
            return;
        if (number == 1) {
            add_last(p, level, list + c, count - c, NULL, worth);
            return;
        }
        p->taken[level] = k;
        held = k == p->taken[level - 1] ? copies + 1 : 1;
        first = held < p->most[k] ? c : c + 1;
        end = count;
        if (number < p->parts && first < count) {
            /* At most number - 1 can join it: each must make up for what the others cannot be. */
            const int64_t dearest = p->price[list[first]], lacks = p->best - worth - p->price[k];
            if (lacks >= (number - 1) * dearest)
                return;
            end = first + count_above(p, list + first, count - first,
                                      lacks - (number > 1 ? number - 2 : 0) * dearest);
        }
        for (uint32_t r = 0; r < lanes; r++)
            below[r] = room[r] - size[r];
        p->steps++;
        if (number == 2) {
            const int64_t with = worth + p->price[k] - charge(p, k);
            if (with > p->best)
                record(p, level + 1, with);
            add_last(p, level + 1, list + first, end - first, below, with);
            discharge(p, k);
            continue;
        }
        if (p->tables > 0 &&
            worth + p->price[k] +
                    (look_up(p, first < count ? list[first] : p->parts, below) >> SHIFT) <=
                p->best)
            continue;
        held = narrow(p, k, list + first, end - first, below, next);
        dig(p, level + 1, held, worth + p->price[k] - charge(p, k));
        discharge(p, k);
    }
}

/* Patterns that bring parts not yet covered first, by worth; then the rest. */
static bool
hand_out(pricer *p, uint32_t sort, uint32_t count, uint32_t most, spotopt__patterns *out)
{
    uint32_t given = 0;

    memset(p->covered, 0, p->parts);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t f = 0; f < count && given < most; f++) {
            found *one = &p->found[f];
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
    const found *x = a, *y = b;

    if (x->worth != y->worth)
        return x->worth < y->worth ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

/*
 * One dimension more: the sum of all shares of the capacity. No content is lost by it, and it
 * limits numbers where each other dimension has parts that need nothing of it.
 */
static void
sum_shares(pricer *p, int32_t *top)
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
list_parts(const pricer *p, const int32_t *top, uint32_t *list)
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
reach_of(const pricer *p, int effort)
{
    const uint64_t n = p->parts;
    const reach reaches[] = {{1000 * n, 20 + n / 2}, {20000000, 20 + n}, {1000000000, 20 + n}};

    return reaches[effort];
}

/*
 * The contents with the dearest part all[c], within so many steps; a bound on their worth when they
 * were not gone through, else the best worth.
 */
static int64_t
price_first(pricer *p, uint32_t c, uint32_t count, const int32_t *top, int64_t threshold,
            bool tunes, const double *lambda, uint64_t steps_most)
{
    const uint32_t lanes = p->lanes, *all = p->list, k = all[c];
    const uint32_t first = p->most[k] > 1 ? c : c + 1;
    uint32_t *next = p->list + p->parts, held;
    int32_t *room = p->room + lanes;
    int64_t limit = INT64_MAX, rest;

    p->steps = p->asked = 0;
    p->cut_off = false;
    p->best = p->found[c].worth;
    p->best_count = 0;
    for (uint32_t r = 0; r < lanes; r++)
        room[r] = top[r] - p->size[(size_t)k * lanes + r];
    if (p->tables > 0) {
        rest = look_up(p, first < count ? all[first] : p->parts, room);
        limit = p->price[k] + (rest >> SHIFT);
        if (limit <= p->best)
            return p->best;
    }
    held = narrow(p, k, all + first, count - first, room, next);
    p->steps = count - first + held;
    rest = rest_of(p, next, held, room);
    if (tunes && p->price[k] + (rest >> SHIFT) > p->best) {
        double own[64];
        memcpy(own, lambda, lanes * sizeof *own);
        tune(p, next, held, room, (double)(threshold - p->price[k]), 6, own);
        set_gains(p, next, held, own);
        rest = rest_of(p, next, held, room);
        p->steps += 8u * held;
    }
    if (p->price[k] + (rest >> SHIFT) < limit)
        limit = p->price[k] + (rest >> SHIFT);
    if (limit > p->best) {
        p->steps_most = p->steps + steps_most;
        p->taken[0] = k;
        dig(p, 1, held, p->price[k] - charge(p, k));
        discharge(p, k);
        if (p->best_count > 0) {
            p->found[c] = (found){p->best, c * (p->deepest + 2), p->best_count};
            memcpy(p->content + p->found[c].first, p->pick, p->best_count * sizeof *p->pick);
        }
    }
    if (tunes) { /* the common lambda again */
        memcpy(p->whole, p->base, lanes * sizeof *p->whole);
        memcpy(p->gain, p->base_gain, p->parts * sizeof *p->gain);
    }
    return p->cut_off && limit > p->best ? limit : p->best;
}

/*
 * All contents of one sort, a little below each first part, then more where something is left to
 * see; the bound, as far as it was asked for and could be had.
 */
static bool
price_sort(pricer *p, uint32_t sort, int64_t threshold, int effort, uint32_t most,
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
    tune(p, p->list, count, top, (double)threshold, effort > 0 ? 30 : 10, lambda);
    set_gains(p, p->list, count, lambda);
    memcpy(p->base, p->whole, lanes * sizeof *p->base);
    memcpy(p->base_gain, p->gain, p->parts * sizeof *p->gain);
    fill_tables(p, p->list, count, top);
    steps += p->tables * (uint64_t)count * CELLS_MOST / 16;
    number = most_by_number(p, p->list, count, top);
    open = count;
    while (open > 0 && number < p->parts && p->price[p->list[open - 1]] * number <= threshold)
        open--;
    for (uint32_t c = 0; c < open; c++) {
        p->found[c] = (found){threshold, 0, 0};
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
            p->limit[c] = price_first(p, c, count, top, threshold, effort > 0, lambda,
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
    pricer *p = self;
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
    pricer *p = spotopt__alloc(context, sizeof *p);

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
