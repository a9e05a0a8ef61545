/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exact.c - every packing of a tiny problem, one after the other.
 *
 * Replicas are assigned in order of size, equal ones to bins in ascending order; each goes to an
 * open bin, to a new one of any kind, or is left out where that is allowed. Capacity, rules that
 * can only get worse and the cost so far cut branches; everything else is judged at the leaves,
 * where empty nodes are added too when sums want them. Going through to the end proves the best
 * packing optimal, or that there is none.
 */
#include "pack/search.h"

#define REPLICAS_MOST 14
#define KINDS_MOST 48
#define STEPS_MOST 150000 /* ten times that while there is no answer at all */

typedef struct enumeration {
    spotopt__search *search;
    spotopt__state *state;
    const spotopt__model *model;
    uint32_t item[REPLICAS_MOST];
    uint32_t replicas;
    uint64_t steps;
    bool cut;        /* something was not looked at */
    bool open_ended; /* more empty nodes could have been tried */
    bool sums;       /* rules on sums: empty nodes can matter */
    bool minimums;
} enumeration;

static bool
is_too_dear(const enumeration *e, double cost)
{
    const spotopt__score *score = &e->search->score;

    return e->search->has_best && score->missing == 0 && score->broken <= 1e-9 &&
           cost >= score->cost - SPOTOPT__TOL_COST * (1.0 + fabs(score->cost));
}

static bool
is_too_long(enumeration *e)
{
    const spotopt__score *score = &e->search->score;
    bool answered = e->search->has_best && score->missing == 0 && score->broken <= 1e-9;

    e->steps++;
    const spotopt__budget *budget = &e->search->budget;

    if (budget->work_limit > 0 && budget->work + e->steps > budget->work_limit)
        return true;
    return e->steps > (answered ? STEPS_MOST : 10 * STEPS_MOST) ||
           (e->steps % 256 == 0 && spotopt__search_over(e->search));
}

static void
judge(enumeration *e)
{
    spotopt__score score = spotopt__state_score(e->state);

    if (score.broken <= 1e-9 && score.missing == 0)
        (void)spotopt__search_offer(e->search, e->state);
}

/* Empty nodes from kind k on. */
static void
add_empty(enumeration *e, uint32_t k)
{
    const spotopt__kind *kind;
    uint32_t least = 0, most;
    bool more = false;

    if (is_too_long(e)) {
        e->cut = true;
        return;
    }
    if (is_too_dear(e, e->state->node_cost))
        return;
    if (k == e->model->kinds) {
        judge(e);
        return;
    }
    kind = &e->model->kind[k];
    if (kind->class_id == SPOTOPT__NONE) {
        add_empty(e, k + 1);
        return;
    }
    if (kind->node == SPOTOPT__NONE) {
        uint32_t min = e->model->problem->pools.at[kind->pool].min,
                 have = e->state->opened[kind->pool];
        least = min > have ? min - have : 0;
    }
    most = e->sums ? spotopt__state_openings(e->state, k, least + 6) : least;
    if (most > least + 5) {
        most = least + 5;
        more = true;
    }
    for (uint32_t count = least; count <= most; count++) {
        uint32_t slot = SPOTOPT__NONE;
        if (count > 0) {
            if (is_too_dear(e, e->state->node_cost + count * kind->cost))
                return;
            slot = spotopt__state_open(e->state, k, count);
            if (slot == SPOTOPT__NONE)
                return;
        }
        add_empty(e, k + 1);
        if (slot != SPOTOPT__NONE)
            spotopt__state_close(e->state, slot);
        if (e->cut)
            return;
    }
    if (more && !is_too_dear(e, e->state->node_cost + (most + 1) * kind->cost))
        e->open_ended = true;
}

static bool
fits(const enumeration *e, uint32_t slot, uint32_t i)
{
    const spotopt__model *model = e->model;
    const spotopt__bin *bin = &e->state->bins.at[slot];
    const spotopt__kind *kind = &model->kind[bin->kind];
    const double *load = e->state->load + (size_t)slot * model->resources;

    if (!spotopt__allows(&model->item[i], kind->pool)) {
        const spotopt__stay *stay = spotopt__stay_of(kind, i);
        if (stay == NULL || !stay->may_stay || spotopt__bin_holds(bin, i) >= stay->holds)
            return false;
    }
    for (uint32_t r = 0; r < model->resources; r++) {
        if (load[r] + model->item[i].request[r] > spotopt__ceiling(model, r, kind->capacity[r]))
            return false;
    }
    return true;
}

