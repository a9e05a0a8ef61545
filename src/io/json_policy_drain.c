/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_policy_drain.c - the part of a Policy document that says how nodes are drained.
 *
 * Budgets of nodes have the fields of Karpenter's NodePool: nodes as a number or a percentage, and
 * a schedule only together with a duration, "8h", "30m" or "1h30m".
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "io/json_policy.h"
#include "io/maybe.h"
#include "model/cron.h"

#define LIST_MAX 10000

static const char *
keep(spotopt_policy *policy, const char *text)
{
    return spotopt__arena_text(&policy->arena, text, strlen(text));
}

static spotopt_status
read_start(spotopt_policy *policy, const spotopt__at *item, spotopt__unknown *unknown,
           spotopt_error *err)
{
    static const char *const known[] = {"workload", "seconds", NULL};
    spotopt__at workload = spotopt__at_key(item, "workload"),
                seconds = spotopt__at_key(item, "seconds");
    spotopt__start_time row = {NULL, 0.0};
    spotopt_status status;

    spotopt__policy_unknown(policy, item, known, unknown);
    status = spotopt__want_name(&workload, &row.workload, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_real(&seconds, 0.0, 86400.0, &row.seconds, err);
    if (status != SPOTOPT_OK)
        return status;
    row.workload = keep(policy, row.workload);
    if (row.workload == NULL || !spotopt__vec_push(policy->context, &policy->start_times, row))
        return spotopt__nomem(err, "a policy");
    return SPOTOPT_OK;
}

/* "8h", "90m", "1h30m", "45s". False: it is no such thing, or longer than a year. */
static bool
read_duration(const char *text, double *out_s)
{
    double total = 0.0;

    while (isdigit((unsigned char)*text)) {
        double number = 0.0;
        for (; isdigit((unsigned char)*text); text++) {
            number = 10.0 * number + (*text - '0');
            if (number > 1e9)
                return false;
        }
        total += number * (*text == 'h' ? 3600.0 : *text == 'm' ? 60.0 : *text == 's' ? 1.0 : NAN);
        if (*text == '\0')
            return false;
        text++;
    }
    *out_s = total;
    return *text == '\0' && total > 0.0 && total <= 366.0 * 86400.0;
}

/* A count, "5" or "10%". */
static spotopt_status
read_nodes(const spotopt__at *at, spotopt__node_budget *row, spotopt_error *err)
{
    const char *text;
    int64_t number = 0;
    spotopt_status status;

    if (at->value == NULL || spotopt__json_type(at->value) != SPOTOPT__JSON_TEXT) {
        status = spotopt__want_int(at, 0, 1000000, &number, err);
        row->nodes = (double)number;
        return status;
    }
    status = spotopt__want_text(at, &text, err);
    if (status != SPOTOPT_OK)
        return status;
    for (const char *c = text; isdigit((unsigned char)*c) && number <= 1000000; c++) {
        number = 10 * number + (*c - '0');
        row->is_percent = c[1] == '%';
        if (c[1] == '\0' || (row->is_percent && c[2] == '\0' && number <= 100)) {
            row->nodes = (double)number;
            return SPOTOPT_OK;
        }
    }
    return spotopt__fail_at(at, err, "is \"%.20s\"; want a number of nodes, or 0%% .. 100%%", text);
}

static spotopt_status
read_budget(spotopt_policy *policy, const spotopt__at *item, spotopt__unknown *unknown,
            spotopt_error *err)
{
    static const char *const known[] = {"label", "value", "nodes", "schedule", "duration", NULL};
    spotopt__at nodes = spotopt__at_key(item, "nodes"), when = spotopt__at_key(item, "schedule"),
                how_long = spotopt__at_key(item, "duration");
    spotopt__node_budget row = {"karpenter.sh/nodepool", "*", 0.0, false, NULL, 0.0};
    const char *duration = NULL;
    spotopt__cron cron;
    spotopt_status status;

    spotopt__policy_unknown(policy, item, known, unknown);
    status = spotopt__maybe_text(item, "label", &row.label, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "value", &row.value, err);
    if (status == SPOTOPT_OK)
        status = read_nodes(&nodes, &row, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "schedule", &row.schedule, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "duration", &duration, err);
    if (status != SPOTOPT_OK)
        return status;
    if ((row.schedule == NULL) != (duration == NULL))
        return spotopt__fail_at(item, err, "want schedule and duration together, or neither");
    if (row.schedule != NULL && !spotopt__cron_parse(row.schedule, &cron))
        return spotopt__fail_at(&when, err,
                                "is \"%.40s\"; want five cron fields, or @daily and the like",
                                row.schedule);
    if (duration != NULL && !read_duration(duration, &row.duration_s))
        return spotopt__fail_at(&how_long, err,
                                "is \"%.40s\"; want a duration such as 8h or 1h30m, up to a year",
                                duration);
    row.label = keep(policy, row.label);
    row.value = keep(policy, row.value);
    row.schedule = row.schedule == NULL ? NULL : keep(policy, row.schedule);
    if (row.label == NULL || row.value == NULL || (duration != NULL && row.schedule == NULL) ||
        !spotopt__vec_push(policy->context, &policy->node_budgets, row))
        return spotopt__nomem(err, "a policy");
    return SPOTOPT_OK;
}

static spotopt_status
read_list(spotopt_policy *policy, const spotopt__at *parent, const char *key, size_t *count,
          spotopt_status (*read)(spotopt_policy *, const spotopt__at *, spotopt__unknown *,
                                 spotopt_error *),
          spotopt__unknown *unknown, spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(parent, key);
    spotopt_status status = SPOTOPT_OK;

    if (list.value == NULL)
        return SPOTOPT_OK;
    if (spotopt__at_is_set(&list))
        status = spotopt__want_array(&list, err);
    if (status == SPOTOPT_OK)
        *count = 0;
    for (spotopt__at it = spotopt__at_first(&list); status == SPOTOPT_OK && it.value != NULL;
         spotopt__at_step(&it)) {
        if (it.index == LIST_MAX)
            return spotopt__fail_at(&list, err, "want at most %d items", LIST_MAX);
        status = spotopt__want_object(&it, err);
        if (status == SPOTOPT_OK)
            status = read(policy, &it, unknown, err);
    }
    return status;
}

spotopt_status
spotopt__policy_read_drain(spotopt_policy *p, const spotopt__at *at, spotopt__unknown *unknown,
                           spotopt_error *err)
{
    static const char *const known[] = {"start_times", "detach_s", "max_evictions_per_hour",
                                        "node_budgets", NULL};
    spotopt_status status;

    spotopt__policy_unknown(p, at, known, unknown);
    status = read_list(p, at, "start_times", &p->start_times.count, read_start, unknown, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "detach_s", 0.0, 86400.0, &p->detach_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_limit(at, "max_evictions_per_hour", 1.0, 1e6,
                                      &p->max_evictions_per_h, err);
    if (status == SPOTOPT_OK)
        status =
            read_list(p, at, "node_budgets", &p->node_budgets.count, read_budget, unknown, err);
    return status;
}

void
spotopt__policy_write_drain(const spotopt_policy *p, spotopt__jw *jw)
{
    char text[40];

    spotopt__jw_key(jw, "drain");
    spotopt__jw_object(jw);
    spotopt__jw_key(jw, "start_times");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < p->start_times.count; i++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "workload", p->start_times.at[i].workload);
        spotopt__jw_put_real(jw, "seconds", p->start_times.at[i].seconds);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_put_real(jw, "detach_s", p->detach_s);
    spotopt__jw_put_real(jw, "max_evictions_per_hour", p->max_evictions_per_h);
    spotopt__jw_key(jw, "node_budgets");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < p->node_budgets.count; i++) {
        const spotopt__node_budget *row = &p->node_budgets.at[i];
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "label", row->label);
        spotopt__jw_put_text(jw, "value", row->value);
        snprintf(text, sizeof text, "%.0f%s", row->nodes, row->is_percent ? "%" : "");
        spotopt__jw_put_text(jw, "nodes", text);
        spotopt__jw_put_text(jw, "schedule", row->schedule);
        snprintf(text, sizeof text, "%.0fs", row->duration_s);
        spotopt__jw_put_text(jw, "duration", row->schedule == NULL ? NULL : text);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}
