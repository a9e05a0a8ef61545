/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_master.c - the LP over patterns (Gilmore and Gomory 1961): its rows and columns.
 *
 * Covering rows by atom, a row by sort of bins, a row by cut. Each piece may also be bought
 * outright at a penalty, and bins may stay empty, so that the LP always has a solution.
 */
#include <stdlib.h>

#include "pack/tree_inner.h"

/* What a piece costs at most where many of its like fill a bin; in costs of the dearest sort. */
static double
outright(const spotopt__tree *tree, const spotopt__atom *atom)
{
    const spotopt__bare *bare = tree->bare;
    double best = INFINITY;

    for (uint32_t s = 0; s < bare->sorts; s++) {
        double fit = 1e9;
        for (uint32_t d = 0; d < bare->dims; d++) {
            double size = 0.0;
            for (uint32_t f = 0; f < atom->fills; f++) {
                const spotopt__fill *fill = &tree->atom_fill.at[atom->first + f];
                size += (double)bare->size[(size_t)fill->type * bare->dims + d] * fill->count;
            }
            if (size > 0.0)
                fit = fmin(fit, floor((double)bare->sort[s].capacity[d] / size));
        }
        if (fit >= 1.0)
            best = fmin(best, (double)bare->sort[s].cost / tree->scale / fit);
    }
    return isinf(best) ? 1.0 : 1.05 * best;
}

void
spotopt__column_types(const spotopt__tree *tree, const spotopt__column *column, uint32_t n,
                      uint32_t *by_type)
{
    for (uint32_t f = 0; f < column->fills; f++) {
        const spotopt__fill *fill = &tree->column_fill.at[column->first + f];
        const spotopt__atom *atom = &tree->atoms.at[fill->type];
        for (uint32_t g = 0; g < atom->fills; g++) {
            const spotopt__fill *piece = &tree->atom_fill.at[atom->first + g];
            by_type[piece->type] += n * fill->count * piece->count;
        }
    }
}

uint32_t
spotopt__cut_counts(const spotopt__tree *tree, const spotopt__cut *cut,
                    const spotopt__column *column)
{
    uint32_t held = 0;

    if (column->sort == SPOTOPT__NONE)
        return 0;
    for (uint32_t f = 0; f < column->fills; f++) {
        const spotopt__fill *fill = &tree->column_fill.at[column->first + f];
        const spotopt__atom *atom = &tree->atoms.at[fill->type];
        for (uint32_t g = 0; g < atom->fills; g++) {
            const spotopt__fill *piece = &tree->atom_fill.at[atom->first + g];
            for (int j = 0; j < 3; j++)
                held += cut->type[j] == piece->type ? fill->count * piece->count : 0;
        }
    }
    return held / 2;
}

/* The LP's own copy of a column. */
static bool
enter_column(spotopt__tree *tree, const spotopt__column *column)
{
    const bool outright_one = column->sort == SPOTOPT__NONE;
    const spotopt__fill *fill = &tree->column_fill.at[column->first];
    const size_t room = column->fills + 1 + tree->cuts.count;
    uint32_t count = 0;

    tree->row_list.count = tree->value_list.count = 0;
    if (!spotopt__vec_reserve(tree->context, &tree->row_list, room) ||
        !spotopt__vec_reserve(tree->context, &tree->value_list, room))
        goto nomem;
    for (uint32_t f = 0; f < column->fills; f++) {
        tree->row_list.at[count] = tree->atoms.at[fill[f].type].row;
        tree->value_list.at[count++] = fill[f].count;
    }
    if (!outright_one) {
        tree->row_list.at[count] = tree->sort_row[column->sort];
        tree->value_list.at[count++] = 1.0;
        for (uint32_t c = 0; c < tree->cuts.count; c++) {
            uint32_t counts = spotopt__cut_counts(tree, &tree->cuts.at[c], column);
            if (counts > 0) {
                tree->row_list.at[count] = tree->cut_row.at[c];
                tree->value_list.at[count++] = counts;
            }
        }
    }
    if (!spotopt__simplex_add_column(
            tree->lp,
            outright_one ? tree->penalty * outright(tree, &tree->atoms.at[fill[0].type])
                         : (double)tree->bare->sort[column->sort].cost / tree->scale,
            0.0, INFINITY, count, tree->row_list.at, tree->value_list.at))
        goto nomem;
    return true;
nomem:
    tree->nomem = true;
    return false;
}

bool
spotopt__master_add(spotopt__tree *tree, uint32_t sort, const spotopt__fill *atoms, uint32_t count)
{
    spotopt__column column = {sort, (uint32_t)tree->column_fill.count, count, true};

    if (!spotopt__vec_reserve(tree->context, &tree->column_fill, count) ||
        !spotopt__vec_push(tree->context, &tree->columns, column)) {
        tree->nomem = true;
        return false;
    }
    for (uint32_t f = 0; f < count; f++)
        tree->column_fill.at[tree->column_fill.count++] = atoms[f];
    tree->search->columns += sort != SPOTOPT__NONE;
    return enter_column(tree, &column);
}

