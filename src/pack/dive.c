/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dive.c - packings from the fractions of the pattern LP.
 *
 * Patterns are opened for real under all rules: whole parts at once, then the largest fractions,
 * and the LP of what is then still missing is solved again, with patterns made for it; so a dive
 * never stands on what the rules refused. Greedy filling completes.
 */
#include <stdlib.h>

#include "pack/master.h"

#define DIVE_ROUNDS 20 /* of pricing at each step */
#define DIVE_TAIL 1e-4 /* of the cost: a round that brings less is idle */
#define APART_MOST 400 /* items that may have rows of their own in the end */
#define APART_ROUNDS 200
#define BUYS_LAST 20      /* once more, for as long as there is time */
#define SQUEEZES 100      /* failures in a row, after a dive */
#define INTEGER_STEPS 400 /* of branch and cut on the patterns at hand */

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

/* Opens a pattern so many times on the class's kinds, the cheapest first; how often. */
static uint32_t
open_times(spotopt__columns *m, spotopt__state *state, uint32_t c, uint32_t times)
{
    spotopt__builder *builder = &m->search->builder;
    const spotopt__column *at = &m->columns.at[c];
    const spotopt__class *from = &m->model->class_at[at->class_id];
    uint32_t want = times;

    if (at->node != SPOTOPT__NONE)
        return spotopt__spot_open(m, state, c) ? 1 : 0;
    for (uint32_t j = 0; j < (m->by_spots ? from->new_count : from->kind_count) && times > 0; j++) {
        uint32_t done;
        if (spotopt__state_openings(state, from->kinds[j], 1) == 0)
            continue;
        builder->best_count = 0;
        for (uint32_t h = 0; h < at->count;
             h++) { /* no more than is left: columns may cover too much */
            spotopt__hold hold = m->holds.at[at->first + h];
            uint64_t left = m->model->item[hold.item].count - state->placed[hold.item];
            if (hold.count > left && m->items < m->listed_count)
                return want - times; /* shared rows know no single items: another pattern will */
            hold.count = hold.count < left ? hold.count : (uint32_t)left;
            if (hold.count > 0)
                builder->best[builder->best_count++] = hold;
        }
        done = spotopt__open_pattern(builder, state, from->kinds[j], times);
        times -= done;
        if (done > 0 && times > 0)
            j--; /* the rest of the demands may ask for a smaller pattern on the same kind */
    }
    return want - times;
}

static void
finish(const spotopt__columns *m, spotopt__state *state)
{
    spotopt__builder *builder = &m->search->builder;
    spotopt__recipe recipe = {false, false, 0, 24, 0, NULL};

    spotopt__construct_rest(builder, state, &recipe);
    spotopt__right_size(builder, state);
    spotopt__repair_tallies(builder, state);
}

void
spotopt__columns_round(spotopt__columns *m, const double *value, double threshold)
{
    spotopt__state *state = &m->search->work;
    size_t count = m->columns.count;
    rounding *order = spotopt__alloc_array(m->context, count + 1, sizeof *order);

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
        (void)open_times(m, state, order[c].column, (uint32_t)floor(order[c].key + 1e-6));
    for (uint32_t c = 0; c < count; c++)
        order[c] = (rounding){value[c] - floor(value[c] + 1e-6), c};
    qsort(order, count, sizeof *order, compare_rounding);
    for (uint32_t c = 0; c < count && order[c].key >= threshold; c++)
        (void)open_times(m, state, order[c].column, 1);
    spotopt__free(m->context, order);
    finish(m, state);
    (void)spotopt__search_offer(m->search, state);
}

/*
 * Opens whole parts and some of the fractions; how many nodes. Dear contents first: what is rounded
 * up last is then small and cheap. A few more at once where fractions are nearly whole.
 */
static uint32_t
open_some(spotopt__columns *m, spotopt__state *state, rounding *order)
{
    uint32_t open = 0, opened = 0, most;

    for (uint32_t c = 0; c < m->columns.count; c++) {
        const spotopt__column *at = &m->columns.at[c];
        double value = spotopt__columns_x(m, c), whole = floor(value + 1e-6), worth = 0.0;
        if (at->banned || value <= 1e-6)
            continue;
        if (whole >= 1.0)
            opened += open_times(m, state, c, (uint32_t)whole);
        if (value - whole <= 1e-6)
            continue;
        for (uint32_t h = 0; h < at->count; h++)
            worth += m->holds.at[at->first + h].count * m->price[m->holds.at[at->first + h].item];
        order[open++] =
            (rounding){(value - whole < 0.3 ? 1e-6 : 1.0) * (value - whole) * worth * worth, c};
    }
    qsort(order, open, sizeof *order, compare_rounding);
    most = m->hurries && spotopt__search_late(m->search, 0.7) ? open / 4 : open / 16;
    most = most > 1 ? most : 1;
    for (uint32_t j = 0; j < open && opened < most; j++) {
        double value = spotopt__columns_x(m, order[j].column);
        if (opened == 0 || value - floor(value + 1e-6) >= 0.8)
            opened += open_times(m, state, order[j].column, 1);
    }
    return opened;
}

