/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sure.c - how far a pool's rate may be from what layer 2 believes of it.
 *
 * The belief Gamma(A, B) forgets within hours and trusts its prior little, since rates change; its
 * own quantiles are those of a rate of which nothing else is known, far too wide where days of a
 * pool are alike. So the interval has the belief's mean r = A/B and its mean squared error, first
 * order (Buehlmann 1967): with w the prior's share of B, m the prior's mean,
 *
 *     w^2 m^2 (1 / (kappa a') + v) + var(D) / B^2
 *
 * a' the shape of the pool's own days around its mean, v what is not known of the mean
 * (pooling.c), and var(D) = rate * sum of squared weights of hours, E - E^2 / (2 tau) for a pool
 * that is up throughout. A gamma distribution of that mean and variance gives the quantiles. It is
 * never wider than the belief's own.
 *
 * 1 / a' is the excess of days' variance over a Poisson count's, over the mean's square, each pool
 * around its own ratio, less the degree of freedom that takes; what the family's days say together
 * stands in by the precision of both.
 */
#include "risk/risk.h"

double
spotopt__sure_shape(const spotopt__belief *belief, const spotopt__sureness *of)
{
    const double rate = belief->a / belief->b, share = of->prior_hours / belief->b;
    /* A pool that lost nothing lately is not one of which nothing can be lost. */
    const double likely = fmax(rate, of->mean);
    const double squares = 1.0 - 0.5 * fmin(of->up_hours / SPOTOPT__RISK_TAU_H, 1.0);
    const double prior = share * share * of->mean * of->mean *
                         (1.0 / (SPOTOPT__RISK_KAPPA * of->days_shape) + of->spread);
    const double noise = of->at_once * likely * of->hours * squares / (belief->b * belief->b);
    const double shape = rate * rate / (prior + noise);

    return shape > belief->a ? shape : belief->a; /* false for NaN */
}

void
spotopt__day_sums_add(spotopt__day_sums *sums, const spotopt__cell *cells, size_t count,
                      double events, double hours)
{
    if (!(hours > 0.0) || !(events > 0.0))
        return;
    for (size_t i = 0; i < count; i++) {
        const double mean = events * cells[i].hours / hours, off = cells[i].events - mean;

        sums->excess += cells[i].weight * (off * off - mean * (1.0 - cells[i].hours / hours));
        sums->squares += cells[i].weight * mean * mean;
        sums->noise += cells[i].weight * mean * (1.0 + 2.0 * mean);
    }
}

double
spotopt__days_shape(const spotopt__day_sums *sums, double towards)
{
    /* The family's word, 1 / towards, is good for a factor of two or so. */
    const double sureness = towards * towards,
                 seen = sums->noise > 0.0 ? sums->squares * sums->squares / sums->noise : 0.0,
                 excess = sums->squares > 0.0 ? sums->excess / sums->squares : 0.0;
    const double inverse = (seen * excess + sureness / towards) / (seen + sureness);

    return inverse > 1.0 / SPOTOPT__DAYS_SHAPE_MAX ? 1.0 / inverse : SPOTOPT__DAYS_SHAPE_MAX;
}
