/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle.c - what a policy that knew the future would have done with one demand, and what none
 * could beat.
 *
 * Dynamic programming over steps x pools. All replicas of a demand are together in one pool; a
 * state is that pool, or none after a loss, and costs what replay's own books would say: nodes
 * until they are lost, C_int for each node lost, moving and the overlap of a move. Entering costs
 * the same from wherever one comes, so a step needs one minimum over pools and then one comparison
 * a pool: O(steps * pools), and only the way into each step is remembered.
 *
 * The path found is run like a policy's; what it comes to is the oracle's outcome. The bound is the
 * same recursion on terms that no policy can undercut: nodes are bought in fractions (but at least
 * one where replicas are), moving is free whenever the count changes, overlaps and partial falls
 * cost nothing. Where replicas have nodes of their own (or there is only one) overlaps count in the
 * bound too, since a replica's path is then its own affair, and with a constant count and whole
 * falls path and bound are the same number: the optimum. docs/algorithms.md, "Replay".
 */
#include "replay/replay.h"

/* One recursion: for the path, or for the bound. */
typedef struct search {
    double
        *reach; /* by fit (the last is "nowhere"): least cost to hold it at this step; INFINITY */
    uint32_t *start; /* by fit: the step it was entered at */
    double *nodes;   /* by fit: what is paid for nodes_count replicas */
    double nodes_count;
    double lost; /* least cost to hold nothing */
} search;

/* How a step was entered: the pool that was left, and since when it was held. */
typedef struct entry {
    uint32_t fit, start;
} entry;

struct spotopt__oracle {
    size_t fits;   /* and "nowhere" behind them */
    bool *is_open; /* by fit: some policy may buy there */
    bool is_separate;
    search path, bound;
    uint32_t lost_fit, lost_start; /* of path.lost */
    entry *entries;                /* by step */
    uint32_t *at;                  /* by step, once settled */
};

bool
spotopt__oracles_init(spotopt__run *run)
{
    const size_t demands = run->replay->demand_count, steps = run->replay->steps;
    spotopt__oracle *oracles = spotopt__arena_alloc(&run->arena, demands + 1, sizeof *oracles);

    run->oracles = oracles;
    for (size_t d = 0; oracles != NULL && d < demands; d++) {
        const spotopt__wanted *wanted = &run->wanted[d];
        spotopt__oracle *o = &oracles[d];
        const size_t states = wanted->fit_count + 1;

        o->fits = wanted->fit_count;
        o->is_open = spotopt__arena_alloc(&run->arena, states, sizeof *o->is_open);
        o->entries = spotopt__arena_alloc(&run->arena, steps + 1, sizeof *o->entries);
        o->path.reach = spotopt__arena_alloc(&run->arena, states, sizeof(double));
        o->path.start = spotopt__arena_alloc(&run->arena, states, sizeof(uint32_t));
        o->bound.reach = spotopt__arena_alloc(&run->arena, states, sizeof(double));
        o->path.nodes = spotopt__arena_alloc(&run->arena, states, sizeof(double));
        o->bound.nodes = spotopt__arena_alloc(&run->arena, states, sizeof(double));
        if (o->path.nodes == NULL || o->bound.nodes == NULL || o->is_open == NULL ||
            o->entries == NULL || o->path.reach == NULL || o->path.start == NULL ||
            o->bound.reach == NULL)
            return false;
        for (size_t a = 0; a < run->replay->tried.count; a++) {
            const spotopt__holding *holding = &run->actors[a].holdings[d];

            for (size_t i = 0; i < holding->allowed_count; i++)
                o->is_open[holding->allowed[i]] = true;
        }
        o->is_separate = true;
        for (size_t i = 0; i < o->fits; i++)
            o->is_separate = o->is_separate && (!o->is_open[i] || wanted->fits[i].per_node == 1);
        o->is_separate = o->is_separate || wanted->most <= 1.0;
        for (size_t i = 0; i < states; i++)
            o->path.reach[i] = o->bound.reach[i] = INFINITY;
        o->lost_fit = SPOTOPT__NONE;
    }
    return oracles != NULL;
}

