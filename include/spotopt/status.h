/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_STATUS_H
#define SPOTOPT_STATUS_H
#include <stddef.h>
#include <stdint.h>

#include "spotopt/export.h"

/**
 * @file status.h
 * @brief Did a call work? What a solver found is another question: see spotopt_outcome.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** 0, or one of the negative SPOTOPT_E_ numbers. Fixed width: an enum's size is the compiler's affair. */
typedef int32_t spotopt_status;

/** What a call answers. Numbers are never used twice. */
enum {
    SPOTOPT_OK = 0,           /**< it worked */
    SPOTOPT_E_NOMEM = -12,    /**< the allocator refused */
    SPOTOPT_E_ARGUMENT = -20, /**< an argument is out of its range; the message names it */
    SPOTOPT_E_STATE = -22,    /**< the object is not in a state that allows the call */
    SPOTOPT_E_VERSION = -24,  /**< a struct comes from a newer header and uses what is unknown here */
    SPOTOPT_E_INPUT = -30,    /**< a document is bad; the message names the place and what was wanted */
    SPOTOPT_E_MISMATCH = -32, /**< a plan was made from other inputs */
    SPOTOPT_E_STORE = -36,    /**< a database is out of reach or refused; the message has what it said */
    SPOTOPT_E_PEER = -38,     /**< a server gave no whole answer; the message names it and says what to do */
    SPOTOPT_E_CANCELLED = -40, /**< the progress callback asked to stop and there is no answer yet */
    SPOTOPT_E_INTERNAL = -50  /**< a defect or a fault of a library underneath; please report it */
};

/** The most that a message takes, its ending zero included. */
#define SPOTOPT_ERROR_MESSAGE_SIZE 512

/**
 * Details of a failure, owned by the caller; any function takes NULL where they are unwanted.
 * Written on failure alone. Reporting needs no memory. @since 0.1
 */
typedef struct spotopt_error {
    size_t size;           /**< set by SPOTOPT_ERROR_INIT */
    spotopt_status status; /**< what the call returned */
    char message[SPOTOPT_ERROR_MESSAGE_SIZE]; /**< one line: the item, what it is, what was wanted */
} spotopt_error;

/** The defaults of a struct, its size set: `= SPOTOPT_ERROR_INIT`. */
#define SPOTOPT_ERROR_INIT { sizeof(spotopt_error), SPOTOPT_OK, {0} }

/**
 * The name of a status, such as "out of memory". Never NULL; the text is static.
 * @since 0.1
 */
SPOTOPT_API const char *spotopt_status_text(spotopt_status status);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_STATUS_H */
