/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - the life of a risk model, and what may be asked of it.
 *
 * A model is made by a fit (hazard.c) or read from a document (src/io/json_model.c), and not
 * changed after it was given to a caller. All of it lies in one arena.
 */
#include "risk/model.h"
#include "risk/risk.h"

const double spotopt__lead_h[SPOTOPT__LEADS] = {0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0};

static bool
make_arrays(spotopt_model *m, uint32_t features, size_t calibrators)
{
    const size_t order = SPOTOPT__LEADS + 2 * (size_t)features;
    spotopt__arena *arena = &m->arena;

    m->feature_count = features;
    m->calibrator_count = calibrators;
    m->feature = spotopt__arena_alloc(arena, features, sizeof *m->feature);
    m->mean = spotopt__arena_alloc(arena, features, sizeof *m->mean);
    m->scale = spotopt__arena_alloc(arena, features, sizeof *m->scale);
    m->beta = spotopt__arena_alloc(arena, features, sizeof *m->beta);
    m->gamma = spotopt__arena_alloc(arena, features, sizeof *m->gamma);
    m->edges = spotopt__arena_alloc(arena, SPOTOPT__EDGES * (size_t)features, sizeof *m->edges);
    m->covariance = spotopt__arena_alloc(arena, order * order, sizeof *m->covariance);
    m->calibrators = spotopt__arena_alloc(arena, calibrators, sizeof *m->calibrators);
    if (m->feature == NULL || m->mean == NULL || m->scale == NULL || m->beta == NULL ||
        m->gamma == NULL || m->edges == NULL || m->covariance == NULL || m->calibrators == NULL)
        return false;
    for (uint32_t f = 0; f < features; f++)
        m->scale[f] = 1.0;
    for (size_t c = 0; c < calibrators; c++)
        m->calibrators[c].slope = 1.0;
    return true;
}

spotopt_model *
spotopt__model_new(spotopt_context *context, uint32_t feature_count, size_t calibrator_count)
{
    spotopt_model *m = spotopt__alloc(context, sizeof *m);

    if (m == NULL)
        return NULL;
    m->context = spotopt__context_hold(context);
    m->holders = 1;
    spotopt__arena_init(&m->arena, context);
    m->id = "model";
    m->limits = "";
    m->lost_share = 1.0;
    m->evidence_tau_h = SPOTOPT__RISK_TAU_H;
    m->evidence_kappa = SPOTOPT__RISK_KAPPA;
    m->evidence_alpha = SPOTOPT__RISK_SHIPPED_ALPHA;
    m->evidence_mean = spotopt__bucket_rate(-1);
    if (!make_arrays(m, feature_count, calibrator_count)) {
        spotopt_model_free(m);
        return NULL;
    }
    return m;
}

void
spotopt_model_free(spotopt_model *model)
{
    if (model == NULL || atomic_fetch_sub(&model->holders, 1) > 1)
        return;
    spotopt_context *context = model->context;
    spotopt__vec_free(context, &model->metrics);
    spotopt__arena_free(&model->arena);
    spotopt__free(context, model);
    spotopt__context_drop(context);
}

const spotopt_model *
spotopt__model_hold(const spotopt_model *model)
{
    if (model != NULL)
        atomic_fetch_add(&((spotopt_model *)(uintptr_t)model)->holders, 1);
    return model;
}

bool
spotopt__model_sha256(const spotopt_model *model, char out[65])
{
    char *text = NULL;
    size_t length = 0;

    memcpy(out, model->sha256, sizeof model->sha256);
    if (out[0] != '\0')
        return true;
    if (spotopt_model_write(model, &text, &length, NULL) != SPOTOPT_OK)
        return false;
    spotopt__sha256_hex(text, length, out);
    spotopt_text_free(model->context, text);
    return true;
}

bool
spotopt__model_set_knots(spotopt_model *model, size_t calibrator, size_t knots)
{
    spotopt__calibrator *c = &model->calibrators[calibrator];

    c->x = spotopt__arena_alloc(&model->arena, knots, sizeof *c->x);
    c->y = spotopt__arena_alloc(&model->arena, knots, sizeof *c->y);
    c->knots = c->x != NULL && c->y != NULL ? knots : 0;
    return c->knots == knots;
}

static bool
set_text(spotopt_model *model, const char **at, const char *text)
{
    const char *copy = spotopt__arena_text(&model->arena, text, strlen(text));

    if (copy == NULL)
        return false;
    *at = copy;
    return true;
}

