/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_SPOTOPT_H
#define SPOTOPT_SPOTOPT_H
/**
 * @file spotopt.h
 * @brief Everything of libspotopt in one include.
 */
#include "spotopt/advisor.h"
#include "spotopt/catalog.h"
#include "spotopt/cleanup.h"
#include "spotopt/cluster.h"
#include "spotopt/context.h"
#include "spotopt/drain.h"
#include "spotopt/evaluation.h"
#include "spotopt/experiment.h"
#include "spotopt/export.h"
#include "spotopt/fleet.h"
#include "spotopt/funnel.h"
#include "spotopt/history.h"
#include "spotopt/ledger.h"
#include "spotopt/lifetime.h"
#include "spotopt/model.h"
#include "spotopt/options.h"
#include "spotopt/override.h"
#include "spotopt/pack.h"
#include "spotopt/plan.h"
#include "spotopt/policy.h"
#include "spotopt/portfolio.h"
#include "spotopt/rank.h"
#include "spotopt/registry.h"
#include "spotopt/replay.h"
#include "spotopt/risk.h"
#include "spotopt/status.h"
#include "spotopt/version.h"

#endif /* SPOTOPT_SPOTOPT_H */
