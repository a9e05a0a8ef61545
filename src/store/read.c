/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read.c - rows as they were added, and hours for a dashboard; what is old is forgotten here too.
 *
 * Both tables of rows are kept in the order of time, so that reading merges them as it goes and
 * holds one row at a time.
 */
#include "store/store.h"

/* --- rows --- */

static void
write_metric(spotopt__str *line, const spotopt__db_kind *kind, spotopt__stmt *stmt)
{
    size_t length;
    spotopt__jw jw;

    line->count = 0;
    spotopt__jw_init(&jw, line);
    spotopt__jw_object(&jw);
    spotopt__jw_put_int(&jw, "time_ms", kind->get_int(stmt, 0));
    spotopt__jw_put_text(&jw, "type", "metrics");
    spotopt__jw_put_text(&jw, "instance", kind->get_text(stmt, 3, &length));
    for (int m = 0; m < SPOTOPT_STORE_MEASURES; m++) {
        const double value = kind->get_real(stmt, 4 + m);

        if (!isnan(value))
            spotopt__jw_put_real(&jw, spotopt__measures[m].key, value);
    }
    spotopt__jw_end_object(&jw);
}

static spotopt_status
read_rows(spotopt_store *store, spotopt__stmt *stmt, spotopt_store_row_fn row, void *user,
          spotopt_error *err)
{
    const spotopt__db_kind *kind = store->db->kind;
    spotopt_status status;
    spotopt__str line;
    bool has_row;

    spotopt__str_init(&line, store->context);
    for (;;) {
        const char *text;
        size_t length;

        status = kind->step(stmt, &has_row, err);
        if (status != SPOTOPT_OK || !has_row)
            break;
        if (kind->get_int(stmt, 1) == 0)
            text = kind->get_text(stmt, 3, &length);
        else {
            write_metric(&line, kind, stmt);
            text = line.failed ? NULL : line.at;
            length = line.count;
        }
        if (text == NULL) {
            status = spotopt__nomem(err, "a row");
            break;
        }
        if (row(user, text, length) != 0) {
            status = spotopt__fail(err, SPOTOPT_E_CANCELLED, "reading was stopped by its callback");
            break;
        }
    }
    spotopt__str_free(&line);
    return status;
}

spotopt_status
spotopt_store_read(spotopt_store *store, int64_t from_ms, int64_t to_ms, spotopt_store_row_fn row,
                   void *user, spotopt_error *err)
{
    static const char sql[] =
        "SELECT time_ms, 0 AS kind, seq, line, CAST(NULL AS DOUBLE PRECISION),"
        " CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS DOUBLE PRECISION),"
        " CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS DOUBLE PRECISION)"
        " FROM events WHERE time_ms >= $1 AND time_ms < $2 UNION ALL "
        "SELECT m.time_ms, 1, m.instance_id, (SELECT i.name FROM instances i WHERE i.instance_id ="
        " m.instance_id), m.latency_ms, m.throughput_rps, m.error_frac, m.cpu_free_frac,"
        " m.memory_free_frac FROM metrics m WHERE m.time_ms >= $1 AND m.time_ms < $2 "
        "ORDER BY 1, 2, 3";
    spotopt__stmt *stmt;
    spotopt_status status = spotopt__store_free_to(store, false, err);

    if (status == SPOTOPT_OK && row == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "row is NULL; want it set");
    if (status == SPOTOPT_OK)
        status = spotopt__kept(store, SPOTOPT__DO_READ, sql, &stmt, err);
    if (status != SPOTOPT_OK)
        return status;
    store->db->kind->bind_int(stmt, 1, from_ms);
    store->db->kind->bind_int(stmt, 2, to_ms);
    store->is_busy = true;
    status = read_rows(store, stmt, row, user, err);
    store->is_busy = false;
    store->db->kind->reset(stmt);
    return status;
}

static int32_t
keep_line(void *user, const char *line, size_t length)
{
    spotopt__str *text = user;

    spotopt__str_add_n(text, line, length);
    spotopt__str_add_n(text, "\n", 1);
    return text->failed;
}

