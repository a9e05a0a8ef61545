/* SPDX-License-Identifier: Apache-2.0 */
/*
 * append.c - adds rows, a batch in one transaction.
 *
 * A row is the same as another when its bytes are: events have an index over their time and the
 * first half of the SHA-256 of their line, so that a batch can be sent again after any failure.
 * Measures go by instance and time, and what each batch adds to an instance's hour is summed here
 * first and written once.
 */
#include <stdio.h>

#include "store/store.h"

#define SUMS_MOST 32768        /* written before the batch's end when there are more */
#define INSTANCES_MOST 2000000 /* known by heart */

#define TRY(call)                                                                                  \
    do {                                                                                           \
        spotopt_status tried = call;                                                               \
        if (tried != SPOTOPT_OK)                                                                   \
            return tried;                                                                          \
    } while (0)

/* Step once, for what answers a row at most: whether there was one, and its number. */
static spotopt_status
run(spotopt_store *store, spotopt__stmt *stmt, bool *out_has_row, int64_t *out_id,
    spotopt_error *err)
{
    const spotopt__db_kind *kind = store->db->kind;
    bool has_row = false;
    spotopt_status status = kind->step(stmt, &has_row, err);

    if (status == SPOTOPT_OK && has_row && out_id != NULL)
        *out_id = kind->get_int(stmt, 0);
    if (out_has_row != NULL)
        *out_has_row = has_row;
    kind->reset(stmt);
    return status;
}

/* --- instances --- */

static spotopt_status
find_instance(spotopt_store *store, const char *name, size_t length, uint32_t *out,
              spotopt_error *err)
{
    static const char sql[] = "INSERT INTO instances(name) VALUES($1) ON CONFLICT(name) DO UPDATE "
                              "SET name = excluded.name RETURNING instance_id";
    uint32_t at = spotopt__map_get_n(&store->instance_of, name, length);
    spotopt__instance made = {0, 0, SIZE_MAX};
    spotopt__stmt *stmt;
    char *kept;

    if (at != SPOTOPT__NONE) {
        *out = at;
        return SPOTOPT_OK;
    }
    TRY(spotopt__kept(store, SPOTOPT__DO_INSTANCE, sql, &stmt, err));
    store->db->kind->bind_text(stmt, 1, name, length);
    TRY(run(store, stmt, NULL, &made.id, err));
    kept = spotopt__arena_text(&store->arena, name, length);
    if (kept == NULL ||
        !spotopt__map_put_n(&store->instance_of, kept, length, (uint32_t)store->instances.count,
                            &at) ||
        !spotopt__vec_push(store->context, &store->instances, made))
        return spotopt__nomem(err, "the instances");
    *out = at;
    return SPOTOPT_OK;
}

/* A row of type "start" says where an instance is. */
static spotopt_status
place_instance(spotopt_store *store, const spotopt__at *row, int64_t time_ms, spotopt_error *err)
{
    static const char of_cluster[] =
        "INSERT INTO clusters(name) VALUES($1) ON CONFLICT(name) DO UPDATE SET name = "
        "excluded.name RETURNING cluster_id";
    static const char of_place[] =
        "UPDATE instances SET cluster_id = NULLIF(CAST($1 AS BIGINT), 0), client = $2, "
        "pool = $3, placed_ms = $4 WHERE instance_id = $5 AND "
        "placed_ms <= $6";
    const spotopt__db_kind *kind = store->db->kind;
    const char *name = spotopt__json_text(spotopt__json_get(row->value, "instance")),
               *cluster = spotopt__json_text(spotopt__json_get(row->value, "cluster")),
               *client = spotopt__json_text(spotopt__json_get(row->value, "client")),
               *pool = spotopt__json_text(spotopt__json_get(row->value, "pool"));
    int64_t cluster_id = 0;
    spotopt__stmt *stmt;
    uint32_t at;

    TRY(find_instance(store, name, strlen(name), &at, err));
    if (cluster != NULL && cluster[0] != '\0') {
        TRY(spotopt__kept(store, SPOTOPT__DO_CLUSTER, of_cluster, &stmt, err));
        kind->bind_text(stmt, 1, cluster, strlen(cluster));
        TRY(run(store, stmt, NULL, &cluster_id, err));
    }
    TRY(spotopt__kept(store, SPOTOPT__DO_PLACE, of_place, &stmt, err));
    kind->bind_int(stmt, 1, cluster_id);
    kind->bind_text(stmt, 2, client, client != NULL ? strlen(client) : 0);
    kind->bind_text(stmt, 3, pool, pool != NULL ? strlen(pool) : 0);
    kind->bind_int(stmt, 4, time_ms);
    kind->bind_int(stmt, 5, store->instances.at[at].id);
    kind->bind_int(stmt, 6, time_ms);
    return run(store, stmt, NULL, NULL, err);
}

