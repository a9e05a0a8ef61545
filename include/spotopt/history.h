/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_HISTORY_H
#define SPOTOPT_HISTORY_H
#include "spotopt/context.h"

/**
 * @file history.h
 * @brief What has been seen: capacity over time, and performance metrics.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Nodes held in each pool over time. Threads: read by any number. @since 0.1 */
typedef struct spotopt_history spotopt_history;

/**
 * Read a History table: CSV `pool,region,zone,instance_type,time_s,nodes_up`, times ascending within a pool,
 * a row at each change; an empty nodes_up ends an observation.
 * @retval SPOTOPT_E_INPUT  the table is bad; the message names the line
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_history_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      spotopt_history **out, spotopt_error *err);
/** Give back a history, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_history_free(spotopt_history *history);
/** The number of rows. @since 0.1 */
SPOTOPT_API size_t spotopt_history_count(const spotopt_history *history);

/** Performance of pools, nodes and instances. Threads: read by any number. @since 0.1 */
typedef struct spotopt_metrics spotopt_metrics;

/** Read a Metrics document. @retval SPOTOPT_E_INPUT  it is bad; the message names the place @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_metrics_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      spotopt_metrics **out, spotopt_error *err);
/** Give back metrics, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_metrics_free(spotopt_metrics *metrics);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_HISTORY_H */
