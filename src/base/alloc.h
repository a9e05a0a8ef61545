/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_ALLOC_H
#define SPOTOPT_BASE_ALLOC_H
#include <stdbool.h>
#include "spotopt/context.h"

/* All memory goes through these; context NULL means the C heap. Fresh memory is zeroed. NULL: none left. */
void *spotopt__alloc(spotopt_context *context, size_t size);
void *spotopt__alloc_array(spotopt_context *context, size_t count, size_t size);
void *spotopt__resize_array(spotopt_context *context, void *ptr, size_t count, size_t size); /* tail not zeroed */
void *spotopt__dup_array(spotopt_context *context, const void *from, size_t count, size_t size);
char *spotopt__dup_text(spotopt_context *context, const char *text);
void spotopt__free(spotopt_context *context, void *ptr);

/* A context lives until its last holder lets go. Both accept NULL. */
spotopt_context *spotopt__context_hold(spotopt_context *context);
void spotopt__context_drop(spotopt_context *context);

/* Seconds by the context's clock. */
double spotopt__clock(const spotopt_context *context);
uint32_t spotopt__threads(const spotopt_context *context);
bool spotopt__logs(const spotopt_context *context);
void spotopt__log(const spotopt_context *context, int32_t level, const char *format, ...)
    SPOTOPT_PRINTF(3, 4);

#endif
