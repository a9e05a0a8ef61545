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
    size_t node_count;              /**< >= 1 */
    double notice_s;                /**< seconds until the nodes are gone; 0: no deadline */
    double launch_s;                /**< seconds from a launch to a ready node; default 60 */
    double start_s;                 /**< seconds from binding to a ready pod; default 15 */
} spotopt_drain_params;

#define SPOTOPT_DRAIN_PARAMS_INIT { sizeof(spotopt_drain_params), NULL, NULL, NULL, NULL, 0, 0.0, 60.0, 15.0 }

/**
 * Plan a drain. What cannot be drained is told in the answer, not as a failure.
 * @retval SPOTOPT_E_ARGUMENT  a node name is unknown; the message names it
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_drain_plan(spotopt_context *context, const spotopt_drain_params *params, const spotopt_options *options,
                   spotopt_drain **out, spotopt_error *err);
/** Give back a drain, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_drain_free(spotopt_drain *drain);
/** Pods that no order of steps can move, or that the notice is too short for. @since 0.1 */
SPOTOPT_API size_t spotopt_drain_blocked_count(const spotopt_drain *drain);
/** Pods that are lost because the notice is too short. @since 0.1 */
SPOTOPT_API size_t spotopt_drain_lost_count(const spotopt_drain *drain);
/** Seconds from the first step to the last pod ready elsewhere. @since 0.1 */
SPOTOPT_API double spotopt_drain_makespan_s(const spotopt_drain *drain);
/** Write the DrainPlan document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_drain_write(const spotopt_drain *drain, char **out_text, size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_DRAIN_H */
