/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_risk_models.c - the life of models, kept as rows of a ledger.
 *
 * A change has the ledger's turn from reading to writing (ledger_file.c).
 */
#include <string.h>

#include "ledger_file.h"
#include "risk.h"

/* A ledger that is being changed. */
typedef struct ledger {
    ledger_file file;
    spotopt_registry *registry;
} ledger;

static void
ledger_close(ledger *l)
{
    spotopt_registry_free(l->registry);
    ledger_file_close(&l->file);
}

/* is_new: a ledger that is not there yet is made. */
static int
ledger_open(ledger *l, const session *s, const char *path, bool is_new)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    int status;

    l->registry = NULL;
    status = ledger_file_open(&l->file, path, is_new ? LEDGER_MAKE : 0);
    if (status == 0 && spotopt_registry_parse(s->context, l->file.rows.at, l->file.rows.length,
                                              path, &l->registry, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
        ledger_close(l);
    }
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
    in.length = whole_rows(in.text, in.length, in.name);
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
        status = ledger_file_append(&l.file, row, length);
    progress_end();
    spotopt_text_free(c->s->context, row);
    ledger_close(&l);
    return status != 0 ? status : list(c->s, c->a, path);
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
