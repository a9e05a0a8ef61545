/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aggregate.c - turns a problem into the solver's model.
 *
 * Demands that nothing tells apart (request, pools, rules, costs, no residents) become one item. A
 * pool that a rule bars for lack of a label is taken off the item's list here, so that nobody else
 * has to think of it. Rules are compiled by domains.c, bins sorted into classes by kinds.c.
 * O(n log n) in demands and rules' members.
 */
#include "base/keyed.h"
#include "pack/model.h"

#define SEVERAL (SPOTOPT__NONE - 1)

static bool
is_whole(double x)
{
    return x == floor(x) && x < 9e15;
}

static bool
make_scales(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;

    model->tolerance = spotopt__arena_alloc(&model->arena, model->resources, sizeof(double));
    model->typical = spotopt__arena_alloc(&model->arena, model->resources, sizeof(double));
    if (model->tolerance == NULL || model->typical == NULL)
        return false;
    for (uint32_t r = 0; r < model->resources; r++) {
        bool whole = true;
        double total = 0.0;
        for (size_t p = 0; p < problem->pools.count; p++) {
            whole = whole && is_whole(problem->pools.at[p].capacity[r]);
            total += problem->pools.at[p].capacity[r];
        }
        for (size_t n = 0; n < problem->nodes.count; n++)
            whole = whole && is_whole(problem->nodes.at[n].capacity[r]);
        for (size_t d = 0; d < problem->demands.count; d++)
            whole = whole && is_whole(problem->demands.at[d].request[r]);
        model->tolerance[r] = whole ? 0.0 : SPOTOPT__TOL_LOAD;
        model->typical[r] = model->pools > 0 ? total / model->pools : 0.0;
    }
    return true;
}

/* Greatest common divisor of all costs, in millionths; 0 when they have none worth using. */
static void
find_step(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;
    uint64_t step = 0;
    bool plain = true;

#define TAKE(cost)                                                                                 \
    do {                                                                                           \
        double scaled_ = (cost)*1e6;                                                               \
        if (!(scaled_ < 1e14) || fabs(scaled_ - nearbyint(scaled_)) > 1e-6)                        \
            plain = false;                                                                         \
        for (uint64_t a_ = plain ? (uint64_t)nearbyint(scaled_) : 0; a_ != 0;) {                   \
            uint64_t b_ = step % a_;                                                               \
            step = a_;                                                                             \
            a_ = b_;                                                                               \
        }                                                                                          \
    } while (0)
    for (size_t p = 0; p < problem->pools.count; p++)
        TAKE(problem->pools.at[p].cost);
    for (size_t n = 0; n < problem->nodes.count; n++)
        TAKE(problem->nodes.at[n].cost);
    for (size_t d = 0; d < problem->demands.count; d++) {
        TAKE(problem->demands.at[d].move_cost);
        if (!isnan(problem->demands.at[d].unplaced_cost))
            TAKE(problem->demands.at[d].unplaced_cost);
    }
    for (size_t r = 0; r < problem->rules.count; r++) {
        if (!problem->rules.at[r].is_hard)
            TAKE(problem->rules.at[r].penalty);
    }
#undef TAKE
    model->cost_step = plain ? (double)step / 1e6 : 0.0;
}

