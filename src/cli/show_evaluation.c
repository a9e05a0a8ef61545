/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_evaluation.c - how good forecasts were: a table on a terminal, and the words and tables of a
 * page. The pictures are in chart_evaluation.c.
 */
#include <math.h>
#include <string.h>

#include "chart_evaluation.h"

enum { SLICES_SHOWN = 200 };

static const cJSON *
horizons_of(const cJSON *object)
{
    return doc_fields(object, "horizons");
}

static figure
show_score(double value)
{
    return show_real(value, 3);
}

/* "0.812 to 0.861" */
static figure
show_range(const cJSON *object, const char *key)
{
    const cJSON *low = doc_list(object, key);
    figure shown;

    if (low == NULL || low->next == NULL || isnan(doc_value(low)) || isnan(doc_value(low->next)))
        fit(shown.at, sizeof shown.at, "-");
    else
        fit(shown.at, sizeof shown.at, "%s to %s", show_score(doc_value(low)).at,
            show_score(doc_value(low->next)).at);
    return shown;
}

static void
headline(const cJSON *doc, char *out, size_t size)
{
    size_t at = 0;
    int n = fit(out, size, "%.60s: skill", doc_text(doc, "forecast"));

    at = n > 0 ? (size_t)n : 0;
    for (const cJSON *h = horizons_of(doc); h != NULL && at + 40 < size; h = h->next) {
        n = fit(out + at, size - at, "%s %s at %.24s", h == horizons_of(doc) ? "" : ",",
                show_real(doc_number(h, "bss"), 2).at, show_ahead(h).at);
        at += n > 0 ? (size_t)n : 0;
    }
}

static void
describe(const cJSON *doc, char *out, size_t size)
{
    const cJSON *held = doc_at(doc, "window.held_out");
    const cJSON *first = horizons_of(doc);

    fit(out, size, "%s moments of %s pools, days %s to %s of the history (%s days)%s",
        show_count(doc_number(doc, "window.decisions")).at,
        show_count(doc_number(doc, "window.pools")).at,
        show_real(doc_number(doc, "window.from_s") / 86400.0, 1).at,
        show_real(doc_number(doc, "window.to_s") / 86400.0, 1).at,
        show_count(first != NULL ? doc_number(first, "days") : NAN).at,
        cJSON_IsTrue(held)    ? "; nothing was learned from them"
        : cJSON_IsFalse(held) ? "; PARTLY LEARNED FROM: not a fair test"
                              : "");
}

static void
table_scores(table *t, const style *s, const char *who, const cJSON *of)
{
    for (const cJSON *h = horizons_of(of); h != NULL; h = h->next) {
        table_cell(t, h == horizons_of(of) ? who : "", s);
        table_cell(t, show_ahead(h).at, s);
        table_cell(t, show_count(doc_number(h, "n")).at, s);
        table_cell(t, show_percent(doc_number(h, "base_rate"), 1).at, s);
        table_cell(t, show_score(doc_number(h, "auc")).at, s);
        table_cell(t, show_range(h, "auc_95").at, s);
        table_cell(t, show_score(doc_number(h, "within_pool_auc")).at, s);
        table_cell(t, show_score(doc_number(h, "brier")).at, s);
        table_cell(t, show_score(doc_number(h, "bss")).at, s);
        table_cell(t, show_range(h, "bss_95").at, s);
        table_cell(t, show_score(doc_number(h, "ece")).at, s);
        table_cell(t, show_score(doc_number(h, "log_loss")).at, s);
    }
}

void
print_evaluation(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "forecast|ahead|n>|drops>|AUC>|95 %>|in pool>|Brier>|BSS>|95 %>|ECE>|log loss>";
    char gains[] = "against|ahead|skill gained>|95 %>|better in>";
    char line[240];
    table t;

    headline(doc, line, sizeof line);
    text_add(out, "  ");
    add_ink(out, s, INK_BOLD, line);
    describe(doc, line, sizeof line);
    text_add(out, "\n  ");
    add_ink(out, s, cJSON_IsFalse(doc_at(doc, "window.held_out")) ? INK_BAD : INK_PLAIN, line);
    text_add(out, "\n\n");
    table_init(&t, titles);
    table_scores(&t, s, doc_text(doc, "forecast"), doc);
    for (const cJSON *o = doc_list(doc, "others"); o != NULL; o = o->next)
        table_scores(&t, s, doc_text(o, "forecast"), o);
    table_print(&t, s, out);
    if (doc_list(doc, "comparisons") == NULL)
        return;
    text_add(out, "\n");
    table_init(&t, gains);
    for (const cJSON *c = doc_list(doc, "comparisons"); c != NULL; c = c->next) {
        char ahead[40];

        fit(ahead, sizeof ahead, "%s h", show_hours(doc_number(c, "horizon_h")).at);
        table_cell(&t, doc_text(c, "against"), s);
        table_cell(&t, ahead, s);
        table_cell(&t, show_score(doc_number(c, "skill_gain")).at, s);
        table_cell(&t, show_range(c, "skill_gain_95").at, s);
        table_cell(&t, show_percent(doc_number(c, "better_frac"), 0).at, s);
    }
    table_print(&t, s, out);
    text_add(out,
             "\n  Intervals draw whole days; \"better in\" is the share of draws with a gain.\n");
}

