/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relax.c - the resource LP: prices of what nodes have, in milliseconds.
 *
 * One row a resource, one for each limit per node that forces many nodes (so many replicas of some
 * demands on a node is a resource of which each node has so many), one for each rule on sums; one
 * bounded column a pool or running node, equal ones merged. The prices are a hint that bound.c
 * proves a bound with. That there is no room at all is proved here, from prices as well (Farkas).
 */
#include <stdlib.h>

#include "pack/bound.h"
#include "pack/simplex.h"

#define ROWS_MOST (64 + SPOTOPT__EXTRA_ROWS + SPOTOPT__SIDES_MOST)

void
spotopt__kind_bounds(const spotopt__model *model, uint32_t k, double *lower, double *upper)
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

/* Rows: resources and limits, scaled so that 1 is wanted of each, then rules on sums. */
typedef struct program {
    const spotopt__model *model;
    const spotopt__sides *sides;
    const spotopt__extras *extras;
    uint32_t *row_of;      /* by placement rule: its limit's row; SPOTOPT__NONE */
    uint32_t *fitting;     /* by class: bits of the limits whose items fit there */
    uint32_t rows, limits; /* limits: the first row of one */
    double scale[ROWS_MOST], lower[ROWS_MOST], upper[ROWS_MOST];
} program;

/* Calls for each limit that the item counts towards. */
#define EACH_LIMIT(p, i, row)                                                                      \
    for (uint32_t u_ = 0, row; u_ < (p)->model->item[i].use_count; u_++)                           \
        if (spotopt__is_limited((p)->model, &(p)->model->item[i].uses[u_]) &&                      \
            (row = (p)->row_of[(p)->model->item[i].uses[u_].rule]) != SPOTOPT__NONE)

static void
find_fitting(program *p)
{
    const spotopt__model *model = p->model;

    for (uint32_t i = 0; i < model->items && p->extras->rows > 0; i++) {
        uint32_t bits = 0;

        EACH_LIMIT(p, i, row)
        bits |= (uint32_t)1 << (row - p->limits);
        for (uint32_t c = 0; c < model->classes && bits != 0; c++) {
            const spotopt__class *at = &model->class_at[c];

            if ((p->fitting[c] & bits) == bits)
                continue;
            if (at->new_count < at->kind_count || /* residents: see below */
                (spotopt__allows(&model->item[i], model->kind[at->kinds[0]].pool) &&
                 spotopt__one_fits(model, &model->item[i], at->capacity)))
                p->fitting[c] |= bits;
        }
    }
}

static bool
program_init(program *p, const spotopt__model *model, const spotopt__sides *sides,
             const spotopt__extras *extras)
{
    double need[ROWS_MOST] = {0};

    memset(p, 0, sizeof *p);
    p->model = model;
    p->sides = sides;
    p->extras = extras;
    p->limits = model->resources;
    p->row_of = spotopt__alloc_array(model->context, model->prules + 1, sizeof *p->row_of);
    p->fitting = spotopt__alloc_array(model->context, model->classes + 1, sizeof *p->fitting);
    if (p->row_of == NULL || p->fitting == NULL)
        return false;
    for (uint32_t r = 0; r < model->prules; r++)
        p->row_of[r] = SPOTOPT__NONE;
    for (uint32_t l = 0; l < extras->rows; l++)
        p->row_of[extras->row[l]] = p->limits + l;
    find_fitting(p);
    for (uint32_t i = 0; i < model->items; i++) {
        for (uint32_t r = 0; r < model->resources; r++)
            need[r] += model->item[i].request[r] * model->item[i].count;
        EACH_LIMIT(p, i, row)
        need[row] += model->item[i].count;
    }
    p->rows = p->limits + extras->rows;
    for (uint32_t r = 0; r < p->rows; r++) {
        p->scale[r] = need[r] > 0.0 ? 1.0 / need[r] : 0.0;
        p->lower[r] = need[r] * p->scale[r];
        p->upper[r] = (double)INFINITY;
    }
    for (uint32_t s = 0; s < sides->count; s++, p->rows++) {
        p->lower[p->rows] = sides->row[s].lower;
        p->upper[p->rows] = sides->row[s].upper;
        p->scale[p->rows] = 1.0;
    }
    return true;
}

