/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simplex.c - rows and columns of the small simplex engine; simplex_basis.c has the inverse of the
 * basis, simplex_solve.c pivots.
 */
#include <math.h>
#include <string.h>

#include "pack/simplex_inner.h"

spotopt__simplex *
spotopt__simplex_new(spotopt_context *context)
{
    spotopt__simplex *lp = spotopt__alloc(context, sizeof *lp);

    if (lp != NULL)
        lp->context = context;
    return lp;
}

void
spotopt__simplex_free(spotopt__simplex *lp)
{
    if (lp == NULL)
        return;
    void *parts[] = {lp->column, lp->own,    lp->index,      lp->value,   lp->inverse,
                     lp->head,   lp->x,      lp->alpha,      lp->rho,     lp->dual,
                     lp->push,   lp->weight, lp->late_alpha, lp->late_rho};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        spotopt__free(lp->context, parts[i]);
    spotopt__free(lp->context, lp);
}

bool
spotopt__simplex_nomem(const spotopt__simplex *lp)
{
    return lp->nomem;
}

uint32_t
spotopt__simplex_rows(const spotopt__simplex *lp)
{
    return lp->rows;
}

uint32_t
spotopt__simplex_columns(const spotopt__simplex *lp)
{
    return lp->columns;
}

static bool
grow(spotopt__simplex *lp, void *field, size_t count, size_t size)
{
    void *old, *fresh;

    memcpy(&old, field, sizeof old);
    fresh = spotopt__resize_array(lp->context, old, count, size);
    if (fresh == NULL) {
        lp->nomem = true;
        return false;
    }
    memcpy(field, &fresh, sizeof fresh);
    return true;
}

static bool
grow_rows(spotopt__simplex *lp)
{
    uint32_t room = lp->row_room < 16 ? 32 : lp->row_room + lp->row_room / 2;
    double *inverse;

    if (!grow(lp, &lp->own, room, sizeof *lp->own) ||
        !grow(lp, &lp->head, room, sizeof *lp->head) || !grow(lp, &lp->x, room, sizeof(double)) ||
        !grow(lp, &lp->alpha, room, sizeof(double)) || !grow(lp, &lp->rho, room, sizeof(double)) ||
        !grow(lp, &lp->dual, room, sizeof(double)) || !grow(lp, &lp->push, room, sizeof(double)) ||
        !grow(lp, &lp->weight, room, sizeof(double)))
        return false;
    spotopt__simplex_settle(lp);
    if (!grow(lp, &lp->late_alpha, (size_t)room * LATE_MOST, sizeof(double)) ||
        !grow(lp, &lp->late_rho, (size_t)room * LATE_MOST, sizeof(double)))
        return false;
    inverse = spotopt__alloc_array(lp->context, (size_t)room * room, sizeof(double));
    if (inverse == NULL) {
        lp->nomem = true;
        return false;
    }
    for (uint32_t i = 0; i < lp->rows; i++)
        memcpy(inverse + (size_t)i * room, lp->inverse + (size_t)i * lp->row_room,
               lp->rows * sizeof(double));
    spotopt__free(lp->context, lp->inverse);
    lp->inverse = inverse;
    lp->row_room = room;
    return true;
}

static bool
grow_entries(spotopt__simplex *lp, size_t more)
{
    size_t room = lp->entries + more;

    if (room <= lp->entry_room)
        return true;
    room += room / 2 + 64;
    if (!grow(lp, &lp->index, room, sizeof *lp->index) ||
        !grow(lp, &lp->value, room, sizeof *lp->value))
        return false;
    lp->entry_room = room;
    return true;
}

void
spotopt__simplex_rest(variable *v)
{
    v->at = isfinite(v->low) && (!isfinite(v->high) || fabs(v->low) <= fabs(v->high)) ? AT_LOWER
            : isfinite(v->high)                                                       ? AT_UPPER
                                                                                      : AT_ZERO;
}

/* Entries of a new row go to the end of its columns: the pool is written anew, from the back. */
static bool
spread_entries(spotopt__simplex *lp, uint32_t row, uint32_t count, const uint32_t *column,
               const double *value)
{
    double *more;
    size_t end;

    if (count == 0)
        return true;
    more = spotopt__alloc_array(lp->context, lp->columns, sizeof *more);
    if (more == NULL || !grow_entries(lp, count)) {
        spotopt__free(lp->context, more);
        lp->nomem = true;
        return false;
    }
    for (uint32_t e = 0; e < count; e++)
        more[column[e]] += value[e];
    end = lp->entries + count;
    for (uint32_t j = lp->columns; j-- > 0;) {
        variable *v = &lp->column[j];
        bool has = more[j] != 0.0;
        size_t start = end - v->length - (has ? 1 : 0);
        memmove(lp->index + start, lp->index + v->start, v->length * sizeof *lp->index);
        memmove(lp->value + start, lp->value + v->start, v->length * sizeof *lp->value);
        if (has) {
            lp->index[start + v->length] = row;
            lp->value[start + v->length] = more[j];
            v->length++;
        }
        v->start = end = start;
    }
    lp->entries += count; /* those of columns named twice, or of value 0, are a gap in front */
    spotopt__free(lp->context, more);
    return true;
}

