/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_LIFETIME_H
#define SPOTOPT_LIFETIME_H
#include "spotopt/context.h"

/**
 * @file lifetime.h
 * @brief How the chance of being reclaimed changes with a node's age.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A hazard by age, fitted to single nodes. Threads: read by any number. @since 0.1 */
typedef struct spotopt_lifetime spotopt_lifetime;

/** Nodes that were watched, as columns with one entry a node. */
typedef struct spotopt_lifetime_params {
    size_t size;               /**< set by SPOTOPT_LIFETIME_PARAMS_INIT */
    size_t count;              /**< nodes */
    const double *age_h;       /**< age in hours when it was last seen, >= 0 */
    const uint32_t *reclaimed; /**< 1: it was reclaimed then; 0: nobody knows when it would have been (stopped, still there) */
    const double *start_age_h; /**< age in hours from which on it was watched, 0..age_h; NULL: all from birth */
    const uint32_t *group;     /**< any number that tells kinds of nodes apart (machine type, pool), each with a level of its own; NULL: one kind */
    const uint32_t *block;     /**< any number that nodes share which may be reclaimed together (a pool's day), so that
                                    intervals count them once; NULL: each for itself */
} spotopt_lifetime_params;

/** The defaults of a struct, its size set: `= SPOTOPT_LIFETIME_PARAMS_INIT`. */
#define SPOTOPT_LIFETIME_PARAMS_INIT { sizeof(spotopt_lifetime_params), 0, NULL, NULL, NULL, NULL, NULL }

/**
 * Fit a hazard by age: a life table of events and exposure over ages spaced by their logarithm, smoothed towards a Weibull
 * law, the smoothness weighed by its evidence; groups are shrunk towards the common level. What is right-censored counts as
 * exposure, never as an event; what is watched late counts from then on (docs/algorithms.md, "Lifetime").
 *
 * @param out  free with spotopt_lifetime_free(); holds nothing of the columns
 * @retval SPOTOPT_E_ARGUMENT  a column is missing or a value is off; the message names it
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_lifetime_fit(spotopt_context *context, const spotopt_lifetime_params *params, spotopt_lifetime **out,
                     spotopt_error *err);
/** Give back a fit, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_lifetime_free(spotopt_lifetime *lifetime);

/**
 * The chance that nodes of stated ages are reclaimed within the next horizon_h hours.
 *
 * @param age_h     of each node now, >= 0
 * @param group     of each node, as in the fit; one that the fit has not seen gets the common level; NULL: all do
 * @param count     of age_h, group and each of the outputs
 * @param horizon_h hours, > 0
 * @param out_p     chances
 * @param out_low   2.5 % quantiles, or NULL
 * @param out_high  97.5 % quantiles, or NULL
 * @retval SPOTOPT_E_ARGUMENT  an age or horizon_h is off; outputs may be partly written
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_lifetime_columns(const spotopt_lifetime *lifetime, const double *age_h, const uint32_t *group, size_t count,
                         double horizon_h, double *out_p, double *out_low, double *out_high, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_LIFETIME_H */
