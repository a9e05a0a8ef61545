/* SPDX-License-Identifier: Apache-2.0 */
/*
 * squeeze.c - a packing made cheaper node by node: some nodes are exchanged for a little less, and
 * what they held is squeezed in.
 *
 * Where many small demands meet many sorts of nodes, room is scattered over all nodes, and hardly
 * any of it can be used as it is. A step trades one or two nodes for one or two cheaper ones, so
 * that all room together would still do, and eject.c seeks places for what is left over. A step
 * that ends with something left over is taken back.
 */
#include "pack/eject.h"

#define NODES_MOST 5000
#define PROPOSALS 6       /* nodes looked at for one step */
#define SECONDS 4         /* kinds at random beside all others */
#define NOISE 2.0         /* of judgements */
#define SPOILS 0.5        /* taken off them for each time that a kind came in for nothing */
#define LEFT_MOST 200     /* replicas of the nodes that go */
#define ROOM_LEAST 2e-4   /* of a resource's need: room that is left in all */
#define STRIDE_LEAST 1e-5 /* of the cost: what a step is to save, about */
#define STRIDE_MOST 3e-3
#define VALUE_LEAST 0.7 /* of its cost: what a node's room is worth that may be bought */

typedef struct squeezing {
    spotopt__ejector e;
    double *value;         /* by kind: worth of its room */
    double *room, *need;   /* by resource: free on all nodes; asked for */
    uint32_t *kind, kinds; /* that may be bought */
    uint32_t new_kinds;    /* the first of them; then dropped running nodes */
    double *weight;        /* by resource: what is scarce counts more */
    double *spoilt;        /* by kind: how often it came in for nothing */
    double stride;         /* how much a step is to save, about */
} squeezing;

typedef struct trade {
    uint32_t slot, other, kind[2]; /* nodes that go; what comes; NONE */
    double moves;                  /* what the going costs in moves */
} trade;

/* How good a trade is: what is saved for the room that it takes, about as much as is asked. */
static double
judge(squeezing *q, const trade *t)
{
    const spotopt__model *model = q->e.model;
    const uint32_t dims = model->resources;
    const uint32_t kinds[4] = {q->e.state->bins.at[t->slot].kind,
                               t->other != SPOTOPT__NONE ? q->e.state->bins.at[t->other].kind
                                                         : SPOTOPT__NONE,
                               t->kind[0], t->kind[1]};
    double saved = -t->moves, lost = 0.0, spoilt = 0.0;

    for (int g = 0; g < 4; g++) {
        if (kinds[g] != SPOTOPT__NONE) {
            saved += (g < 2 ? 1.0 : -1.0) * model->kind[kinds[g]].cost;
            lost += (g < 2 ? 1.0 : -1.0) * q->value[kinds[g]];
        }
    }
    if (saved <= 1e-6 * q->e.search->score.cost)
        return (double)-INFINITY;
    for (uint32_t r = 0; r < dims; r++) {
        double room = q->room[r];
        if (!(q->need[r] > 0.0))
            continue;
        for (int g = 0; g < 4; g++) {
            if (kinds[g] != SPOTOPT__NONE)
                room -= (g < 2 ? 1.0 : -1.0) * q->e.top[(size_t)kinds[g] * dims + r];
        }
        if (room < fmin(ROOM_LEAST * q->need[r], q->room[r]))
            return (double)-INFINITY;
    }
    for (int g = 2; g < 4; g++)
        spoilt += kinds[g] != SPOTOPT__NONE ? q->spoilt[kinds[g]] : 0.0;
    return (saved - lost) / q->stride - fabs(log(saved / q->stride)) - spoilt +
           NOISE * spotopt__rng_unit(&q->e.rng);
}

