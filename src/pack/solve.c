/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solve.c - the order of events in a solve.
 *
 * Model; resource LP (prices, a bound, perhaps a proof that there is no room); packings from
 * several recipes; tiny problems completely; column generation; large neighbourhoods until the gap
 * is small enough, the budget is spent or nothing moves. The answer is recomputed by verify.c
 * before it leaves: what does not pass is not returned.
 */
#include "pack/certify.h"
#include "pack/coarse.h"
#include "pack/packing.h"
#include "pack/search.h"
#include "pack/tree.h"

#define PART_WORK 300000 /* of a question about a part, at least */
#define LITTLE_LESS 0.995
#define BOUND_EFFORT 200 /* for a bound by an earlier answer's prices */
#define BUYS_FIRST 3     /* before columns */
#define BUYS_MANY 12     /* where shapes share rows, so that patterns fit less well */
#define SHAPES_MANY 200
#define SQUEEZES 150 /* failures in a row, of a running fleet's first answer */

static bool
has_shares(const spotopt__model *model)
{
    for (uint32_t t = 0; t < model->trules; t++) {
        if (model->trule[t].kind == SPOTOPT_RULE_SHARE && !isnan(model->trule[t].max_frac))
            return true;
    }
    return false;
}

/* At most so many nodes of each group, were there `nodes` nodes in all. */
static void
cap_groups(const spotopt__model *model, double nodes, uint32_t *cap)
{
    for (size_t c = 0; c <= model->ttallies / 2; c++)
        cap[c] = UINT32_MAX;
    for (uint32_t t = 0; t < model->trules; t++) {
        const spotopt__trule *rule = &model->trule[t];
        if (rule->kind != SPOTOPT_RULE_SHARE || isnan(rule->max_frac))
            continue;
        for (uint32_t g = 0; g < rule->groups; g++) {
            double most = floor(fmax(1.0, ceil(rule->max_frac * nodes - 1e-9)));
            if ((!rule->has_value || g == rule->value) && most < 4e9)
                cap[rule->tally / 2 + g] = (uint32_t)most;
        }
    }
}

static void
try_recipe(spotopt__search *search, const spotopt__recipe *recipe)
{
    spotopt__state *work = &search->work;

    work->group_cap = NULL;
    spotopt__construct(&search->builder, work, recipe);
    (void)spotopt__search_offer(search, work);
    if (search->group_cap == NULL)
        return;
    for (int round = 0; round < 3 && !work->failed;
         round++) { /* shares: aim at the number of nodes of last time */
        double nodes = (double)work->node_count;
        cap_groups(search->model, nodes, search->group_cap);
        work->group_cap = search->group_cap;
        spotopt__construct(&search->builder, work, recipe);
        work->group_cap = NULL;
        (void)spotopt__search_offer(search, work);
        if ((double)work->node_count == nodes)
            break;
    }
}

/*
 * Whether column generation can get anywhere within the budget of work: some forty programs of a
 * row an item, and three times the columns. Without such a budget it may try.
 */
static bool
columns_pay(const spotopt__search *search)
{
    const spotopt__budget *budget = &search->budget;
    const uint64_t rows = search->model->items, takes = 40 * rows * 3 * rows / 8;

    return budget->work_limit == 0 || budget->work + 3 * takes < budget->work_limit;
}

/* Of many shapes columns make better packings than any recipe, and sooner. */
static bool
one_will_do(const spotopt__search *search)
{
    const spotopt__model *model = search->model;

    return model->items >= 60 && model->nodes == 0 && !model->has_hard_axis &&
           !(search->without & SPOTOPT__WITHOUT_COLUMNS) && columns_pay(search);
}

