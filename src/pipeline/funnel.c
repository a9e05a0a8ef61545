/* SPDX-License-Identifier: Apache-2.0 */
/*
 * funnel.c - counts of candidates by stage and reason, their documents and their sums.
 *
 * A candidate is recorded once, with the stage and the reason it left for, so the invariants hold
 * by construction; a document from elsewhere must show them before it is believed. Sums are of
 * whole numbers: funnels merge in any order to the same bytes.
 */
#include <stdio.h>

#include "pipeline/funnel.h"

static const char *const stage_texts[SPOTOPT__STAGES] = {
    "scope", "fits", "allowed", "price_cap", "risk_cap", "obtainable", "quota",
};

static const struct {
    const char *text;
    int32_t stage;
} drop_table[SPOTOPT__DROPS] = {
    {"no_price", SPOTOPT__STAGE_SCOPE},
    {"wrong_arch", SPOTOPT__STAGE_SCOPE},
    {"too_small", SPOTOPT__STAGE_FITS},
    {"no_pod_may_use_it", SPOTOPT__STAGE_FITS},
    {"spot_disabled", SPOTOPT__STAGE_ALLOWED},
    {"forced_on_demand", SPOTOPT__STAGE_ALLOWED},
    {"family_not_allowed", SPOTOPT__STAGE_ALLOWED},
    {"excluded", SPOTOPT__STAGE_ALLOWED},
    {"price_above_cap", SPOTOPT__STAGE_PRICE_CAP},
    {"risk_above_cap", SPOTOPT__STAGE_RISK_CAP},
    {"no_capacity", SPOTOPT__STAGE_OBTAINABLE},
    {"quota_too_small", SPOTOPT__STAGE_QUOTA},
};

const char *
spotopt__stage_text(int32_t stage)
{
    return stage >= 0 && stage < SPOTOPT__STAGES ? stage_texts[stage] : "";
}

const char *
spotopt__drop_text(int32_t reason)
{
    return reason >= 0 && reason < SPOTOPT__DROPS ? drop_table[reason].text : "";
}

int32_t
spotopt__drop_stage(int32_t reason)
{
    return drop_table[reason].stage;
}

void
spotopt__funnel_record(spotopt_funnel *funnel, int32_t stage, int32_t reason)
{
    int32_t last = stage < 0 ? SPOTOPT__STAGES : stage;

    assert(stage < 0 || drop_table[reason].stage == stage);
    for (int32_t s = 0; s < last; s++) {
        funnel->stages[s].in++;
        funnel->stages[s].out++;
    }
    if (stage >= 0) {
        funnel->stages[stage].in++;
        funnel->stages[stage].drops[reason]++;
    }
}

void
spotopt__funnel_explain(spotopt_funnel *funnel, uint32_t mask)
{
    for (int32_t r = 0; r < SPOTOPT__DROPS; r++)
        funnel->stages[drop_table[r].stage].also[r] += mask >> r & 1U;
}

static void
put_also(const spotopt__funnel_stage *stage, spotopt__jw *jw)
{
    bool is_open = false;

    for (int r = 0; r < SPOTOPT__DROPS; r++) {
        if (stage->also[r] == 0)
            continue;
        if (!is_open) {
            spotopt__jw_key(jw, "also");
            spotopt__jw_object(jw);
        }
        is_open = true;
        spotopt__jw_put_int(jw, drop_table[r].text, (int64_t)stage->also[r]);
    }
    if (is_open)
        spotopt__jw_end_object(jw);
}

