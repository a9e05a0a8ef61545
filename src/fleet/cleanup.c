/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.c - from found to applied, each item at most once.
 *
 * The ledger's rows say how far an item is. Before the host is handed an item, the row "applying"
 * is kept; an item with that row is never handed out again, whether its end is known or not. So a
 * crash between the two costs at most an item that somebody has to look at, never a second
 * deletion.
 */
#include <stdlib.h>

#include "fleet/cleanup.h"

#define TIME_MAX_MS INT64_C(253402300799000)

/* --- found --- */

static int
dearest_first(const void *a, const void *b)
{
    const spotopt__found *x = a, *y = b;
    const double u = isnan(x->usd_per_month) ? -1.0 : x->usd_per_month,
                 v = isnan(y->usd_per_month) ? -1.0 : y->usd_per_month;

    if (u != v)
        return u > v ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* Where a row leads, from a state; rows that cannot be are as if they were not there. */
static int32_t
state_after(int32_t state, int32_t row)
{
    switch (row) {
    case SPOTOPT__FLAGGED:
        return state == SPOTOPT_CLEANUP_FOUND ? SPOTOPT_CLEANUP_FLAGGED : state;
    case SPOTOPT__APPROVED:
        return state == SPOTOPT_CLEANUP_FLAGGED ? SPOTOPT_CLEANUP_APPROVED : state;
    case SPOTOPT__DISMISSED:
        return state <= SPOTOPT_CLEANUP_APPROVED ? SPOTOPT_CLEANUP_DISMISSED : state;
    case SPOTOPT__APPLYING: /* whatever was before: it was handed out */
        return state == SPOTOPT_CLEANUP_APPLIED || state == SPOTOPT_CLEANUP_NOT_APPLIED
                   ? state
                   : SPOTOPT_CLEANUP_APPLYING;
    case SPOTOPT__APPLIED:
        return SPOTOPT_CLEANUP_APPLIED;
    default:
        return state == SPOTOPT_CLEANUP_APPLIED ? state : SPOTOPT_CLEANUP_NOT_APPLIED;
    }
}

/* A step counts whenever it was written: an item is better left alone than handed out twice. */
static spotopt_status
take_states(spotopt_cleanup *cleanup, const spotopt_ledger *ledger, spotopt_error *err)
{
    spotopt__map by_id;
    spotopt_status status = SPOTOPT_OK;

    spotopt__map_init(&by_id, cleanup->context);
    for (size_t i = 0; status == SPOTOPT_OK && i < cleanup->items.count; i++) {
        if (!spotopt__map_put(&by_id, cleanup->items.at[i].id, (uint32_t)i, NULL))
            status = spotopt__nomem(err, "a clean-up");
    }
    for (size_t i = 0; status == SPOTOPT_OK && i < ledger->cleanups.count; i++) {
        const spotopt__cleanup_row *row = &ledger->cleanups.at[i];
        const uint32_t place = spotopt__map_get(&by_id, spotopt__name(ledger, row->item));
        spotopt__found *item = place != SPOTOPT__NONE ? &cleanup->items.at[place] : NULL;

        if (item == NULL)
            continue;
        item->state = state_after(item->state, row->state);
        if (item->first_seen_ms < 0 || row->time_ms < item->first_seen_ms)
            item->first_seen_ms = row->time_ms;
    }
    spotopt__map_free(&by_id);
    return status;
}

spotopt_status
spotopt_cleanup_find(const spotopt_inventory *inventory, const spotopt_ledger *ledger,
                     const spotopt_cleanup_params *params, spotopt_cleanup **out,
                     spotopt_error *err)
{
    spotopt_cleanup_params p = SPOTOPT_CLEANUP_PARAMS_INIT;
    spotopt_cleanup *cleanup;
    spotopt_status status = SPOTOPT_OK;

    if (inventory == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "inventory");
    if (params != NULL)
        status = spotopt__copy_in(&p, sizeof p, params, "params", err);
    if (status != SPOTOPT_OK)
        return status;
    if (p.part != SPOTOPT_CLEANUP_GOVERNANCE && p.part != SPOTOPT_CLEANUP_STORAGE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "part is %d; want SPOTOPT_CLEANUP_...",
                             (int)p.part);
    if (p.now_ms < 0 || p.now_ms > TIME_MAX_MS)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "now_ms is off; want it >= 0");
    if (!(p.min_age_days >= 0.0 && p.min_age_days <= 1e6))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "min_age_days is %g; want it >= 0",
                             p.min_age_days);
    if ((p.allow == NULL && p.allow_count > 0) || (p.owner_tags == NULL && p.owner_tag_count > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "a list is NULL; want it as long as it says");
    cleanup = spotopt__alloc(inventory->context, sizeof *cleanup);
    if (cleanup == NULL)
        return spotopt__nomem(err, "a clean-up");
    cleanup->context = spotopt__context_hold(inventory->context);
    spotopt__arena_init(&cleanup->arena, cleanup->context);
    cleanup->part = p.part;
    cleanup->now_ms = p.now_ms;
    status = p.part == SPOTOPT_CLEANUP_GOVERNANCE
                 ? spotopt__find_instances(cleanup, inventory, ledger, &p, err)
                 : spotopt__find_storage(cleanup, inventory, &p, err);
    if (status == SPOTOPT_OK && cleanup->items.count > 1)
        qsort(cleanup->items.at, cleanup->items.count, sizeof *cleanup->items.at, dearest_first);
    if (status == SPOTOPT_OK && ledger != NULL)
        status = take_states(cleanup, ledger, err);
    if (status == SPOTOPT_OK)
        *out = cleanup;
    else
        spotopt_cleanup_free(cleanup);
    return status;
}

