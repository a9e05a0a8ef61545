/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_FEATURES_H
#define SPOTOPT_RISK_FEATURES_H
#include "model/catalog.h"
#include "model/history.h"

/* The table of features: a model names those it uses, explanations add up by feature and by group. */
typedef struct spotopt__feature {
    const char *name;  /* as in a model document, such as "hours_since_drop_log" */
    const char *group; /* such as "recency", "rate", "uptime", "siblings", "age", "vendor" */
    const char *help;
    int sign; /* of its effect on risk that is enforced in a fit: 1, -1, or 0 for free */
    bool fades; /* its effect ends with the longest lead: what moves fast, or tells pools apart rather than moments */
    bool is_retired; /* models of before may have it; new ones are not fitted with it */
} spotopt__feature;

extern const spotopt__feature spotopt__features[];
extern const uint32_t spotopt__feature_count;
/* Its index in the table, or SPOTOPT__NONE. */
uint32_t spotopt__feature_find(const char *name);

/*
 * Values of all features of the table at moments ordered by series, then time, as columns: feature f of row i is
 * out[f * count + i]. Only rows at or before the moment are looked at. Values are finite, whatever the history.
 * `catalog` may be NULL (vendor signals are then at their neutral value). Linear in rows of the history plus
 * moments (and, for siblings, in regions times distinct moments). False: out of memory.
 *
 * `out_evidence`, where not NULL, gets the pool's drops (count of them) and then its hours with nodes up (count of
 * them), both decayed by exp(-age / tau_h): what layer 2 knows.
 */
bool spotopt__features_at(spotopt_context *context, const spotopt_history *history, const spotopt_catalog *catalog,
                          const uint32_t *series, const double *time_s, size_t count, double tau_h, double *out,
                          double *out_evidence);

#endif
