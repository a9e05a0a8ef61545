/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_H
#define SPOTOPT_PACK_H
#include <math.h>

#include "spotopt/options.h"

/**
 * @file pack.h
 * @brief Demands on pools and running nodes at least cost, with a proven bound.
 *
 * Fill a problem (or parse one), solve it, read the packing. All terms of the objective have the
 * unit of the pools' cost. Numbers are finite, >= 0 and at most 1e15.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** No upper limit on a count. */
#define SPOTOPT_NO_LIMIT UINT32_MAX
/** In a row: a new node, not a running one. */
#define SPOTOPT_NO_NODE UINT32_MAX

/** What a solve found. */
enum {
    SPOTOPT_OUTCOME_OPTIMAL = 1,  /**< proved: no packing is cheaper */
    SPOTOPT_OUTCOME_FEASIBLE = 2, /**< an answer; its gap is stated */
    SPOTOPT_OUTCOME_INFEASIBLE =
        3, /**< proved that not all can be placed; rows hold a partial packing */
    SPOTOPT_OUTCOME_STOPPED =
        4 /**< cancelled, or no full answer yet; rows hold a partial packing */
};

/** Kinds of rules; docs/formats.md says what each means. */
enum {
    SPOTOPT_RULE_AT_MOST = 1,
    SPOTOPT_RULE_SEPARATE = 2,
    SPOTOPT_RULE_TOGETHER = 3,
    SPOTOPT_RULE_NEAR = 4,
    SPOTOPT_RULE_SPREAD = 5,
    SPOTOPT_RULE_SHARE = 6,
    SPOTOPT_RULE_LIMIT = 7,
    SPOTOPT_RULE_MEAN = 8
};

/** What to pack. Threads: one writer; sealed by its first solve, then any number of readers. @since
 * 0.1 */
typedef struct spotopt_problem spotopt_problem;

/** An answer. Immutable; any number of readers. It holds what it needs of its problem. @since 0.1
 */
typedef struct spotopt_packing spotopt_packing;

/** A pool that new nodes can be bought from. */
typedef struct spotopt_pool_spec {
    size_t size;            /**< set by SPOTOPT_POOL_SPEC_INIT */
    const char *id;         /**< unique, not empty; copied */
    const double *capacity; /**< usable per node, one number a resource; copied */
    double cost;            /**< per node */
    uint32_t min;           /**< new nodes at least */
    uint32_t max;           /**< new nodes at most; SPOTOPT_NO_LIMIT for no limit */
    uint32_t rank;          /**< breaks ties in cost: lower is preferred */
    uint32_t reserved;      /**< 0 */
} spotopt_pool_spec;
/** The defaults of a struct, its size set: `= SPOTOPT_POOL_SPEC_INIT`. */
#define SPOTOPT_POOL_SPEC_INIT                                                                     \
    {                                                                                              \
        sizeof(spotopt_pool_spec), NULL, NULL, 0.0, 0, SPOTOPT_NO_LIMIT, 0, 0                      \
    }

/** Identical replicas, counted once. */
typedef struct spotopt_demand_spec {
    size_t size;           /**< set by SPOTOPT_DEMAND_SPEC_INIT */
    const char *id;        /**< unique, not empty; copied */
    const double *request; /**< per replica, one number a resource; copied */
    uint32_t count;        /**< replicas wanted; 0 is allowed */
    uint32_t reserved;     /**< 0 */
    const uint32_t *pools; /**< the pools it may use, by index; NULL for all; copied */
    size_t pool_count;     /**< length of pools, >= 1 unless pools is NULL */
    double move_cost;      /**< per resident replica that leaves its node */
    double unplaced_cost;  /**< per replica left out; NaN: it must be placed */
} spotopt_demand_spec;
/** The defaults of a struct, its size set: `= SPOTOPT_DEMAND_SPEC_INIT`. */
#define SPOTOPT_DEMAND_SPEC_INIT                                                                   \
    {                                                                                              \
        sizeof(spotopt_demand_spec), NULL, NULL, 0, 0, NULL, 0, 0.0, NAN                           \
    }

/** A node that runs already: kept at its cost, or emptied and dropped for nothing. */
typedef struct spotopt_node_spec {
    size_t size;            /**< set by SPOTOPT_NODE_SPEC_INIT */
    const char *id;         /**< unique, not empty; copied */
    uint32_t pool;          /**< its pool's index */
    uint32_t reserved;      /**< 0 */
    const double *capacity; /**< NULL: its pool's; copied */
    double cost;            /**< NaN: its pool's */
} spotopt_node_spec;
/** The defaults of a struct, its size set: `= SPOTOPT_NODE_SPEC_INIT`. */
#define SPOTOPT_NODE_SPEC_INIT                                                                     \
    {                                                                                              \
        sizeof(spotopt_node_spec), NULL, 0, 0, NULL, NAN                                           \
    }

