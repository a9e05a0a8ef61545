/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/lifetime.h. */

%rename(Lifetime) spotopt_lifetime;
%nodefaultctor spotopt_lifetime;
%newobject spotopt_lifetime::fit_of;
typedef struct {} spotopt_lifetime;
%extend spotopt_lifetime {
    ~spotopt_lifetime() { spotopt_lifetime_free($self); }
    /** Fit to nodes; start_age_h, group and block may be null. */
    static spotopt_lifetime *fit_of(const double *age_h, size_t age_count, const uint32_t *reclaimed,
                                    size_t reclaimed_count, const double *start_age_h,
                                    size_t start_count, const uint32_t *group, size_t group_count,
                                    const uint32_t *block, size_t block_count, spotopt_error *err)
    {
        spotopt_lifetime_params params = SPOTOPT_LIFETIME_PARAMS_INIT;
        spotopt_lifetime *made = NULL;

        if (reclaimed_count != age_count)
            return spotopt_swig_lengths(err, "reclaimed", reclaimed_count, "age_h", age_count), NULL;
        if (start_age_h != NULL && start_count != age_count)
            return spotopt_swig_lengths(err, "start_age_h", start_count, "age_h", age_count), NULL;
        if (group != NULL && group_count != age_count)
            return spotopt_swig_lengths(err, "group", group_count, "age_h", age_count), NULL;
        if (block != NULL && block_count != age_count)
            return spotopt_swig_lengths(err, "block", block_count, "age_h", age_count), NULL;
        params.count = age_count;
        params.age_h = age_h;
        params.reclaimed = reclaimed;
        params.start_age_h = start_age_h;
        params.group = group;
        params.block = block;
        return spotopt_lifetime_fit(NULL, &params, &made, err) < 0 ? NULL : made;
    }
    /** Chances and their quantiles for nodes of stated ages; group may be null. */
    spotopt_status ages_of(const double *age_h, size_t age_count, const uint32_t *group,
                           size_t group_count, double horizon_h, double *out_p, size_t p_count,
                           double *out_low, size_t low_count, double *out_high, size_t high_count,
                           spotopt_error *err)
    {
        if (group != NULL && group_count != age_count)
            return spotopt_swig_lengths(err, "group", group_count, "age_h", age_count);
        if (p_count != age_count || low_count != age_count || high_count != age_count)
            return spotopt_swig_lengths(err, "an output", p_count, "age_h", age_count);
        return spotopt_lifetime_columns($self, age_h, group, age_count, horizon_h, out_p, out_low,
                                        out_high, err);
    }
}
