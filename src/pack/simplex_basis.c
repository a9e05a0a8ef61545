/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simplex_basis.c - the inverse of the basis of the small simplex engine.
 *
 * It is kept explicitly (dense, by column): a warm solve of a few pivots then costs a few passes
 * over it and no factorisation, which for some hundred rows is what column generation is made of. A
 * pivot is a change of rank one; such changes wait until there are some and are worked in together,
 * while a column is in the cache. The inverse is made anew by pivoting the basic columns in, slack
 * and singleton columns first (Markowitz-like), so that a sparse basis stays cheap.
 */
#include <math.h>
#include <string.h>

#include "pack/simplex_inner.h"

double
spotopt__simplex_dot(const spotopt__simplex *lp, const variable *v, const double *by_row)
{
    double sum = 0.0;

    for (size_t e = v->start; e < v->start + v->length; e++) /* no entries, no arrays */
        sum += lp->value[e] * by_row[lp->index[e]];
    return sum;
}

/*
 * The same operations in the same order on every processor, wider where it can: no fused multiply
 * and add, so equal bits.
 */
#if defined(__x86_64__) && defined(__GNUC__)
#define WIDE __attribute__((target("avx2")))
#define HAS_WIDE() __builtin_cpu_supports("avx2")
#else
#define WIDE
#define HAS_WIDE() false
#endif

static inline __attribute__((always_inline)) void
add_times(double *restrict to, const double *restrict from, double times, uint32_t count)
{
    for (uint32_t p = 0; p < count; p++)
        to[p] += times * from[p];
}

/* to -= a set of vectors, each times its factor, four at a time: the column is read once for four.
 */
static inline __attribute__((always_inline)) void
take_away(double *restrict to, const double *from, size_t stride, const uint32_t *which,
          const double *times, uint32_t many, uint32_t count)
{
    uint32_t k = 0;

    for (; k + 4 <= many; k += 4) {
        const double *restrict a = from + which[k] * stride, *restrict b =
                                                                 from + which[k + 1] * stride;
        const double *restrict c = from + which[k + 2] * stride, *restrict d =
                                                                     from + which[k + 3] * stride;
        double ta = times[k], tb = times[k + 1], tc = times[k + 2], td = times[k + 3];
        for (uint32_t p = 0; p < count; p++)
            to[p] -= (ta * a[p] + tb * b[p]) + (tc * c[p] + td * d[p]);
    }
    for (; k < many; k++)
        add_times(to, from + which[k] * stride, -times[k], count);
}

static inline __attribute__((always_inline)) void
settle(spotopt__simplex *lp)
{
    size_t stride = lp->row_room;

    for (uint32_t i = 0; i < lp->rows; i++) {
        uint32_t which[LATE_MOST], many = 0;
        double times[LATE_MOST];
        for (uint32_t k = 0; k < lp->late; k++) {
            if (lp->late_rho[k * stride + i] != 0.0) {
                which[many] = k;
                times[many++] = lp->late_rho[k * stride + i];
            }
        }
        take_away(lp->inverse + i * stride, lp->late_alpha, stride, which, times, many, lp->rows);
    }
}

WIDE static void
settle_wide(spotopt__simplex *lp)
{
    settle(lp);
}

static void
settle_plain(spotopt__simplex *lp)
{
    settle(lp);
}

void
spotopt__simplex_settle(spotopt__simplex *lp)
{
    if (lp->late > 0)
        (HAS_WIDE() ? settle_wide : settle_plain)(lp);
    lp->late = 0;
}

void
spotopt__simplex_enter(spotopt__simplex *lp, uint32_t id)
{
    const variable *v = variable_of(lp, id);
    size_t stride = lp->row_room;

    if (id & LOGICAL) {
        memcpy(lp->alpha, lp->inverse + (id & ~LOGICAL) * stride, lp->rows * sizeof(double));
    } else {
        memset(lp->alpha, 0, lp->rows * sizeof(double));
        for (uint32_t e = 0; e < v->length; e++)
            add_times(lp->alpha, lp->inverse + lp->index[v->start + e] * stride,
                      lp->value[v->start + e], lp->rows);
    }
    for (uint32_t k = 0; k < lp->late; k++) {
        const double *rho = lp->late_rho + k * stride;
        double times = id & LOGICAL ? rho[id & ~LOGICAL] : spotopt__simplex_dot(lp, v, rho);
        if (times != 0.0)
            add_times(lp->alpha, lp->late_alpha + k * stride, -times, lp->rows);
    }
}

void
spotopt__simplex_row(spotopt__simplex *lp, uint32_t position)
{
    size_t stride = lp->row_room;

    for (uint32_t i = 0; i < lp->rows; i++)
        lp->rho[i] = lp->inverse[i * stride + position];
    for (uint32_t k = 0; k < lp->late; k++) {
        double times = lp->late_alpha[k * stride + position];
        if (times != 0.0)
            add_times(lp->rho, lp->late_rho + k * stride, -times, lp->rows);
    }
}

void
spotopt__simplex_replace(spotopt__simplex *lp, uint32_t position, uint32_t id)
{
    variable *v = variable_of(lp, id);
    double pivot = lp->alpha[position];
    double *alpha = lp->late_alpha + (size_t)lp->late * lp->row_room;
    double *rho = lp->late_rho + (size_t)lp->late * lp->row_room;

    for (uint32_t i = 0; i < lp->rows; i++)
        rho[i] = lp->rho[i] / pivot;
    memcpy(alpha, lp->alpha, lp->rows * sizeof *alpha);
    alpha[position] = pivot - 1.0; /* leaves rho itself there */
    if (++lp->late >= LATE_MOST || lp->late * 8 >= lp->rows)
        spotopt__simplex_settle(lp);
    lp->head[position] = id;
    v->position = position;
    v->at = BASIC;
    lp->updates++;
    lp->fresh = false;
}

