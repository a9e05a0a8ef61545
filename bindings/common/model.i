/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/model.h. */

%rename(Model) spotopt_model;
%nodefaultctor spotopt_model;
%newobject spotopt_model::from_text;
%newobject spotopt_model::fit_of;
typedef struct {} spotopt_model;
%extend spotopt_model {
    ~spotopt_model() { spotopt_model_free($self); }
    /** Read a Model document. */
    static spotopt_model *from_text(const char *text, size_t length, const char *name,
                                    spotopt_error *err)
    {
        spotopt_model *made = NULL;
        return spotopt_model_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** Fit a model to a history; catalog, id and options may be null. */
    static spotopt_model *fit_of(const spotopt_history *history, const spotopt_catalog *catalog,
                                 double from_s, double to_s, double calibrate_to_s, double step_s,
                                 double ridge, uint32_t is_isotonic, uint32_t is_free,
                                 uint32_t is_availability, const char *id,
                                 const spotopt_options *options, spotopt_error *err)
    {
        spotopt_model_fit_params params = SPOTOPT_MODEL_FIT_PARAMS_INIT;
        spotopt_model *made = NULL;

        params.catalog = catalog;
        params.from_s = from_s;
        params.to_s = to_s;
        params.calibrate_to_s = calibrate_to_s;
        params.step_s = step_s;
        params.ridge = ridge;
        params.is_isotonic = is_isotonic;
        params.is_free = is_free;
        params.is_availability = is_availability;
        params.id = id;
        return spotopt_model_fit(NULL, history, &params, options, &made, err) < 0 ? NULL : made;
    }
    /** What the model was made of. */
    spotopt_status card_get(spotopt_model_card *out, spotopt_error *err);
    /** A number of the card. */
    spotopt_status metric_at(size_t index, spotopt_model_metric *out, spotopt_error *err);
    /** A feature of the model. */
    spotopt_status feature_at(size_t index, spotopt_model_feature *out, spotopt_error *err);
    /** The Model document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
}
