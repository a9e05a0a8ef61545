/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.c - keeps a packing under construction and all its tallies.
 *
 * Four operations change it (open, close, put, take), each with its exact inverse; undo plays the
 * log backwards. What rules make of the tallies stands in rules.c.
 */
#include "pack/rules.h"

bool
spotopt__state_init(spotopt__state *state, const spotopt__model *model)
{
    spotopt_context *context = model->context;

    memset(state, 0, sizeof *state);
    state->model = model;
    state->context = context;
    state->placed = spotopt__alloc_array(context, model->items + 1, sizeof *state->placed);
    state->kept = spotopt__alloc_array(context, model->items + 1, sizeof *state->kept);
    state->opened = spotopt__alloc_array(context, model->pools + 1, sizeof *state->opened);
    state->node_bin = spotopt__alloc_array(context, model->nodes + 1, sizeof *state->node_bin);
    state->tally = spotopt__alloc_array(context, model->ptallies + 1, sizeof *state->tally);
    state->node_broken =
        spotopt__alloc_array(context, model->prules + 1, sizeof *state->node_broken);
    state->rule_a = spotopt__alloc_array(context, model->prules + 1, sizeof *state->rule_a);
    state->rule_b = spotopt__alloc_array(context, model->prules + 1, sizeof *state->rule_b);
    state->sums = spotopt__alloc_array(context, model->ttallies + 1, sizeof *state->sums);
    if (state->placed == NULL || state->kept == NULL || state->opened == NULL ||
        state->node_bin == NULL || state->tally == NULL || state->node_broken == NULL ||
        state->rule_a == NULL || state->rule_b == NULL || state->sums == NULL)
        return false;
    spotopt__state_clear(state);
    return true;
}

void
spotopt__state_free(spotopt__state *state)
{
    spotopt_context *context = state->context;

    for (size_t b = 0; b < state->bins.count; b++)
        spotopt__vec_free(context, &state->bins.at[b].holds);
    spotopt__vec_free(context, &state->bins);
    spotopt__vec_free(context, &state->free_slots);
    spotopt__vec_free(context, &state->log);
    spotopt__free(context, state->load);
    spotopt__free(context, state->placed);
    spotopt__free(context, state->kept);
    spotopt__free(context, state->opened);
    spotopt__free(context, state->node_bin);
    spotopt__free(context, state->tally);
    spotopt__free(context, state->node_broken);
    spotopt__free(context, state->rule_a);
    spotopt__free(context, state->rule_b);
    spotopt__free(context, state->sums);
    spotopt__free(context, state->cap);
    spotopt__free(context, state->group_cap);
    memset(state, 0, sizeof *state);
}

void
spotopt__state_clear(spotopt__state *state)
{
    const spotopt__model *model = state->model;

    state->free_slots.count = 0;
    for (size_t b = 0; b < state->bins.count; b++) {
        state->bins.at[b].count = 0;
        state->bins.at[b].holds.count = 0;
    }
    for (size_t b = state->bins.count; b-- > 0;)
        state->free_slots.at[state->free_slots.count++] =
            (uint32_t)b; /* room was made when the bin was */
    memset(state->placed, 0, model->items * sizeof *state->placed);
    memset(state->kept, 0, model->items * sizeof *state->kept);
    memset(state->opened, 0, model->pools * sizeof *state->opened);
    memset(state->tally, 0, model->ptallies * sizeof *state->tally);
    memset(state->node_broken, 0, model->prules * sizeof *state->node_broken);
    memset(state->rule_a, 0, model->prules * sizeof *state->rule_a);
    memset(state->rule_b, 0, model->prules * sizeof *state->rule_b);
    memset(state->sums, 0, model->ttallies * sizeof *state->sums);
    state->node_cost = 0.0;
    state->node_count = 0;
    state->fixed_missing = 0;
    for (uint32_t n = 0; n < model->nodes; n++) {
        const spotopt__kind *kind = &model->kind[model->pools + n];
        state->node_bin[n] = SPOTOPT__NONE;
        for (uint32_t s = 0; s < kind->stay_count; s++)
            state->fixed_missing += kind->stays[s].fixed;
    }
    state->log.count = 0;
}

static void
note(spotopt__state *state, uint32_t what, uint32_t bin, uint32_t item, uint32_t count)
{
    if (state->logs &&
        !spotopt__vec_push(state->context, &state->log, (spotopt__op){what, bin, item, count}))
        state->failed = true;
}

/* Running nodes have a cost and capacity of their own; rules on resources count the pool's. */
static void
tally_nodes(spotopt__state *state, uint32_t k, double count)
{
    const spotopt__model *model = state->model;
    const spotopt__kind *kind = &model->kind[k];

    state->node_cost += count * kind->cost;
    for (uint32_t t = 0; t < model->trules; t++) {
        const spotopt__trule *rule = &model->trule[t];
        uint32_t group = rule->group_of[kind->pool];
        double *sums = state->sums + rule->tally;
        double unit = rule->of == SPOTOPT__OF_NODES ? 1.0
                      : rule->of == SPOTOPT__OF_COST
                          ? kind->cost
                          : model->problem->pools.at[kind->pool].capacity[rule->of];
        if (rule->kind == SPOTOPT_RULE_SHARE || group != SPOTOPT__NONE)
            sums[2 * rule->groups] += count * unit;
        if (rule->kind == SPOTOPT_RULE_MEAN)
            sums[2 * rule->groups + 1] += count * unit * rule->weight[kind->pool];
        if (group != SPOTOPT__NONE) {
            sums[2 * group] += count * unit;
            sums[2 * group + 1] += count;
        }
    }
}

