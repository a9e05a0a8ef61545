/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyed.c - orders that are the same everywhere: ties go by number, whatever qsort() does.
 */
#include <stdlib.h>

#include "base/keyed.h"

static int
by_id(const spotopt__keyed *x, const spotopt__keyed *y)
{
    return (x->id > y->id) - (x->id < y->id);
}

static int
compare_ascending(const void *a, const void *b)
{
    const spotopt__keyed *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? 1 : -1;
    return by_id(x, y);
}

static int
compare_descending(const void *a, const void *b)
{
    const spotopt__keyed *x = a, *y = b;

    if (x->key > y->key || x->key < y->key)
        return x->key > y->key ? -1 : 1;
    return by_id(x, y);
}

void
spotopt__keyed_ascending(spotopt__keyed *list, size_t count)
{
    if (count > 1)
        qsort(list, count, sizeof *list, compare_ascending);
}

void
spotopt__keyed_descending(spotopt__keyed *list, size_t count)
{
    if (count > 1)
        qsort(list, count, sizeof *list, compare_descending);
}

static int
compare_hashed(const void *a, const void *b)
{
    const spotopt__hashed *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

void
spotopt__hashed_sort(spotopt__hashed *list, size_t count)
{
    if (count > 1)
        qsort(list, count, sizeof *list, compare_hashed);
}

static int
compare_ids(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void
spotopt__ids_sort(uint32_t *list, size_t count)
{
    if (count > 1)
        qsort(list, count, sizeof *list, compare_ids);
}
