/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RANK_H
#define SPOTOPT_RANK_H
#include <math.h>

#include "spotopt/catalog.h"
#include "spotopt/history.h"
#include "spotopt/model.h"
#include "spotopt/options.h"
#include "spotopt/policy.h"
#include "spotopt/risk.h"

/**
 * @file rank.h
 * @brief Which pools are best for a request, and why: cost, stability, performance, capacity.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Pools in order with scores that add up, and every pool that dropped out with its reason. @since 0.1 */
typedef struct spotopt_ranking spotopt_ranking;

/** What is ranked for what. */
typedef struct spotopt_rank_params {
    size_t size;                    /**< set by SPOTOPT_RANK_PARAMS_INIT */
    const spotopt_catalog *catalog; /**< needed */
    const spotopt_history *history; /**< or NULL */
    const spotopt_metrics *metrics; /**< or NULL */
    const spotopt_policy *policy;   /**< or NULL: the defaults */
    const char *request;            /**< "cpu=4,memory=16Gi": what one replica asks for, Kubernetes quantities */
    double now_s;                   /**< seconds since 1970 UTC, or of the history's epoch */
    uint32_t count;                 /**< replicas, >= 1 */
    uint32_t top;                   /**< rows wanted; 0: all */
    const spotopt_model *model;     /**< or NULL: risk from layers 1 and 2 alone */
    const char *current;            /**< id of the pool that the replicas run in now, or NULL: nothing runs yet */
    double current_since_s;         /**< when they moved there, as now_s; -INFINITY: long ago */
    uint32_t recent_moves;          /**< replicas moved within the last hour; they count against the budget */
    uint32_t is_noticed;            /**< 1: the current pool is about to be taken away; dwell and budget do not hold */
} spotopt_rank_params;

/** The defaults of a struct, its size set: `= SPOTOPT_RANK_PARAMS_INIT`. */
#define SPOTOPT_RANK_PARAMS_INIT \
    { sizeof(spotopt_rank_params), NULL, NULL, NULL, NULL, NULL, 0.0, 1, 0, NULL, NULL, -INFINITY, 0, 0 }

/**
 * Rank every pool of a catalog for a request.
 * @param params  borrowed for the call
 * @param out     free with spotopt_ranking_free()
 * @retval SPOTOPT_E_ARGUMENT  the request cannot be read, or asks for nothing; or current is not in the catalog
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_rank(spotopt_context *context, const spotopt_rank_params *params, const spotopt_options *options,
             spotopt_ranking **out, spotopt_error *err);
/** Give back a ranking, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_ranking_free(spotopt_ranking *ranking);
/** The number of pools that were ranked (before `top`). @since 0.1 */
SPOTOPT_API size_t spotopt_ranking_count(const spotopt_ranking *ranking);
/** Catalog index and score (0..100) of the pool at a place, best first. @retval SPOTOPT_E_ARGUMENT place is off @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_ranking_at(const spotopt_ranking *ranking, size_t place, uint32_t *out_pool, double *out_score,
                   spotopt_error *err);
/** Why replicas that run already stay or move. */
enum {
    SPOTOPT_SWITCH_NONE = 0,      /**< no current pool was given */
    SPOTOPT_SWITCH_IS_FIRST = 1,  /**< stay: no other pool is better */
    SPOTOPT_SWITCH_NO_OTHER = 2,  /**< stay: no other pool came through the funnel */
    SPOTOPT_SWITCH_SAVING = 3,    /**< stay: the lead does not pay for the move, or is within what is not known of the risks */
    SPOTOPT_SWITCH_SHARE = 4,     /**< stay: the lead is below min_saving_frac of the price */
    SPOTOPT_SWITCH_DWELL = 5,     /**< stay: not yet min_dwell_minutes there */
    SPOTOPT_SWITCH_BUDGET = 6,    /**< stay: max_moves_per_hour is used up */
    SPOTOPT_SWITCH_WORTH = 20,    /**< move: it pays */
    SPOTOPT_SWITCH_NOTICE = 21,   /**< move: the current pool is about to be taken away */
    SPOTOPT_SWITCH_DROPPED = 22   /**< move: the current pool did not come through the funnel */
};

