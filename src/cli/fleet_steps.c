/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_steps.c - governance and storage: found things flagged, approved or dismissed, and applied.
 *
 * Each step reads the books in their turn, has the library make the rows, looks at what the books
 * would then tell, and adds the rows; without --apply it stops before the last. Applying hands out
 * one item after the other, each only after its row "applying" is kept, so that whatever ends the
 * command, the next run goes on behind it. What an item is handed to stands in one place: here it
 * is nobody, the books alone say that it was done.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"
#include "fleet_clean.h"
#include "load.h"

static int32_t
act_in_books(void *user, const spotopt_cleanup_item *item)
{
    (void)user;
    (void)item;
    return 0;
}

static const actor the_actor = {"ledger", act_in_books, NULL};

typedef struct step {
    const char *name;
    int32_t state; /* that items get */
} step;

/* A step that is being taken. */
typedef struct taking {
    const session *s;
    const args *a;
    const step *step;
    const char *part;
    cleaning clean;
    books books;
    bool writes;
    int64_t now_ms;
    size_t count, total, already;
    bool *picked;                  /* items that go along, by place: total of them */
    spotopt_cleanup_result result; /* of applying */
    int status;                    /* why a row could not be kept */
} taking;

static spotopt_cleanup_item
item_at(const taking *t, size_t place)
{
    spotopt_cleanup_item item = SPOTOPT_CLEANUP_ITEM_INIT;

    (void)!spotopt_cleanup_at(t->clean.cleanup, place, &item, NULL); /* it is below count */
    return item;
}

/* Whether an item is so already, or was and went on from there. */
static bool
is_past(int32_t state, int32_t wanted)
{
    return state == wanted || (wanted != SPOTOPT_CLEANUP_DISMISSED &&
                               state != SPOTOPT_CLEANUP_DISMISSED && state > wanted);
}

/* The turn ends before the answer is printed: who reads it may take their time. */
static int
answer(taking *t)
{
    const bool applies = t->step->state == SPOTOPT_CLEANUP_APPLIED;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    size_t length = 0, unknown = 0, left = 0;
    char *json = NULL;
    cJSON *told, *ids;
    int status;

    books_close(&t->books);
    if (spotopt_cleanup_write(t->clean.cleanup, &json, &length, &err) != SPOTOPT_OK)
        return fail_with(&err);
    told = cJSON_CreateObject();
    cJSON_AddStringToObject(told, "do", t->step->name);
    cJSON_AddBoolToObject(told, "dry_run", !t->writes);
    ids = cJSON_AddArrayToObject(told, "ids");
    for (size_t i = 0; i < t->count; i++) {
        const spotopt_cleanup_item item = item_at(t, i);

        unknown += item.state == SPOTOPT_CLEANUP_APPLYING;
        left += item.state == SPOTOPT_CLEANUP_APPROVED;
        if (t->picked[i])
            cJSON_AddItemToArray(ids, cJSON_CreateString(item.id));
    }
    cJSON_AddNumberToObject(told, "total", (double)t->total);
    cJSON_AddNumberToObject(told, "done",
                            applies     ? (double)t->result.applied
                            : t->writes ? (double)t->total
                                        : 0.0);
    if (!applies)
        cJSON_AddNumberToObject(told, "already", (double)t->already);
    if (applies) {
        cJSON_AddNumberToObject(told, "failed", (double)t->result.failed);
        cJSON_AddNumberToObject(told, "left", (double)left);
        cJSON_AddNumberToObject(told, "unknown", (double)unknown);
        cJSON_AddBoolToObject(told, "cancelled", t->result.was_cancelled != 0);
        cJSON_AddStringToObject(told, "actor", the_actor.name);
    }
    status = deliver_step(t->s, json, length, told);
    spotopt_text_free(t->s->context, json);
    return status;
}

/* --- flag, approve, dismiss --- */

/* The rows of the step, and which items it is about. */
static spotopt_status
make_rows(taking *t, char **rows, size_t *length, spotopt_error *err)
{
    const char **ids = need_array(t->a->operand_count + 1, sizeof *ids);
    int32_t *before = need_array(t->count + 1, sizeof *before);
    const bool is_all = arg(t->a, "all") != NULL;
    spotopt_status status = SPOTOPT_OK;
    bool *seen = need_array(t->count + 1, sizeof *seen);
    size_t named = 0;

    for (size_t i = 0; i < t->count; i++)
        before[i] = item_at(t, i).state;
    for (size_t k = 2; k < t->a->operand_count; k++) {
        const char *id = t->a->operands[k];
        size_t place = 0;

        while (place < t->count && strcmp(item_at(t, place).id, id) != 0)
            place++;
        if (seen[place])
            continue;                   /* named twice */
        seen[place] = place < t->count; /* what is not there, the library says */
        if (place < t->count && is_past(before[place], t->step->state))
            t->already++;
        else
            ids[named++] = id;
    }
    if (is_all || named > 0)
        status = spotopt_cleanup_step(t->clean.cleanup, t->step->state, is_all ? NULL : ids, named,
                                      author_of(t->a), arg(t->a, "reason"), t->now_ms, rows, length,
                                      err);
    for (size_t i = 0; status == SPOTOPT_OK && i < t->count; i++) {
        t->picked[i] = item_at(t, i).state != before[i];
        t->total += t->picked[i];
    }
    free(seen);
    free(before);
    free(ids);
    return status;
}

/* What the books would tell with the rows in them: rows that the clock puts before a step that was
 * taken would not count. */
