/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terms.c - what replay takes from a policy document.
 *
 * Copied, so that documents may go before results do. Left aside is what asks for a cluster:
 * weights and service levels, quotas, commitments, overrides, headroom, on_demand_base, and shares
 * by keys other than pool and zone.
 */
#include "replay/replay.h"

static bool
copy_texts(spotopt__arena *arena, const char *const *from, size_t count, const char ***out,
           size_t *out_count)
{
    const char **copy = spotopt__arena_alloc(arena, count + 1, sizeof *copy);

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = spotopt__arena_text(arena, from[i], strlen(from[i]));
        if (copy[i] == NULL)
            return false;
    }
    *out = copy;
    *out_count = count;
    return true;
}

bool
spotopt__terms_copy(spotopt__terms *out, spotopt__arena *arena, const spotopt_policy *policy)
{
    *out = (spotopt__terms){
        .interruption_usd = policy->interruption_usd,
        .move_usd = policy->move_usd,
        .max_probability = policy->max_probability,
        .probability_h = policy->horizon_h,
        .min_saving_frac = policy->min_saving_frac,
        .dwell_s = policy->min_dwell_min * 60.0,
        .max_moves_per_h = policy->max_moves_per_h,
        .horizon_h = policy->change_horizon_h,
        .on_demand_frac = policy->on_demand_frac,
        .max_usd_per_h = policy->max_usd_per_h,
        .pool_frac = 1.0,
        .zone_frac = 1.0,
        .spot_enabled = policy->spot_enabled,
    };
    for (size_t i = 0; i < policy->diversify.count; i++) {
        const spotopt__diversify *d = &policy->diversify.at[i];

        if (strcmp(d->key, "pool") == 0)
            out->pool_frac = fmin(out->pool_frac, d->max_frac);
        else if (strcmp(d->key, "zone") == 0)
            out->zone_frac = fmin(out->zone_frac, d->max_frac);
        else
            spotopt__log(policy->context, SPOTOPT_LOG_WARNING,
                         "replay: diversify by %.60s is not acted on; pool and zone are", d->key);
    }
    return copy_texts(arena, policy->arch.at, policy->arch.count, &out->arch, &out->arch_count) &&
           copy_texts(arena, policy->families.at, policy->families.count, &out->families,
                      &out->family_count) &&
           copy_texts(arena, policy->exclude.at, policy->exclude.count, &out->exclude,
                      &out->exclude_count);
}

static bool
has_text(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0)
            return true;
    }
    return count == 0;
}

bool
spotopt__terms_allow(const spotopt__terms *terms, const spotopt_catalog *catalog,
                     const spotopt__pool *pool)
{
    const spotopt__type *type = &catalog->types.at[pool->type];

    if (pool->purchase == SPOTOPT__SPOT && !terms->spot_enabled)
        return false;
    if (!has_text(terms->arch, terms->arch_count, type->arch) ||
        !has_text(terms->families, terms->family_count, type->family))
        return false;
    for (size_t i = 0; i < terms->exclude_count; i++) {
        if (spotopt__glob(terms->exclude[i], type->name))
            return false;
    }
    return true;
}
