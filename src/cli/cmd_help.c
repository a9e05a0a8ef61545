/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_help.c - help on a terminal and as man pages, both from the tables.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "spotopt/version.h"

static const char exits[] =
    "0 done; 1 the answer is no; 2 usage; 3 bad input; 4 out of memory, cannot write, or internal";

/* Words filled into lines of 98 columns. */
static void
add_filled(text *out, const char *what, size_t indent, size_t at)
{
    while (*what != '\0') {
        const size_t n = strcspn(what, " ");

        if (at > indent && at + 1 + n > 98) {
            text_add(out, "\n");
            text_addf(out, "%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            text_add(out, " ");
            at++;
        }
        text_add_n(out, what, n);
        at += n;
        what += n + (what[n] == ' ');
    }
    text_add(out, "\n");
}

static void
add_flag(text *out, const flag *f)
{
    text left = {0};

    if (f->letter != 0)
        text_addf(&left, "  -%c, --%s", f->letter, f->name);
    else
        text_addf(&left, "      --%s", f->name);
    if (f->value != NULL)
        text_addf(&left, " %s", f->value);
    text_addf(out, "%-28s", left.at);
    if (left.length > 27)
        text_addf(out, "\n%28s", "");
    add_filled(out, f->help, 28, 28);
    text_free(&left);
}

static void
add_usage(text *out, const verb *v)
{
    text_addf(out, "spotopt %s", v->name);
    if (v->flags->name != NULL || v->has_common)
        text_add(out, " [FLAG]...");
    if (*v->operands != '\0')
        text_addf(out, " %s", v->operands);
}

void
help_verb(const verb *v, text *out)
{
    text_add(out, "usage: ");
    add_usage(out, v);
    text_addf(out, "\n\n%c%s.\n", toupper((unsigned char)v->summary[0]), v->summary + 1);
    if (v->text != NULL) {
        text_add(out, "\n");
        add_filled(out, v->text, 0, 0);
    }
    if (v->flags->name != NULL)
        text_add(out, "\nFlags of this verb:\n");
    for (const flag *f = v->flags; f->name != NULL; f++)
        add_flag(out, f);
    if (v->has_common) {
        text_add(out, "\nFlags of every verb:\n");
        for (const flag *f = common_flags; f->name != NULL; f++)
            add_flag(out, f);
    }
    if (v->example != NULL)
        text_addf(out, "\nExample:\n  %s\n", v->example);
}

void
help_all(text *out)
{
    text_add(out, "usage: spotopt VERB [FLAG]... [FILE]...\n\n"
                  "Decides how a Kubernetes fleet uses spot capacity: at least cost, with a proven "
                  "bound, and how to get "
                  "there\nwithout breaking a disruption budget.\n\n");
    for (const verb *v = verbs; v->name != NULL; v++)
        text_addf(out, "  %-11s %s\n", v->name, v->summary);
    text_addf(out,
              "\nA FILE may be '-' for standard input, and may be compressed with gzip.\n"
              "'spotopt help VERB' explains one; 'spotopt help options' lists what --set takes.\n"
              "Exit status: %s.\n",
              exits);
}

/* roff: a leading dot or quote is a command, a backslash an escape, a plain minus a hyphen. */
static void
add_roff(text *out, const char *what)
{
    if (*what == '.' || *what == '\'')
        text_add(out, "\\&");
    for (; *what != '\0'; what++) {
        if (*what == '\\')
            text_add(out, "\\e");
        else if (*what == '-')
            text_add(out, "\\-");
        else
            text_add_n(out, what, 1);
    }
}

static void
man_flag(text *out, const flag *f)
{
    text_add(out, ".TP\n");
    if (f->letter != 0)
        text_addf(out, "\\fB\\-%c\\fR, ", f->letter);
    text_add(out, "\\fB\\-\\-");
    add_roff(out, f->name);
    text_add(out, "\\fR");
    if (f->value != NULL) {
        text_add(out, " \\fI");
        add_roff(out, f->value);
        text_add(out, "\\fR");
    }
    text_add(out, "\n");
    add_roff(out, f->help);
    text_add(out, ".\n");
}

static void
man_options(text *out)
{
    spotopt_option_info info = SPOTOPT_OPTION_INFO_INIT;

    text_add(out, ".SH OPTIONS OF --set\n");
    for (size_t i = 0; i < spotopt_option_count(); i++) {
        if (spotopt_option_at(i, &info, NULL) != SPOTOPT_OK)
            continue;
        text_add(out, ".TP\n\\fB");
        add_roff(out, info.key);
        text_addf(out, "\\fR (default %.10g%s%s)\n", info.default_value, *info.unit ? " " : "",
                  info.unit);
        add_roff(out, info.help);
        text_add(out, ".\n");
    }
}

void
man_verb(const verb *v, text *out)
{
    text_addf(
        out, ".TH SPOTOPT%s%s 1 \"\" \"spotopt %s\" \"User Commands\"\n.SH NAME\nspotopt%s%s \\- ",
        v ? "\\-" : "", v ? v->name : "", spotopt_version(), v ? "\\-" : "", v ? v->name : "");
    add_roff(out, v ? v->summary : "decides how a Kubernetes fleet uses spot capacity");
    text_add(out, "\n.SH SYNOPSIS\n");
    if (v != NULL) {
        text usage = {0};

        add_usage(&usage, v);
        add_roff(out, usage.at);
        text_free(&usage);
    } else {
        text_add(out, "spotopt VERB [FLAG]... [FILE]...");
    }
    text_add(out, "\n.SH DESCRIPTION\n");
    if (v == NULL) {
        text_add(
            out,
            "A FILE may be \\- for standard input, and may be compressed with gzip.\n.SH VERBS\n");
        for (const verb *each = verbs; each->name != NULL; each++) {
            text_addf(out, ".TP\n\\fB%s\\fR\n", each->name);
            add_roff(out, each->summary);
            text_add(out, ".\n");
        }
    } else {
        add_roff(out, v->text != NULL ? v->text : v->summary);
        text_add(out, "\n");
        if (v->flags->name != NULL)
            text_add(out, ".SH FLAGS\n");
        for (const flag *f = v->flags; f->name != NULL; f++)
            man_flag(out, f);
    }
    if (v == NULL || v->has_common) {
        text_add(out, ".SH FLAGS OF EVERY VERB\n");
        for (const flag *f = common_flags; f->name != NULL; f++)
            man_flag(out, f);
        man_options(out);
    }
    text_add(out, ".SH EXIT STATUS\n");
    add_roff(out, exits);
    text_add(out, ".\n");
    if (v != NULL && v->example != NULL) {
        text_add(out, ".SH EXAMPLE\n.nf\n");
        add_roff(out, v->example);
        text_add(out, "\n.fi\n");
    }
    text_add(out, ".SH SEE ALSO\n");
    if (v != NULL)
        text_add(out, ".BR spotopt (1)\n");
    for (const verb *each = verbs; v == NULL && each->name != NULL; each++)
        text_addf(out, ".BR spotopt\\-%s (1)%s\n", each->name, each[1].name != NULL ? "," : "");
}

static void
help_options(text *out)
{
    char titles[] = "option|default>|least>|most>|unit|what it does";
    const style look = {false, true, 140};
    spotopt_option_info info = SPOTOPT_OPTION_INFO_INIT;
    table t;

    text_add(out, "What --set KEY=VALUE takes:\n\n");
    table_init(&t, titles);
    for (size_t i = 0; i < spotopt_option_count(); i++) {
        text number = {0};

        if (spotopt_option_at(i, &info, NULL) != SPOTOPT_OK)
            continue;
        table_cell(&t, info.key, &look);
        for (int k = 0; k < 3; k++) {
            text_free(&number);
            text_addf(&number, "%.10g",
                      k == 0   ? info.default_value
                      : k == 1 ? info.min_value
                               : info.max_value);
            table_cell(&t, number.at, &look);
        }
        text_free(&number);
        table_cell(&t, info.unit, &look);
        table_cell(&t, info.help, &look);
    }
    table_print(&t, &look, out);
}

/* The default policy as the library writes it, so that this page cannot be out of date. */
static int
help_policy(text *out)
{
    spotopt_policy *policy = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *json = NULL;
    cJSON *doc;
    int status = 0;

    if (spotopt_policy_parse(NULL, NULL, 0, "policy", &policy, &err) != SPOTOPT_OK)
        return fail_with(&err);
    if (spotopt_policy_write(policy, &json, NULL, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
    } else {
        doc = cJSON_Parse(json);
        char *pretty = doc != NULL ? cJSON_Print(doc) : NULL;

        for (const char *c = pretty != NULL ? pretty : json; *c != '\0'; c++) {
            if (*c == '\t') /* cJSON's only blanks: two for a level, one behind a colon */
                text_add(out, c > pretty && c[-1] == ':' ? " " : "  ");
            else
                text_add_n(out, c, 1);
        }
        text_add(out, "\n");
        cJSON_free(pretty);
        cJSON_Delete(doc);
    }
    spotopt_text_free(NULL, json);
    spotopt_policy_free(policy);
    return status;
}

int
cmd_help(const args *a)
{
    const char *what = a->operand_count > 0 ? a->operands[0] : NULL;
    const bool is_man = arg(a, "man") != NULL;
    const verb *v = what != NULL ? verb_find(what) : NULL;
    text out = {0};
    int status;

    if (a->operand_count > 1) {
        say("help: want one word; see 'spotopt help'");
        return EXIT_USAGE;
    }
    if (is_man && (what == NULL || v != NULL)) {
        man_verb(v, &out);
    } else if (v != NULL) {
        help_verb(v, &out);
    } else if (what == NULL) {
        help_all(&out);
    } else if (strcmp(what, "options") == 0) {
        help_options(&out);
    } else if (strcmp(what, "policy") == 0) {
        status = help_policy(&out);
        if (status != 0)
            return status;
    } else {
        const char *near = nearest(what, verb_name_at, NULL);

        say("help: unknown word \"%s\"%s%s%s", what, near != NULL ? "; did you mean " : "",
            near != NULL ? near : "", near != NULL ? "?" : "");
        return EXIT_USAGE;
    }
    status = deliver_text(NULL, out.at, out.length);
    text_free(&out);
    return status;
}
