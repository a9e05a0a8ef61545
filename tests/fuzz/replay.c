/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - feeds every file of the directories on the command line to a fuzz driver, in the order
 * of their names, each also cut in half, so that ends in the middle are met. Fails when there was
 * nothing to feed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly the size, so that a sanitizer sees a read beyond it. */
static void
feed(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);

    if (exact == NULL)
        exit(2);
    memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int
feed_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    size = fread(data, 1, sizeof data, file);
    (void)fclose(file);
    feed(data, size);
    feed(data, size / 2);
    return 0;
}

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int
main(int count, char **arguments)
{
    size_t fed = 0, failed = 0;

    for (int i = 1; i < count; i++) {
        struct dirent **entries = NULL;
        const int found = scandir(arguments[i], &entries, is_visible, alphasort);

        for (int k = 0; k < found; k++) {
            char path[4096];

            (void)snprintf(path, sizeof path, "%s/%s", arguments[i], entries[k]->d_name);
            failed += feed_file(path) != 0;
            fed++;
            free(entries[k]);
        }
        free(entries);
    }
    printf("%zu files replayed\n", fed);
    return fed == 0 || failed > 0 ? 1 : 0;
}
