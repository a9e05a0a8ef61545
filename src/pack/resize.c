/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resize.c - the right kind for a bin's content, and rules on sums repaired.
 *
 * Each bin in turn is exchanged for the cheapest kind that still holds it with all rules kept. The
 * same exchange, judged by how far shares, means, limits and minimums are broken, repairs those;
 * where no exchange helps, an empty node may.
 */
#include "pack/construct.h"

bool
spotopt__rekind(spotopt__state *state, uint32_t slot, uint32_t kind)
{
    const spotopt__model *model = state->model;
    const spotopt__kind *to = &model->kind[kind];
    uint32_t count = state->bins.at[slot].count, held = (uint32_t)state->bins.at[slot].holds.count,
             done = 0;
    uint32_t from = state->bins.at[slot].kind, at;
    const double *load = state->load + (size_t)slot * model->resources;
    spotopt__hold *copy;
    bool ok;

    for (uint32_t r = 0; r < model->resources; r++) {
        if (load[r] > spotopt__ceiling(model, r, to->capacity[r]))
            return false;
    }
    copy = spotopt__dup_array(state->context, state->bins.at[slot].holds.at, held, sizeof *copy);
    if (copy == NULL && held > 0) {
        state->failed = true;
        return false;
    }
    spotopt__state_drop(state, slot);
    ok = spotopt__state_openings(state, kind, count) >= count;
    at = spotopt__state_open(state, ok ? kind : from, count); /* takes the slot just freed */
    if (at == SPOTOPT__NONE) {
        spotopt__free(state->context, copy);
        return false;
    }
    for (; ok && done < held; done++) {
        if (spotopt__state_room(state, at, copy[done].item, copy[done].count) < copy[done].count) {
            spotopt__state_drop(state, at);
            at = spotopt__state_open(state, from, count);
            ok = false;
            break;
        } else {
            spotopt__state_put(state, at, copy[done].item, copy[done].count);
        }
    }
    for (uint32_t h = 0; !ok && h < held && at != SPOTOPT__NONE; h++)
        spotopt__state_put(state, at, copy[h].item, copy[h].count);
    spotopt__free(state->context, copy);
    return ok;
}

/* What would stay if the bin's content were on each of the dropped running nodes, in money; how
 * many nodes are touched. */
static uint32_t
find_saved(spotopt__builder *builder, const spotopt__state *state, const spotopt__bin *bin)
{
    const spotopt__model *model = builder->model;
    uint32_t count = 0;

    for (size_t h = 0; h < bin->holds.count; h++) {
        const spotopt__hold hold = bin->holds.at[h];

        for (uint32_t s = builder->stay_first[hold.item]; s < builder->stay_first[hold.item + 1];
             s++) {
            const uint32_t n = model->kind[builder->stay_kind[s]].node;
            const uint32_t stays =
                builder->stay_holds[s] < hold.count ? builder->stay_holds[s] : hold.count;

            if (state->node_bin[n] != SPOTOPT__NONE && &state->bins.at[state->node_bin[n]] != bin)
                continue;
            if (builder->saved[n] <= 0.0)
                builder->touched[count++] = n;
            builder->saved[n] += stays * model->item[hold.item].move_cost;
        }
    }
    return count;
}

/*
 * Content is where it runs already, as far as a dropped running node can take it: so moves are
 * saved. Of several equal nodes one is looked at; true when it changed its place.
 */
static bool
settle_one(spotopt__builder *builder, spotopt__state *state, uint32_t slot, spotopt__score *now)
{
    const spotopt__model *model = builder->model;
    const spotopt__bin *bin = &state->bins.at[slot];
    const uint32_t before = bin->kind, own = model->kind[before].node;
    const uint32_t count = find_saved(builder, state, bin);
    double least = model->kind[before].cost - (own == SPOTOPT__NONE ? 0.0 : builder->saved[own]);
    uint32_t best = SPOTOPT__NONE;
    spotopt__score then;

    for (uint32_t t = 0; t < count; t++) {
        const uint32_t n = builder->touched[t], kind = model->pools + n;
        const double cost = model->kind[kind].cost - builder->saved[n];

        builder->saved[n] = 0.0;
        if (n != own &&
            (cost < least - 1e-12 || (best != SPOTOPT__NONE && cost <= least && kind < best))) {
            const double *load = state->load + (size_t)slot * model->resources;
            bool fits = true;

            for (uint32_t r = 0; r < model->resources && fits; r++)
                fits = load[r] <= spotopt__ceiling(model, r, model->kind[kind].capacity[r]);
            if (!fits)
                continue;
            least = cost;
            best = kind;
        }
    }
    if (best == SPOTOPT__NONE || spotopt__state_openings(state, best, 1) == 0)
        return false;
    if (bin->count > 1) {
        slot = spotopt__state_split(state, slot, 1);
        if (slot == SPOTOPT__NONE)
            return false;
    }
    if (!spotopt__rekind(state, slot, best))
        return false;
    then = spotopt__state_score(state);
    if (then.broken <= now->broken + 1e-9 && spotopt__is_better(&then, now)) {
        *now = then;
        return true;
    }
    if (!spotopt__rekind(state, slot, before))
        *now = then; /* cannot go back: keep and count on */
    return false;
}

