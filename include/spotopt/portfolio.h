/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PORTFOLIO_H
#define SPOTOPT_PORTFOLIO_H
#include "spotopt/history.h"

/**
 * @file portfolio.h
 * @brief What a fleet may lose within a horizon, pools falling together.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A fleet, as columns with one entry a pool, and how its pools fall together. */
typedef struct spotopt_portfolio_params {
    size_t size;           /**< set by SPOTOPT_PORTFOLIO_PARAMS_INIT */
    size_t count;          /**< pools */
    const uint32_t *nodes; /**< of the fleet in each pool */
    const double *vcpus;   /**< of one node, >= 0 */
    const double *p_drop;  /**< that the pool loses any node within the horizon, 0..1 */
    const double *p_node;  /**< that a given node is lost within the horizon; what exceeds p_drop counts as p_drop */
    const uint32_t *region; /**< any number that tells regions apart; NULL: all pools are in one */
    double region_frac;    /**< share of a pool's hazard that it has in common with its region, 0..1 */
    double global_frac;    /**< share that all pools have in common; region_frac + global_frac <= 1 */
    double level;          /**< of quantile and CVaR, 0 < level < 1 */
    uint32_t at_least;     /**< nodes lost, of p_at_least, at most 32768; 0: 1 */
    uint32_t cells;        /**< of the loss distribution, rounded up to a power of two within 64..65536; 0: 1024 */
} spotopt_portfolio_params;

/** Defaults: shares from the correlation of public traces (0.44 inside a region, 0.14 across), CVaR at 0.95. */
#define SPOTOPT_PORTFOLIO_PARAMS_INIT                                                          \
    { sizeof(spotopt_portfolio_params), 0, NULL, NULL, NULL, NULL, NULL, 0.30, 0.14, 0.95, 1, 0 }

/** What may be lost within the horizon. */
typedef struct spotopt_portfolio_loss {
    size_t size;            /**< set by SPOTOPT_PORTFOLIO_LOSS_INIT */
    double mean_vcpus;      /**< exact */
    double variance_vcpus;  /**< exact */
    double mean_nodes;      /**< exact */
    double variance_nodes;  /**< exact */
    double p_at_least;      /**< P(nodes lost >= at_least), to 1e-9 */
    double quantile_vcpus;  /**< at the level, to one cell */
    double cvar_vcpus;      /**< mean of the worst 1 - level; never below the true one */
    double cvar_error_vcpus; /**< the true one is not lower by more; 0: exact */
    double cell_vcpus;      /**< width of a cell */
} spotopt_portfolio_loss;

/** The defaults of a struct, its size set: `= SPOTOPT_PORTFOLIO_LOSS_INIT`. */
#define SPOTOPT_PORTFOLIO_LOSS_INIT                                                            \
    { sizeof(spotopt_portfolio_loss), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 }

/**
 * Mean, variance, tail and CVaR of a fleet's losses under shocks to pools, regions and everything.
 *
 * A pool falls at a rate made of three: its own, its region's and the world's. A shock has a severity and fells
 * every pool in its reach that is as weak or weaker (Marshall and Olkin 1967); a fallen pool loses each node with
 * chance p_node / p_drop. The distribution of the sum is summed over all states of the shocks, in frequencies, without sampling
 * (docs/algorithms.md, "Portfolio"); where whole vCPUs do not fit into the cells, losses are spread over two cells of the same
 * mean, so that CVaR can only be overstated.
 *
 * @param out           its size field is set by the caller
 * @param out_mean      per pool its mean loss in vCPUs, or NULL
 * @param out_variance  per pool its part of the variance (its covariance with the total), or NULL
 * @param out_cvar      per pool its part of CVaR (its mean loss where the total is in the tail), or NULL; parts add up to the
 *                      totals: Euler's allocation, what a little more of the pool would add
 * @retval SPOTOPT_E_ARGUMENT  a column is missing or a value is off; the message names it
 *
 * O(cells * count * regions).
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_portfolio_assess(spotopt_context *context, const spotopt_portfolio_params *params,
                         spotopt_portfolio_loss *out, double *out_mean, double *out_variance, double *out_cvar,
                         spotopt_error *err);

/**
 * How much of a pool's hazard is shared, from a history: pools that fall in the same hours.
 *
 * From ln P(neither falls) - ln P(one does not) - ln P(the other does not) of pairs of pools, windows of horizon_h
 * hours, drawn towards the given shares as though 20 falls spoke for them: few data leave them nearly as they are.
 *
 * @param from_s, to_s  the part of the history that is looked at
 * @param horizon_h     length of a window, hours > 0
 * @param region_frac   in: what is believed; out: what is learned
 * @param global_frac   the same
 * @retval SPOTOPT_E_ARGUMENT  a time, horizon_h or a share is off; the shares are as they were
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_portfolio_learn_shocks(const spotopt_history *history, double from_s, double to_s, double horizon_h,
                               double *region_frac, double *global_frac, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_PORTFOLIO_H */