spotopt_status
spotopt_store_ledger(spotopt_store *store, int64_t from_ms, int64_t to_ms, spotopt_ledger **out,
                     spotopt_error *err)
{
    spotopt_status status;
    spotopt__str text;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want it set");
    spotopt__str_init(&text, store->context);
    status = spotopt_store_read(store, from_ms, to_ms, keep_line, &text, err);
    if (text.failed)
        status = spotopt__nomem(err, "a ledger");
    if (status == SPOTOPT_OK)
        status = spotopt_ledger_parse(store->context, text.count > 0 ? text.at : "", text.count,
                                      store->db->where, out, err);
    spotopt__str_free(&text);
    return status;
}

/* --- hours --- */

#define SPREAD(m) ", sum(h." m "_n), sum(h." m "_sum), min(h." m "_least), max(h." m "_most)"
#define HOURS                                                                                      \
    "SELECT h.hour_ms, count(*), sum(h.n)" SPREAD("latency_ms") SPREAD("throughput_rps")           \
        SPREAD("error_frac") SPREAD("cpu_free_frac") SPREAD("memory_free_frac")

static int32_t
give_hour(const spotopt__db_kind *kind, spotopt__stmt *stmt, spotopt_store_hour_fn hour, void *user)
{
    spotopt_store_hour h = {.size = sizeof h};
    spotopt_store_spread *const spreads[SPOTOPT_STORE_MEASURES] = {
        &h.latency_ms, &h.throughput_rps, &h.error_frac, &h.cpu_free_frac, &h.memory_free_frac};

    h.hour_ms = kind->get_int(stmt, 0);
    h.instances = (uint64_t)kind->get_int(stmt, 1);
    h.rows = (uint64_t)kind->get_int(stmt, 2);
    for (int m = 0; m < SPOTOPT_STORE_MEASURES; m++) {
        spreads[m]->count = (uint64_t)kind->get_int(stmt, 3 + 4 * m);
        spreads[m]->sum = kind->get_real(stmt, 4 + 4 * m);
        spreads[m]->least = kind->get_real(stmt, 5 + 4 * m);
        spreads[m]->most = kind->get_real(stmt, 6 + 4 * m);
    }
    return hour(user, &h);
}

spotopt_status
spotopt_store_hours(spotopt_store *store, const char *cluster, int64_t from_ms, int64_t to_ms,
                    spotopt_store_hour_fn hour, void *user, spotopt_error *err)
{
    /* By way of the instances, so that their hours are looked up and not all of time is read. */
    static const char of_all[] =
        HOURS " FROM instances i JOIN metric_hours h ON h.instance_id = i.instance_id WHERE "
              "h.hour_ms >= $1 AND h.hour_ms < $2 GROUP BY h.hour_ms ORDER BY h.hour_ms";
    static const char of_one[] =
        HOURS " FROM clusters c JOIN instances i ON i.cluster_id = c.cluster_id JOIN metric_hours "
              "h ON h.instance_id = i.instance_id WHERE h.hour_ms >= $1 AND h.hour_ms < $2 AND "
              "c.name = $3 GROUP BY h.hour_ms ORDER BY h.hour_ms";
    const spotopt__db_kind *kind = store->db->kind;
    spotopt_status status = spotopt__store_free_to(store, false, err);
    spotopt__stmt *stmt;
    bool has_row = true;

    if (status != SPOTOPT_OK)
        return status;
    if (hour == NULL || from_ms < 0 || to_ms < from_ms || to_ms > SPOTOPT__TIME_MAX_MS)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "hours from %lld to %lld; want 0 <= from_ms <= to_ms, and a callback",
                             (long long)from_ms, (long long)to_ms);
    if (cluster == NULL)
        status = spotopt__kept(store, SPOTOPT__DO_HOURS, of_all, &stmt, err);
    else
        status = spotopt__kept(store, SPOTOPT__DO_HOURS_OF, of_one, &stmt, err);
    if (status != SPOTOPT_OK)
        return status;
    kind->bind_int(stmt, 1, from_ms - from_ms % SPOTOPT__HOUR_MS);
    kind->bind_int(stmt, 2, to_ms);
    if (cluster != NULL)
        kind->bind_text(stmt, 3, cluster, strlen(cluster));
    store->is_busy = true;
    while (status == SPOTOPT_OK && has_row) {
        status = kind->step(stmt, &has_row, err);
        if (status == SPOTOPT_OK && has_row && give_hour(kind, stmt, hour, user) != 0)
            status = spotopt__fail(err, SPOTOPT_E_CANCELLED, "reading was stopped by its callback");
    }
    store->is_busy = false;
    kind->reset(stmt);
    return status;
}

