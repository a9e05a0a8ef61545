/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_CALIBRATE_H
#define SPOTOPT_RISK_CALIBRATE_H
#include "risk/model.h"

/* Forecasts of one horizon and what came true: log-odds by the hazard and by layer 2, and 0 or 1. */
typedef struct spotopt__matured {
    size_t count;
    const double *hazard, *evidence, *label;
    double weight; /* of a row, in independent horizons: step over horizon, at most 1 */
} spotopt__matured;

/*
 * What is believed of a horizon's calibrator before any label: the hazard alone up to 4 h, then ever more of layer 2;
 * a little stretched at short horizons, about log-odds `centre` (NaN: not known, and nothing is stretched).
 */
spotopt__calibrator spotopt__calibrator_start(double horizon_h, double centre);
/* Fits bias, slope and evidence, drawn towards what they are. False: not even a number. */
bool spotopt__calibrate(const spotopt__matured *rows, spotopt__calibrator *calibrator);
/* The calibrator's log-odds, knots left aside. */
double spotopt__calibrated(const spotopt__calibrator *calibrator, double hazard, double evidence);
/*
 * Isotonic regression of labels on p: at most `room` knots of a non-decreasing map, x ascending, *out_count of them.
 * False: out of memory.
 */
bool spotopt__isotonic(spotopt_context *context, const double *p, const double *label, size_t count, size_t room,
                       double *out_x, double *out_y, size_t *out_count);

#endif
