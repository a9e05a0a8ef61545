/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_FUNNEL_H
#define SPOTOPT_FUNNEL_H
#include "spotopt/context.h"

/**
 * @file funnel.h
 * @brief How many candidates fell at which stage of a decision, and why.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/**
 * Counts by stage and reason. Holds at any time: of each stage, in = out + sum of drops; out of a stage = in of
 * the next. Threads: one writer, or any number of readers. @since 0.1
 */
typedef struct spotopt_funnel spotopt_funnel;

/** An empty funnel, to merge others into. Free with spotopt_funnel_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_funnel_new(spotopt_context *context, spotopt_funnel **out, spotopt_error *err);
/** Give back a funnel, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_funnel_free(spotopt_funnel *funnel);
/**
 * Read the funnel of a Plan or Ranking document, or a Funnel document.
 * @retval SPOTOPT_E_INPUT  the document is bad, or its counts do not add up; the message names the place
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_funnel_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                     spotopt_funnel **out, spotopt_error *err);
/** Add another's counts, stage by stage; in any order the result is the same. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_funnel_merge(spotopt_funnel *funnel, const spotopt_funnel *other, spotopt_error *err);
/** Stages of a decision, in order. */
enum {
    SPOTOPT_STAGE_SCOPE = 0,
    SPOTOPT_STAGE_FITS = 1,
    SPOTOPT_STAGE_ALLOWED = 2,
    SPOTOPT_STAGE_PRICE_CAP = 3,
    SPOTOPT_STAGE_RISK_CAP = 4,
    SPOTOPT_STAGE_OBTAINABLE = 5,
    SPOTOPT_STAGE_QUOTA = 6
};

/** Why a candidate left; each reason belongs to one stage. Bit 1 << reason stands for it in masks. */
enum {
    SPOTOPT_DROP_NONE = -1,            /**< it came through */
    SPOTOPT_DROP_NO_PRICE = 0,         /**< scope */
    SPOTOPT_DROP_WRONG_ARCH = 1,       /**< scope */
    SPOTOPT_DROP_TOO_SMALL = 2,        /**< fits */
    SPOTOPT_DROP_NO_POD_MAY_USE = 3,   /**< fits */
    SPOTOPT_DROP_SPOT_DISABLED = 4,    /**< allowed */
    SPOTOPT_DROP_FORCED_ON_DEMAND = 5, /**< allowed */
    SPOTOPT_DROP_FAMILY = 6,           /**< allowed */
    SPOTOPT_DROP_EXCLUDED = 7,         /**< allowed */
    SPOTOPT_DROP_PRICE_CAP = 8,        /**< price_cap */
    SPOTOPT_DROP_RISK_CAP = 9,         /**< risk_cap */
    SPOTOPT_DROP_NO_CAPACITY = 10,     /**< obtainable */
    SPOTOPT_DROP_QUOTA = 11            /**< quota */
};

/**
 * Counts what happens while it happens: a host that makes many decisions keeps one. Recording is wait-free, one or two
 * atomic additions. Threads: any number record and read at once; one thread ticks. @since 0.1
 */
typedef struct spotopt_recorder spotopt_recorder;

/**
 * An empty recorder.
 * @param now_s  seconds since 1970 UTC, or of any clock that spotopt_recorder_tick() goes on with
 * @param out    free with spotopt_recorder_free()
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_recorder_new(spotopt_context *context, double now_s, spotopt_recorder **out, spotopt_error *err);
/** Give back a recorder, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_recorder_free(spotopt_recorder *recorder);
/** One candidate: it left for a reason (SPOTOPT_DROP_...), or came through. Other reasons are not counted. @since 0.1 */
SPOTOPT_API void spotopt_recorder_add(spotopt_recorder *recorder, int32_t reason);
/** The same, with a bit 1 << reason for everything that spoke against it. @since 0.1 */
SPOTOPT_API void spotopt_recorder_add_explained(spotopt_recorder *recorder, int32_t reason, uint32_t mask);
/** One decision: pools chosen, and alternates named for them. @since 0.1 */
SPOTOPT_API void spotopt_recorder_decided(spotopt_recorder *recorder, uint64_t chosen, uint64_t alternates);
/** What a stage (SPOTOPT_STAGE_...) of one decision took, in seconds. @since 0.1 */
SPOTOPT_API void spotopt_recorder_took(spotopt_recorder *recorder, int32_t stage, double seconds);
/**
 * Say what time it is, so that windows know; once a second is enough, and a time that goes back is not heeded.
 * @retval SPOTOPT_E_NOMEM  the windows go on without this moment
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_recorder_tick(spotopt_recorder *recorder, double now_s, spotopt_error *err);
/**
 * What was counted in the trailing window before the last tick, and since it; windows up to a minute begin at a second
 * that was ticked, up to an hour at such a minute, up to a day at such an hour.
 * @param window_s  seconds, such as 60, 3600 or 86400; 0: everything
 * @param out       free with spotopt_funnel_free()
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_recorder_funnel(const spotopt_recorder *recorder, double window_s, spotopt_funnel **out, spotopt_error *err);

/** Write a Funnel document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_funnel_write(const spotopt_funnel *funnel, char **out_text, size_t *out_length, spotopt_error *err);
/** Write the counts as OpenMetrics text; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_funnel_write_openmetrics(const spotopt_funnel *funnel, char **out_text, size_t *out_length,
                                 spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_FUNNEL_H */
