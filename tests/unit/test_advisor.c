/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "data.h"
#include "fail_alloc.h"
#include "risk/ordinal.h"
#include "spotopt/advisor.h"
#include "suite.h"

#define MAX 12000

typedef struct rows {
    const char *type[MAX], *region[MAX];
    int32_t bucket[MAX], out[MAX];
    double chance[MAX][5];
    size_t count;
} rows;

static spotopt_error err;
static rows r;
static char names[MAX][32];

static void
predict(void)
{
    CU_ASSERT_EQUAL_FATAL(spotopt_advisor_predict(NULL, r.type, r.region, r.bucket, r.count, r.out,
                                                  r.chance[0], &err),
                          SPOTOPT_OK);
}

static double
normal(spotopt__rng *rng)
{
    return sqrt(-2.0 * log(1.0 - spotopt__rng_unit(rng))) *
           cos(6.283185307179586 * spotopt__rng_unit(rng));
}

static int32_t
class_of(double x)
{
    return x < -1.5 ? 0 : x < -0.5 ? 1 : x < 0.2 ? 2 : x < 1.0 ? 3 : 4;
}

/* Types of families in regions, each with a level, and a family's own in a region. */
static void
simulate(spotopt__rng *rng, int families, int sizes, int regions)
{
    static char region_names[32][16];
    double family[64], type[512], region[32];

    r.count = 0;
    for (int f = 0; f < families; f++)
        family[f] = normal(rng);
    for (int t = 0; t < families * sizes; t++)
        type[t] = 0.5 * normal(rng);
    for (int g = 0; g < regions; g++) {
        snprintf(region_names[g], sizeof region_names[g], "r%d", g);
        region[g] = 0.5 * normal(rng);
    }
    for (int f = 0; f < families; f++) {
        for (int g = 0; g < regions; g++) {
            double here = 0.7 * normal(rng);
            for (int s = 0; s < sizes; s++) {
                snprintf(names[r.count], sizeof names[0], "f%d.s%d", f, s);
                r.type[r.count] = names[r.count];
                r.region[r.count] = region_names[g];
                r.bucket[r.count++] = class_of(family[f] + type[f * sizes + s] + region[g] + here +
                                               0.5 * normal(rng));
            }
        }
    }
}

static double
error_of(const int32_t *truth, int32_t constant)
{
    double sum = 0.0;

    for (size_t i = 0; i < r.count; i++)
        sum += abs(truth[i] - (constant < 0 ? r.out[i] : constant));
    return sum / (double)r.count;
}

static double
best_constant(const int32_t *truth)
{
    double best = INFINITY;

    for (int32_t k = 0; k < 5; k++)
        best = fmin(best, error_of(truth, k));
    return best;
}

static void
test_advisor__beats_every_constant_where_types_and_regions_matter(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 1);
    for (int round = 0; round < 5; round++) {
        simulate(&rng, 20, 6, 8);
        predict();
        CU_ASSERT(error_of(r.bucket, -1) < 0.7 * best_constant(r.bucket));
        for (size_t i = 0; i < r.count; i++) {
            double sum = 0.0;
            for (int k = 0; k < 5; k++) {
                CU_ASSERT(r.chance[i][k] >= 0.0);
                sum += r.chance[i][k];
            }
            CU_ASSERT_DOUBLE_EQUAL(sum, 1.0, 1e-12);
        }
    }
}

static void
test_advisor__says_no_more_than_a_constant_where_nothing_matters(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 2);
    simulate(&rng, 20, 6, 8);
    for (size_t i = 0; i < r.count; i++)
        r.bucket[i] = class_of(normal(&rng));
    predict();
    CU_ASSERT(error_of(r.bucket, -1) < 1.05 * best_constant(r.bucket));
}

static void
test_advisor__a_rows_own_bucket_is_never_looked_at(void)
{
    static rows before;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 3);
    simulate(&rng, 12, 5, 6);
    predict();
    before = r;
    for (size_t i = 0; i < r.count;
         i += 37) { /* the fit may move a little: one of many rows of it is missing */
        r.bucket[i] = -1;
        predict();
        for (int k = 0; k < 5; k++)
            CU_ASSERT_DOUBLE_EQUAL(r.chance[i][k], before.chance[i][k], 0.03);
        r.bucket[i] = before.bucket[i];
    }
}

static void
test_advisor__chances_are_right_as_often_as_they_say(void)
{
    double said[5] = {0}, seen[5] = {0}, top = 0, hit = 0;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 4);
    for (int round = 0; round < 6; round++) {
        simulate(&rng, 20, 6, 8);
        predict();
        for (size_t i = 0; i < r.count; i++) {
            int best = 0;
            for (int k = 0; k < 5; k++) {
                said[k] += r.chance[i][k];
                seen[k] += r.bucket[i] == k;
                best = r.chance[i][k] > r.chance[i][best] ? k : best;
            }
            top += r.chance[i][best];
            hit += r.bucket[i] == best;
        }
    }
    for (int k = 0; k < 5; k++)
        CU_ASSERT_DOUBLE_EQUAL(said[k] / seen[k], 1.0, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(top / hit, 1.0, 0.06);
}

