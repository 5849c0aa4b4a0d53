// Package mqtest has what the tests of MQ plugins share: a Host that records what
// a plugin does and says when it broke its contract.
package mqtest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Taken is a record that the plugin handed over.
type Taken struct {
	Source string
	Epoch  uint64
	sdk.Record
}

// Host records what a plugin does. A call that breaks the contract fails the test.
type Host struct {
	t   testing.TB
	log *slog.Logger

	// Batched is called, if set, with each batch that was taken, on the plugin's
	// goroutine. Set it before Open.
	Batched func(b sdk.Records)

	mu       sync.Mutex // guards the following
	changed  chan struct{}
	full     bool // Batch blocks
	batching map[string]bool
	epochs   map[string]uint64 // the assigned sources
	newest   map[string]uint64 // the last epoch of a source
	last     map[string]uint64 // the last position of a source in its epoch, and one
	stable   map[string]bool
	taken    []Taken
	results  map[uint64]sdk.PublishResult
	lag      map[string]int64
	up       bool
	text     string
	texts    []string
	logged   bytes.Buffer
}

var _ sdk.MQHost = (*Host)(nil)

// New returns a host that takes everything.
func New(t testing.TB) *Host {
	h := &Host{
		t: t, changed: make(chan struct{}), batching: map[string]bool{}, epochs: map[string]uint64{}, newest: map[string]uint64{},
		last: map[string]uint64{}, stable: map[string]bool{}, results: map[uint64]sdk.PublishResult{}, lag: map[string]int64{},
	}
	h.log = slog.New(slog.NewTextHandler(logWriter{h}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return h
}

type logWriter struct{ h *Host }

func (w logWriter) Write(b []byte) (int, error) {
	defer w.h.lock()()
	return w.h.logged.Write(b)
}

// lock locks, and returns what unlocks and wakes those who wait.
func (h *Host) lock() (unlock func()) {
	h.mu.Lock()
	return func() {
		close(h.changed)
		h.changed = make(chan struct{})
		h.mu.Unlock()
	}
}

// Assigned begins an epoch.
func (h *Host) Assigned(s sdk.Source) {
	defer h.lock()()
	if h.epochs[s.Name] != 0 {
		h.t.Errorf("%s was assigned in epoch %d while epoch %d was not revoked", s.Name, s.Epoch, h.epochs[s.Name])
	}
	if s.Epoch <= h.newest[s.Name] {
		h.t.Errorf("%s was assigned in epoch %d after epoch %d: epochs grow", s.Name, s.Epoch, h.newest[s.Name])
	}
	h.epochs[s.Name], h.newest[s.Name], h.stable[s.Name] = s.Epoch, s.Epoch, s.StablePositions
	delete(h.last, s.Name)
}

// Revoked ends one.
func (h *Host) Revoked(source string, epoch uint64) {
	defer h.lock()()
	if h.epochs[source] != epoch {
		h.t.Errorf("epoch %d of %s was revoked while the assigned one is %d", epoch, source, h.epochs[source])
	}
	if h.batching[source] {
		h.t.Errorf("%s was revoked while Batch was under way", source)
	}
	delete(h.epochs, source)
}

// Batch takes records when there is room.
func (h *Host) Batch(ctx context.Context, b sdk.Records) error {
	h.mu.Lock()
	if h.batching[b.Source] {
		h.t.Errorf("batches of %s overlap", b.Source)
	}
	h.batching[b.Source] = true
	for h.full && ctx.Err() == nil {
		changed := h.changed
		h.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		h.mu.Lock()
	}
	err := ctx.Err()
	if err == nil {
		h.keep(b)
	}
	h.mu.Unlock()
	if err == nil && h.Batched != nil {
		h.Batched(b)
	}
	defer h.lock()()
	h.batching[b.Source] = false
	return err
}

func (h *Host) keep(b sdk.Records) {
	if h.epochs[b.Source] != b.Epoch {
		h.t.Errorf("a batch of %s came in epoch %d, assigned is %d", b.Source, b.Epoch, h.epochs[b.Source])
	}
	if len(b.Records) == 0 {
		h.t.Errorf("an empty batch of %s came", b.Source)
	}
	for _, r := range b.Records {
		if last, ok := h.last[b.Source]; ok && r.Position < last {
			h.t.Errorf("position %d of %s came after %d", r.Position, b.Source, last-1)
		}
		h.last[b.Source] = r.Position + 1
		h.taken = append(h.taken, Taken{Source: b.Source, Epoch: b.Epoch, Record: r})
	}
}

// Published keeps results.
func (h *Host) Published(results []sdk.PublishResult) {
	defer h.lock()()
	for _, r := range results {
		if _, twice := h.results[r.ID]; twice {
			h.t.Errorf("publish %d was answered twice", r.ID)
		}
		h.results[r.ID] = r
	}
}

// Status keeps the broker's state.
func (h *Host) Status(up bool, text string) {
	defer h.lock()()
	h.up, h.text = up, text
	h.texts = append(h.texts, text)
}

// Lag keeps how far a source is behind.
func (h *Host) Lag(source string, records int64) {
	defer h.lock()()
	h.lag[source] = records
}

// Log returns a logger whose text Logged returns.
func (h *Host) Log() *slog.Logger { return h.log }

// Fill makes Batch block; Empty lets it go on.
func (h *Host) Fill() { defer h.lock()(); h.full = true }

// Empty lets Batch take records again.
func (h *Host) Empty() { defer h.lock()(); h.full = false }

// Await waits until done is true, which may use the host's methods, and fails the
// test after a minute.
func (h *Host) Await(what string, done func() bool) {
	h.t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		h.mu.Lock()
		changed := h.changed
		h.mu.Unlock()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			h.t.Fatalf("waited a minute for %s\nstatus: %v %s\nlog:\n%s", what, h.Up(), h.Text(), h.Logged())
		}
	}
}