/** One rule. Which fields count depends on its kind; all others keep their INIT values. */
typedef struct spotopt_rule_spec {
    size_t size;             /**< set by SPOTOPT_RULE_SPEC_INIT */
    int32_t kind;            /**< SPOTOPT_RULE_... */
    uint32_t count;          /**< at_most: replicas a domain; SPOTOPT_NO_LIMIT: frac counts */
    double frac;             /**< at_most: share of the demands' replicas, rounded down; NaN */
    const char *per;         /**< "node", "pool" or a label key (placement rules) */
    const uint32_t *demands; /**< demand indices (placement rules); copied */
    size_t demand_count;     /**< length of demands */
    const uint32_t *others;  /**< separate: from; near: to; spread: for (NULL: demands); copied */
    size_t other_count;      /**< length of others */
    double penalty;          /**< per replica in excess; NaN: the rule is hard */
    uint32_t max_skew;       /**< spread, >= 1 */
    uint32_t min_domains;    /**< spread; 0: none */
    const char *key;   /**< share, limit: a label key or "pool"; NULL in a limit over all nodes */
    const char *value; /**< share: NULL for each value; limit: with key */
    const char *of;    /**< "nodes" (NULL too), "cost", or for limit and mean a resource */
    double min;        /**< limit, mean; NaN: none */
    double max;        /**< limit, mean; NaN: none */
    double min_frac;   /**< share; NaN: none */
    double max_frac;   /**< share; NaN: none */
    const uint32_t *pools; /**< mean: pools with a value; the rest have 0; copied */
    const double *values;  /**< mean: their values, any sign; copied */
    size_t pool_count;     /**< mean: length of pools and values */
} spotopt_rule_spec;
/** The defaults of a struct, its size set: `= SPOTOPT_RULE_SPEC_INIT`. */
#define SPOTOPT_RULE_SPEC_INIT                                                                     \
    {                                                                                              \
        sizeof(spotopt_rule_spec), 0, SPOTOPT_NO_LIMIT, NAN, NULL, NULL, 0, NULL, 0, NAN, 1, 0,    \
            NULL, NULL, NULL, NAN, NAN, NAN, NAN, NULL, NULL, 0                                    \
    }

/**
 * Make an empty problem.
 *
 * @param context         or NULL; held
 * @param resource_names  unique names, not empty, neither "nodes" nor "cost"; copied
 * @param resource_count  1 .. 64
 * @param out             to be given back with spotopt_problem_free()
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_problem_new(spotopt_context *context,
                                                                 const char *const *resource_names,
                                                                 size_t resource_count,
                                                                 spotopt_problem **out,
                                                                 spotopt_error *err);

/** Give back a problem, or NULL. Its packings stay valid. @since 0.1 */
SPOTOPT_API void spotopt_problem_free(spotopt_problem *problem);

/**
 * Read a PackingProblem document (JSON).
 *
 * @param text    length bytes, UTF-8; not kept
 * @param name    the document's, for messages
 * @retval SPOTOPT_E_INPUT  the document is bad; the message names the place and what was wanted
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_problem_parse(spotopt_context *context,
                                                                   const char *text, size_t length,
                                                                   const char *name,
                                                                   spotopt_problem **out,
                                                                   spotopt_error *err);

/** Add a pool; *out_index (or NULL) counts from 0. On failure the problem is as it was. @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_problem_add_pool(spotopt_problem *problem,
                                                                      const spotopt_pool_spec *spec,
                                                                      uint32_t *out_index,
                                                                      spotopt_error *err);

/** Give a pool a label; key is not "pool" (reserved), and new to this pool. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_problem_set_pool_label(spotopt_problem *problem, uint32_t pool, const char *key,
                               const char *value, spotopt_error *err);

/** Add a demand after all pools that it names. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_problem_add_demand(spotopt_problem *problem, const spotopt_demand_spec *spec,
                           uint32_t *out_index, spotopt_error *err);

/** Add a running node. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_problem_add_node(spotopt_problem *problem,
                                                                      const spotopt_node_spec *spec,
                                                                      uint32_t *out_index,
                                                                      spotopt_error *err);

/**
 * Say how many replicas of a demand a node runs, and how many of them must stay there. Once for
 * each pair of node and demand.
 *
 * @param holds  replicas there now, >= 1
 * @param fixed  0 .. holds
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_problem_set_resident(spotopt_problem *problem, uint32_t node, uint32_t demand,
                             uint32_t holds, uint32_t fixed, spotopt_error *err);

/** Add a rule. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_problem_add_rule(spotopt_problem *problem,
                                                                      const spotopt_rule_spec *spec,
                                                                      spotopt_error *err);

/** Numbers of things in a problem. @since 0.1 */
SPOTOPT_API uint32_t spotopt_problem_resource_count(const spotopt_problem *problem);
SPOTOPT_API uint32_t spotopt_problem_pool_count(const spotopt_problem *problem); /**< @since 0.1 */
SPOTOPT_API uint32_t
spotopt_problem_demand_count(const spotopt_problem *problem);                    /**< @since 0.1 */
SPOTOPT_API uint32_t spotopt_problem_node_count(const spotopt_problem *problem); /**< @since 0.1 */
SPOTOPT_API uint32_t spotopt_problem_rule_count(const spotopt_problem *problem); /**< @since 0.1 */

