/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_IO_JSON_POLICY_H
#define SPOTOPT_IO_JSON_POLICY_H
#include "base/base.h"
#include "model/policy.h"

/* The member "drain" of a Policy document, read over what the policy holds. *warned: unknown fields were told once. */
spotopt_status spotopt__policy_read_drain(spotopt_policy *policy, const spotopt__at *at, bool *warned,
                                          spotopt_error *err);
void spotopt__policy_write_drain(const spotopt_policy *policy, spotopt__jw *jw);

#endif
