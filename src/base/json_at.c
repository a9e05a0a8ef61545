/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_at.c - a JSON value with its place, and what a reader wants it to be.
 *
 * A place is a chain on the C stack; only a failure turns it into a JSON pointer (RFC 6901).
 * Messages read "NAME: /pointer: want a number >= 0, not -1".
 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"

enum { PLACE_SIZE = 256, DEEPEST = 2 * SPOTOPT__JSON_DEPTH };
static const double least_inexact = 9007199254740992.0; /* 2^53 */

spotopt__at
spotopt__at_root(const spotopt__json *json, const char *name)
{
    return (spotopt__at){json, NULL, NULL, 0, name};
}

spotopt__at
spotopt__at_key(const spotopt__at *parent, const char *key)
{
    return (spotopt__at){spotopt__json_get(parent->value, key), parent, key, 0, NULL};
}

spotopt__at
spotopt__at_first(const spotopt__at *parent)
{
    const spotopt__json *first = spotopt__json_first(parent->value);

    return (spotopt__at){first, parent, spotopt__json_key(first), 0, NULL};
}

void
spotopt__at_step(spotopt__at *item)
{
    item->value = spotopt__json_next(item->value);
    item->key = spotopt__json_key(item->value);
    item->index++;
}

bool
spotopt__at_is_set(const spotopt__at *at)
{
    return at->value != NULL && spotopt__json_type(at->value) != SPOTOPT__JSON_NULL;
}

/* One step of a pointer, with ~ and / escaped; long keys lose their middle. */
static size_t
write_step(const spotopt__at *at, char out[160])
{
    char clean[64];
    size_t used = 0;

    out[used++] = '/';
    if (at->key == NULL)
        return used + (size_t)snprintf(out + used, 32, "%zu", at->index);
    spotopt__clean_line(clean, sizeof clean, at->key);
    for (const char *c = clean; *c != '\0'; c++) {
        if (*c == '~' || *c == '/') {
            out[used++] = '~';
            out[used++] = *c == '~' ? '0' : '1';
        } else
            out[used++] = *c;
    }
    return used;
}

/* "NAME: /a/3" or "NAME"; a pointer too long for the message shows its end. */
static const char *
write_place(const spotopt__at *at, char out[PLACE_SIZE], const char **name)
{
    char step[160];
    size_t start = PLACE_SIZE - 1, length;
    int depth = 0;

    out[start] = '\0';
    for (; at->parent != NULL && depth < DEEPEST; at = at->parent, depth++) {
        length = write_step(at, step);
        if (length + 4 > start) {
            memcpy(out + (start -= 3), "...", 3);
            break;
        }
        memcpy(out + (start -= length), step, length);
    }
    for (; at->parent != NULL && depth < 2 * DEEPEST;
         depth++) /* ends even if a chain bites its tail */
        at = at->parent;
    *name = at->name;
    return out + start;
}

spotopt_status
spotopt__fail_at(const spotopt__at *at, spotopt_error *err, const char *format, ...)
{
    char pointer[PLACE_SIZE], message[SPOTOPT_ERROR_MESSAGE_SIZE],
        raw[2 * SPOTOPT_ERROR_MESSAGE_SIZE];
    const char *name, *place;
    va_list args;

    if (err == NULL)
        return SPOTOPT_E_INPUT;
    va_start(args, format);
    if (vsnprintf(raw, sizeof raw, format, args) < 0)
        raw[0] = '\0';
    va_end(args);
    spotopt__clean_line(message, sizeof message, raw);
    place = write_place(at, pointer, &name);
    if (name == NULL)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s%s%s", place, *place == '\0' ? "" : ": ",
                             message);
    return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s%s%s", name, place,
                         *place == '\0' ? "" : ": ", message);
}

/* "want X, not Y". */
static spotopt_status
refuse(const spotopt__at *at, spotopt_error *err, const char *want)
{
    char text[SPOTOPT__QUOTE_SIZE];
    const char *found = NULL;

    if (at->value == NULL)
        return spotopt__fail_at(at, err, "want %s; it is missing", want);
    switch (spotopt__json_type(at->value)) {
    case SPOTOPT__JSON_NULL:
        found = "null";
        break;
    case SPOTOPT__JSON_BOOL:
        found = spotopt__json_true(at->value) ? "true" : "false";
        break;
    case SPOTOPT__JSON_NUMBER:
        spotopt__write_real(spotopt__json_real(at->value), text);
        found = isfinite(spotopt__json_real(at->value)) ? text : "a number beyond 1.8e308";
        break;
    case SPOTOPT__JSON_TEXT:
        found = spotopt__quote(spotopt__json_text(at->value), text);
        break;
    case SPOTOPT__JSON_ARRAY:
        found = "an array";
        break;
    default:
        found = "an object";
        break;
    }
    return spotopt__fail_at(at, err, "want %s, not %s", want, found);
}

