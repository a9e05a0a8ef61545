/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_experiment.c - comparisons and canaries, on a terminal and as pages with one picture: every
 * effect with its interval around nothing.
 */
#include <math.h>
#include <string.h>

#include "html.h"
#include "table.h"

enum { ROWS_SHOWN = 40 };

/* One line of the picture and the table; effects are shares of control, of a rate ratio - 1. */
typedef struct effect {
    const char *metric, *verdict;
    double effect, low, high, p, power, units;
    bool is_good, is_bad;
} effect;

static double
end_of(const cJSON *object, const char *interval, int which)
{
    const cJSON *item = doc_list(object, interval);

    if (item != NULL && which == 1)
        item = item->next;
    return item != NULL ? doc_value(item) : (double)NAN;
}

static effect
effect_of_metric(const cJSON *m)
{
    double control = fabs(doc_number(m, "control.mean"));
    double permuted = doc_number(m, "permutation_p");
    bool is_few = !isnan(permuted); /* then the interval at the end is the one to look at */
    effect e = {.metric = doc_text(m, "metric"), .verdict = doc_text(m, "verdict")};

    e.effect = doc_number(m, "effect_frac");
    e.low = end_of(m, is_few ? "at_end.interval" : "always.interval", 0) / control;
    e.high = end_of(m, is_few ? "at_end.interval" : "always.interval", 1) / control;
    e.p = is_few ? permuted : doc_number(m, "always.p");
    e.power = doc_number(m, is_few ? "at_end.power" : "always.power");
    e.units = doc_number(m, "control.units") + doc_number(m, "treatment.units");
    return e;
}

static effect
effect_of_rate(const cJSON *m)
{
    bool is_grouped = doc_number(m, "dispersion") > 1.5;
    effect e = {.metric = doc_text(m, "metric"), .verdict = doc_text(m, "verdict")};

    e.effect = doc_number(m, "ratio") - 1.0;
    e.low = end_of(m, is_grouped ? "robust_interval" : "interval", 0) - 1.0;
    e.high = end_of(m, is_grouped ? "robust_interval" : "interval", 1) - 1.0;
    e.p = doc_number(m, is_grouped ? "robust_p" : "p");
    e.power = doc_number(m, "power");
    e.units = doc_number(m, "control.events") + doc_number(m, "treatment.events");
    return e;
}

static effect
effect_of_canary(const cJSON *m)
{
    double control = fabs(doc_number(m, "control_median"));
    effect e = {.metric = doc_text(m, "metric"), .verdict = doc_text(m, "found")};

    e.effect = doc_number(m, "shift") / control;
    e.low = end_of(m, "interval", 0) / control;
    e.high = end_of(m, "interval", 1) / control;
    e.p = doc_number(m, "p");
    e.power = doc_number(m, "power");
    e.units = doc_number(m, "control_values") + doc_number(m, "canary_values");
    return e;
}

static size_t
gather(const cJSON *doc, effect *out)
{
    bool is_canary = strcmp(doc_text(doc, "kind"), "CanaryReport") == 0;
    size_t count = 0;

    for (const cJSON *m = doc_list(doc, "metrics"); m != NULL && count < ROWS_SHOWN; m = m->next)
        out[count++] = is_canary ? effect_of_canary(m) : effect_of_metric(m);
    for (const cJSON *m = doc_list(doc, "rates"); m != NULL && count < ROWS_SHOWN; m = m->next)
        out[count++] = effect_of_rate(m);
    for (size_t i = 0; i < count; i++) {
        const char *v = out[i].verdict;

        out[i].is_good = strcmp(v, "better") == 0 || strcmp(v, "pass") == 0;
        out[i].is_bad = strcmp(v, "worse") == 0 || strcmp(v, "invalid") == 0 ||
                        strcmp(v, "high") == 0 || strcmp(v, "low") == 0;
    }
    return count;
}

static figure
show_p(double p)
{
    figure small;

    if (!(p < 0.0001))
        return show_real(p, 4);
    fit(small.at, sizeof small.at, "< 0.0001");
    return small;
}

/* "+3.2 %", with the sign that says which way. */
static figure
show_change(double frac)
{
    figure shown = show_percent(frac, 1), signed_one;

    if (isinf(frac)) {
        fit(signed_one.at, sizeof signed_one.at, "%s", frac > 0.0 ? "any" : "-any");
        return signed_one;
    }
    if (!(frac > 0.0))
        return shown;
    fit(signed_one.at, sizeof signed_one.at, "+%s", shown.at);
    return signed_one;
}

static figure
show_interval(const effect *e)
{
    figure shown;

    if (isnan(e->low) && isnan(e->high)) {
        fit(shown.at, sizeof shown.at, "-");
        return shown;
    }
    fit(shown.at, sizeof shown.at, "%s to %s", isnan(e->low) ? "any" : show_change(e->low).at,
        isnan(e->high) ? "any" : show_change(e->high).at);
    return shown;
}

static void
headline(const cJSON *doc, char *out, size_t size)
{
    if (strcmp(doc_text(doc, "kind"), "CanaryReport") == 0)
        fit(out, size, "%s: score %s of 100, %s needed", doc_text(doc, "verdict"),
            show_real(doc_number(doc, "score"), 1).at,
            show_real(doc_number(doc, "pass_score"), 1).at);
    else
        fit(out, size, "%.60s against %.60s", doc_text(doc, "treatment"), doc_text(doc, "control"));
}

