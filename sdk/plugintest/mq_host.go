package plugintest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// taken is a record that the plugin handed over.
type taken struct {
	epoch uint64
	sdk.Record
}

// mqSource is what the host knows of a source.
type mqSource struct {
	assigned bool
	epoch    uint64 // the last one assigned
	last     uint64 // the last position in it
	any      bool   // there was one
	busy     bool   // a Batch is under way
	records  []taken
	trace    trace
}

// mqHost records what an MQ plugin does.
type mqHost struct {
	log *slog.Logger

	mu       sync.Mutex // guards everything following
	changed  chan struct{}
	sources  map[string]*mqSource
	full     bool // batches wait
	closed   bool // Plugin.Close has returned
	asked    map[uint64]bool
	results  map[uint64]sdk.PublishResult
	failures []Failure
	journal  trace

	recording *recording
}

var _ sdk.MQHost = (*mqHost)(nil)

func newMQHost() *mqHost {
	return &mqHost{
		log: slog.New(slog.DiscardHandler), changed: make(chan struct{}), sources: map[string]*mqSource{},
		asked: map[uint64]bool{}, results: map[uint64]sdk.PublishResult{},
	}
}

// source is the record of a source; h.mu is held.
func (h *mqHost) source(name string) *mqSource {
	if h.sources[name] == nil {
		h.sources[name] = &mqSource{}
	}
	return h.sources[name]
}

func (h *mqHost) noteLocked(trace *trace, format string, args ...any) {
	trace.add(fmt.Sprintf(format, args...))
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *mqHost) failLocked(r Rule, trace *trace, format string, args ...any) {
	f := Failure{Rule: r, Saw: fmt.Sprintf(format, args...), Trace: trace.lines()}
	h.failures = append(h.failures, f)
	h.recording.add(recordFailure(&f))
}

// called notes a call that is not allowed after Close.
func (h *mqHost) called(method string) {
	if h.closed {
		h.failLocked(RuleMQClose, &h.journal, "%s was called after Close had returned", method)
	}
}

// Assigned implements sdk.MQHost.
func (h *mqHost) Assigned(s sdk.Source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.called("Assigned")
	c := h.source(s.Name)
	h.noteLocked(&c.trace, "← Assigned epoch %d", s.Epoch)
	h.recording.add(step{Event: "Assigned", fieldsOf: &fieldsOf{Source: s.Name, Epoch: s.Epoch}})
	if c.assigned {
		h.failLocked(RuleAssigned, &c.trace, "%s was assigned in epoch %d, epoch %d was not revoked", s.Name, s.Epoch, c.epoch)
	}
	if s.Epoch <= c.epoch {
		h.failLocked(RuleAssigned, &c.trace, "%s was assigned in epoch %d after epoch %d", s.Name, s.Epoch, c.epoch)
	}
	c.assigned, c.epoch, c.any = true, s.Epoch, false
}

// Revoked implements sdk.MQHost.
func (h *mqHost) Revoked(source string, epoch uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.called("Revoked")
	c := h.source(source)
	h.noteLocked(&c.trace, "← Revoked epoch %d", epoch)
	h.recording.add(step{Event: "Revoked", fieldsOf: &fieldsOf{Source: source, Epoch: epoch}})
	if !c.assigned || c.epoch != epoch {
		h.failLocked(RuleRevoked, &c.trace, "epoch %d of %s was revoked; assigned: %t, epoch %d", epoch, source, c.assigned, c.epoch)
	}
	c.assigned = false
}

// Batch implements sdk.MQHost.
func (h *mqHost) Batch(ctx context.Context, b sdk.Records) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.source(b.Source)
	if c.busy {
		h.failLocked(RuleMQOrder, &c.trace, "batches of %s overlap", b.Source)
	}
	c.busy = true
	h.noteLocked(&c.trace, "← Batch of %d records in epoch %d", len(b.Records), b.Epoch)
	if h.recording != nil {
		h.recording.add(recordRecords(&b))
	}
	defer func() { c.busy = false }()
	for h.full && ctx.Err() == nil {
		changed := h.changed
		h.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		h.mu.Lock()
	}
	if err := ctx.Err(); err != nil {
		h.noteLocked(&c.trace, "· Batch was given up: %v", err)
		h.recording.add(step{Call: "Batch given up", fieldsOf: &fieldsOf{Source: b.Source, Epoch: b.Epoch, Text: err.Error()}})
		return err
	}
	h.called("Batch")
	if !c.assigned || c.epoch != b.Epoch {
		rule := RuleAssigned
		if b.Epoch <= c.epoch {
			rule = RuleRevoked
		}
		h.failLocked(rule, &c.trace, "a batch of %s in epoch %d; assigned: %t, epoch %d", b.Source, b.Epoch, c.assigned, c.epoch)
	}
	for _, r := range b.Records {
		if c.any && r.Position <= c.last {
			h.failLocked(RuleMQOrder, &c.trace, "%s has position %d after %d in epoch %d", b.Source, r.Position, c.last, b.Epoch)
		}
		c.any, c.last = true, r.Position
		c.records = append(c.records, taken{b.Epoch, r})
	}
	h.noteLocked(&c.trace, "· taken up to position %d", c.last)
	h.recording.add(step{Call: "Batch taken", fieldsOf: &fieldsOf{Source: b.Source, Epoch: b.Epoch, Position: c.last}})
	return nil
}

// Published implements sdk.MQHost.
func (h *mqHost) Published(results []sdk.PublishResult) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.called("Published")
	for _, r := range results {
		h.noteLocked(&h.journal, "← Published %d %q", r.ID, r.Error)
		h.recording.add(step{Event: "Published", fieldsOf: &fieldsOf{Seq: r.ID, Text: r.Error, Final: r.Final}})
		switch _, twice := h.results[r.ID]; {
		case !h.asked[r.ID]:
			h.failLocked(RulePublished, &h.journal, "an answer for %d, which was not published", r.ID)
		case twice:
			h.failLocked(RulePublished, &h.journal, "a second answer for %d", r.ID)
		}
		h.results[r.ID] = r
	}
}

// Status implements sdk.MQHost.
func (h *mqHost) Status(up bool, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.called("Status")
	h.noteLocked(&h.journal, "← Status up %t: %s", up, text)
	h.recording.add(step{Event: "Status", fieldsOf: &fieldsOf{Name: map[bool]string{true: "up", false: "down"}[up], Text: text}})
}

// Lag implements sdk.MQHost.
func (h *mqHost) Lag(string, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.called("Lag")
}

// Log implements sdk.MQHost.
func (h *mqHost) Log() *slog.Logger { return h.log }

// await waits until f, which is called with h.mu held, is true, at most for d.
func (h *mqHost) await(d time.Duration, f func() bool) bool {
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

// fill makes batches wait, or no more.
func (h *mqHost) fill(full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.full = full
	h.noteLocked(&h.journal, "· room for batches: %t", !full)
}

func (h *mqHost) take() []Failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.failures)
}
