/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_AWS_H
#define SPOTOPT_AWS_H
#include "spotopt/net.h"

/**
 * @file aws.h
 * @brief What EC2 announces about spot instances, as rows of an Events file. Of libspotopt-net.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** The instance metadata service's own address. */
#define SPOTOPT_AWS_IMDS "http://169.254.169.254"

/**
 * One event of EventBridge, as a queue brings it, as a row of type "notice": an EC2 Spot Instance Interruption Warning is a
 * termination, an EC2 Instance Rebalance Recommendation a rebalance. The row's time is the event's, so the same event makes
 * the same row, and a ledger keeps it once however often a queue delivers it.
 *
 * @param context  whose memory out_row is; NULL: the defaults
 * @param text     JSON, one event
 * @param length   of text, bytes
 * @param name     of the text, for messages; NULL: "event"
 * @param out_row  without a line end; NULL where the event is of another kind. Free with spotopt_text_free()
 * @retval SPOTOPT_E_ARGUMENT  text or out_row is NULL
 * @retval SPOTOPT_E_INPUT     the event is bad; the message names the place
 * @retval SPOTOPT_E_NOMEM     no memory
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_aws_event_row(spotopt_context *context, const char *text, size_t length, const char *name,
                      char **out_row, spotopt_error *err);

/**
 * Ask the metadata service of the instance that this runs on (IMDSv2) whether its end or a rebalance was announced. A
 * termination's time is two minutes before EC2 acts, which is when EC2 announces it; a rebalance's is the notice's own: asked
 * again, the rows are the same. Other actions than terminate (stop, hibernate) take the capacity away as well and count alike.
 *
 * The service is on the instance itself: make the client with `proxy` "".
 *
 * @param server      its URL and limits; NULL: SPOTOPT_AWS_IMDS and 2 s for an attempt
 * @param out_rows    rows of type "notice", each with its line end; "" where nothing was announced. Free with
 *                    spotopt_text_free() and the client's context
 * @param out_length  of out_rows, bytes; NULL where unwanted
 * @retval SPOTOPT_E_ARGUMENT  net or out_rows is NULL, or the server's URL is bad
 * @retval SPOTOPT_E_INPUT     an answer is none of the service's
 * @retval SPOTOPT_E_PEER      no whole answer came, or the service refuses
 * @retval SPOTOPT_E_NOMEM     no memory
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_aws_imds_rows(spotopt_net *net, const spotopt_net_request *server, char **out_rows,
                      size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_AWS_H */
