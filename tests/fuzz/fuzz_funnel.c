/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a document with a funnel. What is read must write, read back and write the same
 * again; merged into an empty funnel it is what it was.
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
    spotopt_funnel *funnel = NULL, *again = NULL, *sum = NULL;
    char *text = NULL, *second = NULL, *third = NULL, *metrics = NULL;
    size_t length, second_length, third_length;
    const spotopt_status status =
        spotopt_funnel_parse(NULL, (const char *)data, size, "f", &funnel, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && funnel == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    NEED(spotopt_funnel_write(funnel, &text, &length, NULL) == SPOTOPT_OK);
    NEED(spotopt_funnel_parse(NULL, text, length, "again", &again, NULL) == SPOTOPT_OK);
    NEED(spotopt_funnel_write(again, &second, &second_length, NULL) == SPOTOPT_OK);
    NEED(length == second_length && memcmp(text, second, length) == 0);
    NEED(spotopt_funnel_write_openmetrics(funnel, &metrics, &length, NULL) == SPOTOPT_OK);
    NEED(strstr(metrics, "# EOF") != NULL);
    NEED(spotopt_funnel_new(NULL, &sum, NULL) == SPOTOPT_OK);
    NEED(spotopt_funnel_merge(sum, funnel, NULL) == SPOTOPT_OK);
    NEED(spotopt_funnel_write(sum, &third, &third_length, NULL) == SPOTOPT_OK);
    NEED(third_length == second_length && memcmp(third, second, third_length) == 0);
    if (spotopt_funnel_merge(sum, funnel, &err) != SPOTOPT_OK)
        NEED(err.message[0] != '\0'); /* counts beyond what a number holds */
    spotopt_text_free(NULL, text);
    spotopt_text_free(NULL, second);
    spotopt_text_free(NULL, third);
    spotopt_text_free(NULL, metrics);
    spotopt_funnel_free(funnel);
    spotopt_funnel_free(again);
    spotopt_funnel_free(sum);
    return 0;
}
