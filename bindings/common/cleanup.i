/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/cleanup.h. */

%rename(Inventory) spotopt_inventory;
%nodefaultctor spotopt_inventory;
%newobject spotopt_inventory::from_text;
typedef struct {} spotopt_inventory;
%extend spotopt_inventory {
    ~spotopt_inventory() { spotopt_inventory_free($self); }
    /** Read an Inventory document. */
    static spotopt_inventory *from_text(const char *text, size_t length, const char *name,
                                        spotopt_error *err)
    {
        spotopt_inventory *made = NULL;
        return spotopt_inventory_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
}

%rename(Cleanup) spotopt_cleanup;
%nodefaultctor spotopt_cleanup;
%newobject spotopt_cleanup::find_of;
typedef struct {} spotopt_cleanup;
%extend spotopt_cleanup {
    ~spotopt_cleanup() { spotopt_cleanup_free($self); }
    /** Look for what can go. */
    static spotopt_cleanup *find_of(const spotopt_inventory *inventory,
                                    const spotopt_ledger *ledger_or_null, int32_t part,
                                    int64_t now_ms, double min_age_days,
                                    const char *const *allow_names, size_t allow_count,
                                    const char *const *tag_names, size_t tag_count,
                                    spotopt_error *err)
    {
        spotopt_cleanup_params params = SPOTOPT_CLEANUP_PARAMS_INIT;
        spotopt_cleanup *made = NULL;

        params.part = part;
        params.now_ms = now_ms;
        params.min_age_days = min_age_days;
        params.allow = allow_names;
        params.allow_count = allow_count;
        params.owner_tags = tag_names;
        params.owner_tag_count = tag_count;
        return spotopt_cleanup_find(inventory, ledger_or_null, &params, &made, err) < 0 ? NULL
                                                                                       : made;
    }
    /** The number of items. */
    size_t count();
    /** The CleanupReport document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
    /** The rows with which items are flagged, approved or dismissed. */
    spotopt_status step_of(int32_t state, int32_t is_all, const char *const *id_names,
                           size_t id_count, const char *author, const char *reason,
                           int64_t time_ms, char **out_text, size_t *out_length,
                           spotopt_error *err)
    {
        static const char *const none[] = {""};

        return spotopt_cleanup_step($self, state,
                                    is_all ? NULL : id_count > 0 ? id_names : none,
                                    is_all ? 0 : id_count, author, reason, time_ms, out_text,
                                    out_length, err);
    }
}
