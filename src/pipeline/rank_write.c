/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank_write.c - the explanation of a score, from the weights down to a risk model's features.
 *
 * A pool's stability counts from the reference pool on: first to the risk of a pool at the mean of
 * the model's fit window, then feature by feature. The features' shares are the model's own
 * explanation in log-odds of p (Aumann-Shapley, src/risk/explain.c), carried over to the
 * contribution by its slope between the two risks (the rescale rule: Shrikumar, Greenside, Kundaje
 * 2017), so that all of them add up to the contribution.
 */
#include "pipeline/screen.h"
#include "risk/features.h"
#include "risk/risk.h"

#define FLAT                                                                                       \
    1e-9 /* log-odds between the mean and the pool, below which nothing is left to share           \
          */

void
spotopt__rank_put_four(spotopt__jw *jw, const char *key, const double *values)
{
    static const char *const keys[SPOTOPT__FACTORS] = {"cost", "stability", "performance",
                                                       "capacity"};

    spotopt__jw_key(jw, key);
    spotopt__jw_object(jw);
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        spotopt__jw_put_real(jw, keys[f], values[f]);
    spotopt__jw_end_object(jw);
}

void
spotopt__rank_put_weights(const spotopt__scene *scene, spotopt__jw *jw)
{
    double worth[SPOTOPT__FACTORS];
    spotopt__rank_pool anchor;

    spotopt__jw_put_text(jw, "score", spotopt__score_text(scene->policy->score));
    spotopt__rank_put_four(
        jw, "weights", scene->place_count > 0 ? scene->rank_terms.weights : scene->policy->weights);
    spotopt__jw_put_text(jw, "weights_from",
                         scene->policy->weights_from_money ? "money" : "stated");
    spotopt__jw_key(jw, "worth");
    if (scene->place_count == 0 || scene->anchor == SPOTOPT__NONE) {
        spotopt__jw_null(jw);
        return;
    }
    spotopt__rank_candidate(scene, scene->anchor, &anchor);
    spotopt__rank_point_worth(&anchor, &scene->rank_terms, worth);
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "pool", anchor.id);
    spotopt__jw_put_real(jw, "usd_per_hour", anchor.usd_per_h);
    spotopt__jw_put_real(jw, "p", anchor.p_h);
    spotopt__rank_put_four(jw, "point_usd_per_hour", worth);
    spotopt__jw_end_object(jw);
}

typedef struct parts {
    const spotopt_model *model;
    double *phi; /* by feature, and layer 2's */
    double p_mean, from_reference;
} parts;

/* Only of a pool that the model forecast: *out_is_one. */
static bool
find_parts(const spotopt__scene *scene, uint32_t pool, parts *out, bool *out_is_one)
{
    const spotopt_risk *risk = scene->risk;
    const int factor = spotopt__rank_risk_factor(scene->policy->score);
    double base = 0.0, total = 0.0, sum = 0.0, whole, slope;
    spotopt__rank_pool candidate;
    size_t count;

    *out_is_one = false;
    if (risk->model == NULL || factor < 0 || scene->pools[pool].place == SPOTOPT__NONE ||
        (spotopt__risk_flags(risk, pool) & SPOTOPT_RISK_HAZARD) == 0)
        return true;
    out->model = risk->model;
    count = out->model->feature_count + 1;
    out->phi = spotopt__alloc_array(scene->context, count, sizeof *out->phi);
    if (out->phi == NULL || spotopt_risk_explain(risk, pool, scene->policy->horizon_h, out->phi,
                                                 count, &base, &total, NULL) != SPOTOPT_OK)
        return false;
    spotopt__rank_candidate(scene, pool, &candidate);
    out->p_mean = spotopt__node_p(1.0 / (1.0 + exp(-base)), out->model->lost_share);
    out->from_reference = spotopt__rank_contribution_at(&candidate, &scene->rank_terms,
                                                        scene->rank_base, out->p_mean);
    whole = scene->pools[pool].contributions[factor] - out->from_reference;
    for (size_t f = 0; f < count; f++) /* total - base, but for what quadrature leaves */
        sum += out->phi[f];
    slope = fabs(sum) > FLAT ? whole / sum : 0.0;
    for (size_t f = 0; f < count; f++)
        out->phi[f] *= slope;
    *out_is_one = true;
    return true;
}

static void
put_group(const parts *p, uint32_t first, spotopt__jw *jw)
{
    const uint32_t *feature = p->model->feature;
    const char *group = spotopt__features[feature[first]].group;
    double sum = 0.0;

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "group", group);
    spotopt__jw_key(jw, "features");
    spotopt__jw_object(jw);
    for (uint32_t f = first; f < p->model->feature_count; f++) {
        if (strcmp(spotopt__features[feature[f]].group, group) != 0)
            continue;
        spotopt__jw_put_real(jw, spotopt__features[feature[f]].name, p->phi[f]);
        sum += p->phi[f];
    }
    spotopt__jw_end_object(jw);
    spotopt__jw_put_real(jw, "contribution", sum);
    spotopt__jw_end_object(jw);
}

static bool
is_first_of_group(const parts *p, uint32_t f)
{
    const uint32_t *feature = p->model->feature;

    for (uint32_t g = 0; g < f; g++) {
        if (strcmp(spotopt__features[feature[g]].group, spotopt__features[feature[f]].group) == 0)
            return false;
    }
    return true;
}

bool
spotopt__rank_put_parts(const spotopt__scene *scene, uint32_t pool, spotopt__jw *jw)
{
    parts p = {NULL, NULL, 0.0, 0.0};
    bool is_one = false, is_fine = find_parts(scene, pool, &p, &is_one);

    if (is_fine && is_one) {
        spotopt__jw_key(jw, "parts");
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "of",
                             spotopt__rank_risk_factor(scene->policy->score) == SPOTOPT__FACTOR_COST
                                 ? "cost"
                                 : "stability");
        spotopt__jw_put_real(jw, "horizon_hours", scene->policy->horizon_h);
        spotopt__jw_put_real(jw, "p_mean", p.p_mean);
        spotopt__jw_put_real(jw, "from_reference", p.from_reference);
        spotopt__jw_key(jw, "groups");
        spotopt__jw_array(jw);
        for (uint32_t f = 0; f < p.model->feature_count; f++) {
            if (is_first_of_group(&p, f))
                put_group(&p, f, jw);
        }
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "group", "evidence");
        spotopt__jw_key(jw, "features");
        spotopt__jw_object(jw);
        spotopt__jw_put_real(jw, "evidence", p.phi[p.model->feature_count]);
        spotopt__jw_end_object(jw);
        spotopt__jw_put_real(jw, "contribution", p.phi[p.model->feature_count]);
        spotopt__jw_end_object(jw);
        spotopt__jw_end_array(jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__free(scene->context, p.phi);
    return is_fine;
}
