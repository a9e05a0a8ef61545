/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/search.h"

spotopt_status
spotopt__search_columns(spotopt__search *search, spotopt_error *err)
{
    (void)search;
    (void)err;
    return SPOTOPT_OK;
}
