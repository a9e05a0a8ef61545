/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_LIFE_TABLE_H
#define SPOTOPT_RISK_LIFE_TABLE_H
#include <stdbool.h>

/* Ages are cut at edges; the first bin begins at 0, the last never ends. */
#define SPOTOPT__AGES 20
/* Degrees of smoothness that are weighed against each other. */
#define SPOTOPT__SMOOTHS 9

/* ln hazard per hour by bin under one smoothness, with the covariance of its error. */
typedef struct spotopt__shape {
    double weight; /* evidence; all weights sum to 1 */
    double log_hazard[SPOTOPT__AGES];
    double covariance[SPOTOPT__AGES][SPOTOPT__AGES];
} spotopt__shape;

/* Fits a shape for every smoothness to events and exposure (hours) by bin. */
void spotopt__shapes_fit(const double *events, const double *hours, spotopt__shape shapes[SPOTOPT__SMOOTHS]);
/*
 * Widens a shape's covariance for events that come in blocks: meat is the sum over blocks of the outer product of a block's
 * events less what the shape expects of it, and takes the place of what independent events would have.
 */
void spotopt__shape_widen(int smooth, double meat[SPOTOPT__AGES][SPOTOPT__AGES], spotopt__shape *shape);

#endif
