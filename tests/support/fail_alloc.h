/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FAIL_ALLOC_H
#define TESTS_SUPPORT_FAIL_ALLOC_H
/*
 * An allocator that counts, and fails on demand. Every allocation gets its turn:
 *
 *   fail_alloc allocator = FAIL_ALLOC_INIT;
 *   size_t n = 0;
 *   do {
 *       fail_after(&allocator, n++);
 *       status = build_and_solve(&allocator); // makes its context with fail_alloc_context()
 *       CU_ASSERT_EQUAL(allocator.live, 0);
 *   } while (status == SPOTOPT_E_NOMEM);
 *
 * Once the allowance is used up, everything fails, until the next fail_after(); after fail_once(),
 * one allocation alone fails, and what follows must cope with the hole. Fresh and freed
 * memory is filled with 0xa5, so that nobody reads what was never written or is gone. Safe from
 * many threads.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spotopt/context.h"

typedef struct fail_alloc {
    atomic_size_t live;    /* blocks out */
    atomic_size_t allowed; /* allocations still to succeed; SIZE_MAX: all */
    atomic_size_t calls;   /* allocations and resizes asked for since fail_after() */
    atomic_size_t failed;  /* of them refused */
    atomic_bool recovers;  /* after one refusal */
} fail_alloc;

#define FAIL_ALLOC_INIT                                                                            \
    {                                                                                              \
        0, SIZE_MAX, 0, 0, false                                                                   \
    }

static inline void
fail_after(fail_alloc *allocator, size_t count)
{
    allocator->allowed = count;
    allocator->calls = allocator->failed = 0;
    allocator->recovers = false;
}

static inline void
fail_once(fail_alloc *allocator, size_t count)
{
    fail_after(allocator, count);
    allocator->recovers = true;
}

static inline void
fail_never(fail_alloc *allocator)
{
    fail_after(allocator, SIZE_MAX);
}

/* A spotopt_realloc_fn; user is the fail_alloc. A head of 16 bytes holds the size. */
static inline void *
fail_alloc_reallocate(void *user, void *ptr, size_t size)
{
    enum { HEAD = 16 };
    fail_alloc *allocator = user;
    unsigned char *old = ptr == NULL ? NULL : (unsigned char *)ptr - HEAD, *made;
    size_t old_size = 0, allowed;

    if (old != NULL)
        memcpy(&old_size, old, sizeof old_size);
    if (size == 0) {
        if (old != NULL) {
            memset(old, 0xa5, old_size + HEAD);
            free(old);
            allocator->live--;
        }
        return NULL;
    }
    allocator->calls++;
    allowed = allocator->allowed;
    while (allowed != SIZE_MAX && allowed > 0 &&
           !atomic_compare_exchange_weak(&allocator->allowed, &allowed, allowed - 1)) {
    }
    if (allowed == 0 || size > SIZE_MAX - HEAD || (made = malloc(size + HEAD)) == NULL) {
        allocator->failed++;
        if (allocator->recovers)
            allocator->allowed = SIZE_MAX;
        return NULL;
    }
    memcpy(made, &size, sizeof size);
    memset(made + HEAD, 0xa5, size);
    if (old != NULL) { /* always moves, so that nobody keeps the old address */
        memcpy(made + HEAD, old + HEAD, old_size < size ? old_size : size);
        memset(old, 0xa5, old_size + HEAD);
        free(old);
    } else
        allocator->live++;
    return made + HEAD;
}

/* A context on the allocator, itself its first block; NULL when that failed. */
static inline spotopt_context *
fail_alloc_context(fail_alloc *allocator)
{
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;

    params.reallocate = fail_alloc_reallocate;
    params.alloc_user = allocator;
    return spotopt_context_new(&params, &context, NULL) < 0 ? NULL : context;
}

#endif
