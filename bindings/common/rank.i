/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/rank.h. */

%rename(Ranking) spotopt_ranking;
%nodefaultctor spotopt_ranking;
%newobject spotopt_ranking::rank_of;
typedef struct {} spotopt_ranking;
%extend spotopt_ranking {
    ~spotopt_ranking() { spotopt_ranking_free($self); }
    /** Rank every pool of a catalog for a request; history, metrics, policy, options may be null. */
    static spotopt_ranking *rank_of(const spotopt_catalog *catalog, const spotopt_history *history,
                                    const spotopt_metrics *metrics, const spotopt_policy *policy,
                                    const char *request, double now_s, uint32_t replicas,
                                    uint32_t top, const spotopt_options *options,
                                    spotopt_error *err)
    {
        spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
        spotopt_ranking *made = NULL;

        params.catalog = catalog;
        params.history = history;
        params.metrics = metrics;
        params.policy = policy;
        params.request = request;
        params.now_s = now_s;
        params.count = replicas;
        params.top = top;
        return spotopt_rank(NULL, &params, options, &made, err) < 0 ? NULL : made;
    }
    /** The number of pools that were ranked. */
    size_t count();
    /** Catalog index and score (0..100) of the pool at a place, best first. */
    spotopt_status at(size_t place, uint32_t *out_pool, double *out_score, spotopt_error *err);
    /** The Ranking document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
}
