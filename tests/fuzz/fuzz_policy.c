/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a policy. What is read must write, read back and write the same again; its weights
 * add up to 1.
 */
#include <stdlib.h>
#include <string.h>

#include "model/policy.h"

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
    spotopt_policy *policy = NULL, *again = NULL;
    char *text = NULL, *second = NULL;
    size_t length, second_length;
    double sum = 0.0;
    const spotopt_status status =
        spotopt_policy_parse(NULL, (const char *)data, size, "f", &policy, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && policy == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        sum += policy->weights[f];
    NEED(fabs(sum - 1.0) < 1e-9);
    NEED(spotopt_policy_write(policy, &text, &length, NULL) == SPOTOPT_OK);
    NEED(spotopt_policy_parse(NULL, text, length, "again", &again, NULL) == SPOTOPT_OK);
    NEED(spotopt_policy_write(again, &second, &second_length, NULL) == SPOTOPT_OK);
    NEED(length == second_length && memcmp(text, second, length) == 0);
    spotopt_text_free(NULL, text);
    spotopt_text_free(NULL, second);
    spotopt_policy_free(policy);
    spotopt_policy_free(again);
    return 0;
}
