/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate.c - column generation: patterns for the pattern LP, until none pays any more.
 *
 * Patterns come from a knapsack a class at the LP's prices. A batch shares out the demands, as a
 * packing would. Box steps keep prices near the best known ones, so that few patterns settle them;
 * when no pattern pays any more the box moves or shrinks. The last rounds are free.
 */
#include <stdlib.h>

#include "pack/master.h"

#define PIECES_MOST 200 /* on offer to one knapsack */
#define SPOT_STEPS 2000 /* for one running node */

typedef struct ranked {
    double key;
    uint32_t item;
} ranked;

static int
compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/*
 * What may go into a node of the class. Of very many items those that pay best for what they need,
 * at the class's own prices of resources: enough to fill a node well.
 */
static void
load_knapsack(spotopt__columns *m, uint32_t c)
{
    const spotopt__model *model = m->model;
    const spotopt__class *at = &model->class_at[c];
    const spotopt__kind *first = &model->kind[at->kinds[0]];
    const double *lambda = m->class_lambda + (size_t)c * model->resources;
    ranked *list = m->ranked;
    uint32_t count = 0;

    for (uint32_t j = 0; j < m->listed_count; j++) {
        const uint32_t i = m->listed[j];
        double worth = spotopt__columns_dual(m, i), cost = 0.0;
        bool fits = m->avail[i] > 0 && worth > 0.0 && spotopt__allows(&model->item[i], first->pool);
        for (uint32_t r = 0; r < model->resources && fits; r++) {
            fits = model->item[i].request[r] <= at->capacity[r];
            cost += lambda[r] * model->item[i].request[r];
        }
        if (fits)
            list[count++] = (ranked){worth / fmax(cost, 1e-12), i};
    }
    if (count > PIECES_MOST) {
        qsort(list, count, sizeof *list, compare_ranked);
        count = PIECES_MOST;
    }
    spotopt__knapsack_start(&m->sack, at->capacity, true);
    for (uint32_t j = 0; j < count; j++)
        spotopt__knapsack_add(&m->sack, list[j].item, spotopt__columns_dual(m, list[j].item),
                              m->avail[list[j].item]);
}

/* One pattern of a class, taken off what is on offer; whether it was new and pays. */
static bool
price_class(spotopt__columns *m, uint32_t c, uint64_t steps)
{
    const double cost =
        m->class_row[c] == SPOTOPT__NONE ? m->class_cost[c] : m->dual[m->class_row[c]];
    spotopt__hold *holds = m->search->builder.best;
    uint32_t count = 0, times = UINT32_MAX;
    double pays = 0.0;

    load_knapsack(m, c);
    m->search->budget.work += 1 + (uint64_t)m->sack.pieces * m->sack.dims;
    /* What pays by less than the answer's gap can bear is not looked for. */
    m->sack.target = cost > 0.0 ? cost * (1.0 + 0.1 * m->search->gap_rel) : 0.0;
    m->sack.thorough = false;
    if (steps > 300) { /* late: few classes are left, and good multipliers are worth their time */
        if (spotopt__knapsack_solve(&m->sack, 0) <= m->sack.target)
            return false;
        m->sack.thorough = true;
    }
    (void)spotopt__knapsack_solve(&m->sack, steps);
    m->search->budget.work += m->sack.steps / 256;
    for (uint32_t r = 0; r < m->model->resources; r++)
        m->class_lambda[(size_t)c * m->model->resources + r] = m->sack.lambda[r];
    for (uint32_t p = 0; p < m->sack.pieces; p++) {
        if (m->sack.best[p] > 0) {
            uint32_t i = m->sack.piece[p].item, most = m->avail[i] / m->sack.best[p];
            holds[count++] = (spotopt__hold){i, m->sack.best[p]};
            pays += m->sack.best[p] * spotopt__columns_dual(m, i);
            times = most < times ? most : times;
        }
    }
    if (count == 0 || pays <= cost + SPOTOPT__TOL_PRICE * (1.0 + fabs(cost)))
        return false;
    times = times > 2 ? times / 2 : 1;
    for (uint32_t h = 0; h < count; h++)
        m->avail[holds[h].item] -= holds[h].count * times;
    return spotopt__columns_add(m, c, SPOTOPT__NONE, holds, count);
}