/* Each demand's rules: uses[start[d]] .. uses[start[d+1]-1]. Both are the arena's. */
static bool
list_uses(spotopt__model *model, spotopt__use **out_uses, size_t **out_start)
{
    const spotopt_problem *problem = model->problem;
    size_t demands = problem->demands.count;
    size_t *start = spotopt__arena_alloc(&model->arena, demands + 2, sizeof *start);
    unsigned char *mark = spotopt__alloc_array(model->context, demands + 1, 1);
    spotopt__use *uses = NULL;

    /* Pass 0 counts into start[d + 2], pass 1 fills from start[d + 1]. */
    for (int pass = 0; pass < 2 && start != NULL && mark != NULL; pass++) {
        for (uint32_t k = 0; k < model->prules; k++) {
            const spotopt__pack_rule *rule = &problem->rules.at[model->prule[k].source];
            for (uint32_t i = 0; i < rule->demand_count; i++)
                mark[rule->demands[i]] |= SPOTOPT__ROLE_A;
            for (uint32_t i = 0; i < rule->other_count; i++)
                mark[rule->others[i]] |= SPOTOPT__ROLE_B;
            for (uint32_t i = 0; i < rule->demand_count + rule->other_count; i++) {
                uint32_t d = i < rule->demand_count ? rule->demands[i]
                                                    : rule->others[i - rule->demand_count];
                if (mark[d] == 0)
                    continue;
                if (pass == 0 && d + 2 < demands + 2)
                    start[d + 2]++;
                else if (pass == 1)
                    uses[start[d + 1]++] = (spotopt__use){k, mark[d]};
                mark[d] = 0;
            }
        }
        if (pass == 0) {
            size_t total = 0, last = 0;
            for (size_t d = 0; d < demands; d++)
                last += d + 2 < demands + 2 ? start[d + 2] : 0;
            total = last;
            for (size_t d = 2; d < demands + 2; d++)
                start[d] += start[d - 1];
            uses = spotopt__arena_alloc(&model->arena, total + 1, sizeof *uses);
            if (uses == NULL)
                break;
        }
    }
    spotopt__free(model->context, mark);
    *out_uses = uses;
    *out_start = start;
    return uses != NULL;
}

static bool
is_same_demand(const spotopt_problem *problem, const spotopt__use *uses, const size_t *start,
               uint32_t a, uint32_t b)
{
    const spotopt__pack_demand *x = &problem->demands.at[a], *y = &problem->demands.at[b];
    size_t count = start[a + 1] - start[a];

    return x->pool_set == y->pool_set &&
           memcmp(x->request, y->request, problem->resources * sizeof(double)) == 0 &&
           (isnan(x->unplaced_cost) ? isnan(y->unplaced_cost)
                                    : x->unplaced_cost == y->unplaced_cost) &&
           count == start[b + 1] - start[b] &&
           memcmp(uses + start[a], uses + start[b], count * sizeof *uses) == 0;
}

