/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_model.c - a Model document, perhaps from a stranger, becomes a model or is refused.
 *
 * What scoring relies on is checked here, once: features known and none twice, arrays of the sizes
 * that follow from them, numbers finite and of a magnitude that sums of them stay finite, scales
 * above 0, knots and edges that do not fall, horizons that rise, a covariance that is one. Sizes
 * are looked at before anything of that size is allocated. The hazard's leads are fixed: a document
 * with others is not ours to score.
 */
#include "io/maybe.h"
#include "risk/model.h"

#define COEFFICIENT_MAX 1e4
#define VALUE_MAX 1e9 /* of a feature's mean and edges */
#define SCALE_MIN 1e-9
#define TEXT_MAX 65536
#define HORIZON_MAX_H 87600.0
#define TIME_MAX_S 1e12

typedef struct reader {
    spotopt_model *model;
    bool warned;
} reader;

/* An array of so many numbers. */
static spotopt_status
read_reals(const spotopt__at *parent, const char *key, double least, double most, double *out,
           size_t count, spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(parent, key);
    spotopt_status status = spotopt__want_array(&list, err);

    if (status != SPOTOPT_OK)
        return status;
    if (spotopt__json_count(list.value) != count)
        return spotopt__fail_at(&list, err, "want %zu numbers, not %zu", count,
                                spotopt__json_count(list.value));
    for (spotopt__at it = spotopt__at_first(&list); it.value != NULL && status == SPOTOPT_OK;
         spotopt__at_step(&it))
        status = spotopt__want_real(&it, least, most, &out[it.index], err);
    return status;
}

static spotopt_status
want_member(const spotopt__at *parent, const char *key, double least, double most, double *out,
            spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    return spotopt__want_real(&at, least, most, out, err);
}

static spotopt_status
want_count(const spotopt__at *parent, const char *key, uint64_t *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);
    int64_t value = 0;
    spotopt_status status = spotopt__want_int(&at, 0, INT64_MAX, &value, err);

    *out = (uint64_t)value;
    return status;
}

static spotopt_status
read_feature(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {"name", "mean", "scale", "beta", "gamma", "edges", NULL};
    spotopt_model *m = r->model;
    const size_t f = item->index;
    double *edges = m->edges + SPOTOPT__EDGES * f;
    const char *name = NULL;
    spotopt_status status = spotopt__want_object(item, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(m->context, item, known, &r->warned);
    spotopt__at name_at = spotopt__at_key(item, "name"), edges_at = spotopt__at_key(item, "edges");
    status = spotopt__want_name(&name_at, &name, err);
    if (status != SPOTOPT_OK)
        return status;
    m->feature[f] = spotopt__feature_find(name);
    if (m->feature[f] == SPOTOPT__NONE) {
        char quoted[SPOTOPT__QUOTE_SIZE];
        return spotopt__fail_at(&name_at, err, "%s is no feature of this version",
                                spotopt__quote(name, quoted));
    }
    for (size_t i = 0; i < f; i++) {
        if (m->feature[i] == m->feature[f])
            return spotopt__fail_at(&name_at, err, "the feature is there twice");
    }
    status = want_member(item, "mean", -VALUE_MAX, VALUE_MAX, &m->mean[f], err);
    if (status == SPOTOPT_OK)
        status = want_member(item, "scale", SCALE_MIN, VALUE_MAX, &m->scale[f], err);
    if (status == SPOTOPT_OK)
        status = want_member(item, "beta", -COEFFICIENT_MAX, COEFFICIENT_MAX, &m->beta[f], err);
    if (status == SPOTOPT_OK)
        status = want_member(item, "gamma", -COEFFICIENT_MAX, COEFFICIENT_MAX, &m->gamma[f], err);
    if (status != SPOTOPT_OK)
        return status;
    if (!spotopt__at_is_set(&edges_at)) {
        edges[0] = NAN;
        return SPOTOPT_OK;
    }
    status = read_reals(item, "edges", -VALUE_MAX, VALUE_MAX, edges, SPOTOPT__EDGES, err);
    for (size_t i = 1; status == SPOTOPT_OK && i < SPOTOPT__EDGES; i++) {
        if (edges[i] < edges[i - 1])
            return spotopt__fail_at(&edges_at, err, "item %zu is below the one before", i);
    }
    return status;
}

static spotopt_status
read_covariance(spotopt_model *m, const spotopt__at *hazard, spotopt_error *err)
{
    const size_t order = spotopt__model_order(m);
    spotopt__at list = spotopt__at_key(hazard, "covariance");
    spotopt_status status = spotopt__want_array(&list, err);

    if (status != SPOTOPT_OK)
        return status;
    if (spotopt__json_count(list.value) != order)
        return spotopt__fail_at(&list, err, "want %zu rows, not %zu", order,
                                spotopt__json_count(list.value));
    for (spotopt__at row = spotopt__at_first(&list); row.value != NULL; spotopt__at_step(&row)) {
        double *out = m->covariance + row.index * order;

        status = spotopt__want_array(&row, err);
        if (status != SPOTOPT_OK)
            return status;
        if (spotopt__json_count(row.value) != order)
            return spotopt__fail_at(&row, err, "want %zu numbers, not %zu", order,
                                    spotopt__json_count(row.value));
        for (spotopt__at it = spotopt__at_first(&row); it.value != NULL; spotopt__at_step(&it)) {
            const bool is_variance = it.index == row.index;

            status = spotopt__want_real(&it, is_variance ? 0.0 : -VALUE_MAX, VALUE_MAX,
                                        &out[it.index], err);
            if (status != SPOTOPT_OK)
                return status;
            if (it.index < row.index &&
                m->covariance[it.index * order + row.index] != out[it.index])
                return spotopt__fail_at(&it, err,
                                        "is not what stands at %zu/%zu; want it symmetric",
                                        it.index, row.index);
        }
    }
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < i; j++) {
            double most = sqrt(m->covariance[i * order + i]) * sqrt(m->covariance[j * order + j]);

            if (fabs(m->covariance[i * order + j]) > most * (1.0 + 1e-6))
                return spotopt__fail_at(
                    &list, err, "item %zu/%zu is more than the variances there allow", i, j);
        }
    }
    return SPOTOPT_OK;
}

