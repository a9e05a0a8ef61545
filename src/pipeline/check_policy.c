/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_policy.c - does the fleet keep what the operator wants?
 *
 * Every policy rule is measured on the fleet after the plan and on the one before; a plan that
 * changes nothing is held to nothing, and a share that running nodes broke already may not get
 * worse.
 */
#include "pipeline/check.h"

#define EPS 1e-9

/* Measures of a fleet, before or after. */
typedef struct fleet {
    const spotopt__check *check;
    bool before;
} fleet;

static bool
fleet_has(const fleet *f, uint32_t node)
{
    if (f->before)
        return node < f->check->scene->cluster->nodes.count;
    return f->check->nodes.at[node].action != SPOTOPT__DRAIN;
}

static const spotopt__pool *
pool_of(const fleet *f, uint32_t node)
{
    uint32_t pool = f->check->nodes.at[node].pool;

    return pool == SPOTOPT__NONE ? NULL : &f->check->scene->catalog->pools.at[pool];
}

static uint32_t
count_nodes(const fleet *f, int32_t purchase)
{
    uint32_t count = 0;

    for (uint32_t n = 0; n < f->check->nodes.count; n++) {
        const spotopt__pool *pool = pool_of(f, n);

        count += fleet_has(f, n) && pool != NULL && (purchase < 0 || pool->purchase == purchase);
    }
    return count;
}

/* The largest count of spot nodes that share one value of a key. */
static uint32_t
largest_share(const fleet *f, const char *key)
{
    uint32_t most = 0;
    size_t count = f->check->nodes.count;

    for (uint32_t n = 0; n < count; n++) {
        const spotopt__pool *pool = pool_of(f, n);
        uint32_t same = 0;
        const char *value;

        if (!fleet_has(f, n) || pool == NULL || pool->purchase != SPOTOPT__SPOT)
            continue;
        value = spotopt__diversify_value(f->check->scene, key, f->check->nodes.at[n].pool);
        if (value == NULL || value[0] == 0)
            continue;
        for (uint32_t m = 0; m < count; m++) {
            const spotopt__pool *other = pool_of(f, m);
            const char *its =
                other == NULL || other->purchase != SPOTOPT__SPOT || !fleet_has(f, m)
                    ? NULL
                    : spotopt__diversify_value(f->check->scene, key, f->check->nodes.at[m].pool);

            same += its != NULL && strcmp(its, value) == 0;
        }
        most = same > most ? same : most;
    }
    return most;
}

static double
quota_use(const fleet *f, const spotopt__quota *quota)
{
    double vcpu = 0.0;

    for (uint32_t n = 0; n < f->check->nodes.count; n++) {
        const spotopt__pool *pool = pool_of(f, n);

        if (fleet_has(f, n) && pool != NULL &&
            spotopt__quota_covers(quota, f->check->scene->catalog->types.at[pool->type].family,
                                  pool->purchase == SPOTOPT__SPOT ? "spot" : "on-demand"))
            vcpu += f->check->scene->pools[f->check->nodes.at[n].pool].vcpu;
    }
    return vcpu;
}

static double
mean_risk(const fleet *f)
{
    double sum = 0.0;
    uint32_t nodes = 0;

    for (uint32_t n = 0; n < f->check->nodes.count; n++) {
        if (fleet_has(f, n)) {
            sum += pool_of(f, n) == NULL
                       ? 0.0
                       : f->check->scene->pools[f->check->nodes.at[n].pool].p_horizon;
            nodes++;
        }
    }
    return nodes > 0 ? sum / nodes : 0.0;
}

static bool
changes_anything(const spotopt__check *check)
{
    if (check->nodes.count > check->scene->cluster->nodes.count)
        return true;
    for (size_t n = 0; n < check->nodes.count; n++) {
        if (check->nodes.at[n].action != SPOTOPT__KEEP)
            return true;
    }
    return false;
}

