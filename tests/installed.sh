#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs into a folder of its own, then builds and runs the quickstart against what is there, found by pkg-config alone.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/support/install.sh
. tests/support/install.sh
install_packages build-essential meson pkg-config libglpk-dev libopenblas-dev libcjson-dev libcurl4-openssl-dev libyaml-dev libsqlite3-dev libpq-dev zlib1g-dev
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
# The store is a library of its own, and libspotopt links no database.
cat >"$root/keep.c" <<'EOF'
#include <spotopt/store.h>
#include <stdio.h>
#include <string.h>

static int32_t
print(void *user, const char *line, size_t length)
{
    (void)user;
    return printf("%.*s\n", (int)length, line) < 0;
}

int
main(int argc, char **argv)
{
    static const char row[] = "{\"time_ms\":1,\"type\":\"stop\",\"instance\":\"i-1\"}";
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_store *store = NULL;

    if (argc != 2 || spotopt_store_open(NULL, argv[1], 0, &store, &err) != SPOTOPT_OK ||
        spotopt_store_append(store, row, strlen(row), NULL, NULL, &err) != SPOTOPT_OK ||
        spotopt_store_read(store, 0, 2, print, NULL, &err) != SPOTOPT_OK)
        fprintf(stderr, "%s\n", err.message);
    spotopt_store_close(store);
    return err.status != SPOTOPT_OK;
}
EOF
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra "$root/keep.c" -o "$root/keep" $(pkg-config --cflags --libs spotopt-store)
LD_LIBRARY_PATH=$root/usr/lib "$root/keep" "sqlite:$root/books.db" | grep -qx '{"time_ms":1,"type":"stop","instance":"i-1"}'
# So is the network.
cat >"$root/ask.c" <<'EOF'
#include <spotopt/net.h>
#include <stdio.h>

int
main(void)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_net_params params = SPOTOPT_NET_PARAMS_INIT;
    spotopt_net_request request = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt_net *net = NULL;

    params.max_attempts = 1;
    params.proxy = "";
    request.url = "http://127.0.0.1:1/";
    if (spotopt_net_new(NULL, &params, &net, &err) == SPOTOPT_OK &&
        spotopt_net_call(net, &request, &answer, &err) == SPOTOPT_E_PEER)
        puts(err.message);
    spotopt_net_answer_clear(net, &answer);
    spotopt_net_free(net);
    return 0;
}
EOF
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra "$root/ask.c" -o "$root/ask" $(pkg-config --cflags --libs spotopt-net)
LD_LIBRARY_PATH=$root/usr/lib "$root/ask" | grep -q '^127.0.0.1:1: GET /: .*; check address, port and firewall$'
if readelf -d "$root/usr/lib/libspotopt.so" | grep NEEDED | grep -e sqlite -e libpq -e curl; then
    echo "installed: libspotopt links a database or libcurl" >&2
    exit 1
fi
echo "installed: the store keeps a row"
LD_LIBRARY_PATH=$root/usr/lib "$root/usr/bin/spotopt" version
