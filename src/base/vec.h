/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_VEC_H
#define SPOTOPT_BASE_VEC_H
#include "base/alloc.h"

/* A growing array: spotopt__vec(int) list = {0}; if (!spotopt__vec_push(ctx, &list, 7)) goto nomem; */
#define spotopt__vec(T)                                                                        \
    struct {                                                                                   \
        T *at;                                                                                 \
        size_t count, room;                                                                    \
    }

bool spotopt__vec_reserve_(spotopt_context *context, void **at, size_t *room, size_t want, size_t size);

/* Room for `more` further elements; false when there is no memory. */
#define spotopt__vec_reserve(context, vec, more)                                               \
    ((vec)->count + (more) <= (vec)->room ||                                                   \
     spotopt__vec_reserve_(context, (void **)(void *)&(vec)->at, &(vec)->room, (vec)->count + (more), \
                           sizeof *(vec)->at))
#define spotopt__vec_push(context, vec, ...)                                                   \
    (spotopt__vec_reserve(context, vec, 1) && ((vec)->at[(vec)->count++] = (__VA_ARGS__), true))
#define spotopt__vec_free(context, vec)                                                        \
    (spotopt__free(context, (vec)->at), (vec)->at = NULL, (vec)->count = (vec)->room = 0)

#endif
