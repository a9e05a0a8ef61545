/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_RNG_H
#define SPOTOPT_BASE_RNG_H
#include <stdint.h>

/* xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64. The same numbers on every machine. */
typedef struct spotopt__rng {
    uint64_t s[4];
} spotopt__rng;

void spotopt__rng_seed(spotopt__rng *rng, uint64_t seed);
uint64_t spotopt__rng_next(spotopt__rng *rng);
uint64_t spotopt__rng_below(spotopt__rng *rng, uint64_t limit); /* 0 .. limit-1, unbiased; limit > 0 */
double spotopt__rng_unit(spotopt__rng *rng);                    /* [0, 1) */

#endif
