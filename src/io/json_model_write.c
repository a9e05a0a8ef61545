/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_model_write.c - writes a model as a document that reads back as the same model.
 *
 * The lower half of the covariance is written into both, so that rounding in a fit leaves no
 * difference between them. A number without a value, such as an interval that is not known, is
 * null.
 */
#include "risk/model.h"

static void
put_reals(spotopt__jw *jw, const char *key, const double *at, size_t count)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_array(jw);
    for (size_t i = 0; i < count; i++)
        spotopt__jw_real(jw, at[i]);
    spotopt__jw_end_array(jw);
}

static void
put_list(spotopt__jw *jw, const char *key)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_array(jw);
}

static void
put_hazard(spotopt__jw *jw, const spotopt_model *m)
{
    const size_t order = spotopt__model_order(m);

    spotopt__jw_key(jw, "hazard");
    spotopt__jw_object(jw);
    put_reals(jw, "lead_hours", spotopt__lead_h, SPOTOPT__LEADS);
    put_reals(jw, "intercepts", m->a, SPOTOPT__LEADS);
    put_list(jw, "features");
    for (uint32_t f = 0; f < m->feature_count; f++) {
        const double *edges = m->edges + SPOTOPT__EDGES * (size_t)f;

        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "name", spotopt__features[m->feature[f]].name);
        spotopt__jw_put_real(jw, "mean", m->mean[f]);
        spotopt__jw_put_real(jw, "scale", m->scale[f]);
        spotopt__jw_put_real(jw, "beta", m->beta[f]);
        spotopt__jw_put_real(jw, "gamma", m->gamma[f]);
        if (isnan(edges[0])) {
            spotopt__jw_key(jw, "edges");
            spotopt__jw_null(jw);
        } else
            put_reals(jw, "edges", edges, SPOTOPT__EDGES);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    put_list(jw, "covariance");
    for (size_t i = 0; i < order; i++) {
        spotopt__jw_array(jw);
        for (size_t j = 0; j < order; j++)
            spotopt__jw_real(jw, m->covariance[i > j ? i * order + j : j * order + i]);
        spotopt__jw_end_array(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

static void
put_calibrators(spotopt__jw *jw, const spotopt_model *m)
{
    put_list(jw, "calibrators");
    for (size_t i = 0; i < m->calibrator_count; i++) {
        const spotopt__calibrator *c = &m->calibrators[i];

        spotopt__jw_object(jw);
        spotopt__jw_put_real(jw, "horizon_hours", c->horizon_h);
        spotopt__jw_put_real(jw, "bias", c->bias);
        spotopt__jw_put_real(jw, "slope", c->slope);
        spotopt__jw_put_real(jw, "evidence", c->evidence);
        put_list(jw, "knots");
        for (size_t k = 0; k < c->knots; k++) {
            spotopt__jw_array(jw);
            spotopt__jw_real(jw, c->x[k]);
            spotopt__jw_real(jw, c->y[k]);
            spotopt__jw_end_array(jw);
        }
        spotopt__jw_end_array(jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_key(jw, "evidence");
    spotopt__jw_object(jw);
    spotopt__jw_put_real(jw, "tau_hours", m->evidence_tau_h);
    spotopt__jw_put_real(jw, "kappa", m->evidence_kappa);
    spotopt__jw_put_real(jw, "alpha", m->evidence_alpha);
    spotopt__jw_put_real(jw, "mean_per_hour", m->evidence_mean);
    spotopt__jw_end_object(jw);
}

static void
put_card(spotopt__jw *jw, const spotopt_model *m)
{
    spotopt__jw_key(jw, "card");
    spotopt__jw_object(jw);
    spotopt__jw_put_real(jw, "from_s", m->from_s);
    spotopt__jw_put_real(jw, "to_s", m->to_s);
    spotopt__jw_put_real(jw, "calibrate_to_s", m->calibrate_to_s);
    spotopt__jw_put_real(jw, "step_s", m->step_s);
    spotopt__jw_put_text(jw, "history_sha256", m->history_sha256);
    spotopt__jw_put_int(jw, "rows", (int64_t)m->rows);
    spotopt__jw_put_int(jw, "events", (int64_t)m->events);
    spotopt__jw_put_int(jw, "pools", (int64_t)m->pools);
    put_list(jw, "metrics");
    for (size_t i = 0; i < m->metrics.count; i++) {
        const spotopt__card_entry *e = &m->metrics.at[i];

        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "metric", e->metric);
        spotopt__jw_put_real(jw, "horizon_hours", e->horizon_h);
        spotopt__jw_put_real(jw, "value", e->value);
        spotopt__jw_put_real(jw, "low", e->low);
        spotopt__jw_put_real(jw, "high", e->high);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_put_text(jw, "limits", m->limits);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt_model_write(const spotopt_model *model, char **out_text, size_t *out_length,
                    spotopt_error *err)
{
    spotopt__str str;
    spotopt__jw writer, *jw = &writer;
    char *text;

    spotopt__str_init(&str, model->context);
    spotopt__jw_init(jw, &str);
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(jw, "kind", "Model");
    spotopt__jw_put_int(jw, "schema_version", SPOTOPT__MODEL_SCHEMA);
    spotopt__jw_put_text(jw, "id", model->id);
    spotopt__jw_put_text(jw, "target", model->is_availability ? "availability" : "drop");
    put_hazard(jw, model);
    put_calibrators(jw, model);
    spotopt__jw_put_real(jw, "lost_share", model->lost_share);
    put_card(jw, model);
    spotopt__jw_end_object(jw);

    text = spotopt__str_take(&str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "a model document");
    *out_text = text;
    return SPOTOPT_OK;
}
