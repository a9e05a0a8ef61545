/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <string.h>

#include "base/arena.h"
#include "fail_alloc.h"

static int
is_zero(const unsigned char *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (at[i] != 0)
            return 0;
    }
    return 1;
}

static void
test_arena__rewinds_to_a_mark_in_an_empty_one(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt__arena arena;
    const size_t before = allocator.live;

    spotopt__arena_init(&arena, context);
    const spotopt__arena_mark mark = spotopt__arena_here(&arena);
    for (size_t i = 0; i < 100; i++)
        CU_ASSERT_PTR_NOT_NULL(spotopt__arena_alloc(&arena, 100 + i * 50, 1));
    spotopt__arena_rewind(&arena, mark);
    CU_ASSERT_EQUAL(allocator.live, before);
    CU_ASSERT_EQUAL(arena.bytes, 0);
    CU_ASSERT_PTR_NOT_NULL(spotopt__arena_alloc(&arena, 8, 1));
    spotopt__arena_free(&arena);
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

/* Small pieces, new blocks in front and large ones behind the head: all go, what was there stays.
 */
static void
test_arena__rewinds_over_new_and_large_blocks(void)
{
    for (size_t small = 0; small < 300; small += 7) {
        fail_alloc allocator = FAIL_ALLOC_INIT;
        spotopt_context *context = fail_alloc_context(&allocator);
        spotopt__arena arena;
        char *kept[4];

        spotopt__arena_init(&arena, context);
        for (size_t i = 0; i < 4; i++)
            kept[i] = spotopt__arena_text(&arena, "kept", 4);
        memset(spotopt__arena_alloc(&arena, 5000, 1), 'k', 5000);
        const spotopt__arena_mark mark = spotopt__arena_here(&arena);
        const size_t live = allocator.live, bytes = arena.bytes;

        for (size_t i = 0; i < small; i++)
            memset(spotopt__arena_alloc(&arena, 24, 1), 'x', 24);
        memset(spotopt__arena_alloc(&arena, 100000, 1), 'x', 100000);
        for (size_t i = 0; i < small; i++)
            memset(spotopt__arena_alloc(&arena, 240, 1), 'x', 240);
        spotopt__arena_rewind(&arena, mark);
        CU_ASSERT_EQUAL(allocator.live, live);
        CU_ASSERT_EQUAL(arena.bytes, bytes);
        for (size_t i = 0; i < 4; i++)
            CU_ASSERT_STRING_EQUAL(kept[i], "kept");
        for (size_t i = 0; i < 50; i++)
            CU_ASSERT_TRUE(is_zero(spotopt__arena_alloc(&arena, 64, 1), 64));
        spotopt__arena_free(&arena);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_arena__rewinds_to_a_mark_in_an_empty_one),
        TEST(test_arena__rewinds_over_new_and_large_blocks),
    };

    return suite_run("arena", tests, sizeof tests / sizeof *tests);
}
