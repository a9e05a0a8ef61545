/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master.c - column generation: the pattern LP, its bound, and packings from its fractions.
 *
 * One row an item (placed at least count times), one row a class whose nodes are limited or watched
 * by rules on sums; columns are patterns (what one node of a class holds), kinds (nodes bought,
 * cost), and what is left out. Patterns come from knapsacks at smoothed prices (Wentges); any
 * prices give a valid bound through spotopt__lagrange(). At the end a dive rounds columns up,
 * solving in between, and the patterns are opened for real under all rules; greedy filling
 * completes them.
 */
#include <stdlib.h>

#include "pack/pricing.h"
#include "pack/search.h"

#define ROWS_MOST 3000
#define INTEGER_STEPS 400 /* of branch and cut on the patterns at hand */

typedef struct column {
    uint32_t class_id, first, count; /* of holds */
    uint64_t hash;
} column;

typedef struct master {
    spotopt__search *search;
    const spotopt__model *model;
    spotopt_context *context;
    spotopt__lp *lp;
    uint32_t rows;
    uint32_t *class_row; /* NONE: no row; its nodes cost class_cost */
    double *class_cost;
    uint32_t left_out;      /* column of item 0 left out; then the next item's */
    uint32_t surplus;       /* column of item 0 in excess */
    uint32_t fixed_columns; /* kinds and what is left out: before the patterns */
    spotopt__vec(column) columns;
    spotopt__vec(spotopt__hold) holds;
    double *x, *dual, *price, *center, *row_value, *side;
    uint32_t *row_index;
    uint32_t *avail;  /* by item: not yet covered by this batch */
    double objective; /* of the LP as it stands, all residents' moves included */
    double moves;     /* what those cost together: the program counts what is saved of it */
    size_t x_room;
    spotopt__extras extras;
    spotopt__knapsack sack;
    bool nomem;
} master;

static spotopt_status
put_column(master *m, double cost, double lower, double upper, size_t entries, spotopt_error *err)
{
    size_t start[2] = {0, entries};

    return spotopt__lp_add_columns(m->lp, 1, &cost, &lower, &upper, start, m->row_index,
                                   m->row_value, err);
}

/* A dear price for leaving out what must be placed: a few times what it costs alone. */
static double
penalty_of(const spotopt__model *model, uint32_t i)
{
    const spotopt__item *item = &model->item[i];
    double best = (double)INFINITY;

    for (uint32_t c = 0; c < model->classes; c++) {
        const spotopt__kind *first = &model->kind[model->class_at[c].kinds[0]];
        double times = 1e9;
        if (!spotopt__allows(item, first->pool) || !spotopt__one_fits(model, item, first->capacity))
            continue;
        for (uint32_t r = 0; r < model->resources; r++) {
            if (item->request[r] > 0.0 && first->capacity[r] / item->request[r] < times)
                times = first->capacity[r] / item->request[r];
        }
        times = times < item->count ? times : item->count;
        times = times > 1.0 ? times : 1.0;
        best = first->cost / times < best ? first->cost / times : best;
    }
    return isfinite(best) ? 4.0 * best + 1e-6 : 1.0;
}

