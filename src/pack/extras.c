/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extras.c - hard limits per node as knapsacks and programs see them.
 *
 * A limit on the replicas of some items on a node is like a resource of which the node has so many.
 * Those that force the most nodes (all replicas that count over the limit) become dimensions and
 * rows, as many as are affordable; of the others each item keeps the one that forces most as its
 * group. Leaving limits out only relaxes, so bounds stay valid.
 */
#include "pack/pricing.h"

bool
spotopt__is_limited(const spotopt__model *model, const spotopt__use *use)
{
    const spotopt__prule *rule = &model->prule[use->rule];
    /* A spread holds where a carrier is: carriers that are counted themselves bound each other. */
    const uint32_t wanted =
        rule->kind == SPOTOPT_RULE_SPREAD ? SPOTOPT__ROLE_A | SPOTOPT__ROLE_B : SPOTOPT__ROLE_A;

    return rule->is_hard && rule->axis == SPOTOPT__NONE &&
           (rule->kind == SPOTOPT_RULE_AT_MOST || rule->kind == SPOTOPT_RULE_SPREAD) &&
           (use->roles & wanted) == wanted;
}

uint32_t
spotopt__old_of(const spotopt__model *model, const spotopt__kind *kind, uint32_t rule)
{
    uint32_t total = 0;

    for (uint32_t s = 0; s < kind->stay_count; s++) {
        const spotopt__item *item = &model->item[kind->stays[s].item];

        for (uint32_t u = 0; u < item->use_count; u++) {
            if (item->uses[u].rule == rule && (item->uses[u].roles & SPOTOPT__ROLE_A))
                total += kind->stays[s].holds;
        }
    }
    return total;
}

/* Puts a rule into a short list, the ones that force the most nodes first. */
static void
list_rule(uint32_t *list, uint32_t *count, uint32_t most, const uint64_t *forces, uint32_t rule)
{
    uint32_t at = *count;

    if (at == most && forces[list[at - 1]] >= forces[rule])
        return;
    at = at < most ? (*count)++ : at - 1;
    for (; at > 0 && forces[list[at - 1]] < forces[rule]; at--)
        list[at] = list[at - 1];
    list[at] = rule;
}

/* Which limits count, by how many nodes each forces; single: by rule, it speaks of one item. */
static void
choose_limits(spotopt__extras *extras, const spotopt__model *model, uint64_t *forces, bool *single)
{
    for (uint32_t i = 0; i < model->items; i++) {
        for (uint32_t u = 0; u < model->item[i].use_count; u++) {
            const uint32_t r = model->item[i].uses[u].rule;

            if (!spotopt__is_limited(model, &model->item[i].uses[u]))
                continue;
            single[r] = forces[r] == 0;
            forces[r] += model->item[i].count;
        }
    }
    for (uint32_t r = 0; r < model->prules; r++) {
        const uint32_t limit = extras->limit[r] > 0 ? extras->limit[r] : 1;

        if (forces[r] == 0)
            continue;
        extras->limits++;
        forces[r] = (forces[r] + limit - 1) / limit;
        list_rule(extras->row, &extras->rows, SPOTOPT__EXTRA_ROWS, forces, r);
        if (!single[r]) /* a limit on one item is its own */
            list_rule(extras->dim, &extras->dims, SPOTOPT__EXTRA_DIMS, forces, r);
    }
}

bool
spotopt__extras_init(spotopt__extras *extras, const spotopt__model *model)
{
    uint64_t *forces;
    bool *single;

    memset(extras, 0, sizeof *extras);
    spotopt__arena_init(&extras->arena, model->context);
    extras->limit = spotopt__arena_alloc(&extras->arena, model->prules + 1, sizeof *extras->limit);
    extras->group_of =
        spotopt__arena_alloc(&extras->arena, model->items + 1, sizeof *extras->group_of);
    extras->dim_of = spotopt__arena_alloc(&extras->arena, model->items + 1, sizeof *extras->dim_of);
    extras->node_most =
        spotopt__arena_alloc(&extras->arena, model->items + 1, sizeof *extras->node_most);
    forces = spotopt__arena_alloc(&extras->arena, model->prules + 1, sizeof *forces);
    single = spotopt__arena_alloc(&extras->arena, model->prules + 1, sizeof *single);
    if (extras->limit == NULL || extras->group_of == NULL || extras->dim_of == NULL ||
        extras->node_most == NULL || forces == NULL || single == NULL)
        return false;
    for (uint32_t r = 0; r < model->prules; r++)
        extras->limit[r] = model->prule[r].kind == SPOTOPT_RULE_SPREAD ? model->prule[r].skew
                                                                       : model->prule[r].limit;
    extras->count = model->prules;
    choose_limits(extras, model, forces, single);
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        uint64_t most = 0;

        extras->node_most[i] = UINT32_MAX;
        extras->group_of[i] = extras->dim_of[i] = SPOTOPT__NONE;
        for (uint32_t u = 0; u < item->use_count; u++) {
            const uint32_t r = item->uses[u].rule;

            if (!spotopt__is_limited(model, &item->uses[u]))
                continue;
            if (extras->limit[r] < extras->node_most[i])
                extras->node_most[i] = extras->limit[r];
            if (!single[r] && forces[r] > most) {
                most = forces[r];
                extras->group_of[i] = r;
            }
        }
        for (uint32_t d = 0; d < extras->dims && extras->group_of[i] != SPOTOPT__NONE; d++) {
            if (extras->dim[d] == extras->group_of[i]) {
                extras->dim_of[i] = d;
                extras->group_of[i] = SPOTOPT__NONE;
            }
        }
    }
    return true;
}

void
spotopt__extras_free(spotopt__extras *extras)
{
    spotopt__arena_free(&extras->arena);
}
