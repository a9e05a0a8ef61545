#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests again where mistakes show: clang's warnings, address and undefined-behaviour sanitizers, threads, valgrind,
# and a minute of fuzzing for each parser. Installs what is missing.
#
#   tests/sanitize.sh [clang asan python tsan valgrind fuzz]   default: all of them
#
# FUZZ_SECONDS (default 10) is for each parser.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/install.sh
. tests/support/install.sh
install_packages build-essential meson pkg-config libglpk-dev libopenblas-dev libcjson-dev libcurl4-openssl-dev libyaml-dev libsqlite3-dev libpq-dev zlib1g-dev libcunit1-dev postgresql clang \
    libclang-rt-14-dev llvm valgrind python3 python3-dev python3-numpy python3-pytest swig openssl prometheus
parts=${*:-clang asan python tsan valgrind fuzz}
fast=(--suite unit --suite api --suite cases --suite fuzz)

# setup FOLDER OPTIONS...: a build folder of its own, made once.
setup() {
    local folder=$1
    shift
    [ -f "$folder/build.ninja" ] || meson setup "$folder" "$@" >/dev/null
    ninja -C "$folder" >"$folder/build.log" 2>&1 || { tail -50 "$folder/build.log"; exit 1; }
}

for part in $parts; do
    echo "--- $part"
    case $part in
        clang) CC=clang setup build-clang -Dwerror=true && meson test -C build-clang --no-rebuild -q "${fast[@]}" ;;
        asan)
            setup build-asan -Db_sanitize=address,undefined -Db_lundef=false
            SPOTOPT_CASES=1000 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
                meson test -C build-asan --no-rebuild -q -t 6 --print-errorlogs "${fast[@]}" --suite alloc --suite cli --suite store --suite net ;;
        python)
            setup build-asan-python -Db_sanitize=address,undefined -Db_lundef=false -Dpython=enabled -Dpython_only=true
            LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)" PYTHONMALLOC=malloc \
                ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
                PYTHONPATH=build-asan-python/bindings/python PYTHONDONTWRITEBYTECODE=1 \
                /usr/bin/python3 -m pytest -q -p no:cacheprovider --ignore=tests/python/test_quickstart.py tests/python ;;
        tsan)
            setup build-tsan -Db_sanitize=thread -Db_lundef=false
            TSAN_OPTIONS=halt_on_error=1 meson test -C build-tsan --no-rebuild -q -t 6 --print-errorlogs \
                lp host recorder ;;
        valgrind)
            setup build-valgrind
            # Not what is slow already: brute force over thousands of packings and drains, and searches of seconds.
            meson test -C build-valgrind --no-rebuild -q -t 30 --print-errorlogs \
                $(meson test -C build-valgrind --no-rebuild --suite unit --suite cases --list |
                    sed -n 's|.* / ||p' | grep -v -x -e pack_brute -e pack_problem -e pack_columns -e pack_zero -e pack_vector -e pack_resolve -e pack_certify \
                        -e drain_random -e risk_truth -e advisor) \
                --wrapper 'valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite' ;;
        fuzz)
            CC=clang setup build-fuzz -Dfuzzers=true -Db_lundef=false
            for driver in build-fuzz/tests/fuzz/fuzz_* build-fuzz/tests/cli/fuzz_*; do
                [ -x "$driver" ] && [ -f "$driver" ] || continue
                name=$(basename "$driver")
                corpus=$(dirname "${driver#build-fuzz/}")/corpus/${name#fuzz_}
                work=$(mktemp -d)
                "$driver" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=5 -rss_limit_mb=2048 -print_final_stats=0 \
                    -verbosity=0 -artifact_prefix="$work-" "$work" "$corpus" 2>"$work.log" ||
                    { tail -40 "$work.log"; echo "the input is $work-*"; exit 1; }
                echo "$name: ${FUZZ_SECONDS:-10} s without a finding"
                rm -rf "$work" "$work.log"
            done ;;
        *) echo "tests/sanitize.sh: unknown part $part" >&2; exit 2 ;;
    esac
done
