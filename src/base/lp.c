/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lp.c - the border of linear programs: every number is checked and every workspace taken here, on
 * the caller's thread and from the caller's memory, before lp_engine.c hands a request to the
 * engine.
 *
 * Single changes of bounds and costs wait in a list and travel with the next request, so that they
 * cost no change of threads. Rows are checked for standing twice in a column by stamps, in time
 * linear in the entries.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/lp_engine.h"

enum { MOST_LINES = 100000000, MOST_ENTRIES = 500000000 };

static spotopt_status
check_alive(const spotopt__lp *lp, spotopt_error *err)
{
    if (lp->owner != getpid())
        return spotopt__fail(err, SPOTOPT_E_STATE,
                             "the LP was made before fork(); want one of this process");
    if (lp->is_dead)
        return spotopt__fail(err, SPOTOPT_E_INTERNAL,
                             "the LP engine failed earlier; want a new LP");
    return SPOTOPT_OK;
}

static spotopt_status
carry(spotopt__lp *lp, lp_request *request, spotopt_error *err)
{
    const double start_s = spotopt__clock(lp->context);

    spotopt__lp_engine_do(lp, request);
    request->answer.seconds = spotopt__clock(lp->context) - start_s;
    if (request->status == SPOTOPT_E_NOMEM)
        return spotopt__nomem(err, "the LP engine");
    if (request->status == SPOTOPT_E_INTERNAL)
        return spotopt__fail(err, SPOTOPT_E_INTERNAL, "the LP engine failed: %s",
                             lp->complaint[0] == '\0' ? "it gave no reason" : lp->complaint);
    return request->status;
}

static void
free_memory(spotopt__lp *lp)
{
    spotopt_context *context = lp->context;

    spotopt__vec_free(context, &lp->changes);
    spotopt__free(context, lp->mark);
    spotopt__free(context, lp->ind);
    spotopt__free(context, lp->val);
    spotopt__free(context, lp);
    spotopt__context_drop(context);
}

spotopt_status
spotopt__lp_new(spotopt_context *context, spotopt__lp **out, spotopt_error *err)
{
    lp_request request = {.order = LP_OPEN};
    spotopt_status status;
    spotopt__lp *lp;

    if (!spotopt__lp_engine_is_private())
        return spotopt__fail(err, SPOTOPT_E_STATE,
                             "this GLPK keeps one state for all threads; want one "
                             "built with thread-local storage");
    lp = spotopt__alloc(context, sizeof *lp);
    if (lp == NULL)
        return spotopt__nomem(err, "an LP");
    lp->context = spotopt__context_hold(context);
    lp->owner = getpid();
    if (!spotopt__lp_engine_start(lp)) {
        free_memory(lp);
        return spotopt__nomem(err, "the LP engine's thread");
    }
    status = carry(lp, &request, err);
    if (status < 0) {
        spotopt__lp_free(lp);
        return status;
    }
    *out = lp;
    return SPOTOPT_OK;
}

void
spotopt__lp_free(spotopt__lp *lp)
{
    if (lp == NULL)
        return;
    if (lp->owner ==
        getpid()) /* else the thread stayed behind in the parent, and only memory is ours */
        spotopt__lp_engine_stop(lp);
    free_memory(lp);
}

size_t
spotopt__lp_rows(const spotopt__lp *lp)
{
    return lp->rows;
}

size_t
spotopt__lp_columns(const spotopt__lp *lp)
{
    return lp->columns;
}

static spotopt_status
check_bounds(const char *what, size_t index, double lower, double upper, spotopt_error *err)
{
    if (!(lower <= upper) || lower == INFINITY || upper == -INFINITY) /* NaN comes here as well */
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "the bounds of %s %zu are crossed or not numbers", what, index);
    return SPOTOPT_OK;
}

static spotopt_status
check_cost(size_t column, double cost, spotopt_error *err)
{
    if (!isfinite(cost))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "the cost of column %zu is not finite",
                             column);
    return SPOTOPT_OK;
}

/* Larger workspaces, or the old ones when there is no memory. */
static bool
make_room_for_rows(spotopt__lp *lp, size_t rows)
{
    uint32_t *mark = spotopt__resize_array(lp->context, lp->mark, rows, sizeof *mark);
    double *val;
    int *ind;

    if (mark == NULL)
        return false;
    memset(mark + lp->rows, 0, (rows - lp->rows) * sizeof *mark);
    lp->mark = mark;
    ind = spotopt__resize_array(lp->context, lp->ind, rows + 1, sizeof *ind);
    if (ind == NULL)
        return false;
    lp->ind = ind;
    val = spotopt__resize_array(lp->context, lp->val, rows + 1, sizeof *val);
    if (val == NULL)
        return false;
    lp->val = val;
    return true;
}

