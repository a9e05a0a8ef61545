/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_RESOURCES_H
#define SPOTOPT_MODEL_RESOURCES_H
#include "base/base.h"

/*
 * Resources by name, amounts as whole numbers in their smallest unit: cpu in millicores, everything else
 * (memory and storage in bytes, pods and devices in pieces) in units. The first four are always there.
 */
#define SPOTOPT__RESOURCES_MAX 32
enum {
    SPOTOPT__CPU,
    SPOTOPT__MEMORY,
    SPOTOPT__PODS,
    SPOTOPT__STORAGE, /* ephemeral-storage */
    SPOTOPT__RESOURCES_FIXED
};
#define SPOTOPT__AMOUNT_UNKNOWN INT64_MIN /* in a capacity: not stated by its source */
#define SPOTOPT__AMOUNT_MAX (INT64_C(1) << 52)

typedef struct spotopt__resources {
    const char *name[SPOTOPT__RESOURCES_MAX]; /* "cpu", "memory", "pods", "ephemeral-storage", "nvidia.com/gpu" */
    uint32_t count;
} spotopt__resources;

typedef struct spotopt__amounts {
    int64_t of[SPOTOPT__RESOURCES_MAX];
} spotopt__amounts;

void spotopt__resources_init(spotopt__resources *resources);
/* Index of name, added (copied into arena) when new. SPOTOPT__NONE: the table is full or no memory. */
uint32_t spotopt__resources_add(spotopt__resources *resources, spotopt__arena *arena, const char *name);
uint32_t spotopt__resources_find(const spotopt__resources *resources, const char *name);

/*
 * A Kubernetes quantity in any spelling ("100m", "1.5Gi", "2e3", "128974848", "0.5k", "1E") in the smallest unit of its
 * resource: millicores where `milli`, else whole units; fractions round up, as the scheduler does. Sums saturate at
 * SPOTOPT__AMOUNT_MAX. False: no quantity (negative ones parse; the caller judges the sign).
 */
bool spotopt__parse_quantity(const char *text, bool milli, int64_t *out);

#endif
