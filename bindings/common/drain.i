/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/drain.h. */

%{
static spotopt_drain_params
spotopt_binding_drain(const spotopt_cluster *cluster, const spotopt_catalog *catalog,
                      const spotopt_policy *policy, const char *const *nodes, size_t node_count,
                      const char *text, size_t length, double notice_s, double launch_s,
                      double start_s, double now_s)
{
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;

    params.cluster = cluster;
    params.catalog = catalog;
    params.policy = policy;
    params.nodes = nodes;
    params.node_count = node_count;
    params.plan_text = length > 0 ? text : NULL;
    params.plan_length = length;
    params.notice_s = notice_s;
    params.launch_s = launch_s;
    params.start_s = start_s;
    params.now_s = now_s;
    return params;
}
%}

%rename(Drain) spotopt_drain;
%nodefaultctor spotopt_drain;
%newobject spotopt_drain::plan_of;
typedef struct {} spotopt_drain;
%extend spotopt_drain {
    ~spotopt_drain() { spotopt_drain_free($self); }
    /** Plan a drain of nodes by name; catalog, policy and options may be null. text: a Plan, or "". */
    static spotopt_drain *plan_of(const spotopt_cluster *cluster, const spotopt_catalog *catalog,
                                  const spotopt_policy *policy, const char *const *nodes,
                                  size_t node_count, const char *text, size_t length,
                                  double notice_s, double launch_s, double start_s, double now_s,
                                  const spotopt_options *options, spotopt_error *err)
    {
        const spotopt_drain_params params =
            spotopt_binding_drain(cluster, catalog, policy, nodes, node_count, text, length,
                                  notice_s, launch_s, start_s, now_s);
        spotopt_drain *made = NULL;

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

%rename(Rehearsal) spotopt_simulation;
%nodefaultctor spotopt_simulation;
%newobject spotopt_simulation::carry_out_of;
typedef struct {} spotopt_simulation;
%extend spotopt_simulation {
    ~spotopt_simulation() { spotopt_simulation_free($self); }
    /** Carry a drain out in a simulated cluster. */
    static spotopt_simulation *
    carry_out_of(const spotopt_cluster *cluster, const spotopt_catalog *catalog,
                 const spotopt_policy *policy, const char *const *nodes, size_t node_count,
                 const char *text, size_t length, double notice_s, double launch_s, double start_s,
                 double now_s, size_t seed, double refused, double slow, double stuck,
                 double elsewhere, double node_lost, double launch_failed, int32_t jitter,
                 const spotopt_options *options, spotopt_error *err)
    {
        const spotopt_drain_params params =
            spotopt_binding_drain(cluster, catalog, policy, nodes, node_count, text, length,
                                  notice_s, launch_s, start_s, now_s);
        spotopt_simulation_params chaos = SPOTOPT_SIMULATION_PARAMS_INIT;
        spotopt_simulation *made = NULL;

        chaos.seed = seed;
        chaos.refused_frac = refused;
        chaos.slow_frac = slow;
        chaos.stuck_frac = stuck;
        chaos.elsewhere_frac = elsewhere;
        chaos.node_lost_frac = node_lost;
        chaos.launch_failed_frac = launch_failed;
        chaos.jitter = jitter != 0;
        return spotopt_drain_simulate(NULL, &params, &chaos, options, &made, err) < 0 ? NULL : made;
    }
    /** Steps that a rule forbade when they were taken. */
    size_t fault_count();
    /** How often was planned. */
    size_t plan_count();
    /** 1 when all nodes are gone. */
    int32_t is_drained();
    /** Seconds until the last step or ready pod. */
    double makespan_s();
    /** The DrainSimulation document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
}
