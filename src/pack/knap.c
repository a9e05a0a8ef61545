/* SPDX-License-Identifier: Apache-2.0 */
/*
 * knap.c - the oracle of one dimension: the best contents of a bin at given prices.
 *
 * A table tells for every part and every space left the most that this part and later ones can earn
 * there (Bellman 1957), parts by falling size. Where no parts are kept apart and no cuts charge, it
 * is exact, and the best content of every largest part is read off it. Else it bounds a depth first
 * search, as in da Silva and Schouery (2023). Capacities beyond what a table may hold are measured
 * in coarser units, sizes rounded down: more fits, so the table still bounds from above.
 *
 * Prices are whole and sums stay below 2^24, so floats hold them exactly; when a sum could be
 * larger, no bound is given. Where bins must be filled to a least level, contents that leave more
 * space than the emptiest bin may are worth minus infinity.
 */
#include <stdlib.h>

#include "pack/tree.h"

#define CELLS_MOST 20000000 /* of a table; beyond, units are coarser */
#define CELLS_COARSE 4000000
#define EXACT_MOST 16777216 /* 2^24 */
#define NEVER (-1e30f)

typedef struct candidate {
    float worth;
    uint32_t first; /* its largest part */
} candidate;

typedef struct knap {
    const spotopt__bare *bare;
    spotopt_context *context;
    const spotopt__view *view;
    int64_t unit; /* of size, of the table */
    size_t width; /* of a row */
    float *table; /* part * width + space */
    size_t room;  /* floats in table */
    float *spare; /* a row */
    size_t spare_room;
    uint32_t parts_room;
    float *price;    /* by part */
    uint32_t *take;  /* by part: content under search */
    uint32_t *used;  /* by part: in patterns of this batch */
    candidate *list; /* by part */
    spotopt__fill *fills;
    uint64_t *blocked; /* depth * words */
    uint32_t *member;  /* of cuts by part: part_first[part] ... in member_cut, times */
    uint32_t *member_first, *member_times;
    size_t members_room;
    double *charge; /* by cut */
    uint32_t *held; /* by cut: pieces of its types in the content */
    size_t cuts_room;
    bool plain; /* the table is exact */
    /* of one search */
    int64_t allowed; /* space that may be left */
    double best;     /* net of charges, which may be many: in doubles */
    uint32_t best_fills;
    uint64_t steps, steps_most;
    bool (*stop)(void *);
    void *stop_data;
    bool stopped; /* bounds as they are, and out */
} knap;

static void
knap_free(void *self)
{
    knap *k = self;

    if (k == NULL)
        return;
    spotopt__free(k->context, k->table);
    spotopt__free(k->context, k->spare);
    spotopt__free(k->context, k->price);
    spotopt__free(k->context, k->take);
    spotopt__free(k->context, k->used);
    spotopt__free(k->context, k->list);
    spotopt__free(k->context, k->fills);
    spotopt__free(k->context, k->blocked);
    spotopt__free(k->context, k->member);
    spotopt__free(k->context, k->member_first);
    spotopt__free(k->context, k->member_times);
    spotopt__free(k->context, k->charge);
    spotopt__free(k->context, k->held);
    spotopt__free(k->context, k);
}

/* Room for `count` elements where there were *room; contents are not kept. */
static bool
make_room(spotopt_context *context, void *ptr, size_t *room, size_t count, size_t size)
{
    void **at = ptr;

    if (count <= *room)
        return true;
    spotopt__free(context, *at);
    *at = spotopt__alloc_array(context, count, size);
    *room = *at != NULL ? count : 0;
    return *at != NULL;
}

static bool
knap_enter(void *self, const spotopt__view *view)
{
    knap *k = self;
    const int64_t widest = k->bare->sort[0].capacity[0];
    const uint32_t parts = view->parts;

    k->view = view;
    k->unit = 1;
    if (widest >= CELLS_MOST / ((int64_t)parts + 1))
        k->unit = widest / (CELLS_COARSE / ((int64_t)parts + 1) + 1) + 1;
    k->width = (size_t)(widest / k->unit) + 1;
    if (!make_room(k->context, &k->table, &k->room, (parts + 1) * k->width, sizeof *k->table) ||
        !make_room(k->context, &k->spare, &k->spare_room, k->width, sizeof *k->spare))
        return false;
    if (parts + 1 > k->parts_room || k->price == NULL) {
        const size_t n = 2 * ((size_t)parts + 1);
        spotopt__free(k->context, k->price);
        spotopt__free(k->context, k->take);
        spotopt__free(k->context, k->used);
        spotopt__free(k->context, k->list);
        spotopt__free(k->context, k->fills);
        spotopt__free(k->context, k->blocked);
        spotopt__free(k->context, k->member_first);
        k->price = spotopt__alloc_array(k->context, n, sizeof *k->price);
        k->take = spotopt__alloc_array(k->context, n, sizeof *k->take);
        k->used = spotopt__alloc_array(k->context, n, sizeof *k->used);
        k->list = spotopt__alloc_array(k->context, n, sizeof *k->list);
        k->fills = spotopt__alloc_array(k->context, n, sizeof *k->fills);
        k->blocked = spotopt__alloc_array(k->context, n * (n / 64 + 1), sizeof *k->blocked);
        k->member_first = spotopt__alloc_array(k->context, n + 1, sizeof *k->member_first);
        k->parts_room = 0;
        if (k->price == NULL || k->take == NULL || k->used == NULL || k->list == NULL ||
            k->fills == NULL || k->blocked == NULL || k->member_first == NULL)
            return false;
        k->parts_room = (uint32_t)n;
    }
    return true;
}

