/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lp.c - linear and small integer programs on GLPK, kept away from the host.
 *
 * GLPK holds its state per thread and answers a fault with abort(). So each problem lives on a
 * thread of its own that carries out one request at a time: its terminal is a deaf hook, a fault
 * jumps back to the request, which ends the engine for this problem, and glp_free_env() takes all
 * of its memory with it. Signals are blocked there and the floating-point mode is the default one.
 * The caller checks every number and takes every workspace before the engine sees a request; single
 * changes of bounds and costs wait in a list and travel with the next one.
 *
 * Invariant: `request` belongs to the caller while it is NULL and to the thread until it is NULL
 * again.
 */
#include <fenv.h>
#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/lp.h"
#include "base/vec.h"

enum { MOST_LINES = 100000000, MOST_ENTRIES = 500000000, STACK_BYTES = 4 << 20 };

typedef enum order {
    OPEN,
    ADD_ROWS,
    ADD_COLUMNS,
    DELETE_COLUMNS,
    SOLVE,
    SOLVE_INTEGER,
    QUIT
} order;

typedef struct lp_request {
    order order;
    size_t count;
    const double *cost, *lower, *upper; /* of added lines */
    const size_t *start;
    const uint32_t *row;
    const double *value;
    int *list; /* 1-based columns to delete, with an unused head */
    const unsigned char *is_integer;
    double gap_rel, limit_s;
    double *x, *dual;
    spotopt__lp_answer answer;
    size_t odd_column; /* integer, but its bounds are not */
    spotopt_status status;
} lp_request;

/* A change that waits for the next request. */
typedef struct lp_change {
    enum { ROW_BOUNDS, COLUMN_BOUNDS, COST } what;
    int line; /* 1-based */
    double a, b;
} lp_change;

struct spotopt__lp {
    spotopt_context *context;
    size_t rows, columns, entries;
    spotopt__vec(lp_change) changes;
    uint32_t *mark; /* per row: the last column that had it, by stamp */
    uint32_t stamp;
    int *ind; /* one column's entries as GLPK wants them, rows + 1 long */
    double *val;

    pid_t owner; /* the process that has the thread */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    lp_request *request; /* under lock */

    /* the thread's own */
    glp_prob *prob;
    jmp_buf fault;
    bool is_dead;        /* the engine failed; read by the caller between requests only */
    bool wants_dual;     /* bounds or rows changed since the last solve */
    char complaint[160]; /* the engine's last words */
    double stop_at_s, best_bound;
};

/* ---- on the thread
 * -------------------------------------------------------------------------------- */

