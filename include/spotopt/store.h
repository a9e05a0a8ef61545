/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_STORE_H
#define SPOTOPT_STORE_H
#include "spotopt/context.h"
#include "spotopt/ledger.h"

/**
 * @file store.h
 * @brief Keeps the rows of a ledger in a database: libspotopt-store, a library of its own.
 *
 * It turns rows into a database and back and decides nothing: what a row means, and every number made
 * of rows, is libspotopt's. SQLite needs no server and is the default; PostgreSQL is reached by URL
 * where the library was built with it, with the same functions and the same answers.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** An open database. Threads: one at a time. Several processes may hold the same database open; one writes. @since 0.1 */
typedef struct spotopt_store spotopt_store;

/** How a store is opened; a sum. */
enum {
    SPOTOPT_STORE_READ_ONLY = 1, /**< the database must be there, with today's schema; nothing is written */
    SPOTOPT_STORE_MUST_EXIST = 2 /**< do not make a database that is not there */
};

/** The schema that this library writes; an older one is brought here when a store is opened for writing. */
#define SPOTOPT_STORE_SCHEMA 1

/** The measures of one instance, as a row of type "metrics" names them. */
#define SPOTOPT_STORE_MEASURES 5

/**
 * Open a database, make its tables where they are not there, and bring an older schema up to date, in one
 * transaction.
 *
 * @param url    `sqlite:PATH`, `postgresql://...` (what libpq takes), or `postgres://...`. A store in SQLite is
 *               the file and, while it is open, `PATH-wal` and `PATH-shm` beside it; not for network file systems
 * @param flags  a sum of SPOTOPT_STORE_...
 * @retval SPOTOPT_E_ARGUMENT  the URL is of no known kind, or this library was built without that database
 * @retval SPOTOPT_E_STATE     the schema is newer than this library, or older and the store is read-only
 * @retval SPOTOPT_E_STORE     the database is out of reach, refuses, or holds other tables; the message says what
 *                             it said and what to do
 * @retval SPOTOPT_E_NOMEM     the allocator refused
 *
 * The library's own memory comes from the context; the databases' own libraries use the C heap.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_open(spotopt_context *context, const char *url, uint32_t flags, spotopt_store **out,
                   spotopt_error *err);
/** Close a store, or NULL. What was acknowledged is kept without it. @since 0.1 */
SPOTOPT_API void spotopt_store_close(spotopt_store *store);

/**
 * Add rows of an Events file, all of them or none. Each is checked first as spotopt_ledger_parse() checks it.
 * When this returns SPOTOPT_OK the rows survive the end of the process by any means; a loss of power too, as far
 * as the disk writes what it says it wrote.
 *
 * The same row twice is one row: rows are the same when their bytes are, blanks around them aside. Of rows of type
 * "metrics" there is one for an instance and a time: the first that came. Rows of types that are not known are kept
 * and given back as they are.
 *
 * @param text       JSON lines; borrowed for the call
 * @param length     of text, bytes
 * @param name       of the text, for messages; NULL for "rows"
 * @param out_added  the number of rows that were new; NULL where unwanted
 * @retval SPOTOPT_E_INPUT  a row is bad; the message names its line
 * @retval SPOTOPT_E_STATE  the store is read-only
 * @retval SPOTOPT_E_STORE  the database refused, such as a full disk; nothing was added and the store can be used on
 * @retval SPOTOPT_E_NOMEM  no memory; nothing was added
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_append(spotopt_store *store, const char *text, size_t length, const char *name,
                     uint64_t *out_added, spotopt_error *err);

/** Measures of instances as columns, `count` long, borrowed for the call; a column that is NULL is not known. */
typedef struct spotopt_store_metrics {
    size_t size;                   /**< set by SPOTOPT_STORE_METRICS_INIT */
    size_t count;                  /**< rows */
    const int64_t *time_ms;        /**< UTC, >= 0 */
    const char *const *instance;   /**< names, not empty */
    const double *latency_ms;      /**< >= 0; NaN: not known, in each column */
    const double *throughput_rps;  /**< >= 0 */
    const double *error_frac;      /**< 0..1 */
    const double *cpu_free_frac;   /**< 0..1 */
    const double *memory_free_frac; /**< 0..1 */
} spotopt_store_metrics;

