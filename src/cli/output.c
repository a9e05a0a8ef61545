/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.c - a document as the user wants it: table, JSON or page; on standard output, or in a file
 * that appears whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet.h"
#include "html.h"
#include "run.h"

typedef struct shown {
    const char *kind;
    void (*print)(const cJSON *doc, const style *s, text *out);
    void (*html)(const cJSON *doc, text *out);
} shown;

static const shown kinds[] = {
    {"Plan", print_plan, html_plan},
    {"PackingResult", print_packing, html_packing},
    {"Ranking", print_ranking, html_ranking},
    {"DrainPlan", print_drain, html_drain},
    {"DrainSimulation", print_simulation, html_simulation},
    {"Funnel", print_funnel, html_funnel},
    {"RiskEvaluation", print_evaluation, html_evaluation},
    {"RiskForecast", print_forecast, html_forecast},
    {"Model", print_model, html_model},
    {"ModelRegistry", print_registry, html_registry},
    {"ExperimentReport", print_experiment, html_experiment},
    {"CanaryReport", print_experiment, html_experiment},
    {"Replay", print_replay, html_replay},
    {"FleetMetrics", print_fleet, html_fleet},
    {"FleetSavings", print_fleet, html_fleet},
    {"FleetTopology", print_fleet, html_fleet},
    {"FleetHistory", print_fleet, html_fleet},
    {"FleetHealth", print_fleet, html_fleet},
    {"FleetActivity", print_fleet, html_fleet},
    {"FleetOverrides", print_fleet, html_fleet},
    {"CleanupReport", print_fleet, html_fleet},
};

static bool
is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0';
}

static style
style_of_terminal(bool is_terminal)
{
    const char *locale = is_set("LC_ALL")     ? getenv("LC_ALL")
                         : is_set("LC_CTYPE") ? getenv("LC_CTYPE")
                                              : getenv("LANG");
    const char *term = getenv("TERM");
    struct winsize size;
    style s = {false, false, 100};

    s.utf8 = locale != NULL && (strstr(locale, "UTF-8") != NULL || strstr(locale, "utf8") != NULL ||
                                strstr(locale, "utf-8") != NULL || strstr(locale, "UTF8") != NULL);
    if (!is_terminal)
        return s;
    s.colour = !is_set("NO_COLOR") && term != NULL && strcmp(term, "dumb") != 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        s.width = size.ws_col < 72 ? 72 : size.ws_col;
    return s;
}

static bool
write_all(int fd, const char *what, size_t length)
{
    while (length > 0) {
        const ssize_t n = write(fd, what, length < 1 << 30 ? length : 1 << 30);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        what += n;
        length -= (size_t)n;
    }
    return true;
}

static int
cannot_write(const char *where)
{
    say("cannot write %s: %s", where, strerror(errno));
    return EXIT_FAULT;
}

/* Writes beside the file, then takes its name: a reader sees the old text or the new one, never a
 * part. */
static int
replace_file(const char *file, const char *what, size_t length)
{
    const mode_t mask = umask(0);
    text temporary = {0};
    int fd, status = 0;

    umask(mask);
    text_addf(&temporary, "%s.XXXXXX", file);
    fd = mkstemp(temporary.at);
    if (fd < 0) {
        text_free(&temporary);
        return cannot_write(file);
    }
    if (!write_all(fd, what, length) || fchmod(fd, 0666 & ~mask) != 0 || fsync(fd) != 0)
        status = cannot_write(file);
    if (close(fd) != 0 && status == 0)
        status = cannot_write(file);
    if (status == 0 && rename(temporary.at, file) != 0)
        status = cannot_write(file);
    if (status != 0)
        unlink(temporary.at);
    text_free(&temporary);
    return status;
}

int
deliver_text(const char *file, const char *what, size_t length)
{
    struct stat about;
    int fd, status = 0;

    if (file == NULL || strcmp(file, "-") == 0)
        return write_all(STDOUT_FILENO, what, length) ? 0 : cannot_write("standard output");
    if (stat(file, &about) != 0 || S_ISREG(about.st_mode))
        return replace_file(file, what, length);
    fd = open(file, O_WRONLY | O_CLOEXEC); /* a pipe or a device keeps its name */
    if (fd < 0)
        return cannot_write(file);
    if (!write_all(fd, what, length))
        status = cannot_write(file);
    if (close(fd) != 0 && status == 0)
        status = cannot_write(file);
    return status;
}

int
deliver(const session *s, const char *json, size_t length)
{
    const style look = style_of_terminal(s->output_file == NULL && isatty(STDOUT_FILENO));
    const shown *kind = NULL;
    text out = {0};
    cJSON *doc;
    int status;

    if (s->format == AS_JSON) {
        text_add_n(&out, json, length);
        if (length == 0 || json[length - 1] != '\n')
            text_add(&out, "\n");
        status = deliver_text(s->output_file, out.at, out.length);
        text_free(&out);
        return status;
    }
    doc = doc_parse(json, length, "the document");
    if (doc == NULL)
        return EXIT_INPUT;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kind, doc_text(doc, "kind")) == 0)
            kind = &kinds[i];
    }
    if (kind == NULL) {
        say("the document: /kind is \"%s\"; want Plan, PackingResult, Ranking, DrainPlan, "
            "DrainSimulation, "
            "Funnel, RiskEvaluation, "
            "RiskForecast, Model, ModelRegistry, ExperimentReport, CanaryReport, Replay, a "
            "Fleet... "
            "document or CleanupReport",
            doc_text(doc, "kind"));
        status = EXIT_INPUT;
    } else if (s->format == AS_CSV && fleet_kind_of(doc) == NULL) {
        say("-o csv is for 'spotopt fleet'");
        status = EXIT_USAGE;
    } else {
        if (s->format == AS_HTML)
            kind->html(doc, &out);
        else if (s->format == AS_CSV)
            csv_fleet(doc, &out);
        else
            kind->print(doc, &look, &out);
        status = deliver_text(s->output_file, out.at, out.length);
    }
    cJSON_Delete(doc);
    text_free(&out);
    return status;
}
