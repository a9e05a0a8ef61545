/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_FORECAST_H
#define SPOTOPT_RISK_FORECAST_H
#include "risk/risk.h"

/* Pools at a moment, as columns. */
typedef struct spotopt__rows {
    size_t count;
    size_t stride;   /* between columns of x, >= count */
    const double *x; /* of the table of features: feature f of row i is x[f * stride + i] */
    /* Layer 2's, as spotopt__features_at() gives them: decayed drops, and hours with nodes up. NULL: none. */
    const double *drops, *hours;
} spotopt__rows;

/* --- forecast.c --- */
/*
 * p_drop_H of every row for horizons in hours, each > 0, in any order: out_p[h * count + i]; out_low and out_high
 * likewise, or both NULL, which is quicker. low <= p <= high; p never falls with H. Memory is taken once a call and
 * does not depend on count. False: out of memory.
 */
bool spotopt__forecast(const spotopt_model *model, const spotopt__rows *rows, const double *horizons_h,
                       size_t horizon_count, double *out_p, double *out_low, double *out_high);

/* --- lead.c --- */
/* How much of each lead bin lies before a horizon: 1, a part, 0; of the last more than 1 beyond it. */
void spotopt__lead_shares(double horizon_h, double share[SPOTOPT__LEADS]);
/* logit of layer 2's p_drop_H, as the model's calibrators meet it. */
double spotopt__evidence_logit(const spotopt_model *model, double drops, double hours, double horizon_h);
/*
 * logit of the hazard's p_H, and where not NULL its slopes by s = beta'z and r = gamma'z. Slopes are smooth within a
 * piece, which *out_piece numbers.
 */
double spotopt__hazard_logit(const spotopt_model *model, double s, double r, double horizon_h, double *out_by_s,
                             double *out_by_r, uint32_t *out_piece);
/* A calibrator's logit p_H, and where not NULL its slopes by the hazard's and by layer 2's. NULL calibrator: as it is. */
double spotopt__apply_calibrator(const spotopt__calibrator *calibrator, double hazard, double evidence, double *out_by_hazard,
                                 double *out_by_evidence, uint32_t *out_piece);

#define SPOTOPT__ETA_MIN (-60.0) /* log-odds of a hazard stay within */
#define SPOTOPT__ETA_MAX 30.0
#define SPOTOPT__LAMBDA_MAX 400.0 /* -ln of the chance of no drop, of one bin */
#define SPOTOPT__MAPPED_MIN 1e-9  /* p that knots give */

/* --- explain.c --- */
/*
 * Contributions to the log-odds of p_drop_H of a row with standardised features z (by the model's): feature_count
 * numbers and then layer 2's. They add up to *out_total - *out_base, those of the mean row with layer 2's prior.
 */
void spotopt__explain(const spotopt_model *model, const double *z, double drops, double hours, double horizon_h,
                      double *out, double *out_base, double *out_total);

#endif
