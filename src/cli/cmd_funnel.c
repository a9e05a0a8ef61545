/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_funnel.c - merges funnels of plans and rankings.
 */
#include "run.h"

static int
merge_file(const session *s, spotopt_funnel *sum, const char *path)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_funnel *one = NULL;
    input in;
    int status = input_read(&in, path);

    if (status != 0)
        return status;
    if (spotopt_funnel_parse(s->context, in.text, in.length, in.name, &one, &err) != SPOTOPT_OK ||
        spotopt_funnel_merge(sum, one, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    spotopt_funnel_free(one);
    input_free(&in);
    return status;
}

static int
print_sum(const session *s, const spotopt_funnel *sum)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *out = NULL;
    size_t length = 0;
    int status;

    if (s->format == AS_OPENMETRICS) {
        if (spotopt_funnel_write_openmetrics(sum, &out, &length, &err) != SPOTOPT_OK)
            return fail_with(&err);
        status = deliver_text(s->output_file, out, length);
    } else {
        if (spotopt_funnel_write(sum, &out, &length, &err) != SPOTOPT_OK)
            return fail_with(&err);
        status = deliver(s, out, length);
    }
    spotopt_text_free(s->context, out);
    return status;
}

int
cmd_funnel(const args *a)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_funnel *sum = NULL;
    session s;
    int status;

    if (a->operand_count == 0) {
        say("funnel: want a FILE or several; see 'spotopt funnel --help'");
        return EXIT_USAGE;
    }
    status = session_open(&s, a);
    if (status != 0)
        return status;
    if (spotopt_funnel_new(s.context, &sum, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    for (size_t i = 0; status == 0 && i < a->operand_count; i++)
        status = merge_file(&s, sum, a->operands[i]);
    if (status == 0)
        status = print_sum(&s, sum);
    spotopt_funnel_free(sum);
    session_close(&s);
    return status;
}
