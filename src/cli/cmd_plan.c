/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_plan.c - makes a plan, or checks one.
 */
#include <string.h>

#include "load.h"

static int
check(const session *s, const spotopt_plan_params *params, const char *path)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *report = NULL;
    size_t faults = 0;
    input plan;
    text out = {0};
    int status = input_read(&plan, path);

    if (status != 0)
        return status;
    if (spotopt_plan_check(s->context, params, plan.text, plan.length, plan.name, &faults, &report,
                           &err) != SPOTOPT_OK) {
        status = fail_with(&err);
    } else {
        text_add(&out, "");
        if (faults == 0)
            text_add(&out, "the plan holds\n");
        else
            text_add(&out, report != NULL ? report : "");
        if (out.length > 0 && out.at[out.length - 1] != '\n')
            text_add(&out, "\n");
        status = deliver_text(s->output_file, out.at, out.length);
        if (status == 0 && faults > 0) {
            note("%zu faults", faults);
            status = EXIT_NO;
        }
    }
    spotopt_text_free(s->context, report);
    text_free(&out);
    input_free(&plan);
    return status;
}

static int
make(const session *s, const spotopt_plan_params *params)
{
    spotopt_plan_summary summary = SPOTOPT_PLAN_SUMMARY_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_plan *plan = NULL;
    char *json = NULL;
    size_t length = 0;
    int status;

    if (spotopt_plan_make(s->context, params, s->options, &plan, &err) != SPOTOPT_OK)
        return fail_with(&err);
    if (spotopt_plan_summarize(plan, &summary, &err) != SPOTOPT_OK ||
        spotopt_plan_write(plan, &json, &length, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
    } else {
        progress_end();
        status = deliver(s, json, length);
        if (was_interrupted())
            note("interrupted: this is the best plan found so far");
        if (status == 0 && summary.pods_unplaced > 0) {
            note("%u pods find no place", (unsigned)summary.pods_unplaced);
            status = EXIT_NO;
        }
    }
    spotopt_text_free(s->context, json);
    spotopt_plan_free(plan);
    return status;
}

int
cmd_plan(const args *a)
{
    spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;
    loaded in;
    session s;
    int status;

    if (!is_given(a, "cluster") ||
        !is_given(a, "catalog"))
        return EXIT_USAGE;
    status = session_open(&s, a);
    if (status != 0)
        return status;
    status = load_inputs(&in, &s, a);
    if (status == 0) {
        params.cluster = in.cluster;
        params.catalog = in.catalog;
        params.policy = in.policy;
        params.history = in.history;
        params.metrics = in.metrics;
        params.model = in.model;
        params.now_s = s.now_s;
        status = arg(a, "check") != NULL ? check(&s, &params, arg(a, "check")) : make(&s, &params);
        loaded_free(&in);
    }
    session_close(&s);
    return status;
}
