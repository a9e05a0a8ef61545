/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluate.c - an evaluation: forecasts of several origins at the same moments, and their scores.
 *
 * It holds columns (moments, labels, forecasts) from which scores, slices and comparisons are taken
 * out by horizon; what is not known yet at a horizon has no label there. Whoever made the columns
 * (evaluate_history.c from a history, the caller otherwise) is of no matter here.
 */
#include "risk/evaluate.h"
#include <math.h>

#define POOLS_MAX (UINT32_C(1) << 24)
#define HORIZON_MAX 8784.0
#define DRAWS_MAX 100000

spotopt_evaluation *
spotopt__evaluation_new(spotopt_context *context)
{
    spotopt_evaluation *made = spotopt__alloc(context, sizeof *made);

    if (made == NULL)
        return NULL;
    made->context = spotopt__context_hold(context);
    spotopt__arena_init(&made->arena, context);
    made->from_s = made->to_s = made->step_s = made->fit_from_s = made->fit_to_s = NAN;
    made->timeline.pool = SPOTOPT__NONE;
    for (int i = 0; i < SPOTOPT__FORECASTS_MAX; i++)
        made->held_from_s[i] = -INFINITY;
    return made;
}

void
spotopt_evaluation_free(spotopt_evaluation *evaluation)
{
    if (evaluation == NULL)
        return;
    spotopt_context *context = evaluation->context;
    spotopt__arena_free(&evaluation->arena);
    spotopt__free(context, evaluation);
    spotopt__context_drop(context);
}

double *
spotopt__evaluation_column(spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon)
{
    return evaluation->p[forecast] + (size_t)horizon * evaluation->count;
}

const spotopt__scores *
spotopt__evaluation_scores(const spotopt_evaluation *evaluation, uint32_t forecast,
                           uint32_t horizon)
{
    return &evaluation->scores[(size_t)forecast * evaluation->horizon_count + horizon];
}

void
spotopt__horizon_text(double horizon_h, char out[SPOTOPT__HORIZON_SIZE])
{
    size_t length = spotopt__write_real(horizon_h, out);

    memcpy(out + length, "h", 2);
}

bool
spotopt__picked_init(spotopt__picked *picked, const spotopt_evaluation *evaluation)
{
    size_t room = evaluation->count + 1;

    *picked = (spotopt__picked){0};
    picked->p = spotopt__alloc_array(evaluation->context, room, sizeof *picked->p);
    picked->other = spotopt__alloc_array(evaluation->context, room, sizeof *picked->other);
    picked->time_s = spotopt__alloc_array(evaluation->context, room, sizeof *picked->time_s);
    picked->y = spotopt__alloc_array(evaluation->context, room, sizeof *picked->y);
    picked->pool = spotopt__alloc_array(evaluation->context, room, sizeof *picked->pool);
    return picked->p != NULL && picked->other != NULL && picked->time_s != NULL &&
           picked->y != NULL && picked->pool != NULL;
}

void
spotopt__picked_free(spotopt__picked *picked, const spotopt_evaluation *evaluation)
{
    spotopt__free(evaluation->context, picked->p);
    spotopt__free(evaluation->context, picked->other);
    spotopt__free(evaluation->context, picked->time_s);
    spotopt__free(evaluation->context, picked->y);
    spotopt__free(evaluation->context, picked->pool);
}

void
spotopt__pick(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other,
              uint32_t horizon, const uint32_t *by, uint32_t value, spotopt__picked *out)
{
    const uint8_t *label = evaluation->label[horizon];
    const double *p = evaluation->p[forecast] + (size_t)horizon * evaluation->count,
                 *q = evaluation->p[other] + (size_t)horizon * evaluation->count;

    out->count = 0;
    for (size_t i = 0; i < evaluation->count; i++) {
        if (label[i] == SPOTOPT__UNLABELLED || (by != NULL && by[evaluation->pool[i]] != value))
            continue;
        out->p[out->count] = p[i];
        out->other[out->count] = q[i];
        out->time_s[out->count] = evaluation->time_s[i];
        out->y[out->count] = label[i];
        out->pool[out->count++] = evaluation->pool[i];
    }
}

