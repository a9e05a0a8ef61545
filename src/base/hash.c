/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.c - SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, 2012) and a map from text to numbers on
 * top.
 *
 * The map probes linearly in a table that is at most two thirds full. Its hash is keyed by where
 * its first table lies, so nobody can prepare keys that collide; no answer depends on it.
 */
#include <string.h>

#include "base/hash.h"

struct spotopt__map_slot {
    const char *key; /* NULL: free */
    size_t length;
    uint64_t hash;
    uint32_t value;
};

static uint64_t
rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* Little-endian on every machine; compilers make one load of it. */
static uint64_t
load(const unsigned char *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[3];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[2] = rotate_left(v[2], 32);
}

uint64_t
spotopt__hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
    const uint64_t k0 = seed, k1 = seed ^ 0x5350544f5054u; /* one word of key is enough here */
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
                     k1 ^ 0x7465646279746573u};
    const unsigned char *at = bytes;
    size_t left = length;
    uint64_t last = (uint64_t)length << 56;

    for (; left >= 8; left -= 8, at += 8) {
        const uint64_t m = load(at);
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
spotopt__hash_mix(uint64_t a, uint64_t b)
{
    uint64_t z = a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2));

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void
spotopt__map_init(spotopt__map *map, spotopt_context *context)
{
    memset(map, 0, sizeof *map);
    map->context = context;
}

void
spotopt__map_free(spotopt__map *map)
{
    spotopt__free(map->context, map->slots);
    spotopt__map_init(map, map->context);
}

/* The key's slot, or the free one where it belongs. There is always a free one. */
static struct spotopt__map_slot *
find_slot(struct spotopt__map_slot *slots, size_t room, const char *key, size_t length,
          uint64_t hash)
{
    size_t i = (size_t)hash & (room - 1);

    while (slots[i].key != NULL && (slots[i].hash != hash || slots[i].length != length ||
                                    (length > 0 && memcmp(slots[i].key, key, length) != 0)))
        i = (i + 1) & (room - 1);
    return &slots[i];
}

static bool
grow(spotopt__map *map)
{
    const size_t room = map->room == 0 ? 16 : 2 * map->room;
    struct spotopt__map_slot *slots;

    if (map->room > SIZE_MAX / 4)
        return false;
    slots = spotopt__alloc_array(map->context, room, sizeof *slots);
    if (slots == NULL)
        return false;
    if (map->slots == NULL)
        map->seed = spotopt__hash_mix((uint64_t)(uintptr_t)slots, (uint64_t)(uintptr_t)map);
    for (size_t i = 0; i < map->room; i++) {
        size_t j = (size_t)map->slots[i].hash & (room - 1);

        if (map->slots[i].key == NULL)
            continue;
        while (slots[j].key != NULL)
            j = (j + 1) & (room - 1);
        slots[j] = map->slots[i];
    }
    spotopt__free(map->context, map->slots);
    map->slots = slots;
    map->room = room;
    return true;
}

uint32_t
spotopt__map_get(const spotopt__map *map, const char *key)
{
    return spotopt__map_get_n(map, key, strlen(key));
}

uint32_t
spotopt__map_get_n(const spotopt__map *map, const char *key, size_t length)
{
    const struct spotopt__map_slot *slot;

    if (map->count == 0)
        return SPOTOPT__NONE;
    slot =
        find_slot(map->slots, map->room, key, length, spotopt__hash_bytes(key, length, map->seed));
    return slot->key == NULL ? SPOTOPT__NONE : slot->value;
}

bool
spotopt__map_put(spotopt__map *map, const char *key, uint32_t value, uint32_t *found)
{
    return spotopt__map_put_n(map, key, strlen(key), value, found);
}

bool
spotopt__map_put_n(spotopt__map *map, const char *key, size_t length, uint32_t value,
                   uint32_t *found)
{
    struct spotopt__map_slot *slot;
    uint64_t hash;

    if (3 * (map->count + 1) > 2 * map->room && !grow(map))
        return false;
    hash = spotopt__hash_bytes(key, length, map->seed);
    slot = find_slot(map->slots, map->room, key, length, hash);
    if (slot->key == NULL) {
        *slot = (struct spotopt__map_slot){key, length, hash, value};
        map->count++;
    }
    if (found != NULL)
        *found = slot->value;
    return true;
}
