/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lns.c - large neighbourhood search: takes a few nodes apart and packs their content anew.
 *
 * Which nodes: poorly used ones more often, then nodes at random or of similar kinds, one node of a
 * bin of equals at a time. What comes out goes into free room elsewhere and into new nodes by a
 * recipe drawn at random; a result that is not worse stays (a little worse, early on), else the log
 * is played back. The random numbers come from the seed alone; the stop is a number of rounds
 * without success, never the clock.
 */
#include "base/rng.h"
#include "pack/search.h"

typedef struct around {
    spotopt__search *search;
    spotopt__state *state;
    spotopt__rng rng;
    double *weight, *drawn; /* by resource */
    double *price;          /* by item, as they came */
    uint32_t *victims;
    uint32_t count;
} around;

/* How badly a node is used: its cost not covered by the worth of its content. */
static double
waste_of(const around *a, uint32_t slot)
{
    const spotopt__bin *bin = &a->state->bins.at[slot];
    double cost = a->search->model->kind[bin->kind].cost;

    for (size_t h = 0; h < bin->holds.count; h++)
        cost -= bin->holds.at[h].count * a->search->builder.price[bin->holds.at[h].item];
    return cost;
}

static uint32_t
random_bin(around *a)
{
    for (int tries = 0; tries < 64; tries++) {
        uint32_t slot = (uint32_t)spotopt__rng_below(&a->rng, a->state->bins.count);
        if (a->state->bins.at[slot].count > 0)
            return slot;
    }
    return SPOTOPT__NONE;
}

static void
choose(around *a, uint32_t want)
{
    bool wasteful = spotopt__rng_below(&a->rng, 4) > 0;
    uint32_t first = SPOTOPT__NONE;

    a->count = 0;
    for (uint32_t v = 0; v < want; v++) {
        uint32_t best = SPOTOPT__NONE, rounds = wasteful ? (v == 0 ? 6 : 3) : 1;
        double worst = 0.0;
        for (uint32_t t = 0; t < rounds; t++) { /* the worst of a few at random */
            uint32_t slot = random_bin(a);
            double waste;
            bool taken = false;
            for (uint32_t w = 0; w < a->count; w++)
                taken = taken || a->victims[w] == slot;
            if (slot == SPOTOPT__NONE || taken)
                continue;
            waste = waste_of(a, slot);
            if (best == SPOTOPT__NONE || waste > worst) {
                worst = waste;
                best = slot;
            }
        }
        if (best != SPOTOPT__NONE)
            a->victims[a->count++] = best;
        first = first == SPOTOPT__NONE ? best : first;
    }
}

/* Everything out but what is fixed there. */
static void
take_apart(around *a, uint32_t slot)
{
    spotopt__state *state = a->state;
    const spotopt__kind *kind = &a->search->model->kind[state->bins.at[slot].kind];

    if (state->bins.at[slot].count > 1) {
        uint32_t some = 1;
        if (state->bins.at[slot].count > 4 && spotopt__rng_below(&a->rng, 3) == 0)
            some = state->bins.at[slot].count / 2;
        slot = spotopt__state_split(state, slot, some);
        if (slot == SPOTOPT__NONE)
            return;
    }
    if (!kind->has_fixed) {
        spotopt__state_drop(state, slot);
        return;
    }
    for (size_t h = state->bins.at[slot].holds.count; h-- > 0;) {
        spotopt__hold hold = state->bins.at[slot].holds.at[h];
        const spotopt__stay *stay = spotopt__stay_of(kind, hold.item);
        uint32_t keep = stay == NULL ? 0 : stay->fixed < hold.count ? stay->fixed : hold.count;
        spotopt__state_take(state, slot, hold.item, hold.count - keep);
    }
}

