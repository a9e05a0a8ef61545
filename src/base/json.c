/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - JSON values over cJSON, and a walk over text that needs no tree.
 *
 * Only cJSON_ParseWithLengthOpts() and cJSON_Delete() are called: a host that defines a cJSON_Parse
 * of its own would capture that one, and the indexed getters are quadratic in a loop. cJSON reads
 * numbers with strtod() in the thread's locale, so the thread is in the C locale meanwhile.
 * Repeated keys are refused after parsing, when escapes are resolved: pairwise in small objects, by
 * a map in larger ones.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/hash.h"
#include "base/json.h"

enum { FEW_KEYS = 8 };

static const cJSON *
of(const spotopt__json *json)
{
    return (const cJSON *)(const void *)json;
}

static const spotopt__json *
as_json(const cJSON *item)
{
    return (const spotopt__json *)(const void *)item;
}

/* Of a byte order mark in front. */
static size_t
mark_length(spotopt__json_span span)
{
    return span.length >= 3 && memcmp(span.text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static spotopt_status
refuse_repeated(const spotopt__at *at, const char *key, spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE];

    return spotopt__fail_at(at, err, "key %s stands twice; want each key once",
                            spotopt__quote(key, quoted));
}

/* The keys of one object. */
static spotopt_status
check_own_keys(const spotopt__at *at, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;
    spotopt__map seen;
    size_t count = 0;

    for (const cJSON *item = of(at->value)->child; item != NULL && count <= FEW_KEYS;
         item = item->next) {
        for (const cJSON *other = of(at->value)->child; other != item; other = other->next) {
            if (strcmp(other->string, item->string) == 0)
                return refuse_repeated(at, item->string, err);
        }
        count++;
    }
    if (count <= FEW_KEYS)
        return SPOTOPT_OK;

    spotopt__map_init(&seen, NULL);
    for (const cJSON *item = of(at->value)->child; item != NULL && status == SPOTOPT_OK;
         item = item->next) {
        const size_t before = seen.count;

        if (!spotopt__map_put(&seen, item->string, 0, NULL))
            status = spotopt__nomem(err, "the keys of an object");
        else if (seen.count == before)
            status = refuse_repeated(at, item->string, err);
    }
    spotopt__map_free(&seen);
    return status;
}

/* Recursion ends at SPOTOPT__JSON_DEPTH, which the scan has seen to. */
static spotopt_status
check_keys(const spotopt__at *at, spotopt_error *err)
{
    const int type = spotopt__json_type(at->value);
    spotopt_status status = SPOTOPT_OK;

    if (type == SPOTOPT__JSON_OBJECT)
        status = check_own_keys(at, err);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL && status == SPOTOPT_OK;
         spotopt__at_step(&it)) {
        if (of(it.value)->child != NULL)
            status = check_keys(&it, err);
    }
    return status;
}

