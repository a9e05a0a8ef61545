/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_packing_read.c - reads a PackingResult document against a problem.
 *
 * Ids that the problem does not have are passed over: the document may be of yesterday. Nothing is
 * verified; a packing that is read only says where to begin.
 */
#include "pack/packing.h"

static spotopt_status
read_replicas(const spotopt__at *at, uint32_t *out, spotopt_error *err)
{
    int64_t value = 0;
    spotopt_status status = spotopt__want_int(at, 1, 1000000000, &value, err);

    if (status == SPOTOPT_OK)
        *out = (uint32_t)value;
    return status;
}

/* Sorts what a row holds by demand, as written rows are; the rest of the row's facts are set. */
static void
sort_holds(spotopt_packing *packing, const spotopt__row *row)
{
    uint32_t *demand = packing->demands.at + row->first;
    uint32_t *count = packing->replicas.at + row->first;

    for (uint32_t i = 1; i < row->hold_count; i++) { /* short, nearly sorted */
        const uint32_t d = demand[i], c = count[i];
        uint32_t j = i;

        for (; j > 0 && demand[j - 1] > d; j--) {
            demand[j] = demand[j - 1];
            count[j] = count[j - 1];
        }
        demand[j] = d;
        count[j] = c;
    }
}

static spotopt_status
read_row(spotopt_packing *packing, const spotopt__at *at, spotopt_error *err)
{
    const spotopt_problem *problem = packing->problem;
    spotopt__at id, node, count, holds;
    spotopt__row row = {.node = SPOTOPT_NO_NODE, .first = packing->demands.count};
    const char *text = NULL;
    bool is_known = true;
    spotopt_status status = spotopt__want_object(at, err);

    if (status != SPOTOPT_OK)
        return status;
    id = spotopt__at_key(at, "pool");
    node = spotopt__at_key(at, "node");
    count = spotopt__at_key(at, "count");
    holds = spotopt__at_key(at, "holds");
    if ((status = spotopt__want_text(&id, &text, err)) != SPOTOPT_OK)
        return status;
    row.pool = spotopt__problem_find_pool(problem, text);
    is_known = row.pool != SPOTOPT__NONE;
    if ((status = read_replicas(&count, &row.count, err)) != SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&node)) {
        if ((status = spotopt__want_text(&node, &text, err)) != SPOTOPT_OK)
            return status;
        row.node = spotopt__problem_find_node(problem, text);
        if (row.count != 1)
            return spotopt__fail_at(&count, err, "a running node is one; want 1");
        is_known = row.node != SPOTOPT__NONE;
        if (is_known)
            row.pool = problem->nodes.at[row.node].pool;
    }
    status = spotopt__want_object(&holds, err);
    for (spotopt__at item = spotopt__at_first(&holds); status == SPOTOPT_OK && item.value;
         spotopt__at_step(&item)) {
        uint32_t replicas = 0, demand;

        if ((status = read_replicas(&item, &replicas, err)) != SPOTOPT_OK)
            return status;
        demand = spotopt__problem_find_demand(problem, spotopt__json_key(item.value));
        if (demand == SPOTOPT__NONE || !is_known)
            continue;
        if (!spotopt__vec_push(packing->context, &packing->demands, demand) ||
            !spotopt__vec_push(packing->context, &packing->replicas, replicas))
            return spotopt__nomem(err, "a packing");
        row.hold_count++;
    }
    if (status != SPOTOPT_OK || !is_known)
        return status;
    sort_holds(packing, &row);
    if (!spotopt__vec_push(packing->context, &packing->rows, row))
        return spotopt__nomem(err, "a packing");
    return SPOTOPT_OK;
}