static bool
make_items(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;
    uint32_t demands = (uint32_t)problem->demands.count;
    spotopt__use *uses = NULL;
    size_t *start = NULL;
    spotopt__hashed *order = spotopt__alloc_array(model->context, demands + 1, sizeof *order);
    uint32_t *residents = spotopt__alloc_array(model->context, demands + 1, sizeof *residents);
    uint32_t *leader = spotopt__alloc_array(model->context, demands + 1, sizeof *leader);
    uint32_t *members = spotopt__arena_alloc(&model->arena, demands + 1, sizeof *members);
    bool ok = false;

    model->item_of = spotopt__arena_alloc(&model->arena, demands + 1, sizeof *model->item_of);
    model->item = spotopt__arena_alloc(&model->arena, demands + 1, sizeof *model->item);
    if (order == NULL || residents == NULL || leader == NULL || members == NULL ||
        model->item_of == NULL || model->item == NULL || !list_uses(model, &uses, &start))
        goto done;
    for (size_t n = 0; n < problem->nodes.count; n++) {
        for (size_t s = 0; s < problem->nodes.at[n].residents.count; s++)
            residents[problem->nodes.at[n].residents.at[s].demand] +=
                problem->nodes.at[n].residents.at[s].holds;
    }
    for (uint32_t d = 0; d < demands; d++) {
        const spotopt__pack_demand *demand = &problem->demands.at[d];
        uint64_t hash = spotopt__hash_bytes(demand->request, problem->resources * sizeof(double),
                                            demand->pool_set);
        hash = spotopt__hash_bytes(uses + start[d], (start[d + 1] - start[d]) * sizeof *uses, hash);
        order[d] = (spotopt__hashed){hash, d};
        leader[d] = d;
    }
    spotopt__hashed_sort(order, demands);
    for (uint32_t i = 0; i < demands; i++) { /* runs of equal hash are short or all equal */
        uint32_t d = order[i].id;
        uint32_t tries = 0;
        if (residents[d] > 0)
            continue;
        for (uint32_t j = i; j-- > 0 && order[j].hash == order[i].hash && tries < 64; tries++) {
            uint32_t e = leader[order[j].id];
            if (residents[e] == 0 && is_same_demand(problem, uses, start, d, e)) {
                leader[d] = e;
                break;
            }
        }
    }
    for (uint32_t d = 0; d < demands;
         d++) { /* a leader is the least of its group: order breaks ties by index */
        if (leader[d] == d)
            model->item_of[d] = model->items++;
    }
    for (uint32_t d = 0; d < demands; d++) {
        spotopt__item *item;
        const spotopt__pack_demand *demand = &problem->demands.at[d];
        model->item_of[d] = model->item_of[leader[d]];
        item = &model->item[model->item_of[d]];
        item->request = demand->request;
        item->count += demand->count;
        item->residents += residents[d];
        item->move_cost = demand->move_cost;
        item->unplaced_cost =
            isnan(demand->unplaced_cost) ? (double)INFINITY : demand->unplaced_cost;
        item->uses = uses + start[leader[d]];
        item->use_count = (uint32_t)(start[d + 1] - start[d]);
        item->member_count++;
        item->size = 0.0;
        for (uint32_t r = 0; r < model->resources; r++) {
            double part = model->typical[r] > 0.0 ? demand->request[r] / model->typical[r] : 0.0;
            item->size = part > item->size ? part : item->size;
        }
    }
    {
        uint32_t at = 0;
        for (uint32_t i = 0; i < model->items; i++) {
            model->item[i].members = members + at;
            at += model->item[i].member_count;
            model->item[i].member_count = 0;
        }
        for (uint32_t d = 0; d < demands; d++) {
            spotopt__item *item = &model->item[model->item_of[d]];
            members[(item->members - members) + item->member_count++] = d;
        }
    }
    ok = true;
done:
    spotopt__free(model->context, order);
    spotopt__free(model->context, residents);
    spotopt__free(model->context, leader);
    return ok;
}

/* Which pools an item may enter: its list without those that rules bar. */
static bool
make_allowed(spotopt__model *model, uint64_t *bits, uint32_t i, uint32_t *sets, uint32_t *set_count,
             uint64_t *hashes)
{
    const spotopt_problem *problem = model->problem;
    spotopt__item *item = &model->item[i];
    const spotopt__pool_set *list =
        &problem->pool_sets.at[problem->demands.at[item->members[0]].pool_set];
    uint64_t hash;

    memset(bits, 0, model->words * sizeof *bits);
    for (uint32_t j = 0; j < (list->list == NULL ? model->pools : list->count); j++) {
        uint32_t p = list->list == NULL ? j : list->list[j];
        bits[p >> 6] |= (uint64_t)1 << (p & 63);
    }
    for (uint32_t u = 0; u < item->use_count; u++) {
        const spotopt__prule *rule = &model->prule[item->uses[u].rule];
        const spotopt__axis *axis;
        bool needs_label = (item->uses[u].roles & SPOTOPT__ROLE_A) != 0 &&
                           (rule->kind == SPOTOPT_RULE_TOGETHER || rule->kind == SPOTOPT_RULE_NEAR);
        bool carries =
            (item->uses[u].roles & SPOTOPT__ROLE_B) != 0 && rule->kind == SPOTOPT_RULE_SPREAD;
        if (rule->axis == SPOTOPT__NONE || !(needs_label || carries))
            continue;
        axis = &model->axis[rule->axis];
        for (uint32_t p = 0; p < model->pools; p++) {
            uint32_t domain = axis->domain_of[p];
            if (domain >= axis->labelled || (carries && !rule->is_domain[domain]))
                bits[p >> 6] &= ~((uint64_t)1 << (p & 63));
        }
    }
    hash = spotopt__hash_bytes(bits, model->words * sizeof *bits, 0);
    for (uint32_t s = 0; s < *set_count; s++) {
        if (hashes[s] == hash &&
            memcmp(model->item[sets[s]].allowed, bits, model->words * sizeof *bits) == 0) {
            item->allowed = model->item[sets[s]].allowed;
            item->allowed_set = s;
            return true;
        }
    }
    item->allowed = spotopt__arena_dup(&model->arena, bits, model->words, sizeof *bits);
    item->allowed_set = *set_count;
    hashes[*set_count] = hash;
    sets[(*set_count)++] = i;
    return item->allowed != NULL;
}

