# What CI runs is `make test`; each of its steps can be run alone by the scripts in ci/.

.PHONY: test build lint fuzz bench

test: # everything: brokers, build, vet, lint, tests with the race detector, simulation, short fuzzing
	ci/test.sh

build: # bin/pushcore
	go build -trimpath -o bin/ ./cmd/pushcore

lint:
	ci/lint.sh

fuzz: # longer: make fuzz FUZZTIME=60 FUZZTOTAL=3600
	FUZZTIME=$(FUZZTIME) FUZZTOTAL=$(FUZZTOTAL) ci/fuzz.sh

bench: # one package: make bench PKG=./core/wheel
	go test -run '^$$' -bench . -benchmem $(or $(PKG),./...)
