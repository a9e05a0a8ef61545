/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.c - prints docs/options.md and docs/errors.md from what the library says of itself.
 *
 * `tables options` and `tables errors` write a page each to standard output; a test compares them
 * with the committed ones. A status that the library names and this file does not ends the program
 * with 1, so that no page can lack one.
 */
#include <spotopt/spotopt.h>
#include <stdio.h>
#include <string.h>

typedef struct error_row {
    spotopt_status status;
    const char *name, *means, *exit, *todo;
} error_row;

static const error_row rows[] = {
    {SPOTOPT_OK, "SPOTOPT_OK", "the call did what it says", "0, or 1 where the answer is no", ""},
    {SPOTOPT_E_NOMEM, "SPOTOPT_E_NOMEM", "the context's allocator returned NULL", "4",
     "give memory back and call again; nothing was changed"},
    {SPOTOPT_E_ARGUMENT, "SPOTOPT_E_ARGUMENT",
     "an argument is NULL where it may not be, or out of its range", "2", "correct the call"},
    {SPOTOPT_E_STATE, "SPOTOPT_E_STATE",
     "the object does not allow the call any more: a problem that was solved takes nothing new",
     "4", "make a new object"},
    {SPOTOPT_E_VERSION, "SPOTOPT_E_VERSION",
     "a struct's size is larger than this library knows and the part beyond is not zero, or a "
     "reserved field is not 0",
     "4", "load a newer library, or leave the newer fields zero"},
    {SPOTOPT_E_INPUT, "SPOTOPT_E_INPUT", "a document is not what its format says", "3",
     "correct the document at the place that the message names; nothing of it was kept"},
    {SPOTOPT_E_MISMATCH, "SPOTOPT_E_MISMATCH",
     "a plan was made from other inputs than those given to check it", "3",
     "give the inputs that the plan's `inputs` name by their SHA-256"},
    {SPOTOPT_E_STORE, "SPOTOPT_E_STORE",
     "a database is out of reach, refused, or is not what was wanted (libspotopt-store alone)", "3",
     "do what the message says, then call again: nothing was written, and the store can be used on"},
    {SPOTOPT_E_PEER, "SPOTOPT_E_PEER",
     "a server gave no whole answer: out of reach, broken off, too slow, too large, not to be "
     "trusted (libspotopt-net alone)",
     "3",
     "do what the message says, then call again; a request that changes something may have "
     "arrived"},
    {SPOTOPT_E_CANCELLED, "SPOTOPT_E_CANCELLED",
     "a callback asked to stop before there was any answer. Solves return the best they have "
     "instead; calls over a network return this",
     "1", "call again"},
    {SPOTOPT_E_INTERNAL, "SPOTOPT_E_INTERNAL",
     "a defect, or a fault of a library underneath (GLPK)", "4",
     "report it with the inputs; the object may be freed as usual"},
};

static int
print_options(void)
{
    spotopt_option_info info = SPOTOPT_OPTION_INFO_INIT;

    puts("# Options\n\n"
         "<!-- Made by docs/tables.c from the library's option table. Do not edit. -->\n\n"
         "Every long call takes a `spotopt_options`. Set one with `spotopt_options_set_real()`,\n"
         "`_set_int()` or `_set_text()`, with `--set key=value` on the command line, or as a\n"
         "keyword argument in Python. An unknown key is refused and the nearest one named.\n\n"
         "| option | type | default | least | most | unit | since | what it does |\n"
         "|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < spotopt_option_count(); i++) {
        if (spotopt_option_at(i, &info, NULL) != SPOTOPT_OK)
            return 1;
        printf("| `%s` | %s | %.17g | %.17g | %.17g | %s | %s | %s |\n", info.key,
               info.type == SPOTOPT_OPT_INT ? "whole" : "real", info.default_value, info.min_value,
               info.max_value, info.unit, info.since, info.help);
    }
    puts(
        "\n"
        "`--seed`, `--deadline`, `--work` and `--threads` are `seed`, `deadline_s`, `work` and\n"
        "`threads` under shorter names. In a plan, `gap_rel`, `deadline_s` and `seed` come from\n"
        "the options where they are set, else from the policy's `solver`, else from the table;\n"
        "`work`, where it is not set, is a budget that grows with the pods and takes about a\n"
        "second for a few hundred of them, 0 lifts it.\n\n"
        "`deadline_s` is wall clock, so two runs that it cuts short may differ; `cut_short` in "
        "the\n"
        "document's `stats` tells. `work` cuts at the same place on every machine. A call that is\n"
        "past its deadline finishes the step it is in: the deadline is a wish of some\n"
        "milliseconds' precision, not a hard limit.");
    return 0;
}