/* --- measures --- */

#define LESS(m)                                                                                    \
    m "_n = metric_hours." m "_n + excluded." m "_n, " m "_sum = metric_hours." m                  \
      "_sum + excluded." m "_sum, " m "_least = CASE WHEN metric_hours." m                         \
      "_least IS NULL OR excluded." m "_least < metric_hours." m "_least THEN excluded." m         \
      "_least ELSE metric_hours." m "_least END, " m "_most = CASE WHEN metric_hours." m           \
      "_most IS NULL OR excluded." m "_most > metric_hours." m "_most THEN excluded." m            \
      "_most ELSE metric_hours." m "_most END"

static spotopt_status
write_sums(spotopt_store *store, spotopt_error *err)
{
    static const char sql[] =
        "INSERT INTO metric_hours VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
        "$14, $15, $16, $17, $18, $19, $20, $21, $22, $23) ON CONFLICT(instance_id, hour_ms) DO "
        "UPDATE SET n = metric_hours.n + excluded.n, " LESS("latency_ms") ", " LESS(
            "throughput_rps") ", " LESS("error_frac") ", " LESS("cpu_free_frac") ", " LESS("memory_"
                                                                                           "free_"
                                                                                           "frac");
    const spotopt__db_kind *kind = store->db->kind;
    spotopt__stmt *stmt;

    if (store->sums.count == 0)
        return SPOTOPT_OK;
    TRY(spotopt__kept(store, SPOTOPT__DO_HOUR, sql, &stmt, err));
    for (size_t i = 0; i < store->sums.count; i++) {
        const spotopt__sum *sum = &store->sums.at[i];

        kind->bind_int(stmt, 1, sum->id);
        kind->bind_int(stmt, 2, sum->hour_ms);
        kind->bind_int(stmt, 3, sum->n);
        for (int m = 0; m < SPOTOPT_STORE_MEASURES; m++) {
            kind->bind_int(stmt, 4 + 4 * m, (int64_t)sum->of[m].count);
            kind->bind_real(stmt, 5 + 4 * m, sum->of[m].sum);
            kind->bind_real(stmt, 6 + 4 * m, sum->of[m].least);
            kind->bind_real(stmt, 7 + 4 * m, sum->of[m].most);
        }
        TRY(run(store, stmt, NULL, NULL, err));
    }
    for (size_t i = 0; i < store->sums.count; i++)
        store->instances.at[store->sums.at[i].instance].sum = SIZE_MAX;
    store->sums.count = 0;
    return SPOTOPT_OK;
}

static spotopt_status
add_to_sum(spotopt_store *store, uint32_t instance, int64_t time_ms,
           const double value[SPOTOPT_STORE_MEASURES], spotopt_error *err)
{
    const int64_t hour_ms = time_ms - time_ms % SPOTOPT__HOUR_MS;
    spotopt__instance *of = &store->instances.at[instance];
    spotopt__sum *sum;

    if (of->sum == SIZE_MAX || of->hour_ms != hour_ms) {
        spotopt__sum fresh = {of->id, hour_ms, 0, instance, {{0, 0.0, NAN, NAN}}};

        if (store->sums.count >= SUMS_MOST)
            TRY(write_sums(store, err));
        for (int m = 0; m < SPOTOPT_STORE_MEASURES; m++)
            fresh.of[m] = (spotopt_store_spread){0, 0.0, NAN, NAN};
        if (!spotopt__vec_push(store->context, &store->sums, fresh))
            return spotopt__nomem(err, "the sums of a batch");
        of->sum = store->sums.count - 1;
        of->hour_ms = hour_ms;
    }
    sum = &store->sums.at[of->sum];
    sum->n++;
    for (int m = 0; m < SPOTOPT_STORE_MEASURES; m++) {
        spotopt_store_spread *s = &sum->of[m];

        if (isnan(value[m]))
            continue;
        s->count++;
        s->sum += value[m];
        s->least = fmin(s->least, value[m]); /* of a NaN and a number, the number */
        s->most = fmax(s->most, value[m]);
    }
    return SPOTOPT_OK;
}

