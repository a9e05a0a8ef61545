/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zones.c - reads the two short texts in which a caller names zones.
 *
 * Zone ids (use1-az2) mean the same place in every account, names (us-east-1a) do not; nodes carry
 * names. Prices come with either, so a map goes from ids to names; what it does not know stays as
 * it is.
 */
#include "io/zones.h"

#define ZONE_SIZE 128 /* bytes of one zone's name at most */

static spotopt_status
refuse(spotopt_error *err, const char *what, const char *text, const char *want)
{
    char quoted[SPOTOPT__QUOTE_SIZE];

    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is %s; want %s", what,
                         spotopt__quote(text, quoted), want);
}

static spotopt_status
read_list(spotopt__zones *zones, const char *list, spotopt_error *err)
{
    const char *want = "zones once each, such as \"a,b,c\"";
    spotopt_status status = SPOTOPT_OK;
    spotopt__map seen;

    spotopt__map_init(&seen, zones->context);
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        const char *zone;
        uint32_t found;

        if (length == 0 || length >= ZONE_SIZE) {
            status = refuse(err, "zones", list, want);
            break;
        }
        zone = spotopt__arena_text(&zones->arena, at, length);
        if (zone == NULL || !spotopt__vec_push(zones->context, &zones->zones, zone) ||
            !spotopt__map_put(&seen, zone, (uint32_t)zones->zones.count, &found)) {
            status = spotopt__nomem(err, "zones");
            break;
        }
        if (found != (uint32_t)zones->zones.count) {
            status = refuse(err, "zones", list, want);
            break;
        }
        at += length;
        if (*at == '\0')
            break;
    }
    spotopt__map_free(&seen);
    return status;
}

static spotopt_status
read_map(spotopt__zones *zones, const char *map, spotopt_error *err)
{
    const char *want = "pairs such as \"use1-az2=us-east-1a,...\", each id once";

    for (const char *at = map;; at++) {
        size_t length = strcspn(at, ","), id_length = strcspn(at, "=");
        const char *id, *name;
        uint32_t found;

        if (id_length == 0 || id_length + 1 >= length || length >= 2 * ZONE_SIZE)
            return refuse(err, "zone_map", map, want);
        id = spotopt__arena_text(&zones->arena, at, id_length);
        name = spotopt__arena_text(&zones->arena, at + id_length + 1, length - id_length - 1);
        if (id == NULL || name == NULL || !spotopt__vec_push(zones->context, &zones->names, name) ||
            !spotopt__map_put(&zones->by_id, id, (uint32_t)(zones->names.count - 1), &found))
            return spotopt__nomem(err, "a zone map");
        if (found != (uint32_t)(zones->names.count - 1))
            return refuse(err, "zone_map", map, want);
        at += length;
        if (*at == '\0')
            return SPOTOPT_OK;
    }
}

spotopt_status
spotopt__zones_init(spotopt__zones *zones, spotopt_context *context, const char *list,
                    const char *map, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    memset(zones, 0, sizeof *zones);
    zones->context = context;
    spotopt__arena_init(&zones->arena, context);
    spotopt__map_init(&zones->by_id, context);
    if (list != NULL && list[0] != '\0')
        status = read_list(zones, list, err);
    if (status == SPOTOPT_OK && map != NULL && map[0] != '\0')
        status = read_map(zones, map, err);
    return status;
}

void
spotopt__zones_free(spotopt__zones *zones)
{
    spotopt__vec_free(zones->context, &zones->zones);
    spotopt__vec_free(zones->context, &zones->names);
    spotopt__map_free(&zones->by_id);
    spotopt__arena_free(&zones->arena);
}

const char *
spotopt__zones_name(const spotopt__zones *zones, const char *zone)
{
    uint32_t found = spotopt__map_get(&zones->by_id, zone);

    return found == SPOTOPT__NONE ? zone : zones->names.at[found];
}
