/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.c - a document from a file or standard input, unpacked on the way when it is gzip.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "run.h"

/* What is larger is no cluster; and a few bytes of gzip can unpack to anything. */
#define INPUT_MOST ((size_t)2 << 30)

static int
open_path(const char *path)
{
    static bool stdin_was_read;
    struct stat about;
    int fd;

    if (strcmp(path, "-") == 0) {
        if (stdin_was_read) {
            say("only one input can be \"-\"");
            return -1;
        }
        stdin_was_read = true;
        return dup(STDIN_FILENO);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        say("%s: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode)) {
        say("%s: is a directory", path);
        close(fd);
        return -1;
    }
    return fd;
}

int
input_read(input *in, const char *path)
{
    size_t room = 1 << 16;
    const int fd = open_path(path);
    gzFile file;
    int got, status = EXIT_INPUT;

    *in = (input){NULL, 0, strcmp(path, "-") == 0 ? "standard input" : path};
    if (fd < 0)
        return EXIT_INPUT;
    file = gzdopen(fd, "rb"); /* reads what is not gzip as it is */
    if (file == NULL) {
        close(fd);
        say("%s: out of memory", in->name);
        return EXIT_FAULT;
    }
    gzbuffer(file, 1 << 17);
    in->text = need(NULL, room);
    for (;;) {
        if (in->length + 1 == room)
            in->text = need(in->text, room *= 2);
        got = gzread(file, in->text + in->length,
                     (unsigned)(room - in->length - 1 < 1 << 30 ? room - in->length - 1 : 1 << 30));
        if (got <= 0)
            break;
        in->length += (size_t)got;
        if (in->length > INPUT_MOST)
            break;
    }
    in->text[in->length] = '\0';
    if (in->length > INPUT_MOST) {
        say("%s: larger than 2 GiB", in->name);
    } else if (got < 0) {
        int code;
        const char *why = gzerror(file, &code);

        say("%s: %s", in->name, code == Z_ERRNO ? strerror(errno) : why);
    } else {
        status = 0;
    }
    if (gzclose(file) == Z_BUF_ERROR && status == 0) {
        say("%s: the gzip data ends early", in->name);
        status = EXIT_INPUT;
    }
    if (status != 0)
        input_free(in);
    return status;
}

void
input_free(input *in)
{
    free(in->text);
    in->text = NULL;
    in->length = 0;
}