/* Nodes that are paid for: whole ones, or the least that any way to spread could come to. */
static double
nodes_of(const spotopt__fitting *fit, double count, bool is_bound)
{
    if (count <= 0.0)
        return 0.0;
    return is_bound ? fmax(1.0, count / fit->per_node) : spotopt__nodes_for(count, fit->per_node);
}

/* The least cost to hold nothing yet at this step, whatever was held: *from the fit that is left
 * (none: lost). */
static double
leave_all(const spotopt__run *run, const spotopt__oracle *o, const spotopt__wanted *wanted,
          const search *s, bool is_bound, uint32_t *from)
{
    const double movers = fmin(wanted->before, wanted->count),
                 su_h = run->startup_s / SPOTOPT__HOUR_S;
    const bool is_free = is_bound && wanted->before != wanted->count,
               has_overlap = !is_bound || (o->is_separate && !is_free);
    const double move_usd = is_free ? 0.0 : run->replay->terms.move_usd * movers;
    double least = s->lost;

    *from = SPOTOPT__NONE;
    if (s->reach[o->fits] < least) {
        least = s->reach[o->fits];
        *from = (uint32_t)o->fits;
    }
    for (size_t i = 0; i < o->fits; i++) {
        double usd = s->reach[i] + move_usd;

        if (!(usd < least))
            continue;
        if (has_overlap && movers > 0.0)
            usd += run->world.price[wanted->fits[i].pool] *
                   nodes_of(&wanted->fits[i], movers, is_bound) * su_h;
        if (usd < least) {
            least = usd;
            *from = (uint32_t)i;
        }
    }
    return least;
}

/* What holding so many nodes of a pool over the step adds; true: they are lost on the way. */
static bool
step_usd(const spotopt__run *run, const spotopt__fitting *fit, double nodes, bool is_bound,
         const spotopt__fall *falls, size_t fall_count, double *out)
{
    const double price = run->world.price[fit->pool], c_int = run->replay->terms.interruption_usd;
    double from_s = run->now_s, usd = 0.0, held = nodes;

    for (size_t i = 0; i < fall_count; i++) {
        usd += price * held * (falls[i].at_s - from_s) / SPOTOPT__HOUR_S;
        from_s = falls[i].at_s;
        if (!(falls[i].after > 0.0)) {
            *out = usd + c_int * (is_bound ? nodes : held);
            return true;
        }
        const double left = is_bound ? 0.0 : spotopt__left_of(held, &falls[i]);
        usd += is_bound ? 0.0 : c_int * (held - left);
        held = left;
    }
    *out = usd + price * held * (run->next_s - from_s) / SPOTOPT__HOUR_S;
    return false;
}

