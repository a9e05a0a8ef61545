/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_event_rows.c - a line of an Events file: JSON, one row of the ledger.
 *
 * Rows of types that are not known, and those of models, which the registry reads, are passed over.
 */
#include <stdio.h>

#include "io/maybe.h"
#include "model/ledger.h"

#define TIME_MAX_MS INT64_C(253402300799000) /* the end of the year 9999 */
#define USD_MAX 1e9
#define TEXT_MAX 4096
#define ROWS_MAX (SPOTOPT__NONE / 4)

typedef struct reader {
    spotopt_ledger *ledger;
    const spotopt__at *at;
    int64_t time_ms;
} reader;

/* --- fields; wanted ones fail where they are absent or empty --- */

static spotopt_status
read_name(reader *r, const char *key, bool is_needed, uint32_t *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(r->at, key);
    const char *text = "";
    spotopt_status status = SPOTOPT_OK;

    if (is_needed)
        status = spotopt__want_name(&at, &text, err);
    else if (spotopt__at_is_set(&at))
        status = spotopt__want_text(&at, &text, err);
    if (status != SPOTOPT_OK)
        return status;
    if (strlen(text) > TEXT_MAX)
        return spotopt__fail_at(&at, err, "want at most %d bytes", TEXT_MAX);
    *out = spotopt__ledger_intern(r->ledger, text);
    return *out == SPOTOPT__NONE ? spotopt__nomem(err, "a ledger") : SPOTOPT_OK;
}

static spotopt_status
read_word(reader *r, const char *key, const char *(*word_of)(int32_t), int32_t count, int32_t *out,
          spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(r->at, key);
    const char *text;
    char want[160] = "";
    spotopt_status status = spotopt__want_text(&at, &text, err);

    if (status != SPOTOPT_OK)
        return status;
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(text, word_of(i)) == 0) {
            *out = i;
            return SPOTOPT_OK;
        }
    }
    for (int32_t i = 0; i < count; i++) {
        const size_t used = strlen(want);

        if (used + strlen(word_of(i)) + 5 < sizeof want) {
            strcat(want, i == 0 ? "" : i + 1 < count ? ", " : " or ");
            strcat(want, word_of(i));
        }
    }
    return spotopt__fail_at(&at, err, "want %s", want);
}

static spotopt_status
read_number(reader *r, const char *key, double least, double most, double *out, spotopt_error *err)
{
    *out = NAN;
    return spotopt__maybe_real(r->at, key, least, most, out, err);
}

/* --- one function a type --- */

#define KEEP(vec, row)                                                                             \
    (spotopt__vec_push(r->ledger->context, &r->ledger->vec, row)                                   \
         ? SPOTOPT_OK                                                                              \
         : spotopt__nomem(err, "a ledger"))
#define HEAD .time_ms = r->time_ms, .line = r->ledger->lines
#define TRY(call)                                                                                  \
    do {                                                                                           \
        spotopt_status tried = call;                                                               \
        if (tried != SPOTOPT_OK)                                                                   \
            return tried;                                                                          \
    } while (0)

static const char *
notice_kind(int32_t kind)
{
    return kind == 0 ? "rebalance" : "termination";
}

static spotopt_status
read_notice(reader *r, spotopt_error *err)
{
    spotopt__notice row = {HEAD};
    int32_t kind = 0;

    TRY(read_word(r, "kind", notice_kind, 2, &kind, err));
    TRY(read_name(r, "instance", true, &row.instance, err));
    TRY(read_name(r, "pool", false, &row.pool, err));
    TRY(read_name(r, "cluster", false, &row.cluster, err));
    TRY(read_name(r, "source", false, &row.source, err));
    row.is_termination = kind == 1;
    return KEEP(notices, row);
}

