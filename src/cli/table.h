/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_TABLE_H
#define SPOTOPT_CLI_TABLE_H
#include "doc.h"
#include "text.h"

/* What the terminal can do. */
typedef struct style {
    bool colour;
    bool utf8;
    size_t width; /* columns */
} style;

/* Marks around a text; empty without colour. */
enum { INK_PLAIN, INK_BOLD, INK_DIM, INK_GOOD, INK_BAD };
void ink_on(text *t, const style *s, int ink);
void ink_off(text *t, const style *s, int ink);
void add_ink(text *t, const style *s, int ink, const char *what); /* what is cleaned */

/* A table: set up columns, add cells row by row, print. Left columns may shrink to fit the width;
 * numbers never do. */
enum { TABLE_COLUMNS = 12 };
typedef struct table {
    size_t columns, rows, room;
    const char *title[TABLE_COLUMNS];
    bool is_right[TABLE_COLUMNS];
    char **cells; /* owned */
    size_t filled;
} table;

/* Titles as "pool|nodes>|usd/h>": > marks a column that is aligned right. The text is split in
 * place. */
void table_init(table *t, char *titles);
void table_cell(table *t, const char *what, const style *s);
void table_print(table *t, const style *s, text *out); /* and frees the cells */

/* One function a document kind. */
void print_plan(const cJSON *doc, const style *s, text *out);
void print_packing(const cJSON *doc, const style *s, text *out);
void print_ranking(const cJSON *doc, const style *s, text *out);
void print_drain(const cJSON *doc, const style *s, text *out);
void print_steps(const cJSON *doc, const style *s, text *out); /* waves, a row a step */
/* "and N more WHAT", when there are. */
void print_more(size_t all, size_t shown, const char *what, text *out);
void print_simulation(const cJSON *doc, const style *s, text *out);
void print_funnel(const cJSON *doc, const style *s, text *out);
void print_evaluation(const cJSON *doc, const style *s, text *out);
void print_forecast(const cJSON *doc, const style *s, text *out);
void print_model(const cJSON *doc, const style *s, text *out);
void print_registry(const cJSON *doc, const style *s, text *out);
void print_experiment(const cJSON *doc, const style *s, text *out);
void print_replay(const cJSON *doc, const style *s, text *out);
void print_fleet(const cJSON *doc, const style *s, text *out); /* Fleet... and CleanupReport */

#endif
