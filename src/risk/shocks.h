/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_SHOCKS_H
#define SPOTOPT_RISK_SHOCKS_H
#include "base/base.h"

/* A pool as shocks see it. On a grid of losses a lost node takes `cell` cells, or one more with chance `more`. */
typedef struct spotopt__shocked {
    double hazard; /* summed over the horizon: -ln(1 - p_drop) */
    double share;  /* chance of a node of a fallen pool to be lost */
    double more;
    uint32_t nodes, cell, region; /* regions 0 .. region_count - 1 */
} spotopt__shocked;

typedef struct spotopt__shocks {
    const spotopt__shocked *pools; /* hazards never rise */
    uint32_t count, region_count;
    double region_frac, global_frac;
} spotopt__shocks;

/*
 * P(loss is j cells), j < cells (a power of two), in `out`; losses of cells and more must be next to
 * impossible, or `radius` < 1 damps them (P(j + cells) * radius^cells is the error). False: out of memory.
 */
bool spotopt__shocks_distribution(spotopt_context *context, const spotopt__shocks *shocks, uint32_t cells, double radius,
                                  double *out);
/* Per pool the sum over j of tail[j] * E[its own cells lost; loss is j], in `out`. False: out of memory. */
bool spotopt__shocks_parts(spotopt_context *context, const spotopt__shocks *shocks, uint32_t cells, const double *tail,
                           double *out);

#endif
