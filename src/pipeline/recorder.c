/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder.c - a funnel that many threads write at once, and its trailing windows.
 *
 * A candidate adds one to the count of its reason, in one of a few shards that a thread picks by
 * its identity, so that threads seldom meet on a cache line. Only exits are counted; what went into
 * a stage is the sum of later exits, so the invariants hold for whatever a reader sees. A tick
 * notes the totals at the beginning of each second, minute and hour; a window is the totals now
 * less those noted at its beginning, as monitoring systems take rates from counters.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "pipeline/funnel.h"

enum { SHARDS = 16, EXITS = SPOTOPT__DROPS + 1, RINGS = 3, NOTES_MAX = 61 };

#define IS_SAME(outside, inside)                                                                   \
    _Static_assert((int)(outside) == (int)(inside), "the same number inside and outside")
IS_SAME(SPOTOPT_STAGE_QUOTA, SPOTOPT__STAGE_QUOTA);
IS_SAME(SPOTOPT_DROP_SPOT_DISABLED, SPOTOPT__DROP_SPOT_DISABLED);
IS_SAME(SPOTOPT_DROP_RISK_CAP, SPOTOPT__DROP_RISK_CAP);
IS_SAME(SPOTOPT_DROP_QUOTA, SPOTOPT__DROP_QUOTA);

typedef struct shard {
    _Alignas(128) atomic_uint_fast64_t exits[EXITS]; /* the last: came through */
    atomic_uint_fast64_t also[SPOTOPT__DROPS];
} shard;

/* Totals at a moment. */
typedef struct note {
    double at_s;
    spotopt_funnel *total;
} note;

/* The latest moments that begin a second, minute or hour; a ring. */
typedef struct ring {
    double step_s;
    uint32_t room, count, next;
    note notes[NOTES_MAX];
} ring;

struct spotopt_recorder {
    spotopt_context *context;
    void *memory;         /* of this struct, before it was aligned */
    pthread_mutex_t lock; /* of what follows, which only ticks and readers touch */
    double now_s;
    ring rings[RINGS];
    atomic_uint_fast64_t chosen, alternates, runs;
    atomic_uint_fast64_t latency_ns[SPOTOPT__STAGES];
    atomic_uint_fast64_t *latency; /* [stage][bucket] */
    shard shards[SHARDS];
};

static const struct {
    double step_s;
    uint32_t room;
} ring_table[RINGS] = {{1.0, 61}, {60.0, 61}, {3600.0, 25}};

