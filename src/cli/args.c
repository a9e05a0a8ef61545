/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.c - takes a command line apart by the tables of verbs.c; unknown words are answered with the
 * nearest known one.
 */
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "args.h"

const verb *
verb_find(const char *name)
{
    for (const verb *v = verbs; v->name != NULL; v++) {
        if (strcmp(v->name, name) == 0)
            return v;
    }
    return NULL;
}

const flag *
verb_flag(const verb *v, size_t place)
{
    const flag *f = v->flags;

    for (; f->name != NULL; f++) {
        if (place-- == 0)
            return f;
    }
    if (!v->has_common)
        return NULL;
    for (f = common_flags; f->name != NULL; f++) {
        if (place-- == 0)
            return f;
    }
    return NULL;
}

const char *
arg(const args *a, const char *name)
{
    const flag *f;

    for (size_t i = 0; (f = verb_flag(a->verb, i)) != NULL; i++) {
        if (strcmp(f->name, name) == 0)
            return a->value[i];
    }
    return NULL;
}

/* Levenshtein's distance; words beyond 31 bytes are far from everything. */
static size_t
distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    size_t row[32];

    if (n > 31 || m > 31)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            const size_t shifted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replaced < shifted ? replaced : shifted;
        }
    }
    return row[m];
}

const char *
nearest(const char *word, const char *(*name_at)(const void *of, size_t place), const void *of)
{
    const char *best = NULL, *name;
    size_t least = strlen(word) / 2 + 2;

    for (size_t i = 0; (name = name_at(of, i)) != NULL; i++) {
        /* The beginning of a name is near, however much is missing. */
        const size_t d =
            strlen(word) >= 3 && strncmp(word, name, strlen(word)) == 0 ? 0 : distance(word, name);

        if (d < least) {
            least = d;
            best = name;
        }
    }
    return best;
}

const char *
verb_name_at(const void *unused, size_t place)
{
    (void)unused;
    return verbs[place].name;
}

static const char *
flag_name_at(const void *of, size_t place)
{
    const flag *f = verb_flag(of, place);

    return f != NULL ? f->name : NULL;
}

bool
has_word(const char *words, const char *word)
{
    const size_t n = strlen(word);

    for (const char *at = words; n > 0 && (at = strstr(at, word)) != NULL; at += n) {
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    }
    return false;
}

/* -o answer.json stands for -o json --output-file answer.json. */
static bool
is_json_file(const flag *f, const char *value)
{
    const size_t n = strlen(value);

    return strcmp(f->name, "output") == 0 && n > 5 && strcmp(value + n - 5, ".json") == 0;
}

/* At most one flag of a verb may be repeated. */
static bool
is_many(const flag *f)
{
    const size_t n = f->value != NULL ? strlen(f->value) : 0;

    return n > 4 && strcmp(f->value + n - 4, " ...") == 0;
}

static bool
take_value(args *a, size_t place, const flag *f, const char *value)
{
    if (f->words != NULL && !has_word(f->words, value) && !is_json_file(f, value)) {
        say("--%s is \"%s\"; want one of: %s", f->name, value, f->words);
        return false;
    }
    if (strcmp(f->name, "set") == 0) {
        if (a->set_count == SETS_MAX) {
            say("--set is given more than %d times", (int)SETS_MAX);
            return false;
        }
        a->set[a->set_count++] = value;
    } else if (is_many(f)) {
        if (a->many_count == MANY_MAX) {
            say("--%s is given more than %d times", f->name, (int)MANY_MAX);
            return false;
        }
        a->many[a->many_count++] = value;
    } else if (a->value[place] != NULL && f->value != NULL) {
        say("--%s is given twice", f->name);
        return false;
    }
    a->value[place] = value;
    return true;
}

