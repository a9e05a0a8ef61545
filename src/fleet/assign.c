/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assign.c - which arm of an experiment a unit belongs to.
 *
 * A hash of salt and unit, so that a unit stays where it is for as long as the weights do, whoever
 * asks, and two experiments with different salts split their units independently. SHA-256, since
 * anybody can repeat it.
 */
#include "fleet/experiment.h"

/* The first eight bytes of the digest as a number in [0, 1). */
static double
unit_of_hex(const char *hex)
{
    uint64_t bits = 0;

    for (int i = 0; i < 16; i++)
        bits = bits << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    return (double)(bits >> 11) * 0x1p-53;
}

spotopt_status
spotopt_experiment_assign(const char *salt, const char *unit, const double *weights, uint32_t arms,
                          uint32_t *out_arm, spotopt_error *err)
{
    char text[512], hex[65], real[SPOTOPT__REAL_SIZE];
    double sum = 0.0, upto = 0.0, at;
    uint32_t last = 0;
    size_t salt_length, unit_length;

    if (salt == NULL || unit == NULL || out_arm == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out_arm == NULL ? "out_arm"
                             : salt == NULL  ? "salt"
                                             : "unit");
    if (arms < 1)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "arms is 0; want at least 1");
    salt_length = strlen(salt);
    unit_length = strlen(unit);
    if (salt_length + unit_length + 1 > sizeof text)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "salt and unit have %zu bytes; want at most %zu",
                             salt_length + unit_length, sizeof text - 1);
    for (uint32_t i = 0; i < arms; i++) {
        double weight = weights != NULL ? weights[i] : 1.0;

        if (!(weight >= 0.0 && weight < INFINITY)) {
            spotopt__write_real(weight, real);
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "weights[%u] is %s; want a number >= 0",
                                 i, real);
        }
        last = weight > 0.0 ? i : last;
        sum += weight;
    }
    if (!(sum > 0.0 && sum < INFINITY))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "weights add up to nothing; want a sum > 0");

    memcpy(text, salt, salt_length);
    text[salt_length] = ':';
    memcpy(text + salt_length + 1, unit, unit_length);
    spotopt__sha256_hex(text, salt_length + 1 + unit_length, hex);
    at = unit_of_hex(hex) * sum;
    *out_arm = last; /* rounding must not give a unit to an arm of weight 0 */
    for (uint32_t i = 0; i < last; i++) {
        upto += weights != NULL ? weights[i] : 1.0;
        if (at < upto) {
            *out_arm = i;
            break;
        }
    }
    return SPOTOPT_OK;
}