static spotopt_status
add_metric(spotopt_store *store, const char *name, size_t length, int64_t time_ms,
           const double value[SPOTOPT_STORE_MEASURES], uint64_t *added, spotopt_error *err)
{
    static const char sql[] = "INSERT INTO metrics VALUES($1, $2, $3, $4, $5, $6, $7) ON CONFLICT "
                              "DO NOTHING";
    const spotopt__db_kind *kind = store->db->kind;
    spotopt__stmt *stmt;
    bool has_row, is_new;
    uint32_t at;
    spotopt_status status;

    TRY(find_instance(store, name, length, &at, err));
    TRY(spotopt__kept(store, SPOTOPT__DO_METRIC, sql, &stmt, err));
    kind->bind_int(stmt, 1, time_ms);
    kind->bind_int(stmt, 2, store->instances.at[at].id);
    for (int m = 0; m < SPOTOPT_STORE_MEASURES; m++)
        kind->bind_real(stmt, 3 + m, value[m]);
    status = kind->step(stmt, &has_row, err);
    is_new = status == SPOTOPT_OK && kind->changes(stmt) > 0;
    kind->reset(stmt);
    if (!is_new)
        return status;
    (*added)++;
    return add_to_sum(store, at, time_ms, value, err);
}

/* --- rows of text --- */

static spotopt_status
bind_field(const spotopt__db_kind *kind, spotopt__stmt *stmt, int at, char how,
           const spotopt__at *value, spotopt_error *err)
{
    const char *text;
    double real;
    int64_t whole;
    bool is_true;

    if (!spotopt__at_is_set(value) && how >= 'a') {
        kind->bind_text(stmt, at, NULL, 0);
        return SPOTOPT_OK;
    }
    switch (how) {
    case 't':
    case 'T':
        TRY(spotopt__want_text(value, &text, err));
        kind->bind_text(stmt, at, text, strlen(text));
        break;
    case 'r':
    case 'R':
        TRY(spotopt__want_real(value, -1e300, 1e300, &real, err));
        kind->bind_real(stmt, at, real);
        break;
    case 'i':
        TRY(spotopt__want_int(value, 0, SPOTOPT__TIME_MAX_MS, &whole, err));
        kind->bind_int(stmt, at, whole);
        break;
    default:
        TRY(spotopt__want_bool(value, &is_true, err));
        kind->bind_int(stmt, at, is_true);
    }
    return SPOTOPT_OK;
}

/* The statement that adds a row to the table of its type. */
static spotopt_status
statement_of(spotopt_store *store, int type, spotopt__stmt **out, spotopt_error *err)
{
    const spotopt__row_type *of = &spotopt__row_types[type];
    spotopt_status status;
    spotopt__str sql;
    int count = 0;

    if (store->kept[SPOTOPT__DO_TYPE + type] != NULL) {
        *out = store->kept[SPOTOPT__DO_TYPE + type];
        return SPOTOPT_OK;
    }
    spotopt__str_init(&sql, store->context);
    spotopt__str_addf(&sql, "INSERT INTO %s(seq, time_ms", of->table);
    while (count < SPOTOPT__STORE_FIELDS && of->fields[count].key != NULL)
        spotopt__str_addf(&sql, ", %s", of->fields[count++].key);
    spotopt__str_add(&sql, ") VALUES($1, $2");
    for (int i = 0; i < count; i++)
        spotopt__str_addf(&sql, ", $%d", 3 + i);
    spotopt__str_add(&sql, ")");
    status = sql.failed ? spotopt__nomem(err, "a statement")
                        : spotopt__kept(store, SPOTOPT__DO_TYPE + type, sql.at, out, err);
    spotopt__str_free(&sql);
    return status;
}