/* Pivots the variable in at the free position with the largest entry; false: it depends on others.
 */
static bool
bring_in(spotopt__simplex *lp, uint32_t id)
{
    uint32_t best = UINT32_MAX;
    double largest = 1e-9;

    spotopt__simplex_enter(lp, id);
    for (uint32_t p = 0; p < lp->rows; p++) {
        bool is_free = lp->head[p] == (p | LOGICAL) && lp->own[p].at != BASIC;
        if (is_free && fabs(lp->alpha[p]) > largest) {
            largest = fabs(lp->alpha[p]);
            best = p;
        }
    }
    if (best == UINT32_MAX)
        return false;
    spotopt__simplex_row(lp, best);
    spotopt__simplex_replace(lp, best, id);
    return true;
}

void
spotopt__simplex_refactor(spotopt__simplex *lp)
{
    uint32_t rows = lp->rows, waiting = 0, done = 0;
    uint32_t *queue, *left = NULL;

    queue = spotopt__alloc_array(lp->context, (size_t)rows * 2 + 2, sizeof *queue);
    if (queue == NULL) {
        lp->nomem = true;
        return;
    }
    left = queue + rows + 1; /* by row: columns that wait and have an entry there */
    for (uint32_t p = 0; p < rows; p++) {
        if (!(lp->head[p] & LOGICAL))
            queue[waiting++] = lp->head[p];
    }
    lp->late = 0;
    for (uint32_t p = 0; p < rows; p++) { /* start from the rows' own variables */
        memset(lp->inverse + (size_t)p * lp->row_room, 0, rows * sizeof(double));
        lp->inverse[(size_t)p * lp->row_room + p] = 1.0;
        lp->head[p] = p | LOGICAL;
        lp->own[p].position = p;
    }
    for (uint32_t k = 0; k < waiting; k++) {
        const variable *v = &lp->column[queue[k]];
        for (uint32_t e = 0; e < v->length; e++)
            left[lp->index[v->start + e]]++;
    }
    /* Columns with an entry where nobody else has one never touch the others: last. The others by
     * length, short ones first. */
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t k = waiting - done; k-- > 0;) {
            const variable *v = &lp->column[queue[k]];
            bool alone = false;
            for (uint32_t e = 0; e < v->length && !alone; e++) {
                uint32_t row = lp->index[v->start + e];
                alone = left[row] == 1 && lp->own[row].at != BASIC;
            }
            if (!alone)
                continue;
            for (uint32_t e = 0; e < v->length; e++)
                left[lp->index[v->start + e]]--;
            uint32_t last = waiting - ++done, swap = queue[k];
            queue[k] = queue[last];
            queue[last] = swap;
            moved = true;
        }
    }
    for (uint32_t k = 1; k < waiting - done; k++) {
        uint32_t id = queue[k], j = k;
        for (; j > 0 && lp->column[queue[j - 1]].length > lp->column[id].length; j--)
            queue[j] = queue[j - 1];
        queue[j] = id;
    }
    for (uint32_t k = 0; k < waiting; k++) {
        if (!bring_in(lp, queue[k]))
            spotopt__simplex_rest(&lp->column[queue[k]]);
    }
    for (uint32_t p = 0; p < rows; p++) { /* places nobody took */
        if (lp->head[p] == (p | LOGICAL)) {
            lp->own[p].at = BASIC;
            lp->own[p].position = p;
        }
        lp->weight[p] = 1.0;
    }
    lp->updates = 0;
    lp->fresh = true;
    spotopt__free(lp->context, queue);
}

void
spotopt__simplex_recompute(spotopt__simplex *lp)
{
    uint32_t rows = lp->rows;
    double *right = lp->push;

    spotopt__simplex_settle(lp);
    memset(right, 0, rows * sizeof(double));
    for (uint32_t j = 0; j < lp->columns; j++) {
        const variable *v = &lp->column[j];
        double x = v->at == BASIC ? 0.0 : value_of(v);
        for (uint32_t e = 0; x != 0.0 && e < v->length; e++)
            right[lp->index[v->start + e]] -= lp->value[v->start + e] * x;
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (lp->own[i].at != BASIC)
            right[i] -= value_of(&lp->own[i]);
    }
    memset(lp->x, 0, rows * sizeof(double));
    for (uint32_t i = 0; i < rows; i++) {
        const double *from = lp->inverse + (size_t)i * lp->row_room;
        double times = right[i], sum = 0.0;
        if (times != 0.0) {
            for (uint32_t p = 0; p < rows; p++)
                lp->x[p] += times * from[p];
        }
        for (uint32_t p = 0; p < rows; p++)
            sum += from[p] * (lp->head[p] & LOGICAL ? 0.0 : lp->column[lp->head[p]].cost);
        lp->dual[i] = sum;
    }
    for (uint32_t j = 0; j < lp->columns; j++)
        lp->column[j].reduced =
            lp->column[j].cost - spotopt__simplex_dot(lp, &lp->column[j], lp->dual);
    for (uint32_t i = 0; i < rows; i++)
        lp->own[i].reduced = -lp->dual[i];
}
