/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features.c - what a forecast looks at: a pool's own past, its siblings, the vendor's signals.
 *
 * One cursor walks a series' rows together with its moments and carries decayed sums along: drops,
 * hours observed, hours with nodes up, for every time constant at once. Between rows the count of
 * nodes is constant, so the sums are exact. Rates are logs of ratios with a little added above and
 * below, so that silence stays finite; every sign in the table is the one with which a further
 * drop, or a further time down, can only raise the risk. Real traces say that recency is the heart
 * of it, that pools of a region fall together, and that neighbours say little about a day ahead:
 * those fade.
 */
#include "risk/features.h"
#include "base/vmath.h"
#include "risk/risk.h"
#include "risk/siblings.h"

#define HOUR_S 3600.0
#define SINCE_MAX_H 720.0 /* a month without a drop is as good as any longer time */
#define JUST_H 2.0        /* what came just now, apart from how long ago it is otherwise */
#define SIBLING_SINCE_MAX_H 24.0
#define SIBLING_SINCE_H 6.0 /* no sibling: as of a region neither quiet nor in trouble */
#define NEVER_EXTRA_H                                                                              \
    24.0              /* no drop was seen: it is at least a day longer ago than the first row */
#define OWN_DROPS 0.1 /* added to drops and hours of a pool's rate */
#define OWN_HOURS 1.0
#define SIBLING_TAU_H 3.0 /* one of a pool's own, so that its part can be taken off */
#define SIBLING_RATE 0.1  /* per hour: what is calmer is as good as calm */
#define SIBLING_HOURS 2.0

enum { RATE_1H, RATE_3H, RATE_12H, RATE_48H, EVIDENCE, TAUS, LANES = 8 /* a whole vector */ };

enum {
    HOURS_SINCE_DROP,
    HOURS_SINCE_DROP_2H,
    HOURS_UP,
    DROP_RATE_1H,
    DROP_RATE_3H,
    DROP_RATE_12H,
    DROP_RATE_48H,
    UP_SHARE_1H,
    REGION_UP_SHARE,
    REGION_DROP_RATE,
    REGION_SINCE_DROP,
    ELSEWHERE_DROP_RATE,
    PLACEMENT_SCORE,
    ADVISOR_RATE,
    PRICE_SHARE,
    FEATURES
};

const spotopt__feature spotopt__features[] = {
    [HOURS_SINCE_DROP] = {"hours_since_drop_log", "recency",
                          "ln(1 + hours since the pool last lost a node), at most a month", -1,
                          false, true},
    [HOURS_SINCE_DROP_2H] = {"hours_since_drop_2h_log", "recency",
                             "ln(1 + hours since the pool last lost a node), at most 2 hours", -1,
                             false, false},
    [HOURS_UP] = {"hours_up_log", "age", "ln(1 + hours since the pool came up), at most a month",
                  -1, false, false},
    [DROP_RATE_1H] = {"drop_rate_1h_log", "rate", "ln of drops per hour up, decayed over 1 h", 1,
                      false, false},
    [DROP_RATE_3H] = {"drop_rate_3h_log", "rate", "ln of drops per hour up, decayed over 3 h", 1,
                      false, false},
    [DROP_RATE_12H] = {"drop_rate_12h_log", "rate", "ln of drops per hour up, decayed over 12 h", 1,
                       false, false},
    [DROP_RATE_48H] = {"drop_rate_48h_log", "rate", "ln of drops per hour up, decayed over 48 h", 1,
                       false, false},
    [UP_SHARE_1H] = {"up_share_1h", "uptime", "share of the time with nodes up, decayed over 1 h",
                     -1, false, false},
    [REGION_UP_SHARE] =
        {"region_up_share", "siblings",
         "share of the region's other pools with nodes up; 1/2 where there are none", 0, true,
         false},
    [REGION_DROP_RATE] =
        {"region_drop_rate_3h_log", "siblings",
         "ln of drops per hour observed, the region's other pools, decayed over 3 h", 0, true,
         true},
    [REGION_SINCE_DROP] =
        {"region_hours_since_drop_log", "siblings",
         "ln(1 + hours since another pool of the region lost a node), at most a day; of 6 hours "
         "where there is no other pool",
         -1, true, false},
    [ELSEWHERE_DROP_RATE] =
        {"elsewhere_drop_rate_3h_log", "siblings",
         "ln of drops per hour observed, pools of other regions, decayed over 3 h", 0, true, false},
    [PLACEMENT_SCORE] = {"placement_score", "vendor",
                         "placement score from -1 (worst) to 1 (best); 0 where unknown", -1, false,
                         false},
    [ADVISOR_RATE] =
        {"advisor_rate_log", "vendor",
         "ln of the rate the advisor's bucket stands for, over the mean one; 0 where unknown", 1,
         false, false},
    [PRICE_SHARE] = {"price_share_log", "vendor",
                     "ln of the price over a third of the type's on-demand price; 0 where unknown",
                     0, false, false},
};
const uint32_t spotopt__feature_count = FEATURES;
_Static_assert(sizeof spotopt__features / sizeof *spotopt__features == FEATURES, "a row for each");

