/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.c - a database in a file of its own.
 *
 * The write-ahead log lets readers read while one writes. synchronous is FULL: a commit returns
 * after the log is on the disk, so that an acknowledged row survives a killed process and a loss of
 * power; a batch costs one flush. The log is carried over into the file every so often and when it
 * is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "spotopt/store.h"
#include "store/db.h"

#define BUSY_MS 10000 /* how long to wait for another writer */

typedef struct lite {
    spotopt__db base;
    sqlite3 *db;
    int turn; /* descriptor of the file whose lock is ours; -1: none is */
} lite;

struct spotopt__stmt {
    lite *lite;
    sqlite3_stmt *at;
    int bound; /* the first failure of a bind */
};

static spotopt_status
fail(lite *l, int code, spotopt_error *err)
{
    const char *said = l->db != NULL ? sqlite3_errmsg(l->db) : sqlite3_errstr(code);

    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return spotopt__nomem(err, "the database");
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: %s; nothing was written: make room on its disk, then go on",
                             l->base.where, said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: another process has been writing for %d s; try again",
                             l->base.where, BUSY_MS / 1000);
    case SQLITE_CANTOPEN:
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: %s; want a file in a folder that is there and may be written to",
                             l->base.where, said);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s: %s; want a database of SQLite that is whole, or no file yet",
                             l->base.where, said);
    default:
        return spotopt__fail(err, SPOTOPT_E_STORE, "%s: %s", l->base.where, said);
    }
}

static spotopt_status
exec(spotopt__db *db, const char *sql, spotopt_error *err)
{
    lite *l = (lite *)db;
    const int code = sqlite3_exec(l->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? SPOTOPT_OK : fail(l, code, err);
}

static spotopt_status
prepare(spotopt__db *db, const char *sql, spotopt__stmt **out, spotopt_error *err)
{
    lite *l = (lite *)db;
    spotopt__stmt *stmt = spotopt__alloc(db->context, sizeof *stmt);
    int code;

    if (stmt == NULL)
        return spotopt__nomem(err, "a statement");
    stmt->lite = l;
    code = sqlite3_prepare_v3(l->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->at, NULL);
    if (code != SQLITE_OK) {
        spotopt__free(db->context, stmt);
        return fail(l, code, err);
    }
    *out = stmt;
    return SPOTOPT_OK;
}

static spotopt_status
begin(spotopt__db *db, spotopt_error *err)
{
    return exec(db, "BEGIN IMMEDIATE", err);
}

static void
rollback(spotopt__db *db)
{
    lite *l = (lite *)db;

    if (!sqlite3_get_autocommit(l->db)) /* some failures have rolled back already */
        (void)sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
}

static spotopt_status
commit(spotopt__db *db, spotopt_error *err)
{
    return exec(db, "COMMIT", err);
}

static void
bind_done(spotopt__stmt *stmt, int code)
{
    if (stmt->bound == SQLITE_OK)
        stmt->bound = code;
}

static void
bind_int(spotopt__stmt *stmt, int at, int64_t value)
{
    bind_done(stmt, sqlite3_bind_int64(stmt->at, at, value));
}

static void
bind_real(spotopt__stmt *stmt, int at, double value)
{
    bind_done(stmt, sqlite3_bind_double(stmt->at, at, value)); /* it makes null of NaN */
}

static void
bind_text(spotopt__stmt *stmt, int at, const char *text, size_t length)
{
    bind_done(stmt, text == NULL ? sqlite3_bind_null(stmt->at, at)
                                 : sqlite3_bind_text64(stmt->at, at, text, length, SQLITE_STATIC,
                                                       SQLITE_UTF8));
}

static spotopt_status
step(spotopt__stmt *stmt, bool *out_has_row, spotopt_error *err)
{
    int code = stmt->bound;

    if (code == SQLITE_OK)
        code = sqlite3_step(stmt->at);
    *out_has_row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? SPOTOPT_OK : fail(stmt->lite, code, err);
}

static int64_t
get_int(spotopt__stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->at, column);
}

static double
get_real(spotopt__stmt *stmt, int column)
{
    return sqlite3_column_type(stmt->at, column) == SQLITE_NULL
               ? NAN
               : sqlite3_column_double(stmt->at, column);
}

static const char *
get_text(spotopt__stmt *stmt, int column, size_t *out_length)
{
    const char *text = (const char *)sqlite3_column_text(stmt->at, column);

    *out_length = text == NULL ? 0 : (size_t)sqlite3_column_bytes(stmt->at, column);
    return text;
}

static int64_t
changes(spotopt__stmt *stmt)
{
    return sqlite3_changes64(stmt->lite->db);
}

static void
reset(spotopt__stmt *stmt)
{
    (void)sqlite3_reset(stmt->at);
    stmt->bound = SQLITE_OK;
}

