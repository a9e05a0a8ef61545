/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.c - the tables, and how they came to be.
 *
 * A schema is a list of migrations; each runs once, in order, in the transaction that notes it. One
 * that was released is never changed: what comes later is one more. Every row of the ledger stands
 * in "events" as it was said; a table beside it for each type has its fields as columns, for
 * whoever asks in SQL. Measures of instances, which are nearly all rows there are, stand in
 * "metrics" alone, ordered by time, and are summed by instance and hour in "metric_hours" as they
 * come.
 *
 * @ID@ is a number of the table's own, @CLUSTERED@ a table in the order of its key.
 */
#include "store/schema.h"

#include "spotopt/store.h"

const spotopt__row_type spotopt__row_types[SPOTOPT__STORE_TYPES] = {
    {"notice",
     "notices",
     {{'T', "kind"}, {'T', "instance"}, {'t', "pool"}, {'t', "cluster"}, {'t', "source"}}},
    {"switch",
     "switches",
     {{'t', "id"},
      {'T', "instance"},
      {'T', "from_pool"},
      {'T', "to_pool"},
      {'t', "cluster"},
      {'t', "reason"},
      {'T', "state"}}},
    {"start",
     "starts",
     {{'T', "instance"},
      {'T', "pool"},
      {'t', "cluster"},
      {'t', "client"},
      {'R', "usd_per_hour"},
      {'r', "on_demand_usd_per_hour"},
      {'r', "vcpu"},
      {'t', "purchase"},
      {'t', "instance_type"},
      {'t', "zone"},
      {'b', "spot_eligible"},
      {'t', "replaces"}}},
    {"stop", "stops", {{'T', "instance"}, {'t', "cause"}, {'r', "lost_usd"}, {'r', "lost_hours"}}},
    {"price", "prices", {{'T', "pool"}, {'R', "usd_per_hour"}}},
    {"demand",
     "demands",
     {{'T', "cluster"}, {'r', "ode_usd_per_hour"}, {'r', "bound_usd_per_hour"}}},
    {"override",
     "overrides",
     {{'T', "id"},
      {'t', "scope"},
      {'t', "target"},
      {'i', "from_ms"},
      {'i', "until_ms"},
      {'t', "author"},
      {'t', "reason"},
      {'T', "state"}}},
    {"health", "component_states", {{'T', "component"}, {'T', "state"}, {'r', "latency_ms"}}},
    {"log", "logs", {{'T', "component"}, {'t', "level"}, {'t', "text"}}},
    {"batch",
     "batches",
     {{'T', "id"}, {'T', "state"}, {'t', "reason"}, {'R', "done"}, {'R', "total"}}},
    {"cleanup", "cleanups", {{'T', "item"}, {'T', "state"}, {'t', "author"}, {'t', "reason"}}},
    {"model", "models", {{'T', "id"}, {'T', "state"}, {'t', "author"}, {'t', "reason"}}},
    {"cost",
     "costs",
     {{'T', "cluster"},
      {'t', "client"},
      {'R', "hours"},
      {'R', "paid_usd"},
      {'r', "ode_usd"},
      {'r', "bound_usd"}}},
    {"client-policy", "client_policies", {{'T', "client"}, {'t', "author"}, {'t', "reason"}}},
    {"funnel", "funnels", {{'T', "id"}, {'t', "cluster"}}},
    {"experiment", "experiments", {{'T', "id"}, {'t', "state"}, {'t', "author"}}},
};

const spotopt__measure spotopt__measures[SPOTOPT_STORE_MEASURES] = {{"latency_ms", 1e12},
                                                                    {"throughput_rps", 1e15},
                                                                    {"error_frac", 1.0},
                                                                    {"cpu_free_frac", 1.0},
                                                                    {"memory_free_frac", 1.0}};

#define OF_EVENT                                                                                   \
    "seq BIGINT PRIMARY KEY REFERENCES events(seq) ON DELETE CASCADE, time_ms BIGINT NOT NULL, "
#define SPREAD(name)                                                                               \
    name "_n BIGINT NOT NULL, " name "_sum DOUBLE PRECISION NOT NULL, " name                       \
         "_least DOUBLE PRECISION, " name "_most DOUBLE PRECISION, "
#define DAY_BEFORE_LAST "time_ms > (SELECT max(time_ms) FROM events) - 86400000 "

