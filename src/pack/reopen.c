/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reopen.c - neighbourhoods packed anew by column generation.
 *
 * Some nodes are taken apart, those that cost more than their content is worth at the pattern LP's
 * prices more often; the pattern LP of what they held is small, and a dive through it sees all of
 * it at once, where greedy filling sees one node. A packing that is not dearer stays. The random
 * numbers come from the seed alone.
 */
#include "base/rng.h"
#include "pack/master.h"

typedef struct reopening {
    spotopt__search *search;
    spotopt__state *state;
    const spotopt__columns *pool; /* patterns and prices of the whole */
    spotopt__rng rng;
    uint32_t opened; /* nodes taken apart */
} reopening;

/* Cost that the content's worth, and the moves it saves, do not cover; what is fixed costs nothing.
 */
static double
waste_of(const reopening *r, const spotopt__bin *bin)
{
    const spotopt__model *model = r->search->model;
    const spotopt__kind *kind = &model->kind[bin->kind];
    double cost = kind->has_fixed ? 0.0 : kind->cost;

    for (size_t h = 0; h < bin->holds.count; h++) {
        const spotopt__hold *hold = &bin->holds.at[h];
        const spotopt__stay *stay =
            kind->stay_count > 0 ? spotopt__stay_of(kind, hold->item) : NULL;
        uint32_t stays = stay == NULL ? 0 : stay->holds < hold->count ? stay->holds : hold->count;
        cost -=
            hold->count * r->pool->price[hold->item] + stays * model->item[hold->item].move_cost;
    }
    return cost;
}

/* Out of the bin with all but what is fixed there; dropped where nothing is. */
static void
empty(spotopt__state *state, uint32_t slot)
{
    const spotopt__kind *kind = &state->model->kind[state->bins.at[slot].kind];

    if (!kind->has_fixed) {
        spotopt__state_drop(state, slot);
        return;
    }
    for (size_t h = state->bins.at[slot].holds.count; h-- > 0;) {
        const spotopt__hold hold = state->bins.at[slot].holds.at[h];
        const spotopt__stay *stay = spotopt__stay_of(kind, hold.item);
        const uint32_t fixed = stay == NULL               ? 0
                               : stay->fixed < hold.count ? stay->fixed
                                                          : hold.count;
        spotopt__state_take(state, slot, hold.item, hold.count - fixed);
    }
}

/* The worst of a few at random; NONE when none is found. */
static uint32_t
draw(reopening *r, uint32_t tries)
{
    uint32_t best = SPOTOPT__NONE;
    double worst = 0.0;

    for (uint32_t t = 0, found = 0; t < 64 && found < tries && r->state->bins.count > 0; t++) {
        uint32_t slot = (uint32_t)spotopt__rng_below(&r->rng, r->state->bins.count);
        const spotopt__bin *bin = &r->state->bins.at[slot];
        double waste;

        if (bin->count == 0)
            continue;
        found++;
        waste = waste_of(r, bin);
        if (best == SPOTOPT__NONE || waste > worst) {
            best = slot;
            worst = waste;
        }
    }
    return best;
}

/* Closes so many nodes and packs anew what they held. */
static void
attempt(reopening *r, uint32_t want)
{
    spotopt__state *state = r->state;

    for (r->opened = 0; r->opened < want && !state->failed; r->opened++) {
        uint32_t slot = draw(r, r->opened % 2 == 0 ? 4 : 1);
        if (slot == SPOTOPT__NONE)
            break;
        if (state->bins.at[slot].count > 1)
            slot = spotopt__state_split(state, slot, 1);
        if (slot != SPOTOPT__NONE)
            empty(state, slot);
    }
    if (state->failed || r->opened == 0)
        return;
    if (!spotopt__columns_dive(r->pool, state, false))
        state->failed = true;
}

void
spotopt__columns_reopen(spotopt__columns *pool)
{
    spotopt__search *search = pool->search;
    reopening r = {.search = search, .state = &search->work, .pool = pool};
    spotopt__score now;
    uint64_t idle = 0, patience;

    if (!search->has_best || !spotopt__state_copy(r.state, &search->best))
        return;
    spotopt__rng_seed(&r.rng, search->seed + 77);
    r.state->logs = true;
    r.state->soft_is_hard = false;
    now = spotopt__state_score(r.state);
    patience = 10 + 2 * r.state->node_count < 200 ? 10 + 2 * r.state->node_count : 200;
    for (uint32_t round = 0; idle < patience && !r.state->failed && !spotopt__search_done(search);
         round++, idle++) {
        size_t mark = spotopt__state_mark(r.state);
        spotopt__score then;
        attempt(&r, 4 + (uint32_t)spotopt__rng_below(&r.rng, 12));
        then = spotopt__state_score(r.state);
        if (spotopt__is_better(&then, &search->score)) {
            (void)spotopt__search_offer(search, r.state);
            idle = 0;
        }
        if (then.broken <= now.broken + 1e-9 && then.missing <= now.missing &&
            then.cost <= now.cost * (1.0 + SPOTOPT__TOL_COST)) {
            now = then;
            spotopt__state_commit(r.state);
        } else {
            spotopt__state_back(r.state, mark);
        }
    }
    r.state->logs = false;
}