/* Which cuts each part counts in, and how often a piece of it. */
static bool
list_members(knap *k, const spotopt__prices *prices)
{
    const spotopt__view *view = k->view;
    size_t count = 0;

    for (int pass = 0; pass < 2; pass++) {
        size_t room = k->members_room;
        if (pass == 1 && (!make_room(k->context, &k->member, &room, count + 1, 4) ||
                          !make_room(k->context, &k->member_times, &k->members_room, count + 1, 4)))
            return false;
        count = 0;
        for (uint32_t p = 0; p < view->parts; p++) {
            k->member_first[p] = (uint32_t)count;
            for (uint32_t c = 0; c < prices->cuts; c++) {
                uint32_t times = 0;
                if (prices->cut_price[c] <= 0.0)
                    continue;
                for (uint32_t f = 0; f < view->part[p].fills; f++) {
                    const spotopt__fill *fill = &view->fill[view->part[p].first + f];
                    for (int j = 0; j < 3; j++)
                        times += prices->cut[c].type[j] == fill->type ? fill->count : 0;
                }
                if (times == 0)
                    continue;
                if (pass == 1) {
                    k->member[count] = c;
                    k->member_times[count] = times;
                }
                count++;
            }
        }
        k->member_first[view->parts] = (uint32_t)count;
    }
    return true;
}

/* to[c] = the better of from[c] and from[c - shift] + worth. */
static void
add_copies(float *restrict to, const float *restrict from, size_t width, size_t shift, float worth)
{
    if (shift >= width) {
        memcpy(to, from, width * sizeof *to);
        return;
    }
    memcpy(to, from, shift * sizeof *to);
    for (size_t c = shift; c < width; c++) {
        float with = from[c - shift] + worth, without = from[c];
        to[c] = with > without ? with : without;
    }
}

static void
fill_table(knap *k)
{
    const spotopt__view *view = k->view;
    float *last = k->table + view->parts * k->width;
    int64_t space = 0;

    for (uint32_t s = 0; s < k->bare->sorts; s++) {
        int64_t free_most = k->bare->sort[s].capacity[0] - (view->least ? view->least[s] : 0);
        space = free_most > space ? free_most : space;
    }
    for (size_t c = 0; c < k->width; c++)
        last[c] = k->unit > 1 || (int64_t)c <= space ? 0.0f : NEVER;
    for (uint32_t p = view->parts; p-- > 0;) {
        const size_t size = (size_t)(view->size[p] / k->unit);
        float *row = k->table + p * k->width, *from = row + k->width;
        uint32_t passes = 0;
        for (uint64_t left = view->part[p].most, chunk = 1; left > 0;
             left -= chunk, chunk = chunk * 2 < left ? chunk * 2 : left)
            passes++;
        if (passes == 0)
            memcpy(row, from, k->width * sizeof *row);
        for (uint64_t left = view->part[p].most, chunk = 1; left > 0;
             left -= chunk, chunk = chunk * 2 < left ? chunk * 2 : left) {
            float *to = passes % 2 == 1 ? row : k->spare;
            add_copies(to, from, k->width, size * chunk, k->price[p] * (float)chunk);
            from = to;
            passes--;
        }
    }
}

static float
table_at(const knap *k, uint32_t part, int64_t space)
{
    return k->table[part * k->width + (size_t)(space / k->unit)];
}

/* The best content of a bin with `first` as its largest part, by the table alone. */
static float
best_with(const knap *k, uint32_t first, int64_t capacity)
{
    const int64_t size = k->view->size[first];
    float best = NEVER;

    for (uint32_t n = 1; n <= k->view->part[first].most && n * size <= capacity; n++) {
        float worth = k->price[first] * (float)n + table_at(k, first + 1, capacity - n * size);
        best = worth > best ? worth : best;
    }
    return best;
}

