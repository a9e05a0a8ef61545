/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_LP_ENGINE_H
#define SPOTOPT_BASE_LP_ENGINE_H
/* Between lp.c, which checks what callers say, and lp_engine.c, which lets GLPK do it on a thread
 * of its own. */
#include <pthread.h>
#include <setjmp.h>
#include <sys/types.h>

#include "base/lp.h"
#include "base/vec.h"

typedef enum lp_order {
    LP_OPEN,
    LP_ADD_ROWS,
    LP_ADD_COLUMNS,
    LP_DELETE_COLUMNS,
    LP_SOLVE,
    LP_SOLVE_INTEGER,
    LP_QUIT
} lp_order;

typedef struct lp_request {
    lp_order order;
    size_t count;
    const double *cost, *lower, *upper; /* of added lines */
    const size_t *start;
    const uint32_t *row;
    const double *value;
    int *list; /* 1-based columns to delete, with an unused head */
    const unsigned char *is_integer;
    double gap_rel, limit_s;
    double *trial; /* room for columns + rows + 2, for rounding */
    double *x, *dual;
    spotopt__lp_answer answer;
    size_t odd_column; /* integer, but its bounds are not */
    spotopt_status status;
} lp_request;

/* A change that waits for the next request. */
typedef struct lp_change {
    enum { LP_ROW_BOUNDS, LP_COLUMN_BOUNDS, LP_COST } what;
    int line; /* 1-based */
    double a, b;
} lp_change;

struct spotopt__lp {
    spotopt_context *context;
    size_t rows, columns, entries;
    spotopt__vec(lp_change) changes;
    uint32_t *mark; /* per row: the last column that had it, by stamp */
    uint32_t stamp;
    uint64_t steps, steps_most; /* of branch and cut: taken, allowed (0: all) */
    int *ind; /* one column's entries as GLPK wants them, rows + 1 long */
    double *val;

    pid_t owner; /* the process that has the thread */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    lp_request *request; /* under lock */

    /* the thread's own */
    struct glp_prob *prob;
    jmp_buf fault;
    bool is_dead;        /* the engine failed; read by the caller between requests only */
    bool wants_dual;     /* bounds or rows changed since the last solve */
    char complaint[160]; /* the engine's last words */
    double stop_at_s, best_bound;
    double *trial;   /* the integer request's */
    uint32_t trials; /* roundings tried in this solve */
};

/* False when this GLPK keeps one state for all threads. */
bool spotopt__lp_engine_is_private(void);
/* Starts the thread with every signal blocked; false when the system has none to give. */
bool spotopt__lp_engine_start(spotopt__lp *lp);
/* Hands a request to the thread and waits until it is carried out; its status tells how. */
void spotopt__lp_engine_do(spotopt__lp *lp, lp_request *request);
/* Ends the thread and the engine's memory. */
void spotopt__lp_engine_stop(spotopt__lp *lp);

#endif
