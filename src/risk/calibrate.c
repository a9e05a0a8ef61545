/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate.c - from the hazard's log-odds to a chance that can be believed, one horizon at a time.
 *
 * Platt's logistic map (1999) with a second input: log-odds = bias + slope * hazard's + evidence *
 * layer 2's, fitted on a later window by a ridge Newton method with slope, evidence >= 0, so that
 * no forecast turns round. A window of days holds few independent labels of a long horizon (rows a
 * quarter of an hour apart see the same drop), and levels drift from week to week; so a row weighs
 * step / horizon, and the coefficients are drawn towards where they start, as strongly as the
 * constants below say. Where they start is chosen on blocked splits of several traces: at an hour
 * the moment decides and the hazard stands alone, at a day the level does, and two forecasts of the
 * level, averaged, err less than either (Bates and Granger 1969). One hazard for all leads is a
 * little timid at short ones, so there log-odds start stretched about their mean.
 *
 * Isotonic regression, an option for long windows, pools adjacent violators (Ayer et al. 1955).
 */
#include "risk/calibrate.h"
#include <stdlib.h>
#include "risk/bounded.h"

#define BIAS_ROWS 20.0 /* independent horizons that the start counts for */
#define WEIGHT_ROWS 60.0
#define ALONE_H 4.0 /* up to here the hazard stands alone */
#define DAY_H 24.0  /* from here layer 2 has its share in full */
#define DAY_SHARE 0.6
#define HOUR_SLOPE 1.15 /* at an hour or less; 1 at a day */
#define ALONE_SLOPE 1.1
#define ROUNDS 100
#define EDGE 1e-4 /* isotonic values keep this far from 0 and 1 */

spotopt__calibrator
spotopt__calibrator_start(double horizon_h, double centre)
{
    double way = log(horizon_h / ALONE_H) / log(DAY_H / ALONE_H),
           early = log(horizon_h) / log(ALONE_H), total;

    way = way > 1.0 ? 1.0 : way > 0.0 ? way : 0.0;
    early = early > 1.0 ? 1.0 : early > 0.0 ? early : 0.0;
    total = HOUR_SLOPE + early * (ALONE_SLOPE - HOUR_SLOPE) + way * (1.0 - ALONE_SLOPE);
    if (!isfinite(centre)) { /* nothing to stretch about */
        total = 1.0;
        centre = 0.0;
    }
    return (spotopt__calibrator){.horizon_h = horizon_h,
                                 .bias = (1.0 - total) * centre,
                                 .slope = total * (1.0 - way * DAY_SHARE),
                                 .evidence = total * way * DAY_SHARE};
}

double
spotopt__calibrated(const spotopt__calibrator *calibrator, double hazard, double evidence)
{
    return calibrator->bias + calibrator->slope * hazard + calibrator->evidence * evidence;
}

/* Penalised loss at x; gradient and Hessian where wanted. */
static double
expand(const spotopt__matured *rows, const double *start, const double *x, double *g, double *h)
{
    const double ridge[3] = {BIAS_ROWS, WEIGHT_ROWS, WEIGHT_ROWS};
    double loss = 0.0;

    memset(g, 0, 3 * sizeof *g);
    memset(h, 0, 9 * sizeof *h);
    for (size_t i = 0; i < rows->count; i++) {
        const double z[3] = {1.0, rows->hazard[i], rows->evidence[i]};
        double eta = x[0] + x[1] * z[1] + x[2] * z[2], p = 1.0 / (1.0 + exp(-eta));
        double curve = rows->weight * p * (1.0 - p), miss = rows->weight * (p - rows->label[i]);

        loss += rows->weight *
                ((eta > 0.0 ? eta : 0.0) + log1p(exp(-fabs(eta))) - rows->label[i] * eta);
        for (int a = 0; a < 3; a++) {
            g[a] += miss * z[a];
            for (int b = 0; b < 3; b++)
                h[3 * a + b] += curve * z[a] * z[b];
        }
    }
    for (int a = 0; a < 3; a++) {
        loss += 0.5 * ridge[a] * (x[a] - start[a]) * (x[a] - start[a]);
        g[a] += ridge[a] * (x[a] - start[a]);
        h[4 * a] += ridge[a];
    }
    return loss;
}