static spotopt_status
make_rows(master *m, spotopt_error *err)
{
    const spotopt__model *model = m->model;
    const spotopt__sides *sides = &m->search->sides;
    spotopt_status status = SPOTOPT_OK;
    uint32_t row = model->items;

    for (uint32_t i = 0; i < model->items && status == SPOTOPT_OK; i++) {
        const spotopt__item *item = &model->item[i];
        double lower = item->fits_nowhere ? 0.0 : item->count, upper = (double)INFINITY;
        if (item->residents > item->count) /* those that are too many leave for nothing */
            m->moves -= item->move_cost * (item->residents - item->count);
        status = spotopt__lp_add_rows(m->lp, 1, &lower, &upper, err);
    }
    for (uint32_t c = 0; c < model->classes && status == SPOTOPT_OK; c++) {
        const spotopt__class *at = &model->class_at[c];
        const spotopt__kind *first = &model->kind[at->kinds[0]];
        double lower = 0.0, upper = (double)INFINITY;
        bool plain = at->new_count == at->kind_count && sides->active == 0 &&
                     model->problem->pools.at[first->pool].max == SPOTOPT_NO_LIMIT;
        for (uint32_t j = 0; plain && j < at->kind_count; j++)
            plain = model->problem->pools.at[model->kind[at->kinds[j]].pool].min == 0;
        m->class_row[c] = SPOTOPT__NONE;
        m->class_cost[c] = first->cost;
        if (!plain) {
            m->class_row[c] = row++;
            status = spotopt__lp_add_rows(m->lp, 1, &lower, &upper, err);
        }
    }
    for (uint32_t s = 0; s < sides->active && status == SPOTOPT_OK; s++)
        status = spotopt__lp_add_rows(m->lp, 1, &sides->row[s].lower, &sides->row[s].upper, err);
    m->rows = row + sides->active;
    for (uint32_t k = 0; k < model->kinds && status == SPOTOPT_OK; k++) {
        const spotopt__kind *kind = &model->kind[k];
        const spotopt__pack_pool *pool = &model->problem->pools.at[kind->pool];
        double lower = kind->node == SPOTOPT__NONE ? pool->min : kind->has_fixed ? 1.0 : 0.0;
        double upper = kind->node != SPOTOPT__NONE     ? 1.0
                       : pool->max == SPOTOPT_NO_LIMIT ? (double)INFINITY
                                                       : pool->max;
        size_t entries = 0;
        if (kind->class_id == SPOTOPT__NONE || m->class_row[kind->class_id] == SPOTOPT__NONE)
            continue;
        m->row_index[entries] = m->class_row[kind->class_id];
        m->row_value[entries++] = 1.0;
        for (uint32_t s = 0; s < sides->active; s++) {
            if (sides->row[s].coefficient[k] != 0.0) {
                m->row_index[entries] = row + s;
                m->row_value[entries++] = sides->row[s].coefficient[k];
            }
        }
        /*
         * A running node saves its residents' moves at best. Charged in full, it would cost as much
         * at the prices that come out as it earns, and the Lagrangean would lose every saved move.
         */
        double saved = 0.0;
        for (uint32_t s = 0; s < kind->stay_count; s++)
            saved += model->item[kind->stays[s].item].move_cost * kind->stays[s].holds;
        m->moves += saved;
        status = put_column(m, kind->cost - saved, lower, upper, entries, err);
    }
    m->left_out = status == SPOTOPT_OK ? (uint32_t)spotopt__lp_columns(m->lp) : 0;
    for (uint32_t i = 0; i < model->items && status == SPOTOPT_OK; i++) {
        m->row_index[0] = i;
        m->row_value[0] = 1.0;
        status = put_column(m, 1.0, 0.0, model->item[i].count, 1, err);
    }
    m->surplus = m->left_out + model->items;
    for (uint32_t i = 0; i < model->items && status == SPOTOPT_OK; i++) {
        m->row_index[0] = i;
        m->row_value[0] = -1.0;
        status = put_column(m, 0.0, 0.0, 0.0, 1, err);
    }
    m->fixed_columns = status == SPOTOPT_OK ? (uint32_t)spotopt__lp_columns(m->lp) : 0;
    return status;
}

/* Adds a pattern unless the class has it; *added tells. */
static spotopt_status
add_pattern(master *m, uint32_t class_id, const spotopt__hold *holds, uint32_t count, bool *added,
            spotopt_error *err)
{
    uint64_t hash = spotopt__hash_bytes(holds, count * sizeof *holds, class_id);
    column made = {class_id, (uint32_t)m->holds.count, count, hash};
    size_t entries = 0;

    *added = false;
    for (size_t c = m->columns.count; c-- > 0 && m->columns.count - c < 2000;) {
        if (m->columns.at[c].hash == hash)
            return SPOTOPT_OK;
    }
    for (uint32_t h = 0; h < count; h++) {
        m->row_index[entries] = holds[h].item;
        m->row_value[entries++] = holds[h].count;
        if (!spotopt__vec_push(m->context, &m->holds, holds[h]))
            return spotopt__nomem(err, "patterns");
    }
    if (m->class_row[class_id] != SPOTOPT__NONE) {
        m->row_index[entries] = m->class_row[class_id];
        m->row_value[entries++] = -1.0;
    }
    if (!spotopt__vec_push(m->context, &m->columns, made))
        return spotopt__nomem(err, "patterns");
    *added = true;
    return put_column(m, m->class_row[class_id] == SPOTOPT__NONE ? m->class_cost[class_id] : 0.0,
                      0.0, (double)INFINITY, entries, err);
}

