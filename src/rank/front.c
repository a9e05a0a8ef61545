/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.c - pools that no other beats at everything.
 *
 * Taken by their sum of factors, largest first, no pool can be dominated by a later one, so each is
 * compared with the front found so far alone (after Kung, Luccio, Preparata 1975). Sums that come
 * out alike may hide a hair's difference and are compared both ways. Pools of equal factors stand
 * on the front together.
 */
#include <stdlib.h>

#include "rank/rank.h"

typedef struct entry {
    double sum;
    size_t row;
} entry;

static int
by_sum(const void *a, const void *b)
{
    const entry *x = a, *y = b;

    if (x->sum != y->sum)
        return x->sum > y->sum ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* At least as good everywhere, better somewhere. */
static bool
dominates(const double *a, const double *b)
{
    bool is_better = false;

    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        if (a[f] < b[f])
            return false;
        is_better = is_better || a[f] > b[f];
    }
    return is_better;
}

bool
spotopt__rank_mark_front(spotopt_context *context, spotopt__rank_row *rows, size_t count)
{
    entry *order = spotopt__alloc_array(context, count + 1, sizeof *order);
    size_t front = 0;

    if (order == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        order[i].row = i;
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            order[i].sum += rows[i].u[f];
    }
    qsort(order, count, sizeof *order, by_sum);
    for (size_t i = 0; i < count; i++) {
        entry one = order[i];
        spotopt__rank_row *row = &rows[one.row];

        row->is_on_front = true;
        for (size_t k = 0; k < front && row->is_on_front; k++)
            row->is_on_front = !dominates(rows[order[k].row].u, row->u);
        for (size_t k = i + 1; k < count && order[k].sum == one.sum && row->is_on_front; k++)
            row->is_on_front = !dominates(rows[order[k].row].u, row->u);
        if (row->is_on_front) /* front <= i: what is written over was looked at */
            order[front++] = one;
    }
    spotopt__free(context, order);
    return true;
}