static void
test_advisor__is_the_same_in_any_order_and_for_repeated_rows(void)
{
    static rows before;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 5);
    simulate(&rng, 8, 5, 5);
    for (size_t i = 0; i < r.count; i += 3)
        r.bucket[i] = -1;
    predict();
    before = r;
    for (size_t i = 0; i < before.count; i++) {
        size_t from = before.count - 1 - i;
        r.type[i] = r.type[i + before.count] = before.type[from];
        r.region[i] = r.region[i + before.count] = before.region[from];
        r.bucket[i] = r.bucket[i + before.count] = before.bucket[from];
    }
    r.count = 2 * before.count;
    predict();
    for (size_t i = 0; i < before.count; i++) {
        for (int k = 0; k < 5; k++) {
            CU_ASSERT_DOUBLE_EQUAL(r.chance[i][k], before.chance[before.count - 1 - i][k], 1e-7);
            CU_ASSERT_EQUAL(r.chance[i][k], r.chance[i + before.count][k]);
        }
    }
}

/* The same likelihood by another method: coordinates in turn, each by bisection of a numerical
 * slope. */
static double
likelihood(const double *p, const double (*x)[SPOTOPT__COVARIATES], const int32_t *classes,
           size_t count)
{
    double sum = 0.0;

    for (size_t i = 0; i <= count + 4; i++) {
        double eta = i < count ? p[4] * x[i][0] : 0.0, upto[6] = {0, 0, 0, 0, 0, 1};
        int of = i < count ? classes[i] : (int)(i - count);
        for (int k = 0; k < 4; k++)
            upto[k + 1] = 1.0 / (1.0 + exp(eta - p[k]));
        sum += (i < count ? 1.0 : 0.5) * log(upto[of + 1] - upto[of]);
    }
    return sum - 0.5 * 1e-3 * (double)(count + 1) * p[4] * p[4];
}

