/* SPDX-License-Identifier: Apache-2.0 */
/* Growing texts and the JSON written on them, read back by our own strict reader. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "fail_alloc.h"
#include "suite.h"

static void
test_str__grows_and_hands_itself_over(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt__str str;
    size_t length = 0, wrong = 0;
    char *text;

    spotopt__str_init(&str, context);
    for (int i = 0; i < 1000; i++)
        spotopt__str_addf(&str, "%03d,", i);
    text = spotopt__str_take(&str, &length);
    CU_ASSERT_EQUAL(length, 4000);
    CU_ASSERT_EQUAL(strlen(text), 4000);
    for (int i = 0; i < 1000; i++)
        wrong += text[4 * i] - '0' != i / 100 || text[4 * i + 2] - '0' != i % 10;
    CU_ASSERT_EQUAL(wrong, 0);
    spotopt_text_free(context, text);
    text = spotopt__str_take(&str, NULL);
    CU_ASSERT_STRING_EQUAL(text, "");
    spotopt_text_free(context, text);
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

static void
write_document(spotopt__jw *jw)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "text", "a\"b\\c\n\t\x01/\xc3\xa9\xff\x7f");
    spotopt__jw_put_text(jw, "none", NULL);
    spotopt__jw_put_real(jw, "real", 0.1);
    spotopt__jw_put_real(jw, "zero", -0.0);
    spotopt__jw_put_real(jw, "nan", NAN);
    spotopt__jw_put_int(jw, "int", INT64_MIN);
    spotopt__jw_put_bool(jw, "yes", true);
    spotopt__jw_key(jw, "list");
    spotopt__jw_array(jw);
    spotopt__jw_int(jw, 1);
    spotopt__jw_array(jw);
    spotopt__jw_end_array(jw);
    spotopt__jw_object(jw);
    spotopt__jw_end_object(jw);
    spotopt__jw_null(jw);
    spotopt__jw_bool(jw, false);
    spotopt__jw_end_array(jw);
    spotopt__jw_put_text(jw, "k\"ey", "");
    spotopt__jw_end_object(jw);
}

static void
test_jw__writes_json_that_a_strict_reader_takes(void)
{
    spotopt__str str;
    spotopt__jw jw;
    spotopt__json *json = NULL;
    size_t length = 0;
    char *text;

    spotopt__str_init(&str, NULL);
    spotopt__jw_init(&jw, &str);
    write_document(&jw);
    text = spotopt__str_take(&str, &length);
    CU_ASSERT_STRING_EQUAL(
        text, "{\"text\":\"a\\\"b\\\\c\\n\\t\\u0001/\xc3\xa9\xef\xbf\xbd\x7f\",\"none\":null,"
              "\"real\":0.1,\"zero\":0,\"nan\":null,\"int\":-9223372036854775808,\"yes\":true,"
              "\"list\":[1,[],{},null,false],\"k\\\"ey\":\"\"}");
    CU_ASSERT_EQUAL(spotopt__json_parse(text, length, "d", &json, NULL), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(spotopt__json_text(spotopt__json_get(json, "text")),
                           "a\"b\\c\n\t\x01/\xc3\xa9\xef\xbf\xbd\x7f");
    CU_ASSERT_EQUAL(spotopt__json_count(spotopt__json_get(json, "list")), 5);
    spotopt__json_free(json);
    spotopt_text_free(NULL, text);
}

static void
test_jw__remembers_that_memory_ran_out(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    char *text = NULL;
    size_t n = 0;

    for (; text == NULL && n < 20; n++) {
        spotopt__str str;
        spotopt__jw jw;

        fail_after(&allocator, n);
        spotopt__str_init(&str, context);
        spotopt__jw_init(&jw, &str);
        write_document(&jw);
        text = spotopt__str_take(&str, NULL);
        CU_ASSERT_EQUAL(allocator.live, text == NULL ? 1 : 2);
    }
    CU_ASSERT_TRUE(n > 2);
    spotopt_text_free(context, text);
    spotopt_context_free(context);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_str__grows_and_hands_itself_over),
        TEST(test_jw__writes_json_that_a_strict_reader_takes),
        TEST(test_jw__remembers_that_memory_ran_out),
    };
    return suite_run("str", tests, sizeof tests / sizeof *tests);
}
