/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aggregate.c - turns a problem into the solver's model.
 *
 * Demands that nothing tells apart (request, pools, rules, costs, no residents) become one item;
 * pools and running nodes of equal capacity that the same items may enter become one class; labels
 * become numbered domains. A pool that a rule bars for lack of a label is taken off the item's list
 * here, so that nobody else has to think of it. O(n log n) in each of pools, demands and rules'
 * members.
 */
#include <stdlib.h>

#include "pack/model.h"

#define SEVERAL (SPOTOPT__NONE - 1)

typedef struct keyed {
    uint64_t hash;
    uint32_t index;
} keyed;

static int
compare_keyed(const void *a, const void *b)
{
    const keyed *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

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

static bool
make_axis(spotopt__model *model, uint32_t key, uint32_t *out)
{
    const spotopt_problem *problem = model->problem;
    spotopt__axis *axis;
    uint32_t *domain_of, *first;

    for (uint32_t a = 0; a < model->axes; a++) {
        if (model->axis[a].key == key) {
            *out = a;
            return true;
        }
    }
    domain_of = spotopt__arena_alloc(&model->arena, model->pools + 1, sizeof *domain_of);
    first = spotopt__alloc_array(model->context, problem->values.count + 1, sizeof *first);
    if (domain_of == NULL || first == NULL) {
        spotopt__free(model->context, first);
        return false;
    }
    axis = &model->axis[model->axes];
    axis->key = key;
    axis->domain_of = domain_of;
    for (uint32_t p = 0; p < model->pools; p++) {
        uint32_t value = key == SPOTOPT__PER_POOL ? p : spotopt__pool_label(problem, p, key);
        if (key == SPOTOPT__PER_POOL) {
            domain_of[p] = axis->domains++;
        } else if (value != SPOTOPT__NONE) {
            if (first[value] == 0)
                first[value] = ++axis->domains; /* domain + 1 */
            domain_of[p] = first[value] - 1;
        }
    }
    axis->labelled = axis->domains;
    for (uint32_t p = 0; p < model->pools && key != SPOTOPT__PER_POOL; p++) {
        if (spotopt__pool_label(problem, p, key) == SPOTOPT__NONE)
            domain_of[p] = axis->domains++;
    }
    spotopt__free(model->context, first);
    *out = model->axes++;
    return true;
}

static bool
demand_fits(const spotopt_problem *problem, const spotopt__pack_demand *demand,
            const double *capacity)
{
    for (uint32_t r = 0; r < problem->resources; r++) {
        if (!(demand->request[r] <= capacity[r]))
            return false;
    }
    return true;
}

/* The domains that a spread counts over. */
static bool
mark_domains(spotopt__model *model, const spotopt__pack_rule *rule, spotopt__prule *out)
{
    const spotopt_problem *problem = model->problem;
    const spotopt__axis *axis = &model->axis[out->axis];
    unsigned char *is_domain = spotopt__arena_alloc(&model->arena, axis->domains + 1, 1);
    uint32_t count = 0;

    if (is_domain == NULL)
        return false;
    out->is_domain = is_domain;
    for (size_t n = 0; n < problem->nodes.count; n++) {
        uint32_t domain = axis->domain_of[problem->nodes.at[n].pool];
        if (domain < axis->labelled)
            is_domain[domain] = 1;
    }
    for (uint32_t i = 0; i < rule->other_count; i++) {
        const spotopt__pack_demand *demand = &problem->demands.at[rule->others[i]];
        const spotopt__pool_set *set = &problem->pool_sets.at[demand->pool_set];
        uint32_t span = demand->pool_set == SPOTOPT__ALL_POOLS ? model->pools : set->count;
        for (uint32_t j = 0; j < span; j++) {
            uint32_t p = demand->pool_set == SPOTOPT__ALL_POOLS ? j : set->list[j];
            uint32_t domain = axis->domain_of[p];
            if (domain < axis->labelled && !is_domain[domain] && problem->pools.at[p].max != 0 &&
                demand_fits(problem, demand, problem->pools.at[p].capacity))
                is_domain[domain] = 1;
        }
    }
    for (uint32_t d = 0; d < axis->labelled; d++)
        count += is_domain[d];
    out->few_domains = count < rule->min_domains;
    return true;
}

/* What residents hold of a list, by domain. */
static const uint32_t *
tally_residents(spotopt__model *model, const uint32_t *list, uint32_t count,
                const spotopt__axis *axis)
{
    const spotopt_problem *problem = model->problem;
    unsigned char *in_list = spotopt__alloc_array(model->context, problem->demands.count + 1, 1);
    uint32_t *tally = spotopt__arena_alloc(&model->arena, axis->domains + 1, sizeof *tally);

    if (in_list != NULL && tally != NULL) {
        for (uint32_t i = 0; i < count; i++)
            in_list[list[i]] = 1;
        for (size_t n = 0; n < problem->nodes.count; n++) {
            const spotopt__pack_node *node = &problem->nodes.at[n];
            for (size_t s = 0; s < node->residents.count; s++) {
                if (in_list[node->residents.at[s].demand])
                    tally[axis->domain_of[node->pool]] += node->residents.at[s].holds;
            }
        }
    } else {
        tally = NULL;
    }
    spotopt__free(model->context, in_list);
    return tally;
}

static bool
make_prule(spotopt__model *model, const spotopt__pack_rule *rule, uint32_t source)
{
    spotopt__prule *out = &model->prule[model->prules];
    double total = 0.0;

    out->kind = rule->kind;
    out->is_hard = rule->is_hard;
    out->penalty = rule->is_hard ? 0.0 : rule->penalty;
    out->source = source;
    out->skew = rule->max_skew;
    out->axis = SPOTOPT__NONE;
    out->limit = rule->count;
    if (rule->kind == SPOTOPT_RULE_AT_MOST && !isnan(rule->frac)) {
        for (uint32_t i = 0; i < rule->demand_count; i++)
            total += model->problem->demands.at[rule->demands[i]].count;
        total = floor(rule->frac * total + 1e-9);
        out->limit = total < 4e9 ? (uint32_t)total : 4000000000u;
    }
    if (rule->per != SPOTOPT__PER_NODE) {
        const spotopt__axis *axis;
        if (!make_axis(model, rule->per, &out->axis))
            return false;
        axis = &model->axis[out->axis];
        out->domains = axis->domains;
        out->old_a = tally_residents(model, rule->demands, rule->demand_count, axis);
        out->old_b = tally_residents(model, rule->others, rule->other_count, axis);
        if (out->old_a == NULL || out->old_b == NULL)
            return false;
        if (rule->kind == SPOTOPT_RULE_SPREAD && !mark_domains(model, rule, out))
            return false;
        out->tally = model->ptallies;
        model->ptallies += 2 * (size_t)axis->domains;
        model->has_hard_axis = model->has_hard_axis || rule->is_hard;
    }
    model->prules++;
    return true;
}

static bool
make_trule(spotopt__model *model, const spotopt__pack_rule *rule, uint32_t source)
{
    spotopt__trule *out = &model->trule[model->trules];
    uint32_t *group_of = spotopt__arena_alloc(&model->arena, model->pools + 1, sizeof *group_of);
    double *weight = NULL;

    if (group_of == NULL)
        return false;
    out->kind = rule->kind;
    out->of = rule->of;
    out->source = source;
    out->min = rule->min;
    out->max = rule->max;
    out->min_frac = rule->min_frac;
    out->max_frac = rule->max_frac;
    out->groups = 1;
    out->group_of = group_of;
    out->value = SPOTOPT__NONE;
    if (rule->kind == SPOTOPT_RULE_SHARE) {
        uint32_t a = 0;
        const spotopt__axis *axis;
        if (!make_axis(model, rule->per, &a))
            return false;
        axis = &model->axis[a];
        out->groups = axis->labelled;
        out->has_value = rule->has_value;
        for (uint32_t p = 0; p < model->pools; p++) {
            bool labelled = axis->domain_of[p] < axis->labelled;
            group_of[p] = labelled ? axis->domain_of[p] : SPOTOPT__NONE;
            if (labelled && rule->has_value &&
                (rule->per == SPOTOPT__PER_POOL
                     ? p
                     : spotopt__pool_label(model->problem, p, rule->per)) == rule->value)
                out->value = group_of[p];
        }
    } else if (rule->kind == SPOTOPT_RULE_LIMIT && rule->per != SPOTOPT__NONE) {
        for (uint32_t p = 0; p < model->pools; p++) {
            uint32_t value = rule->per == SPOTOPT__PER_POOL
                                 ? p
                                 : spotopt__pool_label(model->problem, p, rule->per);
            group_of[p] = value != SPOTOPT__NONE && value == rule->value ? 0 : SPOTOPT__NONE;
        }
    } else if (rule->kind == SPOTOPT_RULE_MEAN) {
        weight = spotopt__arena_alloc(&model->arena, model->pools + 1, sizeof *weight);
        if (weight == NULL)
            return false;
        for (uint32_t i = 0; i < rule->pool_count; i++)
            weight[rule->pools[i]] = rule->values[i];
    }
    out->weight = weight;
    out->tally = model->ttallies;
    model->ttallies += 2 * (size_t)out->groups + 2;
    model->trules++;
    return true;
}

static bool
make_rules(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;
    size_t count = problem->rules.count;

    model->prule = spotopt__arena_alloc(&model->arena, count + 1, sizeof *model->prule);
    model->trule = spotopt__arena_alloc(&model->arena, count + 1, sizeof *model->trule);
    model->axis = spotopt__arena_alloc(&model->arena, problem->keys.count + 2, sizeof *model->axis);
    if (model->prule == NULL || model->trule == NULL || model->axis == NULL)
        return false;
    for (size_t r = 0; r < count; r++) {
        const spotopt__pack_rule *rule = &problem->rules.at[r];
        if (!(rule->kind <= SPOTOPT_RULE_SPREAD ? make_prule(model, rule, (uint32_t)r)
                                                : make_trule(model, rule, (uint32_t)r)))
            return false;
    }
    return true;
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
    keyed *order = spotopt__alloc_array(model->context, demands + 1, sizeof *order);
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
        order[d] = (keyed){hash, d};
        leader[d] = d;
    }
    qsort(order, demands, sizeof *order, compare_keyed);
    for (uint32_t i = 0; i < demands; i++) { /* runs of equal hash are short or all equal */
        uint32_t d = order[i].index;
        uint32_t tries = 0;
        if (residents[d] > 0)
            continue;
        for (uint32_t j = i; j-- > 0 && order[j].hash == order[i].hash && tries < 64; tries++) {
            uint32_t e = leader[order[j].index];
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

const spotopt__stay *
spotopt__stay_of(const spotopt__kind *kind, uint32_t item)
{
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        if (kind->stays[s].item == item)
            return &kind->stays[s];
    }
    return NULL;
}

bool
spotopt__one_fits(const spotopt__model *model, const spotopt__item *item, const double *capacity)
{
    for (uint32_t r = 0; r < model->resources; r++) {
        if (item->request[r] > spotopt__ceiling(model, r, capacity[r]))
            return false;
    }
    return true;
}

/* A resident is barred from its own node when a rule wants a label that the pool does not have. */
static bool
is_barred(const spotopt__model *model, const spotopt__item *item, uint32_t pool)
{
    for (uint32_t u = 0; u < item->use_count; u++) {
        const spotopt__prule *rule = &model->prule[item->uses[u].rule];
        bool wants = (item->uses[u].roles & SPOTOPT__ROLE_A) != 0 &&
                     (rule->kind == SPOTOPT_RULE_TOGETHER || rule->kind == SPOTOPT_RULE_NEAR);
        wants = wants ||
                ((item->uses[u].roles & SPOTOPT__ROLE_B) != 0 && rule->kind == SPOTOPT_RULE_SPREAD);
        if (rule->axis != SPOTOPT__NONE && wants) {
            uint32_t domain = model->axis[rule->axis].domain_of[pool];
            if (domain >= model->axis[rule->axis].labelled ||
                (rule->kind == SPOTOPT_RULE_SPREAD && !rule->is_domain[domain]))
                return true;
        }
    }
    return false;
}

static bool
make_kinds(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;

    model->kinds = model->pools + model->nodes;
    model->kind = spotopt__arena_alloc(&model->arena, model->kinds + 1, sizeof *model->kind);
    if (model->kind == NULL)
        return false;
    for (uint32_t p = 0; p < model->pools; p++) {
        spotopt__kind *kind = &model->kind[p];
        kind->capacity = problem->pools.at[p].capacity;
        kind->cost = problem->pools.at[p].cost;
        kind->pool = p;
        kind->node = SPOTOPT__NONE;
    }
    for (uint32_t n = 0; n < model->nodes; n++) {
        spotopt__kind *kind = &model->kind[model->pools + n];
        const spotopt__pack_node *node = &problem->nodes.at[n];
        spotopt__stay *stays =
            spotopt__arena_alloc(&model->arena, node->residents.count + 1, sizeof *stays);
        if (stays == NULL)
            return false;
        kind->capacity = node->capacity;
        kind->cost = node->cost;
        kind->pool = node->pool;
        kind->node = n;
        kind->stays = stays;
        kind->stay_count = (uint32_t)node->residents.count;
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            const spotopt__pack_resident *resident = &node->residents.at[s];
            stays[s].item = model->item_of[resident->demand];
            stays[s].holds = resident->holds;
            stays[s].fixed = resident->fixed;
            stays[s].may_stay = !is_barred(model, &model->item[stays[s].item], node->pool);
            kind->has_fixed = kind->has_fixed || resident->fixed > 0;
        }
    }
    return true;
}

typedef struct class_key {
    uint64_t hash;
    uint32_t kind;
} class_key;

static bool
is_same_class(const spotopt__model *model, const uint64_t *signs, uint32_t sign_words, uint32_t a,
              uint32_t b)
{
    const spotopt__kind *x = &model->kind[a], *y = &model->kind[b];

    return memcmp(x->capacity, y->capacity, model->resources * sizeof(double)) == 0 &&
           memcmp(signs + (size_t)x->pool * sign_words, signs + (size_t)y->pool * sign_words,
                  sign_words * sizeof *signs) == 0;
}

/* Residents that may stay where others may not enter make a class of their own. */
static bool
is_special(const spotopt__model *model, const spotopt__kind *kind)
{
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        if (!spotopt__allows(&model->item[kind->stays[s].item], kind->pool))
            return true;
    }
    return false;
}

