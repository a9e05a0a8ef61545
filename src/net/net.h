/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_NET_NET_H
#define SPOTOPT_NET_NET_H
/* What the files of libspotopt-net share. */
#include <curl/curl.h>

#include "base/base.h"
#include "spotopt/net.h"

struct spotopt_net {
    spotopt_context *context;
    spotopt_net_params params; /* with defaults filled in; texts are ours */
    CURL *easy;                /* NULL with a transport of the host's */
    bool is_curl_up;
    spotopt__rng rng;
};

/* How one attempt ended when no whole answer came. */
typedef struct spotopt__broken {
    bool is_unsent; /* no connection was made: the peer cannot have seen the request */
    bool is_final;  /* another attempt would end alike */
} spotopt__broken;

/* One attempt over libcurl. answer->body is the context's memory. */
spotopt_status spotopt__curl_send(spotopt_net *net, const spotopt_net_request *request,
                                  spotopt_net_answer *answer, spotopt__broken *broken,
                                  spotopt_error *err);
bool spotopt__net_is_cancelled(const spotopt_net *net);
/* Whether the request may be sent twice. */
bool spotopt__net_is_repeatable(const spotopt_net_request *request);
/* Whether the request carries anything that only its peer may see. */
bool spotopt__net_has_secret(const spotopt_net_request *request);

#endif
