/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_LEDGER_H
#define SPOTOPT_LEDGER_H
#include "spotopt/context.h"

/**
 * @file ledger.h
 * @brief What happened to a fleet, as rows with times: the Events file. Rows are added, never changed.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** The rows of an Events file as columns. Threads: one writer, or any number of readers. @since 0.1 */
typedef struct spotopt_ledger spotopt_ledger;

/** What subscribers are told of. */
enum {
    SPOTOPT_EVENT_SWITCH = 1,   /**< a row of type "switch" */
    SPOTOPT_EVENT_OVERRIDE = 2, /**< a row of type "override" */
    SPOTOPT_EVENT_BATCH = 3     /**< a row of type "batch": progress of a clean-up or a move */
};

/** One row, as a subscriber sees it. Texts are never NULL and valid during the call alone. */
typedef struct spotopt_event {
    size_t size;         /**< of this struct, set by the library */
    int64_t time_ms;     /**< UTC */
    int32_t kind;        /**< SPOTOPT_EVENT_... */
    int32_t reserved;    /**< 0 */
    const char *id;      /**< of the override, the batch or the switch, "" where it has none */
    const char *state;   /**< such as "executed", "set", "running" */
    const char *scope;   /**< of an override; else "" */
    const char *target;  /**< of an override; the instance of a switch; else "" */
    const char *cluster; /**< of a switch; else "" */
    const char *from_pool; /**< of a switch; else "" */
    const char *to_pool; /**< of a switch; else "" */
    const char *reason;  /**< "" where the row has none */
    double done_frac;    /**< of a batch, 0..1; else NaN */
} spotopt_event;

/** Told of each row as it is added, in order. It must not touch the ledger. */
typedef void (*spotopt_event_fn)(void *user, const spotopt_event *event);

/**
 * Read an Events file: JSON lines, `time_ms` and `type` in each; docs/formats.md, "Events", lists the types. Rows may
 * stand in any order; rows of types that are not known are passed over with one warning.
 * @param name  of the file, for messages; NULL for "ledger"
 * @retval SPOTOPT_E_INPUT  a row is bad, or tells what cannot be; the message names the line
 * @retval SPOTOPT_E_NOMEM  the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_ledger_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                     spotopt_ledger **out, spotopt_error *err);
/** Give back a ledger, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_ledger_free(spotopt_ledger *ledger);
/**
 * Add rows, whole lines, and tell the subscriber of those that concern it. On failure the ledger is as it was and
 * nobody was told. Costs a pass over the ledger: add many rows at once.
 * @retval SPOTOPT_E_INPUT  a row is bad; lines count on from those that were read before
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_ledger_append(spotopt_ledger *ledger, const char *text, size_t length, spotopt_error *err);
/** Have a function told of rows that spotopt_ledger_append() adds from now on; NULL: nobody. @since 0.1 */
SPOTOPT_API void
spotopt_ledger_subscribe(spotopt_ledger *ledger, spotopt_event_fn told, void *user);
/** The number of rows that were understood. @since 0.1 */
SPOTOPT_API size_t spotopt_ledger_count(const spotopt_ledger *ledger);
/** The time of the last row, UTC milliseconds; -1 in an empty ledger. @since 0.1 */
SPOTOPT_API int64_t spotopt_ledger_last_ms(const spotopt_ledger *ledger);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_LEDGER_H */
