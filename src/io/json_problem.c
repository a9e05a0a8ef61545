/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_problem.c - reads a PackingProblem document.
 *
 * Types, ranges and names are judged here, so that a message can name the place; what concerns
 * several members at once (duplicate ids, a rule's lists) is judged by the builder in
 * pack/problem.c, whose message gets the place in front.
 */
#include "pack/problem.h"

typedef struct reader {
    spotopt_problem *problem;
    spotopt_context *context;
    bool warned;
    double *amounts;               /* a capacity or request */
    spotopt__vec(uint32_t) first;  /* a rule's demands, a demand's pools */
    spotopt__vec(uint32_t) second; /* a rule's other list */
    spotopt__vec(double) values;   /* a mean rule's values */
} reader;

/* Puts the place in front of what the builder said. */
static spotopt_status
relay(const spotopt__at *at, spotopt_status status, const spotopt_error *inner, spotopt_error *err)
{
    if (status == SPOTOPT_OK)
        return status;
    if (status == SPOTOPT_E_ARGUMENT)
        return spotopt__fail_at(at, err, "%.300s", inner->message);
    return spotopt__fail(err, status, "%s", inner->message);
}

static spotopt_status
read_count(const spotopt__at *at, int64_t least, int64_t most, uint32_t *out, spotopt_error *err)
{
    int64_t value = 0;
    spotopt_status status = spotopt__want_int(at, least, most, &value, err);

    if (status == SPOTOPT_OK)
        *out = (uint32_t)value;
    return status;
}

static spotopt_status
read_amounts(reader *in, const spotopt__at *at, spotopt_error *err)
{
    uint32_t count = 0;
    spotopt_status status = spotopt__want_array(at, err);

    if (status != SPOTOPT_OK)
        return status;
    for (spotopt__at item = spotopt__at_first(at); item.value; spotopt__at_step(&item)) {
        double value = 0.0;
        if (count >= in->problem->resources)
            return spotopt__fail_at(at, err, "more than %u numbers; want one a resource",
                                    (unsigned)in->problem->resources);
        status = spotopt__want_real(&item, 0.0, SPOTOPT__HUGE, &value, err);
        if (status != SPOTOPT_OK)
            return status;
        in->amounts[count++] = value;
    }
    if (count != in->problem->resources)
        return spotopt__fail_at(at, err, "%u numbers; want %u, one a resource", (unsigned)count,
                                (unsigned)in->problem->resources);
    return SPOTOPT_OK;
}

/* Names of a list -> indices. */
#define READ_NAMES(in, at, list, find, what)                                                       \
    do {                                                                                           \
        (list)->count = 0;                                                                         \
        status = spotopt__want_array(at, err);                                                     \
        if (status != SPOTOPT_OK)                                                                  \
            return status;                                                                         \
        for (spotopt__at item_ = spotopt__at_first(at); item_.value; spotopt__at_step(&item_)) {   \
            const char *name_ = NULL;                                                              \
            uint32_t index_;                                                                       \
            status = spotopt__want_text(&item_, &name_, err);                                      \
            if (status != SPOTOPT_OK)                                                              \
                return status;                                                                     \
            index_ = find((in)->problem, name_);                                                   \
            if (index_ == SPOTOPT__NONE)                                                           \
                return spotopt__fail_at(&item_, err, "there is no %s \"%.80s\"", what, name_);     \
            if (!spotopt__vec_push((in)->context, list, index_))                                   \
                return spotopt__nomem(err, "a list of names");                                     \
        }                                                                                          \
    } while (0)

static spotopt_status
read_pool(reader *in, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"id",  "capacity", "cost", "min",
                                        "max", "labels",   "rank", NULL};
    spotopt_pool_spec spec = SPOTOPT_POOL_SPEC_INIT;
    spotopt_error inner = SPOTOPT_ERROR_INIT;
    spotopt__at id, capacity, cost, min, max, rank, labels;
    uint32_t index = 0;
    spotopt_status status = spotopt__want_object(at, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(in->context, at, known, &in->warned);
    id = spotopt__at_key(at, "id");
    capacity = spotopt__at_key(at, "capacity");
    cost = spotopt__at_key(at, "cost");
    min = spotopt__at_key(at, "min");
    max = spotopt__at_key(at, "max");
    rank = spotopt__at_key(at, "rank");
    labels = spotopt__at_key(at, "labels");
    if ((status = spotopt__want_text(&id, &spec.id, err)) != SPOTOPT_OK ||
        (status = read_amounts(in, &capacity, err)) != SPOTOPT_OK ||
        (status = spotopt__want_real(&cost, 0.0, SPOTOPT__HUGE, &spec.cost, err)) != SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&min) &&
        (status = read_count(&min, 0, 1000000000, &spec.min, err)) != SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&max) &&
        (status = read_count(&max, 0, UINT32_MAX, &spec.max, err)) != SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&rank) &&
        (status = read_count(&rank, 0, UINT32_MAX, &spec.rank, err)) != SPOTOPT_OK)
        return status;
    spec.capacity = in->amounts;
    status = relay(at, spotopt_problem_add_pool(in->problem, &spec, &index, &inner), &inner, err);
    if (status != SPOTOPT_OK || !spotopt__at_is_set(&labels))
        return status;
    status = spotopt__want_object(&labels, err);
    for (spotopt__at item = spotopt__at_first(&labels); status == SPOTOPT_OK && item.value;
         spotopt__at_step(&item)) {
        const char *value = NULL;
        status = spotopt__want_text(&item, &value, err);
        if (status == SPOTOPT_OK)
            status = relay(&item,
                           spotopt_problem_set_pool_label(
                               in->problem, index, spotopt__json_key(item.value), value, &inner),
                           &inner, err);
    }
    return status;
}