static int
compare_holds(const void *a, const void *b)
{
    const spotopt__hold *x = a, *y = b;

    return (x->item > y->item) - (x->item < y->item);
}

static spotopt_status
add_bins(master *m, const spotopt__state *state, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    for (size_t b = 0; b < state->bins.count && status == SPOTOPT_OK; b++) {
        const spotopt__bin *bin = &state->bins.at[b];
        uint32_t count = (uint32_t)bin->holds.count;
        bool added;
        if (bin->count == 0 || count == 0)
            continue;
        memcpy(m->search->builder.best, bin->holds.at, count * sizeof *bin->holds.at);
        qsort(m->search->builder.best, count, sizeof *bin->holds.at, compare_holds);
        status = add_pattern(m, m->model->kind[bin->kind].class_id, m->search->builder.best, count,
                             &added, err);
    }
    return status;
}

static void
load_knapsack(master *m, uint32_t c, const double *price)
{
    const spotopt__model *model = m->model;
    const spotopt__class *at = &model->class_at[c];
    const spotopt__kind *first = &model->kind[at->kinds[0]];

    spotopt__knapsack_start(&m->sack, at->capacity, true);
    for (uint32_t i = 0; i < model->items; i++) {
        if (spotopt__allows(&model->item[i], first->pool) && price[i] > 0.0)
            spotopt__knapsack_add(&m->sack, i, price[i], m->avail[i]);
    }
}

/*
 * Looks for patterns at `price` that pay at the LP's own prices; how many were added. A batch
 * shares out the demands, as a packing would: what one pattern can use up is not offered to the
 * next, so that the patterns differ and fit together. When nothing pays with all demands on offer,
 * nothing does.
 */
static spotopt_status
price_classes(master *m, const double *price, uint64_t steps, uint32_t *start, uint32_t want,
              uint32_t *out, spotopt_error *err)
{
    const spotopt__model *model = m->model;
    spotopt_status status = SPOTOPT_OK;
    double began = spotopt__clock(m->context);
    uint32_t before = UINT32_MAX;

    *out = 0;
    for (uint32_t i = 0; i < model->items; i++)
        m->avail[i] = model->item[i].count;
    for (int pass = 0; pass < 3 && *out < want && *out != before && status == SPOTOPT_OK; pass++) {
        before = *out;
        for (uint32_t j = 0; j < model->classes && *out < want && status == SPOTOPT_OK; j++) {
            uint32_t c = (*start + j) % model->classes, count = 0, times = UINT32_MAX;
            double pays = 0.0;
            double cost =
                m->class_row[c] == SPOTOPT__NONE ? m->class_cost[c] : m->dual[m->class_row[c]];
            spotopt__hold *holds = m->search->builder.best;
            bool added;
            load_knapsack(m, c, price);
            m->search->budget.work += 1 + (uint64_t)m->sack.pieces * m->sack.dims;
            if (spotopt__search_over(m->search))
                break;
            m->sack.target = cost > 0.0 ? cost : 0.0;
            m->sack.thorough = false;
            if (steps >
                300) { /* late: few classes are left, and good multipliers are worth their time */
                if (spotopt__knapsack_solve(&m->sack, 0) <= m->sack.target)
                    continue;
                m->sack.thorough = true;
            }
            (void)spotopt__knapsack_solve(&m->sack, steps);
            m->search->budget.work += m->sack.steps / 256;
            for (uint32_t p = 0; p < m->sack.pieces; p++) {
                if (m->sack.best[p] > 0) {
                    uint32_t i = m->sack.piece[p].item, most = m->avail[i] / m->sack.best[p];
                    holds[count++] = (spotopt__hold){i, m->sack.best[p]};
                    pays += m->sack.best[p] * m->dual[i];
                    times = most < times ? most : times;
                }
            }
            if (count == 0 || pays <= cost + SPOTOPT__TOL_PRICE * (1.0 + fabs(cost)))
                continue;
            times = times > 2 ? times / 2 : 1;
            for (uint32_t h = 0; h < count; h++)
                m->avail[holds[h].item] -= holds[h].count * times;
            status = add_pattern(m, c, holds, count, &added, err);
            *out += added;
        }
        *start = (*start + 7) % model->classes;
    }
    m->search->pricing_seconds += spotopt__clock(m->context) - began;
    return status;
}

