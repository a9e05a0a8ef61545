/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_FLEET_CLEAN_H
#define SPOTOPT_CLI_FLEET_CLEAN_H
#include "doc.h"
#include "run.h"

/* What governance and storage look at. */
typedef struct cleaning {
    spotopt_cleanup_params params;
    spotopt_inventory *inventory;
    spotopt_cleanup *cleanup;
    text globs;
    const char **allow;
} cleaning;

/* Reads the flags and --inventory. 0, or the status to leave with, said; then nothing needs closing. */
int cleaning_open(cleaning *c, const session *s, const args *a, const char *part);
/* Looks, anew if it did before. ledger: NULL for none. */
int cleaning_find(cleaning *c, const spotopt_ledger *ledger);
void cleaning_close(cleaning *c);

/* What an approved item is handed to. */
typedef struct actor {
    const char *name; /* told in the answer */
    int32_t (*act)(void *user, const spotopt_cleanup_item *item); /* 0: it worked */
    void *user;
} actor;

/* The parts of the verb; each gives the status to leave with. */
int clean_report(const session *s, const args *a, const char *part);
int clean_step(const session *s, const args *a, const char *part, const char *step);
int order_step(const session *s, const args *a, const char *step);

/* Prints a document with what was done as its member "step". Takes step. */
int deliver_step(const session *s, const char *json, size_t length, cJSON *step);

#endif
