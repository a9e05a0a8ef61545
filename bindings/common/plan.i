/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/plan.h. */

%rename(Plan) spotopt_plan;
%nodefaultctor spotopt_plan;
%newobject spotopt_plan::make_of;
typedef struct {} spotopt_plan;
%extend spotopt_plan {
    ~spotopt_plan() { spotopt_plan_free($self); }
    /** Decide; policy, history, metrics, model and options may be null. */
    static spotopt_plan *make_of(const spotopt_cluster *cluster, const spotopt_catalog *catalog,
                                 const spotopt_policy *policy, const spotopt_history *history,
                                 const spotopt_metrics *metrics, const spotopt_model *model,
                                 double now_s, const spotopt_options *options, spotopt_error *err)
    {
        spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;
        spotopt_plan *made = NULL;

        params.cluster = cluster;
        params.catalog = catalog;
        params.policy = policy;
        params.history = history;
        params.metrics = metrics;
        params.model = model;
        params.now_s = now_s;
        return spotopt_plan_make(NULL, &params, options, &made, err) < 0 ? NULL : made;
    }
    /** What the plan comes to. */
    spotopt_status summarize(spotopt_plan_summary *out, spotopt_error *err);
    /** The Plan document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
    /** Judge a Plan document from the inputs alone; the report has a line for each fault. */
    static spotopt_status check_of(const spotopt_cluster *cluster, const spotopt_catalog *catalog,
                                   const spotopt_policy *policy, const spotopt_history *history,
                                   const spotopt_metrics *metrics, const spotopt_model *model,
                                   double now_s, const char *text, size_t length,
                                   const char *name, char **out_text, size_t *out_length,
                                   spotopt_error *err)
    {
        spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;
        size_t faults = 0; /* the report has as many lines */
        spotopt_status status;

        params.cluster = cluster;
        params.catalog = catalog;
        params.policy = policy;
        params.history = history;
        params.metrics = metrics;
        params.model = model;
        params.now_s = now_s;
        status = spotopt_plan_check(NULL, &params, text, length, name, &faults, out_text, err);
        *out_length = status < 0 || *out_text == NULL ? 0 : strlen(*out_text);
        return status;
    }
}