uint32_t
spotopt__feature_find(const char *name)
{
    for (uint32_t f = 0; f < FEATURES; f++) {
        if (strcmp(spotopt__features[f].name, name) == 0)
            return f;
    }
    return SPOTOPT__NONE;
}

/* What a series told up to a moment. */
typedef struct cursor {
    double tau_h[LANES], rate[LANES];                /* log2(e) / tau */
    double drops[LANES], up_h[LANES], seen_h[LANES]; /* decayed */
    double at_s, nodes;                              /* NaN: not observed */
    double first_s, came_up_s, dropped_s;            /* NaN: never */
} cursor;

SPOTOPT__INLINE void
go_to(cursor *c, double time_s)
{
    double dt_h = (time_s - c->at_s) / HOUR_S;

    if (dt_h > 0.0) {
        double seen = isnan(c->nodes) ? 0.0 : 1.0, up = c->nodes > 0.0 ? 1.0 : 0.0;

#pragma omp simd
        for (int k = 0; k < LANES; k++) {
            double power = -dt_h * c->rate[k];
            double left = spotopt__vexp2(power > -1000.0 ? power : -1000.0),
                   hours = c->tau_h[k] * (1.0 - left);

            c->drops[k] *= left;
            c->seen_h[k] = c->seen_h[k] * left + seen * hours;
            c->up_h[k] = c->up_h[k] * left + up * hours;
        }
    }
    c->at_s = time_s;
}

SPOTOPT__INLINE void
see(cursor *c, double time_s, double nodes)
{
    if (isnan(c->first_s))
        c->at_s = c->first_s = time_s;
    go_to(c, time_s);
    if (nodes < c->nodes) { /* false where either is NaN */
        for (int k = 0; k < TAUS; k++)
            c->drops[k] += 1.0;
        c->dropped_s = time_s;
    }
    if (nodes > 0.0 && !(c->nodes > 0.0))
        c->came_up_s = time_s;
    c->nodes = nodes;
}

static double
hours_log(double hours)
{
    return log1p(hours > SINCE_MAX_H ? SINCE_MAX_H : hours > 0.0 ? hours : 0.0);
}

static double
own_rate(const cursor *c, int k)
{
    return log((c->drops[k] + OWN_DROPS) / (c->up_h[k] + OWN_HOURS));
}

static void
write_own(const cursor *c, double time_s, size_t count, double *out)
{
    double since_h = !isnan(c->dropped_s) ? (time_s - c->dropped_s) / HOUR_S
                     : !isnan(c->first_s) ? (time_s - c->first_s) / HOUR_S + NEVER_EXTRA_H
                                          : NEVER_EXTRA_H;

    out[HOURS_SINCE_DROP * count] = hours_log(since_h);
    out[HOURS_SINCE_DROP_2H * count] = hours_log(since_h < JUST_H ? since_h : JUST_H);
    out[HOURS_UP * count] = c->nodes > 0.0 ? hours_log((time_s - c->came_up_s) / HOUR_S) : 0.0;
    out[DROP_RATE_1H * count] = own_rate(c, RATE_1H);
    out[DROP_RATE_3H * count] = own_rate(c, RATE_3H);
    out[DROP_RATE_12H * count] = own_rate(c, RATE_12H);
    out[DROP_RATE_48H * count] = own_rate(c, RATE_48H);
    out[UP_SHARE_1H * count] = (c->up_h[RATE_1H] + 1.0) / (c->seen_h[RATE_1H] + 2.0);
}

