/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.c - a new answer from the last one to a similar problem.
 *
 * Pools, demands and running nodes are matched by id. Nodes of the last answer that can still be
 * had, or else the cheapest that hold the same, are opened again with what is still wanted of their
 * content; greedy filling places the rest. Two beginnings are tried where nodes run: as the last
 * answer had them, and with all their residents. Where the bound is far the rest is packed by
 * columns once, for bounded work; a short neighbourhood search follows. The last answer's prices
 * prove a bound here as well: any prices do.
 */
#include "pack/master.h"
#include "pack/packing.h"
#include "pack/search.h"

/* Of the neighbourhood search, a few milliseconds: with more bins each round takes longer. */
#define WORK_AROUND 3000
#define BINS_AROUND 200
#define WIDE 0.01 /* a gap beyond it is worth columns */
#define WORK_COLUMNS 100000
#define WORTH_LEAST 0.97 /* of a node's cost: what is left of its content, to open it again */

typedef struct seeds {
    spotopt__search *search;
    const spotopt_packing *from;
    uint32_t *kind_of;   /* by the last problem's pool; SPOTOPT__NONE: gone */
    uint32_t *item_of;   /* by the last problem's demand */
    uint32_t *node_kind; /* by the last problem's node */
    bool *is_known;      /* by running node: the last problem had it */
} seeds;

/* True when the last answer kept some running node. */
static bool
match_ids(const seeds *s)
{
    const spotopt__model *model = s->search->model;
    const spotopt_problem *old = s->from->problem, *now = model->problem;
    bool names_nodes = false;

    for (uint32_t p = 0; p < old->pools.count; p++) {
        const uint32_t pool = spotopt__problem_find_pool(now, old->pools.at[p].id);
        const bool is_gone = pool == SPOTOPT__NONE || model->kind[pool].class_id == SPOTOPT__NONE;

        s->kind_of[p] = is_gone ? SPOTOPT__NONE : pool;
    }
    for (uint32_t d = 0; d < old->demands.count; d++) {
        const uint32_t demand = spotopt__problem_find_demand(now, old->demands.at[d].id);

        s->item_of[d] = demand == SPOTOPT__NONE ? SPOTOPT__NONE : model->item_of[demand];
    }
    /* An answer without any running node was given before there were any. */
    for (size_t r = 0; r < s->from->rows.count && !names_nodes; r++)
        names_nodes = s->from->rows.at[r].node != SPOTOPT_NO_NODE;
    for (uint32_t n = 0; n < old->nodes.count && names_nodes; n++) {
        const uint32_t node = spotopt__problem_find_node(now, old->nodes.at[n].id);

        s->node_kind[n] = node == SPOTOPT__NONE ? SPOTOPT__NONE : model->pools + node;
        if (node != SPOTOPT__NONE)
            s->is_known[node] = true;
    }
    return names_nodes;
}

bool
spotopt__search_prices(const spotopt__search *search, const spotopt_packing *from, double *price)
{
    const spotopt__model *model = search->model;

    for (uint32_t d = 0; d < from->problem->demands.count && from->price != NULL; d++) {
        const uint32_t now =
            from->problem == model->problem
                ? d
                : spotopt__problem_find_demand(model->problem, from->problem->demands.at[d].id);

        if (now != SPOTOPT__NONE)
            price[model->item_of[now]] = from->price[d];
    }
    return from->price != NULL;
}

