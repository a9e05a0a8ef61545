/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eject.c - places for replicas that are left over, where room is scattered over all nodes.
 *
 * A replica goes where it fits, or in the place of one or two others that are worth less together,
 * which are left over in its stead (ejections, as Buljubasic and Vasquez 2016 pack vectors into
 * equal bins). So what is left over shrinks until it fits between the others. Where nothing helps,
 * exchanges of replicas between two nodes gather free room on one of them.
 */
#include "pack/eject.h"

#define SCANS_LEAST 60 /* over all nodes */
#define SCANS_EACH 12  /* more for each replica left over */
#define LOOK_LEAST 12  /* scans after which what is left over should be less */
#define SHRINKS 0.8
#define BINS_MOST 300 /* looked at for one replica */
/* Every replica that misses and every node is held by itself here: with more of them than this the
   constructive fill that follows, which counts in groups, does it alone. */
#define MISSING_MOST 20000
#define NODES_MOST 50000
#define SHAKES 40 /* exchanges tried where no ejection helps */

double
spotopt__eject_worth(const spotopt__ejector *e, const double *amount)
{
    double sum = 0.0;

    for (uint32_t r = 0; r < e->model->resources; r++)
        sum += e->weight[r] * amount[r];
    return sum;
}

void
spotopt__eject_weigh(spotopt__ejector *e, const double *weight)
{
    memcpy(e->weight, weight, e->model->resources * sizeof *weight);
    for (uint32_t i = 0; i < e->model->items; i++)
        e->size[i] = spotopt__eject_worth(e, e->model->item[i].request);
}

bool
spotopt__eject_may_touch(const spotopt__ejector *e, uint32_t slot)
{
    return e->state->bins.at[slot].count == 1;
}

/* What runs on the bin's node already, or NULL. */
static const spotopt__stay *
stay_at(const spotopt__ejector *e, uint32_t slot, uint32_t item)
{
    const spotopt__kind *kind = &e->model->kind[e->state->bins.at[slot].kind];

    return kind->stay_count == 0 || e->model->item[item].residents == 0
               ? NULL
               : spotopt__stay_of(kind, item);
}

/* So many replicas of a hold may leave: those that are fixed there may not. */
static bool
may_leave(const spotopt__ejector *e, uint32_t slot, const spotopt__hold *hold, uint32_t count)
{
    const spotopt__stay *stay = stay_at(e, slot, hold->item);

    return hold->count >= count + (stay != NULL ? stay->fixed : 0);
}

/* What the leaving of so many replicas of a hold costs in moves. */
static double
cost_to_leave(const spotopt__ejector *e, uint32_t slot, const spotopt__hold *hold, uint32_t count)
{
    const spotopt__stay *stay = stay_at(e, slot, hold->item);
    const uint32_t rest = hold->count - count;

    if (stay == NULL || rest >= stay->holds)
        return 0.0;
    return e->model->item[hold->item].move_cost *
           ((hold->count < stay->holds ? hold->count : stay->holds) - rest);
}

double
spotopt__eject_moves(const spotopt__ejector *e, uint32_t slot)
{
    const spotopt__bin *bin = &e->state->bins.at[slot];
    double sum = 0.0;

    for (size_t h = 0; h < bin->holds.count && e->model->kind[bin->kind].stay_count > 0; h++)
        sum += cost_to_leave(e, slot, &bin->holds.at[h], bin->holds.at[h].count);
    return sum;
}

/* What is saved when one replica comes: it was to move away from here. */
static double
saved_by_coming(const spotopt__ejector *e, uint32_t slot, uint32_t item)
{
    const spotopt__stay *stay = stay_at(e, slot, item);

    return stay != NULL && spotopt__bin_holds(&e->state->bins.at[slot], item) < stay->holds
               ? e->model->item[item].move_cost
               : 0.0;
}

