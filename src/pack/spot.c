/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spot.c - running nodes in the pattern LP: each with patterns of its own.
 *
 * What stays on a running node saves its move, so a content is worth more there than on any other
 * node of the class. A spot is such a node: its patterns cost the node less the moves they save,
 * and one row lets it have one of them at most. A node with fixed replicas stays whatever comes:
 * its patterns say what joins these, for nothing. Each is priced by a knapsack of its own, in which
 * residents are worth their move besides. In very large fleets only the most promising ones are
 * seen; the others are dropped, as far as this program knows.
 */
#include <stdlib.h>

#include "pack/master.h"

#define FEW 40         /* spots of a program for a part of what there is */
#define PIECES_MOST 60 /* on offer to one node, beside its residents */

typedef struct promise {
    double key;
    uint32_t node;
} promise;

static int
compare(const void *a, const void *b)
{
    const promise *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

static const spotopt__kind *
kind_of(const spotopt__columns *m, uint32_t node)
{
    return &m->model->kind[m->model->pools + node];
}

bool
spotopt__spot_is_free(const spotopt__columns *m, const spotopt__state *state, uint32_t node)
{
    const spotopt__kind *kind = kind_of(m, node);
    const uint32_t slot = state == NULL ? SPOTOPT__NONE : state->node_bin[node];
    const spotopt__bin *bin;

    if (slot == SPOTOPT__NONE)
        return state == NULL || spotopt__state_openings(state, m->model->pools + node, 1) > 0;
    bin = &state->bins.at[slot];
    for (size_t h = 0; h < bin->holds.count; h++) {
        const spotopt__stay *stay = spotopt__stay_of(kind, bin->holds.at[h].item);
        if (stay == NULL || bin->holds.at[h].count > stay->fixed)
            return false;
    }
    return kind->has_fixed;
}

/* How many nodes have patterns of their own: none where there are too many to tell them apart. */
static uint32_t
spots_wanted(const spotopt__columns *m, const spotopt__state *state)
{
    uint64_t left = 0, all = 0;

    if (m->model->nodes <= SPOTOPT__SPOTS_MOST || state == NULL)
        return m->model->nodes <= SPOTOPT__SPOTS_MOST ? m->model->nodes : 0;
    for (uint32_t i = 0; i < m->model->items; i++) {
        left += m->model->item[i].count - state->placed[i];
        all += m->model->item[i].count;
    }
    return 8 * left < all ? FEW : 0;
}

/* What a node would gain if all its residents that are still to be placed came back. */
static double
promise_of(const spotopt__columns *m, const spotopt__state *state, uint32_t node)
{
    const spotopt__kind *kind = kind_of(m, node);
    double gain = kind->has_fixed ? 0.0 : -kind->cost;

    for (uint32_t s = 0; s < kind->stay_count; s++) {
        const spotopt__item *item = &m->model->item[kind->stays[s].item];
        const uint64_t left =
            item->count - (state == NULL ? 0 : state->placed[kind->stays[s].item]);
        const uint32_t more = kind->stays[s].holds - kind->stays[s].fixed;

        gain += (double)(left < more ? left : more) *
                (item->move_cost + m->search->builder.price[kind->stays[s].item]);
    }
    return gain;
}

bool
spotopt__spots_list(spotopt__columns *m, const spotopt__state *state)
{
    const spotopt__model *model = m->model;
    const uint32_t wanted = spots_wanted(m, state);
    promise *list;
    uint32_t count = 0;

    m->spots = 0;
    m->by_spots = wanted > 0;
    for (uint32_t n = 0; n < model->nodes; n++)
        m->spot_of[n] = SPOTOPT__NONE;
    if (!m->by_spots)
        return true;
    list = spotopt__alloc_array(m->context, model->nodes + 1, sizeof *list);
    if (list == NULL)
        return false;
    for (uint32_t n = 0; n < model->nodes; n++) {
        if (kind_of(m, n)->class_id != SPOTOPT__NONE && spotopt__spot_is_free(m, state, n))
            list[count++] = (promise){promise_of(m, state, n), n};
    }
    if (count > wanted)
        qsort(list, count, sizeof *list, compare);
    for (uint32_t j = 0; j < count && j < wanted; j++) {
        const spotopt__kind *kind = kind_of(m, list[j].node);
        spotopt__spot *spot = &m->spot[m->spots];

        m->spot_of[list[j].node] = m->spots++;
        *spot = (spotopt__spot){list[j].node, kind->has_fixed, 0.0};
        for (uint32_t s = 0; s < kind->stay_count; s++)
            spot->moves += model->item[kind->stays[s].item].move_cost *
                           (kind->stays[s].holds - kind->stays[s].fixed);
    }
    spotopt__free(m->context, list);
    return true;
}

void
spotopt__spots_follow(spotopt__columns *m, const spotopt__state *state)
{
    for (uint32_t j = 0; j < m->spots; j++)
        spotopt__simplex_set_row(m->lp, m->spot_row + j,
                                 spotopt__spot_is_free(m, state, m->spot[j].node) ? -1.0 : 0.0,
                                 (double)INFINITY);
}

/* So many of what is put there are residents that would stay, beyond those that are fixed. */
static uint32_t
staying(const spotopt__kind *kind, uint32_t item, uint32_t count)
{
    const spotopt__stay *stay = spotopt__stay_of(kind, item);
    const uint32_t most = stay == NULL ? 0 : stay->holds - stay->fixed;

    return count < most ? count : most;
}

double
spotopt__spot_cost(const spotopt__columns *m, const spotopt__column *at)
{
    const spotopt__kind *kind = kind_of(m, at->node);
    double cost = kind->has_fixed ? 0.0 : kind->cost;

    for (uint32_t h = 0; h < at->count; h++) {
        const spotopt__hold *hold = &m->holds.at[at->first + h];
        cost -= m->model->item[hold->item].move_cost * staying(kind, hold->item, hold->count);
    }
    return cost;
}

typedef struct offer {
    double key;
    uint32_t item;
} offer;

static int
compare_offers(const void *a, const void *b)
{
    const offer *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The room beside what is fixed; the residents; and what else pays best for what it needs. */
static void
load_knapsack(spotopt__columns *m, const spotopt__kind *kind)
{
    const spotopt__model *model = m->model;
    const double *lambda = m->class_lambda + (size_t)kind->class_id * model->resources;
    offer *list = m->ranked;
    uint32_t count = 0;

    memcpy(m->spot_room, kind->capacity, model->resources * sizeof *m->spot_room);
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        for (uint32_t r = 0; r < model->resources; r++)
            m->spot_room[r] =
                fmax(0.0, m->spot_room[r] -
                              model->item[kind->stays[s].item].request[r] * kind->stays[s].fixed);
    }
    spotopt__knapsack_start(&m->sack, m->spot_room, true);
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        const uint32_t i = kind->stays[s].item, more = kind->stays[s].holds - kind->stays[s].fixed;
        if (kind->stays[s].may_stay || spotopt__allows(&model->item[i], kind->pool))
            spotopt__knapsack_add(&m->sack, i,
                                  spotopt__columns_dual(m, i) + model->item[i].move_cost,
                                  more < m->avail[i] ? more : m->avail[i]);
    }
    for (uint32_t j = 0; j < m->listed_count; j++) {
        const uint32_t i = m->listed[j];
        double worth = spotopt__columns_dual(m, i), cost = 0.0;
        bool fits = m->avail[i] > 0 && worth > 0.0 && spotopt__allows(&model->item[i], kind->pool);
        for (uint32_t r = 0; r < model->resources && fits; r++) {
            fits = model->item[i].request[r] <= m->spot_room[r];
            cost += lambda[r] * model->item[i].request[r];
        }
        if (fits)
            list[count++] = (offer){worth / fmax(cost, 1e-12), i};
    }
    if (count > PIECES_MOST) {
        qsort(list, count, sizeof *list, compare_offers);
        count = PIECES_MOST;
    }
    for (uint32_t j = 0; j < count; j++) {
        const uint32_t i = list[j].item, home = staying(kind, i, m->avail[i]);
        spotopt__knapsack_add(&m->sack, i, spotopt__columns_dual(m, i), m->avail[i] - home);
    }
}

