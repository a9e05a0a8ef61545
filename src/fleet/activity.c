/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activity.c - what was done and what threatened: moves, episodes, counts and rates, the feed.
 *
 * Rows of one move share its id; without one, those of one instance between the same pools belong
 * together until the move is executed or failed. A move that was executed or failed had been
 * accepted, whether a row says so or not. An episode is a chain of notices of one instance, each
 * at most 30 minutes after the last.
 */
#include <stddef.h>
#include <stdlib.h>

#include "fleet/books.h"

/* --- moves --- */

/* What rows of one move have in common, as bytes that lie together in a row. */
static const char *
key_of(const spotopt__switch *row, size_t *out_length)
{
    *out_length = row->id != 0 ? sizeof row->id : 3 * sizeof row->instance;
    return row->id != 0 ? (const char *)&row->id : (const char *)&row->instance;
}

spotopt_status
spotopt__gather_moves(const spotopt__view *view, spotopt__moves *out, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    /* The last move of each key. */
    uint32_t *last =
        spotopt__alloc_array(ledger->context, ledger->switches.count + 1, sizeof *last);
    uint32_t keys = 0;
    spotopt__map by_key;
    spotopt_status status = last == NULL ? spotopt__nomem(err, "moves") : SPOTOPT_OK;

    _Static_assert(offsetof(spotopt__switch, to_pool) - offsetof(spotopt__switch, instance) ==
                       2 * sizeof(uint32_t),
                   "the key lies together");
    spotopt__map_init(&by_key, ledger->context);
    for (size_t i = 0; status == SPOTOPT_OK && i < ledger->switches.count; i++) {
        const spotopt__switch *row = &ledger->switches.at[i];
        uint32_t key;
        size_t length;

        if (row->time_ms > view->now_ms)
            break;
        const char *bytes = key_of(row, &length);
        if (!spotopt__map_put_n(&by_key, bytes, length, keys, &key)) {
            status = spotopt__nomem(err, "moves");
            break;
        }
        if (key == keys || (row->id == 0 && out->list.at[last[key]].done_ms >= 0)) {
            if (!spotopt__vec_push(ledger->context, &out->list,
                                   (spotopt__move){i, SIZE_MAX, 0, -1, SPOTOPT__PROPOSED, false})) {
                status = spotopt__nomem(err, "moves");
                break;
            }
            keys += key == keys;
            last[key] = (uint32_t)(out->list.count - 1);
        }
        spotopt__move *move = &out->list.at[last[key]];

        move->last_ms = row->time_ms;
        if (row->alternate_count > 0)
            move->told = i;
        if (row->state > move->state)
            move->state = row->state;
        move->is_accepted |= row->state != SPOTOPT__PROPOSED;
        if (row->state >= SPOTOPT__EXECUTED && move->done_ms < 0)
            move->done_ms = row->time_ms;
    }
    spotopt__map_free(&by_key);
    spotopt__free(ledger->context, last);
    if (status != SPOTOPT_OK)
        spotopt__vec_free(ledger->context, &out->list);
    return status;
}

/* The cluster of a row that may leave it out. */
static uint32_t
cluster_of(const spotopt_ledger *ledger, uint32_t cluster, uint32_t instance, int64_t at_ms)
{
    const spotopt__life *life = cluster == 0 ? spotopt__life_at(ledger, instance, at_ms) : NULL;

    return life != NULL ? life->start.cluster : cluster;
}

static bool
concerns(const spotopt__view *view, uint32_t cluster, uint32_t instance, int64_t at_ms)
{
    const uint32_t of =
        instance != 0 ? cluster_of(view->ledger, cluster, instance, at_ms) : cluster;

    return (view->cluster == SPOTOPT__NONE || of == view->cluster) &&
           (view->client == SPOTOPT__NONE ||
            spotopt__client_of(view->ledger, of) == view->client) &&
           (view->instance == SPOTOPT__NONE || instance == view->instance);
}

/* --- numbers --- */