static spotopt_status
solve(master *m, bool *solved, spotopt_error *err)
{
    spotopt__lp_answer answer = {0};
    size_t columns = spotopt__lp_columns(m->lp);
    double limit = spotopt__budget_left_s(&m->search->budget);
    spotopt_status status;

    if (columns + 1 > m->x_room) {
        size_t room = 2 * columns + 64;
        double *x = spotopt__resize_array(m->context, m->x, room, sizeof *x);
        if (x == NULL)
            return spotopt__nomem(err, "columns");
        m->x = x;
        m->x_room = room;
    }
    *solved = false;
    if (limit <= 0.0)
        return SPOTOPT_OK;
    m->search->budget.work +=
        (uint64_t)m->rows * columns / 8 + 1000; /* about what the engine takes */
    status = spotopt__lp_solve(m->lp, limit, m->x, m->dual, &answer, err);
    m->search->lp_seconds += answer.seconds;
    m->objective = answer.objective + m->moves;
    *solved = status == SPOTOPT_OK && answer.state == SPOTOPT__LP_OPTIMAL;
    return status;
}

static void
raise_bound(master *m, const double *price, uint32_t effort)
{
    const spotopt__sides *sides = &m->search->sides;
    double began = spotopt__clock(m->context), bound;

    for (uint32_t s = 0; s < sides->count; s++)
        m->side[s] = s < sides->active ? m->dual[m->rows - sides->active + s] : 0.0;
    bound = spotopt__lagrange(m->model, sides, price, m->side, effort);
    if (bound > m->search->bound)
        memcpy(m->center, price, m->model->items * sizeof *price);
    spotopt__search_raise(m->search, bound);
    m->search->pricing_seconds += spotopt__clock(m->context) - began;
}

/* Keeps the prices within a box around the centre, or, with width 0, lets them free. */
static spotopt_status
set_box(master *m, double width, spotopt_error *err)
{
    const spotopt__model *model = m->model;
    spotopt_status status = SPOTOPT_OK;

    for (uint32_t i = 0; i < model->items && status == SPOTOPT_OK; i++) {
        const spotopt__item *item = &model->item[i];
        double top = isfinite(item->unplaced_cost) ? item->unplaced_cost : penalty_of(model, i);
        double cost = width > 0.0 ? m->center[i] * (1.0 + width) : top;
        if (isfinite(item->unplaced_cost) && cost > top)
            cost = top;
        status = spotopt__lp_set_cost(m->lp, m->left_out + i, cost, err);
        if (status == SPOTOPT_OK)
            status = spotopt__lp_set_cost(m->lp, m->surplus + i,
                                          -cost * (1.0 - width) / (1.0 + width), err);
        if (status == SPOTOPT_OK)
            status = spotopt__lp_set_column_bounds(m->lp, m->surplus + i, 0.0,
                                                   width > 0.0 ? item->count : 0.0, err);
    }
    return status;
}

/*
 * Box steps (Marsten, Hogan, Blankenship 1975): prices stay near the best known ones, so that few
 * patterns settle them; when no pattern pays any more the box moves or shrinks. The last rounds are
 * free.
 */
