/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - what all verbs share: options from flags, the progress bar, Ctrl-C.
 *
 * The first Ctrl-C asks the solver to stop, and what was found by then is printed; the second ends
 * the program.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

static volatile sig_atomic_t interrupted;

int
exit_of(spotopt_status status)
{
    switch (status) {
    case SPOTOPT_OK:
        return EXIT_DONE;
    case SPOTOPT_E_CANCELLED:
        return EXIT_NO;
    case SPOTOPT_E_ARGUMENT:
        return EXIT_USAGE;
    case SPOTOPT_E_INPUT:
    case SPOTOPT_E_MISMATCH:
    case SPOTOPT_E_STORE:
    case SPOTOPT_E_PEER:
        return EXIT_INPUT;
    default:
        return EXIT_FAULT;
    }
}

int
fail_with(const spotopt_error *err)
{
    say("%s", err->message[0] != '\0' ? err->message : spotopt_status_text(err->status));
    return exit_of(err->status);
}

int
refuse(const spotopt_error *err)
{
    const int status = fail_with(err);

    return err->status == SPOTOPT_E_STATE ? EXIT_NO : status;
}

static void
on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

bool
was_interrupted(void)
{
    return interrupted != 0;
}

void
progress_end(void)
{
    if (!is_quiet() && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static void
draw_bar(const char *what, double frac)
{
    char bar[25];

    for (int i = 0; i < 24; i++)
        bar[i] = frac * 24.0 > i + 0.5 ? '#' : '.';
    bar[24] = '\0';
    fprintf(stderr, "\r\033[K%-10.16s %s ", what, bar);
}

void
progress_count(const char *what, size_t done, size_t total)
{
    if (is_quiet() || !isatty(STDERR_FILENO))
        return;
    draw_bar(what, total > 0 ? (double)done / (double)total : 1.0);
    fprintf(stderr, "%zu of %zu", done, total);
    fflush(stderr);
}

/* A bar of what is done, or, where that is not known, of the time that may be taken. */
static int32_t
on_progress(void *user, const spotopt_progress *progress)
{
    static double shown_at = -1.0;
    const double deadline = *(const double *)user;
    const double frac =
        progress->done_frac >= 0.0 ? progress->done_frac : progress->seconds / deadline;

    if (interrupted)
        return 1;
    if (is_quiet() || !isatty(STDERR_FILENO) || progress->seconds < 0.3 ||
        progress->seconds - shown_at < 0.1)
        return 0;
    shown_at = progress->seconds;
    draw_bar(progress->stage != NULL ? progress->stage : "", frac);
    fprintf(stderr, "%.1f s", progress->seconds);
    if (isfinite(progress->cost))
        fprintf(stderr, "  cost %.4f  bound %.4f", progress->cost, progress->bound);
    fflush(stderr);
    return 0;
}

/* --set key=value, and the flags that have an option each. */
static int
set_options(session *s, const args *a)
{
    static const char *const keys[][2] = {
        {"seed", "seed"}, {"deadline", "deadline_s"}, {"work", "work"}, {"threads", "threads"}};
    spotopt_error err = SPOTOPT_ERROR_INIT;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = arg(a, keys[i][0]);

        if (value != NULL &&
            spotopt_options_set_text(s->options, keys[i][1], value, &err) != SPOTOPT_OK) {
            say("--%s: %s", keys[i][0], err.message);
            return EXIT_USAGE;
        }
    }
    for (size_t i = 0; i < a->set_count; i++) {
        const char *equals = strchr(a->set[i], '=');
        char key[64];

        if (equals == NULL || (size_t)(equals - a->set[i]) >= sizeof key) {
            say("--set is \"%s\"; want KEY=VALUE", a->set[i]);
            return EXIT_USAGE;
        }
        memcpy(key, a->set[i], (size_t)(equals - a->set[i]));
        key[equals - a->set[i]] = '\0';
        if (spotopt_options_set_text(s->options, key, equals + 1, &err) != SPOTOPT_OK) {
            say("--set: %s", err.message);
            return EXIT_USAGE;
        }
    }
    return 0;
}

static int
format_of(const args *a)
{
    static const char *const words[] = {"table", "json", "html", "openmetrics", "csv"};
    const char *output = arg(a, "output");

    if (output == NULL)
        return arg(a, "output-file") == NULL && isatty(STDOUT_FILENO) ? AS_TABLE : AS_JSON;
    for (int i = 0; i < 5; i++) {
        if (strcmp(output, words[i]) == 0)
            return i;
    }
    return AS_JSON;
}

int
session_open(session *s, const args *a)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    static double deadline; /* outlives the session, as the callback does */
    const char *now = arg(a, "now"), *threads = arg(a, "threads");
    double number;
    int status;

    *s = (session){NULL, NULL, (double)time(NULL), format_of(a), arg(a, "output-file")};
    if (s->output_file == NULL && arg(a, "output") != NULL && strchr(arg(a, "output"), '.') != NULL)
        s->output_file = arg(a, "output"); /* ends with .json */
    set_quiet(arg(a, "quiet") != NULL);
    if (s->format == AS_OPENMETRICS && strcmp(a->verb->name, "funnel") != 0) {
        say("-o openmetrics is for 'spotopt funnel'");
        return EXIT_USAGE;
    }
    if (s->format == AS_CSV && strcmp(a->verb->name, "fleet") != 0 &&
        strcmp(a->verb->name, "show") != 0) {
        say("-o csv is for 'spotopt fleet'");
        return EXIT_USAGE;
    }
    if (now != NULL && !read_time(now, &s->now_s)) {
        say("--now is \"%s\"; want a time such as 2026-01-31T12:00:00Z, or seconds", now);
        return EXIT_USAGE;
    }
    if (threads != NULL && read_number(threads, &number) && number >= 1.0 && number <= 256.0)
        params.threads = (uint32_t)number;
    if (spotopt_context_new(&params, &s->context, &err) != SPOTOPT_OK)
        return fail_with(&err);
    if (spotopt_options_new(s->context, &s->options, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
        session_close(s);
        return status;
    }
    status = set_options(s, a);
    if (status != 0) {
        session_close(s);
        return status;
    }
    if (spotopt_options_get_real(s->options, "deadline_s", &deadline, NULL) != SPOTOPT_OK ||
        !(deadline > 0.0))
        deadline = 1e9;
    spotopt_options_set_progress(s->options, on_progress, &deadline);
    sigaction(SIGINT, &action, NULL);
    return 0;
}

void
session_close(session *s)
{
    progress_end();
    spotopt_options_free(s->options);
    spotopt_context_free(s->context);
    s->options = NULL;
    s->context = NULL;
}
