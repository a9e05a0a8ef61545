/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_NET_H
#define SPOTOPT_NET_H
#include "spotopt/context.h"

/**
 * @file net.h
 * @brief Bytes from the outside: libspotopt-net, a library of its own over libcurl.
 *
 * It asks servers and hands on what they say; it decides nothing but whether to ask once more.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A client: its connections, kept alive between calls. Threads: one at a time; not across fork(). @since 0.1 */
typedef struct spotopt_net spotopt_net;

/** Waits that long, seconds. A test's returns at once. */
typedef void (*spotopt_net_sleep_fn)(void *user, double seconds);
/** Asked several times a second while a call runs; anything but 0 ends the call. */
typedef int32_t (*spotopt_net_cancel_fn)(void *user);
/** Given a piece of a body with status 2xx; 0 to go on, anything else ends the call. */
typedef int32_t (*spotopt_net_data_fn)(void *user, const char *data, size_t length);

/** What a request may be; a sum. */
enum {
    SPOTOPT_NET_REPEATABLE = 1 /**< sent twice it does no more than once, whatever its method says */
};

/** One HTTP request. Texts are borrowed for the call. */
typedef struct spotopt_net_request {
    size_t size;                /**< set by SPOTOPT_NET_REQUEST_INIT */
    const char *peer;           /**< who is asked, for messages; NULL: the URL's host */
    const char *call;           /**< what is asked, for messages: "list pods"; NULL: method and path */
    const char *method;         /**< NULL: "GET", or "POST" with a body */
    const char *url;            /**< http or https, without user and password in it */
    const char *const *headers; /**< "Name: value", header_count of them */
    size_t header_count;        /**< length of headers */
    const char *body;           /**< body_length bytes; NULL: none */
    size_t body_length;         /**< bytes */
    const char *bearer;         /**< a token; NULL: none. Like the next four it never stands in a message or log */
    const char *access_key;     /**< AWS Signature Version 4 with these keys; NULL: not signed */
    const char *secret_key;     /**< beside access_key */
    const char *session_token;  /**< beside access_key; NULL: none */
    const char *client_key_pem; /**< of client_pem; NULL: it is in client_pem */
    const char *client_pem;     /**< a client's certificate, PEM; NULL: none */
    const char *ca_pem;         /**< trusted instead of the system's authorities, PEM; NULL: the system's */
    const char *sign_region;    /**< such as "eu-west-1"; with access_key */
    const char *sign_service;   /**< such as "ec2"; with access_key */
    double timeout_s;           /**< for one attempt, > 0; 0: the client's */
    uint64_t max_bytes;         /**< of the body; 0: the client's */
    spotopt_net_data_fn data;   /**< takes the body in pieces; such a request is sent once. NULL: it is collected */
    void *data_user;            /**< handed to data */
    uint32_t flags;             /**< a sum of SPOTOPT_NET_... */
    uint32_t reserved;          /**< 0 */
} spotopt_net_request;

/** The defaults of a struct, its size set: `= SPOTOPT_NET_REQUEST_INIT`. */
#define SPOTOPT_NET_REQUEST_INIT                                                                   \
    { sizeof(spotopt_net_request), NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL,     \
      NULL, NULL, NULL, NULL, NULL, NULL, 0.0, 0, NULL, NULL, 0, 0 }

/** What came back. */
typedef struct spotopt_net_answer {
    size_t size;          /**< set by SPOTOPT_NET_ANSWER_INIT */
    int32_t code;         /**< HTTP status, 200..599 */
    uint32_t attempts;    /**< requests that were made, >= 1 */
    char *body;           /**< ends in a zero byte that length does not count; free with spotopt_net_answer_clear() */
    size_t length;        /**< bytes */
    double retry_after_s; /**< as the server asked, >= 0; 0: it did not */
} spotopt_net_answer;

