/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluate_write.c - the RiskEvaluation document (docs/formats.md) and forecasts as a table.
 *
 * Scores of the first forecast in full, of the others in short; what the pictures need: reliability
 * curves, drops by the time since the last one, one pool over time.
 */
#include "risk/evaluate.h"
#include <math.h>

#define TIMELINE_MOST 1200 /* points; longer windows are thinned */
#define POOLS_MOST 200     /* slices by pool; more are left out and counted */

const double spotopt__since_h[SPOTOPT__SINCE_BINS] = {0.25, 0.5,  1.0,  2.0,  4.0,   8.0,
                                                      16.0, 24.0, 48.0, 96.0, 168.0, INFINITY};

typedef struct writer {
    const spotopt_evaluation *of;
    spotopt__jw jw;
    spotopt__picked picked;
} writer;

static void
key_of_horizon(writer *w, uint32_t h)
{
    char text[SPOTOPT__HORIZON_SIZE];

    spotopt__horizon_text(w->of->horizon_h[h], text);
    spotopt__jw_key(&w->jw, text);
}

static void
put_pair(writer *w, const char *key, double low, double high)
{
    spotopt__jw_key(&w->jw, key);
    spotopt__jw_array(&w->jw);
    spotopt__jw_real(&w->jw, low);
    spotopt__jw_real(&w->jw, high);
    spotopt__jw_end_array(&w->jw);
}