static int
foresee(taking *t, const char *rows, size_t length)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    int status;

    if (spotopt_ledger_append(t->books.ledger, rows, length, &err) != SPOTOPT_OK)
        return fail_with(&err);
    status = cleaning_find(&t->clean, t->books.ledger);
    for (size_t i = 0; status == 0 && i < t->count; i++) {
        const spotopt_cleanup_item item = item_at(t, i);

        if (t->picked[i] && !is_past(item.state, t->step->state)) {
            say("\"%s\": the ledger has a step of a later time; want a later --now", item.id);
            status = EXIT_NO;
        }
    }
    return status;
}

static int
take_step(taking *t)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *rows = NULL;
    size_t length = 0;
    int status = 0;

    if (make_rows(t, &rows, &length, &err) != SPOTOPT_OK)
        return refuse(&err);
    if (length > 0)
        status = foresee(t, rows, length);
    if (status == 0 && length > 0 && t->writes)
        status = books_append(&t->books, rows, length, NULL);
    spotopt_text_free(t->s->context, rows);
    return status != 0 ? status : answer(t);
}

/* --- apply --- */

static int32_t
record(void *user, const char *row, size_t length)
{
    taking *t = user;

    t->status = books_append(&t->books, row, length, NULL);
    return t->status;
}

static int32_t
hand_out(void *user, const spotopt_cleanup_item *item)
{
    (void)user;
    return the_actor.act(the_actor.user, item);
}

static int32_t
go_on(void *user, size_t done, size_t total)
{
    const taking *t = user;

    progress_count(t->part, done, total);
    return was_interrupted();
}

static int
apply(taking *t)
{
    spotopt_cleanup_host host = SPOTOPT_CLEANUP_HOST_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    const char *most = arg(t->a, "batch");
    double batch = 0.0;
    int status;

    if (most != NULL &&
        (!read_number(most, &batch) || !(batch >= 1.0 && batch <= 1e9 && batch == floor(batch)))) {
        say("--batch is \"%s\"; want a whole number from 1 to 1000000000", most);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < t->count && (batch == 0.0 || (double)t->total < batch); i++) {
        t->picked[i] = item_at(t, i).state == SPOTOPT_CLEANUP_APPROVED;
        t->total += t->picked[i];
    }
    host.record = record;
    host.act = hand_out;
    host.progress = go_on;
    host.user = t;
    if (spotopt_cleanup_apply(t->clean.cleanup, t->writes ? &host : NULL, (size_t)batch,
                              author_of(t->a), t->now_ms, &t->result, &err) != SPOTOPT_OK)
        return refuse(&err);
    progress_end();
    status = answer(t);
    if (t->status != 0)
        return t->status;
    if (status == 0 && (t->result.was_cancelled || t->result.failed > 0))
        status = EXIT_NO;
    return status;
}

static int
check_line(const args *a, const step *k)
{
    const bool is_all = arg(a, "all") != NULL;

    if (!is_given(a, "inventory") || !is_given(a, "ledger"))
        return EXIT_USAGE;
    if (k->state == SPOTOPT_CLEANUP_APPLIED && a->operand_count > 2) {
        say("fleet %s apply: takes all that is approved; want no item named", a->operands[0]);
        return EXIT_USAGE;
    }
    if (k->state != SPOTOPT_CLEANUP_APPLIED && is_all == (a->operand_count > 2)) {
        say("fleet %s %s: want ids of items, or --all%s", a->operands[0], k->name,
            is_all ? ", and not both" : "");
        return EXIT_USAGE;
    }
    if (author_of(a)[0] == '\0') {
        say("fleet %s %s: --author is needed: who does it", a->operands[0], k->name);
        return EXIT_USAGE;
    }
    return 0;
}

int
clean_step(const session *s, const args *a, const char *part, const char *name)
{
    static const step steps[] = {{"flag", SPOTOPT_CLEANUP_FLAGGED},
                                 {"approve", SPOTOPT_CLEANUP_APPROVED},
                                 {"dismiss", SPOTOPT_CLEANUP_DISMISSED},
                                 {"apply", SPOTOPT_CLEANUP_APPLIED}};
    taking t = {.s = s, .a = a, .part = part, .result = SPOTOPT_CLEANUP_RESULT_INIT};
    int status;

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(name, steps[i].name) == 0)
            t.step = &steps[i];
    }
    status = check_line(a, t.step);
    if (status == 0)
        status = cleaning_open(&t.clean, s, a, part);
    if (status != 0)
        return status;
    t.now_ms = t.clean.params.now_ms;
    t.writes = arg(a, "apply") != NULL;
    /* Flags begin the books; whatever follows a flag finds them there. */
    status = books_open(&t.books, s, arg(a, "ledger"),
                        (t.writes ? BOOKS_WRITE : 0) |
                            (t.step->state == SPOTOPT_CLEANUP_FLAGGED ? BOOKS_MAKE : 0));
    if (status == 0) {
        status = cleaning_find(&t.clean, t.books.ledger);
        t.count = status == 0 ? spotopt_cleanup_count(t.clean.cleanup) : 0;
        t.picked = need_array(t.count + 1, sizeof *t.picked);
        if (status == 0)
            status = t.step->state == SPOTOPT_CLEANUP_APPLIED ? apply(&t) : take_step(&t);
        books_close(&t.books);
    }
    free(t.picked);
    cleaning_close(&t.clean);
    return status;
}
