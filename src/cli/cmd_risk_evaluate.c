/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_risk_evaluate.c - judges forecasts on what came after.
 */
#include <math.h>
#include <string.h>

#include "risk.h"

int
judging_open(judging *j, const session *s, const args *a)
{
    const char *horizons = arg(a, "horizons"), *reference = arg(a, "reference"),
               *step = arg(a, "step"), *seed = arg(a, "seed");
    uint32_t count = 0;
    double number;

    *j = (judging){.params = SPOTOPT_EVALUATION_PARAMS_INIT};
    if (!is_given(a, "history") || !is_given(a, "from") || !is_given(a, "to") ||
        !read_moment(a, "from", &j->params.from_s) || !read_moment(a, "to", &j->params.to_s))
        return EXIT_USAGE;
    j->horizons[0] = 1.0;
    j->horizons[1] = 4.0;
    j->horizons[2] = 24.0;
    j->params.horizons_h = j->horizons;
    j->params.horizon_count = 3;
    if (horizons != NULL &&
        !read_list("horizons", horizons, j->horizons, 16, &j->params.horizon_count))
        return EXIT_USAGE;
    if (reference != NULL) {
        if (!read_list("reference", reference, j->reference, 16, &count))
            return EXIT_USAGE;
        if (count != j->params.horizon_count) {
            say("--reference has %u shares; want one for each of %u horizons", (unsigned)count,
                (unsigned)j->params.horizon_count);
            return EXIT_USAGE;
        }
        j->params.reference = j->reference;
    }
    if (step != NULL && !read_number(step, &j->params.step_s)) {
        say("--step is \"%s\"; want seconds", step);
        return EXIT_USAGE;
    }
    if (seed != NULL && read_number(seed, &number)) /* checked with the options */
        j->params.seed = (uint64_t)number;
    j->params.pool = arg(a, "pool");
    int status = load_inputs(&j->in, s, a);
    j->params.history = j->in.history;
    j->params.catalog = j->in.catalog;
    return status;
}

void
judging_close(judging *j)
{
    loaded_free(&j->in);
}

static int
save_predictions(const session *s, const spotopt_evaluation *evaluation, const char *file)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *csv = NULL;
    size_t length = 0;
    int status;

    if (spotopt_evaluation_write_predictions(evaluation, 0, &csv, &length, &err) != SPOTOPT_OK)
        return fail_with(&err);
    status = deliver_text(file, csv, length);
    spotopt_text_free(s->context, csv);
    return status;
}

/* A window that a model has learned from flatters it: said aside, whatever is printed. */
static void
warn_of_overlap(const spotopt_model *model, double from_s)
{
    spotopt_model_card card = SPOTOPT_MODEL_CARD_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    if (model == NULL || spotopt_model_card_get(model, &card, &err) != SPOTOPT_OK)
        return;
    if (from_s < fmax(card.to_s, card.calibrate_to_s))
        note("model \"%s\" has learned from moments before %.0f, and the window begins at %.0f: "
             "not a fair test",
             card.id, fmax(card.to_s, card.calibrate_to_s), from_s);
}

int
risk_evaluate(const session *s, const args *a)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_evaluation *evaluation = NULL;
    spotopt_model *models[2] = {NULL, NULL};
    const char *const paths[2] = {arg(a, "model"), arg(a, "against")};
    judging j;
    char *json = NULL;
    size_t length = 0;
    int status;

    if (a->operand_count != 1) {
        say("risk evaluate: wants no operand; see 'spotopt risk --help'");
        return EXIT_USAGE;
    }
    if (paths[1] != NULL && paths[0] == NULL) {
        say("--against wants --model too");
        return EXIT_USAGE;
    }
    status = judging_open(&j, s, a);
    if (status != 0)
        return status;
    for (int i = 0; status == 0 && i < 2; i++) {
        if (paths[i] == NULL)
            continue;
        status = load_model(s, paths[i], &models[i]);
        j.params.model_count++;
    }
    j.params.models = (const spotopt_model *const *)models;
    if (status == 0 &&
        (spotopt_evaluate(s->context, &j.params, s->options, &evaluation, &err) != SPOTOPT_OK ||
         spotopt_evaluation_write(evaluation, &json, &length, &err) != SPOTOPT_OK))
        status = fail_with(&err);
    progress_end();
    for (int i = 0; status == 0 && i < 2; i++)
        warn_of_overlap(models[i], j.params.from_s);
    if (status == 0 && arg(a, "predictions") != NULL)
        status = save_predictions(s, evaluation, arg(a, "predictions"));
    if (status == 0)
        status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    spotopt_evaluation_free(evaluation);
    spotopt_model_free(models[0]);
    spotopt_model_free(models[1]);
    judging_close(&j);
    return status;
}
