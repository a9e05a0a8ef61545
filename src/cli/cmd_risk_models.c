/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_risk_models.c - the life of models, kept as rows of a ledger.
 *
 * A change holds the ledger's lock from reading to writing, so that two at once follow one another;
 * the row is appended in one piece and on the disk before the command says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "risk.h"

/* A ledger that is being changed. */
typedef struct ledger {
    const char *path;
    int fd;
    text rows;
    spotopt_registry *registry;
} ledger;

static int
ledger_fault(const ledger *l, const char *what)
{
    say("cannot %s %s: %s", what, l->path, strerror(errno));
    return errno == ENOENT || errno == EACCES || errno == EISDIR ? EXIT_INPUT : EXIT_FAULT;
}

static int
ledger_read(ledger *l, const session *s)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char block[65536];

    for (;;) {
        const ssize_t n = read(l->fd, block, sizeof block);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ledger_fault(l, "read");
        if (n == 0)
            break;
        text_add_n(&l->rows, block, (size_t)n);
    }
    if (l->rows.length > 1 && memcmp(l->rows.at, "\x1f\x8b", 2) == 0) {
        say("%s is compressed; rows can be added to a plain file only", l->path);
        return EXIT_INPUT;
    }
    if (spotopt_registry_parse(s->context, l->rows.at, l->rows.length, l->path, &l->registry,
                               &err) != SPOTOPT_OK)
        return fail_with(&err);
    return 0;
}

static void
ledger_close(ledger *l)
{
    spotopt_registry_free(l->registry);
    text_free(&l->rows);
    if (l->fd >= 0)
        close(l->fd); /* and the lock is gone */
}

/* is_new: a ledger that is not there yet is made. */
static int
ledger_open(ledger *l, const session *s, const char *path, bool is_new)
{
    int status = 0;

    *l = (ledger){.path = path};
    l->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | (is_new ? O_CREAT : 0), 0666);
    if (l->fd < 0)
        return ledger_fault(l, "open");
    while (status == 0 && flock(l->fd, LOCK_EX) != 0) {
        if (errno != EINTR || was_interrupted())
            status = ledger_fault(l, "lock");
    }
    if (status == 0)
        status = ledger_read(l, s);
    if (status != 0)
        ledger_close(l);
    return status;
}

static int
ledger_append(ledger *l, const char *row, size_t length)
{
    struct stat before;
    text whole = {0};
    size_t written = 0;
    int status = 0;

    if (l->rows.length > 0 && l->rows.at[l->rows.length - 1] != '\n')
        text_add(&whole, "\n"); /* the last row was written by somebody who leaves it off */
    text_add_n(&whole, row, length);
    if (fstat(l->fd, &before) != 0)
        status = ledger_fault(l, "look at");
    while (status == 0 && written < whole.length) {
        const ssize_t n = write(l->fd, whole.at + written, whole.length - written);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            status = ledger_fault(l, "write");
            /* A row in part would spoil the ledger. */
            if (ftruncate(l->fd, before.st_size) != 0)
                say("%s ends in a part of a row now; take it off by hand", l->path);
            break;
        }
        written += (size_t)n;
    }
    if (status == 0 && fsync(l->fd) != 0 && errno != EINVAL) /* a pipe has no disk */
        status = ledger_fault(l, "write");
    text_free(&whole);
    return status;
}

static int
show_registry(const session *s, const spotopt_registry *registry)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *json = NULL;
    size_t length = 0;
    int status;

    if (spotopt_registry_write(registry, &json, &length, &err) != SPOTOPT_OK)
        return fail_with(&err);
    status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    return status;
}

/* A refusal is an answer: no. */
static int
refuse(const spotopt_error *err)
{
    say("%s", err->message);
    return err->status == SPOTOPT_E_STATE ? EXIT_NO : exit_of(err->status);
}

static int
list(const session *s, const args *a, const char *path)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_registry *registry = NULL;
    input in;
    int status = input_read(&in, path);

    (void)a;
    if (status != 0)
        return status;
    if (spotopt_registry_parse(s->context, in.text, in.length, in.name, &registry, &err) !=
        SPOTOPT_OK)
        status = fail_with(&err);
    else
        status = show_registry(s, registry);
    spotopt_registry_free(registry);
    input_free(&in);
    return status;
}

/* The row of a change; what it needs is read before the ledger is locked. */
typedef struct change {
    const session *s;
    const args *a;
    spotopt_registry_change who;
    input document; /* upload */
    judging judged; /* graduate */
    bool has_document, has_judged;
} change;

static spotopt_status
row_of_upload(change *c, const spotopt_registry *registry, char **row, size_t *length,
              spotopt_error *err)
{
    return spotopt_registry_upload(registry, c->document.text, c->document.length, &c->who, row,
                                   length, err);
}

static spotopt_status
parse_kept(const change *c, const spotopt_registry *registry, size_t index, spotopt_model **out,
           spotopt_error *err)
{
    spotopt_registry_entry entry = SPOTOPT_REGISTRY_ENTRY_INIT;
    spotopt_status status = spotopt_registry_at(registry, index, &entry, err);

    return status != SPOTOPT_OK ? status
                                : spotopt_model_parse(c->s->context, entry.document,
                                                      entry.document_length, entry.id, out, err);
}

