/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound.c - lower bounds: the resource LP, and Lagrange from any prices.
 *
 * Let price_i >= 0 be paid for each replica placed, and side_s for each unit of a linear rule.
 * Every answer pays at least sum_i min(price_i, unplaced_i) * count_i + sum_s side_s * (lower_s if
 * side_s > 0 else upper_s)
 *   + sum over pools of the least n * (cost - sides - worth) for an n that the pool allows
 *   + sum over running nodes of the cheaper of dropping and keeping it (its residents' moves
 * included), where worth bounds what one node's content earns. For pools without a limit the term
 * must not be negative, so prices are scaled down until it is not (Farley); several scales are
 * tried and the best counts. Soft penalties, rules over labels and moves exempt by a smaller count
 * are left out, which only lowers the bound. Proof: docs/algorithms.md, "Bounds".
 */
#include <stdlib.h>

#include "pack/bound.h"
#include "pack/pricing.h"
#include "pack/simplex.h"

#define SIDES_MOST 64

static double
unit_of(const spotopt__model *model, const spotopt__trule *rule, uint32_t k)
{
    const spotopt__kind *kind = &model->kind[k];

    return rule->of == SPOTOPT__OF_NODES  ? 1.0
           : rule->of == SPOTOPT__OF_COST ? kind->cost
                                          : model->problem->pools.at[kind->pool].capacity[rule->of];
}

static spotopt__side *
add_side(spotopt__sides *sides, const spotopt__model *model, double lower, double upper)
{
    spotopt__side *side;

    if (sides->count == SIDES_MOST)
        return NULL;
    side = &sides->row[sides->count];
    side->lower = lower;
    side->upper = upper;
    side->coefficient = spotopt__arena_alloc(&sides->arena, model->kinds + 1, sizeof(double));
    if (side->coefficient == NULL)
        return NULL;
    sides->count++;
    return side;
}

/* What judges grant, and a little more: a row must not cut off an answer that passes. */
static double
grant(double value)
{
    return 2e-6 * (fabs(value) > 1.0 ? fabs(value) : 1.0);
}

static void
add_share(spotopt__sides *sides, const spotopt__model *model, const spotopt__trule *rule)
{
    for (uint32_t g = 0; g < rule->groups; g++) {
        double dearest = 0.0, slack;
        spotopt__side *side;
        if (rule->has_value && g != rule->value)
            continue;
        for (uint32_t k = 0; k < model->kinds; k++) {
            if (rule->group_of[model->kind[k].pool] == g)
                dearest = unit_of(model, rule, k) > dearest ? unit_of(model, rule, k) : dearest;
        }
        if (!isnan(rule->max_frac)) { /* max(1, ceil(f N)) <= f N + 1; one node of a value always
                                         may be */
            slack = rule->of == SPOTOPT__OF_NODES ? 1.0 : dearest + grant(dearest);
            side = add_side(sides, model, (double)-INFINITY, slack);
            for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                side->coefficient[k] = ((rule->group_of[model->kind[k].pool] == g ? 1.0 : 0.0) -
                                        rule->max_frac - 2e-6) *
                                       unit_of(model, rule, k);
        }
        if (!isnan(rule->min_frac) && rule->has_value) {
            side = add_side(sides, model, -2e-6, (double)INFINITY);
            for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                side->coefficient[k] = ((rule->group_of[model->kind[k].pool] == g ? 1.0 : 0.0) -
                                        rule->min_frac + 2e-6) *
                                       unit_of(model, rule, k);
        }
    }
}

void
spotopt__sides_sort(spotopt__sides *sides, double *price)
{
    sides->active = 0;
    for (uint32_t s = 0; s < sides->count; s++) {
        spotopt__side row = sides->row[s];
        double its = price[s];

        if (fabs(its) <= 1e-12)
            continue;
        sides->row[s] = sides->row[sides->active];
        price[s] = price[sides->active];
        sides->row[sides->active] = row;
        price[sides->active++] = its;
    }
}

