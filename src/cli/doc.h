/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_DOC_H
#define SPOTOPT_CLI_DOC_H
#include <cjson/cJSON.h>

#include "cli.h"

/*
 * Reading of documents for show. Fields that are missing, null or of another type read as NaN, ""
 * or an empty list: a picture leaves out what is not there. "a.b" reads a field of a field.
 */
const cJSON *doc_at(const cJSON *object, const char *path);
double doc_number(const cJSON *object, const char *path);
const char *doc_text(const cJSON *object, const char *path);
const cJSON *doc_list(const cJSON *object,
                      const char *path); /* first item, or NULL; go on by ->next */
const cJSON *doc_fields(const cJSON *object,
                        const char *path); /* first field of an object, or NULL */
size_t doc_count(const cJSON *object, const char *path);
double doc_value(const cJSON *number); /* of an item itself */

/* A document from text, or NULL with a message said; nested no deeper than the parser's stack
 * allows. */
cJSON *doc_parse(const char *text, size_t length, const char *name);

#endif
