/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_BOOKS_H
#define SPOTOPT_CLI_BOOKS_H
#include "ledger_file.h"
#include "run.h"

/* What --ledger names, to be read and perhaps added to: a file of JSON lines or a database. */
typedef struct books {
    const session *session;
    const char *path;
    spotopt_ledger *ledger; /* as it was when the books were opened */
    bool is_file; /* is open */
    ledger_file file;
    struct spotopt_store *store;
} books;

enum {
    BOOKS_WRITE = 1, /* have the turn of those who change it, until closed */
    BOOKS_MAKE = 2,  /* where it is not there yet; without BOOKS_WRITE it reads as empty then */
    BOOKS_HASTY = 4  /* for one row that must not wait for others */
};

/* 0, or the status to leave with, said; then nothing needs closing. */
int books_open(books *b, const session *s, const char *path, int how);
/* Adds rows: kept for good when it returns 0; else the status to leave with, said. is_new: whether any was not there
 * (NULL: not asked for). */
int books_append(books *b, const char *rows, size_t length, bool *is_new);
void books_close(books *b);

/* For reading alone. 0, or the status to leave with, said. */
int ledger_load(const session *s, const char *path, spotopt_ledger **out);

#endif
