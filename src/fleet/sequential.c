/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sequential.c - a test that may be looked at after every unit.
 *
 * The likelihood of the data under effects spread normally around 0 (deviation `mixture` in
 * standard deviations of a unit), over that under no effect, is a martingale where there is none,
 * so that by Ville's inequality it ever reaches 1/alpha with chance at most alpha (Robbins 1970;
 * Johari, Pekelis, Walsh 2015: mSPRT). With the variance unknown, the ratio is that of the t
 * statistic, the part of the data that neither scale nor level touches; its mixture has the closed
 * form below (Gönen, Johnson, Lu, Westfall 2005) and stays a martingale (Perez-Ortiz, Lardy,
 * de Heide, Grünwald 2024). So it is exact for normal units from the first pair on; no burn-in, no
 * plugged-in variance.
 */
#include "fleet/experiment.h"

double
spotopt__mixture_ratio(const spotopt__contrast *c, double mixture)
{
    double spread = 1.0 + c->g * mixture * mixture, tt;

    if (!(c->variance > 0.0)) /* no spread at all: any difference is certain */
        return c->effect != 0.0 ? INFINITY : 1.0 / sqrt(spread);
    tt = c->effect * c->effect * c->g / c->variance / c->df;
    return exp(0.5 * (c->df + 1.0) * (log1p(tt) - log1p(tt / spread)) - 0.5 * log(spread));
}

/* Solves ((1 + u) / (1 + u / spread))^((df + 1) / 2) = sqrt(spread) / alpha for u = t^2 / df. */
double
spotopt__mixture_radius(const spotopt__contrast *c, double mixture, double alpha)
{
    double spread = 1.0 + c->g * mixture * mixture;
    double k = exp((log(spread) - 2.0 * log(alpha)) / (c->df + 1.0));

    if (!(k < spread))
        return INFINITY;
    return sqrt(c->variance / c->g * c->df * (k - 1.0) / (1.0 - k / spread));
}
