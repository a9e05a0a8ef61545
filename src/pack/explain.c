/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - says why a demand, or a part of it, is not placed.
 *
 * From the plainest reason to the subtlest: no allowed pool offers enough of some resource; no
 * allowed pool can be bought or carries the label that a rule wants; leaving it out is cheaper;
 * rules or limits leave no room next to the others.
 */
#include <stdio.h>

#include "pack/packing.h"

static bool
add_reason(spotopt_packing *packing, uint32_t demand, const char *text)
{
    char *copy = spotopt__dup_text(packing->context, text);

    if (copy == NULL)
        return false;
    if (!spotopt__vec_push(packing->context, &packing->why, (spotopt__why){demand, copy})) {
        spotopt__free(packing->context, copy);
        return false;
    }
    return true;
}

static const char *
rule_text(int32_t kind)
{
    static const char *const names[] = {"",       "at_most", "separate", "together", "near",
                                        "spread", "share",   "limit",    "mean"};

    return names[kind];
}

/* The resource that no allowed pool has enough of, and the largest offer. */
static bool
explain_size(const spotopt__model *model, uint32_t d, char *out, size_t room)
{
    const spotopt_problem *problem = model->problem;
    const spotopt__pack_demand *demand = &problem->demands.at[d];
    char wants[SPOTOPT__REAL_SIZE], has[SPOTOPT__REAL_SIZE];

    for (uint32_t r = 0; r < model->resources; r++) {
        double most = -1.0;
        uint32_t best = 0;
        for (uint32_t p = 0; p < model->pools; p++) {
            if (spotopt__pool_set_has(problem, demand->pool_set, p) &&
                problem->pools.at[p].max != 0 && problem->pools.at[p].capacity[r] > most) {
                most = problem->pools.at[p].capacity[r];
                best = p;
            }
        }
        if (most < 0.0) {
            snprintf(out, room, "none of its pools can be bought: max is 0");
            return true;
        }
        if (demand->request[r] > spotopt__ceiling(model, r, most)) {
            spotopt__write_real(demand->request[r], wants);
            spotopt__write_real(most, has);
            snprintf(out, room, "no pool%s offers %.60s %s; the largest is %.80s with %s",
                     demand->pool_set == SPOTOPT__ALL_POOLS ? "" : " it may use",
                     problem->resource_names[r], wants, problem->pools.at[best].id, has);
            return true;
        }
    }
    for (uint32_t p = 0; p < model->pools; p++) {
        if (spotopt__pool_set_has(problem, demand->pool_set, p) && problem->pools.at[p].max != 0 &&
            spotopt__one_fits(model, &model->item[model->item_of[d]],
                              problem->pools.at[p].capacity))
            return false;
    }
    snprintf(out, room, "no pool%s offers enough of all resources at once",
             demand->pool_set == SPOTOPT__ALL_POOLS ? "" : " it may use");
    return true;
}

static void
explain_rest(const spotopt__model *model, const spotopt__state *state, uint32_t d, char *out,
             size_t room)
{
    const spotopt_problem *problem = model->problem;
    const spotopt__item *item = &model->item[model->item_of[d]];
    uint32_t open_pools = 0, fitting = 0;
    size_t used;

    for (uint32_t p = 0; p < model->pools; p++) {
        if (!spotopt__allows(item, p) || problem->pools.at[p].max == 0 ||
            !spotopt__one_fits(model, item, problem->pools.at[p].capacity))
            continue;
        fitting++;
        open_pools += spotopt__state_openings(state, p, 1) > 0;
    }
    if (fitting == 0) {
        snprintf(out, room, "no pool that is large enough carries the label that a rule wants");
        return;
    }
    if (open_pools == 0) {
        snprintf(
            out, room,
            "limits are reached: none of the %u pools that are large enough may have more nodes",
            (unsigned)fitting);
        return;
    }
    if (item->use_count == 0) {
        snprintf(out, room, "no room was found beside the others");
        return;
    }
    used = (size_t)snprintf(out, room, "blocked by rule");
    for (uint32_t u = 0; u < item->use_count && u < 4; u++) {
        uint32_t source = model->prule[item->uses[u].rule].source;
        if (model->prule[item->uses[u].rule].is_hard && used < room)
            used += (size_t)snprintf(out + used, room - used, " %s (rules/%u)",
                                     rule_text(problem->rules.at[source].kind), (unsigned)source);
    }
}

bool
spotopt__packing_explain(spotopt_packing *packing, const spotopt__model *model,
                         const spotopt__state *state)
{
    const spotopt_problem *problem = packing->problem;
    char text[400];

    for (uint32_t d = 0; d < problem->demands.count; d++) {
        const spotopt__item *item = &model->item[model->item_of[d]];
        if (packing->unplaced[d] == 0)
            continue;
        if (!(item->fits_nowhere && explain_size(model, d, text, sizeof text))) {
            if (!isnan(problem->demands.at[d].unplaced_cost) && !item->fits_nowhere)
                snprintf(text, sizeof text,
                         "leaving it out is cheaper than any place found for it");
            else
                explain_rest(model, state, d, text, sizeof text);
        }
        if (!add_reason(packing, d, text))
            return false;
    }
    return true;
}
