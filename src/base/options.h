/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_OPTIONS_H
#define SPOTOPT_BASE_OPTIONS_H
#include "base/alloc.h"
#include "spotopt/options.h"

/* Index of an option in the table; the order of option_table[]. */
enum {
    SPOTOPT__OPT_GAP_REL,
    SPOTOPT__OPT_DEADLINE_S,
    SPOTOPT__OPT_WORK,
    SPOTOPT__OPT_SEED,
    SPOTOPT__OPT_THREADS,
    SPOTOPT__OPT_TIMINGS,
    SPOTOPT__OPT_EXPLAIN,
    SPOTOPT__OPT_COUNT
};

struct spotopt_options {
    spotopt_context *context;
    double value[SPOTOPT__OPT_COUNT];
    bool is_set[SPOTOPT__OPT_COUNT]; /* by the caller; what is not may come from the policy */
    spotopt_progress_fn progress;
    void *progress_user;
};

/* The default where options is NULL. */
double spotopt__option(const spotopt_options *options, int which);

/* When a call must end. Read once at its start; asks the clock and the callback sparingly. */
typedef struct spotopt__budget {
    const spotopt_context *context;
    const spotopt_options *options;
    double start_s, deadline_s, last_call_s; /* absolute, by the context's clock */
    uint64_t work, work_limit;               /* deterministic units; limit 0: none */
    bool cancelled;                          /* by the callback; sticks */
    bool cut_short;                          /* the clock ended something; sticks */
    const char *stage;                       /* of the last look at the clock */
    double last_ask_s;
    uint32_t stride, skip; /* calls between two looks; of them still to come */
    double cost, bound;    /* told where a look knows none of its own: INFINITY, 0 */
} spotopt__budget;

void spotopt__budget_start(spotopt__budget *budget, const spotopt_context *context,
                           const spotopt_options *options);
/* True when the call must wind up now: deadline, work or cancel. Cheap enough for every iteration.
 */
bool spotopt__budget_over(spotopt__budget *budget, const char *stage, double cost, double bound);
double spotopt__budget_left_s(const spotopt__budget *budget);

#endif
