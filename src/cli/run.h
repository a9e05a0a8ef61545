/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_RUN_H
#define SPOTOPT_CLI_RUN_H
#include "args.h"
#include "spotopt/spotopt.h"
#include "table.h"

enum { AS_TABLE, AS_JSON, AS_HTML, AS_OPENMETRICS, AS_CSV };

/* What the flags that are common to all verbs ask for. */
typedef struct session {
    spotopt_context *context;
    spotopt_options *options; /* with the progress callback that Ctrl-C stops */
    double now_s;
    int format;
    const char *output_file; /* NULL: standard output */
} session;

/* 0, or the status to leave with; then nothing needs closing. */
int session_open(session *s, const args *a);
void session_close(session *s);
/* A bar of things done one by one, drawn over. */
void progress_count(const char *what, size_t done, size_t total);
/* Takes the progress bar off the terminal, before something is printed. */
void progress_end(void);
/* Whether Ctrl-C came. */
bool was_interrupted(void);

/* A document in memory. */
typedef struct input {
    char *text;
    size_t length;
    const char *name;
} input;
/* Reads a file, or standard input for "-"; .gz as it is. 0, or the status to leave with, said. */
int input_read(input *in, const char *path);
void input_free(input *in);

/* Prints the document (JSON) as the session's format asks. 0, or the status to leave with, said. */
int deliver(const session *s, const char *json, size_t length);
/* Prints a text as it is, to the output file or standard output. */
int deliver_text(const char *file, const char *what, size_t length);
/* Says what a library call failed with; its exit status. */
int fail_with(const spotopt_error *err);
/* The same, where a call that the state of things does not allow is an answer: no. */
int refuse(const spotopt_error *err);

#endif