static spotopt_status
read_switch(reader *r, spotopt_error *err)
{
    spotopt__switch row = {HEAD};
    spotopt__at list = spotopt__at_key(r->at, "alternates");

    TRY(read_word(r, "state", spotopt__switch_state, 4, &row.state, err));
    TRY(read_name(r, "instance", true, &row.instance, err));
    TRY(read_name(r, "from_pool", true, &row.from_pool, err));
    TRY(read_name(r, "to_pool", true, &row.to_pool, err));
    TRY(read_name(r, "cluster", false, &row.cluster, err));
    TRY(read_name(r, "reason", false, &row.reason, err));
    TRY(read_name(r, "id", false, &row.id, err));
    if (spotopt__at_is_set(&list)) {
        TRY(spotopt__want_array(&list, err));
        for (spotopt__at it = spotopt__at_first(&list); it.value != NULL; spotopt__at_step(&it)) {
            const char *text;
            uint32_t name;

            if (it.index == SPOTOPT__ALTERNATES)
                return spotopt__fail_at(&list, err, "want at most %d pools", SPOTOPT__ALTERNATES);
            TRY(spotopt__want_name(&it, &text, err));
            name = spotopt__ledger_intern(r->ledger, text);
            if (name == SPOTOPT__NONE)
                return spotopt__nomem(err, "a ledger");
            row.alternates[row.alternate_count++] = name;
        }
    }
    return KEEP(switches, row);
}

static bool
ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A pool's id is TYPE/ZONE/PURCHASE unless the row says better. */
static spotopt_status
read_place(reader *r, spotopt__start *row, spotopt_error *err)
{
    const char *pool = spotopt__name(r->ledger, row->pool);
    const char *first = strchr(pool, '/'), *second = first != NULL ? strchr(first + 1, '/') : NULL;
    spotopt__at purchase_at = spotopt__at_key(r->at, "purchase");
    const char *purchase = NULL;
    char part[256];

    row->is_spot = ends_with(pool, "/spot");
    TRY(spotopt__maybe_text(r->at, "purchase", &purchase, err));
    if (purchase != NULL) {
        row->is_spot = strcmp(purchase, "spot") == 0;
        if (!row->is_spot && strcmp(purchase, "on-demand") != 0)
            return spotopt__fail_at(&purchase_at, err, "want spot or on-demand");
    }
    TRY(read_name(r, "instance_type", false, &row->type, err));
    TRY(read_name(r, "zone", false, &row->zone, err));
    if (second == NULL || (size_t)(second - first) > sizeof part ||
        (size_t)(first - pool) >= sizeof part)
        return SPOTOPT_OK;
    if (row->type == 0) {
        memcpy(part, pool, (size_t)(first - pool));
        part[first - pool] = '\0';
        row->type = spotopt__ledger_intern(r->ledger, part);
    }
    if (row->zone == 0) {
        memcpy(part, first + 1, (size_t)(second - first - 1));
        part[second - first - 1] = '\0';
        row->zone = spotopt__ledger_intern(r->ledger, part);
    }
    return row->type == SPOTOPT__NONE || row->zone == SPOTOPT__NONE
               ? spotopt__nomem(err, "a ledger")
               : SPOTOPT_OK;
}

static spotopt_status
read_start(reader *r, spotopt_error *err)
{
    spotopt__start row = {HEAD};
    spotopt__at price = spotopt__at_key(r->at, "usd_per_hour");

    TRY(read_name(r, "instance", true, &row.instance, err));
    TRY(read_name(r, "pool", true, &row.pool, err));
    TRY(read_name(r, "cluster", false, &row.cluster, err));
    TRY(read_name(r, "client", false, &row.client, err));
    TRY(read_name(r, "replaces", false, &row.replaces, err));
    TRY(spotopt__want_real(&price, 0.0, USD_MAX, &row.usd_per_h, err));
    TRY(read_number(r, "on_demand_usd_per_hour", 0.0, USD_MAX, &row.on_demand_usd_per_h, err));
    TRY(read_number(r, "vcpu", 0.0, 1e6, &row.vcpu, err));
    row.is_eligible = true;
    TRY(spotopt__maybe_bool(r->at, "spot_eligible", &row.is_eligible, err));
    TRY(read_place(r, &row, err));
    return KEEP(starts, row);
}

static spotopt_status
read_stop(reader *r, spotopt_error *err)
{
    spotopt__stop row = {HEAD};

    TRY(read_name(r, "instance", true, &row.instance, err));
    TRY(read_name(r, "cause", false, &row.cause, err));
    TRY(read_number(r, "lost_usd", 0.0, USD_MAX, &row.lost_usd, err));
    TRY(read_number(r, "lost_hours", 0.0, 1e6, &row.lost_hours, err));
    return KEEP(stops, row);
}

static spotopt_status
read_price(reader *r, spotopt_error *err)
{
    spotopt__price row = {HEAD};
    spotopt__at price = spotopt__at_key(r->at, "usd_per_hour");

    TRY(read_name(r, "pool", true, &row.pool, err));
    TRY(spotopt__want_real(&price, 0.0, USD_MAX, &row.usd_per_h, err));
    return KEEP(prices, row);
}