/* one statement each */
static const char *const first_tables[] = {
    "CREATE TABLE clusters(cluster_id @ID@, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE instances(instance_id @ID@, name TEXT NOT NULL UNIQUE,"
    " cluster_id BIGINT REFERENCES clusters(cluster_id), client TEXT, pool TEXT,"
    " placed_ms BIGINT NOT NULL DEFAULT -1)",
    "CREATE INDEX instances_cluster ON instances(cluster_id)",
    "CREATE TABLE metrics(time_ms BIGINT NOT NULL,"
    " instance_id BIGINT NOT NULL REFERENCES instances(instance_id),"
    " latency_ms DOUBLE PRECISION, throughput_rps DOUBLE PRECISION, error_frac DOUBLE PRECISION,"
    " cpu_free_frac DOUBLE PRECISION, memory_free_frac DOUBLE PRECISION,"
    " PRIMARY KEY(time_ms, instance_id)) @CLUSTERED@",
    "CREATE TABLE metric_hours(instance_id BIGINT NOT NULL REFERENCES instances(instance_id),"
    " hour_ms BIGINT NOT NULL, n BIGINT NOT NULL, " SPREAD("latency_ms") SPREAD("throughput_rps")
        SPREAD("error_frac") SPREAD("cpu_free_frac")
            SPREAD("memory_free_frac") "PRIMARY KEY(instance_id, hour_ms)) @CLUSTERED@",
    "CREATE TABLE events(seq @ID@, time_ms BIGINT NOT NULL, type TEXT "
    "NOT NULL,"
    " digest TEXT NOT NULL, line TEXT NOT NULL, UNIQUE(time_ms, "
    "digest))",
    "CREATE INDEX events_time ON events(time_ms, seq)",
    "CREATE TABLE notices(" OF_EVENT
    "kind TEXT NOT NULL, instance TEXT NOT NULL, pool TEXT, cluster "
    "TEXT, source TEXT)",
    "CREATE INDEX notices_cluster ON notices(cluster, time_ms)",
    "CREATE TABLE switches(" OF_EVENT "id TEXT, instance TEXT NOT NULL, from_pool TEXT NOT NULL,"
    " to_pool TEXT NOT NULL, cluster TEXT, reason TEXT, state TEXT NOT "
    "NULL)",
    "CREATE INDEX switches_cluster ON switches(cluster, time_ms)",
    "CREATE TABLE starts(" OF_EVENT "instance TEXT NOT NULL, pool TEXT NOT NULL, cluster TEXT,"
    " client TEXT, usd_per_hour DOUBLE PRECISION NOT NULL,"
    " on_demand_usd_per_hour DOUBLE PRECISION, vcpu DOUBLE PRECISION, "
    "purchase TEXT,"
    " instance_type TEXT, zone TEXT, spot_eligible BIGINT, replaces "
    "TEXT)",
    "CREATE INDEX starts_cluster ON starts(cluster, time_ms)",
    "CREATE TABLE stops(" OF_EVENT "instance TEXT NOT NULL, cause TEXT,"
    " lost_usd DOUBLE PRECISION, lost_hours DOUBLE PRECISION)",
    "CREATE INDEX stops_instance ON stops(instance, time_ms)",
    "CREATE TABLE prices(" OF_EVENT "pool TEXT NOT NULL, usd_per_hour DOUBLE PRECISION NOT NULL)",
    "CREATE INDEX prices_pool ON prices(pool, time_ms)",
    "CREATE TABLE demands(" OF_EVENT "cluster TEXT NOT NULL, ode_usd_per_hour DOUBLE PRECISION,"
    " bound_usd_per_hour DOUBLE PRECISION)",
    "CREATE INDEX demands_cluster ON demands(cluster, time_ms)",
    "CREATE TABLE overrides(" OF_EVENT "id TEXT NOT NULL, scope TEXT, target TEXT, from_ms BIGINT,"
    " until_ms BIGINT, author TEXT, reason TEXT, state TEXT NOT NULL)",
    "CREATE INDEX overrides_id ON overrides(id, time_ms)",
    "CREATE TABLE component_states(" OF_EVENT "component TEXT NOT NULL, state TEXT NOT NULL,"
    " latency_ms DOUBLE PRECISION)",
    "CREATE INDEX component_states_component ON "
    "component_states(component, time_ms)",
    "CREATE TABLE logs(" OF_EVENT "component TEXT NOT NULL, level TEXT, text TEXT)",
    "CREATE INDEX logs_component ON logs(component, time_ms)",
    "CREATE TABLE batches(" OF_EVENT "id TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,"
    " done DOUBLE PRECISION NOT NULL, total DOUBLE PRECISION NOT NULL)",
    "CREATE INDEX batches_id ON batches(id, time_ms)",
    "CREATE TABLE cleanups(" OF_EVENT "item TEXT NOT NULL, state TEXT NOT NULL, author TEXT,"
    " reason TEXT)",
    "CREATE INDEX cleanups_item ON cleanups(item, time_ms)",
    "CREATE TABLE models(" OF_EVENT
    "id TEXT NOT NULL, state TEXT NOT NULL, author TEXT, reason TEXT)",
    "CREATE INDEX models_id ON models(id, time_ms)",
    "CREATE TABLE costs(" OF_EVENT "cluster TEXT NOT NULL, client TEXT,"
    " hours DOUBLE PRECISION NOT NULL, paid_usd DOUBLE PRECISION NOT "
    "NULL,"
    " ode_usd DOUBLE PRECISION, bound_usd DOUBLE PRECISION)",
    "CREATE INDEX costs_cluster ON costs(cluster, time_ms)",
    "CREATE INDEX costs_client ON costs(client, time_ms)",
    "CREATE TABLE client_policies(" OF_EVENT "client TEXT NOT NULL, author TEXT, reason TEXT)",
    "CREATE INDEX client_policies_client ON client_policies(client, "
    "time_ms)",
    "CREATE TABLE funnels(" OF_EVENT "id TEXT NOT NULL, cluster TEXT)",
    "CREATE INDEX funnels_cluster ON funnels(cluster, time_ms)",
    "CREATE TABLE experiments(" OF_EVENT "id TEXT NOT NULL, state TEXT, author TEXT)",
    "CREATE INDEX experiments_id ON experiments(id, time_ms)",
    /* What a dashboard asks of the books; the times are the ledger's
       own, not a clock's. */
    "CREATE VIEW running AS SELECT s.* FROM starts s WHERE NOT EXISTS "
    "(SELECT 1 FROM stops p"
    " WHERE p.instance = s.instance AND p.time_ms >= s.time_ms)",
    "CREATE VIEW savings AS SELECT cluster, client, count(*) AS "
    "instances,"
    " sum(usd_per_hour) AS paid_usd_per_hour, "
    "sum(on_demand_usd_per_hour) AS ode_usd_per_hour,"
    " sum(on_demand_usd_per_hour - usd_per_hour) AS saved_usd_per_hour,"
    " 1 - sum(usd_per_hour) / NULLIF(sum(on_demand_usd_per_hour), 0) "
    "AS gross_savings_frac"
    " FROM running WHERE on_demand_usd_per_hour IS NOT NULL GROUP BY "
    "cluster, client",
    "CREATE VIEW optimization_rate_24h AS SELECT cluster, sum(ode_usd "
    "- paid_usd) AS saved_usd,"
    " sum(ode_usd - bound_usd) AS possible_usd,"
    " sum(ode_usd - paid_usd) / NULLIF(sum(ode_usd - bound_usd), 0) AS "
    "optimization_rate"
    " FROM costs WHERE " DAY_BEFORE_LAST
    "AND ode_usd IS NOT NULL AND bound_usd IS NOT NULL GROUP BY "
    "cluster",
    "CREATE VIEW action_rate_24h AS SELECT cluster,"
    " sum(CASE WHEN state = 'proposed' THEN 1 ELSE 0 END) AS proposed,"
    " sum(CASE WHEN state = 'accepted' THEN 1 ELSE 0 END) AS accepted,"
    " sum(CASE WHEN state = 'executed' THEN 1 ELSE 0 END) AS executed,"
    " 1.0 * sum(CASE WHEN state = 'accepted' THEN 1 ELSE 0 END)"
    " / NULLIF(sum(CASE WHEN state = 'proposed' THEN 1 ELSE 0 END), 0) "
    "AS action_rate"
    " FROM switches WHERE " DAY_BEFORE_LAST "GROUP BY cluster",
    NULL};