static void
pack_anew(around *a, size_t mark)
{
    spotopt__state *state = a->state;
    spotopt__builder *builder = &a->search->builder;
    const spotopt__model *model = a->search->model;
    static const uint32_t looks[] = {3, 6, 12, 24};
    spotopt__recipe recipe = {true, false, (uint32_t)spotopt__rng_below(&a->rng, 3) == 0,
                              0,    0,     NULL};
    spotopt__score score;

    recipe.looks = looks[spotopt__rng_below(&a->rng, 4)];
    for (uint32_t r = 0; r < model->resources; r++) /* other prices, other choices */
        a->drawn[r] = a->weight[r] * (0.6 + 0.8 * spotopt__rng_unit(&a->rng));
    spotopt__builder_weigh(builder, a->drawn);
    for (uint32_t t = 0; t < model->items; t++) {
        double before = 0.0, after = 0.0;
        if (state->placed[t] == model->item[t].count)
            continue;
        for (uint32_t r = 0; r < model->resources; r++) {
            before += a->weight[r] * model->item[t].request[r];
            after += a->drawn[r] * model->item[t].request[r];
        }
        builder->price[t] = before > 0.0 ? a->price[t] * after / before : a->price[t];
    }
    spotopt__construct_rest(builder, state, &recipe);
    spotopt__builder_weigh(builder, a->weight);
    spotopt__builder_price(builder, a->price);
    score = spotopt__state_score(state);
    for (size_t at = mark, end = state->log.count; at < end && !state->failed; at++) {
        spotopt__op op = state->log.at[at];
        if (op.what == SPOTOPT__OP_OPEN && state->bins.at[op.bin].count > 0)
            spotopt__right_size_bin(builder, state, op.bin, &score);
    }
}

void
spotopt__search_around(spotopt__search *search, uint64_t work_most)
{
    const spotopt__model *model = search->model;
    spotopt__state *state = &search->work;
    around a = {.search = search, .state = state};
    uint64_t stall = 0, round = 0, patience;
    spotopt__score now;

    if (!search->has_best || search->best.bins.count == 0 ||
        !spotopt__state_copy(state, &search->best))
        return;
    a.weight = spotopt__dup_array(model->context, search->builder.weight, model->resources,
                                  sizeof(double));
    a.drawn = spotopt__alloc_array(model->context, model->resources + 1, sizeof(double));
    a.victims = spotopt__alloc_array(model->context, 16, sizeof(uint32_t));
    a.price =
        spotopt__dup_array(model->context, search->builder.price, model->items, sizeof(double));
    if (a.price == NULL || a.weight == NULL || a.drawn == NULL || a.victims == NULL) {
        state->failed = true;
        goto done;
    }
    spotopt__rng_seed(&a.rng, search->seed + search->arounds++);
    state->logs = true;
    state->soft_is_hard = false;
    state->group_cap = NULL;
    now = spotopt__state_score(state);
    patience = 1500 + 20 * (uint64_t)state->bins.count;
    work_most += search->budget.work;
    for (; stall < patience && search->budget.work < work_most && !state->failed &&
           !spotopt__search_done(search);
         round++, stall++) {
        size_t mark = spotopt__state_mark(state);
        double margin = 2e-4 * now.cost * (1.0 - (double)stall / (double)patience);
        uint32_t want = 1 + (uint32_t)spotopt__rng_below(&a.rng, round % 8 == 0 ? 10 : 5);
        spotopt__score then;
        choose(&a, want);
        for (uint32_t v = 0; v < a.count; v++)
            take_apart(&a, a.victims[v]);
        pack_anew(&a, mark);
        then = spotopt__state_score(state);
        search->budget.work += 1 + state->log.count - mark;
        if (spotopt__is_better(&then, &search->score)) {
            (void)spotopt__search_offer(search, state);
            stall = 0;
        }
        if (then.broken <= now.broken + 1e-9 && then.missing <= now.missing &&
            then.cost <= now.cost + margin) {
            now = then;
            spotopt__state_commit(state);
        } else if (spotopt__is_better(&then, &now)) {
            now = then;
            spotopt__state_commit(state);
        } else {
            spotopt__state_back(state, mark);
        }
        if (round % 512 == 511) { /* costs gather rounding; slots get sparse */
            if (stall > patience / 2 || state->bins.count > 2 * state->node_count + 64) {
                state->logs = false;
                if (!spotopt__state_copy(state, &search->best))
                    break;
                state->logs = true;
            }
            now = spotopt__state_score(state);
        }
    }
done:
    state->logs = false;
    spotopt__free(model->context, a.price);
    spotopt__free(model->context, a.weight);
    spotopt__free(model->context, a.drawn);
    spotopt__free(model->context, a.victims);
}