static spotopt_status
read_demand(reader *r, spotopt_error *err)
{
    spotopt__demand_row row = {HEAD};
    spotopt__at bound = spotopt__at_key(r->at, "bound_usd_per_hour");

    TRY(read_name(r, "cluster", true, &row.cluster, err));
    TRY(read_number(r, "ode_usd_per_hour", 0.0, USD_MAX, &row.ode_usd_per_h, err));
    TRY(read_number(r, "bound_usd_per_hour", 0.0, USD_MAX, &row.bound_usd_per_h, err));
    if (isnan(row.ode_usd_per_h) && !isnan(row.bound_usd_per_h))
        return spotopt__fail_at(&bound, err, "want ode_usd_per_hour beside it");
    return KEEP(demands, row);
}

static spotopt_status
read_measured(reader *r, spotopt_error *err)
{
    static const char *const keys[] = {"latency_ms", "throughput_rps", "error_frac",
                                       "cpu_free_frac", "memory_free_frac"};
    static const double most[] = {1e12, 1e15, 1.0, 1.0, 1.0};
    spotopt__measured row = {HEAD};

    TRY(read_name(r, "instance", true, &row.instance, err));
    for (int i = 0; i < SPOTOPT__MEASURES; i++)
        TRY(read_number(r, keys[i], 0.0, most[i], &row.value[i], err));
    return KEEP(measured, row);
}

const char *
spotopt__order_state(int32_t state)
{
    return state == 0 ? "set" : "lifted";
}

static spotopt_status
read_order(reader *r, spotopt_error *err)
{
    spotopt__order row = {HEAD};
    spotopt__at until = spotopt__at_key(r->at, "until_ms");
    int32_t state = 0;

    TRY(read_word(r, "state", spotopt__order_state, 2, &state, err));
    TRY(read_name(r, "id", true, &row.id, err));
    row.is_lift = state == 1;
    row.from_ms = r->time_ms;
    row.until_ms = SPOTOPT__FOREVER;
    if (!row.is_lift) { /* the rest of a lifted one is known */
        TRY(read_word(r, "scope", spotopt__scope, 4, &row.scope, err));
        TRY(read_name(r, "target", row.scope != SPOTOPT__SCOPE_ALL, &row.target, err));
        if (row.scope == SPOTOPT__SCOPE_ALL)
            row.target = 0;
        TRY(spotopt__maybe_int(r->at, "from_ms", 0, TIME_MAX_MS, &row.from_ms, err));
        TRY(spotopt__maybe_int(r->at, "until_ms", 0, TIME_MAX_MS, &row.until_ms, err));
        if (row.until_ms <= row.from_ms)
            return spotopt__fail_at(&until, err, "want it after from_ms");
    }
    TRY(read_name(r, "author", false, &row.author, err));
    TRY(read_name(r, "reason", false, &row.reason, err));
    return KEEP(orders, row);
}

static spotopt_status
read_health(reader *r, spotopt_error *err)
{
    spotopt__health row = {HEAD};

    TRY(read_name(r, "component", true, &row.component, err));
    TRY(read_word(r, "state", spotopt__health_state, 3, &row.state, err));
    TRY(read_number(r, "latency_ms", 0.0, 1e12, &row.latency_ms, err));
    return KEEP(health, row);
}

static spotopt_status
read_log(reader *r, spotopt_error *err)
{
    spotopt__log_line row = {HEAD};

    TRY(read_name(r, "component", true, &row.component, err));
    TRY(read_name(r, "level", false, &row.level, err));
    TRY(read_name(r, "text", false, &row.text, err));
    return KEEP(logs, row);
}

static spotopt_status
read_batch(reader *r, spotopt_error *err)
{
    spotopt__batch row = {HEAD};
    spotopt__at done = spotopt__at_key(r->at, "done"), total = spotopt__at_key(r->at, "total");

    TRY(read_name(r, "id", true, &row.id, err));
    TRY(read_name(r, "state", true, &row.state, err));
    TRY(read_name(r, "reason", false, &row.reason, err));
    TRY(spotopt__want_real(&total, 0.0, 1e12, &row.total, err));
    TRY(spotopt__want_real(&done, 0.0, row.total, &row.done, err));
    return KEEP(batches, row);
}