spotopt_status
spotopt_recorder_new(spotopt_context *context, double now_s, spotopt_recorder **out,
                     spotopt_error *err)
{
    const size_t align = _Alignof(spotopt_recorder);
    void *memory;
    spotopt_recorder *recorder;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want a place for the recorder");
    if (!isfinite(now_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "now_s is not finite; want seconds");
    memory = spotopt__alloc(context, sizeof *recorder + align);
    if (memory == NULL)
        return spotopt__nomem(err, "a recorder");
    recorder = (spotopt_recorder *)(((uintptr_t)memory + align - 1) / align * align);
    recorder->memory = memory;
    recorder->latency = spotopt__alloc_array(
        context, (size_t)SPOTOPT__STAGES * SPOTOPT__SKETCH_BUCKETS, sizeof *recorder->latency);
    if (recorder->latency == NULL || pthread_mutex_init(&recorder->lock, NULL) != 0) {
        spotopt__free(context, recorder->latency);
        spotopt__free(context, memory);
        return spotopt__nomem(err, "a recorder");
    }
    recorder->context = spotopt__context_hold(context);
    recorder->now_s = now_s;
    for (int r = 0; r < RINGS; r++) {
        recorder->rings[r].step_s = ring_table[r].step_s;
        recorder->rings[r].room = ring_table[r].room;
    }
    *out = recorder;
    return SPOTOPT_OK;
}

void
spotopt_recorder_free(spotopt_recorder *recorder)
{
    if (recorder == NULL)
        return;
    spotopt_context *context = recorder->context;
    for (int r = 0; r < RINGS; r++) {
        for (uint32_t i = 0; i < recorder->rings[r].count; i++)
            spotopt_funnel_free(recorder->rings[r].notes[i].total);
    }
    pthread_mutex_destroy(&recorder->lock);
    spotopt__free(context, recorder->latency);
    spotopt__free(context, recorder->memory);
    spotopt__context_drop(context);
}

static void
count(atomic_uint_fast64_t *counter, uint64_t times)
{
    atomic_fetch_add_explicit(counter, times, memory_order_relaxed);
}

static uint64_t
read(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static shard *
own_shard(spotopt_recorder *recorder)
{
    uint64_t self = (uint64_t)(uintptr_t)pthread_self() >> 6;

    return &recorder->shards[self * UINT64_C(0x9e3779b97f4a7c15) >> 60];
}
_Static_assert(SHARDS == 16, "own_shard() takes four bits");

void
spotopt_recorder_add(spotopt_recorder *recorder, int32_t reason)
{
    uint32_t exit = reason == SPOTOPT_DROP_NONE ? SPOTOPT__DROPS : (uint32_t)reason;

    if (exit < EXITS)
        count(&own_shard(recorder)->exits[exit], 1);
}

void
spotopt_recorder_add_explained(spotopt_recorder *recorder, int32_t reason, uint32_t mask)
{
    uint32_t exit = reason == SPOTOPT_DROP_NONE ? SPOTOPT__DROPS : (uint32_t)reason;
    shard *own = own_shard(recorder);

    if (exit >= EXITS)
        return;
    count(&own->exits[exit], 1);
    for (mask &= (1U << SPOTOPT__DROPS) - 1; mask != 0; mask &= mask - 1)
        count(&own->also[__builtin_ctz(mask)], 1);
}

void
spotopt_recorder_decided(spotopt_recorder *recorder, uint64_t chosen, uint64_t alternates)
{
    count(&recorder->chosen, chosen);
    count(&recorder->alternates, alternates);
    count(&recorder->runs, 1);
}

void
spotopt_recorder_took(spotopt_recorder *recorder, int32_t stage, double seconds)
{
    if (stage < 0 || stage >= SPOTOPT__STAGES || !(seconds >= 0.0 && seconds < 1e9))
        return;
    count(&recorder->latency_ns[stage], (uint64_t)(seconds * 1e9 + 0.5));
    count(&recorder->latency[stage * SPOTOPT__SKETCH_BUCKETS + spotopt__sketch_bucket(seconds)], 1);
}

static bool
gather_latency(const spotopt_recorder *recorder, int32_t stage, spotopt__funnel_stage *to)
{
    const atomic_uint_fast64_t *from = recorder->latency + stage * SPOTOPT__SKETCH_BUCKETS;
    int32_t first = 0, last = SPOTOPT__SKETCH_BUCKETS - 1;

    while (first <= last && read(&from[first]) == 0)
        first++;
    while (last >= first && read(&from[last]) == 0)
        last--;
    to->latency_ns = read(&recorder->latency_ns[stage]);
    if (first > last)
        return true;
    spotopt__sketch span = {NULL, first, last - first + 1, 0};
    if (!spotopt__sketch_reserve(recorder->context, &to->latency, &span))
        return false;
    for (int32_t i = first; i <= last; i++) {
        uint64_t times = read(&from[i]);

        to->latency.counts[i - to->latency.first] = times;
        to->latency.count += times;
    }
    return true;
}

/* Everything counted so far. */
static spotopt_status
total(const spotopt_recorder *recorder, spotopt_funnel **out, spotopt_error *err)
{
    spotopt_funnel *funnel = NULL;
    spotopt_status status = spotopt_funnel_new(recorder->context, &funnel, err);
    uint64_t through = 0;

    if (status != SPOTOPT_OK)
        return status;
    for (int k = 0; k < SHARDS; k++) {
        through += read(&recorder->shards[k].exits[SPOTOPT__DROPS]);
        for (int32_t r = 0; r < SPOTOPT__DROPS; r++) {
            spotopt__funnel_stage *stage = &funnel->stages[spotopt__drop_stage(r)];

            stage->drops[r] += read(&recorder->shards[k].exits[r]);
            stage->also[r] += read(&recorder->shards[k].also[r]);
        }
    }
    for (int32_t s = SPOTOPT__STAGES; s-- > 0;) { /* what left a stage went into the next */
        funnel->stages[s].out = through;
        for (int r = 0; r < SPOTOPT__DROPS; r++)
            through += funnel->stages[s].drops[r];
        funnel->stages[s].in = through;
        if (!gather_latency(recorder, s, &funnel->stages[s])) {
            spotopt_funnel_free(funnel);
            return spotopt__nomem(err, "a funnel's latencies");
        }
    }
    funnel->chosen = read(&recorder->chosen);
    funnel->alternates = read(&recorder->alternates);
    funnel->runs = read(&recorder->runs);
    *out = funnel;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_recorder_tick(spotopt_recorder *recorder, double now_s, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    if (recorder == NULL || !isfinite(now_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s",
                             recorder == NULL ? "recorder is NULL; want it set"
                                              : "now_s is not finite; want seconds");
    pthread_mutex_lock(&recorder->lock);
    for (int r = 0; r < RINGS && now_s > recorder->now_s && status == SPOTOPT_OK; r++) {
        ring *to = &recorder->rings[r];
        spotopt_funnel *made = NULL;

        if (floor(now_s / to->step_s) == floor(recorder->now_s / to->step_s))
            continue;
        status = total(recorder, &made, err);
        if (status != SPOTOPT_OK)
            break;
        if (to->count == to->room)
            spotopt_funnel_free(to->notes[to->next].total);
        else
            to->count++;
        to->notes[to->next] = (note){now_s, made};
        to->next = (to->next + 1) % to->room;
    }
    recorder->now_s = fmax(now_s, recorder->now_s);
    pthread_mutex_unlock(&recorder->lock);
    return status;
}

/* Counts never fall, so what was noted earlier is at most what is there now. */
static void
subtract(spotopt_funnel *from, const spotopt_funnel *what)
{
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        spotopt__funnel_stage *a = &from->stages[s];
        const spotopt__funnel_stage *b = &what->stages[s];

        a->in -= b->in;
        a->out -= b->out;
        a->latency_ns -= b->latency_ns;
        a->latency.count -= b->latency.count;
        for (int r = 0; r < SPOTOPT__DROPS; r++) {
            a->drops[r] -= b->drops[r];
            a->also[r] -= b->also[r];
        }
        for (int32_t i = 0; i < b->latency.room; i++) {
            if (b->latency.counts[i] > 0)
                a->latency.counts[b->latency.first + i - a->latency.first] -= b->latency.counts[i];
        }
    }
    from->chosen -= what->chosen;
    from->alternates -= what->alternates;
    from->runs -= what->runs;
}

spotopt_status
spotopt_recorder_funnel(const spotopt_recorder *recorder, double window_s, spotopt_funnel **out,
                        spotopt_error *err)
{
    spotopt_recorder *locked = (spotopt_recorder *)(uintptr_t)recorder; /* for its lock alone */
    const note *begin = NULL;
    spotopt_funnel *made = NULL;
    spotopt_status status;

    if (recorder == NULL || out == NULL || !(window_s >= 0.0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s",
                             recorder == NULL ? "recorder is NULL; want it set"
                             : out == NULL    ? "out is NULL; want a place for the funnel"
                                              : "window_s is off; want seconds >= 0");
    pthread_mutex_lock(&locked->lock);
    if (window_s > 0.0) { /* the finest ring that reaches back; in it the latest note before */
        int r = 0;

        while (r + 1 < RINGS &&
               window_s > recorder->rings[r].step_s * (recorder->rings[r].room - 1))
            r++;
        for (uint32_t i = 0; i < recorder->rings[r].count; i++) {
            const note *one = &recorder->rings[r].notes[i];

            if (one->at_s <= recorder->now_s - window_s &&
                (begin == NULL || one->at_s > begin->at_s))
                begin = one;
        }
    }
    status = total(recorder, &made, err);
    if (status == SPOTOPT_OK && begin != NULL)
        subtract(made, begin->total);
    pthread_mutex_unlock(&locked->lock);
    if (status == SPOTOPT_OK)
        *out = made;
    return status;
}
