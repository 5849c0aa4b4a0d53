package core

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// What an export of fates holds. What does not fit is dropped and counted: an
// export is for books of others, and must never slow what it tells of.
const (
	fatesWaitingMax  = 8_192 // handed in and not yet being worked off; as many may be at most
	fatesInFlightMax = 256   // given to the broker, without an answer
)

// fateExport publishes fates beside the loops, in the order in which they come.
type fateExport struct {
	publish func(sdk.Outgoing, host.Reply)
	lost    atomic.Uint64 // fates that no broker took

	mu      sync.Mutex   // guards the following
	waiting []shard.Fate // any goroutine → run
	closed  bool         // nothing is taken any more

	wake   chan struct{} // there is something waiting, or closed
	slots  chan struct{} // one is filled for each fate in flight
	giveUp chan struct{} // closed when nothing is waited for any more
	done   chan struct{} // closed when run has ended; nil before start
}

func newFateExport(publish func(sdk.Outgoing, host.Reply)) *fateExport {
	return &fateExport{
		publish: publish, wake: make(chan struct{}, 1),
		slots: make(chan struct{}, fatesInFlightMax), giveUp: make(chan struct{}),
	}
}

func (e *fateExport) start() {
	e.done = make(chan struct{})
	go e.run()
}

// put takes fates as far as there is room. It may be called from any goroutine and
// does not block; the slice stays the caller's.
func (e *fateExport) put(fates []shard.Fate) {
	e.mu.Lock()
	room := fatesWaitingMax - len(e.waiting)
	if e.closed {
		room = 0
	}
	n := min(room, len(fates))
	e.waiting = append(e.waiting, fates[:n]...)
	e.mu.Unlock()
	e.lost.Add(uint64(len(fates) - n))
	e.stir()
}

func (e *fateExport) stir() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// close gives the broker time to take what is left, then ends run. Fates that come
// later are lost.
func (e *fateExport) close(patience time.Duration) {
	if e.done == nil {
		return
	}
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stir()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-e.done:
	case <-late.C:
		close(e.giveUp)
		<-e.done
	}
}

// run publishes what comes, until close.
func (e *fateExport) run() {
	defer close(e.done)
	var batch []shard.Fate
	for closed := false; !closed; {
		<-e.wake
		e.mu.Lock()
		batch, e.waiting = e.waiting, batch[:0]
		closed = e.closed
		e.mu.Unlock()
		e.publishAll(batch)
		clear(batch)
	}
	for range cap(e.slots) { // All are free when all has been answered.
		if !e.slot() {
			return
		}
	}
}

func (e *fateExport) publishAll(batch []shard.Fate) {
	for i := range batch {
		if !e.slot() {
			e.lost.Add(uint64(len(batch) - i))
			return
		}
		e.publish(sdk.Outgoing{Output: sdk.OutputFates, Key: []byte(batch[i].User), Body: batch[i].Body()}, e.published)
	}
}

// slot waits until one more may be in flight, and says whether that is so.
func (e *fateExport) slot() bool {
	select {
	case e.slots <- struct{}{}:
		return true
	case <-e.giveUp:
		return false
	}
}

// published takes the broker's answer. What it does not take is not tried again:
// by then there is newer to tell.
func (e *fateExport) published(r sdk.PublishResult) {
	if r.Error != "" {
		e.lost.Add(1)
	}
	select {
	case <-e.slots:
	default: // Only of a plugin that answers after close, when run fills the slots.
	}
}
