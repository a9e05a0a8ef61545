/* SPDX-License-Identifier: Apache-2.0 */
/* json_packing.c - writes a PackingResult document. */
#include "pack/packing.h"

static void
put_number(spotopt__jw *jw, const char *key, double value)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_real(jw, value); /* NaN becomes null */
}

static void
put_rows(spotopt__jw *jw, const spotopt_packing *packing)
{
    const spotopt_problem *problem = packing->problem;

    spotopt__jw_key(jw, "nodes");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < packing->rows.count; i++) {
        const spotopt__row *row = &packing->rows.at[i];
        spotopt__jw_object(jw);
        if (row->node != SPOTOPT_NO_NODE)
            spotopt__jw_put_text(jw, "node", problem->nodes.at[row->node].id);
        spotopt__jw_put_text(jw, "pool", problem->pools.at[row->pool].id);
        spotopt__jw_put_int(jw, "count", row->count);
        spotopt__jw_key(jw, "holds");
        spotopt__jw_object(jw);
        for (uint32_t h = 0; h < row->hold_count; h++)
            spotopt__jw_put_int(jw, problem->demands.at[packing->demands.at[row->first + h]].id,
                                packing->replicas.at[row->first + h]);
        spotopt__jw_end_object(jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

static void
put_certificate(spotopt__jw *jw, const spotopt_packing *packing)
{
    const spotopt__certificate *is = &packing->certificate;
    const spotopt_problem *problem = packing->problem;

    spotopt__jw_key(jw, "certificate");
    if (is->proof == NULL) {
        spotopt__jw_null(jw);
        return;
    }
    spotopt__jw_object(jw);
    spotopt__jw_key(jw, "demands");
    spotopt__jw_object(jw);
    for (size_t i = 0; i < is->demands.count; i++)
        spotopt__jw_put_int(jw, problem->demands.at[is->demands.at[i]].id, is->replicas.at[i]);
    spotopt__jw_end_object(jw);
    spotopt__jw_key(jw, "rules");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < is->rules.count; i++)
        spotopt__jw_int(jw, is->rules.at[i]);
    spotopt__jw_end_array(jw);
    spotopt__jw_key(jw, "limits");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < is->limits.count; i++)
        spotopt__jw_text(jw, problem->pools.at[is->limits.at[i]].id);
    spotopt__jw_end_array(jw);
    spotopt__jw_put_text(jw, "proof", is->proof);
    spotopt__jw_put_bool(jw, "minimal", is->is_minimal);
    spotopt__jw_end_object(jw);
}

static void
put_prices(spotopt__jw *jw, const spotopt_packing *packing)
{
    const spotopt_problem *problem = packing->problem;

    spotopt__jw_key(jw, "prices");
    if (packing->price == NULL) {
        spotopt__jw_null(jw);
        return;
    }
    spotopt__jw_object(jw);
    for (size_t d = 0; d < problem->demands.count; d++)
        put_number(jw, problem->demands.at[d].id, packing->price[d]);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt_packing_write_json(const spotopt_packing *packing, char **text, size_t *length,
                           spotopt_error *err)
{
    static const char *const outcomes[] = {"", "optimal", "feasible", "infeasible", "stopped"};
    const spotopt_problem *problem = packing->problem;
    spotopt__str str;
    spotopt__jw jw;
    char *made;

    spotopt__str_init(&str, packing->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "PackingResult");
    spotopt__jw_put_text(&jw, "outcome", outcomes[packing->outcome]);
    put_number(&jw, "cost", packing->cost);
    put_number(&jw, "bound", packing->bound);
    put_number(&jw, "gap", packing->gap);
    put_rows(&jw, packing);
    spotopt__jw_key(&jw, "unplaced");
    spotopt__jw_object(&jw);
    for (size_t d = 0; d < problem->demands.count; d++) {
        if (packing->unplaced[d] > 0)
            spotopt__jw_put_int(&jw, problem->demands.at[d].id, packing->unplaced[d]);
    }
    spotopt__jw_end_object(&jw);
    spotopt__jw_key(&jw, "why");
    spotopt__jw_array(&jw);
    for (size_t w = 0; w < packing->why.count; w++) {
        spotopt__jw_object(&jw);
        spotopt__jw_put_text(&jw, "demand", problem->demands.at[packing->why.at[w].demand].id);
        spotopt__jw_put_text(&jw, "reason", packing->why.at[w].reason);
        spotopt__jw_end_object(&jw);
    }
    spotopt__jw_end_array(&jw);
    put_certificate(&jw, packing);
    put_prices(&jw, packing);
    spotopt__jw_key(&jw, "stats");
    spotopt__jw_object(&jw);
    put_number(&jw, "seconds", packing->timings ? packing->stats.seconds : (double)NAN);
    spotopt__jw_put_int(&jw, "work", (int64_t)packing->stats.work);
    spotopt__jw_put_int(&jw, "columns", packing->stats.columns);
    spotopt__jw_put_int(&jw, "branch_nodes", packing->stats.branch_nodes);
    put_number(&jw, "lp_seconds", packing->timings ? packing->stats.lp_seconds : (double)NAN);
    put_number(&jw, "pricing_seconds",
               packing->timings ? packing->stats.pricing_seconds : (double)NAN);
    spotopt__jw_put_bool(&jw, "cut_short", packing->stats.cut_short != 0);
    spotopt__jw_end_object(&jw);
    spotopt__jw_end_object(&jw);
    made = spotopt__str_take(&str, length);
    if (made == NULL)
        return spotopt__nomem(err, "a packing result");
    *text = made;
    return SPOTOPT_OK;
}
