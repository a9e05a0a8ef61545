/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_reader.c - tells a catalog's format by its first byte and seals what was read.
 */
#include "model/catalog.h"

static bool
is_json(const char *text, size_t length)
{
    size_t at = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    while (at < length &&
           (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
        at++;
    return at < length && (text[at] == '{' || text[at] == '[');
}

spotopt_status
spotopt_catalog_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      const spotopt_catalog_params *params, spotopt_catalog **out,
                      spotopt_error *err)
{
    spotopt_catalog_params p = SPOTOPT_CATALOG_PARAMS_INIT;
    spotopt_catalog *catalog = NULL;
    spotopt_status status = SPOTOPT_OK;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    if (params != NULL)
        status = spotopt__copy_in(&p, sizeof p, params, "params", err);
    if (status == SPOTOPT_OK)
        status = spotopt__catalog_new(context, &catalog, err);
    if (status != SPOTOPT_OK)
        return status;
    if (name == NULL)
        name = "catalog";
    if (is_json(text, length))
        status = spotopt__catalog_read_json(catalog, text, length, name, p.zone_map, err);
    else
        status = spotopt__catalog_read_csv(catalog, text, length, name, p.zones, p.zone_map, err);
    if (status != SPOTOPT_OK) {
        spotopt_catalog_free(catalog);
        return status;
    }
    spotopt__sha256_hex(text, length, catalog->sha256);
    spotopt__catalog_seal(catalog);
    *out = catalog;
    return SPOTOPT_OK;
}