void
spotopt__right_size_bin(spotopt__builder *builder, spotopt__state *state, uint32_t slot,
                        spotopt__score *now)
{
    const spotopt__model *model = builder->model;
    uint32_t tries = 0, last_group = 0;

    if (state->bins.at[slot].holds.count == 0) { /* empty: needed by nobody, as far as sums allow */
        uint32_t kind = state->bins.at[slot].kind, count = state->bins.at[slot].count;
        spotopt__score then;
        spotopt__state_close(state, slot);
        then = spotopt__state_score(state);
        if (then.broken > now->broken + 1e-9)
            (void)spotopt__state_open(state, kind, count);
        else
            *now = then;
        return;
    }
    if (builder->stay_first != NULL) {
        while (state->bins.at[slot].count > 0 && settle_one(builder, state, slot, now) &&
               model->kind[state->bins.at[slot].kind].node == SPOTOPT__NONE && !state->failed)
            continue;
        if (model->kind[state->bins.at[slot].kind].node != SPOTOPT__NONE &&
            state->bins.at[slot].count == 0)
            return;
    }
    for (double last_cost = -1.0; tries < 12 && !state->failed; tries++) { /* the cheapest first */
        const double *load = state->load + (size_t)slot * model->resources;
        uint32_t count = state->bins.at[slot].count, before = state->bins.at[slot].kind;
        uint32_t kind = SPOTOPT__NONE, group_at = 0;
        double cost = model->kind[before].cost;
        spotopt__score then;
        for (uint32_t o = 0; o < builder->groups; o++) {
            const uint32_t g = builder->by_cost[o];
            const spotopt__group *group = &builder->group[g];
            const double *capacity = model->class_at[group->class_id].capacity;
            bool fits = true;

            if (model->kind[group->kinds[0]].cost >= cost)
                break; /* and all that follow */
            for (uint32_t r = 0; r < model->resources && fits; r++)
                fits = load[r] <= spotopt__ceiling(model, r, capacity[r]);
            for (uint32_t j = 0;
                 fits && j < group->count && model->kind[group->kinds[j]].cost < cost; j++) {
                double each = model->kind[group->kinds[j]].cost;
                if (each < last_cost || (each <= last_cost && g <= last_group))
                    continue; /* tried already */
                if (spotopt__state_openings(state, group->kinds[j], count) >= count) {
                    kind = group->kinds[j];
                    group_at = g;
                    cost = each;
                    break;
                }
            }
        }
        if (kind == SPOTOPT__NONE)
            return;
        last_cost = cost;
        last_group = group_at;
        if (!spotopt__rekind(state, slot, kind))
            continue;
        then = spotopt__state_score(state);
        if (then.broken <= now->broken + 1e-9 && spotopt__is_better(&then, now)) {
            *now = then;
            return;
        }
        if (!spotopt__rekind(state, slot, before))
            *now = then; /* cannot go back: keep and count on */
    }
}

void
spotopt__right_size(spotopt__builder *builder, spotopt__state *state)
{
    spotopt__score now = spotopt__state_score(state);

    for (size_t b = 0; b < state->bins.count && !state->failed; b++) {
        if (state->bins.at[b].count > 0)
            spotopt__right_size_bin(builder, state, (uint32_t)b, &now);
    }
}

