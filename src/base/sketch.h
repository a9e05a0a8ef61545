/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_SKETCH_H
#define SPOTOPT_BASE_SKETCH_H
#include "base/alloc.h"

/*
 * Counts of positive values in buckets whose edges grow by 2 %: any quantile to 1 % of its value, sums of sketches equal
 * the sketch of all values, in any order. For seconds from a nanosecond to eleven days; what lies outside counts at the edge.
 */
#define SPOTOPT__SKETCH_BUCKETS 1750
#define SPOTOPT__SKETCH_LEAST 1e-9

/* The bucket of a value; NaN, 0 and less are in the first. */
int32_t spotopt__sketch_bucket(double value);
/* What stands for a bucket's values: within 1 % of each. */
double spotopt__sketch_value(int32_t bucket);

typedef struct spotopt__sketch {
    uint64_t *counts; /* of buckets first .. first + room - 1; NULL while there is none */
    int32_t first, room;
    uint64_t count;
} spotopt__sketch;

void spotopt__sketch_free(spotopt_context *context, spotopt__sketch *sketch);
/* False without memory, the sketch as it was. */
bool spotopt__sketch_add(spotopt_context *context, spotopt__sketch *sketch, int32_t bucket, uint64_t times);
/* Room for the other's buckets; false without memory. After it, merging cannot fail. */
bool spotopt__sketch_reserve(spotopt_context *context, spotopt__sketch *sketch, const spotopt__sketch *other);
/* A hint that the sketch will be merged next. */
void spotopt__sketch_fetch(const spotopt__sketch *sketch);
void spotopt__sketch_merge(spotopt__sketch *sketch, const spotopt__sketch *other);
/* The value that a share p, 0..1, of the values do not exceed; NaN where there are none. */
double spotopt__sketch_quantile(const spotopt__sketch *sketch, double p);

#endif
