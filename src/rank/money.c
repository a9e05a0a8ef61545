/* SPDX-License-Identifier: Apache-2.0 */
/*
 * money.c - weights that follow from prices, and what weights say in money.
 *
 * Around one pool a step of each factor is worth money: one in cost saves price / u_cost USD an
 * hour a unit, since u_cost goes as one over the price; one in stability saves C_int / H; what
 * performance and capacity are worth only the operator can say. A product of powers trades steps by
 * w / u, a sum by w alone, so weights in proportion to worth * u, or to worth, make the score agree
 * with money at that pool, to first order. For stability over cost that is
 * (1 - p) C_int / (price H), DESIGN's ratio. The pool is one that no candidate moves, the cheapest
 * on-demand one of the whole catalog, so that dropping a candidate still reorders nothing.
 */
#include "rank/rank.h"

double
spotopt__rank_money_ratio(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms)
{
    return (1.0 - pool->p_h) * terms->interruption_usd / (pool->usd_per_h * terms->horizon_h);
}

/* USD an hour of a node that a whole unit of cost is worth there. */
static double
unit_of_cost(const spotopt__rank_pool *pool, const double *u)
{
    return pool->usd_per_h / u[SPOTOPT__FACTOR_COST];
}

bool
spotopt__rank_money_weights(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                            const double worth[2], double weights[SPOTOPT__FACTORS])
{
    double u[SPOTOPT__FACTORS], by[SPOTOPT__FACTORS], sum = 0.0, shared = 0.0;
    uint32_t flags;

    spotopt__rank_factors(pool, terms, u, &flags);
    by[SPOTOPT__FACTOR_COST] = unit_of_cost(pool, u);
    by[SPOTOPT__FACTOR_STABILITY] = terms->interruption_usd / terms->horizon_h;
    by[SPOTOPT__FACTOR_PERFORMANCE] = worth[0];
    by[SPOTOPT__FACTOR_CAPACITY] = worth[1];
    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        if (isnan(by[f]))
            continue;
        by[f] *= terms->score == SPOTOPT__SCORE_GEOMETRIC ? u[f] : 1.0;
        sum += by[f];
        shared += weights[f];
    }
    if (!(sum > 0.0 && sum < INFINITY))
        return false;
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        weights[f] = isnan(by[f]) ? weights[f] : shared * (by[f] / sum);
    return true;
}

void
spotopt__rank_point_worth(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                          double out[SPOTOPT__FACTORS])
{
    const double *w = terms->weights;
    bool is_product = terms->score == SPOTOPT__SCORE_GEOMETRIC;
    double u[SPOTOPT__FACTORS];
    uint32_t flags;

    spotopt__rank_factors(pool, terms, u, &flags);
    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        double per_u = is_product ? u[SPOTOPT__FACTOR_COST] / u[f] : 1.0;

        out[f] = NAN;
        if ((is_product || terms->score == SPOTOPT__SCORE_ARITHMETIC) &&
            w[SPOTOPT__FACTOR_COST] > 0.0)
            out[f] = 0.01 * unit_of_cost(pool, u) * (w[f] / w[SPOTOPT__FACTOR_COST]) * per_u;
    }
}
