/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres.c - a database on a server, by libpq.
 *
 * The tables stand in a schema of their own, "spotopt", so that a database may be shared. One
 * advisory lock makes writers take turns, as SQLite's do; a commit returns when the server has it
 * on its disk. A connection that broke is made anew with the next transaction or reading, and
 * statements with it. Where TimescaleDB is installed, measures of instances become its hypertable.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "spotopt/store.h"
#include "store/db.h"

#define PARAMETERS 24
#define WRITER_LOCK "7310868" /* any number, the same for all who write */
#define TURN_LOCK "7310869"
#define DAY_OF_CHUNK "86400000" /* milliseconds in a chunk of a hypertable */

typedef struct post {
    spotopt__db base;
    PGconn *connection;
    uint32_t generation; /* of the connection: statements of an older one are gone */
    uint32_t names;
    bool has_turn; /* its lock is the connection's */
} post;

struct spotopt__stmt {
    post *post;
    char *sql;
    char name[16];
    uint32_t generation;
    int count; /* parameters that were bound */
    const char *value[PARAMETERS];
    int length[PARAMETERS];
    int format[PARAMETERS]; /* 1: the bytes themselves, as texts go */
    char number[PARAMETERS][SPOTOPT__REAL_SIZE];
    PGresult *row; /* the one at hand */
    bool is_sent, is_over, is_too_long;
    int64_t changes;
};

static void
say_nothing(void *user, const char *message)
{
    (void)user;
    (void)message;
}

static spotopt_status
fail(post *p, const PGresult *result, spotopt_error *err)
{
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *said = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    char line[240];

    (void)spotopt__clean_line(line, sizeof line,
                              said != NULL ? said : PQerrorMessage(p->connection));
    if (state != NULL && strcmp(state, "53100") == 0)
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: %s; nothing was written: make room on its disk, then go on",
                             p->base.where, line);
    if (state != NULL && strcmp(state, "55P03") == 0)
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: another process has been writing for 10 s; try again",
                             p->base.where);
    if (PQstatus(p->connection) != CONNECTION_OK)
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: is out of reach: %s; want a server that answers there",
                             p->base.where, line);
    return spotopt__fail(err, SPOTOPT_E_STORE, "%s: %s", p->base.where, line);
}

static spotopt_status
exec(spotopt__db *db, const char *sql, spotopt_error *err)
{
    post *p = (post *)db;
    PGresult *result = PQexec(p->connection, sql);
    const ExecStatusType code = PQresultStatus(result);
    const spotopt_status status =
        code == PGRES_COMMAND_OK || code == PGRES_TUPLES_OK ? SPOTOPT_OK : fail(p, result, err);

    PQclear(result);
    return status;
}

/* What holds for a session of ours, whatever the server's own settings are. */
static spotopt_status
settle(post *p, spotopt_error *err)
{
    (void)PQsetNoticeProcessor(p->connection, say_nothing, NULL);
    p->generation++;
    if (PQsetClientEncoding(p->connection, "UTF8") != 0)
        return fail(p, NULL, err);
    return exec(&p->base,
                p->base.is_read_only
                    ? "SET search_path TO spotopt, public; SET extra_float_digits TO 3;"
                      "SET default_transaction_read_only TO on"
                    : "SET search_path TO spotopt, public; SET extra_float_digits TO 3;"
                      "SET synchronous_commit TO on; SET lock_timeout TO '10s'",
                err);
}

static spotopt_status
connected(post *p, spotopt_error *err)
{
    if (PQstatus(p->connection) == CONNECTION_OK)
        return SPOTOPT_OK;
    if (p->has_turn) /* somebody else may have it by now */
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: the connection broke, and the lock is gone with it; begin again",
                             p->base.where);
    PQreset(p->connection);
    return PQstatus(p->connection) == CONNECTION_OK ? settle(p, err) : fail(p, NULL, err);
}

