/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_MODEL_H
#define SPOTOPT_RISK_MODEL_H
#include <stdatomic.h>

#include "risk/features.h"
#include "spotopt/model.h"

/* Upper edges of the lead bins in hours; the first begins at 0, the last hazard goes on beyond. */
#define SPOTOPT__LEADS 8
extern const double spotopt__lead_h[SPOTOPT__LEADS]; /* 1/4 1/2 1 2 4 8 16 24 */

/*
 * logit p_H = bias + slope * logit(hazard's p_H) + evidence * logit(layer 2's p_drop_H), then, where knots are given, a
 * non-decreasing piecewise linear map of p, held beyond the outermost. slope, evidence >= 0. Horizons ascend, and so do
 * their p by a cumulative maximum; between two of them the log-odds are interpolated in ln H; before the first and
 * after the last the coefficients are held. Hence p_H never falls with H, for any H.
 */
typedef struct spotopt__calibrator {
    double horizon_h;
    double bias, slope, evidence;
    size_t knots; /* 0: none */
    double *x, *y;
} spotopt__calibrator;

/* A number of the card: metric such as "auc", "bss", "ece" at a horizon; low, high NaN where there is no interval. */
typedef struct spotopt__card_entry {
    const char *metric;
    double horizon_h, value, low, high;
} spotopt__card_entry;

/* One discrete-time logistic hazard: logit h_k = a_k + beta'z + gamma'z * ln(lead_k) / 2, z = (x - mean) / scale. */
struct spotopt_model {
    spotopt_context *context;
    atomic_size_t holders; /* the one thing that changes */
    spotopt__arena arena; /* all that follows */
    const char *id;       /* 1..64 of [A-Za-z0-9._-] */
    bool is_availability; /* trained on launch probes, not on held nodes */
    uint32_t feature_count;
    uint32_t *feature; /* of the table of features */
    double *mean, *scale, *beta, *gamma;
    double a[SPOTOPT__LEADS];
    /* Cluster-robust (pool-day) covariance of (a, beta, gamma), full, row by row, order = LEADS + 2 feature_count. */
    double *covariance;
    spotopt__calibrator *calibrators;
    size_t calibrator_count;
    /*
     * Layer 2 of a pool's drops, frozen as the calibrators met it: p_drop_H = 1 - (B / (B + H))^A, A = kappa alpha + D,
     * B = kappa alpha / mean + E with the D and E of spotopt__features_at(). All > 0. A prior that was fitted anew with
     * each forecast would let one more drop lower a risk.
     */
    double evidence_tau_h, evidence_kappa, evidence_alpha, evidence_mean;
    double lost_share; /* share of a pool's nodes that one drop takes, 0..1: node risk from pool risk */
    /* The card: what it was made of, and how it did. */
    double from_s, to_s, calibrate_to_s, step_s;
    char history_sha256[65];
    char sha256[65]; /* of the document it was read from; "" where it was not */
    uint64_t rows, events, pools; /* decisions fitted, drops among them, pools */
    spotopt__vec(spotopt__card_entry) metrics;
    const char *limits; /* in words: what it does not know */
    /* Spread of each feature in the fit window, for drift: 10 bins of equal share, their 9 edges in x. */
    double *edges; /* SPOTOPT__EDGES * feature_count */
};

#define SPOTOPT__EDGES 9
#define SPOTOPT__CALIBRATORS_MAX 64
#define SPOTOPT__KNOTS_MAX 1024
#define SPOTOPT__CARD_METRICS_MAX 1024
#define SPOTOPT__MODEL_SCHEMA 1 /* version of the document */

/* --- model.c --- */
/*
 * A model whose arrays are there, all zero but scale (1), slope (1), lost_share (1) and layer 2's numbers, which are the
 * shipped ones; id "model", limits "". NULL: out of memory. Give back with spotopt_model_free().
 */
spotopt_model *spotopt__model_new(spotopt_context *context, uint32_t feature_count, size_t calibrator_count);
/* The same model for one more holder, who gives it back with spotopt_model_free(). */
const spotopt_model *spotopt__model_hold(const spotopt_model *model);
/* Of the document it was read from, or of the one it would be written as. False: out of memory. */
bool spotopt__model_sha256(const spotopt_model *model, char out[65]);
/* Room for a calibrator's knots, in the model's memory. */
bool spotopt__model_set_knots(spotopt_model *model, size_t calibrator, size_t knots);
/* Copies. False: out of memory. */
bool spotopt__model_set_id(spotopt_model *model, const char *id);
bool spotopt__model_set_limits(spotopt_model *model, const char *limits);
/* Adds a number to the card, or replaces the one of that metric and horizon. */
bool spotopt__model_put_metric(spotopt_model *model, const char *metric, double horizon_h, double value, double low,
                               double high);
/* 1 to 64 of A-Z a-z 0-9 . _ - */
bool spotopt__is_model_id(const char *text);
/* Order of the covariance. */
static inline size_t
spotopt__model_order(const spotopt_model *model)
{
    return SPOTOPT__LEADS + 2 * (size_t)model->feature_count;
}

#endif