static void
html_scores(text *out, const char *who, const cJSON *of)
{
    for (const cJSON *h = horizons_of(of); h != NULL; h = h->next) {
        html_row(out);
        html_cell(out, who);
        html_cell(out, show_ahead(h).at);
        html_number(out, show_count(doc_number(h, "n")).at);
        html_number(out, show_percent(doc_number(h, "base_rate"), 1).at);
        html_number(out, show_score(doc_number(h, "auc")).at);
        html_number(out, show_range(h, "auc_95").at);
        html_number(out, show_score(doc_number(h, "within_pool_auc")).at);
        html_number(out, show_score(doc_number(h, "brier")).at);
        html_number(out, show_score(doc_number(h, "bss")).at);
        html_number(out, show_range(h, "bss_95").at);
        html_number(out, show_score(doc_number(h, "ece")).at);
        html_number(out, show_score(doc_number(h, "log_loss")).at);
    }
}

static void
html_facts(text *out, const cJSON *doc)
{
    text_add(out, "<dl class=\"facts\">");
    for (const cJSON *h = horizons_of(doc); h != NULL; h = h->next) {
        text_add(out, "<div><dt>");
        html_text(out, show_ahead(h).at);
        text_addf(out, " ahead, skill</dt><dd>%s<small>95 %%: %s</small></dd></div>",
                  show_real(doc_number(h, "bss"), 2).at, show_range(h, "bss_95").at);
        text_add(out, "<div><dt>");
        html_text(out, show_ahead(h).at);
        text_addf(
            out, " ahead, told apart</dt><dd>%s<small>AUC; off by %s on average</small></dd></div>",
            show_real(doc_number(h, "auc"), 2).at, show_percent(doc_number(h, "ece"), 1).at);
    }
    text_add(out, "</dl>\n");
}

static void
html_numbers(text *out, const cJSON *doc)
{
    html_section(out, "Numbers",
                 "Skill (BSS) is 0 for a forecast that says the same share of drops always, 1 for "
                 "one that knows. AUC is the chance that a moment before a drop had the higher "
                 "forecast. ECE is how far forecasts are from what came, on average.");
    html_table_begin(
        out, NULL, "forecast|ahead|n>|drops>|AUC>|95 %>|in pool>|Brier>|BSS>|95 %>|ECE>|log loss>");
    html_scores(out, doc_text(doc, "forecast"), doc);
    for (const cJSON *o = doc_list(doc, "others"); o != NULL; o = o->next)
        html_scores(out, doc_text(o, "forecast"), o);
    html_table_end(out, false);
    html_table_begin(out, "Against the others, on the same days",
                     "against|ahead|skill gained>|95 %>|better in>");
    for (const cJSON *c = doc_list(doc, "comparisons"); c != NULL; c = c->next) {
        char ahead[40];

        fit(ahead, sizeof ahead, "%s h", show_hours(doc_number(c, "horizon_h")).at);
        html_row(out);
        html_cell(out, doc_text(c, "against"));
        html_cell(out, ahead);
        html_number(out, show_score(doc_number(c, "skill_gain")).at);
        html_number(out, show_range(c, "skill_gain_95").at);
        html_number(out, show_percent(doc_number(c, "better_frac"), 0).at);
    }
    html_table_end(out, true);
    html_table_begin(out, "By region, family and pool", "by|name|ahead|n>|drops>|AUC>|BSS>|ECE>");
    size_t shown = 0;
    for (const cJSON *slice = doc_list(doc, "slices"); slice != NULL && shown < SLICES_SHOWN;
         slice = slice->next) {
        for (const cJSON *h = horizons_of(slice); h != NULL && shown < SLICES_SHOWN;
             h = h->next, shown++) {
            html_row(out);
            html_cell(out, doc_text(slice, "by"));
            html_cell(out, doc_text(slice, "name"));
            html_cell(out, show_ahead(h).at);
            html_number(out, show_count(doc_number(h, "n")).at);
            html_number(out, show_percent(doc_number(h, "base_rate"), 1).at);
            html_number(out, show_score(doc_number(h, "auc")).at);
            html_number(out, show_score(doc_number(h, "bss")).at);
            html_number(out, show_score(doc_number(h, "ece")).at);
        }
    }
    html_table_end(out, true);
    html_section_end(out);
}

void
html_evaluation(const cJSON *doc, text *out)
{
    char line[240];

    html_begin(out, "Risk evaluation");
    headline(doc, line, sizeof line);
    text_add(out, "<header><p class=\"kicker\">Risk evaluation</p>\n<h1>");
    html_text(out, line);
    text_add(out, "</h1>\n<p class=\"intro\">");
    describe(doc, line, sizeof line);
    html_text(out, line);
    text_add(out, ".</p></header>\n");
    html_facts(out, doc);
    text_add(out, "<div class=\"grid\">\n");
    chart_reliability(out, doc);
    chart_since(out, doc);
    text_add(out, "<div class=\"wide\">\n");
    chart_forecast(out, doc);
    html_numbers(out, doc);
    text_add(out, "</div></div>\n");
    html_end(out, doc);
}