/* Quantiles for readers, buckets for merging. */
static void
put_latency(const spotopt__funnel_stage *stage, spotopt__jw *jw)
{
    const spotopt__sketch *sketch = &stage->latency;

    if (sketch->count == 0)
        return;
    spotopt__jw_key(jw, "latency");
    spotopt__jw_object(jw);
    spotopt__jw_put_int(jw, "count", (int64_t)sketch->count);
    spotopt__jw_put_int(jw, "sum_ns", (int64_t)stage->latency_ns);
    spotopt__jw_put_real(jw, "p50_s", spotopt__sketch_quantile(sketch, 0.5));
    spotopt__jw_put_real(jw, "p90_s", spotopt__sketch_quantile(sketch, 0.9));
    spotopt__jw_put_real(jw, "p99_s", spotopt__sketch_quantile(sketch, 0.99));
    spotopt__jw_key(jw, "buckets");
    spotopt__jw_array(jw);
    for (int32_t i = 0; i < sketch->room; i++) {
        if (sketch->counts[i] == 0)
            continue;
        spotopt__jw_array(jw);
        spotopt__jw_int(jw, sketch->first + i);
        spotopt__jw_int(jw, (int64_t)sketch->counts[i]);
        spotopt__jw_end_array(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

void
spotopt__funnel_put(const spotopt_funnel *funnel, bool with_seconds, spotopt__jw *jw)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_int(jw, "in", (int64_t)funnel->stages[0].in);
    spotopt__jw_key(jw, "stages");
    spotopt__jw_array(jw);
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        const spotopt__funnel_stage *stage = &funnel->stages[s];

        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "stage", stage_texts[s]);
        spotopt__jw_put_int(jw, "in", (int64_t)stage->in);
        spotopt__jw_put_int(jw, "out", (int64_t)stage->out);
        spotopt__jw_key(jw, "drops");
        spotopt__jw_object(jw);
        for (int r = 0; r < SPOTOPT__DROPS; r++) {
            if (stage->drops[r] > 0)
                spotopt__jw_put_int(jw, drop_table[r].text, (int64_t)stage->drops[r]);
        }
        spotopt__jw_end_object(jw);
        spotopt__jw_put_real(jw, "seconds", with_seconds ? stage->seconds : (double)NAN);
        put_also(stage, jw);
        put_latency(stage, jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_put_int(jw, "chosen", (int64_t)funnel->chosen);
    spotopt__jw_put_int(jw, "alternates", (int64_t)funnel->alternates);
    spotopt__jw_put_int(jw, "runs", (int64_t)funnel->runs);
    spotopt__jw_end_object(jw);
}

static spotopt_status
read_count(const spotopt__at *parent, const char *key, bool is_needed, uint64_t *out,
           spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);
    int64_t value = 0;

    if (is_needed || spotopt__at_is_set(&at)) {
        spotopt_status status = spotopt__want_int(&at, 0, INT64_C(1) << 52, &value, err);

        if (status != SPOTOPT_OK)
            return status;
        *out = (uint64_t)value;
    }
    return SPOTOPT_OK;
}

static int32_t
find_drop(const char *text, int32_t stage)
{
    for (int32_t r = 0; r < SPOTOPT__DROPS; r++) {
        if (drop_table[r].stage == stage && strcmp(drop_table[r].text, text) == 0)
            return r;
    }
    return -1;
}

static spotopt_status
read_also(const spotopt__at *at, int32_t index, spotopt__funnel_stage *stage, spotopt_error *err)
{
    spotopt_status status = spotopt__want_object(at, err);

    if (status != SPOTOPT_OK)
        return status;
    for (spotopt__at item = spotopt__at_first(at); item.value != NULL; spotopt__at_step(&item)) {
        int32_t reason = find_drop(item.key, index);
        int64_t value;

        if (reason < 0)
            return spotopt__fail_at(&item, err, "is no reason of stage \"%s\"", stage_texts[index]);
        if ((status = spotopt__want_int(&item, 0, INT64_C(1) << 52, &value, err)) != SPOTOPT_OK)
            return status;
        stage->also[reason] = (uint64_t)value;
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_latency(const spotopt__at *at, spotopt_context *context, spotopt__funnel_stage *stage,
             spotopt_error *err)
{
    spotopt__at buckets = spotopt__at_key(at, "buckets");
    spotopt_status status;

    if ((status = spotopt__want_object(at, err)) != SPOTOPT_OK ||
        (status = read_count(at, "sum_ns", true, &stage->latency_ns, err)) != SPOTOPT_OK ||
        (status = spotopt__want_array(&buckets, err)) != SPOTOPT_OK)
        return status;
    for (spotopt__at item = spotopt__at_first(&buckets); item.value != NULL;
         spotopt__at_step(&item)) {
        int64_t bucket, times;

        if ((status = spotopt__want_array(&item, err)) != SPOTOPT_OK)
            return status;
        spotopt__at part = spotopt__at_first(&item);
        if ((status = spotopt__want_int(&part, 0, SPOTOPT__SKETCH_BUCKETS - 1, &bucket, err)) !=
            SPOTOPT_OK)
            return status;
        spotopt__at_step(&part);
        if ((status = spotopt__want_int(&part, 1, INT64_C(1) << 52, &times, err)) != SPOTOPT_OK)
            return status;
        if (!spotopt__sketch_add(context, &stage->latency, (int32_t)bucket, (uint64_t)times))
            return spotopt__nomem(err, "a funnel's latencies");
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_stage(const spotopt__at *item, int32_t index, spotopt_context *context,
           spotopt__funnel_stage *stage, spotopt_error *err)
{
    spotopt_status status;
    uint64_t dropped = 0;
    const char *name;

    if ((status = spotopt__want_object(item, err)) != SPOTOPT_OK)
        return status;
    spotopt__at at = spotopt__at_key(item, "stage");
    if ((status = spotopt__want_text(&at, &name, err)) != SPOTOPT_OK)
        return status;
    if (strcmp(name, stage_texts[index]) != 0)
        return spotopt__fail_at(&at, err, "is \"%.40s\"; want \"%s\"", name, stage_texts[index]);
    if ((status = read_count(item, "in", true, &stage->in, err)) != SPOTOPT_OK ||
        (status = read_count(item, "out", true, &stage->out, err)) != SPOTOPT_OK)
        return status;
    at = spotopt__at_key(item, "drops");
    if ((status = spotopt__want_object(&at, err)) != SPOTOPT_OK)
        return status;
    for (spotopt__at drop = spotopt__at_first(&at); drop.value != NULL; spotopt__at_step(&drop)) {
        int32_t reason = find_drop(drop.key, index);
        int64_t value;

        if (reason < 0)
            return spotopt__fail_at(&drop, err, "is no reason of stage \"%s\"", stage_texts[index]);
        if ((status = spotopt__want_int(&drop, 0, INT64_C(1) << 52, &value, err)) != SPOTOPT_OK)
            return status;
        stage->drops[reason] = (uint64_t)value;
        dropped += (uint64_t)value;
    }
    at = spotopt__at_key(item, "seconds");
    if (spotopt__at_is_set(&at) &&
        (status = spotopt__want_real(&at, 0.0, 1e12, &stage->seconds, err)) != SPOTOPT_OK)
        return status;
    at = spotopt__at_key(item, "also");
    if (spotopt__at_is_set(&at) && (status = read_also(&at, index, stage, err)) != SPOTOPT_OK)
        return status;
    at = spotopt__at_key(item, "latency");
    if (spotopt__at_is_set(&at) && (status = read_latency(&at, context, stage, err)) != SPOTOPT_OK)
        return status;
    if (stage->in != stage->out + dropped)
        return spotopt__fail_at(item, err, "does not add up; want in = out + the sum of drops");
    return SPOTOPT_OK;
}

spotopt_status
spotopt__funnel_read(const spotopt__at *at, spotopt_funnel *funnel, spotopt_error *err)
{
    spotopt__at stages, item;
    spotopt_status status;
    int32_t index = 0;
    uint64_t in = 0;

    if ((status = spotopt__want_object(at, err)) != SPOTOPT_OK ||
        (status = read_count(at, "in", true, &in, err)) != SPOTOPT_OK)
        return status;
    stages = spotopt__at_key(at, "stages");
    if ((status = spotopt__want_array(&stages, err)) != SPOTOPT_OK)
        return status;
    for (item = spotopt__at_first(&stages); item.value != NULL; spotopt__at_step(&item), index++) {
        uint64_t before =
            index == 0 ? in : funnel->stages[index < SPOTOPT__STAGES ? index - 1 : 0].out;

        if (index >= SPOTOPT__STAGES)
            return spotopt__fail_at(&item, err, "is one too many; want %d stages", SPOTOPT__STAGES);
        if ((status = read_stage(&item, index, funnel->context, &funnel->stages[index], err)) !=
            SPOTOPT_OK)
            return status;
        if (funnel->stages[index].in != before)
            return spotopt__fail_at(&item, err,
                                    "does not follow; want in = out of the stage before");
    }
    if (index != SPOTOPT__STAGES)
        return spotopt__fail_at(&stages, err, "has %d stages; want %d", index, SPOTOPT__STAGES);
    funnel->runs = 1;
    if ((status = read_count(at, "chosen", true, &funnel->chosen, err)) != SPOTOPT_OK ||
        (status = read_count(at, "alternates", false, &funnel->alternates, err)) != SPOTOPT_OK ||
        (status = read_count(at, "runs", false, &funnel->runs, err)) != SPOTOPT_OK)
        return status;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_funnel_new(spotopt_context *context, spotopt_funnel **out, spotopt_error *err)
{
    spotopt_funnel *funnel;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want a place for the funnel");
    funnel = spotopt__alloc(context, sizeof *funnel);
    if (funnel == NULL)
        return spotopt__nomem(err, "a funnel");
    funnel->context = spotopt__context_hold(context);
    *out = funnel;
    return SPOTOPT_OK;
}

void
spotopt__funnel_clear(spotopt_funnel *funnel)
{
    for (int s = 0; s < SPOTOPT__STAGES; s++)
        spotopt__sketch_free(funnel->context, &funnel->stages[s].latency);
}

void
spotopt_funnel_free(spotopt_funnel *funnel)
{
    if (funnel != NULL) {
        spotopt_context *context = funnel->context;

        spotopt__funnel_clear(funnel);
        spotopt__free(context, funnel);
        spotopt__context_drop(context);
    }
}

spotopt_status
spotopt_funnel_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                     spotopt_funnel **out, spotopt_error *err)
{
    spotopt__json *json = NULL;
    spotopt_funnel *funnel = NULL;
    spotopt_status status;

    if (text == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "text or out is NULL");
    if ((status = spotopt__json_parse(text, length, name, &json, err)) != SPOTOPT_OK)
        return status;
    if ((status = spotopt_funnel_new(context, &funnel, err)) != SPOTOPT_OK)
        goto done;
    spotopt__at root = spotopt__at_root(json, name);
    spotopt__at kind = spotopt__at_key(&root, "kind");
    const char *kind_text = spotopt__json_text(kind.value);
    if (kind_text == NULL || (strcmp(kind_text, "Plan") != 0 && strcmp(kind_text, "Ranking") != 0 &&
                              strcmp(kind_text, "Funnel") != 0)) {
        status = spotopt__fail_at(&kind, err, "want \"Plan\", \"Ranking\" or \"Funnel\"");
        goto done;
    }
    spotopt__at at = spotopt__at_key(&root, "funnel");
    status = spotopt__funnel_read(&at, funnel, err);
done:
    if (status == SPOTOPT_OK)
        *out = funnel;
    else
        spotopt_funnel_free(funnel);
    spotopt__json_free(json);
    return status;
}

spotopt_status
spotopt_funnel_merge(spotopt_funnel *funnel, const spotopt_funnel *other, spotopt_error *err)
{
    if (funnel == NULL || other == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "a funnel is NULL");
    spotopt__sketch_fetch(&other->stages[0].latency);
    /* What may fail comes first, and changes no count. */
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        if (!spotopt__sketch_reserve(funnel->context, &funnel->stages[s].latency,
                                     &other->stages[s].latency))
            return spotopt__nomem(err, "a funnel's latencies");
    }
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        funnel->stages[s].in += other->stages[s].in;
        funnel->stages[s].out += other->stages[s].out;
        for (int r = 0; r < SPOTOPT__DROPS; r++) {
            funnel->stages[s].drops[r] += other->stages[s].drops[r];
            funnel->stages[s].also[r] += other->stages[s].also[r];
        }
        if (s + 1 < SPOTOPT__STAGES)
            spotopt__sketch_fetch(&other->stages[s + 1].latency);
        spotopt__sketch_merge(&funnel->stages[s].latency, &other->stages[s].latency);
        funnel->stages[s].latency_ns += other->stages[s].latency_ns;
    }
    funnel->chosen += other->chosen;
    funnel->alternates += other->alternates;
    funnel->runs += other->runs;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_funnel_write(const spotopt_funnel *funnel, char **out_text, size_t *out_length,
                     spotopt_error *err)
{
    spotopt__str str;
    spotopt__jw jw;
    char *text;

    if (funnel == NULL || out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "funnel or out_text is NULL");
    spotopt__str_init(&str, funnel->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "Funnel");
    spotopt__jw_key(&jw, "funnel");
    spotopt__funnel_put(funnel, false, &jw);
    spotopt__jw_end_object(&jw);
    spotopt__str_add(&str, "\n");
    text = spotopt__str_take(&str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "a funnel's text");
    *out_text = text;
    return SPOTOPT_OK;
}

/*
 * OpenMetrics names a counter's family without _total, Prometheus' text format with it, so no typed
 * counter suits the readers of both. Without a TYPE line one text does: HELP stands before what it
 * explains, the type is unknown to either, and rate() asks for none.
 */
static void
put_help(spotopt__str *str, const char *name, const char *help)
{
    spotopt__str_addf(str, "# HELP %s %s\n", name, help);
}

static void
put_sample(spotopt__str *str, const char *name, const char *labels, uint64_t value)
{
    spotopt__str_addf(str, "%s%s %llu\n", name, labels, (unsigned long long)value);
}

static void
put_latencies(const spotopt_funnel *funnel, spotopt__str *str)
{
    static const char name[] = "spotopt_funnel_stage_seconds";
    static const double shares[] = {0.5, 0.9, 0.99};
    static const char *const texts[] = {"0.5", "0.9", "0.99"};

    put_help(str, name, "What a stage of one decision took.");
    spotopt__str_addf(str, "# TYPE %s summary\n", name);
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        const spotopt__funnel_stage *stage = &funnel->stages[s];

        for (int k = 0; k < 3 && stage->latency.count > 0; k++) {
            spotopt__str_addf(str, "%s{stage=\"%s\",quantile=\"%s\"} ", name, stage_texts[s],
                              texts[k]);
            spotopt__str_add_real(str, spotopt__sketch_quantile(&stage->latency, shares[k]));
            spotopt__str_add(str, "\n");
        }
        spotopt__str_addf(str, "%s_sum{stage=\"%s\"} ", name, stage_texts[s]);
        spotopt__str_add_real(str, 1e-9 * (double)stage->latency_ns);
        spotopt__str_addf(str, "\n%s_count{stage=\"%s\"} %llu\n", name, stage_texts[s],
                          (unsigned long long)stage->latency.count);
    }
}

spotopt_status
spotopt_funnel_write_openmetrics(const spotopt_funnel *funnel, char **out_text, size_t *out_length,
                                 spotopt_error *err)
{
    static const char entered[] = "spotopt_funnel_candidates_total",
                      dropped[] = "spotopt_funnel_drops_total",
                      chosen[] = "spotopt_funnel_chosen_total",
                      runs[] = "spotopt_funnel_runs_total";
    char labels[96];
    spotopt__str str;
    char *text;

    if (funnel == NULL || out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "funnel or out_text is NULL");
    spotopt__str_init(&str, funnel->context);
    put_help(&str, entered, "Candidates that entered a stage of the decision.");
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        snprintf(labels, sizeof labels, "{stage=\"%s\"}", stage_texts[s]);
        put_sample(&str, entered, labels, funnel->stages[s].in);
    }
    put_help(&str, dropped, "Candidates that left at a stage, by reason.");
    for (int r = 0; r < SPOTOPT__DROPS; r++) {
        int32_t stage = drop_table[r].stage;

        snprintf(labels, sizeof labels, "{stage=\"%s\",reason=\"%s\"}", stage_texts[stage],
                 drop_table[r].text);
        put_sample(&str, dropped, labels, funnel->stages[stage].drops[r]);
    }
    put_help(&str, chosen, "Pools that decisions chose.");
    put_sample(&str, chosen, "", funnel->chosen);
    put_help(&str, runs, "Decisions counted.");
    put_sample(&str, runs, "", funnel->runs);
    put_latencies(funnel, &str);
    spotopt__str_add(&str, "# EOF\n");
    text = spotopt__str_take(&str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "a funnel's text");
    *out_text = text;
    return SPOTOPT_OK;
}
