#!/usr/bin/env bash
# The whole test, as CI runs it: every step is run, whatever became of the one before, and the last lines say how each went.
# Limits are in seconds, on two cores with empty caches; a step that exceeds its limit is ended and has failed. All of it
# takes at most 25 minutes, whatever the steps: what has not begun by then has failed as well.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

total=1500
summary=()
failed=0

# step NAME LIMIT COMMAND...
step() {
	local name=$1 limit=$2 left=$((total - SECONDS)) began=$SECONDS status=0 verdict=passed
	shift 2
	[ "$limit" -le "$left" ] || limit=$left
	echo "=== $name: $* (at most $limit s)"
	if [ "$limit" -le 0 ]; then
		status=124
	else
		timeout "${foreground[@]}" --kill-after=10 "$limit" "$@" || status=$?
	fi
	case $status in
	0) ;;
	124 | 137) verdict="FAILED: time limit" ;;
	*) verdict="FAILED: exit $status" ;;
	esac
	[ "$status" = 0 ] || failed=$((failed + 1))
	summary+=("$(printf '%-9s %4d s  %s' "$name" $((SECONDS - began)) "$verdict")")
}

foreground=() # At a terminal an interrupt reaches the step; without one, a step's children end with it.
[ -t 0 ] && foreground=(--foreground)
cached=()
[ "${CI:-}" = true ] && cached=(-count=1) # Test results of another day say nothing about this machine's brokers.

step brokers   120 ci/brokers.sh
step build     180 go build ./...
step portable  120 env GOOS=darwin go build ./...
step vet       120 go vet ./...
step lint      420 ci/lint.sh
step test     1000 go test -race "${cached[@]}" -timeout 16m ./...
step simulate   60 ci/simulate.sh
step fuzz      240 ci/fuzz.sh

echo "=== summary, $SECONDS s"
printf '%s\n' "${summary[@]}"
[ "$failed" = 0 ]