/**
 * Whether replicas that run already should move to the best pool. The lead in money is the price cut with which the
 * current pool would score as the best one does (docs/algorithms.md, "Rank"); moving pays when, over the policy's
 * change.horizon_hours, it exceeds change.move_usd and change.standard_errors of what is not known of the two risks.
 */
typedef struct spotopt_switch {
    size_t size;                 /**< set by SPOTOPT_SWITCH_INIT */
    int32_t why;                 /**< SPOTOPT_SWITCH_...; at 20 and above it says move */
    uint32_t to_pool;            /**< catalog index of the pool to move to, or that it was held against; UINT32_MAX: none */
    uint32_t replicas;           /**< to move now, at most what the budget leaves; 0: stay */
    uint32_t reserved;           /**< 0 */
    double lead_usd_per_h;       /**< of one replica; NaN where the current pool has no score */
    double saving_usd;           /**< lead over the horizon, of one replica */
    double switching_usd;        /**< of one replica */
    double standard_error_usd;   /**< of saving_usd */
    double net_usd;              /**< saving less switching cost and the standard errors asked for */
} spotopt_switch;

/** The defaults of a struct, its size set: `= SPOTOPT_SWITCH_INIT`. */
#define SPOTOPT_SWITCH_INIT { sizeof(spotopt_switch), 0, UINT32_MAX, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0 }

/** Stay or move, where params.current was given; else why is SPOTOPT_SWITCH_NONE. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_ranking_switch(const spotopt_ranking *ranking, spotopt_switch *out, spotopt_error *err);
/** Write the Ranking document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_ranking_write(const spotopt_ranking *ranking, char **out_text, size_t *out_length, spotopt_error *err);

/** How factors make a score. A policy knows more of them; these two are sums that columns can be ranked by. */
enum {
    SPOTOPT_SCORE_GEOMETRIC = 0, /**< 100 times the product of u^w */
    SPOTOPT_SCORE_ARITHMETIC = 1 /**< 100 times the sum of w u */
};
/** The most places that spotopt_rank_top() finds. */
#define SPOTOPT_RANK_TOP_MAX 1000

/**
 * Score many pools under many profiles in one pass.
 *
 * @param factors     4 columns of `pools` doubles, one after another: cost, stability, performance, capacity, each in
 *                    0.01..1, larger for better
 * @param weights     `profiles` rows of 4, in the same order, each >= 0
 * @param score       SPOTOPT_SCORE_GEOMETRIC or SPOTOPT_SCORE_ARITHMETIC
 * @param out_scores  `profiles` columns of `pools` doubles: ln(S / 100) of the geometric score, which has its order; S / 100
 *                    of the arithmetic one
 * @retval SPOTOPT_E_ARGUMENT  a factor or weight is off; the message names it. Nothing is written then.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_rank_scores(const double *factors, size_t pools, const double *weights, size_t profiles, int32_t score,
                    double *out_scores, spotopt_error *err);

/**
 * The best pools under one profile, and why. Equal scores go by index.
 *
 * @param factors            as spotopt_rank_scores() takes them
 * @param weights            4 of them
 * @param top                places wanted, 1..SPOTOPT_RANK_TOP_MAX and at most `pools`
 * @param reference          the pool that contributions are counted from
 * @param out_pools          `top` indices, best first
 * @param out_scores         `top` scores, as spotopt_rank_scores() gives them; or NULL
 * @param out_contributions  `top` rows of 4, which add up to the score less the reference's; or NULL
 * @retval SPOTOPT_E_ARGUMENT  an argument is off; the message names it. Nothing is written then.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_rank_top(const double *factors, size_t pools, const double *weights, int32_t score, size_t top,
                 size_t reference, uint32_t *out_pools, double *out_scores, double *out_contributions,
                 spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_RANK_H */
