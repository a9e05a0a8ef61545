/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.c - a bound from whole numbers of nodes.
 *
 * Where few nodes are bought, most of what the pattern LP gives away are fractions of nodes. At any
 * prices p of replicas, what is bought must be worth at least all that is wanted:
 * sum_k W_k(p) y_k >= p . d, with W_k at least the worth of any content of a node of kind k
 * (Benders 1962: the pattern LP seen from the numbers y of nodes). A few such rows make a small
 * program over y, gone through by branch and bound, the least bound first; where the least y is
 * whole, patterns are generated for just these nodes, and if they cannot hold everything, the
 * prices that tell so make one more row. A branch's bound is recomputed from its row prices m >= 0:
 * sum_j m_j rhs_j + sum_k min over l_k <= y <= u_k of y (cost_k - sum_j m_j W_jk), which holds
 * whatever m is; so nothing is believed of the engine.
 */
#include "pack/master.h"

#define KINDS_MOST 160
#define NODES_MOST 20000
#define ROWS_MOST 400
#define ROUNDS_MOST 12 /* of patterns for one choice of nodes */
#define WHOLE 1e-6
#define WORTH_STEPS 2000

typedef struct branch {
    uint32_t parent, kind, lower, upper; /* kind NONE: the root */
    double bound;
    bool open;
} branch;

typedef struct fleet {
    spotopt__columns *m;
    spotopt__search *search;
    const spotopt__model *model;
    spotopt__simplex *lp;
    uint32_t *kind, kinds; /* columns of the program */
    double *lower, *upper; /* by column, where we are; roots after them */
    double *worth, *rhs;   /* row * classes + c; by row */
    uint32_t rows, *row_index;
    double *row_value, *y;
    spotopt__vec(branch) tree;
} fleet;

/* A row from prices; true when it was added and speaks against the y at hand (NULL: any). */
static bool
add_row(fleet *f, const double *price, const double *y)
{
    const spotopt__model *model = f->model;
    spotopt__knapsack *sack = &f->m->sack;
    double *worth = f->worth + (size_t)f->rows * model->classes, rhs = 0.0, have = 0.0;

    if (f->rows == ROWS_MOST)
        return false;
    for (uint32_t i = 0; i < model->items; i++)
        rhs += fmax(price[i], 0.0) * model->item[i].count;
    rhs -= SPOTOPT__TOL_BOUND * (1.0 + rhs);
    for (uint32_t c = 0; c < model->classes; c++) {
        const spotopt__class *at = &model->class_at[c];
        const uint32_t pool = model->kind[at->kinds[0]].pool;
        spotopt__knapsack_start(sack, at->capacity, true);
        for (uint32_t i = 0; i < model->items; i++) {
            if (price[i] > 0.0 && spotopt__allows(&model->item[i], pool))
                spotopt__knapsack_add(sack, i, price[i], model->item[i].count);
        }
        sack->target = 0.0;
        sack->thorough = true;
        worth[c] = spotopt__knapsack_solve(sack, WORTH_STEPS) * (1.0 + SPOTOPT__TOL_BOUND);
        f->search->budget.work += 1 + sack->steps / 64 + sack->pieces;
    }
    for (uint32_t j = 0; j < f->kinds && y != NULL; j++)
        have += y[j] * worth[model->kind[f->kind[j]].class_id];
    if (!(rhs > 0.0) || (y != NULL && have >= rhs * (1.0 - 1e-7)))
        return false;
    for (uint32_t j = 0; j < f->kinds; j++) {
        f->row_index[j] = j;
        f->row_value[j] = worth[model->kind[f->kind[j]].class_id] / rhs;
    }
    f->row_index[f->kinds] = f->kinds; /* whatever is missing, at a dear price */
    f->row_value[f->kinds] = 1.0;
    f->rhs[f->rows++] = rhs;
    if (!spotopt__simplex_add_row(f->lp, 1.0, (double)INFINITY, f->kinds + 1, f->row_index,
                                  f->row_value)) {
        f->m->nomem = true;
        return false;
    }
    return true;
}

/* What every choice within the limits at hand costs at least, at the row prices at hand. */
static double
bound_here(const fleet *f)
{
    const double *dual = spotopt__simplex_duals(f->lp);
    double bound = 0.0, size = 0.0;

    for (uint32_t r = 0; r < f->rows; r++)
        bound += fmax(dual[r], 0.0);
    size = bound;
    for (uint32_t j = 0; j < f->kinds; j++) {
        const uint32_t c = f->model->kind[f->kind[j]].class_id;
        double each = f->model->kind[f->kind[j]].cost, least;
        size += f->upper[j] * each;
        for (uint32_t r = 0; r < f->rows; r++)
            each -= fmax(dual[r], 0.0) * f->worth[(size_t)r * f->model->classes + c] / f->rhs[r];
        least = fmin(f->lower[j] * each, f->upper[j] * each);
        bound += least;
        size += fabs(least);
    }
    return bound - SPOTOPT__TOL_BOUND * (1.0 + size);
}