static void
check_launched_pools(spotopt__check *check)
{
    const spotopt__scene *scene = check->scene;

    for (size_t n = scene->cluster->nodes.count; n < check->nodes.count; n++) {
        uint32_t pool = check->nodes.at[n].pool, launched = 0;

        if (scene->pools[pool].stage >= 0)
            spotopt__fault(check, "node %.80s is of pool %.80s, which fell at %s: %s",
                           check->nodes.at[n].name, scene->catalog->pools.at[pool].id,
                           spotopt__stage_text(scene->pools[pool].stage),
                           spotopt__drop_text(scene->pools[pool].reason));
        if (scene->catalog->pools.at[pool].limit == UINT32_MAX)
            continue;
        for (size_t m = scene->cluster->nodes.count; m <= n; m++)
            launched += check->nodes.at[m].pool == pool;
        if (launched == scene->catalog->pools.at[pool].limit + 1)
            spotopt__fault(check, "pool %.80s: more nodes than its limit of %u",
                           scene->catalog->pools.at[pool].id, scene->catalog->pools.at[pool].limit);
    }
}

/* A node that an override or its own end takes away stays only while a pod keeps it. */
static void
check_forced_nodes(spotopt__check *check)
{
    const spotopt_cluster *cluster = check->scene->cluster;

    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        bool has_pod = false;

        if (!check->scene->nodes[n].must_go || check->scene->nodes[n].untouched != NULL ||
            check->nodes.at[n].action != SPOTOPT__KEEP)
            continue;
        for (size_t i = 0; i < cluster->pods.count && !has_pod; i++)
            has_pod = check->target[i] == n;
        if (!has_pod)
            spotopt__fault(check, "node %.80s has to go, and nothing keeps it",
                           check->nodes.at[n].name);
    }
}

spotopt_status
spotopt__check_policy(spotopt__check *check, spotopt_error *err)
{
    const spotopt_policy *policy = check->scene->policy;
    const fleet now = {check, false}, was = {check, true};
    uint32_t nodes, spot, base, wanted;

    (void)err;
    check_launched_pools(check);
    if (!changes_anything(check))
        return SPOTOPT_OK;
    check_forced_nodes(check);
    nodes = count_nodes(&now, -1);
    spot = count_nodes(&now, SPOTOPT__SPOT);
    base = policy->on_demand_base < nodes ? policy->on_demand_base : nodes;
    wanted = base + (uint32_t)ceil(policy->on_demand_frac * (nodes - base) - EPS);
    if (nodes - spot < wanted)
        spotopt__fault(check, "%u of %u nodes are on-demand; the policy wants %u", nodes - spot,
                       nodes, wanted);
    for (size_t i = 0; i < policy->diversify.count; i++) {
        const spotopt__diversify *by = &policy->diversify.at[i];
        uint32_t most = (uint32_t)fmax(1.0, ceil(by->max_frac * spot - EPS)),
                 has = largest_share(&now, by->key);

        if (has > most && has > largest_share(&was, by->key))
            spotopt__fault(check, "%u of %u spot nodes share one %.40s; the policy allows %u", has,
                           spot, by->key, most);
    }
    for (size_t i = 0; i < policy->quotas.count; i++) {
        double use = quota_use(&now, &policy->quotas.at[i]);

        if (use > policy->quotas.at[i].max_vcpu + EPS &&
            use > quota_use(&was, &policy->quotas.at[i]) + EPS)
            spotopt__fault(check, "quota %zu allows %lld vCPU; the fleet has %lld", i,
                           (long long)policy->quotas.at[i].max_vcpu, (long long)use);
    }
    if (policy->max_mean_probability >= 0.0 &&
        mean_risk(&now) > policy->max_mean_probability + 1e-6 &&
        mean_risk(&now) > mean_risk(&was) + EPS)
        spotopt__fault(check, "the fleet's mean risk is above max_mean_probability");
    return SPOTOPT_OK;
}
