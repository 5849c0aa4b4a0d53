#!/usr/bin/env bash
# Measures a node beside the floor (test/floor), interleaved: server on core 0, load on core 1.
# Prints the median deliveries per second of server CPU of each, and the ratio.
#
#   ci/compare.sh group-fast|group|private [RUNS] [CONNECTIONS] [tcp|ws]
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?group-fast, group or private} runs=${2:-5} connections=${3:-10000} transport=${4:-tcp}

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
go build -o "$work/pushcore" ./cmd/pushcore
go build -o "$work/floor" ./test/floor
cat >"$work/node.yaml" <<YAML
http: { listen: 127.0.0.1:0 }
groups: [ { match: "*", join: device } ]
limits: { accept_rate: 0, max_unauthenticated: 100000 }
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
  ws:  { config: { listen: 127.0.0.1:0 } }
YAML

field() { python3 -c "import json,sys; print(json.load(sys.stdin)['$1'])"; }

node_run() {
	rm -f "$work/ports.json"
	taskset -c 0 "$work/pushcore" run -c "$work/node.yaml" --ports-file "$work/ports.json" >"$work/node.log" 2>&1 &
	local pid=$!
	while [ ! -s "$work/ports.json" ]; do sleep 0.05; done
	local url http
	url=$(field "$transport" <"$work/ports.json") http=$(field http <"$work/ports.json")
	local args=(fanout --class fast)
	case $what in group) args=(fanout) ;; private) args=(private) ;; esac
	taskset -c 1 "$work/pushcore" bench "${args[@]}" --url "$url" --server "$http" --connections "$connections" --duration 5s --json | tee -a "$work/node.json"
	kill "$pid" && wait "$pid" || true
}

floor_run() {
	taskset -c 0 "$work/floor" >/dev/null &
	local pid=$!
	sleep 0.3
	local args=(-mode group -messages $((2000000 / connections)))
	[ "$what" = private ] && args=(-mode user -messages 400000 -outstanding 40000)
	taskset -c 1 "$work/floor" -load -pid "$pid" -n "$connections" "${args[@]}" | tee -a "$work/floor.json"
	kill "$pid" && wait "$pid" || true
}

for _ in $(seq "$runs"); do
	node_run
	floor_run
done
python3 - "$work" "$what" "$transport" <<'PY'
import json, statistics, sys
def median(name):
    return statistics.median(json.loads(line)["deliveries_per_server_cpu_s"] for line in open(f"{sys.argv[1]}/{name}.json"))
node, floor = median("node"), median("floor")
print(f"{sys.argv[2]} over {sys.argv[3]}: node {node:,.0f}, floor {floor:,.0f} deliveries per second of server CPU, ratio {node / floor:.2f}")
PY
