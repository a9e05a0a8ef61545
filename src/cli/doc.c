/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doc.c - fields of JSON documents, read so that a wrong or missing one is harmless.
 */
#include <math.h>
#include <string.h>

#include "doc.h"

const cJSON *
doc_at(const cJSON *object, const char *path)
{
    char key[64];

    while (object != NULL) {
        const char *dot = strchr(path, '.');
        const size_t n = dot != NULL ? (size_t)(dot - path) : strlen(path);

        if (n >= sizeof key || !cJSON_IsObject(object))
            return NULL;
        memcpy(key, path, n);
        key[n] = '\0';
        object = cJSON_GetObjectItemCaseSensitive(object, key);
        if (dot == NULL)
            return object;
        path = dot + 1;
    }
    return NULL;
}

double
doc_value(const cJSON *number)
{
    return cJSON_IsNumber(number) && isfinite(number->valuedouble) ? number->valuedouble : NAN;
}

double
doc_number(const cJSON *object, const char *path)
{
    return doc_value(doc_at(object, path));
}

const char *
doc_text(const cJSON *object, const char *path)
{
    const cJSON *item = doc_at(object, path);

    return cJSON_IsString(item) && item->valuestring != NULL ? item->valuestring : "";
}

const cJSON *
doc_list(const cJSON *object, const char *path)
{
    const cJSON *item = doc_at(object, path);

    return cJSON_IsArray(item) ? item->child : NULL;
}

const cJSON *
doc_fields(const cJSON *object, const char *path)
{
    const cJSON *item = doc_at(object, path);

    return cJSON_IsObject(item) ? item->child : NULL;
}

size_t
doc_count(const cJSON *object, const char *path)
{
    size_t n = 0;

    for (const cJSON *item = doc_list(object, path); item != NULL; item = item->next)
        n++;
    return n;
}

/* Brackets open at once, strings passed over: cJSON recurses, and 1,000 levels are more than a
 * small stack holds. */
static size_t
depth_of(const char *text, size_t length)
{
    size_t depth = 0, most = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') {
            for (i++; i < length && text[i] != '"'; i++)
                i += text[i] == '\\';
        } else if (text[i] == '[' || text[i] == '{') {
            if (++depth > most)
                most = depth;
        } else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
            depth--;
        }
    }
    return most;
}

cJSON *
doc_parse(const char *text, size_t length, const char *name)
{
    cJSON *doc;

    if (depth_of(text, length) > 64) {
        say("%s: nested deeper than 64 levels", name);
        return NULL;
    }
    doc = cJSON_ParseWithLengthOpts(text, length, NULL, 0);
    if (doc == NULL || !cJSON_IsObject(doc)) {
        say("%s: want a JSON object", name);
        cJSON_Delete(doc);
        return NULL;
    }
    return doc;
}
