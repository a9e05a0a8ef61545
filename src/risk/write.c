/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c - forecasts explained, and as a document.
 */
#include "risk/forecast.h"
#include "risk/risk.h"

#define HORIZONS_MAX 64

static void
explain(const spotopt_risk *risk, size_t pool, double horizon_h, double *z, double *out,
        double *out_base, double *out_total)
{
    const spotopt_model *m = risk->model;
    const double *x = risk->x + risk->pools[pool].row;

    for (uint32_t f = 0; f < m->feature_count; f++)
        z[f] = (x[m->feature[f] * risk->rows] - m->mean[f]) / m->scale[f];
    spotopt__explain(m, z, x[spotopt__feature_count * risk->rows],
                     x[(spotopt__feature_count + 1) * risk->rows], horizon_h, out, out_base,
                     out_total);
}

spotopt_status
spotopt_risk_explain(const spotopt_risk *risk, size_t pool, double horizon_h,
                     double *out_contributions, size_t count, double *out_base, double *out_total,
                     spotopt_error *err)
{
    double *z;

    if (pool >= risk->count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "pool is %zu; want less than %zu", pool,
                             risk->count);
    if (!(horizon_h > 0.0 && horizon_h < INFINITY))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "horizon_h is off; want hours > 0");
    if ((risk->pools[pool].flags & SPOTOPT_RISK_HAZARD) == 0)
        return spotopt__fail(err, SPOTOPT_E_STATE, "no model forecasts pool %zu", pool);
    if (count != risk->model->feature_count + (size_t)1)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "count is %zu; want %zu", count,
                             risk->model->feature_count + (size_t)1);
    z = spotopt__alloc_array(risk->context, count, sizeof *z);
    if (z == NULL)
        return spotopt__nomem(err, "an explanation");
    explain(risk, pool, horizon_h, z, out_contributions, out_base, out_total);
    spotopt__free(risk->context, z);
    return SPOTOPT_OK;
}

/* --- the document --- */

typedef struct writer {
    const spotopt_risk *risk;
    spotopt__jw jw;
    const double *horizons_h;
    size_t horizons;
    double *node, *drop; /* p, low, high of every pool, a horizon after the other */
    double *z, *phi;     /* of one explanation */
} writer;

static void
put_triples(writer *w, const char *key, const double *at, size_t pool)
{
    const size_t count = w->risk->count;
    char name[SPOTOPT__REAL_SIZE];

    spotopt__jw_key(&w->jw, key);
    spotopt__jw_object(&w->jw);
    for (size_t h = 0; h < w->horizons; h++) {
        spotopt__write_real(w->horizons_h[h], name);
        spotopt__jw_key(&w->jw, name);
        spotopt__jw_array(&w->jw);
        for (size_t k = 0; k < 3; k++)
            spotopt__jw_real(&w->jw, at[(3 * h + k) * count + pool]);
        spotopt__jw_end_array(&w->jw);
    }
    spotopt__jw_end_object(&w->jw);
}

/* Whether a feature of the model is the first of its group. */
static bool
is_first_of_group(const spotopt_model *m, uint32_t feature)
{
    const char *group = spotopt__features[m->feature[feature]].group;

    for (uint32_t f = 0; f < feature; f++) {
        if (strcmp(spotopt__features[m->feature[f]].group, group) == 0)
            return false;
    }
    return true;
}

