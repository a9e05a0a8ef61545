/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose.c - what a policy does at a step: where replicas without a node go, and who moves.
 *
 * It is given what was known by then and nothing else: prices and capacity of the moment, rates
 * from the past (recent.c, outlook.c), its own holdings. A pool is worth the price of its nodes
 * plus, where the method looks at risk, rate * C_int. On-demand is a pool like the others, and what
 * is left when no spot pool has a node.
 *
 * on-demand        the cheapest on-demand pool.
 * cheapest         the cheapest pool; nobody moves until a node is lost, or spot is back.
 * one-per-zone     spot in the zone that has least of the demand, in turn; moves as cheapest.
 * last-day         least price + C_int * losses per hour of the last 24 h; moves as cheapest.
 * hazard           least price + C_int * rate of the hazard model; moves where that saves more over
 * the horizon of change than the move, the overlap and a share of what is spent (hysteresis), not
 * before the dwell and within a budget of moves per hour. oracle           follows the path that
 * oracle.c found.
 */
#include "replay/replay.h"

bool
spotopt__hold(spotopt__holding *holding, spotopt_context *context, const spotopt__fitting *in,
              double replicas, double cold, double now_s, bool is_fallback)
{
    for (size_t i = 0; i < holding->groups.count; i++) {
        spotopt__group *group = &holding->groups.at[i];

        if (group->pool != in->pool)
            continue;
        group->replicas += replicas;
        group->cold += cold;
        return true;
    }
    return spotopt__vec_push(context, &holding->groups,
                             (spotopt__group){in->pool, in->per_node, in->zone, in->is_on_demand,
                                              is_fallback, replicas, cold, now_s});
}

void
spotopt__leave(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding, size_t at,
               double replicas)
{
    spotopt__group *group = &holding->groups.at[at];
    const double before = spotopt__nodes_for(group->replicas, group->per_node),
                 after = spotopt__nodes_for(group->replicas - replicas, group->per_node);
    const double hours = (before - after) * run->startup_s / SPOTOPT__HOUR_S;

    /* What is left goes on until what replaces it is in service. */
    holding->step.cost_usd += hours * run->world.price[group->pool];
    holding->step.node_h += hours;
    holding->step.on_demand_node_h += group->is_on_demand ? hours : 0.0;
    holding->step.moves += replicas;
    actor->moved[run->k % actor->moved_room] += replicas;
    actor->moved_sum += replicas;
    group->replicas -= replicas;
}

static void
drop_empty(spotopt__holding *holding)
{
    size_t kept = 0;

    for (size_t i = 0; i < holding->groups.count; i++) {
        if (holding->groups.at[i].replicas > 0.0)
            holding->groups.at[kept++] = holding->groups.at[i];
    }
    holding->groups.count = kept;
}

/* value and enter of every pool, once a step and only where they are asked for. */
static void
value_pools(spotopt__run *run, spotopt__actor *actor)
{
    const spotopt__terms *terms = actor->terms;
    const int method = actor->tried->method;
    const bool is_capped = method >= SPOTOPT__BY_LAST_DAY && terms->max_probability < 1.0;

    if (actor->valued == run->k)
        return;
    actor->valued = run->k;
    for (size_t p = 0; p < run->world.pools; p++) {
        const double price = run->world.price[p];
        double rate = 0.0;

        if (method == SPOTOPT__BY_LAST_DAY)
            rate = spotopt__recent_rate(run->recent, (uint32_t)p);
        else if (method == SPOTOPT__BY_HAZARD)
            rate = spotopt__outlook_rate(run->outlook, actor->horizon, (uint32_t)p);
        actor->value[p] = price + terms->interruption_usd * rate;
        actor->enter[p] = actor->value[p];
        if (is_capped) {
            if (method == SPOTOPT__BY_HAZARD)
                rate = spotopt__outlook_rate(run->outlook, actor->cap_horizon, (uint32_t)p);
            if (-expm1(-rate * terms->probability_h) > terms->max_probability)
                actor->enter[p] = INFINITY;
        }
        if (!run->world.is_up[p] || isnan(price) || price > terms->max_usd_per_h)
            actor->enter[p] = INFINITY;
    }
}

enum { ANY, SPOT_ONLY, ON_DEMAND_ONLY };

