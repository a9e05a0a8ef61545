/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label.c - the most that a node's content is worth, by dynamic programming over the room left.
 *
 * Where pieces are large, relaxations by prices are far above what fits, and branch and bound
 * drowns in contents that differ in name only. Pieces of equal need are one sort, taken dearest
 * first; a label is the room left and the most worth that reaches it (labels of equal room merge).
 * Labels that cannot beat what is known are dropped. When they become too many there is no answer.
 * Limits over several items are left out, which only raises the bound.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "pack/pricing.h"

#define LABELS_MOST 20000 /* of one generation */
#define TABLE 65536       /* slots */
#define TREE_MOST 600000  /* labels whose content is remembered */
#define DIMS_MOST (64 + SPOTOPT__EXTRA_DIMS)

typedef struct sort_of { /* pieces first..first+count-1 of order: equal need, worth falling */
    uint32_t first, count;
    double weight, beyond; /* beyond: what it and later sorts can earn above their need's price */
} sort_of;

typedef struct ranked {
    double key;
    uint32_t index;
} ranked;

typedef struct grown { /* a label's content: the parent's and so many of a sort */
    uint32_t parent, sort, count;
} grown;

typedef struct labels { /* kept in sack->labels between calls */
    const spotopt__knapsack *sack;
    ranked *order; /* pieces by need, then worth */
    sort_of *sorts;
    uint32_t sort_count, dims, dim[DIMS_MOST];
    double slack[DIMS_MOST];
    double *worth[2], *room[2];
    uint32_t *from[2]; /* in tree */
    uint32_t count[2], *table;
    grown *tree;
    uint32_t tree_count;
    double least;
    uint64_t steps;
    uint32_t rest, pause; /* calls still to be refused after too many labels */
} labels;

static const double *
need_of(const labels *l, uint32_t j)
{
    return l->sack->need + (size_t)j * l->sack->dims;
}

static bool
same_need(const labels *l, uint32_t a, uint32_t b)
{
    for (uint32_t d = 0; d < l->dims; d++) {
        if (need_of(l, a)[l->dim[d]] < need_of(l, b)[l->dim[d]] ||
            need_of(l, a)[l->dim[d]] > need_of(l, b)[l->dim[d]])
            return false;
    }
    return true;
}

static int
compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Sorts by falling weight: large ones first, so that labels stay few for long. */
static void
make_sorts(labels *l)
{
    const spotopt__knapsack *sack = l->sack;
    uint32_t done = 0;

    for (uint32_t j = 0; j < sack->pieces; j++)
        l->order[j] = (ranked){sack->piece[j].worth, j};
    qsort(l->order, sack->pieces, sizeof *l->order, compare_ranked);
    while (done < sack->pieces) { /* the dearest piece not yet in a sort, and all like it */
        sort_of made = {done, 0, 0.0, 0.0};
        for (uint32_t j = done; j < sack->pieces; j++) {
            if (j == done || same_need(l, l->order[done].index, l->order[j].index)) {
                ranked like = l->order[j];
                uint32_t to = done + made.count;
                memmove(l->order + to + 1, l->order + to, (j - to) * sizeof *l->order);
                l->order[to] = like;
                made.count++;
            }
        }
        for (uint32_t d = 0; d < l->dims; d++)
            made.weight += need_of(l, l->order[done].index)[l->dim[d]] / sack->top[l->dim[d]];
        done += made.count;
        l->sorts[l->sort_count++] = made;
    }
    for (uint32_t s = 1; s < l->sort_count; s++) {
        sort_of at = l->sorts[s];
        uint32_t to = s;
        for (; to > 0 && l->sorts[to - 1].weight < at.weight; to--)
            l->sorts[to] = l->sorts[to - 1];
        l->sorts[to] = at;
    }
    for (uint32_t s = l->sort_count; s-- > 0;) {
        sort_of *at = &l->sorts[s];
        double price = 0.0;
        at->beyond = s + 1 < l->sort_count ? l->sorts[s + 1].beyond : 0.0;
        for (uint32_t d = 0; d < l->dims; d++)
            price += sack->lambda[l->dim[d]] * need_of(l, l->order[at->first].index)[l->dim[d]];
        for (uint32_t j = 0; j < at->count; j++) {
            const spotopt__piece *piece = &sack->piece[l->order[at->first + j].index];
            at->beyond += piece->most * fmax(0.0, piece->worth - price);
        }
    }
}

