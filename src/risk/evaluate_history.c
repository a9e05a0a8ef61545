/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluate_history.c - judging on a history: moments, what came next, and what was said.
 *
 * Moments and labels are those of decisions.c; a label counts where its horizon ends before the
 * window does (purged, so that nothing past the window is looked at) and within the observation.
 * The reference of the skill is the share of drops among the fit window's moments, by the same
 * rule. All forecasts are made at the same moments, so that two models are compared on equal terms.
 */
#include "risk/evaluate.h"
#include "risk/forecast.h"
#include <math.h>

#define HOUR_S 3600.0
#define LATE_S 1e-6 /* a drop right at the horizon's end is within it, whatever the rounding */
#define TIME_MAX 1e12
#define STEPS_MAX 1e8
#define MODELS_MAX 16

typedef struct judging {
    spotopt_evaluation_params in;
    spotopt_evaluation *made;
    spotopt__decisions at;
    double horizon_h[SPOTOPT__HORIZONS_MAX];
} judging;

static spotopt_status
check_params(judging *j, spotopt_error *err)
{
    static const double usual_h[] = {1.0, 4.0, 24.0};
    spotopt_evaluation_params *in = &j->in;

    if (in->history == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "history is NULL; want it set");
    if (in->model_count > MODELS_MAX || (in->model_count > 0 && in->models == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%u models; want at most %d, and models set",
                             (unsigned)in->model_count, MODELS_MAX);
    for (uint32_t i = 0; i < in->model_count; i++) {
        if (in->models[i] == NULL)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "models[%u] is NULL; want it set",
                                 (unsigned)i);
    }
    if (in->model_count == 0)
        in->has_baselines = 1;
    if (!(fabs(in->from_s) <= TIME_MAX) || !(fabs(in->to_s) <= TIME_MAX) ||
        !(in->from_s < in->to_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "the window is off; want from_s < to_s");
    if (!(in->step_s >= 1.0 && in->step_s <= 86400.0 * 366.0) ||
        (in->to_s - in->from_s) / in->step_s > STEPS_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "step_s is off; want 1 or more, and at most 1e8 steps in the window");
    if (in->draws < 1 || in->draws > 100000)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "draws is %u; want 1 to 100000",
                             (unsigned)in->draws);
    if (in->horizon_count > SPOTOPT__HORIZONS_MAX ||
        (in->horizon_count > 0 && in->horizons_h == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%u horizons; want at most %d, and set",
                             (unsigned)in->horizon_count, SPOTOPT__HORIZONS_MAX);
    if (in->horizon_count == 0) {
        in->horizons_h = usual_h;
        if (in->reference == NULL)
            in->horizon_count = 3;
    }
    if (in->horizon_count == 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "reference without horizons; want both, one for each");
    for (uint32_t h = 0; h < in->horizon_count; h++) {
        j->horizon_h[h] = in->horizons_h[h];
        if (!(j->horizon_h[h] > (h > 0 ? j->horizon_h[h - 1] : 0.0) && j->horizon_h[h] <= 8784.0))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "horizons_h[%u] is off; want ascending hours, > 0, at most a year",
                                 (unsigned)h);
        if (in->reference != NULL && !(in->reference[h] >= 0.0 && in->reference[h] <= 1.0))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "reference[%u] is off; want a share 0..1",
                                 (unsigned)h);
    }
    if (in->pool != NULL &&
        spotopt__map_get(&in->history->series_by_pool, in->pool) == SPOTOPT__NONE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "pool \"%.200s\" is not in the history",
                             in->pool);
    return SPOTOPT_OK;
}

/* Where the caller does not say: the first model's fit window, else all that was seen before. */
static void
find_fit_window(judging *j)
{
    spotopt_evaluation_params *in = &j->in;
    double first = INFINITY;

    for (size_t i = 0; i < in->history->series.count; i++) {
        const spotopt__series *series = &in->history->series.at[i];

        if (series->count > 0)
            first = fmin(first, in->history->time_s[series->first]);
    }
    if (isnan(in->fit_from_s))
        in->fit_from_s = in->model_count > 0 ? in->models[0]->from_s : fmin(first, in->from_s);
    if (isnan(in->fit_to_s))
        in->fit_to_s = in->model_count > 0 ? in->models[0]->to_s : in->from_s;
    j->made->fit_from_s = in->fit_from_s;
    j->made->fit_to_s = in->fit_to_s;
}

static int
label_of(const spotopt__decisions *at, size_t i, double horizon_h, double to_s)
{
    double ahead_s = horizon_h * HOUR_S;

    if (!(at->time_s[i] + ahead_s < to_s) || !(ahead_s <= at->ahead_s[i]))
        return SPOTOPT__UNLABELLED;
    return at->next_drop_s[i] <= ahead_s + LATE_S;
}

