/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector.c - labels against selectors, taints against tolerations.
 *
 * The rules are those of Kubernetes' labels.Requirement.Matches and Toleration.ToleratesTaint. A
 * look-up of a label is a binary search; values of a requirement are walked, for there are few.
 */
#include "model/selector.h"

const char *
spotopt__labels_get(const spotopt__labels *labels, const char *key)
{
    uint32_t low = 0, high = labels->count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = strcmp(labels->at[middle].key, key);

        if (order == 0)
            return labels->at[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool
has_value(const spotopt__requirement *requirement, const char *value)
{
    for (uint32_t i = 0; i < requirement->value_count; i++) {
        if (strcmp(requirement->values[i], value) == 0)
            return true;
    }
    return false;
}

/* -1, 0, 1 as value is below, at or above the requirement's number; 2 when either is none. */
static int
compare_whole(const spotopt__requirement *requirement, const char *value)
{
    int64_t ours, theirs;

    if (requirement->value_count != 1 || !spotopt__parse_int(value, strlen(value), &ours) ||
        !spotopt__parse_int(requirement->values[0], strlen(requirement->values[0]), &theirs))
        return 2;
    return (ours > theirs) - (ours < theirs);
}

bool
spotopt__requirement_matches(const spotopt__requirement *requirement, const spotopt__labels *labels)
{
    const char *value = spotopt__labels_get(labels, requirement->key);

    switch (requirement->op) {
    case SPOTOPT__OP_IN:
        return value != NULL && has_value(requirement, value);
    case SPOTOPT__OP_NOT_IN:
        return value == NULL || !has_value(requirement, value);
    case SPOTOPT__OP_EXISTS:
        return value != NULL;
    case SPOTOPT__OP_NOT_EXISTS:
        return value == NULL;
    case SPOTOPT__OP_GT:
        return value != NULL && compare_whole(requirement, value) == 1;
    case SPOTOPT__OP_LT:
        return value != NULL && compare_whole(requirement, value) == -1;
    default:
        return false;
    }
}

bool
spotopt__selector_matches(const spotopt__selector *selector, const spotopt__labels *labels)
{
    if (selector->is_nothing)
        return false;
    for (uint32_t i = 0; i < selector->count; i++) {
        if (!spotopt__requirement_matches(&selector->at[i], labels))
            return false;
    }
    return true;
}

static bool
tolerates_one(const spotopt__toleration *toleration, const spotopt__taint *taint)
{
    if (toleration->effect != SPOTOPT__ANY_EFFECT && toleration->effect != taint->effect)
        return false;
    if (toleration->key == NULL)
        return toleration->is_exists;
    if (strcmp(toleration->key, taint->key) != 0)
        return false;
    return toleration->is_exists || strcmp(toleration->value, taint->value) == 0;
}

bool
spotopt__tolerates(const spotopt__toleration *tolerations, uint32_t count,
                   const spotopt__taint *taint)
{
    for (uint32_t i = 0; i < count; i++) {
        if (tolerates_one(&tolerations[i], taint))
            return true;
    }
    return false;
}
