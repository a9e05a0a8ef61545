/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.c - messages on standard error, and memory that is there or ends the program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

static bool quiet_flag;

bool
is_quiet(void)
{
    return quiet_flag;
}

void
set_quiet(bool quiet)
{
    quiet_flag = quiet;
}

static void say_list(const char *format, va_list list) SPOTOPT_PRINTF(1, 0);

static void
say_list(const char *format, va_list list)
{
    char line[1024];
    text clean = {0};

    vsnprintf(line, sizeof line, format, list);
    text_add(&clean, "spotopt: ");
    text_add_clean(&clean, line, true);
    text_add(&clean, "\n");
    fputs(clean.at, stderr);
    text_free(&clean);
}

void
say(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say_list(format, list);
    va_end(list);
}

void
note(const char *format, ...)
{
    va_list list;

    if (quiet_flag)
        return;
    va_start(list, format);
    say_list(format, list);
    va_end(list);
}

void *
need(void *ptr, size_t size)
{
    void *got = realloc(ptr, size);

    if (got == NULL) {
        fputs("spotopt: out of memory\n", stderr);
        exit(EXIT_FAULT);
    }
    return got;
}

void *
need_array(size_t count, size_t size)
{
    void *got = calloc(count > 0 ? count : 1, size);

    if (got == NULL) {
        fputs("spotopt: out of memory\n", stderr);
        exit(EXIT_FAULT);
    }
    return got;
}
