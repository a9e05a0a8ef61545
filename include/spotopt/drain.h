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
    size_t node_count;              /**< >= 1 */
    double notice_s;                /**< seconds until the nodes are gone, <= 1e9; 0: no deadline */
    double launch_s;                /**< seconds from a launch to a ready node, 0 .. 1e9; default 60 */
    double start_s;                 /**< seconds from binding to a ready pod, 0 .. 1e9; default 15 */
} spotopt_drain_params;

/** The defaults of a struct, its size set: `= SPOTOPT_DRAIN_PARAMS_INIT`. */
#define SPOTOPT_DRAIN_PARAMS_INIT { sizeof(spotopt_drain_params), NULL, NULL, NULL, NULL, 0, 0.0, 60.0, 15.0 }

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

SPOTOPT_END_DECLS
#endif /* SPOTOPT_DRAIN_H */
