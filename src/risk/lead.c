/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.c - one row's forecast, step by step: hazard, layer 2, calibrator, each with its slopes.
 *
 * With odds e_k = exp(logit h_k) the chance of no drop within H is 1 / prod (1 + e_k)^share_k, so
 * that logit p_H = ln(prod (1 + e_k)^share_k - 1): no difference of nearly equal numbers, whatever
 * the size of p. forecast.c does the same for many rows at once; here it is written as plainly as
 * possible, for explanations and to compare with.
 */
#include "risk/forecast.h"

void
spotopt__lead_shares(double horizon_h, double share[SPOTOPT__LEADS])
{
    for (size_t k = 0; k < SPOTOPT__LEADS; k++) {
        double from = k > 0 ? spotopt__lead_h[k - 1] : 0.0, to = spotopt__lead_h[k];

        share[k] = horizon_h >= to     ? 1.0
                   : horizon_h <= from ? 0.0
                                       : (horizon_h - from) / (to - from);
        if (k == SPOTOPT__LEADS - 1 && horizon_h > to)
            share[k] = (horizon_h - from) / (to - from);
    }
}

/* ln(e^x - 1), x > 0. */
static double
log_expm1(double x)
{
    return x > 30.0 ? x + log1p(-exp(-x)) : log(expm1(x));
}

double
spotopt__evidence_logit(const spotopt_model *model, double drops, double hours, double horizon_h)
{
    double a = model->evidence_kappa * model->evidence_alpha + drops,
           b = model->evidence_kappa * model->evidence_alpha / model->evidence_mean + hours;
    double lambda = a * log1p(horizon_h / b);

    return log_expm1(lambda < SPOTOPT__LAMBDA_MAX ? lambda : SPOTOPT__LAMBDA_MAX);
}

double
spotopt__hazard_logit(const spotopt_model *model, double s, double r, double horizon_h,
                      double *out_by_s, double *out_by_r, uint32_t *out_piece)
{
    uint32_t piece = 0;
    double share[SPOTOPT__LEADS], lambda = 0.0, by_s = 0.0, by_r = 0.0;

    spotopt__lead_shares(horizon_h, share);
    for (size_t k = 0; k < SPOTOPT__LEADS && share[k] > 0.0; k++) {
        double half_log_lead = 0.5 * log(spotopt__lead_h[k]);
        double eta = model->a[k] + s + half_log_lead * r, part;
        bool is_held = !(eta > SPOTOPT__ETA_MIN && eta < SPOTOPT__ETA_MAX);

        eta = !(eta < SPOTOPT__ETA_MAX) ? SPOTOPT__ETA_MAX
              : eta < SPOTOPT__ETA_MIN  ? SPOTOPT__ETA_MIN
                                        : eta;
        part = share[k] * log1p(exp(eta));
        if (part > SPOTOPT__LAMBDA_MAX) {
            part = SPOTOPT__LAMBDA_MAX;
            is_held = true;
        }
        lambda += part;
        piece = piece << 1 | (is_held ? 1 : 0);
        if (!is_held) {
            double w = share[k] / (1.0 + exp(-eta));

            by_s += w;
            by_r += w * half_log_lead;
        }
    }
    if (out_piece != NULL)
        *out_piece = piece;
    /* d ln(e^x - 1) / dx = 1 / (1 - e^-x) = 1 / p_H */
    if (out_by_s != NULL)
        *out_by_s = by_s / -expm1(-lambda);
    if (out_by_r != NULL)
        *out_by_r = by_r / -expm1(-lambda);
    return log_expm1(lambda);
}

/* The knots' piece that holds p: index of its right end, 0 or `knots` beyond the outermost. */
static size_t
piece_of(const spotopt__calibrator *c, double p)
{
    size_t low = 0, high = c->knots;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c->x[middle] <= p)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double
spotopt__apply_calibrator(const spotopt__calibrator *c, double hazard, double evidence,
                          double *out_by_hazard, double *out_by_evidence, uint32_t *out_piece)
{
    uint32_t piece = 0;
    double u = hazard, by_hazard = 1.0, by_evidence = 0.0;

    if (c != NULL) {
        u = c->bias + c->slope * hazard + c->evidence * evidence;
        by_hazard = c->slope;
        by_evidence = c->evidence;
    }
    if (c != NULL && c->knots > 0) {
        double p = 1.0 / (1.0 + exp(-u)), y, slope = 0.0;
        size_t k = piece_of(c, p);

        piece = 2 * (uint32_t)k;
        if (k == 0 || k == c->knots)
            y = c->y[k == 0 ? 0 : k - 1];
        else {
            slope = (c->y[k] - c->y[k - 1]) / (c->x[k] - c->x[k - 1]);
            y = c->y[k - 1] + slope * (p - c->x[k - 1]);
        }
        if (y < SPOTOPT__MAPPED_MIN || y > 1.0 - SPOTOPT__MAPPED_MIN) {
            y = y < 0.5 ? SPOTOPT__MAPPED_MIN : 1.0 - SPOTOPT__MAPPED_MIN;
            slope = 0.0;
            piece++;
        }
        u = log(y / (1.0 - y));
        slope *= p * (1.0 - p) / (y * (1.0 - y));
        by_hazard *= slope;
        by_evidence *= slope;
    }
    if (out_piece != NULL)
        *out_piece = piece;
    if (out_by_hazard != NULL)
        *out_by_hazard = by_hazard;
    if (out_by_evidence != NULL)
        *out_by_evidence = by_evidence;
    return u;
}
