/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcg64.c - the random numbers of numpy's default generator.
 *
 * SeedSequence spreads the seed over a pool of four words by multiply-and-xorshift hashing and
 * draws state and stream from it; PCG64 is a 128-bit linear congruence with a rotated, folded
 * output; whole numbers below a limit come from 32 bits each by Lemire's multiplication (2019).
 */
#include "base/pcg64.h"

static uint32_t
hash(uint32_t value, uint32_t *constant, uint32_t factor)
{
    value ^= *constant;
    *constant *= factor;
    value *= *constant;
    return value ^ value >> 16;
}

static void
step(spotopt__pcg64 *rng)
{
    const spotopt__u128 factor =
        (spotopt__u128)UINT64_C(2549297995355413924) << 64 | UINT64_C(4865540595714422341);

    rng->state = rng->state * factor + rng->step;
}

void
spotopt__pcg64_seed(spotopt__pcg64 *rng, uint64_t seed)
{
    uint32_t pool[4], constant = 0x43b0d7e5u;
    uint64_t word[4];

    for (int i = 0; i < 4; i++)
        pool[i] = hash(i == 0   ? (uint32_t)seed
                       : i == 1 ? (uint32_t)(seed >> 32)
                                : 0u,
                       &constant, 0x931e8875u);
    for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++) {
            if (from == to)
                continue;
            uint32_t mixed =
                0xca01f9ddu * pool[to] - 0x4973f715u * hash(pool[from], &constant, 0x931e8875u);
            pool[to] = mixed ^ mixed >> 16;
        }
    }
    constant = 0x8b51f9ddu;
    for (int i = 0; i < 4; i++) {
        uint32_t low = hash(pool[2 * i % 4], &constant, 0x58f38dedu);
        uint32_t high = hash(pool[(2 * i + 1) % 4], &constant, 0x58f38dedu);

        word[i] = (uint64_t)high << 32 | low;
    }
    rng->state = 0;
    rng->step = ((spotopt__u128)word[2] << 64 | word[3]) << 1 | 1u;
    step(rng);
    rng->state += (spotopt__u128)word[0] << 64 | word[1];
    step(rng);
    rng->half = 0;
    rng->has_half = 0;
}

static uint32_t
next(spotopt__pcg64 *rng)
{
    uint64_t whole;
    unsigned turn;

    if (rng->has_half) {
        rng->has_half = 0;
        return rng->half;
    }
    step(rng);
    whole = (uint64_t)(rng->state >> 64) ^ (uint64_t)rng->state;
    turn = (unsigned)(rng->state >> 122);
    whole = whole >> turn | whole << (-turn & 63u);
    rng->half = (uint32_t)(whole >> 32);
    rng->has_half = 1;
    return (uint32_t)whole;
}

uint32_t
spotopt__pcg64_below(spotopt__pcg64 *rng, uint32_t limit)
{
    uint64_t product;

    if (limit <= 1)
        return 0; /* draws nothing */
    product = (uint64_t)next(rng) * limit;
    if ((uint32_t)product < limit) {
        const uint32_t least = (UINT32_MAX - (limit - 1)) % limit;

        while ((uint32_t)product < least)
            product = (uint64_t)next(rng) * limit;
    }
    return (uint32_t)(product >> 32);
}
