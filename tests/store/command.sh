#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# command.sh KEEP_ROWS SPOTOPT EVENTS: the command says the same of a ledger in a database as of its file. With
# SPOTOPT_STORE_URL set, in PostgreSQL; else in SQLite.
set -euo pipefail
keep=$1 spotopt=$2 events=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
url=${SPOTOPT_STORE_URL:-sqlite:$folder/books.db}
# A database that has no store yet is refused, and none is made by reading.
status=0
"$spotopt" fleet metrics --ledger "$url" --now 2026-11-02T09:00:00Z -o json 2>"$folder/said" || status=$?
[ $status -ge 3 ] || { echo "exit status $status without a store"; cat "$folder/said"; exit 1; }
[ ! -e "$folder/books.db" ]
"$keep" "$url" "$events"
"$keep" "$url" "$events"
for part in metrics savings topology history health activity overrides; do
    for how in json csv table; do
        "$spotopt" fleet $part --ledger "$events" --now 2026-11-02T09:00:00Z -o $how >"$folder/file"
        "$spotopt" fleet $part --ledger "$url" --now 2026-11-02T09:00:00Z -o $how >"$folder/store"
        cmp "$folder/file" "$folder/store"
    done
done
echo "seven parts in three forms are the same"
