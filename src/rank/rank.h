/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RANK_RANK_H
#define SPOTOPT_RANK_RANK_H
#include "base/base.h"
#include "model/policy.h"
#include "model/resources.h"
#include "spotopt/rank.h"

/*
 * Ranking on plain arrays. Where a number comes from (history, metrics, a request) is the caller's affair; NaN means
 * that it is unknown. Every factor u is in [0.01, 1] on an anchor that no other candidate moves, so that dropping a
 * candidate never reorders the rest.
 */
#define SPOTOPT__U_MIN 0.01
#define SPOTOPT__ALTERNATES 5

/* What had to be assumed of a pool. */
enum {
    SPOTOPT__RANK_LATENCY_ASSUMED = 1,     /* no latency: the prior mean, or the benchmark */
    SPOTOPT__RANK_THROUGHPUT_ASSUMED = 2,  /* no throughput */
    SPOTOPT__RANK_ERRORS_ASSUMED = 4,      /* no error share */
    SPOTOPT__RANK_BENCHMARK = 8,           /* a measured benchmark per price stood in for what is assumed */
    SPOTOPT__RANK_HEADROOM_ASSUMED = 16,   /* no free share of CPU or memory */
    SPOTOPT__RANK_OBTAINABLE_ASSUMED = 32, /* no placement score */
    SPOTOPT__RANK_COST_ASSUMED = 64        /* no on-demand price to measure by */
};

/* A candidate: it fits, is allowed and has a price. */
typedef struct spotopt__rank_pool {
    const char *id;
    double usd_per_h;                              /* of a node, >= 0 */
    double fits;                                   /* requests that fit on an empty node, > 0; whole from 1 on */
    double p_h;                                    /* that a node is taken back within the horizon, 0..1 */
    double latency_ms, throughput_rps, error_frac; /* measured */
    double coremark_per_s;                         /* of the whole node, measured */
    double list_usd_per_h; /* on-demand price of the type, which the benchmark is divided by; NaN: usd_per_h */
    double cpu_free_frac, memory_free_frac; /* headroom, 0..1: measured, or spotopt__rank_headroom() */
    double placement_score;                 /* 1 .. placement_score_max; not looked at on-demand */
    bool is_on_demand;
} spotopt__rank_pool;

typedef struct spotopt__rank_terms {
    double weights[SPOTOPT__FACTORS]; /* >= 0, sum 1 */
    int32_t score;                    /* SPOTOPT__SCORE_... */
    double slo_latency_ms[2], slo_throughput_rps[2], slo_error_frac[2]; /* target, limit */
    double interruption_usd, horizon_h;                                 /* C_int, H */
    double on_demand_need;     /* OD_need: see spotopt__rank_on_demand_need(); NaN: unknown */
    double placement_score_max;
} spotopt__rank_terms;

typedef struct spotopt__rank_row {
    uint32_t pool; /* index of the candidate */
    uint32_t flags;
    double u[SPOTOPT__FACTORS];
    double v[SPOTOPT__FACTORS]; /* what the score is made of: u, or what the policy's score makes of it */
    double phi[SPOTOPT__FACTORS]; /* add up to ln(S / S_ref), or to S - S_ref where the score is a sum: explain.c */
    bool is_on_front;             /* no other row is at least as good in every u and better in one: front.c */
    double score;                 /* 0..100 */
    double price_need;            /* USD an hour per request: usd_per_h / fits */
    double expected_usd;          /* EC = price * H + p_H * C_int, of a node over the horizon */
    double expected_usd_per_h;    /* EC / H */
} spotopt__rank_row;

/* Weights, SLO and money of a policy; the last two of the terms are the catalog's to tell. */
spotopt__rank_terms spotopt__rank_terms_of(const spotopt_policy *policy, double on_demand_need,
                                           double placement_score_max);

/* --- factors.c --- */
/* How often a request fits on a node, by whole replicas; 0: not at all. What is not stated does not limit. */
double spotopt__rank_fits(const spotopt__amounts *request, const spotopt__amounts *allocatable, uint32_t resources);
/* The share of a resource that one request leaves free on an empty node, 0..1; NaN where it is not stated. */
double spotopt__rank_headroom(const spotopt__amounts *request, const spotopt__amounts *allocatable, uint32_t resource);
/*
 * OD_need: the least on-demand price per request over the whole catalog, not only the candidates. fits 0 and NaN prices
 * are passed over. Without any on-demand price four times the least spot price stands in, *out_is_guess.
 */
double spotopt__rank_on_demand_need(const double *usd_per_h, const double *fits, const bool *is_on_demand,
                                    size_t count, bool *out_is_guess);
/* The cost factor alone. */
double spotopt__rank_cost(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms);
void spotopt__rank_factors(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms, double *out_u,
                           uint32_t *out_flags);

/* --- score.c --- */
/* From a row's v, 0..100. Expected cost looks at the first alone. */
double spotopt__rank_score(const double *v, const double *weights, int32_t score);
/* Everything of a row but its place: contributions, front. Quantiles need the others and are left at u. */
void spotopt__rank_score_one(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                             spotopt__rank_row *row);
/* Whether the lead of one pool over another is linear in the weights. */
bool spotopt__rank_is_linear(int32_t score);
/*
 * Fills rows (count of them), best first. Ties: score rounded to 1e-9, then lower p_h, lower price, higher placement
 * score, id bytewise, index. *out_reference is the place whose contributions are 0. False: no memory.
 */
