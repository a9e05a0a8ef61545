/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_change.c - the rows that change a registry, or why there is none; and the registry as a
 * document.
 *
 * A row is made only where the model may take the step: an upload of a new id, a graduation that
 * passed the gate, a canary set current. Nothing is changed here: who appends the row and reads
 * the ledger anew sees it, and so does everybody else.
 */
#include "risk/evaluate.h"
#include "risk/model.h"
#include "risk/registry.h"

#define TEXT_MAX 4096
#define TIME_MAX_MS INT64_C(9007199254740991)

static spotopt_status
check_change(const spotopt_registry_change *change, spotopt_registry_change *out,
             spotopt_error *err)
{
    spotopt_status status;

    if (change == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "change is NULL; want it set");
    status = spotopt__copy_in(out, sizeof *out, change, "spotopt_registry_change", err);
    if (status != SPOTOPT_OK)
        return status;
    out->author = out->author != NULL ? out->author : "";
    out->reason = out->reason != NULL ? out->reason : "";
    if (out->time_ms < 0 || out->time_ms > TIME_MAX_MS)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "time_ms is off; want milliseconds >= 0");
    if (strlen(out->author) > TEXT_MAX || strlen(out->reason) > TEXT_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "author or reason: want at most %d bytes",
                             TEXT_MAX);
    return SPOTOPT_OK;
}

/* The model that a change names, if it may go to the state. */
static spotopt_status
find_model(const spotopt_registry *registry, const spotopt_registry_change *change, int32_t to,
           const spotopt__kept_model **out, spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE];
    size_t index = change->id != NULL ? spotopt_registry_find(registry, change->id) : SIZE_MAX;

    if (change->id == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "id is NULL; want a model's");
    if (index == SIZE_MAX)
        return spotopt__fail(err, SPOTOPT_E_STATE, "there is no model %s",
                             spotopt__quote(change->id, quoted));
    *out = &registry->models.at[index];
    if (to == 0) /* on by one */
        to = (*out)->state == SPOTOPT_MODEL_UPLOADED ? SPOTOPT_MODEL_SHADOW : SPOTOPT_MODEL_CANARY;
    const char *why = spotopt__state_refusal(*out, to);
    if (why != NULL)
        return spotopt__fail(err, SPOTOPT_E_STATE, "model \"%s\" is %s and cannot become %s: %s",
                             (*out)->id, spotopt__model_states[(*out)->state],
                             spotopt__model_states[to], why);
    return SPOTOPT_OK;
}

static void
begin_row(spotopt__jw *jw, spotopt__str *text, const char *id, int32_t state,
          const spotopt_registry_change *change)
{
    spotopt__jw_init(jw, text);
    spotopt__jw_object(jw);
    spotopt__jw_put_int(jw, "time_ms", change->time_ms);
    spotopt__jw_put_text(jw, "type", "model");
    spotopt__jw_put_text(jw, "id", id);
    spotopt__jw_put_text(jw, "state", spotopt__model_states[state]);
    spotopt__jw_put_text(jw, "author", change->author);
    spotopt__jw_put_text(jw, "reason", change->reason);
}

static spotopt_status
hand_over(spotopt__str *text, char **out_row, size_t *out_length, spotopt_error *err)
{
    char *taken;
    size_t length;

    spotopt__str_add(text, "\n");
    taken = spotopt__str_take(text, &length);
    if (taken == NULL) {
        spotopt__str_free(text);
        return spotopt__nomem(err, "a row");
    }
    *out_row = taken;
    *out_length = length;
    return SPOTOPT_OK;
}

/* Checked JSON without what stands between its values: one line. */
static void
add_on_one_line(spotopt__str *text, const char *json, size_t length)
{
    bool is_in_text = false;
    size_t from = 0;

    for (size_t i = 0; i < length; i++) {
        const char c = json[i];

        if (is_in_text && c == '\\') {
            i++;
        } else if (c == '"') {
            is_in_text = !is_in_text;
        } else if (!is_in_text && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            spotopt__str_add_n(text, json + from, i - from);
            from = i + 1;
        }
    }
    spotopt__str_add_n(text, json + from, length - from);
}

