/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/rank.h. */

%rename(Ranking) spotopt_ranking;
%nodefaultctor spotopt_ranking;
%newobject spotopt_ranking::rank_of;
typedef struct {} spotopt_ranking;
%extend spotopt_ranking {
    ~spotopt_ranking() { spotopt_ranking_free($self); }
    /** Rank every pool of a catalog for a request; all but it and the request may be null. */
    static spotopt_ranking *rank_of(const spotopt_catalog *catalog, const spotopt_history *history,
                                    const spotopt_metrics *metrics, const spotopt_policy *policy,
                                    const spotopt_model *model, const char *request,
                                    double now_s, uint32_t replicas, uint32_t top,
                                    const char *current, double current_since_s,
                                    uint32_t recent_moves, uint32_t is_noticed,
                                    const spotopt_options *options, spotopt_error *err)
    {
        spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
        spotopt_ranking *made = NULL;

        params.catalog = catalog;
        params.history = history;
        params.metrics = metrics;
        params.model = model;
        params.policy = policy;
        params.request = request;
        params.now_s = now_s;
        params.count = replicas;
        params.top = top;
        params.current = current;
        params.current_since_s = current_since_s;
        params.recent_moves = recent_moves;
        params.is_noticed = is_noticed;
        return spotopt_rank(NULL, &params, options, &made, err) < 0 ? NULL : made;
    }
    /** The number of pools that were ranked. */
    size_t count();
    /** Catalog index and score (0..100) of the pool at a place, best first. */
    spotopt_status at(size_t place, uint32_t *out_pool, double *out_score, spotopt_error *err);
    /** The Ranking document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
}

enum {
    SPOTOPT_SCORE_GEOMETRIC = 0,
    SPOTOPT_SCORE_ARITHMETIC = 1
};

%rename(_rank_scores) spotopt_rank_scores_of;
%rename(_rank_top) spotopt_rank_top_of;
%inline %{
/* Scores of pools (4 columns of factors) under profiles (rows of 4 weights). */
static spotopt_status
spotopt_rank_scores_of(const double *factors, size_t factor_count, const double *weights,
                       size_t weight_count, int32_t score, double *out_scores, size_t score_count,
                       spotopt_error *err)
{
    if (factor_count % 4 != 0 || weight_count % 4 != 0)
        return spotopt_swig_lengths(err, factor_count % 4 != 0 ? "factors" : "weights",
                                    factor_count % 4 != 0 ? factor_count : weight_count,
                                    "whole rows of 4", 4);
    if (score_count != factor_count / 4 * (weight_count / 4))
        return spotopt_swig_lengths(err, "out", score_count, "pools times profiles",
                                    factor_count / 4 * (weight_count / 4));
    return spotopt_rank_scores(factors, factor_count / 4, weights, weight_count / 4, score,
                               out_scores, err);
}

/* The best pools under one profile; columns of as many places as are wanted. */
static spotopt_status
spotopt_rank_top_of(const double *factors, size_t factor_count, const double *weights,
                    size_t weight_count, int32_t score, size_t reference, double *out_pools,
                    size_t pool_count, double *out_scores, size_t score_count,
                    double *out_contributions, size_t contribution_count, spotopt_error *err)
{
    uint32_t pools[SPOTOPT_RANK_TOP_MAX];
    spotopt_status status;

    if (weight_count != 4)
        return spotopt_swig_lengths(err, "weights", weight_count, "factors", 4);
    if (score_count != pool_count || contribution_count != 4 * pool_count)
        return spotopt_swig_lengths(err, "scores", score_count, "pools", pool_count);
    status = spotopt_rank_top(factors, factor_count / 4, weights, score, pool_count, reference,
                              pools, out_scores, out_contributions, err);
    for (size_t i = 0; status == SPOTOPT_OK && i < pool_count; i++)
        out_pools[i] = pools[i];
    return status;
}
%}
