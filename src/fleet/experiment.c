/* SPDX-License-Identifier: Apache-2.0 */
/*
 * experiment.c - measurements of an experiment, and what each unit came to.
 *
 * Rows are kept by time. What is compared is units, not rows: rows of one unit depend on each
 * other, units were assigned independently. A unit's outcome stands when its last row has come, so
 * units enter a comparison in that order.
 */
#include <stdlib.h>

#include "fleet/experiment.h"
#include "io/csv.h"

#define TIME_MAX 1e15
#define VALUE_MAX 1e100 /* squares and their sums stay finite */

typedef struct reader {
    spotopt_experiment *to;
    spotopt__csv csv;
    uint32_t unit, time_s, arm, metric, value, pre_value; /* columns */
} reader;

/* The number of a text in a list of names, which it joins when new. */
static spotopt_status
number_of(reader *r, uint32_t column, const char *want, spotopt__map *map, void *names,
          uint32_t *out, spotopt_error *err)
{
    spotopt__vec(const char *) *list = names;
    const char *text = spotopt__csv_text(&r->csv, column);

    if (text[0] == '\0')
        return spotopt__csv_fail(&r->csv, column, want, err);
    *out = spotopt__map_get(map, text);
    if (*out != SPOTOPT__NONE)
        return SPOTOPT_OK;
    text = spotopt__arena_text(&r->to->arena, text, strlen(text));
    if (text == NULL || !spotopt__vec_push(r->to->context, list, text) ||
        !spotopt__map_put(map, text, (uint32_t)list->count - 1, out))
        return spotopt__nomem(err, "an experiment");
    return SPOTOPT_OK;
}

static spotopt_status
read_row(reader *r, spotopt_error *err)
{
    spotopt_experiment *to = r->to;
    spotopt__measurement row;
    uint32_t arm;
    spotopt_status status;

    if ((status = number_of(r, r->arm, "an arm's name", &to->arm_by_name, &to->arms, &arm, err)) !=
            SPOTOPT_OK ||
        (status = number_of(r, r->metric, "a metric's name", &to->metric_by_name, &to->metrics,
                            &row.metric, err)) != SPOTOPT_OK ||
        (status = number_of(r, r->unit, "a unit's name", &to->unit_by_name, &to->units, &row.unit,
                            err)) != SPOTOPT_OK)
        return status;
    if (row.unit == to->arm_of_unit.count) {
        if (!spotopt__vec_push(to->context, &to->arm_of_unit, arm))
            return spotopt__nomem(err, "an experiment");
    } else if (to->arm_of_unit.at[row.unit] != arm) {
        return spotopt__csv_fail(&r->csv, r->arm, "the arm of the unit's earlier rows", err);
    }
    if ((status = spotopt__csv_real(&r->csv, r->time_s, -TIME_MAX, TIME_MAX, "seconds", &row.time_s,
                                    err)) != SPOTOPT_OK ||
        (status = spotopt__csv_real(&r->csv, r->value, -VALUE_MAX, VALUE_MAX, "a number",
                                    &row.value, err)) != SPOTOPT_OK ||
        (status = spotopt__csv_real(&r->csv, r->pre_value, -VALUE_MAX, VALUE_MAX, "a number",
                                    &row.pre, err)) != SPOTOPT_OK)
        return status;
    if (isnan(row.time_s))
        return spotopt__csv_fail(&r->csv, r->time_s, "seconds", err);
    if (isnan(row.value))
        return spotopt__csv_fail(&r->csv, r->value, "a number", err);
    if (!spotopt__vec_push(to->context, &to->rows, row))
        return spotopt__nomem(err, "an experiment");
    return SPOTOPT_OK;
}

