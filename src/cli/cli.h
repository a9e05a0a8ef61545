/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_CLI_H
#define SPOTOPT_CLI_CLI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spotopt/export.h"
#include "spotopt/status.h"

/* Exit statuses: fixed, scripts rely on them. */
enum {
    EXIT_DONE = 0,
    EXIT_NO = 1,    /* the answer is no */
    EXIT_USAGE = 2, /* the command line is wrong */
    EXIT_INPUT = 3, /* a document is bad */
    EXIT_FAULT = 4  /* out of memory, cannot write, internal */
};

/* "spotopt: MESSAGE" on standard error, control characters made harmless. */
void say(const char *format, ...) SPOTOPT_PRINTF(1, 2);
/* As say(), unless --quiet. */
void note(const char *format, ...) SPOTOPT_PRINTF(1, 2);
void set_quiet(bool quiet);
bool is_quiet(void);

/* Memory, or the end of the program with status 4: nothing is half written at that point. */
void *need(void *ptr, size_t size);
void *need_array(size_t count, size_t size); /* zeroed */

/* The exit status that a failed library call leads to. */
int exit_of(spotopt_status status);

#endif
