/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and times as text, in any locale. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/rng.h"
#include "suite.h"

static bool
parses(const char *text, double *out)
{
    return spotopt__parse_real(text, strlen(text), out);
}

static void
test_number__refuses_what_is_not_a_plain_finite_decimal(void)
{
    static const char *const bad[] = {"",      "-",     "+1",      ".5",
                                      "5.",    "1e",    "1e+",     "01",
                                      "-01",   "00",    " 1",      "1 ",
                                      "0x10",  "1,5",   "nan",     "inf",
                                      "-inf",  "1e400", "-1e999",  "1e99999999999999999999",
                                      "1_000", "1f",    "--1",     "1e5.0",
                                      "1..2",  "1e5e5", "\xd9\xa1"};
    double value = 42.0;
    int64_t whole = 42;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parses(bad[i], &value))
            CU_FAIL_FATAL("accepted");
        if (spotopt__parse_int(bad[i], strlen(bad[i]), &whole))
            CU_FAIL_FATAL("accepted as whole");
    }
    CU_ASSERT_FALSE(spotopt__parse_int("1.0", 3, &whole));
    CU_ASSERT_FALSE(spotopt__parse_int("1e3", 3, &whole));
    CU_ASSERT_EQUAL(value, 42.0);
    CU_ASSERT_EQUAL(whole, 42);
}

static void
test_number__reads_only_as_far_as_told(void)
{
    const char text[] = {'1', '2', '3', '4'}; /* not zero-ended */
    double value = 0.0;
    int64_t whole = 0;

    CU_ASSERT_TRUE(spotopt__parse_real(text, 3, &value));
    CU_ASSERT_EQUAL(value, 123.0);
    CU_ASSERT_TRUE(spotopt__parse_int(text + 1, 2, &whole));
    CU_ASSERT_EQUAL(whole, 23);
}

static void
test_number__reads_whole_numbers_to_the_last_one(void)
{
    int64_t whole = 0;

    CU_ASSERT_TRUE(spotopt__parse_int("9223372036854775807", 19, &whole));
    CU_ASSERT_EQUAL(whole, INT64_MAX);
    CU_ASSERT_TRUE(spotopt__parse_int("-9223372036854775808", 20, &whole));
    CU_ASSERT_EQUAL(whole, INT64_MIN);
    CU_ASSERT_TRUE(spotopt__parse_int("-0", 2, &whole));
    CU_ASSERT_EQUAL(whole, 0);
    CU_ASSERT_FALSE(spotopt__parse_int("9223372036854775808", 19, &whole));
    CU_ASSERT_FALSE(spotopt__parse_int("-9223372036854775809", 20, &whole));
    CU_ASSERT_FALSE(spotopt__parse_int("99999999999999999999", 20, &whole));
}

