package plugintest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// log is a broker with one partition a source and one position each.
type logBroker struct {
	mu         sync.Mutex // guards everything following
	changed    chan struct{}
	records    map[string][][]byte
	committed  map[string]int
	published  [][]byte
	letters    []logLetter
	connection int // those of before are broken
	generation int // likewise, for sources
}

func newLogBroker() *logBroker {
	return &logBroker{changed: make(chan struct{}), records: map[string][][]byte{}, committed: map[string]int{}}
}

// with changes the broker.
func (b *logBroker) with(f func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

func (b *logBroker) Options() []byte   { return []byte("{}") }
func (b *logBroker) Sources() []string { return []string{"push/0", "push/1"} }
func (b *logBroker) Close() error      { return nil }
func (b *logBroker) Reassign() error   { return b.with(func() { b.generation++ }) }
func (b *logBroker) Cut() error        { return b.with(func() { b.generation++; b.connection++ }) }

func (b *logBroker) Produce(source string, bodies ...[]byte) error {
	return b.with(func() { b.records[source] = append(b.records[source], bodies...) })
}

func (b *logBroker) Waiting(source string) (n int, err error) {
	return n, b.with(func() { n = len(b.records[source]) - b.committed[source] })
}

func (b *logBroker) Published(sdk.Output) (held [][]byte, err error) {
	return held, b.with(func() { held = slices.Clone(b.published) })
}

// logMQ is a plugin for it; its fault is how it breaks the contract.
type logMQ struct {
	broker *logBroker
	fault  fault
	host   sdk.MQHost
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup
	kept   []func()

	mu      sync.Mutex // guards everything following
	changed chan struct{}
	sources map[string]*logSource
	outbox  []sdk.Outgoing
}

type logSource struct {
	epoch   uint64
	first   int // position up to which it is committed
	read    int
	settled map[int]bool
	paused  bool
}

var _ sdk.MQ = (*logMQ)(nil)

func (m *logMQ) Info() sdk.Info {
	return sdk.Info{Name: "log", Kind: sdk.KindMQ, Version: "1", APIVersion: sdk.APIVersion}
}

func (m *logMQ) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	if string(options) != "{}" {
		return sdk.Setup{}, []sdk.OptionError{{Message: "there are no options"}}
	}
	return sdk.Setup{Input: &sdk.InputOptions{}, Outputs: []sdk.Output{sdk.OutputUplink}}, nil
}

func (m *logMQ) Open(h sdk.MQHost) error {
	m.host, m.changed, m.sources = h, make(chan struct{}), map[string]*logSource{}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	for _, s := range m.broker.Sources() {
		m.sources[s] = &logSource{}
	}
	for _, s := range m.broker.Sources() {
		m.done.Go(func() { m.consume(s) })
	}
	m.done.Go(m.publish)
	return nil
}

func (m *logMQ) Close(time.Time) error {
	m.cancel()
	m.done.Wait()
	if m.fault == "calls after Close" {
		time.AfterFunc(50*time.Millisecond, func() { m.host.Status(false, "gone") }) // When Close has returned.
	}
	return nil
}

