package pluginrpc

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// MQ is an MQ plugin behind its records: what the runtime calls reaches the
// plugin on another goroutine, and so does what the plugin calls.
type MQ struct {
	plugin sdk.MQ
	host   sdk.MQHost
	there  *broker
	down   *stream // runtime → plugin's goroutine
	up     *stream // plugin → the goroutine of run

	wake    chan struct{} // capacity 1: something is on up
	ending  chan struct{} // closed by Close
	done    chan struct{} // closed by run when it has ended
	batches sync.WaitGroup

	mu      sync.Mutex // guards cancels
	cancels map[uint64]context.CancelFunc

	scratch []byte // of Settle and Publish, which are never called at once

	results []sdk.PublishResult // owned by run
}

var _ sdk.MQ = (*MQ)(nil)

// NewMQ puts an MQ plugin behind its records.
func NewMQ(plugin sdk.MQ) *MQ { return &MQ{plugin: plugin} }

// Info implements sdk.Plugin.
func (m *MQ) Info() sdk.Info { return info(m.plugin) }

// Configure implements sdk.Plugin.
func (m *MQ) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	return configure(m.plugin, options)
}

// Open implements sdk.MQ.
func (m *MQ) Open(h sdk.MQHost) error {
	m.host = h
	m.wake, m.ending, m.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	m.cancels = map[uint64]context.CancelFunc{}
	m.up = &stream{wake: func() { signal(m.wake) }}
	m.there = newBroker(m.plugin, m.up, h.Log())
	m.down = m.there.down
	go m.run()
	go m.there.run()
	a := call(func() opened { return opened{Error: text(m.plugin.Open(m.there))} })
	if a.Error != "" {
		m.stop()
	}
	return crossed(a.Error)
}

// Settle implements sdk.MQ.
func (m *MQ) Settle(s []sdk.Settlement) {
	m.scratch = m.scratch[:0]
	for i := range s {
		m.scratch = AppendSettlement(m.scratch, &s[i])
	}
	m.down.put(m.scratch)
}

// Publish implements sdk.MQ. A record that is too long for the link is refused
// here, for good.
func (m *MQ) Publish(r []sdk.Outgoing) {
	m.scratch = m.scratch[:0]
	for i := range r {
		start := len(m.scratch)
		m.scratch = AppendOutgoing(m.scratch, &r[i])
		if len(m.scratch)-start-HeaderSize > MaxBody {
			m.scratch = m.scratch[:start]
			m.up.put(AppendPublished(nil, &sdk.PublishResult{ID: r[i].ID, Error: tooLong, Final: true}))
		}
	}
	m.down.put(m.scratch)
}

// Pause implements sdk.MQ.
func (m *MQ) Pause(source string) { m.down.put(AppendPause(nil, source, true)) }

// Resume implements sdk.MQ.
func (m *MQ) Resume(source string) { m.down.put(AppendPause(nil, source, false)) }

// Close implements sdk.Plugin. What the plugin reported last is with the host
// when it returns.
func (m *MQ) Close(deadline time.Time) error {
	m.there.settle()
	err := closePlugin(m.plugin, deadline)
	m.stop()
	return err
}

// stop ends the goroutines of both sides and waits for them.
func (m *MQ) stop() {
	m.up.close()
	close(m.ending)
	<-m.done
	m.there.stop()
}

// run takes what the plugin reports to the host.
func (m *MQ) run() {
	defer close(m.done)
	var taken []byte
	for ended := false; !ended; {
		select {
		case <-m.wake:
		case <-m.ending:
			ended = true
		}
		taken = m.up.take(taken)
		for b := taken; len(b) > 0; {
			r, rest, err := Next(b)
			if err == nil {
				err = m.report(&r)
			}
			if err != nil {
				m.host.Log().Error("link is broken", "error", err)
				break
			}
			b = rest
		}
		m.giveResults()
	}
	m.mu.Lock()
	for _, cancel := range m.cancels {
		cancel()
	}
	m.mu.Unlock()
	m.batches.Wait()
}

// report makes one of the host's calls.
func (m *MQ) report(r *Record) error {
	if r.Kind == KindPublished {
		p, err := r.Published()
		m.results = append(m.results, p)
		return err
	}
	m.giveResults()
	switch r.Kind {
	case KindAssigned:
		s, err := r.Assigned()
		if err == nil {
			m.host.Assigned(s)
		}
		return err
	case KindRevoked:
		source, epoch, err := r.Revoked()
		if err == nil {
			m.host.Revoked(source, epoch)
		}
		return err
	case KindBatch:
		return m.batch(r)
	case KindCancel:
		token, err := r.Cancel()
		if err == nil {
			m.cancel(token)
		}
		return err
	case KindStatus:
		up, text, err := r.Status()
		if err == nil {
			m.host.Status(up, text)
		}
		return err
	case KindLag:
		source, records, err := r.Lag()
		if err == nil {
			m.host.Lag(source, records)
		}
		return err
	}
	return r.malformed("an MQ plugin sends no such record")
}

// giveResults hands over results that followed each other.
func (m *MQ) giveResults() {
	if len(m.results) > 0 {
		m.host.Published(m.results)
		clear(m.results)
		m.results = m.results[:0]
	}
}

// batch hands records to the host on a goroutine of their own, for that blocks
// while the host has no room, and what comes behind must not. There is one for
// each source at most, since a source waits for its answer.
func (m *MQ) batch(r *Record) error {
	r.Body = bytes.Clone(r.Body) // The host becomes the owner.
	token, records, err := r.Records()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.mu.Lock()
	m.cancels[token] = cancel
	m.mu.Unlock()
	m.batches.Go(func() {
		err := m.host.Batch(ctx, records)
		m.cancel(token)
		m.down.put(AppendTaken(nil, token, err != nil, text(err)))
	})
	return nil
}

// cancel ends the wait for room of one batch.
func (m *MQ) cancel(token uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if cancel := m.cancels[token]; cancel != nil {
		cancel()
		delete(m.cancels, token)
	}
}

// tooLong is why a record is refused that no link can carry.
const tooLong = "the record is longer than a link to the plugin can carry"

// signal sets a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
