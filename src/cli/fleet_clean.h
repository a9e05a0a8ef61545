/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_FLEET_CLEAN_H
#define SPOTOPT_CLI_FLEET_CLEAN_H
#include "run.h"

/* An Events file. 0, or the status to leave with, said. */
int ledger_load(const session *s, const char *path, spotopt_ledger **out);
/* What governance or storage find; the status to leave with. */
int clean_report(const session *s, const args *a, const char *part);

#endif