static spotopt_status
check_out(const spotopt_registry *registry, char **out_row, const size_t *out_length,
          spotopt_error *err)
{
    if (registry != NULL && out_row != NULL && out_length != NULL)
        return SPOTOPT_OK;
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                         registry == NULL ? "registry" : "an output");
}

spotopt_status
spotopt_registry_upload(const spotopt_registry *registry, const char *document, size_t length,
                        const spotopt_registry_change *change, char **out_row, size_t *out_length,
                        spotopt_error *err)
{
    spotopt_registry_change c = SPOTOPT_REGISTRY_CHANGE_INIT;
    spotopt_model *model = NULL;
    spotopt__str text;
    spotopt__jw jw;
    spotopt_status status = check_out(registry, out_row, out_length, err);

    if (status == SPOTOPT_OK)
        status = check_change(change, &c, err);
    if (status == SPOTOPT_OK)
        status = spotopt_model_parse(registry->context, document, length, "model", &model, err);
    if (status != SPOTOPT_OK)
        return status;
    if (c.id != NULL && strcmp(c.id, model->id) != 0)
        status =
            spotopt__fail(err, SPOTOPT_E_ARGUMENT, "id is not the document's, \"%s\"", model->id);
    else if (spotopt_registry_find(registry, model->id) != SIZE_MAX)
        status = spotopt__fail(
            err, SPOTOPT_E_STATE, "model \"%s\": %s", model->id,
            spotopt__state_refusal(&registry->models.at[spotopt_registry_find(registry, model->id)],
                                   SPOTOPT_MODEL_UPLOADED));
    if (status == SPOTOPT_OK) {
        spotopt__str_init(&text, registry->context);
        begin_row(&jw, &text, model->id, SPOTOPT_MODEL_UPLOADED, &c);
        spotopt__jw_key(&jw, "model");
        add_on_one_line(&text, document, length);
        spotopt__str_add(&text, "}");
        status = hand_over(&text, out_row, out_length, err);
    }
    spotopt_model_free(model);
    return status;
}

