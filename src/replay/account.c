/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.c - what a step costs a holding, and what it takes.
 *
 * Nodes are paid by the second at the price of the step's beginning, until they are taken back. A
 * fall from a to b takes the same share of what is held, to whole nodes: of m nodes max(1, m b / a
 * rounded) stay while any was seen to stay. Replicas of a lost node are missing until a later step
 * finds them another and that is in service; a replica that moves is served by its old node until
 * then.
 */
#include "replay/replay.h"

void
spotopt__tally_add(spotopt__tally *to, const spotopt__tally *more)
{
    to->cost_usd += more->cost_usd;
    to->on_demand_usd += more->on_demand_usd;
    to->losses_usd += more->losses_usd;
    to->interruptions += more->interruptions;
    to->moves += more->moves;
    to->lost_h += more->lost_h;
    to->replica_h += more->replica_h;
    to->under_h += more->under_h;
    to->demand_h += more->demand_h;
    to->node_h += more->node_h;
    to->on_demand_node_h += more->on_demand_node_h;
}

const spotopt__fall *
spotopt__falls_of(const spotopt__world *world, uint32_t pool, size_t *out_count)
{
    size_t low = 0, high = world->falls.count, end;

    *out_count = 0;
    if (high == 0)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (world->falls.at[middle].pool < pool)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < world->falls.count && world->falls.at[end].pool == pool;)
        end++;
    *out_count = end - low;
    return world->falls.at + low;
}

double
spotopt__left_of(double nodes, const spotopt__fall *fall)
{
    double left;

    if (!(fall->after > 0.0) || nodes == 0.0)
        return 0.0;
    left = floor(nodes * fall->after / fall->before + 0.5);
    return left < 1.0 ? 1.0 : left > nodes ? nodes : left;
}

/* A stretch of time [from_s, to_s) in which nothing changes for a group. */
static void
pass(const spotopt__run *run, const spotopt__group *group, double nodes, double from_s, double to_s,
     spotopt__tally *step)
{
    const double hours = (to_s - from_s) / SPOTOPT__HOUR_S * nodes,
                 until_s = fmin(to_s, run->now_s + run->startup_s);

    step->cost_usd += hours * run->world.price[group->pool];
    step->node_h += hours;
    step->on_demand_node_h += group->is_on_demand ? hours : 0.0;
    if (until_s > from_s)
        step->lost_h += fmin(group->cold, group->replicas) * (until_s - from_s) / SPOTOPT__HOUR_S;
}

/* Returns how many replicas of the group were lost; *io_first_s: the earliest loss. */
static double
account_group(const spotopt__run *run, spotopt__group *group, spotopt__tally *step,
              double *io_first_s)
{
    double from_s = run->now_s, nodes = spotopt__nodes_for(group->replicas, group->per_node),
           lost = 0.0;
    size_t count;
    const spotopt__fall *falls = spotopt__falls_of(&run->world, group->pool, &count);

    for (size_t i = 0; i < count && nodes > 0.0; i++) {
        const double left = spotopt__left_of(nodes, &falls[i]);

        if (left == nodes)
            continue;
        const double stay = floor(group->replicas * left / nodes), gone = group->replicas - stay;

        pass(run, group, nodes, from_s, falls[i].at_s, step);
        step->interruptions += nodes - left;
        step->lost_h += gone * (run->next_s - falls[i].at_s) / SPOTOPT__HOUR_S;
        lost += gone;
        *io_first_s = fmin(*io_first_s, falls[i].at_s);
        from_s = falls[i].at_s;
        group->replicas = stay;
        nodes = spotopt__nodes_for(stay, group->per_node);
    }
    if (nodes > 0.0)
        pass(run, group, nodes, from_s, run->next_s, step);
    return lost;
}

double
spotopt__missing_usd(const spotopt__run *run, const spotopt__wanted *wanted, double replicas)
{
    const double length_h = (run->next_s - run->now_s) / SPOTOPT__HOUR_S;

    return replicas * (2.0 * wanted->replica_usd_per_h * length_h + run->replay->terms.move_usd);
}

void
spotopt__account(spotopt__run *run, spotopt__actor *actor, size_t demand)
{
    const spotopt__wanted *wanted = &run->wanted[demand];
    const spotopt__terms *judge = &run->replay->terms;
    spotopt__holding *holding = &actor->holdings[demand];
    spotopt__tally *step = &holding->step;
    const double length_h = (run->next_s - run->now_s) / SPOTOPT__HOUR_S;
    double cold = 0.0, lost = 0.0, first_s = run->next_s, missing = holding->waiting;
    size_t kept = 0;

    for (size_t g = 0; g < holding->groups.count; g++) {
        spotopt__group *group = &holding->groups.at[g];

        cold += group->cold;
        lost += account_group(run, group, step, &first_s);
        group->cold = 0.0;
        if (group->replicas > 0.0)
            holding->groups.at[kept++] = *group;
    }
    holding->groups.count = kept;
    step->lost_h += missing * length_h;
    if (missing > 0.0) {
        step->under_h += length_h;
    } else {
        const double ready_s =
            cold > 0.0 ? fmin(run->now_s + run->startup_s, run->next_s) : run->now_s;

        step->under_h +=
            (ready_s - run->now_s + run->next_s - fmax(first_s, ready_s)) / SPOTOPT__HOUR_S;
    }
    step->demand_h += wanted->count > 0.0 ? length_h : 0.0;
    step->replica_h += wanted->count * length_h;
    step->on_demand_usd += wanted->on_demand_usd_per_h * length_h;
    step->losses_usd += judge->interruption_usd * step->interruptions +
                        judge->move_usd * step->moves + spotopt__missing_usd(run, wanted, missing);
    holding->waiting += lost;
}
