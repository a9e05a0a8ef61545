/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_IO_MAYBE_H
#define SPOTOPT_IO_MAYBE_H
#include "base/base.h"

/* Optional members of an object: absent or null leaves *out as it was, else as spotopt__want_... */
spotopt_status spotopt__maybe_real(const spotopt__at *parent, const char *key, double least, double most, double *out,
                                   spotopt_error *err);
spotopt_status spotopt__maybe_int(const spotopt__at *parent, const char *key, int64_t least, int64_t most,
                                  int64_t *out, spotopt_error *err);
spotopt_status spotopt__maybe_bool(const spotopt__at *parent, const char *key, bool *out, spotopt_error *err);
spotopt_status spotopt__maybe_text(const spotopt__at *parent, const char *key, const char **out, spotopt_error *err);
/* A number, or null which stands for NaN ("not limited"); absent leaves *out as it was. */
spotopt_status spotopt__maybe_limit(const spotopt__at *parent, const char *key, double least, double most,
                                    double *out, spotopt_error *err);
/* An object is there, *out_is_set; absent and null are none, anything else fails. */
spotopt_status spotopt__maybe_object(const spotopt__at *at, bool *out_is_set, spotopt_error *err);
/* Text that is not empty. */
spotopt_status spotopt__want_name(const spotopt__at *at, const char **out, spotopt_error *err);

#endif