static uint32_t
place_in_bin(const spotopt__bin *bin, uint32_t item)
{
    uint32_t h = 0;

    while (h < bin->holds.count && bin->holds.at[h].item != item)
        h++;
    return h;
}

/* The replica is where it was in the bin's list as well: whoever goes through that list goes on. */
static void
put_back(spotopt__state *state, uint32_t slot, uint32_t item, uint32_t place)
{
    spotopt__bin *bin = &state->bins.at[slot];
    spotopt__hold last;

    spotopt__state_put(state, slot, item, 1);
    if (bin->holds.count == 0 || bin->holds.at[place].item == item)
        return;
    last = bin->holds.at[bin->holds.count - 1];
    memmove(&bin->holds.at[place + 1], &bin->holds.at[place],
            (bin->holds.count - 1 - place) * sizeof last);
    bin->holds.at[place] = last;
}

/* One replica of each may leave the bin and one of `in` come; rules included. */
static bool
may_change(spotopt__ejector *e, uint32_t slot, uint32_t a, uint32_t b, uint32_t in)
{
    spotopt__state *state = e->state;
    uint32_t place_a = 0, place_b = 0;
    bool logs = state->logs, fits;

    if (e->model->item[in].use_count == 0 &&
        spotopt__allows(&e->model->item[in], e->model->kind[state->bins.at[slot].kind].pool))
        return true;
    if (e->model->item[in].use_count == 0 && stay_at(e, slot, in) == NULL)
        return false;
    state->logs = false;
    if (a != SPOTOPT__NONE) {
        place_a = place_in_bin(&state->bins.at[slot], a);
        spotopt__state_take(state, slot, a, 1);
    }
    if (b != SPOTOPT__NONE) {
        place_b = place_in_bin(&state->bins.at[slot], b);
        spotopt__state_take(state, slot, b, 1);
    }
    fits = spotopt__state_room(state, slot, in, 1) > 0;
    if (b != SPOTOPT__NONE)
        put_back(state, slot, b, place_b);
    if (a != SPOTOPT__NONE)
        put_back(state, slot, a, place_a);
    state->logs = logs;
    return fits;
}

typedef struct place {
    uint32_t slot, a, b; /* who leaves; NONE: nobody */
    double gain;  /* of worth that has a place, less moves; where nobody leaves: moves saved */
    double tight; /* where nobody leaves: how little room it leaves */
} place;

/* What would be left of the bin's room, were the item there as well; whether it fits. */
static bool
room_with(const spotopt__ejector *e, uint32_t slot, uint32_t item, double *room)
{
    const uint32_t dims = e->model->resources;
    const double *top = e->top + (size_t)e->state->bins.at[slot].kind * dims;
    const double *load = e->state->load + (size_t)slot * dims;
    const double *request = e->model->item[item].request;
    bool fits = true;

    for (uint32_t r = 0; r < dims; r++) {
        room[r] = top[r] - load[r] - request[r];
        fits = fits && room[r] >= 0.0;
    }
    return fits;
}

static bool
makes_room(uint32_t dims, const double *room, const double *a)
{
    for (uint32_t r = 0; r < dims; r++) {
        if (room[r] + a[r] < 0.0)
            return false;
    }
    return true;
}

