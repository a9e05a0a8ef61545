/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/pack.h. */

enum {
    SPOTOPT_OUTCOME_OPTIMAL = 1,
    SPOTOPT_OUTCOME_FEASIBLE = 2,
    SPOTOPT_OUTCOME_INFEASIBLE = 3,
    SPOTOPT_OUTCOME_STOPPED = 4
};
enum {
    SPOTOPT_RULE_AT_MOST = 1,
    SPOTOPT_RULE_SEPARATE = 2,
    SPOTOPT_RULE_TOGETHER = 3,
    SPOTOPT_RULE_NEAR = 4,
    SPOTOPT_RULE_SPREAD = 5,
    SPOTOPT_RULE_SHARE = 6,
    SPOTOPT_RULE_LIMIT = 7,
    SPOTOPT_RULE_MEAN = 8
};

%rename(Problem) spotopt_problem;
%rename(Packing) spotopt_packing;
%nodefaultctor spotopt_packing;
%newobject spotopt_problem::from_text;
%newobject spotopt_problem::solve_with;
%newobject spotopt_problem::result_from;
typedef struct {} spotopt_packing;
typedef struct {} spotopt_problem;
%extend spotopt_problem {
    /** An empty problem over named resources. */
    spotopt_problem(const char *const *resource_names, size_t resource_count, spotopt_error *err)
    {
        spotopt_problem *made = NULL;
        return spotopt_problem_new(NULL, resource_names, resource_count, &made, err) < 0 ? NULL
                                                                                         : made;
    }
    ~spotopt_problem() { spotopt_problem_free($self); }
    /** Read a PackingProblem document. */
    static spotopt_problem *from_text(const char *text, size_t length, const char *name,
                                      spotopt_error *err)
    {
        spotopt_problem *made = NULL;
        return spotopt_problem_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** Add a pool; gives its index. */
    uint32_t add_pool_of(const char *id, const double *capacity, size_t capacity_count, double cost,
                         uint32_t min, uint32_t max, uint32_t rank, spotopt_error *err)
    {
        spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
        uint32_t index = 0;

        if (capacity_count != spotopt_problem_resource_count($self))
            return spotopt_swig_lengths(err, "capacity", capacity_count, "resources",
                                        spotopt_problem_resource_count($self)), 0;
        spec.id = id;
        spec.capacity = capacity;
        spec.cost = cost;
        spec.min = min;
        spec.max = max;
        spec.rank = rank;
        return spotopt_problem_add_pool($self, &spec, &index, err) < 0 ? 0 : index;
    }
    /** Give a pool a label. */
    spotopt_status set_pool_label(uint32_t pool, const char *key, const char *value,
                                  spotopt_error *err);
    /** Add a demand after all pools that it names; null pools: it may use all. Gives its index. */
    uint32_t add_demand_of(const char *id, const double *request, size_t request_count,
                           uint32_t replicas, const uint32_t *pools, size_t pool_count,
                           double move_cost, double unplaced_cost, spotopt_error *err)
    {
        spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
        uint32_t index = 0;

        if (request_count != spotopt_problem_resource_count($self))
            return spotopt_swig_lengths(err, "request", request_count, "resources",
                                        spotopt_problem_resource_count($self)), 0;
        spec.id = id;
        spec.request = request;
        spec.count = replicas;
        spec.pools = pools;
        spec.pool_count = pool_count;
        spec.move_cost = move_cost;
        spec.unplaced_cost = unplaced_cost;
        return spotopt_problem_add_demand($self, &spec, &index, err) < 0 ? 0 : index;
    }
    /** Add a running node; null capacity and NaN cost are its pool's. Gives its index. */
    uint32_t add_node_of(const char *id, uint32_t pool, const double *capacity,
                         size_t capacity_count, double cost, spotopt_error *err)
    {
        spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;
        uint32_t index = 0;

        if (capacity != NULL && capacity_count != spotopt_problem_resource_count($self))
            return spotopt_swig_lengths(err, "capacity", capacity_count, "resources",
                                        spotopt_problem_resource_count($self)), 0;
        spec.id = id;
        spec.pool = pool;
        spec.capacity = capacity;
        spec.cost = cost;
        return spotopt_problem_add_node($self, &spec, &index, err) < 0 ? 0 : index;
    }
    /** Say how many replicas of a demand a node runs, and how many of them must stay there. */
    spotopt_status set_resident(uint32_t node, uint32_t demand, uint32_t holds, uint32_t fixed,
                                spotopt_error *err);
    /** Add a rule; what plays no part in its kind keeps its default. */
    spotopt_status add_rule_of(int32_t kind, uint32_t limit, double frac, const char *per,
                               const uint32_t *demands, size_t demand_count,
                               const uint32_t *others, size_t other_count, double penalty,
                               uint32_t max_skew, uint32_t min_domains, const char *key,
                               const char *value, const char *of, double min, double max,
                               double min_frac, double max_frac, const uint32_t *pools,
                               size_t pool_count, const double *values, size_t value_count,
                               spotopt_error *err)
    {
        spotopt_rule_spec spec = SPOTOPT_RULE_SPEC_INIT;

        if (pool_count != value_count)
            return spotopt_swig_lengths(err, "values", value_count, "pools", pool_count);
        spec.kind = kind;
        spec.count = limit;
        spec.frac = frac;
        spec.per = per;
        spec.demands = demands;
        spec.demand_count = demand_count;
        spec.others = others;
        spec.other_count = other_count;
        spec.penalty = penalty;
        spec.max_skew = max_skew;
        spec.min_domains = min_domains;
        spec.key = key;
        spec.value = value;
        spec.of = of;
        spec.min = min;
        spec.max = max;
        spec.min_frac = min_frac;
        spec.max_frac = max_frac;
        spec.pools = pools;
        spec.values = values;
        spec.pool_count = pool_count;
        return spotopt_problem_add_rule($self, &spec, err);
    }
    /** Numbers of things. */
    uint32_t resource_count();
    uint32_t pool_count();
    uint32_t demand_count();
    uint32_t node_count();
    uint32_t rule_count();
    /** Ids by index, or null where the index is off. */
    const char *pool_id(uint32_t pool);
    const char *demand_id(uint32_t demand);
    const char *node_id(uint32_t node);
    /** Pack; options may be null. previous is an answer to begin with, or null. Seals the problem. */
    spotopt_packing *solve_with(const spotopt_options *options, const spotopt_packing *previous,
                                spotopt_error *err)
    {
        spotopt_packing *made = NULL;
        spotopt_status status = previous == NULL ? spotopt_problem_solve($self, options, &made, err)
                                                 : spotopt_problem_solve_from($self, options, previous, &made, err);
        return status < 0 ? NULL : made;
    }
    /** Read a PackingResult document. Seals the problem. */
    spotopt_packing *result_from(const char *text, size_t length, const char *name, spotopt_error *err)
    {
        spotopt_packing *made = NULL;
        return spotopt_packing_parse($self, text, length, name, &made, err) < 0 ? NULL : made;
    }
}
%extend spotopt_packing {
    ~spotopt_packing() { spotopt_packing_free($self); }
    /** SPOTOPT_OUTCOME_... */
    int32_t outcome();
    /** The objective of the rows; NaN when not everything that must be placed is. */
    double cost();
    /** No packing costs less than this; NaN when infeasible. */
    double bound();
    /** (cost - bound) / max(cost, 1e-9); NaN without a cost. */
    double gap();
    /** Number of rows. */
    size_t row_count();
    /** Equal nodes of the answer. */
    spotopt_status row_at(size_t index, spotopt_packing_row *out, spotopt_error *err);
    /** Replicas of a demand that are not placed. */
    uint32_t unplaced(uint32_t demand);
    /** Reasons for what is not placed. */
    size_t why_count();
    /** A reason and its demand. */
    const char *why_at(size_t index, uint32_t *out_demand);
    /** Why there is no packing. */
    spotopt_status certificate_get(spotopt_packing_certificate *out, spotopt_error *err);
    /** What the solve took. */
    spotopt_status stats_get(spotopt_packing_stats *out, spotopt_error *err);
    /** The PackingResult document. */
    spotopt_status write_json(char **text, size_t *length, spotopt_error *err);
}
