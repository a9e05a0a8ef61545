/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master.c - the pattern LP as a program: its rows, columns, prices and bound.
 *
 * One row an item (placed at least as often as is still wanted), one row a class whose nodes are
 * limited or watched by rules on sums (Gilmore and Gomory 1961); columns are patterns (what one
 * node of a class holds), kinds (nodes bought, cost), and what is left out. It can be made for any
 * packing under construction and then follows it as that grows. Prices are kept in a box around the
 * best known ones while patterns are few (Marsten, Hogan, Blankenship 1975). Any prices give a
 * valid bound through spotopt__lagrange().
 */
#include <stdlib.h>

#include "base/keyed.h"
#include "pack/master.h"

#define SHAPES_MOST 200 /* items with rows of their own */
#define CLUSTERS 60     /* rows, when there are more */

static bool
put_row(spotopt__columns *m, double lower, double upper)
{
    if (m->mirror != NULL)
        return spotopt__lp_add_rows(m->mirror, 1, &lower, &upper, NULL) == SPOTOPT_OK;
    return spotopt__simplex_add_row(m->lp, lower, upper, 0, NULL, NULL);
}

static bool
put_column(spotopt__columns *m, double cost, double lower, double upper, uint32_t entries)
{
    size_t start[2] = {0, entries};

    if (m->mirror != NULL)
        return spotopt__lp_add_columns(m->mirror, 1, &cost, &lower, &upper, start, m->row_index,
                                       m->row_value, NULL) == SPOTOPT_OK;
    return spotopt__simplex_add_column(m->lp, cost, lower, upper, entries, m->row_index,
                                       m->row_value);
}

static uint32_t
openings(const spotopt__columns *m, const spotopt__state *state, uint32_t k)
{
    const spotopt__model *model = m->model;
    const spotopt__kind *kind = &model->kind[k];

    if (kind->class_id == SPOTOPT__NONE || (m->by_spots && kind->node != SPOTOPT__NONE))
        return 0;
    if (state != NULL)
        return spotopt__state_openings(state, k, UINT32_MAX);
    return kind->node != SPOTOPT__NONE ? 1 : model->problem->pools.at[kind->pool].max;
}

/* A class without a row of its own has one kind that counts, without limit. */
static bool
is_plain(const spotopt__columns *m, uint32_t c)
{
    const spotopt__model *model = m->model;
    const spotopt__class *at = &model->class_at[c];
    bool plain = (m->by_spots ? at->new_count > 0 : at->new_count == at->kind_count) &&
                 m->search->sides.active == 0 &&
                 model->problem->pools.at[model->kind[at->kinds[0]].pool].max == SPOTOPT_NO_LIMIT;

    for (uint32_t j = 0; plain && j < at->new_count; j++)
        plain = model->problem->pools.at[model->kind[at->kinds[j]].pool].min == 0;
    return plain;
}

static bool
add_kind(spotopt__columns *m, const spotopt__state *state, uint32_t k)
{
    const spotopt__model *model = m->model;
    const spotopt__kind *kind = &model->kind[k];
    const spotopt__sides *sides = &m->search->sides;
    uint32_t most = openings(m, state, k), entries = 0;
    double lower = 0.0, saved = 0.0;

    if (most == 0 || m->class_row[kind->class_id] == SPOTOPT__NONE)
        return true;
    if (kind->node != SPOTOPT__NONE) {
        lower = kind->has_fixed ? 1.0 : 0.0;
    } else {
        uint32_t min = model->problem->pools.at[kind->pool].min;
        uint32_t opened = state != NULL ? state->opened[kind->pool] : 0;
        lower = min > opened ? min - opened : 0.0;
        lower = lower < most ? lower : most;
    }
    m->row_index[entries] = m->class_row[kind->class_id];
    m->row_value[entries++] = 1.0;
    for (uint32_t s = 0; s < sides->active; s++) {
        if (sides->row[s].coefficient[k] != 0.0) {
            m->row_index[entries] = m->side_row + s;
            m->row_value[entries++] = sides->row[s].coefficient[k];
        }
    }
    /*
     * A running node saves its residents' moves at best. Charged in full, it would cost as much at
     * the prices that come out as it earns, and the Lagrangean would lose every saved move.
     */
    for (uint32_t s = 0; s < kind->stay_count; s++)
        saved += model->item[kind->stays[s].item].move_cost * kind->stays[s].holds;
    m->moves += saved;
    m->kind_column[k] = m->fixed_columns++;
    return put_column(m, kind->cost - saved, lower, most == UINT32_MAX ? (double)INFINITY : most,
                      entries);
}

