/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_IO_JSON_POLICY_H
#define SPOTOPT_IO_JSON_POLICY_H
#include "base/base.h"
#include "model/policy.h"

/* What reading makes of fields that a policy does not have: told once, or the first one refused. */
typedef struct spotopt__unknown {
    bool warned;
    bool is_refused;
    spotopt_status status; /* SPOTOPT_E_INPUT once one was refused, err says which */
    spotopt_error err;
} spotopt__unknown;
void spotopt__policy_unknown(spotopt_policy *policy, const spotopt__at *at, const char *const *known,
                             spotopt__unknown *unknown);

/* All fields but what a document is, whose child, and its clients; weights as they stand. */
spotopt_status spotopt__policy_read_fields(spotopt_policy *policy, const spotopt__at *root,
                                           spotopt__unknown *unknown, spotopt_error *err);
/* The member "drain". */
spotopt_status spotopt__policy_read_drain(spotopt_policy *policy, const spotopt__at *at,
                                          spotopt__unknown *unknown, spotopt_error *err);
void spotopt__policy_write_drain(const spotopt_policy *policy, spotopt__jw *jw);
/* The document without its clients, left open for more members. */
void spotopt__policy_write_fields(const spotopt_policy *policy, spotopt__jw *jw);
void spotopt__policy_write_clients(const spotopt_policy *policy, spotopt__jw *jw);

#endif
