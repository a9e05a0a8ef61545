/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moments.c - two arms' means, spreads and their difference with a covariate taken out.
 *
 * Running means and sums of products (Welford 1962), by arm, so that every prefix of a stream costs
 * one step. The contrast is that of the least-squares fit y = mean of the arm + slope * x, whose
 * slope is the one within arms: the difference of means adjusted as CUPED adjusts it (Deng, Xu,
 * Kohavi, Walker 2013).
 */
#include "fleet/experiment.h"

void
spotopt__moments_add(spotopt__moments *m, uint32_t arm, double y, double x)
{
    double dy = y - m->y[arm], dx = x - m->x[arm];

    m->n[arm] += 1.0;
    m->y[arm] += dy / m->n[arm];
    m->x[arm] += dx / m->n[arm];
    m->yy[arm] += dy * (y - m->y[arm]);
    m->xx[arm] += dx * (x - m->x[arm]);
    m->xy[arm] += dx * (y - m->y[arm]);
}

double
spotopt__moments_slope(const spotopt__moments *m)
{
    double xx = m->xx[0] + m->xx[1];

    return xx > 0.0 ? (m->xy[0] + m->xy[1]) / xx : 0.0;
}

bool
spotopt__moments_contrast(const spotopt__moments *m, spotopt__contrast *out)
{
    double xx = m->xx[0] + m->xx[1], yy = m->yy[0] + m->yy[1];
    double slope = spotopt__moments_slope(m), dx = m->x[1] - m->x[0];

    if (m->n[0] < 1.0 || m->n[1] < 1.0)
        return false;
    out->df = m->n[0] + m->n[1] - (xx > 0.0 ? 3.0 : 2.0);
    if (!(out->df > 0.0))
        return false;
    out->effect = m->y[1] - m->y[0] - slope * dx;
    out->variance = fmax(0.0, yy - slope * (m->xy[0] + m->xy[1])) / out->df;
    out->g = 1.0 / (1.0 / m->n[0] + 1.0 / m->n[1] + (xx > 0.0 ? dx * dx / xx : 0.0));
    return true;
}
