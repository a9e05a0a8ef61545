/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/experiment.h. A comparison's numbers travel as its document. */

%rename(_assign) spotopt_swig_assign;
%inline %{
/** The arm of a unit, as its index: by a hash of salt and unit, in proportion to weights. */
static uint32_t
spotopt_swig_assign(const char *salt, const char *unit, const double *weights, size_t weight_count,
                    spotopt_error *err)
{
    uint32_t arm = 0;

    return spotopt_experiment_assign(salt, unit, weights, (uint32_t)weight_count, &arm, err) < 0
               ? 0
               : arm;
}
%}

%rename(Experiment) spotopt_experiment;
%nodefaultctor spotopt_experiment;
%newobject spotopt_experiment::from_text;
typedef struct {} spotopt_experiment;
%extend spotopt_experiment {
    ~spotopt_experiment() { spotopt_experiment_free($self); }
    /** Read a table of measurements. */
    static spotopt_experiment *from_text(const char *text, size_t length, const char *name,
                                         spotopt_error *err)
    {
        spotopt_experiment *made = NULL;
        return spotopt_experiment_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** The number of metrics. */
    size_t metric_count();
    /** A metric's name. */
    const char *metric(size_t metric);
    /** The ExperimentReport document: all metrics, or one, or a rate. */
    spotopt_status report_of(const char *control, const char *treatment, const char *metric,
                             const char *exposure, double alpha, double share, double effect_frac,
                             double mixture, int32_t higher_is_better, char **out_text,
                             size_t *out_length, spotopt_error *err)
    {
        spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;

        params.control = control;
        params.treatment = treatment;
        params.metric = metric;
        params.exposure = exposure;
        params.alpha = alpha;
        params.share = share;
        params.effect_frac = effect_frac;
        params.mixture = mixture;
        params.higher_is_better = higher_is_better;
        return spotopt_experiment_write($self, &params, out_text, out_length, err);
    }
    /** The CanaryReport document; one column item a metric. */
    spotopt_status canary_of(const char *control, const char *treatment, double alpha,
                             const char *const *metric_names, size_t metric_count,
                             const double *weights, size_t weight_count, const double *tolerances,
                             size_t tolerance_count, const uint32_t *directions,
                             size_t direction_count, const uint32_t *criticals,
                             size_t critical_count, double pass_score, char **out_text,
                             size_t *out_length, spotopt_error *err)
    {
        spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
        spotopt_canary_metric metrics[64];

        if (metric_count > 64)
            return spotopt_swig_lengths(err, "metrics", metric_count, "this call takes", 64);
        if (weight_count != metric_count || tolerance_count != metric_count ||
            direction_count != metric_count || critical_count != metric_count)
            return spotopt_swig_lengths(err, "weights", weight_count, "metrics", metric_count);
        params.control = control;
        params.treatment = treatment;
        params.alpha = alpha;
        for (size_t i = 0; i < metric_count; i++) {
            metrics[i] = (spotopt_canary_metric)SPOTOPT_CANARY_METRIC_INIT;
            metrics[i].metric = metric_names[i];
            metrics[i].weight = weights[i];
            metrics[i].tolerance_frac = tolerances[i];
            metrics[i].direction = (int32_t)directions[i];
            metrics[i].is_critical = criticals[i] != 0;
        }
        return spotopt_experiment_write_canary($self, &params, metrics, metric_count, pass_score,
                                               out_text, out_length, err);
    }
}