/*
 * What one pattern can use up is not offered to the next, so that the patterns differ and fit
 * together. When nothing pays with all demands on offer, nothing does.
 */
uint32_t
spotopt__columns_price(spotopt__columns *m, uint64_t steps, uint32_t want)
{
    const spotopt__model *model = m->model;
    double began = spotopt__clock(m->context);
    uint32_t before = UINT32_MAX, added = 0;
    /* A round is no proof: with the steps of some forty classes it has done what it can. */
    uint64_t left = 40 * steps + 20000;

    memcpy(m->avail, m->left, model->items * sizeof *m->avail);
    for (int pass = 0; pass < 3 && added < want && added != before && !m->nomem; pass++) {
        before = added;
        for (uint32_t j = 0; j < model->classes && added < want && !m->nomem; j++) {
            uint32_t c = (m->start + j) % model->classes;
            if (!m->class_open[c])
                continue;
            if (left == 0 || spotopt__search_over(m->search))
                break;
            added += price_class(m, c, steps);
            left -= m->sack.steps < left ? m->sack.steps : left;
        }
        m->start = (m->start + 7) % model->classes;
        for (uint32_t j = 0; j < m->spots && added < want && !m->nomem; j++) {
            const uint32_t spot = (m->spot_start + j) % m->spots;
            if (left == 0 || spotopt__search_over(m->search))
                break;
            added += spotopt__spot_price(m, spot, steps < SPOT_STEPS ? steps : SPOT_STEPS);
            left -= m->sack.steps < left ? m->sack.steps : left;
        }
        m->spot_start = m->spots > 0 ? (m->spot_start + 7) % m->spots : 0;
    }
    m->search->pricing_seconds += spotopt__clock(m->context) - began;
    return added;
}

void
spotopt__columns_generate(spotopt__columns *m, uint32_t rounds, double tail, uint64_t steps_most)
{
    spotopt__search *search = m->search;
    uint32_t free_rounds = rounds / 4, in_box = 0, want = 100;
    uint32_t idle = 0;
    uint64_t steps = 300;
    double last = (double)INFINITY, width = 0.04,
           share = search->apart    ? 0.75
                   : search->bought ? 0.6
                   : m->rows > 600  ? 0.15
                                    : 0.35;

    spotopt__columns_box(m, width);
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t added = 0;
        bool close;
        if (width > 0.0 && (round + free_rounds >= rounds || spotopt__search_late(search, share))) {
            width = 0.0;
            spotopt__columns_box(m, 0.0);
        }
        if (spotopt__search_late(search, share + 0.1) || !spotopt__columns_solve(m) ||
            spotopt__search_done(search))
            break;
        if (m->columns.count > 3 * (size_t)m->rows + 400)
            spotopt__columns_purge(m, 2 * m->rows + 200);
        idle = isfinite(last) && last - m->objective < tail * m->objective ? idle + 1 : 0;
        last = m->objective;
        if (idle == 3)
            break;
        close = m->objective - search->bound <= 0.3 * search->gap_rel * m->objective;
        if (!close || width <= 0.0)
            added = spotopt__columns_price(m, steps, want);
        if (added > 5 && ++in_box % 16 != 0)
            continue;
        if (width > 0.0) {
            double before = search->bound;
            spotopt__columns_bound(m, 1000);
            if (search->bound < before * (1.0 + 1e-4) + 1e-12 && (added <= 5 || in_box >= 48))
                width *= 0.5;
            else if (search->bound > before * 1.01) /* far from where it should be */
                width = fmin(2.0 * width, 0.5);
            if (width < 0.005 || close)
                width = 0.0;
            spotopt__columns_box(m, width);
            last = (double)INFINITY;
            /* Who wants the bound goes on until no pattern pays. */
            if (width <= 0.0 && tail > 0.0)
                rounds = round + free_rounds < rounds ? round + free_rounds : rounds;
        } else if (close) {
            break;
        } else if (added == 0) {
            if (steps >= steps_most)
                break;
            spotopt__columns_bound(m, 1000); /* before what takes longer */
            if (spotopt__search_done(search))
                break;
            steps *= 18;
            rounds = rounds > round + 12 ? rounds : round + 12;
        }
    }
    spotopt__columns_box(m, 0.0);
}