/* How many more replicas a pool may take under the shares. */
static double
room_in(const spotopt__actor *actor, const spotopt__holding *holding, const spotopt__wanted *wanted,
        const spotopt__fitting *fit)
{
    double in_pool = 0.0, in_zone = 0.0, room = INFINITY;

    if (fit->is_on_demand || (actor->terms->pool_frac >= 1.0 && actor->terms->zone_frac >= 1.0))
        return room;
    for (size_t i = 0; i < holding->groups.count; i++) {
        const spotopt__group *group = &holding->groups.at[i];

        in_pool += group->pool == fit->pool ? group->replicas : 0.0;
        in_zone += group->zone == fit->zone && !group->is_on_demand ? group->replicas : 0.0;
    }
    if (actor->terms->pool_frac < 1.0)
        room = fmax(1.0, ceil(actor->terms->pool_frac * wanted->count)) - in_pool;
    if (actor->terms->zone_frac < 1.0)
        room = fmin(room, fmax(1.0, ceil(actor->terms->zone_frac * wanted->count)) - in_zone);
    return room;
}

/* Further nodes that n more replicas in a pool take. */
static double
more_nodes(const spotopt__holding *holding, const spotopt__fitting *fit, double n)
{
    for (size_t i = 0; i < holding->groups.count; i++) {
        const spotopt__group *group = &holding->groups.at[i];

        if (group->pool == fit->pool)
            return spotopt__nodes_for(group->replicas + n, fit->per_node) -
                   spotopt__nodes_for(group->replicas, fit->per_node);
    }
    return spotopt__nodes_for(n, fit->per_node);
}

/* The nodes of every allowed pool for n replicas; kept until n is another. */
static const double *
nodes_for_all(spotopt__holding *holding, const spotopt__wanted *wanted, double n)
{
    if (holding->nodes_count != n) {
        for (size_t i = 0; i < holding->allowed_count; i++)
            holding->nodes[i] = spotopt__nodes_for(n, wanted->fits[holding->allowed[i]].per_node);
        holding->nodes_count = n;
    }
    return holding->nodes;
}

/* The pool that n replicas cost least in, by value; *out_usd of them, per hour. NULL: none has a
 * node. */
static const spotopt__fitting *
best_pool(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding,
          const spotopt__wanted *wanted, int which, double n, double *out_usd)
{
    const bool is_shared = actor->terms->pool_frac < 1.0 || actor->terms->zone_frac < 1.0;
    const double *nodes = nodes_for_all(holding, wanted, n), *enter;
    const spotopt__fitting *best = NULL;
    double least = INFINITY;

    value_pools(run, actor);
    enter = actor->enter;
    for (size_t i = 0; i < holding->allowed_count; i++) {
        const spotopt__fitting *fit = &wanted->fits[holding->allowed[i]];
        double usd = enter[fit->pool] * nodes[i];

        if (!(usd < least) || (which == SPOT_ONLY && fit->is_on_demand) ||
            (which == ON_DEMAND_ONLY && !fit->is_on_demand))
            continue;
        if (is_shared && !(room_in(actor, holding, wanted, fit) >= 1.0))
            continue;
        least = usd;
        best = fit;
    }
    *out_usd = least;
    return best;
}

static double
held_on_demand(const spotopt__holding *holding)
{
    double held = 0.0;

    for (size_t i = 0; i < holding->groups.count; i++)
        held += holding->groups.at[i].is_on_demand ? holding->groups.at[i].replicas : 0.0;
    return held;
}

/* Replicas that must be on-demand. */
static double
need_on_demand(const spotopt__actor *actor, const spotopt__wanted *wanted)
{
    return ceil(actor->terms->on_demand_frac * wanted->count - 1e-9);
}

/* The spot pool of the zone whose turn it is: of those with least of the demand, the next in the
 * round. */
static const spotopt__fitting *
next_zone(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding,
          const spotopt__wanted *wanted, double *out_usd)
{
    const spotopt__fitting *best = NULL;
    double least_held = INFINITY, least_usd = INFINITY;
    uint32_t least_turn = 0;

    value_pools(run, actor);
    for (size_t i = 0; i < holding->allowed_count; i++) {
        const spotopt__fitting *fit = &wanted->fits[holding->allowed[i]];
        const double usd = actor->enter[fit->pool] * spotopt__nodes_for(1.0, fit->per_node) /
                           fmin(fit->per_node, wanted->count);
        const uint32_t turn = (fit->zone + run->zone_count - holding->turn) % run->zone_count;
        double held = 0.0;

        if (fit->is_on_demand || !(usd < INFINITY))
            continue;
        for (size_t g = 0; g < holding->groups.count; g++) {
            const spotopt__group *group = &holding->groups.at[g];

            held += group->zone == fit->zone && !group->is_on_demand ? group->replicas : 0.0;
        }
        if (held < least_held || (held == least_held &&
                                  (turn < least_turn || (turn == least_turn && usd < least_usd)))) {
            best = fit;
            least_held = held;
            least_turn = turn;
            least_usd = usd;
        }
    }
    *out_usd = least_usd;
    return best;
}