static bool
find_reference(judging *j)
{
    const spotopt_evaluation_params *in = &j->in;
    spotopt__decisions at = {0};

    if (in->reference != NULL) {
        memcpy(j->made->reference, in->reference, in->horizon_count * sizeof(double));
        return true;
    }
    for (uint32_t h = 0; h < in->horizon_count; h++)
        j->made->reference[h] = NAN;
    if (!(in->fit_from_s < in->fit_to_s) || fabs(in->fit_from_s) > TIME_MAX ||
        fabs(in->fit_to_s) > TIME_MAX || (in->fit_to_s - in->fit_from_s) / in->step_s > STEPS_MAX)
        return true;
    if (!spotopt__decisions_make(j->made->context, in->history, in->fit_from_s, in->fit_to_s,
                                 in->step_s, &at))
        return false;
    for (uint32_t h = 0; h < in->horizon_count; h++) {
        double yes = 0.0, all = 0.0;

        for (size_t i = 0; i < at.count; i++) {
            int label = label_of(&at, i, j->horizon_h[h], in->fit_to_s);

            yes += label == 1;
            all += label != SPOTOPT__UNLABELLED;
        }
        if (all > 0.0)
            j->made->reference[h] = yes / all;
    }
    spotopt__decisions_free(j->made->context, &at);
    return true;
}

static bool
name_pools(judging *j)
{
    const spotopt_history *history = j->in.history;
    spotopt_evaluation *made = j->made;

    made->pool_count = (uint32_t)history->series.count;
    made->pools =
        spotopt__arena_alloc(&made->arena, (size_t)made->pool_count + 1, sizeof *made->pools);
    if (made->pools == NULL)
        return false;
    for (uint32_t i = 0; i < made->pool_count; i++) {
        const spotopt__series *series = &history->series.at[i];
        size_t family = spotopt__family_length(series->instance_type);
        spotopt__judged_pool *pool = &made->pools[i];

        pool->name = spotopt__arena_text(&made->arena, series->pool, strlen(series->pool));
        pool->region = spotopt__arena_text(&made->arena, series->region, strlen(series->region));
        pool->family = spotopt__arena_text(&made->arena, series->instance_type, family);
        if (pool->name == NULL || pool->region == NULL || pool->family == NULL)
            return false;
    }
    return true;
}

/* Hours since the pool's last drop at each moment. */
static void
find_since(judging *j)
{
    const spotopt_history *history = j->in.history;

    for (size_t i = 0; i < j->at.count;) {
        uint32_t of = j->at.series[i];
        const spotopt__series *series = &history->series.at[of];
        const double *time_s = history->time_s + series->first,
                     *up = history->nodes_up + series->first;
        double last_s = NAN;
        size_t row = 0;

        for (; i < j->at.count && j->at.series[i] == of; i++) {
            for (; row < series->count && time_s[row] <= j->at.time_s[i]; row++) {
                if (row > 0 && up[row] < up[row - 1])
                    last_s = time_s[row];
            }
            j->made->since_h[i] = (j->at.time_s[i] - last_s) / HOUR_S;
        }
    }
}

static bool
find_timeline(judging *j)
{
    const spotopt_history *history = j->in.history;
    spotopt__timeline *line = &j->made->timeline;
    uint32_t named =
        j->in.pool != NULL ? spotopt__map_get(&history->series_by_pool, j->in.pool) : SPOTOPT__NONE;

    for (size_t i = 0; i < j->at.count;) {
        const spotopt__series *series = &history->series.at[j->at.series[i]];
        size_t first = i, drops = 0;

        for (; i < j->at.count && j->at.series[i] == j->at.series[first]; i++)
            ;
        for (size_t row = series->first + 1; row < series->first + series->count; row++)
            drops += history->nodes_up[row] < history->nodes_up[row - 1] &&
                     history->time_s[row] >= j->in.from_s && history->time_s[row] < j->in.to_s;
        if (named != SPOTOPT__NONE ? j->at.series[first] == named
                                   : line->pool == SPOTOPT__NONE || drops > line->drops)
            *line = (spotopt__timeline){j->at.series[first], first, i - first, NULL, drops};
    }
    if (line->pool == SPOTOPT__NONE)
        return true;
    const spotopt__series *series = &history->series.at[line->pool];
    size_t at = 0;
    line->drop_s = spotopt__arena_alloc(&j->made->arena, line->drops + 1, sizeof(double));
    for (size_t row = series->first + 1;
         line->drop_s != NULL && row < series->first + series->count; row++) {
        if (history->nodes_up[row] < history->nodes_up[row - 1] &&
            history->time_s[row] >= j->in.from_s && history->time_s[row] < j->in.to_s)
            line->drop_s[at++] = history->time_s[row];
    }
    return line->drop_s != NULL;
}

