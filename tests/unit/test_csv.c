/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/csv.h"
#include "suite.h"

static spotopt_error err;

/* Reads a table to its end; fields joined by '|', records by '\n'. Returns the last status. */
static spotopt_status
read_all(const char *text, size_t length, char *out, size_t room)
{
    spotopt__csv csv;
    bool has = true;
    spotopt_status status = spotopt__csv_open(&csv, NULL, text, length, "t.csv", &err);

    out[0] = '\0';
    while (status == SPOTOPT_OK && (status = spotopt__csv_next(&csv, &has, &err)) == SPOTOPT_OK &&
           has) {
        for (uint32_t i = 0; i < csv.column_count; i++) {
            strncat(out, spotopt__csv_text(&csv, i), room - strlen(out) - 1);
            strncat(out, i + 1 < csv.column_count ? "|" : "\n", room - strlen(out) - 1);
        }
    }
    spotopt__csv_close(&csv);
    return status;
}

static void
test_csv__reads_quotes_crlf_and_blank_lines(void)
{
    static const struct {
        const char *text, *fields;
    } rows[] = {
        {"a,b\n1,2\n", "1|2\n"},
        {"a,b\r\n1,2\r\n\r\n3,4", "1|2\n3|4\n"},
        {"\xEF\xBB\xBF"
         "a,b\n1,\n",
         "1|\n"},
        {"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "x,y|say \"hi\"\n"},
        {"a,b\n\"two\nlines\",\"\"\n", "two\nlines|\n"},
        {"a,b\n1,\"2\"", "1|2\n"},
        {"a,b\n1,\"2\"\r\n", "1|2\n"},
        {"a\n\n\nx\n", "x\n"},
        {"a,b\n\xC3\xA9,\xE2\x82\xAC\n", "\xC3\xA9|\xE2\x82\xAC\n"},
        {"a,b", ""},
        {"a,b\n,", "|\n"},
    };
    char out[256];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT_EQUAL(read_all(rows[i].text, strlen(rows[i].text), out, sizeof out), SPOTOPT_OK);
        CU_ASSERT_STRING_EQUAL(out, rows[i].fields);
    }
}

static void
test_csv__reads_records_of_any_length_and_keeps_its_columns(void)
{
    enum { ROWS = 12, ROOM = 1 << 16 };
    char *text = malloc(ROOM), *want = malloc(ROOM);
    spotopt__csv csv;
    size_t at = 0;
    bool has = false;

    CU_ASSERT_FATAL(text != NULL && want != NULL);
    at += (size_t)sprintf(text + at, "\"first\ncolumn\",b\n");
    for (int row = 0; row < ROWS;
         row++) { /* from none to 2 KiB and back, lines inside the quotes */
        text[at++] = '"';
        for (int i = 0; i < 1 << (row < 6 ? 2 * row : 2 * (ROWS - row)); i++)
            text[at++] = i % 7 == 3 ? '\n' : (char)('a' + (row + i) % 26);
        at += (size_t)sprintf(text + at, "\",%d\n", row);
    }
    CU_ASSERT_EQUAL_FATAL(spotopt__csv_open(&csv, NULL, text, at, "t.csv", &err), SPOTOPT_OK);
    for (int row = 0; row < ROWS; row++) {
        int length = 1 << (row < 6 ? 2 * row : 2 * (ROWS - row));

        CU_ASSERT_EQUAL_FATAL(spotopt__csv_next(&csv, &has, &err), SPOTOPT_OK);
        CU_ASSERT_TRUE_FATAL(has);
        for (int i = 0; i < length; i++)
            want[i] = i % 7 == 3 ? '\n' : (char)('a' + (row + i) % 26);
        want[length] = '\0';
        CU_ASSERT_STRING_EQUAL(spotopt__csv_text(&csv, 0), want);
        CU_ASSERT_EQUAL(atoi(spotopt__csv_text(&csv, 1)), row);
        CU_ASSERT_EQUAL(spotopt__csv_column(&csv, "first\ncolumn"), 0);
    }
    CU_ASSERT_EQUAL(spotopt__csv_next(&csv, &has, &err), SPOTOPT_OK);
    CU_ASSERT_FALSE(has);
    spotopt__csv_close(&csv);
    free(text);
    free(want);
}

