/* SPDX-License-Identifier: Apache-2.0 */
/*
 * money.c - what nodes cost and what they would have cost on demand, in any window.
 *
 * All integrals are of steps: a node costs its start's price until its pool's next price row, then
 * the pool's. A spot node that the provider takes back in its first hour is not billed. Savings
 * compare money of the time for which the cluster's on-demand equivalent (ODE) is known; money of
 * other time counts as billed alone. Losses fall on the moment a node stops.
 */
#include "fleet/books.h"

static double
hours(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? (double)(to_ms - from_ms) / (double)SPOTOPT__HOUR_MS : 0.0;
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool
spotopt__life_runs(const spotopt__life *life, int64_t at_ms)
{
    return life->start.time_ms <= at_ms && at_ms < life->stop_ms;
}

double
spotopt__life_hours(const spotopt__life *life, int64_t from_ms, int64_t to_ms)
{
    return hours(most(from_ms, life->start.time_ms), least(to_ms, life->stop_ms));
}

/* The last price row of the pool at or before a time, among [first, ...); SIZE_MAX: none. */
static size_t
price_at(const spotopt_ledger *ledger, uint32_t pool, int64_t at_ms)
{
    size_t low, high;

    if (pool >= ledger->known_names || ledger->price_of[pool] == SPOTOPT__NONE)
        return SIZE_MAX;
    low = ledger->price_of[pool];
    if (ledger->prices.at[low].time_ms > at_ms)
        return SIZE_MAX;
    for (high = ledger->prices.count; high - low > 1;) {
        const size_t middle = low + (high - low) / 2;
        const spotopt__price *row = &ledger->prices.at[middle];

        if (row->pool == pool && row->time_ms <= at_ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The first price row that changes what a life costs, SIZE_MAX: none. */
static size_t
first_change(const spotopt_ledger *ledger, const spotopt__life *life)
{
    const uint32_t pool = life->start.pool;
    size_t before = price_at(ledger, pool, life->start.time_ms - 1);
    size_t next = before != SIZE_MAX ? before + 1 : ledger->price_of[pool];

    return next < ledger->prices.count && ledger->prices.at[next].pool == pool ? next : SIZE_MAX;
}

/* What a node of the pool costs from the first price row up to a time at or after it. */
static double
price_sum(const spotopt_ledger *ledger, uint32_t pool, int64_t at_ms)
{
    const size_t row = price_at(ledger, pool, at_ms);

    return ledger->price_sum[row] +
           ledger->prices.at[row].usd_per_h * hours(ledger->prices.at[row].time_ms, at_ms);
}

double
spotopt__life_usd_per_h(const spotopt_ledger *ledger, const spotopt__life *life, int64_t at_ms)
{
    const size_t row = price_at(ledger, life->start.pool, at_ms);

    return row == SIZE_MAX || ledger->prices.at[row].time_ms < life->start.time_ms
               ? life->start.usd_per_h
               : ledger->prices.at[row].usd_per_h;
}

double
spotopt__life_paid(const spotopt_ledger *ledger, const spotopt__life *life, int64_t from_ms,
                   int64_t to_ms, int64_t now_ms)
{
    const int64_t begin = most(from_ms, life->start.time_ms), end = least(to_ms, life->stop_ms);
    size_t change;
    int64_t changed;

    if (end <= begin)
        return 0.0;
    if (life->is_taken && life->start.is_spot && life->stop_ms <= now_ms &&
        life->stop_ms - life->start.time_ms < SPOTOPT__HOUR_MS)
        return 0.0;
    change = first_change(ledger, life);
    changed = change != SIZE_MAX ? ledger->prices.at[change].time_ms : SPOTOPT__FOREVER;
    if (end <= changed)
        return life->start.usd_per_h * hours(begin, end);
    return life->start.usd_per_h * hours(begin, changed) +
           price_sum(ledger, life->start.pool, end) -
           price_sum(ledger, life->start.pool, most(begin, changed));
}

static const spotopt__cluster_books *
books_of(const spotopt_ledger *ledger, uint32_t cluster)
{
    size_t low = 0, high = ledger->clusters.count;

    while (low < high) { /* by name's text */
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(spotopt__name(ledger, ledger->clusters.at[middle].name),
                                 spotopt__name(ledger, cluster));

        if (order == 0)
            return &ledger->clusters.at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint32_t
spotopt__client_of(const spotopt_ledger *ledger, uint32_t cluster)
{
    const spotopt__cluster_books *books = books_of(ledger, cluster);

    return books != NULL ? books->client : 0;
}

static double
share_sum(const spotopt_ledger *ledger, const spotopt__cluster_books *books, int64_t at_ms)
{
    const spotopt__share *shares = ledger->shares.at + books->first_share;
    size_t low = 0, high = books->share_count;

    if (high == 0 || shares[0].time_ms > at_ms)
        return 0.0;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;

        if (shares[middle].time_ms <= at_ms)
            low = middle;
        else
            high = middle;
    }
    return shares[low].sum + shares[low].rate * hours(shares[low].time_ms, at_ms);
}

double
spotopt__life_ode(const spotopt_ledger *ledger, const spotopt__life *life, int64_t from_ms,
                  int64_t to_ms)
{
    const int64_t begin = most(from_ms, life->start.time_ms), end = least(to_ms, life->stop_ms);
    const spotopt__cluster_books *books = books_of(ledger, life->start.cluster);

    if (books == NULL || end <= begin)
        return 0.0;
    return life->weight * (share_sum(ledger, books, end) - share_sum(ledger, books, begin));
}

const spotopt__life *
spotopt__life_at(const spotopt_ledger *ledger, uint32_t instance, int64_t at_ms)
{
    uint32_t life = instance < ledger->known_names ? ledger->life_of[instance] : SPOTOPT__NONE;

    while (life != SPOTOPT__NONE && ledger->lives.at[life].start.time_ms > at_ms)
        life = ledger->lives.at[life].earlier;
    return life == SPOTOPT__NONE ? NULL : &ledger->lives.at[life];
}

/* The first measured row of an instance, or where it would stand. */
static size_t
first_measure(const spotopt_ledger *ledger, uint32_t instance)
{
    size_t low = 0, high = ledger->measured.count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (ledger->measured.at[middle].instance < instance)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double
spotopt__last_measure(const spotopt_ledger *ledger, uint32_t instance, int which, int64_t at_ms)
{
    double value = NAN;

    for (size_t i = first_measure(ledger, instance);
         i < ledger->measured.count && ledger->measured.at[i].instance == instance &&
         ledger->measured.at[i].time_ms <= at_ms;
         i++) {
        if (!isnan(ledger->measured.at[i].value[which]))
            value = ledger->measured.at[i].value[which];
    }
    return value;
}

/* --- sums of a cluster --- */

typedef struct run {
    int64_t from_ms, to_ms;
    bool is_bounded;
} run;
typedef struct runs {
    spotopt__vec(run) list;
} runs;

/* Which part of the window a moment belongs to; the end belongs to the last. */
static size_t
part_of(int64_t from_ms, int64_t to_ms, size_t count, int64_t at_ms)
{
    double part = (double)(at_ms - from_ms) / (double)(to_ms - from_ms) * (double)count;

    return part >= (double)count ? count - 1 : (size_t)part;
}

static int64_t
part_begin(int64_t from_ms, int64_t to_ms, size_t count, size_t part)
{
    return from_ms + (int64_t)((double)(to_ms - from_ms) * (double)part / (double)count);
}

/* The part in which a stretch begins, rounding aside. */
static size_t
first_part(int64_t from_ms, int64_t to_ms, size_t count, int64_t at_ms)
{
    size_t part = count > 0 ? part_of(from_ms, to_ms, count, at_ms) : 0;

    while (part > 0 && part_begin(from_ms, to_ms, count, part) > at_ms)
        part--;
    return part;
}

/* Time with a known ODE, cut where the bound becomes known or unknown; money of it along the way.
 */
static spotopt_status
walk_demand(const spotopt__view *view, const spotopt__cluster_books *books, int64_t from_ms,
            int64_t to_ms, runs *known, spotopt__sums *sums, spotopt__point *points, size_t count,
            spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;

    for (size_t i = 0; i < books->demand_count; i++) {
        const spotopt__demand_row *row = &ledger->demands.at[books->first_demand + i];
        const int64_t begin = most(row->time_ms, from_ms),
                      end = least(i + 1 < books->demand_count ? row[1].time_ms : to_ms, to_ms);
        const bool is_bounded = !isnan(row->bound_usd_per_h);

        if (end <= begin || isnan(row->ode_usd_per_h))
            continue;
        sums->known_h += hours(begin, end);
        sums->ode += row->ode_usd_per_h * hours(begin, end);
        if (is_bounded) {
            sums->ode_bounded += row->ode_usd_per_h * hours(begin, end);
            sums->bound += row->bound_usd_per_h * hours(begin, end);
        }
        for (size_t p = first_part(from_ms, to_ms, count, begin); p < count; p++) {
            const double part = hours(most(begin, part_begin(from_ms, to_ms, count, p)),
                                      least(end, part_begin(from_ms, to_ms, count, p + 1)));

            if (part_begin(from_ms, to_ms, count, p) >= end)
                break;
            points[p].known_h += part;
            points[p].ode += row->ode_usd_per_h * part;
            if (is_bounded) {
                points[p].bound += row->bound_usd_per_h * part;
                points[p].bound_h += part;
            }
        }
        if (known->list.count > 0 && known->list.at[known->list.count - 1].to_ms == begin &&
            known->list.at[known->list.count - 1].is_bounded == is_bounded)
            known->list.at[known->list.count - 1].to_ms = end;
        else if (!spotopt__vec_push(ledger->context, &known->list, (run){begin, end, is_bounded}))
            return spotopt__nomem(err, "savings");
    }
    return SPOTOPT_OK;
}

/* Money of one life while the ODE is known. */
static void
walk_life(const spotopt__view *view, const spotopt__life *life, int64_t from_ms, int64_t to_ms,
          const runs *known, spotopt__sums *sums, spotopt__point *points, size_t count)
{
    for (size_t k = 0; k < known->list.count; k++) {
        const run *r = &known->list.at[k];
        const int64_t begin = most(r->from_ms, life->start.time_ms),
                      end = least(r->to_ms, life->stop_ms);
        double paid;

        if (begin >= end)
            continue;
        paid = spotopt__life_paid(view->ledger, life, begin, end, view->now_ms);
        sums->paid += paid;
        if (r->is_bounded)
            sums->paid_bounded += paid;
        for (size_t p = first_part(from_ms, to_ms, count, begin); p < count; p++) {
            const int64_t from = part_begin(from_ms, to_ms, count, p);

            if (from >= end)
                break;
            points[p].paid += spotopt__life_paid(
                view->ledger, life, most(begin, from),
                least(end, part_begin(from_ms, to_ms, count, p + 1)), view->now_ms);
        }
    }
}

static double
loss_of(const spotopt__view *view, const spotopt__life *life)
{
    if (!isnan(life->lost_usd))
        return life->lost_usd;
    return life->is_interrupted ? view->params.interruption_usd : 0.0;
}

/* A measure of free CPU holds until the next one, an hour at most. */
static void
add_idle(const spotopt__view *view, const spotopt__life *life, int64_t from_ms, int64_t to_ms,
         spotopt__sums *sums)
{
    const spotopt_ledger *ledger = view->ledger;
    const uint32_t instance = life->start.instance;

    for (size_t i = first_measure(ledger, instance);
         i < ledger->measured.count && ledger->measured.at[i].instance == instance; i++) {
        const spotopt__measured *row = &ledger->measured.at[i];
        int64_t end = least(row->time_ms + SPOTOPT__HOUR_MS, to_ms);
        double paid;

        if (row->time_ms >= to_ms)
            break;
        if (isnan(row->value[SPOTOPT__CPU_FREE]))
            continue;
        for (size_t j = i + 1;
             j < ledger->measured.count && ledger->measured.at[j].instance == instance; j++) {
            if (!isnan(ledger->measured.at[j].value[SPOTOPT__CPU_FREE])) {
                end = least(end, ledger->measured.at[j].time_ms);
                break;
            }
        }
        paid = spotopt__life_paid(ledger, life, most(row->time_ms, from_ms), end, view->now_ms);
        sums->idle += paid * row->value[SPOTOPT__CPU_FREE];
        sums->idle_billed += paid;
    }
}

static void
add_overlap(const spotopt__view *view, const spotopt__life *life, int64_t from_ms, int64_t to_ms,
            spotopt__sums *sums)
{
    const spotopt__life *old =
        life->start.replaces != 0
            ? spotopt__life_at(view->ledger, life->start.replaces, life->start.time_ms)
            : NULL;

    if (old != NULL && old->stop_ms > life->start.time_ms)
        sums->overlap += spotopt__life_paid(view->ledger, life, from_ms, least(to_ms, old->stop_ms),
                                            view->now_ms);
}

spotopt_status
spotopt__add_cluster(const spotopt__view *view, const spotopt__cluster_books *books,
                     int64_t from_ms, int64_t to_ms, spotopt__sums *sums, spotopt__point *points,
                     size_t point_count, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    runs known = {{NULL, 0, 0}};
    spotopt_status status;

    if (to_ms <= from_ms)
        return SPOTOPT_OK;
    if (points == NULL)
        point_count = 0;
    status = walk_demand(view, books, from_ms, to_ms, &known, sums, points, point_count, err);
    for (size_t i = 0; status == SPOTOPT_OK && i < books->life_count; i++) {
        const spotopt__life *life = &ledger->lives.at[books->first_life + i];
        const double h = spotopt__life_hours(life, from_ms, to_ms);
        const double vcpu = isnan(life->start.vcpu) ? 0.0 : life->start.vcpu;

        if (life->start.time_ms >= to_ms)
            break;
        if (h > 0.0) {
            sums->billed += spotopt__life_paid(ledger, life, from_ms, to_ms, view->now_ms);
            sums->node_h += h;
            sums->misses_vcpu |= isnan(life->start.vcpu);
            if (life->start.is_eligible || life->start.is_spot) {
                sums->eligible_h += h;
                sums->eligible_vh += h * vcpu;
            }
            if (life->start.is_spot) {
                sums->spot_h += h;
                sums->spot_vh += h * vcpu;
            }
            walk_life(view, life, from_ms, to_ms, &known, sums, points, point_count);
            add_idle(view, life, from_ms, to_ms, sums);
            add_overlap(view, life, from_ms, to_ms, sums);
        }
        if (life->stop_ms <= from_ms || life->stop_ms > to_ms)
            continue;
        if (life->start.is_spot && !isnan(life->lost_hours)) {
            sums->lost_h += life->lost_hours;
            sums->lost_vh += life->lost_hours * vcpu;
        }
        for (size_t k = 0; k < known.list.count; k++) {
            if (life->stop_ms <= known.list.at[k].from_ms || life->stop_ms > known.list.at[k].to_ms)
                continue;
            sums->losses += loss_of(view, life);
            if (point_count > 0)
                points[part_of(from_ms, to_ms, point_count, life->stop_ms)].losses +=
                    loss_of(view, life);
        }
    }
    spotopt__vec_free(ledger->context, &known.list);
    return status;
}
