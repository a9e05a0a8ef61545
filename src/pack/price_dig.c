/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price_dig.c - the contents of a bin below their dearest part: depth first.
 *
 * Below a node only those parts count that fit what room is left and may join what is in already,
 * so lists shrink fast. Three bounds cut: as many of the dearest as could fit by number, Lagrange's
 * and the tables' of price_bound.c. Prices of cuts are charged as they fall due and left out of
 * bounds, which only raises them.
 */
#include "pack/price_vector.h"

/* What cuts charge for one more of the part; entered into their counts. */
static int64_t
charge(spotopt__pricer *p, uint32_t k)
{
    int64_t sum = 0;

    for (uint32_t t = p->touch_first[k]; t < p->touch_first[k + 1]; t++) {
        uint32_t *count = &p->cut_count[p->touch[t].cut], more = *count + p->touch[t].pieces;
        sum += (int64_t)(more / 2 - *count / 2) * (int64_t)p->prices->cut_price[p->touch[t].cut];
        *count = more;
    }
    return sum;
}

static void
discharge(spotopt__pricer *p, uint32_t k)
{
    for (uint32_t t = p->touch_first[k]; t < p->touch_first[k + 1]; t++)
        p->cut_count[p->touch[t].cut] -= p->touch[t].pieces;
}

/*
 * The list's parts that fit the room beside the one taken; how many. Ones equal in rank to `from`
 * count as further copies, which the caller limits.
 */
static uint32_t
narrow(const spotopt__pricer *p, uint32_t taken, const uint32_t *from, uint32_t count,
       const int32_t *room, uint32_t *to)
{
    const uint32_t lanes = p->lanes;
    const spotopt__view *view = p->view;
    const uint64_t *apart =
        view->apart != NULL ? view->apart + (size_t)p->part[taken] * view->words : NULL;
    uint32_t kept = 0;

    for (uint32_t c = 0; c < count; c++) {
        const int32_t *size = p->size + (size_t)from[c] * lanes;
        int32_t below = 0;
        for (uint32_t r = 0; r < lanes; r += 4) {
            below |= room[r] - size[r];
            below |= room[r + 1] - size[r + 1];
            below |= room[r + 2] - size[r + 2];
            below |= room[r + 3] - size[r + 3];
        }
        to[kept] = from[c];
        kept += below >= 0;
    }
    if (apart != NULL) {
        uint32_t all = kept;
        kept = 0;
        for (uint32_t c = 0; c < all; c++) {
            uint32_t part = p->part[to[c]];
            to[kept] = to[c];
            kept += to[c] == taken || !((apart[part >> 6] >> (part & 63)) & 1);
        }
    }
    return kept;
}