/** Ids by index, or NULL where the index is off. They belong to the problem. @since 0.1 */
SPOTOPT_API const char *spotopt_problem_pool_id(const spotopt_problem *problem, uint32_t pool);
SPOTOPT_API const char *spotopt_problem_demand_id(const spotopt_problem *problem,
                                                  uint32_t demand); /**< @since 0.1 */
SPOTOPT_API const char *spotopt_problem_node_id(const spotopt_problem *problem,
                                                uint32_t node); /**< @since 0.1 */

/**
 * Pack. A long call: deadline_s, work, gap_rel and the progress callback of the options count.
 *
 * @param problem  sealed by this call
 * @param options  or NULL for the defaults
 * @param out      the answer, also when it is partial: see spotopt_packing_outcome(); to be given
 * back with spotopt_packing_free()
 * @retval SPOTOPT_OK       there is an answer (of whatever outcome)
 * @retval SPOTOPT_E_NOMEM  the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_problem_solve(spotopt_problem *problem,
                                                                   const spotopt_options *options,
                                                                   spotopt_packing **out,
                                                                   spotopt_error *err);

/**
 * Pack again, beginning with the answer to a similar problem: a pool was withdrawn, nodes were
 * lost, counts or prices changed. Pools, demands and running nodes are matched by id. What can
 * still be had of the last answer's nodes is kept, what lost its place is placed anew, and a short
 * search around follows: milliseconds where a solve takes seconds, at a gap that is stated. Where
 * that leaves something out or a rule broken, the problem is solved as spotopt_problem_solve()
 * does.
 *
 * @param problem   sealed by this call
 * @param options   or NULL for the defaults
 * @param previous  of this or another problem, whatever its outcome; NULL: none. Borrowed
 * @param out       as of spotopt_problem_solve()
 * @retval SPOTOPT_OK       there is an answer (of whatever outcome)
 * @retval SPOTOPT_E_NOMEM  the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_problem_solve_from(
    spotopt_problem *problem, const spotopt_options *options, const spotopt_packing *previous,
    spotopt_packing **out, spotopt_error *err);

/**
 * Read a PackingResult document (JSON), to begin another solve with or to look at its rows. It is
 * taken at its word: costs, bound and outcome are what the document says. Pools, demands and
 * running nodes that the problem does not have are left out.
 *
 * @param problem  whose ids the document uses; sealed by this call, and held
 * @param text     length bytes, UTF-8; not kept
 * @param name     the document's, for messages
 * @param out      to be given back with spotopt_packing_free()
 * @retval SPOTOPT_E_INPUT  the document is bad; the message names the place and what was wanted
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_packing_parse(spotopt_problem *problem,
                                                                   const char *text, size_t length,
                                                                   const char *name,
                                                                   spotopt_packing **out,
                                                                   spotopt_error *err);

/** Give back a packing, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_packing_free(spotopt_packing *packing);

/** SPOTOPT_OUTCOME_... @since 0.1 */
SPOTOPT_API int32_t spotopt_packing_outcome(const spotopt_packing *packing);
/** The objective of the rows; NaN when not everything that must be placed is. @since 0.1 */
SPOTOPT_API double spotopt_packing_cost(const spotopt_packing *packing);
/** No packing costs less than this; NaN when infeasible. @since 0.1 */
SPOTOPT_API double spotopt_packing_bound(const spotopt_packing *packing);
/** (cost - bound) / max(cost, 1e-9); NaN without a cost. @since 0.1 */
SPOTOPT_API double spotopt_packing_gap(const spotopt_packing *packing);

