/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/catalog.h. */

%rename(Catalog) spotopt_catalog;
%nodefaultctor spotopt_catalog;
%newobject spotopt_catalog::from_text;
typedef struct {} spotopt_catalog;
%extend spotopt_catalog {
    ~spotopt_catalog() { spotopt_catalog_free($self); }
    /** Read a catalog, CSV or JSON; zones and zone_map may be null. */
    static spotopt_catalog *from_text(const char *text, size_t length, const char *name,
                                      const char *zones, const char *zone_map, spotopt_error *err)
    {
        spotopt_catalog_params params = SPOTOPT_CATALOG_PARAMS_INIT;
        spotopt_catalog *made = NULL;

        params.zones = zones;
        params.zone_map = zone_map;
        return spotopt_catalog_parse(NULL, text, length, name, &params, &made, err) < 0 ? NULL
                                                                                        : made;
    }
    /** The number of pools. */
    size_t count();
    /** What a pool is. */
    spotopt_status pool_at(size_t index, spotopt_pool_info *out, spotopt_error *err);
    /** Copy the price of every pool, USD per hour, NaN where unknown, in pool order. */
    spotopt_status prices(double *out_usd_per_hour, size_t count, spotopt_error *err);
    /** Set the price of every pool, in order; on failure nothing was changed. */
    spotopt_status set_prices(const double *usd_per_hour, size_t count, spotopt_error *err);
}
