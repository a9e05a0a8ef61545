/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_ARENA_H
#define SPOTOPT_BASE_ARENA_H
#include "base/alloc.h"

/* Memory that is given back all at once. Zeroed blocks, aligned for any type. One thread. */
typedef struct spotopt__arena {
    spotopt_context *context; /* borrowed */
    struct spotopt__arena_block *head;
    size_t block_size; /* of the next ordinary block; 0 picks a default */
    size_t bytes;      /* handed out so far */
} spotopt__arena;

void spotopt__arena_init(spotopt__arena *arena, spotopt_context *context);
void spotopt__arena_free(spotopt__arena *arena); /* ready for use again */
void *spotopt__arena_alloc(spotopt__arena *arena, size_t count, size_t size);
void *spotopt__arena_dup(spotopt__arena *arena, const void *from, size_t count, size_t size);
char *spotopt__arena_text(spotopt__arena *arena, const char *text, size_t length);

/* What was handed out since a mark can be taken back, all of it: for trying before keeping. */
typedef struct spotopt__arena_mark {
    struct spotopt__arena_block *head, *next;
    size_t used, bytes;
} spotopt__arena_mark;
spotopt__arena_mark spotopt__arena_here(const spotopt__arena *arena);
void spotopt__arena_rewind(spotopt__arena *arena, spotopt__arena_mark mark);

#endif
