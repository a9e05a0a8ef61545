/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refine.c - a packing of the coarser problem made one of the problem itself.
 *
 * Node after node is opened as the coarser packing has it, in the domain where most of its places
 * can be filled under all rules (spreads and togethers over labels are planned ahead by caps, as in
 * construct.c). A place of a shape goes to the demand of that shape with the most rules that is
 * still wanted and may enter, so that those without are left for the end. What found no place, and
 * the nodes it then lacks, are the business of greedy filling.
 */
#include <stdlib.h>

#include "pack/coarse.h"
#include "pack/packing.h"

typedef struct dealer {
    spotopt__search *search;
    const spotopt__coarse *coarse;
    const spotopt_packing *packing;
    uint32_t *start, *item; /* items of a shape, those with most rules first */
    uint32_t *first_group;  /* by class; groups of a class lie together */
} dealer;

typedef struct keyed {
    uint32_t shape, rules, item;
} keyed;

static int
compare_keyed(const void *a, const void *b)
{
    const keyed *x = a, *y = b;

    if (x->shape != y->shape)
        return x->shape < y->shape ? -1 : 1;
    if (x->rules != y->rules)
        return x->rules > y->rules ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static bool
dealer_init(dealer *d)
{
    const spotopt__model *model = d->search->model;
    const spotopt__builder *builder = &d->search->builder;
    keyed *order = spotopt__alloc_array(model->context, model->items + 1, sizeof *order);

    d->start = spotopt__alloc_array(model->context, d->coarse->shapes + 2, sizeof *d->start);
    d->item = spotopt__alloc_array(model->context, model->items + 1, sizeof *d->item);
    d->first_group =
        spotopt__alloc_array(model->context, model->classes + 1, sizeof *d->first_group);
    if (order == NULL || d->start == NULL || d->item == NULL || d->first_group == NULL) {
        spotopt__free(model->context, order);
        return false;
    }
    for (uint32_t i = 0; i < model->items; i++) {
        uint32_t rules = 0;

        for (uint32_t u = 0; u < model->item[i].use_count; u++)
            rules += model->prule[model->item[i].uses[u].rule].is_hard ? 1 : 0;
        order[i] = (keyed){d->coarse->shape_of[i], rules, i};
    }
    qsort(order, model->items, sizeof *order, compare_keyed);
    for (uint32_t o = 0; o < model->items; o++) {
        d->item[o] = order[o].item;
        d->start[order[o].shape + 1] = o + 1;
    }
    for (uint32_t g = builder->groups; g-- > 0;)
        d->first_group[builder->group[g].class_id] = g;
    spotopt__free(model->context, order);
    return true;
}

static void
dealer_free(dealer *d)
{
    spotopt_context *context = d->search->model->context;

    spotopt__free(context, d->start);
    spotopt__free(context, d->item);
    spotopt__free(context, d->first_group);
}

/* Up to `want` more of the item into the bin; how many came in. */
static uint32_t
put_some(spotopt__state *state, uint32_t slot, uint32_t i, uint32_t want)
{
    const uint64_t left = state->model->item[i].count - state->placed[i];

    want = left < want ? (uint32_t)left : want;
    want = want > 0 ? spotopt__state_room(state, slot, i, want) : 0;
    spotopt__state_put(state, slot, i, want);
    return want;
}

/* Fills the places of a row in one node; how many stay free. */
static uint32_t
fill_places(const dealer *d, const spotopt__row *row, uint32_t slot)
{
    spotopt__state *state = &d->search->work;
    const spotopt__kind *kind = &state->model->kind[state->bins.at[slot].kind];
    uint32_t missed = 0;

    for (uint32_t h = 0; h < row->hold_count; h++) {
        const uint32_t shape = d->packing->demands.at[row->first + h];
        uint32_t left = d->packing->replicas.at[row->first + h];

        for (size_t b = 0; b < state->bins.at[slot].holds.count && left > 0; b++) { /* fixed ones */
            const spotopt__hold hold = state->bins.at[slot].holds.at[b];

            if (d->coarse->shape_of[hold.item] == shape)
                left -= hold.count < left ? hold.count : left;
        }
        for (uint32_t s = 0; s < kind->stay_count && left > 0; s++) { /* who is here stays */
            const uint32_t i = kind->stays[s].item;
            const uint32_t held = spotopt__bin_holds(&state->bins.at[slot], i);

            if (d->coarse->shape_of[i] == shape && kind->stays[s].holds > held)
                left -= put_some(state, slot, i,
                                 left < kind->stays[s].holds - held ? left
                                                                    : kind->stays[s].holds - held);
        }
        for (uint32_t o = d->start[shape]; o < d->start[shape + 1] && left > 0; o++)
            left -= put_some(state, slot, d->item[o], left);
        missed += left;
    }
    return missed;
}

/* Opens one node of the row on the kind and fills it; false when there is no such node. */
static bool
try_kind(const dealer *d, const spotopt__row *row, uint32_t kind, uint32_t *slot, uint32_t *missed)
{
    spotopt__state *state = &d->search->work;

    if (spotopt__state_openings(state, kind, 1) == 0)
        return false;
    *slot = spotopt__state_open(state, kind, 1);
    if (*slot == SPOTOPT__NONE)
        return false;
    *missed = fill_places(d, row, *slot);
    return true;
}

/* Opens one node of a row where most of its places can be filled. */
static void
deal_node(const dealer *d, const spotopt__row *row, uint32_t turn)
{
    const spotopt__model *model = d->search->model;
    const spotopt__builder *builder = &d->search->builder;
    spotopt__state *state = &d->search->work;
    const uint32_t class_id = model->kind[row->pool].class_id, first = d->first_group[class_id];
    uint32_t groups = 0, best = SPOTOPT__NONE, least = UINT32_MAX, slot = 0, missed = 0;

    while (first + groups < builder->groups && builder->group[first + groups].class_id == class_id)
        groups++;
    for (uint32_t j = 0; j < groups && least > 0; j++) {
        const spotopt__group *group = &builder->group[first + (turn + j) % groups];
        uint32_t kind = SPOTOPT__NONE;

        for (uint32_t k = 0; k < group->count && kind == SPOTOPT__NONE; k++) {
            if (model->kind[group->kinds[k]].cost > model->kind[row->pool].cost * (1.0 + 1e-12))
                break;
            if (model->kind[group->kinds[k]].node == SPOTOPT__NONE &&
                spotopt__state_openings(state, group->kinds[k], 1) > 0)
                kind = group->kinds[k];
        }
        if (kind == SPOTOPT__NONE || !try_kind(d, row, kind, &slot, &missed))
            continue;
        if (missed < least) {
            least = missed;
            best = kind;
        }
        if (missed > 0)
            spotopt__state_drop(state, slot);
    }
    if (best == SPOTOPT__NONE || least == 0)
        return;
    if (try_kind(d, row, best, &slot, &missed) && state->bins.at[slot].holds.count == 0)
        spotopt__state_close(state, slot);
}

spotopt_status
spotopt__refine(spotopt__search *search, const spotopt__coarse *coarse,
                const spotopt_packing *packing, uint32_t shift, spotopt_error *err)
{
    const spotopt__model *model = search->model;
    spotopt__state *state = &search->work;
    dealer d = {.search = search, .coarse = coarse, .packing = packing};
    const spotopt__recipe recipe = {.soft_is_hard = false, .looks = 12, .shift = shift};
    uint32_t turn = shift;

    if (!dealer_init(&d)) {
        dealer_free(&d);
        return spotopt__nomem(err, "refining a packing");
    }
    spotopt__construct_begin(state, &recipe);
    for (size_t r = 0; r < packing->rows.count && !state->failed; r++) {
        const spotopt__row *row = &packing->rows.at[r];

        if (row->node != SPOTOPT_NO_NODE) {
            uint32_t slot = state->node_bin[row->node], missed;

            if (slot != SPOTOPT__NONE)
                (void)fill_places(&d, row, slot);
            else
                (void)try_kind(&d, row, model->pools + row->node, &slot, &missed);
            continue;
        }
        for (uint32_t t = 0; t < row->count && !state->failed && !spotopt__search_over(search); t++)
            deal_node(&d, row, turn++);
        search->budget.work += row->count;
    }
    dealer_free(&d);
    if (!state->failed)
        spotopt__construct_end(&search->builder, state, &recipe);
    (void)spotopt__search_offer(search, state);
    return state->failed ? spotopt__nomem(err, "refining a packing") : SPOTOPT_OK;
}