/* What each row asks for, and its prices, from its items. */
static void
sum_rows(spotopt__columns *m)
{
    memset(m->row_need, 0, m->items * sizeof *m->row_need);
    memset(m->row_penalty, 0, m->items * sizeof *m->row_penalty);
    memset(m->row_center, 0, m->items * sizeof *m->row_center);
    for (uint32_t j = 0; j < m->listed_count; j++) {
        const uint32_t i = m->listed[j], row = m->item_row[i];
        m->row_need[row] += m->measure[i] * m->left[i];
        m->row_center[row] += m->center[i] * m->left[i];
        m->row_penalty[row] = fmax(m->row_penalty[row], m->penalty[i] / m->measure[i]);
    }
    for (uint32_t row = 0; row < m->items; row++)
        m->row_center[row] /= fmax(m->row_need[row], 1e-9);
}

double
spotopt__columns_dual(const spotopt__columns *m, uint32_t item)
{
    return m->item_row[item] == SPOTOPT__NONE ? 0.0 : m->dual[m->item_row[item]] * m->measure[item];
}

/* What is fixed on running nodes is placed before anything else. */
static void
find_held(spotopt__columns *m)
{
    const spotopt__model *model = m->model;

    memset(m->held, 0, model->items * sizeof *m->held);
    for (uint32_t n = 0; n < model->nodes && m->by_spots; n++) {
        const spotopt__kind *kind = &model->kind[model->pools + n];
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            uint32_t *held = &m->held[kind->stays[s].item],
                     most = model->item[kind->stays[s].item].count;
            *held = kind->stays[s].fixed < most - *held ? *held + kind->stays[s].fixed : most;
        }
    }
}

bool
spotopt__columns_frame(spotopt__columns *m, const spotopt__state *state)
{
    const spotopt__model *model = m->model;
    const spotopt__sides *sides = &m->search->sides;
    bool ok = true;

    m->rows = m->items = m->fixed_columns = m->listed_count = 0;
    m->moves = 0.0;
    ok = spotopt__spots_list(m, state);
    find_held(m);
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        if (item->residents > item->count) /* those that are too many leave for nothing */
            m->moves -= item->move_cost * (item->residents - item->count);
        m->left[i] = item->fits_nowhere
                         ? 0
                         : item->count - (uint32_t)(state ? state->placed[i] : m->held[i]);
        m->item_row[i] = SPOTOPT__NONE;
        m->measure[i] = 1.0;
        if (m->left[i] == 0)
            continue;
        m->item_row[i] = m->items++;
        m->listed[m->listed_count++] = i;
    }
    if (m->listed_count > SHAPES_MOST && !m->search->apart && ok)
        ok = spotopt__columns_cluster(m, CLUSTERS);
    sum_rows(m);
    for (uint32_t j = 0; j < m->items && ok; j++)
        ok = put_row(m, m->row_need[j], (double)INFINITY);
    m->rows = m->items;
    for (uint32_t c = 0; c < model->classes && ok; c++) {
        const spotopt__class *at = &model->class_at[c];
        m->class_cost[c] = model->kind[at->kinds[0]].cost;
        m->class_open[c] = false;
        for (uint32_t j = 0; j < at->kind_count && !m->class_open[c]; j++)
            m->class_open[c] = openings(m, state, at->kinds[j]) > 0;
        m->class_row[c] = SPOTOPT__NONE;
        if (m->class_open[c] && !is_plain(m, c)) {
            m->class_row[c] = m->rows++;
            ok = put_row(m, 0.0, (double)INFINITY);
        }
    }
    m->side_row = m->rows;
    for (uint32_t s = 0; s < sides->active && ok; s++) {
        double have = 0.0;
        for (size_t b = 0; state != NULL && b < state->bins.count; b++) {
            if (state->bins.at[b].count > 0)
                have += state->bins.at[b].count * sides->row[s].coefficient[state->bins.at[b].kind];
        }
        for (uint32_t j = 0; state == NULL && j < m->spots; j++)
            have += m->spot[j].is_open ? sides->row[s].coefficient[model->pools + m->spot[j].node]
                                       : 0.0;
        m->rows++;
        ok = put_row(m, sides->row[s].lower - have, sides->row[s].upper - have);
    }
    m->spot_row = m->rows;
    for (uint32_t j = 0; j < m->spots && ok; j++, m->rows++) {
        ok = put_row(m, -1.0, (double)INFINITY);
        m->moves += m->spot[j].moves;
        if (m->spot[j].is_open) /* bought for good */
            m->moves += model->kind[model->pools + m->spot[j].node].cost;
    }
    for (uint32_t k = 0; k < model->kinds && ok; k++) {
        m->kind_column[k] = SPOTOPT__NONE;
        ok = model->kind[k].class_id == SPOTOPT__NONE || add_kind(m, state, k);
    }
    m->left_out = m->fixed_columns;
    for (uint32_t j = 0; j < m->items && ok; j++) {
        m->row_index[0] = j;
        m->row_value[0] = 1.0;
        ok = put_column(m, m->row_penalty[j], 0.0, m->row_need[j], 1);
    }
    m->surplus = m->left_out + m->items;
    for (uint32_t j = 0; j < m->items && ok; j++) {
        m->row_index[0] = j;
        m->row_value[0] = -1.0;
        ok = put_column(m, 0.0, 0.0, m->row_need[j], 1);
    }
    m->fixed_columns = m->surplus + m->items;
    return ok;
}

