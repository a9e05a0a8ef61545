/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ranking costs on columns: a million pools under 32 profiles, beside a loop that writes as
 * much and nothing else, and beside OpenBLAS' matrix product on logarithms that are already there;
 * and the ten best of ten thousand pools with their contributions. Best, median and worst of
 * rounds.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "spotopt/spotopt.h"

enum { ROUNDS = 9, POOLS = 1000000, PROFILES = 32, FEW = 10000, TOP = 10 };

void dgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
            const double *beta, double *c, const int *ldc);

static double
seconds(void)
{
    struct timespec at;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at); /* other programs do not count */
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
print(const char *what, double *rounds)
{
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    printf("%-52s %8.2f %8.2f %8.2f ms\n", what, 1e3 * rounds[0], 1e3 * rounds[ROUNDS / 2],
           1e3 * rounds[ROUNDS - 1]);
    return rounds[ROUNDS / 2];
}

static void
must(spotopt_status status, const spotopt_error *err)
{
    if (status != SPOTOPT_OK) {
        fprintf(stderr, "bench_rank: %s\n", err->message);
        exit(1);
    }
}

static void
write_only(double *out, size_t count, double value)
{
    for (size_t i = 0; i < count; i++)
        out[i] = value;
}

int
main(void)
{
    const int rows = POOLS, profiles = PROFILES, four = 4;
    const double one = 1.0, zero = 0.0;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    size_t cells = (size_t)POOLS * PROFILES;
    double *factors = malloc(4 * (size_t)POOLS * sizeof *factors);
    double *logs = malloc(4 * (size_t)POOLS * sizeof *logs), *out = malloc(cells * sizeof *out);
    double weights[4 * PROFILES], rounds[4][ROUNDS], scores[TOP], parts[4 * TOP];
    uint32_t best[TOP];
    unsigned state = 1;

    if (factors == NULL || logs == NULL || out == NULL)
        return 1;
    for (size_t i = 0; i < 4 * (size_t)POOLS; i++) {
        state = state * 1664525U + 1013904223U;
        factors[i] = 0.01 + 0.99 * (double)(state >> 8) / 16777216.0;
        logs[i] = log(factors[i]);
    }
    for (int i = 0; i < 4 * PROFILES; i++)
        weights[i] = 0.1 + 0.01 * i;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds();

        write_only(out, cells, round);
        rounds[0][round] = seconds() - start;
        start = seconds();
        must(spotopt_rank_scores(factors, POOLS, weights, PROFILES, SPOTOPT_SCORE_GEOMETRIC, out,
                                 &err),
             &err);
        rounds[1][round] = seconds() - start;
        start = seconds();
        dgemm_("N", "N", &rows, &profiles, &four, &one, logs, &rows, weights, &four, &zero, out,
               &rows);
        rounds[2][round] = seconds() - start;
        start = seconds();
        must(spotopt_rank_top(factors, FEW, weights, SPOTOPT_SCORE_GEOMETRIC, TOP, 0, best, scores,
                              parts, &err),
             &err);
        rounds[3][round] = seconds() - start;
    }
    printf("%-52s %8s %8s %8s\n", "", "best", "median", "worst");
    double plain = print("1,000,000 x 32: a loop that only writes", rounds[0]);
    double own = print("1,000,000 x 32: scores from factors", rounds[1]);
    print("1,000,000 x 32: OpenBLAS dgemm from logarithms", rounds[2]);
    print("10,000 pools: the ten best, explained", rounds[3]);
    printf("scores over writing, medians: %.2f\n", own / plain);
    free(factors);
    free(logs);
    free(out);
    return 0;
}
