/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profiles.c - many pools under many profiles at once, on columns.
 *
 * The logarithm of the score is linear in the logarithms of the factors, so these are taken once
 * for a block of pools that stays in the first cache, and each profile costs four products a pool.
 * What remains is the memory that the answer takes: a large one is written past the caches, since
 * a plain store first fetches the line that it is about to write over. The order by ln S is the
 * order by S, and no exponential is spent on pools that nobody will look at.
 */
#include <stdlib.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define STREAMS 1
#else
#define STREAMS 0
#endif

#include "base/vmath.h"
#include "rank/rank.h"
#include "spotopt/rank.h"

enum { BLOCK = 256 };
#define LARGE ((size_t)1 << 19) /* numbers of an answer that no cache would keep */

/* What a profile's weights multiply, of pools first .. first + count - 1. */
SPOTOPT__CLONES static void
take_logs(const double *factors, size_t pools, size_t first, size_t count, double *out)
{
    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        const double *from = factors + (size_t)f * pools + first;
        double *to = out + f * BLOCK;

#pragma omp simd
        for (size_t i = 0; i < count; i++)
            to[i] = SPOTOPT__LN2 * spotopt__vlog2(from[i]);
    }
}

SPOTOPT__CLONES static void
weigh(const double *values, const double *weights, size_t count, double *restrict out)
{
    const double a = weights[0], b = weights[1], c = weights[2], d = weights[3];

#pragma omp simd
    for (size_t i = 0; i < count; i++)
        out[i] = (a * values[i] + b * values[BLOCK + i]) +
                 (c * values[2 * BLOCK + i] + d * values[3 * BLOCK + i]);
}

#if STREAMS
/* weigh() with stores past the caches, for one width of vectors: the same sums in the same order,
 * hence the same bits. */
#define WEIGH_PAST(name, isa, lanes, vec, f)                                                       \
    __attribute__((target(isa))) static void name(const double *v, const double *w, size_t count,  \
                                                  double *restrict out)                            \
    {                                                                                              \
        const vec a = f##_set1_pd(w[0]), b = f##_set1_pd(w[1]), c = f##_set1_pd(w[2]),             \
                  d = f##_set1_pd(w[3]);                                                           \
        size_t i = 0;                                                                              \
                                                                                                   \
        for (; i < count && ((uintptr_t)(out + i) & (8 * (lanes)-1)) != 0; i++)                    \
            out[i] = sum_at(v, w, i);                                                              \
        for (; i + (lanes) <= count; i += (lanes))                                                 \
            f##_stream_pd(out + i,                                                                 \
                          f##_add_pd(f##_add_pd(f##_mul_pd(a, f##_loadu_pd(v + i)),                \
                                                f##_mul_pd(b, f##_loadu_pd(v + BLOCK + i))),       \
                                     f##_add_pd(f##_mul_pd(c, f##_loadu_pd(v + 2 * BLOCK + i)),    \
                                                f##_mul_pd(d, f##_loadu_pd(v + 3 * BLOCK + i))))); \
        for (; i < count; i++)                                                                     \
            out[i] = sum_at(v, w, i);                                                              \
    }

SPOTOPT__INLINE double
sum_at(const double *v, const double *w, size_t i)
{
    return (w[0] * v[i] + w[1] * v[BLOCK + i]) +
           (w[2] * v[2 * BLOCK + i] + w[3] * v[3 * BLOCK + i]);
}
WEIGH_PAST(weigh_past_8, "avx512f", 8, __m512d, _mm512)
WEIGH_PAST(weigh_past_4, "avx2", 4, __m256d, _mm256)
WEIGH_PAST(weigh_past_2, "sse2", 2, __m128d, _mm)
#endif

typedef void weigher(const double *values, const double *weights, size_t count,
                     double *restrict out);

static weigher *
choose_weigher(size_t numbers)
{
#if STREAMS
    if (numbers >= LARGE)
        return __builtin_cpu_supports("avx512f") ? weigh_past_8
               : __builtin_cpu_supports("avx2")  ? weigh_past_4
                                                 : weigh_past_2;
#endif
    (void)numbers;
    return weigh;
}

/* Whether all lie between two ends; false for NaN as well. */
SPOTOPT__CLONES static bool
are_within(const double *values, size_t count, double least, double most)
{
    int64_t out = 0;

#pragma omp simd reduction(+ : out)
    for (size_t i = 0; i < count; i++)
        out += values[i] >= least && values[i] <= most ? 0 : 1;
    return out == 0;
}

