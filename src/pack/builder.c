/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder.c - the tables that construct.c builds packings with.
 *
 * Kinds that differ in cost alone form groups, items get tiers (what others want to be near to
 * comes first), an order by size, and prices: what placing one replica is worth.
 */
#include "base/keyed.h"
#include "pack/construct.h"

/* Kinds of a class that differ in a domain some hard rule looks at belong to different groups. */
static bool
make_groups(spotopt__builder *builder)
{
    const spotopt__model *model = builder->model;
    bool *looked = spotopt__alloc_array(model->context, model->axes + 1, sizeof *looked);
    uint32_t *lists = spotopt__arena_alloc(&builder->arena, model->kinds + 1, sizeof *lists);
    spotopt__keyed *order = spotopt__alloc_array(model->context, model->kinds + 1, sizeof *order);
    uint64_t *sign = spotopt__alloc_array(model->context, model->kinds + 1, sizeof *sign);
    uint32_t at = 0;
    bool ok = false;

    builder->group =
        spotopt__arena_alloc(&builder->arena, model->kinds + 1, sizeof *builder->group);
    if (looked == NULL || lists == NULL || order == NULL || sign == NULL || builder->group == NULL)
        goto done;
    for (uint32_t r = 0; r < model->prules; r++) {
        if (model->prule[r].axis != SPOTOPT__NONE)
            looked[model->prule[r].axis] = true;
    }
    for (uint32_t c = 0; c < model->classes; c++) {
        const spotopt__class *from = &model->class_at[c];
        uint32_t first = at;
        for (uint32_t j = 0; j < from->kind_count; j++) {
            const spotopt__kind *kind = &model->kind[from->kinds[j]];
            uint64_t hash = 0;
            for (uint32_t a = 0; a < model->axes; a++) {
                if (looked[a])
                    hash = spotopt__hash_mix(hash, model->axis[a].domain_of[kind->pool]);
            }
            sign[j] = hash;
            order[j] = (spotopt__keyed){
                kind->cost, j}; /* new ones come first among equals, by rank: as in the class */
        }
        spotopt__keyed_ascending(order, from->kind_count);
        for (uint32_t j = 0; j < from->kind_count;
             j++) { /* groups in the order of their cheapest kind */
            uint64_t hash;
            uint32_t g;
            if (order[j].id == SPOTOPT__NONE)
                continue;
            hash = sign[order[j].id];
            g = builder->groups++;
            builder->group[g].class_id = c;
            builder->group[g].kinds = lists + at;
            for (uint32_t k = j; k < from->kind_count; k++) {
                if (order[k].id != SPOTOPT__NONE && sign[order[k].id] == hash) {
                    lists[at++] = from->kinds[order[k].id];
                    order[k].id = SPOTOPT__NONE;
                }
            }
            builder->group[g].count = (uint32_t)(lists + at - builder->group[g].kinds);
        }
        assert(at - first == from->kind_count);
        (void)first;
    }
    ok = true;
done:
    spotopt__free(model->context, looked);
    spotopt__free(model->context, order);
    spotopt__free(model->context, sign);
    return ok;
}

static bool
sort_groups(spotopt__builder *builder)
{
    const spotopt__model *model = builder->model;
    spotopt__keyed *order =
        spotopt__alloc_array(model->context, builder->groups + 1, sizeof *order);

    builder->by_cost =
        spotopt__arena_alloc(&builder->arena, builder->groups + 1, sizeof *builder->by_cost);
    if (order != NULL && builder->by_cost != NULL) {
        for (uint32_t g = 0; g < builder->groups; g++)
            order[g] = (spotopt__keyed){model->kind[builder->group[g].kinds[0]].cost, g};
        spotopt__keyed_ascending(order, builder->groups);
        for (uint32_t g = 0; g < builder->groups; g++)
            builder->by_cost[g] = order[g].id;
    }
    spotopt__free(model->context, order);
    return order != NULL && builder->by_cost != NULL;
}

