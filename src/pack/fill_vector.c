/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_vector.c - packs vectors into few equal bins, fast and without proof.
 *
 * First come fits in descending order of several measures and bins filled one by one with the item
 * that points where room is left (Panigrahy, Talwar, Uyeda, Wieder 2011). Then one bin at a time is
 * given up and its items seek other places: an item that fits nowhere drives out the few that were
 * easiest to place so far, counted by how often each failed, and random moves shake the bins in
 * between (after Nagata and Braysy 2009, who do this to routes; bins given up one by one and left
 * over items kept aside as Buljubasic and Vasquez 2016 do).
 */
#include "base/base.h"
#include "pack/vector.h"
#include <stdlib.h>

static int
compare_sizes(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static bool
comes_after(const double *key, uint32_t a, uint32_t b)
{
    return key[a] < key[b] || (key[a] == key[b] && a > b);
}

uint32_t
spotopt__vector_volume(const spotopt__vector *vector)
{
    int64_t bins = vector->items > 0;

    for (uint32_t r = 0; r < vector->dims; r++) {
        int64_t sum = 0, capacity = vector->capacity[r];
        for (uint32_t i = 0; i < vector->items; i++)
            sum += vector->size[(size_t)i * vector->lanes + r];
        if (capacity > 0 && (sum + capacity - 1) / capacity > bins)
            bins = (sum + capacity - 1) / capacity;
    }
    return (uint32_t)bins;
}

uint32_t
spotopt__vector_most(const spotopt__vector *vector)
{
    uint32_t most = vector->items;
    int32_t *size = spotopt__alloc_array(vector->context, vector->items, sizeof *size);

    for (uint32_t r = 0; size != NULL && r < vector->dims; r++) {
        int64_t sum = 0;
        uint32_t count = 0;
        for (uint32_t i = 0; i < vector->items; i++)
            size[i] = vector->size[(size_t)i * vector->lanes + r];
        qsort(size, vector->items, sizeof *size, compare_sizes);
        while (count < vector->items && (sum += size[count]) <= vector->capacity[r])
            count++;
        most = count < most ? count : most;
    }
    spotopt__free(vector->context, size);
    return most;
}

bool
spotopt__vfill_init(spotopt__vfill *fill, const spotopt__vector *vector, spotopt__budget *budget,
                    uint64_t seed)
{
    const size_t n = vector->items, lanes = vector->lanes;
    spotopt__arena *arena = &fill->arena;

    memset(fill, 0, sizeof *fill);
    fill->vector = vector;
    fill->budget = budget;
    fill->most = spotopt__vector_most(vector);
    spotopt__rng_seed(&fill->rng, seed);
    spotopt__arena_init(arena, vector->context);
    fill->bin_of = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    fill->slot_of = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    fill->count = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    fill->left = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    fill->best = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    fill->order = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    fill->penalty = spotopt__arena_alloc(arena, n + 1, sizeof(uint32_t));
    fill->key = spotopt__arena_alloc(arena, n + 1, sizeof(double));
    fill->weight = spotopt__arena_alloc(arena, lanes + 1, sizeof(double));
    fill->load = spotopt__arena_alloc(arena, n * lanes + 1, sizeof(int32_t));
    fill->content = spotopt__arena_alloc(arena, n * fill->most + 1, sizeof(uint32_t));
    if (fill->bin_of == NULL || fill->slot_of == NULL || fill->count == NULL ||
        fill->left == NULL || fill->best == NULL || fill->order == NULL || fill->penalty == NULL ||
        fill->key == NULL || fill->weight == NULL || fill->load == NULL || fill->content == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++) { /* each alone is a packing, too */
        fill->best[i] = i;
        fill->penalty[i] = 1;
    }
    fill->best_bins = vector->items;
    return true;
}

void
spotopt__vfill_free(spotopt__vfill *fill)
{
    spotopt__arena_free(&fill->arena);
}

static bool
fits(const spotopt__vfill *fill, uint32_t bin, uint32_t item)
{
    const uint32_t lanes = fill->vector->lanes;
    const int32_t *load = fill->load + (size_t)bin * lanes, *top = fill->vector->capacity;
    const int32_t *size = fill->vector->size + (size_t)item * lanes;
    int32_t below = 0;

    for (uint32_t r = 0; r < lanes; r++)
        below |= top[r] - load[r] - size[r];
    return below >= 0;
}

static void
put(spotopt__vfill *fill, uint32_t bin, uint32_t item)
{
    const uint32_t lanes = fill->vector->lanes;

    for (uint32_t r = 0; r < lanes; r++)
        fill->load[(size_t)bin * lanes + r] += fill->vector->size[(size_t)item * lanes + r];
    fill->bin_of[item] = bin;
    fill->slot_of[item] = fill->count[bin];
    fill->content[(size_t)bin * fill->most + fill->count[bin]++] = item;
}

static void
take(spotopt__vfill *fill, uint32_t item)
{
    const uint32_t lanes = fill->vector->lanes, bin = fill->bin_of[item];
    uint32_t *content = fill->content + (size_t)bin * fill->most;
    uint32_t last = content[--fill->count[bin]];

    for (uint32_t r = 0; r < lanes; r++)
        fill->load[(size_t)bin * lanes + r] -= fill->vector->size[(size_t)item * lanes + r];
    content[fill->slot_of[item]] = last;
    fill->slot_of[last] = fill->slot_of[item];
    fill->bin_of[item] = SPOTOPT__NONE;
}

static void
clear(spotopt__vfill *fill)
{
    const spotopt__vector *vector = fill->vector;

    fill->bins = fill->left_count = 0;
    memset(fill->count, 0, vector->items * sizeof *fill->count);
    memset(fill->load, 0, (size_t)vector->items * vector->lanes * sizeof *fill->load);
    for (uint32_t i = 0; i < vector->items; i++)
        fill->bin_of[i] = SPOTOPT__NONE;
}

/* Keeps a whole packing with fewer bins than the best. */
static bool
keep(spotopt__vfill *fill)
{
    if (fill->left_count > 0 || fill->bins >= fill->best_bins)
        return false;
    fill->best_bins = fill->bins;
    memcpy(fill->best, fill->bin_of, fill->vector->items * sizeof *fill->best);
    return true;
}

/* Descending keys, ties by index. */
static void
sort_by_key(spotopt__vfill *fill)
{
    uint32_t n = fill->vector->items, *order = fill->order;
    const double *key = fill->key;

    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t whole = n / 2 + n; whole > 1;) { /* heap sort; first n/2 turns build the heap */
        uint32_t at, end, item;
        whole--;
        if (whole >= n) {
            at = whole - n;
            end = n;
            item = order[at];
        } else {
            at = 0;
            end = whole;
            item = order[end];
            order[end] = order[0];
        }
        for (uint32_t below = 2 * at + 1; below < end; below = 2 * at + 1) {
            if (below + 1 < end && comes_after(key, order[below + 1], order[below]))
                below++;
            if (!comes_after(key, order[below], item))
                break;
            order[at] = order[below];
            at = below;
        }
        order[at] = item;
    }
}

