/* SPDX-License-Identifier: Apache-2.0 */
/*
 * construct.c - builds a packing greedily, always on counts.
 *
 * Running nodes first (with their residents, or only the fixed ones), then bin after bin: the most
 * promising groups of kinds by cost per useful capacity are filled for real, the best worth per
 * cost wins and is repeated as often as the demands allow. Hard rules hold at every step because
 * spotopt__state_room() is asked; spreads are planned ahead by caps (balanced by water filling), a
 * `together` over a label gets its domain in advance.
 */

#include "pack/construct.h"

static void
list_todo(spotopt__builder *builder, const spotopt__state *state)
{
    builder->todo_count = 0;
    for (uint32_t o = 0; o < builder->model->items; o++) {
        if (spotopt__left_of(state, builder->order[o]) > 0 &&
            !builder->model->item[builder->order[o]].fits_nowhere)
            builder->todo[builder->todo_count++] = builder->order[o];
    }
}

/* Nothing is taken out again while bins are opened, so what is placed may leave the list. */
static void
forget_placed(spotopt__builder *builder, const spotopt__state *state)
{
    uint32_t kept = 0;

    for (uint32_t t = 0; t < builder->todo_count; t++) {
        builder->todo[kept] = builder->todo[t];
        kept += spotopt__left_of(state, builder->todo[t]) > 0;
    }
    builder->todo_count = kept;
}

/* One more of the item that goes best with what is free, each resource weighed; NONE when nothing
 * fits. */
static uint32_t
best_dot(const spotopt__builder *builder, const spotopt__state *state, uint32_t slot,
         uint32_t last_tier, const double *inverse)
{
    const spotopt__model *model = builder->model;
    const spotopt__bin *bin = &state->bins.at[slot];
    const double *capacity = model->kind[bin->kind].capacity;
    const double *load = state->load + (size_t)slot * model->resources;
    double top = -1.0;
    uint32_t best = SPOTOPT__NONE;

    for (uint32_t t = 0; t < builder->todo_count; t++) {
        uint32_t i = builder->todo[t];
        const double *request = model->item[i].request;
        double score = 0.0;
        bool fits = true;
        if (builder->tier[i] > last_tier || spotopt__left_of(state, i) < bin->count)
            continue;
        for (uint32_t r = 0; r < model->resources && fits; r++) {
            double free_ = capacity[r] - load[r];
            fits = request[r] <= free_ + 1e-12 * capacity[r];
            score += request[r] * inverse[r] * free_ * inverse[r];
        }
        if (fits && score > top && spotopt__state_room(state, slot, i, 1) > 0) {
            top = score;
            best = i;
        }
    }
    return best;
}

double
spotopt__fill_bin(spotopt__builder *builder, spotopt__state *state, uint32_t slot, uint32_t fill,
                  uint32_t last_tier)
{
    const spotopt__model *model = builder->model;
    uint32_t times = state->bins.at[slot].count;
    const spotopt__kind *kind = &model->kind[state->bins.at[slot].kind];
    double worth = 0.0, inverse[64], top[64];

    for (uint32_t s = 0; s < kind->stay_count; s++) { /* who is here need not move */
        uint32_t i = kind->stays[s].item, held, want;
        held = spotopt__bin_holds(&state->bins.at[slot], i);
        want = kind->stays[s].holds > held ? kind->stays[s].holds - held : 0;
        want = want < spotopt__left_of(state, i) ? want : spotopt__left_of(state, i);
        if (builder->tier[i] > last_tier || want == 0)
            continue;
        want = spotopt__state_room(state, slot, i, want);
        spotopt__state_put(state, slot, i, want);
        worth += want * (builder->price[i] + model->item[i].move_cost);
    }
    if (fill == 1) {
        for (uint32_t r = 0; r < model->resources; r++)
            inverse[r] = kind->capacity[r] > 0.0 ? 1.0 / kind->capacity[r] : 0.0;
        for (;;) {
            uint32_t i = best_dot(builder, state, slot, last_tier, inverse), room, want;
            if (i == SPOTOPT__NONE || state->failed)
                break;
            want = spotopt__left_of(state, i) / times;
            room = spotopt__state_room(state, slot, i, want);
            room = room > 8 ? room / 4 : 1; /* in chunks: the balance changes slowly */
            spotopt__state_put(state, slot, i, room);
            worth += room * builder->price[i];
        }
        return worth;
    }
    const double *load = state->load + (size_t)slot * model->resources; /* no bin is opened here */
    for (uint32_t r = 0; r < model->resources; r++)
        top[r] = spotopt__ceiling(model, r, kind->capacity[r]);
    for (uint32_t o = 0; o < builder->todo_count; o++) {
        uint32_t i = builder->todo[o], want;
        bool fits = builder->tier[i] <= last_tier;
        for (uint32_t r = 0; r < model->resources && fits; r++) /* most do not: a quick look */
            fits = load[r] + model->item[i].request[r] <= top[r];
        if (!fits)
            continue;
        want = spotopt__left_of(state, i) / times;
        if (want > 0)
            want = spotopt__state_room(state, slot, i, want);
        if (want > 0) {
            spotopt__state_put(state, slot, i, want);
            worth += want * builder->price[i];
        }
    }
    return worth;
}

