/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_ERROR_H
#define SPOTOPT_BASE_ERROR_H
#include "spotopt/status.h"

/* Sets code and text at once and returns the code. err may be NULL. */
spotopt_status spotopt__fail(spotopt_error *err, spotopt_status status, const char *format, ...)
    SPOTOPT_PRINTF(3, 4);
spotopt_status spotopt__nomem(spotopt_error *err, const char *what);

/*
 * Copies a caller's versioned struct into ours, which the caller of this function has filled with
 * defaults: a shorter one leaves the tail as it is, a longer one must be zero beyond what we know.
 */
spotopt_status spotopt__copy_in(void *ours, size_t our_size, const void *theirs, const char *what,
                                spotopt_error *err);

#endif
