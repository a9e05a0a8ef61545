/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python.i - typemaps: how errors, texts, columns and structs travel between C and Python.
 *
 * The work is done in support.c. Structs come out as tuples, which methods.i names.
 */
%{
#include "support.h"
%}

/* The interpreter's lock is kept, but in what takes time: see %thread in methods.i. */
%nothread;

/* ---- errors ---- */
%typemap(out) spotopt_status { (void)$1; $result = SWIG_Py_Void(); }
%typemap(in, numinputs=0) spotopt_error *err (spotopt_error e = SPOTOPT_ERROR_INIT) { $1 = &e; }
%typemap(argout) spotopt_error *err {
    if ($1->status < 0) {
        Py_CLEAR($result);
        spotopt_py_raise($1->status, $1->message);
        SWIG_fail;
    }
}
%typemap(check) SWIGTYPE *self {
    if ($1 == NULL)
        SWIG_exception_fail(SWIG_TypeError, "self is None; want an object");
}

/* What a long call gives; an exception that its progress callback left goes first. */
%define spotopt_long_result(TYPE)
%typemap(out) TYPE * {
    if (PyErr_Occurred() != NULL) {
        TYPE##_free($1);
        SWIG_fail;
    }
    $result = SWIG_NewPointerObj(SWIG_as_voidptr($1), $1_descriptor, $owner | %newpointer_flags);
}
%enddef

/* ---- texts ---- */
%typemap(in) (const char *text, size_t length) (spotopt_py_text held) {
    if (spotopt_py_text_take($input, &held) < 0)
        SWIG_fail;
    $1 = (char *)held.text;
    $2 = held.length;
}
%typemap(arginit) (const char *text, size_t length) { held$argnum.owner = NULL; }
%typemap(freearg) (const char *text, size_t length) { spotopt_py_text_drop(&held$argnum); }

%typemap(in) (const char *text_or_null, size_t length) (spotopt_py_text held) {
    if ($input != Py_None && spotopt_py_text_take($input, &held) < 0)
        SWIG_fail;
    $1 = (char *)held.text;
    $2 = held.length;
}
%typemap(arginit) (const char *text_or_null, size_t length) {
    memset(&held$argnum, 0, sizeof held$argnum);
}
%typemap(freearg) (const char *text_or_null, size_t length) { spotopt_py_text_drop(&held$argnum); }

%apply (const char *text_or_null, size_t length) { (const char *other_or_null, size_t other_length) }

%typemap(in, numinputs=0) (char **out_text, size_t *out_length) (char *text = NULL, size_t length = 0) {
    $1 = &text;
    $2 = &length;
}
%typemap(argout) (char **out_text, size_t *out_length) {
    $result = spotopt_py_append($result, spotopt_py_text_give(*$1, *$2));
}
%apply (char **out_text, size_t *out_length) { (char **text, size_t *length) }

%typemap(in) (const char *const *names, size_t count) (spotopt_py_names held) {
    if (spotopt_py_names_take($input, "$1_name", &held) < 0)
        SWIG_fail;
    $1 = ($1_ltype)held.names;
    $2 = held.count;
}
%typemap(arginit) (const char *const *names, size_t count) {
    memset(&held$argnum, 0, sizeof held$argnum);
}
%typemap(freearg) (const char *const *names, size_t count) { spotopt_py_names_drop(&held$argnum); }
%apply (const char *const *names, size_t count) {
    (const char *const *resource_names, size_t resource_count),
    (const char *const *nodes, size_t node_count),
    (const char *const *instance_types, size_t type_count),
    (const char *const *regions, size_t region_count),
    (const char *const *metric_names, size_t metric_count),
    (const char *const *forecast_names, size_t name_count)
}

