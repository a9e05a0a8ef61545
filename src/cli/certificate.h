/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_CERTIFICATE_H
#define SPOTOPT_CLI_CERTIFICATE_H
#include "doc.h"
#include "text.h"

/* A PackingResult's certificate in one line; ids are as they stand in the document. */
void doc_certificate(const cJSON *doc, text *out);

#endif