bool
spotopt__slices_of(const spotopt_evaluation *evaluation, int key, uint32_t *by, const char **names,
                   uint32_t *out_count)
{
    spotopt__map numbers;
    uint32_t count = 0;
    bool is_fine = true;

    spotopt__map_init(&numbers, evaluation->context);
    for (uint32_t i = 0; is_fine && i < evaluation->pool_count; i++) {
        const spotopt__judged_pool *pool = &evaluation->pools[i];
        const char *name = key == SPOTOPT__BY_REGION   ? pool->region
                           : key == SPOTOPT__BY_FAMILY ? pool->family
                                                       : pool->name;

        if (name == NULL || name[0] == '\0') {
            by[i] = SPOTOPT__NONE;
            continue;
        }
        is_fine = spotopt__map_put(&numbers, name, count, &by[i]);
        if (is_fine && by[i] == count)
            names[count++] = name;
    }
    spotopt__map_free(&numbers);
    *out_count = count;
    return is_fine;
}

spotopt_status
spotopt__evaluation_judge(spotopt_evaluation *evaluation, spotopt_error *err)
{
    spotopt__picked picked;
    spotopt_status status = SPOTOPT_OK;
    bool is_fine = spotopt__picked_init(&picked, evaluation);

    evaluation->scores = spotopt__arena_alloc(
        &evaluation->arena, (size_t)evaluation->forecast_count * evaluation->horizon_count + 1,
        sizeof(spotopt__scores));
    is_fine = is_fine && evaluation->scores != NULL;
    for (uint32_t f = 0; is_fine && status == SPOTOPT_OK && f < evaluation->forecast_count; f++) {
        for (uint32_t h = 0; is_fine && h < evaluation->horizon_count; h++) {
            spotopt__scores *scores = &evaluation->scores[f * evaluation->horizon_count + h];
            spotopt__sorted rows = {0};

            spotopt__pick(evaluation, f, f, h, NULL, 0, &picked);
            if (picked.count == 0) {
                char text[SPOTOPT__HORIZON_SIZE];

                spotopt__horizon_text(evaluation->horizon_h[h], text);
                status = spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                       "no moment can be judged %s ahead: want nodes up, and the "
                                       "horizon's end within window and observation",
                                       text);
                break;
            }
            is_fine = spotopt__sorted_make(evaluation->context, picked.p, picked.y, picked.time_s,
                                           picked.pool, picked.count, &rows) &&
                      spotopt__scores_make(evaluation->context, &rows, evaluation->reference[h],
                                           scores) &&
                      spotopt__scores_bootstrap(evaluation->context, &rows, evaluation->draws,
                                                evaluation->seed, scores);
            spotopt__sorted_free(evaluation->context, &rows);
        }
    }
    for (uint32_t h = 0; is_fine && status == SPOTOPT_OK && h < evaluation->horizon_count; h++)
        evaluation->reference[h] = evaluation->scores[h].reference;
    spotopt__picked_free(&picked, evaluation);
    return is_fine ? status : spotopt__nomem(err, "an evaluation");
}

static spotopt_status
check_columns(const spotopt_evaluation_columns *c, spotopt_error *err)
{
    if (c->count == 0 || c->count >= UINT32_MAX || c->time_s == NULL || c->label == NULL ||
        c->forecast == NULL || c->horizons_h == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "columns: want count > 0 and time_s, label, forecast, horizons_h set");
    if (c->horizon_count < 1 || c->horizon_count > SPOTOPT__HORIZONS_MAX || c->forecast_count < 1 ||
        c->forecast_count > 16)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "%u horizons and %u forecasts; want 1 to 16 of each",
                             (unsigned)c->horizon_count, (unsigned)c->forecast_count);
    if (c->draws < 1 || c->draws > DRAWS_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "draws is %u; want 1 to %d",
                             (unsigned)c->draws, DRAWS_MAX);
    for (uint32_t h = 0; h < c->horizon_count; h++) {
        if (!(c->horizons_h[h] > (h > 0 ? c->horizons_h[h - 1] : 0.0) &&
              c->horizons_h[h] <= HORIZON_MAX))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "horizons_h[%u] is off; want ascending hours, > 0, at most a year",
                                 (unsigned)h);
        if (c->reference != NULL && (c->reference[h] < 0.0 || c->reference[h] > 1.0))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "reference[%u] is off; want a share 0..1",
                                 (unsigned)h);
    }
    for (size_t i = 0; i < c->count; i++) {
        if (!(fabs(c->time_s[i]) <= 1e12))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "time_s[%zu] is off; want seconds", i);
        if (c->pool != NULL && c->pool[i] >= POOLS_MAX)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "pool[%zu] is %u; want less than %u", i,
                                 (unsigned)c->pool[i], (unsigned)POOLS_MAX);
    }
    for (size_t i = 0; i < c->count * c->horizon_count; i++) {
        if (c->label[i] != 0.0 && c->label[i] != 1.0 && !isnan(c->label[i]))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "label[%zu] is off; want 0, 1 or not a number", i);
    }
    for (size_t i = 0; i < c->count * c->horizon_count * c->forecast_count; i++) {
        if (!(c->forecast[i] >= 0.0 && c->forecast[i] <= 1.0))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "forecast[%zu] is off; want 0..1", i);
    }
    return SPOTOPT_OK;
}

