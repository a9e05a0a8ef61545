/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON reader takes, what it refuses, and where it says the trouble is. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "suite.h"

static void
test_json__refuses_with_line_and_column(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "d:1:1: the text ends here; want a value"},
        {"  \n ", "d:2:2: the text ends here"},
        {"[1] x", "d:1:5: text after the document"},
        {"{}{}", "d:1:3: text after"},
        {"[1,]", "d:1:4: unexpected character"},
        {"[,1]", "d:1:2: unexpected character"},
        {"[1 2]", "d:1:4: no comma"},
        {"[1", "d:1:3: no comma here; want , or ]"},
        {"{\"a\":1,}", "d:1:8: no key here"},
        {"{\"a\" 1}", "d:1:6: no colon"},
        {"{\"a\":1]", "d:1:7: no comma here; want , or }"},
        {"{a:1}", "d:1:2: no key here"},
        {"{'a':1}", "d:1:2: no key here"},
        {"[1}", "d:1:3: no comma"},
        {"]", "d:1:1: unexpected character"},
        {"01", "d:1:1: leading zero"},
        {"-01", "d:1:1: leading zero"},
        {"[\n  -]", "d:2:3: a minus alone"},
        {"+1", "d:1:1: unexpected character"},
        {".5", "d:1:1: unexpected character"},
        {"5.", "d:1:1: no digit after the decimal point"},
        {"1e", "d:1:1: no digit in an exponent"},
        {"1e+", "d:1:1: no digit in an exponent"},
        {"0x10", "d:1:2: text after"},
        {"NaN", "d:1:1: unexpected character"},
        {"nan", "d:1:1: unknown word"},
        {"Infinity", "d:1:1: unexpected character"},
        {"True", "d:1:1: unexpected character"},
        {"tru", "d:1:1: unknown word"},
        {"nulll", "d:1:5: text after"},
        {"\"a", "d:1:1: the text ends inside a string"},
        {"\"a\\", "d:1:3: the text ends inside a string"},
        {"\"a\nb\"", "d:1:3: control character"},
        {"\"\x01\"", "d:1:2: control character"},
        {"\"\\x\"", "d:1:2: unknown escape"},
        {"\"\\u12g4\"", "d:1:2: bad \\u escape"},
        {"\"\\u12", "d:1:2: bad \\u escape"},
        {"\"\\u0000\"", "d:1:2: \\u0000 in a string"},
        {"\"\\ud800\"", "d:1:2: half a surrogate pair"},
        {"\"\\ud800\\u0041\"", "d:1:2: half a surrogate pair"},
        {"\"\\udc00\"", "d:1:2: half a surrogate pair"},
        {"\"\\ud800\\ud800\"", "d:1:2: half a surrogate pair"},
        {"\"\xff\"", "d:1:2: bytes that are not UTF-8"},
        {"\"\xc0\x80\"", "d:1:2: bytes that are not UTF-8"},         /* overlong zero */
        {"\"\xe0\x80\xaf\"", "d:1:2: bytes that are not UTF-8"},     /* overlong slash */
        {"\"\xed\xa0\x80\"", "d:1:2: bytes that are not UTF-8"},     /* surrogate */
        {"\"\xf4\x90\x80\x80\"", "d:1:2: bytes that are not UTF-8"}, /* beyond U+10FFFF */
        {"\"\xc3\xa9\xc3\"",
         "d:1:3: bytes that are not UTF-8"}, /* cut off; columns are characters */
        {"/* no */ 1", "d:1:1: unexpected character"},
        {"123456789012345678901234567890123456789012345678901234567890.5",
         "d:1:1: a number of more than 60"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt__json *json = NULL;

        CU_ASSERT_EQUAL(spotopt__json_parse(rows[i].text, strlen(rows[i].text), "d", &json, &err),
                        SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(json);
        CU_ASSERT_EQUAL(strncmp(err.message, rows[i].message, strlen(rows[i].message)), 0);
        if (strncmp(err.message, rows[i].message, strlen(rows[i].message)) != 0)
            printf("    got  %s\n    want %s\n", err.message, rows[i].message);
    }
    CU_ASSERT_EQUAL(spotopt__json_check("1\0", 2, "d", NULL),
                    SPOTOPT_E_INPUT); /* a zero byte is text */
}

