/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_LEDGER_FILE_H
#define SPOTOPT_CLI_LEDGER_FILE_H
#include "text.h"

/* A ledger of JSON lines that is being changed. */
typedef struct ledger_file {
    const char *path;
    int fd;
    text rows; /* whole rows only, as they were when it was opened; never NULL */
    size_t size; /* of the file then */
    bool is_cut; /* a row in part follows them; it goes with the first that is added */
    bool is_open; /* the last row has no line feed yet */
} ledger_file;

enum {
    LEDGER_MAKE = 1, /* where it is not there */
    LEDGER_HASTY = 2 /* for one row that must not wait for others: have a turn only if it comes soon */
};

/* 0, or the status to leave with, said. Opened, it is this process's turn until closed. */
int ledger_file_open(ledger_file *l, const char *path, int how);
/* Adds whole rows; on the disk when it returns 0. Else the status to leave with, said. */
int ledger_file_append(ledger_file *l, const char *rows, size_t length);
void ledger_file_close(ledger_file *l);
/* The length without a last row that was cut off, which is said. */
size_t whole_rows(const char *rows, size_t length, const char *name);

#endif
