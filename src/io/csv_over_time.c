/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_over_time.c - prices of pools and counts of demands as tables: a row at each change.
 *
 * Rows of different keys may alternate; within a key times ascend. They are read as they come, then
 * laid together key by key in one counting pass, as csv_history.c does. A demand's shape is told by
 * its first row; later rows repeat it or leave it out: what asks for something else is another
 * demand.
 */
#include "io/csv.h"
#include "model/over_time.h"

#define TIME_MAX 1e12
#define PRICE_MAX 1e9
#define COUNT_MAX 1000000
#define AMOUNT_MAX 1e12
#define ROWS_MAX SPOTOPT__NONE

typedef struct row {
    uint32_t track;
    double time_s, value;
} row;

/* What prices and demands have in common. */
typedef struct reader {
    spotopt_context *context;
    spotopt__arena *arena;
    spotopt__map *by_key;
    spotopt__csv csv;
    spotopt__vec(row) rows;
    spotopt__vec(double) last_s; /* by track */
    spotopt__vec(spotopt__track) tracks;
    uint32_t key, time_s, value; /* columns */
    const char *what;
} reader;

static spotopt_status
find_track(reader *r, uint32_t *out, bool *out_is_new, spotopt_error *err)
{
    const char *key = spotopt__csv_text(&r->csv, r->key);

    *out_is_new = false;
    if (key[0] == '\0')
        return spotopt__csv_fail(&r->csv, r->key, "a name", err);
    *out = spotopt__map_get(r->by_key, key);
    if (*out == SPOTOPT__NONE) {
        spotopt__track track = {spotopt__arena_text(r->arena, key, strlen(key)), 0, 0};

        if (track.key == NULL || !spotopt__vec_reserve(r->context, &r->tracks, 1) ||
            !spotopt__vec_push(r->context, &r->last_s, -INFINITY) ||
            !spotopt__map_put(r->by_key, track.key, (uint32_t)r->tracks.count, out))
            return spotopt__nomem(err, r->what);
        r->tracks.at[r->tracks.count++] = track;
        *out_is_new = true;
    }
    return SPOTOPT_OK;
}

/* The key and time of the current record; the value is the caller's. */
static spotopt_status
read_head(reader *r, row *out, bool *out_is_new, spotopt_error *err)
{
    spotopt_status status = find_track(r, &out->track, out_is_new, err);

    if (status == SPOTOPT_OK)
        status = spotopt__csv_real(&r->csv, r->time_s, -TIME_MAX, TIME_MAX, "seconds", &out->time_s,
                                   err);
    if (status == SPOTOPT_OK && isnan(out->time_s))
        status = spotopt__csv_fail(&r->csv, r->time_s, "seconds", err);
    if (status == SPOTOPT_OK && !(out->time_s > r->last_s.at[out->track]))
        status = spotopt__csv_fail(&r->csv, r->time_s, "a time after the last row of the same name",
                                   err);
    if (status == SPOTOPT_OK)
        r->last_s.at[out->track] = out->time_s;
    return status;
}

static spotopt_status
keep_row(reader *r, const row *now, spotopt_error *err)
{
    if (r->rows.count >= ROWS_MAX || !spotopt__vec_push(r->context, &r->rows, *now))
        return spotopt__nomem(err, r->what);
    r->tracks.at[now->track].count++;
    return SPOTOPT_OK;
}

/* From reading order to key by key. */
static bool
gather(reader *r, double **out_time_s, double **out_value, size_t *out_rows)
{
    size_t first = 0;
    double *time_s = spotopt__alloc_array(r->context, r->rows.count + 1, sizeof *time_s);
    double *value = spotopt__alloc_array(r->context, r->rows.count + 1, sizeof *value);

    *out_time_s = time_s; /* the document's from here on */
    *out_value = value;
    *out_rows = r->rows.count;
    if (time_s == NULL || value == NULL)
        return false;
    for (size_t i = 0; i < r->tracks.count; i++) {
        r->tracks.at[i].first = first;
        first += r->tracks.at[i].count;
        r->tracks.at[i].count = 0;
    }
    for (size_t i = 0; i < r->rows.count; i++) {
        spotopt__track *track = &r->tracks.at[r->rows.at[i].track];
        size_t at = track->first + track->count++;

        time_s[at] = r->rows.at[i].time_s;
        value[at] = r->rows.at[i].value;
    }
    return true;
}