/* How many of the list are dearer than this: the first ones. */
static uint32_t
count_above(const spotopt__pricer *p, const uint32_t *list, uint32_t count, int64_t price)
{
    uint32_t low = 0;

    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if (p->price[list[middle]] > price)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

uint32_t
spotopt__price_number(const spotopt__pricer *p, const uint32_t *list, uint32_t count,
                      const int32_t *room)
{
    const uint32_t lanes = p->lanes;
    int32_t least[64];
    uint32_t most = UINT32_MAX;

    memcpy(least, p->size + (size_t)list[0] * lanes, lanes * sizeof *least);
    for (uint32_t c = 1; c < count; c++) {
        const int32_t *size = p->size + (size_t)list[c] * lanes;
        for (uint32_t r = 0; r < lanes; r++)
            least[r] = size[r] < least[r] ? size[r] : least[r];
    }
    for (uint32_t r = 0; r < lanes; r++) {
        if (least[r] > 0 && (uint32_t)(room[r] / least[r]) < most)
            most = (uint32_t)(room[r] / least[r]);
    }
    return most;
}

/* Room and gains of a list at lambda, << SPOTOPT__PRICE_SHIFT. */
static int64_t
rest_of(const spotopt__pricer *p, const uint32_t *list, uint32_t count, const int32_t *room)
{
    int64_t sum = 0;

    for (uint32_t r = 0; r < p->lanes; r++)
        sum += p->whole[r] * room[r];
    for (uint32_t c = 0; c < count; c++)
        sum += p->gain[list[c]];
    return sum;
}

/* By the tables: the most that parts from k on can add in a room, << SPOTOPT__PRICE_SHIFT. */
static int64_t
look_up(const spotopt__pricer *p, uint32_t k, const int32_t *room)
{
    int64_t sum = 0, best = INT64_MAX;

    for (uint32_t r = 0; r < p->lanes; r++)
        sum += p->base[r] * room[r];
    for (uint32_t i = 0; i < p->tables; i++) {
        const spotopt__price_table *t = &p->table[i];
        int64_t gain = t->cell[(size_t)k * t->width + (uint32_t)(room[t->dim] / t->unit)];
        int64_t value = sum - p->base[t->dim] * room[t->dim] + gain * ((int64_t)1 << t->drop);
        best = value < best ? value : best;
    }
    return best;
}

static void
record(spotopt__pricer *p, uint32_t level, int64_t worth)
{
    p->best = worth;
    p->best_count = level;
    memcpy(p->pick, p->taken, level * sizeof *p->pick);
}

/*
 * One more part and no other, from the list (room NULL: all of it fits): the best one is recorded.
 * Dearest first, so that without charges the first that fits is it.
 */
static void
add_last(spotopt__pricer *p, uint32_t level, const uint32_t *list, uint32_t count,
         const int32_t *room, int64_t worth)
{
    const spotopt__view *view = p->view;
    const uint32_t lanes = p->lanes, taken = p->taken[level - 1];
    const uint64_t *apart = room == NULL || view->apart == NULL
                                ? NULL
                                : view->apart + (size_t)p->part[taken] * view->words;
    uint32_t c;

    for (c = 0; c < count && worth + p->price[list[c]] > p->best; c++) {
        const uint32_t k = list[c], part = p->part[k];
        int64_t with;
        int32_t below = 0;
        for (uint32_t r = 0; room != NULL && r < lanes; r += 4) {
            const int32_t *size = p->size + (size_t)k * lanes;
            below |= room[r] - size[r];
            below |= room[r + 1] - size[r + 1];
            below |= room[r + 2] - size[r + 2];
            below |= room[r + 3] - size[r + 3];
        }
        if (below < 0 || (apart != NULL && k != taken && ((apart[part >> 6] >> (part & 63)) & 1)))
            continue;
        with = worth + p->price[k] - charge(p, k);
        discharge(p, k);
        if (with > p->best) {
            p->taken[level] = k;
            record(p, level + 1, with);
        }
        if (p->cuts == 0)
            break;
    }
    p->steps += room != NULL ? c + 1 : 1;
}

/* What can join what is taken, from the list of this level. */
static void
dig(spotopt__pricer *p, uint32_t level, uint32_t count, int64_t worth)
{
    const uint32_t *list = p->list + (size_t)level * p->parts, lanes = p->lanes;
    const int32_t *room = p->room + (size_t)level * lanes;
    int32_t *below = p->room + (size_t)(level + 1) * lanes;
    uint32_t number, copies = 1;
    int64_t rest;

    p->steps += count + 1;
    if (worth > p->best)
        record(p, level, worth);
    if (count == 0)
        return;
    if (p->steps - p->asked > 50000 && p->prices->stop != NULL) {
        p->asked = p->steps;
        p->late = p->late || p->prices->stop(p->prices->stop_data);
    }
    if (level > p->deepest || p->steps > p->steps_most || p->late) {
        p->cut_off = true;
        return;
    }
    number = spotopt__price_number(p, list, count, room);
    rest = rest_of(p, list, count, room);
    while (copies < level && p->taken[level - 1 - copies] == p->taken[level - 1])
        copies++;
    for (uint32_t c = 0; c < count; c++, rest -= p->gain[list[c - 1]]) {
        const uint32_t k = list[c];
        const int32_t *size = p->size + (size_t)k * lanes;
        uint32_t *next = p->list + (size_t)(level + 1) * p->parts, held, first, end;
        if ((number < p->parts && worth + p->price[k] * number <= p->best) ||
            worth + (rest >> SPOTOPT__PRICE_SHIFT) <= p->best || p->cut_off)
            return;
        if (number == 1) {
            add_last(p, level, list + c, count - c, NULL, worth);
            return;
        }
        p->taken[level] = k;
        held = k == p->taken[level - 1] ? copies + 1 : 1;
        first = held < p->most[k] ? c : c + 1;
        end = count;
        if (number < p->parts && first < count) {
            /* At most number - 1 can join it: each must make up for what the others cannot be. */
            const int64_t dearest = p->price[list[first]], lacks = p->best - worth - p->price[k];
            if (lacks >= (number - 1) * dearest)
                return;
            end = first + count_above(p, list + first, count - first,
                                      lacks - (number > 1 ? number - 2 : 0) * dearest);
        }
        for (uint32_t r = 0; r < lanes; r++)
            below[r] = room[r] - size[r];
        p->steps++;
        if (number == 2) {
            const int64_t with = worth + p->price[k] - charge(p, k);
            if (with > p->best)
                record(p, level + 1, with);
            add_last(p, level + 1, list + first, end - first, below, with);
            discharge(p, k);
            continue;
        }
        if (p->tables > 0 && worth + p->price[k] +
                                     (look_up(p, first < count ? list[first] : p->parts, below) >>
                                      SPOTOPT__PRICE_SHIFT) <=
                                 p->best)
            continue;
        held = narrow(p, k, list + first, end - first, below, next);
        dig(p, level + 1, held, worth + p->price[k] - charge(p, k));
        discharge(p, k);
    }
}

int64_t
spotopt__price_first(spotopt__pricer *p, uint32_t c, uint32_t count, const int32_t *top,
                     int64_t threshold, bool tunes, const double *lambda, uint64_t steps_most)
{
    const uint32_t lanes = p->lanes, *all = p->list, k = all[c];
    const uint32_t first = p->most[k] > 1 ? c : c + 1;
    uint32_t *next = p->list + p->parts, held;
    int32_t *room = p->room + lanes;
    int64_t limit = INT64_MAX, rest;

    p->steps = p->asked = 0;
    p->cut_off = false;
    p->best = p->found[c].worth;
    p->best_count = 0;
    for (uint32_t r = 0; r < lanes; r++)
        room[r] = top[r] - p->size[(size_t)k * lanes + r];
    if (p->tables > 0) {
        rest = look_up(p, first < count ? all[first] : p->parts, room);
        limit = p->price[k] + (rest >> SPOTOPT__PRICE_SHIFT);
        if (limit <= p->best)
            return p->best;
    }
    held = narrow(p, k, all + first, count - first, room, next);
    p->steps = count - first + held;
    rest = rest_of(p, next, held, room);
    if (tunes && p->price[k] + (rest >> SPOTOPT__PRICE_SHIFT) > p->best) {
        double own[64];
        memcpy(own, lambda, lanes * sizeof *own);
        spotopt__price_tune(p, next, held, room, (double)(threshold - p->price[k]), 6, own);
        spotopt__price_gains(p, next, held, own);
        rest = rest_of(p, next, held, room);
        p->steps += 8u * held;
    }
    if (p->price[k] + (rest >> SPOTOPT__PRICE_SHIFT) < limit)
        limit = p->price[k] + (rest >> SPOTOPT__PRICE_SHIFT);
    if (limit > p->best) {
        p->steps_most = p->steps + steps_most;
        p->taken[0] = k;
        dig(p, 1, held, p->price[k] - charge(p, k));
        discharge(p, k);
        if (p->best_count > 0) {
            p->found[c] = (spotopt__price_found){p->best, c * (p->deepest + 2), p->best_count};
            memcpy(p->content + p->found[c].first, p->pick, p->best_count * sizeof *p->pick);
        }
    }
    if (tunes) { /* the common lambda again */
        memcpy(p->whole, p->base, lanes * sizeof *p->whole);
        memcpy(p->gain, p->base_gain, p->parts * sizeof *p->gain);
    }
    return p->cut_off && limit > p->best ? limit : p->best;
}
