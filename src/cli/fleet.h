/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_FLEET_H
#define SPOTOPT_CLI_FLEET_H
#include "doc.h"
#include "table.h"

/*
 * A list of a Fleet document as rows and columns: the same for terminals, pages and CSV. Formats: t text, m moment,
 * u USD, r price, p share as percent, n count, x number, l list of texts, L one that terminals leave out. Columns of numbers
 * show to the right.
 */
enum { GRID_COLUMNS = 12, GRIDS = 4 };
typedef struct grid_column {
    const char *title, *path;
    char format;
} grid_column;
typedef struct grid {
    const char *heading;
    const char *list; /* path of the rows; "" and "/..." are made by grid_rows() */
    grid_column columns[GRID_COLUMNS];
} grid;
typedef struct fleet_kind {
    const char *kind, *title;
    grid grids[GRIDS]; /* the first one is the CSV */
} fleet_kind;

/* NULL where the document is of no such kind. */
const fleet_kind *fleet_kind_of(const cJSON *doc);
/* The rows of a grid; what they need that is not of the document hangs on *made (cJSON_Delete). */
const cJSON *grid_rows(const cJSON *doc, const grid *g, cJSON **made);
/* A cell for people; "-" where unknown. */
void grid_cell(const cJSON *row, const grid_column *c, text *out);
/* What a step did, in a sentence; "" where the document is of no step. */
void step_sentence(const cJSON *doc, text *out);
/* The items of a CleanupReport: those of its step, else all. To be deleted. */
cJSON *items_of_step(const cJSON *doc);
/* The whole first grid with full precision. */
void csv_fleet(const cJSON *doc, text *out);
figure show_stamp(const char *rfc3339); /* 2026-11-02 09:00 */

void chart_savings(text *out, const cJSON *entry, const char *id, const char *title);
void chart_topology(text *out, const cJSON *cluster, size_t place);

#endif
