/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_risk.c - forecasts and models, as tables and pages.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "html.h"
#include "table.h"

enum { ROWS_MOST = 500 };

/* The flags with blanks between. */
static void
add_flags(const cJSON *pool, text *out)
{
    out->length = 0;
    text_add(out, "");
    for (const cJSON *flag = doc_list(pool, "flags"); flag != NULL; flag = flag->next) {
        text_add(out, out->length > 0 ? " " : "");
        text_add(out, cJSON_IsString(flag) ? flag->valuestring : "");
    }
}

/* What raises and what lowers the risk most, "recency +1.2, rate -0.3". */
static void
add_reasons(const cJSON *pool, text *out)
{
    const cJSON *most[2] = {NULL, NULL};

    out->length = 0;
    text_add(out, "");
    for (const cJSON *group = doc_fields(pool, "explanation.groups"); group != NULL;
         group = group->next) {
        for (int i = 0; i < 2; i++) {
            if (most[i] == NULL || fabs(doc_value(group)) > fabs(doc_value(most[i]))) {
                if (i == 0)
                    most[1] = most[0];
                most[i] = group;
                break;
            }
        }
    }
    for (int i = 0; i < 2 && most[i] != NULL; i++) {
        char number[48];

        snprintf(number, sizeof number, " %+.2f", doc_value(most[i]));
        text_add(out, i > 0 ? ", " : "");
        text_add(out, most[i]->string);
        text_add(out, number);
    }
}

/* "12 % (10-15)" of an item [p, low, high]. */
static void
put_interval(char *out, size_t size, const cJSON *triple)
{
    const cJSON *p = triple != NULL ? triple->child : NULL, *low = p != NULL ? p->next : NULL,
                *high = low != NULL ? low->next : NULL;

    snprintf(out, size, "-");
    if (high != NULL)
        snprintf(out, size, "%s (%.0f-%.0f)", show_chance(doc_value(p)).at, 100.0 * doc_value(low),
                 100.0 * doc_value(high));
}

void
print_forecast(const cJSON *doc, const style *s, text *out)
{
    char titles[256] = "pool", cell[96];
    size_t used = strlen(titles), columns = 0, rows = 0;
    text words = {0};
    table t;

    if (doc_count(doc, "pools") == 0) {
        text_add(out, "  no pools\n");
        return;
    }
    for (const cJSON *h = doc_fields(doc_list(doc, "pools"), "p_drop"); h != NULL && columns < 6;
         h = h->next, columns++)
        used += (size_t)snprintf(titles + used, sizeof titles - used, "|in %.12s h>", h->string);
    snprintf(titles + used, sizeof titles - used, "|why|flags");
    table_init(&t, titles);
    for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL && rows < ROWS_MOST;
         pool = pool->next, rows++) {
        const cJSON *h = doc_fields(pool, "p_drop");

        table_cell(&t, doc_text(pool, "pool"), s);
        for (size_t i = 0; i < columns; i++) {
            put_interval(cell, sizeof cell, h);
            table_cell(&t, cell, s);
            h = h != NULL ? h->next : NULL;
        }
        add_reasons(pool, &words);
        table_cell(&t, words.at, s);
        add_flags(pool, &words);
        table_cell(&t, words.at, s);
    }
    text_add(out, "  Chance that a pool loses a node, with its interval, and what moves it most "
                  "(log-odds)\n\n");
    table_print(&t, s, out);
    if (doc_count(doc, "pools") > ROWS_MOST)
        text_addf(out, "  and %zu more pools\n", doc_count(doc, "pools") - ROWS_MOST);
    text_free(&words);
}

void
print_model(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "feature|mean>|scale>|beta>|gamma>";
    static const char *const keys[] = {"mean", "scale", "beta", "gamma"};
    table t;

    text_addf(out, "  %.64s: %.0f decisions, %.0f drops, %.0f pools\n  ", doc_text(doc, "id"),
              doc_number(doc, "card.rows"), doc_number(doc, "card.events"),
              doc_number(doc, "card.pools"));
    add_ink(out, s, INK_DIM, doc_text(doc, "card.limits"));
    text_add(out, "\n");
    table_init(&t, titles);
    for (const cJSON *f = doc_list(doc, "hazard.features"); f != NULL; f = f->next) {
        table_cell(&t, doc_text(f, "name"), s);
        for (size_t k = 0; k < 4; k++)
            table_cell(&t, show_real(doc_number(f, keys[k]), 4).at, s);
    }
    table_print(&t, s, out);
}

void
html_model(const cJSON *doc, text *out)
{
    html_begin(out, "Risk model");
    text_add(out, "<div class=\"wide\">\n");
    html_section(out, doc_text(doc, "id"), doc_text(doc, "card.limits"));
    html_table_begin(out, NULL, "feature|mean>|scale>|beta>|gamma>");
    for (const cJSON *f = doc_list(doc, "hazard.features"); f != NULL; f = f->next) {
        html_row(out);
        html_cell(out, doc_text(f, "name"));
        html_number(out, show_real(doc_number(f, "mean"), 4).at);
        html_number(out, show_real(doc_number(f, "scale"), 4).at);
        html_number(out, show_real(doc_number(f, "beta"), 4).at);
        html_number(out, show_real(doc_number(f, "gamma"), 4).at);
    }
    html_table_end(out, false);
    html_section_end(out);
    text_add(out, "</div>\n");
    html_end(out, doc);
}
