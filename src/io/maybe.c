/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maybe.c - members of a document that may be left out.
 *
 * Everywhere null means what leaving the member out means, but where a limit can be lifted: there
 * it means no limit.
 */
#include "io/maybe.h"

spotopt_status
spotopt__maybe_real(const spotopt__at *parent, const char *key, double least, double most,
                    double *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    return spotopt__at_is_set(&at) ? spotopt__want_real(&at, least, most, out, err) : SPOTOPT_OK;
}

spotopt_status
spotopt__maybe_int(const spotopt__at *parent, const char *key, int64_t least, int64_t most,
                   int64_t *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    return spotopt__at_is_set(&at) ? spotopt__want_int(&at, least, most, out, err) : SPOTOPT_OK;
}

spotopt_status
spotopt__maybe_bool(const spotopt__at *parent, const char *key, bool *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    return spotopt__at_is_set(&at) ? spotopt__want_bool(&at, out, err) : SPOTOPT_OK;
}

spotopt_status
spotopt__maybe_text(const spotopt__at *parent, const char *key, const char **out,
                    spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    return spotopt__at_is_set(&at) ? spotopt__want_text(&at, out, err) : SPOTOPT_OK;
}

spotopt_status
spotopt__maybe_limit(const spotopt__at *parent, const char *key, double least, double most,
                     double *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    if (at.value == NULL)
        return SPOTOPT_OK;
    if (spotopt__json_type(at.value) == SPOTOPT__JSON_NULL) {
        *out = NAN;
        return SPOTOPT_OK;
    }
    return spotopt__want_real(&at, least, most, out, err);
}

spotopt_status
spotopt__maybe_object(const spotopt__at *at, bool *out_is_set, spotopt_error *err)
{
    *out_is_set = spotopt__at_is_set(at);
    return *out_is_set ? spotopt__want_object(at, err) : SPOTOPT_OK;
}

spotopt_status
spotopt__want_name(const spotopt__at *at, const char **out, spotopt_error *err)
{
    spotopt_status status = spotopt__want_text(at, out, err);

    if (status == SPOTOPT_OK && (*out)[0] == '\0')
        return spotopt__fail_at(at, err, "want a text that is not empty");
    return status;
}