static void
try_recipes(spotopt__search *search)
{
    const spotopt__model *model = search->model;
    bool has_soft = false;
    uint32_t shifts = model->has_hard_axis ? 3 : 1;

    for (uint32_t r = 0; r < model->prules; r++)
        has_soft = has_soft || !model->prule[r].is_hard;
    for (uint32_t keep = 0; keep < (model->nodes > 0 ? 2u : 1u); keep++) {
        for (uint32_t soft = 0; soft < (has_soft ? 2u : 1u); soft++) {
            for (uint32_t fill = 0; fill < 2; fill++) {
                for (uint32_t shift = 0; shift < shifts; shift++) {
                    spotopt__recipe recipe = {keep == 0 && model->nodes > 0,
                                              has_soft && soft == 0,
                                              fill,
                                              12,
                                              shift,
                                              NULL};
                    if (search->has_best && search->score.missing == 0 &&
                        search->score.broken <= 1e-9 &&
                        (spotopt__search_done(search) || (shift > 0 && fill > 0) ||
                         one_will_do(search)))
                        return;
                    try_recipe(search, &recipe);
                    search->budget.work += model->items + 1;
                }
            }
        }
    }
}

/* Work for a first look around, by what there is to place; all there is for what cannot be placed.
 */
static uint64_t
glance(const spotopt__model *model)
{
    uint64_t replicas = 0;

    for (uint32_t i = 0; i < model->items; i++)
        replicas += model->item[i].count;
    return 200000 + 300 * replicas;
}

static spotopt_status solve(spotopt_problem *problem, const spotopt_options *options,
                            spotopt__search *outer, uint32_t without,
                            const spotopt_packing *previous, spotopt_packing **out,
                            spotopt_error *err);

static bool
is_whole(const spotopt__search *search)
{
    return search->has_best && search->score.missing == 0 && search->score.broken <= 1e-9;
}

/* Its prices are good ones here as well. */
static void
raise_by_shapes(spotopt__search *search, const spotopt__coarse *coarse,
                const spotopt_packing *packing)
{
    for (uint32_t i = 0; i < search->model->items && packing->price != NULL; i++)
        search->price[i] = packing->price[coarse->shape_of[i]];
    search->has_price = packing->price != NULL;
    spotopt__search_raise(search, packing->bound);
}

/* Demands merged that only rules tell apart: its bound, and packings made of its packing. *enough:
 * there is one, and other bounds would know no more. */
static spotopt_status
run_coarse(spotopt__search *search, bool *enough, spotopt_error *err)
{
    spotopt__coarse coarse;
    spotopt_packing *packing = NULL;
    const bool anyway = (search->without & SPOTOPT__COARSE_ANYWAY) != 0;
    spotopt_status status = spotopt__coarse_make(&coarse, search->model, anyway, err);

    if (status == SPOTOPT_OK && coarse.problem != NULL) {
        search->coarse = &coarse;
        status = solve(coarse.problem, search->budget.options, search,
                       (search->without & SPOTOPT__WITHOUT_EXACT) | SPOTOPT__WITHOUT_COARSE, NULL,
                       &packing, err);
        search->coarse = NULL;
        if (status == SPOTOPT_OK && packing->outcome == SPOTOPT_OUTCOME_INFEASIBLE) {
            search->infeasible = true;
            search->proof = packing->certificate.proof;
        } else if (status == SPOTOPT_OK)
            raise_by_shapes(search, &coarse, packing);
        for (uint32_t shift = 0;
             shift < 3 && status == SPOTOPT_OK && (shift == 0 || !is_whole(search)); shift++)
            status = spotopt__refine(search, &coarse, packing, shift, err);
    }
    *enough = packing != NULL && !coarse.drops_limits && is_whole(search);
    spotopt_packing_free(packing);
    spotopt__coarse_free(&coarse, search->model);
    return status;
}

/*
 * A coarser problem's first packing, made one of the problem that was asked about: who watches is
 * told a cost from then on, and there is an answer whatever comes.
 */
static spotopt_status
show_early(spotopt__search *search, spotopt_error *err)
{
    spotopt_packing *packing = spotopt__packing_new((spotopt_problem *)search->model->problem);
    spotopt_status status = SPOTOPT_OK;

    if (packing == NULL || !spotopt__packing_fill(packing, &search->best)) {
        status = spotopt__nomem(err, "a packing");
    } else {
        search->budget.work += packing->rows.count;
        for (uint32_t shift = 0; shift < 3 && status == SPOTOPT_OK && !is_whole(search->outer);
             shift++)
            status = spotopt__refine(search->outer, search->outer->coarse, packing, shift, err);
        if (status == SPOTOPT_OK && !is_whole(search->outer))
            try_recipes(search->outer);
    }
    spotopt_packing_free(packing);
    return status;
}