static void
put_scores(writer *w, uint32_t f, bool is_full)
{
    spotopt__jw *jw = &w->jw;

    spotopt__jw_key(jw, "horizons");
    spotopt__jw_object(jw);
    for (uint32_t h = 0; h < w->of->horizon_count; h++) {
        const spotopt__scores *s = spotopt__evaluation_scores(w->of, f, h);

        key_of_horizon(w, h);
        spotopt__jw_object(jw);
        spotopt__jw_put_real(jw, "horizon_h", w->of->horizon_h[h]);
        spotopt__jw_put_int(jw, "n", (int64_t)s->count);
        spotopt__jw_put_int(jw, "days", s->days);
        spotopt__jw_put_real(jw, "base_rate", s->base_rate);
        spotopt__jw_put_real(jw, "reference", s->reference);
        spotopt__jw_put_real(jw, "auc", s->auc);
        put_pair(w, "auc_95", s->auc_low, s->auc_high);
        spotopt__jw_put_real(jw, "within_pool_auc", s->within_pool_auc);
        spotopt__jw_put_real(jw, "brier", s->brier);
        spotopt__jw_put_real(jw, "bss", s->bss);
        put_pair(w, "bss_95", s->bss_low, s->bss_high);
        spotopt__jw_put_real(jw, "ece", s->ece);
        spotopt__jw_put_real(jw, "log_loss", s->log_loss);
        spotopt__jw_put_real(jw, "reliability", s->reliability);
        spotopt__jw_put_real(jw, "resolution", s->resolution);
        spotopt__jw_put_real(jw, "uncertainty", s->uncertainty);
        spotopt__jw_put_real(jw, "within_bin", s->within_bin);
        if (is_full) {
            spotopt__jw_key(jw, "bins");
            spotopt__jw_array(jw);
            for (uint32_t k = 0; k < s->bin_count; k++) {
                spotopt__jw_object(jw);
                spotopt__jw_put_int(jw, "n", (int64_t)s->bins[k].count);
                spotopt__jw_put_real(jw, "low", s->bins[k].low);
                spotopt__jw_put_real(jw, "high", s->bins[k].high);
                spotopt__jw_put_real(jw, "forecast", s->bins[k].forecast);
                spotopt__jw_put_real(jw, "seen", s->bins[k].seen);
                spotopt__jw_end_object(jw);
            }
            spotopt__jw_end_array(jw);
        }
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_object(jw);
}

static bool
put_comparisons(writer *w)
{
    const spotopt_evaluation *of = w->of;
    spotopt__jw *jw = &w->jw;

    spotopt__jw_key(jw, "comparisons");
    spotopt__jw_array(jw);
    for (uint32_t f = 1; f < of->forecast_count; f++) {
        for (uint32_t h = 0; h < of->horizon_count; h++) {
            spotopt__gain gain;

            spotopt__pick(of, 0, f, h, NULL, 0, &w->picked);
            if (!spotopt__gain_make(of->context, w->picked.p, w->picked.other, w->picked.y,
                                    w->picked.time_s, w->picked.count, of->reference[h], of->draws,
                                    of->seed, &gain))
                return false;
            spotopt__jw_object(jw);
            spotopt__jw_put_text(jw, "forecast", of->name[0]);
            spotopt__jw_put_text(jw, "against", of->name[f]);
            spotopt__jw_put_real(jw, "horizon_h", of->horizon_h[h]);
            spotopt__jw_put_real(jw, "skill_gain", gain.gain);
            put_pair(w, "skill_gain_95", gain.low, gain.high);
            spotopt__jw_put_real(jw, "brier_gain", gain.brier_gain);
            spotopt__jw_put_real(jw, "better_frac", gain.better_frac);
            spotopt__jw_end_object(jw);
        }
    }
    spotopt__jw_end_array(jw);
    return true;
}

static bool
put_slice(writer *w, const char *by, const char *name, const uint32_t *number, uint32_t value)
{
    const spotopt_evaluation *of = w->of;
    spotopt__jw *jw = &w->jw;
    bool is_fine = true;

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "by", by);
    spotopt__jw_put_text(jw, "name", name);
    spotopt__jw_key(jw, "horizons");
    spotopt__jw_object(jw);
    for (uint32_t h = 0; is_fine && h < of->horizon_count; h++) {
        spotopt__sorted rows = {0};
        spotopt__scores s;

        spotopt__pick(of, 0, 0, h, number, value, &w->picked);
        if (w->picked.count == 0)
            continue;
        is_fine = spotopt__sorted_make(of->context, w->picked.p, w->picked.y, w->picked.time_s,
                                       NULL, w->picked.count, &rows) &&
                  spotopt__scores_make(of->context, &rows, of->reference[h], &s);
        spotopt__sorted_free(of->context, &rows);
        if (!is_fine)
            break;
        key_of_horizon(w, h);
        spotopt__jw_object(jw);
        spotopt__jw_put_int(jw, "n", (int64_t)s.count);
        spotopt__jw_put_real(jw, "base_rate", s.base_rate);
        spotopt__jw_put_real(jw, "auc", s.auc);
        spotopt__jw_put_real(jw, "brier", s.brier);
        spotopt__jw_put_real(jw, "bss", s.bss);
        spotopt__jw_put_real(jw, "ece", s.ece);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_object(jw);
    spotopt__jw_end_object(jw);
    return is_fine;
}

static bool
put_slices(writer *w)
{
    static const char *const by_names[] = {"region", "family", "pool"};
    const spotopt_evaluation *of = w->of;
    uint32_t *by = spotopt__alloc_array(of->context, (size_t)of->pool_count + 1, sizeof *by);
    const char **names =
        spotopt__alloc_array(of->context, (size_t)of->pool_count + 1, sizeof *names);
    bool is_fine = by != NULL && names != NULL;

    spotopt__jw_key(&w->jw, "slices");
    spotopt__jw_array(&w->jw);
    for (int key = 0; is_fine && key < 3; key++) {
        uint32_t count = 0;

        is_fine = spotopt__slices_of(of, key, by, names, &count);
        for (uint32_t k = 0; is_fine && k < count && (key != SPOTOPT__BY_POOL || k < POOLS_MOST);
             k++)
            is_fine = put_slice(w, by_names[key], names[k], by, k);
    }
    spotopt__jw_end_array(&w->jw);
    spotopt__free(of->context, by);
    spotopt__free(of->context, names);
    return is_fine;
}

static void
put_since(writer *w)
{
    const spotopt_evaluation *of = w->of;
    spotopt__jw *jw = &w->jw;
    double low = 0.0;

    if (of->since_h == NULL)
        return;
    spotopt__jw_key(jw, "since_drop");
    spotopt__jw_array(jw);
    for (int k = 0; k < SPOTOPT__SINCE_BINS; k++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_real(jw, "from_h", low);
        spotopt__jw_put_real(jw, "to_h", spotopt__since_h[k]);
        spotopt__jw_key(jw, "horizons");
        spotopt__jw_object(jw);
        for (uint32_t h = 0; h < of->horizon_count; h++) {
            const double *p = of->p[0] + (size_t)h * of->count;
            double n = 0.0, seen = 0.0, forecast = 0.0;

            for (size_t i = 0; i < of->count; i++) {
                if (of->label[h][i] == SPOTOPT__UNLABELLED ||
                    !(of->since_h[i] >= low && of->since_h[i] < spotopt__since_h[k]))
                    continue;
                n += 1.0;
                seen += of->label[h][i];
                forecast += p[i];
            }
            key_of_horizon(w, h);
            spotopt__jw_object(jw);
            spotopt__jw_put_int(jw, "n", (int64_t)n);
            spotopt__jw_put_real(jw, "seen", seen / n); /* null where there are none */
            spotopt__jw_put_real(jw, "forecast", forecast / n);
            spotopt__jw_end_object(jw);
        }
        spotopt__jw_end_object(jw);
        spotopt__jw_end_object(jw);
        low = spotopt__since_h[k];
    }
    spotopt__jw_end_array(jw);
}

static void
put_timeline(writer *w)
{
    const spotopt_evaluation *of = w->of;
    const spotopt__timeline *line = &of->timeline;
    const size_t stride = 1 + line->count / TIMELINE_MOST;
    spotopt__jw *jw = &w->jw;

    if (line->pool == SPOTOPT__NONE)
        return;
    spotopt__jw_key(jw, "timeline");
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "pool", of->pools[line->pool].name);
    spotopt__jw_put_real(jw, "step_s", (double)stride * of->step_s);
    spotopt__jw_key(jw, "time_s");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < line->count; i += stride)
        spotopt__jw_real(jw, of->time_s[line->first + i]);
    spotopt__jw_end_array(jw);
    spotopt__jw_key(jw, "p");
    spotopt__jw_object(jw);
    for (uint32_t h = 0; h < of->horizon_count; h++) {
        key_of_horizon(w, h);
        spotopt__jw_array(jw);
        for (size_t i = 0; i < line->count; i += stride)
            spotopt__jw_real(jw, of->p[0][(size_t)h * of->count + line->first + i]);
        spotopt__jw_end_array(jw);
    }
    spotopt__jw_end_object(jw);
    spotopt__jw_key(jw, "drop_s");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < line->drops; i++)
        spotopt__jw_real(jw, line->drop_s[i]);
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

