/* SPDX-License-Identifier: Apache-2.0 */
/* Counting while it happens: sketches against sorted values, recorders against plain counting. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "pipeline/funnel.h"
#include "suite.h"

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Values at bucket edges, in clumps, over all scales, and all alike. */
static double
adversary(spotopt__rng *rng, int kind, int i)
{
    switch (kind) {
    case 0:
        return 1e-9 * exp(spotopt__rng_unit(rng) * log(1e15));
    case 1:
        return spotopt__sketch_value((int32_t)spotopt__rng_below(rng, 1700)) *
               (1.0 + (i % 2 == 0 ? 1e-15 : -1e-15));
    case 2:
        return i % 100 == 0 ? 3600.0 : 1e-6 + 1e-9 * i;
    case 3:
        return 0.25;
    default:
        return pow(1.0201, 200.0 + i % 300) * 1e-6;
    }
}

static void
test_sketch__quantiles_are_within_one_percent(void)
{
    enum { VALUES = 5000 };
    static double values[VALUES];
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 6);
    for (int kind = 0; kind < 5; kind++) {
        spotopt__sketch s = {NULL, 0, 0, 0};

        for (int i = 0; i < VALUES; i++) {
            values[i] = adversary(&rng, kind, i);
            CU_ASSERT(spotopt__sketch_add(NULL, &s, spotopt__sketch_bucket(values[i]), 1));
        }
        qsort(values, VALUES, sizeof *values, by_value);
        for (int k = 0; k <= 1000; k++) {
            double p = k / 1000.0, want = values[(int)(p * (VALUES - 1))];

            CU_ASSERT_DOUBLE_EQUAL(spotopt__sketch_quantile(&s, p) / want, 1.0, 0.01);
        }
        spotopt__sketch_free(NULL, &s);
    }
}

static void
test_sketch__what_is_outside_counts_at_the_edge(void)
{
    CU_ASSERT_EQUAL(spotopt__sketch_bucket(0.0), 0);
    CU_ASSERT_EQUAL(spotopt__sketch_bucket(-1.0), 0);
    CU_ASSERT_EQUAL(spotopt__sketch_bucket(NAN), 0);
    CU_ASSERT_EQUAL(spotopt__sketch_bucket(INFINITY), SPOTOPT__SKETCH_BUCKETS - 1);
}

static spotopt_funnel *
random_funnel(spotopt__rng *rng)
{
    spotopt_funnel *funnel = NULL;

    CU_ASSERT_EQUAL(spotopt_funnel_new(NULL, &funnel, NULL), SPOTOPT_OK);
    for (int i = 0; i < 20; i++) {
        int32_t reason = (int32_t)spotopt__rng_below(rng, SPOTOPT__DROPS + 1);
        bool is_through = reason == SPOTOPT__DROPS;

        spotopt__funnel_record(funnel, is_through ? -1 : spotopt__drop_stage(reason),
                               is_through ? 0 : reason);
        CU_ASSERT(spotopt__sketch_add(NULL, &funnel->stages[i % SPOTOPT__STAGES].latency,
                                      (int32_t)spotopt__rng_below(rng, 1750), 1));
        funnel->stages[i % SPOTOPT__STAGES].latency_ns += spotopt__rng_below(rng, 1000000);
    }
    return funnel;
}

static void
test_funnel__merges_in_any_order_to_the_same_bytes_and_back(void)
{
    enum { WORKERS = 60 };
    spotopt_funnel *workers[WORKERS], *sums[2], *again = NULL;
    char *text[3];
    size_t length[3];
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 8);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = random_funnel(&rng);
    for (int k = 0; k < 2; k++) {
        CU_ASSERT_EQUAL(spotopt_funnel_new(NULL, &sums[k], NULL), SPOTOPT_OK);
        for (int i = 0; i < WORKERS; i++)
            CU_ASSERT_EQUAL(
                spotopt_funnel_merge(sums[k], workers[k == 0 ? i : (i * 37 + 11) % WORKERS], NULL),
                SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_funnel_write(sums[k], &text[k], &length[k], NULL), SPOTOPT_OK);
    }
    CU_ASSERT_STRING_EQUAL(text[0], text[1]);
    CU_ASSERT_EQUAL(spotopt_funnel_parse(NULL, text[0], length[0], "f", &again, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_funnel_write(again, &text[2], &length[2], NULL), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(text[0], text[2]);
    for (int k = 0; k < 3; k++)
        spotopt_text_free(NULL, text[k]);
    for (int i = 0; i < WORKERS; i++)
        spotopt_funnel_free(workers[i]);
    spotopt_funnel_free(again);
    spotopt_funnel_free(sums[0]);
    spotopt_funnel_free(sums[1]);
}

enum { THREADS = 8, EACH = 20000 };

static void *
record(void *user)
{
    spotopt_recorder *recorder = user;

    for (int i = 0; i < EACH; i++) {
        spotopt_recorder_add_explained(recorder, i % 13 - 1, 1U << i % 12);
        if (i % 100 == 0) {
            spotopt_recorder_took(recorder, i / 100 % SPOTOPT__STAGES, 1e-3);
            spotopt_recorder_decided(recorder, 2, 5);
        }
    }
    return NULL;
}

static void
check_adds_up(const spotopt_funnel *f)
{
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        uint64_t dropped = 0;

        for (int r = 0; r < SPOTOPT__DROPS; r++)
            dropped += f->stages[s].drops[r];
        CU_ASSERT_EQUAL(f->stages[s].in, f->stages[s].out + dropped);
        CU_ASSERT(s == 0 || f->stages[s].in == f->stages[s - 1].out);
    }
}

