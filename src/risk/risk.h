/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_RISK_H
#define SPOTOPT_RISK_RISK_H
#include "base/options.h"
#include "model/catalog.h"
#include "model/history.h"
#include "risk/model.h"
#include "spotopt/risk.h"

/* How fast the past is forgotten, and how much of the prior counts once a pool has a past of its own. */
#define SPOTOPT__RISK_TAU_H 6.0
#define SPOTOPT__RISK_KAPPA 0.5
/* Where there is no history at all: the mean rate is the vendor's, its spread only shapes the interval. */
#define SPOTOPT__RISK_SHIPPED_ALPHA 1.0
/* Blocks below which a CUSUM says nothing: what a block's deviation is must be learned first. */
#define SPOTOPT__CUSUM_MIN 8
/* Intervals hold the central 95 % of what is not known of a rate or of log-odds; deviations of a normal one. */
#define SPOTOPT__INTERVAL_LOW 0.025
#define SPOTOPT__INTERVAL_HIGH 0.975
#define SPOTOPT__INTERVAL_Z 1.959963984540054
/* What bounds every rate, per hour: one loss in a century, one a minute. */
#define SPOTOPT__RATE_MIN 1e-6
#define SPOTOPT__RATE_MAX 60.0

/* --- gamma.c --- */
/* P(a, x), the chance that a gamma variable of shape a > 0 and rate 1 is at most x >= 0. */
double spotopt__gamma_p(double a, double x);
/* The x with P(a, x) = p, 0 <= p < 1. */
double spotopt__gamma_quantile(double a, double p);

/* --- prior.c --- */
/* A rate per hour is gamma distributed with this shape and mean (so that beta = alpha / mean hours). */
typedef struct spotopt__prior {
    double alpha, mean;
} spotopt__prior;

/* Like pool-days: losses in so many hours, `weight` of them alike. */
typedef struct spotopt__cell {
    double events, hours, weight;
} spotopt__cell;

/* Losses per hour that an advisor bucket stands for; -1: what is assumed of a pool without one. */
double spotopt__bucket_rate(int32_t bucket);
/*
 * Fits alpha and mean to cells by the negative-binomial likelihood, drawn towards `towards`: its mean weighs as
 * much as `pull_events` events, ln alpha is normal around its own with deviation `alpha_sd`. Bounded for any input.
 */
spotopt__prior spotopt__prior_fit(const spotopt__cell *cells, size_t count, const spotopt__prior *towards,
                                  double pull_events, double alpha_sd);
/* The alpha alone, for a mean that is known; within [0.02, most]. */
double spotopt__alpha_fit(const spotopt__cell *cells, size_t count, double mean, double towards, double alpha_sd,
                          double most);
/*
 * How far the vendor's buckets are believed: the exponent g of (rate of bucket / mean rate)^g, from events and hours
 * of pools with x = ln of that ratio. 0.5 where nothing is to be learned, within [0, 2].
 */
double spotopt__bucket_trust(const double *events, const double *hours, const double *x, size_t count);

/* --- evidence.c --- */
/* What one series tells at a moment; decayed by exp(-age / tau). Node figures count nodes, drop figures the pool. */
typedef struct spotopt__evidence {
    double node_events, node_hours; /* nodes lost; node-hours held */
    double drop_events, drop_hours; /* changes downwards; hours with a node up */
    double nodes_up;                /* at that moment; NaN: not observed */
    double seen_s;                  /* last moment observed; NaN: never */
} spotopt__evidence;

spotopt__evidence spotopt__evidence_at(const spotopt_history *history, size_t series, double now_s, double tau_h);
/* Pool-days of a series up to now_s, hours times `scale`; by nodes, or by drops of the pool. */
typedef spotopt__vec(spotopt__cell) spotopt__cells;
bool spotopt__evidence_cells(spotopt_context *context, const spotopt_history *history, size_t series, double now_s,
                             double scale, bool by_drops, spotopt__cells *cells);
/* The same by nodes and by drops in one pass; either may be NULL. */
bool spotopt__evidence_days(spotopt_context *context, const spotopt_history *history, size_t series, double now_s,
                            double scale, spotopt__cells *by_nodes, spotopt__cells *by_drops);