static void
make_tiers(spotopt__builder *builder)
{
    const spotopt__model *model = builder->model;

    for (int round = 0; round < 4;
         round++) { /* near to what is near to ...: four links are plenty */
        for (uint32_t r = 0; r < model->prules; r++) {
            uint32_t most = 0;
            bool any = false;
            if (model->prule[r].kind != SPOTOPT_RULE_NEAR)
                continue;
            for (uint32_t i = 0; i < model->items; i++) {
                for (uint32_t u = 0; u < model->item[i].use_count; u++) {
                    if (model->item[i].uses[u].rule == r &&
                        (model->item[i].uses[u].roles & SPOTOPT__ROLE_B)) {
                        most = builder->tier[i] > most ? builder->tier[i] : most;
                        any = true;
                    }
                }
            }
            for (uint32_t i = 0; any && i < model->items; i++) {
                for (uint32_t u = 0; u < model->item[i].use_count; u++) {
                    if (model->item[i].uses[u].rule == r &&
                        model->item[i].uses[u].roles == SPOTOPT__ROLE_A && builder->tier[i] <= most)
                        builder->tier[i] = most + 1;
                }
            }
        }
    }
    for (uint32_t i = 0; i < model->items; i++)
        builder->tiers =
            builder->tier[i] + 1 > builder->tiers ? builder->tier[i] + 1 : builder->tiers;
    if (builder->tiers >
        1) { /* what no near rule names comes last, so that it takes nobody's room */
        for (uint32_t i = 0; i < model->items; i++) {
            bool named = false;
            for (uint32_t u = 0; u < model->item[i].use_count; u++)
                named =
                    named || model->prule[model->item[i].uses[u].rule].kind == SPOTOPT_RULE_NEAR;
            if (!named)
                builder->tier[i] = builder->tiers;
        }
        builder->tiers++;
    }
}

/* Which running nodes hold what is dear to move. */
static bool
list_stays(spotopt__builder *builder)
{
    const spotopt__model *model = builder->model;
    uint32_t total = 0, *first;

    for (uint32_t k = model->pools; k < model->kinds; k++) {
        for (uint32_t s = 0; s < model->kind[k].stay_count; s++)
            total += model->item[model->kind[k].stays[s].item].move_cost > 0.0;
    }
    if (total == 0)
        return true;
    first = spotopt__arena_alloc(&builder->arena, model->items + 2, sizeof *first);
    builder->stay_kind = spotopt__arena_alloc(&builder->arena, total, sizeof(uint32_t));
    builder->stay_holds = spotopt__arena_alloc(&builder->arena, total, sizeof(uint32_t));
    builder->saved = spotopt__arena_alloc(&builder->arena, model->nodes, sizeof(double));
    builder->touched = spotopt__arena_alloc(&builder->arena, model->nodes, sizeof(uint32_t));
    if (first == NULL || builder->stay_kind == NULL || builder->stay_holds == NULL ||
        builder->saved == NULL || builder->touched == NULL)
        return false;
    for (int pass = 0; pass < 2; pass++) { /* count, then fill from each item's end */
        for (uint32_t k = model->kinds; k-- > model->pools;) {
            for (uint32_t s = 0; s < model->kind[k].stay_count; s++) {
                const spotopt__stay *stay = &model->kind[k].stays[s];

                if (!(model->item[stay->item].move_cost > 0.0))
                    continue;
                if (pass == 0) {
                    first[stay->item]++;
                } else {
                    builder->stay_kind[--first[stay->item]] = k;
                    builder->stay_holds[first[stay->item]] = stay->holds;
                }
            }
        }
        for (uint32_t i = 1; i <= model->items + 1 && pass == 0; i++)
            first[i] += first[i - 1];
    }
    builder->stay_first = first;
    return true;
}

