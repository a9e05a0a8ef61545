/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/evaluation.h. */

%rename(Evaluation) spotopt_evaluation;
%nodefaultctor spotopt_evaluation;
%newobject spotopt_evaluation::of_columns_of;
%newobject spotopt_evaluation::judge_of;
typedef struct {} spotopt_evaluation;
%extend spotopt_evaluation {
    ~spotopt_evaluation() { spotopt_evaluation_free($self); }
    /** Judge columns: forecasts after one another, each horizon after horizon; pool and reference may be null. */
    static spotopt_evaluation *of_columns_of(const double *time_s, size_t time_count,
                                             const uint32_t *pool, size_t pool_count,
                                             const double *horizons_h, size_t horizon_count,
                                             const double *label, size_t label_count,
                                             const double *forecast, size_t forecast_count,
                                             const double *reference, size_t reference_count,
                                             const char *const *forecast_names, size_t name_count,
                                             uint32_t draws, uint64_t seed, spotopt_error *err)
    {
        spotopt_evaluation_columns columns = SPOTOPT_EVALUATION_COLUMNS_INIT;
        spotopt_evaluation *made = NULL;
        size_t each = time_count * horizon_count;

        if (pool != NULL && pool_count != time_count)
            return spotopt_swig_lengths(err, "pool", pool_count, "time_s", time_count), NULL;
        if (label_count != each)
            return spotopt_swig_lengths(err, "label", label_count, "time_s at every horizon", each), NULL;
        if (forecast_count != each * name_count)
            return spotopt_swig_lengths(err, "forecast", forecast_count, "labels for every name", each * name_count), NULL;
        if (reference != NULL && reference_count != horizon_count)
            return spotopt_swig_lengths(err, "reference", reference_count, "horizons_h", horizon_count), NULL;
        if (horizon_count > UINT32_MAX || name_count > UINT32_MAX)
            return spotopt_swig_lengths(err, "horizons_h", horizon_count, "a call takes", 16), NULL;
        columns.count = time_count;
        columns.time_s = time_s;
        columns.pool = pool;
        columns.horizons_h = horizons_h;
        columns.horizon_count = (uint32_t)horizon_count;
        columns.label = label;
        columns.forecast = forecast;
        columns.forecast_count = (uint32_t)name_count;
        columns.names = forecast_names;
        columns.reference = reference;
        columns.draws = draws;
        columns.seed = seed;
        return spotopt_evaluation_of_columns(NULL, &columns, &made, err) < 0 ? NULL : made;
    }
    /** Judge on a history: up to two Model documents, or null ones, and baselines. */
    static spotopt_evaluation *judge_of(const spotopt_history *history, const spotopt_catalog *catalog,
                                        const char *text_or_null, size_t length,
                                        const char *other_or_null, size_t other_length,
                                        double from_s, double to_s, double step_s,
                                        double fit_from_s, double fit_to_s,
                                        const double *horizons_h, size_t horizon_count,
                                        const double *reference, size_t reference_count,
                                        const char *pool_or_null, uint32_t draws, uint64_t seed,
                                        spotopt_error *err)
    {
        spotopt_evaluation_params params = SPOTOPT_EVALUATION_PARAMS_INIT;
        spotopt_model *models[2] = {NULL, NULL};
        spotopt_evaluation *made = NULL;
        spotopt_status status = SPOTOPT_OK;

        if (reference != NULL && reference_count != horizon_count)
            return spotopt_swig_lengths(err, "reference", reference_count, "horizons_h", horizon_count), NULL;
        if (horizon_count > UINT32_MAX)
            return spotopt_swig_lengths(err, "horizons_h", horizon_count, "a call takes", 16), NULL;
        if (text_or_null != NULL)
            status = spotopt_model_parse(NULL, text_or_null, length, "model", &models[0], err);
        if (status == SPOTOPT_OK && other_or_null != NULL)
            status = spotopt_model_parse(NULL, other_or_null, other_length, "against", &models[1], err);
        params.history = history;
        params.catalog = catalog;
        params.models = (const spotopt_model *const *)models;
        params.model_count = (models[0] != NULL) + (models[0] != NULL && models[1] != NULL);
        params.from_s = from_s;
        params.to_s = to_s;
        params.step_s = step_s;
        params.fit_from_s = fit_from_s;
        params.fit_to_s = fit_to_s;
        params.horizons_h = horizons_h;
        params.horizon_count = (uint32_t)horizon_count;
        params.reference = reference;
        params.pool = pool_or_null;
        params.draws = draws;
        params.seed = seed;
        if (status == SPOTOPT_OK)
            status = spotopt_evaluate(NULL, &params, NULL, &made, err);
        spotopt_model_free(models[0]);
        spotopt_model_free(models[1]);
        return status < 0 ? NULL : made;
    }
    /** The number of moments. */
    size_t count();
    /** The number of forecasts. */
    uint32_t forecast_count();
    /** The name of a forecast. */
    const char *forecast_name(uint32_t forecast);
    /** The number of horizons. */
    uint32_t horizon_count();
    /** Hours of a horizon. */
    double horizon_at(uint32_t horizon);
    /** How good a forecast was at a horizon. */
    spotopt_status at(uint32_t forecast, uint32_t horizon, spotopt_judgement *out, spotopt_error *err);
    /** The reliability curve: moments in a bin, their mean forecast, their share of drops. */
    spotopt_status curve_of(uint32_t forecast, uint32_t horizon, double *out_rows, size_t rows_count,
                            double *out_forecast, size_t out_forecast_count, double *out_seen,
                            size_t seen_count, spotopt_error *err)
    {
        if (out_forecast_count != rows_count || seen_count != rows_count)
            return spotopt_swig_lengths(err, "an output", seen_count, "out_rows", rows_count);
        return spotopt_evaluation_curve($self, forecast, horizon, out_rows, out_forecast, out_seen,
                                        rows_count, err);
    }
    /** When, what was said and what came, as columns. */
    spotopt_status rows_of(uint32_t forecast, uint32_t horizon, double *out_time_s,
                           size_t time_s_count, double *out_p, size_t p_count, double *out_label,
                           size_t label_count, spotopt_error *err)
    {
        if (p_count != time_s_count || label_count != time_s_count)
            return spotopt_swig_lengths(err, "an output", label_count, "out_time_s", time_s_count);
        return spotopt_evaluation_rows($self, forecast, horizon, NULL, out_time_s, out_p, out_label,
                                       time_s_count, err);
    }
    /** One forecast against another at a horizon. */
    spotopt_status compare(uint32_t forecast, uint32_t other, uint32_t horizon,
                           spotopt_skill_gain *out, spotopt_error *err);
    /** Whether a forecast may take the place of another: every condition, as JSON. */
    spotopt_status gate_of(uint32_t forecast, uint32_t other, char **out_text, size_t *out_length,
                           spotopt_error *err)
    {
        int32_t passed;
        return spotopt_evaluation_gate($self, forecast, other, &passed, out_text, out_length, err);
    }
    /** The RiskEvaluation document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
    /** All of one forecast, as CSV. */
    spotopt_status write_predictions(uint32_t forecast, char **out_text, size_t *out_length,
                                     spotopt_error *err);
}