static void
finish(spotopt__stmt *stmt)
{
    if (stmt == NULL)
        return;
    (void)sqlite3_finalize(stmt->at);
    spotopt__free(stmt->lite->base.context, stmt);
}

static int
keep_finding(void *user, int count, char **values, char **names)
{
    char *found = user;

    (void)names;
    if (found[0] == '\0' && count > 0 && values[0] != NULL && strcmp(values[0], "ok") != 0)
        (void)snprintf(found, 200, "%s", values[0]);
    return 0;
}

static spotopt_status
check(spotopt__db *db, spotopt_error *err)
{
    lite *l = (lite *)db;
    char found[200] = "";
    int code = sqlite3_exec(l->db, "PRAGMA integrity_check; PRAGMA foreign_key_check", keep_finding,
                            found, NULL);

    if (code != SQLITE_OK)
        return fail(l, code, err);
    if (found[0] != '\0')
        return spotopt__fail(err, SPOTOPT_E_STORE, "%s: is broken: %s; restore it from a copy",
                             db->where, found);
    return SPOTOPT_OK;
}

/*
 * The lock is of a file beside the database: SQLite's own locks on the database would be gone with
 * the first descriptor of it that this process closes. The kernel gives it back however the process
 * ends.
 */
static spotopt_status
lock(spotopt__db *db, bool *out_is_ours, spotopt_error *err)
{
    lite *l = (lite *)db;
    const char *file = sqlite3_db_filename(l->db, "main");
    spotopt__str path;
    int fd, code;

    *out_is_ours = true;
    if (l->turn >= 0 || file == NULL || file[0] == '\0') /* in memory it is ours alone */
        return SPOTOPT_OK;
    spotopt__str_init(&path, db->context);
    spotopt__str_add(&path, file);
    spotopt__str_add(&path, "-lock");
    if (path.failed) {
        spotopt__str_free(&path);
        return spotopt__nomem(err, "a lock");
    }
    fd = open(path.at, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    code = errno;
    spotopt__str_free(&path);
    if (fd < 0)
        return spotopt__fail(err, SPOTOPT_E_STORE,
                             "%s-lock: cannot be opened (error %d); want a folder that may be "
                             "written to",
                             db->where, code);
    do
        code = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    while (code == EINTR);
    if (code == 0) {
        l->turn = fd;
        return SPOTOPT_OK;
    }
    (void)close(fd);
    *out_is_ours = false;
    return code == EWOULDBLOCK
               ? SPOTOPT_OK
               : spotopt__fail(err, SPOTOPT_E_STORE,
                               "%s-lock: cannot be locked (error %d); want a local file system",
                               db->where, code);
}

static void
close_db(spotopt__db *db)
{
    lite *l = (lite *)db;

    (void)sqlite3_close(l->db);
    if (l->turn >= 0)
        (void)close(l->turn);
    spotopt__free(db->context, l);
}

static const spotopt__db_kind kind = {
    .name = "sqlite",
    .identity = "INTEGER PRIMARY KEY",
    .clustered = "WITHOUT ROWID",
    .has_schema = "SELECT count(*) FROM sqlite_schema WHERE name = 'spotopt_schema'",
    .has_others = "SELECT count(*) FROM sqlite_schema",
    .exec = exec,
    .prepare = prepare,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .check = check,
    .lock = lock,
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

spotopt_status
spotopt__sqlite_open(spotopt_context *context, const char *path, uint32_t flags, spotopt__db **out,
                     spotopt_error *err)
{
    const bool is_read_only = (flags & SPOTOPT_STORE_READ_ONLY) != 0;
    int how = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    spotopt_status status;
    lite *l;
    int code;

    if (path[0] == '\0')
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "sqlite: has no path; want sqlite:PATH");
    l = spotopt__alloc(context, sizeof *l);
    if (l == NULL)
        return spotopt__nomem(err, "a store");
    l->turn = -1;
    l->base.kind = &kind;
    l->base.context = context;
    l->base.is_read_only = is_read_only;
    (void)spotopt__clean_line(l->base.where, sizeof l->base.where, path);
    how |= is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (!is_read_only && (flags & SPOTOPT_STORE_MUST_EXIST) == 0)
        how |= SQLITE_OPEN_CREATE;
    code = sqlite3_open_v2(path, &l->db, how, NULL);
    if (code != SQLITE_OK)
        status = fail(l, code, err);
    else {
        (void)sqlite3_busy_timeout(l->db, BUSY_MS);
        (void)sqlite3_db_config(l->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        status = exec(&l->base,
                      "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-65536;"
                      "PRAGMA temp_store=MEMORY",
                      err);
        if (status == SPOTOPT_OK && !is_read_only)
            status = exec(&l->base,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                          "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864",
                          err);
    }
    if (status == SPOTOPT_OK)
        *out = &l->base;
    else
        close_db(&l->base);
    return status;
}
