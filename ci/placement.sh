#!/usr/bin/env bash
# Measures what a plugin's own process costs: the same load on a node with its transport in the core and in a process,
# interleaved; servers on core 0, load on core 1. Prints the medians and their ratio.
#
#   ci/placement.sh group|group-fast|private|latency [RUNS] [CONNECTIONS] [tcp|ws] [portable]
#
# group and private count deliveries per CPU second of core and plugin together; latency is the p50 of 100 pushes a second.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?group, group-fast, private or latency} runs=${2:-5} connections=${3:-10000} transport=${4:-tcp} carrier=${5:-}

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
go build -o "$work/pushcore" ./cmd/pushcore

field() { python3 -c "import json,sys; print(json.load(sys.stdin)['$1'])"; }

run() { # placement
	cat >"$work/node.yaml" <<YAML
http: { listen: 127.0.0.1:0 }
groups: [ { match: "*", join: device } ]
limits: { accept_rate: 0, max_unauthenticated: 100000 }
plugins:
  $transport: { placement: $1, config: { listen: 127.0.0.1:0 } }
YAML
	rm -rf "$work/ports.json" "$work/data"
	(cd "$work" && PUSHCORE_CARRIER=$carrier exec taskset -c 0 ./pushcore run -c node.yaml --ports-file ports.json >node.log 2>&1) &
	local pid=$!
	while [ ! -s "$work/ports.json" ]; do sleep 0.05; done
	local args=(fanout --class fast)
	case $what in group) args=(fanout) ;; private) args=(private) ;; latency) args=(private --rate 100) ;; esac
	taskset -c 1 "$work/pushcore" bench "${args[@]}" --url "$(field "$transport" <"$work/ports.json")" \
		--server "$(field http <"$work/ports.json")" --connections "$connections" --duration 5s --json | tee -a "$work/$1.json"
	kill "$pid" && wait "$pid" || true
}

for _ in $(seq "$runs"); do
	run core
	run process
done
python3 - "$work" "$what" "$transport" <<'PY'
import json, statistics, sys
key = "p50_ms" if sys.argv[2] == "latency" else "deliveries_per_server_cpu_s"
def median(name):
    return statistics.median(json.loads(line)[key] for line in open(f"{sys.argv[1]}/{name}.json"))
core, process = median("core"), median("process")
if key == "p50_ms":
    print(f"latency over {sys.argv[3]}: p50 core {core:.3f} ms, process {process:.3f} ms, {1000 * (process - core):.0f} microseconds more")
else:
    print(f"{sys.argv[2]} over {sys.argv[3]}: core {core:,.0f}, process {process:,.0f} deliveries per CPU second, ratio {process / core:.2f}")
PY