spotopt_status
spotopt__builder_init(spotopt__builder *builder, const spotopt__model *model, spotopt_error *err)
{
    spotopt__keyed *order = spotopt__alloc_array(model->context, model->items + 1, sizeof *order);
    double *weight = spotopt__alloc_array(model->context, model->resources + 1, sizeof *weight);
    bool ok;

    memset(builder, 0, sizeof *builder);
    builder->model = model;
    spotopt__arena_init(&builder->arena, model->context);
    builder->tier = spotopt__arena_alloc(&builder->arena, model->items + 1, sizeof *builder->tier);
    builder->price =
        spotopt__arena_alloc(&builder->arena, model->items + 1, sizeof *builder->price);
    builder->weight =
        spotopt__arena_alloc(&builder->arena, model->resources + 1, sizeof *builder->weight);
    builder->order =
        spotopt__arena_alloc(&builder->arena, model->items + 1, sizeof *builder->order);
    builder->need =
        spotopt__arena_alloc(&builder->arena, model->resources + 1, sizeof *builder->need);
    builder->todo = spotopt__arena_alloc(&builder->arena, model->items + 1, sizeof *builder->todo);
    builder->best = spotopt__arena_alloc(&builder->arena, model->items + 1, sizeof *builder->best);
    ok = order != NULL && weight != NULL && builder->tier != NULL && builder->price != NULL &&
         builder->weight != NULL && builder->order != NULL && builder->need != NULL &&
         builder->best != NULL && builder->todo != NULL && make_groups(builder) &&
         sort_groups(builder) && list_stays(builder);
    if (ok) {
        builder->cursor =
            spotopt__arena_alloc(&builder->arena, builder->groups + 1, sizeof *builder->cursor);
        builder->ratio =
            spotopt__arena_alloc(&builder->arena, builder->groups + 1, sizeof *builder->ratio);
        builder->pick =
            spotopt__arena_alloc(&builder->arena, builder->groups + 1, sizeof *builder->pick);
        ok = builder->cursor != NULL && builder->ratio != NULL && builder->pick != NULL;
    }
    if (ok) {
        make_tiers(builder);
        for (uint32_t i = 0; i < model->items; i++)
            order[i] = (spotopt__keyed){model->item[i].size, i};
        spotopt__keyed_descending(order, model->items);
        for (uint32_t i = 0; i < model->items; i++)
            builder->order[i] = order[i].id;
        for (uint32_t r = 0; r < model->resources; r++)
            weight[r] = model->typical[r] > 0.0 ? 1.0 / model->typical[r] : 0.0;
        spotopt__builder_weigh(builder, weight);
    }
    spotopt__free(model->context, order);
    spotopt__free(model->context, weight);
    return ok ? SPOTOPT_OK : spotopt__nomem(err, "building packings");
}

bool
spotopt__builder_hurries(const spotopt__builder *builder)
{
    return builder->budget != NULL &&
           spotopt__budget_over(builder->budget, "pack", (double)INFINITY, 0.0);
}

void
spotopt__builder_free(spotopt__builder *builder)
{
    spotopt__arena_free(&builder->arena);
}

void
spotopt__builder_weigh(spotopt__builder *builder, const double *weight)
{
    const spotopt__model *model = builder->model;
    double most = 0.0;

    for (uint32_t r = 0; r < model->resources; r++) {
        builder->weight[r] = weight[r];
        most = weight[r] * model->typical[r] > most ? weight[r] * model->typical[r] : most;
    }
    for (uint32_t r = 0; r < model->resources;
         r++) { /* what is not scarce now may be later: never worth nothing */
        double floor_ = model->typical[r] > 0.0 ? 1e-3 * most / model->typical[r] : 0.0;
        builder->weight[r] = builder->weight[r] > floor_ ? builder->weight[r] : floor_;
    }
    for (uint32_t i = 0; i < model->items; i++) {
        double price = 0.0;
        for (uint32_t r = 0; r < model->resources; r++)
            price += builder->weight[r] * model->item[i].request[r];
        price = price > 0.0 ? price : 1e-9;
        builder->price[i] =
            price < model->item[i].unplaced_cost ? price : model->item[i].unplaced_cost;
    }
}

void
spotopt__builder_price(spotopt__builder *builder, const double *price)
{
    for (uint32_t i = 0; i < builder->model->items; i++) {
        double value = price[i] > 1e-12 ? price[i] : 1e-12;
        double most = builder->model->item[i].unplaced_cost;
        builder->price[i] = value < most ? value : most;
    }
}
