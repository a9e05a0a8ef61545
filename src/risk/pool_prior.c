/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool_prior.c - a pool's prior from its siblings, and from a vendor's class that may be unknown.
 *
 * Rates of a history's series are pooled over four levels, all, family in a region, type in that
 * region, series (pooling.c); a pool without a series takes the closest level that has one. A class
 * that the catalog does not tell is taken as chances of each (advisor.c), and the factor on the
 * rate is then the mean over them.
 */
#include "risk/pool_prior.h"

#include "spotopt/advisor.h"

#define ROOT_PULL                                                                                  \
    20.0 /* that speak for the overall mean, which was fitted to these series already */

double *
spotopt__bucket_shares(spotopt_context *context, const spotopt_catalog *catalog)
{
    size_t count = catalog->pools.count, n = 0;
    double *shares = spotopt__alloc_array(context, SPOTOPT__BUCKETS * count + 1, sizeof *shares),
           *chances = NULL;
    const char **types = NULL, **regions = NULL;
    int32_t *buckets = NULL;
    uint32_t *pool_of = NULL, known = 0;
    bool is_fine = shares != NULL;

    for (size_t i = 0; is_fine && i < count; i++) {
        const spotopt__pool *pool = &catalog->pools.at[i];
        int32_t bucket = pool->purchase == SPOTOPT__SPOT ? pool->advisor_bucket : -1;
        bool is_known = bucket >= 0 && bucket < SPOTOPT__BUCKETS;

        n += pool->purchase == SPOTOPT__SPOT;
        known += is_known;
        if (is_known)
            shares[SPOTOPT__BUCKETS * i + bucket] = 1.0;
    }
    if (!is_fine || known == n || known < 30)
        return shares;
    types = spotopt__alloc_array(context, n, sizeof *types);
    regions = spotopt__alloc_array(context, n, sizeof *regions);
    buckets = spotopt__alloc_array(context, 2 * n, sizeof *buckets);
    pool_of = spotopt__alloc_array(context, n, sizeof *pool_of);
    chances = spotopt__alloc_array(context, SPOTOPT__BUCKETS * n, sizeof *chances);
    is_fine =
        types != NULL && regions != NULL && buckets != NULL && pool_of != NULL && chances != NULL;
    n = 0;
    for (size_t i = 0; is_fine && i < count; i++) {
        const spotopt__pool *pool = &catalog->pools.at[i];

        if (pool->purchase != SPOTOPT__SPOT)
            continue;
        types[n] = catalog->types.at[pool->type].name;
        regions[n] = pool->region;
        buckets[n] = pool->advisor_bucket < SPOTOPT__BUCKETS && pool->advisor_bucket >= 0
                         ? pool->advisor_bucket
                         : -1;
        pool_of[n++] = (uint32_t)i;
    }
    is_fine = is_fine && spotopt_advisor_predict(context, types, regions, buckets, n, buckets + n,
                                                 chances, NULL) == SPOTOPT_OK;
    for (size_t k = 0; is_fine && k < n; k++)
        if (buckets[k] < 0)
            memcpy(shares + SPOTOPT__BUCKETS * pool_of[k], chances + SPOTOPT__BUCKETS * k,
                   SPOTOPT__BUCKETS * sizeof *shares);
    spotopt__free(context, types);
    spotopt__free(context, regions);
    spotopt__free(context, buckets);
    spotopt__free(context, pool_of);
    spotopt__free(context, chances);
    if (!is_fine)
        spotopt__free(context, shares);
    return is_fine ? shares : NULL;
}

double
spotopt__shares_offset(const double shares[SPOTOPT__BUCKETS],
                       const double offsets[SPOTOPT__BUCKETS])
{
    double sum = 0.0, factor = 0.0;

    for (int b = 0; b < SPOTOPT__BUCKETS; b++) {
        sum += shares[b];
        factor += shares[b] * exp(offsets[b]);
    }
    return sum > 0.0 ? log(factor / sum) : 0.0;
}

bool
spotopt__sibling_means_fit(spotopt_context *context, const double *events, const double *hours,
                           const uint32_t *group_of, const uint32_t *type_of, size_t series_count,
                           uint32_t group_count, uint32_t type_count, double overall,
                           double dispersion, spotopt__sibling_means *out)
{
    size_t count = 1 + (size_t)group_count + type_count + series_count, made = 0;
    spotopt__pooled *nodes = spotopt__alloc_array(context, count, sizeof *nodes);
    spotopt__sibling_mean *means = spotopt__alloc_array(context, count, sizeof *means);
    double c[SPOTOPT__POOLED_DEPTHS], spread = 0.0;
    bool is_fine = nodes != NULL && means != NULL;
    uint32_t first_type = 1 + group_count, first_series = first_type + type_count;

    if (is_fine) {
        nodes[0].parent = SPOTOPT__NONE;
        for (uint32_t g = 0; g < group_count; g++)
            nodes[1 + g] = (spotopt__pooled){.parent = 0, .depth = 1};
        for (uint32_t t = 0; t < type_count; t++) /* until a series says whose */
            nodes[first_type + t] = (spotopt__pooled){.parent = 0, .depth = 2};
        for (size_t i = 0; i < series_count; i++) {
            bool is_in = group_of[i] != SPOTOPT__NONE;
            if (is_in)
                nodes[first_type + type_of[i]].parent = 1 + group_of[i];
            nodes[first_series + i] =
                (spotopt__pooled){.parent = is_in ? first_type + type_of[i] : 0,
                                  .depth = 3,
                                  .events = is_in ? events[i] : 0.0,
                                  .hours = is_in ? hours[i] : 0.0};
        }
        is_fine = spotopt__pool_rates(context, nodes, count, overall, ROOT_PULL, dispersion, c);
        for (; is_fine && made < count - 1; made++)
            means[made] = (spotopt__sibling_mean){nodes[made + 1].mean, nodes[made + 1].spread};
        spread = nodes[0].spread;
    }
    spotopt__free(context, nodes);
    if (!is_fine) {
        spotopt__free(context, means);
        return false;
    }
    *out = (spotopt__sibling_means){
        .group_count = group_count,
        .type_count = type_count,
        .series_count = (uint32_t)series_count,
        .group = means,
        .type = means + group_count,
        .series = means + group_count + type_count,
        .apart = {1.0 / c[3], 1.0 / c[2] + 1.0 / c[3], 1.0 / c[1] + 1.0 / c[2] + 1.0 / c[3]},
        .spread = spread};
    return true;
}

void
spotopt__sibling_means_free(spotopt_context *context, spotopt__sibling_means *means)
{
    spotopt__free(context, means->group);
    *means = (spotopt__sibling_means){0};
}