static void
test_json__takes_everything_that_is_json(void)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "-0.0e-0",
                                       "1E+2",
                                       "true",
                                       " null ",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       "[[],{}]",
                                       "{\"\":{\"\":[]}}",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00\"",
                                       "\"\xf0\x9f\x98\x80\x7f\"",
                                       "\t\r\n[ 1 , 2 ]\n",
                                       "\xef\xbb\xbf[1]",
                                       "\xef\xbb\xbf 1",
                                       "1e400",
                                       "{\"a\":1,\"A\":2}"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        spotopt__json *json = NULL;

        CU_ASSERT_EQUAL(spotopt__json_parse(good[i], strlen(good[i]), "d", &json, NULL),
                        SPOTOPT_OK);
        spotopt__json_free(json);
    }
}

static void
test_json__reads_no_byte_beyond_its_length(void)
{
    static const char text[] = "{\"a\":[1,\"\\ud83d\\ude00\",true,null]}";

    for (size_t n = 0; n < sizeof text - 1; n++) { /* the sanitizer watches the copy's end */
        char *copy = malloc(n + 1);

        memcpy(copy, text, n);
        copy = realloc(copy, n > 0 ? n : 1);
        CU_ASSERT_EQUAL(spotopt__json_check(copy, n, "d", NULL), SPOTOPT_E_INPUT);
        free(copy);
    }
}

static void
test_json__refuses_deep_nesting_at_once(void)
{
    const size_t size = 100 * 1000 * 1000;
    char *text = malloc(size), deep[130];
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__json *json = NULL;

    memset(text, '[', size);
    CU_ASSERT_EQUAL(spotopt__json_parse(text, size, "d", &json, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "d:1:65: nested deeper than 64 levels"));
    free(text);
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    CU_ASSERT_EQUAL(spotopt__json_parse(deep, 128, "d", &json, &err), SPOTOPT_OK);
    spotopt__json_free(json);
}

static void
test_json__refuses_a_key_that_stands_twice(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"{\"a\":1,\"a\":2}", "d: key \"a\" stands twice; want each key once"},
        {"{\"items\":[0,1,2,{\"a\":1,\"b\":2,\"\\u0061\":3}]}",
         "d: /items/3: key \"a\" stands twice; want each key once"},
        {"{\"a/b\":{\"x~y\":{\"k\":1,\"k\":1}}}",
         "d: /a~1b/x~0y: key \"k\" stands twice; want each key once"},
        {"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"a\":"
         "1}",
         "d: key \"a\" stands twice; want each key once"},
    };
    enum { MANY = 200000 };
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__json *json = NULL;
    char *text = malloc(MANY * 16), *at = text;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT_EQUAL(spotopt__json_parse(rows[i].text, strlen(rows[i].text), "d", &json, &err),
                        SPOTOPT_E_INPUT);
        CU_ASSERT_STRING_EQUAL(err.message, rows[i].message);
    }
    for (int i = 0; i < MANY; i++) /* pairwise this would take minutes */
        at += sprintf(at, "%c\"k%d\":1", i == 0 ? '{' : ',', i == MANY - 1 ? 5 : i);
    *at++ = '}';
    CU_ASSERT_EQUAL(spotopt__json_parse(text, (size_t)(at - text), "d", &json, &err),
                    SPOTOPT_E_INPUT);
    CU_ASSERT_STRING_EQUAL(err.message, "d: key \"k5\" stands twice; want each key once");
    free(text);
}

