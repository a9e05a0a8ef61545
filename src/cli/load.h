/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_LOAD_H
#define SPOTOPT_CLI_LOAD_H
#include "run.h"

/* The documents that flags name; NULL where a flag was not given. */
typedef struct loaded {
    spotopt_cluster *cluster;
    spotopt_catalog *catalog;
    spotopt_policy *policy;
    spotopt_history *history;
    spotopt_metrics *metrics;
    spotopt_model *model; /* of plan and rank */
} loaded;

/* Loads what the verb has flags for. 0, or the status to leave with, said; then nothing needs
 * freeing. */
int load_inputs(loaded *in, const session *s, const args *a);
void loaded_free(loaded *in);
/* False, with a message said, unless the flag was given. */
bool is_given(const args *a, const char *name);

/* --author, else the user that the environment names, else "". */
const char *author_of(const args *a);

#endif
