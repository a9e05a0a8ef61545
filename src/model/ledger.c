/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.c - what follows from the rows of a ledger: lives of instances, prices and shares summed
 * up.
 *
 * Rows are sorted by time, those of one time by line. A life is a start with the next stop of that
 * instance. Sums over time are kept as prefixes, so that the money of any life in any window takes
 * two searches (fleet/money.c): of a pool's price, and of the on-demand equivalent that one unit of
 * weight earns in a cluster, d(sum)/dt = ODE(t) / weight running at t. A life's weight is its
 * on-demand price where every start of the cluster states one, else 1. O(n log n).
 */
#include <stdlib.h>

#include "model/ledger.h"

static const char *const switch_states[] = {"proposed", "accepted", "executed", "failed"};
static const char *const scopes[] = {"instance", "cluster", "client", "all"};
static const char *const health_states[] = {"up", "degraded", "down"};
static const char *const cleanup_states[] = {"flagged", "approved",    "applying",
                                             "applied", "not_applied", "dismissed"};

const char *
spotopt__switch_state(int32_t state)
{
    return switch_states[state];
}

const char *
spotopt__scope(int32_t scope)
{
    return scopes[scope];
}

const char *
spotopt__health_state(int32_t state)
{
    return health_states[state];
}

const char *
spotopt__cleanup_state(int32_t state)
{
    return cleanup_states[state];
}

const char *
spotopt__name(const spotopt_ledger *ledger, uint32_t name)
{
    return ledger->names.at[name];
}

uint32_t
spotopt__ledger_intern(spotopt_ledger *ledger, const char *text)
{
    uint32_t number;
    char *kept;

    if (text == NULL || text[0] == '\0')
        return 0;
    number = spotopt__map_get(&ledger->name_of, text);
    if (number != SPOTOPT__NONE)
        return number;
    kept = spotopt__arena_text(&ledger->arena, text, strlen(text));
    if (kept == NULL || ledger->names.count >= SPOTOPT__NONE - 1 ||
        !spotopt__vec_reserve(ledger->context, &ledger->names, 1) ||
        !spotopt__map_put(&ledger->name_of, kept, (uint32_t)ledger->names.count, &number))
        return SPOTOPT__NONE;
    ledger->names.at[ledger->names.count++] = kept;
    return number;
}