static void
rollback(spotopt__db *db)
{
    post *p = (post *)db;

    if (PQstatus(p->connection) == CONNECTION_OK &&
        PQtransactionStatus(p->connection) != PQTRANS_IDLE)
        PQclear(PQexec(p->connection, "ROLLBACK"));
}

static spotopt_status
begin(spotopt__db *db, spotopt_error *err)
{
    spotopt_status status = connected((post *)db, err);

    if (status == SPOTOPT_OK)
        status = exec(db, "BEGIN", err);
    if (status == SPOTOPT_OK)
        status = exec(db, "SELECT pg_advisory_xact_lock(" WRITER_LOCK ")", err);
    if (status != SPOTOPT_OK)
        rollback(db);
    return status;
}

static spotopt_status
commit(spotopt__db *db, spotopt_error *err)
{
    return exec(db, "COMMIT", err);
}

/* --- statements --- */

static spotopt_status
prepare(spotopt__db *db, const char *sql, spotopt__stmt **out, spotopt_error *err)
{
    post *p = (post *)db;
    spotopt__stmt *stmt = spotopt__alloc(db->context, sizeof *stmt);

    if (stmt == NULL)
        return spotopt__nomem(err, "a statement");
    stmt->post = p;
    stmt->sql = spotopt__dup_text(db->context, sql);
    if (stmt->sql == NULL) {
        spotopt__free(db->context, stmt);
        return spotopt__nomem(err, "a statement");
    }
    (void)snprintf(stmt->name, sizeof stmt->name, "s%u", (unsigned)p->names++);
    *out = stmt; /* the server hears of it with its first step */
    return SPOTOPT_OK;
}

static void
bind(spotopt__stmt *stmt, int at, const char *value, size_t length, int format)
{
    assert(at >= 1 && at <= PARAMETERS);
    if (length > INT32_MAX)
        stmt->is_too_long = true;
    stmt->value[at - 1] = value;
    stmt->length[at - 1] = (int)length;
    stmt->format[at - 1] = format;
    if (at > stmt->count)
        stmt->count = at;
}

static void
bind_int(spotopt__stmt *stmt, int at, int64_t value)
{
    (void)snprintf(stmt->number[at - 1], SPOTOPT__REAL_SIZE, "%lld", (long long)value);
    bind(stmt, at, stmt->number[at - 1], 0, 0);
}

static void
bind_real(spotopt__stmt *stmt, int at, double value)
{
    if (!isnan(value))
        (void)spotopt__write_real(value, stmt->number[at - 1]);
    bind(stmt, at, isnan(value) ? NULL : stmt->number[at - 1], 0, 0);
}

static void
bind_text(spotopt__stmt *stmt, int at, const char *text, size_t length)
{
    bind(stmt, at, text, length, 1);
}

static spotopt_status
send(spotopt__stmt *stmt, spotopt_error *err)
{
    post *p = stmt->post;
    spotopt_status status = SPOTOPT_OK;

    if (stmt->is_too_long)
        return spotopt__fail(err, SPOTOPT_E_STORE, "%s: a text is longer than it takes (2 GiB)",
                             p->base.where);
    if (PQtransactionStatus(p->connection) == PQTRANS_UNKNOWN) /* the connection is gone */
        status = connected(p, err);
    if (status == SPOTOPT_OK && stmt->generation != p->generation) {
        PGresult *result = PQprepare(p->connection, stmt->name, stmt->sql, 0, NULL);

        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            status = fail(p, result, err);
        else
            stmt->generation = p->generation;
        PQclear(result);
    }
    if (status == SPOTOPT_OK &&
        (PQsendQueryPrepared(p->connection, stmt->name, stmt->count, stmt->value, stmt->length,
                             stmt->format, 0) != 1 ||
         PQsetSingleRowMode(p->connection) != 1))
        status = fail(p, NULL, err);
    stmt->is_sent = status == SPOTOPT_OK;
    return status;
}

