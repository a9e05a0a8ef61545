/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/drain.h. */

%rename(Drain) spotopt_drain;
%nodefaultctor spotopt_drain;
%newobject spotopt_drain::plan_of;
typedef struct {} spotopt_drain;
%extend spotopt_drain {
    ~spotopt_drain() { spotopt_drain_free($self); }
    /** Plan a drain of nodes by name; catalog, policy and options may be null. */
    static spotopt_drain *plan_of(const spotopt_cluster *cluster, const spotopt_catalog *catalog,
                                  const spotopt_policy *policy, const char *const *nodes,
                                  size_t node_count, double notice_s, double launch_s,
                                  double start_s, const spotopt_options *options,
                                  spotopt_error *err)
    {
        spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
        spotopt_drain *made = NULL;

        params.cluster = cluster;
        params.catalog = catalog;
        params.policy = policy;
        params.nodes = nodes;
        params.node_count = node_count;
        params.notice_s = notice_s;
        params.launch_s = launch_s;
        params.start_s = start_s;
        return spotopt_drain_plan(NULL, &params, options, &made, err) < 0 ? NULL : made;
    }
    /** Pods that no order of steps can move, or that the notice is too short for. */
    size_t blocked_count();
    /** Pods that are lost because the notice is too short. */
    size_t lost_count();
    /** Seconds from the first step to the last pod ready elsewhere. */
    double makespan_s();
    /** The DrainPlan document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
}