/* Where some of n waiting replicas go; *io_n is how many. NULL: nowhere. */
static const spotopt__fitting *
place_some(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding, size_t demand,
           double *io_n, bool *out_is_fallback)
{
    const spotopt__wanted *wanted = &run->wanted[demand];
    const int method = actor->tried->method;
    const double owed = need_on_demand(actor, wanted) - held_on_demand(holding);
    const spotopt__fitting *to = NULL;
    double usd;

    *out_is_fallback = false;
    if (method == SPOTOPT__BY_ORACLE) {
        uint32_t at = spotopt__oracle_at(run, demand, run->k);

        if (at != SPOTOPT__NONE && run->world.is_up[wanted->fits[at].pool])
            return &wanted->fits[at];
    }
    if (owed > 0.0 && method != SPOTOPT__BY_ORACLE) {
        double n = fmin(*io_n, owed);

        to = best_pool(run, actor, holding, wanted, ON_DEMAND_ONLY, n, &usd);
        if (to != NULL) {
            *io_n = n;
            return to;
        }
    }
    if (method == SPOTOPT__BY_ON_DEMAND)
        return best_pool(run, actor, holding, wanted, ON_DEMAND_ONLY, *io_n, &usd);
    if (method == SPOTOPT__BY_ZONES) {
        to = next_zone(run, actor, holding, wanted, &usd);
        if (to != NULL) {
            *io_n = fmin(*io_n, fmax(1.0, floor(*io_n / run->zone_count)));
            holding->turn = (to->zone + 1) % run->zone_count;
            return to;
        }
    } else {
        to = best_pool(run, actor, holding, wanted, ANY, *io_n, &usd);
    }
    if (to == NULL)
        to = best_pool(run, actor, holding, wanted, ON_DEMAND_ONLY, *io_n, &usd);
    if (to != NULL && to->is_on_demand) {
        double spot_usd;

        *out_is_fallback =
            best_pool(run, actor, holding, wanted, SPOT_ONLY, *io_n, &spot_usd) == NULL;
    }
    if (to != NULL)
        *io_n = fmin(*io_n, fmax(1.0, floor(room_in(actor, holding, wanted, to))));
    return to;
}

static bool
place(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding, size_t demand)
{
    while (holding->waiting > 0.0) {
        double n = holding->waiting;
        bool is_fallback;
        const spotopt__fitting *to = place_some(run, actor, holding, demand, &n, &is_fallback);

        if (to == NULL)
            return true; /* they wait on */
        /* At the very beginning the fleet runs already. */
        if (!spotopt__hold(holding, run->context, to, n, run->k == 0 ? 0.0 : n, run->now_s,
                           is_fallback))
            return false;
        holding->waiting -= n;
    }
    return true;
}

/* Off on-demand as soon as spot is worth more. */
static bool
go_back_to_spot(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding, size_t demand)
{
    const spotopt__wanted *wanted = &run->wanted[demand];
    double spare = held_on_demand(holding) - need_on_demand(actor, wanted);

    for (size_t g = 0; g < holding->groups.count && spare > 0.0; g++) {
        while (holding->groups.at[g].is_on_demand && spare > 0.0 &&
               holding->groups.at[g].replicas > 0.0) {
            const spotopt__group *group = &holding->groups.at[g];
            double n = fmin(spare, group->replicas), usd;
            const double now_usd = run->world.price[group->pool] *
                                   (spotopt__nodes_for(group->replicas, group->per_node) -
                                    spotopt__nodes_for(group->replicas - n, group->per_node));
            const spotopt__fitting *to;

            if (actor->tried->method == SPOTOPT__BY_ZONES) {
                to = next_zone(run, actor, holding, wanted, &usd);
                if (to != NULL) {
                    n = fmin(n, fmax(1.0, floor(n / run->zone_count)));
                    holding->turn = (to->zone + 1) % run->zone_count;
                }
            } else {
                to = best_pool(run, actor, holding, wanted, SPOT_ONLY, n, &usd);
                if (to != NULL && !(usd < now_usd))
                    to = NULL;
                if (to != NULL)
                    n = fmin(n, fmax(1.0, floor(room_in(actor, holding, wanted, to))));
            }
            if (to == NULL)
                return true;
            spotopt__leave(run, actor, holding, g, n);
            spare -= n;
            if (!spotopt__hold(holding, run->context, to, n, 0.0, run->now_s, false))
                return false;
        }
    }
    return true;
}