/* The number of members of an array, refused beyond most; status tells. */
static spotopt_status
count_of(const spotopt__at *list, size_t most, size_t *out, spotopt_error *err)
{
    spotopt_status status = spotopt__want_array(list, err);

    if (status != SPOTOPT_OK)
        return status;
    *out = spotopt__json_count(list->value);
    if (*out > most)
        return spotopt__fail_at(list, err, "want at most %zu items, not %zu", most, *out);
    return SPOTOPT_OK;
}

static spotopt_status
read_hazard(reader *r, const spotopt__at *hazard, spotopt_error *err)
{
    static const char *const known[] = {"lead_hours", "intercepts", "features", "covariance", NULL};
    spotopt_model *m = r->model;
    spotopt__at features = spotopt__at_key(hazard, "features");
    double lead_h[SPOTOPT__LEADS];
    spotopt_status status;

    spotopt__warn_unknown(m->context, hazard, known, &r->warned);
    status = read_reals(hazard, "lead_hours", 0.0, HORIZON_MAX_H, lead_h, SPOTOPT__LEADS, err);
    for (size_t k = 0; status == SPOTOPT_OK && k < SPOTOPT__LEADS; k++) {
        spotopt__at leads = spotopt__at_key(hazard, "lead_hours");

        if (lead_h[k] != spotopt__lead_h[k])
            return spotopt__fail_at(&leads, err,
                                    "item %zu differs; want 0.25, 0.5, 1, 2, 4, 8, 16, 24", k);
    }
    if (status == SPOTOPT_OK)
        status = read_reals(hazard, "intercepts", -COEFFICIENT_MAX, COEFFICIENT_MAX, m->a,
                            SPOTOPT__LEADS, err);
    for (spotopt__at it = spotopt__at_first(&features); it.value != NULL && status == SPOTOPT_OK;
         spotopt__at_step(&it))
        status = read_feature(r, &it, err);
    if (status == SPOTOPT_OK)
        status = read_covariance(m, hazard, err);
    return status;
}