/* The best trade with these nodes out and, but for NONE, this one in, and any other. */
static void
try_kinds(squeezing *q, trade t, trade *best, double *most)
{
    for (uint32_t j = 0; j <= q->kinds; j++) {
        double good;
        t.kind[0] = j < q->kinds ? q->kind[j] : SPOTOPT__NONE;
        good = judge(q, &t);
        if (good > *most &&
            (t.kind[0] == SPOTOPT__NONE || spotopt__state_openings(q->e.state, t.kind[0], 1) > 0)) {
            *most = good;
            *best = t;
        }
    }
    q->e.search->budget.work += q->kinds / 4 + 1;
}

/* A node that holds something fixed cannot go. */
static bool
may_go(const squeezing *q, uint32_t slot)
{
    return spotopt__eject_may_touch(&q->e, slot) &&
           !q->e.model->kind[q->e.state->bins.at[slot].kind].has_fixed;
}

/* A node at random, or, for tries > 1, the one of some that earns least for its cost. */
static uint32_t
draw(squeezing *q, uint32_t tries)
{
    const spotopt__state *state = q->e.state;
    const uint32_t dims = q->e.model->resources;
    uint32_t worst = SPOTOPT__NONE;
    double most = (double)-INFINITY;

    for (uint32_t t = 0; t < tries; t++) {
        const uint32_t slot = (uint32_t)spotopt__rng_below(&q->e.rng, state->bins.count);
        double waste;
        if (!may_go(q, slot))
            continue;
        waste = q->e.model->kind[state->bins.at[slot].kind].cost -
                spotopt__eject_worth(&q->e, state->load + (size_t)slot * dims) -
                spotopt__eject_moves(&q->e, slot);
        if (waste > most) {
            most = waste;
            worst = slot;
        }
    }
    return worst;
}

/* One or two nodes at random against none, each kind, and some pairs of kinds. */
static bool
propose(squeezing *q, trade *best)
{
    double most = (double)-INFINITY;
    const size_t bins = q->e.state->bins.count;

    for (uint32_t p = 0; p < PROPOSALS; p++) {
        trade t = {(uint32_t)spotopt__rng_below(&q->e.rng, bins),
                   SPOTOPT__NONE,
                   {SPOTOPT__NONE, SPOTOPT__NONE},
                   0.0};
        if (!may_go(q, t.slot))
            continue;
        t.moves = spotopt__eject_moves(&q->e, t.slot);
        try_kinds(q, t, best, &most);
        t.other = draw(q, p % 3 == 0 ? (uint32_t)bins / 8 + 1 : 2);
        if (t.other == t.slot || t.other == SPOTOPT__NONE)
            continue;
        t.moves += spotopt__eject_moves(&q->e, t.other);
        try_kinds(q, t, best, &most);
        for (uint32_t s = 0; s < SECONDS && q->kinds > 0; s++) {
            t.kind[1] = q->kind[spotopt__rng_below(&q->e.rng, q->kinds)];
            if (spotopt__state_openings(q->e.state, t.kind[1], 1) > 0)
                try_kinds(q, t, best, &most);
        }
    }
    return most > (double)-INFINITY;
}

/* Empties a node onto the list of what is left over and closes it; false: too much. */
static bool
empty(squeezing *q, uint32_t slot)
{
    spotopt__state *state = q->e.state;

    while (state->bins.at[slot].holds.count > 0 && !state->failed) {
        if (q->e.outs.count >= LEFT_MOST)
            return false;
        spotopt__eject_take(&q->e, slot, state->bins.at[slot].holds.at[0].item);
    }
    spotopt__state_close(state, slot);
    return true;
}

/* A replica would be back where it runs. */
static bool
comes_home(const squeezing *q, uint32_t slot, uint32_t item)
{
    const spotopt__bin *bin = &q->e.state->bins.at[slot];
    const spotopt__kind *kind = &q->e.model->kind[bin->kind];
    const spotopt__stay *stay = kind->stay_count > 0 ? spotopt__stay_of(kind, item) : NULL;

    return stay != NULL && spotopt__bin_holds(bin, item) < stay->holds;
}

