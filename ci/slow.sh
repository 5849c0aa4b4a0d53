#!/usr/bin/env bash
# Measures what devices that read nothing cost the others: latencies of a group of READERS, without and with DEAF more
# members that read nothing, in turn. Server on core 0, load on core 1. Prints the medians and their ratio.
#
#   ci/slow.sh fast|reliable [RUNS] [READERS] [DEAF] [RATE] [SIZE]
set -euo pipefail
cd "$(dirname "$0")/.."
class=${1:?fast or reliable} runs=${2:-5} readers=${3:-9000} deaf=${4:-1000} rate=${5:-4} size=${6:-1024}

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
go build -o "$work/pushcore" ./cmd/pushcore
cat >"$work/node.yaml" <<YAML
http: { listen: 127.0.0.1:0 }
groups: [ { match: "*", join: device } ]
limits: { accept_rate: 0, max_unauthenticated: 100000 }
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
YAML

field() { python3 -c "import json,sys; print(json.load(sys.stdin)['$1'])"; }

# run NAME DEAF
run() {
	rm -rf "$work/ports.json" "$work/data"
	taskset -c 0 "$work/pushcore" run -c "$work/node.yaml" --data "$work/data" --ports-file "$work/ports.json" >"$work/node.log" 2>&1 &
	local pid=$!
	while [ ! -s "$work/ports.json" ]; do sleep 0.05; done
	taskset -c 1 "$work/pushcore" bench fanout --class "$class" --url "$(field tcp <"$work/ports.json")" --server "$(field http <"$work/ports.json")" \
		--connections "$readers" --deaf "$2" --rate "$rate" --size "$size" --duration 10s --json | tee -a "$work/$1.json"
	kill "$pid" && wait "$pid" || true
}

for _ in $(seq "$runs"); do
	run undisturbed 0
	run disturbed "$deaf"
done
python3 - "$work" "$class" <<'PY'
import json, statistics, sys
def median(name, field):
    return statistics.median(json.loads(line)[field] for line in open(f"{sys.argv[1]}/{name}.json"))
for field in ("p50_ms", "p99_ms", "server_rss_bytes", "server_cpu_s", "lost"):
    quiet, loud = median("undisturbed", field), median("disturbed", field)
    print(f"{sys.argv[2]} {field}: undisturbed {quiet:,.1f}, disturbed {loud:,.1f}" + (f", ratio {loud / quiet:.2f}" if quiet else ""))
PY