static spotopt_status
open_table(reader *r, const char *text, size_t length, const char *name, const char *key,
           const char *value, spotopt_error *err)
{
    spotopt_status status = spotopt__csv_open(&r->csv, r->context, text, length, name, err);

    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r->csv, key, &r->key, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r->csv, "time_s", &r->time_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r->csv, value, &r->value, err);
    return status;
}

static void
close_table(reader *r)
{
    spotopt__csv_close(&r->csv);
    spotopt__vec_free(r->context, &r->rows);
    spotopt__vec_free(r->context, &r->last_s);
    spotopt__vec_free(r->context, &r->tracks);
}

static spotopt_status
check_call(const char *text, size_t length, const void *out, spotopt_error *err)
{
    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    return SPOTOPT_OK;
}

static spotopt_status
read_price(reader *r, spotopt_error *err)
{
    row now;
    bool is_new;
    spotopt_status status = read_head(r, &now, &is_new, err);

    if (status == SPOTOPT_OK)
        status =
            spotopt__csv_real(&r->csv, r->value, 0.0, PRICE_MAX, "a price >= 0", &now.value, err);
    if (status == SPOTOPT_OK && isnan(now.value))
        status = spotopt__csv_fail(&r->csv, r->value, "a price >= 0", err);
    return status == SPOTOPT_OK ? keep_row(r, &now, err) : status;
}

spotopt_status
spotopt_price_history_parse(spotopt_context *context, const char *text, size_t length,
                            const char *name, spotopt_price_history **out, spotopt_error *err)
{
    static const char *const known[] = {"pool", "time_s", "usd_per_hour", NULL};
    spotopt_price_history *made;
    reader r = {.context = context, .what = "prices over time"};
    bool has = false;
    spotopt_status status = check_call(text, length, out, err);

    if (status != SPOTOPT_OK)
        return status;
    made = spotopt__alloc(context, sizeof *made);
    if (made == NULL)
        return spotopt__nomem(err, r.what);
    made->context = spotopt__context_hold(context);
    spotopt__arena_init(&made->arena, context);
    spotopt__map_init(&made->by_pool, context);
    r.arena = &made->arena;
    r.by_key = &made->by_pool;

    status =
        open_table(&r, text, length, name != NULL ? name : "prices", "pool", "usd_per_hour", err);
    if (status == SPOTOPT_OK)
        spotopt__csv_warn_unknown(&r.csv, known);
    while (status == SPOTOPT_OK) {
        status = spotopt__csv_next(&r.csv, &has, err);
        if (status != SPOTOPT_OK || !has)
            break;
        status = read_price(&r, err);
    }
    if (status == SPOTOPT_OK && !gather(&r, &made->time_s, &made->usd_per_h, &made->rows))
        status = spotopt__nomem(err, r.what);
    if (status == SPOTOPT_OK) { /* the tracks change hands */
        made->tracks.at = r.tracks.at;
        made->tracks.count = r.tracks.count;
        made->tracks.room = r.tracks.room;
        r.tracks.at = NULL;
        spotopt__sha256_hex(text, length, made->sha256);
    }
    close_table(&r);
    if (status != SPOTOPT_OK) {
        spotopt_price_history_free(made);
        return status;
    }
    *out = made;
    return SPOTOPT_OK;
}

typedef struct shape_columns {
    uint32_t cpu, memory, gpu;
} shape_columns;

