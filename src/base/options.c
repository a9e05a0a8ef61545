/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - the one table of options, and the budget that they give to a long call.
 *
 * Setters, range checks, command line, bindings, man page and docs all follow option_table[]; a new
 * option is one row. The budget asks the clock at every call while calls are slow and at every 16th
 * while they are quick, anew with each stage, so that a deadline of milliseconds is kept and a loop
 * of nanoseconds is not slowed.
 */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/options.h"

typedef struct option_def {
    const char *key;
    int32_t type;
    double default_value, min, max;
    const char *unit, *since, *help;
} option_def;

static const option_def option_table[] = {
    {"gap_rel", SPOTOPT_OPT_REAL, 0.01, 0.0, 1.0, "", "0.1",
     "stop as soon as cost is proven this close to the bound, as a fraction of cost"},
    {"deadline_s", SPOTOPT_OPT_REAL, 10.0, 0.0, 1e7, "s", "0.1",
     "wall clock that one call may take; it then returns its best answer"},
    {"work", SPOTOPT_OPT_INT, 0.0, 0.0, 9007199254740991.0, "", "0.1",
     "units of work that one call may take, the same on every machine; 0 for no limit"},
    {"seed", SPOTOPT_OPT_INT, 1.0, 0.0, 9007199254740991.0, "", "0.1",
     "starts the random numbers; equal input, options and seed give equal answers"},
    {"threads", SPOTOPT_OPT_INT, 1.0, 1.0, 256.0, "", "0.1",
     "threads that one call may use; the answer does not depend on it"},
    {"timings", SPOTOPT_OPT_INT, 0.0, 0.0, 1.0, "", "0.1",
     "1: documents tell wall-clock seconds, which no two runs share; 0: null in their place"},
    {"explain", SPOTOPT_OPT_INT, 0.0, 0.0, 1.0, "", "0.1",
     "1: every filter is tried on every pool, and the funnel counts all that speak against it, not the first alone; "
     "and every listed pool's risk is explained down to the model's features, not that of the best and chosen ones"},
};
_Static_assert(sizeof option_table / sizeof *option_table == SPOTOPT__OPT_COUNT, "a row for each");

/* Levenshtein's distance, for suggestions; words beyond 31 bytes are far from everything. */
static size_t
edit_distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    size_t row[32];

    if (n > 31 || m > 31)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            const size_t shifted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replaced < shifted ? replaced : shifted;
        }
    }
    return row[m];
}

static spotopt_status
find_option(const char *key, size_t *out, spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE];
    size_t nearest = 0, least = SIZE_MAX;

    if (key == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "key is NULL; want an option's name");
    for (size_t i = 0; i < SPOTOPT__OPT_COUNT; i++) {
        const size_t distance = edit_distance(key, option_table[i].key);

        if (strcmp(key, option_table[i].key) == 0) {
            *out = i;
            return SPOTOPT_OK;
        }
        if (distance < least) {
            least = distance;
            nearest = i;
        }
    }
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "there is no option %s; the nearest is \"%s\"",
                         spotopt__quote(key, quoted), option_table[nearest].key);
}

static spotopt_status
set_value(spotopt_options *options, size_t which, double value, spotopt_error *err)
{
    const option_def *def = &option_table[which];
    char is[SPOTOPT__REAL_SIZE], least[SPOTOPT__REAL_SIZE], most[SPOTOPT__REAL_SIZE];
    const bool whole = def->type != SPOTOPT_OPT_INT || value == trunc(value);

    if (value >= def->min && value <= def->max && whole) { /* false for NaN as well */
        options->value[which] = value + 0.0;               /* no -0 */
        options->is_set[which] = true;
        return SPOTOPT_OK;
    }
    spotopt__write_real(value, is);
    spotopt__write_real(def->min, least);
    spotopt__write_real(def->max, most);
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "option %s is %s; want a %s from %s to %s%s%s",
                         def->key, is, def->type == SPOTOPT_OPT_INT ? "whole number" : "number",
                         least, most, def->unit[0] == '\0' ? "" : " ", def->unit);
}

spotopt_status
spotopt_options_new(spotopt_context *context, spotopt_options **out, spotopt_error *err)
{
    spotopt_options *made;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want a place for the options");
    made = spotopt__alloc(context, sizeof *made);
    if (made == NULL)
        return spotopt__nomem(err, "options");
    made->context = spotopt__context_hold(context);
    for (size_t i = 0; i < SPOTOPT__OPT_COUNT; i++)
        made->value[i] = option_table[i].default_value;
    *out = made;
    return SPOTOPT_OK;
}

void
spotopt_options_free(spotopt_options *options)
{
    spotopt_context *context;

    if (options == NULL)
        return;
    context = options->context;
    spotopt__free(context, options);
    spotopt__context_drop(context);
}

spotopt_status
spotopt_options_set_real(spotopt_options *options, const char *key, double value,
                         spotopt_error *err)
{
    size_t which;
    spotopt_status status = find_option(key, &which, err);

    return status < 0 ? status : set_value(options, which, value, err);
}