/* A node of the kind, with what fits of what is left over: what runs there, then the largest. */
static bool
open_with(squeezing *q, uint32_t kind)
{
    spotopt__state *state = q->e.state;
    const double *size = q->e.size;
    uint32_t *out = q->e.outs.at, slot;

    if (spotopt__state_openings(state, kind, 1) == 0)
        return false;
    slot = spotopt__state_open(state, kind, 1);
    while (slot != SPOTOPT__NONE) {
        uint32_t at = SPOTOPT__NONE;
        bool at_home = false;
        for (uint32_t j = 0; j < q->e.outs.count; j++) {
            const bool home = comes_home(q, slot, out[j]);
            if ((at == SPOTOPT__NONE || (home && !at_home) ||
                 (home == at_home && size[out[j]] > size[out[at]])) &&
                spotopt__state_room(state, slot, out[j], 1) > 0) {
                at = j;
                at_home = home;
            }
        }
        if (at == SPOTOPT__NONE)
            return true;
        spotopt__state_put(state, slot, out[at], 1);
        out[at] = out[--q->e.outs.count];
    }
    return false;
}

static bool
try_trade(squeezing *q, const trade *t)
{
    q->e.outs.count = 0;
    if (!empty(q, t->slot) || (t->other != SPOTOPT__NONE && !empty(q, t->other)))
        return false;
    for (int g = 0; g < 2; g++) {
        if (t->kind[g] != SPOTOPT__NONE && !open_with(q, t->kind[g]))
            return false;
    }
    return spotopt__eject_place(&q->e) && !q->e.state->failed;
}

/* Running nodes that were dropped may come back. */
static void
list_dropped(squeezing *q)
{
    const spotopt__model *model = q->e.model;

    q->kinds = q->new_kinds;
    for (uint32_t n = 0; n < model->nodes; n++) {
        const uint32_t k = model->pools + n;

        if (q->e.state->node_bin[n] == SPOTOPT__NONE && model->kind[k].class_id != SPOTOPT__NONE &&
            q->value[k] > VALUE_LEAST * model->kind[k].cost)
            q->kind[q->kinds++] = k;
    }
}

static void
measure_room(squeezing *q)
{
    const uint32_t dims = q->e.model->resources;
    const spotopt__state *state = q->e.state;

    memset(q->room, 0, dims * sizeof *q->room);
    for (size_t b = 0; b < state->bins.count; b++) {
        const spotopt__bin *bin = &state->bins.at[b];
        for (uint32_t r = 0; r < dims && bin->count > 0; r++)
            q->room[r] +=
                bin->count * (q->e.top[(size_t)bin->kind * dims + r] - state->load[b * dims + r]);
    }
}

static bool
squeezing_init(squeezing *q, spotopt__search *search)
{
    const spotopt__model *model = search->model;
    spotopt_context *context = model->context;

    memset(q, 0, sizeof *q);
    if (!spotopt__eject_init(&q->e, search, &search->work))
        return false;
    q->value = spotopt__alloc_array(context, model->kinds + 1, sizeof *q->value);
    q->room = spotopt__alloc_array(context, model->resources + 1, sizeof *q->room);
    q->weight = spotopt__alloc_array(context, model->resources + 1, sizeof *q->need);
    q->spoilt = spotopt__alloc_array(context, model->kinds + 1, sizeof *q->spoilt);
    q->need = spotopt__alloc_array(context, model->resources + 1, sizeof *q->need);
    q->kind = spotopt__alloc_array(context, model->kinds + 1, sizeof *q->kind);
    if (q->value == NULL || q->room == NULL || q->need == NULL || q->weight == NULL ||
        q->spoilt == NULL || q->kind == NULL)
        return false;
    for (uint32_t i = 0; i < model->items; i++) {
        for (uint32_t r = 0; r < model->resources; r++)
            q->need[r] += model->item[i].request[r] * model->item[i].count;
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        const spotopt__kind *kind = &model->kind[k];
        q->value[k] = spotopt__eject_worth(&q->e, kind->capacity);
        if (kind->class_id != SPOTOPT__NONE && kind->node == SPOTOPT__NONE &&
            model->problem->pools.at[kind->pool].max > 0 && q->value[k] > VALUE_LEAST * kind->cost)
            q->kind[q->kinds++] = k;
    }
    q->new_kinds = q->kinds;
    return true;
}

