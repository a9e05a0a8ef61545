/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_ARGS_H
#define SPOTOPT_CLI_ARGS_H
#include "cli.h"
#include "text.h"

/* A flag is described once; parsing, --help, man pages and completion follow the table. */
typedef struct flag {
    const char *name;  /* "cluster" for --cluster */
    char letter;       /* 'o' for -o; 0: none */
    const char *value; /* "FILE", what follows it; NULL: nothing does; "FILE ...": may be repeated */
    const char *words; /* the words it takes, "table json"; NULL: any text */
    const char *help;  /* one sentence without its full stop */
} flag;

enum {
    FLAGS_MAX = 40, /* of a verb and the common ones together */
    SETS_MAX = 64,  /* --set may be repeated */
    MANY_MAX = 32   /* and so may a flag of the verb */
};

struct args;
typedef struct verb {
    const char *name;
    const char *operands; /* "PROBLEM", "FILE...", "" */
    const char *summary;  /* one line */
    const char *text;     /* a paragraph or two for --help and the man page */
    const char *example;
    const flag *flags; /* ends with a nameless one */
    bool has_common;   /* takes the flags that mean the same in every verb */
    int (*run)(const struct args *args);
} verb;

/* A command line taken apart. Texts belong to argv. */
typedef struct args {
    const verb *verb;
    const char *value[FLAGS_MAX]; /* by place in the verb's flags, then the common ones; "" for a
                                     bare flag */
    const char *set[SETS_MAX];
    size_t set_count;
    const char *many[MANY_MAX]; /* of the flag that may be repeated */
    size_t many_count;
    char **operands;
    size_t operand_count;
    bool wants_help;
} args;

extern const verb verbs[]; /* ends with a nameless one */
extern const flag common_flags[];

const verb *verb_find(const char *name);
/* The flag at a place of the verb's own and the common ones; NULL past the end. */
const flag *verb_flag(const verb *v, size_t place);
/* The value of a flag, NULL when it was not given. The name must be in the tables. */
const char *arg(const args *a, const char *name);
/* Takes argv[2..] apart. False, with a message said, when the line is wrong. */
bool args_parse(args *a, const verb *v, int argc, char **argv);
/* The nearest of the names, or NULL when none is near. */
const char *nearest(const char *word, const char *(*name_at)(const void *of, size_t place),
                    const void *of);
const char *verb_name_at(const void *unused, size_t place);

void help_verb(const verb *v, text *out);
void help_all(text *out);
void man_verb(const verb *v, text *out); /* NULL: spotopt(1) */

/* Whether a word stands in a list that is parted by blanks. */
bool has_word(const char *words, const char *word);
/* A number in the C locale, the whole text. */
bool read_number(const char *what, double *out);
/* RFC 3339 in UTC or with an offset, or seconds. */
bool read_time(const char *what, double *out);

int cmd_completion(const args *a);
int cmd_drain(const args *a);
int cmd_experiment(const args *a);
int cmd_fleet(const args *a);
int cmd_funnel(const args *a);
int cmd_help(const args *a);
int cmd_notices(const args *a);
int cmd_pack(const args *a);
int cmd_plan(const args *a);
int cmd_rank(const args *a);
int cmd_replay(const args *a);
int cmd_risk(const args *a);
int cmd_show(const args *a);
int cmd_version(const args *a);

#endif
