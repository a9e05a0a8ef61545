/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_events.c - reads an Events file into a ledger, tells of what was added, frees it.
 *
 * A row that is added goes to a copy of the row tables, so that a refused one leaves the ledger as
 * it was; texts are interned for good.
 */
#include "io/maybe.h"
#include "model/ledger.h"

static void
free_derived(spotopt_ledger *ledger)
{
    spotopt_context *context = ledger->context;

    spotopt__vec_free(context, &ledger->lives);
    spotopt__vec_free(context, &ledger->clusters);
    spotopt__vec_free(context, &ledger->shares);
    spotopt__free(context, ledger->price_sum);
    spotopt__free(context, ledger->price_of);
    spotopt__free(context, ledger->life_of);
    ledger->price_sum = NULL;
    ledger->price_of = ledger->life_of = NULL;
    ledger->known_names = ledger->orphans = 0;
}

static void
free_rows(spotopt_ledger *ledger)
{
#define FREE_ROWS(type, field) spotopt__vec_free(ledger->context, &ledger->field);
    SPOTOPT__ROW_TYPES(FREE_ROWS)
#undef FREE_ROWS
}

/* The row tables once more; what is derived is left empty. False: no memory. */
static bool
copy_rows(spotopt_ledger *to, const spotopt_ledger *from)
{
    bool is_ok = true;

    *to = *from;
#define CLEAR_ROWS(type, field)                                                                    \
    to->field.at = NULL;                                                                           \
    to->field.count = to->field.room = 0;
    SPOTOPT__ROW_TYPES(CLEAR_ROWS)
#undef CLEAR_ROWS
    memset(&to->lives, 0, sizeof to->lives);
    memset(&to->clusters, 0, sizeof to->clusters);
    memset(&to->shares, 0, sizeof to->shares);
    to->price_sum = NULL;
    to->price_of = to->life_of = NULL;
    to->known_names = to->orphans = 0;
#define COPY_ROWS(type, field)                                                                     \
    if (is_ok && from->field.count > 0) {                                                          \
        is_ok = spotopt__vec_reserve(to->context, &to->field, from->field.count);                  \
        if (is_ok) {                                                                               \
            memcpy(to->field.at, from->field.at, from->field.count * sizeof *to->field.at);        \
            to->field.count = from->field.count;                                                   \
        }                                                                                          \
    }
    SPOTOPT__ROW_TYPES(COPY_ROWS)
#undef COPY_ROWS
    return is_ok;
}

static void
tell(const spotopt_ledger *ledger, uint64_t after)
{
    spotopt_event e;
    size_t s = 0, o = 0, b = 0;

    /* The three tables are sorted by time, so that what was added together is told in that order.
     */
    for (;;) {
        const spotopt__row *first = NULL;

#define NEXT(table, place)                                                                         \
    while (place < ledger->table.count && ledger->table.at[place].line <= after)                   \
        place++;                                                                                   \
    if (place < ledger->table.count &&                                                             \
        (first == NULL || ledger->table.at[place].time_ms < first->time_ms ||                      \
         (ledger->table.at[place].time_ms == first->time_ms &&                                     \
          ledger->table.at[place].line < first->line)))                                            \
        first = (const spotopt__row *)&ledger->table.at[place];
        NEXT(switches, s)
        NEXT(orders, o)
        NEXT(batches, b)
#undef NEXT
        if (first == NULL)
            return;
        e = (spotopt_event){.size = sizeof e, .time_ms = first->time_ms, .done_frac = NAN};
        e.id = e.state = e.scope = e.target = e.cluster = e.from_pool = e.to_pool = e.reason = "";
        if (s < ledger->switches.count && first == (const spotopt__row *)&ledger->switches.at[s]) {
            const spotopt__switch *row = &ledger->switches.at[s++];

            e.kind = SPOTOPT_EVENT_SWITCH;
            e.id = spotopt__name(ledger, row->id);
            e.state = spotopt__switch_state(row->state);
            e.target = spotopt__name(ledger, row->instance);
            e.cluster = spotopt__name(ledger, row->cluster);
            e.from_pool = spotopt__name(ledger, row->from_pool);
            e.to_pool = spotopt__name(ledger, row->to_pool);
            e.reason = spotopt__name(ledger, row->reason);
        } else if (o < ledger->orders.count &&
                   first == (const spotopt__row *)&ledger->orders.at[o]) {
            const spotopt__order *row = &ledger->orders.at[o++];

            e.kind = SPOTOPT_EVENT_OVERRIDE;
            e.id = spotopt__name(ledger, row->id);
            e.state = spotopt__order_state(row->is_lift);
            e.scope = row->is_lift ? "" : spotopt__scope(row->scope);
            e.target = spotopt__name(ledger, row->target);
            e.reason = spotopt__name(ledger, row->reason);
        } else {
            const spotopt__batch *row = &ledger->batches.at[b++];

            e.kind = SPOTOPT_EVENT_BATCH;
            e.id = spotopt__name(ledger, row->id);
            e.state = spotopt__name(ledger, row->state);
            e.reason = spotopt__name(ledger, row->reason);
            e.done_frac = row->total > 0.0 ? row->done / row->total : 1.0;
        }
        ledger->told(ledger->user, &e);
    }
}