bool
spotopt__sides_init(spotopt__sides *sides, const spotopt__model *model)
{
    memset(sides, 0, sizeof *sides);
    spotopt__arena_init(&sides->arena, model->context);
    sides->row = spotopt__arena_alloc(&sides->arena, SIDES_MOST, sizeof *sides->row);
    if (sides->row == NULL)
        return false;
    for (uint32_t t = 0; t < model->trules; t++) {
        const spotopt__trule *rule = &model->trule[t];
        spotopt__side *side;
        if (rule->kind == SPOTOPT_RULE_SHARE && rule->groups <= SIDES_MOST) {
            add_share(sides, model, rule);
        } else if (rule->kind == SPOTOPT_RULE_LIMIT) {
            side = add_side(sides, model,
                            isnan(rule->min) ? (double)-INFINITY : rule->min - grant(rule->min),
                            isnan(rule->max) ? (double)INFINITY : rule->max + grant(rule->max));
            for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                side->coefficient[k] = rule->group_of[model->kind[k].pool] != SPOTOPT__NONE
                                           ? unit_of(model, rule, k)
                                           : 0.0;
        } else if (rule->kind == SPOTOPT_RULE_MEAN) {
            if (!isnan(rule->max)) {
                side = add_side(sides, model, (double)-INFINITY, 0.0);
                for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                    side->coefficient[k] =
                        unit_of(model, rule, k) *
                        (rule->weight[model->kind[k].pool] - rule->max - grant(rule->max));
            }
            if (!isnan(rule->min)) {
                side = add_side(sides, model, 0.0, (double)INFINITY);
                for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                    side->coefficient[k] =
                        unit_of(model, rule, k) *
                        (rule->weight[model->kind[k].pool] - rule->min + grant(rule->min));
            }
        }
    }
    return true;
}

void
spotopt__sides_free(spotopt__sides *sides)
{
    spotopt__arena_free(&sides->arena);
}

static void
bounds_of(const spotopt__model *model, uint32_t k, double *lower, double *upper)
{
    const spotopt__kind *kind = &model->kind[k];
    const spotopt__pack_pool *pool = &model->problem->pools.at[kind->pool];

    if (kind->node != SPOTOPT__NONE) {
        *lower = kind->has_fixed ? 1.0 : 0.0;
        *upper = 1.0;
    } else {
        *lower = pool->min;
        *upper = pool->max == SPOTOPT_NO_LIMIT ? (double)INFINITY : pool->max;
    }
}

typedef struct columns {
    double *cost, *lower, *upper, *value;
    size_t *start;
    uint32_t *row;
    size_t count, entries;
} columns;

static void
columns_free(spotopt_context *context, columns *list)
{
    spotopt__free(context, list->cost);
    spotopt__free(context, list->lower);
    spotopt__free(context, list->upper);
    spotopt__free(context, list->value);
    spotopt__free(context, list->start);
    spotopt__free(context, list->row);
}

static void
put_entry(columns *list, uint32_t row, double value)
{
    if (value != 0.0) {
        list->row[list->entries] = row;
        list->value[list->entries++] = value;
    }
}

static void
end_column(columns *list, double cost, double lower, double upper)
{
    list->cost[list->count] = cost;
    list->lower[list->count] = lower;
    list->upper[list->count] = upper;
    list->start[++list->count] = list->entries;
}

/* Kinds, then what may be left out; with `slack` instead of costs a column a resource that measures
 * what is missing. */
