/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_fleet.c - the books of a fleet as rows and columns: which fields of which document, for
 * terminals and CSV; html_fleet.c draws them.
 */
#include <math.h>
#include <string.h>

#include "fleet.h"

enum { ROWS_SHOWN = 60 };

static const fleet_kind kinds[] = {
    {"FleetMetrics",
     "Fleet",
     {{"", "/facts", {{"what", "what", 't'}, {"value", "value", 't'}, {"", NULL, 0}}},
      {"Where it runs",
       "distribution.pools",
       {{"pool", "name", 't'},
        {"nodes", "nodes", 'n'},
        {"vCPU", "vcpu", 'n'},
        {"USD/h", "usd_per_hour", 'r'}}},
      {"Performance, last measured",
       "performance",
       {{"instance", "instance", 't'},
        {"pool", "pool", 't'},
        {"latency ms", "latency_ms", 'x'},
        {"requests/s", "throughput_rps", 'x'},
        {"errors", "error_frac", 'p'},
        {"CPU free", "cpu_free_frac", 'p'},
        {"memory free", "memory_free_frac", 'p'}}}}},
    {"FleetSavings",
     "Savings",
     {{"Over time",
       "total.series",
       {{"from", "from", 'm'},
        {"paid USD", "paid_usd", 'u'},
        {"losses USD", "losses_usd", 'u'},
        {"on-demand USD", "ode_usd", 'u'},
        {"bound USD", "bound_usd", 'u'}}},
      {"By client and cluster",
       "/savings",
       {{"scope", "scope", 't'},
        {"paid", "paid_usd", 'u'},
        {"on-demand", "ode_usd", 'u'},
        {"losses", "losses_usd", 'u'},
        {"gross", "gross_saving_frac", 'p'},
        {"net", "net_saving_frac", 'p'},
        {"of the possible", "optimization_rate", 'p'},
        {"on spot", "coverage_frac", 'p'},
        {"a month, net", "monthly_net_usd", 'u'}}},
      {"By instance",
       "instances",
       {{"instance", "instance", 't'},
        {"cluster", "cluster", 't'},
        {"pool", "pool", 't'},
        {"hours", "node_hours", 'x'},
        {"paid", "billed_usd", 'u'},
        {"on-demand", "ode_usd", 'u'},
        {"gross", "gross_saving_frac", 'p'}}}}},
    {"FleetTopology",
     "Topology",
     {{"Pools",
       "/pools",
       {{"client", "client", 't'},
        {"cluster", "cluster", 't'},
        {"pool", "pool", 't'},
        {"purchase", "purchase", 't'},
        {"nodes", "node_count", 'n'},
        {"USD/h", "usd_per_hour", 'r'}}}}},
    {"FleetHistory",
     "Switches",
     {{"Latest first",
       "switches",
       {{"proposed", "proposed_at", 'm'},
        {"done", "done_at", 'm'},
        {"instance", "instance", 't'},
        {"from", "from_pool", 't'},
        {"to", "to_pool", 't'},
        {"why", "reason", 't'},
        {"state", "state", 't'},
        {"alternates", "alternates", 'L'}}}}},
    {"FleetHealth",
     "Health",
     {{"Components",
       "components",
       {{"component", "component", 't'},
        {"state", "state", 't'},
        {"since", "since", 'm'},
        {"heard", "heard_at", 'm'},
        {"uptime 24 h", "uptime_frac", 'p'},
        {"latency ms", "latency_ms", 'x'},
        {"mean ms", "mean_latency_ms", 'x'}}},
      {"Last lines",
       "/logs",
       {{"time", "time", 'm'},
        {"component", "component", 't'},
        {"level", "level", 't'},
        {"text", "text", 't'}}}}},
    {"FleetActivity",
     "Activity",
     {{"Latest first",
       "items",
       {{"time", "time", 'm'},
        {"type", "type", 't'},
        {"cluster", "cluster", 't'},
        {"instance", "instance", 't'},
        {"state", "state", 't'},
        {"subject", "subject", 't'},
        {"detail", "detail", 't'},
        {"more", "more", 't'}}}}},
    {"FleetOverrides",
     "On-demand orders",
     {{"Orders, latest first",
       "overrides",
       {{"id", "id", 't'},
        {"scope", "scope", 't'},
        {"target", "target", 't'},
        {"state", "state", 't'},
        {"until", "until", 'm'},
        {"by", "author", 't'},
        {"why", "reason", 't'},
        {"nodes", "nodes", 'n'},
        {"% done", "progress_percent", 'x'}}},
      {"Clusters",
       "clusters",
       {{"cluster", "cluster", 't'},
        {"forced by", "forced_by", 't'},
        {"spot allowed", "spot_frac", 'p'}}}}},
    {"CleanupReport",
     "Clean-up",
     {{"Found",
       "/items",
       {{"id", "id", 't'},
        {"what", "what", 't'},
        {"state", "state", 't'},
        {"first seen", "first_seen", 'm'},
        {"USD a month", "usd_per_month", 'u'},
        {"evidence", "evidence", 'l'},
        {"what would be lost", "lost", 't'}}}}},
};

