/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_score.c - how long forecasts of many pools take, beside reading their columns once.
 *
 * Usage: bench_score [REPEATS]
 * The model and the pools are random; sees internals. Prints the quickest of REPEATS (default 15)
 * in seconds of the process's CPU time, and the ratio to the sum of all columns that are read.
 */
#include <stdio.h>
#include <time.h>

#include "../tests/support/random_model.h"
#include "risk/forecast.h"

static double
cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Every column once, four sums side by side so that memory sets the pace. */
static double
read_columns(const double *x, size_t count)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};

    for (size_t i = 0; i + 4 <= count; i += 4) {
        for (size_t k = 0; k < 4; k++)
            sum[k] += x[i + k];
    }
    return sum[0] + sum[1] + sum[2] + sum[3];
}

static void
run(size_t count, const double *horizons_h, size_t horizons, bool has_interval, bool has_evidence,
    int repeats)
{
    const size_t features = spotopt__feature_count;
    spotopt_model *model = random_model(NULL, spotopt__feature_count, 3, false, 1);
    double *x = malloc((features + 2) * count * sizeof *x);
    double *out = malloc(3 * horizons * count * sizeof *out);
    double best = INFINITY, best_read = INFINITY, sum = 0.0;
    uint64_t state = 5;

    if (model == NULL || x == NULL || out == NULL)
        exit(4);
    for (size_t c = 0; c < model->calibrator_count; c++)
        model->calibrators[c].evidence = has_evidence ? 0.3 : 0.0;
    for (size_t i = 0; i < (features + 2) * count; i++)
        x[i] = random_unit(&state);
    memset(out, 0, 3 * horizons * count * sizeof *out);
    spotopt__rows rows = {count, count, x, x + features * count, x + (features + 1) * count};
    for (int i = 0; i < repeats; i++) {
        double start = cpu_s(), middle;

        if (!spotopt__forecast(model, &rows, horizons_h, horizons, out,
                               has_interval ? out + horizons * count : NULL,
                               has_interval ? out + 2 * horizons * count : NULL))
            exit(4);
        middle = cpu_s();
        sum += read_columns(x, (features + (has_evidence ? 2 : 0)) * count);
        best = middle - start < best ? middle - start : best;
        best_read = cpu_s() - middle < best_read ? cpu_s() - middle : best_read;
    }
    printf(
        "%9zu pools x %zu horizons%-22s %9.3f ms  %6.1f ns a forecast  reading columns %7.3f ms  "
        "ratio %5.2f%s\n",
        count, horizons,
        has_interval   ? ", layer 2, intervals"
        : has_evidence ? ", layer 2"
                       : "",
        1e3 * best, 1e9 * best / (double)(count * horizons), 1e3 * best_read, best / best_read,
        sum > 0.0 ? "" : "?");
    free(out);
    free(x);
    spotopt_model_free(model);
}

int
main(int argc, char **argv)
{
    static const double horizons_h[] = {1.0, 4.0, 24.0, 12.0};
    int repeats = argc > 1 ? atoi(argv[1]) : 15;

    run(4000, horizons_h, 1, false, false, repeats);
    run(4000, horizons_h, 1, false, true, repeats);
    run(10000, horizons_h, 4, true, true, repeats);
    run(10000, horizons_h, 4, false, true, repeats);
    run(10000, horizons_h, 3, true, true, repeats);
    run(1000000, horizons_h, 1, false, false, repeats);
    run(1000000, horizons_h, 1, false, true, repeats);
    run(1000000, horizons_h, 3, false, true, repeats);
    return 0;
}
