/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counting costs: nanoseconds for one candidate of a recorder, beside a plain counter in
 * memory, and milliseconds to merge the funnels of many workers. Best, median and worst of rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "spotopt/spotopt.h"

enum { ROUNDS = 15, CANDIDATES = 2000000, WORKERS = 10000 };

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

static void
print(const char *what, const char *unit, double scale, double *rounds)
{
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    printf("%-44s %8.2f %8.2f %8.2f %s\n", what, scale * rounds[0], scale * rounds[ROUNDS / 2],
           scale * rounds[ROUNDS - 1], unit);
}

static void
must(spotopt_status status, const spotopt_error *err)
{
    if (status != SPOTOPT_OK) {
        fprintf(stderr, "bench_funnel: %s\n", err->message);
        exit(1);
    }
}

int
main(void)
{
    static volatile unsigned long plain[16];
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_recorder *recorder = NULL;
    spotopt_funnel **workers = malloc(WORKERS * sizeof *workers);
    double rounds[3][ROUNDS];

    if (workers == NULL)
        return 1;
    must(spotopt_recorder_new(NULL, 0.0, &recorder, &err), &err);
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds();

        for (int i = 0; i < CANDIDATES; i++)
            plain[i % 13]++;
        rounds[0][round] = (seconds() - start) / CANDIDATES;
        start = seconds();
        for (int i = 0; i < CANDIDATES; i++)
            spotopt_recorder_add(recorder, i % 13 - 1);
        rounds[1][round] = (seconds() - start) / CANDIDATES;
        start = seconds();
        for (int i = 0; i < CANDIDATES; i++)
            spotopt_recorder_add_explained(recorder, i % 13 - 1, 1U << i % 12);
        rounds[2][round] = (seconds() - start) / CANDIDATES;
    }
    printf("%-44s %8s %8s %8s\n", "", "best", "median", "worst");
    print("a plain counter, one candidate", "ns", 1e9, rounds[0]);
    print("a recorder, one candidate", "ns", 1e9, rounds[1]);
    print("a recorder, one candidate explained", "ns", 1e9, rounds[2]);

    for (int i = 0; i < WORKERS; i++) {
        if (i % 100 == 0) { /* a hundred different ones */
            for (int k = 0; k < 50; k++)
                spotopt_recorder_took(recorder, k % 7, 1e-6 * (1 + k) * (1 + i % 977));
        }
        must(spotopt_recorder_funnel(recorder, 0.0, &workers[i], &err), &err);
    }
    for (int round = 0; round < ROUNDS; round++) {
        spotopt_funnel *sum = NULL;
        double start = seconds();

        must(spotopt_funnel_new(NULL, &sum, &err), &err);
        for (int i = 0; i < WORKERS; i++)
            must(spotopt_funnel_merge(sum, workers[i], &err), &err);
        rounds[0][round] = seconds() - start;
        spotopt_funnel_free(sum);
    }
    print("10,000 funnels with latencies merged", "ms", 1e3, rounds[0]);
    for (int i = 0; i < WORKERS; i++)
        spotopt_funnel_free(workers[i]);
    free(workers);
    spotopt_recorder_free(recorder);
    return 0;
}