/* Worth, room at the prices, and what later sorts may earn above those. */
static double
bound_of(const labels *l, double worth, const double *room, uint32_t next)
{
    double bound = worth + (next < l->sort_count ? l->sorts[next].beyond : 0.0);

    for (uint32_t d = 0; d < l->dims; d++)
        bound += l->sack->lambda[l->dim[d]] * fmax(room[d], 0.0);
    return bound * (1.0 + 1e-12);
}

/* Where the tree is full contents are forgotten, not bounds. */
static uint32_t
remember(labels *l, grown made)
{
    if (made.count == 0 || made.parent == UINT32_MAX)
        return made.parent;
    if (l->tree_count == TREE_MOST)
        return UINT32_MAX;
    l->tree[l->tree_count] = made;
    return l->tree_count++;
}

/* Enters a label into a generation, or raises the one of equal room. */
static void
put(labels *l, uint32_t to, double worth, const double *room, grown made)
{
    uint64_t hash = spotopt__hash_bytes(room, l->dims * sizeof *room, 0);
    uint32_t slot = (uint32_t)(hash % TABLE);

    for (; l->table[slot] != 0; slot = (slot + 1) % TABLE) {
        uint32_t at = l->table[slot] - 1;
        if (memcmp(l->room[to] + (size_t)at * l->dims, room, l->dims * sizeof *room) == 0) {
            if (worth > l->worth[to][at]) {
                l->worth[to][at] = worth;
                l->from[to][at] = remember(l, made);
            }
            return;
        }
    }
    l->table[slot] = ++l->count[to];
    l->worth[to][l->count[to] - 1] = worth;
    l->from[to][l->count[to] - 1] = remember(l, made);
    memcpy(l->room[to] + (size_t)(l->count[to] - 1) * l->dims, room, l->dims * sizeof *room);
}

/* All numbers of one sort on top of every label; false when labels become too many. */
static bool
step(labels *l, uint32_t from, uint32_t s)
{
    const sort_of *at = &l->sorts[s];
    const double *need = need_of(l, l->order[at->first].index);
    double room[DIMS_MOST];
    uint32_t to = 1 - from;

    l->count[to] = 0;
    memset(l->table, 0, TABLE * sizeof *l->table);
    for (uint32_t n = 0; n < l->count[from]; n++) {
        double worth = l->worth[from][n];
        uint32_t j = 0, taken = 0, left = l->sack->piece[l->order[at->first].index].most;
        memcpy(room, l->room[from] + (size_t)n * l->dims, l->dims * sizeof *room);
        for (;;) {
            bool fits = true;
            double bound = bound_of(l, worth, room, s + 1);
            l->steps++;
            if (bound > l->least) {
                if (l->count[to] == LABELS_MOST)
                    return false;
                put(l, to, worth, room, (grown){l->from[from][n], s, taken});
            }
            if (left == 0) {
                if (++j == at->count)
                    break;
                left = l->sack->piece[l->order[at->first + j].index].most;
            }
            for (uint32_t d = 0; d < l->dims; d++) {
                room[d] -= need[l->dim[d]];
                fits = fits && room[d] >= -l->slack[d];
            }
            if (!fits)
                break;
            worth += l->sack->piece[l->order[at->first + j].index].worth;
            left--;
            taken++;
        }
    }
    return true;
}

