#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs TEST URL against a real Prometheus on loopback that holds ten minutes of a small fleet; 77 where there is none.
set -euo pipefail
command -v prometheus >/dev/null && command -v promtool >/dev/null || { echo "no prometheus here"; exit 77; }
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

# 2026-01-01 00:00 to 00:10 UTC, a sample a minute. Pods a and b on one pool, c on another.
start=1767225600
{
    echo "# TYPE latency_seconds gauge"
    for pod in "a,m5.large/z-a/spot,0.08" "b,m5.large/z-a/spot,0.12" "c,c5.large/z-b/on-demand,0.05"; do
        IFS=, read -r name pool value <<<"$pod"
        for minute in {0..10}; do
            echo "latency_seconds{pod=\"$name\",pool=\"$pool\"} $value $((start + 60 * minute))"
        done
    done
    echo "# TYPE requests counter"
    for minute in {0..10}; do
        echo "requests_total{node=\"node-1\"} $((600 * minute)) $((start + 60 * minute))"
    done
    echo "# EOF"
} >"$folder/history.txt"
mkdir "$folder/data"
promtool tsdb create-blocks-from openmetrics "$folder/history.txt" "$folder/data" >/dev/null
echo "scrape_configs: []" >"$folder/prometheus.yml"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" --storage.tsdb.retention.time=100y \
    --web.listen-address="127.0.0.1:$port" >"$folder/log" 2>&1 &
server=$!
for _ in {1..100}; do
    python3 - "$port" <<'EOF' && break
import sys, urllib.request
try:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    sys.exit(opener.open(f"http://127.0.0.1:{sys.argv[1]}/-/ready", timeout=1).status != 200)
except OSError:
    sys.exit(1)
EOF
    kill -0 "$server" 2>/dev/null || { cat "$folder/log"; exit 1; }
    sleep 0.1
done
"$1" "http://127.0.0.1:$port"