spotopt_status
spotopt__lp_add_rows(spotopt__lp *lp, size_t count, const double *lower, const double *upper,
                     spotopt_error *err)
{
    lp_request request = {.order = LP_ADD_ROWS, .count = count, .lower = lower, .upper = upper};
    spotopt_status status = check_alive(lp, err);

    if (status < 0 || count == 0)
        return status;
    if (count > MOST_LINES - lp->rows)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%zu more rows; want at most %d in all",
                             count, (int)MOST_LINES);
    for (size_t i = 0; i < count; i++) {
        status = check_bounds("row", lp->rows + i, lower[i], upper[i], err);
        if (status < 0)
            return status;
    }
    if (!make_room_for_rows(lp, lp->rows + count))
        return spotopt__nomem(err, "an LP's rows");
    status = carry(lp, &request, err);
    if (status == SPOTOPT_OK)
        lp->rows += count;
    return status;
}

/* The entries of one new column: rows in range and no row twice. */
static spotopt_status
check_entries(spotopt__lp *lp, size_t column, const uint32_t *row, const double *value,
              size_t count, spotopt_error *err)
{
    if (++lp->stamp == 0) { /* after 2^32 columns */
        memset(lp->mark, 0, lp->rows * sizeof *lp->mark);
        lp->stamp = 1;
    }
    for (size_t k = 0; k < count; k++) {
        if (row[k] >= lp->rows)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "column %zu has row %u; want less than %zu", column,
                                 (unsigned)row[k], lp->rows);
        if (lp->mark[row[k]] == lp->stamp)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "column %zu has row %u twice; want it once", column,
                                 (unsigned)row[k]);
        if (!isfinite(value[k]))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "column %zu, row %u is not finite",
                                 column, (unsigned)row[k]);
        lp->mark[row[k]] = lp->stamp;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__lp_add_columns(spotopt__lp *lp, size_t count, const double *cost, const double *lower,
                        const double *upper, const size_t *start, const uint32_t *row,
                        const double *value, spotopt_error *err)
{
    lp_request request = {.order = LP_ADD_COLUMNS,
                          .count = count,
                          .cost = cost,
                          .lower = lower,
                          .upper = upper,
                          .start = start,
                          .row = row,
                          .value = value};
    spotopt_status status = check_alive(lp, err);

    if (status < 0 || count == 0)
        return status;
    if (count > MOST_LINES - lp->columns)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%zu more columns; want at most %d in all",
                             count, (int)MOST_LINES);
    for (size_t j = 0; j < count && status == SPOTOPT_OK; j++) {
        if (start[j] > start[j + 1] || start[j + 1] - start[0] > MOST_ENTRIES - lp->entries)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "column %zu ends at entry %zu, having begun at %zu",
                                 lp->columns + j, start[j + 1], start[j]);
        status = check_cost(lp->columns + j, cost[j], err);
        if (status == SPOTOPT_OK)
            status = check_bounds("column", lp->columns + j, lower[j], upper[j], err);
        if (status == SPOTOPT_OK && start[j + 1] > start[j])
            status = check_entries(lp, lp->columns + j, row + start[j], value + start[j],
                                   start[j + 1] - start[j], err);
    }
    if (status < 0)
        return status;
    status = carry(lp, &request, err);
    if (status == SPOTOPT_OK) {
        lp->columns += count;
        lp->entries += start[count] - start[0];
    }
    return status;
}

static spotopt_status
put_off(spotopt__lp *lp, lp_change change, spotopt_error *err)
{
    if (!spotopt__vec_push(lp->context, &lp->changes, change))
        return spotopt__nomem(err, "a change of an LP");
    return SPOTOPT_OK;
}

spotopt_status
spotopt__lp_set_row_bounds(spotopt__lp *lp, size_t row, double lower, double upper,
                           spotopt_error *err)
{
    spotopt_status status = check_alive(lp, err);

    if (status == SPOTOPT_OK && row >= lp->rows)
        status =
            spotopt__fail(err, SPOTOPT_E_ARGUMENT, "row is %zu; want less than %zu", row, lp->rows);
    if (status == SPOTOPT_OK)
        status = check_bounds("row", row, lower, upper, err);
    return status < 0 ? status
                      : put_off(lp, (lp_change){LP_ROW_BOUNDS, (int)row + 1, lower, upper}, err);
}