/* The LP of what is left, patterns priced for it until they bring little. */
static bool
settle(spotopt__columns *m, double *least)
{
    bool solved = spotopt__columns_solve(m);

    if (*least < 0.0) /* of all there is to place */
        *least = m->objective * DIVE_TAIL;
    for (uint32_t round = 0, idle = 0; round < DIVE_ROUNDS && solved && idle < 2; round++) {
        /* Little time is left: a rough end is better than none. */
        if (round > 0 && m->hurries && spotopt__search_late(m->search, 0.7))
            break;
        double before = m->objective;
        if (spotopt__columns_price(m, 300, 50) == 0)
            break;
        solved = spotopt__columns_solve(m);
        idle = before - m->objective > *least ? 0 : idle + 1;
        if (m->columns.count > 4 * (size_t)m->rows)
            spotopt__columns_purge(m, 2 * m->rows);
    }
    return solved;
}

/* A smaller program when most items are placed. */
static bool
shrink(spotopt__columns *m, const spotopt__state *state)
{
    spotopt__columns less;
    uint32_t left = 0;
    bool hurries = m->hurries;
    bool ok;

    for (uint32_t j = 0; j < m->listed_count; j++)
        left += m->left[m->listed[j]] > 0;
    if (left * 10 > m->listed_count * 7)
        return true;
    ok = spotopt__columns_init(&less, m->search, state);
    if (ok)
        spotopt__columns_borrow(&less, m);
    spotopt__columns_free(m);
    *m = less;
    m->sack.extras = &m->extras; /* it moved along */
    m->hurries = hurries;
    m->start = 0;
    return ok && !m->nomem;
}

bool
spotopt__columns_dive(const spotopt__columns *pool, spotopt__state *state, bool hurries)
{
    spotopt__columns m;
    size_t room = 0;
    double least = -1.0;
    rounding *order = NULL;
    bool ok = spotopt__columns_init(&m, pool->search, state);

    m.hurries = hurries;
    if (ok)
        spotopt__columns_borrow(&m, pool);
    while (ok && !m.nomem && settle(&m, &least)) {
        if (m.columns.count + 1 > room) {
            spotopt__free(m.context, order);
            room = 2 * m.columns.count + 64;
            order = spotopt__alloc_array(m.context, room, sizeof *order);
        }
        ok = order != NULL;
        if (!ok || open_some(&m, state, order) == 0)
            break;
        spotopt__columns_follow(&m, state);
        spotopt__columns_purge(&m, 2 * m.rows);
        ok = shrink(&m, state);
    }
    ok = ok && !m.nomem;
    spotopt__free(m.context, order);
    spotopt__columns_free(&m);
    finish(pool, state);
    return ok;
}

/* The mirror's values, where banned columns are absent, in the order of all columns, in place. */
static const double *
value_of(const spotopt__columns *m, double *x)
{
    double *value = x + m->fixed_columns;
    size_t there = 0;

    for (size_t c = 0; c < m->columns.count; c++)
        there += !m->columns.at[c].banned;
    for (size_t c = m->columns.count; c-- > 0;) /* from the end: none is overwritten too early */
        value[c] = m->columns.at[c].banned ? 0.0 : value[--there];
    return value;
}

void
spotopt__columns_whole(spotopt__columns *m)
{
    size_t count = m->columns.count, columns;
    double limit = 0.3 * spotopt__budget_left_s(&m->search->budget), *x = NULL;
    unsigned char *whole = NULL;
    spotopt__lp_answer answer = {0};
    bool ok = spotopt__lp_new(m->context, &m->mirror, NULL) == SPOTOPT_OK &&
              spotopt__columns_frame(m, NULL);

    for (size_t c = 0; c < count && ok; c++)
        ok = m->columns.at[c].banned || spotopt__columns_mirror(m, (uint32_t)c);
    if (!ok)
        goto done;
    columns = spotopt__lp_columns(m->mirror);
    whole = spotopt__alloc_array(m->context, columns + 1, 1);
    x = spotopt__alloc_array(m->context, columns + count + 1, sizeof *x); /* see value_of() */
    if (whole == NULL || x == NULL) {
        m->nomem = true;
        goto done;
    }
    memset(whole, 1, columns);
    spotopt__lp_set_steps(m->mirror, INTEGER_STEPS);
    m->search->budget.work += INTEGER_STEPS * (m->rows + m->columns.count);
    ok = spotopt__lp_solve_integer(m->mirror, whole, fmax(0.25 * m->search->gap_rel, 1e-9), limit,
                                   x, &answer, NULL) == SPOTOPT_OK;
    m->search->lp_seconds += answer.seconds;
    if (ok && answer.seconds > 0.95 * limit)
        m->search->hurried = true;
    if (ok && (answer.state == SPOTOPT__LP_OPTIMAL || answer.state == SPOTOPT__LP_FEASIBLE))
        spotopt__columns_round(m, value_of(m, x), 2.0);
done:
    spotopt__lp_free(m->mirror);
    m->mirror = NULL;
    spotopt__free(m->context, whole);
    spotopt__free(m->context, x);
}

