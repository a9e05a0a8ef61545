/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - what holds where the operator says nothing, and globs.
 *
 * Lists are empty by default but for the architecture: an image that runs on both is the exception,
 * and a pod on the wrong one never starts. No default spreads the fleet: in a catalog with a single
 * zone any share below 1 would push load to on-demand.
 */
#include "model/policy.h"

const char *
spotopt__score_text(int32_t score)
{
    static const char *const texts[SPOTOPT__SCORES] = {
        "geometric", "arithmetic", "expected-cost", "quantile", "topsis", "lexicographic",
    };

    return score >= 0 && score < SPOTOPT__SCORES ? texts[score] : "";
}

spotopt_status
spotopt__policy_new(spotopt_context *context, spotopt_policy **out, spotopt_error *err)
{
    spotopt_policy *policy = spotopt__alloc(context, sizeof *policy);

    if (policy == NULL)
        return spotopt__nomem(err, "a policy");
    policy->context = spotopt__context_hold(context);
    spotopt__arena_init(&policy->arena, context);
    policy->weights[SPOTOPT__FACTOR_COST] = 0.40;
    policy->weights[SPOTOPT__FACTOR_STABILITY] = 0.30;
    policy->weights[SPOTOPT__FACTOR_PERFORMANCE] = 0.15;
    policy->weights[SPOTOPT__FACTOR_CAPACITY] = 0.15;
    policy->worth_performance = NAN;
    policy->worth_capacity = NAN;
    policy->score = SPOTOPT__SCORE_GEOMETRIC;
    policy->slo_latency_ms[0] = 50.0;
    policy->slo_latency_ms[1] = 500.0;
    policy->slo_throughput_rps[0] = 1000.0;
    policy->slo_throughput_rps[1] = 100.0;
    policy->slo_error_frac[0] = 0.001;
    policy->slo_error_frac[1] = 0.05;
    policy->interruption_usd = 0.5;
    policy->horizon_h = 24.0;
    policy->max_probability = NAN;
    policy->max_mean_probability = NAN;
    policy->spot_enabled = true;
    policy->max_usd_per_h = NAN;
    policy->min_saving_frac = 0.05;
    policy->min_dwell_min = 30.0;
    policy->max_moves_per_h = 20.0;
    policy->move_usd = 0.01;
    policy->change_horizon_h = 4.0;
    policy->change_se = 1.0;
    policy->detach_s = 10.0;
    policy->max_evictions_per_h = NAN;
    policy->gap_rel = NAN;
    policy->deadline_s = NAN;
    policy->seed = NAN;
    if (!spotopt__vec_push(context, &policy->arch, "amd64")) {
        spotopt_policy_free(policy);
        return spotopt__nomem(err, "a policy");
    }
    *out = policy;
    return SPOTOPT_OK;
}

void
spotopt_policy_free(spotopt_policy *policy)
{
    if (policy == NULL)
        return;
    spotopt_context *context = policy->context;
    spotopt__vec_free(context, &policy->diversify);
    spotopt__vec_free(context, &policy->arch);
    spotopt__vec_free(context, &policy->families);
    spotopt__vec_free(context, &policy->exclude);
    spotopt__vec_free(context, &policy->quotas);
    spotopt__vec_free(context, &policy->commitments);
    spotopt__vec_free(context, &policy->overrides);
    spotopt__vec_free(context, &policy->start_times);
    spotopt__vec_free(context, &policy->node_budgets);
    spotopt__vec_free(context, &policy->clients);
    spotopt__arena_free(&policy->arena);
    spotopt__free(context, policy);
    spotopt__context_drop(context);
}

bool
spotopt__glob(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL; /* the last star, and where text went on after it */

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            again = text;
        } else if (*pattern != '\0' && (*pattern == '?' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* AWS counts vCPU by classes of families: the letters a family's name begins with, and "standard" for eleven of them. */
bool
spotopt__quota_covers(const spotopt__quota *quota, const char *family, const char *purchase)
{
    static const char *const standard[] = {"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"};
    size_t letters = 0;

    if (quota->purchase != NULL && strcmp(quota->purchase, purchase) != 0)
        return false;
    if (quota->family == NULL || strcmp(quota->family, family) == 0)
        return true;
    while (family[letters] >= 'a' && family[letters] <= 'z')
        letters++;
    if (strcmp(quota->family, "standard") != 0)
        return strlen(quota->family) == letters && strncmp(quota->family, family, letters) == 0;
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
        if (strlen(standard[i]) == letters && strncmp(standard[i], family, letters) == 0)
            return true;
    }
    return false;
}
