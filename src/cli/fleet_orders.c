/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_orders.c - orders to use on-demand: set and lifted.
 *
 * An order is one row. It is not kept waiting by a long clean-up that has the books' turn. Setting
 * what is so already, and lifting what has ended, writes nothing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"
#include "fleet_clean.h"
#include "load.h"

/* An order that is being given. */
typedef struct giving {
    const session *s;
    const args *a;
    const char *id;
    bool is_lift, writes;
    spotopt_override order;
    books books;
} giving;

/* UTC milliseconds; -1: none is told. */
static int64_t
ms_of(const cJSON *row, const char *key)
{
    double s;

    return read_time(doc_text(row, key), &s) ? (int64_t)llround(s * 1000.0) : -1;
}

static bool
take_time(const args *a, const char *name, int64_t *out)
{
    const char *value = arg(a, name);
    double s;

    if (value == NULL)
        return true;
    if (!read_time(value, &s) || !(s >= 0.0 && s < 2.534e11)) {
        say("--%s is \"%s\"; want a time, RFC 3339 or seconds", name, value);
        return false;
    }
    *out = (int64_t)llround(s * 1000.0);
    return true;
}

/* What the flags say; the library checks what it means. */
static int
read_order(giving *g)
{
    const args *a = g->a;
    const char *hours = arg(a, "hours");
    spotopt_override *o = &g->order;
    double length_h;

    o->id = g->id;
    o->author = author_of(a);
    o->reason = arg(a, "reason");
    o->scope = arg(a, "scope");
    o->target = arg(a, "target");
    o->time_ms = (int64_t)llround(g->s->now_s * 1000.0);
    if (o->author[0] == '\0') {
        say("fleet overrides: --author is needed: who orders it");
        return EXIT_USAGE;
    }
    if (g->is_lift)
        return 0;
    if (!is_given(a, "scope") || !is_given(a, "reason"))
        return EXIT_USAGE;
    if (strcmp(o->scope, "all") != 0 && !is_given(a, "target"))
        return EXIT_USAGE;
    if (hours != NULL && arg(a, "until") != NULL) {
        say("fleet overrides set: want --hours or --until, and not both");
        return EXIT_USAGE;
    }
    if (!take_time(a, "from", &o->from_ms) || !take_time(a, "until", &o->until_ms))
        return EXIT_USAGE;
    if (hours != NULL) {
        if (!read_number(hours, &length_h) || !(length_h > 0.0 && length_h <= 87600.0)) {
            say("--hours is \"%s\"; want a number above 0, at most 87600", hours);
            return EXIT_USAGE;
        }
        o->until_ms =
            (o->from_ms >= 0 ? o->from_ms : o->time_ms) + (int64_t)llround(length_h * 3.6e6);
    }
    if (o->until_ms >= 0 && o->until_ms <= o->time_ms) {
        say("the order would have ended by now; want --until later");
        return EXIT_USAGE;
    }
    return 0;
}

static int
write_orders(const giving *g, char **json, size_t *length)
{
    spotopt_fleet_params params = SPOTOPT_FLEET_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    const char *hours = arg(g->a, "return-hours");

    params.now_ms = g->order.time_ms;
    if (hours != NULL && !read_number(hours, &params.return_hours)) {
        say("--return-hours is \"%s\"; want a number from 0 to 8760", hours);
        return EXIT_USAGE;
    }
    return spotopt_fleet_write(g->books.ledger, SPOTOPT_FLEET_OVERRIDES, &params, json, length,
                               &err) == SPOTOPT_OK
               ? 0
               : fail_with(&err);
}

/* The order of that id among those of a document. */
static const cJSON *
known_order(const cJSON *doc, const char *id)
{
    for (const cJSON *row = doc_list(doc, "overrides"); row != NULL; row = row->next) {
        if (strcmp(doc_text(row, "id"), id) == 0)
            return row;
    }
    return NULL;
}

/* Whether the order stands there as it is given, or has ended where it is to be lifted. */
static bool
is_so(const giving *g, const cJSON *row)
{
    const char *state = doc_text(row, "state");
    const spotopt_override *o = &g->order;
    const bool is_over = strcmp(state, "ended") == 0 || strcmp(state, "returning") == 0;

    if (row == NULL || g->is_lift)
        return row != NULL && is_over;
    return !is_over && strcmp(doc_text(row, "scope"), o->scope) == 0 &&
           strcmp(doc_text(row, "target"), o->target != NULL ? o->target : "") == 0 &&
           strcmp(doc_text(row, "author"), o->author) == 0 &&
           strcmp(doc_text(row, "reason"), o->reason) == 0 && ms_of(row, "until") == o->until_ms &&
           (o->from_ms < 0 ? strcmp(state, "live") == 0 : ms_of(row, "from") == o->from_ms);
}