/* Reads that content off an exact table; the number of fills. */
static uint32_t
trace(knap *k, uint32_t first, int64_t space, float worth)
{
    uint32_t count = 0;

    for (uint32_t p = first; p < k->view->parts && space > 0; p++) {
        const int64_t size = k->view->size[p];
        if (p > first && worth == 0.0f && k->view->least == NULL)
            break;
        uint32_t n = (uint32_t)(space / size);
        n = n < k->view->part[p].most ? n : k->view->part[p].most;
        for (; n > 0; n--) {
            float rest = table_at(k, p + 1, space - n * size);
            if (rest > NEVER / 2 && rest + k->price[p] * (float)n == worth)
                break;
        }
        if (n == 0)
            continue;
        k->fills[count++] = (spotopt__fill){p, n};
        space -= n * size;
        worth -= k->price[p] * (float)n;
    }
    return count;
}

/* What taking (or, sign -1, giving back) n copies adds to the charges of cuts. */
static double
charge(knap *k, uint32_t part, uint32_t n, int sign)
{
    double sum = 0.0;

    for (uint32_t m = k->member_first[part]; m < k->member_first[part + 1]; m++) {
        const uint32_t c = k->member[m], held = k->held[c];
        const uint32_t now =
            sign > 0 ? held + n * k->member_times[m] : held - n * k->member_times[m];
        sum += k->charge[c] * ((double)(now / 2) - (double)(held / 2));
        k->held[c] = now;
    }
    return sum;
}

/* From part p on, `worth` in hand net of charges. False: out of steps. */
static bool
search(knap *k, uint32_t p, int64_t space, double worth, uint32_t depth)
{
    const spotopt__view *view = k->view;
    const uint64_t *blocked = k->blocked + (size_t)depth * view->words;

    if (worth > k->best && space <= k->allowed) {
        k->best = worth;
        k->best_fills = 0;
        for (uint32_t q = 0; q < p; q++) {
            if (k->take[q] > 0)
                k->fills[k->best_fills++] = (spotopt__fill){q, k->take[q]};
        }
    }
    if (++k->steps > k->steps_most)
        return false;
    if (k->steps % 16384 == 0 && k->stop != NULL && k->stop(k->stop_data))
        k->stopped = true;
    if (k->stopped)
        return false;
    for (; p < view->parts; p++) {
        const int64_t size = view->size[p];
        if (worth + table_at(k, p, space) <= k->best)
            return true;
        if (size > space || (view->apart != NULL && ((blocked[p >> 6] >> (p & 63)) & 1)))
            continue;
        uint32_t most = (uint32_t)(space / size);
        most = most < view->part[p].most ? most : view->part[p].most;
        for (uint32_t n = most; n > 0; n--) {
            double with = worth + (double)k->price[p] * n;
            bool ended = false;
            if (with + table_at(k, p + 1, space - n * size) <= k->best)
                continue;
            with -= charge(k, p, n, 1);
            if (with + table_at(k, p + 1, space - n * size) > k->best) {
                if (view->apart != NULL) {
                    uint64_t *next = k->blocked + (size_t)(depth + 1) * view->words;
                    for (uint32_t w = 0; w < view->words; w++)
                        next[w] = blocked[w] | view->apart[(size_t)p * view->words + w];
                }
                k->take[p] = n;
                ended = !search(k, p + 1, space - n * size, with, depth + 1);
                k->take[p] = 0;
            }
            (void)charge(k, p, n, -1);
            if (ended)
                return false;
        }
    }
    return true;
}

/* The best content with `first` in it and nothing larger, worth more than `over`. False: perhaps
 * there is a better one. */
static bool
search_first(knap *k, uint32_t first, int64_t capacity, double over, uint64_t steps)
{
    const spotopt__view *view = k->view;
    const int64_t size = view->size[first];
    uint32_t most = (uint32_t)(capacity / size);

    k->best = over;
    k->best_fills = 0;
    k->steps = 0;
    k->steps_most = steps;
    most = most < view->part[first].most ? most : view->part[first].most;
    if (view->apart != NULL)
        memcpy(k->blocked, view->apart + (size_t)first * view->words, view->words * 8);
    for (uint32_t n = most; n > 0; n--) {
        const double charged = charge(k, first, n, 1);
        bool whole;
        k->take[first] = n;
        whole = search(k, first + 1, capacity - n * size, (double)k->price[first] * n - charged, 0);
        k->take[first] = 0;
        (void)charge(k, first, n, -1);
        if (!whole)
            return false;
    }
    return true;
}

static int
compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;

    if (x->worth != y->worth)
        return x->worth > y->worth ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Contents of one sort of bins; what share too much with others of the batch stay out. */
