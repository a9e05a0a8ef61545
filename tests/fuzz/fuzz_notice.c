/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an event of EventBridge. What is taken makes a row that a ledger takes.
 */
#include <stdlib.h>
#include <string.h>

#include "spotopt/aws.h"
#include "spotopt/ledger.h"

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
    spotopt_ledger *ledger = NULL;
    char *row = NULL;
    const spotopt_status status =
        spotopt_aws_event_row(NULL, (const char *)data, size, "f", &row, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && row == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    if (row != NULL)
        NEED(spotopt_ledger_parse(NULL, row, strlen(row), "f", &ledger, NULL) == SPOTOPT_OK);
    spotopt_ledger_free(ledger);
    spotopt_text_free(NULL, row);
    return 0;
}
