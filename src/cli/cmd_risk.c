/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_risk.c - the verb risk, and what its parts share.
 */
#include <string.h>

#include "risk.h"

int
load_model(const session *s, const char *path, spotopt_model **out)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    input doc;
    int status = input_read(&doc, path);

    if (status != 0)
        return status;
    if (spotopt_model_parse(s->context, doc.text, doc.length, doc.name, out, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    input_free(&doc);
    return status;
}

bool
read_moment(const args *a, const char *name, double *out)
{
    const char *value = arg(a, name);

    if (value == NULL || read_time(value, out))
        return true;
    say("--%s is \"%s\"; want seconds of the history's epoch, or a time such as "
        "2026-01-31T12:00:00Z",
        name, value);
    return false;
}

bool
read_list(const char *name, const char *value, double *out, size_t most, uint32_t *out_count)
{
    text item = {0};
    bool is_fine = true;

    *out_count = 0;
    for (const char *at = value; is_fine && at != NULL;) {
        const char *end = strchr(at, ',');

        item.length = 0;
        text_add_n(&item, at, end != NULL ? (size_t)(end - at) : strlen(at));
        is_fine =
            item.length > 0 && *out_count < most && read_number(item.at, &out[(*out_count)++]);
        at = end != NULL ? end + 1 : NULL;
    }
    if (!is_fine)
        say("--%s is \"%s\"; want at most %zu numbers with commas between", name, value, most);
    text_free(&item);
    return is_fine;
}

int
cmd_risk(const args *a)
{
    static const struct {
        const char *name;
        int (*run)(const session *s, const args *a);
    } parts[] = {{"fit", risk_fit},
                 {"score", risk_score},
                 {"evaluate", risk_evaluate},
                 {"models", risk_models}};
    const char *part = a->operand_count > 0 ? a->operands[0] : "";

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        session s;
        int status;

        if (strcmp(part, parts[i].name) != 0)
            continue;
        status = session_open(&s, a);
        if (status != 0)
            return status;
        status = parts[i].run(&s, a);
        session_close(&s);
        return status;
    }
    say("risk: \"%s\" is not a part of it; see 'spotopt risk --help'", part);
    return EXIT_USAGE;
}