static spotopt_status
row_of_graduation(change *c, const spotopt_registry *registry, char **row, size_t *length,
                  spotopt_error *err)
{
    const size_t index = spotopt_registry_find(registry, c->who.id),
                 current = spotopt_registry_find(registry, NULL);
    spotopt_model *models[2] = {NULL, NULL};
    spotopt_evaluation *evaluation = NULL;
    spotopt_status status = SPOTOPT_OK;

    if (index != SIZE_MAX) {
        status = parse_kept(c, registry, index, &models[0], err);
        if (status == SPOTOPT_OK && current != SIZE_MAX && current != index)
            status = parse_kept(c, registry, current, &models[1], err);
        c->judged.params.models = (const spotopt_model *const *)models;
        c->judged.params.model_count = models[1] != NULL ? 2 : 1;
    }
    if (status == SPOTOPT_OK)
        status =
            spotopt_evaluate(c->s->context, &c->judged.params, c->s->options, &evaluation, err);
    if (status == SPOTOPT_OK)
        status = spotopt_registry_graduate(registry, evaluation, &c->who, row, length, err);
    spotopt_evaluation_free(evaluation);
    spotopt_model_free(models[0]);
    spotopt_model_free(models[1]);
    return status;
}

static spotopt_status
row_of_current(change *c, const spotopt_registry *registry, char **row, size_t *length,
               spotopt_error *err)
{
    return spotopt_registry_set_current(registry, &c->who, row, length, err);
}

static spotopt_status
row_of_retirement(change *c, const spotopt_registry *registry, char **row, size_t *length,
                  spotopt_error *err)
{
    return spotopt_registry_retire(registry, &c->who, row, length, err);
}

typedef struct part {
    const char *name, *operand;
    spotopt_status (*row)(change *c, const spotopt_registry *registry, char **row, size_t *length,
                          spotopt_error *err);
} part;

static int
apply(const part *p, change *c, const char *path)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *row = NULL;
    size_t length = 0;
    ledger l;
    int status = ledger_open(&l, c->s, path, c->has_document);

    if (status != 0)
        return status;
    if (p->row(c, l.registry, &row, &length, &err) != SPOTOPT_OK)
        status = refuse(&err);
    else
        status = ledger_append(&l, row, length);
    progress_end();
    spotopt_text_free(c->s->context, row);
    ledger_close(&l);
    return status != 0 ? status : list(c->s, c->a, path);
}

static const char *
author_of(const args *a)
{
    static const char *const names[] = {"USER", "LOGNAME"};

    if (arg(a, "author") != NULL)
        return arg(a, "author");
    for (size_t i = 0; i < 2; i++) {
        const char *name = getenv(names[i]);

        if (name != NULL && *name != '\0')
            return name;
    }
    return "";
}

static int
check_document(const change *c)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_model *model = NULL;
    int status = 0;

    if (spotopt_model_parse(c->s->context, c->document.text, c->document.length, c->document.name,
                            &model, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    spotopt_model_free(model);
    return status;
}

static int
change_ledger(const part *p, const session *s, const args *a, const char *path)
{
    change c = {.s = s, .a = a, .who = SPOTOPT_REGISTRY_CHANGE_INIT};
    int status = 0;

    c.who.author = author_of(a);
    c.who.reason = arg(a, "reason");
    c.who.time_ms = (int64_t)(s->now_s * 1000.0);
    if (strcmp(p->name, "upload") == 0) {
        status = input_read(&c.document, a->operands[2]);
        c.has_document = status == 0;
        if (status == 0)
            status = check_document(&c); /* before there is a ledger because of it */
    } else {
        c.who.id = a->operands[2];
    }
    if (strcmp(p->name, "graduate") == 0) {
        status = judging_open(&c.judged, s, a);
        c.has_judged = status == 0;
    }
    if (status == 0)
        status = apply(p, &c, path);
    if (c.has_document)
        input_free(&c.document);
    if (c.has_judged)
        judging_close(&c.judged);
    return status;
}

int
risk_models(const session *s, const args *a)
{
    static const part parts[] = {{"upload", "FILE", row_of_upload},
                                 {"graduate", "ID", row_of_graduation},
                                 {"set-current", "ID", row_of_current},
                                 {"retire", "ID", row_of_retirement}};
    const char *what = a->operand_count > 1 ? a->operands[1] : "", *path = arg(a, "ledger");

    if (!is_given(a, "ledger"))
        return EXIT_USAGE;
    if (strncmp(path, "sqlite:", 7) == 0 || strncmp(path, "postgresql:", 11) == 0 ||
        strncmp(path, "postgres:", 9) == 0) {
        say("--ledger %s: databases are not in this version; want a file of events, JSON lines",
            path);
        return EXIT_USAGE;
    }
    if (strcmp(what, "list") == 0) {
        if (a->operand_count == 2)
            return list(s, a, path);
        say("risk models list: wants no operand; see 'spotopt risk --help'");
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(what, parts[i].name) != 0)
            continue;
        if (a->operand_count == 3)
            return change_ledger(&parts[i], s, a, path);
        say("risk models %s: want one %s; see 'spotopt risk --help'", what, parts[i].operand);
        return EXIT_USAGE;
    }
    say("risk models: \"%s\" is not list, upload, graduate, set-current or retire", what);
    return EXIT_USAGE;
}
