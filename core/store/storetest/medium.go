package storetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/pushcore/pushcore/core/store"
)

// Medium is what a durable engine keeps its data on, one engine at a time, and what
// may lose its power.
type Medium interface {
	// Open opens an engine on what is there. The kit closes it.
	Open(env Env) (store.Store, error)
	// Arm lets the power fail just before the nth change from now (a write, a sync,
	// a rename, a removal): failing is called first, which must not be long. The
	// engine goes on as if nothing had happened, until Fail.
	Arm(n int, failing func())
	// Fail lets the power fail now, if it has not since Arm. Then Open finds what
	// has survived: what was synced, and of the rest what chance will have.
	Fail()
}

// Damager is a Medium that can be damaged.
type Damager interface {
	Medium
	// Kill is Fail, but all that was written survives.
	Kill()
	// Damage flips one bit somewhere and says where, for people.
	Damage(choose func(n int) int) string
}

// SeedsVariable names the environment variable that says how many random stories
// TestDurable tells; 1,000 are a long run.
const SeedsVariable = "PUSHCORE_STORE_SEEDS"

func seeds(t *testing.T, short int) int {
	text := os.Getenv(SeedsVariable)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", SeedsVariable, err)
	}
	return n
}

// TestDurable checks what is promised of an engine that is durable: what was answered
// without an error is there after a crash, whenever it comes, and of what was not
// answered there is for each user what was submitted up to some operation, and
// nothing behind it.
func TestDurable(t *testing.T, medium func(seed uint64) Medium) {
	t.Run("SurvivesCrashes", func(t *testing.T) {
		for seed := range seeds(t, 50) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				s := newStory(t, uint64(seed), medium) //nolint:gosec // Not negative.
				for chapters := 0; chapters < 4 && !s.over; chapters++ {
					s.chapter(1 + s.draw("crash at", 80))
				}
			})
		}
	})
	t.Run("SurvivesACrashAtEachChange", func(t *testing.T) {
		for at, reached := 1, true; reached; at++ {
			s := newStory(t, 7, medium)
			reached = s.chapter(at)
			s.open()
			s.close()
		}
	})
	if _, ok := medium(0).(Damager); ok {
		t.Run("FindsDamage", func(t *testing.T) { testDamage(t, medium) })
	}
}

// testDamage flips a bit and looks whether anything wrong is served.
func testDamage(t *testing.T, medium func(seed uint64) Medium) {
	found, harmless := 0, 0
	for seed := range seeds(t, 50) {
		s := newStory(t, uint64(seed), medium) //nolint:gosec // Not negative.
		s.open()
		for range 10 + s.draw("length", 60) {
			s.burst()
		}
		s.medium.(Damager).Kill()
		s.close()
		s.acked = s.tokens()
		where := s.medium.(Damager).Damage(rand.New(rand.NewPCG(uint64(seed), 1)).IntN) //nolint:gosec // Not negative.
		if s.finds() {
			found++
			t.Logf("seed %d: found, %s", seed, where)
			continue
		}
		harmless++
		t.Logf("seed %d: harmless, %s", seed, where)
	}
	t.Logf("of %d flipped bits %d were found and %d had no effect", found+harmless, found, harmless)
}
