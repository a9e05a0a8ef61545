/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_plan.c - a plan on a terminal: the money first, then who is bought and who goes, then what
 * did not work.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "view.h"

enum { GROUPS_SHOWN = 40, REASONS_SHOWN = 8 };

static const char *
arrow(const style *s)
{
    return s->utf8 ? "\xE2\x86\x92" : "->";
}

static void
print_money(const plan_view *v, const style *s, text *out)
{
    const double saved = 1.0 - v->usd_after / v->usd_before;
    const int ink = saved >= 0.0 ? INK_GOOD : INK_BAD;
    text head = {0};

    text_addf(&head, "%s %s %s an hour", show_usd(v->usd_before, 2).at, arrow(s),
              show_usd(v->usd_after, 2).at);
    text_add(out, "  ");
    add_ink(out, s, INK_BOLD, head.at);
    text_free(&head);
    text_addf(out, ", %s %s %s a month\n", show_usd(v->usd_before * HOURS_A_MONTH, 0).at, arrow(s),
              show_usd(v->usd_after * HOURS_A_MONTH, 0).at);
    if (v->usd_before > 0.0 && !isnan(saved)) {
        text_add(out, "  ");
        ink_on(out, s, ink);
        text_addf(out, "%s %s than now", show_percent(fabs(saved), 1).at,
                  saved >= 0.0 ? "less" : "more");
        ink_off(out, s, ink);
        text_add(out, isnan(v->usd_on_demand) || isnan(v->gross) ? "\n" : ", ");
    } else if (!isnan(v->usd_on_demand) && !isnan(v->gross)) {
        text_add(out, "  ");
    }
    if (!isnan(v->usd_on_demand) && !isnan(v->gross))
        text_addf(out, "%s %s than on-demand only (%s)\n", show_percent(fabs(v->gross), 1).at,
                  v->gross >= 0.0 ? "less" : "more", show_usd(v->usd_on_demand, 2).at);
    if (!isnan(v->usd_bound) && !isnan(v->gap))
        text_addf(out, "  no fleet costs less than %s an hour; proven within %s of the best\n",
                  show_usd(v->usd_bound, 2).at, show_percent(v->gap, 1).at);
    text_add(out, "\n");
}

static void
print_facts(const plan_view *v, const style *s, text *out)
{
    char nodes[128], lost[128], moves[160];

    fit(nodes, sizeof nodes, "%s %s %s", show_count(v->nodes_before).at, arrow(s),
        show_count(v->nodes_after).at);
    fit(lost, sizeof lost, "%s %s %s", show_real(v->lost_before, 2).at, arrow(s),
        show_real(v->lost_after, 2).at);
    if (!(v->moves > 0))
        fit(moves, sizeof moves, "none");
    else if (v->waves > 0 && !isnan(v->duration_s))
        fit(moves, sizeof moves, "%s pods in %zu wave%s, %s", show_count(v->moves).at, v->waves,
            v->waves == 1 ? "" : "s", show_seconds(v->duration_s).at);
    else
        fit(moves, sizeof moves, "%s pods", show_count(v->moves).at);
    text_addf(out, "  nodes     %s\n  moves     %s\n  expected  %s interruptions a day\n", nodes,
              moves, lost);
    if (!isnan(v->pods))
        text_addf(out, "  pods      %s", show_count(v->pods).at);
    if (v->unplaced > 0.0) {
        text_add(out, isnan(v->pods) ? "  pods      " : ", ");
        ink_on(out, s, INK_BAD);
        text_addf(out, "%s unplaced", show_count(v->unplaced).at);
        ink_off(out, s, INK_BAD);
        text_add(out, "\n\n");
    } else {
        text_add(out, isnan(v->pods) ? "\n" : ", all placed\n\n");
    }
}

