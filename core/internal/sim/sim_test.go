package sim

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestNodeKeepsItsPromisesUnderAnyOrderOfEvents plays fixed seeds and fresh ones.
// PUSHCORE_SIM_SEED replays one with its trace, PUSHCORE_SIM_RUNS says how many.
func TestNodeKeepsItsPromisesUnderAnyOrderOfEvents(t *testing.T) {
	if text := os.Getenv("PUSHCORE_SIM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		play(t, seed)
		return
	}
	runs := 300
	if n, err := strconv.Atoi(os.Getenv("PUSHCORE_SIM_RUNS")); err == nil {
		runs = n
	}
	began := time.Now()
	first := rand.Uint64() >> 1
	for i := range runs {
		seed := uint64(i)
		if i >= runs/2 {
			seed += first
		}
		if _, err := Run(seed, Options{}); err != nil {
			t.Errorf("PUSHCORE_SIM_SEED=%d: %v", seed, err)
			play(t, seed)
			return
		}
	}
	t.Logf("%d runs in %v; fresh ones from seed %d", runs, time.Since(began).Round(time.Millisecond), first+uint64(runs/2))
}

// TestPlantedBugsAreFound makes mistakes on purpose; docs/decisions/0003-simulation.md
// says how soon they are found.
func TestPlantedBugsAreFound(t *testing.T) {
	for bug, name := range map[Bug]string{
		SettleOnReceipt: "settle on receipt", JoinBeforeRoute: "join before route", SafeBeforeDurable: "safe before durable", ToldTooEarly: "told too early",
		KeptBeforeDurable: "kept before durable", HoleInHistory: "hole in history",
		RejoinFromOne: "rejoin from one", RejoinBeforeLoad: "rejoin before load",
	} {
		began := time.Now()
		const most = 500
		found := false
		for seed := range uint64(most) {
			if _, err := Run(seed, Options{Plant: bug}); err != nil {
				t.Logf("%s: found by run %d, after %v: %v", name, seed+1, time.Since(began).Round(time.Millisecond), err)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s: not found in %d runs", name, most)
		}
	}
}

func play(t *testing.T, seed uint64) {
	trace, err := Run(seed, Options{Verbose: true})
	if err != nil {
		t.Errorf("%v\n%s", err, trace)
	}
}
