/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_risk_score.c - fits a model to a history, and forecasts pools with one.
 */
#include "risk.h"

int
risk_fit(const session *s, const args *a)
{
    spotopt_model_fit_params params = SPOTOPT_MODEL_FIT_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_model *model = NULL;
    char *json = NULL;
    size_t length = 0;
    loaded in;
    int status;

    if (a->operand_count != 1) {
        say("risk fit: wants no operand; see 'spotopt risk --help'");
        return EXIT_USAGE;
    }
    if (!is_given(a, "history") || !is_given(a, "from") || !is_given(a, "to") ||
        !read_moment(a, "from", &params.from_s) || !read_moment(a, "to", &params.to_s))
        return EXIT_USAGE;
    params.calibrate_to_s = params.to_s;
    if (!read_moment(a, "calibrate-to", &params.calibrate_to_s))
        return EXIT_USAGE;
    if (arg(a, "step") != NULL && !read_number(arg(a, "step"), &params.step_s)) {
        say("--step is \"%s\"; want seconds", arg(a, "step"));
        return EXIT_USAGE;
    }
    status = load_inputs(&in, s, a);
    if (status != 0)
        return status;
    params.id = arg(a, "id");
    params.catalog = in.catalog;
    params.is_isotonic = arg(a, "isotonic") != NULL;
    params.is_availability = arg(a, "availability") != NULL;
    if (spotopt_model_fit(s->context, in.history, &params, s->options, &model, &err) !=
            SPOTOPT_OK ||
        spotopt_model_write(model, &json, &length, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    progress_end();
    if (status == 0)
        status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    spotopt_model_free(model);
    loaded_free(&in);
    return status;
}

int
risk_score(const session *s, const args *a)
{
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    double horizons[16] = {1.0, 4.0, 24.0};
    uint32_t count = 3;
    spotopt_model *model = NULL;
    spotopt_risk *risk = NULL;
    char *json = NULL;
    size_t length = 0;
    loaded in;
    int status;

    if (a->operand_count != 1) {
        say("risk score: wants no operand; see 'spotopt risk --help'");
        return EXIT_USAGE;
    }
    if (!is_given(a, "history") ||
        (arg(a, "horizons") != NULL &&
         !read_list("horizons", arg(a, "horizons"), horizons, 16, &count)))
        return EXIT_USAGE;
    status = load_inputs(&in, s, a);
    if (status != 0)
        return status;
    if (arg(a, "model") != NULL)
        status = load_model(s, arg(a, "model"), &model);
    params.catalog = in.catalog;
    params.history = in.history;
    params.model = model;
    params.now_s = s->now_s;
    if (status == 0 &&
        (spotopt_risk_score_with(s->context, &params, s->options, &risk, &err) != SPOTOPT_OK ||
         spotopt_risk_write(risk, horizons, count, &json, &length, &err) != SPOTOPT_OK))
        status = fail_with(&err);
    progress_end();
    if (status == 0)
        status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    spotopt_risk_free(risk);
    spotopt_model_free(model);
    loaded_free(&in);
    return status;
}
