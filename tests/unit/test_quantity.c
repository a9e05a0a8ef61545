/* SPDX-License-Identifier: Apache-2.0 */
/* Spellings as the Kubernetes documentation of resource.Quantity gives them. */
#include "suite.h"

#include "model/resources.h"

static void
test_quantity__reads_every_suffix(void)
{
    static const struct {
        const char *text;
        int64_t whole;
    } table[] = {
        {"0", 0},
        {"1", 1},
        {"128974848", 128974848},
        {"129e6", 129000000},
        {"129M", 129000000},
        {"128974848000m", 128974848},
        {"123Mi", 123 * INT64_C(1048576)},
        {"1k", 1000},
        {"1M", 1000000},
        {"1G", 1000000000},
        {"1T", 1000000000000},
        {"1P", 1000000000000000},
        {"1Ki", 1024},
        {"1Mi", INT64_C(1) << 20},
        {"1Gi", INT64_C(1) << 30},
        {"1Ti", INT64_C(1) << 40},
        {"1Pi", INT64_C(1) << 50},
        {"1.5Gi", 3 * (INT64_C(1) << 29)},
        {"0.5k", 500},
        {".5Ki", 512},
        {"2.", 2},
        {"1e3", 1000},
        {"1E3", 1000},
        {"1e+3", 1000},
        {"12e-1", 2}, /* 1.2, rounded up */
        {"2e3", 2000},
        {"+7", 7},
        {"000000000000000000000000012", 12},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t got = -1;

        CU_ASSERT_TRUE(spotopt__parse_quantity(table[i].text, false, &got));
        CU_ASSERT_EQUAL(got, table[i].whole);
    }
}

static void
test_quantity__counts_cpu_in_millicores(void)
{
    static const struct {
        const char *text;
        int64_t milli;
    } table[] = {{"1", 1000},     {"0.1", 100},       {"100m", 100}, {"1.5", 1500}, {"2500u", 3},
                 {"1n", 1},       {"0.0005", 1},      {"1e-3", 1},   {"1e-9", 1},   {"0.25", 250},
                 {"1k", 1000000}, {"1000000u", 1000}, {"64", 64000}, {"0", 0},      {"0.000", 0}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t got = -1;

        CU_ASSERT_TRUE(spotopt__parse_quantity(table[i].text, true, &got));
        CU_ASSERT_EQUAL(got, table[i].milli);
    }
}

static void
test_quantity__rounds_fractions_away_from_zero(void)
{
    int64_t got;

    CU_ASSERT_TRUE(spotopt__parse_quantity("1.0000000000000000000000001", false, &got));
    CU_ASSERT_EQUAL(got, 2);
    CU_ASSERT_TRUE(spotopt__parse_quantity("0.1Ki", false, &got)); /* 102.4 */
    CU_ASSERT_EQUAL(got, 103);
    CU_ASSERT_TRUE(spotopt__parse_quantity("-1.5", false, &got));
    CU_ASSERT_EQUAL(got, -2);
    CU_ASSERT_TRUE(spotopt__parse_quantity("-100m", true, &got));
    CU_ASSERT_EQUAL(got, -100);
}

static void
test_quantity__saturates_what_no_machine_has(void)
{
    static const char *const huge[] = {"1E",      "8Ei",  "1e18",  "9999999999999999999999999999",
                                       "1e99999", "16Ei", "1e400", "4503599627370497"};

    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        int64_t got = 0;

        CU_ASSERT_TRUE(spotopt__parse_quantity(huge[i], false, &got));
        CU_ASSERT_EQUAL(got, SPOTOPT__AMOUNT_MAX);
    }
}

static void
test_quantity__reads_many_digits_with_small_units(void)
{
    int64_t got;

    CU_ASSERT_TRUE(
        spotopt__parse_quantity("10000000000000000000000n", false, &got)); /* 1e22 nano */
    CU_ASSERT_EQUAL(got, INT64_C(10000000000000));
    CU_ASSERT_TRUE(spotopt__parse_quantity("1e-99999", false, &got));
    CU_ASSERT_EQUAL(got, 1);
}

static void
test_quantity__refuses_what_is_none(void)
{
    static const char *const bad[] = {"",    " ",   "abc",  "1 Gi",  "1K",   "1ki",  "1gi",  "Gi",
                                      "1e",  "1e+", "1ee3", "1.2.3", "--1",  "1Gi ", "0x10", "1m1",
                                      "inf", "NaN", ".",    "-",     "1MiB", "1e3m", "1Kii", "1,5"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t got = 77;

        CU_ASSERT_FALSE(spotopt__parse_quantity(bad[i], false, &got));
        CU_ASSERT_EQUAL(got, 77);
    }
}

static void
test_resources__keep_one_place_a_name(void)
{
    spotopt__resources resources;
    spotopt__arena arena;
    char name[] = "example.com/a";
    uint32_t gpu;

    spotopt__arena_init(&arena, NULL);
    spotopt__resources_init(&resources);
    CU_ASSERT_EQUAL(spotopt__resources_find(&resources, "cpu"), SPOTOPT__CPU);
    CU_ASSERT_EQUAL(spotopt__resources_find(&resources, "memory"), SPOTOPT__MEMORY);
    CU_ASSERT_EQUAL(spotopt__resources_find(&resources, "pods"), SPOTOPT__PODS);
    CU_ASSERT_EQUAL(spotopt__resources_find(&resources, "ephemeral-storage"), SPOTOPT__STORAGE);
    CU_ASSERT_EQUAL(spotopt__resources_find(&resources, name), SPOTOPT__NONE);
    gpu = spotopt__resources_add(&resources, &arena, name);
    CU_ASSERT_EQUAL(spotopt__resources_add(&resources, &arena, name), gpu);
    name[12] = 'b'; /* the table keeps its own copy */
    CU_ASSERT_EQUAL(spotopt__resources_find(&resources, "example.com/a"), gpu);
    spotopt__arena_free(&arena);
}

static void
test_resources__say_when_the_table_is_full(void)
{
    spotopt__resources resources;
    spotopt__arena arena;
    char name[] = "example.com/a";

    spotopt__arena_init(&arena, NULL);
    spotopt__resources_init(&resources);
    for (uint32_t i = SPOTOPT__RESOURCES_FIXED; i < SPOTOPT__RESOURCES_MAX; i++, name[12]++)
        CU_ASSERT_EQUAL(spotopt__resources_add(&resources, &arena, name), i);
    CU_ASSERT_EQUAL(spotopt__resources_add(&resources, &arena, "one/more"), SPOTOPT__NONE);
    CU_ASSERT_EQUAL(spotopt__resources_add(&resources, &arena, "cpu"), SPOTOPT__CPU);
    spotopt__arena_free(&arena);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_quantity__reads_every_suffix),
        TEST(test_quantity__counts_cpu_in_millicores),
        TEST(test_quantity__rounds_fractions_away_from_zero),
        TEST(test_quantity__saturates_what_no_machine_has),
        TEST(test_quantity__reads_many_digits_with_small_units),
        TEST(test_quantity__refuses_what_is_none),
        TEST(test_resources__keep_one_place_a_name),
        TEST(test_resources__say_when_the_table_is_full),
    };

    return suite_run("quantity", tests, sizeof tests / sizeof *tests);
}
