package pluginrpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/pushcore/pushcore/sdk"
)

// errClosed is what a plugin is told that hands over records while it is closed.
var errClosed = errors.New("pluginrpc: the link is closed")

// broker is the plugin's side of an MQ plugin's link: the host that it sees, and
// the goroutine that calls it.
type broker struct {
	plugin sdk.MQ       // immutable, like all up to done
	log    *slog.Logger // the host's
	up     *stream
	down   *stream
	wake   chan struct{}      // capacity 1: something is on down
	empty  chan chan struct{} // settle → run
	gone   chan struct{}      // closed by stop: nobody answers any more
	done   chan struct{}      // closed by run when it has ended

	mu      sync.Mutex // guards token and waiting
	token   uint64
	waiting map[uint64]chan error // for a batch to be taken; capacity 1

	// Everything following is owned by run.
	taken     []byte
	settled   []sdk.Settlement
	published []sdk.Outgoing
}

var _ sdk.MQHost = (*broker)(nil)

// newBroker makes a side without streams; run begins to use them.
func newBroker(p sdk.MQ, log *slog.Logger) *broker {
	return &broker{
		plugin: p, log: log,
		wake: make(chan struct{}, 1), empty: make(chan chan struct{}),
		gone: make(chan struct{}), done: make(chan struct{}),
		waiting: map[uint64]chan error{},
	}
}

// arrived tells run that something is on down.
func (b *broker) arrived() { signal(b.wake) }

// run calls the plugin with what is on the link.
func (b *broker) run() {
	defer close(b.done)
	for {
		select {
		case <-b.wake:
			b.take()
		case done := <-b.empty:
			b.take()
			close(done)
		case <-b.gone:
			return
		}
	}
}

// settle returns when the plugin was called with all that is on the link.
func (b *broker) settle() {
	done := make(chan struct{})
	b.empty <- done
	<-done
}

// stop ends run and waits for it. Who still waits for an answer gets errClosed.
func (b *broker) stop() {
	close(b.gone)
	<-b.done
}

func (b *broker) take() {
	b.taken = b.down.take(b.taken)
	for rest := b.taken; len(rest) > 0; {
		r, next, err := Next(rest)
		if err == nil {
			err = b.apply(&r)
		}
		if err != nil {
			b.log.Error("link is broken", "error", err)
			break
		}
		rest = next
	}
	b.give()
}

// apply makes one of the plugin's calls. Records of a kind that follow each other
// make one call.
func (b *broker) apply(r *Record) error {
	if len(b.settled) > 0 && r.Kind != KindSettle || len(b.published) > 0 && r.Kind != KindPublish {
		b.give()
	}
	switch r.Kind {
	case KindSettle:
		s, err := r.Settlement()
		if err == nil {
			b.settled = append(b.settled, s)
		}
		return err
	case KindPublish:
		r.Body = bytes.Clone(r.Body) // The plugin becomes the owner.
		o, err := r.Outgoing()
		if err == nil {
			b.published = append(b.published, o)
		}
		return err
	case KindPause, KindResume:
		source, err := r.Source()
		switch {
		case err != nil:
		case r.Kind == KindPause:
			b.plugin.Pause(source)
		default:
			b.plugin.Resume(source)
		}
		return err
	case KindTaken:
		token, refused, text, err := r.Taken()
		if err == nil {
			b.answer(token, refused, text)
		}
		return err
	}
	return r.malformed("an MQ plugin takes no such record")
}

func (b *broker) give() {
	if len(b.settled) > 0 {
		b.plugin.Settle(b.settled)
		clear(b.settled)
		b.settled = b.settled[:0]
	}
	if len(b.published) > 0 {
		b.plugin.Publish(b.published)
		b.published = nil // They are the plugin's.
	}
}

// answer tells who handed over a batch what became of it.
func (b *broker) answer(token uint64, refused bool, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	waits := b.waiting[token]
	delete(b.waiting, token)
	switch {
	case waits == nil:
	case refused:
		waits <- errors.New(text)
	default:
		waits <- nil
	}
}

// Batch implements sdk.MQHost.
func (b *broker) Batch(ctx context.Context, records sdk.Records) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	waits := make(chan error, 1)
	b.mu.Lock()
	b.token++
	token := b.token
	b.waiting[token] = waits
	b.mu.Unlock()
	record := AppendRecords(nil, token, &records)
	if n := len(record) - HeaderSize; n > MaxBody {
		b.answer(token, false, "")
		return fmt.Errorf("pluginrpc: a batch of %d bytes, a link carries at most %d", n, MaxBody)
	}
	b.up.put(record)
	select {
	case err := <-waits:
		return err
	case <-b.gone:
		return errClosed
	case <-ctx.Done():
		return b.cancel(ctx, token, waits)
	}
}

// cancel takes a batch back. It waits for the answer, for the batch may have been
// taken while the cancellation was under way.
func (b *broker) cancel(ctx context.Context, token uint64, waits chan error) error {
	b.up.put(AppendCancel(nil, token))
	select {
	case err := <-waits:
		if err != nil {
			return ctx.Err()
		}
		return nil
	case <-b.gone:
		return errClosed
	}
}

// Assigned implements sdk.MQHost.
func (b *broker) Assigned(s sdk.Source) { b.up.put(AppendAssigned(nil, s)) }

// Revoked implements sdk.MQHost.
func (b *broker) Revoked(source string, epoch uint64) { b.up.put(AppendRevoked(nil, source, epoch)) }

// Published implements sdk.MQHost.
func (b *broker) Published(results []sdk.PublishResult) {
	var records []byte
	for i := range results {
		records = AppendPublished(records, &results[i])
	}
	b.up.put(records)
}

// Status implements sdk.MQHost.
func (b *broker) Status(up bool, text string) { b.up.put(AppendStatus(nil, up, text)) }

// Lag implements sdk.MQHost.
func (b *broker) Lag(source string, records int64) { b.up.put(AppendLag(nil, source, records)) }

// Log implements sdk.MQHost.
func (b *broker) Log() *slog.Logger { return b.log }
