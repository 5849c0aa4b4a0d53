package pluginrpc

import (
	"bytes"
	"context"
	"sync"

	"github.com/pushcore/pushcore/sdk"
)

// mqLink is the runtime's end of an MQ plugin's link.
type mqLink struct {
	host sdk.MQHost
	down *stream // runtime → plugin's side
	up   *stream // plugin's side → run

	wake    chan struct{} // capacity 1: something is on up
	ending  chan struct{} // closed by stop
	done    chan struct{} // closed by run when it has ended
	batches sync.WaitGroup

	mu      sync.Mutex // guards cancels
	cancels map[uint64]context.CancelFunc

	scratch []byte // of Settle and Publish, which are never called at once

	results []sdk.PublishResult // owned by run
	fault   error               // owned by run: the plugin does not keep to the format
	broken  func(error)         // called by run for the fault, once; or nil
}

// newMQLink makes an end without streams; run begins to use them.
func newMQLink(h sdk.MQHost) *mqLink {
	return &mqLink{
		host: h, wake: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{}),
		cancels: map[uint64]context.CancelFunc{},
	}
}

// arrived tells run that something is on up.
func (m *mqLink) arrived() { signal(m.wake) }

// stop ends run, when it has taken what is there, and waits for it.
func (m *mqLink) stop() {
	close(m.ending)
	<-m.done
}

// Settle is sdk.MQ's.
func (m *mqLink) Settle(s []sdk.Settlement) {
	m.scratch = m.scratch[:0]
	for i := range s {
		m.scratch = AppendSettlement(m.scratch, &s[i])
	}
	m.down.put(m.scratch)
}

// Publish is sdk.MQ's. A record that is too long for the link is refused
// here, for good.
func (m *mqLink) Publish(r []sdk.Outgoing) {
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

// Pause is sdk.MQ's.
func (m *mqLink) Pause(source string) { m.down.put(AppendPause(nil, source, true)) }

// Resume is sdk.MQ's.
func (m *mqLink) Resume(source string) { m.down.put(AppendPause(nil, source, false)) }

// run takes what the plugin reports to the host.
func (m *mqLink) run() {
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
				m.fail(err)
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

// fail notes that the plugin does not keep to the format: nothing more is taken.
func (m *mqLink) fail(err error) {
	if m.fault != nil {
		return
	}
	m.fault = err
	m.up.close()
	if m.broken != nil {
		m.broken(err)
	} else {
		m.host.Log().Error("link is broken", "error", err)
	}
}

// report makes one of the host's calls.
func (m *mqLink) report(r *Record) error {
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
func (m *mqLink) giveResults() {
	if len(m.results) > 0 {
		m.host.Published(m.results)
		clear(m.results)
		m.results = m.results[:0]
	}
}

// batch hands records to the host on a goroutine of their own, for that blocks
// while the host has no room, and what comes behind must not. There is one for
// each source at most, since a source waits for its answer.
func (m *mqLink) batch(r *Record) error {
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
func (m *mqLink) cancel(token uint64) {
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
