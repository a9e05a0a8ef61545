/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drift.c - is what a model meets still what it was fitted to?
 *
 * Per feature, the population stability index sum (q_b - p_b) ln(q_b / p_b) over the ten bins that
 * held equal shares p_b of the fit window, q_b the share of the pools now (Siddiqi, "Credit Risk
 * Scorecards", 2006). Above 0.25 a population counts as another one. By chance alone its mean is
 * about bins / n for n pools (Yurdakul 2018), so with few of them nothing can be said, and the
 * limit grows by three times that. Bins that the fit window left empty, where many values are
 * equal, are joined: what it cannot tell apart is no drift.
 */
#include "risk/drift.h"

#define PSI_MAX 0.25
#define POOLS_MIN 30

enum { BINS = SPOTOPT__EDGES + 1 };

double
spotopt__psi(const double *edges, const double *x, size_t count)
{
    size_t bin_of[BINS], seen[BINS] = {0}, bins = 0;
    double want[BINS] = {0.0}, psi = 0.0;

    /* Equal edges bound bins that hold nothing; their share lies in the bin they end in. */
    for (size_t b = 0; b < BINS; b++) {
        bin_of[b] = bins;
        want[bins] += 1.0 / BINS;
        if (b == SPOTOPT__EDGES || b + 1 == SPOTOPT__EDGES || edges[b + 1] > edges[b])
            bins++;
    }
    for (size_t i = 0; i < count; i++) {
        size_t low = 0, high = SPOTOPT__EDGES;

        while (low < high) {
            size_t middle = (low + high) / 2;

            if (edges[middle] < x[i])
                low = middle + 1;
            else
                high = middle;
        }
        seen[bin_of[low]]++;
    }
    for (size_t b = 0; b < bins; b++) {
        /* Half a pool more in each bin, so that an empty one stays finite. */
        double q = ((double)seen[b] + 0.5) / ((double)count + 0.5 * (double)bins);

        psi += (q - want[b]) * log(q / want[b]);
    }
    return psi;
}

bool
spotopt__drift_features(spotopt_risk *risk, bool *out_has_drifted)
{
    const spotopt_model *model = risk->model;

    *out_has_drifted = false;
    if (risk->rows < POOLS_MIN || model->feature_count == 0)
        return true;
    risk->drift = spotopt__alloc_array(risk->context, model->feature_count, sizeof *risk->drift);
    if (risk->drift == NULL)
        return false;
    for (uint32_t f = 0; f < model->feature_count; f++) {
        const double *edges = model->edges + SPOTOPT__EDGES * (size_t)f;
        const bool is_known = !isnan(edges[0]) && edges[SPOTOPT__EDGES - 1] > edges[0];

        risk->drift[f] =
            is_known ? spotopt__psi(edges, risk->x + model->feature[f] * risk->rows, risk->rows)
                     : NAN;
        if (risk->drift[f] > PSI_MAX + 3.0 * BINS / (double)risk->rows) /* false for NaN */
            *out_has_drifted = true;
    }
    return true;
}
