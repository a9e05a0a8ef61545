/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc.c - all memory of the library.
 *
 * The only file that says malloc, and only where the context brings no allocator of its own. Sizes
 * are multiplied here, once and checked; a request beyond PTRDIFF_MAX is refused before an
 * allocator sees it. A request for nothing gives a pointer all the same, so that NULL always means
 * "none left".
 */
#include <stdlib.h>
#include <string.h>

#include "base/context.h"

void *
spotopt__heap(void *user, void *ptr, size_t size)
{
    (void)user;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return ptr == NULL ? malloc(size) : realloc(ptr, size);
}

static void *
reallocate(const spotopt_context *context, void *ptr, size_t size)
{
    if (context == NULL)
        return spotopt__heap(NULL, ptr, size);
    return context->params.reallocate(context->params.alloc_user, ptr, size);
}

/* False when the product is more than any object can be; an empty array takes a byte. */
static bool
multiply(size_t count, size_t size, size_t *out)
{
    if (size != 0 && count > (size_t)PTRDIFF_MAX / size)
        return false;
    *out = count * size;
    if (*out == 0)
        *out = 1;
    return true;
}

void *
spotopt__alloc(spotopt_context *context, size_t size)
{
    return spotopt__alloc_array(context, 1, size);
}

void *
spotopt__alloc_array(spotopt_context *context, size_t count, size_t size)
{
    size_t bytes;
    void *made;

    if (!multiply(count, size, &bytes))
        return NULL;
    if (context == NULL || context->params.reallocate == spotopt__heap)
        return calloc(1, bytes); /* fresh pages are zero already */
    made = reallocate(context, NULL, bytes);
    if (made != NULL)
        memset(made, 0, bytes);
    return made;
}

void *
spotopt__resize_array(spotopt_context *context, void *ptr, size_t count, size_t size)
{
    size_t bytes;

    if (!multiply(count, size, &bytes))
        return NULL;
    return reallocate(context, ptr, bytes);
}

void *
spotopt__dup_array(spotopt_context *context, const void *from, size_t count, size_t size)
{
    size_t bytes;
    void *made;

    if (!multiply(count, size, &bytes))
        return NULL;
    made = reallocate(context, NULL, bytes);
    if (made == NULL)
        return NULL;
    if (count * size > 0)
        memcpy(made, from, count * size);
    else
        memset(made, 0, bytes);
    return made;
}

char *
spotopt__dup_text(spotopt_context *context, const char *text)
{
    return spotopt__dup_array(context, text, strlen(text) + 1, 1);
}

void
spotopt__free(spotopt_context *context, void *ptr)
{
    if (ptr != NULL)
        (void)reallocate(context, ptr, 0);
}