static void
find_hopeless(spotopt__model *model)
{
    for (uint32_t i = 0; i < model->items; i++) {
        spotopt__item *item = &model->item[i];
        item->fits_nowhere = true;
        for (uint32_t k = 0; k < model->kinds && item->fits_nowhere; k++) {
            const spotopt__kind *kind = &model->kind[k];
            const spotopt__stay *stay;
            if (kind->class_id == SPOTOPT__NONE)
                continue;
            stay = spotopt__stay_of(kind, i);
            if ((spotopt__allows(item, kind->pool) || (stay != NULL && stay->may_stay)) &&
                spotopt__one_fits(model, item, kind->capacity))
                item->fits_nowhere = false;
        }
    }
}

/* Rules that speak of one item alone: their count on a node is that item's. */
static void
find_only(spotopt__model *model)
{
    uint32_t *seen;

    for (uint32_t r = 0; r < model->prules; r++)
        model->prule[r].only = SPOTOPT__NONE;
    for (uint32_t i = 0; i < model->items; i++) {
        for (uint32_t u = 0; u < model->item[i].use_count; u++) {
            seen = &model->prule[model->item[i].uses[u].rule].only;
            *seen = *seen == SPOTOPT__NONE || *seen == i ? i : SEVERAL;
        }
    }
    for (uint32_t r = 0; r < model->prules; r++) {
        if (model->prule[r].only == SEVERAL)
            model->prule[r].only = SPOTOPT__NONE;
    }
}

spotopt_status
spotopt__model_build(spotopt__model *model, const spotopt_problem *problem, spotopt_error *err)
{
    uint64_t *bits, *hashes;
    uint32_t *sets, set_count = 0;
    bool ok;

    memset(model, 0, sizeof *model);
    model->problem = problem;
    model->context = problem->context;
    spotopt__arena_init(&model->arena, problem->context);
    model->resources = problem->resources;
    model->pools = (uint32_t)problem->pools.count;
    model->nodes = (uint32_t)problem->nodes.count;
    model->words = model->pools / 64 + 1;
    if (!make_scales(model) || !spotopt__model_rules(model) || !make_items(model) ||
        !spotopt__model_kinds(model) || !spotopt__model_trim(model))
        return spotopt__nomem(err, "the packing model");
    find_only(model);
    find_step(model);
    model->min_pools =
        spotopt__arena_alloc(&model->arena, model->pools + 1, sizeof *model->min_pools);
    if (model->min_pools == NULL)
        return spotopt__nomem(err, "the packing model");
    for (uint32_t p = 0; p < model->pools; p++) {
        if (problem->pools.at[p].min > 0)
            model->min_pools[model->min_pool_count++] = p;
    }
    bits = spotopt__alloc_array(model->context, model->words, sizeof *bits);
    hashes = spotopt__alloc_array(model->context, model->items + 1, sizeof *hashes);
    sets = spotopt__alloc_array(model->context, model->items + 1, sizeof *sets);
    ok = bits != NULL && hashes != NULL && sets != NULL;
    for (uint32_t i = 0; ok && i < model->items; i++)
        ok = make_allowed(model, bits, i, sets, &set_count, hashes);
    ok = ok && spotopt__model_classes(model, sets, set_count);
    spotopt__free(model->context, bits);
    spotopt__free(model->context, hashes);
    spotopt__free(model->context, sets);
    if (!ok)
        return spotopt__nomem(err, "the packing model");
    find_hopeless(model);
    return SPOTOPT_OK;
}

void
spotopt__model_free(spotopt__model *model)
{
    spotopt__arena_free(&model->arena);
}
