/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketch.c - quantiles of a stream in a few kilobytes, mergeable.
 *
 * Buckets with edges gamma^i, gamma = (1 + a) / (1 - a), as DDSketch has them (Masson, Rim, Lee
 * 2019): 2 gamma^i / (gamma + 1) is within a of every value in bucket i. a is a little under 1 % so
 * that rounding of the logarithm cannot take it over. Memory spans the buckets that were used.
 */
#include "base/sketch.h"

#include <math.h>
#include <string.h>

#define ACCURACY 0.00995
#define LOG_GAMMA                                                                                  \
    (2.0 * (ACCURACY + ACCURACY * ACCURACY * ACCURACY / 3.0)) /* 2 artanh, to 1e-11                \
                                                               */

int32_t
spotopt__sketch_bucket(double value)
{
    double at;

    if (!(value > SPOTOPT__SKETCH_LEAST))
        return 0;
    at = ceil(log(value / SPOTOPT__SKETCH_LEAST) / LOG_GAMMA);
    return at < SPOTOPT__SKETCH_BUCKETS - 1 ? (int32_t)at : SPOTOPT__SKETCH_BUCKETS - 1;
}

double
spotopt__sketch_value(int32_t bucket)
{
    return SPOTOPT__SKETCH_LEAST * exp(LOG_GAMMA * bucket) * 2.0 / (exp(LOG_GAMMA) + 1.0);
}

void
spotopt__sketch_free(spotopt_context *context, spotopt__sketch *sketch)
{
    spotopt__free(context, sketch->counts);
    *sketch = (spotopt__sketch){NULL, 0, 0, 0};
}

/* Room for buckets first .. last. */
static bool
span(spotopt_context *context, spotopt__sketch *sketch, int32_t first, int32_t last)
{
    int32_t from = sketch->room == 0 || first < sketch->first ? first : sketch->first;
    int32_t to = sketch->room == 0 || last >= sketch->first + sketch->room
                     ? last + 1
                     : sketch->first + sketch->room;
    uint64_t *counts;

    if (sketch->room > 0 && from == sketch->first && to == sketch->first + sketch->room)
        return true;
    if (sketch->room > 0) { /* a span that grew will grow again: take 16 more to either side */
        from = from < sketch->first ? (from > 16 ? from - 16 : 0) : from;
        to = to > sketch->first + sketch->room
                 ? (to < SPOTOPT__SKETCH_BUCKETS - 16 ? to + 16 : SPOTOPT__SKETCH_BUCKETS)
                 : to;
    }
    counts = spotopt__alloc_array(context, (size_t)(to - from), sizeof *counts);
    if (counts == NULL)
        return false;
    if (sketch->room > 0)
        memcpy(counts + (sketch->first - from), sketch->counts,
               (size_t)sketch->room * sizeof *counts);
    spotopt__free(context, sketch->counts);
    sketch->counts = counts;
    sketch->first = from;
    sketch->room = to - from;
    return true;
}

bool
spotopt__sketch_add(spotopt_context *context, spotopt__sketch *sketch, int32_t bucket,
                    uint64_t times)
{
    if (!span(context, sketch, bucket, bucket))
        return false;
    sketch->counts[bucket - sketch->first] += times;
    sketch->count += times;
    return true;
}

bool
spotopt__sketch_reserve(spotopt_context *context, spotopt__sketch *sketch,
                        const spotopt__sketch *other)
{
    return other->room == 0 || span(context, sketch, other->first, other->first + other->room - 1);
}

/* Counts that will be asked for soon, so that one sketch is fetched while another is added. */
void
spotopt__sketch_fetch(const spotopt__sketch *sketch)
{
    for (int32_t i = 0; i < sketch->room; i += 8)
        __builtin_prefetch(sketch->counts + i, 0, 1);
}

void
spotopt__sketch_merge(spotopt__sketch *sketch, const spotopt__sketch *other)
{
    for (int32_t i = 0; i < other->room; i++)
        sketch->counts[other->first - sketch->first + i] += other->counts[i];
    sketch->count += other->count;
}

double
spotopt__sketch_quantile(const spotopt__sketch *sketch, double p)
{
    uint64_t below = 0;
    double rank = floor(p * (double)(sketch->count > 0 ? sketch->count - 1 : 0));

    for (int32_t i = 0; i < sketch->room; i++) {
        below += sketch->counts[i];
        if ((double)below > rank)
            return spotopt__sketch_value(sketch->first + i);
    }
    return NAN;
}
