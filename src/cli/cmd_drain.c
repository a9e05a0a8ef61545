/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_drain.c - the order in which nodes are left; a rehearsal of it.
 */
#include <math.h>
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

/* The exit status of a rehearsal. */
static int
rehearse(const session *s, const spotopt_drain_params *params, uint64_t seed)
{
    spotopt_simulation_params chaos = SPOTOPT_SIMULATION_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_simulation *made = NULL;
    char *json = NULL;
    size_t length = 0;
    int status;

    chaos.seed = seed;
    if (spotopt_drain_simulate(s->context, params, &chaos, s->options, &made, &err) != SPOTOPT_OK ||
        spotopt_simulation_write(made, &json, &length, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
    } else {
        progress_end();
        status = deliver(s, json, length);
        if (status == 0 && !spotopt_simulation_is_drained(made))
            status = EXIT_NO;
    }
    spotopt_text_free(s->context, json);
    spotopt_simulation_free(made);
    return status;
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

/* Whether the flags make sense; numbers are read. */
static bool
read_flags(const args *a, spotopt_drain_params *params, uint64_t *out_seed)
{
    const char *notice = arg(a, "notice"), *seed = arg(a, "simulate");
    double number = 0.0;

    if (!is_given(a, "cluster") || (arg(a, "plan") == NULL && !is_given(a, "nodes")))
        return false;
    if (notice != NULL && (!read_number(notice, &params->notice_s) || params->notice_s < 0.0)) {
        say("--notice is \"%s\"; want seconds >= 0", notice);
        return false;
    }
    if (seed != NULL && (!read_number(seed, &number) || !(number >= 0.0 && number <= 9e15) ||
                         number != floor(number))) {
        say("--simulate is \"%s\"; want a seed, a whole number from 0 to 9e15", seed);
        return false;
    }
    *out_seed = (uint64_t)number;
    return true;
}

int
cmd_drain(const args *a)
{
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    const char *nodes = arg(a, "nodes"), *plan = arg(a, "plan");
    const char **names = NULL;
    char *list = NULL;
    uint64_t seed = 0;
    input target = {0};
    loaded in;
    session s;
    int status;

    if (!read_flags(a, &params, &seed))
        return EXIT_USAGE;
    status = session_open(&s, a);
    if (status != 0)
        return status;
    if (nodes != NULL) {
        list = need(NULL, strlen(nodes) + 1);
        strcpy(list, nodes);
        names = split(list, &params.node_count);
        if (params.node_count == 0) {
            say("--nodes names no node");
            status = EXIT_USAGE;
        }
    }
    if (status == 0 && plan != NULL)
        status = input_read(&target, plan);
    if (status == 0)
        status = load_inputs(&in, &s, a);
    if (status == 0) {
        params.cluster = in.cluster;
        params.catalog = in.catalog;
        params.policy = in.policy;
        params.nodes = names;
        params.plan_text = target.text;
        params.plan_length = target.length;
        params.now_s = s.now_s;
        status = arg(a, "simulate") != NULL ? rehearse(&s, &params, seed) : drain(&s, &params);
        loaded_free(&in);
    }
    input_free(&target);
    free(names);
    free(list);
    session_close(&s);
    return status;
}