spotopt_status
spotopt__lp_set_column_bounds(spotopt__lp *lp, size_t column, double lower, double upper,
                              spotopt_error *err)
{
    spotopt_status status = check_alive(lp, err);

    if (status == SPOTOPT_OK && column >= lp->columns)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "column is %zu; want less than %zu", column,
                               lp->columns);
    if (status == SPOTOPT_OK)
        status = check_bounds("column", column, lower, upper, err);
    return status < 0
               ? status
               : put_off(lp, (lp_change){LP_COLUMN_BOUNDS, (int)column + 1, lower, upper}, err);
}

spotopt_status
spotopt__lp_set_cost(spotopt__lp *lp, size_t column, double cost, spotopt_error *err)
{
    spotopt_status status = check_alive(lp, err);

    if (status == SPOTOPT_OK && column >= lp->columns)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "column is %zu; want less than %zu", column,
                               lp->columns);
    if (status == SPOTOPT_OK)
        status = check_cost(column, cost, err);
    return status < 0 ? status : put_off(lp, (lp_change){LP_COST, (int)column + 1, cost, 0.0}, err);
}

spotopt_status
spotopt__lp_delete_columns(spotopt__lp *lp, size_t count, const uint32_t *columns,
                           spotopt_error *err)
{
    lp_request request = {.order = LP_DELETE_COLUMNS, .count = count};
    spotopt_status status = check_alive(lp, err);
    unsigned char *seen = NULL;

    if (status < 0 || count == 0)
        return status;
    seen = spotopt__alloc_array(lp->context, lp->columns, 1);
    request.list = count > lp->columns
                       ? NULL
                       : spotopt__alloc_array(lp->context, count + 1, sizeof *request.list);
    if (seen == NULL || (request.list == NULL && count <= lp->columns))
        status = spotopt__nomem(err, "a list of columns");
    else if (count > lp->columns)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%zu columns to delete; there are %zu",
                               count, lp->columns);
    for (size_t k = 0; k < count && status == SPOTOPT_OK; k++) {
        if (columns[k] >= lp->columns || seen[columns[k]])
            status = spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                   "columns[%zu] is %u; want less than %zu and each once", k,
                                   (unsigned)columns[k], lp->columns);
        else {
            seen[columns[k]] = 1;
            request.list[k + 1] = (int)columns[k] + 1;
        }
    }
    if (status == SPOTOPT_OK)
        status = carry(lp, &request, err);
    if (status == SPOTOPT_OK)
        lp->columns -= count;
    spotopt__free(lp->context, request.list);
    spotopt__free(lp->context, seen);
    return status;
}

spotopt_status
spotopt__lp_solve(spotopt__lp *lp, double limit_s, double *x, double *dual,
                  spotopt__lp_answer *answer, spotopt_error *err)
{
    lp_request request = {.order = LP_SOLVE, .limit_s = limit_s, .x = x, .dual = dual};
    spotopt_status status = check_alive(lp, err);

    if (status < 0)
        return status;
    if (isnan(limit_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "limit_s is not a number");
    status = carry(lp, &request, err);
    if (status == SPOTOPT_OK)
        *answer = request.answer;
    return status;
}

void
spotopt__lp_set_steps(spotopt__lp *lp, uint64_t steps)
{
    lp->steps_most = steps;
}

spotopt_status
spotopt__lp_solve_integer(spotopt__lp *lp, const unsigned char *is_integer, double gap_rel,
                          double limit_s, double *x, spotopt__lp_answer *answer, spotopt_error *err)
{
    lp_request request = {.order = LP_SOLVE_INTEGER,
                          .is_integer = is_integer,
                          .gap_rel = gap_rel,
                          .limit_s = limit_s,
                          .x = x};
    spotopt_status status = check_alive(lp, err);

    if (status < 0)
        return status;
    if (isnan(limit_s) || !(gap_rel >= 0.0 && gap_rel < INFINITY))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "limit_s or gap_rel is out of range; want numbers >= 0");
    request.trial =
        spotopt__alloc_array(lp->context, lp->columns + lp->rows + 2, sizeof *request.trial);
    if (request.trial == NULL)
        return spotopt__nomem(err, "an integer program");
    status = carry(lp, &request, err);
    spotopt__free(lp->context, request.trial);
    if (status == SPOTOPT_E_ARGUMENT)
        return spotopt__fail(err, status, "column %zu is integer; want whole numbers as its bounds",
                             request.odd_column);
    if (status == SPOTOPT_OK)
        *answer = request.answer;
    return status;
}