/* Groups with the features that make them up. */
static void
put_parts(writer *w)
{
    const spotopt_model *m = w->risk->model;

    spotopt__jw_key(&w->jw, "parts");
    spotopt__jw_array(&w->jw);
    for (uint32_t f = 0; f < m->feature_count; f++) {
        const char *group = spotopt__features[m->feature[f]].group;
        double sum = 0.0;

        if (!is_first_of_group(m, f))
            continue;
        spotopt__jw_object(&w->jw);
        spotopt__jw_put_text(&w->jw, "group", group);
        spotopt__jw_key(&w->jw, "features");
        spotopt__jw_object(&w->jw);
        for (uint32_t g = f; g < m->feature_count; g++) {
            const spotopt__feature *is = &spotopt__features[m->feature[g]];

            if (strcmp(is->group, group) != 0)
                continue;
            spotopt__jw_put_real(&w->jw, is->name, w->phi[g]);
            sum += w->phi[g];
        }
        spotopt__jw_end_object(&w->jw);
        spotopt__jw_put_real(&w->jw, "contribution", sum);
        spotopt__jw_end_object(&w->jw);
    }
    spotopt__jw_object(&w->jw);
    spotopt__jw_put_text(&w->jw, "group", "evidence");
    spotopt__jw_put_real(&w->jw, "contribution", w->phi[m->feature_count]);
    spotopt__jw_end_object(&w->jw);
    spotopt__jw_end_array(&w->jw);
}

/* Contributions at the first horizon: features by name, and summed by group. */
static void
put_explanation(writer *w, size_t pool)
{
    const spotopt_model *m = w->risk->model;
    double base, total;

    explain(w->risk, pool, w->horizons_h[0], w->z, w->phi, &base, &total);
    spotopt__jw_key(&w->jw, "explanation");
    spotopt__jw_object(&w->jw);
    spotopt__jw_put_real(&w->jw, "horizon_hours", w->horizons_h[0]);
    spotopt__jw_put_real(&w->jw, "base_log_odds", base);
    spotopt__jw_put_real(&w->jw, "log_odds", total);
    spotopt__jw_key(&w->jw, "features");
    spotopt__jw_object(&w->jw);
    for (uint32_t f = 0; f < m->feature_count; f++)
        spotopt__jw_put_real(&w->jw, spotopt__features[m->feature[f]].name, w->phi[f]);
    spotopt__jw_put_real(&w->jw, "evidence", w->phi[m->feature_count]);
    spotopt__jw_end_object(&w->jw);
    spotopt__jw_key(&w->jw, "groups");
    spotopt__jw_object(&w->jw);
    for (uint32_t f = 0; f < m->feature_count; f++) {
        const char *group = spotopt__features[m->feature[f]].group;
        double sum = 0.0;
        bool is_first = true;

        for (uint32_t g = 0; g < m->feature_count; g++) {
            if (strcmp(spotopt__features[m->feature[g]].group, group) != 0)
                continue;
            is_first = is_first && g >= f;
            sum += w->phi[g];
        }
        if (is_first)
            spotopt__jw_put_real(&w->jw, group, sum);
    }
    spotopt__jw_put_real(&w->jw, "evidence", w->phi[m->feature_count]);
    spotopt__jw_end_object(&w->jw);
    put_parts(w);
    spotopt__jw_end_object(&w->jw);
}

static void
put_model(writer *w)
{
    const spotopt_model *m = w->risk->model;

    spotopt__jw_key(&w->jw, "model");
    if (m == NULL) {
        spotopt__jw_null(&w->jw);
        return;
    }
    spotopt__jw_object(&w->jw);
    spotopt__jw_put_text(&w->jw, "id", m->id);
    spotopt__jw_put_text(&w->jw, "target", m->is_availability ? "availability" : "drop");
    spotopt__jw_put_real(&w->jw, "lost_share", m->lost_share);
    spotopt__jw_key(&w->jw, "drift");
    if (w->risk->drift == NULL)
        spotopt__jw_null(&w->jw);
    else {
        spotopt__jw_object(&w->jw);
        for (uint32_t f = 0; f < m->feature_count; f++)
            spotopt__jw_put_real(&w->jw, spotopt__features[m->feature[f]].name, w->risk->drift[f]);
        spotopt__jw_end_object(&w->jw);
    }
    spotopt__jw_key(&w->jw, "cusum");
    if (w->risk->cusum.blocks < SPOTOPT__CUSUM_MIN)
        spotopt__jw_null(&w->jw);
    else {
        const spotopt_cusum *cusum = &w->risk->cusum;

        spotopt__jw_object(&w->jw);
        spotopt__jw_put_real(&w->jw, "up", cusum->up);
        spotopt__jw_put_real(&w->jw, "down", cusum->down);
        spotopt__jw_put_real(&w->jw, "dispersion", cusum->dispersion);
        spotopt__jw_put_real(&w->jw, "blocks", cusum->blocks);
        spotopt__jw_put_real(&w->jw, "crossed_at_s", cusum->crossed_at_s);
        spotopt__jw_key(&w->jw, "direction");
        if (cusum->direction == 0)
            spotopt__jw_null(&w->jw);
        else
            spotopt__jw_text(&w->jw, cusum->direction > 0 ? "more" : "fewer");
        spotopt__jw_end_object(&w->jw);
    }
    spotopt__jw_end_object(&w->jw);
}