static bool
make_columns(const spotopt__model *model, const spotopt__sides *sides, const double *scale,
             bool slack, columns *list)
{
    spotopt_context *context = model->context;
    size_t most = (size_t)model->kinds + model->items + model->resources + 2 * sides->count,
           rows = model->resources + sides->count;

    memset(list, 0, sizeof *list);
    list->cost = spotopt__alloc_array(context, most + 1, sizeof(double));
    list->lower = spotopt__alloc_array(context, most + 1, sizeof(double));
    list->upper = spotopt__alloc_array(context, most + 1, sizeof(double));
    list->start = spotopt__alloc_array(context, most + 2, sizeof(size_t));
    list->row = spotopt__alloc_array(context, most * rows + 1, sizeof(uint32_t));
    list->value = spotopt__alloc_array(context, most * rows + 1, sizeof(double));
    if (list->cost == NULL || list->lower == NULL || list->upper == NULL || list->start == NULL ||
        list->row == NULL || list->value == NULL)
        return false;
    for (uint32_t k = 0; k < model->kinds; k++) {
        double lower, upper;
        bounds_of(model, k, &lower, &upper);
        for (uint32_t r = 0; r < model->resources; r++)
            put_entry(list, r, spotopt__ceiling(model, r, model->kind[k].capacity[r]) * scale[r]);
        for (uint32_t s = 0; s < sides->count; s++)
            put_entry(list, model->resources + s, sides->row[s].coefficient[k]);
        end_column(list, slack ? 0.0 : model->kind[k].cost, lower, upper);
    }
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        if (!isfinite(item->unplaced_cost) || item->count == 0)
            continue;
        for (uint32_t r = 0; r < model->resources; r++)
            put_entry(list, r, item->request[r] * scale[r]);
        end_column(list, slack ? 0.0 : item->unplaced_cost, 0.0, item->count);
    }
    for (uint32_t r = 0; slack && r < model->resources; r++) {
        put_entry(list, r, 1.0);
        end_column(list, 1.0, 0.0, (double)INFINITY);
    }
    for (uint32_t s = 0; slack && s < sides->count; s++) {
        const spotopt__side *side = &sides->row[s];

        for (int sign = -1; sign <= 1; sign += 2) {
            const double edge = sign > 0 ? side->lower : side->upper;

            if (!isfinite(edge))
                continue;
            put_entry(list, model->resources + s, sign);
            end_column(list, 1.0 / (1.0 + fabs(edge)), 0.0, (double)INFINITY);
        }
    }
    return true;
}

typedef struct keyed_column {
    uint64_t hash;
    uint32_t index;
} keyed_column;

