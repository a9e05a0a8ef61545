/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.c - completion scripts for bash, zsh and fish, from the tables.
 */
#include <string.h>

#include "run.h"

static void
add_words(text *out, const verb *v)
{
    const flag *f;

    for (size_t i = 0; (f = verb_flag(v, i)) != NULL; i++)
        text_addf(out, "--%s ", f->name);
    text_add(out, "--help");
}

static void
add_bash(text *out)
{
    text_add(out, "# bash completion of spotopt\n_spotopt()\n{\n    local "
                  "word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}\n"
                  "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        "
                  "COMPREPLY=($(compgen -W \"");
    for (const verb *v = verbs; v->name != NULL; v++)
        text_addf(out, "%s ", v->name);
    text_add(out, "\" -- \"$word\"))\n        return\n    fi\n    case $last in\n");
    for (const flag *f = common_flags; f->name != NULL; f++) {
        if (f->words != NULL)
            text_addf(out,
                      "    -%c | --%s) COMPREPLY=($(compgen -W \"%s\" -- \"$word\")); return ;;\n",
                      f->letter, f->name, f->words);
    }
    text_add(out, "    esac\n    if [[ $word != -* ]]; then\n        COMPREPLY=($(compgen -f -- "
                  "\"$word\"))\n        return\n    fi\n"
                  "    case ${COMP_WORDS[1]} in\n");
    for (const verb *v = verbs; v->name != NULL; v++) {
        text_addf(out, "    %s) COMPREPLY=($(compgen -W \"", v->name);
        add_words(out, v);
        text_add(out, "\" -- \"$word\")) ;;\n");
    }
    text_add(out, "    esac\n}\ncomplete -o filenames -F _spotopt spotopt\n");
}

/* Text within single quotes, brackets and colons kept from zsh. */
static void
add_quoted(text *out, const char *what)
{
    for (; *what != '\0'; what++) {
        if (*what == '\'')
            text_add(out, "'\\''");
        else if (strchr("[]:\\", *what) != NULL)
            text_addf(out, "\\%c", *what);
        else
            text_add_n(out, what, 1);
    }
}

static void
add_zsh(text *out)
{
    text_add(out, "#compdef spotopt\n_spotopt() {\n    local -a verbs\n    verbs=(\n");
    for (const verb *v = verbs; v->name != NULL; v++) {
        text_addf(out, "        '%s:", v->name);
        add_quoted(out, v->summary);
        text_add(out, "'\n");
    }
    text_add(out, "    )\n    if (( CURRENT == 2 )); then\n        _describe verb verbs\n        "
                  "return\n    fi\n    case $words[2] in\n");
    for (const verb *v = verbs; v->name != NULL; v++) {
        const flag *f;

        text_addf(out, "    %s) shift words; (( CURRENT-- )); _arguments", v->name);
        for (size_t i = 0; (f = verb_flag(v, i)) != NULL; i++) {
            text_addf(out, " \\\n        '%s--%s[", strcmp(f->name, "set") == 0 ? "*" : "",
                      f->name);
            add_quoted(out, f->help);
            text_add(out, "]");
            if (f->words != NULL)
                text_addf(out, ":%s:(%s)", f->value, f->words);
            else if (f->value != NULL)
                text_addf(out, ":value:%s",
                          strcmp(f->value, "FILE") == 0 || strcmp(f->value, "PLAN") == 0 ? "_files"
                                                                                         : " ");
            text_add(out, "'");
        }
        text_add(out, " '*:file:_files' ;;\n");
    }
    text_add(out, "    esac\n}\ncompdef _spotopt spotopt\n");
}

static void
add_fish(text *out)
{
    for (const verb *v = verbs; v->name != NULL; v++) {
        const flag *f;

        text_addf(out, "complete -c spotopt -n __fish_use_subcommand -f -a %s -d '%s'\n", v->name,
                  v->summary);
        for (size_t i = 0; (f = verb_flag(v, i)) != NULL; i++) {
            text_addf(out, "complete -c spotopt -n '__fish_seen_subcommand_from %s' -l %s", v->name,
                      f->name);
            if (f->letter != 0)
                text_addf(out, " -s %c", f->letter);
            if (f->words != NULL)
                text_addf(out, " -x -a '%s'", f->words);
            else if (f->value != NULL)
                text_add(out, " -r");
            text_add(out, " -d '");
            for (const char *c = f->help; *c != '\0'; c++)
                text_addf(out, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
            text_add(out, "'\n");
        }
    }
}

int
cmd_completion(const args *a)
{
    static const struct {
        const char *shell;
        void (*add)(text *out);
    } shells[] = {{"bash", add_bash}, {"zsh", add_zsh}, {"fish", add_fish}};
    text out = {0};
    int status;

    for (size_t i = 0; a->operand_count == 1 && i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(a->operands[0], shells[i].shell) == 0) {
            shells[i].add(&out);
            status = deliver_text(NULL, out.at, out.length);
            text_free(&out);
            return status;
        }
    }
    say("completion: want one of: bash zsh fish");
    return EXIT_USAGE;
}