/* Weights of the dimensions: equal shares of the capacity, or by how scarce each is. */
static void
weigh(spotopt__vfill *fill, double power)
{
    const spotopt__vector *vector = fill->vector;

    for (uint32_t r = 0; r < vector->lanes; r++) {
        double sum = 0.0, top = vector->capacity[r];
        for (uint32_t i = 0; i < vector->items; i++)
            sum += vector->size[(size_t)i * vector->lanes + r];
        fill->weight[r] = top > 0.0 ? pow(sum / top / (1.0 + vector->items), power) / top : 0.0;
    }
}

enum { BY_SUM, BY_SQUARES, BY_LARGEST, SORTS };

static void
sort_items(spotopt__vfill *fill, uint32_t by)
{
    const spotopt__vector *vector = fill->vector;

    for (uint32_t i = 0; i < vector->items; i++) {
        double key = 0.0;
        for (uint32_t r = 0; r < vector->dims; r++) {
            double share = fill->weight[r] * vector->size[(size_t)i * vector->lanes + r];
            key =
                by == BY_LARGEST ? fmax(key, share) : key + (by == BY_SUM ? share : share * share);
        }
        fill->key[i] = key;
    }
    sort_by_key(fill);
}

/* How well an item suits a bin: as its room points, or leaving least of it. */
static double
suit(const spotopt__vfill *fill, uint32_t bin, uint32_t item, bool points)
{
    const spotopt__vector *vector = fill->vector;
    const int32_t *load = fill->load + (size_t)bin * vector->lanes;
    const int32_t *size = vector->size + (size_t)item * vector->lanes;
    double suits = 0.0;

    for (uint32_t r = 0; r < vector->dims; r++) {
        double room = fill->weight[r] * (vector->capacity[r] - load[r]);
        double share = fill->weight[r] * size[r];
        suits += points ? room * share : -(room - share) * (room - share);
    }
    return suits;
}

