/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart_replay.c - what policies came to over time: a line for each, in money and in interruptions.
 */
#include <math.h>
#include <string.h>

#include "html.h"

enum { LINES_SHOWN = 8, POINTS_SHOWN = 2000 };

static const char *const line_classes[LINES_SHOWN] = {"l0", "l1", "l2", "l3",
                                                      "l4", "l5", "l6", "l7"};
static const char *const legend_classes[LINES_SHOWN] = {"bl0", "bl1", "bl2", "bl3",
                                                        "bl4", "bl5", "bl6", "bl7"};

typedef struct frame {
    double left, right, top, bottom, from, span, end;
} frame;

static double
x_at(const frame *f, double time_s)
{
    return f->left + (f->right - f->left) * (time_s - f->from) / f->span;
}

static double
y_at(const frame *f, double value)
{
    return f->bottom - (f->bottom - f->top) * fmin(fmax(value / f->end, 0.0), 1.0);
}

/* The end of a scale from 0 that holds most and has four even parts. */
static double
round_end(double most)
{
    static const double ends[] = {1.0, 2.0, 4.0, 6.0, 8.0, 10.0};
    const double unit = pow(10.0, floor(log10(most)));

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (most <= ends[i] * unit)
            return ends[i] * unit;
    }
    return 10.0 * unit;
}

/* Method of the policy of a place in the series. */
static const char *
method_at(const cJSON *doc, size_t place)
{
    const cJSON *p = doc_list(doc, "policies");

    while (p != NULL && place-- > 0)
        p = p->next;
    return p != NULL ? doc_text(p, "method") : "";
}

/* What is drawn: a key's values, less those of a base where there is one. */
typedef struct subject {
    const char *key;
    const cJSON *base; /* first value, or NULL */
    bool is_money;
} subject;

/* Beside what is above the oracle, on-demand would make the others one line. */
static bool
is_drawn(const cJSON *doc, const subject *of, size_t place)
{
    return of->base == NULL || (strcmp(method_at(doc, place), "on-demand") != 0 &&
                                strcmp(method_at(doc, place), "oracle") != 0);
}

static double
most_of(const cJSON *doc, const subject *of)
{
    double most = 0.0;
    size_t lines = 0;

    for (const cJSON *p = doc_list(doc, "series.policies"); p != NULL && lines < LINES_SHOWN;
         p = p->next, lines++) {
        const cJSON *base = of->base;

        for (const cJSON *v = doc_list(p, of->key); v != NULL && is_drawn(doc, of, lines);
             v = v->next) {
            const double value = doc_value(v) - (base != NULL ? doc_value(base) : 0.0);

            if (value > most && value < 1e15)
                most = value;
            base = base != NULL ? base->next : NULL;
        }
    }
    return most;
}

static void
draw_line(text *out, const frame *f, const cJSON *times, const cJSON *values, const cJSON *base,
          const char *cls, const char *tip)
{
    size_t count = 0;

    text_addf(out, "<path class=\"%s\" d=\"M%.1f %.1f", cls, f->left, f->bottom);
    for (; times != NULL && values != NULL && count < POINTS_SHOWN;
         times = times->next, values = values->next, count++) {
        const double t = doc_value(times),
                     v = doc_value(values) - (base != NULL ? doc_value(base) : 0.0);

        if (t >= f->from && t <= f->from + f->span && !isnan(v))
            text_addf(out, "L%.1f %.1f", x_at(f, t), y_at(f, v));
        base = base != NULL ? base->next : NULL;
    }
    text_add(out, "\"><title>");
    html_text(out, tip);
    text_add(out, "</title></path>\n");
}

static void
draw_days(text *out, const frame *f)
{
    const double days = fmax(1.0, ceil(f->span / 86400.0 / 10.0)) * 86400.0;
    char label[32];

    for (double at = ceil(f->from / days) * days; at <= f->from + f->span; at += days) {
        svg_line(out, "axis", x_at(f, at), f->top, x_at(f, at), f->bottom);
        fit(label, sizeof label, "day %.0f", (at - f->from) / 86400.0);
        if (x_at(f, at) < f->right - 36.0)
            svg_text(out, "t", "start", x_at(f, at) + 4.0, f->bottom + 18.0, label);
    }
}