bool
spotopt__simplex_add_row(spotopt__simplex *lp, double lower, double upper, uint32_t count,
                         const uint32_t *column, const double *value)
{
    uint32_t row = lp->rows;
    double activity = 0.0;

    if (row == lp->row_room && !grow_rows(lp))
        return false;
    if (!spread_entries(lp, row, count, column, value))
        return false;
    spotopt__simplex_settle(lp);
    for (uint32_t i = 0; i <= row; i++) {
        lp->inverse[(size_t)i * lp->row_room + row] = 0.0;
        lp->inverse[(size_t)row * lp->row_room + i] = 0.0;
    }
    for (uint32_t e = 0; e < count; e++) {
        const variable *v = &lp->column[column[e]];
        if (v->at != BASIC) {
            activity += value[e] * value_of(v);
            continue;
        }
        activity += value[e] * lp->x[v->position];
        for (uint32_t i = 0; i < row; i++)
            lp->inverse[(size_t)i * lp->row_room + row] -=
                value[e] * lp->inverse[(size_t)i * lp->row_room + v->position];
    }
    lp->inverse[(size_t)row * lp->row_room + row] = 1.0;
    lp->own[row] = (variable){.lower = -upper,
                              .upper = -lower,
                              .low = -upper,
                              .high = -lower,
                              .weight = 1.0,
                              .position = row,
                              .at = BASIC};
    lp->head[row] = row | LOGICAL;
    lp->x[row] = -activity;
    lp->dual[row] = 0.0;
    lp->weight[row] = 1.0;
    lp->rows++;
    return true;
}

bool
spotopt__simplex_add_column(spotopt__simplex *lp, double cost, double lower, double upper,
                            uint32_t count, const uint32_t *row, const double *value)
{
    variable *v;

    if (lp->columns == lp->column_room) {
        uint32_t room = lp->column_room < 32 ? 64 : lp->column_room * 2;
        if (!grow(lp, &lp->column, room, sizeof *lp->column))
            return false;
        lp->column_room = room;
    }
    if (!grow_entries(lp, count))
        return false;
    v = &lp->column[lp->columns];
    *v = (variable){.cost = cost,
                    .lower = lower,
                    .upper = upper,
                    .low = lower,
                    .high = upper,
                    .weight = 1.0,
                    .start = lp->entries,
                    .length = count};
    if (count > 0) {
        memcpy(lp->index + lp->entries, row, count * sizeof *row);
        memcpy(lp->value + lp->entries, value, count * sizeof *value);
    }
    lp->entries += count;
    lp->columns++;
    spotopt__simplex_rest(v);
    v->reduced = cost - spotopt__simplex_dot(lp, v, lp->dual);
    return true;
}

static void
bound(variable *v, double lower, double upper)
{
    v->lower = v->low = lower;
    v->upper = v->high = upper;
    if (v->at != BASIC && !(v->at == AT_LOWER && isfinite(lower)) &&
        !(v->at == AT_UPPER && isfinite(upper)))
        spotopt__simplex_rest(v);
}

void
spotopt__simplex_set_row(spotopt__simplex *lp, uint32_t row, double lower, double upper)
{
    bound(&lp->own[row], -upper, -lower);
}

void
spotopt__simplex_set_column(spotopt__simplex *lp, uint32_t column, double lower, double upper)
{
    bound(&lp->column[column], lower, upper);
}

void
spotopt__simplex_set_cost(spotopt__simplex *lp, uint32_t column, double cost)
{
    lp->column[column].cost = cost;
}

/* Puts a row's own variable in place of a basic one. */
static void
drive_out(spotopt__simplex *lp, uint32_t position)
{
    variable *v = variable_of(lp, lp->head[position]);
    uint32_t best = UINT32_MAX;
    double largest = 0.0;

    spotopt__simplex_row(lp, position);
    for (uint32_t i = 0; i < lp->rows; i++) {
        if (lp->own[i].at != BASIC && fabs(lp->rho[i]) > largest) {
            largest = fabs(lp->rho[i]);
            best = i;
        }
    }
    if (best == UINT32_MAX)
        return; /* cannot be: the rows' own variables span everything */
    spotopt__simplex_enter(lp, best | LOGICAL);
    spotopt__simplex_replace(lp, position, best | LOGICAL);
    spotopt__simplex_rest(v);
}

