/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a number or a time. What is read must be written so that it reads back as the same.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char out[SPOTOPT__REAL_SIZE];
    double value, again;
    int64_t whole;

    if (spotopt__parse_real(text, size, &value)) {
        const size_t length = spotopt__write_real(value, out);

        if (!isfinite(value) || !spotopt__parse_real(out, length, &again) || value != again)
            abort();
        (void)spotopt__write_fixed(value, 3, out);
    }
    if (spotopt__parse_int(text, size, &whole) &&
        (!spotopt__parse_real(text, size, &value) || value != (double)whole))
        abort();
    if (spotopt__parse_time(text, size, &value)) {
        spotopt__write_time(value, out);
        /* offsets may lead out of the years that can be written */
        if (strcmp(out, "invalid") != 0 &&
            (!spotopt__parse_time(out, strlen(out), &again) || value != again))
            abort();
    }
    return 0;
}