static void
go_to(fleet *f, uint32_t at)
{
    for (uint32_t j = 0; j < f->kinds; j++) {
        f->lower[j] = f->lower[f->kinds + j];
        f->upper[j] = f->upper[f->kinds + j];
    }
    for (; f->tree.at[at].kind != SPOTOPT__NONE; at = f->tree.at[at].parent) {
        const branch *b = &f->tree.at[at];
        f->lower[b->kind] = fmax(f->lower[b->kind], b->lower);
        f->upper[b->kind] = fmin(f->upper[b->kind], b->upper);
    }
    for (uint32_t j = 0; j < f->kinds; j++)
        spotopt__simplex_set_column(f->lp, j, f->lower[j], f->upper[j]);
}

/* Whether patterns for these nodes can hold everything; if not, prices make one more row. */
static bool
separate(fleet *f)
{
    spotopt__columns *m = f->m;
    double cost = 0.0;

    for (uint32_t j = 0; j < f->kinds; j++) {
        const double times = nearbyint(f->y[j]);
        spotopt__simplex_set_column(m->lp, m->kind_column[f->kind[j]], times, times);
        cost += times * f->model->kind[f->kind[j]].cost;
    }
    for (uint32_t round = 0; round < ROUNDS_MOST; round++) {
        if (!spotopt__columns_solve(m) || m->objective <= cost * (1.0 + 1e-7))
            return false;
        if (m->columns.count > 6 * (size_t)m->rows + 800)
            spotopt__columns_purge(m, 4 * m->rows + 400);
        if (spotopt__columns_price(m, 300, 100) == 0)
            break;
    }
    if (!spotopt__columns_solve(m) || m->objective <= cost * (1.0 + 1e-7))
        return false;
    for (uint32_t i = 0; i < f->model->items; i++)
        m->price[i] = spotopt__columns_dual(m, i);
    return add_row(f, m->price, f->y);
}

static bool
stops(void *data)
{
    return spotopt__search_over(data);
}

/* The open branch of the least bound; NONE. */
static uint32_t
least_open(const fleet *f)
{
    uint32_t least = SPOTOPT__NONE;

    for (uint32_t b = 0; b < f->tree.count; b++) {
        if (f->tree.at[b].open &&
            (least == SPOTOPT__NONE || f->tree.at[b].bound < f->tree.at[least].bound))
            least = b;
    }
    return least;
}

static void
go_through(fleet *f)
{
    uint32_t at;

    while ((at = least_open(f)) != SPOTOPT__NONE && f->tree.count + 2 < NODES_MOST) {
        uint32_t most = SPOTOPT__NONE;
        double worst = WHOLE, bound;
        uint64_t before = spotopt__simplex_pivots(f->lp);

        spotopt__search_raise(f->search, fmin(f->tree.at[at].bound, f->search->score.cost));
        if (f->m->nomem || spotopt__search_done(f->search))
            return;
        go_to(f, at);
        if (spotopt__simplex_solve(f->lp, 0, stops, f->search) != SPOTOPT__SIMPLEX_OPTIMAL)
            return;
        f->search->budget.work +=
            20 + f->tree.count / 16 + (spotopt__simplex_pivots(f->lp) - before) * f->rows / 4;
        bound = fmax(f->tree.at[at].bound, bound_here(f));
        for (uint32_t j = 0; j < f->kinds; j++) {
            f->y[j] = spotopt__simplex_x(f->lp, j);
            if (fabs(f->y[j] - nearbyint(f->y[j])) > worst) {
                worst = fabs(f->y[j] - nearbyint(f->y[j]));
                most = j;
            }
        }
        f->tree.at[at].bound = bound;
        if (bound >= f->search->score.cost) {
            f->tree.at[at].open = false;
            continue;
        }
        if (most == SPOTOPT__NONE) {
            if (!separate(f)) /* these nodes may do, as far as patterns in fractions tell */
                return;
            continue;
        }
        f->tree.at[at].open = false;
        for (int side = 0; side < 2; side++) {
            const uint32_t below = (uint32_t)floor(f->y[most]);
            const branch made = {
                at, most, side == 0 ? 0 : below + 1, side == 0 ? below : UINT32_MAX, bound, true};
            if (!spotopt__vec_push(f->m->context, &f->tree, made)) {
                f->m->nomem = true;
                return;
            }
        }
    }
    if (at == SPOTOPT__NONE) /* nothing cheaper is left */
        spotopt__search_raise(f->search, f->search->score.cost);
}

