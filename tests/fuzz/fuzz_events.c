/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an Events file. What is read must give every document and finite sums; adding the
 * same bytes to what was read must either work or leave the ledger as it was.
 */
#include <math.h>
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
count_event(void *user, const spotopt_event *event)
{
    NEED(event->id != NULL && event->state != NULL && event->target != NULL);
    ++*(size_t *)user;
}

static void
write_all(const spotopt_ledger *ledger)
{
    spotopt_fleet_params params = SPOTOPT_FLEET_PARAMS_INIT;

    params.points = 7;
    for (int32_t part = SPOTOPT_FLEET_METRICS; part <= SPOTOPT_FLEET_OVERRIDES; part++) {
        char *text = NULL;
        size_t length;

        NEED(spotopt_fleet_write(ledger, part, &params, &text, &length, NULL) == SPOTOPT_OK);
        NEED(length > 2 && text[length - 1] == '\n');
        spotopt_text_free(NULL, text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_savings savings = SPOTOPT_SAVINGS_INIT;
    spotopt_policy *policy = NULL;
    spotopt_ledger *ledger = NULL;
    size_t told = 0, rows;
    const spotopt_status status =
        spotopt_ledger_parse(NULL, (const char *)data, size, "e", &ledger, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && ledger == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    write_all(ledger);
    NEED(spotopt_fleet_savings(ledger, NULL, &savings, NULL) == SPOTOPT_OK);
    NEED(isfinite(savings.billed_usd) && savings.billed_usd >= 0.0);
    NEED(savings.paid_usd <= savings.billed_usd * (1.0 + 1e-9) + 1e-9);
    NEED(spotopt_policy_with_overrides(
             NULL, ledger, "c", "t",
             spotopt_ledger_last_ms(ledger) < 0 ? 0 : spotopt_ledger_last_ms(ledger), 2.0, &policy,
             NULL) == SPOTOPT_OK);
    spotopt_policy_free(policy);
    rows = spotopt_ledger_count(ledger);
    spotopt_ledger_subscribe(ledger, count_event, &told);
    if (spotopt_ledger_append(ledger, (const char *)data, size, NULL) == SPOTOPT_OK) {
        NEED(spotopt_ledger_count(ledger) == 2 * rows && told <= rows);
    } else {
        NEED(spotopt_ledger_count(ledger) == rows && told == 0);
    }
    write_all(ledger);
    spotopt_ledger_free(ledger);
    return 0;
}