/* Rules that further replicas can only break more. */
static bool
is_hopeless(const enumeration *e, uint32_t i)
{
    const spotopt__item *item = &e->model->item[i];

    for (uint32_t u = 0; u < item->use_count; u++) {
        const spotopt__prule *rule = &e->model->prule[item->uses[u].rule];
        if (rule->is_hard &&
            (rule->kind == SPOTOPT_RULE_AT_MOST || rule->kind == SPOTOPT_RULE_SEPARATE) &&
            spotopt__prule_broken(e->state, item->uses[u].rule) > 0)
            return true;
    }
    return false;
}

static void assign(enumeration *e, uint32_t at, uint32_t from, double left_out);

static void
try_in(enumeration *e, uint32_t slot, uint32_t at, double left_out)
{
    uint32_t i = e->item[at];

    if (!fits(e, slot, i))
        return;
    spotopt__state_put(e->state, slot, i, 1);
    if (!is_hopeless(e, i))
        assign(e, at + 1, at + 1 < e->replicas && e->item[at + 1] == i ? slot : 0, left_out);
    spotopt__state_take(e->state, slot, i, 1);
}

static void
assign(enumeration *e, uint32_t at, uint32_t from, double left_out)
{
    uint32_t i, bins;

    if (e->cut || e->state->failed)
        return;
    if (is_too_long(e)) {
        e->cut = true;
        return;
    }
    if (is_too_dear(e, e->state->node_cost + left_out))
        return;
    if (at == e->replicas) {
        if (e->sums || e->minimums)
            add_empty(e, 0);
        else
            judge(e);
        return;
    }
    i = e->item[at];
    bins = (uint32_t)e->state->bins.count;
    for (uint32_t slot = from; slot < bins && !e->cut; slot++) {
        if (e->state->bins.at[slot].count > 0)
            try_in(e, slot, at, left_out);
    }
    for (uint32_t k = 0; k < e->model->kinds && !e->cut && from != SPOTOPT__NONE; k++) {
        uint32_t slot;
        if (e->model->kind[k].class_id == SPOTOPT__NONE ||
            spotopt__state_openings(e->state, k, 1) == 0)
            continue;
        slot = spotopt__state_open(e->state, k, 1);
        if (slot == SPOTOPT__NONE)
            return;
        try_in(e, slot, at, left_out);
        spotopt__state_close(e->state, slot);
    }
    if (isfinite(
            e->model->item[i].unplaced_cost)) { /* then the rest of the same is left out as well */
        uint32_t next = at;
        while (next < e->replicas && e->item[next] == i)
            next++;
        assign(e, next, 0, left_out + (next - at) * e->model->item[i].unplaced_cost);
    }
}

void
spotopt__search_exactly(spotopt__search *search)
{
    const spotopt__model *model = search->model;
    enumeration e = {.search = search, .state = &search->work, .model = model};
    bool bounded = true;

    if (model->kinds > KINDS_MOST)
        return;
    for (uint32_t o = 0; o < model->items; o++) {
        uint32_t i = search->builder.order[o];
        if (e.replicas + (uint64_t)model->item[i].count > REPLICAS_MOST)
            return;
        for (uint32_t c = 0; c < model->item[i].count; c++)
            e.item[e.replicas++] = i;
    }
    e.sums = model->trules > 0;
    e.minimums = model->min_pool_count > 0;
    spotopt__state_clear(e.state);
    e.state->soft_is_hard = false;
    e.state->logs = false;
    e.state->group_cap = NULL;
    assign(&e, 0, 0, 0.0);
    search->branch_nodes += e.steps;
    search->budget.work += e.steps;
    bounded = !e.cut && !e.open_ended && !e.state->failed && !search->best.failed;
    if (search->has_best && search->score.missing == 0 && search->score.broken <= 1e-9)
        search->complete = bounded;
    else if (bounded) {
        search->infeasible = true;
        search->proof = "search";
    }
}
