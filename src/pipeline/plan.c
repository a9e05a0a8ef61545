/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - one decision, composed: scene, decision, document.
 *
 * A plan keeps its document and its summary; everything it was made from may go.
 */
#include "pipeline/decide.h"
#include "spotopt/plan.h"

struct spotopt_plan {
    spotopt_context *context;
    spotopt_plan_summary summary;
    char *text;
    size_t length;
};

static void
summarize(const spotopt__scene *scene, const spotopt__decision *d, spotopt_plan_summary *out)
{
    double ode = d->on_demand_usd_per_h;

    for (size_t n = 0; n < scene->cluster->nodes.count; n++) {
        if (scene->nodes[n].usd_per_h >= 0.0)
            out->before_usd_per_hour += scene->nodes[n].usd_per_h;
        out->after_nodes += d->keeps[n];
    }
    out->before_nodes = (uint32_t)scene->cluster->nodes.count;
    out->after_nodes += (uint32_t)d->launches.count;
    out->after_usd_per_hour = d->usd_per_h;
    out->on_demand_usd_per_hour = ode;
    out->gross_saving_frac = ode > 0.0 ? 1.0 - d->usd_per_h / ode : (double)NAN;
    out->gap = (d->objective - d->bound) / fmax(d->objective, 1e-9);
    out->moves = d->moves;
    out->pods_unplaced = (uint32_t)d->unplaced.count;
}

static bool
warn(spotopt__scene *scene, const spotopt__decision *d)
{
    char number[SPOTOPT__REAL_SIZE];
    bool ok = true;
    uint32_t gated = 0, modest = 0;

    for (size_t i = 0; i < scene->cluster->pods.count; i++) {
        const spotopt__pod *pod = &scene->cluster->pods.at[i];
        const int64_t *request = scene->cluster->shapes.at[pod->shape].request.of;

        gated += pod->is_gated;
        modest +=
            spotopt__pod_counts(pod) && request[SPOTOPT__CPU] == 0 && request[SPOTOPT__MEMORY] == 0;
    }
    if (modest > 0)
        ok = spotopt__scene_warn(
            scene, "%u pods request neither CPU nor memory; they are placed as if they needed none",
            modest);
    if (gated > 0 && ok)
        ok =
            spotopt__scene_warn(scene, "%u pods have scheduling gates; they are not placed", gated);
    if (d->moves > scene->policy->max_moves_per_h && ok) {
        spotopt__write_fixed(d->moves / scene->policy->max_moves_per_h, 1, number);
        ok = spotopt__scene_warn(scene, "at max_moves_per_hour the %u moves take %s hours",
                                 d->moves, number);
    }
    if (d->stays_put && ok)
        ok = spotopt__scene_warn(scene,
                                 "the saving is below min_saving_frac, or blocked; nothing moves");
    for (size_t i = 0; i < d->schedule.blocked.count && ok; i++)
        ok = spotopt__scene_warn(scene, "pod %.120s cannot leave: %s",
                                 scene->cluster->pods.at[d->schedule.blocked.at[i].pod].id,
                                 spotopt__stay_reason_text(d->schedule.blocked.at[i].why));
    if (scene->forced != NULL && ok)
        ok = spotopt__scene_warn(scene, "on-demand is forced by %.60s: %.200s",
                                 scene->forced->author, scene->forced->reason);
    return ok;
}

spotopt_status
spotopt_plan_make(spotopt_context *context, const spotopt_plan_params *params,
                  const spotopt_options *options, spotopt_plan **out, spotopt_error *err)
{
    spotopt_plan *plan = NULL;
    spotopt__scene scene;
    spotopt__decision decision;
    spotopt_status status;
    double start_s = spotopt__clock(context);

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want a place for the plan");
    memset(&decision, 0, sizeof decision);
    status = spotopt__scene_make(context, params, options, &scene, err);
    if (status == SPOTOPT_OK)
        status = spotopt__decide(&scene, options, &decision, err);
    if (status == SPOTOPT_OK) {
        plan = spotopt__alloc(context, sizeof *plan);
        if (plan == NULL || !warn(&scene, &decision))
            status = spotopt__nomem(err, "a plan");
    }
    if (status == SPOTOPT_OK) {
        plan->context = spotopt__context_hold(context);
        plan->summary.size = sizeof plan->summary;
        summarize(&scene, &decision, &plan->summary);
        status = spotopt__plan_text(
            &scene, &decision, &plan->summary, spotopt__clock(context) - start_s,
            spotopt__option(options, SPOTOPT__OPT_TIMINGS) > 0.0,
            spotopt__option(options, SPOTOPT__OPT_EXPLAIN) > 0.0, &plan->text, &plan->length, err);
        if (status != SPOTOPT_OK)
            spotopt__context_drop(context);
    }
    if (status == SPOTOPT_OK)
        *out = plan;
    else
        spotopt__free(context, plan);
    spotopt__decision_free(&decision);
    spotopt__scene_free(&scene);
    return status;
}

void
spotopt_plan_free(spotopt_plan *plan)
{
    if (plan != NULL) {
        spotopt_context *context = plan->context;

        spotopt__free(context, plan->text);
        spotopt__free(context, plan);
        spotopt__context_drop(context);
    }
}

spotopt_status
spotopt_plan_summarize(const spotopt_plan *plan, spotopt_plan_summary *out, spotopt_error *err)
{
    if (plan == NULL || out == NULL || out->size < sizeof(size_t))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "plan or out is NULL, or out has no size");
    size_t size = out->size < sizeof *out ? out->size : sizeof *out;
    memcpy((char *)out + sizeof(size_t), (const char *)&plan->summary + sizeof(size_t),
           size - sizeof(size_t));
    return SPOTOPT_OK;
}

spotopt_status
spotopt_plan_write(const spotopt_plan *plan, char **out_text, size_t *out_length,
                   spotopt_error *err)
{
    char *text;

    if (plan == NULL || out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "plan or out_text is NULL");
    text = spotopt__dup_array(plan->context, plan->text, plan->length + 1, 1);
    if (text == NULL)
        return spotopt__nomem(err, "a plan's text");
    *out_text = text;
    if (out_length != NULL)
        *out_length = plan->length;
    return SPOTOPT_OK;
}
