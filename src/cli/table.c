/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - text tables: columns as wide as their cells, numbers to the right, names shortened
 * where a line is too long.
 */
#include <stdlib.h>
#include <string.h>

#include "table.h"

static const char *const ink_codes[] = {"", "\033[1m", "\033[2m", "\033[1;32m", "\033[1;31m"};

void
ink_on(text *t, const style *s, int ink)
{
    if (s->colour && ink != INK_PLAIN)
        text_add(t, ink_codes[ink]);
}

void
ink_off(text *t, const style *s, int ink)
{
    if (s->colour && ink != INK_PLAIN)
        text_add(t, "\033[0m");
}

void
add_ink(text *t, const style *s, int ink, const char *what)
{
    ink_on(t, s, ink);
    text_add_clean(t, what, s->utf8);
    ink_off(t, s, ink);
}

void
table_init(table *t, char *titles)
{
    *t = (table){0};
    for (char *title = titles; title != NULL && t->columns < TABLE_COLUMNS; t->columns++) {
        char *next = strchr(title, '|');

        if (next != NULL)
            *next++ = '\0';
        t->title[t->columns] = title;
        if (*title != '\0' && title[strlen(title) - 1] == '>') {
            title[strlen(title) - 1] = '\0';
            t->is_right[t->columns] = true;
        }
        title = next;
    }
}

void
table_cell(table *t, const char *what, const style *s)
{
    text clean = {0};

    if (t->filled == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->cells = need(t->cells, t->room * sizeof *t->cells);
    }
    text_add(&clean, "");
    text_add_clean(&clean, what, s->utf8);
    t->cells[t->filled++] = clean.at;
    t->rows = t->filled / t->columns;
}

/* The bytes of the first `width` characters. */
static size_t
bytes_of(const char *what, size_t width)
{
    size_t at = 0;

    while (width-- > 0 && what[at] != '\0') {
        const size_t n = utf8_length(what + at);

        at += n ? n : 1;
    }
    return at;
}

static void
pad(text *out, size_t n)
{
    while (n-- > 0)
        text_add_n(out, " ", 1);
}

static void
add_padded(text *out, const style *s, const char *what, size_t width, bool is_right, bool is_last)
{
    const size_t taken = text_width(what);

    if (taken > width) { /* names differ at their ends as well: they lose their middle */
        const size_t tail = strchr(what, ' ') == NULL ? (width - 1) / 2 : 0;

        text_add_n(out, what, bytes_of(what, width - 1 - tail));
        text_add(out, s->utf8 ? "\xE2\x80\xA6" : "~");
        text_add(out, what + bytes_of(what, taken - tail));
        return;
    }
    if (is_right)
        pad(out, width - taken);
    text_add(out, what);
    if (!is_right && !is_last)
        pad(out, width - taken);
}

void
table_print(table *t, const style *s, text *out)
{
    size_t width[TABLE_COLUMNS], total = 2;

    for (size_t c = 0; c < t->columns; c++) {
        width[c] = text_width(t->title[c]);
        for (size_t r = 0; r < t->rows; r++) {
            const size_t w = text_width(t->cells[r * t->columns + c]);

            width[c] = w > width[c] ? w : width[c];
        }
        total += width[c] + (c > 0 ? 2 : 0);
    }
    while (total > s->width) { /* the widest of the names gives way, a column at a time */
        size_t widest = t->columns;

        for (size_t c = 0; c < t->columns; c++) {
            if (!t->is_right[c] && width[c] > 8 &&
                (widest == t->columns || width[c] > width[widest]))
                widest = c;
        }
        if (widest == t->columns)
            break;
        width[widest]--;
        total--;
    }
    for (size_t r = 0; r <= t->rows; r++) {
        text_add(out, "  ");
        ink_on(out, s, r == 0 ? INK_DIM : INK_PLAIN);
        for (size_t c = 0; c < t->columns; c++) {
            if (c > 0)
                text_add(out, "  ");
            add_padded(out, s, r == 0 ? t->title[c] : t->cells[(r - 1) * t->columns + c], width[c],
                       t->is_right[c], c + 1 == t->columns);
        }
        ink_off(out, s, r == 0 ? INK_DIM : INK_PLAIN);
        while (out->at[out->length - 1] == ' ')
            out->length--;
        text_add(out, "\n");
    }
    for (size_t i = 0; i < t->filled; i++)
        free(t->cells[i]);
    free(t->cells);
    t->cells = NULL;
}