/* A running fleet's first answer, made cheaper node by node within a part of what may be spent. */
static void
squeeze_running(spotopt__search *search)
{
    const uint64_t limit = search->budget.work_limit, left = limit - search->budget.work;

    if (search->model->nodes == 0 || !is_whole(search) || spotopt__search_done(search) ||
        !spotopt__state_copy(&search->work, &search->best))
        return;
    if (limit > 0)
        search->budget.work_limit = search->budget.work + left / 4;
    if (!spotopt__search_squeeze(search, SQUEEZES, 0.3))
        search->work.failed = true;
    search->budget.work_limit = limit;
}

static spotopt_status
run(spotopt__search *search, const spotopt_packing *previous, spotopt_error *err)
{
    const spotopt__model *model = search->model;
    spotopt__relaxed relaxed = {0};
    double *price = spotopt__alloc_array(model->context, model->items + 1, sizeof *price);
    spotopt_status status = SPOTOPT_OK;
    bool whole = false, coarse = false;

    relaxed.weight = spotopt__alloc_array(model->context, model->resources + 1, sizeof(double));
    relaxed.side = spotopt__alloc_array(model->context, search->sides.count + 1, sizeof(double));
    relaxed.bonus = spotopt__alloc_array(model->context, model->items + 1, sizeof(double));
    if (price == NULL || relaxed.weight == NULL || relaxed.side == NULL || relaxed.bonus == NULL) {
        status = spotopt__nomem(err, "packing");
        goto done;
    }
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        search->infeasible = search->infeasible ||
                             (item->fits_nowhere && item->count > 0 && isinf(item->unplaced_cost));
    }
    search->proof = search->infeasible ? "demand" : NULL;
    if (!(search->without & SPOTOPT__WITHOUT_TREE)) {
        bool bare_done = false;
        status = search->infeasible ? SPOTOPT_OK : spotopt__search_bare(search, &bare_done, err);
        if (status != SPOTOPT_OK || (bare_done && search->has_best))
            goto done;
    }
    status = spotopt__resource_lp(model, &search->sides, &search->budget, &relaxed, err);
    if (status == SPOTOPT_E_NOMEM)
        goto done;
    status = SPOTOPT_OK; /* any other fault of the engine costs the bound, not the answer */
    search->lp_seconds += relaxed.seconds;
    search->sides.active = search->sides.count;
    search->proof = relaxed.infeasible && !search->infeasible ? "lp" : search->proof;
    search->infeasible = search->infeasible || relaxed.infeasible;
    if (search->infeasible && (search->without & SPOTOPT__ANY_PACKING))
        goto done;
    if (relaxed.solved) {
        spotopt__sides_sort(&search->sides, relaxed.side);
        for (uint32_t i = 0; i < model->items; i++) {
            price[i] = relaxed.bonus[i];
            for (uint32_t r = 0; r < model->resources; r++)
                price[i] += relaxed.weight[r] * model->item[i].request[r];
        }
        spotopt__builder_weigh(&search->builder, relaxed.weight);
        for (uint32_t i = 0; i < model->items; i++)
            search->builder.price[i] =
                fmin(search->builder.price[i] + relaxed.bonus[i], model->item[i].unplaced_cost);
    }
    if (previous == NULL && !(search->without & SPOTOPT__WITHOUT_COARSE) && !search->infeasible)
        status = run_coarse(search, &coarse, err);
    if (status != SPOTOPT_OK)
        goto done;
    if (relaxed.solved && !coarse)
        spotopt__search_raise(search, spotopt__lagrange(model, &search->sides, price, relaxed.side,
                                                        0, &search->budget));
    if (previous != NULL && !search->infeasible &&
        spotopt__search_prices(search, previous, price)) {
        /* They prove hardly more than they did: only worth the time where the resource LP's prove
         * much less. */
        if (!(search->bound >= LITTLE_LESS * previous->bound))
            spotopt__search_raise_by(search,
                                     spotopt__lagrange(model, &search->sides, price, relaxed.side,
                                                       BOUND_EFFORT, &search->budget),
                                     price);
        spotopt__builder_price(&search->builder, price);
    }
    if (previous != NULL && !search->infeasible) {
        status = spotopt__search_from(search, previous, &whole, err);
        if (status == SPOTOPT_OK && whole && !(search->without & SPOTOPT__WITHOUT_EXACT) &&
            !spotopt__search_done(search))
            spotopt__search_exactly(search);
        if (status != SPOTOPT_OK || whole)
            goto done;
    }
    if (!is_whole(search))
        try_recipes(search);
    if (search->outer != NULL && search->outer->coarse != NULL && is_whole(search) &&
        !spotopt__search_done(search) && !spotopt__search_late(search, 0.2))
        status = show_early(search, err);
    if (status != SPOTOPT_OK)
        goto done;
    /* Not for a coarser problem: its limits per node are what buying first knows nothing of. */
    if (search->outer == NULL && !coarse && relaxed.solved && !search->infeasible &&
        !spotopt__search_done(search))
        status = model->items > SHAPES_MANY ? spotopt__search_buy(search, BUYS_MANY, 0.5, err)
                                            : spotopt__search_buy(search, BUYS_FIRST, 0.2, err);
    if (status != SPOTOPT_OK)
        goto done;
    if (relaxed.solved)
        squeeze_running(search);
    if (search->work.failed || search->best.failed) {
        status = spotopt__nomem(err, "packing");
        goto done;
    }
    if (!(search->without & SPOTOPT__WITHOUT_EXACT) && !spotopt__search_done(search))
        spotopt__search_exactly(search);
    /* Columns know nothing of rules over labels: where there are some, a look around comes first.
     */
    if (model->has_hard_axis && !(search->without & SPOTOPT__WITHOUT_AROUND) &&
        !spotopt__search_done(search))
        spotopt__search_around(search, glance(model));
    if (!(search->without & SPOTOPT__WITHOUT_COLUMNS) && (!coarse || !model->has_hard_axis) &&
        columns_pay(search) && !search->infeasible && !spotopt__search_done(search))
        status = spotopt__search_columns(search, err);
    if (status == SPOTOPT_OK && !(search->without & SPOTOPT__WITHOUT_AROUND) &&
        !spotopt__search_done(search))
        spotopt__search_around(search, search->infeasible ? glance(model) : UINT64_MAX / 2);
    if (status == SPOTOPT_OK && (search->work.failed || search->best.failed))
        status = spotopt__nomem(err, "packing");
