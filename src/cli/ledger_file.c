/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_file.c - a ledger in a file of JSON lines: read under its lock, only ever appended to.
 *
 * A change holds the file's lock from reading to its end, so that two at once follow one another.
 * Rows go out in one write and are on the disk before the command says so. Who is killed in the
 * middle of a row leaves a part of it without a line feed: readers pass it over, the next change
 * takes it off.
 */
#include "ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

enum { HASTY_TRIES = 20, CUT_TRIES = 20 }; /* of 50 ms */

static int
fault(const ledger_file *l, const char *what)
{
    say("cannot %s %s: %s", what, l->path, strerror(errno));
    return errno == ENOENT || errno == EACCES || errno == EISDIR ? EXIT_INPUT : EXIT_FAULT;
}

static void
nap(void)
{
    const struct timespec time = {0, 50000000};

    (void)nanosleep(&time, NULL); /* Ctrl-C ends it early */
}

/* Where a last row without a line feed begins that ends inside a string or an object. A row in part
 * always does: its closing brace is its last byte. */
static size_t
length_of_whole(const char *rows, size_t length)
{
    size_t begin = length, at, depth = 0;

    while (begin > 0 && rows[begin - 1] != '\n')
        begin--;
    at = begin;
    while (at < length && strchr(" \t\r", rows[at]) != NULL && rows[at] != '\0')
        at++;
    if (at == length || rows[at] != '{')
        return length;
    for (; at < length; at++) {
        if (rows[at] == '"') {
            for (at++; at < length && rows[at] != '"'; at++)
                at += rows[at] == '\\';
            if (at >= length)
                return begin;
        } else if (rows[at] == '{' || rows[at] == '[') {
            depth++;
        } else if ((rows[at] == '}' || rows[at] == ']') && depth > 0) {
            depth--;
        }
    }
    return depth > 0 ? begin : length;
}

size_t
whole_rows(const char *rows, size_t length, const char *name)
{
    const size_t whole = length_of_whole(rows, length);

    if (whole < length)
        note("%s: its last row was cut off; it is passed over", name);
    return whole;
}

static int
read_once(ledger_file *l)
{
    char block[65536];

    text_free(&l->rows);
    text_add(&l->rows, "");
    if (lseek(l->fd, 0, SEEK_SET) < 0)
        return errno == ESPIPE ? 0 : fault(l, "read");
    for (;;) {
        const ssize_t n = read(l->fd, block, sizeof block);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault(l, "read");
        if (n == 0)
            return 0;
        text_add_n(&l->rows, block, (size_t)n);
    }
}

/* A row that is in part only because its writer, who holds no lock, is not done yet grows. */
static int
read_rows(ledger_file *l)
{
    size_t whole;
    int status = read_once(l);

    for (int i = 0; status == 0 && i < CUT_TRIES; i++) {
        const size_t before = l->rows.length;

        if (length_of_whole(l->rows.at, before) == before)
            break;
        nap();
        status = read_once(l);
        if (status == 0 && l->rows.length == before)
            break;
    }
    if (status != 0)
        return status;
    whole = length_of_whole(l->rows.at, l->rows.length);
    l->size = l->rows.length;
    if (l->rows.length > 1 && memcmp(l->rows.at, "\x1f\x8b", 2) == 0) {
        say("%s is compressed; rows can be added to a plain file only", l->path);
        return EXIT_INPUT;
    }
    l->is_cut = whole < l->rows.length;
    if (l->is_cut) {
        note("%s: its last row was cut off; it is passed over", l->path);
        l->rows.length = whole;
        l->rows.at[whole] = '\0';
    }
    l->is_open = whole > 0 && l->rows.at[whole - 1] != '\n';
    return 0;
}

static int
wait_for_turn(const ledger_file *l)
{
    if (flock(l->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        note("%s: another is changing it; waiting", l->path);
    while (flock(l->fd, LOCK_EX) != 0) {
        if (errno != EINTR)
            return fault(l, "lock");
        if (was_interrupted()) {
            say("%s: stopped before its turn came; nothing was written", l->path);
            return EXIT_NO;
        }
    }
    return 0;
}

/* 1: there is no turn to be had soon. */
static int
try_for_turn(const ledger_file *l)
{
    for (int i = 0; i < HASTY_TRIES; i++) {
        if (flock(l->fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -fault(l, "lock");
        nap();
    }
    return 1;
}

int
ledger_file_open(ledger_file *l, const char *path, int how)
{
    int status = 0, hasty = 1;

    *l = (ledger_file){.path = path};
    l->fd =
        open(path, O_RDWR | O_APPEND | O_CLOEXEC | ((how & LEDGER_MAKE) != 0 ? O_CREAT : 0), 0666);
    if (l->fd < 0)
        return fault(l, "open");
    if ((how & LEDGER_HASTY) != 0)
        hasty = try_for_turn(l);
    if (hasty < 0)
        status = -hasty;
    else if (hasty == 1 && (how & LEDGER_HASTY) == 0)
        status = wait_for_turn(l);
    if (status == 0)
        status = read_rows(l);
    /* Only whoever has the turn may take a row off. */
    if (status == 0 && l->is_cut && hasty == 1 && (how & LEDGER_HASTY) != 0) {
        status = wait_for_turn(l);
        if (status == 0)
            status = read_rows(l);
    }
    if (status != 0)
        ledger_file_close(l);
    return status;
}

static int
sync_file(const ledger_file *l)
{
    while (fsync(l->fd) != 0) {
        if (errno == EINVAL) /* a pipe has no disk */
            return 0;
        if (errno != EINTR)
            return -1;
    }
    return 0;
}

int
ledger_file_append(ledger_file *l, const char *rows, size_t length)
{
    struct stat before;
    text whole = {0};
    size_t written = 0;
    int status = 0;

    if (l->is_open)
        text_add(&whole, "\n"); /* the last row was written by somebody who leaves it off */
    text_add_n(&whole, rows, length);
    if (fstat(l->fd, &before) != 0)
        status = fault(l, "look at");
    else if (l->is_cut && before.st_size != (off_t)l->size) {
        say("%s grew behind a row that was cut off; nothing was written: try again", l->path);
        status = EXIT_FAULT;
    } else if (l->is_cut && ftruncate(l->fd, (off_t)l->rows.length) != 0)
        status = fault(l, "repair");
    else if (l->is_cut)
        before.st_size = (off_t)l->rows.length;
    while (status == 0 && written < whole.length) {
        const ssize_t n = write(l->fd, whole.at + written, whole.length - written);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            status = fault(l, "write");
            /* A row in part would be in the way of the next. */
            if (written > 0 && ftruncate(l->fd, before.st_size) != 0)
                say("%s ends in a part of a row now; it will be passed over", l->path);
            break;
        }
        written += (size_t)n;
    }
    if (status == 0 && sync_file(l) != 0)
        status = fault(l, "write");
    if (status == 0)
        l->is_open = l->is_cut = false;
    text_free(&whole);
    return status;
}

void
ledger_file_close(ledger_file *l)
{
    text_free(&l->rows);
    if (l->fd >= 0)
        close(l->fd); /* and the lock is gone */
    l->fd = -1;
}