static void
test_recorder__loses_no_count_between_threads(void)
{
    pthread_t threads[THREADS];
    spotopt_recorder *recorder = NULL;
    spotopt_funnel *f = NULL;
    uint64_t also = 0, took = 0;

    CU_ASSERT_EQUAL(spotopt_recorder_new(NULL, 0.0, &recorder, NULL), SPOTOPT_OK);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, record, recorder), 0);
    for (int i = 1; i < 200; i++) { /* readers and the clock do not disturb */
        CU_ASSERT_EQUAL(spotopt_recorder_tick(recorder, i, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_recorder_funnel(recorder, i % 3 == 0 ? 10.0 : 0.0, &f, NULL),
                        SPOTOPT_OK);
        check_adds_up(f);
        spotopt_funnel_free(f);
    }
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(spotopt_recorder_funnel(recorder, 0.0, &f, NULL), SPOTOPT_OK);
    check_adds_up(f);
    CU_ASSERT_EQUAL(f->stages[0].in, THREADS * EACH);
    CU_ASSERT_EQUAL(f->runs, THREADS * EACH / 100);
    CU_ASSERT_EQUAL(f->chosen, THREADS * EACH / 50);
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        took += f->stages[s].latency.count;
        for (int r = 0; r < SPOTOPT__DROPS; r++)
            also += f->stages[s].also[r];
    }
    CU_ASSERT_EQUAL(also, THREADS * EACH);
    CU_ASSERT_EQUAL(took, THREADS * EACH / 100);
    spotopt_funnel_free(f);
    spotopt_recorder_free(recorder);
}

/* One candidate a second for two days, ticked each second. */
static void
test_recorder__windows_hold_what_fell_into_them(void)
{
    static const double windows[] = {1.0, 10.0, 60.0, 600.0, 3600.0, 86400.0, 0.0};
    static const double slack[] = {1.0, 1.0, 1.0, 60.0, 60.0, 3600.0, 0.0};
    spotopt_recorder *recorder = NULL;
    const int seconds = 2 * 86400 + 1234;

    CU_ASSERT_EQUAL(spotopt_recorder_new(NULL, 0.0, &recorder, NULL), SPOTOPT_OK);
    for (int i = 1; i <= seconds; i++) {
        spotopt_recorder_add(recorder, i % 2 == 0 ? SPOTOPT_DROP_NONE : SPOTOPT_DROP_PRICE_CAP);
        if (spotopt_recorder_tick(recorder, i, NULL) != SPOTOPT_OK)
            CU_FAIL("tick");
    }
    for (size_t k = 0; k < sizeof windows / sizeof *windows; k++) {
        spotopt_funnel *f = NULL;
        double want = windows[k] > 0.0 ? windows[k] : seconds;

        CU_ASSERT_EQUAL(spotopt_recorder_funnel(recorder, windows[k], &f, NULL), SPOTOPT_OK);
        check_adds_up(f);
        CU_ASSERT((double)f->stages[0].in >= want);
        CU_ASSERT((double)f->stages[0].in <= want + slack[k]);
        spotopt_funnel_free(f);
    }
    spotopt_recorder_free(recorder);
}

static void
test_recorder__survives_every_failing_allocation(void)
{
    spotopt_status status = SPOTOPT_E_NOMEM;

    for (size_t n = 0; status == SPOTOPT_E_NOMEM && n < 200; n++) {
        fail_alloc allocator = FAIL_ALLOC_INIT;
        spotopt_context *context = fail_alloc_context(&allocator);
        spotopt_recorder *recorder = NULL;
        spotopt_funnel *f = NULL;

        fail_after(&allocator, n);
        status = spotopt_recorder_new(context, 0.0, &recorder, NULL);
        if (status == SPOTOPT_OK) {
            spotopt_recorder_add(recorder, SPOTOPT_DROP_QUOTA);
            spotopt_recorder_took(recorder, SPOTOPT_STAGE_FITS, 0.5);
            status = spotopt_recorder_tick(recorder, 3601.0, NULL);
            if (status == SPOTOPT_OK)
                status = spotopt_recorder_funnel(recorder, 60.0, &f, NULL);
        }
        spotopt_funnel_free(f);
        spotopt_recorder_free(recorder);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    }
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_sketch__quantiles_are_within_one_percent),
        TEST(test_sketch__what_is_outside_counts_at_the_edge),
        TEST(test_funnel__merges_in_any_order_to_the_same_bytes_and_back),
        TEST(test_recorder__loses_no_count_between_threads),
        TEST(test_recorder__windows_hold_what_fell_into_them),
        TEST(test_recorder__survives_every_failing_allocation),
    };
    return suite_run("recorder", tests, sizeof tests / sizeof *tests);
}