/* Which forecasts of an evaluation are judged: the model's, and that of what decides now. */
static spotopt_status
find_forecasts(const spotopt_registry *registry, const spotopt_evaluation *evaluation,
               const char *id, uint32_t *out_forecast, uint32_t *out_other, spotopt_error *err)
{
    const bool has_current = registry->current != SIZE_MAX;
    const char *other = has_current ? registry->models.at[registry->current].id
                                    : spotopt__base_names[SPOTOPT__BASE_EVIDENCE];

    *out_forecast = *out_other = SPOTOPT__NONE;
    for (uint32_t f = 0; f < evaluation->forecast_count; f++) {
        bool is_model = f < evaluation->model_count;

        if (is_model && strcmp(evaluation->name[f], id) == 0)
            *out_forecast = f;
        if (is_model == has_current && strcmp(evaluation->name[f], other) == 0)
            *out_other = f;
    }
    if (*out_forecast == SPOTOPT__NONE || *out_other == SPOTOPT__NONE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "the evaluation has no forecast \"%s\"; want \"%s\" and \"%s\"",
                             *out_forecast == SPOTOPT__NONE ? id : other, id, other);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_registry_graduate(const spotopt_registry *registry, const spotopt_evaluation *evaluation,
                          const spotopt_registry_change *change, char **out_row, size_t *out_length,
                          spotopt_error *err)
{
    spotopt_registry_change c = SPOTOPT_REGISTRY_CHANGE_INIT;
    const spotopt__kept_model *model = NULL;
    char words[SPOTOPT__GATE_WORDS];
    uint32_t forecast = 0, other = 0;
    bool passed = false;
    spotopt__str gate, text;
    spotopt__jw jw;
    spotopt_status status = check_out(registry, out_row, out_length, err);

    if (status == SPOTOPT_OK && evaluation == NULL)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "evaluation is NULL; want it set");
    if (status == SPOTOPT_OK)
        status = check_change(change, &c, err);
    if (status == SPOTOPT_OK)
        status = find_model(registry, &c, 0, &model, err);
    if (status == SPOTOPT_OK)
        status = find_forecasts(registry, evaluation, model->id, &forecast, &other, err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__str_init(&gate, registry->context);
    status = spotopt__gate(evaluation, forecast, other, &passed, &gate, words, err);
    if (status == SPOTOPT_OK && !passed)
        status =
            spotopt__fail(err, SPOTOPT_E_STATE, "model \"%s\" does not graduate against \"%s\": %s",
                          model->id, evaluation->name[other], words);
    if (status == SPOTOPT_OK) {
        spotopt__str_init(&text, registry->context);
        begin_row(&jw, &text, model->id,
                  model->state == SPOTOPT_MODEL_UPLOADED ? SPOTOPT_MODEL_SHADOW
                                                         : SPOTOPT_MODEL_CANARY,
                  &c);
        spotopt__jw_key(&jw, "gate");
        spotopt__str_add_n(&text, gate.at, gate.count);
        spotopt__str_add(&text, "}");
        status = hand_over(&text, out_row, out_length, err);
    }
    spotopt__str_free(&gate);
    return status;
}

static spotopt_status
make_row(const spotopt_registry *registry, int32_t state, const spotopt_registry_change *change,
         char **out_row, size_t *out_length, spotopt_error *err)
{
    spotopt_registry_change c = SPOTOPT_REGISTRY_CHANGE_INIT;
    const spotopt__kept_model *model = NULL;
    spotopt__str text;
    spotopt__jw jw;
    spotopt_status status = check_out(registry, out_row, out_length, err);

    if (status == SPOTOPT_OK)
        status = check_change(change, &c, err);
    if (status == SPOTOPT_OK)
        status = find_model(registry, &c, state, &model, err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__str_init(&text, registry->context);
    begin_row(&jw, &text, model->id, state, &c);
    spotopt__jw_end_object(&jw);
    return hand_over(&text, out_row, out_length, err);
}

spotopt_status
spotopt_registry_set_current(const spotopt_registry *registry,
                             const spotopt_registry_change *change, char **out_row,
                             size_t *out_length, spotopt_error *err)
{
    return make_row(registry, SPOTOPT_MODEL_CURRENT, change, out_row, out_length, err);
}

spotopt_status
spotopt_registry_retire(const spotopt_registry *registry, const spotopt_registry_change *change,
                        char **out_row, size_t *out_length, spotopt_error *err)
{
    return make_row(registry, SPOTOPT_MODEL_RETIRED, change, out_row, out_length, err);
}

spotopt_status
spotopt_registry_write(const spotopt_registry *registry, char **out_text, size_t *out_length,
                       spotopt_error *err)
{
    spotopt__str text;
    spotopt__jw jw;
    spotopt_status status = check_out(registry, out_text, out_length, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__str_init(&text, registry->context);
    spotopt__jw_init(&jw, &text);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "ModelRegistry");
    spotopt__jw_put_text(&jw, "current",
                         registry->current != SIZE_MAX ? registry->models.at[registry->current].id
                                                       : NULL);
    spotopt__jw_key(&jw, "models");
    spotopt__jw_array(&jw);
    for (size_t i = 0; i < registry->models.count; i++) {
        const spotopt__kept_model *model = &registry->models.at[i];
        char sha[65];

        spotopt__sha256_hex(model->document, model->document_length, sha);
        spotopt__jw_object(&jw);
        spotopt__jw_put_text(&jw, "id", model->id);
        spotopt__jw_put_text(&jw, "state", spotopt__model_states[model->state]);
        spotopt__jw_put_int(&jw, "uploaded_ms", model->uploaded_ms);
        spotopt__jw_put_int(&jw, "changed_ms", model->changed_ms);
        spotopt__jw_put_text(&jw, "author", model->author);
        spotopt__jw_put_text(&jw, "reason", model->reason);
        spotopt__jw_put_bool(&jw, "was_current", model->was_current);
        spotopt__jw_put_text(&jw, "document_sha256", sha);
        spotopt__jw_end_object(&jw);
    }
    spotopt__jw_end_array(&jw);
    spotopt__jw_end_object(&jw);
    return hand_over(&text, out_text, out_length, err);
}
