/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_HAZARD_H
#define SPOTOPT_RISK_HAZARD_H
#include "base/base.h"
#include "risk/model.h"

/*
 * Rows to fit a hazard to, features standardised and row by row: z[i * features + f]. Row i was watched through its
 * first `bins[i]` lead bins (0..8); is_hit[i]: a node was lost in the last of them. Rows of a cluster lie together.
 */
typedef struct spotopt__hazard_rows {
    size_t count;
    uint32_t features;
    const double *z;
    const uint8_t *bins, *is_hit;
    const uint32_t *cluster;
    const int *sign;      /* by feature: its effect at every lead is >= 0 (1), <= 0 (-1), free (0) */
    const bool *is_fading; /* by feature: its effect at the longest lead is 0 */
    double ridge;         /* of |beta|^2 / 2 + |gamma|^2 / 2 */
} spotopt__hazard_rows;

/* The caller's arrays, filled by the fit. */
typedef struct spotopt__hazard {
    double a[SPOTOPT__LEADS];
    double *beta, *gamma; /* by feature */
    double *covariance;   /* of (a, beta, gamma), cluster-robust; row by row; NULL: not wanted */
    double objective;     /* penalised negative log-likelihood */
    uint32_t rounds;
} spotopt__hazard;

/* The bins of a moment whose pool drops next after drop_s and is watched for watched_s, both seconds ahead. */
uint8_t spotopt__hazard_bins(double drop_s, double watched_s, bool *out_is_hit);
/* How far lead bin k is towards the longest lead, 0..1, in ln(lead). */
double spotopt__hazard_reach(int k);
/* SPOTOPT_E_NOMEM, SPOTOPT_E_CANCELLED or SPOTOPT_E_INTERNAL (no finite optimum: only without a ridge). */
spotopt_status spotopt__hazard_fit(spotopt_context *context, const spotopt__hazard_rows *rows,
                                   spotopt__budget *budget, spotopt__hazard *out, spotopt_error *err);

#endif