/* Items in order, each into the first bin with room or the one that it suits best. */
static void
fit_items(spotopt__vfill *fill, bool best, bool points)
{
    clear(fill);
    for (uint32_t n = 0; n < fill->vector->items; n++) {
        uint32_t item = fill->order[n], into = SPOTOPT__NONE;
        double most = -INFINITY;
        for (uint32_t b = 0; b < fill->bins && (best || into == SPOTOPT__NONE); b++) {
            double suits;
            if (!fits(fill, b, item))
                continue;
            suits = best ? suit(fill, b, item, points) : 0.0;
            if (suits > most) {
                most = suits;
                into = b;
            }
        }
        put(fill, into == SPOTOPT__NONE ? fill->bins++ : into, item);
    }
    (void)keep(fill);
}

/* Bins one after the other, each with the items that suit it best while there are any. */
static void
fill_bins(spotopt__vfill *fill, bool points)
{
    uint32_t *todo = fill->order, count = fill->vector->items;

    clear(fill);
    for (uint32_t i = 0; i < count; i++)
        todo[i] = i;
    while (count > 0) {
        uint32_t bin = fill->bins++, at;
        do {
            double most = -INFINITY;
            at = SPOTOPT__NONE;
            for (uint32_t t = 0; t < count; t++) {
                double suits;
                if (!fits(fill, bin, todo[t]))
                    continue;
                suits = suit(fill, bin, todo[t], points);
                if (suits > most) {
                    most = suits;
                    at = t;
                }
            }
            if (at != SPOTOPT__NONE) {
                put(fill, bin, todo[at]);
                memmove(todo + at, todo + at + 1, (--count - at) * sizeof *todo);
            }
        } while (at != SPOTOPT__NONE && count > 0);
    }
    (void)keep(fill);
}

void
spotopt__vfill_greedily(spotopt__vfill *fill, uint32_t least)
{
    static const double powers[] = {1.0, 0.0, 2.0};
    const uint64_t n = fill->vector->items;

    for (uint32_t p = 0; p < 3; p++) {
        weigh(fill, powers[p]);
        for (uint32_t way = 0; way < SORTS + 4; way++) {
            if (fill->best_bins <= least)
                return;
            if (way < SORTS) {
                sort_items(fill, way);
                fit_items(fill, false, false);
            } else if (way < SORTS + 2) {
                sort_items(fill, BY_SUM);
                fit_items(fill, true, way == SORTS);
            } else {
                fill_bins(fill, way == SORTS + 2);
            }
            if (fill->budget != NULL) {
                fill->budget->work += 1 + n * n / 64;
                if (spotopt__budget_over(fill->budget, "pack", (double)INFINITY, 0.0))
                    return;
            }
        }
    }
}

/* Gives up bin b: its items are left over. */
static void
give_up(spotopt__vfill *fill, uint32_t b)
{
    const uint32_t lanes = fill->vector->lanes, last = fill->bins - 1;
    uint32_t *content = fill->content + (size_t)b * fill->most;

    while (fill->count[b] > 0) {
        fill->left[fill->left_count++] = content[0];
        take(fill, content[0]);
    }
    if (b != last) {
        memcpy(content, fill->content + (size_t)last * fill->most,
               fill->count[last] * sizeof *content);
        memcpy(fill->load + (size_t)b * lanes, fill->load + (size_t)last * lanes,
               lanes * sizeof *fill->load);
        fill->count[b] = fill->count[last];
        for (uint32_t s = 0; s < fill->count[b]; s++)
            fill->bin_of[content[s]] = b;
        fill->count[last] = 0;
        memset(fill->load + (size_t)last * lanes, 0, lanes * sizeof *fill->load);
    }
    fill->bins--;
}