static spotopt_status
read_demand(reader *in, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"id",        "request",       "count", "pools",
                                        "move_cost", "unplaced_cost", NULL};
    spotopt_demand_spec spec = SPOTOPT_DEMAND_SPEC_INIT;
    spotopt_error inner = SPOTOPT_ERROR_INIT;
    spotopt__at id, request, count, pools, move_cost, unplaced_cost;
    spotopt_status status = spotopt__want_object(at, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(in->context, at, known, &in->warned);
    id = spotopt__at_key(at, "id");
    request = spotopt__at_key(at, "request");
    count = spotopt__at_key(at, "count");
    pools = spotopt__at_key(at, "pools");
    move_cost = spotopt__at_key(at, "move_cost");
    unplaced_cost = spotopt__at_key(at, "unplaced_cost");
    if ((status = spotopt__want_text(&id, &spec.id, err)) != SPOTOPT_OK ||
        (status = read_amounts(in, &request, err)) != SPOTOPT_OK ||
        (status = read_count(&count, 0, 1000000000, &spec.count, err)) != SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&move_cost) &&
        (status = spotopt__want_real(&move_cost, 0.0, SPOTOPT__HUGE, &spec.move_cost, err)) !=
            SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&unplaced_cost) &&
        (status = spotopt__want_real(&unplaced_cost, 0.0, SPOTOPT__HUGE, &spec.unplaced_cost,
                                     err)) != SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&pools)) {
        READ_NAMES(in, &pools, &in->first, spotopt__problem_find_pool, "pool");
        if (in->first.count == 0)
            return spotopt__fail_at(&pools, err, "the list is empty; want at least one pool");
        spec.pools = in->first.at;
        spec.pool_count = in->first.count;
    }
    spec.request = in->amounts;
    return relay(at, spotopt_problem_add_demand(in->problem, &spec, NULL, &inner), &inner, err);
}