static uint32_t
least(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

/* What a row held goes into one bin, as far as it is wanted and rules allow. */
static void
put_row(const seeds *s, const spotopt__row *row, uint32_t slot)
{
    spotopt__state *state = &s->search->work;
    const spotopt__model *model = state->model;

    for (uint32_t h = 0; h < row->hold_count; h++) {
        const uint32_t i = s->item_of[s->from->demands.at[row->first + h]];
        uint32_t want;

        if (i == SPOTOPT__NONE)
            continue;
        want = least(s->from->replicas.at[row->first + h],
                     (model->item[i].count - state->placed[i]) / state->bins.at[slot].count);
        if (want > 0)
            spotopt__state_put(state, slot, i, spotopt__state_room(state, slot, i, want));
    }
}

/* Running nodes, each with its last content; those it dropped stay away unless they must not. */
static void
seed_running(const seeds *s)
{
    spotopt__state *state = &s->search->work;

    spotopt__place_residents(state, false);
    for (size_t at = 0; at < s->from->rows.count && !state->failed; at++) {
        const spotopt__row *row = &s->from->rows.at[at];
        uint32_t kind, slot;

        if (row->node == SPOTOPT_NO_NODE || s->node_kind[row->node] == SPOTOPT__NONE)
            continue;
        kind = s->node_kind[row->node];
        slot = state->node_bin[kind - state->model->pools];
        if (slot == SPOTOPT__NONE && spotopt__state_openings(state, kind, 1) > 0)
            slot = spotopt__state_open(state, kind, 1);
        if (slot != SPOTOPT__NONE)
            put_row(s, row, slot);
    }
}

/* Residents of nodes that the last problem did not have. */
static void
seed_arrived(const seeds *s)
{
    spotopt__state *state = &s->search->work;
    const spotopt__model *model = state->model;

    for (uint32_t n = 0; n < model->nodes && !state->failed; n++) {
        const spotopt__kind *kind = &model->kind[model->pools + n];
        uint32_t slot = state->node_bin[n];

        if (s->is_known[n] || kind->stay_count == 0)
            continue;
        if (slot == SPOTOPT__NONE)
            slot = spotopt__state_open(state, model->pools + n, 1);
        for (uint32_t r = 0; r < kind->stay_count && slot != SPOTOPT__NONE; r++) {
            const uint32_t i = kind->stays[r].item;
            const uint32_t held = spotopt__bin_holds(&state->bins.at[slot], i);
            const uint32_t more = kind->stays[r].holds > held ? kind->stays[r].holds - held : 0;
            const uint32_t want = least(more, model->item[i].count - state->placed[i]);

            if (want > 0)
                spotopt__state_put(state, slot, i, spotopt__state_room(state, slot, i, want));
        }
    }
}

/*
 * The row's pattern in the builder, no more of an item than is left; false when nothing is. *all:
 * every item is left in full.
 */
static bool
load_pattern(const seeds *s, const spotopt__row *row, bool *all)
{
    spotopt__builder *builder = &s->search->builder;
    const spotopt__state *state = &s->search->work;

    builder->best_count = 0;
    *all = true;
    for (uint32_t h = 0; h < row->hold_count; h++) {
        const uint32_t i = s->item_of[s->from->demands.at[row->first + h]];
        uint32_t want, at = 0;

        if (i == SPOTOPT__NONE) {
            *all = false;
            continue;
        }
        while (at < builder->best_count && builder->best[at].item != i)
            at++; /* demands that were two items may be one now */
        want = at < builder->best_count ? builder->best[at].count : 0;
        want += s->from->replicas.at[row->first + h];
        *all = *all && want <= state->model->item[i].count - state->placed[i];
        want = least(want, state->model->item[i].count - state->placed[i]);
        if (want == 0)
            continue;
        builder->best[at] = (spotopt__hold){i, want};
        builder->best_count += at == builder->best_count;
    }
    return builder->best_count > 0;
}

/*
 * The cheapest kind of node that can still be had and holds the pattern in the builder; NONE when
 * it is so dear that filling anew will do better.
 */
static uint32_t
other_home(const seeds *s, const spotopt__row *row)
{
    const spotopt__builder *builder = &s->search->builder;
    const spotopt__state *state = &s->search->work;
    const spotopt__model *model = state->model;
    double load[64] = {0}, worth = 0.0, least_cost;
    uint32_t best = SPOTOPT__NONE;

    for (uint32_t h = 0; h < builder->best_count; h++) {
        const spotopt__hold *hold = &builder->best[h];

        worth += hold->count * builder->price[hold->item];
        for (uint32_t r = 0; r < model->resources; r++)
            load[r] += hold->count * model->item[hold->item].request[r];
    }
    least_cost = 1.05 * fmax(worth, s->from->problem->pools.at[row->pool].cost);
    for (uint32_t g = 0; g < builder->groups; g++) {
        const spotopt__group *group = &builder->group[g];
        const double *capacity = model->class_at[group->class_id].capacity;
        bool fits = true;

        for (uint32_t r = 0; r < model->resources && fits; r++)
            fits = load[r] <= spotopt__ceiling(model, r, capacity[r]);
        for (uint32_t h = 0; h < builder->best_count && fits; h++)
            fits = spotopt__allows(&model->item[builder->best[h].item],
                                   model->kind[group->kinds[0]].pool);
        for (uint32_t j = 0; j < group->count && fits; j++) {
            const uint32_t k = group->kinds[j];

            if (model->kind[k].cost >= least_cost)
                break;
            if (model->kind[k].node == SPOTOPT__NONE && spotopt__state_openings(state, k, 1) > 0) {
                best = k;
                least_cost = model->kind[k].cost;
                break;
            }
        }
    }
    return best;
}

/* What is left of a pattern pays for a node of the row's pool, nearly. */
static bool
is_worth_it(const seeds *s, const spotopt__row *row)
{
    const spotopt__builder *builder = &s->search->builder;
    double worth = 0.0;

    for (uint32_t h = 0; h < builder->best_count; h++)
        worth += builder->best[h].count * builder->price[builder->best[h].item];
    return worth >= WORTH_LEAST * s->from->problem->pools.at[row->pool].cost;
}

/* full: nodes whose whole content is still wanted; else what is left of others' content. */
static void
seed_new(const seeds *s, bool full)
{
    spotopt__state *state = &s->search->work;

    for (size_t at = 0; at < s->from->rows.count && !state->failed; at++) {
        const spotopt__row *row = &s->from->rows.at[at];
        uint32_t kind = s->kind_of[row->pool], left = row->count;
        bool all = false;

        if (row->node != SPOTOPT_NO_NODE)
            continue;
        while (left > 0 && !state->failed && load_pattern(s, row, &all)) {
            uint32_t done;

            if (full ? !all : !all && !is_worth_it(s, row))
                break;

            if (kind == SPOTOPT__NONE || spotopt__state_openings(state, kind, 1) == 0)
                kind = other_home(s, row);
            if (kind == SPOTOPT__NONE)
                break;
            done = spotopt__open_pattern(&s->search->builder, state, kind, left);

            if (done == 0) { /* some rule minds: one node, as far as it goes */
                const uint32_t slot = spotopt__state_open(state, kind, 1);

                if (slot == SPOTOPT__NONE)
                    break;
                put_row(s, row, slot);
                if (state->bins.at[slot].holds.count == 0) {
                    spotopt__state_close(state, slot);
                    break;
                }
                done = 1;
            }
            left -= done;
        }
    }
}

/* What runs, as the last answer had it or (pass 1) with all its residents; then the last answer's
 * new nodes, those that need no change first. */
static void
begin(const seeds *s, int pass)
{
    spotopt__state *state = &s->search->work;

    spotopt__state_clear(state);
    if (pass == 0) {
        seed_running(s);
        seed_arrived(s);
    } else {
        spotopt__place_residents(state, true);
    }
    seed_new(s, true);
    seed_new(s, false);
}

/* From a beginning to an answer: what is missing is placed, what grew too large exchanged. False
 * when that does not place all under every rule. */
static bool
complete(spotopt__search *search)
{
    spotopt__builder *builder = &search->builder;
    spotopt__state *state = &search->work;
    spotopt__score score;
    spotopt__recipe recipe = {.keep_residents = true, .soft_is_hard = true, .looks = 12};

    for (int pass = 0; pass < 2 && !state->failed; pass++) {
        state->soft_is_hard = pass == 0;
        spotopt__construct_rest(builder, state, &recipe);
    }
    state->soft_is_hard = false;
    spotopt__right_size(builder, state);
    spotopt__repair_tallies(builder, state);
    (void)spotopt__search_offer(search, state);
    score = spotopt__state_score(state);
    return score.missing == 0 && score.broken <= 1e-9;
}

/*
 * The same by columns: the pattern LP of what is missing alone, with what the best packing's nodes
 * hold as first patterns. Ends roughly when its work is spent. False when memory ran out.
 */
static bool
complete_by_columns(spotopt__search *search)
{
    spotopt__state *state = &search->work;
    spotopt__columns pool;
    const uint64_t limit = search->budget.work_limit, most = search->budget.work + WORK_COLUMNS;
    bool ok = spotopt__columns_init(&pool, search, state);

    if (limit == 0 || most < limit)
        search->budget.work_limit = most;

    if (ok) {
        memcpy(pool.price, search->builder.price, search->model->items * sizeof *pool.price);
        spotopt__columns_add_bins(&pool, &search->best);
        ok = !pool.nomem && spotopt__columns_dive(&pool, state, false);
    }
    spotopt__columns_free(&pool);
    search->budget.work_limit = limit;
    if (ok)
        (void)spotopt__search_offer(search, state);
    return ok;
}

static bool
is_whole(const spotopt__search *search)
{
    return search->has_best && search->score.missing == 0 && search->score.broken <= 1e-9;
}

/* Too far from the bound for what greedy filling alone can do. */
static bool
is_wide(spotopt__search *search)
{
    return is_whole(search) && !spotopt__search_done(search) &&
           search->score.cost - spotopt__search_bound(search) > WIDE * search->score.cost;
}

spotopt_status
spotopt__search_from(spotopt__search *search, const spotopt_packing *from, bool *whole,
                     spotopt_error *err)
{
    const spotopt__model *model = search->model;
    spotopt_context *context = model->context;
    const spotopt_problem *old = from->problem;
    spotopt_status status = SPOTOPT_OK;
    seeds s = {.search = search, .from = from};

    s.kind_of = spotopt__alloc_array(context, old->pools.count + 1, sizeof *s.kind_of);
    s.item_of = spotopt__alloc_array(context, old->demands.count + 1, sizeof *s.item_of);
    s.node_kind = spotopt__alloc_array(context, old->nodes.count + 1, sizeof *s.node_kind);
    s.is_known = spotopt__alloc_array(context, model->nodes + 1, sizeof *s.is_known);
    if (s.kind_of == NULL || s.item_of == NULL || s.node_kind == NULL || s.is_known == NULL) {
        status = spotopt__nomem(err, "starting from a packing");
        goto done;
    }
    for (int pass = 0, passes = match_ids(&s) ? 2 : 1; pass < passes; pass++) {
        /* A spread is broken on the way to a balance: first without a look at labels. */
        for (int careful = model->has_hard_axis ? 0 : 1; careful < 2; careful++) {
            search->work.labels_wait = careful == 0;
            begin(&s, pass);
            search->work.labels_wait = false;
            search->budget.work += model->items + from->rows.count + 1;
            if (complete(search))
                break;
        }
    }
    if (!model->has_hard_axis && !search->work.failed && !search->best.failed && is_wide(search)) {
        begin(&s, 0);
        search->work.failed = !complete_by_columns(search) || search->work.failed;
    }
    if (!search->work.failed && !search->best.failed && is_whole(search) &&
        !spotopt__search_done(search)) {
        const double part = fmin(1.0, BINS_AROUND / (double)(search->best.bins.count + 1));

        spotopt__search_around(search, (uint64_t)(WORK_AROUND * part * part));
    }
    if (search->work.failed || search->best.failed)
        status = spotopt__nomem(err, "packing");
    *whole = is_whole(search);
done:
    spotopt__free(context, s.kind_of);
    spotopt__free(context, s.item_of);
    spotopt__free(context, s.node_kind);
    spotopt__free(context, s.is_known);
    return status;
}