/* ---- columns, lent uncopied; None lends a null pointer and 0 ---- */
%define spotopt_column(CTYPE, LEND)
%typemap(arginit) (CTYPE *column, size_t count) { memset(&view$argnum, 0, sizeof view$argnum); }
%typemap(in) (CTYPE *column, size_t count) (Py_buffer view) {
    if (LEND)
        SWIG_fail;
    $1 = ($1_ltype)view.buf;
    $2 = view.buf == NULL ? 0 : (size_t)view.shape[0];
}
%typemap(freearg) (CTYPE *column, size_t count) { PyBuffer_Release(&view$argnum); }
%enddef
spotopt_column(const double, spotopt_py_doubles($input, "$1_name", 0, &view) < 0)
spotopt_column(double, spotopt_py_doubles($input, "$1_name", 1, &view) < 0)
spotopt_column(const uint32_t, spotopt_py_indices($input, "$1_name", &view) < 0)
%apply (const double *column, size_t count) {
    (const double *usd_per_hour, size_t count), (const double *capacity, size_t capacity_count),
    (const double *request, size_t request_count), (const double *values, size_t value_count),
    (const double *vcpus, size_t vcpu_count), (const double *p_drop, size_t drop_count),
    (const double *p_node, size_t p_node_count), (const double *age_h, size_t age_count),
    (const double *start_age_h, size_t start_count),
    (const double *time_s, size_t time_count), (const double *horizons_h, size_t horizon_count),
    (const double *label, size_t label_count), (const double *forecast, size_t forecast_count),
    (const double *reference, size_t reference_count),
    (const double *weights, size_t weight_count), (const double *factors, size_t factor_count),
    (const double *tolerances, size_t tolerance_count)
}
%apply (double *column, size_t count) {
    (double *out_usd_per_hour, size_t count), (double *out_p, size_t p_count),
    (double *out_scores, size_t score_count), (double *out_pools, size_t pool_count),
    (double *out_contributions, size_t contribution_count),
    (double *out_low, size_t low_count), (double *out_high, size_t high_count),
    (double *out_mean, size_t mean_count), (double *out_variance, size_t variance_count),
    (double *out_cvar, size_t cvar_count), (double *fracs, size_t frac_count),
    (double *out_rows, size_t rows_count), (double *out_forecast, size_t out_forecast_count),
    (double *out_seen, size_t seen_count), (double *out_time_s, size_t time_s_count),
    (double *out_label, size_t label_count),
    (double *out_bucket, size_t out_count), (double *out_probability, size_t probability_count)
}
%apply (const uint32_t *column, size_t count) {
    (const uint32_t *pools, size_t pool_count), (const uint32_t *pool, size_t pool_count),
    (const uint32_t *demands, size_t demand_count),
    (const uint32_t *others, size_t other_count), (const uint32_t *nodes, size_t node_count),
    (const uint32_t *region, size_t region_count),
    (const uint32_t *buckets, size_t bucket_count),
    (const uint32_t *reclaimed, size_t reclaimed_count),
    (const uint32_t *group, size_t group_count), (const uint32_t *block, size_t block_count),
    (const uint32_t *directions, size_t direction_count),
    (const uint32_t *criticals, size_t critical_count)
}

/* ---- structs and numbers that come out ---- */
%define spotopt_out(TYPE, INIT, FORMAT, VALUES...)
%typemap(in, numinputs=0) TYPE *out (TYPE made = INIT) { $1 = &made; }
%typemap(argout) TYPE *out {
    const TYPE *is = $1;
    $result = spotopt_py_append($result, Py_BuildValue(FORMAT, VALUES));
}
%enddef
spotopt_out(double, 0.0, "d", *is)
spotopt_out(spotopt_option_info, SPOTOPT_OPTION_INFO_INIT, "(sssssddd)", is->key,
            is->type == SPOTOPT_OPT_INT ? "int" : "real", is->unit, is->since, is->help,
            is->default_value, is->min_value, is->max_value)
spotopt_out(spotopt_pool_info, SPOTOPT_POOL_INFO_INIT, "(sssssddd)", is->id, is->instance_type,
            is->zone, is->purchase, is->arch, is->usd_per_hour, is->cpu_cores, is->memory_mib)
spotopt_out(spotopt_forecast, SPOTOPT_FORECAST_INIT, "(dddddI)", is->p, is->low, is->high,
            is->events, is->hours, is->flags)
spotopt_out(spotopt_model_card, SPOTOPT_MODEL_CARD_INIT, "(ssssdddddKKKIII)", is->id, is->target,
            is->history_sha256, is->limits, is->from_s, is->to_s, is->calibrate_to_s, is->step_s,
            is->lost_share, (unsigned long long)is->rows, (unsigned long long)is->events,
            (unsigned long long)is->pools, is->feature_count, is->calibrator_count,
            is->metric_count)
spotopt_out(spotopt_model_metric, SPOTOPT_MODEL_METRIC_INIT, "(sdddd)", is->metric, is->horizon_h,
            is->value, is->low, is->high)
