/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_simulation.c - how a drain went in a simulated cluster: what it came to, beside what was
 * planned; the steps that were taken; what came between.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "html.h"
#include "table.h"

enum { ROWS_SHOWN = 200 };

static bool
is_drained(const cJSON *doc)
{
    return strcmp(doc_text(doc, "outcome"), "drained") == 0;
}

static void
tell_outcome(const cJSON *doc, char *out, size_t size)
{
    fit(out, size, "%s after %s, planned %s; %.0f plans, %.0f evictions, %.0f refused",
        is_drained(doc) ? "All nodes are left" : "Not all nodes could be left",
        show_seconds(doc_number(doc, "makespan_s")).at,
        show_seconds(doc_number(doc, "planned_s")).at, doc_number(doc, "plans"),
        doc_number(doc, "evictions"), doc_number(doc, "refusals"));
}

static void
tell_budgets(const cJSON *doc, char *out, size_t size)
{
    fit(out, size,
        "%.0f checks of budgets and limits: %.0f steps against one; %.0f times a budget was short "
        "by a loss that no step caused",
        doc_number(doc, "budget_checks"), doc_number(doc, "broken_by_steps"),
        doc_number(doc, "short_by_losses"));
}

/* What concerns whom, in one text. */
static void
tell_event(const cJSON *event, text *out)
{
    const char *pod = doc_text(event, "pod"), *node = doc_text(event, "node"),
               *why = doc_text(event, "why");

    text_add(out, pod);
    text_addf(out, "%s%s", *pod != '\0' && *node != '\0' ? " on " : "", node);
    text_addf(out, "%s%s", *why != '\0' && (*pod != '\0' || *node != '\0') ? ": " : "", why);
}

void
print_simulation(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "at>|event|of";
    char line[256];
    size_t rows = 0;
    table t;

    tell_outcome(doc, line, sizeof line);
    text_addf(out, "  %s\n", line);
    tell_budgets(doc, line, sizeof line);
    text_addf(out, "  %s\n\n", line);
    print_steps(doc, s, out);
    if (doc_list(doc, "events") == NULL)
        return;
    text_add(out, "\n");
    table_init(&t, titles);
    for (const cJSON *e = doc_list(doc, "events"); e != NULL; e = e->next) {
        text of = {0};

        if (rows++ >= ROWS_SHOWN)
            continue;
        text_add(&of, "");
        tell_event(e, &of);
        table_cell(&t, show_seconds(doc_number(e, "at_s")).at, s);
        table_cell(&t, doc_text(e, "what"), s);
        table_cell(&t, of.at, s);
        text_free(&of);
    }
    table_print(&t, s, out);
    print_more(rows, ROWS_SHOWN, "events", out);
}

static void
add_events(text *out, const cJSON *doc)
{
    size_t rows = 0;

    html_section(out, "What happened",
                 "Pods that became ready, nodes that came up or were lost, refusals; and when the "
                 "rest was planned anew.");
    html_table_begin(out, NULL, "at>|event|of");
    for (const cJSON *e = doc_list(doc, "events"); e != NULL && rows < ROWS_SHOWN;
         e = e->next, rows++) {
        text of = {0};

        text_add(&of, "");
        tell_event(e, &of);
        html_row(out);
        html_number(out, show_seconds(doc_number(e, "at_s")).at);
        html_cell(out, doc_text(e, "what"));
        html_cell(out, of.at);
        text_free(&of);
    }
    html_table_end(out, false);
    if (doc_count(doc, "events") > ROWS_SHOWN)
        text_addf(out, "<p class=\"soft\">and %zu more</p>\n",
                  doc_count(doc, "events") - ROWS_SHOWN);
    html_section_end(out);
}

void
html_simulation(const cJSON *doc, text *out)
{
    char line[256];

    html_begin(out, "Rehearsal of a drain");
    tell_outcome(doc, line, sizeof line);
    text_add(out, "<header><p class=\"kicker\">Rehearsal of a drain</p>\n<h1>");
    html_text(out, line);
    text_add(out, "</h1></header>\n<div class=\"grid\"><div class=\"wide\">\n");
    tell_budgets(doc, line, sizeof line);
    html_section(out, "Over time", line);
    text_add(out, "<ul class=\"legend\"><li><i class=\"blaunch\"></i>launch</li><li><i "
                  "class=\"bgone\"></i>cordoned</li><li><i class=\"bevict\"></i>eviction</li><li>"
                  "<i class=\"bink\"></i>node deleted</li></ul>\n");
    chart_timeline(out, doc);
    html_steps(out, doc);
    html_section_end(out);
    text_add(out, "</div><div class=\"wide\">\n");
    add_events(out, doc);
    text_add(out, "</div></div>\n");
    html_end(out, doc);
}
