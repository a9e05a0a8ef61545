/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_OVER_TIME_H
#define SPOTOPT_MODEL_OVER_TIME_H
#include "base/base.h"
#include "spotopt/replay.h"

/* Numbers over time, as columns: rows of one key together, times ascending, keys in order of first appearance. */
typedef struct spotopt__track {
    const char *key; /* a pool's id, a demand's name */
    size_t first, count;
} spotopt__track;

struct spotopt_price_history {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(spotopt__track) tracks;
    spotopt__map by_pool;
    double *time_s, *usd_per_h;
    size_t rows;
    char sha256[65];
};

/* What one replica of a demand asks for. */
typedef struct spotopt__ask {
    double cpu_milli, memory_mib, gpu;
} spotopt__ask;

struct spotopt_demand_history {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(spotopt__track) tracks;
    spotopt__vec(spotopt__ask) asks; /* by track */
    spotopt__map by_name;
    double *time_s, *count;
    size_t rows;
    char sha256[65];
};

#endif