static const struct {
    const char *what;
    const char *const *statements; /* to NULL */
} migrations[SPOTOPT_STORE_SCHEMA] = {{"the first tables", first_tables}};

/* sql with the marks replaced by what this database says. */
static spotopt_status
speak(spotopt__db *db, const char *sql, spotopt_error *err)
{
    spotopt__str str;
    spotopt_status status;

    spotopt__str_init(&str, db->context);
    while (*sql != '\0') {
        const char *mark = strchr(sql, '@'), *end = mark != NULL ? strchr(mark + 1, '@') : NULL;

        if (end == NULL) {
            spotopt__str_add(&str, sql);
            break;
        }
        spotopt__str_add_n(&str, sql, (size_t)(mark - sql));
        spotopt__str_add(&str, mark[1] == 'I' ? db->kind->identity : db->kind->clustered);
        sql = end + 1;
    }
    status = str.failed ? spotopt__nomem(err, "the tables") : db->kind->exec(db, str.at, err);
    spotopt__str_free(&str);
    return status;
}

static spotopt_status
ask_int(spotopt__db *db, const char *sql, int64_t *out, spotopt_error *err)
{
    spotopt__stmt *stmt = NULL;
    bool has_row = false;
    spotopt_status status = db->kind->prepare(db, sql, &stmt, err);

    if (status == SPOTOPT_OK)
        status = db->kind->step(stmt, &has_row, err);
    if (status == SPOTOPT_OK)
        *out = has_row ? db->kind->get_int(stmt, 0) : 0;
    db->kind->finish(stmt);
    return status;
}