/* The few items that must leave a bin so that another can enter. */
typedef struct ejection {
    uint32_t bin, count;
    uint32_t item[3];
    uint32_t penalty, ties;
} ejection;

static void
suggest(spotopt__vfill *fill, ejection *best, uint32_t penalty, uint32_t bin, uint32_t count,
        uint32_t a, uint32_t b, uint32_t c)
{
    if (penalty > best->penalty)
        return;
    best->ties = penalty == best->penalty ? best->ties + 1 : 1;
    if (best->ties > 1 && spotopt__rng_below(&fill->rng, best->ties) > 0)
        return;
    best->penalty = penalty;
    best->bin = bin;
    best->count = count;
    best->item[0] = a;
    best->item[1] = b;
    best->item[2] = c;
}

/* Whether what is short in `need` is made up by an item; what remains short into `rest`. */
static bool
covers(const spotopt__vector *vector, const int32_t *need, uint32_t item, int32_t *rest)
{
    const int32_t *size = vector->size + (size_t)item * vector->lanes;
    int32_t some = 0;

    for (uint32_t r = 0; r < vector->lanes; r++) {
        rest[r] = need[r] - size[r];
        some |= -rest[r];
    }
    return some >= 0;
}

static void
look_into(spotopt__vfill *fill, uint32_t bin, uint32_t item, ejection *best)
{
    const spotopt__vector *vector = fill->vector;
    const uint32_t *content = fill->content + (size_t)bin * fill->most, *penalty = fill->penalty;
    const uint32_t count = fill->count[bin];
    int32_t need[64], after[64], last[64];

    for (uint32_t r = 0; r < vector->lanes; r++)
        need[r] = fill->load[(size_t)bin * vector->lanes + r] +
                  vector->size[(size_t)item * vector->lanes + r] - vector->capacity[r];
    for (uint32_t a = 0; a < count; a++) {
        uint32_t pa = penalty[content[a]];
        if (pa > best->penalty)
            continue;
        if (covers(vector, need, content[a], after)) {
            suggest(fill, best, pa, bin, 1, content[a], 0, 0);
            continue;
        }
        for (uint32_t b = a + 1; b < count; b++) {
            uint32_t pb = pa + penalty[content[b]];
            int32_t third[64];
            if (pb > best->penalty)
                continue;
            if (covers(vector, after, content[b], third)) {
                suggest(fill, best, pb, bin, 2, content[a], content[b], 0);
                continue;
            }
            for (uint32_t c = b + 1; c < count; c++) {
                uint32_t pc = pb + penalty[content[c]];
                if (pc <= best->penalty && covers(vector, third, content[c], last))
                    suggest(fill, best, pc, bin, 3, content[a], content[b], content[c]);
            }
        }
    }
}

/* How much an exchange of i for j (NONE: nothing) makes full bins fuller; below 0: evens them out.
 */
static int64_t
sharpens(const spotopt__vfill *fill, uint32_t from, uint32_t into, uint32_t i, uint32_t j)
{
    const uint32_t lanes = fill->vector->lanes;
    const int32_t *a = fill->load + (size_t)from * lanes, *b = fill->load + (size_t)into * lanes;
    const int32_t *x = fill->vector->size + (size_t)i * lanes;
    const int32_t *y = fill->vector->size + (size_t)(j == SPOTOPT__NONE ? i : j) * lanes;
    int64_t sum = 0;

    for (uint32_t r = 0; r < lanes; r++) {
        int64_t moved = x[r] - (j == SPOTOPT__NONE ? 0 : y[r]);
        sum += moved * (b[r] - a[r] + moved);
    }
    return sum;
}

#define SHAKES 100  /* tries after each item that drove out others */
#define EVENS_OUT 5 /* one in so many moves that even bins out is made */