spotopt_status
spotopt_ledger_append(spotopt_ledger *ledger, const char *text, size_t length, spotopt_error *err)
{
    const uint64_t before = ledger->lines;
    spotopt_ledger next;
    spotopt_status status;

    if (text == NULL && length > 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "text is NULL; want it set");
    status = copy_rows(&next, ledger) ? SPOTOPT_OK : spotopt__nomem(err, "a ledger");
    for (size_t at = 0; status == SPOTOPT_OK && at < length;) {
        const char *feed = memchr(text + at, '\n', length - at);
        const size_t end = feed != NULL ? (size_t)(feed - text) : length;

        next.lines++;
        status = spotopt__ledger_read_line(&next, text + at, end - at, err);
        at = end + 1;
    }
    if (status == SPOTOPT_OK)
        status = spotopt__ledger_derive(&next, err);
    /* Texts stay with the ledger either way. */
    ledger->arena = next.arena;
    ledger->name_of = next.name_of;
    memcpy(&ledger->names, &next.names, sizeof next.names);
    if (status != SPOTOPT_OK) {
        free_rows(&next);
        free_derived(&next);
        return status;
    }
    free_rows(ledger);
    free_derived(ledger);
    *ledger = next;
    if (ledger->told != NULL)
        tell(ledger, before);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_ledger_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                     spotopt_ledger **out, spotopt_error *err)
{
    spotopt_ledger *ledger;
    spotopt_status status;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    ledger = spotopt__alloc(context, sizeof *ledger);
    if (ledger == NULL)
        return spotopt__nomem(err, "a ledger");
    ledger->context = spotopt__context_hold(context);
    spotopt__arena_init(&ledger->arena, context);
    spotopt__map_init(&ledger->name_of, context);
    ledger->first_ms = ledger->last_ms = -1;
    (void)spotopt__clean_line(ledger->name, sizeof ledger->name, name != NULL ? name : "ledger");
    status = spotopt__vec_push(context, &ledger->names, "") ? SPOTOPT_OK
                                                            : spotopt__nomem(err, "a ledger");
    if (status == SPOTOPT_OK)
        status = spotopt_ledger_append(ledger, text, length, err);
    if (status == SPOTOPT_OK)
        *out = ledger;
    else
        spotopt_ledger_free(ledger);
    return status;
}

void
spotopt_ledger_free(spotopt_ledger *ledger)
{
    spotopt_context *context;

    if (ledger == NULL)
        return;
    context = ledger->context;
    free_rows(ledger);
    free_derived(ledger);
    spotopt__vec_free(context, &ledger->names);
    spotopt__map_free(&ledger->name_of);
    spotopt__arena_free(&ledger->arena);
    spotopt__free(context, ledger);
    spotopt__context_drop(context);
}

void
spotopt_ledger_subscribe(spotopt_ledger *ledger, spotopt_event_fn told, void *user)
{
    ledger->told = told;
    ledger->user = user;
}

size_t
spotopt_ledger_count(const spotopt_ledger *ledger)
{
    return ledger->rows;
}

int64_t
spotopt_ledger_last_ms(const spotopt_ledger *ledger)
{
    return ledger->last_ms;
}