// Eventually waits for something that the host is not told of, such as a commit.
func (h *Host) Eventually(what string, done func() bool) {
	h.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late.C:
			h.t.Fatalf("waited a minute for %s\nstatus: %v %s\nlog:\n%s", what, h.Up(), h.Text(), h.Logged())
		}
	}
}

// Taken returns what was handed over, in that order.
func (h *Host) Taken() []Taken {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

// Distinct counts the bodies that were handed over.
func (h *Host) Distinct() int {
	bodies := map[string]bool{}
	for _, r := range h.Taken() {
		bodies[string(r.Body)] = true
	}
	return len(bodies)
}

// Epoch is the assigned epoch of a source, 0 if there is none.
func (h *Host) Epoch(source string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.epochs[source]
}

// Sources are the assigned ones, sorted.
func (h *Host) Sources() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for s := range h.epochs {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// Stable is what the source's last assignment said of its positions.
func (h *Host) Stable(source string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stable[source]
}

// Result is the answer to a publish.
func (h *Host) Result(id uint64) (sdk.PublishResult, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.results[id]
	return r, ok
}

// Results is how many publishes were answered.
func (h *Host) Results() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.results)
}

// Up and Text are the last status.
func (h *Host) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.up
}

// Text is the last status' text.
func (h *Host) Text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text
}

// LagOf is the last lag of a source, -1 if none was reported.
func (h *Host) LagOf(source string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n, ok := h.lag[source]; ok {
		return n
	}
	return -1
}

// Logged is all that was logged.
func (h *Host) Logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.logged.String()
}

// Done settles what was taken as done, each batch by itself.
func Done(b sdk.Records) []sdk.Settlement {
	return []sdk.Settlement{Settlement(b.Source, b.Epoch, sdk.Done, b.Records...)}
}

// Settlement settles records of one source.
func Settlement(source string, epoch uint64, outcome sdk.Outcome, records ...sdk.Record) sdk.Settlement {
	s := sdk.Settlement{Source: source, Epoch: epoch, Outcome: outcome}
	for _, r := range records {
		s.Positions = append(s.Positions, r.Position)
	}
	return s
}

// Configure configures a plugin with options that have no fault.
func Configure(t testing.TB, plugin sdk.Plugin, options string) sdk.Setup {
	t.Helper()
	setup, faults := plugin.Configure([]byte(options))
	for _, f := range faults {
		t.Fatal(fmt.Sprint(f.Pointer, ": ", f.Message))
	}
	return setup
}
