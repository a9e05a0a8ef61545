/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.c - how the components of the pipeline are: state, uptime, latency, log lines.
 *
 * A state holds until the next row. Uptime is the share of the trailing 24 hours in which a
 * component was not down, of the time its state is known. The pipeline is as well as its worst
 * component. The last 5 log lines are shown, and with each change of state the last 10 up to it.
 */
#include <stdlib.h>

#include "fleet/books.h"

enum { LOGS = 5, LOGS_AT_CHANGE = 10, CHANGES = 5 };

typedef struct tally {
    size_t count; /* rows by now */
    uint32_t name;
    int32_t state;
    int64_t since_ms, last_ms; /* of the state; of the last row */
    double up_h, known_h, latency_ms, latency_sum;
    size_t latencies, logs;
} tally;

static void
put_logs(const spotopt__view *view, spotopt__jw *jw, uint32_t component, int64_t until_ms,
         size_t most)
{
    const spotopt_ledger *ledger = view->ledger;
    size_t end = 0, found[LOGS_AT_CHANGE], count = 0;

    /* The end of what is seen by then, by halving. */
    for (size_t low = 0, high = ledger->logs.count;;) {
        const size_t middle = low + (high - low) / 2;

        end = low;
        if (low == high)
            break;
        if (ledger->logs.at[middle].time_ms <= until_ms)
            low = middle + 1;
        else
            high = middle;
    }
    while (end > 0 && count < most) {
        if (ledger->logs.at[--end].component == component)
            found[count++] = end;
    }
    spotopt__jw_key(jw, "logs"); /* oldest first */
    spotopt__jw_array(jw);
    while (count-- > 0) {
        const spotopt__log_line *row = &ledger->logs.at[found[count]];

        spotopt__jw_object(jw);
        spotopt__put_time(jw, "time", row->time_ms);
        spotopt__put_name(view, jw, "level", row->level);
        spotopt__jw_put_text(jw, "text", spotopt__name(ledger, row->text));
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

static void
add_state(const spotopt__view *view, tally *t, int64_t until_ms)
{
    const int64_t day = view->now_ms - SPOTOPT__DAY_MS;
    const int64_t begin = t->last_ms > day ? t->last_ms : day;

    if (t->count == 0 || until_ms <= begin)
        return;
    t->known_h += (double)(until_ms - begin) / (double)SPOTOPT__HOUR_MS;
    if (t->state != SPOTOPT__DOWN)
        t->up_h += (double)(until_ms - begin) / (double)SPOTOPT__HOUR_MS;
}

static void
take(const spotopt__view *view, tally *t, const spotopt__health *row)
{
    add_state(view, t, row->time_ms);
    if (t->count == 0 || t->state != row->state)
        t->since_ms = row->time_ms;
    t->name = row->component;
    t->state = row->state;
    t->last_ms = row->time_ms;
    t->count++;
    if (!isnan(row->latency_ms)) {
        t->latency_ms = row->latency_ms;
        if (row->time_ms > view->now_ms - SPOTOPT__DAY_MS) {
            t->latency_sum += row->latency_ms;
            t->latencies++;
        }
    }
}

/* The last changes of state in the window, oldest first. */
static void
put_changes(const spotopt__view *view, spotopt__jw *jw, uint32_t component)
{
    const spotopt_ledger *ledger = view->ledger;
    size_t changes[CHANGES] = {0}, count = 0;
    int32_t before[CHANGES] = {0}, state = -1;

    for (size_t i = 0; i < ledger->health.count; i++) {
        const spotopt__health *row = &ledger->health.at[i];

        if (row->time_ms > view->now_ms)
            break;
        if (row->component != component)
            continue;
        if (state >= 0 && row->state != state && row->time_ms >= view->from_ms) {
            changes[count % CHANGES] = i;
            before[count % CHANGES] = state;
            count++;
        }
        state = row->state;
    }
    spotopt__jw_key(jw, "changes");
    spotopt__jw_array(jw);
    for (size_t i = count > CHANGES ? count - CHANGES : 0; i < count; i++) {
        const spotopt__health *row = &ledger->health.at[changes[i % CHANGES]];

        spotopt__jw_object(jw);
        spotopt__put_time(jw, "time", row->time_ms);
        spotopt__jw_put_text(jw, "from", spotopt__health_state(before[i % CHANGES]));
        spotopt__jw_put_text(jw, "to", spotopt__health_state(row->state));
        put_logs(view, jw, component, row->time_ms, LOGS_AT_CHANGE);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

static void
put_component(const spotopt__view *view, spotopt__jw *jw, const tally *t)
{
    spotopt__jw_object(jw);
    spotopt__put_name(view, jw, "component", t->name);
    spotopt__jw_put_text(jw, "state", t->count > 0 ? spotopt__health_state(t->state) : NULL);
    spotopt__put_time(jw, "since", t->count > 0 ? t->since_ms : -1);
    spotopt__put_time(jw, "heard_at", t->count > 0 ? t->last_ms : -1);
    spotopt__jw_put_real(jw, "uptime_frac", t->known_h > 0.0 ? t->up_h / t->known_h : NAN);
    spotopt__jw_put_real(jw, "latency_ms", t->latency_ms);
    spotopt__jw_put_real(jw, "mean_latency_ms",
                         t->latencies > 0 ? t->latency_sum / (double)t->latencies : NAN);
    put_changes(view, jw, t->name);
    put_logs(view, jw, t->name, view->now_ms, LOGS);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt__write_health(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    uint32_t *place = spotopt__alloc_array(ledger->context, ledger->known_names + 1, sizeof *place);
    spotopt__vec(tally) tallies = {NULL, 0, 0};
    int32_t worst = -1;
    bool is_ok = place != NULL;

    for (size_t i = 0; is_ok && i < ledger->known_names; i++)
        place[i] = SPOTOPT__NONE;
    for (size_t i = 0; is_ok && i < ledger->health.count; i++) {
        const spotopt__health *row = &ledger->health.at[i];

        if (row->time_ms > view->now_ms)
            break;
        if (place[row->component] == SPOTOPT__NONE) {
            place[row->component] = (uint32_t)tallies.count;
            is_ok = spotopt__vec_push(ledger->context, &tallies,
                                      (tally){.name = row->component, .latency_ms = NAN});
        }
        if (is_ok)
            take(view, &tallies.at[place[row->component]], row);
    }
    for (size_t i = 0; is_ok && i < ledger->logs.count; i++) { /* who only writes logs */
        const spotopt__log_line *row = &ledger->logs.at[i];

        if (row->time_ms <= view->now_ms && place[row->component] == SPOTOPT__NONE) {
            place[row->component] = (uint32_t)tallies.count;
            is_ok = spotopt__vec_push(ledger->context, &tallies,
                                      (tally){.name = row->component, .latency_ms = NAN});
        }
    }
    spotopt__free(ledger->context, place);
    if (!is_ok) {
        spotopt__vec_free(ledger->context, &tallies);
        return spotopt__nomem(err, "health");
    }
    for (size_t i = 0; i < tallies.count; i++) {
        add_state(view, &tallies.at[i], view->now_ms);
        if (tallies.at[i].count > 0 && tallies.at[i].state > worst)
            worst = tallies.at[i].state;
    }
    spotopt__jw_put_text(jw, "pipeline", worst >= 0 ? spotopt__health_state(worst) : NULL);
    spotopt__jw_key(jw, "components"); /* in order of first appearance */
    spotopt__jw_array(jw);
    for (size_t i = 0; i < tallies.count; i++)
        put_component(view, jw, &tallies.at[i]);
    spotopt__jw_end_array(jw);
    spotopt__vec_free(ledger->context, &tallies);
    return SPOTOPT_OK;
}
