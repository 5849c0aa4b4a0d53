#!/usr/bin/env bash
# Runs the simulation of a whole node with seeds that never change and with fresh ones, which it prints: a run is repeated by
#   PUSHCORE_SIM_SEEDS=SEED[,SEED...] go test ./core/internal/sim
set -euo pipefail
cd "$(dirname "$0")/.."

if ! [ -d core/internal/sim ]; then echo "simulate: there is no core/internal/sim"; exit 0; fi

fixed=1,2,3,4,5,6,7,8
fresh=$(od -An -N32 -tu4 -w4 /dev/urandom | paste -sd, | tr -d ' ')
echo "simulate: fixed seeds $fixed, fresh seeds $fresh"
export PUSHCORE_SIM_SEEDS=${PUSHCORE_SIM_SEEDS:-$fixed,$fresh}
exec go test -count=1 ./core/internal/sim
