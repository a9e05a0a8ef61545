/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_RISK_H
#define SPOTOPT_CLI_RISK_H
#include "load.h"

/* The parts of the verb risk. Operands begin behind the part's name. */
int risk_evaluate(const session *s, const args *a);
int risk_fit(const session *s, const args *a);
int risk_score(const session *s, const args *a);
int risk_models(const session *s, const args *a);

/* Reads a Model document. 0, or the status to leave with, said. */
int load_model(const session *s, const char *path, spotopt_model **out);
/* A time or number of a flag into out, which keeps its default. False with a message said. */
bool read_moment(const args *a, const char *name, double *out);
/* Numbers between commas. False with a message said. */
bool read_list(const char *name, const char *value, double *out, size_t most, uint32_t *out_count);

/* What --history, --catalog, --from, --to, --horizons, --step, --reference and --pool say about judging. */
typedef struct judging {
    loaded in;
    spotopt_evaluation_params params;
    double horizons[16], reference[16];
} judging;
/* 0, or the status to leave with, said; then nothing needs freeing. */
int judging_open(judging *j, const session *s, const args *a);
void judging_close(judging *j);

#endif