static bool
put_pattern(spotopt__columns *m, const spotopt__column *at)
{
    const uint32_t row = m->class_row[at->class_id];
    const bool is_spot = at->node != SPOTOPT__NONE;
    uint32_t entries = 0;
    double cost = 0.0;

    for (uint32_t h = 0; h < at->count; h++) {
        const spotopt__hold *hold = &m->holds.at[at->first + h];
        uint32_t at_row = m->item_row[hold->item], e = 0;
        if (at_row == SPOTOPT__NONE)
            continue;
        while (e < entries && m->row_index[e] != at_row) /* a shared one may be there */
            e++;
        if (e == entries) {
            m->row_index[entries] = at_row;
            m->row_value[entries++] = 0.0;
        }
        m->row_value[e] += m->measure[hold->item] * hold->count;
    }
    if (is_spot) {
        const spotopt__sides *sides = &m->search->sides;
        const uint32_t spot = m->spot_of[at->node];

        cost = spotopt__spot_cost(m, at);
        m->row_index[entries] = m->spot_row + spot;
        m->row_value[entries++] = -1.0;
        for (uint32_t s = 0; s < sides->active && !m->spot[spot].is_open; s++) {
            const double part = sides->row[s].coefficient[m->model->pools + at->node];
            if (part != 0.0) {
                m->row_index[entries] = m->side_row + s;
                m->row_value[entries++] = part;
            }
        }
    } else if (row != SPOTOPT__NONE) {
        m->row_index[entries] = row;
        m->row_value[entries++] = -1.0;
    } else {
        cost = m->class_cost[at->class_id];
    }
    return put_column(m, cost, 0.0, at->banned ? 0.0 : (double)INFINITY, entries);
}

bool
spotopt__columns_mirror(spotopt__columns *m, uint32_t column)
{
    return put_pattern(m, &m->columns.at[column]);
}

bool
spotopt__columns_add(spotopt__columns *m, uint32_t class_id, uint32_t node,
                     const spotopt__hold *holds, uint32_t count)
{
    uint64_t hash = spotopt__hash_bytes(holds, count * sizeof *holds,
                                        node == SPOTOPT__NONE ? class_id : ~(uint64_t)node);
    spotopt__column made = {class_id, (uint32_t)m->holds.count, count, node, false, hash};

    for (size_t c = m->columns.count; c-- > 0;) {
        if (m->columns.at[c].hash == hash)
            return false;
    }
    for (uint32_t h = 0; h < count; h++)
        m->nomem = m->nomem || !spotopt__vec_push(m->context, &m->holds, holds[h]);
    m->nomem =
        m->nomem || !spotopt__vec_push(m->context, &m->columns, made) || !put_pattern(m, &made);
    return !m->nomem;
}

static int
compare_holds(const void *a, const void *b)
{
    const spotopt__hold *x = a, *y = b;

    return (x->item > y->item) - (x->item < y->item);
}

void
spotopt__columns_borrow(spotopt__columns *m, const spotopt__columns *pool)
{
    for (size_t c = 0; c < pool->columns.count && !m->nomem; c++) {
        const spotopt__column *at = &pool->columns.at[c];
        bool fits = at->node == SPOTOPT__NONE
                        ? m->class_open[at->class_id]
                        : m->by_spots && m->spot_of[at->node] != SPOTOPT__NONE;
        for (uint32_t h = 0; h < at->count && fits; h++) {
            const spotopt__hold *hold = &pool->holds.at[at->first + h];
            fits = hold->count <= m->left[hold->item];
        }
        if (fits)
            (void)spotopt__columns_add(m, at->class_id, at->node, pool->holds.at + at->first,
                                       at->count);
    }
    memcpy(m->center, pool->center, m->model->items * sizeof *m->center);
    memcpy(m->price, pool->price, m->model->items * sizeof *m->price);
    memcpy(m->class_lambda, pool->class_lambda,
           (size_t)m->model->classes * m->model->resources * sizeof *m->class_lambda);
}

