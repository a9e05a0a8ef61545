/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resources.c - the table of resource names that amounts are indexed by.
 *
 * At most SPOTOPT__RESOURCES_MAX names, so that amounts are plain arrays and a search is a short walk.
 */
#include "model/resources.h"

void
spotopt__resources_init(spotopt__resources *resources)
{
    memset(resources, 0, sizeof *resources);
    resources->name[SPOTOPT__CPU] = "cpu";
    resources->name[SPOTOPT__MEMORY] = "memory";
    resources->name[SPOTOPT__PODS] = "pods";
    resources->name[SPOTOPT__STORAGE] = "ephemeral-storage";
    resources->count = SPOTOPT__RESOURCES_FIXED;
}

uint32_t
spotopt__resources_find(const spotopt__resources *resources, const char *name)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        if (strcmp(resources->name[i], name) == 0)
            return i;
    }
    return SPOTOPT__NONE;
}

uint32_t
spotopt__resources_add(spotopt__resources *resources, spotopt__arena *arena, const char *name)
{
    uint32_t at = spotopt__resources_find(resources, name);
    const char *copy;

    if (at != SPOTOPT__NONE || resources->count == SPOTOPT__RESOURCES_MAX)
        return at;
    copy = spotopt__arena_text(arena, name, strlen(name));
    if (copy == NULL)
        return SPOTOPT__NONE;
    resources->name[resources->count] = copy;
    return resources->count++;
}