void
spotopt__simplex_drop_columns(spotopt__simplex *lp, const unsigned char *gone)
{
    uint32_t kept = 0;
    size_t entries = 0;
    bool driven = false;

    for (uint32_t j = 0; j < lp->columns; j++) {
        variable *v = &lp->column[j];
        if (gone[j]) {
            if (v->at == BASIC) {
                drive_out(lp, v->position);
                driven = true;
            }
            driven = driven || value_of(v) != 0.0;
        }
    }
    for (uint32_t j = 0; j < lp->columns; j++) {
        variable *v = &lp->column[j];
        if (gone[j])
            continue;
        memmove(lp->index + entries, lp->index + v->start, v->length * sizeof *lp->index);
        memmove(lp->value + entries, lp->value + v->start, v->length * sizeof *lp->value);
        v->start = entries;
        entries += v->length;
        if (v->at == BASIC)
            lp->head[v->position] = kept;
        if (kept != j)
            lp->column[kept] = *v;
        kept++;
    }
    lp->columns = kept;
    lp->entries = entries;
    if (driven)
        spotopt__simplex_recompute(lp);
}

void
spotopt__simplex_drop_rows(spotopt__simplex *lp, const unsigned char *gone)
{
    uint32_t rows = lp->rows, kept = 0;

    for (uint32_t i = 0; i < rows; i++) { /* each takes a place with it: that of its own variable */
        variable *v = &lp->own[i];
        if (!gone[i] || v->at == BASIC)
            continue;
        uint32_t best = UINT32_MAX;
        double largest = 0.0;
        spotopt__simplex_enter(lp, i | LOGICAL);
        for (uint32_t p = 0; p < rows; p++) {
            bool keep = (lp->head[p] & LOGICAL) && gone[lp->head[p] & ~LOGICAL];
            if (!keep && fabs(lp->alpha[p]) > largest) {
                largest = fabs(lp->alpha[p]);
                best = p;
            }
        }
        if (best == UINT32_MAX)
            continue; /* cannot be */
        variable *out = variable_of(lp, lp->head[best]);
        spotopt__simplex_row(lp, best);
        spotopt__simplex_replace(lp, best, i | LOGICAL);
        spotopt__simplex_rest(out);
    }
    uint32_t *moved = spotopt__alloc_array(lp->context, rows + 1, sizeof *moved);
    if (moved == NULL) {
        lp->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < rows; i++)
        moved[i] = gone[i] ? UINT32_MAX : kept++;
    spotopt__simplex_settle(lp);
    uint32_t places = 0;
    unsigned char *out = spotopt__alloc_array(lp->context, rows + 1, 1);
    if (out == NULL) {
        spotopt__free(lp->context, moved);
        lp->nomem = true;
        return;
    }
    for (uint32_t p = 0; p < rows; p++)
        out[p] = (lp->head[p] & LOGICAL) && gone[lp->head[p] & ~LOGICAL];
    for (uint32_t i = 0; i < rows; i++) {
        if (gone[i])
            continue;
        const double *from = lp->inverse + (size_t)i * lp->row_room;
        double *to = lp->inverse + (size_t)moved[i] * lp->row_room;
        uint32_t at = 0;
        for (uint32_t p = 0; p < rows; p++) {
            if (!out[p])
                to[at++] = from[p];
        }
    }
    for (uint32_t p = 0; p < rows; p++) {
        if (out[p])
            continue;
        uint32_t id = lp->head[p];
        variable *v = variable_of(lp, id);
        v->position = places;
        lp->head[places] = id & LOGICAL ? moved[id & ~LOGICAL] | LOGICAL : id;
        lp->weight[places++] = lp->weight[p];
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (!gone[i] && moved[i] != i)
            lp->own[moved[i]] = lp->own[i];
    }
    for (uint32_t j = 0; j < lp->columns; j++) {
        variable *v = &lp->column[j];
        uint32_t length = 0;
        for (uint32_t e = 0; e < v->length; e++) {
            uint32_t to = moved[lp->index[v->start + e]];
            if (to != UINT32_MAX) {
                lp->index[v->start + length] = to;
                lp->value[v->start + length++] = lp->value[v->start + e];
            }
        }
        v->length = length;
    }
    lp->rows = kept;
    spotopt__free(lp->context, out);
    spotopt__free(lp->context, moved);
    spotopt__simplex_recompute(lp);
}

double
spotopt__simplex_objective(const spotopt__simplex *lp)
{
    double sum = 0.0;

    for (uint32_t j = 0; j < lp->columns; j++)
        sum += lp->column[j].cost * spotopt__simplex_x(lp, j);
    return sum;
}

double
spotopt__simplex_x(const spotopt__simplex *lp, uint32_t column)
{
    const variable *v = &lp->column[column];

    return v->at == BASIC ? lp->x[v->position] : value_of(v);
}

double
spotopt__simplex_activity(const spotopt__simplex *lp, uint32_t row)
{
    const variable *v = &lp->own[row];

    return -(v->at == BASIC ? lp->x[v->position] : value_of(v));
}

const double *
spotopt__simplex_duals(const spotopt__simplex *lp)
{
    return lp->dual;
}

bool
spotopt__simplex_is_basic(const spotopt__simplex *lp, uint32_t column)
{
    return lp->column[column].at == BASIC;
}

uint64_t
spotopt__simplex_pivots(const spotopt__simplex *lp)
{
    return lp->pivots;
}
