/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_REPLAY_REPLAY_H
#define SPOTOPT_REPLAY_REPLAY_H
#include "model/policy.h"
#include "replay/world.h"
#include "spotopt/replay.h"

#define SPOTOPT__POLICIES_MAX 32
#define SPOTOPT__HOUR_S 3600.0
#define SPOTOPT__DAY_S 86400.0

enum {
    SPOTOPT__BY_ON_DEMAND,
    SPOTOPT__BY_CHEAPEST,
    SPOTOPT__BY_ZONES,
    SPOTOPT__BY_LAST_DAY,
    SPOTOPT__BY_HAZARD,
    SPOTOPT__BY_ORACLE,
    SPOTOPT__METHODS
};
typedef struct spotopt__method {
    const char *name, *help;
} spotopt__method;
extern const spotopt__method spotopt__methods[SPOTOPT__METHODS];

/* What a policy document says that replay acts on. Texts belong to the replay. */
typedef struct spotopt__terms {
    double interruption_usd, move_usd;         /* each */
    double max_probability, probability_h;     /* NaN: no cap; of a node, within so many hours */
    double min_saving_frac, dwell_s, max_moves_per_h, horizon_h;
    double on_demand_frac;                     /* share of each demand's replicas, 0..1 */
    double max_usd_per_h;                      /* of a node; NaN: no cap */
    double pool_frac, zone_frac;               /* most of a demand's replicas in one of them; 1: no cap */
    bool spot_enabled;
    const char **arch, **families, **exclude;
    size_t arch_count, family_count, exclude_count;
} spotopt__terms;

/* What became of somebody. Hours, USD. */
typedef struct spotopt__tally {
    double cost_usd, on_demand_usd, losses_usd;
    double interruptions, moves, lost_h, replica_h, under_h, demand_h;
    double node_h, on_demand_node_h;
} spotopt__tally;
void spotopt__tally_add(spotopt__tally *to, const spotopt__tally *more);

/* What is compared by day. */
enum { SPOTOPT__MEASURES = 4 };

/* A point of the series over time: totals up to time_s. */
typedef struct spotopt__point {
    double cost_usd, objective_usd, interruptions, lost_h, moves;
} spotopt__point;

typedef struct spotopt__tried {
    const char *name;
    int method;
    bool has_document; /* else the terms of the run */
    spotopt__terms terms;
    spotopt__tally total;
    spotopt__tally *demands; /* by demand */
    double *demand_bound;    /* by demand; NaN but for the oracle */
    double bound_usd;        /* NaN but for the oracle */
    double *days;            /* day after day, SPOTOPT__MEASURES each */
    spotopt__point *points;
} spotopt__tried;

struct spotopt_replay {
    spotopt_context *context;
    spotopt__arena arena; /* texts and results */
    spotopt__vec(spotopt__tried) tried;
    bool was_run;
    /* Of the run. */
    spotopt__terms terms;
    double from_s, to_s, step_s, startup_s;
    size_t steps, demand_count, day_count, point_count, pools, pools_known;
    double first_day;
    double *point_s;
    const char **demand_names;
    uint32_t draws;
    uint64_t seed;
    char model_id[68];
    char sha256[4][65]; /* catalog, demand, history, prices; "" where not given */
};

/* --- terms.c --- */
/* False: out of memory. */
bool spotopt__terms_copy(spotopt__terms *out, spotopt__arena *arena, const spotopt_policy *policy);
/* Whether the document lets nodes of the pool be bought at all, prices aside. */
bool spotopt__terms_allow(const spotopt__terms *terms, const spotopt_catalog *catalog, const spotopt__pool *pool);

/* --- demand.c --- */
/* A pool that has room for a replica. */
typedef struct spotopt__fitting {
    uint32_t pool;
    uint32_t per_node; /* replicas, >= 1 */
    uint32_t zone;     /* numbered over the catalog */
    bool is_on_demand;
} spotopt__fitting;

typedef struct spotopt__wanted {
    const char *name;
    const spotopt_demand_history *history;
    const spotopt__track *track;
    size_t next;          /* row of the track */
    double count, before; /* replicas now, and at the step before */
    spotopt__fitting *fits; /* by pool index */
    size_t fit_count;
    double most;               /* the largest count of all times: for what holds whatever happens */
    double on_demand_usd_per_h; /* ODE now; NaN: no on-demand pool fits */
    double replica_usd_per_h;  /* a replica's part of that, or of the dearest pool where there is none */
    uint64_t price_version;    /* of those two */
    bool has_rate;
} spotopt__wanted;

double spotopt__nodes_for(double replicas, uint32_t per_node);
/* All pools that could ever be bought from for the demand. SPOTOPT_E_INPUT: there is none. */
spotopt_status spotopt__wanted_init(spotopt__wanted *wanted, spotopt__arena *arena, const spotopt__world *world,
                                    const uint32_t *zone_of, const spotopt_demand_history *history, size_t index,
                                    spotopt_error *err);
void spotopt__wanted_rewind(spotopt__wanted *wanted);
/* Count and on-demand equivalent at the world's moment. */
void spotopt__wanted_go(spotopt__wanted *wanted, const spotopt__world *world);

/* --- outlook.c --- */
/* Rates of loss of one node, per hour, as they could be told at each step. */
typedef struct spotopt__outlook spotopt__outlook;
/* NULL: out of memory. Everything is borrowed. horizons_h: count of them, each > 0. */
spotopt__outlook *spotopt__outlook_new(spotopt_context *context, const spotopt__world *world,
                                       const spotopt_model *model, const double *horizons_h, size_t count,
                                       double from_s, double step_s, size_t steps);
