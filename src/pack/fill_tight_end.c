/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_tight_end.c - whether the pool of a walk can be packed into the bins that are left.
 *
 * Depth first over contents of the first item left: every completion whose waste the slack still
 * allows, then the bins behind it. A branch ends where all items behind do not fill the bin.
 */
#include "pack/fill_tight.h"

#define FINISH_MOST 100000

static bool finish(spotopt__walk *walk, uint32_t bins);

/* Ends the content of the first item left in all ways, and all bins behind it. */
static bool
complete(spotopt__walk *walk, uint32_t bins, uint32_t at, uint32_t count)
{
    const uint32_t lanes = walk->vector->lanes, n = walk->vector->items;
    const uint32_t *rest = walk->rest + (size_t)bins * n;
    const int64_t *slack = walk->rest_slack + (size_t)bins * lanes;
    const int64_t *room =
        walk->rest_room + ((size_t)bins * (SPOTOPT__WALK_DEEP + 1) + count) * lanes;
    spotopt__content *ended = &walk->ended[bins];
    bool good = true;

    for (uint32_t r = 0; r < lanes; r++)
        good = good && room[r] <= slack[r];
    if (good) {
        uint32_t *next = walk->rest + (size_t)(bins - 1) * n, left = 0, t = 0;
        for (uint32_t i = 0; i < walk->rest_count[bins]; i++) {
            if (t < count && ended->item[t] == rest[i])
                t++;
            else
                next[left++] = rest[i];
        }
        for (uint32_t r = 0; r < lanes; r++)
            walk->rest_slack[(size_t)(bins - 1) * lanes + r] = slack[r] - room[r];
        walk->rest_count[bins - 1] = left;
        ended->count = count;
        if (finish(walk, bins - 1))
            return true;
    }
    for (uint32_t c = at; c < walk->rest_count[bins] && count < SPOTOPT__WALK_DEEP; c++) {
        const int64_t *behind = walk->behind + ((size_t)bins * (n + 1) + c) * lanes;
        const int32_t *size = spotopt__walk_size(walk, rest[c]);
        int64_t *below =
            walk->rest_room + ((size_t)bins * (SPOTOPT__WALK_DEEP + 1) + count + 1) * lanes;
        bool fits = true;
        if (++walk->steps > walk->steps_most)
            return false;
        for (uint32_t r = 0; r < lanes; r++) {
            if (room[r] - behind[r] > slack[r])
                return false; /* all that is behind does not fill it */
            below[r] = room[r] - size[r];
            fits = fits && below[r] >= 0;
        }
        if (!fits)
            continue;
        ended->item[count] = rest[c];
        if (complete(walk, bins, c + 1, count + 1))
            return true;
    }
    return false;
}

/* Whether what is left of the pool can be packed into so many bins. */
static bool
finish(spotopt__walk *walk, uint32_t bins)
{
    const uint32_t lanes = walk->vector->lanes, n = walk->vector->items;
    const uint32_t *rest = walk->rest + (size_t)bins * n, count = walk->rest_count[bins];
    int64_t *behind = walk->behind + (size_t)bins * (n + 1) * lanes;

    if (count == 0 || bins == 0) {
        for (uint32_t b = 1; b <= bins; b++)
            walk->ended[b].count = 0;
        return count == 0;
    }
    memset(behind + (size_t)count * lanes, 0, lanes * sizeof *behind);
    for (uint32_t i = count; i-- > 0;) {
        for (uint32_t r = 0; r < lanes; r++)
            behind[(size_t)i * lanes + r] =
                behind[(size_t)(i + 1) * lanes + r] + spotopt__walk_size(walk, rest[i])[r];
    }
    for (uint32_t r = 0; r < lanes; r++)
        walk->rest_room[((size_t)bins * (SPOTOPT__WALK_DEEP + 1) + 1) * lanes + r] =
            walk->vector->capacity[r] - spotopt__walk_size(walk, rest[0])[r];
    walk->ended[bins].item[0] = rest[0];
    return complete(walk, bins, 1, 1);
}

/* Searches the pool to the end. */
bool
spotopt__walk_end(spotopt__walk *walk)
{
    const uint32_t n = walk->vector->items;
    bool found;

    memcpy(walk->rest + (size_t)walk->bins * n, walk->pool, walk->items * sizeof *walk->pool);
    memcpy(walk->rest_slack + (size_t)walk->bins * walk->vector->lanes, walk->slack,
           walk->vector->lanes * sizeof *walk->slack);
    walk->rest_count[walk->bins] = walk->items;
    walk->steps = 0;
    walk->steps_most = FINISH_MOST;
    found = finish(walk, walk->bins);
    walk->finished += walk->steps;
    return found;
}