/* Stable: a merge from the bottom up, with the array's second half as scratch. */
static bool
sort_by_time(spotopt_experiment *e)
{
    size_t count = e->rows.count;
    spotopt__measurement *from = e->rows.at, *to;

    if (count < 2)
        return true;
    to = spotopt__alloc_array(e->context, count, sizeof *to);
    if (to == NULL)
        return false;
    spotopt__measurement *scratch = to;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = middle + width < count ? middle + width : count;
            size_t a = start, b = middle;

            for (size_t k = start; k < end; k++)
                to[k] = b >= end || (a < middle && from[a].time_s <= from[b].time_s) ? from[a++]
                                                                                     : from[b++];
        }
        spotopt__measurement *swap = from;
        from = to;
        to = swap;
    }
    if (from != e->rows.at)
        memcpy(e->rows.at, from, count * sizeof *from);
    spotopt__free(e->context, scratch);
    return true;
}

spotopt_status
spotopt_experiment_parse(spotopt_context *context, const char *text, size_t length,
                         const char *name, spotopt_experiment **out, spotopt_error *err)
{
    static const char *const known[] = {"unit",  "time_s",    "arm", "metric",
                                        "value", "pre_value", NULL};
    static const struct {
        const char *name;
        size_t at;
    } needed[] = {{"unit", offsetof(reader, unit)},
                  {"time_s", offsetof(reader, time_s)},
                  {"arm", offsetof(reader, arm)},
                  {"metric", offsetof(reader, metric)},
                  {"value", offsetof(reader, value)}};
    reader r = {.to = NULL};
    bool has = false;
    spotopt_status status;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    r.to = spotopt__alloc(context, sizeof *r.to);
    if (r.to == NULL)
        return spotopt__nomem(err, "an experiment");
    r.to->context = spotopt__context_hold(context);
    spotopt__arena_init(&r.to->arena, context);
    spotopt__map_init(&r.to->arm_by_name, context);
    spotopt__map_init(&r.to->metric_by_name, context);
    spotopt__map_init(&r.to->unit_by_name, context);

    status =
        spotopt__csv_open(&r.csv, context, text, length, name != NULL ? name : "experiment", err);
    for (size_t i = 0; status == SPOTOPT_OK && i < sizeof needed / sizeof *needed; i++)
        status = spotopt__csv_need(&r.csv, needed[i].name,
                                   (uint32_t *)(void *)((char *)&r + needed[i].at), err);
    if (status == SPOTOPT_OK) {
        r.pre_value = spotopt__csv_column(&r.csv, "pre_value");
        spotopt__csv_warn_unknown(&r.csv, known);
    }
    while (status == SPOTOPT_OK) {
        status = spotopt__csv_next(&r.csv, &has, err);
        if (status != SPOTOPT_OK || !has)
            break;
        status = read_row(&r, err);
    }
    spotopt__csv_close(&r.csv);
    if (status == SPOTOPT_OK && !sort_by_time(r.to))
        status = spotopt__nomem(err, "an experiment");
    if (status != SPOTOPT_OK) {
        spotopt_experiment_free(r.to);
        return status;
    }
    *out = r.to;
    return SPOTOPT_OK;
}

void
spotopt_experiment_free(spotopt_experiment *e)
{
    if (e == NULL)
        return;
    spotopt_context *context = e->context;
    spotopt__vec_free(context, &e->arms);
    spotopt__vec_free(context, &e->metrics);
    spotopt__vec_free(context, &e->units);
    spotopt__vec_free(context, &e->arm_of_unit);
    spotopt__vec_free(context, &e->rows);
    spotopt__map_free(&e->arm_by_name);
    spotopt__map_free(&e->metric_by_name);
    spotopt__map_free(&e->unit_by_name);
    spotopt__arena_free(&e->arena);
    spotopt__free(context, e);
    spotopt__context_drop(context);
}

size_t
spotopt_experiment_metric_count(const spotopt_experiment *e)
{
    return e->metrics.count;
}

const char *
spotopt_experiment_metric(const spotopt_experiment *e, size_t metric)
{
    return metric < e->metrics.count ? e->metrics.at[metric] : NULL;
}

static spotopt_status
check_range(const char *what, double value, double above, double below, spotopt_error *err)
{
    char real[SPOTOPT__REAL_SIZE];

    if (value > above && value < below)
        return SPOTOPT_OK;
    spotopt__write_real(value, real);
    if (below < INFINITY)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is %s; want a number between 0 and %d",
                             what, real, (int)below);
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is %s; want a number > 0", what, real);
}

