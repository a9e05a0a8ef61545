/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_HTML_H
#define SPOTOPT_CLI_HTML_H
#include "doc.h"
#include "text.h"
#include "view.h"

/* One self-contained page: inline style, inline SVG, no script, nothing fetched. */
void html_begin(text *out, const char *title);
void html_end(text *out, const cJSON *doc);
extern const char *const html_style[];       /* pieces of the style sheet, NULL at the end */
void html_text(text *out, const char *what); /* escaped */

/* A section with a heading; then pictures and tables; then html_section_end(). */
void html_section(text *out, const char *heading, const char *lead);
void html_section_end(text *out);

/*
 * <figure><svg ...><title><desc>. A picture is drawn for half the page or all of it; in either the
 * text comes out at nearly the size of the page's.
 */
enum { SVG_HALF = 520, SVG_WIDE = 860 };
void svg_begin(text *out, const char *id, const char *title, const char *desc, int width,
               double height);
void svg_end(text *out, const char *caption); /* caption: markup, or NULL */
void svg_rect(text *out, const char *cls, double x, double y, double w, double h, const char *tip);
void svg_line(text *out, const char *cls, double x1, double y1, double x2, double y2);
/* anchor: start, middle or end */
void svg_text(text *out, const char *cls, const char *anchor, double x, double y, const char *what);

/* A table in a frame that scrolls sideways. Titles as table_init() takes them. */
void html_table_begin(text *out, const char *summary,
                      const char *titles); /* summary: folded away behind it; or NULL */
void html_row(text *out);
void html_cell(text *out, const char *what);
void html_number(text *out, const char *what);
void html_table_end(text *out, bool is_folded);

/* The five pictures of a plan. Two are drawn for wide pages and again for phones; the style shows
 * one of them. */
void chart_money(text *out, const plan_view *v);
void chart_funnel(text *out, const view_funnel *f);
void chart_fill(text *out, const plan_view *v, int picture_width);
void chart_risk(text *out, const plan_view *v, int picture_width);
void chart_risk_keys(text *out, const plan_view *v); /* the list that the numbers refer to */
void chart_timeline(text *out, const cJSON *doc);

void html_plan(const cJSON *doc, text *out);
void html_packing(const cJSON *doc, text *out);
void html_ranking(const cJSON *doc, text *out);
void html_drain(const cJSON *doc, text *out);
void html_simulation(const cJSON *doc, text *out);
void html_funnel(const cJSON *doc, text *out);
void html_experiment(const cJSON *doc, text *out);
void html_replay(const cJSON *doc, text *out);
void chart_replay(text *out, const cJSON *doc);
void html_fleet(const cJSON *doc, text *out); /* Fleet... and CleanupReport */
void html_steps(text *out, const cJSON *doc); /* waves as a folded table */
void html_registry(const cJSON *doc, text *out);
void html_evaluation(const cJSON *doc, text *out);
void html_forecast(const cJSON *doc, text *out);
void html_model(const cJSON *doc, text *out);
/* One row: a name, a bar from the middle whose half is `most`, the number. */
void html_lever(text *out, const char *name, double value, double most);
/* Contributions, folded; ranking: what has score, weights, reference. */
void html_why(text *out, const cJSON *doc, const cJSON *ranking, bool only_chosen);
void html_funnel_section(text *out, const view_funnel *f);

#endif