static void
put_all(writer *w)
{
    const spotopt_risk *risk = w->risk;
    spotopt__jw *jw = &w->jw;

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(jw, "kind", "RiskForecast");
    spotopt__jw_put_real(jw, "now_s", risk->now_s);
    spotopt__jw_key(jw, "horizons_hours");
    spotopt__jw_array(jw);
    for (size_t h = 0; h < w->horizons; h++)
        spotopt__jw_real(jw, w->horizons_h[h]);
    spotopt__jw_end_array(jw);
    put_model(w);
    spotopt__jw_key(jw, "pools");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < risk->count; i++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "pool", risk->ids[i]);
        put_triples(w, "p_drop", w->drop, i);
        put_triples(w, "p", w->node, i);
        spotopt__jw_put_real(jw, "events", risk->pools[i].events);
        spotopt__jw_put_real(jw, "hours", risk->pools[i].hours);
        spotopt__jw_key(jw, "flags");
        spotopt__jw_array(jw);
        spotopt__risk_put_flags(risk->pools[i].flags, "", jw);
        spotopt__jw_end_array(jw);
        if ((risk->pools[i].flags & SPOTOPT_RISK_HAZARD) != 0 && w->horizons > 0)
            put_explanation(w, i);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt_risk_write(const spotopt_risk *risk, const double *horizons_h, size_t horizon_count,
                   char **out_text, size_t *out_length, spotopt_error *err)
{
    const size_t count = risk->count,
                 features = risk->model != NULL ? risk->model->feature_count + (size_t)1 : 1;
    writer w = {.risk = risk, .horizons_h = horizons_h, .horizons = horizon_count};
    spotopt_status status = SPOTOPT_OK;
    spotopt__str str;
    char *text = NULL;

    if (horizon_count > HORIZONS_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%zu horizons; want at most %d",
                             horizon_count, HORIZONS_MAX);
    w.node = spotopt__alloc_array(risk->context, 6 * horizon_count * count + 2 * features,
                                  sizeof *w.node);
    if (w.node == NULL)
        return spotopt__nomem(err, "a forecast document");
    w.drop = w.node + 3 * horizon_count * count;
    w.z = w.drop + 3 * horizon_count * count;
    w.phi = w.z + features;
    for (size_t h = 0; h < horizon_count && status == SPOTOPT_OK; h++) {
        double *node = w.node + 3 * h * count, *drop = w.drop + 3 * h * count;

        status = spotopt_risk_columns(risk, horizons_h[h], node, node + count, node + 2 * count,
                                      count, err);
        if (status == SPOTOPT_OK)
            status = spotopt_risk_drop_columns(risk, horizons_h[h], drop, drop + count,
                                               drop + 2 * count, count, err);
    }
    if (status == SPOTOPT_OK) {
        spotopt__str_init(&str, risk->context);
        spotopt__jw_init(&w.jw, &str);
        put_all(&w);
        text = spotopt__str_take(&str, out_length);
        if (text == NULL)
            status = spotopt__nomem(err, "a forecast document");
        else
            *out_text = text;
    }
    spotopt__free(risk->context, w.node);
    return status;
}