/* strtod() in the C locale, which this program is in, is the reference. */
static void
test_number__reads_as_the_c_library_does(void)
{
    spotopt__rng rng;
    size_t wrong = 0;
    char text[64], ones[1200];
    double value;

    spotopt__rng_seed(&rng, 7);
    for (int i = 0; i < 100000; i++) {
        const uint64_t digits = spotopt__rng_next(&rng) >> spotopt__rng_below(&rng, 60);
        const int point = (int)spotopt__rng_below(&rng, 60) - 30;

        if (i % 3 == 0)
            (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, point);
        else
            (void)snprintf(text, sizeof text, "%s%llu.%llu", i % 2 ? "-" : "",
                           (unsigned long long)(digits / 1000),
                           (unsigned long long)(digits % 1000));
        if (!parses(text, &value) || value != strtod(text, NULL))
            wrong++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(parses("1e-400", &value));
    CU_ASSERT_EQUAL(value, 0.0);
    CU_ASSERT_TRUE(parses("4.9406564584124654e-324", &value));
    CU_ASSERT_EQUAL(value, 4.9406564584124654e-324);
    CU_ASSERT_TRUE(parses("1.7976931348623157e308", &value));
    CU_ASSERT_EQUAL(value, DBL_MAX);
    CU_ASSERT_TRUE(parses("9007199254740993", &value));
    CU_ASSERT_EQUAL(value, 9007199254740992.0); /* ties to even */
    memset(ones, '1', sizeof ones);
    CU_ASSERT_TRUE(spotopt__parse_real(ones, 300, &value));
    CU_ASSERT_FALSE(spotopt__parse_real(ones, sizeof ones, &value));
}

static void
test_number__writes_what_reads_back_as_the_same(void)
{
    spotopt__rng rng;
    size_t wrong = 0, longest = 0;
    char text[SPOTOPT__REAL_SIZE];

    spotopt__rng_seed(&rng, 3);
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = spotopt__rng_next(&rng);
        double value, back = 0.0;
        size_t length;

        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        length = spotopt__write_real(value, text);
        wrong += length != strlen(text) || !parses(text, &back) ||
                 memcmp(&back, &value, sizeof value) != 0;
        longest = length > longest ? length : longest;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(longest < SPOTOPT__REAL_SIZE);
}

static void
test_number__writes_short_texts_for_ordinary_numbers(void)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {-0.25, "-0.25"},
                {0.0, "0"},
                {-0.0, "-0"},
                {3.0, "3"},
                {1e6, "1000000"},
                {999999999999999.0, "999999999999999"},
                {1e15, "1e+15"},
                {1e22, "1e+22"},
                {5e-324, "5e-324"},
                {0.1 + 0.2, "0.30000000000000004"},
                {2.5e-7, "2.5e-07"},
                {NAN, "nan"},
                {INFINITY, "inf"},
                {-INFINITY, "-inf"}};
    char text[SPOTOPT__REAL_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT_EQUAL(spotopt__write_real(rows[i].value, text), strlen(rows[i].text));
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
    }
}

static void
test_number__writes_fixed_digits_without_negative_zero(void)
{
    char text[SPOTOPT__REAL_SIZE];

    CU_ASSERT_EQUAL(spotopt__write_fixed(3.14159, 2, text), 4);
    CU_ASSERT_STRING_EQUAL(text, "3.14");
    spotopt__write_fixed(-0.001, 2, text);
    CU_ASSERT_STRING_EQUAL(text, "0.00");
    spotopt__write_fixed(-0.4, 0, text);
    CU_ASSERT_STRING_EQUAL(text, "0");
    spotopt__write_fixed(-999999999999999.0, 9, text);
    CU_ASSERT_STRING_EQUAL(text, "-999999999999999.000000000");
    spotopt__write_fixed(INFINITY, 2, text);
    CU_ASSERT_STRING_EQUAL(text, "inf");
}

static void
test_number__is_the_same_under_a_locale_with_commas(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    const char *found = NULL;
    char text[SPOTOPT__REAL_SIZE];
    double value = 0.0;

    for (size_t i = 0; i < sizeof names / sizeof *names && found == NULL; i++)
        found = setlocale(LC_ALL, names[i]);
    if (found == NULL) {
        puts("    (skipped: no locale with a decimal comma is installed)");
        return;
    }
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    CU_ASSERT_STRING_EQUAL(text, "0,5");                     /* the host's */
    CU_ASSERT_TRUE(parses("0.1234567890123456789", &value)); /* the slow way */
    CU_ASSERT_EQUAL(value, 0.1234567890123456789);
    CU_ASSERT_FALSE(parses("0,5", &value));
    spotopt__write_real(0.1, text);
    CU_ASSERT_STRING_EQUAL(text, "0.1");
    spotopt__write_fixed(1234.5, 2, text);
    CU_ASSERT_STRING_EQUAL(text, "1234.50");
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    CU_ASSERT_STRING_EQUAL(text, "0,5"); /* and as it was */
    (void)setlocale(LC_ALL, "C");
}

