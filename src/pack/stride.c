/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stride.c - the most that a node's content is worth, exact in one dimension.
 *
 * Prices of all dimensions together let a content use room to the last unit, though sums of
 * requests leave some of it free in every node. So one dimension whose requests are multiples of a
 * unit is gone through exactly, by the classic table of a knapsack over units of room (Bellman
 * 1957); the others are paid for at their prices (Lagrange), as in pricing.c. Many small pieces in
 * a large node are no matter: the table has a slot a unit. Limits over several pieces that are no
 * dimensions are left out, which only raises the bound.
 */
#include "pack/pricing.h"

#define SLOTS_MOST 16384
#define EXACT_MOST 1e9 /* larger amounts are not looked at */
#define EDGE 2e-6      /* what judges grant beyond a capacity, as a part of it, and more */

static uint64_t
divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Largest unit that divides all that pieces need of the dimension; 0: there is none. */
static uint64_t
unit_of(const spotopt__knapsack *sack, uint32_t d)
{
    uint64_t unit = 0;

    for (uint32_t j = 0; j < sack->pieces; j++) {
        const double need = sack->need[(size_t)j * sack->dims + d];
        const double whole = floor(need);

        if (whole < need || whole > EXACT_MOST)
            return 0;
        unit = divisor((uint64_t)whole, unit);
    }
    return unit;
}

static uint64_t
slots_of(const spotopt__knapsack *sack, uint32_t d, uint64_t unit)
{
    const double slots = floor(sack->top[d] * (1.0 + EDGE) / (double)unit + EDGE);

    return slots >= 1.0 && slots <= SLOTS_MOST ? (uint64_t)slots : 0;
}

/* Up to `most` pieces of `need` slots, `worth` each. Where room ends before the pieces do, one pass
 * upwards allows any number; else packets of 1, 2, 4, ... make up every number. */
static void
enter(double *best, uint32_t slots, uint32_t need, uint32_t most, double worth, uint64_t *steps)
{
    if (most >= slots / need) {
        for (uint32_t s = need; s <= slots; s++)
            best[s] = fmax(best[s], best[s - need] + worth);
        *steps += slots;
        return;
    }
    for (uint32_t packet = 1; most > 0; packet *= 2) {
        const uint32_t count = packet < most ? packet : most, room = count * need;
        const double earns = count * worth;

        for (uint32_t s = slots; s >= room; s--)
            best[s] = fmax(best[s], best[s - room] + earns);
        most -= count;
        *steps += slots;
    }
}

double
spotopt__knapsack_stride(spotopt__knapsack *sack)
{
    uint32_t at = SPOTOPT__NONE, slots = 0;
    uint64_t unit = 0, steps = 0;
    double total = 0.0, most_paid = 0.0;

    for (uint32_t d = 0; d < sack->model->resources; d++) {
        const double paid = sack->lambda[d] * sack->top[d];
        uint64_t u, n;

        if (!(paid > most_paid) || (u = unit_of(sack, d)) == 0 || (n = slots_of(sack, d, u)) == 0)
            continue;
        at = d;
        unit = u;
        slots = (uint32_t)n;
        most_paid = paid;
    }
    if (at == SPOTOPT__NONE)
        return (double)INFINITY;
    if (sack->slot == NULL)
        sack->slot = spotopt__arena_alloc(&sack->arena, SLOTS_MOST + 1, sizeof *sack->slot);
    if (sack->slot == NULL)
        return (double)INFINITY; /* no bound is a bound */
    memset(sack->slot, 0, ((size_t)slots + 1) * sizeof *sack->slot);
    for (uint32_t d = 0; d < sack->dims; d++)
        total += d == at ? 0.0 : sack->lambda[d] * sack->top[d];
    for (uint32_t j = 0; j < sack->pieces; j++) {
        const double *need = sack->need + (size_t)j * sack->dims;
        const uint32_t takes = (uint32_t)((uint64_t)need[at] / unit);
        double worth = sack->piece[j].worth;

        for (uint32_t d = 0; d < sack->dims; d++)
            worth -= d == at ? 0.0 : sack->lambda[d] * need[d];
        if (!(worth > 0.0))
            continue;
        if (takes == 0)
            total += worth * sack->piece[j].most;
        else if (takes <= slots)
            enter(sack->slot, slots, takes, sack->piece[j].most, worth, &steps);
    }
    sack->steps += steps / 64;
    return (total + sack->slot[slots]) * (1.0 + 1e-12) + 1e-15;
}