/*
 * No running nodes, nothing left out, a row for each class: what the rows above need. No rules on
 * sums either, not even such as have no linear row: for their sake empty nodes may be bought.
 */
static bool
can_do(const spotopt__columns *m)
{
    const spotopt__model *model = m->model;

    if (model->nodes > 0 || model->trules > 0 || m->items < m->listed_count ||
        !m->search->has_best || m->search->score.missing > 0 || m->search->score.broken > 1e-9 ||
        m->rows > m->items + KINDS_MOST)
        return false;
    for (uint32_t i = 0; i < model->items; i++) {
        if (isfinite(model->item[i].unplaced_cost) || model->item[i].fits_nowhere)
            return false;
    }
    return true;
}

void
spotopt__columns_fleet(spotopt__columns *m)
{
    const spotopt__model *model = m->model;
    spotopt_context *context = m->context;
    const size_t kinds = model->kinds + 2;
    fleet f = {.m = m, .search = m->search, .model = model};
    double replicas = 0.0;
    bool ok = can_do(m);

    if (!ok)
        return;
    f.kind = spotopt__alloc_array(context, kinds, sizeof *f.kind);
    f.lower = spotopt__alloc_array(context, 2 * kinds, sizeof *f.lower);
    f.upper = spotopt__alloc_array(context, 2 * kinds, sizeof *f.upper);
    f.y = spotopt__alloc_array(context, kinds, sizeof *f.y);
    f.row_index = spotopt__alloc_array(context, kinds, sizeof *f.row_index);
    f.row_value = spotopt__alloc_array(context, kinds, sizeof *f.row_value);
    f.worth =
        spotopt__alloc_array(context, (size_t)ROWS_MOST * (model->classes + 1), sizeof(double));
    f.rhs = spotopt__alloc_array(context, ROWS_MOST + 1, sizeof *f.rhs);
    f.lp = spotopt__simplex_new(context);
    m->nomem = f.kind == NULL || f.lower == NULL || f.upper == NULL || f.y == NULL ||
               f.row_index == NULL || f.row_value == NULL || f.worth == NULL || f.rhs == NULL ||
               f.lp == NULL ||
               !spotopt__vec_push(context, &f.tree,
                                  ((branch){0, SPOTOPT__NONE, 0, 0, m->search->bound, true}));
    for (uint32_t i = 0; i < model->items; i++)
        replicas += model->item[i].count;
    for (uint32_t k = 0; k < model->kinds && ok && !m->nomem; k++) {
        if (model->kind[k].class_id == SPOTOPT__NONE)
            continue;
        ok = m->kind_column[k] != SPOTOPT__NONE && f.kinds < KINDS_MOST;
        f.kind[f.kinds++] = k;
    }
    for (uint32_t j = 0; j < f.kinds && ok && !m->nomem; j++) {
        double *lower = &f.lower[f.kinds + j], *upper = &f.upper[f.kinds + j];
        spotopt__kind_bounds(model, f.kind[j], lower, upper);
        *upper = fmax(*lower, fmin(*upper, replicas)); /* nobody wants empty nodes */
        m->nomem = !spotopt__simplex_add_column(f.lp, model->kind[f.kind[j]].cost, *lower, *upper,
                                                0, NULL, NULL);
    }
    if (ok && !m->nomem)
        m->nomem = !spotopt__simplex_add_column(f.lp, 10.0 * m->search->score.cost + 1.0, 0.0,
                                                (double)INFINITY, 0, NULL, NULL);
    if (ok && !m->nomem && add_row(&f, m->price, NULL))
        go_through(&f);
    for (uint32_t j = 0; j < f.kinds && ok && !m->nomem; j++)
        spotopt__simplex_set_column(m->lp, m->kind_column[f.kind[j]], f.lower[f.kinds + j],
                                    f.upper[f.kinds + j]);
    m->nomem = m->nomem || (f.lp != NULL && spotopt__simplex_nomem(f.lp));
    spotopt__simplex_free(f.lp);
    spotopt__vec_free(context, &f.tree);
    spotopt__free(context, f.kind);
    spotopt__free(context, f.lower);
    spotopt__free(context, f.upper);
    spotopt__free(context, f.y);
    spotopt__free(context, f.row_index);
    spotopt__free(context, f.row_value);
    spotopt__free(context, f.worth);
    spotopt__free(context, f.rhs);
}
