#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# After a change to the public headers that is meant: writes src/spotopt.map, tests/abi/symbols.txt and
# tests/abi/libspotopt.abi anew from the headers. Look at what changed before it is committed.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(mktemp -d)
trap 'rm -rf "$version"' EXIT
sed 's/@VERSION@/0/; s/@[A-Z]*@/0/' include/spotopt/version.h.in >"$version/version.h"
python3 tests/abi/abi.py renew include/spotopt/*.h "$version/version.h"
git --no-pager diff --stat -- src/spotopt.map tests/abi
