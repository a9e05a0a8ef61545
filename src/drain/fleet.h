/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_FLEET_H
#define SPOTOPT_DRAIN_FLEET_H
#include "drain/drain.h"

/* The fleet that a Plan document goes to, told of one cluster. */
typedef struct spotopt__fleet {
    spotopt_context *context;
    spotopt__arena arena;
    unsigned char *drains; /* a node of the cluster: the plan lets it go */
    uint32_t
        *wanted; /* a pod: node of the cluster, nodes.count + index of launches, or SPOTOPT__NONE */
    spotopt__vec(spotopt__launch) launches; /* room is left 0 */
} spotopt__fleet;

/* Pods and running nodes that the cluster does not have are passed over: they have come and gone.
 */
spotopt_status spotopt__fleet_read(const spotopt_cluster *cluster, const char *text, size_t length,
                                   spotopt__fleet *out, spotopt_error *err);
void spotopt__fleet_free(spotopt__fleet *fleet);

#endif