/* "a number from 0 to 1", as far as there are limits. */
static spotopt_status
refuse_number(const spotopt__at *at, spotopt_error *err, const char *what, double least,
              double most, double no_limit)
{
    char low[SPOTOPT__REAL_SIZE], high[SPOTOPT__REAL_SIZE], want[128];
    const bool has_least = least > -no_limit, has_most = most < no_limit;
    const bool is_open = least > 0.0 && least <= DBL_MIN; /* the least there is above 0 */

    spotopt__write_real(is_open ? 0.0 : least, low);
    spotopt__write_real(most, high);
    if (has_least && has_most && is_open)
        (void)snprintf(want, sizeof want, "%s > 0 and <= %s", what, high);
    else if (has_least && has_most)
        (void)snprintf(want, sizeof want, "%s from %s to %s", what, low, high);
    else if (has_least)
        (void)snprintf(want, sizeof want, "%s %s %s", what, is_open ? ">" : ">=", low);
    else if (has_most)
        (void)snprintf(want, sizeof want, "%s <= %s", what, high);
    else
        (void)snprintf(want, sizeof want, "%s", what);
    return refuse(at, err, want);
}

spotopt_status
spotopt__want_real(const spotopt__at *at, double least, double most, double *out,
                   spotopt_error *err)
{
    const double value = spotopt__json_real(at->value); /* NaN unless a number */

    if (!(value >= least && value <= most && isfinite(value)))
        return refuse_number(at, err, "a number", least, most, DBL_MAX);
    *out = value;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__want_int(const spotopt__at *at, int64_t least, int64_t most, int64_t *out,
                  spotopt_error *err)
{
    const double value = spotopt__json_real(at->value);

    if (fabs(value) < least_inexact && value == trunc(value)) {
        const int64_t whole = (int64_t)value;

        if (whole >= least && whole <= most) {
            *out = whole;
            return SPOTOPT_OK;
        }
    }
    if (fabs(value) >= least_inexact && most >= INT64_C(9007199254740991))
        return refuse(at, err, "a whole number below 2^53");
    return refuse_number(at, err, "a whole number", (double)least, (double)most,
                         least_inexact - 1.0);
}

spotopt_status
spotopt__want_bool(const spotopt__at *at, bool *out, spotopt_error *err)
{
    if (at->value == NULL || spotopt__json_type(at->value) != SPOTOPT__JSON_BOOL)
        return refuse(at, err, "true or false");
    *out = spotopt__json_true(at->value);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__want_text(const spotopt__at *at, const char **out, spotopt_error *err)
{
    const char *text = spotopt__json_text(at->value);

    if (text == NULL)
        return refuse(at, err, "a text");
    *out = text;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__want_array(const spotopt__at *at, spotopt_error *err)
{
    if (at->value == NULL || spotopt__json_type(at->value) != SPOTOPT__JSON_ARRAY)
        return refuse(at, err, "an array");
    return SPOTOPT_OK;
}

spotopt_status
spotopt__want_object(const spotopt__at *at, spotopt_error *err)
{
    if (at->value == NULL || spotopt__json_type(at->value) != SPOTOPT__JSON_OBJECT)
        return refuse(at, err, "an object");
    return SPOTOPT_OK;
}

void
spotopt__warn_unknown(spotopt_context *context, const spotopt__at *at, const char *const *known,
                      bool *warned)
{
    char pointer[PLACE_SIZE], quoted[SPOTOPT__QUOTE_SIZE];
    const char *name, *place;

    if (*warned || !spotopt__logs(context))
        return;
    for (const spotopt__json *item = spotopt__json_first(at->value); item != NULL;
         item = spotopt__json_next(item)) {
        const char *key = spotopt__json_key(item);
        size_t i = 0;

        while (key != NULL && known[i] != NULL && strcmp(known[i], key) != 0)
            i++;
        if (key == NULL || known[i] != NULL)
            continue;
        place = write_place(at, pointer, &name);
        spotopt__log(context, SPOTOPT_LOG_WARNING, "%s: %s%sunknown field %s is ignored",
                     name == NULL ? "document" : name, place, *place == '\0' ? "" : ": ",
                     spotopt__quote(key, quoted));
        *warned = true;
        return;
    }
}

spotopt_status
spotopt__want_kind(const spotopt__at *root, const char *kind, spotopt_error *err)
{
    static const char version[] = "spotopt/v1";
    const spotopt__at api_version = spotopt__at_key(root, "apiVersion"),
                      is = spotopt__at_key(root, "kind");
    const char *text;
    char want[96];
    spotopt_status status = spotopt__want_object(root, err);

    if (status < 0)
        return status;
    if (api_version.value != NULL) {
        text = spotopt__json_text(api_version.value);
        if (text == NULL || strcmp(text, version) != 0)
            return refuse(&api_version, err, "\"spotopt/v1\"");
    }
    text = spotopt__json_text(is.value);
    if (text == NULL || strcmp(text, kind) != 0) {
        (void)snprintf(want, sizeof want, "\"%s\"", kind);
        return refuse(&is, err, want);
    }
    return SPOTOPT_OK;
}
