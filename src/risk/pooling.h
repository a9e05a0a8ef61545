/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_POOLING_H
#define SPOTOPT_RISK_POOLING_H
#include "risk/risk.h"

/* A rate that differs from its parent's: all, a family in a region, a type in that region, a pool. */
typedef struct spotopt__pooled {
    uint32_t parent; /* a smaller index; SPOTOPT__NONE: the root, which is node 0 */
    uint32_t depth;  /* 0 for the root, else the parent's + 1 */
    double events, hours; /* its own, not those of its children; sums of all below it afterwards */
    double mean;          /* result, per hour */
    double spread;        /* result: variance of what is not known of the mean, over its square */
} spotopt__pooled;

#define SPOTOPT__POOLED_DEPTHS 8
/*
 * Sets every mean, by credibility between a node's own data and its parent's mean, events and hours divided by `dispersion`
 * (>= 1: events of a day come together). The root is drawn towards root_mean as though root_pull well-known children had it.
 * Shapes of the gamma rates around parents are fitted, see spotopt__alpha_fit(), into concentration[depth].
 * False: out of memory.
 */
bool spotopt__pool_rates(spotopt_context *context, spotopt__pooled *nodes, size_t count, double root_mean, double root_pull,
                         double dispersion, double concentration[SPOTOPT__POOLED_DEPTHS]);
/* Variance over mean of a day's events, >= 1, of cells under a prior. */
double spotopt__dispersion(const spotopt__cell *cells, size_t count, const spotopt__prior *prior);

#define SPOTOPT__BUCKETS 5
/*
 * What ln rate an advisor bucket adds, never falling with the bucket: the believed ratio of rates to the power `trust`
 * (spotopt__bucket_trust()), corrected by what pools of the bucket lost, as far as that weighs; 0 stands for a pool of
 * which no bucket is known.
 */
void spotopt__bucket_offsets(const double events[SPOTOPT__BUCKETS], const double hours[SPOTOPT__BUCKETS], double dispersion,
                             double trust, double out[SPOTOPT__BUCKETS]);

#endif
