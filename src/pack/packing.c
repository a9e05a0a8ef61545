/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packing.c - an answer: rows of equal nodes in the caller's own demands.
 *
 * Items fall apart into their demands here, in order of index: the first nodes take the first
 * demand's replicas until it is used up. Runs of equal nodes stay one row.
 */
#include "pack/packing.h"

#include <stdlib.h>

spotopt_packing *
spotopt__packing_new(spotopt_problem *problem)
{
    spotopt_packing *packing = spotopt__alloc(problem->context, sizeof *packing);

    if (packing == NULL)
        return NULL;
    packing->context = spotopt__context_hold(problem->context);
    packing->problem = spotopt__problem_hold(problem);
    packing->outcome = SPOTOPT_OUTCOME_STOPPED;
    packing->cost = packing->bound = packing->gap = (double)NAN;
    packing->unplaced =
        spotopt__alloc_array(problem->context, problem->demands.count + 1, sizeof(uint32_t));
    if (packing->unplaced == NULL) {
        spotopt_packing_free(packing);
        return NULL;
    }
    return packing;
}

void
spotopt_packing_free(spotopt_packing *packing)
{
    spotopt_context *context;

    if (packing == NULL)
        return;
    context = packing->context;
    for (size_t w = 0; w < packing->why.count; w++)
        spotopt__free(context, packing->why.at[w].reason);
    spotopt__vec_free(context, &packing->why);
    spotopt__vec_free(context, &packing->certificate.demands);
    spotopt__vec_free(context, &packing->certificate.replicas);
    spotopt__vec_free(context, &packing->certificate.rules);
    spotopt__vec_free(context, &packing->certificate.limits);
    spotopt__vec_free(context, &packing->rows);
    spotopt__vec_free(context, &packing->demands);
    spotopt__vec_free(context, &packing->replicas);
    spotopt__free(context, packing->unplaced);
    spotopt__free(context, packing->price);
    spotopt_problem_free(packing->problem);
    spotopt__free(context, packing);
    spotopt__context_drop(context);
}

/* Takes the next `want` replicas of an item for one node: pieces by demand; nodes that could do the
 * same. */
static bool
next_pieces(spotopt_packing *packing, const spotopt__item *item, uint32_t *member, uint32_t *left,
            uint32_t want, uint32_t times)
{
    for (uint32_t j = *member; want > 0; j++) {
        uint32_t have = j == *member ? *left : packing->problem->demands.at[item->members[j]].count;
        uint32_t piece = have < want ? have : want;
        if (piece > 0 &&
            (!spotopt__vec_push(packing->context, &packing->demands, item->members[j]) ||
             !spotopt__vec_push(packing->context, &packing->replicas, piece)))
            return false;
        want -= piece;
        if (want == 0 || times == 1) { /* several nodes: they draw on one demand alone */
            *member = j;
            *left = have - piece * times;
        }
    }
    return true;
}

static uint32_t
equal_nodes(const spotopt_packing *packing, const spotopt__item *item, uint32_t *member,
            uint32_t *left, uint32_t want)
{
    while (*left == 0 && *member + 1 < item->member_count) {
        ++*member;
        *left = packing->problem->demands.at[item->members[*member]].count;
    }
    return *left >= want ? *left / want : 1;
}

static void
sort_row(spotopt_packing *packing, size_t first)
{
    for (size_t i = first + 1; i < packing->demands.count; i++) { /* short, nearly sorted */
        uint32_t demand = packing->demands.at[i], count = packing->replicas.at[i];
        size_t j = i;
        for (; j > first && packing->demands.at[j - 1] > demand; j--) {
            packing->demands.at[j] = packing->demands.at[j - 1];
            packing->replicas.at[j] = packing->replicas.at[j - 1];
        }
        packing->demands.at[j] = demand;
        packing->replicas.at[j] = count;
    }
}

typedef struct bin_order {
    uint32_t kind, bin;
} bin_order;

static int
compare_bins(const void *a, const void *b)
{
    const bin_order *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->bin > y->bin) - (x->bin < y->bin);
}

