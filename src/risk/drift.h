/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_DRIFT_H
#define SPOTOPT_RISK_DRIFT_H
#include "risk/risk.h"

/*
 * Fills risk->drift from the rows that layer 3 forecasts, where they are enough; *out_has_drifted: some feature's PSI is
 * above the limit. False: out of memory.
 */
bool spotopt__drift_features(spotopt_risk *risk, bool *out_has_drifted);
/* Population stability index of values against edges of ten bins of equal share. */
double spotopt__psi(const double *edges, const double *x, size_t count);

/* --- cusum.c --- */
/*
 * Two-sided CUSUM over blocks of whole days. Day d, from first_day on, has the residuals' sum `residual[d]`, their
 * variance `variance[d]`, were they independent, as the model has it. Overwrites both.
 */
spotopt_cusum spotopt__cusum(double *residual, double *variance, size_t days, double first_day_s);
/* Fills risk->cusum from what came after the model's calibration, up to risk->now_s. False: out of memory. */
bool spotopt__drift_labels(spotopt_risk *risk, const spotopt_history *history, const spotopt_catalog *catalog,
                           double days);

#endif
