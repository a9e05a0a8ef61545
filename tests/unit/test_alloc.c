/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, contexts, arenas, growing arrays and the border to the caller's structs. */
#include <pthread.h>

#include "base/base.h"
#include "fail_alloc.h"
#include "suite.h"

static void
test_alloc__gives_zeroed_memory_and_a_pointer_for_nothing(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *contexts[2] = {NULL, fail_alloc_context(&allocator)};

    for (int i = 0; i < 2; i++) {
        unsigned char *bytes = spotopt__alloc(contexts[i], 100);
        void *nothing = spotopt__alloc_array(contexts[i], 0, 8);
        size_t set = 0;

        CU_ASSERT_PTR_NOT_NULL(nothing);
        for (size_t k = 0; k < 100; k++)
            set += bytes[k] != 0;
        CU_ASSERT_EQUAL(set, 0);
        spotopt__free(contexts[i], bytes);
        spotopt__free(contexts[i], nothing);
        spotopt__free(contexts[i], NULL);
    }
    CU_ASSERT_EQUAL(allocator.live, 1);
    spotopt_context_free(contexts[1]);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

static void
test_alloc__refuses_sizes_whose_product_overflows(void)
{
    int kept = 7, *at = spotopt__dup_array(NULL, &kept, 1, sizeof kept);

    CU_ASSERT_PTR_NULL(spotopt__alloc_array(NULL, SIZE_MAX / 2, 4));
    CU_ASSERT_PTR_NULL(spotopt__alloc_array(NULL, (size_t)1 << 32, (size_t)1 << 32));
    CU_ASSERT_PTR_NULL(spotopt__alloc(NULL, (size_t)PTRDIFF_MAX + 1));
    CU_ASSERT_PTR_NULL(spotopt__resize_array(NULL, at, SIZE_MAX, 2));
    CU_ASSERT_EQUAL(*at, 7); /* as it was */
    spotopt__free(NULL, at);
}

static void *
hold_and_drop(void *user)
{
    for (int i = 0; i < 10000; i++)
        spotopt__context_drop(spotopt__context_hold(user));
    return NULL;
}

static void
test_context__lives_until_its_last_holder_lets_go_on_any_thread(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt_options *options = NULL;
    pthread_t threads[2];

    CU_ASSERT_EQUAL(spotopt_options_new(context, &options, NULL), SPOTOPT_OK);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, hold_and_drop, context), 0);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 2); /* the options hold it */
    spotopt_options_free(options);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

