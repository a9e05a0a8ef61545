/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one clean line to the host's log sink, or nowhere. */
#include <stdarg.h>
#include <stdio.h>

#include "base/context.h"
#include "base/error.h"

bool
spotopt__logs(const spotopt_context *context)
{
    return context != NULL && context->params.log != NULL;
}

void
spotopt__log(const spotopt_context *context, int32_t level, const char *format, ...)
{
    char raw[2048], line[1024];
    va_list args;

    if (!spotopt__logs(context))
        return;
    va_start(args, format);
    if (vsnprintf(raw, sizeof raw, format, args) < 0)
        raw[0] = '\0';
    va_end(args);
    spotopt__clean_line(line, sizeof line, raw);
    context->params.log(context->params.log_user, level, line);
}
