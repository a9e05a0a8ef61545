#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the command on a bare Debian 12 (or later), plans the sample cluster, prints the plan and writes report.html.
# Run it from anywhere, as root or with sudo at hand, as often as you like: what is there already is left alone.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
packages=(build-essential meson pkg-config libglpk-dev libopenblas-dev libcjson-dev libcurl4-openssl-dev libyaml-dev libsqlite3-dev zlib1g-dev)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing with apt-get: ${missing[*]}"
  root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "run.sh: not root and no sudo; install these first: ${missing[*]}" >&2; exit 1; }
    root=(sudo)
  fi
  log=$(mktemp)
  { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  rm -f "$log"
fi

cd "$top"
if [ ! -f build/build.ninja ]; then
  echo "Configuring build/"
  meson setup build --buildtype=release >build-setup.log 2>&1 || { cat build-setup.log; rm -f build-setup.log; exit 1; }
  rm -f build-setup.log
fi
ninja -C build src/cli/spotopt >build/run.log 2>&1 || { tail -n 40 build/run.log; exit 1; }

spotopt=build/src/cli/spotopt
data=examples/data
"$spotopt" plan --cluster $data/cluster.json --catalog $data/catalog.json --policy $data/policy.json \
  --history $data/history.csv --now 2026-11-02T09:00:00Z --output-file build/sample-plan.json || [ $? -eq 1 ]
"$spotopt" show build/sample-plan.json -o table
"$spotopt" show build/sample-plan.json -o html --output-file report.html
echo
echo "Wrote $top/report.html. Try your own: kubectl get nodes,pods,pdb,... -A -o json, then $top/$spotopt plan --help"
