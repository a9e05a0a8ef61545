/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a PackingProblem. What is read must be solvable within a small budget, and what
 * comes out must be a document again; a refusal must come as one line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "spotopt/pack.h"

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
    spotopt_options *options = NULL;
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL;
    char *text = NULL;
    size_t length = 0;
    spotopt_status status =
        spotopt_problem_parse(NULL, (const char *)data, size, "input", &problem, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && err.message[0] != '\0');
        NEED(strchr(err.message, '\n') == NULL && problem == NULL);
        return 0;
    }
    NEED(spotopt_options_new(NULL, &options, NULL) == SPOTOPT_OK);
    NEED(spotopt_options_set_real(options, "deadline_s", 0.2, NULL) == SPOTOPT_OK);
    status = spotopt_problem_solve(problem, options, &packing, &err);
    NEED(status == SPOTOPT_OK);
    NEED(spotopt_packing_write_json(packing, &text, &length, &err) == SPOTOPT_OK);
    NEED(spotopt__json_check(text, length, "result", &err) == SPOTOPT_OK);
    for (size_t i = 0; i < spotopt_packing_row_count(packing); i++) {
        spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;
        NEED(spotopt_packing_row_at(packing, i, &row, NULL) == SPOTOPT_OK);
        NEED(row.pool < spotopt_problem_pool_count(problem) && row.count > 0);
    }
    spotopt_text_free(NULL, text);
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
    spotopt_options_free(options);
    return 0;
}