static void
take_prices(spotopt__columns *m)
{
    for (uint32_t i = 0; i < m->model->items; i++)
        m->price[i] = spotopt__columns_dual(m, i);
    spotopt__builder_price(&m->search->builder, m->price);
}

/* A packing straight from the fractions, and one by diving. */
static void
dive_whole(spotopt__columns *m)
{
    spotopt__search *search = m->search;
    double *x = spotopt__alloc_array(m->context, m->columns.count + 1, sizeof *x);

    m->nomem = x == NULL;
    for (uint32_t c = 0; c < m->columns.count && x != NULL; c++)
        x[c] = spotopt__columns_x(m, c);
    if (x != NULL)
        spotopt__columns_round(m, x, 0.6);
    spotopt__free(m->context, x);
    if (m->nomem || spotopt__search_done(search))
        return;
    spotopt__state_clear(&search->work);
    spotopt__place_residents(&search->work, false);
    if (!spotopt__columns_dive(m, &search->work, true))
        m->nomem = true;
    else
        (void)spotopt__search_offer(search, &search->work);
    if (!m->nomem && !spotopt__search_done(search))
        m->nomem = !spotopt__search_squeeze(search, SQUEEZES, 1.0);
}

/*
 * Where items shared rows, and the gap is wider than asked: once more with a row for each, for what
 * sharing lost of the bound.
 */
static bool
bound_apart(const spotopt__columns *shared)
{
    spotopt__search *search = shared->search;
    spotopt__columns m;
    bool nomem;

    if (shared->listed_count == shared->items || search->model->items > APART_MOST)
        return true;
    search->apart = true;
    if (spotopt__columns_init(&m, search, NULL)) {
        spotopt__columns_borrow(&m, shared);
        spotopt__columns_generate(&m, APART_ROUNDS, 2e-5, 300);
        if (!m.nomem && spotopt__columns_solve(&m))
            spotopt__columns_bound(&m, 3000);
    }
    search->apart = false;
    nomem = m.nomem;
    spotopt__columns_free(&m);
    return !nomem;
}

spotopt_status
spotopt__search_columns(spotopt__search *search, spotopt_error *err)
{
    const spotopt__model *model = search->model;
    const uint32_t rounds = 60 + 8000 / (model->items + 20);
    spotopt__columns m;
    spotopt_status status = SPOTOPT_OK;
    bool nomem;

    if ((size_t)model->items + model->classes + search->sides.count > SPOTOPT__COLUMNS_ROWS_MOST ||
        model->items == 0 || model->classes == 0)
        return SPOTOPT_OK;
    if (!spotopt__columns_init(&m, search, NULL))
        goto done;
    if (search->has_best)
        spotopt__columns_add_bins(&m, &search->best);
    if (search->work.bins.count > 0)
        spotopt__columns_add_bins(&m, &search->work);
    /* A first packing does not wait for the last pattern; rules over labels would spoil it. */
    if (!model->has_hard_axis) {
        spotopt__columns_generate(&m, rounds, 2e-4, 300);
        search->columns = m.columns.count;
        if (m.nomem || !spotopt__columns_solve(&m))
            goto done;
        spotopt__columns_bound(&m, 300);
        take_prices(&m);
        if (!spotopt__search_done(search))
            dive_whole(&m);
    }
    if (!m.nomem && !spotopt__search_done(search)) {
        /* There is a good packing already: what is missing is the bound. */
        spotopt__columns_generate(&m, search->bought ? 4 * rounds : rounds, 0.0, 5400);
        search->columns = m.columns.count;
        if (m.nomem || !spotopt__columns_solve(&m))
            goto done;
        spotopt__columns_bound(&m, 3000);
        take_prices(&m);
    }
    if (!m.nomem && !spotopt__search_done(search))
        dive_whole(&m);
    if (!m.nomem && m.rows <= 200 && m.columns.count <= 2000 && !spotopt__search_done(search))
        spotopt__columns_whole(&m);
    if (!m.nomem && !spotopt__search_done(search))
        spotopt__columns_fleet(&m);
    if (!m.nomem && !spotopt__search_done(search))
        m.nomem = !bound_apart(&m);
    if (!m.nomem && search->bought && !spotopt__search_done(search)) {
        status = spotopt__search_buy(search, BUYS_LAST, 0.9, err);
        if (status != SPOTOPT_OK)
            goto done;
    }
    if (!m.nomem && !spotopt__search_done(search))
        spotopt__columns_reopen(&m);
    /* Only a proof is worth what searching knapsacks for long takes. */
    if (!m.nomem && search->gap_rel < 0.005 && !spotopt__search_done(search)) {
        spotopt__columns_generate(&m, rounds, 0.0, 97200);
        if (!m.nomem && spotopt__columns_solve(&m))
            spotopt__columns_bound(&m, 3000);
        search->columns = m.columns.count;
    }
done:
    nomem = m.nomem;
    spotopt__columns_free(&m);
    return nomem ? spotopt__nomem(err, "packing") : status;
}
