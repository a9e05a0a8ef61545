/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_risk.c - fits a model of risk and says how long that took; and how long a portfolio takes.
 *
 * Usage: bench_risk HISTORY FROM_S TO_S CALIBRATE_TO_S [MODEL_OUT] [REPEATS]
 * Prints the quickest of REPEATS (default 5) in seconds of the process's CPU time: reading the
 * history, the fit of it in memory, and what a fleet of 1,000 pools in 12 regions may lose, without
 * and with the parts of the pools.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spotopt/spotopt.h"

#define POOLS 1000

static double
cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *
read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        fseek(file, 0, SEEK_SET) != 0 || (text = malloc((size_t)size + 1)) == NULL ||
        fread(text, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "bench_risk: %s: cannot be read\n", path);
        exit(2);
    }
    fclose(file);
    *length = (size_t)size;
    return text;
}

static void
check(spotopt_status status, const spotopt_error *err)
{
    if (status < 0) {
        fprintf(stderr, "bench_risk: %s\n", err->message);
        exit(2);
    }
}

static void
write_model(const spotopt_model *model, const char *path)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *text = NULL;
    size_t length = 0;
    FILE *file;

    check(spotopt_model_write(model, &text, &length, &err), &err);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0) {
        fprintf(stderr, "bench_risk: %s: cannot be written\n", path);
        exit(2);
    }
    spotopt_text_free(NULL, text);
}

static double
portfolio(bool has_parts)
{
    static uint32_t nodes[POOLS], region[POOLS];
    static double vcpus[POOLS], p_drop[POOLS], p_node[POOLS], parts[3][POOLS];
    spotopt_portfolio_params params = SPOTOPT_PORTFOLIO_PARAMS_INIT;
    spotopt_portfolio_loss loss = SPOTOPT_PORTFOLIO_LOSS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    double from = cpu_s();

    for (uint32_t i = 0; i < POOLS; i++) {
        nodes[i] = 1 + i * 7 % 20;
        region[i] = i * 5 % 12;
        vcpus[i] = (double)(2u << i % 5);
        p_drop[i] = 0.2 * (i * 37 % POOLS + 1) / POOLS;
        p_node[i] = 0.4 * p_drop[i];
    }
    params.count = POOLS;
    params.nodes = nodes;
    params.region = region;
    params.vcpus = vcpus;
    params.p_drop = p_drop;
    params.p_node = p_node;
    check(spotopt_portfolio_assess(NULL, &params, &loss, has_parts ? parts[0] : NULL,
                                   has_parts ? parts[1] : NULL, has_parts ? parts[2] : NULL, &err),
          &err);
    return cpu_s() - from;
}

int
main(int argc, char **argv)
{
    double best[4] = {1e9, 1e9, 1e9, 1e9};
    int repeats = argc > 6 ? atoi(argv[6]) : 5;
    size_t length, rows = 0;
    char *text;

    if (argc < 5) {
        fprintf(stderr,
                "usage: bench_risk HISTORY FROM_S TO_S CALIBRATE_TO_S [MODEL_OUT] [REPEATS]\n");
        return 2;
    }
    text = read_file(argv[1], &length);
    for (int i = 0; i < repeats; i++) {
        spotopt_model_fit_params params = SPOTOPT_MODEL_FIT_PARAMS_INIT;
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_history *history = NULL;
        spotopt_model *model = NULL;
        double at = cpu_s(), took;

        check(spotopt_history_parse(NULL, text, length, argv[1], &history, &err), &err);
        took = cpu_s() - at;
        best[0] = took < best[0] ? took : best[0];
        params.from_s = atof(argv[2]);
        params.to_s = atof(argv[3]);
        params.calibrate_to_s = atof(argv[4]);
        at = cpu_s();
        check(spotopt_model_fit(NULL, history, &params, NULL, &model, &err), &err);
        took = cpu_s() - at;
        best[1] = took < best[1] ? took : best[1];
        if (i == 0 && argc > 5)
            write_model(model, argv[5]);
        rows = spotopt_history_count(history);
        spotopt_model_free(model);
        spotopt_history_free(history);
        for (int parts = 0; parts < 2; parts++) {
            took = portfolio(parts == 1);
            best[2 + parts] = took < best[2 + parts] ? took : best[2 + parts];
        }
    }
    printf("history_rows,read_s,fit_s,portfolio_s,portfolio_parts_s\n%zu,%.6f,%.6f,%.6f,%.6f\n",
           rows, best[0], best[1], best[2], best[3]);
    free(text);
    return 0;
}
