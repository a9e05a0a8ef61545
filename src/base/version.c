/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - the version that this library was built as. */
#include "spotopt/version.h"

const char *
spotopt_version(void)
{
    return SPOTOPT_VERSION;
}
