/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.c - may a model take the place of another?
 *
 * Conditions, all of which must hold, on days that neither learned from: at each horizon the paired
 * interval of the gain in Brier skill lies above 0, or above -0.01 while the calibration error is
 * lower (a better calibrated model may cost a little skill); the calibration error is at most 0.05
 * up to 4 hours ahead and 0.10 beyond; no region and no family loses more than 0.02 of skill, by
 * its own Brier score of the reference. Every condition is written down with its value, so that a
 * refusal says which one failed and by how much.
 */
#include "risk/evaluate.h"
#include <math.h>
#include <stdio.h>

#define GAIN_MIN 0.0
#define GAIN_MIN_CALIBRATED (-0.01)
#define ECE_SHORT 0.05 /* up to 4 h */
#define ECE_LONG 0.10
#define SHORT_H 4.0
#define LOSS_MAX 0.02
#define DAYS_MIN 3 /* fewer blocks give no interval worth the name */

typedef struct gate {
    const spotopt_evaluation *of;
    uint32_t forecast, other;
    spotopt__jw jw;
    bool passed;
    char *words; /* of what failed */
} gate;

/* Writes one condition. is_least: value must be above bound, else at most bound. */
static void
add(gate *g, const char *condition, double horizon_h, const char *slice, double value, double bound,
    bool is_least)
{
    bool holds = is_least ? value > bound : value <= bound; /* false for NaN */
    char number[SPOTOPT__REAL_SIZE], limit[SPOTOPT__REAL_SIZE], off[SPOTOPT__REAL_SIZE],
        ahead[SPOTOPT__HORIZON_SIZE] = "", quoted[SPOTOPT__QUOTE_SIZE] = "", text[320];

    spotopt__jw_object(&g->jw);
    spotopt__jw_put_text(&g->jw, "condition", condition);
    if (!isnan(horizon_h)) {
        spotopt__jw_put_real(&g->jw, "horizon_h", horizon_h);
        spotopt__horizon_text(horizon_h, ahead);
    }
    if (slice != NULL) {
        spotopt__jw_put_text(&g->jw, "slice", slice);
        spotopt__quote(slice, quoted);
    }
    spotopt__jw_put_real(&g->jw, "value", value);
    spotopt__jw_put_real(&g->jw, is_least ? "above" : "at_most", bound);
    spotopt__jw_put_bool(&g->jw, "holds", holds);
    spotopt__jw_end_object(&g->jw);
    if (holds)
        return;
    g->passed = false;
    size_t used = strlen(g->words);
    if (isnan(value)) {
        snprintf(text, sizeof text, "%s%s%s %s cannot be told", used > 0 ? "; " : "", condition,
                 quoted, ahead);
    } else {
        spotopt__write_fixed(value, 4, number);
        spotopt__write_fixed(bound, 4, limit);
        spotopt__write_fixed(fabs(value - bound), 4, off);
        snprintf(text, sizeof text, "%s%s%s%s%s%s is %s; want %s %s (off by %s)",
                 used > 0 ? "; " : "", condition, quoted[0] != '\0' ? " of " : "", quoted,
                 ahead[0] != '\0' ? " at " : "", ahead, number, is_least ? "more than" : "at most",
                 limit, off);
    }
    /* As many as there is room for, with room left to say that there are more. */
    if (used + strlen(text) + 12 < SPOTOPT__GATE_WORDS)
        memcpy(g->words + used, text, strlen(text) + 1);
    else if (used > 0 && g->words[used - 1] != '.')
        memcpy(g->words + used, "; and more.", 12);
}

static bool
check_horizon(gate *g, spotopt__picked *picked, uint32_t h)
{
    const spotopt_evaluation *of = g->of;
    const spotopt__scores *own = spotopt__evaluation_scores(of, g->forecast, h),
                          *others = spotopt__evaluation_scores(of, g->other, h);
    double horizon_h = of->horizon_h[h];
    spotopt__gain gain;

    spotopt__pick(of, g->forecast, g->other, h, NULL, 0, picked);
    if (!spotopt__gain_make(of->context, picked->p, picked->other, picked->y, picked->time_s,
                            picked->count, of->reference[h], of->draws, of->seed, &gain))
        return false;
    add(g, "skill_gain_low", horizon_h, NULL, gain.low,
        own->ece < others->ece ? GAIN_MIN_CALIBRATED : GAIN_MIN, true);
    add(g, "calibration_error", horizon_h, NULL, own->ece,
        horizon_h <= SHORT_H ? ECE_SHORT : ECE_LONG, false);
    return true;
}