static void
test_json__reads_numbers_whatever_the_locale(void)
{
    static const char text[] = "[0.25, -1.5e-3]";
    const char *found = setlocale(LC_ALL, "de_DE.UTF-8");
    spotopt__json *json = NULL;

    if (found == NULL)
        puts("    (no locale with a decimal comma is installed: plain C locale only)");
    CU_ASSERT_EQUAL(spotopt__json_parse(text, sizeof text - 1, "d", &json, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__json_real(spotopt__json_first(json)), 0.25);
    CU_ASSERT_EQUAL(spotopt__json_real(spotopt__json_next(spotopt__json_first(json))), -1.5e-3);
    spotopt__json_free(json);
    (void)setlocale(LC_ALL, "C");
}

/* One document for the readers of values. */
static const char values[] =
    "{\"real\":0.5,\"minus\":-1,\"int\":7,\"half\":2.5,\"large\":9007199254740992,\"huge\":1e400,"
    "\"text\":\"caf\\u00e9\",\"yes\":true,\"null\":null,\"list\":[10,20,30],\"object\":{\"x\":{}},"
    "\"demands\":[{},{},{},{\"request\":[250,-1]}]}";

static void
expect_refusal(spotopt_status status, const spotopt_error *err, const char *message)
{
    CU_ASSERT_EQUAL(status, SPOTOPT_E_INPUT);
    CU_ASSERT_STRING_EQUAL(err->message, message);
    if (strcmp(err->message, message) != 0)
        printf("    got  %s\n    want %s\n", err->message, message);
}

static void
test_json_at__names_the_place_the_value_and_what_was_wanted(void)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__json *json = NULL;
    spotopt__at root, at, demands, demand, request; /* a parent must stay what it was */
    double real = 42.0;
    int64_t whole = 42;
    const char *text = "as it was";
    bool yes = false;

    CU_ASSERT_EQUAL_FATAL(
        spotopt__json_parse(values, sizeof values - 1, "problem.json", &json, &err), SPOTOPT_OK);
    root = spotopt__at_root(json, "problem.json");
    demands = spotopt__at_key(&root, "demands");
    demand = spotopt__at_first(&demands);
    for (int i = 0; i < 3; i++)
        spotopt__at_step(&demand);
    request = spotopt__at_key(&demand, "request");
    at = spotopt__at_first(&request);
    spotopt__at_step(&at);
    expect_refusal(spotopt__want_real(&at, 0.0, INFINITY, &real, &err), &err,
                   "problem.json: /demands/3/request/1: want a number >= 0, not -1");
    at = spotopt__at_key(&demand, "count");
    CU_ASSERT_FALSE(spotopt__at_is_set(&at));
    expect_refusal(spotopt__want_int(&at, 1, INT64_MAX, &whole, &err), &err,
                   "problem.json: /demands/3/count: want a whole number >= 1; it is missing");
    at = spotopt__at_key(&root, "text");
    expect_refusal(spotopt__want_real(&at, 0.0, 1.0, &real, &err), &err,
                   "problem.json: /text: want a number from 0 to 1, not \"caf\xc3\xa9\"");
    at = spotopt__at_key(&root, "huge");
    expect_refusal(spotopt__want_real(&at, -INFINITY, INFINITY, &real, &err), &err,
                   "problem.json: /huge: want a number, not a number beyond 1.8e308");
    at = spotopt__at_key(&root, "half");
    expect_refusal(spotopt__want_int(&at, 0, 9, &whole, &err), &err,
                   "problem.json: /half: want a whole number from 0 to 9, not 2.5");
    at = spotopt__at_key(&root, "large");
    expect_refusal(spotopt__want_int(&at, 0, INT64_MAX, &whole, &err), &err,
                   "problem.json: /large: want a whole number below 2^53, not 9007199254740992");
    at = spotopt__at_key(&root, "null");
    CU_ASSERT_FALSE(spotopt__at_is_set(&at));
    expect_refusal(spotopt__want_text(&at, &text, &err), &err,
                   "problem.json: /null: want a text, not null");
    expect_refusal(spotopt__want_array(&root, &err), &err,
                   "problem.json: want an array, not an object");
    at = spotopt__at_key(&root, "list");
    expect_refusal(spotopt__want_object(&at, &err), &err,
                   "problem.json: /list: want an object, not an array");
    expect_refusal(spotopt__want_bool(&at, &yes, &err), &err,
                   "problem.json: /list: want true or false, not an array");
    CU_ASSERT_EQUAL(real, 42.0);
    CU_ASSERT_EQUAL(whole, 42);
    CU_ASSERT_STRING_EQUAL(text, "as it was");

    at = spotopt__at_key(&root, "real");
    CU_ASSERT_EQUAL(spotopt__want_real(&at, 0.0, 1.0, &real, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(real, 0.5);
    at = spotopt__at_key(&root, "minus");
    CU_ASSERT_EQUAL(spotopt__want_int(&at, INT64_MIN, 0, &whole, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(whole, -1);
    at = spotopt__at_key(&root, "yes");
    CU_ASSERT_EQUAL(spotopt__want_bool(&at, &yes, &err), SPOTOPT_OK);
    CU_ASSERT_TRUE(yes);
    at = spotopt__at_key(&root, "text");
    CU_ASSERT_EQUAL(spotopt__want_text(&at, &text, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(text, "caf\xc3\xa9");
    at = spotopt__at_key(&root, "TEXT"); /* case counts */
    CU_ASSERT_PTR_NULL(at.value);
    spotopt__json_free(json);
}

static void
test_json_at__stays_short_when_keys_are_long(void)
{
    char text[6000], key[1001];
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__json *json = NULL;
    spotopt__at at[12];
    double real;

    memset(key, '~', 1000);
    key[1000] = '\0';
    (void)snprintf(text, sizeof text, "{\"%s\":{\"%s\":{\"%s\":{\"%s\":\"%s\"}}}}", key, key, key,
                   key, key);
    CU_ASSERT_EQUAL_FATAL(spotopt__json_parse(text, strlen(text), "d", &json, &err), SPOTOPT_OK);
    at[0] = spotopt__at_root(json, "d");
    for (int i = 1; i < 5; i++)
        at[i] = spotopt__at_key(&at[i - 1], key);
    CU_ASSERT_EQUAL(spotopt__want_real(&at[4], 0.0, 1.0, &real, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_EQUAL(strncmp(err.message, "d: .../~0~0", 11), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, ": want a number from 0 to 1, not \"~~~"));
    spotopt__json_free(json);
}

static void
test_json__checks_the_documents_kind(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Policy\"}", NULL},
        {"{\"kind\":\"Policy\"}", NULL},
        {"{\"apiVersion\":\"v1\",\"kind\":\"Policy\"}",
         "d: /apiVersion: want \"spotopt/v1\", not \"v1\""},
        {"{\"kind\":\"List\"}", "d: /kind: want \"Policy\", not \"List\""},
        {"{}", "d: /kind: want \"Policy\"; it is missing"},
        {"[]", "d: want an object, not an array"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt__json *json = NULL;
        spotopt__at root;

        CU_ASSERT_EQUAL_FATAL(
            spotopt__json_parse(rows[i].text, strlen(rows[i].text), "d", &json, &err), SPOTOPT_OK);
        root = spotopt__at_root(json, "d");
        if (rows[i].message == NULL)
            CU_ASSERT_EQUAL(spotopt__want_kind(&root, "Policy", &err), SPOTOPT_OK)
        else
            expect_refusal(spotopt__want_kind(&root, "Policy", &err), &err, rows[i].message);
        spotopt__json_free(json);
    }
}

static char logged[512];
static int lines;

static void
keep_line(void *user, int32_t level, const char *text)
{
    (void)user;
    (void)level;
    lines++;
    (void)snprintf(logged, sizeof logged, "%s", text);
}

static void
test_json__warns_of_unknown_fields_once_a_document(void)
{
    static const char *const known[] = {"real", "minus", "int", NULL};
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;
    spotopt__json *json = NULL;
    spotopt__at root;
    bool warned = false;

    params.log = keep_line;
    CU_ASSERT_EQUAL(spotopt_context_new(&params, &context, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt__json_parse(values, sizeof values - 1, "d", &json, NULL),
                          SPOTOPT_OK);
    root = spotopt__at_root(json, "d");
    spotopt__warn_unknown(context, &root, known, &warned);
    spotopt__warn_unknown(context, &root, known, &warned);
    CU_ASSERT_TRUE(warned);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_STRING_EQUAL(logged, "d: unknown field \"half\" is ignored");
    spotopt__json_free(json);
    spotopt_context_free(context);
}

static void
test_json_walk__visits_members_without_a_tree(void)
{
    static const char text[] =
        " {\"a\" : [ 1, \"x,]\\\"\" ,{\"b\":[]}, [[2]] ] , \"c\\u0064\":-1.5e3,\"e\":\"\"} ";
    static const char *const want[] = {"1", "\"x,]\\\"\"", "{\"b\":[]}", "[[2]]"};
    spotopt__json_span key, value, item;
    spotopt__json_walk walk, inner;
    spotopt__json *json = NULL;
    size_t count = 0;

    CU_ASSERT_EQUAL(spotopt__json_check(text, sizeof text - 1, "d", NULL), SPOTOPT_OK);
    CU_ASSERT_TRUE(spotopt__json_walk_into((spotopt__json_span){text, sizeof text - 1}, &walk));
    CU_ASSERT_TRUE(spotopt__json_walk_next(&walk, &key, &value));
    CU_ASSERT_TRUE(key.length == 1 && key.text[0] == 'a');
    CU_ASSERT_TRUE(spotopt__json_walk_into(value, &inner));
    for (; spotopt__json_walk_next(&inner, &key, &item); count++) {
        CU_ASSERT_EQUAL(key.length, 0);
        CU_ASSERT_TRUE(count < 4 && item.length == strlen(want[count]) &&
                       memcmp(item.text, want[count], item.length) == 0);
    }
    CU_ASSERT_EQUAL(count, 4);
    CU_ASSERT_TRUE(spotopt__json_walk_next(&walk, &key, &value));
    CU_ASSERT_TRUE(key.length == 7 && memcmp(key.text, "c\\u0064", 7) == 0);
    CU_ASSERT_FALSE(spotopt__json_walk_into(value, &inner));
    CU_ASSERT_EQUAL(spotopt__json_parse_span(value, "d", &json, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__json_real(json), -1500.0);
    spotopt__json_free(json);
    CU_ASSERT_TRUE(spotopt__json_walk_next(&walk, &key, &value));
    CU_ASSERT_FALSE(spotopt__json_walk_next(&walk, &key, &value));
    CU_ASSERT_TRUE(spotopt__json_walk_into((spotopt__json_span){"[ ]", 3}, &walk));
    CU_ASSERT_FALSE(spotopt__json_walk_next(&walk, &key, &value));
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_json__refuses_with_line_and_column),
        TEST(test_json__takes_everything_that_is_json),
        TEST(test_json__reads_no_byte_beyond_its_length),
        TEST(test_json__refuses_deep_nesting_at_once),
        TEST(test_json__refuses_a_key_that_stands_twice),
        TEST(test_json__reads_numbers_whatever_the_locale),
        TEST(test_json_at__names_the_place_the_value_and_what_was_wanted),
        TEST(test_json_at__stays_short_when_keys_are_long),
        TEST(test_json__checks_the_documents_kind),
        TEST(test_json__warns_of_unknown_fields_once_a_document),
        TEST(test_json_walk__visits_members_without_a_tree),
    };
    return suite_run("json", tests, sizeof tests / sizeof *tests);
}