static spotopt_status
read_knots(reader *r, const spotopt__at *item, spotopt_error *err)
{
    spotopt__at knots = spotopt__at_key(item, "knots");
    spotopt__calibrator *c = &r->model->calibrators[item->index];
    size_t count = 0;
    spotopt_status status;

    if (!spotopt__at_is_set(&knots))
        return SPOTOPT_OK;
    status = count_of(&knots, SPOTOPT__KNOTS_MAX, &count, err);
    if (status != SPOTOPT_OK || count == 0)
        return status;
    if (count == 1)
        return spotopt__fail_at(&knots, err, "want none, or at least 2 knots");
    if (!spotopt__model_set_knots(r->model, item->index, count))
        return spotopt__nomem(err, "knots");
    for (spotopt__at it = spotopt__at_first(&knots); it.value != NULL; spotopt__at_step(&it)) {
        const size_t k = it.index;
        spotopt__at x, y;

        status = spotopt__want_array(&it, err);
        if (status != SPOTOPT_OK)
            return status;
        if (spotopt__json_count(it.value) != 2)
            return spotopt__fail_at(&it, err, "want a pair x, y");
        x = y = spotopt__at_first(&it);
        spotopt__at_step(&y);
        status = spotopt__want_real(&x, 0.0, 1.0, &c->x[k], err);
        if (status == SPOTOPT_OK)
            status = spotopt__want_real(&y, 0.0, 1.0, &c->y[k], err);
        if (status != SPOTOPT_OK)
            return status;
        if (k > 0 && !(c->x[k] > c->x[k - 1]))
            return spotopt__fail_at(&x, err, "want x above the knot's before");
        if (k > 0 && !(c->y[k] >= c->y[k - 1]))
            return spotopt__fail_at(&y, err, "want y not below the knot's before");
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_calibrator(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {"horizon_hours", "bias",  "slope",
                                        "evidence",      "knots", NULL};
    spotopt_model *m = r->model;
    spotopt__calibrator *c = &m->calibrators[item->index];
    spotopt__at horizon = spotopt__at_key(item, "horizon_hours");
    spotopt_status status = spotopt__want_object(item, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(m->context, item, known, &r->warned);
    status = spotopt__want_real(&horizon, 1e-3, HORIZON_MAX_H, &c->horizon_h, err);
    if (status != SPOTOPT_OK)
        return status;
    if (item->index > 0 && !(c->horizon_h > c[-1].horizon_h))
        return spotopt__fail_at(&horizon, err, "want horizons that rise");
    status = want_member(item, "bias", -100.0, 100.0, &c->bias, err);
    if (status == SPOTOPT_OK)
        status = want_member(item, "slope", 0.0, 100.0, &c->slope, err);
    if (status == SPOTOPT_OK)
        status = want_member(item, "evidence", 0.0, 100.0, &c->evidence, err);
    return status == SPOTOPT_OK ? read_knots(r, item, err) : status;
}

static spotopt_status
read_evidence(reader *r, const spotopt__at *root, spotopt_error *err)
{
    static const char *const known[] = {"tau_hours", "kappa", "alpha", "mean_per_hour", NULL};
    spotopt_model *m = r->model;
    spotopt__at evidence = spotopt__at_key(root, "evidence");
    spotopt_status status = spotopt__want_object(&evidence, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(m->context, &evidence, known, &r->warned);
    status = want_member(&evidence, "tau_hours", 1e-3, HORIZON_MAX_H, &m->evidence_tau_h, err);
    if (status == SPOTOPT_OK)
        status = want_member(&evidence, "kappa", 1e-6, 1e6, &m->evidence_kappa, err);
    if (status == SPOTOPT_OK)
        status = want_member(&evidence, "alpha", 1e-6, 1e6, &m->evidence_alpha, err);
    if (status == SPOTOPT_OK)
        status = want_member(&evidence, "mean_per_hour", 1e-9, 1e4, &m->evidence_mean, err);
    return status;
}

/* A number, or null which is NaN. */
static spotopt_status
want_or_null(const spotopt__at *parent, const char *key, double *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    *out = NAN;
    return spotopt__at_is_set(&at) ? spotopt__want_real(&at, -1e15, 1e15, out, err) : SPOTOPT_OK;
}

static spotopt_status
read_metrics(reader *r, const spotopt__at *card, spotopt_error *err)
{
    static const char *const known[] = {"metric", "horizon_hours", "value", "low", "high", NULL};
    spotopt_model *m = r->model;
    spotopt__at list = spotopt__at_key(card, "metrics");
    size_t count = 0;
    spotopt_status status;

    if (!spotopt__at_is_set(&list))
        return SPOTOPT_OK;
    status = count_of(&list, SPOTOPT__CARD_METRICS_MAX, &count, err);
    for (spotopt__at it = spotopt__at_first(&list); it.value != NULL && status == SPOTOPT_OK;
         spotopt__at_step(&it)) {
        spotopt__at name_at = spotopt__at_key(&it, "metric");
        spotopt__card_entry e = {"", 0.0, NAN, NAN, NAN};

        status = spotopt__want_object(&it, err);
        if (status != SPOTOPT_OK)
            break;
        spotopt__warn_unknown(m->context, &it, known, &r->warned);
        status = spotopt__want_name(&name_at, &e.metric, err);
        if (status == SPOTOPT_OK && strlen(e.metric) > 64)
            status = spotopt__fail_at(&name_at, err, "want at most 64 characters");
        if (status == SPOTOPT_OK)
            status = want_member(&it, "horizon_hours", 0.0, HORIZON_MAX_H, &e.horizon_h, err);
        if (status == SPOTOPT_OK)
            status = want_or_null(&it, "value", &e.value, err);
        if (status == SPOTOPT_OK)
            status = want_or_null(&it, "low", &e.low, err);
        if (status == SPOTOPT_OK)
            status = want_or_null(&it, "high", &e.high, err);
        if (status == SPOTOPT_OK &&
            !spotopt__model_put_metric(m, e.metric, e.horizon_h, e.value, e.low, e.high))
            status = spotopt__nomem(err, "metrics of a model");
    }
    return status;
}

static spotopt_status
read_sha(spotopt_model *m, const spotopt__at *card, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(card, "history_sha256");
    const char *text = NULL;
    spotopt_status status = spotopt__want_text(&at, &text, err);

    if (status != SPOTOPT_OK)
        return status;
    if (text[0] != '\0' && (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64))
        return spotopt__fail_at(&at, err, "want 64 hexadecimal digits, or none");
    memcpy(m->history_sha256, text, strlen(text) + 1);
    return SPOTOPT_OK;
}

static spotopt_status
read_limits(spotopt_model *m, const spotopt__at *card, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(card, "limits");
    const char *text = NULL;
    spotopt_status status;

    if (!spotopt__at_is_set(&at))
        return SPOTOPT_OK;
    status = spotopt__want_text(&at, &text, err);
    if (status != SPOTOPT_OK)
        return status;
    if (strlen(text) > TEXT_MAX)
        return spotopt__fail_at(&at, err, "want at most %d bytes", TEXT_MAX);
    return spotopt__model_set_limits(m, text) ? SPOTOPT_OK : spotopt__nomem(err, "limits");
}

static spotopt_status
read_card(reader *r, const spotopt__at *root, spotopt_error *err)
{
    static const char *const known[] = {
        "from_s", "to_s",    "calibrate_to_s", "step_s", "history_sha256", "rows", "events",
        "pools",  "metrics", "limits",         NULL};
    spotopt_model *m = r->model;
    spotopt__at card = spotopt__at_key(root, "card"), to = spotopt__at_key(&card, "to_s"),
                calibrate_to = spotopt__at_key(&card, "calibrate_to_s");
    spotopt_status status = spotopt__want_object(&card, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(m->context, &card, known, &r->warned);
    status = want_member(&card, "from_s", -TIME_MAX_S, TIME_MAX_S, &m->from_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_real(&to, m->from_s, TIME_MAX_S, &m->to_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_real(&calibrate_to, m->to_s, TIME_MAX_S, &m->calibrate_to_s, err);
    if (status == SPOTOPT_OK)
        status = want_member(&card, "step_s", 1e-3, 1e9, &m->step_s, err);
    if (status == SPOTOPT_OK)
        status = read_sha(m, &card, err);
    if (status == SPOTOPT_OK)
        status = want_count(&card, "rows", &m->rows, err);
    if (status == SPOTOPT_OK)
        status = want_count(&card, "events", &m->events, err);
    if (status == SPOTOPT_OK)
        status = want_count(&card, "pools", &m->pools, err);
    if (status == SPOTOPT_OK)
        status = read_metrics(r, &card, err);
    if (status == SPOTOPT_OK)
        status = read_limits(m, &card, err);
    return status;
}

static spotopt_status
read_head(const spotopt__at *root, const char **out_id, bool *out_is_availability,
          spotopt_error *err)
{
    spotopt__at version = spotopt__at_key(root, "schema_version"), id = spotopt__at_key(root, "id"),
                target = spotopt__at_key(root, "target");
    const char *text = NULL;
    int64_t number = 0;
    spotopt_status status = spotopt__want_kind(root, "Model", err);

    if (status == SPOTOPT_OK)
        status = spotopt__want_int(&version, 1, INT64_MAX, &number, err);
    if (status == SPOTOPT_OK && number > SPOTOPT__MODEL_SCHEMA)
        return spotopt__fail_at(&version, err,
                                "%lld is from a later version than this, which reads %d",
                                (long long)number, SPOTOPT__MODEL_SCHEMA);
    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&id, out_id, err);
    if (status == SPOTOPT_OK && !spotopt__is_model_id(*out_id))
        return spotopt__fail_at(&id, err, "want 1 to 64 of A-Z a-z 0-9 . _ -");
    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&target, &text, err);
    if (status != SPOTOPT_OK)
        return status;
    *out_is_availability = strcmp(text, "availability") == 0;
    if (!*out_is_availability && strcmp(text, "drop") != 0)
        return spotopt__fail_at(&target, err, "want \"drop\" or \"availability\"");
    return SPOTOPT_OK;
}

static spotopt_status
read_model(spotopt_context *context, const spotopt__at *root, spotopt_model **out,
           spotopt_error *err)
{
    static const char *const known[] = {
        "apiVersion",  "kind",     "schema_version", "id",   "target", "hazard",
        "calibrators", "evidence", "lost_share",     "card", NULL};
    spotopt__at hazard = spotopt__at_key(root, "hazard"),
                calibrators = spotopt__at_key(root, "calibrators");
    size_t features = 0, horizons = 0;
    const char *id = NULL;
    bool is_availability = false;
    reader r = {NULL, false};
    spotopt_status status = read_head(root, &id, &is_availability, err);

    if (status == SPOTOPT_OK)
        status = spotopt__want_object(&hazard, err);
    if (status == SPOTOPT_OK) {
        spotopt__at list = spotopt__at_key(&hazard, "features");
        status = count_of(&list, spotopt__feature_count, &features, err);
    }
    if (status == SPOTOPT_OK)
        status = count_of(&calibrators, SPOTOPT__CALIBRATORS_MAX, &horizons, err);
    if (status != SPOTOPT_OK)
        return status;
    r.model = *out = spotopt__model_new(context, (uint32_t)features, horizons);
    if (*out == NULL || !spotopt__model_set_id(*out, id))
        return spotopt__nomem(err, "a model");
    (*out)->is_availability = is_availability;
    spotopt__warn_unknown(context, root, known, &r.warned);
    status = read_hazard(&r, &hazard, err);
    for (spotopt__at it = spotopt__at_first(&calibrators); it.value != NULL && status == SPOTOPT_OK;
         spotopt__at_step(&it))
        status = read_calibrator(&r, &it, err);
    if (status == SPOTOPT_OK)
        status = read_evidence(&r, root, err);
    if (status == SPOTOPT_OK)
        status = want_member(root, "lost_share", 0.0, 1.0, &(*out)->lost_share, err);
    if (status == SPOTOPT_OK)
        status = read_card(&r, root, err);
    return status;
}

spotopt_status
spotopt_model_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                    spotopt_model **out, spotopt_error *err)
{
    spotopt_model *model = NULL;
    spotopt__json *json = NULL;
    spotopt_status status;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    if (name == NULL)
        name = "model";
    status = spotopt__json_parse(text, length, name, &json, err);
    if (status == SPOTOPT_OK) {
        spotopt__at root = spotopt__at_root(json, name);
        status = read_model(context, &root, &model, err);
    }
    spotopt__json_free(json);
    if (status != SPOTOPT_OK) {
        spotopt_model_free(model);
        return status;
    }
    spotopt__sha256_hex(text, length, model->sha256);
    *out = model;
    return SPOTOPT_OK;
}
