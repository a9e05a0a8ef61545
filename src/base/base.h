/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_BASE_H
#define SPOTOPT_BASE_BASE_H
/* Everything of base but lp.h, for files that use most of it. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/number.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/vec.h"

#endif