/* The best place for a replica: free and tight, else in the stead of one that is worth least. */
static place
find_place(spotopt__ejector *e, uint32_t item)
{
    const uint32_t dims = e->model->resources;
    const size_t all = e->state->bins.count, bins = all < BINS_MOST ? all : BINS_MOST,
                 start = spotopt__rng_below(&e->rng, all > 0 ? all : 1);
    const double least = 1e-3 * e->size[item];
    place best = {SPOTOPT__NONE, SPOTOPT__NONE, SPOTOPT__NONE, least, 0.0};
    bool is_free = false;
    double room[SPOTOPT__EJECT_DIMS];

    for (size_t j = 0; j < bins; j++) {
        const size_t b = (start + j) % all;
        const spotopt__bin *bin = &e->state->bins.at[b];
        if (!spotopt__eject_may_touch(e, (uint32_t)b))
            continue;
        if (room_with(e, (uint32_t)b, item, room)) {
            const double tight = 1.0 / (1e-12 + spotopt__eject_worth(e, room)),
                         saved = saved_by_coming(e, (uint32_t)b, item);
            if ((!is_free || saved > best.gain || (saved >= best.gain && tight > best.tight)) &&
                may_change(e, (uint32_t)b, SPOTOPT__NONE, SPOTOPT__NONE, item)) {
                best = (place){(uint32_t)b, SPOTOPT__NONE, SPOTOPT__NONE, saved, tight};
                is_free = true;
            }
        }
        for (size_t h = 0; h < bin->holds.count && !is_free; h++) {
            const spotopt__hold *hold = &bin->holds.at[h];
            const uint32_t a = hold->item;
            double gain = e->size[item] - e->size[a];
            if (gain <= least)
                continue;
            gain += saved_by_coming(e, (uint32_t)b, item) - cost_to_leave(e, (uint32_t)b, hold, 1);
            if (gain > best.gain && makes_room(dims, room, e->model->item[a].request) &&
                may_leave(e, (uint32_t)b, hold, 1) &&
                may_change(e, (uint32_t)b, a, SPOTOPT__NONE, item))
                best = (place){(uint32_t)b, a, SPOTOPT__NONE, gain, 0.0};
        }
    }
    e->search->budget.work += bins / 2 + 1;
    return best;
}

/* The same in the stead of two. */
static place
find_place_of_two(spotopt__ejector *e, uint32_t item)
{
    const uint32_t dims = e->model->resources;
    const size_t all = e->state->bins.count, bins = all < BINS_MOST ? all : BINS_MOST,
                 start = spotopt__rng_below(&e->rng, all > 0 ? all : 1);
    const double least = 1e-3 * e->size[item];
    place best = {SPOTOPT__NONE, SPOTOPT__NONE, SPOTOPT__NONE, least, 0.0};
    double room[SPOTOPT__EJECT_DIMS], then[SPOTOPT__EJECT_DIMS];

    for (size_t j = 0; j < bins; j++) {
        const size_t b = (start + j) % all;
        const spotopt__bin *bin = &e->state->bins.at[b];
        if (!spotopt__eject_may_touch(e, (uint32_t)b))
            continue;
        (void)room_with(e, (uint32_t)b, item, room);
        for (size_t h = 0; h < bin->holds.count; h++) {
            const spotopt__hold *first = &bin->holds.at[h];
            const uint32_t one = first->item;
            const double left = e->size[item] - e->size[one];
            const double moves =
                saved_by_coming(e, (uint32_t)b, item) - cost_to_leave(e, (uint32_t)b, first, 1);
            if (left <= least || left + moves <= best.gain || !may_leave(e, (uint32_t)b, first, 1))
                continue;
            for (uint32_t r = 0; r < dims; r++)
                then[r] = room[r] + e->model->item[one].request[r];
            for (size_t g = h; g < bin->holds.count; g++) {
                const spotopt__hold *second = &bin->holds.at[g];
                const uint32_t two = second->item;
                double gain = left - e->size[two];
                if (gain <= least || gain + moves <= best.gain || (g == h && first->count < 2))
                    continue;
                gain += moves + cost_to_leave(e, (uint32_t)b, first, 1) -
                        (g == h ? cost_to_leave(e, (uint32_t)b, first, 2)
                                : cost_to_leave(e, (uint32_t)b, first, 1) +
                                      cost_to_leave(e, (uint32_t)b, second, 1));
                if (gain > best.gain && makes_room(dims, then, e->model->item[two].request) &&
                    may_leave(e, (uint32_t)b, second, g == h ? 2 : 1) &&
                    may_change(e, (uint32_t)b, one, two, item))
                    best = (place){(uint32_t)b, one, two, gain, 0.0};
            }
        }
    }
    e->search->budget.work += 3 * bins + 1;
    return best;
}