/* One step of a recursion; entry: how the pools entered now were come by (path only). */
static void
advance(const spotopt__run *run, spotopt__oracle *o, const spotopt__wanted *wanted, search *s,
        bool is_bound, entry *out_entry)
{
    const double count = wanted->count, length_h = (run->next_s - run->now_s) / SPOTOPT__HOUR_S;
    const bool is_free = is_bound && wanted->before != wanted->count;
    const spotopt__fall *fall = run->world.falls.at, *fall_end = fall + run->world.falls.count;
    uint32_t from, lost_fit = SPOTOPT__NONE, lost_start = 0;
    const double enter = leave_all(run, o, wanted, s, is_bound, &from);
    double lost = INFINITY;
    bool has_any = false;

    if (out_entry != NULL)
        *out_entry = from == SPOTOPT__NONE ? (entry){o->lost_fit, o->lost_start}
                                           : (entry){from, s->start[from]};
    if (!(count > 0.0)) { /* nothing runs: all states are the same */
        for (size_t i = 0; i <= o->fits; i++)
            s->reach[i] = INFINITY;
        s->lost = enter;
        if (out_entry != NULL) {
            o->lost_fit = out_entry->fit;
            o->lost_start = out_entry->start;
        }
        return;
    }
    if (s->nodes_count != count) {
        for (size_t i = 0; i < o->fits; i++)
            s->nodes[i] = nodes_of(&wanted->fits[i], count, is_bound);
        s->nodes_count = count;
    }
    for (size_t i = 0; i < o->fits; i++) {
        const spotopt__fitting *fit = &wanted->fits[i];
        const double price = run->world.price[fit->pool];
        const bool is_up = o->is_open[i] && run->world.is_up[fit->pool] && !isnan(price);
        double usd;

        has_any = has_any || is_up;
        /* Where switching is free, one that is held but not to be had may be another's as well. */
        if ((is_up || (is_free && s->reach[i] < INFINITY)) && enter < s->reach[i]) {
            s->reach[i] = enter;
            if (s->start != NULL)
                s->start[i] = (uint32_t)run->k;
        }
        while (fall < fall_end && fall->pool < fit->pool)
            fall++;
        if (fall == fall_end || fall->pool != fit->pool) {
            s->reach[i] += price * s->nodes[i] * length_h; /* NaN only where it is INFINITY */
            if (isnan(s->reach[i]))
                s->reach[i] = INFINITY;
            continue;
        }
        const spotopt__fall *first = fall;
        while (fall < fall_end && fall->pool == fit->pool)
            fall++;
        if (s->reach[i] == INFINITY)
            continue;
        if (step_usd(run, fit, s->nodes[i], is_bound, first, (size_t)(fall - first), &usd)) {
            if (s->reach[i] + usd < lost) {
                lost = s->reach[i] + usd;
                lost_fit = (uint32_t)i;
                lost_start = s->start != NULL ? s->start[i] : 0;
            }
            s->reach[i] = INFINITY;
        } else {
            s->reach[i] += usd;
        }
    }
    /* A path goes nowhere only where there is nowhere to go; the bound need not know. */
    if ((is_bound || !has_any) && enter < s->reach[o->fits]) {
        s->reach[o->fits] = enter;
        if (s->start != NULL)
            s->start[o->fits] = (uint32_t)run->k;
    }
    s->reach[o->fits] += spotopt__missing_usd(run, wanted, count);
    s->lost = lost;
    if (out_entry != NULL) {
        o->lost_fit = lost_fit;
        o->lost_start = lost_start;
    }
}

void
spotopt__oracle_go(spotopt__run *run, size_t demand)
{
    spotopt__oracle *o = &run->oracles[demand];

    advance(run, o, &run->wanted[demand], &o->path, false, &o->entries[run->k]);
    advance(run, o, &run->wanted[demand], &o->bound, true, NULL);
}

bool
spotopt__oracle_settle(spotopt__run *run, size_t demand)
{
    spotopt__oracle *o = &run->oracles[demand];
    const size_t steps = run->replay->steps;
    entry e = {o->lost_fit, o->lost_start};
    double least = o->path.lost;
    size_t end = steps;

    o->at = spotopt__arena_alloc(&run->arena, steps + 1, sizeof *o->at);
    if (o->at == NULL)
        return false;
    for (size_t i = 0; i <= o->fits; i++) {
        if (o->path.reach[i] < least) {
            least = o->path.reach[i];
            e = (entry){(uint32_t)i, o->path.start[i]};
        }
    }
    for (size_t k = 0; k < steps; k++)
        o->at[k] = SPOTOPT__NONE;
    while (e.fit != SPOTOPT__NONE) {
        for (size_t k = e.start; k < end; k++)
            o->at[k] = e.fit < o->fits ? e.fit : SPOTOPT__NONE;
        end = e.start;
        e = o->entries[e.start];
    }
    return true;
}

uint32_t
spotopt__oracle_at(const spotopt__run *run, size_t demand, size_t k)
{
    return run->oracles[demand].at[k];
}

double
spotopt__oracle_bound(const spotopt__run *run, size_t demand)
{
    const spotopt__oracle *o = &run->oracles[demand];
    double least = o->bound.lost;

    for (size_t i = 0; i <= o->fits; i++)
        least = fmin(least, o->bound.reach[i]);
    return least;
}