static spotopt_status
add_event(spotopt_store *store, const char *line, size_t length, const spotopt__at *row,
          const char *type, int64_t time_ms, uint64_t *added, spotopt_error *err)
{
    static const char sql[] = "INSERT INTO events(time_ms, type, digest, line) VALUES($1, $2, $3, "
                              "$4) ON CONFLICT DO NOTHING RETURNING seq";
    const spotopt__db_kind *kind = store->db->kind;
    spotopt_status status = SPOTOPT_OK;
    char digest[65];
    bool is_new;
    int64_t seq = 0;
    spotopt__stmt *stmt;
    int which = 0;

    spotopt__sha256_hex(line, length, digest);
    TRY(spotopt__kept(store, SPOTOPT__DO_EVENT, sql, &stmt, err));
    kind->bind_int(stmt, 1, time_ms);
    kind->bind_text(stmt, 2, type, strlen(type));
    kind->bind_text(stmt, 3, digest, 32);
    kind->bind_text(stmt, 4, line, length);
    TRY(run(store, stmt, &is_new, &seq, err));
    if (!is_new)
        return SPOTOPT_OK;
    (*added)++;
    while (which < SPOTOPT__STORE_TYPES && strcmp(type, spotopt__row_types[which].type) != 0)
        which++;
    if (which == SPOTOPT__STORE_TYPES)
        return SPOTOPT_OK; /* of a newer library: the line is kept */
    TRY(statement_of(store, which, &stmt, err));
    kind->bind_int(stmt, 1, seq);
    kind->bind_int(stmt, 2, time_ms);
    for (int i = 0; i < SPOTOPT__STORE_FIELDS && status == SPOTOPT_OK; i++) {
        const char *key = spotopt__row_types[which].fields[i].key;

        if (key == NULL)
            break;
        spotopt__at at = spotopt__at_key(row, key);
        status = bind_field(kind, stmt, 3 + i, spotopt__row_types[which].fields[i].kind, &at, err);
    }
    if (status == SPOTOPT_OK)
        status = run(store, stmt, NULL, NULL, err);
    else
        kind->reset(stmt);
    if (status == SPOTOPT_OK && strcmp(type, "start") == 0)
        status = place_instance(store, row, time_ms, err);
    return status;
}

static spotopt_status
add_row(spotopt_store *store, const char *line, size_t length, const spotopt__at *row,
        uint64_t *added, spotopt_error *err)
{
    spotopt__at time = spotopt__at_key(row, "time_ms"), type_at = spotopt__at_key(row, "type");
    double value[SPOTOPT_STORE_MEASURES];
    const char *type, *instance;
    int64_t time_ms;

    TRY(spotopt__want_int(&time, 0, SPOTOPT__TIME_MAX_MS, &time_ms, err));
    TRY(spotopt__want_text(&type_at, &type, err));
    if (strcmp(type, "metrics") != 0)
        return add_event(store, line, length, row, type, time_ms, added, err);
    for (int m = 0; m < SPOTOPT_STORE_MEASURES; m++) /* NaN where there is none */
        value[m] = spotopt__json_real(spotopt__json_get(row->value, spotopt__measures[m].key));
    instance = spotopt__json_text(spotopt__json_get(row->value, "instance"));
    return add_metric(store, instance, strlen(instance), time_ms, value, added, err);
}

static spotopt_status
add_lines(spotopt_store *store, const char *text, size_t length, const char *name, uint64_t *added,
          spotopt_error *err)
{
    uint64_t number = 0;

    for (size_t at = 0; at < length;) {
        const char *line = text + at, *feed = memchr(line, '\n', length - at);
        size_t count = feed != NULL ? (size_t)(feed - line) : length - at;
        spotopt__json *json = NULL;
        spotopt_status status;
        char place[240];

        at += count + 1;
        number++;
        while (count > 0 && strchr(" \t\r", line[count - 1]) != NULL)
            count--;
        while (count > 0 && strchr(" \t", line[0]) != NULL)
            line++, count--;
        if (count == 0)
            continue;
        (void)snprintf(place, sizeof place, "%.200s:%llu", name, (unsigned long long)number);
        status = spotopt__json_parse(line, count, place, &json, err);
        if (status == SPOTOPT_OK) {
            spotopt__at root = spotopt__at_root(json, place);

            status = add_row(store, line, count, &root, added, err);
        }
        spotopt__json_free(json);
        if (status != SPOTOPT_OK)
            return status;
    }
    return SPOTOPT_OK;
}