/* A difference of sums that should not be negative, and is by a rounding error. */
static double
less(double sum, double part)
{
    return sum > part ? sum - part : 0.0;
}

static double
herd_rate(double drops, double seen_h)
{
    return log(SIBLING_RATE + drops / (seen_h + SIBLING_HOURS));
}

static void
write_siblings(const cursor *c, uint32_t series, const spotopt__herd *region,
               const spotopt__herd *all, double time_s, size_t count, double *out)
{
    bool has_sibling = region->known > (isnan(c->first_s) ? 0 : 1);
    double seen = less(region->seen, isnan(c->nodes) ? 0.0 : 1.0),
           up = less(region->up, c->nodes > 0.0 ? 1.0 : 0.0);

    out[REGION_UP_SHARE * count] = (up + 0.5) / (seen + 1.0);
    out[REGION_DROP_RATE * count] =
        herd_rate(less(region->drops, c->drops[RATE_3H]), less(region->seen_h, c->seen_h[RATE_3H]));
    double last_s = region->last.series == series ? region->second.time_s : region->last.time_s,
           since_h = (time_s - last_s) / HOUR_S; /* endless where none was */
    out[REGION_SINCE_DROP * count] = log1p(!has_sibling                    ? SIBLING_SINCE_H
                                           : since_h < SIBLING_SINCE_MAX_H ? since_h
                                                                           : SIBLING_SINCE_MAX_H);
    out[ELSEWHERE_DROP_RATE * count] =
        herd_rate(less(all->drops, region->drops), less(all->seen_h, region->seen_h));
}

/* --- vendor signals: as the catalog has them, the same at every moment --- */

typedef struct vendor {
    const spotopt_catalog *catalog; /* or NULL */
    spotopt__map by_place;          /* "type\nzone" of a spot pool -> pool */
    spotopt__arena arena;
} vendor;

static const char *
place_of(vendor *v, const char *type, const char *zone)
{
    size_t first = strlen(type), second = strlen(zone);
    char *text = spotopt__arena_alloc(&v->arena, first + second + 2, 1);

    if (text == NULL)
        return NULL;
    memcpy(text, type, first);
    text[first] = '\n';
    memcpy(text + first + 1, zone, second);
    return text;
}

static bool
vendor_start(vendor *v, spotopt_context *context, const spotopt_catalog *catalog)
{
    v->catalog = catalog;
    spotopt__map_init(&v->by_place, context);
    spotopt__arena_init(&v->arena, context);
    for (size_t i = 0; catalog != NULL && i < catalog->pools.count; i++) {
        const spotopt__pool *pool = &catalog->pools.at[i];
        const char *place;

        if (pool->purchase != SPOTOPT__SPOT)
            continue;
        place = place_of(v, catalog->types.at[pool->type].name, pool->zone);
        if (place == NULL || !spotopt__map_put(&v->by_place, place, (uint32_t)i, NULL))
            return false;
    }
    return true;
}

static void
vendor_end(vendor *v)
{
    spotopt__map_free(&v->by_place);
    spotopt__arena_free(&v->arena);
}

