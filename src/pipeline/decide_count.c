/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide_count.c - what a decision comes to: money, moves, and the policy's shares.
 *
 * Shares are counted here as the policy says them, over spot nodes alone; the packing vocabulary
 * counts over all nodes, so a question may have to be put again with other numbers. Staying put is
 * a decision like any other, and is counted likewise.
 */
#include "pipeline/decide.h"

#define EPS 1e-9

/* Nodes that stay whatever is decided cost what they cost. */
double
spotopt__standing_cost(const spotopt__scene *scene)
{
    double sum = 0.0;

    for (size_t n = 0; n < scene->cluster->nodes.count; n++) {
        if (scene->nodes[n].untouched != NULL)
            sum += scene->nodes[n].cost;
    }
    return sum;
}

void
spotopt__decision_count(const spotopt__scene *scene, spotopt__decision *d)
{
    const spotopt_cluster *cluster = scene->cluster;
    uint32_t paid_moves = 0;

    d->usd_per_h = d->objective = 0.0;
    d->moves = 0;
    for (size_t n = 0; n < cluster->nodes.count; n++) {
        if (d->keeps[n] && scene->nodes[n].usd_per_h >= 0.0) {
            d->usd_per_h += scene->nodes[n].usd_per_h;
            d->objective += scene->nodes[n].cost;
        }
    }
    for (size_t i = 0; i < d->launches.count; i++) {
        d->usd_per_h += d->launches.at[i].usd_per_h;
        d->objective += d->launches.at[i].cost;
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        uint32_t from = cluster->pods.at[i].node;

        if (d->target[i] == SPOTOPT__NONE || from == SPOTOPT__NONE || d->target[i] == from)
            continue;
        d->moves++;
        paid_moves += !scene->nodes[from].must_go || d->keeps[from];
    }
    d->objective += paid_moves * scene->policy->move_usd / scene->policy->change_horizon_h;
}

/* A share of the policy, counted as it says: spot nodes alone, kept ones included; one node breaks
 * nothing. */
static bool
keeps_share(const spotopt__scene *scene, const spotopt__decision *d, const spotopt__diversify *by,
            uint32_t spot)
{
    uint32_t most = (uint32_t)fmax(1.0, ceil(by->max_frac * spot - EPS));
    uint32_t *count =
        spotopt__alloc_array(d->context, scene->catalog->pools.count + 1, sizeof *count);
    spotopt__map values;
    bool ok = count != NULL;

    spotopt__map_init(&values, d->context);
    for (size_t i = 0; i < scene->cluster->nodes.count + d->launches.count && ok; i++) {
        bool is_new = i >= scene->cluster->nodes.count;
        uint32_t pool =
            is_new ? d->launches.at[i - scene->cluster->nodes.count].pool : scene->nodes[i].pool;
        const char *value;
        uint32_t at = 0;

        if ((!is_new && !d->keeps[i]) || pool == SPOTOPT__NONE ||
            scene->catalog->pools.at[pool].purchase != SPOTOPT__SPOT)
            continue;
        value = spotopt__diversify_value(scene, by->key, pool);
        if (value == NULL || value[0] == 0)
            continue;
        ok = spotopt__map_put(&values, value, (uint32_t)values.count, &at) && ++count[at] <= most;
    }
    spotopt__map_free(&values);
    spotopt__free(d->context, count);
    return ok;
}

static bool
keeps_shares(const spotopt__scene *scene, const spotopt__decision *d, uint32_t spot)
{
    for (size_t i = 0; i < scene->policy->diversify.count; i++) {
        if (!keeps_share(scene, d, &scene->policy->diversify.at[i], spot))
            return false;
    }
    return true;
}

/* What the packing vocabulary counts over all nodes and the policy over spot nodes: true when both
 * agree. */
bool
spotopt__decision_meets(const spotopt__scene *scene, const spotopt__decision *d, spotopt__ask *ask)
{
    const spotopt_policy *policy = scene->policy;
    uint32_t nodes = 0, spot = 0, all = (uint32_t)d->launches.count;

    for (size_t n = 0; n < scene->cluster->nodes.count; n++) {
        all += d->keeps[n];
        if (d->keeps[n] && scene->nodes[n].pool != SPOTOPT__NONE) {
            nodes++;
            spot += scene->catalog->pools.at[scene->nodes[n].pool].purchase == SPOTOPT__SPOT;
        }
    }
    for (size_t i = 0; i < d->launches.count; i++) {
        nodes++;
        spot += scene->catalog->pools.at[d->launches.at[i].pool].purchase == SPOTOPT__SPOT;
    }
    uint32_t base = policy->on_demand_base < nodes ? policy->on_demand_base : nodes;
    uint32_t wanted = base + (uint32_t)ceil(policy->on_demand_frac * (nodes - base) - EPS);
    bool ok = true;
    if (nodes - spot < wanted && wanted > ask->on_demand_min) {
        ask->on_demand_min = wanted;
        ok = false;
    }
    if (policy->diversify.count > 0 && spot > 0 && spot < all) {
        double scale = (double)spot / all;

        if (!keeps_shares(scene, d, spot)) {
            /* A little below, since fewer spot nodes make the share of all nodes smaller still. */
            ask->diversify_scale = 0.8 * fmin(scale, ask->diversify_scale);
            ok = false;
        }
    }
    return ok;
}

void
spotopt__decision_stay(const spotopt__scene *scene, spotopt__decision *d)
{
    d->launches.count = 0;
    d->unplaced.count = d->hopeless;
    for (size_t n = 0; n < scene->cluster->nodes.count; n++)
        d->keeps[n] = 1;
    for (size_t i = 0; i < scene->cluster->pods.count; i++) {
        const spotopt__pod *pod = &scene->cluster->pods.at[i];

        d->target[i] = spotopt__pod_counts(pod) ? pod->node : SPOTOPT__NONE;
    }
    d->stays_put = true;
    spotopt__decision_count(scene, d);
}

double
spotopt__keep_cost(const spotopt__scene *scene)
{
    double sum = 0.0;

    for (size_t n = 0; n < scene->cluster->nodes.count; n++)
        sum += scene->nodes[n].cost;
    return sum;
}
