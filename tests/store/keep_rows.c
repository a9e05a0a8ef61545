/* SPDX-License-Identifier: Apache-2.0 */
/* keep_rows URL FILE: an Events file into a store, for tests of what reads it. */
#include <stdio.h>
#include <stdlib.h>

#include "spotopt/store.h"

int
main(int argc, char **argv)
{
    static char text[1 << 22];
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_store *store = NULL;
    FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;
    size_t length;

    if (file == NULL)
        return 2;
    length = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    if (spotopt_store_open(NULL, argv[1], 0, &store, &err) != SPOTOPT_OK ||
        spotopt_store_append(store, text, length, argv[2], NULL, &err) != SPOTOPT_OK)
        (void)fprintf(stderr, "%s\n", err.message);
    spotopt_store_close(store);
    return err.status != SPOTOPT_OK;
}