static bool
lay_columns(judging *j)
{
    spotopt_evaluation *made = j->made;
    spotopt__arena *arena = &made->arena;
    size_t count = made->count = j->at.count;

    made->horizon_count = j->in.horizon_count;
    memcpy(made->horizon_h, j->horizon_h, sizeof made->horizon_h);
    made->time_s = spotopt__arena_dup(arena, j->at.time_s, count + 1, sizeof *made->time_s);
    made->pool = spotopt__arena_dup(arena, j->at.series, count + 1, sizeof *made->pool);
    made->since_h = spotopt__arena_alloc(arena, count + 1, sizeof *made->since_h);
    if (made->time_s == NULL || made->pool == NULL || made->since_h == NULL)
        return false;
    for (uint32_t h = 0; h < made->horizon_count; h++) {
        made->label[h] = spotopt__arena_alloc(arena, count + 1, 1);
        if (made->label[h] == NULL)
            return false;
        for (size_t i = 0; i < count; i++)
            made->label[h][i] = (uint8_t)label_of(&j->at, i, j->horizon_h[h], j->in.to_s);
    }
    find_since(j);
    return name_pools(j) && find_timeline(j);
}

static bool
add_forecast(judging *j, const char *name, double held_from_s)
{
    spotopt_evaluation *made = j->made;
    uint32_t at = made->forecast_count;

    made->name[at] = spotopt__arena_text(&made->arena, name, strlen(name));
    made->p[at] =
        spotopt__arena_alloc(&made->arena, made->count * made->horizon_count + 1, sizeof(double));
    made->held_from_s[at] = held_from_s;
    made->forecast_count += made->name[at] != NULL && made->p[at] != NULL;
    return at < made->forecast_count;
}

/* p_drop of a model at all moments, horizon after horizon. */
static bool
say_model(judging *j, const spotopt_model *model, double *out)
{
    spotopt_context *context = j->made->context;
    size_t count = j->at.count;
    double *x = spotopt__alloc_array(context, count + 1, spotopt__feature_count * sizeof *x);
    double *evidence = spotopt__alloc_array(context, 2 * count + 1, sizeof *evidence);
    bool is_fine = x != NULL && evidence != NULL &&
                   spotopt__features_at(context, j->in.history, j->in.catalog, j->at.series,
                                        j->at.time_s, count, model->evidence_tau_h, x, evidence);

    if (is_fine) {
        const spotopt__rows rows = {count, count, x, evidence, evidence + count};

        is_fine =
            spotopt__forecast(model, &rows, j->horizon_h, j->in.horizon_count, out, NULL, NULL);
    }
    spotopt__free(context, x);
    spotopt__free(context, evidence);
    return is_fine;
}

static spotopt_status
say_all(judging *j, spotopt_error *err)
{
    spotopt_evaluation *made = j->made;
    const spotopt_evaluation_params *in = &j->in;

    for (uint32_t i = 0; i < in->model_count; i++) {
        const spotopt_model *model = in->models[i];

        if (!add_forecast(j, model->id, fmax(model->to_s, model->calibrate_to_s)) ||
            !say_model(j, model, made->p[made->forecast_count - 1]))
            return spotopt__nomem(err, "an evaluation");
    }
    made->model_count = made->forecast_count;
    for (int which = 0; in->has_baselines && which < SPOTOPT__BASE_COUNT; which++) {
        if (!add_forecast(j, spotopt__base_names[which], in->fit_to_s) ||
            !spotopt__baseline(made->context, in->history, which, in->fit_from_s, in->fit_to_s,
                               &j->at, j->horizon_h, in->horizon_count,
                               made->p[made->forecast_count - 1]))
            return spotopt__nomem(err, "an evaluation");
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_evaluate(spotopt_context *context, const spotopt_evaluation_params *params,
                 const spotopt_options *options, spotopt_evaluation **out, spotopt_error *err)
{
    judging j = {.in = SPOTOPT_EVALUATION_PARAMS_INIT};
    spotopt_status status;

    (void)options;
    if (params == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "params");
    status = spotopt__copy_in(&j.in, sizeof j.in, params, "spotopt_evaluation_params", err);
    if (status == SPOTOPT_OK)
        status = check_params(&j, err);
    if (status != SPOTOPT_OK)
        return status;
    j.made = spotopt__evaluation_new(context);
    if (j.made == NULL)
        return spotopt__nomem(err, "an evaluation");
    find_fit_window(&j);
    j.made->from_s = j.in.from_s;
    j.made->to_s = j.in.to_s;
    j.made->step_s = j.in.step_s;
    j.made->draws = j.in.draws;
    j.made->seed = j.in.seed;
    if (!spotopt__decisions_make(context, j.in.history, j.in.from_s, j.in.to_s, j.in.step_s,
                                 &j.at) ||
        !lay_columns(&j) || !find_reference(&j))
        status = spotopt__nomem(err, "an evaluation");
    else
        status = say_all(&j, err);
    if (status == SPOTOPT_OK)
        status = spotopt__evaluation_judge(j.made, err);
    spotopt__decisions_free(context, &j.at);
    if (status == SPOTOPT_OK)
        *out = j.made;
    else
        spotopt_evaluation_free(j.made);
    return status;
}