void
print_experiment(const cJSON *doc, const style *s, text *out)
{
    bool is_canary = strcmp(doc_text(doc, "kind"), "CanaryReport") == 0;
    char titles[] = "metric|verdict|change>|interval>|p>|power>|units>";
    char titles_rate[] = "rate|verdict|change>|interval>|p>|power>|events>";
    char titles_canary[] = "metric|found|shift>|interval>|p>|power>|values>";
    char line[200];
    effect effects[ROWS_SHOWN];
    size_t count = gather(doc, effects);
    table t;

    headline(doc, line, sizeof line);
    text_add(out, "  ");
    add_ink(out, s, INK_BOLD, line);
    text_add(out, "\n\n");
    table_init(&t, is_canary                        ? titles_canary
                   : doc_list(doc, "rates") != NULL ? titles_rate
                                                    : titles);
    for (size_t i = 0; i < count; i++) {
        const effect *e = &effects[i];

        table_cell(&t, e->metric, s);
        table_cell(&t, e->verdict, s);
        table_cell(&t, show_change(e->effect).at, s);
        table_cell(&t, show_interval(e).at, s);
        table_cell(&t, show_p(e->p).at, s);
        table_cell(&t, show_percent(e->power, 0).at, s);
        table_cell(&t, show_count(e->units).at, s);
    }
    if (count > 0)
        table_print(&t, s, out);
    if (!is_canary)
        text_addf(out, "\n  Power: the chance of finding a change of %s.\n",
                  show_percent(doc_number(doc, "effect_frac_wanted"), 1).at);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(effects[i].verdict, "invalid") == 0) {
            text_add(out, "  ");
            add_ink(out, s, INK_BAD,
                    "invalid: the arms' sizes do not fit the assignment; find out which units are "
                    "missing, and why");
            text_add(out, "\n");
            break;
        }
    }
}

/* A round number at the end of the scale. */
static double
nice_end(double most)
{
    static const double ends[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (most <= ends[i])
            return ends[i];
    }
    return 2.0; /* an interval of hundreds of per cent says no more */
}

static void
draw(text *out, const effect *effects, size_t count)
{
    const double row = 46.0, left = 8.0, right = SVG_HALF - 8.0;
    double most = 0.0, middle = 0.5 * (left + right), y = 30.0;

    for (size_t i = 0; i < count; i++) {
        const double ends[] = {effects[i].effect, effects[i].low, effects[i].high};

        for (size_t k = 0; k < 3; k++)
            most = isfinite(ends[k]) ? fmax(most, fabs(ends[k])) : most;
    }
    most = nice_end(1.05 * most);
    svg_begin(out, "effects", "Change of every metric, with its interval",
              "A bar that does not touch the middle line is a change that is there.", SVG_HALF,
              y + row * (double)count + 24.0);
    for (size_t i = 0; i < count; i++, y += row) {
        const effect *e = &effects[i];
        double low = isfinite(e->low) ? fmax(e->low, -most) : -most;
        double high = isfinite(e->high) ? fmin(e->high, most) : most;
        char label[64];

        fit(label, sizeof label, "%.44s", e->metric);
        svg_text(out, "", "start", 0.0, y, label);
        svg_text(out, "b", "end", SVG_HALF, y, show_change(e->effect).at);
        svg_rect(out, "fdrop", left, y + 8.0, right - left, 12.0, NULL);
        if (isnan(e->effect))
            continue;
        svg_rect(out,
                 e->is_bad    ? "fevict"
                 : e->is_good ? "flaunch"
                              : "fgone",
                 middle + low / most * (right - middle), y + 8.0,
                 fmax(2.0, (high - low) / most * (right - middle)), 12.0, show_interval(e).at);
        if (fabs(e->effect) <= most)
            svg_rect(out, "fink", middle + e->effect / most * (right - middle) - 1.5, y + 6.0, 3.0,
                     16.0, NULL);
    }
    svg_line(out, "axis", middle, 12.0, middle, y - row + 30.0);
    char label[64];
    fit(label, sizeof label, "-%s", show_percent(most, 0).at);
    svg_text(out, "s", "start", left, y, label);
    svg_text(out, "s", "middle", middle, y, "no change");
    fit(label, sizeof label, "+%s", show_percent(most, 0).at);
    svg_text(out, "s", "end", right, y, label);
    svg_end(out, NULL);
}

void
html_experiment(const cJSON *doc, text *out)
{
    bool is_canary = strcmp(doc_text(doc, "kind"), "CanaryReport") == 0;
    char line[200];
    effect effects[ROWS_SHOWN];
    size_t count = gather(doc, effects);

    headline(doc, line, sizeof line);
    html_begin(out, is_canary ? "Canary" : "Experiment");
    text_addf(out, "<header><p class=\"kicker\">%s</p>\n<h1>", is_canary ? "Canary" : "Experiment");
    html_text(out, line);
    text_add(out, "</h1></header>\n<div class=\"grid\"><div>\n");
    html_section(out, "Change",
                 is_canary
                     ? "Shift of the canary's values, as a share of control's median."
                     : "Treatment against control. The intervals hold however often one looks.");
    draw(out, effects, count);
    html_section_end(out);
    text_add(out, "</div><div class=\"wide\">\n");
    html_section(out, "Numbers", NULL);
    html_table_begin(out, NULL, "metric|verdict|change>|interval>|p>|power>|n>");
    for (size_t i = 0; i < count; i++) {
        const effect *e = &effects[i];

        html_row(out);
        html_cell(out, e->metric);
        html_cell(out, e->verdict);
        html_number(out, show_change(e->effect).at);
        html_number(out, show_interval(e).at);
        html_number(out, show_p(e->p).at);
        html_number(out, show_percent(e->power, 0).at);
        html_number(out, show_count(e->units).at);
    }
    html_table_end(out, false);
    html_section_end(out);
    text_add(out, "</div></div>\n");
    html_end(out, doc);
}
