/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PLAN_H
#define SPOTOPT_PLAN_H
#include "spotopt/catalog.h"
#include "spotopt/cluster.h"
#include "spotopt/history.h"
#include "spotopt/model.h"
#include "spotopt/options.h"
#include "spotopt/policy.h"

/**
 * @file plan.h
 * @brief One decision, from inputs to actions: a fleet, who runs where, how to get there, cost and proof.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A plan. Holds what it needs of its inputs. Threads: read by any number. @since 0.1 */
typedef struct spotopt_plan spotopt_plan;

/** What a plan is made from, or judged against; all borrowed for the call. */
typedef struct spotopt_plan_params {
    size_t size;                    /**< set by SPOTOPT_PLAN_PARAMS_INIT */
    const spotopt_cluster *cluster; /**< needed */
    const spotopt_catalog *catalog; /**< needed */
    const spotopt_policy *policy;   /**< or NULL: the defaults */
    const spotopt_history *history; /**< or NULL */
    const spotopt_metrics *metrics; /**< or NULL */
    double now_s;                   /**< seconds since 1970 UTC, or of the history's epoch */
    const spotopt_model *model;     /**< or NULL: risk from layers 1 and 2 alone */
} spotopt_plan_params;

/** The defaults of a struct, its size set: `= SPOTOPT_PLAN_PARAMS_INIT`. */
#define SPOTOPT_PLAN_PARAMS_INIT { sizeof(spotopt_plan_params), NULL, NULL, NULL, NULL, NULL, 0.0, NULL }

/** What a plan comes to; USD are per hour. NaN where a number does not exist. */
typedef struct spotopt_plan_summary {
    size_t size;               /**< set by SPOTOPT_PLAN_SUMMARY_INIT */
    double before_usd_per_hour; /**< of the nodes there are, at the catalog's prices */
    double after_usd_per_hour;  /**< of the nodes planned */
    double on_demand_usd_per_hour; /**< ODE: of an on-demand-only fleet for the same pods */
    double gross_saving_frac;  /**< 1 - after / ODE */
    double gap;                /**< proven relative distance of the objective to its bound */
    uint32_t before_nodes;     /**< nodes there are */
    uint32_t after_nodes;      /**< nodes planned, kept ones included */
    uint32_t moves;            /**< pods that change their node */
    uint32_t pods_unplaced;    /**< pods that no node takes; each is named with its reason */
} spotopt_plan_summary;

/** The defaults of a struct, its size set: `= SPOTOPT_PLAN_SUMMARY_INIT`. */
#define SPOTOPT_PLAN_SUMMARY_INIT { sizeof(spotopt_plan_summary), 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0 }

/**
 * Decide: forecast, screen, rank, pack, order the moves.
 * @param options  or NULL; without a `work` of the caller's, a budget that grows with the pods is taken
 * @param out  free with spotopt_plan_free(); also given when some pods stay unplaced
 * @retval SPOTOPT_E_ARGUMENT  an input is missing
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_plan_make(spotopt_context *context, const spotopt_plan_params *params, const spotopt_options *options,
                  spotopt_plan **out, spotopt_error *err);
/** Give back a plan, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_plan_free(spotopt_plan *plan);
/** What the plan comes to. @param out its size field is set by the caller @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_plan_summarize(const spotopt_plan *plan, spotopt_plan_summary *out, spotopt_error *err);
/** Write the Plan document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_plan_write(const spotopt_plan *plan, char **out_text, size_t *out_length, spotopt_error *err);

/**
 * Judge a Plan document from the inputs alone, with code that shares nothing with the solver: capacity, placement
 * rules, budgets after every step, costs, counts, the funnel.
 *
 * @param params      the inputs that the plan was made from
 * @param text        the Plan document
 * @param name        of the document, for messages
 * @param out_faults  the number of faults found; 0: the plan holds
 * @param out_report  a line a fault, zero-ended; give back with spotopt_text_free()
 * @retval SPOTOPT_E_INPUT     the document is no Plan; the message names the place
 * @retval SPOTOPT_E_MISMATCH  the plan was made from other inputs
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_plan_check(spotopt_context *context, const spotopt_plan_params *params, const char *text, size_t length,
                   const char *name, size_t *out_faults, char **out_report, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_PLAN_H */
