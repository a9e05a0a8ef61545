/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - why a pool stands where it stands.
 *
 * A contribution says how much a factor lifts a pool over the reference: w * ln(u / u_ref), which
 * add up to ln(S / S_ref) exactly because the score is a product of powers. Where it is a sum
 * (arithmetic, quantile, lexicographic) they are its terms' differences, which add up to S - S_ref.
 * No order of factors has to be chosen, hence none can mislead. TOPSIS is neither; there it is
 * Shapley's value (1953), the mean over all orders in which factors could change from the reference
 * to the pool, which adds up to S - S_ref. With expected cost alone all is the cost's.
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

/* The mean, over all sets of the other factors already changed, of what changing f adds. */
static double
shapley(const spotopt__rank_terms *terms, const double *base, const double *v, int f)
{
    static const double weight[SPOTOPT__FACTORS] = {1.0 / 4.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 4.0};
    double sum = 0.0;

    for (unsigned set = 0; set < 1U << SPOTOPT__FACTORS; set++) {
        double mixed[SPOTOPT__FACTORS], before;
        int changed = 0;

        if ((set >> f & 1U) != 0)
            continue;
        for (int g = 0; g < SPOTOPT__FACTORS; g++) {
            mixed[g] = (set >> g & 1U) != 0 ? v[g] : base[g];
            changed += (set >> g & 1U) != 0;
        }
        before = spotopt__rank_score(mixed, terms->weights, terms->score);
        mixed[f] = v[f];
        sum +=
            weight[changed] * (spotopt__rank_score(mixed, terms->weights, terms->score) - before);
    }
    return sum;
}

double
spotopt__rank_contribution(const spotopt__rank_terms *terms, const double *base, const double *v,
                           int f)
{
    double one[SPOTOPT__FACTORS];

    switch (terms->score) {
    case SPOTOPT__SCORE_GEOMETRIC:
        return terms->weights[f] * (log(v[f]) - log(base[f]));
    case SPOTOPT__SCORE_EXPECTED_COST:
        return f == SPOTOPT__FACTOR_COST ? log(v[f]) - log(base[f]) : 0.0;
    case SPOTOPT__SCORE_TOPSIS:
        return shapley(terms, base, v, f);
    case SPOTOPT__SCORE_LEXICOGRAPHIC: /* a sum of digits: each counts alone */
        memcpy(one, base, sizeof one);
        one[f] = v[f];
        return spotopt__rank_score(one, terms->weights, terms->score) -
               spotopt__rank_score(base, terms->weights, terms->score);
    default:
        return 100.0 * terms->weights[f] * (v[f] - base[f]);
    }
}

int
spotopt__rank_risk_factor(int32_t score)
{
    return score == SPOTOPT__SCORE_QUANTILE        ? -1
           : score == SPOTOPT__SCORE_EXPECTED_COST ? SPOTOPT__FACTOR_COST
                                                   : SPOTOPT__FACTOR_STABILITY;
}

double
spotopt__rank_contribution_at(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                              const double *base, double p_h)
{
    spotopt__rank_pool other = *pool;
    spotopt__rank_row row;

    other.p_h = p_h;
    spotopt__rank_score_one(&other, terms, &row);
    return spotopt__rank_contribution(terms, base, row.v, spotopt__rank_risk_factor(terms->score));
}

void
spotopt__rank_contribute(const spotopt__rank_terms *terms, spotopt__rank_row *rows, size_t count,
                         size_t reference)
{
    double base[SPOTOPT__FACTORS];

    if (count == 0)
        return;
    memcpy(base, rows[reference].v, sizeof base);
    for (size_t i = 0; i < count; i++) {
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            rows[i].phi[f] = spotopt__rank_contribution(terms, base, rows[i].v, f);
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