/* The next kind of a group that can still be opened, or NONE. */
static uint32_t
next_kind(spotopt__builder *builder, const spotopt__state *state, uint32_t g)
{
    const spotopt__group *group = &builder->group[g];

    for (uint32_t j = builder->cursor[g]; j < group->count; j++) {
        if (spotopt__state_openings(state, group->kinds[j], 1) > 0) {
            if (state->group_cap == NULL)
                builder->cursor[g] = j;
            return group->kinds[j];
        }
    }
    builder->cursor[g] = group->count;
    return SPOTOPT__NONE;
}

/* Groups by cost per worth of the capacity that could be used, the best first. */
static uint32_t
shortlist(spotopt__builder *builder, const spotopt__state *state, uint32_t looks)
{
    const spotopt__model *model = builder->model;
    uint32_t count = 0;

    memset(builder->need, 0, model->resources * sizeof *builder->need);
    for (uint32_t t = 0; t < builder->todo_count; t++) {
        uint32_t i = builder->todo[t];
        double left = spotopt__left_of(state, i);
        for (uint32_t r = 0; r < model->resources; r++)
            builder->need[r] += left * model->item[i].request[r];
    }
    for (uint32_t g = 0; g < builder->groups; g++) {
        const double *capacity = model->class_at[builder->group[g].class_id].capacity;
        uint32_t kind = next_kind(builder, state, g), at;
        double worth = 0.0;
        if (kind == SPOTOPT__NONE)
            continue;
        for (uint32_t r = 0; r < model->resources; r++)
            worth += builder->weight[r] *
                     (capacity[r] < builder->need[r] ? capacity[r] : builder->need[r]);
        builder->ratio[g] = (model->kind[kind].cost + 1e-12) / (worth + 1e-15);
        if (count == looks && builder->ratio[g] >= builder->ratio[builder->pick[count - 1]])
            continue;
        at = count < looks ? count++ : count - 1;
        while (at > 0 && builder->ratio[builder->pick[at - 1]] > builder->ratio[g]) {
            builder->pick[at] = builder->pick[at - 1];
            at--;
        }
        builder->pick[at] = g;
    }
    return count;
}

/* Opens the pattern in builder->best on `kind` as often as demands and rules allow; how often that
 * was. */
uint32_t
spotopt__open_pattern(spotopt__builder *builder, spotopt__state *state, uint32_t kind,
                      uint32_t most_times)
{
    uint32_t times = most_times;

    for (uint32_t h = 0; h < builder->best_count; h++) {
        uint32_t most = spotopt__left_of(state, builder->best[h].item) / builder->best[h].count;
        times = most < times ? most : times;
    }
    times = builder->best_count == 0 ? 0 : spotopt__state_openings(state, kind, times);
    for (; times > 0 && !state->failed; times /= 2) {
        uint32_t slot = spotopt__state_open(state, kind, times), h = 0;
        if (slot == SPOTOPT__NONE)
            return 0;
        for (; h < builder->best_count; h++) {
            const spotopt__hold *hold = &builder->best[h];
            if (spotopt__state_room(state, slot, hold->item, hold->count) < hold->count)
                break;
            spotopt__state_put(state, slot, hold->item, hold->count);
        }
        if (h == builder->best_count)
            return times;
        spotopt__state_drop(state, slot);
    }
    return 0;
}

/*
 * Takes what may be left out off the list to do: it may fill every bin so that none pays, while
 * what must be placed waits. False when there is none of either.
 */
static bool
drop_optional(spotopt__builder *builder, const spotopt__state *state)
{
    uint32_t kept = 0;
    const uint32_t all = builder->todo_count;

    for (uint32_t t = 0; t < all; t++) {
        const uint32_t i = builder->todo[t];

        if (isinf(builder->model->item[i].unplaced_cost) && spotopt__left_of(state, i) > 0)
            builder->todo[kept++] = i;
    }
    if (kept == 0 || kept == all)
        return false;
    builder->todo_count = kept;
    return true;
}

