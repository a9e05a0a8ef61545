#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Python package with pip into an environment of its own, then runs its tests and the quickstart against what
# is there, outside the tree.
#
#   tests/installed_python.sh             with Debian's meson, swig and meson-python
#   tests/installed_python.sh --isolated  with those that pip fetches
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
# shellcheck source=tests/support/install.sh
. tests/support/install.sh
install_packages build-essential meson pkg-config libglpk-dev libopenblas-dev libcjson-dev zlib1g-dev swig python3-dev python3-venv \
    python3-mesonpy python3-numpy python3-pytest
case ${1:-} in
    --isolated) how=() ;;
    '') how=(--no-build-isolation) ;;
    *) echo "tests/installed_python.sh: unknown argument $1; want --isolated" >&2; exit 2 ;;
esac
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
git ls-files -z | tar -c --null -T - | tar -x -C "$root" --one-top-level=source
/usr/bin/python3 -m venv --system-site-packages "$root/venv"
"$root/venv/bin/pip" install -q ${how[@]+"${how[@]}"} "$root/source"
cd "$root"
SPOTOPT_SOURCE=$top venv/bin/python -m pytest -q -p no:cacheprovider --ignore="$top/tests/python/test_quickstart.py" \
    "$top/tests/python"
venv/bin/python "$top/examples/quickstart.py" "$top/examples/data"
echo "installed: the Python package, its tests and its quickstart"
