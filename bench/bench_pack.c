/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_pack.c - solves PackingProblem files and prints one line each: cost, bound, gap, seconds.
 *
 * Usage: bench_pack [-d SECONDS] [-g GAP] [-w WORK] [-s SEED] [-c cpu] [-o DIRECTORY] [-t TRACE]
 * FILE... With -c cpu deadline and seconds are of the process' processor time, which a busy machine
 * does not stretch. With -o the results are written there, under the files' names, for a judge.
 * With -t the steps of cost and bound over time go to TRACE, a CSV of file, seconds, cost, bound:
 * what the progress callback is told (every 50 ms at most), and the end. Cost is empty while there
 * is none.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spotopt/spotopt.h"

static char *
read_all(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    size_t room = 1 << 16, count = 0, got;
    char *text = malloc(room);

    if (file == NULL || text == NULL)
        exit(3);
    while ((got = fread(text + count, 1, room - count, file)) > 0) {
        count += got;
        if (count == room) {
            room *= 2;
            text = realloc(text, room);
            if (text == NULL)
                exit(4);
        }
    }
    fclose(file);
    *length = count;
    return text;
}

static double
cpu_seconds(void *user)
{
    struct timespec now = {0, 0};

    (void)user;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

typedef struct trace {
    FILE *stream;
    const char *name;
    double cost, bound; /* the best told so far, infinite and 0 before */
} trace;

static void
trace_row(trace *t, double seconds, double cost, double bound)
{
    fprintf(t->stream, "%s,%.6f,", t->name, seconds);
    if (cost < (double)INFINITY)
        fprintf(t->stream, "%.9g", cost);
    fprintf(t->stream, ",%.9g\n", bound);
}

/* Stages tell what they know, some of them nothing: only what is better than before is a step. */
static int32_t
on_progress(void *user, const spotopt_progress *progress)
{
    trace *t = user;

    if (progress->cost < t->cost || progress->bound > t->bound) {
        t->cost = fmin(t->cost, progress->cost);
        t->bound = fmax(t->bound, progress->bound);
        trace_row(t, progress->seconds, t->cost, t->bound);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    static const char *const outcomes[] = {"", "optimal", "feasible", "infeasible", "stopped"};
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;
    spotopt_options *options = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    const char *directory = NULL;
    trace steps = {NULL, NULL, (double)INFINITY, 0.0};
    int at = 1, failed = 0;

    if (spotopt_options_new(NULL, &options, &err) != SPOTOPT_OK)
        return 4;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        const char *key = argv[at][1] == 'd'   ? "deadline_s"
                          : argv[at][1] == 'g' ? "gap_rel"
                          : argv[at][1] == 's' ? "seed"
                                               : "work";
        if (argv[at][1] == 'o') {
            directory = argv[at + 1];
        } else if (argv[at][1] == 'c') {
            if (strcmp(argv[at + 1], "cpu") != 0)
                return fprintf(stderr, "-c: expected cpu, not %s\n", argv[at + 1]), 2;
            params.clock = cpu_seconds;
        } else if (argv[at][1] == 't') {
            steps.stream = fopen(argv[at + 1], "w");
            if (steps.stream == NULL)
                return fprintf(stderr, "cannot write %s\n", argv[at + 1]), 3;
            fputs("file,seconds,cost,bound\n", steps.stream);
            spotopt_options_set_progress(options, on_progress, &steps);
        } else if (spotopt_options_set_text(options, key, argv[at + 1], &err) != SPOTOPT_OK)
            return fprintf(stderr, "%s\n", err.message), 2;
    }
    if (spotopt_context_new(&params, &context, &err) != SPOTOPT_OK)
        return 4;
    for (; at < argc; at++) {
        size_t length = 0, written = 0;
        char *text = read_all(argv[at], &length), *result = NULL;
        const char *name = strrchr(argv[at], '/') != NULL ? strrchr(argv[at], '/') + 1 : argv[at];
        spotopt_problem *problem = NULL;
        spotopt_packing *packing = NULL;
        spotopt_packing_stats stats = SPOTOPT_PACKING_STATS_INIT;

        steps = (trace){steps.stream, name, (double)INFINITY, 0.0};
        if (spotopt_problem_parse(context, text, length, name, &problem, &err) != SPOTOPT_OK ||
            spotopt_problem_solve(problem, options, &packing, &err) != SPOTOPT_OK ||
            spotopt_packing_stats_get(packing, &stats, &err) != SPOTOPT_OK ||
            spotopt_packing_write_json(packing, &result, &written, &err) != SPOTOPT_OK) {
            fprintf(stderr, "%s: %s\n", name, err.message);
            failed = 1;
        } else {
            printf("%-44s %-10s cost %14.6f bound %14.6f gap %.5f %8.3f s lp %.3f pricing %.3f "
                   "columns %u%s\n",
                   name, outcomes[spotopt_packing_outcome(packing)], spotopt_packing_cost(packing),
                   spotopt_packing_bound(packing), spotopt_packing_gap(packing), stats.seconds,
                   stats.lp_seconds, stats.pricing_seconds, (unsigned)stats.columns,
                   stats.cut_short ? " cut" : "");
            fflush(stdout);
            if (steps.stream != NULL && isfinite(spotopt_packing_cost(packing)))
                trace_row(&steps, stats.seconds, spotopt_packing_cost(packing),
                          spotopt_packing_bound(packing));
            if (directory != NULL) {
                char path[4096];
                FILE *file;
                snprintf(path, sizeof path, "%s/%s", directory, name);
                file = fopen(path, "wb");
                if (file == NULL || fwrite(result, 1, written, file) != written ||
                    fclose(file) != 0)
                    return 3;
            }
        }
        spotopt_text_free(context, result);
        spotopt_packing_free(packing);
        spotopt_problem_free(problem);
        free(text);
    }
    spotopt_options_free(options);
    spotopt_context_free(context);
    if (steps.stream != NULL && fclose(steps.stream) != 0)
        return 3;
    return failed;
}