done:
    spotopt__free(model->context, price);
    spotopt__free(model->context, relaxed.weight);
    spotopt__free(model->context, relaxed.side);
    spotopt__free(model->context, relaxed.bonus);
    return status;
}

/* Fills the answer from the best state; falls back to less when it does not pass the check. */
static spotopt_status
conclude(spotopt__search *search, spotopt_packing *packing, spotopt_error *err)
{
    char reason[200];
    double cost = 0.0, bound;
    uint64_t missing = 0;
    int verdict = 0;

    for (int fallback = 0; fallback < 3 && verdict == 0; fallback++) {
        bool partial = fallback > 0 || search->score.missing > 0 || search->infeasible;
        if (fallback > 0) { /* only what must stay, then nothing at all */
            spotopt__state_clear(&search->best);
            for (uint32_t n = 0; fallback == 1 && n < search->model->nodes; n++) {
                const spotopt__kind *kind = &search->model->kind[search->model->pools + n];
                uint32_t slot = kind->has_fixed ? spotopt__state_open(&search->best,
                                                                      search->model->pools + n, 1)
                                                : SPOTOPT__NONE;
                for (uint32_t s = 0; slot != SPOTOPT__NONE && s < kind->stay_count; s++) {
                    uint32_t i = kind->stays[s].item, want = kind->stays[s].fixed;
                    uint64_t left = search->model->item[i].count - search->best.placed[i];
                    spotopt__state_put(&search->best, slot, i, want < left ? want : (uint32_t)left);
                }
            }
        }
        if (search->best.failed || !spotopt__packing_fill(packing, &search->best))
            return spotopt__nomem(err, "a packing");
        verdict = spotopt__packing_verify(packing, partial, &cost, &missing, reason);
        if (verdict < 0)
            return spotopt__nomem(err, "a packing");
        if (verdict == 0)
            spotopt__log(search->model->context, SPOTOPT_LOG_DEBUG,
                         "pack: an answer did not pass: %s", reason);
        if (fallback > 0)
            search->complete = false;
    }
    bound = spotopt__search_bound(search);
    if (search->complete && missing == 0)
        bound = cost;
    if (search->infeasible) {
        packing->outcome = SPOTOPT_OUTCOME_INFEASIBLE;
        return SPOTOPT_OK;
    }
    packing->cost = cost;
    packing->bound = bound < cost ? bound : cost;
    packing->outcome = missing > 0 || verdict == 0 || search->score.broken > 1e-9
                           ? SPOTOPT_OUTCOME_STOPPED
                           : SPOTOPT_OUTCOME_FEASIBLE;
    if (packing->outcome == SPOTOPT_OUTCOME_FEASIBLE &&
        cost - packing->bound <= SPOTOPT__TOL_COST * fmax(cost, 1e-9)) {
        packing->outcome = SPOTOPT_OUTCOME_OPTIMAL;
        packing->bound = cost;
    }
    packing->gap = (packing->cost - packing->bound) / fmax(packing->cost, 1e-9);
    return SPOTOPT_OK;
}