static int
look_up(const giving *g, bool *out_is_so)
{
    char *json = NULL;
    size_t length = 0;
    int status = write_orders(g, &json, &length);
    cJSON *doc = status == 0 ? doc_parse(json, length, "the orders") : NULL;

    if (doc != NULL)
        *out_is_so = is_so(g, known_order(doc, g->id));
    else if (status == 0)
        status = EXIT_FAULT;
    cJSON_Delete(doc);
    spotopt_text_free(g->s->context, json);
    return status;
}

static int
add_row(giving *g)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    bool is_new = true;
    char *row = NULL;
    size_t length = 0;
    spotopt_status made;
    int status = 0;

    if (g->is_lift)
        made = spotopt_override_lift_row(g->books.ledger, g->id, g->order.author, g->order.reason,
                                         g->order.time_ms, &row, &length, &err);
    else
        made = spotopt_override_set_row(g->s->context, &g->order, &row, &length, &err);
    if (made == SPOTOPT_OK)
        made = spotopt_ledger_append(g->books.ledger, row, length, &err);
    if (made != SPOTOPT_OK)
        status = refuse(&err);
    if (status == 0 && g->writes)
        status = books_append(&g->books, row, length, &is_new);
    if (!is_new) { /* a database keeps the same row once, and a later one has undone it */
        say("override \"%s\": the ledger has this very row of this moment; want a later --now",
            g->id);
        status = EXIT_NO;
    }
    spotopt_text_free(g->s->context, row);
    return status;
}

/* A brake on nothing is most often a wrong name. */
static void
tell_reach(const char *json, size_t length, const char *id)
{
    cJSON *doc = doc_parse(json, length, "the orders");
    const cJSON *row = doc != NULL ? known_order(doc, id) : NULL;

    if (row != NULL && doc_number(row, "nodes") == 0.0)
        note(
            "warning: the ledger tells of no running node that \"%s\" covers; is the target right?",
            id);
    cJSON_Delete(doc);
}

static int
give(giving *g)
{
    bool was_so = false;
    char *json = NULL;
    size_t length = 0;
    cJSON *step;
    int status = look_up(g, &was_so);

    if (status == 0 && !was_so)
        status = add_row(g);
    if (status == 0)
        status = write_orders(g, &json, &length);
    if (status != 0)
        return status;
    books_close(&g->books); /* who reads the answer may take their time */
    if (!g->is_lift)
        tell_reach(json, length, g->id);
    step = cJSON_CreateObject();
    cJSON_AddStringToObject(step, "do", g->is_lift ? "lift" : "set");
    cJSON_AddBoolToObject(step, "dry_run", !g->writes);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(step, "ids"), cJSON_CreateString(g->id));
    cJSON_AddNumberToObject(step, "total", was_so ? 0.0 : 1.0);
    cJSON_AddNumberToObject(step, "done", g->writes && !was_so ? 1.0 : 0.0);
    cJSON_AddNumberToObject(step, "already", was_so ? 1.0 : 0.0);
    status = deliver_step(g->s, json, length, step);
    spotopt_text_free(g->s->context, json);
    return status;
}

int
order_step(const session *s, const args *a, const char *step)
{
    giving g = {.s = s, .a = a, .order = SPOTOPT_OVERRIDE_INIT};
    int status;

    g.is_lift = strcmp(step, "lift") == 0;
    g.writes = arg(a, "apply") != NULL;
    if (!is_given(a, "ledger"))
        return EXIT_USAGE;
    if (a->operand_count != 3 || a->operands[2][0] == '\0') {
        say("fleet overrides %s: want one ID, the order's name; see 'spotopt fleet --help'", step);
        return EXIT_USAGE;
    }
    g.id = a->operands[2];
    status = read_order(&g);
    if (status == 0)
        status =
            books_open(&g.books, s, arg(a, "ledger"),
                       BOOKS_HASTY | (g.writes ? BOOKS_WRITE : 0) | (g.is_lift ? 0 : BOOKS_MAKE));
    if (status != 0)
        return status;
    status = give(&g);
    books_close(&g.books);
    return status;
}

int
deliver_step(const session *s, const char *json, size_t length, cJSON *step)
{
    char *told = cJSON_PrintUnformatted(step);
    text whole = {0};
    int status;

    while (length > 0 && json[length - 1] != '}')
        length--;
    text_add_n(&whole, json, length > 0 ? length - 1 : 0);
    text_addf(&whole, ",\"step\":%s}\n", told != NULL ? told : "null");
    if (s->format != AS_TABLE && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(step, "dry_run")))
        note("dry run: nothing was written; --apply writes");
    status = deliver(s, whole.at, whole.length);
    text_free(&whole);
    cJSON_free(told);
    cJSON_Delete(step);
    return status;
}
