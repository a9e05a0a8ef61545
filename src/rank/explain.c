/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - why a pool stands where it stands.
 *
 * A contribution says how much a factor lifts a pool over the reference: w * ln(u / u_ref), which
 * add up to ln(S / S_ref) exactly because the score is a product of powers; with the arithmetic
 * score 100 * w * (u - u_ref), which add up to S - S_ref. No order of factors has to be chosen,
 * hence none can mislead.
 */
#include "rank/rank.h"

size_t
spotopt__rank_reference(const spotopt__rank_pool *pools, const spotopt__rank_row *rows,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pools[rows[i].pool].is_on_demand)
            return i;
    }
    return 0;
}

void
spotopt__rank_contribute(const spotopt__rank_terms *terms, spotopt__rank_row *rows, size_t count,
                         size_t reference)
{
    double base[SPOTOPT__FACTORS];

    if (count == 0)
        return;
    memcpy(base, rows[reference].u, sizeof base);
    for (size_t i = 0; i < count; i++) {
        for (int f = 0; f < SPOTOPT__FACTORS; f++) {
            double u = rows[i].u[f];

            rows[i].phi[f] = terms->score == SPOTOPT__SCORE_GEOMETRIC
                                 ? terms->weights[f] * (log(u) - log(base[f]))
                                 : 100.0 * terms->weights[f] * (u - base[f]);
        }
    }
}

size_t
spotopt__rank_alternates(size_t count, size_t place, size_t out_places[SPOTOPT__ALTERNATES])
{
    size_t n = 0;

    for (size_t i = 0; i < count && n < SPOTOPT__ALTERNATES; i++) {
        if (i != place)
            out_places[n++] = i;
    }
    return n;
}
