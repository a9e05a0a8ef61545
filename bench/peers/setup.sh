#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the peers of requirements.txt into FOLDER/venv and builds FOLDER/karpenter; what cannot be had is noted in
# FOLDER/missing.txt, "peer: why", and the runner's table says so. Safe to run again.
#
#   bench/peers/setup.sh FOLDER
set -uo pipefail
[ $# -eq 1 ] || { sed -n '3,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
missing=$folder/missing.txt
log=$folder/setup.log
: >"$missing"
: >"$log"

reason() { tail -40 "$log" | grep -iE 'error|not found|no matching|requires|cannot' | tail -1 | cut -c1-160; }

if [ ! -x "$folder/venv/bin/pip" ] && ! python3 -m venv "$folder/venv" >>"$log" 2>&1; then
    for peer in highspy ortools swiglpk pyvpsolver; do echo "$peer: no virtual environment: $(reason)" >>"$missing"; done
else
    sed 's/ *#.*//' "$here/requirements.txt" | grep . | while read -r requirement; do
        options=()
        # Of this package only its programs are used; its Python side brings a web server along.
        case $requirement in pyvpsolver*) options=(--no-deps --no-build-isolation) ;; esac
        "$folder/venv/bin/pip" install -q ${options[@]+"${options[@]}"} "$requirement" >>"$log" 2>&1 ||
            echo "${requirement%%=*}: $(reason)" >>"$missing"
    done
fi

if ! command -v go >/dev/null; then
    echo "karpenter: no Go toolchain" >>"$missing"
elif ! (cd "$here/karpenter" && go build -o "$folder/karpenter" .) >>"$log" 2>&1; then
    echo "karpenter: $(reason)" >>"$missing"
fi

if [ -s "$missing" ]; then
    echo "not to be had:"
    cat "$missing"
else
    echo "all peers are in $folder"
fi
