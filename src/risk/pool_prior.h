/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_POOL_PRIOR_H
#define SPOTOPT_RISK_POOL_PRIOR_H
#include "risk/pooling.h"

/*
 * Chances of the advisor's buckets of every pool of a catalog, SPOTOPT__BUCKETS each: its own bucket, else what the other
 * pools tell of it (spotopt_advisor_predict()), else all 0 (on-demand, or too few known). NULL: out of memory.
 */
double *spotopt__bucket_shares(spotopt_context *context, const spotopt_catalog *catalog);
/* ln of the mean factor on the rate that buckets of these chances have; 0 where all chances are 0. */
double spotopt__shares_offset(const double shares[SPOTOPT__BUCKETS], const double offsets[SPOTOPT__BUCKETS]);

/* A mean rate, and the variance of what is not known of it over its square. */
typedef struct spotopt__sibling_mean {
    double mean, spread;
} spotopt__sibling_mean;

/* By series, by type in a region, and by family in a region, each shrunk towards the next; of pools never seen as well. */
typedef struct spotopt__sibling_means {
    uint32_t group_count, type_count, series_count;
    spotopt__sibling_mean *group, *type, *series; /* one block of memory, at group */
    double apart[3]; /* spread of a pool around its type's mean, its group's, overall's */
    double spread;   /* overall's */
} spotopt__sibling_means;

/*
 * Pools events and hours of series; group_of and type_of number what a series belongs to (SPOTOPT__NONE: left out, its
 * mean is overall's). False: out of memory.
 */
bool spotopt__sibling_means_fit(spotopt_context *context, const double *events, const double *hours,
                                const uint32_t *group_of, const uint32_t *type_of, size_t series_count,
                                uint32_t group_count, uint32_t type_count, double overall, double dispersion,
                                spotopt__sibling_means *out);
void spotopt__sibling_means_free(spotopt_context *context, spotopt__sibling_means *means);

#endif
