/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_KUBE_H
#define SPOTOPT_CLI_KUBE_H
#include "run.h"

/* Whether --cluster names an API server, "kube:" or "kube:CONTEXT", and no file. */
bool is_kube(const char *path);
/* What runs there, as a document. 0, or the status to leave with, said. */
int kube_read(input *in, const session *s, const char *path);

#endif
