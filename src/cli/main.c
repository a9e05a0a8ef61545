/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - finds the verb and hands over.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "args.h"
#include "run.h"
#include "spotopt/version.h"

static int
show_help(const verb *v)
{
    text out = {0};
    int status;

    if (v != NULL)
        help_verb(v, &out);
    else
        help_all(&out);
    status = deliver_text(NULL, out.at, out.length);
    text_free(&out);
    return status;
}

int
cmd_version(const args *a)
{
    char line[64];

    (void)a;
    fit(line, sizeof line, "spotopt %s\n", spotopt_version());
    return deliver_text(NULL, line, strlen(line));
}

static int
unknown_verb(const char *word)
{
    const char *near = nearest(word, verb_name_at, NULL);

    if (near != NULL)
        say("unknown verb \"%s\"; did you mean %s?", word, near);
    else
        say("unknown verb \"%s\"; see 'spotopt help'", word);
    return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    const verb *v;
    args a;

    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, told as one */
    if (argc < 2) {
        say("what is to be done? See 'spotopt help'");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return show_help(NULL);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return cmd_version(NULL);
    v = verb_find(argv[1]);
    if (v == NULL)
        return unknown_verb(argv[1]);
    if (!args_parse(&a, v, argc, argv))
        return EXIT_USAGE;
    return a.wants_help ? show_help(v) : v->run(&a);
}
