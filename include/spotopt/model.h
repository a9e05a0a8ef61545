/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_H
#define SPOTOPT_MODEL_H
#include "spotopt/context.h"

/**
 * @file model.h
 * @brief A risk model: coefficients of the hazard, its calibration, and the card that says what it was made of.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/**
 * A fitted model (docs/algorithms.md, "Risk"). Never changed once it was given to a caller. Threads: read by any
 * number. @since 0.1
 */
typedef struct spotopt_model spotopt_model;

/** Give back a model, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_model_free(spotopt_model *model);

/** What a model was made of. Texts belong to the model. Times are seconds of the history's epoch. */
typedef struct spotopt_model_card {
    size_t size;                /**< set by SPOTOPT_MODEL_CARD_INIT */
    const char *id;             /**< 1 to 64 of A-Z a-z 0-9 . _ - */
    const char *target;         /**< "drop": held nodes that were lost; "availability": launch probes that failed */
    const char *history_sha256; /**< of the history it was fitted to, 64 hexadecimal digits, or "" */
    const char *limits;         /**< in words: what it does not know */
    double from_s;              /**< fitted on decisions in [from_s, to_s) */
    double to_s;
    double calibrate_to_s; /**< calibrated on [to_s, calibrate_to_s); = to_s: not calibrated */
    double step_s;         /**< between decisions */
    double lost_share;     /**< share of a pool's nodes that one drop takes, 0..1 */
    uint64_t rows;         /**< decisions it was fitted to */
    uint64_t events;       /**< those of them whose pool lost a node within the last lead of the model */
    uint64_t pools;        /**< pools among them */
    uint32_t feature_count;
    uint32_t calibrator_count;
    uint32_t metric_count;
    uint32_t reserved; /**< 0 */
} spotopt_model_card;

/** The defaults of a struct, its size set: `= SPOTOPT_MODEL_CARD_INIT`. */
#define SPOTOPT_MODEL_CARD_INIT                                                                     \
    { sizeof(spotopt_model_card), NULL, NULL, NULL, NULL, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0 }

/** The model's card. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_model_card_get(const spotopt_model *model, spotopt_model_card *out, spotopt_error *err);

/** A number of the card. */
typedef struct spotopt_model_metric {
    size_t size;        /**< set by SPOTOPT_MODEL_METRIC_INIT */
    const char *metric; /**< such as "auc", "bss", "ece"; the model's */
    double horizon_h;   /**< hours ahead */
    double value;
    double low;  /**< of its 95 % interval; NaN where there is none */
    double high;
} spotopt_model_metric;

/** The defaults of a struct, its size set: `= SPOTOPT_MODEL_METRIC_INIT`. */
#define SPOTOPT_MODEL_METRIC_INIT { sizeof(spotopt_model_metric), NULL, 0.0, 0.0, 0.0, 0.0 }

/** A number of the card, by index below the card's metric_count. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_model_metric_at(const spotopt_model *model, size_t index, spotopt_model_metric *out, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_MODEL_H */