static int
compare_hash(const void *a, const void *b)
{
    const keyed_column *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool
is_same_column(const columns *list, uint32_t a, uint32_t b)
{
    const size_t entries = list->start[a + 1] - list->start[a];

    return !(list->cost[a] < list->cost[b] || list->cost[a] > list->cost[b]) &&
           list->start[b + 1] - list->start[b] == entries &&
           memcmp(list->row + list->start[a], list->row + list->start[b],
                  entries * sizeof *list->row) == 0 &&
           memcmp(list->value + list->start[a], list->value + list->start[b],
                  entries * sizeof *list->value) == 0;
}

/* Equal columns become one, the first, with the bounds of all: zones and running nodes repeat. */
static bool
merge_columns(spotopt_context *context, columns *list, bool *is_gone)
{
    keyed_column *order = spotopt__alloc_array(context, list->count + 1, sizeof *order);
    uint32_t into = 0;

    if (order == NULL)
        return false;
    for (uint32_t c = 0; c < list->count; c++) {
        const size_t first = list->start[c], entries = list->start[c + 1] - first;
        uint64_t hash = spotopt__hash_bytes(&list->cost[c], sizeof *list->cost, entries);

        hash = spotopt__hash_bytes(list->row + first, entries * sizeof *list->row, hash);
        hash = spotopt__hash_bytes(list->value + first, entries * sizeof *list->value, hash);
        order[c] = (keyed_column){hash, c};
    }
    qsort(order, list->count, sizeof *order, compare_hash);
    for (size_t i = 0; i < list->count; i++) {
        const uint32_t c = order[i].index;

        if (i > 0 && order[i].hash == order[i - 1].hash && is_same_column(list, into, c)) {
            list->lower[into] += list->lower[c];
            list->upper[into] += list->upper[c];
            is_gone[c] = true;
        } else {
            into = c;
        }
    }
    spotopt__free(context, order);
    return true;
}

static bool
stop_program(void *budget)
{
    return spotopt__budget_over(budget, "pack", (double)INFINITY, 0.0);
}

/*
 * Solves it on the small engine. dual has a price a row; *objective is what the engine says. Proofs
 * use the prices alone.
 */
static spotopt_status
run_lp(const spotopt__model *model, const spotopt__sides *sides, const double *scale,
       const double *need, bool slack, spotopt__budget *budget, double *dual, double *objective,
       spotopt__simplex_state *state, spotopt_error *err)
{
    spotopt__simplex *lp = spotopt__simplex_new(model->context);
    bool *is_gone = NULL, ok;
    columns list;
    spotopt_status status = SPOTOPT_OK;

    ok = make_columns(model, sides, scale, slack, &list) && lp != NULL;
    is_gone = spotopt__alloc_array(model->context, list.count + 1, sizeof *is_gone);
    ok = ok && is_gone != NULL && merge_columns(model->context, &list, is_gone);
    for (uint32_t r = 0; ok && r < model->resources; r++)
        ok = spotopt__simplex_add_row(lp, need[r] * scale[r], (double)INFINITY, 0, NULL, NULL);
    for (uint32_t s = 0; ok && s < sides->count; s++)
        ok = spotopt__simplex_add_row(lp, sides->row[s].lower, sides->row[s].upper, 0, NULL, NULL);
    for (uint32_t c = 0; ok && c < list.count; c++) {
        if (!is_gone[c] && list.upper[c] > 0.0)
            ok = spotopt__simplex_add_column(lp, list.cost[c], list.lower[c], list.upper[c],
                                             (uint32_t)(list.start[c + 1] - list.start[c]),
                                             list.row + list.start[c], list.value + list.start[c]);
    }
    if (ok) {
        *state = spotopt__simplex_solve(lp, 0, stop_program, budget);
        *objective = spotopt__simplex_objective(lp);
        budget->work += spotopt__simplex_pivots(lp);
        if (*state == SPOTOPT__SIMPLEX_OPTIMAL && dual != NULL)
            memcpy(dual, spotopt__simplex_duals(lp),
                   (model->resources + sides->count) * sizeof *dual);
        ok = !spotopt__simplex_nomem(lp);
    }
    if (!ok)
        status = spotopt__nomem(err, "the resource program");
    spotopt__simplex_free(lp);
    spotopt__free(model->context, is_gone);
    columns_free(model->context, &list);
    return status;
}

/*
 * What any placing of everything needs beyond what there is, at prices dual of the rows: more than
 * 0 proves that there is none, however the prices were found (Farkas). Prices near 0 count as 0,
 * so that rounding does not reach for the boundless; what rounding in sums may add is taken off.
 */
static double
missing_at(const spotopt__model *model, const spotopt__sides *sides, const double *scale,
           const double *need, const double *dual)
{
    double total = 0.0, terms = 0.0;
    double price[64 + SIDES_MOST];

    for (uint32_t r = 0; r < model->resources + sides->count; r++) {
        const bool is_side = r >= model->resources;
        const spotopt__side *side = is_side ? &sides->row[r - model->resources] : NULL;
        double edge = !is_side ? need[r] * scale[r] : dual[r] > 0.0 ? side->lower : side->upper;

        price[r] =
            fabs(dual[r]) > 1e-11 && isfinite(edge) && (is_side || dual[r] > 0.0) ? dual[r] : 0.0;
        price[r] = !is_side && price[r] > 1.0 ? 1.0 : price[r]; /* what is missing costs 1 */
        if (price[r] != 0.0) {
            total += price[r] * edge;
            terms += fabs(price[r] * edge);
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        double gives = 0.0, lower, upper;

        bounds_of(model, k, &lower, &upper);
        for (uint32_t r = 0; r < model->resources; r++)
            gives += price[r] * spotopt__ceiling(model, r, model->kind[k].capacity[r]) * scale[r];
        for (uint32_t s = 0; s < sides->count; s++)
            gives += price[model->resources + s] * sides->row[s].coefficient[k];
        if (gives > 0.0 && !isfinite(upper))
            return (double)-INFINITY;
        gives *= gives > 0.0 ? upper : lower;
        total -= gives;
        terms += fabs(gives);
    }
    for (uint32_t i = 0; i < model->items; i++) { /* what may be left out needs nothing */
        const spotopt__item *item = &model->item[i];
        double gives = 0.0;

        if (!isfinite(item->unplaced_cost))
            continue;
        for (uint32_t r = 0; r < model->resources; r++)
            gives += price[r] * item->request[r] * scale[r] * item->count;
        total -= gives;
        terms += gives;
    }
    return total - 1e-9 * terms;
}

spotopt_status
spotopt__resource_lp(const spotopt__model *model, const spotopt__sides *sides,
                     spotopt__budget *budget, spotopt__relaxed *out, spotopt_error *err)
{
    double need[64] = {0}, scale[64], dual[64 + SIDES_MOST] = {0};
    const double began = spotopt__clock(model->context);
    spotopt__simplex_state state;
    spotopt_status status;

    out->infeasible = out->solved = false;
    for (uint32_t i = 0; i < model->items; i++) {
        for (uint32_t r = 0; r < model->resources; r++)
            need[r] += model->item[i].request[r] * model->item[i].count;
    }
    for (uint32_t r = 0; r < model->resources; r++)
        scale[r] = need[r] > 0.0 ? 1.0 / need[r] : 0.0;
    status = run_lp(model, sides, scale, need, false, budget, dual, &out->objective, &state, err);
    out->seconds = spotopt__clock(model->context) - began;
    if (status == SPOTOPT_OK && state == SPOTOPT__SIMPLEX_INFEASIBLE) {
        double missing;

        /* Believed only when prices prove that a millionth of something is missing. */
        status = run_lp(model, sides, scale, need, true, budget, dual, &missing, &state, err);
        out->seconds = spotopt__clock(model->context) - began;
        out->infeasible = status == SPOTOPT_OK && state == SPOTOPT__SIMPLEX_OPTIMAL &&
                          missing > 1e-6 && missing_at(model, sides, scale, need, dual) > 0.9e-6;
        return status;
    }
    if (status != SPOTOPT_OK || state != SPOTOPT__SIMPLEX_OPTIMAL)
        return status;
    out->solved = true;
    for (uint32_t r = 0; r < model->resources; r++)
        out->weight[r] = dual[r] > 0.0 ? dual[r] * scale[r] : 0.0;
    for (uint32_t s = 0; s < sides->count; s++)
        out->side[s] = dual[model->resources + s];
    return SPOTOPT_OK;
}

typedef struct prices {
    const spotopt__model *model;
    const spotopt__sides *sides;
    const double *item, *side;
    double *worth;     /* by class, at scale 1 */
    double *side_cost; /* by kind, at scale 1: sum of side prices */
    double total;      /* replicas */
    spotopt__knapsack *sack;
    uint32_t effort; /* steps of a search for one knapsack */
    bool *tidy;      /* by kind: see is_tidy() */
} prices;

/*
 * Running nodes whose residents keep every limit per node: what they hold in an answer keeps them
 * too. Others may go on breaking them. tally has an entry a rule, all 0 before and after.
 */
static bool
is_tidy(const spotopt__model *model, const spotopt__kind *kind, uint64_t *tally)
{
    bool tidy = true;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            const spotopt__item *item = &model->item[kind->stays[s].item];

            for (uint32_t u = 0; u < item->use_count; u++) {
                const uint32_t r = item->uses[u].rule;
                const spotopt__prule *rule = &model->prule[r];
                const uint32_t most = rule->kind == SPOTOPT_RULE_SPREAD ? rule->skew : rule->limit;

                if (rule->axis != SPOTOPT__NONE || !(item->uses[u].roles & SPOTOPT__ROLE_A) ||
                    (rule->kind != SPOTOPT_RULE_AT_MOST && rule->kind != SPOTOPT_RULE_SPREAD))
                    continue;
                tally[r] = pass == 0 ? tally[r] + kind->stays[s].holds : 0;
                tidy = tidy && tally[r] <= most;
            }
        }
    }
    return tidy;
}

