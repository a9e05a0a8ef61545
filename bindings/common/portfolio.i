/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/portfolio.h. */

%inline %{
/* What a fleet may lose; region may be null, the others have one entry a pool. */
static spotopt_status
spotopt_portfolio_assess_of(const uint32_t *nodes, size_t node_count, const double *vcpus,
                            size_t vcpu_count, const double *p_drop, size_t drop_count,
                            const double *p_node, size_t p_node_count, const uint32_t *region,
                            size_t region_count, double region_frac, double global_frac,
                            double level, uint32_t at_least, uint32_t cells,
                            spotopt_portfolio_loss *out, double *out_mean, size_t mean_count,
                            double *out_variance, size_t variance_count, double *out_cvar,
                            size_t cvar_count, spotopt_error *err)
{
    spotopt_portfolio_params params = SPOTOPT_PORTFOLIO_PARAMS_INIT;
    const size_t counts[] = {vcpu_count, drop_count, p_node_count, region_count, mean_count,
                             variance_count, cvar_count};
    static const char *const names[] = {"vcpus", "p_drop", "p_node", "region", "mean",
                                        "variance", "cvar"};
    const void *const columns[] = {vcpus, p_drop, p_node, region, out_mean, out_variance, out_cvar};

    for (int i = 0; i < 7; i++) {
        if (counts[i] != node_count && (i < 3 || columns[i] != NULL))
            return spotopt_swig_lengths(err, names[i], counts[i], "nodes", node_count);
    }
    params.count = node_count;
    params.nodes = nodes;
    params.vcpus = vcpus;
    params.p_drop = p_drop;
    params.p_node = p_node;
    params.region = region;
    params.region_frac = region_frac;
    params.global_frac = global_frac;
    params.level = level;
    params.at_least = at_least;
    params.cells = cells;
    return spotopt_portfolio_assess(NULL, &params, out, out_mean, out_variance, out_cvar, err);
}

/* Region's and global share, in and out. */
static spotopt_status
spotopt_portfolio_learn_shocks_of(const spotopt_history *history, double from_s, double to_s,
                                  double horizon_h, double *fracs, size_t frac_count,
                                  spotopt_error *err)
{
    if (frac_count != 2)
        return spotopt_swig_lengths(err, "fracs", frac_count, "shares", 2);
    return spotopt_portfolio_learn_shocks(history, from_s, to_s, horizon_h, fracs, fracs + 1, err);
}
%}
