#!/usr/bin/env bash
# Plays the simulation of a whole node, half with seeds that never change and half with fresh ones, whose first it prints.
# A run that fails prints its seed and its trace; PUSHCORE_SIM_SEED=SEED go test ./core/internal/sim plays it again.
set -euo pipefail
cd "$(dirname "$0")/.."

export PUSHCORE_SIM_RUNS=${PUSHCORE_SIM_RUNS:-1000}
echo "simulate: $PUSHCORE_SIM_RUNS runs"
exec go test -count=1 -v ./core/internal/sim
