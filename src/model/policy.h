/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_POLICY_H
#define SPOTOPT_MODEL_POLICY_H
#include "base/base.h"
#include "spotopt/policy.h"

enum {
    SPOTOPT__FACTOR_COST,
    SPOTOPT__FACTOR_STABILITY,
    SPOTOPT__FACTOR_PERFORMANCE,
    SPOTOPT__FACTOR_CAPACITY,
    SPOTOPT__FACTORS
};
enum {
    SPOTOPT__SCORE_GEOMETRIC,
    SPOTOPT__SCORE_ARITHMETIC,
    SPOTOPT__SCORE_EXPECTED_COST,
    SPOTOPT__SCORE_QUANTILE,
    SPOTOPT__SCORE_TOPSIS,
    SPOTOPT__SCORE_LEXICOGRAPHIC,
    SPOTOPT__SCORES
};
/* As documents call it: "geometric" and so on; "" beyond the last. */
const char *spotopt__score_text(int32_t score);

typedef struct spotopt__diversify {
    const char *key;
    double max_frac;
} spotopt__diversify;
typedef struct spotopt__quota {
    const char *family;   /* NULL: any. "standard" is AWS's class of A, C, D, H, I, M, R, T, Z families; else a family or class "g", "p"... */
    const char *purchase; /* "spot", "on-demand", NULL: both */
    double max_vcpu;
} spotopt__quota;
typedef struct spotopt__commitment {
    const char *pool; /* glob on the pool id */
    uint32_t count;
    double usd_per_h;
} spotopt__commitment;
typedef struct spotopt__override {
    const char *scope, *target, *author, *reason; /* scope: instance cluster client all; target "" with all */
    double from_s, until_s; /* -INFINITY, INFINITY where open */
} spotopt__override;

/* How long pods of a workload take from binding to ready. */
typedef struct spotopt__start_time {
    const char *workload; /* glob on "ns/name" */
    double seconds;
} spotopt__start_time;
/* How many nodes of one kind may be disrupted at once, now and then or always. */
typedef struct spotopt__node_budget {
    const char *label, *value; /* nodes with this label whose value the glob matches; each value is counted apart */
    double nodes;              /* at most */
    bool is_percent;           /* of all such nodes, rounded up */
    const char *schedule;      /* cron, UTC: when it begins to count; NULL: always */
    double duration_s;         /* for how long */
} spotopt__node_budget;

/* What one client states for itself; NaN: a weight that it does not state. */
typedef struct spotopt__client_policy {
    const char *client;
    const char *fields; /* an object of the fields stated, but for the weights */
    double weights[SPOTOPT__FACTORS];
} spotopt__client_policy;

/* Every field holds its default until a document says otherwise. NaN: null, not limited. */
struct spotopt_policy {
    spotopt_context *context;
    spotopt__arena arena;
    double weights[SPOTOPT__FACTORS]; /* sum 1 after reading */
    double stated_weights[SPOTOPT__FACTORS]; /* before they were scaled: a client's come over these */
    bool weights_from_money; /* cost, stability and what has a worth: by what they are worth */
    double worth_performance, worth_capacity; /* USD an hour and node between 0 and full marks; NaN: not stated */
    int32_t score;
    double slo_latency_ms[2], slo_throughput_rps[2], slo_error_frac[2]; /* target, limit */
    double interruption_usd, horizon_h, max_probability, max_mean_probability;
    bool spot_enabled;
    uint32_t on_demand_base;
    double on_demand_frac;
    spotopt__vec(spotopt__diversify) diversify;
    spotopt__vec(const char *) arch;     /* empty: any */
    spotopt__vec(const char *) families; /* empty: any */
    spotopt__vec(const char *) exclude;  /* globs on the instance type */
    double max_usd_per_h;
    spotopt__vec(spotopt__quota) quotas;
    double headroom_cpu_frac, headroom_memory_frac;
    spotopt__vec(spotopt__commitment) commitments;
    double min_saving_frac, min_dwell_min, max_moves_per_h, move_usd, change_horizon_h;
    double change_se; /* standard errors that a saving has to exceed beside its cost */
    spotopt__vec(spotopt__override) overrides;
    spotopt__vec(spotopt__start_time) start_times;   /* the first that matches counts */
    spotopt__vec(spotopt__node_budget) node_budgets; /* each must hold */
    double detach_s;                                 /* until a volume can be attached elsewhere */
    double max_evictions_per_h;                      /* NaN: no limit */
    double gap_rel, deadline_s, seed; /* NaN: not stated */
    spotopt__vec(spotopt__client_policy) clients; /* each once */
    char sha256[65];
};

/* All defaults; the readers and the writer are src/io/json_policy*.c. */
spotopt_status spotopt__policy_new(spotopt_context *context, spotopt_policy **out, spotopt_error *err);

/* Whether a quota counts nodes of a family ("m5") and purchase option ("spot", "on-demand"). */
bool spotopt__quota_covers(const spotopt__quota *quota, const char *family, const char *purchase);

/* Shell-like glob: * and ?, all else literal. Linear in practice, bounded by pattern * text. */
bool spotopt__glob(const char *pattern, const char *text);

#endif
