/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.c - the host's allocator, log, clock and thread count, shared by everything made with
 * them.
 *
 * Immutable after spotopt_context_new() but for the atomic count of holders; the last one to let go
 * gives the memory back to the allocator that it came from.
 */
#include "base/context.h"
#include "base/error.h"

enum { MAX_THREADS = 256 };

spotopt_status
spotopt_context_new(const spotopt_context_params *params, spotopt_context **out, spotopt_error *err)
{
    spotopt_context_params ours = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *made;
    spotopt_status status;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want a place for the context");
    if (params != NULL) {
        status = spotopt__copy_in(&ours, sizeof ours, params, "spotopt_context_params", err);
        if (status < 0)
            return status;
    }
    if (ours.reserved != 0)
        return spotopt__fail(err, SPOTOPT_E_VERSION,
                             "spotopt_context_params.reserved is %u; want 0",
                             (unsigned)ours.reserved);
    if (ours.threads > MAX_THREADS)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "threads is %u; want at most %d",
                             (unsigned)ours.threads, MAX_THREADS);
    if (ours.threads == 0)
        ours.threads = 1;
    if (ours.reallocate == NULL)
        ours.reallocate = spotopt__heap;

    made = ours.reallocate(ours.alloc_user, NULL, sizeof *made);
    if (made == NULL)
        return spotopt__nomem(err, "a context");
    atomic_init(&made->holders, 1);
    made->params = ours;
    *out = made;
    return SPOTOPT_OK;
}

void
spotopt_context_free(spotopt_context *context)
{
    spotopt__context_drop(context);
}

spotopt_context *
spotopt__context_hold(spotopt_context *context)
{
    if (context != NULL)
        atomic_fetch_add_explicit(&context->holders, 1, memory_order_relaxed);
    return context;
}

void
spotopt__context_drop(spotopt_context *context)
{
    if (context == NULL ||
        atomic_fetch_sub_explicit(&context->holders, 1, memory_order_acq_rel) != 1)
        return;
    (void)context->params.reallocate(context->params.alloc_user, context, 0);
}

uint32_t
spotopt__threads(const spotopt_context *context)
{
    return context == NULL ? 1 : context->params.threads;
}

void
spotopt_text_free(spotopt_context *context, char *text)
{
    spotopt__free(context, text);
}
