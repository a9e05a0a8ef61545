/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill_tight.c - packs vectors into bins that must all be almost full.
 *
 * Where volume leaves next to nothing to spare, packings are few, and what is left over when most
 * bins are filled well decides. Bins that are full are kept, the others are a pool of items, and
 * the walk exchanges contents so that the pool is likely to have a packing. How likely: the number
 * of packings to be expected of m items in k bins, of all waste that is left to spend, were loads
 * normally distributed. That is k^m / k! ways to give items to bins, for each bin but the last the
 * density of its load at the capacity (covariance: sum of w w' / k), and in each dimension as many
 * places as there are ways to share out the slack among bins, C(slack + k - 1, k - 1). Its
 * logarithm is the potential: it says what an item more in the pool, a unit of slack, items that
 * are more alike are worth. Annealing after Kirkpatrick, Gelatt, Vecchi (1983): one or two contents
 * go back, the contents of few items and little waste are listed, one is drawn by what potential it
 * leaves. Pools with a good potential are searched to the end, depth first.
 *
 * Nothing is proved here. What it finds is checked by whoever takes it.
 */
#include <math.h>
#include <stdlib.h>

#include "pack/fill_tight.h"

#define ITEMS_MOST 2000
#define POOL_BINS 6             /* left for the end */
#define CAPACITY_MOST (1 << 27) /* DEEP times that does not overflow */
#define SAMPLE 60               /* items of a large pool that are looked at for one content */
#define LOOK_MOST 100000
#define OFFER_STEPS 30 /* what judging a content takes, in steps of looking */
#define SPARE 0.02     /* of what loads would vary by: above that, bins need not be full */
#define HOT 1.0        /* temperatures of potentials, which are natural logarithms */
#define COLD 0.2
#define PROMISING -14.0 /* pools of less potential are not searched */
#define CYCLE 10000     /* turns from hot to cold, the first time; then twice as many each time */
#define DESCEND 200     /* turns between tries to do with a smaller pool */

static double
log_factorial(double n)
{
    double sum = 0.0;

    for (; n < 12.0; n += 1.0)
        sum -= log(n + 1.0);
    return sum + (n + 0.5) * log(n) - n + 0.9189385332046727 + 1.0 / (12.0 * n);
}

static double
log_ways(const spotopt__walk *walk, int64_t slack, uint32_t bins)
{
    const int64_t n[] = {slack + bins - 1, slack, bins - 1};
    double value[3];

    for (int i = 0; i < 3; i++)
        value[i] = n[i] < SPOTOPT__WALK_TABLE ? walk->factorial[n[i]] : log_factorial((double)n[i]);
    return value[0] - value[1] - value[2];
}

/* Logarithm of the packings to be expected of so many items in so many bins. */
static double
judge(const spotopt__walk *walk, uint32_t items, uint32_t bins, const double *moment,
      const int64_t *slack, const int32_t *less)
{
    const uint32_t n = walk->tights;
    const double k = bins;
    double lower[SPOTOPT__WALK_TIGHTS * SPOTOPT__WALK_TIGHTS], sum, density = 0.0;

    if (bins <= 1)
        return 0.0;
    sum = items * log(k) - log_factorial(k);
    for (uint32_t i = 0; i < n; i++) { /* the determinant by Cholesky's way */
        const uint32_t r = walk->tight[i];
        const double unit = 1.0 / (double)walk->vector->capacity[r];
        for (uint32_t j = 0; j <= i; j++) {
            double x = moment[i * SPOTOPT__WALK_TIGHTS + j] / k;
            for (uint32_t l = 0; l < j; l++)
                x -= lower[i * SPOTOPT__WALK_TIGHTS + l] * lower[j * SPOTOPT__WALK_TIGHTS + l];
            if (i == j) { /* no narrower than a unit is wide */
                x = fmax(x, unit * unit / 12.0);
                density -= 0.5 * log(x / (unit * unit)) + 0.9189385332046727;
                lower[i * SPOTOPT__WALK_TIGHTS + i] = sqrt(x);
            } else {
                lower[i * SPOTOPT__WALK_TIGHTS + j] = x / lower[j * SPOTOPT__WALK_TIGHTS + j];
            }
        }
        sum += log_ways(walk, slack[r] - (less != NULL ? less[r] : 0), bins);
    }
    return sum + (k - 1.0) * density;
}

static void
count_item(spotopt__walk *walk, double *moment, uint32_t item, double sign)
{
    const double *weight = walk->weight + (size_t)item * SPOTOPT__WALK_TIGHTS;

    for (uint32_t i = 0; i < walk->tights; i++) {
        for (uint32_t j = 0; j <= i; j++)
            moment[i * SPOTOPT__WALK_TIGHTS + j] += sign * weight[i] * weight[j];
    }
}

/* How many of a list are larger than this in the first tight lane: the first ones. */
static uint32_t
count_above(const spotopt__walk *walk, const uint32_t *list, uint32_t count, int64_t size)
{
    const uint32_t r = walk->tight[0];
    uint32_t low = 0;

    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if (spotopt__walk_size(walk, list[middle])[r] > size)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* The content leaves the pool for a bin of its own. */
static void
fill_bin(spotopt__walk *walk, const spotopt__content *what)
{
    const uint32_t lanes = walk->vector->lanes;

    for (uint32_t r = 0; r < lanes; r++)
        walk->slack[r] -= walk->vector->capacity[r];
    for (uint32_t c = 0; c < what->count; c++) {
        const uint32_t item = what->item[c];
        uint32_t at = 0;
        for (uint32_t r = 0; r < lanes; r++)
            walk->slack[r] += spotopt__walk_size(walk, item)[r];
        while (walk->pool[at] != item)
            at++;
        memmove(walk->pool + at, walk->pool + at + 1, (--walk->items - at) * sizeof *walk->pool);
        count_item(walk, walk->moment, item, -1.0);
    }
    walk->bins--;
    walk->bin[walk->full++] = *what;
}

/* A bin's content goes back; the last bin takes its number. */
static void
empty_bin(spotopt__walk *walk, uint32_t b)
{
    const uint32_t lanes = walk->vector->lanes;
    const spotopt__content *what = &walk->bin[b];

    for (uint32_t r = 0; r < lanes; r++)
        walk->slack[r] += walk->vector->capacity[r];
    for (uint32_t c = 0; c < what->count; c++) {
        const uint32_t item = what->item[c];
        uint32_t at = count_above(walk, walk->pool, walk->items,
                                  spotopt__walk_size(walk, item)[walk->tight[0]]);
        for (uint32_t r = 0; r < lanes; r++)
            walk->slack[r] -= spotopt__walk_size(walk, item)[r];
        memmove(walk->pool + at + 1, walk->pool + at, (walk->items++ - at) * sizeof *walk->pool);
        walk->pool[at] = item;
        count_item(walk, walk->moment, item, 1.0);
    }
    walk->bins++;
    walk->bin[b] = walk->bin[--walk->full];
}

/* A content was found: it is drawn by what it leaves (the largest of sums with Gumbel noise is a
 * draw by e^(potential / temperature)). */
static void
offer(spotopt__walk *walk, uint32_t count, const int32_t *room)
{
    double moment[SPOTOPT__WALK_TIGHTS * SPOTOPT__WALK_TIGHTS], value;

    memcpy(moment, walk->moment, sizeof moment);
    for (uint32_t c = 0; c < count; c++)
        count_item(walk, moment, walk->taken[c], -1.0);
    value = judge(walk, walk->items - count, walk->bins - 1, moment, walk->slack, room);
    value -= walk->heat * log(-log(spotopt__rng_unit(&walk->rng) + 0x1p-54));
    walk->steps += OFFER_STEPS;
    if (value > walk->best) {
        walk->best = value;
        walk->choice.count = count;
        memcpy(walk->choice.item, walk->taken, count * sizeof *walk->taken);
    }
}

/* Contents that begin with what is taken, from the list's items from `at` on. */
static void
look(spotopt__walk *walk, uint32_t at, uint32_t count)
{
    const uint32_t lanes = walk->vector->lanes, q = walk->tight[0], more = walk->cap - count;
    const int32_t *room = walk->room + (size_t)count * lanes, *box = walk->box;
    int32_t *below = walk->room + (size_t)(count + 1) * lanes;
    const int32_t floor = room[q] - box[q];
    int32_t over = 0;

    for (uint32_t r = 0; r < lanes; r++)
        over |= box[r] - room[r];
    if (over >= 0 && count > 0)
        offer(walk, count, room);
    if (more == 0)
        return;
    for (uint32_t c = count_above(walk, walk->list, walk->listed, room[q]) > at
                          ? count_above(walk, walk->list, walk->listed, room[q])
                          : at;
         c < walk->listed && walk->steps < walk->steps_most; c++) {
        const int32_t *size = walk->listed_size + (size_t)c * lanes;
        const int32_t *largest = walk->largest + (size_t)c * lanes;
        int32_t short_of = 0, fits = 0;
        walk->steps++;
        if (more == 1 && size[q] < floor)
            return; /* the others are even smaller */
        for (uint32_t r = 0; r < lanes; r++) {
            below[r] = room[r] - size[r];
            fits |= below[r];
            short_of |= box[r] - room[r] + largest[r] * (int32_t)more;
        }
        if (short_of < 0)
            return; /* the rest is too small to fill it */
        if (fits < 0)
            continue;
        walk->taken[count] = walk->list[c];
        look(walk, c + 1, count + 1);
    }
}

/* Draws a content of the pool, of few items, with at most `wide` times the average waste. */
static bool
draw(spotopt__walk *walk, double wide, uint32_t more)
{
    const uint32_t lanes = walk->vector->lanes;
    const uint32_t cap = (walk->items + walk->bins - 1) / walk->bins + more;

    walk->listed = 0;
    for (uint32_t i = 0; i < walk->items; i++) {
        if (walk->items <= SAMPLE || spotopt__rng_below(&walk->rng, walk->items) < SAMPLE)
            walk->list[walk->listed++] = walk->pool[i];
    }
    for (uint32_t r = 0; r < lanes; r++) {
        walk->room[r] = walk->vector->capacity[r];
        walk->box[r] = walk->slack[r] < walk->room[r] ? (int32_t)walk->slack[r] : walk->room[r];
    }
    for (uint32_t c = walk->listed; c-- > 0;) {
        int32_t *size = walk->listed_size + (size_t)c * lanes;
        int32_t *largest = walk->largest + (size_t)c * lanes;
        memcpy(size, spotopt__walk_size(walk, walk->list[c]), lanes * sizeof *size);
        for (uint32_t r = 0; r < lanes; r++) {
            const int32_t behind = c + 1 < walk->listed ? largest[lanes + r] : 0;
            largest[r] = size[r] > behind ? size[r] : behind;
        }
    }
    for (uint32_t i = 0; i < walk->tights; i++) {
        const uint32_t r = walk->tight[i];
        const double box = wide * (double)walk->slack[r] / walk->bins + 1.5;
        if (box < (double)walk->box[r])
            walk->box[r] = (int32_t)box;
    }
    walk->cap = cap < SPOTOPT__WALK_DEEP ? cap : SPOTOPT__WALK_DEEP;
    walk->best = -INFINITY;
    walk->choice.count = 0;
    walk->steps = 100 + 8 * walk->listed; /* what it took to come here */
    walk->steps_most = LOOK_MOST;
    look(walk, 0, 0);
    walk->looked += walk->steps;
    return walk->choice.count > 0;
}

static double
judge_pool(const spotopt__walk *walk)
{
    return judge(walk, walk->items, walk->bins, walk->moment, walk->slack, NULL);
}

/* Fills bins while there are contents, down to the last few. */
static bool
descend(spotopt__walk *walk)
{
    const uint64_t stop = walk->looked + 16u * LOOK_MOST;
    bool found = false;

    for (double wide = 2.0; walk->bins > POOL_BINS && wide < 40.0; wide *= 2.0) {
        if (!draw(walk, wide, wide > 5.0))
            continue;
        fill_bin(walk, &walk->choice);
        found = true;
        wide = 1.0;
        if (walk->looked > stop)
            break; /* to be gone on with */
    }
    return found;
}

/* One or two contents go back and others come; whether the pool is another one now. */
static bool
exchange(spotopt__walk *walk)
{
    const uint32_t many = 1 + (uint32_t)spotopt__rng_below(&walk->rng, walk->full > 1 ? 2 : 1);
    const double before = walk->potential;
    spotopt__content old[2];
    uint32_t filled = 0;

    for (uint32_t e = 0; e < many; e++) {
        const uint32_t b = (uint32_t)spotopt__rng_below(&walk->rng, walk->full);
        old[e] = walk->bin[b];
        empty_bin(walk, b);
    }
    while (filled < many && draw(walk, 2.0, 0)) {
        fill_bin(walk, &walk->choice);
        filled++;
    }
    if (filled == many) {
        const double now = judge_pool(walk);
        if (now >= before || spotopt__rng_unit(&walk->rng) < exp((now - before) / walk->heat)) {
            walk->potential = now;
            return fabs(now - before) > 1e-9;
        }
    }
    while (filled-- > 0)
        empty_bin(walk, walk->full - 1);
    for (uint32_t e = 0; e < many; e++)
        fill_bin(walk, &old[e]);
    return false;
}

bool
spotopt__walk_run(spotopt__walk *walk, uint64_t work, uint32_t *bin_of)
{
    const uint64_t end = walk->budget->work + work;
    uint64_t steps = walk->looked + walk->finished;
    bool found = false;

    while (!found && walk->budget->work < end) {
        bool news = true;
        if (walk->turns == walk->cycle_start + walk->cycle) {
            walk->cycle_start = walk->turns;
            walk->cycle *= 2;
        }
        walk->heat =
            HOT * pow(COLD / HOT, (double)(walk->turns - walk->cycle_start) / (double)walk->cycle);
        if (walk->full == 0 || (walk->bins > POOL_BINS && walk->turns % DESCEND == 0)) {
            (void)descend(walk);
            walk->potential = judge_pool(walk);
            if (walk->full == 0) { /* nothing fills a bin that well */
                walk->budget->work += (walk->looked + walk->finished - steps) / 4 + 1;
                return false;
            }
        } else {
            news = exchange(walk);
        }
        walk->turns++;
        if (news && walk->bins <= SPOTOPT__WALK_END && walk->potential > PROMISING)
            found = spotopt__walk_end(walk);
        walk->budget->work += (walk->looked + walk->finished - steps) / 4 + 1;
        steps = walk->looked + walk->finished;
        if (!found && spotopt__budget_over(walk->budget, "pack", (double)INFINITY, 0.0))
            break;
    }
    if (found) {
        for (uint32_t b = 0; b < walk->full; b++) {
            for (uint32_t c = 0; c < walk->bin[b].count; c++)
                bin_of[walk->bin[b].item[c]] = b;
        }
        for (uint32_t b = 1; b <= walk->bins; b++) {
            for (uint32_t c = 0; c < walk->ended[b].count; c++)
                bin_of[walk->ended[b].item[c]] = walk->full + b - 1;
        }
    }
    return found;
}

uint32_t
spotopt__walk_share(const spotopt__walk *walk)
{
    return walk->turns == 0 || walk->bins <= POOL_BINS ? 75
           : walk->bins <= SPOTOPT__WALK_END           ? 25
                                                       : 8;
}

/* Slack of all, and the dimensions where it is less than loads would vary by themselves. */
static bool
measure(spotopt__walk *walk)
{
    const spotopt__vector *vector = walk->vector;
    double least = INFINITY;

    for (uint32_t r = 0; r < vector->dims; r++) {
        double spare, squares = 0.0;
        if (vector->capacity[r] > CAPACITY_MOST)
            return false;
        if (vector->capacity[r] == 0)
            continue; /* nobody asks for it */
        walk->slack[r] = (int64_t)walk->bins * vector->capacity[r];
        for (uint32_t i = 0; i < vector->items; i++) {
            const double size = vector->size[(size_t)i * vector->lanes + r];
            walk->slack[r] -= (int64_t)size;
            squares += size * size;
        }
        if (walk->slack[r] < 0)
            return false;
        spare = (double)walk->slack[r] / walk->bins / sqrt(squares / walk->bins + 1e-9);
        if (spare > SPARE || walk->tights == SPOTOPT__WALK_TIGHTS)
            continue;
        walk->tight[walk->tights++] = r;
        if (spare < least) { /* the tightest first */
            least = spare;
            walk->tight[walk->tights - 1] = walk->tight[0];
            walk->tight[0] = r;
        }
    }
    return walk->tights > 0;
}

static int
compare_items(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    if (x[0] != y[0])
        return x[0] > y[0] ? -1 : 1;
    return x[1] < y[1] ? -1 : x[1] > y[1];
}

spotopt__walk *
spotopt__walk_new(const spotopt__vector *vector, uint32_t bins, spotopt__budget *budget,
                  uint64_t seed, bool *out_nomem)
{
    const size_t n = vector->items, lanes = vector->lanes, levels = SPOTOPT__WALK_END + 1;
    spotopt__walk *walk;
    int64_t *order;

    *out_nomem = false;
    if (n > ITEMS_MOST || bins < 2 || n > (size_t)bins * SPOTOPT__WALK_DEEP / 2)
        return NULL;
    *out_nomem = true;
    walk = spotopt__alloc(vector->context, sizeof *walk);
    if (walk == NULL)
        return NULL;
    spotopt__arena_init(&walk->arena, vector->context);
    walk->vector = vector;
    order = spotopt__alloc_array(vector->context, 2 * n, sizeof *order);
    walk->budget = budget;
    walk->bins = bins;
    walk->items = vector->items;
    walk->cycle = CYCLE;
    for (uint32_t i = 0; i < SPOTOPT__WALK_TABLE; i++)
        walk->factorial[i] = log_factorial(i);
    spotopt__rng_seed(&walk->rng, seed);
    walk->bin = spotopt__arena_alloc(&walk->arena, bins, sizeof *walk->bin);
    walk->pool = spotopt__arena_alloc(&walk->arena, n, sizeof *walk->pool);
    walk->list = spotopt__arena_alloc(&walk->arena, n, sizeof *walk->list);
    walk->slack = spotopt__arena_alloc(&walk->arena, lanes, sizeof *walk->slack);
    walk->box = spotopt__arena_alloc(&walk->arena, lanes, sizeof *walk->box);
    walk->listed_size = spotopt__arena_alloc(&walk->arena, n * lanes, sizeof(int32_t));
    walk->largest = spotopt__arena_alloc(&walk->arena, n * lanes, sizeof(int32_t));
    walk->weight =
        spotopt__arena_alloc(&walk->arena, n * SPOTOPT__WALK_TIGHTS, sizeof *walk->weight);
    walk->room =
        spotopt__arena_alloc(&walk->arena, (SPOTOPT__WALK_DEEP + 2) * lanes, sizeof *walk->room);
    walk->rest = spotopt__arena_alloc(&walk->arena, levels * n, sizeof *walk->rest);
    walk->rest_count = spotopt__arena_alloc(&walk->arena, levels, sizeof *walk->rest_count);
    walk->rest_slack = spotopt__arena_alloc(&walk->arena, levels * lanes, sizeof(int64_t));
    walk->behind = spotopt__arena_alloc(&walk->arena, levels * (n + 1) * lanes, sizeof(int64_t));
    walk->rest_room = spotopt__arena_alloc(&walk->arena, levels * (SPOTOPT__WALK_DEEP + 2) * lanes,
                                           sizeof(int64_t));
    if (order == NULL || walk->bin == NULL || walk->pool == NULL || walk->list == NULL ||
        walk->slack == NULL || walk->box == NULL || walk->listed_size == NULL ||
        walk->largest == NULL || walk->weight == NULL || walk->room == NULL || walk->rest == NULL ||
        walk->rest_count == NULL || walk->rest_slack == NULL || walk->behind == NULL ||
        walk->rest_room == NULL)
        goto fail;
    *out_nomem = false;
    if (!measure(walk))
        goto fail;
    for (size_t i = 0; i < n; i++) {
        order[2 * i] = spotopt__walk_size(walk, (uint32_t)i)[walk->tight[0]];
        order[2 * i + 1] = (int64_t)i;
    }
    qsort(order, n, 2 * sizeof *order, compare_items);
    for (size_t i = 0; i < n; i++) {
        walk->pool[i] = (uint32_t)order[2 * i + 1];
        for (uint32_t t = 0; t < walk->tights; t++)
            walk->weight[i * SPOTOPT__WALK_TIGHTS + t] =
                (double)spotopt__walk_size(walk, (uint32_t)i)[walk->tight[t]] /
                (double)vector->capacity[walk->tight[t]];
        count_item(walk, walk->moment, (uint32_t)i, 1.0);
    }
    spotopt__free(vector->context, order);
    order = NULL;
    if (judge_pool(walk) > 0.0) /* else hardly anything is there to be found */
        return walk;
fail:
    spotopt__free(vector->context, order);
    spotopt__walk_free(walk);
    return NULL;
}

void
spotopt__walk_free(spotopt__walk *walk)
{
    if (walk == NULL)
        return;
    spotopt__arena_free(&walk->arena);
    spotopt__free(walk->vector->context, walk);
}
