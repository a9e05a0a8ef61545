/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_rank.c - orders the pools of a catalog for a request.
 */
#include <math.h>

#include "load.h"

static bool
read_count(const args *a, const char *name, double least, uint32_t *out)
{
    const char *value = arg(a, name);
    double number;

    if (value == NULL)
        return true;
    if (!read_number(value, &number) || number < least || number > 4e9 || number != floor(number)) {
        say("--%s is \"%s\"; want a whole number >= %.0f", name, value, least);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static int
rank(const session *s, const spotopt_rank_params *params)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_ranking *ranking = NULL;
    char *json = NULL;
    size_t length = 0;
    int status;

    if (spotopt_rank(s->context, params, s->options, &ranking, &err) != SPOTOPT_OK ||
        spotopt_ranking_write(ranking, &json, &length, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
    } else {
        progress_end();
        status = deliver(s, json, length);
        if (status == 0 && spotopt_ranking_count(ranking) == 0) {
            note("no pool is left");
            status = EXIT_NO;
        }
    }
    spotopt_text_free(s->context, json);
    spotopt_ranking_free(ranking);
    return status;
}

/* What runs already: --current and what belongs to it. */
static bool
read_current(const args *a, spotopt_rank_params *out)
{
    static const char *const others[] = {"since", "moves", "noticed"};

    out->current = arg(a, "current");
    for (size_t i = 0; i < 3 && out->current == NULL; i++) {
        if (arg(a, others[i]) != NULL) {
            say("--%s: --current is needed with it", others[i]);
            return false;
        }
    }
    if (arg(a, "since") != NULL && !read_time(arg(a, "since"), &out->current_since_s)) {
        say("--since is \"%s\"; want a time such as 2026-01-01T00:00:00Z, or seconds",
            arg(a, "since"));
        return false;
    }
    out->is_noticed = arg(a, "noticed") != NULL;
    return read_count(a, "moves", 0.0, &out->recent_moves);
}

int
cmd_rank(const args *a)
{
    spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
    loaded in;
    session s;
    int status;

    if (!is_given(a, "catalog") || !is_given(a, "request") ||
        !read_count(a, "count", 1.0, &params.count) || !read_count(a, "top", 0.0, &params.top) ||
        !read_current(a, &params))
        return EXIT_USAGE;
    status = session_open(&s, a);
    if (status != 0)
        return status;
    status = load_inputs(&in, &s, a);
    if (status == 0) {
        params.catalog = in.catalog;
        params.history = in.history;
        params.metrics = in.metrics;
        params.policy = in.policy;
        params.model = in.model;
        params.request = arg(a, "request");
        params.now_s = s.now_s;
        status = rank(&s, &params);
        loaded_free(&in);
    }
    session_close(&s);
    return status;
}