/* A coarser problem's share of what its outer solve has left; a part's is no more than the solve of
 * the whole took, or a little. */
static void
borrow_budget(spotopt__budget *budget, const spotopt__budget *outer, uint32_t without)
{
    *budget = *outer;
    if (without & SPOTOPT__ANY_PACKING) {
        const uint64_t most = outer->work + (outer->work > PART_WORK ? outer->work : PART_WORK);

        if (outer->work_limit == 0 || most < outer->work_limit)
            budget->work_limit = most;
        return;
    }
    budget->deadline_s -= 0.55 * spotopt__budget_left_s(outer);
    if (outer->work_limit > outer->work)
        budget->work_limit = outer->work + (outer->work_limit - outer->work) / 2;
}

static void
return_budget(spotopt__search *outer, const spotopt__search *search)
{
    outer->budget.work = search->budget.work;
    outer->budget.cancelled = search->budget.cancelled;
    outer->budget.last_call_s = search->budget.last_call_s;
    outer->hurried = outer->hurried || search->hurried || search->budget.cut_short;
    outer->lp_seconds += search->lp_seconds;
    outer->pricing_seconds += search->pricing_seconds;
    outer->columns += search->columns;
    outer->branch_nodes += search->branch_nodes;
}

static bool
keep_prices(const spotopt__search *search, spotopt_packing *packing)
{
    const spotopt_problem *problem = packing->problem;

    packing->price =
        spotopt__alloc_array(packing->context, problem->demands.count + 1, sizeof(double));
    for (size_t d = 0; packing->price != NULL && d < problem->demands.count; d++)
        packing->price[d] = search->price[search->model->item_of[d]];
    return packing->price != NULL;
}