/* Whether n replicas of a group should move to where they cost to_usd an hour. */
static bool
is_worth_it(const spotopt__run *run, const spotopt__actor *actor, const spotopt__group *group,
            double n, double to_usd)
{
    const spotopt__terms *terms = actor->terms;
    const double nodes = spotopt__nodes_for(group->replicas, group->per_node) -
                         spotopt__nodes_for(group->replicas - n, group->per_node);
    const double now_usd = actor->value[group->pool] * nodes,
                 overlap = run->world.price[group->pool] * nodes * run->startup_s / SPOTOPT__HOUR_S;

    return (now_usd - to_usd) * terms->horizon_h >
           terms->move_usd * n + overlap + terms->min_saving_frac * now_usd * terms->horizon_h;
}

static bool
improve(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding, size_t demand)
{
    const spotopt__wanted *wanted = &run->wanted[demand];
    const spotopt__terms *terms = actor->terms;
    const size_t count = holding->groups.count; /* new groups are not looked at again */

    for (size_t g = 0; g < count; g++) {
        const spotopt__group *group = &holding->groups.at[g];
        const spotopt__fitting *to;
        double n = fmin(group->replicas, floor(terms->max_moves_per_h - actor->moved_sum + 1e-9)),
               usd;

        if (group->is_on_demand)
            n = fmin(n, held_on_demand(holding) - need_on_demand(actor, wanted));
        if (!(n >= 1.0) || (!group->is_fallback && run->now_s - group->since_s < terms->dwell_s))
            continue;
        to = best_pool(run, actor, holding, wanted, ANY, n, &usd);
        if (to == NULL || to->pool == group->pool)
            continue;
        n = fmin(n, floor(room_in(actor, holding, wanted, to)));
        if (!(n >= 1.0) ||
            !is_worth_it(run, actor, group, n, actor->enter[to->pool] * more_nodes(holding, to, n)))
            continue;
        spotopt__leave(run, actor, holding, g, n);
        if (!spotopt__hold(holding, run->context, to, n, 0.0, run->now_s, false))
            return false;
    }
    return true;
}

static bool
follow(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding, size_t demand)
{
    const spotopt__wanted *wanted = &run->wanted[demand];
    const uint32_t at = spotopt__oracle_at(run, demand, run->k);
    const size_t count = holding->groups.count;

    if (at == SPOTOPT__NONE || !run->world.is_up[wanted->fits[at].pool])
        return true;
    for (size_t g = 0; g < count; g++) {
        const double n = holding->groups.at[g].replicas;

        if (holding->groups.at[g].pool == wanted->fits[at].pool || !(n > 0.0))
            continue;
        spotopt__leave(run, actor, holding, g, n);
        if (!spotopt__hold(holding, run->context, &wanted->fits[at], n, 0.0, run->now_s, false))
            return false;
    }
    return true;
}

/* The dearest go first when less is wanted. */
static void
shrink(spotopt__run *run, spotopt__holding *holding, double surplus)
{
    double waiting = fmin(holding->waiting, surplus);

    holding->waiting -= waiting;
    surplus -= waiting;
    while (surplus > 0.0) {
        spotopt__group *dearest = NULL;
        double most = -1.0;

        for (size_t g = 0; g < holding->groups.count; g++) {
            spotopt__group *group = &holding->groups.at[g];
            double usd = run->world.price[group->pool] / group->per_node;

            if (group->replicas > 0.0 && usd > most) {
                most = usd;
                dearest = group;
            }
        }
        if (dearest == NULL)
            return;
        double gone = fmin(surplus, dearest->replicas);
        dearest->replicas -= gone;
        surplus -= gone;
    }
}

bool
spotopt__choose(spotopt__run *run, spotopt__actor *actor, size_t demand)
{
    const spotopt__wanted *wanted = &run->wanted[demand];
    spotopt__holding *holding = &actor->holdings[demand];
    bool is_fine = true;

    if (wanted->count < wanted->before)
        shrink(run, holding, wanted->before - wanted->count);
    else
        holding->waiting += wanted->count - wanted->before;
    drop_empty(holding);
    if (holding->waiting > 0.0)
        is_fine = place(run, actor, holding, demand);
    if (!is_fine || wanted->count == 0.0)
        return is_fine;
    switch (actor->tried->method) {
    case SPOTOPT__BY_ON_DEMAND:
        break;
    case SPOTOPT__BY_ORACLE:
        is_fine = follow(run, actor, holding, demand);
        break;
    case SPOTOPT__BY_HAZARD:
        is_fine = improve(run, actor, holding, demand);
        break;
    default:
        is_fine = go_back_to_spot(run, actor, holding, demand);
    }
    drop_empty(holding);
    return is_fine;
}