/* A row at a time, so that reading much takes little memory. */
static spotopt_status
step(spotopt__stmt *stmt, bool *out_has_row, spotopt_error *err)
{
    post *p = stmt->post;
    spotopt_status status = SPOTOPT_OK;

    *out_has_row = false;
    PQclear(stmt->row);
    stmt->row = NULL;
    if (!stmt->is_sent && !stmt->is_over) {
        stmt->changes = 0;
        status = send(stmt, err);
    }
    while (status == SPOTOPT_OK && !stmt->is_over) {
        PGresult *result = PQgetResult(p->connection);

        if (result == NULL) {
            stmt->is_over = true;
            break;
        }
        switch (PQresultStatus(result)) {
        case PGRES_SINGLE_TUPLE:
            stmt->row = result;
            *out_has_row = true;
            return SPOTOPT_OK;
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
            stmt->changes = strtoll(PQcmdTuples(result), NULL, 10);
            break;
        default:
            status = fail(p, result, err);
        }
        PQclear(result);
    }
    return status;
}

static const char *
value_of(spotopt__stmt *stmt, int column)
{
    return stmt->row == NULL || PQgetisnull(stmt->row, 0, column)
               ? NULL
               : PQgetvalue(stmt->row, 0, column);
}

static int64_t
get_int(spotopt__stmt *stmt, int column)
{
    const char *text = value_of(stmt, column);

    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static double
get_real(spotopt__stmt *stmt, int column)
{
    const char *text = value_of(stmt, column);
    double value = NAN;

    return text != NULL && spotopt__parse_real(text, strlen(text), &value) ? value : NAN;
}

static const char *
get_text(spotopt__stmt *stmt, int column, size_t *out_length)
{
    const char *text = value_of(stmt, column);

    *out_length = text == NULL ? 0 : (size_t)PQgetlength(stmt->row, 0, column);
    return text;
}

static int64_t
changes(spotopt__stmt *stmt)
{
    return stmt->changes;
}

static void
reset(spotopt__stmt *stmt)
{
    PQclear(stmt->row);
    stmt->row = NULL;
    if (stmt->is_sent && !stmt->is_over) {
        PGresult *result;

        while ((result = PQgetResult(stmt->post->connection)) != NULL)
            PQclear(result);
    }
    stmt->is_sent = stmt->is_over = stmt->is_too_long = false;
}

static void
finish(spotopt__stmt *stmt)
{
    if (stmt == NULL)
        return;
    reset(stmt);
    if (stmt->generation != 0 && stmt->generation == stmt->post->generation &&
        PQtransactionStatus(stmt->post->connection) != PQTRANS_INERROR) {
        char sql[40];

        (void)snprintf(sql, sizeof sql, "DEALLOCATE %s", stmt->name);
        PQclear(PQexec(stmt->post->connection, sql));
    }
    spotopt__free(stmt->post->base.context, stmt->sql);
    spotopt__free(stmt->post->base.context, stmt);
}

/* --- the database --- */

static spotopt_status
check(spotopt__db *db, spotopt_error *err)
{
    spotopt_status status = connected((post *)db, err);

    return status == SPOTOPT_OK
               ? exec(db,
                      "SELECT count(*) FROM events; SELECT count(*) FROM metrics;"
                      "SELECT count(*) FROM metric_hours; SELECT count(*) FROM instances",
                      err)
               : status;
}

static bool
has(post *p, const char *sql)
{
    PGresult *result = PQexec(p->connection, sql);
    const bool is_there = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0;

    PQclear(result);
    return is_there;
}

static spotopt_status
made(spotopt__db *db, spotopt_error *err)
{
    if (!has((post *)db, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"))
        return SPOTOPT_OK;
    return exec(
        db,
        "SELECT create_hypertable('metrics', 'time_ms', chunk_time_interval => " DAY_OF_CHUNK
        ", if_not_exists => TRUE, migrate_data => TRUE)",
        err);
}

static spotopt_status
lock(spotopt__db *db, bool *out_is_ours, spotopt_error *err)
{
    post *p = (post *)db;
    spotopt_status status = connected(p, err);
    PGresult *result;

    *out_is_ours = p->has_turn;
    if (status != SPOTOPT_OK || p->has_turn)
        return status;
    result = PQexec(p->connection, "SELECT pg_try_advisory_lock(" TURN_LOCK ")");
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        *out_is_ours = p->has_turn = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    else
        status = fail(p, result, err);
    PQclear(result);
    return status;
}

static void
close_db(spotopt__db *db)
{
    post *p = (post *)db;

    if (p->has_turn) /* the server would hear of the end a moment later */
        PQclear(PQexec(p->connection, "SELECT pg_advisory_unlock(" TURN_LOCK ")"));
    PQfinish(p->connection);
    spotopt__free(db->context, p);
}

static const spotopt__db_kind kind = {
    .name = "postgresql",
    .identity = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    .clustered = "",
    .has_schema = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                  "WHERE n.nspname = 'spotopt' AND c.relname = 'spotopt_schema'",
    .has_others = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                  "WHERE n.nspname = 'spotopt'",
    .exec = exec,
    .prepare = prepare,
    .begin = begin,
    .commit = commit,
    .lock = lock,
    .rollback = rollback,
    .made = made,
    .check = check,
    .close = close_db,
    .bind_int = bind_int,
    .bind_real = bind_real,
    .bind_text = bind_text,
    .step = step,
    .get_int = get_int,
    .get_real = get_real,
    .get_text = get_text,
    .changes = changes,
    .reset = reset,
    .finish = finish,
};

static spotopt_status
make_schema(post *p, uint32_t flags, spotopt_error *err)
{
    spotopt_status status;

    if (p->base.is_read_only || has(p, "SELECT 1 FROM pg_namespace WHERE nspname = 'spotopt'"))
        return SPOTOPT_OK;
    if (PQstatus(p->connection) != CONNECTION_OK)
        return fail(p, NULL, err);
    if ((flags & SPOTOPT_STORE_MUST_EXIST) != 0)
        return spotopt__fail(err, SPOTOPT_E_STORE, "%s: has no store; want one that is there",
                             p->base.where);
    status = begin(&p->base, err);
    if (status == SPOTOPT_OK)
        status = exec(&p->base, "CREATE SCHEMA IF NOT EXISTS spotopt", err);
    if (status == SPOTOPT_OK)
        status = commit(&p->base, err);
    if (status != SPOTOPT_OK)
        rollback(&p->base);
    return status;
}

spotopt_status
spotopt__postgres_open(spotopt_context *context, const char *url, uint32_t flags, spotopt__db **out,
                       spotopt_error *err)
{
    PQconninfoOption *parts = PQconninfoParse(url, NULL);
    spotopt_status status;
    post *p;

    if (parts == NULL) /* what libpq says of it may quote a password */
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "the URL of PostgreSQL is none that libpq takes; want "
                             "postgresql://USER@HOST:PORT/DATABASE");
    PQconninfoFree(parts);
    p = spotopt__alloc(context, sizeof *p);
    if (p == NULL)
        return spotopt__nomem(err, "a store");
    p->base.kind = &kind;
    p->base.context = context;
    p->base.is_read_only = (flags & SPOTOPT_STORE_READ_ONLY) != 0;
    p->connection = PQconnectdb(url);
    (void)snprintf(p->base.where, sizeof p->base.where, "postgresql");
    if (p->connection == NULL)
        status = spotopt__nomem(err, "a store");
    else {
        const char *name = PQdb(p->connection);

        if (name != NULL && name[0] != '\0') {
            char line[120];

            (void)spotopt__clean_line(line, sizeof line, name);
            (void)snprintf(p->base.where, sizeof p->base.where, "postgresql database %s", line);
        }
        status = PQstatus(p->connection) == CONNECTION_OK ? settle(p, err) : fail(p, NULL, err);
    }
    if (status == SPOTOPT_OK)
        status = make_schema(p, flags, err);
    if (status == SPOTOPT_OK)
        *out = &p->base;
    else
        close_db(&p->base);
    return status;
}
