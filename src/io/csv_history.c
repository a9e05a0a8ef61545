/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_history.c - capacity over time as a table: a row at each change of a pool's count.
 *
 * Rows of different pools may alternate; within a pool times ascend. They are read as they come,
 * then laid together pool by pool in one counting pass, pools in order of first appearance. Two
 * rows of a pool at one time are refused, but for one that begins an observation where the last one
 * ended.
 */
#include "io/csv.h"
#include "model/history.h"

#define TIME_MAX 1e12
#define NODES_MAX 1000000000
#define ROWS_MAX SPOTOPT__NONE
#define UNSEEN (-1)

typedef struct row { /* many millions of them: as narrow as can be */
    double time_s;
    uint32_t series;
    int32_t nodes_up; /* UNSEEN: the observation ends here */
} row;

typedef struct reader {
    spotopt_history *history;
    spotopt__csv csv;
    spotopt__vec(row) rows;
    spotopt__vec(row) last;                                       /* by series */
    uint32_t pool, region, zone, instance_type, time_s, nodes_up; /* columns */
} reader;

static const char *
keep(reader *r, const char *text)
{
    return spotopt__arena_text(&r->history->arena, text, strlen(text));
}

/* Where a pool is does not change; a row may leave it out. */
static spotopt_status
check_same(reader *r, const char **kept, uint32_t column, spotopt_error *err)
{
    const char *text = spotopt__csv_text(&r->csv, column);

    if (text[0] == '\0' || strcmp(*kept, text) == 0)
        return SPOTOPT_OK;
    if ((*kept)[0] != '\0')
        return spotopt__csv_fail(&r->csv, column, "the same as in earlier rows of the pool", err);
    *kept = keep(r, text);
    if (*kept == NULL) {
        *kept = "";
        return spotopt__nomem(err, "a history");
    }
    return SPOTOPT_OK;
}

static spotopt_status
find_series(reader *r, uint32_t *out, spotopt_error *err)
{
    spotopt_history *history = r->history;
    const char *pool = spotopt__csv_text(&r->csv, r->pool);
    spotopt_status status = SPOTOPT_OK;

    if (pool[0] == '\0')
        return spotopt__csv_fail(&r->csv, r->pool, "a pool's id", err);
    *out = spotopt__map_get(&history->series_by_pool, pool);
    if (*out == SPOTOPT__NONE) {
        spotopt__series series = {keep(r, pool), "", "", "", 0, 0};

        if (series.pool == NULL || !spotopt__vec_reserve(history->context, &history->series, 1) ||
            !spotopt__vec_push(history->context, &r->last, (row){NAN, 0, UNSEEN}) ||
            !spotopt__map_put(&history->series_by_pool, series.pool,
                              (uint32_t)history->series.count, out))
            return spotopt__nomem(err, "a history");
        history->series.at[history->series.count++] = series;
    }
    spotopt__series *series = &history->series.at[*out];
    status = check_same(r, &series->region, r->region, err);
    if (status == SPOTOPT_OK)
        status = check_same(r, &series->zone, r->zone, err);
    if (status == SPOTOPT_OK)
        status = check_same(r, &series->instance_type, r->instance_type, err);
    return status;
}

static spotopt_status
read_row(reader *r, spotopt_error *err)
{
    row now = {NAN, 0, UNSEEN};
    int64_t nodes;
    spotopt_status status = find_series(r, &now.series, err);

    if (status == SPOTOPT_OK)
        status =
            spotopt__csv_real(&r->csv, r->time_s, -TIME_MAX, TIME_MAX, "seconds", &now.time_s, err);
    if (status == SPOTOPT_OK && isnan(now.time_s))
        status = spotopt__csv_fail(&r->csv, r->time_s, "seconds", err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_int(&r->csv, r->nodes_up, 0, NODES_MAX,
                                  "a whole number of nodes, or nothing", UNSEEN, &nodes, err);
    if (status != SPOTOPT_OK)
        return status;
    now.nodes_up = (int32_t)nodes;
    row *last = &r->last.at[now.series];
    if (now.time_s < last->time_s ||
        (now.time_s == last->time_s && !(last->nodes_up == UNSEEN && now.nodes_up != UNSEEN)))
        return spotopt__csv_fail(&r->csv, r->time_s, "a time after the pool's last row", err);
    *last = now;
    if (r->rows.count >= ROWS_MAX || !spotopt__vec_push(r->history->context, &r->rows, now))
        return spotopt__nomem(err, "a history");
    r->history->series.at[now.series].count++;
    return SPOTOPT_OK;
}

/* From reading order to pool by pool. */
static spotopt_status
gather(reader *r, spotopt_error *err)
{
    spotopt_history *history = r->history;
    size_t first = 0;

    history->rows = r->rows.count;
    history->time_s =
        spotopt__alloc_array(history->context, history->rows + 1, sizeof *history->time_s);
    history->nodes_up =
        spotopt__alloc_array(history->context, history->rows + 1, sizeof *history->nodes_up);
    if (history->time_s == NULL || history->nodes_up == NULL)
        return spotopt__nomem(err, "a history");
    for (size_t i = 0; i < history->series.count; i++) {
        history->series.at[i].first = first;
        first += history->series.at[i].count;
        history->series.at[i].count = 0;
    }
    for (size_t i = 0; i < r->rows.count; i++) {
        spotopt__series *series = &history->series.at[r->rows.at[i].series];
        size_t at = series->first + series->count++;

        history->time_s[at] = r->rows.at[i].time_s;
        history->nodes_up[at] =
            r->rows.at[i].nodes_up == UNSEEN ? NAN : (double)r->rows.at[i].nodes_up;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_history_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      spotopt_history **out, spotopt_error *err)
{
    static const char *const known[] = {"pool",   "region",   "zone", "instance_type",
                                        "time_s", "nodes_up", NULL};
    reader r = {.history = NULL};
    bool has = false;
    spotopt_status status;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    r.history = spotopt__alloc(context, sizeof *r.history);
    if (r.history == NULL)
        return spotopt__nomem(err, "a history");
    r.history->context = spotopt__context_hold(context);
    spotopt__arena_init(&r.history->arena, context);
    spotopt__map_init(&r.history->series_by_pool, context);

    status = spotopt__csv_open(&r.csv, context, text, length, name != NULL ? name : "history", err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r.csv, "pool", &r.pool, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r.csv, "time_s", &r.time_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r.csv, "nodes_up", &r.nodes_up, err);
    if (status == SPOTOPT_OK) {
        r.region = spotopt__csv_column(&r.csv, "region");
        r.zone = spotopt__csv_column(&r.csv, "zone");
        r.instance_type = spotopt__csv_column(&r.csv, "instance_type");
        spotopt__csv_warn_unknown(&r.csv, known);
    }
    while (status == SPOTOPT_OK) {
        status = spotopt__csv_next(&r.csv, &has, err);
        if (status != SPOTOPT_OK || !has)
            break;
        status = read_row(&r, err);
    }
    if (status == SPOTOPT_OK)
        status = gather(&r, err);
    spotopt__csv_close(&r.csv);
    spotopt__vec_free(context, &r.rows);
    spotopt__vec_free(context, &r.last);
    if (status != SPOTOPT_OK) {
        spotopt_history_free(r.history);
        return status;
    }
    spotopt__sha256_hex(text, length, r.history->sha256);
    *out = r.history;
    return SPOTOPT_OK;
}
