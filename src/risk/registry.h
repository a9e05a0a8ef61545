/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_REGISTRY_H
#define SPOTOPT_RISK_REGISTRY_H
#include "base/base.h"
#include "spotopt/registry.h"

typedef struct spotopt__kept_model {
    const char *id, *author, *reason, *document;
    size_t document_length;
    int64_t uploaded_ms, changed_ms;
    int32_t state;
    bool was_current;
} spotopt__kept_model;

struct spotopt_registry {
    spotopt_context *context;
    spotopt__arena arena; /* texts */
    spotopt__vec(spotopt__kept_model) models;
    spotopt__map by_id;
    size_t current; /* SIZE_MAX: none */
};

extern const char *const spotopt__model_states[]; /* by state; [0] is NULL */
/* Why a model may not go from a state (0: not there) to another; NULL: it may. */
const char *spotopt__state_refusal(const spotopt__kept_model *model, int32_t to);

#endif