static int
compare_new(const spotopt__model *model, uint32_t a, uint32_t b)
{
    const spotopt__kind *x = &model->kind[a], *y = &model->kind[b];
    uint32_t i, j;

    if ((x->node != SPOTOPT__NONE) != (y->node != SPOTOPT__NONE))
        return x->node != SPOTOPT__NONE ? 1 : -1;
    if (x->cost < y->cost || x->cost > y->cost)
        return x->cost < y->cost ? -1 : 1;
    i = model->problem->pools.at[x->pool].rank;
    j = model->problem->pools.at[y->pool].rank;
    if (i != j)
        return i < j ? -1 : 1;
    return (a > b) - (a < b);
}

/* Heap sort by compare_new(): qsort() has no place for the model. */
static void
sort_kinds(const spotopt__model *model, uint32_t *list, uint32_t count)
{
    for (uint32_t end = count, start = count / 2; end > 1;) {
        uint32_t root;
        if (start > 0) {
            start--;
        } else {
            uint32_t top = list[0];
            list[0] = list[--end];
            list[end] = top;
        }
        for (root = start; 2 * root + 1 < end;) {
            uint32_t child = 2 * root + 1, swap;
            if (child + 1 < end && compare_new(model, list[child], list[child + 1]) < 0)
                child++;
            if (compare_new(model, list[root], list[child]) >= 0)
                break;
            swap = list[root];
            list[root] = list[child];
            list[child] = swap;
            root = child;
        }
    }
}