bool spotopt__rank_order(spotopt_context *context, const spotopt__rank_pool *pools, size_t count,
                         const spotopt__rank_terms *terms, spotopt__rank_row *rows, size_t *out_reference);

/* --- explain.c --- */
/*
 * The place that contributions are measured from: the best on-demand pool, which is what a fleet without spot would
 * take; where there is none, the first.
 */
size_t spotopt__rank_reference(const spotopt__rank_pool *pools, const spotopt__rank_row *rows, size_t count);
/* What one factor's v adds over base, as in a row's phi. v and base are whole rows. */
double spotopt__rank_contribution(const spotopt__rank_terms *terms, const double *base, const double *v, int f);
/* The factor that holds the risk: stability, or cost where the score is expected cost; -1: quantiles are no one pool's. */
int spotopt__rank_risk_factor(int32_t score);
/* The contribution of that factor, were the pool's p_h this one. */
double spotopt__rank_contribution_at(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                                     const double *base, double p_h);
void spotopt__rank_contribute(const spotopt__rank_terms *terms, spotopt__rank_row *rows, size_t count,
                              size_t reference);
/* The best places but `place` itself, best first: what to take instead. Returns how many. */
size_t spotopt__rank_alternates(size_t count, size_t place, size_t out_places[SPOTOPT__ALTERNATES]);

/* --- front.c --- */
/* Marks the rows on the Pareto front in u. False: no memory. */
bool spotopt__rank_mark_front(spotopt_context *context, spotopt__rank_row *rows, size_t count);

/* --- hysteresis.c --- */
/* What a policy says of changes. */
typedef struct spotopt__rank_change {
    double move_usd;        /* of one replica */
    double horizon_h;       /* over which a move must pay */
    double standard_errors; /* that it must exceed beside */
    double min_saving_frac; /* of the current price */
    double min_dwell_min, max_moves_per_h;
} spotopt__rank_change;
/* What runs: the best pool other than the current one where that is first or noticed; NULL: there is none. */
typedef struct spotopt__rank_held {
    const spotopt__rank_pool *best, *current; /* current NULL: it is not to be used any more */
    double best_p_sd, current_p_sd;           /* standard errors of their p_h */
    double dwell_min, moves, replicas;        /* minutes since it moved there; replicas moved in the last hour; now there */
    bool is_noticed;
} spotopt__rank_held;
typedef struct spotopt__rank_switch {
    int32_t why;     /* SPOTOPT_SWITCH_... */
    double replicas; /* to move now, whole */
    double lead_usd_per_h, saving_usd, switching_usd, standard_error_usd, net_usd; /* of one replica; NaN: no score */
} spotopt__rank_switch;
/* USD an hour and request that the current pool would have to cost less to score as the best; below 0: the other way. */
double spotopt__rank_lead(const spotopt__rank_pool *best, const spotopt__rank_pool *current,
                          const spotopt__rank_terms *terms);
void spotopt__rank_hold(const spotopt__rank_held *held, const spotopt__rank_change *change,
                        const spotopt__rank_terms *terms, spotopt__rank_switch *out);

/* --- unknown.c --- */
/* How good and how bad a pool can be while what nobody measured is unknown: factors all at 0.01 and all at 1 there. */
void spotopt__rank_range(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms, double *out_low,
                         double *out_high);
/*
 * The worst value of one unmeasured quantity (0 latency_ms, 1 throughput_rps, 2 error_frac, 3 free share of CPU and memory,
 * 4 placement score) with which the pool's score still beats `score`, all else as assumed. NaN: it is known, it has no
 * part in the score, or no value does.
 */
double spotopt__rank_would_win(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms, double score,
                               int quantity);

/* --- sensitivity.c --- */
/*
 * The least weight that has to move between factors for `second` to reach `first` (total variation), and where it
 * moves: out_change adds up to 0. INFINITY: no weights do that, or the score is not linear in them.
 */
double spotopt__rank_flip(const double *first_u, const double *second_u, const double *weights, int32_t score,
                          double out_change[SPOTOPT__FACTORS]);
/* How often each row would be first under weights drawn evenly from all there are; rows off the Pareto front never. False:
 * no memory. */
bool spotopt__rank_acceptability(spotopt_context *context, const spotopt__rank_row *rows, size_t count, int32_t score,
                                 uint64_t seed, uint32_t draws, double *out_frac);

/* --- money.c --- */
/* w_stability / w_cost at which the score trades price against risk as expected cost does, at that pool. */
double spotopt__rank_money_ratio(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms);
/*
 * Weights at which the score trades its factors as money does, at that pool: in `weights` stated ones come in, derived
 * ones go out, with the same sum. worth: USD an hour of a node between 0 and full marks of performance and capacity; NaN:
 * keeps its stated weight, and the others share the rest. False: nothing to derive from, weights are as they were.
 */
bool spotopt__rank_money_weights(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                                 const double worth[2], double weights[SPOTOPT__FACTORS]);
/*
 * What a hundredth of each factor is worth at that pool by the terms' weights, USD an hour of a node: what the price
 * could rise by for it at the same score. NaN where the score trades nothing, or cost has no weight.
 */
void spotopt__rank_point_worth(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                               double out[SPOTOPT__FACTORS]);

#endif