const fleet_kind *
fleet_kind_of(const cJSON *doc)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kind, doc_text(doc, "kind")) == 0)
            return &kinds[i];
    }
    return NULL;
}

figure
show_stamp(const char *rfc3339)
{
    figure shown;

    if (strlen(rfc3339) < 16) {
        fit(shown.at, sizeof shown.at, "-");
        return shown;
    }
    fit(shown.at, sizeof shown.at, "%.10s %.5s", rfc3339, rfc3339 + 11);
    return shown;
}

/* --- rows that are put together --- */

static void
add_fact(cJSON *list, const char *what, const char *value)
{
    cJSON *row = cJSON_CreateObject();

    cJSON_AddStringToObject(row, "what", what);
    cJSON_AddStringToObject(row, "value", value);
    cJSON_AddItemToArray(list, row);
}

static cJSON *
make_facts(const cJSON *doc)
{
    static const grid_column facts[] = {
        {"nodes that run", "active", 'n'},
        {"of them on spot", "active_spot", 'n'},
        {"risk detected, 24 h", "risk_detected", 'n'},
        {"notices, 24 h", "notices", 'n'},
        {"interrupted, 24 h", "interrupted", 'n'},
        {"episodes per 1,000 node-hours", "episodes_per_1000_node_hours", 'x'},
        {"optimizations", "optimizations", 'n'},
        {"switches going on", "live_switches", 'n'},
        {"accepted of proposed", "action_rate", 'p'},
        {"gross saving", "gross_saving_frac", 'p'},
        {"net saving", "net_saving_frac", 'p'},
        {"saved of what could be", "optimization_rate", 'p'},
        {"saved a month, gross", "monthly_gross_usd", 'u'},
        {"saved a month, net", "monthly_net_usd", 'u'},
        {"coverage by spot", "coverage_frac", 'p'},
        {"after lost work", "effective_coverage_frac", 'p'},
        {"CPU load", "cpu_load_frac", 'p'},
        {"memory load", "memory_load_frac", 'p'},
    };
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        text value = {0};

        grid_cell(doc, &facts[i], &value);
        add_fact(list, facts[i].title, value.at);
        text_free(&value);
    }
    return list;
}

static void
add_copy(cJSON *list, const char *key, const char *label, const cJSON *from, const char *other_key,
         const char *other)
{
    cJSON *row = cJSON_CreateObject();

    for (const cJSON *field = from->child; field != NULL; field = field->next) {
        if (field->string != NULL && (cJSON_IsNumber(field) || cJSON_IsString(field)))
            cJSON_AddItemToObject(row, field->string, cJSON_Duplicate(field, false));
    }
    cJSON_DeleteItemFromObjectCaseSensitive(row, key);
    cJSON_AddStringToObject(row, key, label);
    if (other_key != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(row, other_key);
        cJSON_AddStringToObject(row, other_key, other);
    }
    cJSON_AddItemToArray(list, row);
}