static bool
make_classes(spotopt__model *model, const uint32_t *sets, uint32_t set_count)
{
    uint32_t sign_words = set_count / 64 + 1;
    uint64_t *signs =
        spotopt__alloc_array(model->context, (size_t)model->pools * sign_words + 1, sizeof *signs);
    keyed *order = spotopt__alloc_array(model->context, model->kinds + 1, sizeof *order);
    uint32_t *lists = spotopt__arena_alloc(&model->arena, model->kinds + 1, sizeof *lists);
    uint32_t *count = spotopt__alloc_array(model->context, model->kinds + 1, sizeof *count);
    uint32_t used = 0, at = 0;
    bool ok = false;

    model->class_at =
        spotopt__arena_alloc(&model->arena, model->kinds + 1, sizeof *model->class_at);
    if (signs == NULL || order == NULL || lists == NULL || count == NULL || model->class_at == NULL)
        goto done;
    for (uint32_t p = 0; p < model->pools; p++) {
        for (uint32_t s = 0; s < set_count; s++) {
            if (spotopt__allows(&model->item[sets[s]], p))
                signs[(size_t)p * sign_words + (s >> 6)] |= (uint64_t)1 << (s & 63);
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        const spotopt__kind *kind = &model->kind[k];
        uint64_t hash = spotopt__hash_bytes(kind->capacity, model->resources * sizeof(double), 1);
        if (kind->node == SPOTOPT__NONE && model->problem->pools.at[kind->pool].max == 0) {
            model->kind[k].class_id = SPOTOPT__NONE;
            continue;
        }
        hash = spotopt__hash_bytes(signs + (size_t)kind->pool * sign_words,
                                   sign_words * sizeof *signs, hash);
        order[used++] = (keyed){hash, k};
    }
    qsort(order, used, sizeof *order, compare_keyed);
    for (uint32_t i = 0; i < used; i++) {
        uint32_t k = order[i].index;
        model->kind[k].class_id = k; /* the first of its class, for now */
        if (is_special(model, &model->kind[k]))
            continue;
        for (uint32_t j = i, tries = 0; j-- > 0 && order[j].hash == order[i].hash && tries < 64;
             tries++) {
            uint32_t first = model->kind[order[j].index].class_id;
            if (!is_special(model, &model->kind[first]) &&
                is_same_class(model, signs, sign_words, k, first)) {
                model->kind[k].class_id = first;
                break;
            }
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        if (model->kind[k].class_id != SPOTOPT__NONE)
            count[model->kind[k].class_id]++;
    }
    for (uint32_t k = 0; k < model->kinds; k++) { /* a class's first kind is its least */
        if (model->kind[k].class_id == k) {
            spotopt__class *made = &model->class_at[model->classes];
            made->capacity = model->kind[k].capacity;
            made->kinds = lists + at;
            at += count[k];
            count[k] = model->classes++;
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        spotopt__class *made;
        if (model->kind[k].class_id == SPOTOPT__NONE)
            continue;
        model->kind[k].class_id = count[model->kind[k].class_id];
        made = &model->class_at[model->kind[k].class_id];
        lists[(made->kinds - lists) + made->kind_count++] = k;
        made->new_count += model->kind[k].node == SPOTOPT__NONE;
    }
    for (uint32_t c = 0; c < model->classes; c++)
        sort_kinds(model, lists + (model->class_at[c].kinds - lists),
                   model->class_at[c].kind_count);
    ok = true;
done:
    spotopt__free(model->context, signs);
    spotopt__free(model->context, order);
    spotopt__free(model->context, count);
    return ok;
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
    if (!make_scales(model) || !make_rules(model) || !make_items(model) || !make_kinds(model) ||
        !spotopt__model_trim(model))
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
    ok = ok && make_classes(model, sets, set_count);
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
