#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, runs every test; the last line counts them: "N passed, N failed, N skipped".
#
#   tests/run.sh           everything that takes minutes
#   tests/run.sh --quick   unit, api and cases only
#   tests/run.sh --slow    everything, and the long tier: fuzzing, a million properties (hours with SLOW_FRACTION=1)
#
# BUILD names the build folder (default build-test). Safe to run again; works as root and with sudo.
set -euo pipefail
cd "$(dirname "$0")/.."
tier=all
for arg in "$@"; do
    case $arg in
        --quick) tier=quick ;;
        --slow) tier=slow ;;
        -h | --help) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "tests/run.sh: unknown argument $arg; want --quick or --slow" >&2; exit 2 ;;
    esac
done
build=${BUILD:-build-test}

# shellcheck source=tests/support/install.sh
. tests/support/install.sh
install_packages build-essential meson pkg-config libglpk-dev libopenblas-dev libcjson-dev libcurl4-openssl-dev libyaml-dev libsqlite3-dev libpq-dev zlib1g-dev libcunit1-dev python3 postgresql \
    python3-dev python3-venv python3-numpy python3-pytest python3-scipy swig openssl prometheus

if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" -Dwerror=true -Dpython=enabled >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
    rm -f "$build.log"
fi
ninja -C "$build" >"$build/build.log" 2>&1 || { tail -50 "$build/build.log"; exit 1; }

suites=()
[ "$tier" = quick ] && suites=(--suite unit --suite api --suite cases)
[ "$tier" = slow ] && export SPOTOPT_SLOW=1
failed=0
meson test -C "$build" --no-rebuild --print-errorlogs ${suites[@]+"${suites[@]}"} || failed=1
if [ "$tier" = slow ] && [ -x tests/slow.sh ]; then
    tests/slow.sh || failed=1
fi
# One line a test program stands in the log; CUnit suites count their own tests inside.
python3 tests/support/count_results.py "$build/meson-logs/testlog.json" "$failed"
exit "$failed"
