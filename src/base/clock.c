/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - seconds that never go back, from the host's clock or the system's monotonic one. */
#include <time.h>

#include "base/context.h"

double
spotopt__clock(const spotopt_context *context)
{
    struct timespec now = {0, 0};

    if (context != NULL && context->params.clock != NULL)
        return context->params.clock(context->params.clock_user);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
