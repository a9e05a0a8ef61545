/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_notices.c - what EC2 announces, as rows: from the instance's own metadata service, or from
 * events that a queue brought.
 *
 * The same announcement makes the same row, so that a ledger has it once however often it is asked
 * for. A row is printed when it is kept, and not before.
 */
#include <string.h>

#include "books.h"
#include "load.h"

#ifdef SPOTOPT_CLI_NET
#include <time.h>

#include "spotopt/aws.h"
#include "text.h"

enum { POLL_S = 5 }; /* as EC2's manual asks for */

typedef struct taking {
    const session *s;
    const args *a;
    text seen; /* rows that were told */
    size_t rows, fresh;
} taking;

static bool
has_row(const text *rows, const char *row, size_t length)
{
    for (const char *at = rows->at; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, row, length) == 0 && at[length] == '\n')
            return true;
    }
    return false;
}

/* Into the books, where there are any, then out. */
static int
take_row(taking *t, const char *row, size_t length)
{
    const char *path = arg(t->a, "ledger");
    bool is_new = true;
    text line = {0};
    books b;
    int status = 0;

    t->rows++;
    if (has_row(&t->seen, row, length))
        return 0;
    text_add_n(&line, row, length);
    text_add(&line, "\n");
    if (path != NULL) {
        const bool writes = arg(t->a, "apply") != NULL;

        status = books_open(&b, t->s, path, BOOKS_MAKE | (writes ? BOOKS_WRITE : 0) | BOOKS_HASTY);
        if (status == 0) {
            if (b.is_file && has_row(&b.file.rows, row, length))
                is_new = false;
            else if (writes)
                status = books_append(&b, line.at, line.length, &is_new);
            books_close(&b);
        }
    }
    if (status == 0) {
        text_add_n(&t->seen, line.at, line.length);
        t->fresh += is_new;
        if (is_new)
            status = deliver_text(NULL, line.at, line.length);
    }
    text_free(&line);
    return status;
}

static int
take_rows(taking *t, const char *rows)
{
    int status = 0;

    while (status == 0 && *rows != '\0') {
        const size_t length = strcspn(rows, "\n");

        if (length > 0)
            status = take_row(t, rows, length);
        rows += length + (rows[length] == '\n');
    }
    return status;
}

/* A file of one event, or of one a line. */
static int
take_events(taking *t, const char *path)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    input in;
    int status = input_read(&in, path);

    if (status != 0)
        return status;
    for (const char *at = in.text; status == 0 && *at != '\0';) {
        const size_t line = strcspn(at, "\n"), whole = strlen(at);
        /* An event in several lines is a file of its own. */
        const size_t length = at == in.text && at[0] == '{' && line < 2 ? whole : line;
        char *row = NULL;

        if (strspn(at, " \t\r") < length) {
            if (spotopt_aws_event_row(t->s->context, at, length, in.name, &row, &err) != SPOTOPT_OK)
                status = fail_with(&err);
            else if (row != NULL)
                status = take_row(t, row, strlen(row));
        }
        spotopt_text_free(t->s->context, row);
        at += length + (at[length] == '\n');
    }
    input_free(&in);
    return status;
}

static int32_t
is_stopped(void *user)
{
    (void)user;
    return was_interrupted();
}

static int
ask_once(taking *t, spotopt_net *net, const char *url)
{
    spotopt_net_request server = SPOTOPT_NET_REQUEST_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    size_t length = 0;
    char *rows = NULL;
    int status;

    server.url = url;
    status = spotopt_aws_imds_rows(net, &server, &rows, &length, &err) == SPOTOPT_OK
                 ? take_rows(t, rows)
                 : fail_with(&err);
    spotopt_text_free(t->s->context, rows);
    return status;
}

static int
take_imds(taking *t, const char *url)
{
    const struct timespec wait = {POLL_S, 0};
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_net *net = NULL;
    int status;

    params.proxy = ""; /* it is on the instance itself */
    params.cancel = is_stopped;
    params.retry_s = 5;
    if (spotopt_net_new(t->s->context, &params, &net, &err) != SPOTOPT_OK)
        return fail_with(&err);
    status = ask_once(t, net, url);
    while (status == 0 && arg(t->a, "follow") != NULL && !was_interrupted()) {
        (void)nanosleep(&wait, NULL);
        if (!was_interrupted())
            status = ask_once(t, net, url);
    }
    spotopt_net_free(net);
    return was_interrupted() ? 0 : status;
}

static int
check_line(const args *a)
{
    const char *imds = arg(a, "imds");

    if ((imds != NULL) == (arg(a, "event") != NULL)) {
        say("notices: want --imds or --event, one of them; see 'spotopt notices --help'");
        return EXIT_USAGE;
    }
    if (arg(a, "follow") != NULL && imds == NULL) {
        say("notices: --follow goes with --imds");
        return EXIT_USAGE;
    }
    if (arg(a, "apply") != NULL && arg(a, "ledger") == NULL) {
        say("notices: --apply writes to a ledger; want --ledger");
        return EXIT_USAGE;
    }
    return 0;
}

int
cmd_notices(const args *a)
{
    taking t = {.a = a};
    session s;
    int status = check_line(a);

    if (status == 0)
        status = session_open(&s, a);
    if (status != 0)
        return status;
    t.s = &s;
    if (arg(a, "event") != NULL)
        status = take_events(&t, arg(a, "event"));
    else
        status = take_imds(&t, strcmp(arg(a, "imds"), "self") == 0 ? NULL : arg(a, "imds"));
    if (status == 0)
        note("%zu notice%s, %zu new%s", t.rows, t.rows == 1 ? "" : "s", t.fresh,
             arg(a, "ledger") != NULL && arg(a, "apply") == NULL && t.fresh > 0
                 ? "; nothing was written (--apply writes)"
                 : "");
    text_free(&t.seen);
    session_close(&s);
    return status;
}
#else
int
cmd_notices(const args *a)
{
    (void)a;
    say("notices: not in this build; want one with libcurl and libyaml");
    return EXIT_USAGE;
}
#endif
