/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a Plan document of the small fleet. The checker says yes, counts faults a line each,
 * or names what is wrong with the document; the same twice.
 */
#include <string.h>

#include "small.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static small_inputs in;

static void
read_inputs(void)
{
    small_texts texts = small_read_all();

    NEED(small_parse(NULL, &texts, &in, NULL) == SPOTOPT_OK);
    small_texts_free(&texts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_plan_params params;
    char *report = NULL, *again = NULL;
    size_t faults = 0, faults_again = 0, lines = 0;
    spotopt_status status;

    if (in.cluster == NULL)
        read_inputs();
    params = small_params(&in);
    status =
        spotopt_plan_check(NULL, &params, (const char *)data, size, "f", &faults, &report, &err);
    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT || status == SPOTOPT_E_MISMATCH);
        NEED(report == NULL && err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    for (const char *at = report; *at != '\0'; at++)
        lines += *at == '\n';
    NEED((faults == 0) == (lines == 0) && lines <= 101);
    NEED(spotopt_plan_check(NULL, &params, (const char *)data, size, "f", &faults_again, &again,
                            NULL) == SPOTOPT_OK);
    NEED(faults == faults_again && strcmp(report, again) == 0);
    spotopt_text_free(NULL, report);
    spotopt_text_free(NULL, again);
    return 0;
}
