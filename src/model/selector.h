/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_SELECTOR_H
#define SPOTOPT_MODEL_SELECTOR_H
#include "base/base.h"

/* Labels, selectors and everything of Kubernetes that matches one against the other. Texts live in the owner's arena. */
typedef struct spotopt__label {
    const char *key, *value;
} spotopt__label;

typedef struct spotopt__labels {
    const spotopt__label *at; /* ascending by key, keys once */
    uint32_t count;
} spotopt__labels;

enum {
    SPOTOPT__OP_IN,
    SPOTOPT__OP_NOT_IN, /* true where the key is absent */
    SPOTOPT__OP_EXISTS,
    SPOTOPT__OP_NOT_EXISTS,
    SPOTOPT__OP_GT, /* node labels only; both sides whole numbers */
    SPOTOPT__OP_LT
};

typedef struct spotopt__requirement {
    const char *key;
    const char *const *values;
    uint32_t value_count;
    int32_t op;
} spotopt__requirement;

/* All requirements must hold. No requirements: everything matches, unless is_nothing (a nil selector). */
typedef struct spotopt__selector {
    const spotopt__requirement *at;
    uint32_t count;
    bool is_nothing;
} spotopt__selector;

typedef struct spotopt__taint {
    const char *key, *value;
    int32_t effect; /* SPOTOPT__NO_... */
} spotopt__taint;
enum {
    SPOTOPT__NO_SCHEDULE,
    SPOTOPT__PREFER_NO_SCHEDULE,
    SPOTOPT__NO_EXECUTE,
    SPOTOPT__ANY_EFFECT = -1 /* in a toleration */
};

typedef struct spotopt__toleration {
    const char *key; /* NULL: every key (with is_exists) */
    const char *value;
    int32_t effect;
    bool is_exists;
} spotopt__toleration;

const char *spotopt__labels_get(const spotopt__labels *labels, const char *key); /* NULL: absent */
bool spotopt__requirement_matches(const spotopt__requirement *requirement, const spotopt__labels *labels);
bool spotopt__selector_matches(const spotopt__selector *selector, const spotopt__labels *labels);
bool spotopt__tolerates(const spotopt__toleration *tolerations, uint32_t count, const spotopt__taint *taint);

#endif
