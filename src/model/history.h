/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_HISTORY_H
#define SPOTOPT_MODEL_HISTORY_H
#include "base/base.h"
#include "spotopt/history.h"

/* Capacity seen over time, as columns; pools in order of first appearance, rows of a pool together, times ascending. */
typedef struct spotopt__series {
    const char *pool, *region, *zone, *instance_type;
    size_t first, count; /* rows */
} spotopt__series;

struct spotopt_history {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(spotopt__series) series;
    double *time_s;
    double *nodes_up; /* NaN: the observation ends here */
    size_t rows;
    spotopt__map series_by_pool;
    char sha256[65];
};

/* Performance seen, by pool id, node name or instance id. NaN: unknown. */
typedef struct spotopt__metric {
    const char *name;
    double latency_ms, throughput_rps, error_frac, cpu_free_frac, memory_free_frac;
} spotopt__metric;

struct spotopt_metrics {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(spotopt__metric) pools, nodes, instances;
    spotopt__map pool_by_id, node_by_name, instance_by_id;
    char sha256[65];
};

#endif