static const char *
escape(char c)
{
    static char one[2];

    one[0] = c;
    return c == '|' ? "\\|" : one;
}

static void
print_cell(const char *text)
{
    for (; *text != '\0'; text++)
        fputs(escape(*text), stdout);
}

static int
print_errors(void)
{
    const size_t count = sizeof rows / sizeof *rows;
    const char *unknown = spotopt_status_text(1);

    for (spotopt_status status = 0; status > -1000; status--) {
        size_t i = 0;

        while (i < count && rows[i].status != status)
            i++;
        if ((i < count) != (strcmp(spotopt_status_text(status), unknown) != 0)) {
            fprintf(stderr, "tables: status %d: the library and docs/tables.c differ\n",
                    (int)status);
            return 1;
        }
    }
    puts(
        "# Errors\n\n"
        "<!-- Made by docs/tables.c. Do not edit. -->\n\n"
        "A function that can fail returns a `spotopt_status`: 0, or one of these. Its last\n"
        "parameter takes a `spotopt_error`, owned by the caller, for the status and one line of\n"
        "text; NULL where that is unwanted. On failure outputs are not written and arguments\n"
        "mean what they meant. What a solver *found* is another question: see `outcome` in\n"
        "[formats.md](formats.md).\n\n"
        "| status | number | `spotopt_status_text()` | what it means | what to do | exit status |\n"
        "|---|---|---|---|---|---|");
    for (size_t i = 0; i < count; i++) {
        printf("| `%s` | %d | %s | ", rows[i].name, (int)rows[i].status,
               spotopt_status_text(rows[i].status));
        print_cell(rows[i].means);
        printf(" | ");
        print_cell(rows[i].todo);
        printf(" | %s |\n", rows[i].exit);
    }
    puts(
        "\n"
        "A number is never used twice. A caller that meets one it does not know treats it as a\n"
        "failure: every negative status is one.\n\n"
        "## Messages\n\n"
        "A message is one line of UTF-8 and names the item, what it is and what was wanted:\n\n"
        "    catalog.csv:17: on_demand_usd_per_hour is \"-1\"; want a price >= 0\n"
        "    problem.json: /demands/3/request/1: want a number >= 0\n\n"
        "JSON places are JSON pointers; syntax errors and CSV give the line. Texts from a\n"
        "document are quoted and shortened; control characters come out as `\\n` or `\\x1b`. What\n"
        "is longer than 511 bytes loses its middle.\n\n"
        "## Exit status of the command\n\n"
        "| exit status | when |\n"
        "|---|---|\n"
        "| 0 | done |\n"
        "| 1 | the answer is no: a pod finds no place, a problem is infeasible, a drain is blocked "
        "or loses a pod, no pool is left, `--check` found faults, or Ctrl-C came before there was "
        "an answer |\n"
        "| 2 | the command line is wrong |\n"
        "| 3 | a document is bad, cannot be read, or belongs to other inputs |\n"
        "| 4 | out of memory, cannot write, or an internal fault |");
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "options") == 0)
        return print_options();
    if (argc == 2 && strcmp(argv[1], "errors") == 0)
        return print_errors();
    fputs("usage: tables options|errors\n", stderr);
    return 2;
}