static void
test_csv__says_where_a_table_is_broken(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "t.csv:1: nothing there; want a header line"},
        {"\n\n", "t.csv:1: nothing there; want a header line"},
        {"a,a\n", "t.csv:1: column \"a\" is there twice"},
        {"a,b\n1\n", "t.csv:2: 1 fields; want 2, as the header has"},
        {"a,b\n1,2\n1,2,3\n", "t.csv:3: 3 fields; want 2, as the header has"},
        {"a,b\n1,\"2\n\n", "t.csv:2: a quoted field has no end; want \""},
        {"a,b\n1,\"2\"x\n", "t.csv:2: text after a quoted field; want a comma"},
        {"a,b\n1,2\"\n", "t.csv:2: a quote inside a field; want the whole field quoted"},
        {"a,b\n\n\"x\ny\",1\n1\n", "t.csv:5: 1 fields; want 2, as the header has"},
        {"a,b\n1,\xFF\n", "t.csv:2: byte 0xff is no UTF-8; want UTF-8 text"},
        {"a,b\n1,\xC0\x80\n", "t.csv:2: byte 0xc0 is no UTF-8; want UTF-8 text"},
        {"a,b\n1,\x01\n", "t.csv:2: control character 0x01; want text"},
    };
    char out[256];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err = (spotopt_error)SPOTOPT_ERROR_INIT;
        CU_ASSERT_EQUAL(read_all(rows[i].text, strlen(rows[i].text), out, sizeof out),
                        SPOTOPT_E_INPUT);
        CU_ASSERT_STRING_EQUAL(err.message, rows[i].message);
    }
    CU_ASSERT_EQUAL(read_all("a\n\0\n", 4, out, sizeof out), SPOTOPT_E_INPUT);
}

static void
test_csv__judges_numbers_and_names_column_and_value(void)
{
    const char *text = "n,i\n1.5,3\n,\n1e400,x\n0x10,1.5\n-1,1e3\n";
    spotopt__csv csv;
    bool has;
    double n;
    int64_t i;

    CU_ASSERT_EQUAL_FATAL(spotopt__csv_open(&csv, NULL, text, strlen(text), "t.csv", &err),
                          SPOTOPT_OK);
    CU_ASSERT(spotopt__csv_next(&csv, &has, &err) == SPOTOPT_OK && has);
    CU_ASSERT_EQUAL(spotopt__csv_real(&csv, 0, 0, 9, "a price", &n, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(n, 1.5);
    CU_ASSERT_EQUAL(spotopt__csv_int(&csv, 1, 0, 9, "a count", -1, &i, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(i, 3);
    CU_ASSERT(spotopt__csv_next(&csv, &has, &err) == SPOTOPT_OK && has);
    CU_ASSERT(spotopt__csv_real(&csv, 0, 0, 9, "a price", &n, &err) == SPOTOPT_OK && isnan(n));
    CU_ASSERT(spotopt__csv_int(&csv, 1, 0, 9, "a count", -7, &i, &err) == SPOTOPT_OK && i == -7);
    CU_ASSERT(spotopt__csv_int(&csv, SPOTOPT__NONE, 0, 9, "a count", -8, &i, &err) == SPOTOPT_OK &&
              i == -8);
    CU_ASSERT(spotopt__csv_next(&csv, &has, &err) == SPOTOPT_OK && has);
    CU_ASSERT_EQUAL(spotopt__csv_real(&csv, 0, 0, 9, "a price", &n, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_STRING_EQUAL(err.message, "t.csv:4: n is \"1e400\"; want a price");
    CU_ASSERT_EQUAL(spotopt__csv_int(&csv, 1, 0, 9, "a count", -1, &i, &err), SPOTOPT_E_INPUT);
    CU_ASSERT(spotopt__csv_next(&csv, &has, &err) == SPOTOPT_OK && has);
    CU_ASSERT_EQUAL(spotopt__csv_real(&csv, 0, 0, 99, "a price", &n, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_EQUAL(spotopt__csv_int(&csv, 1, 0, 9, "a count", -1, &i, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_STRING_EQUAL(err.message, "t.csv:5: i is \"1.5\"; want a count");
    CU_ASSERT(spotopt__csv_next(&csv, &has, &err) == SPOTOPT_OK && has);
    CU_ASSERT_EQUAL(spotopt__csv_real(&csv, 0, 0, 9, "a price", &n, &err), SPOTOPT_E_INPUT);
    CU_ASSERT(spotopt__csv_int(&csv, 1, 0, 9999, "a count", -1, &i, &err) == SPOTOPT_OK &&
              i == 1000);
    CU_ASSERT(spotopt__csv_next(&csv, &has, &err) == SPOTOPT_OK && !has);
    spotopt__csv_close(&csv);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_csv__reads_quotes_crlf_and_blank_lines),
        TEST(test_csv__reads_records_of_any_length_and_keeps_its_columns),
        TEST(test_csv__says_where_a_table_is_broken),
        TEST(test_csv__judges_numbers_and_names_column_and_value),
    };

    return suite_run("csv", tests, sizeof tests / sizeof *tests);
}