static bool
make_slot(spotopt__state *state, uint32_t *out)
{
    uint32_t resources = state->model->resources;

    if (state->free_slots.count > 0) {
        *out = state->free_slots.at[--state->free_slots.count];
        return true;
    }
    if (state->bins.count + 1 > state->load_room) {
        size_t room = state->load_room < 16 ? 16 : state->load_room * 2;
        double *load =
            spotopt__resize_array(state->context, state->load, room * resources, sizeof *load);
        if (load == NULL)
            return false;
        state->load = load;
        state->load_room = room;
    }
    if (!spotopt__vec_reserve(state->context, &state->free_slots,
                              state->bins.count + 1 - state->free_slots.count) ||
        !spotopt__vec_push(state->context, &state->bins, (spotopt__bin){0}))
        return false;
    *out = (uint32_t)state->bins.count - 1;
    return true;
}

static void
open_slot(spotopt__state *state, uint32_t slot, uint32_t kind, uint32_t count)
{
    const spotopt__kind *at = &state->model->kind[kind];
    spotopt__bin *bin = &state->bins.at[slot];

    bin->kind = kind;
    bin->count = count;
    bin->holds.count = 0;
    memset(state->load + (size_t)slot * state->model->resources, 0,
           state->model->resources * sizeof(double));
    if (at->node == SPOTOPT__NONE)
        state->opened[at->pool] += count;
    else
        state->node_bin[at->node] = slot;
    state->node_count += count;
    tally_nodes(state, kind, count);
}

uint32_t
spotopt__state_open(spotopt__state *state, uint32_t kind, uint32_t count)
{
    uint32_t slot = 0;

    assert(count > 0);
    if (state->failed || !make_slot(state, &slot)) {
        state->failed = true;
        return SPOTOPT__NONE;
    }
    open_slot(state, slot, kind, count);
    note(state, SPOTOPT__OP_OPEN, slot, kind, count);
    return slot;
}

void
spotopt__state_close(spotopt__state *state, uint32_t slot)
{
    spotopt__bin *bin = &state->bins.at[slot];
    const spotopt__kind *kind = &state->model->kind[bin->kind];

    if (state->failed)
        return;
    assert(bin->count > 0 && bin->holds.count == 0);
    note(state, SPOTOPT__OP_CLOSE, slot, bin->kind, bin->count);
    if (kind->node == SPOTOPT__NONE)
        state->opened[kind->pool] -= bin->count;
    else
        state->node_bin[kind->node] = SPOTOPT__NONE;
    state->node_count -= bin->count;
    tally_nodes(state, bin->kind, -(double)bin->count);
    bin->count = 0;
    state->free_slots.at[state->free_slots.count++] = slot;
}

/* Residents that stay, and fixed ones that are missing, as a running node goes from `before` to
 * `after`. */
static void
tally_stay(spotopt__state *state, const spotopt__kind *kind, uint32_t item, uint32_t before,
           uint32_t after)
{
    const spotopt__stay *stay = kind->node == SPOTOPT__NONE ? NULL : spotopt__stay_of(kind, item);

    if (stay == NULL)
        return;
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
    state->kept[item] += MIN_OF(after, stay->holds);
    state->kept[item] -= MIN_OF(before, stay->holds);
    state->fixed_missing += MIN_OF(before, stay->fixed);
    state->fixed_missing -= MIN_OF(after, stay->fixed);
#undef MIN_OF
}

/* Changes what each node of a bin holds of an item by delta. */
static void
change(spotopt__state *state, uint32_t slot, uint32_t i, int64_t delta)
{
    const spotopt__model *model = state->model;
    spotopt__bin *bin = &state->bins.at[slot];
    const spotopt__item *item = &model->item[i];
    const spotopt__kind *kind = &model->kind[bin->kind];
    double *load = state->load + (size_t)slot * model->resources;
    size_t h = 0;

    spotopt__rules_leave_node(state, bin, item);
    while (h < bin->holds.count && bin->holds.at[h].item != i)
        h++;
    if (h == bin->holds.count) {
        if (!spotopt__vec_push(state->context, &bin->holds, (spotopt__hold){i, 0})) {
            state->failed = true;
            spotopt__rules_enter_node(state, bin, item);
            return;
        }
    }
    tally_stay(state, kind, i, bin->holds.at[h].count, (uint32_t)(bin->holds.at[h].count + delta));
    bin->holds.at[h].count = (uint32_t)(bin->holds.at[h].count + delta);
    if (bin->holds.at[h].count == 0) {
        memmove(&bin->holds.at[h], &bin->holds.at[h + 1],
                (bin->holds.count - h - 1) * sizeof *bin->holds.at);
        bin->holds.count--;
    }
    for (uint32_t r = 0; r < model->resources; r++) {
        if (model->tolerance[r] > 0.0) { /* fractions: sum anew, so that nothing drifts */
            load[r] = 0.0;
            for (h = 0; h < bin->holds.count; h++)
                load[r] += model->item[bin->holds.at[h].item].request[r] * bin->holds.at[h].count;
        } else {
            load[r] += (double)delta * item->request[r];
        }
    }
    state->placed[i] += (uint64_t)(delta * bin->count);
    spotopt__rules_enter_node(state, bin, item);
    spotopt__rules_tally(state, kind->pool, item, delta * (int64_t)bin->count);
}

