/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_CONTEXT_H
#define SPOTOPT_BASE_CONTEXT_H
/* What a context is, for alloc.c, clock.c, context.c and log.c alone. */
#include <stdatomic.h>
#include "base/alloc.h"

struct spotopt_context {
    atomic_size_t holders; /* the one thing that changes */
    spotopt_context_params params;
};

/* The C heap behind the signature of spotopt_realloc_fn. */
void *spotopt__heap(void *user, void *ptr, size_t size);

#endif