static const char *
name_of(spotopt_evaluation *made, const char *const *names, uint32_t forecast)
{
    char number[32];
    size_t length;

    if (names != NULL && names[forecast] != NULL)
        return spotopt__arena_text(&made->arena, names[forecast], strlen(names[forecast]));
    length = spotopt__write_real(forecast, number);
    return spotopt__arena_text(&made->arena, number, length);
}

static bool
copy_columns(spotopt_evaluation *made, const spotopt_evaluation_columns *c)
{
    spotopt__arena *arena = &made->arena;

    made->count = c->count;
    made->horizon_count = c->horizon_count;
    made->forecast_count = made->model_count = c->forecast_count;
    made->draws = c->draws;
    made->seed = c->seed;
    made->time_s = spotopt__arena_dup(arena, c->time_s, c->count, sizeof *made->time_s);
    made->pool = spotopt__arena_alloc(arena, c->count, sizeof *made->pool);
    if (made->time_s == NULL || made->pool == NULL)
        return false;
    for (size_t i = 0; i < c->count; i++) {
        made->pool[i] = c->pool != NULL ? c->pool[i] : 0;
        made->pool_count = made->pool[i] >= made->pool_count ? made->pool[i] + 1 : made->pool_count;
    }
    made->pools = spotopt__arena_alloc(arena, made->pool_count, sizeof *made->pools);
    if (made->pools == NULL)
        return false;
    for (uint32_t h = 0; h < c->horizon_count; h++) {
        made->horizon_h[h] = c->horizons_h[h];
        made->reference[h] = c->reference != NULL ? c->reference[h] : NAN;
        made->label[h] = spotopt__arena_alloc(arena, c->count, 1);
        if (made->label[h] == NULL)
            return false;
        for (size_t i = 0; i < c->count; i++) {
            double y = c->label[h * c->count + i];

            made->label[h][i] = isnan(y) ? SPOTOPT__UNLABELLED : (uint8_t)(y != 0.0);
        }
    }
    for (uint32_t f = 0; f < c->forecast_count; f++) {
        size_t many = c->count * c->horizon_count;

        made->name[f] = name_of(made, c->names, f);
        made->p[f] = spotopt__arena_dup(arena, c->forecast + f * many, many, sizeof(double));
        if (made->name[f] == NULL || made->p[f] == NULL)
            return false;
    }
    return true;
}

spotopt_status
spotopt_evaluation_of_columns(spotopt_context *context, const spotopt_evaluation_columns *columns,
                              spotopt_evaluation **out, spotopt_error *err)
{
    spotopt_evaluation_columns c = SPOTOPT_EVALUATION_COLUMNS_INIT;
    spotopt_evaluation *made;
    spotopt_status status;

    if (columns == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "columns");
    status = spotopt__copy_in(&c, sizeof c, columns, "spotopt_evaluation_columns", err);
    if (status == SPOTOPT_OK)
        status = check_columns(&c, err);
    if (status != SPOTOPT_OK)
        return status;
    made = spotopt__evaluation_new(context);
    if (made == NULL || !copy_columns(made, &c))
        status = spotopt__nomem(err, "an evaluation");
    if (status == SPOTOPT_OK)
        status = spotopt__evaluation_judge(made, err);
    if (status == SPOTOPT_OK)
        *out = made;
    else
        spotopt_evaluation_free(made);
    return status;
}
