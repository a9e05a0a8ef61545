/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_STORE_SCHEMA_H
#define SPOTOPT_STORE_SCHEMA_H
/* Which table a row of the ledger goes to, and which of its fields become columns. */
#include "store/db.h"

#define SPOTOPT__STORE_FIELDS 14

typedef struct spotopt__row_type {
    const char *type;  /* as the row says it */
    const char *table;
    struct {
        char kind; /* t: text, r: number, i: whole number, b: yes or no; capital: wanted; 0: the end */
        const char *key; /* of the row, and the column's name */
    } fields[SPOTOPT__STORE_FIELDS];
} spotopt__row_type;

#define SPOTOPT__STORE_TYPES 16
extern const spotopt__row_type spotopt__row_types[SPOTOPT__STORE_TYPES];

/* The measures, in the order of their columns and of spotopt_store_metrics. */
typedef struct spotopt__measure {
    const char *key;
    double most;
} spotopt__measure;
extern const spotopt__measure spotopt__measures[];

#endif
