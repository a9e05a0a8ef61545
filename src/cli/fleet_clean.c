/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_clean.c - governance and storage: what nobody accounts for. The command only looks; a host
 * of the library acts.
 */
#include "fleet_clean.h"

#include <math.h>
#include <string.h>

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

static int
find(const session *s, const input *in, const spotopt_ledger *ledger,
     const spotopt_cleanup_params *params)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_inventory *inventory = NULL;
    spotopt_cleanup *cleanup = NULL;
    char *json = NULL;
    size_t length = 0;
    int status = 0;

    if (spotopt_inventory_parse(s->context, in->text, in->length, in->name, &inventory, &err) !=
            SPOTOPT_OK ||
        spotopt_cleanup_find(inventory, ledger, params, &cleanup, &err) != SPOTOPT_OK ||
        spotopt_cleanup_write(cleanup, &json, &length, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    else
        status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    spotopt_cleanup_free(cleanup);
    spotopt_inventory_free(inventory);
    return status;
}

int
clean_report(const session *s, const args *a, const char *part)
{
    static const char *allow[GLOBS_MAX];
    spotopt_cleanup_params params = SPOTOPT_CLEANUP_PARAMS_INIT;
    const char *days = arg(a, "min-age");
    spotopt_ledger *ledger = NULL;
    text globs = {0};
    input in;
    int status = 0;

    params.part =
        strcmp(part, "storage") == 0 ? SPOTOPT_CLEANUP_STORAGE : SPOTOPT_CLEANUP_GOVERNANCE;
    params.now_ms = (int64_t)llround(s->now_s * 1000.0);
    if (days != NULL && (!read_number(days, &params.min_age_days) ||
                         !(params.min_age_days >= 0.0 && params.min_age_days <= 1e6))) {
        say("--min-age is \"%s\"; want a number of days >= 0", days);
        return EXIT_USAGE;
    }
    text_add(&globs, arg(a, "allow") != NULL ? arg(a, "allow") : "");
    params.allow_count = cut(globs.at, allow);
    params.allow = allow;
    if (arg(a, "ledger") != NULL)
        status = ledger_load(s, arg(a, "ledger"), &ledger);
    if (status == 0)
        status = input_read(&in, arg(a, "inventory"));
    if (status == 0) {
        status = find(s, &in, ledger, &params);
        input_free(&in);
    }
    spotopt_ledger_free(ledger);
    text_free(&globs);
    return status;
}
