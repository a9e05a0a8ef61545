/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_METRICS_H
#define SPOTOPT_RISK_METRICS_H
#include "base/base.h"

/* Forecasts of one horizon that came true or did not, by rising forecast (stable). Days and pools are dense. */
typedef struct spotopt__sorted {
    size_t count;
    double *p; /* 0..1 */
    uint8_t *y;
    uint32_t *day, *pool; /* < days, < pools; days in order of time */
    uint32_t days, pools;
} spotopt__sorted;

/* --- metrics.c --- */
/* Sorts key and with it index, both `count` long, rising and stable. False: out of memory. */
bool spotopt__sort_by_key(spotopt_context *context, uint64_t *key, uint32_t *index, size_t count);
/* Sorted rows from columns in any order; pool may be NULL (one pool). count < 2^32. False: out of memory. */
bool spotopt__sorted_make(spotopt_context *context, const double *p, const uint8_t *y, const double *time_s,
                        const uint32_t *pool, size_t count, spotopt__sorted *out);
void spotopt__sorted_free(spotopt_context *context, spotopt__sorted *rows);

/* The chance that a row with y = 1 has the higher forecast, ties one half. NaN where one of the two kinds is missing. */
double spotopt__auc(const double *p, const uint8_t *y, size_t count);

#define SPOTOPT__BINS 10
/* One point of the reliability curve. */
typedef struct spotopt__bin {
    size_t count;
    double low, high;       /* of its forecasts */
    double forecast, seen;  /* means */
} spotopt__bin;

typedef struct spotopt__scores {
    size_t count;
    uint32_t days;
    double base_rate, reference; /* reference: what a forecast without skill says */
    double auc, within_pool_auc, brier, bss, ece, log_loss;
    double auc_low, auc_high, bss_low, bss_high; /* 95 % */
    double reliability, resolution, uncertainty, within_bin;
    uint32_t bin_count;
    spotopt__bin bins[SPOTOPT__BINS];
} spotopt__scores;

/* All of it but the intervals (NaN). reference NaN: the rows' own base rate. rows.count > 0. False: out of memory. */
bool spotopt__scores_make(spotopt_context *context, const spotopt__sorted *rows, double reference,
                          spotopt__scores *out);

/* --- bootstrap.c --- */
/* Intervals of auc and bss by drawing whole days. False: out of memory. */
bool spotopt__scores_bootstrap(spotopt_context *context, const spotopt__sorted *rows, uint32_t draws, uint64_t seed,
                               spotopt__scores *io);

/* One forecast against another on the same rows. */
typedef struct spotopt__gain {
    double gain, low, high;       /* Brier skill of the first less that of the second; 95 % */
    double brier_gain, better_frac; /* Brier score of the second less the first's; share of draws with a gain > 0 */
} spotopt__gain;
/* Columns as for spotopt__sorted_make. */
bool spotopt__gain_make(spotopt_context *context, const double *p, const double *other, const uint8_t *y,
                        const double *time_s, size_t count, double reference, uint32_t draws, uint64_t seed,
                        spotopt__gain *out);
/* Dense numbers of the days of times, in order of time. False: out of memory. */
bool spotopt__days_of(spotopt_context *context, const double *time_s, size_t count, uint32_t *out_day,
                      uint32_t *out_days);

#endif