static cJSON *
make_savings(const cJSON *doc)
{
    cJSON *list = cJSON_CreateArray();
    char label[200];

    if (cJSON_IsObject(doc_at(doc, "total")))
        add_copy(list, "scope", "total", doc_at(doc, "total"), NULL, NULL);
    for (const cJSON *c = doc_list(doc, "clients"); c != NULL; c = c->next) {
        const char *name = doc_text(c, "client");

        fit(label, sizeof label, "client %.180s", *name != '\0' ? name : "-");
        add_copy(list, "scope", label, c, NULL, NULL);
    }
    for (const cJSON *c = doc_list(doc, "clusters"); c != NULL; c = c->next) {
        const char *name = doc_text(c, "cluster");

        fit(label, sizeof label, "cluster %.180s", *name != '\0' ? name : "-");
        add_copy(list, "scope", label, c, NULL, NULL);
    }
    return list;
}

static cJSON *
make_pools(const cJSON *doc)
{
    cJSON *list = cJSON_CreateArray();

    for (const cJSON *client = doc_list(doc, "clients"); client != NULL; client = client->next) {
        for (const cJSON *c = doc_list(client, "clusters"); c != NULL; c = c->next) {
            for (const cJSON *pool = doc_list(c, "pools"); pool != NULL; pool = pool->next) {
                add_copy(list, "client", doc_text(client, "client"), pool, "cluster",
                         doc_text(c, "cluster"));
                cJSON_AddNumberToObject(cJSON_GetArrayItem(list, cJSON_GetArraySize(list) - 1),
                                        "node_count", (double)doc_count(pool, "nodes"));
            }
        }
    }
    return list;
}

static cJSON *
make_logs(const cJSON *doc)
{
    cJSON *list = cJSON_CreateArray();

    for (const cJSON *c = doc_list(doc, "components"); c != NULL; c = c->next) {
        for (const cJSON *line = doc_list(c, "logs"); line != NULL; line = line->next)
            add_copy(list, "component", doc_text(c, "component"), line, NULL, NULL);
    }
    return list;
}

const cJSON *
grid_rows(const cJSON *doc, const grid *g, cJSON **made)
{
    *made = NULL;
    if (g->list[0] != '/')
        return doc_list(doc, g->list);
    *made = strcmp(g->list, "/facts") == 0     ? make_facts(doc)
            : strcmp(g->list, "/savings") == 0 ? make_savings(doc)
            : strcmp(g->list, "/pools") == 0   ? make_pools(doc)
            : strcmp(g->list, "/items") == 0   ? items_of_step(doc)
                                               : make_logs(doc);
    return *made != NULL ? (*made)->child : NULL;
}

/* --- cells --- */

static void
add_list(const cJSON *row, const char *path, const char *between, text *out)
{
    const char *mark = "";

    for (const cJSON *item = doc_list(row, path); item != NULL; item = item->next) {
        text_add(out, mark);
        text_add(out, cJSON_IsString(item) ? item->valuestring : "");
        mark = between;
    }
}

void
grid_cell(const cJSON *row, const grid_column *c, text *out)
{
    const double value = doc_number(row, c->path);
    figure shown;

    text_add(out, "");
    switch (c->format) {
    case 't':
        text_add(out, doc_text(row, c->path));
        return;
    case 'l':
    case 'L':
        add_list(row, c->path, ", ", out);
        return;
    case 'm':
        shown = show_stamp(doc_text(row, c->path));
        break;
    case 'u':
        shown = show_usd(value, 2);
        break;
    case 'r':
        shown = show_price(value);
        break;
    case 'p':
        shown = show_percent(value, 1);
        break;
    case 'n':
        shown = show_count(value);
        break;
    default:
        shown = show_real(value, 1);
        break;
    }
    text_add(out, shown.at);
}

static void
csv_text(text *out, const char *what)
{
    if (strpbrk(what, ",\"\n\r") == NULL) {
        text_add(out, what);
        return;
    }
    text_add(out, "\"");
    for (; *what != '\0'; what++)
        text_add_n(out, *what == '"' ? "\"\"" : what, *what == '"' ? 2 : 1);
    text_add(out, "\"");
}