static void
test_time__reads_rfc_3339_with_any_offset(void)
{
    static const struct {
        const char *text;
        double s;
    } rows[] = {{"1970-01-01T00:00:00Z", 0.0},
                {"2000-02-29T12:00:00Z", 951825600.0},
                {"2001-09-09T01:46:40Z", 1e9},
                {"2001-09-09T03:46:40+02:00", 1e9},
                {"2001-09-08T20:16:40-05:30", 1e9},
                {"2001-09-09t01:46:40.25z", 1e9 + 0.25},
                {"2001-09-09 01:46:40.123456789Z", 1000000000.123},
                {"2016-12-31T23:59:60Z", 1483228800.0},
                {"1969-12-31T23:59:59.500Z", -0.5},
                {"0000-01-01T00:00:00Z", -62167219200.0}};
    double s = NAN;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT_TRUE(spotopt__parse_time(rows[i].text, strlen(rows[i].text), &s));
        CU_ASSERT_EQUAL(s, rows[i].s);
    }
}

static void
test_time__refuses_days_that_do_not_exist_and_missing_offsets(void)
{
    static const char *const bad[] = {"",
                                      "2001-09-09",
                                      "2001-09-09T01:46:40",
                                      "2001-02-29T00:00:00Z",
                                      "1900-02-29T00:00:00Z",
                                      "2001-13-01T00:00:00Z",
                                      "2001-00-01T00:00:00Z",
                                      "2001-04-31T00:00:00Z",
                                      "2001-01-01T24:00:00Z",
                                      "2001-01-01T00:60:00Z",
                                      "2001-01-01T00:00:61Z",
                                      "2001-01-01T00:00:00.Z",
                                      "2001-01-01T00:00:00+0200",
                                      "2001-01-01T00:00:00+24:00",
                                      "2001-01-01T00:00:00ZZ",
                                      "2001-01-01T00:00:00.1",
                                      "2001-1-01T00:00:000Z",
                                      "+001-01-01T00:00:00Z",
                                      "20010909T014640Z0000"};
    double s = 42.0;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(spotopt__parse_time(bad[i], strlen(bad[i]), &s));
    CU_ASSERT_EQUAL(s, 42.0);
}

static void
test_time__writes_what_it_reads_to_the_millisecond(void)
{
    spotopt__rng rng;
    size_t wrong = 0;
    char text[32];
    double s;

    spotopt__rng_seed(&rng, 11);
    for (int i = 0; i < 20000; i++) { /* the years 0000 to 9999 */
        const double ms =
            (double)spotopt__rng_below(&rng, UINT64_C(315569520000000)) - 62167219200000.0;

        spotopt__write_time(ms / 1000.0, text);
        wrong += !spotopt__parse_time(text, strlen(text), &s) || s != ms / 1000.0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    spotopt__write_time(1e9, text);
    CU_ASSERT_STRING_EQUAL(text, "2001-09-09T01:46:40Z");
    spotopt__write_time(-0.001, text);
    CU_ASSERT_STRING_EQUAL(text, "1969-12-31T23:59:59.999Z");
    spotopt__write_time(253402300799.999, text);
    CU_ASSERT_STRING_EQUAL(text, "9999-12-31T23:59:59.999Z");
    spotopt__write_time(253402300800.0, text);
    CU_ASSERT_STRING_EQUAL(text, "invalid");
    spotopt__write_time(NAN, text);
    CU_ASSERT_STRING_EQUAL(text, "invalid");
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_number__refuses_what_is_not_a_plain_finite_decimal),
        TEST(test_number__reads_only_as_far_as_told),
        TEST(test_number__reads_whole_numbers_to_the_last_one),
        TEST(test_number__reads_as_the_c_library_does),
        TEST(test_number__writes_what_reads_back_as_the_same),
        TEST(test_number__writes_short_texts_for_ordinary_numbers),
        TEST(test_number__writes_fixed_digits_without_negative_zero),
        TEST(test_number__is_the_same_under_a_locale_with_commas),
        TEST(test_time__reads_rfc_3339_with_any_offset),
        TEST(test_time__refuses_days_that_do_not_exist_and_missing_offsets),
        TEST(test_time__writes_what_it_reads_to_the_millisecond),
    };
    return suite_run("number", tests, sizeof tests / sizeof *tests);
}
