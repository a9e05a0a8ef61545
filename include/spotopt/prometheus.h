/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PROMETHEUS_H
#define SPOTOPT_PROMETHEUS_H
#include "spotopt/net.h"

/**
 * @file prometheus.h
 * @brief What Prometheus measured, as a Metrics document. Of libspotopt-net.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** One query, and what its answer is a measure of. */
typedef struct spotopt_prometheus_query {
    size_t size;         /**< set by SPOTOPT_PROMETHEUS_QUERY_INIT */
    const char *of;      /**< "pools", "nodes" or "instances": what is measured */
    const char *measure; /**< "latency_ms", "throughput_rps", "error_frac", "cpu_free_frac" or "memory_free_frac" */
    const char *promql;  /**< answers one number for each of them: an instant vector */
    const char *label;   /**< of each series: its value is the pool's id, the node's name, the instance's id */
    double scale;        /**< what a value is multiplied with, > 0; 0: 1. 1000 for seconds */
} spotopt_prometheus_query;

/** The defaults of a struct, its size set: `= SPOTOPT_PROMETHEUS_QUERY_INIT`. */
#define SPOTOPT_PROMETHEUS_QUERY_INIT                                                              \
    { sizeof(spotopt_prometheus_query), NULL, NULL, NULL, NULL, 0.0 }

/**
 * Ask queries at one moment and write the answers as a Metrics document, which spotopt_metrics_parse() reads.
 *
 * A series without the label, and a value that is no finite number, is left out. Fractions beyond 0..1, as rates over
 * uneven scrapes make them, count as the nearest end. Warnings of the server are logged.
 *
 * @param server    its URL, such as "http://prometheus:9090", and what it needs to let us in; method and body
 *                  are this function's
 * @param queries   `count` of them, each with its size set
 * @param now_s     the moment, seconds since 1970 UTC
 * @param out_text  free with spotopt_text_free() and the client's context; the same answers make the same text
 * @retval SPOTOPT_E_ARGUMENT  a query is bad; the message says which and what was wanted
 * @retval SPOTOPT_E_INPUT     the server refuses a query, two series have one name, or the answer is none of the
 *                             Prometheus HTTP API's
 * @retval SPOTOPT_E_PEER      no whole answer came
 * @retval SPOTOPT_E_NOMEM     no memory
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_prometheus_pull(spotopt_net *net, const spotopt_net_request *server,
                        const spotopt_prometheus_query *queries, size_t count, double now_s,
                        char **out_text, size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_PROMETHEUS_H */