/* Opens new bins until nothing of the tiers is left, or nothing more can be done. */
static void
open_bins(spotopt__builder *builder, spotopt__state *state, const spotopt__recipe *recipe,
          uint32_t last_tier)
{
    const spotopt__model *model = builder->model;

    memset(builder->cursor, 0, builder->groups * sizeof *builder->cursor);
    while (!state->failed) {
        /* The time is over: fewer looks, so that there is an answer. */
        uint32_t wanted = recipe->looks;
        if (spotopt__builder_hurries(builder) && wanted > 2)
            wanted = 2;
        uint32_t looks = shortlist(builder, state, wanted), best_kind = SPOTOPT__NONE;
        bool any = false, tried_all = looks < wanted;
        double best_ratio = 0.0;
        forget_placed(builder, state);
        for (uint32_t i = 0; i < model->items && !any; i++)
            any = builder->tier[i] <= last_tier && spotopt__left_of(state, i) > 0 &&
                  !model->item[i].fits_nowhere;
        if (!any)
            return;
    again:
        for (uint32_t l = 0; l < looks; l++) {
            uint32_t kind = next_kind(builder, state, builder->pick[l]), slot;
            double worth, ratio;
            bool must = false;
            if (kind == SPOTOPT__NONE ||
                (slot = spotopt__state_open(state, kind, 1)) == SPOTOPT__NONE)
                continue;
            worth = spotopt__fill_bin(builder, state, slot, recipe->fill, last_tier);
            for (size_t h = 0; h < state->bins.at[slot].holds.count; h++)
                must =
                    must || isinf(model->item[state->bins.at[slot].holds.at[h].item].unplaced_cost);
            ratio = worth / (model->kind[kind].cost + 1e-12);
            if (worth > 0.0 && (must || worth > model->kind[kind].cost) && ratio > best_ratio) {
                best_ratio = ratio;
                best_kind = kind;
                builder->best_count = (uint32_t)state->bins.at[slot].holds.count;
                if (builder->best_count > 0)
                    memcpy(builder->best, state->bins.at[slot].holds.at,
                           builder->best_count * sizeof *builder->best);
            }
            spotopt__state_drop(state, slot);
        }
        if (best_kind == SPOTOPT__NONE && !tried_all && wanted < recipe->looks) {
            wanted = recipe->looks;
            looks = shortlist(builder, state, wanted);
            tried_all = looks < wanted;
            goto again;
        }
        if (best_kind == SPOTOPT__NONE &&
            !tried_all) { /* the promising ones hold nothing: look at all */
            tried_all = true;
            looks = shortlist(builder, state, builder->groups);
            goto again;
        }
        if (best_kind == SPOTOPT__NONE && drop_optional(builder, state)) {
            looks = shortlist(builder, state, builder->groups);
            goto again;
        }
        if (best_kind == SPOTOPT__NONE ||
            spotopt__open_pattern(builder, state, best_kind, UINT32_MAX) == 0)
            return;
    }
}

/* By resource, the least that any item to do needs. */
static void
least_needs(const spotopt__builder *builder, double *least)
{
    const spotopt__model *model = builder->model;

    for (uint32_t r = 0; r < model->resources; r++) {
        least[r] = (double)INFINITY;
        for (uint32_t t = 0; t < builder->todo_count; t++)
            least[r] = fmin(least[r], model->item[builder->todo[t]].request[r]);
    }
}

/* Whether something that needs so little might still go in. */
static bool
has_room(const spotopt__state *state, size_t slot, const double *least)
{
    const spotopt__model *model = state->model;
    const double *load = state->load + slot * model->resources;
    const double *capacity = model->kind[state->bins.at[slot].kind].capacity;

    for (uint32_t r = 0; r < model->resources; r++) {
        if (load[r] + least[r] > spotopt__ceiling(model, r, capacity[r]))
            return false;
    }
    return true;
}

void
spotopt__construct_rest(spotopt__builder *builder, spotopt__state *state,
                        const spotopt__recipe *recipe)
{
    double least[64];

    for (uint32_t tier = 0; tier < builder->tiers && !state->failed; tier++) {
        size_t bins = state->bins.count;
        list_todo(builder, state);
        least_needs(builder, least);
        for (size_t b = 0; b < bins && builder->todo_count > 0; b++) {
            if (state->bins.at[b].count > 0 && has_room(state, b, least))
                spotopt__fill_bin(builder, state, (uint32_t)b, 0, tier);
        }
        open_bins(builder, state, recipe, tier);
    }
}

void
spotopt__construct_begin(spotopt__state *state, const spotopt__recipe *recipe)
{
    spotopt__state_clear(state);
    state->soft_is_hard = recipe->soft_is_hard;
    if (state->cap != NULL) {
        for (size_t t = 0; t < state->model->ptallies; t++)
            state->cap[t] = UINT32_MAX;
    }
    spotopt__place_residents(state, recipe->keep_residents);
    if (!spotopt__plan_caps(state, recipe)) {
        state->failed = true;
        return;
    }
    spotopt__place_together(state);
}

void
spotopt__construct_end(spotopt__builder *builder, spotopt__state *state,
                       const spotopt__recipe *recipe)
{
    spotopt__construct_rest(builder, state, recipe);
    spotopt__free(state->context, state->cap); /* from here the rules themselves decide */
    state->cap = NULL;
    for (int round = 0; round < 2 && !state->failed;
         round++) { /* what caps or soft rules kept out */
        spotopt__construct_rest(builder, state, recipe);
        state->soft_is_hard = false;
    }
    spotopt__right_size(builder, state);
    spotopt__repair_tallies(builder, state);
}

void
spotopt__construct(spotopt__builder *builder, spotopt__state *state, const spotopt__recipe *recipe)
{
    spotopt__construct_begin(state, recipe);
    if (!state->failed)
        spotopt__construct_end(builder, state, recipe);
}