/* An amount of the demand's shape: told by the first row, the same or nothing later. */
static spotopt_status
read_amount(reader *r, uint32_t column, bool is_new, bool is_needed, double *io, spotopt_error *err)
{
    double value;
    spotopt_status status =
        spotopt__csv_real(&r->csv, column, 0.0, AMOUNT_MAX, "a number >= 0", &value, err);

    if (status != SPOTOPT_OK)
        return status;
    if (is_new) {
        if (isnan(value) && is_needed)
            return spotopt__csv_fail(&r->csv, column, "a number >= 0 in a demand's first row", err);
        *io = isnan(value) ? 0.0 : value;
    } else if (!isnan(value) && value != *io) {
        return spotopt__csv_fail(&r->csv, column, "the same as in earlier rows of the demand", err);
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_demand(reader *r, spotopt_demand_history *made, const shape_columns *shape, spotopt_error *err)
{
    row now;
    bool is_new;
    int64_t count;
    spotopt_status status = read_head(r, &now, &is_new, err);

    if (status == SPOTOPT_OK && is_new &&
        !spotopt__vec_push(r->context, &made->asks, (spotopt__ask){0.0, 0.0, 0.0}))
        status = spotopt__nomem(err, r->what);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_int(&r->csv, r->value, 0, COUNT_MAX,
                                  "a whole number of replicas, at most 1000000", -1, &count, err);
    if (status == SPOTOPT_OK && count < 0)
        status = spotopt__csv_fail(&r->csv, r->value, "a whole number of replicas", err);
    if (status == SPOTOPT_OK) {
        spotopt__ask *ask = &made->asks.at[now.track];

        now.value = (double)count;
        status = read_amount(r, shape->cpu, is_new, true, &ask->cpu_milli, err);
        if (status == SPOTOPT_OK)
            status = read_amount(r, shape->memory, is_new, true, &ask->memory_mib, err);
        if (status == SPOTOPT_OK)
            status = read_amount(r, shape->gpu, is_new, false, &ask->gpu, err);
    }
    return status == SPOTOPT_OK ? keep_row(r, &now, err) : status;
}

spotopt_status
spotopt_demand_history_parse(spotopt_context *context, const char *text, size_t length,
                             const char *name, spotopt_demand_history **out, spotopt_error *err)
{
    static const char *const known[] = {"time_s",     "demand", "count", "cpu_milli",
                                        "memory_mib", "gpu",    NULL};
    spotopt_demand_history *made;
    reader r = {.context = context, .what = "demands over time"};
    shape_columns shape;
    bool has = false;
    spotopt_status status = check_call(text, length, out, err);

    if (status != SPOTOPT_OK)
        return status;
    made = spotopt__alloc(context, sizeof *made);
    if (made == NULL)
        return spotopt__nomem(err, r.what);
    made->context = spotopt__context_hold(context);
    spotopt__arena_init(&made->arena, context);
    spotopt__map_init(&made->by_name, context);
    r.arena = &made->arena;
    r.by_key = &made->by_name;

    status = open_table(&r, text, length, name != NULL ? name : "demand", "demand", "count", err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r.csv, "cpu_milli", &shape.cpu, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r.csv, "memory_mib", &shape.memory, err);
    if (status == SPOTOPT_OK) {
        shape.gpu = spotopt__csv_column(&r.csv, "gpu");
        spotopt__csv_warn_unknown(&r.csv, known);
    }
    while (status == SPOTOPT_OK) {
        status = spotopt__csv_next(&r.csv, &has, err);
        if (status != SPOTOPT_OK || !has)
            break;
        status = read_demand(&r, made, &shape, err);
    }
    if (status == SPOTOPT_OK && !gather(&r, &made->time_s, &made->count, &made->rows))
        status = spotopt__nomem(err, r.what);
    if (status == SPOTOPT_OK) {
        made->tracks.at = r.tracks.at;
        made->tracks.count = r.tracks.count;
        made->tracks.room = r.tracks.room;
        r.tracks.at = NULL;
        spotopt__sha256_hex(text, length, made->sha256);
    }
    close_table(&r);
    if (status != SPOTOPT_OK) {
        spotopt_demand_history_free(made);
        return status;
    }
    *out = made;
    return SPOTOPT_OK;
}
