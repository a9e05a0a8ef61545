/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_show.c - prints a document again, in another form.
 */
#include "run.h"

int
cmd_show(const args *a)
{
    session s;
    input in;
    cJSON *doc;
    int status;

    if (a->operand_count != 1) {
        say("show: want one FILE; see 'spotopt show --help'");
        return EXIT_USAGE;
    }
    status = session_open(&s, a);
    if (status != 0)
        return status;
    status = input_read(&in, a->operands[0]);
    if (status == 0) {
        doc = doc_parse(in.text, in.length,
                        in.name); /* -o json passes nothing on that is no document */
        status = doc != NULL ? deliver(&s, in.text, in.length) : EXIT_INPUT;
        cJSON_Delete(doc);
        input_free(&in);
    }
    session_close(&s);
    return status;
}
