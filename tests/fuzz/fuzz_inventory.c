/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an Inventory. Both clean-ups of what is read must write, and flag all they found;
 * a dry run acts on nothing.
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_inventory *inventory = NULL;
    const spotopt_status status =
        spotopt_inventory_parse(NULL, (const char *)data, size, "i", &inventory, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && inventory == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    for (int32_t part = SPOTOPT_CLEANUP_GOVERNANCE; part <= SPOTOPT_CLEANUP_STORAGE; part++) {
        spotopt_cleanup_params params = SPOTOPT_CLEANUP_PARAMS_INIT;
        spotopt_cleanup_result result = SPOTOPT_CLEANUP_RESULT_INIT;
        spotopt_cleanup *cleanup = NULL;
        char *text = NULL;
        size_t length;

        params.part = part;
        params.now_ms = 1793610000000;
        NEED(spotopt_cleanup_find(inventory, NULL, &params, &cleanup, NULL) == SPOTOPT_OK);
        NEED(spotopt_cleanup_write(cleanup, &text, &length, NULL) == SPOTOPT_OK);
        spotopt_text_free(NULL, text);
        NEED(spotopt_cleanup_step(cleanup, SPOTOPT_CLEANUP_FLAGGED, NULL, 0, "f", NULL, 1, &text,
                                  &length, NULL) == SPOTOPT_OK);
        spotopt_text_free(NULL, text);
        NEED(spotopt_cleanup_apply(cleanup, NULL, 0, "f", 1, &result, NULL) == SPOTOPT_OK);
        NEED(result.total == 0 && result.applied == 0);
        for (size_t i = 0; i < spotopt_cleanup_count(cleanup); i++) {
            spotopt_cleanup_item item = SPOTOPT_CLEANUP_ITEM_INIT;

            NEED(spotopt_cleanup_at(cleanup, i, &item, NULL) == SPOTOPT_OK);
            NEED(item.state == SPOTOPT_CLEANUP_FLAGGED && item.evidence_count > 0);
        }
        spotopt_cleanup_free(cleanup);
    }
    spotopt_inventory_free(inventory);
    return 0;
}