bool
spotopt__master_add_cut(spotopt__tree *tree, const spotopt__cut *cut)
{
    const uint32_t row = spotopt__simplex_rows(tree->lp);

    tree->row_list.count = tree->value_list.count = 0;
    for (uint32_t c = 0; c < tree->columns.count; c++) {
        uint32_t counts = spotopt__cut_counts(tree, cut, &tree->columns.at[c]);
        if (counts > 0 && (!spotopt__vec_push(tree->context, &tree->row_list, c) ||
                           !spotopt__vec_push(tree->context, &tree->value_list, (double)counts)))
            goto nomem;
    }
    if (!spotopt__vec_push(tree->context, &tree->cuts, *cut) ||
        !spotopt__vec_push(tree->context, &tree->cut_row, row) ||
        !spotopt__simplex_add_row(tree->lp, -INFINITY, (double)cut->right,
                                  (uint32_t)tree->row_list.count, tree->row_list.at,
                                  tree->value_list.at))
        goto nomem;
    return true;
nomem:
    tree->nomem = true;
    return false;
}

bool
spotopt__master_init(spotopt__tree *tree)
{
    const spotopt__bare *bare = tree->bare;

    tree->lp = spotopt__simplex_new(tree->context);
    if (tree->lp == NULL)
        return false;
    tree->penalty = 1.0;
    for (uint32_t t = 0; t < bare->types; t++) {
        spotopt__atom atom = {SPOTOPT__NONE, SPOTOPT__NONE, t, 1, t, false};
        if (!spotopt__vec_push(tree->context, &tree->atoms, atom) ||
            !spotopt__vec_push(tree->context, &tree->atom_fill, (spotopt__fill){t, 1}) ||
            !spotopt__simplex_add_row(tree->lp, (double)bare->count[t], INFINITY, 0, NULL, NULL))
            return false;
    }
    for (uint32_t s = 0; s < bare->sorts; s++) {
        tree->sort_row[s] = bare->types + s;
        if (!spotopt__simplex_add_row(tree->lp, 0.0, INFINITY, 0, NULL, NULL))
            return false;
    }
    for (uint32_t t = 0; t < bare->types; t++) {
        if (!spotopt__master_add(tree, SPOTOPT__NONE, &(spotopt__fill){t, 1}, 1))
            return false;
    }
    /* Bins with nothing in them: where a node wants more of a sort than any content uses. */
    for (uint32_t s = 0; s < bare->sorts && bare->sorts > 1; s++) {
        if (!spotopt__master_add(tree, s, NULL, 0))
            return false;
    }
    return true;
}

/* Cuts that the LP's solution leaves slack go, once there are enough of them. */
static void
drop_cuts(spotopt__tree *tree)
{
    const uint32_t rows = spotopt__simplex_rows(tree->lp);
    unsigned char *gone;
    uint32_t *now, slack = 0, row = 0;
    size_t kept = 0;

    for (size_t c = 0; c < tree->cuts.count; c++)
        slack += (double)tree->cuts.at[c].right -
                     spotopt__simplex_activity(tree->lp, tree->cut_row.at[c]) >
                 1e-6;
    if (slack < 15 + tree->bare->types / 20)
        return;
    gone = spotopt__alloc_array(tree->context, rows, 1);
    now = spotopt__alloc_array(tree->context, rows, sizeof *now);
    if (gone == NULL || now == NULL || !spotopt__tree_row_room(tree, rows)) {
        tree->nomem = true;
        goto done;
    }
    for (size_t c = 0; c < tree->cuts.count; c++)
        gone[tree->cut_row.at[c]] = (double)tree->cuts.at[c].right -
                                        spotopt__simplex_activity(tree->lp, tree->cut_row.at[c]) >
                                    1e-6;
    for (uint32_t r = 0; r < rows; r++) {
        now[r] = row;
        tree->center[row] = tree->center[r];
        row += !gone[r];
    }
    for (uint32_t r = row; r < rows; r++)
        tree->center[r] = 0.0;
    spotopt__simplex_drop_rows(tree->lp, gone);
    tree->nomem = tree->nomem || spotopt__simplex_nomem(tree->lp);
    for (uint32_t a = 0; a < tree->atoms.count; a++)
        tree->atoms.at[a].row = now[tree->atoms.at[a].row];
    for (uint32_t s = 0; s < tree->bare->sorts; s++)
        tree->sort_row[s] = now[tree->sort_row[s]];
    for (size_t c = 0; c < tree->cuts.count; c++) {
        if (!gone[tree->cut_row.at[c]]) {
            tree->cut_row.at[kept] = now[tree->cut_row.at[c]];
            tree->cuts.at[kept++] = tree->cuts.at[c];
        }
    }
    tree->cuts.count = tree->cut_row.count = kept;
done:
    spotopt__free(tree->context, gone);
    spotopt__free(tree->context, now);
}

