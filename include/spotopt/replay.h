/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_REPLAY_H
#define SPOTOPT_REPLAY_H
#include <math.h>

#include "spotopt/catalog.h"
#include "spotopt/history.h"
#include "spotopt/model.h"
#include "spotopt/options.h"
#include "spotopt/policy.h"

/**
 * @file replay.h
 * @brief Yesterday again under other policies: what each would have paid, lost and moved.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Prices of pools over time. Threads: read by any number. @since 0.1 */
typedef struct spotopt_price_history spotopt_price_history;

/**
 * Read a Prices table: CSV `pool,time_s,usd_per_hour`, times ascending within a pool, a row at each change.
 * @param name  of the document, for messages
 * @param out   free with spotopt_price_history_free()
 * @retval SPOTOPT_E_INPUT  the table is bad; the message names the line
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_price_history_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                            spotopt_price_history **out, spotopt_error *err);
/** Give back prices, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_price_history_free(spotopt_price_history *prices);
/** The number of rows. @since 0.1 */
SPOTOPT_API size_t spotopt_price_history_count(const spotopt_price_history *prices);

/** Equal replicas wanted over time, by demand. Threads: read by any number. @since 0.1 */
typedef struct spotopt_demand_history spotopt_demand_history;

/**
 * Read a Demand table: CSV `time_s,demand,count,cpu_milli,memory_mib[,gpu]`, times ascending within a demand, a row at each
 * change of its count. What one replica asks for is the same in all rows of a demand, and may be left out after the first.
 * @param name  of the document, for messages
 * @param out   free with spotopt_demand_history_free()
 * @retval SPOTOPT_E_INPUT  the table is bad; the message names the line
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_demand_history_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                             spotopt_demand_history **out, spotopt_error *err);
/** Give back demands, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_demand_history_free(spotopt_demand_history *demands);
/** The number of demands (not of rows). @since 0.1 */
SPOTOPT_API size_t spotopt_demand_history_count(const spotopt_demand_history *demands);

/**
 * Policies to be tried on one past, and, once it was run, what became of each. Threads: one at a time; read by any number
 * after spotopt_replay_run(). @since 0.1
 */
typedef struct spotopt_replay spotopt_replay;

/** A replay without policies. @param out  free with spotopt_replay_free() @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_replay_new(spotopt_context *context, spotopt_replay **out, spotopt_error *err);
/** Give back a replay, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_replay_free(spotopt_replay *replay);

/** The name of a method, by index from 0; NULL past the last. In the order of docs/guide.md. @since 0.1 */
SPOTOPT_API const char *spotopt_replay_method(size_t index);
/** What a method does, in one line; NULL past the last. @since 0.1 */
SPOTOPT_API const char *spotopt_replay_method_help(size_t index);

/**
 * Add a policy: a way to decide, and the document whose fields it follows (interruption.cost_usd and max_probability,
 * change.*, allow.*, diversify, spot.enabled and on_demand_frac; docs/formats.md, "Replay").
 *
 * @param name      in results, unique; copied
 * @param method    as spotopt_replay_method() names it, such as "hazard"; NULL: "hazard"
 * @param document  copied; NULL: the terms of the run
 * @retval SPOTOPT_E_ARGUMENT  no such method, the name is taken or empty, or there are 32 already
 * @retval SPOTOPT_E_STATE     the replay was run
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_replay_add(spotopt_replay *replay, const char *name, const char *method, const spotopt_policy *document,
                   spotopt_error *err);

/** What is replayed. All borrowed for the call. Times are seconds of the history's epoch. */
typedef struct spotopt_replay_params {
    size_t size;                           /**< set by SPOTOPT_REPLAY_PARAMS_INIT */
    const spotopt_catalog *catalog;        /**< the pools; a pool without rows in `prices` keeps this price */
    const spotopt_demand_history *demands; /**< what has to run */
    const spotopt_history *history;        /**< decides what can be launched and what is lost; NULL: all, and nothing */
    const spotopt_price_history *prices;   /**< or NULL: the catalog's all the time */
    const spotopt_model *model;            /**< for method "hazard"; NULL: decayed evidence (layer 2) */
    const spotopt_policy *terms;           /**< what losses cost all alike, and policies without a document; NULL: defaults */
    double from_s;                         /**< NaN: the first demand */
    double to_s;                           /**< not in it; NaN: where the history ends, else the prices, else the demands */
    double step_s;                         /**< between decisions, >= 1: 900 */
    double startup_s;                      /**< from launch to service, 0..step_s: 120 */
    uint32_t points;                       /**< of the series over time, 2..100000: 240 */
    uint32_t draws;                        /**< of the bootstrap of days, 0..100000: 2000 */
    uint64_t seed;                         /**< of those draws: 1 */
} spotopt_replay_params;

/** The defaults of a struct, its size set: `= SPOTOPT_REPLAY_PARAMS_INIT`. NaN stands for "not given". */
#define SPOTOPT_REPLAY_PARAMS_INIT                                                                 \
    { sizeof(spotopt_replay_params), NULL, NULL, NULL, NULL, NULL, NULL, NAN, NAN, 900.0, 120.0, 240, 2000, 1 }

