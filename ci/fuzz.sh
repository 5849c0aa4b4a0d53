#!/usr/bin/env bash
# Fuzzes every Fuzz function of the tree for a short while, each on all cores. What it finds stays in the package's
# testdata/fuzz, to be committed with the repair.
#
#   FUZZTIME   seconds for each function (5)
#   FUZZTOTAL  seconds for all of them together, building aside (120): with many functions each gets less, but at least 1
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

# targets: one line "PACKAGE FUNCTION" for each, from the test files that this system builds.
targets() {
	local package dir files
	go list -f '{{.ImportPath}} {{.Dir}} {{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}' ./... |
		while read -r package dir files; do
			[ -n "$files" ] || continue
			# File names have no spaces here: go list would not print them apart.
			# shellcheck disable=SC2086
			(cd "$dir" && sed -n 's/^func \(Fuzz[A-Z0-9_][A-Za-z0-9_]*\)(.*/\1/p' $files) | sort | sed "s|^|$package |"
		done
}

# fuzz PACKAGE FUNCTION SECONDS. Fuzzing that is ended by the clock may be reported as a failure by a race in the go
# command (golang/go#75804): its only sign is that no failing input was written.
fuzz() {
	local log input status=0
	log=$(mktemp)
	go test -run '^$' -fuzz "^$2\$" -fuzztime "$3s" "$1" </dev/null >"$log" 2>&1 || status=$?
	if [ "$status" = 0 ]; then
		tail -n 1 "$log"
	elif grep -q 'context deadline exceeded' "$log" && ! grep -Eq 'Failing input written|panic:|--- FAIL: .*/' "$log"; then
		echo "fuzz: $2: ended by the clock, no failing input"
		status=0
	else
		cat "$log"
		input=$(sed -n 's/.*Failing input written to //p' "$log")
		[ -z "$input" ] || cat "$(go list -f '{{.Dir}}' "$1")/$input"
	fi
	rm -f "$log"
	return "$status"
}

list=$(targets) || exit 1
count=$(grep -c . <<<"$list")
if [ "$count" = 0 ]; then echo "fuzz: there is no Fuzz function"; exit 0; fi
seconds=$((${FUZZTOTAL:-120} / count))
[ "$seconds" -ge 1 ] || seconds=1
[ "$seconds" -le "${FUZZTIME:-5}" ] || seconds=${FUZZTIME:-5}

echo "fuzz: $count functions, $seconds s each"
failed=0
while read -r package function; do
	echo "fuzz: $package $function"
	fuzz "$package" "$function" "$seconds" || failed=$((failed + 1))
done <<<"$list"
[ "$failed" = 0 ] || { echo "fuzz: $failed of $count functions failed"; exit 1; }
