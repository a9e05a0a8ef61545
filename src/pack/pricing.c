/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pricing.c - the most worth that fits one node: a bound at any effort, and a pattern.
 *
 * For prices lambda >= 0 of the dimensions, W = lambda . capacity + sum most_i * max(0, worth_i -
 * lambda . need_i) bounds the worth from above whatever lambda is (Lagrange). Lambda is improved
 * dimension by dimension. Branch and bound then goes through the pieces by worth per surrogate
 * weight lambda . need; its bound is the fractional fill of the surrogate knapsack. When the steps
 * run out, the largest bound left behind is returned, so the answer is optimistic but never wrong.
 */
#include <stdlib.h>

#include "pack/pricing.h"

#define LABEL_FROM 5000 /* steps: whoever would spend so many wants to know */
#define STRIDE_FROM 200 /* steps: fewer are for guesses */
#define DIMS_MOST (64 + SPOTOPT__EXTRA_DIMS)

typedef struct keyed {
    double key;
    uint32_t index;
    double amount;
} keyed;

static int
compare_desc(const void *a, const void *b)
{
    const keyed *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

bool
spotopt__knapsack_init(spotopt__knapsack *sack, const spotopt__model *model,
                       const spotopt__extras *extras)
{
    size_t most = 2 * (size_t)model->items + 1;
    uint32_t dims = model->resources + extras->dims;

    memset(sack, 0, sizeof *sack);
    sack->model = model;
    sack->extras = extras;
    spotopt__arena_init(&sack->arena, model->context);
    sack->piece = spotopt__arena_alloc(&sack->arena, most, sizeof *sack->piece);
    sack->need = spotopt__arena_alloc(&sack->arena, most * dims, sizeof *sack->need);
    sack->top = spotopt__arena_alloc(&sack->arena, dims, sizeof *sack->top);
    sack->lambda = spotopt__arena_alloc(&sack->arena, dims, sizeof *sack->lambda);
    sack->room = spotopt__arena_alloc(&sack->arena, dims, sizeof *sack->room);
    sack->weight = spotopt__arena_alloc(&sack->arena, most, sizeof *sack->weight);
    sack->order = spotopt__arena_alloc(&sack->arena, most, sizeof *sack->order);
    sack->count = spotopt__arena_alloc(&sack->arena, most, sizeof *sack->count);
    sack->best = spotopt__arena_alloc(&sack->arena, most, sizeof *sack->best);
    sack->left = spotopt__arena_alloc(&sack->arena, extras->count + 1, sizeof *sack->left);
    sack->grouped = spotopt__arena_alloc(&sack->arena, most, sizeof *sack->grouped);
    sack->gain = spotopt__arena_alloc(&sack->arena, most, sizeof *sack->gain);
    sack->sorted = spotopt__arena_alloc(&sack->arena, most, sizeof(keyed));
    return sack->piece != NULL && sack->need != NULL && sack->top != NULL && sack->lambda != NULL &&
           sack->room != NULL && sack->weight != NULL && sack->order != NULL &&
           sack->count != NULL && sack->best != NULL && sack->sorted != NULL &&
           sack->left != NULL && sack->grouped != NULL && sack->gain != NULL;
}

void
spotopt__knapsack_free(spotopt__knapsack *sack)
{
    spotopt__arena_free(&sack->arena);
}

void
spotopt__knapsack_start(spotopt__knapsack *sack, const double *capacity, bool use_extras)
{
    const spotopt__model *model = sack->model;

    sack->pieces = 0;
    sack->limited = use_extras;
    sack->dims = model->resources + (use_extras ? sack->extras->dims : 0);
    for (uint32_t r = 0; r < model->resources; r++)
        sack->top[r] = spotopt__ceiling(model, r, capacity[r]);
    for (uint32_t d = 0; use_extras && d < sack->extras->dims; d++)
        sack->top[model->resources + d] = sack->extras->limit[sack->extras->dim[d]];
}

void
spotopt__knapsack_add(spotopt__knapsack *sack, uint32_t i, double worth, uint32_t most)
{
    const spotopt__model *model = sack->model;
    double *need = sack->need + (size_t)sack->pieces * sack->dims;

    if (!(worth > 0.0))
        return;
    if (sack->limited && sack->extras->node_most[i] < most)
        most = sack->extras->node_most[i];
    for (uint32_t r = 0; r < sack->dims && most > 0; r++) {
        need[r] = r < model->resources                              ? model->item[i].request[r]
                  : sack->extras->dim_of[i] == r - model->resources ? 1.0
                                                                    : 0.0;
        if (need[r] > sack->top[r])
            most = 0;
        else if (need[r] > 0.0 && sack->top[r] / need[r] + 1e-9 < most)
            most = (uint32_t)floor(sack->top[r] / need[r] + 1e-9);
    }
    if (most > 0)
        sack->piece[sack->pieces++] = (spotopt__piece){i, most, worth};
}

static uint32_t
group_of(const spotopt__knapsack *sack, uint32_t j)
{
    return sack->limited ? sack->extras->group_of[sack->piece[j].item] : SPOTOPT__NONE;
}

/* Group after group; within a group in the order of the pieces. */
static void
list_groups(spotopt__knapsack *sack)
{
    keyed *sorted = sack->sorted;

    sack->grouped_count = 0;
    for (uint32_t j = 0; sack->limited && j < sack->pieces; j++) {
        uint32_t group = group_of(sack, j);
        if (group != SPOTOPT__NONE)
            sorted[sack->grouped_count++] = (keyed){-(double)group, j, 0.0};
    }
    qsort(sorted, sack->grouped_count, sizeof *sorted, compare_desc);
    for (uint32_t k = 0; k < sack->grouped_count; k++)
        sack->grouped[k] = sorted[k].index;
}

static double
lagrange_at(spotopt__knapsack *sack)
{
    double total = 0.0;

    for (uint32_t r = 0; r < sack->dims; r++)
        total += sack->lambda[r] * sack->top[r];
    for (uint32_t j = 0; j < sack->pieces; j++) {
        double gain = sack->piece[j].worth;
        for (uint32_t r = 0; r < sack->dims; r++)
            gain -= sack->lambda[r] * sack->need[(size_t)j * sack->dims + r];
        sack->gain[j] = gain;
        if (gain > 0.0 && group_of(sack, j) == SPOTOPT__NONE)
            total += gain * sack->piece[j].most;
    }
    for (uint32_t k = 0, end; k < sack->grouped_count;
         k = end) { /* of a group, the best as far as the limit goes */
        uint32_t group = group_of(sack, sack->grouped[k]), left = sack->extras->limit[group];
        for (end = k + 1; end < sack->grouped_count && group_of(sack, sack->grouped[end]) == group;
             end++) {
            uint32_t moved = sack->grouped[end], at = end;
            for (; at > k && sack->gain[sack->grouped[at - 1]] < sack->gain[moved]; at--)
                sack->grouped[at] = sack->grouped[at - 1];
            sack->grouped[at] = moved;
        }
        for (uint32_t m = k; m < end && left > 0; m++) {
            const spotopt__piece *piece = &sack->piece[sack->grouped[m]];
            uint32_t times = piece->most < left ? piece->most : left;
            if (!(sack->gain[sack->grouped[m]] > 0.0))
                break;
            total += times * sack->gain[sack->grouped[m]];
            left -= times;
        }
    }
    return total;
}

/* With groups the best lambda of one dimension is searched for: the bound is convex in it. */
static void
search_dim(spotopt__knapsack *sack, uint32_t dim)
{
    double low = 0.4 * sack->lambda[dim], high = 2.2 * sack->lambda[dim];

    if (!(high > 0.0)) {
        double most = 0.0;
        for (uint32_t j = 0; j < sack->pieces; j++) {
            double need = sack->need[(size_t)j * sack->dims + dim];
            if (need > 0.0 && sack->piece[j].worth / need > most)
                most = sack->piece[j].worth / need;
        }
        high = 0.05 * most;
    }
    double a = low + 0.382 * (high - low), b = low + 0.618 * (high - low), at_a, at_b;
    sack->lambda[dim] = a;
    at_a = lagrange_at(sack);
    sack->lambda[dim] = b;
    at_b = lagrange_at(sack);
    for (int step = 0; step < (sack->thorough ? 10 : 6); step++) { /* golden sections */
        if (at_a < at_b) {
            high = b;
            b = a;
            at_b = at_a;
            a = sack->lambda[dim] = low + 0.382 * (high - low);
            at_a = lagrange_at(sack);
        } else {
            low = a;
            a = b;
            at_a = at_b;
            b = sack->lambda[dim] = low + 0.618 * (high - low);
            at_b = lagrange_at(sack);
        }
    }
    sack->lambda[dim] = 0.5 * (low + high);
}

/*
 * The key of the piece with which the amounts, taken by falling keys, first exceed room; 0 when all
 * fit. By selection (weighted median): sorting would be most of the time of a bound.
 */
static double
key_at(keyed *list, uint32_t count, double room)
{
    while (count > 0) {
        const double a = list[0].key, b = list[count / 2].key, c = list[count - 1].key;
        const double pivot = fmax(fmin(a, b), fmin(fmax(a, b), c));
        uint32_t above = 0, below = count, at = 0;
        double over = 0.0, equal = 0.0;

        while (at < below) { /* larger keys first, smaller ones last */
            const keyed is = list[at];

            if (is.key > pivot) {
                over += is.amount;
                list[at++] = list[above];
                list[above++] = is;
            } else if (is.key < pivot) {
                list[at] = list[--below];
                list[below] = is;
            } else {
                equal += is.amount;
                at++;
            }
        }
        if (over > room) {
            count = above;
        } else if (over + equal > room) {
            return pivot;
        } else {
            room -= over + equal;
            list += below;
            count -= below;
        }
    }
    return 0.0;
}

/* The best lambda of one dimension, the others as they are: fill it by worth left per need. */
static void
improve_dim(spotopt__knapsack *sack, uint32_t dim)
{
    keyed *sorted = sack->sorted;
    uint32_t count = 0;

    if (!sack->is_needed[dim]) { /* its price says nothing */
        sack->lambda[dim] = 0.0;
        return;
    }
    if (sack->grouped_count > 0) {
        search_dim(sack, dim);
        return;
    }
    for (uint32_t j = 0; j < sack->pieces; j++) {
        const double *need = sack->need + (size_t)j * sack->dims;
        double gain = sack->piece[j].worth;
        if (!(need[dim] > 0.0))
            continue;
        for (uint32_t r = 0; r < sack->dims; r++)
            gain -= r == dim ? 0.0 : sack->lambda[r] * need[r];
        if (gain > 0.0)
            sorted[count++] = (keyed){gain / need[dim], j, need[dim] * sack->piece[j].most};
    }
    sack->lambda[dim] = key_at(sorted, count, sack->top[dim]);
}

/* Keeps the lambda that stands when it is the best so far. */
static void
keep_best(spotopt__knapsack *sack, double *best, double *kept)
{
    double trial = lagrange_at(sack);

    if (trial < *best) {
        *best = trial;
        memcpy(kept, sack->lambda, sack->dims * sizeof *kept);
    }
}

static double
relax(spotopt__knapsack *sack)
{
    double best = (double)INFINITY, start[DIMS_MOST], kept[DIMS_MOST] = {0};
    uint32_t starts =
        sack->thorough && sack->grouped_count == 0 ? (sack->dims < 5 ? sack->dims : 4) : 0;
    double least_mix = sack->grouped_count == 0 ? 0.002 : 0.04;

    /* What all pieces together need no more of than there is needs no price. */
    for (uint32_t r = 0; r < sack->dims; r++) {
        double sum = 0.0;

        for (uint32_t j = 0; j < sack->pieces; j++)
            sum += sack->need[(size_t)j * sack->dims + r] * sack->piece[j].most;
        sack->is_needed[r] = sum > sack->top[r];
    }
    /* From the last prices, the hint, and each dimension alone, until the bound says enough. */
    memcpy(start, sack->lambda, sack->dims * sizeof *start);
    if (sack->target > 0.0 && sack->hint != NULL) {
        memcpy(sack->lambda, sack->hint, sack->dims * sizeof *start);
        keep_best(sack, &best, kept);
        if (best <= sack->target * (1.0 + 1e-9)) /* at the LP's prices what is bought is equal */
            return best;
    }
    for (uint32_t from = 0; from < starts + 2; from++) {
        if (from == 0) {
            memcpy(sack->lambda, start, sack->dims * sizeof *start);
        } else if (from == 1) {
            if (sack->hint == NULL)
                continue;
            for (uint32_t r = 0; r < sack->dims; r++)
                sack->lambda[r] = sack->hint[r];
        } else {
            memset(sack->lambda, 0, sack->dims * sizeof *start);
        }
        if (from < 2)
            keep_best(sack, &best, kept);
        for (uint32_t round = 0; round < (sack->thorough ? 3u : 1u) && best > sack->target;
             round++) {
            for (uint32_t r = 0; r < sack->dims && best > sack->target; r++) {
                improve_dim(sack, from < 2 ? r : (from - 2 + r) % sack->dims);
                if (sack->thorough)
                    keep_best(sack, &best, kept);
            }
        }
        keep_best(sack, &best, kept);
        if (best <= sack->target)
            break;
    }
    memcpy(sack->lambda, kept, sack->dims * sizeof *kept);
    if (best <= sack->target)
        return best;
    /* One dimension at a time may be stuck in a corner: push one, let the others follow. */
    for (double mix = 0.2; mix > least_mix && sack->thorough && sack->dims > 1; mix *= 0.5) {
        for (uint32_t r = 0; r < sack->dims; r++) {
            for (int sign = -1; sign <= 1; sign += 2) {
                if (!(kept[r] > 0.0))
                    continue;
                memcpy(sack->lambda, kept, sack->dims * sizeof *kept);
                sack->lambda[r] = kept[r] * (1.0 + sign * mix);
                for (uint32_t s = 1; s < sack->dims; s++)
                    improve_dim(sack, (r + s) % sack->dims);
                keep_best(sack, &best, kept);
            }
        }
    }
    memcpy(sack->lambda, kept, sack->dims * sizeof *kept);
    return best;
}

/* Fractional fill of the surrogate knapsack by the pieces from `at` on. */
static double
fraction(const spotopt__knapsack *sack, uint32_t at, double room)
{
    double total = 0.0;

    for (; at < sack->pieces; at++) {
        uint32_t j = sack->order[at];
        double all = sack->weight[j] * sack->piece[j].most;
        if (all >= room)
            return total +
                   (sack->weight[j] > 0.0 ? sack->piece[j].worth * room / sack->weight[j] : 0.0);
        total += sack->piece[j].worth * sack->piece[j].most;
        room -= all;
    }
    return total;
}

static void
search(spotopt__knapsack *sack, uint32_t at, double worth, double room)
{
    uint32_t j, fit;
    const double *need;

    if (worth > sack->best_worth) {
        sack->best_worth = worth;
        memcpy(sack->best, sack->count, sack->pieces * sizeof *sack->best);
    }
    for (;; at++) { /* the next piece that fits at all */
        if (at == sack->pieces)
            return;
        j = sack->order[at];
        need = sack->need + (size_t)j * sack->dims;
        fit = sack->piece[j].most;
        for (uint32_t r = 0; r < sack->dims && fit > 0; r++) {
            if (need[r] > 0.0) {
                double most = floor(sack->room[r] / need[r] + 1e-12);
                fit = most < (double)fit ? (most > 0.0 ? (uint32_t)most : 0) : fit;
            }
        }
        if (group_of(sack, j) != SPOTOPT__NONE && sack->left[group_of(sack, j)] < fit)
            fit = sack->left[group_of(sack, j)];
        if (fit > 0)
            break;
    }
    for (uint32_t k = fit + 1; k-- > 0;) {
        double then = worth + k * sack->piece[j].worth, rest = room - k * sack->weight[j];
        double bound = then + fraction(sack, at + 1, rest > 0.0 ? rest : 0.0);
        if (bound <= fmax(sack->best_worth, sack->target) * (1.0 + 1e-12) + 1e-15)
            return; /* with fewer of it the bound only falls */
        if (++sack->steps > sack->limit) {
            sack->left_over = bound > sack->left_over ? bound : sack->left_over;
            return;
        }
        sack->count[j] = k;
        if (group_of(sack, j) != SPOTOPT__NONE)
            sack->left[group_of(sack, j)] -= k;
        for (uint32_t r = 0; r < sack->dims; r++)
            sack->room[r] -= k * need[r];
        search(sack, at + 1, then, rest);
        for (uint32_t r = 0; r < sack->dims; r++)
            sack->room[r] += k * need[r];
        if (group_of(sack, j) != SPOTOPT__NONE)
            sack->left[group_of(sack, j)] += k;
        sack->count[j] = 0;
    }
}

/* Fills what room is left, always the best worth per need, where what gets scarce counts more. */
static double
fill_up(spotopt__knapsack *sack, double worth, double power)
{
    double weight[DIMS_MOST];

    for (;;) {
        double best = 0.0;
        uint32_t pick = UINT32_MAX, fit;
        const double *need;
        for (uint32_t r = 0; r < sack->dims; r++) {
            double share = sack->top[r] > 0.0 ? sack->room[r] / sack->top[r] : 1.0;
            double base = sack->lambda[r] > 0.0 ? sack->lambda[r] : 0.0;
            base += sack->top[r] > 0.0 ? 1e-3 * worth / sack->top[r] + 1e-12 : 0.0;
            weight[r] = base / (power == 0.0 ? 1.0 : pow(share > 0.02 ? share : 0.02, power));
        }
        for (uint32_t j = 0; j < sack->pieces; j++) {
            double cost = 0.0;
            bool fits = sack->count[j] < sack->piece[j].most &&
                        (group_of(sack, j) == SPOTOPT__NONE || sack->left[group_of(sack, j)] > 0);
            need = sack->need + (size_t)j * sack->dims;
            for (uint32_t r = 0; r < sack->dims && fits; r++) {
                fits = need[r] <= sack->room[r];
                cost += weight[r] * need[r];
            }
            if (fits && sack->piece[j].worth > best * cost) {
                best = cost > 0.0 ? sack->piece[j].worth / cost : (double)INFINITY;
                pick = j;
            }
        }
        if (pick == UINT32_MAX)
            return worth;
        need = sack->need + (size_t)pick * sack->dims;
        fit = sack->piece[pick].most - sack->count[pick];
        for (uint32_t r = 0; r < sack->dims; r++) {
            if (need[r] > 0.0 && sack->room[r] / need[r] < fit)
                fit = (uint32_t)(sack->room[r] / need[r]);
        }
        if (group_of(sack, pick) != SPOTOPT__NONE && sack->left[group_of(sack, pick)] < fit)
            fit = sack->left[group_of(sack, pick)];
        fit = fit > 8 ? fit / 4 : 1;
        if (group_of(sack, pick) != SPOTOPT__NONE)
            sack->left[group_of(sack, pick)] -= fit;
        sack->count[pick] += fit;
        for (uint32_t r = 0; r < sack->dims; r++)
            sack->room[r] -= fit * need[r];
        worth += fit * sack->piece[pick].worth;
    }
}

static void
keep_count(spotopt__knapsack *sack, double worth)
{
    if (worth > sack->best_worth) {
        sack->best_worth = worth;
        memcpy(sack->best, sack->count, sack->pieces * sizeof *sack->best);
    }
}

/* Several greedy fills, then the best one with a piece taken out and the room filled again. */
static void
guess(spotopt__knapsack *sack)
{
    static const double powers[] = {0.0, 0.5, 1.0, 2.0};

    for (size_t p = 0; p < sizeof powers / sizeof *powers && (p == 0 || sack->dims > 1); p++) {
        memset(sack->count, 0, sack->pieces * sizeof *sack->count);
        memcpy(sack->room, sack->top, sack->dims * sizeof *sack->room);
        memcpy(sack->left, sack->extras->limit, sack->extras->count * sizeof *sack->left);
        keep_count(sack, fill_up(sack, 0.0, powers[p]));
    }
    for (uint32_t round = 0, improved = 1; round < 3 && improved; round++) {
        improved = 0;
        for (uint32_t j = 0; j < sack->pieces; j++) {
            double worth = 0.0, before = sack->best_worth;
            uint32_t most;
            if (sack->best[j] == 0)
                continue;
            memcpy(sack->count, sack->best, sack->pieces * sizeof *sack->count);
            memcpy(sack->room, sack->top, sack->dims * sizeof *sack->room);
            sack->count[j]--;
            memcpy(sack->left, sack->extras->limit, sack->extras->count * sizeof *sack->left);
            for (uint32_t i = 0; i < sack->pieces; i++) {
                for (uint32_t r = 0; r < sack->dims && sack->count[i] > 0; r++)
                    sack->room[r] -= sack->count[i] * sack->need[(size_t)i * sack->dims + r];
                worth += sack->count[i] * sack->piece[i].worth;
                if (sack->count[i] > 0 && group_of(sack, i) != SPOTOPT__NONE)
                    sack->left[group_of(sack, i)] -= sack->count[i];
            }
            most = sack->piece[j].most;
            sack->piece[j].most = sack->count[j]; /* not the same again */
            worth = fill_up(sack, worth, 1.0);
            sack->piece[j].most = most;
            keep_count(sack, worth);
            improved |= sack->best_worth > before * (1.0 + 1e-9);
        }
    }
}

double
spotopt__knapsack_solve(spotopt__knapsack *sack, uint64_t steps)
{
    keyed *sorted = sack->sorted;
    double bound, room = 0.0, exact;
    uint64_t strided = 0;

    sack->best_worth = 0.0;
    sack->steps = 0;
    memset(sack->best, 0, sack->pieces * sizeof *sack->best);
    if (sack->pieces == 0)
        return 0.0;
    list_groups(sack);
    bound = relax(sack);
    sack->steps = 0;
    if (steps == 0 || bound <= sack->target)
        return bound;
    guess(sack);
    if (sack->best_worth >= bound * (1.0 - 1e-12))
        return bound;
    if (sack->thorough && steps >= STRIDE_FROM) {
        bound = fmin(bound, spotopt__knapsack_stride(sack));
        if (bound <= fmax(sack->best_worth, sack->target) * (1.0 + 1e-12))
            return bound;
        strided = sack->steps;
    }
    memset(sack->count, 0, sack->pieces * sizeof *sack->count);
    memcpy(sack->left, sack->extras->limit, sack->extras->count * sizeof *sack->left);
    for (uint32_t r = 0; r < sack->dims; r++) {
        sack->room[r] = sack->top[r];
        room += sack->lambda[r] * sack->top[r];
    }
    for (uint32_t j = 0; j < sack->pieces; j++) {
        sack->weight[j] = 0.0;
        for (uint32_t r = 0; r < sack->dims; r++)
            sack->weight[j] += sack->lambda[r] * sack->need[(size_t)j * sack->dims + r];
        sorted[j] = (keyed){sack->weight[j] > 0.0 ? sack->piece[j].worth / sack->weight[j]
                                                  : (double)INFINITY,
                            j, 0.0};
    }
    qsort(sorted, sack->pieces, sizeof *sorted, compare_desc);
    for (uint32_t j = 0; j < sack->pieces; j++)
        sack->order[j] = sorted[j].index;
    for (int pass = 0; pass < 2; pass++) {
        sack->steps = 0;
        sack->limit = pass == 0 && steps >= LABEL_FROM ? LABEL_FROM / 2 : steps;
        sack->left_over = 0.0;
        search(sack, 0, 0.0, room * (1.0 + 1e-12));
        exact = fmax(fmax(sack->best_worth, sack->target) * (1.0 + 1e-12) + 1e-15, sack->left_over);
        bound = fmin(bound, exact);
        if (sack->limit == steps || sack->left_over < exact)
            break;
        bound = fmin(bound, spotopt__knapsack_label(sack, fmax(sack->best_worth, sack->target)));
        if (bound <= fmax(sack->best_worth, sack->target) * (1.0 + 1e-9))
            break;
    }
    sack->steps += strided;
    return bound;
}