/* Random moves and exchanges that keep every bin within its capacity. */
static void
shake(spotopt__vfill *fill)
{
    const uint32_t n = fill->vector->items;

    for (uint32_t m = 0; m < SHAKES; m++) {
        const uint64_t draw = spotopt__rng_next(&fill->rng); /* near enough to uniform here */
        const uint32_t i = (uint32_t)(((draw >> 32) * n) >> 32), from = fill->bin_of[i];
        const uint32_t j = (uint32_t)(((draw & 0xffffffff) * n) >> 32), into = fill->bin_of[j];
        bool moves;
        if (from == SPOTOPT__NONE || into == SPOTOPT__NONE || from == into)
            continue;
        moves = fits(fill, into, i);
        if (sharpens(fill, from, into, i, moves ? SPOTOPT__NONE : j) < 0 &&
            spotopt__rng_below(&fill->rng, EVENS_OUT) > 0)
            continue;
        take(fill, i);
        if (moves) {
            put(fill, into, i);
            continue;
        }
        take(fill, j);
        if (fits(fill, from, j) && fits(fill, into, i)) {
            put(fill, from, j);
            put(fill, into, i);
        } else {
            put(fill, from, i);
            put(fill, into, j);
        }
    }
}

uint64_t
spotopt__vfill_work(const spotopt__vfill *fill)
{
    return SHAKES + 2u * (uint64_t)fill->bins;
}

/* Finds places for what is left over, without another bin. */
static bool
settle(spotopt__vfill *fill, uint64_t *steps)
{
    while (fill->left_count > 0) {
        uint32_t item = fill->left[fill->left_count - 1], into = SPOTOPT__NONE;
        ejection best = {0, 0, {0, 0, 0}, UINT32_MAX, 0};
        double most = -INFINITY;
        if (*steps == 0)
            return false;
        --*steps;
        if (fill->budget != NULL) {
            fill->budget->work += spotopt__vfill_work(fill);
            if (spotopt__budget_over(fill->budget, "pack", (double)INFINITY, 0.0))
                return false;
        }
        for (uint32_t b = 0; b < fill->bins; b++) {
            if (fits(fill, b, item)) {
                double suits = suit(fill, b, item, false);
                if (suits > most) {
                    most = suits;
                    into = b;
                }
            }
        }
        if (into != SPOTOPT__NONE) {
            fill->left_count--;
            put(fill, into, item);
            continue;
        }
        fill->penalty[item]++;
        for (uint32_t b = 0; b < fill->bins; b++)
            look_into(fill, b, item, &best);
        if (best.count > 0) {
            fill->left_count--;
            for (uint32_t e = 0; e < best.count; e++) {
                take(fill, best.item[e]);
                fill->left[fill->left_count++] = best.item[e];
            }
            put(fill, best.bin, item);
        }
        shake(fill);
    }
    return true;
}

void
spotopt__vfill_fewer(spotopt__vfill *fill, uint32_t least, uint64_t steps)
{
    const spotopt__vector *vector = fill->vector;

    clear(fill);
    fill->bins = fill->best_bins;
    for (uint32_t i = 0; i < vector->items; i++)
        put(fill, fill->best[i], i);
    weigh(fill, 1.0);
    while (fill->best_bins > least && steps > 0) {
        uint32_t lightest = 0;
        double lowest = INFINITY;
        for (uint32_t b = 0; b < fill->bins; b++) {
            double sum = 0.0;
            for (uint32_t r = 0; r < vector->dims; r++)
                sum += fill->weight[r] * fill->load[(size_t)b * vector->lanes + r];
            if (sum < lowest) {
                lowest = sum;
                lightest = b;
            }
        }
        give_up(fill, lightest);
        if (!settle(fill, &steps))
            return;
        (void)keep(fill);
    }
}

bool
spotopt__vfill_rest(spotopt__vfill *fill, const uint32_t *bin_of, uint32_t bins, uint64_t steps)
{
    clear(fill);
    fill->bins = bins;
    for (uint32_t i = 0; i < fill->vector->items; i++) {
        if (bin_of[i] != SPOTOPT__NONE)
            put(fill, bin_of[i], i);
        else
            fill->left[fill->left_count++] = i;
    }
    weigh(fill, 1.0);
    return settle(fill, &steps) && keep(fill);
}
