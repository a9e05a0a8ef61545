/* SPDX-License-Identifier: Apache-2.0 */
/*
 * books.c - the ledger that --ledger names: an Events file, or a database that libspotopt-store
 * keeps.
 *
 * Whoever changes it has its turn from reading to the last row, so that what was decided from the
 * rows still holds when a row is added. A single order does not wait: it depends on nothing.
 */
#include "books.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef SPOTOPT_CLI_STORE
#include "spotopt/store.h"
#endif

#define LEDGER_END_MS INT64_C(253402300799000) /* the end of the year 9999 */

static bool
is_store(const char *path)
{
    return strncmp(path, "sqlite:", 7) == 0 || strncmp(path, "postgresql:", 11) == 0 ||
           strncmp(path, "postgres:", 9) == 0;
}

/* Of a file, or of a database in one. */
static bool
is_missing(const char *path)
{
    if (strncmp(path, "sqlite:", 7) == 0)
        path += 7;
    else if (is_store(path) || strcmp(path, "-") == 0)
        return false;
    return access(path, F_OK) != 0 && errno == ENOENT;
}

static int
parse_rows(const session *s, const char *rows, size_t length, const char *name,
           spotopt_ledger **out)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;

    return spotopt_ledger_parse(s->context, rows, length, name, out, &err) == SPOTOPT_OK
               ? 0
               : fail_with(&err);
}

/* --- a database --- */

#ifdef SPOTOPT_CLI_STORE
static int
wait_for_turn(books *b)
{
    const struct timespec time = {0, 100000000};
    spotopt_error err = SPOTOPT_ERROR_INIT;
    bool is_told = false;
    int32_t is_ours = 0;

    for (;;) {
        if (spotopt_store_lock(b->store, &is_ours, &err) != SPOTOPT_OK)
            return fail_with(&err);
        if (is_ours)
            return 0;
        if (was_interrupted()) {
            say("the ledger: stopped before its turn came; nothing was written");
            return EXIT_NO;
        }
        if (!is_told)
            note("the ledger: another is changing it; waiting");
        is_told = true;
        (void)nanosleep(&time, NULL);
    }
}

static int
open_store(books *b, const char *url, int how)
{
    const uint32_t flags = (how & BOOKS_WRITE) == 0  ? SPOTOPT_STORE_READ_ONLY
                           : (how & BOOKS_MAKE) == 0 ? SPOTOPT_STORE_MUST_EXIST
                                                     : 0;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    int status = 0;

    if (spotopt_store_open(b->session->context, url, flags, &b->store, &err) != SPOTOPT_OK)
        return fail_with(&err);
    if ((how & BOOKS_WRITE) != 0 && (how & BOOKS_HASTY) == 0)
        status = wait_for_turn(b);
    if (status == 0 &&
        spotopt_store_ledger(b->store, 0, LEDGER_END_MS, &b->ledger, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    return status;
}

static int
append_to_store(books *b, const char *rows, size_t length, bool *is_new)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    uint64_t added = 0;

    if (spotopt_store_append(b->store, rows, length, NULL, &added, &err) != SPOTOPT_OK)
        return fail_with(&err);
    if (is_new != NULL)
        *is_new = added > 0;
    return 0;
}

static void
close_store(books *b)
{
    spotopt_store_close(b->store);
    b->store = NULL;
}
#else
static int
open_store(books *b, const char *url, int how)
{
    (void)b;
    (void)how;
    say("--ledger %.*s: databases are not in this build; want an Events file, or a build with "
        "SQLite",
        (int)strcspn(url, ":") + 1, url);
    return EXIT_USAGE;
}

static int
append_to_store(books *b, const char *rows, size_t length, bool *is_new)
{
    (void)b;
    (void)rows;
    (void)length;
    (void)is_new;
    return EXIT_FAULT;
}

static void
close_store(books *b)
{
    (void)b;
}
#endif

/* --- either --- */

static int
open_file(books *b, const char *path, int how)
{
    input in;
    int status;

    if ((how & BOOKS_WRITE) == 0) {
        status = input_read(&in, path);
        if (status != 0)
            return status;
        status = parse_rows(b->session, in.text, whole_rows(in.text, in.length, in.name), in.name,
                            &b->ledger);
        input_free(&in);
        return status;
    }
    if (strcmp(path, "-") == 0) {
        say("--ledger is \"-\"; want a file or a database to write to");
        return EXIT_USAGE;
    }
    status = ledger_file_open(&b->file, path,
                              ((how & BOOKS_MAKE) != 0 ? LEDGER_MAKE : 0) |
                                  ((how & BOOKS_HASTY) != 0 ? LEDGER_HASTY : 0));
    if (status != 0)
        return status;
    b->is_file = true;
    return parse_rows(b->session, b->file.rows.at, b->file.rows.length, path, &b->ledger);
}

int
books_open(books *b, const session *s, const char *path, int how)
{
    const bool makes = (how & BOOKS_MAKE) != 0 && is_missing(path);
    int status;

    *b = (books){.session = s, .path = path, .file = {.fd = -1}};
    if (makes && (how & BOOKS_WRITE) == 0) {
        note("%s is not there yet; --apply makes it", path);
        status = parse_rows(s, "", 0, path, &b->ledger);
    } else {
        status = is_store(path) ? open_store(b, path, how) : open_file(b, path, how);
        if (status == 0 && makes)
            note("%s was not there; made", path);
    }
    if (status != 0)
        books_close(b);
    return status;
}

int
books_append(books *b, const char *rows, size_t length, bool *is_new)
{
    if (is_new != NULL)
        *is_new = true;
    return b->is_file ? ledger_file_append(&b->file, rows, length)
                      : append_to_store(b, rows, length, is_new);
}

void
books_close(books *b)
{
    spotopt_ledger_free(b->ledger);
    b->ledger = NULL;
    if (b->is_file)
        ledger_file_close(&b->file);
    b->is_file = false;
    close_store(b);
}

int
ledger_load(const session *s, const char *path, spotopt_ledger **out)
{
    books b;
    int status = books_open(&b, s, path, 0);

    if (status != 0)
        return status;
    *out = b.ledger;
    b.ledger = NULL;
    books_close(&b);
    return 0;
}