/* Takes a label's content over, unless limits per node that labels do not know are against it. */
static void
take(labels *l, spotopt__knapsack *sack, double worth, uint32_t at)
{
    uint32_t *count = sack->count;

    memset(count, 0, sack->pieces * sizeof *count);
    for (; at != 0; at = l->tree[at].parent) {
        const sort_of *from = &l->sorts[l->tree[at].sort];
        uint32_t left = l->tree[at].count;
        for (uint32_t j = 0; left > 0; j++) {
            uint32_t piece = l->order[from->first + j].index;
            count[piece] = sack->piece[piece].most < left ? sack->piece[piece].most : left;
            left -= count[piece];
        }
    }
    for (uint32_t r = sack->model->resources; r < sack->dims; r++) {
        double sum = 0.0;
        for (uint32_t j = 0; j < sack->pieces; j++)
            sum += count[j] * sack->need[(size_t)j * sack->dims + r];
        if (sum > sack->top[r])
            return;
    }
    memcpy(sack->best, count, sack->pieces * sizeof *count);
    sack->best_worth = worth;
}

static labels *
workspace(spotopt__knapsack *sack)
{
    const spotopt__model *model = sack->model;
    const size_t most = LABELS_MOST + 1;
    labels *l = spotopt__arena_alloc(&sack->arena, 1, sizeof *l);
    bool ok = l != NULL;

    if (!ok)
        return NULL;
    l->order = spotopt__arena_alloc(&sack->arena, (size_t)model->items * 2 + 1, sizeof *l->order);
    l->sorts = spotopt__arena_alloc(&sack->arena, (size_t)model->items * 2 + 1, sizeof *l->sorts);
    l->table = spotopt__arena_alloc(&sack->arena, TABLE, sizeof *l->table);
    l->tree = spotopt__arena_alloc(&sack->arena, TREE_MOST, sizeof *l->tree);
    ok = l->order != NULL && l->sorts != NULL && l->table != NULL && l->tree != NULL;
    for (int g = 0; g < 2; g++) {
        l->worth[g] = spotopt__arena_alloc(&sack->arena, most, sizeof(double));
        l->from[g] = spotopt__arena_alloc(&sack->arena, most, sizeof(uint32_t));
        l->room[g] = spotopt__arena_alloc(&sack->arena, most * model->resources, sizeof(double));
        ok = ok && l->worth[g] != NULL && l->from[g] != NULL && l->room[g] != NULL;
    }
    return ok ? l : NULL;
}

double
spotopt__knapsack_label(spotopt__knapsack *sack, double least)
{
    labels *l = sack->labels;
    uint32_t from = 0, at = SPOTOPT__NONE;
    double best;

    if (l == NULL && (l = sack->labels = workspace(sack)) == NULL)
        return (double)INFINITY; /* no bound is a bound */
    if (l->rest > 0) {
        l->rest--;
        return (double)INFINITY;
    }
    l->sack = sack;
    l->least = least;
    l->dims = l->sort_count = 0;
    l->steps = 0;
    for (uint32_t r = 0; r < sack->model->resources; r++) {
        if (sack->is_needed[r] && sack->top[r] > 0.0) {
            l->slack[l->dims] = 1e-11 * sack->top[r];
            l->dim[l->dims++] = r;
        }
    }
    make_sorts(l);
    l->tree_count = l->count[0] = 1;
    l->worth[0][0] = 0.0;
    l->from[0][0] = 0;
    for (uint32_t d = 0; d < l->dims; d++)
        l->room[0][d] = sack->top[l->dim[d]];
    for (uint32_t s = 0; s < l->sort_count; s++, from = 1 - from) {
        if (!step(l, from, s)) { /* they would be next time: more patience each time */
            sack->steps += l->steps / 16;
            l->rest = l->pause = 2 * l->pause + 1;
            return (double)INFINITY;
        }
    }
    l->pause /= 2;
    best = least;
    for (uint32_t n = 0; n < l->count[from]; n++) {
        double worth = l->worth[from][n];
        if (worth > sack->best_worth && (at == SPOTOPT__NONE || worth > l->worth[from][at]))
            at = n;
        best = fmax(best, worth);
    }
    if (at != SPOTOPT__NONE && l->from[from][at] != UINT32_MAX && sack->grouped_count == 0)
        take(l, sack, l->worth[from][at], l->from[from][at]);
    sack->steps += l->steps / 16;
    return best * (1.0 + 1e-12) + 1e-15;
}