static spotopt_status
check(const double *factors, size_t pools, const double *weights, size_t profiles, int32_t score,
      spotopt_error *err)
{
    char real[SPOTOPT__REAL_SIZE];

    if (factors == NULL || weights == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             factors == NULL ? "factors" : "weights");
    if (score != SPOTOPT_SCORE_GEOMETRIC && score != SPOTOPT_SCORE_ARITHMETIC)
        return spotopt__fail(
            err, SPOTOPT_E_ARGUMENT,
            "score is %d; want SPOTOPT_SCORE_GEOMETRIC or SPOTOPT_SCORE_ARITHMETIC", (int)score);
    for (size_t i = 0; i < SPOTOPT__FACTORS * profiles; i++) {
        if (!(weights[i] >= 0.0 && weights[i] < INFINITY)) {
            spotopt__write_real(weights[i], real);
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "weights[%zu] is %s; want a number >= 0",
                                 i, real);
        }
    }
    if (are_within(factors, SPOTOPT__FACTORS * pools, SPOTOPT__U_MIN, 1.0))
        return SPOTOPT_OK;
    for (size_t i = 0; i < SPOTOPT__FACTORS * pools; i++) {
        if (!(factors[i] >= SPOTOPT__U_MIN && factors[i] <= 1.0)) { /* false for NaN as well */
            spotopt__write_real(factors[i], real);
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "factors[%zu] is %s; want %s", i, real,
                                 "a number between 0.01 and 1");
        }
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_rank_scores(const double *factors, size_t pools, const double *weights, size_t profiles,
                    int32_t score, double *out_scores, spotopt_error *err)
{
    _Alignas(64) double values[SPOTOPT__FACTORS * BLOCK];
    weigher *const own_weigh = choose_weigher(profiles > 0 ? pools * profiles : 0);
    spotopt_status status = check(factors, pools, weights, profiles, score, err);

    if (status != SPOTOPT_OK)
        return status;
    if (out_scores == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out_scores is NULL; want it set");
    for (size_t first = 0; first < pools; first += BLOCK) {
        size_t count = pools - first < BLOCK ? pools - first : BLOCK;

        if (score == SPOTOPT_SCORE_GEOMETRIC) {
            take_logs(factors, pools, first, count, values);
        } else {
            for (int f = 0; f < SPOTOPT__FACTORS; f++)
                memcpy(values + f * BLOCK, factors + (size_t)f * pools + first,
                       count * sizeof *values);
        }
        for (size_t p = 0; p < profiles; p++)
            own_weigh(values, weights + SPOTOPT__FACTORS * p, count,
                      out_scores + p * pools + first);
    }
#if STREAMS
    _mm_sfence(); /* what was written past the caches is there for every thread before we return */
#endif
    return SPOTOPT_OK;
}

typedef struct best {
    double score;
    uint32_t pool;
} best;

/* Whether a comes after b: worse, or as good and later in the catalog. */
static bool
is_after(const best *a, const best *b)
{
    return a->score < b->score || (a->score == b->score && a->pool > b->pool);
}

/* A heap whose root comes last: puts one at a place and down to where it belongs. */
static void
sift(best *heap, size_t count, size_t at, best one)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_after(&heap[child + 1], &heap[child]))
            child++;
        if (!is_after(&heap[child], &one))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = one;
}

static int
by_rank(const void *a, const void *b)
{
    return is_after(a, b) ? 1 : -1;
}

spotopt_status
spotopt_rank_top(const double *factors, size_t pools, const double *weights, int32_t score,
                 size_t top, size_t reference, uint32_t *out_pools, double *out_scores,
                 double *out_contributions, spotopt_error *err)
{
    double values[SPOTOPT__FACTORS * BLOCK], scores[BLOCK];
    best heap[SPOTOPT_RANK_TOP_MAX];
    size_t kept = 0;
    spotopt_status status = check(factors, pools, weights, 1, score, err);

    if (status != SPOTOPT_OK)
        return status;
    if (top < 1 || top > SPOTOPT_RANK_TOP_MAX || top > pools || pools >= UINT32_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "top is %zu of %zu pools; want 1 to %d", top,
                             pools, SPOTOPT_RANK_TOP_MAX);
    if (out_pools == NULL || (out_contributions != NULL && reference >= pools))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s",
                             out_pools == NULL ? "out_pools is NULL; want it set"
                                               : "reference is no pool");
    for (size_t first = 0; first < pools; first += BLOCK) {
        size_t count = pools - first < BLOCK ? pools - first : BLOCK;

        if (score == SPOTOPT_SCORE_GEOMETRIC) {
            take_logs(factors, pools, first, count, values);
        } else {
            for (int f = 0; f < SPOTOPT__FACTORS; f++)
                memcpy(values + f * BLOCK, factors + (size_t)f * pools + first,
                       count * sizeof *values);
        }
        weigh(values, weights, count, scores);
        for (size_t i = 0; i < count; i++) {
            best one = {scores[i], (uint32_t)(first + i)};

            if (kept < top) {
                heap[kept++] = one;
                for (size_t k = top / 2; kept == top && k-- > 0;)
                    sift(heap, kept, k, heap[k]);
            } else if (is_after(&heap[0], &one)) {
                sift(heap, kept, 0, one);
            }
        }
    }
    qsort(heap, kept, sizeof *heap, by_rank);
    for (size_t k = 0; k < kept; k++) {
        out_pools[k] = heap[k].pool;
        if (out_scores != NULL)
            out_scores[k] = heap[k].score;
        for (int f = 0; out_contributions != NULL && f < SPOTOPT__FACTORS; f++) {
            double u = factors[(size_t)f * pools + heap[k].pool];
            double base = factors[(size_t)f * pools + reference];

            out_contributions[SPOTOPT__FACTORS * k + (size_t)f] =
                weights[f] * (score == SPOTOPT_SCORE_GEOMETRIC ? log(u) - log(base) : u - base);
        }
    }
    return SPOTOPT_OK;
}