bool
spotopt__model_set_id(spotopt_model *model, const char *id)
{
    return set_text(model, &model->id, id);
}

bool
spotopt__model_set_limits(spotopt_model *model, const char *limits)
{
    return set_text(model, &model->limits, limits);
}

bool
spotopt__model_put_metric(spotopt_model *model, const char *metric, double horizon_h, double value,
                          double low, double high)
{
    spotopt__card_entry entry = {NULL, horizon_h, value, low, high};

    for (size_t i = 0; i < model->metrics.count; i++) {
        if (model->metrics.at[i].horizon_h == horizon_h &&
            strcmp(model->metrics.at[i].metric, metric) == 0) {
            entry.metric = model->metrics.at[i].metric;
            model->metrics.at[i] = entry;
            return true;
        }
    }
    return set_text(model, &entry.metric, metric) &&
           spotopt__vec_push(model->context, &model->metrics, entry);
}

bool
spotopt__is_model_id(const char *text)
{
    size_t length = 0;

    for (; text[length] != '\0'; length++) {
        const char c = text[length];

        if (length == 64 || !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return length > 0;
}

/* What a caller's struct of a size may take of ours, its size set. */
static spotopt_status
hand_out(void *out, size_t *size, void *made, size_t made_size, const char *init,
         spotopt_error *err)
{
    if (out == NULL || *size < sizeof *size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out.size is not set; want %s", init);
    *(size_t *)made = *size;
    memcpy(out, made, *size < made_size ? *size : made_size);
    return SPOTOPT_OK;
}

static spotopt_status
check_index(size_t index, size_t count, spotopt_error *err)
{
    return index < count ? SPOTOPT_OK
                         : spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                         "index is %zu; want less than %zu", index, count);
}

spotopt_status
spotopt_model_card_get(const spotopt_model *model, spotopt_model_card *out, spotopt_error *err)
{
    spotopt_model_card made = SPOTOPT_MODEL_CARD_INIT;

    made.id = model->id;
    made.target = model->is_availability ? "availability" : "drop";
    made.history_sha256 = model->history_sha256;
    made.limits = model->limits;
    made.from_s = model->from_s;
    made.to_s = model->to_s;
    made.calibrate_to_s = model->calibrate_to_s;
    made.step_s = model->step_s;
    made.lost_share = model->lost_share;
    made.rows = model->rows;
    made.events = model->events;
    made.pools = model->pools;
    made.feature_count = model->feature_count;
    made.calibrator_count = (uint32_t)model->calibrator_count;
    made.metric_count = (uint32_t)model->metrics.count;
    return hand_out(out, out != NULL ? &out->size : NULL, &made, sizeof made,
                    "SPOTOPT_MODEL_CARD_INIT", err);
}

spotopt_status
spotopt_model_metric_at(const spotopt_model *model, size_t index, spotopt_model_metric *out,
                        spotopt_error *err)
{
    spotopt_model_metric made = SPOTOPT_MODEL_METRIC_INIT;
    spotopt_status status = check_index(index, model->metrics.count, err);

    if (status != SPOTOPT_OK)
        return status;
    const spotopt__card_entry *entry = &model->metrics.at[index];
    made.metric = entry->metric;
    made.horizon_h = entry->horizon_h;
    made.value = entry->value;
    made.low = entry->low;
    made.high = entry->high;
    return hand_out(out, out != NULL ? &out->size : NULL, &made, sizeof made,
                    "SPOTOPT_MODEL_METRIC_INIT", err);
}

spotopt_status
spotopt_model_feature_at(const spotopt_model *model, size_t index, spotopt_model_feature *out,
                         spotopt_error *err)
{
    spotopt_model_feature made = SPOTOPT_MODEL_FEATURE_INIT;
    spotopt_status status = check_index(index, model->feature_count, err);

    if (status != SPOTOPT_OK)
        return status;
    made.name = spotopt__features[model->feature[index]].name;
    made.group = spotopt__features[model->feature[index]].group;
    made.mean = model->mean[index];
    made.scale = model->scale[index];
    made.beta = model->beta[index];
    made.gamma = model->gamma[index];
    return hand_out(out, out != NULL ? &out->size : NULL, &made, sizeof made,
                    "SPOTOPT_MODEL_FEATURE_INIT", err);
}
