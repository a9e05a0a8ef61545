/* SPDX-License-Identifier: Apache-2.0 */
/*
 * construct_plan.c - what is settled before a greedy packing opens its first bin.
 *
 * Running nodes with those who stay; whoever must share a node, on the cheapest that takes them
 * all; and caps by domain, so that spreads come out even (balanced by water filling) and a
 * `together` over a label has its domain.
 */
#include "pack/construct.h"

/* Raises the lowest domains together until `left` more are spread: final levels into cap. */
static void
fill_water(const spotopt__prule *rule, const uint64_t *level, uint64_t left, uint32_t shift,
           uint32_t *cap)
{
    uint64_t low = 0, high = 0, rest;
    uint32_t domains = 0;

    for (uint32_t d = 0; d < rule->domains; d++) {
        if (rule->is_domain[d]) {
            high = level[d] > high ? level[d] : high;
            domains++;
        }
    }
    if (domains == 0)
        return;
    for (high += left; low < high;) { /* the highest full level */
        uint64_t middle = low + (high - low + 1) / 2, want = 0;
        for (uint32_t d = 0; d < rule->domains; d++)
            want += rule->is_domain[d] && level[d] < middle ? middle - level[d] : 0;
        if (want <= left)
            low = middle;
        else
            high = middle - 1;
    }
    rest = left;
    for (uint32_t d = 0; d < rule->domains; d++) {
        if (rule->is_domain[d]) {
            cap[d] = (uint32_t)(level[d] > low ? level[d] : low);
            rest -= cap[d] - level[d];
        }
    }
    for (uint32_t j = 0; j < rule->domains && rest > 0; j++) {
        uint32_t d = (j + shift) % rule->domains;
        if (rule->is_domain[d] && cap[d] == low) {
            cap[d]++;
            rest--;
        }
    }
}

/* Estimated cost of a rule's items in one domain; infinite when one of them cannot live there. */
static double
domain_cost(const spotopt__model *model, uint32_t r, uint32_t domain)
{
    const spotopt__axis *axis = &model->axis[model->prule[r].axis];
    double total = 0.0;

    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        double best = (double)INFINITY;
        bool listed = false;
        for (uint32_t u = 0; u < item->use_count; u++)
            listed = listed || (item->uses[u].rule == r && (item->uses[u].roles & SPOTOPT__ROLE_A));
        if (!listed || item->count == 0)
            continue;
        for (uint32_t p = 0; p < model->pools; p++) {
            const spotopt__pack_pool *pool = &model->problem->pools.at[p];
            double part = 0.0;
            if (axis->domain_of[p] != domain || pool->max == 0 || !spotopt__allows(item, p) ||
                !spotopt__one_fits(model, item, pool->capacity))
                continue;
            for (uint32_t k = 0; k < model->resources; k++) {
                double use = pool->capacity[k] > 0.0 ? item->request[k] / pool->capacity[k] : 0.0;
                part = use > part ? use : part;
            }
            best = part * pool->cost < best ? part * pool->cost : best;
        }
        total += best * item->count;
    }
    return total;
}

/* Caps that make spreads and togethers come out right. */
bool
spotopt__plan_caps(spotopt__state *state, const spotopt__recipe *recipe)
{
    const spotopt__model *model = state->model;

    if (state->cap == NULL)
        state->cap = spotopt__alloc_array(state->context, model->ptallies + 1, sizeof *state->cap);
    if (state->cap == NULL)
        return false;
    for (size_t t = 0; t < model->ptallies; t++)
        state->cap[t] = UINT32_MAX;
    for (uint32_t r = 0; r < model->prules; r++) {
        const spotopt__prule *rule = &model->prule[r];
        const uint64_t *level = state->tally + rule->tally;
        uint32_t *cap = state->cap + rule->tally;
        uint64_t total = 0, placed = 0;
        if (rule->axis == SPOTOPT__NONE || (!rule->is_hard && !recipe->soft_is_hard))
            continue;
        for (uint32_t i = 0; i < model->items; i++) {
            for (uint32_t u = 0; u < model->item[i].use_count; u++) {
                if (model->item[i].uses[u].rule == r &&
                    (model->item[i].uses[u].roles & SPOTOPT__ROLE_A) &&
                    !model->item[i].fits_nowhere)
                    total += model->item[i].count;
            }
        }
        if (rule->kind == SPOTOPT_RULE_SPREAD && !rule->few_domains) {
            for (uint32_t d = 0; d < rule->domains; d++)
                placed += rule->is_domain[d] ? level[d] : 0;
            fill_water(rule, level, total > placed ? total - placed : 0, recipe->shift, cap);
        } else if (rule->kind == SPOTOPT_RULE_TOGETHER && state->rule_a[r] == 0 && total > 0) {
            uint32_t best = SPOTOPT__NONE, labelled = model->axis[rule->axis].labelled;
            double least = (double)INFINITY;
            uint32_t limit =
                labelled < 256 ? labelled : 256; /* bounded: per pool there may be thousands */
            for (uint32_t j = 0; j < limit; j++) {
                uint32_t d = (j + recipe->shift) % labelled;
                double cost = domain_cost(model, r, d);
                if (recipe->shift > 0 && j == 0 && isfinite(cost)) {
                    best = d; /* a turned recipe takes the first that will do */
                    break;
                }
                if (cost < least - 1e-12) {
                    least = cost;
                    best = d;
                }
            }
            for (uint32_t d = 0; best != SPOTOPT__NONE && d < rule->domains; d++)
                cap[d] = d == best ? UINT32_MAX : 0;
        }
    }
    return true;
}

