/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_OPTIONS_H
#define SPOTOPT_OPTIONS_H
#include "spotopt/context.h"

/**
 * @file options.h
 * @brief Every knob of every long call, from one table, by name.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A set of option values. Threads: one writer, or any number of readers. @since 0.1 */
typedef struct spotopt_options spotopt_options;

/** Option types. */
enum {
    SPOTOPT_OPT_REAL = 1,
    SPOTOPT_OPT_INT = 2
};

/** One row of the option table; the texts are static. */
typedef struct spotopt_option_info {
    size_t size;         /**< set by SPOTOPT_OPTION_INFO_INIT */
    const char *key;     /**< such as "gap_rel" */
    const char *unit;    /**< "" where it has none */
    const char *since;   /**< the version that brought it */
    const char *help;    /**< one line */
    double default_value; /**< of an INT option: a whole number */
    double min_value;    /**< smallest value accepted */
    double max_value;    /**< largest value accepted */
    int32_t type;        /**< SPOTOPT_OPT_REAL or SPOTOPT_OPT_INT */
    int32_t reserved;    /**< 0 */
} spotopt_option_info;

/** The defaults of a struct, its size set: `= SPOTOPT_OPTION_INFO_INIT`. */
#define SPOTOPT_OPTION_INFO_INIT                                                               \
    { sizeof(spotopt_option_info), NULL, NULL, NULL, NULL, 0.0, 0.0, 0.0, 0, 0 }

/** How a long call is getting on; its numbers are a snapshot. */
typedef struct spotopt_progress {
    size_t size;       /**< of this struct, set by the library */
    const char *stage; /**< such as "pack"; static */
    double done_frac;  /**< 0..1, or -1 where unknown */
    double cost;       /**< of the best answer so far; infinite when there is none */
    double bound;      /**< proven so far; 0 when there is none */
    double seconds;    /**< since the call began, by the context's clock */
} spotopt_progress;

/**
 * Called now and then, at least every 100 ms outside single steps of the LP engine, on the thread that
 * called the library. Returns 0 to go on; anything else cancels: the call then returns its best answer.
 */
typedef int32_t (*spotopt_progress_fn)(void *user, const spotopt_progress *progress);

/** Make options that hold every default. Free with spotopt_options_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_options_new(spotopt_context *context, spotopt_options **out, spotopt_error *err);

/** Give back options, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_options_free(spotopt_options *options);

/**
 * Set a real option (or an int option, to a whole number).
 * @retval SPOTOPT_E_ARGUMENT  unknown key (the message suggests the nearest), or value out of its range
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_options_set_real(spotopt_options *options, const char *key, double value, spotopt_error *err);

/** Set an int option. Fails as spotopt_options_set_real() does. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_options_set_int(spotopt_options *options, const char *key, int64_t value, spotopt_error *err);

/**
 * Set an option from text, as `--set key=value` does; the number is read in the C locale.
 * Fails as spotopt_options_set_real() does. @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_options_set_text(spotopt_options *options, const char *key, const char *value, spotopt_error *err);

/** Read an option of either type. @retval SPOTOPT_E_ARGUMENT  unknown key @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_options_get_real(const spotopt_options *options, const char *key, double *out, spotopt_error *err);

/** Watch long calls, or stop them; NULL for no callback. @since 0.1 */
SPOTOPT_API void
spotopt_options_set_progress(spotopt_options *options, spotopt_progress_fn progress, void *user);

/** The number of rows of the option table. @since 0.1 */
SPOTOPT_API size_t spotopt_option_count(void);

/**
 * Read a row of the option table.
 * @param index  below spotopt_option_count()
 * @param out    its size field is set by the caller
 * @retval SPOTOPT_E_ARGUMENT  index is off
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_option_at(size_t index, spotopt_option_info *out, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_OPTIONS_H */
