/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_IO_ZONES_H
#define SPOTOPT_IO_ZONES_H
#include "base/base.h"

/* What a caller says of zones: "a,b,c", and "use1-az2=us-east-1a,..." from ids to names. */
typedef struct spotopt__zones {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(const char *) zones;
    spotopt__vec(const char *) names; /* by the map's numbers */
    spotopt__map by_id;
} spotopt__zones;

/* Either text may be NULL. SPOTOPT_E_ARGUMENT: one cannot be read. Give back with _free() also after a failure. */
spotopt_status spotopt__zones_init(spotopt__zones *zones, spotopt_context *context, const char *list,
                                   const char *map, spotopt_error *err);
void spotopt__zones_free(spotopt__zones *zones);
/* The name of a zone that is given by id or by name. */
const char *spotopt__zones_name(const spotopt__zones *zones, const char *zone);

#endif