static void
print_groups(const plan_view *v, const style *s, text *out)
{
    char titles[] = "action|pool|nodes>|each/h>|sum/h>|risk 24 h>|cpu>|memory>|pods>";
    table t;

    table_init(&t, titles);
    for (size_t i = 0; i < v->group_count && i < GROUPS_SHOWN; i++) {
        const view_group *g = &v->groups[i];

        table_cell(&t, view_actions[g->action], s);
        table_cell(&t, *g->pool != '\0' ? g->pool : "not in the catalog", s);
        table_cell(&t, show_count((double)g->count).at, s);
        table_cell(&t, show_price(g->usd).at, s);
        table_cell(&t, show_usd(g->usd * (double)g->count, 2).at, s);
        table_cell(&t, g->info != NULL ? show_chance(g->info->p24).at : "-", s);
        table_cell(&t, show_percent(g->cpu, 0).at, s);
        table_cell(&t, show_percent(g->memory, 0).at, s);
        table_cell(
            &t, g->action == VIEW_DRAIN && g->pods == 0 ? "-" : show_count((double)g->pods).at, s);
    }
    table_print(&t, s, out);
    if (v->group_count > GROUPS_SHOWN)
        text_addf(out, "  and %zu more pools; -o json names them all\n",
                  v->group_count - GROUPS_SHOWN);
}

static void
print_unplaced(const plan_view *v, const style *s, text *out)
{
    if (v->reason_count == 0)
        return;
    text_add(out, "\n");
    add_ink(out, s, INK_BAD, "  not placed");
    text_add(out, "\n");
    for (size_t i = 0; i < v->reason_count && i < REASONS_SHOWN; i++) {
        const view_reason *r = &v->reasons[i];

        text_addf(out, "  %5zu  ", r->count);
        text_add_clean(out, r->why, s->utf8);
        text_add(out, "; such as ");
        text_add_clean(out, r->example, s->utf8);
        text_add(out, "\n");
    }
    if (v->reason_count > REASONS_SHOWN)
        text_addf(out, "  and %zu more reasons\n", v->reason_count - REASONS_SHOWN);
}

static void
print_stages(const view_funnel *f, const style *s, text *out)
{
    char titles[] = "stage|pools in>|out>|dropped for";
    table t;

    table_init(&t, titles);
    for (size_t i = 0; i < f->stage_count; i++) {
        const view_stage *stage = &f->stages[i];
        text why = {0};

        text_add(&why, "");
        for (size_t k = 0; k < stage->drop_count; k++)
            text_addf(&why, "%s%s %s", k > 0 ? ", " : "", stage->drops[k].reason,
                      show_count(stage->drops[k].count).at);
        table_cell(&t, stage->name, s);
        table_cell(&t, show_count(stage->in).at, s);
        table_cell(&t, show_count(stage->out).at, s);
        table_cell(&t, why.at, s);
        text_free(&why);
    }
    table_print(&t, s, out);
}

void
print_funnel(const cJSON *doc, const style *s, text *out)
{
    const cJSON *inner = doc_at(doc, "funnel");
    view_funnel f;

    view_funnel_init(&f, inner != NULL ? inner : doc);
    print_stages(&f, s, out);
    if (!isnan(f.chosen))
        text_addf(out, "  chosen  %s%s%s\n", show_count(f.chosen).at,
                  isnan(f.alternates) ? "" : ", alternates ",
                  isnan(f.alternates) ? "" : show_count(f.alternates).at);
    view_funnel_free(&f);
}

void
print_plan(const cJSON *doc, const style *s, text *out)
{
    plan_view v;

    plan_view_init(&v, doc);
    text_add(out, "  plan of ");
    text_add_clean(out, doc_text(doc, "now"), s->utf8);
    text_add(out, "\n\n");
    print_money(&v, s, out);
    if (cJSON_IsTrue(doc_at(doc, "summary.stays_put")))
        text_add(out, "  the fleet stays as it is: no move saves enough to be worth making\n\n");
    print_facts(&v, s, out);
    if (v.group_count > 0)
        print_groups(&v, s, out);
    print_unplaced(&v, s, out);
    if (v.funnel.stage_count > 0) {
        text_add(out, "\n");
        print_funnel(doc, s, out);
    }
    plan_view_free(&v);
}
