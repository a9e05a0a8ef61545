/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "random_model.h"
#include "risk/model.h"
#include "risk/registry.h"
#include "suite.h"

static spotopt_error err;

/* A Model document of that id. */
static char *
document_of(const char *id)
{
    spotopt_model *model = random_model(NULL, 1, 0, false, 1);
    char *text = NULL;
    size_t length = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(model);
    CU_ASSERT_TRUE(spotopt__model_set_id(model, id));
    CU_ASSERT_EQUAL(spotopt_model_write(model, &text, &length, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    spotopt_model_free(model);
    return text;
}

/* A ledger in memory, as a command keeps it in a file. */
typedef struct book {
    char rows[200000];
    size_t length;
    spotopt_registry *registry;
} book;

static void
reread(book *b)
{
    spotopt_registry_free(b->registry);
    b->registry = NULL;
    CU_ASSERT_EQUAL_FATAL(
        spotopt_registry_parse(NULL, b->rows, b->length, "led", &b->registry, &err), SPOTOPT_OK);
}

static void
append(book *b, char *row, size_t length)
{
    CU_ASSERT_FATAL(b->length + length < sizeof b->rows);
    CU_ASSERT_EQUAL(memchr(row, '\n', length), row + length - 1);
    memcpy(b->rows + b->length, row, length);
    b->length += length;
    spotopt_text_free(NULL, row);
    reread(b);
}

static spotopt_registry_change
change_of(const char *id)
{
    spotopt_registry_change change = SPOTOPT_REGISTRY_CHANGE_INIT;

    change.id = id;
    change.author = "ann";
    change.reason = "a \"test\"\n";
    change.time_ms = 1700000000000;
    return change;
}

static void
upload(book *b, const char *id)
{
    spotopt_registry_change change = change_of(NULL);
    char *document = document_of(id), *row = NULL;
    size_t length = 0;

    CU_ASSERT_EQUAL_FATAL(spotopt_registry_upload(b->registry, document, strlen(document), &change,
                                                  &row, &length, &err),
                          SPOTOPT_OK);
    append(b, row, length);
    spotopt_text_free(NULL, document);
}

/* An evaluation of columns in which the forecast called id is the truth, and others are poor. */
static spotopt_evaluation *
evaluation_of(const char *id, const char *other, double bend)
{
    enum { ROWS = 2000 };
    static double time_s[ROWS], p[6 * ROWS], label[3 * ROWS];
    static const double horizons[] = {1.0, 4.0, 24.0};
    const char *const names[] = {id, other};
    spotopt_evaluation_columns columns = SPOTOPT_EVALUATION_COLUMNS_INIT;
    spotopt_evaluation *made = NULL;
    unsigned state = 29;

    for (size_t i = 0; i < ROWS; i++) {
        time_s[i] = 900.0 * (double)i;
        for (size_t k = 0; k < 3; k++) {
            state = state * 1664525u + 1013904223u;
            double truth = 0.1 + 0.8 * ((state >> 8) / 16777216.0);
            state = state * 1664525u + 1013904223u;
            label[k * ROWS + i] = (state >> 8) / 16777216.0 < truth;
            p[k * ROWS + i] = truth * (1.0 - bend);
            p[(3 + k) * ROWS + i] = 0.5;
        }
    }
    columns.count = ROWS;
    columns.time_s = time_s;
    columns.horizons_h = horizons;
    columns.horizon_count = 3;
    columns.label = label;
    columns.forecast = p;
    columns.names = names;
    columns.forecast_count = 2;
    CU_ASSERT_EQUAL(spotopt_evaluation_of_columns(NULL, &columns, &made, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static spotopt_status
graduate(book *b, const char *id, const char *other, double bend)
{
    spotopt_evaluation *e = evaluation_of(id, other, bend);
    spotopt_registry_change change = change_of(id);
    char *row = NULL;
    size_t length = 0;
    spotopt_status status = spotopt_registry_graduate(b->registry, e, &change, &row, &length, &err);

    if (status == SPOTOPT_OK)
        append(b, row, length);
    spotopt_evaluation_free(e);
    return status;
}

static spotopt_status
set_current(book *b, const char *id)
{
    spotopt_registry_change change = change_of(id);
    char *row = NULL;
    size_t length = 0;
    spotopt_status status = spotopt_registry_set_current(b->registry, &change, &row, &length, &err);

    if (status == SPOTOPT_OK)
        append(b, row, length);
    return status;
}

static int32_t
state_of(const book *b, const char *id)
{
    spotopt_registry_entry entry = SPOTOPT_REGISTRY_ENTRY_INIT;

    CU_ASSERT_EQUAL(
        spotopt_registry_at(b->registry, spotopt_registry_find(b->registry, id), &entry, &err),
        SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(entry.id, id);
    return entry.state;
}

static book shared;

static book *
open_book(void)
{
    shared = (book){.length = 0};
    reread(&shared);
    return &shared;
}

static void
test_registry__takes_a_model_through_its_life(void)
{
    book *b = open_book();
    spotopt_registry_change change = change_of("old");
    char *row = NULL;
    size_t length = 0;

    CU_ASSERT_EQUAL(spotopt_registry_count(b->registry), 0);
    CU_ASSERT_EQUAL(spotopt_registry_find(b->registry, NULL), SIZE_MAX);
    upload(b, "old");
    upload(b, "new");
    CU_ASSERT_EQUAL(state_of(b, "old"), SPOTOPT_MODEL_UPLOADED);
    CU_ASSERT_EQUAL(set_current(b, "old"), SPOTOPT_E_STATE);
    /* Without a current model the baseline would be the measure; "evidence" as a model is none. */
    CU_ASSERT_EQUAL(graduate(b, "old", "evidence", 0.0), SPOTOPT_E_ARGUMENT);

    /* From here on as if it had: rows written by hand, which parsing checks. */
    static const char *const rows[] = {
        "{\"time_ms\":5,\"type\":\"model\",\"id\":\"old\",\"state\":\"shadow\"}\n",
        "{\"time_ms\":6,\"type\":\"log\",\"text\":\"about a \\\"model\\\"\"}\n\n",
        "{\"time_ms\":7,\"type\":\"model\",\"id\":\"old\",\"state\":\"canary\"}\r\n",
        "{\"time_ms\":8,\"type\":\"model\",\"id\":\"old\",\"state\":\"current\"}\n"};
    for (size_t i = 0; i < 4; i++) {
        memcpy(b->rows + b->length, rows[i], strlen(rows[i]));
        b->length += strlen(rows[i]);
    }
    reread(b);
    CU_ASSERT_EQUAL(state_of(b, "old"), SPOTOPT_MODEL_CURRENT);
    CU_ASSERT_EQUAL(spotopt_registry_find(b->registry, NULL), 0);

    CU_ASSERT_EQUAL(graduate(b, "new", "other", 0.0), SPOTOPT_E_ARGUMENT); /* not the current one */
    CU_ASSERT_EQUAL(graduate(b, "new", "old", 0.4), SPOTOPT_E_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "calibration_error at 1h is "));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "off by"));
    CU_ASSERT_EQUAL(state_of(b, "new"), SPOTOPT_MODEL_UPLOADED);
    CU_ASSERT_EQUAL(graduate(b, "new", "old", 0.0), SPOTOPT_OK);
    CU_ASSERT_EQUAL(state_of(b, "new"), SPOTOPT_MODEL_SHADOW);
    CU_ASSERT_EQUAL(set_current(b, "new"), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(graduate(b, "new", "old", 0.0), SPOTOPT_OK);
    CU_ASSERT_EQUAL(state_of(b, "new"), SPOTOPT_MODEL_CANARY);
    CU_ASSERT_EQUAL(graduate(b, "new", "old", 0.0), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(set_current(b, "new"), SPOTOPT_OK);
    CU_ASSERT_EQUAL(state_of(b, "new"), SPOTOPT_MODEL_CURRENT);
    CU_ASSERT_EQUAL(state_of(b, "old"), SPOTOPT_MODEL_RETIRED); /* one at a time */
    CU_ASSERT_EQUAL(set_current(b, "old"), SPOTOPT_OK);         /* and back */
    CU_ASSERT_EQUAL(state_of(b, "new"), SPOTOPT_MODEL_RETIRED);
    CU_ASSERT_EQUAL(spotopt_registry_retire(b->registry, &change, &row, &length, &err), SPOTOPT_OK);
    append(b, row, length);
    CU_ASSERT_EQUAL(state_of(b, "old"), SPOTOPT_MODEL_RETIRED);
    CU_ASSERT_EQUAL(spotopt_registry_find(b->registry, NULL), SIZE_MAX);
    CU_ASSERT_EQUAL(spotopt_registry_retire(b->registry, &change, &row, &length, &err),
                    SPOTOPT_E_STATE);
    spotopt_registry_free(b->registry);
}

static void
test_registry__keeps_a_document_to_the_letter_but_for_blanks(void)
{
    book *b = open_book();
    spotopt_registry_change change = change_of(NULL);
    spotopt_registry_entry entry = SPOTOPT_REGISTRY_ENTRY_INIT;
    char *document = document_of("m"), spread[60000], *row = NULL;
    size_t at = 0, length = 0;

    /* The same document over many lines: blanks after each comma outside of texts. */
    bool is_in_text = false;
    for (const char *c = document; *c != '\0' && *c != '\n'; c++) {
        CU_ASSERT_FATAL(at + 8 < sizeof spread);
        is_in_text ^= *c == '"';
        spread[at++] = *c;
        if (*c == ',' && !is_in_text) {
            memcpy(spread + at, " \r\n\t", 4);
            at += 4;
        }
    }
    CU_ASSERT_EQUAL_FATAL(
        spotopt_registry_upload(b->registry, spread, at, &change, &row, &length, &err), SPOTOPT_OK);
    append(b, row, length);
    CU_ASSERT_EQUAL(spotopt_registry_at(b->registry, 0, &entry, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(strncmp(entry.document, document, entry.document_length), 0);
    CU_ASSERT_EQUAL(entry.document_length, strcspn(document, "\n"));
    CU_ASSERT_STRING_EQUAL(entry.author, "ann");
    CU_ASSERT_STRING_EQUAL(entry.reason, "a \"test\"\n");
    CU_ASSERT_EQUAL(entry.changed_ms, 1700000000000);
    CU_ASSERT_EQUAL(spotopt_registry_upload(b->registry, document, strlen(document), &change, &row,
                                            &length, &err),
                    SPOTOPT_E_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "never used twice"));
    spotopt_text_free(NULL, document);
    spotopt_registry_free(b->registry);
}

static void
test_registry__refuses_rows_that_cannot_be(void)
{
    static const char *const rows[][2] = {
        {"{\"time_ms\":1,\"type\":\"model\",\"id\":\"x\",\"state\":\"current\"}\n",
         "led:1: model \"x\" goes from nowhere to current"},
        {"\n{\"time_ms\":1,\"type\":\"model\",\"id\":\"x\",\"state\":\"uploaded\"}\n",
         "led:2: /model is missing"},
        {"{\"time_ms\":1,\"type\":\"model\",\"id\":\"x\",\"state\":\"uploaded\",\"model\":{}}\n",
         "led:1"},
        {"{\"time_ms\":-1,\"type\":\"model\",\"id\":\"x\",\"state\":\"shadow\"}\n", "/time_ms"},
        {"{\"time_ms\":1,\"type\":\"model\",\"id\":\"x y\",\"state\":\"shadow\"}\n", "/id"},
        {"{\"time_ms\":1,\"type\":\"model\",\"id\":\"x\",\"state\":\"great\"}\n", "/state"},
        {"{\"time_ms\":1,\"type\":\"model\"", "led:1"},
        {"half a row\n", "led:1: no JSON object"},
    };
    spotopt_registry *registry = NULL;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT_EQUAL(
            spotopt_registry_parse(NULL, rows[i][0], strlen(rows[i][0]), "led", &registry, &err),
            SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(registry);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, rows[i][1]));
    }
}

static void
test_registry__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status = SPOTOPT_E_NOMEM;
    spotopt_registry_change change = change_of(NULL);
    char *document = document_of("m");

    for (size_t n = 0; status == SPOTOPT_E_NOMEM && n < 5000; n++) {
        spotopt_registry *empty = NULL, *one = NULL;
        char *row = NULL, *text = NULL, *retired = NULL;
        size_t length = 0, other_length;

        fail_after(&allocator, n);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL ? SPOTOPT_E_NOMEM
                                 : spotopt_registry_parse(context, "", 0, NULL, &empty, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_registry_upload(empty, document, strlen(document), &change, &row,
                                             &length, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_registry_parse(context, row, length, NULL, &one, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_registry_write(one, &text, &other_length, NULL);
        if (status == SPOTOPT_OK) {
            spotopt_registry_change gone = change_of("m");

            status = spotopt_registry_retire(one, &gone, &retired, &other_length, NULL);
        }
        spotopt_text_free(context, row);
        spotopt_text_free(context, text);
        spotopt_text_free(context, retired);
        spotopt_registry_free(empty);
        spotopt_registry_free(one);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    }
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    spotopt_text_free(NULL, document);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_registry__takes_a_model_through_its_life),
        TEST(test_registry__keeps_a_document_to_the_letter_but_for_blanks),
        TEST(test_registry__refuses_rows_that_cannot_be),
        TEST(test_registry__survives_every_failing_allocation),
    };
    return suite_run("registry", tests, sizeof tests / sizeof *tests);
}