static void
put_window(writer *w)
{
    const spotopt_evaluation *of = w->of;
    spotopt__jw *jw = &w->jw;

    spotopt__jw_key(jw, "window");
    spotopt__jw_object(jw);
    spotopt__jw_put_real(jw, "from_s", of->from_s);
    spotopt__jw_put_real(jw, "to_s", of->to_s);
    spotopt__jw_put_real(jw, "step_s", of->step_s);
    spotopt__jw_put_real(jw, "fit_from_s", of->fit_from_s);
    spotopt__jw_put_real(jw, "fit_to_s", of->fit_to_s);
    spotopt__jw_put_int(jw, "decisions", (int64_t)of->count);
    spotopt__jw_put_int(jw, "pools", of->pool_count);
    if (isfinite(of->held_from_s[0]) && !isnan(of->from_s))
        spotopt__jw_put_bool(jw, "held_out", of->held_from_s[0] <= of->from_s);
    spotopt__jw_end_object(jw);
    spotopt__jw_key(jw, "intervals");
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "method", "day-block bootstrap");
    spotopt__jw_put_real(jw, "level", 0.95);
    spotopt__jw_put_int(jw, "draws", of->draws);
    spotopt__jw_put_int(jw, "seed", (int64_t)of->seed);
    spotopt__jw_end_object(jw);
}