void
spotopt_cleanup_free(spotopt_cleanup *cleanup)
{
    spotopt_context *context;

    if (cleanup == NULL)
        return;
    context = cleanup->context;
    spotopt__vec_free(context, &cleanup->items);
    spotopt__arena_free(&cleanup->arena);
    spotopt__free(context, cleanup);
    spotopt__context_drop(context);
}

size_t
spotopt_cleanup_count(const spotopt_cleanup *cleanup)
{
    return cleanup->items.count;
}

static void
fill(const spotopt__found *item, spotopt_cleanup_item *out)
{
    out->id = item->id;
    out->what = item->what;
    out->lost = item->lost;
    out->usd_per_month = item->usd_per_month;
    out->first_seen_ms = item->first_seen_ms;
    out->state = item->state;
    out->evidence_count = item->evidence_count;
}

spotopt_status
spotopt_cleanup_at(const spotopt_cleanup *cleanup, size_t index, spotopt_cleanup_item *out,
                   spotopt_error *err)
{
    spotopt_cleanup_item made = SPOTOPT_CLEANUP_ITEM_INIT;

    if (index >= cleanup->items.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "index is %zu; want less than %zu", index,
                             cleanup->items.count);
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_CLEANUP_ITEM_INIT");
    fill(&cleanup->items.at[index], &made);
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}

const char *
spotopt_cleanup_evidence(const spotopt_cleanup *cleanup, size_t index, uint32_t reason)
{
    return index < cleanup->items.count && reason < cleanup->items.at[index].evidence_count
               ? cleanup->items.at[index].evidence[reason]
               : NULL;
}

/* --- the document --- */

static const char *
state_text(int32_t state)
{
    static const char *const texts[] = {"found",   "flagged",     "approved", "applying",
                                        "applied", "not_applied", "dismissed"};

    return texts[state];
}

static void
put_time(spotopt__jw *jw, const char *key, int64_t time_ms)
{
    char text[32];

    if (time_ms >= 0)
        spotopt__write_time((double)time_ms / 1000.0, text);
    spotopt__jw_put_text(jw, key, time_ms >= 0 ? text : NULL);
}