static spotopt_status
solve(spotopt_problem *problem, const spotopt_options *options, spotopt__search *outer,
      uint32_t without, const spotopt_packing *previous, spotopt_packing **out, spotopt_error *err)
{
    spotopt__model model;
    spotopt__search search = {0};
    spotopt_packing *packing = NULL;
    spotopt_status status;

    atomic_store(&problem->sealed, true);
    if (outer == NULL)
        spotopt__budget_start(&search.budget, problem->context, options);
    else
        borrow_budget(&search.budget, &outer->budget, without);
    search.outer = outer;
    search.model = &model;
    search.without = without;
    search.gap_rel = spotopt__option(options, SPOTOPT__OPT_GAP_REL) * (outer == NULL ? 1.0 : 0.4);
    if (without & SPOTOPT__ANY_PACKING)
        search.gap_rel = (double)INFINITY;
    search.seed = (uint64_t)spotopt__option(options, SPOTOPT__OPT_SEED);
    status = spotopt__model_build(&model, problem, err);
    if (status == SPOTOPT_OK) {
        if (!spotopt__sides_init(&search.sides, &model) ||
            !spotopt__state_init(&search.best, &model) ||
            !spotopt__state_init(&search.work, &model))
            status = spotopt__nomem(err, "packing");
        if (status == SPOTOPT_OK)
            status = spotopt__builder_init(&search.builder, &model, err);
        search.builder.budget = &search.budget;
        search.price = spotopt__alloc_array(problem->context, model.items + 1, sizeof(double));
        if (status == SPOTOPT_OK && search.price == NULL)
            status = spotopt__nomem(err, "packing");
        if (status == SPOTOPT_OK && has_shares(&model)) {
            search.group_cap =
                spotopt__alloc_array(problem->context, model.ttallies / 2 + 1, sizeof(uint32_t));
            if (search.group_cap == NULL)
                status = spotopt__nomem(err, "packing");
        }
        if (status == SPOTOPT_OK)
            status = run(&search, previous, err);
        if (status == SPOTOPT_OK && (packing = spotopt__packing_new(problem)) == NULL)
            status = spotopt__nomem(err, "a packing");
        if (status == SPOTOPT_OK)
            status = conclude(&search, packing, err);
        if (status == SPOTOPT_OK && search.has_price && !keep_prices(&search, packing))
            status = spotopt__nomem(err, "a packing");
        if (status == SPOTOPT_OK && outer == NULL &&
            !spotopt__packing_explain(packing, &model, &search.best))
            status = spotopt__nomem(err, "a packing");
        if (status == SPOTOPT_OK && search.infeasible && outer == NULL)
            status = spotopt__certify(&search, packing, err);
        else if (status == SPOTOPT_OK && search.infeasible)
            packing->certificate.proof = search.proof;
        search.best.context = search.work.context = problem->context;
        spotopt__free(problem->context, search.price);
        spotopt__free(problem->context, search.group_cap);
        spotopt__state_free(&search.best);
        spotopt__state_free(&search.work);
        if (search.builder.model != NULL)
            spotopt__builder_free(&search.builder);
        if (search.sides.row != NULL || search.sides.count == 0)
            spotopt__sides_free(&search.sides);
    }
    spotopt__model_free(&model);
    if (outer != NULL)
        return_budget(outer, &search);
    if (status != SPOTOPT_OK) {
        spotopt_packing_free(packing);
        return status;
    }
    packing->timings = spotopt__option(options, SPOTOPT__OPT_TIMINGS) != 0.0;
    packing->stats.size = sizeof packing->stats;
    packing->stats.seconds = spotopt__clock(problem->context) - search.budget.start_s;
    packing->stats.work = search.budget.work;
    packing->stats.cut_short = search.budget.cut_short || search.budget.cancelled || search.hurried;
    packing->stats.columns = (uint32_t)search.columns;
    packing->stats.branch_nodes =
        (uint32_t)(search.branch_nodes < UINT32_MAX ? search.branch_nodes : UINT32_MAX);
    packing->stats.lp_seconds = search.lp_seconds;
    packing->stats.pricing_seconds = search.pricing_seconds;
    *out = packing;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__search_part(spotopt__search *search, spotopt_problem *part, spotopt_packing **out,
                     spotopt_error *err)
{
    return solve(part, search->budget.options, search,
                 SPOTOPT__ANY_PACKING | SPOTOPT__WITHOUT_COLUMNS | SPOTOPT__WITHOUT_AROUND, NULL,
                 out, err);
}

spotopt_status
spotopt__problem_solve(spotopt_problem *problem, const spotopt_options *options, uint32_t without,
                       spotopt_packing **out, spotopt_error *err)
{
    return solve(problem, options, NULL, without, NULL, out, err);
}

spotopt_status
spotopt_problem_solve(spotopt_problem *problem, const spotopt_options *options,
                      spotopt_packing **out, spotopt_error *err)
{
    return solve(problem, options, NULL, 0, NULL, out, err);
}

spotopt_status
spotopt_problem_solve_from(spotopt_problem *problem, const spotopt_options *options,
                           const spotopt_packing *previous, spotopt_packing **out,
                           spotopt_error *err)
{
    return solve(problem, options, NULL, 0, previous, out, err);
}
