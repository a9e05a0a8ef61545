/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_ERROR_H
#define SPOTOPT_BASE_ERROR_H
#include "spotopt/status.h"

/* Sets code and text at once and returns the code. err may be NULL. */
spotopt_status spotopt__fail(spotopt_error *err, spotopt_status status, const char *format, ...)
    SPOTOPT_PRINTF(3, 4);
spotopt_status spotopt__nomem(spotopt_error *err, const char *what);

/* text as one line of valid UTF-8 in out; what is too long loses its middle. size >= 16. Returns the length. */
size_t spotopt__clean_line(char *out, size_t size, const char *text);
/* The same in quotes and short, for use in messages. Returns out. */
#define SPOTOPT__QUOTE_SIZE 72
const char *spotopt__quote(const char *text, char out[SPOTOPT__QUOTE_SIZE]);

/*
 * Copies a caller's versioned struct into ours, which the caller of this function has filled with
 * defaults: a shorter one leaves the tail as it is, a longer one must be zero beyond what we know.
 */
spotopt_status spotopt__copy_in(void *ours, size_t our_size, const void *theirs, const char *what,
                                spotopt_error *err);

#endif
