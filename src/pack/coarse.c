/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coarse.c - a coarser problem in front of one with many rules.
 *
 * Demands that differ in their rules alone are merged: the rules over labels are dropped, those per
 * node kept where they force many nodes. Whatever packs the problem packs the coarser one at no
 * more cost, so its bound holds here; and it has few items, so column generation and neighbourhoods
 * get far. Its packing then says what each node shall hold of each shape; refine.c deals out the
 * demands. Used where it has much fewer items.
 */
#include <stdio.h>

#include "base/keyed.h"
#include "pack/coarse.h"
#include "pack/part.h"
#include "pack/pricing.h"

#define ITEMS_LEAST 24 /* fewer need no help */
#define MERGED_MOST 0.6
#define FORCES_LEAST 0.05 /* of the nodes that the strictest limit forces: less is dropped */

typedef struct limits {
    const spotopt__model *model;
    uint32_t rule[SPOTOPT__EXTRA_ROWS], count;
} limits;

/* Bits of the kept limits that the item counts towards. */
static uint32_t
limits_of(const limits *kept, uint32_t i)
{
    const spotopt__item *item = &kept->model->item[i];
    uint32_t bits = 0;

    for (uint32_t u = 0; u < item->use_count; u++) {
        for (uint32_t l = 0; l < kept->count; l++) {
            if (kept->rule[l] == item->uses[u].rule &&
                spotopt__is_limited(kept->model, &item->uses[u]))
                bits |= (uint32_t)1 << l;
        }
    }
    return bits;
}

static double
forces(const spotopt__model *model, const spotopt__extras *extras, uint32_t rule)
{
    double total = 0.0;

    for (uint32_t i = 0; i < model->items; i++) {
        for (uint32_t u = 0; u < model->item[i].use_count; u++) {
            if (model->item[i].uses[u].rule == rule &&
                spotopt__is_limited(model, &model->item[i].uses[u]))
                total += model->item[i].count;
        }
    }
    return total / (extras->limit[rule] > 0 ? extras->limit[rule] : 1);
}

/*
 * A spread becomes a limit on those who carry it. Where residents break it, others that it counts
 * but that do not carry it make room for more carriers: then it is dropped.
 */
static bool
is_kept_by_all(const spotopt__model *model, uint32_t rule)
{
    const spotopt__prule *at = &model->prule[rule];

    for (uint32_t k = model->pools; k < model->kinds && at->kind == SPOTOPT_RULE_SPREAD; k++) {
        if (spotopt__old_of(model, &model->kind[k], rule) > at->skew)
            return false;
    }
    return true;
}

static bool
keep_limits(limits *kept, const spotopt__model *model, bool *drops)
{
    spotopt__extras extras;
    const bool ok = spotopt__extras_init(&extras, model);
    double most = 0.0;

    kept->model = model;
    kept->count = 0;
    *drops = false;
    for (uint32_t l = 0; ok && l < extras.rows; l++) { /* the strictest first */
        const double nodes = forces(model, &extras, extras.row[l]);

        most = fmax(most, nodes);
        if (nodes < FORCES_LEAST * most)
            continue;
        if (is_kept_by_all(model, extras.row[l]))
            kept->rule[kept->count++] = extras.row[l];
        else
            *drops = true;
    }
    *drops = *drops || extras.limits > extras.rows;
    spotopt__extras_free(&extras);
    return ok;
}

static bool
is_alike(const limits *kept, uint32_t a, uint32_t b)
{
    const spotopt__item *x = &kept->model->item[a], *y = &kept->model->item[b];

    return x->allowed_set == y->allowed_set &&
           memcmp(x->request, y->request, kept->model->resources * sizeof(double)) == 0 &&
           memcmp(&x->move_cost, &y->move_cost, sizeof(double)) == 0 &&
           memcmp(&x->unplaced_cost, &y->unplaced_cost, sizeof(double)) == 0 &&
           limits_of(kept, a) == limits_of(kept, b);
}