static spotopt_status
generate(master *m, uint32_t rounds, spotopt_error *err)
{
    uint32_t start = 0, want = 100, free_rounds = rounds / 4, in_box = 0;
    uint64_t steps = 300;
    double width = 0.04, share = m->rows > 600 ? 0.15 : 0.35;
    spotopt_status status = set_box(m, width, err);

    for (uint32_t round = 0; round < rounds && status == SPOTOPT_OK; round++) {
        bool solved = false, close;
        uint32_t added = 0;
        if (width > 0.0 &&
            (round + free_rounds >= rounds || spotopt__search_late(m->search, share))) {
            width = 0.0;
            status = set_box(m, 0.0, err);
        }
        if (spotopt__search_late(m->search, share + 0.1))
            break;
        if (status == SPOTOPT_OK)
            status = solve(m, &solved, err);
        if (status != SPOTOPT_OK || !solved || spotopt__search_done(m->search))
            break;
        close = m->objective - m->search->bound <= 0.3 * m->search->gap_rel * m->objective;
        if (!close || width == 0.0)
            status = price_classes(m, m->dual, steps, &start, want, &added, err);
        if (status != SPOTOPT_OK || (added > 5 && ++in_box % 16 != 0))
            continue;
        if (width > 0.0) {
            double before = m->search->bound;
            raise_bound(m, m->dual, 1000);
            if (m->search->bound < before * (1.0 + 1e-4) + 1e-12 && (added <= 5 || in_box >= 48))
                width *= 0.5;
            if (width < 0.005 || close)
                width = 0.0;
            status = set_box(m, width, err);
            if (width == 0.0)
                rounds = round + free_rounds < rounds ? round + free_rounds : rounds;
        } else if (close) {
            break;
        } else if (added == 0) {
            /* 300, 5400, and where a proof is asked for 97200; then the end. */
            if (steps >= (m->search->gap_rel < 0.005 ? 100000 : 6000))
                break;
            steps *= 18;
            rounds = rounds > round + 12 ? rounds : round + 12;
        }
    }
    return status == SPOTOPT_OK ? set_box(m, 0.0, err) : status;
}

typedef struct rounding {
    double key;
    uint32_t column;
} rounding;

