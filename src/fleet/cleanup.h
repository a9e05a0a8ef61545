/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_FLEET_CLEANUP_H
#define SPOTOPT_FLEET_CLEANUP_H
#include "model/inventory.h"
#include "model/ledger.h"

#define SPOTOPT__EVIDENCE 8

typedef struct spotopt__found {
    const char *id, *what, *lost;
    const char *evidence[SPOTOPT__EVIDENCE];
    uint32_t evidence_count;
    double usd_per_month;
    int64_t first_seen_ms;
    int32_t state;
} spotopt__found;

struct spotopt_cleanup {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(spotopt__found) items; /* dearest first */
    int32_t part;
    int64_t now_ms;
};

spotopt_status spotopt__find_instances(spotopt_cleanup *cleanup, const spotopt_inventory *inventory,
                                       const spotopt_ledger *ledger,
                                       const spotopt_cleanup_params *params, spotopt_error *err);
spotopt_status spotopt__find_storage(spotopt_cleanup *cleanup, const spotopt_inventory *inventory,
                                     const spotopt_cleanup_params *params, spotopt_error *err);
/* Whether the caller's globs cover an id, a name or a type. */
bool spotopt__is_allowed(const spotopt_cleanup_params *params, const spotopt__thing *thing,
                         const char *type);
/* printf into the clean-up's texts; NULL: no memory. No %f %g %e. */
const char *spotopt__cleanup_text(spotopt_cleanup *cleanup, const char *format, ...)
    SPOTOPT_PRINTF(2, 3);

#endif