/* The most that one node of a class can earn. */
static double
worth_of_class(const prices *p, uint32_t c, uint64_t effort)
{
    const spotopt__model *model = p->model;
    const spotopt__class *at = &model->class_at[c];
    const spotopt__kind *first = &model->kind[at->kinds[0]];
    /* Residents may break per-node limits, and enter where others may not. */
    bool plain = true;

    for (uint32_t j = at->new_count; j < at->kind_count; j++)
        plain = plain && p->tidy[at->kinds[j]];
    spotopt__knapsack_start(p->sack, at->capacity, plain);
    for (uint32_t i = 0; i < model->items; i++) {
        bool enters = spotopt__allows(&model->item[i], first->pool);
        for (uint32_t j = 0; !enters && at->new_count == 0 && j < at->kind_count; j++) {
            const spotopt__stay *stay = spotopt__stay_of(&model->kind[at->kinds[j]], i);
            enters = stay != NULL && stay->may_stay;
        }
        if (enters)
            spotopt__knapsack_add(p->sack, i, p->item[i], model->item[i].count);
    }
    return spotopt__knapsack_solve(p->sack, effort);
}

/* What a running node's content earns when residents also save their move; searched with effort. */
static double
worth_of_node(const prices *p, uint32_t k, double scale)
{
    const spotopt__model *model = p->model;
    const spotopt__kind *kind = &model->kind[k];

    spotopt__knapsack_start(p->sack, kind->capacity, p->tidy[k]);
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        const spotopt__stay *stay = spotopt__stay_of(kind, i);
        bool allowed = spotopt__allows(item, kind->pool);
        uint32_t most = item->count, held = 0;
        if (stay != NULL && (allowed || stay->may_stay)) {
            held = stay->holds < most ? stay->holds : most;
            spotopt__knapsack_add(p->sack, i, scale * p->item[i] + item->move_cost, held);
        }
        if (allowed)
            spotopt__knapsack_add(p->sack, i, scale * p->item[i], most - held);
    }
    return spotopt__knapsack_solve(p->sack, p->effort);
}

