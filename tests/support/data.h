/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_DATA_H
#define TESTS_SUPPORT_DATA_H
/*
 * Real inputs that do not live in this repository: read from $SPOTOPT_DATA (or where meson says), skipped with a
 * message where absent.
 */
#include <stdio.h>
#include <stdlib.h>

static inline char *
data_read(const char *path, size_t *out_length)
{
    const char *folder = getenv("SPOTOPT_DATA");
    char full[1024];
    char *text = NULL;
    size_t room = 0, length = 0, got;
    FILE *file;

#ifdef SPOTOPT_TEST_DATA
    if (folder == NULL)
        folder = SPOTOPT_TEST_DATA;
#endif
    if (folder == NULL)
        folder = "../shared/data";
    snprintf(full, sizeof full, "%s/%s", folder, path);
    file = fopen(full, "rb");
    if (file == NULL) {
        printf(" (skipped: no %s) ", full);
        return NULL;
    }
    do {
        room = room == 0 ? 1u << 16 : 2 * room;
        text = realloc(text, room);
        if (text == NULL)
            abort();
        got = fread(text + length, 1, room - length, file);
        length += got;
    } while (length == room);
    fclose(file);
    *out_length = length;
    return text;
}

#endif
