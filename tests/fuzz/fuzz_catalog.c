/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a catalog, table or document. What is read must hold what others rely on: amounts
 * within capacity, prices and scores in range, unique ids; a refusal must come as one line.
 */
#include <stdlib.h>
#include <string.h>

#include "model/catalog.h"
#include "spotopt/risk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static void
check(const spotopt_catalog *catalog)
{
    spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;

    NEED(catalog->is_sealed && catalog->placement_score_max >= 1.0);
    for (size_t i = 0; i < catalog->types.count; i++) {
        const spotopt__type *type = &catalog->types.at[i];

        NEED(spotopt__map_get(&catalog->type_by_name, type->name) == i);
        NEED(!(type->on_demand_usd_per_h < 0.0) && !(type->coremark_per_s < 0.0));
        for (uint32_t r = 0; r < catalog->resources.count; r++) {
            int64_t all = type->capacity.of[r], some = type->allocatable.of[r];
            NEED(all == SPOTOPT__AMOUNT_UNKNOWN || (some >= 0 && some <= all));
        }
        for (uint32_t k = 1; k < type->labels.count; k++)
            NEED(strcmp(type->labels.at[k - 1].key, type->labels.at[k].key) < 0);
    }
    for (size_t i = 0; i < catalog->pools.count; i++) {
        const spotopt__pool *pool = &catalog->pools.at[i];

        NEED(pool->type < catalog->types.count);
        NEED(spotopt__map_get(&catalog->pool_by_id, pool->id) == i);
        NEED(isnan(pool->usd_per_h) ||
             (pool->usd_per_h >= 0.0 && pool->usd_per_h <= SPOTOPT__PRICE_MAX));
        NEED(isnan(pool->placement_score) || pool->placement_score <= catalog->placement_score_max);
        NEED(pool->advisor_bucket >= -1 && pool->advisor_bucket <= 4);
        NEED(spotopt_catalog_pool_at(catalog, i, &info, NULL) == SPOTOPT_OK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_catalog_params params = SPOTOPT_CATALOG_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_catalog *catalog = NULL;
    spotopt_risk *risk = NULL;
    spotopt_status status;

    params.zones = "a,b";
    params.zone_map = "z1=a";
    status = spotopt_catalog_parse(NULL, (const char *)data, size, "f", &params, &catalog, &err);
    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && catalog == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    check(catalog);
    NEED(spotopt_risk_score(NULL, catalog, NULL, 0.0, NULL, &risk, NULL) == SPOTOPT_OK);
    spotopt_risk_free(risk);
    spotopt_catalog_free(catalog);
    return 0;
}