static bool
check_slices(gate *g, spotopt__picked *picked, int key, const char *condition)
{
    const spotopt_evaluation *of = g->of;
    uint32_t *by = spotopt__alloc_array(of->context, (size_t)of->pool_count + 1, sizeof *by), count;
    const char **names =
        spotopt__alloc_array(of->context, (size_t)of->pool_count + 1, sizeof *names);
    bool is_fine = by != NULL && names != NULL && spotopt__slices_of(of, key, by, names, &count);

    for (uint32_t k = 0; is_fine && k < count; k++) {
        for (uint32_t h = 0; is_fine && h < of->horizon_count; h++) {
            spotopt__gain gain;

            spotopt__pick(of, g->forecast, g->other, h, by, k, picked);
            if (picked->count == 0)
                continue;
            is_fine =
                spotopt__gain_make(of->context, picked->p, picked->other, picked->y, picked->time_s,
                                   picked->count, of->reference[h], 1, of->seed, &gain);
            if (is_fine)
                add(g, condition, of->horizon_h[h], names[k], -gain.gain, LOSS_MAX, false);
        }
    }
    spotopt__free(of->context, by);
    spotopt__free(of->context, names);
    return is_fine;
}

static bool
has_horizon(const spotopt_evaluation *of, double horizon_h)
{
    for (uint32_t h = 0; h < of->horizon_count; h++) {
        if (of->horizon_h[h] == horizon_h)
            return true;
    }
    return false;
}

spotopt_status
spotopt__gate(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other,
              bool *out_passed, spotopt__str *out_json, char words[SPOTOPT__GATE_WORDS],
              spotopt_error *err)
{
    gate g = {.of = evaluation, .forecast = forecast, .other = other, .passed = true};
    spotopt__picked picked;
    bool is_fine;

    if (forecast >= evaluation->forecast_count || other >= evaluation->forecast_count ||
        forecast == other)
        return spotopt__fail(
            err, SPOTOPT_E_ARGUMENT, "forecasts %u and %u; want two different ones below %u",
            (unsigned)forecast, (unsigned)other, (unsigned)evaluation->forecast_count);
    if (!has_horizon(evaluation, 1.0) || !has_horizon(evaluation, 4.0) ||
        !has_horizon(evaluation, 24.0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "horizons: want 1, 4 and 24 h among them");
    g.words = words;
    words[0] = '\0';
    spotopt__jw_init(&g.jw, out_json);
    spotopt__jw_object(&g.jw);
    spotopt__jw_put_text(&g.jw, "forecast", evaluation->name[forecast]);
    spotopt__jw_put_text(&g.jw, "against", evaluation->name[other]);
    spotopt__jw_key(&g.jw, "conditions");
    spotopt__jw_array(&g.jw);
    /* A baseline has no window of its own that it could have looked into but the fit window. */
    double learned_s = fmax(evaluation->held_from_s[forecast], evaluation->held_from_s[other]);
    if (!isnan(evaluation->from_s) && isfinite(learned_s))
        add(&g, "learned_until_s", NAN, NULL, learned_s, evaluation->from_s, false);
    add(&g, "days", NAN, NULL, spotopt__evaluation_scores(evaluation, forecast, 0)->days,
        DAYS_MIN - 1, true);
    is_fine = spotopt__picked_init(&picked, evaluation);
    for (uint32_t h = 0; is_fine && h < evaluation->horizon_count; h++)
        is_fine = check_horizon(&g, &picked, h);
    is_fine = is_fine && check_slices(&g, &picked, SPOTOPT__BY_REGION, "region_loss") &&
              check_slices(&g, &picked, SPOTOPT__BY_FAMILY, "family_loss");
    spotopt__picked_free(&picked, evaluation);
    spotopt__jw_end_array(&g.jw);
    spotopt__jw_put_bool(&g.jw, "passed", g.passed);
    if (!g.passed)
        spotopt__jw_put_text(&g.jw, "why", words);
    spotopt__jw_end_object(&g.jw);
    if (!is_fine || out_json->failed)
        return spotopt__nomem(err, "a gate");
    *out_passed = g.passed;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_evaluation_gate(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other,
                        int32_t *out_passed, char **out_text, size_t *out_length,
                        spotopt_error *err)
{
    spotopt__str text;
    char words[SPOTOPT__GATE_WORDS], *taken;
    size_t length;
    bool passed = false;

    if (out_passed == NULL || out_text == NULL || out_length == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "an output is NULL; want it set");
    spotopt__str_init(&text, evaluation->context);
    spotopt_status status = spotopt__gate(evaluation, forecast, other, &passed, &text, words, err);
    if (status == SPOTOPT_OK) {
        spotopt__str_add(&text, "\n");
        taken = spotopt__str_take(&text, &length);
        if (taken != NULL) {
            *out_passed = passed;
            *out_text = taken;
            *out_length = length;
            return SPOTOPT_OK;
        }
        status = spotopt__nomem(err, "a gate");
    }
    spotopt__str_free(&text);
    return status;
}
