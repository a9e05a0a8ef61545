/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_FLEET_BOOKS_H
#define SPOTOPT_FLEET_BOOKS_H
#include "model/ledger.h"
#include "spotopt/fleet.h"

#define SPOTOPT__DAY_MS (24 * SPOTOPT__HOUR_MS)
#define SPOTOPT__MONTH_MS (30 * SPOTOPT__DAY_MS)
#define SPOTOPT__EPISODE_MS (INT64_C(30) * 60000)

/* What params come to, names looked up. */
typedef struct spotopt__view {
    const spotopt_ledger *ledger;
    spotopt_fleet_params params;
    int64_t from_ms, now_ms;
    uint32_t cluster, client, instance; /* SPOTOPT__NONE: all */
} spotopt__view;

spotopt_status spotopt__view_init(spotopt__view *view, const spotopt_ledger *ledger,
                                  const spotopt_fleet_params *params, spotopt_error *err);
bool spotopt__view_has_cluster(const spotopt__view *view, const spotopt__cluster_books *books);
bool spotopt__view_has_life(const spotopt__view *view, const spotopt__life *life);
/* The client of a cluster's books, 0 where none is known. */
uint32_t spotopt__client_of(const spotopt_ledger *ledger, uint32_t cluster);

/* A life within [from, to). Money is in USD. */
bool spotopt__life_runs(const spotopt__life *life, int64_t at_ms);
double spotopt__life_hours(const spotopt__life *life, int64_t from_ms, int64_t to_ms);
/* now: what is not known yet, such as that it will end in its first hour, does not count. */
double spotopt__life_paid(const spotopt_ledger *ledger, const spotopt__life *life, int64_t from_ms,
                          int64_t to_ms, int64_t now_ms);
double spotopt__life_usd_per_h(const spotopt_ledger *ledger, const spotopt__life *life, int64_t at_ms);
/* Its part of the cluster's on-demand equivalent. */
double spotopt__life_ode(const spotopt_ledger *ledger, const spotopt__life *life, int64_t from_ms,
                         int64_t to_ms);
/* The last life of an instance that began by then, or NULL. */
const spotopt__life *spotopt__life_at(const spotopt_ledger *ledger, uint32_t instance, int64_t at_ms);
/* The last measure of an instance by then in which a value is known, NaN: none. */
double spotopt__last_measure(const spotopt_ledger *ledger, uint32_t instance, int which, int64_t at_ms);

typedef struct spotopt__sums {
    double billed, paid, losses, ode;
    double paid_bounded, ode_bounded, bound; /* while the bound is known too */
    double known_h, node_h, spot_h, eligible_h; /* in node-hours, the last two */
    double spot_vh, eligible_vh, lost_vh, lost_h;
    double idle, idle_billed, overlap;
    bool misses_vcpu;
} spotopt__sums;
typedef struct spotopt__point {
    double paid, losses, ode, bound, known_h, bound_h;
} spotopt__point;
/* Adds one cluster's money in [from, to) to sums, and to the points (NULL: none). */
spotopt_status spotopt__add_cluster(const spotopt__view *view, const spotopt__cluster_books *books,
                                    int64_t from_ms, int64_t to_ms, spotopt__sums *sums,
                                    spotopt__point *points, size_t point_count, spotopt_error *err);
/* All but the monthly fields. */
void spotopt__savings_of(const spotopt__sums *sums, spotopt_savings *out);
/* Hours of [from, to) in which the ODE of at least one cluster of the view is known. */
spotopt_status spotopt__known_hours(const spotopt__view *view, int64_t from_ms, int64_t to_ms,
                                    double *out_hours, spotopt_error *err);
/* Savings of the view's clusters, monthly fields too. only: one cluster, or NULL. */
spotopt_status spotopt__view_savings(const spotopt__view *view, const spotopt__cluster_books *only,
                                     spotopt_savings *out, spotopt__point *points,
                                     size_t point_count, spotopt_error *err);

/* Moves, put together from their rows; by first row. */
typedef struct spotopt__move {
    size_t first; /* row of switches, by time */
    size_t told;  /* the last that names alternates; SIZE_MAX: none */
    int64_t last_ms; /* of its last row */
    int64_t done_ms; /* executed or failed; -1: neither yet */
    int32_t state;
    bool is_accepted;
} spotopt__move;
typedef struct spotopt__moves {
    spotopt__vec(spotopt__move) list;
} spotopt__moves;
spotopt_status spotopt__gather_moves(const spotopt__view *view, spotopt__moves *out, spotopt_error *err);

/* Numbers of the view. */
spotopt_status spotopt__view_numbers(const spotopt__view *view, spotopt_fleet_numbers *out,
                                     spotopt_error *err);

/* One writer a part; each writes the members behind apiVersion, kind, now. */
spotopt_status spotopt__write_metrics(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
spotopt_status spotopt__write_savings(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
spotopt_status spotopt__write_topology(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
spotopt_status spotopt__write_history(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
spotopt_status spotopt__write_health(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
spotopt_status spotopt__write_activity(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
spotopt_status spotopt__write_overrides(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err);
void spotopt__put_time(spotopt__jw *jw, const char *key, int64_t time_ms); /* RFC 3339; null where < 0 or forever */
void spotopt__put_name(const spotopt__view *view, spotopt__jw *jw, const char *key, uint32_t name); /* null for 0 */

#endif