static double
monotonic_s(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A fault turns the terminal on to say why: keep the words, print nothing. */
static int
keep_words(void *user, const char *text)
{
    spotopt__lp *lp = user;
    const size_t used = strlen(lp->complaint), room = sizeof lp->complaint - 1 - used;

    strncat(lp->complaint, text, room);
    return 1;
}

static void
jump_out(void *user)
{
    longjmp(((spotopt__lp *)user)->fault, 1);
}

static int
bounds_kind(double lower, double upper)
{
    if (lower == upper)
        return GLP_FX;
    if (lower == -INFINITY)
        return upper == INFINITY ? GLP_FR : GLP_UP;
    return upper == INFINITY ? GLP_LO : GLP_DB;
}

static spotopt_status
open_engine(spotopt__lp *lp)
{
    if (glp_init_env() > 1)
        return SPOTOPT_E_NOMEM;
    glp_term_hook(keep_words, lp);
    glp_error_hook(jump_out, lp);
    (void)glp_term_out(GLP_OFF);
    lp->prob = glp_create_prob();
    glp_set_obj_dir(lp->prob, GLP_MIN);
    return SPOTOPT_OK;
}

static void
apply_changes(spotopt__lp *lp)
{
    for (size_t i = 0; i < lp->changes.count; i++) {
        const lp_change *change = &lp->changes.at[i];

        if (change->what == ROW_BOUNDS)
            glp_set_row_bnds(lp->prob, change->line, bounds_kind(change->a, change->b), change->a,
                             change->b);
        else if (change->what == COLUMN_BOUNDS)
            glp_set_col_bnds(lp->prob, change->line, bounds_kind(change->a, change->b), change->a,
                             change->b);
        else
            glp_set_obj_coef(lp->prob, change->line, change->a);
        lp->wants_dual = lp->wants_dual || change->what != COST;
    }
    lp->changes.count = 0;
}

static void
add_rows(spotopt__lp *lp, const lp_request *request)
{
    const int first = glp_add_rows(lp->prob, (int)request->count);

    for (size_t i = 0; i < request->count; i++)
        glp_set_row_bnds(lp->prob, first + (int)i,
                         bounds_kind(request->lower[i], request->upper[i]), request->lower[i],
                         request->upper[i]);
    lp->wants_dual = true;
}

static void
add_columns(spotopt__lp *lp, const lp_request *request)
{
    const int first = glp_add_cols(lp->prob, (int)request->count);

    for (size_t j = 0; j < request->count; j++) {
        const size_t start = request->start[j], count = request->start[j + 1] - start;
        const int column = first + (int)j;

        for (size_t k = 0; k < count; k++) {
            lp->ind[k + 1] = (int)request->row[start + k] + 1;
            lp->val[k + 1] = request->value[start + k];
        }
        glp_set_mat_col(lp->prob, column, (int)count, lp->ind, lp->val);
        glp_set_col_bnds(lp->prob, column, bounds_kind(request->lower[j], request->upper[j]),
                         request->lower[j], request->upper[j]);
        glp_set_obj_coef(lp->prob, column, request->cost[j]);
    }
}

/* Milliseconds left, as GLPK counts them. */
static int
time_limit(const spotopt__lp *lp)
{
    const double left_ms = 1000.0 * (lp->stop_at_s - monotonic_s());

    return left_ms >= INT_MAX ? INT_MAX : left_ms > 1.0 ? (int)left_ms : 1;
}

/* True when the engine's answer can stand; false when it should be asked again in another way. */
static bool
read_state(spotopt__lp *lp, int code, spotopt__lp_answer *answer)
{
    const int primal = glp_get_prim_stat(lp->prob), dual = glp_get_dual_stat(lp->prob);

    answer->bound = -INFINITY;
    if (code == GLP_ETMLIM)
        answer->state = primal == GLP_FEAS ? SPOTOPT__LP_FEASIBLE : SPOTOPT__LP_LIMIT;
    else if (code != 0)
        return false;
    else if (primal == GLP_FEAS && dual == GLP_FEAS)
        answer->state = SPOTOPT__LP_OPTIMAL;
    else if (primal == GLP_NOFEAS)
        answer->state = SPOTOPT__LP_INFEASIBLE;
    else if (primal == GLP_FEAS && dual == GLP_NOFEAS)
        answer->state = SPOTOPT__LP_UNBOUNDED;
    else
        return false;
    if (answer->state == SPOTOPT__LP_OPTIMAL || answer->state == SPOTOPT__LP_FEASIBLE)
        answer->objective = glp_get_obj_val(lp->prob);
    if (answer->state == SPOTOPT__LP_OPTIMAL)
        answer->bound = answer->objective;
    return true;
}

/*
 * Warm from the last basis: dual simplex after changes that leave it dual feasible, primal
 * otherwise. If that gives trouble, scale and start afresh, once with each method.
 */
static spotopt_status
run_simplex(spotopt__lp *lp, spotopt__lp_answer *answer)
{
    glp_smcp control;

    glp_init_smcp(&control);
    control.msg_lev = GLP_MSG_OFF;
    for (int attempt = 0; attempt < 3; attempt++) {
        if (attempt > 0) {
            glp_scale_prob(lp->prob, GLP_SF_AUTO);
            if (attempt == 1)
                glp_adv_basis(lp->prob, 0);
            else
                glp_std_basis(lp->prob);
        }
        control.meth = attempt == 2 || (attempt == 0 && lp->wants_dual) ? GLP_DUALP : GLP_PRIMAL;
        control.tm_lim = time_limit(lp);
        if (read_state(lp, glp_simplex(lp->prob, &control), answer)) {
            lp->wants_dual = false;
            return SPOTOPT_OK;
        }
    }
    strcpy(lp->complaint, "the simplex method broke down three times");
    return SPOTOPT_E_INTERNAL;
}

static void
solve(spotopt__lp *lp, lp_request *request)
{
    request->status = run_simplex(lp, &request->answer);
    if (request->status < 0 || (request->answer.state != SPOTOPT__LP_OPTIMAL &&
                                request->answer.state != SPOTOPT__LP_FEASIBLE))
        return;
    for (size_t j = 0; request->x != NULL && j < lp->columns; j++)
        request->x[j] = glp_get_col_prim(lp->prob, (int)j + 1);
    for (size_t i = 0; request->dual != NULL && i < lp->rows; i++)
        request->dual[i] = glp_get_row_dual(lp->prob, (int)i + 1);
}

/* At every step of branch and cut: what is proven by now, and is there time left. */
static void
watch_tree(glp_tree *tree, void *user)
{
    spotopt__lp *lp = user;
    const int best = glp_ios_best_node(tree);

    if (best != 0) {
        const double bound = glp_ios_node_bound(tree, best);

        if (bound > lp->best_bound)
            lp->best_bound = bound;
    }
    if (monotonic_s() >= lp->stop_at_s)
        glp_ios_terminate(tree);
}

/* False when an integer column has a bound that is none. */
static bool
set_kinds(spotopt__lp *lp, lp_request *request)
{
    for (size_t j = 0; j < lp->columns; j++) {
        const int column = (int)j + 1, type = glp_get_col_type(lp->prob, column);
        const double lower = glp_get_col_lb(lp->prob, column),
                     upper = glp_get_col_ub(lp->prob, column);

        glp_set_col_kind(lp->prob, column, request->is_integer[j] ? GLP_IV : GLP_CV);
        if (request->is_integer[j] &&
            (((type == GLP_LO || type == GLP_DB || type == GLP_FX) && lower != floor(lower)) ||
             ((type == GLP_UP || type == GLP_DB || type == GLP_FX) && upper != floor(upper)))) {
            request->odd_column = j;
            return false;
        }
    }
    return true;
}

static void
solve_integer(spotopt__lp *lp, lp_request *request)
{
    spotopt__lp_answer *answer = &request->answer;
    glp_iocp control;
    int code, state;

    if (!set_kinds(lp, request)) {
        request->status = SPOTOPT_E_ARGUMENT;
        return;
    }
    request->status = run_simplex(lp, answer);
    if (request->status < 0 || answer->state != SPOTOPT__LP_OPTIMAL) {
        if (request->status == SPOTOPT_OK && answer->state == SPOTOPT__LP_FEASIBLE)
            answer->state = SPOTOPT__LP_LIMIT; /* of the relaxation alone */
        return;
    }
    glp_init_iocp(&control);
    control.msg_lev = GLP_MSG_OFF;
    control.mip_gap = request->gap_rel;
    control.tm_lim = time_limit(lp);
    control.cb_func = watch_tree;
    control.cb_info = lp;
    lp->best_bound = answer->objective;
    code = glp_intopt(lp->prob, &control);
    state = glp_mip_status(lp->prob);

    answer->bound = lp->best_bound;
    if (code != 0 && code != GLP_EMIPGAP && code != GLP_ETMLIM && code != GLP_ESTOP) {
        strcpy(lp->complaint, "branch and cut broke down");
        request->status = SPOTOPT_E_INTERNAL;
    } else if (state == GLP_OPT || state == GLP_FEAS) {
        answer->objective = glp_mip_obj_val(lp->prob);
        if (state == GLP_OPT || answer->bound > answer->objective)
            answer->bound = answer->objective;
        answer->state =
            state == GLP_OPT || code == GLP_EMIPGAP ? SPOTOPT__LP_OPTIMAL : SPOTOPT__LP_FEASIBLE;
        for (size_t j = 0; request->x != NULL && j < lp->columns; j++)
            request->x[j] = glp_mip_col_val(lp->prob, (int)j + 1);
    } else if (code == 0)
        answer->state = SPOTOPT__LP_INFEASIBLE;
    else
        answer->state = SPOTOPT__LP_LIMIT;
}

/* Carries out one request; a fault comes back here. Not inlined: setjmp() would cost the loop its
 * registers. */
__attribute__((noinline)) static void
carry_out(spotopt__lp *lp, lp_request *request)
{
    lp->complaint[0] = '\0';
    if (setjmp(lp->fault) != 0) {
        lp->is_dead = true;
        lp->prob = NULL;
        request->status =
            strstr(lp->complaint, "memory") != NULL ? SPOTOPT_E_NOMEM : SPOTOPT_E_INTERNAL;
        (void)glp_free_env();
        return;
    }
    lp->stop_at_s = monotonic_s() + request->limit_s;
    if (lp->prob != NULL)
        apply_changes(lp);
    switch (request->order) {
    case OPEN:
        request->status = open_engine(lp);
        break;
    case ADD_ROWS:
        add_rows(lp, request);
        break;
    case ADD_COLUMNS:
        add_columns(lp, request);
        break;
    case DELETE_COLUMNS:
        glp_del_cols(lp->prob, (int)request->count, request->list);
        break;
    case SOLVE:
        solve(lp, request);
        break;
    case SOLVE_INTEGER:
        solve_integer(lp, request);
        break;
    default:
        break;
    }
}

static void
end_engine(void *unused)
{
    (void)unused;
    (void)glp_free_env(); /* the problem goes with it; harmless when there is none */
}

/* Until told to quit. Not inlined, for pthread_cleanup_push() is a setjmp() as well. */
__attribute__((noinline)) static void
serve(spotopt__lp *lp)
{
    bool quits = false;

    (void)pthread_mutex_lock(&lp->lock);
    while (!quits) {
        lp_request *request;

        while (lp->request == NULL)
            (void)pthread_cond_wait(&lp->wake, &lp->lock);
        request = lp->request;
        quits = request->order == QUIT;
        if (!quits) {
            (void)pthread_mutex_unlock(&lp->lock);
            carry_out(lp, request);
            (void)pthread_mutex_lock(&lp->lock);
        }
        lp->request = NULL;
        (void)pthread_cond_signal(&lp->done);
    }
    (void)pthread_mutex_unlock(&lp->lock);
}

static void *
run_thread(void *user)
{
    (void)fesetenv(FE_DFL_ENV);
    pthread_cleanup_push(end_engine, NULL);
    serve(user);
    pthread_cleanup_pop(1);
    return NULL;
}

/* ---- on the caller's side
 * ------------------------------------------------------------------------- */

static void
hand_over(spotopt__lp *lp, lp_request *request)
{
    (void)pthread_mutex_lock(&lp->lock);
    lp->request = request;
    (void)pthread_cond_signal(&lp->wake);
    while (lp->request != NULL)
        (void)pthread_cond_wait(&lp->done, &lp->lock);
    (void)pthread_mutex_unlock(&lp->lock);
}

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

    hand_over(lp, request);
    request->answer.seconds = spotopt__clock(lp->context) - start_s;
    if (request->status == SPOTOPT_E_NOMEM)
        return spotopt__nomem(err, "the LP engine");
    if (request->status == SPOTOPT_E_INTERNAL)
        return spotopt__fail(err, SPOTOPT_E_INTERNAL, "the LP engine failed: %s",
                             lp->complaint[0] == '\0' ? "it gave no reason" : lp->complaint);
    return request->status;
}

