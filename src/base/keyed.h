/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_KEYED_H
#define SPOTOPT_BASE_KEYED_H
#include <stddef.h>
#include <stdint.h>

/* Somebody's number with what it is sorted by. */
typedef struct spotopt__keyed {
    double key;
    uint32_t id;
} spotopt__keyed;

/* By key; among equals the least id first, either way. Keys are no NaNs. */
void spotopt__keyed_ascending(spotopt__keyed *list, size_t count);
void spotopt__keyed_descending(spotopt__keyed *list, size_t count);

/* The same with a hash: equal ones end up side by side, least id first. */
typedef struct spotopt__hashed {
    uint64_t hash;
    uint32_t id;
} spotopt__hashed;

void spotopt__hashed_sort(spotopt__hashed *list, size_t count);

/* Numbers by themselves, ascending. */
void spotopt__ids_sort(uint32_t *list, size_t count);

#endif
