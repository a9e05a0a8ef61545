/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CONTEXT_H
#define SPOTOPT_CONTEXT_H
#include "spotopt/export.h"
#include "spotopt/status.h"

/**
 * @file context.h
 * @brief What the library takes from its host: memory, log, clock, threads.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/**
 * Allocator, log sink, clock and thread count. Immutable, hence shared freely between threads;
 * every object keeps the context that it was made with alive. NULL in its place means the defaults:
 * the C library's heap, no log, the monotonic clock, one thread. @since 0.1
 */
typedef struct spotopt_context spotopt_context;

/**
 * One function for all of memory: `ptr` NULL allocates, `size` 0 releases (and returns NULL), else the
 * block is resized. Returns memory aligned for any type, or NULL when there is none; then `ptr` is as it
 * was. Called from the thread that called the library.
 */
typedef void *(*spotopt_realloc_fn)(void *user, void *ptr, size_t size);

/** Log levels, as syslog numbers them. */
enum {
    SPOTOPT_LOG_ERROR = 3,
    SPOTOPT_LOG_WARNING = 4,
    SPOTOPT_LOG_INFO = 6,
    SPOTOPT_LOG_DEBUG = 7
};

/** Receives one line without its line end. May be called from any thread that calls the library. */
typedef void (*spotopt_log_fn)(void *user, int32_t level, const char *text);

/** Returns seconds that never go back, from any start. */
typedef double (*spotopt_clock_fn)(void *user);

/** What a context is made of; zero or NULL in a field means its default. */
typedef struct spotopt_context_params {
    size_t size;                   /**< set by SPOTOPT_CONTEXT_PARAMS_INIT */
    spotopt_realloc_fn reallocate; /**< default: the C library's heap */
    void *alloc_user;              /**< handed to reallocate */
    spotopt_log_fn log;            /**< default: nothing is logged */
    void *log_user;                /**< handed to log */
    spotopt_clock_fn clock;        /**< default: CLOCK_MONOTONIC */
    void *clock_user;              /**< handed to clock */
    uint32_t threads;              /**< threads that a solve may use; default 1 */
    uint32_t reserved;             /**< 0 */
} spotopt_context_params;

/** The defaults of a struct, its size set: `= SPOTOPT_CONTEXT_PARAMS_INIT`. */
#define SPOTOPT_CONTEXT_PARAMS_INIT                                                            \
    { sizeof(spotopt_context_params), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0 }

/**
 * Make a context.
 *
 * @param params  copied; NULL for the defaults
 * @param out     the context, to be given back with spotopt_context_free()
 * @param err     details of a failure, or NULL
 * @retval SPOTOPT_OK         made
 * @retval SPOTOPT_E_VERSION  params is from a newer header and sets a field unknown here
 * @retval SPOTOPT_E_NOMEM    the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_context_new(const spotopt_context_params *params, spotopt_context **out, spotopt_error *err);

/** Give back a context, or NULL. Objects made with it keep working: they hold what they need. @since 0.1 */
SPOTOPT_API void spotopt_context_free(spotopt_context *context);

/**
 * Give back a text that the library wrote for the caller (functions named _write_), or NULL.
 *
 * @param context  the context that the writing object was made with
 * @param text     from the library
 * @since 0.1
 */
SPOTOPT_API void spotopt_text_free(spotopt_context *context, char *text);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_CONTEXT_H */
