/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RANDOM_MODEL_H
#define TESTS_SUPPORT_RANDOM_MODEL_H
/*
 * A model made of random numbers of plausible size: all features of the table or some, calibrators at 1, 4 and 24 h with
 * or without knots, a covariance that is one (G G' of a random G). Deterministic by seed.
 */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "risk/model.h"

/* Uniform in [0, 1). */
static inline double
random_unit(uint64_t *state)
{
    *state = spotopt__hash_mix(*state, 0x9e3779b97f4a7c15u);
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* About normal. */
static inline double
random_normal(uint64_t *state)
{
    double sum = -6.0;

    for (int i = 0; i < 12; i++)
        sum += random_unit(state);
    return sum;
}

static inline bool
random_calibrators(spotopt_model *m, bool has_knots, uint64_t *state)
{
    static const double horizons_h[] = {1.0, 4.0, 24.0};

    for (size_t c = 0; c < m->calibrator_count; c++) {
        spotopt__calibrator *is = &m->calibrators[c];

        is->horizon_h = c < 3 ? horizons_h[c] : 24.0 + 10.0 * (double)c;
        is->bias = 0.5 * random_normal(state);
        is->slope = 0.5 + random_unit(state);
        is->evidence = c > 0 ? random_unit(state) : 0.0;
        if (!has_knots)
            continue;
        if (!spotopt__model_set_knots(m, c, 6))
            return false;
        for (size_t k = 0; k < 6; k++) {
            double low = k > 0 ? is->y[k - 1] : 0.001;

            is->x[k] = (double)(k + 1) / 7.0 - 0.1 * random_unit(state);
            is->y[k] = k == 3 ? low : low + (0.999 - low) / 3.0 * random_unit(state);
        }
    }
    return true;
}

static inline spotopt_model *
random_model(spotopt_context *context, uint32_t features, size_t calibrators, bool has_knots, uint64_t seed)
{
    uint64_t state = seed * 2 + 1;
    spotopt_model *m = spotopt__model_new(context, features, calibrators);

    if (m == NULL)
        return NULL;
    const size_t order = spotopt__model_order(m);
    double g[SPOTOPT__LEADS + 128][4];

    if (order > SPOTOPT__LEADS + 128)
        abort();
    for (uint32_t f = 0; f < features; f++) {
        m->feature[f] = f;
        m->mean[f] = random_normal(&state);
        m->scale[f] = 0.5 + 2.0 * random_unit(&state);
        m->beta[f] = 0.5 * random_normal(&state);
        m->gamma[f] = 0.2 * random_normal(&state);
        for (size_t e = 0; e < SPOTOPT__EDGES; e++)
            m->edges[f * SPOTOPT__EDGES + e] = m->mean[f] + m->scale[f] * 0.3 * ((double)e - 4.0);
    }
    for (size_t k = 0; k < SPOTOPT__LEADS; k++)
        m->a[k] = -2.5 + 0.4 * random_normal(&state);
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < 4; j++)
            g[i][j] = 0.05 * random_normal(&state);
    }
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j ? 1e-4 : 0.0;

            for (size_t k = 0; k < 4; k++)
                sum += g[i][k] * g[j][k];
            m->covariance[i * order + j] = m->covariance[j * order + i] = sum;
        }
    }
    m->lost_share = 0.25 + 0.75 * random_unit(&state);
    m->from_s = 86400.0;
    m->to_s = 1555200.0;
    m->calibrate_to_s = 1900800.0;
    m->step_s = 900.0;
    m->rows = 4321;
    m->events = 321;
    m->pools = 12;
    if (!random_calibrators(m, has_knots, &state) || !spotopt__model_set_id(m, "random-1") ||
        !spotopt__model_set_limits(m, "made of random numbers") ||
        !spotopt__model_put_metric(m, "auc", 1.0, 0.8, 0.75, 0.85) ||
        !spotopt__model_put_metric(m, "ece", 1.0, 0.02, NAN, NAN)) {
        spotopt_model_free(m);
        return NULL;
    }
    return m;
}

#endif
