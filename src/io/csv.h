/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_IO_CSV_H
#define SPOTOPT_IO_CSV_H
#include "base/base.h"

/*
 * Tables with a header line: RFC 4180 quoting, LF or CRLF, columns by name in any order, UTF-8 (a mark at the start is
 * passed over), blank lines skipped. Fields are zero-ended and live until the next record is read, columns until
 * spotopt__csv_close(); the text is borrowed until then.
 *
 *   while ((status = spotopt__csv_next(&csv, &has, err)) == SPOTOPT_OK && has) ...
 */
#define SPOTOPT__CSV_COLUMNS 256

typedef struct spotopt__csv {
    spotopt_context *context;
    const char *name; /* of the document */
    const char *from, *until; /* what is still to be read */
    char *head, *row;         /* copies of the header and of the current record */
    size_t room;              /* of row */
    char *at, *end;           /* the record being split */
    size_t line, next_line; /* where the current record starts, and the next one */
    const char *column[SPOTOPT__CSV_COLUMNS];
    const char *field[SPOTOPT__CSV_COLUMNS];
    uint32_t column_count, field_count;
} spotopt__csv;

/* Reads the header. Close it also after a failure. */
spotopt_status spotopt__csv_open(spotopt__csv *csv, spotopt_context *context, const char *text, size_t length,
                                 const char *name, spotopt_error *err);
void spotopt__csv_close(spotopt__csv *csv);
spotopt_status spotopt__csv_next(spotopt__csv *csv, bool *out_has, spotopt_error *err);

/* Index of a column, or SPOTOPT__NONE. _need fails where it is missing. */
uint32_t spotopt__csv_column(const spotopt__csv *csv, const char *column);
spotopt_status spotopt__csv_need(const spotopt__csv *csv, const char *column, uint32_t *out, spotopt_error *err);
/* Names the columns outside the NULL-ended list in one warning to the log. */
void spotopt__csv_warn_unknown(const spotopt__csv *csv, const char *const *known);

/* The field of the current record; "" where the column is SPOTOPT__NONE. */
const char *spotopt__csv_text(const spotopt__csv *csv, uint32_t column);
/* NaN where empty; else in [least, most], or SPOTOPT_E_INPUT with "want <want>". */
spotopt_status spotopt__csv_real(const spotopt__csv *csv, uint32_t column, double least, double most,
                                 const char *want, double *out, spotopt_error *err);
/* `empty` where empty; else a whole number in [least, most]. */
spotopt_status spotopt__csv_int(const spotopt__csv *csv, uint32_t column, int64_t least, int64_t most,
                                const char *want, int64_t empty, int64_t *out, spotopt_error *err);
/* `catalog.csv:17: on_demand_usd_per_hour is "-1"; want a price >= 0` */
spotopt_status spotopt__csv_fail(const spotopt__csv *csv, uint32_t column, const char *want, spotopt_error *err);
/* `catalog.csv:17: <message>` */
spotopt_status spotopt__csv_fail_row(const spotopt__csv *csv, spotopt_error *err, const char *format, ...)
    SPOTOPT_PRINTF(3, 4);

#endif