bool
spotopt__spot_price(spotopt__columns *m, uint32_t at, uint64_t steps)
{
    const uint32_t node = m->spot[at].node;
    const spotopt__kind *kind = kind_of(m, node);
    const double cost = (kind->has_fixed ? 0.0 : kind->cost) + fmax(0.0, m->dual[m->spot_row + at]);
    spotopt__hold *holds = m->search->builder.best;
    uint32_t count = 0;

    load_knapsack(m, kind);
    m->search->budget.work += 1 + (uint64_t)m->sack.pieces * m->sack.dims;
    m->sack.target = cost > 0.0 ? cost * (1.0 + 0.1 * m->search->gap_rel) : 0.0;
    m->sack.thorough = false;
    (void)spotopt__knapsack_solve(&m->sack, steps);
    m->search->budget.work += m->sack.steps / 256;
    if (m->sack.best_worth <= cost + SPOTOPT__TOL_PRICE * (1.0 + cost))
        return false;
    for (uint32_t p = 0; p < m->sack.pieces; p++) { /* residents may be there twice */
        const uint32_t i = m->sack.piece[p].item;
        uint32_t h = 0;

        if (m->sack.best[p] == 0)
            continue;
        while (h < count && holds[h].item != i)
            h++;
        if (h == count)
            holds[count++] = (spotopt__hold){i, 0};
        holds[h].count += m->sack.best[p];
    }
    for (uint32_t h = 0; h < count; h++)
        m->avail[holds[h].item] -=
            holds[h].count < m->avail[holds[h].item] ? holds[h].count : m->avail[holds[h].item];
    return count > 0 && spotopt__columns_add(m, kind->class_id, node, holds, count);
}

