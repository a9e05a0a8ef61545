/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a history. Times ascend within a pool, every row belongs to one pool, and forecasts
 * from it are probabilities within their intervals.
 */
#include <stdlib.h>
#include <string.h>

#include "risk/risk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static const char catalog_text[] =
    "region,zone,instance_type,vcpu,memory_mib,spot_usd_per_hour,interruption_bucket\n"
    "r,z,m5.large,2,8192,0.03,1\nr,y,m5.large,2,8192,0.04,4\nr,z,c5.large,2,4096,0.03,\n";

static void
check(const spotopt_history *history)
{
    size_t rows = 0;

    for (size_t i = 0; i < history->series.count; i++) {
        const spotopt__series *s = &history->series.at[i];

        NEED(s->first == rows && s->count > 0);
        rows += s->count;
        for (size_t k = s->first; k < rows; k++) {
            NEED(isfinite(history->time_s[k]) && !(history->nodes_up[k] < 0.0));
            NEED(k == s->first || history->time_s[k - 1] <= history->time_s[k]);
        }
    }
    NEED(rows == history->rows);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_forecast f = SPOTOPT_FORECAST_INIT;
    spotopt_history *history = NULL;
    spotopt_catalog *catalog = NULL;
    spotopt_risk *risk = NULL;
    const spotopt_status status =
        spotopt_history_parse(NULL, (const char *)data, size, "f", &history, &err);

    if (status != SPOTOPT_OK) {
        NEED(status == SPOTOPT_E_INPUT && history == NULL);
        NEED(err.message[0] != '\0' && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    check(history);
    NEED(spotopt_catalog_parse(NULL, catalog_text, sizeof catalog_text - 1, "c", NULL, &catalog,
                               NULL) == SPOTOPT_OK);
    for (int n = 0; n < 3; n++) {
        double now_s = n == 0 ? 0.0 : n == 1 ? 1e5 : 1e12;

        NEED(spotopt_risk_score(NULL, catalog, history, now_s, NULL, &risk, NULL) == SPOTOPT_OK);
        for (size_t i = 0; i < 3; i++) {
            NEED(spotopt_risk_at(risk, i, 4.0, &f, NULL) == SPOTOPT_OK);
            NEED(f.low >= 0.0 && f.low <= f.p && f.p <= f.high && f.high <= 1.0);
            NEED(spotopt__risk_drop(risk, i, 4.0) >= 0.0 &&
                 spotopt__risk_drop(risk, i, 4.0) <= 1.0);
        }
        spotopt_risk_free(risk);
    }
    spotopt_catalog_free(catalog);
    spotopt_history_free(history);
    return 0;
}