static void
program_free(program *p)
{
    spotopt__free(p->model->context, p->row_of);
    spotopt__free(p->model->context, p->fitting);
}

/* What a node of the kind gives each row. */
static void
kind_gives(const program *p, uint32_t k, double *value)
{
    const spotopt__model *model = p->model;
    const spotopt__kind *kind = &model->kind[k];
    const bool can_be = kind->class_id != SPOTOPT__NONE;

    for (uint32_t r = 0; r < model->resources; r++)
        value[r] = spotopt__ceiling(model, r, kind->capacity[r]) * p->scale[r];
    for (uint32_t l = 0; l < p->extras->rows; l++)
        value[p->limits + l] = can_be && (p->fitting[kind->class_id] >> l & 1)
                                   ? p->extras->limit[p->extras->row[l]]
                                   : 0.0;
    for (uint32_t l = 0; l < p->extras->rows && kind->stay_count > 0; l++) {
        const uint32_t old = spotopt__old_of(model, kind, p->extras->row[l]);

        value[p->limits + l] = fmax(value[p->limits + l], old); /* may stay broken */
    }
    for (uint32_t l = p->limits; l < p->limits + p->extras->rows; l++)
        value[l] *= p->scale[l];
    for (uint32_t s = 0; s < p->sides->count; s++)
        value[p->limits + p->extras->rows + s] = p->sides->row[s].coefficient[k];
}

/* What a replica of the item needs less of each row when it is left out. */
static void
item_gives(const program *p, uint32_t i, double *value)
{
    const spotopt__model *model = p->model;

    memset(value, 0, p->rows * sizeof *value);
    for (uint32_t r = 0; r < model->resources; r++)
        value[r] = model->item[i].request[r] * p->scale[r];
    EACH_LIMIT(p, i, row)
    value[row] = p->scale[row];
}

typedef struct column_list {
    double *cost, *lower, *upper, *value; /* value: column * rows + row */
    size_t count, rows;
} column_list;

static void
columns_free(spotopt_context *context, column_list *list)
{
    spotopt__free(context, list->cost);
    spotopt__free(context, list->lower);
    spotopt__free(context, list->upper);
    spotopt__free(context, list->value);
}

static double *
next_column(column_list *list, double cost, double lower, double upper)
{
    list->cost[list->count] = cost;
    list->lower[list->count] = lower;
    list->upper[list->count] = upper;
    return list->value + list->rows * list->count++;
}

/* Kinds, then what may be left out; with `slack` instead of costs columns that measure what is
 * missing. */