void
spotopt__state_put(spotopt__state *state, uint32_t bin, uint32_t item, uint32_t count)
{
    if (count == 0 || state->failed)
        return;
    assert(state->placed[item] + (uint64_t)count * state->bins.at[bin].count <=
           state->model->item[item].count);
    note(state, SPOTOPT__OP_PUT, bin, item, count);
    change(state, bin, item, (int64_t)count);
}

void
spotopt__state_take(spotopt__state *state, uint32_t bin, uint32_t item, uint32_t count)
{
    if (count == 0 || state->failed)
        return;
    note(state, SPOTOPT__OP_TAKE, bin, item, count);
    change(state, bin, item, -(int64_t)count);
}

void
spotopt__state_drop(spotopt__state *state, uint32_t slot)
{
    spotopt__bin *bin = &state->bins.at[slot];

    while (bin->holds.count > 0 && !state->failed) {
        spotopt__hold last = bin->holds.at[bin->holds.count - 1];
        spotopt__state_take(state, slot, last.item, last.count);
    }
    spotopt__state_close(state, slot);
}

uint32_t
spotopt__state_split(spotopt__state *state, uint32_t slot, uint32_t count)
{
    uint32_t kind = state->bins.at[slot].kind, rest = state->bins.at[slot].count - count, other,
             held;
    spotopt__hold *copy;
    uint32_t same;

    if (state->failed)
        return SPOTOPT__NONE;
    assert(count > 0 && count < state->bins.at[slot].count);
    held = (uint32_t)state->bins.at[slot].holds.count;
    copy = spotopt__dup_array(state->context, state->bins.at[slot].holds.at, held, sizeof *copy);
    if (copy == NULL && held > 0) {
        state->failed = true;
        return SPOTOPT__NONE;
    }
    spotopt__state_drop(state, slot);
    same = spotopt__state_open(state, kind, rest); /* the slot just freed */
    other = spotopt__state_open(state, kind, count);
    for (uint32_t h = 0; h < held && !state->failed; h++) {
        spotopt__state_put(state, same, copy[h].item, copy[h].count);
        spotopt__state_put(state, other, copy[h].item, copy[h].count);
    }
    spotopt__free(state->context, copy);
    return other;
}

size_t
spotopt__state_mark(const spotopt__state *state)
{
    return state->log.count;
}

void
spotopt__state_back(spotopt__state *state, size_t mark)
{
    bool logs = state->logs;

    if (state->failed) /* the log may have holes; nobody will use this state any more */
        return;
    state->logs = false;
    while (state->log.count > mark) {
        spotopt__op op = state->log.at[--state->log.count];
        switch (op.what) {
        case SPOTOPT__OP_OPEN:
            spotopt__state_close(state, op.bin);
            break;
        case SPOTOPT__OP_CLOSE:
            assert(state->free_slots.at[state->free_slots.count - 1] == op.bin);
            state->free_slots.count--;
            open_slot(state, op.bin, op.item, op.count);
            break;
        case SPOTOPT__OP_PUT:
            change(state, op.bin, op.item, -(int64_t)op.count);
            break;
        default:
            change(state, op.bin, op.item, (int64_t)op.count);
            break;
        }
    }
    state->logs = logs;
}

void
spotopt__state_commit(spotopt__state *state)
{
    state->log.count = 0;
}

bool
spotopt__state_copy(spotopt__state *to, const spotopt__state *from)
{
    spotopt__state_clear(to);
    for (size_t b = 0; b < from->bins.count && !to->failed; b++) {
        const spotopt__bin *bin = &from->bins.at[b];
        uint32_t slot;
        if (bin->count == 0)
            continue;
        slot = spotopt__state_open(to, bin->kind, bin->count);
        for (size_t h = 0; h < bin->holds.count && !to->failed; h++)
            spotopt__state_put(to, slot, bin->holds.at[h].item, bin->holds.at[h].count);
    }
    to->log.count = 0;
    return !to->failed;
}

uint32_t
spotopt__bin_holds(const spotopt__bin *bin, uint32_t item)
{
    for (size_t h = 0; h < bin->holds.count; h++) {
        if (bin->holds.at[h].item == item)
            return bin->holds.at[h].count;
    }
    return 0;
}