static spotopt_status
note(spotopt__db *db, int64_t version, const char *what, spotopt_error *err)
{
    spotopt__stmt *stmt = NULL;
    bool has_row;
    spotopt_status status = db->kind->prepare(
        db, "INSERT INTO spotopt_schema(version, what) VALUES($1, $2)", &stmt, err);

    if (status == SPOTOPT_OK) {
        db->kind->bind_int(stmt, 1, version);
        db->kind->bind_text(stmt, 2, what, strlen(what));
        status = db->kind->step(stmt, &has_row, err);
    }
    db->kind->finish(stmt);
    return status;
}

static spotopt_status
migrate(spotopt__db *db, spotopt_error *err)
{
    int64_t tables = 0, others = 0, version = 0;
    spotopt_status status = ask_int(db, db->kind->has_schema, &tables, err);

    if (status == SPOTOPT_OK && tables == 0)
        status = ask_int(db, db->kind->has_others, &others, err);
    if (status == SPOTOPT_OK && others > 0)
        return spotopt__fail(
            err, SPOTOPT_E_STORE,
            "%s: has tables of something else; want a store of spotopt, or an empty database",
            db->where);
    if (status == SPOTOPT_OK && tables > 0)
        status = ask_int(db, "SELECT COALESCE(max(version), 0) FROM spotopt_schema", &version, err);
    if (status != SPOTOPT_OK)
        return status;
    if (version > SPOTOPT_STORE_SCHEMA)
        return spotopt__fail(err, SPOTOPT_E_STATE,
                             "%s: has schema %lld and this library knows %d; load a newer one",
                             db->where, (long long)version, SPOTOPT_STORE_SCHEMA);
    if (db->is_read_only && version < SPOTOPT_STORE_SCHEMA)
        return spotopt__fail(err, SPOTOPT_E_STATE,
                             tables == 0 ? "%s: is no store yet (schema %lld of %d); open it for "
                                           "writing once"
                                         : "%s: has schema %lld of %d; open it for writing once",
                             db->where, (long long)version, SPOTOPT_STORE_SCHEMA);
    if (tables == 0 && status == SPOTOPT_OK)
        status = db->kind->exec(
            db, "CREATE TABLE spotopt_schema(version BIGINT PRIMARY KEY, what TEXT NOT NULL)", err);
    for (; version < SPOTOPT_STORE_SCHEMA && status == SPOTOPT_OK; version++) {
        for (const char *const *sql = migrations[version].statements;
             *sql != NULL && status == SPOTOPT_OK; sql++)
            status = speak(db, *sql, err);
        if (status == SPOTOPT_OK)
            status = note(db, version + 1, migrations[version].what, err);
        if (status == SPOTOPT_OK && version == 0 && db->kind->made != NULL)
            status = db->kind->made(db, err);
    }
    return status;
}

spotopt_status
spotopt__migrate(spotopt__db *db, spotopt_error *err)
{
    spotopt_status status;

    if (db->is_read_only)
        return migrate(db, err);
    status = db->kind->begin(db, err);
    if (status != SPOTOPT_OK)
        return status;
    status = migrate(db, err);
    if (status == SPOTOPT_OK)
        status = db->kind->commit(db, err);
    if (status != SPOTOPT_OK)
        db->kind->rollback(db);
    return status;
}
