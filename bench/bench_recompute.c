/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_recompute.c - how long forecasts of all pools from their whole history take, and how much
 * memory.
 *
 * Usage: bench_recompute [POOLS] [ROWS_A_POOL] [REPEATS]
 * Pools of random families, regions and rates over 45 days (default 100,000 with 100 rows each), a
 * random model; sees internals. Prints the quickest of REPEATS (default 3) in seconds of the
 * process's CPU time, without and with the model, and the most memory that the call held beside its
 * inputs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "../tests/support/random_model.h"
#include "model/history.h"
#include "spotopt/spotopt.h"

#define DAYS 45.0

static double
cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- memory in use, each piece behind its size --- */

typedef struct meter {
    size_t now, most;
} meter;

static void *
metered(void *user, void *ptr, size_t size)
{
    meter *m = user;
    size_t *piece = ptr != NULL ? (size_t *)ptr - 2 : NULL, was = piece != NULL ? *piece : 0;

    if (size == 0) {
        free(piece);
        m->now -= was;
        return NULL;
    }
    piece = realloc(piece, size + 2 * sizeof *piece);
    if (piece == NULL)
        return NULL;
    *piece = size;
    m->now += size - was;
    m->most = m->now > m->most ? m->now : m->most;
    return piece + 2;
}

SPOTOPT_PRINTF(2, 3) static const char *text_of(spotopt_history *history, const char *format, ...)
{
    char text[64];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return spotopt__arena_text(&history->arena, text, strlen(text));
}

/* Up and down at random; counts of 0 to 9 nodes, now and then an hour that nobody saw. */
static spotopt_history *
history_make(size_t pools, size_t rows, uint64_t seed)
{
    spotopt_history *history = spotopt__alloc(NULL, sizeof *history);
    uint64_t state = seed;
    size_t row = 0;

    if (history == NULL)
        exit(4);
    spotopt__arena_init(&history->arena, NULL);
    spotopt__map_init(&history->series_by_pool, NULL);
    history->rows = pools * rows;
    history->time_s = spotopt__alloc_array(NULL, history->rows, sizeof *history->time_s);
    history->nodes_up = spotopt__alloc_array(NULL, history->rows, sizeof *history->nodes_up);
    if (history->time_s == NULL || history->nodes_up == NULL)
        exit(4);
    for (size_t i = 0; i < pools; i++) {
        int region = (int)(i % 17), type = (int)(i / 51 % 400), zone = (int)(i / 17 % 3);
        spotopt__series series = {.pool = text_of(history, "pool-%d-%d-%d", (int)i, region, type),
                                  .region = text_of(history, "region-%d", region),
                                  .zone = text_of(history, "region-%d%c", region, 'a' + zone),
                                  .instance_type = text_of(history, "f%d.x%d", type / 8, type % 8),
                                  .first = row,
                                  .count = rows};
        double busy = exp(random_normal(&state)), sum = 0.0;
        uint32_t found;

        if (!spotopt__vec_push(NULL, &history->series, series) ||
            !spotopt__map_put(&history->series_by_pool, series.pool, (uint32_t)i, &found))
            exit(4);
        for (size_t r = 0; r < rows; r++, row++) {
            double u = random_unit(&state);

            sum += -log1p(-random_unit(&state)) + 0.01;
            history->time_s[row] = sum;
            history->nodes_up[row] = u < 0.01 ? NAN : floor(10.0 * pow(random_unit(&state), busy));
        }
        for (size_t r = row - rows; r < row; r++)
            history->time_s[r] = floor(86400.0 * DAYS * history->time_s[r] / (sum + 0.5));
        for (size_t r = row - rows + 1; r < row; r++) /* times ascend */
            history->time_s[r] = fmax(history->time_s[r], history->time_s[r - 1] + 1.0);
    }
    return history;
}

static void
check(spotopt_status status, const spotopt_error *err)
{
    if (status < 0) {
        fprintf(stderr, "bench_recompute: %s\n", err->message);
        exit(2);
    }
}

static void
score(const spotopt_history *history, const spotopt_model *model, int repeats, bool is_whole)
{
    static const double horizons_h[] = {1.0, 4.0, 24.0};
    const size_t pools = history->series.count;
    double best = INFINITY, best_columns = INFINITY, *out = malloc(3 * pools * sizeof *out),
           sum = 0.0;
    meter m = {0, 0};

    for (int i = 0; i < repeats; i++) {
        spotopt_context_params context_params = SPOTOPT_CONTEXT_PARAMS_INIT;
        spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_context *context = NULL;
        spotopt_risk *risk = NULL;
        double start, middle;

        m = (meter){0, 0};
        context_params.reallocate = metered;
        context_params.alloc_user = &m;
        check(spotopt_context_new(&context_params, &context, &err), &err);
        params.history = history;
        params.model = model;
        params.now_s = 86400.0 * DAYS;
        start = cpu_s();
        check(spotopt_risk_score_with(is_whole ? context : NULL, &params, NULL, &risk, &err), &err);
        middle = cpu_s();
        for (int h = 0; h < 3; h++) {
            check(spotopt_risk_drop_columns(risk, horizons_h[h], out, out + pools, out + 2 * pools,
                                            pools, &err),
                  &err);
            sum += out[0];
        }
        best = fmin(best, middle - start);
        best_columns = fmin(best_columns, cpu_s() - middle);
        spotopt_risk_free(risk);
        spotopt_context_free(context);
    }
    char memory[40] = "";

    if (is_whole)
        (void)snprintf(memory, sizeof memory, ", most memory %.1f MB", (double)m.most / 1e6);
    printf(
        "%8zu pools, %10zu rows, %-14s %7.3f s, columns of 3 horizons with intervals %6.3f s%s%s\n",
        pools, history->rows, model != NULL ? "with a model" : "layers 1 and 2", best, best_columns,
        memory, sum > 0.0 ? "" : "?");
    fflush(stdout);
    free(out);
}

int
main(int argc, char **argv)
{
    size_t pools = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000,
           rows = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
    int repeats = argc > 3 ? atoi(argv[3]) : 3;
    spotopt_history *history = history_make(pools, rows, 7);
    spotopt_model *model = random_model(NULL, spotopt__feature_count, 3, false, 1);

    if (model == NULL)
        return 4;
    score(history, NULL, repeats, false);
    score(history, model, repeats, false);
    score(history, model, 1, true);
    spotopt_model_free(model);
    spotopt_history_free(history);
    return 0;
}
