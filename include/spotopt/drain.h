/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_H
#define SPOTOPT_DRAIN_H
#include "spotopt/catalog.h"
#include "spotopt/cluster.h"
#include "spotopt/options.h"
#include "spotopt/policy.h"

/**
 * @file drain.h
 * @brief The order of launches, cordons and evictions in which no disruption budget is ever broken.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Waves of steps, what is blocked and why, what is lost. Threads: read by any number. @since 0.1 */
typedef struct spotopt_drain spotopt_drain;

/** What is drained, and where to. */
typedef struct spotopt_drain_params {
    size_t size;                    /**< set by SPOTOPT_DRAIN_PARAMS_INIT */
    const spotopt_cluster *cluster; /**< needed */
    const spotopt_catalog *catalog; /**< nodes to launch come from here; NULL: from nowhere */
    const spotopt_policy *policy;   /**< or NULL: the defaults */
    const char *const *nodes;       /**< names of the nodes to leave */
    size_t node_count;              /**< >= 1; with a plan 0 means: those that the plan lets go */
    double notice_s;                /**< seconds until the nodes are gone, <= 1e9; 0: no deadline */
    double launch_s;                /**< seconds from a launch to a ready node, 0 .. 1e9; default 60 */
    double start_s;                 /**< seconds from binding to a ready pod, 0 .. 1e9; default 15. The policy's drain.start_s, by workload, goes before */
    const char *plan_text;          /**< a Plan document: the fleet to go to, and who runs where in it; or NULL */
    size_t plan_length;             /**< bytes of plan_text */
    double now_s;                   /**< when the drain begins, seconds since 1970, for the schedules of the policy's
                                         disruption budgets; out of 0 .. 1e12, as by default: unknown, and each counts as running */
} spotopt_drain_params;

/** The defaults of a struct, its size set: `= SPOTOPT_DRAIN_PARAMS_INIT`. */
#define SPOTOPT_DRAIN_PARAMS_INIT { sizeof(spotopt_drain_params), NULL, NULL, NULL, NULL, 0, 0.0, 60.0, 15.0, NULL, 0, -1.0 }

/**
 * Plan a drain: where each pod of the nodes goes, what is launched for those that fit nowhere, and when each step is
 * taken. After every single step each budget holds and no node is overfull. What cannot be drained is told in the
 * answer, not as a failure.
 *
 * @param context  or NULL
 * @param params   borrowed for the call
 * @param options  or NULL; none of today's options matters to a drain
 * @param out      free with spotopt_drain_free(); needs none of its inputs later
 * @param err      details of a failure, or NULL
 * @retval SPOTOPT_E_ARGUMENT  a node name is unknown, or a parameter is out of range; the message names it
 * @retval SPOTOPT_E_NOMEM     the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_drain_plan(spotopt_context *context, const spotopt_drain_params *params, const spotopt_options *options,
                   spotopt_drain **out, spotopt_error *err);
/** What may come between a plan and its steps. @since 0.1 */
enum {
    SPOTOPT_DRAIN_REFUSED = 1,   /**< a pod: its eviction was refused (429), and it is still there; tried again after
                                      values_s, by default 5 s */
    SPOTOPT_DRAIN_NOT_READY = 2, /**< a pod: its replacement will be ready in values_s; < 0 or NaN: nobody knows when */
    SPOTOPT_DRAIN_READY = 3,     /**< a pod: its replacement is ready already */
    SPOTOPT_DRAIN_NODE_LOST = 4, /**< a node is gone with all that stood on it, or will never come */
    SPOTOPT_DRAIN_NODE_LATE = 5  /**< a launched node takes pods in values_s */
};
/** What happened otherwise than planned, as columns, borrowed for the call. @since 0.1 */
typedef struct spotopt_drain_news {
    size_t size;             /**< set by SPOTOPT_DRAIN_NEWS_INIT */
    const int32_t *kinds;    /**< SPOTOPT_DRAIN_... */
    const char *const *names; /**< of the pod ("ns/name", as when the drain began) or node */
    const double *values_s;  /**< seconds from now; NaN where there is nothing to say; or NULL */
    size_t count;            /**< rows of each column */
} spotopt_drain_news;
/** The defaults of a struct, its size set: `= SPOTOPT_DRAIN_NEWS_INIT`. */
#define SPOTOPT_DRAIN_NEWS_INIT { sizeof(spotopt_drain_news), NULL, NULL, NULL, 0 }

