/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_drain.c - the order in which nodes are left.
 */
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* "a,b,c" in place; names point into it. */
static const char **
split(char *list, size_t *out_count)
{
    size_t count = 1;
    const char **names;

    for (const char *c = list; *c != '\0'; c++)
        count += *c == ',';
    names = need_array(count, sizeof *names);
    *out_count = 0;
    for (char *name = list; name != NULL;) {
        char *comma = strchr(name, ',');

        if (comma != NULL)
            *comma++ = '\0';
        if (*name != '\0')
            names[(*out_count)++] = name;
        name = comma;
    }
    return names;
}

static int
drain(const session *s, const spotopt_drain_params *params)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_drain *plan = NULL;
    char *json = NULL;
    size_t length = 0;
    int status;

    if (spotopt_drain_plan(s->context, params, s->options, &plan, &err) != SPOTOPT_OK ||
        spotopt_drain_write(plan, &json, &length, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
    } else {
        const size_t blocked = spotopt_drain_blocked_count(plan),
                     lost = spotopt_drain_lost_count(plan);

        progress_end();
        status = deliver(s, json, length);
        if (status == 0 && blocked + lost > 0) {
            note("%zu pods are blocked, %zu are lost", blocked, lost);
            status = EXIT_NO;
        }
    }
    spotopt_text_free(s->context, json);
    spotopt_drain_free(plan);
    return status;
}

int
cmd_drain(const args *a)
{
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    const char *notice = arg(a, "notice");
    const char **names;
    char *list;
    loaded in;
    session s;
    int status;

    if (is_too_early(a, "plan") || !is_given(a, "cluster") || !is_given(a, "nodes"))
        return EXIT_USAGE;
    if (notice != NULL && (!read_number(notice, &params.notice_s) || params.notice_s < 0.0)) {
        say("--notice is \"%s\"; want seconds >= 0", notice);
        return EXIT_USAGE;
    }
    status = session_open(&s, a);
    if (status != 0)
        return status;
    list = need(NULL, strlen(arg(a, "nodes")) + 1);
    strcpy(list, arg(a, "nodes"));
    names = split(list, &params.node_count);
    if (params.node_count == 0) {
        say("--nodes names no node");
        status = EXIT_USAGE;
    } else {
        status = load_inputs(&in, &s, a);
    }
    if (status == 0) {
        params.cluster = in.cluster;
        params.catalog = in.catalog;
        params.policy = in.policy;
        params.nodes = names;
        status = drain(&s, &params);
        loaded_free(&in);
    }
    free(names);
    free(list);
    session_close(&s);
    return status;
}
