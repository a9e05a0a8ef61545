/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - memory that is given back all at once.
 *
 * Blocks double from 4 KiB to 1 MiB; what is larger than a quarter of a block gets a block of its
 * own, behind the current one, so that the rest of that is not lost.
 */
#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

struct spotopt__arena_block {
    struct spotopt__arena_block *next;
    size_t used, room;
    alignas(max_align_t) unsigned char bytes[];
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

void
spotopt__arena_init(spotopt__arena *arena, spotopt_context *context)
{
    memset(arena, 0, sizeof *arena);
    arena->context = context;
}

void
spotopt__arena_free(spotopt__arena *arena)
{
    struct spotopt__arena_block *block = arena->head;

    while (block != NULL) {
        struct spotopt__arena_block *next = block->next;
        spotopt__free(arena->context, block);
        block = next;
    }
    spotopt__arena_init(arena, arena->context);
}

/* Blocks come zeroed, hence so does what is cut from them. */
static struct spotopt__arena_block *
new_block(spotopt__arena *arena, size_t room)
{
    struct spotopt__arena_block *block;

    if (room > (size_t)PTRDIFF_MAX - sizeof *block)
        return NULL;
    block = spotopt__alloc(arena->context, sizeof *block + room);
    if (block != NULL)
        block->room = room;
    return block;
}

void *
spotopt__arena_alloc(spotopt__arena *arena, size_t count, size_t size)
{
    struct spotopt__arena_block *block = arena->head;
    size_t bytes;

    if (size != 0 && count > ((size_t)PTRDIFF_MAX - alignof(max_align_t)) / size)
        return NULL;
    bytes = count * size;
    bytes = bytes == 0 ? alignof(max_align_t)
                       : (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (block == NULL || block->room - block->used < bytes) {
        size_t ordinary = arena->block_size == 0 ? FIRST_BLOCK : arena->block_size;

        block = new_block(arena, bytes > ordinary / 4 ? bytes : ordinary);
        if (block == NULL)
            return NULL;
        if (bytes > ordinary / 4 && arena->head != NULL) {
            block->next = arena->head->next;
            arena->head->next = block;
        } else {
            block->next = arena->head;
            arena->head = block;
        }
        if (ordinary < LARGEST_BLOCK)
            arena->block_size = 2 * ordinary;
    }
    block->used += bytes;
    arena->bytes += bytes;
    return block->bytes + (block->used - bytes);
}

void *
spotopt__arena_dup(spotopt__arena *arena, const void *from, size_t count, size_t size)
{
    void *made = spotopt__arena_alloc(arena, count, size);

    if (made != NULL && count * size > 0)
        memcpy(made, from, count * size);
    return made;
}

char *
spotopt__arena_text(spotopt__arena *arena, const char *text, size_t length)
{
    char *made;

    if (length == SIZE_MAX)
        return NULL;
    made = spotopt__arena_alloc(arena, length + 1, 1);
    if (made != NULL && length > 0)
        memcpy(made, text, length);
    return made;
}

spotopt__arena_mark
spotopt__arena_here(const spotopt__arena *arena)
{
    const struct spotopt__arena_block *head = arena->head;

    return (spotopt__arena_mark){arena->head, head == NULL ? NULL : head->next,
                                 head == NULL ? 0 : head->used, arena->bytes};
}

static void
free_until(spotopt__arena *arena, struct spotopt__arena_block *block,
           const struct spotopt__arena_block *end)
{
    while (block != end) {
        struct spotopt__arena_block *next = block->next;
        spotopt__free(arena->context, block);
        block = next;
    }
}

/* Newer blocks stand before the mark's head, or, when too large for it, right behind it. */
void
spotopt__arena_rewind(spotopt__arena *arena, spotopt__arena_mark mark)
{
    free_until(arena, arena->head, mark.head);
    arena->head = mark.head;
    if (mark.head != NULL) {
        free_until(arena, mark.head->next, mark.next);
        mark.head->next = mark.next;
        memset(mark.head->bytes + mark.used, 0, mark.head->used - mark.used);
        mark.head->used = mark.used;
    }
    arena->bytes = mark.bytes;
}