bool
spotopt__packing_fill(spotopt_packing *packing, const spotopt__state *state)
{
    const spotopt__model *model = state->model;
    uint32_t *member = spotopt__alloc_array(packing->context, model->items + 1, sizeof *member);
    uint32_t *left = spotopt__alloc_array(packing->context, model->items + 1, sizeof *left);
    bin_order *order = spotopt__alloc_array(packing->context, state->bins.count + 1, sizeof *order);
    uint32_t bins = 0;
    bool ok = member != NULL && left != NULL && order != NULL;

    packing->rows.count = packing->demands.count = packing->replicas.count = 0;
    for (uint32_t i = 0; ok && i < model->items; i++)
        left[i] = packing->problem->demands.at[model->item[i].members[0]].count;
    for (uint32_t b = 0; ok && b < state->bins.count; b++) {
        if (state->bins.at[b].count > 0)
            order[bins++] = (bin_order){state->bins.at[b].kind, b};
    }
    if (ok)
        qsort(order, bins, sizeof *order, compare_bins);
    for (uint32_t o = 0; ok && o < bins; o++) {
        const spotopt__bin *bin = &state->bins.at[order[o].bin];
        const spotopt__kind *kind = &model->kind[bin->kind];
        for (uint32_t done = 0; ok && done < bin->count;) {
            spotopt__row row = {kind->pool,
                                kind->node == SPOTOPT__NONE ? SPOTOPT_NO_NODE : kind->node,
                                bin->count - done, 0, packing->demands.count};
            for (size_t h = 0; h < bin->holds.count; h++) {
                uint32_t i = bin->holds.at[h].item;
                uint32_t same = equal_nodes(packing, &model->item[i], &member[i], &left[i],
                                            bin->holds.at[h].count);
                row.count = same < row.count ? same : row.count;
            }
            for (size_t h = 0; ok && h < bin->holds.count; h++) {
                uint32_t i = bin->holds.at[h].item;
                ok = next_pieces(packing, &model->item[i], &member[i], &left[i],
                                 bin->holds.at[h].count, row.count);
            }
            if (ok)
                sort_row(packing, row.first);
            row.hold_count = (uint32_t)(packing->demands.count - row.first);
            done += row.count;
            ok = ok && spotopt__vec_push(packing->context, &packing->rows, row);
        }
    }
    for (uint32_t d = 0; ok && d < packing->problem->demands.count; d++)
        packing->unplaced[d] = packing->problem->demands.at[d].count;
    for (size_t r = 0; ok && r < packing->rows.count; r++) {
        const spotopt__row *row = &packing->rows.at[r];
        for (uint32_t h = 0; h < row->hold_count; h++)
            packing->unplaced[packing->demands.at[row->first + h]] -=
                packing->replicas.at[row->first + h] * row->count;
    }
    spotopt__free(packing->context, member);
    spotopt__free(packing->context, left);
    spotopt__free(packing->context, order);
    return ok;
}

int32_t
spotopt_packing_outcome(const spotopt_packing *packing)
{
    return packing->outcome;
}

double
spotopt_packing_cost(const spotopt_packing *packing)
{
    return packing->cost;
}

double
spotopt_packing_bound(const spotopt_packing *packing)
{
    return packing->bound;
}

double
spotopt_packing_gap(const spotopt_packing *packing)
{
    return packing->gap;
}

size_t
spotopt_packing_row_count(const spotopt_packing *packing)
{
    return packing->rows.count;
}

/* Gives a struct to a caller who may know less of it than we do. */
static spotopt_status
give(void *theirs, const void *ours, size_t our_size, spotopt_error *err)
{
    size_t size = *(const size_t *)theirs;

    if (size < sizeof(size_t))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "the struct's size is not set");
    memcpy(theirs, ours, size < our_size ? size : our_size);
    *(size_t *)theirs = size;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_packing_row_at(const spotopt_packing *packing, size_t index, spotopt_packing_row *out,
                       spotopt_error *err)
{
    spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;
    const spotopt__row *at;

    if (index >= packing->rows.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "row %zu of %zu", index, packing->rows.count);
    at = &packing->rows.at[index];
    row.pool = at->pool;
    row.node = at->node;
    row.count = at->count;
    row.hold_count = at->hold_count;
    row.demands = packing->demands.at + at->first;
    row.replicas = packing->replicas.at + at->first;
    return give(out, &row, sizeof row, err);
}

uint32_t
spotopt_packing_unplaced(const spotopt_packing *packing, uint32_t demand)
{
    return demand < packing->problem->demands.count ? packing->unplaced[demand] : 0;
}

size_t
spotopt_packing_why_count(const spotopt_packing *packing)
{
    return packing->why.count;
}

const char *
spotopt_packing_why_at(const spotopt_packing *packing, size_t index, uint32_t *out_demand)
{
    if (index >= packing->why.count)
        return NULL;
    if (out_demand != NULL)
        *out_demand = packing->why.at[index].demand;
    return packing->why.at[index].reason;
}

spotopt_status
spotopt_packing_certificate_get(const spotopt_packing *packing, spotopt_packing_certificate *out,
                                spotopt_error *err)
{
    spotopt_packing_certificate made = SPOTOPT_PACKING_CERTIFICATE_INIT;
    const spotopt__certificate *is = &packing->certificate;

    made.proof = is->proof;
    made.is_minimal = is->is_minimal;
    made.demand_count = (uint32_t)is->demands.count;
    made.rule_count = (uint32_t)is->rules.count;
    made.limit_count = (uint32_t)is->limits.count;
    made.demands = is->demands.at;
    made.replicas = is->replicas.at;
    made.rules = is->rules.at;
    made.limits = is->limits.at;
    return give(out, &made, sizeof made, err);
}

spotopt_status
spotopt_packing_stats_get(const spotopt_packing *packing, spotopt_packing_stats *out,
                          spotopt_error *err)
{
    return give(out, &packing->stats, sizeof packing->stats, err);
}