static spotopt_status
read_figures(spotopt_packing *packing, const spotopt__at *root, spotopt_error *err)
{
    static const char *const outcomes[] = {"optimal", "feasible", "infeasible", "stopped"};
    const spotopt__at outcome = spotopt__at_key(root, "outcome");
    const spotopt__at cost = spotopt__at_key(root, "cost"), bound = spotopt__at_key(root, "bound");
    const char *text = NULL;
    spotopt_status status = spotopt__want_text(&outcome, &text, err);

    if (status != SPOTOPT_OK)
        return status;
    packing->outcome = 0;
    for (int32_t o = 0; o < 4; o++) {
        if (strcmp(text, outcomes[o]) == 0)
            packing->outcome = o + SPOTOPT_OUTCOME_OPTIMAL;
    }
    if (packing->outcome == 0)
        return spotopt__fail_at(&outcome, err,
                                "\"%.40s\" is no outcome; want optimal, feasible, infeasible or "
                                "stopped",
                                text);
    if (spotopt__at_is_set(&cost))
        status = spotopt__want_real(&cost, 0.0, 1e300, &packing->cost, err);
    if (status == SPOTOPT_OK && spotopt__at_is_set(&bound))
        status = spotopt__want_real(&bound, 0.0, 1e300, &packing->bound, err);
    packing->gap = (packing->cost - packing->bound) / fmax(packing->cost, 1e-9);
    return status;
}

static spotopt_status
read_prices(spotopt_packing *packing, const spotopt__at *prices, spotopt_error *err)
{
    const spotopt_problem *problem = packing->problem;
    spotopt_status status = spotopt__want_object(prices, err);

    if (status != SPOTOPT_OK)
        return status;
    packing->price =
        spotopt__alloc_array(packing->context, problem->demands.count + 1, sizeof(double));
    if (packing->price == NULL)
        return spotopt__nomem(err, "a packing");
    for (spotopt__at item = spotopt__at_first(prices); status == SPOTOPT_OK && item.value;
         spotopt__at_step(&item)) {
        double value = 0.0;
        const uint32_t demand =
            spotopt__problem_find_demand(problem, spotopt__json_key(item.value));

        status = spotopt__want_real(&item, 0.0, 1e300, &value, err);
        if (status == SPOTOPT_OK && demand != SPOTOPT__NONE)
            packing->price[demand] = value;
    }
    return status;
}

static spotopt_status
read_document(spotopt_packing *packing, const spotopt__at *root, spotopt_error *err)
{
    const spotopt__at nodes = spotopt__at_key(root, "nodes");
    const spotopt__at unplaced = spotopt__at_key(root, "unplaced");
    const spotopt__at prices = spotopt__at_key(root, "prices");
    spotopt_status status = spotopt__want_kind(root, "PackingResult", err);

    if (status != SPOTOPT_OK || (status = read_figures(packing, root, err)) != SPOTOPT_OK ||
        (status = spotopt__want_array(&nodes, err)) != SPOTOPT_OK)
        return status;
    for (spotopt__at item = spotopt__at_first(&nodes); status == SPOTOPT_OK && item.value;
         spotopt__at_step(&item))
        status = read_row(packing, &item, err);
    if (status == SPOTOPT_OK && spotopt__at_is_set(&prices))
        status = read_prices(packing, &prices, err);
    if (status != SPOTOPT_OK || !spotopt__at_is_set(&unplaced))
        return status;
    status = spotopt__want_object(&unplaced, err);
    for (spotopt__at item = spotopt__at_first(&unplaced); status == SPOTOPT_OK && item.value;
         spotopt__at_step(&item)) {
        uint32_t replicas = 0;
        const uint32_t demand =
            spotopt__problem_find_demand(packing->problem, spotopt__json_key(item.value));

        status = read_replicas(&item, &replicas, err);
        if (status == SPOTOPT_OK && demand != SPOTOPT__NONE)
            packing->unplaced[demand] = replicas;
    }
    return status;
}

spotopt_status
spotopt_packing_parse(spotopt_problem *problem, const char *text, size_t length, const char *name,
                      spotopt_packing **out, spotopt_error *err)
{
    spotopt_packing *packing = NULL;
    spotopt__json *json = NULL;
    spotopt_status status = spotopt__json_parse(text, length, name, &json, err);

    if (status != SPOTOPT_OK)
        return status;
    atomic_store(&problem->sealed, true);
    packing = spotopt__packing_new(problem);
    if (packing == NULL) {
        status = spotopt__nomem(err, "a packing");
    } else {
        const spotopt__at root = spotopt__at_root(json, name);

        packing->stats.size = sizeof packing->stats;
        status = read_document(packing, &root, err);
    }
    spotopt__json_free(json);
    if (status != SPOTOPT_OK) {
        spotopt_packing_free(packing);
        return status;
    }
    *out = packing;
    return SPOTOPT_OK;
}
