package chaos

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// seedVariable replays a run's choices, dirVariable keeps its logs.
const (
	seedVariable = "PUSHCORE_CHAOS_SEED"
	dirVariable  = "PUSHCORE_CHAOS_DIR"
)

// rig is what a story runs in: its folder, its logs, its chance.
type rig struct {
	t      *testing.T
	dir    string
	logs   string
	seed   uint64
	random *rand.Rand // the story's goroutine alone
	notes  *check.Log // what the rig itself does
	fleets []*fleet
	node   *node
}

// newRig also lets the stories of the short form run side by side: mostly they wait.
func newRig(t *testing.T) *rig {
	t.Helper()
	if !*long {
		t.Parallel()
	}
	r := &rig{t: t, dir: t.TempDir(), seed: rand.Uint64()}
	if s := os.Getenv(seedVariable); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
		r.seed = seed
	}
	t.Logf("seed: %s=%d", seedVariable, r.seed)
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Name()))
	r.random = rand.New(rand.NewPCG(r.seed, h.Sum64()))
	if keep := os.Getenv(dirVariable); keep != "" {
		r.dir = filepath.Join(keep, t.Name())
		_ = os.RemoveAll(r.dir)
	}
	r.logs = filepath.Join(r.dir, "logs")
	if err := os.MkdirAll(r.logs, 0o755); err != nil {
		t.Fatal(err)
	}
	r.notes = r.newLog("rig")
	t.Cleanup(func() { _ = r.notes.Close() })
	return r
}

func (r *rig) newLog(name string) *check.Log {
	l, err := check.NewLog(filepath.Join(r.logs, name+".tsv"))
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

// slack is what the short form, whose stories run side by side, adds to bounds of time.
func slack() time.Duration {
	if *long {
		return 0
	}
	return 3 * time.Second
}

// note writes down, for people, what the rig does.
func (r *rig) note(text string) { r.notes.Event("note", text) }

// between is a random duration.
func (r *rig) between(least, most time.Duration) time.Duration {
	return least + time.Duration(r.random.Int64N(int64(most-least)+1))
}

// pass lets time go by: what the story is about, not a wait for something.
func (r *rig) pass(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.t.Context().Done():
		r.t.FailNow()
	}
}

// fleetSum adds up what the fleets tell.
func (r *rig) fleetSum() (s fleetStats) {
	for _, f := range r.fleets {
		one := f.stats()
		s.Connected += one.Connected
		s.Handled += one.Handled
		s.Resumed += one.Resumed
		s.Moved += one.Moved
		s.Lost += one.Lost
		if s.Failed == "" {
			s.Failed = one.Failed
		}
	}
	return s
}

// untilConnected waits for so many devices.
func (r *rig) untilConnected(n int, most time.Duration) {
	r.t.Helper()
	r.until("devices to connect", most, func() bool { return r.fleetSum().Connected >= int64(n) })
}

// untilHandled waits until devices have so many messages, or most is over: the checker will say what is missing.
func (r *rig) untilHandled(n int, most time.Duration) {
	r.t.Helper()
	if err := wait(most, func() bool { return r.fleetSum().Handled >= int64(n) }); err != nil {
		r.t.Errorf("devices have %d of %d messages after %s", r.fleetSum().Handled, n, most)
	}
}

// until looks every few milliseconds whether something has come about.
func (r *rig) until(what string, most time.Duration, done func() bool) {
	r.t.Helper()
	if err := wait(most, done); err != nil {
		r.t.Fatalf("waited %s for %s: %+v", most, what, r.fleetSum())
	}
}

func wait(most time.Duration, done func() bool) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-timeout.C:
			return errors.New("time-out")
		}
	}
	return nil
}

// events ends devices and node and reads all logs.
func (r *rig) events() []check.Event {
	r.t.Helper()
	for _, f := range r.fleets {
		f.close()
	}
	if r.node != nil {
		r.node.end()
	}
	if err := r.notes.Flush(); err != nil {
		r.t.Fatal(err)
	}
	events, err := check.ReadDir(r.logs)
	if err != nil {
		r.t.Fatal(err)
	}
	return events
}

// verdict holds the run's logs against what was promised, and prints it.
func (r *rig) verdict(ackGrace time.Duration) *check.Report {
	r.t.Helper()
	return r.judge(check.Check(r.events(), ackGrace))
}

func (r *rig) judge(report *check.Report) *check.Report {
	r.t.Helper()
	r.t.Logf("%s; %+v", report, r.fleetSum())
	if err := report.Err(); err != nil {
		r.t.Errorf("seed %d: %v", r.seed, err)
	}
	if report.BooksScrapes == 0 {
		r.t.Error("the books were never looked at")
	}
	return report
}
