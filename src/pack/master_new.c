/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master_new.c - the pattern LP's memory, and what leaving out an item costs in it.
 */
#include <math.h>
#include <string.h>

#include "pack/master.h"

/* A dear price for leaving out what must be placed: twice what it costs on the dearest node. */
static double
penalty_of(const spotopt__model *model, uint32_t i)
{
    const spotopt__item *item = &model->item[i];
    double worst = 0.0;

    if (isfinite(item->unplaced_cost))
        return item->unplaced_cost;
    for (uint32_t c = 0; c < model->classes; c++) {
        const spotopt__class *at = &model->class_at[c];
        const spotopt__kind *first = &model->kind[at->kinds[0]];
        double times = 1e9, dearest = first->cost;
        if (!spotopt__allows(item, first->pool) || !spotopt__one_fits(model, item, first->capacity))
            continue;
        if (at->new_count > 0) /* new ones come by cost */
            dearest = fmax(dearest, model->kind[at->kinds[at->new_count - 1]].cost);
        for (uint32_t r = 0; r < model->resources; r++) {
            if (item->request[r] > 0.0 && first->capacity[r] / item->request[r] < times)
                times = first->capacity[r] / item->request[r];
        }
        times = times < item->count ? times : item->count;
        times = times > 1.0 ? times : 1.0;
        worst = fmax(worst, dearest / times);
    }
    return worst > 0.0 ? 2.0 * worst : 1.0;
}

bool
spotopt__columns_init(spotopt__columns *m, spotopt__search *search, const spotopt__state *state)
{
    const spotopt__model *model = search->model;
    size_t rows = (size_t)model->items + model->classes + search->sides.count + SPOTOPT__SPOTS_MOST;
    bool ok;

    memset(m, 0, sizeof *m);
    m->search = search;
    m->model = model;
    m->context = model->context;
    ok = spotopt__extras_init(&m->extras, model);
    ok = spotopt__knapsack_init(&m->sack, model, &m->extras) && ok;
    m->sack.hint = search->sides.hint;
    m->item_row = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->item_row);
    m->listed = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->listed);
    m->ranked = spotopt__alloc_array(m->context, model->items + 1, 2 * sizeof(double));
    m->class_lambda = spotopt__alloc_array(
        m->context, (size_t)model->classes * model->resources + 1, sizeof *m->class_lambda);
    m->measure = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->measure);
    m->row_need = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->row_need);
    m->row_penalty = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->row_penalty);
    m->row_center = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->row_center);
    m->left = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->left);
    m->penalty = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->penalty);
    m->class_row = spotopt__alloc_array(m->context, model->classes + 1, sizeof *m->class_row);
    m->class_open = spotopt__alloc_array(m->context, model->classes + 1, sizeof *m->class_open);
    m->class_cost = spotopt__alloc_array(m->context, model->classes + 1, sizeof *m->class_cost);
    m->spot = spotopt__alloc_array(m->context, SPOTOPT__SPOTS_MOST + 1, sizeof *m->spot);
    m->spot_of = spotopt__alloc_array(m->context, model->nodes + 1, sizeof *m->spot_of);
    m->held = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->held);
    m->spot_room = spotopt__alloc_array(m->context, model->resources + 1, sizeof *m->spot_room);
    m->kind_column = spotopt__alloc_array(m->context, model->kinds + 1, sizeof *m->kind_column);
    m->dual = spotopt__alloc_array(m->context, rows + 1, sizeof *m->dual);
    m->price = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->price);
    m->center = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->center);
    m->avail = spotopt__alloc_array(m->context, model->items + 1, sizeof *m->avail);
    m->side = spotopt__alloc_array(m->context, search->sides.count + 1, sizeof *m->side);
    m->row_index = spotopt__alloc_array(m->context, rows + 1, sizeof *m->row_index);
    m->row_value = spotopt__alloc_array(m->context, rows + 1, sizeof *m->row_value);
    ok = ok && m->item_row != NULL && m->listed != NULL && m->ranked != NULL &&
         m->class_lambda != NULL && m->measure != NULL && m->row_need != NULL &&
         m->row_penalty != NULL && m->row_center != NULL && m->left != NULL && m->penalty != NULL &&
         m->class_row != NULL && m->class_open != NULL && m->class_cost != NULL &&
         m->kind_column != NULL && m->dual != NULL && m->price != NULL && m->center != NULL &&
         m->avail != NULL && m->side != NULL && m->spot != NULL && m->spot_of != NULL &&
         m->spot_room != NULL && m->held != NULL && m->row_index != NULL && m->row_value != NULL &&
         (m->lp = spotopt__simplex_new(m->context)) != NULL;
    if (ok) {
        for (uint32_t i = 0; i < model->items; i++)
            m->penalty[i] = penalty_of(model, i);
        for (uint32_t c = 0; c < model->classes; c++)
            memcpy(m->class_lambda + (size_t)c * model->resources, search->builder.weight,
                   model->resources * sizeof *m->class_lambda);
        memcpy(m->center, search->builder.price, model->items * sizeof *m->center);
        ok = spotopt__columns_frame(m, state);
    }
    m->nomem = !ok;
    return ok;
}

void
spotopt__columns_free(spotopt__columns *m)
{
    spotopt_context *context = m->context;

    spotopt__simplex_free(m->lp);
    spotopt__vec_free(context, &m->columns);
    spotopt__vec_free(context, &m->holds);
    spotopt__free(context, m->item_row);
    spotopt__free(context, m->listed);
    spotopt__free(context, m->ranked);
    spotopt__free(context, m->class_lambda);
    spotopt__free(context, m->measure);
    spotopt__free(context, m->row_need);
    spotopt__free(context, m->row_penalty);
    spotopt__free(context, m->row_center);
    spotopt__free(context, m->left);
    spotopt__free(context, m->penalty);
    spotopt__free(context, m->class_row);
    spotopt__free(context, m->class_open);
    spotopt__free(context, m->class_cost);
    spotopt__free(context, m->kind_column);
    spotopt__free(context, m->spot);
    spotopt__free(context, m->spot_of);
    spotopt__free(context, m->spot_room);
    spotopt__free(context, m->held);
    spotopt__free(context, m->dual);
    spotopt__free(context, m->price);
    spotopt__free(context, m->center);
    spotopt__free(context, m->avail);
    spotopt__free(context, m->side);
    spotopt__free(context, m->row_index);
    spotopt__free(context, m->row_value);
    spotopt__knapsack_free(&m->sack);
    spotopt__extras_free(&m->extras);
}
