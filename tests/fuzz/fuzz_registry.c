/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a ledger with models. What is read must write; a change that is granted must be read
 * again when its row is appended, and shows.
 */
#include <stdlib.h>
#include <string.h>

#include "spotopt/spotopt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static void
try_retire(const spotopt_registry *registry, size_t index, const uint8_t *data, size_t size)
{
    spotopt_registry_entry entry = SPOTOPT_REGISTRY_ENTRY_INIT;
    spotopt_registry_change change = SPOTOPT_REGISTRY_CHANGE_INIT;
    spotopt_registry *after = NULL;
    char *row = NULL, *whole;
    size_t length;

    NEED(spotopt_registry_at(registry, index, &entry, NULL) == SPOTOPT_OK);
    NEED(spotopt_registry_find(registry, entry.id) == index);
    change.id = entry.id;
    if (spotopt_registry_retire(registry, &change, &row, &length, NULL) != SPOTOPT_OK) {
        NEED(entry.state == SPOTOPT_MODEL_RETIRED);
        return;
    }
    whole = malloc(size + 1 + length);
    NEED(whole != NULL);
    memcpy(whole, data, size);
    whole[size] = '\n';
    memcpy(whole + size + 1, row, length);
    NEED(spotopt_registry_parse(NULL, whole, size + 1 + length, "r", &after, NULL) == SPOTOPT_OK);
    NEED(spotopt_registry_at(after, index, &entry, NULL) == SPOTOPT_OK);
    NEED(entry.state == SPOTOPT_MODEL_RETIRED);
    free(whole);
    spotopt_text_free(NULL, row);
    spotopt_registry_free(after);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_registry *registry = NULL;
    char *text = NULL;
    size_t length;
    const spotopt_status status =
        spotopt_registry_parse(NULL, (const char *)data, size, "r", &registry, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && registry == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    NEED(spotopt_registry_write(registry, &text, &length, NULL) == SPOTOPT_OK);
    for (size_t i = 0; i < spotopt_registry_count(registry) && i < 4; i++)
        try_retire(registry, i, data, size);
    spotopt_text_free(NULL, text);
    spotopt_registry_free(registry);
    return 0;
}