static spotopt_status
read_cleanup(reader *r, spotopt_error *err)
{
    spotopt__cleanup_row row = {HEAD};

    TRY(read_name(r, "item", true, &row.item, err));
    TRY(read_word(r, "state", spotopt__cleanup_state, SPOTOPT__CLEANUP_STATES, &row.state, err));
    TRY(read_name(r, "author", false, &row.author, err));
    TRY(read_name(r, "reason", false, &row.reason, err));
    return KEEP(cleanups, row);
}

#define COMMON "time_ms", "type"
static const struct {
    const char *type;
    spotopt_status (*read)(reader *r, spotopt_error *err);
    const char *known[18];
} types[] = {
    {"notice", read_notice, {COMMON, "kind", "instance", "pool", "cluster", "source", NULL}},
    {"switch",
     read_switch,
     {COMMON, "id", "instance", "from_pool", "to_pool", "cluster", "reason", "state", "alternates",
      NULL}},
    {"start",
     read_start,
     {COMMON, "instance", "pool", "cluster", "client", "usd_per_hour", "on_demand_usd_per_hour",
      "vcpu", "purchase", "instance_type", "zone", "spot_eligible", "replaces", NULL}},
    {"stop", read_stop, {COMMON, "instance", "cause", "lost_usd", "lost_hours", NULL}},
    {"price", read_price, {COMMON, "pool", "usd_per_hour", NULL}},
    {"demand", read_demand, {COMMON, "cluster", "ode_usd_per_hour", "bound_usd_per_hour", NULL}},
    {"metrics",
     read_measured,
     {COMMON, "instance", "latency_ms", "throughput_rps", "error_frac", "cpu_free_frac",
      "memory_free_frac", NULL}},
    {"override",
     read_order,
     {COMMON, "id", "scope", "target", "from_ms", "until_ms", "author", "reason", "state", NULL}},
    {"health", read_health, {COMMON, "component", "state", "latency_ms", NULL}},
    {"log", read_log, {COMMON, "component", "level", "text", NULL}},
    {"batch", read_batch, {COMMON, "id", "state", "reason", "done", "total", NULL}},
    {"cleanup", read_cleanup, {COMMON, "item", "state", "author", "reason", NULL}},
};

static spotopt_status
read_row(spotopt_ledger *ledger, const spotopt__at *at, spotopt_error *err)
{
    reader r = {ledger, at, 0};
    spotopt__at time = spotopt__at_key(at, "time_ms"), type_at = spotopt__at_key(at, "type");
    const char *type;

    TRY(spotopt__want_int(&time, 0, TIME_MAX_MS, &r.time_ms, err));
    TRY(spotopt__want_text(&type_at, &type, err));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(type, types[i].type) != 0)
            continue;
        if (ledger->rows >= ROWS_MAX)
            return spotopt__fail_at(at, err, "want at most %u rows", ROWS_MAX);
        spotopt__warn_unknown(ledger->context, at, types[i].known, &ledger->warned);
        TRY(types[i].read(&r, err));
        ledger->rows++;
        if (ledger->first_ms < 0 || r.time_ms < ledger->first_ms)
            ledger->first_ms = r.time_ms;
        if (r.time_ms > ledger->last_ms)
            ledger->last_ms = r.time_ms;
        return SPOTOPT_OK;
    }
    if (strcmp(type, "model") != 0 && !ledger->warned) {
        char quoted[SPOTOPT__QUOTE_SIZE];

        ledger->warned = true;
        spotopt__log(ledger->context, SPOTOPT_LOG_WARNING, "%s:%llu: rows of type %s are not known",
                     ledger->name, (unsigned long long)ledger->lines, spotopt__quote(type, quoted));
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__ledger_read_line(spotopt_ledger *ledger, const char *line, size_t length,
                          spotopt_error *err)
{
    spotopt__json *json = NULL;
    char place[240];
    spotopt_status status;

    while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
        length--;
    while (length > 0 && strchr(" \t", line[0]) != NULL)
        line++, length--;
    if (length == 0)
        return SPOTOPT_OK;
    (void)snprintf(place, sizeof place, "%s:%llu", ledger->name, (unsigned long long)ledger->lines);
    if (line[0] != '{')
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: no JSON object; want one a line", place);
    status = spotopt__json_parse(line, length, place, &json, err);
    if (status == SPOTOPT_OK) {
        spotopt__at at = spotopt__at_root(json, place);

        status = read_row(ledger, &at, err);
    }
    spotopt__json_free(json);
    return status;
}