/** Equal nodes of the answer. */
typedef struct spotopt_packing_row {
    size_t size;              /**< set by SPOTOPT_PACKING_ROW_INIT */
    uint32_t pool;            /**< index of the pool */
    uint32_t node;            /**< the running node, or SPOTOPT_NO_NODE */
    uint32_t count;           /**< so many such nodes; 1 for a running one */
    uint32_t hold_count;      /**< length of demands and replicas */
    const uint32_t *demands;  /**< ascending; belongs to the packing */
    const uint32_t *replicas; /**< of each demand on each of the nodes; belongs to the packing */
} spotopt_packing_row;
/** The defaults of a struct, its size set: `= SPOTOPT_PACKING_ROW_INIT`. */
#define SPOTOPT_PACKING_ROW_INIT                                                                   \
    {                                                                                              \
        sizeof(spotopt_packing_row), 0, 0, 0, 0, NULL, NULL                                        \
    }

/** Number of rows; running nodes that are not among them are dropped. @since 0.1 */
SPOTOPT_API size_t spotopt_packing_row_count(const spotopt_packing *packing);
/** Read a row. @retval SPOTOPT_E_ARGUMENT  index is off @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_packing_row_at(const spotopt_packing *packing,
                                                                    size_t index,
                                                                    spotopt_packing_row *out,
                                                                    spotopt_error *err);

/** Replicas of a demand that are not placed; 0 where the index is off. @since 0.1 */
SPOTOPT_API uint32_t spotopt_packing_unplaced(const spotopt_packing *packing, uint32_t demand);

/** Reasons for what is not placed. @since 0.1 */
SPOTOPT_API size_t spotopt_packing_why_count(const spotopt_packing *packing);
/** The reason's text, or NULL where index is off; *out_demand (or NULL) is its demand. @since 0.1
 */
SPOTOPT_API const char *spotopt_packing_why_at(const spotopt_packing *packing, size_t index,
                                               uint32_t *out_demand);

/**
 * A small part of an infeasible problem that has no packing by itself: so many replicas of some
 * demands, some rules, the limits (max) of some pools. Beside these count capacities, allowed
 * pools, minimums, pools with max 0 and running nodes. All lists belong to the packing.
 */
typedef struct spotopt_packing_certificate {
    size_t size;              /**< set by SPOTOPT_PACKING_CERTIFICATE_INIT */
    const char *proof;        /**< "demand": one replica fits nowhere; "lp": prices of resources and
                                   limits; "search": complete; NULL: no certificate */
    uint32_t is_minimal;      /**< 1: whichever replica is left out, there is a packing of the rest
                                   under the same rules and limits; 0: not known of all */
    uint32_t demand_count;    /**< length of demands and replicas */
    uint32_t rule_count;      /**< length of rules */
    uint32_t limit_count;     /**< length of limits */
    const uint32_t *demands;  /**< indices, ascending */
    const uint32_t *replicas; /**< so many of each, >= 1 */
    const uint32_t *rules;    /**< indices, ascending: rules that it needs */
    const uint32_t *limits;   /**< pools, ascending, whose max it needs */
} spotopt_packing_certificate;
/** The defaults of a struct, its size set: `= SPOTOPT_PACKING_CERTIFICATE_INIT`. */
#define SPOTOPT_PACKING_CERTIFICATE_INIT                                                           \
    {                                                                                              \
        sizeof(spotopt_packing_certificate), NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL              \
    }

/**
 * Read why there is no packing. Its proof is NULL where there is one, where the outcome is not
 * infeasible, and where no certificate was found in time.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_packing_certificate_get(
    const spotopt_packing *packing, spotopt_packing_certificate *out, spotopt_error *err);

/** What a solve took. */
typedef struct spotopt_packing_stats {
    size_t size;            /**< set by SPOTOPT_PACKING_STATS_INIT */
    double seconds;         /**< wall clock */
    double lp_seconds;      /**< in the LP engine */
    double pricing_seconds; /**< looking for columns */
    uint64_t work;          /**< deterministic units */
    uint32_t columns;       /**< patterns kept */
    uint32_t branch_nodes;  /**< nodes of complete searches */
    uint32_t cut_short;     /**< 1: the wall clock ended something */
    uint32_t reserved;      /**< 0 */
} spotopt_packing_stats;
/** The defaults of a struct, its size set: `= SPOTOPT_PACKING_STATS_INIT`. */
#define SPOTOPT_PACKING_STATS_INIT                                                                 \
    {                                                                                              \
        sizeof(spotopt_packing_stats), 0.0, 0.0, 0.0, 0, 0, 0, 0, 0                                \
    }

/** Read the statistics. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_packing_stats_get(
    const spotopt_packing *packing, spotopt_packing_stats *out, spotopt_error *err);

/**
 * Write a PackingResult document (JSON).
 * @param text    to be given back with spotopt_text_free(), with the problem's context
 * @param length  without the ending zero; or NULL
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status spotopt_packing_write_json(
    const spotopt_packing *packing, char **text, size_t *length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_PACK_H */
