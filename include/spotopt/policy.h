/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_POLICY_H
#define SPOTOPT_POLICY_H
#include "spotopt/context.h"

/**
 * @file policy.h
 * @brief What the operator wants: weights, caps, shares, quotas, commitments, overrides.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A policy; every field that a document leaves out holds its default. Threads: read by any number. @since 0.1 */
typedef struct spotopt_policy spotopt_policy;

/**
 * Read a Policy document.
 * @param text  the document, or NULL for the defaults alone
 * @param name  of the document, for messages
 * @param out   free with spotopt_policy_free()
 * @retval SPOTOPT_E_INPUT  the document is bad; the message names the place
 * @retval SPOTOPT_E_NOMEM  the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_policy_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                     spotopt_policy **out, spotopt_error *err);

/** Give back a policy, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_policy_free(spotopt_policy *policy);

/**
 * Write the whole policy, defaults filled in, as a Policy document.
 * @param out_text  zero-ended; give back with spotopt_text_free()
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_policy_write(const spotopt_policy *policy, char **out_text, size_t *out_length, spotopt_error *err);

/**
 * The policy that holds for one client: each field that its part of the document's "clients" states, and
 * the document's own for the rest; a list replaces a list as a whole. As if the part were a document whose
 * parent is the policy.
 * @param client  a key of "clients"; where a document has none, every client has the policy itself
 * @param out     has no clients of its own; free with spotopt_policy_free()
 * @retval SPOTOPT_E_ARGUMENT  policy, client or out is NULL
 * @retval SPOTOPT_E_INPUT     the document has clients, and not this one; the message names those there are
 * @retval SPOTOPT_E_NOMEM     the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_policy_for_client(const spotopt_policy *policy, const char *client, spotopt_policy **out,
                          spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_POLICY_H */
