/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.c - splits a table into records and fields.
 *
 * Works in place on a copy of one record: a field's end becomes its zero, doubled quotes are
 * squeezed. One pass; memory for the longest record, whatever the length of the text. Stricter than
 * most readers, so that a shifted column never passes for a number: a record must have as many
 * fields as the header, a quote may stand only at a field's start, text must be UTF-8 without
 * control characters.
 */
#include "io/csv.h"

#include <stdarg.h>
#include <stdio.h>

#define VALUE_SHOWN 60 /* bytes of a bad value that a message quotes */

/* Length of the UTF-8 sequence at text, 0 where there is none. */
static size_t
utf8_length(const unsigned char *text, size_t left)
{
    unsigned char c = text[0];
    size_t n = c < 0x80                ? 1
               : c >= 0xC2 && c < 0xE0 ? 2
               : c >= 0xE0 && c < 0xF0 ? 3
               : c >= 0xF0 && c < 0xF5 ? 4
                                       : 0;

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((c == 0xE0 && text[1] < 0xA0) || (c == 0xED && text[1] > 0x9F) ||
        (c == 0xF0 && text[1] < 0x90) || (c == 0xF4 && text[1] > 0x8F))
        return 0;
    return n;
}

static spotopt_status
check_bytes(const spotopt__csv *csv, spotopt_error *err)
{
    const unsigned char *at = (const unsigned char *)csv->from,
                        *end = (const unsigned char *)csv->until;
    size_t line = 1;

    while (at < end) {
        size_t n = utf8_length(at, (size_t)(end - at));

        if (n == 0)
            return spotopt__fail(err, SPOTOPT_E_INPUT,
                                 "%s:%zu: byte 0x%02x is no UTF-8; want UTF-8 text", csv->name,
                                 line, at[0]);
        if ((at[0] < 0x20 && at[0] != '\t' && at[0] != '\n' && at[0] != '\r') || at[0] == 0x7F)
            return spotopt__fail(err, SPOTOPT_E_INPUT,
                                 "%s:%zu: control character 0x%02x; want text", csv->name, line,
                                 at[0]);
        if (at[0] == '\n')
            line++;
        at += n;
    }
    return SPOTOPT_OK;
}

/* Copies the next record: lines up to one after which as many quotes were closed as opened. */
static spotopt_status
copy_record(spotopt__csv *csv, spotopt_error *err)
{
    const char *stop = csv->from;
    bool is_open = false;
    size_t length;

    do {
        const char *line = stop, *end = memchr(line, '\n', (size_t)(csv->until - line)),
                   *quote = line;

        stop = end != NULL ? end + 1 : csv->until;
        while ((quote = memchr(quote, '"', (size_t)(stop - quote))) != NULL) {
            is_open = !is_open;
            quote++;
        }
    } while (is_open && stop < csv->until);
    length = (size_t)(stop - csv->from);
    if (length >= csv->room) {
        size_t room = length + length / 2 + 256;
        char *row = spotopt__resize_array(csv->context, csv->row, room, 1);

        if (row == NULL)
            return spotopt__nomem(err, csv->name);
        csv->row = row;
        csv->room = room;
    }
    memcpy(csv->row, csv->from, length);
    csv->at = csv->row;
    csv->end = csv->row + length;
    return SPOTOPT_OK;
}

/* Splits the record at csv->at into fields. */
static spotopt_status
split(spotopt__csv *csv, spotopt_error *err)
{
    char *at = csv->at, *end = csv->end;

    csv->field_count = 0;
    for (;;) {
        char *start = at, *write = at, stop;

        if (csv->field_count == SPOTOPT__CSV_COLUMNS)
            return spotopt__csv_fail_row(csv, err, "more than %d fields", SPOTOPT__CSV_COLUMNS);
        if (at < end && *at == '"') {
            bool closed = false;
            for (at++; at < end; at++) {
                if (*at == '"') {
                    if (at + 1 < end && at[1] == '"') {
                        at++;
                    } else {
                        closed = true;
                        at++;
                        break;
                    }
                } else if (*at == '\n') {
                    csv->next_line++;
                }
                *write++ = *at;
            }
            if (!closed)
                return spotopt__csv_fail_row(csv, err, "a quoted field has no end; want \"");
            if (at < end && *at != ',' && *at != '\n' &&
                !(*at == '\r' && at + 1 < end && at[1] == '\n') && !(*at == '\r' && at + 1 == end))
                return spotopt__csv_fail_row(csv, err, "text after a quoted field; want a comma");
        } else {
            while (at < end && *at != ',' && *at != '\n') {
                if (*at == '"')
                    return spotopt__csv_fail_row(
                        csv, err, "a quote inside a field; want the whole field quoted");
                at++;
            }
            write = at;
            if (write > start && write[-1] == '\r' && (at == end || *at == '\n'))
                write--;
        }
        if (at < end && *at == '\r')
            at++;
        stop = at < end ? *at : '\n';
        *write = '\0'; /* at most at the stop, which has been read, or at the copy's spare byte */
        csv->field[csv->field_count++] = start;
        if (at < end)
            at++;
        if (stop == '\n')
            break;
    }
    csv->next_line++;
    csv->at = at;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__csv_next(spotopt__csv *csv, bool *out_has, spotopt_error *err)
{
    for (;;) {
        csv->line = csv->next_line;
        if (csv->from >= csv->until) {
            *out_has = false;
            return SPOTOPT_OK;
        }
        if (*csv->from == '\n') {
            csv->from++;
        } else if (*csv->from == '\r' && csv->from + 1 < csv->until && csv->from[1] == '\n') {
            csv->from += 2;
        } else {
            break;
        }
        csv->next_line++;
    }

    spotopt_status status = copy_record(csv, err);
    if (status == SPOTOPT_OK)
        status = split(csv, err);
    if (status != SPOTOPT_OK)
        return status;
    csv->from += csv->at - csv->row;
    if (csv->column_count != 0 && csv->field_count != csv->column_count)
        return spotopt__csv_fail_row(csv, err, "%u fields; want %u, as the header has",
                                     csv->field_count, csv->column_count);
    *out_has = true;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__csv_open(spotopt__csv *csv, spotopt_context *context, const char *text, size_t length,
                  const char *name, spotopt_error *err)
{
    bool has = false;
    spotopt_status status;

    memset(csv, 0, sizeof *csv);
    csv->context = context;
    csv->name = name != NULL ? name : "csv";
    csv->next_line = 1;
    csv->from = length > 0 ? text : "";
    csv->until = csv->from + length;
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        csv->from += 3;

    status = check_bytes(csv, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_next(csv, &has, err);
    if (status != SPOTOPT_OK)
        return status;
    if (!has)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s:1: nothing there; want a header line",
                             csv->name);
    for (uint32_t i = 0; i < csv->field_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(csv->field[i], csv->field[k]) == 0)
                return spotopt__csv_fail_row(csv, err, "column \"%.*s\" is there twice",
                                             VALUE_SHOWN, csv->field[i]);
        }
        csv->column[i] = csv->field[i];
    }
    csv->column_count = csv->field_count;
    csv->head = csv->row; /* its fields stay */
    csv->row = NULL;
    csv->room = 0;
    return SPOTOPT_OK;
}

