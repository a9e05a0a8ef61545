/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_registry.c - the models of a ledger, as a table.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "html.h"
#include "table.h"

static figure
show_moment(double ms)
{
    figure shown = {"-"};
    const time_t seconds = ms >= 0.0 && ms < 2.5e14 ? (time_t)(ms / 1000.0) : -1;
    struct tm when;

    if (seconds >= 0 && gmtime_r(&seconds, &when) != NULL)
        strftime(shown.at, sizeof shown.at, "%Y-%m-%d %H:%M UTC", &when);
    return shown;
}

void
print_registry(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "model|state|since|by|why";
    table t;

    if (doc_count(doc, "models") == 0) {
        text_add(out, "  no models\n");
        return;
    }
    table_init(&t, titles);
    for (const cJSON *model = doc_list(doc, "models"); model != NULL; model = model->next) {
        table_cell(&t, doc_text(model, "id"), s);
        table_cell(&t, doc_text(model, "state"), s);
        table_cell(&t, show_moment(doc_number(model, "changed_ms")).at, s);
        table_cell(&t, doc_text(model, "author"), s);
        table_cell(&t, doc_text(model, "reason"), s);
    }
    table_print(&t, s, out);
}

void
html_registry(const cJSON *doc, text *out)
{
    const char *current = doc_text(doc, "current");

    html_begin(out, "Models");
    text_add(out, "<header><p class=\"kicker\">Risk models</p>\n<h1>");
    html_text(out, *current != '\0' ? current : "No model is current");
    text_add(out, "</h1></header>\n");
    html_section(out, "Models", "In order of upload.");
    html_table_begin(out, NULL, "model|state|since|by|why");
    for (const cJSON *model = doc_list(doc, "models"); model != NULL; model = model->next) {
        html_row(out);
        html_cell(out, doc_text(model, "id"));
        html_cell(out, doc_text(model, "state"));
        html_cell(out, show_moment(doc_number(model, "changed_ms")).at);
        html_cell(out, doc_text(model, "author"));
        html_cell(out, doc_text(model, "reason"));
    }
    html_table_end(out, false);
    html_section_end(out);
    html_end(out, doc);
}
