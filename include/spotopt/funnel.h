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
/** Write a Funnel document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_funnel_write(const spotopt_funnel *funnel, char **out_text, size_t *out_length, spotopt_error *err);
/** Write the counts as OpenMetrics text; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_funnel_write_openmetrics(const spotopt_funnel *funnel, char **out_text, size_t *out_length,
                                 spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_FUNNEL_H */