static int
compare_rounding(const void *a, const void *b)
{
    const rounding *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* Opens a pattern so many times on the class's kinds, the cheapest first. */
static void
open_times(master *m, uint32_t c, uint32_t times)
{
    spotopt__builder *builder = &m->search->builder;
    spotopt__state *state = &m->search->work;
    const column *at = &m->columns.at[c];
    const spotopt__class *from = &m->model->class_at[at->class_id];

    for (uint32_t j = 0; j < from->kind_count && times > 0; j++) {
        uint32_t done;
        if (spotopt__state_openings(state, from->kinds[j], 1) == 0)
            continue;
        builder->best_count = 0;
        for (uint32_t h = 0; h < at->count;
             h++) { /* no more than is left: columns may cover too much */
            spotopt__hold hold = m->holds.at[at->first + h];
            uint64_t left = m->model->item[hold.item].count - state->placed[hold.item];
            hold.count = hold.count < left ? hold.count : (uint32_t)left;
            if (hold.count > 0)
                builder->best[builder->best_count++] = hold;
        }
        done = spotopt__open_pattern(builder, state, from->kinds[j], times);
        times -= done;
        if (done > 0 && times > 0)
            j--; /* the rest of the demands may ask for a smaller pattern on the same kind */
    }
}

/* A packing from column values: whole parts, then fractions of at least `threshold`, then greedily.
 */
static void
round_values(master *m, const double *value, double threshold)
{
    spotopt__search *search = m->search;
    spotopt__state *state = &search->work;
    size_t count = m->columns.count;
    rounding *order = spotopt__alloc_array(m->context, count + 1, sizeof *order);
    spotopt__recipe recipe = {false, false, 0, 24, 0, NULL};

    if (order == NULL) {
        m->nomem = true;
        return;
    }
    spotopt__state_clear(state);
    spotopt__place_residents(state, false);
    for (uint32_t c = 0; c < count; c++)
        order[c] = (rounding){value[c], c};
    qsort(order, count, sizeof *order, compare_rounding);
    for (uint32_t c = 0; c < count && order[c].key >= 1.0 - 1e-6; c++)
        open_times(m, order[c].column, (uint32_t)floor(order[c].key + 1e-6));
    for (uint32_t c = 0; c < count; c++) {
        double part = value[c] - floor(value[c] + 1e-6);
        order[c] = (rounding){part, c};
    }
    qsort(order, count, sizeof *order, compare_rounding);
    for (uint32_t c = 0; c < count && order[c].key >= threshold; c++)
        open_times(m, order[c].column, 1);
    spotopt__free(m->context, order);
    spotopt__construct_rest(&search->builder, state, &recipe);
    spotopt__right_size(&search->builder, state);
    spotopt__repair_tallies(&search->builder, state);
    (void)spotopt__search_offer(search, state);
}

/* Rounds up the largest fractions, solves again, until every pattern is whole. */
static spotopt_status
dive(master *m, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;
    size_t count = m->columns.count;
    double *floor_ = spotopt__alloc_array(m->context, count + 1, sizeof *floor_);
    rounding *order = spotopt__alloc_array(m->context, count + 1, sizeof *order);
    bool solved = true;

    if (floor_ == NULL || order == NULL)
        status = spotopt__nomem(err, "a dive");
    for (int round = 0; round < 60 && status == SPOTOPT_OK && solved; round++) {
        uint32_t open = 0, fix;
        for (uint32_t c = 0; c < count && status == SPOTOPT_OK; c++) {
            double value = m->x[m->fixed_columns + c], whole = floor(value + 1e-6);
            if (whole > floor_[c]) {
                floor_[c] = whole;
                status = spotopt__lp_set_column_bounds(m->lp, m->fixed_columns + c, whole,
                                                       (double)INFINITY, err);
            }
            if (value - floor_[c] > 1e-6)
                order[open++] = (rounding){value - floor_[c], c};
        }
        if (open == 0 || status != SPOTOPT_OK)
            break;
        qsort(order, open, sizeof *order, compare_rounding);
        fix = open / 8 > 1 ? open / 8 : 1;
        for (uint32_t f = 0; f < fix && status == SPOTOPT_OK; f++) {
            uint32_t c = order[f].column;
            if (f > 0 && order[f].key < 0.6)
                break;
            floor_[c] += 1.0;
            status = spotopt__lp_set_column_bounds(m->lp, m->fixed_columns + c, floor_[c],
                                                   (double)INFINITY, err);
        }
        if (spotopt__search_late(m->search, 0.6))
            break;
        if (status == SPOTOPT_OK)
            status = solve(m, &solved, err);
        m->search->budget.work += m->rows;
    }
    if (status == SPOTOPT_OK)
        round_values(m, floor_, 2.0);
    spotopt__free(m->context, floor_);
    spotopt__free(m->context, order);
    return status;
}

/* The patterns at hand in whole numbers, by branch and cut; for few rows only. */
static spotopt_status
solve_whole(master *m, spotopt_error *err)
{
    size_t columns = spotopt__lp_columns(m->lp), count = m->columns.count;
    unsigned char *whole = spotopt__alloc_array(m->context, columns + 1, 1);
    double *x = spotopt__alloc_array(m->context, columns + 1, sizeof *x), limit, began;
    spotopt__lp_answer answer = {0};
    spotopt_status status = SPOTOPT_OK;

    if (whole == NULL || x == NULL) {
        status = spotopt__nomem(err, "patterns in whole numbers");
        goto done;
    }
    memset(whole, 1, columns);
    for (size_t c = 0; c < count && status == SPOTOPT_OK; c++) /* a dive may have left floors */
        status =
            spotopt__lp_set_column_bounds(m->lp, m->fixed_columns + c, 0.0, (double)INFINITY, err);
    if (status != SPOTOPT_OK)
        goto done;
    began = spotopt__budget_left_s(&m->search->budget);
    limit = 0.3 * began;
    spotopt__lp_set_steps(m->lp, INTEGER_STEPS);
    m->search->budget.work += INTEGER_STEPS * (m->rows + m->columns.count);
    status = spotopt__lp_solve_integer(m->lp, whole, fmax(0.25 * m->search->gap_rel, 1e-9), limit,
                                       x, &answer, err);
    m->search->lp_seconds += answer.seconds;
    if (status != SPOTOPT_OK)
        goto done;
    if (answer.seconds > 0.95 * limit)
        m->search->hurried = true;
    if (answer.state == SPOTOPT__LP_OPTIMAL || answer.state == SPOTOPT__LP_FEASIBLE)
        round_values(m, x + m->fixed_columns, 2.0);
done:
    spotopt__free(m->context, whole);
    spotopt__free(m->context, x);
    return status;
}

static spotopt_status
go(master *m, spotopt_error *err)
{
    const spotopt__model *model = m->model;
    static const double thresholds[] = {0.9, 0.7, 0.5, 0.3};
    uint32_t rounds = 60 + 8000 / (model->items + 20);
    bool solved = false;
    spotopt_status status = make_rows(m, err);

    if (status == SPOTOPT_OK && m->search->has_best)
        status = add_bins(m, &m->search->best, err);
    if (status == SPOTOPT_OK && m->search->work.bins.count > 0)
        status = add_bins(m, &m->search->work, err);
    memcpy(m->center, m->search->builder.price, model->items * sizeof *m->center);
    if (status == SPOTOPT_OK)
        status = generate(m, rounds, err);
    if (status == SPOTOPT_OK)
        status = solve(m, &solved, err);
    m->search->columns = m->columns.count;
    if (status != SPOTOPT_OK || !solved)
        return status;
    raise_bound(m, m->dual, 3000);
    spotopt__builder_price(&m->search->builder, m->dual);
    for (size_t t = 0;
         t < sizeof thresholds / sizeof *thresholds && !spotopt__search_done(m->search); t++)
        round_values(m, m->x + m->fixed_columns, thresholds[t]);
    if (m->rows <= 600 && !spotopt__search_done(m->search))
        status = dive(m, err);
    if (status == SPOTOPT_OK && m->rows <= 200 && m->columns.count <= 2000 &&
        !spotopt__search_done(m->search))
        status = solve_whole(m, err);
    return status;
}

spotopt_status
spotopt__search_columns(spotopt__search *search, spotopt_error *err)
{
    const spotopt__model *model = search->model;
    master m = {.search = search, .model = model, .context = model->context};
    size_t rows = (size_t)model->items + model->classes + search->sides.count;
    bool ok;
    spotopt_status status;

    if (rows > ROWS_MOST || model->items == 0 || model->classes == 0)
        return SPOTOPT_OK;
    ok = spotopt__extras_init(&m.extras, model);
    ok = spotopt__knapsack_init(&m.sack, model, &m.extras) && ok;
    m.sack.hint = search->sides.hint;
    m.class_row = spotopt__alloc_array(m.context, model->classes + 1, sizeof *m.class_row);
    m.class_cost = spotopt__alloc_array(m.context, model->classes + 1, sizeof *m.class_cost);
    m.dual = spotopt__alloc_array(m.context, rows + 1, sizeof *m.dual);
    m.price = spotopt__alloc_array(m.context, model->items + 1, sizeof *m.price);
    m.center = spotopt__alloc_array(m.context, model->items + 1, sizeof *m.center);
    m.avail = spotopt__alloc_array(m.context, model->items + 1, sizeof *m.avail);
    m.side = spotopt__alloc_array(m.context, search->sides.count + 1, sizeof *m.side);
    m.row_index = spotopt__alloc_array(m.context, rows + 1, sizeof *m.row_index);
    m.row_value = spotopt__alloc_array(m.context, rows + 1, sizeof *m.row_value);
    if (ok && m.class_row != NULL && m.class_cost != NULL && m.dual != NULL && m.price != NULL &&
        m.center != NULL && m.avail != NULL && m.side != NULL && m.row_index != NULL &&
        m.row_value != NULL) {
        status = spotopt__lp_new(m.context, &m.lp, err);
        if (status == SPOTOPT_OK)
            status = go(&m, err);
        if (m.nomem)
            status = spotopt__nomem(err, "packing");
        else if (status != SPOTOPT_OK && status != SPOTOPT_E_NOMEM)
            status = SPOTOPT_OK; /* a fault of the engine costs the bound, not the answer */
    } else {
        status = spotopt__nomem(err, "packing");
    }
    spotopt__lp_free(m.lp);
    spotopt__vec_free(m.context, &m.columns);
    spotopt__vec_free(m.context, &m.holds);
    spotopt__free(m.context, m.x);
    spotopt__free(m.context, m.dual);
    spotopt__free(m.context, m.price);
    spotopt__free(m.context, m.center);
    spotopt__free(m.context, m.side);
    spotopt__free(m.context, m.avail);
    spotopt__free(m.context, m.row_index);
    spotopt__free(m.context, m.row_value);
    spotopt__free(m.context, m.class_row);
    spotopt__free(m.context, m.class_cost);
    spotopt__knapsack_free(&m.sack);
    spotopt__extras_free(&m.extras);
    return status;
}
