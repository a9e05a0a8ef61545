/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_HASH_H
#define SPOTOPT_BASE_HASH_H
#include "base/alloc.h"

#define SPOTOPT__NONE UINT32_MAX

uint64_t spotopt__hash_bytes(const void *bytes, size_t length, uint64_t seed);
uint64_t spotopt__hash_mix(uint64_t a, uint64_t b);

/* Text -> number. Keys are borrowed: they must outlive the map. Iteration order is nobody's business. */
typedef struct spotopt__map {
    spotopt_context *context;
    struct spotopt__map_slot *slots;
    size_t count, room;
    uint64_t seed; /* picked with the first slot, against keys that were made to collide */
} spotopt__map;

void spotopt__map_init(spotopt__map *map, spotopt_context *context);
void spotopt__map_free(spotopt__map *map);
uint32_t spotopt__map_get(const spotopt__map *map, const char *key); /* SPOTOPT__NONE when absent */
uint32_t spotopt__map_get_n(const spotopt__map *map, const char *key, size_t length);
/* Adds key unless it is there; *found is its number then, else value. False: no memory. */
bool spotopt__map_put(spotopt__map *map, const char *key, uint32_t value, uint32_t *found);
bool spotopt__map_put_n(spotopt__map *map, const char *key, size_t length, uint32_t value, uint32_t *found);

/* SHA-256 of bytes, as 64 hex digits and a zero. */
void spotopt__sha256_hex(const void *bytes, size_t length, char out[65]);

#endif