static void
test_context__takes_params_of_older_and_newer_callers(void)
{
    struct {
        spotopt_context_params params;
        uint64_t later;
    } newer = {SPOTOPT_CONTEXT_PARAMS_INIT, 0};
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_context *context = NULL;

    newer.params.size = sizeof newer;
    newer.params.threads = 3;
    CU_ASSERT_EQUAL(spotopt_context_new(&newer.params, &context, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__threads(context), 3);
    spotopt_context_free(context);
    context = NULL;

    newer.later = 1;
    CU_ASSERT_EQUAL(spotopt_context_new(&newer.params, &context, &err), SPOTOPT_E_VERSION);
    CU_ASSERT_PTR_NULL(context);

    params.threads = 5; /* beyond the end of an older struct: not read */
    params.size = offsetof(spotopt_context_params, threads);
    CU_ASSERT_EQUAL(spotopt_context_new(&params, &context, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__threads(context), 1);
    spotopt_context_free(context);

    params.size = 0;
    CU_ASSERT_EQUAL(spotopt_context_new(&params, &context, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "size is 0"));
    params.size = SIZE_MAX;
    CU_ASSERT_EQUAL(spotopt_context_new(&params, &context, &err), SPOTOPT_E_VERSION);
    params = (spotopt_context_params)SPOTOPT_CONTEXT_PARAMS_INIT;
    params.threads = 100000;
    CU_ASSERT_EQUAL(spotopt_context_new(&params, &context, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "100000"));
}

static char logged[256];
static int32_t logged_level;

static void
keep_line(void *user, int32_t level, const char *text)
{
    (void)user;
    logged_level = level;
    (void)snprintf(logged, sizeof logged, "%s", text);
}

static double
stopped_clock(void *user)
{
    return *(double *)user;
}

static void
test_context__hands_out_the_hosts_log_and_clock(void)
{
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;
    double time_s = 12.5, before;

    params.log = keep_line;
    params.clock = stopped_clock;
    params.clock_user = &time_s;
    CU_ASSERT_EQUAL(spotopt_context_new(&params, &context, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__clock(context), 12.5);
    CU_ASSERT_TRUE(spotopt__logs(context));
    spotopt__log(context, SPOTOPT_LOG_WARNING, "%s and\n%d", "one", 2);
    CU_ASSERT_STRING_EQUAL(logged, "one and\\n2");
    CU_ASSERT_EQUAL(logged_level, SPOTOPT_LOG_WARNING);
    spotopt_context_free(context);

    spotopt__log(NULL, SPOTOPT_LOG_ERROR, "nobody hears this");
    CU_ASSERT_FALSE(spotopt__logs(NULL));
    before = spotopt__clock(NULL);
    CU_ASSERT_TRUE(spotopt__clock(NULL) >= before);
}

static void
test_arena__gives_aligned_zeroed_blocks_of_any_size(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt__arena arena;
    size_t asked = 0, wrong = 0;
    char *text;

    spotopt__arena_init(&arena, context);
    for (size_t i = 0; i < 3000; i++) {
        const size_t size = i % 100 == 0 ? 50000 : i % 37;
        unsigned char *at = spotopt__arena_alloc(&arena, size, 1);

        wrong += at == NULL || (uintptr_t)at % 16 != 0;
        for (size_t k = 0; k < size; k++)
            wrong += at[k] != 0;
        memset(at, 0xff, size); /* a neighbour would notice */
        asked += size;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(arena.bytes >= asked);
    CU_ASSERT_TRUE(allocator.live < 120); /* blocks grow: far fewer than requests */
    text = spotopt__arena_text(&arena, "hello there", 5);
    CU_ASSERT_STRING_EQUAL(text, "hello");
    CU_ASSERT_PTR_NULL(spotopt__arena_alloc(&arena, SIZE_MAX, 2));
    CU_ASSERT_PTR_NULL(spotopt__arena_alloc(&arena, (size_t)PTRDIFF_MAX - 15, 1));
    CU_ASSERT_PTR_NULL(spotopt__arena_text(&arena, "", SIZE_MAX));
    spotopt__arena_free(&arena);
    CU_ASSERT_EQUAL(allocator.live, 1);
    text = spotopt__arena_text(&arena, "again", 5); /* ready for use */
    CU_ASSERT_STRING_EQUAL(text, "again");
    spotopt__arena_free(&arena);
    spotopt_context_free(context);
}

static void
test_vec__keeps_its_elements_when_there_is_no_memory_to_grow(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt__vec(int) list = {0};
    int pushed = 0, wrong = 0;

    fail_after(&allocator, 3);
    while (spotopt__vec_push(context, &list, pushed))
        pushed++;
    CU_ASSERT_EQUAL(list.count, (size_t)pushed);
    for (int i = 0; i < pushed; i++)
        wrong += list.at[i] != i;
    CU_ASSERT_EQUAL(wrong, 0);
    fail_never(&allocator);
    CU_ASSERT_TRUE(spotopt__vec_reserve(context, &list, 1000));
    CU_ASSERT_TRUE(list.room >= list.count + 1000);
    spotopt__vec_free(context, &list);
    CU_ASSERT_EQUAL(allocator.live, 1);
    spotopt_context_free(context);
}

static void
test_error__is_one_line_of_utf8_whatever_goes_in(void)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char quoted[SPOTOPT__QUOTE_SIZE], longer[3000];

    CU_ASSERT_EQUAL(
        spotopt__fail(&err, SPOTOPT_E_INPUT, "a\nb\tc\x01\x7f\xff\xc3\xa9\xc2\x85\xe2\x80\xa8"),
        SPOTOPT_E_INPUT);
    CU_ASSERT_STRING_EQUAL(err.message,
                           "a\\nb\\tc\\x01\\x7f\\xff\xc3\xa9\\xc2\\x85\\xe2\\x80\\xa8");
    CU_ASSERT_EQUAL(err.status, SPOTOPT_E_INPUT);

    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)spotopt__fail(&err, SPOTOPT_E_INPUT, "place: %.1500s; want less", longer);
    CU_ASSERT_EQUAL(strncmp(err.message, "place: xxx", 10), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "...xxx"));
    CU_ASSERT_STRING_EQUAL(err.message + strlen(err.message) - 11, "; want less");
    CU_ASSERT_EQUAL(strlen(err.message), SPOTOPT_ERROR_MESSAGE_SIZE - 1);

    for (size_t i = 0; i + 2 < sizeof longer; i += 2) /* cuts fall on whole characters */
        memcpy(longer + i, "\xc3\xa9", 2);
    for (int shift = 0; shift < 4; shift++) {
        (void)spotopt__fail(&err, SPOTOPT_E_INPUT, "%.*s%.1600s", shift, "abc", longer);
        CU_ASSERT_PTR_NULL(strstr(err.message, "\\x"));
        CU_ASSERT_TRUE(strlen(err.message) >= SPOTOPT_ERROR_MESSAGE_SIZE - 3);
    }
    CU_ASSERT_STRING_EQUAL(spotopt__quote("two words", quoted), "\"two words\"");
    CU_ASSERT_TRUE(strlen(spotopt__quote(longer, quoted)) < SPOTOPT__QUOTE_SIZE);
    CU_ASSERT_EQUAL(spotopt__fail(NULL, SPOTOPT_E_STATE, "unwanted"), SPOTOPT_E_STATE);
    CU_ASSERT_STRING_EQUAL(spotopt_status_text(SPOTOPT_E_NOMEM), "out of memory");
    CU_ASSERT_STRING_EQUAL(spotopt_status_text(-12345), "unknown status");
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_alloc__gives_zeroed_memory_and_a_pointer_for_nothing),
        TEST(test_alloc__refuses_sizes_whose_product_overflows),
        TEST(test_context__lives_until_its_last_holder_lets_go_on_any_thread),
        TEST(test_context__takes_params_of_older_and_newer_callers),
        TEST(test_context__hands_out_the_hosts_log_and_clock),
        TEST(test_arena__gives_aligned_zeroed_blocks_of_any_size),
        TEST(test_vec__keeps_its_elements_when_there_is_no_memory_to_grow),
        TEST(test_error__is_one_line_of_utf8_whatever_goes_in),
    };
    return suite_run("alloc", tests, sizeof tests / sizeof *tests);
}