/* Tries another kind for one node of each bin; the exchange that mends most per cost is kept. */
static bool
mend_by_rekind(spotopt__builder *builder, spotopt__state *state, spotopt__score *now)
{
    const spotopt__model *model = builder->model;
    double best_gain = 0.0;
    uint32_t best_bin = SPOTOPT__NONE, best_kind = SPOTOPT__NONE, budget = 20000;
    size_t bins = state->bins.count;

    for (size_t b = 0; b < bins && budget > 0; b++) {
        const double *load;
        if (state->bins.at[b].count == 0)
            continue;
        for (uint32_t g = 0; g < builder->groups && budget > 0; g++) {
            const spotopt__group *group = &builder->group[g];
            const double *capacity = model->class_at[group->class_id].capacity;
            bool fits = true;
            uint32_t tries = 0;
            load = state->load + b * model->resources;
            for (uint32_t r = 0; r < model->resources && fits; r++)
                fits = load[r] <= spotopt__ceiling(model, r, capacity[r]);
            for (uint32_t j = 0; fits && j < group->count && tries < 12 && budget > 0; j++) {
                uint32_t kind = group->kinds[j], slot = (uint32_t)b;
                size_t mark;
                spotopt__score then;
                double gain;
                if (kind == state->bins.at[b].kind || spotopt__state_openings(state, kind, 1) == 0)
                    continue;
                tries++;
                budget--;
                mark = spotopt__state_mark(state);
                if (state->bins.at[b].count > 1)
                    slot = spotopt__state_split(state, slot, 1);
                if (slot != SPOTOPT__NONE && spotopt__rekind(state, slot, kind)) {
                    then = spotopt__state_score(state);
                    gain = now->broken - then.broken;
                    if (gain > 1e-9 && then.missing <= now->missing) {
                        double cost = then.cost - now->cost;
                        gain = cost > 1e-9 ? gain / cost : gain * 1e9;
                        if (gain > best_gain) {
                            best_gain = gain;
                            best_bin = (uint32_t)b;
                            best_kind = kind;
                        }
                    }
                }
                spotopt__state_back(state, mark);
            }
        }
    }
    if (best_bin == SPOTOPT__NONE)
        return false;
    if (state->bins.at[best_bin].count > 1)
        best_bin = spotopt__state_split(state, best_bin, 1);
    if (best_bin == SPOTOPT__NONE || !spotopt__rekind(state, best_bin, best_kind))
        return false;
    *now = spotopt__state_score(state);
    return true;
}

/* One empty node more, or one fewer. */
static bool
mend_by_empty(spotopt__builder *builder, spotopt__state *state, spotopt__score *now)
{
    const spotopt__model *model = builder->model;
    double best_gain = 0.0;
    uint32_t best_kind = SPOTOPT__NONE, tries = 0, slot;

    for (uint32_t k = 0; k < model->kinds && tries < 8000; k++) {
        spotopt__score then;
        double gain;
        if (model->kind[k].class_id == SPOTOPT__NONE || spotopt__state_openings(state, k, 1) == 0)
            continue;
        tries++;
        slot = spotopt__state_open(state, k, 1);
        if (slot == SPOTOPT__NONE)
            return false;
        then = spotopt__state_score(state);
        gain = now->broken - then.broken;
        if (gain > 1e-9) {
            gain = gain / (then.cost - now->cost > 1e-9 ? then.cost - now->cost : 1e-9);
            if (gain > best_gain) {
                best_gain = gain;
                best_kind = k;
            }
        }
        spotopt__state_close(state, slot);
    }
    if (best_kind == SPOTOPT__NONE || spotopt__state_open(state, best_kind, 1) == SPOTOPT__NONE)
        return false;
    *now = spotopt__state_score(state);
    return true;
}

void
spotopt__repair_tallies(spotopt__builder *builder, spotopt__state *state)
{
    const spotopt__model *model = builder->model;
    spotopt__score now = spotopt__state_score(state);
    bool logged = state->logs;

    if (model->trules == 0 && model->min_pool_count == 0)
        return;
    for (uint32_t m = 0; m < model->min_pool_count && now.broken > 1e-9;
         m++) { /* minimums outright */
        uint32_t p = model->min_pools[m], min = model->problem->pools.at[p].min;
        if (state->opened[p] < min && spotopt__state_openings(state, p, min - state->opened[p]) > 0)
            (void)spotopt__state_open(state, p,
                                      spotopt__state_openings(state, p, min - state->opened[p]));
        now = spotopt__state_score(state);
    }
    state->logs = true;
    for (int round = 0; round < 200 && now.broken > 1e-9 && !state->failed; round++) {
        if (round > 0 && spotopt__builder_hurries(builder))
            break;
        if (!mend_by_rekind(builder, state, &now) && !mend_by_empty(builder, state, &now))
            break;
    }
    state->logs = logged;
    if (!logged)
        spotopt__state_commit(state);
}
