/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_JSON_H
#define SPOTOPT_BASE_JSON_H
#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Strict reading of JSON over cJSON. Before cJSON sees a byte, one scan refuses what it would let
 * pass: invalid UTF-8, \u0000, leading zeros, trailing text, nesting beyond 64, repeated keys.
 * Numbers are judged where they are read: whole ones must be below 2^53, none may be infinite.
 */
typedef struct spotopt__json spotopt__json; /* one value; cJSON underneath, known to json.c alone */

enum {
    SPOTOPT__JSON_NULL,
    SPOTOPT__JSON_BOOL,
    SPOTOPT__JSON_NUMBER,
    SPOTOPT__JSON_TEXT,
    SPOTOPT__JSON_ARRAY,
    SPOTOPT__JSON_OBJECT
};
#define SPOTOPT__JSON_DEPTH 64

/* Only the scan. name is the document's, for messages: "name:line:column: ...". */
spotopt_status spotopt__json_check(const char *text, size_t length, const char *name, spotopt_error *err);
/* Scan and parse. Give back with spotopt__json_free(). */
spotopt_status spotopt__json_parse(const char *text, size_t length, const char *name, spotopt__json **out,
                                   spotopt_error *err);
void spotopt__json_free(spotopt__json *json);

int spotopt__json_type(const spotopt__json *json);
const spotopt__json *spotopt__json_first(const spotopt__json *json); /* child, or NULL */
const spotopt__json *spotopt__json_next(const spotopt__json *json);  /* sibling, or NULL */
const spotopt__json *spotopt__json_get(const spotopt__json *json, const char *key); /* NULL: absent or no object */
const char *spotopt__json_key(const spotopt__json *json);
const char *spotopt__json_text(const spotopt__json *json); /* NULL unless text */
double spotopt__json_real(const spotopt__json *json);      /* NaN unless a number */
bool spotopt__json_true(const spotopt__json *json);
size_t spotopt__json_count(const spotopt__json *json); /* walks the children */

/*
 * Walks text that passed the check without building a tree, for lists too large for one. A span is
 * [text, text+length). Start with the whole document.
 */
typedef struct spotopt__json_span {
    const char *text;
    size_t length;
} spotopt__json_span;
typedef struct spotopt__json_walk {
    const char *at, *end;
    bool is_object;
} spotopt__json_walk;
bool spotopt__json_walk_into(spotopt__json_span value, spotopt__json_walk *walk); /* false: no container */
/* Next member; key is the raw text between the quotes (empty in arrays). False at the end. */
bool spotopt__json_walk_next(spotopt__json_walk *walk, spotopt__json_span *key, spotopt__json_span *value);
/* Parse one span (already checked). */
spotopt_status spotopt__json_parse_span(spotopt__json_span span, const char *name, spotopt__json **out,
                                        spotopt_error *err);

/*
 * A value and where it stands, chained on the C stack, so that a message can name the place:
 * "problem.json: /demands/3/request/1: want a number >= 0".
 */
typedef struct spotopt__at {
    const spotopt__json *value; /* NULL: absent */
    const struct spotopt__at *parent;
    const char *key; /* a member's; else NULL and index counts */
    size_t index;
    const char *name; /* the document's, at the root */
} spotopt__at;

spotopt__at spotopt__at_root(const spotopt__json *json, const char *name);
spotopt__at spotopt__at_key(const spotopt__at *parent, const char *key);
/* for (spotopt__at it = spotopt__at_first(&list); it.value; spotopt__at_step(&it)) */
spotopt__at spotopt__at_first(const spotopt__at *parent);
void spotopt__at_step(spotopt__at *item);
bool spotopt__at_is_set(const spotopt__at *at); /* present and not null */
/* SPOTOPT_E_INPUT with the place in front. */
spotopt_status spotopt__fail_at(const spotopt__at *at, spotopt_error *err, const char *format, ...)
    SPOTOPT_PRINTF(3, 4);
/* Each fails when the value is absent or of another type or out of [least, most]; out as it was then. */
spotopt_status spotopt__want_real(const spotopt__at *at, double least, double most, double *out,
                                  spotopt_error *err);
spotopt_status spotopt__want_int(const spotopt__at *at, int64_t least, int64_t most, int64_t *out,
                                 spotopt_error *err);
spotopt_status spotopt__want_bool(const spotopt__at *at, bool *out, spotopt_error *err);
spotopt_status spotopt__want_text(const spotopt__at *at, const char **out, spotopt_error *err);
spotopt_status spotopt__want_array(const spotopt__at *at, spotopt_error *err);
spotopt_status spotopt__want_object(const spotopt__at *at, spotopt_error *err);
/* Names any member not in the NULL-ended list through the log, once a document (warned). */
void spotopt__warn_unknown(spotopt_context *context, const spotopt__at *at, const char *const *known,
                           bool *warned);
/* Checks apiVersion (where present) and kind of a document. */
spotopt_status spotopt__want_kind(const spotopt__at *root, const char *kind, spotopt_error *err);

#endif
