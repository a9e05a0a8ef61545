/* SPDX-License-Identifier: Apache-2.0 */
/* vec.c - growing arrays: room doubles, so that a push costs constant time on average. */
#include "base/vec.h"

bool
spotopt__vec_reserve_(spotopt_context *context, void **at, size_t *room, size_t want, size_t size)
{
    size_t larger = *room < 8 ? 8 : *room > SIZE_MAX / 2 ? want : 2 * *room;
    void *moved;

    if (larger < want)
        larger = want;
    moved = spotopt__resize_array(context, *at, larger, size);
    if (moved == NULL)
        return false;
    *at = moved;
    *room = larger;
    return true;
}