/* Opens the kind with all of a rule's replicas; the bin, or NONE when they do not all fit. */
static uint32_t
try_together(spotopt__state *state, uint32_t r, uint32_t k)
{
    const spotopt__model *model = state->model;
    uint32_t slot;
    bool all = true;

    if (model->kind[k].class_id == SPOTOPT__NONE || spotopt__state_openings(state, k, 1) == 0)
        return SPOTOPT__NONE;
    slot = spotopt__state_open(state, k, 1);
    if (slot == SPOTOPT__NONE)
        return SPOTOPT__NONE;
    for (uint32_t i = 0; i < model->items && all; i++) {
        uint32_t want = spotopt__left_of(state, i);
        bool listed = false;
        for (uint32_t u = 0; u < model->item[i].use_count; u++)
            listed = listed || (model->item[i].uses[u].rule == r &&
                                (model->item[i].uses[u].roles & SPOTOPT__ROLE_A));
        if (!listed || want == 0)
            continue;
        all = spotopt__state_room(state, slot, i, want) == want;
        if (all)
            spotopt__state_put(state, slot, i, want);
    }
    if (all && state->bins.at[slot].holds.count > 0)
        return slot;
    spotopt__state_drop(state, slot);
    return SPOTOPT__NONE;
}

/* Everything of a hard `together` per node goes onto one node, the cheapest that takes it all. */
void
spotopt__place_together(spotopt__state *state)
{
    const spotopt__model *model = state->model;

    for (uint32_t r = 0; r < model->prules; r++) {
        const spotopt__prule *rule = &model->prule[r];
        uint32_t best = SPOTOPT__NONE;
        if (rule->kind != SPOTOPT_RULE_TOGETHER || rule->axis != SPOTOPT__NONE ||
            state->rule_a[r] > 0 || (!rule->is_hard && !state->soft_is_hard))
            continue;
        for (uint32_t k = 0; k < model->kinds && !state->failed; k++) {
            uint32_t slot;
            if (best != SPOTOPT__NONE && model->kind[k].cost >= model->kind[best].cost)
                continue;
            slot = try_together(state, r, k);
            if (slot != SPOTOPT__NONE) {
                best = k;
                spotopt__state_drop(state, slot);
            }
        }
        if (best != SPOTOPT__NONE)
            (void)try_together(state, r, best);
    }
}

/* Running nodes with their fixed replicas, or with all residents that are still wanted. */
void
spotopt__place_residents(spotopt__state *state, bool all)
{
    const spotopt__model *model = state->model;

    for (uint32_t n = 0; n < model->nodes; n++) {
        const spotopt__kind *kind = &model->kind[model->pools + n];
        uint32_t slot;
        if (!all && !kind->has_fixed)
            continue;
        slot = spotopt__state_open(state, model->pools + n, 1);
        if (slot == SPOTOPT__NONE)
            return;
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            uint32_t want = kind->stays[s].fixed,
                     left = spotopt__left_of(state, kind->stays[s].item);
            spotopt__state_put(state, slot, kind->stays[s].item, want < left ? want : left);
        }
    }
    for (int pass = 0; all && pass < 3;
         pass++) { /* again: who wants to be near may have come too early */
        for (uint32_t n = 0; n < model->nodes; n++) {
            const spotopt__kind *kind = &model->kind[model->pools + n];
            uint32_t slot = state->node_bin[n];
            for (uint32_t s = 0; s < kind->stay_count && slot != SPOTOPT__NONE; s++) {
                uint32_t i = kind->stays[s].item,
                         held = spotopt__bin_holds(&state->bins.at[slot], i);
                uint32_t want = kind->stays[s].holds -
                                (held < kind->stays[s].holds ? held : kind->stays[s].holds);
                want = want < spotopt__left_of(state, i) ? want : spotopt__left_of(state, i);
                spotopt__state_put(state, slot, i, spotopt__state_room(state, slot, i, want));
            }
        }
    }
}