// watch ends the context when the generation does.
func (m *logMQ) watch(ctx context.Context, cancel context.CancelFunc, generation int) {
	defer cancel()
	for {
		m.broker.mu.Lock()
		now, changed := m.broker.generation, m.broker.changed
		m.broker.mu.Unlock()
		if now != generation {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// consume serves a source, generation after generation.
func (m *logMQ) consume(source string) {
	for m.ctx.Err() == nil {
		m.broker.mu.Lock()
		generation, committed := m.broker.generation, m.broker.committed[source]
		m.broker.mu.Unlock()
		ctx, cancel := context.WithCancel(m.ctx)
		m.done.Go(func() { m.watch(ctx, cancel, generation) })
		m.mu.Lock()
		s := m.sources[source]
		s.epoch, s.first, s.settled = s.epoch+1, committed, map[int]bool{}
		if m.fault != "loses on a lost connection" || s.epoch == 1 {
			s.read = committed
		}
		epoch := s.epoch
		m.mu.Unlock()
		if m.fault == "takes the epoch again" {
			epoch = 1
		}
		if m.fault != "does not say Assigned" {
			m.host.Assigned(sdk.Source{Name: source, Epoch: epoch, StablePositions: true})
		}
		for m.batch(ctx, source, epoch) {
		}
		m.host.Revoked(source, epoch)
		cancel()
	}
}

// batch hands over what there is; false when the generation has ended.
func (m *logMQ) batch(ctx context.Context, source string, epoch uint64) bool {
	m.broker.mu.Lock()
	records, changed := m.broker.records[source], m.broker.changed
	m.broker.mu.Unlock()
	m.mu.Lock()
	s, woken := m.sources[source], m.changed
	from, paused := s.read, s.paused && m.fault != "ignores pause"
	m.mu.Unlock()
	to := min(len(records), from+7)
	if from == to || paused {
		select {
		case <-changed:
		case <-woken:
		case <-ctx.Done():
		}
		return ctx.Err() == nil
	}
	b := sdk.Records{Source: source, Epoch: epoch}
	for n := from; n < to; n++ {
		b.Records = append(b.Records, sdk.Record{Position: uint64(n), Body: bytes.Clone(records[n])})
	}
	if m.fault == "blocks without its context" {
		ctx = context.Background()
	}
	if err := m.host.Batch(ctx, b); err != nil {
		return false
	}
	m.mu.Lock()
	s.read = to
	m.mu.Unlock()
	if m.fault == "commits on receipt" {
		_ = m.broker.with(func() { m.broker.committed[source] = to })
	}
	return ctx.Err() == nil
}

func (m *logMQ) Settle(settlements []sdk.Settlement) {
	if m.fault != "keeps settlements" {
		m.settle(settlements)
		return
	}
	kept := slices.Clone(settlements) // But not what they refer to.
	m.kept = append(m.kept, func() { m.settle(kept) })
	if len(m.kept) == 2 {
		m.kept[0]() // The first one's positions were overwritten by now.
	}
}

func (m *logMQ) settle(settlements []sdk.Settlement) {
	for _, t := range settlements {
		m.mu.Lock()
		s := m.sources[t.Source]
		if t.Epoch != s.epoch && m.fault != "settles into the wrong epoch" || t.Outcome == sdk.Requeue {
			m.mu.Unlock()
			continue
		}
		for _, p := range t.Positions {
			s.settled[int(p)] = true
			if m.fault == "commits past a hole" {
				s.first = max(s.first, int(p)+1)
			}
		}
		for s.settled[s.first] {
			s.first++
		}
		first := s.first
		m.mu.Unlock()
		_ = m.broker.with(func() { m.broker.committed[t.Source] = first })
	}
}

func (m *logMQ) wake(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *logMQ) Publish(r []sdk.Outgoing) { m.wake(func() { m.outbox = append(m.outbox, r...) }) }
func (m *logMQ) Pause(source string)      { m.wake(func() { m.sources[source].paused = true }) }
func (m *logMQ) Resume(source string)     { m.wake(func() { m.sources[source].paused = false }) }

// publish answers what is published.
func (m *logMQ) publish() {
	for m.ctx.Err() == nil {
		m.mu.Lock()
		outbox, changed := m.outbox, m.changed
		m.outbox = nil
		m.mu.Unlock()
		var results []sdk.PublishResult
		for _, o := range outbox {
			if m.fault != "answers what it did not publish" {
				_ = m.broker.with(func() { m.broker.take(o) })
			}
			results = append(results, sdk.PublishResult{ID: o.ID})
		}
		if len(results) > 0 {
			m.host.Published(results)
			if m.fault == "answers twice" {
				m.host.Published(results)
			}
			continue
		}
		select {
		case <-changed:
		case <-m.ctx.Done():
		}
	}
}

// errNoBroker is for suites whose broker cannot be had.
var errNoBroker = errors.New("no broker")
