/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_EVALUATE_H
#define SPOTOPT_RISK_EVALUATE_H
#include "risk/decisions.h"
#include "risk/metrics.h"
#include "spotopt/evaluation.h"

#define SPOTOPT__FORECASTS_MAX 24 /* models and baselines */
#define SPOTOPT__HORIZONS_MAX 16
#define SPOTOPT__UNLABELLED 2

typedef struct spotopt__judged_pool {
    const char *name, *region, *family; /* NULL: not known */
} spotopt__judged_pool;

/* Rows by hours since the pool's last drop. */
#define SPOTOPT__SINCE_BINS 12
extern const double spotopt__since_h[SPOTOPT__SINCE_BINS]; /* upper edges; the last is infinite */

/* Everything that was said of one pool, with what happened to it, for a picture. */
typedef struct spotopt__timeline {
    uint32_t pool; /* SPOTOPT__NONE: there is none */
    size_t first, count; /* its rows */
    double *drop_s;
    size_t drops;
} spotopt__timeline;

struct spotopt_evaluation {
    spotopt_context *context;
    spotopt__arena arena; /* names, and all columns */
    size_t count;
    double *time_s;
    uint32_t *pool;    /* by row; < pool_count */
    double *since_h;   /* hours since the pool's last drop; NaN: none seen yet. Or NULL */
    spotopt__judged_pool *pools;
    uint32_t pool_count;
    uint32_t horizon_count, forecast_count;
    double horizon_h[SPOTOPT__HORIZONS_MAX], reference[SPOTOPT__HORIZONS_MAX];
    uint8_t *label[SPOTOPT__HORIZONS_MAX]; /* 0, 1 or SPOTOPT__UNLABELLED */
    const char *name[SPOTOPT__FORECASTS_MAX];
    double *p[SPOTOPT__FORECASTS_MAX]; /* horizon after horizon */
    double held_from_s[SPOTOPT__FORECASTS_MAX]; /* what it learned from ends there; -INFINITY: not known */
    spotopt__scores *scores; /* forecast after forecast, horizon_count each */
    double from_s, to_s, step_s, fit_from_s, fit_to_s; /* NaN: not known */
    uint32_t model_count;
    uint32_t draws;
    uint64_t seed;
    spotopt__timeline timeline;
};

/* The scores of a forecast at a horizon. */
const spotopt__scores *spotopt__evaluation_scores(const spotopt_evaluation *evaluation, uint32_t forecast,
                                                  uint32_t horizon);
/* "1h", "0.25h" */
#define SPOTOPT__HORIZON_SIZE 40
void spotopt__horizon_text(double horizon_h, char out[SPOTOPT__HORIZON_SIZE]);
/* Fills scores once all columns stand. */
spotopt_status spotopt__evaluation_judge(spotopt_evaluation *evaluation, spotopt_error *err);
spotopt_evaluation *spotopt__evaluation_new(spotopt_context *context);
double *spotopt__evaluation_column(spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon);

/*
 * Rows of one horizon that were judged, as columns; those of a slice where by is not NULL: by[pool] == value.
 * Valid until the next call with the same picked; out.count 0 where there are none.
 */
typedef struct spotopt__picked {
    size_t count;
    double *p, *other, *time_s;
    uint8_t *y;
    uint32_t *pool;
} spotopt__picked;
bool spotopt__picked_init(spotopt__picked *picked, const spotopt_evaluation *evaluation);
void spotopt__picked_free(spotopt__picked *picked, const spotopt_evaluation *evaluation);
void spotopt__pick(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other, uint32_t horizon,
                   const uint32_t *by, uint32_t value, spotopt__picked *out);

/* Pools numbered by a key of theirs (region, family): by[pool], names by number. False: out of memory. */
enum { SPOTOPT__BY_REGION, SPOTOPT__BY_FAMILY, SPOTOPT__BY_POOL };
bool spotopt__slices_of(const spotopt_evaluation *evaluation, int key, uint32_t *by, const char **names,
                        uint32_t *out_count);

/* --- baselines.c --- */
/* What layers 1-2, the last day's rate and a constant say at moments; horizon after horizon. False: out of memory. */
enum { SPOTOPT__BASE_EVIDENCE, SPOTOPT__BASE_RECENT, SPOTOPT__BASE_CONSTANT, SPOTOPT__BASE_COUNT };
extern const char *const spotopt__base_names[SPOTOPT__BASE_COUNT];
bool spotopt__baseline(spotopt_context *context, const spotopt_history *history, int which, double fit_from_s,
                       double fit_to_s, const spotopt__decisions *at, const double *horizons_h,
                       uint32_t horizon_count, double *out);

/* --- gate.c --- */
/* The conditions that failed, in words, or an empty text. */
#define SPOTOPT__GATE_WORDS 400
spotopt_status spotopt__gate(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other, bool *out_passed,
                             spotopt__str *out_json, char words[SPOTOPT__GATE_WORDS], spotopt_error *err);

#endif