static bool
price_sort(knap *k, uint32_t s, float over, int effort, uint32_t most, spotopt__patterns *out,
           double *bound, uint64_t *work)
{
    const spotopt__view *view = k->view;
    const int64_t capacity = k->bare->sort[s].capacity[0];
    uint32_t count = 0, taken = 0;
    uint64_t steps_left = effort >= 2 ? 3000000 : effort == 1 ? 1000000 : 50000;
    double top = k->plain ? 0.0 : over, best = over; /* proved; found */

    k->allowed = capacity - (view->least != NULL ? view->least[s] : 0);
    for (uint32_t p = 0; p < view->parts; p++) {
        float worth = view->part[p].most > 0 ? best_with(k, p, capacity) : NEVER;
        if (worth > over)
            k->list[count++] = (candidate){worth, p};
        if (k->plain && worth > top)
            top = worth;
    }
    qsort(k->list, count, sizeof *k->list, compare_candidates);
    memset(k->used, 0, view->parts * sizeof *k->used);
    for (uint32_t c = 0; c < count; c++) {
        const candidate *at = &k->list[c];
        double worth = at->worth;
        uint32_t fills, fresh = 0;
        bool first = c == 0; /* the best so far: never left out for its likeness */
        if (taken == most && (k->plain || at->worth <= top))
            break;
        if (k->plain) {
            fills = trace(k, at->first, capacity, at->worth);
        } else {
            /* Once enough are found only better ones matter, for the bound. */
            uint64_t steps = taken < most && effort < 2 && steps_left > 20000 ? 20000 : steps_left;
            bool whole = search_first(k, at->first, capacity, taken < most ? over : top, steps);
            first = k->best_fills > 0 && k->best > best;
            best = k->best_fills > 0 && k->best > best ? k->best : best;
            top = k->best > top ? k->best : top;
            if (!whole && at->worth > top)
                top = at->worth; /* not proved: the table's word counts */
            steps_left -= k->steps < steps_left ? k->steps : steps_left;
            *work += k->steps;
            worth = k->best;
            fills = k->best_fills;
        }
        for (uint32_t f = 0; f < fills; f++)
            fresh += k->used[k->fills[f].type] < view->part[k->fills[f].type].count;
        if (fills == 0 || (!first && (taken == most || 2 * fresh < fills + 1)))
            continue;
        for (uint32_t f = 0; f < fills; f++)
            k->used[k->fills[f].type] += k->fills[f].count;
        taken++;
        if (!spotopt__patterns_add(out, s, worth, k->fills, fills))
            return false;
    }
    *bound = top;
    return true;
}

static bool
knap_price(void *self, const spotopt__prices *prices, const double *threshold,
           const unsigned char *skip, int effort, uint32_t most, spotopt__patterns *out,
           double *bound, uint64_t *work)
{
    knap *k = self;
    const spotopt__view *view = k->view;
    bool exact;

    if (!list_members(k, prices))
        return false;
    if (prices->cuts + 1 > k->cuts_room) {
        size_t room = k->cuts_room;
        if (!make_room(k->context, &k->charge, &room, prices->cuts + 1, sizeof *k->charge) ||
            !make_room(k->context, &k->held, &k->cuts_room, prices->cuts + 1, sizeof *k->held))
            return false;
    }
    for (uint32_t c = 0; c < prices->cuts; c++) {
        k->charge[c] = prices->cut_price[c];
        k->held[c] = 0;
    }
    for (uint32_t p = 0; p < view->parts; p++)
        k->price[p] = (float)prices->part[p];
    /* One row for all sorts: those that may leave less space than others are relaxed a little. */
    k->plain = k->unit == 1 && view->apart == NULL && k->member_first[view->parts] == 0;
    k->stop = prices->stop;
    k->stop_data = prices->stop_data;
    k->stopped = false;
    fill_table(k);
    *work += (uint64_t)(view->parts + 1) * k->width / 16;
    exact = true;
    for (size_t c = 0; c < k->width; c++)
        exact = exact && k->table[c] < EXACT_MOST;
    for (uint32_t p = 0; p < view->parts; p++)
        exact = exact && k->price[p] < EXACT_MOST;
    for (uint32_t s = 0; s < k->bare->sorts; s++) {
        bound[s] = 0.0;
        if (skip != NULL && skip[s])
            continue;
        if (!price_sort(k, s, (float)threshold[s], effort, most, out, &bound[s], work))
            return false;
        if (!exact)
            bound[s] = INFINITY;
    }
    return true;
}

spotopt__oracle
spotopt__knap_oracle(const spotopt__bare *bare)
{
    knap *k = spotopt__alloc(bare->model->context, sizeof *k);

    if (k != NULL) {
        k->bare = bare;
        k->context = bare->model->context;
    }
    return (spotopt__oracle){k, knap_enter, knap_price, knap_free};
}
