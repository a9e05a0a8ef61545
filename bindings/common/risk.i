/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/risk.h. */

enum {
    SPOTOPT_RISK_PRIOR = 1,
    SPOTOPT_RISK_EVIDENCE = 2,
    SPOTOPT_RISK_HAZARD = 4,
    SPOTOPT_RISK_COLD = 16,
    SPOTOPT_RISK_STALE = 32,
    SPOTOPT_RISK_NONE = 64,
    SPOTOPT_RISK_FALLBACK = 128,
    SPOTOPT_RISK_DRIFT = 256
};

%rename(Risk) spotopt_risk;
%nodefaultctor spotopt_risk;
%newobject spotopt_risk::score_of;
typedef struct {} spotopt_risk;
%extend spotopt_risk {
    ~spotopt_risk() { spotopt_risk_free($self); }
    /** Forecast every pool of a catalog, or of a history; the other, model and options may be null. */
    static spotopt_risk *score_of(const spotopt_catalog *catalog, const spotopt_history *history,
                                  const spotopt_model *model, double now_s,
                                  const spotopt_options *options, spotopt_error *err)
    {
        spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
        spotopt_risk *made = NULL;

        params.catalog = catalog;
        params.history = history;
        params.model = model;
        params.now_s = now_s;
        return spotopt_risk_score_with(NULL, &params, options, &made, err) < 0 ? NULL : made;
    }
    /** The number of pools. */
    size_t count();
    /** A pool's id. */
    const char *pool_id(size_t pool);
    /** One pool's forecast for one horizon in hours. */
    spotopt_status at(size_t pool, double horizon_h, spotopt_forecast *out, spotopt_error *err);
    /** p_H, low and high of every pool as columns; low and high may be null. */
    spotopt_status columns_of(double horizon_h, double *out_p, size_t p_count, double *out_low,
                              size_t low_count, double *out_high, size_t high_count,
                              spotopt_error *err)
    {
        if (out_low != NULL && low_count != p_count)
            return spotopt_swig_lengths(err, "out_low", low_count, "out_p", p_count);
        if (out_high != NULL && high_count != p_count)
            return spotopt_swig_lengths(err, "out_high", high_count, "out_p", p_count);
        return spotopt_risk_columns($self, horizon_h, out_p, out_low, out_high, p_count, err);
    }
    /** The chance that a pool loses any node, as columns_of() gives that of a node. */
    spotopt_status drop_columns_of(double horizon_h, double *out_p, size_t p_count, double *out_low,
                                   size_t low_count, double *out_high, size_t high_count,
                                   spotopt_error *err)
    {
        if (out_low != NULL && low_count != p_count)
            return spotopt_swig_lengths(err, "out_low", low_count, "out_p", p_count);
        if (out_high != NULL && high_count != p_count)
            return spotopt_swig_lengths(err, "out_high", high_count, "out_p", p_count);
        return spotopt_risk_drop_columns($self, horizon_h, out_p, out_low, out_high, p_count, err);
    }
    /** What each feature, and then the evidence, adds to log-odds between out_base and out_total. */
    spotopt_status explain(size_t pool, double horizon_h, double *out_contributions,
                           size_t contribution_count, double *out_base, double *out_total,
                           spotopt_error *err);
    /** The RiskForecast document. */
    spotopt_status write(const double *horizons_h, size_t horizon_count, char **out_text,
                         size_t *out_length, spotopt_error *err);
}