static bool
make_columns(const program *p, bool slack, column_list *list)
{
    const spotopt__model *model = p->model;
    spotopt_context *context = model->context;
    const size_t most = (size_t)model->kinds + model->items + 2 * (size_t)p->rows + 1;

    memset(list, 0, sizeof *list);
    list->rows = p->rows;
    list->cost = spotopt__alloc_array(context, most, sizeof(double));
    list->lower = spotopt__alloc_array(context, most, sizeof(double));
    list->upper = spotopt__alloc_array(context, most, sizeof(double));
    list->value = spotopt__alloc_array(context, most * p->rows, sizeof(double));
    if (list->cost == NULL || list->lower == NULL || list->upper == NULL || list->value == NULL)
        return false;
    for (uint32_t k = 0; k < model->kinds; k++) {
        double lower, upper;

        spotopt__kind_bounds(model, k, &lower, &upper);
        if (model->kind[k].class_id != SPOTOPT__NONE)
            kind_gives(p, k, next_column(list, slack ? 0.0 : model->kind[k].cost, lower, upper));
    }
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];

        if (isfinite(item->unplaced_cost) && item->count > 0)
            item_gives(p, i,
                       next_column(list, slack ? 0.0 : item->unplaced_cost, 0.0, item->count));
    }
    for (uint32_t r = 0; slack && r < p->rows; r++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            const double edge = sign > 0 ? p->lower[r] : p->upper[r];

            if (isfinite(edge))
                next_column(list, r < p->limits + p->extras->rows ? 1.0 : 1.0 / (1.0 + fabs(edge)),
                            0.0, (double)INFINITY)[r] = sign;
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
is_same_column(const column_list *list, uint32_t a, uint32_t b)
{
    return memcmp(&list->cost[a], &list->cost[b], sizeof *list->cost) == 0 &&
           memcmp(list->value + list->rows * a, list->value + list->rows * b,
                  list->rows * sizeof *list->value) == 0;
}

/* Equal columns become one, the first, with the bounds of all: zones and running nodes repeat. */
static bool
merge_columns(spotopt_context *context, column_list *list, bool *is_gone)
{
    keyed_column *order = spotopt__alloc_array(context, list->count + 1, sizeof *order);
    uint32_t into = 0;

    if (order == NULL)
        return false;
    for (uint32_t c = 0; c < list->count; c++) {
        uint64_t hash = spotopt__hash_bytes(&list->cost[c], sizeof *list->cost, 1);

        hash = spotopt__hash_bytes(list->value + list->rows * c, list->rows * sizeof *list->value,
                                   hash);
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
fill_engine(const program *p, const column_list *list, const bool *is_gone, spotopt__simplex *lp)
{
    uint32_t index[ROWS_MOST];
    double value[ROWS_MOST];

    for (uint32_t r = 0; r < p->rows; r++) {
        if (!spotopt__simplex_add_row(lp, p->lower[r], p->upper[r], 0, NULL, NULL))
            return false;
    }
    for (size_t c = 0; c < list->count; c++) {
        uint32_t entries = 0;

        if (is_gone[c] || !(list->upper[c] > 0.0))
            continue;
        for (uint32_t r = 0; r < p->rows; r++) {
            if (list->value[list->rows * c + r] != 0.0) {
                index[entries] = r;
                value[entries++] = list->value[list->rows * c + r];
            }
        }
        if (!spotopt__simplex_add_column(lp, list->cost[c], list->lower[c], list->upper[c], entries,
                                         index, value))
            return false;
    }
    return true;
}

static bool
is_over(void *budget)
{
    return spotopt__budget_over(budget, "pack", (double)INFINITY, 0.0);
}

/* dual has a price a row when the state is optimal; *objective is what the engine says. */
static spotopt_status
run_program(const program *p, bool slack, spotopt__budget *budget, double *dual, double *objective,
            spotopt__simplex_state *state, spotopt_error *err)
{
    spotopt_context *context = p->model->context;
    spotopt__simplex *lp = spotopt__simplex_new(context);
    bool *is_gone = NULL, ok;
    column_list list;

    ok = make_columns(p, slack, &list) && lp != NULL;
    is_gone = spotopt__alloc_array(context, list.count + 1, sizeof *is_gone);
    ok = ok && is_gone != NULL && merge_columns(context, &list, is_gone) &&
         fill_engine(p, &list, is_gone, lp);
    if (ok) {
        *state = spotopt__simplex_solve(lp, 0, is_over, budget);
        *objective = spotopt__simplex_objective(lp);
        budget->work += spotopt__simplex_pivots(lp);
        if (*state == SPOTOPT__SIMPLEX_OPTIMAL)
            memcpy(dual, spotopt__simplex_duals(lp), p->rows * sizeof *dual);
        ok = !spotopt__simplex_nomem(lp);
    }
    spotopt__simplex_free(lp);
    spotopt__free(context, is_gone);
    columns_free(context, &list);
    return ok ? SPOTOPT_OK : spotopt__nomem(err, "the resource program");
}

/*
 * By how much any placing of everything falls short of its rows, weighed by the prices dual: more
 * than 0 proves that there is none, however the prices were found. Prices near 0 count as 0, so
 * that rounding does not reach for the boundless; what rounding in sums may add is taken off.
 */
static double
missing_at(const program *p, const double *dual)
{
    const spotopt__model *model = p->model;
    double total = 0.0, terms = 0.0, price[ROWS_MOST], value[ROWS_MOST];

    for (uint32_t r = 0; r < p->rows; r++) {
        const double edge = dual[r] > 0.0 ? p->lower[r] : p->upper[r];

        price[r] = fabs(dual[r]) > 1e-11 && isfinite(edge) ? dual[r] : 0.0;
        if (price[r] != 0.0) {
            total += price[r] * edge;
            terms += fabs(price[r] * edge);
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        double gives = 0.0, lower, upper;

        if (model->kind[k].class_id == SPOTOPT__NONE)
            continue;
        kind_gives(p, k, value);
        spotopt__kind_bounds(model, k, &lower, &upper);
        for (uint32_t r = 0; r < p->rows; r++)
            gives += price[r] * value[r];
        if (gives > 0.0 && !isfinite(upper))
            return (double)-INFINITY;
        gives *= gives > 0.0 ? upper : lower;
        total -= gives;
        terms += fabs(gives);
    }
    for (uint32_t i = 0; i < model->items; i++) { /* what may be left out needs nothing */
        const spotopt__item *item = &model->item[i];

        if (!isfinite(item->unplaced_cost))
            continue;
        item_gives(p, i, value);
        for (uint32_t r = 0; r < p->rows; r++) {
            total -= fmax(0.0, price[r] * value[r] * item->count);
            terms += fabs(price[r] * value[r] * item->count);
        }
    }
    return total - 1e-9 * terms;
}

static void
take_prices(const program *p, const double *dual, spotopt__sides *sides, spotopt__relaxed *out)
{
    const spotopt__model *model = p->model;
    double bonus[SPOTOPT__EXTRA_ROWS] = {0};

    for (uint32_t r = 0; r < model->resources; r++)
        sides->hint[r] = out->weight[r] = dual[r] > 0.0 ? dual[r] * p->scale[r] : 0.0;
    for (uint32_t l = 0; l < p->extras->rows; l++) {
        const uint32_t r = p->limits + l;

        bonus[l] = dual[r] > 0.0 ? dual[r] * p->scale[r] : 0.0;
        for (uint32_t d = 0; d < p->extras->dims; d++) {
            if (p->extras->dim[d] == p->extras->row[l])
                sides->hint[model->resources + d] = bonus[l];
        }
    }
    for (uint32_t i = 0; i < model->items; i++) {
        out->bonus[i] = 0.0;
        EACH_LIMIT(p, i, row)
        out->bonus[i] += bonus[row - p->limits];
    }
    for (uint32_t s = 0; s < sides->count; s++)
        out->side[s] = dual[p->limits + p->extras->rows + s];
}

spotopt_status
spotopt__resource_lp(const spotopt__model *model, spotopt__sides *sides, spotopt__budget *budget,
                     spotopt__relaxed *out, spotopt_error *err)
{
    const double began = spotopt__clock(model->context);
    double dual[ROWS_MOST] = {0};
    spotopt__simplex_state state = SPOTOPT__SIMPLEX_FAILED;
    spotopt__extras extras;
    program p = {.model = model};
    spotopt_status status = SPOTOPT_OK;

    out->infeasible = out->solved = false;
    if (!spotopt__extras_init(&extras, model) || !program_init(&p, model, sides, &extras))
        status = spotopt__nomem(err, "the resource program");
    if (status == SPOTOPT_OK)
        status = run_program(&p, false, budget, dual, &out->objective, &state, err);
    if (status == SPOTOPT_OK && state == SPOTOPT__SIMPLEX_INFEASIBLE) {
        double missing = 0.0;

        /* Believed only when prices prove that a millionth of something is missing. */
        status = run_program(&p, true, budget, dual, &missing, &state, err);
        out->infeasible = status == SPOTOPT_OK && state == SPOTOPT__SIMPLEX_OPTIMAL &&
                          missing > 1e-6 && missing_at(&p, dual) > 0.9e-6;
    } else if (status == SPOTOPT_OK && state == SPOTOPT__SIMPLEX_OPTIMAL) {
        out->solved = true;
        take_prices(&p, dual, sides, out);
    }
    out->seconds = spotopt__clock(model->context) - began;
    program_free(&p);
    spotopt__extras_free(&extras);
    return status;
}