/** The defaults of a struct, its size set: `= SPOTOPT_STORE_METRICS_INIT`. */
#define SPOTOPT_STORE_METRICS_INIT                                                             \
    { sizeof(spotopt_store_metrics), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/**
 * Add measures of instances, the same rows as those of type "metrics", without text between: for many of them.
 * All or none; otherwise as spotopt_store_append().
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_append_metrics(spotopt_store *store, const spotopt_store_metrics *metrics,
                             uint64_t *out_added, spotopt_error *err);

/** Given one row without its line end, valid during the call alone. Returns 0 to go on; else reading stops. */
typedef int32_t (*spotopt_store_row_fn)(void *user, const char *line, size_t length);

/**
 * Read rows back, ordered by time; rows of one time in the order they came, measures of instances after the rest.
 * A row is the text that was added, but for measures, which are written anew with the same numbers.
 * @param from_ms  the first moment, UTC milliseconds
 * @param to_ms    the moment after the last
 * @retval SPOTOPT_E_CANCELLED  row asked to stop
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_read(spotopt_store *store, int64_t from_ms, int64_t to_ms, spotopt_store_row_fn row,
                   void *user, spotopt_error *err);

/**
 * The same rows as a ledger, to be given back with spotopt_ledger_free(). Takes memory for all of them.
 * @retval SPOTOPT_E_INPUT  the rows together tell what cannot be
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_ledger(spotopt_store *store, int64_t from_ms, int64_t to_ms, spotopt_ledger **out,
                     spotopt_error *err);

/** One measure over an hour. */
typedef struct spotopt_store_spread {
    uint64_t count; /**< rows that told it */
    double sum;     /**< over count, the mean; 0 where there are none */
    double least;   /**< NaN where there are none */
    double most;    /**< NaN where there are none */
} spotopt_store_spread;

/** One hour of the instances of a cluster. */
typedef struct spotopt_store_hour {
    size_t size;        /**< of this struct, set by the library */
    int64_t hour_ms;    /**< its start, UTC milliseconds */
    uint64_t instances; /**< that were measured in it */
    uint64_t rows;      /**< measures of them */
    spotopt_store_spread latency_ms; /**< of the rows that told it */
    spotopt_store_spread throughput_rps; /**< of the rows that told it */
    spotopt_store_spread error_frac; /**< of the rows that told it */
    spotopt_store_spread cpu_free_frac; /**< of the rows that told it */
    spotopt_store_spread memory_free_frac; /**< of the rows that told it */
} spotopt_store_hour;

/** Given one hour, valid during the call alone. Returns 0 to go on; else reading stops. */
typedef int32_t (*spotopt_store_hour_fn)(void *user, const spotopt_store_hour *hour);

/**
 * The hours of a dashboard, ordered: measures of a cluster's instances summed up by the hour, from sums kept as
 * rows are added; they outlive the rows they were made of. An instance is of the cluster that its last row of type
 * "start" names.
 * @param cluster  its name; NULL for every instance there is
 * @param from_ms  rounded down to the hour
 * @param to_ms    rounded up to the hour
 * @retval SPOTOPT_E_CANCELLED  hour asked to stop
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_hours(spotopt_store *store, const char *cluster, int64_t from_ms, int64_t to_ms,
                    spotopt_store_hour_fn hour, void *user, spotopt_error *err);

/** How long rows are kept; 0 in a field: forever. */
typedef struct spotopt_store_keep {
    size_t size;        /**< set by SPOTOPT_STORE_KEEP_INIT */
    int64_t metrics_ms; /**< measures of instances; their sums by the hour stay */
    int64_t hours_ms;   /**< the sums by the hour */
    int64_t logs_ms;    /**< rows of type "log" and "health" */
    int64_t prices_ms;  /**< rows of type "price"; the last one of each pool stays */
} spotopt_store_keep;

/** The defaults of a struct, its size set: `= SPOTOPT_STORE_KEEP_INIT`. */
#define SPOTOPT_STORE_KEEP_INIT                                                                \
    { sizeof(spotopt_store_keep), 0, 0, 0, 0 }

/**
 * Forget rows that are older than is wanted. The books themselves (starts, stops, switches, overrides, costs ...) are
 * never forgotten.
 * @param keep         in milliseconds before now_ms, each >= 0
 * @param now_ms       UTC milliseconds
 * @param out_removed  the number of rows forgotten; NULL where unwanted
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_forget(spotopt_store *store, const spotopt_store_keep *keep, int64_t now_ms,
                     uint64_t *out_removed, spotopt_error *err);

/**
 * Take the turn of those who read the books, decide and then write, such as spotopt_cleanup_apply()'s hosts: one store
 * has it at a time, until it is closed or its process ends by any means. Reading and appending need no turn.
 * In SQLite it is a lock of the file `PATH-lock`, which stays; in PostgreSQL an advisory lock of the connection, and
 * once that broke nothing is written any more.
 *
 * @param out_is_ours  1: this store has it, also when it had it before; 0: another one has. Does not wait
 * @retval SPOTOPT_E_STATE  the store is read-only
 * @retval SPOTOPT_E_STORE  the database refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_lock(spotopt_store *store, int32_t *out_is_ours, spotopt_error *err);

/**
 * Have the database check itself: SQLite's integrity and foreign keys; of PostgreSQL, that the tables answer.
 * @retval SPOTOPT_E_STORE  something is broken; the message has the first finding
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_store_check(spotopt_store *store, spotopt_error *err);

/** What is underneath: "sqlite" or "postgresql". Static. @since 0.1 */
SPOTOPT_API const char *spotopt_store_kind(const spotopt_store *store);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_STORE_H */
