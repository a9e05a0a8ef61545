/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c - which models there are and where in their lives, as the rows of a ledger tell.
 *
 * A row is one change: a model is uploaded with its document, moves on, is retired. Every row is
 * checked against what the rows before it told, by the same rule that new changes meet
 * (registry_change.c), so that a ledger that was tampered with is refused and not believed. At most
 * one model is current: the row that sets one retires the other. Rows of other types are not
 * looked at.
 */
#include "risk/registry.h"
#include "risk/model.h"

#define TIME_MAX_MS INT64_C(9007199254740991)

const char *const spotopt__model_states[] = {NULL,     "uploaded", "shadow",
                                             "canary", "current",  "retired"};

const char *
spotopt__state_refusal(const spotopt__kept_model *model, int32_t to)
{
    int32_t from = model != NULL ? model->state : 0;

    switch (to) {
    case SPOTOPT_MODEL_UPLOADED:
        return from == 0 ? NULL : "there is one of that id, and an id is never used twice";
    case SPOTOPT_MODEL_SHADOW:
        return from == SPOTOPT_MODEL_UPLOADED ? NULL : "want it uploaded before";
    case SPOTOPT_MODEL_CANARY:
        return from == SPOTOPT_MODEL_SHADOW ? NULL : "want it in the shadow before";
    case SPOTOPT_MODEL_CURRENT:
        return from == SPOTOPT_MODEL_CANARY || (from == SPOTOPT_MODEL_RETIRED && model->was_current)
                   ? NULL
                   : "want a canary, or a retired one that was current";
    default:
        return from == SPOTOPT_MODEL_RETIRED ? "it is retired already" : NULL;
    }
}

/* A row's fields; texts belong to its JSON. */
typedef struct row {
    const char *id, *author, *reason;
    int64_t time_ms;
    int32_t state;
} row;

static spotopt_status
read_text(const spotopt__at *at, const char *key, const char **out, spotopt_error *err)
{
    spotopt__at field = spotopt__at_key(at, key);

    *out = "";
    return spotopt__at_is_set(&field) ? spotopt__want_text(&field, out, err) : SPOTOPT_OK;
}

static spotopt_status
read_row(const spotopt__at *at, row *out, spotopt_error *err)
{
    spotopt__at time = spotopt__at_key(at, "time_ms"), id = spotopt__at_key(at, "id"),
                state = spotopt__at_key(at, "state");
    const char *name;
    spotopt_status status = spotopt__want_int(&time, 0, TIME_MAX_MS, &out->time_ms, err);

    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&id, &out->id, err);
    if (status == SPOTOPT_OK && !spotopt__is_model_id(out->id))
        status = spotopt__fail_at(&id, err, "want 1 to 64 of A-Z a-z 0-9 . _ -");
    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&state, &name, err);
    out->state = 0;
    for (int32_t i = 1; status == SPOTOPT_OK && i <= SPOTOPT_MODEL_RETIRED; i++) {
        if (strcmp(name, spotopt__model_states[i]) == 0)
            out->state = i;
    }
    if (status == SPOTOPT_OK && out->state == 0)
        status = spotopt__fail_at(&state, err, "want uploaded, shadow, canary, current or retired");
    if (status == SPOTOPT_OK)
        status = read_text(at, "author", &out->author, err);
    if (status == SPOTOPT_OK)
        status = read_text(at, "reason", &out->reason, err);
    return status;
}

/* The document of an upload: where it stands in the line, checked as a model of that id. */
static spotopt_status
find_document(const spotopt_registry *registry, const char *line, size_t length, const char *name,
              const char *id, spotopt__json_span *out, spotopt_error *err)
{
    spotopt__json_span key, value;
    spotopt__json_walk walk;
    spotopt_model *model = NULL;
    spotopt_status status;

    *out = (spotopt__json_span){NULL, 0};
    if (spotopt__json_walk_into((spotopt__json_span){line, length}, &walk)) {
        while (spotopt__json_walk_next(&walk, &key, &value)) {
            if (key.length == 5 && memcmp(key.text, "model", 5) == 0)
                *out = value;
        }
    }
    if (out->text == NULL)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: /model is missing; want the document",
                             name);
    status = spotopt_model_parse(registry->context, out->text, out->length, name, &model, err);
    if (status == SPOTOPT_OK && strcmp(model->id, id) != 0)
        status = spotopt__fail(err, SPOTOPT_E_INPUT, "%s: /model/id is \"%s\"; want \"%s\"", name,
                               model->id, id);
    spotopt_model_free(model);
    return status;
}