/* --- what is old --- */

static spotopt_status
forget(spotopt_store *store, const char *sql, int64_t before_ms, int64_t *removed,
       spotopt_error *err)
{
    const spotopt__db_kind *kind = store->db->kind;
    spotopt__stmt *stmt = NULL;
    bool has_row;
    spotopt_status status = kind->prepare(store->db, sql, &stmt, err);

    if (status == SPOTOPT_OK) {
        kind->bind_int(stmt, 1, before_ms);
        status = kind->step(stmt, &has_row, err);
        if (status == SPOTOPT_OK)
            *removed += kind->changes(stmt);
    }
    kind->finish(stmt);
    return status;
}

spotopt_status
spotopt_store_forget(spotopt_store *store, const spotopt_store_keep *keep, int64_t now_ms,
                     uint64_t *out_removed, spotopt_error *err)
{
    static const char *const sql[] = {
        "DELETE FROM metrics WHERE time_ms < $1", "DELETE FROM metric_hours WHERE hour_ms < $1",
        "DELETE FROM events WHERE time_ms < $1 AND type IN ('log', 'health')",
        "DELETE FROM events WHERE time_ms < $1 AND type = 'price' AND EXISTS (SELECT 1 FROM prices "
        "p JOIN prices later ON later.pool = p.pool AND later.time_ms < $1 AND (later.time_ms > "
        "p.time_ms OR "
        "(later.time_ms = p.time_ms AND later.seq > p.seq)) WHERE p.seq = events.seq)"};
    static const char *const names[] = {"metrics_ms", "hours_ms", "logs_ms", "prices_ms"};
    spotopt_store_keep k = SPOTOPT_STORE_KEEP_INIT;
    int64_t removed = 0;
    spotopt_status status = spotopt__store_free_to(store, true, err);

    if (status == SPOTOPT_OK && keep == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "keep is NULL; want it set");
    if (status == SPOTOPT_OK)
        status = spotopt__copy_in(&k, sizeof k, keep, "spotopt_store_keep", err);
    if (status != SPOTOPT_OK)
        return status;
    const int64_t kept[] = {k.metrics_ms, k.hours_ms, k.logs_ms, k.prices_ms};
    for (int i = 0; i < 4; i++) {
        if (kept[i] < 0)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is %lld; want >= 0, 0 to keep all",
                                 names[i], (long long)kept[i]);
    }
    if (now_ms < 0 || now_ms > SPOTOPT__TIME_MAX_MS)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "now_ms is %lld; want it from 0 to %lld",
                             (long long)now_ms, (long long)SPOTOPT__TIME_MAX_MS);
    status = store->db->kind->begin(store->db, err);
    if (status != SPOTOPT_OK)
        return status;
    for (int i = 0; i < 4 && status == SPOTOPT_OK; i++) {
        if (kept[i] > 0 && kept[i] < now_ms)
            status = forget(store, sql[i], now_ms - kept[i], &removed, err);
    }
    if (status == SPOTOPT_OK)
        status = store->db->kind->commit(store->db, err);
    if (status != SPOTOPT_OK) {
        store->db->kind->rollback(store->db);
        return status;
    }
    if (out_removed != NULL)
        *out_removed = (uint64_t)removed;
    return SPOTOPT_OK;
}
