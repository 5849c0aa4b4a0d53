package plugintest

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// creditPerTurn is what Host.Credit starts each turn with, in bytes.
const creditPerTurn = 1 << 20

// errNoPoll says why suites of transports are skipped on some systems.
var errNoPoll = errors.New("the host of the kit needs Linux")

// postedMax bounds the events that wait in a loop's mailbox for Post to add more.
const postedMax = 4096

// Host is a recording sdk.Host: real loops on goroutines of their own, which
// check what a transport does on them and record what it emits. The suites use
// it; an author may use it for tests of his own:
//
//	h, err := plugintest.NewHost(2)
//	endpoints, err := h.Open(transport)
//	h.Turn(0, func() { transport.Command(0, …) }) // in a turn, up to the end of its Flush
//	h.Await(func() bool { … h.Events() … })
//	err = h.Close(time.Now().Add(time.Second)) // closes the transport, too
//	… h.Failures() …
type Host struct {
	loops   []*loop
	log     *slog.Logger
	offset  atomic.Int64 // what Advance has added to the time
	direct  bool         // calls reach the plugin at once; set before Open
	byWrite bool         // acks by write are declared; set before Open

	mu        sync.Mutex    // guards everything following
	changed   chan struct{} // closed and renewed when something was recorded
	transport sdk.Transport
	conns     map[sdk.ConnID]*conn
	events    []Emitted
	watched   map[int]sdk.Loop // descriptors, by who watches them
	failures  []Failure
	journal   trace // what belongs to no connection
	recording *recording
}

var _ sdk.Host = (*Host)(nil)

// Emitted is an event as it was emitted, copied.
type Emitted struct {
	Loop  sdk.Loop
	Turn  int
	Event sdk.Event
}

// NewHost runs loops.
func NewHost(loops int) (*Host, error) {
	h := &Host{
		direct: true, changed: make(chan struct{}), conns: map[sdk.ConnID]*conn{}, watched: map[int]sdk.Loop{},
		log: slog.New(slog.DiscardHandler),
	}
	for l := range loops {
		loop, err := newLoop(h, sdk.Loop(l))
		if err != nil {
			h.stop()
			return nil, err
		}
		h.loops = append(h.loops, loop)
	}
	for _, l := range h.loops {
		go l.run()
	}
	return h, nil
}

// Open opens a transport on the host: from then on turns end with its Flush.
func (h *Host) Open(t sdk.Transport) ([]sdk.Endpoint, error) {
	h.mu.Lock()
	h.transport = t
	h.byWrite = slices.Contains(t.Info().Capabilities, sdk.CapAckWrite)
	h.mu.Unlock()
	endpoints, err := t.Open(h)
	if err == nil {
		for l, loop := range h.loops {
			h.Turn(sdk.Loop(l), func() { loop.flushes = t })
		}
	}
	return endpoints, err
}

// Close closes the transport, whose calls end before, and then the loops. It
// waits for the transport to return, past the deadline if need be.
func (h *Host) Close(deadline time.Time) error {
	h.mu.Lock()
	t := h.transport
	h.transport = nil
	h.mu.Unlock()
	var err error
	if t != nil {
		for l, loop := range h.loops {
			h.Turn(sdk.Loop(l), func() { loop.flushes = nil })
		}
		err = t.Close(deadline)
	}
	h.stop()
	return err
}

func (h *Host) stop() {
	for _, l := range h.loops {
		l.stop()
	}
}

// Turn runs f in a turn of a loop and returns when that turn has ended, Flush
// included. It is not for the loops' own goroutines.
func (h *Host) Turn(l sdk.Loop, f func()) {
	done := make(chan struct{})
	h.loops[l].put(task{f: f, done: done})
	<-done
}

// Advance moves the time of all loops on, and lets each have a turn.
func (h *Host) Advance(d time.Duration) {
	h.offset.Add(int64(d))
	for l := range h.loops {
		h.Turn(sdk.Loop(l), func() {})
	}
}

// SetCredit sets what Credit starts each turn of a loop with; below 0: as usual.
func (h *Host) SetCredit(l sdk.Loop, bytes int) {
	h.Turn(l, func() { h.loops[l].creditLimit = bytes })
	h.Turn(l, func() {}) // The first that begins with it.
}

// Events returns what was emitted so far.
func (h *Host) Events() []Emitted {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events)
}

// Failures returns the breaches that the host has seen so far.
func (h *Host) Failures() []Failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.failures)
}

// await waits until f, which is called with h.mu held, is true, at most for d.
func (h *Host) await(d time.Duration, f func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		h.mu.Lock()
		ok, changed := f(), h.changed
		h.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			h.mu.Lock()
			defer h.mu.Unlock()
			return f()
		}
	}
}

// Await waits until f is true, at most for d; f is called again after each event.
func (h *Host) Await(d time.Duration, f func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		h.mu.Lock()
		changed := h.changed
		h.mu.Unlock()
		if f() {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return f()
		}
	}
}

// noteLocked says that something was recorded.
func (h *Host) noteLocked() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// failLocked records a breach, of a connection or (nil) of none.
func (h *Host) failLocked(r Rule, c *conn, format string, args ...any) {
	f := Failure{Rule: r, Saw: fmt.Sprintf(format, args...)}
	if c != nil {
		f.Trace = c.trace.lines()
	} else {
		f.Trace = h.journal.lines()
	}
	h.failures = append(h.failures, f)
	h.recording.add(recordFailure(&f))
	h.noteLocked()
}

// record writes a step, if the trial is recorded.
func (h *Host) record(s step) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recording.add(s)
}

func (h *Host) fail(r Rule, c *conn, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failLocked(r, c, format, args...)
}

// Loops implements sdk.Host.
func (h *Host) Loops() int { return len(h.loops) }

// Now implements sdk.Host.
func (h *Host) Now(l sdk.Loop) time.Time {
	h.loops[l].check("Host.Now")
	return h.loops[l].now
}

// Credit implements sdk.Host.
func (h *Host) Credit(l sdk.Loop) int {
	h.loops[l].check("Host.Credit")
	return h.loops[l].credit
}

// Poller implements sdk.Host.
func (h *Host) Poller(l sdk.Loop) sdk.Poller { return h.loops[l] }

// Log implements sdk.Host.
func (h *Host) Log() *slog.Logger { return h.log }

// Emit implements sdk.Host.
func (h *Host) Emit(l sdk.Loop, events []sdk.Event) {
	loop := h.loops[l]
	loop.check("Host.Emit")
	copies := copyEvents(events)
	h.take(l, loop.turns, copies, false)
	for i := range events {
		loop.credit = max(loop.credit-len(events[i].Payload), 0)
	}
	if again := copyEvents(events); !sameEvents(copies, again) {
		h.fail(RuleEventMemory, h.find(copies[0].Conn), "what the events refer to changed between the beginning and the end of Emit")
	}
}

// Post implements sdk.Host. The events are taken on the loop, in a later turn.
func (h *Host) Post(l sdk.Loop, events []sdk.Event) bool {
	closed := slices.ContainsFunc(events, func(e sdk.Event) bool { return e.Kind == sdk.EventClosed })
	return h.loops[l].post(events, closed)
}

func (h *Host) find(id sdk.ConnID) *conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conns[id]
}
