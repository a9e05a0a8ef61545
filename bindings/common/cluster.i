/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/cluster.h. */

%rename(Cluster) spotopt_cluster;
%nodefaultctor spotopt_cluster;
%newobject spotopt_cluster::from_text;
typedef struct {} spotopt_cluster;
%extend spotopt_cluster {
    ~spotopt_cluster() { spotopt_cluster_free($self); }
    /** Read what `kubectl get nodes,pods,... -A -o json` prints; both ids may be null. */
    static spotopt_cluster *from_text(const char *text, size_t length, const char *name,
                                      const char *cluster_id, const char *client_id,
                                      spotopt_error *err)
    {
        spotopt_cluster_params params = SPOTOPT_CLUSTER_PARAMS_INIT;
        spotopt_cluster *made = NULL;

        params.cluster_id = cluster_id;
        params.client_id = client_id;
        return spotopt_cluster_parse(NULL, text, length, name, &params, &made, err) < 0 ? NULL
                                                                                        : made;
    }
    /** The number of nodes in the snapshot. */
    size_t node_count();
    /** The number of pods, replicas that are still wanted included. */
    size_t pod_count();
    /** The number of disruption budgets. */
    size_t pdb_count();
    /** The name of a node, or null when index is off. */
    const char *node_name(size_t index);
    /** "namespace/name" of a pod, or null when index is off. */
    const char *pod_id(size_t index);
    /** The number of warnings that reading gave. */
    size_t warning_count();
    /** One warning, or null when index is off. */
    const char *warning_at(size_t index);
}
