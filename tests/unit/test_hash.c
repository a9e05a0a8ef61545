/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, the map on top, SHA-256 and random numbers, against published values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "fail_alloc.h"
#include "suite.h"

/* FIPS 180-4's examples, the one of a million a, and lengths around the padding's edge. */
static void
test_sha256__agrees_with_the_published_values(void)
{
    char hex[65], *million = malloc(1000000);
    unsigned char text[64];

    spotopt__sha256_hex("", 0, hex);
    CU_ASSERT_STRING_EQUAL(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    spotopt__sha256_hex("abc", 3, hex);
    CU_ASSERT_STRING_EQUAL(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    spotopt__sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
    CU_ASSERT_STRING_EQUAL(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', 1000000);
    spotopt__sha256_hex(million, 1000000, hex);
    CU_ASSERT_STRING_EQUAL(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    memset(text, 'a', sizeof text);
    spotopt__sha256_hex(text, 55, hex);
    CU_ASSERT_STRING_EQUAL(hex, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    spotopt__sha256_hex(text, 64, hex);
    CU_ASSERT_STRING_EQUAL(hex, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    free(million);
}

static void
test_hash__depends_on_every_byte_the_length_and_the_seed(void)
{
    unsigned char bytes[40] = {0};
    const uint64_t plain = spotopt__hash_bytes(bytes, sizeof bytes, 1);
    size_t equal = 0;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 0x10;
        equal += spotopt__hash_bytes(bytes, sizeof bytes, 1) == plain;
        bytes[i] ^= 0x10;
        equal += spotopt__hash_bytes(bytes, i, 1) == plain;
    }
    equal += spotopt__hash_bytes(bytes, sizeof bytes, 2) == plain;
    CU_ASSERT_EQUAL(equal, 0);
    CU_ASSERT_EQUAL(spotopt__hash_bytes(bytes, sizeof bytes, 1), plain);
    CU_ASSERT_NOT_EQUAL(spotopt__hash_mix(1, 2), spotopt__hash_mix(2, 1));
}

static void
test_map__finds_what_was_put_first_and_nothing_else(void)
{
    enum { MANY = 20000 };
    static char keys[MANY][12];
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt__map map;
    uint32_t found = 0;
    size_t wrong = 0;

    spotopt__map_init(&map, context);
    CU_ASSERT_EQUAL(spotopt__map_get(&map, "k0"), SPOTOPT__NONE);
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%u", (unsigned)i);
        wrong += !spotopt__map_put(&map, keys[i], i, &found) || found != i;
    }
    for (uint32_t i = 0; i < MANY; i++)
        wrong += !spotopt__map_put(&map, keys[i], 7, &found) || found != i;
    CU_ASSERT_EQUAL(map.count, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        wrong += spotopt__map_get(&map, keys[i]) != i;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(spotopt__map_get(&map, "k20000"), SPOTOPT__NONE);
    CU_ASSERT_EQUAL(spotopt__map_get_n(&map, "k123456", 4), 123);
    CU_ASSERT_TRUE(spotopt__map_put_n(&map, "", 0, 5, NULL));
    CU_ASSERT_EQUAL(spotopt__map_get(&map, ""), 5);
    spotopt__map_free(&map);
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

static void
test_map__keeps_what_it_has_when_memory_runs_out(void)
{
    static char keys[200][8];
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt__map map;
    uint32_t put = 0;
    size_t wrong = 0;

    spotopt__map_init(&map, context);
    fail_after(&allocator, 2);
    for (; put < 200; put++) {
        (void)snprintf(keys[put], sizeof keys[put], "%u", (unsigned)put);
        if (!spotopt__map_put(&map, keys[put], put, NULL))
            break;
    }
    CU_ASSERT_TRUE(put > 8 && put < 200);
    for (uint32_t i = 0; i < put; i++)
        wrong += spotopt__map_get(&map, keys[i]) != i;
    CU_ASSERT_EQUAL(wrong, 0);
    spotopt__map_free(&map);
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

/* Written down by the authors' reference program from the state {1, 2, 3, 4}. */
static void
test_rng__is_xoshiro256starstar(void)
{
    static const uint64_t want[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    spotopt__rng rng = {{1, 2, 3, 4}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        CU_ASSERT_EQUAL(spotopt__rng_next(&rng), want[i]);
    spotopt__rng_seed(&rng, 0); /* splitmix64 from 0 begins with this word */
    CU_ASSERT_EQUAL(rng.s[0], UINT64_C(0xe220a8397b1dcdaf));
}

static void
test_rng__is_uniform_within_its_limits(void)
{
    spotopt__rng rng;
    size_t seen[6] = {0};
    double sum = 0.0, least = 1.0, most = 0.0;

    spotopt__rng_seed(&rng, 5);
    for (int i = 0; i < 60000; i++) {
        const double unit = spotopt__rng_unit(&rng);

        seen[spotopt__rng_below(&rng, 6)]++;
        sum += unit;
        least = unit < least ? unit : least;
        most = unit > most ? unit : most;
    }
    for (int i = 0; i < 6; i++)
        CU_ASSERT_TRUE(seen[i] > 9500 && seen[i] < 10500); /* 5 standard deviations are 456 */
    CU_ASSERT_DOUBLE_EQUAL(sum / 60000, 0.5, 0.006);
    CU_ASSERT_TRUE(least >= 0.0 && most < 1.0);
    CU_ASSERT_EQUAL(spotopt__rng_below(&rng, 1), 0);
    CU_ASSERT_TRUE(spotopt__rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_sha256__agrees_with_the_published_values),
        TEST(test_hash__depends_on_every_byte_the_length_and_the_seed),
        TEST(test_map__finds_what_was_put_first_and_nothing_else),
        TEST(test_map__keeps_what_it_has_when_memory_runs_out),
        TEST(test_rng__is_xoshiro256starstar),
        TEST(test_rng__is_uniform_within_its_limits),
    };
    return suite_run("hash", tests, sizeof tests / sizeof *tests);
}