/**
 * Run all policies over the same past. At each step a policy decides with what was known then: prices, capacity and
 * demand up to that moment. What follows decides what is lost. Only the oracle looks ahead: it shows what could have been had
 * (docs/algorithms.md, "Replay").
 *
 * @param options  progress and cancel count; or NULL
 * @retval SPOTOPT_E_ARGUMENT   a parameter is off; the message names it
 * @retval SPOTOPT_E_INPUT      a demand fits no pool, the window is empty, or the model learned from what it is to forecast
 * @retval SPOTOPT_E_STATE      there is no policy, or it was run already
 * @retval SPOTOPT_E_CANCELLED  the progress callback asked to stop
 *
 * Time: steps x pools x (demands x policies that look at all pools). @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_replay_run(spotopt_replay *replay, const spotopt_replay_params *params, const spotopt_options *options,
                   spotopt_error *err);

/** What became of a policy, all demands together. USD, and hours. */
typedef struct spotopt_replay_outcome {
    size_t size;                /**< set by SPOTOPT_REPLAY_OUTCOME_INIT */
    const char *name;           /**< the replay's */
    const char *method;         /**< static */
    double cost_usd;            /**< paid for nodes */
    double on_demand_usd;       /**< ODE: the same demand on the cheapest on-demand nodes; NaN: there are none */
    double losses_usd;          /**< interruptions, moves and replicas that found no node, priced by the terms */
    double objective_usd;       /**< cost_usd + losses_usd */
    double bound_usd;           /**< of method "oracle": no policy has a lower objective; else NaN */
    double gross_saving_frac;   /**< 1 - cost_usd / on_demand_usd */
    double net_saving_frac;     /**< 1 - (cost_usd + losses_usd) / on_demand_usd */
    double interruptions;       /**< nodes that were taken back */
    double lost_replica_hours;  /**< wanted and not running */
    double replica_hours;       /**< wanted */
    double moves;               /**< replicas moved of own will */
    double under_target_hours;  /**< demand-hours in which some replica was missing */
    double demand_hours;        /**< demand-hours with a count above 0 */
    double on_demand_frac;      /**< share of node-hours on on-demand nodes; NaN without node-hours */
} spotopt_replay_outcome;

/** The defaults of a struct, its size set: `= SPOTOPT_REPLAY_OUTCOME_INIT`. */
#define SPOTOPT_REPLAY_OUTCOME_INIT { .size = sizeof(spotopt_replay_outcome) }

/** The number of policies. @since 0.1 */
SPOTOPT_API size_t spotopt_replay_count(const spotopt_replay *replay);
/**
 * What became of a policy.
 * @param policy  below spotopt_replay_count(), in the order they were added
 * @param out     its size field is set by the caller
 * @retval SPOTOPT_E_ARGUMENT  policy is off
 * @retval SPOTOPT_E_STATE     the replay was not run
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_replay_outcome_at(const spotopt_replay *replay, size_t policy, spotopt_replay_outcome *out, spotopt_error *err);

/** What two policies are compared in. */
enum {
    SPOTOPT_REPLAY_OBJECTIVE = 0,
    SPOTOPT_REPLAY_COST = 1,
    SPOTOPT_REPLAY_INTERRUPTIONS = 2,
    SPOTOPT_REPLAY_LOST_HOURS = 3
};

/** Two policies on the same days. Differences are policy minus other, over the whole window. */
typedef struct spotopt_replay_comparison {
    size_t size;        /**< set by SPOTOPT_REPLAY_COMPARISON_INIT */
    double difference;  /**< in the measure's unit */
    double low;         /**< 95 % interval: whole days drawn with replacement; NaN under two days */
    double high;        /**< its upper end */
    double better_frac; /**< share of draws in which the policy had less; NaN under two days */
    uint64_t days;      /**< of 86,400 s of the epoch, parts of days included */
} spotopt_replay_comparison;

/** The defaults of a struct, its size set: `= SPOTOPT_REPLAY_COMPARISON_INIT`. */
#define SPOTOPT_REPLAY_COMPARISON_INIT { .size = sizeof(spotopt_replay_comparison) }

/**
 * Compare two policies day by day (block bootstrap, Künsch 1989, with days as blocks).
 * @param measure  SPOTOPT_REPLAY_OBJECTIVE, ...
 * @param out      its size field is set by the caller
 * @retval SPOTOPT_E_ARGUMENT  policy, other or measure is off
 * @retval SPOTOPT_E_STATE     the replay was not run
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_replay_compare(const spotopt_replay *replay, size_t policy, size_t other, int32_t measure,
                       spotopt_replay_comparison *out, spotopt_error *err);

/**
 * Write the Replay document: outcomes, by demand too, comparisons of every pair, and series over time. Give back with
 * spotopt_text_free().
 * @retval SPOTOPT_E_STATE  the replay was not run
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_replay_write(const spotopt_replay *replay, char **out_text, size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_REPLAY_H */