bool
spotopt__spot_open(spotopt__columns *m, spotopt__state *state, uint32_t column)
{
    const spotopt__column *at = &m->columns.at[column];
    uint32_t slot, put = 0;

    if (!spotopt__spot_is_free(m, state, at->node))
        return false;
    slot = state->node_bin[at->node];
    if (slot == SPOTOPT__NONE)
        slot = spotopt__state_open(state, m->model->pools + at->node, 1);
    for (uint32_t h = 0; h < at->count && slot != SPOTOPT__NONE && !state->failed; h++) {
        const spotopt__hold *hold = &m->holds.at[at->first + h];
        const uint64_t left = m->model->item[hold->item].count - state->placed[hold->item];
        const uint32_t room = spotopt__state_room(
            state, slot, hold->item, hold->count < left ? hold->count : (uint32_t)left);

        spotopt__state_put(state, slot, hold->item, room);
        put += room;
    }
    if (slot != SPOTOPT__NONE && !state->failed && state->bins.at[slot].holds.count == 0)
        spotopt__state_close(state, slot);
    return put > 0;
}

void
spotopt__spot_add_bin(spotopt__columns *m, const spotopt__bin *bin)
{
    const spotopt__kind *kind = &m->model->kind[bin->kind];
    spotopt__hold *holds = m->search->builder.best;
    uint32_t count = 0;
    bool fits = m->spot_of[kind->node] != SPOTOPT__NONE;

    for (size_t h = 0; h < bin->holds.count && fits; h++) {
        const spotopt__hold *hold = &bin->holds.at[h];
        const spotopt__stay *stay = spotopt__stay_of(kind, hold->item);
        const uint32_t fixed = stay == NULL ? 0 : stay->fixed;

        fits = hold->count >= fixed && hold->count - fixed <= m->left[hold->item];
        if (fits && hold->count > fixed)
            holds[count++] = (spotopt__hold){hold->item, hold->count - fixed};
    }
    if (fits && count > 0)
        (void)spotopt__columns_add(m, kind->class_id, kind->node, holds, count);
}