spotopt_status
spotopt_cleanup_write(const spotopt_cleanup *cleanup, char **out_text, size_t *out_length,
                      spotopt_error *err)
{
    double usd = 0.0;
    size_t open = 0;
    spotopt__str str;
    spotopt__jw jw;
    char *text;

    if (out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out_text is NULL; want it set");
    spotopt__str_init(&str, cleanup->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "CleanupReport");
    put_time(&jw, "now", cleanup->now_ms);
    spotopt__jw_put_text(&jw, "part",
                         cleanup->part == SPOTOPT_CLEANUP_GOVERNANCE ? "governance" : "storage");
    spotopt__jw_key(&jw, "items");
    spotopt__jw_array(&jw);
    for (size_t i = 0; i < cleanup->items.count; i++) {
        const spotopt__found *item = &cleanup->items.at[i];

        if (item->state <= SPOTOPT_CLEANUP_APPROVED) {
            open++;
            usd += isnan(item->usd_per_month) ? 0.0 : item->usd_per_month;
        }
        spotopt__jw_object(&jw);
        spotopt__jw_put_text(&jw, "id", item->id);
        spotopt__jw_put_text(&jw, "what", item->what);
        spotopt__jw_put_text(&jw, "state", state_text(item->state));
        put_time(&jw, "first_seen", item->first_seen_ms);
        spotopt__jw_put_real(&jw, "usd_per_month", item->usd_per_month);
        spotopt__jw_key(&jw, "evidence");
        spotopt__jw_array(&jw);
        for (uint32_t k = 0; k < item->evidence_count; k++)
            spotopt__jw_text(&jw, item->evidence[k]);
        spotopt__jw_end_array(&jw);
        spotopt__jw_put_text(&jw, "lost", item->lost);
        spotopt__jw_end_object(&jw);
    }
    spotopt__jw_end_array(&jw);
    spotopt__jw_put_int(&jw, "open", (int64_t)open);
    spotopt__jw_put_real(&jw, "open_usd_per_month", usd);
    spotopt__jw_end_object(&jw);
    spotopt__str_add(&str, "\n");
    text = spotopt__str_take(&str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "a document");
    *out_text = text;
    return SPOTOPT_OK;
}

/* --- steps --- */

static void
add_row(spotopt__str *out, int64_t time_ms, const char *id, const char *state, const char *author,
        const char *reason)
{
    spotopt__jw jw;

    spotopt__jw_init(&jw, out);
    spotopt__jw_object(&jw);
    spotopt__jw_put_int(&jw, "time_ms", time_ms);
    spotopt__jw_put_text(&jw, "type", "cleanup");
    spotopt__jw_put_text(&jw, "item", id);
    spotopt__jw_put_text(&jw, "state", state);
    spotopt__jw_put_text(&jw, "author", author);
    if (reason != NULL && reason[0] != '\0')
        spotopt__jw_put_text(&jw, "reason", reason);
    spotopt__jw_end_object(&jw);
    spotopt__str_add(out, "\n");
}

static bool
can_step(int32_t from, int32_t to)
{
    return to == SPOTOPT_CLEANUP_FLAGGED    ? from == SPOTOPT_CLEANUP_FOUND
           : to == SPOTOPT_CLEANUP_APPROVED ? from == SPOTOPT_CLEANUP_FLAGGED
                                            : from <= SPOTOPT_CLEANUP_APPROVED;
}

static spotopt_status
check_author(const char *author, int64_t time_ms, spotopt_error *err)
{
    if (author == NULL || author[0] == '\0' || strlen(author) > 4096)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "author is not set; want who does it");
    if (time_ms < 0 || time_ms > TIME_MAX_MS)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "time_ms is off; want it >= 0");
    return SPOTOPT_OK;
}

