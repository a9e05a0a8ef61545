/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a Demand table, and as a Prices table. What is read has ascending times and counts
 * in range, and can be replayed on a small catalog: no policy comes below the oracle's bound.
 */
#include <stdlib.h>
#include <string.h>

#include "model/over_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEED(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static const char catalog_text[] =
    "region,az_id,instance_type,arch,alloc_cpu_milli,alloc_memory_mib,max_pods,on_demand_usd_per_"
    "hour,spot_usd_per_hour\nr,a,m5.large,amd64,2000,8000,10,1,0.3\nr,b,m5.xlarge,amd64,4000,16000,"
    "10,2,0.5\n";
static const char history_text[] =
    "pool,zone,instance_type,time_s,nodes_up\nx,a,m5.large,0,2\nx,a,m5.large,9000,0\nx,a,m5.large,"
    "20000,2\ny,b,m5.xlarge,0,1\ny,b,m5.xlarge,30000,0\ny,b,m5.xlarge,40000,\n";

static void
check_tracks(const spotopt__track *tracks, size_t count, const double *time_s, size_t rows)
{
    size_t seen = 0;

    for (size_t i = 0; i < count; i++) {
        NEED(tracks[i].first == seen && tracks[i].count > 0 && tracks[i].key[0] != '\0');
        for (size_t k = tracks[i].first + 1; k < tracks[i].first + tracks[i].count; k++)
            NEED(time_s[k] > time_s[k - 1]);
        seen += tracks[i].count;
    }
    NEED(seen == rows);
}

static void
replay(const spotopt_demand_history *demands, const spotopt_price_history *prices)
{
    spotopt_replay_params p = SPOTOPT_REPLAY_PARAMS_INIT;
    spotopt_catalog *catalog = NULL;
    spotopt_history *history = NULL;
    spotopt_replay *made = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *text = NULL;

    NEED(spotopt_catalog_parse(NULL, catalog_text, strlen(catalog_text), "c", NULL, &catalog,
                               NULL) == SPOTOPT_OK);
    NEED(spotopt_history_parse(NULL, history_text, strlen(history_text), "h", &history, NULL) ==
         SPOTOPT_OK);
    NEED(spotopt_replay_new(NULL, &made, NULL) == SPOTOPT_OK);
    for (size_t i = 0; spotopt_replay_method(i) != NULL; i++)
        NEED(spotopt_replay_add(made, spotopt_replay_method(i), spotopt_replay_method(i), NULL,
                                NULL) == SPOTOPT_OK);
    p.catalog = catalog;
    p.history = history;
    p.demands = demands;
    p.prices = prices;
    p.from_s = 0.0;
    p.to_s = 45000.0;
    p.step_s = 1800.0;
    p.draws = 3;
    p.points = 3;
    if (spotopt_replay_run(made, &p, NULL, &err) == SPOTOPT_OK) {
        spotopt_replay_outcome oracle = SPOTOPT_REPLAY_OUTCOME_INIT,
                               o = SPOTOPT_REPLAY_OUTCOME_INIT;
        const size_t last = spotopt_replay_count(made) - 1;

        NEED(spotopt_replay_outcome_at(made, last, &oracle, NULL) == SPOTOPT_OK);
        for (size_t i = 0; i <= last; i++) {
            NEED(spotopt_replay_outcome_at(made, i, &o, NULL) == SPOTOPT_OK);
            NEED(o.objective_usd >= oracle.bound_usd - 1e-6 * (1.0 + oracle.bound_usd));
            NEED(o.lost_replica_hours >= 0.0 &&
                 o.lost_replica_hours <= o.replica_hours * (1.0 + 1e-9) + 1e-9);
        }
        NEED(spotopt_replay_write(made, &text, NULL, NULL) == SPOTOPT_OK);
        spotopt_text_free(NULL, text);
    } else {
        NEED(err.status == SPOTOPT_E_INPUT && err.message[0] != '\0');
    }
    spotopt_replay_free(made);
    spotopt_history_free(history);
    spotopt_catalog_free(catalog);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char usual[] = "time_s,demand,count,cpu_milli,memory_mib\n0,a,3,900,900\n";
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_demand_history *demands = NULL;
    spotopt_price_history *prices = NULL;

    if (spotopt_demand_history_parse(NULL, (const char *)data, size, "f", &demands, &err) ==
        SPOTOPT_OK) {
        check_tracks(demands->tracks.at, demands->tracks.count, demands->time_s, demands->rows);
        for (size_t i = 0; i < demands->rows; i++)
            NEED(demands->count[i] >= 0.0 && demands->count[i] <= 1e6);
        if (demands->rows <= 50 && demands->tracks.count > 0)
            replay(demands, NULL);
        spotopt_demand_history_free(demands);
    } else {
        NEED(err.status == SPOTOPT_E_INPUT && strpbrk(err.message, "\n\r") == NULL);
    }
    err = (spotopt_error)SPOTOPT_ERROR_INIT;
    if (spotopt_price_history_parse(NULL, (const char *)data, size, "f", &prices, &err) !=
        SPOTOPT_OK) {
        NEED(err.status == SPOTOPT_E_INPUT && strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    check_tracks(prices->tracks.at, prices->tracks.count, prices->time_s, prices->rows);
    NEED(spotopt_demand_history_parse(NULL, usual, strlen(usual), "d", &demands, NULL) ==
         SPOTOPT_OK);
    if (prices->rows <= 50)
        replay(demands, prices);
    spotopt_demand_history_free(demands);
    spotopt_price_history_free(prices);
    return 0;
}