spotopt_status
spotopt_options_set_int(spotopt_options *options, const char *key, int64_t value,
                        spotopt_error *err)
{
    /* Beyond 2^53 a double would round; every range ends below, so a number that is surely too
     * large will do. */
    const int64_t most = INT64_C(1) << 53;

    return spotopt_options_set_real(options, key,
                                    (double)(value > most    ? most
                                             : value < -most ? -most
                                                             : value),
                                    err);
}

spotopt_status
spotopt_options_set_text(spotopt_options *options, const char *key, const char *value,
                         spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE];
    double number;
    size_t which;
    spotopt_status status = find_option(key, &which, err);

    if (status < 0)
        return status;
    if (value == NULL || !spotopt__parse_real(value, strlen(value), &number))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "option %s is %s; want a number",
                             option_table[which].key,
                             value == NULL ? "NULL" : spotopt__quote(value, quoted));
    return set_value(options, which, number, err);
}

spotopt_status
spotopt_options_get_real(const spotopt_options *options, const char *key, double *out,
                         spotopt_error *err)
{
    size_t which;
    spotopt_status status = find_option(key, &which, err);

    if (status == SPOTOPT_OK)
        *out = spotopt__option(options, (int)which);
    return status;
}

void
spotopt_options_set_progress(spotopt_options *options, spotopt_progress_fn progress, void *user)
{
    options->progress = progress;
    options->progress_user = user;
}

size_t
spotopt_option_count(void)
{
    return SPOTOPT__OPT_COUNT;
}

spotopt_status
spotopt_option_at(size_t index, spotopt_option_info *out, spotopt_error *err)
{
    spotopt_option_info info = SPOTOPT_OPTION_INFO_INIT;
    const option_def *def;

    if (index >= SPOTOPT__OPT_COUNT)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "index is %zu; want less than %d", index,
                             (int)SPOTOPT__OPT_COUNT);
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_OPTION_INFO_INIT");
    def = &option_table[index];
    info.size = out->size;
    info.key = def->key;
    info.unit = def->unit;
    info.since = def->since;
    info.help = def->help;
    info.default_value = def->default_value;
    info.min_value = def->min;
    info.max_value = def->max;
    info.type = def->type;
    memcpy(out, &info, out->size < sizeof info ? out->size : sizeof info);
    return SPOTOPT_OK;
}

double
spotopt__option(const spotopt_options *options, int which)
{
    return options == NULL ? option_table[which].default_value : options->value[which];
}

void
spotopt__budget_start(spotopt__budget *budget, const spotopt_context *context,
                      const spotopt_options *options)
{
    memset(budget, 0, sizeof *budget);
    budget->context = context;
    budget->options = options;
    budget->cost = (double)INFINITY;
    budget->start_s = budget->last_call_s = budget->last_ask_s = spotopt__clock(context);
    budget->deadline_s = budget->start_s + spotopt__option(options, SPOTOPT__OPT_DEADLINE_S);
    budget->work_limit = (uint64_t)spotopt__option(options, SPOTOPT__OPT_WORK);
}

/* Asks the clock, and the callback when it has not been asked for a while. */
static void
look_around(spotopt__budget *budget, const char *stage, double cost, double bound)
{
    enum { LONGEST_STRIDE = 15 };
    const double slow_s = 1e-3, quick_s = 1e-4, between_calls_s = 0.05;
    const double now = spotopt__clock(budget->context), spacing = now - budget->last_ask_s;

    if (spacing > slow_s || stage != budget->stage)
        budget->stride = 0;
    else if (spacing < quick_s && budget->stride < LONGEST_STRIDE)
        budget->stride = 2 * budget->stride + 1;
    budget->skip = budget->stride;
    budget->stage = stage;
    budget->last_ask_s = now;

    if (now >= budget->deadline_s)
        budget->cut_short = true;
    if (budget->options != NULL && budget->options->progress != NULL &&
        now - budget->last_call_s >= between_calls_s) {
        const spotopt_progress progress = {sizeof progress,
                                           stage,
                                           -1.0,
                                           isfinite(cost) ? cost : budget->cost,
                                           bound > 0.0 ? bound : budget->bound,
                                           now - budget->start_s};

        budget->last_call_s = now;
        if (budget->options->progress(budget->options->progress_user, &progress) != 0)
            budget->cancelled = true;
    }
}

bool
spotopt__budget_over(spotopt__budget *budget, const char *stage, double cost, double bound)
{
    if (budget->cancelled || budget->cut_short)
        return true;
    if (budget->work_limit > 0 && budget->work > budget->work_limit)
        return true;
    if (budget->skip > 0 && stage == budget->stage) {
        budget->skip--;
        return false;
    }
    look_around(budget, stage, cost, bound);
    return budget->cancelled || budget->cut_short;
}

double
spotopt__budget_left_s(const spotopt__budget *budget)
{
    const double left = budget->deadline_s - spotopt__clock(budget->context);

    return budget->cancelled || budget->cut_short || !(left > 0.0) ? 0.0 : left;
}