static int
by_time(const void *a, const void *b)
{
    const spotopt__row *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* By a name, then by time. */
#define BY_NAME(function, type, field)                                                             \
    static int function(const void *a, const void *b)                                              \
    {                                                                                              \
        const type *x = a, *y = b;                                                                 \
                                                                                                   \
        if (x->field != y->field)                                                                  \
            return x->field < y->field ? -1 : 1;                                                   \
        return by_time(a, b);                                                                      \
    }
BY_NAME(by_pool, spotopt__price, pool)
BY_NAME(by_cluster, spotopt__demand_row, cluster)
BY_NAME(by_instance, spotopt__measured, instance)
BY_NAME(by_started, spotopt__start, instance)
BY_NAME(by_stopped, spotopt__stop, instance)
BY_NAME(by_noticed, spotopt__notice, instance)

static int
by_cluster_and_start(const void *a, const void *b)
{
    const spotopt__life *x = a, *y = b;

    if (x->start.cluster != y->start.cluster)
        return x->start.cluster < y->start.cluster ? -1 : 1;
    return by_time(&x->start, &y->start);
}

#define SORT(vec, order)                                                                           \
    do {                                                                                           \
        if ((vec)->count > 1)                                                                      \
            qsort((vec)->at, (vec)->count, sizeof *(vec)->at, order);                              \
    } while (0)

/* Starts and stops are sorted by instance here. */
static spotopt_status
pair_lives(spotopt_ledger *ledger, spotopt_error *err)
{
    size_t stop = 0, notice = 0;

    for (size_t i = 0; i < ledger->starts.count; i++) {
        const spotopt__start *start = &ledger->starts.at[i];
        const spotopt__start *next = i + 1 < ledger->starts.count ? start + 1 : NULL;
        spotopt__life life = {.start = *start,
                              .stop_ms = SPOTOPT__FOREVER,
                              .earlier = SPOTOPT__NONE,
                              .weight = 1.0,
                              .lost_usd = NAN,
                              .lost_hours = NAN};

        if (next != NULL && next->instance != start->instance)
            next = NULL;
        while (stop < ledger->stops.count && (ledger->stops.at[stop].instance < start->instance ||
                                              (ledger->stops.at[stop].instance == start->instance &&
                                               by_time(&ledger->stops.at[stop], start) < 0)))
            stop++, ledger->orphans++;
        if (stop < ledger->stops.count && ledger->stops.at[stop].instance == start->instance &&
            (next == NULL || by_time(&ledger->stops.at[stop], next) < 0)) {
            const spotopt__stop *end = &ledger->stops.at[stop++];

            life.stop_ms = end->time_ms;
            life.cause = end->cause;
            life.lost_usd = end->lost_usd;
            life.lost_hours = end->lost_hours;
            life.is_taken = strcmp(spotopt__name(ledger, end->cause), "interrupted") == 0;
        } else if (next != NULL) {
            char quoted[SPOTOPT__QUOTE_SIZE];

            return spotopt__fail(err, SPOTOPT_E_INPUT,
                                 "%s:%llu: instance %s starts and has run since line %llu; "
                                 "want its stop before",
                                 ledger->name, (unsigned long long)next->line,
                                 spotopt__quote(spotopt__name(ledger, start->instance), quoted),
                                 (unsigned long long)start->line);
        }
        while (notice < ledger->notices.count &&
               (ledger->notices.at[notice].instance < start->instance ||
                (ledger->notices.at[notice].instance == start->instance &&
                 ledger->notices.at[notice].time_ms < start->time_ms)))
            notice++;
        life.is_interrupted = life.is_taken;
        for (size_t n = notice; life.stop_ms != SPOTOPT__FOREVER && n < ledger->notices.count &&
                                ledger->notices.at[n].instance == start->instance &&
                                ledger->notices.at[n].time_ms <= life.stop_ms;
             n++)
            life.is_interrupted |= ledger->notices.at[n].is_termination;
        if (!spotopt__vec_push(ledger->context, &ledger->lives, life))
            return spotopt__nomem(err, "a ledger");
    }
    ledger->orphans += ledger->stops.count - stop;
    return SPOTOPT_OK;
}

static int
by_cluster_name(const void *a, const void *b, const spotopt_ledger *ledger)
{
    const spotopt__cluster_books *x = a, *y = b;

    return strcmp(spotopt__name(ledger, x->name), spotopt__name(ledger, y->name));
}

/* Clusters of lives and demands; there are few, so insertion keeps them in order of their names. */
static spotopt__cluster_books *
cluster_of(spotopt_ledger *ledger, uint32_t *place_of, uint32_t name)
{
    spotopt__cluster_books made = {.name = name};

    if (place_of[name] == SPOTOPT__NONE) {
        place_of[name] = (uint32_t)ledger->clusters.count;
        if (!spotopt__vec_push(ledger->context, &ledger->clusters, made))
            return NULL;
    }
    return &ledger->clusters.at[place_of[name]];
}

static void
sort_clusters(spotopt_ledger *ledger)
{
    /* Shell's method: no context goes through qsort(). */
    for (size_t gap = ledger->clusters.count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < ledger->clusters.count; i++) {
            spotopt__cluster_books moved = ledger->clusters.at[i];
            size_t at = i;

            for (; at >= gap && by_cluster_name(&moved, &ledger->clusters.at[at - gap], ledger) < 0;
                 at -= gap)
                ledger->clusters.at[at] = ledger->clusters.at[at - gap];
            ledger->clusters.at[at] = moved;
        }
    }
}