void
spotopt__columns_add_bins(spotopt__columns *m, const spotopt__state *state)
{
    spotopt__hold *holds = m->search->builder.best;

    for (size_t b = 0; b < state->bins.count && !m->nomem; b++) {
        const spotopt__bin *bin = &state->bins.at[b];
        uint32_t count = (uint32_t)bin->holds.count, c = m->model->kind[bin->kind].class_id;
        bool fits;
        if (bin->count > 0 && m->by_spots && m->model->kind[bin->kind].node != SPOTOPT__NONE) {
            spotopt__spot_add_bin(m, bin);
            continue;
        }
        fits = bin->count > 0 && count > 0 && m->class_open[c];
        for (uint32_t h = 0; h < count && fits; h++)
            fits = bin->holds.at[h].count <= m->left[bin->holds.at[h].item];
        if (!fits)
            continue;
        memcpy(holds, bin->holds.at, count * sizeof *holds);
        qsort(holds, count, sizeof *holds, compare_holds);
        (void)spotopt__columns_add(m, c, SPOTOPT__NONE, holds, count);
    }
}

/* Cost less what the LP's prices pay for it. */
static double
reduced_cost(const spotopt__columns *m, const spotopt__column *at)
{
    const uint32_t row = m->class_row[at->class_id];
    double cost = at->node != SPOTOPT__NONE
                      ? spotopt__spot_cost(m, at) + m->dual[m->spot_row + m->spot_of[at->node]]
                  : row == SPOTOPT__NONE ? m->class_cost[at->class_id]
                                         : m->dual[row];

    for (uint32_t h = 0; h < at->count; h++) {
        const spotopt__hold *hold = &m->holds.at[at->first + h];
        cost -= hold->count * spotopt__columns_dual(m, hold->item);
    }
    return cost;
}

void
spotopt__columns_purge(spotopt__columns *m, uint32_t want)
{
    size_t count = m->columns.count, kept = 0, holds = 0, goes = 0;
    spotopt__keyed *order;
    unsigned char *gone;

    if (count <= want)
        return;
    order = spotopt__alloc_array(m->context, count, sizeof *order);
    gone = spotopt__alloc_array(m->context, m->fixed_columns + count, 1);
    if (order == NULL || gone == NULL) {
        m->nomem = true;
        count = 0;
    }
    for (uint32_t c = 0; c < count; c++) {
        bool basic = spotopt__simplex_is_basic(m->lp, m->fixed_columns + c);
        order[c] = (spotopt__keyed){basic                     ? (double)-INFINITY
                                    : m->columns.at[c].banned ? (double)INFINITY
                                                              : reduced_cost(m, &m->columns.at[c]),
                                    c};
    }
    if (count > 0)
        spotopt__keyed_descending(order, count);
    for (size_t j = 0; count > 0 && j < count - want && order[j].key > 0.0; j++, goes++)
        gone[m->fixed_columns + order[j].id] = 1;
    for (size_t c = 0; goes > 0 && c < count; c++) {
        spotopt__column at = m->columns.at[c];
        if (gone[m->fixed_columns + c])
            continue;
        memmove(m->holds.at + holds, m->holds.at + at.first, at.count * sizeof *m->holds.at);
        at.first = (uint32_t)holds;
        holds += at.count;
        m->columns.at[kept++] = at;
    }
    if (goes > 0) {
        m->columns.count = kept;
        m->holds.count = holds;
        spotopt__simplex_drop_columns(m->lp, gone);
    }
    spotopt__free(m->context, order);
    spotopt__free(m->context, gone);
}

static bool
stops(void *data)
{
    return spotopt__search_over(data);
}

bool
spotopt__columns_solve(spotopt__columns *m)
{
    uint64_t before = spotopt__simplex_pivots(m->lp);
    double began = spotopt__clock(m->context);
    spotopt__simplex_state state;

    if (m->nomem || m->rows == 0 || spotopt__search_over(m->search))
        return false;
    state = spotopt__simplex_solve(m->lp, 0, stops, m->search);
    m->search->lp_seconds += spotopt__clock(m->context) - began;
    m->search->budget.work += 200 + (spotopt__simplex_pivots(m->lp) - before) * m->rows;
    m->nomem = m->nomem || spotopt__simplex_nomem(m->lp);
    if (m->nomem || state != SPOTOPT__SIMPLEX_OPTIMAL)
        return false;
    m->objective = spotopt__simplex_objective(m->lp) + m->moves;
    memcpy(m->dual, spotopt__simplex_duals(m->lp), m->rows * sizeof *m->dual);
    return true;
}