/*
 * The bound with all prices times scale. What a running node earns is at most what its class earns
 * and all its residents' moves; precise: nodes that this would keep are looked at one by one.
 */
static double
bound_at(const prices *p, double scale, bool precise)
{
    const spotopt__model *model = p->model;
    double total = 0.0;

    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        double exempt = item->residents > item->count ? item->residents - item->count : 0.0;
        total += scale * p->item[i] * item->count - item->move_cost * exempt;
    }
    for (uint32_t s = 0; s < p->sides->count; s++) {
        double price = scale * p->side[s];
        double edge = price > 0.0 ? p->sides->row[s].lower : p->sides->row[s].upper;
        if (price != 0.0)
            total +=
                price *
                edge; /* an open edge makes it -infinite: then the price was of the wrong sign */
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        const spotopt__kind *kind = &model->kind[k];
        double lower, upper, bare = kind->cost - scale * p->side_cost[k], each;
        bounds_of(model, k, &lower, &upper);
        if (kind->class_id == SPOTOPT__NONE)
            continue; /* none can be had */
        if (kind->node == SPOTOPT__NONE) {
            each = bare - scale * p->worth[kind->class_id];
            if (each >= 0.0)
                total += lower > 0.0 ? lower * each : 0.0;
            else if (isfinite(upper))
                total += upper * each;
            else if (bare >= 0.0)
                total += (p->total > lower ? p->total : lower) * each;
            else
                return (double)-INFINITY;
        } else {
            double leaving = 0.0, keep;
            for (uint32_t s = 0; s < kind->stay_count; s++)
                leaving += model->item[kind->stays[s].item].move_cost * kind->stays[s].holds;
            keep = bare - scale * p->worth[kind->class_id];
            if (precise && leaving > 0.0 && (kind->has_fixed || keep < leaving))
                keep = fmax(keep, bare + leaving - worth_of_node(p, k, scale));
            total += kind->has_fixed || keep < leaving ? keep : leaving;
        }
    }
    return total;
}

