/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a model. What is accepted is safe to score with, and is written as it was read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "risk/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static void
check(const spotopt_model *m)
{
    const size_t order = spotopt__model_order(m);

    NEED(m->feature_count <= spotopt__feature_count && spotopt__is_model_id(m->id));
    for (uint32_t f = 0; f < m->feature_count; f++) {
        NEED(m->feature[f] < spotopt__feature_count && m->scale[f] > 0.0);
        NEED(isfinite(m->mean[f]) && isfinite(m->beta[f]) && isfinite(m->gamma[f]));
    }
    for (size_t i = 0; i < order; i++) {
        NEED(m->covariance[i * order + i] >= 0.0);
        for (size_t j = 0; j < i; j++)
            NEED(m->covariance[i * order + j] == m->covariance[j * order + i]);
    }
    for (size_t c = 0; c < m->calibrator_count; c++) {
        const spotopt__calibrator *is = &m->calibrators[c];

        NEED(c == 0 || is->horizon_h > is[-1].horizon_h);
        NEED(is->slope >= 0.0 && is->evidence >= 0.0 && is->knots != 1);
        for (size_t k = 1; k < is->knots; k++)
            NEED(is->x[k] > is->x[k - 1] && is->y[k] >= is->y[k - 1]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_model *model = NULL, *again = NULL;
    char *text = NULL, *text_again = NULL;
    size_t length = 0, length_again = 0;
    const spotopt_status status =
        spotopt_model_parse(NULL, (const char *)data, size, "f", &model, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && model == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    check(model);
    NEED(spotopt_model_write(model, &text, &length, &err) == SPOTOPT_OK);
    NEED(spotopt_model_parse(NULL, text, length, "f", &again, &err) == SPOTOPT_OK);
    NEED(spotopt_model_write(again, &text_again, &length_again, &err) == SPOTOPT_OK);
    NEED(length == length_again && memcmp(text, text_again, length) == 0);
    spotopt_text_free(NULL, text);
    spotopt_text_free(NULL, text_again);
    spotopt_model_free(model);
    spotopt_model_free(again);
    return 0;
}