static void
squeezing_free(squeezing *q)
{
    spotopt_context *context = q->e.model->context;

    spotopt__free(context, q->value);
    spotopt__free(context, q->room);
    spotopt__free(context, q->weight);
    spotopt__free(context, q->spoilt);
    spotopt__free(context, q->need);
    spotopt__free(context, q->kind);
    spotopt__eject_free(&q->e);
}

/* What there is little room of counts more, by a power drawn at random. */
static void
weigh(squeezing *q)
{
    const double *base = q->e.search->builder.weight;
    const double power = -0.25 * (double)spotopt__rng_below(&q->e.rng, 5);
    double room = 0.0, need = 0.0;

    for (uint32_t r = 0; r < q->e.model->resources; r++) {
        room += base[r] * q->room[r];
        need += base[r] * q->need[r];
    }
    for (uint32_t r = 0; r < q->e.model->resources; r++) {
        q->weight[r] = base[r];
        if (q->need[r] > 0.0 && need > 0.0)
            q->weight[r] *= pow((fmax(q->room[r], 0.0) / q->need[r] + ROOM_LEAST) /
                                    (fmax(room, 0.0) / need + ROOM_LEAST),
                                power);
    }
    spotopt__eject_weigh(&q->e, q->weight);
    for (uint32_t k = 0; k < q->e.model->kinds; k++)
        q->value[k] = spotopt__eject_worth(&q->e, q->e.model->kind[k].capacity);
}

/* One step; whether it is to stay. */
static bool
step(squeezing *q, spotopt__score *now)
{
    trade t = {SPOTOPT__NONE, SPOTOPT__NONE, {SPOTOPT__NONE, SPOTOPT__NONE}, 0.0};
    spotopt__score then;
    bool good;

    measure_room(q);
    list_dropped(q);
    q->stride = now->cost * STRIDE_LEAST *
                exp(spotopt__rng_unit(&q->e.rng) * log(STRIDE_MOST / STRIDE_LEAST));
    weigh(q);
    if (!propose(q, &t))
        return false;
    good = try_trade(q, &t);
    for (int g = 0; g < 2; g++) {
        if (t.kind[g] != SPOTOPT__NONE)
            q->spoilt[t.kind[g]] =
                good ? 0.5 * q->spoilt[t.kind[g]] : q->spoilt[t.kind[g]] + SPOILS;
    }
    if (!good)
        return false;
    then = spotopt__state_score(q->e.state);
    if (then.missing > now->missing || then.broken > now->broken + 1e-9 || then.cost >= now->cost)
        return false;
    *now = then;
    return true;
}

bool
spotopt__search_squeeze(spotopt__search *search, uint32_t patience, double share)
{
    squeezing q;
    spotopt__state *state = &search->work;
    spotopt__score now = spotopt__state_score(state);
    bool ok;

    if (now.missing > 0 || state->node_count > NODES_MOST || state->node_count < 2 ||
        now.broken > 1e-9 || search->model->resources > SPOTOPT__EJECT_DIMS)
        return !state->failed;
    ok = squeezing_init(&q, search) && spotopt__eject_split_all(state);
    state->logs = true;
    state->soft_is_hard = false;
    for (uint32_t idle = 0; ok && idle < patience && !spotopt__search_done(search); idle++) {
        if (share < 1.0 && spotopt__search_late(search, share))
            break;
        const size_t mark = spotopt__state_mark(state);
        if (step(&q, &now)) {
            spotopt__state_commit(state);
            (void)spotopt__search_offer(search, state);
            idle = 0;
        } else {
            spotopt__state_back(state, mark);
        }
        ok = !state->failed;
    }
    state->logs = false;
    spotopt__state_commit(state);
    squeezing_free(&q);
    return ok;
}
