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

#endif
