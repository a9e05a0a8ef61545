/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_PCG64_H
#define SPOTOPT_BASE_PCG64_H
#include <stdint.h>

/*
 * The draws of numpy.random.default_rng(seed), number for number, so that whoever resamples with
 * numpy gets the same intervals: PCG64 (XSL-RR 128/64, O'Neill 2014) seeded by SeedSequence.
 */
__extension__ typedef unsigned __int128 spotopt__u128;
typedef struct spotopt__pcg64 {
    spotopt__u128 state, step;
    uint32_t half; /* the upper half of the last 64 bits, while has_half */
    int has_half;
} spotopt__pcg64;

void spotopt__pcg64_seed(spotopt__pcg64 *rng, uint64_t seed);
/* As Generator.integers(0, limit) does, 0 < limit < 2^32. */
uint32_t spotopt__pcg64_below(spotopt__pcg64 *rng, uint32_t limit);

#endif