static bool
unknown_flag(const verb *v, const char *word)
{
    char name[32];
    const char *near;

    fit(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    near = word[0] == '-' && word[1] == '-' ? nearest(name + 2, flag_name_at, v) : NULL;
    if (near != NULL)
        say("%s: unknown flag %s; did you mean --%s?", v->name, name, near);
    else
        say("%s: unknown flag %s; see 'spotopt %s --help'", v->name, name, v->name);
    return false;
}

/* One flag, whose value may be the next word. */
static bool
take_flag(args *a, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const bool is_long = word[1] == '-';
    const size_t length = is_long ? strcspn(word + 2, "=") : 1;
    const flag *f;

    for (size_t i = 0; (f = verb_flag(a->verb, i)) != NULL; i++) {
        const char *rest;

        if (is_long ? strlen(f->name) != length || memcmp(f->name, word + 2, length) != 0
                    : f->letter != word[1])
            continue;
        rest = is_long ? word + 2 + length : word + 2;
        if (f->value == NULL) {
            if (*rest != '\0') {
                say("--%s takes no value", f->name);
                return false;
            }
            return take_value(a, i, f, "");
        }
        if (*rest != '\0')
            return take_value(a, i, f, is_long || *rest == '=' ? rest + 1 : rest);
        if (*at + 1 >= argc) {
            say("--%s wants %s", f->name, f->value);
            return false;
        }
        return take_value(a, i, f, argv[++*at]);
    }
    return unknown_flag(a->verb, word);
}

bool
args_parse(args *a, const verb *v, int argc, char **argv)
{
    *a = (args){.verb = v, .operands = argv + 2};
    for (int i = 2; i < argc; i++) {
        char *word = argv[i];

        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            a->wants_help = true;
        } else if (strcmp(word, "--") == 0) {
            while (++i < argc)
                a->operands[a->operand_count++] = argv[i];
        } else if (word[0] == '-' && word[1] != '\0') {
            if (!take_flag(a, argc, argv, &i))
                return false;
        } else {
            a->operands[a->operand_count++] = word; /* never ahead of i */
        }
    }
    if (!a->wants_help && v->operands[0] == '\0' && a->operand_count > 0) {
        say("%s: unexpected \"%s\"; see 'spotopt %s --help'", v->name, a->operands[0], v->name);
        return false;
    }
    return true;
}

bool
read_number(const char *what, double *out)
{
    char *end;

    /* strtod would take " 1", "inf" and hexadecimals too. */
    if (strspn(what, "0123456789+-.eE") != strlen(what) || *what == '\0')
        return false;
    *out = strtod(what, &end);
    return *end == '\0' && isfinite(*out);
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t
days_of(int64_t year, int month, int day)
{
    const int64_t y = year - (month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Digits where the shape has 0, the same character elsewhere; T may be small, or a blank. */
static bool
has_shape(const char *what, const char *shape)
{
    if (strlen(what) < strlen(shape) || strlen(what) > 40)
        return false;
    for (; *shape != '\0'; shape++, what++) {
        if (*shape == '0'   ? *what < '0' || *what > '9'
            : *shape == 'T' ? strchr("Tt ", *what) == NULL
                            : *what != *shape)
            return false;
    }
    return true;
}

bool
read_time(const char *what, double *out)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, used = 0, off_hour = 0, off_minute = 0, length;
    double second;
    char sign = 'Z';
    const char *rest;

    if (read_number(what, out))
        return true;
    if (!has_shape(what, "0000-00-00T00:00:00") ||
        sscanf(what, "%4d-%2d-%2d%*c%2d:%2d:%n", &year, &month, &day, &hour, &minute, &used) != 5 ||
        used == 0)
        return false;
    rest = what + used;
    if (strspn(rest, "0123456789.") < 2)
        return false;
    second = strtod(rest, (char **)&rest);
    if ((*rest == 'Z' || *rest == 'z') && rest[1] == '\0')
        sign = 'Z'; /* UTC */
    else if ((!has_shape(rest, "+00:00") && !has_shape(rest, "-00:00")) ||
             sscanf(rest, "%c%2d:%2d%n", &sign, &off_hour, &off_minute, &used) != 3 ||
             rest[used] != '\0')
        return false;
    if (month < 1 || month > 12 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        !(second >= 0.0 && second < 61.0) || off_hour > 23 || off_minute > 59)
        return false;
    length =
        lengths[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    if (day < 1 || day > length)
        return false;
    *out = (double)(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60) + second -
           (sign == '-'   ? -1.0
            : sign == '+' ? 1.0
                          : 0.0) *
               (off_hour * 3600 + off_minute * 60);
    return true;
}
