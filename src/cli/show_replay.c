/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_replay.c - policies tried on the past, on a terminal and as a page with what each came to
 * over time.
 */
#include <math.h>
#include <string.h>

#include "html.h"
#include "table.h"

enum { DEMANDS_SHOWN = 200 };

/* The first policy that is not an oracle with the least objective; NULL: there is none. */
static const cJSON *
best_policy(const cJSON *doc)
{
    const cJSON *best = NULL;

    for (const cJSON *p = doc_list(doc, "policies"); p != NULL; p = p->next) {
        const double usd = doc_number(p, "objective_usd");

        if (strcmp(doc_text(p, "method"), "oracle") == 0 || isnan(usd))
            continue;
        if (best == NULL || usd < doc_number(best, "objective_usd"))
            best = p;
    }
    return best;
}

static const cJSON *
oracle_of(const cJSON *doc)
{
    const cJSON *p = doc_list(doc, "policies");

    while (p != NULL && strcmp(doc_text(p, "method"), "oracle") != 0)
        p = p->next;
    return p;
}

static void
headline(const cJSON *doc, char *out, size_t size)
{
    const cJSON *best = best_policy(doc);

    if (best == NULL)
        fit(out, size, "%zu policies on the past", doc_count(doc, "policies"));
    else
        fit(out, size, "%.60s did best: %s, losses included", doc_text(best, "policy"),
            show_usd(doc_number(best, "objective_usd"), 2).at);
}

static void
describe(const cJSON *doc, char *out, size_t size)
{
    const double days = (doc_number(doc, "to_s") - doc_number(doc, "from_s")) / 86400.0;

    fit(out, size, "%s days in steps of %s s; an interruption costs %s, a move %s",
        show_real(days, 1).at, show_count(doc_number(doc, "step_s")).at,
        show_usd(doc_number(doc, "terms.interruption_usd"), 2).at,
        show_usd(doc_number(doc, "terms.move_usd"), 2).at);
}

/* "-12.30 (-20.1 to -4.2)" */
static figure
show_difference(const cJSON *of, const char *unit)
{
    const cJSON *low = doc_list(of, "interval"), *high = low != NULL ? low->next : NULL;
    const double difference = doc_number(of, "difference");
    figure shown;

    if (high == NULL || isnan(doc_value(low)))
        fit(shown.at, sizeof shown.at, "%s%+.2f", unit, difference);
    else
        fit(shown.at, sizeof shown.at, "%s%+.2f (%+.2f to %+.2f)", unit, difference, doc_value(low),
            doc_value(high));
    return shown;
}

void
print_replay(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "policy|paid>|losses>|together>|net saved>|interruptions>|lost h>|moves>|under "
                    "target>";
    char gains[] = "policy|against|together, 95 %>|interruptions, 95 %>|better in>";
    char line[240];
    table t;

    headline(doc, line, sizeof line);
    text_add(out, "\n  ");
    add_ink(out, s, INK_BOLD, line);
    describe(doc, line, sizeof line);
    text_addf(out, "\n  %s\n\n", line);
    table_init(&t, titles);
    for (const cJSON *p = doc_list(doc, "policies"); p != NULL; p = p->next) {
        table_cell(&t, doc_text(p, "policy"), s);
        table_cell(&t, show_usd(doc_number(p, "cost_usd"), 2).at, s);
        table_cell(&t, show_usd(doc_number(p, "losses_usd"), 2).at, s);
        table_cell(&t, show_usd(doc_number(p, "objective_usd"), 2).at, s);
        table_cell(&t, show_percent(doc_number(p, "net_saving_frac"), 1).at, s);
        table_cell(&t, show_count(doc_number(p, "interruptions")).at, s);
        table_cell(&t, show_real(doc_number(p, "lost_replica_hours"), 1).at, s);
        table_cell(&t, show_count(doc_number(p, "moves")).at, s);
        table_cell(&t, show_percent(doc_number(p, "under_target_frac"), 2).at, s);
    }
    table_print(&t, s, out);
    if (doc_list(doc, "comparisons") == NULL)
        return;
    text_add(out, "\n");
    table_init(&t, gains);
    for (const cJSON *c = doc_list(doc, "comparisons"); c != NULL; c = c->next) {
        table_cell(&t, doc_text(c, "policy"), s);
        table_cell(&t, doc_text(c, "against"), s);
        table_cell(&t, show_difference(doc_at(c, "objective_usd"), "$").at, s);
        table_cell(&t, show_difference(doc_at(c, "interruptions"), "").at, s);
        table_cell(&t, show_percent(doc_number(c, "objective_usd.better_frac"), 0).at, s);
    }
    table_print(&t, s, out);
    text_add(out, "\n  Intervals draw whole days; \"better in\" is the share of draws in which the "
                  "policy costs less, losses included.\n");
}