/** The defaults of a struct, its size set: `= SPOTOPT_NET_ANSWER_INIT`. */
#define SPOTOPT_NET_ANSWER_INIT { sizeof(spotopt_net_answer), 0, 0, NULL, 0, 0.0 }

/**
 * Takes a request's place on the wire: recorded answers in tests, or a host's own HTTP. The answer's body is
 * borrowed until the next call. SPOTOPT_E_PEER stands for a connection that broke.
 */
typedef spotopt_status (*spotopt_net_transport_fn)(void *user, const spotopt_net_request *request,
                                                   spotopt_net_answer *answer, spotopt_error *err);

/** How a client behaves; zero or NULL in a field means its default. */
typedef struct spotopt_net_params {
    size_t size;              /**< set by SPOTOPT_NET_PARAMS_INIT */
    double connect_s;         /**< for a connection; default 5 */
    double timeout_s;         /**< for one attempt, connection included; default 30 */
    double retry_s;           /**< no attempt starts later than this after the first; default 60 */
    uint64_t max_bytes;       /**< of a body; default 256 MiB */
    uint64_t seed;            /**< of the jitter between attempts; 0: the process's own */
    uint32_t max_attempts;    /**< default 5; 1: never again */
    uint32_t reserved;        /**< 0 */
    const char *proxy;        /**< URL; "": none; NULL: as libcurl reads the environment */
    const char *user_agent;   /**< default "libspotopt/VERSION" */
    spotopt_net_sleep_fn sleep;         /**< default: the process sleeps */
    spotopt_net_cancel_fn cancel;       /**< default: never */
    spotopt_net_transport_fn transport; /**< default: libcurl */
    void *user;               /**< handed to sleep, cancel and transport */
} spotopt_net_params;

/** The defaults of a struct, its size set: `= SPOTOPT_NET_PARAMS_INIT`. */
#define SPOTOPT_NET_PARAMS_INIT                                                                    \
    { sizeof(spotopt_net_params), 0.0, 0.0, 0.0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL }

/**
 * Make a client. Certificates are always verified.
 *
 * @param params  copied; NULL for the defaults
 * @param out     free with spotopt_net_free()
 * @retval SPOTOPT_E_ARGUMENT  a number is negative or not finite; the message names it
 * @retval SPOTOPT_E_NOMEM     the allocator refused
 *
 * The library's own memory comes from the context; libcurl and its TLS library use the C heap.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_net_new(spotopt_context *context, const spotopt_net_params *params, spotopt_net **out,
                spotopt_error *err);
/** Close a client and its connections, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_net_free(spotopt_net *net);

/**
 * Send a request and wait for the whole answer, whatever its status.
 *
 * A request that may be repeated (GET, HEAD, or SPOTOPT_NET_REPEATABLE; never one with `data`) is sent again after a
 * broken connection and on status 429, 500, 502, 503 and 504, after exponential back-off with full jitter (Brooker,
 * "Exponential Backoff And Jitter", 2015) from 0.2 s to 20 s, or what Retry-After asks where that is longer. Other
 * requests are sent again where no connection was made alone. Redirects are followed only where nothing secret is in the
 * request, 5 at most, and never from https to http.
 *
 * @param answer  free with spotopt_net_answer_clear()
 * @retval SPOTOPT_E_ARGUMENT   the request is bad; the message says how
 * @retval SPOTOPT_E_PEER       no whole answer came; the message names peer and call and says what to do
 * @retval SPOTOPT_E_CANCELLED  cancel, or data, asked to stop
 * @retval SPOTOPT_E_NOMEM      no memory
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_net_call(spotopt_net *net, const spotopt_net_request *request, spotopt_net_answer *answer,
                 spotopt_error *err);
/** Give back an answer's body and make the answer empty. NULL is accepted. @since 0.1 */
SPOTOPT_API void spotopt_net_answer_clear(spotopt_net *net, spotopt_net_answer *answer);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_NET_H */