void
spotopt__csv_close(spotopt__csv *csv)
{
    spotopt__free(csv->context, csv->head);
    spotopt__free(csv->context, csv->row);
    csv->head = csv->row = NULL;
}

uint32_t
spotopt__csv_column(const spotopt__csv *csv, const char *column)
{
    for (uint32_t i = 0; i < csv->column_count; i++) {
        if (strcmp(csv->column[i], column) == 0)
            return i;
    }
    return SPOTOPT__NONE;
}

spotopt_status
spotopt__csv_need(const spotopt__csv *csv, const char *column, uint32_t *out, spotopt_error *err)
{
    *out = spotopt__csv_column(csv, column);
    if (*out == SPOTOPT__NONE)
        return spotopt__csv_fail_row(csv, err, "no column %s; want one", column);
    return SPOTOPT_OK;
}

void
spotopt__csv_warn_unknown(const spotopt__csv *csv, const char *const *known)
{
    const char *first = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i < csv->column_count; i++) {
        const char *const *k = known;
        while (*k != NULL && strcmp(*k, csv->column[i]) != 0)
            k++;
        if (*k != NULL)
            continue;
        if (count++ == 0)
            first = csv->column[i];
    }
    if (count == 1)
        spotopt__log(csv->context, SPOTOPT_LOG_WARNING,
                     "%s: unknown column \"%.*s\" is not looked at", csv->name, VALUE_SHOWN, first);
    else if (count > 1)
        spotopt__log(csv->context, SPOTOPT_LOG_WARNING,
                     "%s: unknown column \"%.*s\" and %u more are not looked at", csv->name,
                     VALUE_SHOWN, first, count - 1);
}

const char *
spotopt__csv_text(const spotopt__csv *csv, uint32_t column)
{
    return column == SPOTOPT__NONE ? "" : csv->field[column];
}

spotopt_status
spotopt__csv_fail(const spotopt__csv *csv, uint32_t column, const char *want, spotopt_error *err)
{
    const char *text = spotopt__csv_text(csv, column);
    size_t length = strlen(text), shown = length;

    if (length > VALUE_SHOWN) {
        for (shown = VALUE_SHOWN; shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80; shown--)
            ;
    }
    return spotopt__fail(err, SPOTOPT_E_INPUT, "%s:%zu: %s is \"%.*s%s\"; want %s", csv->name,
                         csv->line, column == SPOTOPT__NONE ? "a field" : csv->column[column],
                         (int)shown, text, shown < length ? "..." : "", want);
}

spotopt_status
spotopt__csv_fail_row(const spotopt__csv *csv, spotopt_error *err, const char *format, ...)
{
    char message[SPOTOPT_ERROR_MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return spotopt__fail(err, SPOTOPT_E_INPUT, "%s:%zu: %s", csv->name, csv->line, message);
}

spotopt_status
spotopt__csv_real(const spotopt__csv *csv, uint32_t column, double least, double most,
                  const char *want, double *out, spotopt_error *err)
{
    const char *text = spotopt__csv_text(csv, column);
    double value;

    if (text[0] == '\0') {
        *out = NAN;
        return SPOTOPT_OK;
    }
    if (!spotopt__parse_real(text, strlen(text), &value) || !(value >= least && value <= most))
        return spotopt__csv_fail(csv, column, want, err);
    *out = value + 0.0; /* -0 becomes 0 */
    return SPOTOPT_OK;
}

spotopt_status
spotopt__csv_int(const spotopt__csv *csv, uint32_t column, int64_t least, int64_t most,
                 const char *want, int64_t empty, int64_t *out, spotopt_error *err)
{
    const char *text = spotopt__csv_text(csv, column);
    double value;

    if (text[0] == '\0') {
        *out = empty;
        return SPOTOPT_OK;
    }
    /* "2.0" and "1e3" are whole numbers too; spreadsheets write them. */
    if (!spotopt__parse_real(text, strlen(text), &value) || value != floor(value) ||
        !(fabs(value) < 0x1p53) || (int64_t)value < least || (int64_t)value > most)
        return spotopt__csv_fail(csv, column, want, err);
    *out = (int64_t)value;
    return SPOTOPT_OK;
}