double
spotopt__lagrange(const spotopt__model *model, const spotopt__sides *sides, const double *item,
                  const double *side, uint32_t effort)
{
    spotopt_context *context = model->context;
    spotopt__extras extras;
    spotopt__knapsack sack;
    double *clipped = spotopt__alloc_array(context, model->items + 1, sizeof *clipped);
    double *sided = spotopt__alloc_array(context, sides->count + 1, sizeof *sided);
    prices p = {model, sides, clipped, sided, NULL, NULL, 0.0, &sack, effort, NULL};
    uint64_t *tally = NULL;
    double best = (double)-INFINITY, farley = (double)INFINITY, slack = 0.0;
    bool ok = spotopt__extras_init(&extras, model);

    ok = spotopt__knapsack_init(&sack, model, &extras) && ok;
    p.worth = spotopt__alloc_array(context, model->classes + 1, sizeof(double));
    p.side_cost = spotopt__alloc_array(context, model->kinds + 1, sizeof(double));
    p.tidy = spotopt__alloc_array(context, model->kinds + 1, sizeof *p.tidy);
    tally = spotopt__alloc_array(context, model->prules + 1, sizeof *tally);
    if (!ok || clipped == NULL || sided == NULL || p.worth == NULL || p.side_cost == NULL ||
        p.tidy == NULL || tally == NULL)
        goto done;
    for (uint32_t k = 0; k < model->kinds; k++)
        p.tidy[k] = is_tidy(model, &model->kind[k], tally);
    for (uint32_t i = 0; i < model->items; i++) {
        double price = item[i] > 0.0 && isfinite(item[i]) ? item[i] : 0.0;
        clipped[i] = price < model->item[i].unplaced_cost ? price : model->item[i].unplaced_cost;
        p.total += model->item[i].count;
    }
    for (uint32_t s = 0; s < sides->count; s++) {
        double edge = side[s] > 0.0 ? sides->row[s].lower : sides->row[s].upper;
        sided[s] = isfinite(side[s]) && isfinite(edge) ? side[s] : 0.0;
        for (uint32_t k = 0; sided[s] != 0.0 && k < model->kinds; k++)
            p.side_cost[k] += sided[s] * sides->row[s].coefficient[k];
    }
    sack.thorough = true;
    sack.hint = sides->hint;
    for (uint32_t c = 0; c < model->classes; c++)
        p.worth[c] = worth_of_class(&p, c, effort);
    /* A class that seems to earn more than it costs drags the whole bound down: look harder there.
     */
    for (uint32_t c = 0, again = 60 * effort; c < model->classes && again > 0; c++) {
        const spotopt__class *at = &model->class_at[c];
        double bare = (double)INFINITY;
        for (uint32_t j = 0; j < at->kind_count; j++)
            bare = fmin(bare, model->kind[at->kinds[j]].cost - p.side_cost[at->kinds[j]]);
        if (p.worth[c] > bare * (1.0 + 1e-6)) {
            double worth;
            sack.target = fmax(bare, 0.0);
            worth = worth_of_class(&p, c, 30 * effort < again ? 30 * effort : again);
            sack.target = 0.0;
            again -= sack.steps < again ? (uint32_t)sack.steps : again;
            p.worth[c] = fmin(worth, p.worth[c]);
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        double earns;
        if (model->kind[k].class_id == SPOTOPT__NONE || model->kind[k].node != SPOTOPT__NONE)
            continue;
        earns = p.worth[model->kind[k].class_id] + p.side_cost[k];
        if (earns > 0.0 && model->kind[k].cost / earns < farley)
            farley = model->kind[k].cost / earns;
    }
    farley = farley < 1.0 ? farley : 1.0;
    double best_scale = farley;
    for (int step = 0; step <= 8; step++) { /* the bound is concave in the scale */
        double scale = farley + (1.0 - farley) * step / 8.0, bound = bound_at(&p, scale, false);
        if (bound > best) {
            best = bound;
            best_scale = scale;
        }
        if (farley >= 1.0)
            break;
    }
    if (effort > 0)
        best = fmax(best, bound_at(&p, best_scale, true));
    for (uint32_t i = 0; i < model->items; i++)
        slack += clipped[i] * model->item[i].count;
    best -= SPOTOPT__TOL_BOUND * (1.0 + fabs(best) + slack);
    best = best > 0.0 ? best : 0.0; /* nothing costs less than nothing */
done:
    spotopt__free(context, clipped);
    spotopt__free(context, sided);
    spotopt__free(context, p.worth);
    spotopt__free(context, p.side_cost);
    spotopt__free(context, p.tidy);
    spotopt__free(context, tally);
    spotopt__knapsack_free(&sack);
    spotopt__extras_free(&extras);
    return best;
}