void
spotopt__eject_take(spotopt__ejector *e, uint32_t slot, uint32_t item)
{
    if (item == SPOTOPT__NONE)
        return;
    spotopt__state_take(e->state, slot, item, 1);
    if (!spotopt__vec_push(e->state->context, &e->outs, item))
        e->state->failed = true;
}

/* Two replicas of two nodes change places where that gathers free room on one of them. */
static void
shake(spotopt__ejector *e)
{
    const uint32_t dims = e->model->resources;
    spotopt__state *state = e->state;

    for (uint32_t t = 0; t < SHAKES; t++) {
        uint32_t x = (uint32_t)spotopt__rng_below(&e->rng, state->bins.count),
                 y = (uint32_t)spotopt__rng_below(&e->rng, state->bins.count);
        uint32_t in = SPOTOPT__NONE, away = SPOTOPT__NONE;
        double room_x[SPOTOPT__EJECT_DIMS], room_y[SPOTOPT__EJECT_DIMS], free_x = 0.0, free_y = 0.0,
                                                                         most = 0.0;
        if (x == y || !spotopt__eject_may_touch(e, x) || !spotopt__eject_may_touch(e, y))
            continue;
        for (uint32_t r = 0; r < dims; r++) {
            room_x[r] = e->top[(size_t)state->bins.at[x].kind * dims + r] -
                        state->load[(size_t)x * dims + r];
            room_y[r] = e->top[(size_t)state->bins.at[y].kind * dims + r] -
                        state->load[(size_t)y * dims + r];
        }
        free_x = spotopt__eject_worth(e, room_x);
        free_y = spotopt__eject_worth(e, room_y);
        for (size_t g = 0; g < state->bins.at[x].holds.count; g++) {
            const spotopt__hold *of_x = &state->bins.at[x].holds.at[g];
            const uint32_t a = of_x->item;
            if (!may_leave(e, x, of_x, 1) || cost_to_leave(e, x, of_x, 1) > 0.0)
                continue;
            for (size_t h = 0; h < state->bins.at[y].holds.count; h++) {
                const spotopt__hold *of_y = &state->bins.at[y].holds.at[h];
                const uint32_t b = of_y->item;
                const double d = e->size[b] - e->size[a]; /* what x gets more */
                const double gain = d * d - d * (free_x - free_y);
                bool fits = a != b && gain > most;
                for (uint32_t r = 0; r < dims && fits; r++) {
                    double more = e->model->item[b].request[r] - e->model->item[a].request[r];
                    fits = more <= room_x[r] && -more <= room_y[r];
                }
                if (fits && may_leave(e, y, of_y, 1) && cost_to_leave(e, y, of_y, 1) <= 0.0 &&
                    may_change(e, x, a, SPOTOPT__NONE, b) &&
                    may_change(e, y, b, SPOTOPT__NONE, a)) {
                    most = gain;
                    in = b;
                    away = a;
                }
            }
        }
        e->search->budget.work += 3;
        if (in == SPOTOPT__NONE)
            continue;
        spotopt__state_take(state, x, away, 1);
        spotopt__state_take(state, y, in, 1);
        spotopt__state_put(state, x, in, 1);
        spotopt__state_put(state, y, away, 1);
    }
}

