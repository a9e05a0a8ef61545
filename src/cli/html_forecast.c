/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_forecast.c - the page of a RiskForecast: what every pool may lose, how sure that is, and
 * why.
 *
 * A pool is a few bars, one a horizon, all on the same scale from 0 to 100 %: the interval, and the
 * forecast as a mark in it. Behind a fold stand the contributions to the log-odds, by group and
 * within it by feature. Flags that occur are explained once.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "html.h"

enum { POOLS_SHOWN = 500, REASONS_SHOWN = 100 };

static const struct {
    const char *name, *help;
} flags[] = {
    {"prior", "nothing was seen of the pool: what its kin and the vendor's class tell"},
    {"evidence", "by the pool's own recent hours, and its kin where those are few"},
    {"hazard", "by the model, from all features"},
    {"cold", "less than one node-hour is remembered; the forecast leans on the prior"},
    {"stale", "not seen for more than a day; what is known is old"},
    {"fallback", "a model was given, but too little is known of the pool to use it"},
    {"drift", "features are no longer what the model was fitted to; trust it less"},
};

static bool
has_flag(const cJSON *pool, const char *name)
{
    for (const cJSON *flag = doc_list(pool, "flags"); flag != NULL; flag = flag->next) {
        if (cJSON_IsString(flag) && strcmp(flag->valuestring, name) == 0)
            return true;
    }
    return false;
}

/* 0 to 100, whatever a document says. */
static double
percent(double p)
{
    return p > 0.0 ? 100.0 * fmin(p, 1.0) : 0.0; /* false for NaN */
}

static void
add_gauge(text *out, const cJSON *horizon)
{
    const cJSON *p = horizon->child, *low = p != NULL ? p->next : NULL,
                *high = low != NULL ? low->next : NULL;
    char range[64];

    text_add(out, "<div class=\"fcrow\"><span>");
    html_text(out, horizon->string != NULL ? horizon->string : "");
    text_add(out, " h</span>");
    if (high == NULL) {
        text_add(out, "<span></span><b>-</b></div>\n");
        return;
    }
    const double from = percent(doc_value(low)), to = percent(doc_value(high));

    text_addf(out,
              "<span class=\"gauge\"><i class=\"span\" style=\"left:%.2f%%;width:%.2f%%\"></i>"
              "<i class=\"mean\" style=\"left:%.2f%%\"></i></span>",
              from, to > from ? to - from : 0.0, percent(doc_value(p)));
    fit(range, sizeof range, " (%.0f\xE2\x80\x93%.0f)", from, to);
    text_addf(out, "<b>%s%s</b></div>\n", show_chance(doc_value(p)).at, range);
}

static void
add_group(text *out, const cJSON *group, double most)
{
    const cJSON *feature = doc_fields(group, "features");
    const char *name = doc_text(group, "group");

    if (feature == NULL || feature->next == NULL) {
        text_add(out, "<li>");
        html_lever(out, name, doc_number(group, "contribution"), most);
        text_add(out, "</li>\n");
        return;
    }
    text_add(out, "<li><details><summary>");
    html_lever(out, name, doc_number(group, "contribution"), most);
    text_add(out, "</summary><ul>\n");
    for (; feature != NULL; feature = feature->next) {
        text_add(out, "<li>");
        html_lever(out, feature->string != NULL ? feature->string : "", doc_value(feature), most);
        text_add(out, "</li>\n");
    }
    text_add(out, "</ul></details></li>\n");
}

static double
largest(const cJSON *fields, double most)
{
    for (; fields != NULL; fields = fields->next)
        most = fmax(most, fabs(doc_value(fields)));
    return most;
}

static void
add_reasons(text *out, const cJSON *pool)
{
    const double most = largest(doc_fields(pool, "explanation.features"),
                                largest(doc_fields(pool, "explanation.groups"), 0.0));
    const double base = doc_number(pool, "explanation.base_log_odds");

    text_addf(
        out,
        "<details class=\"pool risk\"><summary>Why %s within %g h, and not %s as a pool at the "
        "mean</summary>\n<ul>\n",
        show_chance(1.0 / (1.0 + exp(-doc_number(pool, "explanation.log_odds")))).at,
        doc_number(pool, "explanation.horizon_hours"), show_chance(1.0 / (1.0 + exp(-base))).at);
    for (const cJSON *g = doc_list(pool, "explanation.parts"); g != NULL; g = g->next)
        add_group(out, g, most);
    text_add(out, "</ul></details>\n");
}

static void
add_pool(text *out, const cJSON *pool, bool has_reasons)
{
    bool is_first = true;

    text_add(out, "<div class=\"fc\"><h3>");
    html_text(out, doc_text(pool, "pool"));
    text_add(out, "<small>");
    for (const cJSON *flag = doc_list(pool, "flags"); flag != NULL; flag = flag->next) {
        text_add(out, is_first ? "" : ", ");
        html_text(out, cJSON_IsString(flag) ? flag->valuestring : "");
        is_first = false;
    }
    text_add(out, "</small></h3>\n");
    for (const cJSON *h = doc_fields(pool, "p_drop"); h != NULL; h = h->next)
        add_gauge(out, h);
    if (has_reasons && doc_list(pool, "explanation.parts") != NULL)
        add_reasons(out, pool);
    text_add(out, "</div>\n");
}

/* Flags that some pool has. */
static void
add_flags(text *out, const cJSON *doc)
{
    html_section(out, "Flags", "Which layer a forecast comes from, and what to know about it.");
    html_table_begin(out, NULL, "flag|pools>|means");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char number[32];
        size_t count = 0;

        for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL; pool = pool->next)
            count += has_flag(pool, flags[i].name);
        if (count == 0)
            continue;
        fit(number, sizeof number, "%zu", count);
        html_row(out);
        html_cell(out, flags[i].name);
        html_number(out, number);
        html_cell(out, flags[i].help);
    }
    html_table_end(out, false);
    html_section_end(out);
}

void
html_forecast(const cJSON *doc, text *out)
{
    size_t rows = 0;

    html_begin(out, "Risk of pools");
    text_add(out, "<div class=\"wide\">\n");
    html_section(out, "Chance that a pool loses a node",
                 "One bar a horizon, from 0 to 100 %: the mark is the forecast, the bar its 95 % "
                 "interval. Contributions are in log-odds and add up to the difference from a pool "
                 "at the mean.");
    for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL && rows < POOLS_SHOWN;
         pool = pool->next, rows++)
        add_pool(out, pool, rows < REASONS_SHOWN);
    if (doc_count(doc, "pools") > POOLS_SHOWN)
        text_addf(out, "<p class=\"soft\">and %zu more pools</p>\n",
                  doc_count(doc, "pools") - POOLS_SHOWN);
    html_section_end(out);
    add_flags(out, doc);
    text_add(out, "</div>\n");
    html_end(out, doc);
}
