/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_H
#define SPOTOPT_MODEL_H
#include "spotopt/catalog.h"
#include "spotopt/history.h"
#include "spotopt/options.h"

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

/**
 * Read a Model document. It may come from a stranger: sizes, ranges and every number are checked before use.
 *
 * @param text    UTF-8, `length` bytes
 * @param name    the document's, for messages; NULL for "model"
 * @param out     to be given back with spotopt_model_free()
 * @retval SPOTOPT_E_INPUT  the document is bad, or from a future version; the message names the place
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_model_parse(spotopt_context *context, const char *text, size_t length, const char *name, spotopt_model **out,
                    spotopt_error *err);
/**
 * Write the Model document, to be given back with spotopt_text_free(). Read and written again it is the same to the
 * byte. @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_model_write(const spotopt_model *model, char **out_text, size_t *out_length, spotopt_error *err);
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
    double to_s;                /**< end of that window, not in it */
    double calibrate_to_s; /**< calibrated on [to_s, calibrate_to_s); = to_s: not calibrated */
    double step_s;         /**< between decisions */
    double lost_share;     /**< share of a pool's nodes that one drop takes, 0..1 */
    uint64_t rows;         /**< decisions it was fitted to */
    uint64_t events;       /**< those of them whose pool lost a node within the last lead of the model */
    uint64_t pools;        /**< pools among them */
    uint32_t feature_count;    /**< features it looks at */
    uint32_t calibrator_count; /**< horizons it is calibrated at */
    uint32_t metric_count;     /**< numbers of the card */
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
    double value;       /**< NaN where it could not be computed */
    double low;  /**< of its 95 % interval; NaN where there is none */
    double high;        /**< likewise */
} spotopt_model_metric;

/** The defaults of a struct, its size set: `= SPOTOPT_MODEL_METRIC_INIT`. */
#define SPOTOPT_MODEL_METRIC_INIT { sizeof(spotopt_model_metric), NULL, 0.0, 0.0, 0.0, 0.0 }

/** A number of the card, by index below the card's metric_count. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_model_metric_at(const spotopt_model *model, size_t index, spotopt_model_metric *out, spotopt_error *err);

/** What a model makes of one feature: z = (x - mean) / scale adds (beta + gamma ln(lead hours) / 2) z to log-odds. */
typedef struct spotopt_model_feature {
    size_t size;       /**< set by SPOTOPT_MODEL_FEATURE_INIT */
    const char *name;  /**< static */
    const char *group; /**< that explanations add up by; static */
    double mean;       /**< in the fit window */
    double scale; /**< > 0 */
    double beta;       /**< effect at a lead of 1 h */
    double gamma;      /**< how it changes with ln(lead) */
} spotopt_model_feature;

/** The defaults of a struct, its size set: `= SPOTOPT_MODEL_FEATURE_INIT`. */
#define SPOTOPT_MODEL_FEATURE_INIT { sizeof(spotopt_model_feature), NULL, NULL, 0.0, 0.0, 0.0, 0.0 }

/** A feature of the model, by index below the card's feature_count. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_model_feature_at(const spotopt_model *model, size_t index, spotopt_model_feature *out, spotopt_error *err);

/** How a model is fitted. Times are seconds of the history's epoch. */
typedef struct spotopt_model_fit_params {
    size_t size;           /**< set by SPOTOPT_MODEL_FIT_PARAMS_INIT */
    double from_s;         /**< the hazard is fitted on decisions in [from_s, to_s) ... */
    double to_s;           /**< ... whose labels lie before to_s */
    double calibrate_to_s; /**< calibrators are fitted on [to_s, calibrate_to_s); = to_s: they stay where they start */
    double step_s;         /**< seconds between decisions, >= 1; default 900 */
    double ridge;          /**< of coefficients of standardised features, >= 1e-6; default 100 */
    uint32_t is_isotonic;  /**< 1: an isotonic map after each calibrator, for calibration windows of weeks */
    uint32_t is_free;      /**< 1: coefficients may have any sign, and no effect fades */
    uint32_t is_availability; /**< 1: the history shows launch probes, not held nodes; kept in the card */
    uint32_t reserved;        /**< 0 */
    const char *id;           /**< copied; NULL: "model" */
    const spotopt_catalog *catalog; /**< vendor signals of the pools, borrowed for the call; or NULL */
} spotopt_model_fit_params;

/** The defaults of a struct, its size set: `= SPOTOPT_MODEL_FIT_PARAMS_INIT`. The windows have none. */
#define SPOTOPT_MODEL_FIT_PARAMS_INIT \
    { sizeof(spotopt_model_fit_params), 0.0, 0.0, 0.0, 900.0, 100.0, 0, 0, 0, 0, NULL, NULL }

/**
 * Fit a model to a history: a discrete-time logistic hazard by ridge Newton steps (Allison 1982), its coefficients of
 * such signs that one more drop never lowers a risk, and one logistic calibrator a horizon (Platt 1999) that also
 * weighs the gamma-Poisson forecast of layer 2. The card's metrics stay empty: evaluating fills them.
 *
 * @param params   copied; its windows must be set
 * @param options  progress and cancel count; or NULL
 * @param out      free with spotopt_model_free()
 * @retval SPOTOPT_E_ARGUMENT   a window is empty, or a number off; the message names it
 * @retval SPOTOPT_E_INPUT      the history has no decision, or no drop, in the fit window, or no decision in the other
 * @retval SPOTOPT_E_CANCELLED  the progress callback asked to stop
 * @retval SPOTOPT_E_NOMEM      the allocator refused
 *
 * Windows of more than 2,000,000 decisions are thinned evenly. Linear in rows of the history plus decisions.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_model_fit(spotopt_context *context, const spotopt_history *history, const spotopt_model_fit_params *params,
                  const spotopt_options *options, spotopt_model **out, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_MODEL_H */
