/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/search.h"

void
spotopt__search_around(spotopt__search *search)
{
    (void)search;
}
