/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_STORE_DB_H
#define SPOTOPT_STORE_DB_H
/*
 * What the store asks of a database. Statements are written once, in the SQL that SQLite and PostgreSQL
 * share; parameters are $1, $2 ... and appear in this order.
 */
#include <stdbool.h>

#include "base/base.h"

typedef struct spotopt__db spotopt__db;
typedef struct spotopt__stmt spotopt__stmt;

typedef struct spotopt__db_kind {
    const char *name;
    const char *identity; /* how a table says "a number of its own" */
    const char *clustered; /* the end of a table that is kept in the order of its primary key */
    const char *has_schema; /* a query: is there a table spotopt_schema? */
    const char *has_others; /* a query: are there tables that are nobody's we know? */
    /* Any number of statements without parameters. */
    spotopt_status (*exec)(spotopt__db *db, const char *sql, spotopt_error *err);
    spotopt_status (*prepare)(spotopt__db *db, const char *sql, spotopt__stmt **out,
                              spotopt_error *err);
    /* A transaction; begin waits until no other process writes. */
    spotopt_status (*begin)(spotopt__db *db, spotopt_error *err);
    spotopt_status (*commit)(spotopt__db *db, spotopt_error *err);
    void (*rollback)(spotopt__db *db);
    spotopt_status (*made)(spotopt__db *db, spotopt_error *err); /* tables were; NULL: fine */
    spotopt_status (*check)(spotopt__db *db, spotopt_error *err);
    /* The turn of those who change the books in several steps, until close. Does not wait. */
    spotopt_status (*lock)(spotopt__db *db, bool *out_is_ours, spotopt_error *err);
    void (*close)(spotopt__db *db);

    /* A statement; what a bind could not do, step tells. Texts are borrowed until reset. */
    void (*bind_int)(spotopt__stmt *stmt, int at, int64_t value);
    void (*bind_real)(spotopt__stmt *stmt, int at, double value); /* NaN: null */
    void (*bind_text)(spotopt__stmt *stmt, int at, const char *text, size_t length); /* NULL: null */
    spotopt_status (*step)(spotopt__stmt *stmt, bool *out_has_row, spotopt_error *err);
    int64_t (*get_int)(spotopt__stmt *stmt, int column); /* from 0; null: 0 */
    double (*get_real)(spotopt__stmt *stmt, int column); /* null: NaN */
    const char *(*get_text)(spotopt__stmt *stmt, int column, size_t *out_length); /* null: NULL */
    int64_t (*changes)(spotopt__stmt *stmt); /* rows that the last step wrote */
    void (*reset)(spotopt__stmt *stmt);
    void (*finish)(spotopt__stmt *stmt); /* NULL too */
} spotopt__db_kind;

struct spotopt__db {
    const spotopt__db_kind *kind;
    spotopt_context *context; /* held by the store */
    bool is_read_only;
    char where[160]; /* for messages: no password in it */
};

/* Open what a URL names. */
spotopt_status spotopt__sqlite_open(spotopt_context *context, const char *path, uint32_t flags,
                                    spotopt__db **out, spotopt_error *err);
spotopt_status spotopt__postgres_open(spotopt_context *context, const char *url, uint32_t flags,
                                      spotopt__db **out, spotopt_error *err);
/* Make the tables, or bring them up to date, or refuse. */
spotopt_status spotopt__migrate(spotopt__db *db, spotopt_error *err);

#endif