/* --- a batch --- */

static spotopt_status
begin(spotopt_store *store, spotopt_error *err)
{
    if (store->instances.count > INSTANCES_MOST)
        spotopt__forget_instances(store);
    return store->db->kind->begin(store->db, err);
}

static spotopt_status
end(spotopt_store *store, spotopt_status status, spotopt_error *err)
{
    if (status == SPOTOPT_OK)
        status = write_sums(store, err);
    if (status == SPOTOPT_OK)
        status = store->db->kind->commit(store->db, err);
    if (status != SPOTOPT_OK) {
        store->db->kind->rollback(store->db);
        spotopt__forget_instances(store);
    }
    return status;
}

spotopt_status
spotopt_store_append(spotopt_store *store, const char *text, size_t length, const char *name,
                     uint64_t *out_added, spotopt_error *err)
{
    spotopt_ledger *ledger = NULL;
    uint64_t added = 0;
    char clean[160];

    TRY(spotopt__store_free_to(store, true, err));
    if (text == NULL && length > 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "text is NULL; want it set");
    (void)spotopt__clean_line(clean, sizeof clean, name != NULL ? name : "rows");
    /* What a row may say is libspotopt's to decide. */
    TRY(spotopt_ledger_parse(store->context, text, length, clean, &ledger, err));
    spotopt_ledger_free(ledger);
    TRY(begin(store, err));
    TRY(end(store, add_lines(store, text, length, clean, &added, err), err));
    if (out_added != NULL)
        *out_added = added;
    return SPOTOPT_OK;
}

static spotopt_status
check_metrics(const spotopt_store_metrics *m, const double *const *columns, spotopt_error *err)
{
    if (m->count > 0 && (m->time_ms == NULL || m->instance == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             m->time_ms == NULL ? "time_ms" : "instance");
    for (size_t i = 0; i < m->count; i++) {
        if (!(m->time_ms[i] >= 0 && m->time_ms[i] <= SPOTOPT__TIME_MAX_MS))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "time_ms[%zu] is %lld; want milliseconds since 1970, to the year "
                                 "9999",
                                 i, (long long)m->time_ms[i]);
        if (m->instance[i] == NULL || m->instance[i][0] == '\0')
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "instance[%zu] is empty; want a name", i);
        for (int c = 0; c < SPOTOPT_STORE_MEASURES; c++) {
            const double value = columns[c] != NULL ? columns[c][i] : NAN;

            if (!isnan(value) && !(value >= 0.0 && value <= spotopt__measures[c].most))
                return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s[%zu] is %g; want 0 to %g, or NaN",
                                     spotopt__measures[c].key, i, value, spotopt__measures[c].most);
        }
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_store_append_metrics(spotopt_store *store, const spotopt_store_metrics *metrics,
                             uint64_t *out_added, spotopt_error *err)
{
    spotopt_store_metrics m = SPOTOPT_STORE_METRICS_INIT;
    spotopt_status status;
    uint64_t added = 0;

    TRY(spotopt__store_free_to(store, true, err));
    if (metrics == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "metrics is NULL; want it set");
    TRY(spotopt__copy_in(&m, sizeof m, metrics, "spotopt_store_metrics", err));
    const double *const columns[SPOTOPT_STORE_MEASURES] = {
        m.latency_ms, m.throughput_rps, m.error_frac, m.cpu_free_frac, m.memory_free_frac};
    TRY(check_metrics(&m, columns, err));
    TRY(begin(store, err));
    status = SPOTOPT_OK;
    for (size_t i = 0; i < m.count && status == SPOTOPT_OK; i++) {
        double value[SPOTOPT_STORE_MEASURES];

        for (int c = 0; c < SPOTOPT_STORE_MEASURES; c++)
            value[c] = columns[c] != NULL ? columns[c][i] : NAN;
        status = add_metric(store, m.instance[i], strlen(m.instance[i]), m.time_ms[i], value,
                            &added, err);
    }
    TRY(end(store, status, err));
    if (out_added != NULL)
        *out_added = added;
    return SPOTOPT_OK;
}