static void
draw_chart(text *out, const cJSON *doc, const char *id, const subject *of, const char *title)
{
    const bool is_money = of->is_money;
    frame f = {76.0, SVG_WIDE - 12.0, 14.0, 270.0, doc_number(doc, "from_s"), 0.0, 0.0};
    const double most = most_of(doc, of);
    const cJSON *times = doc_list(doc, "series.time_s");
    char desc[160];
    size_t lines = 0;

    f.span = doc_number(doc, "to_s") - f.from;
    if (times == NULL || !(f.span > 0.0 && f.span < 1e12))
        return;
    f.end = round_end(most > 0.0 ? most : 1.0);
    fit(desc, sizeof desc, "Up to %s.", is_money ? show_usd(most, 2).at : show_count(most).at);
    text_add(out, "<div class=\"long scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    html_text(out, title);
    text_add(out, "\">");
    svg_begin(out, id, title, desc, SVG_WIDE, 300.0);
    draw_days(out, &f);
    for (int i = 0; i <= 4; i++) {
        const double value = f.end * i / 4.0;

        svg_line(out, i == 0 ? "edge" : "axis", f.left, y_at(&f, value), f.right, y_at(&f, value));
        svg_text(out, "t", "end", f.left - 8.0, y_at(&f, value) + 4.0,
                 is_money      ? show_usd(value, f.end < 8.0 ? 2 : 0).at
                 : f.end < 8.0 ? show_real(value, 1).at
                               : show_count(value).at);
    }
    for (const cJSON *p = doc_list(doc, "series.policies"); p != NULL && lines < LINES_SHOWN;
         p = p->next, lines++) {
        if (is_drawn(doc, of, lines))
            draw_line(out, &f, times, doc_list(p, of->key), of->base, line_classes[lines],
                      doc_text(p, "policy"));
    }
    svg_end(out, NULL);
    text_add(out, "</div>\n");
}

static void
draw_legend(text *out, const cJSON *doc, const subject *of)
{
    const size_t count = doc_count(doc, "series.policies");
    size_t lines = 0;

    text_add(out, "<ul class=\"legend\">");
    for (const cJSON *p = doc_list(doc, "series.policies"); p != NULL && lines < LINES_SHOWN;
         p = p->next, lines++) {
        if (!is_drawn(doc, of, lines))
            continue;
        text_addf(out, "<li><i class=\"%s\"></i>", legend_classes[lines]);
        html_text(out, doc_text(p, "policy"));
        text_add(out, "</li>");
    }
    if (count > LINES_SHOWN)
        text_addf(out, "<li>and %zu more, in the table</li>", count - LINES_SHOWN);
    text_add(out, "</ul>\n");
}

static void
draw_section(text *out, const cJSON *doc, const char *id, const subject *of, const char *heading,
             const char *lead, const char *title)
{
    html_section(out, heading, lead);
    draw_legend(out, doc, of);
    draw_chart(out, doc, id, of, title);
    html_section_end(out);
}

void
chart_replay(text *out, const cJSON *doc)
{
    subject money = {"objective_usd", NULL, true}, above = money,
            lost = {"interruptions", NULL, false};
    size_t place = 0;

    if (doc_list(doc, "series.policies") == NULL)
        return;
    for (const cJSON *p = doc_list(doc, "series.policies"); p != NULL; p = p->next, place++) {
        if (above.base == NULL && strcmp(method_at(doc, place), "oracle") == 0)
            above.base = doc_list(p, "objective_usd");
    }
    draw_section(out, doc, "money", &money, "Money over time", "Paid and lost up to each moment.",
                 "Money paid and lost so far");
    if (above.base != NULL)
        draw_section(out, doc, "above", &above, "Above the oracle",
                     "What not to know the future cost: money paid and lost beyond what the oracle "
                     "paid and lost. The lower the better.",
                     "Money beyond the oracle's so far");
    draw_section(out, doc, "lost", &lost, "Interruptions over time",
                 "Nodes taken back up to each moment.", "Nodes taken back so far");
}