static spotopt_status
find(const spotopt__map *map, const char *what, const char *name, uint32_t *out, spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE];

    *out = spotopt__map_get(map, name);
    if (*out != SPOTOPT__NONE)
        return SPOTOPT_OK;
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is %s; the table has no such %s", what,
                         spotopt__quote(name, quoted),
                         strcmp(what, "metric") == 0 || strcmp(what, "exposure") == 0 ? "metric"
                                                                                      : "arm");
}

spotopt_status
spotopt__pair_make(const spotopt_experiment *e, const spotopt_compare_params *params,
                   bool need_metric, spotopt__pair *out, spotopt_error *err)
{
    static const spotopt_compare_params defaults = SPOTOPT_COMPARE_PARAMS_INIT;
    spotopt_status status;

    out->params = defaults;
    if (params != NULL && (status = spotopt__copy_in(&out->params, sizeof out->params, params,
                                                     "params", err)) != SPOTOPT_OK)
        return status;
    const spotopt_compare_params *p = &out->params;
    const char *control = p->control != NULL ? p->control : "control";

    if ((status = check_range("alpha", p->alpha, 0.0, 1.0, err)) != SPOTOPT_OK ||
        (status = check_range("share", p->share, 0.0, 1.0, err)) != SPOTOPT_OK ||
        (status = check_range("effect_frac", p->effect_frac, 0.0, INFINITY, err)) != SPOTOPT_OK ||
        (status = check_range("mixture", p->mixture, 0.0, INFINITY, err)) != SPOTOPT_OK ||
        (status = find(&e->arm_by_name, "control", control, &out->arm[0], err)) != SPOTOPT_OK)
        return status;
    if (p->treatment != NULL) {
        status = find(&e->arm_by_name, "treatment", p->treatment, &out->arm[1], err);
    } else if (e->arms.count == 2) {
        out->arm[1] = 1 - out->arm[0];
    } else {
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                               "treatment is not named and the table has %zu arms; want 2 of them",
                               e->arms.count);
    }
    if (status == SPOTOPT_OK && out->arm[0] == out->arm[1])
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                               "treatment is the control; want two different arms");
    out->metric = out->exposure = SPOTOPT__NONE;
    if (status == SPOTOPT_OK && need_metric && p->metric == NULL)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "metric is NULL; want a metric's name");
    if (status == SPOTOPT_OK && p->metric != NULL)
        status = find(&e->metric_by_name, "metric", p->metric, &out->metric, err);
    if (status == SPOTOPT_OK && p->exposure != NULL)
        status = find(&e->metric_by_name, "exposure", p->exposure, &out->exposure, err);
    return status;
}

static int
by_completion(const void *a, const void *b)
{
    const spotopt__outcome *x = a, *y = b;

    if (x->last_s != y->last_s)
        return x->last_s < y->last_s ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

spotopt_status
spotopt__outcomes(const spotopt_experiment *e, const spotopt__pair *pair, uint32_t metric,
                  spotopt__outcome **out, size_t *out_count, spotopt_error *err)
{
    spotopt__outcome *all = spotopt__alloc_array(e->context, e->units.count + 1, sizeof *all);
    size_t count = 0;

    if (all == NULL)
        return spotopt__nomem(err, "an experiment's units");
    for (size_t i = 0; i < e->rows.count; i++) {
        const spotopt__measurement *row = &e->rows.at[i];
        uint32_t arm = e->arm_of_unit.at[row->unit];
        spotopt__outcome *unit = &all[row->unit];

        if (row->metric != metric || (arm != pair->arm[0] && arm != pair->arm[1]))
            continue;
        unit->unit = row->unit;
        unit->is_treatment = arm == pair->arm[1];
        unit->count++;
        unit->sum += row->value;
        unit->pre_sum += row->pre; /* NaN sticks */
        unit->last_s = row->time_s;
    }
    for (size_t i = 0; i < e->units.count; i++) {
        if (all[i].count > 0)
            all[count++] = all[i];
    }
    qsort(all, count, sizeof *all, by_completion);
    *out = all;
    *out_count = count;
    return SPOTOPT_OK;
}
