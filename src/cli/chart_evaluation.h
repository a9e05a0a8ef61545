/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_CHART_EVALUATION_H
#define SPOTOPT_CLI_CHART_EVALUATION_H
#include "html.h"
#include "table.h"

/* Hours as short as they are: 0.25, 1, 24. */
figure show_hours(double hours);
/* A field called "24h" as "24 h". */
figure show_ahead(const cJSON *horizon);

/* The pictures of a RiskEvaluation, each in a section of its own. */
void chart_reliability(text *out, const cJSON *doc); /* one a horizon */
void chart_since(text *out, const cJSON *doc);
void chart_forecast(text *out, const cJSON *doc);

#endif