static spotopt_status
count_notices(const spotopt__view *view, spotopt_fleet_numbers *out, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    int64_t *last = spotopt__alloc_array(ledger->context, ledger->known_names + 1, sizeof *last);

    if (last == NULL)
        return spotopt__nomem(err, "numbers");
    for (size_t i = 0; i < ledger->known_names; i++)
        last[i] = -1;
    for (size_t i = 0; i < ledger->notices.count; i++) {
        const spotopt__notice *row = &ledger->notices.at[i];
        const bool is_recent = row->time_ms > view->now_ms - SPOTOPT__DAY_MS;

        if (row->time_ms > view->now_ms)
            break;
        if (!concerns(view, row->cluster, row->instance, row->time_ms))
            continue;
        out->notices += is_recent;
        if (is_recent &&
            (last[row->instance] < 0 || row->time_ms - last[row->instance] > SPOTOPT__EPISODE_MS))
            out->risk_detected++;
        last[row->instance] = row->time_ms;
    }
    spotopt__free(ledger->context, last);
    return SPOTOPT_OK;
}

typedef struct load {
    double busy, weight;
} load;

static void
add_load(const spotopt__view *view, const spotopt__life *life, int which, load *sum)
{
    const double free_frac =
        spotopt__last_measure(view->ledger, life->start.instance, which, view->now_ms);
    const double weight = life->start.vcpu > 0.0 ? life->start.vcpu : 1.0;

    if (!isnan(free_frac)) {
        sum->busy += weight * (1.0 - free_frac);
        sum->weight += weight;
    }
}

/* A move that went quiet, or whose node is gone, is no longer going on. */
static bool
is_live(const spotopt__view *view, const spotopt__move *move)
{
    const uint32_t instance = view->ledger->switches.at[move->first].instance;
    const spotopt__life *life = spotopt__life_at(view->ledger, instance, view->now_ms);

    return move->done_ms < 0 && move->last_ms > view->now_ms - SPOTOPT__DAY_MS &&
           (life == NULL || spotopt__life_runs(life, view->now_ms));
}

spotopt_status
spotopt__view_numbers(const spotopt__view *view, spotopt_fleet_numbers *out, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    const int64_t day = view->now_ms - SPOTOPT__DAY_MS;
    load cpu = {0}, memory = {0};
    spotopt__moves moves = {{NULL, 0, 0}};
    double node_h = 0.0;
    spotopt_status status;

    for (size_t i = 0; i < ledger->lives.count; i++) {
        const spotopt__life *life = &ledger->lives.at[i];

        if (life->start.time_ms > view->now_ms || !spotopt__view_has_life(view, life))
            continue;
        node_h += spotopt__life_hours(life, day, view->now_ms);
        out->interrupted +=
            life->is_interrupted && life->stop_ms > day && life->stop_ms <= view->now_ms;
        if (!spotopt__life_runs(life, view->now_ms))
            continue;
        out->active++;
        out->active_spot += life->start.is_spot;
        add_load(view, life, SPOTOPT__CPU_FREE, &cpu);
        add_load(view, life, SPOTOPT__MEMORY_FREE, &memory);
    }
    out->cpu_load_frac = cpu.weight > 0.0 ? cpu.busy / cpu.weight : (double)NAN;
    out->memory_load_frac = memory.weight > 0.0 ? memory.busy / memory.weight : (double)NAN;
    status = count_notices(view, out, err);
    if (status == SPOTOPT_OK)
        status = spotopt__gather_moves(view, &moves, err);
    if (status != SPOTOPT_OK)
        return status;
    out->episodes_per_1000_node_hours =
        node_h > 0.0 ? 1000.0 * (double)out->risk_detected / node_h : (double)NAN;
    for (size_t i = 0; i < moves.list.count; i++) {
        const spotopt__move *move = &moves.list.at[i];
        const spotopt__switch *first = &ledger->switches.at[move->first];

        if (!concerns(view, first->cluster, first->instance, first->time_ms))
            continue;
        out->live += is_live(view, move);
        out->optimizations += move->state == SPOTOPT__EXECUTED && move->done_ms >= view->from_ms;
        if (first->time_ms < view->from_ms)
            continue;
        out->proposed++;
        out->accepted += move->is_accepted;
        out->failed += move->state == SPOTOPT__FAILED;
    }
    out->action_rate =
        out->proposed > 0 ? (double)out->accepted / (double)out->proposed : (double)NAN;
    spotopt__vec_free(ledger->context, &moves.list);
    return SPOTOPT_OK;
}

/* --- history of switches --- */