/* Marks the named ones in picked. */
static spotopt_status
pick(const spotopt_cleanup *cleanup, int32_t state, const char *const *ids, size_t id_count,
     bool *picked, spotopt_error *err)
{
    for (size_t k = 0; k < id_count; k++) {
        size_t place = 0;

        while (place < cleanup->items.count && strcmp(cleanup->items.at[place].id, ids[k]) != 0)
            place++;
        if (place == cleanup->items.count)
            return spotopt__fail(err, SPOTOPT_E_STATE, "\"%.80s\" was not found; want an item's id",
                                 ids[k]);
        if (!can_step(cleanup->items.at[place].state, state))
            return spotopt__fail(err, SPOTOPT_E_STATE, "\"%.80s\" is %s; it cannot be %s", ids[k],
                                 state_text(cleanup->items.at[place].state), state_text(state));
        picked[place] = true;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_cleanup_step(spotopt_cleanup *cleanup, int32_t state, const char *const *ids,
                     size_t id_count, const char *author, const char *reason, int64_t time_ms,
                     char **out_rows, size_t *out_length, spotopt_error *err)
{
    bool *picked;
    spotopt__str str;
    char *rows = NULL;
    spotopt_status status = check_author(author, time_ms, err);

    if (status != SPOTOPT_OK)
        return status;
    if (out_rows == NULL || (ids == NULL && id_count > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out_rows == NULL ? "out_rows" : "ids");
    if (state != SPOTOPT_CLEANUP_FLAGGED && state != SPOTOPT_CLEANUP_APPROVED &&
        state != SPOTOPT_CLEANUP_DISMISSED)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "state is %d; want flagged, approved or dismissed", (int)state);
    picked = spotopt__alloc_array(cleanup->context, cleanup->items.count + 1, sizeof *picked);
    if (picked == NULL)
        return spotopt__nomem(err, "rows");
    spotopt__str_init(&str, cleanup->context);
    status = pick(cleanup, state, ids, id_count, picked, err);
    for (size_t i = 0; status == SPOTOPT_OK && i < cleanup->items.count; i++) {
        if (ids == NULL)
            picked[i] = can_step(cleanup->items.at[i].state, state);
        if (picked[i])
            add_row(&str, time_ms, cleanup->items.at[i].id, state_text(state), author, reason);
    }
    if (status == SPOTOPT_OK) {
        rows = spotopt__str_take(&str, out_length);
        if (rows == NULL)
            status = spotopt__nomem(err, "rows");
    }
    for (size_t i = 0; status == SPOTOPT_OK && i < cleanup->items.count; i++) {
        if (picked[i])
            cleanup->items.at[i].state = state;
    }
    if (status == SPOTOPT_OK)
        *out_rows = rows;
    spotopt__str_free(&str);
    spotopt__free(cleanup->context, picked);
    return status;
}

/* --- applying --- */

typedef struct applying {
    spotopt_cleanup *cleanup;
    const spotopt_cleanup_host *host;
    const char *author;
    int64_t time_ms;
    size_t done, total;
    spotopt__str row;
} applying;

/* Nothing is kept: -1; memory ran out: -2. */
static int
record(applying *a, const char *id, const char *state)
{
    a->row.count = 0;
    add_row(&a->row, a->time_ms, id, state, a->author, NULL);
    if (a->row.failed)
        return -2;
    return a->host->record(a->host->user, a->row.at, a->row.count) == 0 ? 0 : -1;
}

static int
record_batch(applying *a, const char *state)
{
    spotopt__jw jw;

    a->row.count = 0;
    spotopt__jw_init(&jw, &a->row);
    spotopt__jw_object(&jw);
    spotopt__jw_put_int(&jw, "time_ms", a->time_ms);
    spotopt__jw_put_text(&jw, "type", "batch");
    spotopt__jw_put_text(&jw, "id",
                         a->cleanup->part == SPOTOPT_CLEANUP_GOVERNANCE ? "governance" : "storage");
    spotopt__jw_put_text(&jw, "state", state);
    spotopt__jw_put_int(&jw, "done", (int64_t)a->done);
    spotopt__jw_put_int(&jw, "total", (int64_t)a->total);
    spotopt__jw_end_object(&jw);
    spotopt__str_add(&a->row, "\n");
    if (a->row.failed)
        return -2;
    return a->host->record(a->host->user, a->row.at, a->row.count) == 0 ? 0 : -1;
}

/* One item: 0, or what record() says. */
static int
apply_one(applying *a, spotopt__found *item, spotopt_cleanup_result *out)
{
    spotopt_cleanup_item given = SPOTOPT_CLEANUP_ITEM_INIT;
    bool is_done;
    int kept;

    /* From here on it counts as handed out, even where the row may have been kept in part. */
    item->state = SPOTOPT_CLEANUP_APPLYING;
    kept = record(a, item->id, "applying");
    if (kept != 0)
        return kept;
    fill(item, &given);
    is_done = a->host->act(a->host->user, &given) == 0;
    item->state = is_done ? SPOTOPT_CLEANUP_APPLIED : SPOTOPT_CLEANUP_NOT_APPLIED;
    out->applied += is_done;
    out->failed += !is_done;
    a->done++;
    kept = record(a, item->id, is_done ? "applied" : "not_applied");
    return kept != 0 ? kept : record_batch(a, a->done == a->total ? "done" : "running");
}

static spotopt_status
apply_all(applying *a, spotopt_cleanup_result *out, spotopt_error *err)
{
    for (size_t i = 0; i < a->cleanup->items.count && a->done < a->total; i++) {
        spotopt__found *item = &a->cleanup->items.at[i];
        int kept;

        if (item->state != SPOTOPT_CLEANUP_APPROVED)
            continue;
        if (a->host->progress != NULL && a->host->progress(a->host->user, a->done, a->total) != 0) {
            out->was_cancelled = 1;
            (void)record_batch(a, "cancelled");
            return SPOTOPT_OK;
        }
        kept = apply_one(a, item, out);
        if (kept == -2)
            return spotopt__nomem(err, "a row");
        if (kept != 0) {
            out->was_cancelled = 1;
            return SPOTOPT_OK;
        }
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_cleanup_apply(spotopt_cleanup *cleanup, const spotopt_cleanup_host *host, size_t batch,
                      const char *author, int64_t time_ms, spotopt_cleanup_result *out,
                      spotopt_error *err)
{
    spotopt_cleanup_result made = SPOTOPT_CLEANUP_RESULT_INIT;
    spotopt_cleanup_host h = SPOTOPT_CLEANUP_HOST_INIT;
    applying a = {cleanup, &h, author, time_ms, 0, 0, {0}};
    spotopt_status status = check_author(author, time_ms, err);

    if (status != SPOTOPT_OK)
        return status;
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out is not set; want SPOTOPT_CLEANUP_RESULT_INIT");
    if (host != NULL)
        status = spotopt__copy_in(&h, sizeof h, host, "host", err);
    if (status == SPOTOPT_OK && host != NULL && (h.record == NULL || h.act == NULL))
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "host.%s is NULL; want a function",
                               h.record == NULL ? "record" : "act");
    if (status != SPOTOPT_OK)
        return status;
    for (size_t i = 0; i < cleanup->items.count; i++)
        a.total += cleanup->items.at[i].state == SPOTOPT_CLEANUP_APPROVED &&
                   (batch == 0 || a.total < batch);
    made.total = a.total;
    if (host != NULL) {
        spotopt__str_init(&a.row, cleanup->context);
        status = apply_all(&a, &made, err);
        spotopt__str_free(&a.row);
    }
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return status;
}
