#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# with_postgres.sh PROGRAM ARGS...: runs it with SPOTOPT_STORE_URL naming an empty database of a server that is made
# in a temporary folder, listens on a Unix socket alone, and is gone afterwards. Exit status 77: no server is installed.
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] && [ -x "$bin/initdb" ] && command -v psql >/dev/null || { echo "skipped: no PostgreSQL server here"; exit 77; }
# The server refuses to run as root.
as=()
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 && command -v runuser >/dev/null || { echo "skipped: no user to run a server as"; exit 77; }
    as=(runuser -u postgres --)
fi
folder=$(mktemp -d /tmp/spotopt-pg-XXXXXX)
[ ${#as[@]} -eq 0 ] || chown postgres "$folder"
chmod 755 "$folder"
here=$PWD
cd "$folder"
stop() {
    ${as[@]+"${as[@]}"} "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT
export LC_ALL=C
unset LD_PRELOAD
${as[@]+"${as[@]}"} "$bin/initdb" -D "$folder/data" -U spotopt -A trust -E UTF8 --no-sync >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
${as[@]+"${as[@]}"} "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/data/log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder' -c unix_socket_permissions=0777" start >>"$folder/log" 2>&1 ||
    { cat "$folder/log"; exit 1; }
cd "$here"
SPOTOPT_STORE_URL="postgresql://spotopt@/postgres?host=$(printf %s "$folder" | sed 's|/|%2F|g')" "$@"
