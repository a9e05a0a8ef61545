/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_search.c - a bare problem from beginning to end: fills, bounds from sizes, the tree. One
 * dimension and several differ in who fills and who prices.
 */
#include "pack/tree.h"
#include "pack/vector.h"

#define TYPES_MOST 1500
#define FILL_MOST 5e7
#define EFFORTS 4
#define FIRST_STEPS 200 /* of a packer: at once, and before the tree */
#define MORE_STEPS 3000

/* Infeasible, or the plan's cost met by the bound? */
static bool
conclude(spotopt__search *search, const spotopt__bare *bare, const spotopt__plan *plan,
         bool has_plan, int64_t bound)
{
    if (bound == INT64_MAX) {
        search->infeasible = true;
        search->proof = "search";
        return true;
    }
    spotopt__search_raise(search, (double)bound * bare->step);
    if (has_plan && plan->cost <= bound) {
        search->complete = true;
        return true;
    }
    return spotopt__search_done(search);
}

spotopt_status
spotopt__search_bare(spotopt__search *search, bool *out_done, spotopt_error *err)
{
    const spotopt__model *model = search->model;
    spotopt__bare bare;
    spotopt__plan plan;
    spotopt__filler *filler = NULL;
    spotopt__packer *packer = NULL;
    spotopt__oracle oracle = {0};
    spotopt_status status = SPOTOPT_OK;
    bool nomem = false, has_plan = false;
    int64_t bound = 0;

    *out_done = false;
    spotopt__plan_init(&plan, model->context);
    if (!spotopt__bare_build(&bare, model, &nomem))
        goto done;
    if (bare.dims == 1) {
        if (bare.types > TYPES_MOST || (double)bare.types * (double)bare.pieces > FILL_MOST)
            goto done; /* the master would be too large, or bins too many to fill with care */
        nomem = !spotopt__bare_tighten(&bare) || (filler = spotopt__filler_new(&bare)) == NULL;
    } else {
        /* With several sorts of bins columns and dives come first: see dive.c. */
        if (bare.sorts > 1 || !spotopt__vector_suits(&bare))
            goto done;
        packer = spotopt__packer_new(&bare, &search->budget, search->seed, &nomem);
    }
    if (nomem)
        goto done;
    bound = spotopt__bare_bound(&bare);
    if (search->without & SPOTOPT__WITHOUT_DIVES) {
        spotopt__filler_free(filler);
        filler = NULL;
    }
    for (uint32_t effort = 0; filler != NULL && effort < EFFORTS && !*out_done; effort++) {
        has_plan = spotopt__filler_run(filler, NULL, NULL, effort, &search->budget.work, &plan) ||
                   has_plan;
        *out_done = conclude(search, &bare, &plan, has_plan, bound);
    }
    for (uint32_t turn = 0; packer != NULL && turn < 2 && !*out_done && !nomem; turn++) {
        has_plan = spotopt__packer_run(packer, bound, turn == 0 ? FIRST_STEPS : MORE_STEPS, &plan);
        nomem = !has_plan;
        *out_done = has_plan && conclude(search, &bare, &plan, has_plan, bound);
    }
    if (nomem)
        goto done;
    if (has_plan && spotopt__plan_is_right(&plan, &bare))
        spotopt__plan_offer(&plan, &bare, search);
    else
        has_plan = false;
    if (*out_done)
        goto done;
    oracle = bare.dims == 1 ? spotopt__knap_oracle(&bare) : spotopt__vector_oracle(&bare);
    if (oracle.self == NULL) {
        nomem = true;
        goto done;
    }
    status = spotopt__tree_run(&bare, &oracle, packer, search, &plan, has_plan, &bound, err);
    has_plan = plan.batches.count > 0;
    if (status == SPOTOPT_OK)
        *out_done = conclude(search, &bare, &plan, has_plan, bound);
done:
    if (oracle.self != NULL)
        oracle.free(oracle.self);
    spotopt__filler_free(filler);
    spotopt__packer_free(packer);
    nomem = nomem || plan.failed;
    spotopt__plan_free(&plan);
    spotopt__bare_free(&bare);
    if (status != SPOTOPT_OK)
        return status;
    return nomem ? spotopt__nomem(err, "packing") : SPOTOPT_OK;
}