double
spotopt__columns_x(const spotopt__columns *m, uint32_t column)
{
    return spotopt__simplex_x(m->lp, m->fixed_columns + column);
}

void
spotopt__columns_box(spotopt__columns *m, double width)
{
    sum_rows(m);
    for (uint32_t j = 0; j < m->items; j++) {
        double cost = width > 0.0 ? m->row_center[j] * (1.0 + width) : m->row_penalty[j];
        if (cost > m->row_penalty[j])
            cost = m->row_penalty[j];
        spotopt__simplex_set_cost(m->lp, m->left_out + j, cost);
        /* Freed, a surplus costs nothing, as any row's does: the basis stays feasible. */
        spotopt__simplex_set_cost(m->lp, m->surplus + j,
                                  width > 0.0 ? -cost * (1.0 - width) / (1.0 + width) : 0.0);
    }
}

void
spotopt__columns_bound(spotopt__columns *m, uint32_t effort)
{
    const spotopt__sides *sides = &m->search->sides;
    double began = spotopt__clock(m->context), bound;

    for (uint32_t i = 0; i < m->model->items; i++)
        m->price[i] = spotopt__columns_dual(m, i);
    for (uint32_t s = 0; s < sides->count; s++)
        m->side[s] = s < sides->active ? m->dual[m->side_row + s] : 0.0;
    bound = spotopt__lagrange(m->model, sides, m->price, m->side, effort, &m->search->budget);
    if (bound > m->search->bound)
        memcpy(m->center, m->price, m->model->items * sizeof *m->price);
    spotopt__search_raise_by(m->search, bound, m->price);
    m->search->pricing_seconds += spotopt__clock(m->context) - began;
}

void
spotopt__columns_follow(spotopt__columns *m, const spotopt__state *state)
{
    const spotopt__sides *sides = &m->search->sides;
    const spotopt__model *model = m->model;

    for (uint32_t j = 0; j < m->listed_count; j++)
        m->left[m->listed[j]] =
            model->item[m->listed[j]].count - (uint32_t)state->placed[m->listed[j]];
    sum_rows(m);
    for (uint32_t j = 0; j < m->items; j++) {
        spotopt__simplex_set_row(m->lp, j, m->row_need[j], (double)INFINITY);
        spotopt__simplex_set_column(m->lp, m->left_out + j, 0.0, m->row_need[j]);
        spotopt__simplex_set_column(m->lp, m->surplus + j, 0.0, m->row_need[j]);
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        const spotopt__kind *kind = &model->kind[k];
        uint32_t most;
        double lower = 0.0;
        if (m->kind_column[k] == SPOTOPT__NONE)
            continue;
        most = spotopt__state_openings(state, k, UINT32_MAX);
        if (kind->node == SPOTOPT__NONE) {
            uint32_t min = model->problem->pools.at[kind->pool].min;
            lower = min > state->opened[kind->pool] ? min - state->opened[kind->pool] : 0.0;
        } else {
            lower = kind->has_fixed && most > 0 ? 1.0 : 0.0;
        }
        spotopt__simplex_set_column(m->lp, m->kind_column[k], lower < most ? lower : most,
                                    most == UINT32_MAX ? (double)INFINITY : most);
    }
    for (uint32_t s = 0; s < sides->active; s++) {
        double have = 0.0;
        for (size_t b = 0; b < state->bins.count; b++) {
            if (state->bins.at[b].count > 0)
                have += state->bins.at[b].count * sides->row[s].coefficient[state->bins.at[b].kind];
        }
        spotopt__simplex_set_row(m->lp, m->side_row + s, sides->row[s].lower - have,
                                 sides->row[s].upper - have);
    }
    spotopt__spots_follow(m, state);
    for (uint32_t c = 0; c < m->columns.count; c++) {
        spotopt__column *at = &m->columns.at[c];
        bool fits = at->node == SPOTOPT__NONE || spotopt__spot_is_free(m, state, at->node);
        for (uint32_t h = 0; h < at->count && fits; h++)
            fits = m->holds.at[at->first + h].count <= m->left[m->holds.at[at->first + h].item];
        if (fits == at->banned)
            spotopt__simplex_set_column(m->lp, m->fixed_columns + c, 0.0,
                                        fits ? (double)INFINITY : 0.0);
        at->banned = !fits;
    }
}