static spotopt_status
read_residents(reader *in, const spotopt__at *at, uint32_t node, spotopt_error *err)
{
    spotopt__at holds = spotopt__at_key(at, "holds"), fixed = spotopt__at_key(at, "fixed");
    spotopt_error inner = SPOTOPT_ERROR_INIT;
    spotopt_status status;

    if (spotopt__at_is_set(&fixed)) {
        if ((status = spotopt__want_object(&fixed, err)) != SPOTOPT_OK)
            return status;
        for (spotopt__at item = spotopt__at_first(&fixed); item.value; spotopt__at_step(&item)) {
            uint32_t count = 0;
            if (spotopt__problem_find_demand(in->problem, spotopt__json_key(item.value)) ==
                SPOTOPT__NONE)
                return spotopt__fail_at(&item, err, "there is no such demand");
            if ((status = read_count(&item, 0, 1000000000, &count, err)) != SPOTOPT_OK)
                return status;
            if (count > 0 && spotopt__json_get(holds.value, spotopt__json_key(item.value)) == NULL)
                return spotopt__fail_at(&item, err, "the node holds none of it");
        }
    }
    if (!spotopt__at_is_set(&holds))
        return SPOTOPT_OK;
    if ((status = spotopt__want_object(&holds, err)) != SPOTOPT_OK)
        return status;
    for (spotopt__at item = spotopt__at_first(&holds); item.value; spotopt__at_step(&item)) {
        const char *name = spotopt__json_key(item.value);
        uint32_t demand = spotopt__problem_find_demand(in->problem, name), count = 0, stay = 0;
        spotopt__at stays = spotopt__at_key(&fixed, name);
        if (demand == SPOTOPT__NONE)
            return spotopt__fail_at(&item, err, "there is no such demand");
        if ((status = read_count(&item, 0, 1000000000, &count, err)) != SPOTOPT_OK)
            return status;
        if (spotopt__at_is_set(&stays) &&
            (status = read_count(&stays, 0, count, &stay, err)) != SPOTOPT_OK)
            return status;
        if (count == 0)
            continue;
        status = relay(&item,
                       spotopt_problem_set_resident(in->problem, node, demand, count, stay, &inner),
                       &inner, err);
        if (status != SPOTOPT_OK)
            return status;
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_node(reader *in, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"id", "pool", "holds", "fixed", "cost", "capacity", NULL};
    spotopt_node_spec spec = SPOTOPT_NODE_SPEC_INIT;
    spotopt_error inner = SPOTOPT_ERROR_INIT;
    spotopt__at id, pool, cost, capacity;
    const char *pool_name = NULL;
    uint32_t index = 0;
    spotopt_status status = spotopt__want_object(at, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(in->context, at, known, &in->warned);
    id = spotopt__at_key(at, "id");
    pool = spotopt__at_key(at, "pool");
    cost = spotopt__at_key(at, "cost");
    capacity = spotopt__at_key(at, "capacity");
    if ((status = spotopt__want_text(&id, &spec.id, err)) != SPOTOPT_OK ||
        (status = spotopt__want_text(&pool, &pool_name, err)) != SPOTOPT_OK)
        return status;
    spec.pool = spotopt__problem_find_pool(in->problem, pool_name);
    if (spec.pool == SPOTOPT__NONE)
        return spotopt__fail_at(&pool, err, "there is no pool \"%.80s\"", pool_name);
    if (spotopt__at_is_set(&cost) &&
        (status = spotopt__want_real(&cost, 0.0, SPOTOPT__HUGE, &spec.cost, err)) != SPOTOPT_OK)
        return status;
    if (spotopt__at_is_set(&capacity)) {
        if ((status = read_amounts(in, &capacity, err)) != SPOTOPT_OK)
            return status;
        spec.capacity = in->amounts;
    }
    status = relay(at, spotopt_problem_add_node(in->problem, &spec, &index, &inner), &inner, err);
    return status == SPOTOPT_OK ? read_residents(in, at, index, err) : status;
}

static spotopt_status
read_placement(reader *in, const spotopt__at *at, spotopt_rule_spec *spec, spotopt_error *err)
{
    spotopt__at per = spotopt__at_key(at, "per"), demands = spotopt__at_key(at, "demands");
    spotopt__at count = spotopt__at_key(at, "count"), frac = spotopt__at_key(at, "frac");
    spotopt__at penalty = spotopt__at_key(at, "penalty"), skew = spotopt__at_key(at, "max_skew");
    spotopt__at domains = spotopt__at_key(at, "min_domains");
    spotopt__at others = spotopt__at_key(at, spec->kind == SPOTOPT_RULE_SEPARATE ? "from"
                                             : spec->kind == SPOTOPT_RULE_NEAR   ? "to"
                                                                                 : "for");
    spotopt_status status = spotopt__want_text(&per, &spec->per, err);

    if (status != SPOTOPT_OK)
        return status;
    READ_NAMES(in, &demands, &in->first, spotopt__problem_find_demand, "demand");
    spec->demands = in->first.at;
    spec->demand_count = in->first.count;
    if (spec->kind == SPOTOPT_RULE_SEPARATE || spec->kind == SPOTOPT_RULE_NEAR ||
        (spec->kind == SPOTOPT_RULE_SPREAD && spotopt__at_is_set(&others))) {
        static const uint32_t none = 0;
        READ_NAMES(in, &others, &in->second, spotopt__problem_find_demand, "demand");
        spec->others = in->second.at != NULL ? in->second.at : &none;
        spec->other_count = in->second.count;
    }
    if (spec->kind == SPOTOPT_RULE_AT_MOST) {
        if (spotopt__at_is_set(&count))
            status = read_count(&count, 0, 4000000000, &spec->count, err);
        else
            status = spotopt__want_real(&frac, 0.0, 1e6, &spec->frac, err);
    } else if (spec->kind == SPOTOPT_RULE_SPREAD) {
        status = read_count(&skew, 1, 1000000000, &spec->max_skew, err);
        if (status == SPOTOPT_OK && spotopt__at_is_set(&domains))
            status = read_count(&domains, 0, 1000000000, &spec->min_domains, err);
    }
    if (status == SPOTOPT_OK && spotopt__at_is_set(&penalty))
        status = spotopt__want_real(&penalty, 0.0, SPOTOPT__HUGE, &spec->penalty, err);
    return status;
}

static spotopt_status
read_mean(reader *in, const spotopt__at *at, spotopt_rule_spec *spec, spotopt_error *err)
{
    spotopt__at values = spotopt__at_key(at, "values");
    spotopt_status status = spotopt__want_object(&values, err);

    in->first.count = in->values.count = 0;
    for (spotopt__at item = spotopt__at_first(&values); status == SPOTOPT_OK && item.value;
         spotopt__at_step(&item)) {
        double value = 0.0;
        uint32_t pool = spotopt__problem_find_pool(in->problem, spotopt__json_key(item.value));
        if (pool == SPOTOPT__NONE)
            return spotopt__fail_at(&item, err, "there is no such pool");
        status = spotopt__want_real(&item, -SPOTOPT__HUGE, SPOTOPT__HUGE, &value, err);
        if (status == SPOTOPT_OK && (!spotopt__vec_push(in->context, &in->first, pool) ||
                                     !spotopt__vec_push(in->context, &in->values, value)))
            return spotopt__nomem(err, "a rule");
    }
    spec->pools = in->first.at;
    spec->values = in->values.at;
    spec->pool_count = in->first.count;
    return status;
}

static spotopt_status
read_tally(const spotopt__at *at, spotopt_rule_spec *spec, spotopt_error *err)
{
    static const char *const texts[] = {"key", "value", "of"};
    const char **text_out[] = {&spec->key, &spec->value, &spec->of};
    static const char *const reals[] = {"min", "max", "min_frac", "max_frac"};
    double *real_out[] = {&spec->min, &spec->max, &spec->min_frac, &spec->max_frac};
    spotopt_status status = SPOTOPT_OK;

    for (size_t i = 0; i < 3 && status == SPOTOPT_OK; i++) {
        spotopt__at item = spotopt__at_key(at, texts[i]);
        if (spotopt__at_is_set(&item) && (i == 2 || spec->kind != SPOTOPT_RULE_MEAN))
            status = spotopt__want_text(&item, text_out[i], err);
    }
    for (size_t i = 0; i < 4 && status == SPOTOPT_OK; i++) {
        spotopt__at item = spotopt__at_key(at, reals[i]);
        bool is_frac = i >= 2;
        if (spotopt__at_is_set(&item) && is_frac == (spec->kind == SPOTOPT_RULE_SHARE))
            status = spotopt__want_real(&item, is_frac ? 0.0 : -SPOTOPT__HUGE,
                                        is_frac ? 1.0 : SPOTOPT__HUGE, real_out[i], err);
    }
    return status;
}

static spotopt_status
read_rule(reader *in, const spotopt__at *at, spotopt_error *err)
{
    static const char *const kinds[] = {"at_most", "separate", "together", "near",
                                        "spread",  "share",    "limit",    "mean"};
    static const char *const known[] = {
        "rule",   "demands",  "per",         "count", "frac",   "penalty", "from",     "to",
        "for",    "max_skew", "min_domains", "key",   "value",  "of",      "max_frac", "min_frac",
        "values", "min",      "max",         "id",    "reason", NULL};
    spotopt_rule_spec spec = SPOTOPT_RULE_SPEC_INIT;
    spotopt_error inner = SPOTOPT_ERROR_INIT;
    const char *kind = NULL;
    spotopt__at name;
    spotopt_status status = spotopt__want_object(at, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(in->context, at, known, &in->warned);
    name = spotopt__at_key(at, "rule");
    if ((status = spotopt__want_text(&name, &kind, err)) != SPOTOPT_OK)
        return status;
    for (int32_t k = 0; k < 8; k++) {
        if (strcmp(kind, kinds[k]) == 0)
            spec.kind = k + SPOTOPT_RULE_AT_MOST;
    }
    if (spec.kind == 0)
        return spotopt__fail_at(
            &name, err,
            "\"%.40s\" is no rule; want at_most, separate, together, near, spread, share, "
            "limit or mean",
            kind);
    if (spec.kind <= SPOTOPT_RULE_SPREAD) {
        status = read_placement(in, at, &spec, err);
    } else {
        status = read_tally(at, &spec, err);
        if (status == SPOTOPT_OK && spec.kind == SPOTOPT_RULE_MEAN)
            status = read_mean(in, at, &spec, err);
    }
    if (status != SPOTOPT_OK)
        return status;
    return relay(at, spotopt_problem_add_rule(in->problem, &spec, &inner), &inner, err);
}

static spotopt_status
read_list(reader *in, const spotopt__at *root, const char *key, bool required,
          spotopt_status (*read)(reader *, const spotopt__at *, spotopt_error *),
          spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(root, key);
    spotopt_status status;

    if (!required && !spotopt__at_is_set(&list))
        return SPOTOPT_OK;
    status = spotopt__want_array(&list, err);
    for (spotopt__at item = spotopt__at_first(&list); status == SPOTOPT_OK && item.value;
         spotopt__at_step(&item))
        status = read(in, &item, err);
    return status;
}

static spotopt_status
read_document(reader *in, const spotopt__at *root, spotopt_error *err)
{
    static const char *const known[] = {"apiVersion", "kind",  "resources", "pools", "nodes",
                                        "demands",    "rules", "name",      NULL};
    const char *names[64];
    size_t count = 0;
    spotopt__at resources;
    spotopt_error inner = SPOTOPT_ERROR_INIT;
    spotopt_status status = spotopt__want_kind(root, "PackingProblem", err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__warn_unknown(in->context, root, known, &in->warned);
    resources = spotopt__at_key(root, "resources");
    if ((status = spotopt__want_array(&resources, err)) != SPOTOPT_OK)
        return status;
    for (spotopt__at item = spotopt__at_first(&resources); item.value; spotopt__at_step(&item)) {
        if (count == 64)
            return spotopt__fail_at(&resources, err, "more than 64 resources");
        if ((status = spotopt__want_text(&item, &names[count++], err)) != SPOTOPT_OK)
            return status;
    }
    status = relay(&resources, spotopt_problem_new(in->context, names, count, &in->problem, &inner),
                   &inner, err);
    if (status != SPOTOPT_OK)
        return status;
    in->amounts = spotopt__alloc_array(in->context, count, sizeof *in->amounts);
    if (in->amounts == NULL)
        return spotopt__nomem(err, "a packing problem");
    if ((status = read_list(in, root, "pools", true, read_pool, err)) != SPOTOPT_OK ||
        (status = read_list(in, root, "demands", true, read_demand, err)) != SPOTOPT_OK ||
        (status = read_list(in, root, "nodes", false, read_node, err)) != SPOTOPT_OK)
        return status;
    return read_list(in, root, "rules", false, read_rule, err);
}

spotopt_status
spotopt_problem_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      spotopt_problem **out, spotopt_error *err)
{
    reader in = {0};
    spotopt__json *json = NULL;
    spotopt_status status = spotopt__json_parse(text, length, name, &json, err);

    if (status != SPOTOPT_OK)
        return status;
    in.context = context;
    {
        spotopt__at root = spotopt__at_root(json, name);
        status = read_document(&in, &root, err);
    }
    spotopt__json_free(json);
    spotopt__free(context, in.amounts);
    spotopt__vec_free(context, &in.first);
    spotopt__vec_free(context, &in.second);
    spotopt__vec_free(context, &in.values);
    if (status != SPOTOPT_OK) {
        spotopt_problem_free(in.problem);
        return status;
    }
    *out = in.problem;
    return SPOTOPT_OK;
}