static spotopt_status
gather_clusters(spotopt_ledger *ledger, uint32_t *place_of, spotopt_error *err)
{
    for (size_t i = 0; i < ledger->known_names; i++)
        place_of[i] = SPOTOPT__NONE;
    for (size_t i = 0; i < ledger->lives.count; i++) {
        const spotopt__start *start = &ledger->lives.at[i].start;
        spotopt__cluster_books *books = cluster_of(ledger, place_of, start->cluster);

        if (books == NULL)
            return spotopt__nomem(err, "a ledger");
        if (books->life_count++ == 0)
            books->first_life = i;
        if (start->client != 0 && books->client != 0 && start->client != books->client) {
            char a[SPOTOPT__QUOTE_SIZE], b[SPOTOPT__QUOTE_SIZE];

            return spotopt__fail(err, SPOTOPT_E_INPUT,
                                 "%s:%llu: client is %s; want %s, to which the cluster belongs",
                                 ledger->name, (unsigned long long)start->line,
                                 spotopt__quote(spotopt__name(ledger, start->client), a),
                                 spotopt__quote(spotopt__name(ledger, books->client), b));
        }
        if (start->client != 0)
            books->client = start->client;
    }
    for (size_t i = 0; i < ledger->demands.count; i++) {
        spotopt__cluster_books *books = cluster_of(ledger, place_of, ledger->demands.at[i].cluster);

        if (books == NULL)
            return spotopt__nomem(err, "a ledger");
        if (books->demand_count++ == 0)
            books->first_demand = i;
    }
    sort_clusters(ledger);
    return SPOTOPT_OK;
}

typedef struct moment {
    int64_t time_ms;
    double weight; /* that comes, or goes where below 0 */
    double ode;    /* from here on, NaN: as before; unknown counts as 0 */
} moment;

static int
by_moment(const void *a, const void *b)
{
    const moment *x = a, *y = b;

    return x->time_ms < y->time_ms ? -1 : x->time_ms > y->time_ms;
}

/* The prefix of one cluster's on-demand equivalent a unit of weight. */
static spotopt_status
share_out(spotopt_ledger *ledger, spotopt__cluster_books *books, moment *moments,
          spotopt_error *err)
{
    spotopt__life *lives = ledger->lives.at + books->first_life;
    bool has_weights = true;
    double weight = 0.0, ode = 0.0, sum = 0.0, rate = 0.0;
    size_t count = 0, running = 0;

    for (size_t i = 0; i < books->life_count; i++)
        has_weights = has_weights && lives[i].start.on_demand_usd_per_h > 0.0;
    for (size_t i = 0; i < books->life_count; i++) {
        lives[i].weight = has_weights ? lives[i].start.on_demand_usd_per_h : 1.0;
        moments[count++] = (moment){lives[i].start.time_ms, lives[i].weight, NAN};
        if (lives[i].stop_ms != SPOTOPT__FOREVER)
            moments[count++] = (moment){lives[i].stop_ms, -lives[i].weight, NAN};
    }
    for (size_t i = 0; i < books->demand_count; i++) {
        const spotopt__demand_row *row = &ledger->demands.at[books->first_demand + i];

        if (i + 1 < books->demand_count && row[1].time_ms == row->time_ms)
            continue; /* of one time the last row counts */
        moments[count++] =
            (moment){row->time_ms, 0.0, isnan(row->ode_usd_per_h) ? 0.0 : row->ode_usd_per_h};
    }
    if (count > 1)
        qsort(moments, count, sizeof *moments, by_moment);
    books->first_share = ledger->shares.count;
    for (size_t i = 0; i < count;) {
        const int64_t now = moments[i].time_ms;

        if (books->share_count > 0)
            sum += rate * (double)(now - ledger->shares.at[ledger->shares.count - 1].time_ms) /
                   (double)SPOTOPT__HOUR_MS;
        for (; i < count && moments[i].time_ms == now; i++) {
            weight += moments[i].weight;
            running += moments[i].weight > 0.0;
            running -= moments[i].weight < 0.0;
            if (!isnan(moments[i].ode))
                ode = moments[i].ode;
        }
        if (running == 0)
            weight = 0.0; /* what rounding left */
        rate = weight > 0.0 ? ode / weight : 0.0;
        if (!spotopt__vec_push(ledger->context, &ledger->shares, (spotopt__share){now, rate, sum}))
            return spotopt__nomem(err, "a ledger");
        books->share_count++;
    }
    return SPOTOPT_OK;
}