static bool
put_all(writer *w)
{
    const spotopt_evaluation *of = w->of;
    spotopt__jw *jw = &w->jw;
    bool is_fine;

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(jw, "kind", "RiskEvaluation");
    spotopt__jw_put_text(jw, "forecast", of->name[0]);
    put_window(w);
    put_scores(w, 0, true);
    spotopt__jw_key(jw, "others");
    spotopt__jw_array(jw);
    for (uint32_t f = 1; f < of->forecast_count; f++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "forecast", of->name[f]);
        spotopt__jw_put_bool(jw, "is_baseline", f >= of->model_count);
        if (isfinite(of->held_from_s[f]) && !isnan(of->from_s))
            spotopt__jw_put_bool(jw, "held_out", of->held_from_s[f] <= of->from_s);
        put_scores(w, f, false);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    is_fine = put_comparisons(w) && put_slices(w);
    if (is_fine) {
        put_since(w);
        put_timeline(w);
    }
    spotopt__jw_end_object(jw);
    return is_fine;
}

static spotopt_status
hand_over(spotopt__str *text, char **out_text, size_t *out_length, spotopt_error *err)
{
    size_t length;
    char *taken = spotopt__str_take(text, &length);

    if (taken == NULL) {
        spotopt__str_free(text);
        return spotopt__nomem(err, "an evaluation's text");
    }
    *out_text = taken;
    *out_length = length;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_evaluation_write(const spotopt_evaluation *evaluation, char **out_text, size_t *out_length,
                         spotopt_error *err)
{
    writer w = {.of = evaluation};
    spotopt__str text;
    bool is_fine;

    if (out_text == NULL || out_length == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out_text == NULL ? "out_text" : "out_length");
    spotopt__str_init(&text, evaluation->context);
    spotopt__jw_init(&w.jw, &text);
    is_fine = spotopt__picked_init(&w.picked, evaluation) && put_all(&w);
    spotopt__picked_free(&w.picked, evaluation);
    if (!is_fine) {
        spotopt__str_free(&text);
        return spotopt__nomem(err, "an evaluation's text");
    }
    spotopt__str_add(&text, "\n");
    return hand_over(&text, out_text, out_length, err);
}

/* A field of a table: quoted where it holds what separates fields. */
static void
add_field(spotopt__str *text, const char *field)
{
    if (strpbrk(field, ",\"\r\n") == NULL) {
        spotopt__str_add(text, field);
        return;
    }
    spotopt__str_add(text, "\"");
    for (const char *c = field; *c != '\0'; c++) {
        spotopt__str_add_n(text, c, 1);
        if (*c == '"')
            spotopt__str_add(text, "\"");
    }
    spotopt__str_add(text, "\"");
}

spotopt_status
spotopt_evaluation_write_predictions(const spotopt_evaluation *evaluation, uint32_t forecast,
                                     char **out_text, size_t *out_length, spotopt_error *err)
{
    spotopt__str text;

    if (out_text == NULL || out_length == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out_text == NULL ? "out_text" : "out_length");
    if (forecast >= evaluation->forecast_count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "forecast is %u; want less than %u",
                             (unsigned)forecast, (unsigned)evaluation->forecast_count);
    spotopt__str_init(&text, evaluation->context);
    spotopt__str_add(&text, "pool,time_s");
    for (uint32_t h = 0; h < evaluation->horizon_count; h++) {
        char name[SPOTOPT__HORIZON_SIZE];

        spotopt__horizon_text(evaluation->horizon_h[h], name);
        spotopt__str_add(&text, ",p_");
        spotopt__str_add(&text, name);
    }
    spotopt__str_add(&text, "\n");
    for (size_t i = 0; i < evaluation->count; i++) {
        const char *name = evaluation->pools[evaluation->pool[i]].name;

        if (name != NULL)
            add_field(&text, name);
        else
            spotopt__str_addf(&text, "%u", (unsigned)evaluation->pool[i]);
        spotopt__str_add(&text, ",");
        spotopt__str_add_real(&text, evaluation->time_s[i]);
        for (uint32_t h = 0; h < evaluation->horizon_count; h++) {
            spotopt__str_add(&text, ",");
            spotopt__str_add_real(&text, evaluation->p[forecast][h * evaluation->count + i]);
        }
        spotopt__str_add(&text, "\n");
    }
    return hand_over(&text, out_text, out_length, err);
}