void spotopt__outlook_free(spotopt__outlook *outlook);
/* Makes ready what is told at step k, which grows by one from call to call. False: out of memory. */
bool spotopt__outlook_go(spotopt__outlook *outlook, size_t k);
/* The rate of a pool (0 on-demand) over a horizon, by its index; at the step made ready. */
double spotopt__outlook_rate(const spotopt__outlook *outlook, size_t horizon, uint32_t pool);

/* --- recent.c --- */
/* Losses per hour up in the last 24 h. */
typedef struct spotopt__recent spotopt__recent;
spotopt__recent *spotopt__recent_new(spotopt_context *context, const spotopt__world *world);
void spotopt__recent_free(spotopt__recent *recent);
/* Up to and including time_s, which never falls; and back to before everything. */
void spotopt__recent_go(spotopt__recent *recent, double time_s);
/* Of a node of the pool, per hour; where it was not up in that time, that of all pools so far. */
double spotopt__recent_rate(const spotopt__recent *recent, uint32_t pool);
/* Of all pools from the beginning of the history. */
double spotopt__recent_overall(const spotopt__recent *recent);

/* --- choose.c, account.c --- */
typedef struct spotopt__group {
    uint32_t pool, per_node, zone;
    bool is_on_demand;
    bool is_fallback; /* nothing else could be had */
    double replicas, cold; /* cold: launched this step, with nothing that served before */
    double since_s;
} spotopt__group;

/* A demand under a policy. */
typedef struct spotopt__holding {
    spotopt__vec(spotopt__group) groups;
    double waiting; /* replicas without a node */
    uint32_t *allowed; /* of the demand's fits, by index */
    size_t allowed_count;
    double *nodes;      /* by allowed: nodes for nodes_count replicas */
    double nodes_count;
    uint32_t turn;      /* of zones */
    spotopt__tally step; /* of this step */
} spotopt__holding;

/* A policy at work. */
typedef struct spotopt__actor {
    spotopt__tried *tried;
    const spotopt__terms *terms;
    spotopt__holding *holdings; /* by demand */
    double *value;  /* by pool: USD/h of a node with what it may lose; NaN: no price */
    double *enter;  /* by pool: the same; INFINITY where no node can be had */
    size_t valued;  /* step of value and enter; SIZE_MAX: none */
    size_t horizon, cap_horizon; /* of the outlook */
    double *moved;  /* ring of steps within an hour: replicas moved */
    size_t moved_room;
    double moved_sum;
} spotopt__actor;

/* Everything of one run. */
typedef struct spotopt__run {
    spotopt_replay *replay;
    spotopt_context *context;
    spotopt__arena arena; /* of the run alone */
    spotopt__world world;
    spotopt__wanted *wanted;
    uint32_t *zone_of; /* by pool */
    uint32_t zone_count;
    spotopt__actor *actors;
    spotopt__outlook *outlook; /* NULL: nobody asks */
    spotopt__recent *recent;
    struct spotopt__oracle *oracles; /* by demand, or NULL */
    double now_s, next_s, startup_s;
    size_t k;
} spotopt__run;

/* Brings the holding to the count wanted, places what waits, moves what the policy wants moved. False: out of memory. */
bool spotopt__choose(spotopt__run *run, spotopt__actor *actor, size_t demand);
/* Adds replicas to the group of a pool. False: out of memory. */
bool spotopt__hold(spotopt__holding *holding, spotopt_context *context, const spotopt__fitting *in, double replicas,
                   double cold, double now_s, bool is_fallback);
/* Takes replicas off a group of their own will; what both sides cost meanwhile is counted. */
void spotopt__leave(spotopt__run *run, spotopt__actor *actor, spotopt__holding *holding, size_t group, double replicas);
/*
 * What replicas cost that find no node for a step: twice their on-demand equivalent, and a move. More than on-demand
 * nodes with all that comes with them, so that not to run is never a way to save.
 */
double spotopt__missing_usd(const spotopt__run *run, const spotopt__wanted *wanted, double replicas);
/* What the step costs and takes. */
void spotopt__account(spotopt__run *run, spotopt__actor *actor, size_t demand);

/* --- oracle.c --- */
/* The cheapest way through one demand's future. */
typedef struct spotopt__oracle spotopt__oracle;
bool spotopt__oracles_init(spotopt__run *run);
void spotopt__oracles_free(spotopt__run *run);
/* One step further; the world's falls are those of the step. */
void spotopt__oracle_go(spotopt__run *run, size_t demand);
/* Once all steps were gone: the pool (of the demand's fits) at each of them. False: out of memory. */
bool spotopt__oracle_settle(spotopt__run *run, size_t demand);
/* SPOTOPT__NONE: none. */
uint32_t spotopt__oracle_at(const spotopt__run *run, size_t demand, size_t k);
double spotopt__oracle_bound(const spotopt__run *run, size_t demand);

/* --- run.c --- */
/* The falls of a pool in this step, ascending. */
const spotopt__fall *spotopt__falls_of(const spotopt__world *world, uint32_t pool, size_t *out_count);
/* How many of `nodes` a fall leaves. */
double spotopt__left_of(double nodes, const spotopt__fall *fall);

#endif
