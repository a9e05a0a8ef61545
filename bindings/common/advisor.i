/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/advisor.h. */

%inline %{
/* Chances of the five buckets, row by row, and their median; an unknown bucket is the largest number. */
static spotopt_status
spotopt_advisor_predict_of(const char *const *instance_types, size_t type_count,
                           const char *const *regions, size_t region_count,
                           const uint32_t *buckets, size_t bucket_count, double *out_bucket,
                           size_t out_count, double *out_probability, size_t probability_count,
                           spotopt_error *err)
{
    int32_t *known = NULL, *made = NULL;
    spotopt_status status;

    if (region_count != type_count)
        return spotopt_swig_lengths(err, "regions", region_count, "instance_types", type_count);
    if (bucket_count != type_count)
        return spotopt_swig_lengths(err, "buckets", bucket_count, "instance_types", type_count);
    if (out_count != type_count || probability_count != 5 * type_count)
        return spotopt_swig_lengths(err, "an output", out_count, "instance_types", type_count);
    known = (int32_t *)malloc((type_count + 1) * sizeof *known);
    made = (int32_t *)malloc((type_count + 1) * sizeof *made);
    for (size_t i = 0; known != NULL && i < type_count; i++)
        known[i] = buckets[i] > INT32_MAX ? -1 : (int32_t)buckets[i];
    if (known == NULL || made == NULL) {
        err->status = status = SPOTOPT_E_NOMEM;
        snprintf(err->message, sizeof err->message, "no memory for %zu buckets", type_count);
    } else {
        status = spotopt_advisor_predict(NULL, instance_types, regions, known, type_count, made,
                                         out_probability, err);
    }
    for (size_t i = 0; status == SPOTOPT_OK && i < type_count; i++)
        out_bucket[i] = made[i];
    free(known);
    free(made);
    return status;
}
%}