/* The same LP anew, from nothing: for when the engine gave up. */
bool
spotopt__master_rebuild(spotopt__tree *tree)
{
    const spotopt__bare *bare = tree->bare;
    spotopt__simplex *lp = spotopt__simplex_new(tree->context);
    uint32_t row = 0;

    if (lp == NULL) {
        tree->nomem = true;
        return false;
    }
    spotopt__simplex_free(tree->lp);
    tree->lp = lp;
    tree->has_center = false;
    tree->is_new = true;
    for (uint32_t a = 0; a < tree->atoms.count; a++) {
        tree->atoms.at[a].row = row++;
        tree->nomem = tree->nomem || !spotopt__simplex_add_row(lp, 0.0, INFINITY, 0, NULL, NULL);
    }
    for (uint32_t s = 0; s < bare->sorts; s++) {
        tree->sort_row[s] = row++;
        tree->nomem = tree->nomem || !spotopt__simplex_add_row(lp, 0.0, INFINITY, 0, NULL, NULL);
    }
    for (uint32_t c = 0; c < tree->cuts.count; c++) {
        tree->cut_row.at[c] = row++;
        tree->nomem =
            tree->nomem ||
            !spotopt__simplex_add_row(lp, -INFINITY, (double)tree->cuts.at[c].right, 0, NULL, NULL);
    }
    for (size_t c = 0; c < tree->columns.count && !tree->nomem; c++) {
        tree->columns.at[c].valid = true;
        (void)enter_column(tree, &tree->columns.at[c]);
    }
    return !tree->nomem;
}

double
spotopt__master_value(const spotopt__tree *tree)
{
    return spotopt__simplex_objective(tree->lp) * tree->scale;
}

void
spotopt__master_raise(spotopt__tree *tree)
{
    tree->penalty *= 4.0;
    for (uint32_t c = 0; c < tree->columns.count; c++) {
        const spotopt__column *column = &tree->columns.at[c];
        if (column->sort == SPOTOPT__NONE) {
            const spotopt__fill *fill = &tree->column_fill.at[column->first];
            spotopt__simplex_set_cost(tree->lp, c,
                                      tree->penalty * outright(tree, &tree->atoms.at[fill->type]));
        }
    }
}

static int
compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

void
spotopt__master_purge(spotopt__tree *tree)
{
    const size_t count = tree->columns.count;
    const double *dual;
    double *reduced, *sorted, limit;
    size_t rows;
    unsigned char *gone;
    size_t kept = 0, fills = 0;

    if (tree->is_new)
        return; /* nothing is known of its columns */
    drop_cuts(tree);
    rows = spotopt__simplex_rows(tree->lp);
    if (tree->nomem || count < 6 * rows + 400)
        return;
    dual = spotopt__simplex_duals(tree->lp);
    reduced = spotopt__alloc_array(tree->context, 2 * count, sizeof *reduced);
    gone = spotopt__alloc_array(tree->context, count, 1);
    if (reduced == NULL || gone == NULL) {
        tree->nomem = true;
        goto done;
    }
    sorted = reduced + count;
    for (size_t c = 0; c < count; c++) {
        const spotopt__column *column = &tree->columns.at[c];
        if (column->sort == SPOTOPT__NONE || column->fills == 0 ||
            spotopt__simplex_is_basic(tree->lp, (uint32_t)c)) {
            reduced[c] = -1.0;
        } else {
            reduced[c] = (double)tree->bare->sort[column->sort].cost / tree->scale -
                         dual[tree->sort_row[column->sort]];
            for (uint32_t f = 0; f < column->fills; f++) {
                const spotopt__fill *fill = &tree->column_fill.at[column->first + f];
                reduced[c] -= dual[tree->atoms.at[fill->type].row] * fill->count;
            }
        }
        sorted[c] = reduced[c];
    }
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    limit = fmax(sorted[3 * rows + 200], 1e-9);
    for (size_t c = 0; c < count; c++)
        gone[c] = reduced[c] > limit;
    spotopt__simplex_drop_columns(tree->lp, gone);
    for (size_t c = 0; c < count; c++) {
        spotopt__column column = tree->columns.at[c];
        if (gone[c])
            continue;
        memmove(tree->column_fill.at + fills, tree->column_fill.at + column.first,
                column.fills * sizeof(spotopt__fill));
        column.first = (uint32_t)fills;
        fills += column.fills;
        tree->columns.at[kept++] = column;
    }
    tree->columns.count = kept;
    tree->column_fill.count = fills;
done:
    spotopt__free(tree->context, reduced);
    spotopt__free(tree->context, gone);
}
