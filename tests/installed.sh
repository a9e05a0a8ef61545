#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs into a folder of its own, then builds and runs the quickstart against what is there, found by pkg-config alone.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/install.sh
. tests/support/install.sh
install_packages build-essential meson pkg-config libglpk-dev libopenblas-dev libcjson-dev zlib1g-dev
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
meson setup "$root/build" . --prefix="$root/usr" --libdir=lib --buildtype=release -Dwerror=true >/dev/null
meson install -C "$root/build" >"$root/log" || { tail -50 "$root/log"; exit 1; }
export PKG_CONFIG_PATH=$root/usr/lib/pkgconfig
for how in shared static; do
    flags=$(pkg-config --cflags --libs spotopt)
    [ $how = static ] && flags="$(pkg-config --cflags spotopt) $root/usr/lib/libspotopt.a $(pkg-config --libs-only-l --static spotopt | sed 's/-lspotopt//')"
    # shellcheck disable=SC2086
    cc -std=c11 -Wall -Wextra examples/quickstart.c -o "$root/quickstart" $flags
    LD_LIBRARY_PATH=$root/usr/lib "$root/quickstart" examples/data >"$root/out.txt"
    diff -u examples/expected/quickstart.txt "$root/out.txt"
    echo "installed: quickstart runs, linked $how"
done
LD_LIBRARY_PATH=$root/usr/lib "$root/usr/bin/spotopt" version