/* Numbers the merged items in the order of their first; false when memory ran out. */
static bool
merge_items(spotopt__coarse *coarse, const limits *kept)
{
    const spotopt__model *model = kept->model;
    spotopt__hashed *order = spotopt__alloc_array(model->context, model->items + 1, sizeof *order);
    uint32_t *leader = spotopt__alloc_array(model->context, model->items + 1, sizeof *leader);
    const bool ok = order != NULL && leader != NULL;

    for (uint32_t i = 0; ok && i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        uint64_t hash = spotopt__hash_bytes(item->request, model->resources * sizeof(double),
                                            item->allowed_set + 1);

        hash = spotopt__hash_bytes(&item->move_cost, sizeof(double), hash);
        hash = spotopt__hash_bytes(&item->unplaced_cost, sizeof(double), hash);
        order[i] = (spotopt__hashed){spotopt__hash_mix(hash, limits_of(kept, i)), i};
    }
    if (ok)
        spotopt__hashed_sort(order, model->items);
    for (uint32_t o = 0; ok && o < model->items; o++) {
        const uint32_t i = order[o].id;

        leader[i] = i;
        for (uint32_t p = o; p-- > 0 && order[p].hash == order[o].hash;) {
            if (leader[order[p].id] == order[p].id && is_alike(kept, i, order[p].id))
                leader[i] = order[p].id;
        }
    }
    coarse->shapes = 0;
    for (uint32_t i = 0; ok && i < model->items; i++) /* leaders come first */
        coarse->shape_of[i] = leader[i] == i ? coarse->shapes++ : coarse->shape_of[leader[i]];
    spotopt__free(model->context, order);
    spotopt__free(model->context, leader);
    return ok;
}

static spotopt_status
add_shapes(spotopt_problem *to, const spotopt__coarse *coarse, const spotopt__model *model,
           spotopt_error *err)
{
    uint32_t *pools = spotopt__alloc_array(model->context, model->pools + 1, sizeof *pools);
    spotopt_status status = pools == NULL ? spotopt__nomem(err, "a coarser problem") : SPOTOPT_OK;

    for (uint32_t i = 0, next = 0; i < model->items && status == SPOTOPT_OK; i++) {
        const spotopt__item *item = &model->item[i];
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        uint64_t total = 0;
        uint32_t count = 0;
        char id[16];

        if (coarse->shape_of[i] != next)
            continue;
        for (uint32_t j = i; j < model->items; j++)
            total += coarse->shape_of[j] == next ? model->item[j].count : 0;
        for (uint32_t p = 0; p < model->pools; p++) {
            if (spotopt__allows(item, p))
                pools[count++] = p;
        }
        snprintf(id, sizeof id, "%u", (unsigned)next++);
        spec.id = id;
        spec.request = item->request;
        spec.count = (uint32_t)total;
        spec.pools = count == model->pools ? NULL : pools;
        spec.pool_count = count == model->pools ? 0 : count;
        spec.move_cost = item->move_cost;
        spec.unplaced_cost = isfinite(item->unplaced_cost) ? item->unplaced_cost : (double)NAN;
        status = spotopt_problem_add_demand(to, &spec, NULL, err);
    }
    spotopt__free(model->context, pools);
    return status;
}

static spotopt_status
add_nodes(spotopt_problem *to, const spotopt__coarse *coarse, const spotopt__model *model,
          spotopt_error *err)
{
    const spotopt_problem *from = model->problem;
    uint32_t *holds = spotopt__alloc_array(model->context, coarse->shapes + 1, sizeof *holds);
    uint32_t *fixed = spotopt__alloc_array(model->context, coarse->shapes + 1, sizeof *fixed);
    spotopt_status status =
        holds == NULL || fixed == NULL ? spotopt__nomem(err, "a coarser problem") : SPOTOPT_OK;

    for (uint32_t n = 0; n < model->nodes && status == SPOTOPT_OK; n++) {
        const spotopt__kind *kind = &model->kind[model->pools + n];
        spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;

        spec.id = from->nodes.at[n].id;
        spec.pool = kind->pool;
        spec.capacity = kind->capacity;
        spec.cost = kind->cost;
        status = spotopt_problem_add_node(to, &spec, NULL, err);
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            holds[coarse->shape_of[kind->stays[s].item]] += kind->stays[s].holds;
            fixed[coarse->shape_of[kind->stays[s].item]] += kind->stays[s].fixed;
        }
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            const uint32_t shape = coarse->shape_of[kind->stays[s].item];

            if (holds[shape] > 0 && status == SPOTOPT_OK)
                status =
                    spotopt_problem_set_resident(to, n, shape, holds[shape], fixed[shape], err);
            holds[shape] = fixed[shape] = 0;
        }
    }
    spotopt__free(model->context, holds);
    spotopt__free(model->context, fixed);
    return status;
}