/* Starts the thread with every signal blocked. */
static bool
start_thread(spotopt__lp *lp)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    bool started = false;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
        pthread_sigmask(SIG_SETMASK, &all, &before) == 0) {
        started = pthread_create(&lp->thread, &attributes, run_thread, lp) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    (void)pthread_attr_destroy(&attributes);
    return started;
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

static void
free_locks(spotopt__lp *lp)
{
    (void)pthread_cond_destroy(&lp->done);
    (void)pthread_cond_destroy(&lp->wake);
    (void)pthread_mutex_destroy(&lp->lock);
}

spotopt_status
spotopt__lp_new(spotopt_context *context, spotopt__lp **out, spotopt_error *err)
{
    lp_request request = {.order = OPEN};
    spotopt_status status;
    spotopt__lp *lp;

    if (glp_config("TLS") == NULL)
        return spotopt__fail(err, SPOTOPT_E_STATE,
                             "this GLPK keeps one state for all threads; want one "
                             "built with thread-local storage");
    lp = spotopt__alloc(context, sizeof *lp);
    if (lp == NULL)
        return spotopt__nomem(err, "an LP");
    lp->context = spotopt__context_hold(context);
    lp->owner = getpid();
    (void)pthread_mutex_init(&lp->lock, NULL); /* cannot fail with default attributes on Linux */
    (void)pthread_cond_init(&lp->wake, NULL);
    (void)pthread_cond_init(&lp->done, NULL);
    if (!start_thread(lp)) {
        free_locks(lp);
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
    lp_request request = {.order = QUIT};

    if (lp == NULL)
        return;
    if (lp->owner == getpid()) { /* else the thread stayed behind in the parent */
        hand_over(lp, &request);
        (void)pthread_join(lp->thread, NULL);
        free_locks(lp);
    }
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
    lp_request request = {.order = ADD_ROWS, .count = count, .lower = lower, .upper = upper};
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
    lp_request request = {.order = ADD_COLUMNS,
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
                      : put_off(lp, (lp_change){ROW_BOUNDS, (int)row + 1, lower, upper}, err);
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
    return status < 0 ? status
                      : put_off(lp, (lp_change){COLUMN_BOUNDS, (int)column + 1, lower, upper}, err);
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
    return status < 0 ? status : put_off(lp, (lp_change){COST, (int)column + 1, cost, 0.0}, err);
}

spotopt_status
spotopt__lp_delete_columns(spotopt__lp *lp, size_t count, const uint32_t *columns,
                           spotopt_error *err)
{
    lp_request request = {.order = DELETE_COLUMNS, .count = count};
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
    lp_request request = {.order = SOLVE, .limit_s = limit_s, .x = x, .dual = dual};
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

spotopt_status
spotopt__lp_solve_integer(spotopt__lp *lp, const unsigned char *is_integer, double gap_rel,
                          double limit_s, double *x, spotopt__lp_answer *answer, spotopt_error *err)
{
    lp_request request = {.order = SOLVE_INTEGER,
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
    status = carry(lp, &request, err);
    if (status == SPOTOPT_E_ARGUMENT)
        return spotopt__fail(err, status, "column %zu is integer; want whole numbers as its bounds",
                             request.odd_column);
    if (status == SPOTOPT_OK)
        *answer = request.answer;
    return status;
}