/* The signals of a series' pool in out[0 .. 2]; neutral where the catalog does not know it. */
static bool
vendor_signals(vendor *v, const spotopt__series *series, double *out)
{
    out[0] = out[1] = out[2] = 0.0;
    if (v->catalog == NULL)
        return true;
    uint32_t found = spotopt__map_get(&v->catalog->pool_by_id, series->pool);
    if (found == SPOTOPT__NONE) {
        spotopt__arena_mark mark = spotopt__arena_here(&v->arena);
        const char *place = place_of(v, series->instance_type, series->zone);

        if (place == NULL)
            return false;
        found = spotopt__map_get(&v->by_place, place);
        spotopt__arena_rewind(&v->arena, mark);
    }
    if (found == SPOTOPT__NONE)
        return true;
    const spotopt__pool *pool = &v->catalog->pools.at[found];
    double best = v->catalog->placement_score_max,
           on_demand = v->catalog->types.at[pool->type].on_demand_usd_per_h;

    if (isfinite(pool->placement_score) && best > 1.0)
        out[0] = 2.0 * (pool->placement_score - 1.0) / (best - 1.0) - 1.0;
    if (pool->advisor_bucket >= 0)
        out[1] = log(spotopt__bucket_rate(pool->advisor_bucket) / spotopt__bucket_rate(-1));
    if (pool->usd_per_h > 0.0 && on_demand > 0.0) /* false for NaN */
        out[2] = log(3.0 * pool->usd_per_h / on_demand);
    return true;
}

/* Moments [from, to) of one series. */
SPOTOPT__CLONES static void
write_series(const spotopt_history *history, uint32_t series, const spotopt__siblings *siblings,
             const double *time_s, size_t from, size_t to, size_t count, double tau_h,
             const double *signals, double *out, double *out_evidence)
{
    const spotopt__series *of = &history->series.at[series];
    const double *row_s = history->time_s + of->first, *nodes = history->nodes_up + of->first;
    const spotopt__herd *region = siblings->herds + siblings->region_of[series] * siblings->moments,
                        *all = siblings->herds + siblings->regions * siblings->moments;
    cursor c = {.tau_h = {1.0, SIBLING_TAU_H, 12.0, 48.0, tau_h},
                .nodes = NAN,
                .first_s = NAN,
                .came_up_s = NAN,
                .dropped_s = NAN};
    for (int k = 0; k < TAUS; k++)
        c.rate[k] = SPOTOPT__LOG2_E / c.tau_h[k];

    size_t row = 0, moment = spotopt__siblings_moment(siblings, time_s[from]);

    for (size_t i = from; i < to; i++) {
        while (row < of->count && row_s[row] <= time_s[i]) {
            see(&c, row_s[row], nodes[row]);
            row++;
        }
        if (row > 0)
            go_to(&c, time_s[i]);
        if (siblings->time_s[moment] < time_s[i] && siblings->time_s[++moment] != time_s[i])
            moment = spotopt__siblings_moment(siblings, time_s[i]);
        write_own(&c, time_s[i], count, out + i);
        write_siblings(&c, series, &region[moment], &all[moment], time_s[i], count, out + i);
        for (int f = 0; f < 3; f++)
            out[(PLACEMENT_SCORE + f) * count + i] = signals[f];
        if (out_evidence != NULL) {
            out_evidence[i] = c.drops[EVIDENCE];
            out_evidence[count + i] = c.up_h[EVIDENCE];
        }
    }
}

bool
spotopt__features_at(spotopt_context *context, const spotopt_history *history,
                     const spotopt_catalog *catalog, const uint32_t *series, const double *time_s,
                     size_t count, double tau_h, double *out, double *out_evidence)
{
    spotopt__siblings siblings = {0};
    vendor v;
    bool is_fine = true;

    if (count == 0)
        return true;
    is_fine = vendor_start(&v, context, catalog) &&
              spotopt__siblings_make(context, history, time_s, count, SIBLING_TAU_H, &siblings);
    for (size_t from = 0, to; is_fine && from < count; from = to) {
        double signals[3];

        for (to = from + 1;
             to < count && series[to] == series[from] && time_s[to] >= time_s[to - 1];)
            to++;
        is_fine = vendor_signals(&v, &history->series.at[series[from]], signals);
        if (is_fine)
            write_series(history, series[from], &siblings, time_s, from, to, count, tau_h, signals,
                         out, out_evidence);
    }
    spotopt__siblings_free(context, &siblings);
    vendor_end(&v);
    return is_fine;
}