spotopt_out(spotopt_model_feature, SPOTOPT_MODEL_FEATURE_INIT, "(ssdddd)", is->name, is->group,
            is->mean, is->scale, is->beta, is->gamma)
spotopt_out(spotopt_portfolio_loss, SPOTOPT_PORTFOLIO_LOSS_INIT, "(ddddddddd)", is->mean_vcpus,
            is->variance_vcpus, is->mean_nodes, is->variance_nodes, is->p_at_least,
            is->quantile_vcpus, is->cvar_vcpus, is->cvar_error_vcpus, is->cell_vcpus)
spotopt_out(spotopt_judgement, SPOTOPT_JUDGEMENT_INIT, "(KddddddddddddddddII)",
            (unsigned long long)is->count, is->base_rate, is->reference, is->auc, is->auc_low,
            is->auc_high, is->within_pool_auc, is->brier, is->bss, is->bss_low, is->bss_high,
            is->ece, is->log_loss, is->reliability, is->resolution, is->uncertainty,
            is->within_bin, is->days, is->bin_count)
spotopt_out(spotopt_skill_gain, SPOTOPT_SKILL_GAIN_INIT, "(ddddd)", is->gain, is->low, is->high,
            is->brier_gain, is->better_frac)
spotopt_out(spotopt_packing_row, SPOTOPT_PACKING_ROW_INIT, "(IIIN)", is->pool, is->node, is->count,
            spotopt_py_counts(is->demands, is->replicas, is->hold_count))
spotopt_out(spotopt_packing_certificate, SPOTOPT_PACKING_CERTIFICATE_INIT, "(zNNNN)", is->proof,
            PyBool_FromLong((long)is->is_minimal),
            spotopt_py_counts(is->demands, is->replicas, is->demand_count),
            spotopt_py_list_of(is->rules, is->rule_count),
            spotopt_py_list_of(is->limits, is->limit_count))
spotopt_out(spotopt_packing_stats, SPOTOPT_PACKING_STATS_INIT, "(dddKIIN)", is->seconds,
            is->lp_seconds, is->pricing_seconds, (unsigned long long)is->work, is->columns,
            is->branch_nodes, PyBool_FromLong((long)is->cut_short))
spotopt_out(spotopt_plan_summary, SPOTOPT_PLAN_SUMMARY_INIT, "(dddddIIII)", is->before_usd_per_hour,
            is->after_usd_per_hour, is->on_demand_usd_per_hour, is->gross_saving_frac, is->gap,
            is->before_nodes, is->after_nodes, is->moves, is->pods_unplaced)
%typemap(in, numinputs=0) (uint32_t *out_pool, double *out_score) (uint32_t pool = 0, double score = 0.0) {
    $1 = &pool;
    $2 = &score;
}
%typemap(argout) (uint32_t *out_pool, double *out_score) {
    $result = spotopt_py_append($result, Py_BuildValue("(Id)", *$1, *$2));
}
%typemap(in, numinputs=0) uint32_t *out_demand (uint32_t demand = 0) { $1 = &demand; }
%typemap(argout) uint32_t *out_demand {
    $result = spotopt_py_append($result, PyLong_FromUnsignedLong(*$1));
}
%apply double *out { double *out_base, double *out_total }
spotopt_long_result(spotopt_risk)
spotopt_long_result(spotopt_model)
spotopt_long_result(spotopt_evaluation)
spotopt_long_result(spotopt_ranking)
spotopt_long_result(spotopt_packing)
spotopt_long_result(spotopt_drain)
spotopt_long_result(spotopt_simulation)
spotopt_long_result(spotopt_plan)
%typemap(check) const spotopt_evaluation *evaluation {
    if ($1 == NULL)
        SWIG_exception_fail(SWIG_TypeError, "evaluation is None; want an Evaluation");
}
%typemap(check) const spotopt_funnel *other {
    if ($1 == NULL)
        SWIG_exception_fail(SWIG_TypeError, "other is None; want a Funnel");
}

/* ---- progress ---- */
%extend spotopt_options {
    /* Borrows the callable, or None; methods.i keeps it. */
    void _watch(PyObject *callable)
    {
        spotopt_options_set_progress($self, spotopt_py_progress,
                                     callable == Py_None ? NULL : callable);
    }
}

%include "python/methods.i"
