#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# After a change to the public headers that is meant: writes the maps of exported names, tests/abi/*symbols.txt
# and tests/abi/*.abi anew from the headers. Look at what changed before it is committed.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(mktemp -d)
trap 'rm -rf "$version"' EXIT
sed 's/@VERSION@/0/; s/@[A-Z]*@/0/' include/spotopt/version.h.in >"$version/version.h"
# store.h is of a library of its own; net.h, aws.h and prometheus.h of another.
mapfile -t headers < <(ls include/spotopt/*.h | grep -v -e /store.h -e /kube.h -e /kube_action.h -e /net.h -e /aws.h -e /prometheus.h)
python3 tests/abi/abi.py renew "${headers[@]}" "$version/version.h"
python3 tests/abi/abi.py --store renew include/spotopt/store.h
python3 tests/abi/abi.py --net renew include/spotopt/aws.h include/spotopt/kube.h include/spotopt/kube_action.h include/spotopt/net.h include/spotopt/prometheus.h
git --no-pager diff --stat -- src/spotopt.map src/store src/net tests/abi