static void
sum_prices(spotopt_ledger *ledger)
{
    for (size_t i = 0; i < ledger->known_names; i++)
        ledger->price_of[i] = SPOTOPT__NONE;
    for (size_t i = 0; i < ledger->prices.count; i++) {
        const spotopt__price *row = &ledger->prices.at[i];

        if (ledger->price_of[row->pool] == SPOTOPT__NONE) {
            ledger->price_of[row->pool] = (uint32_t)i;
            ledger->price_sum[i] = 0.0;
        } else {
            ledger->price_sum[i] = ledger->price_sum[i - 1] +
                                   row[-1].usd_per_h * (double)(row->time_ms - row[-1].time_ms) /
                                       (double)SPOTOPT__HOUR_MS;
        }
    }
}

spotopt_status
spotopt__ledger_derive(spotopt_ledger *ledger, spotopt_error *err)
{
    spotopt_context *context = ledger->context;
    const size_t names = ledger->known_names = ledger->names.count;
    moment *moments = NULL;
    spotopt_status status;

    SORT(&ledger->notices, by_noticed);
    SORT(&ledger->starts, by_started);
    SORT(&ledger->stops, by_stopped);
    SORT(&ledger->prices, by_pool);
    SORT(&ledger->demands, by_cluster);
    SORT(&ledger->measured, by_instance);
    SORT(&ledger->switches, by_time);
    SORT(&ledger->orders, by_time);
    SORT(&ledger->health, by_time);
    SORT(&ledger->logs, by_time);
    SORT(&ledger->batches, by_time);
    SORT(&ledger->cleanups, by_time);
    ledger->price_sum = spotopt__alloc_array(context, ledger->prices.count + 1, sizeof(double));
    ledger->price_of = spotopt__alloc_array(context, names + 1, sizeof(uint32_t));
    ledger->life_of = spotopt__alloc_array(context, names + 1, sizeof(uint32_t));
    moments = spotopt__alloc_array(context, 2 * ledger->starts.count + ledger->demands.count + 1,
                                   sizeof *moments);
    if (ledger->price_sum == NULL || ledger->price_of == NULL || ledger->life_of == NULL ||
        moments == NULL) {
        status = spotopt__nomem(err, "a ledger");
        goto done;
    }
    sum_prices(ledger);
    status = pair_lives(ledger, err);
    if (status != SPOTOPT_OK)
        goto done;
    SORT(&ledger->lives, by_cluster_and_start);
    /* price_of is full; life_of serves as scratch first. */
    status = gather_clusters(ledger, ledger->life_of, err);
    for (size_t i = 0; status == SPOTOPT_OK && i < ledger->clusters.count; i++)
        status = share_out(ledger, &ledger->clusters.at[i], moments, err);
    if (status != SPOTOPT_OK)
        goto done;
    for (size_t i = 0; i < names; i++)
        ledger->life_of[i] = SPOTOPT__NONE;
    for (size_t i = 0; i < ledger->lives.count; i++) {
        uint32_t *last = &ledger->life_of[ledger->lives.at[i].start.instance];

        /* A later life may stand in another cluster. */
        if (*last == SPOTOPT__NONE ||
            by_time(&ledger->lives.at[*last].start, &ledger->lives.at[i].start) < 0) {
            ledger->lives.at[i].earlier = *last;
            *last = (uint32_t)i;
        } else {
            uint32_t later = *last;

            while (ledger->lives.at[later].earlier != SPOTOPT__NONE &&
                   by_time(&ledger->lives.at[i].start,
                           &ledger->lives.at[ledger->lives.at[later].earlier].start) < 0)
                later = ledger->lives.at[later].earlier;
            ledger->lives.at[i].earlier = ledger->lives.at[later].earlier;
            ledger->lives.at[later].earlier = (uint32_t)i;
        }
    }
    SORT(&ledger->notices, by_time);
    SORT(&ledger->starts, by_time);
    SORT(&ledger->stops, by_time);
done:
    spotopt__free(context, moments);
    return status;
}