static void
test_ordinal__agrees_with_an_independent_search(void)
{
    static double x[400][SPOTOPT__COVARIATES];
    static int32_t classes[400];
    spotopt__ordinal fit;
    spotopt__rng rng;
    double p[5] = {-2, -1, 0, 1, 0}, mean = 0, square = 0;

    spotopt__rng_seed(&rng, 7);
    for (int i = 0; i < 400; i++) {
        x[i][0] = normal(&rng);
        mean += x[i][0] / 400;
    }
    for (int i = 0; i < 400; i++)
        square += (x[i][0] - mean) * (x[i][0] - mean) / 400;
    for (int i = 0; i < 400; i++) {
        x[i][0] = (x[i][0] - mean) / sqrt(square); /* standardised already */
        classes[i] = class_of(x[i][0] + normal(&rng));
    }
    spotopt__ordinal_fit((const double(*)[SPOTOPT__COVARIATES])x, classes, 400, 1, &fit);
    for (int round = 0; round < 400; round++) {
        for (int j = 0; j < 5; j++) {
            double low = p[j] - 0.1, high = p[j] + 0.1;
            for (int i = 0; i < 30; i++) {
                double a = low + (high - low) / 3, b = high - (high - low) / 3, fa, fb;
                p[j] = a;
                fa = likelihood(p, (const double(*)[SPOTOPT__COVARIATES])x, classes, 400);
                p[j] = b;
                fb = likelihood(p, (const double(*)[SPOTOPT__COVARIATES])x, classes, 400);
                *(fa < fb ? &low : &high) = fa < fb ? a : b;
            }
            p[j] = 0.5 * (low + high);
        }
    }
    for (int k = 0; k < 4; k++)
        CU_ASSERT_DOUBLE_EQUAL(fit.threshold[k], p[k], 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(fit.beta[0], p[4], 1e-4);
}

static void
test_advisor__few_rows_give_their_frequency_and_bad_ones_are_named(void)
{
    const char *types[] = {"a.x", "a.y", "b.x", NULL}, *regions[] = {"r", "r", "q", "q"};
    int32_t buckets[] = {4, 4, -1, 5}, out[4] = {9, 9, 9, 9};
    double chance[15];

    CU_ASSERT_EQUAL(spotopt_advisor_predict(NULL, types, regions, buckets, 3, out, chance, &err),
                    SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(chance[4], 3.0 / 7.0, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(chance[10], 1.0 / 7.0, 1e-15);
    out[0] = 9;
    CU_ASSERT_EQUAL(spotopt_advisor_predict(NULL, types, regions, buckets, 4, out, NULL, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "instance_types[3]"));
    types[3] = "b.y";
    CU_ASSERT_EQUAL(spotopt_advisor_predict(NULL, types, regions, buckets, 4, out, NULL, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "buckets[3]"));
    CU_ASSERT_EQUAL(out[0], 9);
    CU_ASSERT_EQUAL(spotopt_advisor_predict(NULL, NULL, NULL, NULL, 0, NULL, NULL, &err),
                    SPOTOPT_OK);
}

static void
test_advisor__one_class_alone_and_texts_without_a_dot_are_no_trouble(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 9);
    simulate(&rng, 6, 4, 4);
    for (size_t i = 0; i < r.count; i++) {
        r.bucket[i] = 3;
        r.type[i] = i % 2 == 0 ? "" : r.type[i];
    }
    predict();
    for (size_t i = 0; i < r.count; i++)
        CU_ASSERT(r.out[i] == 3 && r.chance[i][3] > 0.8 && r.chance[i][0] > 0.0);
}

static void
test_advisor__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    spotopt__rng rng;
    size_t turn = 0;

    spotopt__rng_seed(&rng, 8);
    simulate(&rng, 5, 4, 3);
    do {
        fail_after(&allocator, turn++);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL ? SPOTOPT_E_NOMEM
                                 : spotopt_advisor_predict(context, r.type, r.region, r.bucket,
                                                           r.count, r.out, NULL, NULL);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && turn < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(turn > 10);
}

/* ---- real buckets ---- */

/* Linux rows of a day; false where it is not there. */
static bool
read_day(const char *day)
{
    static char text[4 << 20];
    const char *folder = getenv("SPOTOPT_DATA");
    char command[1200], *at = text;
    size_t length;
    FILE *from;

#ifdef SPOTOPT_TEST_DATA
    folder = folder == NULL ? SPOTOPT_TEST_DATA : folder;
#endif
    snprintf(command, sizeof command, "gzip -dc '%s/spot/advisor_%s.csv.gz' 2>/dev/null", folder,
             day);
    from = popen(command, "r");
    length = from == NULL ? 0 : fread(text, 1, sizeof text - 1, from);
    if (from != NULL)
        pclose(from);
    text[length] = '\0';
    r.count = 0;
    while ((at = strchr(at, '\n')) != NULL && at[1] != '\0' && r.count < MAX) {
        char *region = ++at, *os = strchr(at, ',') + 1, *type = strchr(os, ',') + 1,
             *bucket = strchr(type, ',') + 1;
        os[-1] = type[-1] = bucket[-1] = '\0';
        r.region[r.count] = region;
        r.type[r.count] = type;
        r.bucket[r.count] = atoi(bucket);
        r.count += strcmp(os, "Linux") == 0;
        at = bucket;
    }
    if (r.count == 0)
        printf(" (skipped: no advisor_%s.csv.gz) ", day);
    return r.count > 0;
}

/* Each region in turn without any bucket of its own, and each row in turn without its own. */
static void
test_advisor__real_buckets_are_told_from_other_regions(void)
{
    static const char *const days[] = {"2025-06-28", "2021-02-10"};
    static const double wanted[] = {1.03, 1.352};
    static int32_t truth[MAX], guess[MAX];

    for (int d = 0; d < 2; d++) {
        if (!read_day(days[d]))
            continue;
        memcpy(truth, r.bucket, sizeof truth);
        for (size_t first = 0; first < r.count; first++) {
            bool is_seen = false;
            for (size_t i = 0; i < first && !is_seen; i++)
                is_seen = strcmp(r.region[i], r.region[first]) == 0;
            if (is_seen)
                continue;
            for (size_t i = 0; i < r.count; i++)
                r.bucket[i] = strcmp(r.region[i], r.region[first]) == 0 ? -1 : truth[i];
            predict();
            for (size_t i = 0; i < r.count; i++)
                guess[i] = r.bucket[i] < 0 ? r.out[i] : guess[i];
        }
        memcpy(r.bucket, truth, sizeof truth);
        predict();
        double itself = error_of(truth, -1), constant = best_constant(truth);
        memcpy(r.out, guess, sizeof guess);
        double region = error_of(truth, -1);
        printf("\n    %s: mean absolute error %.3f without the region, %.3f without the row; best "
               "constant %.3f",
               days[d], region, itself, constant);
        CU_ASSERT(region < wanted[d] && region < constant && itself < region);
    }
    printf("\n ");
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_advisor__beats_every_constant_where_types_and_regions_matter),
        TEST(test_advisor__says_no_more_than_a_constant_where_nothing_matters),
        TEST(test_advisor__a_rows_own_bucket_is_never_looked_at),
        TEST(test_advisor__chances_are_right_as_often_as_they_say),
        TEST(test_advisor__is_the_same_in_any_order_and_for_repeated_rows),
        TEST(test_ordinal__agrees_with_an_independent_search),
        TEST(test_advisor__few_rows_give_their_frequency_and_bad_ones_are_named),
        TEST(test_advisor__one_class_alone_and_texts_without_a_dot_are_no_trouble),
        TEST(test_advisor__survives_every_failing_allocation),
        TEST(test_advisor__real_buckets_are_told_from_other_regions),
    };

    return suite_run("advisor", tests, sizeof tests / sizeof *tests);
}
