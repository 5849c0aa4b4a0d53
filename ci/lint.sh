#!/usr/bin/env bash
# Lints the tree with the pinned golangci-lint, which is built into bin/ unless that very version is on the machine.
# Building it takes two cores about two minutes, the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

version=v2.15.0

is_pinned() { [ "v$("$1" version --short 2>/dev/null)" = "$version" ]; }

linter=
for candidate in bin/golangci-lint "$(go env GOPATH)/bin/golangci-lint" "$(command -v golangci-lint || true)"; do
	if [ -x "$candidate" ] && is_pinned "$candidate"; then linter=$candidate; break; fi
done
if [ -z "$linter" ]; then
	echo "lint: building golangci-lint $version into bin/"
	GOBIN=$PWD/bin go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
	linter=bin/golangci-lint
fi
exec "$linter" run "${@:-./...}"
