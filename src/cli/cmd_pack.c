/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_pack.c - solves a PackingProblem document, anew or from an earlier PackingResult.
 */
#include <math.h>

#include "run.h"

static int
solve(const session *s, const input *in, const input *from)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL, *previous = NULL;
    char *json = NULL;
    size_t length = 0;
    int status;

    if (spotopt_problem_parse(s->context, in->text, in->length, in->name, &problem, &err) !=
            SPOTOPT_OK ||
        (from->text != NULL && spotopt_packing_parse(problem, from->text, from->length, from->name,
                                                     &previous, &err) != SPOTOPT_OK) ||
        spotopt_problem_solve_from(problem, s->options, previous, &packing, &err) != SPOTOPT_OK ||
        spotopt_packing_write_json(packing, &json, &length, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
    } else {
        progress_end();
        status = deliver(s, json, length);
        if (was_interrupted())
            note("interrupted: this is the best packing found so far");
        if (status == 0 && isnan(spotopt_packing_cost(packing))) {
            note("not everything could be placed");
            status = EXIT_NO;
        }
    }
    spotopt_text_free(s->context, json);
    spotopt_packing_free(packing);
    spotopt_packing_free(previous);
    spotopt_problem_free(problem);
    return status;
}

int
cmd_pack(const args *a)
{
    session s;
    input in = {0}, from = {0};
    int status;

    if (a->operand_count != 1) {
        say("pack: want one PROBLEM; see 'spotopt pack --help'");
        return EXIT_USAGE;
    }
    status = session_open(&s, a);
    if (status != 0)
        return status;
    status = input_read(&in, a->operands[0]);
    if (status == 0 && arg(a, "from") != NULL)
        status = input_read(&from, arg(a, "from"));
    if (status == 0)
        status = solve(&s, &in, &from);
    input_free(&from);
    input_free(&in);
    session_close(&s);
    return status;
}