void
csv_fleet(const cJSON *doc, text *out)
{
    const fleet_kind *kind = fleet_kind_of(doc);
    const grid *g = &kind->grids[0];
    cJSON *made;

    for (const grid_column *c = g->columns; c < g->columns + GRID_COLUMNS && c->path != NULL; c++)
        text_addf(out, "%s%s", c > g->columns ? "," : "", c->path);
    text_add(out, "\n");
    for (const cJSON *row = grid_rows(doc, g, &made); row != NULL; row = row->next) {
        for (const grid_column *c = g->columns; c < g->columns + GRID_COLUMNS && c->path != NULL;
             c++) {
            const cJSON *value = doc_at(row, c->path);

            if (c > g->columns)
                text_add(out, ",");
            if (cJSON_IsNumber(value)) {
                char *exact = cJSON_PrintUnformatted(value);

                text_add(out, exact != NULL ? exact : "");
                cJSON_free(exact);
            } else if (cJSON_IsString(value)) {
                csv_text(out, value->valuestring);
            } else if (cJSON_IsArray(value)) {
                text joined = {0};

                text_add(&joined, "");
                add_list(row, c->path, ";", &joined);
                csv_text(out, joined.at);
                text_free(&joined);
            }
        }
        text_add(out, "\n");
    }
    cJSON_Delete(made);
}

/* --- on a terminal --- */

static void
print_grid(const cJSON *doc, const grid *g, const style *s, text *out)
{
    text titles = {0};
    size_t shown = 0, rows = 0;
    cJSON *made;
    table t;

    for (const grid_column *c = g->columns; c < g->columns + GRID_COLUMNS && c->path != NULL; c++)
        if (c->format != 'L') /* numbers and moments are never shortened */
            text_addf(&titles, "%s%s%s", c > g->columns ? "|" : "", c->title,
                      strchr("urpnxm", c->format) != NULL ? ">" : "");
    table_init(&t, titles.at);
    for (const cJSON *row = grid_rows(doc, g, &made); row != NULL; row = row->next, rows++) {
        if (shown == ROWS_SHOWN)
            continue;
        shown++;
        for (const grid_column *c = g->columns; c < g->columns + GRID_COLUMNS && c->path != NULL;
             c++) {
            text cell = {0};

            if (c->format == 'L')
                continue;
            grid_cell(row, c, &cell);
            table_cell(&t, cell.at, s);
            text_free(&cell);
        }
    }
    if (rows == 0)
        text_add(out, "  nothing\n");
    else
        table_print(&t, s, out);
    if (rows > shown)
        text_addf(out, "  and %zu more; -o json names them all\n", rows - shown);
    cJSON_Delete(made);
    text_free(&titles);
}

void
print_fleet(const cJSON *doc, const style *s, text *out)
{
    const fleet_kind *kind = fleet_kind_of(doc);
    text step = {0};

    add_ink(out, s, INK_BOLD, kind->title);
    text_addf(out, " at %s UTC\n", show_stamp(doc_text(doc, "now")).at);
    step_sentence(doc, &step);
    if (step.length > 0) {
        text_add_clean(out, step.at, s->utf8);
        text_add(out, "\n");
    }
    text_free(&step);
    if (strcmp(kind->kind, "FleetHealth") == 0) {
        text_add(out, "pipeline: ");
        text_add_clean(out, doc_text(doc, "pipeline"), s->utf8);
        text_add(out, "\n");
    }
    for (const grid *g = kind->grids; g < kind->grids + GRIDS && g->list != NULL; g++) {
        if (strcmp(g->list, "total.series") == 0)
            continue; /* a picture's numbers */
        if (g->heading[0] != '\0') {
            text_add(out, "\n");
            add_ink(out, s, INK_DIM, g->heading);
            text_add(out, "\n");
        }
        print_grid(doc, g, s, out);
    }
}