/*
 * Joins cells from `from` on with equal events and hours within 1.6 % of each other to one: their weights added, hours
 * their mean. Sums stay; the likelihood moves by less than 1e-4 of a term. False: out of memory, nothing was joined.
 */
bool spotopt__cells_join(spotopt_context *context, spotopt__cells *cells, size_t from);

/* --- score.c --- */
typedef struct spotopt__belief {
    double a, b; /* of the rate's gamma distribution; b in hours */
} spotopt__belief;
/* What is known of a rate apart from its belief: sure.c. */
typedef struct spotopt__sureness {
    double prior_hours; /* of the belief's b, those that are the prior's */
    double mean;        /* the prior's, per hour */
    double spread;      /* variance of what is not known of that mean, over its square */
    double days_shape;  /* of the pool's rates from day to day, around its mean */
    double hours;       /* decayed, of the belief */
    double up_hours;    /* decayed, those with any node up */
    double at_once;     /* events that come together, >= 1 */
} spotopt__sureness;
/* --- sure.c --- */
/* Shape of the gamma distribution around the belief's mean that holds the rate; at least the belief's. */
double spotopt__sure_shape(const spotopt__belief *belief, const spotopt__sureness *of);

/* Days of pools, each against what its pool's mean lets expect. */
typedef struct spotopt__day_sums {
    double excess;  /* squares of differences, above those of Poisson counts */
    double squares; /* of what is expected */
    double noise;   /* variance of excess, were the counts Poisson */
} spotopt__day_sums;
/* Adds days of one pool that lost so many events in so many hours in all. */
void spotopt__day_sums_add(spotopt__day_sums *sums, const spotopt__cell *cells, size_t count, double events,
                           double hours);
/* Shape of rates from day to day, near `towards` where little was seen; at most SPOTOPT__DAYS_SHAPE_MAX. */
double spotopt__days_shape(const spotopt__day_sums *sums, double towards);
#define SPOTOPT__DAYS_SHAPE_MAX 2000.0

/* --- score.c, answer.c --- */
/* 1 - (b / (b + H))^a: the chance of a loss within H hours, the rate being uncertain. */
double spotopt__belief_p(const spotopt__belief *belief, double horizon_h);

typedef struct spotopt__risk_pool {
    spotopt__belief node, drop;
    double node_shape, drop_shape; /* of the gamma distributed rate, of the belief's mean, that an interval shows */
    double events, hours;       /* decayed: nodes lost, node-hours */
    uint32_t series;            /* of the history, or SPOTOPT__NONE */
    uint32_t flags;             /* SPOTOPT_RISK_... */
    uint32_t row;               /* of risk's columns, where there is a model; or SPOTOPT__NONE */
} spotopt__risk_pool;

struct spotopt_risk {
    spotopt_context *context;
    spotopt__arena arena; /* ids */
    spotopt__risk_pool *pools;
    const char **ids;
    size_t count;
    double bucket_trust;
    spotopt__prior overall; /* of a node, all families and regions */
    double now_s;
    /* Layer 3: NULL without a model. Features of the pools that it forecasts, as columns of `rows`, and then layer 2's
     * two, see spotopt__features_at(). */
    const spotopt_model *model;
    double *x;
    size_t rows;
    double *drift; /* PSI of each of the model's features; NULL: too few pools to tell */
    spotopt_cusum cusum; /* fewer than SPOTOPT__CUSUM_MIN blocks: too few to tell */
};

/* Layers 1 and 2 of every pool; no model, no ids yet. */
spotopt_status spotopt__risk_layers(spotopt_context *context, const spotopt_catalog *catalog,
                                    const spotopt_history *history, double now_s, spotopt__budget *budget,
                                    spotopt_risk **out, spotopt_error *err);

/* --- answer.c --- */
uint32_t spotopt__risk_flags(const spotopt_risk *risk, size_t pool);
/* The flags' names as items of an array: "prior", "hazard", "cold" and so on, each with a head. */
void spotopt__risk_put_flags(uint32_t flags, const char *head, spotopt__jw *jw);
/* Chance that a node is lost when its pool loses one with chance p and a drop takes that share of the nodes. */
double spotopt__node_p(double p_drop, double lost_share);

/* The chance that the pool loses at least one node within the horizon; 0 on-demand. */
double spotopt__risk_drop(const spotopt_risk *risk, size_t pool, double horizon_h);

#endif