spotopt_status
spotopt__json_parse_span(spotopt__json_span span, const char *name, spotopt__json **out,
                         spotopt_error *err)
{
    const size_t skip = mark_length(span); /* cJSON's own skipping misses it before short texts */
    spotopt__locale was = spotopt__enter_c_locale();
    cJSON *made = cJSON_ParseWithLengthOpts(span.text + skip, span.length - skip, NULL, 0);
    spotopt_status status;
    spotopt__at root;

    spotopt__leave_c_locale(was);
    if (made == NULL) /* the text is good, so it was memory */
        return spotopt__fail(err, SPOTOPT_E_NOMEM, "no memory for the values of %s", name);
    root = spotopt__at_root(as_json(made), name);
    status = check_keys(&root, err);
    if (status < 0) {
        cJSON_Delete(made);
        return status;
    }
    *out = (spotopt__json *)(void *)made;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__json_parse(const char *text, size_t length, const char *name, spotopt__json **out,
                    spotopt_error *err)
{
    const spotopt_status status = spotopt__json_check(text, length, name, err);

    if (status < 0)
        return status;
    return spotopt__json_parse_span((spotopt__json_span){text, length}, name, out, err);
}

void
spotopt__json_free(spotopt__json *json)
{
    cJSON_Delete((cJSON *)(void *)json);
}

int
spotopt__json_type(const spotopt__json *json)
{
    switch (of(json)->type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        return SPOTOPT__JSON_BOOL;
    case cJSON_Number:
        return SPOTOPT__JSON_NUMBER;
    case cJSON_String:
        return SPOTOPT__JSON_TEXT;
    case cJSON_Array:
        return SPOTOPT__JSON_ARRAY;
    case cJSON_Object:
        return SPOTOPT__JSON_OBJECT;
    default:
        return SPOTOPT__JSON_NULL;
    }
}

const spotopt__json *
spotopt__json_first(const spotopt__json *json)
{
    return json == NULL ? NULL : as_json(of(json)->child);
}

const spotopt__json *
spotopt__json_next(const spotopt__json *json)
{
    return json == NULL ? NULL : as_json(of(json)->next);
}

const spotopt__json *
spotopt__json_get(const spotopt__json *json, const char *key)
{
    if (json == NULL || spotopt__json_type(json) != SPOTOPT__JSON_OBJECT)
        return NULL;
    for (const cJSON *item = of(json)->child; item != NULL; item = item->next) {
        if (strcmp(item->string, key) == 0)
            return as_json(item);
    }
    return NULL;
}

const char *
spotopt__json_key(const spotopt__json *json)
{
    return json == NULL ? NULL : of(json)->string;
}

const char *
spotopt__json_text(const spotopt__json *json)
{
    return json != NULL && spotopt__json_type(json) == SPOTOPT__JSON_TEXT ? of(json)->valuestring
                                                                          : NULL;
}

double
spotopt__json_real(const spotopt__json *json)
{
    return json != NULL && spotopt__json_type(json) == SPOTOPT__JSON_NUMBER ? of(json)->valuedouble
                                                                            : NAN;
}

bool
spotopt__json_true(const spotopt__json *json)
{
    return json != NULL && (of(json)->type & 0xff) == cJSON_True;
}

size_t
spotopt__json_count(const spotopt__json *json)
{
    size_t count = 0;

    for (const spotopt__json *item = spotopt__json_first(json); item != NULL;
         item = spotopt__json_next(item))
        count++;
    return count;
}

static const char *
skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

/* Behind the closing quote of the string that starts at `at`. */
static const char *
skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\' && end - at > 1)
            at++;
    }
    return end;
}

static const char *
skip_value(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0)
                return at;
            depth--;
            at++;
        } else if (depth == 0) {
            while (at < end && strchr(",:]}[{\" \n\t\r", *at) == NULL)
                at++;
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0)
            return at;
    }
    return at;
}

bool
spotopt__json_walk_into(spotopt__json_span value, spotopt__json_walk *walk)
{
    const char *at = value.text + mark_length(value), *end = value.text + value.length;

    at = skip_blanks(at, end);
    if (at == end || (*at != '{' && *at != '['))
        return false;
    *walk = (spotopt__json_walk){at + 1, end, *at == '{'};
    return true;
}

bool
spotopt__json_walk_next(spotopt__json_walk *walk, spotopt__json_span *key,
                        spotopt__json_span *value)
{
    const char *at = skip_blanks(walk->at, walk->end), *end = walk->end, *start;

    if (at < end && *at == ',')
        at = skip_blanks(at + 1, end);
    *key = (spotopt__json_span){at, 0};
    if (at == end || *at == ']' || *at == '}')
        return false;
    if (walk->is_object) {
        start = at;
        if (*at != '"')
            return false;
        at = skip_string(at, end);
        if (at - start < 2)
            return false;
        *key = (spotopt__json_span){start + 1, (size_t)(at - start) - 2};
        at = skip_blanks(at, end);
        if (at == end || *at != ':')
            return false;
        at = skip_blanks(at + 1, end);
    }
    start = at;
    at = skip_value(at, end);
    if (at == start) /* nothing there: not text that passed the check */
        return false;
    *value = (spotopt__json_span){start, (size_t)(at - start)};
    walk->at = at;
    return true;
}