bool
spotopt__calibrate(const spotopt__matured *rows, spotopt__calibrator *calibrator)
{
    static const int sign[3] = {0, 1, 1};
    const double start[3] = {calibrator->bias, calibrator->slope, calibrator->evidence};
    double x[3], g[3], h[9], d[3], work[3 * (3 + 3)];
    bool is_free[3];

    memcpy(x, start, sizeof x);
    for (int round = 0; round < ROUNDS; round++) {
        double now = expand(rows, start, x, g, h), longest = 0.0, part = 1.0, trial[3], unused[9];

        if (!isfinite(now) || !spotopt__bounded_step(3, h, g, x, sign, d, is_free, work))
            return false;
        for (int a = 0; a < 3; a++)
            longest = fabs(d[a]) > longest ? fabs(d[a]) : longest;
        for (;; part *= 0.5) {
            for (int a = 0; a < 3; a++)
                trial[a] = x[a] + part * d[a];
            if (longest < 1e-5 || part < 1e-9 || expand(rows, start, trial, g, unused) <= now)
                break;
        }
        for (int a = 0; a < 3; a++)
            x[a] = part == 1.0 && !is_free[a] ? 0.0 : trial[a];
        if (longest < 1e-10)
            break;
    }
    calibrator->bias = x[0];
    calibrator->slope = x[1];
    calibrator->evidence = x[2];
    return true;
}

typedef struct block {
    double p, label, weight; /* sums */
} block;

static int
by_p(const void *a, const void *b)
{
    double x = ((const block *)a)->p, y = ((const block *)b)->p;

    return (x > y) - (x < y);
}

static void
join(block *into, const block *from)
{
    into->p += from->p;
    into->label += from->label;
    into->weight += from->weight;
}

bool
spotopt__isotonic(spotopt_context *context, const double *p, const double *label, size_t count,
                  size_t room, double *out_x, double *out_y, size_t *out_count)
{
    block *blocks = spotopt__alloc_array(context, count + 1, sizeof *blocks);
    size_t distinct = 0, kept = 0, each, written = 0;
    double last = NAN;

    if (blocks == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        blocks[i] = (block){p[i], label[i], 1.0};
    qsort(blocks, count, sizeof *blocks, by_p);
    for (size_t i = 0; i < count; i++) { /* equal forecasts are one */
        double now = blocks[i].p;

        if (distinct > 0 && now == last)
            join(&blocks[distinct - 1], &blocks[i]);
        else
            blocks[distinct++] = blocks[i];
        last = now;
    }
    for (size_t i = 0; i < distinct; i++) {
        block now = blocks[i];

        /* A block that is not above the one before is joined with it. */
        while (kept > 0 &&
               now.label * blocks[kept - 1].weight <= blocks[kept - 1].label * now.weight)
            join(&now, &blocks[--kept]);
        blocks[kept++] = now;
    }
    /* More than there is room for: neighbours share a knot, which keeps the order. */
    each = room > 0 ? (kept + room - 1) / room : kept;
    for (size_t i = 0; i < kept && room > 0; written++) {
        block now = blocks[i++];

        for (size_t j = 1; j < each && i < kept; j++)
            join(&now, &blocks[i++]);
        out_x[written] = now.p / now.weight;
        out_y[written] = now.label / now.weight;
        out_y[written] = out_y[written] < EDGE         ? EDGE
                         : out_y[written] > 1.0 - EDGE ? 1.0 - EDGE
                                                       : out_y[written];
    }
    *out_count = written;
    spotopt__free(context, blocks);
    return true;
}