bool
spotopt__eject_place(spotopt__ejector *e)
{
    const size_t scans = SCANS_LEAST + SCANS_EACH * e->outs.count;
    double left = 0.0, last;
    uint32_t stuck = 0;
    size_t due = LOOK_LEAST + e->outs.count;

    for (size_t j = 0; j < e->outs.count; j++)
        left += e->size[e->outs.at[j]];
    last = left;
    for (size_t scan = 0; scan < scans && e->outs.count > 0; scan++) {
        uint32_t at = 0, item;
        place to;
        if (scan == due) { /* it should have shrunk by now */
            if (left > SHRINKS * last)
                return false;
            last = left;
            due += LOOK_LEAST + e->outs.count / 2;
        }
        if (e->state->failed || spotopt__search_over(e->search))
            return false;
        for (uint32_t j = 1; j < e->outs.count && stuck == 0; j++) {
            if (e->size[e->outs.at[j]] > e->size[e->outs.at[at]])
                at = j;
        }
        if (stuck > 0)
            at = (uint32_t)spotopt__rng_below(&e->rng, e->outs.count);
        item = e->outs.at[at];
        to = find_place(e, item);
        if (to.slot == SPOTOPT__NONE)
            to = find_place_of_two(e, item);
        if (to.slot == SPOTOPT__NONE) {
            if (++stuck > 3 + 2 * e->outs.count)
                return false;
            shake(e);
            continue;
        }
        e->outs.at[at] = e->outs.at[--e->outs.count];
        left -= e->size[item];
        left += to.a != SPOTOPT__NONE ? e->size[to.a] : 0.0;
        left += to.b != SPOTOPT__NONE ? e->size[to.b] : 0.0;
        spotopt__eject_take(e, to.slot, to.a);
        spotopt__eject_take(e, to.slot, to.b);
        spotopt__state_put(e->state, to.slot, item, 1);
    }
    return e->outs.count == 0;
}

bool
spotopt__eject_split_all(spotopt__state *state)
{
    for (size_t b = 0; b < state->bins.count && !state->failed; b++) {
        while (state->bins.at[b].count > 1 && !state->failed)
            (void)spotopt__state_split(state, (uint32_t)b, 1);
    }
    return !state->failed;
}

bool
spotopt__eject_init(spotopt__ejector *e, spotopt__search *search, spotopt__state *state)
{
    const spotopt__model *model = search->model;
    const size_t cells = (size_t)model->kinds * model->resources + 1;

    *e = (spotopt__ejector){.search = search, .state = state, .model = model};
    e->size = spotopt__alloc_array(model->context, model->items + 1, sizeof *e->size);
    e->top = spotopt__alloc_array(model->context, cells, sizeof *e->top);
    e->weight = spotopt__alloc_array(model->context, model->resources + 1, sizeof *e->weight);
    if (e->size == NULL || e->top == NULL || e->weight == NULL)
        return false;
    spotopt__eject_weigh(e, search->builder.weight);
    for (uint32_t k = 0; k < model->kinds; k++) {
        for (uint32_t r = 0; r < model->resources; r++)
            e->top[(size_t)k * model->resources + r] =
                spotopt__ceiling(model, r, model->kind[k].capacity[r]);
    }
    spotopt__rng_seed(&e->rng, search->seed + 0x737175);
    return true;
}

void
spotopt__eject_free(spotopt__ejector *e)
{
    spotopt_context *context = e->model->context;

    spotopt__free(context, e->weight);
    spotopt__free(context, e->size);
    spotopt__free(context, e->top);
    spotopt__vec_free(context, &e->outs);
}

bool
spotopt__eject_missing(spotopt__search *search, spotopt__state *state)
{
    const spotopt__model *model = search->model;
    spotopt__ejector e;
    uint64_t missing = 0;
    bool ok;

    for (uint32_t i = 0; i < model->items; i++)
        missing += model->item[i].count - state->placed[i];
    if (missing == 0 || missing > MISSING_MOST || state->node_count > NODES_MOST)
        return !state->failed;
    ok = spotopt__eject_init(&e, search, state) && spotopt__eject_split_all(state);
    for (uint32_t i = 0; i < model->items && ok; i++) {
        for (uint64_t j = state->placed[i]; j < model->item[i].count && ok; j++)
            ok = spotopt__vec_push(model->context, &e.outs, i);
    }
    if (ok)
        (void)spotopt__eject_place(&e);
    spotopt__eject_free(&e);
    return ok && !state->failed;
}
