/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_clean.c - governance and storage: what nobody accounts for, looked for in an inventory.
 */
#include "fleet_clean.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"
#include "load.h"

enum { GLOBS_MAX = 1000 };

/* Cuts a list at its commas, in place. */
static size_t
cut(char *list, const char **out)
{
    size_t count = 0;

    for (char *at = list; at != NULL && count < GLOBS_MAX;) {
        char *end = strchr(at, ',');

        if (end != NULL)
            *end++ = '\0';
        if (*at != '\0')
            out[count++] = at;
        at = end;
    }
    return count;
}

int
cleaning_open(cleaning *c, const session *s, const args *a, const char *part)
{
    const char *days = arg(a, "min-age");
    spotopt_error err = SPOTOPT_ERROR_INIT;
    input in;
    int status;

    *c = (cleaning){.params = SPOTOPT_CLEANUP_PARAMS_INIT};
    c->params.part =
        strcmp(part, "storage") == 0 ? SPOTOPT_CLEANUP_STORAGE : SPOTOPT_CLEANUP_GOVERNANCE;
    c->params.now_ms = (int64_t)llround(s->now_s * 1000.0);
    if (days != NULL && (!read_number(days, &c->params.min_age_days) ||
                         !(c->params.min_age_days >= 0.0 && c->params.min_age_days <= 1e6))) {
        say("--min-age is \"%s\"; want a number of days >= 0", days);
        return EXIT_USAGE;
    }
    status = input_read(&in, arg(a, "inventory"));
    if (status != 0)
        return status;
    if (spotopt_inventory_parse(s->context, in.text, in.length, in.name, &c->inventory, &err) !=
        SPOTOPT_OK)
        status = fail_with(&err);
    input_free(&in);
    if (status != 0)
        return status;
    text_add(&c->globs, arg(a, "allow") != NULL ? arg(a, "allow") : "");
    c->allow = need_array(GLOBS_MAX, sizeof *c->allow);
    c->params.allow_count = cut(c->globs.at, c->allow);
    c->params.allow = c->allow;
    return 0;
}

int
cleaning_find(cleaning *c, const spotopt_ledger *ledger)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;

    spotopt_cleanup_free(c->cleanup);
    c->cleanup = NULL;
    return spotopt_cleanup_find(c->inventory, ledger, &c->params, &c->cleanup, &err) == SPOTOPT_OK
               ? 0
               : fail_with(&err);
}

void
cleaning_close(cleaning *c)
{
    spotopt_cleanup_free(c->cleanup);
    spotopt_inventory_free(c->inventory);
    text_free(&c->globs);
    free(c->allow);
}

int
clean_report(const session *s, const args *a, const char *part)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_ledger *ledger = NULL;
    char *json = NULL;
    size_t length = 0;
    cleaning c;
    int status = cleaning_open(&c, s, a, part);

    if (status != 0)
        return status;
    if (arg(a, "ledger") != NULL)
        status = ledger_load(s, arg(a, "ledger"), &ledger);
    if (status == 0)
        status = cleaning_find(&c, ledger);
    if (status == 0) {
        if (spotopt_cleanup_write(c.cleanup, &json, &length, &err) != SPOTOPT_OK)
            status = fail_with(&err);
        else
            status = deliver(s, json, length);
    }
    spotopt_text_free(s->context, json);
    spotopt_ledger_free(ledger);
    cleaning_close(&c);
    return status;
}
