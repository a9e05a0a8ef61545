/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_risk_models.c - the life of models, kept as rows of a ledger.
 */
#include "risk.h"

int
risk_models(const session *s, const args *a)
{
    (void)s;
    (void)a;
    say("risk models: not in this version");
    return EXIT_USAGE;
}