/**
 * Plan a drain anew from where it stands: all that `previous` planned until now has happened, but for the news. Pods that
 * moved stand on their targets, nodes that were launched are there or on their way, and what stood on a lost node is found a
 * new one. The answer may be planned anew in turn. Its times count from now. A fresh snapshot of the cluster, given to
 * spotopt_drain_plan(), does as well where one is at hand.
 *
 * @param context   or NULL
 * @param previous  the plan that was followed; not changed
 * @param params    as for spotopt_drain_plan(); cluster must be the one the drain began with; without nodes, those of
 *                  previous; notice_s counts from now
 * @param now_s     seconds since previous began, 0 .. 1e9
 * @param news      or NULL: all went as planned
 * @param options   or NULL; none of today's options matters to a drain
 * @param out       free with spotopt_drain_free(); needs none of its inputs later
 * @param err       details of a failure, or NULL
 * @retval SPOTOPT_E_ARGUMENT  a name or kind is unknown, the cluster is another, or a number out of range
 * @retval SPOTOPT_E_NOMEM     the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_drain_replan(spotopt_context *context, const spotopt_drain *previous, const spotopt_drain_params *params,
                     double now_s, const spotopt_drain_news *news, const spotopt_options *options, spotopt_drain **out,
                     spotopt_error *err);
/** Give back a drain, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_drain_free(spotopt_drain *drain);
/** Pods that no order of steps can move; each is told with what is in its way and the least change that would help. @since 0.1 */
SPOTOPT_API size_t spotopt_drain_blocked_count(const spotopt_drain *drain);
/**
 * Pods that are lost because the notice is too short: not ready elsewhere, or not done with their grace period, when
 * their node goes. Blocked pods are not among them. @since 0.1
 */
SPOTOPT_API size_t spotopt_drain_lost_count(const spotopt_drain *drain);
/**
 * Seconds from the first step until the last pod that moves is ready elsewhere and gone from its old node, and the last
 * empty node is deleted. Pods are reckoned to take all of their grace period. @since 0.1
 */
SPOTOPT_API double spotopt_drain_makespan_s(const spotopt_drain *drain);
/**
 * Write the DrainPlan document.
 * @param out_text    zero-ended; give back with spotopt_text_free()
 * @param out_length  or NULL
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_drain_write(const spotopt_drain *drain, char **out_text, size_t *out_length, spotopt_error *err);

/** A drain carried out in a simulated cluster. Threads: read by any number. @since 0.1 */
typedef struct spotopt_simulation spotopt_simulation;

/** How unlike its plan a simulated drain goes. @since 0.1 */
typedef struct spotopt_simulation_params {
    size_t size;               /**< set by SPOTOPT_SIMULATION_PARAMS_INIT */
    uint64_t seed;             /**< equal seeds, equal simulations; default 1 */
    double refused_frac;       /**< evictions answered 429 for no reason, 0 .. 1; default 0.05 */
    double slow_frac;          /**< pods that take up to six times as long to be ready; default 0.05 */
    double stuck_frac;         /**< pods that are never ready; default 0 */
    double elsewhere_frac;     /**< pods that the scheduler puts elsewhere than was planned; default 0.05 */
    double node_lost_frac;     /**< nodes lost in the middle; default 0.02 */
    double launch_failed_frac; /**< launches that come to nothing; default 0.02 */
    uint32_t jitter;           /**< 0: other times are as planned; else they differ; default 1 */
} spotopt_simulation_params;
/** The defaults of a struct, its size set: `= SPOTOPT_SIMULATION_PARAMS_INIT`. */
#define SPOTOPT_SIMULATION_PARAMS_INIT { sizeof(spotopt_simulation_params), 1, 0.05, 0.05, 0.0, 0.05, 0.02, 0.02, 1 }

/**
 * Carry a drain out in a simulated cluster, planning anew whenever it goes otherwise than planned. The cluster judges each
 * step with code of its own: budgets, annotations, room and the policy's limits are counted anew at every instant.
 *
 * @param context     or NULL
 * @param params      as for spotopt_drain_plan()
 * @param simulation  or NULL: the defaults
 * @param options     or NULL
 * @param out         free with spotopt_simulation_free(); needs none of its inputs later
 * @param err         details of a failure, or NULL
 * @retval SPOTOPT_E_ARGUMENT  a name is unknown or a number out of range
 * @retval SPOTOPT_E_NOMEM     the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_drain_simulate(spotopt_context *context, const spotopt_drain_params *params,
                       const spotopt_simulation_params *simulation, const spotopt_options *options,
                       spotopt_simulation **out, spotopt_error *err);
/** Give back a simulation, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_simulation_free(spotopt_simulation *simulation);
/** Steps of the drain that a rule forbade when they were taken; anything but 0 is an error of the planner. @since 0.1 */
SPOTOPT_API size_t spotopt_simulation_fault_count(const spotopt_simulation *simulation);
/** How often was planned, the first time included. @since 0.1 */
SPOTOPT_API size_t spotopt_simulation_plan_count(const spotopt_simulation *simulation);
/** 1 when every node that was to leave is gone, else 0. @since 0.1 */
SPOTOPT_API int32_t spotopt_simulation_is_drained(const spotopt_simulation *simulation);
/** Seconds until the last step, or the last pod that became ready. @since 0.1 */
SPOTOPT_API double spotopt_simulation_makespan_s(const spotopt_simulation *simulation);
/**
 * Write the DrainSimulation document.
 * @param out_text    zero-ended; give back with spotopt_text_free()
 * @param out_length  or NULL
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_simulation_write(const spotopt_simulation *simulation, char **out_text, size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_DRAIN_H */