static void
put_move(const spotopt__view *view, spotopt__jw *jw, const spotopt__move *move)
{
    const spotopt_ledger *ledger = view->ledger;
    const spotopt__switch *first = &ledger->switches.at[move->first];
    const spotopt__switch *told = move->told != SIZE_MAX ? &ledger->switches.at[move->told] : NULL;

    spotopt__jw_object(jw);
    spotopt__put_name(view, jw, "id", first->id);
    spotopt__put_name(view, jw, "instance", first->instance);
    spotopt__put_name(view, jw, "cluster",
                      cluster_of(ledger, first->cluster, first->instance, first->time_ms));
    spotopt__put_name(view, jw, "from_pool", first->from_pool);
    spotopt__put_name(view, jw, "to_pool", first->to_pool);
    spotopt__put_name(view, jw, "reason", first->reason);
    spotopt__jw_put_text(jw, "state", spotopt__switch_state(move->state));
    spotopt__put_time(jw, "proposed_at", first->time_ms);
    spotopt__put_time(jw, "done_at", move->done_ms);
    spotopt__jw_key(jw, "alternates");
    spotopt__jw_array(jw);
    for (uint32_t i = 0; told != NULL && i < told->alternate_count; i++)
        spotopt__jw_text(jw, spotopt__name(ledger, told->alternates[i]));
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt__write_history(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    spotopt__moves moves = {{NULL, 0, 0}};
    spotopt_status status = spotopt__gather_moves(view, &moves, err);
    size_t count = 0, shown = 0;

    if (status != SPOTOPT_OK)
        return status;
    if (view->instance != SPOTOPT__NONE)
        spotopt__put_name(view, jw, "instance", view->instance);
    spotopt__jw_key(jw, "switches"); /* latest first */
    spotopt__jw_array(jw);
    for (size_t i = moves.list.count; i-- > 0;) {
        const spotopt__switch *first = &ledger->switches.at[moves.list.at[i].first];

        if (!concerns(view, first->cluster, first->instance, first->time_ms))
            continue;
        count++;
        if (shown < view->params.limit) {
            shown++;
            put_move(view, jw, &moves.list.at[i]);
        }
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_put_int(jw, "count", (int64_t)count);
    spotopt__vec_free(ledger->context, &moves.list);
    return SPOTOPT_OK;
}

/* --- the feed --- */

typedef struct item {
    int64_t time_ms;
    uint64_t line;
    int32_t table;
    size_t row;
} item;
enum { OF_NOTICE, OF_SWITCH, OF_START, OF_STOP, OF_ORDER, OF_HEALTH, OF_BATCH, OF_CLEANUP };

static int
latest_first(const void *a, const void *b)
{
    const item *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms > y->time_ms ? -1 : 1;
    return x->line > y->line ? -1 : x->line < y->line;
}

static void
put_item(const spotopt__view *view, spotopt__jw *jw, const item *it)
{
    static const char *const kinds[] = {"notice",   "switch", "start", "stop",
                                        "override", "health", "batch", "cleanup"};
    const spotopt_ledger *ledger = view->ledger;
    uint32_t instance = 0, cluster = 0, subject = 0, detail = 0, more = 0;
    const char *state = NULL;

    switch (it->table) {
    case OF_NOTICE:
        instance = ledger->notices.at[it->row].instance;
        cluster = ledger->notices.at[it->row].cluster;
        state = ledger->notices.at[it->row].is_termination ? "termination" : "rebalance";
        detail = ledger->notices.at[it->row].source;
        break;
    case OF_SWITCH:
        instance = ledger->switches.at[it->row].instance;
        cluster = ledger->switches.at[it->row].cluster;
        state = spotopt__switch_state(ledger->switches.at[it->row].state);
        subject = ledger->switches.at[it->row].to_pool;
        detail = ledger->switches.at[it->row].reason;
        more = ledger->switches.at[it->row].from_pool;
        break;
    case OF_START:
        instance = ledger->starts.at[it->row].instance;
        cluster = ledger->starts.at[it->row].cluster;
        subject = ledger->starts.at[it->row].pool;
        break;
    case OF_STOP:
        instance = ledger->stops.at[it->row].instance;
        detail = ledger->stops.at[it->row].cause;
        break;
    case OF_ORDER:
        state = ledger->orders.at[it->row].is_lift ? "lifted" : "set";
        subject = ledger->orders.at[it->row].id;
        detail = ledger->orders.at[it->row].reason;
        more = ledger->orders.at[it->row].author;
        break;
    case OF_HEALTH:
        state = spotopt__health_state(ledger->health.at[it->row].state);
        subject = ledger->health.at[it->row].component;
        break;
    case OF_BATCH:
        subject = ledger->batches.at[it->row].id;
        detail = ledger->batches.at[it->row].state;
        more = ledger->batches.at[it->row].reason;
        break;
    default:
        state = spotopt__cleanup_state(ledger->cleanups.at[it->row].state);
        subject = ledger->cleanups.at[it->row].item;
        detail = ledger->cleanups.at[it->row].reason;
        more = ledger->cleanups.at[it->row].author;
        break;
    }
    if (instance != 0)
        cluster = cluster_of(ledger, cluster, instance, it->time_ms);
    spotopt__jw_object(jw);
    spotopt__put_time(jw, "time", it->time_ms);
    spotopt__jw_put_text(jw, "type", kinds[it->table]);
    spotopt__put_name(view, jw, "cluster", cluster);
    spotopt__put_name(view, jw, "instance", instance);
    spotopt__jw_put_text(jw, "state", state);
    spotopt__put_name(view, jw, "subject", subject);
    spotopt__put_name(view, jw, "detail", detail);
    spotopt__put_name(view, jw, "more", more);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt__write_activity(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    const bool is_narrow = view->cluster != SPOTOPT__NONE || view->client != SPOTOPT__NONE ||
                           view->instance != SPOTOPT__NONE;
    spotopt__vec(item) items = {NULL, 0, 0};
    int8_t *last = spotopt__alloc_array(ledger->context, ledger->known_names + 1, sizeof *last);
    bool is_ok = last != NULL;

#define GATHER(table_name, tag, is_wanted)                                                         \
    for (size_t i = 0; is_ok && i < ledger->table_name.count; i++) {                               \
        if (ledger->table_name.at[i].time_ms <= view->now_ms &&                                    \
            ledger->table_name.at[i].time_ms >= view->from_ms && (is_wanted))                      \
            is_ok = spotopt__vec_push(                                                             \
                ledger->context, &items,                                                           \
                (item){ledger->table_name.at[i].time_ms, ledger->table_name.at[i].line, tag, i});  \
    }
    GATHER(notices, OF_NOTICE,
           concerns(view, ledger->notices.at[i].cluster, ledger->notices.at[i].instance,
                    ledger->notices.at[i].time_ms))
    GATHER(switches, OF_SWITCH,
           concerns(view, ledger->switches.at[i].cluster, ledger->switches.at[i].instance,
                    ledger->switches.at[i].time_ms))
    GATHER(starts, OF_START,
           concerns(view, ledger->starts.at[i].cluster, ledger->starts.at[i].instance,
                    ledger->starts.at[i].time_ms))
    GATHER(stops, OF_STOP,
           concerns(view, 0, ledger->stops.at[i].instance, ledger->stops.at[i].time_ms))
    GATHER(orders, OF_ORDER, !is_narrow)
    /* Of a component's health only what changed. */
    for (size_t i = 0; is_ok && i < ledger->health.count; i++) {
        const spotopt__health *row = &ledger->health.at[i];
        const bool has_changed = last[row->component] != row->state + 1;

        last[row->component] = (int8_t)(row->state + 1);
        if (!is_narrow && has_changed && row->time_ms <= view->now_ms &&
            row->time_ms >= view->from_ms)
            is_ok = spotopt__vec_push(ledger->context, &items,
                                      (item){row->time_ms, row->line, OF_HEALTH, i});
    }
    GATHER(batches, OF_BATCH, !is_narrow)
    GATHER(cleanups, OF_CLEANUP, !is_narrow)
#undef GATHER
    spotopt__free(ledger->context, last);
    if (!is_ok) {
        spotopt__vec_free(ledger->context, &items);
        return spotopt__nomem(err, "activity");
    }
    if (items.count > 1)
        qsort(items.at, items.count, sizeof *items.at, latest_first);
    spotopt__jw_key(jw, "items"); /* latest first */
    spotopt__jw_array(jw);
    for (size_t i = 0; i < items.count && i < view->params.limit; i++)
        put_item(view, jw, &items.at[i]);
    spotopt__jw_end_array(jw);
    spotopt__jw_put_int(jw, "count", (int64_t)items.count);
    spotopt__vec_free(ledger->context, &items);
    return SPOTOPT_OK;
}
