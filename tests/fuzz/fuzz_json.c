/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON. What passes the check must parse or be refused for a repeated key, walk and
 * tree must count the same members, and a refusal must come as one line. The walk must also end on
 * text that is no JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
count_by_walk(spotopt__json_span span, int depth)
{
    spotopt__json_span key, value;
    spotopt__json_walk walk;
    size_t count = 1;

    if (depth > SPOTOPT__JSON_DEPTH || !spotopt__json_walk_into(span, &walk))
        return count;
    while (spotopt__json_walk_next(&walk, &key, &value))
        count += count_by_walk(value, depth + 1);
    return count;
}

static size_t
count_by_tree(const spotopt__json *json)
{
    size_t count = 1;

    for (const spotopt__json *item = spotopt__json_first(json); item != NULL;
         item = spotopt__json_next(item))
        count += count_by_tree(item);
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const spotopt__json_span span = {text, size};
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__json *json = NULL;
    const spotopt_status checked = spotopt__json_check(text, size, "f", NULL);
    const spotopt_status parsed = spotopt__json_parse(text, size, "f", &json, &err);
    const size_t walked = count_by_walk(span, 0);

    if (checked < 0 && parsed != checked)
        abort();
    if (checked == SPOTOPT_OK && parsed < 0 && strstr(err.message, "stands twice") == NULL)
        abort();
    if (parsed < 0 && (err.message[0] == '\0' || strpbrk(err.message, "\n\r") != NULL))
        abort();
    if (parsed == SPOTOPT_OK && walked != count_by_tree(json))
        abort();
    spotopt__json_free(json);
    return 0;
}