/* Rules on sums as they were; the kept limits over merged items. */
static spotopt_status
add_rules(spotopt_problem *to, const spotopt__coarse *coarse, const limits *kept,
          spotopt_error *err)
{
    const spotopt__model *model = kept->model;
    const spotopt_problem *from = model->problem;
    uint32_t *list = spotopt__alloc_array(model->context, coarse->shapes + 1, sizeof *list);
    spotopt_status status = list == NULL ? spotopt__nomem(err, "a coarser problem") : SPOTOPT_OK;

    for (uint32_t r = 0; r < from->rules.count && status == SPOTOPT_OK; r++) {
        const spotopt__pack_rule *rule = &from->rules.at[r];
        spotopt_rule_spec spec;

        if (rule->kind <= SPOTOPT_RULE_SPREAD)
            continue;
        spotopt__rule_spec_of(from, r, &spec);
        status = spotopt_problem_add_rule(to, &spec, err);
    }
    for (uint32_t l = 0; l < kept->count && status == SPOTOPT_OK; l++) {
        spotopt_rule_spec spec = SPOTOPT_RULE_SPEC_INIT;
        const spotopt__prule *rule = &model->prule[kept->rule[l]];

        spec.kind = SPOTOPT_RULE_AT_MOST;
        spec.per = "node";
        spec.count = rule->kind == SPOTOPT_RULE_SPREAD ? rule->skew : rule->limit;
        spec.demands = list;
        for (uint32_t i = 0, next = 0; i < model->items; i++) {
            if (coarse->shape_of[i] != next)
                continue;
            if (limits_of(kept, i) >> l & 1)
                list[spec.demand_count++] = next;
            next++;
        }
        status = spotopt_problem_add_rule(to, &spec, err);
    }
    spotopt__free(model->context, list);
    return status;
}

/* Moves are free for replicas that are too many: merged, they could be others. */
static bool
may_merge(const spotopt__model *model, uint32_t items_least)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < model->items; i++) {
        total += model->item[i].count;
        if (model->item[i].residents > model->item[i].count || model->item[i].fits_nowhere)
            return false;
    }
    return model->items >= items_least && model->prules > 0 && total <= 1000000000;
}

spotopt_status
spotopt__coarse_make(spotopt__coarse *coarse, const spotopt__model *model, bool anyway,
                     spotopt_error *err)
{
    limits kept;
    spotopt_status status;

    memset(coarse, 0, sizeof *coarse);
    if (!may_merge(model, anyway ? 1 : ITEMS_LEAST))
        return SPOTOPT_OK;
    coarse->shape_of =
        spotopt__alloc_array(model->context, model->items + 1, sizeof *coarse->shape_of);
    if (coarse->shape_of == NULL || !keep_limits(&kept, model, &coarse->drops_limits) ||
        !merge_items(coarse, &kept))
        return spotopt__nomem(err, "a coarser problem");
    if (!anyway && coarse->shapes > MERGED_MOST * model->items)
        return SPOTOPT_OK;
    status = spotopt_problem_new(model->context, model->problem->resource_names, model->resources,
                                 &coarse->problem, err);
    if (status == SPOTOPT_OK)
        status = spotopt__copy_pools(coarse->problem, model->problem, NULL, err);
    if (status == SPOTOPT_OK)
        status = add_shapes(coarse->problem, coarse, model, err);
    if (status == SPOTOPT_OK)
        status = add_nodes(coarse->problem, coarse, model, err);
    if (status == SPOTOPT_OK)
        status = add_rules(coarse->problem, coarse, &kept, err);
    return status;
}

void
spotopt__coarse_free(spotopt__coarse *coarse, const spotopt__model *model)
{
    spotopt__free(model->context, coarse->shape_of);
    spotopt_problem_free(coarse->problem);
    memset(coarse, 0, sizeof *coarse);
}