static void
html_facts(text *out, const cJSON *doc)
{
    const cJSON *best = best_policy(doc), *oracle = oracle_of(doc);

    text_add(out, "<dl class=\"facts\">");
    if (best != NULL) {
        text_add(out, "<div><dt>best policy</dt><dd>");
        html_text(out, doc_text(best, "policy"));
        text_addf(out, "<small>paid %s, lost %s</small></dd></div>",
                  show_usd(doc_number(best, "cost_usd"), 2).at,
                  show_usd(doc_number(best, "losses_usd"), 2).at);
        text_addf(out,
                  "<div><dt>saved, losses included</dt><dd>%s<small>of %s on-demand</small></dd>"
                  "</div>",
                  show_percent(doc_number(best, "net_saving_frac"), 1).at,
                  show_usd(doc_number(best, "on_demand_usd"), 2).at);
        text_addf(out,
                  "<div><dt>interruptions</dt><dd>%s<small>%s replica-hours lost</small></dd>"
                  "</div>",
                  show_count(doc_number(best, "interruptions")).at,
                  show_real(doc_number(best, "lost_replica_hours"), 1).at);
    }
    if (oracle != NULL)
        text_addf(out,
                  "<div><dt>with the future known</dt><dd>%s<small>no policy comes below "
                  "%s</small></dd></div>",
                  show_usd(doc_number(oracle, "objective_usd"), 2).at,
                  show_usd(doc_number(oracle, "bound_usd"), 2).at);
    text_add(out, "</dl>\n");
}

static void
html_outcome(text *out, const char *who, const cJSON *p)
{
    html_row(out);
    html_cell(out, who);
    html_number(out, show_usd(doc_number(p, "cost_usd"), 2).at);
    html_number(out, show_usd(doc_number(p, "losses_usd"), 2).at);
    html_number(out, show_usd(doc_number(p, "objective_usd"), 2).at);
    html_number(out, show_percent(doc_number(p, "gross_saving_frac"), 1).at);
    html_number(out, show_percent(doc_number(p, "net_saving_frac"), 1).at);
    html_number(out, show_count(doc_number(p, "interruptions")).at);
    html_number(out, show_real(doc_number(p, "lost_replica_hours"), 1).at);
    html_number(out, show_count(doc_number(p, "moves")).at);
    html_number(out, show_percent(doc_number(p, "under_target_frac"), 2).at);
    html_number(out, show_percent(doc_number(p, "on_demand_frac"), 0).at);
}

#define OUTCOME_TITLES                                                                             \
    "|paid>|losses>|together>|saved>|net>|interruptions>|lost h>|moves>|under target>|on-demand>"

static void
html_numbers(text *out, const cJSON *doc)
{
    size_t shown = 0;

    html_section(
        out, "Numbers",
        "Losses are interruptions, moves and replicas that found no node, at the prices of "
        "the terms. Net savings have them taken off.");
    html_table_begin(out, NULL, "policy" OUTCOME_TITLES);
    for (const cJSON *p = doc_list(doc, "policies"); p != NULL; p = p->next)
        html_outcome(out, doc_text(p, "policy"), p);
    html_table_end(out, false);
    if (doc_list(doc, "comparisons") != NULL) {
        html_table_begin(out, "Each against each, on the same days",
                         "policy|against|together>|interruptions>|lost hours>|better in>");
        for (const cJSON *c = doc_list(doc, "comparisons"); c != NULL; c = c->next) {
            html_row(out);
            html_cell(out, doc_text(c, "policy"));
            html_cell(out, doc_text(c, "against"));
            html_number(out, show_difference(doc_at(c, "objective_usd"), "$").at);
            html_number(out, show_difference(doc_at(c, "interruptions"), "").at);
            html_number(out, show_difference(doc_at(c, "lost_replica_hours"), "").at);
            html_number(out, show_percent(doc_number(c, "objective_usd.better_frac"), 0).at);
        }
        html_table_end(out, true);
    }
    html_table_begin(out, "By demand", "policy: demand" OUTCOME_TITLES);
    for (const cJSON *p = doc_list(doc, "policies"); p != NULL; p = p->next) {
        for (const cJSON *d = doc_list(p, "demands"); d != NULL && shown < DEMANDS_SHOWN;
             d = d->next, shown++) {
            char who[160];

            fit(who, sizeof who, "%.60s: %.80s", doc_text(p, "policy"), doc_text(d, "demand"));
            html_outcome(out, who, d);
        }
    }
    html_table_end(out, true);
    html_section_end(out);
}

void
html_replay(const cJSON *doc, text *out)
{
    char line[240];

    html_begin(out, "Replay");
    headline(doc, line, sizeof line);
    text_add(out, "<header><p class=\"kicker\">Replay</p>\n<h1>");
    html_text(out, line);
    text_add(out, "</h1>\n<p class=\"intro\">");
    describe(doc, line, sizeof line);
    html_text(out, line);
    text_add(out, ".</p></header>\n");
    html_facts(out, doc);
    text_add(out, "<div class=\"wide\">\n");
    chart_replay(out, doc);
    html_numbers(out, doc);
    text_add(out, "</div>\n");
    html_end(out, doc);
}
