/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spotopt.i - the bindings of every language.
 *
 * common/ mirrors the public headers, one file each, in no language's words: an %extend method
 * without a body is the function spotopt_<noun>_<method>; one with a body takes a struct's fields as
 * arguments and is named for it, <method>_of or from_text. A language's own file turns errors into
 * exceptions, and texts, columns and structs into what is usual there.
 */
%module spotopt
%{
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spotopt/spotopt.h"

/* Two arrays of one call differ in length, which a struct with one count could not say. */
static spotopt_status
spotopt_swig_lengths(spotopt_error *err, const char *what, size_t is, const char *as, size_t want)
{
    err->status = SPOTOPT_E_ARGUMENT;
    snprintf(err->message, sizeof err->message, "%s has %zu items; want %zu, as many as %s", what,
             is, want, as);
    return SPOTOPT_E_ARGUMENT;
}

/* The fields of a change to a registry. */
static spotopt_registry_change
spotopt_swig_change(const char *id, const char *author, const char *reason, int64_t time_ms)
{
    spotopt_registry_change change = SPOTOPT_REGISTRY_CHANGE_INIT;

    change.id = id;
    change.author = author;
    change.reason = reason;
    change.time_ms = time_ms;
    return change;
}
%}
/* One name in every language: SPOTOPT_RISK_COLD is RISK_COLD of this module. */
%rename("%(strip:[SPOTOPT_])s", %$isenumitem) "";

%include <stdint.i>
typedef int32_t spotopt_status;

#ifdef SWIGPYTHON
%include "python/python.i"
#endif

%include "common/status.i"
%include "common/options.i"
%include "common/catalog.i"
%include "common/cluster.i"
%include "common/policy.i"
%include "common/history.i"
%include "common/model.i"
%include "common/risk.i"
%include "common/advisor.i"
%include "common/evaluation.i"
%include "common/registry.i"
%include "common/portfolio.i"
%include "common/lifetime.i"
%include "common/rank.i"
%include "common/pack.i"
%include "common/drain.i"
%include "common/funnel.i"
%include "common/experiment.i"
%include "common/replay.i"
%include "common/ledger.i"
%include "common/cleanup.i"
%include "common/plan.i"
