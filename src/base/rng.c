/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rng.c - xoshiro256** (D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators",
 * 2018), its state filled by splitmix64. Bounded numbers by rejection from a power of two's
 * multiple, hence unbiased.
 */
#include <assert.h>

#include "base/rng.h"

static uint64_t
rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

void
spotopt__rng_seed(spotopt__rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        rng->s[i] = z ^ (z >> 31);
    }
}

uint64_t
spotopt__rng_next(spotopt__rng *rng)
{
    uint64_t *s = rng->s;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t
spotopt__rng_below(spotopt__rng *rng, uint64_t limit)
{
    uint64_t least, x;

    assert(limit > 0);
    least = (0 - limit) % limit; /* 2^64 mod limit: so many of the lowest values are one too many */
    do {
        x = spotopt__rng_next(rng);
    } while (x < least);
    return x % limit;
}

double
spotopt__rng_unit(spotopt__rng *rng)
{
    return (double)(spotopt__rng_next(rng) >> 11) * 0x1p-53;
}