static spotopt_status
take_row(spotopt_registry *registry, const row *r, const char *line, size_t length,
         const char *name, spotopt_error *err)
{
    uint32_t place = spotopt__map_get(&registry->by_id, r->id);
    spotopt__kept_model *model = place == SPOTOPT__NONE ? NULL : &registry->models.at[place];
    const char *why = model == NULL && r->state != SPOTOPT_MODEL_UPLOADED
                          ? "want it uploaded before"
                          : spotopt__state_refusal(model, r->state);
    const char *author = spotopt__arena_text(&registry->arena, r->author, strlen(r->author)),
               *reason = spotopt__arena_text(&registry->arena, r->reason, strlen(r->reason));

    if (why != NULL)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: model \"%s\" goes from %s to %s; %s", name,
                             r->id, model != NULL ? spotopt__model_states[model->state] : "nowhere",
                             spotopt__model_states[r->state], why);
    if (author == NULL || reason == NULL)
        return spotopt__nomem(err, "a registry");
    if (model == NULL) {
        spotopt__kept_model made = {0};
        spotopt__json_span document;
        spotopt_status status = find_document(registry, line, length, name, r->id, &document, err);

        if (status != SPOTOPT_OK)
            return status;
        made.id = spotopt__arena_text(&registry->arena, r->id, strlen(r->id));
        made.document = spotopt__arena_text(&registry->arena, document.text, document.length);
        made.document_length = document.length;
        made.uploaded_ms = r->time_ms;
        if (made.id == NULL || made.document == NULL ||
            !spotopt__vec_reserve(registry->context, &registry->models, 1) ||
            !spotopt__map_put(&registry->by_id, made.id, (uint32_t)registry->models.count, &place))
            return spotopt__nomem(err, "a registry");
        registry->models.at[registry->models.count++] = made;
        model = &registry->models.at[place];
    }
    if (registry->current == place && r->state != SPOTOPT_MODEL_CURRENT)
        registry->current = SIZE_MAX;
    if (r->state == SPOTOPT_MODEL_CURRENT) {
        if (registry->current != SIZE_MAX) {
            spotopt__kept_model *last = &registry->models.at[registry->current];

            last->state = SPOTOPT_MODEL_RETIRED;
            last->changed_ms = r->time_ms;
        }
        registry->current = place;
        model->was_current = true;
    }
    model->state = r->state;
    model->changed_ms = r->time_ms;
    model->author = author;
    model->reason = reason;
    return SPOTOPT_OK;
}

static bool
has_text(const char *line, size_t length, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= length; i++) {
        const char *hit = memchr(line + i, text[0], length - i - size + 1);

        if (hit == NULL)
            return false;
        if (memcmp(hit, text, size) == 0)
            return true;
        i = (size_t)(hit - line);
    }
    return false;
}

static spotopt_status
read_line(spotopt_registry *registry, const char *line, size_t length, const char *name,
          spotopt_error *err)
{
    spotopt__json *json = NULL;
    spotopt_status status;
    row r = {0};

    while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
        length--;
    while (length > 0 && strchr(" \t", line[0]) != NULL)
        line++, length--;
    if (length == 0)
        return SPOTOPT_OK;
    if (line[0] != '{' || line[length - 1] != '}')
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: no JSON object; want one a line", name);
    /* Most rows of a ledger are of other types; they cost a look. */
    if (!has_text(line, length, "\"model\""))
        return SPOTOPT_OK;
    status = spotopt__json_parse(line, length, name, &json, err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__at at = spotopt__at_root(json, name), type = spotopt__at_key(&at, "type");
    const char *text = type.value != NULL ? spotopt__json_text(type.value) : NULL;
    if (text != NULL && strcmp(text, "model") == 0) {
        status = read_row(&at, &r, err);
        if (status == SPOTOPT_OK)
            status = take_row(registry, &r, line, length, name, err);
    }
    spotopt__json_free(json);
    return status;
}

spotopt_status
spotopt_registry_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                       spotopt_registry **out, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;
    spotopt_registry *registry;
    size_t number = 0;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    registry = spotopt__alloc(context, sizeof *registry);
    if (registry == NULL)
        return spotopt__nomem(err, "a registry");
    registry->context = spotopt__context_hold(context);
    spotopt__arena_init(&registry->arena, context);
    spotopt__map_init(&registry->by_id, context);
    registry->current = SIZE_MAX;
    for (size_t at = 0; status == SPOTOPT_OK && at < length; number++) {
        const char *feed = memchr(text + at, '\n', length - at);
        size_t end = feed != NULL ? (size_t)(feed - text) : length;
        spotopt__str line_name;

        spotopt__str_init(&line_name, context);
        spotopt__str_addf(&line_name, "%.200s:%zu", name != NULL ? name : "ledger", number + 1);
        status = line_name.failed ? spotopt__nomem(err, "a registry")
                                  : read_line(registry, text + at, end - at, line_name.at, err);
        spotopt__str_free(&line_name);
        at = end + 1;
    }
    if (status == SPOTOPT_OK)
        *out = registry;
    else
        spotopt_registry_free(registry);
    return status;
}

void
spotopt_registry_free(spotopt_registry *registry)
{
    if (registry == NULL)
        return;
    spotopt_context *context = registry->context;
    spotopt__vec_free(context, &registry->models);
    spotopt__map_free(&registry->by_id);
    spotopt__arena_free(&registry->arena);
    spotopt__free(context, registry);
    spotopt__context_drop(context);
}

size_t
spotopt_registry_count(const spotopt_registry *registry)
{
    return registry->models.count;
}

size_t
spotopt_registry_find(const spotopt_registry *registry, const char *id)
{
    uint32_t place;

    if (id == NULL)
        return registry->current;
    place = spotopt__map_get(&registry->by_id, id);
    return place == SPOTOPT__NONE ? SIZE_MAX : place;
}

spotopt_status
spotopt_registry_at(const spotopt_registry *registry, size_t index, spotopt_registry_entry *out,
                    spotopt_error *err)
{
    spotopt_registry_entry made = SPOTOPT_REGISTRY_ENTRY_INIT;

    if (index >= registry->models.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "index is %zu; want less than %zu", index,
                             registry->models.count);
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_REGISTRY_ENTRY_INIT");
    const spotopt__kept_model *model = &registry->models.at[index];
    made.size = out->size;
    made.id = model->id;
    made.author = model->author;
    made.reason = model->reason;
    made.uploaded_ms = model->uploaded_ms;
    made.changed_ms = model->changed_ms;
    made.state = model->state;
    made.was_current = model->was_current;
    made.document = model->document;
    made.document_length = model->document_length;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}
